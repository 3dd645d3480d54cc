/* Index: one input's rows by key, kept once for all joins that read them by it (McSherry et al., "Shared Arrangements", VLDB 2020).
 *
 * It hands its input on as it is. Joins that read it keep no rows of that side: what they are given they join with their other side, and what comes
 * on the other side they join with what stands here. So that each pair is made once, a join must never have been given more than stands here,
 * nor less, when something comes on its other side. A batch is therefore handed on first and added afterwards: where it comes to a join's other
 * side, too, by whatever way, it meets the rows before the batch there, and those of the batch when the join is given it. That asks for readers in
 * topological order: who leads to a join's other side has the batch before that join has it from here. Operators are made after those that they read, and
 * edges are in the order of making (run/graph.c keeps them so); of a join whose sides both read one index only the second may borrow.
 */
#include "op/exprs.h"
#include "op/join_rows.h"
#include "op/select.h"

typedef struct IndexKey { uint32_t first; } IndexKey;

typedef struct Index {
	Op op;
	Exprs keys;
	bool *null_equal;
	JoinRows rows;
} Index;

const JoinRows *index_rows(Op *index) { return &((const Index *)op_serving(index))->rows; }

static void add_row(Index *index, IndexKey *key, const JoinNewRow *row, int64_t weight)
{
	int64_t most = index->rows.blobs ? JOIN_BLOB_COPIES_MAX : INT64_MAX;
	JoinNewRow portion = *row;
	for (; weight; weight -= portion.weight) {
		bool added;
		portion.weight = weight > most ? most : weight;
		JoinRow *there = join_rows_add(&index->rows, key, &portion, &added);
		if (join_row_weight(&index->rows, there) == 0) join_rows_remove(&index->rows, there);
	}
}

/* Rows of one key share the pointer, so each is found anew before it is removed. */
static void drop_empty_keys(Index *index, const PackedRows *packed, IndexKey *const *keys, int count)
{
	bool any = false;
	for (int i = 0; i < count; i++) any |= keys[i] && !keys[i]->first;
	for (int i = 0; any && i < count; i++) {
		IndexKey *key = keys[i] ? state_map_find(index->rows.keys, packed->at[i], packed->bytes[i], packed->hashes[i]) : NULL;
		if (key && !key->first) state_map_remove(index->rows.keys, key);
	}
}

static void fetch_rows(const JoinRows *rows, const PackedRows *packed, const uint32_t *wanted, int count)
{
	uint64_t hashes[JOIN_FETCH_MAX];
	if (rows->blobs) return;
	if (count > JOIN_FETCH_MAX) count = JOIN_FETCH_MAX;
	for (int w = 0; w < count; w++) hashes[w] = packed->hashes[wanted[w]];
	join_rows_fetch(rows, hashes, count);
}

static void add_rows(Index *index, const Batch *dense)
{
	Arena *scratch = &index->op.scratch;
	int count = dense->count, wanted_count = 0;
	const Column *columns = exprs_eval(&index->keys, dense, scratch);
	PackedRows packed = rows_pack(columns, index->keys.count, count, scratch), rows = join_rows_pack(&index->rows, dense, scratch);
	uint32_t *wanted = arena_array(scratch, uint32_t, count + 1);
	void **found = arena_array(scratch, void *, count + 1);
	IndexKey **keys = arena_array(scratch, IndexKey *, count + 1);
	for (int i = 0; i < count; i++) {
		if (join_key_is_null(columns, index->keys.count, index->null_equal, i)) continue;
		packed.at[wanted_count] = packed.at[i];
		packed.bytes[wanted_count] = packed.bytes[i];
		packed.hashes[wanted_count] = packed.hashes[i];
		wanted[wanted_count++] = (uint32_t)i;
	}
	state_map_reach_many(index->rows.keys, packed.at, packed.bytes, packed.hashes, wanted_count, found, NULL);
	for (int w = 0; w < wanted_count; w++) {
		keys[w] = found[w];
		join_rows_name(&index->rows, keys[w], &rows, (int)wanted[w], scratch);
	}
	for (int w = 0; w < wanted_count; w++) {
		uint32_t i = wanted[w];
		if (w % JOIN_FETCH_MAX == 0) fetch_rows(&index->rows, &rows, wanted + w, wanted_count - w);
		JoinNewRow row = {.packed = rows.at[i], .bytes = rows.bytes[i], .hash = rows.hashes ? rows.hashes[i] : 0};
		add_row(index, keys[w], &row, dense->weights ? dense->weights[i] : 1);
	}
	drop_empty_keys(index, &packed, keys, wanted_count);
}

static bool index_push(Op *op, int input, Batch *in, Error *err)
{
	(void)input;
	Batch *dense = batch_dense(in, NULL);
	bool ok = op_emit(op, batch_ref(dense), err);
	if (ok) add_rows((Index *)op, dense);
	batch_unref(dense);
	return ok;
}

static void index_release(Op *op)
{
	exprs_release(&((Index *)op)->keys);
}

static const OpClass INDEX = {.name = "index", .push = index_push, .release = index_release};

/* The parts in a fixed order: keys, then rows. */
static void open_state(Index *index)
{
	JoinRows *rows = &index->rows;
	State *state = index->op.state = rows->state = state_new("index");
	rows->at.bytes = sizeof(JoinRow);
	rows->at.previous = join_field_add(&rows->at, !rows->blobs, 4);
	rows->at.key = join_field_add(&rows->at, !rows->blobs, 4);
	rows->at.weight = join_field_add(&rows->at, !rows->blobs, 8);
	rows->keys = state_map_open(state, sizeof(IndexKey));
	rows->map = state_map_open(state, rows->at.bytes);
}

Op *op_index_new(const IndexSpec *spec)
{
	Index *index = op_new(&INDEX, sizeof *index, "index", spec->in.types, spec->in.column_count, 1);
	Arena *arena = &index->op.arena;
	op_input_init(&index->op, 0, spec->in.watermarks, spec->in.watermark_count);
	exprs_compile(&index->keys, arena, spec->keys, spec->key_count, &spec->in);
	index->null_equal = arena_array(arena, bool, spec->key_count + 1);
	for (int k = 0; spec->null_equal && k < spec->key_count; k++) index->null_equal[k] = spec->null_equal[k];
	index->rows.blobs = index->rows.stays = spec->in.append_only;
	join_rows_choose_columns(&index->rows, arena, &spec->in, spec->reads);
	open_state(index);
	index->op.append_only = spec->in.append_only;
	return &index->op;
}
