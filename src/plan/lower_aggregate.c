/* GROUP BY. Groups close by one of their keys where a watermark travels on it; hopping and cumulating windows right below are made by the
 * operator itself, out of slices. */
#include "plan/lowering.h"

static Expr **key_exprs(Lowering *lowering, const Plan *plan)
{
	Expr **keys = arena_array(lowering->arena, Expr *, plan->item_count + 1);
	for (int i = 0; i < plan->item_count; i++) keys[i] = plan->items[i].expr;
	return keys;
}

static AggregateSpec spec_of(Lowering *lowering, const Plan *plan)
{
	AggregateCall *calls = arena_array(lowering->arena, AggregateCall, plan->call_count + 1);
	for (int i = 0; i < plan->call_count; i++) calls[i] = plan->calls[i].call;
	return (AggregateSpec){
		.keys = key_exprs(lowering, plan), .key_count = plan->item_count, .calls = calls, .call_count = plan->call_count, .global = plan->global,
		.close = {.key_index = -1, .input_watermark = -1}, .window_start_key = -1, .window_end_key = -1, .window_time_key = -1,
	};
}

static const char *detail(Lowering *lowering, const Plan *plan)
{
	if (plan->global) return "all rows";
	return arena_printf(lowering->arena, "by %s", lower_exprs_text(lowering, plan, key_exprs(lowering, plan), plan->item_count));
}

static void emit(Lowering *lowering, const Plan *plan, AggregateSpec *spec, const LoweredNode *in, LoweredNode *out)
{
	spec->in = in->edge;
	spec->emit_on_close = lowering->context->emit_on_close && spec->close.key_index >= 0;
	NewOp new_op = {.op = op_aggregate_new(spec), .inputs = in, .input_count = 1, .detail = detail(lowering, plan)};
	lower_add(lowering, plan, &new_op, out);
}

static bool lower_plain(Lowering *lowering, Plan *plan, LoweredNode *out)
{
	LoweredNode in;
	if (!lower_plan(lowering, plan->inputs[0], &in)) return false;
	AggregateSpec spec = spec_of(lowering, plan);
	int key;
	const PlanWatermark *closed = plan->facts.closes
		? facts_close_by(lowering->context, &plan->inputs[0]->facts, spec.keys, spec.key_count, &key) : NULL;
	int index = closed ? edge_watermark(&in.edge, closed->column) : -1;
	if (index >= 0) spec.close = (AggregateClose){.key_index = key, .input_watermark = index};
	emit(lowering, plan, &spec, &in, out);
	return true;
}

/* ---- slices ---- */

static bool take_window_key(AggregateSpec *spec, const Plan *window, ColumnId column, int key)
{
	int *at = column == window->window_start ? &spec->window_start_key : column == window->window_end ? &spec->window_end_key : &spec->window_time_key;
	if (*at >= 0) return false;
	*at = key;
	return true;
}

typedef struct SlotReads { Arena *arena; ColumnSet set; } SlotReads;

static void read_slot(Expr **slot, void *context)
{
	SlotReads *reads = context;
	if ((*slot)->kind != EXPR_COLUMN) expr_column_set(reads->arena, *slot, &reads->set);
}

/* Windows may be read by plain keys only, and must tell groups of different windows apart. */
static bool find_window_keys(Lowering *lowering, Plan *plan, const Plan *window, AggregateSpec *spec)
{
	ColumnSet windows = {0}, called = {0};
	SlotReads reads = {.arena = lowering->arena};
	column_set_add(lowering->arena, &windows, window->window_start);
	column_set_add(lowering->arena, &windows, window->window_end);
	column_set_add(lowering->arena, &windows, window->window_time);
	plan_slots(plan, read_slot, &reads);
	for (int i = 0; i < plan->call_count; i++) {
		const AggregateCall *call = &plan->calls[i].call;
		for (int a = 0; a < call->arg_count; a++) expr_column_set(lowering->arena, call->args[a], &called);
		for (int o = 0; o < call->order_count; o++) expr_column_set(lowering->arena, call->order[o].expr, &called);
		if (call->filter) expr_column_set(lowering->arena, call->filter, &called);
	}
	if (column_set_overlaps(&reads.set, &windows) || column_set_overlaps(&called, &windows)) return false;
	for (int i = 0; i < plan->item_count; i++) {
		const Expr *e = plan->items[i].expr;
		if (e->kind == EXPR_COLUMN && column_set_has(&windows, e->column) && !take_window_key(spec, window, e->column, i)) return false;
	}
	bool has_end = spec->window_end_key >= 0 || spec->window_time_key >= 0;
	return has_end || (window->window == PLAN_WINDOW_HOP && spec->window_start_key >= 0);
}

/* What the windows' watermarks are in terms of the time that they are made of */
static Plan over_time(Lowering *lowering, const Plan *plan, const Plan *window)
{
	Plan sliced = *plan;
	sliced.facts.watermarks = arena_array(lowering->arena, PlanWatermark, OP_WATERMARKS_MAX);
	sliced.facts.watermark_count = 0;
	for (int i = 0; i < plan->facts.watermark_count; i++) {
		PlanWatermark watermark = plan->facts.watermarks[i];
		const PlanWatermark *below = facts_watermark(&window->facts, watermark.terms[0].column);
		if (watermark.term_count != 1 || !below || below->term_count != 1) continue;
		watermark.terms = arena_copy(lowering->arena, below->terms, sizeof *below->terms);
		watermark.terms->delta_us += plan->facts.watermarks[i].terms[0].delta_us;
		sliced.facts.watermarks[sliced.facts.watermark_count++] = watermark;
	}
	return sliced;
}

static bool lower_slices(Lowering *lowering, Plan *plan, AggregateSpec *spec, LoweredNode *out)
{
	Plan *window = plan->inputs[0];
	LoweredNode in;
	if (!lower_plan(lowering, window->inputs[0], &in)) return false;
	WindowSpec slices = {
		.in = in.edge, .kind = window->window == PLAN_WINDOW_HOP ? WINDOW_HOP : WINDOW_CUMULATE, .time = window->time,
		.size_us = window->size_us, .slide_us = window->slide_us, .offset_us = window->offset_us,
	};
	spec->slices = &slices;
	const PlanWatermark *end = facts_watermark(&window->facts, window->window_end);
	if (plan->facts.closes && end) {
		int key = spec->window_end_key >= 0 ? spec->window_end_key : spec->window_time_key >= 0 ? spec->window_time_key : spec->window_start_key;
		spec->close = (AggregateClose){
			.key_index = key, .input_watermark = edge_watermark(&in.edge, end->terms[0].column), .grace_us = end->terms[0].delta_us,
		};
		if (spec->close.input_watermark < 0) spec->close.key_index = -1;
	}
	Plan sliced = over_time(lowering, plan, window);
	emit(lowering, &sliced, spec, &in, out);
	return true;
}

bool lower_aggregate(Lowering *lowering, Plan *plan, LoweredNode *out)
{
	const Plan *input = plan->inputs[0];
	bool overlapping = input->kind == PLAN_WINDOW && (input->window == PLAN_WINDOW_HOP || input->window == PLAN_WINDOW_CUMULATE);
	if (overlapping && !input->zone && !alike(lowering, input)->is_lowered) {
		AggregateSpec spec = spec_of(lowering, plan);
		if (find_window_keys(lowering, plan, input, &spec)) return lower_slices(lowering, plan, &spec, out);
	}
	return lower_plain(lowering, plan, out);
}
