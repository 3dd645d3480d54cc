/* CREATE, ALTER, DROP. See make.h. */
#include "ast/make.h"

#include <string.h>

/* ---- CREATE STREAM, SOURCE, TABLE ---- */

AstCreateRelation *ast_create_relation(Parse *p, Token kind, AstFlags flags, bool if_not_exists, const AstName *name, const AstCreateRelation *definitions)
{
	AstCreateRelation *relation = arena_new(p->arena, AstCreateRelation);
	if (definitions) *relation = *definitions;
	relation->kind = ast_relation_kind(kind);
	relation->or_replace = flags.replace;
	relation->temporary = flags.temporary;
	relation->if_not_exists = if_not_exists;
	relation->name = *name;
	return relation;
}

void ast_create_cascade(Parse *p, Token word, bool or_replace, bool *cascade)
{
	if (!or_replace) parse_wrong(p, token_span(word), "CASCADE stands behind CREATE OR REPLACE ... only");
	*cascade = true;
}

AstStatement *ast_create_relation_as(Parse *p, AstCreateRelation *relation, AstQuery *query)
{
	relation->query = query;
	return ast_statement(p, AST_STATEMENT_CREATE_RELATION, relation);
}

static void add_options(Parse *p, AstOptions *to, const AstOptions *options)
{
	for (int i = 0; options && i < options->count; i++) {
		ast_check_count(p, to->count);
		vec_push_in(p->arena, to, options->at[i]);
	}
}

void ast_create_options(Parse *p, AstCreateRelation *relation, const AstOptions *options) { add_options(p, &relation->options, options); }
void ast_create_include(Parse *p, AstCreateRelation *relation, const AstInclude *include) { vec_push_in(p->arena, &relation->includes, *include); }

void ast_create_option_word(Parse *p, AstCreateRelation *relation, const char *name, Token token, AstIdent value)
{
	add_options(p, &relation->options, ast_option_word(p, name, token, value));
}

/* RisingWave's ON CONFLICT DO ...: options, too, under names of our own */
void ast_create_on_conflict(Parse *p, AstCreateRelation *relation, Token token, Token end, const char *what)
{
	AstIdent value = {.text = what, .span = {token.start, end.end}};
	ast_create_option_word(p, relation, "on_conflict", token, value);
}

void ast_create_version(Parse *p, AstCreateRelation *relation, Token token, AstIdent word, const AstIdents *columns)
{
	if (strcasecmp(word.text, "version") != 0) {
		parse_wrong(p, word.span, "syntax error near \"%s\"", word.text);
		return;
	}
	const char *names = columns->at[0].text;
	for (int i = 1; i < columns->count; i++) names = arena_printf(p->arena, "%s,%s", names, columns->at[i].text);
	AstOption option = {.name = "version_column", .name_written = "version_column", .kind = AST_OPTION_STRING, .value = names,
		.name_span = token_span(token), .value_span = columns->at[0].span};
	add_options(p, &relation->options, ast_options(p, NULL, &option));
}

/* ---- what stands between the parentheses: each a relation with one thing in it, then added up ---- */

AstCreateRelation *ast_definitions_add(Parse *p, AstCreateRelation *list, const AstCreateRelation *definition)
{
	ast_check_count(p, list->columns.count);
	for (int i = 0; i < definition->columns.count; i++) vec_push_in(p->arena, &list->columns, definition->columns.at[i]);
	for (int i = 0; i < definition->constraints.count; i++) vec_push_in(p->arena, &list->constraints, definition->constraints.at[i]);
	for (int i = 0; i < definition->watermarks.count; i++) vec_push_in(p->arena, &list->watermarks, definition->watermarks.at[i]);
	list->star |= definition->star;
	return list;
}

AstCreateRelation *ast_definition_column(Parse *p, const AstColumnDef *column)
{
	AstCreateRelation *definition = arena_new(p->arena, AstCreateRelation);
	vec_push_in(p->arena, &definition->columns, *column);
	return definition;
}

AstCreateRelation *ast_definition_constraint(Parse *p, const AstConstraint *constraint)
{
	AstCreateRelation *definition = arena_new(p->arena, AstCreateRelation);
	vec_push_in(p->arena, &definition->constraints, *constraint);
	return definition;
}

AstCreateRelation *ast_definition_watermark(Parse *p, const AstWatermark *watermark)
{
	AstCreateRelation *definition = arena_new(p->arena, AstCreateRelation);
	vec_push_in(p->arena, &definition->watermarks, *watermark);
	return definition;
}

