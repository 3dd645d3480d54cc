/* + - * / % and bits. INTEGER is checked for overflow (NULL, counted), DECIMAL exact, REAL as the machine computes it, and
 * x / 0 is NULL for all. Times: a timestamp and an interval, differences, multiples of intervals. */
#include <math.h>

#include "expr/cast.h"
#include "expr/kernels.h"
#include "type/calendar.h"
#include "type/text.h"

/* ---- INTEGER ---- */

#define INTEGER_KERNEL(name, overflows) \
	void kernel_##name##_integer(KernelCall *call) \
	{ \
		const int64_t *a = call->args[0].i64, *b = call->args[1].i64; \
		int64_t *out = call->out->i64; \
		for (int i = 0; i < call->count; i++) \
			if (overflows(a[i], b[i], &out[i])) kernel_overflow(call, i); \
	}

INTEGER_KERNEL(add, __builtin_add_overflow)
INTEGER_KERNEL(subtract, __builtin_sub_overflow)
INTEGER_KERNEL(multiply, __builtin_mul_overflow)

void kernel_divide_integer(KernelCall *call)
{
	const int64_t *a = call->args[0].i64, *b = call->args[1].i64;
	for (int i = 0; i < call->count; i++) {
		if (b[i] == 0) kernel_null(call, i), call->out->i64[i] = 0;
		else if (b[i] == -1) {
			if (__builtin_sub_overflow(0, a[i], &call->out->i64[i])) kernel_overflow(call, i);
		} else if (!((a[i] | b[i]) >> 31)) call->out->i64[i] = (uint32_t)a[i] / (uint32_t)b[i];      /* much faster in hardware */
		else call->out->i64[i] = a[i] / b[i];
	}
}

void kernel_modulo_integer(KernelCall *call)
{
	const int64_t *a = call->args[0].i64, *b = call->args[1].i64;
	for (int i = 0; i < call->count; i++) {
		if (b[i] == 0) kernel_null(call, i);
		if (!((a[i] | b[i]) >> 31) && b[i]) call->out->i64[i] = (uint32_t)a[i] % (uint32_t)b[i];
		else call->out->i64[i] = b[i] == 0 || b[i] == -1 ? 0 : a[i] % b[i];
	}
}

void kernel_negate_integer(KernelCall *call)
{
	for (int i = 0; i < call->count; i++)
		if (__builtin_sub_overflow(0, call->args->i64[i], &call->out->i64[i])) kernel_overflow(call, i);
}

/* ---- REAL ---- */

#define REAL_KERNEL(name, operator) \
	void kernel_##name##_real(KernelCall *call) \
	{ \
		const double *a = call->args[0].f64, *b = call->args[1].f64; \
		double *out = call->out->f64; \
		for (int i = 0; i < call->count; i++) out[i] = a[i] operator b[i]; \
	}

REAL_KERNEL(add, +)
REAL_KERNEL(subtract, -)
REAL_KERNEL(multiply, *)

void kernel_divide_real(KernelCall *call)
{
	const double *a = call->args[0].f64, *b = call->args[1].f64;
	for (int i = 0; i < call->count; i++) call->out->f64[i] = b[i] == 0 ? NAN : a[i] / b[i];
}

static int64_t as_integer(double x)
{
	return x >= 9223372036854775807.0 ? INT64_MAX : x <= -9223372036854775808.0 ? INT64_MIN : (int64_t)x;
}

/* SQLite's % is on integers even for REAL; mod() is not */
void kernel_modulo_real(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		int64_t a = as_integer(call->args[0].f64[i]), b = as_integer(call->args[1].f64[i]);
		call->out->f64[i] = b == 0 ? NAN : b == -1 ? 0 : (double)(a % b);
	}
}

void kernel_negate_real(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) call->out->f64[i] = -call->args->f64[i];
}

/* ---- DECIMAL ---- */

#define DECIMAL_KERNEL(name, sign) \
	void kernel_##name##_decimal(KernelCall *call) \
	{ \
		const Column *a = &call->args[0], *b = &call->args[1]; \
		int scale_a = a->type.scale, scale_b = b->type.scale, scale = call->out->type.scale; \
		for (int i = 0; i < call->count; i++) \
			if (!decimal_add(a->i128[i], scale_a, sign b->i128[i], scale_b, scale, &call->out->i128[i])) kernel_overflow(call, i); \
	}

DECIMAL_KERNEL(add, +)
DECIMAL_KERNEL(subtract, -)

void kernel_multiply_decimal(KernelCall *call)
{
	const Column *a = &call->args[0], *b = &call->args[1];
	int scale = call->out->type.scale;
	bool small = call->out->type.precision < DECIMAL_PRECISION_MAX && scale == a->type.scale + b->type.scale;     /* cannot overflow, nothing to round */
	for (int i = 0; i < call->count; i++) {
		if (small) call->out->i128[i] = a->i128[i] * b->i128[i];
		else if (!decimal_multiply(a->i128[i], a->type.scale, b->i128[i], b->type.scale, scale, &call->out->i128[i])) kernel_overflow(call, i);
	}
}

