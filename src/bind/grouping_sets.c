/* GROUPING SETS, ROLLUP, CUBE as what the standard says they are: the UNION ALL of one GROUP BY a set, over one shared input. That is right
 * where rows are taken back and where there are none (the empty set gives its row), and takes no operator of its own. A set's number, in
 * the order of the sets, is its grouping id. Subqueries in aggregates are computed once, below what is shared; an input with columns
 * of enclosing queries is no relation that could be shared, so each set has a copy.
 */
#include "bind/binder.h"

#include "expr/aggregate.h"

static bool is_correlated(Binder *binder, Plan *input)
{
	ColumnSet free = {0};
	plan_free_columns(binder->arena, input, &free);
	return !column_set_is_empty(&free);
}

static Plan *copy_input(Binder *binder, Plan *input, ColumnMap *map)
{
	Plan *copy = plan_copy(binder->context, input, NULL);
	for (int i = 0; i < input->column_count; i++) column_map_add(map, input->columns[i].id, plan_column_expr(binder->context, copy, i));
	return copy;
}

static Plan *use_input(Binder *binder, Plan *input, ColumnMap *map)
{
	if (is_correlated(binder, input)) return copy_input(binder, input, map);
	Plan *use = plan_new(binder->context, PLAN_SHARED, 0);
	use->shared = input;
	use->span = input->span;
	use->column_count = input->column_count;
	use->columns = arena_array(binder->arena, PlanColumn, input->column_count + 1);
	use->shared_columns = arena_array(binder->arena, ColumnId, input->column_count + 1);
	for (int i = 0; i < input->column_count; i++) {
		use->columns[i] = input->columns[i];
		use->columns[i].id = plan_column_new(binder->context);
		use->shared_columns[i] = input->columns[i].id;
		column_map_add(map, input->columns[i].id, plan_column_expr(binder->context, use, i));
	}
	return use;
}

static AggregateCall map_call(Binder *binder, const ColumnMap *map, const AggregateCall *call)
{
	AggregateCall mapped = *call;
	mapped.args = arena_array(binder->arena, Expr *, call->arg_count + 1);
	for (int i = 0; i < call->arg_count; i++) mapped.args[i] = column_map_apply(map, call->args[i]);
	mapped.filter = column_map_apply(map, call->filter);
	mapped.order = arena_array(binder->arena, OpSortKey, call->order_count + 1);
	for (int i = 0; i < call->order_count; i++) mapped.order[i] = (OpSortKey){column_map_apply(map, call->order[i].expr), call->order[i].spec};
	return mapped;
}

static Plan *set_groups(Select *select, Plan *input, uint64_t set)
{
	Binder *binder = select->binder;
	ColumnMap map = {.arena = binder->arena};
	Plan *plan = plan_new(binder->context, PLAN_AGGREGATE, 1);
	plan->inputs[0] = use_input(binder, input, &map);
	plan->span = select->ast->span;
	plan->items = arena_array(binder->arena, PlanItem, select->keys.count + 1);
	plan->calls = arena_array(binder->arena, PlanCall, select->calls.count + 1);
	plan->columns = arena_array(binder->arena, PlanColumn, select->keys.count + select->calls.count + 1);
	for (int i = 0; i < select->keys.count; i++) {
		if (!(set >> i & 1)) continue;
		Expr *e = equal_form(binder, column_map_apply(&map, select->keys.at[i].expr));
		ColumnId id = plan_column_new(binder->context);
		plan->items[plan->item_count++] = (PlanItem){id, e};
		plan->columns[plan->column_count++] = (PlanColumn){id, NULL, e->type, e->nullable};
	}
	for (int i = 0; i < select->calls.count; i++) {
		const AggregateCall *call = &select->calls.at[i].call;
		ColumnId id = plan_column_new(binder->context);
		plan->calls[plan->call_count++] = (PlanCall){id, map_call(binder, &map, call)};
		plan->columns[plan->column_count++] = (PlanColumn){id, call->aggregate->name, call->type, call->aggregate->nullable_result};
	}
	plan->global = plan->item_count == 0;
	return plan;
}

static void set_item(Plan *plan, ColumnId id, Expr *e)
{
	plan->items[plan->item_count++] = (PlanItem){id, e};
	plan->columns[plan->column_count++] = (PlanColumn){id, NULL, e->type, e->nullable};
}

