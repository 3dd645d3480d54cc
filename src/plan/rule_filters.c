/* Conditions move down to where their columns come from: to the scans at best. What reads both sides of an inner join becomes its condition,
 * so joins of many relations with a WHERE get their keys here. What rejects the NULLs of an outer join makes it an inner one.
 *
 * Each node gets the conjuncts that stand above it, keeps those that must stay above, and gives the others to its inputs. Conditions on now()
 * only pass projections: below a join or a group they would take rows back behind the back of watermarks.
 */
#include "plan/rules.h"

static Plan *push(PlanContext *context, Plan *plan, Exprs conjuncts);

static Plan *above(PlanContext *context, Plan *plan, const Exprs *conjuncts)
{
	return plan_filter(context, plan, expr_conjunction(context->arena, conjuncts->at, conjuncts->count));
}

static void push_inputs(PlanContext *context, Plan *plan)
{
	for (int i = 0; i < plan->input_count; i++) plan->inputs[i] = push(context, plan->inputs[i], (Exprs){0});
}

static bool reads_only(PlanContext *context, const Expr *e, const ColumnSet *columns)
{
	ColumnSet read = {0};
	expr_column_set(context->arena, e, &read);
	return column_set_is_subset(&read, columns);
}

static bool reads_nothing(PlanContext *context, const Expr *e)
{
	ColumnSet read = {0};
	expr_column_set(context->arena, e, &read);
	return column_set_is_empty(&read);
}

static bool stays(const Expr *e) { return !expr_is_movable(e) || expr_reads_clock(e); }

/* ---- one input ---- */

static Plan *push_filter(PlanContext *context, Plan *plan, Exprs conjuncts)
{
	Exprs all = {0};
	expr_conjuncts(context->arena, plan->condition, &all);
	for (int i = 0; i < conjuncts.count; i++) vec_push_in(context->arena, &all, conjuncts.at[i]);
	return push(context, plan->inputs[0], all);
}

enum { PUSHED_SIZE_MAX = 256 };

static Plan *push_project(PlanContext *context, Plan *plan, Exprs conjuncts)
{
	Exprs below = {0}, kept = {0};
	ColumnMap map = {.arena = context->arena};
	ColumnSet fixed = {0};
	for (int i = 0; i < plan->item_count; i++) {
		column_map_add(&map, plan->items[i].id, plan->items[i].expr);
		if (!expr_is_movable(plan->items[i].expr)) column_set_add(context->arena, &fixed, plan->items[i].id);
	}
	for (int i = 0; i < conjuncts.count; i++) {
		ColumnSet read = {0};
		expr_column_set(context->arena, conjuncts.at[i], &read);
		Expr *moved = !expr_is_movable(conjuncts.at[i]) || column_set_overlaps(&read, &fixed) ? NULL : column_map_apply(&map, conjuncts.at[i]);
		if (moved && expr_size(moved) <= PUSHED_SIZE_MAX) vec_push_in(context->arena, &below, moved);
		else vec_push_in(context->arena, &kept, conjuncts.at[i]);
	}
	plan->inputs[0] = push(context, plan->inputs[0], below);
	return above(context, plan, &kept);
}

/* Conjuncts over just these columns go below, written in terms of `map` (NULL: as they are). */
static Plan *push_over(PlanContext *context, Plan *plan, const Exprs *conjuncts, const ColumnSet *columns, const ColumnMap *map)
{
	Exprs below = {0}, kept = {0};
	for (int i = 0; i < conjuncts->count; i++) {
		Expr *e = conjuncts->at[i];
		if (stays(e) || !reads_only(context, e, columns)) vec_push_in(context->arena, &kept, e);
		else vec_push_in(context->arena, &below, map ? column_map_apply(map, e) : e);
	}
	plan->inputs[0] = push(context, plan->inputs[0], below);
	return above(context, plan, &kept);
}

