#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "expr/aggregate.h"
#include "expr/exact.h"
#include "type/row.h"
#include "type/text.h"

/* ---- a place for what aggregates spill ---- */

typedef struct Blocks { void *at[4096]; uint32_t bytes[4096]; uint32_t count, live; } Blocks;

static uint32_t block_alloc(void *context, uint32_t bytes)
{
	Blocks *blocks = context;
	assert_true(blocks->count + 1 < 4096);
	blocks->at[++blocks->count] = mem_zalloc(bytes);
	blocks->bytes[blocks->count] = bytes;
	blocks->live++;
	return blocks->count;
}

/* Blocks move at every call, so a pointer that is kept too long is found. */
static void *block_at(void *context, uint32_t handle)
{
	Blocks *blocks = context;
	assert_true(handle > 0 && handle <= blocks->count && blocks->at[handle]);
	return blocks->at[handle];
}

static void block_free(void *context, uint32_t handle)
{
	Blocks *blocks = context;
	assert_non_null(blocks->at[handle]);
	free(blocks->at[handle]);
	blocks->at[handle] = NULL;
	blocks->live--;
}

static AggregateSpill spill_make(Blocks *blocks)
{
	memset(blocks, 0, sizeof *blocks);
	return (AggregateSpill){.context = blocks, .alloc = block_alloc, .at = block_at, .free = block_free};
}

/* ---- examples ---- */

enum { ROWS_MAX = 32, ARGS_MAX = 3 };

typedef struct Example {
	Arena arena;
	char name[64];
	int columns[ARGS_MAX];                    /* of argument i: 0 is x, 1 is y, -1: a constant */
	Value constants[ARGS_MAX];
	int arg_count;
	bool star;
	Value rows[ROWS_MAX][2];
	int row_count;
} Example;

static const char *skip_blank(const char *at) { return at + strspn(at, " ,"); }

static const char *read_literal(const char *at, Value *out, Arena *arena)
{
	*out = (Value){0};
	if (strncmp(at, "NULL", 4) == 0) return out->is_null = true, at + 4;
	if (strncmp(at, "true", 4) == 0) return *out = (Value){.type = TYPE(BOOLEAN), .i64 = 1}, at + 4;
	if (strncmp(at, "false", 5) == 0) return *out = (Value){.type = TYPE(BOOLEAN)}, at + 5;
	bool interval = strncmp(at, "INTERVAL ", 9) == 0, decimal = strncmp(at, "DECIMAL ", 8) == 0;
	if (interval) at += 9;
	if (decimal) at += 8;
	if (*at == '\'') {
		size_t bytes = strcspn(at + 1, "'");
		if (interval) {
			out->type = TYPE(INTERVAL);
			assert_true(text_to_interval(at + 1, bytes, &out->interval));
		} else {
			out->type = TYPE(TEXT);
			out->str = str_copy(arena, at + 1, bytes);
		}
		return at + bytes + 2;
	}
	size_t bytes = strspn(at, "-0123456789.e");
	bool real = memchr(at, '.', bytes) || memchr(at, 'e', bytes);
	out->type = decimal ? type_decimal(10, 2) : real ? TYPE(REAL) : TYPE(INTEGER);
	assert_true(text_to_value(at, bytes, out->type, out, arena));
	return at + bytes;
}

static void example_read(const char *text, Example *example)
{
	size_t bytes = strcspn(text, "(");
	snprintf(example->name, sizeof example->name, "%.*s", (int)bytes, text);
	for (const char *at = text + bytes + 1;; example->arg_count++) {
		at = skip_blank(at);
		int i = example->arg_count;
		if (*at == ')') break;
		if (*at == '*') {
			example->star = true;
			break;
		}
		example->columns[i] = *at == 'x' ? 0 : *at == 'y' ? 1 : -1;
		at = example->columns[i] < 0 ? read_literal(at, &example->constants[i], &example->arena) : at + 1;
	}
	const char *at = strstr(text, " of ");
	assert_non_null(at);
	for (at += 4; *at == '('; at = skip_blank(at)) {
		at++;
		for (int c = 0; *at != ')'; c++) at = skip_blank(read_literal(at, &example->rows[example->row_count][c], &example->arena));
		example->row_count++;
		at++;
	}
}

