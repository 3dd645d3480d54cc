/* FROM: relations, views expanded where they are used, derived tables. Joins are in joins.c, functions in windows.c and table_functions.c.
 *
 * A scan gives out every column of its relation, and for ROW columns of records every field besides: what is not read falls away by pruning,
 * and so the decoder is asked for bid.price alone. In the file a ROW is JSON, and its fields are taken out of it.
 */
#include "bind/binder.h"

#include "ast/parse.h"
#include "expr/function.h"

enum { VIEW_DEPTH_MAX = 64, VIEW_COUNT_MAX = 2000 };

/* ---- relations ---- */

typedef struct Scanning {
	Binder *binder;
	VEC(PlanColumn) columns;
	VEC(ScanColumn) scanned;
} Scanning;

static ColumnId add_scanned(Scanning *scanning, const char *name, ColumnPath path, Type type, bool nullable)
{
	Binder *binder = scanning->binder;
	ColumnId id = plan_column_new(binder->context);
	vec_push_in(binder->arena, &scanning->columns, (PlanColumn){id, name, plain_type(type), nullable});
	vec_push_in(binder->arena, &scanning->scanned, (ScanColumn){path});
	return id;
}

static void add_fields(Scanning *scanning, ScopeColumn *column, ColumnPath path)
{
	Binder *binder = scanning->binder;
	if (column->declared.kind != TYPE_ROW) return;
	column->field_count = column->declared.field_count;
	column->fields = arena_array(binder->arena, ScopeColumn, column->field_count + 1);
	for (int i = 0; i < column->field_count; i++) {
		const RowField *field = &column->declared.fields[i];
		ColumnPath inner = column_path_inner(binder->arena, path, field->name);
		ColumnId id = add_scanned(scanning, field->name, inner, field->type, true);
		column->fields[i] = scope_column_of(binder, field->name, id, field->type, true);
		add_fields(scanning, &column->fields[i], inner);
	}
}

static bool is_proctime(const RelationColumn *column)
{
	const Expr *e = column->computed;
	return e && e->kind == EXPR_CALL && (e->function->flags & FUNCTION_PROCTIME);
}

static bool may_be_scanned(Binder *binder, const Relation *relation, Span span)
{
	if (relation->kind != RELATION_SINK) return true;
	error_set(binder->err, ERR_WRONG_OBJECT_TYPE, span, "sink \"%s\" cannot be read", relation->name);
	return error_hint(binder->err, "Read what is written into it.");
}

bool scan_relation(Binder *binder, Relation *relation, AstTable *ast, AstIdent alias, From *out)
{
	Span span = ast ? ast->span : SPAN_NONE;
	if (!may_be_scanned(binder, relation, span)) return false;
	if (ast && ast->hints.count && !override_options(binder, relation, &ast->hints, &relation)) return false;
	note_read(binder, relation);
	Scanning scanning = {.binder = binder};
	ScopeTable *table = scope_table_new(binder, alias.text ? alias : (AstIdent){relation->name, span, true}, ast, relation->column_count);
	for (int i = 0; i < relation->column_count; i++) {
		const RelationColumn *column = &relation->columns[i];
		ColumnPath path = {.column = i};
		ColumnId id = add_scanned(&scanning, column->name, path, column->type, !column->not_null);
		table->columns[i] = scope_column_of(binder, column->name, id, column->type, !column->not_null);
		table->columns[i].hidden = column->hidden;
		table->columns[i].proctime = is_proctime(column);
		if (relation->kind == RELATION_MATERIALIZED || relation_is_local(relation) || relation_is_changelog(relation)) {
			if (!fields_from_json(binder, &table->columns[i], span)) return false;
		} else add_fields(&scanning, &table->columns[i], path);
	}
	table->relation = relation;
	Plan *plan = plan_new(binder->context, PLAN_SCAN, 0);
	plan->span = span;
	plan->relation = relation;
	plan->columns = scanning.columns.at;
	plan->column_count = scanning.columns.count;
	plan->scan_columns = scanning.scanned.at;
	*out = (From){.plan = plan};
	vec_push_in(binder->arena, &out->tables, table);
	return true;
}

/* ---- rows as a relation ---- */

bool rename_columns(Binder *binder, ScopeTable *table, const AstIdents *names, Span span)
{
	int shown = 0;
	for (int i = 0; i < table->column_count && shown < names->count; i++)
		if (!table->columns[i].hidden) table->columns[i].name = names->at[shown++].text;
	if (shown == names->count) return true;
	return error_set(binder->err, ERR_SYNTAX, span, "\"%s\" has %d columns but %d names were given", table->alias.text ? table->alias.text : "the relation",
		shown, names->count);
}

bool from_rows(Binder *binder, AstTable *ast, Rows *rows, AstIdent alias, From *out)
{
	ScopeTable *table = scope_table_new(binder, alias, ast, rows->column_count);
	for (int i = 0; i < rows->column_count; i++) {
		table->columns[i] = rows->columns[i];
		table->columns[i].hidden = table->columns[i].merged = false;
	}
	*out = (From){.plan = rows->plan};
	vec_push_in(binder->arena, &out->tables, table);
	return true;
}

/* ---- views ---- */

static bool point_here(Expr *e, void *context)
{
	e->span = *(const Span *)context;
	return true;
}

static void point_slot(Expr **slot, void *context) { expr_walk(*slot, point_here, context); }

static void point_plan(Plan *plan, void *context)
{
	plan->span = *(const Span *)context;
	plan_slots(plan, point_slot, context);
}

