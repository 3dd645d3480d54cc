/* Dependent joins. A correlated subquery mostly depends by conditions alone, and conditions can move up: through filters, projections and inner
 * joins as they are, through groups, ranks and limits where they say inner = outer, because then the groups may be made for all outer values at
 * once. What has moved up is the join's condition, and the join is plain. Only where something still depends is the domain taken.
 */
#include "plan/unnest.h"

#include <assert.h>

#include "expr/function.h"

/* ---- what depends ---- */

Outer unnest_outer(Unnesting *unnesting, const Plan *left, Plan *right)
{
	Outer outer = {.ids = arena_array(unnesting->arena, ColumnId, left->column_count + 1)};
	ColumnSet free = {0};
	plan_free_columns(unnesting->arena, right, &free);
	for (int i = 0; i < left->column_count; i++) {
		if (!column_set_has(&free, left->columns[i].id)) continue;
		outer.ids[outer.count++] = left->columns[i].id;
		column_set_add(unnesting->arena, &outer.set, left->columns[i].id);
	}
	return outer;
}

bool unnest_depends(Unnesting *unnesting, Plan *plan, const Outer *outer)
{
	ColumnSet free = {0};
	plan_free_columns(unnesting->arena, plan, &free);
	return column_set_overlaps(&free, &outer->set);
}

bool expr_depends(Unnesting *unnesting, const Expr *e, const Outer *outer)
{
	ColumnSet read = {0};
	expr_column_set(unnesting->arena, e, &read);
	return column_set_overlaps(&read, &outer->set);
}

typedef struct SlotCheck { Unnesting *unnesting; const Outer *outer; bool found; } SlotCheck;

static void check_slot(Expr **slot, void *context)
{
	SlotCheck *check = context;
	check->found |= expr_depends(check->unnesting, *slot, check->outer);
}

bool slots_depend(Unnesting *unnesting, Plan *plan, const Outer *outer)
{
	SlotCheck check = {unnesting, outer, false};
	plan_slots(plan, check_slot, &check);
	return check.found;
}

/* ---- making ---- */

Plan *unnest_join(Unnesting *unnesting, JoinKind kind, Plan *left, Plan *right, Expr *condition, Span span)
{
	Plan *join = plan_new(unnesting->context, PLAN_JOIN, 2);
	join->inputs[0] = left;
	join->inputs[1] = right;
	join->join = kind;
	join->condition = condition;
	join->span = span;
	plan_join_columns(unnesting->context, join);
	return join;
}

Plan *unnest_extend(Unnesting *unnesting, Plan *plan, const PlanItem *items, const PlanColumn *columns, int count)
{
	PlanColumn *all = arena_array(unnesting->arena, PlanColumn, plan->column_count + count);
	copy_bytes(all, plan->columns, sizeof *all * (size_t)plan->column_count);
	Plan *project = plan_project_columns(unnesting->context, plan, all, plan->column_count);
	PlanItem *extended = arena_array(unnesting->arena, PlanItem, plan->column_count + count);
	copy_bytes(extended, project->items, sizeof *extended * (size_t)project->item_count);
	copy_bytes(extended + project->item_count, items, sizeof *extended * (size_t)count);
	copy_bytes(all + project->column_count, columns, sizeof *all * (size_t)count);
	project->items = extended;
	project->columns = all;
	project->item_count = project->column_count = project->column_count + count;
	return project;
}

static bool cursor_ends(AggregateCursor *cursor, Value *values, int64_t *count)
{
	(void)cursor; (void)values; (void)count;
	return false;
}

Expr *aggregate_over_nothing(Unnesting *unnesting, const AggregateCall *call)
{
	const Aggregate *aggregate = call->aggregate;
	Arena *arena = unnesting->arena;
	Type *types = arena_array(arena, Type, call->arg_count + 1);
	Value value = {.type = call->type};
	for (int i = 0; i < call->arg_count; i++) types[i] = call->args[i]->type;
	if (aggregate->state_bytes) {
		AggregateSpill nowhere = {0};
		void *state = arena_zalloc(arena, aggregate->state_bytes(types, call->arg_count) + 16);
		aggregate->fold_result(state, types, call->arg_count, &value, arena, &nowhere);
	}
	else {
		AggregateCursor empty = {.next = cursor_ends};
		aggregate->ordered_result(&empty, call->parameters, types, call->arg_count, &value, arena);
	}
	value.type = call->type;
	return value.is_null ? expr_null(arena, call->type) : expr_constant(arena, &value, SPAN_NONE);
}

