/* Domains, after Neumann and Kemper, "Unnesting Arbitrary Queries" (BTW 2015): the combinations of outer columns, each once, are joined to the
 * leaves of a dependent plan, and every node above works for all of them at once: groups by them, too, ranks within them, joins on them.
 * Works for every plan but recursion; costs a second reading of the outer side, so unnest_apply.c first tries without.
 */
#include "plan/unnest.h"

#include "expr/function.h"

typedef struct Pushed { Plan *plan; ColumnId *ids; } Pushed;              /* plan NULL: err */
typedef struct Pushing { Unnesting *unnesting; PlanContext *context; Arena *arena; const Domain *domain; int count; } Pushing;

static Pushed push(Pushing *pushing, Plan *plan);

/* ---- parts ---- */

static Pushed failed(void) { return (Pushed){0}; }

static const PlanColumn *outer_column(const Pushing *pushing, int i) { return plan_column(pushing->domain->left, pushing->domain->outer.ids[i]); }

/* SELECT DISTINCT outer columns FROM a copy of the outer side */
static Pushed make_domain(Pushing *pushing)
{
	const Plan *left = pushing->domain->left;
	ColumnId *copied = arena_array(pushing->arena, ColumnId, left->column_count + 1);
	Plan *plan = plan_new(pushing->context, PLAN_AGGREGATE, 1);
	plan->inputs[0] = plan_copy(pushing->context, left, copied);
	plan->span = left->span;
	plan->items = arena_array(pushing->arena, PlanItem, pushing->count);
	plan->columns = arena_array(pushing->arena, PlanColumn, pushing->count);
	plan->item_count = plan->column_count = pushing->count;
	ColumnId *ids = arena_array(pushing->arena, ColumnId, pushing->count);
	for (int i = 0; i < pushing->count; i++) {
		int at = 0;
		while (left->columns[at].id != pushing->domain->outer.ids[i]) at++;
		ids[i] = plan_column_new(pushing->context);
		plan->items[i] = (PlanItem){ids[i], plan_column_ref(pushing->context, plan->inputs[0], copied[at])};
		plan->columns[i] = left->columns[at];
		plan->columns[i].id = ids[i];
	}
	return (Pushed){plan, ids};
}

static ColumnMap stand_ins(Pushing *pushing, const Pushed *pushed)
{
	ColumnMap map = {.arena = pushing->arena};
	for (int i = 0; i < pushing->count; i++) {
		const PlanColumn *column = outer_column(pushing, i);
		column_map_add(&map, column->id, expr_column(pushing->arena, pushed->ids[i], column->type, column->nullable, SPAN_NONE));
	}
	return map;
}

static void map_slot(Expr **slot, void *context) { *slot = column_map_apply(context, *slot); }

static void map_slots(Pushing *pushing, Plan *plan, const Pushed *pushed)
{
	ColumnMap map = stand_ins(pushing, pushed);
	plan_slots(plan, map_slot, &map);
}

static Expr *id_column(Pushing *pushing, const ColumnId *ids, int i)
{
	const PlanColumn *column = outer_column(pushing, i);
	return expr_column(pushing->arena, ids[i], column->type, true, SPAN_NONE);
}

static Expr *same_combination(Pushing *pushing, const ColumnId *a, const ColumnId *b)
{
	Expr *all = NULL;
	for (int i = 0; i < pushing->count; i++)
		all = expr_and(pushing->arena, all, expr_same(pushing->context, id_column(pushing, a, i), id_column(pushing, b, i), true));
	return all;
}

static void add_partition(Pushing *pushing, Plan *plan, const ColumnId *ids)
{
	Expr **partition = arena_array(pushing->arena, Expr *, plan->partition_count + pushing->count);
	if (plan->partition_count) copy_bytes(partition, plan->partition, sizeof *partition * (size_t)plan->partition_count);
	for (int i = 0; i < pushing->count; i++) partition[plan->partition_count + i] = id_column(pushing, ids, i);
	plan->partition = partition;
	plan->partition_count += pushing->count;
}

/* columns = the input's, then `made` of the node's own */
static void pass_and_keep(Pushing *pushing, Plan *plan, int made)
{
	const Plan *input = plan->inputs[0];
	PlanColumn *columns = arena_array(pushing->arena, PlanColumn, input->column_count + made + 1);
	copy_bytes(columns, input->columns, sizeof *columns * (size_t)input->column_count);
	copy_bytes(columns + input->column_count, plan->columns + plan->column_count - made, sizeof *columns * (size_t)made);
	plan->columns = columns;
	plan->column_count = input->column_count + made;
}

