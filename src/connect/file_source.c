/* The file source: each file is a partition, its position the next byte. Only whole lines are records; the last line of a file that
 * nobody follows needs no line end.
 *
 * With `follow` a file that is rotated goes on as a new partition, since positions only grow: a partition is one inode, and its name
 * is path#inode (with .2, .3 if the same inode was emptied and filled again). What was renamed while nobody watched is found again
 * by its inode in the same folder and read to its end. The end of a followed file is looked at every retry_ms: inotify was rejected, since
 * its events would keep waking a reader that holds the file back, and it does not work on network file systems.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/vec.h"
#include "connect/lines.h"
#include "connect/sources.h"

enum { CHUNK_BYTES = 256 << 10, FILES_MAX = 16384, LOOK_EVERY_US = 500000, RETRY_MS = 50 };

typedef struct FilePartition {
	const char *name, *path;
	_Atomic uint64_t inode;
	int generation;               /* of this inode: 1, 2 ... */
	_Atomic int fd;               /* -1: not assigned, or gone */
	_Atomic int64_t position, end;
	_Atomic int64_t seen;         /* up to here there was no whole line when last looked */
	int64_t stop;
	int64_t skip_from;            /* a line longer than the limit is being skipped: scanned up to here; 0: none */
	int64_t check_position;       /* the record there must have this fingerprint; -1: nothing to check */
	uint64_t check_fingerprint;
	LineBuffer *header;           /* CSV: the line with the names */
	_Atomic bool is_assigned, is_ended, is_replaced /* the path has another file now */, is_lost;
	SourceLost lost;
} FilePartition;

typedef struct FileSource {
	Source base;                  /* first */
	Arena arena;
	const char *pattern;
	bool follows, has_header;
	Lines lines;
	FilePartition **partitions;   /* FILES_MAX places */
	_Atomic int partition_count;
	_Atomic bool has_new;         /* files that are no partitions yet */
	_Atomic int64_t looked_us;
	void (*on_status)(void *context, const SourceStatus *status);
	void *context;
	pthread_mutex_t lock;         /* of the free buffers */
	LineBuffer *buffers;
} FileSource;

/* ---- files and their names ---- */

static FilePartition *partition_add(FileSource *source, const char *name, const char *path, uint64_t inode, int generation)
{
	FilePartition *partition = arena_new(&source->arena, FilePartition);
	partition->name = arena_strdup(&source->arena, name);
	partition->path = arena_strdup(&source->arena, path);
	partition->inode = inode;
	partition->generation = generation;
	partition->fd = -1;
	partition->end = partition->check_position = -1;
	partition->stop = SOURCE_STOP_NEVER;
	source->partitions[source->partition_count] = partition;
	source->partition_count++;
	return partition;
}

/* Numbers that were never told are gone: nothing more can be read there. */
static void fill_gap(FileSource *source, int partition)
{
	while (source->partition_count < partition) partition_add(source, "", "", 0, 1);
}

/* The name is path#inode.generation, or a plain path where nothing is followed. */
static void file_know(Source *base, int partition, const char *name)
{
	FileSource *source = (FileSource *)base;
	const char *mark = source->follows ? strrchr(name, '#') : NULL;
	uint64_t inode = 0;
	int generation = 1;
	if (!*name || partition < source->partition_count || partition >= FILES_MAX) return;
	fill_gap(source, partition);
	if (!mark || sscanf(mark, "#%" SCNu64 ".%d", &inode, &generation) < 1) partition_add(source, name, name, 0, 1);
	else partition_add(source, name, arena_strndup(&source->arena, name, (size_t)(mark - name)), inode, generation);
}

/* The newest partition of a path: the one that its present file belongs to, if it is still the same file. */
static FilePartition *partition_of_path(const FileSource *source, const char *path)
{
	for (int i = source->partition_count - 1; i >= 0; i--)
		if (strcmp(source->partitions[i]->path, path) == 0) return source->partitions[i];
	return NULL;
}

static bool is_current(const FileSource *source, const FilePartition *partition, const struct stat *file)
{
	if (!source->follows) return true;
	return partition->inode == file->st_ino && (file->st_size >= partition->position || !partition->is_assigned) && !partition->is_lost;
}

