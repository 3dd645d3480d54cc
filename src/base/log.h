/* The log: lines on stderr, "weir: LEVEL text". Thread-safe. The only global besides const tables. */
#ifndef WEIR_BASE_LOG_H
#define WEIR_BASE_LOG_H

#include <stdbool.h>

typedef enum LogLevel { LOG_DEBUG, LOG_INFO, LOG_NOTICE, LOG_WARNING, LOG_ERROR } LogLevel;

void log_set_level(LogLevel least);       /* default LOG_NOTICE */
bool log_is_on(LogLevel level);
void log_write(LogLevel level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Where lines go instead of stderr (without newline); NULL: stderr again. The shell shows them above the line that is edited. */
void log_set_writer(void (*writer)(void *context, const char *line), void *context);

#endif
