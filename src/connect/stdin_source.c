/* Lines of standard input: one partition, positions count records. What was read cannot be read again, so the runtime logs it; a
 * later run goes on counting where the last one ended. Reads only what poll(2) says is there, so it never waits. */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/vec.h"
#include "connect/lines.h"
#include "connect/sources.h"

enum { CHUNK_BYTES = 64 << 10 };

typedef struct StdinSource {
	Source base;                  /* first */
	Lines lines;
	bool has_header, is_assigned, is_skipping;
	LineBuffer *pending;          /* bytes of which no record has been made */
	LineBuffer *spare, *header;
	_Atomic int64_t position;
	_Atomic bool is_eof, is_ended;
	_Atomic bool has_line;        /* bytes were taken of which records may still be made: for whoever looks from another thread */
} StdinSource;

static bool stdin_partitions(Source *base, SourcePartitions *out, int timeout_ms, Error *err)
{
	(void)base, (void)timeout_ms, (void)err;
	vec_push(out, (SourcePartition){0, "stdin", 0, SOURCE_STOP_NEVER, 0, SOURCE_STOP_NEVER});
	return true;
}

static bool stdin_assign(Source *base, int partition, const SourceStart *start, Error *err)
{
	StdinSource *source = (StdinSource *)base;
	if (partition != 0) return error_set(err, ERR_POSITION_LOST, SPAN_NONE, "standard input has one partition");
	source->position = start->position;
	return source->is_assigned = true;
}

static void stdin_unassign(Source *base, int partition)
{
	(void)partition;
	((StdinSource *)base)->is_assigned = false;
}

/* Adds what is there. */
static bool take_bytes(StdinSource *source, Error *err)
{
	LineBuffer *buffer = source->pending;
	struct pollfd ready = {.fd = STDIN_FILENO, .events = POLLIN};
	if (source->is_eof || poll(&ready, 1, 0) <= 0) return true;
	if (buffer->room - buffer->used < CHUNK_BYTES / 2) {
		buffer->room *= 2;
		buffer->bytes = mem_realloc(buffer->bytes, buffer->room);
	}
	source->has_line = true;                              /* before: what is taken must not be overlooked */
	ssize_t got = read(STDIN_FILENO, buffer->bytes + buffer->used, buffer->room - buffer->used);
	if (got < 0 && (errno == EINTR || errno == EAGAIN)) return true;
	if (got < 0) return error_set(err, ERR_IO, SPAN_NONE, "could not read standard input: %s", strerror(errno));
	if (got == 0) {
		source->is_eof = true;
		source->base.fd = -1;                         /* it would be readable for ever */
	}
	buffer->used += (size_t)got;
	return true;
}

/* The rest of a line that was longer than the limit. */
static void skip_line(StdinSource *source)
{
	LineBuffer *buffer = source->pending;
	if (!source->is_skipping) return;
	char *end = memchr(buffer->bytes, '\n', buffer->used);
	size_t bytes = end ? (size_t)(end - buffer->bytes) + 1 : buffer->used;
	memmove(buffer->bytes, buffer->bytes + bytes, buffer->used - bytes);
	buffer->used -= bytes;
	source->is_skipping = !end;
}

/* Cuts records off the pending bytes; what is left goes into the other buffer, which becomes pending. */
static LineBuffer *cut_records(StdinSource *source, int max)
{
	LineBuffer *buffer = source->pending, *rest = source->spare;
	bool is_cut;
	int64_t before = source->position;
	size_t used = line_buffer_cut(buffer, &source->lines, max, before, true, source->is_eof, &is_cut);
	if (!used) return NULL;
	source->is_skipping = is_cut;
	source->position = buffer->count ? buffer->records[buffer->count - 1].position + 1 : before;
	rest->used = 0;
	if (buffer->used - used > rest->room) {
		rest->room = buffer->used - used;
		rest->bytes = mem_realloc(rest->bytes, rest->room);
	}
	memcpy(rest->bytes, buffer->bytes + used, buffer->used - used);
	rest->used = buffer->used - used;
	source->pending = rest;
	source->spare = NULL;
	return buffer;
}