static void add_file(FileSource *source, const char *path, const struct stat *file)
{
	char name[4200];
	FilePartition *old = partition_of_path(source, path);
	if (old && is_current(source, old, file)) return;
	if (!source->follows) { partition_add(source, path, path, 0, 1); return; }
	int generation = old && old->inode == file->st_ino ? old->generation + 1 : 1;
	for (int i = 0; i < source->partition_count; i++)           /* the inode may have been used before under this path */
		if (strcmp(source->partitions[i]->path, path) == 0 && source->partitions[i]->inode == file->st_ino && source->partitions[i]->generation >= generation)
			generation = source->partitions[i]->generation + 1;
	if (old) old->is_replaced = true;
	if (generation == 1) snprintf(name, sizeof name, "%s#%" PRIu64, path, (uint64_t)file->st_ino);
	else snprintf(name, sizeof name, "%s#%" PRIu64 ".%d", path, (uint64_t)file->st_ino, generation);
	partition_add(source, name, path, file->st_ino, generation);
}

typedef bool EachFile(FileSource *source, const char *path, const struct stat *file);

/* Every regular file (or pipe-like one) that the pattern fits, in the order of names. */
static bool each_file(FileSource *source, EachFile *each, Error *err)
{
	glob_t found;
	int code = glob(source->pattern, 0, NULL, &found);
	if (code == GLOB_NOMATCH && source->follows) return true;       /* it may come */
	if (code == GLOB_NOMATCH || (!code && !found.gl_pathc)) {
		globfree(&found);
		return error_set(err, ERR_FILE_NOT_FOUND, SPAN_NONE, "file \"%s\" does not exist", source->pattern);
	}
	if (code) return error_set(err, ERR_IO, SPAN_NONE, "could not look for \"%s\": %s", source->pattern, code == GLOB_NOSPACE ? "out of memory" : strerror(errno));
	bool ok = true;
	for (size_t i = 0; ok && i < found.gl_pathc; i++) {
		struct stat file;
		if (!stat(found.gl_pathv[i], &file) && S_ISREG(file.st_mode)) ok = each(source, found.gl_pathv[i], &file);
		else if (found.gl_pathc == 1) ok = error_set(err, ERR_IO, SPAN_NONE, "\"%s\" is no regular file", found.gl_pathv[i]);
	}
	globfree(&found);
	return ok;
}

static bool list_one(FileSource *source, const char *path, const struct stat *file)
{
	if (source->partition_count < FILES_MAX) add_file(source, path, file);
	return true;
}

static bool is_news(FileSource *source, const char *path, const struct stat *file)
{
	const FilePartition *partition = partition_of_path(source, path);
	if (!partition || !is_current(source, partition, file)) source->has_new = true;
	return !source->has_new;
}

/* Looks now and then whether there are other files than those that are being read. */
static void look_for_files(FileSource *source)
{
	int64_t now = clock_monotonic_us(), last = source->looked_us;
	if (!source->follows || now - last < LOOK_EVERY_US || !atomic_compare_exchange_strong(&source->looked_us, &last, now)) return;
	if (source->has_new) return;
	Error ignored = ERROR_INIT;
	each_file(source, is_news, &ignored);
	if (!source->has_new || !source->on_status) return;
	SourceStatus status;
	source_status(&source->base, &status);
	source->on_status(source->context, &status);
}

/* A file of this inode in the folder of the path: where rotation has put it. */
static int open_renamed(const FilePartition *partition)
{
	char folder[4096], path[8400];
	const char *slash = strrchr(partition->path, '/');
	snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - partition->path) + (slash == partition->path) : 1, slash ? partition->path : ".");
	DIR *dir = opendir(folder);
	int fd = -1;
	for (struct dirent *entry; dir && fd < 0 && (entry = readdir(dir)); ) {
		if (entry->d_ino != partition->inode) continue;
		snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (dir) closedir(dir);
	return fd;
}

/* -1: gone. */
static int open_partition(const FileSource *source, const FilePartition *partition)
{
	struct stat file;
	int fd = open(partition->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || !source->follows || (!fstat(fd, &file) && file.st_ino == partition->inode)) return fd < 0 && source->follows ? open_renamed(partition) : fd;
	close(fd);
	return open_renamed(partition);
}

