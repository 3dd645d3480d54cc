/* What names mean: columns by scope, relations by catalog.
 *
 * The innermost scope that knows a name wins. Within one, an exact spelling wins over one that differs in case, a relation's alias over a
 * ROW column of that name (as in Flink), and a real column over what other systems have silently (ROWTIME, WINDOWSTART).
 */
#include "bind/binder.h"

#include <stdarg.h>
#include <strings.h>

#include "base/nearest.h"

/* Schemas that other systems put in front of a name without meaning more than "here". */
static const char *const SCHEMAS[] = {"main", "public", "dev", "default", "materialize", "default_catalog", "default_database", "temp", NULL};

bool names_equal(const char *a, const char *b) { return strcasecmp(a, b) == 0; }

static bool is_schema(const char *name)
{
	for (int i = 0; SCHEMAS[i]; i++)
		if (names_equal(SCHEMAS[i], name)) return true;
	return false;
}

void notice(Binder *binder, const char *format, ...)
{
	StrBuf text = STRBUF_INIT;
	va_list args;
	va_start(args, format);
	strbuf_vprintf(&text, format, args);
	va_end(args);
	vec_push_in(binder->arena, &binder->out->notices, arena_strdup(binder->arena, text.text));
	strbuf_release(&text);
}

/* ---- columns ---- */

/* A column and, where it is a ROW, the columns of its fields are made by who scans; here it has none. */
ScopeColumn scope_column_of(Binder *binder, const char *name, ColumnId id, Type declared, bool nullable)
{
	Expr *expr = expr_column(binder->arena, id, plain_type(declared), nullable, SPAN_NONE);
	return (ScopeColumn){.name = name, .expr = expr, .declared = declared};
}

ScopeTable *scope_table_new(Binder *binder, AstIdent alias, AstTable *ast, int column_count)
{
	ScopeTable *table = arena_new(binder->arena, ScopeTable);
	table->alias = alias;
	table->ast = ast;
	table->columns = arena_array(binder->arena, ScopeColumn, column_count ? column_count : 1);
	table->column_count = column_count;
	return table;
}

static Expr *nullable_copy(Binder *binder, const Expr *e)
{
	Expr *copy = arena_copy(binder->arena, e, sizeof *e);
	copy->nullable = true;
	return copy;
}

static void make_nullable(Binder *binder, ScopeColumn *columns, int count)
{
	for (int i = 0; i < count; i++) {
		columns[i].expr = nullable_copy(binder, columns[i].expr);
		make_nullable(binder, columns[i].fields, columns[i].field_count);
	}
}

void scope_table_make_nullable(Binder *binder, ScopeTable *table) { make_nullable(binder, table->columns, table->column_count); }

bool fields_from_json(Binder *binder, ScopeColumn *column, Span span)
{
	column->field_count = 0;
	if (column->declared.kind != TYPE_ROW) return true;
	column->fields = arena_array(binder->arena, ScopeColumn, column->declared.field_count + 1);
	for (int i = 0; i < column->declared.field_count; i++) {
		const RowField *field = &column->declared.fields[i];
		Expr *value = json_field(binder, column->expr, field->name, field->type, span);
		if (!value) return false;
		column->fields[i] = (ScopeColumn){.name = field->name, .expr = value, .declared = field->type};
		if (!fields_from_json(binder, &column->fields[i], span)) return false;
		column->field_count++;
	}
	return true;
}

/* Exact case first, then ignoring case. *count: how many fit equally well. */
static ScopeColumn *find_among(ScopeColumn *columns, int count, const char *name, int *found_count)
{
	ScopeColumn *exact = NULL, *loose = NULL;
	int exact_count = 0, loose_count = 0;
	for (int i = 0; i < count; i++) {
		if (!names_equal(columns[i].name, name)) continue;
		loose = loose ? loose : &columns[i];
		loose_count++;
		if (strcmp(columns[i].name, name) != 0) continue;
		exact = exact ? exact : &columns[i];
		exact_count++;
	}
	*found_count = exact ? exact_count : loose_count;
	return exact ? exact : loose;
}

