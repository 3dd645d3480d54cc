/* The example of every row of functions.def gives the result that stands beside it: folded as a constant, and evaluated over
 * columns that hold the constants of the example in several rows, some of them NULL. */
#include <stdarg.h>
#include <setjmp.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "expr_text.h"

static const char *result_text(Arena *arena, const Value *value)
{
	StrBuf out = STRBUF_INIT;
	if (value->is_null) return "NULL";
	value_print(value, &out);
	char *text = arena_strdup(arena, out.text);
	strbuf_release(&out);
	return text;
}

static Expr *read_example(Arena *arena, const Function *function)
{
	Error err = ERROR_INIT;
	Expr *e = expr_text_read(arena, function->example, NULL, &err);
	if (!e) fail_msg("%s: %s (%s)", function->example, err.message, err.hint);
	return e;
}

static bool varies(const Function *function) { return function->flags & (FUNCTION_VOLATILE | FUNCTION_CLOCK | FUNCTION_PROCTIME); }

static void every_example_gives_its_result(void **state)
{
	(void)state;
	int wrong = 0;
	for (int i = 0; i < FUNCTION_COUNT; i++) {
		const Function *function = &FUNCTIONS[i];
		if (varies(function)) continue;
		Arena arena;
		Value value;
		Error err = ERROR_INIT;
		arena_init(&arena, 0);
		Expr *e = read_example(&arena, function);
		assert_true(expr_fold(&arena, e, &value, &err));
		const char *text = result_text(&arena, &value);
		if (strcmp(text, function->example_result) != 0) {
			print_error("%s: %s is %s, not %s\n", function->name, function->example, text, function->example_result);
			wrong++;
		}
		arena_release(&arena);
	}
	assert_int_equal(wrong, 0);
}

/* ---- the same with columns in place of constants ---- */

/* keep: how many of two constants stay constants, drawn one by one */
typedef struct Columns { Value values[32]; int count, keep; } Columns;

static uint64_t random_state = 88172645463325252ull;
static uint64_t draw(uint64_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state >> 11) % below;
}

static Expr *constant_to_column(Arena *arena, Expr *e, Columns *columns)
{
	if (e->kind == EXPR_CONSTANT) {
		if (columns->count == 32 || (int)draw(2) < columns->keep) return e;
		columns->values[columns->count++] = e->constant;
		return expr_column(arena, columns->count, e->type, true, e->span);
	}
	Expr *copy = arena_copy(arena, e, sizeof *e);
	copy->args = arena_array(arena, Expr *, e->arg_count + 1);
	bool tail_is_constant = e->kind == EXPR_CALL && (e->function->flags & FUNCTION_PREPARED_TAIL);
	for (int i = 0; i < e->arg_count; i++) copy->args[i] = tail_is_constant && i > 0 ? e->args[i] : constant_to_column(arena, e->args[i], columns);
	return copy;
}

enum { ROWS = 23 };

static Batch *repeated(const Columns *columns)
{
	Type types[32];
	for (int c = 0; c < columns->count; c++) types[c] = columns->values[c].type;
	Batch *batch = batch_new(types, columns->count, ROWS);
	batch->rows = batch->count = ROWS;
	for (int c = 0; c < columns->count; c++)
		for (int row = 0; row < ROWS; row++) {
			Value value = columns->values[c];
			if ((row + c) % 5 == 4) value.is_null = true;
			if (value.is_null) batch_column_nulls(batch, c);
			column_set(&batch->columns[c], row, &value, &batch->arena);
		}
	return batch;
}

