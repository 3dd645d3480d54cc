/* Joins: which operator, by what keys, and by what its rows are forgotten. */
#include "plan/lowering.h"

#include "expr/function.h"

typedef struct JoinInputs { LoweredNode sides[2]; const SharedIndex *indexes[2]; const int *from[2]; } JoinInputs;

static bool lower_sides(Lowering *lowering, Plan *plan, const JoinShape *shape, JoinInputs *inputs)
{
	for (int side = 0; side < 2; side++) {
		SharedIndex *index = lower_index_of(lowering, plan, shape, side);
		bool ok = index ? lower_index(lowering, index, plan->inputs[side], &inputs->sides[side], &inputs->from[side])
			: lower_narrow(lowering, plan->inputs[side], &inputs->sides[side]);
		if (!ok) return false;
		inputs->indexes[side] = index;
	}
	return true;
}

static const char *detail(Lowering *lowering, const Plan *plan, const JoinShape *shape)
{
	static const char *const KINDS[] = {
		[JOIN_INNER] = "inner", [JOIN_LEFT] = "left", [JOIN_RIGHT] = "right", [JOIN_FULL] = "full", [JOIN_SEMI] = "semi", [JOIN_ANTI] = "anti",
	};
	const char *way = shape->way == JOIN_WAY_WINDOW ? " window" : shape->way == JOIN_WAY_INTERVAL ? " interval" : "";
	const char *keys = lower_exprs_text(lowering, plan, shape->keys.left.at, shape->keys.left.count);
	if (!shape->keys.left.count) return arena_printf(lowering->arena, "%s%s", KINDS[plan->join], way);
	return arena_printf(lowering->arena, "%s%s on %s", KINDS[plan->join], way, keys);
}

static void add_join(Lowering *lowering, const Plan *plan, Op *op, const JoinInputs *inputs, const char *text, LoweredNode *out)
{
	bool left_only = plan->join == JOIN_SEMI || plan->join == JOIN_ANTI;
	const OpInput *right = &inputs->sides[1].edge;
	NewOp new_op = {.op = op, .inputs = inputs->sides, .input_count = 2, .detail = text,
		.layout = lower_ids_behind(lowering, &inputs->sides[0].edge, right->layout, left_only ? 0 : right->column_count)};
	for (int side = 0; side < 2; side++)
		if (inputs->indexes[side]) lower_add_index_contents(inputs->indexes[side], side, &new_op);
	lower_add(lowering, plan, &new_op, out);
}

/* ---- plain joins ---- */

/* What is left for the join to keep where indexes keep rows for it. */
static void bound_beside_indexes(const JoinInputs *inputs, bool counts, Plan *plan)
{
	static const char *const ROWS[] = {"the rows of the left side", "the rows of the right side"};
	static const char *const STREAM[] = {"the left side keeps every row of a stream", "the right side keeps every row of a stream"};
	const SharedIndex *const *indexes = inputs->indexes;
	if (!indexes[0] && !indexes[1]) return;
	if (indexes[0] && indexes[1]) {
		plan->facts.bounded = true;
		plan->facts.bound_by = counts ? "the keys of both sides" : NULL;
		return;
	}
	int own = indexes[0] ? 1 : 0;
	plan->facts.bounded = !plan->inputs[own]->facts.grows;
	plan->facts.bound_by = plan->facts.bounded ? ROWS[own] : STREAM[own];
}

static const JoinInterval *interval_of(Lowering *lowering, const Plan *plan, const JoinShape *shape, const JoinInputs *inputs)
{
	if (shape->way != JOIN_WAY_INTERVAL) return NULL;
	const IntervalBounds *bounds = &shape->interval;
	JoinInterval *interval = arena_new(lowering->arena, JoinInterval);
	*interval = (JoinInterval){
		.left_time = plan_column_ref(lowering->context, plan->inputs[0], bounds->left),
		.right_time = plan_column_ref(lowering->context, plan->inputs[1], bounds->right),
		.lower_us = bounds->lower_us, .upper_us = bounds->upper_us,
		.left_watermark = edge_watermark(&inputs->sides[0].edge, bounds->left),
		.right_watermark = edge_watermark(&inputs->sides[1].edge, bounds->right),
	};
	if (bounds->left_end != bounds->left) interval->left_end = plan_column_ref(lowering->context, plan->inputs[0], bounds->left_end);
	if (bounds->right_end != bounds->right) interval->right_end = plan_column_ref(lowering->context, plan->inputs[1], bounds->right_end);
	return interval;
}

