/* Index: one input's rows by key, kept once for all joins that read them by it (McSherry et al., "Shared Arrangements", VLDB 2020).
 *
 * It hands its input on as it is. Joins that read it keep no rows of that side: what they are given they join with their other side, and what comes
 * on the other side they join with what stands here. So that each pair is made once, a join must never have been given more than stands here,
 * nor less, when something comes on its other side. A batch is therefore handed on first and added afterwards: where it comes to a join's other
 * side, too, by whatever way, it meets the rows before the batch there, and those of the batch when the join is given it. That asks for readers in
 * topological order: who leads to a join's other side has the batch before that join has it from here. Operators are made after those that they read, and
 * edges are in the order of making (run/graph.c keeps them so); of a join whose sides both read one index only the second may borrow.
 *
 * Which columns it keeps may change while it has rows, where their names are known (index.h). The state's third part names them then, each with its place
 * in a row, before there is any.
 */
#include "op/index.h"

#include <assert.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/strbuf.h"
#include "op/exprs.h"
#include "op/join_rows.h"
#include "op/select.h"

typedef struct IndexKey { uint32_t first; } IndexKey;

typedef struct KeptColumn { uint32_t place; } KeptColumn;

typedef struct Index {
	Op op;
	Exprs keys;
	bool *null_equal;
	OpInput in;                       /* only how many columns of which types */
	const bool *reads;                /* by column: joins of its own query read it */
	bool *keeps;                      /* by column: rows have it */
	bool *needs;                      /* by column: rows have it, or keys are made of it */
	bool *makes_keys;
	const char **names;               /* by column; NULL: which it keeps is settled for good */
	const char **columns;             /* by column: name and type */
	StateMap *named;                  /* those of them that it keeps; none: it has had no row yet */
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

static void name_columns(Index *index, const bool *columns)
{
	uint32_t place = 0;
	for (int c = 0; c < index->in.column_count; c++) {
		if (!columns[c]) continue;
		uint32_t bytes = (uint32_t)strlen(index->columns[c]);
		KeptColumn *kept = state_map_upsert(index->named, index->columns[c], bytes, hash_bytes(index->columns[c], bytes), NULL);
		kept->place = place++;
	}
}

static void add_rows(Index *index, const Batch *dense)
{
	Arena *scratch = &index->op.scratch;
	int count = dense->count, wanted_count = 0;
	const Column *columns = exprs_eval(&index->keys, dense, scratch);
	if (index->names && !state_map_count(index->named)) name_columns(index, index->keeps);
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
	Batch *dense = batch_dense(in, ((const Index *)op)->needs);
	bool ok = op_emit(op, batch_ref(dense), err);
	if (ok) add_rows((Index *)op, dense);
	batch_unref(dense);
	return ok;
}

static void index_release(Op *op)
{
	exprs_release(&((Index *)op)->keys);
}

/* ---- which columns ---- */

static void set_columns(Index *index, const bool *columns)
{
	JoinRows *rows = &index->rows;
	rows->column_count = 0;
	for (int c = 0; c < index->in.column_count; c++) {
		index->keeps[c] = columns[c];
		index->needs[c] = columns[c] || index->makes_keys[c];
		if (!columns[c]) continue;
		rows->kinds[rows->column_count] = type_phys(index->in.types[c]);
		rows->columns[rows->column_count++] = c;
	}
	rows->form++;
}

static KeptColumn *find_named(const Index *index, int column)
{
	uint32_t bytes = (uint32_t)strlen(index->columns[column]);
	return state_map_find(index->named, index->columns[column], bytes, hash_bytes(index->columns[column], bytes));
}

/* As the state says. */
static bool index_restored(Op *op, Error *err)
{
	Index *index = (Index *)op;
	uint32_t count = index->names ? (uint32_t)state_map_count(index->named) : 0, found = 0;
	if (!index->names) return true;
	set_columns(index, index->reads);
	if (!count) return true;
	bool *columns = arena_array(&op->scratch, bool, index->in.column_count + 1);
	for (int c = 0; c < index->in.column_count; c++) found += columns[c] = find_named(index, c) != NULL;
	if (found == count) {
		set_columns(index, columns);
		for (int k = 0; k < index->rows.column_count; k++) found -= find_named(index, index->rows.columns[k])->place == (uint32_t)k;
		if (!found) return true;
	}
	return error_set(err, ERR_FILE_FORMAT, SPAN_NONE, "saved state of an index has columns that its table has not");
}

/* The parts in a fixed order: keys, then rows, then names of columns. */
static void open_state(Index *index)
{
	JoinRows *rows = &index->rows;
	State *state = index->op.state = rows->state = state_new("index");
	rows->at = (JoinFields){.bytes = sizeof(JoinRow)};
	rows->at.previous = join_field_add(&rows->at, !rows->blobs, 4);
	rows->at.key = join_field_add(&rows->at, !rows->blobs, 4);
	rows->at.weight = join_field_add(&rows->at, !rows->blobs, 8);
	rows->keys = state_map_open(state, sizeof(IndexKey));
	rows->map = state_map_open(state, rows->at.bytes);
	if (index->names) index->named = state_map_open(state, sizeof(KeptColumn));
}

/* A packed row with those of its columns that `to` has. */
static void repack(const JoinRows *from, const JoinRows *to, const char *packed, StrBuf *out)
{
	size_t start = out->bytes;
	const char *value = packed + (from->column_count + 7) / 8;
	int place = 0;
	for (int b = 0; b < (to->column_count + 7) / 8; b++) strbuf_addc(out, 0);
	for (int k = 0; k < from->column_count; k++) {
		bool is_null = packed[k / 8] >> k % 8 & 1, wanted = place < to->column_count && to->columns[place] == from->columns[k];
		const char *next = is_null ? value : join_rows_skip_value(from->kinds[k], value);
		if (wanted && is_null) out->text[start + (size_t)place / 8] |= (char)(1 << place % 8);
		if (wanted) strbuf_add(out, value, (size_t)(next - value));
		place += wanted;
		value = next;
	}
}

static void take_row(Index *index, IndexKey *key, const JoinRows *from, const JoinRow *row, StrBuf *text)
{
	uint32_t number = state_map_number(index->rows.keys, key);
	text->bytes = 0;
	strbuf_add(text, &number, sizeof number);
	repack(from, &index->rows, join_row_packed(from, row), text);
	JoinNewRow same = {.packed = text->text + sizeof number, .bytes = (uint32_t)(text->bytes - sizeof number), .hash = hash_bytes(text->text, text->bytes)};
	add_row(index, key, &same, join_row_weight(from, row));
}

static void take_rows(Index *index, const JoinRows *from)
{
	StrBuf text = STRBUF_INIT;
	uint32_t cursor = 0, bytes;
	for (void *old; (old = state_map_next(from->keys, &cursor)); ) {
		const void *key_bytes = state_map_key(from->keys, old, &bytes);
		IndexKey *key = state_map_upsert(index->rows.keys, key_bytes, bytes, hash_bytes(key_bytes, bytes), NULL);
		for (const JoinRow *row = join_rows_first(from, old); row; row = join_row_at(from, row->next)) take_row(index, key, from, row, &text);
		if (!key->first) state_map_remove(index->rows.keys, key);
	}
	strbuf_release(&text);
}

void index_keep(Op *op, const bool *columns)
{
	Index *index = (Index *)op;
	JoinRows before = index->rows;
	int count = index->in.column_count;
	assert(index->names && !before.blobs);
	if (memcmp(columns, index->keeps, sizeof *columns * (size_t)count) == 0) return;
	for (int c = 0; c < count; c++) assert(index->keeps[c] || !columns[c] || !state_map_count(before.keys));
	before.columns = arena_copy(&op->scratch, before.columns, sizeof *before.columns * (size_t)(count + 1));
	before.kinds = arena_copy(&op->scratch, before.kinds, sizeof *before.kinds * (size_t)(count + 1));
	open_state(index);
	set_columns(index, columns);
	name_columns(index, columns);
	take_rows(index, &before);
	state_free(before.state);
}

bool index_take(Op *op, const Op *from, Error *err)
{
	Index *index = (Index *)op;
	state_clear(op->state);
	if (!state_take_copy(op->state, from->state, err) || !index_restored(op, err)) return false;
	if (state_map_count(index->named)) return true;
	set_columns(index, index_keeps(from));                /* it has had no row yet */
	name_columns(index, index->keeps);
	return true;
}

static const OpClass INDEX = {.name = "index", .push = index_push, .release = index_release, .restored = index_restored};

const bool *index_reads(const Op *op)
{
	const Index *index = (const Index *)op;
	return op->class == &INDEX && index->names ? index->reads : NULL;
}

const bool *index_keeps(const Op *op) { return ((const Index *)op)->keeps; }
const char *index_column(const Op *op, int column) { return ((const Index *)op)->names[column]; }

/* ---- who reads it ---- */

void index_reader_init(IndexReader *reader, Arena *arena, Op *index, const int *from, const OpInput *in, const int *columns, int column_count)
{
	*reader = (IndexReader){.index = index, .columns = columns, .column_count = column_count, .places = arena_array(arena, int, index->column_count + 1),
		.from = from ? arena_copy(arena, from, sizeof *from * (size_t)(in->column_count + 1)) : NULL};
}

static bool find_places(IndexReader *reader)
{
	int found = 0;
	for (int k = 0; k < reader->rows->column_count; k++) {
		reader->places[k] = -1;
		for (int c = 0; c < reader->column_count; c++) {
			int column = reader->columns[c];
			if ((reader->from ? reader->from[column] : column) == reader->rows->columns[k]) reader->places[k] = column;
		}
		found += reader->places[k] >= 0;
	}
	return found == reader->column_count;
}

bool index_reader_update(IndexReader *reader, Error *err)
{
	const JoinRows *rows = index_rows(reader->index);
	if (rows == reader->rows && rows->form == reader->form) return true;
	reader->rows = rows;
	reader->form = rows->form;
	return find_places(reader) || error_set(err, ERR_INTERNAL, SPAN_NONE, "an index lacks columns of a join that reads it");
}

Batch *index_reader_batch(const IndexReader *reader, Batch *in, int column_count)
{
	if (!reader->from) return batch_dense(in, NULL);
	Batch *chosen = batch_derive(in, column_count);
	for (int c = 0; c < column_count; c++) chosen->columns[c] = in->columns[reader->from[c]];
	Batch *dense = batch_dense(chosen, NULL);
	batch_unref(chosen);
	return dense;
}

/* ---- making ---- */

static void mark_columns(const Expr *e, const OpInput *in, bool *columns)
{
	for (int c = 0; e->kind == EXPR_COLUMN && c < in->column_count; c++) columns[c] |= in->layout[c] == e->column;
	for (int i = 0; i < e->arg_count; i++) mark_columns(e->args[i], in, columns);
}

static void copy_input(Index *index, const IndexSpec *spec)
{
	Arena *arena = &index->op.arena;
	int count = spec->in.column_count;
	bool *reads = arena_array(arena, bool, count + 1);
	index->in = (OpInput){.types = index->op.types, .column_count = count};
	for (int c = 0; c < count; c++) reads[c] = !spec->reads || spec->reads[c];
	index->reads = reads;
	index->keeps = arena_array(arena, bool, count + 1);
	index->needs = arena_array(arena, bool, count + 1);
	index->makes_keys = arena_array(arena, bool, count + 1);
	for (int k = 0; k < spec->key_count; k++) mark_columns(spec->keys[k], &spec->in, index->makes_keys);
	index->rows.columns = arena_array(arena, int, count + 1);
	index->rows.kinds = arena_array(arena, PhysKind, count + 1);
	if (!spec->names) return;
	index->names = arena_array(arena, const char *, count + 1);
	index->columns = arena_array(arena, const char *, count + 1);
	for (int c = 0; c < count; c++) {
		index->names[c] = arena_strdup(arena, spec->names[c]);
		StrBuf text = STRBUF_INIT;
		strbuf_printf(&text, "%s ", spec->names[c]);
		type_print(spec->in.types[c], &text);
		index->columns[c] = arena_strdup(arena, text.text);
		strbuf_release(&text);
	}
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
	copy_input(index, spec);
	open_state(index);
	set_columns(index, index->reads);
	index->op.append_only = spec->in.append_only;
	return &index->op;
}
