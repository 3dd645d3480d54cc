/* Window functions. The oracle is SQLite: each commit's output must be what the same query gives there over all rows so far. */
#include <sqlite3.h>

#include "op_harness.h"

/* ---- calls, as SQLite writes them and as the operator gets them ---- */

typedef struct TestCall {
	const char *sql;                      /* with %s where the window goes */
	OverKind kind;
	const char *aggregate;                /* OVER_AGGREGATE */
	int args[3];                          /* columns of the input, from 1; < 0: the constant -1 - n; 10 + n: abs(column n) */
	int arg_count;
	bool filter;                          /* FILTER (WHERE x > 0) */
} TestCall;

typedef struct TestFrame { const char *sql; Frame frame; } TestFrame;

/* k (1), v (2): order, x (3), name (4) */
typedef struct Config {
	const TestCall *calls; int call_count;
	const TestFrame *frame;
	bool descending, nulls_last, unordered, append_only, has_arrival;
	bool by_time;                         /* v is event time and rows come out when the watermark has passed them */
	bool closes;                          /* partitions are window ends: k is a TIMESTAMP */
	bool emit_on_close;
} Config;

static const Config *config;

static const char *types(void)
{
	if (config->by_time) return "integer timestamp integer text";
	return config->closes ? "timestamp integer integer text" : "integer integer integer text";
}

#define INT(n) {.type = TYPE(INTEGER), .i64 = (n)}

static Expr *make_arg(Arena *arena, const OpInput *in, int arg)
{
	if (arg < 0) return expr_int(arena, -1 - arg);
	if (arg < 10) return test_column(arena, in, arg - 1);
	Expr *column = test_column(arena, in, arg - 11);
	Error err = ERROR_INIT;
	return expr_call(arena, "abs", &column, 1, SPAN_NONE, &err);
}

static OverCall make_call(Arena *arena, const OpInput *in, const TestCall *call)
{
	OverCall made = {.kind = call->kind, .frame = config->frame->frame};
	AggregateCall *a = &made.aggregate;
	a->args = arena_array(arena, Expr *, 3);
	a->arg_count = call->arg_count;
	for (int i = 0; i < call->arg_count; i++) a->args[i] = make_arg(arena, in, call->args[i]);
	a->type = call->kind >= OVER_LAG && call->kind <= OVER_NTH_VALUE ? a->args[0]->type
		: call->kind == OVER_PERCENT_RANK || call->kind == OVER_CUME_DIST ? TYPE(REAL) : TYPE(INTEGER);
	if (call->kind == OVER_AGGREGATE) {
		Error err = ERROR_INIT;
		a->aggregate = aggregate_resolve(arena, call->aggregate, a->args, a->arg_count, a->arg_count == 0, SPAN_NONE, &err);
		assert_non_null(a->aggregate);
		Type arg_types[3];
		for (int i = 0; i < a->arg_count; i++) arg_types[i] = a->args[i]->type;
		a->type = a->aggregate->result(arg_types, a->arg_count);
	}
	if (call->filter) {
		Expr *sides[2] = {test_column(arena, in, 2), expr_int(arena, 0)};
		Error err = ERROR_INIT;
		a->filter = expr_call(arena, ">", sides, 2, SPAN_NONE, &err);
		assert_non_null(a->filter);
	}
	return made;
}

static Op *make_config(Arena *arena)
{
	OverSpec spec = {
		.in = test_input(arena, 1, types(), config->append_only), .close_order_watermark = -1, .close = {.key_index = -1}, .emit_on_close = config->emit_on_close,
	};
	spec.in.has_arrival = config->has_arrival;
	if (config->by_time) {
		test_input_watermark(arena, &spec.in, 1, 0, false);
		spec.close_order_watermark = 0;
	}
	if (config->closes) {
		test_input_watermark(arena, &spec.in, 0, 0, true);
		spec.close = (AggregateClose){.key_index = 0};
	}
	spec.keys = arena_array(arena, Expr *, 1);
	spec.keys[0] = test_column(arena, &spec.in, 0);
	spec.key_count = 1;
	spec.order = arena_array(arena, OpSortKey, 1);
	spec.order[0] = (OpSortKey){test_column(arena, &spec.in, 1), {.descending = config->descending, .nulls_last = config->nulls_last}};
	spec.order_count = !config->unordered;
	spec.calls = arena_array(arena, OverCall, config->call_count);
	spec.call_count = config->call_count;
	for (int i = 0; i < config->call_count; i++) spec.calls[i] = make_call(arena, &spec.in, &config->calls[i]);
	return op_over_new(&spec);
}

/* ---- the oracle ---- */

static sqlite3 *oracle_open(void)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "CREATE TABLE t(k, v, x, name, arrival)", NULL, NULL, NULL), SQLITE_OK);
	return db;
}

