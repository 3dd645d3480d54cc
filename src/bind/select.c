/* SELECT: its clauses in the order in which they mean something, and the plan from FROM up.
 *
 *     FROM -> WHERE -> [window of GROUP BY] -> GROUP BY -> HAVING -> OVER -> QUALIFY -> items -> DISTINCT -> ORDER BY, LIMIT
 *
 * All expressions are bound before the plan above WHERE is made, since any of them may add an aggregate or a window call.
 */
#include "bind/binder.h"

/* A sort key or a DISTINCT ON expression: a column that is shown, or an expression that is projected only for it. */
typedef struct Term { int item; Expr *expr; SortSpec spec; } Term;

typedef struct Making {
	Select *select;
	const AstQuery *around;       /* its ORDER BY and LIMIT belong to this SELECT; NULL: none */
	VEC(Term) order;
	VEC(Term) distinct_on;
	Expr *having, *qualify;
	VEC(PlanItem) projected;
	VEC(PlanColumn) columns;
} Making;

/* ---- items ---- */

static const char *item_name(const SelectItem *item)
{
	if (item->ast && item->ast->alias.text) return item->ast->alias.text;
	const AstExpr *ast = item->expr_ast;
	if (ast->kind == AST_FIELD) return ast->field.text;
	if (is_field_arrow(ast) && item->column.name) return item->column.name;
	if (ast->kind == AST_COLUMN) {
		const char *written = ast->path.at[ast->path.count - 1].text;
		return item->column.name && names_equal(item->column.name, written) ? item->column.name : written;
	}
	return item->ast && item->ast->text ? item->ast->text : "?column?";
}

static bool add_item(Select *select, const AstItem *ast)
{
	Binder *binder = select->binder;
	if (ast->expr->kind == AST_STAR) return add_star(select, ast->expr);
	SelectItem item = {.ast = ast, .expr_ast = ast->expr, .span = ast->span};
	for (int i = 0; i < select->keys.count && !item.expr; i++) {
		if (select->keys.at[i].ast != ast->expr || ast->expr->kind == AST_COLUMN) continue;
		item.expr = select->keys.at[i].expr;              /* GROUP BY 1 means this very expression */
		item.column = (ScopeColumn){.expr = item.expr, .declared = item.expr->type};
	}
	Clause clause = {.binder = binder, .scope = &select->scope, .select = select, .name = "SELECT", .aggregates = true, .windows = true};
	if (!item.expr && !bind_column_like(&clause, ast->expr, &item.column)) return false;
	item.expr = item.column.expr;
	item.name = item_name(&item);
	vec_push_in(binder->arena, &select->items, item);
	return true;
}

/* Stars become columns and what has no name gets one, so that the printed definition means the same whatever comes later. */
static void write_back(Select *select)
{
	Binder *binder = select->binder;
	AstItems items = {0};
	for (int i = 0; i < select->items.count; i++) {
		const SelectItem *item = &select->items.at[i];
		AstItem out = item->ast ? *item->ast : (AstItem){.expr = (AstExpr *)item->expr_ast, .span = item->span};
		bool named = out.alias.text || (out.expr->kind == AST_COLUMN && strcmp(out.expr->path.at[out.expr->path.count - 1].text, item->name) == 0);
		if (!named) out.alias = (AstIdent){item->name, out.span, true};
		vec_push_in(binder->arena, &items, out);
	}
	select->ast->items = items;
}

/* ---- ORDER BY, DISTINCT ON ---- */

/* The shown column that a term means: by its number, or by its name. -1: none; -2: err. */
static int item_meant(Select *select, const AstExpr *ast, const char *clause)
{
	if (ast->kind == AST_LITERAL && ast->literal == AST_INTEGER) {
		int64_t number;
		if (!constant_integer(select->binder, ast, clause, &number, NULL)) return -2;
		if (number >= 1 && number <= select->items.count) return (int)number - 1;
		error_set(select->binder->err, ERR_UNDEFINED_COLUMN, ast->span, "%s %lld is no column of SELECT", clause, (long long)number);
		return -2;
	}
	if (ast->kind != AST_COLUMN || ast->path.count != 1) return -1;
	int found = -1;
	for (int i = 0; i < select->items.count; i++) {
		const SelectItem *item = &select->items.at[i];
		if (!names_equal(item->name, ast->path.at[0].text)) continue;
		if (item->ast && item->ast->alias.text) return i;
		if (found < 0) found = i;
	}
	return found;
}

