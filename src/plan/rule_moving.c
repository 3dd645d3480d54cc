/* What depends on now(). Time itself changes it, at moments that follow from the row: now() + d < x at x - d. All comparisons of an expression with the
 * clock give the moments at which one of them may change, and between these the clock might as well stand still, whatever OR, NOT or CASE makes of
 * them; PLAN_MOVING looks at a row again at each of its moments.
 *
 * A condition goes below plain joins, so that what time has taken out is forgotten there, too; not below what closes by a watermark, which
 * ends at moving conditions. Elsewhere (SELECT, FILTER, ON of outer joins ...) the expression becomes a column that PLAN_MOVING appends below.
 */
#include "plan/moments.h"

typedef struct Moving { PlanContext *context; Error *err; } Moving;

static bool refuse(Moving *moving, const Expr *e)
{
	error_set(moving->err, ERR_UNSUPPORTED, e->span, "this condition on now() cannot be kept up to date");
	return error_hint(moving->err, "Compare now(), plus or minus a constant interval, truncated or not, with columns; PROCTIME() stamps each row once.");
}

/* ---- making ---- */

typedef struct Condition { Expr *e; Motion motion; } Condition;

static void add_moments(Moving *moving, Plan *plan, const Exprs *more)
{
	Exprs moments = {0};
	for (int i = 0; i < plan->arg_count; i++) vec_push_in(moving->context->arena, &moments, plan->args[i]);
	moments_add(moving->context, &moments, more);
	plan->args = moments.at;
	plan->arg_count = moments.count;
}

static Plan *moving_node(Moving *moving, Plan *input, const Condition *condition)
{
	PlanContext *context = moving->context;
	bool joins_below = input->kind == PLAN_MOVING && !input->item_count;
	Plan *plan = joins_below ? input : plan_new(context, PLAN_MOVING, 1);
	if (!joins_below) {
		plan->inputs[0] = input;
		plan->span = condition->e->span;
		plan->enters_only = true;
	}
	plan->condition = expr_and(context->arena, plan->condition, condition->e);
	plan->enters_only &= condition->motion.course.enters_only;
	plan->ends |= condition->motion.course.ends;
	add_moments(moving, plan, &condition->motion.moments);
	plan_pass_columns(context, plan);
	return plan;
}

/* ---- placing ---- */

static bool reads_only(Moving *moving, const Expr *e, const Plan *side)
{
	ColumnSet read = {0}, given = {0};
	expr_column_set(moving->context->arena, e, &read);
	plan_output_set(moving->context->arena, side, &given);
	return column_set_is_subset(&read, &given);
}

/* The side of a join to which a condition above it may go; -1: none */
static int side_of(Moving *moving, const Plan *plan, const Expr *e)
{
	if (plan->kind != PLAN_JOIN || plan->join_form != JOIN_FORM_PLAIN || plan->facts.closes || !plan->facts.derived) return -1;
	bool to_left = plan->join != JOIN_RIGHT && plan->join != JOIN_FULL, to_right = plan->join == JOIN_INNER || plan->join == JOIN_RIGHT;
	if (to_left && reads_only(moving, e, plan->inputs[0])) return 0;
	return to_right && reads_only(moving, e, plan->inputs[1]) ? 1 : -1;
}

static bool goes_below(Moving *moving, const Plan *plan, const Expr *e)
{
	while (plan->kind == PLAN_FILTER) plan = plan->inputs[0];
	return side_of(moving, plan, e) >= 0;
}

static Plan *place(Moving *moving, Plan *plan, const Condition *condition)
{
	if (!goes_below(moving, plan, condition->e)) return moving_node(moving, plan, condition);
	int side = plan->kind == PLAN_FILTER ? 0 : side_of(moving, plan, condition->e);
	plan->inputs[side] = place(moving, plan->inputs[side], condition);
	if (plan->kind == PLAN_FILTER) plan_pass_columns(moving->context, plan);
	else plan_join_columns(moving->context, plan);
	return plan;
}