/* ---- partitions ---- */

static int64_t size_of(int fd)
{
	struct stat file;
	return fd >= 0 && !fstat(fd, &file) ? file.st_size : -1;
}

static int64_t partition_size(const FileSource *source, const FilePartition *partition)
{
	int known = partition->fd, fd = known >= 0 ? known : open_partition(source, partition);
	int64_t size = size_of(fd);
	if (fd >= 0 && known < 0) close(fd);
	return size;
}

static bool file_partitions(Source *base, SourcePartitions *out, int timeout_ms, Error *err)
{
	FileSource *source = (FileSource *)base;
	(void)timeout_ms;
	source->has_new = false;
	if (!each_file(source, list_one, err) && !source->partition_count) {
		if (err) err->retryable = err->code == ERR_FILE_NOT_FOUND;
		return false;
	}
	if (err && source->partition_count) error_clear(err);       /* files that were read and removed since */
	for (int i = 0; i < source->partition_count; i++) {
		FilePartition *partition = source->partitions[i];
		int64_t size = partition_size(source, partition), end = size < 0 ? partition->position : size;
		partition->end = end;
		vec_push(out, (SourcePartition){i, partition->name, 0, end, 0, source->follows ? SOURCE_STOP_NEVER : end});
	}
	return true;
}

static bool read_header(FileSource *source, FilePartition *partition, Error *err);
static bool find_rotated(FileSource *source, FilePartition *partition);

static bool say_lost(const FilePartition *partition, Error *err)
{
	const SourceLost *lost = &partition->lost;
	return error_set(err, ERR_POSITION_LOST, SPAN_NONE, lost->why == LOST_RECREATED ? "file \"%s\" has another content before byte %" PRId64 " than when it was read; it has %" PRId64 " bytes"
		: "file \"%s\": byte %" PRId64 " is not there any more, it has %" PRId64, partition->path, lost->wanted, lost->end);
}

/* Once: `lost` is not touched any more when is_lost is seen. */
static bool set_lost(FilePartition *partition, int64_t position, int64_t size, bool recreated, Error *err)
{
	partition->lost = (SourceLost){position, 0, size, recreated ? LOST_RECREATED : LOST_SHRUNK};
	partition->is_lost = true;
	return say_lost(partition, err);
}

/* A file that was followed and has been emptied since: what comes now is another partition's. */
static bool give_up_shrunk(FileSource *source, FilePartition *partition)
{
	partition->is_ended = true;
	source->has_new = true;
	log_write(LOG_WARNING, "file \"%s\" was emptied; what was not read of it is lost", partition->path);
	return true;
}

static void file_unassign(Source *base, int number)
{
	FilePartition *partition = ((FileSource *)base)->partitions[number];
	if (partition->fd >= 0) close(partition->fd);
	if (partition->header) line_buffer_free(partition->header);
	partition->fd = -1;
	partition->header = NULL;
	partition->is_assigned = false;
}

static bool file_assign(Source *base, int number, const SourceStart *start, Error *err)
{
	FileSource *source = (FileSource *)base;
	if (number < 0 || number >= source->partition_count) return error_set(err, ERR_POSITION_LOST, SPAN_NONE, "\"%s\" has no file number %d", source->pattern, number);
	FilePartition *partition = source->partitions[number];
	file_unassign(base, number);
	partition->is_ended = partition->is_lost = false;
	partition->position = start->position;
	partition->stop = start->stop;
	partition->skip_from = 0;
	partition->check_position = start->last_fingerprint ? start->last_position : -1;
	partition->check_fingerprint = start->last_fingerprint;
	partition->is_assigned = true;
	partition->seen = 0;
	FilePartition *newest = partition_of_path(source, partition->path);
	bool is_past = newest != partition && newest->inode == partition->inode;       /* its content has been replaced in place */
	partition->fd = is_past ? -1 : open_partition(source, partition);
	if (is_past) return partition->is_ended = true;
	if (partition->fd < 0) {
		if (start->position == 0 && !source->follows && *partition->path) return error_set(err, ERR_IO, SPAN_NONE, "could not open \"%s\": %s", partition->path, strerror(errno));
		partition->is_ended = true;                     /* read before and removed since */
		return true;
	}
	int64_t size = size_of(partition->fd);
	partition->end = size;
	if (size < start->position && !source->follows) return set_lost(partition, start->position, size, false, err);
	if (size < start->position && !find_rotated(source, partition)) return give_up_shrunk(source, partition);
	return !source->has_header || read_header(source, partition, err);
}

