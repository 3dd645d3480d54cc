/* What the Kafka files share. kafka_config.c makes librdkafka's configuration, kafka.c the source, kafka_watch.c the thread beside it,
 * kafka_inspect.c looks at topics without a stream.
 */
#ifndef WEIR_CONNECT_KAFKA_H
#define WEIR_CONNECT_KAFKA_H

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>

#include "connect/connector.h"

enum { KAFKA_PARTITIONS_MAX = 16384, KAFKA_QUEUE_BYTES = 32 << 20 };

/* Fills conf from the options. partition_count divides the memory for records fetched ahead. NULL and err set. */
rd_kafka_conf_t *kafka_conf_new(const OptionSet *options, int partition_count, int64_t queue_bytes, Error *err);
/* The client; takes conf. */
rd_kafka_t *kafka_client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, Error *err);
/* Whether this librdkafka asks again by itself when its queue has room (from 2.2 on). */
bool kafka_has_queue_backoff(void);
/* User name and password of a JAAS line of Java's clients; false: there are none. */
bool kafka_jaas_parse(const char *line, char *user, size_t user_bytes, char *password, size_t password_bytes);

/* The last thing that librdkafka complained about, for a better text than "timed out". */
typedef struct KafkaComplaint { rd_kafka_resp_err_t code; char text[384]; } KafkaComplaint;
/* Says what went wrong with the brokers or the topic: ERR_CONNECTION or ERR_NO_TOPIC, retryable. false always. */
bool kafka_error(Error *err, const char *brokers, const char *topic, rd_kafka_resp_err_t code, const KafkaComplaint *complaint);

typedef struct KafkaPartition {
	int number;
	char name[12];
	rd_kafka_queue_t *_Atomic queue;      /* NULL: not assigned */
	_Atomic int wake_fd;
	_Atomic int64_t position;     /* next record to hand out */
	_Atomic int64_t end;          /* position after the last record, as last heard; -1: unknown */
	_Atomic int64_t eof;          /* the reader's position when it last saw all there was; -1: never */
	_Atomic int64_t earliest;     /* as last heard */
	int64_t stop;
	int64_t check_position;       /* the record there must have this fingerprint; -1: nothing to check */
	uint64_t check_fingerprint;
	_Atomic bool is_ended, is_refused /* the broker says the position is out of range: the watch finds out why */, is_lost;
	SourceLost lost;              /* valid once is_lost */
} KafkaPartition;

typedef struct KafkaBuffer KafkaBuffer;

typedef struct KafkaSource {
	Source base;
	Arena arena;
	char *name, *brokers, *topic;
	OptionSet options;            /* own copy, resolved: holds secrets */
	Extent extent;
	int64_t queue_bytes;
	rd_kafka_t *client;
	rd_kafka_topic_t *handle;
	KafkaPartition **partitions;  /* KAFKA_PARTITIONS_MAX places, filled once each */
	_Atomic int partition_count;
	int first_count;              /* partitions of an earlier run, or when first asked: later ones are new */
	void (*on_status)(void *context, const SourceStatus *status);
	void *context;
	/* the watch */
	pthread_t watch;
	bool has_watch;
	rd_kafka_queue_t *main_queue;
	int watch_fd;                 /* eventfd: events of the main queue, or stop */
	atomic_bool is_stopping, is_hurried;
	/* below: under lock */
	pthread_mutex_t lock;
	KafkaBuffer *buffers;         /* free ones */
	SourceStatus status;
	KafkaComplaint complaint;
	bool is_suspect;              /* a complaint came in and has not been checked */
} KafkaSource;

/* Changes the state and tells on_status, if it is news. error NULL: all is well. */
void kafka_set_state(KafkaSource *source, SourceState state, const Error *error);

/* Asks for the ends (END) or beginnings (BEGINNING) or positions at a time of all partitions at once. */
rd_kafka_resp_err_t kafka_ask_offsets(rd_kafka_t *client, const char *topic, int partition_count, int64_t what, int64_t *offsets, int timeout_ms);

bool kafka_watch_start(KafkaSource *source, Error *err);
void kafka_watch_stop(KafkaSource *source);
void kafka_watch_hurry(KafkaSource *source);      /* the reader is behind */

#endif
