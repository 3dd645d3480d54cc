/* Top-n: a filter on ROW_NUMBER(), RANK() or DENSE_RANK() that keeps the first few needs no number for the others; ORDER BY ... LIMIT is one
 * group. An ORDER BY alone orders nothing that is kept up to date and goes.
 */
#include "plan/rules.h"

/* ---- what a condition says of the number ---- */

typedef struct RankBounds { int64_t least, most; bool has_most; Exprs rest; } RankBounds;

static bool constant_integer(const Expr *e, int64_t *out)
{
	if (e->kind != EXPR_CONSTANT || e->constant.is_null || e->type.kind != TYPE_INTEGER) return false;
	*out = e->constant.i64;
	return true;
}

static void at_most(RankBounds *bounds, int64_t n)
{
	if (!bounds->has_most || n < bounds->most) bounds->most = n;
	bounds->has_most = true;
}

static void at_least(RankBounds *bounds, int64_t n)
{
	if (n > bounds->least) bounds->least = n;
}

static bool read_bound(RankBounds *bounds, const Expr *e, ColumnId number)
{
	static const char *const NAMES[] = {"<", "<=", "=", ">=", ">"};
	static const int TURNED[] = {4, 3, 2, 1, 0};
	int op = 0;
	while (op < 5 && !expr_is_call(e, NAMES[op])) op++;
	if (op == 5 || e->arg_count != 2) return false;
	const Expr *column = e->args[0], *constant = e->args[1];
	if (column->kind == EXPR_CONSTANT) {
		column = e->args[1];
		constant = e->args[0];
		op = TURNED[op];
	}
	int64_t n;
	if (column->kind != EXPR_COLUMN || column->column != number || !constant_integer(constant, &n)) return false;
	if (n == INT64_MIN || n == INT64_MAX) return false;
	if (op <= 2) at_most(bounds, op == 0 ? n - 1 : n);
	if (op >= 2) at_least(bounds, op == 4 ? n + 1 : n);
	return true;
}

static RankBounds read_bounds(PlanContext *context, Expr *condition, ColumnId number)
{
	RankBounds bounds = {.least = 1};
	Exprs conjuncts = {0};
	expr_conjuncts(context->arena, condition, &conjuncts);
	for (int i = 0; i < conjuncts.count; i++)
		if (!read_bound(&bounds, conjuncts.at[i], number)) vec_push_in(context->arena, &bounds.rest, conjuncts.at[i]);
	return bounds;
}

/* ---- the node ---- */

static bool is_rank(const Plan *over, TopnRank *rank)
{
	if (over->kind != PLAN_OVER || over->over_call_count != 1) return false;
	switch (over->over_calls[0].call.kind) {
	case OVER_ROW_NUMBER: *rank = TOPN_ROW_NUMBER; return true;
	case OVER_RANK: *rank = TOPN_RANK; return true;
	case OVER_DENSE_RANK: *rank = TOPN_DENSE_RANK; return true;
	default: return false;
	}
}

static Plan *topn_of(PlanContext *context, const Plan *over, TopnRank rank, const RankBounds *bounds)
{
	Plan *topn = plan_new(context, PLAN_TOPN, 1);
	topn->inputs[0] = over->inputs[0];
	topn->span = over->span;
	topn->partition = over->partition;
	topn->partition_count = over->partition_count;
	topn->order = over->order;
	topn->order_count = over->order_count;
	topn->rank = rank;
	topn->rank_column = over->over_calls[0].id;
	topn->offset = bounds->least - 1;
	topn->limit = bounds->most >= bounds->least ? bounds->most - bounds->least + 1 : 0;
	topn->columns = over->columns;
	topn->column_count = over->column_count;
	return topn;
}

static Plan *filter_to_topn(PlanContext *context, Plan *plan)
{
	const Plan *over = plan->inputs[0];
	TopnRank rank;
	if (!is_rank(over, &rank)) return plan;
	ColumnId number = over->over_calls[0].id;
	RankBounds bounds = read_bounds(context, plan->condition, number);
	if (!bounds.has_most) return plan;
	if (rank != TOPN_ROW_NUMBER && bounds.least > 1) {            /* ranks may have gaps: the lower bound stays a condition */
		Expr *column = plan_column_ref(context, over, number);
		vec_push_in(context->arena, &bounds.rest, expr_make(context, ">=", column, expr_int(context->arena, bounds.least)));
		bounds.least = 1;
	}
	return plan_filter(context, topn_of(context, over, rank, &bounds), expr_conjunction(context->arena, bounds.rest.at, bounds.rest.count));
}

static Plan *rewrite_node(PlanContext *context, Plan *plan, void *closure)
{
	(void)closure;
	return plan->kind == PLAN_FILTER ? filter_to_topn(context, plan) : plan;
}

Plan *rule_topn(PlanContext *context, Plan *plan, Error *err)
{
	(void)err;
	return plan_rewrite(context, plan, rewrite_node, NULL);
}

/* ---- ORDER BY, LIMIT ---- */

static Plan *sort_node(PlanContext *context, Plan *plan, void *closure)
{
	(void)context; (void)closure;
	if (plan->kind != PLAN_SORT) return plan;
	if (plan->limit < 0 && !plan->offset) return plan->inputs[0];
	plan->kind = PLAN_TOPN;
	return plan;
}

Plan *rule_sorts(PlanContext *context, Plan *plan, Error *err)
{
	(void)err;
	return plan_rewrite(context, plan, sort_node, NULL);
}
