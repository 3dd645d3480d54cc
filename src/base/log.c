#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

static _Atomic LogLevel log_least = LOG_NOTICE;

static const char *const LEVEL_NAMES[] = {"debug", "info", "notice", "warning", "error"};

static void (*_Atomic log_writer)(void *context, const char *line);
static void *_Atomic log_context;

void log_set_writer(void (*writer)(void *context, const char *line), void *context)
{
	log_writer = NULL;
	log_context = context;
	log_writer = writer;
}

void log_set_level(LogLevel least) { log_least = least; }

bool log_is_on(LogLevel level) { return level >= log_least; }

/* One fprintf call a line, so lines of several threads do not mix. */
void log_write(LogLevel level, const char *format, ...)
{
	if (!log_is_on(level)) return;
	char text[4096];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	void (*writer)(void *context, const char *line) = log_writer;
	if (!writer) {
		fprintf(stderr, "weir: %s: %s\n", LEVEL_NAMES[level], text);
		return;
	}
	char line[4200];
	snprintf(line, sizeof line, "weir: %s: %s", LEVEL_NAMES[level], text);
	writer(log_context, line);
}
