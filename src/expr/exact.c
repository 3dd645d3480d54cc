#include "expr/exact.h"

#include <assert.h>
#include <math.h>

/* The long accumulator: two's complement, limb i counts 2^(64 * (i - 34)). It spans the squares of the least (2^-2148) and of the
 * greatest (2^2048) double, times 2^63 rows. Infinities are only counted. */
enum { WIDE_LIMBS = 69, WIDE_LOW = -34 };

typedef struct Wide {
	int64_t plus_infinite, minus_infinite;
	uint64_t limb[WIDE_LIMBS];
} Wide;

static void limbs_add_at(uint64_t *limbs, int count, int at, const uint64_t *add, int add_count)
{
	uint64_t carry = 0;
	for (int i = 0; i < add_count; i++) {
		unsigned __int128 s = (unsigned __int128)limbs[at + i] + add[i] + carry;
		limbs[at + i] = (uint64_t)s;
		carry = (uint64_t)(s >> 64);
	}
	for (int i = at + add_count; carry && i < count; i++) carry = ++limbs[i] == 0;
}

static void limbs_subtract_at(uint64_t *limbs, int count, int at, const uint64_t *sub, int sub_count)
{
	uint64_t borrow = 0;
	for (int i = 0; i < sub_count; i++) {
		unsigned __int128 d = (unsigned __int128)limbs[at + i] - sub[i] - borrow;
		limbs[at + i] = (uint64_t)d;
		borrow = (uint64_t)(d >> 64) & 1;
	}
	for (int i = at + sub_count; borrow && i < count; i++) borrow = limbs[i]-- == 0;
}

/* |x| = mantissa * 2^exponent, finite */
static uint64_t double_mantissa(double x, int *exponent)
{
	uint64_t bits;
	memcpy(&bits, &x, sizeof bits);
	int biased = (int)(bits >> 52 & 2047);
	uint64_t fraction = bits & ((1ull << 52) - 1);
	*exponent = (biased ? biased : 1) - 1075;                         /* subnormal numbers have the least exponent */
	return biased ? fraction | 1ull << 52 : fraction;
}

/* Adds magnitude * weight * 2^exponent with a sign; the magnitude has at most 106 bits. */
static void wide_add(Wide *wide, unsigned __int128 magnitude, int exponent, bool negative, int64_t weight)
{
	uint64_t w = weight < 0 ? 0 - (uint64_t)weight : (uint64_t)weight;
	negative ^= weight < 0;
	unsigned __int128 low = (unsigned __int128)(uint64_t)magnitude * w;
	unsigned __int128 high = (unsigned __int128)(uint64_t)(magnitude >> 64) * w + (uint64_t)(low >> 64);
	uint64_t product[4] = {(uint64_t)low, (uint64_t)high, (uint64_t)(high >> 64), 0};
	int bit = exponent - WIDE_LOW * 64, shift = bit & 63;
	assert(bit >= 0);
	if (shift) {
		for (int i = 3; i > 0; i--) product[i] = product[i] << shift | product[i - 1] >> (64 - shift);
		product[0] <<= shift;
	}
	if (negative) limbs_subtract_at(wide->limb, WIDE_LIMBS, bit / 64, product, 4);
	else limbs_add_at(wide->limb, WIDE_LIMBS, bit / 64, product, 4);
}

static void wide_add_double(Wide *wide, double x, int64_t weight)
{
	if (isinf(x)) {
		if (x > 0) wide->plus_infinite += weight;
		else wide->minus_infinite += weight;
		return;
	}
	if (x == 0) return;
	int exponent;
	uint64_t mantissa = double_mantissa(x, &exponent);
	wide_add(wide, mantissa, exponent, x < 0, weight);
}

static void wide_add_product(Wide *wide, double x, double y, int64_t weight)
{
	if (x == 0 || y == 0) return;
	int ex, ey;
	uint64_t mx = double_mantissa(x, &ex), my = double_mantissa(y, &ey);
	wide_add(wide, (unsigned __int128)mx * my, ex + ey, (x < 0) != (y < 0), weight);
}

