/* Pruning: from the top each node is told which columns are read above it. Scans then read no others (a record with a bad value is dead only
 * for those that read it), and whoever keeps rows keeps narrow ones. Never switched off: which rows are dead depends on it.
 */
#include "plan/rules.h"

typedef struct Pruning { PlanContext *context; Arena *arena; VEC(Plan *) shared; VEC(ColumnSet) wanted; } Pruning;

static Plan *prune(Pruning *pruning, Plan *plan, const ColumnSet *wanted);

/* ---- sets ---- */

typedef struct SetTarget { Arena *arena; ColumnSet *set; } SetTarget;

static void add_slot(Expr **slot, void *context)
{
	SetTarget *to = context;
	expr_column_set(to->arena, *slot, to->set);
}

/* What is wanted above, and what the node itself reads */
static ColumnSet wanted_below(Pruning *pruning, Plan *plan, const ColumnSet *wanted)
{
	ColumnSet set = {0};
	column_set_union(pruning->arena, &set, wanted);
	SetTarget to = {pruning->arena, &set};
	plan_slots(plan, add_slot, &to);
	return set;
}

/* ---- narrowing ---- */

static int count_wanted(const Plan *plan, const ColumnSet *wanted)
{
	int count = 0;
	for (int i = 0; i < plan->column_count; i++) count += column_set_has(wanted, plan->columns[i].id);
	return count;
}

/* Just the wanted columns: for inputs whose rows are kept */
static Plan *narrow(Pruning *pruning, Plan *plan, const ColumnSet *wanted)
{
	plan = prune(pruning, plan, wanted);
	int count = count_wanted(plan, wanted);
	if (count == plan->column_count) return plan;
	PlanColumn *columns = arena_array(pruning->arena, PlanColumn, count + 1);
	for (int i = 0, at = 0; i < plan->column_count; i++)
		if (column_set_has(wanted, plan->columns[i].id)) columns[at++] = plan->columns[i];
	return plan_project_columns(pruning->context, plan, columns, count);
}

static Plan *narrow_input(Pruning *pruning, Plan *plan, const ColumnSet *wanted)
{
	ColumnSet below = wanted_below(pruning, plan, wanted);
	plan->inputs[0] = narrow(pruning, plan->inputs[0], &below);
	return plan;
}

/* columns = those of the input, then `added` of its own that stood at the end */
static Plan *pass_and_keep(Pruning *pruning, Plan *plan, int added)
{
	const Plan *input = plan->inputs[0];
	PlanColumn *columns = arena_array(pruning->arena, PlanColumn, input->column_count + added + 1);
	if (input->column_count) copy_bytes(columns, input->columns, sizeof *columns * (size_t)input->column_count);
	copy_bytes(columns + input->column_count, plan->columns + plan->column_count - added, sizeof *columns * (size_t)added);
	plan->columns = columns;
	plan->column_count = input->column_count + added;
	return plan;
}

/* ---- nodes ---- */

typedef Plan *PruneNode(Pruning *pruning, Plan *plan, const ColumnSet *wanted);

static Plan *prune_scan(Pruning *pruning, Plan *plan, const ColumnSet *wanted)
{
	int kept = 0;
	PlanColumn *columns = arena_array(pruning->arena, PlanColumn, plan->column_count + 1);
	ScanColumn *scan_columns = arena_array(pruning->arena, ScanColumn, plan->column_count + 1);
	for (int i = 0; i < plan->column_count; i++) {
		if (!column_set_has(wanted, plan->columns[i].id)) continue;
		columns[kept] = plan->columns[i];
		scan_columns[kept++] = plan->scan_columns[i];
	}
	plan->columns = columns;
	plan->scan_columns = scan_columns;
	plan->column_count = kept;
	return plan;
}

static Plan *prune_filter(Pruning *pruning, Plan *plan, const ColumnSet *wanted)
{
	ColumnSet below = wanted_below(pruning, plan, wanted);
	plan->inputs[0] = prune(pruning, plan->inputs[0], &below);
	return pass_and_keep(pruning, plan, 0);
}