static bool bind_term(Making *making, const AstExpr *ast, const char *name, Term *out)
{
	Select *select = making->select;
	Binder *binder = select->binder;
	const AstExpr *plain = without_collation(ast);
	out->item = item_meant(select, plain, name);
	if (out->item == -2) return false;
	Clause clause = {.binder = binder, .scope = &select->scope, .select = select, .name = name, .aggregates = true, .windows = true, .aliases = true};
	out->expr = out->item >= 0 ? select->items.at[out->item].expr : bind_expr(&clause, plain);
	if (!out->expr) return false;
	Expr *sorted = collated(binder, out->expr, ast);
	if (!sorted || !(sorted = order_form(&clause, sorted))) return false;
	if (sorted != out->expr) out->item = -1;
	out->expr = sorted;
	for (int i = 0; i < select->items.count && out->item < 0; i++)
		if (expr_equal(select->items.at[i].expr, out->expr)) out->item = i;
	return true;
}

static bool bind_terms(Making *making)
{
	const AstSelect *ast = making->select->ast;
	for (int i = 0; i < ast->distinct_on.count; i++) {
		Term term = {0};
		if (!bind_term(making, ast->distinct_on.at[i], "DISTINCT ON", &term)) return false;
		vec_push_in(making->select->binder->arena, &making->distinct_on, term);
	}
	AstOrderTerms orders = {0};
	if (making->around) orders = order_terms(making->select->binder, &making->around->order_by);
	for (int i = 0; i < orders.count; i++) {
		const AstOrderTerm *order = &orders.at[i];
		bool nulls_last = order->nulls == AST_NULLS_DEFAULT ? order->descending : order->nulls == AST_NULLS_LAST;
		Term term = {.spec = {order->descending, nulls_last}};
		if (!bind_term(making, order->expr, "ORDER BY", &term)) return false;
		if (ast->distinct && !ast->distinct_on.count && expr_is_call(term.expr, "json_order"))
			return REFUSE(making->select->binder, order->expr->span, "SELECT DISTINCT in the order of an array or row");
		if (ast->distinct && !ast->distinct_on.count && term.item < 0 && !expr_is_constant(term.expr)) {
			error_set(making->select->binder->err, ERR_GROUPING, order->expr->span, "ORDER BY of SELECT DISTINCT must be a column that is selected");
			return false;
		}
		vec_push_in(making->select->binder->arena, &making->order, term);
	}
	return true;
}

/* ---- binding all clauses ---- */

static bool bind_conditions(Making *making)
{
	Select *select = making->select;
	Clause clause = {.binder = select->binder, .scope = &select->scope, .select = select, .name = "HAVING", .aggregates = true, .aliases = true};
	if (select->ast->having && !(making->having = bind_condition(&clause, select->ast->having))) return false;
	clause.name = "QUALIFY";
	clause.windows = true;
	return !select->ast->qualify || (making->qualify = bind_condition(&clause, select->ast->qualify));
}

static bool bind_where(Select *select)
{
	if (!select->ast->where) return true;
	Clause clause = {.binder = select->binder, .scope = &select->scope, .select = select, .name = "WHERE", .aliases = true};
	Expr *condition = bind_condition(&clause, select->ast->where);
	if (condition) condition = null_as_false(select->binder, condition);
	if (!condition) return false;
	select->plan = plan_filter(select->binder->context, select->plan, condition);
	return true;
}

static Plan *one_row(Binder *binder, Span span)
{
	Plan *plan = plan_new(binder->context, PLAN_VALUES, 0);
	plan->row_count = 1;
	plan->span = span;
	plan->columns = arena_array(binder->arena, PlanColumn, 1);
	return plan;
}

static bool bind_select_from(Select *select, Scope *outer)
{
	Binder *binder = select->binder;
	From from = {0};
	if (!select->ast->from) from.plan = one_row(binder, select->ast->span);
	else if (!bind_from(binder, select->ast->from, NULL, outer, &from)) return false;
	select->plan = from.plan;
	for (int i = 0; i < from.tables.count; i++) vec_push_in(binder->arena, &select->scope.tables, from.tables.at[i]);
	for (int i = 0; i < from.merged.count; i++) vec_push_in(binder->arena, &select->scope.merged, from.merged.at[i]);
	return true;
}