static void oracle_bind(sqlite3_stmt *insert, const TestRow *row)
{
	for (int c = 0; c < 4; c++) {
		const Value *value = &row->values[c];
		if (value->is_null) sqlite3_bind_null(insert, c + 1);
		else if (type_phys(value->type) == PHYS_STR) sqlite3_bind_text(insert, c + 1, str_at(&value->str), (int)value->str.bytes, SQLITE_TRANSIENT);
		else sqlite3_bind_int64(insert, c + 1, value->i64);
	}
	sqlite3_bind_int64(insert, 5, (int64_t)row->arrival);
}

/* Rows in the order in which ties come; SQLite's sorter is stable. */
static int tie_compare(const void *a, const void *b)
{
	const TestRow *x = a, *y = b;
	if (config->has_arrival) return x->arrival < y->arrival ? -1 : x->arrival > y->arrival;
	for (int c = 0; c < 4; c++) {
		int order = value_compare(&x->values[c], &y->values[c]);
		if (order) return order;
	}
	return 0;
}

static void oracle_fill(sqlite3 *db, TestRows *rows)
{
	sqlite3_stmt *insert;
	sqlite3_prepare_v2(db, "INSERT INTO t VALUES (?,?,?,?,?)", -1, &insert, NULL);
	if (rows->count) qsort(rows->at, (size_t)rows->count, sizeof *rows->at, tie_compare);
	for (int i = 0; i < rows->count; i++) {
		for (int64_t copy = 0; copy < rows->at[i].weight; copy++) {
			oracle_bind(insert, &rows->at[i]);
			sqlite3_step(insert);
			sqlite3_reset(insert);
		}
	}
	sqlite3_finalize(insert);
}

static void oracle_query(StrBuf *sql, const char *settled)
{
	char order[64] = "";
	if (!config->unordered) snprintf(order, sizeof order, "ORDER BY v %s NULLS %s ", config->descending ? "DESC" : "ASC", config->nulls_last ? "LAST" : "FIRST");
	StrBuf window = STRBUF_INIT, plain = STRBUF_INIT;
	strbuf_printf(&plain, "(PARTITION BY k %s)", order);
	strbuf_printf(&window, "(PARTITION BY k %s%s)", order, config->frame->sql);
	strbuf_adds(sql, "SELECT k, v, x, name");
	for (int i = 0; i < config->call_count; i++) {
		const TestCall *call = &config->calls[i];
		strbuf_adds(sql, ", ");
		strbuf_printf(sql, call->sql, call->kind >= OVER_FIRST_VALUE ? window.text : plain.text);
	}
	strbuf_printf(sql, ", %s FROM t", settled);
	strbuf_release(&window);
	strbuf_release(&plain);
}

static Value oracle_value(sqlite3_stmt *query, int column, Type type, Arena *arena)
{
	Value value = {.type = type, .is_null = sqlite3_column_type(query, column) == SQLITE_NULL};
	if (value.is_null) return value;
	switch (type_phys(type)) {
	case PHYS_I64: value.i64 = sqlite3_column_int64(query, column); break;
	case PHYS_F64: value.f64 = sqlite3_column_double(query, column); break;
	default: value.str = str_copy(arena, sqlite3_column_text(query, column), (size_t)sqlite3_column_bytes(query, column)); break;
	}
	return value;
}

static void oracle_read(sqlite3 *db, const char *sql, TestRows *out)
{
	sqlite3_stmt *query;
	if (sqlite3_prepare_v2(db, sql, -1, &query, NULL) != SQLITE_OK) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	while (sqlite3_step(query) == SQLITE_ROW) {
		if (!sqlite3_column_int(query, out->column_count)) continue;
		Value values[TEST_COLUMNS_MAX];
		for (int c = 0; c < out->column_count; c++) values[c] = oracle_value(query, c, out->types[c], &out->arena);
		test_rows_add(out, values, 1);
	}
	sqlite3_finalize(query);
}

static bool row_counts(const TestRow *row)
{
	if (config->by_time) return !row->values[1].is_null && (row->judge == WATERMARK_NONE || row->judge <= row->values[1].i64);
	if (config->closes) return row->values[0].is_null || row->judge == WATERMARK_NONE || row->judge < row->values[0].i64;
	return true;
}

/* Which rows have come out, as a condition */
static const char *settled_sql(Arena *arena, int64_t watermark)
{
	const Frame *frame = &config->frame->frame;
	if (!config->emit_on_close) return "1";
	if (watermark == WATERMARK_NONE) return "0";
	if (config->closes) return arena_printf(arena, "k <= %lld", (long long)watermark);
	bool has_frame = false;
	for (int i = 0; i < config->call_count; i++) has_frame |= config->calls[i].kind >= OVER_FIRST_VALUE;
	if (!has_frame || frame->end != BOUND_FOLLOWING) return arena_printf(arena, "v < %lld", (long long)watermark);
	if (frame->unit == FRAME_RANGE) return arena_printf(arena, "v + %lld < %lld", (long long)frame->end_offset.interval.us, (long long)watermark);
	return arena_printf(arena, "coalesce(lead(v, %lld) OVER (PARTITION BY k ORDER BY v) < %lld, 0)", (long long)frame->end_offset.i64, (long long)watermark);
}

