/* The Kafka source: librdkafka's simple consumer, one queue a partition.
 *
 * No group protocol: positions come from the file, so partitions are started with explicit numbers (a symbolic start costs half a
 * second) and nothing is committed. A queue of its own for each partition means that a batch never mixes partitions, that a partition
 * which nobody polls is paused (its queue fills up to its share and fetching stops), and that many threads may serve one source.
 * rd_kafka_pause_partitions() was rejected: it throws away what has been fetched.
 *
 * Where the reader stands: after a record, one behind it; at PARTITION_EOF, where the broker says the next fetch begins, which is
 * behind the transaction markers that no record shows.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "connect/kafka.h"
#include "connect/sources.h"
#include "format/json_scan.h"
#include "type/text.h"

struct KafkaBuffer {
	Record records[RECORD_BATCH_MAX];          /* first: RecordBatch.at points to it */
	rd_kafka_message_t *messages[RECORD_BATCH_MAX];
	int message_count;
	KafkaBuffer *next;
};

/* ---- headers ---- */

static const char *kafka_header_find(const Record *record, const char *name, size_t *bytes)
{
	rd_kafka_headers_t *headers;
	const void *value;
	if (rd_kafka_message_headers(record->origin, &headers)) return NULL;
	return rd_kafka_header_get_last(headers, name, &value, bytes) ? NULL : value;
}

static void add_header(const char *name, const void *value, size_t bytes, const HeadersForm *form, StrBuf *out)
{
	if (form->name) {
		strbuf_addc(out, '{');
		json_add_string(out, form->name, strlen(form->name));
		strbuf_addc(out, ':');
	}
	json_add_string(out, name, strlen(name));
	strbuf_addc(out, form->name ? ',' : ':');
	if (form->name) {
		json_add_string(out, form->value, strlen(form->value));
		strbuf_addc(out, ':');
	}
	if (value && form->base64) {
		strbuf_addc(out, '"');
		bytes_print_base64(value, bytes, out);
		strbuf_addc(out, '"');
	}
	else if (value && utf8_is_valid(value, bytes)) json_add_string(out, value, bytes);
	else strbuf_adds(out, "null");
	if (form->name) strbuf_addc(out, '}');
}

static void kafka_headers_json(const Record *record, const HeadersForm *form, StrBuf *out)
{
	rd_kafka_headers_t *headers;
	const char *name;
	const void *value;
	size_t bytes;
	strbuf_addc(out, form->name ? '[' : '{');
	if (!rd_kafka_message_headers(record->origin, &headers))
		for (size_t i = 0; !rd_kafka_header_get_all(headers, i, &name, &value, &bytes); i++) {
			if (i) strbuf_addc(out, ',');
			add_header(name, value, bytes, form, out);
		}
	strbuf_addc(out, form->name ? ']' : '}');
}

/* ---- the client ---- */

static void on_error(rd_kafka_t *client, int code, const char *reason, void *opaque)
{
	KafkaSource *source = opaque;
	(void)client;
	pthread_mutex_lock(&source->lock);
	/* "all brokers are down" follows the reason why, which says more */
	if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || !source->complaint.code) {
		source->complaint.code = code;
		snprintf(source->complaint.text, sizeof source->complaint.text, "%s", reason);
	}
	source->is_suspect = true;
	pthread_mutex_unlock(&source->lock);
}

