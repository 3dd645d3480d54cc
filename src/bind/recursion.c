/* What the recursive part of WITH RECURSIVE may do with rows of its own. Each step is given the new rows alone (op/recurse.c), so what it makes of
 * more rows must hold what it made of fewer; and under UNION ALL, where copies count, each row must make its own rows, whatever else is there.
 * An aggregate would be that of one step's rows in some systems and that of all rows in others, and has no fixpoint in general.
 */
#include "bind/binder.h"

typedef struct SharedReads { const Plan *plan; bool reads; } SharedReads;
typedef struct Recursion {
	Binder *binder;
	const Cte *cte;
	VEC(SharedReads) shared;              /* seen already */
	bool failed;
} Recursion;

static bool reads_itself(Recursion *recursion, Plan *plan);

static void refuse(Recursion *recursion, const Plan *plan, const char *where)
{
	if (recursion->failed) return;
	recursion->failed = true;
	error_set(recursion->binder->err, ERR_INVALID_RECURSION, plan->span, "the recursive query \"%s\" reads itself %s", recursion->cte->ast->name.text, where);
	error_hint(recursion->binder->err, "Its second part sees the rows of one step; do this in the query that reads \"%s\".", recursion->cte->ast->name.text);
}

static const char *breaks_join(const Plan *plan, bool left, bool right, bool all)
{
	if (all && left && right) return "on both sides of a join under UNION ALL";
	if (plan->join == JOIN_ANTI && right) return "in NOT EXISTS or NOT IN";
	if (plan->join == JOIN_SEMI && right && all) return "in EXISTS or IN under UNION ALL";
	if (right && (plan->join == JOIN_LEFT || plan->join == JOIN_FULL || plan->join_form != JOIN_FORM_PLAIN)) return "on the side of a join that may be missing";
	if (left && (plan->join == JOIN_RIGHT || plan->join == JOIN_FULL)) return "on the side of a join that may be missing";
	return NULL;
}

/* NULL: it may read itself there */
static const char *breaks(const Plan *plan, bool left, bool right, bool all)
{
	switch (plan->kind) {
	case PLAN_AGGREGATE: return plan->call_count || plan->grouping_set_count || plan->global ? "in an aggregate" : all ? "in DISTINCT or GROUP BY under UNION ALL" : NULL;
	case PLAN_OVER: return "in a window function";
	case PLAN_TOPN: return "in DISTINCT ON or WITH TIES";
	case PLAN_SORT: return plan->limit >= 0 || plan->offset ? "under LIMIT or OFFSET" : NULL;
	case PLAN_WINDOW: return plan->window == PLAN_WINDOW_SESSION ? "in sessions" : NULL;
	case PLAN_SETOP: return all ? "in INTERSECT or EXCEPT under UNION ALL" : right && (plan->setop == SETOP_EXCEPT || plan->setop == SETOP_EXCEPT_ALL) ? "behind EXCEPT" : NULL;
	case PLAN_RECURSIVE: return all ? "in another recursive query under UNION ALL" : NULL;
	case PLAN_JOIN: return breaks_join(plan, left, right, all);
	default: return NULL;
	}
}

static bool find_subquery(Expr *e, void *context)
{
	Recursion *recursion = context;
	if (e->kind == EXPR_SUBQUERY && reads_itself(recursion, e->plan)) refuse(recursion, e->plan, "in a subquery");
	return true;
}

static void visit_slot(Expr **slot, void *context) { expr_walk(*slot, find_subquery, context); }

static bool shared_reads_itself(Recursion *recursion, const Plan *use)
{
	for (int i = 0; i < recursion->shared.count; i++)
		if (recursion->shared.at[i].plan == use->shared) return recursion->shared.at[i].reads;
	SharedReads seen = {use->shared, reads_itself(recursion, use->shared)};
	vec_push_in(recursion->binder->arena, &recursion->shared, seen);
	return seen.reads;
}

static bool reads_itself(Recursion *recursion, Plan *plan)
{
	if (plan->kind == PLAN_STEP_INPUT) return plan->shared == recursion->cte->step;
	if (plan->kind == PLAN_SHARED) return shared_reads_itself(recursion, plan);
	bool left = false, right = false;
	for (int i = 0; i < plan->input_count; i++)
		if (reads_itself(recursion, plan->inputs[i])) *(i ? &right : &left) = true;
	plan_slots(plan, visit_slot, recursion);
	if (!left && !right) return false;
	const char *where = breaks(plan, left, right, recursion->cte->step->all);
	if (where) refuse(recursion, plan, where);
	return true;
}

bool check_recursion(Binder *binder, const Cte *cte, Plan *steps)
{
	Recursion recursion = {.binder = binder, .cte = cte};
	reads_itself(&recursion, steps);
	return !recursion.failed;
}