/* ---- conditions that move up ---- */

/* A condition inner = outer; other conditions over outer columns alone have neither. */
typedef struct Moved { Expr *e; Expr *inner, *other; bool outer_only; } Moved;
typedef VEC(Moved) MovedList;

typedef struct Hoisting { Unnesting *unnesting; PlanContext *context; Arena *arena; const Outer *outer; } Hoisting;

static Plan *hoist(Hoisting *hoisting, Plan *plan, MovedList *moved);

/* Only types of which equal values are one value: a group of it is then what the outer value finds. */
static bool groups_like_it_compares(const Expr *a, const Expr *b)
{
	TypeKind ka = a->type.kind, kb = b->type.kind;
	if (type_is_numeric(a->type) && type_is_numeric(b->type)) return true;
	return ka == kb && ka != TYPE_INTERVAL && ka != TYPE_NULL && ka != TYPE_ROW;
}

static Moved read_moved(Hoisting *hoisting, Expr *e)
{
	Moved moved = {.e = e};
	ColumnSet read = {0};
	expr_column_set(hoisting->arena, e, &read);
	moved.outer_only = column_set_is_subset(&read, &hoisting->outer->set);
	if (moved.outer_only || (!expr_is_call(e, "=") && !expr_is_call(e, "is"))) return moved;
	for (int side = 0; side < 2; side++) {
		Expr *inner = e->args[side], *other = e->args[1 - side];
		ColumnSet inner_read = {0}, other_read = {0};
		expr_column_set(hoisting->arena, inner, &inner_read);
		expr_column_set(hoisting->arena, other, &other_read);
		if (column_set_overlaps(&inner_read, &hoisting->outer->set) || !column_set_is_subset(&other_read, &hoisting->outer->set)) continue;
		if (!groups_like_it_compares(inner, other)) continue;
		moved.inner = inner;
		moved.other = other;
	}
	return moved;
}

static bool all_equal(const MovedList *moved)
{
	for (int i = 0; i < moved->count; i++)
		if (!moved->at[i].inner && !moved->at[i].outer_only) return false;
	return true;
}

static void append(Hoisting *hoisting, MovedList *to, const MovedList *from)
{
	for (int i = 0; i < from->count; i++) vec_push_in(hoisting->arena, to, from->at[i]);
}

static Expr *moved_condition(Hoisting *hoisting, const MovedList *moved)
{
	Expr *all = NULL;
	for (int i = 0; i < moved->count; i++) all = expr_and(hoisting->arena, all, moved->at[i].e);
	return all;
}

static Plan *put_back(Hoisting *hoisting, Plan *plan, const MovedList *moved)
{
	return plan_filter(hoisting->context, plan, moved_condition(hoisting, moved));
}

static void take_dependent(Hoisting *hoisting, Expr *condition, Expr **kept, MovedList *moved)
{
	Exprs conjuncts = {0};
	*kept = NULL;
	expr_conjuncts(hoisting->arena, condition, &conjuncts);
	for (int i = 0; i < conjuncts.count; i++) {
		bool moves = expr_depends(hoisting->unnesting, conjuncts.at[i], hoisting->outer) && expr_is_movable(conjuncts.at[i]);
		if (moves) vec_push_in(hoisting->arena, moved, read_moved(hoisting, conjuncts.at[i]));
		else *kept = expr_and(hoisting->arena, *kept, conjuncts.at[i]);
	}
}

