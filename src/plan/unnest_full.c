/* FULL JOIN with a subquery over both sides in its ON: neither side can work it out alone. It is the LEFT JOIN, and beside it the rows of the right side
 * that meet no row of the left one (an anti join the other way round), with NULLs before them; both read copies of the same inputs, which lowering
 * finds to be equal. */
#include "plan/unnest.h"

static int side_of(const Plan *join, ColumnId id)
{
	for (int c = 0; c < join->inputs[1]->column_count; c++)
		if (join->inputs[1]->columns[c].id == id) return 1;
	return 0;
}

static Plan *as_kind(PlanContext *context, Plan *join, JoinKind kind)
{
	if (kind == JOIN_ANTI) {
		Plan *left = join->inputs[0];
		join->inputs[0] = join->inputs[1];
		join->inputs[1] = left;
	}
	join->join = kind;
	plan_join_columns(context, join);
	return join;
}

/* The columns of the FULL JOIN out of a part of it: ids[i] is column i there; only_right: NULL for those of the left side */
static Plan *part(PlanContext *context, const Plan *full, Plan *input, const ColumnId *ids, bool only_right)
{
	Plan *plan = plan_new(context, PLAN_PROJECT, 1);
	plan->inputs[0] = input;
	plan->span = full->span;
	plan->items = arena_array(context->arena, PlanItem, full->column_count + 1);
	plan->columns = arena_array(context->arena, PlanColumn, full->column_count + 1);
	for (int i = 0; i < full->column_count; i++) {
		PlanColumn column = full->columns[i];
		bool is_null = only_right && side_of(full, column.id) == 0;
		Expr *value = is_null ? expr_null(context->arena, column.type) : expr_column(context->arena, ids[i], column.type, column.nullable, SPAN_NONE);
		column.id = plan_column_new(context);
		plan->items[i] = (PlanItem){column.id, value};
		plan->columns[i] = column;
	}
	plan->item_count = plan->column_count = full->column_count;
	return plan;
}

/* Gives out the columns of the join under their numbers. */
Plan *unnest_split_full(PlanContext *context, Plan *full, Plan **parts)
{
	Plan *united = plan_new(context, PLAN_UNION, 2), *top = plan_new(context, PLAN_PROJECT, 1);
	united->span = top->span = full->span;
	for (int k = 0; k < 2; k++) {
		ColumnId *ids = arena_array(context->arena, ColumnId, full->column_count + 1);
		Plan *join = as_kind(context, plan_copy(context, full, ids), k ? JOIN_ANTI : JOIN_LEFT);
		parts[k] = united->inputs[k] = part(context, full, join, ids, k == 1);
	}
	united->columns = arena_copy(context->arena, full->columns, sizeof *full->columns * (size_t)full->column_count);
	united->column_count = full->column_count;
	top->inputs[0] = united;
	top->items = arena_array(context->arena, PlanItem, full->column_count + 1);
	for (int i = 0; i < full->column_count; i++) {
		united->columns[i].id = plan_column_new(context);
		top->items[i] = (PlanItem){full->columns[i].id, expr_column(context->arena, united->columns[i].id, full->columns[i].type, true, SPAN_NONE)};
	}
	top->columns = full->columns;
	top->item_count = top->column_count = full->column_count;
	return top;
}
