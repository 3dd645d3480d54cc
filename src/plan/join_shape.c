/* What a join's condition says: equality keys, bounds between event times, and the rest. Facts and lowering both go by this, so that what
 * EXPLAIN says of a join is how it runs. */
#include "plan/facts.h"

#include "expr/function.h"
#include "type/text.h"

/* ---- equalities ---- */

typedef struct Sides { ColumnSet left, right; } Sides;

static bool reads_only(PlanContext *context, const Expr *e, const ColumnSet *side)
{
	ColumnSet read = {0};
	expr_column_set(context->arena, e, &read);
	return !column_set_is_empty(&read) && column_set_is_subset(&read, side);
}

static Expr *cast_to(PlanContext *context, Expr *e, Type type)
{
	Error err = ERROR_INIT;
	return expr_cast(context->arena, e, type, CAST_EXPLICIT, &err);
}

/* Keys are compared by their bytes, so both sides must be of one type and equal values must have equal bytes. INTEGER against REAL is
 * found by REAL and tested exactly by what stays in the residual; other mixtures and intervals are tested only. */
static bool key_types(PlanContext *context, Expr **a, Expr **b, bool *exact)
{
	TypeKind ka = (*a)->type.kind, kb = (*b)->type.kind;
	*exact = true;
	if (ka == TYPE_INTERVAL || ka == TYPE_NULL || ka == TYPE_ROW) return false;
	if (type_equal((*a)->type, (*b)->type)) return true;
	if (ka == TYPE_DECIMAL && kb == TYPE_DECIMAL) {
		int scale = (*a)->type.scale > (*b)->type.scale ? (*a)->type.scale : (*b)->type.scale;
		*a = cast_to(context, *a, type_decimal(DECIMAL_PRECISION_MAX, scale));
		*b = cast_to(context, *b, type_decimal(DECIMAL_PRECISION_MAX, scale));
		return *a && *b;
	}
	*exact = false;
	if (ka == TYPE_INTEGER && kb == TYPE_REAL) *a = cast_to(context, *a, TYPE(REAL));
	else if (ka == TYPE_REAL && kb == TYPE_INTEGER) *b = cast_to(context, *b, TYPE(REAL));
	else return false;
	return *a && *b;
}

static bool add_key(PlanContext *context, const Sides *sides, Expr *e, JoinKeys *out)
{
	bool is_equal = expr_is_call(e, "="), exact;
	if ((!is_equal && !expr_is_call(e, "is")) || e->arg_count != 2) return false;
	Expr *a = e->args[0], *b = e->args[1];
	if (reads_only(context, a, &sides->right) && reads_only(context, b, &sides->left)) {
		a = e->args[1];
		b = e->args[0];
	}
	else if (!reads_only(context, a, &sides->left) || !reads_only(context, b, &sides->right)) return false;
	if (!key_types(context, &a, &b, &exact)) return false;
	vec_push_in(context->arena, &out->left, a);
	vec_push_in(context->arena, &out->right, b);
	vec_push_in(context->arena, &out->null_equal, !is_equal);
	return exact;
}

void join_keys_find(PlanContext *context, const Plan *join, JoinKeys *out)
{
	Sides sides = {0};
	Exprs conjuncts = {0};
	*out = (JoinKeys){0};
	plan_output_set(context->arena, join->inputs[0], &sides.left);
	plan_output_set(context->arena, join->inputs[1], &sides.right);
	expr_conjuncts(context->arena, join->condition, &conjuncts);
	for (int i = 0; i < conjuncts.count; i++)
		if (!add_key(context, &sides, conjuncts.at[i], out)) vec_push_in(context->arena, &out->residual, conjuncts.at[i]);
}

/* ---- bounds between event times ---- */

/* column + shift */
typedef struct Moment { ColumnId column; int64_t shift_us; } Moment;

static bool fixed_interval(const Expr *e, int64_t *us)
{
	return e->kind == EXPR_CONSTANT && !e->constant.is_null && e->type.kind == TYPE_INTERVAL && interval_to_us(e->constant.interval, us);
}

