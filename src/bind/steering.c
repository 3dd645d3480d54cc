/* DROP, CREATE INDEX, and the statements that ask or steer: names are resolved, constants folded, the rest is passed on. */
#include "bind/binder.h"

#include "expr/function.h"

/* ---- DROP ---- */

static bool drop_fits(AstRelationKind word, const Relation *relation)
{
	switch (word) {
	case AST_KIND_VIEW: return relation->kind == RELATION_VIEW;
	case AST_KIND_MATERIALIZED_VIEW: return relation->kind == RELATION_MATERIALIZED;
	case AST_KIND_SINK: return relation->kind == RELATION_SINK;
	case AST_KIND_STREAM: case AST_KIND_SOURCE: case AST_KIND_TABLE: return relation->kind != RELATION_VIEW && relation->kind != RELATION_MATERIALIZED;
	default: return true;
	}
}

static const char *drop_word(const Relation *relation)
{
	switch (relation->kind) {
	case RELATION_STREAM: return "STREAM";
	case RELATION_TABLE: return "TABLE";
	case RELATION_VIEW: return "VIEW";
	case RELATION_MATERIALIZED: return "MATERIALIZED VIEW";
	case RELATION_SINK: return "SINK";
	}
	return "TABLE";
}

/* ksqlDB drops what its CREATE TABLE AS SELECT made as a table. */
static bool check_drop(Binder *binder, AstRelationKind word, const Relation *relation, Span span)
{
	if (drop_fits(word, relation)) return true;
	bool table_word = word == AST_KIND_STREAM || word == AST_KIND_TABLE;
	if (table_word && relation->kind == RELATION_MATERIALIZED) return true;
	error_set(binder->err, ERR_WRONG_OBJECT_TYPE, span, "\"%s\" is a %s", relation->name, relation_kind_name(relation->kind));
	return error_hint(binder->err, "Use DROP %s %s.", drop_word(relation), relation->name);
}

static bool is_listed(Relation *const *list, int count, const Relation *relation)
{
	for (int i = 0; i < count; i++)
		if (list[i] == relation) return true;
	return false;
}

/* Dependants before what they read. */
static void add_with_dependants(Binder *binder, Relation *relation, BoundDrop *out)
{
	if (is_listed(out->relations, out->count, relation)) return;
	int count = catalog_dependants(binder->catalog, relation->id, NULL, 0);
	Relation **dependants = arena_array(binder->arena, Relation *, count + 1);
	catalog_dependants(binder->catalog, relation->id, dependants, count);
	for (int i = count - 1; i >= 0; i--) add_with_dependants(binder, dependants[i], out);
	if (!is_listed(out->relations, out->count, relation)) out->relations[out->count++] = relation;
}

static bool refuse_dependants(Binder *binder, Relation *relation, Relation *const *named, int named_count, const BoundDrop *all, Span span)
{
	StrBuf names = STRBUF_INIT;
	for (int i = all->count - 1; i >= 0; i--)
		if (!is_listed(named, named_count, all->relations[i]))
			strbuf_printf(&names, "%s%s \"%s\"", names.bytes ? ", " : "", relation_kind_name(all->relations[i]->kind), all->relations[i]->name);
	if (names.bytes) {
		error_set(binder->err, ERR_DEPENDENT_OBJECTS, span, "%s \"%s\" cannot be dropped: others read it", relation_kind_name(relation->kind), relation->name);
		error_detail(binder->err, "%s", names.text);
		error_hint(binder->err, "DROP ... CASCADE drops them, too.");
	}
	bool none = names.bytes == 0;
	strbuf_release(&names);
	return none;
}

