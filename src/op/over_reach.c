/* Which part of a partition a change affects, and loading it.
 *
 * A changed row affects those whose reach contains it: rows behind it as far as calls look back, rows before it as far as they look ahead. To
 * compute these, rows are needed as far as their own reach goes; for running calls, from the last snapshot before them. Both are found by
 * walking from the changed rows outwards, entry by entry, which are loaded anyway. */
#include "op/over.h"

/* Entries of a partition on both sides of where the walk began: entry 0 is the first that changed. */
typedef struct Walk {
	Over *over;
	Arena *arena;
	uint32_t group;
	VEC(OverItem) behind, before;         /* before: from entry -1 backwards */
	StateCursor first, last;              /* on the outermost entries */
	bool at_start, at_end;
} Walk;

static OverItem item_at(const StateCursor *cursor)
{
	OverItem item = {.row = state_cursor_payload(cursor)};
	item.key = state_cursor_key(cursor, &item.key_bytes);
	return item;
}

static OverItem *walk_item(const Walk *walk, int i) { return i >= 0 ? &walk->behind.at[i] : &walk->before.at[-1 - i]; }

/* Is there an entry i? It is next to one that is loaded. */
static bool walk_has(Walk *walk, int i)
{
	if (i >= 0 ? i < walk->behind.count : -1 - i < walk->before.count) return true;
	if (i >= 0) {
		if (walk->at_end) return false;
		state_cursor_next(&walk->last);
		walk->at_end = !row_order_in_group(&walk->last, walk->group);
		if (walk->at_end) return false;
		vec_push_in(walk->arena, &walk->behind, item_at(&walk->last));
		return true;
	}
	if (walk->at_start) return false;
	state_cursor_prev(&walk->first);
	walk->at_start = !row_order_in_group(&walk->first, walk->group);
	if (walk->at_start) return false;
	vec_push_in(walk->arena, &walk->before, item_at(&walk->first));
	return true;
}

/* ---- reaching ---- */

/* Rows that were there before this commit and are now: those count for the reach of what is affected, whichever world one looks from. */
static int64_t lasting_copies(const OverRow *row) { return row->entry.weight < row->emitted ? row->entry.weight : row->emitted; }
static int64_t live_copies(const OverRow *row) { return row->entry.weight; }

typedef int64_t CountCopies(const OverRow *row);

static bool column_has_value(const Walk *walk, const OverItem *item, int column)
{
	int count = walk->over->rows.column_count;
	Value *values = arena_alloc(walk->arena, sizeof *values * (size_t)(count + 1));
	row_order_read(&walk->over->rows, item->key, &item->row->entry, values, walk->arena);
	return !values[column].is_null;
}

/* The outermost entry within the reach of entry `from`, which is the last of its peers in that direction */
static int reach_from(Walk *walk, int from, int direction, const Reach *reach, CountCopies *copies)
{
	int i = from;
	int64_t seen = 0;
	bool group_lives = false;
	if (reach->kind == REACH_NONE) return from;
	Value origin = {0};
	if (reach->kind == REACH_RANGE) origin = over_order_value(walk->over, walk_item(walk, from)->key, walk->arena);
	for (; walk_has(walk, i + direction); i += direction) {
		const OverItem *item = walk_item(walk, i + direction);
		int64_t live = copies(item->row);
		switch (reach->kind) {
		case REACH_NONE: case REACH_ALL: break;
		case REACH_ROWS:
			if (seen >= reach->count) return i;
			if (live > 0) seen += live;
			break;
		case REACH_GROUPS:
			if (!over_same_peers(walk_item(walk, i), item)) {
				if (group_lives && i != from) seen++;
				if (seen >= reach->count) return i;
				group_lives = false;
			}
			group_lives |= live > 0;
			break;
		case REACH_RANGE: {
			Value value = over_order_value(walk->over, item->key, walk->arena);
			if (!over_within_range(walk->over, &origin, &value, &reach->offset, direction)) return i;
			break;
		}
		case REACH_VALUES:
			if (seen >= reach->count) return i;
			if (live > 0 && column_has_value(walk, item, reach->column)) seen += live;
			break;
		}
	}
	return i;
}