static Wide *sum_spill(ExactSum *sum, const AggregateSpill *spill)
{
	if (sum->used == EXACT_SPILLED) return spill->at(spill->context, sum->spill);
	sum->spill = spill->alloc(spill->context, sizeof(Wide));
	Wide *wide = spill->at(spill->context, sum->spill);
	for (uint32_t i = 0; i < sum->used; i++) wide_add_double(wide, sum->partial[i], 1);
	memset(sum->partial, 0, sizeof sum->partial);
	sum->used = EXACT_SPILLED;
	return wide;
}

/* Adds x to the expansion; false, and nothing changed, where it does not fit or would pass the largest double. */
static bool partials_add(ExactSum *sum, double x)
{
	double grown[EXACT_PARTIALS];
	uint32_t used = 0;
	for (uint32_t i = 0; i < sum->used; i++) {
		double y = sum->partial[i], high = x + y, rest = high - x;
		double low = (x - (high - rest)) + (y - rest);
		if (low != 0) grown[used++] = low;
		x = high;
	}
	if (!isfinite(x)) return false;
	if (x != 0) {
		if (used == EXACT_PARTIALS) return false;
		grown[used++] = x;
	}
	memcpy(sum->partial, grown, used * sizeof *grown);
	for (uint32_t i = used; i < EXACT_PARTIALS; i++) sum->partial[i] = 0;
	sum->used = used;
	return true;
}

void exact_add_slow(ExactSum *sum, double x, const AggregateSpill *spill)
{
	if (sum->used != EXACT_SPILLED && partials_add(sum, x)) return;
	wide_add_double(sum_spill(sum, spill), x, 1);
}

void exact_add_weighted(ExactSum *sum, double x, int64_t weight, const AggregateSpill *spill)
{
	if (weight == 1) exact_add(sum, x, spill);
	else if (weight == -1 && isfinite(x)) exact_add(sum, -x, spill);
	else wide_add_double(sum_spill(sum, spill), x, weight);
}

/* Products of numbers of ordinary size are two doubles exactly (fma gives the rest); others would lose bits or overflow. */
static bool product_is_two_doubles(double high) { return high == 0 || (fabs(high) > 0x1p-960 && fabs(high) < 0x1p1000); }

void exact_add_product(ExactSum *sum, double x, double y, int64_t weight, const AggregateSpill *spill)
{
	double high = x * y;
	bool small_weight = weight == 1 || weight == -1;
	if (!small_weight || sum->used == EXACT_SPILLED || !product_is_two_doubles(high) || (high == 0 && x != 0 && y != 0)) {
		wide_add_product(sum_spill(sum, spill), x, y, weight);
		return;
	}
	double low = fma(x, y, -high);
	exact_add(sum, (double)weight * high, spill);
	if (low != 0) exact_add(sum, (double)weight * low, spill);
}

void exact_merge(ExactSum *into, const ExactSum *from, const AggregateSpill *spill)
{
	if (from->used != EXACT_SPILLED) {
		for (uint32_t i = 0; i < from->used; i++) exact_add(into, from->partial[i], spill);
		return;
	}
	Wide *wide = sum_spill(into, spill);
	const Wide *other = spill->at(spill->context, from->spill);
	wide->plus_infinite += other->plus_infinite;
	wide->minus_infinite += other->minus_infinite;
	limbs_add_at(wide->limb, WIDE_LIMBS, 0, other->limb, WIDE_LIMBS);
}

void exact_release(ExactSum *sum, const AggregateSpill *spill)
{
	if (sum->used == EXACT_SPILLED) spill->free(spill->context, sum->spill);
	*sum = (ExactSum){0};
}

bool exact_is_finite(const ExactSum *sum, const AggregateSpill *spill)
{
	if (sum->used != EXACT_SPILLED) return true;
	const Wide *wide = spill->at(spill->context, sum->spill);
	return wide->plus_infinite == 0 && wide->minus_infinite == 0;
}

/* ---- rounding ---- */

