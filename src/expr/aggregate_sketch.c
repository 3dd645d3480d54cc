/* Aggregates that know the answer only nearly.
 *
 * approx_count_distinct   HyperLogLog with Ertl's estimator (arXiv:1702.01284): 2^14 registers, 0.8 % standard error; up to 768 values are
 *                         kept as hashes and counted exactly. Nothing can be taken out of it: on updating edges the operator keeps the values.
 * approx_percentile       DDSketch (VLDB 2019): counted buckets of bounded relative error, so rows can be taken back. Buckets are cut by the
 *                         exponent and the eight highest bits of the mantissa, not by a logarithm, whose last bit differs between CPUs. */
#include <math.h>

#include "base/hash.h"
#include "expr/aggregate_rows.h"
#include "type/row.h"

/* ---- approx_count_distinct ---- */

enum { REGISTER_BITS = 14, REGISTERS = 1 << REGISTER_BITS, RANK_MAX = 64 - REGISTER_BITS + 1, HASHES_ROOM_MIN = 16, HASHES_ROOM_MAX = 1024 };

/* room: of the hash set that spill points to; 0: none yet; REGISTERS: spill holds the registers */
typedef struct DistinctSketch { uint32_t spill, room, used, reserved; } DistinctSketch;

AGGREGATE_BYTES_OF(distinct_sketch, DistinctSketch)

static uint64_t hash_value(const Column *column, int row)
{
	switch (type_phys(column->type)) {
	case PHYS_I64: return hash_mix64((uint64_t)column->i64[row] + 0x9e3779b97f4a7c15ull);
	case PHYS_F64: {
		double x = column->f64[row] == 0 ? 0 : column->f64[row];
		return hash_bytes(&x, sizeof x);
	}
	case PHYS_STR: return hash_bytes(str_at(&column->str[row]), column->str[row].bytes);
	default: return hash_bytes((const char *)column->data + 16 * (size_t)row, 16);
	}
}

static void registers_add(uint8_t *registers, uint64_t hash)
{
	uint64_t rest = hash << REGISTER_BITS;
	int rank = rest ? __builtin_clzll(rest) + 1 : RANK_MAX;
	uint8_t *at = &registers[hash >> (64 - REGISTER_BITS)];
	if (rank > *at) *at = (uint8_t)rank;
}

static bool hash_set_add(uint64_t *set, uint32_t room, uint64_t hash)
{
	if (!hash) hash = 1;                              /* 0 marks an empty slot */
	uint32_t slot = (uint32_t)hash & (room - 1);
	for (; set[slot]; slot = (slot + 1) & (room - 1))
		if (set[slot] == hash) return false;
	set[slot] = hash;
	return true;
}

static void sketch_grow(DistinctSketch *s, const AggregateSpill *spill)
{
	uint32_t room = !s->room ? HASHES_ROOM_MIN : s->room < HASHES_ROOM_MAX ? s->room * 4 : REGISTERS;
	uint32_t grown = spill->alloc(spill->context, room == REGISTERS ? REGISTERS : room * sizeof(uint64_t));
	if (s->room) {
		void *to = spill->at(spill->context, grown);
		const uint64_t *from = spill->at(spill->context, s->spill);
		for (uint32_t i = 0; i < s->room; i++) {
			if (!from[i]) continue;
			if (room == REGISTERS) registers_add(to, from[i]);
			else hash_set_add(to, room, from[i]);
		}
		spill->free(spill->context, s->spill);
	}
	s->spill = grown;
	s->room = room;
}

static void sketch_add(DistinctSketch *s, uint64_t hash, const AggregateSpill *spill)
{
	if (s->room != REGISTERS && (s->used + 1) * 4 > s->room * 3) sketch_grow(s, spill);
	void *at = spill->at(spill->context, s->spill);
	if (s->room == REGISTERS) registers_add(at, hash);
	else s->used += hash_set_add(at, s->room, hash);
}

