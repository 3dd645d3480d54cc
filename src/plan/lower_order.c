/* Nodes that put rows in an order: OVER, top-n, LIMIT. */
#include "plan/lowering.h"

/* Closing by the watermark of a partition key; an order's watermark is none of its keys. */
static AggregateClose partition_close(Lowering *lowering, const Plan *plan, const OpInput *in)
{
	AggregateClose close = {.key_index = -1, .input_watermark = -1};
	int key;
	if (!plan->facts.closes) return close;
	const PlanWatermark *closed = facts_close_by(lowering->context, &plan->inputs[0]->facts, plan->partition, plan->partition_count, &key);
	if (!closed || closed->column != plan->facts.close_column) return close;
	int index = edge_watermark(in, closed->column);
	if (index >= 0) close = (AggregateClose){.key_index = key, .input_watermark = index};
	return close;
}

static const char *partition_text(Lowering *lowering, const Plan *plan)
{
	if (!plan->partition_count) return NULL;
	return arena_printf(lowering->arena, "by %s", lower_exprs_text(lowering, plan, plan->partition, plan->partition_count));
}

bool lower_over(Lowering *lowering, Plan *plan, LoweredNode *out)
{
	LoweredNode in;
	if (!lower_exact(lowering, plan->inputs[0], &in)) return false;
	OverCall *calls = arena_array(lowering->arena, OverCall, plan->over_call_count + 1);
	ColumnId *ids = arena_array(lowering->arena, ColumnId, plan->over_call_count + 1);
	for (int i = 0; i < plan->over_call_count; i++) {
		calls[i] = plan->over_calls[i].call;
		ids[i] = plan->over_calls[i].id;
	}
	bool closing = lowering->context->emit_on_close && plan->facts.closes;
	OverSpec spec = {
		.in = in.edge, .keys = plan->partition, .key_count = plan->partition_count, .order = plan->order, .order_count = plan->order_count,
		.calls = calls, .call_count = plan->over_call_count, .close_order_watermark = -1,
		.close = partition_close(lowering, plan, &in.edge), .emit_on_close = closing,
	};
	/* without EMIT ON WINDOW CLOSE late rows count, so nothing may be forgotten by the order's watermark */
	if (closing && spec.close.key_index < 0) spec.close_order_watermark = edge_watermark(&in.edge, plan->facts.close_column);
	NewOp new_op = {.op = op_over_new(&spec), .inputs = &in, .input_count = 1,
		.layout = lower_ids_behind(lowering, &in.edge, ids, plan->over_call_count), .detail = partition_text(lowering, plan)};
	lower_add(lowering, plan, &new_op, out);
	return true;
}

bool lower_topn(Lowering *lowering, Plan *plan, LoweredNode *out)
{
	LoweredNode in;
	if (!lower_exact(lowering, plan->inputs[0], &in)) return false;
	TopnSpec spec = {
		.in = in.edge, .keys = plan->partition, .key_count = plan->partition_count, .order = plan->order, .order_count = plan->order_count,
		.rank = plan->rank, .offset = plan->offset, .limit = plan->limit, .with_number = plan->rank_column != 0,
		.close = partition_close(lowering, plan, &in.edge),
	};
	spec.emit_on_close = lowering->context->emit_on_close && spec.close.key_index >= 0;
	NewOp new_op = {.op = op_topn_new(&spec), .inputs = &in, .input_count = 1,
		.layout = lower_ids_behind(lowering, &in.edge, &plan->rank_column, plan->rank_column != 0), .detail = partition_text(lowering, plan)};
	lower_add(lowering, plan, &new_op, out);
	return true;
}

bool lower_sort(Lowering *lowering, Plan *plan, LoweredNode *out)
{
	bool cuts = plan->limit >= 0 || plan->offset > 0;
	return cuts ? lower_topn(lowering, plan, out) : lower_plan(lowering, plan->inputs[0], out);       /* an order alone has no effect */
}