/* ---- reading ---- */

static LineBuffer *buffer_take(FileSource *source)
{
	pthread_mutex_lock(&source->lock);
	LineBuffer *buffer = source->buffers;
	if (buffer) source->buffers = buffer->next;
	pthread_mutex_unlock(&source->lock);
	return buffer ? buffer : line_buffer_new(CHUNK_BYTES);
}

static void buffer_give(FileSource *source, LineBuffer *buffer)
{
	if (buffer->room > 4 * CHUNK_BYTES) { line_buffer_free(buffer); return; }
	pthread_mutex_lock(&source->lock);
	buffer->next = source->buffers;
	source->buffers = buffer;
	pthread_mutex_unlock(&source->lock);
}

/* Reads up to `room` bytes at a position; less only at the end of the file. */
static bool fill(const FilePartition *partition, int fd, LineBuffer *buffer, int64_t position, Error *err)
{
	while (buffer->used < buffer->room) {
		ssize_t got = pread(fd, buffer->bytes + buffer->used, buffer->room - buffer->used, position + (int64_t)buffer->used);
		if (got < 0 && errno == EINTR) continue;
		if (got < 0) return error_set(err, ERR_IO, SPAN_NONE, "could not read \"%s\": %s", partition->path, strerror(errno));
		if (!got) break;
		buffer->used += (size_t)got;
	}
	return true;
}

/* Enough bytes for at least one record, or all there are, or more than a record may have. */
static bool fill_record(FileSource *source, const FilePartition *partition, int fd, LineBuffer *buffer, int64_t position, bool *is_end, Error *err)
{
	buffer->used = 0;
	for (;;) {
		if (!fill(partition, fd, buffer, position, err)) return false;
		*is_end = buffer->used < buffer->room;
		if (*is_end || lines_cut(&source->lines, buffer->bytes, buffer->used, false).total || (int64_t)buffer->used > source->lines.bytes_max + 1) return true;
		size_t most = (size_t)source->lines.bytes_max + 2;
		buffer->room = buffer->room * 2 < most ? buffer->room * 2 : most;
		buffer->bytes = mem_realloc(buffer->bytes, buffer->room);
	}
}

static bool read_header(FileSource *source, FilePartition *partition, Error *err)
{
	bool is_end, is_cut;
	partition->header = line_buffer_new(CHUNK_BYTES);
	if (!fill_record(source, partition, partition->fd, partition->header, 0, &is_end, err)) return false;
	size_t used = line_buffer_cut(partition->header, &source->lines, 1, 0, false, !source->follows, &is_cut);
	if (is_cut) return error_set(err, ERR_FILE_FORMAT, SPAN_NONE, "file \"%s\": its header line is longer than record_limit", partition->path);
	if (partition->header->count && partition->position < (int64_t)used) partition->position = (int64_t)used;
	return true;
}

/* Where the line that is being skipped ends; -1: not yet. */
static int64_t skip_line(FilePartition *partition, LineBuffer *buffer, bool is_final, Error *err)
{
	for (;;) {
		buffer->used = 0;
		if (!fill(partition, partition->fd, buffer, partition->skip_from, err)) return -1;
		char *end = memchr(buffer->bytes, '\n', buffer->used);
		if (end) return partition->skip_from + (end - buffer->bytes) + 1;
		partition->skip_from += (int64_t)buffer->used;
		if (buffer->used < buffer->room) return is_final ? partition->skip_from : -1;
	}
}

static bool skip_rest(FileSource *source, FilePartition *partition, int64_t from, int64_t *next, bool is_final, Error *err)
{
	LineBuffer *buffer = buffer_take(source);
	if (!partition->skip_from) partition->skip_from = from;
	*next = skip_line(partition, buffer, is_final, err);
	if (*next >= 0) partition->skip_from = 0;
	buffer_give(source, buffer);
	return *next >= 0;
}