static Plan *push_aggregate(PlanContext *context, Plan *plan, Exprs conjuncts)
{
	ColumnSet keys = {0};
	ColumnMap map = {.arena = context->arena};
	for (int i = 0; i < plan->item_count && !plan->grouping_set_count; i++) {
		if (!expr_is_movable(plan->items[i].expr)) continue;
		column_set_add(context->arena, &keys, plan->items[i].id);
		column_map_add(&map, plan->items[i].id, plan->items[i].expr);
	}
	/* without a key there is a group even where no row passes */
	Exprs over_keys = {0}, kept = {0};
	for (int i = 0; i < conjuncts.count; i++) {
		bool below = !plan->global && !plan->grouping_set_count && !reads_nothing(context, conjuncts.at[i]);
		if (below) vec_push_in(context->arena, &over_keys, conjuncts.at[i]);
		else vec_push_in(context->arena, &kept, conjuncts.at[i]);
	}
	return above(context, push_over(context, plan, &over_keys, &keys, &map), &kept);
}

static void add_partition(PlanContext *context, const Plan *plan, ColumnSet *columns)
{
	for (int i = 0; i < plan->partition_count; i++)
		if (plan->partition[i]->kind == EXPR_COLUMN) column_set_add(context->arena, columns, plan->partition[i]->column);
}

/* Nodes that work group by group: conditions on what makes the group */
static Plan *push_partitioned(PlanContext *context, Plan *plan, Exprs conjuncts)
{
	ColumnSet columns = {0};
	add_partition(context, plan, &columns);
	Exprs constant = {0}, others = {0};
	for (int i = 0; i < conjuncts.count; i++) {
		if (reads_nothing(context, conjuncts.at[i])) vec_push_in(context->arena, &constant, conjuncts.at[i]);
		else vec_push_in(context->arena, &others, conjuncts.at[i]);
	}
	return above(context, push_over(context, plan, &others, &columns, NULL), &constant);
}

static Plan *push_window(PlanContext *context, Plan *plan, Exprs conjuncts)
{
	if (plan->window == PLAN_WINDOW_SESSION) return push_partitioned(context, plan, conjuncts);
	ColumnSet columns = {0};
	plan_output_set(context->arena, plan->inputs[0], &columns);
	return push_over(context, plan, &conjuncts, &columns, NULL);
}

static Plan *push_expand(PlanContext *context, Plan *plan, Exprs conjuncts)
{
	ColumnSet columns = {0};
	plan_output_set(context->arena, plan->inputs[0], &columns);
	return push_over(context, plan, &conjuncts, &columns, NULL);
}

static Plan *push_sort(PlanContext *context, Plan *plan, Exprs conjuncts)
{
	if (plan->limit >= 0 || plan->offset) return push_partitioned(context, plan, conjuncts);
	return push_expand(context, plan, conjuncts);
}

/* ---- by position ---- */

static Plan *push_union(PlanContext *context, Plan *plan, Exprs conjuncts)
{
	Exprs below = {0}, kept = {0};
	for (int i = 0; i < conjuncts.count; i++) {
		if (stays(conjuncts.at[i])) vec_push_in(context->arena, &kept, conjuncts.at[i]);
		else vec_push_in(context->arena, &below, conjuncts.at[i]);
	}
	for (int i = 0; i < plan->input_count; i++) {
		ColumnMap map = {.arena = context->arena};
		Exprs own = {0};
		for (int c = 0; c < plan->column_count; c++) column_map_add(&map, plan->columns[c].id, plan_column_expr(context, plan->inputs[i], c));
		for (int k = 0; k < below.count; k++) vec_push_in(context->arena, &own, column_map_apply(&map, below.at[k]));
		plan->inputs[i] = push(context, plan->inputs[i], own);
	}
	return above(context, plan, &kept);
}

/* ---- joins ---- */

typedef struct JoinSides { ColumnSet left, right; } JoinSides;

static JoinSides join_sides(PlanContext *context, const Plan *plan)
{
	JoinSides sides = {0};
	plan_output_set(context->arena, plan->inputs[0], &sides.left);
	plan_output_set(context->arena, plan->inputs[1], &sides.right);
	return sides;
}

