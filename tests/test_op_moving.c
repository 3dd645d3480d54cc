#include "op_harness.h"

typedef struct Config { bool enter, leave, enter_inclusive, leave_inclusive, append_only, has_arrival; } Config;

static const Config *config;

static Expr *compare(Arena *arena, const char *operator, Expr *a, Expr *b)
{
	Error err = ERROR_INIT;
	Expr *args[2] = {a, b}, *e = expr_call(arena, operator, args, 2, SPAN_NONE, &err);
	assert_non_null(e);
	return e;
}

/* A moment that is not included counts from the next microsecond. */
static Expr *moment(Arena *arena, Expr *x, bool inclusive)
{
	Value microsecond = {.type = TYPE(INTERVAL), .interval = {.us = 1}};
	return inclusive ? x : compare(arena, "+", x, expr_constant(arena, &microsecond, SPAN_NONE));
}

enum { CLOCK = 100 };

static Expr *clock_column(Arena *arena) { return expr_column(arena, CLOCK, TYPE(TIMESTAMP), false, SPAN_NONE); }

/* id integer (1), enter timestamp (2), leave timestamp (3): enter <= now() AND now() < leave */
static Op *make_config(Arena *arena)
{
	MovingSpec spec = {
		.in = test_input(arena, 1, "integer timestamp timestamp", config->append_only), .clock = CLOCK, .moments = arena_array(arena, Expr *, 2),
		.enters_only = !config->leave,
	};
	spec.in.has_arrival = config->has_arrival;
	if (config->enter) {
		Expr *enter = test_column(arena, &spec.in, 1);
		spec.moments[spec.moment_count++] = moment(arena, enter, config->enter_inclusive);
		spec.condition = compare(arena, config->enter_inclusive ? ">=" : ">", clock_column(arena), enter);
	}
	if (config->leave) {
		Expr *leave = test_column(arena, &spec.in, 2);
		spec.moments[spec.moment_count++] = moment(arena, leave, config->leave_inclusive);
		spec.condition = expr_and(arena, spec.condition, compare(arena, config->leave_inclusive ? "<" : "<=", clock_column(arena), leave));
	}
	return op_moving_new(&spec);
}

static void rows_come_and_go_with_the_clock(void **context)
{
	(void)context;
	static const Config CONFIG = {.enter = true, .leave = true, .enter_inclusive = true, .leave_inclusive = true};
	config = &CONFIG;
	Harness h;
	harness_open(&h, make_config, "integer timestamp timestamp", NULL);
	h.commit.system_us = 100 * SECOND;
	harness_push(&h, 0, "+1 | 1 | 90 | 110\n +2 | 2 | 105 | 120\n +1 | 3 | 90 | 100\n +1 | 4 | NULL | 200\n +1 | 5 | 90 | NULL\n +1 | 6 | 130 | 125");
	harness_commit(&h);
	harness_expect(&h, "+1 | 1 | 90 | 110");
	assert_int_equal(h.op->class->next_time(h.op), 105 * SECOND);
	h.commit.system_us = 105 * SECOND;
	harness_commit(&h);
	harness_expect(&h, "+2 | 2 | 105 | 120");
	harness_restart(&h);
	assert_int_equal(h.op->class->next_time(h.op), 110 * SECOND);
	h.commit.system_us = 111 * SECOND;
	harness_push(&h, 0, "-1 | 1 | 90 | 110\n -1 | 2 | 105 | 120");
	harness_commit(&h);
	harness_expect(&h, "-1 | 1 | 90 | 110\n -1 | 2 | 105 | 120");
	h.commit.system_us = 500 * SECOND;
	harness_commit(&h);
	harness_expect(&h, "-1 | 2 | 105 | 120");
	assert_true(h.op->class->next_time(h.op) == INT64_MAX);
	harness_close(&h);
}

static void an_instant_that_is_not_included_counts_from_the_next_microsecond(void **context)
{
	(void)context;
	static const Config CONFIG = {.enter = true, .leave = true};
	config = &CONFIG;
	Harness h;
	harness_open(&h, make_config, "integer timestamp timestamp", NULL);
	h.commit.system_us = 100 * SECOND;
	harness_push(&h, 0, "+1 | 1 | 100 | 110");
	harness_commit(&h);
	harness_expect(&h, "");
	h.commit.system_us = 100 * SECOND + 1;
	harness_commit(&h);
	harness_expect(&h, "+1 | 1 | 100 | 110");
	h.commit.system_us = 110 * SECOND;
	harness_commit(&h);
	harness_expect(&h, "");
	h.commit.system_us = 110 * SECOND + 1;
	harness_commit(&h);
	harness_expect(&h, "-1 | 1 | 100 | 110");
	harness_close(&h);
}