void kernel_divide_decimal(KernelCall *call)
{
	const Column *a = &call->args[0], *b = &call->args[1];
	for (int i = 0; i < call->count; i++) {
		if (b->i128[i] == 0) kernel_null(call, i);
		else if (!decimal_divide(a->i128[i], a->type.scale, b->i128[i], b->type.scale, call->out->type.scale, &call->out->i128[i])) kernel_overflow(call, i);
	}
}

/* Exact: both at the larger scale, which is that of the result */
void kernel_modulo_decimal(KernelCall *call)
{
	const Column *a = &call->args[0], *b = &call->args[1];
	int scale = a->type.scale > b->type.scale ? a->type.scale : b->type.scale;
	for (int i = 0; i < call->count; i++) {
		Int128 x, y;
		if (b->i128[i] == 0) kernel_null(call, i);
		else if (!decimal_rescale(a->i128[i], a->type.scale, DECIMAL_PRECISION_MAX, scale, &x) || !decimal_rescale(b->i128[i], b->type.scale, DECIMAL_PRECISION_MAX, scale, &y)
		         || !decimal_rescale(x % y, scale, call->out->type.precision, call->out->type.scale, &call->out->i128[i])) kernel_overflow(call, i);
	}
}

void kernel_negate_decimal(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) call->out->i128[i] = -call->args->i128[i];
}

/* SQL Server's rules: no result loses digits before its precision passes 38; then its scale is cut, not below 6. */

Type result_decimal_sum(const Type *args, int arg_count)
{
	(void)arg_count;
	int scale = args[0].scale > args[1].scale ? args[0].scale : args[1].scale;
	int whole_a = args[0].precision - args[0].scale, whole_b = args[1].precision - args[1].scale;
	return decimal_type_cut((whole_a > whole_b ? whole_a : whole_b) + scale + 1, scale);
}

Type result_decimal_product(const Type *args, int arg_count)
{
	(void)arg_count;
	return decimal_type_cut(args[0].precision + args[1].precision, args[0].scale + args[1].scale);
}

Type result_decimal_quotient(const Type *args, int arg_count)
{
	(void)arg_count;
	int scale = args[0].scale + args[1].precision + 1;
	if (scale < DECIMAL_SCALE_MIN_KEPT) scale = DECIMAL_SCALE_MIN_KEPT;
	return decimal_type_cut(args[0].precision - args[0].scale + args[1].scale + scale, scale);
}

Type result_decimal_rest(const Type *args, int arg_count)
{
	(void)arg_count;
	int scale = args[0].scale > args[1].scale ? args[0].scale : args[1].scale;
	int whole_a = args[0].precision - args[0].scale, whole_b = args[1].precision - args[1].scale;
	return decimal_type_cut((whole_a < whole_b ? whole_a : whole_b) + scale, scale);
}

/* ---- bits ---- */

#define BIT_KERNEL(name, expression) \
	void kernel_##name(KernelCall *call) \
	{ \
		for (int i = 0; i < call->count; i++) { \
			int64_t a = call->args[0].i64[i], b = call->args[1].i64[i]; \
			call->out->i64[i] = expression; \
		} \
	}

/* A negative distance shifts the other way; 64 and more leave 0, or the sign to the right. */
static int64_t shift_right(int64_t x, int64_t by);
static int64_t shift_left(int64_t x, int64_t by)
{
	if (by < 0) return shift_right(x, by == INT64_MIN ? INT64_MAX : -by);
	return by > 63 ? 0 : (int64_t)((uint64_t)x << by);
}
static int64_t shift_right(int64_t x, int64_t by)
{
	if (by < 0) return shift_left(x, by == INT64_MIN ? INT64_MAX : -by);
	return by > 63 ? (x < 0 ? -1 : 0) : x >> by;
}

BIT_KERNEL(bit_and, a & b)
BIT_KERNEL(bit_or, a | b)
BIT_KERNEL(bit_xor, a ^ b)
BIT_KERNEL(shift_left, shift_left(a, b))
BIT_KERNEL(shift_right, shift_right(a, b))

void kernel_bit_not(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) call->out->i64[i] = ~call->args->i64[i];
}

void kernel_bit_count(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) call->out->i64[i] = __builtin_popcountll((unsigned long long)call->args->i64[i]);
}

/* ---- times ---- */

static void add_interval(KernelCall *call, const Column *at, const Column *interval, int sign)
{
	for (int i = 0; i < call->count; i++)
		if (!timestamp_add_interval(at->i64[i], interval->interval[i], sign, &call->out->i64[i])) kernel_null(call, i);
}

void kernel_add_timestamp_interval(KernelCall *call) { add_interval(call, &call->args[0], &call->args[1], 1); }
void kernel_add_interval_timestamp(KernelCall *call) { add_interval(call, &call->args[1], &call->args[0], 1); }
void kernel_subtract_timestamp_interval(KernelCall *call) { add_interval(call, &call->args[0], &call->args[1], -1); }