AGGREGATE_APPLY(distinct_sketch)
{
	FOLD_ROWS(DistinctSketch, (void)w; sketch_add(s, hash_value(&args[0], i), spill););
}

AGGREGATE_MERGE(distinct_sketch)
{
	(void)args; (void)arg_count;
	DistinctSketch *s = into;
	const DistinctSketch *other = from;
	if (other->room == REGISTERS) {
		while (s->room != REGISTERS) sketch_grow(s, spill);
		uint8_t *to = spill->at(spill->context, s->spill);
		const uint8_t *registers = spill->at(spill->context, other->spill);
		for (int i = 0; i < REGISTERS; i++)
			if (registers[i] > to[i]) to[i] = registers[i];
		return;
	}
	for (uint32_t i = 0; i < other->room; i++) {
		uint64_t hash = ((const uint64_t *)spill->at(spill->context, other->spill))[i];
		if (hash) sketch_add(s, hash, spill);
	}
}

AGGREGATE_RELEASE(distinct_sketch)
{
	DistinctSketch *s = state;
	if (s->room) spill->free(spill->context, s->spill);
	*s = (DistinctSketch){0};
}

static double ertl_sigma(double x)
{
	if (x == 1) return INFINITY;
	double y = 1, z = x, before;
	do {
		x *= x;
		before = z;
		z += x * y;
		y += y;
	} while (z != before);
	return z;
}

static double ertl_tau(double x)
{
	if (x == 0 || x == 1) return 0;
	double y = 1, z = 1 - x, before;
	do {
		x = sqrt(x);
		before = z;
		y *= 0.5;
		z -= (1 - x) * (1 - x) * y;
	} while (z != before);
	return z / 3;
}

static int64_t registers_estimate(const uint8_t *registers)
{
	int counts[RANK_MAX + 1] = {0};
	for (int i = 0; i < REGISTERS; i++) counts[registers[i]]++;
	double m = REGISTERS, z = m * ertl_tau(1 - counts[RANK_MAX] / m);
	for (int k = RANK_MAX - 1; k >= 1; k--) z = 0.5 * (z + counts[k]);
	z += m * ertl_sigma(counts[0] / m);
	return (int64_t)(m * m / (2 * M_LN2 * z) + 0.5);
}

AGGREGATE_RESULT(distinct_sketch)
{
	(void)args; (void)arg_count; (void)scratch;
	const DistinctSketch *s = state;
	value_set_integer(out, s->room == REGISTERS ? registers_estimate(spill->at(spill->context, s->spill)) : s->used);
}

/* On updating edges: all values in order, so equal ones are neighbours. */
AGGREGATE_ORDERED(distinct_exact)
{
	(void)parameters; (void)args; (void)arg_count; (void)scratch;
	Value values[AGGREGATE_VALUES_MAX], last = {0};
	int64_t count, distinct = 0;
	Arena kept;
	arena_init(&kept, 0);
	while (cursor->next(cursor, values, &count)) {
		if (distinct && value_equal(&last, &values[0])) continue;
		arena_clear(&kept);
		last = value_keep(&values[0], &kept);
		distinct++;
	}
	arena_release(&kept);
	value_set_integer(out, distinct);
}

/* ---- approx_percentile ---- */

enum { MANTISSA_BITS_KEPT = 8, BUCKET_SHIFT = 52 - MANTISSA_BITS_KEPT, BUCKETS_ROOM_MIN = 8 };

typedef struct Bucket { int64_t key, count; } Bucket;                 /* sorted by key in spill */

typedef struct PercentileSketch {
	double fraction;
	int64_t count;
	uint32_t spill, room, used, reserved;
} PercentileSketch;

AGGREGATE_BYTES_OF(percentile_sketch, PercentileSketch)

