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

int64_t join_last_partner(const Join *join, int side, int64_t end)
{
	return side == LEFT ? time_add(end, join->upper_us) : time_add(end, -join->lower_us);
}

/* Of an interval: a row that came late may, as the later of two, still meet rows that the other side's watermark has left behind, up to its own judge.
 * Not where it has passed all that such a row could meet; how much that is follows from a row's time only where it has no end of its own. */
int64_t join_row_goes(const Join *join, int side, int64_t end, int64_t judge)
{
	const JoinSide *own = &join->sides[side], *ends = &join->sides[other(side)];
	int64_t last = join_last_partner(join, side, end);
	if (!join->interval || !join->has_judge || own->watermark < 0 || ends->watermark < 0) return last;
	if (!ends->has_end && watermark_passed(&own->column, watermark_judge(&own->column, judge), join_last_partner(join, other(side), last))) return last;
	return watermark_later(last, time_add(watermark_judge(&ends->column, judge), ends->column.inclusive));
}

static int64_t row_goes(const Join *join, int side, const JoinRow *row)
{
	return join_row_goes(join, side, join_row_end(&join->sides[side], row), join_row_judge(&join->sides[side], row));
}

JoinRow *join_row_at(const Join *join, int side, uint32_t name)
{
	if (!name) return NULL;
	if (join->sides[side].blobs) return (JoinRow *)(uintptr_t)state_blob_peek(join->op.state, name);
	return state_map_by_number(join->sides[side].rows, name - 1);
}

/* What lists call the row. Blobs say it themselves where anybody asks. */
static uint32_t name_of(const JoinSide *own, const JoinRow *row)
{
	return own->blobs ? *join_field_32(row, own->at.name) : state_map_number(own->rows, row) + 1;
}

void join_row_changed(Join *join, int side, JoinRow *row)
{
	if (join->sides[side].blobs) state_blob_change(join->op.state, name_of(&join->sides[side], row), NULL);
	else state_map_changed(join->sides[side].rows, row);
}

static JoinRow *blob_add(Join *join, int side, const JoinNewRow *new_row, uint32_t *name)
{
	const JoinSide *own = &join->sides[side];
	*name = state_blob_new(join->op.state, NULL, own->at.bytes + 1u + new_row->bytes);
	JoinRow *row = (JoinRow *)(uintptr_t)state_blob_peek(join->op.state, *name);
	char *behind = (char *)row + own->at.bytes;
	*(uint8_t *)behind = (uint8_t)new_row->weight;
	memcpy(behind + 1, new_row->packed, new_row->bytes);
	if (own->at.name) *join_field_32(row, own->at.name) = *name;
	return row;
}

/* The bytes begin with the number of the key, so the same row under another key is another row. */
static JoinRow *map_row_add(Join *join, int side, uint32_t key, const JoinNewRow *new_row, bool *added)
{
	const JoinSide *own = &join->sides[side];
	char *with_key = arena_alloc(&join->op.scratch, new_row->bytes + 4);
	memcpy(with_key, &key, 4);
	memcpy(with_key + 4, new_row->packed, new_row->bytes);
	JoinRow *row = state_map_upsert(own->rows, with_key, new_row->bytes + 4, hash_bytes(with_key, new_row->bytes + 4), added);
	*join_field_64(row, own->at.weight) += new_row->weight;
	return row;
}

static void expiry_drop(Join *join, int side, const JoinRow *row)
{
	char bytes[12];
	const JoinSide *own = &join->sides[side];
	if (!own->expiry || own->blobs) return;               /* blobs go only when they end, and are off the list then */
	expiry_key(bytes, row_goes(join, side, row), name_of(own, row));
	state_tree_remove(own->expiry, bytes, sizeof bytes);
}

void join_rows_begin(Join *join, int side) { join->sides[side].ending = NULL; }

/* Notes when the row may go. Blobs that end at one instant are one entry: a list. Rows come in about the order of their times, so it often is
 * that of the row before. */
