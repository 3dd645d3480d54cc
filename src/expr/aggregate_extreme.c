/* The greatest, the least, the first: one value of the group. Also bool_and, bit_or and their like.
 *
 * min and max fold only where nothing is taken back; else, and for whatever follows an order, the operator keeps the values in
 * order and one entry is read. */
#include <math.h>

#include "expr/aggregate_rows.h"
#include "type/row.h"

/* ---- min, max ---- */

enum { EXTREME_INLINE_BYTES = 16 };

typedef struct Extreme {
	uint32_t set, bytes;                  /* bytes: of a string */
	uint32_t spill, room;                 /* a string longer than the words below lies there */
	union { int64_t i64; double f64; uint64_t words[2]; char text[EXTREME_INLINE_BYTES]; };
} Extreme;

AGGREGATE_BYTES_OF(min, Extreme)
AGGREGATE_BYTES_OF(max, Extreme)

static Value extreme_value(const Extreme *s, Type type, const AggregateSpill *spill)
{
	Value value = {.type = type};
	switch (type_phys(type)) {
	case PHYS_I64: value.i64 = s->i64; break;
	case PHYS_F64: value.f64 = s->f64; break;
	case PHYS_I128: memcpy(&value.i128, s->words, sizeof value.i128); break;
	case PHYS_INTERVAL: memcpy(&value.interval, s->words, sizeof value.interval); break;
	case PHYS_STR: value.str = str_borrow(s->bytes > EXTREME_INLINE_BYTES ? spill->at(spill->context, s->spill) : s->text, s->bytes); break;
	}
	return value;
}

static char *extreme_room(Extreme *s, uint32_t bytes, const AggregateSpill *spill)
{
	if (bytes <= EXTREME_INLINE_BYTES) return s->text;
	if (s->room < bytes) {
		if (s->spill) spill->free(spill->context, s->spill);
		s->room = (bytes + 63) & ~63u;
		s->spill = spill->alloc(spill->context, s->room);
	}
	return spill->at(spill->context, s->spill);
}

static void extreme_set(Extreme *s, const Value *value, const AggregateSpill *spill)
{
	s->set = 1;
	switch (type_phys(value->type)) {
	case PHYS_I64: s->i64 = value->i64; break;
	case PHYS_F64: s->f64 = value->f64; break;
	case PHYS_I128: memcpy(s->words, &value->i128, sizeof value->i128); break;
	case PHYS_INTERVAL: memcpy(s->words, &value->interval, sizeof value->interval); break;
	case PHYS_STR:
		memcpy(extreme_room(s, value->str.bytes, spill), str_at(&value->str), value->str.bytes);
		s->bytes = value->str.bytes;
		break;
	}
}

static void extreme_offer(Extreme *s, const Value *value, int direction, const AggregateSpill *spill)
{
	if (s->set) {
		Value held = extreme_value(s, value->type, spill);
		if (value_compare(value, &held) * direction <= 0) return;
	}
	extreme_set(s, value, spill);
}

static void extreme_apply(void *const *groups, const Column *args, int arg_count, int count, int direction, const AggregateSpill *spill)
{
	const int64_t *weights = NULL;
	FOLD_ROWS(Extreme, (void)w; Value value = column_value(&args[0], i); extreme_offer(s, &value, direction, spill););
}

AGGREGATE_APPLY(min)
{
	PhysKind phys = type_phys(args[0].type);
	if (phys == PHYS_I64) FOLD_ROWS(Extreme, (void)w; if (!s->set || args[0].i64[i] < s->i64) { s->i64 = args[0].i64[i]; s->set = 1; });
	else if (phys == PHYS_F64) FOLD_ROWS(Extreme, (void)w; if (!s->set || args[0].f64[i] < s->f64) { s->f64 = args[0].f64[i]; s->set = 1; });
	else extreme_apply(groups, args, arg_count, count, -1, spill);
}

AGGREGATE_APPLY(max)
{
	PhysKind phys = type_phys(args[0].type);
	if (phys == PHYS_I64) FOLD_ROWS(Extreme, (void)w; if (!s->set || args[0].i64[i] > s->i64) { s->i64 = args[0].i64[i]; s->set = 1; });
	else if (phys == PHYS_F64) FOLD_ROWS(Extreme, (void)w; if (!s->set || args[0].f64[i] > s->f64) { s->f64 = args[0].f64[i]; s->set = 1; });
	else extreme_apply(groups, args, arg_count, count, 1, spill);
}

static void extreme_merge(void *into, const void *from, Type type, int direction, const AggregateSpill *spill)
{
	const Extreme *other = from;
	if (!other->set) return;
	Value value = extreme_value(other, type, spill);
	Arena kept;                                       /* growing `into` may move what a long string points to */
	arena_init(&kept, 0);
	value = value_keep(&value, &kept);
	extreme_offer(into, &value, direction, spill);
	arena_release(&kept);
}

AGGREGATE_MERGE(min)
{
	(void)arg_count;
	extreme_merge(into, from, args[0], -1, spill);
}

