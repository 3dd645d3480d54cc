/* Making nodes and looking at their columns. Nodes are plain data that their maker fills in; invariants stand in walk.h. */
#include "plan/plan.h"

#include <assert.h>

Plan *plan_new(PlanContext *context, PlanKind kind, int input_count)
{
	Plan *plan = arena_new(context->arena, Plan);
	plan->kind = kind;
	plan->inputs = arena_array(context->arena, Plan *, input_count ? input_count : 1);
	plan->input_count = input_count;
	plan->limit = -1;
	return plan;
}

ColumnId plan_column_new(PlanContext *context)
{
	if (context->next_column <= 0) context->next_column = 1;
	return context->next_column++;
}

const PlanColumn *plan_column(const Plan *plan, ColumnId id)
{
	for (int i = 0; i < plan->column_count; i++)
		if (plan->columns[i].id == id) return &plan->columns[i];
	return NULL;
}

Expr *plan_column_expr(PlanContext *context, const Plan *plan, int column)
{
	assert(column >= 0 && column < plan->column_count);
	const PlanColumn *from = &plan->columns[column];
	return expr_column(context->arena, from->id, from->type, from->nullable, plan->span);
}
