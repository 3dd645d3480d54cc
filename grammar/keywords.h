/* The keyword table, see keywords.def; implemented in src/ast/keywords.c. */
#ifndef WEIR_GRAMMAR_KEYWORDS_H
#define WEIR_GRAMMAR_KEYWORDS_H

#include <stdbool.h>
#include <stddef.h>

typedef enum KeywordClass { KEYWORD_RESERVED, KEYWORD_QUOTED, KEYWORD_PLAIN } KeywordClass;

int keyword_token(const char *word, size_t bytes);        /* TK_ number, case-insensitive; 0: no keyword */
const char *keyword_text(int token);                      /* "SELECT"; NULL: no keyword's number */
KeywordClass keyword_class(int token);                    /* of a keyword's token */
bool keyword_is_call(const char *name);                   /* current_timestamp and the like: called without parentheses */
bool keyword_is_name(int token);                          /* a keyword's token that may be a name; false for all else */

#endif
