/* Joins of all kinds against a recomputation: by keys, with conditions, in intervals and windows that forget. */
#include "op_harness.h"

typedef struct Shape {
	JoinKind kind;
	int key_count;
	bool null_equal, residual, interval, window, on_close, left_grows, right_grows;
	bool unread;                      /* only the third columns are read above */
	bool ends[2];                     /* intervals: rows of this side say themselves, in the third column, how long they wait */
} Shape;
static Shape shape;

enum { LOWER_S = -2, DISORDER_S = 3 };
static int upper_s = 3;                   /* little: rows that come late can still match */

static const char *types_of(int side)
{
	if (shape.ends[side]) return "integer timestamp timestamp";
	return shape.interval || shape.window ? "integer timestamp integer" : "integer text integer";
}

static const char *types(void) { return types_of(0); }

static bool is_semi(void) { return shape.kind == JOIN_SEMI || shape.kind == JOIN_ANTI; }

static Op *make_join(Arena *arena)
{
	Error err = ERROR_INIT;
	JoinSpec spec = {.kind = shape.kind, .close_key = -1, .left_close_watermark = -1, .right_close_watermark = -1, .emit_on_close = shape.on_close};
	spec.left = test_input(arena, 1, types_of(0), shape.left_grows);
	spec.right = test_input(arena, 11, types_of(1), shape.right_grows);
	if (shape.interval || shape.window) {
		test_input_watermark(arena, &spec.left, 1, 0, false);
		test_input_watermark(arena, &spec.right, 1, 0, false);
	}
	spec.key_count = shape.key_count;
	spec.left_keys = arena_array(arena, Expr *, 2);
	spec.right_keys = arena_array(arena, Expr *, 2);
	bool *null_equal = arena_array(arena, bool, 2);
	for (int k = 0; k < shape.key_count; k++) {
		spec.left_keys[k] = test_column(arena, &spec.left, k);
		spec.right_keys[k] = test_column(arena, &spec.right, k);
		null_equal[k] = shape.null_equal;
	}
	spec.null_equal = null_equal;
	if (shape.residual) {
		Expr *sides[] = {test_column(arena, &spec.left, 2), test_column(arena, &spec.right, 2)};
		spec.residual = expr_call(arena, "<", sides, 2, SPAN_NONE, &err);
	}
	if (shape.interval) {
		JoinInterval *interval = arena_new(arena, JoinInterval);
		*interval = (JoinInterval){test_column(arena, &spec.left, 1), test_column(arena, &spec.right, 1), .lower_us = LOWER_S * SECOND, .upper_us = upper_s * SECOND};
		if (shape.ends[0]) interval->left_end = test_column(arena, &spec.left, 2);
		if (shape.ends[1]) interval->right_end = test_column(arena, &spec.right, 2);
		spec.interval = interval;
	}
	if (shape.window) {
		spec.close_key = 1;
		spec.left_close_watermark = spec.right_close_watermark = 0;
	}
	static const bool READS[] = {false, false, true, false, false, true};
	if (shape.unread) spec.reads = READS;
	return op_join_new(&spec);
}

/* ---- recomputation ---- */

static bool keys_meet(const Value *left, const Value *right)
{
	for (int k = 0; k < shape.key_count; k++) {
		if (left[k].is_null != right[k].is_null || (left[k].is_null && !shape.null_equal)) return false;
		if (!left[k].is_null && !value_equal(&left[k], &right[k])) return false;
	}
	return true;
}

static bool passed(int64_t watermark, int64_t time) { return watermark != WATERMARK_NONE && watermark > time; }

/* The row with the higher judge is the later one. */
static bool judged_to_meet(const TestRow *left, const TestRow *right, int64_t left_last, int64_t right_last)
{
	bool for_left = !passed(left->judge, right_last), for_right = !passed(right->judge, left_last);
	return left->judge > right->judge ? for_left : left->judge < right->judge ? for_right : for_left || for_right;
}

static const Value *end_of(const TestRow *row, int side) { return &row->values[shape.ends[side] ? 2 : 1]; }
static int64_t last_of(const TestRow *row, int side) { return side ? end_of(row, 1)->i64 - LOWER_S * SECOND : end_of(row, 0)->i64 + upper_s * SECOND; }
static bool has_time(const TestRow *row, int side) { return !row->values[1].is_null && !end_of(row, side)->is_null; }

