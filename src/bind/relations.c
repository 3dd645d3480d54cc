/* CREATE STREAM, SOURCE, TABLE: from any system's form to one Relation, and back to one form of text.
 *
 * The AST is brought to that form first (INCLUDE becomes metadata columns, FORMAT becomes options, LIKE is written out), then the relation
 * is made of it; so what is stored is bound the same way again. Expressions of a relation (computed columns, CHECK) are over its inputs.
 */
#include "bind/binder.h"

#include "ast/parse.h"
#include "expr/function.h"

typedef struct Making {
	Binder *binder;
	AstCreateRelation *ast;
	Relation *relation;
	OptionSet options;
	ScopeTable *table;            /* the relation's columns, as its own expressions see them */
	VEC(RelationInput) inputs;    /* all that may be read; id = index + 1 */
	VEC(Expr **) exprs;           /* where expressions over them hang */
	int *primary_key; int primary_key_count;
} Making;

/* ---- to one form ---- */

static AstTypeName *plain_type_name(Binder *binder, const char *name, Span span)
{
	AstTypeName *type = arena_new(binder->arena, AstTypeName);
	type->name = name;
	type->parameters[0] = type->parameters[1] = -1;
	type->depth = 1;
	type->span = span;
	return type;
}

/* RisingWave's INCLUDE OFFSET AS off */
static bool write_include(Binder *binder, AstCreateRelation *ast, const AstInclude *include)
{
	static const struct { const char *what, *key, *type; } KINDS[] = {
		{"key", "key", "text"}, {"partition", "partition", "integer"}, {"offset", "offset", "integer"}, {"timestamp", "timestamp", "timestamp"},
		{"header", "headers", "json"}, {"topic", "topic", "text"},
	};
	for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
		if (!names_equal(KINDS[i].what, include->what)) continue;
		AstColumnDef column = {.metadata = true, .metadata_key = KINDS[i].key, .span = include->span, .source_span = include->span};
		column.name = include->alias.text ? include->alias : (AstIdent){arena_printf(binder->arena, "_rw_kafka_%s", include->what), include->span, false};
		column.type = include->type ? include->type : plain_type_name(binder, include->header ? "text" : KINDS[i].type, include->span);
		if (include->header) {
			column.metadata_key = "header";
			column.header = include->header;
		}
		vec_push_in(binder->arena, &ast->columns, column);
		return true;
	}
	return REFUSE(binder, include->span, "INCLUDE %s", include->what);
}

static bool like_says(const AstCreateRelation *ast, const char *verb, const char *what)
{
	for (int i = 0; i + 1 < ast->like_options.count; i += 2)
		if (names_equal(ast->like_options.at[i].text, verb) && (names_equal(ast->like_options.at[i + 1].text, what) || names_equal(ast->like_options.at[i + 1].text, "all")))
			return true;
	return false;
}

static void like_columns(Binder *binder, AstCreateRelation *ast, const AstCreateRelation *base)
{
	AstColumnDefs columns = {0};
	for (int i = 0; i < base->columns.count; i++) {
		const AstColumnDef *column = &base->columns.at[i];
		if ((column->generated && like_says(ast, "excluding", "generated")) || (column->metadata && like_says(ast, "excluding", "metadata"))) continue;
		vec_push_in(binder->arena, &columns, *column);
	}
	for (int i = 0; i < ast->columns.count; i++) vec_push_in(binder->arena, &columns, ast->columns.at[i]);
	ast->columns = columns;
}

static bool has_primary_key(const AstCreateRelation *ast)
{
	for (int i = 0; i < ast->constraints.count; i++)
		if (ast->constraints.at[i].kind == AST_CONSTRAINT_PRIMARY_KEY) return true;
	for (int i = 0; i < ast->columns.count; i++)
		if (ast->columns.at[i].primary_key) return true;
	return false;
}

