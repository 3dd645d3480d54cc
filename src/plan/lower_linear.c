/* Nodes that keep no groups: conditions, projections, unions, windows, expansions, constants. */
#include "plan/lowering.h"

/* ---- filter and project ---- */

bool lower_filter(Lowering *lowering, Plan *plan, LoweredNode *out)
{
	LoweredNode in;
	if (!lower_plan(lowering, plan->inputs[0], &in)) return false;
	FilterSpec spec = {.in = in.edge, .condition = plan->condition};
	NewOp new_op = {.op = op_filter_new(&spec), .inputs = &in, .input_count = 1, .layout = in.edge.layout,
		.detail = lower_expr_text(lowering, plan, plan->condition)};
	lower_add(lowering, plan, &new_op, out);
	return true;
}

bool project_only_chooses(const Plan *plan)
{
	for (int i = 0; i < plan->item_count; i++) {
		if (plan->items[i].expr->kind != EXPR_COLUMN) return false;
		for (int j = 0; j < i; j++)
			if (plan->items[j].expr->column == plan->items[i].expr->column) return false;
	}
	return true;
}

/* No operator: the input under other names. */
static void rename_input(Lowering *lowering, const Plan *plan, LoweredNode *out)
{
	ColumnId *layout = arena_array(lowering->arena, ColumnId, out->edge.column_count + 1);
	for (int c = 0; c < out->edge.column_count; c++)
		for (int i = 0; i < plan->item_count; i++)
			if (plan->items[i].expr->column == out->edge.layout[c]) layout[c] = plan->items[i].id;
	out->edge.layout = layout;
}

bool lower_project(Lowering *lowering, Plan *plan, LoweredNode *out)
{
	LoweredNode in;
	if (project_only_chooses(plan)) {
		if (!lower_plan(lowering, plan->inputs[0], out)) return false;
		rename_input(lowering, plan, out);
		return true;
	}
	Plan *input = plan->inputs[0];
	/* a condition right below is applied in the same step, unless others read its result, too */
	bool fused = input->kind == PLAN_FILTER && !alike(lowering, input)->is_lowered;
	if (!lower_plan(lowering, fused ? input->inputs[0] : input, &in)) return false;
	Expr **exprs = arena_array(lowering->arena, Expr *, plan->item_count + 1);
	for (int i = 0; i < plan->item_count; i++) exprs[i] = plan->items[i].expr;
	ProjectSpec spec = {.in = in.edge, .condition = fused ? input->condition : NULL, .exprs = exprs, .expr_count = plan->item_count};
	NewOp new_op = {.op = op_project_new(&spec), .inputs = &in, .input_count = 1,
		.detail = fused ? lower_expr_text(lowering, input, input->condition) : NULL};
	lower_add(lowering, plan, &new_op, out);
	return true;
}

/* ---- union ---- */

bool lower_union(Lowering *lowering, Plan *plan, LoweredNode *out)
{
	if (plan->input_count > OP_INPUTS_MAX)
		return error_set(lowering->err, ERR_TOO_COMPLEX, plan->span, "UNION of %d parts, at most %d are possible", plan->input_count, OP_INPUTS_MAX);
	LoweredNode *ins = arena_array(lowering->arena, LoweredNode, plan->input_count);
	OpInput *edges = arena_array(lowering->arena, OpInput, plan->input_count);
	Type *types = arena_array(lowering->arena, Type, plan->column_count + 1);
	for (int i = 0; i < plan->input_count; i++) {
		if (!lower_exact(lowering, plan->inputs[i], &ins[i])) return false;
		edges[i] = ins[i].edge;
	}
	for (int c = 0; c < plan->column_count; c++) types[c] = plan->columns[c].type;
	UnionSpec spec = {.ins = edges, .in_count = plan->input_count, .types = types, .column_count = plan->column_count};
	NewOp new_op = {.op = op_union_new(&spec), .inputs = ins, .input_count = plan->input_count};
	lower_add(lowering, plan, &new_op, out);
	return true;
}

/* ---- windows ---- */

/* By column of the operator's input */
static const bool *reads_of_input(Lowering *lowering, const Plan *plan, const OpInput *in)
{
	if (!plan->reads) return NULL;
	bool *reads = arena_array(lowering->arena, bool, in->column_count + 1);
	for (int c = 0; c < in->column_count; c++)
		for (int i = 0; i < plan->column_count; i++) reads[c] |= plan->columns[i].id == in->layout[c] && plan->reads[i];
	return reads;
}

