/* Slots, column sets, substitution: the mechanics under the rules, so that a rule says only what it changes. */
#include "plan/walk.h"

#include <assert.h>
#include <strings.h>

#include "expr/function.h"

/* ---- slots ---- */

static void visit_slot(Expr **slot, PlanSlotVisit *visit, void *context)
{
	if (*slot) visit(slot, context);
}

static void visit_exprs(Expr **exprs, int count, PlanSlotVisit *visit, void *context)
{
	for (int i = 0; i < count; i++) visit_slot(&exprs[i], visit, context);
}

static void visit_order(OpSortKey *order, int count, PlanSlotVisit *visit, void *context)
{
	for (int i = 0; i < count; i++) visit_slot(&order[i].expr, visit, context);
}

static void visit_call(AggregateCall *call, PlanSlotVisit *visit, void *context)
{
	visit_exprs(call->args, call->arg_count, visit, context);
	visit_slot(&call->filter, visit, context);
	visit_order(call->order, call->order_count, visit, context);
}

void plan_slots(Plan *plan, PlanSlotVisit *visit, void *context)
{
	visit_slot(&plan->condition, visit, context);
	for (int i = 0; i < plan->item_count; i++) visit_slot(&plan->items[i].expr, visit, context);
	for (int i = 0; i < plan->call_count; i++) visit_call(&plan->calls[i].call, visit, context);
	visit_slot(&plan->time_of, visit, context);
	visit_slot(&plan->time, visit, context);
	visit_exprs(plan->partition, plan->partition_count, visit, context);
	visit_order(plan->order, plan->order_count, visit, context);
	for (int i = 0; i < plan->over_call_count; i++) visit_call(&plan->over_calls[i].call.aggregate, visit, context);
	visit_exprs(plan->args, plan->arg_count, visit, context);
}

void plan_walk(Plan *plan, void (*visit)(Plan *plan, void *context), void *context)
{
	for (int i = 0; i < plan->input_count; i++) plan_walk(plan->inputs[i], visit, context);
	visit(plan, context);
}

typedef struct Rewriting {
	PlanContext *context;
	PlanRewrite *rewrite;
	void *closure;
	VEC(Plan *) shared_from;
	VEC(Plan *) shared_to;
} Rewriting;

static Plan *rewrite_in(Rewriting *rewriting, Plan *plan);

static Plan *rewrite_shared(Rewriting *rewriting, Plan *shared)
{
	for (int i = 0; i < rewriting->shared_from.count; i++)
		if (rewriting->shared_from.at[i] == shared || rewriting->shared_to.at[i] == shared) return rewriting->shared_to.at[i];
	Plan *to = rewrite_in(rewriting, shared);
	vec_push_in(rewriting->context->arena, &rewriting->shared_from, shared);
	vec_push_in(rewriting->context->arena, &rewriting->shared_to, to);
	return to;
}

static Plan *rewrite_in(Rewriting *rewriting, Plan *plan)
{
	for (int i = 0; i < plan->input_count; i++) plan->inputs[i] = rewrite_in(rewriting, plan->inputs[i]);
	if (plan->kind == PLAN_SHARED) plan->shared = rewrite_shared(rewriting, plan->shared);
	Plan *to = rewriting->rewrite(rewriting->context, plan, rewriting->closure);
	assert(plan->kind != PLAN_RECURSIVE || to == plan);         /* its STEP_INPUTs point to it */
	return to;
}

Plan *plan_rewrite(PlanContext *context, Plan *plan, PlanRewrite *rewrite, void *closure)
{
	Rewriting rewriting = {.context = context, .rewrite = rewrite, .closure = closure};
	return rewrite_in(&rewriting, plan);
}

/* ---- shared plans ---- */

typedef struct SharedWalk { Arena *arena; PlanList *nodes; PlanList order; } SharedWalk;     /* order: shared plans, used ones before their users */

static bool list_has(const PlanList *list, const Plan *plan)
{
	for (int i = 0; i < list->count; i++)
		if (list->at[i] == plan) return true;
	return false;
}

static void walk_shared(SharedWalk *walk, Plan *plan)
{
	for (int i = 0; i < plan->input_count; i++) walk_shared(walk, plan->inputs[i]);
	if (plan->kind != PLAN_SHARED) return;
	vec_push_in(walk->arena, walk->nodes, plan);
	if (list_has(&walk->order, plan->shared)) return;
	walk_shared(walk, plan->shared);
	vec_push_in(walk->arena, &walk->order, plan->shared);
}

void plan_shared_nodes(Arena *arena, Plan *plan, PlanList *out)
{
	SharedWalk walk = {.arena = arena, .nodes = out};
	walk_shared(&walk, plan);
}

