/* What is left now can be lowered, or is refused here by its name. And what the user should know of state that grows. */
#include "plan/rules.h"

#include "expr/function.h"

typedef struct Checking { PlanContext *context; Error *err; const Plan *plan; bool ok; } Checking;

/* ---- functions that are no function of their arguments ---- */

static bool inputs_are_append_only(const Plan *plan)
{
	for (int i = 0; i < plan->input_count; i++)
		if (!plan->inputs[i]->facts.append_only) return false;
	return true;
}

static bool check_function(Expr *e, void *context)
{
	Checking *checking = context;
	if (e->kind != EXPR_CALL) return true;
	if ((e->function->flags & FUNCTION_CLOCK) && checking->plan->kind != PLAN_MOVING) {
		error_set(checking->err, ERR_UNSUPPORTED, e->span, "%s() can stand in a view only in conditions that compare it with a column", e->function->name);
		error_hint(checking->err, "PROCTIME() stamps each row once, when it comes.");
		return checking->ok = false;
	}
	if (e->function->flags & FUNCTION_VOLATILE) {
		error_set(checking->err, ERR_UNSUPPORTED, e->span, "%s() gives another value each time and cannot stand in a view", e->function->name);
		return checking->ok = false;
	}
	if ((e->function->flags & FUNCTION_PROCTIME) && !inputs_are_append_only(checking->plan)) {
		error_set(checking->err, ERR_UNSUPPORTED, e->span, "%s() over rows that can be taken back", e->function->name);
		error_hint(checking->err, "Take the time of streams, before they are grouped or joined.");
		return checking->ok = false;
	}
	return true;
}

static void check_slot(Expr **slot, void *context)
{
	Checking *checking = context;
	if (checking->ok) expr_walk(*slot, check_function, checking);
}

/* ---- nodes ---- */

static bool has_versions(const Plan *right) { return right->facts.watermark_count > 0; }

/* A version is one of a key: the equalities must hold it, else several rows of the table are valid at a time. */
static bool finds_one_row(Checking *checking, const Plan *plan)
{
	JoinKeys keys;
	ColumnSet columns = {0};
	join_keys_find(checking->context, plan, &keys);
	for (int i = 0; i < keys.right.count; i++)
		if (keys.right.at[i]->kind == EXPR_COLUMN) column_set_add(checking->context->arena, &columns, keys.right.at[i]->column);
	return facts_is_unique(checking->context, &plan->inputs[1]->facts, &columns);
}

static void check_join(Checking *checking, const Plan *plan)
{
	if (plan->join_form != JOIN_FORM_TEMPORAL_EVENT) return;
	if (!has_versions(plan->inputs[1])) {
		error_set(checking->err, ERR_UNSUPPORTED, plan->span, "FOR SYSTEM_TIME AS OF an event time over what has no versions");
		error_hint(checking->err, "Declare WATERMARK FOR the time from which a row of the right table holds, or say AS OF PROCTIME().");
		checking->ok = false;
	}
	else if (!finds_one_row(checking, plan)) {
		error_set(checking->err, ERR_UNSUPPORTED, plan->span, "FOR SYSTEM_TIME AS OF without equality on the whole key of the right side");
		error_hint(checking->err, "Join on all columns of its PRIMARY KEY; other conditions may stand beside.");
		checking->ok = false;
	}
}

static void check_node(Plan *plan, void *context)
{
	Checking *checking = context;
	if (!checking->ok) return;
	checking->plan = plan;
	plan_slots(plan, check_slot, checking);
	if (checking->ok && plan->kind == PLAN_JOIN) check_join(checking, plan);
	if (checking->ok && plan->grouping_set_count) {
		error_set(checking->err, ERR_UNSUPPORTED, plan->span, "GROUPING SETS here");
		checking->ok = false;
	}
}

/* ---- warnings ---- */

static const char *what_would_bound(const Plan *plan)
{
	switch (plan->kind) {
	case PLAN_JOIN: return "a condition on both event times (b.ts BETWEEN a.ts AND a.ts + INTERVAL '1 hour'), or equal windows on both sides, would bound it";
	case PLAN_AGGREGATE: return "GROUP BY a window would bound it";
	case PLAN_TOPN: return "PARTITION BY a window would bound it";
	case PLAN_OVER: return "PARTITION BY a window, or ORDER BY the event time with EMIT ON WINDOW CLOSE, would bound it";
	case PLAN_WINDOW: return "a WATERMARK of the stream would bound it";
	default: return "a condition with now() on the time of its rows would bound it";
	}
}

static const char *what_it_is(const Plan *plan)
{
	switch (plan->kind) {
	case PLAN_JOIN: return "a join";
	case PLAN_AGGREGATE: return "an aggregate";
	case PLAN_TOPN: return "a top-n";
	case PLAN_OVER: return "a window function";
	case PLAN_WINDOW: return "a session window";
	case PLAN_SETOP: return "a set operation";
	case PLAN_RECURSIVE: return "a recursive query";
	default: return "a condition";
	}
}

static void warn_node(Plan *plan, void *context)
{
	Checking *checking = context;
	if (!plan->facts.bound_by || plan->facts.bounded) return;
	plan_warn(checking->context, "the state of %s grows without bound: %s; %s", what_it_is(plan), plan->facts.bound_by, what_would_bound(plan));
}

/* ---- the rule ---- */

static Plan *check_shared(PlanContext *context, Plan *plan, void *closure)
{
	(void)context;
	plan_walk(plan, check_node, closure);
	plan_walk(plan, warn_node, closure);
	return plan;
}

Plan *rule_check(PlanContext *context, Plan *plan, Error *err)
{
	Checking checking = {.context = context, .err = err, .ok = true};
	plan_derive(context, plan);
	check_shared(context, plan, &checking);
	plan_rewrite_shared(context, plan, check_shared, &checking);
	return checking.ok ? plan : NULL;
}
