/* Readers: how the rows of a stream come into a lane's graph.
 *
 * A Reader reads one relation for one lane: the columns that the lane's pipelines want, and no others. Its partitions are filled by
 * the decode threads of the process (DecodePool: source -> records -> columns -> queue) and emptied by the runtime thread (queue -> scans).
 * A local relation has a reader without a source: its rows are pushed by statements.
 *
 *   decode thread   partition_fill(): poll, hash, decode, computed columns; puts Items into the queue, at most PARTITION_QUEUE_BYTES / _ITEMS
 *   runtime thread  reader_step(): takes an Item, judges its rows, hands each scan its columns, keeps accounts and dead letters
 *
 * A position is the place after the last record whose rows were handed to the graph; it is what the commit record keeps.
 * During replay (`boundaries`) no item reaches over the end of a recorded commit.
 */
#ifndef WEIR_RUN_READER_H
#define WEIR_RUN_READER_H

#include <pthread.h>
#include <stdatomic.h>

#include "connect/connector.h"
#include "plan/lower.h"

typedef struct Reader Reader;
typedef struct Partition Partition;
typedef struct DecodePool DecodePool;
typedef struct Pipeline Pipeline;

#define SUSPECT_MARGIN_US (600 * INT64_C(1000000))    /* by how much a commit's clock may be behind that of decoding */

enum { PARTITION_QUEUE_BYTES = 8 << 20, PARTITION_QUEUE_ITEMS = 64 };

/* A record, or a value of one, that could not become part of a row. Strings lie in the item's arena. */
typedef struct DeadRecord {
	int row;                      /* in the item's batch; -1: the whole record */
	int column;                   /* the reader's column; -1: the whole record */
	int64_t position, timestamp_us;
	Str key, value;
	bool has_key, has_value;
	ErrorCode code;
	const char *error;
} DeadRecord;

/* What a decode thread made of some records of one partition. */
typedef struct Item {
	struct Item *next;
	Batch *batch;                 /* the reader's columns; NULL: no row */
	const int64_t *positions;     /* of each row; in batch->arena; NULL: position + i */
	const uint8_t *ops;           /* RowOp; NULL: inserts */
	int64_t position, position_next;
	int records;                  /* consumed; dead ones among them */
	uint64_t hash;                /* of all records since the partition's beginning, these included */
	uint64_t fingerprint;         /* of the last record; 0: none */
	int64_t last_position;        /* of that record */
	int64_t bytes;
	VEC(DeadRecord) dead;         /* in `arena` */
	VEC(DeadRecord) suspects;     /* rows whose event time may be too far ahead of the commit's clock: kept in case */
	Arena arena;
} Item;

struct Partition {
	Reader *reader;
	int number;
	const char *name;
	const char *_Atomic topic;    /* as the records say; NULL until the first */

	/* of the decode thread while assigned */
	Decoder *decoder;
	ExprProgram **programs;       /* of computed columns, by reader column; NULL elsewhere */
	int program_count;
	Arena programs_arena, scratch;
	uint64_t read_hash;
	int64_t read_position;
	RecordBatch records;          /* polled, being decoded */
	int records_from;
	bool has_records;
	bool assigned;
	atomic_bool ended;            /* POLL_END was seen and all is queued */
	atomic_bool busy;             /* the source may have given records that are not queued yet */
	atomic_int_least64_t limit;   /* decode up to this position; SOURCE_STOP_NEVER: no limit */
	bool at_limit;
	Error error;                  /* POLL_ERROR; read by the runtime once `broken` */
	atomic_bool broken;

	/* the queue, under the pool's mutex */
	Item *first, *last;
	int64_t queued_bytes;
	int queued_items;

	/* of the runtime thread */
	int64_t position;             /* next to hand to the graph */
	uint64_t hash, fingerprint;
	int64_t last_position;        /* of the record with that fingerprint; -1: none */
	int64_t record_count;         /* since the lane began */
	int64_t watermark;            /* of this partition: greatest event time - delay; never falls */
	int64_t committed_watermark;  /* as the last commit left it: what judges the rows of other partitions */
	bool idle, seen;              /* seen: a record came in this process or an earlier one */
	int64_t arrived_us;           /* monotonic clock of the last item */
	int64_t stop;                 /* position at which reading stops; SOURCE_STOP_NEVER */
	int64_t begun;                /* the position at which it began */
	int64_t goal;                 /* of a lane that is built and alone reads it: where it has caught up; 0: not known */
	int64_t sealed_position, sealed_count;        /* as the last sealed commit has them; position -1: not begun */
	bool sealed_idle, sealed_name;        /* its name is in the file, so that its number stays its own */
};

