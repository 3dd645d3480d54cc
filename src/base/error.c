#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

static const struct { const char *sqlstate; ErrorClass kind; } ERROR_CODES[ERR_COUNT] = {
	[ERR_NONE] = {"00000", ERROR_CLASS_SQL},
#define ERROR_CODE(name, sqlstate, kind, meaning) [ERR_##name] = {sqlstate, ERROR_CLASS_##kind},
#include "base/error.def"
#undef ERROR_CODE
};

bool error_set(Error *err, ErrorCode code, Span span, const char *format, ...)
{
	if (err->code != ERR_NONE) return false;
	err->code = code;
	err->span = span;
	err->detail[0] = err->hint[0] = 0;
	va_list args;
	va_start(args, format);
	vsnprintf(err->message, sizeof err->message, format, args);
	va_end(args);
	return false;
}

bool error_hint(Error *err, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(err->hint, sizeof err->hint, format, args);
	va_end(args);
	return false;
}

bool error_detail(Error *err, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(err->detail, sizeof err->detail, format, args);
	va_end(args);
	return false;
}

void error_clear(Error *err) { *err = ERROR_INIT; }
const char *error_sqlstate(ErrorCode code) { return ERROR_CODES[code].sqlstate; }
ErrorClass error_class(ErrorCode code) { return ERROR_CODES[code].kind; }
