/* Subqueries in expressions become joins: EXISTS and IN as conditions semi and anti joins, values left joins with at most one row (PLAN_SINGLE
 * guards where that is not certain), and their truth values, where NULL and FALSE differ, counts. LATERAL joins go the same way.
 *
 * Bottom-up: what is inside of a subquery is unnested before it is joined, so only columns of outer queries are free in it.
 */
#include "plan/unnest.h"

#include "expr/function.h"

static Plan *unnest_plan(Unnesting *unnesting, Plan *plan);

/* ---- what matters of a subquery ---- */

/* Whether a plan has rows, has nothing to do with its columns, order or duplicates. constant: 1 always, 0 never, -1 it depends. */
static Plan *strip_for_existence(Plan *plan, int *constant)
{
	for (*constant = -1;;) {
		bool cuts = plan->limit == 0 || plan->offset > 0;
		switch (plan->kind) {
		case PLAN_PROJECT: case PLAN_OVER: break;
		case PLAN_SORT: case PLAN_TOPN:
			if (plan->limit == 0) *constant = 0;
			if (cuts) return plan;
			break;
		case PLAN_AGGREGATE:
			if (plan->global) *constant = 1;
			if (plan->global || plan->grouping_set_count) return plan;
			break;
		default: return plan;
		}
		plan = plan->inputs[0];
	}
}

static Plan *strip_for_membership(Plan *plan)
{
	while (plan->kind == PLAN_SORT && plan->limit < 0 && !plan->offset) plan = plan->inputs[0];
	return plan;
}

/* ---- values ---- */

typedef struct Attached { Plan *subquery; Expr *value; } Attached;

/* A node whose expressions are rewritten: its input grows by joins. */
typedef struct Rewriting {
	Unnesting *unnesting;
	Plan *input;
	VEC(Attached) attached;               /* subqueries that are joined already */
} Rewriting;

static bool gives_one_row_at_most(Unnesting *unnesting, Plan *plan)
{
	ColumnSet outer = {0};
	plan_free_columns(unnesting->arena, plan, &outer);
	plan_derive(unnesting->context, plan);
	return facts_is_unique(unnesting->context, &plan->facts, &outer);
}

static bool gives_one_row(const Plan *plan)
{
	while (plan->kind == PLAN_PROJECT) plan = plan->inputs[0];
	return (plan->kind == PLAN_AGGREGATE && plan->global) || (plan->kind == PLAN_VALUES && plan->row_count == 1);
}

static Plan *guard(Unnesting *unnesting, Plan *plan)
{
	Plan *single = plan_new(unnesting->context, PLAN_SINGLE, 1);
	single->inputs[0] = plan;
	single->span = plan->span;
	plan_pass_columns(unnesting->context, single);
	return single;
}

/* Joins a plan of at most one row; its columns can then be read. */
static bool attach(Rewriting *rewriting, Plan *plan, Span span)
{
	Unnesting *unnesting = rewriting->unnesting;
	ColumnSet free = {0}, given = {0};
	plan_free_columns(unnesting->arena, plan, &free);
	plan_output_set(unnesting->arena, rewriting->input, &given);
	bool correlated = column_set_overlaps(&free, &given);
	Apply apply = {.left = rewriting->input, .right = plan, .kind = !correlated && gives_one_row(plan) ? JOIN_INNER : JOIN_LEFT, .span = span};
	rewriting->input = unnest_apply(unnesting, apply);
	return rewriting->input != NULL;
}

static Expr *attached_value(Rewriting *rewriting, const Plan *subquery)
{
	for (int i = 0; i < rewriting->attached.count; i++)
		if (rewriting->attached.at[i].subquery == subquery) return rewriting->attached.at[i].value;
	return NULL;
}

static Expr *scalar_value(Rewriting *rewriting, const Expr *e)
{
	Unnesting *unnesting = rewriting->unnesting;
	Expr *known = attached_value(rewriting, e->plan);
	if (known) return known;
	Plan *plan = unnest_plan(unnesting, e->plan);
	if (!plan) return NULL;
	ColumnId column = plan->columns[0].id;
	if (!gives_one_row(plan) && !gives_one_row_at_most(unnesting, plan)) plan = guard(unnesting, plan);
	if (!attach(rewriting, plan, e->span)) return NULL;
	Expr *value = plan_column_ref(unnesting->context, rewriting->input, column);
	vec_push_in(unnesting->arena, &rewriting->attached, (Attached){e->plan, value});
	return value;
}

