/* Aggregate: GROUP BY and DISTINCT.
 *
 * A push finds the groups of a batch's rows (one probe of the map for all), remembers of each group that this commit has not touched yet
 * what its row was, and feeds the calls column by column. At the commit old and new rows of the touched groups are compared and go out where
 * they differ: nothing is emitted that the same commit takes back. A group without rows goes, but for that of a query without GROUP BY,
 * which is there from the first commit on. Groups that a watermark closes are freed; their rows in the view stay.
 *
 * Rejected: keeping each group's last row in its record (memory for every group, to save one result per touched group and commit).
 */
#include "op/aggregate.h"

#include <assert.h>

#include "op/select.h"

enum { OUT_ROWS = 1024, GROUP_BYTES_MAX = 8192 };

/* ---- old values ---- */

static void old_grow(Grouping *g, int wanted)
{
	OldValues *old = &g->old;
	if (wanted <= old->room) return;
	old->room = wanted < 256 ? 256 : wanted * 2;
	for (int c = 0; c < g->call_count; c++) {
		old->data[c] = mem_realloc(old->data[c], phys_bytes(type_phys(g->calls.at[c].type)) * (size_t)old->room);
		old->null[c] = mem_realloc(old->null[c], (size_t)old->room);
	}
}

static void old_keep(Grouping *g, Group *group, int at)
{
	if (g->call_count == 0) return;
	old_grow(g, at + 1);
	calls_result(g, group, g->call_values, &g->old_arena);
	for (int c = 0; c < g->call_count; c++) {
		size_t bytes = phys_bytes(type_phys(g->calls.at[c].type));
		g->old.null[c][at] = g->call_values[c].is_null;
		memcpy(g->old.data[c] + bytes * (size_t)at, &g->call_values[c].i64, bytes);
	}
}

static Value old_value(const Grouping *g, int call, int at)
{
	Value value = {.type = g->calls.at[call].type, .is_null = g->old.null[call][at]};
	size_t bytes = phys_bytes(type_phys(value.type));
	memcpy(&value.i64, g->old.data[call] + bytes * (size_t)at, bytes);
	return value;
}

static bool is_unchanged(const Grouping *g, const Value *values, int at)
{
	for (int c = 0; c < g->call_count; c++) {
		const Value *new = &values[c];
		if (new->is_null != g->old.null[c][at]) return false;
		if (new->is_null) continue;
		PhysKind phys = type_phys(new->type);
		const char *old = g->old.data[c] + phys_bytes(phys) * (size_t)at;
		if (phys == PHYS_STR ? !str_equal(&new->str, (const Str *)(const void *)old) : memcmp(&new->i64, old, phys_bytes(phys)) != 0) return false;
	}
	return true;
}

/* ---- finding groups ---- */

static void group_touch(Grouping *g, Group *group, bool added)
{
	if (group->touched) return;
	bool existed = g->global ? !added : group->count > 0;
	if (g->emit_on_close && g->append_only) return;                    /* its row comes when it closes */
	vec_push(&g->touched, (Touched){group, existed});
	group->touched = (uint32_t)g->touched.count;
	if (existed && !g->emit_on_close) old_keep(g, group, g->touched.count - 1);
}

static void group_start(Grouping *g, Group *group, bool has_time, int64_t time)
{
	if (g->states_outside) group->states = state_blob_new(g->op.state, NULL, g->state_bytes);
	if (g->has_judge) *group_judge(g, group) = WATERMARK_NONE;
	if (g->close_key < 0) return;
	group_close(g, group)->time = INT64_MIN;
	if (has_time) close_add(g, group, time);
}

