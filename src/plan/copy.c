/* A plan again, with columns of its own: domains of correlated subqueries read a copy of what they are correlated with, and lowering finds
 * out that both are the same. */
#include "plan/walk.h"

#include <assert.h>

typedef struct Copying {
	PlanContext *context;
	Arena *arena;
	ColumnId *to; int to_room;                    /* by old number; 0: not made inside */
	VEC(const Plan *) from_plans;                 /* recursive nodes, for their STEP_INPUTs; shared plans that are copied */
	VEC(Plan *) to_plans;
} Copying;

static Plan *copy(Copying *copying, const Plan *plan);

/* ---- columns ---- */

static ColumnId known(const Copying *copying, ColumnId id) { return id > 0 && id < copying->to_room ? copying->to[id] : 0; }

static ColumnId renamed(Copying *copying, ColumnId id)
{
	ColumnId to = known(copying, id);
	return to ? to : id;
}

static void make_column(Copying *copying, ColumnId id)
{
	if (known(copying, id)) return;
	if (id >= copying->to_room) {
		int room = id * 2 + 16;
		ColumnId *to = arena_array(copying->arena, ColumnId, room);
		if (copying->to_room) copy_bytes(to, copying->to, sizeof *to * (size_t)copying->to_room);
		copying->to = to;
		copying->to_room = room;
	}
	copying->to[id] = plan_column_new(copying->context);
}

static Expr *copy_node(Expr *e, void *context)
{
	Copying *copying = context;
	if (e->kind == EXPR_COLUMN) {
		ColumnId to = known(copying, e->column);
		return to ? expr_column(copying->arena, to, e->type, e->nullable, e->span) : NULL;
	}
	if (e->kind != EXPR_SUBQUERY) return NULL;
	Expr *subquery = arena_copy(copying->arena, e, sizeof *e);
	subquery->plan = copy(copying, e->plan);
	return subquery;
}

static void copy_slot(Expr **slot, void *context)
{
	Copying *copying = context;
	*slot = expr_rewrite(copying->arena, *slot, copy_node, copying);
}

/* ---- arrays that slots lie in ---- */

static void *again(Copying *copying, const void *array, size_t bytes, int count)
{
	return count ? arena_copy(copying->arena, array, bytes * (size_t)count) : NULL;
}

static void copy_call_arrays(Copying *copying, AggregateCall *call)
{
	call->args = again(copying, call->args, sizeof *call->args, call->arg_count);
	call->order = again(copying, call->order, sizeof *call->order, call->order_count);
}

static void copy_arrays(Copying *copying, Plan *to)
{
	to->columns = arena_array(copying->arena, PlanColumn, to->column_count + 1);
	to->items = again(copying, to->items, sizeof *to->items, to->item_count);
	to->calls = again(copying, to->calls, sizeof *to->calls, to->call_count);
	for (int i = 0; i < to->call_count; i++) copy_call_arrays(copying, &to->calls[i].call);
	to->partition = again(copying, to->partition, sizeof *to->partition, to->partition_count);
	to->order = again(copying, to->order, sizeof *to->order, to->order_count);
	to->over_calls = again(copying, to->over_calls, sizeof *to->over_calls, to->over_call_count);
	for (int i = 0; i < to->over_call_count; i++) copy_call_arrays(copying, &to->over_calls[i].call.aggregate);
	to->args = again(copying, to->args, sizeof *to->args, to->arg_count);
}

/* ---- nodes ---- */

static Plan *copied_plan(const Copying *copying, const Plan *plan)
{
	for (int i = 0; i < copying->from_plans.count; i++)
		if (copying->from_plans.at[i] == plan) return copying->to_plans.at[i];
	return NULL;
}

static void note_plan(Copying *copying, const Plan *from, Plan *to)
{
	vec_push_in(copying->arena, &copying->from_plans, from);
	vec_push_in(copying->arena, &copying->to_plans, to);
}

static void copy_shared(Copying *copying, const Plan *plan, Plan *to)
{
	ColumnId *from = arena_array(copying->arena, ColumnId, plan->column_count + 1);
	if (plan->kind == PLAN_SHARED) {
		ColumnSet free = {0};
		plan_free_columns(copying->arena, plan->shared, &free);
		if (!column_set_is_empty(&free)) {
			to->shared = copied_plan(copying, plan->shared);
			if (!to->shared) note_plan(copying, plan->shared, to->shared = copy(copying, plan->shared));
		}
	}
	else if (copied_plan(copying, plan->shared)) to->shared = copied_plan(copying, plan->shared);
	for (int i = 0; i < plan->column_count && plan->shared_columns; i++)
		from[i] = to->shared == plan->shared ? plan->shared_columns[i] : renamed(copying, plan->shared_columns[i]);
	to->shared_columns = from;
}

static void rename_ids(Copying *copying, const Plan *plan, Plan *to)
{
	for (int i = 0; i < plan->column_count; i++) {
		make_column(copying, plan->columns[i].id);
		to->columns[i] = plan->columns[i];
		to->columns[i].id = renamed(copying, plan->columns[i].id);
	}
	for (int i = 0; i < to->item_count; i++) to->items[i].id = renamed(copying, to->items[i].id);
	for (int i = 0; i < to->call_count; i++) to->calls[i].id = renamed(copying, to->calls[i].id);
	for (int i = 0; i < to->over_call_count; i++) to->over_calls[i].id = renamed(copying, to->over_calls[i].id);
	to->grouping_id = renamed(copying, to->grouping_id);
	to->window_start = renamed(copying, to->window_start);
	to->window_end = renamed(copying, to->window_end);
	to->window_time = renamed(copying, to->window_time);
	to->rank_column = renamed(copying, to->rank_column);
	to->settle_column = renamed(copying, to->settle_column);
}

static Plan *copy(Copying *copying, const Plan *plan)
{
	Plan *to = arena_copy(copying->arena, plan, sizeof *plan);
	to->facts = (PlanFacts){0};
	to->inputs = arena_array(copying->arena, Plan *, plan->input_count + 1);
	if (plan->kind == PLAN_RECURSIVE) note_plan(copying, plan, to);
	for (int i = 0; i < plan->input_count; i++) to->inputs[i] = copy(copying, plan->inputs[i]);
	copy_arrays(copying, to);
	if (plan->kind == PLAN_SHARED || plan->kind == PLAN_STEP_INPUT) copy_shared(copying, plan, to);
	plan_slots(to, copy_slot, copying);
	rename_ids(copying, plan, to);
	return to;
}

Plan *plan_copy(PlanContext *context, const Plan *plan, ColumnId *ids)
{
	Copying copying = {.context = context, .arena = context->arena};
	Plan *to = copy(&copying, plan);
	for (int i = 0; ids && i < plan->column_count; i++) ids[i] = to->columns[i].id;
	return to;
}