AstCreateRelation *ast_definition_star(Parse *p)
{
	AstCreateRelation *definition = arena_new(p->arena, AstCreateRelation);
	definition->star = true;
	return definition;
}

AstWatermark *ast_watermark(Parse *p, Token word, const AstName *column, AstExpr *expr)
{
	AstWatermark *watermark = arena_new(p->arena, AstWatermark);
	*watermark = (AstWatermark){.column = *column, .expr = expr, .span = {word.start, expr ? expr->span.end : column->span.end}};
	return watermark;
}

AstConstraint *ast_constraint(Parse *p, AstConstraintKind kind, Token word, const AstIdents *columns, AstExpr *check, Token last)
{
	AstConstraint *constraint = arena_new(p->arena, AstConstraint);
	constraint->kind = kind;
	constraint->check = check;
	constraint->span = (Span){word.start, last.end};
	if (columns) constraint->columns = *columns;
	return constraint;
}

AstConstraint *ast_constraint_foreign(Parse *p, Token word, const AstIdents *columns, const AstName *references, const AstIdents *referenced, Token last)
{
	AstConstraint *constraint = ast_constraint(p, AST_CONSTRAINT_FOREIGN_KEY, word, columns, NULL, last);
	constraint->references = *references;
	if (referenced) constraint->referenced_columns = *referenced;
	return constraint;
}

AstConstraint *ast_constraint_named(Parse *p, Token word, AstIdent name, AstConstraint *constraint)
{
	(void)p;
	constraint->name = name;
	constraint->span.start = word.start;
	return constraint;
}

/* ---- columns: the words behind the type gather in p->column ---- */

AstColumnDef *ast_column_def(Parse *p, AstIdent name, AstTypeName *type)
{
	AstColumnDef *column = arena_new(p->arena, AstColumnDef);
	uint32_t words_end = p->column.span.end;
	*column = p->column;
	p->column = (AstColumnDef){.type = NULL};
	column->name = name;
	column->type = type;
	column->span = (Span){name.span.start, words_end ? words_end : type ? type->span.end : name.span.end};
	if (column->stored && !column->generated) parse_wrong(p, column->span, "column \"%s\": STORED says something of computed columns only", name.text);
	if (column->metadata_virtual && !column->metadata) {       /* x AS (expr) VIRTUAL: SQLite's word for not STORED */
		if (!column->generated) parse_wrong(p, column->span, "column \"%s\": VIRTUAL says something of METADATA and computed columns only", name.text);
		column->metadata_virtual = false;
	}
	return column;
}

void ast_column_end(Parse *p, Token word, Span last)
{
	(void)word;
	p->column.span.end = last.end;
}

void ast_column_flag(Parse *p, Token word, bool *flag)
{
	if (*flag) parse_wrong(p, token_span(word), "%.*s stands twice", (int)(word.end - word.start), p->text + word.start);
	*flag = true;
	ast_column_end(p, word, token_span(word));
}

void ast_column_check(Parse *p, AstExpr *check, Token last)
{
	vec_push_in(p->arena, &p->column.checks, check);
	ast_column_end(p, last, token_span(last));
}

void ast_column_expr(Parse *p, Token word, AstExpr **place, AstExpr *expr)
{
	if (*place) parse_wrong(p, token_span(word), "%.*s stands twice", (int)(word.end - word.start), p->text + word.start);
	*place = expr;
	ast_column_end(p, word, expr->span);
}

/* x AS a + b NOT NULL: the last words read like the operator, but they are a constraint. */
void ast_column_computed(Parse *p, Token word, AstExpr *expr)
{
	bool constraint = expr->kind == AST_BINARY && expr->op == AST_OP_IS_NOT && expr->span.start == expr->args.at[0]->span.start
		&& expr->op_span.end - expr->op_span.start == 3;
	if (constraint) {
		p->column.not_null = true;
		ast_column_expr(p, word, &p->column.generated, expr->args.at[0]);
	} else {
		ast_column_expr(p, word, &p->column.generated, expr);
	}
	ast_column_end(p, word, expr->span);
}

static void column_source(Parse *p, Token word, Token last)
{
	if (p->column.source_span.end) parse_wrong(p, token_span(word), "where the column comes from is said twice");
	p->column.source_span = (Span){word.start, last.end};
	ast_column_end(p, word, token_span(last));
}

void ast_column_metadata(Parse *p, Token word, Token key, bool has_key)
{
	p->column.metadata = true;
	if (has_key) p->column.metadata_key = ast_string(p, key);
	column_source(p, word, key);
}

void ast_column_headers(Parse *p, Token word, Token header, bool has_header)
{
	p->column.metadata = true;
	p->column.metadata_key = has_header ? "header" : "headers";
	if (has_header) p->column.header = ast_string(p, header);
	column_source(p, word, header);
}