static bool read_moment(const Expr *e, Moment *out)
{
	int64_t us;
	if (e->type.kind != TYPE_TIMESTAMP) return false;
	if (e->kind == EXPR_COLUMN) {
		*out = (Moment){e->column, 0};
		return true;
	}
	bool plus = expr_is_call(e, "+"), minus = expr_is_call(e, "-");
	if ((!plus && !minus) || e->arg_count != 2) return false;
	const Expr *base = e->args[0], *by = e->args[1];
	if (plus && base->type.kind == TYPE_INTERVAL) { base = e->args[1]; by = e->args[0]; }
	if (!fixed_interval(by, &us) || !read_moment(base, out)) return false;
	return !__builtin_add_overflow(out->shift_us, plus ? us : -us, &out->shift_us);
}

typedef enum Relationship { LESS, LESS_EQUAL, EQUAL, GREATER_EQUAL, GREATER, NO_RELATIONSHIP } Relationship;

static Relationship relationship_of(const Expr *e)
{
	static const char *const NAMES[] = {[LESS] = "<", [LESS_EQUAL] = "<=", [EQUAL] = "=", [GREATER_EQUAL] = ">=", [GREATER] = ">"};
	for (int i = LESS; i <= GREATER; i++)
		if (expr_is_call(e, NAMES[i])) return (Relationship)i;
	return NO_RELATIONSHIP;
}

/* Bounds on right - left. An upper one ends rows of the left side by the right side's watermark, a lower one those of the right side. */
typedef struct TimeBound { ColumnId left, right; bool has_lower, has_upper; int64_t lower_us, upper_us; } TimeBound;

static bool usable(const Plan *side, ColumnId column)
{
	const PlanWatermark *watermark = facts_closing(&side->facts, column);
	return watermark && !watermark->clock;
}

/* False: it says nothing of times by which rows end. */
static bool read_bound(const Plan *join, const Expr *e, TimeBound *out)
{
	const Plan *left = join->inputs[0], *right = join->inputs[1];
	Relationship is = relationship_of(e);
	Moment a, b;
	if (is == NO_RELATIONSHIP || e->arg_count != 2 || !read_moment(e->args[0], &a) || !read_moment(e->args[1], &b)) return false;
	if (plan_column(right, a.column)) {
		Moment swap = a;
		a = b;
		b = swap;
		if (is != EQUAL) is = (Relationship)(GREATER - is);
	}
	if (!plan_column(left, a.column) || !plan_column(right, b.column)) return false;
	/* left + a is ... right + b:  right - left >= a - b where left is less, <= where it is greater */
	*out = (TimeBound){.left = a.column, .right = b.column};
	int64_t distance = a.shift_us - b.shift_us;
	out->has_lower = is <= EQUAL && usable(left, a.column);
	out->has_upper = is >= EQUAL && usable(right, b.column);
	if (is == EQUAL && out->has_lower != out->has_upper) return false;
	out->lower_us = distance + (is == LESS);
	out->upper_us = distance - (is == GREATER);
	return out->has_lower || out->has_upper;
}

static void tighten(TimeBound *bound, const TimeBound *by)
{
	if (by->has_lower && (!bound->has_lower || by->lower_us > bound->lower_us)) bound->lower_us = by->lower_us;
	if (by->has_upper && (!bound->has_upper || by->upper_us < bound->upper_us)) bound->upper_us = by->upper_us;
	bound->has_lower |= by->has_lower;
	bound->has_upper |= by->has_upper;
}

static bool same_pair(const TimeBound *a, const TimeBound *b) { return a->left == b->left && a->right == b->right; }

typedef VEC(TimeBound) TimeBounds;

static void find_bounds(PlanContext *context, const Plan *join, TimeBounds *out)
{
	Exprs conjuncts = {0};
	TimeBound bound;
	expr_conjuncts(context->arena, join->condition, &conjuncts);
	for (int i = 0; i < conjuncts.count; i++) {
		if (!read_bound(join, conjuncts.at[i], &bound)) continue;
		int at = 0;
		while (at < out->count && !same_pair(&out->at[at], &bound)) at++;
		if (at == out->count) vec_push_in(context->arena, out, bound);
		else tighten(&out->at[at], &bound);
	}
}

