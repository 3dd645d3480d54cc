/* Statements that change rows, ask or steer. See make.h. */
#include "ast/make.h"

#include <string.h>
#include <strings.h>

AstStatement *ast_statement(Parse *p, AstStatementKind kind, void *node)
{
	AstStatement *statement = arena_new(p->arena, AstStatement);
	statement->kind = kind;
	statement->query = node;
	return statement;
}

/* ---- INSERT ---- */

AstInsert *ast_insert(Parse *p, AstOrAction action, const AstName *target)
{
	AstInsert *insert = arena_new(p->arena, AstInsert);
	AstOptions *hints = ast_hint_options(p, target->span.end);
	insert->or_action = action;
	insert->target = *target;
	if (hints) insert->hints = *hints;
	return insert;
}

AstInsert *ast_insert_source(Parse *p, AstQuery *query, const AstOptions *options)
{
	AstInsert *source = arena_new(p->arena, AstInsert);
	source->query = query;
	if (options) source->options = *options;
	return source;
}

AstInsert *ast_insert_finish(AstInsert *insert, AstIdent alias, const AstInsert *source, const AstInsert *conflicts, const AstItems *returning)
{
	insert->alias = alias;
	insert->query = source->query;
	insert->options = source->options;
	if (conflicts) insert->conflicts = conflicts->conflicts;
	if (returning) insert->returning = *returning;
	return insert;
}

AstInsert *ast_conflicts(Parse *p, AstInsert *list, const AstConflict *conflict)
{
	if (!list) list = arena_new(p->arena, AstInsert);
	vec_push_in(p->arena, &list->conflicts, *conflict);
	return list;
}

AstConflict *ast_conflict_target(Parse *p, const AstIdents *columns, AstExpr *where)
{
	AstConflict *conflict = arena_new(p->arena, AstConflict);
	conflict->columns = *columns;
	conflict->index_where = where;
	return conflict;
}

AstConflict *ast_conflict_nothing(Parse *p, Token word, AstConflict *target, Token last)
{
	AstConflict *conflict = target ? target : arena_new(p->arena, AstConflict);
	conflict->span = (Span){word.start, last.end};
	return conflict;
}

AstConflict *ast_conflict_update(Parse *p, Token word, AstConflict *target, const AstAssignments *assignments, AstExpr *where)
{
	const AstAssignment *last = &assignments->at[assignments->count - 1];
	AstConflict *conflict = ast_conflict_nothing(p, word, target, word);
	conflict->update = true;
	conflict->assignments = *assignments;
	conflict->where = where;
	conflict->span.end = where ? where->span.end : last->value ? last->value->span.end : last->columns.at[last->columns.count - 1].span.end;
	return conflict;
}

AstAssignments *ast_assignments(Parse *p, AstAssignments *list, const AstAssignment *assignment) { return AST_PUSH(p, AstAssignments, list, *assignment); }

AstAssignment *ast_assignment(Parse *p, const AstIdents *columns, AstExpr *value)
{
	AstAssignment *assignment = arena_new(p->arena, AstAssignment);
	assignment->columns = *columns;
	assignment->value = value;
	return assignment;
}

/* ---- UPDATE, DELETE ---- */

AstUpdate *ast_update(Parse *p, AstOrAction action, const AstName *target, AstIdent alias, const AstAssignments *assignments)
{
	AstUpdate *update = arena_new(p->arena, AstUpdate);
	update->or_action = action;
	update->target = *target;
	update->alias = alias;
	update->assignments = *assignments;
	return update;
}

void ast_update_finish(Parse *p, AstUpdate *update, AstTable *from, AstExpr *where, const AstItems *returning)
{
	(void)p;
	update->from = from;
	update->where = where;
	if (returning) update->returning = *returning;
}

AstDelete *ast_delete(Parse *p, const AstName *target, AstIdent alias, AstTable *using_tables, AstExpr *where, const AstItems *returning)
{
	AstDelete *delete = arena_new(p->arena, AstDelete);
	delete->target = *target;
	delete->alias = alias;
	delete->using_tables = using_tables;
	delete->where = where;
	if (returning) delete->returning = *returning;
	return delete;
}

/* ---- SHOW, DESCRIBE ---- */

static char *words_text(Parse *p, const AstIdents *words, int count)
{
	char *text = NULL;
	for (int i = 0; i < count; i++) {
		char *word = ast_lower(p, words->at[i].text);
		text = text ? arena_printf(p->arena, "%s %s", text, word) : word;
	}
	return text;
}

static AstShow *show_new(Parse *p, const char *what, Span span)
{
	AstShow *show = arena_new(p->arena, AstShow);
	show->what = what;
	show->what_span = span;
	return show;
}

