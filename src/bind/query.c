/* Queries: bodies, set operations, VALUES, ORDER BY and LIMIT; and what a statement makes of its query at the top. */
#include "bind/binder.h"

#include "expr/function.h"

/* ---- columns of rows ---- */

static bool is_exact(const Rows *rows)
{
	if (rows->plan->column_count != rows->column_count) return false;
	for (int i = 0; i < rows->column_count; i++)
		if (rows->columns[i].expr->column != rows->plan->columns[i].id) return false;
	return true;
}

Plan *exact_columns(Binder *binder, const Rows *rows)
{
	if (is_exact(rows)) return rows->plan;
	PlanColumn *columns = arena_array(binder->arena, PlanColumn, rows->column_count ? rows->column_count : 1);
	for (int i = 0; i < rows->column_count; i++) {
		columns[i] = *plan_column(rows->plan, rows->columns[i].expr->column);
		columns[i].name = rows->columns[i].name;
	}
	return plan_project_columns(binder->context, rows->plan, columns, rows->column_count);
}

/* Columns of a plan whose output is all that rows give out, under the names of `names`. */
static void rows_of_plan(Binder *binder, Plan *plan, const ScopeColumn *names, Rows *out)
{
	*out = (Rows){.plan = plan, .unsorted = plan, .limit = -1, .column_count = plan->column_count};
	out->columns = arena_array(binder->arena, ScopeColumn, plan->column_count ? plan->column_count : 1);
	for (int i = 0; i < plan->column_count; i++)
		out->columns[i] = scope_column_of(binder, names[i].name, plan->columns[i].id, plan->columns[i].type, plan->columns[i].nullable);
}

/* ---- common types of several queries ---- */

static bool cast_rows(Binder *binder, Rows *rows, const Type *types)
{
	Plan *from = exact_columns(binder, rows);
	Plan *project = plan_new(binder->context, PLAN_PROJECT, 1);
	project->inputs[0] = from;
	project->span = from->span;
	project->item_count = project->column_count = from->column_count;
	project->items = arena_array(binder->arena, PlanItem, from->column_count);
	project->columns = arena_array(binder->arena, PlanColumn, from->column_count);
	bool differs = false;
	for (int i = 0; i < from->column_count; i++) {
		Expr *column = plan_column_expr(binder->context, from, i);
		Expr *cast = expr_cast(binder->arena, column, types[i], CAST_IMPLICIT, binder->err);
		if (!cast) return false;
		ColumnId id = cast == column ? column->column : plan_column_new(binder->context);
		differs |= cast != column;
		project->items[i] = (PlanItem){id, cast};
		project->columns[i] = (PlanColumn){id, from->columns[i].name, types[i], cast->nullable};
	}
	if (!differs) project = from;
	const ScopeColumn *names = rows->columns;
	rows_of_plan(binder, project, names, rows);
	return true;
}

void rows_in_equal_form(Binder *binder, Rows *rows)
{
	Plan *from = exact_columns(binder, rows), *project = plan_project_columns(binder->context, from, from->columns, from->column_count);
	bool differs = false, merges = from->kind == PLAN_PROJECT;          /* SQLite wants the step of a recursion in one SELECT */
	if (merges) project->inputs[0] = from->inputs[0];
	for (int i = 0; i < from->column_count; i++) {
		if (merges) project->items[i] = from->items[i];
		Expr *e = equal_form(binder, project->items[i].expr);
		if (e == project->items[i].expr) continue;
		differs = true;
		project->items[i] = (PlanItem){plan_column_new(binder->context), e};
		project->columns[i].id = project->items[i].id;
	}
	if (differs) rows_of_plan(binder, project, rows->columns, rows);
}

bool bring_together(Binder *binder, Rows *rows, int count, Span span, const char *what)
{
	int columns = rows[0].column_count;
	for (int i = 1; i < count; i++)
		if (rows[i].column_count != columns)
			return error_set(binder->err, ERR_SYNTAX, span, "the sides of %s have %d and %d columns", what, columns, rows[i].column_count);
	Type *types = arena_array(binder->arena, Type, columns + 1);
	Expr **exprs = arena_array(binder->arena, Expr *, count);
	for (int c = 0; c < columns; c++) {
		for (int i = 0; i < count; i++) exprs[i] = rows[i].columns[c].expr;
		if (expr_common_type(exprs, count, &types[c], binder->err)) continue;
		binder->err->span = span;
		return error_detail(binder->err, "column %d, \"%s\", of %s", c + 1, rows[0].columns[c].name, what);
	}
	for (int i = 0; i < count; i++)
		if (!cast_rows(binder, &rows[i], types)) return false;
	return true;
}

