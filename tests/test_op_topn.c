#include "op_harness.h"

/* ---- cases by hand: columns k integer (1), v integer (2), name text (3) ---- */

static TopnSpec spec_base(Arena *arena, bool append_only, bool has_arrival, bool descending)
{
	TopnSpec spec = {.in = test_input(arena, 1, "integer integer text", append_only), .limit = 2, .close = {.key_index = -1}};
	spec.in.has_arrival = has_arrival;
	spec.keys = arena_array(arena, Expr *, 1);
	spec.keys[0] = test_column(arena, &spec.in, 0);
	spec.key_count = 1;
	spec.order = arena_array(arena, OpSortKey, 1);
	spec.order[0] = (OpSortKey){test_column(arena, &spec.in, 1), {.descending = descending, .nulls_last = descending}};
	spec.order_count = 1;
	return spec;
}

static Op *make_first_two(Arena *arena)
{
	TopnSpec spec = spec_base(arena, false, false, false);
	return op_topn_new(&spec);
}

static void rows_come_and_go_as_the_top_changes(void **context)
{
	(void)context;
	Harness h;
	harness_open(&h, make_first_two, "integer integer text", NULL);
	harness_push(&h, 0, "+1 | 1 | 10 | 'a'\n +1 | 1 | 20 | 'b'\n +1 | 1 | 30 | 'c'\n +1 | 2 | 5 | 'x'");
	harness_commit(&h);
	harness_expect(&h, "+1 | 1 | 10 | 'a'\n +1 | 1 | 20 | 'b'\n +1 | 2 | 5 | 'x'");
	harness_push(&h, 0, "-1 | 1 | 10 | 'a'");
	harness_commit(&h);
	harness_expect(&h, "-1 | 1 | 10 | 'a'\n +1 | 1 | 30 | 'c'");
	harness_restart(&h);
	harness_push(&h, 0, "+1 | 1 | 1 | 'z'\n -1 | 1 | 1 | 'z'\n -1 | 2 | 5 | 'x'");
	harness_commit(&h);
	harness_expect(&h, "-1 | 2 | 5 | 'x'");
	harness_close(&h);
}

static void equal_rows_fill_several_places(void **context)
{
	(void)context;
	Harness h;
	harness_open(&h, make_first_two, "integer integer text", NULL);
	harness_push(&h, 0, "+3 | 1 | 10 | 'a'\n +1 | 1 | 9 | 'b'");
	harness_commit(&h);
	harness_expect(&h, "+1 | 1 | 9 | 'b'\n +1 | 1 | 10 | 'a'");
	harness_push(&h, 0, "-1 | 1 | 9 | 'b'");
	harness_commit(&h);
	harness_expect(&h, "-1 | 1 | 9 | 'b'\n +1 | 1 | 10 | 'a'");
	harness_close(&h);
}

static Op *make_keep_last(Arena *arena)
{
	TopnSpec spec = spec_base(arena, true, true, true);
	spec.limit = 1;
	return op_topn_new(&spec);
}

static void of_equal_rows_of_a_stream_the_first_that_came_stays(void **context)
{
	(void)context;
	Harness h;
	harness_open(&h, make_keep_last, "integer integer text", NULL);
	h.has_arrival[0] = true;
	harness_push(&h, 0, "+1 | 1 | 10 | 'first'\n +1 | 1 | 10 | 'again'\n +1 | 2 | NULL | 'null'");
	harness_commit(&h);
	harness_expect(&h, "+1 | 1 | 10 | 'first'\n +1 | 2 | NULL | 'null'");
	harness_push(&h, 0, "+1 | 1 | 11 | 'last'\n +1 | 1 | 11 | 'other'\n +1 | 2 | 0 | 'value'");
	harness_commit(&h);
	harness_expect(&h, "-1 | 1 | 10 | 'first'\n +1 | 1 | 11 | 'last'\n -1 | 2 | NULL | 'null'\n +1 | 2 | 0 | 'value'");
	harness_close(&h);
}

static Op *make_numbered(Arena *arena)
{
	TopnSpec spec = spec_base(arena, true, false, true);
	spec.with_number = true;
	return op_topn_new(&spec);
}

