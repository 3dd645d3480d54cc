/* Patterns of times: PostgreSQL's (to_char: YYYY-MM-DD HH24:MI:SS) and Java's (DATE_FORMAT: yyyy-MM-dd HH:mm:ss), read into
 * one list of fields that prints and parses. */
#ifndef WEIR_EXPR_TIME_PATTERN_H
#define WEIR_EXPR_TIME_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "expr/moment.h"

typedef enum PatternStyle { PATTERN_POSTGRES, PATTERN_JAVA } PatternStyle;

typedef struct TimePattern TimePattern;

/* NULL: a letter that has no meaning here (Java only; PostgreSQL takes it as text) */
TimePattern *time_pattern_read(const char *at, size_t bytes, PatternStyle style);
void time_pattern_free(TimePattern *pattern);

size_t time_pattern_room(const TimePattern *pattern);        /* bytes that printing needs at most */
int64_t time_pattern_unit_us(const TimePattern *pattern);    /* within so many microseconds the text is the same */
size_t time_pattern_print(const TimePattern *pattern, const Moment *moment, char *out);
/* PostgreSQL's is lenient about separators and what follows, Java's is not. false: does not fit, or no such time */
bool time_pattern_parse(const TimePattern *pattern, const char *at, size_t bytes, int64_t *us);

/* A pattern for to_char or to_timestamp that looks like Java's (HH:mm, yyyy-MM-dd): worth a warning */
bool time_pattern_looks_java(const char *at, size_t bytes);

#endif
