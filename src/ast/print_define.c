/* CREATE, ALTER, DROP as SQL. See print.h. */
#include "ast/print.h"

#include <string.h>

#include "ast/parse.h"
#include "keywords.h"

static void print_string(const char *text, StrBuf *out) { strbuf_add_sql_string(out, text, strlen(text)); }

static void print_with_options(const AstOptions *options, StrBuf *out)
{
	if (!options->count) return;
	strbuf_adds(out, " WITH ");
	ast_print_options(options, out);
}

static void print_comment(const char *comment, StrBuf *out)
{
	if (!comment) return;
	strbuf_adds(out, " COMMENT ");
	print_string(comment, out);
}

static void print_references(const AstName *name, const AstIdents *columns, StrBuf *out)
{
	if (!name->parts.count) return;
	strbuf_adds(out, " REFERENCES ");
	ast_print_name(name, out);
	ast_print_columns(columns, out);
}

/* ---- columns and constraints ---- */

static void print_column_source(const AstColumnDef *column, StrBuf *out)
{
	if (column->header) {
		strbuf_adds(out, " HEADER(");
		print_string(column->header, out);
		strbuf_addc(out, ')');
	} else if (column->metadata) {
		strbuf_adds(out, " METADATA");
		if (column->metadata_key) {
			strbuf_adds(out, " FROM ");
			print_string(column->metadata_key, out);
		}
		if (column->metadata_virtual) strbuf_adds(out, " VIRTUAL");
	} else if (column->path) {
		strbuf_adds(out, " FROM ");
		print_string(column->path, out);
	}
}

static void print_column_constraints(const AstColumnDef *column, StrBuf *out)
{
	if (column->key) strbuf_adds(out, " KEY");
	if (column->primary_key) strbuf_adds(out, " PRIMARY KEY");
	if (column->autoincrement) strbuf_adds(out, " AUTOINCREMENT");
	if (column->unique) strbuf_adds(out, " UNIQUE");
	if (column->not_null) strbuf_adds(out, " NOT NULL");
	if (column->null) strbuf_adds(out, " NULL");
	for (int i = 0; i < column->checks.count; i++) {
		strbuf_adds(out, " CHECK (");
		ast_print_expr(column->checks.at[i], out);
		strbuf_addc(out, ')');
	}
	print_references(&column->references, &column->referenced_columns, out);
}

/* DEFAULT takes a term; what is more stands in parentheses */
static void print_default(const AstExpr *e, StrBuf *out)
{
	const AstExpr *inner = e->kind == AST_UNARY && e->op == AST_OP_MINUS ? e->args.at[0] : e;
	bool number = inner->kind == AST_LITERAL && inner->literal >= AST_INTEGER && inner->literal <= AST_REAL;
	bool term = e->kind == AST_LITERAL || e->kind == AST_COLUMN || (inner != e && number);
	strbuf_adds(out, term ? " DEFAULT " : " DEFAULT (");
	ast_print_expr(e, out);
	if (!term) strbuf_addc(out, ')');
}

void ast_print_column_def(const AstColumnDef *column, StrBuf *out)
{
	ast_print_ident(column->name.text, out);
	if (column->type) {
		strbuf_addc(out, ' ');
		ast_print_type(column->type, out);
	}
	if (column->collation.text) {
		strbuf_adds(out, " COLLATE ");
		ast_print_ident(column->collation.text, out);
	}
	print_column_source(column, out);
	if (column->generated) {
		strbuf_adds(out, " AS (");
		ast_print_expr(column->generated, out);
		strbuf_adds(out, column->stored ? ") STORED" : ")");
	}
	print_column_constraints(column, out);
	if (column->default_value) print_default(column->default_value, out);
	print_comment(column->comment, out);
}