static void client_free(KafkaSource *source)
{
	if (source->handle) rd_kafka_topic_destroy(source->handle);
	if (source->client) rd_kafka_destroy_flags(source->client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
	source->handle = NULL;
	source->client = NULL;
}

static bool client_make(KafkaSource *source, int partition_count, Error *err)
{
	rd_kafka_conf_t *conf = kafka_conf_new(&source->options, partition_count, source->queue_bytes, err);
	if (!conf) return false;
	rd_kafka_conf_set_opaque(conf, source);
	rd_kafka_conf_set_error_cb(conf, on_error);
	source->client = kafka_client_new(RD_KAFKA_CONSUMER, conf, err);
	if (!source->client) return false;
	source->handle = rd_kafka_topic_new(source->client, source->topic, NULL);
	return source->handle || error_set(err, ERR_CONNECTION, SPAN_NONE, "could not use topic \"%s\": %s", source->topic, rd_kafka_err2str(rd_kafka_last_error()));
}

static bool not_reached(KafkaSource *source, rd_kafka_resp_err_t code, Error *err)
{
	if (!source->has_watch) while (rd_kafka_poll(source->client, 0) > 0);        /* else the watch serves events */
	pthread_mutex_lock(&source->lock);
	KafkaComplaint complaint = source->complaint;
	pthread_mutex_unlock(&source->lock);
	Error error = ERROR_INIT;
	kafka_error(&error, source->brokers, source->topic, code, &complaint);
	kafka_set_state(source, SOURCE_RETRYING, &error);
	if (err && !err->code) *err = error;
	return false;
}

static bool ask_partition_count(KafkaSource *source, int *count, int timeout_ms, Error *err)
{
	const rd_kafka_metadata_t *metadata;
	rd_kafka_resp_err_t code = rd_kafka_metadata(source->client, 0, source->handle, &metadata, timeout_ms);
	if (code) return not_reached(source, code, err);
	code = metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
	*count = metadata->topic_cnt == 1 ? metadata->topics[0].partition_cnt : 0;
	rd_kafka_metadata_destroy(metadata);
	if (!code && !*count) code = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
	if (code) return not_reached(source, code, err);
	if (*count > KAFKA_PARTITIONS_MAX) return error_set(err, ERR_TOO_COMPLEX, SPAN_NONE, "topic \"%s\" has %d partitions, more than %d", source->topic, *count, KAFKA_PARTITIONS_MAX);
	return true;
}

/* ---- partitions ---- */

typedef struct Offsets { int count; int64_t *earliest, *end, *start_times, *stop_times; } Offsets;

static bool ask_all(KafkaSource *source, Offsets *offsets, int timeout_ms, Error *err)
{
	const Extent *extent = &source->extent;
	struct { bool wanted; int64_t what, *to; } asks[] = {
		{true, RD_KAFKA_OFFSET_BEGINNING, offsets->earliest}, {true, RD_KAFKA_OFFSET_END, offsets->end},
		{extent->start == START_TIMESTAMP, extent->start_us / 1000, offsets->start_times}, {extent->stop == STOP_TIMESTAMP, extent->stop_us / 1000, offsets->stop_times},
	};
	for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
		rd_kafka_resp_err_t code = asks[i].wanted ? kafka_ask_offsets(source->client, source->topic, offsets->count, asks[i].what, asks[i].to, timeout_ms) : 0;
		if (code) return not_reached(source, code, err);
	}
	return true;
}

static int64_t listed(const PartitionOffset *list, int count, int partition, int64_t otherwise)
{
	for (int i = 0; i < count; i++)
		if (list[i].partition == partition) return list[i].offset;
	return otherwise;
}

static int64_t start_of(const KafkaSource *source, const Offsets *o, int i)
{
	const Extent *extent = &source->extent;
	int64_t start = o->earliest[i];
	if (i >= source->first_count) return start;             /* what is new is read from its beginning */
	if (extent->start == START_LATEST) start = o->end[i];
	if (extent->start == START_TIMESTAMP) start = o->start_times[i] >= 0 ? o->start_times[i] : o->end[i];
	if (extent->start == START_OFFSETS) start = listed(extent->start_offsets, extent->start_offset_count, i, start);
	return start < o->earliest[i] ? o->earliest[i] : start > o->end[i] ? o->end[i] : start;
}

static int64_t stop_of(const KafkaSource *source, const Offsets *o, int i)
{
	const Extent *extent = &source->extent;
	switch (extent->stop) {
	case STOP_LATEST: return o->end[i];
	case STOP_TIMESTAMP: return o->stop_times[i] >= 0 ? o->stop_times[i] : o->end[i];
	case STOP_OFFSETS: return listed(extent->stop_offsets, extent->stop_offset_count, i, o->end[i]);
	case STOP_NEVER: break;
	}
	return SOURCE_STOP_NEVER;
}

static KafkaPartition *partition_add(KafkaSource *source, int number)
{
	KafkaPartition *partition = arena_new(&source->arena, KafkaPartition);
	partition->number = number;
	snprintf(partition->name, sizeof partition->name, "%d", number);
	partition->wake_fd = -1;
	partition->end = partition->eof = partition->check_position = -1;
	partition->stop = SOURCE_STOP_NEVER;
	source->partitions[number] = partition;
	return partition;
}