static void recompute(const TestRows *inputs, const int64_t *watermarks, TestRows *out)
{
	TestRows rows;
	test_rows_init(&rows, inputs[0].types, 4);
	for (int i = 0; i < inputs[0].count; i++) {
		const TestRow *row = &inputs[0].at[i];
		if (row_counts(row)) test_rows_add(&rows, row->values, row->weight)->arrival = row->arrival;
	}
	if (!config->has_arrival) test_rows_net(&rows);
	sqlite3 *db = oracle_open();
	oracle_fill(db, &rows);
	StrBuf sql = STRBUF_INIT;
	oracle_query(&sql, settled_sql(&out->arena, watermarks[0]));
	oracle_read(db, sql.text, out);
	strbuf_release(&sql);
	sqlite3_close(db);
	test_rows_release(&rows);
}

static void random_values(TestRandom *random, int input, Value *values)
{
	(void)input;
	if (!values[3].is_null && !values[3].str.bytes) values[3].str = str_borrow("e", 1);       /* SQLite's group_concat makes NULL of '' */
	if (!config->closes) values[0] = (Value)INT(test_random(random, 3));
	if (!config->by_time) values[1] = (Value){.type = TYPE(INTEGER), .is_null = test_random(random, 12) == 0, .i64 = 0};
	if (!config->by_time && !values[1].is_null) values[1].i64 = (int64_t)test_random(random, 25) - 5;
}

static void run_config(const Config *c, int rows)
{
	config = c;
	Differential d = {
		.make = make_config, .recompute = recompute, .input_count = 1, .rows = rows, .rounds = rows < 100 ? 1 : 2, .random_row = random_values,
		.inputs = {{.types = types(), .append_only = c->append_only, .has_arrival = c->has_arrival, .has_time = c->by_time || c->closes,
			.time_column = c->by_time ? 1 : 0, .disorder_us = 3 * SECOND}},
	};
	differential_run(&d);
}

/* ---- what is tried ---- */

static const TestFrame DEFAULT_FRAME = {"", {FRAME_RANGE, BOUND_UNBOUNDED_PRECEDING, BOUND_CURRENT_ROW}};
static const TestFrame WHOLE_FRAME = {"", {FRAME_ROWS, BOUND_UNBOUNDED_PRECEDING, BOUND_UNBOUNDED_FOLLOWING}};

#define BETWEEN(unit_, start_, end_, ...) {.unit = FRAME_##unit_, .start = BOUND_##start_, .end = BOUND_##end_, __VA_ARGS__}

static const TestFrame FRAMES[] = {
	{"", {FRAME_RANGE, BOUND_UNBOUNDED_PRECEDING, BOUND_CURRENT_ROW}},
	{"ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW", BETWEEN(ROWS, UNBOUNDED_PRECEDING, CURRENT_ROW)},
	{"ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING", BETWEEN(ROWS, UNBOUNDED_PRECEDING, UNBOUNDED_FOLLOWING)},
	{"ROWS BETWEEN 2 PRECEDING AND CURRENT ROW", BETWEEN(ROWS, PRECEDING, CURRENT_ROW, .start_offset = INT(2))},
	{"ROWS BETWEEN 1 PRECEDING AND 2 FOLLOWING", BETWEEN(ROWS, PRECEDING, FOLLOWING, .start_offset = INT(1), .end_offset = INT(2))},
	{"ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING", BETWEEN(ROWS, PRECEDING, PRECEDING, .start_offset = INT(3), .end_offset = INT(1))},
	{"ROWS BETWEEN 1 FOLLOWING AND 3 FOLLOWING", BETWEEN(ROWS, FOLLOWING, FOLLOWING, .start_offset = INT(1), .end_offset = INT(3))},
	{"ROWS BETWEEN UNBOUNDED PRECEDING AND 2 PRECEDING", BETWEEN(ROWS, UNBOUNDED_PRECEDING, PRECEDING, .end_offset = INT(2))},
	{"ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING", BETWEEN(ROWS, CURRENT_ROW, UNBOUNDED_FOLLOWING)},
	{"ROWS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING", BETWEEN(ROWS, UNBOUNDED_PRECEDING, FOLLOWING, .end_offset = INT(1))},
	{"RANGE BETWEEN 3 PRECEDING AND CURRENT ROW", BETWEEN(RANGE, PRECEDING, CURRENT_ROW, .start_offset = INT(3))},
	{"RANGE BETWEEN 2 PRECEDING AND 2 FOLLOWING", BETWEEN(RANGE, PRECEDING, FOLLOWING, .start_offset = INT(2), .end_offset = INT(2))},
	{"RANGE BETWEEN 5 PRECEDING AND 2 PRECEDING", BETWEEN(RANGE, PRECEDING, PRECEDING, .start_offset = INT(5), .end_offset = INT(2))},
	{"RANGE BETWEEN 1 FOLLOWING AND 4 FOLLOWING", BETWEEN(RANGE, FOLLOWING, FOLLOWING, .start_offset = INT(1), .end_offset = INT(4))},
	{"RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING", BETWEEN(RANGE, CURRENT_ROW, UNBOUNDED_FOLLOWING)},
	{"GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW", BETWEEN(GROUPS, PRECEDING, CURRENT_ROW, .start_offset = INT(1))},
	{"GROUPS BETWEEN 2 PRECEDING AND 1 FOLLOWING", BETWEEN(GROUPS, PRECEDING, FOLLOWING, .start_offset = INT(2), .end_offset = INT(1))},
	{"GROUPS BETWEEN 2 PRECEDING AND 1 PRECEDING", BETWEEN(GROUPS, PRECEDING, PRECEDING, .start_offset = INT(2), .end_offset = INT(1))},
	{"GROUPS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW", BETWEEN(GROUPS, UNBOUNDED_PRECEDING, CURRENT_ROW)},
	{"ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING EXCLUDE CURRENT ROW",
		BETWEEN(ROWS, PRECEDING, FOLLOWING, .start_offset = INT(2), .end_offset = INT(2), .exclude = EXCLUDE_CURRENT_ROW)},
	{"ROWS BETWEEN 3 PRECEDING AND 1 FOLLOWING EXCLUDE TIES",
		BETWEEN(ROWS, PRECEDING, FOLLOWING, .start_offset = INT(3), .end_offset = INT(1), .exclude = EXCLUDE_TIES)},
	{"RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE GROUP", BETWEEN(RANGE, UNBOUNDED_PRECEDING, CURRENT_ROW, .exclude = EXCLUDE_GROUP)},
	{"GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE TIES",
		BETWEEN(GROUPS, PRECEDING, FOLLOWING, .start_offset = INT(1), .end_offset = INT(1), .exclude = EXCLUDE_TIES)},
};

