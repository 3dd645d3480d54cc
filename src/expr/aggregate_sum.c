/* count, sum, avg and total. INTEGER sums lie in 128 bits and DECIMAL sums in 192: more than 2^62 rows of the greatest value would
 * have to come before they overflow, so a result is NULL only while the sum itself does not fit its type. */
#include <math.h>

#include "expr/aggregate_rows.h"
#include "type/text.h"

/* ---- count ---- */

typedef struct Count { int64_t count; } Count;

AGGREGATE_BYTES_OF(count_star, Count)
AGGREGATE_BYTES_OF(count_value, Count)
AGGREGATE_BYTES_OF(count_true, Count)

AGGREGATE_APPLY(count_star)
{
	(void)args; (void)arg_count; (void)spill;
	if (!weights)
		for (int i = 0; i < count; i++) ((Count *)groups[i])->count++;
	else
		for (int i = 0; i < count; i++) ((Count *)groups[i])->count += weights[i];
}

AGGREGATE_APPLY(count_value)
{
	FOLD_ROWS(Count, s->count += w;);
}

AGGREGATE_APPLY(count_true)
{
	FOLD_ROWS(Count, s->count += args[0].i64[i] ? w : 0;);
}

AGGREGATE_MERGE(count_star)
{
	(void)args; (void)arg_count; (void)spill;
	((Count *)into)->count += ((const Count *)from)->count;
}

AGGREGATE_MERGE(count_value) { count_star_merge(into, from, args, arg_count, spill); }
AGGREGATE_MERGE(count_true) { count_star_merge(into, from, args, arg_count, spill); }

AGGREGATE_RESULT(count)
{
	(void)args; (void)arg_count; (void)scratch; (void)spill;
	value_set_integer(out, ((const Count *)state)->count);
}

/* ---- INTEGER ---- */

/* Two words, not an Int128, which would want to lie at a multiple of 16 */
typedef struct IntegerSum { uint64_t low; int64_t high, count; } IntegerSum;

static inline Int128 integer_sum_value(const IntegerSum *s) { return (Int128)((unsigned __int128)(uint64_t)s->high << 64 | s->low); }

static inline void integer_sum_add(IntegerSum *s, Int128 x, int64_t weight)
{
	Int128 sum = (Int128)((unsigned __int128)integer_sum_value(s) + (unsigned __int128)x);
	s->low = (uint64_t)sum;
	s->high = (int64_t)(sum >> 64);
	s->count += weight;
}

AGGREGATE_BYTES_OF(integer_sum, IntegerSum)

AGGREGATE_APPLY(integer_sum)
{
	FOLD_ROWS(IntegerSum, integer_sum_add(s, (Int128)args[0].i64[i] * w, w););
}

AGGREGATE_MERGE(integer_sum)
{
	(void)args; (void)arg_count; (void)spill;
	const IntegerSum *other = from;
	integer_sum_add(into, integer_sum_value(other), other->count);
}

AGGREGATE_RESULT(integer_sum)
{
	(void)args; (void)arg_count; (void)scratch; (void)spill;
	const IntegerSum *s = state;
	Int128 sum = integer_sum_value(s);
	if (!s->count || sum < INT64_MIN || sum > INT64_MAX) value_set_null(out, TYPE(INTEGER));
	else value_set_integer(out, (int64_t)sum);
}

static bool is_exact_double(Int128 x) { return x >= -((Int128)1 << 53) && x <= (Int128)1 << 53; }

AGGREGATE_RESULT(integer_avg)
{
	(void)args; (void)arg_count; (void)scratch; (void)spill;
	const IntegerSum *s = state;
	Int128 sum = integer_sum_value(s);
	if (!s->count) {
		value_set_null(out, TYPE(REAL));
	} else if (is_exact_double(sum) && is_exact_double(s->count)) {
		value_set_real(out, (double)sum / (double)s->count);
	} else {
		Big a, b;
		big_from_int128(&a, sum);
		big_from_int128(&b, s->count);
		value_set_real(out, big_ratio(&a, &b));
	}
}

AGGREGATE_RESULT(integer_total)
{
	(void)args; (void)arg_count; (void)scratch; (void)spill;
	value_set_real(out, (double)integer_sum_value(state));
}

