/* INTERSECT, EXCEPT and the guard of scalar subqueries */
#include "op_harness.h"

static SetopKind kind;

static Op *make_setop(Arena *arena)
{
	SetopSpec spec = {.kind = kind, .left = test_input(arena, 1, "integer text", false), .right = test_input(arena, 11, "integer text", false)};
	return op_setop_new(&spec);
}

static void recompute_setop(const TestRows *inputs, const int64_t *watermarks, TestRows *out)
{
	(void)watermarks;
	TestRows sides[2];
	for (int s = 0; s < 2; s++) {
		test_rows_init(&sides[s], inputs[s].types, inputs[s].column_count);
		test_rows_append(&sides[s], &inputs[s]);
		test_rows_net(&sides[s]);
	}
	for (int i = 0; i < sides[0].count; i++) {
		int64_t left = sides[0].at[i].weight, right = 0;
		for (int k = 0; k < sides[1].count; k++)
			if (test_row_compare(&sides[0].at[i], &sides[1].at[k]) == 0) right = sides[1].at[k].weight;
		int64_t copies = kind == SETOP_INTERSECT ? right > 0 : kind == SETOP_EXCEPT ? right == 0 : kind == SETOP_INTERSECT_ALL ? (left < right ? left : right)
			: left > right ? left - right : 0;
		if (copies) test_rows_add(out, sides[0].at[i].values, copies);
	}
	test_rows_release(&sides[0]);
	test_rows_release(&sides[1]);
}

static void intersect_and_except_count_rows_on_both_sides(void **context)
{
	(void)context;
	for (kind = SETOP_INTERSECT; kind <= SETOP_EXCEPT_ALL; kind++) {
		Differential d = {.make = make_setop, .recompute = recompute_setop, .input_count = 2, .inputs = {{.types = "integer text"}, {.types = "integer text"}}};
		differential_run(&d);
	}
}

static void null_rows_are_equal(void **context)
{
	(void)context;
	kind = SETOP_EXCEPT_ALL;
	Harness h;
	harness_open(&h, make_setop, "integer text", "integer text", NULL);
	harness_push(&h, 0, "+3 | NULL | 'a'\n +1 | 1 | NULL");
	harness_push(&h, 1, "+1 | NULL | 'a'\n +2 | 1 | NULL");
	harness_commit(&h);
	harness_expect(&h, "+2 | NULL | 'a'");
	harness_restart(&h);
	harness_push(&h, 1, "-2 | 1 | NULL");
	harness_commit(&h);
	harness_expect(&h, "+1 | 1 | NULL");
	harness_close(&h);
}

/* ---- single ---- */

static int key_count;

static Op *make_single(Arena *arena)
{
	SingleSpec spec = {.in = test_input(arena, 1, "integer text integer", false), .key_count = key_count};
	spec.keys = arena_array(arena, Expr *, 1);
	spec.keys[0] = test_column(arena, &spec.in, 0);
	return op_single_new(&spec);
}

static void recompute_single(const TestRows *inputs, const int64_t *watermarks, TestRows *out)
{
	(void)watermarks;
	TestRows rows;
	test_rows_init(&rows, inputs[0].types, 3);
	test_rows_append(&rows, &inputs[0]);
	test_rows_net(&rows);
	for (int i = 0; i < rows.count; i++) {
		int64_t copies = 0;
		int first = -1;
		for (int k = 0; k < rows.count; k++) {
			if (key_count && !value_equal(&rows.at[i].values[0], &rows.at[k].values[0])) continue;
			if (first < 0) first = k;
			copies += rows.at[k].weight;
		}
		if (first != i) continue;
		Value values[3];
		memcpy(values, rows.at[i].values, sizeof values);
		for (int c = key_count; c < 3 && copies > 1; c++) values[c] = (Value){.type = rows.types[c], .is_null = true};
		test_rows_add(out, values, 1);
	}
	test_rows_release(&rows);
}

static void a_group_of_several_rows_is_one_of_nulls(void **context)
{
	(void)context;
	for (key_count = 0; key_count < 2; key_count++) {
		Differential d = {.make = make_single, .recompute = recompute_single, .input_count = 1, .inputs = {{.types = "integer text integer"}}};
		differential_run(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(intersect_and_except_count_rows_on_both_sides),
		cmocka_unit_test(null_rows_are_equal),
		cmocka_unit_test(a_group_of_several_rows_is_one_of_nulls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
