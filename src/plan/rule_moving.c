/* What depends on now(). Time itself changes it, at moments that follow from the row: now() + d < x at x - d. All comparisons of an expression with the
 * clock give the moments at which one of them may change, and between these the clock might as well stand still, whatever OR, NOT or CASE makes of
 * them; PLAN_MOVING looks at a row again at each of its moments.
 *
 * A condition goes below plain joins, so that what time has taken out is forgotten there, too; not below what closes by a watermark, which
 * ends at moving conditions. Elsewhere (SELECT, FILTER, ON of outer joins ...) the expression becomes a column that PLAN_MOVING appends below.
 */
#include "plan/rules.h"

#include <string.h>
#include <strings.h>

#include "expr/function.h"
#include "type/text.h"

typedef struct Moving { PlanContext *context; Error *err; } Moving;

/* What time does to a condition: no moment makes it false; in the end it is false for ever. */
typedef struct Course { bool enters_only, ends; } Course;
typedef struct Motion { Exprs moments; Course course; } Motion;

/* ---- reading: now() against an instant ----
 *
 * What stands on the clock's side is a function f of now() that never falls: f(now()) >= x says now() >= the least t with f(t) >= x. Each layer of f
 * turns the instant into another one; shifts keep strictness, steps (truncation) end it. Only shifts by months fall, where months end: they have
 * several instants. */

typedef struct Instant { Expr *x; bool strict; } Instant;      /* now() >= x; strict: > x */
typedef struct Reading { Moving *moving; Exprs *moments; bool falls; } Reading;

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

static bool read_clock(Reading *reading, const Expr *e, Instant instant);

static void add_moment(Reading *reading, Expr *x)
{
	for (int i = 0; i < reading->moments->count; i++)
		if (expr_equal(reading->moments->at[i], x)) return;
	vec_push_in(reading->moving->context->arena, reading->moments, x);
}

/* now() >= x, or > x: it has reached the next microsecond. */
static Expr *not_strict(Moving *moving, Instant instant) { return later(moving, instant.x, instant.strict ? 1 : 0); }

/* The first beginning of a unit that is not before x; strict: that is after it */
static Expr *next_beginning(Moving *moving, Expr *unit, Interval length, Instant instant)
{
	Expr *begin = truncated(moving, unit, instant.x), *next = call(moving, "+", begin, interval(moving, length));
	return instant.strict ? next : choose(moving, call(moving, "=", begin, instant.x), instant.x, next);
}

