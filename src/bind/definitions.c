/* Definitions: what CREATE and INSERT INTO sink SELECT make, the text they are kept as, and how they stand to what exists.
 *
 * The text of a definition is its AST printed after binding wrote into it: stars are columns, options canonical and sorted, every form of
 * one thing the same. Its identity is that text without options that change no answer. An INSERT INTO sink SELECT is kept as CREATE SINK
 * insert_N INTO sink AS SELECT, so that the text says its name; its identity leaves the name out.
 */
#include "bind/binder.h"

#include <ctype.h>
#include <stdio.h>

#include "ast/parse.h"

/* ---- texts ---- */

static const char *kept_text(Relation *relation, const AstStatement *statement)
{
	StrBuf text = STRBUF_INIT;
	ast_print_statement(statement, &text);
	const char *kept = arena_strdup(&relation->arena, text.text);
	strbuf_release(&text);
	return kept;
}

static const char *query_text(Relation *relation, AstQuery *query)
{
	StrBuf text = STRBUF_INIT;
	AstEmit emit = query->emit;
	query->emit = AST_EMIT_NOT_SAID;
	ast_print_query(query, &text);
	query->emit = emit;
	const char *kept = arena_strdup(&relation->arena, text.text);
	strbuf_release(&text);
	return kept;
}

static bool is_pipeline_name(const char *name)
{
	if (strncmp(name, "insert_", 7) != 0 || !name[7]) return false;
	for (const char *c = name + 7; *c; c++)
		if (!isdigit((unsigned char)*c)) return false;
	return true;
}

/* definition: the statement in its one form; options: its own list in there */
static void set_texts(Binder *binder, Relation *relation, AstStatement *definition, AstOptions *options)
{
	OptionSet set = {relation->options, relation->option_count};
	write_options(binder, &set, true, options);
	relation->identity = kept_text(relation, definition);
	write_options(binder, &set, false, options);
	relation->sql = kept_text(relation, definition);
	if (definition->kind != AST_STATEMENT_CREATE_SINK || !is_pipeline_name(relation->name)) return;
	AstInsert insert = {.target = definition->create_sink->into, .query = definition->create_sink->query};
	AstStatement as_insert = {.kind = AST_STATEMENT_INSERT, .insert = &insert};
	relation->identity = kept_text(relation, &as_insert);
}

static void last_part_only(Binder *binder, AstName *name)
{
	AstIdent last = ast_name_last(name);
	name->parts = (AstIdents){0};
	vec_push_in(binder->arena, &name->parts, last);
}

static void set_depends(Binder *binder, Relation *relation, const Relation *sink)
{
	relation->depends = arena_array(&relation->arena, int64_t, binder->named.count + binder->reads.count + 1);
	if (sink) relation->depends[relation->depend_count++] = sink->id;
	for (int list = 0; list < 2; list++) {
		int count = list ? binder->reads.count : binder->named.count;
		for (int i = 0; i < count; i++) {
			int64_t id = (list ? binder->reads.at[i] : binder->named.at[i])->id;
			bool known = false;
			for (int j = 0; j < relation->depend_count; j++) known |= relation->depends[j] == id;
			if (!known && id) relation->depends[relation->depend_count++] = id;
		}
	}
}

/* ---- columns of views ---- */

static Span item_span(const AstQuery *query, int column, Span otherwise)
{
	const AstBody *body = query->body;
	while (body->kind == AST_BODY_SET) body = body->left;
	if (body->kind != AST_BODY_SELECT || column >= body->select->items.count) return otherwise;
	Span span = body->select->items.at[column].span;
	return span.end ? span : otherwise;
}

