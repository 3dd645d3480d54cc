/* Hidden columns cost eight and sixteen bytes a row, so they travel only where somebody above reads them.
 *
 * judge     whoever closes by a soft watermark (late rows still come) judges each row, and all operators on the way carry it
 * arrival   who must say which of equal rows comes first asks for it where rows of one stream are seen through filters, projections and windows only
 */
#include "plan/lowering.h"

static void need(Lowering *lowering, Plan *plan, bool judge, bool arrival);

static void need_input(Lowering *lowering, Plan *plan, int input, bool judge, bool arrival)
{
	need(lowering, plan->inputs[input], judge, arrival && plan->inputs[input]->facts.has_arrival);
}

static bool is_judged(const PlanWatermark *watermark) { return watermark && watermark->soft && !watermark->clock; }

/* Does the node itself judge the rows of this input? */
static bool judges(Lowering *lowering, const Plan *plan, int input)
{
	const PlanFacts *in = &plan->inputs[input]->facts;
	if (plan->kind == PLAN_JOIN && plan->join_form == JOIN_FORM_TEMPORAL_EVENT)
		return input == 0 && plan->time_of->kind == EXPR_COLUMN && is_judged(facts_closing(in, plan->time_of->column));
	if (!plan->facts.closes) return false;
	if (plan->kind != PLAN_JOIN) return is_judged(facts_closing(in, plan->facts.close_column));
	JoinShape shape;
	join_shape(lowering->context, plan, &shape);
	if (shape.way == JOIN_WAY_INTERVAL) return is_judged(facts_closing(in, input ? shape.interval.right : shape.interval.left));
	Expr **keys = input ? shape.keys.right.at : shape.keys.left.at;
	return is_judged(facts_closing(in, keys[shape.close_key]->column));
}

bool aggregate_wants_arrival(const Plan *plan)
{
	for (int i = 0; i < plan->call_count; i++) {
		const AggregateCall *call = &plan->calls[i].call;
		const Aggregate *aggregate = call->aggregate;
		if (call->order_count && aggregate->obeys_order) return true;
		if (aggregate->default_order == AGGREGATE_ORDER_ARRIVAL || aggregate->default_order == AGGREGATE_ORDER_SECOND
			|| aggregate->default_order == AGGREGATE_ORDER_SECOND_DESC) return true;
	}
	return false;
}

static bool orders_ties(const Plan *plan)
{
	if (plan->kind == PLAN_WINDOW && plan->window == PLAN_WINDOW_SESSION) return true;        /* what is late depends on what came before */
	if (plan->kind == PLAN_TOPN || plan->kind == PLAN_OVER) return true;
	if (plan->kind == PLAN_SORT) return plan->limit >= 0 || plan->offset;
	return plan->kind == PLAN_AGGREGATE && aggregate_wants_arrival(plan);
}

/* Do rows come out with the judge of rows that came in? What drops late rows has nothing left to judge. */
static bool carries_judge(const Plan *plan)
{
	for (int i = 0; i < plan->facts.watermark_count; i++)
		if (is_judged(&plan->facts.watermarks[i]) && !plan->facts.watermarks[i].versions) return true;
	return false;
}

static bool input_carries(const Plan *plan, int input)
{
	return plan->kind != PLAN_JOIN || plan->join_form == JOIN_FORM_PLAIN || input == 0;
}

static void need_inputs(Lowering *lowering, Plan *plan, bool judge, bool arrival)
{
	bool linear = plan->kind == PLAN_FILTER || plan->kind == PLAN_PROJECT || plan->kind == PLAN_MOVING || plan->kind == PLAN_SETTLE
		|| plan->kind == PLAN_WINDOW;
	for (int i = 0; i < plan->input_count; i++) {
		bool own = judges(lowering, plan, i);
		need_input(lowering, plan, i, own || (judge && input_carries(plan, i)), orders_ties(plan) || (linear && arrival));
	}
}

static void mark_before_others(Lowering *lowering, Plan *plan)
{
	alike(lowering, plan)->before_others = true;
	for (int i = 0; i < plan->input_count; i++) mark_before_others(lowering, plan->inputs[i]);
	if (plan->kind == PLAN_SHARED) mark_before_others(lowering, plan->shared);
}

static void need(Lowering *lowering, Plan *plan, bool judge, bool arrival)
{
	AlikeClass *class = alike(lowering, plan);
	judge = judge && carries_judge(plan);
	bool news = !class->is_needed || (judge && !class->want_judge) || (arrival && !class->want_arrival);
	class->is_needed = true;
	class->want_judge |= judge;
	class->want_arrival |= arrival;
	if (!news) return;
	need_inputs(lowering, plan, judge, arrival);
	if (plan->kind == PLAN_SHARED) need(lowering, plan->shared, judge, arrival);
	if (plan->kind == PLAN_JOIN && plan->join_form == JOIN_FORM_TEMPORAL_PROC) mark_before_others(lowering, plan->inputs[1]);
}

void lower_needs(Lowering *lowering, Plan *root, bool judge)
{
	need(lowering, root, judge, false);
}
