/* Keys and functional dependencies: which columns say all of a row, so that views get primary keys and joins know what matches once.
 *
 * A key is kept as small as the dependencies allow; several are kept while they are few. Dependencies come from equalities, constants,
 * projections and windows; that a key determines all columns is not written down, closures know it. NULLs count as equal to each other
 * here, so what an outer join fills with NULLs keeps only what still holds then.
 */
#include "plan/facts.h"

#include <assert.h>

#include "expr/function.h"

enum { KEYS_MAX = 8, DEPENDENCIES_MAX = 256, KEY_COLUMNS_MAX = 32 };

/* ---- closures ---- */

static bool is_subset(const ColumnId *columns, int count, const ColumnSet *of)
{
	for (int i = 0; i < count; i++)
		if (!column_set_has(of, columns[i])) return false;
	return true;
}

/* Adds to set what it determines; true: it holds a key, so it determines everything. */
static bool close_set(const PlanFacts *facts, Arena *arena, ColumnSet *set)
{
	for (bool grew = true; grew;) {
		grew = false;
		for (int i = 0; i < facts->key_count; i++)
			if (is_subset(facts->keys[i].columns, facts->keys[i].count, set)) return true;
		for (int i = 0; i < facts->dependency_count; i++) {
			const PlanDependency *dependency = &facts->dependencies[i];
			if (column_set_has(set, dependency->to) || !is_subset(dependency->from, dependency->from_count, set)) continue;
			column_set_add(arena, set, dependency->to);
			grew = true;
		}
	}
	return false;
}

static ColumnSet set_copy(Arena *arena, const ColumnSet *set)
{
	ColumnSet copy = {0};
	column_set_union(arena, &copy, set);
	return copy;
}

bool facts_determine(const PlanFacts *facts, Arena *arena, const ColumnSet *columns, const ColumnSet *wanted)
{
	ColumnSet closure = set_copy(arena, columns);
	return close_set(facts, arena, &closure) || column_set_is_subset(wanted, &closure);
}

bool facts_is_unique(PlanContext *context, const PlanFacts *facts, const ColumnSet *columns)
{
	ColumnSet closure = set_copy(context->arena, columns);
	return close_set(facts, context->arena, &closure);
}

static bool determines_one(const PlanFacts *facts, ColumnId from, ColumnId to)
{
	for (int i = 0; i < facts->dependency_count; i++) {
		const PlanDependency *dependency = &facts->dependencies[i];
		if (dependency->to == to && dependency->from_count == 1 && dependency->from[0] == from) return true;
	}
	return false;
}

bool facts_equal_columns(const PlanFacts *facts, ColumnId a, ColumnId b)
{
	return a == b || (determines_one(facts, a, b) && determines_one(facts, b, a));
}

/* ---- collecting ---- */

typedef struct Deriving {
	PlanContext *context;
	PlanFacts *facts;
	int key_room, dependency_room;
} Deriving;

static bool is_among(ColumnId column, const ColumnId *columns, int count)
{
	for (int i = 0; i < count; i++)
		if (columns[i] == column) return true;
	return false;
}

/* This one or a smaller one is known. */
static bool has_key(const PlanFacts *facts, const ColumnId *columns, int count)
{
	for (int i = 0; i < facts->key_count; i++) {
		const PlanKey *key = &facts->keys[i];
		bool all = true;
		for (int k = 0; k < key->count && all; k++) all = is_among(key->columns[k], columns, count);
		if (all) return true;
	}
	return false;
}

static void add_key(Deriving *deriving, const ColumnId *columns, int count)
{
	PlanFacts *facts = deriving->facts;
	if (facts->key_count == KEYS_MAX || count > KEY_COLUMNS_MAX || has_key(facts, columns, count)) return;
	Arena *arena = deriving->context->arena;
	if (!facts->keys) facts->keys = arena_array(arena, PlanKey, KEYS_MAX);
	PlanKey *key = &facts->keys[facts->key_count++];
	key->columns = arena_array(arena, ColumnId, count ? count : 1);
	if (count) copy_bytes(key->columns, columns, sizeof *columns * (size_t)count);
	key->count = count;
}