static int peers_end(Walk *walk, int i, int direction)
{
	while (walk_has(walk, i + direction) && over_same_peers(walk_item(walk, i), walk_item(walk, i + direction))) i += direction;
	return i;
}

typedef enum Side { SIDE_BEFORE, SIDE_AFTER } Side;

/* The farthest entry from `from` in a direction, over the reaches that calls have on one side; with all peers of it */
static int farthest(Walk *walk, int from, int direction, Side side, bool with_running, CountCopies *copies)
{
	int far = from;
	for (int c = 0; c < walk->over->call_count; c++) {
		const Call *call = &walk->over->calls[c];
		if (call->running && side == SIDE_BEFORE && !with_running) continue;
		int i = reach_from(walk, from, direction, side == SIDE_BEFORE ? &call->before : &call->after, copies);
		if ((i - far) * direction > 0) far = i;
	}
	return peers_end(walk, far, direction);
}

/* The first entry behind the last snapshot before `from`; the first of the partition where there is none */
static int behind_snapshot(Walk *walk, int from, StateHandle *snapshot)
{
	*snapshot = 0;
	int i = from;
	for (; walk_has(walk, i - 1); i--) {
		*snapshot = walk_item(walk, i - 1)->row->snapshot;
		if (*snapshot) return i;
	}
	return i;
}

static void walk_start(Walk *walk, Over *over, const OverGroup *group, const Str *key, Arena *arena)
{
	*walk = (Walk){.over = over, .arena = arena, .group = keyed_number(&over->keyed, &group->group)};
	state_tree_seek(over->rows.tree, &walk->first, str_at(key), key->bytes);
	walk->last = walk->first;
	vec_push_in(arena, &walk->behind, item_at(&walk->first));
}

static int compare_item(const OverItem *item, const Str *key)
{
	Str own = str_borrow(item->key, item->key_bytes);
	return str_compare(&own, key);
}

/* What the changes at the first keys affect and need behind them: entries up to *to, and up to *last. Gives how many of the keys lie within. */
static int reach_behind(Walk *walk, const Str *keys, int key_count, bool all, int *to, int *last)
{
	int within = 1, changed = 0, before;
	do {
		before = within;
		if (all) within = key_count;
		while (walk_has(walk, changed + 1) && compare_item(walk_item(walk, changed + 1), &keys[within - 1]) <= 0) changed++;
		*to = farthest(walk, peers_end(walk, changed, 1), 1, SIDE_BEFORE, true, lasting_copies);
		*last = farthest(walk, *to, 1, SIDE_AFTER, true, live_copies);
		while (within < key_count && compare_item(walk_item(walk, *last), &keys[within]) >= 0) within++;
	} while (within > before);
	return within;
}

/* ---- positions ---- */

static void part_groups(OverPart *part)
{
	part->group_no = arena_alloc(part->arena, sizeof *part->group_no * (size_t)(part->count + 1));
	part->group_first = arena_alloc(part->arena, sizeof *part->group_first * (size_t)(part->count + 2));
	for (int i = 0; i < part->count; i++) {
		bool starts = i == 0 || (part->item_of[i] != part->item_of[i - 1] && !over_same_peers(&part->items[part->item_of[i - 1]], &part->items[part->item_of[i]]));
		if (starts) part->group_first[part->group_count++] = i;
		part->group_no[i] = part->group_count - 1;
	}
	part->group_first[part->group_count] = part->count;
}