static void list_partitions(KafkaSource *source, const Offsets *o, SourcePartitions *out)
{
	if (!source->first_count) source->first_count = o->count;
	for (int i = 0; i < o->count; i++) {
		KafkaPartition *partition = source->partitions[i] ? source->partitions[i] : partition_add(source, i);
		partition->earliest = o->earliest[i];
		partition->end = o->end[i];
		vec_push(out, (SourcePartition){i, partition->name, o->earliest[i], o->end[i], start_of(source, o, i), stop_of(source, o, i)});
	}
	if (o->count > source->partition_count) source->partition_count = o->count;
	pthread_mutex_lock(&source->lock);
	source->status.partition_count = o->count;
	pthread_mutex_unlock(&source->lock);
}

static void kafka_know(Source *base, int partition, const char *name)
{
	KafkaSource *source = (KafkaSource *)base;
	(void)name;
	if (partition >= source->first_count) source->first_count = partition + 1;
}

static bool kafka_partitions(Source *base, SourcePartitions *out, int timeout_ms, Error *err)
{
	KafkaSource *source = (KafkaSource *)base;
	int count = 0;
	if (!source->client && !client_make(source, 1, err)) return false;
	if (!ask_partition_count(source, &count, timeout_ms, err)) return false;
	if (!source->has_watch && count > 1) {                   /* the queue is divided among them, and only a new client takes that */
		client_free(source);
		if (!client_make(source, count, err)) return false;
	}
	int64_t *space = mem_alloc(sizeof *space * (size_t)count * 4);
	Offsets offsets = {count, space, space + count, space + 2 * (size_t)count, space + 3 * (size_t)count};
	bool ok = ask_all(source, &offsets, timeout_ms, err);
	if (ok && count < source->partition_count)
		ok = error_set(err, ERR_POSITION_LOST, SPAN_NONE, "topic \"%s\" was made anew: it had %d partitions and has %d", source->topic, source->partition_count, count);
	if (ok) {
		list_partitions(source, &offsets, out);
		ok = kafka_watch_start(source, err);
	}
	free(space);
	SourceStatus status;
	base->class->status(base, &status);
	if (ok && status.state != SOURCE_LOST && status.state != SOURCE_ENDED) kafka_set_state(source, SOURCE_READING, NULL);
	return ok;
}

/* ---- assigning ---- */

static void kafka_unassign(Source *base, int number)
{
	KafkaSource *source = (KafkaSource *)base;
	KafkaPartition *partition = number < source->partition_count ? source->partitions[number] : NULL;
	if (!partition || !partition->queue) return;
	rd_kafka_queue_t *queue = atomic_exchange(&partition->queue, NULL);
	rd_kafka_queue_io_event_enable(queue, -1, NULL, 0);
	rd_kafka_consume_stop(source->handle, number);
	rd_kafka_queue_destroy(queue);
	partition->wake_fd = -1;
}

/* A position that is known to be gone is not asked for. */
static bool check_position(KafkaSource *source, KafkaPartition *partition, int64_t position, Error *err)
{
	bool expired = position < partition->earliest;
	if (!expired && position <= partition->end) return true;
	partition->lost = (SourceLost){position, partition->earliest, partition->end, expired ? LOST_EXPIRED : LOST_SHRUNK};
	partition->is_lost = true;
	Error error = ERROR_INIT;
	error_set(&error, ERR_POSITION_LOST, SPAN_NONE, "topic \"%s\" [%d]: position %lld is not there any more, it has %lld to %lld", source->topic, partition->number,
		(long long)position, (long long)partition->earliest, (long long)partition->end);
	kafka_set_state(source, SOURCE_LOST, &error);
	if (err && !err->code) *err = error;
	return false;
}

static bool kafka_assign(Source *base, int number, const SourceStart *start, Error *err)
{
	KafkaSource *source = (KafkaSource *)base;
	if (number < 0 || number >= source->partition_count)
		return error_set(err, ERR_POSITION_LOST, SPAN_NONE, "topic \"%s\" has no partition %d", source->topic, number);
	KafkaPartition *partition = source->partitions[number];
	kafka_unassign(base, number);
	bool was_lost = atomic_exchange(&partition->is_lost, false);
	partition->is_ended = partition->is_refused = false;
	partition->position = start->position;
	partition->stop = start->stop;
	partition->eof = start->position == partition->end ? start->position : -1;
	bool check = start->last_fingerprint && start->last_position < start->position && start->last_position >= partition->earliest;
	partition->check_position = check ? start->last_position : -1;
	partition->check_fingerprint = start->last_fingerprint;
	if (!check_position(source, partition, start->position, err)) return false;
	SourceStatus status;
	base->class->status(base, &status);
	if (was_lost || status.state == SOURCE_ENDED) kafka_set_state(source, SOURCE_READING, NULL);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(source->client);
	uint64_t one = 1;
	if (start->wake_fd >= 0) rd_kafka_queue_io_event_enable(queue, start->wake_fd, &one, sizeof one);
	if (rd_kafka_consume_start_queue(source->handle, number, check ? start->last_position : start->position, queue)) {
		rd_kafka_queue_destroy(queue);
		return error_set(err, ERR_CONNECTION, SPAN_NONE, "could not read topic \"%s\" [%d]: %s", source->topic, number, rd_kafka_err2str(rd_kafka_last_error()));
	}
	partition->wake_fd = start->wake_fd;
	partition->queue = queue;
	if (partition->position < partition->end) kafka_watch_hurry(source);
	return true;
}

