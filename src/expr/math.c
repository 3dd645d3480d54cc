/* Mathematics. REAL where nothing else is said; INTEGER and DECIMAL stay what they are where that makes sense. What has no
 * value (sqrt(-1), ln(0)) is NULL. */
#include <math.h>
#include <stdlib.h>

#include "expr/cast.h"
#include "expr/kernels.h"
#include "type/number.h"
#include "type/text.h"

#define REAL_FUNCTION(name, expression) \
	void kernel_##name(KernelCall *call) \
	{ \
		for (int i = 0; i < call->count; i++) { \
			double x = call->args->f64[i]; \
			call->out->f64[i] = expression; \
		} \
	}

REAL_FUNCTION(abs_real, fabs(x))
REAL_FUNCTION(ceil_real, ceil(x))
REAL_FUNCTION(floor_real, floor(x))
REAL_FUNCTION(trunc_real, trunc(x))
REAL_FUNCTION(sqrt, sqrt(x))
REAL_FUNCTION(exp, exp(x))
REAL_FUNCTION(ln, x > 0 ? log(x) : NAN)
REAL_FUNCTION(log10, x > 0 ? log10(x) : NAN)
REAL_FUNCTION(log2, x > 0 ? log2(x) : NAN)
REAL_FUNCTION(sin, sin(x))
REAL_FUNCTION(cos, cos(x))
REAL_FUNCTION(tan, tan(x))
REAL_FUNCTION(cot, 1 / tan(x))
REAL_FUNCTION(asin, asin(x))
REAL_FUNCTION(acos, acos(x))
REAL_FUNCTION(atan, atan(x))
REAL_FUNCTION(sinh, sinh(x))
REAL_FUNCTION(cosh, cosh(x))
REAL_FUNCTION(tanh, tanh(x))
REAL_FUNCTION(asinh, asinh(x))
REAL_FUNCTION(acosh, acosh(x))
REAL_FUNCTION(atanh, atanh(x))
REAL_FUNCTION(degrees, x * (180.0 / M_PI))
REAL_FUNCTION(radians, x * (M_PI / 180.0))

#define REAL_FUNCTION_2(name, expression) \
	void kernel_##name(KernelCall *call) \
	{ \
		for (int i = 0; i < call->count; i++) { \
			double x = call->args[0].f64[i], y = call->args[1].f64[i]; \
			call->out->f64[i] = expression; \
		} \
	}

REAL_FUNCTION_2(power, pow(x, y))
REAL_FUNCTION_2(atan2, atan2(x, y))
REAL_FUNCTION_2(log_base, x > 0 && y > 0 && x != 1 ? log(y) / log(x) : NAN)
REAL_FUNCTION_2(fmod, y == 0 ? NAN : fmod(x, y))

/* The library's is off by one bit even for cubes. */
static double cube_root(double x)
{
	double root = cbrt(x), whole = rint(root);
	return whole * whole * whole == x ? whole : root;
}

REAL_FUNCTION(cbrt, cube_root(x))

void kernel_pi(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) call->out->f64[i] = M_PI;
}

void kernel_e(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) call->out->f64[i] = M_E;
}

/* ---- INTEGER ---- */

void kernel_abs_integer(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		int64_t x = call->args->i64[i];
		if (x == INT64_MIN) kernel_overflow(call, i);
		call->out->i64[i] = x < 0 ? (int64_t)-(uint64_t)x : x;
	}
}

void kernel_same_integer(KernelCall *call) { memcpy(call->out->i64, call->args->i64, 8 * (size_t)call->count); }

void kernel_sign(KernelCall *call)
{
	const Column *in = call->args;
	for (int i = 0; i < call->count; i++) {
		if (in->type.kind == TYPE_REAL) call->out->i64[i] = (in->f64[i] > 0) - (in->f64[i] < 0);
		else if (in->type.kind == TYPE_DECIMAL) call->out->i64[i] = (in->i128[i] > 0) - (in->i128[i] < 0);
		else call->out->i64[i] = (in->i64[i] > 0) - (in->i64[i] < 0);
	}
}

static uint64_t divisor_of(int64_t a, int64_t b)
{
	uint64_t x = a < 0 ? -(uint64_t)a : (uint64_t)a, y = b < 0 ? -(uint64_t)b : (uint64_t)b;
	while (y) {
		uint64_t rest = x % y;
		x = y;
		y = rest;
	}
	return x;
}

void kernel_factorial(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		int64_t n = call->args->i64[i], product = 1;
		if (n < 0 || n > 20) kernel_null(call, i);
		for (int64_t k = 2; k <= n && n <= 20; k++) product *= k;
		call->out->i64[i] = product;
	}
}

void kernel_gcd(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		uint64_t x = divisor_of(call->args[0].i64[i], call->args[1].i64[i]);
		if (x > INT64_MAX) kernel_overflow(call, i);
		call->out->i64[i] = (int64_t)x;
	}
}

void kernel_lcm(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		int64_t a = call->args[0].i64[i], b = call->args[1].i64[i], out = 0;
		uint64_t divisor = divisor_of(a, b);
		if (divisor > INT64_MAX || (divisor && __builtin_mul_overflow(a / (int64_t)divisor, b, &out)) || out == INT64_MIN) kernel_overflow(call, i), out = 0;
		call->out->i64[i] = out < 0 ? -out : out;
	}
}

/* ---- DECIMAL ---- */

