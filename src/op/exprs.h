/* Lists of compiled expressions: keys, orders, arguments. */
#ifndef WEIR_OP_EXPRS_H
#define WEIR_OP_EXPRS_H

#include "op/specs.h"

typedef struct Exprs {
	ExprProgram **programs;           /* NULL where it is a column of the input */
	int *passed;                      /* that column, -1: computed */
	Type *types;
	int count;
} Exprs;

/* In the operator's arena */
void exprs_compile(Exprs *exprs, Arena *arena, Expr *const *list, int count, const OpInput *in);
void exprs_release(Exprs *exprs);
/* One column each, over a batch without selection */
Column *exprs_eval(const Exprs *exprs, const Batch *dense, Arena *scratch);

#endif