/* Two columns whose distance is bounded both ways, closely if possible, for then the result has watermarks, too; else any bound each way. */
static bool choose_bounds(const TimeBounds *pairs, const TimeBound **lower, const TimeBound **upper)
{
	*lower = *upper = NULL;
	for (int i = 0; i < pairs->count; i++) {
		const TimeBound *pair = &pairs->at[i];
		if (!pair->has_lower || !pair->has_upper) continue;
		if (!*lower || pair->upper_us - pair->lower_us < (*lower)->upper_us - (*lower)->lower_us) *lower = *upper = pair;
	}
	for (int i = 0; i < pairs->count && !(*lower && *upper); i++) {
		if (pairs->at[i].has_lower && !*lower) *lower = &pairs->at[i];
		if (pairs->at[i].has_upper && !*upper) *upper = &pairs->at[i];
	}
	return *lower && *upper;
}

/* Whether the bounds by which the join goes imply this one. */
static bool is_said(const TimeBound *bound, const TimeBound *lower, const TimeBound *upper)
{
	return (!bound->has_lower || same_pair(bound, lower)) && (!bound->has_upper || same_pair(bound, upper));
}

void interval_bounds_find(PlanContext *context, const Plan *join, const JoinKeys *keys, IntervalBounds *out)
{
	TimeBounds pairs = {0};
	const TimeBound *lower, *upper;
	TimeBound bound;
	*out = (IntervalBounds){0};
	find_bounds(context, join, &pairs);
	if (!choose_bounds(&pairs, &lower, &upper)) return;
	*out = (IntervalBounds){.found = true, .left = lower->left, .right_end = lower->right, .lower_us = lower->lower_us,
		.right = upper->right, .left_end = upper->left, .upper_us = upper->upper_us};
	/* GRACE PERIOD: rows wait as if more could match, and the condition itself is tested on each pair. */
	out->lower_us -= join->grace_us;
	out->upper_us += join->grace_us;
	for (int i = 0; i < keys->residual.count; i++)
		if (join->grace_us || !read_bound(join, keys->residual.at[i], &bound) || !is_said(&bound, lower, upper)) vec_push_in(context->arena, &out->rest, keys->residual.at[i]);
}

/* ---- the way ---- */

static int window_key(const Plan *join, const JoinKeys *keys)
{
	int best = -1;
	int64_t least = 0;
	for (int i = 0; i < keys->left.count; i++) {
		if (keys->left.at[i]->kind != EXPR_COLUMN || keys->right.at[i]->kind != EXPR_COLUMN || keys->null_equal.at[i]) continue;
		const PlanWatermark *left = facts_closing(&join->inputs[0]->facts, keys->left.at[i]->column);
		const PlanWatermark *right = facts_closing(&join->inputs[1]->facts, keys->right.at[i]->column);
		if (!left || !right || !left->window || !right->window || left->clock != right->clock) continue;
		int64_t delay = left->delta_us > right->delta_us ? left->delta_us : right->delta_us;
		if (best >= 0 && delay >= least) continue;
		best = i;
		least = delay;
	}
	return best;
}

void join_shape(PlanContext *context, const Plan *join, JoinShape *out)
{
	*out = (JoinShape){.way = JOIN_WAY_PLAIN, .close_key = -1};
	join_keys_find(context, join, &out->keys);
	if (join->join_form != JOIN_FORM_PLAIN || join->null_aware_anti) return;
	out->close_key = window_key(join, &out->keys);
	if (out->close_key >= 0) {
		out->way = JOIN_WAY_WINDOW;
		return;
	}
	interval_bounds_find(context, join, &out->keys, &out->interval);
	if (out->interval.found) out->way = JOIN_WAY_INTERVAL;
}
