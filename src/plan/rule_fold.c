/* Constants: whatever reads no column is computed now, so later rules see literals. */
#include "plan/rules.h"

static void fold_slot(Expr **slot, void *context) { *slot = expr_simplify(context, *slot); }

static Plan *fold_node(PlanContext *context, Plan *plan, void *closure)
{
	(void)closure;
	plan_slots(plan, fold_slot, context);
	if (plan->kind == PLAN_FILTER && expr_is_true(plan->condition)) return plan->inputs[0];
	return plan;
}

Plan *rule_fold(PlanContext *context, Plan *plan, Error *err)
{
	(void)err;
	return plan_rewrite(context, plan, fold_node, NULL);
}