/* Flink's LIKE t: what t says, less what is excluded; what is said here wins. */
static bool write_like(Binder *binder, AstCreateRelation *ast)
{
	if (!ast->like.parts.count) return true;
	Relation *relation = find_relation(binder, &ast->like, false);
	if (!relation) return find_relation_error(binder, &ast->like) != NULL;
	AstStatement *statement = relation->sql ? parse_statement(relation->sql, 0, strlen(relation->sql), binder->arena, binder->err) : NULL;
	if (!statement || statement->kind != AST_STATEMENT_CREATE_RELATION)
		return error_set(binder->err, ERR_WRONG_OBJECT_TYPE, ast->like.span, "LIKE takes a stream or table, not %s \"%s\"", relation_kind_name(relation->kind), relation->name);
	const AstCreateRelation *base = statement->create_relation;
	bool has_key = has_primary_key(ast);
	like_columns(binder, ast, base);
	for (int i = 0; i < base->constraints.count && !like_says(ast, "excluding", "constraints"); i++)
		if (!has_key || base->constraints.at[i].kind != AST_CONSTRAINT_PRIMARY_KEY) vec_push_in(binder->arena, &ast->constraints, base->constraints.at[i]);
	for (int i = 0; i < base->watermarks.count && !ast->watermarks.count && !like_says(ast, "excluding", "watermarks"); i++)
		vec_push_in(binder->arena, &ast->watermarks, base->watermarks.at[i]);
	for (int i = 0; i < base->options.count && !like_says(ast, "excluding", "options"); i++) {
		bool said = false;
		for (int j = 0; j < ast->options.count; j++) {
			const OptionSpec *here = option_spec(ast->options.at[j].name), *there = option_spec(base->options.at[i].name);
			said |= here && here == there;
		}
		if (!said) vec_push_in(binder->arena, &ast->options, base->options.at[i]);
	}
	ast->like = (AstName){0};
	ast->like_options = (AstIdents){0};
	return true;
}

static void pass_over(Binder *binder, AstCreateRelation *ast)
{
	if (ast->partitioned_by.count) notice(binder, "PARTITIONED BY is passed over: it changes nothing here");
	if (ast->temporary) notice(binder, "TEMPORARY is passed over: \"%s\" stays until it is dropped", ast_name_last(&ast->name).text);
	ast->partitioned_by = (AstIdents){0};
	ast->temporary = false;
	for (int i = 0; i < ast->columns.count; i++) {
		AstColumnDef *column = &ast->columns.at[i];
		if (column->references.parts.count) notice(binder, "REFERENCES of column \"%s\" is passed over: foreign keys are not kept", column->name.text);
		column->references = (AstName){0};
		column->referenced_columns = (AstIdents){0};
		column->key = false;
		column->stored = column->metadata_virtual = false;
	}
	int kept = 0;
	for (int i = 0; i < ast->constraints.count; i++) {
		if (ast->constraints.at[i].kind == AST_CONSTRAINT_FOREIGN_KEY) notice(binder, "FOREIGN KEY is passed over: foreign keys are not kept");
		else ast->constraints.at[kept++] = ast->constraints.at[i];
	}
	ast->constraints.count = kept;
}

static bool write_one_form(Binder *binder, AstCreateRelation *ast, OptionSet *options)
{
	if (ast->star) return REFUSE(binder, ast->name.span, "taking the columns from a schema registry") || error_hint(binder->err, "Write the columns; PEEK 'topic' suggests them.");
	if (!write_like(binder, ast)) return false;
	for (int i = 0; i < ast->includes.count; i++)
		if (!write_include(binder, ast, &ast->includes.at[i])) return false;
	if (!binder->settings->stored && !write_keys(binder, ast)) return false;
	pass_over(binder, ast);
	if (!relation_options(binder, &ast->options, ast->format, OPTIONS_OF_RELATION, options)) return false;
	ast->format = NULL;
	ast->includes = (AstIncludes){0};
	return true;
}

/* ---- columns ---- */

static ColumnId add_input(Making *making, ColumnPath path, Type type)
{
	vec_push_in(making->binder->arena, &making->inputs, (RelationInput){path, type});
	return making->inputs.count;
}

static void add_input_fields(Making *making, ScopeColumn *column, ColumnPath path)
{
	Binder *binder = making->binder;
	if (column->declared.kind != TYPE_ROW) return;
	column->field_count = column->declared.field_count;
	column->fields = arena_array(binder->arena, ScopeColumn, column->field_count + 1);
	for (int i = 0; i < column->field_count; i++) {
		const RowField *field = &column->declared.fields[i];
		ColumnPath inner = column_path_inner(binder->arena, path, field->name);
		column->fields[i] = scope_column_of(binder, field->name, add_input(making, inner, plain_type(field->type)), field->type, true);
		add_input_fields(making, &column->fields[i], inner);
	}
}

static const char *metadata_key(Making *making, const AstColumnDef *ast)
{
	static const char *const KEYS[] = {"offset", "partition", "timestamp", "key", "topic", "headers", NULL};
	if (ast->header) return arena_printf(making->binder->arena, "header:%s", ast->header);
	const char *key = ast->metadata_key ? ast->metadata_key : ast->name.text;
	if (strncmp(key, "header:", 7) == 0) return key;
	for (int i = 0; KEYS[i]; i++)
		if (names_equal(KEYS[i], key)) return KEYS[i];
	error_set(making->binder->err, ERR_UNDEFINED_OBJECT, ast->source_span, "metadata \"%s\" does not exist", key);
	error_hint(making->binder->err, "There are offset, partition, timestamp, key, topic and headers.");
	return NULL;
}

