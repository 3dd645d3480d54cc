/* Statements as SQL, but for definitions. See print.h. */
#include "ast/print.h"

#include <string.h>
#include <strings.h>

const char *ast_or_action(AstOrAction action)
{
	static const char *const ACTIONS[] = {"", " OR ABORT", " OR FAIL", " OR IGNORE", " OR REPLACE", " OR ROLLBACK"};
	return ACTIONS[action];
}

static void print_string(const char *text, StrBuf *out) { strbuf_add_sql_string(out, text, strlen(text)); }

static void print_clause(const char *words, const AstExpr *e, StrBuf *out)
{
	if (!e) return;
	strbuf_adds(out, words);
	ast_print_expr(e, out);
}

static void print_alias(const AstIdent *alias, StrBuf *out)
{
	if (!alias->text) return;
	strbuf_adds(out, " AS ");
	ast_print_ident(alias->text, out);
}

static void print_with_options(const AstOptions *options, StrBuf *out)
{
	if (!options->count) return;
	strbuf_adds(out, " WITH ");
	ast_print_options(options, out);
}

static void print_returning(const AstItems *items, StrBuf *out)
{
	if (!items->count) return;
	strbuf_adds(out, " RETURNING ");
	ast_print_items(items, out);
}

/* ---- INSERT, UPDATE, DELETE ---- */

static void print_assignments(const AstAssignments *assignments, StrBuf *out)
{
	for (int i = 0; i < assignments->count; i++) {
		const AstAssignment *assignment = &assignments->at[i];
		bool several = assignment->columns.count > 1;
		if (i) strbuf_adds(out, ", ");
		if (several) strbuf_addc(out, '(');
		ast_print_idents(&assignment->columns, out);
		strbuf_adds(out, several ? ") = " : " = ");
		if (assignment->value) ast_print_expr(assignment->value, out);
		else strbuf_adds(out, "DEFAULT");
	}
}

static void print_conflict(const AstConflict *conflict, StrBuf *out)
{
	strbuf_adds(out, " ON CONFLICT");
	ast_print_columns(&conflict->columns, out);
	print_clause(" WHERE ", conflict->index_where, out);
	strbuf_adds(out, conflict->update ? " DO UPDATE SET " : " DO NOTHING");
	if (!conflict->update) return;
	print_assignments(&conflict->assignments, out);
	print_clause(" WHERE ", conflict->where, out);
}

static void print_insert(const AstInsert *insert, StrBuf *out)
{
	ast_print_with(insert->with, out);
	strbuf_printf(out, "INSERT%s INTO ", ast_or_action(insert->or_action));
	ast_print_name(&insert->target, out);
	if (insert->hints.count) {
		strbuf_adds(out, " /*+ OPTIONS");
		ast_print_options(&insert->hints, out);
		strbuf_adds(out, " */");
	}
	print_alias(&insert->alias, out);
	ast_print_columns(&insert->columns, out);
	print_with_options(&insert->options, out);
	strbuf_addc(out, ' ');
	if (insert->query) ast_print_query(insert->query, out);
	else strbuf_adds(out, "DEFAULT VALUES");
	for (int i = 0; i < insert->conflicts.count; i++) print_conflict(&insert->conflicts.at[i], out);
	print_returning(&insert->returning, out);
}

static void print_update(const AstUpdate *update, StrBuf *out)
{
	ast_print_with(update->with, out);
	strbuf_printf(out, "UPDATE%s ", ast_or_action(update->or_action));
	ast_print_name(&update->target, out);
	print_alias(&update->alias, out);
	strbuf_adds(out, " SET ");
	print_assignments(&update->assignments, out);
	if (update->from) {
		strbuf_adds(out, " FROM ");
		ast_print_table(update->from, out);
	}
	print_clause(" WHERE ", update->where, out);
	print_returning(&update->returning, out);
}