static void pass_and_keep(Hoisting *hoisting, Plan *plan, int made)
{
	const Plan *input = plan->inputs[0];
	PlanColumn *columns = arena_array(hoisting->arena, PlanColumn, input->column_count + made + 1);
	copy_bytes(columns, input->columns, sizeof *columns * (size_t)input->column_count);
	copy_bytes(columns + input->column_count, plan->columns + plan->column_count - made, sizeof *columns * (size_t)made);
	plan->columns = columns;
	plan->column_count = input->column_count + made;
}

static Plan *hoist_filter(Hoisting *hoisting, Plan *plan, MovedList *moved)
{
	Expr *kept;
	plan->inputs[0] = hoist(hoisting, plan->inputs[0], moved);
	take_dependent(hoisting, plan->condition, &kept, moved);
	if (!kept) return plan->inputs[0];
	plan->condition = kept;
	pass_and_keep(hoisting, plan, 0);
	return plan;
}

/* What moved up reads columns of the input: they pass. */
static Plan *hoist_project(Hoisting *hoisting, Plan *plan, MovedList *moved)
{
	MovedList own = {0};
	plan->inputs[0] = hoist(hoisting, plan->inputs[0], &own);
	append(hoisting, moved, &own);
	ColumnSet read = {0}, given = {0};
	for (int i = 0; i < own.count; i++) expr_column_set(hoisting->arena, own.at[i].e, &read);
	plan_output_set(hoisting->arena, plan, &given);
	const Plan *input = plan->inputs[0];
	PlanItem *items = arena_array(hoisting->arena, PlanItem, plan->item_count + input->column_count + 1);
	PlanColumn *columns = arena_array(hoisting->arena, PlanColumn, plan->item_count + input->column_count + 1);
	int count = plan->item_count;
	copy_bytes(items, plan->items, sizeof *items * (size_t)count);
	copy_bytes(columns, plan->columns, sizeof *columns * (size_t)count);
	for (int i = 0; i < input->column_count; i++) {
		const PlanColumn *column = &input->columns[i];
		if (!column_set_has(&read, column->id) || column_set_has(&given, column->id)) continue;
		items[count] = (PlanItem){column->id, plan_column_expr(hoisting->context, input, i)};
		columns[count++] = *column;
	}
	plan->items = items;
	plan->columns = columns;
	plan->item_count = plan->column_count = count;
	return plan;
}

static Plan *hoist_join(Hoisting *hoisting, Plan *plan, MovedList *moved)
{
	bool inner = plan->join == JOIN_INNER && plan->join_form == JOIN_FORM_PLAIN;
	bool left = inner || plan->join == JOIN_LEFT || plan->join == JOIN_SEMI || plan->join == JOIN_ANTI;
	if (left) plan->inputs[0] = hoist(hoisting, plan->inputs[0], moved);
	if (inner || plan->join == JOIN_RIGHT) plan->inputs[1] = hoist(hoisting, plan->inputs[1], moved);
	if (inner) take_dependent(hoisting, plan->condition, &plan->condition, moved);
	plan_join_columns(hoisting->context, plan);
	return plan;
}

/* Groups of all outer values at once: the inner sides of the equalities become keys. */
static void group_by_inner(Hoisting *hoisting, Plan *plan, MovedList *own)
{
	int keys = plan->item_count, rest = plan->column_count - keys;
	PlanItem *items = arena_array(hoisting->arena, PlanItem, keys + own->count + 1);
	PlanColumn *columns = arena_array(hoisting->arena, PlanColumn, keys + own->count + rest + 1);
	copy_bytes(items, plan->items, sizeof *items * (size_t)keys);
	copy_bytes(columns, plan->columns, sizeof *columns * (size_t)keys);
	int count = keys;
	for (int i = 0; i < own->count; i++) {
		Moved *moved = &own->at[i];
		if (moved->outer_only) continue;
		ColumnId id = plan_column_new(hoisting->context);
		const PlanColumn *from = moved->inner->kind == EXPR_COLUMN ? plan_column(plan->inputs[0], moved->inner->column) : NULL;
		bool has_forms = moved->inner->type.kind == TYPE_INTERVAL;              /* equal ones are one group */
		items[count] = (PlanItem){id, has_forms ? expr_make(hoisting->context, "justify_interval", moved->inner, NULL) : moved->inner};
		columns[count] = (PlanColumn){id, from ? from->name : "", moved->inner->type, moved->inner->nullable};
		count++;
		Expr *key = expr_column(hoisting->arena, id, moved->inner->type, moved->inner->nullable, moved->inner->span);
		bool null_safe = expr_is_call(moved->e, "is");
		*moved = (Moved){.e = expr_make(hoisting->context, null_safe ? "is" : "=", key, moved->other), .inner = key, .other = moved->other};
	}
	copy_bytes(columns + count, plan->columns + keys, sizeof *columns * (size_t)rest);
	plan->items = items;
	plan->item_count = count;
	plan->columns = columns;
	plan->column_count = count + rest;
}

