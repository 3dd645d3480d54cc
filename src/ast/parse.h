/* From text to AST: the driver of the lexer (grammar/lexer.re) and the parser (grammar/parser.y).
 *
 *     AstScript script = {0};
 *     if (!parse_script(text, bytes, &arena, &script, &err)) ...      // err.span points into text
 *
 * Shells and scripts that run statement by statement split first and parse one by one, so that an error in the tenth does
 * not keep the first nine from running:
 *
 *     size_t offset = 0, start, end;
 *     while (parse_next_statement(text, bytes, &offset, &start, &end))
 *             AstStatement *statement = parse_statement(text, start, end, &arena, &err);
 *
 * The text needs no NUL at its end. Nothing recurses: depth, length and counts are limited (ERR_TOO_COMPLEX), so any bytes may
 * be given. Thread-safe: no globals but const tables.
 */
#ifndef WEIR_AST_PARSE_H
#define WEIR_AST_PARSE_H

#include "ast/ast.h"

enum {
	PARSE_SCRIPT_BYTES_MAX = 1 << 30,
	PARSE_STATEMENT_BYTES_MAX = 256 << 20,
	PARSE_LIST_MAX = 1 << 20,         /* expressions in a list, columns, options; rows of VALUES are bounded by the length */
};

/* All statements of a text; empty ones between semicolons are left out. False: err, and out holds those before. */
bool parse_script(const char *text, size_t bytes, Arena *arena, AstScript *out, Error *err);

/* The statement in text[start, end), without semicolon; spans count from text, not from start. NULL: err (also when there is
 * nothing but blanks and comments, or more than one statement). */
AstStatement *parse_statement(const char *text, size_t start, size_t end, Arena *arena, Error *err);

/* An expression alone: option values, tests. */
AstExpr *parse_expr(const char *text, size_t bytes, Arena *arena, Error *err);

/* The next statement from *offset on: text[*start, *end) without blanks, comments and semicolon around; *offset moves behind
 * the semicolon. False: nothing but blanks and comments is left. A last statement without semicolon counts. */
bool parse_next_statement(const char *text, size_t bytes, size_t *offset, size_t *start, size_t *end);

/* Whether every statement in the text is ended by a semicolon outside of quotes and comments (then a shell runs it, else it
 * reads another line). Blank text is complete. */
bool parse_is_complete(const char *text, size_t bytes);

/* ---- keywords: grammar/keywords.def, for completion and for quoting ---- */
int parse_keyword_count(void);
const char *parse_keyword(int index);                     /* upper case, sorted */
/* Whether a name must be quoted to be read back as a name wherever one may stand. */
bool parse_name_needs_quotes(const char *name);

#endif