static PlanColumn stand_in_column(Pushing *pushing, int i, ColumnId id)
{
	PlanColumn column = *outer_column(pushing, i);
	column.id = id;
	return column;
}

/* ---- nodes ---- */

static Pushed push_over_input(Pushing *pushing, Plan *plan, int made, bool partitioned)
{
	Pushed in = push(pushing, plan->inputs[0]);
	if (!in.plan) return failed();
	map_slots(pushing, plan, &in);
	plan->inputs[0] = in.plan;
	if (partitioned) add_partition(pushing, plan, in.ids);
	pass_and_keep(pushing, plan, made);
	return (Pushed){plan, in.ids};
}

static Pushed push_project(Pushing *pushing, Plan *plan)
{
	Pushed in = push(pushing, plan->inputs[0]);
	if (!in.plan) return failed();
	map_slots(pushing, plan, &in);
	int count = plan->item_count + pushing->count;
	PlanItem *items = arena_array(pushing->arena, PlanItem, count);
	PlanColumn *columns = arena_array(pushing->arena, PlanColumn, count);
	copy_bytes(items, plan->items, sizeof *items * (size_t)plan->item_count);
	copy_bytes(columns, plan->columns, sizeof *columns * (size_t)plan->item_count);
	for (int i = 0; i < pushing->count; i++) {
		items[plan->item_count + i] = (PlanItem){in.ids[i], id_column(pushing, in.ids, i)};
		columns[plan->item_count + i] = stand_in_column(pushing, i, in.ids[i]);
	}
	plan->inputs[0] = in.plan;
	plan->items = items;
	plan->columns = columns;
	plan->item_count = plan->column_count = count;
	return (Pushed){plan, in.ids};
}

static void group_by_domain(Pushing *pushing, Plan *plan, const ColumnId *ids)
{
	int keys = plan->item_count, rest = plan->column_count - keys, count = keys + pushing->count;
	PlanItem *items = arena_array(pushing->arena, PlanItem, count);
	PlanColumn *columns = arena_array(pushing->arena, PlanColumn, count + rest);
	copy_bytes(items, plan->items, sizeof *items * (size_t)keys);
	copy_bytes(columns, plan->columns, sizeof *columns * (size_t)keys);
	for (int i = 0; i < pushing->count; i++) {
		items[keys + i] = (PlanItem){ids[i], id_column(pushing, ids, i)};
		columns[keys + i] = stand_in_column(pushing, i, ids[i]);
	}
	copy_bytes(columns + count, plan->columns + keys, sizeof *columns * (size_t)rest);
	plan->items = items;
	plan->columns = columns;
	plan->item_count = count;
	plan->column_count = count + rest;
	plan->global = false;
}

/* Without GROUP BY there is a row for every combination, even where no row of the input is: what aggregates say of nothing. */
static Pushed fill_gaps(Pushing *pushing, Plan *groups, const ColumnId *ids)
{
	Pushed all = make_domain(pushing);
	PlanColumn marker_column = {plan_column_new(pushing->context), "", TYPE(BOOLEAN), false};
	PlanItem marker = {marker_column.id, expr_bool(pushing->arena, true)};
	Plan *marked = unnest_extend(pushing->unnesting, groups, &marker, &marker_column, 1);
	Plan *join = unnest_join(pushing->unnesting, JOIN_LEFT, all.plan, marked, same_combination(pushing, all.ids, ids), groups->span);
	Expr *is_there = expr_make(pushing->context, "is not null", plan_column_ref(pushing->context, join, marker.id), NULL);
	Plan *project = plan_new(pushing->context, PLAN_PROJECT, 1);
	project->inputs[0] = join;
	project->span = groups->span;
	project->item_count = project->column_count = groups->call_count + pushing->count;
	project->items = arena_array(pushing->arena, PlanItem, project->item_count);
	project->columns = arena_array(pushing->arena, PlanColumn, project->item_count);
	for (int i = 0; i < groups->call_count; i++) {
		const PlanColumn *column = plan_column(groups, groups->calls[i].id);
		Expr *branches[3] = {is_there, plan_column_ref(pushing->context, join, column->id), aggregate_over_nothing(pushing->unnesting, &groups->calls[i].call)};
		Expr *value = expr_case(pushing->arena, branches, 3, groups->span, pushing->unnesting->err);
		if (!value) return failed();
		project->columns[i] = *column;
		project->columns[i].id = plan_column_new(pushing->context);
		project->items[i] = (PlanItem){project->columns[i].id, value};
	}
	for (int i = 0; i < pushing->count; i++) {
		project->items[groups->call_count + i] = (PlanItem){all.ids[i], id_column(pushing, all.ids, i)};
		project->columns[groups->call_count + i] = stand_in_column(pushing, i, all.ids[i]);
	}
	return (Pushed){project, all.ids};
}