static void print_constraint(const AstConstraint *constraint, StrBuf *out)
{
	static const char *const WORDS[] = {"PRIMARY KEY", "UNIQUE", "CHECK (", "FOREIGN KEY"};
	if (constraint->name.text) {
		strbuf_adds(out, "CONSTRAINT ");
		ast_print_ident(constraint->name.text, out);
		strbuf_addc(out, ' ');
	}
	strbuf_adds(out, WORDS[constraint->kind]);
	ast_print_columns(&constraint->columns, out);
	if (constraint->check) {
		ast_print_expr(constraint->check, out);
		strbuf_addc(out, ')');
	}
	print_references(&constraint->references, &constraint->referenced_columns, out);
}

static void print_watermark(const AstWatermark *watermark, StrBuf *out)
{
	strbuf_adds(out, "WATERMARK FOR ");
	ast_print_name(&watermark->column, out);
	if (!watermark->expr) return;
	strbuf_adds(out, " AS ");
	ast_print_expr(watermark->expr, out);
}

/* ---- CREATE STREAM, SOURCE, TABLE ---- */

static void print_definitions(const AstCreateRelation *relation, StrBuf *out)
{
	const char *separator = " (";
	if (relation->star) {
		strbuf_printf(out, "%s*", separator);
		separator = ", ";
	}
	for (int i = 0; i < relation->columns.count; i++, separator = ", ") {
		strbuf_adds(out, separator);
		ast_print_column_def(&relation->columns.at[i], out);
	}
	for (int i = 0; i < relation->constraints.count; i++, separator = ", ") {
		strbuf_adds(out, separator);
		print_constraint(&relation->constraints.at[i], out);
	}
	for (int i = 0; i < relation->watermarks.count; i++, separator = ", ") {
		strbuf_adds(out, separator);
		print_watermark(&relation->watermarks.at[i], out);
	}
	if (separator[0] == ',') strbuf_addc(out, ')');
}

/* Capitals, as RisingWave's documentation has them; the AST holds the word in lower case */
static void print_word(const char *words, const char *name, StrBuf *out)
{
	int token = keyword_token(name, strlen(name));
	strbuf_adds(out, words);
	if (token ? !keyword_is_name(token) : parse_name_needs_quotes(name)) {
		strbuf_add_sql_ident(out, name);
		return;
	}
	for (; *name; name++) strbuf_addc(out, *name >= 'a' && *name <= 'z' ? (char)(*name - 32) : *name);
}

static void print_includes(const AstIncludes *includes, StrBuf *out)
{
	for (int i = 0; i < includes->count; i++) {
		const AstInclude *include = &includes->at[i];
		print_word(" INCLUDE ", include->what, out);
		if (include->header) {
			strbuf_addc(out, ' ');
			print_string(include->header, out);
		}
		if (include->type) {
			strbuf_addc(out, ' ');
			ast_print_type(include->type, out);
		}
		if (include->alias.text) {
			strbuf_adds(out, " AS ");
			ast_print_ident(include->alias.text, out);
		}
	}
}

static void print_format(const AstFormat *format, StrBuf *out)
{
	if (!format) return;
	print_word(" FORMAT ", format->format, out);
	print_word(" ENCODE ", format->encode, out);
	if (format->options.count) {
		strbuf_addc(out, ' ');
		ast_print_options(&format->options, out);
	}
	if (format->key_encode) print_word(" KEY ENCODE ", format->key_encode, out);
}

static void print_create_head(bool or_replace, bool temporary, const char *kind, bool if_not_exists, const AstName *name, StrBuf *out)
{
	strbuf_printf(out, "CREATE %s%s%s%s", or_replace ? "OR REPLACE " : "", temporary ? "TEMPORARY " : "", kind, if_not_exists ? " IF NOT EXISTS " : " ");
	ast_print_name(name, out);
}

static void print_create_like(const AstCreateRelation *relation, StrBuf *out)
{
	if (!relation->like.parts.count) return;
	strbuf_adds(out, " LIKE ");
	ast_print_name(&relation->like, out);
	if (!relation->like_options.count) return;
	strbuf_adds(out, " (");
	for (int i = 0; i < relation->like_options.count; i++) strbuf_printf(out, "%s%s", i ? " " : "", relation->like_options.at[i].text);
	strbuf_addc(out, ')');
}