ScopeColumn *scope_table_column(ScopeTable *table, const char *name)
{
	int count;
	return find_among(table->columns, table->column_count, name, &count);
}

static bool ambiguous(Binder *binder, const char *name, Span span)
{
	error_set(binder->err, ERR_AMBIGUOUS_COLUMN, span, "column \"%s\" is ambiguous", name);
	return error_hint(binder->err, "Put the name of its relation before it.");
}

/* One name alone within one scope. false: err (ambiguous); *out NULL: not there. */
static bool find_alone(Binder *binder, Scope *scope, const char *name, Span span, ScopeColumn **out)
{
	*out = NULL;
	int fits = 0;
	for (int i = 0; i < scope->merged.count; i++)
		if (names_equal(scope->merged.at[i]->name, name)) {
			*out = scope->merged.at[i];
			fits++;
		}
	for (int i = 0; i < scope->tables.count; i++) {
		ScopeTable *table = scope->tables.at[i];
		int count = 0;
		ScopeColumn *column = find_among(table->columns, table->column_count, name, &count);
		if (!column || (column->merged && *out)) continue;
		bool exact = strcmp(column->name, name) == 0, had_exact = *out && strcmp((*out)->name, name) == 0;
		if (*out && (*out)->hidden != column->hidden) {
			if (column->hidden) continue;
			fits = 0;
		} else if (*out && exact != had_exact) {
			if (!exact) continue;
			fits = 0;
		}
		*out = column;
		fits += count;
	}
	return fits <= 1 || !binder || ambiguous(binder, name, span);
}

ScopeColumn *scope_find_name(Scope *scope, const char *name)
{
	ScopeColumn *column;
	find_alone(NULL, scope, name, SPAN_NONE, &column);
	return column;
}

/* What ksqlDB calls the columns of a window and the event time of a stream. */
static ScopeColumn *find_silent(Scope *scope, const char *name)
{
	if (names_equal(name, "windowstart")) return scope_find_name(scope, "window_start");
	if (names_equal(name, "windowend")) return scope_find_name(scope, "window_end");
	if (!names_equal(name, "rowtime") || scope->tables.count != 1) return NULL;
	return event_time_column(scope->tables.at[0]);
}

static ScopeTable *find_table(Scope *scope, const char *alias)
{
	for (int i = 0; i < scope->tables.count; i++)
		if (scope->tables.at[i]->alias.text && names_equal(scope->tables.at[i]->alias.text, alias)) return scope->tables.at[i];
	return NULL;
}

ScopeColumn *scope_field(Binder *binder, const ScopeColumn *of, const AstIdent *name)
{
	int fits;
	ScopeColumn *field = find_among(of->fields, of->field_count, name->text, &fits);
	if (field && fits == 1) return field;
	if (fits > 1) {
		ambiguous(binder, name->text, name->span);
		return NULL;
	}
	Nearest nearest;
	nearest_init(&nearest, name->text);
	for (int j = 0; j < of->field_count; j++) nearest_offer(&nearest, of->fields[j].name);
	if (of->name) error_set(binder->err, ERR_UNDEFINED_COLUMN, name->span, "column \"%s\" has no field \"%s\"", of->name, name->text);
	else error_set(binder->err, ERR_UNDEFINED_COLUMN, name->span, "there is no field \"%s\" in a value of type ROW", name->text);
	if (nearest.best) error_hint(binder->err, "Did you mean \"%s\"?", nearest.best);
	return NULL;
}

/* From a column along names of fields, as far as they are declared. NULL: err. */
static ScopeColumn *follow(Binder *binder, ScopeColumn *column, const AstIdent *names, int count, int *left_over)
{
	for (int i = 0; i < count; i++) {
		if (column->field_count == 0) {
			TypeKind kind = column->declared.kind;
			if (kind != TYPE_JSON && kind != TYPE_ROW) {
				error_set(binder->err, ERR_UNDEFINED_COLUMN, names[i].span, "column \"%s\" is %s and has no field \"%s\"", column->name,
					type_kind_name(kind), names[i].text);
				return NULL;
			}
			*left_over = count - i;
			return column;
		}
		column = scope_field(binder, column, &names[i]);
		if (!column) return NULL;
	}
	return column;
}