static Plan *place_all(Moving *moving, Plan *input, const Exprs *conjuncts)
{
	Exprs others = {0};
	for (int i = 0; i < conjuncts->count; i++)
		if (!expr_reads_clock(conjuncts->at[i])) vec_push_in(moving->context->arena, &others, conjuncts->at[i]);
	Plan *plan = plan_filter(moving->context, input, expr_conjunction(moving->context->arena, others.at, others.count));
	for (int i = 0; i < conjuncts->count; i++) {
		Condition condition = {.e = conjuncts->at[i]};
		if (!expr_reads_clock(condition.e)) continue;
		if (!expr_is_movable(condition.e) || !moments_read(moving->context, condition.e, &condition.motion)) {
			refuse(moving, condition.e);
			return NULL;
		}
		plan = place(moving, plan, &condition);
	}
	return plan;
}

/* ---- columns that depend on now() ---- */

typedef struct Lifting { Moving *moving; Plan *plan; Plan *added[2]; bool failed; } Lifting;     /* added: above each input */

/* The column of an expression above an input; a new one, or of an equal one. */
static Expr *lifted_column(Lifting *lifting, int side, Expr *e, const Motion *motion)
{
	PlanContext *context = lifting->moving->context;
	Plan *above = lifting->added[side];
	if (!above) {
		above = lifting->added[side] = plan_new(context, PLAN_MOVING, 1);
		above->inputs[0] = lifting->plan->inputs[side];
		above->span = e->span;
	}
	int found = 0;
	while (found < above->item_count && !expr_equal(above->items[found].expr, e)) found++;
	if (found == above->item_count) {
		PlanItem *items = arena_array(context->arena, PlanItem, found + 1);
		copy_bytes(items, above->items, sizeof *items * (size_t)found);
		items[above->item_count++] = (PlanItem){plan_column_new(context), e};
		above->items = items;
		add_moments(lifting->moving, above, &motion->moments);
	}
	return expr_column(context->arena, above->items[found].id, e->type, e->nullable, e->span);
}

/* As much of the expression as one input knows is computed above that input. */
static Expr *lift(Lifting *lifting, Expr *e)
{
	Moving *moving = lifting->moving;
	Motion motion = {0};
	if (!expr_reads_clock(e) || lifting->failed) return e;
	for (int side = 0; side < lifting->plan->input_count; side++) {
		if (!reads_only(moving, e, lifting->plan->inputs[side]) || !expr_is_movable(e)) continue;
		if (moments_read(moving->context, e, &motion)) return lifted_column(lifting, side, e, &motion);
		break;
	}
	if (!e->arg_count || e->kind == EXPR_SUBQUERY || moments_is_comparison(e)) {
		lifting->failed = true;
		refuse(moving, e);
		return e;
	}
	Expr *copy = arena_copy(moving->context->arena, e, sizeof *e);
	copy->args = arena_array(moving->context->arena, Expr *, e->arg_count);
	for (int i = 0; i < e->arg_count; i++) copy->args[i] = lift(lifting, e->args[i]);
	return copy;
}

static void lift_slot(Expr **slot, void *context) { *slot = lift(context, *slot); }

static void add_columns(PlanContext *context, Plan *above)
{
	const Plan *input = above->inputs[0];
	above->column_count = input->column_count + above->item_count;
	above->columns = arena_array(context->arena, PlanColumn, above->column_count + 1);
	copy_bytes(above->columns, input->columns, sizeof *input->columns * (size_t)input->column_count);
	for (int i = 0; i < above->item_count; i++) {
		const Expr *e = above->items[i].expr;
		above->columns[input->column_count + i] = (PlanColumn){above->items[i].id, NULL, e->type, e->nullable};
	}
}

/* A node that gives out its input's columns, and some of its own, gives out those that were added, too. */
static void widen(PlanContext *context, Plan *plan, int before)
{
	const Plan *input = plan->inputs[0];
	int own = plan->column_count - before;
	PlanColumn *columns = arena_array(context->arena, PlanColumn, input->column_count + own + 1);
	copy_bytes(columns, input->columns, sizeof *columns * (size_t)input->column_count);
	copy_bytes(columns + input->column_count, plan->columns + before, sizeof *columns * (size_t)own);
	plan->columns = columns;
	plan->column_count = input->column_count + own;
}