/* ---- truth values ---- */

/* SELECT DISTINCT TRUE FROM plan: a row if there are any. Unlike a count it changes only when that does. */
static Plan *existence(Unnesting *unnesting, Plan *plan)
{
	Plan *any = plan_new(unnesting->context, PLAN_AGGREGATE, 1);
	any->inputs[0] = plan;
	any->span = plan->span;
	any->columns = arena_array(unnesting->arena, PlanColumn, 1);
	PlanColumn column = {plan_column_new(unnesting->context), "exists", TYPE(BOOLEAN), false};
	PlanItem item = {column.id, expr_bool(unnesting->arena, true)};
	return unnest_extend(unnesting, any, &item, &column, 1);
}

/* Are there rows? As a condition over what is joined. */
static Expr *any_rows(Rewriting *rewriting, Plan *plan, Span span)
{
	Unnesting *unnesting = rewriting->unnesting;
	Plan *any = existence(unnesting, plan);
	ColumnId column = any->columns[0].id;
	if (!attach(rewriting, any, span)) return NULL;
	return expr_make(unnesting->context, "is not null", plan_column_ref(unnesting->context, rewriting->input, column), NULL);
}

static Expr *compare(Unnesting *unnesting, const Expr *e, Plan *plan)
{
	Expr *all = NULL;
	for (int i = 0; i < e->arg_count; i++) {
		Expr *sides[2] = {e->args[i], plan_column_expr(unnesting->context, plan, i)};
		const char *name = e->subquery == SUBQUERY_IN ? "=" : e->function->name;
		Expr *one = expr_call(unnesting->arena, name, sides, 2, e->span, unnesting->err);
		if (!one) return NULL;
		all = expr_and(unnesting->arena, all, one);
	}
	return all;
}

/* Rows for which the comparison is (not) true, false or NULL. A copy: each count reads the plan for itself, lowering sees that it is one. */
static Expr *any_rows_where(Rewriting *rewriting, const Expr *e, const Plan *plan, const char *test)
{
	Unnesting *unnesting = rewriting->unnesting;
	Plan *rows = plan_copy(unnesting->context, plan, NULL);
	Expr *condition = compare(unnesting, e, rows);
	if (!condition) return NULL;
	if (test) condition = expr_make(unnesting->context, test, condition, NULL);
	return any_rows(rewriting, plan_filter(unnesting->context, rows, condition), e->span);
}

static Expr *null_rows(Rewriting *rewriting, const Expr *e, const Plan *plan)
{
	Unnesting *unnesting = rewriting->unnesting;
	if (e->arg_count > 1 || e->subquery != SUBQUERY_IN) return any_rows_where(rewriting, e, plan, "is null");
	/* x = y is NULL where x is and there are rows, or where a y is: neither needs to be asked for each x */
	Expr *either = NULL;
	if (plan->columns[0].nullable) {
		Plan *rows = plan_copy(unnesting->context, plan, NULL);
		Expr *is_null = expr_make(unnesting->context, "is null", plan_column_expr(unnesting->context, rows, 0), NULL);
		either = any_rows(rewriting, plan_filter(unnesting->context, rows, is_null), e->span);
		if (!either) return NULL;
	}
	if (e->args[0]->nullable) {
		int constant;
		Plan *rows = strip_for_existence(plan_copy(unnesting->context, plan, NULL), &constant);
		Expr *any = any_rows(rewriting, rows, e->span);
		if (!any) return NULL;
		either = expr_or(unnesting->arena, either, expr_and(unnesting->arena, expr_make(unnesting->context, "is null", e->args[0], NULL), any));
	}
	return either;
}

static bool compares_null(const Expr *e, const Plan *plan)
{
	for (int i = 0; i < e->arg_count; i++)
		if (e->args[i]->nullable || plan->columns[i].nullable) return true;
	return false;
}