static bool check_column(Making *making, const AstColumnDef *ast)
{
	Binder *binder = making->binder;
	for (int i = 0; i < making->relation->column_count; i++)
		if (names_equal(making->relation->columns[i].name, ast->name.text))
			return error_set(binder->err, ERR_DUPLICATE_COLUMN, ast->name.span, "column \"%s\" stands twice", ast->name.text);
	if (ast->autoincrement) return REFUSE(binder, ast->span, "AUTOINCREMENT");
	if (ast->collation.text && !names_equal(ast->collation.text, "binary"))
		return REFUSE(binder, ast->collation.span, "a column with a collation") || error_hint(binder->err, "COLLATE may stand in queries.");
	if (!ast->type && !ast->generated) {
		error_set(binder->err, ERR_SYNTAX, ast->span, "column \"%s\" needs a type", ast->name.text);
		return error_hint(binder->err, "TEXT takes any value.");
	}
	if (ast->metadata && !making->relation->connector)
		return error_set(binder->err, ERR_INVALID_DEFINITION, ast->source_span, "column \"%s\" is metadata of records, but there is no connector", ast->name.text);
	return true;
}

static RelationColumn *add_column(Making *making, const char *name, Type type, ColumnKind kind)
{
	Relation *relation = making->relation;
	RelationColumn *column = &relation->columns[relation->column_count];
	*column = (RelationColumn){.name = arena_strdup(&relation->arena, name), .type = type_copy(&relation->arena, type), .kind = kind};
	ScopeColumn *seen = &making->table->columns[relation->column_count];
	ColumnPath path = {.column = relation->column_count};
	making->table->column_count = ++relation->column_count;
	*seen = scope_column_of(making->binder, column->name, kind == COLUMN_COMPUTED ? 1 : add_input(making, path, plain_type(type)), type, true);
	if (kind == COLUMN_COMPUTED) return column;
	if (relation->connector) add_input_fields(making, seen, path);
	else fields_from_json(making->binder, seen, SPAN_NONE);
	return column;
}

/* PostgreSQL's SERIAL is never NULL, since a sequence gives what an INSERT leaves out. */
static bool is_serial(Binder *binder, const AstColumnDef *ast)
{
	if (ast->type->kind != AST_TYPE_PLAIN) return false;
	if (!names_equal(ast->type->name, "serial") && !names_equal(ast->type->name, "bigserial")) return false;
	notice(binder, "column \"%s\": no sequence gives its numbers, INSERT has to", ast->name.text);
	return true;
}

static bool declare_column(Making *making, const AstColumnDef *ast)
{
	Binder *binder = making->binder;
	if (!check_column(making, ast)) return false;
	if (ast->generated) return true;                      /* after all others: they may stand before what they are made of */
	Type type;
	if (!bind_type(binder, ast->type, &type)) return false;
	RelationColumn *column = add_column(making, ast->name.text, type, ast->metadata ? COLUMN_METADATA : COLUMN_PHYSICAL);
	column->not_null = is_serial(binder, ast) || ast->not_null || ast->primary_key;
	if (ast->metadata) {
		const char *key = metadata_key(making, ast);
		if (!key) return false;
		column->metadata_key = arena_strdup(&making->relation->arena, key);
	}
	if (ast->path) column->json_path = arena_strdup(&making->relation->arena, ast->path);
	making->table->columns[making->relation->column_count - 1].expr->nullable = !column->not_null;
	return true;
}

/* ---- expressions of the relation ---- */

static bool refuse_node(Making *making, Expr *e, Span span, const char *what)
{
	Binder *binder = making->binder;
	if (e->kind == EXPR_SUBQUERY) return REFUSE(binder, span, "a subquery in %s", what);
	unsigned flags = e->kind == EXPR_CALL ? e->function->flags : 0;
	if (flags & FUNCTION_VOLATILE) return REFUSE(binder, span, "%s() in %s", e->function->name, what);
	if (flags & FUNCTION_CLOCK) return REFUSE(binder, span, "%s() in %s", e->function->name, what) || error_hint(binder->err, "PROCTIME() stamps each row once.");
	for (int i = 0; i < e->arg_count; i++)
		if (!refuse_node(making, e->args[i], span, what)) return false;
	return true;
}

static Expr *bind_own_expr(Making *making, const AstExpr *ast, const char *what, bool condition)
{
	Scope scope = {0};
	vec_push_in(making->binder->arena, &scope.tables, making->table);
	Clause clause = {.binder = making->binder, .scope = &scope, .name = what};
	Expr *e = condition ? bind_condition(&clause, ast) : bind_expr(&clause, ast);
	if (!e || !refuse_node(making, e, ast->span, what)) return NULL;
	return e;
}