static bool set_columns(Binder *binder, Relation *relation, const BoundQuery *query, const AstIdents *names, const AstQuery *ast, Span span)
{
	if (names && names->count && names->count != query->column_count)
		return error_set(binder->err, ERR_INVALID_DEFINITION, span, "%s \"%s\" has %d columns but %d names were given", relation_kind_name(relation->kind),
			relation->name, query->column_count, names->count);
	relation->column_count = query->column_count;
	relation->columns = arena_array(&relation->arena, RelationColumn, query->column_count + 1);
	for (int i = 0; i < query->column_count; i++) {
		const BoundColumn *from = &query->columns[i];
		const char *name = names && names->count ? names->at[i].text : from->name;
		for (int j = 0; j < i; j++) {
			if (!names_equal(relation->columns[j].name, name)) continue;
			Span at = names && names->count ? names->at[i].span : item_span(ast, i, span);
			error_set(binder->err, ERR_DUPLICATE_COLUMN, at, "two columns of %s \"%s\" are named \"%s\"", relation_kind_name(relation->kind), relation->name, name);
			return error_hint(binder->err, "Name them apart with AS, or list their names: CREATE ... %s (a, b, ...) AS SELECT.", relation->name);
		}
		Type type = from->declared.kind == TYPE_NULL || relation->kind == RELATION_SINK ? from->type : type_copy(&relation->arena, from->declared);
		relation->columns[i] = (RelationColumn){.name = arena_strdup(&relation->arena, name), .type = type, .not_null = !from->nullable};
	}
	return true;
}

/* ---- views ---- */

static bool make_view(Binder *binder, AstStatement *statement, Relation **out, BoundQuery *query)
{
	AstCreateView *ast = statement->create_view;
	AstStatement definition = *statement;
	AstCreateView plain = *ast;
	bool materialized = ast->kind == AST_KIND_MATERIALIZED_VIEW;
	bool on_close = ast->query->emit == AST_EMIT_FINAL || ast->query->emit == AST_EMIT_ON_WINDOW_CLOSE;
	OptionSet options;
	if (on_close && !materialized) return REFUSE(binder, ast->query->emit_span, "EMIT ON WINDOW CLOSE of a view that is not materialized");
	if (!relation_options(binder, &ast->options, NULL, OPTIONS_OF_VIEW, &options)) return false;
	if (ast->temporary) notice(binder, "TEMPORARY is passed over: \"%s\" stays until it is dropped", ast_name_last(&ast->name).text);
	binder->defining = true;
	binder->strict = materialized;
	if (!bind_top_query(binder, ast->query, query)) return false;
	if (query->outside) return REFUSE(binder, ast->name.span, "a view over tables that are not Weir's");
	Relation *relation = *out = relation_new(materialized ? RELATION_MATERIALIZED : RELATION_VIEW, ast_name_last(&ast->name).text);
	if (!set_columns(binder, relation, query, &ast->columns, ast->query, ast->name.span)) return false;
	keep_options(binder, relation, &options);
	relation->query_sql = query_text(relation, ast->query);
	relation->emit_on_close = on_close;
	set_depends(binder, relation, NULL);
	plain.or_replace = plain.if_not_exists = plain.temporary = plain.cascade = false;
	last_part_only(binder, &plain.name);
	definition.create_view = &plain;
	set_texts(binder, relation, &definition, &plain.options);
	return true;
}

