/* The store: the one SQLite file in which everything is, as the runtime sees it.
 *
 *     Store *store = store_open("shop.db", 0, &err);                   // NULL path: in memory, gone at close
 *     StoreTable *revenue = store_table_create(store, &spec, &err);     // inside a transaction, like everything that writes
 *
 *     store_begin(store, &err);                                         // one commit of Weir is one transaction
 *     store_apply(store, revenue, &changes, &err);
 *     store_commit_put(store, &record, &err);
 *     store_commit(store, &err);                                        // durable (synchronous=FULL), or nothing of it is there
 *     store_wal_tend(store, &wal, &err);                                // in the pause between two commits
 *     store_close(store);
 *
 * Threads: a Store has one connection that writes. All calls that take a Store belong to one thread at a time; whoever owns it hands it
 * over (writer thread, control thread). Exceptions: store_interrupt(), store_reader_open() and the plain getters (store_path ...) may be called by any
 * thread. A StoreReader is a connection of its own, read-only, for one thread at a time; several readers may live beside the writer.
 *
 * Errors: every call that fails leaves the transaction as it was before the call or, where SQLite rolled back by itself (disk full, I/O),
 * ends it: store_in_transaction() tells. Codes: ERR_DISK_FULL, ERR_IO, ERR_FILE_FORMAT (damaged), ERR_FILE_IN_USE (another program kept the
 * write lock longer than the patience; retryable), ERR_UNIQUE_VIOLATION (store_apply), ERR_CANCELED (store_interrupt).
 * Restart after any of them goes on from the last commit.
 */
#ifndef WEIR_STORE_STORE_H
#define WEIR_STORE_STORE_H

#include "op/specs.h"

typedef struct Store Store;
typedef struct StoreReader StoreReader;
typedef struct StoreTable StoreTable;

/* ---- the file ---- */
enum {
	STORE_OPEN_EXISTING = 1,          /* do not create: ERR_FILE_NOT_FOUND */
	STORE_OPEN_READ_ONLY = 2,         /* no lock, beside a running process: weir status. What writes must not be called */
};
/* Takes the file's lock (flock) until store_close. Never writes to a file that is not Weir's: text, another program's database, a newer
 * version: ERR_FILE_FORMAT. A missing folder: ERR_FILE_NOT_FOUND. Owned by another process: ERR_FILE_IN_USE. Copies made by .backup or
 * VACUUM INTO (in rollback mode) are taken back into WAL mode. */
Store *store_open(const char *path, unsigned flags, Error *err);
void store_close(Store *store);                       /* rolls an open transaction back, empties the WAL, frees; NULL is fine */
const char *store_path(const Store *store);           /* as given; ":memory:" for none */
bool store_is_new(const Store *store);                /* made by this open */
/* Machine, device and inode have changed since the file was last written to: it is a copy, sinks must wait (DESIGN section 7).
 * store_take_over() makes this file the original. */
bool store_is_copy(const Store *store);
bool store_take_over(Store *store, Error *err);       /* in a transaction */
void store_interrupt(Store *store);                   /* any thread: what the writer does now, or waits for, ends with ERR_CANCELED */
/* From now on only the calling thread may use the store; false: whoever holds the runtime's lock may again. Debug builds assert it: SQLite's connection
 * has no lock of its own, and two threads in it spoil each other's statements. */
void store_lend(Store *store, bool lent);
void store_set_patience_ms(Store *store, int64_t ms); /* how long other programs' write locks are waited for; 60,000 at first */

/* ---- transactions ---- */
/* BEGIN IMMEDIATE. Waits for other writers with patience (a notice in the log after 2 s). Where another connection has written since the
 * last one, remembered rowids are forgotten. */
bool store_begin(Store *store, Error *err);
bool store_commit(Store *store, Error *err);          /* false: rolled back */
void store_rollback(Store *store);
bool store_in_transaction(const Store *store);
/* Statements within a transaction; they nest. */
bool store_savepoint(Store *store, Error *err);
bool store_savepoint_release(Store *store, Error *err);      /* false: it is undone */
void store_savepoint_rollback(Store *store);          /* undoes it and ends it */