/* A column of the reader's batches */
typedef struct ReaderColumn {
	ColumnPath path;
	Type type;
	int decode;                   /* number among the decoder's columns; -1: computed */
	ColumnId input;               /* > 0: an input of computed columns has this id */
	bool always;                  /* key or event time: dead for all when bad */
	Expr *computed;
	bool clock;                   /* computed with the clock: by the runtime thread, at the commit's time */
} ReaderColumn;

typedef struct ReaderScan {
	Pipeline *pipeline;
	LoweredScan *scan;
	int *map;                     /* scan's column -> reader's column */
	bool fresh;                   /* attached, columns not mapped yet */
	bool counts;                  /* the first of its pipeline's scans of the relation: what comes is in its account once */
} ReaderScan;

/* A dead letter for the commit: views is the number of views that miss the row, names joined by ", ". */
typedef void DeadLetterFunction(void *context, const Reader *reader, const Partition *partition, const DeadRecord *dead, const char *views);

typedef enum GapPolicy { GAP_FAIL, GAP_EARLIEST, GAP_LATEST } GapPolicy;
GapPolicy gap_policy(const char *word);      /* of the option on_offset_gap; NULL: the default */

/* Called before the rows of an item are handed on; dead_rows may be NULL. */
typedef void LogItemFunction(void *context, int64_t lane, const Partition *partition, const Item *item, const uint8_t *dead_rows);

struct Reader {
	Relation *relation;           /* with its reference */
	OptionSet options;            /* resolved: never shown */
	const char *start;            /* of the views that it serves, in the place of the relation's; NULL: they say none */
	Arena arena;
	Source *source;               /* NULL: local, or not opened yet */
	DecodePool *pool;
	VEC(ReaderColumn) columns;
	DecodeColumn *decode_columns; int decode_count;
	const Format *format;
	DecoderConfig decoder_config;
	int event_column;             /* reader column of the event time; -1: none */
	VEC(ReaderScan) scans;
	VEC(Partition *) partitions;
	int64_t watermark;            /* as the last commit left it */
	bool logged;                  /* a changelog of a topic, which may be compacted: replayed from the log in the file */
	bool closed;                  /* CLOSE STREAM, --final: the watermark goes to the end of time */
	bool started;                 /* partitions are known and assigned */
	bool stop_at_end;             /* --until-end: partitions stop at the end they have when they begin */
	int64_t max_future_us, idle_timeout_us;
	bool dead_is_skipped, dead_is_failure;        /* on_error */
	bool refused;                 /* on_error = 'fail', and a record that is no row has come */
	GapPolicy on_gap;             /* on_offset_gap */
	bool lost;                    /* it stands still: a position is not there any more; last_error says which */
	ExprProgram **clock_programs; /* by reader column; of the runtime thread */
	int clock_program_count;
	ExprProgram **local_programs; /* computed columns of a local relation, by reader column */
	Arena clock_arena, step_arena;
	int64_t retry_at_us;          /* monotonic: ask for the partitions again; 0: now */
	int64_t unreachable_since_us; /* monotonic; 0: reachable */
	int64_t notice_at_us;         /* monotonic: not before this is waiting said again */
	Error last_error;
	atomic_bool reported, reported_end;           /* what is odd about its records was told */
	int64_t dead_records;         /* for all views, in this process */
	/* accounts of the whole reader */
	int64_t rows_in, metered_in;  /* in this process; what weir_metrics has of them */
	/* what the file has of its state (noted.c) */
	bool noted; SourceState noted_state; int64_t noted_lag;
};

Reader *reader_new(Relation *relation, DecodePool *pool, Error *err);
void reader_free(Reader *reader);

/* A pipeline's scan of this relation. Columns that nobody read so far make a new decoder: reader_restart must follow. */
void reader_attach(Reader *reader, Pipeline *pipeline, LoweredScan *scan);
void reader_detach(Reader *reader, const Pipeline *pipeline);