/* Places in the text of a view mean nothing to who reads the statement around it. */
static void point_to_use(Binder *binder, Plan *plan, int impurities, Span span)
{
	plan_walk(plan, point_plan, &span);
	for (int i = impurities; i < binder->impurities.count; i++) binder->impurities.at[i].span = span;
}

static bool parse_view(Binder *binder, const Relation *view, Span span, AstQuery **out)
{
	AstStatement *statement = parse_statement(view->query_sql, 0, strlen(view->query_sql), binder->arena, binder->err);
	if (statement && statement->kind == AST_STATEMENT_QUERY) {
		*out = statement->query;
		return true;
	}
	*binder->err = ERROR_INIT;
	return error_set(binder->err, ERR_INTERNAL, span, "the text of view \"%s\" cannot be read back", view->name);
}

static bool view_failed(Binder *binder, const Relation *view, Span span)
{
	binder->err->span = span;
	if (!binder->err->detail[0]) error_detail(binder->err, "in view \"%s\": %s", view->name, view->query_sql);
	return false;
}

/* Bound in a surrounding of its own: neither WITH names nor columns around it are seen in a view. */
static bool expand_view(Binder *binder, Relation *view, AstTable *ast, Span span, AstIdent alias, From *out)
{
	if (binder->view_depth >= VIEW_DEPTH_MAX || ++binder->view_count > VIEW_COUNT_MAX)
		return error_set(binder->err, ERR_TOO_COMPLEX, span, "views are nested too deeply, or used too often, in one statement");
	if (ast && ast->hints.count) return REFUSE(binder, span, "OPTIONS on a view");
	AstQuery *query = NULL;
	if (!parse_view(binder, view, span, &query)) return false;
	Cte *ctes = binder->ctes;
	bool defining = binder->defining, emit_on_close = binder->context->emit_on_close;
	int impurities = binder->impurities.count;
	binder->ctes = NULL;
	binder->defining = false;
	binder->view_depth++;
	Rows rows;
	bool done = bind_query(binder, query, NULL, &rows);
	binder->view_depth--;
	binder->ctes = ctes;
	binder->defining = defining;
	binder->context->emit_on_close = emit_on_close;
	if (!done) return view_failed(binder, view, span);
	point_to_use(binder, rows.plan, impurities, span);
	for (int i = 0; i < rows.column_count && i < view->column_count; i++) rows.columns[i].name = view->columns[i].name;
	return from_rows(binder, ast, &rows, alias.text ? alias : (AstIdent){view->name, span, true}, out);
}

bool bind_relation_reference(Binder *binder, AstTable *ast, const AstName *name, Span span, From *out)
{
	AstIdent alias = ast ? ast->alias : (AstIdent){0};
	Cte *cte = find_cte(binder, name);
	if (cte) {
		AstTable *table = ast ? ast : arena_new(binder->arena, AstTable);
		table->span = span;
		return use_cte(binder, cte, table, alias.text ? alias : (AstIdent){cte->ast->name.text, span, true}, out);
	}
	Relation *relation = find_relation(binder, name, binder->may_read_outside);
	if (!relation) return find_relation_error(binder, name) != NULL;
	bool renamed = binder->renaming && binder->view_depth == 0 && relation == binder->renaming->relation;
	if (renamed && ast && !ast->alias.text) ast->alias = ast_name_last(name);        /* its columns may be said with the old name */
	if (binder->view_depth == 0) vec_push_in(binder->arena, &binder->named, relation);
	if (relation->kind == RELATION_VIEW) return expand_view(binder, relation, ast, span, alias, out);
	if (ast) return scan_relation(binder, relation, ast, alias, out);
	AstTable *table = arena_new(binder->arena, AstTable);
	table->span = span;
	return scan_relation(binder, relation, table, alias, out);
}

/* ---- what stands in FROM ---- */

static bool bind_derived(Binder *binder, AstTable *ast, Scope *lateral, Scope *outer, From *out)
{
	Rows rows;
	if (!bind_query(binder, ast->query, ast->lateral ? lateral : outer, &rows)) return false;
	if (rows.limit < 0 && rows.offset == 0) rows.plan = rows.unsorted;
	return from_rows(binder, ast, &rows, ast->alias, out);
}

bool bind_table(Binder *binder, AstTable *ast, Scope *lateral, Scope *outer, From *out)
{
	if (!lateral) lateral = outer;
	switch (ast->kind) {
	case AST_TABLE_JOIN:
		return bind_join(binder, ast, lateral, outer, out);
	case AST_TABLE_FUNCTION:
		if (is_window_function(call_name(ast->call->call))) return bind_window_function(binder, ast, lateral, outer, out);
		return bind_table_function(binder, ast, lateral, NULL, false, out);
	case AST_TABLE_NAME:
		if (!bind_relation_reference(binder, ast, &ast->name, ast->name.span, out)) return false;
		break;
	case AST_TABLE_QUERY:
		if (!bind_derived(binder, ast, lateral, outer, out)) return false;
		break;
	}
	return rename_columns(binder, out->tables.at[0], &ast->columns, ast->span);
}

bool bind_from(Binder *binder, AstTable *ast, Scope *lateral, Scope *outer, From *out)
{
	if (ast->as_of) {
		REFUSE(binder, ast->as_of->span, "FOR SYSTEM_TIME AS OF of what is not the right side of a join");
		return error_hint(binder->err, "Write a JOIN b FOR SYSTEM_TIME AS OF a.ts ON a.key = b.key.");
	}
	return bind_table(binder, ast, lateral, outer, out);
}
