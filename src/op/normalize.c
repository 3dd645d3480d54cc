/* Normalize: what records of a changelog do becomes changes of rows: the present row of each key is known, so a new one takes it back.
 *
 * With a key: an upsert or insert is -old +new (nothing where both are equal), a delete -old (nothing where there is none). Without: a multiset, a
 * delete takes back one equal row of its own partition (nothing where there is none), since only within a partition is there an order.
 *
 * Changes come out at once, so that each row of a key has been there for who keeps versions. Of records of one key in several partitions the later
 * commit wins, within a commit the higher partition, whichever was read first: to know that, keys that are gone stay until the commit ends. One
 * that was beaten so is still a version: it comes and goes between the one that beat it.
 */
#include "base/hash.h"
#include "op/emitter.h"
#include "op/select.h"
#include "op/specs.h"

typedef struct NormalRow {
	uint64_t commit;                  /* of its last change */
	uint32_t partition : 31;
	uint32_t noted : 1;               /* is in `gone` */
	StateHandle row;                  /* packed; 0: there is none */
} NormalRow;

typedef struct Normalize {
	Op op;
	StateMap *rows;                   /* key -> NormalRow, or row and partition -> count */
	const int *key; int key_count;
	bool versions;
	int time;                         /* with versions: the column of the event time */
	VEC(NormalRow *) gone;            /* of this commit */
} Normalize;

enum { PARTITION_BITS = 24 };

static uint64_t commit_of(Int128 arrival) { return (uint64_t)(arrival >> 88); }
static uint32_t partition_of(Int128 arrival) { return (uint32_t)(arrival >> 64) & ((1u << PARTITION_BITS) - 1); }

typedef struct Incoming { const char *row; uint32_t bytes; bool gone, replaced; Int128 arrival; int64_t time_us; } Incoming;

static int emit(Normalize *normalize, Emitter *emitter, const void *row, int64_t weight)
{
	int out = emitter_row(emitter, weight, WATERMARK_NONE);
	emitter_packed(emitter, out, 0, row, normalize->op.column_count);
	return out;
}

/* ---- with a key ---- */

static const char *present(const Normalize *normalize, const NormalRow *entry, uint32_t *bytes)
{
	*bytes = 0;
	return entry->row ? state_blob_at(normalize->op.state, entry->row, bytes) : NULL;
}

/* Another partition has said something else of the key in this commit, and it counts. */
static void emit_beaten(Normalize *normalize, Emitter *emitter, const Incoming *in, const char *row)
{
	if (!normalize->versions || in->gone) return;
	if (row) emit(normalize, emitter, row, -1);
	emit(normalize, emitter, in->row, 1);
	emit(normalize, emitter, in->row, -1);
	if (row) emit(normalize, emitter, row, 1);
}

/* A record's own event time says since when the row is gone, unless it is that of the row itself, which some repeat. */
static void emit_gone(Normalize *normalize, Emitter *emitter, const Incoming *in, const char *row)
{
	int out = emit(normalize, emitter, row, -1);
	if (!normalize->versions || in->replaced) return;
	const Column *times = &emitter->builder.batch->columns[normalize->time];
	bool own = in->time_us != WATERMARK_NONE && (column_is_null(times, out) || in->time_us > times->i64[out]);
	emitter_ends(emitter, out, own ? in->time_us : WATERMARK_END);
}

static void note_gone(Normalize *normalize, NormalRow *entry)
{
	if (entry->noted) return;
	entry->noted = 1;
	vec_push(&normalize->gone, entry);
}

static void change_key(Normalize *normalize, Emitter *emitter, NormalRow *entry, const Incoming *in)
{
	State *state = normalize->op.state;
	uint32_t bytes;
	const char *row = present(normalize, entry, &bytes);
	if (entry->commit == commit_of(in->arrival) && entry->partition > partition_of(in->arrival)) {
		emit_beaten(normalize, emitter, in, row);
		return;
	}
	entry->commit = commit_of(in->arrival);
	entry->partition = partition_of(in->arrival);
	if (row && !in->gone && bytes == in->bytes && memcmp(row, in->row, bytes) == 0) return;
	if (row) {
		if (in->gone) emit_gone(normalize, emitter, in, row);
		else emit(normalize, emitter, row, -1);
		state_blob_free(state, entry->row);
	}
	if (!in->gone) emit(normalize, emitter, in->row, 1);
	entry->row = in->gone ? 0 : state_blob_new(state, in->row, in->bytes);
	if (in->gone) note_gone(normalize, entry);
}