/* id integer (1), at timestamp (2): all rows, and whether now() >= at */
static Op *make_item(Arena *arena)
{
	MovingSpec spec = {.in = test_input(arena, 1, "integer timestamp", false), .clock = CLOCK, .moments = arena_array(arena, Expr *, 2), .items = arena_array(arena, Expr *, 1)};
	Expr *at = test_column(arena, &spec.in, 1);
	Value hour = {.type = TYPE(INTERVAL), .interval = {.us = 3600 * SECOND}};
	spec.moments[spec.moment_count++] = at;
	spec.moments[spec.moment_count++] = compare(arena, "+", at, expr_constant(arena, &hour, SPAN_NONE));      /* one at which nothing changes */
	spec.items[spec.item_count++] = compare(arena, ">=", clock_column(arena), at);
	return op_moving_new(&spec);
}

static void a_column_changes_at_its_moments_only(void **context)
{
	(void)context;
	Harness h;
	harness_open(&h, make_item, "integer timestamp", NULL);
	h.commit.system_us = 100 * SECOND;
	harness_push(&h, 0, "+1 | 1 | 90\n +2 | 2 | 105\n +1 | 3 | NULL");
	harness_commit(&h);
	harness_expect(&h, "+1 | 1 | 90 | true\n +2 | 2 | 105 | false\n +1 | 3 | NULL | NULL");
	harness_restart(&h);
	h.commit.system_us = 105 * SECOND;
	harness_push(&h, 0, "-1 | 2 | 105");
	harness_commit(&h);
	harness_expect(&h, "-2 | 2 | 105 | false\n +1 | 2 | 105 | true");
	assert_int_equal(h.op->class->next_time(h.op), 3690 * SECOND);
	h.commit.system_us = 4000 * SECOND;
	harness_commit(&h);
	harness_expect(&h, "");
	assert_true(h.op->class->next_time(h.op) == INT64_MAX);
	harness_push(&h, 0, "-1 | 2 | 105\n -1 | 3 | NULL");
	harness_commit(&h);
	harness_expect(&h, "-1 | 2 | 105 | true\n -1 | 3 | NULL | NULL");
	harness_close(&h);
}

/* ---- at random: the harness' clock starts at 1000 s and goes on by one second a commit ---- */

static int64_t clock_us;

static void recompute(const TestRows *inputs, const int64_t *watermarks, TestRows *out)
{
	(void)watermarks;
	clock_us += SECOND;
	for (int i = 0; i < inputs[0].count; i++) {
		const Value *values = inputs[0].at[i].values;
		if (config->enter && (values[1].is_null || (config->enter_inclusive ? clock_us < values[1].i64 : clock_us <= values[1].i64))) continue;
		if (config->leave && (values[2].is_null || (config->leave_inclusive ? clock_us >= values[2].i64 : clock_us > values[2].i64))) continue;
		test_rows_add(out, values, inputs[0].at[i].weight);
	}
}

static void random_instants(TestRandom *random, int input, Value *values)
{
	(void)input;
	for (int c = 1; c < 3; c++) {
		values[c] = (Value){.type = TYPE(TIMESTAMP), .is_null = test_random(random, 12) == 0};
		if (!values[c].is_null) values[c].i64 = (995 + test_random(random, 30)) * SECOND;
	}
}

/* The clock of the runs starts anew with each: run_once() is given one seed at a time. */
static void the_output_is_what_the_condition_gives_at_each_commit(void **context)
{
	(void)context;
	static const Config CONFIGS[] = {
		{.enter = true, .leave = true, .enter_inclusive = true, .leave_inclusive = true}, {.enter = true, .leave = true},
		{.enter = true, .enter_inclusive = true, .append_only = true, .has_arrival = true}, {.leave = true, .leave_inclusive = true},
		{.leave = true, .append_only = true, .has_arrival = true}, {.enter = true},
	};
	for (size_t i = 0; i < sizeof CONFIGS / sizeof *CONFIGS; i++) {
		config = &CONFIGS[i];
		Differential d = {
			.make = make_config, .recompute = recompute, .input_count = 1, .random_row = random_instants,
			.inputs = {{.types = "integer timestamp timestamp", .append_only = config->append_only, .has_arrival = config->has_arrival}},
		};
		for (int batch_rows = 1; batch_rows <= 49; batch_rows *= 7) {
			for (uint64_t seed = 1; seed <= 4; seed++) {
				clock_us = 1000 * SECOND;
				run_once(&d, batch_rows, seed * 7919);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_come_and_go_with_the_clock),
		cmocka_unit_test(an_instant_that_is_not_included_counts_from_the_next_microsecond),
		cmocka_unit_test(a_column_changes_at_its_moments_only),
		cmocka_unit_test(the_output_is_what_the_condition_gives_at_each_commit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
