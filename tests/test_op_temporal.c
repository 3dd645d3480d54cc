/* Joins by time: FOR SYSTEM_TIME AS OF, of an event time and of the present, and ASOF */
#include "op_harness.h"

static TemporalJoinSpec shape;            /* what the table of cases varies */
static bool with_residual, left_only_grows, right_only_grows, with_watermarks;

/* left: key, time, value; right: key, time, value */
static Op *make_temporal(Arena *arena)
{
	TemporalJoinSpec spec = shape;
	Error err = ERROR_INIT;
	spec.left = test_input(arena, 1, "integer timestamp integer", left_only_grows);
	spec.right = test_input(arena, 11, "integer timestamp integer", right_only_grows);
	spec.left_watermark = spec.right_watermark = -1;
	if (with_watermarks) {
		test_input_watermark(arena, &spec.left, 1, 0, false);
		test_input_watermark(arena, &spec.right, 1, 0, false);
		spec.left_watermark = spec.right_watermark = 0;
	}
	spec.left_keys = arena_array(arena, Expr *, 1);
	spec.right_keys = arena_array(arena, Expr *, 1);
	spec.left_keys[0] = test_column(arena, &spec.left, 0);
	spec.right_keys[0] = test_column(arena, &spec.right, 0);
	spec.key_count = 1;
	if (spec.kind != TEMPORAL_PROCTIME) {
		spec.left_time = test_column(arena, &spec.left, 1);
		spec.right_time = test_column(arena, &spec.right, 1);
	}
	if (with_residual) {
		Expr *sides[] = {test_column(arena, &spec.left, 2), test_column(arena, &spec.right, 2)};
		spec.residual = expr_call(arena, "<=", sides, 2, SPAN_NONE, &err);
	}
	return op_temporal_join_new(&spec);
}

static void start(Harness *h, TemporalKind kind, bool outer)
{
	shape = (TemporalJoinSpec){.kind = kind, .left_outer = outer};
	with_residual = left_only_grows = right_only_grows = with_watermarks = false;
	harness_open(h, make_temporal, "integer timestamp integer", "integer timestamp integer", NULL);
}

static void start_with_watermarks(Harness *h, bool outer)
{
	shape = (TemporalJoinSpec){.kind = TEMPORAL_EVENT_TIME, .left_outer = outer};
	with_residual = left_only_grows = right_only_grows = false;
	with_watermarks = true;
	harness_open(h, make_temporal, "integer timestamp integer", "integer timestamp integer", NULL);
}

/* ---- naive recomputation ---- */

static void sum_of(const TestRows *log, TestRows *out)
{
	test_rows_init(out, log->types, log->column_count);
	test_rows_append(out, log);
	test_rows_net(out);
}

static bool residual_holds(const Value *left, const Value *right)
{
	return !with_residual || (!left[2].is_null && !right[2].is_null && left[2].i64 <= right[2].i64);
}

static void add_joined(TestRows *out, const TestRow *left, const Value *right, int64_t weight)
{
	Value values[6];
	for (int c = 0; c < 3; c++) values[c] = left->values[c];
	for (int c = 0; c < 3; c++) values[3 + c] = right ? right[c] : (Value){.type = out->types[3 + c], .is_null = true};
	test_rows_add(out, values, weight);
}

/* The nearest time; of equal ones the least row by value (NULLs first). */
static bool better(const Value *a, const Value *b)
{
	if (a[1].i64 != b[1].i64) return shape.asof_forward ? a[1].i64 < b[1].i64 : a[1].i64 > b[1].i64;
	return value_compare(&a[2], &b[2]) < 0;
}

static bool fits(const Value *left, const Value *right)
{
	int64_t l = left[1].i64, r = right[1].i64;
	if (left[0].is_null || right[0].is_null || left[0].i64 != right[0].i64 || left[1].is_null || right[1].is_null) return false;
	if (shape.asof_forward) return shape.asof_strict ? r > l : r >= l;
	return shape.asof_strict ? r < l : r <= l;
}

