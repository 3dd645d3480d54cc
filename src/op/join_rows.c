#include "op/join_rows.h"

#include <assert.h>

#include "base/hash.h"

void join_rows_choose_columns(JoinRows *rows, Arena *arena, const OpInput *in, const bool *reads)
{
	rows->columns = arena_array(arena, int, in->column_count + 1);
	rows->kinds = arena_array(arena, PhysKind, in->column_count + 1);
	for (int c = 0; c < in->column_count; c++) {
		if (reads && !reads[c]) continue;
		rows->kinds[rows->column_count] = type_phys(in->types[c]);
		rows->columns[rows->column_count++] = c;
	}
}

uint8_t join_field_add(JoinFields *at, bool wanted, uint8_t bytes)
{
	if (!wanted) return 0;
	uint8_t first = (uint8_t)((at->bytes + bytes - 1) / bytes * bytes);
	at->bytes = (uint8_t)(first + bytes);
	return first;
}

PackedRows join_rows_pack(const JoinRows *rows, const Batch *dense, Arena *scratch)
{
	Column *columns = arena_array(scratch, Column, rows->column_count + 1);
	for (int k = 0; k < rows->column_count; k++) columns[k] = dense->columns[rows->columns[k]];
	PackedRows packed = rows_pack_plain(columns, rows->column_count, dense->count, scratch);
	packed.hashes = rows->blobs ? NULL : arena_array(scratch, uint64_t, dense->count + 1);
	return packed;
}

void join_rows_name(const JoinRows *rows, const void *key, PackedRows *packed, int i, Arena *scratch)
{
	if (rows->blobs) return;
	uint32_t number = state_map_number(rows->keys, key), bytes = packed->bytes[i];
	char *named = arena_alloc(scratch, bytes + 4);
	memcpy(named, &number, 4);
	memcpy(named + 4, packed->at[i], bytes);
	packed->at[i] = named + 4;
	packed->hashes[i] = hash_bytes(named, bytes + 4);
}

/* Its neighbours, too: they change when the row goes. */
void join_rows_fetch(const JoinRows *rows, const uint64_t *hashes, int count)
{
	void *likely[JOIN_FETCH_MAX];
	assert(count <= JOIN_FETCH_MAX && !rows->blobs);
	state_map_fetch(rows->map, hashes, count, likely);
	for (int i = 0; i < count; i++) {
		const JoinRow *row = likely[i];
		if (!row) continue;
		__builtin_prefetch(join_row_at(rows, row->next), 1);
		__builtin_prefetch(join_row_at(rows, *join_field_32(row, rows->at.previous)), 1);
	}
}

void join_rows_changed(JoinRows *rows, JoinRow *row)
{
	if (rows->blobs) state_blob_change(rows->state, join_row_name(rows, row), NULL);
	else state_map_changed(rows->map, row);
}

static JoinRow *blob_add(JoinRows *rows, const JoinNewRow *new_row, uint32_t *name)
{
	*name = state_blob_new(rows->state, NULL, rows->at.bytes + 1u + new_row->bytes);
	JoinRow *row = join_row_at(rows, *name);
	char *behind = (char *)row + rows->at.bytes;
	*(uint8_t *)behind = (uint8_t)new_row->weight;
	memcpy(behind + 1, new_row->packed, new_row->bytes);
	if (rows->at.name) *join_field_32(row, rows->at.name) = *name;
	return row;
}

static JoinRow *map_row_add(JoinRows *rows, const JoinNewRow *new_row, bool *added)
{
	JoinRow *row = state_map_upsert(rows->map, new_row->packed - 4, new_row->bytes + 4, new_row->hash, added);
	*join_field_64(row, rows->at.weight) += new_row->weight;
	return row;
}

/* Puts a new row before the others of its key. */
static void link_row(JoinRows *rows, void *key, JoinRow *row, uint32_t name)
{
	const JoinFields *at = &rows->at;
	row->next = *join_rows_head(rows, key);
	if (at->key) *join_field_32(row, at->key) = state_map_number(rows->keys, key);
	JoinRow *next = at->previous ? join_row_at(rows, row->next) : NULL;
	if (next) {
		join_rows_changed(rows, next);
		*join_field_32(next, at->previous) = name;
	}
	state_map_changed(rows->keys, key);
	*join_rows_head(rows, key) = name;
}

JoinRow *join_rows_add(JoinRows *rows, void *key, const JoinNewRow *new_row, bool *added)
{
	uint32_t name = 0;
	*added = true;
	JoinRow *row = rows->blobs ? blob_add(rows, new_row, &name) : map_row_add(rows, new_row, added);
	if (!*added) return row;
	if (rows->at.matches) *join_field_64(row, rows->at.matches) = new_row->matches;
	if (rows->at.judge) *join_field_64(row, rows->at.judge) = new_row->judge;
	if (rows->at.time) *join_field_64(row, rows->at.time) = new_row->time;
	if (rows->at.end) *join_field_64(row, rows->at.end) = new_row->end;
	link_row(rows, key, row, rows->blobs ? name : join_row_name(rows, row));
	return row;
}

