/* The table of aggregates and how a call finds its row. */
#include "expr/aggregate.h"

#include <string.h>
#include <strings.h>

#include "base/nearest.h"
#include "expr/aggregate_rows.h"

static Type result_integer(const Type *args, int arg_count) { (void)args; (void)arg_count; return TYPE(INTEGER); }
static Type result_real(const Type *args, int arg_count) { (void)args; (void)arg_count; return TYPE(REAL); }
static Type result_boolean(const Type *args, int arg_count) { (void)args; (void)arg_count; return TYPE(BOOLEAN); }
static Type result_text(const Type *args, int arg_count) { (void)args; (void)arg_count; return TYPE(TEXT); }
static Type result_json(const Type *args, int arg_count) { (void)args; (void)arg_count; return TYPE(JSON); }
static Type result_interval(const Type *args, int arg_count) { (void)args; (void)arg_count; return TYPE(INTERVAL); }
static Type result_same(const Type *args, int arg_count) { (void)arg_count; return args[0]; }
static Type result_decimal_sum(const Type *args, int arg_count) { (void)arg_count; return type_decimal(DECIMAL_PRECISION_MAX, args[0].scale); }

#define FOLD(state_, result_) .state_bytes = state_##_bytes, .apply = state_##_apply, .merge = state_##_merge, .fold_result = result_##_result
#define PAIR(result_) .skips_nulls = true, .skips_second_nulls = true, FOLD(pair_moments, result_), .release = pair_moments_release

const Aggregate AGGREGATES[] = {
#define AGGREGATE(...) {__VA_ARGS__},
#define AGGREGATE_ALIAS(alias, name)
#include "expr/aggregates.def"
#undef AGGREGATE
#undef AGGREGATE_ALIAS
};

const int AGGREGATE_COUNT = sizeof AGGREGATES / sizeof *AGGREGATES;

static const struct { const char *alias, *name; } ALIASES[] = {
#define AGGREGATE(...)
#define AGGREGATE_ALIAS(alias_, name_) {alias_, name_},
#include "expr/aggregates.def"
#undef AGGREGATE
#undef AGGREGATE_ALIAS
};

enum { ALIAS_COUNT = sizeof ALIASES / sizeof *ALIASES, ARGS_MAX = 4 };

const char *aggregate_name(int n)
{
	if (n < AGGREGATE_COUNT) return AGGREGATES[n].name;
	return n < AGGREGATE_COUNT + ALIAS_COUNT ? ALIASES[n - AGGREGATE_COUNT].alias : NULL;
}

const Aggregate *aggregate_find(const char *name)
{
	for (int i = 0; i < ALIAS_COUNT; i++)
		if (strcasecmp(name, ALIASES[i].alias) == 0) name = ALIASES[i].name;
	for (int i = 0; i < AGGREGATE_COUNT; i++)
		if (strcasecmp(name, AGGREGATES[i].name) == 0) return &AGGREGATES[i];
	return NULL;
}

/* ---- overloads ---- */

typedef enum Fit { FIT_NOT, FIT_IF_CONSTANT, FIT_BY_CAST, FIT_EXACT } Fit;

typedef struct Wanted { Type type; bool any, constant; } Wanted;

static int signature_read(const char *signature, Wanted *wanted)
{
	static const struct { const char *name; TypeKind kind; } KINDS[] = {
		{"integer", TYPE_INTEGER}, {"real", TYPE_REAL}, {"decimal", TYPE_DECIMAL}, {"boolean", TYPE_BOOLEAN}, {"text", TYPE_TEXT},
		{"interval", TYPE_INTERVAL}, {"any", TYPE_NULL},
	};
	if (*signature == '*') return 0;
	int count = 0;
	for (const char *at = signature; *at; at += strspn(at, ", ")) {
		Wanted *w = &wanted[count++];
		*w = (Wanted){.constant = strncmp(at, "const ", 6) == 0};
		if (w->constant) at += 6;
		size_t bytes = strcspn(at, ",");
		for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
			if (strlen(KINDS[i].name) == bytes && memcmp(at, KINDS[i].name, bytes) == 0) w->type.kind = KINDS[i].kind;
		w->any = w->type.kind == TYPE_NULL;
		at += bytes;
	}
	return count;
}

