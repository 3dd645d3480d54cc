/* Moving: what depends on now(). Each row says itself at which moments that may change; between two of them the clock stands still for it. So a row is
 * looked at when it comes, and again at each of its moments: was it in, is it now, and with which values. Only rows that have moments to come are
 * kept, by the next one.
 *
 * Whatever is asked of the clock is asked of the row's last moment, or of the instant before its first one: that follows from the row and the moment
 * alone, so what was given out before can be made again, to be taken back.
 *
 * Key of the tree: next moment (8 bytes), arrival where rows have one, packed row. */
#include <endian.h>

#include "op/emitter.h"
#include "op/exprs.h"
#include "op/select.h"

enum { NEVER_US = INT64_MAX, LOOK_ROWS = 1024 };

typedef struct MovingRow {
	int64_t weight;
	int64_t judge;
	uint64_t arrival[2];
} MovingRow;

typedef struct Moving {
	Op op;
	int in_count;                     /* columns of the input; behind them the clock stands for expressions, and items in the output */
	Type *in_types;
	Exprs moments, items;
	ExprProgram *condition;           /* NULL: all rows are in */
	bool has_judge, has_arrival;
	StateTree *rows;
	StrBuf key;
} Moving;

/* ---- keys ---- */

static void moving_key(Moving *moving, int64_t at, Int128 arrival)
{
	uint64_t instant = htobe64((uint64_t)at ^ 1ull << 63);
	strbuf_clear(&moving->key);
	strbuf_add(&moving->key, &instant, 8);
	if (!moving->has_arrival) return;
	uint64_t words[2] = {htobe64((uint64_t)((unsigned __int128)arrival >> 64)), htobe64((uint64_t)arrival)};
	strbuf_add(&moving->key, words, sizeof words);
}

static size_t row_offset(const Moving *moving) { return 8 + (moving->has_arrival ? 16 : 0); }

static int64_t key_instant(const char *key)
{
	uint64_t instant;
	memcpy(&instant, key, 8);
	return (int64_t)(be64toh(instant) ^ 1ull << 63);
}

static Int128 row_arrival(const MovingRow *row) { return (Int128)((unsigned __int128)row->arrival[1] << 64 | row->arrival[0]); }

/* Adds row `row` of the batch to those that wait for `at`; nothing is kept where nothing is left. */
static void moving_keep(Moving *moving, const Batch *dense, int row, int64_t at)
{
	Int128 arrival = moving->has_arrival ? dense->hidden.arrival[row] : 0;
	int64_t weight = dense->weights ? dense->weights[row] : 1, judge = dense->hidden.judge ? dense->hidden.judge[row] : WATERMARK_NONE;
	bool added;
	moving_key(moving, at, arrival);
	row_pack(&moving->key, dense->columns, moving->in_count, row);
	MovingRow *kept = state_tree_upsert(moving->rows, moving->key.text, (uint32_t)moving->key.bytes, &added);
	if (!added) {
		weight += kept->weight;
		if (kept->judge > judge) judge = kept->judge;
	}
	*kept = (MovingRow){weight, judge, {(uint64_t)arrival, (uint64_t)((unsigned __int128)arrival >> 64)}};
	if (weight == 0) state_tree_remove(moving->rows, moving->key.text, (uint32_t)moving->key.bytes);
}

/* ---- a look at rows ---- */

typedef struct Look {
	Batch *batch;                     /* the rows, and what the clock is to each */
	uint32_t *sel; int count;         /* those that are in */
	Column *items;
} Look;

/* What the clock is to a row when it is `now`; next (may be NULL): the first moment after now. */
static int64_t row_clock(const Column *times, int count, int row, int64_t now, int64_t *next)
{
	int64_t last = INT64_MIN, first = NEVER_US, after = NEVER_US;
	for (int i = 0; i < count; i++) {
		if (column_is_null(&times[i], row)) continue;
		int64_t at = times[i].i64[row];
		if (at <= now && at > last) last = at;
		if (at > now && at < after) after = at;
		if (at < first) first = at;
	}
	if (next) *next = after;
	if (last > INT64_MIN) return last;
	return first == NEVER_US ? 0 : first - (first > INT64_MIN);
}

static Look moving_look(Moving *moving, Batch *dense, int64_t *clock)
{
	Arena *scratch = &moving->op.scratch;
	Look look = {.batch = batch_derive(dense, moving->in_count + 1), .sel = arena_alloc(scratch, sizeof *look.sel * (size_t)(dense->count + 1))};
	if (moving->in_count) memcpy(look.batch->columns, dense->columns, sizeof *dense->columns * (size_t)moving->in_count);
	look.batch->columns[moving->in_count] = (Column){.type = TYPE(TIMESTAMP), .i64 = clock};
	if (moving->condition) look.count = expr_select(moving->condition, look.batch, scratch, look.sel);
	else
		for (; look.count < dense->count; look.count++) look.sel[look.count] = (uint32_t)look.count;
	look.items = exprs_eval(&moving->items, look.batch, scratch);
	return look;
}

