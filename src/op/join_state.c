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

/* Of an interval: a row that came late may, as the later of two, still meet rows that the other side's watermark has left behind, up to its own judge. */
int64_t join_row_end(const Join *join, int side, int64_t time, int64_t judge)
{
	const JoinSide *own = &join->sides[side], *ends = &join->sides[other(side)];
	int64_t last = join_last_partner(join, side, time);
	if (!join->interval || !join->has_judge || own->watermark < 0 || ends->watermark < 0) return last;
	if (watermark_passed(&own->column, watermark_judge(&own->column, judge), join_last_partner(join, other(side), last))) return last;
	return watermark_later(last, time_add(watermark_judge(&ends->column, judge), ends->column.inclusive));
}

static int64_t row_end(const Join *join, int side, const JoinRow *row) { return join_row_end(join, side, row->time, row->judge); }

JoinRow *join_row_at(const Join *join, int side, uint32_t name)
{
	if (!name) return NULL;
	if (join->sides[side].blobs) return (JoinRow *)(uintptr_t)state_blob_at(join->op.state, name, NULL);
	return state_map_by_number(join->sides[side].rows, name - 1);
}

void join_row_changed(Join *join, int side, JoinRow *row)
{
	if (join->sides[side].blobs) state_blob_change(join->op.state, row->name, NULL);
	else state_map_changed(join->sides[side].rows, row);
}

static JoinRow *blob_add(Join *join, const char *packed, uint32_t bytes)
{
	StateHandle name = state_blob_new(join->op.state, NULL, sizeof(JoinRow) + bytes);
	JoinRow *row = (JoinRow *)(uintptr_t)state_blob_at(join->op.state, name, NULL);
	memcpy(row + 1, packed, bytes);
	row->name = name;
	return row;
}

/* The bytes begin with the number of the key, so the same row under another key is another row. */
static JoinRow *map_row_add(Join *join, int side, const JoinKey *key, const char *packed, uint32_t bytes, bool *added)
{
	StateMap *rows = join->sides[side].rows;
	uint32_t number = state_map_number(join->keys, key);
	char *with_key = arena_alloc(&join->op.scratch, bytes + 4);
	memcpy(with_key, &number, 4);
	memcpy(with_key + 4, packed, bytes);
	JoinRow *row = state_map_upsert(rows, with_key, bytes + 4, hash_bytes(with_key, bytes + 4), added);
	row->name = state_map_number(rows, row) + 1;
	return row;
}

JoinRow *join_row_add(Join *join, int side, JoinKey *key, const char *packed, uint32_t bytes, bool *added)
{
	*added = true;
	JoinRow *row = join->sides[side].blobs ? blob_add(join, packed, bytes) : map_row_add(join, side, key, packed, bytes, added);
	if (!*added) return row;
	row->key = state_map_number(join->keys, key);
	row->next = key->first[side];
	row->previous = 0;
	bool stays = join->sides[side].blobs && !join->sides[side].expiry;            /* for good: nobody has to find what stands before it */
	JoinRow *next = stays ? NULL : join_row_at(join, side, row->next);
	if (next) {
		join_row_changed(join, side, next);
		next->previous = row->name;
	}
	state_map_changed(join->keys, key);
	key->first[side] = row->name;
	return row;
}

static void expiry_drop(Join *join, int side, const JoinRow *row)
{
	char bytes[12];
	if (!join->sides[side].expiry || join->sides[side].blobs) return;            /* blobs go only when they end, and are off the list then */
	expiry_key(bytes, row_end(join, side, row), row->name);
	state_tree_remove(join->sides[side].expiry, bytes, sizeof bytes);
}

/* Blobs that end at one instant are one entry: a list. */
void join_row_expires(Join *join, int side, JoinRow *row)
{
	char bytes[12];
	bool added;
	StateTree *expiry = join->sides[side].expiry;
	if (!expiry) return;
	expiry_key(bytes, row_end(join, side, row), row->name);
	uint32_t *first = state_tree_upsert(expiry, bytes, join->sides[side].blobs ? 8 : sizeof bytes, &added);
	if (!join->sides[side].blobs) return;
	row->next_ending = *first;
	*first = row->name;
}

void join_row_judge(Join *join, int side, JoinRow *row, int64_t judge)
{
	if (judge <= row->judge) return;
	int64_t before = row_end(join, side, row), after = join_row_end(join, side, row->time, judge);
	if (before != after) expiry_drop(join, side, row);
	row->judge = judge;
	if (before != after) join_row_expires(join, side, row);
}

static JoinRow *take_ending(Join *join, int side, StateCursor *cursor)
{
	if (!join->sides[side].blobs) {
		uint32_t bytes, name = 0;
		const unsigned char *key = state_cursor_key(cursor, &bytes);
		for (int i = 8; i < 12; i++) name = name << 8 | key[i];
		return join_row_at(join, side, name);
	}
	uint32_t *first = state_cursor_change(cursor);
	JoinRow *row = join_row_at(join, side, *first);
	*first = row->next_ending;
	if (!*first) state_cursor_remove(cursor);
	return row;
}

bool join_has_passed(const Join *join, int side, int64_t instant)
{
	const JoinSide *own = &join->sides[side], *ends = &join->sides[other(side)];
	int64_t watermark = join->op.in_watermarks[other(side)][ends->watermark];
	if (!watermark_passed(&ends->column, watermark, instant)) return false;
	if (own->watermark < 0) return true;
	int64_t mine = join->op.in_watermarks[side][own->watermark];
	if (join->window) return watermark_passed(&own->column, mine, instant);
	if (mine != WATERMARK_NONE && mine != WATERMARK_END) mine = time_add(mine, own->column.delta_us - ends->column.delta_us);
	return watermark_passed(&ends->column, mine, instant);
}

JoinRow *join_row_next_expired(Join *join, int side)
{
	StateTree *expiry = join->sides[side].expiry;
	StateCursor cursor;
	if (!expiry) return NULL;
	state_tree_first(expiry, &cursor);
	if (!cursor.valid) return NULL;
	uint32_t bytes;
	const unsigned char *key = state_cursor_key(&cursor, &bytes);
	uint64_t instant = 0;
	for (int i = 0; i < 8; i++) instant = instant << 8 | key[i];
	if (!join_has_passed(join, side, (int64_t)(instant ^ (UINT64_C(1) << 63)))) return NULL;
	return take_ending(join, side, &cursor);
}

const char *join_row_packed(const Join *join, int side, const JoinRow *row)
{
	uint32_t bytes;
	if (join->sides[side].blobs) return (const char *)(row + 1);
	return (const char *)state_map_key(join->sides[side].rows, row, &bytes) + 4;
}

void join_row_remove(Join *join, int side, JoinRow *row)
{
	JoinRow *next = join_row_at(join, side, row->next), *previous = join_row_at(join, side, row->previous);
	expiry_drop(join, side, row);
	if (next) {
		join_row_changed(join, side, next);
		next->previous = row->previous;
	}
	if (previous) {
		join_row_changed(join, side, previous);
		previous->next = row->next;
	}
	else {
		JoinKey *key = state_map_by_number(join->keys, row->key);
		state_map_changed(join->keys, key);
		key->first[side] = row->next;
	}
	if (join->sides[side].blobs) state_blob_free(join->op.state, row->name);
	else state_map_remove(join->sides[side].rows, row);
}
