/* WITH: a query that is used once stands where it is used; one used more often is planned once and shared; one that takes columns from
 * an outer query is planned anew at each use. How often it is used is known only when all is bound, so a use is made as PLAN_SHARED and
 * turned into a projection where it stayed the only one.
 */
#include "bind/binder.h"

enum { RECURSION_RETYPES_MAX = 4, RECURSION_STEPS_MAX = 1000000 };

bool bind_with(Binder *binder, const AstWith *with, Scope *outer)
{
	Cte *before = binder->ctes;
	for (int i = 0; i < with->ctes.count; i++) {
		const AstCte *ast = &with->ctes.at[i];
		for (Cte *other = binder->ctes; other != before; other = other->next)
			if (names_equal(other->ast->name.text, ast->name.text))
				return error_set(binder->err, ERR_DUPLICATE_ALIAS, ast->name.span, "WITH names \"%s\" twice", ast->name.text);
		Cte *cte = arena_new(binder->arena, Cte);
		cte->next = binder->ctes;
		cte->ast = ast;
		cte->outer = outer;
		cte->recursive = with->recursive;
		cte->env = with->recursive ? cte : binder->ctes;
		binder->ctes = cte;
	}
	return true;
}

static void unshare(Binder *binder, Cte *cte)
{
	if (!cte->shared || cte->uses.count != 1) return;
	Plan *use = cte->uses.at[0];
	Plan *shared = use->shared;
	PlanItem *items = arena_array(binder->arena, PlanItem, use->column_count + 1);
	for (int i = 0; i < use->column_count; i++) items[i] = (PlanItem){use->columns[i].id, plan_column_ref(binder->context, shared, use->shared_columns[i])};
	use->kind = PLAN_PROJECT;
	use->input_count = 1;
	use->inputs = arena_array(binder->arena, Plan *, 1);
	use->inputs[0] = shared;
	use->items = items;
	use->item_count = use->column_count;
	use->shared = NULL;
	use->shared_columns = NULL;
}

void close_with(Binder *binder, Cte *before)
{
	for (; binder->ctes != before; binder->ctes = binder->ctes->next) unshare(binder, binder->ctes);
}

Cte *find_cte(Binder *binder, const AstName *name)
{
	if (name->parts.count != 1) return NULL;
	for (Cte *cte = binder->ctes; cte; cte = cte->next)
		if (names_equal(cte->ast->name.text, name->parts.at[0].text)) return cte;
	return NULL;
}

static bool name_columns(Binder *binder, const AstCte *ast, Rows *rows)
{
	if (ast->columns.count > rows->column_count)
		return error_set(binder->err, ERR_SYNTAX, ast->name.span, "\"%s\" has %d columns but %d names were given", ast->name.text, rows->column_count, ast->columns.count);
	for (int i = 0; i < ast->columns.count; i++) rows->columns[i].name = ast->columns.at[i].text;
	return true;
}

/* ---- recursion ---- */

/* seed UNION [ALL] step UNION [ALL] step ...; NULL where the query has another form */
static bool recursive_terms(Binder *binder, AstBody *body, AstBodies *out, bool *all)
{
	if (body->kind != AST_BODY_SET || body->op != AST_UNION || body->by_name) return false;
	AstBody *left = body->left;
	*all = body->all;
	bool same = left->kind == AST_BODY_SET && left->op == AST_UNION && left->all == body->all && !left->by_name;
	if (same) recursive_terms(binder, left, out, all);
	else vec_push_in(binder->arena, out, left);
	vec_push_in(binder->arena, out, body->right);
	return true;
}

static Plan *recursive_node(Binder *binder, const Cte *cte, Plan *seed, const Rows *names, bool all)
{
	Plan *plan = plan_new(binder->context, PLAN_RECURSIVE, 2);
	plan->inputs[0] = seed;
	plan->span = cte->ast->name.span;
	plan->all = all;
	plan->iterations_max = RECURSION_STEPS_MAX;
	plan->column_count = seed->column_count;
	plan->columns = arena_array(binder->arena, PlanColumn, seed->column_count + 1);
	for (int i = 0; i < seed->column_count; i++)
		plan->columns[i] = (PlanColumn){plan_column_new(binder->context), names->columns[i].name, seed->columns[i].type, true};
	return plan;
}

static void rows_of_node(Binder *binder, Plan *plan, const Rows *names, Rows *out)
{
	*out = (Rows){.plan = plan, .unsorted = plan, .limit = -1, .column_count = plan->column_count};
	out->columns = arena_array(binder->arena, ScopeColumn, plan->column_count + 1);
	for (int i = 0; i < plan->column_count; i++)
		out->columns[i] = scope_column_of(binder, names->columns[i].name, plan->columns[i].id, plan->columns[i].type, plan->columns[i].nullable);
}