/* ---- set operations ---- */

static void combined_columns(Binder *binder, Plan *plan, const Rows *left)
{
	plan->column_count = left->column_count;
	plan->columns = arena_array(binder->arena, PlanColumn, left->column_count + 1);
	for (int c = 0; c < left->column_count; c++) {
		bool nullable = false;
		for (int i = 0; i < plan->input_count; i++) nullable |= plan->inputs[i]->columns[c].nullable;
		plan->columns[c] = (PlanColumn){plan_column_new(binder->context), left->columns[c].name, left->columns[c].expr->type, nullable};
	}
}

static const char *set_word(const AstBody *body)
{
	switch (body->op) {
	case AST_UNION: return body->all ? "UNION ALL" : "UNION";
	case AST_INTERSECT: return "INTERSECT";
	case AST_EXCEPT: return "EXCEPT";
	}
	return "a set operation";
}

static Plan *union_plan(Binder *binder, Rows *rows, int count, Span span)
{
	Plan *plan = plan_new(binder->context, PLAN_UNION, count);
	plan->span = span;
	for (int i = 0; i < count; i++) plan->inputs[i] = rows[i].plan;
	combined_columns(binder, plan, &rows[0]);
	return plan;
}

static Plan *setop_plan(Binder *binder, const AstBody *body, Rows *rows)
{
	Plan *plan = plan_new(binder->context, PLAN_SETOP, 2);
	plan->span = body->span;
	bool except = body->op == AST_EXCEPT;
	plan->setop = except ? body->all ? SETOP_EXCEPT_ALL : SETOP_EXCEPT : body->all ? SETOP_INTERSECT_ALL : SETOP_INTERSECT;
	plan->inputs[0] = rows[0].plan;
	plan->inputs[1] = rows[1].plan;
	combined_columns(binder, plan, &rows[0]);
	return plan;
}

/* The operands of a chain of one UNION [ALL] are one node; else there are two. */
static void chain(Binder *binder, AstBody *body, AstBodies *out)
{
	AstBody *left = body->left;
	bool same = body->op == AST_UNION && left->kind == AST_BODY_SET && left->op == AST_UNION && left->all == body->all && !left->by_name && !body->by_name;
	if (same) chain(binder, left, out);
	else vec_push_in(binder->arena, out, left);
	vec_push_in(binder->arena, out, body->right);
}

/* ---- CORRESPONDING ---- */

static int column_named(const Rows *rows, const char *name)
{
	for (int i = 0; i < rows->column_count; i++)
		if (names_equal(rows->columns[i].name, name)) return i;
	return -1;
}

static void common_columns(Binder *binder, const Rows *left, const Rows *right, AstIdents *out)
{
	for (int i = 0; i < left->column_count; i++) {
		AstIdent name = {.text = left->columns[i].name};
		if (column_named(right, name.text) >= 0) vec_push_in(binder->arena, out, name);
	}
}

static bool take_columns(Binder *binder, Rows *rows, const AstIdents *names)
{
	ScopeColumn *columns = arena_array(binder->arena, ScopeColumn, names->count + 1);
	for (int i = 0; i < names->count; i++) {
		int column = column_named(rows, names->at[i].text);
		if (column < 0)
			return error_set(binder->err, ERR_UNDEFINED_COLUMN, names->at[i].span, "column \"%s\" of CORRESPONDING is not on both sides", names->at[i].text);
		columns[i] = rows->columns[column];
	}
	rows->columns = columns;
	rows->column_count = names->count;
	return true;
}

static bool match_by_name(Binder *binder, const AstBody *body, Rows *rows)
{
	AstIdents names = body->by_columns;
	if (!names.count) common_columns(binder, &rows[0], &rows[1], &names);
	if (!names.count) return error_set(binder->err, ERR_SYNTAX, body->span, "the sides of %s have no column of the same name", set_word(body));
	return take_columns(binder, &rows[0], &names) && take_columns(binder, &rows[1], &names);
}

