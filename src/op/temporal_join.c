/* Temporal joins: each left row meets at most one right row, chosen by time.
 *
 *   PROCTIME     the present row at the moment the left row comes; the left row keeps it, so changes of the right side give nothing.
 *   EVENT_TIME   the version that is valid at the left row's time: versions by time per key; a late one changes left rows that are still held.
 *   ASOF         the right row with the nearest time; both sides may change.
 *
 * The last two note in push which left rows a change can reach (all between two neighbouring right rows), and at commit look these up anew and tell
 * the difference to what they were given. Rejected: remembering at each right row which left rows it serves, which a late version in
 * between would have to split.
 */
#include "op/temporal.h"

#include <assert.h>

/* ---- pairs ---- */

static void test_portion(Temporal *temporal, TemporalPair *pairs, int count)
{
	int left_count = temporal->left.in.column_count, all = left_count + temporal->right.in.column_count;
	Emitter builder = {.op = &temporal->op, .fine = true};
	batch_builder_init(&builder.builder, temporal->op.types, all, BATCH_ROWS_MAX);
	for (int p = 0; p < count; p++) {
		int row = emitter_row(&builder, 1, WATERMARK_NONE);
		emitter_packed(&builder, row, 0, pairs[p].left, left_count);
		emitter_packed(&builder, row, left_count, pairs[p].right, all - left_count);
		pairs[p].met = false;
	}
	Batch *batch = batch_builder_take(&builder.builder);
	batch_builder_release(&builder.builder);
	uint32_t *met = arena_alloc(&temporal->op.scratch, sizeof *met * (size_t)count);
	int met_count = expr_select(temporal->residual, batch, &temporal->op.scratch, met);
	for (int m = 0; m < met_count; m++) pairs[met[m]].met = true;
	batch_unref(batch);
}

void temporal_test(Temporal *temporal, TemporalPair *pairs, int count)
{
	for (int from = 0; temporal->residual && from < count; from += BATCH_ROWS_MAX)
		test_portion(temporal, pairs + from, count - from < BATCH_ROWS_MAX ? count - from : BATCH_ROWS_MAX);
	for (int p = 0; !temporal->residual && p < count; p++) pairs[p].met = true;
}

void temporal_emit(Temporal *temporal, Emitter *emitter, const char *left, const char *right, int64_t weight, int64_t judge)
{
	if (weight == 0) return;
	int left_count = temporal->left.in.column_count, all = temporal->op.column_count;
	int row = emitter_row(emitter, weight, judge);
	emitter_packed(emitter, row, 0, left, left_count);
	if (right) {
		emitter_packed(emitter, row, left_count, right, all - left_count);
		return;
	}
	for (int c = left_count; c < all; c++) {
		Value null = {.type = temporal->op.types[c], .is_null = true};
		emitter_set(emitter, row, c, &null);
	}
}

/* ---- keys and places ---- */

uint32_t temporal_key(Temporal *temporal, const TemporalRows *rows, int i)
{
	bool added;
	return state_map_number(temporal->keys, state_map_upsert(temporal->keys, rows->keys.at[i], rows->keys.bytes[i], rows->keys.hashes[i], &added));
}

bool temporal_key_find(const Temporal *temporal, const TemporalRows *rows, int i, uint32_t *number)
{
	const TemporalKey *key = state_map_find(temporal->keys, rows->keys.at[i], rows->keys.bytes[i], rows->keys.hashes[i]);
	if (key) *number = state_map_number(temporal->keys, key);
	return key != NULL;
}

void temporal_key_count(Temporal *temporal, uint32_t number, int64_t change)
{
	TemporalKey *key = state_map_by_number(temporal->keys, number);
	state_map_changed(temporal->keys, key);
	key->rows += change;
	if (key->rows == 0) state_map_remove(temporal->keys, key);
}

TemporalBytes temporal_place(Temporal *temporal, uint32_t key, const Column *time, int row)
{
	strbuf_clear(&temporal->place);
	for (int shift = 24; shift >= 0; shift -= 8) strbuf_addc(&temporal->place, (char)(key >> shift));
	if (time) sort_key_add_column(&temporal->place, time, row, (SortSpec){0});
	return (TemporalBytes){temporal->place.text, (uint32_t)temporal->place.bytes};
}

