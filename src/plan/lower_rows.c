/* Nodes that keep whole rows without an order of their own: set operations, guards, conditions on the clock, settling. */
#include "plan/lowering.h"

#include "expr/function.h"
#include "plan/lower_recursive.h"

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

typedef struct ClockColumn { Arena *arena; ColumnId id; } ClockColumn;

static Expr *clock_as_column(Expr *e, void *context)
{
	ClockColumn *clock = context;
	if (e->kind != EXPR_CALL || !(e->function->flags & FUNCTION_CLOCK)) return NULL;
	Error ignored = ERROR_INIT;
	Expr *column = expr_column(clock->arena, clock->id, TYPE(TIMESTAMP), false, e->span);
	return expr_cast(clock->arena, column, e->type, CAST_EXPLICIT, &ignored);            /* now() or current_date: the rule let no others through */
}

bool lower_moving(Lowering *lowering, Plan *plan, LoweredNode *out)
{
	LoweredNode in;
	if (!lower_narrow(lowering, plan->inputs[0], &in)) return false;
	if (recursion_of(lowering, &in, 1)) return lower_refuse(lowering, plan, "a condition on now() inside of a recursion");        /* nobody wakes it */
	ClockColumn clock = {lowering->arena, plan_column_new(lowering->context)};
	Expr **items = arena_array(lowering->arena, Expr *, plan->item_count + 1);
	ColumnId *made = arena_array(lowering->arena, ColumnId, plan->item_count + 1);
	for (int i = 0; i < plan->item_count; i++) {
		items[i] = expr_rewrite(lowering->arena, plan->items[i].expr, clock_as_column, &clock);
		made[i] = plan->items[i].id;
	}
	MovingSpec spec = {
		.in = in.edge, .clock = clock.id, .moments = plan->args, .moment_count = plan->arg_count, .items = items, .item_count = plan->item_count,
		.condition = plan->condition ? expr_rewrite(lowering->arena, plan->condition, clock_as_column, &clock) : NULL, .enters_only = plan->enters_only,
	};
	NewOp new_op = {.op = op_moving_new(&spec), .inputs = &in, .input_count = 1, .layout = lower_ids_behind(lowering, &in.edge, made, plan->item_count),
		.detail = lower_expr_text(lowering, plan, plan->condition ? plan->condition : plan->items[0].expr)};
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