static int limbs_bits(const uint64_t *limbs, int count)
{
	while (count && !limbs[count - 1]) count--;
	return count ? count * 64 - __builtin_clzll(limbs[count - 1]) : 0;
}

static bool limbs_bit(const uint64_t *limbs, int bit) { return bit >= 0 && (limbs[bit / 64] >> (bit & 63) & 1); }

static bool limbs_any_below(const uint64_t *limbs, int bit)
{
	for (int i = 0; i < bit / 64; i++)
		if (limbs[i]) return true;
	return bit > 0 && (bit & 63) && limbs[bit / 64] << (64 - (bit & 63));
}

/* limbs * 2^exponent (and a bit more where sticky) to the nearest double, half to even; subnormal where it must be. */
static double limbs_round(const uint64_t *limbs, int count, int exponent, bool sticky)
{
	int bits = limbs_bits(limbs, count), top = bits - 1 + exponent;
	if (!bits || top < -1075) return 0;
	if (top > 1023) return INFINITY;
	int keep = top >= -1022 ? 53 : 53 - (-1022 - top);
	uint64_t mantissa = 0;
	for (int i = 0; i < keep; i++) mantissa = mantissa << 1 | (uint64_t)(bits - 1 - i >= 0 && limbs_bit(limbs, bits - 1 - i));
	int half = bits - 1 - keep;
	bool rest = sticky || (half > 0 && limbs_any_below(limbs, half));
	if (half >= 0 && limbs_bit(limbs, half) && (rest || (mantissa & 1))) mantissa++;
	return ldexp((double)mantissa, top - keep + 1);
}

static double big_round(const Big *x)
{
	double magnitude = limbs_round(x->limb, x->count, x->low * 64, false);
	return x->negative ? -magnitude : magnitude;
}

/* As math.fsum ends: the two highest partials decide, the third breaks ties. */
static double partials_round(const ExactSum *sum)
{
	int n = (int)sum->used;
	if (!n) return 0;
	double high = sum->partial[--n], low = 0;
	while (n > 0) {
		double x = high, y = sum->partial[--n];
		high = x + y;
		low = y - (high - x);
		if (low != 0) break;
	}
	if (n > 0 && ((low < 0 && sum->partial[n - 1] < 0) || (low > 0 && sum->partial[n - 1] > 0))) {
		double y = low * 2, x = high + y;
		if (y == x - high) high = x;
	}
	return high;
}

double exact_round(const ExactSum *sum, const AggregateSpill *spill)
{
	if (sum->used != EXACT_SPILLED) return partials_round(sum);
	const Wide *wide = spill->at(spill->context, sum->spill);
	if (wide->plus_infinite && wide->minus_infinite) return NAN;
	if (wide->plus_infinite) return INFINITY;
	if (wide->minus_infinite) return -INFINITY;
	Big big;
	big_from_limbs(&big, wide->limb, WIDE_LIMBS, WIDE_LOW);
	return big_round(&big);
}

/* ---- big numbers ---- */

static void big_trim(Big *x)
{
	while (x->count && !x->limb[x->count - 1]) x->count--;
	int zeros = 0;
	while (zeros < x->count && !x->limb[zeros]) zeros++;
	if (zeros) memmove(x->limb, x->limb + zeros, sizeof *x->limb * (size_t)(x->count - zeros));
	x->count -= zeros;
	x->low = x->count ? x->low + zeros : 0;
	if (!x->count) x->negative = false;
}

void big_from_limbs(Big *out, const uint64_t *limbs, int count, int low)
{
	assert(count <= BIG_LIMBS);
	out->negative = limbs[count - 1] >> 63;
	out->low = low;
	out->count = count;
	uint64_t carry = out->negative;
	for (int i = 0; i < count; i++) {
		out->limb[i] = out->negative ? ~limbs[i] + carry : limbs[i];
		carry = carry && out->limb[i] == 0;
	}
	big_trim(out);
}

void big_from_int128(Big *out, Int128 x)
{
	uint64_t limbs[2] = {(uint64_t)x, (uint64_t)((unsigned __int128)x >> 64)};
	big_from_limbs(out, limbs, 2, 0);
}