static Plan *prune_project(Pruning *pruning, Plan *plan, const ColumnSet *wanted)
{
	int kept = 0;
	PlanColumn *columns = arena_array(pruning->arena, PlanColumn, plan->column_count + 1);
	PlanItem *items = arena_array(pruning->arena, PlanItem, plan->column_count + 1);
	for (int i = 0; i < plan->column_count; i++) {
		if (!column_set_has(wanted, plan->columns[i].id)) continue;
		columns[kept] = plan->columns[i];
		items[kept++] = plan->items[i];
	}
	plan->columns = columns;
	plan->items = items;
	plan->column_count = plan->item_count = kept;
	ColumnSet nothing = {0}, below = wanted_below(pruning, plan, &nothing);
	plan->inputs[0] = prune(pruning, plan->inputs[0], &below);
	return plan;
}

/* The time from which a version holds is read by the join itself. */
static void add_version_time(Pruning *pruning, const Plan *plan, ColumnSet *below)
{
	const PlanFacts *right = &plan->inputs[1]->facts;
	if (plan->join_form != JOIN_FORM_TEMPORAL_EVENT) return;
	for (int i = 0; i < right->watermark_count; i++) column_set_add(pruning->arena, below, right->watermarks[i].column);
}

/* What only a join's condition or a session's time reads need not be remembered of a row. EMIT ON WINDOW CLOSE reads times above, for nodes that are made after this. */
static const bool *read_above(Pruning *pruning, const Plan *plan, const ColumnSet *wanted)
{
	if (plan->join_form != JOIN_FORM_PLAIN || pruning->context->emit_on_close) return NULL;
	bool *reads = arena_array(pruning->arena, bool, plan->column_count + 1);
	for (int c = 0; c < plan->column_count; c++) reads[c] = column_set_has(wanted, plan->columns[c].id);
	return reads;
}

static Plan *prune_join(Pruning *pruning, Plan *plan, const ColumnSet *wanted)
{
	ColumnSet below = wanted_below(pruning, plan, wanted);
	add_version_time(pruning, plan, &below);
	plan->inputs[0] = narrow(pruning, plan->inputs[0], &below);
	plan->inputs[1] = narrow(pruning, plan->inputs[1], &below);
	plan_join_columns(pruning->context, plan);
	plan->reads = read_above(pruning, plan, wanted);
	return plan;
}

static Plan *prune_aggregate(Pruning *pruning, Plan *plan, const ColumnSet *wanted)
{
	int kept = 0, keys = plan->item_count;
	PlanColumn *columns = arena_copy(pruning->arena, plan->columns, sizeof *columns * (size_t)plan->column_count);
	PlanCall *calls = arena_array(pruning->arena, PlanCall, plan->call_count + 1);
	for (int i = 0; i < plan->call_count; i++) {
		if (!column_set_has(wanted, plan->calls[i].id)) continue;
		columns[keys + kept] = plan->columns[keys + i];
		calls[kept++] = plan->calls[i];
	}
	bool grouping_id = plan->grouping_id != 0;
	if (grouping_id) columns[keys + kept] = plan->columns[plan->column_count - 1];
	plan->columns = columns;
	plan->calls = calls;
	plan->call_count = kept;
	plan->column_count = keys + kept + grouping_id;
	ColumnSet nothing = {0}, below = wanted_below(pruning, plan, &nothing);
	plan->inputs[0] = prune(pruning, plan->inputs[0], &below);
	return plan;
}

static Plan *prune_window(Pruning *pruning, Plan *plan, const ColumnSet *wanted)
{
	ColumnSet below = wanted_below(pruning, plan, wanted);
	bool session = plan->window == PLAN_WINDOW_SESSION;
	plan->inputs[0] = session ? narrow(pruning, plan->inputs[0], &below) : prune(pruning, plan->inputs[0], &below);
	pass_and_keep(pruning, plan, 3);
	if (session) plan->reads = read_above(pruning, plan, wanted);
	return plan;
}