bool bind_drop(Binder *binder, AstStatement *statement)
{
	const AstDrop *ast = statement->drop;
	BoundDrop *out = &binder->out->drop;
	int room = binder->catalog->relations.count + 1, named_count = 0;
	binder->out->kind = BOUND_DROP;
	*out = (BoundDrop){.relations = arena_array(binder->arena, Relation *, room), .missing = arena_array(binder->arena, const char *, ast->names.count + 1)};
	Relation **named = arena_array(binder->arena, Relation *, ast->names.count + 1);
	if (ast->kind == AST_KIND_INDEX) return REFUSE(binder, statement->span, "DROP INDEX") || error_hint(binder->err, "Drop it in the file with any SQLite client.");
	for (int i = 0; i < ast->names.count; i++) {
		const AstName *name = &ast->names.at[i];
		Relation *relation = find_relation(binder, name, false);
		if (!relation && !ast->if_exists) return find_relation_error(binder, name) != NULL;
		if (!relation) out->missing[out->missing_count++] = ast_name_last(name).text;
		else if (!check_drop(binder, ast->kind, relation, name->span)) return false;
		else named[named_count++] = relation;
	}
	for (int i = 0; i < named_count; i++) add_with_dependants(binder, named[i], out);
	return ast->cascade || !named_count || refuse_dependants(binder, named[0], named, named_count, out, ast->names.at[0].span);
}

/* ---- CREATE INDEX ---- */

static const char *index_name(Binder *binder, const AstCreateIndex *ast, const BoundIndex *index)
{
	if (ast->name.parts.count) return ast_name_last(&ast->name).text;
	StrBuf name = STRBUF_INIT;
	strbuf_printf(&name, "%s_by", index->relation->name);
	for (int i = 0; i < index->term_count; i++) strbuf_printf(&name, "_%s", index->relation->columns[index->terms[i].column].name);
	const char *kept = arena_strdup(binder->arena, name.text);
	strbuf_release(&name);
	return kept;
}

bool bind_create_index(Binder *binder, AstStatement *statement)
{
	const AstCreateIndex *ast = statement->create_index;
	BoundIndex *out = &binder->out->index;
	binder->out->kind = BOUND_CREATE_INDEX;
	*out = (BoundIndex){.unique = ast->unique, .if_not_exists = ast->if_not_exists, .term_count = ast->terms.count};
	Relation *relation = out->relation = find_relation(binder, &ast->relation, false);
	if (!relation) return find_relation_error(binder, &ast->relation) != NULL;
	if (!relation_is_maintained(relation) && !relation_is_local(relation))
		return error_set(binder->err, ERR_WRONG_OBJECT_TYPE, ast->relation.span, "%s \"%s\" is not kept in the file and cannot have an index",
			relation_kind_name(relation->kind), relation->name);
	out->terms = arena_zalloc(binder->arena, sizeof *out->terms * (size_t)(ast->terms.count + 1));
	for (int i = 0; i < ast->terms.count; i++) {
		const AstExpr *e = ast->terms.at[i].expr;
		if (e->kind != AST_COLUMN || e->path.count != 1) return REFUSE(binder, e->span, "an index on an expression");
		out->terms[i].column = relation_column_find(relation, e->path.at[0].text);
		out->terms[i].descending = ast->terms.at[i].descending;
		if (out->terms[i].column < 0)
			return error_set(binder->err, ERR_UNDEFINED_COLUMN, e->span, "%s \"%s\" has no column \"%s\"", relation_kind_name(relation->kind), relation->name, e->path.at[0].text);
	}
	if (ast->where) return REFUSE(binder, ast->where->span, "an index with WHERE");
	out->name = index_name(binder, ast, out);
	return true;
}

/* ---- names ---- */

static bool resolve_names(Binder *binder, const AstNames *names)
{
	binder->out->relations.at = arena_array(binder->arena, Relation *, names->count + 1);
	binder->out->relations.count = 0;
	for (int i = 0; i < names->count; i++) {
		Relation *relation = find_relation(binder, &names->at[i], false);
		if (!relation) return find_relation_error(binder, &names->at[i]) != NULL;
		binder->out->relations.at[binder->out->relations.count++] = relation;
	}
	return true;
}

static bool resolve_name(Binder *binder, const AstName *name)
{
	binder->out->relations.at = arena_array(binder->arena, Relation *, 2);
	binder->out->relations.count = 0;
	if (!name->parts.count) return true;
	Relation *relation = find_relation(binder, name, true);
	if (!relation) return find_relation_error(binder, name) != NULL;
	binder->out->relations.at[binder->out->relations.count++] = relation;
	return true;
}