static Plan *all_rows(Binder *binder, Rows *rows, int count, const Rows *names)
{
	if (count == 1) return exact_columns(binder, &rows[0]);
	Plan *plan = plan_new(binder->context, PLAN_UNION, count);
	plan->columns = arena_array(binder->arena, PlanColumn, names->column_count + 1);
	plan->column_count = names->column_count;
	for (int i = 0; i < count; i++) plan->inputs[i] = exact_columns(binder, &rows[i]);
	plan->span = plan->inputs[0]->span;
	for (int c = 0; c < names->column_count; c++)
		plan->columns[c] = (PlanColumn){plan_column_new(binder->context), names->columns[c].name, plan->inputs[0]->columns[c].type, true};
	return plan;
}

static bool same_types(const Rows *a, const Rows *b)
{
	for (int i = 0; i < a->column_count; i++)
		if (!type_equal(a->columns[i].expr->type, b->columns[i].expr->type)) return false;
	return true;
}

/* The types that the steps give, where they are wider than the seed's: the seed is cast, and the steps are bound again. */
static bool settle_types(Binder *binder, Cte *cte, Rows *seed, Rows *steps, int step_count, bool *again)
{
	Rows *all = arena_array(binder->arena, Rows, step_count + 1);
	all[0] = *seed;
	memcpy(all + 1, steps, sizeof *steps * (size_t)step_count);
	if (!bring_together(binder, all, step_count + 1, cte->ast->name.span, "a recursive query")) return false;
	*again = !same_types(&all[0], seed);
	*seed = all[0];
	memcpy(steps, all + 1, sizeof *steps * (size_t)step_count);
	return true;
}

static bool bind_steps(Binder *binder, Cte *cte, AstBodies *bodies, Rows *seed, Rows *steps, int *step_count, int *seed_count, Rows *seeds)
{
	*step_count = 0;
	for (int i = *seed_count; i < bodies->count; i++) {
		Rows rows;
		int before = cte->step_uses;
		if (!bind_body(binder, bodies->at[i], cte->outer, NULL, &rows)) return false;
		if (cte->step_uses == before && *step_count == 0) {              /* another seed: its types count, too */
			seeds[(*seed_count)++] = rows;
			if (!bring_together(binder, seeds, *seed_count, cte->ast->name.span, "a recursive query")) return false;
			*seed = seeds[0];
			seed->plan = all_rows(binder, seeds, *seed_count, seeds);
			rows_of_node(binder, seed->plan, seeds, seed);
			cte->step = recursive_node(binder, cte, seed->plan, seed, cte->step->all);
		} else steps[(*step_count)++] = rows;
	}
	return true;
}

static bool refuse_endless(Binder *binder, const Cte *cte)
{
	const AstQuery *query = cte->ast->query;
	if (query->order_by.count || query->limit || query->offset)
		return REFUSE(binder, cte->ast->name.span, "ORDER BY or LIMIT of the recursive query \"%s\"", cte->ast->name.text)
			|| error_hint(binder->err, "Bound the recursion by a condition in its second part.");
	return true;
}

static bool bind_recursive(Binder *binder, Cte *cte, AstBodies *bodies, bool all, Rows *out)
{
	Rows *seeds = arena_array(binder->arena, Rows, bodies->count), *steps = arena_array(binder->arena, Rows, bodies->count);
	int seed_count = 1, step_count = 0;
	if (!bind_body(binder, bodies->at[0], cte->outer, NULL, &seeds[0])) return false;
	if (!name_columns(binder, cte->ast, &seeds[0])) return false;
	seeds[0].plan = exact_columns(binder, &seeds[0]);
	Rows seed = seeds[0];
	bool again = true;
	for (int i = 0; again; i++) {
		if (i == RECURSION_RETYPES_MAX)
			return error_set(binder->err, ERR_INVALID_RECURSION, cte->ast->name.span, "the types of \"%s\" grow with each step", cte->ast->name.text)
				|| error_hint(binder->err, "CAST the columns of both parts to one type.");
		seed.plan = exact_columns(binder, &seed);
		cte->step = recursive_node(binder, cte, seed.plan, &seed, all);
		cte->step_uses = 0;
		if (!bind_steps(binder, cte, bodies, &seed, steps, &step_count, &seed_count, seeds)) return false;
		if (step_count == 0) break;
		if (!settle_types(binder, cte, &seed, steps, step_count, &again)) return false;
	}
	if (step_count == 0 || cte->step_uses == 0) {                         /* RECURSIVE, but it is not */
		cte->step = NULL;
		return bind_query(binder, cte->ast->query, cte->outer, out) && name_columns(binder, cte->ast, out);
	}
	if (!refuse_endless(binder, cte)) return false;
	for (int i = 0; i < step_count && !all; i++) rows_in_equal_form(binder, &steps[i]);
	if (!all) rows_in_equal_form(binder, &seed);
	cte->step->inputs[0] = seed.plan;
	cte->step->inputs[1] = all_rows(binder, steps, step_count, &seed);
	if (!check_recursion(binder, cte, cte->step->inputs[1])) return false;
	rows_of_node(binder, cte->step, &seed, out);
	cte->step = NULL;
	return true;
}

