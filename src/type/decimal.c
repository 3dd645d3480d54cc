/* DECIMAL arithmetic on 128-bit integers. Intermediate results are exact in 256 bits (10^76 < 2^253: any sum, product or
 * scaled dividend of two 38-digit numbers that can still give a 38-digit result); most values fit 64 bits and never get
 * there. Everything rounds once, half away from zero. */
#include "type/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "type/number.h"

typedef unsigned __int128 U128;
typedef struct U256 { U128 high, low; } U256;

enum { POWER_MAX = 38 };

static U128 power10(int exponent)
{
	static const uint64_t SMALL[20] = {
		1ull, 10ull, 100ull, 1000ull, 10000ull, 100000ull, 1000000ull, 10000000ull, 100000000ull, 1000000000ull, 10000000000ull,
		100000000000ull, 1000000000000ull, 10000000000000ull, 100000000000000ull, 1000000000000000ull, 10000000000000000ull,
		100000000000000000ull, 1000000000000000000ull, 10000000000000000000ull,
	};
	return exponent < 20 ? SMALL[exponent] : (U128)SMALL[19] * SMALL[exponent - 19];
}

static U128 magnitude(Int128 x) { return x < 0 ? -(U128)x : (U128)x; }

static U256 multiply_wide(U128 a, U128 b)
{
	uint64_t a0 = (uint64_t)a, a1 = (uint64_t)(a >> 64), b0 = (uint64_t)b, b1 = (uint64_t)(b >> 64);
	U128 low = (U128)a0 * b0, middle_1 = (U128)a1 * b0, middle_2 = (U128)a0 * b1, high = (U128)a1 * b1;
	U128 middle = (low >> 64) + (uint64_t)middle_1 + (uint64_t)middle_2;
	return (U256){.high = high + (middle_1 >> 64) + (middle_2 >> 64) + (middle >> 64), .low = middle << 64 | (uint64_t)low};
}

/* x * 10^exponent; false: more than 256 bits */
static bool scale_up(U256 x, int exponent, U256 *out)
{
	while (exponent > 0) {
		int step = exponent < POWER_MAX ? exponent : POWER_MAX;
		U256 low = multiply_wide(x.low, power10(step)), high = multiply_wide(x.high, power10(step));
		if (high.high) return false;
		x.low = low.low;
		if (__builtin_add_overflow(low.high, high.low, &x.high)) return false;
		exponent -= step;
	}
	*out = x;
	return true;
}

static U256 divide_wide(U256 x, U128 by, U128 *rest)
{
	if (x.high == 0 && x.low <= UINT64_MAX && by <= UINT64_MAX) {
		*rest = (uint64_t)x.low % (uint64_t)by;
		return (U256){.low = (uint64_t)x.low / (uint64_t)by};
	}
	if (x.high == 0) {
		*rest = x.low % by;
		return (U256){.low = x.low / by};
	}
	U256 quotient = {.high = x.high / by};
	U128 remainder = x.high % by;
	for (int bit = 127; bit >= 0; bit--) {
		bool carry = remainder >> 127;
		remainder = remainder << 1 | (x.low >> bit & 1);
		if (carry || remainder >= by) {
			remainder -= by;
			quotient.low |= (U128)1 << bit;
		}
	}
	*rest = remainder;
	return quotient;
}

static U256 divide_rounded(U256 x, U128 by)
{
	U128 rest;
	U256 quotient = divide_wide(x, by, &rest);
	if (rest >= by - rest && ++quotient.low == 0) quotient.high++;
	return quotient;
}

/* Drops so many digits. Cutting in steps and rounding in the last is exact: whether the rest is half or more shows in the
 * first digit that is dropped. */
static U256 scale_down(U256 x, int digits)
{
	U128 rest;
	while (digits > POWER_MAX) {
		int step = digits - POWER_MAX < POWER_MAX ? digits - POWER_MAX : POWER_MAX;
		x = divide_wide(x, power10(step), &rest);
		digits -= step;
	}
	return digits ? divide_rounded(x, power10(digits)) : x;
}

