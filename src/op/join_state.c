/* What a join remembers: its rows by key, in lists; and when rows that a watermark ends may go. */
#include "op/join.h"

#include <assert.h>

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

static JoinRow *map_row_add(Join *join, int side, const JoinNewRow *new_row, bool *added)
{
	const JoinSide *own = &join->sides[side];
	JoinRow *row = state_map_upsert(own->rows, new_row->packed - 4, new_row->bytes + 4, new_row->hash, added);
	*join_field_64(row, own->at.weight) += new_row->weight;
	return row;
}

/* Its neighbours, too: they change when the row goes. */
void join_rows_fetch(const Join *join, int side, const uint64_t *hashes, int count)
{
	const JoinSide *own = &join->sides[side];
	void *likely[JOIN_FETCH_MAX];
	assert(count <= JOIN_FETCH_MAX);
	state_map_fetch(own->rows, hashes, count, likely);
	for (int i = 0; i < count; i++) {
		const JoinRow *row = likely[i];
		if (!row) continue;
		__builtin_prefetch(join_row_at(join, side, row->next), 1);
		__builtin_prefetch(join_row_at(join, side, *join_field_32(row, own->at.previous)), 1);
	}
}

static void expiry_drop(Join *join, int side, const JoinRow *row)
{
	char bytes[12];
	const JoinSide *own = &join->sides[side];
	if (!own->expiry || own->blobs || join->window) return;       /* blobs go only when they end, and are off the list then */
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
	if (!own->expiry || join->window) return;
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

/* The rows of a window have one end: their key is noted when the first comes, and goes off the list with the last. */
static void key_begins(Join *join, int side, JoinKey *key, int64_t end)
{
	char bytes[12];
	if (!join->sides[side].expiry) return;
	key->window_end = end;
	expiry_key(bytes, end, state_map_number(join->keys, key));
	state_tree_upsert(join->sides[side].expiry, bytes, sizeof bytes, NULL);
}

static void key_ends(Join *join, int side, const JoinKey *key)
{
	char bytes[12];
	if (!join->sides[side].expiry) return;
	expiry_key(bytes, key->window_end, state_map_number(join->keys, key));
	state_tree_remove(join->sides[side].expiry, bytes, sizeof bytes);
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
	JoinRow *row = own->blobs ? blob_add(join, side, new_row, &name) : map_row_add(join, side, new_row, &added);
	if (!own->blobs) name = name_of(own, row);
	if (added) {
		if (own->at.matches) *join_field_64(row, own->at.matches) = new_row->matches;
		if (own->at.judge) *join_field_64(row, own->at.judge) = new_row->judge;
		if (own->at.time) *join_field_64(row, own->at.time) = new_row->time;
		if (own->at.end) *join_field_64(row, own->at.end) = new_row->end;
		if (join->window && !key->first[side]) key_begins(join, side, key, new_row->end);
		link_row(join, side, key, row, name);
		expires(join, side, row);
	}
	else raise_judge(join, side, row, new_row->judge);
	if (join_row_weight(own, row) == 0) join_row_remove(join, side, row);
}

static uint32_t number_behind(StateCursor *cursor)
{
	uint32_t bytes, number = 0;
	const unsigned char *key = state_cursor_key(cursor, &bytes);
	for (int i = 8; i < 12; i++) number = number << 8 | key[i];
	return number;
}

static JoinRow *take_ending(Join *join, int side, StateCursor *cursor)
{
	if (!join->sides[side].blobs) return join_row_at(join, side, number_behind(cursor));
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

/* The first entry of expiry, if it has passed. */
static bool first_passed(Join *join, int side, StateCursor *cursor)
{
	StateTree *expiry = join->sides[side].expiry;
	if (!expiry) return false;
	state_tree_first(expiry, cursor);
	if (!cursor->valid) return false;
	uint32_t bytes;
	const unsigned char *key = state_cursor_key(cursor, &bytes);
	uint64_t instant = 0;
	for (int i = 0; i < 8; i++) instant = instant << 8 | key[i];
	return join_has_passed(join, side, (int64_t)(instant ^ (UINT64_C(1) << 63)));
}

JoinRow *join_row_next_expired(Join *join, int side)
{
	StateCursor cursor;
	assert(!join->window);
	return first_passed(join, side, &cursor) ? take_ending(join, side, &cursor) : NULL;
}

JoinKey *join_key_next_expired(Join *join, int side)
{
	StateCursor cursor;
	return first_passed(join, side, &cursor) ? state_map_by_number(join->keys, number_behind(&cursor)) : NULL;
}

void join_key_end(Join *join, int side, JoinKey *key)
{
	const JoinSide *own = &join->sides[side];
	key_ends(join, side, key);
	void *rows[JOIN_FETCH_MAX];
	int count = 0;
	for (uint32_t name = key->first[side], next; name; name = next) {
		JoinRow *row = join_row_at(join, side, name);
		next = row->next;
		if (own->blobs) state_blob_free(join->op.state, name);
		else rows[count++] = row;
		if (count < JOIN_FETCH_MAX && next) continue;
		if (count) state_map_remove_many(own->rows, rows, count);
		count = 0;
	}
	state_map_changed(join->keys, key);
	key->first[side] = 0;
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
		if (join->window && !row->next) key_ends(join, side, key);
	}
	if (own->blobs) state_blob_free(join->op.state, name_of(own, row));
	else state_map_remove(own->rows, row);
}