/* x op ANY: true if any row says so, else NULL if any row is open, else false. ALL is the contrary of ANY with the contrary comparison. */
static Expr *quantified_value(Rewriting *rewriting, const Expr *e, bool null_is_false)
{
	Unnesting *unnesting = rewriting->unnesting;
	Plan *plan = unnest_plan(unnesting, e->plan);
	if (!plan) return NULL;
	plan = strip_for_membership(plan);
	bool all = e->subquery == SUBQUERY_ALL;
	Expr *decides = any_rows_where(rewriting, e, plan, all ? "is false" : NULL);
	if (!decides) return NULL;
	Expr *value = all ? expr_not(unnesting->arena, decides) : decides;
	if (compares_null(e, plan) && !(null_is_false && !all && !e->negated)) {
		Expr *open = null_rows(rewriting, e, plan);
		if (!open) return NULL;
		Expr *branches[5] = {decides, expr_bool(unnesting->arena, !all), open, expr_null(unnesting->arena, TYPE(BOOLEAN)), expr_bool(unnesting->arena, all)};
		value = expr_case(unnesting->arena, branches, 5, e->span, unnesting->err);
	}
	return value && e->negated ? expr_not(unnesting->arena, value) : value;
}

static Expr *exists_value(Rewriting *rewriting, const Expr *e)
{
	Unnesting *unnesting = rewriting->unnesting;
	int constant;
	Plan *plan = unnest_plan(unnesting, e->plan);
	if (!plan) return NULL;
	plan = strip_for_existence(plan, &constant);
	Expr *value = constant >= 0 ? expr_bool(unnesting->arena, constant) : any_rows(rewriting, plan, e->span);
	return value && e->negated ? expr_not(unnesting->arena, value) : value;
}

/* ---- expressions ---- */

static Expr *rewrite_expr(Rewriting *rewriting, Expr *e, bool null_is_false);

static Expr *rewrite_args(Rewriting *rewriting, Expr *e, bool null_is_false)
{
	Expr *copy = e;
	for (int i = 0; i < e->arg_count; i++) {
		Expr *arg = rewrite_expr(rewriting, e->args[i], null_is_false);
		if (!arg) return NULL;
		if (arg == e->args[i]) continue;
		if (copy == e) {
			copy = arena_copy(rewriting->unnesting->arena, e, sizeof *e);
			copy->args = arena_copy(rewriting->unnesting->arena, e->args, sizeof *e->args * (size_t)e->arg_count);
		}
		copy->args[i] = arg;
	}
	return copy;
}

static Expr *rewrite_expr(Rewriting *rewriting, Expr *e, bool null_is_false)
{
	if (!expr_has_subquery(e)) return e;
	bool passes = e->kind == EXPR_AND || e->kind == EXPR_OR;
	e = rewrite_args(rewriting, e, null_is_false && passes);
	if (!e || e->kind != EXPR_SUBQUERY) return e;
	switch (e->subquery) {
	case SUBQUERY_SCALAR: return scalar_value(rewriting, e);
	case SUBQUERY_EXISTS: return exists_value(rewriting, e);
	default: return quantified_value(rewriting, e, null_is_false);
	}
}

/* ---- conditions ---- */

/* A conjunct that is a semi or anti join: a subquery form alone, maybe negated. */
static const Expr *as_subquery(const Expr *e, bool *negated)
{
	*negated = false;
	while (expr_is_call(e, "not")) {
		*negated = !*negated;
		e = e->args[0];
	}
	if (e->kind != EXPR_SUBQUERY || e->subquery == SUBQUERY_SCALAR) return NULL;
	*negated ^= e->negated;
	return e;
}

static bool join_exists(Rewriting *rewriting, const Expr *e, bool negated, Exprs *conditions)
{
	Unnesting *unnesting = rewriting->unnesting;
	int constant;
	Plan *plan = unnest_plan(unnesting, e->plan);
	if (!plan) return false;
	plan = strip_for_existence(plan, &constant);
	if (constant >= 0) {
		vec_push_in(unnesting->arena, conditions, expr_bool(unnesting->arena, (constant == 1) != negated));
		return true;
	}
	rewriting->input = unnest_apply(unnesting, (Apply){.left = rewriting->input, .right = plan, .kind = negated ? JOIN_ANTI : JOIN_SEMI, .span = e->span});
	return rewriting->input != NULL;
}

/* ---- NOT IN ---- */