Group **groups_find(Grouping *g, const Column *keys, int count, const int64_t *weights, const int64_t *judges, const int64_t *close_times, Arena *scratch)
{
	Group **groups = arena_alloc(scratch, sizeof *groups * (size_t)count);
	bool *added = arena_alloc(scratch, sizeof *added * (size_t)count);
	PackedRows packed = rows_pack(keys, g->key_count, count, scratch);
	if (g->first_row_decides) state_map_reach_many(g->groups, packed.at, packed.bytes, packed.hashes, count, (void **)groups, added);
	else state_map_upsert_many(g->groups, packed.at, packed.bytes, packed.hashes, count, (void **)groups, added);
	const Column *close = g->close_key >= 0 && !close_times ? &keys[g->close_key] : NULL;
	for (int i = 0; i < count; i++) {
		Group *group = groups[i];
		if (added[i]) {
			bool has_time = close_times || (close && !column_is_null(close, i));
			group_start(g, group, has_time, !has_time ? 0 : close_times ? close_times[i] : close->i64[i]);
		}
		else if (g->first_row_decides && !group->touched) continue;        /* was there before this commit: nothing changes, not even the page */
		group_touch(g, group, added[i]);
		group->count += weights ? weights[i] : 1;
		if (judges && judges[i] > *group_judge(g, group)) *group_judge(g, group) = judges[i];
	}
	return groups;
}

void group_remove(Grouping *g, Group *group)
{
	if (g->close_key >= 0) close_remove(g, group);
	calls_release(g, group);
	state_map_remove(g->groups, group);
}

/* ---- emitting ---- */

static bool out_flush(Grouping *g, Error *err)
{
	Batch *batch = batch_builder_take(&g->out);
	if (batch) batch->system_us = g->system_us;
	return op_emit(&g->op, batch, err);
}

bool group_emit(Grouping *g, const StateMap *map, Group *group, int64_t weight, const Value *values, Error *err)
{
	if (batch_builder_full(&g->out) && !out_flush(g, err)) return false;
	uint32_t bytes;
	int row = batch_builder_row(&g->out, weight);
	row_unpack(state_map_key(map, group, &bytes), g->key_types, g->key_count, g->key_values);
	for (int k = 0; k < g->key_count; k++) batch_builder_set(&g->out, row, k, &g->key_values[k]);
	for (int c = 0; c < g->call_count; c++) batch_builder_set(&g->out, row, g->key_count + c, &values[c]);
	if (g->has_judge) batch_builder_judge(&g->out, row, *group_judge(g, group));
	return true;
}

static bool touched_emit(Grouping *g, const Touched *touched, int at, Error *err)
{
	Group *group = touched->group;
	bool exists = group->count > 0 || g->global;
	if (g->emit_on_close || (!exists && !touched->existed)) return true;
	if (exists) {
		calls_result(g, group, g->call_values, &g->old_arena);
		if (touched->existed && is_unchanged(g, g->call_values, at)) return true;
	}
	if (touched->existed) {
		for (int c = 0; c < g->call_count; c++) g->old_row[c] = old_value(g, c, at);
		if (!group_emit(g, g->groups, group, -1, g->old_row, err)) return false;
	}
	return !exists || group_emit(g, g->groups, group, 1, g->call_values, err);
}

bool groups_flush(Grouping *g, Error *err)
{
	bool fine = true;
	for (int i = 0; i < g->touched.count && fine; i++) {
		Touched touched = g->touched.at[i];
		fine = touched_emit(g, &touched, i, err);
		touched.group->touched = 0;
		if (touched.group->count == 0 && !g->global) group_remove(g, touched.group);
	}
	g->touched.count = 0;
	return fine;
}

/* ---- push and commit ---- */

static bool aggregate_push(Op *op, int input, Batch *in, Error *err)
{
	(void)input;
	Grouping *g = (Grouping *)op;
	if (g->slices) return slices_push(g, in, err);
	Arena *scratch = &op->scratch;
	Column *keys = arena_array(scratch, Column, g->key_count + 1);
	Batch *kept = batch_ref(in);
	if (g->close_key >= 0) {
		Column times = expr_eval(g->keys[g->close_key], in, scratch);
		batch_unref(kept);
		kept = close_keep(g, in, &times);
		if (!kept) return true;
	}
	g->batch++;
	for (int k = 0; k < g->key_count; k++) keys[k] = expr_eval(g->keys[k], kept, scratch);
	const int64_t *weights = batch_weights_dense(kept, scratch);
	const int64_t *judges = g->has_judge ? batch_judges_dense(kept, scratch) : NULL;
	Group **groups = groups_find(g, keys, kept->count, weights, judges, NULL, scratch);
	calls_apply(g, kept, groups, weights);
	batch_unref(kept);
	return true;
}