static void recompute_asof(const TestRows *inputs, const int64_t *watermarks, TestRows *out)
{
	(void)watermarks;
	TestRows left, right;
	sum_of(&inputs[0], &left);
	sum_of(&inputs[1], &right);
	for (int l = 0; l < left.count; l++) {
		const Value *best = NULL;
		for (int r = 0; r < right.count; r++) {
			const Value *row = right.at[r].values;
			if (fits(left.at[l].values, row) && (!best || better(row, best))) best = row;
		}
		if (best || shape.left_outer) add_joined(out, &left.at[l], best, left.at[l].weight);
	}
	test_rows_release(&left);
	test_rows_release(&right);
}

static void asof_takes_the_nearest_row_whatever_changes(void **context)
{
	(void)context;
	for (int form = 0; form < 8; form++) {
		shape = (TemporalJoinSpec){.kind = TEMPORAL_ASOF, .left_outer = form & 1, .asof_strict = form & 2, .asof_forward = form & 4};
		with_residual = left_only_grows = right_only_grows = with_watermarks = false;
		Differential d = {.make = make_temporal, .recompute = recompute_asof, .input_count = 2, .rounds = 6,
			.inputs = {{.types = "integer timestamp integer"}, {.types = "integer timestamp integer"}}};
		differential_run(&d);
	}
}

/* Versions that are only added: of those with one time the greatest packed row, which for small numbers is the greatest value; NULL is last. */
static bool later_version(const TestRow *a, const TestRow *b)
{
	if (a->values[1].i64 != b->values[1].i64) return a->values[1].i64 > b->values[1].i64;
	return test_row_compare(a, b) > 0;
}

static void recompute_versions(const TestRows *inputs, const int64_t *watermarks, TestRows *out)
{
	(void)watermarks;
	TestRows left, right;
	sum_of(&inputs[0], &left);
	sum_of(&inputs[1], &right);
	for (int l = 0; l < left.count; l++) {
		const TestRow *best = NULL;
		for (int r = 0; r < right.count; r++)
			if (fits(left.at[l].values, right.at[r].values) && (!best || later_version(&right.at[r], best))) best = &right.at[r];
		bool met = best && residual_holds(left.at[l].values, best->values);
		if (met || shape.left_outer) add_joined(out, &left.at[l], met ? best->values : NULL, left.at[l].weight);
	}
	test_rows_release(&left);
	test_rows_release(&right);
}

static void versions_that_are_only_added_serve_rows_of_their_time(void **context)
{
	(void)context;
	for (int form = 0; form < 4; form++) {
		shape = (TemporalJoinSpec){.kind = TEMPORAL_EVENT_TIME, .left_outer = form & 1};
		with_residual = form & 2;
		left_only_grows = with_watermarks = false;
		right_only_grows = true;
		Differential d = {.make = make_temporal, .recompute = recompute_versions, .input_count = 2, .rounds = 6,
			.inputs = {{.types = "integer timestamp integer"}, {.types = "integer timestamp integer", .append_only = true}}};
		differential_run(&d);
	}
}

/* ---- the present: the log of both sides, in order of arrival ---- */

static int64_t present_weight(const TestRows *inputs, const TestRow *row, Int128 before)
{
	int64_t weight = 0;
	for (int i = 0; i < inputs[1].count; i++)
		if (inputs[1].at[i].arrival < before && test_row_compare(&inputs[1].at[i], row) == 0) weight += inputs[1].at[i].weight;
	return weight;
}