static Column *key_columns(const Normalize *normalize, const Batch *dense, Arena *scratch)
{
	Column *columns = arena_array(scratch, Column, normalize->key_count);
	for (int k = 0; k < normalize->key_count; k++) columns[k] = dense->columns[normalize->key[k]];
	return columns;
}

static bool key_is_null(const Column *columns, int count, int row)
{
	for (int k = 0; k < count; k++)
		if (column_is_null(&columns[k], row)) return true;
	return false;
}

/* ---- without ---- */

static void change_copies(Normalize *normalize, Emitter *emitter, StrBuf *key, const Incoming *in)
{
	bool added;
	uint32_t partition = partition_of(in->arrival);
	strbuf_clear(key);
	strbuf_add(key, in->row, in->bytes);
	strbuf_add(key, &partition, sizeof partition);
	int64_t *copies = state_map_upsert(normalize->rows, key->text, (uint32_t)key->bytes, hash_bytes(key->text, key->bytes), &added);
	if (!in->gone) emit(normalize, emitter, in->row, 1);
	else if (*copies > 0) emit_gone(normalize, emitter, in, in->row);
	*copies += !in->gone ? 1 : *copies > 0 ? -1 : 0;
	if (*copies == 0) state_map_remove(normalize->rows, copies);
}

/* ---- the operator ---- */

static bool normalize_push(Op *op, int input, Batch *in, Error *err)
{
	(void)input;
	Normalize *normalize = (Normalize *)op;
	Batch *dense = batch_dense(in, NULL);
	Emitter emitter;
	StrBuf copies = STRBUF_INIT;
	emitter_init(&emitter, op, false, err);
	Column *keys = key_columns(normalize, dense, &op->scratch);
	PackedRows rows = rows_pack(dense->columns, op->column_count, dense->count, &op->scratch), packed = {0};
	if (normalize->key_count) packed = rows_pack(keys, normalize->key_count, dense->count, &op->scratch);
	for (int i = 0; i < dense->count; i++) {
		RowOp done = dense->hidden.ops ? dense->hidden.ops[i] : ROW_INSERT;
		Incoming change = {.row = rows.at[i], .bytes = rows.bytes[i], .gone = done >= ROW_DELETE, .replaced = done == ROW_BEFORE, .arrival = dense->hidden.arrival[i]};
		change.time_us = !normalize->versions || column_is_null(&dense->columns[normalize->time], i) ? WATERMARK_NONE : dense->columns[normalize->time].i64[i];
		if (!normalize->key_count) change_copies(normalize, &emitter, &copies, &change);
		else if (!key_is_null(keys, normalize->key_count, i))
			change_key(normalize, &emitter, state_map_upsert(normalize->rows, packed.at[i], packed.bytes[i], packed.hashes[i], NULL), &change);
	}
	strbuf_release(&copies);
	batch_unref(dense);
	return emitter_finish(&emitter);
}

static bool normalize_commit(Op *op, const CommitInfo *commit, Error *err)
{
	(void)commit; (void)err;
	Normalize *normalize = (Normalize *)op;
	for (int i = 0; i < normalize->gone.count; i++) {
		NormalRow *entry = normalize->gone.at[i];
		state_map_changed(normalize->rows, entry);
		entry->noted = 0;
		if (!entry->row) state_map_remove(normalize->rows, entry);
	}
	normalize->gone.count = 0;
	return true;
}

static void normalize_release(Op *op) { vec_release(&((Normalize *)op)->gone); }

static const OpClass NORMALIZE = {.name = "normalize", .push = normalize_push, .commit = normalize_commit, .release = normalize_release};

Op *op_normalize_new(const NormalizeSpec *spec)
{
	const OpInput *in = &spec->in;
	Normalize *normalize = op_new(&NORMALIZE, sizeof *normalize, "normalize", in->types, in->column_count, 1);
	Op *op = &normalize->op;
	op_input_init(op, 0, in->watermarks, in->watermark_count);
	op->state = state_new("normalize");
	normalize->rows = state_map_open(op->state, spec->key_count ? sizeof(NormalRow) : sizeof(int64_t));
	normalize->key = spec->key_count ? arena_copy(&op->arena, spec->key, sizeof *spec->key * (size_t)spec->key_count) : NULL;
	normalize->key_count = spec->key_count;
	normalize->versions = in->watermark_count > 0;
	normalize->time = normalize->versions ? in->watermarks[0].column : 0;
	return op;
}