static void add_dependency(Deriving *deriving, const ColumnId *from, int from_count, ColumnId to)
{
	PlanFacts *facts = deriving->facts;
	if (facts->dependency_count == DEPENDENCIES_MAX) return;
	for (int i = 0; i < from_count; i++)
		if (from[i] == to) return;
	for (int i = 0; i < facts->dependency_count; i++) {
		const PlanDependency *known = &facts->dependencies[i];
		if (known->to == to && known->from_count == from_count && (!from_count || memcmp(known->from, from, sizeof *from * (size_t)from_count) == 0)) return;
	}
	Arena *arena = deriving->context->arena;
	if (!facts->dependencies) facts->dependencies = arena_array(arena, PlanDependency, DEPENDENCIES_MAX);
	PlanDependency *dependency = &facts->dependencies[facts->dependency_count++];
	dependency->from = arena_array(arena, ColumnId, from_count ? from_count : 1);
	if (from_count) copy_bytes(dependency->from, from, sizeof *from * (size_t)from_count);
	dependency->from_count = from_count;
	dependency->to = to;
}

static void add_equality(Deriving *deriving, ColumnId a, ColumnId b)
{
	add_dependency(deriving, &a, 1, b);
	add_dependency(deriving, &b, 1, a);
}

/* Leaves out of a candidate what the rest determines; which goes first decides which of several keys is found. */
static void add_least_key(Deriving *deriving, const ColumnId *columns, int count, bool from_the_end)
{
	ColumnId kept[KEY_COLUMNS_MAX];
	if (count > KEY_COLUMNS_MAX) return;
	copy_bytes(kept, columns, sizeof *columns * (size_t)count);
	Arena *arena = deriving->context->arena;
	for (int n = count, i = 0; i < n; i++) {
		int at = from_the_end ? n - 1 - i : i - (n - count);
		if (at >= count) at = count - 1;
		ColumnSet rest = {0};
		for (int c = 0; c < count; c++)
			if (c != at) column_set_add(arena, &rest, kept[c]);
		ColumnSet closure = rest;
		bool everything = close_set(deriving->facts, arena, &closure);
		if (!everything && !column_set_has(&closure, kept[at])) continue;
		memmove(&kept[at], &kept[at + 1], sizeof *kept * (size_t)(count - at - 1));
		count--;
	}
	add_key(deriving, kept, count);
}

static void take_dependencies(Deriving *deriving, const PlanFacts *from)
{
	for (int i = 0; i < from->dependency_count; i++)
		add_dependency(deriving, from->dependencies[i].from, from->dependencies[i].from_count, from->dependencies[i].to);
}

static void take_keys(Deriving *deriving, const PlanFacts *from)
{
	for (int i = 0; i < from->key_count; i++) add_least_key(deriving, from->keys[i].columns, from->keys[i].count, false);
}

static void take_all(Deriving *deriving, const PlanFacts *from)
{
	take_dependencies(deriving, from);
	take_keys(deriving, from);
}

/* Equality that means the same value: of one type, and not one of those that are equal with different bytes. */
static bool is_same_value(const Expr *a, const Expr *b)
{
	return type_equal(a->type, b->type) && a->type.kind != TYPE_INTERVAL && a->type.kind != TYPE_REAL;
}

static bool is_fixed(const Plan *plan, const Expr *e)
{
	if (e->kind == EXPR_CONSTANT) return true;
	if (e->kind != EXPR_COLUMN) return false;
	for (int i = 0; i < plan->input_count; i++)
		if (plan_column(plan->inputs[i], e->column)) return false;
	return true;                          /* a column of an outer query: the same for all rows that it looks at */
}

