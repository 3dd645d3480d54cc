#include "report.h"

#include <string.h>

#include "draw.h"

enum { LINE_WIDTH_MAX = 100, LINE_LEAD = 40, TAB_WIDTH = 4 };

/* A piece of a line as it is shown: tabs as blanks, controls as escapes. */
static void show(StrBuf *out, const char *text, size_t bytes)
{
	for (size_t i = 0, start = 0; i <= bytes; i++) {
		if (i < bytes && text[i] != '\t') continue;
		draw_text(out, text + start, i - start, GRID_BOX);
		if (i < bytes) strbuf_printf(out, "%*s", TAB_WIDTH, "");
		start = i + 1;
	}
}

/* Characters are never cut in two. */
static size_t character_start(const char *text, size_t at)
{
	while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80) at--;
	return at;
}

/* The line with a caret below. Of a long one what is around the place. */
static void print_place(FILE *file, const Error *err, const char *text, size_t bytes, int line)
{
	size_t at = err->span.start < bytes ? err->span.start : bytes, start = at, end = at;
	while (start > 0 && text[start - 1] != '\n') start--;
	while (end < bytes && text[end] != '\n' && text[end] != '\r') end++;
	size_t stop = err->span.end < end ? err->span.end : end;
	bool cut_left = at - start > LINE_WIDTH_MAX, cut_right;
	if (cut_left) start = character_start(text, at - LINE_LEAD);
	if ((cut_right = end - start > 2 * LINE_WIDTH_MAX)) end = character_start(text, start + 2 * LINE_WIDTH_MAX);
	StrBuf before = STRBUF_INIT, marked = STRBUF_INIT, after = STRBUF_INIT;
	if (stop > end) stop = end;
	show(&before, text + start, at - start);
	if (stop > at) show(&marked, text + at, stop - at);
	show(&after, text + (stop > at ? stop : at), end - (stop > at ? stop : at));
	int margin = fprintf(file, "%5d | ", line) + (cut_left ? 1 : 0);
	fprintf(file, "%s%s%s%s%s\n%*s", cut_left ? "…" : "", before.text, marked.text, after.text, cut_right ? "…" : "",
		margin + draw_width(before.text, before.bytes), "");
	int carets = draw_width(marked.text, marked.bytes);
	for (int i = 0; i < (carets ? carets : 1); i++) fputc('^', file);
	fputc('\n', file);
	strbuf_release(&before);
	strbuf_release(&marked);
	strbuf_release(&after);
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