static void expires(Join *join, int side, JoinRow *row)
{
	char bytes[12];
	bool added;
	JoinSide *own = &join->sides[side];
	if (!own->expiry) return;
	int64_t end = row_goes(join, side, row);
	expiry_key(bytes, end, name_of(own, row));
	if (!own->blobs) {
		state_tree_upsert(own->expiry, bytes, sizeof bytes, &added);
		return;
	}
	if (!own->ending || own->ending_at != end) own->ending = state_tree_upsert(own->expiry, bytes, 8, &added);
	own->ending_at = end;
	*join_field_32(row, own->at.next_ending) = *own->ending;
	*own->ending = name_of(own, row);
}

/* Puts a new row before the others of its key. */
static void link_row(Join *join, int side, JoinKey *key, JoinRow *row, uint32_t name)
{
	const JoinFields *at = &join->sides[side].at;
	row->next = key->first[side];
	if (at->key) *join_field_32(row, at->key) = state_map_number(join->keys, key);
	JoinRow *next = at->previous ? join_row_at(join, side, row->next) : NULL;
	if (next) {
		join_row_changed(join, side, next);
		*join_field_32(next, at->previous) = name;
	}
	state_map_changed(join->keys, key);
	key->first[side] = name;
}

static void raise_judge(Join *join, int side, JoinRow *row, int64_t judge)
{
	const JoinSide *own = &join->sides[side];
	if (judge <= join_row_judge(own, row)) return;
	int64_t before = row_goes(join, side, row), after = join_row_goes(join, side, join_row_end(own, row), judge);
	if (before != after) expiry_drop(join, side, row);
	*join_field_64(row, own->at.judge) = judge;
	if (before != after) expires(join, side, row);
}

void join_row_add(Join *join, int side, JoinKey *key, const JoinNewRow *new_row)
{
	const JoinSide *own = &join->sides[side];
	bool added = true;
	uint32_t name = 0;
	JoinRow *row = own->blobs ? blob_add(join, side, new_row, &name) : map_row_add(join, side, state_map_number(join->keys, key), new_row, &added);
	if (!own->blobs) name = name_of(own, row);
	if (added) {
		if (own->at.matches) *join_field_64(row, own->at.matches) = new_row->matches;
		if (own->at.judge) *join_field_64(row, own->at.judge) = new_row->judge;
		if (own->at.time) *join_field_64(row, own->at.time) = new_row->time;
		if (own->at.end) *join_field_64(row, own->at.end) = new_row->end;
		link_row(join, side, key, row, name);
		expires(join, side, row);
	}
	else raise_judge(join, side, row, new_row->judge);
	if (join_row_weight(own, row) == 0) join_row_remove(join, side, row);
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
	*first = *join_field_32(row, join->sides[side].at.next_ending);
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
	const JoinSide *own = &join->sides[side];
	if (own->blobs) return (const char *)row + own->at.bytes + 1;
	return (const char *)state_map_key(own->rows, row, &bytes) + 4;
}

void join_row_remove(Join *join, int side, JoinRow *row)
{
	const JoinSide *own = &join->sides[side];
	uint32_t before = *join_field_32(row, own->at.previous);
	JoinRow *next = join_row_at(join, side, row->next), *previous = join_row_at(join, side, before);
	expiry_drop(join, side, row);
	if (next) {
		join_row_changed(join, side, next);
		*join_field_32(next, own->at.previous) = before;
	}
	if (previous) {
		join_row_changed(join, side, previous);
		previous->next = row->next;
	}
	else {
		JoinKey *key = state_map_by_number(join->keys, *join_field_32(row, own->at.key));
		state_map_changed(join->keys, key);
		key->first[side] = row->next;
	}
	if (own->blobs) state_blob_free(join->op.state, name_of(own, row));
	else state_map_remove(own->rows, row);
}
