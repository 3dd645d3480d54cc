/* The file sink. Exactly once over restarts: each commit of the database records how many bytes of the file count; opening cuts off
 * what was written after that, and the changes of the commits that are run again are written again. A pipe or terminal takes rows,
 * too, but cannot be cut: there a restart repeats what was not recorded.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connect/sources.h"

enum { WRITE_BYTES = 1 << 20 };

typedef struct FileSink {
	Sink base;                    /* first */
	Arena arena;
	const char *path;
	int fd;
	bool is_regular, with_op;
	int64_t position;             /* bytes written */
	Encoder *encoder;
	int *key_columns;
	int key_count;
	StrBuf pending;
} FileSink;

static bool write_error(const FileSink *sink, Error *err)
{
	return error_set(err, errno == ENOSPC || errno == EDQUOT ? ERR_DISK_FULL : ERR_IO, SPAN_NONE, "could not write \"%s\": %s", sink->path, strerror(errno));
}

static bool write_pending(FileSink *sink, Error *err)
{
	size_t done = 0;
	while (done < sink->pending.bytes) {
		ssize_t wrote = write(sink->fd, sink->pending.text + done, sink->pending.bytes - done);
		if (wrote < 0 && errno == EINTR) continue;
		if (wrote < 0) break;
		done += (size_t)wrote;
	}
	sink->position += (int64_t)done;
	bool ok = done == sink->pending.bytes || write_error(sink, err);
	memmove(sink->pending.text, sink->pending.text + done, sink->pending.bytes - done);
	sink->pending.bytes -= done;
	return ok;
}

static bool sink_file_write(Sink *base, const Batch *changes, int64_t commit_id, Error *err)
{
	FileSink *sink = (FileSink *)base;
	Arena scratch;
	(void)commit_id;
	arena_init(&scratch, 0);
	const uint8_t *ops = sink->with_op ? change_ops(changes, sink->key_columns, sink->key_count, &scratch) : NULL;
	encoder_add(sink->encoder, changes, ops, &sink->pending);
	arena_release(&scratch);
	return sink->pending.bytes < WRITE_BYTES || write_pending(sink, err);
}

static bool sink_file_flush(Sink *base, int64_t commit_id, int64_t *position, Error *err)
{
	FileSink *sink = (FileSink *)base;
	bool had = sink->pending.bytes > 0;
	(void)commit_id;
	if (!write_pending(sink, err)) return false;
	if (had && sink->is_regular && fdatasync(sink->fd)) return write_error(sink, err);
	*position = sink->position;
	return true;
}

static void sink_file_close(Sink *base)
{
	FileSink *sink = (FileSink *)base;
	if (sink->fd >= 0) close(sink->fd);
	encoder_free(sink->encoder);
	strbuf_release(&sink->pending);
	arena_release(&sink->arena);
	free(sink);
}

/* What is there; not there yet is fine for one that only looks. */
static bool look(FileSink *sink, bool looks_only, struct stat *file, Error *err)
{
	memset(file, 0, sizeof *file);
	sink->fd = open(sink->path, O_WRONLY | O_CLOEXEC | (looks_only ? 0 : O_CREAT), 0666);
	if (looks_only && sink->fd < 0 && errno == ENOENT) return true;
	if (sink->fd >= 0 && fstat(sink->fd, file) == 0) return true;
	return error_set(err, ERR_IO, SPAN_NONE, "could not open \"%s\": %s", sink->path, strerror(errno));
}

/* Brings the file back to what counts. */
static bool restore(FileSink *sink, int64_t recorded, bool looks_only, Error *err)
{
	struct stat file;
	if (!look(sink, looks_only, &file, err)) return false;
	sink->is_regular = S_ISREG(file.st_mode);
	if (recorded == SINK_POSITION_NEW && sink->is_regular && file.st_size > 0) {
		error_set(err, ERR_WRONG_STATE, SPAN_NONE, "file \"%s\" is not empty and was not written by this sink", sink->path);
		return error_hint(err, "Remove it, or write to another path.");
	}
	sink->position = recorded == SINK_POSITION_NEW ? 0 : recorded;
	if (!sink->is_regular) return true;
	if (file.st_size < sink->position)
		return error_set(err, ERR_POSITION_LOST, SPAN_NONE, "file \"%s\" has %lld bytes, %" PRId64 " had been written", sink->path, (long long)file.st_size, sink->position);
	if (looks_only) return true;
	if (ftruncate(sink->fd, sink->position) || lseek(sink->fd, sink->position, SEEK_SET) < 0) return write_error(sink, err);
	return true;
}

static const SinkClass FILE_SINK_CLASS = {.close = sink_file_close, .write = sink_file_write, .flush = sink_file_flush};

bool connect_file_sink(const SinkConfig *config, Sink **out, Error *err)
{
	const OptionSet *options = config->options;
	FileSink *sink = mem_new(FileSink);
	sink->base.class = &FILE_SINK_CLASS;
	arena_init(&sink->arena, 0);
	sink->pending = STRBUF_INIT;
	sink->fd = -1;
	sink->path = arena_strdup(&sink->arena, options_text(options, "path"));
	sink->with_op = !config->append_only;
	sink->key_count = config->key_count;
	sink->key_columns = arena_copy(&sink->arena, config->key_columns, sizeof(int) * (size_t)config->key_count);
	EncoderConfig encoder = {.columns = config->columns, .column_count = config->column_count, .with_op = sink->with_op};
	encoder_options(&encoder, options);
	sink->encoder = encoder_new(&encoder, err);
	if (sink->encoder && restore(sink, config->position, config->looks_only, err)) {
		if (!sink->position) encoder_header(sink->encoder, &sink->pending);
		*out = &sink->base;
		return true;
	}
	sink_file_close(&sink->base);
	return false;
}
