/* Indexes: rows that several joins read by the same keys are kept once (op/index.c).
 *
 * A side of a join is known by the class of what lies under its choosing projections, and by its keys. An index is made where two joins want the
 * same, and for tables and views whatever wants them, for other queries will read them by the same keys. A join that alone reads a stream keeps
 * its rows itself, which takes one look-up less. Where matches are counted for each row of a side it must keep them itself, too. Within the step of
 * a recursion there are none: it is run again and again within one commit.
 */
#include "plan/lowering.h"

#include "expr/function.h"

/* ---- which sides ---- */

static bool gives_alone(JoinKind kind, int side)
{
	if (side == 1) return kind == JOIN_RIGHT || kind == JOIN_FULL;
	return kind != JOIN_INNER && kind != JOIN_RIGHT;
}

static bool may_borrow(const Plan *join, const JoinShape *shape, int side)
{
	bool only_left = join->join == JOIN_SEMI || join->join == JOIN_ANTI, has_rest = shape->keys.residual.count > 0;
	if (shape->way != JOIN_WAY_PLAIN || join->join_form != JOIN_FORM_PLAIN || join->null_aware_anti) return false;
	if (side == 1 && only_left && !has_rest) return false;          /* of which only keys are counted */
	return !(has_rest && gives_alone(join->join, side));
}

static bool is_of_table(const Plan *plan)
{
	while (plan->kind == PLAN_FILTER || plan->kind == PLAN_PROJECT) plan = plan->inputs[0];
	return plan->kind == PLAN_SCAN && !plan->facts.append_only
		&& (relation_is_maintained(plan->relation) || (relation_is_local(plan->relation) && plan->relation->kind == RELATION_TABLE));
}

typedef struct Steps { VEC(const Plan *) inside, inputs; Arena *arena; } Steps;

static void note_step(Plan *plan, void *closure)
{
	Steps *steps = closure;
	if (plan->kind == PLAN_RECURSIVE) vec_push_in(steps->arena, &steps->inside, plan);
	if (plan->kind == PLAN_STEP_INPUT) vec_push_in(steps->arena, &steps->inputs, plan->shared);
}

bool lower_is_in_step(Lowering *lowering, Plan *plan)
{
	PlanList shared = {0};
	Steps steps = {.arena = lowering->arena};
	plan_walk(plan, note_step, &steps);
	plan_shared_nodes(lowering->arena, plan, &shared);
	for (int i = 0; i < shared.count; i++) plan_walk(shared.at[i]->shared, note_step, &steps);
	for (int i = 0; i < steps.inputs.count; i++) {
		int n = 0;
		while (n < steps.inside.count && steps.inside.at[n] != steps.inputs.at[i]) n++;
		if (n == steps.inside.count) return true;
	}
	return false;
}

/* ---- one side ---- */

typedef struct Side {
	Plan *plan, *base;
	ColumnId *ids;                        /* of the plan's columns, in base */
	Expr **keys; int key_count;           /* in terms of base */
	const bool *null_equal;
	StrBuf text;
} Side;

static void side_init(Lowering *lowering, Plan *plan, Expr *const *keys, int key_count, const bool *null_equal, Side *side)
{
	ColumnMap map = {.arena = lowering->arena};
	*side = (Side){.plan = plan, .key_count = key_count, .null_equal = null_equal, .text = STRBUF_INIT};
	side->base = lower_below_choices(lowering, side->plan, &side->ids);
	for (int c = 0; c < side->plan->column_count; c++) {
		const PlanColumn *column = &side->plan->columns[c];
		column_map_add(&map, column->id, expr_column(lowering->arena, side->ids[c], column->type, column->nullable, SPAN_NONE));
	}
	side->keys = arena_array(lowering->arena, Expr *, side->key_count + 1);
	for (int k = 0; k < side->key_count; k++) side->keys[k] = column_map_apply(&map, keys[k]);
	strbuf_printf(&side->text, "#%d ", side->base->alike);
	share_write_exprs(lowering, side->base, side->keys, side->key_count, &side->text);
	for (int k = 0; k < side->key_count; k++) strbuf_addc(&side->text, null_equal[k] ? '~' : '=');
}

static void side_of_join(Lowering *lowering, const Plan *join, const JoinShape *shape, int number, Side *side)
{
	side_init(lowering, join->inputs[number], number ? shape->keys.right.at : shape->keys.left.at, shape->keys.left.count, shape->keys.null_equal.at, side);
}