static const TestCall FRAMED[] = {
	{"sum(x) OVER %s", OVER_AGGREGATE, "sum", {3}, 1}, {"count(*) OVER %s", OVER_AGGREGATE, "count", {0}, 0},
	{"count(x) FILTER (WHERE x > 0) OVER %s", OVER_AGGREGATE, "count", {3}, 1, true}, {"min(x) OVER %s", OVER_AGGREGATE, "min", {3}, 1},
	{"max(name) OVER %s", OVER_AGGREGATE, "max", {4}, 1}, {"group_concat(name) OVER %s", OVER_AGGREGATE, "group_concat", {4}, 1},
	{"first_value(x) OVER %s", OVER_FIRST_VALUE, NULL, {3}, 1}, {"last_value(name) OVER %s", OVER_LAST_VALUE, NULL, {4}, 1},
	{"nth_value(x, 2) OVER %s", OVER_NTH_VALUE, NULL, {3, -3}, 2},
};

static const TestCall NUMBERS[] = {
	{"row_number() OVER %s", OVER_ROW_NUMBER}, {"rank() OVER %s", OVER_RANK}, {"dense_rank() OVER %s", OVER_DENSE_RANK},
};

static const TestCall WHOLE[] = {
	{"percent_rank() OVER %s", OVER_PERCENT_RANK}, {"cume_dist() OVER %s", OVER_CUME_DIST}, {"ntile(4) OVER %s", OVER_NTILE, NULL, {-5}, 1},
	{"row_number() OVER %s", OVER_ROW_NUMBER},
};

static const TestCall SHIFTS[] = {
	{"lag(x) OVER %s", OVER_LAG, NULL, {3}, 1}, {"lag(name, 2) OVER %s", OVER_LAG, NULL, {4, -3}, 2}, {"lead(x, 1, 99) OVER %s", OVER_LEAD, NULL, {3, -2, -100}, 3},
	{"lead(name, 3) OVER %s", OVER_LEAD, NULL, {4, -4}, 2},
};

static const TestCall LAGS[] = {
	{"lag(x) OVER %s", OVER_LAG, NULL, {3}, 1}, {"lag(name, 2) OVER %s", OVER_LAG, NULL, {4, -3}, 2}, {"rank() OVER %s", OVER_RANK},
};

static const TestCall SHIFT_BY_COLUMN[] = {{"lag(x, abs(x)) OVER %s", OVER_LAG, NULL, {3, 13}, 2}};

enum { FRAME_COUNT = sizeof FRAMES / sizeof *FRAMES };
#define CALLS(list) .calls = list, .call_count = sizeof list / sizeof *list

static void every_frame_gives_what_sqlite_gives(void **context)
{
	(void)context;
	for (int i = 0; i < FRAME_COUNT; i++) {
		Config c = {CALLS(FRAMED), .frame = &FRAMES[i]};
		run_config(&c, 250);
	}
}