/* Is the record that was read last still what it was, in this file? */
static bool has_last(FileSource *source, const FilePartition *partition, int fd)
{
	bool is_end, is_cut, same = false;
	Error ignored = ERROR_INIT;
	LineBuffer *buffer = buffer_take(source);
	if (fill_record(source, partition, fd, buffer, partition->check_position, &is_end, &ignored)) {
		line_buffer_cut(buffer, &source->lines, 1, partition->check_position, false, true, &is_cut);
		same = buffer->count == 1 && record_fingerprint(&buffer->records[0]) == partition->check_fingerprint;
	}
	buffer_give(source, buffer);
	return same;
}

/* Rotated while nobody watched, and its inode not known any more: the neighbour (app.log.1 of app.log) that holds what was read. */
static bool find_rotated(FileSource *source, FilePartition *partition)
{
	char pattern[4200];
	glob_t found;
	struct stat file;
	bool ok = false;
	if (partition->check_position < 0) return false;
	snprintf(pattern, sizeof pattern, "%s?*", partition->path);
	if (glob(pattern, 0, NULL, &found)) return false;
	for (size_t i = 0; !ok && i < found.gl_pathc; i++) {
		int fd = open(found.gl_pathv[i], O_RDONLY | O_CLOEXEC);
		ok = fd >= 0 && !fstat(fd, &file) && S_ISREG(file.st_mode) && file.st_size >= partition->position && has_last(source, partition, fd);
		if (!ok) { if (fd >= 0) close(fd); continue; }
		if (partition->fd >= 0) close(partition->fd);
		partition->fd = fd;
		partition->inode = file.st_ino;
		partition->end = file.st_size;
	}
	globfree(&found);
	if (!ok) return false;
	partition->check_position = -1;
	source->has_new = true;                   /* the path has another file */
	return partition->is_replaced = true;
}

static bool check_last(FileSource *source, FilePartition *partition, Error *err)
{
	if (partition->check_position < 0) return true;
	bool same = has_last(source, partition, partition->fd);
	if (!same && source->follows && find_rotated(source, partition)) return true;
	partition->check_position = -1;
	if (same) return true;
	if (source->follows) return give_up_shrunk(source, partition);
	return set_lost(partition, partition->position, partition->end, true, err);
}

static Poll at_end(FileSource *source, FilePartition *partition, int64_t seen)
{
	partition->seen = seen;
	if (seen > partition->end) partition->end = seen;
	if (!source->follows || partition->is_replaced || seen >= partition->stop) {
		partition->is_ended = true;
		return POLL_END;
	}
	if (size_of(partition->fd) < partition->position) { give_up_shrunk(source, partition); return POLL_END; }
	look_for_files(source);
	return POLL_NOTHING;
}

static Poll file_poll(Source *base, int number, int max, RecordBatch *out, Error *err)
{
	FileSource *source = (FileSource *)base;
	FilePartition *partition = source->partitions[number];
	if (partition->is_lost) { say_lost(partition, err); return POLL_ERROR; }
	if (partition->is_ended || (partition->is_assigned && partition->position >= partition->stop)) { partition->is_ended = true; return POLL_END; }
	if (!partition->is_assigned) return POLL_NOTHING;
	if (!check_last(source, partition, err)) return POLL_ERROR;
	if (partition->is_ended) return POLL_END;
	bool is_final = !source->follows || partition->is_replaced, is_end, is_cut;
	int64_t position = partition->position, next;
	LineBuffer *buffer = buffer_take(source);
	if (!fill_record(source, partition, partition->fd, buffer, position, &is_end, err)) { buffer_give(source, buffer); return POLL_ERROR; }
	if (source->has_header && !partition->header->count && !read_header(source, partition, err)) { buffer_give(source, buffer); return POLL_ERROR; }
	next = position + (int64_t)line_buffer_cut(buffer, &source->lines, max < RECORD_BATCH_MAX ? max : RECORD_BATCH_MAX, position, false, is_final && is_end, &is_cut);
	bool nothing = next == position || (is_cut && !skip_rest(source, partition, next, &next, is_final, err));
	if (nothing) {
		int64_t seen = position + (int64_t)buffer->used;
		buffer_give(source, buffer);
		if (err && err->code) return POLL_ERROR;
		return at_end(source, partition, seen);
	}
	partition->position = next;
	if (next > partition->end) partition->end = next;
	*out = (RecordBatch){.at = buffer->records, .count = buffer->count, .partition = number, .topic = partition->path, .position_next = next};
	if (source->has_header && partition->header->count) out->header = partition->header->records[0].value, out->header_bytes = partition->header->records[0].value_bytes;
	return POLL_SOME;
}

