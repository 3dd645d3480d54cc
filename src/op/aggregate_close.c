/* Closing: groups whose time a watermark has passed.
 *
 * Groups that close together are a list through their records, found by the time in a small tree, so a new group costs no search of its own:
 * the last times used are remembered (until the next insert or removal in the tree, or the end of the commit). */
#include "op/aggregate.h"

#include <assert.h>
#include <endian.h>

#include "op/select.h"

#define NEVER INT64_MIN                 /* GroupClose.time of a group with NULL in the close key */

typedef struct CloseTime { uint32_t head, reserved; } CloseTime;       /* number + 1 of the first group */

enum { TIME_KEY_BYTES = 8, TIME_CACHE = sizeof ((Grouping *)0)->time_cache / sizeof *((Grouping *)0)->time_cache };

static uint64_t time_key(int64_t time) { return htobe64((uint64_t)time ^ (uint64_t)1 << 63); }

static int64_t key_time(const void *key)
{
	uint64_t x;
	memcpy(&x, key, sizeof x);
	return (int64_t)(be64toh(x) ^ (uint64_t)1 << 63);
}

void close_forget(Grouping *g) { memset(g->time_cache, 0, sizeof g->time_cache); }

static CloseTime *close_time(Grouping *g, int64_t time)
{
	int slot = (int)(((uint64_t)time * 0x9e3779b97f4a7c15ull) >> 32) & (TIME_CACHE - 1);
	if (g->time_cache[slot].at && g->time_cache[slot].time == time) return g->time_cache[slot].at;
	uint64_t key = time_key(time);
	bool added;
	CloseTime *at = state_tree_upsert(g->times, &key, TIME_KEY_BYTES, &added);
	if (added) close_forget(g);
	g->time_cache[slot].time = time;
	g->time_cache[slot].at = at;
	return at;
}

static Group *group_at(const Grouping *g, uint32_t number_1) { return state_map_by_number(g->groups, number_1 - 1); }

void close_add(Grouping *g, Group *group, int64_t time)
{
	CloseTime *at = close_time(g, time);
	GroupClose *close = group_close(g, group);
	uint32_t number = state_map_number(g->groups, group) + 1;
	*close = (GroupClose){.time = time, .next = at->head};
	if (at->head) {
		Group *next = group_at(g, at->head);
		state_map_changed(g->groups, next);
		group_close(g, next)->previous = number;
	}
	at->head = number;
}

void close_remove(Grouping *g, Group *group)
{
	GroupClose *close = group_close(g, group);
	if (close->time == NEVER) return;
	if (close->next) {
		Group *next = group_at(g, close->next);
		state_map_changed(g->groups, next);
		group_close(g, next)->previous = close->previous;
	}
	if (close->previous) {
		Group *previous = group_at(g, close->previous);
		state_map_changed(g->groups, previous);
		group_close(g, previous)->next = close->next;
		return;
	}
	CloseTime *at = close_time(g, close->time);
	at->head = close->next;
	if (at->head) return;
	uint64_t key = time_key(close->time);
	state_tree_remove(g->times, &key, TIME_KEY_BYTES);
	close_forget(g);
}

/* ---- late rows ---- */

static bool is_passed(const Grouping *g, int64_t time, int64_t watermark)
{
	if (watermark == WATERMARK_NONE) return false;
	if (watermark == WATERMARK_END) return true;
	return g->close_inclusive ? time + g->grace_us <= watermark : time + g->grace_us < watermark;
}

/* Late is what its judge says; what the last commit has closed is gone, whatever the judge says. */
bool is_late(const Grouping *g, int64_t time, int64_t judge)
{
	bool finite = judge != WATERMARK_NONE && judge != WATERMARK_END;
	return is_passed(g, time, finite ? judge - g->delta_us : judge) || is_passed(g, time, g->op.in_watermarks[0][g->input_watermark]);
}

Batch *close_keep(Grouping *g, Batch *in, const Column *times)
{
	uint32_t *sel = arena_alloc(&g->op.scratch, sizeof *sel * (size_t)in->count);
	int kept = 0;
	for (int i = 0; i < in->count; i++) {
		sel[kept] = (uint32_t)batch_row(in, i);
		if (column_is_null(times, i) || !is_late(g, times->i64[i], batch_judge(in, i))) kept++;
		else op_late(&g->op, in, i);
	}
	if (kept == in->count) return batch_ref(in);
	return kept ? batch_select(in, sel, kept) : NULL;
}

