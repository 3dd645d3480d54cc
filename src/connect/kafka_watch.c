/* The thread beside a Kafka source.
 *
 * It serves librdkafka's events, checks complaints (a connection that comes back at once is no news), sees new partitions, finds
 * out why a position was refused, and, while the reader is behind, asks the brokers every 20 ms where the partitions end. That question
 * is how lag is known; and in librdkafka before 2.2 it wakes the broker's thread, which otherwise looks only once a second whether
 * its queue has room again: 1.8 M events/s would be 0.3.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "connect/kafka.h"

enum { BEHIND_MS = 20, RELAXED_MS = 1000, ASK_TIMEOUT_MS = 1000, METADATA_EVERY_US = 30 * 1000000 };

typedef struct Watch { KafkaSource *source; bool asks_while_behind; int64_t metadata_us; } Watch;

void kafka_set_state(KafkaSource *source, SourceState state, const Error *error)
{
	pthread_mutex_lock(&source->lock);
	SourceStatus *status = &source->status;
	bool news = status->state != state || (error && strcmp(status->last_error.message, error->message) != 0);
	if (state == SOURCE_RETRYING) {
		status->retries++;
		if (!status->retry_since_us) status->retry_since_us = clock_wall_us();
	} else status->retry_since_us = 0;
	status->state = state;
	status->last_error = error ? *error : ERROR_INIT;
	SourceStatus told = *status;
	pthread_mutex_unlock(&source->lock);
	told.partition_count = source->partition_count;
	told.lag = -1;
	if (news && source->on_status) source->on_status(source->context, &told);
}

rd_kafka_resp_err_t kafka_ask_offsets(rd_kafka_t *client, const char *topic, int partition_count, int64_t what, int64_t *offsets, int timeout_ms)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partition_count);
	for (int i = 0; i < partition_count; i++) {
		rd_kafka_topic_partition_list_add(list, topic, i)->offset = what;
		offsets[i] = -1;
	}
	rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(client, list, timeout_ms);
	for (int i = 0; i < list->cnt && !code; i++) {
		int partition = list->elems[i].partition;
		if (list->elems[i].err) code = list->elems[i].err;
		else if (partition >= 0 && partition < partition_count) offsets[partition] = list->elems[i].offset;
	}
	rd_kafka_topic_partition_list_destroy(list);
	return code;
}

static void wake_reader(const KafkaPartition *partition)
{
	uint64_t one = 1;
	if (partition->wake_fd >= 0 && write(partition->wake_fd, &one, sizeof one) < 0) return;   /* full: it is awake */
}

/* Ends of all partitions; also the test whether the brokers answer. */
static bool ask_ends(KafkaSource *source)
{
	int count = source->partition_count;
	int64_t *ends = mem_alloc(sizeof *ends * (size_t)count);
	rd_kafka_resp_err_t code = kafka_ask_offsets(source->client, source->topic, count, RD_KAFKA_OFFSET_END, ends, ASK_TIMEOUT_MS);
	for (int i = 0; i < count && !code; i++)
		if (ends[i] >= 0) source->partitions[i]->end = ends[i];
	free(ends);
	if (source->is_stopping) return false;
	pthread_mutex_lock(&source->lock);
	KafkaComplaint complaint = source->complaint;
	SourceState state = source->status.state;
	source->is_suspect = code != 0;
	if (!code) source->complaint.code = 0;
	pthread_mutex_unlock(&source->lock);
	if (code) {
		Error error = ERROR_INIT;
		kafka_error(&error, source->brokers, source->topic, code, &complaint);
		kafka_set_state(source, SOURCE_RETRYING, &error);
	} else if (state == SOURCE_RETRYING || state == SOURCE_CONNECTING) kafka_set_state(source, SOURCE_READING, NULL);
	return !code;
}

static void set_lost(KafkaSource *source, KafkaPartition *partition, int64_t earliest, int64_t end)
{
	int64_t wanted = partition->position;
	partition->lost = (SourceLost){wanted, earliest, end, wanted < earliest ? LOST_EXPIRED : LOST_SHRUNK};
	partition->is_lost = true;
	partition->is_refused = false;
	Error error = ERROR_INIT;
	error_set(&error, ERR_POSITION_LOST, SPAN_NONE, "topic \"%s\" [%d]: position %lld is not there any more, it has %lld to %lld", source->topic,
		partition->number, (long long)wanted, (long long)earliest, (long long)end);
	kafka_set_state(source, SOURCE_LOST, &error);
	wake_reader(partition);
}