/* ---- binding and using ---- */

static bool bind_cte(Binder *binder, Cte *cte, Rows *out)
{
	Cte *names = binder->ctes;
	AstQuery *query = cte->ast->query;
	AstBodies bodies = {0};
	bool all = false, done;
	binder->ctes = cte->env;
	cte->state = CTE_BINDING;
	if (cte->recursive && !query->with && recursive_terms(binder, query->body, &bodies, &all)) done = bind_recursive(binder, cte, &bodies, all, out);
	else done = bind_query(binder, query, cte->outer, out) && name_columns(binder, cte->ast, out);
	cte->state = done ? CTE_BOUND : CTE_UNBOUND;
	binder->ctes = names;
	return done;
}

static bool use_step(Binder *binder, Cte *cte, AstTable *ast, AstIdent alias, From *out)
{
	if (!cte->step) {
		error_set(binder->err, ERR_INVALID_RECURSION, ast->span, "\"%s\" names itself where its rows are not known yet", cte->ast->name.text);
		return error_hint(binder->err, "Write WITH RECURSIVE t AS (SELECT ... UNION ALL SELECT ... FROM t ...).");
	}
	cte->step_uses++;
	Plan *plan = plan_new(binder->context, PLAN_STEP_INPUT, 0);
	plan->shared = cte->step;
	plan->span = ast->span;
	plan->column_count = cte->step->column_count;
	plan->columns = arena_array(binder->arena, PlanColumn, plan->column_count + 1);
	plan->shared_columns = arena_array(binder->arena, ColumnId, plan->column_count + 1);
	Rows names = {.column_count = plan->column_count};
	names.columns = arena_array(binder->arena, ScopeColumn, plan->column_count + 1);
	for (int i = 0; i < plan->column_count; i++) {
		const PlanColumn *column = &cte->step->columns[i];
		plan->columns[i] = (PlanColumn){plan_column_new(binder->context), column->name, column->type, column->nullable};
		plan->shared_columns[i] = column->id;
		names.columns[i].name = column->name;
	}
	Rows rows;
	rows_of_node(binder, plan, &names, &rows);
	return from_rows(binder, ast, &rows, alias, out);
}

/* Columns with fields keep them: the fields are columns of the shared plan like all others. */
static ScopeColumn shared_column(Binder *binder, const Plan *use, const ScopeColumn *from)
{
	ScopeColumn column = *from;
	for (int i = 0; i < use->column_count; i++)
		if (use->shared_columns[i] == from->expr->column)
			column.expr = expr_column(binder->arena, use->columns[i].id, use->columns[i].type, use->columns[i].nullable, SPAN_NONE);
	if (from->field_count && from->fields[0].expr->kind != EXPR_COLUMN) {
		fields_from_json(binder, &column, use->span);     /* was possible where the CTE was bound */
		return column;
	}
	column.fields = arena_array(binder->arena, ScopeColumn, from->field_count + 1);
	for (int i = 0; i < from->field_count; i++) column.fields[i] = shared_column(binder, use, &from->fields[i]);
	return column;
}

static Plan *shared_use(Binder *binder, Cte *cte, Span span)
{
	Plan *shared = cte->shared, *use = plan_new(binder->context, PLAN_SHARED, 0);
	use->shared = shared;
	use->span = span;
	use->column_count = shared->column_count;
	use->columns = arena_array(binder->arena, PlanColumn, shared->column_count + 1);
	use->shared_columns = arena_array(binder->arena, ColumnId, shared->column_count + 1);
	for (int i = 0; i < shared->column_count; i++) {
		use->columns[i] = shared->columns[i];
		use->columns[i].id = plan_column_new(binder->context);
		use->shared_columns[i] = shared->columns[i].id;
	}
	vec_push_in(binder->arena, &cte->uses, use);
	return use;
}

bool use_cte(Binder *binder, Cte *cte, AstTable *ast, AstIdent alias, From *out)
{
	if (cte->state == CTE_BINDING) return use_step(binder, cte, ast, alias, out);
	if (cte->state == CTE_UNBOUND) {
		if (!bind_cte(binder, cte, &cte->rows)) return false;
		ColumnSet free = {0};
		plan_free_columns(binder->arena, cte->rows.plan, &free);
		if (column_set_is_empty(&free)) cte->shared = cte->rows.plan;
		else {                                        /* correlated: this use has the plan, the next one binds again */
			cte->state = CTE_UNBOUND;
			return from_rows(binder, ast, &cte->rows, alias, out);
		}
	}
	Plan *use = shared_use(binder, cte, ast->span);
	Rows rows = {.plan = use, .unsorted = use, .limit = -1, .column_count = cte->rows.column_count};
	rows.columns = arena_array(binder->arena, ScopeColumn, rows.column_count + 1);
	for (int i = 0; i < rows.column_count; i++) rows.columns[i] = shared_column(binder, use, &cte->rows.columns[i]);
	return from_rows(binder, ast, &rows, alias, out);
}