/* What all operands declare of what a column holds; TYPE_NULL: different things */
static Type *common_declared(Binder *binder, const Rows *rows, int count)
{
	Type *out = arena_array(binder->arena, Type, rows[0].column_count + 1);
	for (int c = 0; c < rows[0].column_count; c++) {
		out[c] = rows[0].columns[c].declared;
		for (int i = 1; i < count; i++)
			if (c >= rows[i].column_count || !type_same_inside(out[c], rows[i].columns[c].declared)) out[c] = TYPE(NULL);
	}
	return out;
}

/* Can values of two such types be equal though their texts differ? */
static bool may_be_equal(Type a, Type b)
{
	if (a.kind != b.kind || a.kind == TYPE_ROW || a.field_count != b.field_count) return a.kind == b.kind;
	if (a.field_count == 0) return false;
	Type x = a.fields->type, y = b.fields->type;
	return x.kind == y.kind || (type_is_numeric(x) && type_is_numeric(y));
}

static bool check_inside(Binder *binder, const Rows *rows, int count, const AstBody *body)
{
	for (int c = 0; c < rows[0].column_count; c++)
		for (int i = 1; i < count; i++) {
			if (c >= rows[i].column_count) continue;
			Type a = rows[0].columns[c].declared, b = rows[i].columns[c].declared;
			if (!type_is_nested(a) || !type_is_nested(b) || type_same_inside(a, b) || !may_be_equal(a, b)) continue;
			REFUSE(binder, body->span, "%s of columns that hold different things", set_word(body));
			return error_hint(binder->err, "CAST them to one type.");
		}
	return true;
}

static bool bind_set(Binder *binder, AstBody *body, Scope *outer, Rows *out)
{
	AstBodies bodies = {0};
	chain(binder, body, &bodies);
	Rows *rows = arena_array(binder->arena, Rows, bodies.count);
	for (int i = 0; i < bodies.count; i++)
		if (!bind_body(binder, bodies.at[i], outer, NULL, &rows[i])) return false;
	if (body->by_name && !match_by_name(binder, body, rows)) return false;
	const ScopeColumn *names = rows[0].columns;
	Type *declared = common_declared(binder, rows, bodies.count);
	bool compares = body->op != AST_UNION || !body->all;
	if (compares && !check_inside(binder, rows, bodies.count, body)) return false;
	if (!bring_together(binder, rows, bodies.count, body->span, set_word(body))) return false;
	for (int i = 0; i < bodies.count && compares; i++) rows_in_equal_form(binder, &rows[i]);
	Plan *plan = body->op == AST_UNION ? union_plan(binder, rows, bodies.count, body->span) : setop_plan(binder, body, rows);
	if (body->op == AST_UNION && !body->all) plan = distinct_plan(binder, plan, body->span);
	rows_of_plan(binder, plan, names, out);
	for (int c = 0; c < out->column_count; c++) {
		if (!type_is_nested(declared[c])) continue;
		out->columns[c].declared = declared[c];
		if (!fields_from_json(binder, &out->columns[c], body->span)) return false;
	}
	return true;
}

/* ---- VALUES ---- */

static bool is_constant_rows(Expr ***cells, int row_count, int columns)
{
	for (int r = 0; r < row_count; r++)
		for (int c = 0; c < columns; c++)
			if (!expr_is_constant(cells[r][c])) return false;
	return true;
}

static Plan *constant_rows(Binder *binder, Expr ***cells, int row_count, const PlanColumn *columns, int column_count, Span span)
{
	Plan *plan = plan_new(binder->context, PLAN_VALUES, 0);
	plan->span = span;
	plan->row_count = row_count;
	plan->columns = arena_copy(binder->arena, columns, sizeof *columns * (size_t)column_count);
	plan->column_count = column_count;
	plan->values = arena_array(binder->arena, Value, (size_t)row_count * (size_t)column_count + 1);
	for (int r = 0; r < row_count; r++)
		for (int c = 0; c < column_count; c++)
			if (!expr_fold(binder->arena, cells[r][c], &plan->values[r * column_count + c], binder->err)) return NULL;
	return plan;
}

static Plan *computed_row(Binder *binder, Expr **cells, const PlanColumn *columns, int column_count, Span span)
{
	Plan *row = plan_new(binder->context, PLAN_VALUES, 0);
	row->row_count = 1;
	row->columns = arena_array(binder->arena, PlanColumn, 1);
	Plan *plan = plan_new(binder->context, PLAN_PROJECT, 1);
	plan->inputs[0] = row;
	plan->span = row->span = span;
	plan->item_count = plan->column_count = column_count;
	plan->items = arena_array(binder->arena, PlanItem, column_count);
	plan->columns = arena_copy(binder->arena, columns, sizeof *columns * (size_t)column_count);
	for (int c = 0; c < column_count; c++) {
		plan->columns[c].id = plan_column_new(binder->context);
		plan->columns[c].nullable = cells[c]->nullable;
		plan->items[c] = (PlanItem){plan->columns[c].id, cells[c]};
	}
	return plan;
}

