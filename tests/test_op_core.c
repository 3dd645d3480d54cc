/* The core operators: filter, project, union, windows, aggregate, settle, constant rows, sink and tap. */
#include "op_harness.h"

/* ---- filter and project ---- */

static Op *make_filter(Arena *arena)
{
	FilterSpec spec = {.in = test_input(arena, 1, "boolean integer text", false)};
	spec.condition = test_column(arena, &spec.in, 0);
	return op_filter_new(&spec);
}

static void a_filter_passes_rows_that_are_true(void **unused)
{
	(void)unused;
	Harness h;
	harness_open(&h, make_filter, "boolean integer text", NULL);
	harness_push(&h, 0, "+1 | true | 1 | 'a'\n-2 | true | 2 | NULL\n+1 | false | 3 | 'c'\n+1 | NULL | 4 | 'd'");
	harness_expect(&h, "+1 | true | 1 | 'a'\n-2 | true | 2 | NULL");
	harness_close(&h);
}

static void recompute_filter(const TestRows *inputs, const int64_t *watermarks, TestRows *out)
{
	(void)watermarks;
	for (int i = 0; i < inputs[0].count; i++) {
		const TestRow *row = &inputs[0].at[i];
		if (!row->values[0].is_null && row->values[0].i64) test_rows_add(out, row->values, row->weight);
	}
}

static Op *make_swap(Arena *arena)
{
	ProjectSpec spec = {.in = test_input(arena, 1, "boolean integer text", false), .expr_count = 3};
	spec.condition = test_column(arena, &spec.in, 0);
	spec.exprs = arena_array(arena, Expr *, 3);
	spec.exprs[0] = test_column(arena, &spec.in, 2);
	spec.exprs[1] = test_column(arena, &spec.in, 1);
	spec.exprs[2] = test_column(arena, &spec.in, 2);
	return op_project_new(&spec);
}

static Op *make_computing(Arena *arena)
{
	ProjectSpec spec = {.in = test_input(arena, 1, "boolean integer text", false), .expr_count = 4};
	Error err = ERROR_INIT;
	spec.exprs = arena_array(arena, Expr *, 4);
	Expr *sum[] = {test_column(arena, &spec.in, 1), expr_int(arena, 100)};
	Expr *joined[] = {test_column(arena, &spec.in, 2), expr_text(arena, " and something that is too long for inline")};
	spec.condition = test_column(arena, &spec.in, 0);
	spec.exprs[0] = expr_call(arena, "+", sum, 2, SPAN_NONE, &err);
	spec.exprs[1] = test_column(arena, &spec.in, 2);
	spec.exprs[2] = expr_call(arena, "||", joined, 2, SPAN_NONE, &err);
	spec.exprs[3] = expr_text(arena, "constant");
	assert_non_null(spec.exprs[0]);
	assert_non_null(spec.exprs[2]);
	return op_project_new(&spec);
}

static void a_projection_passes_columns_and_computes_others(void **unused)
{
	(void)unused;
	Harness h;
	harness_open(&h, make_swap, "boolean integer text", NULL);
	harness_push(&h, 0, "+1 | true | 1 | 'a'\n+1 | false | 3 | 'c'\n-1 | true | NULL | NULL");
	harness_expect(&h, "+1 | 'a' | 1 | 'a'\n-1 | NULL | NULL | NULL");
	harness_close(&h);
	harness_open(&h, make_computing, "boolean integer text", NULL);
	harness_push(&h, 0, "+1 | true | 1 | 'a'\n+1 | false | 3 | 'c'\n-1 | true | NULL | NULL");
	harness_expect(&h, "+1 | 101 | 'a' | 'a and something that is too long for inline' | 'constant'\n-1 | NULL | NULL | NULL | 'constant'");
	harness_close(&h);
}

static void recompute_swap(const TestRows *inputs, const int64_t *watermarks, TestRows *out)
{
	(void)watermarks;
	for (int i = 0; i < inputs[0].count; i++) {
		const Value *v = inputs[0].at[i].values;
		Value row[] = {v[2], v[1], v[2]};
		if (!v[0].is_null && v[0].i64) test_rows_add(out, row, inputs[0].at[i].weight);
	}
}