static void print_create_relation(const AstCreateRelation *relation, StrBuf *out)
{
	print_create_head(relation->or_replace, relation->temporary, ast_relation_kind_text(relation->kind), relation->if_not_exists, &relation->name, out);
	print_definitions(relation, out);
	print_includes(&relation->includes, out);
	if (relation->append_only) strbuf_adds(out, " APPEND ONLY");
	print_comment(relation->comment, out);
	if (relation->partitioned_by.count) {
		strbuf_adds(out, " PARTITIONED BY");
		ast_print_columns(&relation->partitioned_by, out);
	}
	print_with_options(&relation->options, out);
	print_format(relation->format, out);
	print_create_like(relation, out);
	if (relation->cascade) strbuf_adds(out, " CASCADE");
	if (!relation->query) return;
	strbuf_adds(out, " AS ");
	ast_print_query(relation->query, out);
}

/* ---- CREATE VIEW, SINK, INDEX ---- */

static void print_create_view(const AstCreateView *view, StrBuf *out)
{
	print_create_head(view->or_replace, view->temporary, ast_relation_kind_text(view->kind), view->if_not_exists, &view->name, out);
	ast_print_columns(&view->columns, out);
	print_comment(view->comment, out);
	print_with_options(&view->options, out);
	strbuf_adds(out, " AS ");
	ast_print_query(view->query, out);
	if (view->cascade) strbuf_adds(out, " CASCADE");
}

static void print_create_sink(const AstCreateSink *sink, StrBuf *out)
{
	print_create_head(sink->or_replace, false, "SINK", sink->if_not_exists, &sink->name, out);
	if (sink->into.parts.count) {
		strbuf_adds(out, " INTO ");
		ast_print_name(&sink->into, out);
	}
	strbuf_adds(out, sink->query ? " AS " : " FROM ");
	if (sink->query) ast_print_query(sink->query, out);
	else ast_print_name(&sink->from, out);
	print_with_options(&sink->options, out);
	print_format(sink->format, out);
	if (sink->cascade) strbuf_adds(out, " CASCADE");
}

static void print_create_index(const AstCreateIndex *index, StrBuf *out)
{
	strbuf_printf(out, "CREATE %sINDEX%s ", index->unique ? "UNIQUE " : "", index->if_not_exists ? " IF NOT EXISTS" : "");
	if (index->name.parts.count) {
		ast_print_name(&index->name, out);
		strbuf_addc(out, ' ');
	}
	strbuf_adds(out, "ON ");
	ast_print_name(&index->relation, out);
	strbuf_adds(out, " (");
	ast_print_order(&index->terms, out);
	strbuf_addc(out, ')');
	if (index->include.count) strbuf_adds(out, " INCLUDE");
	ast_print_columns(&index->include, out);
	if (!index->where) return;
	strbuf_adds(out, " WHERE ");
	ast_print_expr(index->where, out);
}

/* ---- ALTER, DROP ---- */

static void print_action_name(const char *words, const AstIdent *name, const char *after, StrBuf *out)
{
	strbuf_adds(out, words);
	ast_print_ident(name->text, out);
	strbuf_adds(out, after);
}

static void print_option_names(const AstOptions *options, StrBuf *out)
{
	AstOptions names = {0};
	for (int i = 0; i < options->count; i++) {
		AstOption name = options->at[i];
		name.kind = AST_OPTION_NONE;
		vec_push(&names, name);
	}
	ast_print_options(&names, out);
	vec_release(&names);
}