static void file_release(Source *base, RecordBatch *records)
{
	if (records->at) buffer_give((FileSource *)base, (LineBuffer *)records->at);
	records->at = NULL;
	records->count = 0;
}

/* ---- looking ---- */

static bool file_is_caught_up(const Source *base, int number)
{
	const FileSource *source = (const FileSource *)base;
	if (number < 0 || number >= source->partition_count) return false;
	const FilePartition *partition = source->partitions[number];
	int64_t seen = partition->seen > partition->position ? partition->seen : partition->position;
	return partition->is_assigned && (partition->is_ended || seen >= size_of(partition->fd));
}

static int64_t file_end(const Source *base, int number)
{
	const FileSource *source = (const FileSource *)base;
	return number >= 0 && number < source->partition_count ? source->partitions[number]->end : -1;
}

static bool file_lost(const Source *base, int number, SourceLost *out)
{
	const FilePartition *partition = ((const FileSource *)base)->partitions[number];
	if (partition->is_lost) *out = partition->lost;
	return partition->is_lost;
}

static void file_status(const Source *base, SourceStatus *out)
{
	const FileSource *source = (const FileSource *)base;
	bool ended = source->partition_count > 0, lost = false;
	*out = (SourceStatus){.state = SOURCE_READING, .last_error = ERROR_INIT, .partition_count = source->partition_count + source->has_new};
	for (int i = 0; i < source->partition_count; i++) {
		FilePartition *partition = source->partitions[i];
		int64_t left = partition->end - partition->position;
		if (partition->is_assigned && !partition->is_ended && left > 0) out->lag += left;
		ended &= partition->is_ended;
		lost |= partition->is_lost;
		if (partition->is_lost) say_lost(partition, &out->last_error);
	}
	if (ended && !source->follows) out->state = SOURCE_ENDED;
	if (lost) out->state = SOURCE_LOST;
}

/* ---- life ---- */

static void file_close(Source *base)
{
	FileSource *source = (FileSource *)base;
	for (int i = 0; i < source->partition_count; i++) file_unassign(base, i);
	for (LineBuffer *buffer = source->buffers, *next; buffer; buffer = next) {
		next = buffer->next;
		line_buffer_free(buffer);
	}
	pthread_mutex_destroy(&source->lock);
	free(source->partitions);
	arena_release(&source->arena);
	free(source);
}

static const SourceClass FILE_CLASS = {
	.close = file_close, .know = file_know, .partitions = file_partitions, .assign = file_assign, .unassign = file_unassign, .poll = file_poll, .release = file_release,
	.is_caught_up = file_is_caught_up, .status = file_status, .end = file_end, .lost = file_lost,
};

bool connect_file_source(const SourceConfig *config, Source **out, Error *err)
{
	const OptionSet *options = config->options;
	const char *path = options_text(options, "path");
	const Format *format = config->format ? config->format : format_find(options_text(options, "format"), SPAN_NONE, err);
	if (!format) return false;
	if (!path) return error_set(err, ERR_INVALID_DEFINITION, SPAN_NONE, "option \"path\" is missing");
	FileSource *source = mem_new(FileSource);
	arena_init(&source->arena, 0);
	pthread_mutex_init(&source->lock, NULL);
	source->pattern = arena_strdup(&source->arena, path);
	source->follows = options_boolean(options, "follow");
	source->has_header = format->framing == FRAMING_CSV && options_boolean(options, "csv.header");
	source->partitions = calloc(FILES_MAX, sizeof *source->partitions);
	source->on_status = config->on_status;
	source->context = config->context;
	lines_init(&source->lines, options, format);
	source->base = (Source){.class = &FILE_CLASS, .is_bounded = !source->follows, .is_replayable = true, .fd = -1, .retry_ms = source->follows ? RETRY_MS : -1};
	*out = &source->base;
	return true;
}