static Expr *months_later(Moving *moving, Expr *x, int months)
{
	return call(moving, months < 0 ? "-" : "+", x, interval(moving, (Interval){.months = months < 0 ? -months : months}));
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

/* date_trunc(unit, y) >= x: y has reached the first beginning of a unit that is not before x; > x: the next one after x's own. */
static bool read_truncated(Reading *reading, const Expr *e, Instant instant)
{
	Interval unit;
	const Expr *inner = e->args[1], *base;
	int months;
	if (e->arg_count != 2 || !unit_interval(e->args[0], &unit)) return false;
	instant = (Instant){next_beginning(reading->moving, e->args[0], unit, instant), false};
	if (unit.months && read_months(inner, &base, &months)) {          /* between beginnings of months: nothing falls */
		instant.x = months_later(reading->moving, instant.x, -months);
		inner = base;
	}
	return read_clock(reading, inner, instant);
}

/* y + n months >= x. Where a month is too short its last day stands for the days that it lacks: y passes x at x - n months, or at the end of that day,
 * or, where x's day stands for several, at that time of each of them, and falls back when the next one begins. */
static bool read_month_shift(Reading *reading, const Expr *base, int months, Instant instant)
{
	enum { DAYS_LACKING_MAX = 3 };
	Moving *moving = reading->moving;
	Expr *first = months_later(moving, not_strict(moving, instant), -months);
	Expr *day = truncated(moving, expr_text(moving->context->arena, "day"), first);
	reading->falls = true;
	for (int i = 0; i <= DAYS_LACKING_MAX; i++) {
		Expr *at = i ? call(moving, "+", first, interval(moving, (Interval){.days = i})) : first;
		Expr *end = call(moving, "+", day, interval(moving, (Interval){.days = i + 1}));
		if (!read_clock(reading, base, (Instant){at, false}) || !read_clock(reading, base, (Instant){end, false})) return false;
	}
	return true;
}

/* Beginnings of months, shifted by months, are beginnings of months. */
static bool read_whole_months(Reading *reading, const Expr *base, int months, Instant instant)
{
	Moving *moving = reading->moving;
	Expr *begin = next_beginning(moving, expr_text(moving->context->arena, "month"), (Interval){.months = 1}, instant);
	return read_clock(reading, base, (Instant){months_later(moving, begin, -months), false});
}

static bool is_of_whole_months(const Expr *e)
{
	Interval unit;
	return expr_is_call(e, "date_trunc") && unit_interval(e->args[0], &unit) && unit.months;
}

static bool read_shifted(Reading *reading, const Expr *e, bool plus, Instant instant)
{
	Moving *moving = reading->moving;
	const Expr *base = e->args[0], *by = e->args[1];
	Interval shift;
	if (plus && base->type.kind == TYPE_INTERVAL) { base = e->args[1]; by = e->args[0]; }
	if (base->type.kind == TYPE_DATE && by->type.kind == TYPE_INTEGER && by->kind == EXPR_CONSTANT && !by->constant.is_null) {
		instant.x = call(moving, plus ? "-" : "+", instant.x, (Expr *)by);
		return read_clock(reading, base, instant);
	}
	if (base->type.kind != TYPE_TIMESTAMP || !constant_interval(by, &shift)) return false;
	int sign = plus ? 1 : -1;
	if (shift.months && !shift.days && !shift.us && is_of_whole_months(base)) return read_whole_months(reading, base, sign * shift.months, instant);
	Interval fixed = {.days = shift.days, .us = shift.us};
	int64_t us;
	if (!interval_to_us(fixed, &us)) return false;
	instant.x = later(moving, instant.x, -sign * us);
	return shift.months ? read_month_shift(reading, base, sign * shift.months, instant) : read_clock(reading, base, instant);
}

/* Takes the layers around now() off, outermost first. */
static bool read_clock(Reading *reading, const Expr *e, Instant instant)
{
	Moving *moving = reading->moving;
	if (is_now(e)) {
		if (instant.x->type.kind != TYPE_TIMESTAMP) return false;
		add_moment(reading, not_strict(moving, instant));
		return true;
	}
	if (is_today(e) || is_cast_to(e, TYPE_DATE, TYPE_TIMESTAMP)) {
		if (instant.strict) instant.x = call(moving, "+", instant.x, expr_int(moving->context->arena, 1));
		instant = (Instant){cast(moving, instant.x, TYPE_TIMESTAMP), false};
		if (!is_today(e)) return read_clock(reading, e->args[0], instant);
		add_moment(reading, instant.x);
		return true;
	}
	if (is_cast_to(e, TYPE_TIMESTAMP, TYPE_DATE)) {
		instant.x = cast(moving, instant.strict ? instant.x : later(moving, instant.x, INT64_C(86399999999)), TYPE_DATE);
		return read_clock(reading, e->args[0], instant);
	}
	if (expr_is_call(e, "date_trunc")) return read_truncated(reading, e, instant);
	bool plus = expr_is_call(e, "+"), minus = expr_is_call(e, "-");
	return (plus || minus) && e->arg_count == 2 && read_shifted(reading, e, plus, instant);
}

/* ---- reading: conditions ---- */

typedef enum ClockIs { CLOCK_LESS, CLOCK_LESS_EQUAL, CLOCK_GREATER_EQUAL, CLOCK_GREATER, CLOCK_EQUAL, CLOCK_OTHER } ClockIs;

static bool read_operator(const Expr *e, ClockIs *is)
{
	static const struct { const char *name; ClockIs is; } NAMES[] = {
		{"<", CLOCK_LESS}, {"<=", CLOCK_LESS_EQUAL}, {">=", CLOCK_GREATER_EQUAL}, {">", CLOCK_GREATER}, {"=", CLOCK_EQUAL}, {"<>", CLOCK_OTHER},
		{"is", CLOCK_EQUAL}, {"is not distinct from", CLOCK_EQUAL}, {"is not", CLOCK_OTHER}, {"is distinct from", CLOCK_OTHER},
	};
	for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
		if (!expr_is_call(e, NAMES[i].name) || e->arg_count != 2) continue;
		*is = NAMES[i].is;
		return true;
	}
	return false;
}

static ClockIs turned_round(ClockIs is) { return is <= CLOCK_GREATER ? (ClockIs)(CLOCK_GREATER - is) : is; }
static ClockIs contrary(ClockIs is)
{
	static const ClockIs CONTRARY[] = {CLOCK_GREATER_EQUAL, CLOCK_GREATER, CLOCK_LESS, CLOCK_LESS_EQUAL, CLOCK_OTHER, CLOCK_EQUAL};
	return CONTRARY[is];
}

