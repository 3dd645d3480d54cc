/* Inner joins one above the other become one operator (op/join_many.c) where all their inputs meet by the same key: b.bidder = p.id and a.seller =
 * b.bidder make p.id = a.seller, too, and nothing but keys is to be tested. A join whose rows somebody else reads, too, stays as it is, and so
 * do joins of an input with itself, whose rows must not be in one index twice.
 */
#include "plan/lowering.h"

/* ---- which joins ---- */

typedef struct Chaining { Lowering *lowering; JoinChain *chain; bool marks; } Chaining;

static bool is_by_keys_alone(Lowering *lowering, const Plan *plan, JoinShape *shape)
{
	if (plan->kind != PLAN_JOIN || plan->join != JOIN_INNER || plan->join_form != JOIN_FORM_PLAIN || plan->dependent) return false;
	join_shape(lowering->context, plan, shape);
	return shape->way == JOIN_WAY_PLAIN && shape->keys.residual.count == 0 && shape->keys.left.count > 0;
}

static bool is_read_by_one(const Lowering *lowering, const Plan *plan)
{
	int readers = 0;
	for (int i = 0; i < lowering->classes.count; i++) {
		const Plan *other = lowering->classes.at[i]->first;
		for (int n = 0; n < other->input_count; n++) readers += other->inputs[n]->alike == plan->alike;
		readers += other->kind == PLAN_SHARED && other->shared->alike == plan->alike;
	}
	return readers == 1;
}

/* The join under projections that only choose, and call all columns as it does; NULL: there is none, or others read it. */
static Plan *join_below(Lowering *lowering, Plan *side)
{
	ColumnId *ids;
	Plan *base = lower_below_choices(lowering, side, &ids);
	for (int c = 0; c < side->column_count; c++)
		if (ids[c] != side->columns[c].id) return NULL;
	for (Plan *plan = side;; plan = plan->inputs[0]) {
		if (!is_read_by_one(lowering, plan)) return NULL;
		if (plan == base) return base;
	}
}

/* The join's keys in the order of those that its columns are to meet by: each is one side of one of its equalities. */
static bool match_keys(Lowering *lowering, const JoinKeys *own, Expr *const *keys, const JoinChain *chain, Expr **sides[2])
{
	bool *used = arena_array(lowering->arena, bool, own->left.count + 1);
	if (own->left.count != chain->key_count) return false;
	for (int k = 0; k < chain->key_count; k++) {
		int m = 0;
		while (m < own->left.count && (used[m] || own->null_equal.at[m] != chain->null_equal[k] || !(expr_equal(own->left.at[m], keys[k]) || expr_equal(own->right.at[m], keys[k])))) m++;
		if (m == own->left.count) return false;
		used[m] = true;
		sides[0][k] = own->left.at[m];
		sides[1][k] = own->right.at[m];
	}
	return true;
}

static void collect(const Chaining *chaining, Plan *side, Expr **keys)
{
	Lowering *lowering = chaining->lowering;
	JoinChain *chain = chaining->chain;
	JoinShape shape;
	Expr **sides[2] = {arena_array(lowering->arena, Expr *, chain->key_count + 1), arena_array(lowering->arena, Expr *, chain->key_count + 1)};
	Plan *join = join_below(lowering, side);
	if (!join || !is_by_keys_alone(lowering, join, &shape) || !match_keys(lowering, &shape.keys, keys, chain, sides)) {
		vec_push_in(lowering->arena, &chain->leaves, ((JoinLeaf){side, keys}));
		return;
	}
	if (chaining->marks) alike(lowering, join)->is_inside = true;
	for (int i = 0; i < 2; i++) collect(chaining, join->inputs[i], sides[i]);
}

static void find(Lowering *lowering, Plan *join, JoinChain *out, bool marks)
{
	JoinShape shape;
	Chaining chaining = {lowering, out, marks};
	*out = (JoinChain){0};
	if (!is_by_keys_alone(lowering, join, &shape)) return;
	out->key_count = shape.keys.left.count;
	out->null_equal = shape.keys.null_equal.at;
	collect(&chaining, join->inputs[0], shape.keys.left.at);
	collect(&chaining, join->inputs[1], shape.keys.right.at);
	bool fits = out->leaves.count > 2 && out->leaves.count <= JOIN_MANY_MAX && !lower_is_in_step(lowering, join) && lower_leaves_differ(lowering, out);
	if (!fits) *out = (JoinChain){0};
}

void lower_chain_find(Lowering *lowering, Plan *join, JoinChain *out) { find(lowering, join, out, false); }

void lower_chain_mark(Lowering *lowering, Plan *join)
{
	JoinChain chain;
	find(lowering, join, &chain, false);
	if (chain.leaves.count > 2) find(lowering, join, &chain, true);
}

/* ---- the operator ---- */

static const bool *reads_of(Lowering *lowering, const Plan *join, const ColumnId *layout, int count)
{
	bool *reads = arena_array(lowering->arena, bool, count + 1);
	for (int c = 0; c < count; c++)
		for (int i = 0; i < join->column_count; i++) reads[c] |= join->columns[i].id == layout[c] && (!join->reads || join->reads[i]);
	return reads;
}

/* What its note says: a node over all inputs at once. */
static Plan node_over(Lowering *lowering, const Plan *join, const JoinChain *chain)
{
	Plan node = *join;
	node.inputs = arena_array(lowering->arena, Plan *, chain->leaves.count);
	for (int i = 0; i < chain->leaves.count; i++) node.inputs[i] = chain->leaves.at[i].plan;
	node.input_count = chain->leaves.count;
	node.facts.watermark_count = 0;
	node.facts.bound_by = NULL;                   /* what is kept its indexes keep */
	return node;
}

bool lower_many(Lowering *lowering, Plan *join, const JoinChain *chain, LoweredNode *out)
{
	JoinManySpec spec = {.input_count = chain->leaves.count, .key_count = chain->key_count, .null_equal = chain->null_equal};
	LoweredNode inputs[JOIN_MANY_MAX];
	ColumnId *layout = NULL;
	int count = 0;
	NewOp new_op = {.inputs = inputs, .input_count = spec.input_count};
	for (int i = 0; i < spec.input_count; i++) {
		const JoinLeaf *leaf = &chain->leaves.at[i];
		SharedIndex *index = lower_index_of_leaf(lowering, chain, leaf);
		if (!lower_index(lowering, index, leaf->plan, &inputs[i], &spec.from[i])) return false;
		spec.inputs[i] = inputs[i].edge;
		spec.inputs[i].has_judge = spec.inputs[i].has_arrival = false;
		spec.keys[i] = leaf->keys;
		spec.indexes[i] = inputs[i].op;
		OpInput before = {.layout = layout, .column_count = count};
		layout = lower_ids_behind(lowering, &before, inputs[i].edge.layout, inputs[i].edge.column_count);
		count += inputs[i].edge.column_count;
		lower_add_index_contents(index, i, &new_op);
	}
	spec.reads = reads_of(lowering, join, layout, count);
	Plan node = node_over(lowering, join, chain);
	const char *keys = lower_exprs_text(lowering, &node, chain->leaves.at[0].keys, chain->key_count);
	new_op.op = op_join_many_new(&spec);
	new_op.layout = layout;
	new_op.detail = arena_printf(lowering->arena, "of %d on %s", spec.input_count, keys);
	lower_add(lowering, &node, &new_op, out);
	return true;
}
