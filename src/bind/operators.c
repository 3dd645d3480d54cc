/* Forms that are more than one call: what can be said by comparisons, AND and OR is said so, and only subqueries stay what they are. */
#include "bind/binder.h"

#include <ctype.h>

#include "expr/aggregate.h"

#include "expr/function.h"

bool is_row(const AstExpr *ast) { return ast->kind == AST_ROW; }

static Expr *over_span(Expr *e, Span span)
{
	if (e) e->span = span;
	return e;
}

/* ---- rows ---- */

static Expr *compare_asts(Clause *clause, AstOp op, const AstExpr *left, const AstExpr *right, Span span);

/* (a, b) < (c, d): the first difference decides */
static Expr *compare_in_order(Clause *clause, AstOp op, const AstExprs *left, const AstExprs *right, int at, Span span)
{
	Binder *binder = clause->binder;
	if (at == left->count - 1) return compare_asts(clause, op, left->at[at], right->at[at], span);
	AstOp strict = op == AST_OP_LE ? AST_OP_LT : op == AST_OP_GE ? AST_OP_GT : op;
	Expr *before = compare_asts(clause, strict, left->at[at], right->at[at], span);
	Expr *equal = before ? compare_asts(clause, AST_OP_EQ, left->at[at], right->at[at], span) : NULL;
	Expr *rest = equal ? compare_in_order(clause, op, left, right, at + 1, span) : NULL;
	return rest ? expr_or(binder->arena, before, expr_and(binder->arena, equal, rest)) : NULL;
}

static Expr *compare_rows(Clause *clause, AstOp op, const AstExprs *left, const AstExprs *right, Span span)
{
	Binder *binder = clause->binder;
	if (left->count != right->count) {
		error_set(binder->err, ERR_DATATYPE_MISMATCH, span, "a row of %d values cannot be compared with one of %d", left->count, right->count);
		return NULL;
	}
	if (op >= AST_OP_LT && op <= AST_OP_GE) return compare_in_order(clause, op, left, right, 0, span);
	bool any = op == AST_OP_NE || op == AST_OP_IS_NOT;
	Expr *all = NULL;
	for (int i = 0; i < left->count; i++) {
		Expr *one = compare_asts(clause, op, left->at[i], right->at[i], span);
		if (!one) return NULL;
		all = any ? expr_or(binder->arena, all, one) : expr_and(binder->arena, all, one);
	}
	return all;
}

/* ROW(a, b) beside a value of a ROW type, as one of that type */
static Expr *row_like(Clause *clause, const AstExpr *row, const Expr *value, Span span)
{
	Type form;
	if (form_of(clause, value, &form) && form.kind == TYPE_ROW) return bind_assigned(clause, row, form);
	REFUSE(clause->binder, span, "comparing a row with what is no row");
	return NULL;
}

static Expr *compare_asts(Clause *clause, AstOp op, const AstExpr *left, const AstExpr *right, Span span)
{
	if (is_row(left) && is_row(right)) return compare_rows(clause, op, &left->args, &right->args, span);
	if (is_row(left) || is_row(right)) {
		Expr *value = bind_expr(clause, is_row(left) ? right : left);
		Expr *row = value ? row_like(clause, is_row(left) ? left : right, value, span) : NULL;
		return row ? bind_compare(clause, op, is_row(left) ? row : value, is_row(left) ? value : row, span) : NULL;
	}
	return bind_comparison(clause, op, left, right, span);
}

Expr *bind_row_comparison(Clause *clause, const AstExpr *ast)
{
	return compare_asts(clause, ast->op, ast->args.at[0], ast->args.at[1], ast->span);
}

/* ---- subqueries ---- */

static bool bind_subquery(Clause *clause, AstQuery *query, Rows *rows)
{
	Clause *before = clause->scope->looked_through;
	clause->scope->looked_through = clause;
	bool done = bind_query(clause->binder, query, clause->scope, rows);
	clause->scope->looked_through = before;
	return done;
}

static bool subquery_rows(Clause *clause, AstQuery *query, Rows *rows, Plan **plan)
{
	Binder *binder = clause->binder;
	if (!bind_subquery(clause, query, rows)) return false;
	Rows wanted = *rows;
	if (rows->limit < 0 && rows->offset == 0) wanted.plan = rows->unsorted;
	*plan = exact_columns(binder, &wanted);
	return true;
}