void big_from_sum(Big *out, const ExactSum *sum, const AggregateSpill *spill)
{
	if (sum->used == EXACT_SPILLED) {
		const Wide *spilled = spill->at(spill->context, sum->spill);
		big_from_limbs(out, spilled->limb, WIDE_LIMBS, WIDE_LOW);
		return;
	}
	Wide wide = {0};
	for (uint32_t i = 0; i < sum->used; i++) wide_add_double(&wide, sum->partial[i], 1);
	big_from_limbs(out, wide.limb, WIDE_LIMBS, WIDE_LOW);
}

void big_multiply(Big *out, const Big *a, const Big *b)
{
	assert(a->count + b->count <= BIG_LIMBS && out != a && out != b);
	out->negative = a->negative != b->negative;
	out->low = a->low + b->low;
	out->count = a->count + b->count;
	memset(out->limb, 0, sizeof *out->limb * (size_t)out->count);
	for (int i = 0; i < a->count; i++) {
		uint64_t carry = 0;
		for (int k = 0; k < b->count; k++) {
			unsigned __int128 t = (unsigned __int128)a->limb[i] * b->limb[k] + out->limb[i + k] + carry;
			out->limb[i + k] = (uint64_t)t;
			carry = (uint64_t)(t >> 64);
		}
		out->limb[i + b->count] = carry;
	}
	big_trim(out);
}

void big_subtract(Big *out, const Big *a, const Big *b)
{
	int low = a->count && (!b->count || a->low < b->low) ? a->low : b->low;
	int a_end = a->low + a->count, b_end = b->low + b->count, end = a_end > b_end ? a_end : b_end;
	uint64_t limbs[BIG_LIMBS] = {0};
	int count = end - low + 1;                                        /* one more for sign and carry */
	assert(count <= BIG_LIMBS);
	if (a->negative) limbs_subtract_at(limbs, count, a->low - low, a->limb, a->count);
	else if (a->count) limbs_add_at(limbs, count, a->low - low, a->limb, a->count);
	if (b->negative) limbs_add_at(limbs, count, b->low - low, b->limb, b->count);
	else if (b->count) limbs_subtract_at(limbs, count, b->low - low, b->limb, b->count);
	big_from_limbs(out, limbs, count, low);
}

/* ---- ratios ---- */

enum { DIVISOR_LIMBS_MAX = 4, QUOTIENT_EXTRA = 3 };

static bool divide_by_limb(uint64_t *quotient, const uint64_t *limbs, int count, uint64_t divisor)
{
	unsigned __int128 rest = 0;
	for (int i = count - 1; i >= 0; i--) {
		rest = rest << 64 | limbs[i];
		quotient[i] = (uint64_t)(rest / divisor);
		rest %= divisor;
	}
	return rest != 0;
}

static bool limbs_at_least(const uint64_t *a, const uint64_t *b, int count)
{
	for (int i = count - 1; i >= 0; i--)
		if (a[i] != b[i]) return a[i] > b[i];
	return true;
}

/* Bit by bit: only for divisors of more than 64 bits, which groups of more than 2^32 rows have. */
static bool divide_by_limbs(uint64_t *quotient, const uint64_t *limbs, int count, const Big *divisor)
{
	uint64_t rest[DIVISOR_LIMBS_MAX + 1] = {0}, by[DIVISOR_LIMBS_MAX + 1] = {0};
	memcpy(by, divisor->limb, sizeof *by * (size_t)divisor->count);
	memset(quotient, 0, sizeof *quotient * (size_t)count);
	for (int bit = count * 64 - 1; bit >= 0; bit--) {
		for (int i = DIVISOR_LIMBS_MAX; i > 0; i--) rest[i] = rest[i] << 1 | rest[i - 1] >> 63;
		rest[0] = rest[0] << 1 | (uint64_t)limbs_bit(limbs, bit);
		if (!limbs_at_least(rest, by, DIVISOR_LIMBS_MAX + 1)) continue;
		limbs_subtract_at(rest, DIVISOR_LIMBS_MAX + 1, 0, by, DIVISOR_LIMBS_MAX + 1);
		quotient[bit / 64] |= 1ull << (bit & 63);
	}
	for (int i = 0; i <= DIVISOR_LIMBS_MAX; i++)
		if (rest[i]) return true;
	return false;
}

