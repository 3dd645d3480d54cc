/* The aggregate operator against naive recomputation: folds, DISTINCT, FILTER, orders, windows that close, slices. */
#include "op_harness.h"

/* ---- specs: calls written as "name(column, ...)" ---- */

typedef struct CallText { const char *name; int args[2], arg_count; bool distinct; int filter, order; bool descending; const char *separator; } CallText;

enum { NO = -1 };

static void make_call(Arena *arena, const OpInput *in, const CallText *text, AggregateCall *call)
{
	Error err = ERROR_INIT;
	Expr **args = arena_array(arena, Expr *, 3);
	int count = 0;
	for (int i = 0; i < text->arg_count; i++) args[count++] = test_column(arena, in, text->args[i]);
	if (text->separator) args[count++] = expr_text(arena, text->separator);
	*call = (AggregateCall){.distinct = text->distinct, .args = args};
	call->aggregate = aggregate_resolve(arena, text->name, args, count, count == 0, SPAN_NONE, &err);
	if (!call->aggregate) fail_msg("%s", err.message);
	call->parameter_count = call->aggregate->parameter_count;
	call->arg_count = count - call->parameter_count;
	call->parameters = arena_array(arena, Value, 2);
	for (int i = 0; i < call->parameter_count; i++) call->parameters[i] = args[call->arg_count + i]->constant;
	Type *types = arena_array(arena, Type, 3);
	for (int i = 0; i < call->arg_count; i++) types[i] = args[i]->type;
	call->type = call->aggregate->result(types, call->arg_count);
	if (text->filter >= 0) call->filter = test_column(arena, in, text->filter);
	if (text->order < 0) return;
	call->order = arena_new(arena, OpSortKey);
	call->order_count = 1;
	*call->order = (OpSortKey){.expr = test_column(arena, in, text->order), .spec = {.descending = text->descending}};
}

static void make_calls(Arena *arena, AggregateSpec *spec, const CallText *texts, int count)
{
	spec->calls = arena_array(arena, AggregateCall, count);
	spec->call_count = count;
	for (int i = 0; i < count; i++) make_call(arena, &spec->in, &texts[i], &spec->calls[i]);
}

static void make_keys(Arena *arena, AggregateSpec *spec, int count, const int *columns)
{
	spec->keys = arena_array(arena, Expr *, count + 1);
	spec->key_count = count;
	for (int i = 0; i < count; i++) spec->keys[i] = test_column(arena, &spec->in, columns[i]);
}

/* ---- naive aggregates over a sorted list of rows ---- */

static const CallText *naive_calls;
static int naive_call_count;

static bool is_fed(const CallText *call, const TestRow *row)
{
	if (call->filter >= 0 && (row->values[call->filter].is_null || !row->values[call->filter].i64)) return false;
	return call->arg_count == 0 || strcmp(call->name, "first_value") == 0 || strcmp(call->name, "last_value") == 0 || !row->values[call->args[0]].is_null;
}

static bool seen_before(const CallText *call, const TestRow *const *rows, int before)
{
	for (int i = 0; i < before; i++)
		if (is_fed(call, rows[i]) && rows[i]->weight > 0 && value_equal(&rows[i]->values[call->args[0]], &rows[before]->values[call->args[0]])) return true;
	return false;
}

/* rows: of one group, in the order of arrival or of their columns */
static Value naive_result(const CallText *call, Type type, const TestRow **rows, int count, StrBuf *text)
{
	Value out = {.type = type, .is_null = strcmp(call->name, "count") != 0};
	int64_t copies_seen = 0;
	for (int i = 0; i < count; i++) {
		const TestRow *row = rows[i];
		if (!is_fed(call, row) || (call->distinct && seen_before(call, rows, i))) continue;
		int64_t weight = call->distinct ? 1 : row->weight;
		const Value *value = call->arg_count ? &row->values[call->args[0]] : NULL;
		if (strcmp(call->name, "count") == 0) {
			out.i64 += weight;
		} else if (strcmp(call->name, "sum") == 0) {
			out.i64 += value->i64 * weight;
			out.is_null = false;
		} else if (strcmp(call->name, "min") == 0) {
			if (out.is_null || value_compare(value, &out) < 0) out = *value;
		} else if (strcmp(call->name, "max") == 0) {
			if (out.is_null || value_compare(value, &out) > 0) out = *value;
		} else if (strcmp(call->name, "first_value") == 0) {
			if (!copies_seen) out = *value;
		} else if (strcmp(call->name, "last_value") == 0) {
			out = *value;
		} else if (strcmp(call->name, "string_agg") == 0) {
			for (int64_t w = 0; w < weight; w++) {
				if (text->bytes || copies_seen || w) strbuf_adds(text, call->separator ? call->separator : ",");
				strbuf_add(text, str_at(&value->str), value->str.bytes);
			}
			out.is_null = false;
		}
		copies_seen += weight;
	}
	if (strcmp(call->name, "string_agg") == 0 && !out.is_null) out.str = str_borrow(text->text, text->bytes);
	return out;
}

