/* HOP and CUMULATE windows that share their rows: all instants of a slice are in the same windows, so the rows of a commit are first
 * folded into one partial per (slice, key), and each partial is merged into the groups of its windows at the commit: as many times as a
 * slice has windows, not as a row has. Rows that come late for the first few windows of their slice have a partial of their own.
 *
 * Where a call cannot be merged (DISTINCT, ordered) each row is repeated for its windows instead. Partials do not outlive a commit and are not
 * saved; what they hold outside lies in the operator's state and is freed before it could be.
 *
 * (Li et al., No pane, no gain, SIGMOD Record 2005, has slices as panes.) */
#include "op/aggregate.h"

#include "op/select.h"

enum { CHUNK_ROWS = 1024 };

static bool is_shared(const Grouping *g) { return g->partials != NULL; }

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
			open = open_spans(g, window_instant(&g->windows, slice), judge, spans, &late);
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

static Group **partials_find(Grouping *g, const Column *keys, int count, const int64_t *weights, const int64_t *judges)
{
	Arena *scratch = &g->op.scratch;
	Group **partials = arena_alloc(scratch, sizeof *partials * (size_t)count);
	bool *added = arena_alloc(scratch, sizeof *added * (size_t)count);
	PackedRows packed = rows_pack(keys, g->plain_key_count + 1, count, scratch);
	state_map_upsert_many(g->partials, packed.at, packed.bytes, packed.hashes, count, (void **)partials, added);
	for (int i = 0; i < count; i++) {
		Group *partial = partials[i];
		if (added[i] && g->states_outside) partial->states = state_blob_new(g->op.state, NULL, g->state_bytes);
		partial->count += weights ? weights[i] : 1;
		if (!g->has_judge) continue;
		int64_t *judge = group_judge(g, partial), own = judges ? judges[i] : WATERMARK_NONE;
		if (added[i] || own > *judge) *judge = own;
	}
	return partials;
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
	Group **partials = partials_find(g, keys, count, weights, batch_judges_dense(kept, scratch));
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

/* ---- at the commit ---- */

typedef struct Merge {
	Repeated rows[CHUNK_ROWS];            /* row: number in partials */
	Group *partials[CHUNK_ROWS];
	Value *keys;                          /* plain_key_count a row */
	int count;
} Merge;

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
	for (int k = 0; k < g->plain_key_count; k++) keys[g->plain_keys[k]] = plain_key_column(g, merge, k);
	set_window_keys(g, keys, merge->rows, merge->count);
	for (int i = 0; i < merge->count; i++) {
		weights[i] = merge->partials[i]->count;
		if (judges) judges[i] = *group_judge(g, merge->partials[i]);
	}
	Group **groups = groups_find(g, keys, merge->count, weights, judges, span_ends(g, merge->rows, merge->count), scratch);
	for (int i = 0; i < merge->count; i++) calls_merge(g, groups[i], merge->partials[i]);
	merge->count = 0;
}

static void merge_partial(Grouping *g, Merge *merge, Group *partial, const Type *types, Value *values, WindowSpan *spans)
{
	uint32_t bytes;
	row_unpack(state_map_key(g->partials, partial, &bytes), types, g->plain_key_count + 1, values);
	int64_t past = (values[0].i64 - g->windows.offset_us) % g->slice_us;
	int late = (int)(past < 0 ? past + g->slice_us : past);
	int count = window_spans(&g->windows, window_instant(&g->windows, values[0].i64 - late), spans);
	for (int w = late; w < count; w++) {
		if (merge->count == CHUNK_ROWS) merge_chunk(g, merge);
		merge->rows[merge->count] = (Repeated){0, spans[w]};
		merge->partials[merge->count] = partial;
		memcpy(&merge->keys[merge->count * g->plain_key_count], &values[1], sizeof *values * (size_t)g->plain_key_count);
		merge->count++;
	}
}

static void partials_clear(Grouping *g)
{
	uint32_t cursor = 0;
	bool outside = g->states_outside;
	for (int i = 0; i < g->folds.count; i++) outside |= g->folds.at[i].aggregate->release != NULL;
	for (Group *partial; outside && (partial = state_map_next(g->partials, &cursor));) {
		folds_release(g, partial);
		if (g->states_outside) state_blob_free(g->op.state, partial->states);
	}
	state_free(g->partial_state);
	g->partial_state = state_new("partials");
	g->partials = state_map_open(g->partial_state, g->group_bytes);
}

void slices_merge(Grouping *g)
{
	if (!is_shared(g) || state_map_count(g->partials) == 0) return;
	Arena *scratch = &g->op.scratch;
	Merge *merge = arena_alloc(scratch, sizeof *merge);
	merge->count = 0;
	merge->keys = arena_alloc(scratch, sizeof *merge->keys * (size_t)g->plain_key_count * CHUNK_ROWS);
	Type *types = arena_array(scratch, Type, g->plain_key_count + 1);
	Value *values = arena_array(scratch, Value, g->plain_key_count + 1);
	WindowSpan *spans = arena_alloc(scratch, sizeof *spans * (size_t)(window_spans_max(&g->windows) + 1));
	types[0] = TYPE(TIMESTAMP);
	for (int k = 0; k < g->plain_key_count; k++) types[k + 1] = g->key_types[g->plain_keys[k]];
	uint32_t cursor = 0;
	for (Group *partial; (partial = state_map_next(g->partials, &cursor));) merge_partial(g, merge, partial, types, values, spans);
	merge_chunk(g, merge);
	partials_clear(g);
}