/* ksqlDB's CREATE STREAM | TABLE ... AS SELECT */
static bool make_view_of_ksql(Binder *binder, AstStatement *statement, Relation **out, BoundQuery *query)
{
	AstCreateRelation *ast = statement->create_relation;
	const AstOption *topic = ast_option_find(&ast->options, "kafka_topic");
	if (topic) return REFUSE(binder, topic->name_span, "CREATE ... AS SELECT into a topic") || error_hint(binder->err, "Leave KAFKA_TOPIC out: the result is a view in the file.");
	if (ast->columns.count || ast->constraints.count) return REFUSE(binder, ast->columns.count ? ast->columns.at[0].span : ast->constraints.at[0].span, "CREATE ... AS SELECT with declared columns");
	AstCreateView view = {.kind = AST_KIND_MATERIALIZED_VIEW, .name = ast->name, .query = ast->query, .comment = ast->comment};
	const AstOption *time = ast_option_find(&ast->options, "timestamp");
	if (time) return REFUSE(binder, time->name_span, "another event time for CREATE ... AS SELECT") || error_hint(binder->err, "Name it where the stream is declared.");
	static const char *const TOPIC_OPTIONS[] = {
		"value_format", "key_format", "format", "partitions", "replicas", "timestamp_format", "value_delimiter", "key_delimiter", "wrap_single_value", "retention_ms",
		"value_schema_id", "key_schema_id", "value_schema_full_name", "key_schema_full_name", "value_protobuf_nullable_representation", NULL,
	};
	for (int i = 0; i < ast->options.count; i++) {
		bool passed_over = false;
		for (int j = 0; TOPIC_OPTIONS[j]; j++) passed_over |= names_equal(ast->options.at[i].name, TOPIC_OPTIONS[j]);
		if (passed_over) notice(binder, "option \"%s\" is passed over: the result is a view in the file, no topic", ast->options.at[i].name);
		else vec_push_in(binder->arena, &view.options, ast->options.at[i]);
	}
	AstStatement as_view = *statement;
	as_view.kind = AST_STATEMENT_CREATE_VIEW;
	as_view.create_view = &view;
	binder->ksql = true;
	return make_view(binder, &as_view, out, query);
}

/* ---- sinks ---- */

static bool fit_to_sink(Binder *binder, BoundQuery *query, const Relation *sink, Span span)
{
	if (query->column_count != sink->column_count)
		return error_set(binder->err, ERR_SYNTAX, span, "sink \"%s\" has %d column%s but %d %s given", sink->name, sink->column_count,
			sink->column_count == 1 ? "" : "s", query->column_count, query->column_count == 1 ? "value was" : "values were");
	bool limited = query->limit >= 0 || query->offset;
	query->plan = query->rows = fit_to_columns(binder, limited ? query->plan : query->rows, sink, NULL, span);
	for (int i = 0; query->plan && i < query->column_count; i++)
		query->columns[i] = (BoundColumn){sink->columns[i].name, query->plan->columns[i].type, query->plan->columns[i].nullable};
	return query->plan != NULL;
}

static bool find_sink(Binder *binder, const AstName *name, Relation **out)
{
	Relation *sink = find_relation(binder, name, false);
	if (!sink) return find_relation_error(binder, name) != NULL;
	if (sink->kind != RELATION_SINK || !sink->connector)
		return REFUSE(binder, name->span, "a sink into %s \"%s\"", relation_kind_name(sink->kind), sink->name)
			|| error_hint(binder->err, "A materialized view keeps the rows in the file.");
	*out = sink;
	return true;
}

/* CREATE SINK s FROM v */
static bool write_from(Binder *binder, AstCreateSink *ast)
{
	static const char TEXT_OF_ALL[] = "SELECT * FROM t";
	if (!ast->from.parts.count) return true;
	AstStatement *all = parse_statement(TEXT_OF_ALL, 0, sizeof TEXT_OF_ALL - 1, binder->arena, binder->err);
	if (!all) return false;
	ast->query = all->query;
	AstTable *table = ast->query->body->select->from;
	table->name = ast->from;
	table->span = ast->from.span;
	ast->from = (AstName){0};
	return true;
}