static Expr *subquery_expr(Clause *clause, SubqueryKind kind, Plan *plan, Type type, Span span)
{
	Expr *e = arena_new(clause->binder->arena, Expr);
	e->kind = EXPR_SUBQUERY;
	e->subquery = kind;
	e->plan = plan;
	e->type = type;
	e->nullable = kind != SUBQUERY_EXISTS;
	e->span = span;
	return e;
}

Expr *bind_scalar_subquery(Clause *clause, const AstExpr *ast)
{
	Rows rows;
	Plan *plan;
	if (!subquery_rows(clause, ast->query, &rows, &plan)) return NULL;
	if (rows.column_count != 1) {
		error_set(clause->binder->err, ERR_CARDINALITY, ast->span, "a subquery as a value must have 1 column, not %d", rows.column_count);
		return NULL;
	}
	return subquery_expr(clause, SUBQUERY_SCALAR, plan, plan->columns[0].type, ast->span);
}

Expr *bind_exists(Clause *clause, const AstExpr *ast)
{
	Rows rows;
	if (!bind_subquery(clause, ast->query, &rows)) return NULL;
	return subquery_expr(clause, SUBQUERY_EXISTS, rows.plan, TYPE(BOOLEAN), ast->span);
}

/* ARRAY(query): json_group_array() over its rows, in its order; [] where it has none */
Expr *bind_array_query(Clause *clause, const AstExpr *ast)
{
	Binder *binder = clause->binder;
	Rows rows;
	if (!bind_query(binder, ast->query, clause->scope, &rows)) return NULL;
	if (rows.column_count != 1) {
		error_set(binder->err, ERR_CARDINALITY, ast->span, "ARRAY(query) must have 1 column, not %d", rows.column_count);
		return NULL;
	}
	PlanCall *call = arena_new(binder->arena, PlanCall);
	Expr **args = arena_array(binder->arena, Expr *, 1);
	args[0] = rows.columns[0].expr;
	call->id = plan_column_new(binder->context);
	call->call = (AggregateCall){.args = args, .arg_count = 1, .type = TYPE(JSON)};
	if (!(call->call.aggregate = aggregate_resolve(binder->arena, "json_group_array", args, 1, false, ast->span, binder->err))) return NULL;
	if (rows.plan->kind == PLAN_SORT) {
		call->call.order = rows.plan->order;
		call->call.order_count = rows.plan->order_count;
	}
	Plan *plan = plan_new(binder->context, PLAN_AGGREGATE, 1);
	plan->inputs[0] = rows.plan;
	plan->span = ast->span;
	plan->calls = call;
	plan->call_count = plan->column_count = 1;
	plan->columns = arena_array(binder->arena, PlanColumn, 1);
	plan->columns[0] = (PlanColumn){call->id, "array", call->call.type, call->call.aggregate->nullable_result};
	plan->global = true;
	return subquery_expr(clause, SUBQUERY_SCALAR, plan, call->call.type, ast->span);
}

/* The plan with column i cast to types[i], where one differs. */
static Plan *cast_columns(Binder *binder, Plan *plan, Expr **wanted)
{
	bool differs = false;
	for (int i = 0; i < plan->column_count; i++)
		differs |= wanted[i]->kind != EXPR_COLUMN || wanted[i]->column != plan->columns[i].id;
	if (!differs) return plan;
	Plan *project = plan_new(binder->context, PLAN_PROJECT, 1);
	project->inputs[0] = plan;
	project->span = plan->span;
	project->item_count = project->column_count = plan->column_count;
	project->items = arena_array(binder->arena, PlanItem, plan->column_count);
	project->columns = arena_array(binder->arena, PlanColumn, plan->column_count);
	for (int i = 0; i < plan->column_count; i++) {
		ColumnId id = wanted[i]->kind == EXPR_COLUMN ? wanted[i]->column : plan_column_new(binder->context);
		project->items[i] = (PlanItem){id, wanted[i]};
		project->columns[i] = (PlanColumn){id, plan->columns[i].name, wanted[i]->type, wanted[i]->nullable};
	}
	return project;
}

/* A BLOB equals no value of another type, so of both sides it only matters whether they are NULL. */
static bool make_unequal(Binder *binder, Expr **pair)
{
	for (int i = 0; i < 2; i++) {
		Expr *is_null = expr_call(binder->arena, "is null", &pair[i], 1, pair[i]->span, binder->err);
		if (!is_null) return false;
		Expr *branches[3] = {is_null, expr_null(binder->arena, TYPE(INTEGER)), expr_int(binder->arena, i)};
		if (!(pair[i] = expr_case(binder->arena, branches, 3, pair[i]->span, binder->err))) return false;
	}
	return true;
}