static Type example_type(const Example *example, int arg)
{
	if (example->columns[arg] < 0) return example->constants[arg].type;
	for (int row = 0; row < example->row_count; row++)
		if (!example->rows[row][example->columns[arg]].is_null) return example->rows[row][example->columns[arg]].type;
	return TYPE(REAL);
}

static Value example_value(Example *example, int row, int arg, Type type)
{
	Value value = example->columns[arg] < 0 ? example->constants[arg] : example->rows[row][example->columns[arg]];
	if (type.kind == TYPE_REAL && value.type.kind == TYPE_INTEGER) value.f64 = (double)value.i64;
	value.type = type;
	return value;
}

typedef struct RowCursor { AggregateCursor cursor; const Aggregate *aggregate; Example *example; Type *types; int arg_count; int order[ROWS_MAX]; int count, at; } RowCursor;

static bool row_is_fed(const RowCursor *c, int row)
{
	if (c->aggregate->skips_nulls && example_value(c->example, row, 0, c->types[0]).is_null) return false;
	return !c->aggregate->skips_second_nulls || !example_value(c->example, row, 1, c->types[1]).is_null;
}

static bool row_cursor_next(AggregateCursor *cursor, Value *values, int64_t *count)
{
	RowCursor *c = (RowCursor *)cursor;
	if (c->at == c->count) return false;
	for (int i = 0; i < c->arg_count; i++) values[i] = example_value(c->example, c->order[c->at], i, c->types[i]);
	c->at++;
	*count = 1;
	return true;
}

static void row_cursor_init(RowCursor *c, const Aggregate *aggregate, Example *example, Type *types, int arg_count)
{
	*c = (RowCursor){.cursor = {row_cursor_next}, .aggregate = aggregate, .example = example, .types = types, .arg_count = arg_count};
	for (int row = 0; row < example->row_count; row++)
		if (row_is_fed(c, row)) c->order[c->count++] = row;
	if (aggregate->default_order == AGGREGATE_ORDER_ARRIVAL || aggregate->default_order == AGGREGATE_ORDER_NONE) return;
	bool second = aggregate->default_order >= AGGREGATE_ORDER_SECOND;
	int sign = aggregate->default_order == AGGREGATE_ORDER_VALUE_DESC || aggregate->default_order == AGGREGATE_ORDER_SECOND_DESC ? -1 : 1;
	for (int i = 1; i < c->count; i++)
		for (int k = i; k > 0; k--) {
			Value a = example_value(example, c->order[k - 1], second, types[second]), b = example_value(example, c->order[k], second, types[second]);
			if (value_compare(&a, &b) * sign <= 0) break;
			int row = c->order[k];
			c->order[k] = c->order[k - 1];
			c->order[k - 1] = row;
		}
}

static void example_fold(const Aggregate *aggregate, Example *example, const Type *types, int arg_count, Value *out, bool in_halves)
{
	Blocks *blocks = mem_new(Blocks);
	AggregateSpill spill = spill_make(blocks);
	uint32_t bytes = aggregate->state_bytes(types, arg_count);
	void *state = arena_zalloc(&example->arena, bytes), *other = arena_zalloc(&example->arena, bytes), *groups[ROWS_MAX];
	Column columns[ARGS_MAX];
	for (int i = 0; i < arg_count; i++) {
		columns[i] = (Column){.type = types[i], .data = arena_zalloc(&example->arena, 16 * ROWS_MAX), .null = arena_zalloc(&example->arena, ROWS_MAX)};
		for (int row = 0; row < example->row_count; row++) {
			Value value = example_value(example, row, i, types[i]);
			column_set(&columns[i], row, &value, &example->arena);
		}
	}
	for (int row = 0; row < example->row_count; row++) groups[row] = in_halves && row % 2 ? other : state;
	aggregate->apply(groups, columns, arg_count, example->row_count, NULL, &spill);
	if (in_halves) aggregate->merge(state, other, types, arg_count, &spill);
	aggregate->fold_result(state, types, arg_count, out, &example->arena, &spill);
	if (aggregate->release) {
		aggregate->release(state, &spill);
		aggregate->release(other, &spill);
	}
	assert_int_equal(blocks->live, 0);
	free(blocks);
}

