/* Asserts what walk.h promises of every plan: each column that is read is given out below or comes from outside, nodes give out what their
 * kind says, types fit. Runs after each rule in builds with assertions, so that a wrong rule is caught where it is and not three rules
 * later as a wrong answer. */
#include "plan/walk.h"

#include <stdio.h>
#include <stdlib.h>

#ifndef NDEBUG

typedef struct Verifying {
	Arena arena;
	const Plan *root;
	VEC(const Plan *) shared;             /* verified */
} Verifying;

typedef struct Scope { Verifying *verifying; const Plan *plan; ColumnSet columns; } Scope;

static void check(Verifying *verifying, bool holds, const Plan *plan, const char *what)
{
	if (holds) return;
	StrBuf text = STRBUF_INIT;
	plan_print(verifying->root, false, &text);
	fprintf(stderr, "plan is not sound: %s; node:\n", what);
	fprintf(stderr, "%s", text.text);
	strbuf_clear(&text);
	plan_print(plan, false, &text);
	fprintf(stderr, "at:\n%s", text.text);
	abort();
}

static void verify(Verifying *verifying, const Plan *plan, const ColumnSet *outer);

static bool check_column(Expr *e, void *context)
{
	Scope *scope = context;
	if (e->kind == EXPR_COLUMN) check(scope->verifying, column_set_has(&scope->columns, e->column), scope->plan, "a column is read that nothing gives out");
	else if (e->kind == EXPR_SUBQUERY) verify(scope->verifying, e->plan, &scope->columns);
	else if (e->kind == EXPR_CALL) check(scope->verifying, e->function != NULL, scope->plan, "a call has no function");
	return true;
}

static void check_slot(Expr **slot, void *context) { expr_walk(*slot, check_column, context); }

static bool same_columns(const Plan *a, const Plan *b, int count)
{
	if (a->column_count < count || b->column_count < count) return false;
	for (int i = 0; i < count; i++)
		if (a->columns[i].id != b->columns[i].id || !type_equal(a->columns[i].type, b->columns[i].type)) return false;
	return true;
}

static bool passes_and_adds(const Plan *plan, int added)
{
	return plan->column_count == plan->inputs[0]->column_count + added && same_columns(plan, plan->inputs[0], plan->inputs[0]->column_count);
}

static bool join_fits(const Plan *plan)
{
	const Plan *left = plan->inputs[0], *right = plan->inputs[1];
	if (plan->join == JOIN_SEMI || plan->join == JOIN_ANTI) return passes_and_adds(plan, 0);
	if (!passes_and_adds(plan, right->column_count)) return false;
	for (int i = 0; i < right->column_count; i++)
		if (plan->columns[left->column_count + i].id != right->columns[i].id) return false;
	return true;
}

static bool items_fit(const Plan *plan)
{
	for (int i = 0; i < plan->item_count; i++) {
		if (plan->items[i].id != plan->columns[i].id) return false;
		if (!type_equal(plan->items[i].expr->type, plan->columns[i].type)) return false;
	}
	return true;
}

static bool aggregate_fits(const Plan *plan)
{
	if (plan->column_count != plan->item_count + plan->call_count + (plan->grouping_id ? 1 : 0) || !items_fit(plan)) return false;
	for (int i = 0; i < plan->call_count; i++) {
		const PlanColumn *column = &plan->columns[plan->item_count + i];
		if (plan->calls[i].id != column->id || !type_equal(plan->calls[i].call.type, column->type)) return false;
	}
	return true;
}

static bool inputs_fit_by_position(const Plan *plan)
{
	for (int i = 0; i < plan->input_count; i++) {
		if (plan->inputs[i]->column_count != plan->column_count) return false;
		for (int c = 0; c < plan->column_count; c++)
			if (!type_equal(plan->inputs[i]->columns[c].type, plan->columns[c].type)) return false;
	}
	return true;
}

