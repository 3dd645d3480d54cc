#include "op_harness.h"

typedef struct Config { bool append_only, has_arrival, closes, emit_on_close; int64_t gap_us, grace_us, disorder_us; } Config;

static const Config *config;

/* k integer (1), at timestamp (2), name text (3) */
static Op *make_config(Arena *arena)
{
	SessionSpec spec = {
		.in = test_input(arena, 1, "integer timestamp text", config->append_only), .gap_us = config->gap_us, .grace_us = config->grace_us,
		.input_watermark = -1, .emit_on_close = config->emit_on_close,
	};
	spec.in.has_arrival = config->has_arrival;
	if (config->closes) {
		test_input_watermark(arena, &spec.in, 1, 0, false);
		spec.input_watermark = 0;
	}
	spec.keys = arena_array(arena, Expr *, 1);
	spec.keys[0] = test_column(arena, &spec.in, 0);
	spec.key_count = 1;
	spec.time = test_column(arena, &spec.in, 1);
	return op_session_new(&spec);
}

static void open_config(Harness *h, const Config *c)
{
	config = c;
	harness_open(h, make_config, "integer timestamp text", NULL);
	h->has_arrival[0] = c->has_arrival;
}

static void sessions_grow_merge_and_split(void **context)
{
	(void)context;
	static const Config CONFIG = {.gap_us = 5 * SECOND};
	Harness h;
	open_config(&h, &CONFIG);
	harness_push(&h, 0, "+1 | 1 | 10 | 'a'\n +1 | 1 | 20 | 'b'\n +1 | 2 | 12 | 'x'\n +1 | 1 | NULL | 'none'");
	harness_commit(&h);
	harness_expect(&h,
		"+1 | 1 | 10 | 'a' | 10 | 15 | '1970-01-01 00:00:14.999'\n +1 | 1 | 20 | 'b' | 20 | 25 | '1970-01-01 00:00:24.999'\n"
		"+1 | 2 | 12 | 'x' | 12 | 17 | '1970-01-01 00:00:16.999'");
	harness_push(&h, 0, "+1 | 1 | 15 | 'c'");           /* exactly one gap from either */
	harness_commit(&h);
	harness_expect(&h,
		"-1 | 1 | 10 | 'a' | 10 | 15 | '1970-01-01 00:00:14.999'\n -1 | 1 | 20 | 'b' | 20 | 25 | '1970-01-01 00:00:24.999'\n"
		"+1 | 1 | 10 | 'a' | 10 | 25 | '1970-01-01 00:00:24.999'\n +1 | 1 | 15 | 'c' | 10 | 25 | '1970-01-01 00:00:24.999'\n"
		"+1 | 1 | 20 | 'b' | 10 | 25 | '1970-01-01 00:00:24.999'");
	harness_restart(&h);
	harness_push(&h, 0, "-1 | 1 | 15 | 'c'");
	harness_commit(&h);
	harness_expect(&h,
		"+1 | 1 | 10 | 'a' | 10 | 15 | '1970-01-01 00:00:14.999'\n +1 | 1 | 20 | 'b' | 20 | 25 | '1970-01-01 00:00:24.999'\n"
		"-1 | 1 | 10 | 'a' | 10 | 25 | '1970-01-01 00:00:24.999'\n -1 | 1 | 15 | 'c' | 10 | 25 | '1970-01-01 00:00:24.999'\n"
		"-1 | 1 | 20 | 'b' | 10 | 25 | '1970-01-01 00:00:24.999'");
	harness_close(&h);
}