/* ---- DECIMAL ---- */

typedef struct DecimalSum { uint64_t limb[3]; int64_t count; } DecimalSum;

static inline void decimal_sum_add(DecimalSum *s, const uint64_t add[3])
{
	unsigned __int128 low = (unsigned __int128)s->limb[0] + add[0];
	unsigned __int128 middle = (unsigned __int128)s->limb[1] + add[1] + (uint64_t)(low >> 64);
	s->limb[0] = (uint64_t)low;
	s->limb[1] = (uint64_t)middle;
	s->limb[2] += add[2] + (uint64_t)(middle >> 64);
}

/* x * weight in two's complement: the product of the words, less what a negative factor's two's complement has too much */
static inline void decimal_times_weight(Int128 x, int64_t weight, uint64_t product[3])
{
	bool negative = (x < 0) != (weight < 0);
	unsigned __int128 m = x < 0 ? -(unsigned __int128)x : (unsigned __int128)x;
	uint64_t w = weight < 0 ? 0 - (uint64_t)weight : (uint64_t)weight;
	unsigned __int128 low = (unsigned __int128)(uint64_t)m * w;
	unsigned __int128 high = (unsigned __int128)(uint64_t)(m >> 64) * w + (uint64_t)(low >> 64);
	product[0] = (uint64_t)low;
	product[1] = (uint64_t)high;
	product[2] = (uint64_t)(high >> 64);
	if (!negative) return;
	for (int i = 0, carry = 1; i < 3; i++) {
		product[i] = ~product[i] + (uint64_t)carry;
		carry = carry && product[i] == 0;
	}
}

static inline void decimal_sum_row(DecimalSum *s, Int128 x, int64_t weight)
{
	uint64_t add[3] = {(uint64_t)x, (uint64_t)((unsigned __int128)x >> 64), x < 0 ? UINT64_MAX : 0};
	if (weight != 1) decimal_times_weight(x, weight, add);
	decimal_sum_add(s, add);
	s->count += weight;
}

AGGREGATE_BYTES_OF(decimal_sum, DecimalSum)

AGGREGATE_APPLY(decimal_sum)
{
	FOLD_ROWS(DecimalSum, decimal_sum_row(s, args[0].i128[i], w););
}

AGGREGATE_MERGE(decimal_sum)
{
	(void)args; (void)arg_count; (void)spill;
	const DecimalSum *other = from;
	decimal_sum_add(into, other->limb);
	((DecimalSum *)into)->count += other->count;
}

static Int128 power_of_ten(int exponent)
{
	Int128 power = 1;
	while (exponent-- > 0) power *= 10;
	return power;
}

static bool decimal_sum_fits(const DecimalSum *s, Int128 *sum)
{
	*sum = (Int128)((unsigned __int128)s->limb[1] << 64 | s->limb[0]);
	Int128 limit = power_of_ten(DECIMAL_PRECISION_MAX);
	return s->limb[2] == (*sum < 0 ? UINT64_MAX : 0) && *sum < limit && *sum > -limit;
}

AGGREGATE_RESULT(decimal_sum)
{
	(void)arg_count; (void)scratch; (void)spill;
	const DecimalSum *s = state;
	value_set_null(out, type_decimal(DECIMAL_PRECISION_MAX, args[0].scale));
	Int128 sum;
	if (!s->count || !decimal_sum_fits(s, &sum)) return;
	out->is_null = false;
	out->i128 = sum;
}

/* sum / (divisor * 10^scale), rounded once */
static double decimal_sum_over(const DecimalSum *s, int64_t divisor, int scale)
{
	Int128 sum, unit = power_of_ten(scale);
	if (scale <= 15 && decimal_sum_fits(s, &sum) && is_exact_double(sum) && is_exact_double(divisor) && is_exact_double(divisor * unit))
		return (double)sum / (double)(divisor * unit);
	Big a, by, tens, b;
	big_from_limbs(&a, s->limb, 3, 0);
	big_from_int128(&by, divisor);
	big_from_int128(&tens, unit);
	big_multiply(&b, &by, &tens);
	return big_ratio(&a, &b);
}

