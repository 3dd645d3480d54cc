/* `*` and t.*: which columns they stand for, and in a definition the expressions that are written in their place.
 *
 * What is written must mean the same column when the text is bound again, though names alone may not tell: a derived table may have two
 * columns of one name, which no one can name but `*` brings along, and the column of USING may be called like one of another relation.
 * So such a derived table gets a list of column names, and such a column is written as the columns that it is made of.
 */
#include "bind/binder.h"

static AstExpr *column_ast(Binder *binder, const char *const *names, int count, Span span)
{
	AstExpr *ast = arena_new(binder->arena, AstExpr);
	ast->kind = AST_COLUMN;
	ast->span = ast->op_span = span;
	ast->depth = 1;
	for (int i = 0; i < count; i++) vec_push_in(binder->arena, &ast->path, (AstIdent){names[i], span, true});
	return ast;
}

static bool alias_is_taken(const Select *select, const char *name)
{
	for (int i = 0; i < select->scope.tables.count; i++)
		if (select->scope.tables.at[i]->alias.text && names_equal(select->scope.tables.at[i]->alias.text, name)) return true;
	return false;
}

/* A relation without a name gets one when `*` has to say which column is meant. */
static const char *alias_of(Select *select, ScopeTable *table)
{
	if (table->alias.text || !table->ast) return table->alias.text;
	for (int i = 1; !table->alias.text; i++) {
		const char *name = arena_printf(select->binder->arena, "t%d", i);
		if (!alias_is_taken(select, name)) table->alias = (AstIdent){name, table->ast->span, false};
	}
	table->ast->alias = table->alias;
	return table->alias.text;
}

/* ---- columns of one name in one relation ---- */

static bool names_repeat(const ScopeTable *table)
{
	for (int i = 0; i < table->column_count; i++)
		for (int j = 0; j < i; j++)
			if (!table->columns[i].hidden && !table->columns[j].hidden && strcmp(table->columns[i].name, table->columns[j].name) == 0) return true;
	return false;
}

static bool is_listed(const AstIdents *names, const char *name)
{
	for (int i = 0; i < names->count; i++)
		if (names_equal(names->at[i].text, name)) return true;
	return false;
}

static bool is_column(const ScopeTable *table, const char *name)
{
	for (int i = 0; i < table->column_count; i++)
		if (names_equal(table->columns[i].name, name)) return true;
	return false;
}

/* The first of a name keeps it. In the scope all keep theirs, so who names one of several is told that it is ambiguous. */
static void tell_columns_apart(Binder *binder, ScopeTable *table)
{
	if (table->told_apart || !table->ast || !names_repeat(table)) return;
	AstIdents names = {0};
	for (int i = 0; i < table->column_count; i++) {
		const char *name = table->columns[i].name;
		if (table->columns[i].hidden) continue;
		bool repeats = false;
		for (int j = 0; j < names.count; j++) repeats |= strcmp(names.at[j].text, name) == 0;
		for (int n = 2; repeats; n++) {
			name = arena_printf(binder->arena, "%s_%d", table->columns[i].name, n);
			repeats = is_listed(&names, name) || is_column(table, name);
		}
		vec_push_in(binder->arena, &names, (AstIdent){name, table->ast->span, true});
	}
	table->ast->columns = names;
	if (!table->ast->alias.text) table->ast->alias = table->alias;       /* a function is called like itself, but names of columns stand behind an alias */
	table->told_apart = true;
}

static const char *written_name(const ScopeTable *table, int column)
{
	if (!table->told_apart) return table->columns[column].name;
	int shown = 0;
	for (int i = 0; i < column; i++) shown += !table->columns[i].hidden;
	return table->ast->columns.at[shown].text;
}

static AstExpr *path_of(Select *select, ScopeTable *table, int column, Span span)
{
	tell_columns_apart(select->binder, table);
	const char *alias = alias_of(select, table), *name = written_name(table, column);
	const char *names[2] = {alias ? alias : name, name};
	return column_ast(select->binder, names, alias ? 2 : 1, span);
}

/* ---- columns of USING ---- */

typedef struct Parts {
	Select *select;
	Span span;
	AstExprs paths;
	bool unknown;
} Parts;

/* For each column of FROM in the expression of a merged column */
static bool add_part(Expr *e, void *context)
{
	Parts *parts = context;
	if (e->kind != EXPR_COLUMN) return true;
	for (int i = 0; i < parts->select->scope.tables.count; i++) {
		ScopeTable *table = parts->select->scope.tables.at[i];
		for (int j = 0; j < table->column_count; j++) {
			const Expr *own = table->columns[j].expr;
			if (own->kind != EXPR_COLUMN || own->column != e->column) continue;
			vec_push_in(parts->select->binder->arena, &parts->paths, path_of(parts->select, table, j, parts->span));
			return true;
		}
	}
	parts->unknown = true;
	return false;
}

static bool is_alone(const Select *select, const ScopeColumn *merged)
{
	int fits = 0;
	for (int i = 0; i < select->scope.merged.count; i++) fits += names_equal(select->scope.merged.at[i]->name, merged->name);
	for (int i = 0; i < select->scope.tables.count; i++) {
		const ScopeTable *table = select->scope.tables.at[i];
		for (int j = 0; j < table->column_count; j++)
			fits += !table->columns[j].hidden && !table->columns[j].merged && names_equal(table->columns[j].name, merged->name);
	}
	return fits == 1;
}

