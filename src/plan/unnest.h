/* Between the files of unnesting.
 *
 *   unnest.c          subqueries in expressions: which join each one is
 *   unnest_apply.c    dependent joins: conditions on outer columns move up into the join's condition, as far as they can
 *   unnest_full.c     FULL JOIN with a subquery over both sides in its ON
 *   unnest_domain.c   what is still dependent then: it is computed once for each combination of the outer columns (their domain)
 */
#ifndef WEIR_PLAN_UNNEST_H
#define WEIR_PLAN_UNNEST_H

#include "plan/rules.h"

typedef struct Unnesting { PlanContext *context; Arena *arena; Error *err; } Unnesting;

/* left joined with right, which may read columns of left. INNER and LEFT give out both sides' columns, by their ids (more may be given out,
 * order is open); SEMI and ANTI left's. NULL: err. */
typedef struct Apply { Plan *left, *right; JoinKind kind; Expr *condition; Span span; } Apply;
Plan *unnest_apply(Unnesting *unnesting, Apply apply);

/* The columns of left that right reads */
typedef struct Outer { ColumnId *ids; int count; ColumnSet set; } Outer;
Outer unnest_outer(Unnesting *unnesting, const Plan *left, Plan *right);
bool unnest_depends(Unnesting *unnesting, Plan *plan, const Outer *outer);            /* the plan, or what is below */
bool expr_depends(Unnesting *unnesting, const Expr *e, const Outer *outer);
bool slots_depend(Unnesting *unnesting, Plan *plan, const Outer *outer);              /* the node itself */

/* The plan for every combination of the outer columns at once; ids[i]: the column of the result that says for which outer->ids[i]. NULL: err. */
typedef struct Domain { const Plan *left; Outer outer; } Domain;
Plan *unnest_domain(Unnesting *unnesting, const Domain *domain, Plan *plan, ColumnId **ids);
Expr *domain_condition(Unnesting *unnesting, const Domain *domain, const Plan *right, const ColumnId *ids);      /* outer = its stand-in, NULLs too */

/* unnest_full.c: a FULL JOIN as a union of a LEFT JOIN (parts[0]->inputs[0]) and an anti join (parts[1]->inputs[0]), whose ON is to be unnested. */
Plan *unnest_split_full(PlanContext *context, Plan *full, Plan **parts);

/* An aggregate's value over no rows */
Expr *aggregate_over_nothing(Unnesting *unnesting, const AggregateCall *call);
Plan *unnest_join(Unnesting *unnesting, JoinKind kind, Plan *left, Plan *right, Expr *condition, Span span);
/* Project that gives out plan's columns and more */
Plan *unnest_extend(Unnesting *unnesting, Plan *plan, const PlanItem *items, const PlanColumn *columns, int count);

#endif