void plan_rewrite_shared(PlanContext *context, Plan *plan, PlanRewrite *rewrite, void *closure)
{
	PlanList nodes = {0};
	SharedWalk walk = {.arena = context->arena, .nodes = &nodes};
	walk_shared(&walk, plan);
	for (int i = walk.order.count - 1; i >= 0; i--) {
		Plan *from = walk.order.at[i], *to = rewrite(context, from, closure);
		for (int n = 0; n < nodes.count; n++)
			if (nodes.at[n]->shared == from) nodes.at[n]->shared = to;
	}
}

/* ---- sets ---- */

void column_set_add(Arena *arena, ColumnSet *set, ColumnId id)
{
	assert(id > 0);
	int word = id / 64;
	if (word >= set->word_count) {
		int count = word + 1 > 2 * set->word_count ? word + 1 : 2 * set->word_count;
		uint64_t *words = arena_array(arena, uint64_t, count);
		if (set->word_count) copy_bytes(words, set->words, sizeof *words * (size_t)set->word_count);
		set->words = words;
		set->word_count = count;
	}
	set->words[word] |= (uint64_t)1 << (id % 64);
}

bool column_set_has(const ColumnSet *set, ColumnId id)
{
	int word = id / 64;
	return word < set->word_count && (set->words[word] >> (id % 64) & 1);
}

void column_set_union(Arena *arena, ColumnSet *set, const ColumnSet *other)
{
	for (int i = other->word_count - 1; i >= 0; i--) {
		if (!other->words[i]) continue;
		if (i >= set->word_count) {
			int bit = 63 - __builtin_clzll(other->words[i]);
			column_set_add(arena, set, i * 64 + bit);
		}
		set->words[i] |= other->words[i];
	}
}

bool column_set_is_subset(const ColumnSet *set, const ColumnSet *of)
{
	for (int i = 0; i < set->word_count; i++)
		if (set->words[i] & ~(i < of->word_count ? of->words[i] : 0)) return false;
	return true;
}

bool column_set_overlaps(const ColumnSet *a, const ColumnSet *b)
{
	int count = a->word_count < b->word_count ? a->word_count : b->word_count;
	for (int i = 0; i < count; i++)
		if (a->words[i] & b->words[i]) return true;
	return false;
}

bool column_set_is_empty(const ColumnSet *set)
{
	for (int i = 0; i < set->word_count; i++)
		if (set->words[i]) return false;
	return true;
}

void plan_output_set(Arena *arena, const Plan *plan, ColumnSet *set)
{
	for (int i = 0; i < plan->column_count; i++) column_set_add(arena, set, plan->columns[i].id);
}

typedef struct Collecting { Arena *arena; ColumnSet *set; } Collecting;

static bool collect_columns(Expr *e, void *context)
{
	Collecting *collecting = context;
	if (e->kind == EXPR_COLUMN) column_set_add(collecting->arena, collecting->set, e->column);
	else if (e->kind == EXPR_SUBQUERY) plan_free_columns(collecting->arena, e->plan, collecting->set);
	return true;
}

void expr_column_set(Arena *arena, const Expr *e, ColumnSet *set)
{
	if (!e) return;
	Collecting collecting = {arena, set};
	expr_walk((Expr *)e, collect_columns, &collecting);
}

typedef struct FreeColumns { Arena *arena; ColumnSet read, made; } FreeColumns;

static void collect_slot(Expr **slot, void *context)
{
	FreeColumns *found = context;
	expr_column_set(found->arena, *slot, &found->read);
}

static void collect_node(Plan *plan, void *context)
{
	FreeColumns *found = context;
	plan_slots(plan, collect_slot, found);
	plan_output_set(found->arena, plan, &found->made);
	if (plan->kind == PLAN_SHARED) plan_free_columns(found->arena, plan->shared, &found->read);
}

void plan_free_columns(Arena *arena, Plan *plan, ColumnSet *set)
{
	FreeColumns found = {.arena = arena};
	plan_walk(plan, collect_node, &found);
	for (int i = 0; i < found.read.word_count; i++)
		for (uint64_t rest = found.read.words[i] & ~(i < found.made.word_count ? found.made.words[i] : 0); rest; rest &= rest - 1)
			column_set_add(arena, set, i * 64 + __builtin_ctzll(rest));
}

/* ---- expressions ---- */

bool expr_is_true(const Expr *e)
{
	return e->kind == EXPR_CONSTANT && !e->constant.is_null && type_phys(e->type) == PHYS_I64 && e->constant.i64 != 0;
}

bool expr_is_false_or_null(const Expr *e)
{
	if (e->kind != EXPR_CONSTANT) return false;
	return e->constant.is_null || (type_phys(e->type) == PHYS_I64 && e->constant.i64 == 0);
}