AGGREGATE_RESULT(decimal_avg)
{
	(void)arg_count; (void)scratch; (void)spill;
	const DecimalSum *s = state;
	if (!s->count) value_set_null(out, TYPE(REAL));
	else value_set_real(out, decimal_sum_over(s, s->count, args[0].scale));
}

AGGREGATE_RESULT(decimal_total)
{
	(void)arg_count; (void)scratch; (void)spill;
	value_set_real(out, decimal_sum_over(state, 1, args[0].scale));
}

/* ---- REAL ---- */

typedef struct RealSum { ExactSum sum; int64_t count; } RealSum;

AGGREGATE_BYTES_OF(real_sum, RealSum)

AGGREGATE_APPLY(real_sum)
{
	FOLD_ROWS(RealSum, exact_add_weighted(&s->sum, args[0].f64[i], w, spill); s->count += w;);
}

AGGREGATE_MERGE(real_sum)
{
	(void)args; (void)arg_count;
	RealSum *s = into;
	const RealSum *other = from;
	exact_merge(&s->sum, &other->sum, spill);
	s->count += other->count;
}

AGGREGATE_RELEASE(real_sum) { exact_release(&((RealSum *)state)->sum, spill); }

AGGREGATE_RESULT(real_sum)
{
	(void)args; (void)arg_count; (void)scratch;
	const RealSum *s = state;
	if (!s->count) value_set_null(out, TYPE(REAL));
	else value_set_real(out, exact_round(&s->sum, spill));
}

AGGREGATE_RESULT(real_avg)
{
	(void)args; (void)arg_count; (void)scratch;
	const RealSum *s = state;
	if (!s->count) value_set_null(out, TYPE(REAL));
	else value_set_real(out, exact_mean(&s->sum, s->count, spill));
}

AGGREGATE_RESULT(real_total)
{
	(void)args; (void)arg_count; (void)scratch;
	value_set_real(out, exact_round(&((const RealSum *)state)->sum, spill));
}

/* ---- INTERVAL: months, days and microseconds each for itself ---- */

typedef struct IntervalSum { int64_t months, days; IntegerSum us; } IntervalSum;

AGGREGATE_BYTES_OF(interval_sum, IntervalSum)

AGGREGATE_APPLY(interval_sum)
{
	FOLD_ROWS(IntervalSum,
		const Interval *x = &args[0].interval[i];
		s->months += x->months * w;
		s->days += x->days * w;
		integer_sum_add(&s->us, (Int128)x->us * w, w););
}

AGGREGATE_MERGE(interval_sum)
{
	(void)args; (void)arg_count; (void)spill;
	IntervalSum *s = into;
	const IntervalSum *other = from;
	s->months += other->months;
	s->days += other->days;
	integer_sum_add(&s->us, integer_sum_value(&other->us), other->us.count);
}

static void value_set_interval(Value *out, int64_t months, int64_t days, Int128 us)
{
	value_set_null(out, TYPE(INTERVAL));
	if (months != (int32_t)months || days != (int32_t)days || us < INT64_MIN || us > INT64_MAX) return;
	out->is_null = false;
	out->interval = (Interval){(int32_t)months, (int32_t)days, (int64_t)us};
}

AGGREGATE_RESULT(interval_sum)
{
	(void)args; (void)arg_count; (void)scratch; (void)spill;
	const IntervalSum *s = state;
	if (!s->us.count) value_set_null(out, TYPE(INTERVAL));
	else value_set_interval(out, s->months, s->days, integer_sum_value(&s->us));
}

/* What does not divide evenly goes on as 30 days a month and 24 hours a day, as in PostgreSQL; microseconds round half away from zero. */
AGGREGATE_RESULT(interval_avg)
{
	(void)args; (void)arg_count; (void)scratch; (void)spill;
	const IntervalSum *s = state;
	int64_t n = s->us.count;
	if (!n) {
		value_set_null(out, TYPE(INTERVAL));
		return;
	}
	Int128 days = (Int128)(s->months % n) * 30 + s->days;
	Int128 us = (days % n) * (Int128)86400000000 + integer_sum_value(&s->us);
	Int128 rest = us % n, rounded = us / n;
	if (rest * 2 >= n) rounded++;
	else if (-rest * 2 >= n) rounded--;
	value_set_interval(out, s->months / n, (int64_t)(days / n), rounded);
}