static void example_check(const Aggregate *aggregate, const Value *value, const char *way)
{
	StrBuf text = STRBUF_INIT;
	if (value->is_null) strbuf_adds(&text, "NULL");
	else value_print(value, &text);
	if (strcmp(text.text, aggregate->example_result) != 0)
		fail_msg("%s, %s: got %s instead of %s", aggregate->example, way, text.text, aggregate->example_result);
	strbuf_release(&text);
}

static void example_run(const Aggregate *aggregate)
{
	Example *example = mem_new(Example);
	arena_init(&example->arena, 0);
	example_read(aggregate->example, example);
	Expr *args[ARGS_MAX];
	Type types[ARGS_MAX];
	for (int i = 0; i < example->arg_count; i++) {
		Type type = example_type(example, i);
		args[i] = example->columns[i] < 0 ? expr_constant(&example->arena, &example->constants[i], SPAN_NONE)
			: expr_column(&example->arena, example->columns[i] + 1, type, true, SPAN_NONE);
	}
	Error err = ERROR_INIT;
	const Aggregate *row = aggregate_resolve(&example->arena, example->name, args, example->arg_count, example->star, SPAN_NONE, &err);
	if (!row) fail_msg("%s: %s", aggregate->example, err.message);
	if (row != aggregate) fail_msg("%s resolves to another row: %s(%s)", aggregate->example, row->name, row->signature);
	for (int i = 0; i < example->arg_count; i++) types[i] = args[i]->type;
	int arg_count = example->arg_count - aggregate->parameter_count;
	Value value, parameters[ARGS_MAX];
	for (int i = 0; i < aggregate->parameter_count; i++) parameters[i] = example_value(example, 0, arg_count + i, types[arg_count + i]);
	if (aggregate->apply) {
		example_fold(aggregate, example, types, arg_count, &value, false);
		example_check(aggregate, &value, "folded");
	}
	if (aggregate->merge) {
		example_fold(aggregate, example, types, arg_count, &value, true);
		example_check(aggregate, &value, "merged");
	}
	if (aggregate->ordered_result) {
		RowCursor cursor;
		row_cursor_init(&cursor, aggregate, example, types, arg_count);
		aggregate->ordered_result(&cursor.cursor, parameters, types, arg_count, &value, &example->arena);
		example_check(aggregate, &value, "ordered");
		assert_true(type_equal(value.type, aggregate->result(types, arg_count)));
	}
	arena_release(&example->arena);
	free(example);
}

static void every_row_of_the_table_does_what_its_example_says(void **context)
{
	(void)context;
	for (int i = 0; i < AGGREGATE_COUNT; i++) example_run(&AGGREGATES[i]);
}

static void every_row_has_a_way_to_its_result(void **context)
{
	(void)context;
	for (int i = 0; i < AGGREGATE_COUNT; i++) {
		const Aggregate *a = &AGGREGATES[i];
		assert_non_null(a->description);
		assert_true(a->apply || a->ordered_result);
		assert_true(!a->apply || (a->state_bytes && a->fold_result));
		assert_true(!a->fold_needs_append_only || a->ordered_result);
		assert_ptr_equal(aggregate_find(a->name)->name, aggregate_find(aggregate_name(i))->name);
	}
}

/* ---- names and overloads ---- */