static bool fits(U256 x, bool negative, int precision, Int128 *out)
{
	if (x.high || x.low >= power10(precision)) return false;
	*out = negative ? -(Int128)x.low : (Int128)x.low;
	return true;
}

static bool rescale(U256 x, bool negative, int scale_from, int precision_to, int scale_to, Int128 *out)
{
	if (scale_to >= scale_from) {
		if (!scale_up(x, scale_to - scale_from, &x)) return false;
	} else x = scale_down(x, scale_from - scale_to);
	return fits(x, negative, precision_to, out);
}

bool decimal_add(Int128 a, int scale_a, Int128 b, int scale_b, int scale_out, Int128 *out)
{
	if (scale_a == scale_b && scale_a == scale_out)
		return !__builtin_add_overflow(a, b, out) && fits((U256){.low = magnitude(*out)}, *out < 0, DECIMAL_PRECISION_MAX, out);
	int scale = scale_a > scale_b ? scale_a : scale_b;
	U256 x, y, sum;
	if (!scale_up((U256){.low = magnitude(a)}, scale - scale_a, &x)) return false;
	if (!scale_up((U256){.low = magnitude(b)}, scale - scale_b, &y)) return false;
	bool negative = a < 0, swap = x.high < y.high || (x.high == y.high && x.low < y.low);
	if ((a < 0) == (b < 0)) {
		sum.low = x.low + y.low;
		sum.high = x.high + y.high + (sum.low < x.low);
	} else {
		U256 large = swap ? y : x, small = swap ? x : y;
		sum.low = large.low - small.low;
		sum.high = large.high - small.high - (large.low < small.low);
		negative = swap ? b < 0 : a < 0;
	}
	return rescale(sum, negative, scale, DECIMAL_PRECISION_MAX, scale_out, out);
}

bool decimal_multiply(Int128 a, int scale_a, Int128 b, int scale_b, int scale_out, Int128 *out)
{
	return rescale(multiply_wide(magnitude(a), magnitude(b)), (a < 0) != (b < 0), scale_a + scale_b, DECIMAL_PRECISION_MAX, scale_out, out);
}

bool decimal_divide(Int128 a, int scale_a, Int128 b, int scale_b, int scale_out, Int128 *out)
{
	bool negative = (a < 0) != (b < 0);
	U256 dividend = {.low = magnitude(a)}, divisor = {.low = magnitude(b)};
	int exponent = scale_out + scale_b - scale_a;
	if (exponent >= 0) {
		if (!scale_up(dividend, exponent, &dividend)) return false;
	} else {
		if (!scale_up(divisor, -exponent, &divisor)) return false;
		if (divisor.high) return fits((U256){0}, false, DECIMAL_PRECISION_MAX, out);   /* |a| < 10^38, divisor > 2^128: below a half */
	}
	return fits(divide_rounded(dividend, divisor.low), negative, DECIMAL_PRECISION_MAX, out);
}

bool decimal_rescale(Int128 a, int scale_from, int precision_to, int scale_to, Int128 *out)
{
	return rescale((U256){.low = magnitude(a)}, a < 0, scale_from, precision_to, scale_to, out);
}

int decimal_compare(Int128 a, int scale_a, Int128 b, int scale_b)
{
	if (scale_a == scale_b || (a < 0) != (b < 0)) return a < b ? -1 : a > b;
	int scale = scale_a > scale_b ? scale_a : scale_b;
	U256 x = {0}, y = {0};
	scale_up((U256){.low = magnitude(a)}, scale - scale_a, &x);      /* at most 38 + 38 digits: fits */
	scale_up((U256){.low = magnitude(b)}, scale - scale_b, &y);
	int order = x.high != y.high ? (x.high < y.high ? -1 : 1) : x.low < y.low ? -1 : x.low > y.low;
	return a < 0 ? -order : order;
}

