/* HOP and CUMULATE windows that share their rows: all instants of a slice are in the same windows, so rows are first folded into one partial
 * per (slice, key), and partials are merged into windows: as many times as a slice has windows, not as a row has. Rows that come late for
 * the first few windows of their slice have a partial of their own.
 *
 * Where open windows are visible, partials live for one commit and are merged into the groups of all their windows at its end; they are not
 * saved, and what they hold outside lies in the operator's state and is freed before it could be. With EMIT ON WINDOW CLOSE partials are
 * all that is kept: a window is merged from its slices when it closes, and a slice goes with its last window.
 * Where a call cannot be merged (DISTINCT, ordered) each row is repeated for its windows instead.
 *
 * (Li et al., No pane, no gain, SIGMOD Record 2005, has slices as panes.) */
#include "op/aggregate.h"

#include "op/select.h"

enum { CHUNK_ROWS = 1024 };

/* EMIT ON WINDOW CLOSE: the number of the last window's end, and whether there was one */
enum { REGISTER_CLOSED = 0, REGISTER_HAS_CLOSED = 1 };

static bool is_shared(const Grouping *g) { return g->partials != NULL; }
static bool keeps_partials(const Grouping *g) { return g->partials == g->groups; }

/* ---- windows of rows ---- */

typedef struct Repeated { uint32_t row; WindowSpan span; } Repeated;

/* Windows of an instant that are open for a row with this judge; *late: how many before them are closed. */
static int open_spans(const Grouping *g, int64_t time, int64_t judge, WindowSpan *spans, int *late)
{
	int count = window_spans(&g->windows, time, spans);
	*late = 0;
	if (g->close_key < 0) return count;
	while (*late < count && is_late(g, spans[*late].end, judge)) ++*late;
	return count - *late;
}

static Column time_column(Arena *arena, int count) { return (Column){.type = TYPE(TIMESTAMP), .i64 = arena_alloc(arena, sizeof(int64_t) * (size_t)count)}; }

static int64_t window_key_value(int which, WindowSpan span)
{
	return which == 0 ? span.start : which == 1 ? span.end : span.end - WINDOW_TIME_BEFORE_END_US;
}

/* The key columns that are windows' bounds. */
static void set_window_keys(Grouping *g, Column *keys, const Repeated *rows, int count)
{
	for (int which = 0; which < 3; which++) {
		int key = g->window_keys[which];
		if (key < 0) continue;
		keys[key] = time_column(&g->op.scratch, count);
		for (int i = 0; i < count; i++) keys[key].i64[i] = window_key_value(which, rows[i].span);
	}
}

static int64_t *span_ends(Grouping *g, const Repeated *rows, int count)
{
	int64_t *ends = arena_alloc(&g->op.scratch, sizeof *ends * (size_t)count);
	for (int i = 0; i < count; i++) ends[i] = rows[i].span.end;
	return ends;
}

/* ---- rows repeated for their windows ---- */

static void repeated_apply(Grouping *g, Batch *in, const Repeated *repeated, int count)
{
	Arena *scratch = &g->op.scratch;
	uint32_t *rows = arena_alloc(scratch, sizeof *rows * (size_t)count);
	for (int i = 0; i < count; i++) rows[i] = repeated[i].row;
	Batch *batch = batch_repeat(in, rows, count, 0);
	Column *keys = arena_array(scratch, Column, g->key_count + 1);
	g->batch++;
	for (int k = 0; k < g->plain_key_count; k++) keys[g->plain_keys[k]] = expr_eval(g->keys[g->plain_keys[k]], batch, scratch);
	set_window_keys(g, keys, repeated, count);
	Group **groups = groups_find(g, keys, count, batch->weights, batch->hidden.judge, span_ends(g, repeated, count), scratch);
	calls_apply(g, batch, groups, batch->weights);
	batch_unref(batch);
}