/* ---- reading ---- */

static KafkaBuffer *buffer_take(KafkaSource *source)
{
	pthread_mutex_lock(&source->lock);
	KafkaBuffer *buffer = source->buffers;
	if (buffer) source->buffers = buffer->next;
	pthread_mutex_unlock(&source->lock);
	if (!buffer) buffer = mem_alloc(sizeof *buffer);
	buffer->message_count = 0;
	return buffer;
}

static void buffer_give(KafkaSource *source, KafkaBuffer *buffer)
{
	for (int i = 0; i < buffer->message_count; i++) rd_kafka_message_destroy(buffer->messages[i]);
	pthread_mutex_lock(&source->lock);
	buffer->next = source->buffers;
	source->buffers = buffer;
	pthread_mutex_unlock(&source->lock);
}

static void record_fill(Record *record, const rd_kafka_message_t *message)
{
	rd_kafka_timestamp_type_t type;
	int64_t ms = rd_kafka_message_timestamp(message, &type);
	*record = (Record){
		.value = message->payload, .value_bytes = (uint32_t)message->len, .key = message->key, .key_bytes = (uint32_t)message->key_len,
		.position = message->offset, .timestamp_us = type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || ms < 0 ? TIMESTAMP_NONE : ms * 1000, .origin = message,
	};
}

static void take_error(KafkaSource *source, KafkaPartition *partition, const rd_kafka_message_t *message)
{
	switch (message->err) {
	case RD_KAFKA_RESP_ERR__PARTITION_EOF:
		if (message->offset > partition->position) partition->position = message->offset;
		if (partition->position > partition->end) partition->end = partition->position;
		partition->eof = partition->position;
		return;
	case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET: case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
		partition->is_refused = true;
		kafka_watch_hurry(source);
		return;
	default:
		on_error(source->client, message->err, rd_kafka_message_errstr(message), source);
		kafka_watch_hurry(source);
	}
}

static void set_recreated(KafkaSource *source, KafkaPartition *partition)
{
	partition->lost = (SourceLost){partition->position, partition->earliest, partition->end, LOST_RECREATED};
	partition->is_lost = true;
	Error error = ERROR_INIT;
	error_set(&error, ERR_POSITION_LOST, SPAN_NONE, "topic \"%s\" [%d] was made anew: another record stands at position %lld; it has %lld to %lld", source->topic,
		partition->number, (long long)partition->check_position, (long long)partition->earliest, (long long)partition->end);
	kafka_set_state(source, SOURCE_LOST, &error);
}

/* The first message after an assignment with a fingerprint. */
static bool is_same_topic(KafkaPartition *partition, const Record *record)
{
	bool same = record->position != partition->check_position || record_fingerprint(record) == partition->check_fingerprint;
	if (same) partition->check_position = -1;
	return same;
}

/* Messages to records; what is below the position has been read, what is at or behind the stop is not wanted. */
static int sort_messages(KafkaSource *source, KafkaPartition *partition, KafkaBuffer *buffer)
{
	int count = 0;
	for (int i = 0; i < buffer->message_count; i++) {
		const rd_kafka_message_t *message = buffer->messages[i];
		if (message->err) { take_error(source, partition, message); continue; }
		if (message->offset >= partition->stop) { partition->is_ended = true; break; }
		record_fill(&buffer->records[count], message);
		if (partition->check_position >= 0 && !is_same_topic(partition, &buffer->records[count])) { set_recreated(source, partition); break; }
		if (message->offset < partition->position) continue;
		partition->position = message->offset + 1;
		count++;
	}
	if (partition->position >= partition->stop) partition->is_ended = true;
	if (partition->is_ended) partition->position = partition->stop;
	return count;
}