/* What a condition over a node's inputs makes equal or fixes */
static void take_condition(Deriving *deriving, const Plan *plan)
{
	Exprs conjuncts = {0};
	expr_conjuncts(deriving->context->arena, plan->condition, &conjuncts);
	for (int i = 0; i < conjuncts.count; i++) {
		const Expr *e = conjuncts.at[i];
		if (expr_is_call(e, "is null") && e->args[0]->kind == EXPR_COLUMN) add_dependency(deriving, NULL, 0, e->args[0]->column);
		if (!expr_is_call(e, "=") && !expr_is_call(e, "is")) continue;
		const Expr *a = e->args[0], *b = e->args[1];
		if (is_fixed(plan, a)) { a = e->args[1]; b = e->args[0]; }
		if (a->kind != EXPR_COLUMN || !is_same_value(a, b)) continue;
		if (is_fixed(plan, b)) add_dependency(deriving, NULL, 0, a->column);
		else if (b->kind == EXPR_COLUMN) add_equality(deriving, a->column, b->column);
	}
}

/* ---- nodes ---- */

static ColumnId scan_column_of(const Plan *plan, int relation_column)
{
	for (int i = 0; i < plan->column_count; i++)
		if (plan->scan_columns[i].path.column == relation_column && plan->scan_columns[i].path.field_count == 0) return plan->columns[i].id;
	return 0;
}

static void add_scan_key(Deriving *deriving, const Plan *plan, const int *columns, int count, bool not_null_only)
{
	ColumnId ids[KEY_COLUMNS_MAX];
	if (count > KEY_COLUMNS_MAX) return;
	for (int i = 0; i < count; i++) {
		ids[i] = scan_column_of(plan, columns[i]);
		if (!ids[i] || (not_null_only && !plan->relation->columns[columns[i]].not_null)) return;
	}
	add_key(deriving, ids, count);
}

static void scan_keys(Deriving *deriving, Plan *plan)
{
	const Relation *relation = plan->relation;
	if (relation->kind == RELATION_STREAM) return;
	if (relation->primary_key_count) add_scan_key(deriving, plan, relation->primary_key, relation->primary_key_count, false);
	if (relation->kind == RELATION_MATERIALIZED && relation->view_key_count)
		add_scan_key(deriving, plan, relation->view_key, relation->view_key_count, false);
	for (int i = 0; i < relation->unique_count; i++)
		add_scan_key(deriving, plan, relation->uniques[i].columns, relation->uniques[i].count, true);
}

static void filter_keys(Deriving *deriving, Plan *plan)
{
	take_dependencies(deriving, &plan->inputs[0]->facts);
	take_condition(deriving, plan);
	take_keys(deriving, &plan->inputs[0]->facts);
}

/* The output column that is the input column, or equals it; 0: none */
static ColumnId projected(const Plan *plan, ColumnId id)
{
	for (int i = 0; i < plan->item_count; i++)
		if (plan->items[i].expr->kind == EXPR_COLUMN && plan->items[i].expr->column == id) return plan->items[i].id;
	for (int i = 0; i < plan->item_count; i++)
		if (plan->items[i].expr->kind == EXPR_COLUMN && facts_equal_columns(&plan->inputs[0]->facts, plan->items[i].expr->column, id)) return plan->items[i].id;
	return 0;
}

static bool project_ids(const Plan *plan, const ColumnId *from, int count, ColumnId *to)
{
	for (int i = 0; i < count; i++)
		if (!(to[i] = projected(plan, from[i]))) return false;
	return true;
}

static void project_expr_dependency(Deriving *deriving, const Plan *plan, const PlanItem *item)
{
	ColumnSet read = {0};
	expr_column_set(deriving->context->arena, item->expr, &read);
	if (!expr_is_deterministic(item->expr)) return;
	ColumnId from[KEY_COLUMNS_MAX];
	int count = 0;
	for (int i = 0; i < plan->inputs[0]->column_count; i++) {
		ColumnId id = plan->inputs[0]->columns[i].id;
		if (!column_set_has(&read, id)) continue;
		if (count == KEY_COLUMNS_MAX || !(from[count++] = projected(plan, id))) return;
	}
	add_dependency(deriving, from, count, item->id);
}

