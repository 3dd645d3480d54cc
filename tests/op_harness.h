/* Harness for tests of operators: rows as text in, net changes as text out; and random changes against a naive recomputation.
 *
 * A test gives a function that makes the operator (the spec's expressions in the arena given); the harness feeds it, commits, restarts it (state
 * saved, operator freed, made again, state loaded) and collects what it emits.
 *
 *     static Op *make(Arena *arena) { FilterSpec spec = {.in = test_input(arena, 1, "integer text", false), ...}; return op_filter_new(&spec); }
 *
 *     Harness h;
 *     harness_open(&h, make, "integer text", NULL);             // types of each input, NULL last
 *     harness_push(&h, 0, "+1 | 1 | 'a'\n -1 | 2 | NULL");      // weight | values; "+1 @30 | ..." is judged by watermark 30
 *     harness_watermark(&h, 0, 0, 60 * SECOND);
 *     harness_commit(&h);
 *     harness_expect(&h, "+1 | 1 | 'a'");                       // net output since the last look, in any order
 *     harness_restart(&h);
 *     harness_close(&h);
 *
 * In texts a plain number in a TIMESTAMP column, and after @, counts seconds since 1970; other values are as text_to_value reads them.
 *
 * differential_run() feeds random rows in batches of 1, 7 and 1024 with commits and restarts at random moments, and compares after every commit
 * the sum of all output with what the test's recompute() makes of the sum of all input.
 */
#ifndef WEIR_TESTS_OP_HARNESS_H
#define WEIR_TESTS_OP_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "op/specs.h"
#include "type/text.h"

#pragma GCC diagnostic ignored "-Wunused-function"

enum { TEST_INPUTS_MAX = 4, TEST_COLUMNS_MAX = 72, TEST_STATES_MAX = 16 };
#define SECOND 1000000ll

/* ---- rows ---- */

typedef struct TestRow {
	Value *values;
	const char *packed; uint32_t bytes;       /* of the values: rows are equal iff these are */
	int64_t weight, judge;
	Int128 arrival;
} TestRow;

typedef struct TestRows {
	Arena arena;
	Type types[TEST_COLUMNS_MAX]; int column_count;
	TestRow *at; int count, room;             /* a log of changes, or after test_rows_net the sum */
} TestRows;

static void test_rows_init(TestRows *rows, const Type *types, int column_count)
{
	*rows = (TestRows){.column_count = column_count};
	assert_true(column_count <= TEST_COLUMNS_MAX);
	for (int i = 0; i < column_count; i++) rows->types[i] = types[i];
	arena_init(&rows->arena, 0);
}

static void test_rows_release(TestRows *rows)
{
	arena_release(&rows->arena);
	vec_release(rows);
}

static TestRow *test_rows_add(TestRows *rows, const Value *values, int64_t weight)
{
	StrBuf packed = STRBUF_INIT;
	row_pack_values(&packed, values, rows->column_count);
	TestRow row = {.weight = weight, .judge = WATERMARK_NONE, .bytes = (uint32_t)packed.bytes};
	row.packed = arena_copy(&rows->arena, packed.text, packed.bytes);
	row.values = arena_array(&rows->arena, Value, rows->column_count + 1);
	row_unpack(row.packed, rows->types, rows->column_count, row.values);
	strbuf_release(&packed);
	vec_push(rows, row);
	return &rows->at[rows->count - 1];
}