static bool lower_session(Lowering *lowering, Plan *plan, LoweredNode *out)
{
	LoweredNode in;
	if (!lower_narrow(lowering, plan->inputs[0], &in)) return false;
	SessionSpec spec = {
		.in = in.edge, .keys = plan->partition, .key_count = plan->partition_count, .time = plan->time, .gap_us = plan->size_us,
		.input_watermark = plan->facts.closes ? edge_watermark(&in.edge, plan->facts.close_column) : -1, .grace_us = plan->grace_us,
		.emit_on_close = lowering->context->emit_on_close && plan->facts.closes, .reads = reads_of_input(lowering, plan, &in.edge),
	};
	ColumnId made[] = {plan->window_start, plan->window_end, plan->window_time};
	NewOp new_op = {.op = op_session_new(&spec), .inputs = &in, .input_count = 1, .layout = lower_ids_behind(lowering, &in.edge, made, 3),
		.detail = lower_exprs_text(lowering, plan, plan->partition, plan->partition_count)};
	lower_add(lowering, plan, &new_op, out);
	return true;
}

bool lower_window(Lowering *lowering, Plan *plan, LoweredNode *out)
{
	static const WindowKind KINDS[] = {
		[PLAN_WINDOW_TUMBLE] = WINDOW_TUMBLE, [PLAN_WINDOW_HOP] = WINDOW_HOP, [PLAN_WINDOW_CUMULATE] = WINDOW_CUMULATE,
	};
	LoweredNode in;
	if (plan->window == PLAN_WINDOW_SESSION) return lower_session(lowering, plan, out);
	if (!lower_plan(lowering, plan->inputs[0], &in)) return false;
	WindowSpec spec = {
		.in = in.edge, .kind = KINDS[plan->window], .time = plan->time, .size_us = plan->size_us,
		.slide_us = plan->window == PLAN_WINDOW_TUMBLE ? plan->size_us : plan->slide_us, .offset_us = plan->offset_us, .zone = plan->zone,
	};
	ColumnId made[] = {plan->window_start, plan->window_end, plan->window_time};
	NewOp new_op = {.op = op_window_new(&spec), .inputs = &in, .input_count = 1, .layout = lower_ids_behind(lowering, &in.edge, made, 3),
		.detail = lower_expr_text(lowering, plan, plan->time)};
	lower_add(lowering, plan, &new_op, out);
	return true;
}

/* ---- expansions, constants, shared plans ---- */

bool lower_expand(Lowering *lowering, Plan *plan, LoweredNode *out)
{
	LoweredNode in;
	Plan *input = plan->inputs[0];
	if (!lower_plan(lowering, input, &in)) return false;
	int count = plan->column_count - input->column_count;
	Type *types = arena_array(lowering->arena, Type, count + 1);
	ColumnId *ids = arena_array(lowering->arena, ColumnId, count + 1);
	for (int i = 0; i < count; i++) {
		types[i] = plan->columns[input->column_count + i].type;
		ids[i] = plan->columns[input->column_count + i].id;
	}
	ExpandSpec spec = {
		.kind = plan->expand, .in = in.edge, .args = plan->args, .arg_count = plan->arg_count, .outer = plan->outer,
		.with_ordinality = plan->with_ordinality, .types = types, .type_count = count,
	};
	NewOp new_op = {.op = op_expand_new(&spec), .inputs = &in, .input_count = 1, .layout = lower_ids_behind(lowering, &in.edge, ids, count),
		.detail = lower_exprs_text(lowering, plan, plan->args, plan->arg_count)};
	lower_add(lowering, plan, &new_op, out);
	return true;
}

bool lower_values(Lowering *lowering, Plan *plan, LoweredNode *out)
{
	Type *types = arena_array(lowering->arena, Type, plan->column_count + 1);
	for (int c = 0; c < plan->column_count; c++) types[c] = plan->columns[c].type;
	ConstantSpec spec = {.types = types, .column_count = plan->column_count, .values = plan->values, .row_count = plan->row_count};
	NewOp new_op = {.op = op_constant_new(&spec)};
	lower_add(lowering, plan, &new_op, out);
	return true;
}

static bool is_chosen_once(const Plan *plan)
{
	for (int i = 0; i < plan->column_count; i++)
		for (int j = 0; j < i; j++)
			if (plan->shared_columns[i] == plan->shared_columns[j]) return false;
	return true;
}

bool lower_shared(Lowering *lowering, Plan *plan, LoweredNode *out)
{
	LoweredNode in;
	if (!lower_plan(lowering, plan->shared, &in)) return false;
	if (!is_chosen_once(plan)) {
		Expr **exprs = arena_array(lowering->arena, Expr *, plan->column_count + 1);
		for (int c = 0; c < plan->column_count; c++) exprs[c] = plan_column_ref(lowering->context, plan->shared, plan->shared_columns[c]);
		ProjectSpec spec = {.in = in.edge, .exprs = exprs, .expr_count = plan->column_count};
		NewOp new_op = {.op = op_project_new(&spec), .inputs = &in, .input_count = 1};
		lower_add(lowering, plan, &new_op, out);
		return true;
	}
	ColumnId *layout = arena_array(lowering->arena, ColumnId, in.edge.column_count + 1);
	for (int c = 0; c < in.edge.column_count; c++)
		for (int i = 0; i < plan->column_count; i++)
			if (plan->shared_columns[i] == in.edge.layout[c]) layout[c] = plan->columns[i].id;
	*out = in;
	out->edge.layout = layout;
	return true;
}
