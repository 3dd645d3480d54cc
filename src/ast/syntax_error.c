/* What a syntax error says: the token, what was expected where that is a short list, and forms of other systems that are known
 * but not supported. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ast/make.h"
#include "ast/parse.h"
#include "base/nearest.h"
#include "keywords.h"

enum { TOKEN_SHOWN_BYTES = 60, EXPECTED_SHOWN = 4 };

/* First words of statements that other systems have: CREATE x, or x alone. */
static const char *const UNSUPPORTED_CREATE[] = {
	"FUNCTION", "TRIGGER", "SCHEMA", "DATABASE", "CATALOG", "SECRET", "CONNECTION", "CONNECTOR", "TYPE", "USER", "ROLE", "SEQUENCE", "PROCEDURE",
	"EXTENSION", "VIRTUAL", "AGGREGATE", "CLUSTER", "SUBSCRIPTION", "MODEL", "PUBLICATION", "POLICY", "DOMAIN", "FOREIGN",
};
static const char *const UNSUPPORTED_STATEMENT[] = {
	"PRAGMA", "ATTACH", "DETACH", "VACUUM", "ANALYZE", "REINDEX", "GRANT", "REVOKE", "MERGE", "CALL", "COPY", "DECLARE", "LOAD", "UNLOAD", "ADD", "REMOVE",
	"PREPARE", "DEALLOCATE", "EXECUTE", "LISTEN", "NOTIFY", "LOCK", "COMMENT", "REFRESH", "CLUSTER", "DISCARD", "REASSIGN", "DO", "TERMINATE", "DEFINE",
	"UNDEFINE", "CANCEL", "KILL", "WAIT", "RECOVER", "FETCH", "COMPILE", "STOP", "RUN", "ASSERT",
};
#define COUNT_OF(array) ((int)(sizeof (array) / sizeof *(array)))

void parse_wrong(Parse *p, Span span, const char *format, ...)
{
	char message[ERROR_MESSAGE_BYTES];
	va_list args;
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	error_set(p->err, ERR_SYNTAX, span, "%s", message);
}

void parse_too_deep(Parse *p)
{
	Span span = {p->words.previous_end ? p->words.previous_end - 1 : 0, p->words.previous_end};
	if (p->err->code) return;
	error_set(p->err, ERR_TOO_COMPLEX, span, "the statement is nested too deeply: more than %d levels", AST_DEPTH_MAX);
	error_hint(p->err, "Split it into several views, or an expression into columns of a subquery.");
}

void ast_check_count(Parse *p, int count)
{
	if (count >= PARSE_LIST_MAX)
		error_set(p->err, ERR_TOO_COMPLEX, (Span){p->words.previous_end - 1, p->words.previous_end}, "a list has more than %d entries", PARSE_LIST_MAX);
}

void parse_bad_token(Parse *p, Token token)
{
	Span span = token_span(token);
	Lexer again = {.text = p->text, .at = token.start, .end = p->end};        /* the lexer is ahead and may have met another problem */
	lexer_next(&again);
	if (p->err->code) return;
	if (again.unterminated) span.end = span.start + 1;
	error_set(p->err, ERR_SYNTAX, span, "%s", again.problem);
	if (again.unterminated) error_hint(p->err, "It is open up to the end of the text: add what closes it.");
}

/* ---- what was expected ---- */

/* What may follow any expression says nothing about the place. */
static bool is_operator(int token)
{
	static const uint16_t OPERATORS[] = {
		TK_EQ, TK_OR, TK_AND, TK_NOT, TK_IS, TK_LIKE, TK_ILIKE, TK_GLOB, TK_REGEXP, TK_RLIKE, TK_MATCH, TK_SIMILAR, TK_TILDE, TK_TILDE_STAR, TK_NOT_TILDE,
		TK_NOT_TILDE_STAR, TK_BETWEEN, TK_IN, TK_ISNULL, TK_NOTNULL,
		TK_NE, TK_GT, TK_LE, TK_LT, TK_GE, TK_BITAND, TK_BITOR, TK_BITXOR, TK_LSHIFT, TK_RSHIFT, TK_PLUS, TK_MINUS, TK_STAR, TK_SLASH, TK_REM, TK_CONCAT,
		TK_ARROW, TK_ARROW_TEXT, TK_PATH, TK_PATH_TEXT, TK_COLLATE, TK_AT_TIME_ZONE, TK_AT_LOCAL, TK_DOUBLE_COLON, TK_LBRACKET, TK_DOT, TK_ESCAPE,
		TK_FILTER, TK_OVER, TK_WITHIN_GROUP, TK_IGNORE_NULLS, TK_RESPECT_NULLS, TK_OVERLAPS, TK_JSON_MEMBER, TK_JSON_CLAUSE, TK_JSON_ON,
	};
	for (size_t i = 0; i < sizeof OPERATORS / sizeof *OPERATORS; i++) if (OPERATORS[i] == token) return true;
	return false;
}

void parse_expect(ParseExpected *expected, int token)
{
	if (token == TK_ID) expected->name = true;
	else if (token == TK_CASE) expected->what = "an expression";
	else if (token == TK_INSERT) expected->what = "a statement";
	else if (token == TK_TRUE && !expected->what) expected->what = "a value";
	expected->operand |= token == TK_CONCAT;
	if (expected->count < EXPECTED_MAX) expected->tokens[expected->count] = (uint16_t)token;
	expected->count++;
}

static void drop_operators(ParseExpected *expected)
{
	int kept = 0;
	for (int i = 0; i < expected->count && i < EXPECTED_MAX; i++) if (!is_operator(expected->tokens[i])) expected->tokens[kept++] = expected->tokens[i];
	expected->count = kept;
}

