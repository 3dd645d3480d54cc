/* Comparisons are read from outside: what stands around now() is taken off layer by layer, and what it is compared with becomes the instant at which that changes. */
#include "plan/moments.h"

#include <string.h>
#include <strings.h>

#include "expr/function.h"
#include "type/text.h"

/* ---- reading: now() against an instant ----
 *
 * What stands on the clock's side is a function f of now() that never falls: f(now()) >= x says now() >= the least t with f(t) >= x. Each layer of f
 * turns the instant into another one; shifts keep strictness, steps (truncation) end it. Only shifts by months fall, where months end: they have
 * several instants. */

typedef struct Instant { Expr *x; bool strict; } Instant;      /* now() >= x; strict: > x */
typedef struct Reading { PlanContext *context; Exprs *moments; bool falls; } Reading;

static Expr *call(PlanContext *context, const char *name, Expr *a, Expr *b) { return expr_make(context, name, a, b); }

static Expr *interval(PlanContext *context, Interval value)
{
	Value constant = {.type = TYPE(INTERVAL), .interval = value};
	return expr_constant(context->arena, &constant, SPAN_NONE);
}

static Expr *later(PlanContext *context, Expr *x, int64_t us)
{
	if (us == 0) return x;
	return call(context, us < 0 ? "-" : "+", x, interval(context, (Interval){.us = us < 0 ? -us : us}));
}

static Expr *cast(PlanContext *context, Expr *x, TypeKind kind)
{
	Error ignored = ERROR_INIT;
	return expr_cast(context->arena, x, (Type){.kind = kind}, CAST_EXPLICIT, &ignored);
}