/* By column of the operator's inputs, whose order may differ from the plan's */
static const bool *reads_of(Lowering *lowering, const Plan *plan, const JoinInputs *inputs)
{
	if (!plan->reads && !inputs->indexes[0] && !inputs->indexes[1]) return NULL;
	int left_count = inputs->sides[0].edge.column_count, all = left_count + inputs->sides[1].edge.column_count;
	bool *reads = arena_array(lowering->arena, bool, all + 1);
	for (int c = 0; c < all; c++) {
		ColumnId id = c < left_count ? inputs->sides[0].edge.layout[c] : inputs->sides[1].edge.layout[c - left_count];
		for (int i = 0; i < plan->column_count; i++) reads[c] |= plan->columns[i].id == id && (!plan->reads || plan->reads[i]);
	}
	return reads;
}

static bool lower_plain_join(Lowering *lowering, Plan *plan, LoweredNode *out)
{
	JoinInputs inputs = {0};
	JoinShape shape;
	JoinChain chain;
	lower_chain_find(lowering, plan, &chain);
	if (chain.leaves.count > 2) return lower_many(lowering, plan, &chain, out);
	join_shape(lowering->context, plan, &shape);
	if (!lower_sides(lowering, plan, &shape, &inputs)) return false;
	const Exprs *residual = shape.way == JOIN_WAY_INTERVAL ? &shape.interval.rest : &shape.keys.residual;
	JoinSpec spec = {
		.kind = plan->join, .left = inputs.sides[0].edge, .right = inputs.sides[1].edge, .left_keys = shape.keys.left.at,
		.right_keys = shape.keys.right.at, .key_count = shape.keys.left.count, .null_equal = shape.keys.null_equal.at,
		.residual = expr_conjunction(lowering->arena, residual->at, residual->count), .interval = interval_of(lowering, plan, &shape, &inputs),
		.close_key = -1, .left_close_watermark = -1, .right_close_watermark = -1, .null_aware_anti = plan->null_aware_anti,
		.emit_on_close = lowering->context->emit_on_close && plan->facts.closes, .reads = reads_of(lowering, plan, &inputs),
		.left_index = inputs.indexes[0] ? inputs.indexes[0]->node.op : NULL, .right_index = inputs.indexes[1] ? inputs.indexes[1]->node.op : NULL,
		.left_from = inputs.from[0], .right_from = inputs.from[1],
	};
	if (shape.way == JOIN_WAY_PLAIN) spec.left.has_judge = spec.right.has_judge = false;        /* it passes no watermark, so nobody judges above */
	if (shape.way == JOIN_WAY_WINDOW) {
		spec.close_key = shape.close_key;
		spec.left_close_watermark = edge_watermark(&spec.left, shape.keys.left.at[shape.close_key]->column);
		spec.right_close_watermark = edge_watermark(&spec.right, shape.keys.right.at[shape.close_key]->column);
	}
	Plan said = *plan;
	bound_beside_indexes(&inputs, plan->join != JOIN_INNER && !spec.residual, &said);
	add_join(lowering, &said, op_join_new(&spec), &inputs, detail(lowering, plan, &shape), out);
	return true;
}

/* ---- temporal and ASOF joins ---- */

static const PlanWatermark *version_time(const Plan *plan)
{
	const PlanFacts *right = &plan->inputs[1]->facts;
	return right->watermark_count ? &right->watermarks[0] : NULL;
}

typedef struct AsofBound { Expr *left, *right; bool strict, forward; } AsofBound;

static bool reads_only(Lowering *lowering, const Expr *e, const Plan *side)
{
	ColumnSet read = {0}, given = {0};
	expr_column_set(lowering->arena, e, &read);
	plan_output_set(lowering->arena, side, &given);
	return !column_set_is_empty(&read) && column_set_is_subset(&read, &given);
}