static int test_row_compare(const void *a, const void *b)
{
	const TestRow *x = a, *y = b;
	int order = memcmp(x->packed, y->packed, x->bytes < y->bytes ? x->bytes : y->bytes);
	return order ? order : (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

/* Sums the weights of equal rows, drops what is zero; a row keeps the highest judge. */
static void test_rows_net(TestRows *rows)
{
	if (rows->count == 0) return;
	qsort(rows->at, (size_t)rows->count, sizeof *rows->at, test_row_compare);
	int kept = 0;
	for (int i = 0; i < rows->count;) {
		TestRow row = rows->at[i++];
		for (; i < rows->count && test_row_compare(&row, &rows->at[i]) == 0; i++) {
			row.weight += rows->at[i].weight;
			if (rows->at[i].judge > row.judge) row.judge = rows->at[i].judge;
		}
		if (row.weight) rows->at[kept++] = row;
	}
	rows->count = kept;
}

static void test_rows_append(TestRows *to, const TestRows *from)
{
	for (int i = 0; i < from->count; i++) {
		TestRow *row = test_rows_add(to, from->at[i].values, from->at[i].weight);
		row->judge = from->at[i].judge;
		row->arrival = from->at[i].arrival;
	}
}

static void test_rows_print(const TestRows *rows, StrBuf *out)
{
	for (int i = 0; i < rows->count; i++) {
		strbuf_printf(out, "%+lld", (long long)rows->at[i].weight);
		for (int c = 0; c < rows->column_count; c++) {
			strbuf_adds(out, " | ");
			value_print_sql(&rows->at[i].values[c], out);
		}
		strbuf_addc(out, '\n');
	}
}

/* Both are sums. Fails with the rows that stand in one of them only: "+" should not be there, "-" is missing. */
static void test_rows_compare(const TestRows *is, const TestRows *should, const char *where)
{
	TestRows difference;
	test_rows_init(&difference, is->types, is->column_count);
	test_rows_append(&difference, is);
	for (int i = 0; i < should->count; i++) test_rows_add(&difference, should->at[i].values, -should->at[i].weight);
	test_rows_net(&difference);
	StrBuf text = STRBUF_INIT;
	test_rows_print(&difference, &text);
	if (text.bytes) {
		fprintf(stderr, "%s, superfluous (+) and missing (-) rows:\n%s", where, text.text);
		fail();
	}
	strbuf_release(&text);
	test_rows_release(&difference);
}

/* ---- text to rows ---- */

static int test_types(const char *text, Type *types)
{
	int count = 0;
	for (char word[64]; sscanf(text, " %63s", word) == 1; count++) {
		Error err = ERROR_INIT;
		text = strstr(text, word) + strlen(word);
		if (!type_from_name(word, -1, -1, SPAN_NONE, &types[count], &err)) fail_msg("%s", err.message);
	}
	return count;
}

static Value test_value(const char *at, size_t bytes, Type type, Arena *arena)
{
	Value value = {.type = type};
	while (bytes && at[0] == ' ') at++, bytes--;
	while (bytes && at[bytes - 1] == ' ') bytes--;
	if (bytes == 4 && memcmp(at, "NULL", 4) == 0) {
		value.is_null = true;
		return value;
	}
	int64_t seconds;
	if (type.kind == TYPE_TIMESTAMP && text_to_integer(at, bytes, &seconds)) {
		value.i64 = seconds * SECOND;
		return value;
	}
	if (bytes >= 2 && at[0] == '\'') at++, bytes -= 2;
	if (!text_to_value(at, bytes, type, &value, arena)) fail_msg("\"%.*s\" is no %s", (int)bytes, at, type_kind_name(type.kind));
	return value;
}

/* Lines "+1 @judge | value | value" */
static void test_rows_parse(TestRows *rows, const char *text)
{
	while (*text) {
		size_t line = strcspn(text, "\n");
		const char *end = text + line, *at = text;
		while (at < end && (*at == ' ' || *at == '\t')) at++;
		if (at < end) {
			char *after;
			Value values[TEST_COLUMNS_MAX];
			int64_t weight = strtoll(at, &after, 10), judge = WATERMARK_NONE;
			const char *mark = memchr(after, '@', strcspn(after, "|\n"));
			if (mark) judge = strtoll(mark + 1, NULL, 10) * SECOND;
			at = after;
			for (int c = 0; c < rows->column_count; c++) {
				const char *bar = memchr(at, '|', (size_t)(end - at));
				if (!bar) fail_msg("too few columns: %.*s", (int)line, text);
				const char *next = memchr(bar + 1, '|', (size_t)(end - bar - 1));
				values[c] = test_value(bar + 1, (size_t)((next ? next : end) - bar - 1), rows->types[c], &rows->arena);
				at = next ? next : end;
			}
			test_rows_add(rows, values, weight)->judge = judge;
		}
		text = *end ? end + 1 : end;
	}
}

/* ---- inputs ---- */

/* Columns with ids first_id, first_id + 1, ... */
static OpInput test_input(Arena *arena, ColumnId first_id, const char *types, bool append_only)
{
	Type *all = arena_array(arena, Type, TEST_COLUMNS_MAX);
	ColumnId *layout = arena_array(arena, ColumnId, TEST_COLUMNS_MAX);
	for (int i = 0; i < TEST_COLUMNS_MAX; i++) layout[i] = first_id + i;
	return (OpInput){.layout = layout, .types = all, .column_count = test_types(types, all), .append_only = append_only};
}

/* The input's column `column` carries watermark number 0. */
static void test_input_watermark(Arena *arena, OpInput *in, int column, int64_t delta_us, bool inclusive)
{
	WatermarkColumn *columns = arena_new(arena, WatermarkColumn);
	*columns = (WatermarkColumn){.column = column, .delta_us = delta_us, .inclusive = inclusive};
	in->watermarks = columns;
	in->watermark_count = 1;
	in->has_judge = true;
}

static Expr *test_column(Arena *arena, const OpInput *in, int column)
{
	return expr_column(arena, in->layout[column], in->types[column], true, SPAN_NONE);
}

/* ---- the operator under test ---- */

typedef Op *TestMake(Arena *arena);

typedef struct TestPages { struct TestPage { uint32_t number, count; char *bytes; } *at; int count, room; } TestPages;

typedef struct Collector { Op op; TestRows *rows; bool *only_added; } Collector;

typedef struct Harness {
	TestMake *make;
	Arena arena;                              /* of the make function; cleared at each restart */
	Op *op;
	Op *collector;
	TestRows inputs[TEST_INPUTS_MAX]; int input_count;        /* logs of all that was pushed */
	bool has_arrival[TEST_INPUTS_MAX];
	TestRows out, fresh;                      /* all output so far (net), and since the last look */
	bool only_added;                          /* no output row had a weight < 0 */
	int batch_rows;                           /* of pushed batches; 0: all in one */
	bool shuffle;                             /* hide rows of batches behind selections */
	int64_t position;                         /* of the last row pushed */
	int64_t rows_late;                        /* also of operators that were restarted */
	CommitInfo commit;
	TestPages pages[TEST_STATES_MAX];         /* by state: the operator's own, then those of its inner ones */
} Harness;

static bool collector_push(Op *op, int input, Batch *in, Error *err)
{
	(void)input; (void)err;
	Collector *collector = (Collector *)op;
	for (int i = 0; i < in->count; i++) {
		Value values[TEST_COLUMNS_MAX];
		for (int c = 0; c < in->column_count; c++) values[c] = column_value(&in->columns[c], batch_row(in, i));
		TestRow *row = test_rows_add(collector->rows, values, batch_weight(in, i));
		row->judge = batch_judge(in, i);
		if (in->hidden.arrival) row->arrival = in->hidden.arrival[batch_row(in, i)];
		if (row->weight < 0) *collector->only_added = false;
	}
	return true;
}

static const OpClass COLLECTOR = {.name = "collector", .push = collector_push};

static void harness_start(Harness *h)
{
	h->op = h->make(&h->arena);
	assert_true(h->op->input_count == h->input_count);
	h->collector = op_new(&COLLECTOR, sizeof(Collector), "collector", h->op->types, h->op->column_count, 1);
	((Collector *)h->collector)->rows = &h->fresh;
	((Collector *)h->collector)->only_added = &h->only_added;
	op_connect(h->op, h->collector, 0);
}

/* Types of each input as text, NULL last. Set has_arrival and batch_rows afterwards where wanted. */
static void harness_open(Harness *h, TestMake *make, ...)
{
	*h = (Harness){.make = make, .only_added = true, .commit = {.system_us = 1000 * SECOND}};
	arena_init(&h->arena, 0);
	va_list args;
	va_start(args, make);
	for (const char *text; (text = va_arg(args, const char *));) {
		Type types[TEST_COLUMNS_MAX];
		int count = test_types(text, types);
		test_rows_init(&h->inputs[h->input_count++], types, count);
	}
	va_end(args);
	harness_start(h);
	test_rows_init(&h->out, h->op->types, h->op->column_count);
	test_rows_init(&h->fresh, h->op->types, h->op->column_count);
}

static void harness_stop(Harness *h)
{
	h->rows_late += h->op->rows_late;
	op_free(h->op);
	op_free(h->collector);
	arena_clear(&h->arena);
}

/* The operator's own, then those of its inner ones; NULL: it has none */
static State *harness_state(const Harness *h, int i) { return i == 0 ? h->op->state : h->op->inner[i - 1]->state; }

static void test_pages_put(void *context, uint32_t number, const void *bytes, uint32_t count)
{
	TestPages *pages = context;
	int i = 0;
	while (i < pages->count && pages->at[i].number != number) i++;
	if (i == pages->count) vec_push(pages, (struct TestPage){.number = number});
	free(pages->at[i].bytes);
	pages->at[i].bytes = count ? memcpy(malloc(count), bytes, count) : NULL;
	pages->at[i].count = count;
}

static void harness_load(Harness *h, int i)
{
	Error err = ERROR_INIT;
	State *state = harness_state(h, i);
	if (!state) return;
	for (int p = 0; p < h->pages[i].count; p++) {
		struct TestPage *page = &h->pages[i].at[p];
		if (page->count && !state_load_page(state, page->number, page->bytes, page->count, &err)) fail_msg("%s", err.message);
	}
	if (!state_load_finish(state, &err)) fail_msg("%s", err.message);
}

/* Saves the state, makes the operator anew and gives it back what was saved. Only right after a commit. */
static void harness_restart(Harness *h)
{
	int64_t in[TEST_INPUTS_MAX][OP_WATERMARKS_MAX], out[OP_WATERMARKS_MAX];
	for (int i = 0; i < h->input_count; i++) memcpy(in[i], h->op->in_watermarks[i], sizeof in[i]);
	memcpy(out, h->op->out_watermarks, sizeof out);
	for (int i = 0; i <= h->op->inner_count; i++) {
		State *state = harness_state(h, i);
		if (!state) continue;
		state_check(state);
		state_save_next(state, UINT64_MAX, test_pages_put, &h->pages[i]);
		state_freeze(state);
		state_save_next(state, UINT64_MAX, test_pages_put, &h->pages[i]);
	}
	harness_stop(h);
	harness_start(h);
	for (int i = 0; i < h->input_count; i++) memcpy(h->op->in_watermarks[i], in[i], sizeof in[i]);
	memcpy(h->op->out_watermarks, out, sizeof out);
	Error err = ERROR_INIT;
	for (int i = 0; i <= h->op->inner_count; i++) {
		Op *op = i ? h->op->inner[i - 1] : h->op;
		harness_load(h, i);
		if (op->state && op->class->restored) assert_true(op->class->restored(op, &err));
	}
}

static void harness_close(Harness *h)
{
	harness_stop(h);
	for (int i = 0; i < h->input_count; i++) test_rows_release(&h->inputs[i]);
	for (int s = 0; s < TEST_STATES_MAX; s++) {
		for (int i = 0; i < h->pages[s].count; i++) free(h->pages[s].at[i].bytes);
		vec_release(&h->pages[s]);
	}
	test_rows_release(&h->out);
	test_rows_release(&h->fresh);
	arena_release(&h->arena);
}

/* ---- feeding ---- */

static void batch_add_row(BatchBuilder *builder, const TestRows *rows, const TestRow *from)
{
	int row = batch_builder_row(builder, from->weight);
	for (int c = 0; c < rows->column_count; c++) batch_builder_set(builder, row, c, &from->values[c]);
	batch_builder_judge(builder, row, from->judge);
	batch_builder_arrival(builder, row, from->arrival);
}

/* Rows from .. to - 1 of the input's log as one batch; shuffled: with other rows in it that a selection hides. */
static void harness_push_batch(Harness *h, int input, int from, int to)
{
	const TestRows *rows = &h->inputs[input];
	BatchBuilder builder;
	batch_builder_init(&builder, rows->types, rows->column_count, 2 * (to - from));
	builder.want_judge = true;
	builder.want_arrival = h->has_arrival[input];
	uint32_t *sel = malloc(sizeof *sel * (size_t)(to - from));
	for (int i = from; i < to; i++) {
		if (h->shuffle && (i * 7 + to) % 3 == 0) batch_add_row(&builder, rows, &rows->at[(i + to) / 2 % (i + 1)]);
		sel[i - from] = builder.batch ? (uint32_t)builder.batch->rows : 0;
		batch_add_row(&builder, rows, &rows->at[i]);
	}
	Batch *batch = batch_builder_take(&builder);
	batch->system_us = h->commit.system_us;
	if (batch->rows > to - from) {
		batch->sel = arena_copy(&batch->arena, sel, sizeof *sel * (size_t)(to - from));
		batch->count = to - from;
	}
	free(sel);
	Error err = ERROR_INIT;
	if (!op_push(h->op, input, batch, &err)) fail_msg("%s", err.message);
	batch_unref(batch);
}

static void harness_push_rows(Harness *h, int input, int from, int to)
{
	int most = h->batch_rows ? h->batch_rows : to - from;
	for (; from < to; from += most) harness_push_batch(h, input, from, to - from < most ? to : from + most);
}

static void harness_push(Harness *h, int input, const char *text)
{
	TestRows *rows = &h->inputs[input];
	int from = rows->count;
	test_rows_parse(rows, text);
	for (int i = from; i < rows->count; i++) rows->at[i].arrival = (Int128)++h->position;
	if (rows->count > from) harness_push_rows(h, input, from, rows->count);
}

static void harness_watermark(Harness *h, int input, int index, int64_t watermark_us) { h->op->in_watermarks[input][index] = watermark_us; }

static void harness_commit(Harness *h)
{
	Error err = ERROR_INIT;
	h->commit.commit++;
	arena_clear(&h->op->scratch);
	if (h->op->class->commit && !h->op->class->commit(h->op, &h->commit, &err)) fail_msg("%s", err.message);
	for (int i = 0; i <= h->op->inner_count; i++) {
		if (!harness_state(h, i)) continue;
		state_save_next(harness_state(h, i), UINT64_MAX, test_pages_put, &h->pages[i]);
		state_freeze(harness_state(h, i));             /* what is written from now on without being marked is found */
	}
}

/* Net output since the last look must be these rows, in any order. */
static void harness_expect(Harness *h, const char *text)
{
	TestRows wanted;
	test_rows_init(&wanted, h->op->types, h->op->column_count);
	test_rows_parse(&wanted, text);
	test_rows_net(&wanted);
	test_rows_append(&h->out, &h->fresh);
	test_rows_net(&h->fresh);
	test_rows_compare(&h->fresh, &wanted, "output");
	h->fresh.count = 0;
	test_rows_release(&wanted);
}

/* ---- random changes against a naive recomputation ---- */

typedef struct TestRandom { uint64_t seed; } TestRandom;

static uint32_t test_random(TestRandom *random, uint32_t below)
{
	random->seed = random->seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((random->seed >> 33) % below);
}

/* A value of a small domain, so that keys meet; every eighth is NULL. Strings are literals. */
static Value test_random_value(TestRandom *random, Type type)
{
	static const char *const TEXTS[] = {"", "a", "b", "ab", "a longer text than fits inline", "a longer text than fits inlinf", "z"};
	Value value = {.type = type, .is_null = test_random(random, 8) == 0};
	if (value.is_null) return value;
	int n = (int)test_random(random, 7);
	switch (type_phys(type)) {
	case PHYS_I64: value.i64 = type.kind == TYPE_BOOLEAN ? n % 2 : type.kind == TYPE_TIMESTAMP ? n * SECOND : n - 2; break;
	case PHYS_F64: value.f64 = (n - 3) / 4.0; break;
	case PHYS_I128: value.i128 = (Int128)(n - 3) * 5; break;
	case PHYS_STR: value.str = str_borrow(TEXTS[n], strlen(TEXTS[n])); break;
	case PHYS_INTERVAL: value.interval = (Interval){.us = n * SECOND}; break;
	}
	return value;
}

typedef struct DifferentialInput {
	const char *types;
	bool append_only;
	bool has_arrival;
	/* With has_time: values of column time_column grow, out of order by up to disorder_us and now and then later (those are late); the watermark is the
	 * greatest so far less disorder_us. Each row's judge is the watermark before it (other inputs count as of the last commit; the lowest
	 * judges). Rows with a time before the watermark are not taken back. */
	bool has_time;
	int time_column;
	int64_t disorder_us;
} DifferentialInput;

typedef struct Differential {
	TestMake *make;
	DifferentialInput inputs[TEST_INPUTS_MAX]; int input_count;
	/* May be NULL: test_random_value for every column. Sets values of a new row, in which the time is there already. */
	void (*random_row)(TestRandom *random, int input, Value *values);
	/* The result over all input so far. inputs: logs of changes in order of arrival (test_rows_net a copy for the sum). watermarks: of each input
	 * at this commit. Adds rows to out. */
	void (*recompute)(const TestRows *inputs, const int64_t *watermarks, TestRows *out);
	int rows;                                 /* per run; 0: 400 */
	int rounds;                               /* seeds per batch size; 0: 4 */
} Differential;

typedef struct DifferentialRun {
	const Differential *d;
	Harness h;
	TestRandom random;
	int64_t time_max[TEST_INPUTS_MAX], committed[TEST_INPUTS_MAX];       /* watermarks as of the last commit */
	int pushed[TEST_INPUTS_MAX];              /* rows of the log that the operator has seen */
} DifferentialRun;

static int64_t run_watermark(const DifferentialRun *run, int input)
{
	return run->time_max[input] == INT64_MIN ? WATERMARK_NONE : run->time_max[input] - run->d->inputs[input].disorder_us;
}

static int64_t run_judge(const DifferentialRun *run, int input)
{
	int64_t judge = INT64_MAX;
	for (int i = 0; i < run->d->input_count; i++) {
		if (!run->d->inputs[i].has_time) continue;
		int64_t watermark = i == input ? run_watermark(run, i) : run->committed[i];
		if (watermark < judge) judge = watermark;
	}
	return judge == INT64_MAX ? WATERMARK_NONE : judge;
}

static void run_random_time(DifferentialRun *run, int input, Value *value)
{
	const DifferentialInput *in = &run->d->inputs[input];
	*value = (Value){.type = TYPE(TIMESTAMP), .is_null = test_random(&run->random, 30) == 0};
	if (value->is_null) return;
	int64_t now = run->time_max[input] == INT64_MIN ? 0 : run->time_max[input];
	int64_t back = (int64_t)test_random(&run->random, (uint32_t)(in->disorder_us / SECOND) + 2) * SECOND;
	if (test_random(&run->random, 12) == 0) back += 5 * in->disorder_us;
	value->i64 = now - back + (int64_t)test_random(&run->random, 4) * SECOND;
}

static void run_add_row(DifferentialRun *run, int input)
{
	const DifferentialInput *in = &run->d->inputs[input];
	TestRows *rows = &run->h.inputs[input];
	Value values[TEST_COLUMNS_MAX];
	for (int c = 0; c < rows->column_count; c++) values[c] = test_random_value(&run->random, rows->types[c]);
	if (in->has_time) run_random_time(run, input, &values[in->time_column]);
	if (run->d->random_row) run->d->random_row(&run->random, input, values);
	TestRow *row = test_rows_add(rows, values, 1 + (test_random(&run->random, 10) == 0));
	row->judge = run_judge(run, input);
	row->arrival = (Int128)++run->h.position;
	if (!in->has_time || values[in->time_column].is_null) return;
	if (values[in->time_column].i64 > run->time_max[input]) run->time_max[input] = values[in->time_column].i64;
}

/* Takes back one copy of a row that is there; false: found none in a few tries. */
static bool run_remove_row(DifferentialRun *run, int input)
{
	TestRows *rows = &run->h.inputs[input];
	const DifferentialInput *in = &run->d->inputs[input];
	for (int tries = 0; tries < 5 && rows->count; tries++) {
		TestRow row = rows->at[test_random(&run->random, (uint32_t)rows->count)];
		if (in->has_time && !row.values[in->time_column].is_null && row.values[in->time_column].i64 < run_watermark(run, input)) continue;
		int64_t copies = 0;
		for (int i = 0; i < rows->count; i++)
			if (test_row_compare(&row, &rows->at[i]) == 0) copies += rows->at[i].weight;
		if (copies <= 0) continue;
		TestRow *removal = test_rows_add(rows, row.values, -1);
		removal->judge = run_judge(run, input);
		removal->arrival = row.arrival;
		return true;
	}
	return false;
}

static void run_push_pending(DifferentialRun *run)
{
	for (int i = 0; i < run->d->input_count; i++) {
		if (run->pushed[i] < run->h.inputs[i].count) harness_push_rows(&run->h, i, run->pushed[i], run->h.inputs[i].count);
		run->pushed[i] = run->h.inputs[i].count;
	}
}

static void run_compare(DifferentialRun *run)
{
	Harness *h = &run->h;
	TestRows wanted;
	test_rows_init(&wanted, h->op->types, h->op->column_count);
	run->d->recompute(h->inputs, run->committed, &wanted);
	test_rows_net(&wanted);
	test_rows_append(&h->out, &h->fresh);
	h->fresh.count = 0;
	test_rows_net(&h->out);
	char where[100];
	snprintf(where, sizeof where, "batches of %d, commit %d", h->batch_rows, (int)h->commit.commit);
	test_rows_compare(&h->out, &wanted, where);
	if (h->op->append_only) assert_true(h->only_added);
	for (int i = 0; i <= h->op->inner_count; i++)
		if (harness_state(h, i)) state_check(harness_state(h, i));
	test_rows_release(&wanted);
}

static void run_commit(DifferentialRun *run)
{
	run_push_pending(run);
	for (int i = 0; i < run->d->input_count; i++) {
		if (!run->d->inputs[i].has_time) continue;
		run->committed[i] = run_watermark(run, i);
		harness_watermark(&run->h, i, 0, run->committed[i]);
	}
	run->h.commit.system_us += SECOND;
	harness_commit(&run->h);
	run_compare(run);
	if (test_random(&run->random, 6) == 0) harness_restart(&run->h);
}

static void run_once(const Differential *d, int batch_rows, uint64_t seed)
{
	static DifferentialRun run;
	run = (DifferentialRun){.d = d, .random = {seed}};
	const char *types[TEST_INPUTS_MAX + 1] = {0};
	for (int i = 0; i < d->input_count; i++) {
		types[i] = d->inputs[i].types;
		run.time_max[i] = run.committed[i] = INT64_MIN;
	}
	harness_open(&run.h, d->make, types[0], types[1], types[2], types[3], NULL);
	for (int i = 0; i < d->input_count; i++) run.h.has_arrival[i] = d->inputs[i].has_arrival;
	run.h.batch_rows = batch_rows;
	run.h.shuffle = seed % 2;
	int rows = d->rows ? d->rows : 400;
	for (int n = 0; n < rows; n++) {
		int input = (int)test_random(&run.random, (uint32_t)d->input_count);
		if (d->inputs[input].append_only || test_random(&run.random, 5) < 3 || !run_remove_row(&run, input)) run_add_row(&run, input);
		if (d->input_count > 1 && test_random(&run.random, 4) == 0) run_push_pending(&run);         /* else one input's rows would all come first */
		if (test_random(&run.random, 25) == 0) run_commit(&run);
	}
	run_commit(&run);
	harness_close(&run.h);
}

static void differential_run(const Differential *d)
{
	static const int BATCH_ROWS[] = {1, 7, 1024};
	for (int b = 0; b < 3; b++)
		for (int round = 0; round < (d->rounds ? d->rounds : 4); round++) run_once(d, BATCH_ROWS[b], (uint64_t)(round + 1) * 7919);
}

#endif
