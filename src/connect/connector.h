/* Connectors: how records come in and changes go out. One row of connectors.def each.
 *
 * A Source reads one relation for one lane. It has partitions; each has a position, the place where to read next: Kafka the
 * next offset, files the next byte, generators the next event. The runtime keeps positions, the source only moves on.
 *
 *     Source *source;
 *     if (!source_open(&config, &source, err)) ...                     // no network, no waiting: only the definition is checked
 *     SourcePartitions partitions = {0};
 *     if (!source_partitions(source, &partitions, 1000, err)) ...      // may wait; err->retryable: ask again later
 *     source_assign(source, partition, &(SourceStart){.position = position, .wake_fd = fd}, err);
 *     while ((poll = source_poll(source, partition, RECORD_BATCH_MAX, &records, err)) == POLL_SOME) {
 *         ... decode ...
 *         source_release(source, &records);
 *     }
 *
 * Polling never waits. A partition that is not polled is paused: it holds at most its share of `queue_bytes` and reads no
 * further. When poll says POLL_NOTHING the reader sleeps in poll(2) on wake_fd and on source_fd(), at most retry_ms.
 *
 * Threads: open, partitions, assign, close belong to the control thread (one at a time). Polling and releasing one partition
 * belongs to one thread at a time; different partitions may be polled by different threads. source_status() may be called
 * by any thread. on_status is called on any thread, with no lock held, and must not call back into the source.
 *
 * Losing the connection is no error: the source goes on trying with backoff, polls give POLL_NOTHING, the status says so.
 */
#ifndef WEIR_CONNECT_CONNECTOR_H
#define WEIR_CONNECT_CONNECTOR_H

#include "catalog/options.h"
#include "format/format.h"

typedef struct Source Source;
typedef struct Sink Sink;

/* ---- sources ---- */
typedef enum SourceState {
	SOURCE_CONNECTING,            /* nothing heard yet */
	SOURCE_READING,
	SOURCE_RETRYING,              /* connection lost or refused: last_error, retry_since_us */
	SOURCE_LOST,                  /* a partition's position is not there any more: see SourcePartition */
	SOURCE_ENDED,                 /* bounded, and all partitions have been read to their end */
} SourceState;

typedef struct SourceStatus {
	SourceState state;
	int64_t retry_since_us;       /* wall clock; 0: not retrying */
	Error last_error;             /* of RETRYING and LOST; names broker or topic; code ERR_NONE: none */
	int partition_count;          /* as last heard; more than are assigned: call source_partitions() again */
	int64_t lag;                  /* records (Kafka, generators) or bytes (files) between positions and ends; -1: unknown */
	int64_t retries;              /* since open */
} SourceStatus;

typedef struct SourcePartition {
	int partition;                /* 0, 1, 2 ...: the number used in all calls and in the commit record */
	const char *name;             /* "3", or path of the file; lives as long as the source */
	int64_t earliest;             /* least position that can be read */
	int64_t end;                  /* position after the last record there is now (of committed transactions); SOURCE_STOP_NEVER: nobody
	                                 can know (stdin ends when it ends) */
	int64_t start;                /* where the relation's `start` option lets a new reader begin */
	int64_t stop;                 /* position at which a bounded relation ends; SOURCE_STOP_NEVER: goes on */
} SourcePartition;

#define SOURCE_STOP_NEVER INT64_MAX

typedef struct SourcePartitions { SourcePartition *at; int count, room; } SourcePartitions;   /* a VEC; vec_release() */

typedef struct SourceConfig {
	const char *name;             /* of the relation, for messages */
	const OptionSet *options;     /* resolved; the source copies what it needs */
	const Format *format;         /* how to cut bytes into records; NULL: the connector makes columns itself */
	int64_t queue_bytes;          /* to hold at most, all partitions together; 0: 32 MiB */
	/* Columns that may be asked of a connector that makes them itself: all declared ones. */
	const DecodeColumn *declared;
	int declared_count;
	void (*on_status)(void *context, const SourceStatus *status);          /* may be NULL */
	void *context;
} SourceConfig;

typedef struct SourceStart {
	int64_t position;             /* read from here */
	int64_t stop;                 /* at this position the partition ends; SOURCE_STOP_NEVER */
	int wake_fd;                  /* an eventfd that gets 8 bytes when there may be something to poll; -1: none */
	/* The last record before position that was read, to notice a recreated topic; fingerprint 0: not known. */
	int64_t last_position;
	uint64_t last_fingerprint;
} SourceStart;

typedef enum Poll {
	POLL_SOME,                    /* records (maybe none but a moved position): release them */
	POLL_NOTHING,                 /* none now */
	POLL_END,                     /* the partition is read to its stop and will give no more */
	POLL_ERROR,                   /* err is set; not retryable. ERR_POSITION_LOST: see source_lost() */
} Poll;

/* What a connector that makes columns itself gives. */
typedef struct SourceBatch {
	Batch *batch;                 /* caller owns it; columns as set by source_want(); NULL: none */
	int64_t position;             /* of the first row; row i has position + i where positions is NULL */
	int64_t *positions;           /* in batch->arena, or NULL */
	int64_t position_next;
} SourceBatch;

/* Of a partition in state LOST */
typedef struct SourceLost {
	int64_t wanted;               /* the position that is not there */
	int64_t earliest, end;        /* what there is */
	enum { LOST_NONE, LOST_EXPIRED /* wanted < earliest */, LOST_SHRUNK /* wanted > end */, LOST_RECREATED /* other records there */ } why;
} SourceLost;

bool source_open(const SourceConfig *config, Source **source, Error *err);
void source_close(Source *source);