static bool read_asof(Lowering *lowering, const Plan *plan, const Expr *e, AsofBound *out)
{
	static const struct { const char *name; bool strict, less; } COMPARISONS[] =
		{{"<", true, true}, {"<=", false, true}, {">", true, false}, {">=", false, false}};
	for (int i = 0; i < 4; i++) {
		if (!expr_is_call(e, COMPARISONS[i].name) || !type_equal(e->args[0]->type, e->args[1]->type)) continue;
		bool straight = reads_only(lowering, e->args[0], plan->inputs[0]) && reads_only(lowering, e->args[1], plan->inputs[1]);
		bool turned = reads_only(lowering, e->args[0], plan->inputs[1]) && reads_only(lowering, e->args[1], plan->inputs[0]);
		if (!straight && !turned) return false;
		*out = (AsofBound){.left = e->args[straight ? 0 : 1], .right = e->args[straight ? 1 : 0], .strict = COMPARISONS[i].strict,
			.forward = straight == COMPARISONS[i].less};
		return true;
	}
	return false;
}

/* Of the conjuncts that are no keys just one compares a column of each side. */
static bool find_asof(Lowering *lowering, const Plan *plan, const JoinKeys *keys, AsofBound *bound)
{
	if (keys->residual.count == 1 && read_asof(lowering, plan, keys->residual.at[0], bound)) return true;
	return error_set(lowering->err, ERR_UNSUPPORTED, plan->span, "ASOF JOIN with this condition cannot be kept up to date")
		|| error_hint(lowering->err, "Compare a column of each side by =, and one by <, <=, > or >=, and put other conditions into WHERE.");
}

static bool lower_temporal(Lowering *lowering, Plan *plan, LoweredNode *out)
{
	static const TemporalKind KINDS[] = {
		[JOIN_FORM_TEMPORAL_EVENT] = TEMPORAL_EVENT_TIME, [JOIN_FORM_TEMPORAL_PROC] = TEMPORAL_PROCTIME, [JOIN_FORM_ASOF] = TEMPORAL_ASOF,
	};
	static const char *const NAMES[] = {
		[JOIN_FORM_TEMPORAL_EVENT] = "as of", [JOIN_FORM_TEMPORAL_PROC] = "as of proctime", [JOIN_FORM_ASOF] = "asof",
	};
	JoinInputs inputs = {0};
	JoinKeys keys;
	bool asof = plan->join_form == JOIN_FORM_ASOF;              /* of rows with one time the columns decide, in their order */
	if (!lower_narrow(lowering, plan->inputs[0], &inputs.sides[0])) return false;
	if (!(asof ? lower_exact : lower_narrow)(lowering, plan->inputs[1], &inputs.sides[1])) return false;
	join_keys_find(lowering->context, plan, &keys);
	TemporalJoinSpec spec = {
		.kind = KINDS[plan->join_form], .left_outer = plan->join == JOIN_LEFT, .left = inputs.sides[0].edge, .right = inputs.sides[1].edge,
		.left_keys = keys.left.at, .right_keys = keys.right.at, .key_count = keys.left.count, .null_equal = keys.null_equal.at, .left_watermark = -1, .right_watermark = -1,
	};
	if (asof) {
		AsofBound bound = {0};
		if (!find_asof(lowering, plan, &keys, &bound)) return false;
		spec.left_time = bound.left;
		spec.right_time = bound.right;
		spec.asof_strict = bound.strict;
		spec.asof_forward = bound.forward;
	}
	else spec.residual = expr_conjunction(lowering->arena, keys.residual.at, keys.residual.count);
	if (plan->join_form == JOIN_FORM_TEMPORAL_EVENT) {
		ColumnId version = version_time(plan)->column;
		spec.left_time = plan->time_of;
		spec.right_time = plan_column_ref(lowering->context, plan->inputs[1], version);
		spec.right_watermark = edge_watermark(&spec.right, version);
		if (plan->time_of->kind == EXPR_COLUMN) spec.left_watermark = edge_watermark(&spec.left, plan->time_of->column);
	}
	add_join(lowering, plan, op_temporal_join_new(&spec), &inputs, NAMES[plan->join_form], out);
	return true;
}

bool lower_join(Lowering *lowering, Plan *plan, LoweredNode *out)
{
	return plan->join_form == JOIN_FORM_PLAIN ? lower_plain_join(lowering, plan, out) : lower_temporal(lowering, plan, out);
}