static const AstExpr *side_part(const AstExpr *side, int i) { return is_row(side) ? side->args.at[i] : side; }

/* Left side and columns get common types, and the left side's collation, as = would compare them. */
static bool match_types(Clause *clause, const AstExpr *side, Expr **left, Plan **plan, Span span)
{
	Binder *binder = clause->binder;
	Expr **wanted = arena_array(binder->arena, Expr *, (*plan)->column_count);
	for (int i = 0; i < (*plan)->column_count; i++) {
		Expr *pair[2] = {left[i], plan_column_expr(binder->context, *plan, i)};
		Type type;
		bool blob = (pair[0]->type.kind == TYPE_BLOB) != (pair[1]->type.kind == TYPE_BLOB), is_null = pair[0]->type.kind == TYPE_NULL || pair[1]->type.kind == TYPE_NULL;
		if (blob && !is_null && !make_unequal(binder, pair)) return false;
		if (!expr_common_type(pair, 2, &type, binder->err)) {
			if (binder->err->span.end == 0) binder->err->span = span;
			return false;
		}
		if (!(left[i] = expr_cast(binder->arena, pair[0], type, CAST_IMPLICIT, binder->err))) return false;
		if (!(wanted[i] = expr_cast(binder->arena, pair[1], type, CAST_IMPLICIT, binder->err))) return false;
		if (!collate_sides(binder, side_part(side, i), side_part(side, i), &left[i], &wanted[i])) return false;
		if (!bring_into_form(clause, &left[i], &wanted[i], span)) return false;
	}
	*plan = cast_columns(binder, *plan, wanted);
	return true;
}

static Expr **left_side(Clause *clause, const AstExpr *ast, int *count)
{
	*count = is_row(ast) ? ast->args.count : 1;
	Expr **left = arena_array(clause->binder->arena, Expr *, *count);
	for (int i = 0; i < *count; i++)
		if (!(left[i] = bind_expr(clause, without_collation(side_part(ast, i))))) return NULL;
	return left;
}

/* What a column of a plan is: the expression of its projection, where there is one */
static const Expr *column_source(Binder *binder, const Plan *plan, int column)
{
	for (int i = 0; plan->kind == PLAN_PROJECT && i < plan->item_count; i++)
		if (plan->items[i].id == plan->columns[column].id) return plan->items[i].expr;
	return plan_column_expr(binder->context, plan, column);
}

/* Text beside numbers that have an affinity: '01' is 1, so neither type holds the other's values and = decides pair by pair. */
static bool pairs_decide(const Expr *left, const Expr *right)
{
	bool left_number = left->type.kind >= TYPE_INTEGER && left->type.kind <= TYPE_DECIMAL, right_number = right->type.kind >= TYPE_INTEGER && right->type.kind <= TYPE_DECIMAL;
	if (left->type.kind == TYPE_TEXT && right_number) return expr_has_affinity(right);
	return left_number && right->type.kind == TYPE_TEXT && expr_has_affinity(left);
}

/* x IN (plan) as x = ANY (plan) */
static Expr *in_by_pairs(Clause *clause, const AstExpr *ast, Expr **left, Plan *plan, bool negated)
{
	Binder *binder = clause->binder;
	Expr *compared = bind_compare(clause, AST_OP_EQ, left[0], plan_column_expr(binder->context, plan, 0), ast->op_span);
	if (!compared) return NULL;
	Expr *e = subquery_expr(clause, SUBQUERY_ANY, cast_columns(binder, plan, &compared->args[1]), TYPE(BOOLEAN), ast->span);
	e->function = compared->function;
	e->args = left;
	e->args[0] = compared->args[0];
	e->arg_count = 1;
	return negated ? over_span(expr_not(binder->arena, e), ast->span) : e;
}

static Expr *in_plan(Clause *clause, const AstExpr *ast, Plan *plan, bool negated)
{
	Binder *binder = clause->binder;
	int count;
	Expr **left = left_side(clause, ast->args.at[0], &count);
	if (!left) return NULL;
	if (count != plan->column_count) {
		error_set(binder->err, ERR_CARDINALITY, ast->span, "the right side of IN has %d columns but the left side has %d value%s",
			plan->column_count, count, count == 1 ? "" : "s");
		return NULL;
	}
	if (count == 1 && pairs_decide(left[0], column_source(binder, plan, 0))) return in_by_pairs(clause, ast, left, plan, negated);
	if (!match_types(clause, ast->args.at[0], left, &plan, ast->span)) return NULL;
	Expr *e = subquery_expr(clause, SUBQUERY_IN, plan, TYPE(BOOLEAN), ast->span);
	e->args = left;
	e->arg_count = count;
	e->negated = negated;
	return e;
}

