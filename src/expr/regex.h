/* Regular expressions: PCRE2 with its compiler for the machine, and a limit on backtracking, so that no pattern stops a
 * view (a match that exceeds it is NULL). One thread at a time. */
#ifndef WEIR_EXPR_REGEX_H
#define WEIR_EXPR_REGEX_H

#include <stdbool.h>
#include <stddef.h>

typedef struct Regex Regex;

typedef enum RegexFlags {
	REGEX_IGNORE_CASE = 1,
	REGEX_WHOLE = 2,          /* the whole text must match */
	REGEX_ALL = 4,            /* g: all occurrences */
	REGEX_LINES = 8,          /* n: ^ and $ at each line, . no line end */
	REGEX_BLANKS = 16,        /* x: blanks and comments in the pattern are nothing */
	REGEX_SIMILAR = 32,       /* the pattern is SIMILAR TO's */
} RegexFlags;

/* NULL: not a regular expression, and why in `message` (may be NULL) */
Regex *regex_make(const char *pattern, size_t bytes, unsigned flags, char *message, size_t message_bytes);
void regex_free(Regex *regex);

/* Letters of a flags argument ("gi"); false: an unknown one */
bool regex_flags_read(const char *at, size_t bytes, unsigned *flags);

typedef enum RegexResult { REGEX_NO, REGEX_YES, REGEX_GAVE_UP } RegexResult;
RegexResult regex_find(Regex *regex, const char *at, size_t bytes, size_t from);
/* Of the last REGEX_YES; false: there is no such group, or it took no part */
bool regex_group(const Regex *regex, int group, size_t *start, size_t *end);
int regex_group_count(const Regex *regex);                 /* without group 0 */

#endif
