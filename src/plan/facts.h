/* Deriving facts, between the files of properties: what is true of a node's output, from what is true of its inputs' (already derived). */
#ifndef WEIR_PLAN_FACTS_H
#define WEIR_PLAN_FACTS_H

#include "plan/walk.h"

void facts_keys(PlanContext *context, Plan *plan);            /* keys, dependencies (properties_keys.c) */
void facts_time(PlanContext *context, Plan *plan);            /* watermarks, closing, hidden columns (properties_time.c) */
void facts_state(PlanContext *context, Plan *plan);           /* append-only, growing, bounds (properties.c) */

/* Whether equal values of `columns` mean equal values of `column` */
bool facts_determine(const PlanFacts *facts, Arena *arena, const ColumnSet *columns, const ColumnSet *wanted);
bool facts_equal_columns(const PlanFacts *facts, ColumnId a, ColumnId b);
/* Whether `columns` hold a key: no two rows agree in them */
bool facts_is_unique(PlanContext *context, const PlanFacts *facts, const ColumnSet *columns);

/* The watermark of a column, whatever it is good for; NULL: none */
const PlanWatermark *facts_watermark(const PlanFacts *facts, ColumnId column);
/* The one by which an operator may close: not of versions. */
const PlanWatermark *facts_closing(const PlanFacts *facts, ColumnId column);
/* Whether an operator that is keyed by this watermark's column closes by it: windows always, plain event time only where the statement
 * says EMIT ON WINDOW CLOSE, so that elsewhere a late row still counts. */
bool facts_closes(const PlanContext *context, const PlanWatermark *watermark);
/* Of keyed columns the one to close by: the least delay, windows first; NULL: none. */
const PlanWatermark *facts_close_by(const PlanContext *context, const PlanFacts *facts, Expr *const *keys, int key_count, int *key);

/* Equalities of a join's condition, found once for facts and for lowering. */
typedef struct JoinKeys {
	VEC(Expr *) left, right;          /* left[i] = right[i], over one side each */
	VEC(bool) null_equal;             /* IS NOT DISTINCT FROM */
	Exprs residual;                   /* all other conjuncts */
} JoinKeys;
void join_keys_find(PlanContext *context, const Plan *join, JoinKeys *out);

/* What an interval join goes by: left <= right_end - lower and right <= left_end + upper. The ends are the times themselves, and the interval is as long for
 * each row, or other columns of timestamps, so that each row has an interval of its own (`bid.at BETWEEN auction.at AND auction.expires`). */
typedef struct IntervalBounds {
	bool found;
	ColumnId left, right;             /* columns with watermarks */
	ColumnId left_end, right_end;
	int64_t lower_us, upper_us;
	Exprs rest;                       /* conjuncts that the bounds do not say already */
} IntervalBounds;
void interval_bounds_find(PlanContext *context, const Plan *join, const JoinKeys *keys, IntervalBounds *out);

/* Which way a plain join is run. Window join: close_key is the number of the key whose watermarks end it. */
typedef enum JoinWay { JOIN_WAY_PLAIN, JOIN_WAY_WINDOW, JOIN_WAY_INTERVAL } JoinWay;
typedef struct JoinShape {
	JoinWay way;
	JoinKeys keys;
	int close_key;
	IntervalBounds interval;
} JoinShape;
void join_shape(PlanContext *context, const Plan *join, JoinShape *out);

#endif