/* ---- what to say when a name is not there ---- */

static void offer_columns(Nearest *nearest, Scope *scope)
{
	for (; scope; scope = scope->outer) {
		for (int i = 0; i < scope->merged.count; i++) nearest_offer(nearest, scope->merged.at[i]->name);
		for (int i = 0; i < scope->tables.count; i++)
			for (int j = 0; j < scope->tables.at[i]->column_count; j++)
				if (!scope->tables.at[i]->columns[j].hidden) nearest_offer(nearest, scope->tables.at[i]->columns[j].name);
	}
}

static void offer_aliases(Nearest *nearest, const Clause *clause)
{
	if (!clause->select || !clause->aliases) return;
	const AstItems *items = &clause->select->ast->items;
	for (int i = 0; i < items->count; i++)
		if (items->at[i].alias.text) nearest_offer(nearest, items->at[i].alias.text);
}

static const char *relation_of_column(Scope *scope, const char *column)
{
	for (; scope; scope = scope->outer)
		for (int i = 0; i < scope->tables.count; i++)
			if (scope->tables.at[i]->alias.text && scope_table_column(scope->tables.at[i], column)) return scope->tables.at[i]->alias.text;
	return NULL;
}

static ScopeColumn *no_column(Clause *clause, const AstIdent *name)
{
	Error *err = clause->binder->err;
	Nearest nearest;
	nearest_init(&nearest, name->text);
	offer_columns(&nearest, clause->scope);
	offer_aliases(&nearest, clause);
	error_set(err, ERR_UNDEFINED_COLUMN, name->span, "column \"%s\" does not exist", name->text);
	if (nearest.best) error_hint(err, "Did you mean \"%s\"?", nearest.best);
	else if (name->quoted) error_hint(err, "Text stands in single quotes; double quotes are for names.");
	return NULL;
}

static ScopeColumn *no_column_of(Clause *clause, ScopeTable *table, const AstIdent *name)
{
	Error *err = clause->binder->err;
	Nearest nearest;
	nearest_init(&nearest, name->text);
	for (int i = 0; i < table->column_count; i++)
		if (!table->columns[i].hidden) nearest_offer(&nearest, table->columns[i].name);
	error_set(err, ERR_UNDEFINED_COLUMN, name->span, "\"%s\" has no column \"%s\"", table->alias.text, name->text);
	if (nearest.best) error_hint(err, "Did you mean \"%s\"?", nearest.best);
	return NULL;
}

static ScopeColumn *no_table(Clause *clause, const AstIdent *name, const AstIdent *column)
{
	Error *err = clause->binder->err;
	Nearest nearest;
	nearest_init(&nearest, name->text);
	for (Scope *scope = clause->scope; scope; scope = scope->outer)
		for (int i = 0; i < scope->tables.count; i++)
			if (scope->tables.at[i]->alias.text) nearest_offer(&nearest, scope->tables.at[i]->alias.text);
	error_set(err, ERR_UNDEFINED_TABLE, name->span, "relation \"%s\" is not in FROM", name->text);
	const char *has = relation_of_column(clause->scope, column->text);
	if (nearest.best) error_hint(err, "Did you mean \"%s\"?", nearest.best);
	else if (has) error_hint(err, "Did you mean \"%s.%s\"?", has, column->text);
	return NULL;
}

/* ---- paths ---- */