/* |a / b| = quotient * 2^*exponent and a rest (true); at least 129 bits of it. Returns the quotient's limbs by *count. */
static bool big_divide(const Big *a, const Big *b, uint64_t *quotient, int *count, int *exponent)
{
	assert(b->count > 0 && b->count <= DIVISOR_LIMBS_MAX);
	uint64_t limbs[BIG_LIMBS + DIVISOR_LIMBS_MAX + QUOTIENT_EXTRA] = {0};
	int extra = b->count + QUOTIENT_EXTRA - a->count;
	if (extra < 0) extra = 0;
	memcpy(limbs + extra, a->limb, sizeof *limbs * (size_t)a->count);
	*count = a->count + extra;
	*exponent = (a->low - extra - b->low) * 64;
	if (b->count == 1) return divide_by_limb(quotient, limbs, *count, b->limb[0]);
	return divide_by_limbs(quotient, limbs, *count, b);
}

double big_ratio(const Big *a, const Big *b)
{
	uint64_t quotient[BIG_LIMBS + DIVISOR_LIMBS_MAX + QUOTIENT_EXTRA];
	int count, exponent;
	if (!a->count) return 0;
	bool rest = big_divide(a, b, quotient, &count, &exponent);
	double magnitude = limbs_round(quotient, count, exponent, rest);
	return a->negative != b->negative ? -magnitude : magnitude;
}

static uint64_t root_of_128(unsigned __int128 x)
{
	uint64_t root = 0;
	for (int bit = 63; bit >= 0; bit--) {
		uint64_t tried = root | 1ull << bit;
		if ((unsigned __int128)tried * tried <= x) root = tried;
	}
	return root;
}

double big_ratio_root(const Big *a, const Big *b)
{
	uint64_t quotient[BIG_LIMBS + DIVISOR_LIMBS_MAX + QUOTIENT_EXTRA];
	int count, exponent;
	if (!a->count) return 0;
	bool rest = big_divide(a, b, quotient, &count, &exponent);
	int bits = limbs_bits(quotient, count), drop = bits - 127;        /* 126 or 127 bits stay, with an even exponent */
	if ((drop + exponent) & 1) drop++;
	unsigned __int128 top = 0;
	for (int bit = bits - 1; bit >= drop; bit--) top = top << 1 | (unsigned __int128)limbs_bit(quotient, bit);
	rest |= limbs_any_below(quotient, drop);
	uint64_t root = root_of_128(top);
	rest |= (unsigned __int128)root * root != top;
	return limbs_round(&root, 1, (drop + exponent) / 2, rest);
}

/* Divides high + low by count and says whether rounding is beyond doubt, so that only one in 2^40 takes the long way. */
static bool mean_by_doubles(const ExactSum *sum, double count, double *mean)
{
	double high = sum->partial[sum->used - 1];
	double low = sum->used == 3 ? sum->partial[1] + sum->partial[0] : sum->used == 2 ? sum->partial[0] : 0;
	double quotient = high / count;
	if (!(fabs(quotient) > 0x1p-900 && fabs(quotient) < 0x1p900)) return false;
	double rest = (fma(-quotient, count, high) + low) / count, doubt = fabs(rest) * 0x1p-40;
	*mean = quotient + rest;
	return quotient + (rest - doubt) == quotient + (rest + doubt);
}

double exact_mean(const ExactSum *sum, int64_t count, const AggregateSpill *spill)
{
	if (!exact_is_finite(sum, spill)) return exact_round(sum, spill);
	if (!sum->used) return 0;
	double mean;
	if (sum->used != EXACT_SPILLED && count > 0 && count < 1ll << 53 && mean_by_doubles(sum, (double)count, &mean)) return mean;
	Big a, b;
	big_from_sum(&a, sum, spill);
	big_from_int128(&b, count);
	return big_ratio(&a, &b);
}