static void recompute_present(const TestRows *inputs, const int64_t *watermarks, TestRows *out)
{
	(void)watermarks;
	for (int l = 0; l < inputs[0].count; l++) {
		const TestRow *left = &inputs[0].at[l];
		bool met = false;
		TestRows right;
		test_rows_init(&right, inputs[1].types, 3);
		for (int r = 0; r < inputs[1].count; r++)
			if (inputs[1].at[r].arrival < left->arrival) test_rows_add(&right, inputs[1].at[r].values, inputs[1].at[r].weight);
		test_rows_net(&right);
		for (int r = 0; r < right.count; r++) {
			const Value *row = right.at[r].values;
			if (left->values[0].is_null || row[0].is_null || left->values[0].i64 != row[0].i64 || !residual_holds(left->values, row)) continue;
			met = true;
			add_joined(out, left, row, left->weight * right.at[r].weight);
		}
		if (!met && shape.left_outer) add_joined(out, left, NULL, left->weight);
		test_rows_release(&right);
	}
}

static void a_row_keeps_what_was_there_when_it_came(void **context)
{
	(void)context;
	for (int form = 0; form < 4; form++) {
		Harness h;
		TestRandom random = {(uint64_t)form + 1};
		shape = (TemporalJoinSpec){.kind = TEMPORAL_PROCTIME, .left_outer = form & 1};
		with_residual = form & 2;
		left_only_grows = true;
		right_only_grows = with_watermarks = false;
		harness_open(&h, make_temporal, "integer timestamp integer", "integer timestamp integer", NULL);
		for (int n = 0; n < 400; n++) {
			int input = (int)test_random(&random, 2);
			Value values[3];
			for (int c = 0; c < 3; c++) values[c] = test_random_value(&random, h.inputs[input].types[c]);
			TestRows *rows = &h.inputs[input];
			bool removes = input && rows->count && test_random(&random, 3) == 0;
			TestRow old = removes ? rows->at[test_random(&random, (uint32_t)rows->count)] : (TestRow){0};
			removes = removes && present_weight(h.inputs, &old, (Int128)h.position + 1) > 0;
			TestRow *row = removes ? test_rows_add(rows, old.values, -1) : test_rows_add(rows, values, 1);
			row->arrival = (Int128)++h.position;
			harness_push_rows(&h, input, rows->count - 1, rows->count);
			if (test_random(&random, 20)) continue;
			harness_commit(&h);
			if (test_random(&random, 2)) harness_restart(&h);
		}
		TestRows wanted;
		test_rows_init(&wanted, h.op->types, h.op->column_count);
		recompute_present(h.inputs, NULL, &wanted);
		test_rows_net(&wanted);
		test_rows_net(&h.fresh);
		test_rows_compare(&h.fresh, &wanted, "present");
		assert_true(h.only_added && h.op->append_only);
		test_rows_release(&wanted);
		harness_close(&h);
	}
}

static void a_row_that_goes_takes_back_what_it_was_given(void **context)
{
	(void)context;
	Harness h;
	start(&h, TEMPORAL_PROCTIME, true);
	harness_push(&h, 0, "+1 | 1 | 0 | 7\n +1 | 2 | 0 | 8");
	harness_push(&h, 1, "+1 | 1 | 0 | 100");
	harness_push(&h, 0, "+1 | 1 | 0 | 7");
	harness_push(&h, 1, "-1 | 1 | 0 | 100\n +1 | 1 | 0 | 200");
	harness_commit(&h);
	harness_expect(&h, "+1 | 1 | 0 | 7 | NULL | NULL | NULL\n +1 | 2 | 0 | 8 | NULL | NULL | NULL\n +1 | 1 | 0 | 7 | 1 | 0 | 100");
	harness_restart(&h);
	harness_push(&h, 0, "-1 | 1 | 0 | 7");
	harness_commit(&h);
	harness_expect(&h, "-1 | 1 | 0 | 7 | 1 | 0 | 100");
	harness_push(&h, 0, "-1 | 1 | 0 | 7\n -1 | 2 | 0 | 8");
	harness_commit(&h);
	harness_expect(&h, "-1 | 1 | 0 | 7 | NULL | NULL | NULL\n -1 | 2 | 0 | 8 | NULL | NULL | NULL");
	harness_push(&h, 0, "-1 | 1 | 0 | 7\n +1 | 1 | 0 | 7");                   /* within a commit in any order */
	harness_commit(&h);
	harness_expect(&h, "");
	harness_close(&h);
}