/* A key of which not all columns pass may still be determined by those that do. */
static void project_determined_key(Deriving *deriving, const Plan *plan, const PlanKey *key)
{
	const PlanFacts *in = &plan->inputs[0]->facts;
	Arena *arena = deriving->context->arena;
	ColumnSet passed = {0}, wanted = {0};
	ColumnId ids[KEY_COLUMNS_MAX];
	int count = 0;
	for (int i = 0; i < key->count; i++) column_set_add(arena, &wanted, key->columns[i]);
	for (int i = 0; i < plan->item_count && count < KEY_COLUMNS_MAX; i++) {
		const Expr *e = plan->items[i].expr;
		if (e->kind != EXPR_COLUMN || column_set_has(&passed, e->column)) continue;
		column_set_add(arena, &passed, e->column);
		ids[count++] = e->column;
	}
	if (!facts_determine(in, arena, &passed, &wanted)) return;
	for (int i = 0; i < count;) {
		ColumnSet rest = {0};
		for (int c = 0; c < count; c++)
			if (c != i) column_set_add(arena, &rest, ids[c]);
		if (!facts_determine(in, arena, &rest, &wanted)) { i++; continue; }
		memmove(&ids[i], &ids[i + 1], sizeof *ids * (size_t)(count - i - 1));
		count--;
	}
	ColumnId mapped[KEY_COLUMNS_MAX];
	if (project_ids(plan, ids, count, mapped)) add_key(deriving, mapped, count);
}

static void project_dependencies(Deriving *deriving, Plan *plan)
{
	const PlanFacts *in = &plan->inputs[0]->facts;
	ColumnId mapped[KEY_COLUMNS_MAX];
	for (int i = 0; i < in->dependency_count; i++) {
		const PlanDependency *dependency = &in->dependencies[i];
		ColumnId to = projected(plan, dependency->to);
		if (to && dependency->from_count <= KEY_COLUMNS_MAX && project_ids(plan, dependency->from, dependency->from_count, mapped))
			add_dependency(deriving, mapped, dependency->from_count, to);
	}
}

static void project_keys(Deriving *deriving, Plan *plan)
{
	const PlanFacts *in = &plan->inputs[0]->facts;
	ColumnId mapped[KEY_COLUMNS_MAX];
	project_dependencies(deriving, plan);
	for (int i = 0; i < plan->item_count; i++) {
		const PlanItem *item = &plan->items[i];
		if (item->expr->kind != EXPR_COLUMN) { project_expr_dependency(deriving, plan, item); continue; }
		ColumnId first = projected(plan, item->expr->column);
		if (first != item->id) add_equality(deriving, first, item->id);
	}
	for (int i = 0; i < in->key_count; i++) {
		if (project_ids(plan, in->keys[i].columns, in->keys[i].count, mapped)) add_least_key(deriving, mapped, in->keys[i].count, false);
		else project_determined_key(deriving, plan, &in->keys[i]);
	}
}

/* Whether a row of `other` side matches at most one of this: its columns in equalities hold a key */
static bool matches_once(PlanContext *context, const PlanFacts *facts, Expr *const *keys, int count)
{
	ColumnSet set = {0};
	for (int i = 0; i < count; i++)
		if (keys[i]->kind == EXPR_COLUMN) column_set_add(context->arena, &set, keys[i]->column);
	return facts_is_unique(context, facts, &set);
}

static bool holds_not_null(const Plan *plan, const PlanKey *key)
{
	for (int i = 0; i < key->count; i++)
		if (!plan_column(plan, key->columns[i])->nullable) return true;
	return false;
}