/* ---- catalog: what engine/ makes again at start ---- */
typedef struct StoreCatalogRow {
	int64_t id;                       /* 0: new, given by store_catalog_put; never reused */
	const char *kind;                 /* "stream", "table", "view", "materialized view", "sink", "pipeline" */
	const char *name;
	const char *sql;                  /* the definition, printed; references to secrets, never secrets */
	const char *state;                /* "live", "building", "paused", "stopped" ... : the runtime's words */
	const char *extra;                /* JSON; NULL: none */
} StoreCatalogRow;
bool store_catalog_put(Store *store, StoreCatalogRow *row, Error *err);         /* adds, or replaces the row of this id */
bool store_catalog_remove(Store *store, int64_t id, Error *err);
typedef bool StoreCatalogVisit(void *context, const StoreCatalogRow *row, Error *err);    /* row lives until it returns; false ends */
bool store_catalog_list(Store *store, StoreCatalogVisit *visit, void *context, Error *err);     /* by id */

/* Named values: SET's settings, counters. NULL value takes it away. Getting gives NULL if not there; text in arena. */
bool store_setting_put(Store *store, const char *name, const char *value, Error *err);
const char *store_setting_get(Store *store, const char *name, Arena *arena);
typedef bool StoreSettingVisit(void *context, const char *name, const char *value, Error *err);
bool store_settings_list(Store *store, StoreSettingVisit *visit, void *context, Error *err);    /* by name; those that begin with "weir." are the store's own and are left out */

/* ---- tables of relations ---- */
typedef struct StoreColumn { const char *name; Type type; bool nullable; } StoreColumn;

typedef struct StoreTableSpec {
	int64_t id;                       /* of the relation: names the guards; > 0 */
	const char *name;                 /* of the table in the file */
	const char *kind;                 /* for messages: "materialized view", "table", "stream" */
	const StoreColumn *columns; int column_count;
	const int *key; int key_count;    /* columns that are unique; exact in the file (no REAL, DECIMAL of at most 15 digits, no INTERVAL) */
	bool has_key;                     /* with key_count 0: at most one row. false: a multiset */
	bool append_only;                 /* only weights > 0 come: nothing is remembered */
	bool expires;                     /* retention takes rows away: an update or delete of a row that is gone is passed over */
	bool decimals_as_text;            /* WITH (decimals = 'text') */
} StoreTableSpec;

/* The spec is copied. Names that another table, index or view of the file has: ERR_DUPLICATE_TABLE. Names that begin with "weir_" or
 * "sqlite_" are refused except "weir_building_N" and "weir_delivered_N". */
StoreTable *store_table_create(Store *store, const StoreTableSpec *spec, Error *err);
/* One that is there; ERR_UNDEFINED_TABLE where it is gone or has other columns (someone dropped or altered it). */
StoreTable *store_table_open(Store *store, const StoreTableSpec *spec, Error *err);
void store_table_close(StoreTable *table);            /* NULL is fine; the table stays */
bool store_table_drop(Store *store, StoreTable *table, Error *err);             /* and closes */
bool store_table_drop_name(Store *store, const char *name, Error *err);         /* of a table that is not open; not there: fine */
bool store_table_rename(Store *store, StoreTable *table, const char *name, Error *err);
/* Makes the table of `spec` and gives it all rows of the table `from`, which has the same columns, in their order. */
StoreTable *store_table_copy(Store *store, const StoreTableSpec *spec, const char *from, Error *err);
/* A statement of SQLite's own on the file, for indexes that the user makes through Weir; in a transaction. */
bool store_execute(Store *store, const char *sql, Error *err);
typedef void StoreNotice(void *context, const char *text);
/* OR REPLACE and REBUILD: `built` (made under another name, say "weir_building_7") takes the name of a table that is open nowhere, which is dropped;
 * there may be none. Indexes and triggers that the user made on the old one are made again on the new; each that cannot be is told to `notice` (may be
 * NULL). */
bool store_table_take_name(Store *store, StoreTable *built, const char *name, StoreNotice *notice, void *context, Error *err);
/* ALTER: the rows of `from`, each as `convert` makes it (strings may be put into the arena), with their rowids, in a table of its own:
 * weir_building_<id of spec>, which store_table_take_name names when `from` is closed. */