/* x IN t: all rows of a relation of one column */
static Plan *relation_plan(Clause *clause, const AstExpr *ast)
{
	Binder *binder = clause->binder;
	From from = {0};
	if (!bind_relation_reference(binder, NULL, &ast->relation, ast->relation.span, &from)) return NULL;
	ScopeTable *table = from.tables.at[0];
	Rows rows = {.plan = from.plan, .unsorted = from.plan, .limit = -1};
	rows.columns = arena_array(binder->arena, ScopeColumn, table->column_count);
	for (int i = 0; i < table->column_count; i++)
		if (!table->columns[i].hidden) rows.columns[rows.column_count++] = table->columns[i];
	return exact_columns(binder, &rows);
}

/* ---- IN ---- */

static Expr *in_list(Clause *clause, const AstExpr *ast)
{
	Binder *binder = clause->binder;
	const AstExpr *left_ast = ast->args.at[0];
	if (ast->args.count == 1) {
		if (!is_row(left_ast) && !bind_expr(clause, without_collation(left_ast))) return NULL;
		return expr_bool(binder->arena, false);
	}
	if (is_row(left_ast)) {
		Expr *any = NULL;
		for (int i = 1; i < ast->args.count; i++) {
			Expr *one = compare_asts(clause, AST_OP_EQ, left_ast, ast->args.at[i], ast->args.at[i]->span);
			if (!one) return NULL;
			any = expr_or(binder->arena, any, one);
		}
		return any;
	}
	Expr **args = arena_array(binder->arena, Expr *, ast->args.count);
	for (int i = 0; i < ast->args.count; i++) {
		const AstExpr *arg = ast->args.at[i];
		if (is_row(arg)) args[i] = row_like(clause, arg, args[0], arg->span);
		else args[i] = bind_expr(clause, i ? arg : without_collation(left_ast));
		if (args[i]) args[i] = collated(binder, args[i], left_ast);
		if (!args[i] || (i && !bring_into_form(clause, &args[0], &args[i], ast->args.at[i]->span))) return NULL;
	}
	return expr_call(binder->arena, "in", args, ast->args.count, ast->span, binder->err);
}

Expr *bind_in(Clause *clause, const AstExpr *ast)
{
	Binder *binder = clause->binder;
	if (ast->query) {
		Rows rows;
		Plan *plan;
		return subquery_rows(clause, ast->query, &rows, &plan) ? in_plan(clause, ast, plan, ast->negated) : NULL;
	}
	if (ast->relation.parts.count) {
		Plan *plan = relation_plan(clause, ast);
		return plan ? in_plan(clause, ast, plan, ast->negated) : NULL;
	}
	Expr *e = in_list(clause, ast);
	if (!e) return NULL;
	return over_span(ast->negated ? expr_not(binder->arena, e) : e, ast->span);
}

/* ---- ANY, ALL ---- */

/* SELECT element FROM unnest(array) AS element */
static AstQuery *elements_query(Binder *binder, AstExpr *array)
{
	AstIdent name = {"element", array->span, false}, function = {"unnest", array->span, false};
	AstExpr *call = arena_new(binder->arena, AstExpr), *column = arena_new(binder->arena, AstExpr);
	call->kind = AST_CALL;
	call->call = arena_new(binder->arena, AstCall);
	vec_push_in(binder->arena, &call->call->name.parts, function);
	vec_push_in(binder->arena, &call->call->arguments, (AstArgument){.value = array});
	column->kind = AST_COLUMN;
	vec_push_in(binder->arena, &column->path, name);
	AstTable *table = arena_new(binder->arena, AstTable);
	*table = (AstTable){.kind = AST_TABLE_FUNCTION, .call = call, .alias = name};
	AstSelect *select = arena_new(binder->arena, AstSelect);
	select->from = table;
	vec_push_in(binder->arena, &select->items, (AstItem){.expr = column});
	AstBody *body = arena_new(binder->arena, AstBody);
	*body = (AstBody){.kind = AST_BODY_SELECT, .select = select};
	AstQuery *query = arena_new(binder->arena, AstQuery);
	query->body = body;
	query->span = body->span = select->span = table->span = call->span = call->op_span = column->span = column->op_span = array->span;
	return query;
}

