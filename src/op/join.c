/* Joins of all kinds: equality keys find partners, the rest of the condition tests them.
 *
 * Every row of a side that a later row of the other can meet is remembered once, with its number of copies; inner pairs go out as soon as both rows
 * are there (a change of one side times the other side as it is: DBSP's bilinear rule). What a row gives without a partner (outer, anti) or because
 * it has one (semi) follows from the number of copies that it meets: by key where there is nothing but keys, else counted row by row; each change
 * of that number emits the difference, so all kinds take retractions of both sides.
 *
 * Interval and window joins forget: a row goes when the lowest watermark of both sides has passed the last instant at which it could be met, for that
 * is what judges the rows to come. With emit_on_close its outer or anti row comes out then, and not before.
 */
#include "op/join.h"

#include <assert.h>
#include <stddef.h>

int64_t join_alone(const Join *join, int side, int64_t weight, int64_t matches)
{
	if (!join->sides[side].preserved) return 0;
	bool met = matches > 0;
	return met == (join->kind == JOIN_SEMI) ? weight : 0;
}

static void set_nulls(const Join *join, int side, Batch *batch, int first_column, int row)
{
	for (int c = 0; c < join->sides[side].in.column_count; c++) join_set_null(batch, first_column + c, row);
}

void join_emit_alone(Join *join, Emitter *emitter, int side, const JoinReader *reader, const char *packed, int64_t weight, int64_t judge)
{
	if (weight == 0) return;
	const JoinSide *own = &join->sides[side];
	int left_count = join->sides[LEFT].in.column_count, first = side == LEFT ? 0 : left_count;
	int row = emitter_row(emitter, weight, judge);
	Batch *batch = emitter->builder.batch;
	if (own->column_count < own->in.column_count) set_nulls(join, side, batch, first, row);
	join_rows_unpack(reader, packed, batch, row);
	if (join_gives_pairs(join)) set_nulls(join, other(side), batch, left_count - first, row);
}

/* With emit_on_close the row comes out alone now if it has met nothing, and not before. */
static void settle(Join *join, int side, const JoinRow *row, Emitter *emitter)
{
	const JoinRows *rows = &join->sides[side].owned;
	if (!join->emit_on_close || join->kind == JOIN_SEMI) return;
	int64_t copies = join_alone(join, side, join_row_weight(rows, row), join_row_matches(rows, row));
	JoinReader reader = join_reader(join, side);
	join_emit_alone(join, emitter, side, &reader, join_row_packed(rows, row), copies, join_row_judge(rows, row));
}

static void end_intervals(Join *join, int side, Emitter *emitter)
{
	for (JoinRow *row; (row = join_row_next_expired(join, side)); ) {
		JoinKey *key = state_map_by_number(join->keys, *join_field_32(row, join->sides[side].owned.at.key));
		settle(join, side, row, emitter);
		join_row_remove(join, side, row);
		if (join_key_is_empty(join, key)) state_map_remove(join->keys, key);
	}
}

static void end_windows(Join *join, int side, Emitter *emitter)
{
	const JoinRows *rows = &join->sides[side].owned;
	for (JoinKey *key; (key = join_key_next_expired(join, side)); ) {
		for (JoinRow *row = join_rows_first(rows, key); row; row = join_row_at(rows, row->next)) settle(join, side, row, emitter);
		join_key_end(join, side, key);
		if (join_key_is_empty(join, key)) state_map_remove(join->keys, key);
	}
}

static bool join_commit(Op *op, const CommitInfo *commit, Error *err)
{
	(void)commit;
	Join *join = (Join *)op;
	Emitter emitter;
	emitter_init(&emitter, op, join->has_judge, err);
	for (int side = LEFT; side <= RIGHT; side++)
		if (join->window) end_windows(join, side, &emitter);
		else end_intervals(join, side, &emitter);
	return emitter_finish(&emitter);
}

static void join_release(Op *op)
{
	Join *join = (Join *)op;
	for (int side = LEFT; side <= RIGHT; side++) {
		exprs_release(&join->sides[side].keys);
		exprs_release(&join->sides[side].time);
	}
	if (join->residual) expr_program_release(join->residual);
}

static const OpClass JOIN = {.name = "join", .layout = 2, .push = join_push, .commit = join_commit, .release = join_release};

/* ---- making ---- */

