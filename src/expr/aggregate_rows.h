/* For the aggregate_*.c files and the table only: the functions that aggregates.def names.
 *
 * FOLD(x) in a row stands for x_bytes, x_apply, x_result and x_merge. */
#ifndef WEIR_EXPR_AGGREGATE_ROWS_H
#define WEIR_EXPR_AGGREGATE_ROWS_H

#include "base/vec.h"
#include "expr/aggregate.h"
#include "expr/exact.h"

#define AGGREGATE_BYTES(x) uint32_t x##_bytes(const Type *args, int arg_count)
#define AGGREGATE_APPLY(x) void x##_apply(void *const *groups, const Column *args, int arg_count, int count, const int64_t *weights, const AggregateSpill *spill)
#define AGGREGATE_RESULT(x) void x##_result(const void *state, const Type *args, int arg_count, Value *out, Arena *scratch, const AggregateSpill *spill)
#define AGGREGATE_MERGE(x) void x##_merge(void *into, const void *from, const Type *args, int arg_count, const AggregateSpill *spill)
#define AGGREGATE_RELEASE(x) void x##_release(void *state, const AggregateSpill *spill)
#define AGGREGATE_ORDERED(x) void x##_ordered(AggregateCursor *cursor, const Value *parameters, const Type *args, int arg_count, Value *out, Arena *scratch)

#define AGGREGATE_STATE(x) AGGREGATE_BYTES(x); AGGREGATE_APPLY(x); AGGREGATE_MERGE(x)

/* A state of fixed size, whatever the arguments */
#define AGGREGATE_BYTES_OF(x, State_) \
	AGGREGATE_BYTES(x) \
	{ \
		(void)args; (void)arg_count; \
		return sizeof(State_); \
	}

/* The body of an apply function: `body` runs for every row with its state `s` and weight `w`; rows whose first (or second) argument is
 * NULL are passed over. The common case, no NULLs and no weights, has a loop of its own. */
#define FOLD_ROWS(State_, body) do { \
	(void)spill; \
	const uint8_t *null_1 = arg_count > 0 ? args[0].null : NULL, *null_2 = arg_count > 1 ? args[1].null : NULL; \
	if (!null_1 && !null_2 && !weights) { \
		const int64_t w = 1; \
		for (int i = 0; i < count; i++) { \
			State_ *s = groups[i]; \
			body \
		} \
	} else { \
		for (int i = 0; i < count; i++) { \
			if ((null_1 && null_1[i]) || (null_2 && null_2[i])) continue; \
			const int64_t w = weights ? weights[i] : 1; \
			State_ *s = groups[i]; \
			body \
		} \
	} \
} while (0)

static inline void value_set_null(Value *out, Type type)
{
	*out = (Value){.type = type, .is_null = true};
}

static inline void value_set_real(Value *out, double x)
{
	*out = (Value){.type = TYPE(REAL), .is_null = x != x};        /* NaN is NULL */
	if (x == x) out->f64 = x;
}

static inline void value_set_integer(Value *out, int64_t x)
{
	*out = (Value){.type = TYPE(INTEGER)};
	out->i64 = x;
}

/* strings copied to the arena: what a cursor gives lives only until its next row */
Value value_keep(const Value *value, Arena *arena);

/* aggregate_sum.c */
AGGREGATE_STATE(count_star);
AGGREGATE_STATE(count_value);
AGGREGATE_STATE(count_true);
AGGREGATE_RESULT(count);
AGGREGATE_STATE(integer_sum);
AGGREGATE_RESULT(integer_sum);
AGGREGATE_RESULT(integer_avg);
AGGREGATE_RESULT(integer_total);
AGGREGATE_STATE(decimal_sum);
AGGREGATE_RESULT(decimal_sum);
AGGREGATE_RESULT(decimal_avg);
AGGREGATE_RESULT(decimal_total);
AGGREGATE_STATE(real_sum);
AGGREGATE_RESULT(real_sum);
AGGREGATE_RESULT(real_avg);
AGGREGATE_RESULT(real_total);
AGGREGATE_RELEASE(real_sum);
AGGREGATE_STATE(interval_sum);
AGGREGATE_RESULT(interval_sum);
AGGREGATE_RESULT(interval_avg);