static Int128 power10(int exponent)
{
	Int128 x = 1;
	while (exponent-- > 0) x *= 10;
	return x;
}

void kernel_abs_decimal(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) call->out->i128[i] = call->args->i128[i] < 0 ? -call->args->i128[i] : call->args->i128[i];
}

typedef enum Rounding { ROUND_DOWN, ROUND_UP, ROUND_ZERO, ROUND_HALF } Rounding;

/* To a multiple of `unit` */
static Int128 round_to(Int128 x, Int128 unit, Rounding rounding)
{
	Int128 rest = x % unit, down = x - rest;
	switch (rounding) {
	case ROUND_DOWN: return rest < 0 ? down - unit : down;
	case ROUND_UP: return rest > 0 ? down + unit : down;
	case ROUND_ZERO: return down;
	case ROUND_HALF: break;
	}
	if (rest < 0) return -rest >= unit + rest ? down - unit : down;
	return rest >= unit - rest ? down + unit : down;
}

static void round_whole(KernelCall *call, Rounding rounding)
{
	Int128 unit = power10(call->args->type.scale);
	for (int i = 0; i < call->count; i++) call->out->i128[i] = round_to(call->args->i128[i], unit, rounding) / unit;
}

void kernel_floor_decimal(KernelCall *call) { round_whole(call, ROUND_DOWN); }
void kernel_ceil_decimal(KernelCall *call) { round_whole(call, ROUND_UP); }

/* The scale stays, since it must be known before the digits are */
static void round_digits(KernelCall *call, Rounding rounding)
{
	const Column *in = call->args;
	int scale = in->type.scale;
	for (int i = 0; i < call->count; i++) {
		int64_t digits = call->arg_count > 1 ? call->args[1].i64[i] : 0;
		if (digits < -DECIMAL_PRECISION_MAX) digits = -DECIMAL_PRECISION_MAX;
		if (digits >= scale) call->out->i128[i] = in->i128[i];
		else if (scale - digits > DECIMAL_PRECISION_MAX - 1) call->out->i128[i] = 0;
		else call->out->i128[i] = round_to(in->i128[i], power10((int)(scale - digits)), rounding);
		if (call->out->i128[i] >= power10(38) || call->out->i128[i] <= -power10(38)) kernel_overflow(call, i);
	}
}

void kernel_round_decimal(KernelCall *call) { round_digits(call, ROUND_HALF); }
void kernel_trunc_decimal(KernelCall *call) { round_digits(call, ROUND_ZERO); }

Type result_decimal_whole(const Type *args, int arg_count)
{
	(void)arg_count;
	return decimal_type_cut(args[0].precision - args[0].scale + 1, 0);
}

Type result_decimal_rounded(const Type *args, int arg_count)
{
	(void)arg_count;
	int precision = args[0].precision < DECIMAL_PRECISION_MAX ? args[0].precision + 1 : DECIMAL_PRECISION_MAX;
	return type_decimal(precision, args[0].scale);
}

/* ---- rounding REAL ---- */

static const double POWERS[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

/* By the shortest decimal text, half away from zero: round(2.675, 2) is 2.68, as SQLite says. The text is only made where the
 * product lies too near a half to tell. */
static double round_real(double x, int64_t digits)
{
	if (!isfinite(x) || fabs(x) >= 4503599627370496.0) return x;
	if (digits < 0) digits = 0;
	if (digits == 0) return x < 0 ? -floor(-x + 0.5) : floor(x + 0.5);
	if (digits > 30) digits = 30;
	if (digits <= 15) {
		double product = fabs(x) * POWERS[digits], whole = floor(product), rest = product - whole;
		if (product < 1e15 && fabs(rest - 0.5) > 1e-4) return copysign((rest > 0.5 ? whole + 1 : whole) / POWERS[digits], x);
	}
	Int128 scaled;
	return real_to_decimal(x, DECIMAL_PRECISION_MAX, (int)digits, &scaled) ? decimal_to_real(scaled, (int)digits) : x;
}

void kernel_round_real(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		double x = call->args->f64[i];
		call->out->f64[i] = round_real(x, call->arg_count > 1 ? call->args[1].i64[i] : 0);
		if (call->out->f64[i] == 0) call->out->f64[i] = 0;             /* no -0.0 */
	}
}

void kernel_round_integer(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) call->out->f64[i] = (double)call->args->i64[i];
}

void kernel_trunc_real_digits(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		double x = call->args->f64[i];
		int64_t digits = call->args[1].i64[i];
		Int128 scaled;
		if (digits < 0) call->out->f64[i] = isfinite(x) ? x - fmod(x, pow(10, -(double)digits)) : x;
		else if (!isfinite(x) || digits > 15 || !real_to_decimal(x, DECIMAL_PRECISION_MAX, 20, &scaled)) call->out->f64[i] = x;
		else call->out->f64[i] = decimal_to_real(round_to(scaled, power10(20 - (int)digits), ROUND_ZERO), 20);
	}
}

void kernel_width_bucket(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		double x = call->args[0].f64[i], low = call->args[1].f64[i], high = call->args[2].f64[i];
		int64_t count = call->args[3].i64[i];
		if (count <= 0 || low == high || !isfinite(low) || !isfinite(high) || count > 1000000000) kernel_null(call, i);
		else {
			double place = (x - low) / (high - low);
			call->out->i64[i] = place < 0 ? 0 : place >= 1 ? count + 1 : (int64_t)(place * (double)count) + 1;
		}
	}
}