static bool make_sink(Binder *binder, AstStatement *statement, Relation **out, BoundQuery *query, Relation **sink)
{
	AstCreateSink plain = *statement->create_sink;
	AstStatement definition = *statement;
	OptionSet options = {0};
	*sink = NULL;
	if (!write_from(binder, &plain)) return false;
	if (plain.into.parts.count) {
		if (plain.options.count || plain.format) return REFUSE(binder, plain.name.span, "a sink INTO another one with options");
		if (!find_sink(binder, &plain.into, sink)) return false;
	} else if (!relation_options(binder, &plain.options, plain.format, OPTIONS_OF_SINK, &options)) return false;
	binder->defining = binder->strict = true;
	binder->keeps_nulls = *sink != NULL;
	if (!bind_top_query(binder, plain.query, query)) return false;
	if (query->outside) return REFUSE(binder, plain.name.span, "a sink over tables that are not Weir's");
	Relation *relation = *out = relation_new(RELATION_SINK, ast_name_last(&plain.name).text);
	if (*sink && !fit_to_sink(binder, query, *sink, plain.query->span)) return false;
	if (!set_columns(binder, relation, query, NULL, plain.query, plain.name.span)) return false;
	keep_options(binder, relation, &options);
	const Option *connector = options_find(&options, "connector");
	relation->connector = connector ? arena_strdup(&relation->arena, connector->value) : NULL;
	relation->query_sql = query_text(relation, plain.query);
	relation->emit_on_close = query->emit_on_close;
	set_depends(binder, relation, *sink);
	plain.or_replace = plain.if_not_exists = plain.cascade = false;
	plain.format = NULL;
	last_part_only(binder, &plain.name);
	definition.create_sink = &plain;
	set_texts(binder, relation, &definition, &plain.options);
	return true;
}

/* ---- INSERT INTO sink SELECT ---- */

static AstExpr *column_or_null(Binder *binder, const char *name, Span span)
{
	AstExpr *ast = arena_new(binder->arena, AstExpr);
	ast->span = ast->op_span = span;
	ast->depth = 1;
	ast->kind = name ? AST_COLUMN : AST_LITERAL;
	ast->literal = AST_NULL;
	if (name) vec_push_in(binder->arena, &ast->path, (AstIdent){name, span, false});
	return ast;
}

/* INSERT INTO s (b) SELECT x: the sink's columns in their order, those that are not named NULL */
static bool write_target_columns(Binder *binder, AstInsert *ast, const Relation *sink, AstQuery **out)
{
	*out = ast->query;
	if (!ast->columns.count) return true;
	AstTable *table = arena_new(binder->arena, AstTable);
	*table = (AstTable){.kind = AST_TABLE_QUERY, .query = ast->query, .span = ast->query->span, .depth = (uint16_t)(ast->query->depth + AST_QUERY_DEPTH)};
	table->alias = (AstIdent){"source", ast->query->span, false};
	AstSelect *select = arena_new(binder->arena, AstSelect);
	select->from = table;
	select->span = ast->query->span;
	for (int i = 0; i < sink->column_count; i++) {
		const char *name = NULL;
		for (int j = 0; j < ast->columns.count; j++)
			if (names_equal(ast->columns.at[j].text, sink->columns[i].name)) name = arena_printf(binder->arena, "c%d", j + 1);
		AstItem item = {.expr = column_or_null(binder, name, ast->query->span), .span = ast->query->span, .alias = {sink->columns[i].name, ast->query->span, true}};
		vec_push_in(binder->arena, &select->items, item);
	}
	for (int j = 0; j < ast->columns.count; j++) {
		AstIdent name = {arena_printf(binder->arena, "c%d", j + 1), ast->columns.at[j].span, false};
		vec_push_in(binder->arena, &table->columns, name);
		if (relation_column_find(sink, ast->columns.at[j].text) < 0)
			return error_set(binder->err, ERR_UNDEFINED_COLUMN, ast->columns.at[j].span, "sink \"%s\" has no column \"%s\"", sink->name, ast->columns.at[j].text);
	}
	AstBody *body = arena_new(binder->arena, AstBody);
	*body = (AstBody){.kind = AST_BODY_SELECT, .select = select, .span = ast->query->span, .depth = table->depth};
	AstQuery *query = arena_new(binder->arena, AstQuery);
	*query = (AstQuery){.body = body, .span = ast->query->span, .depth = table->depth, .limit = NULL, .emit = ast->query->emit, .emit_span = ast->query->emit_span};
	ast->query->emit = AST_EMIT_NOT_SAID;
	*out = query;
	return true;
}

static const char *free_name(Binder *binder)
{
	for (int n = 1; ; n++) {
		const char *name = arena_printf(binder->arena, "insert_%d", n);
		if (!catalog_find(binder->catalog, name)) return name;
	}
}