AGGREGATE_MERGE(max)
{
	(void)arg_count;
	extreme_merge(into, from, args[0], 1, spill);
}

AGGREGATE_RESULT(extreme)
{
	(void)arg_count;
	const Extreme *s = state;
	value_set_null(out, args[0]);
	if (!s->set) return;
	Value value = extreme_value(s, args[0], spill);
	*out = value_keep(&value, scratch);
}

AGGREGATE_RELEASE(extreme)
{
	Extreme *s = state;
	if (s->spill) spill->free(spill->context, s->spill);
	*s = (Extreme){0};
}

/* ---- what the order puts first or last ---- */

AGGREGATE_ORDERED(first)
{
	(void)parameters; (void)arg_count;
	Value values[AGGREGATE_VALUES_MAX];
	int64_t count;
	if (cursor->next(cursor, values, &count)) *out = value_keep(&values[0], scratch);
	else value_set_null(out, args[0]);
}

AGGREGATE_ORDERED(last)
{
	(void)parameters; (void)arg_count;
	Value values[AGGREGATE_VALUES_MAX];
	int64_t count;
	value_set_null(out, args[0]);
	while (cursor->next(cursor, values, &count)) *out = value_keep(&values[0], scratch);
}

/* ---- bool_and, bool_or ---- */

typedef struct Bools { int64_t trues, falses; } Bools;

AGGREGATE_BYTES_OF(bools, Bools)

AGGREGATE_APPLY(bools)
{
	FOLD_ROWS(Bools, if (args[0].i64[i]) s->trues += w; else s->falses += w;);
}

AGGREGATE_MERGE(bools)
{
	(void)args; (void)arg_count; (void)spill;
	Bools *s = into;
	const Bools *other = from;
	s->trues += other->trues;
	s->falses += other->falses;
}

static void value_set_boolean(Value *out, bool is_null, bool value)
{
	*out = (Value){.type = TYPE(BOOLEAN), .is_null = is_null};
	out->i64 = !is_null && value;
}

AGGREGATE_RESULT(bool_and)
{
	(void)args; (void)arg_count; (void)scratch; (void)spill;
	const Bools *s = state;
	value_set_boolean(out, !s->trues && !s->falses, !s->falses);
}

AGGREGATE_RESULT(bool_or)
{
	(void)args; (void)arg_count; (void)scratch; (void)spill;
	const Bools *s = state;
	value_set_boolean(out, !s->trues && !s->falses, s->trues);
}

/* ---- bit_and, bit_or, bit_xor ---- */

typedef struct Bits { int64_t count, bits; } Bits;

AGGREGATE_BYTES_OF(bit_and, Bits)
AGGREGATE_BYTES_OF(bit_or, Bits)
AGGREGATE_BYTES_OF(bit_xor, Bits)

AGGREGATE_APPLY(bit_and)
{
	FOLD_ROWS(Bits, s->bits = s->count ? s->bits & args[0].i64[i] : args[0].i64[i]; s->count += w;);
}

AGGREGATE_APPLY(bit_or)
{
	FOLD_ROWS(Bits, s->bits |= args[0].i64[i]; s->count += w;);
}

AGGREGATE_APPLY(bit_xor)
{
	FOLD_ROWS(Bits, if (w & 1) s->bits ^= args[0].i64[i]; s->count += w;);
}

AGGREGATE_MERGE(bit_and)
{
	(void)args; (void)arg_count; (void)spill;
	Bits *s = into;
	const Bits *other = from;
	if (other->count) s->bits = s->count ? s->bits & other->bits : other->bits;
	s->count += other->count;
}

AGGREGATE_MERGE(bit_or)
{
	(void)args; (void)arg_count; (void)spill;
	Bits *s = into;
	const Bits *other = from;
	s->bits |= other->bits;
	s->count += other->count;
}

AGGREGATE_MERGE(bit_xor)
{
	(void)args; (void)arg_count; (void)spill;
	Bits *s = into;
	const Bits *other = from;
	s->bits ^= other->bits;
	s->count += other->count;
}

AGGREGATE_RESULT(bits)
{
	(void)args; (void)arg_count; (void)scratch; (void)spill;
	const Bits *s = state;
	if (s->count) value_set_integer(out, s->bits);
	else value_set_null(out, TYPE(INTEGER));
}

AGGREGATE_ORDERED(bit_and)
{
	(void)parameters; (void)args; (void)arg_count; (void)scratch;
	Value values[AGGREGATE_VALUES_MAX];
	int64_t count, bits = -1;
	bool any = false;
	for (; cursor->next(cursor, values, &count); any = true) bits &= values[0].i64;
	if (any) value_set_integer(out, bits);
	else value_set_null(out, TYPE(INTEGER));
}

AGGREGATE_ORDERED(bit_or)
{
	(void)parameters; (void)args; (void)arg_count; (void)scratch;
	Value values[AGGREGATE_VALUES_MAX];
	int64_t count, bits = 0;
	bool any = false;
	for (; cursor->next(cursor, values, &count); any = true) bits |= values[0].i64;
	if (any) value_set_integer(out, bits);
	else value_set_null(out, TYPE(INTEGER));
}