static void a_session_closes_when_the_watermark_is_past_its_end(void **context)
{
	(void)context;
	static const Config CONFIG = {.append_only = true, .has_arrival = true, .closes = true, .emit_on_close = true, .gap_us = 5 * SECOND, .grace_us = SECOND};
	Harness h;
	open_config(&h, &CONFIG);
	harness_push(&h, 0, "+1 @9 | 1 | 10 | 'a'\n +1 @10 | 1 | 12 | 'b'");
	harness_watermark(&h, 0, 0, 18 * SECOND);           /* end 17, grace 1 */
	harness_commit(&h);
	harness_expect(&h, "");
	harness_restart(&h);
	harness_push(&h, 0, "+1 @18 | 1 | 17 | 'c'\n +1 @18 | 1 | 11 | 'd'");       /* not past yet */
	harness_watermark(&h, 0, 0, 23 * SECOND);
	harness_commit(&h);
	harness_expect(&h, "");
	harness_watermark(&h, 0, 0, 23 * SECOND + 1);
	harness_commit(&h);
	harness_expect(&h,
		"+1 | 1 | 10 | 'a' | 10 | 22 | '1970-01-01 00:00:21.999'\n +1 | 1 | 12 | 'b' | 10 | 22 | '1970-01-01 00:00:21.999'\n"
		"+1 | 1 | 17 | 'c' | 10 | 22 | '1970-01-01 00:00:21.999'\n +1 | 1 | 11 | 'd' | 10 | 22 | '1970-01-01 00:00:21.999'");
	assert_true(state_bytes(h.op->state) == 0);
	harness_push(&h, 0, "+1 @24 | 1 | 17 | 'late'\n +1 @24 | 1 | 18 | 'new'");       /* 18 + 5 + 1 = 24 is not past: a session of its own */
	harness_watermark(&h, 0, 0, 30 * SECOND);
	harness_commit(&h);
	harness_expect(&h, "+1 | 1 | 18 | 'new' | 18 | 23 | '1970-01-01 00:00:22.999'");
	assert_int_equal(h.op->rows_late, 1);
	harness_close(&h);
}

static void a_closed_session_takes_no_part_in_a_new_one(void **context)
{
	(void)context;
	static const Config CONFIG = {.append_only = true, .closes = true, .gap_us = 5 * SECOND};
	Harness h;
	open_config(&h, &CONFIG);
	harness_push(&h, 0, "+1 @9 | 1 | 10 | 'a'\n +1 @16 | 1 | 14 | 'b'");       /* judged by 16, the session that ends at 15 is closed */
	harness_commit(&h);
	harness_expect(&h, "+1 | 1 | 10 | 'a' | 10 | 15 | '1970-01-01 00:00:14.999'\n +1 | 1 | 14 | 'b' | 14 | 19 | '1970-01-01 00:00:18.999'");
	harness_close(&h);
}

/* ---- at random ---- */

typedef struct Item { const TestRow *row; int64_t time, copies; int session; } Item;
typedef VEC(Item) Items;

static bool same_key(const Value *a, const Value *b) { return value_equal(a, b); }

static bool session_range(const Items *items, int session, int64_t *first, int64_t *last)
{
	bool any = false;
	for (int i = 0; i < items->count; i++) {
		const Item *item = &items->at[i];
		if (item->session != session || item->copies <= 0) continue;
		if (!any || item->time < *first) *first = item->time;
		if (!any || item->time > *last) *last = item->time;
		any = true;
	}
	return any;
}

static bool closed(int64_t watermark, int64_t last)
{
	return config->closes && watermark != WATERMARK_NONE && watermark > last + config->gap_us + config->grace_us;
}

static void naive_add(Items *items, const TestRow *row, int *sessions)
{
	int64_t time = row->values[1].i64, last = time;
	int mine = (*sessions)++;
	bool *joined = calloc((size_t)*sessions, 1);
	for (int s = 0; s < mine; s++) {
		int64_t from, to;
		if (!session_range(items, s, &from, &to)) continue;
		const Item *any = items->at;
		while (any->session != s) any++;
		if (!same_key(&any->row->values[0], &row->values[0]) || time < from - config->gap_us || time > to + config->gap_us || closed(row->judge, to)) continue;
		joined[s] = true;
		if (to > last) last = to;
	}
	if (!closed(row->judge, last)) {
		for (int i = 0; i < items->count; i++)
			if (joined[items->at[i].session]) items->at[i].session = mine;
		vec_push(items, (Item){row, time, row->weight, mine});
	}
	free(joined);
}

