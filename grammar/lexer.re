/* The lexer: see lexer.h. Operators, numbers and words are rules for re2c; what has a body (strings, comments, quoted names)
 * is scanned by hand, because its end is found faster so and its errors are told better. */
#include "lexer.h"

#include <string.h>

#include "keywords.h"
#include "parser.h"

static Token token_make(Lexer *lexer, size_t start, int type)
{
	return (Token){.start = (uint32_t)start, .end = (uint32_t)lexer->at, .type = (uint16_t)type};
}

static Token token_bad(Lexer *lexer, size_t start, const char *problem)
{
	lexer->problem = problem;
	return token_make(lexer, start, TOKEN_BAD);
}

static Token token_unterminated(Lexer *lexer, size_t start, const char *problem)
{
	lexer->at = lexer->end;
	lexer->unterminated = true;
	return token_bad(lexer, start, problem);
}

/* lexer->at stands behind the opening quote; a doubled closing quote is one of it, and so is one behind escape (0: none). */
static Token scan_quoted(Lexer *lexer, size_t start, char quote, char escape, int type, const char *problem)
{
	const char *text = lexer->text;
	for (size_t at = lexer->at; at < lexer->end; at++) {
		if (escape && text[at] == escape) {
			at++;
		} else if (text[at] == quote) {
			if (at + 1 < lexer->end && text[at + 1] == quote && quote != ']') { at++; continue; }
			lexer->at = at + 1;
			Token token = token_make(lexer, start, type);
			token.quoted = type == TK_ID;
			return token;
		}
	}
	return token_unterminated(lexer, start, problem);
}

static Token scan_comment(Lexer *lexer, size_t start)
{
	const char *close = memmem(lexer->text + lexer->at, lexer->end - lexer->at, "*/", 2);
	if (!close) return token_unterminated(lexer, start, "unterminated comment");
	lexer->at = (size_t)(close - lexer->text) + 2;
	return token_make(lexer, start, lexer->text[start + 2] == '+' ? TOKEN_HINT : 0);
}

/* PostgreSQL's $tag$ ... $tag$; lexer->at stands behind the opening tag */
static Token scan_dollar(Lexer *lexer, size_t start)
{
	size_t tag_bytes = lexer->at - start;
	const char *close = memmem(lexer->text + lexer->at, lexer->end - lexer->at, lexer->text + start, tag_bytes);
	if (!close) return token_unterminated(lexer, start, "unterminated string");
	lexer->at = (size_t)(close - lexer->text) + tag_bytes;
	return token_make(lexer, start, TK_STRING);
}

static Token scan_blob(Lexer *lexer, size_t start)
{
	Token token = scan_quoted(lexer, start, '\'', 0, TK_BLOB, "unterminated blob");
	size_t digits = token.end - token.start - 3;
	if (token.type == TOKEN_BAD) return token;
	for (size_t at = start + 2; at + 1 < token.end; at++)
		if (!memchr("0123456789abcdefABCDEF", lexer->text[at], 22)) return token_bad(lexer, start, "a blob holds pairs of hexadecimal digits");
	return digits % 2 ? token_bad(lexer, start, "a blob holds pairs of hexadecimal digits") : token;
}

static Token scan_word(Lexer *lexer, size_t start)
{
	int type = keyword_token(lexer->text + start, lexer->at - start);
	return token_make(lexer, start, type ? type : TK_ID);
}

/* a[1] is a subscript, AS [x] and FROM [x] are names: what stands before decides, and behind a keyword that may be a name
 * also whether a blank stands between. */
static bool opens_subscript(const Lexer *lexer, size_t start)
{
	switch (lexer->previous) {
	case TK_ID: case TK_RP: case TK_RBRACKET: case TK_PARAM: case TK_STRING: case TK_LBRACKET: case TK_ARRAY: case TK_MAP:
		return true;
	case 0:
		return false;
	default:
		return lexer->previous_end == start && keyword_is_name(lexer->previous);
	}
}

static Token scan_bracket(Lexer *lexer, size_t start)
{
	bool empty = lexer->at < lexer->end && lexer->text[lexer->at] == ']';      /* INT[] */
	if (empty || opens_subscript(lexer, start)) return token_make(lexer, start, TK_LBRACKET);
	return scan_quoted(lexer, start, ']', 0, TK_ID, "unterminated quoted name");
}

#define YYCTYPE unsigned char
#define YYPEEK() (at < lexer->end ? (YYCTYPE)lexer->text[at] : 0)
#define YYSKIP() (at++)
#define YYBACKUP() (marker = at)
#define YYRESTORE() (at = marker)