static void a_column_of_the_example_gives_it_in_every_row(void **state)
{
	(void)state;
	for (int i = 0; i < FUNCTION_COUNT; i++) {
		const Function *function = &FUNCTIONS[i];
		Arena arena, scratch;
		Columns columns = {0};
		ColumnId layout[32];
		arena_init(&arena, 0);
		arena_init(&scratch, 0);
		for (int c = 0; c < 32; c++) layout[c] = c + 1;
		Expr *e = constant_to_column(&arena, read_example(&arena, function), &columns);
		Batch *batch = repeated(&columns);
		uint32_t *sel = arena_alloc(&batch->arena, sizeof *sel * ROWS);
		for (int selected = 0; selected < 2; selected++) {             /* all rows, then every other one */
			if (selected) {
				batch->sel = sel;
				batch->count = 0;
				for (uint32_t row = 0; row < ROWS; row += 2) sel[batch->count++] = row;
			}
			ExprProgram *program = expr_compile(&arena, e, layout, columns.count);
			Column result = expr_eval(program, batch, &scratch);
			for (int row = 0; row < batch->count; row++) {
				Value value = column_value(&result, row);
				bool has_null = false;
				for (int c = 0; c < columns.count; c++) has_null |= column_is_null(&batch->columns[c], batch_row(batch, row)) && !columns.values[c].is_null;
				if (has_null || varies(function)) continue;            /* must only not fail */
				const char *text = result_text(&scratch, &value);
				if (strcmp(text, function->example_result) != 0) fail_msg("%s: row %d of %s is %s", function->name, row, function->example, text);
			}
			expr_program_release(program);
			arena_clear(&scratch);
		}
		batch_unref(batch);
		arena_release(&scratch);
		arena_release(&arena);
	}
}

/* ---- any values ---- */

static Value draw_text(Type type, Arena *arena)
{
	static const char *const TEXTS[] = {
		"", "a", "%", "%%%_", "[", "]^-", "\\", "(", "a|", "\xc3\xa4\xf0\x9f\x98\x80", "2026-11-20 10:00:00", "9999-12-31", "-1 month", "weekday 9", "+99:99", "start of month", "day", "week", "Europe/Berlin", "hex",
		"yyyy-MM-dd", "YYYYMMDDHH24MISS", "'", "''", "FM999,999.99S", "%5.3d%s%q%*d", "%!", "$.a[#-1]", "$[", "$.\"", "{\"a\":[1,{\"b\":null}]}", "[1,2,3]", "\"\\u00e4\\ud83d\"", "1e999", "-9223372036854775808", "nan",
		"http://u@h:1/p?q=1#r", "P1Y", "1 day ago", "99999999999999999999", "aGVs", "%zz", "a much longer text than what fits inline, with \t and \n", "0", "i", "gx",
	};
	Value value = {.type = type};
	const char *text = TEXTS[draw(sizeof TEXTS / sizeof *TEXTS)];
	char bytes[64];
	size_t count = draw(60);
	if (type.kind == TYPE_JSON) text = draw(2) ? "{\"a\":[1,{\"b\":null}], \"c\" : \"x\\u00e4\" }" : draw(2) ? "[1, 2.5e3, \"\\\\\", [], {}]" : " null ";
	else if (type.kind == TYPE_BLOB && draw(2)) {
		for (size_t i = 0; i < count; i++) bytes[i] = (char)draw(256);
		value.str = str_copy(arena, bytes, count);
		return value;
	} else if (draw(4) == 0) {                                     /* two of them together */
		text = arena_printf(arena, "%s%s", text, TEXTS[draw(sizeof TEXTS / sizeof *TEXTS)]);
	}
	value.str = str_copy(arena, text, strlen(text));
	return value;
}

static Value draw_value(Type type, bool nulls, Arena *arena)
{
	static const int64_t INTEGERS[] = {0, 1, -1, 2, 3, 63, 64, 100, -7, 65536, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, INT64_MAX - 1, 1000000007};
	static const double REALS[] = {0, 1, -1, 0.5, -2.5, 1e15, 1e-15, 1e308, -1e308, INFINITY, -INFINITY, 9.2e18, 1e19, 123456.789};
	static const int64_t DAYS[] = {0, -719162, 2932896, 20000, -1, 11016};
	Value value = {.type = type, .is_null = type.kind == TYPE_NULL || (nulls && draw(8) == 0)};
	if (value.is_null) return value;
	switch (type.kind) {
	case TYPE_BOOLEAN: value.i64 = (int64_t)draw(2); break;
	case TYPE_INTEGER: value.i64 = INTEGERS[draw(16)]; break;
	case TYPE_REAL: value.f64 = REALS[draw(14)]; break;
	case TYPE_DECIMAL: {
		Int128 limit = 1;
		for (int i = 0; i < type.precision; i++) limit *= 10;
		value.i128 = draw(4) ? (Int128)INTEGERS[draw(16)] % limit : draw(2) ? limit - 1 : 1 - limit;
		break;
	}
	case TYPE_DATE: value.i64 = DAYS[draw(6)]; break;
	case TYPE_TIME: value.i64 = (int64_t)draw(86400000000); break;
	case TYPE_TIMESTAMP: value.i64 = DAYS[draw(6)] * 86400000000 + (int64_t)draw(86400000000); break;
	case TYPE_INTERVAL: value.interval = (Interval){.months = (int32_t)INTEGERS[draw(12)], .days = (int32_t)INTEGERS[draw(12)], .us = INTEGERS[draw(16)]}; break;
	default: return draw_text(type, arena);
	}
	return value;
}

