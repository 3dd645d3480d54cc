/* Conditions on now(): time itself lets rows in and takes them out again, at instants that follow from the row. now() + d < x becomes "out from
 * x - d on"; each such condition is kept by PLAN_MOVING.
 *
 * The condition goes below plain joins, so that what time has taken out is forgotten there, too; not below what closes by a watermark, which
 * ends at moving conditions.
 */
#include "plan/rules.h"

#include <string.h>
#include <strings.h>

#include "expr/function.h"
#include "type/text.h"

typedef struct Moving { PlanContext *context; Error *err; } Moving;

/* ---- reading: now() against an instant ----
 *
 * What stands on the clock's side is a function f of now() that never falls: f(now()) >= x says now() >= the least t with f(t) >= x. Each layer of f
 * turns the instant into another one; shifts keep strictness, steps (truncation) end it. */

typedef struct Instant { Expr *x; bool strict; } Instant;      /* now() >= x; strict: > x */

static Expr *call(Moving *moving, const char *name, Expr *a, Expr *b) { return expr_make(moving->context, name, a, b); }

static Expr *interval(Moving *moving, Interval value)
{
	Value constant = {.type = TYPE(INTERVAL), .interval = value};
	return expr_constant(moving->context->arena, &constant, SPAN_NONE);
}

static Expr *later(Moving *moving, Expr *x, int64_t us)
{
	if (us == 0) return x;
	return call(moving, us < 0 ? "-" : "+", x, interval(moving, (Interval){.us = us < 0 ? -us : us}));
}

static Expr *cast(Moving *moving, Expr *x, TypeKind kind)
{
	Error ignored = ERROR_INIT;
	return expr_cast(moving->context->arena, x, (Type){.kind = kind}, CAST_EXPLICIT, &ignored);
}

static Expr *choose(Moving *moving, Expr *when, Expr *then, Expr *otherwise)
{
	Error ignored = ERROR_INIT;
	Expr *branches[3] = {when, then, otherwise};
	return expr_case(moving->context->arena, branches, 3, SPAN_NONE, &ignored);
}

static bool is_now(const Expr *e) { return e->kind == EXPR_CALL && (e->function->flags & FUNCTION_CLOCK) && !e->arg_count && e->type.kind == TYPE_TIMESTAMP; }
static bool is_today(const Expr *e) { return e->kind == EXPR_CALL && (e->function->flags & FUNCTION_CLOCK) && !e->arg_count && e->type.kind == TYPE_DATE; }
static bool is_cast_to(const Expr *e, TypeKind to, TypeKind from) { return expr_is_call(e, "cast") && e->type.kind == to && e->args[0]->type.kind == from; }

static bool constant_interval(const Expr *e, Interval *out)
{
	if (e->kind != EXPR_CONSTANT || e->constant.is_null || e->type.kind != TYPE_INTERVAL) return false;
	*out = e->constant.interval;
	return true;
}

static Expr *truncated(Moving *moving, Expr *unit, Expr *x) { return call(moving, "date_trunc", unit, x); }

/* One unit of date_trunc */
static bool unit_interval(const Expr *e, Interval *out)
{
	static const struct { const char *name; Interval interval; } UNITS[] = {
		{"second", {.us = 1000000}}, {"minute", {.us = 60000000}}, {"hour", {.us = INT64_C(3600000000)}}, {"day", {.days = 1}}, {"week", {.days = 7}},
		{"month", {.months = 1}}, {"quarter", {.months = 3}}, {"year", {.months = 12}},
	};
	if (e->kind != EXPR_CONSTANT || e->constant.is_null || type_phys(e->type) != PHYS_STR) return false;
	for (size_t i = 0; i < sizeof UNITS / sizeof *UNITS; i++) {
		const Str *text = &e->constant.str;
		if (strlen(UNITS[i].name) != text->bytes || strncasecmp(UNITS[i].name, str_at(text), text->bytes) != 0) continue;
		*out = UNITS[i].interval;
		return true;
	}
	return false;
}

static bool read_clock(Moving *moving, const Expr *e, Instant *instant);

/* The first beginning of a unit that is not before x; strict: that is after it */
static Expr *next_beginning(Moving *moving, Expr *unit, Interval length, Instant instant)
{
	Expr *begin = truncated(moving, unit, instant.x), *next = call(moving, "+", begin, interval(moving, length));
	return instant.strict ? next : choose(moving, call(moving, "=", begin, instant.x), instant.x, next);
}