static bool is_plain_not_in(Unnesting *unnesting, const Expr *e, Plan *input, Plan *plan)
{
	return e->subquery == SUBQUERY_IN && e->arg_count == 1 && !unnest_outer(unnesting, input, plan).count;
}

/* SELECT count(*) FROM plan */
static Plan *count_rows(Unnesting *unnesting, Plan *plan)
{
	Plan *groups = plan_new(unnesting->context, PLAN_AGGREGATE, 1);
	const Aggregate *count = aggregate_resolve(unnesting->arena, "count", NULL, 0, true, SPAN_NONE, unnesting->err);
	groups->inputs[0] = plan;
	groups->span = plan->span;
	groups->global = true;
	groups->calls = arena_array(unnesting->arena, PlanCall, 1);
	groups->columns = arena_array(unnesting->arena, PlanColumn, 1);
	groups->call_count = groups->column_count = 1;
	ColumnId id = plan_column_new(unnesting->context);
	groups->calls[0] = (PlanCall){id, {.aggregate = count, .type = TYPE(INTEGER)}};
	groups->columns[0] = (PlanColumn){id, "count", TYPE(INTEGER), false};
	return groups;
}

/* SELECT DISTINCT count(*) = 0, count(y) < count(*) FROM plan: one row, which changes seldom. DISTINCT nets what the counts go through. */
static Plan *emptiness(Unnesting *unnesting, const Plan *rows)
{
	PlanContext *context = unnesting->context;
	Plan *plan = plan_copy(context, rows, NULL);
	Plan *groups = count_rows(unnesting, plan);
	Expr *y = plan_column_expr(context, plan, 0);
	const Aggregate *count = aggregate_resolve(unnesting->arena, "count", &y, 1, false, SPAN_NONE, unnesting->err);
	if (!count) return NULL;
	PlanCall *calls = arena_array(unnesting->arena, PlanCall, 2);
	PlanColumn *columns = arena_array(unnesting->arena, PlanColumn, 2);
	Expr **args = arena_array(unnesting->arena, Expr *, 1);
	args[0] = y;
	calls[0] = groups->calls[0];
	columns[0] = groups->columns[0];
	columns[1] = (PlanColumn){plan_column_new(context), "count", TYPE(INTEGER), false};
	calls[1] = (PlanCall){columns[1].id, {.aggregate = count, .args = args, .arg_count = 1, .type = TYPE(INTEGER)}};
	groups->calls = calls;
	groups->columns = columns;
	groups->call_count = groups->column_count = 2;
	Plan *distinct = plan_new(context, PLAN_AGGREGATE, 1);
	Expr *n = plan_column_expr(context, groups, 0), *known = plan_column_expr(context, groups, 1);
	distinct->inputs[0] = groups;
	distinct->span = rows->span;
	distinct->items = arena_array(unnesting->arena, PlanItem, 2);
	distinct->columns = arena_array(unnesting->arena, PlanColumn, 2);
	distinct->item_count = distinct->column_count = 2;
	Expr *items[2] = {expr_make(context, "=", n, expr_int(unnesting->arena, 0)), expr_make(context, "<", known, n)};
	for (int i = 0; i < 2; i++) {
		distinct->columns[i] = (PlanColumn){plan_column_new(context), i ? "has_null" : "is_empty", TYPE(BOOLEAN), false};
		distinct->items[i] = (PlanItem){distinct->columns[i].id, items[i]};
	}
	return distinct;
}

/* x NOT IN (SELECT y): no y is x, and there is no y at all or neither x nor a y is NULL. */
static bool join_not_in(Rewriting *rewriting, const Expr *e, Plan *plan)
{
	Unnesting *unnesting = rewriting->unnesting;
	PlanContext *context = unnesting->context;
	Plan *empty = emptiness(unnesting, plan);
	Expr *condition = empty ? compare(unnesting, e, plan) : NULL;
	if (!condition) return false;
	Apply anti = {.left = rewriting->input, .right = plan, .kind = JOIN_ANTI, .condition = condition, .span = e->span};
	if (!(rewriting->input = unnest_apply(unnesting, anti))) return false;
	ColumnId is_empty = empty->columns[0].id, has_null = empty->columns[1].id;
	rewriting->input = unnest_join(unnesting, JOIN_INNER, rewriting->input, empty, NULL, e->span);
	Expr *no_null = expr_not(unnesting->arena, plan_column_ref(context, rewriting->input, has_null));
	Expr *known = expr_and(unnesting->arena, expr_make(context, "is not null", e->args[0], NULL), no_null);
	rewriting->input = plan_filter(context, rewriting->input, expr_or(unnesting->arena, plan_column_ref(context, rewriting->input, is_empty), known));
	return true;
}