static AstExpr *coalesce_ast(Binder *binder, const AstExprs *values, Span span)
{
	AstExpr *ast = arena_new(binder->arena, AstExpr);
	ast->kind = AST_CALL;
	ast->span = ast->op_span = span;
	ast->depth = 2;
	ast->call = arena_new(binder->arena, AstCall);
	vec_push_in(binder->arena, &ast->call->name.parts, (AstIdent){"coalesce", span, false});
	for (int i = 0; i < values->count; i++) vec_push_in(binder->arena, &ast->call->arguments, (AstArgument){.value = values->at[i]});
	return ast;
}

static AstExpr *merged_ast(Select *select, const ScopeColumn *merged, Span span)
{
	Parts parts = {.select = select, .span = span};
	if (select->binder->defining && !is_alone(select, merged)) expr_walk(merged->expr, add_part, &parts);
	if (!parts.paths.count || parts.unknown) return column_ast(select->binder, &merged->name, 1, span);
	return parts.paths.count == 1 ? parts.paths.at[0] : coalesce_ast(select->binder, &parts.paths, span);
}

/* ---- what a star stands for ---- */

static bool is_excepted(const AstExpr *star, const char *name)
{
	for (int i = 0; i < star->except.count; i++)
		if (names_equal(star->except.at[i].text, name)) return true;
	return false;
}

static void add_star_item(Select *select, const AstExpr *star, const ScopeColumn *column, AstExpr *path)
{
	if (is_excepted(star, column->name)) return;
	Binder *binder = select->binder;
	SelectItem item = {.expr_ast = path, .name = column->name, .span = star->span, .column = *column};
	item.expr = arena_copy(binder->arena, column->expr, sizeof *column->expr);
	item.expr->span = star->span;
	item.column.expr = item.expr;
	item.column.merged = false;
	vec_push_in(binder->arena, &select->items, item);
}

static void add_table_columns(Select *select, const AstExpr *star, ScopeTable *table, bool with_merged)
{
	for (int i = 0; i < table->column_count; i++) {
		ScopeColumn *column = &table->columns[i];
		if (column->hidden || (column->merged && !with_merged)) continue;
		add_star_item(select, star, column, select->binder->defining ? path_of(select, table, i, star->span) : NULL);
	}
}

/* Each join gives the columns of its USING first, then those of its sides. */
static void add_all_columns(Select *select, const AstExpr *star)
{
	for (int i = 0; i < select->scope.tables.count; i++) {
		ScopeTable *table = select->scope.tables.at[i];
		for (int j = 0; j < select->scope.merged.count; j++) {
			const ScopeColumn *column = select->scope.merged.at[j];
			if (column->before == table) add_star_item(select, star, column, merged_ast(select, column, star->span));
		}
		add_table_columns(select, star, table, false);
	}
}

/* bid.* where bid is a ROW column */
static bool add_fields(Select *select, const AstExpr *star)
{
	Binder *binder = select->binder;
	AstExpr *path = arena_copy(binder->arena, star, sizeof *star);
	path->kind = AST_COLUMN;
	Clause clause = {.binder = binder, .scope = &select->scope, .name = "SELECT"};
	int left_over;
	ScopeColumn *column = scope_find(&clause, path, &left_over);
	if (!column) return false;
	if (!column->field_count || left_over)
		return error_set(binder->err, ERR_WRONG_OBJECT_TYPE, star->span, "column \"%s\" is no ROW: it has no fields for *", column->name);
	for (int i = 0; i < column->field_count; i++) {
		AstExpr *field = arena_copy(binder->arena, path, sizeof *path);
		field->path = (AstIdents){0};
		for (int j = 0; j < path->path.count; j++) vec_push_in(binder->arena, &field->path, path->path.at[j]);
		vec_push_in(binder->arena, &field->path, (AstIdent){column->fields[i].name, star->span, true});
		add_star_item(select, star, &column->fields[i], field);
	}
	return true;
}

bool add_star(Select *select, const AstExpr *star)
{
	Binder *binder = select->binder;
	int before = select->items.count, parts = star->path.count;
	if (parts == 0 && !select->ast->from) return error_set(binder->err, ERR_SYNTAX, star->span, "* needs FROM");
	if (parts == 0) add_all_columns(select, star);
	else {
		ScopeTable *table = NULL;
		for (int i = 0; i < select->scope.tables.count && !table; i++) {
			ScopeTable *one = select->scope.tables.at[i];
			if (one->alias.text && names_equal(one->alias.text, star->path.at[parts - 1].text)) table = one;
		}
		if (table) add_table_columns(select, star, table, true);
		else if (parts == 1 && !scope_find_name(&select->scope, star->path.at[0].text))
			return error_set(binder->err, ERR_UNDEFINED_TABLE, star->path.at[0].span, "relation \"%s\" is not in FROM", star->path.at[0].text);
		else if (!add_fields(select, star)) return false;
	}
	for (int i = 0; i < star->except.count; i++) {
		bool known = false;
		for (int j = 0; j < select->scope.tables.count; j++) known |= scope_table_column(select->scope.tables.at[j], star->except.at[i].text) != NULL;
		if (!known && parts == 0)
			return error_set(binder->err, ERR_UNDEFINED_COLUMN, star->except.at[i].span, "column \"%s\" does not exist", star->except.at[i].text);
	}
	return select->items.count > before || error_set(binder->err, ERR_SYNTAX, star->span, "* stands for no column");
}
