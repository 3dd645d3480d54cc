/* Facts about a node's output, bottom-up. What a fact means stands at PlanFacts; which columns are keys in properties_keys.c, where watermarks
 * go in properties_time.c; here: what is only ever added to, what grows, and by what state is bounded. */
#include "plan/facts.h"

#include "expr/function.h"

/* ---- append-only ---- */

static bool inputs_are_append_only(const Plan *plan)
{
	for (int i = 0; i < plan->input_count; i++)
		if (!plan->inputs[i]->facts.append_only) return false;
	return true;
}

static bool join_is_append_only(const PlanContext *context, const Plan *plan)
{
	if (plan->join_form == JOIN_FORM_TEMPORAL_PROC) return plan->inputs[0]->facts.append_only;      /* each row keeps what it found */
	if (plan->join_form != JOIN_FORM_PLAIN || !inputs_are_append_only(plan)) return false;
	if (plan->join == JOIN_INNER || plan->join == JOIN_SEMI) return true;
	return context->emit_on_close && plan->facts.closes;
}

static bool is_append_only(const PlanContext *context, const Plan *plan)
{
	bool closing = context->emit_on_close && plan->facts.closes;
	switch (plan->kind) {
	case PLAN_SCAN: return plan->relation->kind == RELATION_STREAM || plan->relation->append_only;
	case PLAN_VALUES: return true;
	case PLAN_FILTER: case PLAN_PROJECT: case PLAN_UNION: case PLAN_EXPAND: return inputs_are_append_only(plan);
	case PLAN_WINDOW: return plan->window != PLAN_WINDOW_SESSION ? inputs_are_append_only(plan) : closing;
	case PLAN_AGGREGATE: return closing || (!plan->call_count && !plan->global && !plan->grouping_set_count && inputs_are_append_only(plan));
	case PLAN_OVER: case PLAN_TOPN: return closing;
	case PLAN_SORT: return plan->limit < 0 && !plan->offset && inputs_are_append_only(plan);
	case PLAN_JOIN: return join_is_append_only(context, plan);
	case PLAN_SETOP: return plan->setop == SETOP_INTERSECT && inputs_are_append_only(plan);
	case PLAN_SHARED: return plan->shared->facts.append_only;
	case PLAN_MOVING: return plan->enters_only && inputs_are_append_only(plan);
	case PLAN_SETTLE: return true;
	default: return false;
	}
}

/* ---- growing ---- */

static bool inputs_grow(const Plan *plan)
{
	for (int i = 0; i < plan->input_count; i++)
		if (plan->inputs[i]->facts.grows) return true;
	return false;
}

static bool does_grow(const Plan *plan)
{
	switch (plan->kind) {
	case PLAN_SCAN: return plan->relation->kind == RELATION_STREAM || plan->relation->append_only;
	case PLAN_AGGREGATE: return plan->facts.closes;           /* elsewhere as large as there are groups */
	case PLAN_TOPN: return plan->facts.closes;
	case PLAN_SORT: return plan->limit < 0 && inputs_grow(plan);
	case PLAN_MOVING: return !plan->ends && inputs_grow(plan);
	case PLAN_SHARED: return plan->shared->facts.grows;
	case PLAN_SINGLE: return false;
	case PLAN_JOIN:
		if (plan->join == JOIN_SEMI || plan->join == JOIN_ANTI || plan->join_form != JOIN_FORM_PLAIN) return plan->inputs[0]->facts.grows;
		return inputs_grow(plan);
	default: return inputs_grow(plan);
	}
}

/* ---- bounds ---- */

static void bound(Plan *plan, bool bounded, const char *by)
{
	plan->facts.bounded = bounded;
	plan->facts.bound_by = by;
}

static void bound_by_watermark(PlanContext *context, Plan *plan)
{
	const PlanColumn *column = plan_column(plan->inputs[0], plan->facts.close_column);
	bound(plan, true, arena_printf(context->arena, "watermark of %s", column && column->name ? column->name : "its time"));
}

static void join_bound(PlanContext *context, Plan *plan)
{
	bool left_grows = plan->inputs[0]->facts.grows, right_grows = plan->inputs[1]->facts.grows;
	if (plan->facts.closes) bound_by_watermark(context, plan);
	else if (plan->join_form == JOIN_FORM_TEMPORAL_PROC) {
		if (right_grows) bound(plan, false, "the right side keeps every row of a stream");
		else bound(plan, true, plan->inputs[0]->facts.append_only ? "the rows of the right side" : "the rows of both sides");
	}
	else if (plan->join_form == JOIN_FORM_TEMPORAL_EVENT && plan->facts.watermark_count) bound(plan, true, "the versions that the watermark has not passed");
	else if (left_grows && right_grows) bound(plan, false, "both sides keep every row of a stream");
	else if (left_grows) bound(plan, false, "the left side keeps every row of a stream");
	else if (right_grows) bound(plan, false, "the right side keeps every row of a stream");
	else bound(plan, true, "the rows of both sides");
}