static Plan *prune_over(Pruning *pruning, Plan *plan, const ColumnSet *wanted)
{
	int kept = 0, first = plan->column_count - plan->over_call_count;
	PlanColumn *columns = arena_copy(pruning->arena, plan->columns, sizeof *columns * (size_t)plan->column_count);
	PlanOverCall *calls = arena_array(pruning->arena, PlanOverCall, plan->over_call_count + 1);
	for (int i = 0; i < plan->over_call_count; i++) {
		if (!column_set_has(wanted, plan->over_calls[i].id)) continue;
		columns[first + kept] = plan->columns[first + i];
		calls[kept++] = plan->over_calls[i];
	}
	if (!kept) return prune(pruning, plan->inputs[0], wanted);
	plan->columns = columns;
	plan->column_count = first + kept;
	plan->over_calls = calls;
	plan->over_call_count = kept;
	return pass_and_keep(pruning, narrow_input(pruning, plan, wanted), kept);
}

static Plan *prune_topn(Pruning *pruning, Plan *plan, const ColumnSet *wanted)
{
	bool keeps_rank = plan->rank_column && column_set_has(wanted, plan->rank_column);
	if (plan->rank_column && !keeps_rank) {
		plan->rank_column = 0;
		plan->column_count--;
	}
	return pass_and_keep(pruning, narrow_input(pruning, plan, wanted), keeps_rank);
}

static Plan *prune_rows(Pruning *pruning, Plan *plan, const ColumnSet *wanted)
{
	ColumnSet with_own = {0};
	column_set_union(pruning->arena, &with_own, wanted);
	if (plan->settle_column) column_set_add(pruning->arena, &with_own, plan->settle_column);
	return pass_and_keep(pruning, narrow_input(pruning, plan, &with_own), 0);
}

static Plan *exact_columns(Pruning *pruning, Plan *input, const PlanColumn *columns, int count)
{
	ColumnSet wanted = {0};
	for (int i = 0; i < count; i++) column_set_add(pruning->arena, &wanted, columns[i].id);
	input = prune(pruning, input, &wanted);
	bool same = input->column_count == count;
	for (int i = 0; i < count && same; i++) same = input->columns[i].id == columns[i].id;
	return same ? input : plan_project_columns(pruning->context, input, columns, count);
}

static Plan *prune_union(Pruning *pruning, Plan *plan, const ColumnSet *wanted)
{
	bool all = plan->kind != PLAN_UNION;          /* the others compare whole rows */
	PlanColumn *columns = arena_array(pruning->arena, PlanColumn, plan->column_count + 1);
	PlanColumn *own = arena_array(pruning->arena, PlanColumn, plan->column_count + 1);
	int kept = 0;
	for (int i = 0; i < plan->input_count; i++) {
		kept = 0;
		for (int c = 0; c < plan->column_count; c++)
			if (all || column_set_has(wanted, plan->columns[c].id)) own[kept++] = plan->inputs[i]->columns[c];
		plan->inputs[i] = exact_columns(pruning, plan->inputs[i], own, kept);
	}
	kept = 0;
	for (int c = 0; c < plan->column_count; c++)
		if (all || column_set_has(wanted, plan->columns[c].id)) columns[kept++] = plan->columns[c];
	plan->columns = columns;
	plan->column_count = kept;
	return plan;
}

static Plan *prune_expand(Pruning *pruning, Plan *plan, const ColumnSet *wanted)
{
	int made = plan->column_count - plan->inputs[0]->column_count;
	ColumnSet below = wanted_below(pruning, plan, wanted);
	plan->inputs[0] = prune(pruning, plan->inputs[0], &below);
	return pass_and_keep(pruning, plan, made);
}

/* Without a condition and wanted columns it says nothing more. */
static Plan *prune_moving(Pruning *pruning, Plan *plan, const ColumnSet *wanted)
{
	int kept = 0;
	PlanItem *items = arena_array(pruning->arena, PlanItem, plan->item_count + 1);
	PlanColumn *columns = arena_array(pruning->arena, PlanColumn, plan->item_count + 1);
	for (int i = 0; i < plan->item_count; i++) {
		if (!column_set_has(wanted, plan->items[i].id)) continue;
		columns[kept] = plan->columns[plan->column_count - plan->item_count + i];
		items[kept++] = plan->items[i];
	}
	if (!kept && !plan->condition) return prune(pruning, plan->inputs[0], wanted);
	plan->items = items;
	plan->columns = columns;
	plan->item_count = plan->column_count = kept;
	return pass_and_keep(pruning, narrow_input(pruning, plan, wanted), kept);
}