static Expr *choose(PlanContext *context, Expr *when, Expr *then, Expr *otherwise)
{
	Error ignored = ERROR_INIT;
	Expr *branches[3] = {when, then, otherwise};
	return expr_case(context->arena, branches, 3, SPAN_NONE, &ignored);
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

static Expr *truncated(PlanContext *context, Expr *unit, Expr *x) { return call(context, "date_trunc", unit, x); }

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

static void add_moment(PlanContext *context, Exprs *to, Expr *x)
{
	for (int i = 0; i < to->count; i++)
		if (expr_equal(to->at[i], x)) return;
	vec_push_in(context->arena, to, x);
}

void moments_add(PlanContext *context, Exprs *to, const Exprs *more)
{
	for (int i = 0; i < more->count; i++) add_moment(context, to, more->at[i]);
}

/* now() >= x, or > x: it has reached the next microsecond. */
static Expr *not_strict(PlanContext *context, Instant instant) { return later(context, instant.x, instant.strict ? 1 : 0); }

/* The first beginning of a unit that is not before x; strict: that is after it */
static Expr *next_beginning(PlanContext *context, Expr *unit, Interval length, Instant instant)
{
	Expr *begin = truncated(context, unit, instant.x), *next = call(context, "+", begin, interval(context, length));
	return instant.strict ? next : choose(context, call(context, "=", begin, instant.x), instant.x, next);
}

static Expr *months_later(PlanContext *context, Expr *x, int months)
{
	return call(context, months < 0 ? "-" : "+", x, interval(context, (Interval){.months = months < 0 ? -months : months}));
}

/* The same where a day is one of a zone, and as long as that: what is a piece behind the beginning, and half of one, is in the next. */
static Expr *next_beginning_in_zone(PlanContext *context, Expr *const *args, Interval length, Instant instant)
{
	Error err = ERROR_INIT;
	int days = length.months ? length.months * 31 + 9 : length.days + 1;
	Interval over = {.days = length.days == 1 ? 0 : days, .us = length.days == 1 ? INT64_C(36) * 3600000000 : 0};
	Expr *of_x[3] = {args[0], instant.x, args[2]};
	Expr *begin = expr_call(context->arena, "date_trunc", of_x, 3, instant.x->span, &err);
	Expr *of_next[3] = {args[0], call(context, "+", begin, interval(context, over)), args[2]};
	Expr *next = expr_call(context->arena, "date_trunc", of_next, 3, instant.x->span, &err);
	return instant.strict ? next : choose(context, call(context, "=", begin, instant.x), instant.x, next);
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
	if (!unit_interval(e->args[0], &unit)) return false;
	if (e->arg_count == 3) {
		bool whole_days = (unit.months || unit.days) && e->args[2]->kind == EXPR_CONSTANT;
		return whole_days && read_clock(reading, inner, (Instant){next_beginning_in_zone(reading->context, e->args, unit, instant), false});
	}
	instant = (Instant){next_beginning(reading->context, e->args[0], unit, instant), false};
	if (unit.months && read_months(inner, &base, &months)) {          /* between beginnings of months: nothing falls */
		instant.x = months_later(reading->context, instant.x, -months);
		inner = base;
	}
	return read_clock(reading, inner, instant);
}

/* y + n months >= x. Where a month is too short its last day stands for the days that it lacks: y passes x at x - n months, or at the end of that day,
 * or, where x's day stands for several, at that time of each of them, and falls back when the next one begins. */
static bool read_month_shift(Reading *reading, const Expr *base, int months, Instant instant)
{
	enum { DAYS_LACKING_MAX = 3 };
	PlanContext *context = reading->context;
	Expr *first = months_later(context, not_strict(context, instant), -months);
	Expr *day = truncated(context, expr_text(context->arena, "day"), first);
	reading->falls = true;
	for (int i = 0; i <= DAYS_LACKING_MAX; i++) {
		Expr *at = i ? call(context, "+", first, interval(context, (Interval){.days = i})) : first;
		Expr *end = call(context, "+", day, interval(context, (Interval){.days = i + 1}));
		if (!read_clock(reading, base, (Instant){at, false}) || !read_clock(reading, base, (Instant){end, false})) return false;
	}
	return true;
}

/* Beginnings of months, shifted by months, are beginnings of months. */
static bool read_whole_months(Reading *reading, const Expr *base, int months, Instant instant)
{
	PlanContext *context = reading->context;
	Expr *begin = next_beginning(context, expr_text(context->arena, "month"), (Interval){.months = 1}, instant);
	return read_clock(reading, base, (Instant){months_later(context, begin, -months), false});
}

static bool is_of_whole_months(const Expr *e)
{
	Interval unit;
	return expr_is_call(e, "date_trunc") && e->arg_count == 2 && unit_interval(e->args[0], &unit) && unit.months;
}

static bool read_shifted(Reading *reading, const Expr *e, bool plus, Instant instant)
{
	PlanContext *context = reading->context;
	const Expr *base = e->args[0], *by = e->args[1];
	Interval shift;
	if (plus && base->type.kind == TYPE_INTERVAL) { base = e->args[1]; by = e->args[0]; }
	if (base->type.kind == TYPE_DATE && by->type.kind == TYPE_INTEGER && by->kind == EXPR_CONSTANT && !by->constant.is_null) {
		instant.x = call(context, plus ? "-" : "+", instant.x, (Expr *)by);
		return read_clock(reading, base, instant);
	}
	if (base->type.kind != TYPE_TIMESTAMP || !constant_interval(by, &shift)) return false;
	int sign = plus ? 1 : -1;
	if (shift.months && !shift.days && !shift.us && is_of_whole_months(base)) return read_whole_months(reading, base, sign * shift.months, instant);
	Interval fixed = {.days = shift.days, .us = shift.us};
	int64_t us;
	if (!interval_to_us(fixed, &us)) return false;
	instant.x = later(context, instant.x, -sign * us);
	return shift.months ? read_month_shift(reading, base, sign * shift.months, instant) : read_clock(reading, base, instant);
}

/* Takes the layers around now() off, outermost first. */
static bool read_clock(Reading *reading, const Expr *e, Instant instant)
{
	PlanContext *context = reading->context;
	if (is_now(e)) {
		if (instant.x->type.kind != TYPE_TIMESTAMP) return false;
		add_moment(context, reading->moments, not_strict(context, instant));
		return true;
	}
	if (is_today(e) || is_cast_to(e, TYPE_DATE, TYPE_TIMESTAMP)) {
		if (instant.strict) instant.x = call(context, "+", instant.x, expr_int(context->arena, 1));
		instant = (Instant){cast(context, instant.x, TYPE_TIMESTAMP), false};
		if (!is_today(e)) return read_clock(reading, e->args[0], instant);
		add_moment(context, reading->moments, instant.x);
		return true;
	}
	if (is_cast_to(e, TYPE_TIMESTAMP, TYPE_DATE)) {
		instant.x = cast(context, instant.strict ? instant.x : later(context, instant.x, INT64_C(86399999999)), TYPE_DATE);
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

/* Does it change where the clock comes to what it is compared with, where it goes beyond? */
static bool at_reaching(ClockIs is) { return is == CLOCK_LESS || is == CLOCK_GREATER_EQUAL || is >= CLOCK_EQUAL; }
static bool at_exceeding(ClockIs is) { return is == CLOCK_LESS_EQUAL || is == CLOCK_GREATER || is >= CLOCK_EQUAL; }

/* f(now()) is x */
static bool read_passing(Reading *reading, const Expr *clock, ClockIs is, Expr *x)
{
	return (!at_reaching(is) || read_clock(reading, clock, (Instant){x, false})) && (!at_exceeding(is) || read_clock(reading, clock, (Instant){x, true}));
}

/* now() - x is i: now() is x + i.  x - now() is i: now() - x is -i the other way round. */
static bool read_age(Reading *reading, const Expr *age, int64_t us, ClockIs *is)
{
	if (!expr_is_call(age, "-") || age->args[0]->type.kind != TYPE_TIMESTAMP || age->args[1]->type.kind != TYPE_TIMESTAMP) return false;
	if (is_plain(age->args[1])) return read_passing(reading, age->args[0], *is, later(reading->context, age->args[1], us));
	*is = turned_round(*is);
	return is_plain(age->args[0]) && read_passing(reading, age->args[1], *is, later(reading->context, age->args[0], -us));
}

/* now() - x is n, of dates */
static bool read_days(Reading *reading, const Expr *e, Expr *n, ClockIs *is)
{
	if (!expr_is_call(e, "-") || e->args[0]->type.kind != TYPE_DATE || e->args[1]->type.kind != TYPE_DATE) return false;
	if (is_plain(e->args[1])) return read_passing(reading, e->args[0], *is, call(reading->context, "+", e->args[1], n));
	*is = turned_round(*is);
	return is_plain(e->args[0]) && read_passing(reading, e->args[1], *is, call(reading->context, "-", e->args[0], n));
}

/* timestampdiff(unit, x, now()) >= k: from 1 on as many units after x; else it has not gone beyond one unit more before x. */
static bool read_units(Reading *reading, const Expr *e, Interval unit, int64_t k)
{
	PlanContext *context = reading->context;
	int64_t us;
	if (unit.months) {
		int months;
		if (k < 1 || __builtin_mul_overflow(k, unit.months, &months)) return false;
		Expr *at = months_later(context, e->args[1], months), *day = truncated(context, expr_text(context->arena, "day"), at);
		Expr *end = call(context, "+", day, interval(context, (Interval){.days = 1}));           /* of a month without that day */
		return read_clock(reading, e->args[2], (Instant){at, false}) && read_clock(reading, e->args[2], (Instant){end, false});
	}
	if (!interval_to_us(unit, &us) || __builtin_mul_overflow(k < 1 ? k - 1 : k, us, &us)) return false;
	return read_clock(reading, e->args[2], (Instant){later(context, e->args[1], us), k < 1});
}

static bool read_difference(Reading *reading, const Expr *e, const Expr *than, ClockIs is)
{
	Interval unit;
	if (!expr_is_call(e, "timestampdiff") || !unit_interval(e->args[0], &unit) || than->kind != EXPR_CONSTANT || than->constant.is_null
		|| than->type.kind != TYPE_INTEGER || !is_plain(e->args[1])) return false;
	int64_t n = than->constant.i64;
	if (n == INT64_MAX || n == INT64_MIN) return false;
	return (!at_reaching(is) || read_units(reading, e, unit, n)) && (!at_exceeding(is) || read_units(reading, e, unit, n + 1));
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

static bool read_motion(PlanContext *context, const Expr *e, bool negated, Motion *out);

/* AND of conditions holds where all do; of what is negated NOT turns it into the other. */
static bool read_junction(PlanContext *context, const Expr *e, bool negated, Motion *out)
{
	bool is_and = (e->kind == EXPR_AND) != negated;
	Course all = {true, !is_and};
	for (int i = 0; i < e->arg_count; i++) {
		if (!read_motion(context, e->args[i], negated, out)) return false;
		all.enters_only &= out->course.enters_only;
		all.ends = is_and ? all.ends || out->course.ends : all.ends && out->course.ends;
	}
	out->course = all;
	return true;
}

/* x IN (a, b ...) may change with each x = a. */
static bool read_list(PlanContext *context, const Expr *e, Motion *out)
{
	for (int i = 1; i < e->arg_count; i++) {
		Reading reading = {context, &out->moments, false};
		ClockIs is = CLOCK_OTHER;
		if ((expr_reads_clock(e->args[0]) || expr_reads_clock(e->args[i])) && !read_comparison(&reading, e->args[0], e->args[i], &is)) return false;
	}
	out->course = (Course){0};
	return true;
}

/* Adds the moments at which an expression may change; false: they are not known. course: of a condition */
static bool read_motion(PlanContext *context, const Expr *e, bool negated, Motion *out)
{
	ClockIs is;
	out->course = (Course){.enters_only = true};
	if (!expr_reads_clock(e)) return true;
	if (e->kind == EXPR_AND || e->kind == EXPR_OR) return read_junction(context, e, negated, out);
	if (expr_is_call(e, "not")) return read_motion(context, e->args[0], !negated, out);
	if (read_operator(e, &is) && e->args[0]->type.kind != TYPE_BOOLEAN) {
		Reading reading = {context, &out->moments, false};
		bool known = read_comparison(&reading, e->args[0], e->args[1], &is);
		out->course = course_of(negated ? contrary(is) : is, reading.falls);
		return known;
	}
	if (expr_is_call(e, "in") || expr_is_call(e, "not in")) return read_list(context, e, out);
	for (int i = 0; i < e->arg_count; i++)
		if (!read_motion(context, e->args[i], false, out)) return false;
	out->course = (Course){0};
	return e->arg_count > 0;
}

bool moments_read(PlanContext *context, const Expr *e, Motion *out) { return read_motion(context, e, false, out); }

bool moments_is_comparison(const Expr *e)
{
	ClockIs is;
	return read_operator(e, &is);
}