static void part_columns(OverPart *part)
{
	const Over *over = part->over;
	int columns = over->rows.column_count;
	part->columns = arena_array(part->arena, Column, columns + 1);
	bool any = false;
	for (int c = 0; c < columns; c++) {
		if (!over->needed[c]) continue;
		Type type = over->rows.types[c];
		part->columns[c] = (Column){.type = type, .data = arena_zalloc(part->arena, phys_bytes(type_phys(type)) * (size_t)(part->count + 1)),
			.null = arena_zalloc(part->arena, (size_t)part->count + 1)};
		any = true;
	}
	if (over->ranges) part->order_values = arena_alloc(part->arena, sizeof *part->order_values * (size_t)(part->count + 1));
	Value *values = part->row_values;
	for (int i = 0; i < part->count; i++) {
		const OverItem *item = &part->items[part->item_of[i]];
		bool again = i > 0 && part->item_of[i] == part->item_of[i - 1];
		if (any && !again) row_order_read(&over->rows, item->key, &item->row->entry, values, part->arena);
		for (int c = 0; c < columns && any; c++)
			if (over->needed[c]) column_set(&part->columns[c], i, &values[c], part->arena);
		if (over->ranges) part->order_values[i] = over_order_value(over, item->key, part->arena);
	}
}

static void part_fill(OverPart *part)
{
	for (int i = 0; i < part->item_count; i++) {
		part->items[i].first = part->count;
		if (part->items[i].row->entry.weight > 0) part->count += (int)part->items[i].row->entry.weight;
	}
	part->item_of = arena_alloc(part->arena, sizeof *part->item_of * (size_t)(part->count + 1));
	for (int i = 0, at = 0; i < part->item_count; i++)
		for (int64_t copy = 0; copy < part->items[i].row->entry.weight; copy++) part->item_of[at++] = i;
	part->row_values = arena_alloc(part->arena, sizeof(Value) * (size_t)(part->over->rows.column_count + 1));
	part->call_values = arena_alloc(part->arena, sizeof(Value) * (size_t)(part->over->call_count + 1));
	part_groups(part);
	part_columns(part);
}

static int position_of_item(const OverPart *part, int item) { return item < part->item_count ? part->items[item].first : part->count; }

int over_part_touched(OverPart *part, Over *over, const OverGroup *group, const Str *keys, int key_count, bool all, Arena *arena)
{
	Walk walk;
	walk_start(&walk, over, group, keys, arena);
	int to, last, within = reach_behind(&walk, keys, key_count, all, &to, &last);
	int from = farthest(&walk, peers_end(&walk, 0, -1), -1, SIDE_AFTER, true, lasting_copies);
	int first = farthest(&walk, from, -1, SIDE_BEFORE, false, live_copies);
	*part = (OverPart){.over = over, .arena = arena};
	int run_from = first;
	if (over->has_running) run_from = behind_snapshot(&walk, from, &part->snapshot);
	int earliest = run_from - (part->snapshot != 0);          /* the snapshot's row, too: it may lose it */
	if (earliest < first) first = earliest;
	part->item_count = last - first + 1;
	part->items = arena_alloc(arena, sizeof *part->items * (size_t)part->item_count);
	for (int i = 0; i < part->item_count; i++) part->items[i] = *walk_item(&walk, first + i);
	part_fill(part);
	part->affected_from = from - first;
	part->affected_to = to - first + 1;
	part->from = position_of_item(part, part->affected_from);
	part->to = position_of_item(part, part->affected_to);
	part->run_from = position_of_item(part, run_from - first);
	return within;
}

void over_part_passed(OverPart *part, Over *over, uint32_t group, bool all, int64_t watermark, Arena *arena)
{
	*part = (OverPart){.over = over, .arena = arena};
	VEC(OverItem) items = {0};
	StateCursor cursor;
	for (row_order_first(&over->rows, &cursor, group); row_order_in_group(&cursor, group); state_cursor_next(&cursor)) {
		OverItem item = item_at(&cursor);
		if (!all) {
			Value time = over_order_value(over, item.key, arena);
			if (!watermark_passed(&over->time, watermark, time.i64)) break;
		}
		vec_push_in(arena, &items, item);
	}
	part->items = items.at;
	part->item_count = items.count;
	part_fill(part);
	part->to = part->count;
}
