/* What each call needs: its arguments as stored columns, its reach, the way it is computed. */
#include <assert.h>

#include "op/over.h"

static Value value_keep_in(Arena *arena, const Value *value)
{
	Value kept = *value;
	if (!kept.is_null && type_phys(kept.type) == PHYS_STR) kept.str = str_copy(arena, str_at(&value->str), value->str.bytes);
	return kept;
}

/* ---- stored columns ---- */

typedef struct Stored { Over *over; const OpInput *in; VEC(Expr *) computed; } Stored;

static int stored_column(Stored *stored, Expr *e)
{
	if (e->kind == EXPR_COLUMN)
		for (int c = 0; c < stored->in->column_count; c++)
			if (stored->in->layout[c] == e->column) return c;
	for (int i = 0; i < stored->computed.count; i++)
		if (expr_equal(stored->computed.at[i], e)) return stored->in->column_count + i;
	vec_push(&stored->computed, e);
	return stored->in->column_count + stored->computed.count - 1;
}

static void call_arguments(Stored *stored, Call *call, const AggregateCall *said)
{
	Arena *arena = &stored->over->op.arena;
	assert(said->arg_count <= OVER_ARGS_MAX);
	call->arg_count = said->arg_count;
	for (int a = 0; a < said->arg_count; a++) {
		Expr *e = said->args[a];
		Error err = ERROR_INIT;
		call->arg_types[a] = e->type;
		bool constant = call->kind != OVER_AGGREGATE && a > 0 && expr_is_constant(e) && expr_fold(arena, e, &call->constants[a], &err);
		if (constant) call->constants[a] = value_keep_in(arena, &call->constants[a]);
		call->args[a] = constant ? -1 : stored_column(stored, e);
	}
	call->filter = said->filter ? stored_column(stored, said->filter) : -1;
	Value *parameters = arena_array(arena, Value, said->parameter_count + 1);
	for (int i = 0; i < said->parameter_count; i++) parameters[i] = value_keep_in(arena, &said->parameters[i]);
	call->parameters = parameters;
	call->ignore_nulls = said->ignore_nulls;
	call->type = said->type;
	call->aggregate = said->aggregate;
}

/* ---- reach ---- */

static const Reach NONE = {.kind = REACH_NONE}, ALL = {.kind = REACH_ALL};

static Reach bound_reach(const Frame *frame, bool before)
{
	FrameBound bound = before ? frame->start : frame->end, open = before ? BOUND_UNBOUNDED_PRECEDING : BOUND_UNBOUNDED_FOLLOWING;
	const Value *offset = before ? &frame->start_offset : &frame->end_offset;
	if (bound == open) return ALL;
	if (bound != (before ? BOUND_PRECEDING : BOUND_FOLLOWING)) return NONE;
	if (frame->unit == FRAME_ROWS) return (Reach){.kind = REACH_ROWS, .count = offset->i64};
	if (frame->unit == FRAME_GROUPS) return (Reach){.kind = REACH_GROUPS, .count = offset->i64};
	Reach reach = {.kind = REACH_RANGE, .offset = *offset};
	/* a month back and a month on is not always the same day: look a little farther */
	if (offset->type.kind == TYPE_INTERVAL && offset->interval.months) reach.offset.interval.days += 4;
	return reach;
}

static void shift_reach(Call *call)
{
	int64_t steps = call->arg_count > 1 ? call->constants[1].i64 : 1;
	bool null = call->arg_count > 1 && call->constants[1].is_null;
	call->shift_is_constant = call->arg_count < 2 || call->args[1] < 0;
	call->before = call->after = ALL;
	if (!call->shift_is_constant || steps == INT64_MIN) return;
	call->before = call->after = NONE;
	if (call->kind == OVER_LEAD) steps = -steps;
	Reach reach = {.kind = call->ignore_nulls ? REACH_VALUES : REACH_ROWS, .count = steps < 0 ? -steps : steps, .column = call->args[0]};
	if (steps > 0 && !null) call->before = reach;
	if (steps < 0 && !null) call->after = reach;
}

/* ---- ways ---- */

static OverWay aggregate_way(const Call *call, const Aggregate *aggregate)
{
	bool grows = call->frame.start == BOUND_UNBOUNDED_PRECEDING && call->frame.exclude == EXCLUDE_NO_OTHERS;
	bool by_value = aggregate->default_order == AGGREGATE_ORDER_VALUE || aggregate->default_order == AGGREGATE_ORDER_VALUE_DESC;
	bool extreme = aggregate->ordered_reads_first_only && by_value;
	if (aggregate->apply && (grows || !aggregate->fold_needs_append_only)) return WAY_FOLD;
	if (extreme && call->frame.exclude == EXCLUDE_NO_OTHERS) return WAY_EXTREME;
	return aggregate->apply ? WAY_AGAIN : WAY_ORDERED;
}