void join_rows_remove(JoinRows *rows, JoinRow *row)
{
	uint32_t before = *join_field_32(row, rows->at.previous);
	JoinRow *next = join_row_at(rows, row->next), *previous = join_row_at(rows, before);
	if (next) {
		join_rows_changed(rows, next);
		*join_field_32(next, rows->at.previous) = before;
	}
	if (previous) {
		join_rows_changed(rows, previous);
		previous->next = row->next;
	}
	else {
		void *key = state_map_by_number(rows->keys, *join_field_32(row, rows->at.key));
		state_map_changed(rows->keys, key);
		*join_rows_head(rows, key) = row->next;
	}
	if (rows->blobs) state_blob_free(rows->state, join_row_name(rows, row));
	else state_map_remove(rows->map, row);
}

void join_rows_remove_all(JoinRows *rows, void *key)
{
	void *found[JOIN_FETCH_MAX];
	int count = 0;
	for (uint32_t name = *join_rows_head(rows, key), next; name; name = next) {
		JoinRow *row = join_row_at(rows, name);
		next = row->next;
		if (rows->blobs) state_blob_free(rows->state, name);
		else found[count++] = row;
		if (count < JOIN_FETCH_MAX && next) continue;
		if (count) state_map_remove_many(rows->map, found, count);
		count = 0;
	}
	state_map_changed(rows->keys, key);
	*join_rows_head(rows, key) = 0;
}

/* ---- batches of what rows meet ---- */

bool join_key_is_null(const Column *keys, int count, const bool *null_equal, int row)
{
	for (int k = 0; k < count; k++)
		if (column_is_null(&keys[k], row) && !null_equal[k]) return true;
	return false;
}

void join_set_null(Batch *batch, int column, int row)
{
	Column *to = &batch->columns[column];
	batch_column_nulls(batch, column)[row] = MARK_NULL;
	if (phys_bytes(type_phys(to->type)) == 8) to->i64[row] = 0;
	else to->i128[row] = 0;
}

/* Rows that never go lie where they are as long as the operator lives, so texts need not be copied. */
static const char *unpack_text(const JoinRows *rows, Batch *batch, Str *to, const char *from)
{
	uint32_t bytes;
	memcpy(&bytes, from, 4);
	*to = rows->stays ? str_borrow(from + 4, bytes) : str_copy(&batch->arena, from + 4, bytes);
	return from + 4 + bytes;
}

static const char *unpack_value(const JoinRows *rows, PhysKind kind, Batch *batch, int column, int row, const char *from)
{
	Column *to = &batch->columns[column];
	if (to->null) to->null[row] = MARK_VALUE;
	if (kind == PHYS_STR) return unpack_text(rows, batch, &to->str[row], from);
	if (phys_bytes(kind) == 8) {
		memcpy(&to->i64[row], from, 8);
		return from + 8;
	}
	memcpy(&to->i128[row], from, 16);
	return from + 16;
}

const char *join_rows_skip_value(PhysKind kind, const char *from)
{
	uint32_t bytes;
	if (kind != PHYS_STR) return from + phys_bytes(kind);
	memcpy(&bytes, from, 4);
	return from + 4 + bytes;
}

void join_rows_unpack(const JoinReader *reader, const char *packed, Batch *batch, int row)
{
	const JoinRows *rows = reader->rows;
	const char *from = packed + (rows->column_count + 7) / 8;
	for (int k = 0; k < rows->column_count; k++) {
		int c = reader->places[k];
		bool is_null = packed[k / 8] >> k % 8 & 1;
		if (c < 0) from = is_null ? from : join_rows_skip_value(rows->kinds[k], from);
		else if (is_null) join_set_null(batch, reader->first_column + c, row);
		else from = unpack_value(rows, rows->kinds[k], batch, reader->first_column + c, row, from);
	}
}

static const Int128 NO_VALUES[BATCH_ROWS_MAX];
static const uint8_t ALL_NULL[BATCH_ROWS_MAX] = {[0 ... BATCH_ROWS_MAX - 1] = MARK_NULL};

void join_rows_make_columns(const JoinReader *reader, Batch *batch, int count)
{
	const OpInput *in = reader->in;
	for (int c = 0; c < in->column_count; c++)
		batch->columns[reader->first_column + c] = (Column){.type = in->types[c], .data = (void *)(uintptr_t)NO_VALUES, .null = (uint8_t *)(uintptr_t)ALL_NULL};
	for (int k = 0; k < reader->rows->column_count; k++) {
		if (reader->places[k] < 0) continue;
		Column *column = &batch->columns[reader->first_column + reader->places[k]];
		*column = (Column){.type = column->type, .data = arena_alloc(&batch->arena, phys_bytes(type_phys(column->type)) * (size_t)count)};
	}
}
