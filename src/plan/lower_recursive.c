/* WITH RECURSIVE: what depends on the rows of the step before belongs to the recursion's operator, which runs it as often as needed; the rest
 * of the step is ordinary. */
#include "plan/lowering.h"

#include "plan/lower_recursive.h"

static bool has_op(const Recursion *recursion, const Op *op)
{
	if (op == recursion->step_in.op) return true;
	for (int i = 0; i < recursion->ops.count; i++)
		if (recursion->ops.at[i] == op) return true;
	return false;
}

Recursion *recursion_of(Lowering *lowering, const LoweredNode *inputs, int input_count)
{
	for (Recursion *recursion = lowering->recursion; recursion; recursion = recursion->outer)
		for (int i = 0; i < input_count; i++)
			if (has_op(recursion, inputs[i].op)) return recursion;
	return NULL;
}

bool lower_step_input(Lowering *lowering, Plan *plan, LoweredNode *out)
{
	for (Recursion *recursion = lowering->recursion; recursion; recursion = recursion->outer) {
		if (recursion->plan != plan->shared) continue;
		*out = recursion->step_in;
		out->edge.layout = lower_ids(lowering, plan);
		return true;
	}
	return lower_refuse(lowering, plan, "a recursive query that is read outside of its step");
}

static void start(Lowering *lowering, Plan *plan, Recursion *recursion)
{
	Type *types = arena_array(lowering->arena, Type, plan->column_count + 1);
	for (int c = 0; c < plan->column_count; c++) types[c] = plan->columns[c].type;
	*recursion = (Recursion){.plan = plan, .outer = lowering->recursion};
	recursion->step_in.op = op_step_input_new(types, plan->column_count);
	recursion->step_in.edge = (OpInput){.types = recursion->step_in.op->types, .column_count = plan->column_count};
	lowering->recursion = recursion;
}

/* The step's rows as an operator of the step, even where it only hands on what it got. */
static bool lower_step(Lowering *lowering, Plan *plan, Recursion *recursion, LoweredNode *out)
{
	Plan *step = plan->inputs[1];
	if (!lower_exact(lowering, step, out)) return false;
	if (out->op != recursion->step_in.op) return true;
	LoweredNode in = *out;
	Expr **exprs = arena_array(lowering->arena, Expr *, step->column_count + 1);
	for (int c = 0; c < step->column_count; c++) exprs[c] = plan_column_expr(lowering->context, step, c);
	ProjectSpec spec = {.in = in.edge, .exprs = exprs, .expr_count = step->column_count};
	NewOp new_op = {.op = op_project_new(&spec), .inputs = &in, .input_count = 1};
	lower_add(lowering, step, &new_op, out);
	return true;
}

bool lower_recursive(Lowering *lowering, Plan *plan, LoweredNode *out)
{
	LoweredNode inputs[2];
	Recursion recursion;
	if (!lower_exact(lowering, plan->inputs[0], &inputs[0])) return false;
	start(lowering, plan, &recursion);
	bool ok = lower_step(lowering, plan, &recursion, &inputs[1]);
	lowering->recursion = recursion.outer;
	if (!ok) {
		for (int i = 0; i < recursion.ops.count; i++) op_free(recursion.ops.at[i]);
		op_free(recursion.step_in.op);
		return false;
	}
	RecurseSpec spec = {
		.types = recursion.step_in.op->types, .column_count = plan->column_count, .all = plan->all, .iterations_max = plan->iterations_max,
		.step_in = recursion.step_in.op, .seed = &inputs[0].edge, .step_ops = recursion.ops.at, .step_op_count = recursion.ops.count,
	};
	NewOp new_op = {.op = op_recurse_new(&spec), .inputs = inputs, .input_count = 2, .detail = plan->all ? "all" : NULL};
	lower_add(lowering, plan, &new_op, out);
	return true;
}