static bool aggregate_commit(Op *op, const CommitInfo *commit, Error *err)
{
	Grouping *g = (Grouping *)op;
	g->system_us = commit->system_us;
	if (g->slices) slices_merge(g);
	if (g->global && state_map_count(g->groups) == 0) {
		static const int64_t NO_ROW[] = {0};
		groups_find(g, NULL, 1, NO_ROW, NULL, NULL, &op->scratch);
	}
	bool fine = groups_flush(g, err) && slices_close(g, err) && out_flush(g, err);
	close_forget(g);
	arena_clear(&g->old_arena);
	return fine;
}

static void aggregate_release(Op *op)
{
	Grouping *g = (Grouping *)op;
	for (int k = 0; k < g->key_count; k++)
		if (g->keys[k]) expr_program_release(g->keys[k]);
	for (int i = 0; i < g->inputs.count; i++) expr_program_release(g->inputs.at[i].program);
	if (g->slice_time) expr_program_release(g->slice_time);
	if (g->slices) window_shape_release(&g->windows);
	for (int c = 0; c < g->call_count; c++) {
		free(g->old.data[c]);
		free(g->old.null[c]);
	}
	vec_release(&g->touched);
	batch_builder_release(&g->out);
	arena_release(&g->old_arena);
	state_free(g->partial_state);
}

static const OpClass AGGREGATE = {.name = "aggregate", .push = aggregate_push, .commit = aggregate_commit, .release = aggregate_release};

/* ---- making ---- */

static uint32_t spill_alloc(void *context, uint32_t bytes) { return state_blob_new(context, NULL, bytes); }
static void *spill_at(void *context, uint32_t handle) { return state_blob_change(context, handle, NULL); }
static void spill_free(void *context, uint32_t handle) { state_blob_free(context, handle); }

static uint32_t reserve(uint32_t *bytes, uint32_t more)
{
	uint32_t at = *bytes;
	*bytes += (more + 7) & ~7u;
	return at;
}

/* Where things lie in a group's record; states that would make it too large go into a blob. */
static void lay_out(Grouping *g)
{
	g->group_bytes = sizeof(Group);
	if (g->has_judge) g->judge_offset = reserve(&g->group_bytes, sizeof(int64_t));
	if (g->close_key >= 0) {
		g->close_offset = reserve(&g->group_bytes, sizeof(GroupClose));
		g->heads_offset = reserve(&g->group_bytes, (uint32_t)sizeof(uint32_t) * (uint32_t)g->tables.count);
	}
	g->states_outside = g->group_bytes + g->state_bytes > GROUP_BYTES_MAX;
	g->states_offset = reserve(&g->group_bytes, g->states_outside ? 0 : g->state_bytes);
}

static void open_state(Grouping *g)
{
	g->op.state = state_new("aggregate");
	g->spill = (AggregateSpill){.context = g->op.state, .alloc = spill_alloc, .at = spill_at, .free = spill_free};
	g->groups = state_map_open(g->op.state, g->group_bytes);
	if (g->close_key >= 0) {
		g->times = state_tree_open(g->op.state, sizeof(uint64_t));
		state_forgets(g->op.state);
	}
	if (g->ordereds.count) g->values = state_tree_open(g->op.state, sizeof(int64_t));
	for (int i = 0; i < g->tables.count; i++) distinct_open(g, &g->tables.at[i]);
}