static void end_if_all_ended(KafkaSource *source)
{
	for (int i = 0; i < source->partition_count; i++)
		if (!source->partitions[i]->is_ended) return;
	kafka_set_state(source, SOURCE_ENDED, NULL);
}

static Poll lost_error(KafkaSource *source, KafkaPartition *partition, Error *err)
{
	pthread_mutex_lock(&source->lock);
	Error error = source->status.last_error;
	pthread_mutex_unlock(&source->lock);
	if (error.code == ERR_POSITION_LOST && err && !err->code) *err = error;
	else error_set(err, ERR_POSITION_LOST, SPAN_NONE, "topic \"%s\" [%d]: position %lld is not there any more", source->topic, partition->number, (long long)partition->lost.wanted);
	return POLL_ERROR;
}

static Poll kafka_poll(Source *base, int number, int max, RecordBatch *out, Error *err)
{
	KafkaSource *source = (KafkaSource *)base;
	KafkaPartition *partition = source->partitions[number];
	if (partition->is_lost) return lost_error(source, partition, err);
	if (partition->is_ended) return POLL_END;
	if (!partition->queue) return POLL_NOTHING;
	if (partition->position >= partition->stop) {
		partition->is_ended = true;
		end_if_all_ended(source);
		return POLL_END;
	}
	int64_t before = partition->position;
	KafkaBuffer *buffer = buffer_take(source);
	if (max > RECORD_BATCH_MAX) max = RECORD_BATCH_MAX;
	ssize_t got = rd_kafka_consume_batch_queue(partition->queue, 0, buffer->messages, (size_t)max);
	buffer->message_count = got > 0 ? (int)got : 0;
	int count = sort_messages(source, partition, buffer);
	if (got == max && partition->position >= partition->end) kafka_watch_hurry(source);
	if (partition->is_ended) end_if_all_ended(source);
	if (!count && (partition->position == before || partition->is_lost)) {
		buffer_give(source, buffer);
		/* dropped messages are no reason to sleep: the queue may hold more */
		if (partition->is_lost) return lost_error(source, partition, err);
		if (got < max) return partition->is_ended ? POLL_END : POLL_NOTHING;
		*out = (RecordBatch){.at = NULL, .partition = number, .topic = source->topic, .position_next = before};
		return POLL_SOME;
	}
	*out = (RecordBatch){
		.at = buffer->records, .count = count, .partition = number, .topic = source->topic, .position_next = partition->position,
		.headers_json = kafka_headers_json, .header_find = kafka_header_find,
	};
	return POLL_SOME;
}

static void kafka_release(Source *base, RecordBatch *records)
{
	if (records->at) buffer_give((KafkaSource *)base, (KafkaBuffer *)records->at);
	records->at = NULL;
	records->count = 0;
}

/* ---- looking ---- */

static KafkaPartition *partition_at(const Source *base, int number)
{
	const KafkaSource *source = (const KafkaSource *)base;
	return number >= 0 && number < source->partition_count ? source->partitions[number] : NULL;
}

static bool kafka_is_caught_up(const Source *base, int number)
{
	KafkaPartition *partition = partition_at(base, number);
	if (!partition || !partition->queue || partition->is_lost) return false;
	if (partition->is_ended) return true;
	if (partition->position < partition->end || rd_kafka_queue_length(partition->queue) > 0) return false;
	if (partition->eof == partition->position) return true;
	/* no EOF yet, but the last answer said that there was no more; with open transactions the high watermark is never reached */
	const KafkaSource *source = (const KafkaSource *)base;
	int64_t low, high;
	return !rd_kafka_get_watermark_offsets(source->client, source->topic, number, &low, &high) && high >= 0 && partition->position >= high;
}

static int64_t kafka_end(const Source *base, int number)
{
	KafkaPartition *partition = partition_at(base, number);
	return partition ? partition->end : -1;
}

static bool kafka_lost(const Source *base, int number, SourceLost *out)
{
	KafkaPartition *partition = partition_at(base, number);
	if (!partition || !partition->is_lost) return false;
	*out = partition->lost;
	return true;
}

static void kafka_status(const Source *base, SourceStatus *out)
{
	KafkaSource *source = (KafkaSource *)base;
	pthread_mutex_lock(&source->lock);
	*out = source->status;
	pthread_mutex_unlock(&source->lock);
	out->lag = source->partition_count ? 0 : -1;
	for (int i = 0; i < source->partition_count; i++) {
		const KafkaPartition *partition = source->partitions[i];
		if (partition->queue && partition->end > partition->position) out->lag += partition->end - partition->position;
	}
}