/* The clock goes round */
static void add_to_time(KernelCall *call, int sign)
{
	for (int i = 0; i < call->count; i++)
		timestamp_day(call->args[0].i64[i] + sign * (call->args[1].interval[i].us % US_PER_DAY), &call->out->i64[i]);
}

void kernel_add_time_interval(KernelCall *call) { add_to_time(call, 1); }
void kernel_subtract_time_interval(KernelCall *call) { add_to_time(call, -1); }

static bool date_in_range(int64_t days) { return days >= DAYS_MIN && days <= DAYS_MAX; }

void kernel_add_date_integer(KernelCall *call)
{
	for (int i = 0; i < call->count; i++)
		if (__builtin_add_overflow(call->args[0].i64[i], call->args[1].i64[i], &call->out->i64[i]) || !date_in_range(call->out->i64[i])) kernel_null(call, i);
}

void kernel_subtract_date_integer(KernelCall *call)
{
	for (int i = 0; i < call->count; i++)
		if (__builtin_sub_overflow(call->args[0].i64[i], call->args[1].i64[i], &call->out->i64[i]) || !date_in_range(call->out->i64[i])) kernel_null(call, i);
}

void kernel_subtract_date_date(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) call->out->i64[i] = call->args[0].i64[i] - call->args[1].i64[i];
}

void kernel_add_date_time(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) call->out->i64[i] = call->args[0].i64[i] * US_PER_DAY + call->args[1].i64[i];
}

/* Whole days and the rest, as PostgreSQL */
void kernel_subtract_timestamps(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		int64_t us = call->args[0].i64[i] - call->args[1].i64[i];
		call->out->interval[i] = (Interval){.days = (int32_t)(us / US_PER_DAY), .us = us % US_PER_DAY};
	}
}

void kernel_subtract_times(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) call->out->interval[i] = (Interval){.us = call->args[0].i64[i] - call->args[1].i64[i]};
}

static void add_intervals(KernelCall *call, int sign)
{
	for (int i = 0; i < call->count; i++) {
		Interval a = call->args[0].interval[i], b = call->args[1].interval[i], *out = &call->out->interval[i];
		if (__builtin_add_overflow(a.months, (int64_t)sign * b.months, &out->months) || __builtin_add_overflow(a.days, (int64_t)sign * b.days, &out->days)
		    || (sign > 0 ? __builtin_add_overflow(a.us, b.us, &out->us) : __builtin_sub_overflow(a.us, b.us, &out->us))) kernel_overflow(call, i);
	}
}

void kernel_add_intervals(KernelCall *call) { add_intervals(call, 1); }
void kernel_subtract_intervals(KernelCall *call) { add_intervals(call, -1); }

void kernel_negate_interval(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		Interval x = call->args->interval[i], *out = &call->out->interval[i];
		if (__builtin_sub_overflow(0, x.months, &out->months) || __builtin_sub_overflow(0, x.days, &out->days) || __builtin_sub_overflow(0, x.us, &out->us)) kernel_overflow(call, i);
	}
}

/* A fraction of a month becomes days of 1/30, that of a day microseconds, as PostgreSQL */
static bool interval_scale(Interval x, double by, Interval *out)
{
	double months = trunc(x.months * by), month_rest = x.months * by - months;
	double all_days = x.days * by + month_rest * 30, days = trunc(all_days);
	double us = rint((double)x.us * by + (all_days - days) * (double)US_PER_DAY);
	if (!(fabs(months) <= INT32_MAX) || !(fabs(days) <= INT32_MAX) || !(fabs(us) < 9.2e18)) return false;
	*out = (Interval){.months = (int32_t)months, .days = (int32_t)days, .us = (int64_t)us};
	return true;
}

static void scale_intervals(KernelCall *call, const Column *interval, const Column *by)
{
	for (int i = 0; i < call->count; i++)
		if (!interval_scale(interval->interval[i], by->f64[i], &call->out->interval[i])) kernel_overflow(call, i);
}

static void multiply_intervals(KernelCall *call, const Column *interval, const Column *by)
{
	for (int i = 0; i < call->count; i++) {
		Interval x = interval->interval[i], *out = &call->out->interval[i];
		int64_t n = by->i64[i];
		if (__builtin_mul_overflow(x.months, n, &out->months) || __builtin_mul_overflow(x.days, n, &out->days) || __builtin_mul_overflow(x.us, n, &out->us)) kernel_overflow(call, i);
	}
}

void kernel_multiply_interval_integer(KernelCall *call) { multiply_intervals(call, &call->args[0], &call->args[1]); }
void kernel_multiply_integer_interval(KernelCall *call) { multiply_intervals(call, &call->args[1], &call->args[0]); }
void kernel_multiply_interval_real(KernelCall *call) { scale_intervals(call, &call->args[0], &call->args[1]); }
void kernel_multiply_real_interval(KernelCall *call) { scale_intervals(call, &call->args[1], &call->args[0]); }

void kernel_divide_interval_real(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		double by = call->args[1].f64[i];
		if (by == 0) kernel_null(call, i);
		else if (!interval_scale(call->args[0].interval[i], 1 / by, &call->out->interval[i])) kernel_overflow(call, i);
	}
}