static int64_t greatest_divisor(int64_t a, int64_t b)
{
	while (b) {
		int64_t rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

static bool can_share_slices(const Grouping *g)
{
	if (g->tables.count || g->ordereds.count || g->slice_us <= window_spans_max(&g->windows)) return false;
	for (int i = 0; i < g->folds.count; i++)
		if (!g->folds.at[i].aggregate->merge) return false;
	return true;
}

static void make_slices(Grouping *g, const AggregateSpec *spec)
{
	if (!spec->slices) return;
	g->slices = true;
	g->windows = window_shape_make(spec->slices);
	g->slice_time = expr_compile(g->arena, spec->slices->time, spec->in.layout, spec->in.column_count);
	g->slice_us = greatest_divisor(g->windows.size_us, g->windows.slide_us);
	if (!can_share_slices(g)) return;
	g->partials = g->groups;
	if (g->emit_on_close) return;
	g->partial_state = state_new("partials");
	g->partials = state_map_open(g->partial_state, g->group_bytes);
}

static bool is_window_key(const AggregateSpec *spec, int key)
{
	return spec->slices && (key == spec->window_start_key || key == spec->window_end_key || key == spec->window_time_key);
}

static void make_keys(Grouping *g, const AggregateSpec *spec)
{
	g->keys = arena_array(g->arena, ExprProgram *, spec->key_count + 1);
	g->plain_keys = arena_array(g->arena, int, spec->key_count + 1);
	for (int k = 0; k < spec->key_count; k++) {
		if (is_window_key(spec, k)) continue;
		g->keys[k] = expr_compile(g->arena, spec->keys[k], spec->in.layout, spec->in.column_count);
		g->plain_keys[g->plain_key_count++] = k;
	}
	g->window_keys[0] = spec->slices ? spec->window_start_key : -1;
	g->window_keys[1] = spec->slices ? spec->window_end_key : -1;
	g->window_keys[2] = spec->slices ? spec->window_time_key : -1;
}

static void make_close(Grouping *g, const AggregateSpec *spec)
{
	g->close_key = spec->close.key_index;
	if (g->close_key < 0) return;
	const WatermarkColumn *column = &spec->in.watermarks[spec->close.input_watermark];
	g->input_watermark = spec->close.input_watermark;
	g->grace_us = spec->close.grace_us;
	g->delta_us = column->delta_us;
	g->close_inclusive = spec->slices ? true : column->inclusive;         /* slices close by the window's end */
}

static Grouping *grouping_new(const AggregateSpec *spec)
{
	int count = spec->key_count + spec->call_count;
	Type *types = mem_alloc(sizeof *types * (size_t)(count + 1));
	for (int k = 0; k < spec->key_count; k++) types[k] = is_window_key(spec, k) ? TYPE(TIMESTAMP) : spec->keys[k]->type;
	for (int c = 0; c < spec->call_count; c++) types[spec->key_count + c] = spec->calls[c].type;
	Grouping *g = op_new(&AGGREGATE, sizeof *g, "aggregate", types, count, 1);
	free(types);
	op_input_init(&g->op, 0, spec->in.watermarks, spec->in.watermark_count);
	g->arena = &g->op.arena;
	g->key_count = spec->key_count;
	g->call_count = spec->call_count;
	g->key_types = arena_array(g->arena, Type, spec->key_count + 1);
	for (int k = 0; k < spec->key_count; k++) g->key_types[k] = g->op.types[k];
	g->append_only = spec->in.append_only;
	g->has_judge = spec->in.has_judge;
	g->has_arrival = spec->in.has_arrival;
	g->global = spec->global;
	g->emit_on_close = spec->emit_on_close;
	g->first_row_decides = spec->in.append_only && spec->call_count == 0 && !spec->global && !spec->emit_on_close;
	g->op.append_only = spec->emit_on_close || g->first_row_decides;
	return g;
}

Op *op_aggregate_new(const AggregateSpec *spec)
{
	assert(!spec->emit_on_close || spec->close.key_index >= 0);
	Grouping *g = grouping_new(spec);
	make_keys(g, spec);
	make_close(g, spec);
	calls_compile(g, spec);
	lay_out(g);
	open_state(g);
	make_slices(g, spec);
	g->key_values = arena_array(g->arena, Value, g->key_count + 1);
	g->call_values = arena_array(g->arena, Value, g->call_count + 1);
	g->old_row = arena_array(g->arena, Value, g->call_count + 1);
	g->old.data = arena_array(g->arena, char *, g->call_count + 1);
	g->old.null = arena_array(g->arena, uint8_t *, g->call_count + 1);
	arena_init(&g->old_arena, 0);
	batch_builder_init(&g->out, g->op.types, g->op.column_count, OUT_ROWS);
	g->out.want_judge = g->has_judge;
	return &g->op;
}