/* ksqlDB's PARTITION BY says which column is the key of the topic that is made: here a view is made, whose rows are the same. */
static bool bind_partition_by(Select *select)
{
	Binder *binder = select->binder;
	const AstExprs *by = &select->ast->partition_by;
	Clause clause = {.binder = binder, .scope = &select->scope, .select = select, .name = "PARTITION BY", .aliases = true};
	for (int i = 0; i < by->count; i++)
		if (!bind_expr(&clause, by->at[i])) return false;
	if (by->count) notice(binder, "PARTITION BY is passed over: the result is a view in the file, no topic");
	return true;
}

static bool bind_clauses(Making *making, Scope *outer)
{
	Select *select = making->select;
	if (!bind_select_from(select, outer) || !bind_where(select) || !bind_group_by(select)) return false;
	if (!bind_partition_by(select)) return false;
	finish_group_window(select);
	if (!bind_ksql_window(select)) return false;
	for (int i = 0; i < select->ast->items.count; i++)
		if (!add_item(select, &select->ast->items.at[i])) return false;
	if (!bind_conditions(making) || !bind_terms(making)) return false;
	if (select->binder->defining) write_back(select);
	return true;
}

/* ---- the plan above WHERE ---- */

static bool regroup_term(Select *select, Term *term)
{
	if (term->item >= 0) term->expr = select->items.at[term->item].expr;
	else term->expr = regroup(select, term->expr);
	return term->expr != NULL;
}

static bool plan_groups(Making *making)
{
	Select *select = making->select;
	Binder *binder = select->binder;
	select->grouped = select->has_group_by || select->calls.count || select->ast->having;
	if (select->row_function && (select->grouped || select->overs.count))
		return REFUSE(binder, select->row_function->span, "%s() in a SELECT with aggregates or window functions", call_name(select->row_function->call))
			|| error_hint(binder->err, "Put it into FROM.");
	if (!select->grouped) return true;
	select->input = select->plan;
	if (!regroup_all(select)) return false;
	if (making->having && !(making->having = regroup(select, making->having))) return false;
	if (making->qualify && !(making->qualify = regroup(select, making->qualify))) return false;
	for (int i = 0; i < making->order.count; i++)
		if (!regroup_term(select, &making->order.at[i])) return false;
	for (int i = 0; i < making->distinct_on.count; i++)
		if (!regroup_term(select, &making->distinct_on.at[i])) return false;
	if (!(select->plan = group_plan(select, select->input))) return false;
	select->plan = plan_filter(binder->context, select->plan, making->having);
	return true;
}

/* Calls of one partition and order in one node; nodes in the order in which their first call stands. */
static Plan *plan_over_group(Select *select, Plan *input, int first, bool *done)
{
	Binder *binder = select->binder;
	const SelectOver *window = &select->overs.at[first];
	Plan *plan = plan_new(binder->context, PLAN_OVER, 1);
	plan->inputs[0] = input;
	plan->span = window->span;
	plan->partition = window->partition;
	plan->partition_count = window->partition_count;
	plan->order = window->order;
	plan->order_count = window->order_count;
	plan->over_calls = arena_array(binder->arena, PlanOverCall, select->overs.count);
	plan->columns = arena_array(binder->arena, PlanColumn, input->column_count + select->overs.count);
	memcpy(plan->columns, input->columns, sizeof *plan->columns * (size_t)input->column_count);
	plan->column_count = input->column_count;
	for (int i = first; i < select->overs.count; i++) {
		const SelectOver *over = &select->overs.at[i];
		if (done[i] || !over_same_window(window, over)) continue;
		done[i] = true;
		plan->over_calls[plan->over_call_count++] = (PlanOverCall){over->id, over->call};
		plan->columns[plan->column_count++] = (PlanColumn){over->id, NULL, over->call.aggregate.type, over->nullable};
	}
	return plan;
}