static Plan *hoist_aggregate(Hoisting *hoisting, Plan *plan, MovedList *moved)
{
	MovedList own = {0};
	if (plan->global || plan->grouping_set_count) return plan;
	plan->inputs[0] = hoist(hoisting, plan->inputs[0], &own);
	if (!all_equal(&own)) {
		plan->inputs[0] = put_back(hoisting, plan->inputs[0], &own);
		return plan;
	}
	group_by_inner(hoisting, plan, &own);
	append(hoisting, moved, &own);
	return plan;
}

static Plan *hoist_partitioned(Hoisting *hoisting, Plan *plan, MovedList *moved, int made)
{
	MovedList own = {0};
	plan->inputs[0] = hoist(hoisting, plan->inputs[0], &own);
	if (!all_equal(&own)) {
		plan->inputs[0] = put_back(hoisting, plan->inputs[0], &own);
		pass_and_keep(hoisting, plan, made);
		return plan;
	}
	Expr **partition = arena_array(hoisting->arena, Expr *, plan->partition_count + own.count + 1);
	if (plan->partition_count) copy_bytes(partition, plan->partition, sizeof *partition * (size_t)plan->partition_count);
	for (int i = 0; i < own.count; i++)
		if (own.at[i].inner) partition[plan->partition_count++] = own.at[i].inner;
	plan->partition = partition;
	pass_and_keep(hoisting, plan, made);
	append(hoisting, moved, &own);
	return plan;
}

static Plan *hoist_sort(Hoisting *hoisting, Plan *plan, MovedList *moved)
{
	if (plan->limit < 0 && !plan->offset) return hoist(hoisting, plan->inputs[0], moved);
	plan->kind = PLAN_TOPN;
	return hoist_partitioned(hoisting, plan, moved, 0);
}

static Plan *hoist_linear(Hoisting *hoisting, Plan *plan, MovedList *moved, int made)
{
	plan->inputs[0] = hoist(hoisting, plan->inputs[0], moved);
	pass_and_keep(hoisting, plan, made);
	return plan;
}

static Plan *hoist(Hoisting *hoisting, Plan *plan, MovedList *moved)
{
	if (!unnest_depends(hoisting->unnesting, plan, hoisting->outer)) return plan;
	switch (plan->kind) {
	case PLAN_FILTER: return hoist_filter(hoisting, plan, moved);
	case PLAN_PROJECT: return hoist_project(hoisting, plan, moved);
	case PLAN_JOIN: return hoist_join(hoisting, plan, moved);
	case PLAN_AGGREGATE: return hoist_aggregate(hoisting, plan, moved);
	case PLAN_WINDOW:
		return plan->window == PLAN_WINDOW_SESSION ? hoist_partitioned(hoisting, plan, moved, 3) : hoist_linear(hoisting, plan, moved, 3);
	case PLAN_OVER: return hoist_partitioned(hoisting, plan, moved, plan->over_call_count);
	case PLAN_SORT: return hoist_sort(hoisting, plan, moved);
	case PLAN_TOPN: return hoist_partitioned(hoisting, plan, moved, plan->rank_column ? 1 : 0);
	case PLAN_SINGLE: return hoist_partitioned(hoisting, plan, moved, 0);
	case PLAN_EXPAND: return hoist_linear(hoisting, plan, moved, plan->column_count - plan->inputs[0]->column_count);
	default: return plan;
	}
}

