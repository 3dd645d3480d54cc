/* When rows that a watermark ends may go. */
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
	const JoinRows *rows = &join->sides[side].owned;
	return join_row_goes(join, side, join_row_end(rows, row), join_row_judge(rows, row));
}

static void expiry_drop(Join *join, int side, const JoinRow *row)
{
	char bytes[12];
	const JoinSide *own = &join->sides[side];
	if (!own->expiry || own->owned.blobs || join->window) return;       /* blobs go only when they end, and are off the list then */
	expiry_key(bytes, row_goes(join, side, row), join_row_name(&own->owned, row));
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
	expiry_key(bytes, end, join_row_name(&own->owned, row));
	if (!own->owned.blobs) {
		state_tree_upsert(own->expiry, bytes, sizeof bytes, &added);
		return;
	}
	if (!own->ending || own->ending_at != end) own->ending = state_tree_upsert(own->expiry, bytes, 8, &added);
	own->ending_at = end;
	*join_field_32(row, own->owned.at.next_ending) = *own->ending;
	*own->ending = join_row_name(&own->owned, row);
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

static void raise_judge(Join *join, int side, JoinRow *row, int64_t judge)
{
	const JoinRows *rows = &join->sides[side].owned;
	if (!rows->at.judge || judge <= join_row_judge(rows, row)) return;
	int64_t before = row_goes(join, side, row), after = join_row_goes(join, side, join_row_end(rows, row), judge);
	if (before != after) expiry_drop(join, side, row);
	*join_field_64(row, rows->at.judge) = judge;
	if (before != after) expires(join, side, row);
}

void join_row_add(Join *join, int side, JoinKey *key, const JoinNewRow *new_row)
{
	bool added;
	JoinRows *rows = &join->sides[side].owned;
	if (join->window && !key->first[side]) key_begins(join, side, key, new_row->end);
	JoinRow *row = join_rows_add(rows, key, new_row, &added);
	if (added) expires(join, side, row);
	else raise_judge(join, side, row, new_row->judge);
	if (join_row_weight(rows, row) == 0) join_row_remove(join, side, row);
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
	const JoinRows *rows = &join->sides[side].owned;
	if (!rows->blobs) return join_row_at(rows, number_behind(cursor));
	uint32_t *first = state_cursor_change(cursor);
	JoinRow *row = join_row_at(rows, *first);
	*first = *join_field_32(row, rows->at.next_ending);
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
	key_ends(join, side, key);
	join_rows_remove_all(&join->sides[side].owned, key);
}

void join_row_remove(Join *join, int side, JoinRow *row)
{
	JoinRows *rows = &join->sides[side].owned;
	JoinKey *key = join->window ? state_map_by_number(join->keys, *join_field_32(row, rows->at.key)) : NULL;
	expiry_drop(join, side, row);
	join_rows_remove(rows, row);
	if (key && !key->first[side]) key_ends(join, side, key);
}