/* y + n months, n of either sign */
static bool read_months(const Expr *e, const Expr **base, int *months)
{
	Interval shift;
	bool plus = expr_is_call(e, "+"), minus = expr_is_call(e, "-");
	if ((!plus && !minus) || e->arg_count != 2 || e->args[0]->type.kind != TYPE_TIMESTAMP || !constant_interval(e->args[1], &shift) || !shift.months || shift.days || shift.us)
		return false;
	*base = e->args[0];
	*months = plus ? shift.months : -shift.months;
	return true;
}

static Expr *months_later(Moving *moving, Expr *x, int months)
{
	return call(moving, months < 0 ? "-" : "+", x, interval(moving, (Interval){.months = months < 0 ? -months : months}));
}

/* date_trunc(unit, y) >= x: y has reached the first beginning of a unit that is not before x; > x: the next one after x's own. */
static bool read_truncated(Moving *moving, const Expr *e, Instant *instant)
{
	Interval unit;
	const Expr *inner = e->args[1], *base;
	int months;
	if (e->arg_count != 2 || !unit_interval(e->args[0], &unit)) return false;
	*instant = (Instant){next_beginning(moving, e->args[0], unit, *instant), false};
	if (unit.months && read_months(inner, &base, &months) && months % unit.months == 0) {
		instant->x = months_later(moving, instant->x, -months);
		inner = base;
	}
	return read_clock(moving, inner, instant);
}

/* Months are shifts between beginnings of months only: at the end of some months now() plus a month goes back when the day changes. */
static bool read_month_shift(Moving *moving, const Expr *base, int months, Instant *instant)
{
	Interval unit;
	if (!expr_is_call(base, "date_trunc") || !unit_interval(base->args[0], &unit) || !unit.months) return false;
	Expr *month = expr_text(moving->context->arena, "month");
	instant->x = months_later(moving, next_beginning(moving, month, (Interval){.months = 1}, *instant), -months);
	instant->strict = false;
	return read_clock(moving, base, instant);
}

static bool read_shifted(Moving *moving, const Expr *e, bool plus, Instant *instant)
{
	const Expr *base = e->args[0], *by = e->args[1];
	Interval shift;
	int64_t us;
	int months;
	if (read_months(e, &base, &months)) return read_month_shift(moving, base, months, instant);
	if (plus && base->type.kind == TYPE_INTERVAL) { base = e->args[1]; by = e->args[0]; }
	if (base->type.kind == TYPE_DATE && by->type.kind == TYPE_INTEGER && by->kind == EXPR_CONSTANT && !by->constant.is_null) {
		instant->x = call(moving, plus ? "-" : "+", instant->x, (Expr *)by);
		return read_clock(moving, base, instant);
	}
	if (base->type.kind != TYPE_TIMESTAMP || !constant_interval(by, &shift) || !interval_to_us(shift, &us)) return false;
	instant->x = later(moving, instant->x, plus ? -us : us);
	return read_clock(moving, base, instant);
}

/* Takes the layers around now() off, outermost first. */
static bool read_clock(Moving *moving, const Expr *e, Instant *instant)
{
	if (is_now(e)) return true;
	if (is_today(e) || is_cast_to(e, TYPE_DATE, TYPE_TIMESTAMP)) {
		if (instant->strict) instant->x = call(moving, "+", instant->x, expr_int(moving->context->arena, 1));
		*instant = (Instant){cast(moving, instant->x, TYPE_TIMESTAMP), false};
		return is_today(e) || read_clock(moving, e->args[0], instant);
	}
	if (is_cast_to(e, TYPE_TIMESTAMP, TYPE_DATE)) {
		instant->x = cast(moving, instant->strict ? instant->x : later(moving, instant->x, INT64_C(86399999999)), TYPE_DATE);
		return read_clock(moving, e->args[0], instant);
	}
	if (expr_is_call(e, "date_trunc")) return read_truncated(moving, e, instant);
	bool plus = expr_is_call(e, "+"), minus = expr_is_call(e, "-");
	return (plus || minus) && e->arg_count == 2 && read_shifted(moving, e, plus, instant);
}

/* ---- reading: conditions ---- */

typedef enum ClockIs { CLOCK_LESS, CLOCK_LESS_EQUAL, CLOCK_GREATER_EQUAL, CLOCK_GREATER } ClockIs;

/* now() ... x */
typedef struct ClockCondition { ClockIs is; Expr *x; } ClockCondition;
typedef VEC(ClockCondition) ClockConditions;

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

