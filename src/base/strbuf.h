/* StrBuf: text or bytes that grow. `text` is always NUL-terminated. Never fails (see arena.h).
 *
 *     StrBuf out = STRBUF_INIT;
 *     strbuf_printf(&out, "%d rows", n);
 *     strbuf_release(&out);
 */
#ifndef WEIR_BASE_STRBUF_H
#define WEIR_BASE_STRBUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct StrBuf { char *text; size_t bytes, room; } StrBuf;

extern char strbuf_empty[1];
#define STRBUF_INIT ((StrBuf){strbuf_empty, 0, 0})

void strbuf_add(StrBuf *buf, const void *data, size_t bytes);
void strbuf_adds(StrBuf *buf, const char *text);
void strbuf_addc(StrBuf *buf, char c);
void strbuf_printf(StrBuf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void strbuf_vprintf(StrBuf *buf, const char *format, va_list args);
char *strbuf_grow(StrBuf *buf, size_t bytes);      /* room for so many more; returns where they go; caller adds to .bytes */
void strbuf_clear(StrBuf *buf);                    /* keeps the memory */
void strbuf_release(StrBuf *buf);
char *strbuf_detach(StrBuf *buf);                  /* caller frees */

/* SQL spellings: 'it''s' and "a ""b""" (always quoted; sql_ident_needs_quotes says whether it must be) */
void strbuf_add_sql_string(StrBuf *buf, const char *text, size_t bytes);
void strbuf_add_sql_ident(StrBuf *buf, const char *name);

#endif