/* The broker refused a position: it is gone, or a leader that was behind has been replaced by now and it can be read on. */
static void judge_refused(KafkaSource *source, KafkaPartition *partition)
{
	int64_t earliest, end;
	rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(source->client, source->topic, partition->number, &earliest, &end, ASK_TIMEOUT_MS);
	if (code || source->is_stopping) return;
	partition->earliest = earliest;
	partition->end = end;
	if (partition->position < earliest || partition->position > end) { set_lost(source, partition, earliest, end); return; }
	partition->is_refused = false;
	rd_kafka_seek(source->handle, partition->number, partition->position, 0);
}

static void look_for_partitions(Watch *watch)
{
	KafkaSource *source = watch->source;
	const rd_kafka_metadata_t *metadata;
	int64_t now = clock_monotonic_us();
	if (now - watch->metadata_us < METADATA_EVERY_US) return;
	watch->metadata_us = now;
	if (rd_kafka_metadata(source->client, 0, source->handle, &metadata, ASK_TIMEOUT_MS)) return;
	int count = metadata->topic_cnt == 1 && !metadata->topics[0].err ? metadata->topics[0].partition_cnt : 0;
	rd_kafka_metadata_destroy(metadata);
	if (!count) return;
	pthread_mutex_lock(&source->lock);
	bool news = count > source->partition_count && count != source->status.partition_count;
	source->status.partition_count = count;
	SourceStatus told = source->status;
	pthread_mutex_unlock(&source->lock);
	told.lag = -1;
	if (news && source->on_status) source->on_status(source->context, &told);
}

static bool is_behind(const KafkaSource *source)
{
	for (int i = 0; i < source->partition_count; i++) {
		KafkaPartition *partition = source->partitions[i];
		if (partition->queue && !partition->is_ended && !partition->is_lost && partition->position < partition->end) return true;
	}
	return false;
}

static void watch_once(Watch *watch)
{
	KafkaSource *source = watch->source;
	pthread_mutex_lock(&source->lock);
	bool suspect = source->is_suspect || source->status.state == SOURCE_RETRYING || source->status.state == SOURCE_CONNECTING;
	pthread_mutex_unlock(&source->lock);
	bool hurried = atomic_exchange(&source->is_hurried, false);
	if (suspect || hurried || (watch->asks_while_behind && is_behind(source))) ask_ends(source);
	for (int i = 0; i < source->partition_count && !source->is_stopping; i++)
		if (source->partitions[i]->is_refused) judge_refused(source, source->partitions[i]);
	if (!source->is_stopping) look_for_partitions(watch);
}

static void *watch_run(void *argument)
{
	Watch watch = {.source = argument, .asks_while_behind = !kafka_has_queue_backoff(), .metadata_us = clock_monotonic_us()};
	KafkaSource *source = watch.source;
	while (!source->is_stopping) {
		bool behind = watch.asks_while_behind && is_behind(source);
		struct pollfd wait = {.fd = source->watch_fd, .events = POLLIN};
		uint64_t count;
		if (poll(&wait, 1, behind ? BEHIND_MS : RELAXED_MS) > 0 && read(source->watch_fd, &count, sizeof count) < 0 && errno != EAGAIN) break;
		while (!source->is_stopping && rd_kafka_poll(source->client, 0) > 0);
		if (!source->is_stopping) watch_once(&watch);
	}
	return NULL;
}

static void watch_signal(KafkaSource *source)
{
	uint64_t one = 1;
	if (write(source->watch_fd, &one, sizeof one) < 0) log_write(LOG_DEBUG, "Kafka watch is awake already");
}

void kafka_watch_hurry(KafkaSource *source)
{
	if (!atomic_exchange(&source->is_hurried, true)) watch_signal(source);
}

bool kafka_watch_start(KafkaSource *source, Error *err)
{
	if (source->has_watch) return true;
	uint64_t one = 1;
	source->is_stopping = false;
	source->watch_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (source->watch_fd < 0) return error_set(err, ERR_IO, SPAN_NONE, "could not make an event descriptor: %s", strerror(errno));
	source->main_queue = rd_kafka_queue_get_main(source->client);
	rd_kafka_queue_io_event_enable(source->main_queue, source->watch_fd, &one, sizeof one);
	if (pthread_create(&source->watch, NULL, watch_run, source)) return error_set(err, ERR_OUT_OF_MEMORY, SPAN_NONE, "could not start a thread for topic \"%s\"", source->topic);
	return source->has_watch = true;
}

void kafka_watch_stop(KafkaSource *source)
{
	if (source->has_watch) {
		source->is_stopping = true;
		watch_signal(source);
		pthread_join(source->watch, NULL);
		source->has_watch = false;
	}
	if (source->main_queue) {
		rd_kafka_queue_io_event_enable(source->main_queue, -1, NULL, 0);
		rd_kafka_queue_destroy(source->main_queue);
		source->main_queue = NULL;
	}
	if (source->watch_fd >= 0) close(source->watch_fd);
	source->watch_fd = -1;
}