/* clock < x: not yet clock >= x. clock <= x: not yet clock > x. */
static bool add_condition(Moving *moving, const Expr *clock, ClockIs is, Expr *x, ClockConditions *out)
{
	Instant instant = {x, is == CLOCK_LESS_EQUAL || is == CLOCK_GREATER};
	bool enters = is >= CLOCK_GREATER_EQUAL;
	if (!read_clock(moving, clock, &instant) || instant.x->type.kind != TYPE_TIMESTAMP) return false;
	ClockCondition condition = {enters ? (instant.strict ? CLOCK_GREATER : CLOCK_GREATER_EQUAL) : instant.strict ? CLOCK_LESS_EQUAL : CLOCK_LESS, instant.x};
	vec_push_in(moving->context->arena, out, condition);
	return true;
}

/* now() - x is i: now() is x + i.  x - now() is i: now() - x is -i the other way round. */
static bool read_age(Moving *moving, const Expr *age, int64_t us, ClockIs is, ClockConditions *out)
{
	if (!expr_is_call(age, "-") || age->type.kind != TYPE_INTERVAL || age->args[0]->type.kind != TYPE_TIMESTAMP || age->args[1]->type.kind != TYPE_TIMESTAMP) return false;
	if (is_plain(age->args[1])) return add_condition(moving, age->args[0], is, later(moving, age->args[1], us), out);
	return is_plain(age->args[0]) && add_condition(moving, age->args[1], (ClockIs)(CLOCK_GREATER - is), later(moving, age->args[0], -us), out);
}

/* timestampdiff(unit, x, now()) is n: whole units from 1 on */
static bool read_difference(Moving *moving, const Expr *e, const Expr *than, ClockIs is, ClockConditions *out)
{
	Interval unit;
	int64_t us, units;
	if (!expr_is_call(e, "timestampdiff") || !unit_interval(e->args[0], &unit) || !interval_to_us(unit, &us) || than->kind != EXPR_CONSTANT || than->constant.is_null
		|| than->type.kind != TYPE_INTEGER || !is_plain(e->args[1])) return false;
	bool after = is == CLOCK_LESS_EQUAL || is == CLOCK_GREATER;
	units = than->constant.i64 + after;
	if (units < 1 || __builtin_mul_overflow(units, us, &us)) return false;
	return add_condition(moving, e->args[2], is <= CLOCK_LESS_EQUAL ? CLOCK_LESS : CLOCK_GREATER_EQUAL, later(moving, e->args[1], us), out);
}

static bool read_comparison(Moving *moving, Expr *a, Expr *b, ClockIs is, ClockConditions *out)
{
	Interval than;
	if (is_plain(a)) {
		Expr *swap = a;
		a = b;
		b = swap;
		is = (ClockIs)(CLOCK_GREATER - is);
	}
	if (!is_plain(b)) return false;
	if (a->type.kind == TYPE_INTERVAL) {
		Int128 us = constant_interval(b, &than) ? interval_compare_us(than) : 0;
		return constant_interval(b, &than) && us == (int64_t)us && read_age(moving, a, (int64_t)us, is, out);
	}
	if (a->type.kind == TYPE_INTEGER) return read_difference(moving, a, b, is, out);
	return a->type.kind == b->type.kind && add_condition(moving, a, is, b, out);
}

/* All of what is added must hold. */
static bool read_condition(Moving *moving, Expr *e, ClockConditions *out)
{
	bool negated = false;
	while (expr_is_call(e, "not")) {
		negated = !negated;
		e = e->args[0];
	}
	ClockIs is;
	if (expr_is_call(e, "=") && !negated)
		return read_comparison(moving, e->args[0], e->args[1], CLOCK_GREATER_EQUAL, out) && read_comparison(moving, e->args[0], e->args[1], CLOCK_LESS_EQUAL, out);
	return read_operator(e, negated, &is) && read_comparison(moving, e->args[0], e->args[1], is, out);
}

static bool refuse(Moving *moving, const Expr *e)
{
	error_set(moving->err, ERR_UNSUPPORTED, e->span, "this condition on now() cannot be kept up to date");
	return error_hint(moving->err, "Compare now(), plus or minus a constant interval, truncated or not, with columns; PROCTIME() stamps each row once.");
}

/* ---- making ---- */

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
		plan->leave = condition->x;
		plan->leave_inclusive = condition->is == CLOCK_LESS;          /* now() < x: out when now() >= x */
	} else {
		plan->enter = condition->x;
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
		ClockConditions conditions = {0};
		if (!expr_reads_clock(conjuncts->at[i])) continue;
		if (!read_condition(moving, conjuncts->at[i], &conditions)) {
			refuse(moving, conjuncts->at[i]);
			return NULL;
		}
		for (int c = 0; c < conditions.count; c++) plan = place(moving, plan, &conditions.at[c]);
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