static void the_present_may_have_several_rows_of_a_key(void **context)
{
	(void)context;
	Harness h;
	start(&h, TEMPORAL_PROCTIME, false);
	harness_push(&h, 1, "+2 | 1 | 0 | 100\n +1 | 1 | 0 | 200\n +1 | NULL | 0 | 300");
	harness_push(&h, 0, "+1 | 1 | 0 | 7\n +1 | NULL | 0 | 8");
	harness_commit(&h);
	harness_expect(&h, "+2 | 1 | 0 | 7 | 1 | 0 | 100\n +1 | 1 | 0 | 7 | 1 | 0 | 200");
	harness_push(&h, 0, "-1 | 1 | 0 | 7\n -1 | NULL | 0 | 8");
	harness_commit(&h);
	harness_expect(&h, "-2 | 1 | 0 | 7 | 1 | 0 | 100\n -1 | 1 | 0 | 7 | 1 | 0 | 200");
	harness_close(&h);
}

/* Whichever of two partitions is read first within a commit. */
static void other_partitions_are_seen_as_the_last_commit_left_them(void **context)
{
	(void)context;
	static const int ORDERS[][4] = {{0, 0, 1, 1}, {1, 1, 0, 0}, {0, 1, 1, 0}, {1, 0, 0, 1}};
	for (int order = 0; order < 4; order++) {
		static const char *const ROWS[2][2] = {{"+1 | 1 | 0 | 7", "+1 | 1 | 0 | 8"}, {"-1 | 1 | 0 | 100", "+1 | 1 | 0 | 200"}};
		int next[2] = {0, 0};
		Harness h;
		start(&h, TEMPORAL_PROCTIME, true);
		h.op->defers = true;
		harness_push(&h, 1, "+1 | 1 | 0 | 100");
		harness_commit(&h);
		for (int p = 0; p < 4; p++) {
			int input = ORDERS[order][p];
			harness_push(&h, input, ROWS[input][next[input]++]);
		}
		harness_commit(&h);
		harness_expect(&h, "+1 | 1 | 0 | 7 | 1 | 0 | 100\n +1 | 1 | 0 | 8 | 1 | 0 | 100");
		harness_push(&h, 0, "+1 | 1 | 0 | 9");
		harness_commit(&h);
		harness_expect(&h, "+1 | 1 | 0 | 9 | 1 | 0 | 200");
		harness_close(&h);
	}
}

/* ---- versions that change ---- */

static void an_update_counts_from_its_time_on(void **context)
{
	(void)context;
	Harness h;
	start(&h, TEMPORAL_EVENT_TIME, true);
	harness_push(&h, 0, "+1 | 1 | 5 | 0\n +1 | 1 | 10 | 0\n +1 | 1 | 20 | 0\n +1 | 1 | NULL | 0\n +1 | NULL | 10 | 0");
	harness_push(&h, 1, "+1 | 1 | 10 | 100");
	harness_commit(&h);
	harness_expect(&h, "+1 | 1 | 5 | 0 | NULL | NULL | NULL\n +1 | 1 | 10 | 0 | 1 | 10 | 100\n +1 | 1 | 20 | 0 | 1 | 10 | 100\n"
		"+1 | 1 | NULL | 0 | NULL | NULL | NULL\n +1 | NULL | 10 | 0 | NULL | NULL | NULL");
	harness_restart(&h);
	harness_push(&h, 1, "-1 | 1 | 10 | 100\n +1 | 1 | 20 | 200");
	harness_commit(&h);
	harness_expect(&h, "-1 | 1 | 20 | 0 | 1 | 10 | 100\n +1 | 1 | 20 | 0 | 1 | 20 | 200");
	harness_push(&h, 1, "-1 | 1 | 20 | 200\n +1 | 1 | 5 | 50");                /* late */
	harness_commit(&h);
	harness_expect(&h, "-1 | 1 | 5 | 0 | NULL | NULL | NULL\n +1 | 1 | 5 | 0 | 1 | 5 | 50");
	harness_push(&h, 1, "-1 | 1 | 5 | 50\n +1 | 1 | 20 | 201");                /* the same time again: the last one holds */
	harness_push(&h, 0, "+1 | 1 | 19 | 1\n +1 | 1 | 30 | 1");
	harness_commit(&h);
	harness_expect(&h, "-1 | 1 | 20 | 0 | 1 | 20 | 200\n +1 | 1 | 20 | 0 | 1 | 20 | 201\n +1 | 1 | 19 | 1 | 1 | 10 | 100\n +1 | 1 | 30 | 1 | 1 | 20 | 201");
	harness_close(&h);
}