static void print_delete(const AstDelete *delete, StrBuf *out)
{
	ast_print_with(delete->with, out);
	strbuf_adds(out, "DELETE FROM ");
	ast_print_name(&delete->target, out);
	print_alias(&delete->alias, out);
	if (delete->using_tables) {
		strbuf_adds(out, " USING ");
		ast_print_table(delete->using_tables, out);
	}
	print_clause(" WHERE ", delete->where, out);
	print_returning(&delete->returning, out);
}

/* ---- SHOW, DESCRIBE, EXPLAIN ---- */

static void print_kind(AstRelationKind kind, StrBuf *out)
{
	if (kind) strbuf_printf(out, "%s ", ast_relation_kind_text(kind));
}

/* Words of `what`: a setting may have dots (or be a string), all others are separate words */
static void print_what(const char *what, StrBuf *out)
{
	bool words = *what != ' ';
	for (const char *at = what; *at; at++) words &= (*at >= 'a' && *at <= 'z') || *at == '_' || (*at == ' ' && at[1] && at[1] != ' ');
	if (!words) print_string(what, out);
	for (const char *at = what; words && *at; at++) strbuf_addc(out, *at >= 'a' && *at <= 'z' ? (char)(*at - 32) : *at);
}

static void print_show(const AstShow *show, StrBuf *out)
{
	strbuf_adds(out, "SHOW ");
	print_what(show->what, out);
	if (!strcmp(show->what, "create")) {
		strbuf_addc(out, ' ');
		print_kind(show->kind, out);
		ast_print_name(&show->name, out);
		return;
	}
	if (show->extended) strbuf_adds(out, " EXTENDED");
	if (show->name.parts.count) {
		strbuf_adds(out, " FROM ");
		ast_print_name(&show->name, out);
	}
	if (show->like) {
		strbuf_adds(out, " LIKE ");
		print_string(show->like, out);
	}
}

static void print_describe(const AstDescribe *describe, StrBuf *out)
{
	strbuf_printf(out, "DESCRIBE %s%s", describe->extended ? "EXTENDED " : "", describe->function ? "FUNCTION " : "");
	print_kind(describe->kind, out);
	if (describe->query) ast_print_query(describe->query, out);
	else ast_print_name(&describe->name, out);
}

/* Bare, QUERY PLAN would be SQLite's words */
static void print_stage(const char *stage, StrBuf *out)
{
	if (!strcasecmp(stage, "query")) strbuf_add_sql_ident(out, stage);
	else ast_print_ident(stage, out);
}

static void print_explain(const AstExplain *explain, StrBuf *out)
{
	strbuf_adds(out, "EXPLAIN ");
	if (explain->options.count) {
		ast_print_options(&explain->options, out);
		strbuf_addc(out, ' ');
	}
	if (explain->analyze) strbuf_adds(out, "ANALYZE ");
	for (int i = 0; i < explain->stages.count; i++) {
		print_stage(explain->stages.at[i].text, out);
		strbuf_addc(out, ' ');
	}
	print_kind(explain->kind, out);
	if (explain->statement) ast_print_statement(explain->statement, out);
	else ast_print_name(&explain->name, out);
}

/* ---- SET, transactions, steering ---- */

static void print_set(const AstStatement *statement, StrBuf *out)
{
	AstOption option = statement->set->option;
	bool reset = statement->kind == AST_STATEMENT_RESET;
	strbuf_adds(out, reset ? "RESET" : "SET");
	if (!option.name) {
		if (reset) strbuf_adds(out, " ALL");
		return;
	}
	if (reset) option.kind = AST_OPTION_NONE;
	strbuf_addc(out, ' ');
	ast_print_option(&option, out);
}

static void print_transaction(const AstTransaction *transaction, StrBuf *out)
{
	static const char *const WORDS[] = {"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT ", "RELEASE SAVEPOINT ", "ROLLBACK TO SAVEPOINT "};
	strbuf_adds(out, transaction->statement_set ? "BEGIN STATEMENT SET" : WORDS[transaction->kind]);
	if (transaction->name.text) ast_print_ident(transaction->name.text, out);
}