static void recompute_computing(const TestRows *inputs, const int64_t *watermarks, TestRows *out)
{
	(void)watermarks;
	for (int i = 0; i < inputs[0].count; i++) {
		const Value *v = inputs[0].at[i].values;
		if (v[0].is_null || !v[0].i64) continue;
		Value row[] = {v[1], v[2], v[2], {.type = TYPE(TEXT)}};
		char text[200];
		if (!row[0].is_null) row[0].i64 += 100;
		int bytes = snprintf(text, sizeof text, "%.*s and something that is too long for inline", (int)v[2].str.bytes, v[2].is_null ? "" : str_at(&v[2].str));
		if (!row[2].is_null) row[2].str = str_borrow(text, (size_t)bytes);
		row[3].str = str_borrow("constant", 8);
		test_rows_add(out, row, inputs[0].at[i].weight);
	}
}

static void filter_and_project_hold_for_random_rows(void **unused)
{
	(void)unused;
	differential_run(&(Differential){.make = make_filter, .inputs = {{.types = "boolean integer text"}}, .input_count = 1, .recompute = recompute_filter});
	differential_run(&(Differential){.make = make_swap, .inputs = {{.types = "boolean integer text"}}, .input_count = 1, .recompute = recompute_swap});
	differential_run(&(Differential){.make = make_computing, .inputs = {{.types = "boolean integer text"}}, .input_count = 1, .recompute = recompute_computing});
}

/* ---- union ---- */

static Op *make_union(Arena *arena)
{
	OpInput *ins = arena_array(arena, OpInput, 2);
	for (int i = 0; i < 2; i++) {
		ins[i] = test_input(arena, 1 + 10 * i, "timestamp integer", true);
		test_input_watermark(arena, &ins[i], 0, 0, false);
	}
	UnionSpec spec = {.ins = ins, .in_count = 2, .types = ins[0].types, .column_count = 2};
	return op_union_new(&spec);
}

static void the_lower_watermark_judges_a_union(void **unused)
{
	(void)unused;
	Harness h;
	harness_open(&h, make_union, "timestamp integer", "timestamp integer", NULL);
	harness_push(&h, 0, "+1 @50 | 60 | 1");
	assert_true(h.fresh.at[0].judge == WATERMARK_NONE);
	harness_watermark(&h, 1, 0, 40 * SECOND);
	harness_push(&h, 0, "+1 @50 | 61 | 2\n+1 @30 | 62 | 3");
	assert_true(h.fresh.at[1].judge == 40 * SECOND && h.fresh.at[2].judge == 30 * SECOND);
	h.op->in_sources[0] = h.op->in_sources[1] = 1;
	int64_t judges[] = {45 * SECOND, 20 * SECOND};
	h.op->source_judges = judges;
	harness_push(&h, 0, "+1 @50 | 63 | 4");
	assert_true(h.fresh.at[3].judge == 50 * SECOND);
	h.op->in_sources[1] = 2;
	harness_push(&h, 0, "+1 @50 | 64 | 5");
	assert_true(h.fresh.at[4].judge == 20 * SECOND);
	harness_expect(&h, "+1 | 60 | 1\n+1 | 61 | 2\n+1 | 62 | 3\n+1 | 63 | 4\n+1 | 64 | 5");
	harness_close(&h);
}

/* ---- windows ---- */

static WindowSpec window_spec;

static Op *make_window(Arena *arena)
{
	WindowSpec spec = window_spec;
	spec.in = test_input(arena, 1, "timestamp integer", false);
	spec.time = test_column(arena, &spec.in, 0);
	return op_window_new(&spec);
}