static void plan_overs(Making *making)
{
	Select *select = making->select;
	bool *done = arena_array(select->binder->arena, bool, select->overs.count + 1);
	for (int i = 0; i < select->overs.count; i++)
		if (!done[i]) select->plan = plan_over_group(select, select->plan, i, done);
	select->plan = plan_filter(select->binder->context, select->plan, making->qualify);
}

static bool is_projected(const Making *making, ColumnId id)
{
	for (int i = 0; i < making->columns.count; i++)
		if (making->columns.at[i].id == id) return true;
	return false;
}

/* A bare column keeps its number, but for a second time. */
static ColumnId project(Making *making, const char *name, Expr *expr)
{
	Binder *binder = making->select->binder;
	bool passes = expr->kind == EXPR_COLUMN && plan_column(making->select->plan, expr->column);
	if (passes) expr = arena_copy(binder->arena, expr, sizeof *expr);
	if (passes) expr->nullable = plan_column(making->select->plan, expr->column)->nullable;
	if (passes && !name) name = plan_column(making->select->plan, expr->column)->name;
	ColumnId id = passes && !is_projected(making, expr->column) ? expr->column : plan_column_new(binder->context);
	vec_push_in(binder->arena, &making->projected, (PlanItem){id, expr});
	vec_push_in(binder->arena, &making->columns, (PlanColumn){id, name, expr->type, expr->nullable});
	return id;
}

/* Fields of ROW columns pass through unseen, so that a query around this one may still name them. */
static void project_fields(Making *making, const ScopeColumn *columns, int count)
{
	for (int i = 0; i < count; i++) {
		if (columns[i].expr->kind == EXPR_COLUMN && !is_projected(making, columns[i].expr->column)) project(making, columns[i].name, columns[i].expr);
		project_fields(making, columns[i].fields, columns[i].field_count);
	}
}

static OpSortKey projected_key(Making *making, const Term *term)
{
	Select *select = making->select;
	ColumnId id = term->item >= 0 ? select->items.at[term->item].id : 0;
	for (int i = 0; i < making->projected.count && !id; i++)
		if (expr_equal(making->projected.at[i].expr, term->expr)) id = making->projected.at[i].id;
	if (!id) id = project(making, NULL, term->expr);
	return (OpSortKey){expr_column(select->binder->arena, id, term->expr->type, term->expr->nullable, term->expr->span), term->spec};
}

static Plan *projection(Making *making, Plan *input)
{
	Select *select = making->select;
	Plan *plan = plan_new(select->binder->context, PLAN_PROJECT, 1);
	plan->inputs[0] = input;
	plan->span = select->ast->span;
	plan->items = making->projected.at;
	plan->columns = making->columns.at;
	plan->item_count = plan->column_count = making->projected.count;
	return plan;
}

Plan *distinct_plan(Binder *binder, Plan *input, Span span)
{
	Plan *plan = plan_new(binder->context, PLAN_AGGREGATE, 1);
	plan->inputs[0] = input;
	plan->span = span;
	plan->item_count = input->column_count;
	plan->items = arena_array(binder->arena, PlanItem, input->column_count + 1);
	for (int i = 0; i < input->column_count; i++)
		plan->items[i] = (PlanItem){input->columns[i].id, plan_column_expr(binder->context, input, i)};
	plan_pass_columns(binder->context, plan);
	return plan;
}

static Plan *distinct_on_plan(Making *making, Plan *input, OpSortKey *order, OpSortKey *on)
{
	Binder *binder = making->select->binder;
	Plan *plan = plan_new(binder->context, PLAN_TOPN, 1);
	plan->inputs[0] = input;
	plan->span = making->select->ast->span;
	plan->partition_count = making->distinct_on.count;
	plan->partition = arena_array(binder->arena, Expr *, plan->partition_count);
	for (int i = 0; i < plan->partition_count; i++) plan->partition[i] = equal_form(binder, on[i].expr);
	plan->order = order;
	plan->order_count = making->order.count;
	plan->limit = 1;
	plan_pass_columns(binder->context, plan);
	return plan;
}