static bool plain_insert(Binder *binder, const AstInsert *ast)
{
	const char *what = ast->conflicts.count ? "ON CONFLICT" : ast->returning.count ? "RETURNING" : ast->or_action ? "INSERT OR" : ast->hints.count ? "OPTIONS"
		: ast->options.count ? "WITH (...)" : !ast->query ? "DEFAULT VALUES" : ast->query->body->kind == AST_BODY_VALUES ? "VALUES" : NULL;
	return !what || REFUSE(binder, ast->target.span, "INSERT INTO a sink with %s", what);
}

static bool as_create_sink(Binder *binder, AstStatement *statement, const Relation *sink, AstStatement *out, AstCreateSink *create)
{
	AstInsert *ast = statement->insert;
	if (!plain_insert(binder, ast)) return false;
	if (ast->with) {
		if (ast->query->with) return REFUSE(binder, ast->with->span, "WITH before and behind INSERT INTO");
		ast->query->with = ast->with;
		ast->with = NULL;
	}
	*create = (AstCreateSink){.into = ast->target};
	vec_push_in(binder->arena, &create->name.parts, (AstIdent){free_name(binder), ast->target.span, false});
	create->name.span = ast->target.span;
	*out = *statement;
	out->kind = AST_STATEMENT_CREATE_SINK;
	out->create_sink = create;
	return write_target_columns(binder, ast, sink, &create->query);
}

static Relation *same_pipeline(Binder *binder, const Relation *relation)
{
	for (int i = 0; i < binder->catalog->relations.count; i++) {
		Relation *other = binder->catalog->relations.at[i];
		if (other->kind == RELATION_SINK && is_pipeline_name(other->name) && other->identity && strcmp(other->identity, relation->identity) == 0) return other;
	}
	return NULL;
}

bool bind_pipeline(Binder *binder, AstStatement *statement, Relation *sink)
{
	BoundCreate *create = &binder->out->create;
	AstStatement as_sink;
	AstCreateSink ast;
	binder->out->kind = BOUND_CREATE;
	*create = (BoundCreate){.has_query = true};
	if (!as_create_sink(binder, statement, sink, &as_sink, &ast)) return false;
	if (!make_sink(binder, &as_sink, &create->relation, &create->query, &create->sink)) return false;
	create->existing = same_pipeline(binder, create->relation);
	if (!create->existing) return true;
	create->outcome = CREATE_SAME;
	if (binder->settings->repeats_pass) return true;
	return error_set(binder->err, ERR_DUPLICATE_TABLE, statement->insert->target.span, "this INSERT INTO \"%s\" is running already, as \"%s\"", sink->name, create->existing->name);
}

/* ---- one definition ---- */

static bool make_stored_relation(Binder *binder, AstStatement *statement, Relation **out)
{
	AstStatement definition = *statement;
	AstCreateRelation plain = *statement->create_relation;
	if (!make_relation(binder, &plain, out)) return false;
	plain.or_replace = plain.if_not_exists = plain.cascade = false;
	plain.kind = (*out)->kind == RELATION_STREAM ? AST_KIND_STREAM : AST_KIND_TABLE;
	last_part_only(binder, &plain.name);
	definition.create_relation = &plain;
	set_texts(binder, *out, &definition, &plain.options);
	return true;
}

bool make_definition(Binder *binder, AstStatement *statement, Relation **out, BoundQuery *query, Relation **sink)
{
	*out = *sink = NULL;
	switch (statement->kind) {
	case AST_STATEMENT_CREATE_RELATION:
		if (statement->create_relation->query) return make_view_of_ksql(binder, statement, out, query);
		return make_stored_relation(binder, statement, out);
	case AST_STATEMENT_CREATE_VIEW: return make_view(binder, statement, out, query);
	case AST_STATEMENT_CREATE_SINK: return make_sink(binder, statement, out, query, sink);
	default: return error_set(binder->err, ERR_INTERNAL, statement->span, "%s is no definition", ast_statement_kind_text(statement->kind));
	}
}