/* Which rows of the subquery decide, as the condition of a semi or anti join. ANY: a true row decides for it; against it only if no row is true
 * or open. ALL: likewise with false rows. */
static bool join_quantified(Rewriting *rewriting, const Expr *e, bool negated)
{
	Unnesting *unnesting = rewriting->unnesting;
	Plan *plan = unnest_plan(unnesting, e->plan);
	if (!plan) return false;
	plan = strip_for_membership(plan);
	bool all = e->subquery == SUBQUERY_ALL, open = compares_null(e, plan);
	JoinKind kind = all != negated ? JOIN_ANTI : JOIN_SEMI;
	if (kind == JOIN_ANTI && open && !all && is_plain_not_in(unnesting, e, rewriting->input, plan)) return join_not_in(rewriting, e, plan);
	Expr *condition = compare(unnesting, e, plan);
	if (!condition) return false;
	if (all && kind == JOIN_SEMI) condition = expr_make(unnesting->context, "is false", condition, NULL);
	else if (all) condition = expr_make(unnesting->context, "is not true", condition, NULL);
	else if (kind == JOIN_ANTI && open) condition = expr_make(unnesting->context, "is not false", condition, NULL);
	rewriting->input = unnest_apply(unnesting, (Apply){.left = rewriting->input, .right = plan, .kind = kind, .condition = condition, .span = e->span});
	return rewriting->input != NULL;
}

/* Left sides of IN may hold subqueries themselves. */
static bool join_condition(Rewriting *rewriting, const Expr *e, bool negated, Exprs *conditions)
{
	Expr *with_args = rewrite_args(rewriting, (Expr *)e, false);
	if (!with_args) return false;
	return e->subquery == SUBQUERY_EXISTS ? join_exists(rewriting, with_args, negated, conditions) : join_quantified(rewriting, with_args, negated);
}

static Plan *unnest_filter(Unnesting *unnesting, Plan *plan)
{
	Exprs conjuncts = {0}, plain = {0}, conditions = {0};
	PlanColumn *columns = plan->columns;
	int count = plan->column_count;
	expr_conjuncts(unnesting->arena, plan->condition, &conjuncts);
	for (int i = 0; i < conjuncts.count; i++)
		if (!expr_has_subquery(conjuncts.at[i])) vec_push_in(unnesting->arena, &plain, conjuncts.at[i]);
	Rewriting rewriting = {.unnesting = unnesting};
	rewriting.input = plan_filter(unnesting->context, plan->inputs[0], expr_conjunction(unnesting->arena, plain.at, plain.count));
	for (int i = 0; i < conjuncts.count; i++) {
		bool negated;
		if (!expr_has_subquery(conjuncts.at[i])) continue;
		const Expr *subquery = as_subquery(conjuncts.at[i], &negated);
		if (subquery) {
			if (!join_condition(&rewriting, subquery, negated, &conditions)) return NULL;
			continue;
		}
		Expr *e = rewrite_expr(&rewriting, conjuncts.at[i], true);
		if (!e) return NULL;
		vec_push_in(unnesting->arena, &conditions, e);
	}
	Plan *filtered = plan_filter(unnesting->context, rewriting.input, expr_conjunction(unnesting->arena, conditions.at, conditions.count));
	return filtered->column_count == count ? filtered : plan_project_columns(unnesting->context, filtered, columns, count);
}

/* ---- nodes ---- */

typedef struct SlotRewriting { Rewriting *rewriting; bool failed; } SlotRewriting;

static void rewrite_slot(Expr **slot, void *context)
{
	SlotRewriting *to = context;
	if (to->failed || !expr_has_subquery(*slot)) return;
	Expr *e = rewrite_expr(to->rewriting, *slot, false);
	if (e) *slot = e;
	else to->failed = true;
}

