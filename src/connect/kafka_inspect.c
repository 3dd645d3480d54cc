/* SHOW TOPICS */
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "connect/inspect.h"
#include "connect/kafka.h"

static int by_name(const void *a, const void *b) { return strcmp(((const TopicInfo *)a)->name, ((const TopicInfo *)b)->name); }

static void remember(rd_kafka_t *client, int code, const char *reason, void *opaque)
{
	KafkaComplaint *complaint = opaque;
	(void)client;
	if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && complaint->code) return;
	complaint->code = code;
	strncpy(complaint->text, reason, sizeof complaint->text - 1);
}

static void list_topics(Arena *arena, const rd_kafka_metadata_t *metadata, TopicList *out)
{
	*out = (TopicList){0};
	for (int i = 0; i < metadata->topic_cnt; i++) {
		const rd_kafka_metadata_topic_t *topic = &metadata->topics[i];
		if (strncmp(topic->topic, "__", 2) == 0) continue;
		vec_push_in(arena, out, (TopicInfo){arena_strdup(arena, topic->topic), topic->partition_cnt, topic->partition_cnt ? topic->partitions[0].replica_cnt : 0});
	}
	if (out->count) qsort(out->at, (size_t)out->count, sizeof *out->at, by_name);
}

bool kafka_topics(Arena *arena, const OptionSet *options, TopicList *out, int timeout_ms, Error *err)
{
	const char *brokers = options_text(options, "brokers");
	KafkaComplaint complaint = {0};
	const rd_kafka_metadata_t *metadata;
	rd_kafka_conf_t *conf = kafka_conf_new(options, 1, KAFKA_QUEUE_BYTES, err);
	if (!conf) return false;
	rd_kafka_conf_set_opaque(conf, &complaint);
	rd_kafka_conf_set_error_cb(conf, remember);
	rd_kafka_t *client = kafka_client_new(RD_KAFKA_CONSUMER, conf, err);
	if (!client) return false;
	rd_kafka_resp_err_t code = rd_kafka_metadata(client, 1, NULL, &metadata, timeout_ms);
	while (code && rd_kafka_poll(client, 0) > 0);
	if (!code) {
		list_topics(arena, metadata, out);
		rd_kafka_metadata_destroy(metadata);
	} else if (err && !err->code) {
		error_set(err, ERR_CONNECTION, SPAN_NONE, "could not reach brokers \"%s\": %s", brokers, complaint.code ? complaint.text : rd_kafka_err2str(code));
		err->retryable = true;
	}
	rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
	return !code;
}