/* How a token is called in a hint; false: nobody would know it */
static bool token_name(int token, char *name, size_t bytes)
{
	static const struct { uint16_t token; const char *name; } NAMES[] = {
		{TK_LP, "\"(\""}, {TK_RP, "\")\""}, {TK_COMMA, "\",\""}, {TK_EQ, "\"=\""}, {TK_RBRACKET, "\"]\""}, {TK_GT, "\">\""}, {TK_STRING, "a string"},
		{TK_INTEGER, "a whole number"}, {TK_ID, "a name"}, {TK_UNIT, "a unit of time"},
	};
	const char *text = keyword_text(token);
	for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) if (NAMES[i].token == token) text = NAMES[i].name;
	if (!text) return words_phrase(token, name, bytes);
	snprintf(name, bytes, "%s", text);
	return true;
}

static void hint_list(Parse *p, const ParseExpected *expected)
{
	char text[ERROR_HINT_BYTES] = "", name[64];
	size_t used = 0;
	for (int i = 0; i < expected->count; i++) {
		const char *separator = !i ? "" : i + 1 < expected->count ? ", " : " or ";
		if (!token_name(expected->tokens[i], name, sizeof name)) return;
		used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", separator, name);
	}
	if (used) error_hint(p->err, "Expected here: %s.", text);
}

static void hint_expected(Parse *p, int type, const ParseExpected *expected)
{
	const char *what = expected->what ? expected->what : expected->name ? "a name" : NULL;
	bool reserved = keyword_text(type) && keyword_class(type) == KEYWORD_RESERVED;
	if (what && (expected->count > EXPECTED_SHOWN || reserved)) {
		if (reserved) error_hint(p->err, "Expected here: %s; a name that is a word of SQL, like \"%s\", stands in double quotes.", what, keyword_text(type));
		else error_hint(p->err, "Expected here: %s.", what);
	} else if (expected->count <= EXPECTED_SHOWN) {
		hint_list(p, expected);
	}
}

/* ---- what stands there instead ---- */

static size_t shown_bytes(const Parse *p, Token token)
{
	size_t bytes = token.end - token.start;
	if (bytes <= TOKEN_SHOWN_BYTES) return bytes;
	bytes = TOKEN_SHOWN_BYTES;
	while (bytes && ((unsigned char)p->text[token.start + bytes] & 0xc0) == 0x80) bytes--;
	return bytes;
}

static bool word_is(const Parse *p, Token token, const char *const *words, int count, const char **found)
{
	for (int i = 0; i < count; i++) {
		*found = words[i];
		if (!token.quoted && token.end - token.start == strlen(words[i]) && !strncasecmp(p->text + token.start, words[i], strlen(words[i]))) return true;
	}
	return false;
}

/* The two first tokens of the statement, read again. */
static bool is_unsupported(Parse *p, int type, Token token)
{
	Lexer lexer = p->words.lexer;
	lexer.at = p->start;
	lexer.previous = 0;
	Token first = lexer_next(&lexer), second = lexer_next(&lexer);
	const char *word;
	if (type == TK_PIVOT || type == TK_UNPIVOT || type == TK_TABLESAMPLE || type == TK_MATCH_RECOGNIZE)
		return !error_set(p->err, ERR_UNSUPPORTED, token_span(token), "%s is not supported", keyword_text(type));
	if (first.type == TK_CREATE && token.start == second.start && word_is(p, second, UNSUPPORTED_CREATE, COUNT_OF(UNSUPPORTED_CREATE), &word))
		return !error_set(p->err, ERR_UNSUPPORTED, (Span){first.start, second.end}, "CREATE %s is not supported", word);
	if (token.start == first.start && word_is(p, first, UNSUPPORTED_STATEMENT, COUNT_OF(UNSUPPORTED_STATEMENT), &word))
		return !error_set(p->err, ERR_UNSUPPORTED, token_span(first), "%s is not supported", word);
	return false;
}

/* A keyword, or the first of several that make one token */
static void offer_word(Nearest *nearest, int token)
{
	char phrase[64];
	const char *text = keyword_text(token);
	if (!text && words_phrase(token, phrase, sizeof phrase)) {
		phrase[strcspn(phrase, " ")] = 0;
		text = keyword_text(keyword_token(phrase, strlen(phrase)));
	}
	if (text) nearest_offer(nearest, text);
}

/* A misspelt word: the nearest of the keywords that could stand here. */
static bool hint_nearest(Parse *p, Token token, const ParseExpected *expected)
{
	char word[32];
	size_t bytes = token.end - token.start;
	if (token.type != TK_ID || token.quoted || bytes >= sizeof word || bytes < 3) return false;
	memcpy(word, p->text + token.start, bytes);
	word[bytes] = 0;
	Nearest nearest;
	nearest_init(&nearest, word);
	for (int i = 0; i < expected->count && i < EXPECTED_MAX; i++) offer_word(&nearest, expected->tokens[i]);
	if (nearest.best) error_hint(p->err, "Did you mean %s?", nearest.best);
	return nearest.best != NULL;
}

void parse_syntax_error(Parse *p, int type, Token token, ParseExpected *expected)
{
	if (p->err->code) return;
	if (expected->operand) drop_operators(expected);
	if (is_unsupported(p, type, token)) return;
	if (!type) {
		error_set(p->err, ERR_SYNTAX, (Span){token.start, token.end}, "unexpected end of statement");
		hint_expected(p, type, expected);
		return;
	}
	size_t bytes = shown_bytes(p, token);
	bool cut = bytes < token.end - token.start;
	error_set(p->err, ERR_SYNTAX, token_span(token), "syntax error near \"%.*s%s\"", (int)bytes, p->text + token.start, cut ? "..." : "");
	if (!hint_nearest(p, token, expected)) hint_expected(p, type, expected);
}