TemporalBytes temporal_place_at(Temporal *temporal, uint32_t key, int64_t time_us)
{
	Column time = {.type = TYPE(TIMESTAMP), .i64 = &time_us};
	return temporal_place(temporal, key, &time, 0);
}

int temporal_compare(TemporalBytes a, TemporalBytes b) { return memcmp(a.at, b.at, a.bytes < b.bytes ? a.bytes : b.bytes); }

/* ---- push and commit ---- */

TemporalRows temporal_rows(Temporal *temporal, TemporalSide *side, Batch *in)
{
	Arena *scratch = &temporal->op.scratch;
	TemporalRows rows = {.dense = batch_dense(in, NULL)};
	rows.count = rows.dense->count;
	rows.rows = rows_pack(rows.dense->columns, side->in.column_count, rows.count, scratch);
	rows.key_columns = exprs_eval(&side->keys, rows.dense, scratch);
	rows.keys = rows_pack(rows.key_columns, side->keys.count, rows.count, scratch);
	rows.time = side->time.count ? exprs_eval(&side->time, rows.dense, scratch) : NULL;
	rows.no_key = arena_array(scratch, bool, rows.count + 1);
	for (int i = 0; i < rows.count; i++) {
		rows.no_key[i] = rows.time && column_is_null(rows.time, i);
		for (int k = 0; k < side->keys.count; k++) rows.no_key[i] |= !temporal->null_equal[k] && column_is_null(&rows.key_columns[k], i);
	}
	return rows;
}

/* What other partitions bring is there for the rows of the next commit: which came first within one is a matter of threads. */
static void push_waiting(Temporal *temporal)
{
	for (int b = 0; b < temporal->waiting.count; b++) {
		arena_clear(&temporal->op.scratch);
		TemporalRows rows = temporal_rows(temporal, &temporal->right, temporal->waiting.at[b]);
		temporal_now_push_right(temporal, &rows);
		batch_unref(rows.dense);
		batch_unref(temporal->waiting.at[b]);
	}
	temporal->waiting.count = 0;
	temporal->op.rows_waiting = 0;
}

static bool temporal_push(Op *op, int input, Batch *in, Error *err)
{
	Temporal *temporal = (Temporal *)op;
	bool ok = true, now = temporal->kind == TEMPORAL_PROCTIME;
	if (input && now && op->defers) {
		vec_push(&temporal->waiting, batch_ref(in));
		op->rows_waiting += in->count;
		return true;
	}
	TemporalRows rows = temporal_rows(temporal, input ? &temporal->right : &temporal->left, in);
	if (input && now) temporal_now_push_right(temporal, &rows);
	else if (input) temporal_right_push(temporal, &rows);
	else if (now) ok = temporal_now_push_left(temporal, &rows, err);
	else ok = temporal_left_push(temporal, &rows, in, err);
	batch_unref(rows.dense);
	return ok;
}

static bool temporal_commit(Op *op, const CommitInfo *commit, Error *err)
{
	(void)commit;
	Temporal *temporal = (Temporal *)op;
	if (temporal->kind == TEMPORAL_PROCTIME) {
		push_waiting(temporal);
		return true;
	}
	temporal_right_commit(temporal);
	bool ok = temporal_left_commit(temporal, err);
	temporal_left_forget(temporal);
	temporal_right_forget(temporal);
	arena_clear(&temporal->notes);
	return ok;
}

static void temporal_release(Op *op)
{
	Temporal *temporal = (Temporal *)op;
	for (int s = 0; s < 2; s++) {
		TemporalSide *side = s ? &temporal->right : &temporal->left;
		exprs_release(&side->keys);
		exprs_release(&side->time);
	}
	if (temporal->residual) expr_program_release(temporal->residual);
	for (int b = 0; b < temporal->waiting.count; b++) batch_unref(temporal->waiting.at[b]);
	vec_release(&temporal->waiting);
	vec_release(&temporal->touched);
	vec_release(&temporal->emptied);
	arena_release(&temporal->notes);
	strbuf_release(&temporal->last.key);
	strbuf_release(&temporal->last.row);
	strbuf_release(&temporal->place);
}

