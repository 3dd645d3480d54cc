/* The example of every row of functions.def gives the result that stands beside it: folded as a constant, and evaluated over
 * columns that hold the constants of the example in several rows, some of them NULL. */
#include <stdarg.h>
#include <setjmp.h>
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

typedef struct Columns { Value values[32]; int count; } Columns;

static Expr *constant_to_column(Arena *arena, Expr *e, Columns *columns)
{
	if (e->kind == EXPR_CONSTANT) {
		if (columns->count == 32) return e;
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
		cmocka_unit_test(overloads_of_a_name_stand_together_and_aliases_lead_to_functions),
		cmocka_unit_test(a_misspelt_name_is_refused_with_the_nearest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