static const CallText *sort_call;
static bool by_arrival;
static int sort_from;                  /* first column that breaks ties */

static int order_rows(const void *a, const void *b)
{
	const TestRow *x = *(TestRow *const *)a, *y = *(TestRow *const *)b;
	if (sort_call->order >= 0) {
		int order = value_compare(&x->values[sort_call->order], &y->values[sort_call->order]);
		bool has_null = x->values[sort_call->order].is_null || y->values[sort_call->order].is_null;       /* first, unless NULLS LAST */
		if (order) return sort_call->descending && !has_null ? -order : order;
	}
	if (by_arrival && !sort_call->distinct) return x->arrival < y->arrival ? -1 : x->arrival > y->arrival;
	if (by_arrival) return x->arrival < y->arrival ? -1 : x->arrival > y->arrival;
	if (sort_call->distinct && sort_call->arg_count) return value_compare(&x->values[sort_call->args[0]], &y->values[sort_call->args[0]]);
	for (int c = sort_from; c < TEST_COLUMNS_MAX && x->values[c].type.kind != TYPE_NULL; c++) {
		int order = value_compare(&x->values[c], &y->values[c]);
		if (order) return order;
	}
	return 0;
}

static void naive_group(const TestRow *const *members, int count, const Value *keys, int key_count, TestRows *out)
{
	const TestRow **rows = malloc(sizeof *rows * (size_t)(count + 1));
	Value values[TEST_COLUMNS_MAX];
	StrBuf texts[TEST_COLUMNS_MAX];
	for (int k = 0; k < key_count; k++) values[k] = keys[k];
	for (int c = 0; c < naive_call_count; c++) {
		texts[c] = STRBUF_INIT;
		if (count) memcpy(rows, members, sizeof *rows * (size_t)count);
		sort_call = &naive_calls[c];
		qsort(rows, (size_t)count, sizeof *rows, order_rows);
		values[key_count + c] = naive_result(sort_call, out->types[key_count + c], rows, count, &texts[c]);
	}
	test_rows_add(out, values, 1);
	for (int c = 0; c < naive_call_count; c++) strbuf_release(&texts[c]);
	free(rows);
}

/* Groups rows (net, or an append-only log) by their first key_count values. */
static void naive_groups(const TestRows *rows, int key_count, TestRows *out)
{
	bool *done = calloc((size_t)rows->count + 1, 1);
	const TestRow **members = malloc(sizeof *members * (size_t)(rows->count + 1));
	for (int i = 0; i < rows->count; i++) {
		if (done[i]) continue;
		int count = 0;
		for (int j = i; j < rows->count; j++) {
			bool same = true;
			for (int k = 0; k < key_count; k++) same = same && value_equal(&rows->at[i].values[k], &rows->at[j].values[k]);
			if (!same || done[j]) continue;
			done[j] = true;
			members[count++] = &rows->at[j];
		}
		naive_group(members, count, rows->at[i].values, key_count, out);
	}
	free(members);
	free(done);
}

static void naive_net(const TestRows *input, TestRows *net)
{
	test_rows_init(net, input->types, input->column_count);
	test_rows_append(net, input);
	if (!by_arrival) test_rows_net(net);
}

/* ---- all kinds of calls, with and without retractions ---- */

