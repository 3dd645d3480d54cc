/* Running calls: what they know at some place of a partition, in snapshots and in memory. */
#include "op/over.h"

const Snapshot *snapshot_at(const Over *over, StateHandle snapshot)
{
	uint32_t bytes;
	return snapshot ? state_blob_at(over->op.state, snapshot, &bytes) : NULL;
}

static char *snapshot_change(Over *over, StateHandle snapshot)
{
	uint32_t bytes;
	return state_blob_change(over->op.state, snapshot, &bytes);
}

static bool call_folds(const Call *call) { return call->kind == OVER_AGGREGATE; }

/* ---- one call's state ---- */

static void state_copy(Over *over, const Call *call, void *to, const void *from)
{
	memset(to, 0, call->state_bytes);
	if (call_folds(call)) {
		call->aggregate->merge(to, from, call->arg_types, call->arg_count, &over->spill);
		return;
	}
	ValueState *copy = to;
	*copy = *(const ValueState *)from;
	if (!copy->value) return;
	uint32_t bytes;
	const void *value = state_blob_at(over->op.state, copy->value, &bytes);
	char *moved = memcpy(mem_alloc(bytes + 1), value, bytes);
	copy->value = state_blob_new(over->op.state, moved, bytes);
	free(moved);
}

void *running_open(Over *over, const Call *call, StateHandle snapshot, Arena *arena)
{
	void *state = arena_zalloc(arena, call->state_bytes + 1);
	if (snapshot) state_copy(over, call, state, (const char *)snapshot_at(over, snapshot) + call->state_at);
	return state;
}

void running_store(Over *over, const Call *call, const void *state, StateHandle snapshot)
{
	state_copy(over, call, snapshot_change(over, snapshot) + call->state_at, state);
}

void running_release(Over *over, const Call *call, void *state)
{
	if (!call->state_bytes) return;                   /* row_number and its like: the snapshot's counts are all */
	if (call_folds(call)) {
		if (call->aggregate->release) call->aggregate->release(state, &over->spill);
		return;
	}
	ValueState *value = state;
	if (value->value) state_blob_free(over->op.state, value->value);
	value->value = 0;
}

/* ---- values ---- */

static void value_take(Over *over, ValueState *state, const Value *value)
{
	StrBuf packed = STRBUF_INIT;
	row_pack_values(&packed, value, 1);
	if (state->value) state_blob_free(over->op.state, state->value);
	state->value = state_blob_new(over->op.state, packed.text, (uint32_t)packed.bytes);
	state->found = 1;
	strbuf_release(&packed);
}

void running_see(Over *over, const OverPart *part, const Call *call, ValueState *state, int position)
{
	Value value = column_value(&part->columns[call->args[0]], position);
	if (call->ignore_nulls && value.is_null) return;
	state->seen++;
	int64_t wanted = call->kind == OVER_FIRST_VALUE ? 1 : call->kind == OVER_NTH_VALUE ? call->shift : state->seen;
	if (state->seen == wanted) value_take(over, state, &value);
}

Value running_value(const Over *over, const Call *call, const ValueState *state)
{
	Value value = {.type = call->type, .is_null = true};
	uint32_t bytes;
	if (state->found) row_unpack(state_blob_at(over->op.state, state->value, &bytes), &call->type, 1, &value);
	return value;
}

/* ---- snapshots ---- */

StateHandle snapshot_new(Over *over, const OverPart *part, int position, int64_t spacing)
{
	const Snapshot *before = snapshot_at(over, part->snapshot);
	Snapshot made = {.spacing = spacing, .judge = WATERMARK_NONE};
	if (before) made.rows = before->rows, made.groups = before->groups;
	made.rows += position + 1 - part->run_from;
	made.groups += part->group_no[position] - part->group_no[part->run_from] + 1;
	StateHandle handle = state_blob_new(over->op.state, NULL, over->snapshot_bytes);
	memcpy(snapshot_change(over, handle), &made, sizeof made);
	return handle;
}

void snapshot_free(Over *over, StateHandle snapshot)
{
	if (!snapshot) return;
	char *at = snapshot_change(over, snapshot);
	for (int c = 0; c < over->call_count; c++)
		if (over->calls[c].running) running_release(over, &over->calls[c], at + over->calls[c].state_at);
	state_blob_free(over->op.state, snapshot);
}

static bool row_passes(const OverPart *part, const Call *call, int position)
{
	if (call->filter < 0) return true;
	const Column *filter = &part->columns[call->filter];
	return !column_is_null(filter, position) && filter->i64[position];
}

static void base_see(Over *over, const OverPart *part, const Call *call, void *state, int position)
{
	if (!call_folds(call)) {
		running_see(over, part, call, state, position);
		return;
	}
	if (!row_passes(part, call, position)) return;
	Column args[OVER_ARGS_MAX];
	for (int a = 0; a < call->arg_count; a++) args[a] = over_column_from(part, call->args[a], position);
	call->aggregate->apply(&state, args, call->arg_count, 1, NULL, &over->spill);
}

void snapshot_advance(Over *over, const OverPart *part, OverGroup *group, int count)
{
	state_map_changed(over->keyed.map, group);
	if (!group->base) group->base = state_blob_new(over->op.state, NULL, over->snapshot_bytes);
	Snapshot *base = (Snapshot *)(void *)snapshot_change(over, group->base);
	if (base->rows == 0) base->judge = WATERMARK_NONE;
	base->rows += count;
	base->groups += part->group_no[count - 1] + 1;
	for (int i = 0; i < count; i++) {
		int64_t judge = part->items[part->item_of[i]].row->entry.judge;
		if (judge > base->judge) base->judge = judge;
	}
	for (int c = 0; c < over->call_count; c++) {
		const Call *call = &over->calls[c];
		for (int i = 0; i < count && call->running && call->state_bytes; i++) base_see(over, part, call, (char *)base + call->state_at, i);
	}
}
