/* Variances, covariances and what follows from them: sums and sums of squares are exact, and (n * Sxx - Sx * Sx) / (n * m) is
 * computed in whole numbers and rounded once. So equal values have variance 0 and removals leave no trace. */
#include <math.h>

#include "expr/aggregate_rows.h"

/* n * Sab - Sa * Sb, exactly */
static void centered(Big *out, int64_t n, const Big *product_sum, const Big *a, const Big *b)
{
	Big count, left, right;
	big_from_int128(&count, n);
	big_multiply(&left, &count, product_sum);
	big_multiply(&right, a, b);
	big_subtract(out, &left, &right);
}

/* deviation / (n * m), or its root */
static void deviation_over(const Big *deviation, int64_t n, int64_t m, bool root, Value *out)
{
	Big divisor;
	big_from_int128(&divisor, (Int128)n * m);
	value_set_real(out, root ? big_ratio_root(deviation, &divisor) : big_ratio(deviation, &divisor));
}

/* ---- of REAL ---- */

typedef struct Moments { ExactSum sum, squares; int64_t count; } Moments;

AGGREGATE_BYTES_OF(moments, Moments)

static void moments_row(Moments *s, double x, int64_t weight, const AggregateSpill *spill)
{
	exact_add_weighted(&s->sum, x, weight, spill);
	if (isfinite(x)) exact_add_product(&s->squares, x, x, weight, spill);
	s->count += weight;
}

AGGREGATE_APPLY(moments)
{
	FOLD_ROWS(Moments, moments_row(s, args[0].f64[i], w, spill););
}

AGGREGATE_MERGE(moments)
{
	(void)args; (void)arg_count;
	Moments *s = into;
	const Moments *other = from;
	exact_merge(&s->sum, &other->sum, spill);
	exact_merge(&s->squares, &other->squares, spill);
	s->count += other->count;
}

AGGREGATE_RELEASE(moments)
{
	Moments *s = state;
	exact_release(&s->sum, spill);
	exact_release(&s->squares, spill);
}

enum VarianceOf { POPULATION = 0, SAMPLE = 1 };

static void moments_result(const Moments *s, enum VarianceOf of, bool root, Value *out, const AggregateSpill *spill)
{
	value_set_null(out, TYPE(REAL));
	if (s->count - of < 1 || !exact_is_finite(&s->sum, spill)) return;
	Big sum, squares, deviation;
	big_from_sum(&sum, &s->sum, spill);
	big_from_sum(&squares, &s->squares, spill);
	centered(&deviation, s->count, &squares, &sum, &sum);
	deviation_over(&deviation, s->count, s->count - of, root, out);
}

#define MOMENTS_RESULT(x, of, root) \
	AGGREGATE_RESULT(x) \
	{ \
		(void)args; (void)arg_count; (void)scratch; \
		moments_result(state, of, root, out, spill); \
	}

MOMENTS_RESULT(var_pop, POPULATION, false)
MOMENTS_RESULT(var_samp, SAMPLE, false)
MOMENTS_RESULT(stddev_pop, POPULATION, true)
MOMENTS_RESULT(stddev_samp, SAMPLE, true)

/* ---- of INTEGER ---- */

typedef struct IntegerMoments { uint64_t sum[2], squares[3]; int64_t count; } IntegerMoments;

AGGREGATE_BYTES_OF(integer_moments, IntegerMoments)

static void words_add(uint64_t *words, int count, const uint64_t *add)
{
	uint64_t carry = 0;
	for (int i = 0; i < count; i++) {
		unsigned __int128 t = (unsigned __int128)words[i] + add[i] + carry;
		words[i] = (uint64_t)t;
		carry = (uint64_t)(t >> 64);
	}
}

