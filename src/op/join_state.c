/* What a join remembers: its rows by key, in lists; and when rows that a watermark ends may go. */
#include "op/join.h"

#include "base/hash.h"

static void put_be64(char *out, uint64_t value)
{
	for (int i = 0; i < 8; i++) out[i] = (char)(value >> (56 - 8 * i));
}

/* Order of instants, then number of the row. */
static void expiry_key(char out[12], int64_t instant, uint32_t number)
{
	put_be64(out, (uint64_t)instant ^ (UINT64_C(1) << 63));
	for (int i = 0; i < 4; i++) out[8 + i] = (char)(number >> (24 - 8 * i));
}

int64_t join_last_partner(const Join *join, int side, int64_t time)
{
	return side == LEFT ? time_add(time, join->upper_us) : time_add(time, -join->lower_us);
}

JoinRow *join_row_next(const Join *join, int side, uint32_t number)
{
	return number ? state_map_by_number(join->sides[side].rows, number - 1) : NULL;
}

/* The bytes begin with the number of the key, so the same row under another key is another row. */
JoinRow *join_row_add(Join *join, int side, JoinKey *key, const char *packed, uint32_t bytes, bool *added)
{
	StateMap *rows = join->sides[side].rows;
	JoinRow *row = state_map_upsert(rows, packed, bytes, hash_bytes(packed, bytes), added);
	if (!*added) return row;
	uint32_t number = state_map_number(rows, row);
	row->key = state_map_number(join->keys, key);
	row->next = key->first[side];
	row->previous = 0;
	if (row->next) {
		JoinRow *next = join_row_next(join, side, row->next);
		state_map_changed(rows, next);
		next->previous = number + 1;
	}
	key->first[side] = number + 1;
	return row;
}

static void expiry_drop(Join *join, int side, const JoinRow *row)
{
	char bytes[12];
	if (!join->sides[side].expiry) return;
	expiry_key(bytes, join_last_partner(join, side, row->time), state_map_number(join->sides[side].rows, row));
	state_tree_remove(join->sides[side].expiry, bytes, sizeof bytes);
}

void join_row_expires(Join *join, int side, const JoinRow *row)
{
	char bytes[12];
	bool added;
	if (!join->sides[side].expiry) return;
	expiry_key(bytes, join_last_partner(join, side, row->time), state_map_number(join->sides[side].rows, row));
	state_tree_upsert(join->sides[side].expiry, bytes, sizeof bytes, &added);
}

JoinRow *join_row_next_expired(Join *join, int side)
{
	StateTree *expiry = join->sides[side].expiry;
	StateCursor cursor;
	const JoinSide *ends = &join->sides[other(side)];
	if (!expiry) return NULL;
	state_tree_first(expiry, &cursor);
	if (!cursor.valid) return NULL;
	uint32_t bytes;
	const unsigned char *key = state_cursor_key(&cursor, &bytes);
	uint64_t instant = 0;
	uint32_t number = 0;
	for (int i = 0; i < 8; i++) instant = instant << 8 | key[i];
	for (int i = 8; i < 12; i++) number = number << 8 | key[i];
	int64_t watermark = join->op.in_watermarks[other(side)][ends->watermark];
	if (!watermark_passed(&ends->column, watermark, (int64_t)(instant ^ (UINT64_C(1) << 63)))) return NULL;
	return state_map_by_number(join->sides[side].rows, number);
}

const char *join_row_packed(const Join *join, int side, const JoinRow *row)
{
	uint32_t bytes;
	const char *key = state_map_key(join->sides[side].rows, row, &bytes);
	return key + join_prefix_bytes(join, side);
}

void join_row_remove(Join *join, int side, JoinRow *row)
{
	StateMap *rows = join->sides[side].rows;
	expiry_drop(join, side, row);
	if (row->next) {
		JoinRow *next = join_row_next(join, side, row->next);
		state_map_changed(rows, next);
		next->previous = row->previous;
	}
	if (row->previous) {
		JoinRow *previous = join_row_next(join, side, row->previous);
		state_map_changed(rows, previous);
		previous->next = row->next;
	}
	else {
		JoinKey *key = state_map_by_number(join->keys, row->key);
		state_map_changed(join->keys, key);
		key->first[side] = row->next;
	}
	state_map_remove(rows, row);
}