/* Before the first source_partitions(): a partition that an earlier run has read. Its number stays its own (files: by its name;
 * others ignore it), and what is new besides it begins at its earliest record, whatever `start` says. */
void source_know(Source *source, int partition, const char *name);

/* All partitions with what is known of them now; waits for the answer at most timeout_ms. Not there: ERR_CONNECTION naming the
 * brokers, or ERR_NO_TOPIC naming the topic, retryable; files: ERR_FILE_NOT_FOUND. Names and numbers of earlier calls stay. */
bool source_partitions(Source *source, SourcePartitions *out, int timeout_ms, Error *err);

/* Begins (or begins again, elsewhere) to read a partition. */
bool source_assign(Source *source, int partition, const SourceStart *start, Error *err);
void source_unassign(Source *source, int partition);

/* Takes at most max records of one partition (<= RECORD_BATCH_MAX). */
Poll source_poll(Source *source, int partition, int max, RecordBatch *out, Error *err);
void source_release(Source *source, RecordBatch *records);

/* Connectors that make columns themselves (source_makes_batches): columns to make, may be set again at any time between
 * polls; then poll_batch instead of poll. */
bool source_makes_batches(const Source *source);
bool source_want(Source *source, const DecodeColumn *columns, int count, Error *err);
Poll source_poll_batch(Source *source, int partition, int max, SourceBatch *out, Error *err);

int source_fd(const Source *source);                  /* add to poll(2) for POLLIN while there is nothing; -1: none */
int source_retry_ms(const Source *source);            /* ask again after so long although nothing woke; -1: no need */

/* The partition's reader has seen all that was there when it last looked: its position, not that of the last record, is at
 * the end. Any thread. False while records wait to be polled. */
bool source_is_caught_up(const Source *source, int partition);
bool source_is_bounded(const Source *source);         /* ends by itself */
/* Can the same records be read again from an old position? False: the runtime logs them (stdin). */
bool source_is_replayable(const Source *source);
void source_status(const Source *source, SourceStatus *out);
int64_t source_end(const Source *source, int partition);              /* as last heard; -1: unknown */
bool source_lost(const Source *source, int partition, SourceLost *out);
/* The references in options were read again (SIGHUP, RESUME): use the new values, credentials above all. */
bool source_refresh(Source *source, const OptionSet *options, Error *err);

/* ---- sinks ---- */
typedef struct SinkConfig {
	const char *name;
	const OptionSet *options;     /* resolved */
	const EncodeColumn *columns;
	int column_count;
	bool append_only;             /* rows are only added: plain rows, no op */
	const int *key_columns;       /* to tell updates from delete and insert; key_count 0: no key */
	int key_count;
	int64_t position;             /* as the last commit recorded it; SINK_POSITION_NEW: this sink never wrote */
	bool looks_only;              /* whether it could be written; nothing is made or changed, and it must not be written */
} SinkConfig;

#define SINK_POSITION_NEW (-1)

/* What a sink has written since its position was last recorded does not count: open takes it away (files: truncate). So:
 * write the changes of commit n, flush, record the position in the transaction of commit n: exactly once over restarts. */
bool sink_open(const SinkConfig *config, Sink **sink, Error *err);
/* The net changes of one commit, in one or more batches. */
bool sink_write(Sink *sink, const Batch *changes, int64_t commit_id, Error *err);
/* Durable up to here; the position belongs into the commit's transaction. */
bool sink_flush(Sink *sink, int64_t commit_id, int64_t *position, Error *err);
int64_t sink_rows(const Sink *sink);                                      /* since open */
void sink_close(Sink *sink);                                              /* what was not flushed is lost */

/* ---- the table of connectors ---- */
typedef struct Connector {
	const char *name;
	unsigned option_bit;          /* OPTION_FOR_... */
	bool (*open_source)(const SourceConfig *config, Source **source, Error *err);     /* NULL: cannot be read */
	bool (*open_sink)(const SinkConfig *config, Sink **sink, Error *err);             /* NULL: cannot be written */
	const char *doc;
} Connector;
extern const Connector CONNECTORS[];
extern const int CONNECTOR_COUNT;
const Connector *connector_find(const char *name);                        /* canonical name; NULL: none */

/* ---- for connectors: what they implement ---- */
typedef struct SourceClass {
	void (*close)(Source *source);
	void (*know)(Source *source, int partition, const char *name);          /* NULL: nothing to remember */
	bool (*partitions)(Source *source, SourcePartitions *out, int timeout_ms, Error *err);
	bool (*assign)(Source *source, int partition, const SourceStart *start, Error *err);
	void (*unassign)(Source *source, int partition);
	Poll (*poll)(Source *source, int partition, int max, RecordBatch *out, Error *err);
	void (*release)(Source *source, RecordBatch *records);
	bool (*want)(Source *source, const DecodeColumn *columns, int count, Error *err);
	Poll (*poll_batch)(Source *source, int partition, int max, SourceBatch *out, Error *err);
	bool (*is_caught_up)(const Source *source, int partition);
	void (*status)(const Source *source, SourceStatus *out);
	int64_t (*end)(const Source *source, int partition);
	bool (*lost)(const Source *source, int partition, SourceLost *out);
	bool (*refresh)(Source *source, const OptionSet *options, Error *err);
} SourceClass;

struct Source {
	const SourceClass *class;
	bool is_bounded, is_replayable;
	int fd, retry_ms;
};

typedef struct SinkClass {
	void (*close)(Sink *sink);
	bool (*write)(Sink *sink, const Batch *changes, int64_t commit_id, Error *err);
	bool (*flush)(Sink *sink, int64_t commit_id, int64_t *position, Error *err);
} SinkClass;

struct Sink { const SinkClass *class; int64_t rows; };

#endif