static bool compute_column(Making *making, const AstColumnDef *ast)
{
	Binder *binder = making->binder;
	Expr *e = bind_own_expr(making, ast->generated, "a computed column", false);
	if (!e) return false;
	Type type = e->type.kind == TYPE_NULL ? TYPE(TEXT) : e->type;
	if (ast->type && !bind_type(binder, ast->type, &type)) return false;
	if (!(e = expr_cast(binder->arena, e, plain_type(type), CAST_EXPLICIT, binder->err)) || !(e = nested_as(binder, e, type))) return false;
	RelationColumn *column = add_column(making, ast->name.text, plain_type(type), COLUMN_COMPUTED);
	making->table->columns[making->relation->column_count - 1].expr = e;
	column->not_null = ast->not_null || ast->primary_key;
	column->computed = e;
	return true;
}

/* A computed column may be made of others that stand behind it, but not of itself: as many rounds as it takes. */
static bool compute_columns(Making *making)
{
	const AstColumnDefs *columns = &making->ast->columns;
	bool *done = arena_array(making->binder->arena, bool, columns->count + 1);
	Error *real = making->binder->err;
	for (int left = 1; left; ) {
		bool progress = false;
		Error first = ERROR_INIT;
		left = 0;
		for (int i = 0; i < columns->count; i++) {
			if (!columns->at[i].generated || done[i]) continue;
			Error failed = ERROR_INIT;
			making->binder->err = &failed;
			done[i] = compute_column(making, &columns->at[i]);
			making->binder->err = real;
			progress |= done[i];
			left += !done[i];
			if (!done[i] && !first.code) first = failed;
		}
		if (left && !progress) {
			*real = first;
			return false;
		}
	}
	return true;
}

/* Columns in the order in which they were declared. */
static void order_columns(Making *making)
{
	Relation *relation = making->relation;
	RelationColumn *ordered = arena_array(&relation->arena, RelationColumn, relation->column_count + 2);
	ScopeColumn *seen = arena_array(making->binder->arena, ScopeColumn, relation->column_count + 2);
	int *position = arena_array(making->binder->arena, int, relation->column_count + 1);
	for (int i = 0; i < making->ast->columns.count; i++)
		for (int j = 0; j < relation->column_count; j++)
			if (names_equal(relation->columns[j].name, making->ast->columns.at[i].name.text)) {
				ordered[i] = relation->columns[j];
				seen[i] = making->table->columns[j];
				position[j] = i;
			}
	for (int i = 0; i < making->inputs.count; i++) making->inputs.at[i].path.column = position[making->inputs.at[i].path.column];
	relation->columns = ordered;
	making->table->columns = seen;
}

static bool make_columns(Making *making)
{
	const AstColumnDefs *columns = &making->ast->columns;
	if (!columns->count) return error_set(making->binder->err, ERR_SYNTAX, making->ast->name.span, "\"%s\" has no columns", making->relation->name);
	making->relation->columns = arena_array(&making->relation->arena, RelationColumn, columns->count + 2);
	making->table = scope_table_new(making->binder, (AstIdent){making->relation->name, making->ast->name.span, true}, NULL, columns->count + 2);
	making->table->column_count = 0;
	for (int i = 0; i < columns->count; i++)
		if (!declare_column(making, &columns->at[i])) return false;
	if (!compute_columns(making)) return false;
	order_columns(making);
	return true;
}

/* ---- keys ---- */

static bool find_columns(Making *making, const AstIdents *names, int **out)
{
	*out = arena_array(&making->relation->arena, int, names->count + 1);
	for (int i = 0; i < names->count; i++) {
		(*out)[i] = relation_column_find(making->relation, names->at[i].text);
		if ((*out)[i] < 0) return error_set(making->binder->err, ERR_UNDEFINED_COLUMN, names->at[i].span, "column \"%s\" does not exist", names->at[i].text);
		for (int j = 0; j < i; j++)
			if ((*out)[j] == (*out)[i]) return error_set(making->binder->err, ERR_DUPLICATE_COLUMN, names->at[i].span, "column \"%s\" stands twice in the key", names->at[i].text);
	}
	return true;
}

static bool set_primary_key(Making *making, int *columns, int count, Span span)
{
	Relation *relation = making->relation;
	if (relation->primary_key_count) return error_set(making->binder->err, ERR_INVALID_DEFINITION, span, "\"%s\" has two primary keys", relation->name);
	for (int i = 0; i < count; i++) {
		TypeKind kind = relation->columns[columns[i]].type.kind;
		if (kind == TYPE_ROW) return REFUSE(making->binder, span, "a ROW in a primary key");
		relation->columns[columns[i]].not_null = true;
	}
	relation->primary_key = columns;
	relation->primary_key_count = count;
	return true;
}