static bool name_rows(Making *making, Rows *out)
{
	Select *select = making->select;
	Binder *binder = select->binder;
	out->column_count = select->items.count;
	out->columns = arena_array(binder->arena, ScopeColumn, out->column_count ? out->column_count : 1);
	for (int i = 0; i < out->column_count; i++) {
		const SelectItem *item = &select->items.at[i];
		const PlanColumn *column = plan_column(out->plan, item->id);
		ScopeColumn *to = &out->columns[i];
		*to = item->column;
		to->name = item->name;
		to->expr = expr_column(binder->arena, item->id, column->type, column->nullable, SPAN_NONE);
		to->hidden = to->merged = false;
		bool passes = to->field_count && !select->ast->distinct && to->fields[0].expr->kind == EXPR_COLUMN;
		if (!passes && !fields_from_json(binder, to, item->span)) return false;
	}
	return true;
}

static bool plan_items(Making *making, Rows *out)
{
	Select *select = making->select;
	Binder *binder = select->binder;
	bool distinct_on = making->distinct_on.count > 0, distinct = select->ast->distinct && !distinct_on;
	for (int i = 0; i < select->items.count; i++) {
		SelectItem *item = &select->items.at[i];
		item->id = project(making, item->name, distinct ? equal_form(binder, item->expr) : item->expr);
	}
	int shown = making->projected.count;
	for (int i = 0; i < select->items.count && !distinct; i++) project_fields(making, select->items.at[i].column.fields, select->items.at[i].column.field_count);
	OpSortKey *order = arena_array(binder->arena, OpSortKey, making->order.count + 1);
	OpSortKey *on = arena_array(binder->arena, OpSortKey, making->distinct_on.count + 1);
	int keys = 0;
	for (int i = 0; i < making->order.count; i++) {
		if (making->order.at[i].item < 0 && expr_is_constant(making->order.at[i].expr)) continue;
		order[keys++] = projected_key(making, &making->order.at[i]);
	}
	making->order.count = keys;
	for (int i = 0; i < making->distinct_on.count; i++) on[i] = projected_key(making, &making->distinct_on.at[i]);
	if (distinct) making->projected.count = making->columns.count = shown;
	Plan *plan = projection(making, select->plan);
	if (distinct) plan = distinct_plan(binder, plan, select->ast->span);
	if (distinct_on) plan = distinct_on_plan(making, plan, order, on);
	out->plan = out->unsorted = plan;
	out->limit = -1;
	if (making->around) {
		if (!bind_limits(binder, making->around, out)) return false;
		out->plan = sort_plan(binder, plan, making->around, order, keys, out);
		if (!out->plan) return false;
	}
	return name_rows(making, out);
}

bool bind_select(Binder *binder, AstSelect *ast, Scope *outer, const AstQuery *around, Rows *out)
{
	Select *select = arena_new(binder->arena, Select);
	select->binder = binder;
	select->ast = ast;
	select->scope = (Scope){.outer = outer, .select = select};
	Making making = {.select = select, .around = around};
	*out = (Rows){.limit = -1};
	if (!bind_clauses(&making, outer) || !plan_groups(&making)) return false;
	plan_overs(&making);
	return plan_items(&making, out);
}

/* RETURNING: items over the columns of these relations, none of them grouped. */
bool bind_returning(Binder *binder, const AstItems *items, ScopeTable **tables, int table_count, Plan *plan, Expr ***exprs, BoundColumn **columns, int *count)
{
	AstSelect *ast = arena_new(binder->arena, AstSelect);
	AstTable *from = arena_new(binder->arena, AstTable);
	Select *select = arena_new(binder->arena, Select);
	ast->items = *items;
	ast->from = from;
	*select = (Select){.binder = binder, .ast = ast, .plan = plan, .scope.select = select};
	for (int i = 0; i < table_count; i++) vec_push_in(binder->arena, &select->scope.tables, tables[i]);
	for (int i = 0; i < items->count; i++)
		if (!add_item(select, &items->at[i])) return false;
	if (select->calls.count || select->overs.count)
		return error_set(binder->err, ERR_GROUPING, items->at[0].span, "neither aggregates nor window functions can stand in RETURNING");
	*count = select->items.count;
	*exprs = arena_array(binder->arena, Expr *, *count + 1);
	*columns = arena_array(binder->arena, BoundColumn, *count + 1);
	for (int i = 0; i < *count; i++) {
		const SelectItem *item = &select->items.at[i];
		(*exprs)[i] = item->expr;
		(*columns)[i] = (BoundColumn){item->name, item->expr->type, item->expr->nullable};
	}
	return true;
}