static void every_frame_is_right_over_streams_and_backwards(void **context)
{
	(void)context;
	for (int i = 0; i < FRAME_COUNT; i++) {
		Config c = {CALLS(FRAMED), .frame = &FRAMES[i], .descending = true, .nulls_last = i % 2, .append_only = true, .has_arrival = true};
		run_config(&c, 150);
	}
}

static void each_call_alone_recomputes_enough(void **context)
{
	(void)context;
	for (int i = 0; i < FRAME_COUNT; i++) {
		for (size_t k = 0; k < sizeof FRAMED / sizeof *FRAMED; k++) {
			Config c = {.calls = &FRAMED[k], .call_count = 1, .frame = &FRAMES[i], .nulls_last = k % 2};
			run_config(&c, 80);
		}
	}
}

static void numbers_and_shifts_give_what_sqlite_gives(void **context)
{
	(void)context;
	static const Config CONFIGS[] = {
		{CALLS(NUMBERS), .frame = &DEFAULT_FRAME}, {CALLS(NUMBERS), .frame = &DEFAULT_FRAME, .descending = true, .append_only = true, .has_arrival = true},
		{CALLS(WHOLE), .frame = &DEFAULT_FRAME}, {CALLS(SHIFTS), .frame = &DEFAULT_FRAME}, {CALLS(LAGS), .frame = &DEFAULT_FRAME, .nulls_last = true},
		{CALLS(SHIFT_BY_COLUMN), .frame = &DEFAULT_FRAME}, {CALLS(FRAMED), .frame = &WHOLE_FRAME, .unordered = true},
		{CALLS(NUMBERS), .frame = &WHOLE_FRAME, .unordered = true},
	};
	for (size_t i = 0; i < sizeof CONFIGS / sizeof *CONFIGS; i++) run_config(&CONFIGS[i], 400);
}

/* ---- EMIT ON WINDOW CLOSE ---- */

#define US(seconds) {.type = TYPE(INTERVAL), .interval = {.us = (seconds) * SECOND}}

static const TestFrame TIME_FRAMES[] = {
	{"", {FRAME_RANGE, BOUND_UNBOUNDED_PRECEDING, BOUND_CURRENT_ROW}},
	{"ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW", BETWEEN(ROWS, UNBOUNDED_PRECEDING, CURRENT_ROW)},
	{"ROWS BETWEEN 2 PRECEDING AND CURRENT ROW", BETWEEN(ROWS, PRECEDING, CURRENT_ROW, .start_offset = INT(2))},
	{"ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING", BETWEEN(ROWS, PRECEDING, PRECEDING, .start_offset = INT(3), .end_offset = INT(1))},
	{"ROWS BETWEEN UNBOUNDED PRECEDING AND 2 PRECEDING", BETWEEN(ROWS, UNBOUNDED_PRECEDING, PRECEDING, .end_offset = INT(2))},
	{"ROWS BETWEEN 1 PRECEDING AND 2 FOLLOWING", BETWEEN(ROWS, PRECEDING, FOLLOWING, .start_offset = INT(1), .end_offset = INT(2))},
	{"ROWS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING", BETWEEN(ROWS, UNBOUNDED_PRECEDING, FOLLOWING, .end_offset = INT(1))},
	{"RANGE BETWEEN 3000000 PRECEDING AND CURRENT ROW", BETWEEN(RANGE, PRECEDING, CURRENT_ROW, .start_offset = US(3))},
	{"RANGE BETWEEN 2000000 PRECEDING AND 1000000 FOLLOWING", BETWEEN(RANGE, PRECEDING, FOLLOWING, .start_offset = US(2), .end_offset = US(1))},
	{"RANGE BETWEEN UNBOUNDED PRECEDING AND 1000000 PRECEDING", BETWEEN(RANGE, UNBOUNDED_PRECEDING, PRECEDING, .end_offset = US(1))},
	{"GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW", BETWEEN(GROUPS, PRECEDING, CURRENT_ROW, .start_offset = INT(1))},
	{"GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING", BETWEEN(GROUPS, UNBOUNDED_PRECEDING, PRECEDING, .end_offset = INT(1))},
	{"ROWS BETWEEN 2 PRECEDING AND CURRENT ROW EXCLUDE TIES", BETWEEN(ROWS, PRECEDING, CURRENT_ROW, .start_offset = INT(2), .exclude = EXCLUDE_TIES)},
};

static void settled_rows_come_out_once_and_right(void **context)
{
	(void)context;
	for (size_t i = 0; i < sizeof TIME_FRAMES / sizeof *TIME_FRAMES; i++) {
		Config c = {CALLS(FRAMED), .frame = &TIME_FRAMES[i], .append_only = true, .has_arrival = i % 2, .by_time = true, .emit_on_close = true};
		run_config(&c, 250);
		c.append_only = c.has_arrival = false;
		run_config(&c, 250);
	}
	Config numbers = {CALLS(NUMBERS), .frame = &DEFAULT_FRAME, .append_only = true, .has_arrival = true, .by_time = true, .emit_on_close = true};
	run_config(&numbers, 400);
	Config lags = {CALLS(LAGS), .frame = &DEFAULT_FRAME, .append_only = true, .by_time = true, .emit_on_close = true};
	run_config(&lags, 400);
}