typedef bool StoreConvert(void *context, const Value *old, Value *new, Arena *arena, Error *err);
bool store_table_reshape(Store *store, StoreTable *from, const StoreTableSpec *spec, StoreConvert *convert, void *context, Error *err);
bool store_table_truncate(Store *store, StoreTable *table, Error *err);
const StoreTableSpec *store_table_spec(const StoreTable *table);
int64_t store_table_remembered_bytes(const StoreTable *table);                  /* memory of remembered rowids */

/* Writes net changes: packed rows of exactly the table's columns, old and new of one key side by side. Inserts append, old and new become an
 * UPDATE of the columns that differ, found by remembered rowid. ERR_UNIQUE_VIOLATION: a row with that key is there already (local tables);
 * what was written before it stays written: use a savepoint. counts (may be NULL): rows inserted, updated, deleted. */
typedef struct StoreApplied { int64_t inserted, updated, deleted; } StoreApplied;
bool store_apply(Store *store, StoreTable *table, const Changes *changes, StoreApplied *counts, Error *err);

/* Retention: takes away at most limit rows whose column is less than `before`. No change flows. */
bool store_table_expire(Store *store, StoreTable *table, int column, const Value *before, int64_t limit, int64_t *count, Error *err);

/* The same for a local stream: rows that came keep_us ago or earlier; seen to in each call are also those that came since the last one. */
bool store_stream_expire(Store *store, const StoreTableSpec *spec, int64_t now_us, int64_t keep_us, int64_t limit, int64_t *removed, Error *err);

/* Does a row with this key exist in the writer's eyes (uncommitted included)? Key values in the order of spec.key. row: all columns, strings
 * in arena; may be NULL. For constraints of local tables: 1 yes, 0 no, -1 error. */
int store_table_find(Store *store, StoreTable *table, const Value *key, Value *row, Arena *arena, Error *err);
/* The same by columns that a unique index of the file has, out of a whole row; where one of them is NULL there is none. */
int store_table_find_unique(Store *store, StoreTable *table, const int *columns, int count, const Value *row, Value *found, Arena *arena, Error *err);
int64_t store_table_last_row(Store *store, const StoreTableSpec *spec);         /* greatest rowid; 0: it is empty */
int64_t store_table_row_count(Store *store, StoreTable *table);                 /* counts: as long as the table is */

/* ---- commit records ---- */
typedef struct PartitionRecord {
	int64_t lane, relation;
	int32_t partition;
	int64_t position;                 /* where to read next after this commit */
	int64_t records;                  /* read in this commit */
	uint64_t hash;                    /* of them */
	int64_t watermark_us;             /* after this commit; WATERMARK_NONE */
	bool idle;
	int64_t last_position; uint64_t last_fingerprint;     /* of the last record read; see connector.h */
} PartitionRecord;

typedef struct CommitRecord {
	int64_t commit;                   /* > that of all before */
	int64_t time_us;                  /* wall clock when it was sealed */
	int64_t clock_us;                 /* what now() was */
	int64_t rows_in, rows_changed;
	PartitionRecord *partitions; int partition_count;     /* those in which anything has changed, in the order in which replay goes */
	const void *extra; uint32_t extra_bytes;              /* the runtime's own */
} CommitRecord;

bool store_commit_put(Store *store, const CommitRecord *record, Error *err);    /* also moves weir_positions and weir_watermarks */
bool store_commit_last(Store *store, int64_t *commit, Error *err);              /* number of the last commit; 0: none */
typedef bool StoreCommitVisit(void *context, const CommitRecord *record, Error *err);
bool store_commits_list(Store *store, int64_t after, StoreCommitVisit *visit, void *context, Error *err);      /* ascending */
/* The last position of every partition of a lane (lane 0: of all). hash and records: totals since the partition is known. */
bool store_positions_list(Store *store, int64_t lane, Arena *arena, PartitionRecord **out, int *count, Error *err);
bool store_positions_move(Store *store, int64_t lane, int64_t to_lane, int64_t relation, Error *err);
bool store_positions_remove(Store *store, int64_t lane, int64_t relation, Error *err);      /* relation 0: the whole lane */
void store_set_commits_kept(Store *store, int64_t us);                         /* 30 days at first */
/* Drops records up to `through` (what two checkpoints cover) save one an hour of those that are kept. */
bool store_commits_prune(Store *store, int64_t through, int64_t now_us, Error *err);