static void a_delete_ends_the_version_at_the_greatest_time_seen(void **context)
{
	(void)context;
	static const int BATCH_ROWS[] = {0, 1};
	for (int b = 0; b < 2; b++) {
		Harness h;
		start(&h, TEMPORAL_EVENT_TIME, false);
		h.batch_rows = BATCH_ROWS[b];
		harness_push(&h, 0, "+1 | 1 | 15 | 0\n +1 | 1 | 25 | 0\n +1 | 1 | 35 | 0\n +1 | 2 | 35 | 0");
		harness_push(&h, 1, "+1 | 1 | 10 | 100\n +1 | 2 | 25 | 200");
		harness_commit(&h);
		harness_expect(&h, "+1 | 1 | 15 | 0 | 1 | 10 | 100\n +1 | 1 | 25 | 0 | 1 | 10 | 100\n +1 | 1 | 35 | 0 | 1 | 10 | 100\n +1 | 2 | 35 | 0 | 2 | 25 | 200");
		harness_push(&h, 1, "-1 | 1 | 10 | 100\n -1 | 2 | 25 | 200\n +1 | 2 | 30 | 201");
		harness_commit(&h);
		harness_expect(&h, "-1 | 1 | 25 | 0 | 1 | 10 | 100\n -1 | 1 | 35 | 0 | 1 | 10 | 100\n -1 | 2 | 35 | 0 | 2 | 25 | 200\n +1 | 2 | 35 | 0 | 2 | 30 | 201");
		harness_restart(&h);
		harness_push(&h, 1, "+1 | 1 | 12 | 101");                                /* does not live on after the end */
		harness_commit(&h);
		harness_expect(&h, "-1 | 1 | 15 | 0 | 1 | 10 | 100\n +1 | 1 | 15 | 0 | 1 | 12 | 101");
		harness_push(&h, 1, "-1 | 1 | 12 | 101\n +1 | 1 | 30 | 102");
		harness_commit(&h);
		harness_expect(&h, "+1 | 1 | 35 | 0 | 1 | 30 | 102");
		harness_close(&h);
	}
}

static void what_a_commit_takes_back_is_not_told(void **context)
{
	(void)context;
	Harness h;
	start(&h, TEMPORAL_EVENT_TIME, true);
	harness_push(&h, 0, "+1 | 1 | 15 | 0\n -1 | 1 | 15 | 0\n +1 | 1 | 16 | 0");
	harness_push(&h, 1, "+1 | 1 | 10 | 100\n -1 | 1 | 10 | 100\n +1 | 1 | 16 | 101\n -1 | 1 | 16 | 101\n +1 | 1 | 20 | 102");
	harness_commit(&h);
	harness_expect(&h, "+1 | 1 | 16 | 0 | 1 | 16 | 101");
	assert_true(h.only_added);
	harness_close(&h);
}