static void partitions_close_with_their_window(void **context)
{
	(void)context;
	Config c = {CALLS(FRAMED), .frame = &DEFAULT_FRAME, .closes = true};
	run_config(&c, 300);
	c.emit_on_close = true;
	run_config(&c, 300);
	Config whole = {CALLS(WHOLE), .frame = &DEFAULT_FRAME, .append_only = true, .has_arrival = true, .closes = true, .emit_on_close = true};
	run_config(&whole, 300);
}

/* ---- what SQLite does not have, and what is freed ---- */

static OverKind nulls_kind;
static Frame nulls_frame;

static Op *make_ignore_nulls(Arena *arena)
{
	OverSpec spec = {.in = test_input(arena, 1, "integer integer", false), .close_order_watermark = -1, .close = {.key_index = -1}};
	spec.order = arena_array(arena, OpSortKey, 1);
	spec.order[0] = (OpSortKey){test_column(arena, &spec.in, 0), {0}};
	spec.order_count = 1;
	spec.calls = arena_array(arena, OverCall, 1);
	spec.call_count = 1;
	spec.calls[0] = (OverCall){.kind = nulls_kind, .frame = nulls_frame};
	AggregateCall *a = &spec.calls[0].aggregate;
	a->args = arena_array(arena, Expr *, 2);
	a->args[0] = test_column(arena, &spec.in, 1);
	a->args[1] = expr_int(arena, 2);
	a->arg_count = nulls_kind == OVER_FIRST_VALUE || nulls_kind == OVER_LAST_VALUE ? 1 : 2;
	a->type = TYPE(INTEGER);
	a->ignore_nulls = true;
	return op_over_new(&spec);
}

/* By the definition, for every row */
static void recompute_ignore_nulls(const TestRows *inputs, const int64_t *watermarks, TestRows *out)
{
	(void)watermarks;
	TestRows rows;
	test_rows_init(&rows, inputs[0].types, 2);
	test_rows_append(&rows, &inputs[0]);
	test_rows_net(&rows);
	Value at[1000][2];
	int count = 0;
	for (int i = 0; i < rows.count; i++)
		for (int64_t copy = 0; copy < rows.at[i].weight; copy++) memcpy(at[count++], rows.at[i].values, sizeof at[0]);
	for (int i = 1; i < count; i++) {
		for (int k = i; k > 0; k--) {
			int order = value_compare(&at[k - 1][0], &at[k][0]);
			if (!order) order = value_compare(&at[k - 1][1], &at[k][1]);
			if (order <= 0) break;
			Value moved[2];
			memcpy(moved, at[k], sizeof moved);
			memcpy(at[k], at[k - 1], sizeof moved);
			memcpy(at[k - 1], moved, sizeof moved);
		}
	}
	for (int i = 0; i < count; i++) {
		bool backwards = nulls_kind == OVER_LAG || nulls_kind == OVER_LAST_VALUE;
		int from = nulls_kind == OVER_LEAD ? i + 1 : nulls_frame.start == BOUND_PRECEDING ? i - 2 : 0;
		int to = nulls_kind == OVER_LAG ? i - 1 : nulls_kind == OVER_LEAD ? count - 1 : nulls_frame.end == BOUND_FOLLOWING ? i + 1 : i;
		if (nulls_kind == OVER_LAG) from = 0;
		if (from < 0) from = 0;
		if (to >= count) to = count - 1;
		int left = nulls_kind == OVER_FIRST_VALUE || nulls_kind == OVER_LAST_VALUE ? 1 : 2;
		Value values[3] = {at[i][0], at[i][1], {.type = TYPE(INTEGER), .is_null = true}};
		for (int k = 0; k <= to - from && left; k++) {
			const Value *value = &at[backwards ? to - k : from + k][1];
			if (value->is_null || --left) continue;
			values[2] = *value;
		}
		test_rows_add(out, values, 1);
	}
	test_rows_release(&rows);
}

static void random_with_nulls(TestRandom *random, int input, Value *values)
{
	(void)input;
	values[0] = (Value)INT(test_random(random, 40));
	if (test_random(random, 2)) values[1] = (Value){.type = TYPE(INTEGER), .is_null = true};
}