static bool bind_cells(Binder *binder, AstBody *body, Scope *outer, Expr ***cells)
{
	Scope nothing = {.outer = outer};
	Clause clause = {.binder = binder, .scope = &nothing, .name = "VALUES"};
	int columns = body->rows.at[0].count;
	for (int r = 0; r < body->rows.count; r++) {
		const AstExprs *row = &body->rows.at[r];
		if (row->count != columns) {
			Span span = row->count ? row->at[row->count - 1]->span : body->span;
			return error_set(binder->err, ERR_SYNTAX, span, "rows of VALUES have %d and %d values", columns, row->count);
		}
		cells[r] = arena_array(binder->arena, Expr *, columns + 1);
		for (int c = 0; c < columns; c++)
			if (!(cells[r][c] = bind_expr(&clause, row->at[c]))) return false;
	}
	return true;
}

static bool unify_cells(Binder *binder, Expr ***cells, int row_count, PlanColumn *columns, int column_count)
{
	Expr **of_column = arena_array(binder->arena, Expr *, row_count);
	for (int c = 0; c < column_count; c++) {
		Type type;
		for (int r = 0; r < row_count; r++) of_column[r] = cells[r][c];
		if (!expr_common_type(of_column, row_count, &type, binder->err)) return false;
		for (int r = 0; r < row_count; r++) {
			if (!(cells[r][c] = expr_cast(binder->arena, cells[r][c], type, CAST_IMPLICIT, binder->err))) return false;
			columns[c].nullable |= cells[r][c]->nullable;
		}
		columns[c].type = type;
		columns[c].id = plan_column_new(binder->context);
		columns[c].name = arena_printf(binder->arena, "column%d", c + 1);
	}
	return true;
}

bool bind_values(Binder *binder, AstBody *body, Scope *outer, Rows *out)
{
	int row_count = body->rows.count, column_count = body->rows.at[0].count;
	Expr ***cells = arena_array(binder->arena, Expr **, row_count);
	PlanColumn *columns = arena_array(binder->arena, PlanColumn, column_count + 1);
	if (!bind_cells(binder, body, outer, cells) || !unify_cells(binder, cells, row_count, columns, column_count)) return false;
	Plan *plan;
	if (is_constant_rows(cells, row_count, column_count)) plan = constant_rows(binder, cells, row_count, columns, column_count, body->span);
	else {
		plan = plan_new(binder->context, PLAN_UNION, row_count);
		for (int r = 0; r < row_count; r++) plan->inputs[r] = computed_row(binder, cells[r], columns, column_count, body->span);
		if (row_count == 1) plan = plan->inputs[0];
		else {
			plan->columns = columns;
			plan->column_count = column_count;
			plan->span = body->span;
		}
	}
	if (!plan) return false;
	ScopeColumn *names = arena_array(binder->arena, ScopeColumn, column_count + 1);
	for (int c = 0; c < column_count; c++) names[c].name = columns[c].name;
	rows_of_plan(binder, plan, names, out);
	return true;
}

/* ---- ORDER BY, LIMIT ---- */

bool bind_limits(Binder *binder, const AstQuery *ast, Rows *rows)
{
	bool is_null = false;
	rows->limit = -1;
	rows->offset = 0;
	if (ast->limit) {
		if (!constant_integer(binder, ast->limit, "LIMIT", &rows->limit, &is_null)) return false;
		if (is_null || rows->limit < 0) rows->limit = -1;
	}
	if (ast->offset) {
		if (!constant_integer(binder, ast->offset, "OFFSET", &rows->offset, &is_null)) return false;
		if (is_null || rows->offset < 0) rows->offset = 0;
	}
	return true;
}