/* ---- joining ---- */

static Plan *join_over_domain(Unnesting *unnesting, const Apply *apply, const Outer *outer, Plan *right, Expr *condition)
{
	Domain domain = {apply->left, *outer};
	ColumnId *ids;
	right = unnest_domain(unnesting, &domain, right, &ids);
	if (!right) return NULL;
	condition = expr_and(unnesting->arena, domain_condition(unnesting, &domain, right, ids), condition);
	return unnest_join(unnesting, apply->kind, apply->left, right, condition, apply->span);
}

static Plan *join_hoisted(Unnesting *unnesting, const Apply *apply, const Outer *outer)
{
	Hoisting hoisting = {unnesting, unnesting->context, unnesting->arena, outer};
	MovedList moved = {0};
	Plan *right = hoist(&hoisting, apply->right, &moved);
	Expr *condition = expr_and(unnesting->arena, apply->condition, moved_condition(&hoisting, &moved));
	if (!unnest_depends(unnesting, right, outer)) return unnest_join(unnesting, apply->kind, apply->left, right, condition, apply->span);
	return join_over_domain(unnesting, apply, outer, right, condition);
}

/* ---- projections on top of the right side ---- */

/* What the right side gives out, in terms of what is below its projections */
typedef struct Peeled { Plan *below; Expr **items; PlanColumn *columns; int count; bool movable; } Peeled;

static Peeled peel(Unnesting *unnesting, Plan *right)
{
	Peeled peeled = {.below = right, .count = right->column_count, .movable = true};
	peeled.items = arena_array(unnesting->arena, Expr *, right->column_count + 1);
	peeled.columns = arena_array(unnesting->arena, PlanColumn, right->column_count + 1);
	copy_bytes(peeled.columns, right->columns, sizeof *right->columns * (size_t)right->column_count);
	for (int i = 0; i < right->column_count; i++) peeled.items[i] = plan_column_expr(unnesting->context, right, i);
	while (peeled.below->kind == PLAN_PROJECT) {
		ColumnMap map = {.arena = unnesting->arena};
		for (int i = 0; i < peeled.below->item_count; i++) {
			column_map_add(&map, peeled.below->items[i].id, peeled.below->items[i].expr);
			peeled.movable &= expr_is_movable(peeled.below->items[i].expr);
		}
		for (int i = 0; i < peeled.count; i++) peeled.items[i] = column_map_apply(&map, peeled.items[i]);
		peeled.below = peeled.below->inputs[0];
	}
	return peeled;
}

static bool items_depend(Unnesting *unnesting, const Peeled *peeled, const Outer *outer)
{
	for (int i = 0; i < peeled->count; i++)
		if (expr_depends(unnesting, peeled->items[i], outer)) return true;
	return false;
}

/* join's left columns, and the right side's as these expressions */
static Plan *project_items(Unnesting *unnesting, Plan *join, const Apply *apply, const Peeled *peeled, Expr *const *items)
{
	int left = apply->left->column_count, count = left + peeled->count;
	PlanColumn *columns = arena_array(unnesting->arena, PlanColumn, count + 1);
	copy_bytes(columns, apply->left->columns, sizeof *columns * (size_t)left);
	Plan *project = plan_project_columns(unnesting->context, join, columns, left);
	PlanItem *all = arena_array(unnesting->arena, PlanItem, count + 1);
	copy_bytes(all, project->items, sizeof *all * (size_t)left);
	for (int i = 0; i < peeled->count; i++) {
		all[left + i] = (PlanItem){peeled->columns[i].id, items[i]};
		columns[left + i] = peeled->columns[i];
		columns[left + i].nullable |= items[i]->nullable;
	}
	project->items = all;
	project->columns = columns;
	project->item_count = project->column_count = count;
	return project;
}

