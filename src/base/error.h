/* Error: what a failing statement or environment says; filled once where it happens, printed only at the edge.
 *
 * Functions that can fail return bool or NULL and take `Error *err` last. Three worlds, never mixed: a bug asserts; a
 * wrong statement or a failing environment is an Error; a bad input row is data (a NULL, a late row, a dead letter).
 * Texts: lower case, no full stop, kind of object and "quoted name", cause after the colon; "cannot" is never,
 * "could not" is this time; the hint is a sentence with an action.
 *
 *     return error_set(err, ERR_UNDEFINED_COLUMN, span, "column \"%s\" does not exist", name);      // is false
 */
#ifndef WEIR_BASE_ERROR_H
#define WEIR_BASE_ERROR_H

#include <stdbool.h>
#include <stdint.h>

/* Byte offsets into the statement's text; end is exclusive. {0,0} means: no place known. */
typedef struct Span { uint32_t start, end; } Span;

#define SPAN_NONE ((Span){0, 0})

/* The codes in use: error.def has one row (name, SQLSTATE, class) each. */
typedef enum ErrorCode {
	ERR_NONE = 0,
#define ERROR_CODE(name, sqlstate, kind, meaning) ERR_##name,
#include "base/error.def"
#undef ERROR_CODE
	ERR_COUNT
} ErrorCode;

typedef enum ErrorClass { ERROR_CLASS_SQL = 1, ERROR_CLASS_USAGE = 2, ERROR_CLASS_ENVIRONMENT = 3 } ErrorClass; /* = exit code */

enum { ERROR_MESSAGE_BYTES = 1024, ERROR_DETAIL_BYTES = 512, ERROR_HINT_BYTES = 512 };

/* Plain data, no ownership: may be copied and left without release. */
typedef struct Error {
	ErrorCode code;
	Span span;
	bool retryable;
	char message[ERROR_MESSAGE_BYTES];
	char detail[ERROR_DETAIL_BYTES];
	char hint[ERROR_HINT_BYTES];
} Error;

#define ERROR_INIT ((Error){.code = ERR_NONE})

/* All return false, so that they may stand behind `return`. A second error does not replace the first. */
bool error_set(Error *err, ErrorCode code, Span span, const char *format, ...) __attribute__((format(printf, 4, 5)));
bool error_hint(Error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool error_detail(Error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

void error_clear(Error *err);
const char *error_sqlstate(ErrorCode code);       /* five characters */
ErrorClass error_class(ErrorCode code);

#endif