/*!re2c
	re2c:api = custom;
	re2c:define:YYCTYPE = "unsigned char";
	re2c:yyfill:enable = 0;

	blank    = [ \t\r\n\f\v];
	letter   = [A-Za-z_\x80-\xff];
	digit    = [0-9];
	word     = letter (letter | digit | "$")*;
	plain    = letter (letter | digit)*;
	exponent = [eE] [+-]? digit+;
	simple   = "0" [xX] [0-9a-fA-F]+ | digit+;
	decimal  = digit+ "." digit* | "." digit+;
*/

/* One token, or type 0 with lexer->at moved on for blanks and comments. */
static Token scan(Lexer *lexer)
{
	size_t start = lexer->at, at = start, marker = start;
#define TOKEN(type_) do { lexer->at = at; return token_make(lexer, start, type_); } while (0)
#define BODY(call_) do { lexer->at = at; return call_; } while (0)
	/*!re2c
	blank+               { TOKEN(0); }
	"--" [^\n\x00]*      { TOKEN(0); }
	"/*"                 { BODY(scan_comment(lexer, start)); }

	"'"                  { BODY(scan_quoted(lexer, start, '\'', 0, TK_STRING, "unterminated string")); }
	[eE] "'"             { BODY(scan_quoted(lexer, start, '\'', '\\', TK_STRING, "unterminated string")); }
	[xX] "'"             { BODY(scan_blob(lexer, start)); }
	"$" plain? "$"       { BODY(scan_dollar(lexer, start)); }
	"\""                 { BODY(scan_quoted(lexer, start, '"', 0, TK_ID, "unterminated quoted name")); }
	"`"                  { BODY(scan_quoted(lexer, start, '`', 0, TK_ID, "unterminated quoted name")); }
	"["                  { BODY(scan_bracket(lexer, start)); }
	"]"                  { TOKEN(TK_RBRACKET); }

	simple               { TOKEN(TK_INTEGER); }
	decimal              { TOKEN(TK_DECIMAL); }
	(digit+ | decimal) exponent  { TOKEN(TK_REAL); }
	(simple | decimal | (digit+ | decimal) exponent) letter (letter | digit)*
	                     { BODY(token_bad(lexer, start, "a letter in a number")); }
	word                 { BODY(scan_word(lexer, start)); }
	"?" digit*           { TOKEN(TK_PARAM); }
	[:@$] plain          { TOKEN(TK_PARAM); }
	"$" digit+           { TOKEN(TK_PARAM); }

	"->"  { TOKEN(TK_ARROW); }      "->>" { TOKEN(TK_ARROW_TEXT); }
	"#>"  { TOKEN(TK_PATH); }       "#>>" { TOKEN(TK_PATH_TEXT); }
	"||"  { TOKEN(TK_CONCAT); }     "::"  { TOKEN(TK_DOUBLE_COLON); }
	":="  { TOKEN(TK_NAMED); }      "=>"  { TOKEN(TK_NAMED); }
	"="   { TOKEN(TK_EQ); }         "=="  { TOKEN(TK_EQ); }
	"<>"  { TOKEN(TK_NE); }         "!="  { TOKEN(TK_NE); }
	"<="  { TOKEN(TK_LE); }         ">="  { TOKEN(TK_GE); }
	"<<"  { TOKEN(TK_LSHIFT); }     ">>"  { TOKEN(TK_RSHIFT); }
	"<"   { TOKEN(TK_LT); }         ">"   { TOKEN(TK_GT); }
	"&"   { TOKEN(TK_BITAND); }     "|"   { TOKEN(TK_BITOR); }      "#"   { TOKEN(TK_BITXOR); }
	"~*"  { TOKEN(TK_TILDE_STAR); } "!~"  { TOKEN(TK_NOT_TILDE); }   "!~*" { TOKEN(TK_NOT_TILDE_STAR); }
	"~"   { TOKEN(TK_BITNOT); }     "+"   { TOKEN(TK_PLUS); }
	"-"   { TOKEN(TK_MINUS); }      "*"   { TOKEN(TK_STAR); }
	"/"   { TOKEN(TK_SLASH); }      "%"   { TOKEN(TK_REM); }
	"("   { TOKEN(TK_LP); }         ")"   { TOKEN(TK_RP); }
	","   { TOKEN(TK_COMMA); }      "."   { TOKEN(TK_DOT); }
	";"   { TOKEN(TK_SEMICOLON); }       ":"   { TOKEN(TK_COLON); }
	*                    { lexer->at = start + 1; return token_bad(lexer, start, "unexpected character"); }
	*/
#undef TOKEN
#undef BODY
}

Token lexer_next(Lexer *lexer)
{
	Token token;
	if (!lexer->at && lexer->end >= 3 && !memcmp(lexer->text, "\xef\xbb\xbf", 3)) lexer->at = 3;       /* byte order mark */
	do {
		if (lexer->at >= lexer->end) return (Token){.start = (uint32_t)lexer->end, .end = (uint32_t)lexer->end};
		token = scan(lexer);
	} while (!token.type);
	lexer->previous = token.type;
	lexer->previous_end = token.end;
	return token;
}