/* A FULL join gives a left row and a right row that met nothing: they are told apart only if one of the keys is never all NULL. */
static void combined_keys(Deriving *deriving, const Plan *plan)
{
	const Plan *const *sides = (const Plan *const *)plan->inputs;
	const PlanFacts *left = &sides[0]->facts, *right = &sides[1]->facts;
	ColumnId both[2 * KEY_COLUMNS_MAX];
	for (int l = 0; l < left->key_count; l++)
		for (int r = 0; r < right->key_count; r++) {
			int count = left->keys[l].count + right->keys[r].count;
			if (count > KEY_COLUMNS_MAX) continue;
			if (plan->join == JOIN_FULL && !holds_not_null(sides[0], &left->keys[l]) && !holds_not_null(sides[1], &right->keys[r])) continue;
			copy_bytes(both, left->keys[l].columns, sizeof *both * (size_t)left->keys[l].count);
			copy_bytes(both + left->keys[l].count, right->keys[r].columns, sizeof *both * (size_t)right->keys[r].count);
			add_least_key(deriving, both, count, true);
			add_least_key(deriving, both, count, false);
		}
}

/* Keys of one side are none of the join, but still determine that side's columns; where a side may be filled with NULLs, only if no real
 * row of it has a NULL key. */
static void keys_as_dependencies(Deriving *deriving, const Plan *side, bool preserved)
{
	enum { COLUMNS_MAX = 64 };
	if (side->column_count > COLUMNS_MAX) return;
	for (int k = 0; k < side->facts.key_count; k++) {
		const PlanKey *key = &side->facts.keys[k];
		if (!preserved && !holds_not_null(side, key)) continue;
		for (int i = 0; i < side->column_count; i++) add_dependency(deriving, key->columns, key->count, side->columns[i].id);
	}
}

static void join_keys(Deriving *deriving, Plan *plan)
{
	const PlanFacts *left = &plan->inputs[0]->facts, *right = &plan->inputs[1]->facts;
	if (plan->join == JOIN_SEMI || plan->join == JOIN_ANTI) {
		take_all(deriving, left);
		return;
	}
	JoinKeys keys = {0};
	join_keys_find(deriving->context, plan, &keys);
	bool left_preserved = plan->join == JOIN_INNER || plan->join == JOIN_LEFT, right_preserved = plan->join == JOIN_INNER || plan->join == JOIN_RIGHT;
	bool chooses = plan->join_form == JOIN_FORM_TEMPORAL_EVENT || plan->join_form == JOIN_FORM_ASOF;
	bool one_right = chooses || matches_once(deriving->context, right, keys.right.at, keys.right.count);
	bool one_left = plan->join_form == JOIN_FORM_PLAIN && matches_once(deriving->context, left, keys.left.at, keys.left.count);
	if (left_preserved) take_dependencies(deriving, left);
	if (right_preserved) take_dependencies(deriving, right);
	if (plan->join == JOIN_INNER && plan->condition) take_condition(deriving, plan);
	if (left_preserved && one_right) take_keys(deriving, left);
	if (right_preserved && one_left) take_keys(deriving, right);
	combined_keys(deriving, plan);
	keys_as_dependencies(deriving, plan->inputs[0], left_preserved);
	keys_as_dependencies(deriving, plan->inputs[1], right_preserved);
}

static void aggregate_keys(Deriving *deriving, Plan *plan)
{
	const PlanFacts *in = &plan->inputs[0]->facts;
	ColumnId ids[KEY_COLUMNS_MAX], mapped[KEY_COLUMNS_MAX];
	if (plan->item_count > KEY_COLUMNS_MAX || plan->grouping_set_count) return;
	for (int i = 0; i < plan->item_count; i++) ids[i] = plan->items[i].id;
	project_dependencies(deriving, plan);
	for (int i = 0; i < plan->item_count; i++) {
		if (plan->items[i].expr->kind != EXPR_COLUMN) project_expr_dependency(deriving, plan, &plan->items[i]);
		for (int k = 0; k < in->key_count; k++)               /* a key of the input determines what else is grouped by */
			if (project_ids(plan, in->keys[k].columns, in->keys[k].count, mapped))
				add_dependency(deriving, mapped, in->keys[k].count, plan->items[i].id);
	}
	add_least_key(deriving, ids, plan->item_count, true);
}