/* Where a view began to read a partition: what RESUME and REBUILD begin with again. */
typedef struct ViewStart { int64_t view, relation; int32_t partition; int64_t position; } ViewStart;
bool store_view_start_put(Store *store, const ViewStart *start, Error *err);      /* weir_starts */
int64_t store_view_start(Store *store, int64_t view, int64_t relation, int32_t partition);         /* -1: not known */
bool store_view_starts_remove(Store *store, int64_t view, Error *err);
/* A position that a topic no longer had, where reading went on elsewhere. */
typedef struct SourceGap {
	const char *source, *topic, *why;
	int32_t partition;
	int64_t wanted, earliest, end, went_on, lane, commit;
} SourceGap;
bool store_gap_put(Store *store, const SourceGap *gap, Error *err);               /* weir_gaps */

/* ---- checkpoints: pages of operator state ---- */
/* A generation is the number of the commit whose boundary it holds. Pages of one come in as many transactions as they like (<= 32 MiB each); it
 * counts once store_checkpoint_complete is committed, which takes superseded pages away. A page that a generation does not write is
 * valid as the one before left it. Pages of a generation that never became complete are dropped at the next put of that lane
 * after the file was opened, or store_checkpoints_resume. */
bool store_state_put(Store *store, int64_t lane, int32_t op, uint32_t page, int64_t generation, const void *bytes, uint32_t count, Error *err);   /* bytes NULL: freed */
typedef struct CheckpointRecord {
	int64_t lane, generation;         /* generation: the commit */
	int64_t clock_us;
	PartitionRecord *partitions; int partition_count;     /* all of the lane, as that commit left them */
	const void *extra; uint32_t extra_bytes;
} CheckpointRecord;
/* Who wrote the incomplete ones has forgotten them: lanes were loaded anew, at the last commit. */
void store_checkpoints_resume(Store *store, int64_t last_commit);
bool store_checkpoint_complete(Store *store, const CheckpointRecord *record, Error *err);
/* The last complete one; in arena. false without error: there is none. */
bool store_checkpoint_last(Store *store, int64_t lane, Arena *arena, CheckpointRecord *out, Error *err);
int64_t store_checkpoint_previous(Store *store, int64_t lane);       /* generation of the complete one before the last; 0: none */
/* bytes NULL: the page is damaged, err says how; it returns false */
typedef bool StoreStateVisit(void *context, int32_t op, uint32_t page, const void *bytes, uint32_t count, Error *err);
bool store_state_load(Store *store, int64_t lane, StoreStateVisit *visit, void *context, Error *err);     /* by op, page */
/* The pages of one operator of the lane once more, as those of another, as of the last complete checkpoint. */
bool store_state_copy(Store *store, int64_t lane, int32_t op, int32_t to_op, Error *err);
/* Takes all pages of operators [from, to) away, in all generations: they are no longer part of the lane. */
bool store_state_remove(Store *store, int64_t lane, int32_t from, int32_t to, Error *err);
/* A lane joins another: pages keep their bytes, operator numbers are moved by op_delta. The joined lane must be checkpointed at the same boundary
 * (or be so in the same transaction) and has no checkpoint of its own afterwards. */
bool store_state_move(Store *store, int64_t lane, int64_t to_lane, int32_t op_delta, Error *err);
/* Operators [from, to) leave a lane for another, with the pages of its last checkpoint; that lane gets a record of the same generation
 * (store_checkpoint_complete) in the same transaction. */
bool store_state_part(Store *store, int64_t lane, int64_t to_lane, int32_t from, int32_t to, Error *err);
bool store_lane_remove(Store *store, int64_t lane, Error *err);      /* pages, checkpoints, positions */
/* For weir_state: which operator of which view it is. */
bool store_operator_put(Store *store, int64_t lane, int32_t op, int64_t view, const char *name, const char *detail, Error *err);

