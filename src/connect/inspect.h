/* Looking into sources without a stream: SHOW TOPICS, PRINT 'topic', PEEK 'topic'. */
#ifndef WEIR_CONNECT_INSPECT_H
#define WEIR_CONNECT_INSPECT_H

#include "connect/connector.h"

typedef struct TopicInfo { const char *name; int partitions; int replicas; } TopicInfo;
typedef struct TopicList { TopicInfo *at; int count, room; } TopicList;       /* strings and array in the arena */

/* Sorted by name, without those that Kafka keeps for itself. options: resolved; `brokers` and security. */
bool kafka_topics(Arena *arena, const OptionSet *options, TopicList *out, int timeout_ms, Error *err);

typedef enum SampleFrom { SAMPLE_FIRST, SAMPLE_LAST } SampleFrom;
typedef struct Sample {
	RecordBatch *at;              /* copies in the arena, one batch a partition, ascending positions */
	int count, room;
	int64_t records;
	int64_t records_there;        /* in all partitions, as far as positions tell */
} Sample;

/* Reads at most `records` records, spread over the partitions, from the beginning or the end of what is there now. Any
 * connector with records; waits at most timeout_ms in all. */
bool source_sample(Arena *arena, const SourceConfig *config, SampleFrom from, int records, int timeout_ms, Sample *out, Error *err);

/* One line a record: partition, position, timestamp, key, value; bytes that are no text are escaped. */
void sample_print(const Sample *sample, StrBuf *out);

/* The CREATE STREAM that reads the sample's JSON records: names, types with nested ROWs, the event-time column and a watermark
 * from the disorder seen. options: as written, for the WITH clause. */
bool sample_guess(const Sample *sample, const char *stream_name, const OptionSet *options, StrBuf *out, Error *err);

#endif
