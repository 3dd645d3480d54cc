/* Exact sums of REAL numbers and of their products, from which rows can be taken back precisely.
 *
 * A sum is an expansion: up to three doubles that do not overlap and whose sum is the exact value (Shewchuk, Discrete &
 * Computational Geometry 18, 1997; the algorithm of Python's math.fsum). What three doubles cannot hold (values of very
 * different size, infinities, sums that pass the largest double on their way) moves for good into a fixed-point number in
 * `spill` that spans all doubles and all products of two: Kulisch's long accumulator. Either way the value is exact, so the
 * result depends on which rows are in, not on their order, and is rounded once, when it is read.
 *
 * Big is a whole number times a power of 2^64, for results: ratios and roots rounded once to the nearest double, half to even.
 */
#ifndef WEIR_EXPR_EXACT_H
#define WEIR_EXPR_EXACT_H

#include "expr/aggregate.h"

enum { EXACT_PARTIALS = 3 };

typedef struct ExactSum {
	double partial[EXACT_PARTIALS];       /* smallest first */
	uint32_t used;                        /* how many of them; EXACT_SPILLED: the value is in spill */
	uint32_t spill;
} ExactSum;

enum { EXACT_SPILLED = EXACT_PARTIALS + 1 };

void exact_add_slow(ExactSum *sum, double x, const AggregateSpill *spill);
void exact_add_weighted(ExactSum *sum, double x, int64_t weight, const AggregateSpill *spill);
void exact_add_product(ExactSum *sum, double x, double y, int64_t weight, const AggregateSpill *spill);   /* both finite */
void exact_merge(ExactSum *into, const ExactSum *from, const AggregateSpill *spill);
void exact_release(ExactSum *sum, const AggregateSpill *spill);

/* The sum rounded to the nearest double; NaN where it holds infinities of both signs. */
double exact_round(const ExactSum *sum, const AggregateSpill *spill);
bool exact_is_finite(const ExactSum *sum, const AggregateSpill *spill);          /* holds no infinities */

/* One row more: nearly always one addition to the first partial that leaves at most one rest. */
static inline void exact_add(ExactSum *sum, double x, const AggregateSpill *spill)
{
	if (sum->used == 1) {
		double y = sum->partial[0], high = x + y, rest = high - x;
		double low = (x - (high - rest)) + (y - rest);
		if (low == 0 && high - high == 0) {
			sum->partial[0] = high;
			return;
		}
	}
	exact_add_slow(sum, x, spill);
}

enum { BIG_LIMBS = 76 };

typedef struct Big {
	bool negative;
	int low, count;                       /* value = sum of limb[i] * 2^(64 * (low + i)); count 0: zero; top limb is not 0 */
	uint64_t limb[BIG_LIMBS];
} Big;

void big_from_int128(Big *out, Int128 x);
void big_from_limbs(Big *out, const uint64_t *limbs, int count, int low);       /* two's complement, least limb first */
void big_from_sum(Big *out, const ExactSum *sum, const AggregateSpill *spill);   /* of a finite one */
void big_multiply(Big *out, const Big *a, const Big *b);
void big_subtract(Big *out, const Big *a, const Big *b);
double big_ratio(const Big *a, const Big *b);              /* a / b rounded once; b has at most 4 limbs and is not zero */
double big_ratio_root(const Big *a, const Big *b);         /* sqrt(a / b) rounded once; a >= 0 */

/* exact sum / count, rounded once */
double exact_mean(const ExactSum *sum, int64_t count, const AggregateSpill *spill);

#endif
