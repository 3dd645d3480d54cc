/* The moments at which an expression over now() may change: each of its comparisons with the clock says when it does, by the row. Between two of them the
 * clock might as well stand still, whatever OR, NOT or CASE makes of the comparisons. */
#ifndef WEIR_PLAN_MOMENTS_H
#define WEIR_PLAN_MOMENTS_H

#include "plan/rules.h"

/* What time does to a condition: no moment makes it false; in the end it is false for ever. */
typedef struct Course { bool enters_only, ends; } Course;
typedef struct Motion { Exprs moments; Course course; } Motion;      /* moments: TIMESTAMP over the row, each once; NULL: never */

/* Adds to out->moments; out->course: of e as a condition. false: when e changes is not known. e is movable. */
bool moments_read(PlanContext *context, const Expr *e, Motion *out);
/* Adds those that are not there yet. */
void moments_add(PlanContext *context, Exprs *to, const Exprs *more);
/* What moments_read takes as a whole */
bool moments_is_comparison(const Expr *e);

#endif
