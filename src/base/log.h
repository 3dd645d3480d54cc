/* The log: lines on stderr, "weir: LEVEL text". Thread-safe. The only global besides const tables. */
#ifndef WEIR_BASE_LOG_H
#define WEIR_BASE_LOG_H

typedef enum LogLevel { LOG_DEBUG, LOG_INFO, LOG_NOTICE, LOG_WARNING, LOG_ERROR } LogLevel;

void log_set_level(LogLevel least);       /* default LOG_NOTICE */
void log_write(LogLevel level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