static Pushed push_aggregate(Pushing *pushing, Plan *plan)
{
	bool global = plan->global;
	ColumnId *calls = arena_array(pushing->arena, ColumnId, plan->call_count + 1);
	for (int i = 0; i < plan->call_count; i++) calls[i] = plan->calls[i].id;
	Pushed in = push(pushing, plan->inputs[0]);
	if (!in.plan) return failed();
	map_slots(pushing, plan, &in);
	plan->inputs[0] = in.plan;
	group_by_domain(pushing, plan, in.ids);
	if (!global) return (Pushed){plan, in.ids};
	/* above, the calls are known by their numbers: those go to the filled-in ones */
	for (int i = 0; i < plan->call_count; i++) {
		ColumnId fresh = plan_column_new(pushing->context);
		plan->calls[i].id = plan->columns[plan->item_count + i].id = fresh;
	}
	Pushed filled = fill_gaps(pushing, plan, in.ids);
	for (int i = 0; filled.plan && i < plan->call_count; i++) filled.plan->items[i].id = filled.plan->columns[i].id = calls[i];
	return filled;
}

static Pushed push_sort(Pushing *pushing, Plan *plan)
{
	if (plan->limit < 0 && !plan->offset) return push(pushing, plan->inputs[0]);
	plan->kind = PLAN_TOPN;
	return push_over_input(pushing, plan, 0, true);
}

/* By position: the columns that the node needs, then the domain's. */
static Plan *exact_input(Pushing *pushing, const Pushed *in, const PlanColumn *columns, int count)
{
	PlanColumn *all = arena_array(pushing->arena, PlanColumn, count + pushing->count);
	copy_bytes(all, columns, sizeof *all * (size_t)count);
	for (int i = 0; i < pushing->count; i++) all[count + i] = stand_in_column(pushing, i, in->ids[i]);
	return plan_project_columns(pushing->context, in->plan, all, count + pushing->count);
}

static Pushed push_union(Pushing *pushing, Plan *plan)
{
	int count = plan->column_count;
	for (int i = 0; i < plan->input_count; i++) {
		PlanColumn *columns = arena_copy(pushing->arena, plan->inputs[i]->columns, sizeof *columns * (size_t)count);
		Pushed in = push(pushing, plan->inputs[i]);
		if (!in.plan) return failed();
		plan->inputs[i] = exact_input(pushing, &in, columns, count);
	}
	PlanColumn *columns = arena_array(pushing->arena, PlanColumn, count + pushing->count);
	ColumnId *ids = arena_array(pushing->arena, ColumnId, pushing->count);
	copy_bytes(columns, plan->columns, sizeof *columns * (size_t)count);
	for (int i = 0; i < pushing->count; i++) {
		ids[i] = plan_column_new(pushing->context);
		columns[count + i] = stand_in_column(pushing, i, ids[i]);
	}
	plan->columns = columns;
	plan->column_count = count + pushing->count;
	return (Pushed){plan, ids};
}

/* ---- joins ---- */

typedef struct JoinPushed { Pushed sides[2]; bool is_pushed[2]; } JoinPushed;

static bool push_side(Pushing *pushing, Plan *plan, JoinPushed *join, int side)
{
	join->sides[side] = push(pushing, plan->inputs[side]);
	join->is_pushed[side] = true;
	plan->inputs[side] = join->sides[side].plan;
	return plan->inputs[side] != NULL;
}

/* Rows of both sides of FULL JOIN say for which combination they are. */
static Pushed full_join_ids(Pushing *pushing, Plan *join, const JoinPushed *sides)
{
	PlanItem *items = arena_array(pushing->arena, PlanItem, pushing->count);
	PlanColumn *columns = arena_array(pushing->arena, PlanColumn, pushing->count);
	ColumnId *ids = arena_array(pushing->arena, ColumnId, pushing->count);
	for (int i = 0; i < pushing->count; i++) {
		ids[i] = plan_column_new(pushing->context);
		columns[i] = stand_in_column(pushing, i, ids[i]);
		items[i] = (PlanItem){ids[i], expr_make(pushing->context, "coalesce", id_column(pushing, sides->sides[0].ids, i), id_column(pushing, sides->sides[1].ids, i))};
	}
	return (Pushed){unnest_extend(pushing->unnesting, join, items, columns, pushing->count), ids};
}