static Plan *lift_node(Moving *moving, Plan *plan)
{
	PlanContext *context = moving->context;
	Lifting lifting = {moving, plan, {NULL, NULL}, false};
	PlanColumn *columns = plan->columns;
	int count = plan->column_count, before = plan->input_count ? plan->inputs[0]->column_count : 0;
	plan_slots(plan, lift_slot, &lifting);
	if (lifting.failed) return NULL;
	for (int side = 0; side < 2; side++) {
		if (!lifting.added[side]) continue;
		add_columns(context, lifting.added[side]);
		plan->inputs[side] = lifting.added[side];
	}
	if (plan->kind == PLAN_PROJECT || plan->kind == PLAN_AGGREGATE) return plan;
	if (plan->kind == PLAN_JOIN) plan_join_columns(context, plan);
	else widen(context, plan, before);
	return plan_project_columns(context, plan, columns, count);
}

/* ---- the rule ---- */

/* ON of joins: of inner ones the condition is one above, of others it goes to the side that may be left out, or becomes a column of a side. */
static Plan *move_join(Moving *moving, Plan *plan)
{
	Arena *arena = moving->context->arena;
	Exprs conjuncts = {0}, own = {0}, above = {0}, right = {0}, left = {0};
	bool to_right = plan->join == JOIN_LEFT || plan->join == JOIN_SEMI || plan->join == JOIN_ANTI, lifts = false;
	expr_conjuncts(arena, plan->condition, &conjuncts);
	for (int i = 0; i < conjuncts.count; i++) {
		Expr *e = conjuncts.at[i];
		if (!expr_reads_clock(e)) vec_push_in(arena, &own, e);
		else if (plan->join == JOIN_INNER) vec_push_in(arena, &above, e);
		else if (to_right && reads_only(moving, e, plan->inputs[1])) vec_push_in(arena, &right, e);
		else if (plan->join == JOIN_RIGHT && reads_only(moving, e, plan->inputs[0])) vec_push_in(arena, &left, e);
		else if (plan->join_form != JOIN_FORM_PLAIN) return refuse(moving, e) ? plan : NULL;
		else {
			vec_push_in(arena, &own, e);
			lifts = true;
		}
	}
	plan->condition = expr_conjunction(arena, own.at, own.count);
	if (left.count && !(plan->inputs[0] = place_all(moving, plan->inputs[0], &left))) return NULL;
	if (right.count && !(plan->inputs[1] = place_all(moving, plan->inputs[1], &right))) return NULL;
	plan_join_columns(moving->context, plan);
	if (lifts) return lift_node(moving, plan);
	return above.count ? place_all(moving, plan, &above) : plan;
}

static Plan *move_filter(Moving *moving, Plan *plan)
{
	Exprs conjuncts = {0};
	expr_conjuncts(moving->context->arena, plan->condition, &conjuncts);
	Plan *moved = place_all(moving, plan->inputs[0], &conjuncts);
	if (!moved || moved->column_count == plan->column_count) return moved;
	return plan_project_columns(moving->context, moved, plan->columns, plan->column_count);
}

typedef struct MovingRule { Moving moving; bool failed; } MovingRule;

static void find_clock(Expr **slot, void *context) { *(bool *)context |= expr_reads_clock(*slot); }

static Plan *move_node(PlanContext *context, Plan *plan, void *closure)
{
	(void)context;
	MovingRule *rule = closure;
	bool found = false;
	plan_slots(plan, find_clock, &found);
	if (rule->failed || !found) return plan;
	Plan *moved = plan->kind == PLAN_FILTER ? move_filter(&rule->moving, plan) : plan->kind == PLAN_JOIN ? move_join(&rule->moving, plan) : lift_node(&rule->moving, plan);
	rule->failed = !moved;
	return moved ? moved : plan;
}

Plan *rule_moving(PlanContext *context, Plan *plan, Error *err)
{
	MovingRule rule = {{context, err}, false};
	plan_derive(context, plan);
	plan = plan_rewrite(context, plan, move_node, &rule);
	return rule.failed ? NULL : plan;
}
