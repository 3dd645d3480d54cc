/* Rewrite rules: each is a function Plan -> Plan and a row of rules.def. NULL and err: the statement is refused. */
#ifndef WEIR_PLAN_RULES_H
#define WEIR_PLAN_RULES_H

#include "plan/facts.h"

typedef Plan *RuleFunction(PlanContext *context, Plan *plan, Error *err);

#define RULE(name, function, since, need, meaning) Plan *function(PlanContext *context, Plan *plan, Error *err);
#include "plan/rules.def"
#undef RULE

typedef enum RuleNeed { RULE_OPTIONAL, RULE_REQUIRED } RuleNeed;

typedef struct Rule {
	const char *name;
	RuleFunction *function;
	int since;                    /* version of the rules in which it came: older views are planned without it */
	RuleNeed need;                /* what lowering cannot do without is never off */
	const char *meaning;
} Rule;

extern const Rule RULES[];
extern const int RULE_COUNT;

/* Volatile functions and clocks: such an expression must neither move nor be computed twice. */
bool expr_is_movable(const Expr *e);
bool expr_reads_clock(const Expr *e);                 /* now(), not PROCTIME() */
/* How many nodes it has: rules that copy an expression stop at a size. */
int expr_size(const Expr *e);
/* NULL whenever all columns of the set are NULL */
bool expr_null_if(const Expr *e, const ColumnSet *null);
/* Not true whenever all columns of the set are NULL */
bool expr_rejects_null(const Expr *e, const ColumnSet *null);
/* a = b, a IS NOT DISTINCT FROM b, x IS NULL ... of expressions whose types are known to fit */
Expr *expr_make(PlanContext *context, const char *function, Expr *a, Expr *b);
/* a and b are the very same value. Intervals of one length are equal, and yet may differ: they are compared by their text. */
Expr *expr_same(PlanContext *context, Expr *a, Expr *b, bool null_safe);
/* Simplified: constants folded, AND and OR flattened */
Expr *expr_simplify(PlanContext *context, Expr *e);

/* A warning for the user, once */
void plan_warn(PlanContext *context, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
