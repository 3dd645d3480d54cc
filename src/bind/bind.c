/* One statement: which file binds it, and what is let go of afterwards. */
#include "bind/bind.h"

#include "ast/parse.h"
#include "bind/binder.h"

static bool bind_select_statement(Binder *binder, AstStatement *statement)
{
	binder->out->kind = BOUND_QUERY;
	binder->may_read_outside = true;
	return bind_top_query(binder, statement->query, &binder->out->query);
}

/* Runs once, on what is in the file now; a definition (INSERT INTO a sink) has no business with tables that are not Weir's. */
static bool bind_change(Binder *binder, AstStatement *statement)
{
	binder->may_read_outside = true;
	switch (statement->kind) {
	case AST_STATEMENT_INSERT: return bind_insert(binder, statement);
	case AST_STATEMENT_UPDATE: return bind_update(binder, statement);
	default: return bind_delete(binder, statement);
	}
}

bool bind_inner(Binder *binder, AstStatement *statement)
{
	switch (statement->kind) {
	case AST_STATEMENT_QUERY: return bind_select_statement(binder, statement);
	case AST_STATEMENT_CREATE_RELATION: case AST_STATEMENT_CREATE_VIEW: case AST_STATEMENT_CREATE_SINK: return bind_create(binder, statement);
	case AST_STATEMENT_CREATE_INDEX: return bind_create_index(binder, statement);
	case AST_STATEMENT_ALTER: return bind_alter(binder, statement);
	case AST_STATEMENT_DROP: return bind_drop(binder, statement);
	case AST_STATEMENT_TRUNCATE: return bind_truncate(binder, statement);
	case AST_STATEMENT_INSERT: case AST_STATEMENT_UPDATE: case AST_STATEMENT_DELETE: return bind_change(binder, statement);
	default: return bind_steering(binder, statement);
	}
}

bool bind_statement(AstStatement *statement, Catalog *catalog, const BindSettings *settings, PlanContext *context, BoundStatement *out, Error *err)
{
	*out = (BoundStatement){.ast = statement};
	Binder binder = {.context = context, .arena = context->arena, .catalog = catalog, .settings = settings, .out = out, .err = err};
	binder.may_read_outside = statement->kind == AST_STATEMENT_DESCRIBE || statement->kind == AST_STATEMENT_SHOW;
	for (int i = 0; i < statement->ignored_hints.count; i++) notice(&binder, "hint %s is passed over", statement->ignored_hints.at[i].text);
	bool done = bind_inner(&binder, statement);
	if (!done && err->code == ERR_NONE) error_set(err, ERR_INTERNAL, statement->span, "the statement cannot be bound");
	return done;
}

void bound_release(BoundStatement *bound)
{
	for (int i = 0; i < bound->derived.count; i++) relation_unref(bound->derived.at[i]);
	bound->derived.count = 0;
	if (bound->kind == BOUND_CREATE) {
		relation_unref(bound->create.relation);
		bound->create.relation = NULL;
	} else if (bound->kind == BOUND_ALTER) {
		relation_unref(bound->alter.replacement);
		bound->alter.replacement = NULL;
	} else if (bound->kind == BOUND_EXPLAIN && bound->explain.statement) bound_release(bound->explain.statement);
}

Relation *bind_relation_text(const char *sql, int64_t id, Catalog *catalog, const BindSettings *settings, PlanContext *context, BoundQuery *out_query, Error *err)
{
	AstStatement *statement = parse_statement(sql, 0, strlen(sql), context->arena, err);
	if (!statement) return NULL;
	BindSettings stored = *settings;
	stored.stored = true;
	BoundStatement bound = {.ast = statement};
	BoundQuery query = {0};
	Binder binder = {.context = context, .arena = context->arena, .catalog = catalog, .settings = &stored, .out = &bound, .err = err};
	Relation *relation = NULL, *sink;
	bool done = make_definition(&binder, statement, &relation, &query, &sink);
	if (!done) {
		bound_release(&bound);
		relation_unref(relation);
		return NULL;
	}
	relation->hinted = arena_array(&relation->arena, Relation *, bound.derived.count + 1);
	for (int i = 0; i < bound.derived.count; i++) relation->hinted[relation->hinted_count++] = bound.derived.at[i];
	relation->id = id;
	if (out_query) *out_query = query;
	return relation;
}

const char *bind_renamed_text(const char *sql, const Relation *renamed, AstIdent name, Catalog *catalog, PlanContext *context, Error *err)
{
	AstStatement *statement = parse_statement(sql, 0, strlen(sql), context->arena, err);
	if (!statement) return NULL;
	BindSettings stored = {.stored = true};
	BoundStatement bound = {.ast = statement};
	BoundQuery query = {0};
	Renaming renaming = {.relation = renamed};
	Binder binder = {.context = context, .arena = context->arena, .catalog = catalog, .settings = &stored, .out = &bound, .err = err, .renaming = &renaming};
	Relation *relation = NULL, *sink;
	bool done = make_definition(&binder, statement, &relation, &query, &sink);
	relation_unref(relation);
	bound_release(&bound);
	if (!done) return NULL;
	for (int i = 0; i < renaming.names.count; i++) {
		AstName *old = renaming.names.at[i];
		old->parts.at[old->parts.count - 1] = name;
	}
	StrBuf text = STRBUF_INIT;
	ast_print_statement(statement, &text);
	const char *kept = arena_strdup(context->arena, text.text);
	strbuf_release(&text);
	return kept;
}

bool bind_constant(const AstExpr *ast, Type type, const BindSettings *settings, Arena *arena, Value *out, Error *err)
{
	PlanContext context = {.arena = arena};
	Catalog nothing = {0};
	BoundStatement bound = {0};
	Binder binder = {.context = &context, .arena = arena, .catalog = &nothing, .settings = settings, .out = &bound, .err = err};
	Scope scope = {0};
	Clause clause = {.binder = &binder, .scope = &scope, .name = "a constant"};
	Expr *e = bind_assigned(&clause, ast, type);
	if (!e) return false;
	if (!expr_is_constant(e)) return error_set(err, ERR_INVALID_PARAMETER, ast->span, "a constant is needed");
	return expr_fold(arena, e, out, err);
}
