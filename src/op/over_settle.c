/* OVER with EMIT ON WINDOW CLOSE: rows come out once, when nothing can come any more that would change their results.
 *
 * In the order of event time: the watermark has passed a row, and as far behind it as calls look ahead. Whatever comes later is behind all that
 * was passed, so the rows that were given out are needed only as far as the next row's calls look back; before that they go, and what running
 * calls made of them is in the partition's base. */
#include <endian.h>

#include "op/over.h"

/* ---- which partitions have rows to give out ---- */

enum { WAITING_KEY_BYTES = 12 };

static void waiting_key(char key[WAITING_KEY_BYTES], int64_t time, uint32_t group)
{
	uint64_t high = htobe64((uint64_t)time ^ 1ull << 63);
	memcpy(key, &high, 8);
	row_order_group_key(key + 8, group);
}

static void waits_no_more(Over *over, OverGroup *group)
{
	char key[WAITING_KEY_BYTES];
	if (!group->waits) return;
	waiting_key(key, group->waits_for, keyed_number(&over->keyed, &group->group));
	state_tree_remove(over->waiting, key, sizeof key);
	state_map_changed(over->keyed.map, group);
	group->waits = 0;
}

void over_settle_noted(Over *over, OverGroup *group, int64_t time)
{
	if (group->waits && group->waits_for <= time) return;
	waits_no_more(over, group);
	char key[WAITING_KEY_BYTES];
	waiting_key(key, time, keyed_number(&over->keyed, &group->group));
	state_tree_upsert(over->waiting, key, sizeof key, NULL);
	state_map_changed(over->keyed.map, group);
	group->waits = 1;
	group->waits_for = time;
}

/* ---- how far rows are settled ---- */

static bool value_has_come(const OverPart *part, int position, const Reach *reach)
{
	int64_t seen = 0;
	for (int i = position + 1; i < part->count && seen < reach->count; i++) seen += !column_is_null(&part->columns[reach->column], i);
	return seen >= reach->count;
}

/* Is all that the call reads behind this position there, and passed? */
static bool reach_is_settled(const OverPart *part, int position, const Reach *reach, int64_t watermark)
{
	switch (reach->kind) {
	case REACH_NONE: return true;
	case REACH_ROWS: return position + reach->count < part->count;
	case REACH_GROUPS: return part->group_no[position] + reach->count < part->group_count;
	case REACH_VALUES: return value_has_come(part, position, reach);
	case REACH_ALL: return false;
	case REACH_RANGE: {
		/* nothing that can still come is within the range: the least such is the watermark */
		Value next = {.type = part->order_values[position].type, .i64 = watermark + part->over->time.inclusive};
		return !over_within_range(part->over, &part->order_values[position], &next, &reach->offset, 1);
	}
	}
	return false;
}

static bool is_settled(const OverPart *part, int position, int64_t watermark)
{
	for (int c = 0; c < part->over->call_count; c++)
		if (!reach_is_settled(part, position, &part->over->calls[c].after, watermark)) return false;
	return true;
}

static int first_unsettled(const OverPart *part, int from, int64_t watermark)
{
	if (watermark == WATERMARK_END) return part->count;
	int i = from;
	while (i < part->count && is_settled(part, i, watermark)) i++;
	return i;
}

/* ---- what the next rows will still read ---- */

/* First position that a call of position `next` (part->count: a row that is yet to come) reads before it */
static int first_read(const OverPart *part, const Reach *reach, int next, int64_t watermark)
{
	int64_t left = reach->count;
	int i = next;
	switch (reach->kind) {
	case REACH_NONE: break;
	case REACH_ALL: return 0;
	case REACH_ROWS: return left < next ? next - (int)left : 0;
	case REACH_GROUPS: {
		int64_t group = (next < part->count ? part->group_no[next] : part->group_count) - left;
		return group > 0 ? part->group_first[group] : 0;
	}
	case REACH_VALUES:
		for (; i > 0 && left > 0; i--) left -= !column_is_null(&part->columns[reach->column], i - 1);
		break;
	case REACH_RANGE: {
		Value value = {.type = part->over->rows.order.types[0], .i64 = watermark};
		if (next < part->count) value = part->order_values[next];
		while (i > 0 && over_within_range(part->over, &value, &part->order_values[i - 1], &reach->offset, -1)) i--;
		break;
	}
	}
	return i;
}

/* A running call reads only rows that its frame does not hold yet: those behind an end that is before the row. */
static Reach reach_of_end(const Frame *frame)
{
	if (frame->end != BOUND_PRECEDING) return (Reach){.kind = REACH_NONE};
	ReachKind kind = frame->unit == FRAME_ROWS ? REACH_ROWS : frame->unit == FRAME_GROUPS ? REACH_GROUPS : REACH_RANGE;
	return (Reach){.kind = kind, .count = kind == REACH_RANGE ? 0 : frame->end_offset.i64, .offset = frame->end_offset};
}