/* x op ANY (ARRAY[...]) and x op ANY (1, 2) */
static Expr *quantified_list(Clause *clause, const AstExpr *ast)
{
	Binder *binder = clause->binder;
	const AstExpr *list = ast->args.at[1];
	Expr *all = NULL;
	for (int i = 0; i < list->args.count; i++) {
		Expr *one = compare_asts(clause, ast->op, ast->args.at[0], list->args.at[i], ast->span);
		if (!one) return NULL;
		all = ast->all ? expr_and(binder->arena, all, one) : expr_or(binder->arena, all, one);
	}
	return all ? all : expr_bool(binder->arena, ast->all);
}

static Expr *quantified_query(Clause *clause, const AstExpr *ast, AstQuery *query)
{
	Binder *binder = clause->binder;
	Rows rows;
	Plan *plan;
	if (!subquery_rows(clause, query, &rows, &plan)) return NULL;
	if (ast->op == AST_OP_EQ && !ast->all) return in_plan(clause, ast, plan, false);
	if (ast->op == AST_OP_NE && ast->all) return in_plan(clause, ast, plan, true);
	int count;
	Expr **left = left_side(clause, ast->args.at[0], &count);
	if (!left) return NULL;
	if (count != 1 || plan->column_count != 1) {
		REFUSE(binder, ast->span, "%s over rows of more than one column", ast->all ? "ALL" : "ANY");
		return NULL;
	}
	if (!match_types(clause, ast->args.at[0], left, &plan, ast->span)) return NULL;
	Expr *compared = bind_compare(clause, ast->op, left[0], plan_column_expr(binder->context, plan, 0), ast->op_span);
	if (!compared) return NULL;
	Expr *e = subquery_expr(clause, ast->all ? SUBQUERY_ALL : SUBQUERY_ANY, cast_columns(binder, plan, &compared->args[1]), TYPE(BOOLEAN), ast->span);
	e->function = compared->function;
	e->args = left;
	e->args[0] = compared->args[0];
	e->arg_count = 1;
	return e;
}

/* x = ANY ('{1,2}'): a list of what x is */
static AstExpr *list_like(Clause *clause, AstExpr *list, const AstExpr *left)
{
	if (list->kind != AST_LITERAL || list->literal != AST_STRING || is_row(left)) return list;
	Expr *e = bind_expr(clause, left);
	if (!e) return NULL;
	StrBuf name = STRBUF_INIT;
	for (const char *c = type_kind_name(e->type.kind == TYPE_NULL ? TYPE_TEXT : e->type.kind); *c; c++) strbuf_addc(&name, (char)tolower((unsigned char)*c));
	AstTypeName *element = arena_new(clause->binder->arena, AstTypeName), *array = arena_new(clause->binder->arena, AstTypeName);
	*element = (AstTypeName){.kind = AST_TYPE_PLAIN, .name = arena_strdup(clause->binder->arena, name.text), .parameters = {-1, -1}, .span = list->span};
	*array = (AstTypeName){.kind = AST_TYPE_ARRAY, .element = element, .span = list->span};
	strbuf_release(&name);
	AstExpr *cast = arena_copy(clause->binder->arena, list, sizeof *list);
	cast->kind = AST_CAST;
	cast->type = array;
	cast->args = (AstExprs){0};
	vec_push_in(clause->binder->arena, &cast->args, list);
	return cast;
}

Expr *bind_quantified(Clause *clause, const AstExpr *ast)
{
	Binder *binder = clause->binder;
	if (ast->query) return quantified_query(clause, ast, ast->query);
	AstExpr *list = ast->args.at[1];
	if (list->kind == AST_ARRAY && !list->query) return quantified_list(clause, ast);
	bool defining = binder->defining;
	binder->defining = false;                     /* a query of our making is not printed */
	list = list_like(clause, list, ast->args.at[0]);
	if (!list) return NULL;
	Expr *e = quantified_query(clause, ast, elements_query(binder, list));
	Expr *array = e ? bind_expr(clause, list) : NULL;
	binder->defining = defining;
	Expr *is_null = array ? expr_call(binder->arena, "is null", &array, 1, ast->span, binder->err) : NULL;
	if (!is_null) return NULL;
	Expr *branches[3] = {is_null, expr_null(binder->arena, TYPE(BOOLEAN)), e};   /* no array is not an empty one */
	return expr_case(binder->arena, branches, 3, ast->span, binder->err);
}