/* Keys follow the order of values: 0 for zero, the mirror image for what is negative. */
static int64_t bucket_key(double x)
{
	if (x == 0) return 0;
	double magnitude = fabs(x);
	uint64_t bits;
	memcpy(&bits, &magnitude, sizeof bits);
	int64_t key = (int64_t)(bits >> BUCKET_SHIFT) + 1;
	return x < 0 ? -key : key;
}

/* What all values of a bucket begin with: at most 0.4 % less than any of them, and just the value where that is a small integer */
static double bucket_value(int64_t key)
{
	if (key == 0) return 0;
	uint64_t bits = (uint64_t)((key < 0 ? -key : key) - 1) << BUCKET_SHIFT;
	double magnitude;
	memcpy(&magnitude, &bits, sizeof magnitude);
	return key < 0 ? -magnitude : magnitude;
}

static uint32_t bucket_find(const Bucket *buckets, uint32_t used, int64_t key)
{
	uint32_t low = 0, high = used;
	while (low < high) {
		uint32_t middle = (low + high) / 2;
		if (buckets[middle].key < key) low = middle + 1;
		else high = middle;
	}
	return low;
}

static Bucket *buckets_grow(PercentileSketch *s, const AggregateSpill *spill)
{
	uint32_t room = s->room ? s->room * 2 : BUCKETS_ROOM_MIN;
	uint32_t grown = spill->alloc(spill->context, room * (uint32_t)sizeof(Bucket));
	Bucket *buckets = spill->at(spill->context, grown);
	if (s->room) {
		memcpy(buckets, spill->at(spill->context, s->spill), s->used * sizeof *buckets);
		spill->free(spill->context, s->spill);
	}
	s->spill = grown;
	s->room = room;
	return spill->at(spill->context, grown);
}

static void bucket_add(PercentileSketch *s, int64_t key, int64_t weight, const AggregateSpill *spill)
{
	Bucket *buckets = s->room ? spill->at(spill->context, s->spill) : NULL;
	uint32_t at = bucket_find(buckets, s->used, key);
	s->count += weight;
	if (at < s->used && buckets[at].key == key) {
		buckets[at].count += weight;
		if (buckets[at].count) return;
		memmove(buckets + at, buckets + at + 1, (s->used - at - 1) * sizeof *buckets);
		s->used--;
		return;
	}
	if (s->used == s->room) buckets = buckets_grow(s, spill);
	memmove(buckets + at + 1, buckets + at, (s->used - at) * sizeof *buckets);
	buckets[at] = (Bucket){key, weight};
	s->used++;
}

AGGREGATE_APPLY(percentile_sketch)
{
	FOLD_ROWS(PercentileSketch, s->fraction = args[1].f64[i]; bucket_add(s, bucket_key(args[0].f64[i]), w, spill););
}

AGGREGATE_MERGE(percentile_sketch)
{
	(void)args; (void)arg_count;
	const PercentileSketch *other = from;
	if (other->count) ((PercentileSketch *)into)->fraction = other->fraction;
	for (uint32_t i = 0; i < other->used; i++) {
		Bucket bucket = ((const Bucket *)spill->at(spill->context, other->spill))[i];
		bucket_add(into, bucket.key, bucket.count, spill);
	}
}

AGGREGATE_RELEASE(percentile_sketch)
{
	PercentileSketch *s = state;
	if (s->room) spill->free(spill->context, s->spill);
	*s = (PercentileSketch){0};
}

AGGREGATE_RESULT(percentile_sketch)
{
	(void)args; (void)arg_count; (void)scratch;
	const PercentileSketch *s = state;
	value_set_null(out, TYPE(REAL));
	if (s->count <= 0 || !(s->fraction >= 0 && s->fraction <= 1)) return;
	const Bucket *buckets = spill->at(spill->context, s->spill);
	double rank = floor(s->fraction * (double)(s->count - 1));
	int64_t seen = 0;
	for (uint32_t i = 0; i < s->used; i++) {
		seen += buckets[i].count;
		if ((double)seen <= rank) continue;
		value_set_real(out, bucket_value(buckets[i].key));
		return;
	}
}
