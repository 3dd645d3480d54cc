/* Conditions on now(): time itself lets rows in and takes them out again, at instants that follow from the row. now() + d < x becomes "out from
 * x - d on"; each such condition is kept by PLAN_MOVING. Months have no fixed length, so that instant would not be certain: they are refused.
 *
 * The condition goes below plain joins, so that what time has taken out is forgotten there, too; not below what closes by a watermark, which
 * ends at moving conditions.
 */
#include "plan/rules.h"

#include "expr/function.h"
#include "type/text.h"

typedef struct Moving { PlanContext *context; Error *err; } Moving;

/* ---- reading ---- */

/* now() + shift: the clock's side of a comparison */
static bool is_now(const Expr *e) { return e->kind == EXPR_CALL && (e->function->flags & FUNCTION_CLOCK) && !e->arg_count && e->type.kind == TYPE_TIMESTAMP; }

static bool fixed_interval(const Expr *e, int64_t *us)
{
	return e->kind == EXPR_CONSTANT && !e->constant.is_null && e->type.kind == TYPE_INTERVAL && interval_to_us(e->constant.interval, us);
}

static bool read_clock(const Expr *e, int64_t *shift_us)
{
	int64_t us, inner;
	if (is_now(e)) {
		*shift_us = 0;
		return true;
	}
	bool plus = expr_is_call(e, "+"), minus = expr_is_call(e, "-");
	if ((!plus && !minus) || e->arg_count != 2) return false;
	const Expr *base = e->args[0], *by = e->args[1];
	if (plus && base->type.kind == TYPE_INTERVAL) { base = e->args[1]; by = e->args[0]; }
	if (!fixed_interval(by, &us) || !read_clock(base, &inner)) return false;
	return !__builtin_add_overflow(inner, plus ? us : -us, shift_us);
}

typedef enum ClockIs { CLOCK_LESS, CLOCK_LESS_EQUAL, CLOCK_GREATER_EQUAL, CLOCK_GREATER } ClockIs;

/* clock + shift ... x */
typedef struct ClockCondition { ClockIs is; int64_t shift_us; Expr *x; } ClockCondition;

static bool read_operator(const Expr *e, bool negated, ClockIs *is)
{
	static const char *const NAMES[] = {[CLOCK_LESS] = "<", [CLOCK_LESS_EQUAL] = "<=", [CLOCK_GREATER_EQUAL] = ">=", [CLOCK_GREATER] = ">"};
	static const ClockIs CONTRARY[] = {CLOCK_GREATER_EQUAL, CLOCK_GREATER, CLOCK_LESS, CLOCK_LESS_EQUAL};
	for (int i = 0; i < 4; i++) {
		if (!expr_is_call(e, NAMES[i])) continue;
		*is = negated ? CONTRARY[i] : (ClockIs)i;
		return true;
	}
	return false;
}

static bool is_plain(const Expr *e) { return !expr_reads_clock(e) && expr_is_movable(e); }

/* now() - x is i: now() is x + i.  x - now() is i: now() - x is -i the other way round. */
static bool read_age(const Expr *age, const Expr *than, ClockIs is, ClockCondition *out)
{
	int64_t us, shift;
	if (!expr_is_call(age, "-") || age->type.kind != TYPE_INTERVAL || !fixed_interval(than, &us)) return false;
	if (is_plain(age->args[1]) && read_clock(age->args[0], &shift)) *out = (ClockCondition){is, shift - us, age->args[1]};
	else if (is_plain(age->args[0]) && read_clock(age->args[1], &shift)) *out = (ClockCondition){(ClockIs)(CLOCK_GREATER - is), shift + us, age->args[0]};
	else return false;
	return out->x->type.kind == TYPE_TIMESTAMP;
}

static bool read_condition(Expr *e, ClockCondition *out)
{
	bool negated = false;
	while (expr_is_call(e, "not")) {
		negated = !negated;
		e = e->args[0];
	}
	ClockIs is;
	if (!read_operator(e, negated, &is)) return false;
	Expr *a = e->args[0], *b = e->args[1];
	if (is_plain(a)) {
		a = e->args[1];
		b = e->args[0];
		is = (ClockIs)(CLOCK_GREATER - is);
	}
	if (!is_plain(b)) return false;
	int64_t shift;
	if (b->type.kind == TYPE_TIMESTAMP && read_clock(a, &shift)) {
		*out = (ClockCondition){is, shift, b};
		return true;
	}
	return read_age(a, b, is, out);
}

static bool refuse(Moving *moving, const Expr *e)
{
	error_set(moving->err, ERR_UNSUPPORTED, e->span, "this condition on now() cannot be kept up to date");
	return error_hint(moving->err, "Compare now(), plus or minus a constant interval without months, with a column; PROCTIME() stamps each row once.");
}

/* ---- making ---- */

static Expr *shifted(Moving *moving, const ClockCondition *condition)
{
	int64_t us = condition->shift_us;
	if (!us) return condition->x;
	Value value = {.type = TYPE(INTERVAL), .interval = {.us = us < 0 ? -us : us}};
	return expr_make(moving->context, us < 0 ? "+" : "-", condition->x, expr_constant(moving->context->arena, &value, SPAN_NONE));
}