static Pushed push_join(Pushing *pushing, Plan *plan)
{
	Unnesting *unnesting = pushing->unnesting;
	const Outer *outer = &pushing->domain->outer;
	bool depends[2] = {unnest_depends(unnesting, plan->inputs[0], outer), unnest_depends(unnesting, plan->inputs[1], outer)};
	bool keeps_left = plan->join != JOIN_INNER && plan->join != JOIN_RIGHT, keeps_right = plan->join == JOIN_RIGHT || plan->join == JOIN_FULL;
	JoinPushed join = {0};
	if (plan->join_form != JOIN_FORM_PLAIN && (depends[1] || (plan->condition && expr_depends(unnesting, plan->condition, outer)))) {
		error_set(unnesting->err, ERR_UNSUPPORTED, plan->span, "a temporal join whose right side depends on an outer query");
		return failed();
	}
	bool left = depends[0] || keeps_left || plan->join_form != JOIN_FORM_PLAIN || (!depends[1] && !keeps_right);
	bool right = depends[1] || keeps_right;
	if (left && !push_side(pushing, plan, &join, 0)) return failed();
	if (right && !push_side(pushing, plan, &join, 1)) return failed();
	int main_side = left && plan->join != JOIN_RIGHT ? 0 : 1;
	map_slots(pushing, plan, &join.sides[main_side]);
	if (left && right)
		plan->condition = expr_and(pushing->arena, plan->condition, same_combination(pushing, join.sides[0].ids, join.sides[1].ids));
	plan_join_columns(pushing->context, plan);
	if (plan->join == JOIN_FULL) return full_join_ids(pushing, plan, &join);
	return (Pushed){plan, join.sides[main_side].ids};
}

/* ---- all ---- */

static Pushed push_leaf(Pushing *pushing, Plan *plan)
{
	Pushed domain = make_domain(pushing);
	return (Pushed){unnest_join(pushing->unnesting, JOIN_INNER, domain.plan, plan, NULL, plan->span), domain.ids};
}

static Pushed refuse(Pushing *pushing, const Plan *plan)
{
	error_set(pushing->unnesting->err, ERR_UNSUPPORTED, plan->span, "a recursive query that depends on an outer query");
	return failed();
}

static Pushed push(Pushing *pushing, Plan *plan)
{
	if (!unnest_depends(pushing->unnesting, plan, &pushing->domain->outer)) return push_leaf(pushing, plan);
	switch (plan->kind) {
	case PLAN_FILTER: return push_over_input(pushing, plan, 0, false);
	case PLAN_PROJECT: return push_project(pushing, plan);
	case PLAN_JOIN: return push_join(pushing, plan);
	case PLAN_AGGREGATE: return push_aggregate(pushing, plan);
	case PLAN_WINDOW: return push_over_input(pushing, plan, 3, plan->window == PLAN_WINDOW_SESSION);
	case PLAN_OVER: return push_over_input(pushing, plan, plan->over_call_count, true);
	case PLAN_SORT: return push_sort(pushing, plan);
	case PLAN_TOPN: return push_over_input(pushing, plan, plan->rank_column ? 1 : 0, true);
	case PLAN_SINGLE: return push_over_input(pushing, plan, 0, true);
	case PLAN_EXPAND: return push_over_input(pushing, plan, plan->column_count - plan->inputs[0]->column_count, false);
	case PLAN_UNION: case PLAN_SETOP: return push_union(pushing, plan);
	default: return refuse(pushing, plan);
	}
}

Plan *unnest_domain(Unnesting *unnesting, const Domain *domain, Plan *plan, ColumnId **ids)
{
	Pushing pushing = {unnesting, unnesting->context, unnesting->arena, domain, domain->outer.count};
	Pushed pushed = push(&pushing, plan);
	*ids = pushed.ids;
	return pushed.plan;
}

Expr *domain_condition(Unnesting *unnesting, const Domain *domain, const Plan *right, const ColumnId *ids)
{
	Expr *all = NULL;
	for (int i = 0; i < domain->outer.count; i++) {
		Expr *left = plan_column_ref(unnesting->context, domain->left, domain->outer.ids[i]);
		Expr *stand_in = plan_column_ref(unnesting->context, right, ids[i]);
		all = expr_and(unnesting->arena, all, expr_same(unnesting->context, left, stand_in, left->nullable));
	}
	return all;
}