static void windows_hold_their_instants(void **unused)
{
	(void)unused;
	static const struct { WindowSpec spec; const char *in, *out; } CASES[] = {
		{{.kind = WINDOW_TUMBLE, .size_us = 10 * SECOND, .slide_us = 10 * SECOND},
			"+1 | 0 | 1\n-1 | 9 | 2\n+1 | 10 | 3\n+1 | -1 | 4\n+1 | NULL | 5",
			"+1 | 0 | 1 | 0 | 10 | '1970-01-01 00:00:09.999'\n-1 | 9 | 2 | 0 | 10 | '1970-01-01 00:00:09.999'\n+1 | 10 | 3 | 10 | 20 | '1970-01-01 00:00:19.999'\n"
			"+1 | -1 | 4 | -10 | 0 | '1969-12-31 23:59:59.999'"},
		{{.kind = WINDOW_TUMBLE, .size_us = 10 * SECOND, .slide_us = 10 * SECOND, .offset_us = 3 * SECOND},
			"+1 | 2 | 1\n+1 | 3 | 2", "+1 | 2 | 1 | -7 | 3 | '1970-01-01 00:00:02.999'\n+1 | 3 | 2 | 3 | 13 | '1970-01-01 00:00:12.999'"},
		{{.kind = WINDOW_HOP, .size_us = 10 * SECOND, .slide_us = 5 * SECOND},
			"+1 | 2 | 1\n+3 | -6 | 2\n+1 | NULL | 2",
			"+1 | 2 | 1 | -5 | 5 | '1970-01-01 00:00:04.999'\n+1 | 2 | 1 | 0 | 10 | '1970-01-01 00:00:09.999'\n"
			"+3 | -6 | 2 | -15 | -5 | '1969-12-31 23:59:54.999'\n+3 | -6 | 2 | -10 | 0 | '1969-12-31 23:59:59.999'"},
		{{.kind = WINDOW_HOP, .size_us = 7 * SECOND, .slide_us = 5 * SECOND},
			"+1 | 0 | 1\n+1 | 2 | 2", "+1 | 0 | 1 | -5 | 2 | '1970-01-01 00:00:01.999'\n+1 | 0 | 1 | 0 | 7 | '1970-01-01 00:00:06.999'\n+1 | 2 | 2 | 0 | 7 | '1970-01-01 00:00:06.999'"},
		{{.kind = WINDOW_HOP, .size_us = 2 * SECOND, .slide_us = 5 * SECOND}, "+1 | 1 | 1\n+1 | 2 | 2", "+1 | 1 | 1 | 0 | 2 | '1970-01-01 00:00:01.999'"},
		{{.kind = WINDOW_CUMULATE, .size_us = 15 * SECOND, .slide_us = 5 * SECOND},
			"+1 | 4 | 1\n+1 | 10 | 2",
			"+1 | 4 | 1 | 0 | 5 | '1970-01-01 00:00:04.999'\n+1 | 4 | 1 | 0 | 10 | '1970-01-01 00:00:09.999'\n+1 | 4 | 1 | 0 | 15 | '1970-01-01 00:00:14.999'\n"
			"+1 | 10 | 2 | 0 | 15 | '1970-01-01 00:00:14.999'"},
		{{.kind = WINDOW_TUMBLE, .size_us = 86400 * SECOND, .slide_us = 86400 * SECOND, .zone = "Europe/Berlin"},
			"+1 | '2026-03-28 22:59:59' | 1\n+1 | '2026-03-29 21:59:59' | 2\n+1 | '2026-10-25 22:30:00' | 3\n+1 | '2026-10-25 23:00:00' | 4",
			"+1 | '2026-03-28 22:59:59' | 1 | '2026-03-27 23:00:00' | '2026-03-28 23:00:00' | '2026-03-28 22:59:59.999'\n"
			"+1 | '2026-03-29 21:59:59' | 2 | '2026-03-28 23:00:00' | '2026-03-29 22:00:00' | '2026-03-29 21:59:59.999'\n"
			"+1 | '2026-10-25 22:30:00' | 3 | '2026-10-24 22:00:00' | '2026-10-25 23:00:00' | '2026-10-25 22:59:59.999'\n"
			"+1 | '2026-10-25 23:00:00' | 4 | '2026-10-25 23:00:00' | '2026-10-26 23:00:00' | '2026-10-26 22:59:59.999'"},
		{{.kind = WINDOW_HOP, .size_us = 2 * 86400 * SECOND, .slide_us = 86400 * SECOND, .zone = "Europe/Berlin"},
			"+1 | '2026-03-29 12:00:00' | 1",
			"+1 | '2026-03-29 12:00:00' | 1 | '2026-03-27 23:00:00' | '2026-03-29 22:00:00' | '2026-03-29 21:59:59.999'\n"
			"+1 | '2026-03-29 12:00:00' | 1 | '2026-03-28 23:00:00' | '2026-03-30 22:00:00' | '2026-03-30 21:59:59.999'"},
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
		for (int batch_rows = 0; batch_rows < 2; batch_rows++) {
			Harness h;
			window_spec = CASES[i].spec;
			harness_open(&h, make_window, "timestamp integer", NULL);
			h.batch_rows = batch_rows;
			harness_push(&h, 0, CASES[i].in);
			harness_expect(&h, CASES[i].out);
			harness_close(&h);
		}
}

static void recompute_window(const TestRows *inputs, const int64_t *watermarks, TestRows *out)
{
	(void)watermarks;
	for (int i = 0; i < inputs[0].count; i++) {
		const Value *v = inputs[0].at[i].values;
		if (v[0].is_null) continue;
		for (int64_t start = -400; start < 400; start++) {
			int64_t end = start + 12;
			if (start % 3 != 1 && start % 3 != -2) continue;
			if (v[0].i64 < start * SECOND || v[0].i64 >= end * SECOND) continue;
			Value row[5] = {v[0], v[1]};
			for (int c = 2; c < 5; c++) row[c] = (Value){.type = TYPE(TIMESTAMP)};
			row[2].i64 = start * SECOND;
			row[3].i64 = end * SECOND;
			row[4].i64 = end * SECOND - 1000;
			test_rows_add(out, row, inputs[0].at[i].weight);
		}
	}
}

static void hop_windows_hold_for_random_rows(void **unused)
{
	(void)unused;
	window_spec = (WindowSpec){.kind = WINDOW_HOP, .size_us = 12 * SECOND, .slide_us = 3 * SECOND, .offset_us = 1 * SECOND};
	differential_run(&(Differential){.make = make_window, .inputs = {{.types = "timestamp integer"}}, .input_count = 1, .recompute = recompute_window});
}

/* ---- settle ---- */

static Op *make_settle(Arena *arena)
{
	SettleSpec spec = {.in = test_input(arena, 1, "timestamp text", true), .column = 0};
	test_input_watermark(arena, &spec.in, 0, 5 * SECOND, false);
	return op_settle_new(&spec);
}

static void rows_settle_when_the_watermark_has_passed_them(void **unused)
{
	(void)unused;
	Harness h;
	harness_open(&h, make_settle, "timestamp text", NULL);
	harness_push(&h, 0, "+1 | 10 | 'a'\n+2 | 5 | 'b'\n+1 | NULL | 'c'\n+1 | 20 | 'd'");
	harness_commit(&h);
	harness_expect(&h, "");
	harness_watermark(&h, 0, 0, 10 * SECOND);
	harness_commit(&h);
	harness_expect(&h, "+2 | 5 | 'b'");
	harness_restart(&h);
	harness_watermark(&h, 0, 0, 11 * SECOND);
	harness_push(&h, 0, "+1 | 1 | 'late'");
	harness_commit(&h);
	harness_expect(&h, "+1 | 10 | 'a'\n+1 | 1 | 'late'");
	harness_watermark(&h, 0, 0, WATERMARK_END);
	harness_commit(&h);
	harness_expect(&h, "+1 | NULL | 'c'\n+1 | 20 | 'd'");
	harness_close(&h);
}

static void recompute_settle(const TestRows *inputs, const int64_t *watermarks, TestRows *out)
{
	for (int i = 0; i < inputs[0].count; i++) {
		const TestRow *row = &inputs[0].at[i];
		if (!row->values[0].is_null && row->values[0].i64 < watermarks[0]) test_rows_add(out, row->values, row->weight);
	}
}

static void settling_holds_for_random_rows(void **unused)
{
	(void)unused;
	differential_run(&(Differential){.make = make_settle, .input_count = 1, .recompute = recompute_settle,
		.inputs = {{.types = "timestamp text", .append_only = true, .has_time = true, .disorder_us = 4 * SECOND}}});
}

/* ---- constant rows ---- */

static Op *make_constant(Arena *arena)
{
	Type *types = arena_array(arena, Type, 2);
	Value *values = arena_array(arena, Value, 4);
	types[0] = TYPE(INTEGER);
	types[1] = TYPE(TEXT);
	for (int i = 0; i < 4; i++) values[i].type = types[i % 2];
	values[0].i64 = 7;
	values[1].str = str_borrow("a text of some length", 21);
	values[2].i64 = 8;
	values[3].is_null = true;
	ConstantSpec spec = {.types = types, .column_count = 2, .values = values, .row_count = 2};
	return op_constant_new(&spec);
}

static void constant_rows_come_once(void **unused)
{
	(void)unused;
	Harness h;
	harness_open(&h, make_constant, NULL);
	harness_commit(&h);
	harness_expect(&h, "+1 | 7 | 'a text of some length'\n+1 | 8 | NULL");
	harness_restart(&h);
	harness_commit(&h);
	harness_expect(&h, "");
	harness_close(&h);
}

/* ---- sink and tap ---- */

static void changes_print(const Changes *changes, const Op *op, StrBuf *out)
{
	for (int i = 0; i < changes->count; i++) {
		Value values[TEST_COLUMNS_MAX];
		row_unpack(changes->bytes + changes->rows[i].offset, op->types, op->column_count, values);
		strbuf_printf(out, "%+d", (int)changes->rows[i].weight);
		for (int c = 0; c < op->column_count; c++) {
			strbuf_adds(out, " | ");
			value_print_sql(&values[c], out);
		}
		strbuf_addc(out, '\n');
	}
}

static bool sink_append_only;
static int sink_keys;

static Op *make_sink(Arena *arena)
{
	static const int KEYS[] = {1, 0};
	SinkSpec spec = {.in = test_input(arena, 1, "integer text", sink_append_only), .key_columns = KEYS, .key_count = sink_keys};
	return op_sink_new(&spec);
}

static void a_sink_gives_net_changes_by_key(void **unused)
{
	(void)unused;
	static const struct { bool append_only; int keys; const char *in, *out; } CASES[] = {
		{false, 1, "+1 | 1 | 'b'\n+1 | 2 | 'a'\n-1 | 1 | 'b'\n-1 | 5 | 'c'\n+1 | 6 | 'c'\n+1 | 3 | NULL",
			"+1 | 3 | NULL\n+1 | 2 | 'a'\n-1 | 5 | 'c'\n+1 | 6 | 'c'\n"},
		{false, 2, "+1 | 2 | 'the same long beginning of a key'\n+1 | 1 | 'the same long beginning of a key'\n+2 | 1 | 'the same long beginning of a kex'",
			"+2 | 1 | 'the same long beginning of a kex'\n+1 | 1 | 'the same long beginning of a key'\n+1 | 2 | 'the same long beginning of a key'\n"},
		{false, 0, "+1 | 2 | 'x'\n+1 | 1 | 'y'\n+1 | 2 | 'x'\n-1 | 1 | 'y'", "+2 | 2 | 'x'\n"},
		{true, 0, "+1 | 2 | 'x'\n+1 | 1 | 'y'\n+1 | 2 | 'x'", "+1 | 2 | 'x'\n+1 | 1 | 'y'\n+1 | 2 | 'x'\n"},
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		Harness h;
		sink_append_only = CASES[i].append_only;
		sink_keys = CASES[i].keys;
		harness_open(&h, make_sink, "integer text", NULL);
		h.batch_rows = 2;
		harness_push(&h, 0, CASES[i].in);
		assert_true(op_sink_pending_rows(h.op) > 0 && op_sink_pending_bytes(h.op) > 0);
		Changes changes;
		op_sink_take(h.op, &changes);
		StrBuf out = STRBUF_INIT;
		changes_print(&changes, h.op, &out);
		assert_string_equal(out.text, CASES[i].out);
		strbuf_release(&out);
		changes_release(&changes);
		assert_int_equal(op_sink_pending_rows(h.op), 0);
		harness_close(&h);
	}
}

/* Random changes of few keys: the sum must be right, keys ascending, and of each key first what goes. */
static void a_sink_nets_and_sorts_random_changes(void **unused)
{
	(void)unused;
	for (int round = 0; round < 60; round++) {
		Harness h;
		TestRandom random = {(uint64_t)round + 1};
		sink_append_only = false;
		sink_keys = round % 3;
		harness_open(&h, make_sink, "integer text", NULL);
		TestRows *rows = &h.inputs[0], got;
		int count = 1 + (int)test_random(&random, round % 5 == 0 ? 3000 : 100);
		for (int i = 0; i < count; i++) {
			Value values[] = {test_random_value(&random, TYPE(INTEGER)), test_random_value(&random, TYPE(TEXT))};
			if (round % 4 && !values[0].is_null) values[0].i64 = (int64_t)test_random(&random, 1u << (round % 30)) - 500;
			char text[400];
			if (round % 7 == 0 && !values[1].is_null) {
				memset(text, 'x', sizeof text);
				text[100 + test_random(&random, 3)] = 'y';
				values[1].str = str_borrow(text, 80 + test_random(&random, 300));
			}
			test_rows_add(rows, values, test_random(&random, 2) ? 1 : -1);
		}
		harness_push_rows(&h, 0, 0, rows->count);
		Changes changes;
		op_sink_take(h.op, &changes);
		test_rows_init(&got, rows->types, 2);
		for (int i = 0; i < changes.count; i++) {
			Value values[2];
			row_unpack(changes.bytes + changes.rows[i].offset, h.op->types, 2, values);
			test_rows_add(&got, values, changes.rows[i].weight);
			for (int k = 0; i > 0 && k < sink_keys; k++) {
				const TestRow *before = &got.at[i - 1];
				int order = value_compare(&before->values[1 - k], &got.at[i].values[1 - k]);
				assert_true(order <= 0);
				if (order < 0) break;
				if (k == sink_keys - 1) assert_true(before->weight < 0 || got.at[i].weight > 0);
			}
		}
		int given = got.count;
		test_rows_net(rows);
		test_rows_net(&got);
		assert_int_equal(given, got.count);
		test_rows_compare(&got, rows, "sink");
		test_rows_release(&got);
		changes_release(&changes);
		harness_close(&h);
	}
}

static StrBuf tapped;

static bool tap_print(void *context, const Batch *batch, Error *err)
{
	(void)context; (void)err;
	batch_print(batch, &tapped);
	return true;
}

static bool tap_net;

static Op *make_tap(Arena *arena)
{
	TapSpec spec = {.in = test_input(arena, 1, "integer text", false), .tap = tap_print, .net = tap_net};
	return op_tap_new(&spec);
}

static void a_tap_hands_on_batches_or_net_changes(void **unused)
{
	(void)unused;
	for (int net = 0; net < 2; net++) {
		Harness h;
		tap_net = net;
		tapped = STRBUF_INIT;
		harness_open(&h, make_tap, "integer text", NULL);
		harness_push(&h, 0, "+1 | 1 | 'a'\n+1 | 2 | 'b'");
		harness_push(&h, 0, "-1 | 1 | 'a'\n+1 | 3 | 'c'");
		harness_commit(&h);
		assert_string_equal(tapped.text, net ? "+1 | 2 | 'b'\n+1 | 3 | 'c'\n" : "+1 | 1 | 'a'\n+1 | 2 | 'b'\n-1 | 1 | 'a'\n+1 | 3 | 'c'\n");
		harness_commit(&h);
		strbuf_release(&tapped);
		harness_close(&h);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_filter_passes_rows_that_are_true),
		cmocka_unit_test(a_projection_passes_columns_and_computes_others),
		cmocka_unit_test(filter_and_project_hold_for_random_rows),
		cmocka_unit_test(the_lower_watermark_judges_a_union),
		cmocka_unit_test(windows_hold_their_instants),
		cmocka_unit_test(hop_windows_hold_for_random_rows),
		cmocka_unit_test(rows_settle_when_the_watermark_has_passed_them),
		cmocka_unit_test(settling_holds_for_random_rows),
		cmocka_unit_test(constant_rows_come_once),
		cmocka_unit_test(a_sink_gives_net_changes_by_key),
		cmocka_unit_test(a_sink_nets_and_sorts_random_changes),
		cmocka_unit_test(a_tap_hands_on_batches_or_net_changes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