/* ---- logs of bytes: kept in the commit that carries them ---- */
typedef enum StoreLog {
	STORE_LOG_INPUT,                  /* what cannot be read again, until checkpointed */
	STORE_LOG_CHANGES,                /* net changes of views for SUBSCRIBE ... SINCE */
	STORE_LOG_OUTBOX,                 /* what sinks have yet to deliver; relation: the sink */
	STORE_LOG_COUNT
} StoreLog;
bool store_log_put(Store *store, StoreLog log, int64_t commit, int64_t relation, const void *bytes, uint32_t count, Error *err);
typedef bool StoreLogVisit(void *context, int64_t commit, int64_t seq, int64_t relation, const void *bytes, uint32_t count, Error *err);
/* In order of writing, after the given commit and sequence number. relation 0: all. */
bool store_log_list(Store *store, StoreLog log, int64_t relation, int64_t after_commit, int64_t after_seq, StoreLogVisit *visit, void *context, Error *err);
bool store_log_prune(Store *store, StoreLog log, int64_t relation, int64_t through_commit, Error *err);      /* relation 0: all */
/* The same for all relations but those listed. */
bool store_log_prune_others(Store *store, StoreLog log, const int64_t *relations, int count, int64_t through_commit, Error *err);
/* Changes that are kept for a time (settings changes.N, changes_marks.N, changes_until.N): older ones go; all of them. */
bool store_changes_tend(Store *store, int64_t relation, int64_t commit, int64_t now_us, int64_t keep_us, Error *err);
bool store_changes_drop(Store *store, int64_t relation, Error *err);
bool store_changes_move(Store *store, int64_t relation, int64_t to, Error *err);       /* they are those of what takes its place */
int64_t store_log_bytes(Store *store, StoreLog log);
int64_t store_log_first_commit(Store *store, StoreLog log, int64_t relation);                                /* 0: empty */

/* ---- sinks ---- */
/* position: what sink_flush gave; detail: text of the sink's own (identity, epoch). */
bool store_sink_put(Store *store, int64_t sink, int64_t position, int64_t commit, const char *detail, Error *err);
bool store_sink_get(Store *store, int64_t sink, int64_t *position, int64_t *commit, const char **detail, Arena *arena, Error *err);     /* false: never wrote, or err */
bool store_sink_remove(Store *store, int64_t sink, Error *err);
bool store_sink_move(Store *store, int64_t sink, int64_t to, Error *err);             /* what takes its place goes on where it was */

/* ---- what went wrong, and accounts ---- */
typedef struct DeadLetter {
	const char *source;               /* the relation */
	const char *topic;                /* or file; NULL: none */
	int32_t partition;
	int64_t offset;
	int64_t timestamp_us;             /* of the record; WATERMARK_NONE: none */
	const void *key; uint32_t key_bytes; bool has_key;
	const void *value; uint32_t value_bytes; bool has_value;
	const char *code, *error;
	const char *views;                /* "a, b": for which it is dead; NULL: all */
	int64_t commit;
} DeadLetter;
bool store_dead_letters_put(Store *store, const DeadLetter *letters, int count, Error *err);

typedef struct LateRow { const char *view, *operator; int64_t watermark_us; const char *row_json; int64_t commit; } LateRow;
bool store_late_rows_put(Store *store, const LateRow *rows, int count, Error *err);

/* Beyond so many bytes the oldest lose theirs (dead letters: key and value; late rows: the row). 1 GiB each. */
void store_set_kept_bytes_max(Store *store, int64_t dead_letters, int64_t late_rows);

typedef struct StoreAccount { int64_t relation; const char *name; int64_t rows_in, applied, filtered, late, dead; } StoreAccount;
bool store_account_add(Store *store, const StoreAccount *account, Error *err);             /* adds to weir_accounts */
bool store_account_remove(Store *store, int64_t relation, Error *err);                    /* it begins anew */
bool store_account_get(Store *store, int64_t relation, StoreAccount *out);                /* zeroes if there is none; name NULL */

typedef struct StoreViewStatus {
	int64_t id; const char *name, *state; int64_t lane;
	const char *start;                /* "earliest", "latest", a timestamp */
	const char *why;                  /* it is paused or stopped; NULL: nothing to say */
	int64_t since_commit;
	double progress;                  /* of building, 0 .. 1; < 0: not known */
} StoreViewStatus;
bool store_view_status_put(Store *store, const StoreViewStatus *status, Error *err);       /* weir_views */
bool store_view_progress_put(Store *store, int64_t id, double progress, Error *err);
bool store_view_status_remove(Store *store, int64_t id, Error *err);                      /* with its account */
bool store_source_status_put(Store *store, int64_t id, const char *name, const char *state, int64_t lag, const char *error, Error *err);   /* weir_sources; lag < 0: unknown */
bool store_metric_add(Store *store, const char *name, const char *subject, int64_t value, Error *err);      /* to what is there */
bool store_metric_put(Store *store, const char *name, const char *subject, int64_t value, Error *err);      /* weir_metrics */