static ColumnSet *wanted_of_shared(Pruning *pruning, Plan *shared)
{
	for (int i = 0; i < pruning->shared.count; i++)
		if (pruning->shared.at[i] == shared) return &pruning->wanted.at[i];
	vec_push_in(pruning->arena, &pruning->shared, shared);
	vec_push_in(pruning->arena, &pruning->wanted, (ColumnSet){0});
	return &pruning->wanted.at[pruning->wanted.count - 1];
}

static Plan *prune_shared(Pruning *pruning, Plan *plan, const ColumnSet *wanted)
{
	int kept = 0;
	ColumnSet *below = wanted_of_shared(pruning, plan->shared);
	PlanColumn *columns = arena_array(pruning->arena, PlanColumn, plan->column_count + 1);
	ColumnId *from = arena_array(pruning->arena, ColumnId, plan->column_count + 1);
	for (int i = 0; i < plan->column_count; i++) {
		if (!column_set_has(wanted, plan->columns[i].id)) continue;
		columns[kept] = plan->columns[i];
		from[kept++] = plan->shared_columns[i];
		column_set_add(pruning->arena, below, plan->shared_columns[i]);
	}
	plan->columns = columns;
	plan->shared_columns = from;
	plan->column_count = kept;
	return plan;
}

static Plan *prune_values(Pruning *pruning, Plan *plan, const ColumnSet *wanted)
{
	int kept = count_wanted(plan, wanted), at = 0;
	if (kept == plan->column_count) return plan;
	Value *values = arena_array(pruning->arena, Value, kept * plan->row_count + 1);
	for (int row = 0; row < plan->row_count; row++)
		for (int c = 0; c < plan->column_count; c++)
			if (column_set_has(wanted, plan->columns[c].id)) values[at++] = plan->values[row * plan->column_count + c];
	PlanColumn *columns = arena_array(pruning->arena, PlanColumn, kept + 1);
	at = 0;
	for (int c = 0; c < plan->column_count; c++)
		if (column_set_has(wanted, plan->columns[c].id)) columns[at++] = plan->columns[c];
	plan->values = values;
	plan->columns = columns;
	plan->column_count = kept;
	return plan;
}

static Plan *keep_all(Pruning *pruning, Plan *plan, const ColumnSet *wanted)
{
	(void)pruning; (void)wanted;
	return plan;
}

static PruneNode *const PRUNE[PLAN_KIND_COUNT] = {
	[PLAN_SCAN] = prune_scan, [PLAN_VALUES] = prune_values, [PLAN_FILTER] = prune_filter, [PLAN_PROJECT] = prune_project,
	[PLAN_JOIN] = prune_join, [PLAN_AGGREGATE] = prune_aggregate, [PLAN_WINDOW] = prune_window, [PLAN_OVER] = prune_over,
	[PLAN_SORT] = prune_rows, [PLAN_TOPN] = prune_topn, [PLAN_UNION] = prune_union, [PLAN_SETOP] = prune_union,
	[PLAN_EXPAND] = prune_expand, [PLAN_SHARED] = prune_shared, [PLAN_RECURSIVE] = prune_union, [PLAN_STEP_INPUT] = keep_all,
	[PLAN_SINGLE] = prune_rows, [PLAN_MOVING] = prune_moving, [PLAN_SETTLE] = prune_rows,
};

static Plan *prune(Pruning *pruning, Plan *plan, const ColumnSet *wanted) { return PRUNE[plan->kind](pruning, plan, wanted); }

static Plan *prune_shared_plan(PlanContext *context, Plan *shared, void *closure)
{
	(void)context;
	ColumnSet wanted = *wanted_of_shared(closure, shared);
	return prune(closure, shared, &wanted);
}

Plan *rule_prune(PlanContext *context, Plan *plan, Error *err)
{
	(void)err;
	Pruning pruning = {.context = context, .arena = context->arena};
	plan_derive(context, plan);
	PlanColumn *columns = arena_array(context->arena, PlanColumn, plan->column_count + 1);
	copy_bytes(columns, plan->columns, sizeof *columns * (size_t)plan->column_count);
	plan = exact_columns(&pruning, plan, columns, plan->column_count);
	plan_rewrite_shared(context, plan, prune_shared_plan, &pruning);
	return plan;
}