static bool is_preserved(JoinKind kind, int side)
{
	if (side == RIGHT) return kind == JOIN_RIGHT || kind == JOIN_FULL;
	return kind != JOIN_INNER && kind != JOIN_RIGHT;
}

static void make_side(Join *join, const JoinSpec *spec, int side)
{
	JoinSide *own = &join->sides[side];
	const OpInput *in = side == LEFT ? &spec->left : &spec->right;
	Arena *arena = &join->op.arena;
	own->in = *in;
	own->in.types = join->pair_types + (side == LEFT ? 0 : spec->left.column_count);
	own->owned.blobs = in->append_only;
	own->rows = &own->owned;
	own->preserved = is_preserved(spec->kind, side);
	own->watermark = -1;
	exprs_compile(&own->keys, arena, side == LEFT ? spec->left_keys : spec->right_keys, spec->key_count, in);
	if (spec->interval) {
		Expr *times[] = {side == LEFT ? spec->interval->left_time : spec->interval->right_time, side == LEFT ? spec->interval->left_end : spec->interval->right_end};
		own->has_end = times[1] != NULL;
		exprs_compile(&own->time, arena, times, own->has_end ? 2 : 1, in);
		own->watermark = side == LEFT ? spec->interval->left_watermark : spec->interval->right_watermark;
	}
	else if (spec->close_key >= 0) own->watermark = side == LEFT ? spec->left_close_watermark : spec->right_close_watermark;
	if (own->watermark >= 0) own->column = in->watermarks[own->watermark];
	own->kept = join_gives_pairs(join) || side == LEFT || join->by_row;
}

static void mark_read(const Expr *e, const OpInput *in, bool *read)
{
	for (int c = 0; e->kind == EXPR_COLUMN && c < in->column_count; c++) read[c] |= in->layout[c] == e->column;
	for (int i = 0; i < e->arg_count; i++) mark_read(e->args[i], in, read);
}

/* Rows that may be taken back differ by their time, too: it is remembered with them, read or not. */
static void choose_columns(Join *join, const JoinSpec *spec, int side)
{
	JoinSide *own = &join->sides[side];
	Arena *arena = &join->op.arena;
	const bool *reads = spec->reads ? spec->reads + (side == LEFT ? 0 : spec->left.column_count) : NULL;
	bool *read = arena_array(arena, bool, own->in.column_count + 1);
	for (int c = 0; c < own->in.column_count; c++) read[c] = !reads || reads[c];
	if (spec->residual) mark_read(spec->residual, &own->in, read);
	if (spec->interval && !own->owned.blobs) {
		mark_read(side == LEFT ? spec->interval->left_time : spec->interval->right_time, &own->in, read);
		if (own->has_end) mark_read(side == LEFT ? spec->interval->left_end : spec->interval->right_end, &own->in, read);
	}
	join_rows_choose_columns(&own->owned, arena, &own->in, read);
	own->columns = own->owned.columns;
	own->column_count = own->owned.column_count;
	own->places = own->owned.columns;
	own->packed = own->owned;                             /* texts are copied: it does not stay */
}

static void borrow(Join *join, int side, Op *index, const int *from)
{
	JoinSide *own = &join->sides[side];
	assert(!join->interval && !join->window && !join->has_judge && own->kept && !(join->by_row && own->preserved));
	own->index = index;
	index_reader_init(&own->borrowed, &join->op.arena, index, from, &own->in, own->columns, own->column_count);
}

/* Rows that stay for good and meet no condition that would have to be counted are nothing but a list. */
static void choose_fields(Join *join, int side)
{
	const JoinSide *own = &join->sides[side];
	bool blobs = own->owned.blobs, removed = !blobs || (own->ends && join->interval), counted = join->by_row && own->preserved;
	JoinFields *at = &join->sides[side].owned.at;
	at->bytes = sizeof(JoinRow);
	at->previous = join_field_add(at, removed, 4);
	at->key = join_field_add(at, removed, 4);
	at->name = join_field_add(at, blobs && (removed || counted), 4);
	at->next_ending = join_field_add(at, blobs && own->ends && join->interval, 4);
	at->weight = join_field_add(at, !blobs, 8);
	at->matches = join_field_add(at, counted, 8);
	at->judge = join_field_add(at, join->has_judge, 8);
	at->time = join_field_add(at, join->interval, 8);
	at->end = join_field_add(at, own->has_end, 8);
	join->sides[side].owned.stays = blobs && !own->ends;
}