/* Columns of the items live in scratch, but a batch may be held longer: they are copied. */
static void own_column(Batch *batch, Column *to, const Column *from)
{
	uint32_t *all = arena_alloc(&batch->arena, sizeof *all * (size_t)batch->rows);
	for (int i = 0; i < batch->rows; i++) all[i] = (uint32_t)i;
	*to = column_gather(&batch->arena, from, all, batch->rows);
	column_own_texts(&batch->arena, to, batch->rows);
}

/* Gives out the rows of the look that are in `sel`, or takes them back. */
static bool moving_emit(Moving *moving, Batch *dense, const Look *look, const uint32_t *sel, int count, int sign, Error *err)
{
	if (!count) return true;
	Batch *out = batch_derive(dense, moving->op.column_count);
	if (moving->in_count) memcpy(out->columns, dense->columns, sizeof *dense->columns * (size_t)moving->in_count);
	for (int i = 0; i < moving->items.count; i++) own_column(out, &out->columns[moving->in_count + i], &look->items[i]);
	if (sign < 0) {
		int64_t *weights = arena_alloc(&out->arena, sizeof *weights * (size_t)dense->rows);
		for (int i = 0; i < dense->rows; i++) weights[i] = dense->weights ? -dense->weights[i] : -1;
		out->weights = weights;
	}
	if (count < dense->rows) {
		out->sel = arena_copy(&out->arena, sel, sizeof *sel * (size_t)count);
		out->count = count;
	}
	return op_emit(&moving->op, out, err);
}

/* ---- time goes on ---- */

typedef struct Due { Batch *rows; int64_t *at; } Due;      /* rows whose moment has come, and when each was */

/* Takes the first rows that are due out of the tree; rows NULL: none is. */
static Due take_due(Moving *moving, int64_t now)
{
	Due due = {.at = arena_alloc(&moving->op.scratch, sizeof *due.at * LOOK_ROWS)};
	BatchBuilder builder;
	batch_builder_init(&builder, moving->in_types, moving->in_count, LOOK_ROWS);
	builder.want_judge = moving->has_judge;
	builder.want_arrival = moving->has_arrival;
	for (int count = 0; count < LOOK_ROWS; count++) {
		StateCursor cursor;
		uint32_t bytes;
		state_tree_first(moving->rows, &cursor);
		const char *key = cursor.valid ? state_cursor_key(&cursor, &bytes) : NULL;
		if (!key || key_instant(key) > now) break;
		const MovingRow *row = state_cursor_payload(&cursor);
		int at = batch_builder_row(&builder, row->weight);
		batch_builder_judge(&builder, at, row->judge);
		batch_builder_arrival(&builder, at, row_arrival(row));
		batch_builder_packed(&builder, at, 0, key + row_offset(moving), moving->in_count);
		due.at[at] = key_instant(key);
		state_cursor_remove(&cursor);
	}
	due.rows = batch_builder_take(&builder);
	batch_builder_release(&builder);
	return due;
}

/* Rows that are in both times with the same values stay as they are. */
static void drop_unchanged(Moving *moving, Look *before, Look *after)
{
	Arena *scratch = &moving->op.scratch;
	int rows = before->batch->rows, kept[2] = {0};
	bool *was = arena_array(scratch, bool, rows + 1), *same = arena_array(scratch, bool, rows + 1);
	PackedRows old = rows_pack_plain(before->items, moving->items.count, rows, scratch);
	PackedRows new = rows_pack_plain(after->items, moving->items.count, rows, scratch);
	for (int i = 0; i < before->count; i++) was[before->sel[i]] = true;
	for (int i = 0; i < after->count; i++) {
		uint32_t row = after->sel[i];
		same[row] = was[row] && old.bytes[row] == new.bytes[row] && memcmp(old.at[row], new.at[row], old.bytes[row]) == 0;
		if (!same[row]) after->sel[kept[1]++] = row;
	}
	for (int i = 0; i < before->count; i++)
		if (!same[before->sel[i]]) before->sel[kept[0]++] = before->sel[i];
	before->count = kept[0];
	after->count = kept[1];
}