static void both_watermarks_forget_rows_and_versions(void **context)
{
	(void)context;
	Harness h;
	start_with_watermarks(&h, true);
	harness_push(&h, 1, "+1 @0 | 1 | 1 | 10\n -1 @1 | 1 | 1 | 10\n +1 @1 | 1 | 5 | 50\n -1 @5 | 1 | 5 | 50\n +1 @5 | 1 | 9 | 90");
	harness_push(&h, 0, "+1 @0 | 1 | 3 | 0\n +1 @0 | 1 | 7 | 0");
	harness_commit(&h);
	harness_expect(&h, "+1 | 1 | 3 | 0 | 1 | 1 | 10\n +1 | 1 | 7 | 0 | 1 | 5 | 50");
	harness_watermark(&h, 0, 0, 8 * SECOND);
	harness_commit(&h);
	harness_expect(&h, "");
	harness_push(&h, 0, "+1 @8 | 1 | 4 | 1");                                   /* the versions' watermark has not passed it */
	harness_commit(&h);
	harness_expect(&h, "+1 | 1 | 4 | 1 | 1 | 1 | 10");
	harness_watermark(&h, 1, 0, 6 * SECOND);
	harness_commit(&h);
	harness_restart(&h);
	harness_push(&h, 0, "+1 @8 | 1 | 4 | 2\n -1 @8 | 1 | 3 | 0");              /* late */
	harness_push(&h, 0, "+1 @8 | 1 | 6 | 2");
	harness_push(&h, 1, "-1 @6 | 1 | 9 | 90\n +1 @6 | 1 | 4 | 40\n -1 @6 | 1 | 4 | 40\n +1 @6 | 1 | 6 | 60");
	harness_commit(&h);
	harness_expect(&h, "+1 | 1 | 6 | 2 | 1 | 6 | 60\n -1 | 1 | 7 | 0 | 1 | 5 | 50\n +1 | 1 | 7 | 0 | 1 | 6 | 60");
	assert_int_equal(h.rows_late + h.op->rows_late, 2);
	harness_watermark(&h, 0, 0, 100 * SECOND);
	harness_watermark(&h, 1, 0, 100 * SECOND);
	harness_commit(&h);
	harness_push(&h, 0, "+1 @100 | 1 | 100 | 3");
	harness_commit(&h);
	harness_expect(&h, "+1 | 1 | 100 | 3 | 1 | 9 | 90");
	harness_close(&h);
}

/* ---- bounded memory ---- */

static void memory_does_not_grow_with_what_has_passed(void **context)
{
	(void)context;
	Harness h;
	uint64_t early = 0;
	start_with_watermarks(&h, false);
	for (int n = 1; n <= 400; n++) {
		char left[64], right[128];
		snprintf(left, sizeof left, "+1 @%d | %d | %d | %d", n - 1, n % 3, n, n);
		if (n > 3) snprintf(right, sizeof right, "-1 @%d | %d | %d | %d\n +1 @%d | %d | %d | %d", n - 1, n % 3, n - 3, n - 3, n - 1, n % 3, n, n);
		else snprintf(right, sizeof right, "+1 @%d | %d | %d | %d", n - 1, n % 3, n, n);
		harness_push(&h, 0, left);
		harness_push(&h, 1, right);
		harness_watermark(&h, 0, 0, (n - 1) * SECOND);
		harness_watermark(&h, 1, 0, (n - 1) * SECOND);
		harness_commit(&h);
		if (n == 20) early = state_bytes(h.op->state);
	}
	assert_true(state_bytes(h.op->state) <= early);
	harness_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asof_takes_the_nearest_row_whatever_changes),
		cmocka_unit_test(versions_that_are_only_added_serve_rows_of_their_time),
		cmocka_unit_test(a_row_keeps_what_was_there_when_it_came),
		cmocka_unit_test(a_row_that_goes_takes_back_what_it_was_given),
		cmocka_unit_test(other_partitions_are_seen_as_the_last_commit_left_them),
		cmocka_unit_test(the_present_may_have_several_rows_of_a_key),
		cmocka_unit_test(an_update_counts_from_its_time_on),
		cmocka_unit_test(a_delete_ends_the_version_at_the_greatest_time_seen),
		cmocka_unit_test(what_a_commit_takes_back_is_not_told),
		cmocka_unit_test(both_watermarks_forget_rows_and_versions),
		cmocka_unit_test(memory_does_not_grow_with_what_has_passed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
