/* EMIT ON WINDOW CLOSE: the result shows only what the watermark has settled. Operators that close (windowed groups, ranks and OVER by window,
 * sessions, outer rows of joins) give out settled rows by themselves; where the last word above them is not theirs, rows are held by
 * PLAN_SETTLE until the watermark has passed their window's end or their event time. A query of which no watermark settles anything is
 * refused.
 */
#include "plan/rules.h"

typedef struct Settling { PlanContext *context; Error *err; } Settling;

/* ---- what is settled ---- */

static bool is_settled(const Plan *plan);

static bool inputs_are_settled(const Plan *plan)
{
	for (int i = 0; i < plan->input_count; i++)
		if (!is_settled(plan->inputs[i])) return false;
	return true;
}

static bool is_settled(const Plan *plan)
{
	if (!plan->facts.append_only) return false;
	switch (plan->kind) {
	case PLAN_SETTLE: case PLAN_VALUES: return true;
	case PLAN_SCAN: return plan->relation->kind == RELATION_MATERIALIZED && plan->relation->emit_on_close;
	case PLAN_SHARED: return is_settled(plan->shared);
	case PLAN_AGGREGATE: case PLAN_OVER: case PLAN_TOPN: return plan->facts.closes || inputs_are_settled(plan);
	case PLAN_WINDOW: return plan->window == PLAN_WINDOW_SESSION ? plan->facts.closes : inputs_are_settled(plan);
	case PLAN_JOIN: return plan->join_form == JOIN_FORM_PLAIN ? inputs_are_settled(plan) : is_settled(plan->inputs[0]);
	case PLAN_STEP_INPUT: case PLAN_RECURSIVE: return false;
	default: return inputs_are_settled(plan);
	}
}

/* ---- by what column ---- */

static bool serves(const Plan *plan, const PlanWatermark *watermark)
{
	if (watermark->versions) return false;
	if (plan->kind != PLAN_JOIN || plan->join == JOIN_INNER) return true;
	/* rows of an outer join have the time of the side that is always there */
	const Plan *preserved = plan->inputs[plan->join == JOIN_RIGHT ? 1 : 0];
	return plan->join != JOIN_FULL && plan_column(preserved, watermark->column);
}

/* The end of the window before its other columns; else the time that is least behind. */
static const PlanWatermark *settling_watermark(const Plan *plan)
{
	const PlanWatermark *best = NULL;
	for (int i = 0; i < plan->facts.watermark_count; i++) {
		const PlanWatermark *watermark = &plan->facts.watermarks[i];
		if (!serves(plan, watermark)) continue;
		bool better = !best || (watermark->window > 0) > (best->window > 0)
			|| ((watermark->window > 0) == (best->window > 0) && watermark->delta_us < best->delta_us);
		if (better) best = watermark;
	}
	return best;
}

static bool refuse(Settling *settling, const Plan *plan, const char *why)
{
	error_set(settling->err, ERR_UNSUPPORTED, plan->span, "EMIT ON WINDOW CLOSE cannot be kept: %s", why);
	return error_hint(settling->err, "Group, join or rank by the window of a stream that has a WATERMARK, or leave EMIT ON WINDOW CLOSE out.");
}

/* ---- holding rows ---- */

static Plan *hold(Settling *settling, Plan *plan, ColumnId column)
{
	Plan *settle = plan_new(settling->context, PLAN_SETTLE, 1);
	settle->inputs[0] = plan;
	settle->span = plan->span;
	settle->settle_column = column;
	plan_pass_columns(settling->context, settle);
	return settle;
}

/* FULL JOIN: the time of whichever side is there, as a column for it. */
static Plan *hold_full_join(Settling *settling, Plan *join)
{
	PlanContext *context = settling->context;
	const PlanWatermark *sides[2] = {NULL, NULL};
	for (int i = 0; i < join->facts.watermark_count; i++) {
		const PlanWatermark *watermark = &join->facts.watermarks[i];
		int side = plan_column(join->inputs[0], watermark->column) ? 0 : 1;
		if (!sides[side] || watermark->delta_us < sides[side]->delta_us) sides[side] = watermark;
	}
	if (!sides[0] || !sides[1]) return NULL;
	Plan *project = plan_project_columns(context, join, join->columns, join->column_count);
	PlanItem *items = arena_array(context->arena, PlanItem, join->column_count + 1);
	PlanColumn *columns = arena_array(context->arena, PlanColumn, join->column_count + 1);
	copy_bytes(items, project->items, sizeof *items * (size_t)join->column_count);
	copy_bytes(columns, project->columns, sizeof *columns * (size_t)join->column_count);
	Expr *either = expr_make(context, "coalesce", plan_column_ref(context, join, sides[0]->column), plan_column_ref(context, join, sides[1]->column));
	ColumnId id = plan_column_new(context);
	items[join->column_count] = (PlanItem){id, either};
	columns[join->column_count] = (PlanColumn){id, "time", either->type, either->nullable};
	project->items = items;
	project->columns = columns;
	project->item_count = project->column_count = join->column_count + 1;
	return plan_project_columns(context, hold(settling, project, id), join->columns, join->column_count);
}

static Plan *settle(Settling *settling, Plan *plan);

static Plan *settle_base(Settling *settling, Plan *base, Plan *top)
{
	if (!base->facts.append_only) {
		refuse(settling, base, "rows that were given out would change");
		return NULL;
	}
	if (base->kind == PLAN_JOIN && base->join == JOIN_FULL && base->facts.watermark_count && base == top) {
		Plan *held = hold_full_join(settling, base);
		if (held) return held;
	}
	const PlanWatermark *watermark = settling_watermark(base);
	if (watermark) return hold(settling, top, watermark->column);
	refuse(settling, base, "there is no watermark to go by");
	return NULL;
}

static bool any_input_is_settled(const Plan *plan)
{
	for (int i = 0; i < plan->input_count; i++)
		if (is_settled(plan->inputs[i])) return true;
	return false;
}

/* Down through projections to what made the rows; conditions on it are applied first. */
static Plan *settle(Settling *settling, Plan *plan)
{
	if (is_settled(plan)) return plan;
	if (plan->kind == PLAN_UNION && !any_input_is_settled(plan) && plan->facts.append_only && settling_watermark(plan))
		return hold(settling, plan, settling_watermark(plan)->column);        /* the lowest of all inputs settles */
	if (plan->kind == PLAN_UNION || plan->kind == PLAN_PROJECT || plan->kind == PLAN_EXPAND) {
		for (int i = 0; i < plan->input_count; i++)
			if (!(plan->inputs[i] = settle(settling, plan->inputs[i]))) return NULL;
		return plan;
	}
	Plan *base = plan;
	while (base->kind == PLAN_FILTER) base = base->inputs[0];
	bool passes_on = base->kind == PLAN_UNION || base->kind == PLAN_PROJECT || base->kind == PLAN_EXPAND || (base->kind == PLAN_JOIN && base->join == JOIN_FULL);
	if (base != plan && passes_on) {
		plan->inputs[0] = settle(settling, plan->inputs[0]);
		return plan->inputs[0] ? plan : NULL;
	}
	return settle_base(settling, base, plan);
}

Plan *rule_settle(PlanContext *context, Plan *plan, Error *err)
{
	Settling settling = {context, err};
	if (!context->emit_on_close) return plan;
	plan_derive(context, plan);
	return settle(&settling, plan);
}