static void repeat_push(Grouping *g, Batch *in, const Column *times)
{
	Arena *scratch = &g->op.scratch;
	WindowSpan *spans = arena_alloc(scratch, sizeof *spans * (size_t)(window_spans_max(&g->windows) + 1));
	Repeated *repeated = arena_alloc(scratch, sizeof *repeated * CHUNK_ROWS);
	int count = 0;
	for (int i = 0; i < in->count; i++) {
		if (column_is_null(times, i)) continue;
		int late, open = open_spans(g, times->i64[i], batch_judge(in, i), spans, &late);
		if (late && !open) op_late(&g->op, in, i);
		for (int w = 0; w < open; w++) {
			repeated[count++] = (Repeated){(uint32_t)i, spans[late + w]};
			if (count < CHUNK_ROWS) continue;
			repeated_apply(g, in, repeated, count);
			count = 0;
		}
	}
	if (count) repeated_apply(g, in, repeated, count);
}

/* ---- partials ---- */

/* For each row its slice's start, plus the number of the slice's windows that are closed for it (fewer than a slice has microseconds). Rows
 * of no open window are left out of `sel`. */
static int slice_rows(Grouping *g, Batch *in, const Column *times, int64_t *slices, uint32_t *sel)
{
	WindowSpan *spans = arena_alloc(&g->op.scratch, sizeof *spans * (size_t)(window_spans_max(&g->windows) + 1));
	int64_t known = INT64_MIN, known_judge = 0;
	int count = 0, late = 0, open = 0;
	for (int i = 0; i < in->count; i++) {
		if (column_is_null(times, i)) continue;
		int64_t slice = window_floor(&g->windows, times->i64[i], g->slice_us), judge = batch_judge(in, i);
		if (slice != known || judge != known_judge) {
			open = open_spans(g, slice, judge, spans, &late);
			known = slice;
			known_judge = judge;
		}
		if (!open) {
			if (late) op_late(&g->op, in, i);
			continue;
		}
		slices[count] = slice + late;
		sel[count++] = (uint32_t)batch_row(in, i);
	}
	return count;
}

static void partial_add(Grouping *g, Group *partial, bool added, int64_t weight, int64_t judge)
{
	if (added && g->states_outside) partial->states = state_blob_new(g->op.state, NULL, g->state_bytes);
	partial->count += weight;
	if (g->has_judge && (added || judge > *group_judge(g, partial))) *group_judge(g, partial) = judge;
}

/* Records of a map of partials, or of the groups of a window that closes: neither is touched or listed with a time of its own. */
static Group **records_find(Grouping *g, StateMap *map, const Column *keys, int key_count, int count, const int64_t *weights, const int64_t *judges, bool *added)
{
	Arena *scratch = &g->op.scratch;
	Group **records = arena_alloc(scratch, sizeof *records * (size_t)count);
	PackedRows packed = rows_pack(keys, key_count, count, scratch);
	state_map_upsert_many(map, packed.at, packed.bytes, packed.hashes, count, (void **)records, added);
	for (int i = 0; i < count; i++) partial_add(g, records[i], added[i], weights ? weights[i] : 1, judges ? judges[i] : WATERMARK_NONE);
	return records;
}

/* A partial's first key is its slice's start and the number of windows that it is late for. */
static int64_t slice_of(const Grouping *g, int64_t code, int *late)
{
	int64_t past = (code - g->windows.offset_us) % g->slice_us;
	*late = (int)(past < 0 ? past + g->slice_us : past);
	return code - *late;
}

static void partial_push(Grouping *g, Batch *in, const Column *times)
{
	Arena *scratch = &g->op.scratch;
	int64_t *slices = arena_alloc(scratch, sizeof *slices * (size_t)in->count);
	uint32_t *sel = arena_alloc(scratch, sizeof *sel * (size_t)in->count);
	int count = slice_rows(g, in, times, slices, sel);
	if (count == 0) return;
	Batch *kept = count == in->count ? batch_ref(in) : batch_select(in, sel, count);
	g->batch++;
	Column *keys = arena_array(scratch, Column, g->plain_key_count + 1);
	keys[0] = (Column){.type = TYPE(TIMESTAMP), .i64 = slices};
	for (int k = 0; k < g->plain_key_count; k++) keys[k + 1] = expr_eval(g->keys[g->plain_keys[k]], kept, scratch);
	const int64_t *weights = batch_weights_dense(kept, scratch);
	bool *added = arena_alloc(scratch, sizeof *added * (size_t)count);
	Group **partials = records_find(g, g->partials, keys, g->plain_key_count + 1, count, weights, batch_judges_dense(kept, scratch), added);
	for (int i = 0, late; keeps_partials(g) && i < count; i++)
		if (added[i]) close_add(g, partials[i], slice_of(g, slices[i], &late));
	calls_apply(g, kept, partials, weights);
	batch_unref(kept);
}