static bool take_header(StdinSource *source)
{
	if (!source->has_header || source->header) return true;
	int64_t position = source->position;
	LineBuffer *header = cut_records(source, 1);
	if (!header) return false;
	source->position = position;
	source->spare = line_buffer_new(CHUNK_BYTES);
	if (header->count) source->header = header;
	else line_buffer_free(header);
	return source->header != NULL;
}

static Poll poll_lines(StdinSource *source, int max, RecordBatch *out, Error *err)
{
	if (!take_bytes(source, err)) return POLL_ERROR;
	skip_line(source);
	LineBuffer *buffer = take_header(source) ? cut_records(source, max < RECORD_BATCH_MAX ? max : RECORD_BATCH_MAX) : NULL;
	if (!buffer) {
		source->is_ended = source->is_eof;
		return source->is_eof ? POLL_END : POLL_NOTHING;
	}
	*out = (RecordBatch){.at = buffer->records, .count = buffer->count, .partition = 0, .topic = "stdin", .position_next = source->position};
	if (source->header) out->header = source->header->records[0].value, out->header_bytes = source->header->records[0].value_bytes;
	return POLL_SOME;
}

static Poll stdin_poll(Source *base, int partition, int max, RecordBatch *out, Error *err)
{
	StdinSource *source = (StdinSource *)base;
	(void)partition;
	if (!source->is_assigned || !source->spare) return POLL_NOTHING;             /* one batch at a time */
	Poll poll = poll_lines(source, max, out, err);
	source->has_line = memchr(source->pending->bytes, '\n', source->pending->used) != NULL;
	return poll;
}

static void stdin_release(Source *base, RecordBatch *records)
{
	if (records->at) ((StdinSource *)base)->spare = (LineBuffer *)records->at;
	records->at = NULL;
	records->count = 0;
}

static bool stdin_is_caught_up(const Source *base, int partition)
{
	const StdinSource *source = (const StdinSource *)base;
	struct pollfd ready = {.fd = STDIN_FILENO, .events = POLLIN};
	(void)partition;
	return source->is_ended || (source->is_assigned && poll(&ready, 1, 0) == 0 && !source->has_line);
}

static void stdin_status(const Source *base, SourceStatus *out)
{
	const StdinSource *source = (const StdinSource *)base;
	*out = (SourceStatus){.state = source->is_ended ? SOURCE_ENDED : SOURCE_READING, .last_error = ERROR_INIT, .partition_count = 1, .lag = -1};
}

static int64_t stdin_end(const Source *base, int partition)
{
	const StdinSource *source = (const StdinSource *)base;
	(void)partition;
	return source->is_ended ? source->position : -1;
}

static void stdin_close(Source *base)
{
	StdinSource *source = (StdinSource *)base;
	line_buffer_free(source->pending);
	if (source->spare) line_buffer_free(source->spare);
	if (source->header) line_buffer_free(source->header);
	free(source);
}

static const SourceClass STDIN_CLASS = {
	.close = stdin_close, .partitions = stdin_partitions, .assign = stdin_assign, .unassign = stdin_unassign, .poll = stdin_poll, .release = stdin_release,
	.is_caught_up = stdin_is_caught_up, .status = stdin_status, .end = stdin_end,
};

bool connect_stdin_source(const SourceConfig *config, Source **out, Error *err)
{
	const Format *format = config->format ? config->format : format_find(options_text(config->options, "format"), SPAN_NONE, err);
	if (!format) return false;
	StdinSource *source = mem_new(StdinSource);
	source->base = (Source){.class = &STDIN_CLASS, .is_bounded = true, .is_replayable = false, .fd = STDIN_FILENO, .retry_ms = -1};
	source->has_header = format->framing == FRAMING_CSV && options_boolean(config->options, "csv.header");
	source->pending = line_buffer_new(CHUNK_BYTES);
	source->spare = line_buffer_new(CHUNK_BYTES);
	lines_init(&source->lines, config->options, format);
	*out = &source->base;
	return true;
}