static void calls_find_their_overload(void **context)
{
	(void)context;
	static const struct { const char *name; TypeKind arg; const char *signature; } CASES[] = {
		{"SUM", TYPE_INTEGER, "integer"}, {"sum", TYPE_BOOLEAN, "integer"}, {"sum", TYPE_DECIMAL, "decimal"}, {"Sum", TYPE_REAL, "real"},
		{"sum", TYPE_TEXT, "real"}, {"sum", TYPE_JSON, "real"}, {"sum", TYPE_NULL, "integer"}, {"avg", TYPE_INTERVAL, "interval"},
		{"mean", TYPE_INTEGER, "integer"}, {"stddev", TYPE_DECIMAL, "real"}, {"every", TYPE_BOOLEAN, "boolean"}, {"every", TYPE_INTEGER, "boolean"},
		{"group_concat", TYPE_INTEGER, "text"}, {"min", TYPE_TIMESTAMP, "any"}, {"COUNT", TYPE_DATE, "any"}, {"sum", TYPE_TIMESTAMP, NULL},
		{"bit_or", TYPE_TEXT, NULL}, {"summ", TYPE_INTEGER, NULL}, {"min", TYPE_ROW, NULL},
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		Arena arena;
		arena_init(&arena, 0);
		Error err = ERROR_INIT;
		Type type = CASES[i].arg == TYPE_DECIMAL ? type_decimal(10, 2) : (Type){.kind = CASES[i].arg};
		Expr *arg = expr_column(&arena, 1, type, true, SPAN_NONE);
		const Aggregate *row = aggregate_resolve(&arena, CASES[i].name, &arg, 1, false, SPAN_NONE, &err);
		if (!CASES[i].signature) {
			assert_null(row);
			assert_int_equal(err.code, ERR_UNDEFINED_FUNCTION);
			assert_true(err.hint[0]);
		} else {
			if (!row) fail_msg("%s: %s", CASES[i].name, err.message);
			assert_string_equal(row->signature, CASES[i].signature);
		}
		arena_release(&arena);
	}
}

/* ---- exact sums ---- */

typedef struct ExactCase { double sum, mean, variance, deviation; int count; const double *values; } ExactCase;

#define VALUES(...) (const double[]){__VA_ARGS__}
static const ExactCase EXACT_CASES[] = {
#define EXACT_SUM(sum, mean, variance, deviation, ...) \
	{sum, mean, variance, deviation, sizeof (double[]){__VA_ARGS__} / sizeof(double), VALUES(__VA_ARGS__)},
#include "exact_sums.def"
#undef EXACT_SUM
};

static const Aggregate *real_row(const char *name)
{
	for (const Aggregate *a = aggregate_find(name); a < AGGREGATES + AGGREGATE_COUNT; a++)
		if (strcmp(a->signature, "real") == 0) return a;
	return NULL;
}

static void check_real(const Aggregate *aggregate, void *state, double wanted, const AggregateSpill *spill)
{
	Value value;
	Type type = TYPE(REAL);
	aggregate->fold_result(state, &type, 1, &value, NULL, spill);
	assert_false(value.is_null);
	if (value.f64 != wanted) fail_msg("%s: %a instead of %a", aggregate->name, value.f64, wanted);
}

static void feed(const Aggregate *aggregate, void *state, double x, int64_t weight, const AggregateSpill *spill)
{
	Column column = {.type = TYPE(REAL), .f64 = &x};
	aggregate->apply(&state, &column, 1, 1, weight == 1 ? NULL : &weight, spill);
}