bool slices_push(Grouping *g, Batch *in, Error *err)
{
	(void)err;
	Column times = expr_eval(g->slice_time, in, &g->op.scratch);
	if (is_shared(g)) partial_push(g, in, &times);
	else repeat_push(g, in, &times);
	return true;
}

/* ---- merging ---- */

typedef struct Merge {
	StateMap *into;                       /* NULL: the operator's groups */
	Repeated rows[CHUNK_ROWS];            /* the window of each */
	Group *partials[CHUNK_ROWS];
	Value *keys;                          /* plain_key_count a row */
	int count;
	Type *types;                          /* of a partial's key */
	Value *values;
	WindowSpan *spans;
} Merge;

static Merge *merge_make(Grouping *g, StateMap *into)
{
	Arena *scratch = &g->op.scratch;
	Merge *merge = arena_alloc(scratch, sizeof *merge);
	merge->into = into;
	merge->count = 0;
	merge->keys = arena_alloc(scratch, sizeof *merge->keys * (size_t)g->plain_key_count * CHUNK_ROWS);
	merge->types = arena_array(scratch, Type, g->plain_key_count + 1);
	merge->values = arena_array(scratch, Value, g->plain_key_count + 1);
	merge->spans = arena_alloc(scratch, sizeof *merge->spans * (size_t)(window_spans_max(&g->windows) + 1));
	merge->types[0] = TYPE(TIMESTAMP);
	for (int k = 0; k < g->plain_key_count; k++) merge->types[k + 1] = g->key_types[g->plain_keys[k]];
	return merge;
}

static Column plain_key_column(Grouping *g, const Merge *merge, int k)
{
	Arena *scratch = &g->op.scratch;
	Type type = g->key_types[g->plain_keys[k]];
	Column column = {.type = type, .data = arena_alloc(scratch, phys_bytes(type_phys(type)) * (size_t)merge->count), .null = arena_zalloc(scratch, (size_t)merge->count)};
	for (int i = 0; i < merge->count; i++) {
		const Value *value = &merge->keys[i * g->plain_key_count + k];
		if (!value->is_null && type_phys(type) == PHYS_STR) column.str[i] = value->str;      /* borrows from the partial's record */
		else column_set(&column, i, value, scratch);
	}
	return column;
}

static void merge_chunk(Grouping *g, Merge *merge)
{
	if (merge->count == 0) return;
	Arena *scratch = &g->op.scratch;
	Column *keys = arena_array(scratch, Column, g->key_count + 1);
	int64_t *weights = arena_alloc(scratch, sizeof *weights * (size_t)merge->count);
	int64_t *judges = g->has_judge ? arena_alloc(scratch, sizeof *judges * (size_t)merge->count) : NULL;
	bool *added = arena_alloc(scratch, sizeof *added * (size_t)merge->count);
	for (int k = 0; k < g->plain_key_count; k++) keys[g->plain_keys[k]] = plain_key_column(g, merge, k);
	set_window_keys(g, keys, merge->rows, merge->count);
	for (int i = 0; i < merge->count; i++) {
		weights[i] = merge->partials[i]->count;
		if (judges) judges[i] = *group_judge(g, merge->partials[i]);
	}
	Group **groups;
	if (merge->into) groups = records_find(g, merge->into, keys, g->key_count, merge->count, weights, judges, added);
	else groups = groups_find(g, keys, merge->count, weights, judges, span_ends(g, merge->rows, merge->count), scratch);
	for (int i = 0; i < merge->count; i++) calls_merge(g, groups[i], merge->partials[i]);
	merge->count = 0;
}

static void merge_add(Grouping *g, Merge *merge, Group *partial, WindowSpan span)
{
	if (merge->count == CHUNK_ROWS) merge_chunk(g, merge);
	merge->rows[merge->count] = (Repeated){0, span};
	merge->partials[merge->count] = partial;
	memcpy(&merge->keys[merge->count * g->plain_key_count], &merge->values[1], sizeof *merge->values * (size_t)g->plain_key_count);
	merge->count++;
}