static bool any_rejects(const Exprs *conjuncts, const ColumnSet *side)
{
	for (int i = 0; i < conjuncts->count; i++)
		if (expr_rejects_null(conjuncts->at[i], side)) return true;
	return false;
}

static void become(PlanContext *context, Plan *plan, JoinKind kind)
{
	plan->join = kind;
	plan_join_columns(context, plan);
}

static void simplify_outer(PlanContext *context, Plan *plan, const Exprs *conjuncts, const JoinSides *sides)
{
	if (plan->join != JOIN_LEFT && plan->join != JOIN_RIGHT && plan->join != JOIN_FULL) return;
	bool no_left_nulls = any_rejects(conjuncts, &sides->left), no_right_nulls = any_rejects(conjuncts, &sides->right);
	if (plan->join == JOIN_FULL && no_left_nulls && no_right_nulls) become(context, plan, JOIN_INNER);
	else if (plan->join == JOIN_FULL && no_left_nulls) become(context, plan, JOIN_LEFT);
	else if (plan->join == JOIN_FULL && no_right_nulls) become(context, plan, JOIN_RIGHT);
	if (plan->join == JOIN_LEFT && no_right_nulls) become(context, plan, JOIN_INNER);
	if (plan->join == JOIN_RIGHT && no_left_nulls) become(context, plan, JOIN_INNER);
}

/* a = b and a = 5: b = 5, too. Both sides of the join are then small. */
static void add_implied(PlanContext *context, Exprs *conjuncts)
{
	int count = conjuncts->count;
	for (int i = 0; i < count; i++) {
		const Expr *equal = conjuncts->at[i];
		if (!expr_is_call(equal, "=") || equal->args[0]->kind != EXPR_COLUMN || equal->args[1]->kind != EXPR_COLUMN) continue;
		if (!type_equal(equal->args[0]->type, equal->args[1]->type)) continue;
		for (int k = 0; k < count; k++) {
			const Expr *fixed = conjuncts->at[k];
			if (!expr_is_call(fixed, "=") || fixed->args[0]->kind != EXPR_COLUMN || fixed->args[1]->kind != EXPR_CONSTANT) continue;
			for (int side = 0; side < 2; side++) {
				if (equal->args[side]->column != fixed->args[0]->column) continue;
				Expr *implied = expr_make(context, "=", equal->args[1 - side], fixed->args[1]);
				bool known = false;
				for (int n = 0; n < conjuncts->count; n++) known |= expr_equal(conjuncts->at[n], implied);
				if (!known) vec_push_in(context->arena, conjuncts, implied);
			}
		}
	}
}

static Plan *push_inner(PlanContext *context, Plan *plan, Exprs conjuncts)
{
	JoinSides sides = join_sides(context, plan);
	Exprs all = {0}, left = {0}, right = {0}, own = {0}, kept = {0};
	expr_conjuncts(context->arena, plan->condition, &all);
	for (int i = 0; i < conjuncts.count; i++) vec_push_in(context->arena, &all, conjuncts.at[i]);
	add_implied(context, &all);
	for (int i = 0; i < all.count; i++) {
		Expr *e = all.at[i];
		if (stays(e)) vec_push_in(context->arena, &kept, e);
		else if (reads_only(context, e, &sides.left)) vec_push_in(context->arena, &left, e);
		else if (reads_only(context, e, &sides.right)) vec_push_in(context->arena, &right, e);
		else vec_push_in(context->arena, &own, e);
	}
	plan->condition = expr_conjunction(context->arena, own.at, own.count);
	plan->inputs[0] = push(context, plan->inputs[0], left);
	plan->inputs[1] = push(context, plan->inputs[1], right);
	plan_join_columns(context, plan);
	return above(context, plan, &kept);
}