typedef struct SlotSearch { bool found; } SlotSearch;

static void search_slot(Expr **slot, void *context) { ((SlotSearch *)context)->found |= expr_has_subquery(*slot); }

static bool has_subqueries(Plan *plan)
{
	SlotSearch search = {false};
	plan_slots(plan, search_slot, &search);
	return search.found;
}

static int made_columns(const Plan *plan)
{
	switch (plan->kind) {
	case PLAN_PROJECT: case PLAN_AGGREGATE: return -1;
	default: return plan->column_count - plan->inputs[0]->column_count;
	}
}

/* Subqueries in any other node's expressions: values joined to its input. What the node gives out stays the same. */
static Plan *unnest_slots(Unnesting *unnesting, Plan *plan)
{
	Rewriting rewriting = {.unnesting = unnesting, .input = plan->inputs[0]};
	SlotRewriting slots = {&rewriting, false};
	int made = made_columns(plan), count = plan->column_count;
	PlanColumn *columns = plan->columns;
	plan_slots(plan, rewrite_slot, &slots);
	if (slots.failed) return NULL;
	const Plan *input = plan->inputs[0] = rewriting.input;
	if (made < 0) return plan;
	plan->columns = arena_array(unnesting->arena, PlanColumn, input->column_count + made + 1);
	copy_bytes(plan->columns, input->columns, sizeof *columns * (size_t)input->column_count);
	copy_bytes(plan->columns + input->column_count, columns + count - made, sizeof *columns * (size_t)made);
	plan->column_count = input->column_count + made;
	return plan->column_count == count ? plan : plan_project_columns(unnesting->context, plan, columns, count);
}

/* ---- joins ---- */

static bool reads_only(Unnesting *unnesting, const Expr *e, const Plan *side, const Plan *other)
{
	ColumnSet read = {0}, forbidden = {0};
	(void)side;
	expr_column_set(unnesting->arena, e, &read);
	plan_output_set(unnesting->arena, other, &forbidden);
	return !column_set_overlaps(&read, &forbidden);
}

static bool reads_both(Unnesting *unnesting, const Expr *e, const Plan *join)
{
	return !reads_only(unnesting, e, join->inputs[1], join->inputs[0]) && !reads_only(unnesting, e, join->inputs[0], join->inputs[1]);
}

/* A condition with a subquery in ON of a join that is not inner: it is worked out on the one side that it reads. */
static bool unnest_on_conjunct(Unnesting *unnesting, Plan *join, Expr **e)
{
	int side = reads_only(unnesting, *e, join->inputs[1], join->inputs[0]) ? 1 : 0;
	if (side == 0 && reads_both(unnesting, *e, join)) return error_set(unnesting->err, ERR_UNSUPPORTED, (*e)->span, "a subquery over both sides of this join in its ON");
	Rewriting rewriting = {.unnesting = unnesting, .input = join->inputs[side]};
	*e = rewrite_expr(&rewriting, *e, true);
	join->inputs[side] = rewriting.input;
	return *e != NULL;
}

/* Of an outer join where a subquery reads both sides: LEFT JOIN LATERAL (the rows of the right side for which it holds). */
static bool move_into_right(Unnesting *unnesting, Plan *join)
{
	Exprs conjuncts = {0}, stay = {0}, move = {0};
	if (join->join_form != JOIN_FORM_PLAIN || join->join == JOIN_INNER || join->join == JOIN_FULL) return true;
	expr_conjuncts(unnesting->arena, join->condition, &conjuncts);
	for (int i = 0; i < conjuncts.count; i++) {
		bool moves = expr_has_subquery(conjuncts.at[i]) && (join->dependent || reads_both(unnesting, conjuncts.at[i], join));
		vec_push_in(unnesting->arena, moves ? &move : &stay, conjuncts.at[i]);
	}
	if (!move.count) return true;
	if (join->join == JOIN_RIGHT) {
		Plan *left = join->inputs[0];
		join->inputs[0] = join->inputs[1];
		join->inputs[1] = left;
		join->join = JOIN_LEFT;
		plan_join_columns(unnesting->context, join);
	}
	Plan *right = plan_filter(unnesting->context, join->inputs[1], expr_conjunction(unnesting->arena, move.at, move.count));
	join->inputs[1] = unnest_filter(unnesting, right);
	join->condition = expr_conjunction(unnesting->arena, stay.at, stay.count);
	join->dependent = true;
	return join->inputs[1] != NULL;
}