static Plan *with_ties_plan(Binder *binder, Plan *input, const AstQuery *ast, OpSortKey *order, int order_count, const Rows *limits)
{
	if (limits->offset || limits->limit < 0 || !order_count) {
		REFUSE(binder, ast->span, "WITH TIES without ORDER BY or with OFFSET");
		return NULL;
	}
	Plan *plan = plan_new(binder->context, PLAN_TOPN, 1);
	plan->inputs[0] = input;
	plan->span = ast->span;
	plan->order_count = order_count;
	plan->limit = limits->limit;
	plan->rank = TOPN_RANK;
	plan->order = arena_copy(binder->arena, order, sizeof *order * (size_t)order_count);
	for (int i = 0; i < order_count; i++) plan->order[i].expr = equal_form(binder, order[i].expr);
	plan_pass_columns(binder->context, plan);
	return plan;
}

Plan *sort_plan(Binder *binder, Plan *input, const AstQuery *ast, OpSortKey *order, int order_count, const Rows *limits)
{
	((Rows *)limits)->ordered = ast->order_by.count > 0;
	if (ast->with_ties && !(input = with_ties_plan(binder, input, ast, order, order_count, limits))) return NULL;
	if (!order_count && limits->limit < 0 && !limits->offset) return input;
	Plan *plan = plan_new(binder->context, PLAN_SORT, 1);
	plan->inputs[0] = input;
	plan->span = ast->span;
	plan->order = order;
	plan->order_count = order_count;
	plan->limit = ast->with_ties ? -1 : limits->limit;
	plan->offset = limits->offset;
	plan_pass_columns(binder->context, plan);
	return plan;
}

static bool column_meant(Binder *binder, const Rows *rows, const AstExpr *ast, int *column)
{
	*column = -1;
	if (ast->kind != AST_LITERAL || ast->literal != AST_INTEGER) return true;
	int64_t number;
	if (!constant_integer(binder, ast, "ORDER BY", &number, NULL)) return false;
	if (number < 1 || number > rows->column_count)
		return error_set(binder->err, ERR_UNDEFINED_COLUMN, ast->span, "ORDER BY %lld is no column of SELECT", (long long)number);
	*column = (int)number - 1;
	return true;
}

bool sort_rows(Binder *binder, const AstQuery *ast, Scope *outer, Rows *rows)
{
	Plan *plan = exact_columns(binder, rows);
	ScopeTable table = {.columns = rows->columns, .column_count = rows->column_count};
	Scope scope = {.outer = outer};
	vec_push_in(binder->arena, &scope.tables, &table);
	Clause clause = {.binder = binder, .scope = &scope, .name = "ORDER BY"};
	AstOrderTerms terms = order_terms(binder, &ast->order_by);
	OpSortKey *order = arena_array(binder->arena, OpSortKey, terms.count + 1);
	int keys = 0;
	for (int i = 0; i < terms.count; i++) {
		const AstOrderTerm *term = &terms.at[i];
		const AstExpr *plain = without_collation(term->expr);
		int column;
		if (!column_meant(binder, rows, plain, &column)) return false;
		Expr *e = column >= 0 ? rows->columns[column].expr : bind_expr(&clause, plain);
		if (e) e = collated(binder, e, term->expr);
		if (!e || !(e = order_form(&clause, e))) return false;
		bool nulls_last = term->nulls == AST_NULLS_DEFAULT ? term->descending : term->nulls == AST_NULLS_LAST;
		if (!expr_is_constant(e)) order[keys++] = (OpSortKey){e, {term->descending, nulls_last}};
	}
	rows->unsorted = plan;
	if (!bind_limits(binder, ast, rows)) return false;
	rows->plan = sort_plan(binder, plan, ast, order, keys, rows);
	return rows->plan != NULL;
}

/* ---- queries ---- */

/* A query inside of another one: its ORDER BY counts only with a LIMIT. */
static void forget_order(Rows *rows)
{
	if (rows->limit < 0 && rows->offset == 0) rows->plan = rows->unsorted;
	rows->unsorted = rows->plan;
	rows->ordered = false;
	rows->limit = -1;
	rows->offset = 0;
}

bool bind_body(Binder *binder, AstBody *body, Scope *outer, const AstQuery *around, Rows *out)
{
	bool done = false;
	switch (body->kind) {
	case AST_BODY_SELECT:
		return bind_select(binder, body->select, outer, around, out);
	case AST_BODY_VALUES:
		done = bind_values(binder, body, outer, out);
		break;
	case AST_BODY_SET:
		done = bind_set(binder, body, outer, out);
		break;
	case AST_BODY_QUERY:
		done = bind_query(binder, body->query, outer, out);
		if (done) forget_order(out);
		break;
	}
	return done && (!around || sort_rows(binder, around, outer, out));
}

