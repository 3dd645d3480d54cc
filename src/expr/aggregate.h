/* Aggregates: one row of aggregates.def each; state is plain bytes that lie in operator state.
 *
 * Two ways, chosen by row and by whether the input takes rows back:
 *   FOLD     fixed-size state, apply(value, weight) adds or takes back: count, sum, avg, total, stddev, bool_and, bit_xor ...
 *            (min/max and others too where the input is append-only)
 *   ORDERED  the operator keeps all values of the group in order (a multiset in a StateTree) and the aggregate reads them
 *            when the group's result is wanted: min, max with retractions (first/last entry only), percentile, string_agg,
 *            first_value, arg_min, json_group_array, and whatever has ORDER BY inside.
 * ORDER BY inside is obeyed only where obeys_order says so; elsewhere it changes no answer and the binder drops it (bind/calls.c knows the few
 * that are refused, and says arg_min with ORDER BY by first_value).
 * WITHIN GROUP (ORDER BY k): where within_group says so, k becomes the first argument, before those in the parentheses, and the
 * order of the values (percentile_cont(0.5) WITHIN GROUP (ORDER BY x DESC) is percentile_cont(x, 0.5 ORDER BY x DESC)); for all
 * others (listagg) it means ORDER BY inside.
 * DISTINCT is the operator's work: it feeds only values that come or go. FILTER too: only rows that pass are fed.
 * Exact REAL sums: Shewchuk's expansions (Discrete & Computational Geometry 18, 1997), rounded once when shown; a state
 * whose expansion outgrows its place moves into `spill`.
 */
#ifndef WEIR_EXPR_AGGREGATE_H
#define WEIR_EXPR_AGGREGATE_H

#include "expr/expr.h"

typedef struct Aggregate Aggregate;

/* Room outside of the fixed state for what grows (expansions, sketches). Handles survive checkpoints. 0 is none. */
typedef struct AggregateSpill {
	void *context;
	uint32_t (*alloc)(void *context, uint32_t bytes);             /* zeroed */
	void *(*at)(void *context, uint32_t handle);                  /* for writing; valid until the next alloc or free */
	void (*free)(void *context, uint32_t handle);
} AggregateSpill;

/* Reads the values of one group in order: ORDERED aggregates. Argument columns first (parameters are none), then the ORDER BY keys:
 * at most AGGREGATE_VALUES_MAX together. Strings are good until the next call. */
enum { AGGREGATE_VALUES_MAX = 32 };
typedef struct AggregateCursor AggregateCursor;
struct AggregateCursor {
	bool (*next)(AggregateCursor *cursor, Value *values, int64_t *count);     /* false: no more; each entry stands count times */
};

struct Aggregate {
	const char *name;
	const char *signature;
	Type (*result)(const Type *args, int arg_count);
	bool nullable_result;                         /* may be NULL: over no rows, say */
	bool skips_nulls;                             /* rows whose first argument is NULL are not fed */
	bool skips_second_nulls;                      /* nor those whose second argument is (corr, arg_max) */
	/* FOLD; NULL where the aggregate is always ORDERED */
	uint32_t (*state_bytes)(const Type *args, int arg_count);
	/* groups[i]: the state for row i, 8-byte aligned, zeroed bytes when new. weights NULL: all +1. Marked NULLs are passed over where
	 * the aggregate skips them, so feeding them does no harm. */
	void (*apply)(void *const *groups, const Column *args, int arg_count, int count, const int64_t *weights, const AggregateSpill *spill);
	void (*fold_result)(const void *state, const Type *args, int arg_count, Value *out, Arena *scratch, const AggregateSpill *spill);
	void (*release)(void *state, const AggregateSpill *spill);
	/* Adds what `from` holds to `into` (slices of windows); both spill to the same place. NULL: cannot be merged. */
	void (*merge)(void *into, const void *from, const Type *args, int arg_count, const AggregateSpill *spill);
	bool fold_needs_append_only;                  /* min/max/first ...: FOLD only where nothing is taken back */
	/* ORDERED; NULL where FOLD always does */
	void (*ordered_result)(AggregateCursor *cursor, const Value *parameters, const Type *args, int arg_count, Value *out, Arena *scratch);
	/* SECOND: by the second argument, then as ARRIVAL (arg_min). ARRIVAL: without has_arrival by all columns read, left to right. */
	enum {
		AGGREGATE_ORDER_NONE, AGGREGATE_ORDER_VALUE, AGGREGATE_ORDER_VALUE_DESC, AGGREGATE_ORDER_ARRIVAL,
		AGGREGATE_ORDER_SECOND, AGGREGATE_ORDER_SECOND_DESC
	} default_order;
	/* One entry suffices, and where nothing is taken back no other need be kept: the first (min, max, first_value, arg_min) or the last
	 * (last_value): the cursor may give only that one. */
	bool ordered_reads_first_only;
	bool ordered_reads_last_only;
	bool obeys_order;                             /* ORDER BY inside changes the result */
	bool within_group;                            /* takes its first argument from WITHIN GROUP (ORDER BY ...) */
	int parameter_count;                          /* trailing constant arguments: separator, fraction */
	const char *description, *example, *example_result;
};

extern const Aggregate AGGREGATES[];
extern const int AGGREGATE_COUNT;

/* The first row of that name; case-insensitive, aliases resolved. NULL: there is none. */
const Aggregate *aggregate_find(const char *name);
/* The nth name, aliases included, for completion and "Did you mean ...?"; NULL: past the last. */
const char *aggregate_name(int n);

/* Case-insensitive, aliases resolved; arg types decide among overloads and casts are inserted into args. The last parameter_count of args
 * are the parameters: constants, checked here, folded by the caller. Unknown name or no fitting types: NULL, ERR_UNDEFINED_FUNCTION. */
const Aggregate *aggregate_resolve(Arena *arena, const char *name, Expr **args, int arg_count, bool star, Span span, Error *err);

#endif