/* columns: 0 key, 1 integer, 2 text, 3 boolean */
static const CallText CALLS[] = {
	{"count", {0}, 0, false, NO, NO}, {"count", {1}, 1, false, NO, NO}, {"sum", {1}, 1, false, 3, NO}, {"min", {1}, 1, false, NO, NO},
	{"max", {2}, 1, false, NO, NO}, {"min", {2}, 1, false, 3, NO}, {"max", {1}, 1, false, NO, NO},
	{"count", {2}, 1, true, NO, NO}, {"count", {2}, 1, true, 3, NO}, {"sum", {1}, 1, true, NO, NO},
};
static const CallText ORDERED_CALLS[] = {
	{"string_agg", {2}, 1, false, NO, NO}, {"string_agg", {2}, 1, false, 3, 1, true, "/"}, {"first_value", {1}, 1, false, NO, NO},
	{"last_value", {2}, 1, false, NO, NO}, {"first_value", {2}, 1, false, 3, NO}, {"last_value", {1}, 1, false, NO, 2, true},
	{"string_agg", {2}, 1, true, NO, NO}, {"min", {2}, 1, false, NO, NO},
};
static const char TYPES[] = "integer integer text boolean";

static bool make_append_only;

static Op *make_grouped(Arena *arena)
{
	AggregateSpec spec = {.in = test_input(arena, 1, TYPES, make_append_only), .close.key_index = -1};
	spec.in.has_arrival = by_arrival;
	make_keys(arena, &spec, 1, (const int[]){0});
	make_calls(arena, &spec, naive_calls, naive_call_count);
	return op_aggregate_new(&spec);
}

static void recompute_grouped(const TestRows *inputs, const int64_t *watermarks, TestRows *out)
{
	(void)watermarks;
	TestRows net;
	naive_net(&inputs[0], &net);
	naive_groups(&net, 1, out);
	test_rows_release(&net);
}

static void groups_hold_what_their_rows_say(void **unused)
{
	(void)unused;
	static const struct { const CallText *calls; int count; bool append_only, arrival; } CASES[] = {
		{CALLS, sizeof CALLS / sizeof *CALLS, false, false}, {CALLS, sizeof CALLS / sizeof *CALLS, true, false},
		{ORDERED_CALLS, sizeof ORDERED_CALLS / sizeof *ORDERED_CALLS, false, false}, {ORDERED_CALLS, sizeof ORDERED_CALLS / sizeof *ORDERED_CALLS, true, false},
		{ORDERED_CALLS, sizeof ORDERED_CALLS / sizeof *ORDERED_CALLS, true, true}, {CALLS, 0, false, false}, {CALLS, 0, true, false}, {CALLS, 1, false, false},
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		naive_calls = CASES[i].calls;
		naive_call_count = CASES[i].count;
		make_append_only = CASES[i].append_only;
		by_arrival = CASES[i].arrival;
		sort_from = 1;
		differential_run(&(Differential){.make = make_grouped, .input_count = 1, .recompute = recompute_grouped,
			.inputs = {{.types = TYPES, .append_only = CASES[i].append_only, .has_arrival = CASES[i].arrival}}});
	}
	by_arrival = false;
}

/* ---- without GROUP BY ---- */

static Op *make_global(Arena *arena)
{
	AggregateSpec spec = {.in = test_input(arena, 1, TYPES, make_append_only), .close.key_index = -1, .global = true};
	make_calls(arena, &spec, naive_calls, naive_call_count);
	return op_aggregate_new(&spec);
}

static void recompute_global(const TestRows *inputs, const int64_t *watermarks, TestRows *out)
{
	(void)watermarks;
	TestRows net;
	naive_net(&inputs[0], &net);
	const TestRow **members = malloc(sizeof *members * (size_t)(net.count + 1));
	for (int i = 0; i < net.count; i++) members[i] = &net.at[i];
	naive_group(members, net.count, NULL, 0, out);
	free(members);
	test_rows_release(&net);
}

static void a_query_without_group_by_has_one_row(void **unused)
{
	(void)unused;
	naive_calls = CALLS;
	naive_call_count = sizeof CALLS / sizeof *CALLS;
	for (int append_only = 0; append_only < 2; append_only++) {
		make_append_only = append_only;
		differential_run(&(Differential){.make = make_global, .input_count = 1, .recompute = recompute_global, .inputs = {{.types = TYPES, .append_only = append_only}}});
	}
	naive_call_count = 2;
	Harness h;
	harness_open(&h, make_global, TYPES, NULL);
	harness_commit(&h);
	harness_expect(&h, "+1 | 0 | 0");
	harness_commit(&h);
	harness_expect(&h, "");
	harness_restart(&h);
	harness_push(&h, 0, "+1 | 1 | 2 | 'a' | true\n+2 | 1 | NULL | 'a' | true");
	harness_commit(&h);
	harness_expect(&h, "-1 | 0 | 0\n+1 | 3 | 1");
	harness_close(&h);
}

