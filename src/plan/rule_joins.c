/* The order of many inner joins. As written, so long as every join has an equality to go by; where one would be a cross product (FROM a, b, c
 * WHERE a.x = c.x AND c.y = b.y), relations are taken in the order in which equalities connect them. Nothing is known of sizes, so nothing is
 * guessed of them.
 */
#include "plan/rules.h"

typedef struct Chain {
	PlanContext *context;
	Arena *arena;
	PlanList relations;
	Exprs conjuncts;
	bool *taken, *used;                   /* relations in the tree so far; conjuncts that some join has */
	bool crosses;                         /* some join of the chain as written has no equality */
} Chain;

static bool is_inner(const Plan *plan) { return plan->kind == PLAN_JOIN && plan->join == JOIN_INNER && plan->join_form == JOIN_FORM_PLAIN && !plan->dependent && !plan->grace_us; }

static void flatten(Chain *chain, Plan *plan)
{
	if (!is_inner(plan)) {
		vec_push_in(chain->arena, &chain->relations, plan);
		return;
	}
	JoinKeys keys;
	join_keys_find(chain->context, plan, &keys);
	chain->crosses |= keys.left.count == 0;
	flatten(chain, plan->inputs[0]);
	flatten(chain, plan->inputs[1]);
	expr_conjuncts(chain->arena, plan->condition, &chain->conjuncts);
}

static bool reads_of(Chain *chain, const Expr *e, const ColumnSet *columns)
{
	ColumnSet read = {0};
	expr_column_set(chain->arena, e, &read);
	return !column_set_is_empty(&read) && column_set_is_subset(&read, columns);
}

/* Is there an equality between what is joined already and this relation? */
static bool is_connected(Chain *chain, const ColumnSet *joined, const Plan *relation)
{
	ColumnSet own = {0};
	plan_output_set(chain->arena, relation, &own);
	for (int i = 0; i < chain->conjuncts.count; i++) {
		const Expr *e = chain->conjuncts.at[i];
		if (!expr_is_call(e, "=") && !expr_is_call(e, "is")) continue;
		for (int side = 0; side < 2; side++)
			if (reads_of(chain, e->args[side], joined) && reads_of(chain, e->args[1 - side], &own)) return true;
	}
	return false;
}

/* All conjuncts that can be tested now and are not yet. */
static Expr *ripe_conjuncts(Chain *chain, const ColumnSet *columns)
{
	Expr *all = NULL;
	for (int i = 0; i < chain->conjuncts.count; i++) {
		ColumnSet read = {0};
		if (chain->used[i]) continue;
		expr_column_set(chain->arena, chain->conjuncts.at[i], &read);
		if (!column_set_is_subset(&read, columns)) continue;
		chain->used[i] = true;
		all = expr_and(chain->arena, all, chain->conjuncts.at[i]);
	}
	return all;
}

static Plan *join(Chain *chain, Plan *left, Plan *right)
{
	Plan *plan = plan_new(chain->context, PLAN_JOIN, 2);
	plan->inputs[0] = left;
	plan->inputs[1] = right;
	plan->join = JOIN_INNER;
	plan->span = right->span;
	plan_join_columns(chain->context, plan);
	ColumnSet columns = {0};
	plan_output_set(chain->arena, plan, &columns);
	plan->condition = ripe_conjuncts(chain, &columns);
	return plan;
}

static int next_connected(Chain *chain, const Plan *joined)
{
	ColumnSet columns = {0};
	plan_output_set(chain->arena, joined, &columns);
	for (int i = 0; i < chain->relations.count; i++)
		if (!chain->taken[i] && is_connected(chain, &columns, chain->relations.at[i])) return i;
	return -1;
}

/* All relations that equalities connect with the first one left */
static Plan *join_component(Chain *chain)
{
	int at = 0;
	while (chain->taken[at]) at++;
	Plan *plan = chain->relations.at[at];
	for (chain->taken[at] = true; (at = next_connected(chain, plan)) >= 0; chain->taken[at] = true) plan = join(chain, plan, chain->relations.at[at]);
	return plan;
}

static bool all_taken(const Chain *chain)
{
	for (int i = 0; i < chain->relations.count; i++)
		if (!chain->taken[i]) return false;
	return true;
}

static Plan *reorder(PlanContext *context, Plan *plan, const Chain *found)
{
	Chain chain = *found;
	chain.taken = arena_array(context->arena, bool, chain.relations.count);
	chain.used = arena_array(context->arena, bool, chain.conjuncts.count + 1);
	Plan *all = join_component(&chain);
	while (!all_taken(&chain)) {
		Plan *component = join_component(&chain);
		all = join(&chain, all, component);
	}
	return plan_project_columns(context, all, plan->columns, plan->column_count);
}

static Plan *order_tree(PlanContext *context, Plan *plan)
{
	if (!is_inner(plan)) {
		for (int i = 0; i < plan->input_count; i++) plan->inputs[i] = order_tree(context, plan->inputs[i]);
		return plan;
	}
	Chain chain = {.context = context, .arena = context->arena};
	flatten(&chain, plan);
	if (chain.relations.count > 2 && chain.crosses) {
		for (int i = 0; i < chain.relations.count; i++) chain.relations.at[i] = order_tree(context, chain.relations.at[i]);
		return reorder(context, plan, &chain);
	}
	for (int i = 0; i < plan->input_count; i++) plan->inputs[i] = order_tree(context, plan->inputs[i]);
	return plan;
}

static Plan *order_shared(PlanContext *context, Plan *plan, void *closure)
{
	(void)closure;
	return order_tree(context, plan);
}

Plan *rule_joins(PlanContext *context, Plan *plan, Error *err)
{
	(void)err;
	plan = order_tree(context, plan);
	plan_rewrite_shared(context, plan, order_shared, NULL);
	return plan;
}
