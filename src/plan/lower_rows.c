/* Nodes that keep whole rows without an order of their own: set operations, guards, conditions on the clock, settling. */
#include "plan/lowering.h"

bool lower_setop(Lowering *lowering, Plan *plan, LoweredNode *out)
{
	LoweredNode ins[2];
	if (!lower_exact(lowering, plan->inputs[0], &ins[0]) || !lower_exact(lowering, plan->inputs[1], &ins[1])) return false;
	SetopSpec spec = {.kind = plan->setop, .left = ins[0].edge, .right = ins[1].edge};
	NewOp new_op = {.op = op_setop_new(&spec), .inputs = ins, .input_count = 2};
	lower_add(lowering, plan, &new_op, out);
	return true;
}

bool lower_single(Lowering *lowering, Plan *plan, LoweredNode *out)
{
	LoweredNode in;
	if (!lower_narrow(lowering, plan->inputs[0], &in)) return false;
	SingleSpec spec = {.in = in.edge, .keys = plan->partition, .key_count = plan->partition_count};
	NewOp new_op = {.op = op_single_new(&spec), .inputs = &in, .input_count = 1, .layout = in.edge.layout};
	lower_add(lowering, plan, &new_op, out);
	return true;
}

bool lower_moving(Lowering *lowering, Plan *plan, LoweredNode *out)
{
	LoweredNode in;
	if (!lower_narrow(lowering, plan->inputs[0], &in)) return false;
	MovingSpec spec = {
		.in = in.edge, .enter = plan->enter, .leave = plan->leave, .enter_inclusive = plan->enter_inclusive, .leave_inclusive = plan->leave_inclusive,
	};
	NewOp new_op = {.op = op_moving_new(&spec), .inputs = &in, .input_count = 1, .layout = in.edge.layout,
		.detail = lower_expr_text(lowering, plan, plan->leave ? plan->leave : plan->enter)};
	lower_add(lowering, plan, &new_op, out);
	return true;
}

bool lower_settle(Lowering *lowering, Plan *plan, LoweredNode *out)
{
	LoweredNode in;
	if (!lower_narrow(lowering, plan->inputs[0], &in)) return false;
	SettleSpec spec = {.in = in.edge, .column = -1, .input_watermark = edge_watermark(&in.edge, plan->settle_column)};
	for (int c = 0; c < in.edge.column_count; c++)
		if (in.edge.layout[c] == plan->settle_column) spec.column = c;
	if (spec.input_watermark < 0) return lower_refuse(lowering, plan, "EMIT ON WINDOW CLOSE without a watermark");
	NewOp new_op = {.op = op_settle_new(&spec), .inputs = &in, .input_count = 1, .layout = in.edge.layout, .detail = plan_column(plan, plan->settle_column)->name};
	lower_add(lowering, plan, &new_op, out);
	return true;
}