/* In any order, with other rows put in and taken out between them */
static void exact_case_run(const ExactCase *c, const char *name, double wanted, int disturb)
{
	Blocks *blocks = mem_new(Blocks);
	AggregateSpill spill = spill_make(blocks);
	const Aggregate *aggregate = real_row(name);
	uint64_t state[32] = {0};
	double noise[4];
	for (int i = 0; i < disturb; i++) {
		noise[i] = ldexp((double)rand() / RAND_MAX - 0.5, i == 3 ? 1020 - rand() % 2000 : rand() % 60 - 30);
		feed(aggregate, state, noise[i], i + 1, &spill);
	}
	for (int i = 0; i < c->count; i++) feed(aggregate, state, c->values[disturb % 2 ? c->count - 1 - i : i], 1, &spill);
	for (int i = disturb - 1; i >= 0; i--) feed(aggregate, state, noise[i], -(i + 1), &spill);
	check_real(aggregate, state, wanted, &spill);
	aggregate->release(state, &spill);
	assert_int_equal(blocks->live, 0);
	free(blocks);
}

static void real_sums_are_those_of_fractions_rounded_once(void **context)
{
	(void)context;
	for (size_t i = 0; i < sizeof EXACT_CASES / sizeof *EXACT_CASES; i++) {
		for (int disturb = 0; disturb <= 4; disturb++) {
			const ExactCase *c = &EXACT_CASES[i];
			exact_case_run(c, "sum", c->sum, disturb);
			exact_case_run(c, "total", c->sum, disturb);
			exact_case_run(c, "avg", c->mean, disturb);
			exact_case_run(c, "var_pop", c->variance, disturb);
			exact_case_run(c, "stddev_pop", c->deviation, disturb);
		}
	}
}

static void infinities_are_counted_and_taken_back(void **context)
{
	(void)context;
	Blocks *blocks = mem_new(Blocks);
	AggregateSpill spill = spill_make(blocks);
	const Aggregate *sum = real_row("sum");
	uint64_t state[32] = {0};
	feed(sum, state, 1.5, 1, &spill);
	feed(sum, state, INFINITY, 2, &spill);
	check_real(sum, state, INFINITY, &spill);
	feed(sum, state, -INFINITY, 1, &spill);
	Value value;
	sum->fold_result(state, &(Type){.kind = TYPE_REAL}, 1, &value, NULL, &spill);
	assert_true(value.is_null);
	feed(sum, state, INFINITY, -2, &spill);
	check_real(sum, state, -INFINITY, &spill);
	feed(sum, state, -INFINITY, -1, &spill);
	check_real(sum, state, 1.5, &spill);
	sum->release(state, &spill);
	free(blocks);
}

/* ---- INTEGER and DECIMAL beyond their width ---- */

static void fold_one(const Aggregate *aggregate, Type type, void *state, const Value *value, int64_t weight)
{
	Column column = {.type = type, .data = (void *)&value->i64};
	aggregate->apply(&state, &column, 1, 1, &weight, NULL);
}

static void integer_sums_come_back_from_overflow(void **context)
{
	(void)context;
	const Aggregate *sum = aggregate_find("sum"), *avg = aggregate_find("avg");
	uint64_t state[8] = {0};
	Type type = TYPE(INTEGER);
	Value big = {.type = type, .i64 = INT64_MAX}, result;
	fold_one(sum, type, state, &big, 3);
	sum->fold_result(state, &type, 1, &result, NULL, NULL);
	assert_true(result.is_null);
	avg->fold_result(state, &type, 1, &result, NULL, NULL);
	assert_true(result.f64 == 0x1p63);
	fold_one(sum, type, state, &big, -2);
	sum->fold_result(state, &type, 1, &result, NULL, NULL);
	assert_true(!result.is_null && result.i64 == INT64_MAX);
}