/* Works out the columns and, for a relation with a source, opens it. */
bool reader_prepare(Reader *reader, Error *err);
/* Finds the partitions and begins to read each at its position (a partition without one: at the start of the relation). Retryable errors
 * (no broker, no topic) leave it to be called again; they are kept in last_error. */
bool reader_start(Reader *reader, int timeout_ms, Error *err);
void reader_stop(Reader *reader);             /* stops decoding, forgets what is queued; positions stay */
Partition *reader_partition(Reader *reader, int number, const char *name);       /* found or made, not assigned */

/* Takes the next item of the partition that is first in turn and pushes its rows. *did: something was done. */
typedef struct StepContext {
	uint64_t commit;              /* the commit being gathered */
	int64_t system_us;
	DeadLetterFunction *dead;
	LogItemFunction *log;         /* of readers that are `logged` */
	int64_t lane;
	void *context;
} StepContext;
bool reader_step(Reader *reader, const StepContext *step, bool *did, Error *err);
/* What was logged of an item, during replay: rows that no scan took for dead. */
bool reader_push_again(Reader *reader, Partition *partition, Item *item, const StepContext *step, Error *err);

/* Changes of a local relation, columns as declared (relation->columns, computed ones filled by reader_local_batch). */
bool reader_push_local(Reader *reader, const StepContext *step, Batch *changes, Error *err);

/* What judges rows of other streams that meet this one's: told to the pipelines that read it. */
void reader_tell_judge(Reader *reader, int64_t watermark);

/* Rows that the relation already holds, for a new pipeline only: those of its scans that are given them before others, or those that are not. *watermark: of the rows so far, WATERMARK_NONE at first; judged: the
 * rows meet it, as they did when they came. */
bool reader_backfill(Reader *reader, const Pipeline *only, bool before_others, Batch *rows, int64_t first_row, bool judged, int64_t *watermark, Error *err);

/* Would a cut now find a partition idle that was not, or awake that was? */
bool reader_idles(const Reader *reader, int64_t now_monotonic_us);

/* At the cut of a commit: which partitions are idle, and the stream's watermark. replay: take the idle marks as they are. */
void reader_cut(Reader *reader, int64_t now_monotonic_us, bool until_end);
void reader_recompute_watermark(Reader *reader);

/* Every partition has handed on all up to its stop (or the end that it had). */
bool partition_is_at_end(const Reader *reader, const Partition *partition);          /* all that was there has been taken from the queue */
bool reader_is_done(const Reader *reader);
bool reader_has_items(const Reader *reader);
int64_t reader_lag(const Reader *reader);

/* ---- reader_columns.c ---- */
int reader_column(const Reader *reader, const ColumnPath *path);        /* index of the reader's column for a path, or -1 */
void reader_collect_columns(Reader *reader);
bool reader_declared_columns(Reader *reader, DecodeColumn **out, int *count, Error *err);       /* of a whole record, in the reader's arena */
bool reader_make_decoder(Reader *reader, Error *err);                   /* decode_columns, decoder_config; the format is known */
ExprProgram **reader_compile_computed(const Reader *reader, Arena *arena, bool clock);          /* by reader column; NULL where nothing is computed */

/* ---- decode.c: the threads ---- */
/* Any thread: wake: an item came, a partition ended or broke; say: a line about a source. */
DecodePool *decode_pool_new(void (*wake)(void *context), void (*say)(void *context, const char *text), void *context);
void decode_pool_free(DecodePool *pool);
void decode_pool_add(DecodePool *pool, Partition *partition);                    /* starts a thread if there is none */
void decode_pool_remove(DecodePool *pool, Partition *partition);                 /* returns when no thread works on it any more */
int decode_pool_fd(const DecodePool *pool, const Partition *partition);          /* wake_fd for source_assign */
void decode_pool_wake(DecodePool *pool);
Item *partition_take(Partition *partition);                                      /* NULL: queue empty */
int64_t partition_queued_bytes(const Partition *partition);
void partition_report(Partition *partition, bool is_end);                        /* says what is odd about its records; while no thread works on it */
void item_free(Item *item);

#endif