static Expr *where_there(Unnesting *unnesting, const Plan *join, ColumnId marker, Expr *then, Expr *otherwise)
{
	Expr *is_there = expr_make(unnesting->context, "is not null", plan_column_ref(unnesting->context, join, marker), NULL);
	Expr *branches[3] = {is_there, then, otherwise};
	return expr_case(unnesting->arena, branches, 3, then->span, unnesting->err);
}

/* Projections that compute with outer columns are made above the join; where the join fills with NULLs, only for rows that found a partner. */
static Plan *apply_items_above(Unnesting *unnesting, const Apply *apply, const Peeled *peeled)
{
	Apply below = *apply;
	below.right = peeled->below;
	Expr **items = peeled->items;
	if (apply->condition) {
		ColumnMap map = {.arena = unnesting->arena};
		for (int i = 0; i < peeled->count; i++) column_map_add(&map, peeled->columns[i].id, peeled->items[i]);
		below.condition = column_map_apply(&map, apply->condition);
	}
	PlanColumn marker_column = {plan_column_new(unnesting->context), "", TYPE(BOOLEAN), false};
	PlanItem marker = {marker_column.id, expr_bool(unnesting->arena, true)};
	if (apply->kind == JOIN_LEFT) below.right = unnest_extend(unnesting, below.right, &marker, &marker_column, 1);
	Plan *join = unnest_apply(unnesting, below);
	if (!join) return NULL;
	for (int i = 0; i < peeled->count && apply->kind == JOIN_LEFT; i++) {
		items[i] = where_there(unnesting, join, marker.id, items[i], expr_null(unnesting->arena, items[i]->type));
		if (!items[i]) return NULL;
	}
	return project_items(unnesting, join, apply, peeled, items);
}

/* ---- a right side that always has one row: aggregates without GROUP BY ---- */

static bool is_count_of_rows(const AggregateCall *call)
{
	return strcmp(call->aggregate->name, "count") == 0 && !call->arg_count && !call->filter && !call->distinct;
}

/* A call that is never NULL where there is a group. */
static ColumnId add_marker_call(Unnesting *unnesting, Plan *groups)
{
	for (int i = 0; i < groups->call_count; i++)
		if (is_count_of_rows(&groups->calls[i].call)) return groups->calls[i].id;
	const Aggregate *count = aggregate_resolve(unnesting->arena, "count", NULL, 0, true, SPAN_NONE, unnesting->err);
	assert(count);
	PlanCall *calls = arena_array(unnesting->arena, PlanCall, groups->call_count + 1);
	PlanColumn *columns = arena_array(unnesting->arena, PlanColumn, groups->column_count + 1);
	if (groups->call_count) copy_bytes(calls, groups->calls, sizeof *calls * (size_t)groups->call_count);
	copy_bytes(columns, groups->columns, sizeof *columns * (size_t)groups->column_count);
	ColumnId id = plan_column_new(unnesting->context);
	calls[groups->call_count++] = (PlanCall){id, {.aggregate = count, .type = TYPE(INTEGER)}};
	columns[groups->column_count++] = (PlanColumn){id, "count", TYPE(INTEGER), false};
	groups->calls = calls;
	groups->columns = columns;
	return id;
}

/* Calls as they are where there is a group, else as they are over nothing */
static bool map_calls(Unnesting *unnesting, const Plan *groups, const Plan *join, ColumnId marker, ColumnMap *map)
{
	for (int i = 0; i < groups->call_count; i++) {
		const PlanCall *call = &groups->calls[i];
		Expr *found = plan_column_ref(unnesting->context, join, call->id);
		Expr *nothing = aggregate_over_nothing(unnesting, &call->call);
		if (!nothing->constant.is_null) found = where_there(unnesting, join, marker, found, nothing);
		if (!found) return false;
		column_map_add(map, call->id, found);
	}
	return true;
}

static bool needs_marker(Unnesting *unnesting, const Plan *groups)
{
	for (int i = 0; i < groups->call_count; i++)
		if (!aggregate_over_nothing(unnesting, &groups->calls[i].call)->constant.is_null) return true;
	return false;
}