static void numbers_move_with_the_rows(void **context)
{
	(void)context;
	Harness h;
	harness_open(&h, make_numbered, "integer integer text", NULL);
	harness_push(&h, 0, "+1 | 1 | 10 | 'a'\n +1 | 1 | 20 | 'b'");
	harness_commit(&h);
	harness_expect(&h, "+1 | 1 | 20 | 'b' | 1\n +1 | 1 | 10 | 'a' | 2");
	harness_push(&h, 0, "+1 | 1 | 15 | 'c'\n +1 | 1 | 30 | 'd'");
	harness_commit(&h);
	harness_expect(&h, "-1 | 1 | 20 | 'b' | 1\n -1 | 1 | 10 | 'a' | 2\n +1 | 1 | 30 | 'd' | 1\n +1 | 1 | 20 | 'b' | 2");
	harness_close(&h);
}

/* ---- window ends as keys ---- */

static Op *make_closing(Arena *arena)
{
	TopnSpec spec = {.in = test_input(arena, 1, "timestamp integer", true), .limit = 1, .emit_on_close = true};
	test_input_watermark(arena, &spec.in, 0, 0, true);
	spec.close = (AggregateClose){.key_index = 0, .grace_us = 5 * SECOND};
	spec.keys = arena_array(arena, Expr *, 1);
	spec.keys[0] = test_column(arena, &spec.in, 0);
	spec.key_count = 1;
	spec.order = arena_array(arena, OpSortKey, 1);
	spec.order[0] = (OpSortKey){test_column(arena, &spec.in, 1), {0}};
	spec.order_count = 1;
	return op_topn_new(&spec);
}

static void a_group_that_closes_gives_its_rows_once_and_takes_no_more(void **context)
{
	(void)context;
	Harness h;
	harness_open(&h, make_closing, "timestamp integer", NULL);
	harness_push(&h, 0, "+1 | 10 | 7\n +1 @14 | 10 | 6\n +1 @15 | 10 | 1\n +1 @15 | 20 | 3\n +1 | NULL | 2");
	assert_int_equal(h.op->rows_late, 1);
	harness_watermark(&h, 0, 0, 14 * SECOND);
	harness_commit(&h);
	harness_expect(&h, "");
	harness_watermark(&h, 0, 0, 15 * SECOND);
	harness_commit(&h);
	harness_expect(&h, "+1 | 10 | 6");
	harness_restart(&h);
	harness_push(&h, 0, "+1 | 10 | 0");
	harness_watermark(&h, 0, 0, WATERMARK_END);
	harness_commit(&h);
	harness_expect(&h, "+1 | 20 | 3");
	assert_int_equal(h.op->rows_late, 1);
	harness_close(&h);
}

/* ---- at random ---- */

typedef struct Config {
	bool append_only, has_arrival, with_number, closes, emit_on_close, descending;
	TopnRank rank;
	int64_t offset, limit;
} Config;

static const Config *config;

static Op *make_config(Arena *arena)
{
	TopnSpec spec = {
		.in = test_input(arena, 1, "timestamp integer text", config->append_only), .rank = config->rank, .offset = config->offset, .limit = config->limit,
		.with_number = config->with_number, .emit_on_close = config->emit_on_close, .close = {.key_index = -1},
	};
	spec.in.has_arrival = config->has_arrival;
	if (config->closes) {
		test_input_watermark(arena, &spec.in, 0, 0, true);
		spec.close = (AggregateClose){.key_index = 0, .grace_us = SECOND};
	}
	spec.keys = arena_array(arena, Expr *, 1);
	spec.keys[0] = test_column(arena, &spec.in, 0);
	spec.key_count = 1;
	spec.order = arena_array(arena, OpSortKey, 1);
	spec.order[0] = (OpSortKey){test_column(arena, &spec.in, 1), {.descending = config->descending}};
	spec.order_count = 1;
	return op_topn_new(&spec);
}

static int compare_nulls_first(const Value *a, const Value *b, bool descending)
{
	if (a->is_null || b->is_null) return b->is_null - a->is_null;
	return descending ? value_compare(b, a) : value_compare(a, b);
}

static int order_compare(const TestRow *a, const TestRow *b)
{
	int order = compare_nulls_first(&a->values[0], &b->values[0], false);
	return order ? order : compare_nulls_first(&a->values[1], &b->values[1], config->descending);
}

static int row_compare(const void *x, const void *y)
{
	const TestRow *a = x, *b = y;
	int order = order_compare(a, b);
	if (!order && config->has_arrival) return a->arrival < b->arrival ? -1 : a->arrival > b->arrival;
	return order ? order : compare_nulls_first(&a->values[2], &b->values[2], false);
}

static bool is_closed(const TestRow *row, int64_t watermark)
{
	return config->closes && watermark != WATERMARK_NONE && !row->values[0].is_null && watermark >= row->values[0].i64 + SECOND;
}