static bool shared_fits(const Plan *plan)
{
	for (int i = 0; i < plan->column_count; i++) {
		const PlanColumn *from = plan_column(plan->shared, plan->shared_columns[i]);
		if (!from || !type_equal(from->type, plan->columns[i].type)) return false;
	}
	return true;
}

static bool node_fits(const Plan *plan)
{
	switch (plan->kind) {
	case PLAN_SCAN: return plan->relation && plan->input_count == 0;
	case PLAN_VALUES: return plan->input_count == 0;
	case PLAN_FILTER: return plan->condition && passes_and_adds(plan, 0);
	case PLAN_SORT: case PLAN_SINGLE: case PLAN_SETTLE: return passes_and_adds(plan, 0);
	case PLAN_MOVING: return passes_and_adds(plan, plan->item_count);
	case PLAN_PROJECT: return plan->item_count == plan->column_count && items_fit(plan);
	case PLAN_JOIN: return plan->input_count == 2 && join_fits(plan);
	case PLAN_AGGREGATE: return aggregate_fits(plan);
	case PLAN_WINDOW: return plan->time && passes_and_adds(plan, 3);
	case PLAN_OVER: return passes_and_adds(plan, plan->over_call_count);
	case PLAN_TOPN: return passes_and_adds(plan, plan->rank_column ? 1 : 0);
	case PLAN_UNION: case PLAN_SETOP: return inputs_fit_by_position(plan);
	case PLAN_RECURSIVE: return plan->input_count == 2 && inputs_fit_by_position(plan);
	case PLAN_EXPAND: return plan->column_count >= plan->inputs[0]->column_count && same_columns(plan, plan->inputs[0], plan->inputs[0]->column_count);
	case PLAN_SHARED: return shared_fits(plan);
	case PLAN_STEP_INPUT: return plan->shared && plan->shared->kind == PLAN_RECURSIVE && plan->shared->column_count == plan->column_count;
	case PLAN_KIND_COUNT: return false;
	}
	return false;
}

static bool columns_are_distinct(Verifying *verifying, const Plan *plan)
{
	ColumnSet seen = {0};
	for (int i = 0; i < plan->column_count; i++) {
		if (plan->columns[i].id <= 0 || column_set_has(&seen, plan->columns[i].id)) return false;
		column_set_add(&verifying->arena, &seen, plan->columns[i].id);
	}
	return true;
}

static void verify_shared(Verifying *verifying, const Plan *shared, const ColumnSet *outer)
{
	for (int i = 0; i < verifying->shared.count; i++)
		if (verifying->shared.at[i] == shared) return;
	vec_push_in(&verifying->arena, &verifying->shared, shared);
	verify(verifying, shared, outer);
}

static void verify(Verifying *verifying, const Plan *plan, const ColumnSet *outer)
{
	Scope scope = {verifying, plan, {0}};
	column_set_union(&verifying->arena, &scope.columns, outer);
	for (int i = 0; i < plan->input_count; i++) {
		verify(verifying, plan->inputs[i], plan->dependent && i == 1 ? &scope.columns : outer);
		plan_output_set(&verifying->arena, plan->inputs[i], &scope.columns);
	}
	if (plan->kind == PLAN_SHARED) verify_shared(verifying, plan->shared, outer);
	check(verifying, node_fits(plan), plan, "a node does not give out what its kind says");
	check(verifying, columns_are_distinct(verifying, plan), plan, "a column stands twice in a node");
	plan_slots((Plan *)plan, check_slot, &scope);
	check(verifying, !plan->settle_column || plan_column(plan, plan->settle_column), plan, "the column to settle by is not there");
}

void plan_verify(const Plan *plan)
{
	Verifying verifying = {.root = plan};
	ColumnSet outer = {0};
	arena_init(&verifying.arena, 0);
	verify(&verifying, plan, &outer);
	arena_release(&verifying.arena);
}

#else

void plan_verify(const Plan *plan) { (void)plan; }

#endif
