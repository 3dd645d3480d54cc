/* Names, options and types as SQL, and the words of the enums. See print.h. */
#include "ast/parse.h"
#include "ast/print.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "keywords.h"
#include "parser.h"

static const char *const OP_TEXTS[AST_OP_COUNT] = {
	[AST_OP_NONE] = "",
	[AST_OP_NOT] = "NOT", [AST_OP_MINUS] = "-", [AST_OP_PLUS] = "+", [AST_OP_BIT_NOT] = "~",
	[AST_OP_EQ] = "=", [AST_OP_NE] = "<>", [AST_OP_LT] = "<", [AST_OP_LE] = "<=", [AST_OP_GT] = ">", [AST_OP_GE] = ">=",
	[AST_OP_IS] = "IS", [AST_OP_IS_NOT] = "IS NOT",
	[AST_OP_BIT_AND] = "&", [AST_OP_BIT_OR] = "|", [AST_OP_BIT_XOR] = "#", [AST_OP_SHIFT_LEFT] = "<<", [AST_OP_SHIFT_RIGHT] = ">>",
	[AST_OP_ADD] = "+", [AST_OP_SUBTRACT] = "-", [AST_OP_MULTIPLY] = "*", [AST_OP_DIVIDE] = "/", [AST_OP_MODULO] = "%",
	[AST_OP_CONCAT] = "||", [AST_OP_ARROW] = "->", [AST_OP_ARROW_TEXT] = "->>", [AST_OP_PATH] = "#>", [AST_OP_PATH_TEXT] = "#>>",
	[AST_OP_LIKE] = "LIKE", [AST_OP_ILIKE] = "ILIKE", [AST_OP_GLOB] = "GLOB", [AST_OP_REGEXP] = "REGEXP", [AST_OP_MATCH] = "MATCH",
	[AST_OP_SIMILAR] = "SIMILAR TO",
};

static const char *const RELATION_KIND_TEXTS[AST_KIND_COUNT] = {
	[AST_KIND_NOT_SAID] = "", [AST_KIND_STREAM] = "STREAM", [AST_KIND_SOURCE] = "SOURCE", [AST_KIND_TABLE] = "TABLE", [AST_KIND_VIEW] = "VIEW",
	[AST_KIND_MATERIALIZED_VIEW] = "MATERIALIZED VIEW", [AST_KIND_SINK] = "SINK", [AST_KIND_INDEX] = "INDEX",
};

static const char *const STATEMENT_KIND_TEXTS[AST_STATEMENT_KIND_COUNT] = {
	[AST_STATEMENT_QUERY] = "SELECT", [AST_STATEMENT_CREATE_RELATION] = "CREATE", [AST_STATEMENT_CREATE_VIEW] = "CREATE VIEW",
	[AST_STATEMENT_CREATE_SINK] = "CREATE SINK", [AST_STATEMENT_CREATE_INDEX] = "CREATE INDEX", [AST_STATEMENT_ALTER] = "ALTER",
	[AST_STATEMENT_DROP] = "DROP", [AST_STATEMENT_TRUNCATE] = "TRUNCATE", [AST_STATEMENT_INSERT] = "INSERT", [AST_STATEMENT_UPDATE] = "UPDATE",
	[AST_STATEMENT_DELETE] = "DELETE", [AST_STATEMENT_PAUSE] = "PAUSE", [AST_STATEMENT_RESUME] = "RESUME", [AST_STATEMENT_SHOW] = "SHOW",
	[AST_STATEMENT_DESCRIBE] = "DESCRIBE", [AST_STATEMENT_EXPLAIN] = "EXPLAIN", [AST_STATEMENT_SET] = "SET", [AST_STATEMENT_RESET] = "RESET",
	[AST_STATEMENT_TRANSACTION] = "TRANSACTION", [AST_STATEMENT_FLUSH] = "FLUSH", [AST_STATEMENT_CHECKPOINT] = "CHECKPOINT",
	[AST_STATEMENT_CLOSE] = "CLOSE", [AST_STATEMENT_SUBSCRIBE] = "SUBSCRIBE", [AST_STATEMENT_PRINT] = "PRINT", [AST_STATEMENT_PEEK] = "PEEK",
	[AST_STATEMENT_USE] = "USE",
};

const char *ast_op_text(AstOp op) { return OP_TEXTS[op]; }
const char *ast_relation_kind_text(AstRelationKind kind) { return RELATION_KIND_TEXTS[kind]; }
const char *ast_statement_kind_text(AstStatementKind kind) { return STATEMENT_KIND_TEXTS[kind]; }

/* ---- names ---- */

void ast_print_ident(const char *name, StrBuf *out)
{
	if (parse_name_needs_quotes(name)) strbuf_add_sql_ident(out, name);
	else strbuf_adds(out, name);
}

void ast_print_idents(const AstIdents *idents, StrBuf *out)
{
	for (int i = 0; i < idents->count; i++) {
		if (i) strbuf_adds(out, ", ");
		ast_print_ident(idents->at[i].text, out);
	}
}

void ast_print_columns(const AstIdents *columns, StrBuf *out)
{
	if (!columns->count) return;
	strbuf_adds(out, " (");
	ast_print_idents(columns, out);
	strbuf_addc(out, ')');
}

void ast_print_name(const AstName *name, StrBuf *out)
{
	for (int i = 0; i < name->parts.count; i++) {
		if (i) strbuf_addc(out, '.');
		ast_print_ident(name->parts.at[i].text, out);
	}
}

