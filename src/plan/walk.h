/* Going over plans: what every rule needs and plan.h's users do not.
 *
 * A slot is where an expression hangs in a node (Expr **): reading and replacing go the same way, so there is one list of "all
 * expressions of a node" (walk.c) and a new kind of node is added there once. Slots may hold NULL only where the field may be absent;
 * absent ones are not visited.
 *
 * Invariants of columns, checked by verify.c, relied on everywhere:
 *   FILTER SORT TOPN SINGLE SETTLE   give out their input's columns, in order (TOPN: then rank_column, if asked)
 *   MOVING        input's columns, then one an item
 *   PROJECT       items[i] makes columns[i]; an item that passes a column on may keep its id
 *   JOIN          left's columns, then right's (SEMI, ANTI: left's only); those of an outer side are nullable
 *   AGGREGATE     items (group keys), then calls, then grouping_id if asked
 *   WINDOW        input's columns, then window_start, window_end, window_time;   OVER: input's, then one a call
 *   EXPAND        input's columns, then those that it makes
 *   UNION SETOP RECURSIVE   ids of their own; column i stands for column i of every input
 *   SHARED STEP_INPUT       ids of their own; see plan.h
 */
#ifndef WEIR_PLAN_WALK_H
#define WEIR_PLAN_WALK_H

#include "plan/plan.h"

/* memcpy that may be given nothing to copy from nowhere */
static inline void copy_bytes(void *to, const void *from, size_t bytes)
{
	if (bytes) memcpy(to, from, bytes);
}

typedef void PlanSlotVisit(Expr **slot, void *context);
void plan_slots(Plan *plan, PlanSlotVisit *visit, void *context);

/* Bottom-up over inputs (not into subqueries of expressions, not into `shared`). */
void plan_walk(Plan *plan, void (*visit)(Plan *plan, void *context), void *context);
/* Bottom-up; rewrite gives the node that takes the place of the one given (often itself). Enters each shared plan once. */
typedef Plan *PlanRewrite(PlanContext *context, Plan *plan, void *closure);
Plan *plan_rewrite(PlanContext *context, Plan *plan, PlanRewrite *rewrite, void *closure);

/* All SHARED nodes of the plan, those inside of shared plans too; each shared plan is entered once. */
typedef VEC(Plan *) PlanList;
void plan_shared_nodes(Arena *arena, Plan *plan, PlanList *out);
/* Each shared plan once, users first; what rewrite gives takes its place in all uses and must give out the same columns, by id. */
void plan_rewrite_shared(PlanContext *context, Plan *plan, PlanRewrite *rewrite, void *closure);

/* Sets of columns: bits by ColumnId, in an arena. */
typedef struct ColumnSet { uint64_t *words; int word_count; } ColumnSet;
void column_set_add(Arena *arena, ColumnSet *set, ColumnId id);
bool column_set_has(const ColumnSet *set, ColumnId id);
void column_set_union(Arena *arena, ColumnSet *set, const ColumnSet *other);
bool column_set_is_subset(const ColumnSet *set, const ColumnSet *of);
bool column_set_overlaps(const ColumnSet *a, const ColumnSet *b);
bool column_set_is_empty(const ColumnSet *set);

void plan_output_set(Arena *arena, const Plan *plan, ColumnSet *set);         /* what the node gives out */
void expr_column_set(Arena *arena, const Expr *e, ColumnSet *set);            /* adds; subqueries: their free columns */
/* Columns that the plan reads and neither it nor what is below gives out: its correlation. */
void plan_free_columns(Arena *arena, Plan *plan, ColumnSet *set);

/* Expressions */
typedef VEC(Expr *) Exprs;
void expr_conjuncts(Arena *arena, Expr *e, Exprs *out);                       /* AND chains taken apart; NULL and TRUE: nothing */
Expr *expr_conjunction(Arena *arena, Expr *const *exprs, int count);          /* NULL for none */
bool expr_is_call(const Expr *e, const char *function);
bool expr_has_subquery(const Expr *e);
bool expr_is_true(const Expr *e);
bool expr_is_false_or_null(const Expr *e);                                    /* constant: no row passes */

/* Replaces columns by expressions: from[i] becomes to[i]. Subqueries inside are rewritten in place (their plan is not shared). */
typedef struct ColumnMap { Arena *arena; VEC(ColumnId) from; VEC(Expr *) to; } ColumnMap;
void column_map_add(ColumnMap *map, ColumnId from, Expr *to);
Expr *column_map_find(const ColumnMap *map, ColumnId from);                   /* NULL: none */
Expr *column_map_apply(const ColumnMap *map, Expr *e);
void column_map_apply_plan(const ColumnMap *map, Plan *plan);                 /* in all slots of the plan and below, free columns included */

/* Making nodes whose output is their input's */
void plan_pass_columns(PlanContext *context, Plan *plan);                     /* columns = those of inputs[0] */
void plan_join_columns(PlanContext *context, Plan *join);                     /* by the join's kind, with nullability */
Plan *plan_filter(PlanContext *context, Plan *input, Expr *condition);        /* NULL condition: the input itself */
Plan *plan_project_columns(PlanContext *context, Plan *input, const PlanColumn *columns, int count);   /* passes just these, by id */
Expr *plan_column_ref(PlanContext *context, const Plan *plan, ColumnId id);

#endif