/* ---- against what exists ---- */

typedef struct Asked { const AstName *name; bool or_replace, if_not_exists, cascade; } Asked;

static Asked asked_for(const AstStatement *statement)
{
	switch (statement->kind) {
	case AST_STATEMENT_CREATE_RELATION: return (Asked){&statement->create_relation->name, statement->create_relation->or_replace, statement->create_relation->if_not_exists,
		statement->create_relation->cascade};
	case AST_STATEMENT_CREATE_VIEW: return (Asked){&statement->create_view->name, statement->create_view->or_replace, statement->create_view->if_not_exists,
		statement->create_view->cascade};
	default: return (Asked){&statement->create_sink->name, statement->create_sink->or_replace, statement->create_sink->if_not_exists,
		statement->create_sink->cascade};
	}
}

static bool exists_already(Binder *binder, const Asked *asked, const Relation *existing)
{
	error_set(binder->err, ERR_DUPLICATE_TABLE, ast_name_last(asked->name).span, "%s \"%s\" exists already", relation_kind_name(existing->kind), existing->name);
	return error_hint(binder->err, "CREATE OR REPLACE puts the new definition in its place.");
}

/* A definition must not read itself by way of others. */
static bool reads_itself(const Catalog *catalog, const Relation *relation, int64_t id, int depth)
{
	for (int i = 0; i < relation->depend_count && depth < 64; i++) {
		const Relation *from = catalog_find_id(catalog, relation->depends[i]);
		if (relation->depends[i] == id || (from && reads_itself(catalog, from, id, depth + 1))) return true;
	}
	return false;
}

static bool same_reading(const Relation *a, const Relation *b) { return a->kind == b->kind && a->identity && b->identity && strcmp(a->identity, b->identity) == 0; }

static bool decide(Binder *binder, const Asked *asked, BoundCreate *create)
{
	Relation *made = create->relation, *existing = create->existing;
	if (!existing) return true;
	Span span = ast_name_last(asked->name).span;
	Relation *pending = catalog_pending(binder->catalog, existing->id);
	if (pending && same_reading(made, pending) && (asked->or_replace || binder->settings->repeats_pass)) {
		create->existing = pending;
		create->outcome = CREATE_SAME;
		return true;
	}
	made->id = existing->id;
	if (same_reading(made, existing) && (asked->or_replace || binder->settings->repeats_pass)) {
		create->outcome = strcmp(made->sql, existing->sql) == 0 ? CREATE_SAME : CREATE_OPTIONS;
		return true;
	}
	if (!asked->or_replace) return exists_already(binder, asked, existing);
	if (made->kind != existing->kind) {
		error_set(binder->err, ERR_WRONG_OBJECT_TYPE, span, "\"%s\" is a %s and cannot be replaced by a %s", existing->name, relation_kind_name(existing->kind), relation_kind_name(made->kind));
		return error_hint(binder->err, "DROP it first.");
	}
	if (reads_itself(binder->catalog, made, existing->id, 0))
		return error_set(binder->err, ERR_INVALID_DEFINITION, span, "\"%s\" would read itself", existing->name);
	create->outcome = CREATE_REPLACE;
	return true;
}

bool bind_create(Binder *binder, AstStatement *statement)
{
	Asked asked = asked_for(statement);
	BoundCreate *create = &binder->out->create;
	AstIdent name = ast_name_last(asked.name);
	binder->out->kind = BOUND_CREATE;
	*create = (BoundCreate){0};
	create->existing = catalog_find(binder->catalog, name.text);
	if (create->existing && asked.if_not_exists) {
		create->outcome = CREATE_EXISTS;
		return true;
	}
	if (create->existing && !asked.or_replace && !binder->settings->repeats_pass) return exists_already(binder, &asked, create->existing);
	binder->self = name.text;
	if (!make_definition(binder, statement, &create->relation, &create->query, &create->sink)) return false;
	create->has_query = create->relation->query_sql != NULL;
	create->cascade = asked.cascade;
	return decide(binder, &asked, create);
}