AstStatement *ast_show(Parse *p, const AstIdents *words, const AstName *from, Token like)
{
	int count = words->count;
	bool extended = count > 1 && ast_ident_is(words->at[count - 1], "extended");
	if (extended) count--;
	AstShow *show = show_new(p, words_text(p, words, count), span_join(words->at[0].span, words->at[count - 1].span));
	show->extended = extended;
	if (from) show->name = *from;
	if (like.type) show->like = ast_string(p, like);
	return ast_statement(p, AST_STATEMENT_SHOW, show);
}

AstStatement *ast_show_all(Parse *p, Token all, const AstIdents *words)
{
	const char *what = words ? arena_printf(p->arena, "all %s", words_text(p, words, words->count)) : "all";
	return ast_statement(p, AST_STATEMENT_SHOW, show_new(p, what, token_span(all)));
}

AstStatement *ast_show_setting(Parse *p, const AstOption *setting)
{
	return ast_statement(p, AST_STATEMENT_SHOW, show_new(p, setting->name, setting->name_span));
}

AstStatement *ast_show_create(Parse *p, Token word, Token kind, const AstName *name)
{
	AstShow *show = show_new(p, "create", token_span(word));
	show->kind = ast_relation_kind(kind);
	show->name = *name;
	return ast_statement(p, AST_STATEMENT_SHOW, show);
}

AstStatement *ast_describe(Parse *p, bool extended, Token kind, const AstName *name, AstQuery *query)
{
	AstDescribe *describe = arena_new(p->arena, AstDescribe);
	describe->extended = extended;
	describe->kind = ast_relation_kind(kind);
	if (name) describe->name = *name;
	describe->query = query;
	return ast_statement(p, AST_STATEMENT_DESCRIBE, describe);
}

AstStatement *ast_describe_function(Parse *p, AstIdent name)
{
	AstStatement *statement = ast_describe(p, false, AST_NO_TOKEN, ast_name(p, NULL, name), NULL);
	statement->describe->function = true;
	return statement;
}

/* ---- EXPLAIN ---- */

/* ANALYZE is a flag. */
static void take_stages(Parse *p, AstExplain *explain, const AstIdents *words)
{
	for (int i = 0; i < words->count; i++) {
		if (ast_ident_is(words->at[i], "analyze")) explain->analyze = true;
		else vec_push_in(p->arena, &explain->stages, words->at[i]);
	}
}

/* Where the inner statement begins: the grammar has no place to note it. */
static uint32_t inner_start(const Parse *p)
{
	Lexer lexer = {.text = p->text, .at = p->start, .end = p->end};
	int depth = 0;
	lexer_next(&lexer);
	for (Token token; (token = lexer_next(&lexer)).type; ) {
		bool opens = token.type == TK_LP;
		Lexer after = lexer;
		int next = lexer_next(&after).type;
		if (token.type == TK_RP) depth--;
		if (!depth && (token.type == TK_SELECT || token.type == TK_WITH || token.type == TK_VALUES || token.type == TK_INSERT || token.type == TK_UPDATE
			|| token.type == TK_DELETE || token.type == TK_CREATE || (token.type == TK_REPLACE && next == TK_INTO)
			|| (opens && (next == TK_SELECT || next == TK_WITH || next == TK_VALUES || next == TK_LP))))
			return token.start;
		if (opens) depth++;
	}
	return (uint32_t)p->start;
}

AstStatement *ast_explained(Parse *p, AstStatementKind kind, void *node) { return ast_statement(p, kind, node); }

/* EXPLAIN (ANALYZE, ...) is EXPLAIN ANALYZE (...) */
static void take_explain_options(Parse *p, AstExplain *explain, const AstOptions *options)
{
	for (int i = 0; i < options->count; i++) {
		const AstOption *option = &options->at[i];
		bool flag = option->kind == AST_OPTION_NONE || option->kind == AST_OPTION_BOOLEAN;
		if (flag && !strcmp(option->name, "analyze")) explain->analyze = !option->value || *option->value == 't';
		else vec_push_in(p->arena, &explain->options, *option);
	}
}

static AstExplain *explain_new(Parse *p, const AstIdents *stages, const AstOptions *options)
{
	AstExplain *explain = arena_new(p->arena, AstExplain);
	if (stages) take_stages(p, explain, stages);
	if (options) take_explain_options(p, explain, options);
	return explain;
}

AstStatement *ast_explain(Parse *p, AstIdents *stages, const AstOptions *options, AstStatement *statement)
{
	AstExplain *explain = explain_new(p, stages, options);
	explain->statement = statement;
	statement->span.start = inner_start(p);
	return ast_statement(p, AST_STATEMENT_EXPLAIN, explain);
}