static void add_unique(Relation *relation, const int *columns, int count)
{
	typeof(relation->uniques) grown = arena_zalloc(&relation->arena, sizeof *relation->uniques * (size_t)(relation->unique_count + 1));
	if (relation->unique_count) memcpy(grown, relation->uniques, sizeof *grown * (size_t)relation->unique_count);
	grown[relation->unique_count].columns = columns;
	grown[relation->unique_count++].count = count;
	relation->uniques = grown;
}

/* Equal intervals may have other texts, which is what the file compares. */
static bool refuse_interval_key(Making *making, const int *columns, int count)
{
	for (int i = 0; i < count; i++)
		if (making->relation->columns[columns[i]].type.kind == TYPE_INTERVAL && !making->binder->settings->stored)
			return REFUSE(making->binder, making->ast->name.span, "an INTERVAL as key of a table");
	return true;
}

/* The file keeps a local table's key only of types that it compares exactly; others are kept apart by an index, as UNIQUE columns are. */
static bool keep_key_apart(Making *making)
{
	Relation *relation = making->relation;
	bool local = relation->kind == RELATION_TABLE && !relation->connector, exact = true;
	if (!local) return true;
	for (int i = 0; i < relation->primary_key_count; i++) exact &= type_is_exact_in_file(relation->columns[relation->primary_key[i]].type);
	if (!exact) add_unique(relation, relation->primary_key, relation->primary_key_count);
	for (int u = 0; u < relation->unique_count; u++)
		if (!refuse_interval_key(making, relation->uniques[u].columns, relation->uniques[u].count)) return false;
	return true;
}

static bool make_keys(Making *making)
{
	Relation *relation = making->relation;
	for (int i = 0; i < making->ast->columns.count; i++) {
		const AstColumnDef *column = &making->ast->columns.at[i];
		int *one = arena_array(&relation->arena, int, 1);
		one[0] = i;
		if (column->primary_key && !set_primary_key(making, one, 1, column->span)) return false;
		if (column->unique) add_unique(relation, one, 1);
	}
	for (int i = 0; i < making->ast->constraints.count; i++) {
		const AstConstraint *constraint = &making->ast->constraints.at[i];
		int *columns;
		if (constraint->kind == AST_CONSTRAINT_CHECK) continue;
		if (!find_columns(making, &constraint->columns, &columns)) return false;
		if (constraint->kind == AST_CONSTRAINT_UNIQUE) add_unique(relation, columns, constraint->columns.count);
		else if (!set_primary_key(making, columns, constraint->columns.count, constraint->span)) return false;
	}
	return true;
}

/* ---- CHECK, DEFAULT ---- */

static const char *printed(Relation *relation, const AstExpr *ast)
{
	StrBuf text = STRBUF_INIT;
	ast_print_expr(ast, &text);
	const char *kept = arena_strdup(&relation->arena, text.text);
	strbuf_release(&text);
	return kept;
}

static bool add_check(Making *making, const AstExpr *ast, const char *name)
{
	Relation *relation = making->relation;
	Expr *condition = bind_own_expr(making, ast, "CHECK", true);
	if (!condition) return false;
	typeof(relation->checks) grown = arena_zalloc(&relation->arena, sizeof *relation->checks * (size_t)(relation->check_count + 1));
	if (relation->check_count) memcpy(grown, relation->checks, sizeof *grown * (size_t)relation->check_count);
	grown[relation->check_count].name = name ? arena_strdup(&relation->arena, name) : NULL;
	grown[relation->check_count].sql = printed(relation, ast);
	grown[relation->check_count++].condition = condition;
	relation->checks = grown;
	return true;
}

static bool make_checks(Making *making)
{
	for (int i = 0; i < making->ast->columns.count; i++)
		for (int j = 0; j < making->ast->columns.at[i].checks.count; j++)
			if (!add_check(making, making->ast->columns.at[i].checks.at[j], NULL)) return false;
	for (int i = 0; i < making->ast->constraints.count; i++) {
		const AstConstraint *constraint = &making->ast->constraints.at[i];
		if (constraint->kind == AST_CONSTRAINT_CHECK && !add_check(making, constraint->check, constraint->name.text)) return false;
	}
	return true;
}

static bool is_of_no_column(Expr *e, void *context)
{
	(void)context;
	return e->kind != EXPR_COLUMN && e->kind != EXPR_SUBQUERY;
}