static Plan *unnest_on(Unnesting *unnesting, Plan *join)
{
	Exprs conjuncts = {0}, plain = {0}, above = {0};
	PlanColumn *columns = join->columns;
	int count = join->column_count;
	bool inner = join->join == JOIN_INNER && join->join_form == JOIN_FORM_PLAIN;
	expr_conjuncts(unnesting->arena, join->condition, &conjuncts);
	for (int i = 0; i < conjuncts.count; i++) {
		Expr *e = conjuncts.at[i];
		if (expr_has_subquery(e) && inner) { vec_push_in(unnesting->arena, &above, e); continue; }
		if (expr_has_subquery(e) && !unnest_on_conjunct(unnesting, join, &e)) return NULL;
		vec_push_in(unnesting->arena, &plain, e);
	}
	join->condition = expr_conjunction(unnesting->arena, plain.at, plain.count);
	if (join->time_of && expr_has_subquery(join->time_of)) {
		error_set(unnesting->err, ERR_UNSUPPORTED, join->span, "a subquery in FOR SYSTEM_TIME AS OF");
		return NULL;
	}
	plan_join_columns(unnesting->context, join);
	if (!above.count) return join->column_count == count ? join : plan_project_columns(unnesting->context, join, columns, count);
	Plan *filter = plan_filter(unnesting->context, join, expr_conjunction(unnesting->arena, above.at, above.count));
	return filter;
}

static Plan *unnest_dependent(Unnesting *unnesting, Plan *plan)
{
	PlanColumn *columns = plan->columns;
	int count = plan->column_count;
	Apply apply = {.left = plan->inputs[0], .right = plan->inputs[1], .kind = plan->join, .condition = plan->condition, .span = plan->span};
	Plan *join = unnest_apply(unnesting, apply);
	return join ? plan_project_columns(unnesting->context, join, columns, count) : NULL;
}

static Plan *unnest_join_node(Unnesting *unnesting, Plan *plan);

static bool is_full_over_both(Unnesting *unnesting, const Plan *join)
{
	Exprs conjuncts = {0};
	bool both = false;
	if (join->join != JOIN_FULL || join->join_form != JOIN_FORM_PLAIN || join->dependent) return false;
	expr_conjuncts(unnesting->arena, join->condition, &conjuncts);
	for (int i = 0; i < conjuncts.count; i++) both |= expr_has_subquery(conjuncts.at[i]) && reads_both(unnesting, conjuncts.at[i], join);
	return both;
}

static Plan *unnest_full_join(Unnesting *unnesting, Plan *plan)
{
	Plan *parts[2];
	Plan *split = unnest_split_full(unnesting->context, plan, parts);
	for (int k = 0; k < 2; k++)
		if (!(parts[k]->inputs[0] = unnest_join_node(unnesting, parts[k]->inputs[0]))) return NULL;
	return split;
}

static Plan *unnest_join_node(Unnesting *unnesting, Plan *plan)
{
	if (has_subqueries(plan) && is_full_over_both(unnesting, plan)) return unnest_full_join(unnesting, plan);
	Expr *above = NULL;
	PlanColumn *columns = plan->columns;
	int count = plan->column_count;
	bool was_right = plan->join == JOIN_RIGHT;
	if (has_subqueries(plan) && !move_into_right(unnesting, plan)) return NULL;
	if (was_right && plan->join == JOIN_LEFT) {
		Plan *left = unnest_join_node(unnesting, plan);
		return left ? plan_project_columns(unnesting->context, left, columns, count) : NULL;
	}
	if (has_subqueries(plan)) {
		bool was_dependent = plan->dependent;
		Plan *on = unnest_on(unnesting, plan);
		if (!on) return NULL;
		if (on->kind == PLAN_FILTER) above = on->condition;
		else if (on != plan && was_dependent) {
			error_set(unnesting->err, ERR_UNSUPPORTED, plan->span, "a subquery in ON of a LATERAL join");
			return NULL;
		}
		else if (on != plan) return on;
		plan->dependent = was_dependent;
	}
	if (plan->dependent) {
		Outer outer = unnest_outer(unnesting, plan->inputs[0], plan->inputs[1]);
		plan->dependent = false;
		if (outer.count && !(plan = unnest_dependent(unnesting, plan))) return NULL;
	}
	return above ? unnest_filter(unnesting, plan_filter(unnesting->context, plan, above)) : plan;
}

