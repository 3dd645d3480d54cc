/* Projections: two above each other become one, and grouping reads through the one below it, where nothing is computed twice for it. */
#include "plan/rules.h"

enum { COPY_SIZE_MAX = 64 };

typedef struct Uses { PlanContext *context; const Plan *below; int *counts; } Uses;

static bool count_use(Expr *e, void *context)
{
	Uses *uses = context;
	for (int i = 0; e->kind == EXPR_COLUMN && i < uses->below->item_count; i++)
		if (uses->below->items[i].id == e->column) uses->counts[i]++;
	return true;
}

static void count_slot(Expr **slot, void *context) { expr_walk(*slot, count_use, context); }

/* May the readers of the projection compute its items themselves? */
static bool may_merge(PlanContext *context, Plan *above, const Plan *below)
{
	Uses uses = {context, below, arena_array(context->arena, int, below->item_count + 1)};
	plan_slots(above, count_slot, &uses);
	for (int i = 0; i < below->item_count; i++) {
		const Expr *e = below->items[i].expr;
		if (e->kind == EXPR_COLUMN || e->kind == EXPR_CONSTANT) continue;
		if (!expr_is_movable(e) || uses.counts[i] > 1 || (uses.counts[i] == 1 && expr_size(e) > COPY_SIZE_MAX)) return false;
	}
	return true;
}

static void apply_slot(Expr **slot, void *context) { *slot = column_map_apply(context, *slot); }

static Plan *merge_node(PlanContext *context, Plan *plan, void *closure)
{
	(void)closure;
	if (plan->kind != PLAN_PROJECT && plan->kind != PLAN_AGGREGATE) return plan;
	while (plan->inputs[0]->kind == PLAN_PROJECT && may_merge(context, plan, plan->inputs[0])) {
		const Plan *below = plan->inputs[0];
		ColumnMap map = {.arena = context->arena};
		for (int i = 0; i < below->item_count; i++) column_map_add(&map, below->items[i].id, below->items[i].expr);
		plan_slots(plan, apply_slot, &map);
		plan->inputs[0] = below->inputs[0];
	}
	return plan;
}

Plan *rule_projects(PlanContext *context, Plan *plan, Error *err)
{
	(void)err;
	return plan_rewrite(context, plan, merge_node, NULL);
}