static void window_keys(Deriving *deriving, Plan *plan)
{
	take_dependencies(deriving, &plan->inputs[0]->facts);
	add_equality(deriving, plan->window_end, plan->window_time);
	bool meet = plan->window == PLAN_WINDOW_HOP && plan->zone;          /* where a clock is set forward: windows that begin, or end, at once */
	if (plan->window != PLAN_WINDOW_CUMULATE && plan->window != PLAN_WINDOW_SESSION && !meet) add_equality(deriving, plan->window_start, plan->window_end);
	if (plan->window == PLAN_WINDOW_TUMBLE && plan->time->kind == EXPR_COLUMN) add_dependency(deriving, &plan->time->column, 1, plan->window_end);
	if (plan->window == PLAN_WINDOW_TUMBLE || plan->window == PLAN_WINDOW_SESSION) {
		take_keys(deriving, &plan->inputs[0]->facts);
		return;
	}
	const PlanFacts *in = &plan->inputs[0]->facts;
	for (int i = 0; i < in->key_count; i++) {
		ColumnId ids[KEY_COLUMNS_MAX + 1];
		int count = in->keys[i].count;
		if (count >= KEY_COLUMNS_MAX - meet) continue;
		copy_bytes(ids, in->keys[i].columns, sizeof *ids * (size_t)count);
		ids[count++] = plan->window_end;
		if (meet) ids[count++] = plan->window_start;
		add_key(deriving, ids, count);
	}
}

/* Partition columns and one more are a key: row numbers. */
static void partition_key(Deriving *deriving, const Plan *plan, ColumnId more)
{
	ColumnId ids[KEY_COLUMNS_MAX + 1];
	if (plan->partition_count > KEY_COLUMNS_MAX) return;
	for (int i = 0; i < plan->partition_count; i++) {
		if (plan->partition[i]->kind != EXPR_COLUMN) return;
		ids[i] = plan->partition[i]->column;
	}
	int count = plan->partition_count;
	if (more) ids[count++] = more;
	if (count <= KEY_COLUMNS_MAX) add_least_key(deriving, ids, count, false);
}

static void over_keys(Deriving *deriving, Plan *plan)
{
	take_all(deriving, &plan->inputs[0]->facts);
	for (int i = 0; i < plan->over_call_count; i++)
		if (plan->over_calls[i].call.kind == OVER_ROW_NUMBER) partition_key(deriving, plan, plan->over_calls[i].id);
}

static void topn_keys(Deriving *deriving, Plan *plan)
{
	take_dependencies(deriving, &plan->inputs[0]->facts);
	if (plan->limit >= 0 && plan->limit <= 1 && plan->rank == TOPN_ROW_NUMBER) partition_key(deriving, plan, 0);
	else if (plan->rank_column && plan->rank == TOPN_ROW_NUMBER) partition_key(deriving, plan, plan->rank_column);
	take_keys(deriving, &plan->inputs[0]->facts);
}

static void sort_keys(Deriving *deriving, Plan *plan)
{
	take_dependencies(deriving, &plan->inputs[0]->facts);
	if (plan->limit >= 0 && plan->limit <= 1 && plan->rank == TOPN_ROW_NUMBER) add_key(deriving, NULL, 0);
	take_keys(deriving, &plan->inputs[0]->facts);
}

static void all_columns_key(Deriving *deriving, const Plan *plan)
{
	ColumnId ids[KEY_COLUMNS_MAX];
	if (plan->column_count > KEY_COLUMNS_MAX) return;
	for (int i = 0; i < plan->column_count; i++) ids[i] = plan->columns[i].id;
	add_key(deriving, ids, plan->column_count);
}