/* ---- the tree ---- */

static Plan *unnest_plan(Unnesting *unnesting, Plan *plan)
{
	for (int i = 0; i < plan->input_count; i++)
		if (!(plan->inputs[i] = unnest_plan(unnesting, plan->inputs[i]))) return NULL;
	if (plan->kind == PLAN_JOIN) return unnest_join_node(unnesting, plan);
	if (!has_subqueries(plan)) return plan;
	return plan->kind == PLAN_FILTER ? unnest_filter(unnesting, plan) : unnest_slots(unnesting, plan);
}

/* Subquery plans are changed where they stand, so one that stands in two nodes is copied first. */
typedef struct Standing { const Plan *subquery; const Plan *node; } Standing;
typedef struct Separating { PlanContext *context; VEC(Standing) seen; const Plan *node; } Separating;

static Expr *separate_expr(Expr *e, void *context)
{
	Separating *separating = context;
	if (e->kind != EXPR_SUBQUERY) return NULL;
	for (int i = 0; i < separating->seen.count; i++) {
		if (separating->seen.at[i].subquery != e->plan) continue;
		if (separating->seen.at[i].node == separating->node) return NULL;
		Expr *copy = arena_copy(separating->context->arena, e, sizeof *e);
		copy->plan = plan_copy(separating->context, e->plan, NULL);
		return copy;
	}
	Standing standing = {e->plan, separating->node};
	vec_push_in(separating->context->arena, &separating->seen, standing);
	return NULL;
}

static void separate(Separating *separating, Plan *plan);

static bool separate_inside(Expr *e, void *context)
{
	if (e->kind == EXPR_SUBQUERY) separate(context, e->plan);
	return true;
}

static void separate_slot(Expr **slot, void *context)
{
	Separating *separating = context;
	if (!expr_has_subquery(*slot)) return;
	const Plan *node = separating->node;
	*slot = expr_rewrite(separating->context->arena, *slot, separate_expr, separating);
	expr_walk(*slot, separate_inside, separating);
	separating->node = node;
}

static void separate(Separating *separating, Plan *plan)
{
	for (int i = 0; i < plan->input_count; i++) separate(separating, plan->inputs[i]);
	separating->node = plan;
	plan_slots(plan, separate_slot, separating);
}

/* ---- the rule ---- */

typedef struct SharedUnnesting { Unnesting *unnesting; bool failed; } SharedUnnesting;

static Plan *unnest_shared(PlanContext *context, Plan *plan, void *closure)
{
	SharedUnnesting *to = closure;
	(void)context;
	Plan *unnested = to->failed ? NULL : unnest_plan(to->unnesting, plan);
	if (!unnested) to->failed = true;
	return unnested ? unnested : plan;
}

/* Shared plans used inside of subqueries are only seen when those have become joins. */
static bool has_any_subquery(Plan *plan)
{
	if (has_subqueries(plan) || plan->dependent) return true;
	for (int i = 0; i < plan->input_count; i++)
		if (has_any_subquery(plan->inputs[i])) return true;
	return false;
}

static bool shared_are_done(PlanContext *context, Plan *plan)
{
	PlanList nodes = {0};
	plan_shared_nodes(context->arena, plan, &nodes);
	for (int i = 0; i < nodes.count; i++)
		if (has_any_subquery(nodes.at[i]->shared)) return false;
	return true;
}

Plan *rule_unnest(PlanContext *context, Plan *plan, Error *err)
{
	Unnesting unnesting = {context, context->arena, err};
	Separating separating = {.context = context};
	separate(&separating, plan);
	if (!(plan = unnest_plan(&unnesting, plan))) return NULL;
	while (!shared_are_done(context, plan)) {
		SharedUnnesting shared = {&unnesting, false};
		plan_rewrite_shared(context, plan, unnest_shared, &shared);
		if (shared.failed) return NULL;
	}
	return plan;
}
