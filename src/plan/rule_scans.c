/* A table that a query reads several times, here these columns and there others: each time all of them are read, and a projection chooses. Then it is
 * one input, and joins by the same key share an index of it. Only of relations that are kept: of records it depends on the columns that are read
 * whether they are dead. */
#include "plan/rules.h"

#include <stdlib.h>

typedef struct TableScan { Relation *relation; VEC(const Plan *) scans; VEC(ScanColumn) paths; VEC(const PlanColumn *) columns; } TableScan;
typedef struct TableScans { PlanContext *context; VEC(TableScan *) tables; } TableScans;

static bool is_kept(const Relation *relation)
{
	return relation_is_maintained(relation) || (relation->kind == RELATION_TABLE && relation_is_local(relation));
}

static TableScan *find_table(TableScans *all, Relation *relation)
{
	for (int i = 0; i < all->tables.count; i++)
		if (all->tables.at[i]->relation == relation) return all->tables.at[i];
	TableScan *table = arena_new(all->context->arena, TableScan);
	table->relation = relation;
	vec_push_in(all->context->arena, &all->tables, table);
	return table;
}

/* -1, 0, 1: before, the same, behind in the order of the relation's columns */
static int compare_paths(const ColumnPath *a, const ColumnPath *b)
{
	int order = (a->column > b->column) - (a->column < b->column);
	for (int f = 0; !order && f < a->field_count && f < b->field_count; f++) order = strcmp(a->fields[f], b->fields[f]);
	return order ? order : (a->field_count > b->field_count) - (a->field_count < b->field_count);
}

static void note_scan(Plan *plan, void *closure)
{
	TableScans *all = closure;
	Arena *arena = all->context->arena;
	if (plan->kind != PLAN_SCAN || !is_kept(plan->relation)) return;
	TableScan *table = find_table(all, plan->relation);
	vec_push_in(arena, &table->scans, plan);
	for (int c = 0; c < plan->column_count; c++) {
		int at = 0, order = 1;
		while (at < table->paths.count && (order = compare_paths(&plan->scan_columns[c].path, &table->paths.at[at].path)) > 0) at++;
		if (at < table->paths.count && order == 0) continue;
		vec_push_in(arena, &table->paths, plan->scan_columns[c]);
		vec_push_in(arena, &table->columns, &plan->columns[c]);
		for (int i = table->paths.count - 1; i > at; i--) {
			table->paths.at[i] = table->paths.at[i - 1];
			table->columns.at[i] = table->columns.at[i - 1];
		}
		table->paths.at[at] = plan->scan_columns[c];
		table->columns.at[at] = &plan->columns[c];
	}
}

static bool reads_all_alike(const TableScan *table)
{
	for (int s = 0; s < table->scans.count; s++) {
		const Plan *scan = table->scans.at[s], *first = table->scans.at[0];
		if (scan->column_count != first->column_count) return false;
		for (int c = 0; c < scan->column_count; c++)
			if (compare_paths(&scan->scan_columns[c].path, &first->scan_columns[c].path) != 0) return false;
	}
	return true;
}

static Plan *widen(PlanContext *context, Plan *plan, void *closure)
{
	if (plan->kind != PLAN_SCAN || !plan->column_count || !is_kept(plan->relation)) return plan;
	const TableScan *table = find_table(closure, plan->relation);
	if (reads_all_alike(table)) return plan;
	Plan *scan = plan_new(context, PLAN_SCAN, 0);
	*scan = *plan;
	scan->column_count = table->paths.count;
	scan->scan_columns = table->paths.at;
	scan->columns = arena_array(context->arena, PlanColumn, scan->column_count + 1);
	for (int c = 0; c < scan->column_count; c++) {
		int own = 0;
		while (own < plan->column_count && compare_paths(&plan->scan_columns[own].path, &table->paths.at[c].path) != 0) own++;
		scan->columns[c] = own < plan->column_count ? plan->columns[own] : *table->columns.at[c];
		if (own == plan->column_count) scan->columns[c].id = plan_column_new(context);
	}
	return plan_project_columns(context, scan, plan->columns, plan->column_count);
}

Plan *rule_scans(PlanContext *context, Plan *plan, Error *err)
{
	(void)err;
	TableScans all = {.context = context};
	PlanList shared = {0};
	plan_walk(plan, note_scan, &all);
	plan_shared_nodes(context->arena, plan, &shared);
	for (int i = 0; i < shared.count; i++) {
		bool seen = false;
		for (int before = 0; before < i; before++) seen |= shared.at[before]->shared == shared.at[i]->shared;
		if (!seen) plan_walk(shared.at[i]->shared, note_scan, &all);
	}
	return plan_rewrite(context, plan, widen, &all);
}