static bool bind_close(Binder *binder, const AstClose *ast)
{
	binder->out->kind = BOUND_CLOSE;
	if (!resolve_names(binder, &ast->names)) return false;
	for (int i = 0; i < ast->names.count; i++) {
		const Relation *relation = binder->out->relations.at[i];
		if (relation->kind == RELATION_STREAM && relation_is_local(relation)) continue;
		return error_set(binder->err, ERR_WRONG_OBJECT_TYPE, ast->names.at[i].span, "%s \"%s\" cannot be closed: only streams without a connector can",
			relation_kind_name(relation->kind), relation->name);
	}
	return true;
}

static bool bind_show(Binder *binder, const AstShow *ast)
{
	binder->out->kind = BOUND_SHOW;
	bool names_relation = names_equal(ast->what, "create") || names_equal(ast->what, "columns") || strncmp(ast->what, "create ", 7) == 0;
	return names_relation ? resolve_name(binder, &ast->name) : resolve_name(binder, &(AstName){0});
}

/* ---- DESCRIBE, EXPLAIN ---- */

/* A query is described as the view that it would be. */
static bool describe_query(Binder *binder, AstQuery *ast)
{
	BoundQuery query;
	if (!bind_top_query(binder, ast, &query)) return false;
	Relation *view = relation_new(RELATION_VIEW, "query");
	view->column_count = query.column_count;
	view->columns = arena_array(&view->arena, RelationColumn, query.column_count + 1);
	for (int i = 0; i < query.column_count; i++)
		view->columns[i] = (RelationColumn){.name = arena_strdup(&view->arena, query.columns[i].name), .type = query.columns[i].declared.kind == TYPE_NULL ? query.columns[i].type : query.columns[i].declared, .not_null = !query.columns[i].nullable};
	vec_push_in(binder->arena, &binder->out->derived, view);
	binder->out->relations.at = arena_array(binder->arena, Relation *, 1);
	binder->out->relations.at[0] = view;
	binder->out->relations.count = 1;
	return true;
}

static bool bind_describe(Binder *binder, AstDescribe *ast)
{
	binder->out->kind = BOUND_DESCRIBE;
	if (ast->query) return describe_query(binder, ast->query);
	if (!ast->function) return resolve_name(binder, &ast->name);
	AstIdent name = ast_name_last(&ast->name);
	if (function_find(name.text) || function_is_aggregate(name.text) || function_is_window_only(name.text)) return resolve_name(binder, &(AstName){0});
	error_set(binder->err, ERR_UNDEFINED_FUNCTION, name.span, "function \"%s\" does not exist", name.text);
	const char *near = function_nearest(name.text);
	return near ? error_hint(binder->err, "Did you mean %s?", near) : false;
}

static bool bind_explain(Binder *binder, AstExplain *ast)
{
	BoundStatement *out = binder->out;
	out->kind = BOUND_EXPLAIN;
	out->explain.relation = NULL;
	out->explain.statement = NULL;
	if (ast->name.parts.count) {
		out->explain.relation = find_relation(binder, &ast->name, false);
		return out->explain.relation || find_relation_error(binder, &ast->name);
	}
	BoundStatement *inner = out->explain.statement = arena_new(binder->arena, BoundStatement);
	inner->ast = ast->statement;
	binder->out = inner;
	bool done = bind_inner(binder, ast->statement);
	binder->out = out;
	for (int i = 0; i < inner->notices.count; i++) vec_push_in(binder->arena, &out->notices, inner->notices.at[i]);
	return done;
}

/* ---- SUBSCRIBE, PRINT, SET ---- */

static bool constant_count(Binder *binder, const AstExpr *ast, const char *what, int64_t otherwise, int64_t *out)
{
	*out = otherwise;
	if (!ast) return true;
	if (!constant_integer(binder, ast, what, out, NULL)) return false;
	return *out >= 0 || error_set(binder->err, ERR_INVALID_PARAMETER, ast->span, "%s must not be negative", what);
}

