/* The driver: feeds tokens to the parser, splits scripts. See parse.h. */
#include "ast/parse.h"

#include <string.h>

#include "ast/make.h"
#include "type/text.h"

void *SqlParserAlloc(void *(*allocate)(size_t));
void SqlParserFree(void *parser, void (*release)(void *));
void SqlParserInit(void *parser);
void SqlParserFinalize(void *parser);
void SqlParser(void *parser, int type, Token token, Parse *p);

static void parse_begin(Parse *p, void *parser, const char *text, size_t start, size_t end, Arena *arena, Error *err)
{
	*p = (Parse){.text = text, .start = start, .end = end, .arena = arena, .err = err, .words.lexer = {.text = text, .at = start, .end = end}};
	SqlParserInit(parser);
}

/* Up to and with the end or a semicolon. True: one sentence was read without error. */
static bool parse_sentence(Parse *p, void *parser, int first)
{
	if (first) SqlParser(parser, first, AST_NO_TOKEN, p);
	for (;;) {
		Token token = words_next(p);
		if (token.type == TOKEN_BAD) parse_bad_token(p, token);
		if (p->err->code) return false;
		if (token.type == TK_SEMICOLON) token.type = 0;
		SqlParser(parser, token.type, token, p);
		if (p->err->code) return false;
		if (!token.type) return true;
	}
}

/* Which line is broken is near enough. */
static bool check_bytes(const char *text, size_t start, size_t end, Error *err)
{
	const char *zero = memchr(text + start, 0, end - start);
	if (zero) {
		uint32_t at = (uint32_t)(zero - text);
		return error_set(err, ERR_SYNTAX, (Span){at, at + 1}, "the text holds a byte 0");
	}
	if (utf8_is_valid(text + start, end - start)) return true;
	for (size_t line = start; line < end; ) {
		const char *next = memchr(text + line, '\n', end - line);
		size_t line_end = next ? (size_t)(next - text) : end;
		if (!utf8_is_valid(text + line, line_end - line))
			return error_set(err, ERR_SYNTAX, (Span){(uint32_t)line, (uint32_t)line_end}, "the text is not UTF-8");
		line = line_end + 1;
	}
	return error_set(err, ERR_SYNTAX, (Span){(uint32_t)start, (uint32_t)end}, "the text is not UTF-8");
}

static bool check_text(const char *text, size_t start, size_t end, Error *err)
{
	if (end > PARSE_SCRIPT_BYTES_MAX)
		return error_set(err, ERR_TOO_COMPLEX, SPAN_NONE, "the text is longer than %d bytes", PARSE_SCRIPT_BYTES_MAX);
	if (end - start > PARSE_STATEMENT_BYTES_MAX)
		return error_set(err, ERR_TOO_COMPLEX, (Span){(uint32_t)start, (uint32_t)start + 1}, "the statement is longer than %d bytes", PARSE_STATEMENT_BYTES_MAX);
	return check_bytes(text, start, end, err);
}

/* An inner statement (EXPLAIN's) was given its start; it ends with the outer one. */
static void finish_statement(Parse *p, AstStatement *statement, size_t start, size_t end)
{
	statement->span = (Span){(uint32_t)start, (uint32_t)end};
	statement->text = arena_strndup(p->arena, p->text + start, end - start);
	statement->parameter_count = p->parameters.count;
	statement->parameters = p->parameters;
	if (statement->kind == AST_STATEMENT_EXPLAIN && statement->explain->statement)
		finish_statement(p, statement->explain->statement, statement->explain->statement->span.start, end);
}

static AstStatement *parse_one(void *parser, const char *text, size_t start, size_t end, Arena *arena, Error *err)
{
	Parse p;
	if (!check_text(text, start, end, err)) return NULL;
	parse_begin(&p, parser, text, start, end, arena, err);
	bool read = parse_sentence(&p, parser, 0);
	SqlParserFinalize(parser);
	if (!read) return NULL;
	ast_collect_hints(&p, p.statement);
	finish_statement(&p, p.statement, start, end);
	return p.statement;
}

AstStatement *parse_statement(const char *text, size_t start, size_t end, Arena *arena, Error *err)
{
	size_t offset = start, first = start, last = end, second, second_end;
	if (!parse_next_statement(text, end, &offset, &first, &last)) first = last = end;
	if (parse_next_statement(text, end, &offset, &second, &second_end)) {
		error_set(err, ERR_SYNTAX, (Span){(uint32_t)second, (uint32_t)second_end}, "more than one statement");
		return NULL;
	}
	void *parser = SqlParserAlloc(mem_alloc);
	AstStatement *statement = parse_one(parser, text, first, last, arena, err);
	SqlParserFree(parser, free);
	return statement;
}

bool parse_script(const char *text, size_t bytes, Arena *arena, AstScript *out, Error *err)
{
	size_t offset = 0, start, end;
	void *parser = SqlParserAlloc(mem_alloc);
	bool fine = true;
	while (fine && parse_next_statement(text, bytes, &offset, &start, &end)) {
		AstStatement *statement = parse_one(parser, text, start, end, arena, err);
		fine = statement != NULL;
		if (fine) vec_push_in(arena, out, statement);
	}
	SqlParserFree(parser, free);
	return fine;
}

AstExpr *parse_expr(const char *text, size_t bytes, Arena *arena, Error *err)
{
	Parse p;
	if (!check_text(text, 0, bytes, err)) return NULL;
	void *parser = SqlParserAlloc(mem_alloc);
	parse_begin(&p, parser, text, 0, bytes, arena, err);
	p.words.statement = TK_EXPR_ALONE;
	bool read = parse_sentence(&p, parser, TK_EXPR_ALONE);
	SqlParserFinalize(parser);
	SqlParserFree(parser, free);
	return read ? p.expr : NULL;
}

/* ---- splitting ---- */

/* Flink's EXECUTE STATEMENT SET BEGIN stands before statements with semicolons of their own: it is one by itself. */
static bool opens_statement_set(const uint16_t *types, int count)
{
	return count == 4 && types[0] == TK_EXECUTE && types[1] == TK_STATEMENT && types[2] == TK_SET && types[3] == TK_BEGIN;
}

bool parse_next_statement(const char *text, size_t bytes, size_t *offset, size_t *start, size_t *end)
{
	Lexer lexer = {.text = text, .at = *offset, .end = bytes};
	uint16_t types[4];
	int count = 0;
	for (;;) {
		Token token = lexer_next(&lexer);
		if (!token.type || token.type == TK_SEMICOLON) {
			*offset = token.end;
			if (count || !token.type) return count > 0;
			continue;
		}
		if (!count) *start = token.start;
		*end = token.end;
		if (token.type == TOKEN_HINT && !count) continue;
		if (count < 4) types[count] = token.type;
		count++;
		*offset = token.end;
		if (opens_statement_set(types, count)) return true;
	}
}

bool parse_is_complete(const char *text, size_t bytes)
{
	Lexer lexer = {.text = text, .end = bytes};
	bool open = false;
	uint16_t types[4];
	int count = 0;
	for (Token token; (token = lexer_next(&lexer)).type; ) {
		if (token.type == TOKEN_HINT) continue;
		open = token.type != TK_SEMICOLON;
		if (!open) { count = 0; continue; }
		if (count < 4) types[count] = token.type;
		if (opens_statement_set(types, ++count)) { open = false; count = 0; }
	}
	return !open && !lexer.unterminated;
}