/* The ON condition of other joins: what reads only the side that may be left out goes into that side. */
static void split_on(PlanContext *context, Plan *plan, const JoinSides *sides, Exprs *left, Exprs *right)
{
	bool to_left = plan->join == JOIN_RIGHT || plan->join == JOIN_SEMI;
	bool to_right = plan->join == JOIN_LEFT || plan->join == JOIN_SEMI || plan->join == JOIN_ANTI || plan->join_form == JOIN_FORM_ASOF;
	Exprs all = {0}, own = {0};
	expr_conjuncts(context->arena, plan->condition, &all);
	for (int i = 0; i < all.count; i++) {
		Expr *e = all.at[i];
		bool may_move = !stays(e) && !plan->null_aware_anti && !reads_nothing(context, e);
		if (may_move && to_left && reads_only(context, e, &sides->left)) vec_push_in(context->arena, left, e);
		else if (may_move && to_right && reads_only(context, e, &sides->right)) vec_push_in(context->arena, right, e);
		else vec_push_in(context->arena, &own, e);
	}
	plan->condition = expr_conjunction(context->arena, own.at, own.count);
}

/* Versions of a row must all be seen: only the left side of temporal joins takes conditions. ASOF: what ON says of the right side alone says
 * which rows are candidates. */
static Plan *push_other_join(PlanContext *context, Plan *plan, Exprs conjuncts)
{
	JoinSides sides = join_sides(context, plan);
	bool left_kept = plan->join != JOIN_RIGHT && plan->join != JOIN_FULL, right_kept = plan->join == JOIN_RIGHT;
	Exprs left = {0}, right = {0}, kept = {0};
	for (int i = 0; i < conjuncts.count; i++) {
		Expr *e = conjuncts.at[i];
		bool may_move = !stays(e) && !reads_nothing(context, e);
		if (may_move && left_kept && reads_only(context, e, &sides.left)) vec_push_in(context->arena, &left, e);
		else if (may_move && right_kept && reads_only(context, e, &sides.right)) vec_push_in(context->arena, &right, e);
		else vec_push_in(context->arena, &kept, e);
	}
	if (plan->join_form == JOIN_FORM_PLAIN || plan->join_form == JOIN_FORM_ASOF) split_on(context, plan, &sides, &left, &right);
	plan->inputs[0] = push(context, plan->inputs[0], left);
	plan->inputs[1] = push(context, plan->inputs[1], right);
	plan_join_columns(context, plan);
	return above(context, plan, &kept);
}

static Plan *push_join(PlanContext *context, Plan *plan, Exprs conjuncts)
{
	JoinSides sides = join_sides(context, plan);
	if (plan->join_form == JOIN_FORM_PLAIN) simplify_outer(context, plan, &conjuncts, &sides);
	if (plan->join_form == JOIN_FORM_PLAIN && plan->join == JOIN_INNER) return push_inner(context, plan, conjuncts);
	return push_other_join(context, plan, conjuncts);
}

/* ---- all others ---- */

static Plan *push_stop(PlanContext *context, Plan *plan, Exprs conjuncts)
{
	push_inputs(context, plan);
	return above(context, plan, &conjuncts);
}

typedef Plan *PushNode(PlanContext *context, Plan *plan, Exprs conjuncts);
static PushNode *const PUSH[PLAN_KIND_COUNT] = {
	[PLAN_FILTER] = push_filter, [PLAN_PROJECT] = push_project, [PLAN_JOIN] = push_join, [PLAN_AGGREGATE] = push_aggregate,
	[PLAN_WINDOW] = push_window, [PLAN_OVER] = push_partitioned, [PLAN_SORT] = push_sort, [PLAN_TOPN] = push_partitioned,
	[PLAN_UNION] = push_union, [PLAN_SETOP] = push_union, [PLAN_EXPAND] = push_expand, [PLAN_SINGLE] = push_partitioned,
};

static Plan *push(PlanContext *context, Plan *plan, Exprs conjuncts)
{
	return PUSH[plan->kind] ? PUSH[plan->kind](context, plan, conjuncts) : push_stop(context, plan, conjuncts);
}

static Plan *push_shared(PlanContext *context, Plan *plan, void *closure)
{
	(void)closure;
	return push(context, plan, (Exprs){0});
}

Plan *rule_filters(PlanContext *context, Plan *plan, Error *err)
{
	(void)err;
	plan = push(context, plan, (Exprs){0});
	plan_rewrite_shared(context, plan, push_shared, NULL);
	return plan;
}