/* All keys, NULL where the set does not group by them, all calls, the set's number */
static Plan *set_rows(Select *select, Plan *groups, int number)
{
	Binder *binder = select->binder;
	uint64_t set = select->sets.at[number];
	int width = select->keys.count + select->calls.count + 1, at = 0;
	Plan *plan = plan_new(binder->context, PLAN_PROJECT, 1);
	plan->inputs[0] = groups;
	plan->span = groups->span;
	plan->items = arena_array(binder->arena, PlanItem, width);
	plan->columns = arena_array(binder->arena, PlanColumn, width);
	for (int i = 0; i < select->keys.count; i++) {
		if (set >> i & 1) {
			set_item(plan, groups->columns[at].id, plan_column_expr(binder->context, groups, at));
			at++;
		} else set_item(plan, plan_column_new(binder->context), expr_null(binder->arena, select->keys.at[i].expr->type));
	}
	for (; at < groups->column_count; at++) set_item(plan, groups->columns[at].id, plan_column_expr(binder->context, groups, at));
	set_item(plan, plan_column_new(binder->context), expr_int(binder->arena, number));
	return plan;
}

/* ---- subqueries ---- */

typedef struct Slots { VEC(Expr **) at; } Slots;

static void add_slot(Binder *binder, Expr **slot, Slots *slots)
{
	if (*slot && expr_has_subquery(*slot)) vec_push_in(binder->arena, &slots->at, slot);
}

static Slots slots_with_subqueries(Select *select)
{
	Binder *binder = select->binder;
	Slots slots = {0};
	for (int i = 0; i < select->keys.count; i++) add_slot(binder, &select->keys.at[i].expr, &slots);
	for (int i = 0; i < select->calls.count; i++) {
		AggregateCall *call = &select->calls.at[i].call;
		for (int j = 0; j < call->arg_count; j++) add_slot(binder, &call->args[j], &slots);
		for (int j = 0; j < call->order_count; j++) add_slot(binder, &call->order[j].expr, &slots);
		add_slot(binder, &call->filter, &slots);
	}
	return slots;
}

/* The input, and behind its columns what keys and aggregates ask of subqueries; they read those columns then. */
static Plan *compute_subqueries(Select *select, Plan *input)
{
	Binder *binder = select->binder;
	Slots slots = slots_with_subqueries(select);
	if (!slots.at.count) return input;
	int width = input->column_count + slots.at.count;
	Plan *plan = plan_new(binder->context, PLAN_PROJECT, 1);
	plan->inputs[0] = input;
	plan->span = input->span;
	plan->items = arena_array(binder->arena, PlanItem, width + 1);
	plan->columns = arena_array(binder->arena, PlanColumn, width + 1);
	for (int i = 0; i < input->column_count; i++) set_item(plan, input->columns[i].id, plan_column_expr(binder->context, input, i));
	for (int i = 0; i < slots.at.count; i++) {
		Expr *e = *slots.at.at[i];
		ColumnId id = plan_column_new(binder->context);
		set_item(plan, id, e);
		*slots.at.at[i] = expr_column(binder->arena, id, e->type, e->nullable, e->span);
	}
	return plan;
}

Plan *grouping_sets_plan(Select *select, Plan *input)
{
	Binder *binder = select->binder;
	input = compute_subqueries(select, input);
	Plan *plan = plan_new(binder->context, PLAN_UNION, select->sets.count);
	plan->span = select->ast->span;
	for (int i = 0; i < select->sets.count; i++) plan->inputs[i] = set_rows(select, set_groups(select, input, select->sets.at[i]), i);
	plan->columns = arena_array(binder->arena, PlanColumn, select->keys.count + select->calls.count + 1);
	for (int i = 0; i < select->keys.count; i++)
		plan->columns[plan->column_count++] = (PlanColumn){select->keys.at[i].id, NULL, select->keys.at[i].expr->type, true};
	for (int i = 0; i < select->calls.count; i++) {
		const PlanCall *call = &select->calls.at[i];
		plan->columns[plan->column_count++] = (PlanColumn){call->id, call->call.aggregate->name, call->call.type, call->call.aggregate->nullable_result};
	}
	if (!select->grouping_id) select->grouping_id = plan_column_new(binder->context);
	plan->columns[plan->column_count++] = (PlanColumn){select->grouping_id, "grouping_id", TYPE(INTEGER), false};
	return plan;
}