/* aggregate_moments.c */
AGGREGATE_STATE(moments);
AGGREGATE_RELEASE(moments);
AGGREGATE_RESULT(var_pop);
AGGREGATE_RESULT(var_samp);
AGGREGATE_RESULT(stddev_pop);
AGGREGATE_RESULT(stddev_samp);
AGGREGATE_STATE(integer_moments);
AGGREGATE_RESULT(integer_var_pop);
AGGREGATE_RESULT(integer_var_samp);
AGGREGATE_RESULT(integer_stddev_pop);
AGGREGATE_RESULT(integer_stddev_samp);
AGGREGATE_STATE(pair_moments);
AGGREGATE_RELEASE(pair_moments);
AGGREGATE_RESULT(covar_pop);
AGGREGATE_RESULT(covar_samp);
AGGREGATE_RESULT(corr);
AGGREGATE_RESULT(regr_count);
AGGREGATE_RESULT(regr_avgx);
AGGREGATE_RESULT(regr_avgy);
AGGREGATE_RESULT(regr_sxx);
AGGREGATE_RESULT(regr_syy);
AGGREGATE_RESULT(regr_sxy);
AGGREGATE_RESULT(regr_slope);
AGGREGATE_RESULT(regr_intercept);
AGGREGATE_RESULT(regr_r2);

/* aggregate_extreme.c */
AGGREGATE_STATE(min);
AGGREGATE_BYTES(max);
AGGREGATE_APPLY(max);
AGGREGATE_MERGE(max);
AGGREGATE_RESULT(extreme);
AGGREGATE_RELEASE(extreme);
AGGREGATE_ORDERED(first);
AGGREGATE_ORDERED(last);
AGGREGATE_STATE(bools);
AGGREGATE_RESULT(bool_and);
AGGREGATE_RESULT(bool_or);
AGGREGATE_STATE(bit_and);
AGGREGATE_STATE(bit_or);
AGGREGATE_STATE(bit_xor);
AGGREGATE_RESULT(bits);
AGGREGATE_ORDERED(bit_and);
AGGREGATE_ORDERED(bit_or);

/* aggregate_list.c */
AGGREGATE_ORDERED(join_by_comma);
AGGREGATE_ORDERED(join);
AGGREGATE_ORDERED(join_each);
AGGREGATE_ORDERED(list);
AGGREGATE_ORDERED(list_or_empty);
AGGREGATE_ORDERED(set);
AGGREGATE_ORDERED(object);
AGGREGATE_ORDERED(object_or_empty);
AGGREGATE_ORDERED(histogram);
AGGREGATE_ORDERED(top);
AGGREGATE_ORDERED(top_distinct);
AGGREGATE_ORDERED(earliest);
AGGREGATE_ORDERED(latest);
AGGREGATE_ORDERED(earliest_list);
AGGREGATE_ORDERED(latest_list);
AGGREGATE_ORDERED(earliest_list_of_all);
AGGREGATE_ORDERED(latest_list_of_all);

/* aggregate_rank.c */
AGGREGATE_ORDERED(percentile_cont);
AGGREGATE_ORDERED(percentile_disc);
AGGREGATE_ORDERED(percentile_nearest);
AGGREGATE_ORDERED(median);
AGGREGATE_ORDERED(mode);

/* aggregate_sketch.c */
AGGREGATE_STATE(distinct_sketch);
AGGREGATE_RESULT(distinct_sketch);
AGGREGATE_RELEASE(distinct_sketch);
AGGREGATE_ORDERED(distinct_exact);
AGGREGATE_STATE(percentile_sketch);
AGGREGATE_RESULT(percentile_sketch);
AGGREGATE_RELEASE(percentile_sketch);

#endif