void ast_column_path(Parse *p, Token word, Token path)
{
	p->column.path = ast_string(p, path);
	column_source(p, word, path);
}

void ast_column_comment(Parse *p, Token word, Token comment)
{
	p->column.comment = ast_string(p, comment);
	ast_column_end(p, word, token_span(comment));
}

void ast_column_references(Parse *p, Token word, const AstName *name, const AstIdents *columns)
{
	p->column.references = *name;
	if (columns) p->column.referenced_columns = *columns;
	ast_column_end(p, word, columns ? columns->at[columns->count - 1].span : name->span);
}

/* ---- FORMAT, INCLUDE ---- */

AstFormat *ast_format(Parse *p, AstIdent format, AstIdent encode, AstIdent key_encode, const AstOptions *options)
{
	AstFormat *clause = arena_new(p->arena, AstFormat);
	*clause = (AstFormat){.format = ast_lower(p, format.text), .encode = ast_lower(p, encode.text), .format_span = format.span, .encode_span = encode.span};
	if (key_encode.text) clause->key_encode = ast_lower(p, key_encode.text);
	if (options) clause->options = *options;
	return clause;
}

AstInclude *ast_include(Parse *p, Token word, AstIdent what, Token header, AstTypeName *type, AstIdent alias)
{
	AstInclude *include = arena_new(p->arena, AstInclude);
	*include = (AstInclude){.what = ast_lower(p, what.text), .type = type, .alias = alias, .span = {word.start, what.span.end}};
	if (header.type) {
		include->header = ast_string(p, header);
		include->span.end = header.end;
	}
	if (type) include->span.end = type->span.end;
	if (alias.text) include->span.end = alias.span.end;
	return include;
}

/* ---- CREATE VIEW, SINK, INDEX ---- */

AstCreateView *ast_create_view(Parse *p, Token kind, AstFlags flags, bool if_not_exists, const AstName *name, const AstIdents *columns)
{
	AstCreateView *view = arena_new(p->arena, AstCreateView);
	view->kind = ast_relation_kind(kind);
	view->or_replace = flags.replace;
	view->temporary = flags.temporary;
	view->if_not_exists = if_not_exists;
	view->name = *name;
	if (columns) view->columns = *columns;
	return view;
}

void ast_view_options(Parse *p, AstCreateView *view, const AstOptions *options) { add_options(p, &view->options, options); }

AstStatement *ast_create_view_as(Parse *p, AstCreateView *view, AstQuery *query, const AstOptions *options)
{
	view->query = query;
	add_options(p, &view->options, options);
	return ast_statement(p, AST_STATEMENT_CREATE_VIEW, view);
}

AstCreateSink *ast_create_sink(Parse *p, AstFlags flags, bool if_not_exists, const AstName *name, const AstName *into)
{
	AstCreateSink *sink = arena_new(p->arena, AstCreateSink);
	sink->or_replace = flags.replace;
	sink->if_not_exists = if_not_exists;
	sink->name = *name;
	if (into) sink->into = *into;
	if (flags.temporary) parse_wrong(p, name->span, "a sink cannot be TEMPORARY");
	return sink;
}

AstCreateSink *ast_sink_from(Parse *p, AstCreateSink *sink, const AstName *from, AstQuery *query)
{
	(void)p;
	if (from) sink->from = *from;
	sink->query = query;
	return sink;
}

void ast_sink_options(Parse *p, AstCreateSink *sink, const AstOptions *options) { add_options(p, &sink->options, options); }

AstCreateIndex *ast_create_index(Parse *p, Token word, bool if_not_exists, const AstName *name, const AstName *relation, const AstOrderTerms *terms)
{
	AstCreateIndex *index = arena_new(p->arena, AstCreateIndex);
	index->unique = word.type == TK_UNIQUE;
	index->if_not_exists = if_not_exists;
	if (name) index->name = *name;
	index->relation = *relation;
	index->terms = *terms;
	return index;
}

AstStatement *ast_create_index_where(Parse *p, AstCreateIndex *index, AstExpr *where)
{
	index->where = where;
	return ast_statement(p, AST_STATEMENT_CREATE_INDEX, index);
}

/* ---- ALTER: actions gather in p->alter ---- */

static AstAlterAction *action_new(Parse *p, AstAlterKind kind, Token word, uint32_t end)
{
	AstAlterAction action = {.kind = kind, .span = {word.start, end}};
	if (!p->alter) p->alter = arena_new(p->arena, AstAlter);
	ast_check_count(p, p->alter->actions.count);
	vec_push_in(p->arena, &p->alter->actions, action);
	return &p->alter->actions.at[p->alter->actions.count - 1];
}