/* Sets merge->values to the partial's key; the start of its slice. */
static int64_t merge_read(Grouping *g, Merge *merge, const Group *partial, int *late)
{
	uint32_t bytes;
	row_unpack(state_map_key(g->partials, partial, &bytes), merge->types, g->plain_key_count + 1, merge->values);
	return slice_of(g, merge->values[0].i64, late);
}

/* What records of a map that is thrown away hold in the operator's state */
static void records_release(Grouping *g, StateMap *map)
{
	uint32_t cursor = 0;
	bool outside = g->states_outside;
	for (int i = 0; i < g->folds.count; i++) outside |= g->folds.at[i].aggregate->release != NULL;
	for (Group *record; outside && (record = state_map_next(map, &cursor));) {
		folds_release(g, record);
		if (g->states_outside) state_blob_free(g->op.state, record->states);
	}
}

/* ---- open windows are visible: at the end of each commit ---- */

void slices_merge(Grouping *g)
{
	if (!is_shared(g) || keeps_partials(g) || state_map_count(g->partials) == 0) return;
	Merge *merge = merge_make(g, NULL);
	uint32_t cursor = 0;
	for (Group *partial; (partial = state_map_next(g->partials, &cursor));) {
		int late, count;
		int64_t slice = merge_read(g, merge, partial, &late);
		count = window_spans(&g->windows, slice, merge->spans);
		for (int w = late; w < count; w++) merge_add(g, merge, partial, merge->spans[w]);
	}
	merge_chunk(g, merge);
	records_release(g, g->partials);
	state_free(g->partial_state);
	g->partial_state = state_new("partials");
	g->partials = state_map_open(g->partial_state, g->group_bytes);
}

/* ---- EMIT ON WINDOW CLOSE ---- */

/* Merges the partials of a slice that are in the window: not those of rows that were late for it. */
static void merge_slice(Grouping *g, Merge *merge, const StateCursor *cursor, int64_t slice, WindowSpan window)
{
	int which = 0;
	window_spans(&g->windows, slice, merge->spans);
	while (merge->spans[which].end != window.end) which++;
	for (Group *partial = close_list_first(g, cursor); partial; partial = close_list_next(g, partial)) {
		int late;
		merge_read(g, merge, partial, &late);
		if (late <= which) merge_add(g, merge, partial, window);
	}
}

static bool window_close(Grouping *g, WindowSpan window, Error *err)
{
	State *state = state_new("window");
	StateMap *map = state_map_open(state, g->group_bytes);
	Merge *merge = merge_make(g, map);
	StateCursor cursor;
	for (state_tree_first(g->times, &cursor); cursor.valid; state_cursor_next(&cursor)) {
		int64_t slice = close_list_time(&cursor);
		if (slice >= window.end) break;
		merge_slice(g, merge, &cursor, slice, window);
	}
	merge_chunk(g, merge);
	bool fine = records_emit(g, map, err);
	records_release(g, map);
	state_free(state);
	return fine;
}

/* The first slice is in the window that closes next, or in none that is open: slices are in the order of their windows' ends. */
bool slices_close(Grouping *g, Error *err)
{
	if (!is_shared(g) || !keeps_partials(g)) return close_groups(g, err);
	int64_t *closed = state_register(g->op.state, REGISTER_CLOSED), *has_closed = state_register(g->op.state, REGISTER_HAS_CLOSED);
	WindowSpan *spans = arena_alloc(&g->op.scratch, sizeof *spans * (size_t)(window_spans_max(&g->windows) + 1));
	bool fine = true;
	while (fine) {
		StateCursor cursor;
		state_tree_first(g->times, &cursor);
		if (!cursor.valid) break;
		int count = window_spans(&g->windows, close_list_time(&cursor), spans), next = 0;
		while (next < count && *has_closed && spans[next].end <= *closed) next++;
		if (next == count) {
			close_list_free(g, &cursor);
			continue;
		}
		if (!is_closed(g, spans[next].end)) break;
		fine = window_close(g, spans[next], err);
		*closed = spans[next].end;
		*has_closed = 1;
	}
	close_forget(g);
	return fine;
}