static void decimal_sums_come_back_from_overflow(void **context)
{
	(void)context;
	const Aggregate *sum = aggregate_find("sum") + 1;
	assert_string_equal(sum->signature, "decimal");
	uint64_t state[8] = {0};
	Type type = type_decimal(38, 2);
	Int128 greatest = 1;
	for (int i = 0; i < 38; i++) greatest *= 10;
	greatest--;
	for (int sign = -1; sign <= 1; sign += 2) {
		Value big = {.type = type, .i128 = sign * greatest}, one = {.type = type, .i128 = sign}, result;
		fold_one(sum, type, state, &big, 1);
		fold_one(sum, type, state, &one, 1);
		sum->fold_result(state, &type, 1, &result, NULL, NULL);
		assert_true(result.is_null);
		fold_one(sum, type, state, &big, 1000000007);
		fold_one(sum, type, state, &one, -1);
		fold_one(sum, type, state, &big, -1000000007);
		sum->fold_result(state, &type, 1, &result, NULL, NULL);
		assert_true(!result.is_null && result.i128 == big.i128);
		fold_one(sum, type, state, &big, -1);
		sum->fold_result(state, &type, 1, &result, NULL, NULL);
		assert_true(result.is_null);              /* over no rows */
	}
}

/* ---- taking back leaves no trace ---- */

static void folded(const Aggregate *aggregate, const Type *types, int arg_count, const int64_t (*rows)[2], const int64_t *weights, int count, Value *out, Arena *arena)
{
	Blocks *blocks = mem_new(Blocks);
	AggregateSpill spill = spill_make(blocks);
	void *state = arena_zalloc(arena, aggregate->state_bytes(types, arg_count));
	for (int i = 0; i < count; i++) {
		if (!weights[i]) continue;
		Value values[2];
		Column columns[2];
		for (int c = 0; c < arg_count; c++) {
			values[c] = (Value){.type = types[c], .i64 = rows[i][c]};
			if (types[c].kind == TYPE_REAL) values[c].f64 = (double)rows[i][c] / 7;
			if (types[c].kind == TYPE_DECIMAL) values[c].i128 = rows[i][c];
			if (types[c].kind == TYPE_INTERVAL) values[c].interval = (Interval){(int)rows[i][c], (int)rows[i][c] / 2, rows[i][c]};
			if (types[c].kind == TYPE_BOOLEAN) values[c].i64 &= 1;
			columns[c] = (Column){.type = types[c], .data = &values[c].i64};
		}
		aggregate->apply(&state, columns, arg_count, 1, &weights[i], &spill);
	}
	aggregate->fold_result(state, types, arg_count, out, arena, &spill);
	if (aggregate->release) aggregate->release(state, &spill);
	assert_int_equal(blocks->live, 0);
	free(blocks);
}

static int signature_types(const Aggregate *aggregate, Type *types)
{
	static const struct { const char *name; Type type; } NAMES[] = {
		{"integer", TYPE(INTEGER)}, {"real", TYPE(REAL)}, {"decimal", {.kind = TYPE_DECIMAL, .precision = 10, .scale = 2}},
		{"boolean", TYPE(BOOLEAN)}, {"interval", TYPE(INTERVAL)}, {"any", TYPE(INTEGER)}, {"real, real", TYPE(REAL)}, {"real, const real", TYPE(REAL)},
	};
	for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
		if (strcmp(NAMES[i].name, aggregate->signature) == 0) types[0] = types[1] = NAMES[i].type;
	return *aggregate->signature == '*' ? 0 : strchr(aggregate->signature, ',') ? 2 : 1;
}