/* Groups for all outer values; condition: which group is whose. NULL: err. */
static Plan *group_for_all(Unnesting *unnesting, const Apply *apply, const Outer *outer, Plan *groups, Expr **condition)
{
	Hoisting hoisting = {unnesting, unnesting->context, unnesting->arena, outer};
	MovedList own = {0};
	groups->inputs[0] = hoist(&hoisting, groups->inputs[0], &own);
	if (all_equal(&own) && !unnest_depends(unnesting, groups->inputs[0], outer) && !slots_depend(unnesting, groups, outer)) {
		groups->global = false;
		group_by_inner(&hoisting, groups, &own);
		*condition = moved_condition(&hoisting, &own);
		return groups;
	}
	groups->inputs[0] = put_back(&hoisting, groups->inputs[0], &own);
	groups->global = false;
	Domain domain = {apply->left, *outer};
	ColumnId *ids;
	groups = unnest_domain(unnesting, &domain, groups, &ids);
	if (groups) *condition = domain_condition(unnesting, &domain, groups, ids);
	return groups;
}

static Plan *apply_aggregate(Unnesting *unnesting, const Apply *apply, const Outer *outer, const Peeled *peeled)
{
	Plan *groups = peeled->below;
	Expr *condition;
	if (!(groups = group_for_all(unnesting, apply, outer, groups, &condition))) return NULL;
	ColumnId marker = needs_marker(unnesting, groups) ? add_marker_call(unnesting, groups) : 0;
	Plan *join = unnest_join(unnesting, JOIN_LEFT, apply->left, groups, condition, apply->span);
	ColumnMap map = {.arena = unnesting->arena};
	if (!map_calls(unnesting, groups, join, marker, &map)) return NULL;
	Expr **items = arena_array(unnesting->arena, Expr *, peeled->count + 1);
	for (int i = 0; i < peeled->count; i++) items[i] = column_map_apply(&map, peeled->items[i]);
	Plan *project = project_items(unnesting, join, apply, peeled, items);
	return plan_filter(unnesting->context, project, apply->condition);
}

/* ---- the join ---- */

static bool is_global_aggregate(const Plan *plan) { return plan->kind == PLAN_AGGREGATE && plan->global && !plan->grouping_set_count; }

/* SELECT without FROM: what it computes can be computed beside the left side. */
static bool is_lone_row(const Plan *plan) { return plan->kind == PLAN_VALUES && plan->row_count == 1 && plan->column_count == 0; }

/* Right sides of semi and anti joins are only looked at through the condition. */
static void absorb_projects(Unnesting *unnesting, Apply *apply)
{
	Peeled peeled = peel(unnesting, apply->right);
	if (!peeled.movable || peeled.below == apply->right) return;
	ColumnMap map = {.arena = unnesting->arena};
	for (int i = 0; i < peeled.count; i++) column_map_add(&map, apply->right->columns[i].id, peeled.items[i]);
	apply->condition = column_map_apply(&map, apply->condition);
	apply->right = peeled.below;
}

Plan *unnest_apply(Unnesting *unnesting, Apply apply)
{
	if (apply.kind == JOIN_SEMI || apply.kind == JOIN_ANTI) absorb_projects(unnesting, &apply);
	Outer outer = unnest_outer(unnesting, apply.left, apply.right);
	if (!outer.count) return unnest_join(unnesting, apply.kind, apply.left, apply.right, apply.condition, apply.span);
	if (apply.kind == JOIN_SEMI || apply.kind == JOIN_ANTI) return join_hoisted(unnesting, &apply, &outer);
	Peeled peeled = peel(unnesting, apply.right);
	if (peeled.movable && is_global_aggregate(peeled.below) && (apply.kind == JOIN_INNER || !apply.condition))
		return apply_aggregate(unnesting, &apply, &outer, &peeled);
	if (peeled.movable && is_lone_row(peeled.below) && !apply.condition) return project_items(unnesting, apply.left, &apply, &peeled, peeled.items);
	if (peeled.movable && peeled.below != apply.right && items_depend(unnesting, &peeled, &outer)) return apply_items_above(unnesting, &apply, &peeled);
	return join_hoisted(unnesting, &apply, &outer);
}