static const OpClass TEMPORAL_JOIN = {.name = "temporal join", .push = temporal_push, .commit = temporal_commit, .release = temporal_release};

/* ---- making ---- */

static void make_side(Temporal *temporal, TemporalSide *side, const OpInput *in, Expr *const *keys, int key_count, Expr *time, int watermark)
{
	Arena *arena = &temporal->op.arena;
	side->in = *in;
	side->in.layout = NULL;
	side->in.types = NULL;
	exprs_compile(&side->keys, arena, keys, key_count, in);
	exprs_compile(&side->time, arena, &time, time ? 1 : 0, in);
	side->watermark = watermark;
	if (watermark >= 0) side->column = in->watermarks[watermark];
	side->in.watermarks = NULL;
}

static void compile_residual(Temporal *temporal, const TemporalJoinSpec *spec)
{
	int left_count = spec->left.column_count, all = temporal->op.column_count;
	Arena *arena = &temporal->op.arena;
	if (!spec->residual) return;
	ColumnId *layout = arena_array(arena, ColumnId, all + 1);
	memcpy(layout, spec->left.layout, sizeof *layout * (size_t)left_count);
	memcpy(layout + left_count, spec->right.layout, sizeof *layout * (size_t)(all - left_count));
	temporal->residual = expr_compile(arena, spec->residual, layout, all);
}

/* The parts in a fixed order, whatever the kind uses of them. */
static void open_state(Temporal *temporal)
{
	State *state = temporal->op.state = state_new("temporal join");
	temporal->keys = state_map_open(state, sizeof(TemporalKey));
	temporal->lefts = state_tree_open(state, sizeof(TemporalLeft));
	temporal->rights = state_tree_open(state, sizeof(TemporalRight));
	temporal->left_times = state_tree_open(state, 0);
	temporal->right_times = state_tree_open(state, 0);
	temporal_now_open(temporal);
}

Op *op_temporal_join_new(const TemporalJoinSpec *spec)
{
	int left_count = spec->left.column_count, all = left_count + spec->right.column_count;
	Type *types = mem_alloc(sizeof *types * (size_t)(all + 1));
	memcpy(types, spec->left.types, sizeof *types * (size_t)left_count);
	memcpy(types + left_count, spec->right.types, sizeof *types * (size_t)spec->right.column_count);
	Temporal *temporal = op_new(&TEMPORAL_JOIN, sizeof *temporal, "temporal join", types, all, 2);
	free(types);
	Op *op = &temporal->op;
	op_input_init(op, 0, spec->left.watermarks, spec->left.watermark_count);
	op_input_init(op, 1, spec->right.watermarks, spec->right.watermark_count);
	bool timed = spec->kind != TEMPORAL_PROCTIME;
	assert(!timed || (spec->left_time && spec->right_time));
	temporal->kind = spec->kind;
	temporal->left_outer = spec->left_outer;
	temporal->strict = spec->kind == TEMPORAL_ASOF && spec->asof_strict;
	temporal->forward = spec->kind == TEMPORAL_ASOF && spec->asof_forward;
	temporal->has_judge = spec->left.has_judge;
	temporal->closes = spec->kind == TEMPORAL_EVENT_TIME && spec->left_watermark >= 0 && spec->right_watermark >= 0;
	make_side(temporal, &temporal->left, &spec->left, spec->left_keys, spec->key_count, timed ? spec->left_time : NULL, spec->left_watermark);
	make_side(temporal, &temporal->right, &spec->right, spec->right_keys, spec->key_count, timed ? spec->right_time : NULL, spec->right_watermark);
	temporal->null_equal = arena_array(&op->arena, bool, spec->key_count + 1);
	for (int k = 0; spec->null_equal && k < spec->key_count; k++) temporal->null_equal[k] = spec->null_equal[k];
	compile_residual(temporal, spec);
	arena_init(&temporal->notes, 0);
	temporal->last.key = temporal->last.row = temporal->place = STRBUF_INIT;
	open_state(temporal);
	op->append_only = spec->kind == TEMPORAL_PROCTIME && spec->left.append_only;
	return op;
}
