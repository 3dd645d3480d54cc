#include "connect/lines.h"

#include <stdlib.h>
#include <string.h>

void lines_init(Lines *lines, const OptionSet *options, const Format *format)
{
	*lines = (Lines){
		.framing = format->framing, .delimiter = *options_text(options, "csv.delimiter"), .quote = *options_text(options, "csv.quote"),
		.skips_blank = strcmp(format->name, "raw") != 0, .bytes_max = options_integer(options, "record_limit"),
	};
	if (lines->bytes_max < 1) lines->bytes_max = 1;
	if (lines->bytes_max > RECORD_BYTES_MAX) lines->bytes_max = RECORD_BYTES_MAX;
}

static LineCut cut_at(const char *at, const char *end_of_line, bool has_end)
{
	size_t content = (size_t)(end_of_line - at);
	LineCut cut = {.total = content + has_end, .content = content};
	if (content && end_of_line[-1] == '\r') cut.content--;
	return cut;
}

/* A quote opens a field only where one begins, so a stray one inside a field does not swallow the lines behind it. */
static const char *csv_line_end(const Lines *lines, const char *at, const char *end)
{
	bool at_start = true, quoted = false;
	for (; at < end; at++) {
		if (quoted) {
			at = memchr(at, lines->quote, (size_t)(end - at));
			if (!at) return NULL;
			if (at + 1 < end && at[1] == lines->quote) at++;
			else quoted = false;
			continue;
		}
		if (*at == '\n') return at;
		if (at_start && *at == lines->quote) quoted = true;
		at_start = *at == lines->delimiter;
	}
	return NULL;
}

LineCut lines_cut(const Lines *lines, const char *at, size_t bytes, bool is_final)
{
	const char *end = at + bytes;
	const char *line_end = lines->framing == FRAMING_CSV ? csv_line_end(lines, at, end) : memchr(at, '\n', bytes);
	if (line_end) return cut_at(at, line_end, true);
	if (is_final && bytes) return cut_at(at, end, false);
	return (LineCut){0};
}

LineBuffer *line_buffer_new(size_t room)
{
	LineBuffer *buffer = mem_alloc(sizeof *buffer);
	*buffer = (LineBuffer){.bytes = mem_alloc(room), .room = room};
	return buffer;
}

void line_buffer_free(LineBuffer *buffer)
{
	free(buffer->bytes);
	free(buffer);
}

size_t line_buffer_cut(LineBuffer *buffer, const Lines *lines, int max, int64_t position, bool by_record, bool is_final, bool *is_cut)
{
	size_t from = 0;
	buffer->count = 0;
	*is_cut = false;
	while (buffer->count < max && from < buffer->used) {
		const char *at = buffer->bytes + from;
		LineCut cut = lines_cut(lines, at, buffer->used - from, is_final);
		const char *flaw = NULL;
		bool is_long = (int64_t)(cut.total ? cut.content : buffer->used - from) > lines->bytes_max;
		if (!cut.total && !is_long) break;
		if (is_long) {
			flaw = "the line is longer than record_limit; its beginning is kept";
			*is_cut = !cut.total;
			cut = (LineCut){cut.total ? cut.total : buffer->used - from, (size_t)lines->bytes_max};
		}
		if (cut.content || !lines->skips_blank)
			buffer->records[buffer->count++] = (Record){
				.value = at, .value_bytes = (uint32_t)cut.content, .position = position + (int64_t)(by_record ? 0 : from), .timestamp_us = TIMESTAMP_NONE, .flaw = flaw,
			};
		if (by_record) position++;
		from += cut.total;
		if (*is_cut) break;
	}
	return from;
}