static void recompute(const TestRows *inputs, const int64_t *watermarks, TestRows *out)
{
	TestRows rows;
	test_rows_init(&rows, inputs[0].types, inputs[0].column_count);
	for (int i = 0; i < inputs[0].count; i++) {
		const TestRow *row = &inputs[0].at[i];
		if (is_closed(row, row->judge)) continue;
		TestRow *copy = test_rows_add(&rows, row->values, row->weight);
		copy->arrival = row->arrival;
	}
	if (!config->has_arrival) test_rows_net(&rows);
	if (rows.count) qsort(rows.at, (size_t)rows.count, sizeof *rows.at, row_compare);
	int64_t number = 0, rank = 0, dense = 0;
	for (int i = 0; i < rows.count; i++) {
		bool same_group = i && compare_nulls_first(&rows.at[i - 1].values[0], &rows.at[i].values[0], false) == 0;
		if (!same_group) number = rank = dense = 0;
		for (int64_t copy = 0; copy < rows.at[i].weight; copy++) {
			number++;
			if ((!same_group || order_compare(&rows.at[i - 1], &rows.at[i]) != 0) && copy == 0) {
				rank = number;
				dense++;
			}
			int64_t n = config->rank == TOPN_RANK ? rank : config->rank == TOPN_DENSE_RANK ? dense : number;
			if (n <= config->offset || (config->limit >= 0 && n > config->offset + config->limit)) continue;
			if (config->emit_on_close && !is_closed(&rows.at[i], watermarks[0])) continue;
			Value values[4];
			memcpy(values, rows.at[i].values, 3 * sizeof *values);
			values[3] = (Value){.type = TYPE(INTEGER), .i64 = n};
			test_rows_add(out, values, 1);
		}
	}
	test_rows_release(&rows);
}

static void random_group(TestRandom *random, int input, Value *values)
{
	(void)input;
	values[0] = (Value){.type = TYPE(TIMESTAMP), .is_null = test_random(random, 10) == 0};
	if (!values[0].is_null) values[0].i64 = test_random(random, 3) * SECOND;
}

static void the_output_is_what_sorting_all_rows_gives(void **context)
{
	(void)context;
	static const Config CONFIGS[] = {
		{.append_only = true, .limit = 1}, {.append_only = true, .has_arrival = true, .limit = 1, .descending = true},
		{.append_only = true, .limit = 3, .with_number = true}, {.append_only = true, .has_arrival = true, .offset = 2, .limit = 4, .descending = true},
		{.append_only = true, .has_arrival = true, .offset = 1, .limit = 3, .with_number = true},
		{.append_only = true, .limit = 40}, {.append_only = true, .has_arrival = true, .limit = 50, .with_number = true},
		{.append_only = true, .limit = 3, .rank = TOPN_RANK, .with_number = true}, {.append_only = true, .has_arrival = true, .limit = 2, .rank = TOPN_DENSE_RANK},
		{.append_only = true, .limit = 0},
		{.limit = 1}, {.limit = 3, .descending = true}, {.offset = 2, .limit = 3, .with_number = true}, {.limit = -1, .with_number = true}, {.offset = 3, .limit = -1},
		{.limit = 3, .rank = TOPN_RANK}, {.offset = 1, .limit = 3, .rank = TOPN_RANK, .with_number = true},
		{.limit = 2, .rank = TOPN_DENSE_RANK, .with_number = true, .descending = true},
		{.append_only = true, .limit = 2, .closes = true}, {.append_only = true, .has_arrival = true, .limit = 2, .closes = true, .emit_on_close = true, .with_number = true},
		{.limit = 2, .closes = true, .with_number = true}, {.offset = 1, .limit = 5, .rank = TOPN_RANK, .closes = true, .emit_on_close = true},
	};
	for (size_t i = 0; i < sizeof CONFIGS / sizeof *CONFIGS; i++) {
		config = &CONFIGS[i];
		Differential d = {
			.make = make_config, .recompute = recompute, .input_count = 1,
			.inputs = {{.types = "timestamp integer text", .append_only = config->append_only, .has_arrival = config->has_arrival,
				.has_time = config->closes, .disorder_us = 3 * SECOND}},
			.random_row = config->closes ? NULL : random_group,
		};
		differential_run(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_come_and_go_as_the_top_changes),
		cmocka_unit_test(equal_rows_fill_several_places),
		cmocka_unit_test(of_equal_rows_of_a_stream_the_first_that_came_stays),
		cmocka_unit_test(numbers_move_with_the_rows),
		cmocka_unit_test(a_group_that_closes_gives_its_rows_once_and_takes_no_more),
		cmocka_unit_test(the_output_is_what_sorting_all_rows_gives),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