static void what_is_taken_back_leaves_no_trace(void **context)
{
	(void)context;
	enum { COUNT = 40 };
	for (int a = 0; a < AGGREGATE_COUNT; a++) {
		const Aggregate *aggregate = &AGGREGATES[a];
		if (!aggregate->apply || aggregate->fold_needs_append_only) continue;
		Type types[2] = {{0}};
		int arg_count = signature_types(aggregate, types);
		for (int round = 0; round < 50; round++) {
			Arena arena;
			arena_init(&arena, 0);
			int64_t rows[COUNT][2], weights[COUNT], all[COUNT * 2], both[COUNT * 2][2];
			bool sketch = strcmp(aggregate->name, "approx_percentile") == 0;
			for (int i = 0; i < COUNT; i++) {
				rows[i][0] = rand() % 2000 - 1000;
				rows[i][1] = sketch ? 3 : rand() % 2000 - 1000;
				weights[i] = rand() % 3;
				/* all: three copies first, then what is too much taken back in reverse order */
				memcpy(both[i], rows[i], sizeof rows[i]);
				memcpy(both[COUNT * 2 - 1 - i], rows[i], sizeof rows[i]);
				all[i] = 3;
				all[COUNT * 2 - 1 - i] = weights[i] - 3;
			}
			Value wanted, got;
			folded(aggregate, types, arg_count, (const int64_t(*)[2])rows, weights, COUNT, &wanted, &arena);
			folded(aggregate, types, arg_count, (const int64_t(*)[2])both, all, COUNT * 2, &got, &arena);
			if (!value_equal(&wanted, &got)) fail_msg("%s(%s)", aggregate->name, aggregate->signature);
			arena_release(&arena);
		}
	}
}

/* ---- sketches ---- */

static void distinct_counts_are_near(void **context)
{
	(void)context;
	const Aggregate *aggregate = aggregate_find("approx_count_distinct");
	static const int COUNTS[] = {0, 1, 11, 12, 13, 700, 768, 769, 5000, 40000, 300000};
	for (size_t i = 0; i < sizeof COUNTS / sizeof *COUNTS; i++) {
		Blocks *blocks = mem_new(Blocks);
		AggregateSpill spill = spill_make(blocks);
		uint64_t state[4] = {0};
		Type type = TYPE(INTEGER);
		for (int64_t x = 0; x < COUNTS[i] * 2; x++) {
			int64_t value = x % COUNTS[i] * 1000003;
			void *group = state;
			Column column = {.type = type, .i64 = &value};
			aggregate->apply(&group, &column, 1, 1, NULL, &spill);
		}
		Value result;
		aggregate->fold_result(state, &type, 1, &result, NULL, &spill);
		double off = fabs((double)(result.i64 - COUNTS[i]));
		assert_true(COUNTS[i] <= 768 ? off == 0 : off <= COUNTS[i] * 0.03);
		aggregate->release(state, &spill);
		free(blocks);
	}
}

static void approximate_percentiles_are_near(void **context)
{
	(void)context;
	const Aggregate *aggregate = aggregate_find("approx_percentile");
	Blocks *blocks = mem_new(Blocks);
	AggregateSpill spill = spill_make(blocks);
	Type types[2] = {TYPE(REAL), TYPE(REAL)};
	for (int i = 0; i <= 10; i++) {
		uint64_t state[8] = {0};
		void *group = state;
		double fraction = i / 10.0;
		for (int k = -5000; k <= 5000; k++) {
			double x = k * 1.25;
			Column columns[2] = {{.type = types[0], .f64 = &x}, {.type = types[1], .f64 = &fraction}};
			aggregate->apply(&group, columns, 2, 1, NULL, &spill);
		}
		Value result;
		aggregate->fold_result(state, types, 2, &result, NULL, &spill);
		double wanted = (floor(fraction * 10000) - 5000) * 1.25;
		assert_true(fabs(result.f64 - wanted) <= fabs(wanted) * 0.004);
		aggregate->release(state, &spill);
	}
	free(blocks);
}

int main(void)
{
	srand(20261120);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_of_the_table_does_what_its_example_says),
		cmocka_unit_test(every_row_has_a_way_to_its_result),
		cmocka_unit_test(calls_find_their_overload),
		cmocka_unit_test(real_sums_are_those_of_fractions_rounded_once),
		cmocka_unit_test(infinities_are_counted_and_taken_back),
		cmocka_unit_test(integer_sums_come_back_from_overflow),
		cmocka_unit_test(decimal_sums_come_back_from_overflow),
		cmocka_unit_test(what_is_taken_back_leaves_no_trace),
		cmocka_unit_test(distinct_counts_are_near),
		cmocka_unit_test(approximate_percentiles_are_near),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