/* Numbers widen, BOOLEAN counts as 0 and 1, and text is read as a number as SQLite does; text is made of anything. */
static Fit argument_fit(const Wanted *wanted, Type have)
{
	if (wanted->any) return have.kind == TYPE_ROW ? FIT_NOT : FIT_EXACT;
	if (have.kind == wanted->type.kind) return FIT_EXACT;
	if (have.kind == TYPE_NULL) return FIT_BY_CAST;
	if (wanted->constant && have.kind == TYPE_JSON) return FIT_NOT;      /* one fraction, not an array of them */
	switch (wanted->type.kind) {
	case TYPE_INTEGER: return have.kind == TYPE_BOOLEAN ? FIT_BY_CAST : FIT_NOT;
	case TYPE_BOOLEAN: return have.kind == TYPE_INTEGER ? FIT_BY_CAST : FIT_NOT;
	case TYPE_TEXT: return have.kind == TYPE_ROW ? FIT_NOT : FIT_BY_CAST;
	case TYPE_REAL:
		switch (have.kind) {
		case TYPE_INTEGER: case TYPE_DECIMAL: case TYPE_BOOLEAN: case TYPE_TEXT: case TYPE_BLOB: case TYPE_JSON: return FIT_BY_CAST;
		default: return FIT_NOT;
		}
	default: return FIT_NOT;
	}
}

static Fit row_fit(const Aggregate *row, Expr **args, int arg_count, bool star)
{
	Wanted wanted[ARGS_MAX];
	bool wants_star = *row->signature == '*';
	if (wants_star) return arg_count == 0 ? FIT_EXACT : FIT_NOT;      /* count() is count(*) */
	if (star || signature_read(row->signature, wanted) != arg_count) return FIT_NOT;
	Fit fit = FIT_EXACT;
	for (int i = 0; i < arg_count; i++) {
		Fit one = argument_fit(&wanted[i], args[i]->type);
		if (one != FIT_NOT && wanted[i].constant && !expr_is_constant(args[i])) one = FIT_IF_CONSTANT;
		if (one < fit) fit = one;
	}
	return fit;
}

static const Aggregate *best_row(const Aggregate *first, Expr **args, int arg_count, bool star)
{
	const Aggregate *best = NULL;
	Fit best_fit = FIT_NOT;
	for (const Aggregate *row = first; row < AGGREGATES + AGGREGATE_COUNT && strcmp(row->name, first->name) == 0; row++) {
		Fit fit = row_fit(row, args, arg_count, star);
		if (fit <= best_fit) continue;
		best = row;
		best_fit = fit;
	}
	return best;
}

/* ---- errors ---- */

static const Aggregate *unknown_name(const char *name, Span span, Error *err)
{
	Nearest nearest;
	nearest_init(&nearest, name);
	for (int i = 0; aggregate_name(i); i++) nearest_offer(&nearest, aggregate_name(i));
	error_set(err, ERR_UNDEFINED_FUNCTION, span, "aggregate function \"%s\" does not exist", name);
	if (nearest.best) error_hint(err, "Did you mean %s?", nearest.best);
	return NULL;
}

static const Aggregate *no_overload(const Aggregate *first, const char *name, Expr **args, int arg_count, bool star, Span span, Error *err)
{
	StrBuf given = STRBUF_INIT, known = STRBUF_INIT;
	if (star) strbuf_addc(&given, '*');
	for (int i = 0; i < arg_count; i++) {
		if (i) strbuf_adds(&given, ", ");
		type_print(args[i]->type, &given);
	}
	for (const Aggregate *row = first; row < AGGREGATES + AGGREGATE_COUNT && strcmp(row->name, first->name) == 0; row++)
		strbuf_printf(&known, "%s%s(%s)", row == first ? "" : ", ", name, row->signature);
	error_set(err, ERR_UNDEFINED_FUNCTION, span, "aggregate function %s(%s) does not exist", name, given.text);
	error_hint(err, "It can be called as %s.", known.text);
	strbuf_release(&given);
	strbuf_release(&known);
	return NULL;
}

static bool cast_arguments(Arena *arena, const Aggregate *row, const char *name, Expr **args, Error *err)
{
	Wanted wanted[ARGS_MAX];
	int count = signature_read(row->signature, wanted);
	for (int i = 0; i < count; i++) {
		if (wanted[i].constant && !expr_is_constant(args[i]))
			return error_set(err, ERR_UNSUPPORTED, args[i]->span, "argument %d of %s must be a constant", i + 1, name);
		if (wanted[i].any || args[i]->type.kind == wanted[i].type.kind) continue;
		Type to = wanted[i].type;
		if (to.kind == TYPE_DECIMAL) to = type_decimal(DECIMAL_PRECISION_MAX, DECIMAL_DEFAULT_SCALE);
		args[i] = expr_cast(arena, args[i], to, CAST_EXPLICIT, err);
		if (!args[i]) return false;
	}
	return true;
}

const Aggregate *aggregate_resolve(Arena *arena, const char *name, Expr **args, int arg_count, bool star, Span span, Error *err)
{
	const Aggregate *first = aggregate_find(name);
	if (!first) return unknown_name(name, span, err);
	const Aggregate *row = best_row(first, args, arg_count, star);
	if (!row) return no_overload(first, name, args, arg_count, star, span, err);
	return cast_arguments(arena, row, name, args, err) ? row : NULL;
}