/* Within one scope; *out NULL: go on outwards. false: err. */
static bool find_in_scope(Clause *clause, Scope *scope, const AstIdent *path, int count, int *left_over, ScopeColumn **out)
{
	Binder *binder = clause->binder;
	*out = NULL;
	if (count > 1) {
		int skip = 0;
		while (skip + 2 < count && !find_table(scope, path[skip].text) && is_schema(path[skip].text)) skip++;
		ScopeTable *table = find_table(scope, path[skip].text);
		const AstIdent *name = &path[skip + 1];
		int fits = 0;
		ScopeColumn *column = table ? find_among(table->columns, table->column_count, name->text, &fits) : NULL;
		if (fits > 1) return ambiguous(binder, name->text, name->span);
		if (!column && table && (names_equal(name->text, "rowtime") || names_equal(name->text, "windowstart") || names_equal(name->text, "windowend"))) {
			Scope alone = {0};
			vec_push_in(binder->arena, &alone.tables, table);
			column = find_silent(&alone, name->text);
		}
		if (column) return (*out = follow(binder, column, path + skip + 2, count - skip - 2, left_over)) != NULL;
	}
	ScopeColumn *column;
	if (!find_alone(binder, scope, path[0].text, path[0].span, &column)) return false;
	if (!column && count == 1) column = find_silent(scope, path[0].text);
	if (!column) return true;
	if (count > 1 && column->declared.kind != TYPE_ROW && column->declared.kind != TYPE_JSON) return true;
	return (*out = follow(binder, column, path + 1, count - 1, left_over)) != NULL;
}

ScopeColumn *scope_find(Clause *clause, const AstExpr *ast, int *left_over)
{
	const AstIdent *path = ast->path.at;
	int count = ast->path.count;
	*left_over = 0;
	for (Scope *scope = clause->scope; scope; scope = scope->outer) {
		ScopeColumn *column;
		if (!find_in_scope(clause, scope, path, count, left_over, &column)) return NULL;
		if (column) return column;
	}
	if (count == 1) return no_column(clause, &path[0]);
	for (Scope *scope = clause->scope; scope; scope = scope->outer) {
		ScopeTable *table = find_table(scope, path[count > 2 && is_schema(path[0].text) ? 1 : 0].text);
		if (table) return no_column_of(clause, table, &path[count > 2 && is_schema(path[0].text) ? 2 : 1]);
	}
	return no_table(clause, &path[0], &path[1]);
}

/* ---- relations ---- */

void note_read(Binder *binder, Relation *relation)
{
	Relation *known = relation->derived_from ? relation->derived_from : relation;
	for (int i = 0; i < binder->reads.count; i++)
		if (binder->reads.at[i] == known) return;
	vec_push_in(binder->arena, &binder->reads, known);
}

static bool check_schema(Binder *binder, const AstName *name)
{
	for (int i = 0; i + 1 < name->parts.count; i++)
		if (!is_schema(name->parts.at[i].text))
			return error_set(binder->err, ERR_UNDEFINED_TABLE, name->parts.at[i].span, "schema \"%s\" does not exist", name->parts.at[i].text)
				|| error_hint(binder->err, "A file has one schema; write the name of the relation alone.");
	return true;
}

Relation *find_relation(Binder *binder, const AstName *name, bool outside)
{
	const char *text = ast_name_last(name).text;
	for (int i = 0; i + 1 < name->parts.count; i++)
		if (!is_schema(name->parts.at[i].text)) return NULL;
	if (binder->self && names_equal(binder->self, text)) return NULL;
	Relation *relation = catalog_find(binder->catalog, text);
	Renaming *renaming = binder->view_depth == 0 ? binder->renaming : NULL;
	if (renaming && relation == renaming->relation) vec_push_in(binder->arena, &renaming->names, (AstName *)name);
	if (relation || !outside || !binder->settings->outside) return relation;
	relation = binder->settings->outside(binder->settings->context, text);
	if (!relation) return NULL;
	binder->reads_outside = true;
	vec_push_in(binder->arena, &binder->out->derived, relation);
	return relation;
}

Relation *find_relation_error(Binder *binder, const AstName *name)
{
	if (!check_schema(binder, name)) return NULL;
	AstIdent last = ast_name_last(name);
	const BindSettings *settings = binder->settings;
	error_set(binder->err, ERR_UNDEFINED_TABLE, last.span, "relation \"%s\" does not exist", last.text);
	if (binder->self && names_equal(binder->self, last.text)) {
		error_hint(binder->err, "A definition cannot read itself; WITH RECURSIVE can.");
		return NULL;
	}
	const char *nearest = catalog_nearest(binder->catalog, last.text);
	if (!nearest && binder->may_read_outside && settings->outside_nearest) nearest = settings->outside_nearest(settings->context, last.text);
	if (nearest) error_hint(binder->err, "Did you mean \"%s\"?", nearest);
	return NULL;
}
