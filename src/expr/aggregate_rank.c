/* Percentiles and the mode: the values come in order, with how often each stands. */
#include <math.h>

#include "expr/aggregate_rows.h"
#include "type/row.h"

typedef struct RankedValues {
	VEC(Value) values;
	VEC(int64_t) counts;
	int64_t total;
} RankedValues;

static RankedValues ranked_read(AggregateCursor *cursor, Arena *scratch)
{
	RankedValues ranked = {0};
	Value values[AGGREGATE_VALUES_MAX];
	int64_t count;
	while (cursor->next(cursor, values, &count)) {
		vec_push_in(scratch, &ranked.values, value_keep(&values[0], scratch));
		vec_push_in(scratch, &ranked.counts, count);
		ranked.total += count;
	}
	return ranked;
}

/* row: from 0 */
static const Value *ranked_at(const RankedValues *ranked, int64_t row)
{
	int i = 0;
	for (; row >= ranked->counts.at[i]; i++) row -= ranked->counts.at[i];
	return &ranked->values.at[i];
}

static void interpolate(const RankedValues *ranked, double fraction, Value *out)
{
	double position = fraction * (double)(ranked->total - 1);
	int64_t below = (int64_t)floor(position), above = (int64_t)ceil(position);
	double low = ranked_at(ranked, below)->f64, high = ranked_at(ranked, above)->f64;
	value_set_real(out, below == above || low == high ? low : low + (position - (double)below) * (high - low));
}

static bool is_fraction(const Value *parameter) { return !parameter->is_null && parameter->f64 >= 0 && parameter->f64 <= 1; }

AGGREGATE_ORDERED(percentile_cont)
{
	(void)args; (void)arg_count;
	value_set_null(out, TYPE(REAL));
	RankedValues ranked = ranked_read(cursor, scratch);
	if (ranked.total && is_fraction(&parameters[0])) interpolate(&ranked, parameters[0].f64, out);
}

AGGREGATE_ORDERED(median)
{
	(void)parameters; (void)args; (void)arg_count;
	value_set_null(out, TYPE(REAL));
	RankedValues ranked = ranked_read(cursor, scratch);
	if (ranked.total) interpolate(&ranked, 0.5, out);
}

AGGREGATE_ORDERED(percentile_disc)
{
	(void)arg_count;
	value_set_null(out, args[0]);
	RankedValues ranked = ranked_read(cursor, scratch);
	if (!ranked.total || !is_fraction(&parameters[0])) return;
	int64_t row = (int64_t)ceil(parameters[0].f64 * (double)ranked.total) - 1;
	*out = *ranked_at(&ranked, row < 0 ? 0 : row);
}

/* The value itself, as approx_percentile counts: of rank floor(fraction * (rows - 1)) */
AGGREGATE_ORDERED(percentile_nearest)
{
	(void)args; (void)arg_count;
	value_set_null(out, TYPE(REAL));
	RankedValues ranked = ranked_read(cursor, scratch);
	bool known = ranked.total && is_fraction(&parameters[0]) && is_fraction(&parameters[1]);
	if (known) value_set_real(out, ranked_at(&ranked, (int64_t)floor(parameters[0].f64 * (double)(ranked.total - 1)))->f64);
}

/* Of values that stand equally often the first in order. */
AGGREGATE_ORDERED(mode)
{
	(void)parameters; (void)arg_count;
	Value values[AGGREGATE_VALUES_MAX], run = {0};
	int64_t count, run_count = 0, best_count = 0;
	value_set_null(out, args[0]);
	while (cursor->next(cursor, values, &count)) {
		if (!run_count || !value_equal(&run, &values[0])) {
			run = value_keep(&values[0], scratch);
			run_count = 0;
		}
		run_count += count;
		if (run_count <= best_count) continue;
		best_count = run_count;
		*out = run;
	}
}
