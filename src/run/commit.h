/* A sealed commit: all that one transaction writes. It owns its bytes, so the worker goes on while it is written. */
#ifndef WEIR_RUN_COMMIT_H
#define WEIR_RUN_COMMIT_H

#include "run/runtime.h"

typedef struct SealedChanges { StoreTable *table; Changes changes; bool keep; int64_t relation; } SealedChanges;
typedef struct SealedLog { StoreLog log; int64_t relation; Str bytes; } SealedLog;
typedef struct SealedSink { int64_t relation, position; } SealedSink;
typedef struct SealedSetting { const char *name, *value; } SealedSetting;
typedef struct SealedSource { int64_t relation; const char *name, *state; int64_t lag; const char *error; } SealedSource;
typedef struct SealedProgress { int64_t relation; double part; } SealedProgress;
typedef struct SealedPage { int64_t lane; int32_t op; uint32_t page, bytes; const void *at; } SealedPage;
/* Rows of a view (table) whose column is before a time, or of a local stream, that came keep_us ago. */
typedef struct SealedExpiry { int64_t relation; StoreTable *table; int column; Value before; StoreTableSpec stream; int64_t now_us, keep_us; } SealedExpiry;
typedef struct SealedHistory { int64_t relation, now_us, keep_us; bool drop; } SealedHistory;     /* changes that are kept, to be tended */
typedef enum MetricKind { METRIC_GAUGE, METRIC_COUNTER } MetricKind;
typedef struct SealedMetric { const char *name, *subject; int64_t value; MetricKind kind; } SealedMetric;      /* a counter's value is what has come since */
typedef struct SealedOperator { int64_t lane, view; int32_t op; const char *name, *detail; } SealedOperator;
/* A part of a checkpoint: pages of one generation, and, with the last part, what makes it count. */
typedef struct SealedPiece {
	int64_t generation;
	const SealedPage *pages; int page_count;
	const CheckpointRecord *completes; int complete_count;        /* one a lane */
} SealedPiece;

struct SealedCommit {
	Arena arena;
	CommitRecord record;
	VEC(PartitionRecord) partitions;      /* arena; record points here */
	VEC(SealedChanges) changes;           /* arena; changes are released with the commit */
	VEC(SealedLog) logs;
	VEC(SealedSink) sinks;
	VEC(SealedSetting) settings;          /* names of partitions that are new */
	VEC(DeadLetter) dead;
	VEC(LateRow) late;
	VEC(StoreAccount) accounts;
	VEC(SealedHistory) histories;
	VEC(SealedMetric) metrics;
	VEC(SealedOperator) operators;        /* names of new ones */
	VEC(SealedExpiry) expiries;           /* rows that are kept no longer */
	bool expires_more;                    /* by the writer: some are left for the next commit */
	VEC(SourceGap) gaps;
	VEC(ViewStart) starts;                /* of partitions that begin with this commit */
	VEC(SealedPiece) pieces;
	VEC(SealedSource) sources;            /* how sources fare, where it has changed */
	VEC(SealedProgress) progress;         /* of views being built */
	VEC(LogHold) holds;                   /* what pruning leaves */
	int64_t prune_through;                /* commit records and log up to here are covered; 0: none */
	bool file_open;                       /* the transaction is open already */
	bool keep_open;                       /* BEGIN ... COMMIT: more follows in the same transaction of the file */
	VEC(Checkpoint *) done;               /* freed after writing: pieces point into them */
};

/* The setting that keeps the name of a partition (a file of a glob). */
char *partition_setting(Arena *arena, int64_t relation, int partition);

SealedCommit *sealed_new(void);
void sealed_free(SealedCommit *sealed);
/* Writes all of it in one transaction; on failure nothing of it is there. */
bool sealed_write(SealedCommit *sealed, Store *store, Error *err);

/* ---- gaps.c ---- */
/* Reading failed with err. True: it was a position that is gone, and the reader goes on behind the gap or stands still; err is cleared. */
bool gap_meet(Runtime *runtime, const Lane *lane, Reader *reader, Error *err);

/* ---- history.c ---- */
/* The changes of a view in this commit, for SUBSCRIBE ... SINCE where they are kept. */
void account_seal(SealedCommit *sealed, Pipeline *pipeline);        /* accounts.c */
void history_seal(SealedCommit *sealed, Pipeline *pipeline, const Changes *changes);
bool history_write(const SealedCommit *sealed, Store *store, Error *err);
/* Before the table of a view that was built takes the place of the one that readers see: what changes thereby belongs to the commit. */
bool history_bridge(Runtime *runtime, Pipeline *pipeline, Error *err);

/* ---- metrics.c ---- */
void metrics_seal(Runtime *runtime, SealedCommit *sealed);
bool metrics_write(const SealedCommit *sealed, Store *store, Error *err);

/* ---- retention.c ---- */
/* empty: else there is nothing to commit. */
void retention_seal(Runtime *runtime, SealedCommit *sealed, bool empty);
bool retention_write(SealedCommit *sealed, Store *store, Error *err);

/* ---- noted.c: how sources and views fare ---- */
void noted_seal(Runtime *runtime, SealedCommit *sealed);
bool noted_is_due(Runtime *runtime);
bool noted_write(const SealedCommit *sealed, Store *store, Error *err);

/* ---- checkpoint.c: which state goes into which commit ---- */
/* At the cut: decides whether a checkpoint is due, copies changed pages, adds what of them fits to the commit. */
bool checkpoint_cut(Runtime *runtime, SealedCommit *sealed, Error *err);
void checkpoint_free(Checkpoint *checkpoint);
/* What makes a checkpoint of the lane count, as its readers and operators are now. */
CheckpointRecord checkpoint_record(const Runtime *runtime, const Lane *lane, int64_t generation, Arena *arena);
/* Number of an operator in the saved form. */
static inline int32_t op_first(const Relation *relation) { return (int32_t)(relation->id * PIPELINE_OPS_MAX); }
static inline int32_t op_number(const Pipeline *pipeline, const Op *op) { return (int32_t)(pipeline->relation->id * PIPELINE_OPS_MAX + op->id); }
/* Watermarks of operators and readers, accounts: what a checkpoint keeps beside pages. */
void lane_extra_save(const Lane *lane, StrBuf *out);
bool lane_extra_load(Lane *lane, const void *bytes, uint32_t count, Error *err);

#endif