static void nulls_are_passed_over_where_asked_for(void **context)
{
	(void)context;
	static const Frame GROWING = {FRAME_ROWS, BOUND_UNBOUNDED_PRECEDING, BOUND_CURRENT_ROW};
	static const Frame AROUND = {FRAME_ROWS, BOUND_PRECEDING, BOUND_FOLLOWING, INT(2), INT(1)};
	static const struct { OverKind kind; const Frame *frame; } CASES[] = {
		{OVER_LAG, &GROWING}, {OVER_LEAD, &GROWING}, {OVER_FIRST_VALUE, &GROWING}, {OVER_LAST_VALUE, &GROWING}, {OVER_NTH_VALUE, &GROWING},
		{OVER_FIRST_VALUE, &AROUND}, {OVER_LAST_VALUE, &AROUND}, {OVER_NTH_VALUE, &AROUND},
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		nulls_kind = CASES[i].kind;
		nulls_frame = *CASES[i].frame;
		Differential d = {.make = make_ignore_nulls, .recompute = recompute_ignore_nulls, .input_count = 1, .rows = 250, .random_row = random_with_nulls,
			.inputs = {{.types = "integer integer"}}};
		differential_run(&d);
	}
}

/* ---- RANGE over other types ---- */

static const char *range_types;
static Frame range_frame;
static bool range_descending;

static Op *make_range(Arena *arena)
{
	OverSpec spec = {.in = test_input(arena, 1, range_types, false), .close_order_watermark = -1, .close = {.key_index = -1}};
	spec.order = arena_array(arena, OpSortKey, 1);
	spec.order[0] = (OpSortKey){test_column(arena, &spec.in, 0), {.descending = range_descending}};
	spec.order_count = 1;
	spec.calls = arena_array(arena, OverCall, 1);
	spec.call_count = 1;
	spec.calls[0] = (OverCall){.kind = OVER_AGGREGATE, .frame = range_frame};
	spec.calls[0].aggregate.aggregate = aggregate_find("count");
	spec.calls[0].aggregate.type = TYPE(INTEGER);
	return op_over_new(&spec);
}

static void ranges_reach_as_far_as_their_type_says(void **context)
{
	(void)context;
	static const Value MONTH = {.type = TYPE(INTERVAL), .interval = {.months = 1}}, DAYS = {.type = TYPE(INTERVAL), .interval = {.days = 2}},
		HALF = {.type = TYPE(REAL), .f64 = 0.5}, HOUR = {.type = TYPE(INTERVAL), .interval = {.us = 3600 * SECOND}};
	static const struct { const char *types; const Value *offset; bool descending; const char *rows, *more, *wanted; } CASES[] = {
		{"timestamp", &MONTH, false, "+1 | '2026-01-31'\n +1 | '2026-02-28'\n +1 | NULL", "+1 | '2026-03-31'\n +1 | NULL",
			"+1 | '2026-01-31' | 1\n +1 | '2026-02-28' | 2\n +1 | '2026-03-31' | 2\n +2 | NULL | 2"},
		{"date", &DAYS, false, "+1 | '2026-01-01'\n +1 | '2026-01-03'\n +1 | '2026-01-06'", "+1 | '2026-01-04'",
			"+1 | '2026-01-01' | 1\n +1 | '2026-01-03' | 2\n +1 | '2026-01-04' | 2\n +1 | '2026-01-06' | 2"},
		{"date", &DAYS, true, "+1 | '2026-01-01'\n +1 | '2026-01-03'\n +1 | '2026-01-06'", "+1 | '2026-01-04'",
			"+1 | '2026-01-01' | 2\n +1 | '2026-01-03' | 2\n +1 | '2026-01-04' | 2\n +1 | '2026-01-06' | 1"},
		{"real", &HALF, false, "+1 | 1.0\n +1 | 1.5\n +1 | 2.25", "+1 | 1.75", "+1 | 1.0 | 1\n +1 | 1.5 | 2\n +1 | 1.75 | 2\n +1 | 2.25 | 2"},
		{"time", &HOUR, false, "+1 | '10:00:00'\n +1 | '11:00:00'\n +1 | '12:30:00'", "+1 | '11:30:00'",
			"+1 | '10:00:00' | 1\n +1 | '11:00:00' | 2\n +1 | '11:30:00' | 2\n +1 | '12:30:00' | 2"},
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		range_types = CASES[i].types;
		range_descending = CASES[i].descending;
		range_frame = (Frame)BETWEEN(RANGE, PRECEDING, CURRENT_ROW, .start_offset = *CASES[i].offset);
		Harness h;
		harness_open(&h, make_range, range_types, NULL);
		harness_push(&h, 0, CASES[i].rows);
		harness_commit(&h);
		harness_push(&h, 0, CASES[i].more);
		harness_commit(&h);
		harness_expect(&h, CASES[i].wanted);
		harness_close(&h);
	}
}

