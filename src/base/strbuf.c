#include "base/strbuf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

char strbuf_empty[1] = "";

char *strbuf_grow(StrBuf *buf, size_t bytes)
{
	if (buf->bytes + bytes + 1 > buf->room) {
		size_t room = buf->room * 2 > buf->bytes + bytes + 1 ? buf->room * 2 : buf->bytes + bytes + 1;
		if (room < 64) room = 64;
		buf->text = mem_realloc(buf->room ? buf->text : NULL, room);
		buf->room = room;
	}
	return buf->text + buf->bytes;
}

void strbuf_add(StrBuf *buf, const void *data, size_t bytes)
{
	char *to = strbuf_grow(buf, bytes);
	if (bytes) memcpy(to, data, bytes);
	buf->bytes += bytes;
	buf->text[buf->bytes] = 0;
}

void strbuf_adds(StrBuf *buf, const char *text) { strbuf_add(buf, text, strlen(text)); }
void strbuf_addc(StrBuf *buf, char c) { strbuf_add(buf, &c, 1); }

void strbuf_vprintf(StrBuf *buf, const char *format, va_list args)
{
	va_list again;
	va_copy(again, args);
	int bytes = vsnprintf(NULL, 0, format, args);
	vsnprintf(strbuf_grow(buf, (size_t)bytes), (size_t)bytes + 1, format, again);
	va_end(again);
	buf->bytes += (size_t)bytes;
}

void strbuf_printf(StrBuf *buf, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	strbuf_vprintf(buf, format, args);
	va_end(args);
}

void strbuf_clear(StrBuf *buf)
{
	buf->bytes = 0;
	if (buf->room) buf->text[0] = 0;
}

void strbuf_release(StrBuf *buf)
{
	if (buf->room) free(buf->text);
	*buf = STRBUF_INIT;
}

char *strbuf_detach(StrBuf *buf)
{
	strbuf_grow(buf, 0)[0] = 0;
	char *text = buf->text;
	*buf = STRBUF_INIT;
	return text;
}

static void strbuf_add_quoted(StrBuf *buf, const char *text, size_t bytes, char quote)
{
	strbuf_addc(buf, quote);
	for (size_t i = 0; i < bytes; i++) {
		if (text[i] == quote) strbuf_addc(buf, quote);
		strbuf_addc(buf, text[i]);
	}
	strbuf_addc(buf, quote);
}

void strbuf_add_sql_string(StrBuf *buf, const char *text, size_t bytes) { strbuf_add_quoted(buf, text, bytes, '\''); }
void strbuf_add_sql_ident(StrBuf *buf, const char *name) { strbuf_add_quoted(buf, name, strlen(name), '"'); }