static bool bind_subscribe(Binder *binder, AstSubscribe *ast)
{
	BoundSubscribe *out = &binder->out->subscribe;
	binder->out->kind = BOUND_SUBSCRIBE;
	*out = (BoundSubscribe){.ast = ast, .has_since = ast->since != NULL};
	if (ast->options.count) return error_set(binder->err, ERR_UNDEFINED_OBJECT, ast->options.at[0].name_span, "unknown option \"%s\"", ast->options.at[0].name);
	if (!constant_count(binder, ast->since, "SINCE", 0, &out->since) || !constant_count(binder, ast->limit, "LIMIT", -1, &out->limit)) return false;
	if (ast->query) return bind_top_query(binder, ast->query, &out->query);
	out->view = find_relation(binder, &ast->name, false);
	if (!out->view) return find_relation_error(binder, &ast->name) != NULL;
	if (relation_is_maintained(out->view)) return true;
	error_set(binder->err, ERR_WRONG_OBJECT_TYPE, ast->name.span, "%s \"%s\" cannot be subscribed to", relation_kind_name(out->view->kind), out->view->name);
	return error_hint(binder->err, "SUBSCRIBE takes a materialized view; a SELECT from a stream is continuous by itself.");
}

/* Options of a topic that nothing declares: as those of a stream on it. */
static bool bind_print(Binder *binder, AstPrint *ast, BoundKind kind)
{
	BoundPrint *out = &binder->out->print;
	binder->out->kind = kind;
	*out = (BoundPrint){.topic = ast->topic, .from_beginning = ast->from_beginning};
	if (!constant_count(binder, ast->interval, "INTERVAL", 1, &out->interval) || !constant_count(binder, ast->limit, "LIMIT", -1, &out->limit)) return false;
	AstOptions given = ast->options;
	AstOption topic = {.name = "topic", .name_written = "topic", .kind = AST_OPTION_STRING, .value = ast->topic, .value_span = ast->topic_span};
	AstOption connector = {.name = "connector", .name_written = "connector", .kind = AST_OPTION_STRING, .value = "kafka", .value_span = ast->topic_span};
	vec_push_in(binder->arena, &given, connector);
	vec_push_in(binder->arena, &given, topic);
	OptionSet options;
	if (!relation_options(binder, &given, NULL, OPTIONS_OF_RELATION, &options)) return false;
	out->options = options.at;
	out->option_count = options.count;
	return true;
}

static bool bind_set(Binder *binder, const AstSet *ast, BoundKind kind)
{
	binder->out->kind = kind;
	const AstOption *option = &ast->option;
	const char *value = option->value;
	if (value && option->kind == AST_OPTION_INTERVAL && option->unit) value = arena_printf(binder->arena, "%s %s", value, option->unit);
	if (value && option->kind == AST_OPTION_PARAMETER && !(value = parameter_text(binder, value, option->value_span))) return false;
	binder->out->set = (Option){option->name, value, option->value_span};
	return true;
}

bool bind_steering(Binder *binder, AstStatement *statement)
{
	BoundStatement *out = binder->out;
	switch (statement->kind) {
	case AST_STATEMENT_PAUSE: case AST_STATEMENT_RESUME:
		out->kind = statement->kind == AST_STATEMENT_PAUSE ? BOUND_PAUSE : BOUND_RESUME;
		return resolve_names(binder, &statement->pause->names);
	case AST_STATEMENT_SHOW: return bind_show(binder, statement->show);
	case AST_STATEMENT_DESCRIBE: return bind_describe(binder, statement->describe);
	case AST_STATEMENT_EXPLAIN: return bind_explain(binder, statement->explain);
	case AST_STATEMENT_SET: return bind_set(binder, statement->set, BOUND_SET);
	case AST_STATEMENT_RESET: return bind_set(binder, statement->set, BOUND_RESET);
	case AST_STATEMENT_TRANSACTION: out->kind = BOUND_TRANSACTION; return true;
	case AST_STATEMENT_FLUSH: out->kind = BOUND_FLUSH; return true;
	case AST_STATEMENT_CHECKPOINT: out->kind = BOUND_CHECKPOINT; return true;
	case AST_STATEMENT_CLOSE: return bind_close(binder, statement->close);
	case AST_STATEMENT_SUBSCRIBE: return bind_subscribe(binder, statement->subscribe);
	case AST_STATEMENT_PRINT: return bind_print(binder, statement->print, BOUND_PRINT);
	case AST_STATEMENT_PEEK: return bind_print(binder, statement->print, BOUND_PEEK);
	case AST_STATEMENT_USE: out->kind = BOUND_USE; return true;
	default: return REFUSE(binder, statement->span, "%s", ast_statement_kind_text(statement->kind));
	}
}