/* ---- at the commit ---- */

typedef struct Leaving { Group *group; size_t key; uint32_t bytes; } Leaving;

typedef VEC(Leaving) LeavingList;

static int leaving_compare(const void *a, const void *b, void *keys)
{
	const Leaving *x = a, *y = b;
	const StrBuf *text = keys;
	int order = memcmp(text->text + x->key, text->text + y->key, x->bytes < y->bytes ? x->bytes : y->bytes);
	return order ? order : (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

/* Rows that close together come in the order of their keys: not in that of their records, which no one can foresee. */
static bool leaving_emit(Grouping *g, const StateMap *map, LeavingList *groups, Error *err)
{
	StrBuf keys = STRBUF_INIT;
	for (int i = 0; i < groups->count; i++) {
		uint32_t bytes;
		Leaving *leaving = &groups->at[i];
		row_unpack(state_map_key(map, leaving->group, &bytes), g->key_types, g->key_count, g->key_values);
		leaving->key = keys.bytes;
		for (int k = 0; k < g->key_count; k++) sort_key_add(&keys, &g->key_values[k], (SortSpec){0});
		leaving->bytes = (uint32_t)(keys.bytes - leaving->key);
	}
	if (groups->count) qsort_r(groups->at, (size_t)groups->count, sizeof *groups->at, leaving_compare, &keys);
	strbuf_release(&keys);
	for (int i = 0; i < groups->count; i++) {
		Group *group = groups->at[i].group;
		if (group->count <= 0) continue;
		calls_result(g, group, g->call_values, &g->old_arena);
		if (!group_emit(g, map, group, 1, g->call_values, err)) return false;
	}
	return true;
}

bool records_emit(Grouping *g, const StateMap *map, Error *err)
{
	LeavingList records = {0};
	uint32_t cursor = 0;
	for (Group *record; (record = state_map_next(map, &cursor));) vec_push(&records, (Leaving){.group = record});
	bool fine = leaving_emit(g, map, &records, err);
	vec_release(&records);
	return fine;
}

bool is_closed(const Grouping *g, int64_t time) { return is_passed(g, time, g->op.in_watermarks[0][g->input_watermark]); }

int64_t close_list_time(const StateCursor *cursor)
{
	uint32_t bytes;
	return key_time(state_cursor_key(cursor, &bytes));
}

Group *close_list_first(const Grouping *g, const StateCursor *cursor) { return group_at(g, ((CloseTime *)state_cursor_payload(cursor))->head); }

Group *close_list_next(const Grouping *g, Group *group)
{
	uint32_t next = group_close(g, group)->next;
	return next ? group_at(g, next) : NULL;
}

/* The list is taken out of the tree first: then the groups need not be unlinked one by one. */
void close_list_free(Grouping *g, StateCursor *cursor)
{
	Group *group = close_list_first(g, cursor);
	state_cursor_remove(cursor);
	while (group) {
		Group *next = close_list_next(g, group);
		state_map_changed(g->groups, group);
		group_close(g, group)->time = NEVER;
		group_remove(g, group);
		group = next;
	}
}

static bool close_list_emit(Grouping *g, const StateCursor *cursor, Error *err)
{
	LeavingList groups = {0};
	for (Group *group = close_list_first(g, cursor); group; group = close_list_next(g, group)) vec_push(&groups, (Leaving){.group = group});
	bool fine = leaving_emit(g, g->groups, &groups, err);
	vec_release(&groups);
	return fine;
}

bool close_groups(Grouping *g, Error *err)
{
	if (g->close_key < 0) return true;
	StateCursor cursor;
	for (state_tree_first(g->times, &cursor); cursor.valid && is_closed(g, close_list_time(&cursor));) {
		if (g->emit_on_close && !close_list_emit(g, &cursor, err)) return false;
		close_list_free(g, &cursor);
	}
	close_forget(g);
	return true;
}