static SharedIndex *find(const Lowering *lowering, const StrBuf *text)
{
	for (int i = 0; i < lowering->indexes.count; i++) {
		SharedIndex *index = lowering->indexes.at[i];
		if (index->bytes == text->bytes && memcmp(index->text, text->text, text->bytes) == 0) return index;
	}
	return NULL;
}

static SharedIndex *add(Lowering *lowering, const Side *side)
{
	SharedIndex *index = arena_new(lowering->arena, SharedIndex);
	*index = (SharedIndex){.text = arena_copy(lowering->arena, side->text.text, side->text.bytes), .bytes = side->text.bytes, .base = side->base,
		.keys = side->keys, .key_count = side->key_count, .null_equal = side->null_equal, .of_table = is_of_table(side->base),
		.reads = arena_array(lowering->arena, bool, side->base->column_count + 1)};
	vec_push_in(lowering->arena, &lowering->indexes, index);
	return index;
}

static bool reads_column(Lowering *lowering, const Plan *join, const Exprs *residual, ColumnId id)
{
	ColumnSet rest = {0};
	for (int i = 0; i < residual->count; i++) expr_column_set(lowering->arena, residual->at[i], &rest);
	if (column_set_has(&rest, id)) return true;
	for (int c = 0; c < join->column_count; c++)
		if (join->columns[c].id == id) return !join->reads || join->reads[c];
	return false;
}

/* Classes are equal column by column, whatever their ids. */
static void note_use(Lowering *lowering, SharedIndex *index, const Side *side, const Plan *join, const Exprs *residual)
{
	if (index->last_join != join) index->join_count++;
	index->last_join = join;
	for (int c = 0; c < side->plan->column_count; c++) {
		if (!reads_column(lowering, join, residual, side->plan->columns[c].id)) continue;
		for (int b = 0; b < side->base->column_count; b++) index->reads[b] |= side->base->columns[b].id == side->ids[c];
	}
}

static void choose_of_join(Lowering *lowering, Plan *join)
{
	JoinShape shape;
	join_shape(lowering->context, join, &shape);
	for (int number = 0; number < 2; number++) {
		Side side;
		if (!may_borrow(join, &shape, number) || lower_is_in_step(lowering, join)) continue;
		side_of_join(lowering, join, &shape, number, &side);
		SharedIndex *index = find(lowering, &side.text);
		note_use(lowering, index ? index : add(lowering, &side), &side, join, &shape.keys.residual);
		strbuf_release(&side.text);
	}
}

static void choose_of_chain(Lowering *lowering, Plan *join, const JoinChain *chain)
{
	static const Exprs NONE;
	for (int i = 0; i < chain->leaves.count; i++) {
		Side side;
		side_init(lowering, chain->leaves.at[i].plan, chain->leaves.at[i].keys, chain->key_count, chain->null_equal, &side);
		SharedIndex *index = find(lowering, &side.text);
		note_use(lowering, index ? index : add(lowering, &side), &side, join, &NONE);
		strbuf_release(&side.text);
	}
}

/* Joins that are part of the one above them are asked for by nobody. */
void lower_choose_indexes(Lowering *lowering)
{
	int count = lowering->classes.count;
	for (int i = 0; i < count; i++) {
		const AlikeClass *class = lowering->classes.at[i];
		if (class->first->kind == PLAN_JOIN && class->is_needed) lower_chain_mark(lowering, class->first);
	}
	for (int i = 0; i < count; i++) {
		const AlikeClass *class = lowering->classes.at[i];
		JoinChain chain;
		if (class->first->kind != PLAN_JOIN || !class->is_needed || class->is_inside) continue;
		lower_chain_find(lowering, class->first, &chain);
		if (chain.leaves.count > 2) choose_of_chain(lowering, class->first, &chain);
		else choose_of_join(lowering, class->first);
	}
}

SharedIndex *lower_index_of_leaf(Lowering *lowering, const JoinChain *chain, const JoinLeaf *leaf)
{
	Side side;
	side_init(lowering, leaf->plan, leaf->keys, chain->key_count, chain->null_equal, &side);
	SharedIndex *index = find(lowering, &side.text);
	strbuf_release(&side.text);
	return index;
}