static bool moving_turn(Moving *moving, const Due *due, int64_t now, Error *err)
{
	Arena *scratch = &moving->op.scratch;
	Batch *rows = due->rows;
	rows->system_us = now;
	const Column *times = exprs_eval(&moving->moments, rows, scratch);
	int64_t *clocks = arena_alloc(scratch, sizeof *clocks * 2 * (size_t)rows->count);
	for (int i = 0; i < rows->count; i++) {
		int64_t next;
		clocks[i] = row_clock(times, moving->moments.count, i, due->at[i] - 1, NULL);
		clocks[rows->count + i] = row_clock(times, moving->moments.count, i, now, &next);
		if (next != NEVER_US) moving_keep(moving, rows, i, next);
	}
	Look before = moving_look(moving, rows, clocks), after = moving_look(moving, rows, clocks + rows->count);
	drop_unchanged(moving, &before, &after);
	bool fine = moving_emit(moving, rows, &before, before.sel, before.count, -1, err) && moving_emit(moving, rows, &after, after.sel, after.count, 1, err);
	batch_unref(before.batch);
	batch_unref(after.batch);
	return fine;
}

static bool moving_advance(Moving *moving, int64_t now, Error *err)
{
	for (bool fine = true;;) {
		Due due = take_due(moving, now);
		if (!due.rows) return true;
		fine = moving_turn(moving, &due, now, err);
		batch_unref(due.rows);
		if (!fine) return false;
		arena_clear(&moving->op.scratch);
	}
}

/* ---- rows that come ---- */

static bool moving_push(Op *op, int input, Batch *in, Error *err)
{
	(void)input;
	Moving *moving = (Moving *)op;
	int64_t now = in->system_us;
	if (!moving_advance(moving, now, err)) return false;
	Batch *dense = batch_dense(in, NULL);
	const Column *times = exprs_eval(&moving->moments, dense, &op->scratch);
	int64_t *clock = arena_alloc(&op->scratch, sizeof *clock * (size_t)(dense->count + 1));
	for (int i = 0; i < dense->count; i++) {
		int64_t next;
		clock[i] = row_clock(times, moving->moments.count, i, now, &next);
		if (next != NEVER_US) moving_keep(moving, dense, i, next);
	}
	Look look = moving_look(moving, dense, clock);
	bool fine = moving_emit(moving, dense, &look, look.sel, look.count, 1, err);
	batch_unref(look.batch);
	batch_unref(dense);
	return fine;
}

static bool moving_commit(Op *op, const CommitInfo *commit, Error *err) { return moving_advance((Moving *)op, commit->system_us, err); }

static int64_t moving_next_time(Op *op)
{
	StateCursor cursor;
	uint32_t bytes;
	state_tree_first(((Moving *)op)->rows, &cursor);
	return cursor.valid ? key_instant(state_cursor_key(&cursor, &bytes)) : NEVER_US;
}

static void moving_release(Op *op)
{
	Moving *moving = (Moving *)op;
	exprs_release(&moving->moments);
	exprs_release(&moving->items);
	if (moving->condition) expr_program_release(moving->condition);
	strbuf_release(&moving->key);
}

static const OpClass MOVING = {
	.name = "moving", .layout = 1, .push = moving_push, .commit = moving_commit, .release = moving_release, .next_time = moving_next_time,
};

/* The input's columns, and the clock behind them */
static OpInput with_clock(Arena *arena, const OpInput *in, ColumnId clock)
{
	OpInput out = *in;
	ColumnId *layout = arena_array(arena, ColumnId, in->column_count + 1);
	for (int c = 0; c < in->column_count; c++) layout[c] = in->layout[c];
	layout[in->column_count] = clock;
	out.layout = layout;
	out.column_count++;
	return out;
}

Op *op_moving_new(const MovingSpec *spec)
{
	const OpInput *in = &spec->in;
	int count = in->column_count + spec->item_count;
	Type *types = mem_alloc(sizeof *types * (size_t)(count + 1));
	for (int c = 0; c < count; c++) types[c] = c < in->column_count ? in->types[c] : spec->items[c - in->column_count]->type;
	Moving *moving = op_new(&MOVING, sizeof *moving, "moving", types, count, 1);
	free(types);
	Op *op = &moving->op;
	op_input_init(op, 0, in->watermarks, in->watermark_count);
	op->append_only = in->append_only && spec->enters_only;
	OpInput wide = with_clock(&op->arena, in, spec->clock);
	moving->in_count = in->column_count;
	moving->in_types = arena_copy(&op->arena, in->types, sizeof *in->types * (size_t)(in->column_count + 1));
	exprs_compile(&moving->moments, &op->arena, spec->moments, spec->moment_count, in);
	exprs_compile(&moving->items, &op->arena, spec->items, spec->item_count, &wide);
	if (spec->condition) moving->condition = expr_compile(&op->arena, spec->condition, wide.layout, wide.column_count);
	moving->has_judge = in->has_judge;
	moving->has_arrival = in->has_arrival;
	moving->key = STRBUF_INIT;
	op->state = state_new("moving");
	state_forgets(op->state);
	moving->rows = state_tree_open(op->state, sizeof(MovingRow));
	return op;
}