void expr_conjuncts(Arena *arena, Expr *e, Exprs *out)
{
	if (!e || expr_is_true(e)) return;
	if (e->kind != EXPR_AND) {
		vec_push_in(arena, out, e);
		return;
	}
	for (int i = 0; i < e->arg_count; i++) expr_conjuncts(arena, e->args[i], out);
}

Expr *expr_conjunction(Arena *arena, Expr *const *exprs, int count)
{
	Expr *all = NULL;
	for (int i = 0; i < count; i++) all = expr_and(arena, all, exprs[i]);
	return all;
}

bool expr_is_call(const Expr *e, const char *function)
{
	return e->kind == EXPR_CALL && strcasecmp(e->function->name, function) == 0;
}

static bool is_no_subquery(Expr *e, void *context)
{
	(void)context;
	return e->kind != EXPR_SUBQUERY;
}

bool expr_has_subquery(const Expr *e)
{
	return e && !expr_walk((Expr *)e, is_no_subquery, NULL);
}

/* ---- substitution ---- */

void column_map_add(ColumnMap *map, ColumnId from, Expr *to)
{
	vec_push_in(map->arena, &map->from, from);
	vec_push_in(map->arena, &map->to, to);
}

Expr *column_map_find(const ColumnMap *map, ColumnId from)
{
	for (int i = map->from.count - 1; i >= 0; i--)
		if (map->from.at[i] == from) return map->to.at[i];
	return NULL;
}

static Expr *replace_column(Expr *e, void *context)
{
	const ColumnMap *map = context;
	if (e->kind == EXPR_COLUMN) return column_map_find(map, e->column);
	if (e->kind == EXPR_SUBQUERY) column_map_apply_plan(map, e->plan);
	return NULL;
}

Expr *column_map_apply(const ColumnMap *map, Expr *e)
{
	return e && map->from.count ? expr_rewrite(map->arena, e, replace_column, (void *)map) : e;
}

static void apply_slot(Expr **slot, void *context)
{
	*slot = column_map_apply(context, *slot);
}

static void apply_node(Plan *plan, void *context)
{
	plan_slots(plan, apply_slot, context);
}

void column_map_apply_plan(const ColumnMap *map, Plan *plan)
{
	if (map->from.count) plan_walk(plan, apply_node, (void *)map);
}

/* ---- making ---- */

static void set_columns(PlanContext *context, Plan *plan, const PlanColumn *columns, int count)
{
	plan->columns = arena_array(context->arena, PlanColumn, count ? count : 1);
	plan->column_count = count;
	if (count) copy_bytes(plan->columns, columns, sizeof *columns * (size_t)count);
}

void plan_pass_columns(PlanContext *context, Plan *plan)
{
	set_columns(context, plan, plan->inputs[0]->columns, plan->inputs[0]->column_count);
}

void plan_join_columns(PlanContext *context, Plan *join)
{
	const Plan *left = join->inputs[0], *right = join->inputs[1];
	bool left_only = join->join == JOIN_SEMI || join->join == JOIN_ANTI;
	int count = left->column_count + (left_only ? 0 : right->column_count);
	join->columns = arena_array(context->arena, PlanColumn, count ? count : 1);
	join->column_count = count;
	for (int i = 0; i < left->column_count; i++) {
		join->columns[i] = left->columns[i];
		if (join->join == JOIN_RIGHT || join->join == JOIN_FULL) join->columns[i].nullable = true;
	}
	for (int i = left->column_count; i < count; i++) {
		join->columns[i] = right->columns[i - left->column_count];
		if (join->join == JOIN_LEFT || join->join == JOIN_FULL) join->columns[i].nullable = true;
	}
}

Plan *plan_filter(PlanContext *context, Plan *input, Expr *condition)
{
	if (!condition) return input;
	Plan *filter = plan_new(context, PLAN_FILTER, 1);
	filter->inputs[0] = input;
	filter->condition = condition;
	filter->span = condition->span;
	plan_pass_columns(context, filter);
	return filter;
}

Plan *plan_project_columns(PlanContext *context, Plan *input, const PlanColumn *columns, int count)
{
	Plan *project = plan_new(context, PLAN_PROJECT, 1);
	project->inputs[0] = input;
	project->span = input->span;
	set_columns(context, project, columns, count);
	project->items = arena_array(context->arena, PlanItem, count ? count : 1);
	project->item_count = count;
	for (int i = 0; i < count; i++)
		project->items[i] = (PlanItem){columns[i].id, plan_column_ref(context, input, columns[i].id)};
	return project;
}

Expr *plan_column_ref(PlanContext *context, const Plan *plan, ColumnId id)
{
	const PlanColumn *column = plan_column(plan, id);
	assert(column);
	return expr_column(context->arena, id, column->type, column->nullable, plan->span);
}