/* ---- windows: tumbling, closed by the watermark ---- */

/* columns: 0 window_end, 1 integer, 2 text, 3 boolean */
static const char WINDOW_TYPES[] = "timestamp integer text boolean";
static bool make_on_close;
static int64_t make_grace;

static Op *make_windowed(Arena *arena)
{
	AggregateSpec spec = {.in = test_input(arena, 1, WINDOW_TYPES, make_append_only), .emit_on_close = make_on_close};
	test_input_watermark(arena, &spec.in, 0, 0, true);
	spec.close = (AggregateClose){.key_index = 0, .input_watermark = 0, .grace_us = make_grace};
	make_keys(arena, &spec, 1, (const int[]){0});
	make_calls(arena, &spec, naive_calls, naive_call_count);
	return op_aggregate_new(&spec);
}

static bool is_closed_for(const Value *end, int64_t judge)
{
	return !end->is_null && judge != WATERMARK_NONE && end->i64 + make_grace <= judge;
}

static void recompute_windowed(const TestRows *inputs, const int64_t *watermarks, TestRows *out)
{
	TestRows kept, net;
	test_rows_init(&kept, inputs[0].types, inputs[0].column_count);
	for (int i = 0; i < inputs[0].count; i++) {
		const TestRow *row = &inputs[0].at[i];
		if (is_closed_for(&row->values[0], row->judge)) continue;
		if (make_on_close && !is_closed_for(&row->values[0], watermarks[0])) continue;
		test_rows_add(&kept, row->values, row->weight);
	}
	naive_net(&kept, &net);
	naive_groups(&net, 1, out);
	test_rows_release(&net);
	test_rows_release(&kept);
}

static void late_rows_are_dropped_and_closed_windows_freed(void **unused)
{
	(void)unused;
	naive_calls = CALLS;
	sort_from = 1;
	for (int variant = 0; variant < 8; variant++) {
		make_append_only = variant & 1;
		make_on_close = variant >> 1 & 1;
		make_grace = variant & 4 ? 3 * SECOND : 0;
		naive_call_count = sizeof CALLS / sizeof *CALLS;
		differential_run(&(Differential){.make = make_windowed, .input_count = 1, .recompute = recompute_windowed, .rows = 600,
			.inputs = {{.types = WINDOW_TYPES, .append_only = make_append_only, .has_time = true, .disorder_us = 4 * SECOND}}});
	}
	naive_calls = ORDERED_CALLS;
	for (int variant = 0; variant < 4; variant++) {
		make_append_only = variant & 1;
		make_on_close = variant >> 1 & 1;
		make_grace = 0;
		naive_call_count = sizeof ORDERED_CALLS / sizeof *ORDERED_CALLS;
		differential_run(&(Differential){.make = make_windowed, .input_count = 1, .recompute = recompute_windowed, .rows = 600,
			.inputs = {{.types = WINDOW_TYPES, .append_only = make_append_only, .has_time = true, .disorder_us = 4 * SECOND}}});
	}
}

static void a_closed_window_leaves_nothing_behind(void **unused)
{
	(void)unused;
	naive_calls = ORDERED_CALLS;
	naive_call_count = sizeof ORDERED_CALLS / sizeof *ORDERED_CALLS;
	make_append_only = false;
	make_on_close = false;
	make_grace = 0;
	Harness h;
	harness_open(&h, make_windowed, WINDOW_TYPES, NULL);
	harness_push(&h, 0, "+1 | 10 | 1 | 'a' | true\n+1 | 10 | 2 | 'b' | true\n+1 | 20 | 3 | 'a' | true");
	harness_commit(&h);
	assert_true(state_bytes(h.op->state) > 0);
	harness_watermark(&h, 0, 0, 20 * SECOND);
	harness_commit(&h);
	assert_int_equal(state_bytes(h.op->state), 0);
	harness_push(&h, 0, "+1 @20 | 20 | 3 | 'late' | true\n+1 @19 | 21 | 3 | 'not' | true");
	assert_int_equal(h.op->rows_late, 1);
	harness_close(&h);
}