static void settled_rows_leave_no_state(void **context)
{
	(void)context;
	static const TestCall CALLS_[] = {{"", OVER_ROW_NUMBER}, {"", OVER_AGGREGATE, "sum", {3}, 1}, {"", OVER_AGGREGATE, "max", {4}, 1}, {"", OVER_LAG, NULL, {3}, 1}};
	static const Config CONFIG = {CALLS(CALLS_), .frame = &DEFAULT_FRAME, .append_only = true, .by_time = true, .emit_on_close = true};
	config = &CONFIG;
	Harness h;
	harness_open(&h, make_config, types(), NULL);
	uint64_t bytes = 0;
	for (int i = 0; i < 3000; i++) {
		char row[64];
		snprintf(row, sizeof row, "+1 @%d | 1 | %d | 1 | 'a text of some length'", i, i);
		harness_push(&h, 0, row);
		harness_watermark(&h, 0, 0, i * SECOND);
		harness_commit(&h);
		if (i == 100) bytes = state_bytes(h.op->state);
		h.inputs[0].count = h.fresh.count = 0;
	}
	assert_true(state_bytes(h.op->state) <= bytes);
	harness_push(&h, 0, "+1 @2999 | 1 | 2998 | 1 | 'late'\n +1 @2999 | 1 | NULL | 1 | 'no time'");
	assert_int_equal(h.op->rows_late, 1);
	harness_watermark(&h, 0, 0, WATERMARK_END);
	harness_commit(&h);
	harness_expect(&h, "+1 | 1 | 2999 | 1 | 'a text of some length' | 3000 | 3000 | 'a text of some length' | 1");
	harness_close(&h);
}

static void appending_to_a_long_partition_does_not_read_it_again(void **context)
{
	(void)context;
	static const TestCall CALLS_[] = {{"", OVER_ROW_NUMBER}, {"", OVER_AGGREGATE, "sum", {3}, 1}};
	static const Config CONFIG = {CALLS(CALLS_), .frame = &DEFAULT_FRAME, .append_only = true};
	config = &CONFIG;
	Harness h;
	harness_open(&h, make_config, types(), NULL);
	size_t most = 0;
	for (int i = 0; i < 2000; i++) {
		char row[64];
		snprintf(row, sizeof row, "+1 | 1 | %d | 1 | 'a'", i);
		harness_push(&h, 0, row);
		harness_commit(&h);
		if (h.op->scratch.used_bytes > most) most = h.op->scratch.used_bytes;
		if (i % 500 == 499) harness_restart(&h);
		h.inputs[0].count = 0;
		if (i < 1999) h.fresh.count = 0;
	}
	assert_true(most < 200000);
	harness_expect(&h, "+1 | 1 | 1999 | 1 | 'a' | 2000 | 2000");
	harness_close(&h);
}

static void what_lies_between_two_changes_is_not_read_again(void **context)
{
	(void)context;
	static const TestCall CALLS_[] = {{"", OVER_LAG, NULL, {3}, 1}};
	static const Config CONFIG = {CALLS(CALLS_), .frame = &DEFAULT_FRAME};
	enum { ROWS = 2000 };                                        /* more than keys are noted of one commit */
	config = &CONFIG;
	Harness h;
	harness_open(&h, make_config, types(), NULL);
	for (int i = 0; i < ROWS; i++) {
		char row[64];
		snprintf(row, sizeof row, "+1 | 1 | %d | %d | 'a'", i * 7919 % ROWS, i * 7919 % ROWS);
		harness_push(&h, 0, row);
	}
	harness_commit(&h);
	h.inputs[0].count = h.fresh.count = 0;
	harness_push(&h, 0, "-1 | 1 | 5 | 5 | 'a'\n +1 | 1 | 1990 | -1 | 'b'\n -1 | 1 | 1000 | 1000 | 'a'\n +1 | 1 | 6 | -2 | 'c'");
	harness_commit(&h);
	assert_true(h.op->scratch.used_bytes < 20000);
	harness_expect(&h, "-1 | 1 | 5 | 5 | 'a' | 4\n +1 | 1 | 6 | -2 | 'c' | 4\n -1 | 1 | 6 | 6 | 'a' | 5\n +1 | 1 | 6 | 6 | 'a' | -2\n"
		"-1 | 1 | 1000 | 1000 | 'a' | 999\n -1 | 1 | 1001 | 1001 | 'a' | 1000\n +1 | 1 | 1001 | 1001 | 'a' | 999\n"
		"+1 | 1 | 1990 | -1 | 'b' | 1989\n -1 | 1 | 1990 | 1990 | 'a' | 1989\n +1 | 1 | 1990 | 1990 | 'a' | -1");
	harness_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_and_shifts_give_what_sqlite_gives),
		cmocka_unit_test(every_frame_gives_what_sqlite_gives),
		cmocka_unit_test(every_frame_is_right_over_streams_and_backwards),
		cmocka_unit_test(each_call_alone_recomputes_enough),
		cmocka_unit_test(nulls_are_passed_over_where_asked_for),
		cmocka_unit_test(settled_rows_come_out_once_and_right),
		cmocka_unit_test(partitions_close_with_their_window),
		cmocka_unit_test(ranges_reach_as_far_as_their_type_says),
		cmocka_unit_test(settled_rows_leave_no_state),
		cmocka_unit_test(appending_to_a_long_partition_does_not_read_it_again),
		cmocka_unit_test(what_lies_between_two_changes_is_not_read_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