static Plan *moving_node(Moving *moving, Plan *input, const ClockCondition *condition)
{
	PlanContext *context = moving->context;
	bool leaves = condition->is <= CLOCK_LESS_EQUAL, joins_below = input->kind == PLAN_MOVING && !(leaves ? input->leave : input->enter);
	Plan *plan = joins_below ? input : plan_new(context, PLAN_MOVING, 1);
	if (!joins_below) {
		plan->inputs[0] = input;
		plan->span = condition->x->span;
	}
	/* a row without the time is never in: the comparison is NULL */
	if (condition->x->nullable) plan->inputs[0] = plan_filter(context, plan->inputs[0], expr_make(context, "is not null", condition->x, NULL));
	if (leaves) {
		plan->leave = shifted(moving, condition);
		plan->leave_inclusive = condition->is == CLOCK_LESS;          /* now() < x: out when now() >= x */
	} else {
		plan->enter = shifted(moving, condition);
		plan->enter_inclusive = condition->is == CLOCK_GREATER_EQUAL;
	}
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

static Plan *place(Moving *moving, Plan *plan, const ClockCondition *condition)
{
	if (plan->kind == PLAN_FILTER) {
		plan->inputs[0] = place(moving, plan->inputs[0], condition);
		plan_pass_columns(moving->context, plan);
		return plan;
	}
	bool plain = plan->kind == PLAN_JOIN && plan->join_form == JOIN_FORM_PLAIN && !plan->facts.closes && plan->facts.derived;
	bool to_left = plain && plan->join != JOIN_RIGHT && plan->join != JOIN_FULL, to_right = plain && (plan->join == JOIN_INNER || plan->join == JOIN_RIGHT);
	for (int side = 0; side < 2 && plain; side++) {
		if (!(side ? to_right : to_left) || !reads_only(moving, condition->x, plan->inputs[side])) continue;
		plan->inputs[side] = place(moving, plan->inputs[side], condition);
		plan_join_columns(moving->context, plan);
		return plan;
	}
	return moving_node(moving, plan, condition);
}

static Plan *place_all(Moving *moving, Plan *input, const Exprs *conjuncts)
{
	Exprs others = {0};
	for (int i = 0; i < conjuncts->count; i++)
		if (!expr_reads_clock(conjuncts->at[i])) vec_push_in(moving->context->arena, &others, conjuncts->at[i]);
	Plan *plan = plan_filter(moving->context, input, expr_conjunction(moving->context->arena, others.at, others.count));
	for (int i = 0; i < conjuncts->count; i++) {
		ClockCondition condition;
		if (!expr_reads_clock(conjuncts->at[i])) continue;
		if (!read_condition(conjuncts->at[i], &condition)) {
			refuse(moving, conjuncts->at[i]);
			return NULL;
		}
		plan = place(moving, plan, &condition);
	}
	return plan;
}

/* ---- the rule ---- */

static bool has_clock(const Expr *e) { return e && expr_reads_clock(e); }

/* ON of joins: of inner ones the condition is one above, of others it goes to the side that may be left out. */
static Plan *move_join(Moving *moving, Plan *plan)
{
	Arena *arena = moving->context->arena;
	Exprs conjuncts = {0}, own = {0}, above = {0}, right = {0}, left = {0};
	expr_conjuncts(arena, plan->condition, &conjuncts);
	bool to_right = plan->join == JOIN_LEFT || plan->join == JOIN_SEMI || plan->join == JOIN_ANTI;
	for (int i = 0; i < conjuncts.count; i++) {
		Expr *e = conjuncts.at[i];
		if (!expr_reads_clock(e)) vec_push_in(arena, &own, e);
		else if (plan->join == JOIN_INNER) vec_push_in(arena, &above, e);
		else if (to_right && reads_only(moving, e, plan->inputs[1])) vec_push_in(arena, &right, e);
		else if (plan->join == JOIN_RIGHT && reads_only(moving, e, plan->inputs[0])) vec_push_in(arena, &left, e);
		else return refuse(moving, e) ? plan : NULL;
	}
	plan->condition = expr_conjunction(arena, own.at, own.count);
	if (left.count && !(plan->inputs[0] = place_all(moving, plan->inputs[0], &left))) return NULL;
	if (right.count && !(plan->inputs[1] = place_all(moving, plan->inputs[1], &right))) return NULL;
	plan_join_columns(moving->context, plan);
	return above.count ? place_all(moving, plan, &above) : plan;
}

typedef struct MovingRule { Moving moving; bool failed; } MovingRule;

static Plan *move_node(PlanContext *context, Plan *plan, void *closure)
{
	MovingRule *rule = closure;
	if (rule->failed || !has_clock(plan->condition)) return plan;
	Plan *moved;
	if (plan->kind == PLAN_FILTER) {
		PlanColumn *columns = plan->columns;
		int count = plan->column_count;
		Exprs conjuncts = {0};
		expr_conjuncts(context->arena, plan->condition, &conjuncts);
		moved = place_all(&rule->moving, plan->inputs[0], &conjuncts);
		if (moved && moved->column_count != count) moved = plan_project_columns(context, moved, columns, count);
	}
	else moved = plan->kind == PLAN_JOIN ? move_join(&rule->moving, plan) : plan;
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