static OverWay call_way(const Call *call)
{
	switch (call->kind) {
	case OVER_ROW_NUMBER: case OVER_RANK: case OVER_DENSE_RANK: return WAY_NUMBER;
	case OVER_PERCENT_RANK: case OVER_CUME_DIST: case OVER_NTILE: return WAY_WHOLE;
	case OVER_LAG: case OVER_LEAD: return WAY_SHIFT;
	case OVER_FIRST_VALUE: case OVER_LAST_VALUE: case OVER_NTH_VALUE: return WAY_VALUE;
	case OVER_AGGREGATE: return aggregate_way(call, call->aggregate);
	}
	return WAY_ORDERED;
}

/* last_value reads only the last row of its frame */
static bool reads_last_only(const Call *call)
{
	return call->kind == OVER_LAST_VALUE && !call->ignore_nulls && call->frame.exclude == EXCLUDE_NO_OTHERS
		&& (call->frame.end == BOUND_CURRENT_ROW || call->frame.end == BOUND_FOLLOWING);
}

/* Where rows never come before what was folded (EMIT ON WINDOW CLOSE) any end will do; else only one that snapshots can be taken at. */
static bool call_runs(const Over *over, const Call *call)
{
	if (call->way == WAY_NUMBER) return true;
	if (call->way != WAY_VALUE && call->way != WAY_FOLD) return false;
	if (call->way == WAY_FOLD && !call->aggregate->merge) return false;
	if (call->frame.start != BOUND_UNBOUNDED_PRECEDING || call->frame.exclude != EXCLUDE_NO_OTHERS || reads_last_only(call)) return false;
	if (call->kind == OVER_NTH_VALUE && call->args[1] >= 0) return false;
	if (call->kind == OVER_NTH_VALUE && (call->constants[1].is_null || call->constants[1].i64 < 1)) return false;
	if (call->frame.end == BOUND_UNBOUNDED_FOLLOWING) return over->by_time;
	return over->by_time || call->frame.end == BOUND_CURRENT_ROW;
}

static void call_reach(Call *call)
{
	bool has_frame = call->way >= WAY_VALUE;
	call->before = has_frame ? bound_reach(&call->frame, true) : ALL;
	call->after = has_frame ? bound_reach(&call->frame, false) : call->way == WAY_WHOLE ? ALL : NONE;
	if (call->way == WAY_SHIFT) shift_reach(call);
	if (reads_last_only(call)) call->before = NONE;
	if (call->kind == OVER_NTH_VALUE && call->args[1] < 0) call->shift = call->constants[1].i64;
}

static uint32_t call_state_bytes(const Call *call)
{
	if (call->way == WAY_FOLD || call->way == WAY_AGAIN) return (call->aggregate->state_bytes(call->arg_types, call->arg_count) + 7) & ~7u;
	return call->way == WAY_VALUE ? sizeof(ValueState) : 0;
}

static bool is_offset(FrameBound bound) { return bound == BOUND_PRECEDING || bound == BOUND_FOLLOWING; }

static void call_make(Stored *stored, Call *call, const OverCall *said)
{
	Over *over = stored->over;
	call->kind = said->kind;
	call->frame = said->frame;
	call_arguments(stored, call, &said->aggregate);
	call->way = call_way(call);
	call->running = call_runs(over, call);
	call_reach(call);
	call->state_bytes = call_state_bytes(call);
	if (call->running) {
		call->state_at = over->snapshot_bytes;
		over->snapshot_bytes += call->state_bytes;
		over->has_running = true;
	}
	over->looks_ahead |= call->after.kind != REACH_NONE;
	over->ranges |= call->way >= WAY_VALUE && call->frame.unit == FRAME_RANGE && (is_offset(call->frame.start) || is_offset(call->frame.end));
}

static void mark_needed(Over *over)
{
	over->needed = arena_array(&over->op.arena, bool, over->rows.column_count + 1);
	for (int c = 0; c < over->call_count; c++) {
		const Call *call = &over->calls[c];
		for (int a = 0; a < call->arg_count; a++)
			if (call->args[a] >= 0) over->needed[call->args[a]] = true;
		if (call->filter >= 0) over->needed[call->filter] = true;
	}
}

void over_calls_make(Over *over, const OverSpec *spec)
{
	Arena *arena = &over->op.arena;
	Stored stored = {.over = over, .in = &spec->in};
	over->input_columns = spec->in.column_count;
	over->calls = arena_array(arena, Call, spec->call_count + 1);
	over->call_count = spec->call_count;
	over->snapshot_bytes = sizeof(Snapshot);
	for (int c = 0; c < spec->call_count; c++) call_make(&stored, &over->calls[c], &spec->calls[c]);
	exprs_compile(&over->computed, arena, stored.computed.at, stored.computed.count, &spec->in);
	int count = over->input_columns + stored.computed.count;
	Type *types = arena_array(arena, Type, count + 1);
	for (int c = 0; c < count; c++) types[c] = c < over->input_columns ? spec->in.types[c] : over->computed.types[c - over->input_columns];
	row_order_widen(&over->rows, types, count);
	vec_release(&stored.computed);
	mark_needed(over);
}