/* ---- the WAL ---- */
enum { STORE_WAL_RESTART_BYTES = 64 << 20, STORE_WAL_URGENT_BYTES = 256 << 20, STORE_WAL_WAIT_MS = 100, STORE_WAL_URGENT_WAIT_MS = 400 };
typedef struct StoreWal {
	int64_t wal_bytes;                /* in use: what readers have to look through */
	int64_t pending_bytes;            /* not yet in the database file */
	bool held_by_readers;             /* a reader kept it from starting over */
} StoreWal;
/* Outside of transactions, in the pause between two commits: copies the WAL into the file without waiting; past 64 MiB waits for readers. A failing disk: error. */
bool store_wal_tend(Store *store, StoreWal *out, Error *err);
int64_t store_wal_bytes(const Store *store);          /* after the last commit, without a system call */
int64_t store_file_bytes(Store *store);
/* Gives at most so many free pages back to the file system (incremental vacuum). In a transaction. */
bool store_shrink(Store *store, int pages_max, Error *err);

/* ---- readers ---- */
/* Read-only, defensive, limited; sees the last commit. NULL: err. In memory they share the writer's memory: a reader that has not finished holds commits up. */
StoreReader *store_reader_open(Store *store, Error *err);
void store_reader_close(StoreReader *reader);
void store_reader_interrupt(StoreReader *reader);     /* any thread */
/* Several reads at one cut. commit (may be NULL): the last one it sees. */
bool store_reader_begin(StoreReader *reader, int64_t *commit, Error *err);
void store_reader_end(StoreReader *reader);

/* Content of a table in order of rowid (of a stream: of arrival), from after a row number on. reader NULL: the writer's connection. */
typedef struct StoreScan StoreScan;
#define STORE_SCAN_ALL INT64_MIN                  /* after_row: from the first row on; keys may be 0 or negative */
StoreScan *store_scan_open(Store *store, StoreReader *reader, const StoreTableSpec *spec, const int *columns, int column_count, int64_t after_row, Error *err);
/* At most rows_max (<= BATCH_ROWS_MAX) rows; *out NULL at the end; the caller unrefs. last_row may be NULL. */
bool store_scan_next(StoreScan *scan, int rows_max, Batch **out, int64_t *last_row, Error *err);
void store_scan_close(StoreScan *scan);

/* The changes that make the rows of `old` those of `made`, which has the same columns, in order of the latter's key or of all columns: rows of one key side
 * by side in one batch, first what goes. A column of `old` without a name is NULL in all of its rows. One of both may be NULL: all of the other goes, or comes.
 * Streamed: the tables may be of any size. On the writer's connection; neither table may change meanwhile. */
typedef struct StoreDiff StoreDiff;
StoreDiff *store_diff_open(Store *store, const StoreTableSpec *old, const StoreTableSpec *made, Error *err);
bool store_diff_next(StoreDiff *diff, Batch **out, Error *err);      /* *out NULL at the end; the caller unrefs */
void store_diff_close(StoreDiff *diff);

/* Any table or view of the file (the user's own, weir_...), as its declared types say: for the binder. reader NULL: the writer's connection.
 * ERR_UNDEFINED_TABLE with the nearest name. Arrays and names in arena. */
typedef struct StoreTableInfo {
	const char *name;
	StoreColumn *columns; int column_count;
	int *key; int key_count;          /* the primary key */
	bool is_weirs_own;                /* weir_... */
	bool is_view;
} StoreTableInfo;
/* *kind: "table", "view" or "index" of this name, on the writer's connection; NULL: the name is free. */
bool store_name_kind(Store *store, const char *name, Arena *arena, const char **kind, Error *err);
bool store_table_columns(Store *store, StoreReader *reader, const char *name, Arena *arena, StoreTableInfo *out, Error *err);
/* All tables and views that are not internal: relations', the user's own and weir_... */
typedef bool StoreTableVisit(void *context, const char *name, bool is_weirs_own, Error *err);
bool store_tables_list(Store *store, StoreReader *reader, StoreTableVisit *visit, void *context, Error *err);

/* weir_tables.def, for documentation: every table of Weir's own with its columns, as Markdown. */
void store_tables_document(StrBuf *out);

#endif