void ast_print_names(const AstNames *names, StrBuf *out)
{
	for (int i = 0; i < names->count; i++) {
		if (i) strbuf_adds(out, ", ");
		ast_print_name(&names->at[i], out);
	}
}

/* ---- options ---- */

static void print_string(const char *text, StrBuf *out) { strbuf_add_sql_string(out, text, strlen(text)); }

/* a.b.c may stand bare if each part may */
static bool is_bare(const char *name)
{
	char part[64];
	for (;;) {
		size_t bytes = strcspn(name, ".");
		if (bytes >= sizeof part) return false;
		memcpy(part, name, bytes);
		part[bytes] = 0;
		if (parse_name_needs_quotes(part)) return false;
		if (!name[bytes]) return true;
		name += bytes + 1;
	}
}

static void print_option_name(const char *name, StrBuf *out)
{
	if (is_bare(name)) strbuf_adds(out, name);
	else print_string(name, out);
}

static void print_option_value(const AstOption *option, StrBuf *out)
{
	switch (option->kind) {
	case AST_OPTION_STRING: print_string(option->value, out); break;
	case AST_OPTION_NUMBER: strbuf_adds(out, option->value); break;
	case AST_OPTION_BOOLEAN: strbuf_adds(out, *option->value == 't' ? "TRUE" : "FALSE"); break;
	case AST_OPTION_PARAMETER: strbuf_printf(out, ":%s", option->value); break;
	case AST_OPTION_NULL: strbuf_adds(out, "NULL"); break;
	case AST_OPTION_NONE: break;
	case AST_OPTION_INTERVAL:
		strbuf_adds(out, "INTERVAL ");
		print_string(option->value, out);
		if (option->unit) strbuf_printf(out, " %s", option->unit);
		break;
	case AST_OPTION_WORD:
		if (is_bare(option->value) || !strcasecmp(option->value, "on")) strbuf_adds(out, option->value);
		else ast_print_ident(option->value, out);
		break;
	}
}

void ast_print_option(const AstOption *option, StrBuf *out)
{
	print_option_name(option->name, out);
	if (option->kind == AST_OPTION_NONE) return;
	strbuf_adds(out, " = ");
	print_option_value(option, out);
}

void ast_print_options(const AstOptions *options, StrBuf *out)
{
	strbuf_addc(out, '(');
	for (int i = 0; i < options->count; i++) {
		if (i) strbuf_adds(out, ", ");
		ast_print_option(&options->at[i], out);
	}
	strbuf_addc(out, ')');
}

/* ---- types ---- */

/* Whether the words of a type read as a type again; else they stand in quotes, as one. */
static bool type_reads_bare(const char *name)
{
	bool fine = *name != ' ';
	for (const char *at = name; *at; at++) fine &= isalnum((unsigned char)*at) || *at == '_' || (*at == ' ' && at[1] && at[1] != ' ');
	for (const char *at = name; fine && *at; at += strspn(at, " ")) {
		size_t bytes = strcspn(at, " ");
		int token = keyword_token(at, bytes);
		fine = !token || token == TK_INTERVAL || keyword_class(token) == KEYWORD_PLAIN;
		at += bytes;
	}
	return fine;
}

/* Words in capitals, parameters before the zone: TIMESTAMP(3) WITH TIME ZONE */
static void print_plain_type(const AstTypeName *type, StrBuf *out)
{
	static const char *const ZONES[] = {" with time zone", " without time zone", " with local time zone", " without local time zone"};
	size_t bytes = strlen(type->name), head = bytes;
	for (size_t i = 0; i < sizeof ZONES / sizeof *ZONES; i++) {
		size_t zone = strlen(ZONES[i]);
		if (bytes > zone && !strcmp(type->name + bytes - zone, ZONES[i])) head = bytes - zone;
	}
	StrBuf words = STRBUF_INIT;
	strbuf_add(&words, type->name, head);
	if (!type_reads_bare(words.text)) strbuf_add_sql_ident(out, words.text);
	else for (size_t i = 0; i < head; i++) strbuf_addc(out, (char)toupper((unsigned char)words.text[i]));
	strbuf_release(&words);
	if (type->parameters[0] >= 0) {
		strbuf_printf(out, "(%d", type->parameters[0]);
		if (type->parameters[1] >= 0) strbuf_printf(out, ",%d", type->parameters[1]);
		strbuf_addc(out, ')');
	}
	for (const char *at = type->name + head; *at; at++) strbuf_addc(out, (char)toupper((unsigned char)*at));
}

static void print_row_type(const AstTypeName *type, StrBuf *out)
{
	strbuf_adds(out, "ROW<");
	for (int i = 0; i < type->fields.count; i++) {
		const AstTypeField *field = &type->fields.at[i];
		if (i) strbuf_adds(out, ", ");
		ast_print_ident(field->name.text, out);
		strbuf_addc(out, ' ');
		ast_print_type(field->type, out);
		if (field->not_null) strbuf_adds(out, " NOT NULL");
	}
	strbuf_addc(out, '>');
}

void ast_print_type(const AstTypeName *type, StrBuf *out)
{
	switch (type->kind) {
	case AST_TYPE_PLAIN: print_plain_type(type, out); break;
	case AST_TYPE_ROW: print_row_type(type, out); break;
	case AST_TYPE_ARRAY:
		ast_print_type(type->element, out);
		strbuf_adds(out, "[]");
		break;
	case AST_TYPE_MAP:
		strbuf_adds(out, "MAP<");
		ast_print_type(type->key, out);
		strbuf_adds(out, ", ");
		ast_print_type(type->element, out);
		strbuf_addc(out, '>');
		break;
	}
}