static void naive_split(Items *items, int session, int *sessions)
{
	for (;;) {
		int64_t first, last, end;
		if (!session_range(items, session, &first, &last)) return;
		end = first;
		for (bool grew = true; grew;) {
			grew = false;
			for (int i = 0; i < items->count; i++) {
				const Item *item = &items->at[i];
				if (item->session != session || item->copies <= 0 || item->time <= end || item->time > end + config->gap_us) continue;
				end = item->time;
				grew = true;
			}
		}
		if (end == last) return;
		int part = (*sessions)++;
		for (int i = 0; i < items->count; i++)
			if (items->at[i].session == session && items->at[i].time <= end) items->at[i].session = part;
	}
}

static void naive_remove(Items *items, const TestRow *row, int *sessions)
{
	for (int i = 0; i < items->count; i++) {
		Item *item = &items->at[i];
		if (item->copies <= 0 || test_row_compare(item->row, row) != 0) continue;
		int64_t first, last;
		session_range(items, item->session, &first, &last);
		if (closed(row->judge, last)) return;
		item->copies += row->weight;
		naive_split(items, item->session, sessions);
		return;
	}
}

static void recompute(const TestRows *inputs, const int64_t *watermarks, TestRows *out)
{
	Items items = {0};
	int sessions = 0;
	for (int i = 0; i < inputs[0].count; i++) {
		const TestRow *row = &inputs[0].at[i];
		if (row->values[1].is_null) continue;
		if (row->weight > 0) naive_add(&items, row, &sessions);
		else naive_remove(&items, row, &sessions);
	}
	for (int i = 0; i < items.count; i++) {
		const Item *item = &items.at[i];
		int64_t first, last;
		if (item->copies <= 0) continue;
		session_range(&items, item->session, &first, &last);
		if (config->emit_on_close && !closed(watermarks[0], last)) continue;
		Value values[6];
		memcpy(values, item->row->values, 3 * sizeof *values);
		for (int c = 3; c < 6; c++) values[c] = (Value){.type = TYPE(TIMESTAMP)};
		values[3].i64 = first;
		values[4].i64 = last + config->gap_us;
		values[5].i64 = values[4].i64 - 1000;
		test_rows_add(out, values, item->copies);
	}
	vec_release(&items);
}

static void random_time(TestRandom *random, int input, Value *values)
{
	(void)input;
	values[1] = (Value){.type = TYPE(TIMESTAMP), .is_null = test_random(random, 10) == 0};
	if (!values[1].is_null) values[1].i64 = test_random(random, 60) * SECOND;
	values[0].i64 &= 1;
}

static void the_output_is_what_arrival_order_gives(void **context)
{
	(void)context;
	static const Config CONFIGS[] = {
		{.append_only = true, .gap_us = SECOND}, {.append_only = true, .has_arrival = true, .gap_us = 2 * SECOND}, {.gap_us = SECOND}, {.gap_us = 3 * SECOND},
		{.append_only = true, .closes = true, .gap_us = SECOND, .disorder_us = 2 * SECOND},
		{.append_only = true, .has_arrival = true, .closes = true, .emit_on_close = true, .gap_us = SECOND, .disorder_us = 4 * SECOND},
		{.append_only = true, .has_arrival = true, .closes = true, .emit_on_close = true, .gap_us = SECOND, .grace_us = 2 * SECOND, .disorder_us = SECOND},
		{.closes = true, .gap_us = SECOND, .disorder_us = 3 * SECOND}, {.closes = true, .emit_on_close = true, .gap_us = SECOND, .disorder_us = 3 * SECOND},
	};
	for (size_t i = 0; i < sizeof CONFIGS / sizeof *CONFIGS; i++) {
		config = &CONFIGS[i];
		Differential d = {
			.make = make_config, .recompute = recompute, .input_count = 1, .rows = 250,
			.inputs = {{.types = "integer timestamp text", .append_only = config->append_only, .has_arrival = config->has_arrival,
				.has_time = config->closes, .time_column = 1, .disorder_us = config->disorder_us}},
			.random_row = config->closes ? NULL : random_time,
		};
		differential_run(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sessions_grow_merge_and_split),
		cmocka_unit_test(a_session_closes_when_the_watermark_is_past_its_end),
		cmocka_unit_test(a_closed_session_takes_no_part_in_a_new_one),
		cmocka_unit_test(the_output_is_what_arrival_order_gives),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
