#include "op/row_order.h"

#include <assert.h>
#include <endian.h>

void row_order_init(RowOrder *rows, State *state, Arena *arena, const OpInput *in, const OpSortKey *order, int order_count, uint32_t payload_bytes)
{
	assert(payload_bytes >= sizeof(RowEntry));
	*rows = (RowOrder){.state = state, .by_arrival = in->has_arrival, .by_columns = !in->has_arrival || in->arrival_repeats,
		.key = STRBUF_INIT, .column_count = in->column_count};
	rows->tree = state_tree_open(state, payload_bytes);
	rows->types = arena_copy(arena, in->types, sizeof *in->types * (size_t)in->column_count);
	Expr **exprs = arena_array(arena, Expr *, order_count + 1);
	rows->specs = arena_array(arena, SortSpec, order_count + 1);
	for (int i = 0; i < order_count; i++) {
		exprs[i] = order[i].expr;
		rows->specs[i] = order[i].spec;
	}
	exprs_compile(&rows->order, arena, exprs, order_count, in);
}

void row_order_widen(RowOrder *rows, const Type *types, int column_count)
{
	rows->types = types;
	rows->column_count = column_count;
}

void row_order_release(RowOrder *rows)
{
	exprs_release(&rows->order);
	strbuf_release(&rows->key);
}

void row_order_group_key(char key[4], uint32_t group)
{
	group = htobe32(group);
	memcpy(key, &group, 4);
}

/* Positive 128-bit numbers, big-endian */
enum { ARRIVAL_BYTES = 16 };

static void key_add_arrival(StrBuf *key, Int128 arrival)
{
	uint64_t words[2] = {htobe64((uint64_t)((unsigned __int128)arrival >> 64)), htobe64((uint64_t)arrival)};
	strbuf_add(key, words, sizeof words);
}

void row_order_key_of(RowOrder *rows, uint32_t group, const Column *order, int order_row, const Column *columns, int row, const Int128 *arrival)
{
	StrBuf *key = &rows->key;
	char prefix[4];
	strbuf_clear(key);
	row_order_group_key(prefix, group);
	strbuf_add(key, prefix, sizeof prefix);
	for (int i = 0; i < rows->order.count; i++) sort_key_add_column(key, &order[i], order_row, rows->specs[i]);
	rows->order_bytes = (uint32_t)key->bytes;
	if (rows->by_arrival) key_add_arrival(key, arrival[row]);
	if (!rows->by_columns) return;
	for (int c = 0; c < rows->column_count; c++) sort_key_add_column(key, &columns[c], row, ROW_ORDER_TIE);
}

void row_order_key_short(RowOrder *rows, const Column *order, int row, const Int128 *arrival)
{
	strbuf_clear(&rows->key);
	for (int i = 0; i < rows->order.count; i++) sort_key_add_column(&rows->key, &order[i], row, rows->specs[i]);
	if (rows->by_arrival) key_add_arrival(&rows->key, arrival[row]);
}

RowEntry *row_order_change(RowOrder *rows, const Column *columns, int row, int64_t weight, int64_t judge)
{
	bool added;
	RowEntry *entry = state_tree_upsert(rows->tree, rows->key.text, (uint32_t)rows->key.bytes, &added);
	if (added) {
		entry->judge = WATERMARK_NONE;
		entry->order_bytes = rows->order_bytes;
	}
	if (!entry->row && !rows->by_columns) {
		StrBuf packed = STRBUF_INIT;
		row_pack(&packed, columns, rows->column_count, row);
		entry->row = state_blob_new(rows->state, packed.text, (uint32_t)packed.bytes);
		strbuf_release(&packed);
	}
	entry->weight += weight;
	if (judge > entry->judge) entry->judge = judge;
	return entry;
}

Int128 row_order_arrival(const RowOrder *rows, const void *key, const RowEntry *entry)
{
	if (!rows->by_arrival) return 0;
	uint64_t words[2];
	memcpy(words, (const char *)key + entry->order_bytes, sizeof words);
	return (Int128)((unsigned __int128)be64toh(words[0]) << 64 | be64toh(words[1]));
}

void row_order_remove(RowOrder *rows, StateCursor *cursor)
{
	RowEntry *entry = row_order_entry(cursor);
	if (entry->row) state_blob_free(rows->state, entry->row);
	state_cursor_remove(cursor);
}

void row_order_read(const RowOrder *rows, const void *key, const RowEntry *entry, Value *values, Arena *arena)
{
	if (entry->row) {
		uint32_t bytes;
		row_unpack(state_blob_at(rows->state, entry->row, &bytes), rows->types, rows->column_count, values);
		return;
	}
	const char *at = (const char *)key + entry->order_bytes + (rows->by_arrival ? ARRIVAL_BYTES : 0);
	for (int c = 0; c < rows->column_count; c++) at += sort_key_read(at, rows->types[c], ROW_ORDER_TIE, &values[c], arena);
}

bool row_order_in_group(const StateCursor *cursor, uint32_t group)
{
	if (!cursor->valid) return false;
	char prefix[4];
	uint32_t bytes;
	row_order_group_key(prefix, group);
	return memcmp(state_cursor_key(cursor, &bytes), prefix, sizeof prefix) == 0;
}

bool row_order_first(RowOrder *rows, StateCursor *cursor, uint32_t group)
{
	char prefix[4];
	row_order_group_key(prefix, group);
	state_tree_seek(rows->tree, cursor, prefix, sizeof prefix);
	return row_order_in_group(cursor, group);
}