static void a_window_on_close_comes_once_in_the_order_of_keys(void **unused)
{
	(void)unused;
	naive_calls = CALLS;
	naive_call_count = 1;
	make_append_only = true;
	make_on_close = true;
	make_grace = 0;
	Harness h;
	harness_open(&h, make_windowed, WINDOW_TYPES, NULL);
	harness_push(&h, 0, "+1 @1 | 20 | 1 | 'a' | true\n+2 @3 | 10 | 2 | 'b' | true\n+1 @2 | 10 | 3 | 'a' | true\n+1 | NULL | 1 | 'a' | true");
	harness_commit(&h);
	harness_expect(&h, "");
	harness_watermark(&h, 0, 0, 10 * SECOND);
	harness_commit(&h);
	assert_true(h.fresh.at[0].judge == 3 * SECOND);
	harness_expect(&h, "+1 | 10 | 3");
	harness_restart(&h);
	harness_watermark(&h, 0, 0, WATERMARK_END);
	harness_commit(&h);
	harness_expect(&h, "+1 | 20 | 1");
	harness_close(&h);
}

/* ---- slices: the operator makes the windows itself ---- */

/* columns: 0 time, 1 key, 2 integer; output: key, window_start, window_end, calls */
static const char SLICE_TYPES[] = "timestamp text integer boolean";
static WindowSpec slice_window;

static Op *make_sliced(Arena *arena)
{
	AggregateSpec spec = {.in = test_input(arena, 1, SLICE_TYPES, make_append_only), .emit_on_close = make_on_close};
	test_input_watermark(arena, &spec.in, 0, 0, false);
	WindowSpec *window = arena_copy(arena, &slice_window, sizeof slice_window);
	window->in = spec.in;
	window->time = test_column(arena, &spec.in, 0);
	spec.slices = window;
	make_keys(arena, &spec, 3, (const int[]){1, 0, 0});
	spec.window_start_key = 1;
	spec.window_end_key = 2;
	spec.window_time_key = -1;
	spec.close = (AggregateClose){.key_index = 2, .input_watermark = 0, .grace_us = make_grace};
	make_calls(arena, &spec, naive_calls, naive_call_count);
	return op_aggregate_new(&spec);
}

static void recompute_sliced(const TestRows *inputs, const int64_t *watermarks, TestRows *out)
{
	/* rows as the window operator would give them: key, window_start, window_end, time, integer, boolean */
	Type types[] = {TYPE(TEXT), TYPE(TIMESTAMP), TYPE(TIMESTAMP), TYPE(INTEGER), TYPE(BOOLEAN)};
	TestRows kept, net;
	test_rows_init(&kept, types, 5);
	for (int i = 0; i < inputs[0].count; i++) {
		const TestRow *row = &inputs[0].at[i];
		const Value *v = row->values;
		int64_t starts[64];
		int count = v[0].is_null ? 0 : window_starts(&slice_window, v[0].i64, starts, 64);
		for (int w = 0; w < count; w++) {
			Value values[5] = {v[1], {.type = TYPE(TIMESTAMP)}, {.type = TYPE(TIMESTAMP)}, v[2], v[3]};
			values[1].i64 = starts[w];
			values[2].i64 = starts[w] + slice_window.size_us;
			if (slice_window.kind == WINDOW_CUMULATE) values[2].i64 -= (count - 1 - w) * slice_window.slide_us;
			if (is_closed_for(&values[2], row->judge)) continue;
			if (make_on_close && !is_closed_for(&values[2], watermarks[0])) continue;
			test_rows_add(&kept, values, row->weight);
		}
	}
	naive_net(&kept, &net);
	const CallText *calls = naive_calls;
	CallText moved[TEST_COLUMNS_MAX];
	for (int c = 0; c < naive_call_count; c++) {
		moved[c] = calls[c];
		moved[c].args[0]++;
		if (moved[c].filter >= 0) moved[c].filter++;
	}
	naive_calls = moved;
	naive_groups(&net, 3, out);
	naive_calls = calls;
	test_rows_release(&net);
	test_rows_release(&kept);
}