static int first_kept(const OverPart *part, int next, int64_t watermark)
{
	int first = next;
	for (int c = 0; c < part->over->call_count; c++) {
		const Call *call = &part->over->calls[c];
		Reach reach = call->before;
		if (call->running) reach = call->way == WAY_NUMBER ? (Reach){.kind = REACH_NONE} : reach_of_end(&call->frame);
		int read = first_read(part, &reach, next, watermark);
		if (read < first) first = read;
	}
	if (first == 0 || first == part->count) return first;
	return part->group_first[part->group_no[first]];          /* peers stay together: a base is behind the last of some */
}

/* ---- giving out ---- */

static void emit_settled(OverPart *part, Emitter *emitter)
{
	Over *over = part->over;
	const Snapshot *base = snapshot_at(over, part->snapshot);
	int64_t judge = base ? base->judge : WATERMARK_NONE;
	for (int i = 0; i < part->to; i++) {
		const OverItem *item = &part->items[part->item_of[i]];
		if (item->row->entry.judge > judge) judge = item->row->entry.judge;
		if (i >= part->from) over_emit(part, item, over_result(part, i, 0), 1, judge, emitter);
	}
}

static void mark_emitted(OverPart *part)
{
	for (int i = 0; i < part->item_count; i++) {
		const OverItem *item = &part->items[i];
		int64_t copies = item->row->entry.weight, settled = part->to - item->first;
		if (settled > copies) settled = copies;
		if (settled <= item->row->emitted) continue;
		StateCursor cursor;
		state_tree_seek(part->over->rows.tree, &cursor, item->key, item->key_bytes);
		((OverRow *)state_cursor_change(&cursor))->emitted = settled;
	}
}

/* Rows before position `first` go into the base. */
static void rows_forget(OverPart *part, OverGroup *group, int first)
{
	Over *over = part->over;
	if (first == 0) return;
	if (over->has_running) snapshot_advance(over, part, group, first);
	int items = part->item_of[first - 1] + 1;
	StateCursor cursor;
	row_order_first(&over->rows, &cursor, keyed_number(&over->keyed, &group->group));
	for (int i = 0; i < items; i++) row_order_remove(&over->rows, &cursor);
}

static int first_not_emitted(const OverPart *part)
{
	for (int i = 0; i < part->item_count; i++) {
		const RowEntry *entry = &part->items[i].row->entry;
		if (part->items[i].row->emitted < entry->weight) return part->items[i].first + (int)part->items[i].row->emitted;
	}
	return part->count;
}

/* The index gets the first row that was not given out; a partition of which nothing is left goes. */
static void wait_for_next(Over *over, OverGroup *group)
{
	uint32_t number = keyed_number(&over->keyed, &group->group);
	StateCursor cursor;
	waits_no_more(over, group);
	row_order_first(&over->rows, &cursor, number);
	bool empty = !row_order_in_group(&cursor, number);
	for (; row_order_in_group(&cursor, number); state_cursor_next(&cursor)) {
		const OverRow *row = state_cursor_payload(&cursor);
		if (row->emitted >= row->entry.weight) continue;
		uint32_t bytes;
		over_settle_noted(over, group, over_order_value(over, state_cursor_key(&cursor, &bytes), &over->op.scratch).i64);
		return;
	}
	if (empty && !group->base) keyed_remove(&over->keyed, &group->group);
}

static void settle_partition(Over *over, OverGroup *group, int64_t watermark, Emitter *emitter)
{
	Arena *scratch = &over->op.scratch;
	arena_clear(scratch);
	OverPart part;
	over_part_passed(&part, over, keyed_number(&over->keyed, &group->group), false, watermark, scratch);
	part.snapshot = group->base;
	part.from = first_not_emitted(&part);
	part.to = first_unsettled(&part, part.from, watermark);
	int forgotten = first_kept(&part, part.to, watermark);
	over_evaluate(&part, NULL);
	emit_settled(&part, emitter);
	mark_emitted(&part);
	rows_forget(&part, group, forgotten);
	wait_for_next(over, group);
}

void over_settle(Over *over, Emitter *emitter)
{
	int64_t watermark = over->op.in_watermarks[0][over->time_watermark];
	VEC(OverGroup *) due = {0};
	StateCursor cursor;
	for (state_tree_first(over->waiting, &cursor); cursor.valid; state_cursor_next(&cursor)) {
		uint32_t bytes, number;
		uint64_t time;
		const char *key = state_cursor_key(&cursor, &bytes);
		memcpy(&time, key, 8);
		memcpy(&number, key + 8, 4);
		if (!watermark_passed(&over->time, watermark, (int64_t)(be64toh(time) ^ 1ull << 63))) break;
		vec_push(&due, state_map_by_number(over->keyed.map, be32toh(number)));
	}
	for (int i = 0; i < due.count; i++) settle_partition(over, due.at[i], watermark, emitter);
	vec_release(&due);
}

void over_settle_all(Over *over, OverGroup *group, Emitter *emitter)
{
	Arena *scratch = &over->op.scratch;
	arena_clear(scratch);
	OverPart part;
	over_part_passed(&part, over, keyed_number(&over->keyed, &group->group), true, 0, scratch);
	part.snapshot = group->base;
	part.from = first_not_emitted(&part);
	over_evaluate(&part, NULL);
	emit_settled(&part, emitter);
	waits_no_more(over, group);
}