static void keyed_bound(PlanContext *context, Plan *plan, bool by_rows, const char *otherwise)
{
	if (plan->facts.closes) bound_by_watermark(context, plan);
	else if (by_rows && plan->inputs[0]->facts.grows) bound(plan, false, "every row of a stream is kept");
	else bound(plan, true, otherwise);
}

static void over_bound(PlanContext *context, Plan *plan) { keyed_bound(context, plan, true, "the rows of its input"); }

static void limit_bound(PlanContext *context, Plan *plan)
{
	bool all_kept = !plan->inputs[0]->facts.append_only || plan->limit < 0;
	if (plan->kind == PLAN_SORT && plan->limit < 0 && !plan->offset) return;
	const char *by = all_kept ? "the rows of its input" : plan->partition_count
		? arena_printf(context->arena, "%lld rows a group", (long long)(plan->limit + plan->offset))
		: arena_printf(context->arena, "%lld rows", (long long)(plan->limit + plan->offset));
	keyed_bound(context, plan, all_kept, by);
}

/* What ORDERED aggregates keep of each group: all its values. */
static bool keeps_values(const Plan *plan)
{
	bool append_only = plan->inputs[0]->facts.append_only;
	for (int i = 0; i < plan->call_count; i++) {
		const AggregateCall *call = &plan->calls[i].call;
		if (call->distinct || !call->aggregate->state_bytes || (call->aggregate->fold_needs_append_only && !append_only)) return true;
		if (call->order_count && call->aggregate->obeys_order) return true;
	}
	return false;
}

static void aggregate_bound(PlanContext *context, Plan *plan)
{
	keyed_bound(context, plan, keeps_values(plan), plan->global ? "one group" : "one entry a group");
}

static void state_bound(PlanContext *context, Plan *plan)
{
	switch (plan->kind) {
	case PLAN_JOIN: join_bound(context, plan); break;
	case PLAN_AGGREGATE: aggregate_bound(context, plan); break;
	case PLAN_WINDOW: if (plan->window == PLAN_WINDOW_SESSION) over_bound(context, plan); break;
	case PLAN_OVER: case PLAN_SETOP: case PLAN_RECURSIVE: case PLAN_SINGLE: over_bound(context, plan); break;
	case PLAN_TOPN: case PLAN_SORT: limit_bound(context, plan); break;
	case PLAN_MOVING:
		if (plan->ends) bound(plan, true, "the rows between the clock's bounds");
		else if (plan->inputs[0]->facts.append_only || !plan->inputs[0]->facts.grows) bound(plan, true, "the rows that wait for the clock");
		else bound(plan, false, "every row of a stream is kept");
		break;
	case PLAN_SETTLE: bound(plan, true, "the rows that wait for the watermark"); break;
	default: break;
	}
}

void facts_state(PlanContext *context, Plan *plan)
{
	plan->facts.append_only = is_append_only(context, plan);
	plan->facts.grows = does_grow(plan);
	state_bound(context, plan);
}

/* ---- the tree ---- */

static void derive_tree(PlanContext *context, Plan *plan);

/* What the step gives out is not known before the node itself, so the node claims nothing that depends on it. */
static void derive_node(PlanContext *context, Plan *plan)
{
	plan->facts = (PlanFacts){.derived = true};
	facts_time(context, plan);
	facts_keys(context, plan);
	facts_state(context, plan);
}

static void derive_tree(PlanContext *context, Plan *plan)
{
	if (plan->kind == PLAN_RECURSIVE) {
		derive_tree(context, plan->inputs[0]);
		plan->facts = (PlanFacts){.derived = true, .grows = plan->inputs[0]->facts.grows};
		derive_tree(context, plan->inputs[1]);
	}
	else {
		for (int i = 0; i < plan->input_count; i++) derive_tree(context, plan->inputs[i]);
		if (plan->kind == PLAN_SHARED && !plan->shared->facts.derived) derive_tree(context, plan->shared);
	}
	derive_node(context, plan);
}

static void forget(Plan *plan, void *context)
{
	(void)context;
	plan->facts = (PlanFacts){0};
	if (plan->kind == PLAN_SHARED && plan->shared->facts.derived) plan_walk(plan->shared, forget, NULL);
}

void plan_derive(PlanContext *context, Plan *plan)
{
	plan_walk(plan, forget, NULL);
	derive_tree(context, plan);
}