static void integer_moments_row(IntegerMoments *s, int64_t x, int64_t weight)
{
	Int128 product = (Int128)x * weight;
	uint64_t sum[2] = {(uint64_t)product, (uint64_t)((unsigned __int128)product >> 64)};
	words_add(s->sum, 2, sum);
	unsigned __int128 square = (unsigned __int128)((Int128)x * x);
	uint64_t w = weight < 0 ? 0 - (uint64_t)weight : (uint64_t)weight;
	unsigned __int128 low = (unsigned __int128)(uint64_t)square * w;
	unsigned __int128 high = (unsigned __int128)(uint64_t)(square >> 64) * w + (uint64_t)(low >> 64);
	uint64_t squares[3] = {(uint64_t)low, (uint64_t)high, (uint64_t)(high >> 64)};
	if (weight < 0) {
		const uint64_t one[3] = {1, 0, 0};
		for (int i = 0; i < 3; i++) squares[i] = ~squares[i];
		words_add(squares, 3, one);
	}
	words_add(s->squares, 3, squares);
	s->count += weight;
}

AGGREGATE_APPLY(integer_moments)
{
	FOLD_ROWS(IntegerMoments, integer_moments_row(s, args[0].i64[i], w););
}

AGGREGATE_MERGE(integer_moments)
{
	(void)args; (void)arg_count; (void)spill;
	IntegerMoments *s = into;
	const IntegerMoments *other = from;
	words_add(s->sum, 2, other->sum);
	words_add(s->squares, 3, other->squares);
	s->count += other->count;
}

static void integer_moments_result(const IntegerMoments *s, enum VarianceOf of, bool root, Value *out)
{
	value_set_null(out, TYPE(REAL));
	if (s->count - of < 1) return;
	Big sum, squares, deviation;
	big_from_limbs(&sum, s->sum, 2, 0);
	big_from_limbs(&squares, s->squares, 3, 0);
	centered(&deviation, s->count, &squares, &sum, &sum);
	deviation_over(&deviation, s->count, s->count - of, root, out);
}

#define INTEGER_MOMENTS_RESULT(x, of, root) \
	AGGREGATE_RESULT(x) \
	{ \
		(void)args; (void)arg_count; (void)scratch; (void)spill; \
		integer_moments_result(state, of, root, out); \
	}

INTEGER_MOMENTS_RESULT(integer_var_pop, POPULATION, false)
INTEGER_MOMENTS_RESULT(integer_var_samp, SAMPLE, false)
INTEGER_MOMENTS_RESULT(integer_stddev_pop, POPULATION, true)
INTEGER_MOMENTS_RESULT(integer_stddev_samp, SAMPLE, true)

/* ---- of pairs (y, x), in SQL's order of arguments ---- */

typedef struct PairMoments { ExactSum y, x, yy, xx, yx; int64_t count, infinite; } PairMoments;

AGGREGATE_BYTES_OF(pair_moments, PairMoments)

static void pair_moments_row(PairMoments *s, double y, double x, int64_t weight, const AggregateSpill *spill)
{
	s->count += weight;
	if (!isfinite(y) || !isfinite(x)) {
		s->infinite += weight;
		return;
	}
	exact_add_weighted(&s->y, y, weight, spill);
	exact_add_weighted(&s->x, x, weight, spill);
	exact_add_product(&s->yy, y, y, weight, spill);
	exact_add_product(&s->xx, x, x, weight, spill);
	exact_add_product(&s->yx, y, x, weight, spill);
}

AGGREGATE_APPLY(pair_moments)
{
	FOLD_ROWS(PairMoments, pair_moments_row(s, args[0].f64[i], args[1].f64[i], w, spill););
}

AGGREGATE_MERGE(pair_moments)
{
	(void)args; (void)arg_count;
	PairMoments *s = into;
	const PairMoments *other = from;
	exact_merge(&s->y, &other->y, spill);
	exact_merge(&s->x, &other->x, spill);
	exact_merge(&s->yy, &other->yy, spill);
	exact_merge(&s->xx, &other->xx, spill);
	exact_merge(&s->yx, &other->yx, spill);
	s->count += other->count;
	s->infinite += other->infinite;
}

