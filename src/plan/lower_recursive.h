/* The step of a recursion while it is lowered; between lower.c and lower_recursive.c. */
#ifndef WEIR_PLAN_LOWER_RECURSIVE_H
#define WEIR_PLAN_LOWER_RECURSIVE_H

#include "plan/lowering.h"

typedef struct Recursion Recursion;
struct Recursion {
	const Plan *plan;
	Recursion *outer;
	LoweredNode step_in;
	VEC(Op *) ops;                        /* of the step, in topological order; not in Lowered.ops */
};

/* The innermost recursion whose step one of these inputs belongs to; NULL: none */
Recursion *recursion_of(Lowering *lowering, const LoweredNode *inputs, int input_count);

#endif