static bool bind_query_itself(Binder *binder, AstQuery *ast, Scope *outer, Rows *out)
{
	Cte *before = binder->ctes;
	if (ast->with && !bind_with(binder, ast->with, outer)) return false;
	bool done = bind_body(binder, ast->body, outer, ast, out);
	close_with(binder, before);
	return done;
}

bool bind_query(Binder *binder, AstQuery *ast, Scope *outer, Rows *out)
{
	if (ast->emit == AST_EMIT_FINAL || ast->emit == AST_EMIT_ON_WINDOW_CLOSE)
		return error_set(binder->err, ERR_SYNTAX, ast->emit_span, "EMIT may stand at the end of a statement only");
	return bind_query_itself(binder, ast, outer, out);
}

/* ---- the query of a statement ---- */

/* Views show what its rows say, at every commit: the clock moves rows only through conditions, and chance is no function of them. */
bool check_purity(Binder *binder, bool continuous)
{
	if (!continuous) return true;
	if (binder->bare.name) return refuse_bare(binder, binder->bare.span, binder->bare.name);
	for (int i = 0; i < binder->impurities.count; i++) {
		const Impurity *impurity = &binder->impurities.at[i];
		if (impurity->in_condition) continue;
		if (!impurity->is_clock) return REFUSE(binder, impurity->span, "%s() in a view", impurity->name) || error_hint(binder->err, "A view is a function of its rows.");
		REFUSE(binder, impurity->span, "%s() in a view, other than in a condition that compares it with a column,", impurity->name);
		return error_hint(binder->err, "PROCTIME() stamps each row once.");
	}
	return true;
}

/* A column of NULLs alone is TEXT to whoever keeps it. */
static Plan *type_nulls(Binder *binder, Plan *plan)
{
	bool any = false;
	for (int i = 0; i < plan->column_count; i++) any |= plan->columns[i].type.kind == TYPE_NULL;
	if (!any || binder->keeps_nulls) return plan;
	Plan *project = plan_project_columns(binder->context, plan, plan->columns, plan->column_count);
	for (int i = 0; i < plan->column_count; i++) {
		if (plan->columns[i].type.kind != TYPE_NULL) continue;
		project->items[i] = (PlanItem){plan_column_new(binder->context), expr_null(binder->arena, TYPE(TEXT))};
		project->columns[i] = (PlanColumn){project->items[i].id, plan->columns[i].name, TYPE(TEXT), true};
	}
	return project;
}

bool finish_query(Binder *binder, Rows *rows, BoundQuery *out)
{
	Rows unsorted = *rows;
	unsorted.plan = rows->unsorted;
	out->plan = type_nulls(binder, exact_columns(binder, rows));
	out->rows = rows->plan == rows->unsorted ? out->plan : type_nulls(binder, exact_columns(binder, &unsorted));
	out->column_count = rows->column_count;
	out->columns = arena_array(binder->arena, BoundColumn, rows->column_count + 1);
	for (int i = 0; i < rows->column_count; i++) {
		const PlanColumn *column = &out->plan->columns[i];
		Type declared = rows->columns[i].declared;
		out->columns[i] = (BoundColumn){rows->columns[i].name, column->type, column->nullable, type_is_nested(declared) && column->type.kind == TYPE_JSON ? declared : TYPE(NULL)};
	}
	out->ordered = rows->ordered;
	out->limit = rows->limit;
	out->offset = rows->offset;
	out->reads = binder->reads.at;
	out->read_count = binder->reads.count;
	out->outside = binder->reads_outside;
	out->continuous = false;
	for (int i = 0; i < out->read_count; i++) out->continuous |= out->reads[i]->kind == RELATION_STREAM;
	out->emit_on_close = binder->context->emit_on_close;
	return true;
}

bool bind_top_query(Binder *binder, AstQuery *ast, BoundQuery *out)
{
	Rows rows;
	binder->context->emit_on_close = ast->emit == AST_EMIT_FINAL || ast->emit == AST_EMIT_ON_WINDOW_CLOSE;
	if (!bind_query_itself(binder, ast, NULL, &rows)) return false;
	bool once = binder->keeps_nulls && !binder->strict;                  /* the source of an INSERT */
	return finish_query(binder, &rows, out) && check_purity(binder, binder->strict || (out->continuous && !once));
}