bool lower_leaves_differ(Lowering *lowering, const JoinChain *chain)
{
	bool differ = true;
	Side *sides = arena_array(lowering->arena, Side, chain->leaves.count);
	for (int i = 0; i < chain->leaves.count; i++) {
		side_init(lowering, chain->leaves.at[i].plan, chain->leaves.at[i].keys, chain->key_count, chain->null_equal, &sides[i]);
		for (int j = 0; j < i; j++) differ &= sides[i].text.bytes != sides[j].text.bytes || memcmp(sides[i].text.text, sides[j].text.text, sides[i].text.bytes) != 0;
	}
	for (int i = 0; i < chain->leaves.count; i++) strbuf_release(&sides[i].text);
	return differ;
}

static SharedIndex *index_of(Lowering *lowering, Plan *join, const JoinShape *shape, int number)
{
	Side side;
	if (!may_borrow(join, shape, number) || lower_is_in_step(lowering, join)) return NULL;
	side_of_join(lowering, join, shape, number, &side);
	SharedIndex *index = find(lowering, &side.text);
	strbuf_release(&side.text);
	return index && (index->join_count > 1 || index->of_table) ? index : NULL;
}

/* Of a join of one input with itself by one key only the right side borrows: see op/index.c. */
SharedIndex *lower_index_of(Lowering *lowering, Plan *join, const JoinShape *shape, int number)
{
	SharedIndex *index = index_of(lowering, join, shape, number);
	return index && number == 0 && index_of(lowering, join, shape, 1) == index ? NULL : index;
}

/* ---- the operator ---- */

/* What its note and its facts say: a node above base that passes all columns, and no watermark, for joins by keys pass none. */
static Plan node_above(Lowering *lowering, Plan *base)
{
	Plan node = *base;
	node.inputs = arena_new(lowering->arena, Plan *);
	node.inputs[0] = base;
	node.input_count = 1;
	node.facts.watermark_count = 0;
	node.facts.bounded = !base->facts.grows;
	node.facts.bound_by = base->facts.grows ? "every row of a stream is kept" : "the rows of its input";
	return node;
}

static Hash128 contents_of(Lowering *lowering, const SharedIndex *index)
{
	StrBuf text = STRBUF_INIT;
	share_write_exprs(lowering, index->base, index->keys, index->key_count, &text);
	for (int k = 0; k < index->key_count; k++) strbuf_addc(&text, index->null_equal[k] ? '~' : '=');
	for (int c = 0; c < index->base->column_count; c++) strbuf_addc(&text, index->reads[c] ? 'r' : '-');
	Hash128 contents = hash_bytes_128(text.text, text.bytes);
	strbuf_release(&text);
	return contents;
}

static bool make_index(Lowering *lowering, SharedIndex *index)
{
	LoweredNode in;
	Plan *base = index->base;
	if (!lower_plan(lowering, base, &in)) return false;
	bool *reads = arena_array(lowering->arena, bool, in.edge.column_count + 1);
	for (int c = 0; c < in.edge.column_count; c++)
		for (int b = 0; b < base->column_count; b++) reads[c] |= base->columns[b].id == in.edge.layout[c] && index->reads[b];
	Plan node = node_above(lowering, base);
	IndexSpec spec = {.in = in.edge, .keys = index->keys, .key_count = index->key_count, .null_equal = index->null_equal, .reads = reads};
	const char *keys = lower_exprs_text(lowering, &node, index->keys, index->key_count);
	index->contents = contents_of(lowering, index);
	NewOp new_op = {.op = op_index_new(&spec), .inputs = &in, .input_count = 1, .layout = in.edge.layout, .contents = index->contents,
		.detail = index->key_count ? arena_printf(lowering->arena, "on %s", keys) : "of all"};
	lower_add(lowering, &node, &new_op, &index->node);
	return index->is_lowered = true;
}

bool lower_index(Lowering *lowering, SharedIndex *index, Plan *side, LoweredNode *out)
{
	ColumnId *ids;
	const Plan *base = lower_below_choices(lowering, side, &ids);
	if (!index->is_lowered && !make_index(lowering, index)) return false;
	*out = index->node;
	ColumnId *layout = arena_array(lowering->arena, ColumnId, out->edge.column_count + 1);
	for (int c = 0; c < out->edge.column_count; c++)
		for (int b = 0; b < base->column_count; b++)
			for (int i = 0; i < side->column_count && index->base->columns[b].id == out->edge.layout[c]; i++)
				if (ids[i] == base->columns[b].id) layout[c] = side->columns[i].id;
	out->edge.layout = layout;
	return true;
}