static bool in_interval(const TestRow *left, const TestRow *right)
{
	if (!has_time(left, 0) || !has_time(right, 1)) return false;
	int64_t left_last = last_of(left, 0), right_last = last_of(right, 1);
	return right->values[1].i64 <= left_last && left->values[1].i64 <= right_last && judged_to_meet(left, right, left_last, right_last);
}

static bool rows_meet(const TestRow *left, const TestRow *right)
{
	const Value *l = left->values, *r = right->values;
	if (!keys_meet(l, r) || (shape.interval && !in_interval(left, right))) return false;
	return !shape.residual || (!l[2].is_null && !r[2].is_null && l[2].i64 < r[2].i64);
}

static void add_pair(TestRows *out, const TestRow *left, const TestRow *right, int64_t weight)
{
	Value values[6];
	for (int c = 0; c < 3; c++) values[c] = left ? left->values[c] : (Value){.type = out->types[c], .is_null = true};
	for (int c = 0; c < 3 && !is_semi(); c++) values[3 + c] = right ? right->values[c] : (Value){.type = out->types[3 + c], .is_null = true};
	for (int c = 0; c < 6 && shape.unread; c++)
		if (c % 3 < 2) values[c] = (Value){.type = out->types[c < out->column_count ? c : 0], .is_null = true};
	test_rows_add(out, values, weight);
}

/* On close: outer and anti rows come when nothing that they could meet can still come. */
static bool is_settled(const TestRow *row, int side, const int64_t *watermarks)
{
	if (!shape.on_close || !has_time(row, side) || (shape.key_count && row->values[0].is_null && !shape.window)) return true;
	int64_t lowest = watermarks[0] < watermarks[1] ? watermarks[0] : watermarks[1];
	if (shape.window) return passed(lowest, row->values[1].i64);
	int64_t last = last_of(row, side), reach = last + (side ? upper_s : -LOWER_S) * SECOND;
	bool too_late = !shape.ends[1 - side] && passed(row->judge, reach);        /* for any row that could be the earlier one of a pair */
	if (!too_late && row->judge > last) last = row->judge;
	return passed(lowest, last);
}

static bool is_preserved(int side)
{
	return side ? shape.kind == JOIN_RIGHT || shape.kind == JOIN_FULL : shape.kind == JOIN_LEFT || shape.kind == JOIN_FULL || shape.kind == JOIN_ANTI;
}

/* Of intervals and windows each row counts by its own judge; else rows are summed up first. */
static void rows_of(const TestRows *log, TestRows *out)
{
	test_rows_init(out, log->types, log->column_count);
	test_rows_append(out, log);
	if (!shape.interval && !shape.window) test_rows_net(out);
	int kept = 0;
	for (int i = 0; i < out->count; i++) {
		const TestRow *row = &out->at[i];
		bool late = shape.window && !row->values[1].is_null && passed(row->judge, row->values[1].i64);
		if (!late) out->at[kept++] = *row;
	}
	out->count = kept;
	if (shape.window) test_rows_net(out);
}

static void recompute_join(const TestRows *inputs, const int64_t *watermarks, TestRows *out)
{
	TestRows sides[2];
	for (int s = 0; s < 2; s++) rows_of(&inputs[s], &sides[s]);
	int64_t *met = calloc((size_t)sides[1].count + 1, sizeof *met);
	for (int l = 0; l < sides[0].count; l++) {
		const TestRow *left = &sides[0].at[l];
		int64_t matches = 0;
		for (int r = 0; r < sides[1].count; r++) {
			const TestRow *right = &sides[1].at[r];
			if (!rows_meet(left, right)) continue;
			matches += right->weight;
			met[r] += left->weight;
			if (!is_semi()) add_pair(out, left, right, left->weight * right->weight);
		}
		if (shape.kind == JOIN_SEMI ? matches > 0 : is_preserved(0) && matches == 0 && is_settled(left, 0, watermarks)) add_pair(out, left, NULL, left->weight);
	}
	for (int r = 0; r < sides[1].count; r++)
		if (is_preserved(1) && met[r] == 0 && is_settled(&sides[1].at[r], 1, watermarks)) add_pair(out, NULL, &sides[1].at[r], sides[1].at[r].weight);
	free(met);
	test_rows_release(&sides[0]);
	test_rows_release(&sides[1]);
}