static bool is_plain(const Expr *e) { return !expr_reads_clock(e) && expr_is_movable(e); }

/* f(now()) is x: where it passes x, where it is beyond, or both */
static bool read_passing(Reading *reading, const Expr *clock, ClockIs is, Expr *x)
{
	bool reaches = is == CLOCK_LESS || is == CLOCK_GREATER_EQUAL || is >= CLOCK_EQUAL, exceeds = is == CLOCK_LESS_EQUAL || is == CLOCK_GREATER || is >= CLOCK_EQUAL;
	return (!reaches || read_clock(reading, clock, (Instant){x, false})) && (!exceeds || read_clock(reading, clock, (Instant){x, true}));
}

/* now() - x is i: now() is x + i.  x - now() is i: now() - x is -i the other way round. */
static bool read_age(Reading *reading, const Expr *age, int64_t us, ClockIs *is)
{
	if (!expr_is_call(age, "-") || age->args[0]->type.kind != TYPE_TIMESTAMP || age->args[1]->type.kind != TYPE_TIMESTAMP) return false;
	if (is_plain(age->args[1])) return read_passing(reading, age->args[0], *is, later(reading->moving, age->args[1], us));
	*is = turned_round(*is);
	return is_plain(age->args[0]) && read_passing(reading, age->args[1], *is, later(reading->moving, age->args[0], -us));
}

/* now() - x is n, of dates */
static bool read_days(Reading *reading, const Expr *e, Expr *n, ClockIs *is)
{
	if (!expr_is_call(e, "-") || e->args[0]->type.kind != TYPE_DATE || e->args[1]->type.kind != TYPE_DATE) return false;
	if (is_plain(e->args[1])) return read_passing(reading, e->args[0], *is, call(reading->moving, "+", e->args[1], n));
	*is = turned_round(*is);
	return is_plain(e->args[0]) && read_passing(reading, e->args[1], *is, call(reading->moving, "-", e->args[0], n));
}

/* timestampdiff(unit, x, now()) >= k: from 1 on as many units after x; else it has not gone beyond one unit more before x. */
static bool read_units(Reading *reading, const Expr *e, Interval unit, int64_t k)
{
	Moving *moving = reading->moving;
	int64_t us;
	if (unit.months) {
		int months;
		if (k < 1 || __builtin_mul_overflow(k, unit.months, &months)) return false;
		Expr *at = months_later(moving, e->args[1], months), *day = truncated(moving, expr_text(moving->context->arena, "day"), at);
		Expr *end = call(moving, "+", day, interval(moving, (Interval){.days = 1}));           /* of a month without that day */
		return read_clock(reading, e->args[2], (Instant){at, false}) && read_clock(reading, e->args[2], (Instant){end, false});
	}
	if (!interval_to_us(unit, &us) || __builtin_mul_overflow(k < 1 ? k - 1 : k, us, &us)) return false;
	return read_clock(reading, e->args[2], (Instant){later(moving, e->args[1], us), k < 1});
}

static bool read_difference(Reading *reading, const Expr *e, const Expr *than, ClockIs is)
{
	Interval unit;
	if (!expr_is_call(e, "timestampdiff") || !unit_interval(e->args[0], &unit) || than->kind != EXPR_CONSTANT || than->constant.is_null
		|| than->type.kind != TYPE_INTEGER || !is_plain(e->args[1])) return false;
	int64_t n = than->constant.i64;
	bool reaches = is == CLOCK_LESS || is == CLOCK_GREATER_EQUAL || is >= CLOCK_EQUAL, exceeds = is == CLOCK_LESS_EQUAL || is == CLOCK_GREATER || is >= CLOCK_EQUAL;
	if (n == INT64_MAX || n == INT64_MIN) return false;
	return (!reaches || read_units(reading, e, unit, n)) && (!exceeds || read_units(reading, e, unit, n + 1));
}

/* a is b; is: as the clock stands to the rest */
static bool read_comparison(Reading *reading, Expr *a, Expr *b, ClockIs *is)
{
	Interval than;
	if (is_plain(a)) {
		Expr *swap = a;
		a = b;
		b = swap;
		*is = turned_round(*is);
	}
	if (!is_plain(b)) return false;
	if (a->type.kind == TYPE_INTERVAL) {
		Int128 us = constant_interval(b, &than) ? interval_compare_us(than) : 0;
		return constant_interval(b, &than) && us == (int64_t)us && read_age(reading, a, (int64_t)us, is);
	}
	if (a->type.kind == TYPE_INTEGER) return b->type.kind == TYPE_INTEGER && (read_days(reading, a, b, is) || read_difference(reading, a, b, *is));
	return a->type.kind == b->type.kind && read_passing(reading, a, *is, b);
}