/* What every value must be that stands in a column */
static const char *unsound(const Value *value)
{
	static const char zeros[16];
	if (value->is_null) return memcmp(&value->i64, zeros, phys_bytes(type_phys(value->type))) ? "a NULL over other bits than zeros" : NULL;
	const char *text = type_phys(value->type) == PHYS_STR ? str_at(&value->str) : NULL;
	Int128 limit = 1;
	switch (value->type.kind) {
	case TYPE_BOOLEAN: return value->i64 != 0 && value->i64 != 1 ? "a BOOLEAN beyond 0 and 1" : NULL;
	case TYPE_REAL: return value->f64 != value->f64 ? "not a number" : NULL;
	case TYPE_TEXT: return utf8_is_valid(text, value->str.bytes) ? NULL : "TEXT that is no UTF-8";
	case TYPE_JSON: return json_text_is_valid(text, value->str.bytes) ? NULL : "JSON that is none";
	case TYPE_DECIMAL:
		for (int i = 0; i < value->type.precision; i++) limit *= 10;
		return value->i128 >= limit || value->i128 <= -limit ? "a DECIMAL beyond its precision" : NULL;
	case TYPE_DATE: return value->i64 < -719162 || value->i64 > 2932896 ? "a DATE out of range" : NULL;
	case TYPE_TIME: return value->i64 < 0 || value->i64 >= 86400000000 ? "a TIME out of range" : NULL;
	case TYPE_TIMESTAMP: return value->i64 < -719162 * 86400000000 || value->i64 >= 2932897 * 86400000000 ? "a TIMESTAMP out of range" : NULL;
	default: return NULL;
	}
}

/* A column under a NULL is not seen by column_value */
static Value raw_value(const Column *column, int row)
{
	Column bare = *column;
	bare.null = NULL;
	Value value = column_value(&bare, row);
	value.is_null = column_is_null(column, row);
	return value;
}

/* nulls: whether arguments may be NULL; where they are not, an expression that says it is never NULL must keep its word */
static void try_values(const Function *function, Arena *arena, Expr *e, const Columns *columns, bool nulls)
{
	ColumnId layout[32];
	Type types[32];
	Arena scratch;
	enum { TRIES = 40 };
	for (int c = 0; c < columns->count; c++) layout[c] = c + 1, types[c] = columns->values[c].type;
	arena_init(&scratch, 0);
	Batch *batch = batch_new(types, columns->count, TRIES);
	batch->rows = batch->count = TRIES;
	for (int c = 0; c < columns->count; c++)
		for (int row = 0; row < TRIES; row++) {
			Value value = draw_value(types[c], nulls, arena);
			if (draw(3) == 0) value = columns->values[c];
			if (value.is_null) batch_column_nulls(batch, c);
			column_set(&batch->columns[c], row, &value, &batch->arena);
		}
	ExprProgram *program = expr_compile(arena, e, layout, columns->count);
	Column result = expr_eval(program, batch, &scratch);
	for (int row = 0; row < TRIES; row++) {
		Value value = raw_value(&result, row);
		const char *why = unsound(&value);
		if (!why && value.is_null && !nulls && !e->nullable) why = "NULL, which it says it never is,";
		StrBuf args = STRBUF_INIT;
		for (int c = 0; c < columns->count; c++) {
			Value arg = column_value(&batch->columns[c], row);
			strbuf_adds(&args, c ? ", " : "");
			value_print_sql(&arg, &args);
		}
		if (why) fail_msg("%s gives %s for %s in %s", function->name, why, args.text, function->example);
		strbuf_release(&args);
	}
	expr_program_release(program);
	arena_release(&scratch);
	batch_unref(batch);
}