static AstRelationKind kind_of_word(AstIdent word)
{
	for (int kind = AST_KIND_NOT_SAID + 1; kind < AST_KIND_COUNT; kind++)
		if (ast_ident_is(word, ast_relation_kind_text((AstRelationKind)kind))) return (AstRelationKind)kind;
	return AST_KIND_NOT_SAID;
}

/* EXPLAIN [stages] [kind] name: all are words to the grammar */
AstStatement *ast_explain_name(Parse *p, AstIdents *stages, const AstOptions *options)
{
	AstIdent name = stages->at[--stages->count];
	AstExplain *explain = explain_new(p, stages, options);
	if (explain->stages.count) explain->kind = kind_of_word(explain->stages.at[explain->stages.count - 1]);
	if (explain->kind) explain->stages.count--;
	explain->name = *ast_name(p, NULL, name);
	return ast_statement(p, AST_STATEMENT_EXPLAIN, explain);
}

/* ---- SET ---- */

static AstStatement *set_new(Parse *p, AstStatementKind kind, const AstOption *option)
{
	AstSet *set = arena_new(p->arena, AstSet);
	if (option) set->option = *option;
	return ast_statement(p, kind, set);
}

AstStatement *ast_set_show(Parse *p, Token word)
{
	AstOption option = {.name_span = token_span(word)};
	return set_new(p, AST_STATEMENT_SET, &option);
}

AstStatement *ast_set(Parse *p, const AstOption *option) { return set_new(p, AST_STATEMENT_SET, option); }

AstStatement *ast_set_time_zone(Parse *p, AstIdent time, AstIdent zone, const AstOption *value)
{
	AstOption option = *value;
	if (!ast_ident_is(time, "time") || !ast_ident_is(zone, "zone")) parse_wrong(p, zone.span, "syntax error near \"%s\"", zone.text);
	option.name = option.name_written = "timezone";
	option.name_span = span_join(time.span, zone.span);
	return set_new(p, AST_STATEMENT_SET, &option);
}

AstStatement *ast_reset(Parse *p, const AstOption *name)
{
	return set_new(p, AST_STATEMENT_RESET, name);
}

/* ---- transactions and steering ---- */

AstStatement *ast_transaction(Parse *p, AstTransactionKind kind, AstIdent name)
{
	AstTransaction *transaction = arena_new(p->arena, AstTransaction);
	transaction->kind = kind;
	transaction->name = name;
	return ast_statement(p, AST_STATEMENT_TRANSACTION, transaction);
}

AstStatement *ast_statement_set(Parse *p)
{
	AstStatement *statement = ast_transaction(p, AST_BEGIN, AST_NO_IDENT);
	statement->transaction->statement_set = true;
	return statement;
}

AstStatement *ast_close(Parse *p, const AstNames *names)
{
	AstClose *close = arena_new(p->arena, AstClose);
	close->all = !names;
	if (names) close->names = *names;
	return ast_statement(p, AST_STATEMENT_CLOSE, close);
}

AstStatement *ast_pause(Parse *p, Token word, Token kind, const AstNames *names, AstResumeFrom from, const AstOptions *options)
{
	AstPause *pause = arena_new(p->arena, AstPause);
	pause->kind = ast_relation_kind(kind);
	pause->all = !names;
	if (names) pause->names = *names;
	pause->from = from;
	if (options) pause->options = *options;
	return ast_statement(p, word.type == TK_PAUSE ? AST_STATEMENT_PAUSE : AST_STATEMENT_RESUME, pause);
}

AstStatement *ast_subscribe(Parse *p, const AstName *name, AstQuery *query, AstExpr *since, const AstOptions *options, AstExpr *limit)
{
	AstSubscribe *subscribe = arena_new(p->arena, AstSubscribe);
	if (name) subscribe->name = *name;
	subscribe->query = query;
	subscribe->since = since;
	subscribe->limit = limit;
	if (options) subscribe->options = *options;
	return ast_statement(p, AST_STATEMENT_SUBSCRIBE, subscribe);
}

AstStatement *ast_print(Parse *p, AstStatementKind kind, AstIdent topic, bool from_beginning, AstExpr *interval, AstExpr *limit,
	const AstOptions *options)
{
	AstPrint *print = arena_new(p->arena, AstPrint);
	print->topic = topic.text;
	print->topic_span = topic.span;
	print->from_beginning = from_beginning;
	print->interval = interval;
	print->limit = limit;
	if (options) print->options = *options;
	return ast_statement(p, kind, print);
}

AstStatement *ast_use(Parse *p, AstIdent what, const AstName *name)
{
	AstUse *use = arena_new(p->arena, AstUse);
	use->what = what.text ? ast_lower(p, what.text) : "";
	use->name = *name;
	return ast_statement(p, AST_STATEMENT_USE, use);
}