/* Where NULL counts as false, CASE WHEN c THEN NULL ELSE e END is NOT c AND e, and e may become a join. */
Expr *null_as_false(Binder *binder, Expr *e)
{
	if (e->kind == EXPR_AND) {
		Expr *all = NULL;
		for (int i = 0; i < e->arg_count; i++) all = expr_and(binder->arena, all, null_as_false(binder, e->args[i]));
		return over_span(all, e->span);
	}
	if (e->kind != EXPR_CASE || e->arg_count != 3 || e->args[1]->kind != EXPR_CONSTANT || !e->args[1]->constant.is_null || e->args[0]->nullable) return e;
	return over_span(expr_and(binder->arena, expr_not(binder->arena, e->args[0]), e->args[2]), e->span);
}

/* ---- BETWEEN, LIKE, CASE ---- */

static Expr *compare_bound(Clause *clause, AstOp op, const AstExpr *ast, Expr *const *sides, int other)
{
	Expr *x = sides[0], *y = sides[other];
	return collate_sides(clause->binder, ast->args.at[0], ast->args.at[other], &x, &y) ? bind_compare(clause, op, x, y, ast->span) : NULL;
}

static Expr *within(Clause *clause, const AstExpr *ast, Expr *const *sides, int low, int high)
{
	Expr *above = compare_bound(clause, AST_OP_GE, ast, sides, low);
	Expr *below = above ? compare_bound(clause, AST_OP_LE, ast, sides, high) : NULL;
	return below ? expr_and(clause->binder->arena, above, below) : NULL;
}

Expr *bind_between(Clause *clause, const AstExpr *ast)
{
	Binder *binder = clause->binder;
	Expr *sides[3];
	for (int i = 0; i < 3; i++)
		if (!(sides[i] = bind_expr(clause, without_collation(ast->args.at[i])))) return NULL;
	Expr *e = within(clause, ast, sides, 1, 2);
	if (e && ast->symmetric) {
		Expr *turned = within(clause, ast, sides, 2, 1);
		if (!turned) return NULL;
		e = expr_or(binder->arena, e, turned);
	}
	if (!e) return NULL;
	return over_span(ast->negated ? expr_not(binder->arena, e) : e, ast->span);
}

static const char *pattern_function(AstOp op)
{
	switch (op) {
	case AST_OP_LIKE: return "like";
	case AST_OP_ILIKE: return "ilike";
	case AST_OP_GLOB: return "glob";
	case AST_OP_REGEXP: return "regexp";
	case AST_OP_SIMILAR: return "similar to";
	default: return NULL;
	}
}

Expr *bind_like(Clause *clause, const AstExpr *ast)
{
	Binder *binder = clause->binder;
	const char *function = pattern_function(ast->op);
	if (!function) {
		REFUSE(binder, ast->op_span, "%s", ast_op_text(ast->op));
		return NULL;
	}
	Expr *args[3];
	int count = ast->args.count;
	for (int i = 0; i < count; i++)
		if (!(args[i] = bind_expr(clause, without_collation(ast->args.at[i])))) return NULL;         /* patterns go by no collation */
	Expr *e = expr_call(binder->arena, function, args, count, ast->op_span, binder->err);
	if (!e) return NULL;
	return over_span(ast->negated ? expr_not(binder->arena, e) : e, ast->span);
}

Expr *bind_case(Clause *clause, const AstExpr *ast)
{
	Binder *binder = clause->binder;
	int count = ast->args.count + 1;
	Expr **args = arena_array(binder->arena, Expr *, count);
	Expr *operand = ast->operand ? bind_expr(clause, without_collation(ast->operand)) : NULL;
	if (ast->operand && !operand) return NULL;
	for (int i = 0; i < ast->args.count; i++) {
		bool is_compared = i % 2 == 0 && operand;
		Expr *side = operand, *e = bind_expr(clause, is_compared ? without_collation(ast->args.at[i]) : ast->args.at[i]);
		if (e && is_compared) e = collate_sides(binder, ast->operand, ast->args.at[i], &side, &e) ? bind_compare(clause, AST_OP_EQ, side, e, ast->args.at[i]->span) : NULL;
		if (!e) return NULL;
		args[i] = e;
	}
	args[count - 1] = ast->otherwise ? bind_expr(clause, ast->otherwise) : NULL;
	if (ast->otherwise && !args[count - 1]) return NULL;
	Expr *e = expr_case(binder->arena, args, count, ast->span, binder->err);
	if (!e && binder->err->span.end == 0) binder->err->span = ast->span;
	return e;
}