static Course course_of(ClockIs is, bool falls)
{
	return (Course){.enters_only = !falls && (is == CLOCK_GREATER_EQUAL || is == CLOCK_GREATER), .ends = is == CLOCK_LESS || is == CLOCK_LESS_EQUAL || is == CLOCK_EQUAL};
}

static bool read_motion(Moving *moving, const Expr *e, bool negated, Motion *out);

/* AND of conditions holds where all do; of what is negated NOT turns it into the other. */
static bool read_junction(Moving *moving, const Expr *e, bool negated, Motion *out)
{
	bool is_and = (e->kind == EXPR_AND) != negated;
	Course all = {true, !is_and};
	for (int i = 0; i < e->arg_count; i++) {
		if (!read_motion(moving, e->args[i], negated, out)) return false;
		all.enters_only &= out->course.enters_only;
		all.ends = is_and ? all.ends || out->course.ends : all.ends && out->course.ends;
	}
	out->course = all;
	return true;
}

/* x IN (a, b ...) may change with each x = a. */
static bool read_list(Moving *moving, const Expr *e, Motion *out)
{
	for (int i = 1; i < e->arg_count; i++) {
		Reading reading = {moving, &out->moments, false};
		ClockIs is = CLOCK_OTHER;
		if ((expr_reads_clock(e->args[0]) || expr_reads_clock(e->args[i])) && !read_comparison(&reading, e->args[0], e->args[i], &is)) return false;
	}
	out->course = (Course){0};
	return true;
}

/* Adds the moments at which an expression may change; false: they are not known. course: of a condition */
static bool read_motion(Moving *moving, const Expr *e, bool negated, Motion *out)
{
	ClockIs is;
	out->course = (Course){.enters_only = true};
	if (!expr_reads_clock(e)) return true;
	if (e->kind == EXPR_AND || e->kind == EXPR_OR) return read_junction(moving, e, negated, out);
	if (expr_is_call(e, "not")) return read_motion(moving, e->args[0], !negated, out);
	if (read_operator(e, &is) && e->args[0]->type.kind != TYPE_BOOLEAN) {
		Reading reading = {moving, &out->moments, false};
		bool known = read_comparison(&reading, e->args[0], e->args[1], &is);
		out->course = course_of(negated ? contrary(is) : is, reading.falls);
		return known;
	}
	if (expr_is_call(e, "in") || expr_is_call(e, "not in")) return read_list(moving, e, out);
	for (int i = 0; i < e->arg_count; i++)
		if (!read_motion(moving, e->args[i], false, out)) return false;
	out->course = (Course){0};
	return e->arg_count > 0;
}

static bool refuse(Moving *moving, const Expr *e)
{
	error_set(moving->err, ERR_UNSUPPORTED, e->span, "this condition on now() cannot be kept up to date");
	return error_hint(moving->err, "Compare now(), plus or minus a constant interval, truncated or not, with columns; PROCTIME() stamps each row once.");
}

/* ---- making ---- */

typedef struct Condition { Expr *e; Motion motion; } Condition;

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
	Exprs moments = {0};
	Reading reading = {moving, &moments, false};
	for (int i = 0; i < plan->arg_count; i++) add_moment(&reading, plan->args[i]);
	for (int i = 0; i < condition->motion.moments.count; i++) add_moment(&reading, condition->motion.moments.at[i]);
	plan->args = moments.at;
	plan->arg_count = moments.count;
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
		if (!expr_is_movable(condition.e) || !read_motion(moving, condition.e, false, &condition.motion)) {
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
		Exprs moments = {0};
		Reading reading = {lifting->moving, &moments, false};
		for (int i = 0; i < above->arg_count; i++) add_moment(&reading, above->args[i]);
		for (int i = 0; i < motion->moments.count; i++) add_moment(&reading, motion->moments.at[i]);
		above->args = moments.at;
		above->arg_count = moments.count;
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
		if (read_motion(moving, e, false, &motion)) return lifted_column(lifting, side, e, &motion);
		break;
	}
	ClockIs is;
	if (!e->arg_count || e->kind == EXPR_SUBQUERY || read_operator(e, &is)) {
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