/* Arguments of all rows, one of them, or none are constants. */
static void no_value_makes_a_function_fail_or_give_what_is_unsound(void **state)
{
	(void)state;
	for (int i = 0; i < FUNCTION_COUNT; i++)
		for (int round = 0; round < 8; round++) {
			Arena arena;
			Columns columns = {.keep = round / 2 % 2};
			arena_init(&arena, 0);
			Expr *e = constant_to_column(&arena, read_example(&arena, &FUNCTIONS[i]), &columns);
			try_values(&FUNCTIONS[i], &arena, e, &columns, round % 2);
			arena_release(&arena);
		}
}

/* Every pair of types that CAST and TRY_CAST take */
static void casts_give_sound_values_and_keep_their_word_on_null(void **state)
{
	(void)state;
	static const Type TYPES[] = {
		{.kind = TYPE_BOOLEAN}, {.kind = TYPE_INTEGER}, {.kind = TYPE_REAL}, {.kind = TYPE_DECIMAL, .precision = 5, .scale = 2}, {.kind = TYPE_DECIMAL, .precision = 38, .scale = 0},
		{.kind = TYPE_DECIMAL, .precision = 38, .scale = 30}, {.kind = TYPE_TEXT}, {.kind = TYPE_BLOB}, {.kind = TYPE_JSON}, {.kind = TYPE_DATE}, {.kind = TYPE_TIME}, {.kind = TYPE_TIMESTAMP}, {.kind = TYPE_INTERVAL},
	};
	enum { TYPE_COUNT = sizeof TYPES / sizeof *TYPES };
	static const Function CAST = {.name = "cast", .example = "CAST"};
	for (int pair = 0; pair < TYPE_COUNT * TYPE_COUNT * 2; pair++) {
		Arena arena;
		Error err = ERROR_INIT;
		Columns columns = {.count = 1, .values = {{.type = TYPES[pair / 2 % TYPE_COUNT]}}};
		arena_init(&arena, 0);
		Expr *column = expr_column(&arena, 1, TYPES[pair / 2 % TYPE_COUNT], false, SPAN_NONE);
		columns.values[0] = draw_value(column->type, false, &arena);
		Expr *e = expr_cast(&arena, column, TYPES[pair / 2 / TYPE_COUNT], pair % 2 ? CAST_TRY : CAST_EXPLICIT, &err);
		if (e && e != column) for (int nulls = 0; nulls < 2; nulls++) try_values(&CAST, &arena, e, &columns, nulls);
		arena_release(&arena);
	}
}

static void overloads_of_a_name_stand_together_and_aliases_lead_to_functions(void **state)
{
	(void)state;
	for (int i = 1; i < FUNCTION_COUNT; i++)
		for (int j = 0; j < i - 1; j++)
			if (strcasecmp(FUNCTIONS[i].name, FUNCTIONS[j].name) == 0 && strcmp(FUNCTIONS[i].name, FUNCTIONS[i - 1].name) != 0)
				fail_msg("%s stands at %d and %d", FUNCTIONS[i].name, j, i);
	static const char *const TARGETS[][2] = {
#define ALIAS(name, function) {name, function},
#include "expr/aliases.def"
#undef ALIAS
	};
	for (size_t i = 0; i < sizeof TARGETS / sizeof *TARGETS; i++) {
		const Function *found = function_find(TARGETS[i][0]);
		if (!found || strcasecmp(found->name, TARGETS[i][1]) != 0) fail_msg("alias %s is %s", TARGETS[i][0], found ? found->name : "nothing");
	}
}

static void a_misspelt_name_is_refused_with_the_nearest(void **state)
{
	(void)state;
	Arena arena;
	Error err = ERROR_INIT;
	arena_init(&arena, 0);
	Expr *arg = expr_text(&arena, "x");
	assert_null(expr_call_function(&arena, "colaesce", &arg, 1, SPAN_NONE, &err));
	assert_int_equal(err.code, ERR_UNDEFINED_FUNCTION);
	assert_string_equal(err.hint, "Did you mean coalesce?");
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_example_gives_its_result),
		cmocka_unit_test(a_column_of_the_example_gives_it_in_every_row),
		cmocka_unit_test(no_value_makes_a_function_fail_or_give_what_is_unsound),
		cmocka_unit_test(casts_give_sound_values_and_keep_their_word_on_null),
		cmocka_unit_test(overloads_of_a_name_stand_together_and_aliases_lead_to_functions),
		cmocka_unit_test(a_misspelt_name_is_refused_with_the_nearest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