/* Keys of inputs[0], by position */
static void positional_keys(Deriving *deriving, const Plan *plan)
{
	const Plan *input = plan->inputs[0];
	for (int k = 0; k < input->facts.key_count; k++) {
		ColumnId ids[KEY_COLUMNS_MAX];
		const PlanKey *key = &input->facts.keys[k];
		for (int i = 0; i < key->count; i++)
			for (int c = 0; c < input->column_count; c++)
				if (input->columns[c].id == key->columns[i]) ids[i] = plan->columns[c].id;
		add_key(deriving, ids, key->count);
	}
}

static void setop_keys(Deriving *deriving, Plan *plan)
{
	positional_keys(deriving, plan);
	if (plan->setop == SETOP_INTERSECT || plan->setop == SETOP_EXCEPT) all_columns_key(deriving, plan);
}

static void shared_keys(Deriving *deriving, Plan *plan)
{
	const PlanFacts *in = &plan->shared->facts;
	ColumnId mapped[KEY_COLUMNS_MAX];
	for (int k = 0; k < in->key_count; k++) {
		bool all = true;
		for (int i = 0; i < in->keys[k].count && all; i++) {
			mapped[i] = 0;
			for (int c = 0; c < plan->column_count; c++)
				if (plan->shared_columns[c] == in->keys[k].columns[i]) mapped[i] = plan->columns[c].id;
			all = mapped[i] != 0;
		}
		if (all) add_key(deriving, mapped, in->keys[k].count);
	}
}

static void expand_keys(Deriving *deriving, Plan *plan)
{
	const Plan *input = plan->inputs[0];
	take_dependencies(deriving, &input->facts);
	bool numbered = plan->with_ordinality && plan->column_count > input->column_count;
	if (!numbered) return;
	for (int k = 0; k < input->facts.key_count; k++) {
		ColumnId ids[KEY_COLUMNS_MAX + 1];
		const PlanKey *key = &input->facts.keys[k];
		if (key->count) copy_bytes(ids, key->columns, sizeof *ids * (size_t)key->count);
		ids[key->count] = plan->columns[plan->column_count - 1].id;
		add_key(deriving, ids, key->count + 1);
	}
}

static void values_keys(Deriving *deriving, Plan *plan)
{
	if (plan->row_count <= 1) add_key(deriving, NULL, 0);
}

static void single_keys(Deriving *deriving, Plan *plan)
{
	take_dependencies(deriving, &plan->inputs[0]->facts);
	partition_key(deriving, plan, 0);
}

static void recursive_keys(Deriving *deriving, Plan *plan)
{
	if (!plan->all) all_columns_key(deriving, plan);
}

static void pass_keys(Deriving *deriving, Plan *plan) { take_all(deriving, &plan->inputs[0]->facts); }

typedef void DeriveKeys(Deriving *deriving, Plan *plan);
static DeriveKeys *const KEYS[PLAN_KIND_COUNT] = {
	[PLAN_SCAN] = scan_keys, [PLAN_VALUES] = values_keys, [PLAN_FILTER] = filter_keys, [PLAN_PROJECT] = project_keys,
	[PLAN_JOIN] = join_keys, [PLAN_AGGREGATE] = aggregate_keys, [PLAN_WINDOW] = window_keys, [PLAN_OVER] = over_keys,
	[PLAN_SORT] = sort_keys, [PLAN_TOPN] = topn_keys, [PLAN_SETOP] = setop_keys, [PLAN_EXPAND] = expand_keys,
	[PLAN_SHARED] = shared_keys, [PLAN_RECURSIVE] = recursive_keys, [PLAN_SINGLE] = single_keys, [PLAN_MOVING] = pass_keys,
	[PLAN_SETTLE] = pass_keys,
};

void facts_keys(PlanContext *context, Plan *plan)
{
	Deriving deriving = {.context = context, .facts = &plan->facts};
	if (KEYS[plan->kind]) KEYS[plan->kind](&deriving, plan);
}