/* ---- life ---- */

static void copy_options(KafkaSource *source, const OptionSet *options)
{
	Arena *arena = &source->arena;
	source->options = (OptionSet){arena_array(arena, Option, options->count + 1), options->count};
	for (int i = 0; i < options->count; i++)
		source->options.at[i] = (Option){arena_strdup(arena, options->at[i].name), arena_strdup(arena, options->at[i].value), options->at[i].span};
}

static bool kafka_refresh(Source *base, const OptionSet *options, Error *err)
{
	KafkaSource *source = (KafkaSource *)base;
	copy_options(source, options);
	rd_kafka_conf_t *conf = kafka_conf_new(&source->options, 1, source->queue_bytes, err);
	if (!conf) return false;
	char user[512] = "", password[4096] = "";
	size_t user_bytes = sizeof user, password_bytes = sizeof password;
	bool has = !rd_kafka_conf_get(conf, "sasl.username", user, &user_bytes) && !rd_kafka_conf_get(conf, "sasl.password", password, &password_bytes) && *user && *password;
	rd_kafka_conf_destroy(conf);
	rd_kafka_error_t *error = has && source->client ? rd_kafka_sasl_set_credentials(source->client, user, password) : NULL;
	explicit_bzero(password, sizeof password);
	if (!error) return true;
	error_set(err, ERR_CONNECTION, SPAN_NONE, "could not change credentials for \"%s\": %s", source->brokers, rd_kafka_error_string(error));
	rd_kafka_error_destroy(error);
	return false;
}

static void kafka_close(Source *base)
{
	KafkaSource *source = (KafkaSource *)base;
	kafka_watch_stop(source);
	for (int i = 0; i < source->partition_count; i++) kafka_unassign(base, i);
	client_free(source);
	for (KafkaBuffer *buffer = source->buffers, *next; buffer; buffer = next) {
		next = buffer->next;
		free(buffer);
	}
	pthread_mutex_destroy(&source->lock);
	free(source->partitions);
	for (int i = 0; i < source->options.count; i++)
		explicit_bzero((char *)source->options.at[i].value, strlen(source->options.at[i].value));
	arena_release(&source->arena);
	free(source);
}

static const SourceClass KAFKA_CLASS = {
	.close = kafka_close, .know = kafka_know, .partitions = kafka_partitions, .assign = kafka_assign, .unassign = kafka_unassign, .poll = kafka_poll, .release = kafka_release,
	.is_caught_up = kafka_is_caught_up, .status = kafka_status, .end = kafka_end, .lost = kafka_lost, .refresh = kafka_refresh,
};

bool connect_kafka_source(const SourceConfig *config, Source **out, Error *err)
{
	KafkaSource *source = mem_new(KafkaSource);
	source->base = (Source){.class = &KAFKA_CLASS, .is_replayable = true, .fd = -1, .retry_ms = 1000};
	arena_init(&source->arena, 0);
	copy_options(source, config->options);
	pthread_mutex_init(&source->lock, NULL);
	source->watch_fd = -1;
	source->name = arena_strdup(&source->arena, config->name);
	source->on_status = config->on_status;
	source->context = config->context;
	source->queue_bytes = config->queue_bytes ? config->queue_bytes : options_integer(&source->options, "queue_limit");
	source->partitions = calloc(KAFKA_PARTITIONS_MAX, sizeof *source->partitions);        /* untouched pages cost nothing */
	const char *topic = options_text(&source->options, "topic"), *brokers = options_text(&source->options, "brokers");
	source->topic = arena_strdup(&source->arena, topic ? topic : "");
	source->brokers = arena_strdup(&source->arena, brokers ? brokers : "");
	rd_kafka_conf_t *conf = NULL;
	bool ok = topic && brokers ? options_extent(&source->arena, &source->options, &source->extent, err)
		: error_set(err, ERR_INVALID_DEFINITION, SPAN_NONE, "option \"%s\" is missing", topic ? "brokers" : "topic");
	if (ok) conf = kafka_conf_new(&source->options, 1, source->queue_bytes, err);          /* what cannot be is said now, not later */
	if (conf) {
		rd_kafka_conf_destroy(conf);
		source->base.is_bounded = source->extent.stop != STOP_NEVER;
		*out = &source->base;
		return true;
	}
	kafka_close(&source->base);
	return false;
}