AstStatement *ast_alter(Parse *p, Token kind, bool if_exists, const AstName *name, bool cascade)
{
	AstAlter *alter = p->alter ? p->alter : arena_new(p->arena, AstAlter);
	alter->kind = ast_relation_kind(kind);
	alter->if_exists = if_exists;
	alter->cascade = cascade;
	alter->name = *name;
	return ast_statement(p, AST_STATEMENT_ALTER, alter);
}

void ast_alter_column(Parse *p, Token word, const AstColumnDef *column, bool if_not_exists)
{
	AstAlterAction *action = action_new(p, AST_ALTER_ADD_COLUMN, word, column->span.end);
	action->column = *column;
	action->name = column->name;
	action->if_exists = if_not_exists;
}

void ast_alter_constraint(Parse *p, Token word, const AstConstraint *constraint)
{
	action_new(p, AST_ALTER_ADD_CONSTRAINT, word, constraint->span.end)->constraint = *constraint;
}

void ast_alter_watermark(Parse *p, Token word, const AstWatermark *watermark)
{
	action_new(p, AST_ALTER_ADD_WATERMARK, word, watermark->span.end)->watermark = *watermark;
}

void ast_alter_definitions(Parse *p, Token word, const AstCreateRelation *definitions)
{
	for (int i = 0; i < definitions->columns.count; i++) ast_alter_column(p, word, &definitions->columns.at[i], false);
	for (int i = 0; i < definitions->constraints.count; i++) ast_alter_constraint(p, word, &definitions->constraints.at[i]);
	for (int i = 0; i < definitions->watermarks.count; i++) ast_alter_watermark(p, word, &definitions->watermarks.at[i]);
	if (definitions->star || !p->alter) parse_wrong(p, token_span(word), "ADD (*) adds nothing");
}

void ast_alter_name(Parse *p, AstAlterKind kind, Token word, AstIdent name, bool if_exists)
{
	AstAlterAction *action = action_new(p, kind, word, name.span.end > word.end ? name.span.end : word.end);
	action->name = name;
	action->if_exists = if_exists;
}

void ast_alter_drop_columns(Parse *p, Token word, const AstIdents *columns)
{
	for (int i = 0; i < columns->count; i++) ast_alter_name(p, AST_ALTER_DROP_COLUMN, word, columns->at[i], false);
}

void ast_alter_plain(Parse *p, AstAlterKind kind, Token word) { action_new(p, kind, word, word.end); }

void ast_alter_rename(Parse *p, Token word, const AstIdent *old_name, AstIdent name)
{
	AstAlterAction *action = action_new(p, old_name ? AST_ALTER_RENAME_COLUMN : AST_ALTER_RENAME_TO, word, name.span.end);
	if (old_name) action->name = *old_name;
	action->new_name = name;
}

void ast_alter_type(Parse *p, Token word, AstIdent column, AstTypeName *type)
{
	AstAlterAction *action = action_new(p, AST_ALTER_COLUMN_TYPE, word, type->span.end);
	action->name = column;
	action->type = type;
}

void ast_alter_default(Parse *p, Token word, AstIdent column, AstExpr *value)
{
	AstAlterAction *action = action_new(p, AST_ALTER_SET_DEFAULT, word, value->span.end);
	action->name = column;
	action->column.default_value = value;
}

void ast_alter_options(Parse *p, AstAlterKind kind, Token word, const AstOptions *options)
{
	AstAlterAction *action = action_new(p, kind, word, options ? options->at[options->count - 1].value_span.end : word.end);
	if (options) action->options = *options;
}

/* ---- DROP, TRUNCATE ---- */

static AstDrop *drop_new(Parse *p, AstRelationKind kind, const AstNames *names)
{
	AstDrop *drop = arena_new(p->arena, AstDrop);
	drop->kind = kind;
	drop->names = *names;
	return drop;
}

AstStatement *ast_drop(Parse *p, Token kind, bool temporary, bool if_exists, const AstNames *names, bool cascade)
{
	AstDrop *drop = drop_new(p, ast_relation_kind(kind), names);
	drop->temporary = temporary;
	drop->if_exists = if_exists;
	drop->cascade = cascade;
	return ast_statement(p, AST_STATEMENT_DROP, drop);
}

AstStatement *ast_truncate(Parse *p, const AstNames *names)
{
	return ast_statement(p, AST_STATEMENT_TRUNCATE, drop_new(p, AST_KIND_TABLE, names));
}
