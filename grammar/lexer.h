/* Lexer: bytes to tokens. Skips blanks and comments, knows quotes and keywords (keywords.def), nothing of statements; which
 * words are keywords at the place where they stand is decided by the parser's driver (src/ast/words.c).
 *
 *     Lexer lexer = {.text = text, .at = start, .end = end};
 *     for (Token token; (token = lexer_next(&lexer)).type; ) ...
 */
#ifndef WEIR_GRAMMAR_LEXER_H
#define WEIR_GRAMMAR_LEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* text[start, end); type is a TK_ number of parser.h, 0 at the end, or TOKEN_BAD or TOKEN_HINT. A word that is a keyword has
 * the keyword's type, every other name TK_ID. */
typedef struct Token {
	uint32_t start, end;
	uint16_t type;
	bool quoted;                  /* TK_ID: "x", `x`, [x] */
} Token;

enum { TOKEN_BAD = 0xffff, TOKEN_HINT = 0xfffe };     /* TOKEN_HINT: a comment that starts with a plus sign */

typedef struct Lexer {
	const char *text;
	size_t at, end;
	const char *problem;          /* of the last TOKEN_BAD: "unterminated string" */
	bool unterminated;            /* a quote or comment was open at the end */
	uint16_t previous;            /* type of the last token: decides whether [ opens a subscript or a name */
	size_t previous_end;
} Lexer;

Token lexer_next(Lexer *lexer);

#endif