static bool make_default(Making *making, int column, const AstExpr *ast)
{
	Binder *binder = making->binder;
	Relation *relation = making->relation;
	Expr *e = bind_constant_expr(binder, ast, "DEFAULT");
	if (!e) return false;
	if (!expr_walk(e, is_of_no_column, NULL)) return REFUSE(binder, ast->span, "a subquery in DEFAULT");
	Type type = relation->columns[column].type;
	e = expr_cast(binder->arena, e, plain_type(type), CAST_ASSIGN, binder->err);
	if (!e || !(e = nested_as(binder, e, type))) {
		if (binder->err->span.end == 0) binder->err->span = ast->span;
		return error_detail(binder->err, "DEFAULT of column \"%s\"", relation->columns[column].name);
	}
	relation->columns[column].default_value = expr_copy(&relation->arena, e);
	relation->columns[column].default_sql = printed(relation, ast);
	return true;
}

static bool make_defaults(Making *making)
{
	for (int i = 0; i < making->ast->columns.count; i++) {
		const AstColumnDef *column = &making->ast->columns.at[i];
		if (column->default_value && !make_default(making, i, column->default_value)) return false;
	}
	return true;
}

/* ---- event time ---- */

static bool set_event_time(Making *making, int column, int64_t delay_us, Span span)
{
	Relation *relation = making->relation;
	Type type = relation->columns[column].type;
	if (type.kind != TYPE_TIMESTAMP) {
		error_set(making->binder->err, ERR_DATATYPE_MISMATCH, span, "event time must be a TIMESTAMP, but column \"%s\" is %s", relation->columns[column].name, type_kind_name(type.kind));
		return error_hint(making->binder->err, "Declare it as TIMESTAMP: text and numbers are read as times.");
	}
	relation->watermark_column = column;
	relation->watermark_delay_us = delay_us;
	return true;
}

static bool names_column(const AstExpr *ast, const AstName *column)
{
	return ast->kind == AST_COLUMN && ast->path.count >= 1 && names_equal(ast->path.at[ast->path.count - 1].text, ast_name_last(column).text);
}

/* col, or col - INTERVAL: what else there could be has no delay that holds. */
static bool watermark_delay(Making *making, const AstWatermark *ast, int64_t *delay_us)
{
	Binder *binder = making->binder;
	const AstExpr *e = ast->expr;
	*delay_us = 0;
	if (!e || names_column(e, &ast->column)) return true;
	bool difference = e->kind == AST_BINARY && (e->op == AST_OP_SUBTRACT || e->op == AST_OP_ADD) && names_column(e->args.at[0], &ast->column);
	if (!difference) {
		REFUSE(binder, e->span, "a watermark other than column - INTERVAL");
		return error_hint(binder->err, "Write WATERMARK FOR %s AS %s - INTERVAL '5 seconds'.", ast_name_last(&ast->column).text, ast_name_last(&ast->column).text);
	}
	if (!constant_duration(binder, e->args.at[1], "the delay of a watermark", delay_us)) return false;
	if (e->op == AST_OP_ADD) *delay_us = -*delay_us;
	return *delay_us >= 0 || error_set(binder->err, ERR_INVALID_PARAMETER, e->span, "a watermark cannot run ahead of its rows");
}

static bool make_watermark(Making *making)
{
	Binder *binder = making->binder;
	const AstWatermarks *watermarks = &making->ast->watermarks;
	if (!watermarks->count) return true;
	const AstWatermark *ast = &watermarks->at[0];
	if (watermarks->count > 1) return REFUSE(binder, watermarks->at[1].span, "more than one watermark");
	if (ast->column.parts.count > 1) {
		REFUSE(binder, ast->column.span, "a watermark on a field of a ROW");
		return error_hint(binder->err, "Make a computed column of it: %s AS %s.%s.", ast_name_last(&ast->column).text, ast->column.parts.at[0].text, ast_name_last(&ast->column).text);
	}
	int column = relation_column_find(making->relation, ast_name_last(&ast->column).text);
	if (column < 0) return error_set(binder->err, ERR_UNDEFINED_COLUMN, ast->column.span, "column \"%s\" does not exist", ast_name_last(&ast->column).text);
	int64_t delay_us;
	return watermark_delay(making, ast, &delay_us) && set_event_time(making, column, delay_us, ast->column.span);
}

/* ksqlDB's ROWTIME, where it is no declared column: out of sight of `*`. */
static RelationColumn *add_rowtime(Making *making, ColumnKind kind)
{
	RelationColumn *column = add_column(making, "ROWTIME", TYPE(TIMESTAMP), kind);
	column->hidden = true;
	making->table->columns[making->relation->column_count - 1].hidden = true;
	return column;
}

static Expr *milliseconds_as_time(Making *making, Expr *number, Span span)
{
	Arena *arena = making->binder->arena;
	Value epoch = {.type = TYPE(TIMESTAMP)}, one = {.type = TYPE(INTERVAL), .interval = {.us = 1000}};
	Expr *product[2] = {number, expr_constant(arena, &one, span)};
	Expr *sum[2] = {expr_constant(arena, &epoch, span), expr_call(arena, "*", product, 2, span, making->binder->err)};
	return sum[1] ? expr_call(arena, "+", sum, 2, span, making->binder->err) : NULL;
}

