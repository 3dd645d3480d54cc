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

int64_t join_alone(const Join *join, int side, int64_t weight, int64_t matches)
{
	if (!join->sides[side].preserved) return 0;
	bool met = matches > 0;
	return met == (join->kind == JOIN_SEMI) ? weight : 0;
}

void join_emit_alone(Join *join, Emitter *emitter, int side, const char *packed, int64_t weight, int64_t judge)
{
	if (weight == 0) return;
	int left_count = join->sides[LEFT].in.column_count, right_count = join->sides[RIGHT].in.column_count;
	int row = emitter_row(emitter, weight, judge);
	emitter_packed(emitter, row, side == LEFT ? 0 : left_count, packed, join->sides[side].in.column_count);
	if (!join_gives_pairs(join)) return;
	int first = side == LEFT ? left_count : 0, end = side == LEFT ? left_count + right_count : left_count;
	for (int c = first; c < end; c++) {
		Value null = {.type = join->pair_types[c], .is_null = true};
		emitter_set(emitter, row, c, &null);
	}
}

static bool join_commit(Op *op, const CommitInfo *commit, Error *err)
{
	(void)commit;
	Join *join = (Join *)op;
	Emitter emitter;
	emitter_init(&emitter, op, join->has_judge, err);
	for (int side = LEFT; side <= RIGHT; side++)
		for (JoinRow *row; (row = join_row_next_expired(join, side)); ) {
			JoinKey *key = state_map_by_number(join->keys, row->key);
			if (join->emit_on_close && join->kind != JOIN_SEMI)
				join_emit_alone(join, &emitter, side, join_row_packed(join, side, row), join_alone(join, side, row->weight, row->matches), row->judge);
			join_row_remove(join, side, row);
			if (join_key_is_empty(key)) state_map_remove(join->keys, key);
		}
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

static const OpClass JOIN = {.name = "join", .push = join_push, .commit = join_commit, .release = join_release};

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
	own->blobs = in->append_only;
	own->preserved = is_preserved(spec->kind, side);
	own->watermark = -1;
	exprs_compile(&own->keys, arena, side == LEFT ? spec->left_keys : spec->right_keys, spec->key_count, in);
	if (spec->interval) {
		Expr *time = side == LEFT ? spec->interval->left_time : spec->interval->right_time;
		exprs_compile(&own->time, arena, &time, 1, in);
		own->watermark = side == LEFT ? spec->interval->left_watermark : spec->interval->right_watermark;
	}
	else if (spec->close_key >= 0) own->watermark = side == LEFT ? spec->left_close_watermark : spec->right_close_watermark;
	if (own->watermark >= 0) own->column = in->watermarks[own->watermark];
	own->kept = join_gives_pairs(join) || side == LEFT || join->by_row;
}

/* The parts in a fixed order: keys, then rows and expiry of each side. */
static void open_state(Join *join)
{
	join->op.state = state_new("join");
	join->keys = state_map_open(join->op.state, sizeof(JoinKey));
	for (int side = LEFT; side <= RIGHT; side++) {
		join->sides[side].rows = state_map_open(join->op.state, sizeof(JoinRow));
		StateTree *expiry = state_tree_open(join->op.state, sizeof(uint32_t));
		if ((join->interval || join->window) && join->sides[other(side)].watermark >= 0) join->sides[side].expiry = expiry;
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
