/* Samples of a source: the first or last records of all its partitions, copied. */
#include "connect/inspect.h"

#include <ctype.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/vec.h"
#include "type/calendar.h"
#include "type/text.h"

enum { TAIL_BYTES = 256 << 10, WAIT_MS = 100 };

typedef struct Sampler {
	Arena *arena;
	Source *source;
	int wake_fd;
	int64_t deadline_us;
	bool by_bytes;                /* positions count bytes, not records */
	SampleFrom from;
	int wanted;                   /* of each partition */
	VEC(Record) records;          /* of the partition that is read */
} Sampler;

static char *copy(Arena *arena, const char *at, uint32_t bytes) { return at ? arena_strndup(arena, at, bytes) : NULL; }

static void keep(Sampler *s, const RecordBatch *batch)
{
	for (int i = 0; i < batch->count; i++) {
		Record record = batch->at[i];
		record.value = copy(s->arena, record.value, record.value_bytes);
		record.key = copy(s->arena, record.key, record.key_bytes);
		record.origin = NULL;
		vec_push_in(s->arena, &s->records, record);
	}
}

static void wait_for_more(Sampler *s)
{
	struct pollfd ready[2] = {{.fd = s->wake_fd, .events = POLLIN}, {.fd = source_fd(s->source), .events = POLLIN}};
	uint64_t count;
	poll(ready, ready[1].fd >= 0 ? 2 : 1, WAIT_MS);
	if (read(s->wake_fd, &count, sizeof count) < 0) return;
}

static int64_t sample_start(const Sampler *s, const SourcePartition *partition)
{
	if (s->from == SAMPLE_FIRST) return partition->earliest;
	int64_t start = partition->end - (s->by_bytes ? TAIL_BYTES : s->wanted);
	return start < partition->earliest ? partition->earliest : start;
}

static bool enough(const Sampler *s) { return s->from == SAMPLE_FIRST && s->records.count >= s->wanted; }

/* Reads one partition; what does not come in time is not there. */
static bool read_partition(Sampler *s, const SourcePartition *partition, Error *err)
{
	int64_t start = sample_start(s, partition);
	s->records.at = NULL, s->records.count = s->records.room = 0;
	if (start >= partition->end && partition->stop != SOURCE_STOP_NEVER) return true;
	if (!source_assign(s->source, partition->partition, &(SourceStart){.position = start, .stop = source_is_replayable(s->source) ? partition->end : SOURCE_STOP_NEVER,
		.wake_fd = s->wake_fd, .last_position = -1}, err)) return false;
	Poll poll = POLL_NOTHING;
	while (!enough(s) && clock_monotonic_us() < s->deadline_us) {
		RecordBatch batch;
		poll = source_poll(s->source, partition->partition, RECORD_BATCH_MAX, &batch, err);
		if (poll == POLL_END || poll == POLL_ERROR) break;
		if (poll == POLL_NOTHING) { wait_for_more(s); continue; }
		keep(s, &batch);
		source_release(s->source, &batch);
	}
	source_unassign(s->source, partition->partition);
	/* the tail of a file begins in the middle of a line */
	int skip = s->from == SAMPLE_LAST && s->by_bytes && start > 0 && s->records.count ? 1 : 0, count = s->records.count - skip;
	int drop = s->from == SAMPLE_LAST && count > s->wanted ? count - s->wanted : 0;
	s->records.at += skip + drop;
	s->records.count = count - drop > s->wanted ? s->wanted : count - drop;
	return poll != POLL_ERROR;
}

static bool sample_all(Sampler *s, int records, int timeout_ms, Sample *out, Error *err)
{
	SourcePartitions partitions = {0};
	bool ok = source_partitions(s->source, &partitions, timeout_ms, err);
	for (int i = 0; ok && i < partitions.count; i++) {
		s->wanted = records / partitions.count + (i < records % partitions.count);
		if (!s->wanted) break;
		ok = read_partition(s, &partitions.at[i], err);
		out->records_there += partitions.at[i].end - partitions.at[i].earliest;
		out->records += s->records.count;
		RecordBatch batch = {.at = s->records.at, .count = s->records.count, .partition = partitions.at[i].partition, .topic = arena_strdup(s->arena, partitions.at[i].name)};
		if (ok && batch.count) vec_push_in(s->arena, out, batch);
	}
	vec_release(&partitions);
	return ok;
}

bool source_sample(Arena *arena, const SourceConfig *config, SampleFrom from, int records, int timeout_ms, Sample *out, Error *err)
{
	Sampler s = {.arena = arena, .from = from, .deadline_us = clock_monotonic_us() + (int64_t)timeout_ms * 1000};
	*out = (Sample){0};
	if (!source_open(config, &s.source, err)) return false;
	if (source_makes_batches(s.source)) {
		source_close(s.source);
		return error_set(err, ERR_UNSUPPORTED, SPAN_NONE, "a generator has no records to look at; select from a stream on it");
	}
	s.by_bytes = strcmp(options_text(config->options, "connector"), "file") == 0;
	s.wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	bool ok = s.wake_fd >= 0 ? sample_all(&s, records, timeout_ms, out, err) : error_set(err, ERR_IO, SPAN_NONE, "could not make an event descriptor");
	source_close(s.source);
	if (s.wake_fd >= 0) close(s.wake_fd);
	return ok;
}

/* ---- PRINT ---- */

static void print_bytes(const char *at, size_t bytes, StrBuf *out)
{
	if (!at) { strbuf_adds(out, "NULL"); return; }
	bool text = utf8_is_valid(at, bytes);
	for (size_t i = 0; i < bytes; i++) {
		unsigned char c = (unsigned char)at[i];
		if (c == '\n') strbuf_adds(out, "\\n");
		else if (c == '\r') strbuf_adds(out, "\\r");
		else if (c == '\t') strbuf_adds(out, "\\t");
		else if (c < 0x20 || c == 0x7f || (!text && c >= 0x80)) strbuf_printf(out, "\\x%02x", c);
		else strbuf_addc(out, (char)c);
	}
}

void sample_print(const Sample *sample, StrBuf *out)
{
	for (int b = 0; b < sample->count; b++)
		for (int i = 0; i < sample->at[b].count; i++) {
			const Record *record = &sample->at[b].at[i];
			strbuf_printf(out, "partition %d, offset %lld", sample->at[b].partition, (long long)record->position);
			if (record->timestamp_us != TIMESTAMP_NONE) {
				strbuf_adds(out, ", time ");
				value_print(&(Value){.type = TYPE(TIMESTAMP), .i64 = record->timestamp_us}, out);
			}
			if (record->key) {
				strbuf_adds(out, ", key ");
				print_bytes(record->key, record->key_bytes, out);
			}
			strbuf_adds(out, ", value ");
			print_bytes(record->value, record->value_bytes, out);
			strbuf_addc(out, '\n');
		}
}