/* Rows wait for less than no time, for long, or, without an end, not at all. */
static void random_end(TestRandom *random, int input, Value *values)
{
	if (!shape.ends[input] || values[2].is_null) return;
	values[2].i64 = (values[1].is_null ? 0 : values[1].i64) + ((int64_t)test_random(random, 12) - 3) * SECOND;
}

static void run(int rounds)
{
	bool timed = shape.interval || shape.window;
	Differential d = {.make = make_join, .recompute = recompute_join, .input_count = 2, .rows = 300, .rounds = rounds, .random_row = random_end};
	for (int s = 0; s < 2; s++)
		d.inputs[s] = (DifferentialInput){.types = types_of(s), .append_only = s ? shape.right_grows : shape.left_grows,
			.has_time = timed, .time_column = 1, .disorder_us = DISORDER_S * SECOND};
	differential_run(&d);
}

/* ---- random ---- */

static void joins_of_all_kinds_follow_changes_of_both_sides(void **context)
{
	(void)context;
	for (JoinKind kind = JOIN_INNER; kind <= JOIN_ANTI; kind++)
		for (int keys = 0; keys <= 2; keys++)
			for (int form = 0; form < 8; form++) {
				shape = (Shape){.kind = kind, .key_count = keys, .null_equal = form & 1, .residual = form & 2, .unread = form & 4};
				if (keys == 0 && shape.null_equal) continue;
				run(2);
			}
}

static void sides_that_only_grow_are_joined_the_same_way(void **context)
{
	(void)context;
	for (JoinKind kind = JOIN_INNER; kind <= JOIN_ANTI; kind++)
		for (int form = 1; form < 16; form++) {
			shape = (Shape){.kind = kind, .key_count = 1, .left_grows = form & 1, .right_grows = form & 2, .residual = form & 4, .unread = form & 8};
			if (!shape.left_grows && !shape.right_grows) continue;
			run(2);
		}
}

static void interval_joins_forget_without_changing_the_answer(void **context)
{
	(void)context;
	for (JoinKind kind = JOIN_INNER; kind <= JOIN_ANTI; kind++)
		for (int form = 0; form < 16; form++) {
			shape = (Shape){.kind = kind, .key_count = 1, .interval = true, .left_grows = true, .right_grows = true, .residual = form & 1, .on_close = form & 2,
				.unread = form & 8};
			upper_s = form & 4 ? 0 : 3;
			run(4);
		}
	upper_s = 3;
}

static void rows_that_say_themselves_how_long_they_wait_are_forgotten_then(void **context)
{
	(void)context;
	for (JoinKind kind = JOIN_INNER; kind <= JOIN_ANTI; kind++)
		for (int form = 0; form < 12; form++) {
			shape = (Shape){.kind = kind, .key_count = 1, .interval = true, .left_grows = true, .right_grows = true, .on_close = form / 3 & 1, .unread = form / 6,
				.ends = {form % 3 != 1, form % 3 != 0}};
			shape.residual = shape.ends[0] && shape.ends[1];
			run(4);
		}
}

static void window_joins_forget_without_changing_the_answer(void **context)
{
	(void)context;
	for (JoinKind kind = JOIN_INNER; kind <= JOIN_ANTI; kind++)
		for (int form = 0; form < 16; form++) {
			shape = (Shape){.kind = kind, .key_count = 2, .window = true, .residual = form & 1, .on_close = form & 2, .left_grows = form & 4, .right_grows = form & 4,
				.unread = form & 8};
			if (shape.on_close && !shape.left_grows) continue;
			run(4);
		}
}

/* ---- by hand ---- */

typedef struct Case { const char *title; Shape shape; const char *left, *right, *wanted, *then_right, *then_wanted; } Case;