/* The parts in a fixed order: keys, then rows and expiry of each side. */
static void open_state(Join *join)
{
	State *state = join->op.state = state_new("join");
	for (int side = LEFT; side <= RIGHT; side++) {
		join->sides[side].ends = (join->interval || join->window) && join->sides[other(side)].watermark >= 0;
		if (join->sides[side].ends) state_forgets(state);
	}
	join->keys = state_map_open(state, join->window ? offsetof(JoinKey, weight[1]) : join->counts ? sizeof(JoinKey) : offsetof(JoinKey, weight));
	for (int side = LEFT; side <= RIGHT; side++) {
		JoinSide *own = &join->sides[side];
		choose_fields(join, side);
		own->owned.state = state;
		own->owned.keys = join->keys;
		own->owned.head = (uint8_t)(side == LEFT ? offsetof(JoinKey, first[LEFT]) : offsetof(JoinKey, first[RIGHT]));
		own->owned.map = state_map_open(state, own->owned.at.bytes);
		StateTree *expiry = state_tree_open(state, sizeof(uint32_t));
		if (own->ends) own->expiry = expiry;
	}
}

Op *op_join_new(const JoinSpec *spec)
{
	assert(!spec->null_aware_anti);               /* NOT IN is an anti join whose condition is (x = y) IS NOT FALSE */
	bool semi = spec->kind == JOIN_SEMI || spec->kind == JOIN_ANTI;
	int left_count = spec->left.column_count, all = left_count + spec->right.column_count;
	Type *types = mem_alloc(sizeof *types * (size_t)(all + 1));
	/* a side of which nothing is read has no columns and no types */
	if (left_count) memcpy(types, spec->left.types, sizeof *types * (size_t)left_count);
	if (spec->right.column_count) memcpy(types + left_count, spec->right.types, sizeof *types * (size_t)spec->right.column_count);
	Join *join = op_new(&JOIN, sizeof *join, "join", types, semi ? left_count : all, 2);
	Arena *arena = &join->op.arena;
	op_input_init(&join->op, LEFT, spec->left.watermarks, spec->left.watermark_count);
	op_input_init(&join->op, RIGHT, spec->right.watermarks, spec->right.watermark_count);
	join->pair_types = arena_copy(arena, types, sizeof *types * (size_t)(all + 1));
	free(types);
	join->kind = spec->kind;
	join->interval = spec->interval != NULL;
	join->window = spec->close_key >= 0;
	join->close_key = spec->close_key;
	join->by_row = spec->residual || join->interval || join->window;
	join->emit_on_close = spec->emit_on_close;
	join->has_judge = spec->left.has_judge || spec->right.has_judge;
	if (spec->interval) {
		join->lower_us = spec->interval->lower_us;
		join->upper_us = spec->interval->upper_us;
	}
	join->null_equal = arena_array(arena, bool, spec->key_count + 1);
	for (int k = 0; spec->null_equal && k < spec->key_count; k++) join->null_equal[k] = spec->null_equal[k];
	make_side(join, spec, LEFT);
	make_side(join, spec, RIGHT);
	choose_columns(join, spec, LEFT);
	choose_columns(join, spec, RIGHT);
	for (int side = LEFT; side <= RIGHT; side++) {
		join->sides[side].counted = !join->by_row && join->sides[other(side)].preserved;
		join->counts |= join->sides[side].counted;
	}
	if (spec->left_index) borrow(join, LEFT, spec->left_index, spec->left_from);
	if (spec->right_index) borrow(join, RIGHT, spec->right_index, spec->right_from);
	if (spec->residual) {
		ColumnId *layout = arena_array(arena, ColumnId, all + 1);
		memcpy(layout, spec->left.layout, sizeof *layout * (size_t)left_count);
		memcpy(layout + left_count, spec->right.layout, sizeof *layout * (size_t)spec->right.column_count);
		join->residual = expr_compile(arena, spec->residual, layout, all);
	}
	open_state(join);
	bool settled = spec->kind == JOIN_INNER || spec->kind == JOIN_SEMI || spec->emit_on_close;
	join->op.append_only = settled && spec->left.append_only && spec->right.append_only;
	return &join->op;
}