static int decimal_digits(U128 x, char *out)
{
	char reversed[40];
	int count = 0;
	do { reversed[count++] = (char)('0' + (int)(x % 10)); x /= 10; } while (x);
	for (int i = 0; i < count; i++) out[i] = reversed[count - 1 - i];
	return count;
}

int decimal_print(Int128 a, int scale, char *out)
{
	char digits[48], *to = out;
	int count = decimal_digits(magnitude(a), digits);
	if (a < 0) *to++ = '-';
	if (count <= scale) {                    /* 5 at scale 2 is 0.05 */
		*to++ = '0';
		*to++ = '.';
		for (int i = count; i < scale; i++) *to++ = '0';
		memcpy(to, digits, (size_t)count);
		return (int)(to + count - out);
	}
	memcpy(to, digits, (size_t)(count - scale));
	to += count - scale;
	if (scale) {
		*to++ = '.';
		memcpy(to, digits + count - scale, (size_t)scale);
		to += scale;
	}
	return (int)(to - out);
}

/* A double holds integers up to 2^53 and powers of ten up to 10^22 exactly, so one division rounds once. */
double decimal_to_real(Int128 a, int scale)
{
	if (magnitude(a) <= (U128)1 << 53 && scale <= 22) return scale ? (double)a / (double)power10(scale) : (double)a;
	char text[DECIMAL_PRINT_BYTES];
	double x = 0;
	real_parse(text, (size_t)decimal_print(a, scale, text), &x);
	return x;
}

/* digits * 10^exponent, rounded to scale; digits is what was read of `count` digits */
static bool from_digits(const char *digits, int count, int64_t exponent, bool negative, int precision, int scale, Int128 *out)
{
	while (count && *digits == '0') digits++, count--;
	while (count && digits[count - 1] == '0') count--, exponent++;
	if (count == 0) {
		*out = 0;
		return true;
	}
	int64_t wanted = count + exponent + scale;       /* digits that stay; those behind are cut, the first of them rounds */
	if (wanted > precision) return false;
	if (wanted < 0) {
		*out = 0;
		return true;
	}
	U128 x = 0;
	for (int64_t i = 0; i < wanted; i++) x = x * 10 + (i < count ? (U128)(digits[i] - '0') : 0);
	if (wanted < count && digits[wanted] >= '5') x++;
	return fits((U256){.low = x}, negative, precision, out);
}

/* Where x * 10^scale is small and not near a half, rounding it is rounding the text. */
static bool real_rounds_plainly(double x, int scale, Int128 *out)
{
	static const double POWERS[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10};
	if (scale > 10) return false;
	double product = fabs(x) * POWERS[scale];
	if (!(product < 1e11)) return false;
	int64_t whole = (int64_t)product;
	double rest = product - (double)whole - 0.5;
	if (fabs(rest) < 0.001) return false;
	whole += rest > 0;
	*out = x < 0 ? -whole : whole;
	return true;
}

bool real_to_decimal(double x, int precision, int scale, Int128 *out)
{
	RealDigits digits;
	if (real_rounds_plainly(x, scale, out)) return fits((U256){.low = magnitude(*out)}, *out < 0, precision, out);
	if (!isfinite(x)) return false;
	real_digits(x, &digits);
	return from_digits(digits.digits, digits.count, digits.exponent - (digits.count - 1), digits.negative, precision, scale, out);
}

bool text_to_decimal(const char *at, size_t bytes, int precision, int scale, Int128 *out)
{
	NumberText number;
	if (!number_text(at, bytes, &number)) return false;
	char small[128], *digits = small;
	size_t count = number.whole_bytes + number.fraction_bytes;
	if (count > sizeof small) digits = mem_alloc(count);
	memcpy(digits, number.whole, number.whole_bytes);
	memcpy(digits + number.whole_bytes, number.fraction, number.fraction_bytes);
	bool ok = from_digits(digits, (int)count, number.exponent - (int64_t)number.fraction_bytes, number.negative, precision, scale, out);
	if (digits != small) free(digits);
	return ok;
}