static const Case CASES[] = {
	{"NULLs never join", {JOIN_FULL, 1}, "+1 | NULL | 'a' | 1", "+1 | NULL | 'b' | 2",
		"+1 | NULL | 'a' | 1 | NULL | NULL | NULL\n +1 | NULL | NULL | NULL | NULL | 'b' | 2", "-1 | NULL | 'b' | 2", "-1 | NULL | NULL | NULL | NULL | 'b' | 2"},
	{"IS NOT DISTINCT FROM joins them", {JOIN_FULL, 1, .null_equal = true}, "+1 | NULL | 'a' | 1", "+1 | NULL | 'b' | 2",
		"+1 | NULL | 'a' | 1 | NULL | 'b' | 2", "-1 | NULL | 'b' | 2", "-1 | NULL | 'a' | 1 | NULL | 'b' | 2\n +1 | NULL | 'a' | 1 | NULL | NULL | NULL"},
	{"copies multiply", {JOIN_INNER, 1}, "+2 | 1 | 'a' | 1", "+3 | 1 | 'b' | 2", "+6 | 1 | 'a' | 1 | 1 | 'b' | 2", "-1 | 1 | 'b' | 2", "-2 | 1 | 'a' | 1 | 1 | 'b' | 2"},
	{"of a row that stays there may be any number", {JOIN_INNER, 1, .left_grows = true, .right_grows = true}, "+700 | 1 | 'a' | 1", "+1 | 1 | 'b' | 2",
		"+700 | 1 | 'a' | 1 | 1 | 'b' | 2", "+2 | 1 | 'b' | 3", "+1400 | 1 | 'a' | 1 | 1 | 'b' | 3"},
	{"semi gives each row once", {JOIN_SEMI, 1}, "+2 | 1 | 'a' | 1", "+3 | 1 | 'b' | 2", "+2 | 1 | 'a' | 1", "-3 | 1 | 'b' | 2", "-2 | 1 | 'a' | 1"},
	{"anti waits for the last match to go", {JOIN_ANTI, 1}, "+1 | 1 | 'a' | 1", "+2 | 1 | 'b' | 2", "", "-2 | 1 | 'b' | 2", "+1 | 1 | 'a' | 1"},
	{"an outer row goes when its match comes", {JOIN_LEFT, 1, .residual = true}, "+1 | 1 | 'a' | 5", "+1 | 1 | 'b' | 2",
		"+1 | 1 | 'a' | 5 | NULL | NULL | NULL", "+1 | 1 | 'c' | 9", "-1 | 1 | 'a' | 5 | NULL | NULL | NULL\n +1 | 1 | 'a' | 5 | 1 | 'c' | 9"},
	{"without keys all rows are tried", {JOIN_INNER, 0, .residual = true}, "+1 | 1 | 'a' | 1\n +1 | 2 | 'a' | 3", "+1 | 7 | 'b' | 2",
		"+1 | 1 | 'a' | 1 | 7 | 'b' | 2", "+1 | 8 | 'b' | 4", "+1 | 1 | 'a' | 1 | 8 | 'b' | 4\n +1 | 2 | 'a' | 3 | 8 | 'b' | 4"},
};

static void cases_by_hand(void **context)
{
	(void)context;
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		Harness h;
		shape = CASES[i].shape;
		print_message("%s\n", CASES[i].title);
		harness_open(&h, make_join, types(), types(), NULL);
		harness_push(&h, 0, CASES[i].left);
		harness_push(&h, 1, CASES[i].right);
		harness_commit(&h);
		harness_expect(&h, CASES[i].wanted);
		harness_restart(&h);
		harness_push(&h, 1, CASES[i].then_right);
		harness_commit(&h);
		harness_expect(&h, CASES[i].then_wanted);
		harness_close(&h);
	}
}