AGGREGATE_RELEASE(pair_moments)
{
	PairMoments *s = state;
	exact_release(&s->y, spill);
	exact_release(&s->x, spill);
	exact_release(&s->yy, spill);
	exact_release(&s->xx, spill);
	exact_release(&s->yx, spill);
}

typedef struct Deviations { Big yy, xx, yx; } Deviations;             /* each n times the sum of products of deviations */

static bool deviations(const PairMoments *s, int64_t least, Deviations *d, Value *out, const AggregateSpill *spill)
{
	value_set_null(out, TYPE(REAL));
	if (s->count < least || s->infinite) return false;
	Big y, x, sum;
	big_from_sum(&y, &s->y, spill);
	big_from_sum(&x, &s->x, spill);
	big_from_sum(&sum, &s->yy, spill);
	centered(&d->yy, s->count, &sum, &y, &y);
	big_from_sum(&sum, &s->xx, spill);
	centered(&d->xx, s->count, &sum, &x, &x);
	big_from_sum(&sum, &s->yx, spill);
	centered(&d->yx, s->count, &sum, &y, &x);
	return true;
}

#define PAIR_RESULT(x, least, body) \
	AGGREGATE_RESULT(x) \
	{ \
		(void)args; (void)arg_count; (void)scratch; \
		const PairMoments *s = state; \
		Deviations d; \
		if (!deviations(s, least, &d, out, spill)) return; \
		body \
	}

static double rounded(const Big *big)
{
	Big one;
	big_from_int128(&one, 1);
	return big_ratio(big, &one);
}

PAIR_RESULT(covar_pop, 1, deviation_over(&d.yx, s->count, s->count, false, out);)
PAIR_RESULT(covar_samp, 2, deviation_over(&d.yx, s->count, s->count - 1, false, out);)
PAIR_RESULT(regr_sxx, 1, deviation_over(&d.xx, s->count, 1, false, out);)
PAIR_RESULT(regr_syy, 1, deviation_over(&d.yy, s->count, 1, false, out);)
PAIR_RESULT(regr_sxy, 1, deviation_over(&d.yx, s->count, 1, false, out);)

/* These three divide by what may be of any length: numerator and denominator are rounded before. */
PAIR_RESULT(corr, 1,
	if (!d.xx.count || !d.yy.count) return;
	double r = rounded(&d.yx) / sqrt(rounded(&d.xx)) / sqrt(rounded(&d.yy));
	value_set_real(out, r > 1 ? 1 : r < -1 ? -1 : r);)
PAIR_RESULT(regr_slope, 1, if (d.xx.count) value_set_real(out, rounded(&d.yx) / rounded(&d.xx));)
PAIR_RESULT(regr_r2, 1,
	if (!d.xx.count) return;
	double r = d.yy.count ? rounded(&d.yx) / sqrt(rounded(&d.xx)) / sqrt(rounded(&d.yy)) : 1;
	value_set_real(out, r * r > 1 ? 1 : r * r);)
PAIR_RESULT(regr_intercept, 1,
	if (!d.xx.count) return;
	double slope = rounded(&d.yx) / rounded(&d.xx);
	value_set_real(out, exact_mean(&s->y, s->count, spill) - slope * exact_mean(&s->x, s->count, spill));)

AGGREGATE_RESULT(regr_count)
{
	(void)args; (void)arg_count; (void)scratch; (void)spill;
	value_set_integer(out, ((const PairMoments *)state)->count);
}

static void pair_mean(const PairMoments *s, const ExactSum *sum, Value *out, const AggregateSpill *spill)
{
	if (!s->count || s->infinite) value_set_null(out, TYPE(REAL));
	else value_set_real(out, exact_mean(sum, s->count, spill));
}

AGGREGATE_RESULT(regr_avgx)
{
	(void)args; (void)arg_count; (void)scratch;
	pair_mean(state, &((const PairMoments *)state)->x, out, spill);
}

AGGREGATE_RESULT(regr_avgy)
{
	(void)args; (void)arg_count; (void)scratch;
	pair_mean(state, &((const PairMoments *)state)->y, out, spill);
}