static void slices_give_what_windows_would(void **unused)
{
	(void)unused;
	static const CallText FOLDS[] = {{"count", {0}, 0, false, NO, NO}, {"sum", {2}, 1, false, 3, NO}, {"max", {2}, 1, false, NO, NO}};
	static const CallText MIXED[] = {{"count", {0}, 0, false, NO, NO}, {"count", {2}, 1, true, 3, NO}, {"min", {2}, 1, false, NO, NO}};
	static const WindowSpec WINDOWS[] = {
		{.kind = WINDOW_HOP, .size_us = 10 * SECOND, .slide_us = 2 * SECOND, .offset_us = SECOND},
		{.kind = WINDOW_HOP, .size_us = 7 * SECOND, .slide_us = 3 * SECOND},
		{.kind = WINDOW_HOP, .size_us = 2 * SECOND, .slide_us = 5 * SECOND},
		{.kind = WINDOW_CUMULATE, .size_us = 12 * SECOND, .slide_us = 3 * SECOND},
		{.kind = WINDOW_TUMBLE, .size_us = 5 * SECOND, .slide_us = 5 * SECOND},
	};
	for (size_t w = 0; w < sizeof WINDOWS / sizeof *WINDOWS; w++)
		for (int variant = 0; variant < 8; variant++) {
			slice_window = WINDOWS[w];
			make_append_only = variant & 1;
			make_on_close = variant >> 1 & 1;
			make_grace = 0;
			naive_calls = variant & 4 ? MIXED : FOLDS;
			naive_call_count = 3;
			differential_run(&(Differential){.make = make_sliced, .input_count = 1, .recompute = recompute_sliced, .rows = 300, .rounds = 2,
				.inputs = {{.types = SLICE_TYPES, .append_only = make_append_only, .has_time = true, .disorder_us = 4 * SECOND}}});
		}
}

/* ---- states that are too large for a record ---- */

enum { WIDE_COLUMNS = 8, WIDE_CALLS = 60 };
static const char WIDE_TYPES[] = "integer real real real real real real real real";

static Op *make_wide(Arena *arena)
{
	AggregateSpec spec = {.in = test_input(arena, 1, WIDE_TYPES, make_append_only), .close.key_index = -1};
	CallText calls[WIDE_CALLS];
	for (int i = 0; i < WIDE_CALLS; i++) calls[i] = (CallText){"regr_count", {1 + i / WIDE_COLUMNS, 1 + i % WIDE_COLUMNS}, 2, false, NO, NO};
	make_keys(arena, &spec, 1, (const int[]){0});
	make_calls(arena, &spec, calls, WIDE_CALLS);
	return op_aggregate_new(&spec);
}

static void recompute_wide(const TestRows *inputs, const int64_t *watermarks, TestRows *out)
{
	(void)watermarks;
	TestRows net;
	test_rows_init(&net, inputs[0].types, inputs[0].column_count);
	test_rows_append(&net, &inputs[0]);
	test_rows_net(&net);
	bool *done = calloc((size_t)net.count + 1, 1);
	for (int i = 0; i < net.count; i++) {
		Value values[1 + WIDE_CALLS] = {net.at[i].values[0]};
		for (int c = 0; c < WIDE_CALLS; c++) values[1 + c] = (Value){.type = TYPE(INTEGER)};
		for (int j = i; j < net.count && !done[i]; j++) {
			if (done[j] || !value_equal(&net.at[i].values[0], &net.at[j].values[0])) continue;
			for (int c = 0; c < WIDE_CALLS; c++) {
				const Value *v = net.at[j].values;
				values[1 + c].i64 += v[1 + c / WIDE_COLUMNS].is_null || v[1 + c % WIDE_COLUMNS].is_null ? 0 : net.at[j].weight;
			}
			if (j > i) done[j] = true;
		}
		if (!done[i]) test_rows_add(out, values, 1);
	}
	free(done);
	test_rows_release(&net);
}

static void groups_of_many_calls_keep_their_states_outside(void **unused)
{
	(void)unused;
	for (int append_only = 0; append_only < 2; append_only++) {
		make_append_only = append_only;
		differential_run(&(Differential){.make = make_wide, .input_count = 1, .recompute = recompute_wide, .rows = 150, .rounds = 2,
			.inputs = {{.types = WIDE_TYPES, .append_only = append_only}}});
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_hold_what_their_rows_say),
		cmocka_unit_test(a_query_without_group_by_has_one_row),
		cmocka_unit_test(late_rows_are_dropped_and_closed_windows_freed),
		cmocka_unit_test(a_closed_window_leaves_nothing_behind),
		cmocka_unit_test(a_window_on_close_comes_once_in_the_order_of_keys),
		cmocka_unit_test(slices_give_what_windows_would),
		cmocka_unit_test(groups_of_many_calls_keep_their_states_outside),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