static void late_rows_meet_by_the_rule_not_by_what_is_in_memory(void **context)
{
	(void)context;
	Harness h;
	shape = (Shape){.kind = JOIN_INNER, .key_count = 1, .interval = true, .left_grows = true, .right_grows = true};
	upper_s = 0;
	harness_open(&h, make_join, types(), types(), NULL);
	harness_watermark(&h, 0, 0, 7 * SECOND);
	harness_watermark(&h, 1, 0, 7 * SECOND);
	harness_commit(&h);
	harness_push(&h, 0, "+1 @7 | 1 | 6 | 1");
	harness_watermark(&h, 0, 0, 8 * SECOND);
	harness_commit(&h);
	harness_restart(&h);
	harness_push(&h, 1, "+1 @7 | 1 | 6 | 2\n +1 @8 | 1 | 5 | 3");
	harness_commit(&h);
	harness_expect(&h, "+1 | 1 | 6 | 1 | 1 | 6 | 2");
	harness_close(&h);
	upper_s = 3;
}

static void what_watermarks_have_passed_takes_no_memory(void **context)
{
	(void)context;
	for (int form = 0; form < 3; form++) {
		Harness h;
		uint64_t early = 0;
		bool window = form == 1;
		shape = (Shape){.kind = JOIN_LEFT, .key_count = window ? 2 : 1, .interval = !window, .window = window, .left_grows = true, .right_grows = true,
			.ends = {form == 2}};
		harness_open(&h, make_join, types_of(0), types_of(1), NULL);
		for (int n = 1; n <= 500; n++) {
			char row[64];
			snprintf(row, sizeof row, "+1 @%d | %d | %d | %d", n - 1, n % 5, n, form == 2 ? n + n % 7 : 1);
			harness_push(&h, 0, row);
			harness_push(&h, 1, row);
			harness_watermark(&h, 0, 0, n * SECOND);
			harness_watermark(&h, 1, 0, n * SECOND);
			harness_commit(&h);
			if (n == 20) early = state_bytes(h.op->state);
		}
		assert_true(state_bytes(h.op->state) <= early);
		harness_close(&h);
	}
}

static void what_nobody_reads_is_not_remembered(void **context)
{
	(void)context;
	uint64_t bytes[2];
	for (int unread = 0; unread < 2; unread++) {
		Harness h;
		shape = (Shape){.kind = JOIN_INNER, .key_count = 1, .left_grows = true, .right_grows = true, .unread = unread};
		harness_open(&h, make_join, types(), types(), NULL);
		for (int n = 0; n < 2000; n++) {
			char row[128];
			snprintf(row, sizeof row, "+1 | %d | 'a text that is longer than all that stands beside it' | %d", n % 10, n);
			harness_push(&h, 0, row);
		}
		harness_commit(&h);
		bytes[unread] = state_bytes(h.op->state);
		harness_close(&h);
	}
	assert_true(bytes[1] * 2 < bytes[0]);
}

/* A batch that meets many rows makes many portions of pairs. */
static void pairs_take_no_memory_beyond_their_portion(void **context)
{
	(void)context;
	enum { THEIRS = 2000, OWN = 200 };
	Harness h;
	StrBuf rows = STRBUF_INIT;
	shape = (Shape){.kind = JOIN_INNER, .residual = true, .left_grows = true, .right_grows = true};
	harness_open(&h, make_join, types(), types(), NULL);
	for (int n = 0; n < THEIRS; n++) {
		char row[64];
		snprintf(row, sizeof row, "+1 | 1 | 'a' | %d", THEIRS - n);
		harness_push(&h, 0, row);
	}
	for (int n = 0; n < OWN; n++) strbuf_printf(&rows, "+1 | 1 | 'a' | 1\n");
	harness_push(&h, 1, rows.text);
	assert_true(h.op->scratch.used_bytes < 200000);
	strbuf_release(&rows);
	harness_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cases_by_hand),
		cmocka_unit_test(joins_of_all_kinds_follow_changes_of_both_sides),
		cmocka_unit_test(sides_that_only_grow_are_joined_the_same_way),
		cmocka_unit_test(interval_joins_forget_without_changing_the_answer),
		cmocka_unit_test(rows_that_say_themselves_how_long_they_wait_are_forgotten_then),
		cmocka_unit_test(window_joins_forget_without_changing_the_answer),
		cmocka_unit_test(late_rows_meet_by_the_rule_not_by_what_is_in_memory),
		cmocka_unit_test(what_watermarks_have_passed_takes_no_memory),
		cmocka_unit_test(what_nobody_reads_is_not_remembered),
		cmocka_unit_test(pairs_take_no_memory_beyond_their_portion),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