static Expr *text_as_time(Making *making, Expr *text, const char *pattern, Span span)
{
	Binder *binder = making->binder;
	Expr *args[2] = {text, pattern ? expr_text(binder->arena, pattern) : NULL};
	return expr_call(binder->arena, pattern ? "parse_timestamp" : "to_timestamp", args, pattern ? 2 : 1, span, binder->err);
}

/* Option event_time (ksqlDB's TIMESTAMP = 'at'): a TIMESTAMP column is event time itself, of text and milliseconds one is made. */
static bool make_event_time(Making *making)
{
	Binder *binder = making->binder;
	Relation *relation = making->relation;
	const Option *option = options_find(&making->options, "event_time"), *format = options_find(&making->options, "event_time_format");
	if (!option) return !format || error_set(binder->err, ERR_INVALID_DEFINITION, format->span, "option \"event_time_format\" needs \"event_time\"");
	if (relation->watermark_column >= 0)
		return error_set(binder->err, ERR_INVALID_DEFINITION, option->span, "event time is said twice: by WATERMARK and by the option \"event_time\"");
	int at = relation_column_find(relation, option->value);
	if (at < 0 && names_equal(option->value, "ROWTIME")) {
		add_rowtime(making, COLUMN_METADATA)->metadata_key = "timestamp";
		return set_event_time(making, relation->column_count - 1, 0, option->span);
	}
	if (at < 0) return error_set(binder->err, ERR_UNDEFINED_COLUMN, option->span, "column \"%s\" does not exist", option->value);
	Type type = relation->columns[at].type;
	if (type.kind == TYPE_TIMESTAMP) return set_event_time(making, at, 0, option->span);
	Expr *column = making->table->columns[at].expr, *time = NULL;
	if (type.kind == TYPE_TEXT) time = text_as_time(making, column, format ? format->value : NULL, option->span);
	else if (type.kind == TYPE_INTEGER) time = milliseconds_as_time(making, column, option->span);
	else return error_set(binder->err, ERR_DATATYPE_MISMATCH, option->span, "column \"%s\" is %s and cannot be event time", option->value, type_kind_name(type.kind));
	if (!time) return false;
	add_rowtime(making, COLUMN_COMPUTED)->computed = time;
	making->table->columns[relation->column_count - 1].expr = time;
	return set_event_time(making, relation->column_count - 1, 0, option->span);
}

/* Option key_fields: each of them is a column. */
static bool check_key_fields(Making *making)
{
	Binder *binder = making->binder;
	const Option *option = options_find(&making->options, "key_fields");
	for (const char *at = option ? option->value : ""; *at;) {
		size_t bytes = strcspn(at, ";,");
		char *name = arena_strndup(binder->arena, at, bytes), *end = name + bytes;
		name += strspn(name, " ");
		while (end > name && end[-1] == ' ') *--end = 0;
		if (*name && relation_column_find(making->relation, name) < 0)
			return error_set(binder->err, ERR_UNDEFINED_COLUMN, option->span, "column \"%s\" of key_fields does not exist", name);
		at += bytes + (at[bytes] != 0);
	}
	return true;
}

/* ---- what the expressions read ---- */

typedef struct Renumbering { Making *making; ColumnId *ids; } Renumbering;

static bool note_input(Expr *e, void *context)
{
	Renumbering *renumbering = context;
	if (e->kind != EXPR_COLUMN || renumbering->ids[e->column]) return true;
	Relation *relation = renumbering->making->relation;
	const RelationInput *from = &renumbering->making->inputs.at[e->column - 1];
	RelationInput *to = &relation->inputs[relation->input_count++];
	*to = *from;
	to->path.fields = arena_array(&relation->arena, const char *, from->path.field_count + 1);
	for (int i = 0; i < from->path.field_count; i++) to->path.fields[i] = arena_strdup(&relation->arena, from->path.fields[i]);
	renumbering->ids[e->column] = relation->input_count;
	return true;
}

static bool renumber(Expr *e, void *context)
{
	if (e->kind == EXPR_COLUMN) e->column = ((Renumbering *)context)->ids[e->column];
	return true;
}

/* A copy in the relation's arena shares nothing, so it may be changed in place. */
static Expr *keep_expr(Renumbering *renumbering, Expr *e)
{
	if (!e) return NULL;
	expr_walk(e, note_input, renumbering);
	Expr *kept = expr_copy(&renumbering->making->relation->arena, e);
	expr_walk(kept, renumber, renumbering);
	return kept;
}