static void print_action(const AstAlterAction *action, StrBuf *out)
{
	switch (action->kind) {
	case AST_ALTER_ADD_COLUMN:
		strbuf_adds(out, action->if_exists ? "ADD COLUMN IF NOT EXISTS " : "ADD COLUMN ");
		ast_print_column_def(&action->column, out);
		break;
	case AST_ALTER_ADD_CONSTRAINT: strbuf_adds(out, "ADD "); print_constraint(&action->constraint, out); break;
	case AST_ALTER_ADD_WATERMARK: strbuf_adds(out, "ADD "); print_watermark(&action->watermark, out); break;
	case AST_ALTER_DROP_WATERMARK: strbuf_adds(out, "DROP WATERMARK"); break;
	case AST_ALTER_DROP_COLUMN: print_action_name(action->if_exists ? "DROP COLUMN IF EXISTS " : "DROP COLUMN ", &action->name, "", out); break;
	case AST_ALTER_RENAME_COLUMN:
		print_action_name("RENAME COLUMN ", &action->name, " TO ", out);
		ast_print_ident(action->new_name.text, out);
		break;
	case AST_ALTER_RENAME_TO: print_action_name("RENAME TO ", &action->new_name, "", out); break;
	case AST_ALTER_COLUMN_TYPE:
		print_action_name("ALTER COLUMN ", &action->name, " TYPE ", out);
		ast_print_type(action->type, out);
		break;
	case AST_ALTER_SET_NOT_NULL: print_action_name("ALTER COLUMN ", &action->name, " SET NOT NULL", out); break;
	case AST_ALTER_DROP_NOT_NULL: print_action_name("ALTER COLUMN ", &action->name, " DROP NOT NULL", out); break;
	case AST_ALTER_SET_DEFAULT:
		print_action_name("ALTER COLUMN ", &action->name, " SET", out);
		print_default(action->column.default_value, out);
		break;
	case AST_ALTER_DROP_DEFAULT: print_action_name("ALTER COLUMN ", &action->name, " DROP DEFAULT", out); break;
	case AST_ALTER_SET_OPTIONS: strbuf_adds(out, "SET "); ast_print_options(&action->options, out); break;
	case AST_ALTER_RESET_OPTIONS: strbuf_adds(out, "RESET "); print_option_names(&action->options, out); break;
	case AST_ALTER_REBUILD: strbuf_adds(out, "REBUILD"); print_with_options(&action->options, out); break;
	}
}

static void print_alter(const AstAlter *alter, StrBuf *out)
{
	strbuf_printf(out, "ALTER %s%s ", ast_relation_kind_text(alter->kind), alter->if_exists ? " IF EXISTS" : "");
	ast_print_name(&alter->name, out);
	for (int i = 0; i < alter->actions.count; i++) {
		strbuf_adds(out, i ? ", " : " ");
		print_action(&alter->actions.at[i], out);
	}
	if (alter->cascade) strbuf_adds(out, " CASCADE");
}

static void print_drop(const AstDrop *drop, StrBuf *out)
{
	strbuf_printf(out, "DROP %s%s%s ", drop->temporary ? "TEMPORARY " : "", ast_relation_kind_text(drop->kind), drop->if_exists ? " IF EXISTS" : "");
	ast_print_names(&drop->names, out);
	if (drop->cascade) strbuf_adds(out, " CASCADE");
}

void ast_print_definition(const AstStatement *statement, StrBuf *out)
{
	switch (statement->kind) {
	case AST_STATEMENT_CREATE_RELATION: print_create_relation(statement->create_relation, out); break;
	case AST_STATEMENT_CREATE_VIEW: print_create_view(statement->create_view, out); break;
	case AST_STATEMENT_CREATE_SINK: print_create_sink(statement->create_sink, out); break;
	case AST_STATEMENT_CREATE_INDEX: print_create_index(statement->create_index, out); break;
	case AST_STATEMENT_ALTER: print_alter(statement->alter, out); break;
	case AST_STATEMENT_DROP: print_drop(statement->drop, out); break;
	default:
		strbuf_adds(out, "TRUNCATE TABLE ");
		ast_print_names(&statement->drop->names, out);
		break;
	}
}