static void print_pause(const char *word, const AstPause *pause, StrBuf *out)
{
	static const char *const FROM[] = {"", " FROM NOW", " FROM SNAPSHOT"};
	strbuf_printf(out, "%s ", word);
	print_kind(pause->kind, out);
	if (pause->all) strbuf_adds(out, "ALL");
	ast_print_names(&pause->names, out);
	strbuf_adds(out, FROM[pause->from]);
	for (int i = 0; i < pause->options.count; i++) {
		strbuf_adds(out, " ON OFFSET GAP ");
		ast_print_ident(pause->options.at[i].value, out);
	}
}

static void print_subscribe(const AstSubscribe *subscribe, StrBuf *out)
{
	strbuf_adds(out, "SUBSCRIBE TO ");
	if (subscribe->query) {
		strbuf_addc(out, '(');
		ast_print_query(subscribe->query, out);
		strbuf_addc(out, ')');
	} else {
		ast_print_name(&subscribe->name, out);
	}
	print_clause(" SINCE ", subscribe->since, out);
	print_with_options(&subscribe->options, out);
	print_clause(" LIMIT ", subscribe->limit, out);
}

static void print_print(const char *word, const AstPrint *print, StrBuf *out)
{
	strbuf_printf(out, "%s ", word);
	print_string(print->topic, out);
	if (print->from_beginning) strbuf_adds(out, " FROM BEGINNING");
	print_clause(" INTERVAL ", print->interval, out);
	print_with_options(&print->options, out);
	print_clause(" LIMIT ", print->limit, out);
}

static void print_close(const AstClose *close, StrBuf *out)
{
	strbuf_adds(out, close->all ? "CLOSE ALL STREAMS" : "CLOSE STREAM ");
	ast_print_names(&close->names, out);
}

static void print_use(const AstUse *use, StrBuf *out)
{
	strbuf_adds(out, "USE ");
	if (*use->what) {
		ast_print_ident(use->what, out);
		strbuf_addc(out, ' ');
	}
	ast_print_name(&use->name, out);
}

void ast_print_statement(const AstStatement *statement, StrBuf *out)
{
	switch (statement->kind) {
	case AST_STATEMENT_QUERY: ast_print_query(statement->query, out); break;
	case AST_STATEMENT_INSERT: print_insert(statement->insert, out); break;
	case AST_STATEMENT_UPDATE: print_update(statement->update, out); break;
	case AST_STATEMENT_DELETE: print_delete(statement->delete_from, out); break;
	case AST_STATEMENT_PAUSE: print_pause("PAUSE", statement->pause, out); break;
	case AST_STATEMENT_RESUME: print_pause("RESUME", statement->pause, out); break;
	case AST_STATEMENT_SHOW: print_show(statement->show, out); break;
	case AST_STATEMENT_DESCRIBE: print_describe(statement->describe, out); break;
	case AST_STATEMENT_EXPLAIN: print_explain(statement->explain, out); break;
	case AST_STATEMENT_SET: case AST_STATEMENT_RESET: print_set(statement, out); break;
	case AST_STATEMENT_TRANSACTION: print_transaction(statement->transaction, out); break;
	case AST_STATEMENT_FLUSH: strbuf_adds(out, "FLUSH"); break;
	case AST_STATEMENT_CHECKPOINT: strbuf_adds(out, "CHECKPOINT"); break;
	case AST_STATEMENT_CLOSE: print_close(statement->close, out); break;
	case AST_STATEMENT_SUBSCRIBE: print_subscribe(statement->subscribe, out); break;
	case AST_STATEMENT_PRINT: print_print("PRINT", statement->print, out); break;
	case AST_STATEMENT_PEEK: print_print("PEEK", statement->print, out); break;
	case AST_STATEMENT_USE: print_use(statement->use, out); break;
	default: ast_print_definition(statement, out); break;
	}
}