static void keep_exprs(Making *making)
{
	Relation *relation = making->relation;
	Renumbering renumbering = {making, arena_array(making->binder->arena, ColumnId, making->inputs.count + 2)};
	relation->inputs = arena_array(&relation->arena, RelationInput, making->inputs.count + 1);
	for (int i = 0; i < relation->column_count; i++) relation->columns[i].computed = keep_expr(&renumbering, relation->columns[i].computed);
	for (int i = 0; i < relation->check_count; i++) relation->checks[i].condition = keep_expr(&renumbering, relation->checks[i].condition);
}

/* ---- the relation ---- */

/* Without key and changelog it is a stream, whatever word made it, if it has a connector or a watermark. */
static RelationKind kind_of(const Making *making)
{
	const AstCreateRelation *ast = making->ast;
	const char *changelog = options_text(&making->options, "changelog");
	const char *connector = making->relation->connector;
	if (connector && !connector_info(connector)->reads) return RELATION_SINK;
	bool keyed = has_primary_key(ast) || (connector && changelog && strcmp(changelog, "none") != 0);
	if (keyed) return RELATION_TABLE;
	const Option *event_time = options_find(&making->options, "event_time");
	if (connector || ast->watermarks.count || event_time) return RELATION_STREAM;
	return ast->kind == AST_KIND_TABLE ? RELATION_TABLE : RELATION_STREAM;
}

/* Records are not refused for what other records are: there a constraint would be a promise that nobody keeps. */
static bool check_constraints(Making *making)
{
	const Relation *relation = making->relation;
	Span span = making->ast->name.span;
	if (relation->check_count && relation->connector) return REFUSE(making->binder, span, "CHECK of a relation with a connector") || error_hint(making->binder->err, "Filter the rows in a view.");
	if (relation->unique_count && (relation->connector || relation->kind != RELATION_TABLE)) return REFUSE(making->binder, span, "UNIQUE of what is no local table");
	return true;
}

static bool check_versions(Making *making)
{
	const Option *option = options_find(&making->options, "version_column");
	for (const char *at = option ? option->value : ""; *at; at += strspn(at, ", ")) {
		size_t bytes = strcspn(at, ", ");
		const char *name = arena_strndup(making->binder->arena, at, bytes);
		if (relation_column_find(making->relation, name) < 0)
			return error_set(making->binder->err, ERR_UNDEFINED_COLUMN, option->span, "version column \"%s\" does not exist", name);
		at += bytes;
	}
	return true;
}

static bool check_kind(Making *making)
{
	Relation *relation = making->relation;
	const char *changelog = relation->connector ? options_text(&making->options, "changelog") : NULL;
	if (changelog && strcmp(changelog, "none") == 0) changelog = NULL;
	if (relation->kind == RELATION_TABLE && relation->connector && !changelog) changelog = "upsert";      /* a key says what a record replaces */
	if (changelog && strcmp(changelog, "upsert") == 0 && !relation->primary_key_count) {
		error_set(making->binder->err, ERR_INVALID_DEFINITION, making->ast->name.span, "\"%s\" takes upserts but has no PRIMARY KEY", relation->name);
		return error_hint(making->binder->err, "Add PRIMARY KEY (column, ...).");
	}
	relation->changelog = changelog ? arena_strdup(&relation->arena, changelog) : NULL;
	relation->append_only = relation->kind == RELATION_STREAM || (relation->kind == RELATION_TABLE && making->ast->append_only);
	const Option *conflict = options_find(&making->options, "on_conflict");
	bool replaces = conflict && (strcmp(conflict->value, "overwrite") == 0 || strcmp(conflict->value, "update_if_not_null") == 0);
	if (replaces && relation->kind == RELATION_TABLE && relation->append_only)
		return error_set(making->binder->err, ERR_INVALID_DEFINITION, conflict->span, "rows of an APPEND ONLY table cannot be replaced");
	return true;
}

bool make_relation(Binder *binder, AstCreateRelation *ast, Relation **out)
{
	Making making = {.binder = binder, .ast = ast};
	*out = NULL;
	if (!write_one_form(binder, ast, &making.options)) return false;
	Relation *relation = making.relation = *out = relation_new(RELATION_STREAM, ast_name_last(&ast->name).text);
	const Option *connector = options_find(&making.options, "connector");
	relation->connector = connector ? arena_strdup(&relation->arena, connector->value) : NULL;
	relation->kind = kind_of(&making);
	if (!make_columns(&making) || !make_keys(&making) || !keep_key_apart(&making) || !make_checks(&making) || !make_defaults(&making)) return false;
	if (!make_watermark(&making) || !make_event_time(&making) || !check_key_fields(&making) || !check_kind(&making) || !check_constraints(&making) || !check_versions(&making)) return false;
	keep_exprs(&making);
	keep_options(binder, relation, &making.options);
	return true;
}
