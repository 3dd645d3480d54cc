#include "report.h"

#include <string.h>

enum { LINE_BYTES_MAX = 160 };

/* Counts characters, so that the caret stands right below names with umlauts. */
static int columns_of(const char *text, size_t bytes)
{
	int columns = 0;
	for (size_t i = 0; i < bytes; i++) columns += ((unsigned char)text[i] & 0xC0) != 0x80;
	return columns;
}

static void print_place(FILE *file, const Error *err, const char *text, size_t bytes, int line)
{
	size_t at = err->span.start < bytes ? err->span.start : bytes, start = at, end = at;
	while (start > 0 && text[start - 1] != '\n') start--;
	while (end < bytes && text[end] != '\n') end++;
	if (at - start > LINE_BYTES_MAX) start = at - LINE_BYTES_MAX / 2;
	if (end - start > LINE_BYTES_MAX) end = start + LINE_BYTES_MAX;
	int margin = fprintf(file, "%5d | ", line);
	for (size_t i = start; i < end; i++) fputc(text[i] == '\t' ? ' ' : text[i], file);
	fprintf(file, "\n%*s", margin + columns_of(text + start, at - start), "");
	size_t stop = err->span.end < end ? err->span.end : end;
	int carets = stop > at ? columns_of(text + at, stop - at) : 1;
	for (int i = 0; i < carets; i++) fputc('^', file);
	fputc('\n', file);
}

void report_error(FILE *file, const Error *err, const char *name, const char *text, size_t bytes)
{
	bool placed = text && (err->span.end > 0 || err->span.start > 0 || name);
	int line = 1;
	for (size_t i = 0; text && i < err->span.start && i < bytes; i++) line += text[i] == '\n';
	fputs("error: ", file);
	if (placed && name) fprintf(file, "%s:%d: ", name, line);
	fprintf(file, "%s (%s)\n", err->message, error_sqlstate(err->code));
	if (placed) {
		if (!name) fprintf(file, "  line %d:\n", line);
		print_place(file, err, text, bytes, line);
	}
	if (err->detail[0]) fprintf(file, "detail: %s\n", err->detail);
	if (err->hint[0]) fprintf(file, "hint: %s\n", err->hint);
	fflush(file);
}
