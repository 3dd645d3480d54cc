/* The runtime: lanes of readers, operators and pipelines; what gathers input into commits and hands them to the file.
 *
 * One thread at a time is inside: whoever has set `inside`, with the lock held. It may wait for the writer or for input and lets go of the lock
 * meanwhile, but nobody else comes in: what it is in the midst of is half-done. In a process that reads external sources that is a thread of its own (the
 * loop of loop.c), else the thread that runs statements. Statements come in between two turns of the loop (runtime_enter, runtime_leave).
 * A second thread writes sealed commits while the next is gathered; it is started with the loop. Without the loop commits are written where
 * they are cut.
 *
 *   gather   reader_step() and runtime_push_local() push rows into the graph; the clock is read when the first comes
 *   cut      when commit_interval has passed and the writer is free, or somebody waits: watermarks, graph_commit, net changes,
 *            checkpoint pages: a SealedCommit that owns all its bytes
 *   write    one SQLite transaction (commit.c)
 *
 * A lane is a graph with readers and positions of its own. Live views are one lane; views that are made later over sources that others have
 * read already, or resumed, are brought up in a lane of their own beside them, in tables of their own, and join when positions are equal. Lanes that
 * are paused are only in the file (place.h).
 */
#ifndef WEIR_RUN_RUNTIME_H
#define WEIR_RUN_RUNTIME_H

#include <pthread.h>
#include <stdatomic.h>

#include "run/graph.h"
#include "run/pipeline.h"
#include "run/reader.h"
#include "store/store.h"

typedef enum LaneState { LANE_LIVE, LANE_BUILDING } LaneState;

typedef struct Lane {
	int64_t id;                       /* 1: the live lane; others: the id of the view they are made for, + 1; 0: a client's */
	LaneState state;
	Graph graph;
	VEC(Reader *) readers;
	VEC(Pipeline *) pipelines;        /* in order of dependence */
	int64_t generation;               /* of its last complete checkpoint */
} Lane;

enum { LANE_LIVE_ID = 1, PIPELINE_OPS_MAX = 1024 };

typedef struct RuntimeConfig {
	int64_t commit_interval_us;       /* 200,000 */
	int64_t checkpoint_interval_us;   /* 10,000,000 */
	int64_t checkpoint_rows;          /* 4,000,000 */
	int64_t checkpoint_small_bytes;   /* 1 MiB: saved with the commit itself */
	int64_t checkpoint_growth_bytes;  /* 16 MiB of pages that are new: see checkpoint.h */
	int64_t memory_limit_bytes;       /* 0: four fifths of what the machine has; above it the view that holds most stops */
	int64_t wal_limit_bytes;          /* 1 GiB: above it input waits */
	int64_t dead_letters_bytes, late_rows_bytes;      /* 1 GiB each: beyond it the oldest lose their bytes */
	int64_t commits_kept_us;          /* 30 days: one commit record an hour */
	int64_t fixed_clock_us;           /* weir test: the clock stands here; 0: the real one */
	int64_t rows_per_batch;           /* tests: local changes are cut into batches of so many; 0: as they come */
	bool take_over;                   /* sinks that were held since the file is a copy go on */
	/* Makes the operators of a view or insert pipeline of the catalog anew, as it was made the first time. */
	bool (*lower)(void *context, Relation *relation, Lowered **out, Error *err);
	/* The relation is made anew by a plan that is_other than the one before: what was known of that is not true any more. In the file's transaction. */
	bool (*replanned)(void *context, Relation *relation, const Lowered *lowered, Error *err);
	/* One line for the user about what goes on: waiting for a broker ...; any thread */
	void (*notice)(void *context, const char *text);
	void *context;
} RuntimeConfig;

extern const RuntimeConfig RUNTIME_CONFIG_DEFAULT;

/* The input log keeps what the relation does after a commit: a paused lane will want it. */
typedef struct LogHold { int64_t relation, after; } LogHold;

typedef struct RetentionNote { int64_t relation, keep_us, done_us; } RetentionNote;     /* retention.c */
typedef struct SealedCommit SealedCommit;     /* commit.h */
typedef struct Checkpoint Checkpoint;         /* checkpoint.h */

typedef struct Runtime {
	RuntimeConfig config;
	Store *store;
	Catalog *catalog;
	VEC(Lane *) lanes;
	Lane *live;
	DecodePool *pool;
	bool started;
	VEC(LogHold) holds;
	VEC(Pipeline *) orphans;          /* of clients, whose query has ended (Pipeline.ended); freed by runtime_client_remove */

	pthread_mutex_t lock;
	bool inside;                      /* a statement or a turn of the loop is under way, even while it waits without the lock */
	const atomic_bool *interrupt;     /* of whoever is inside: when it is true, operators stop in the midst of what they do; NULL: never */
	atomic_bool ending;               /* somebody is in a hurry to end the process: what interrupts the loop */
	uint64_t taken_back;              /* how often what was gathered has been undone since its statement was canceled */
	pthread_cond_t turn;              /* whoever was inside has left; a commit was written */
	pthread_cond_t wake;              /* input came, a commit was written, somebody waits */
	atomic_int waiting;               /* statements that want in */
	atomic_bool input;                /* a decode thread queued something */

	bool looping, stopping;
	pthread_t loop_thread;
	bool until_end, final;            /* --until-end [--final] */
	bool reading;                     /* external sources are read */
	bool ends;                        /* it stops by itself when all is read */
	bool stays;                       /* not without until_end: more views may come */
	bool ended;                       /* until_end: all is read and committed */
	Error trouble;                    /* why views were stopped in this process: with --until-end what it ends with */
	Relation *outdated;               /* at the start: its state is of another plan; to be set aside with what reads it */
	VEC(int64_t) anew;                /* at the start: what was, to be made anew */
	const Reader *unreplayed;         /* during replay: found other records than before */
	const Lane *damaged;              /* while loading: its checkpoint in the file is, so that no one view can be named */
	Error failure;                    /* the loop ended for this */
	_Atomic uint64_t turns;           /* of the loop, for watchdogs */

	/* the commit being gathered */
	uint64_t commit;                  /* its number */
	bool gathering;                   /* something was pushed */
	bool wanted;                      /* somebody waits for it */
	bool transaction;                 /* BEGIN: no cut before COMMIT */
	int64_t held_after;               /* the last commit before a transaction that is open, or whose end is not in the file yet: what clients get since may be taken back; -1: none */
	bool file_open;                   /* the writer's transaction was begun by a statement of this commit */
	bool checkpoint_wanted;           /* the catalog changed, CHECKPOINT, a clean stop */
	bool replaying;
	bool sharing_wanted;              /* views have come or gone: sharing.c */
	bool trying;                      /* --check: all that is done now will be taken back, so no sink is written */
	bool restart_wanted;              /* options of a source have changed: when it is committed, lanes are made anew */
	int64_t clock_us;                 /* of the commit; never goes back */
	int64_t opened_us, cut_us;        /* monotonic: first row of this commit; last cut */
	int64_t logged_bytes;             /* of sources, since the last checkpoint */
	int64_t rows_since_checkpoint, checkpoint_us;
	int64_t noted_us, note_looked_us; /* monotonic: how sources fare was noted, was looked at */
	bool note_wanted;                 /* it has changed */
	struct { _Atomic int64_t commits, us, most_us; } metered;     /* by the writer, since weir_metrics was written */
	int64_t metered_us;               /* monotonic: then */
	struct { int64_t rows, over_since_us, machine_bytes; } room;     /* limits.c: rows pushed since memory was looked at; since when it is over its limit, 0: it is not */
	uint64_t limits_looked;           /* the commit after which state limits were looked at */
	bool limiting;
	VEC(RetentionNote) retentions;    /* up to when old rows of each relation have been taken away */
	atomic_bool retention_more;       /* the last commit did not take all of them */
	SealedCommit *next;               /* what is gathered besides the graph: dead letters, log, late rows */
	Checkpoint *checkpoint;           /* pieces still to be written; NULL: none under way */
	int64_t piece_bytes, piece_written;       /* of it: what one commit may take, what the last one did */

	/* the writer */
	bool writer_running;
	pthread_t writer_thread;
	pthread_cond_t writer_wake;
	SealedCommit *sealed;             /* handed over; NULL when written */
	uint64_t written;                 /* number of the last commit in the file */
	int64_t wal_bytes;
	int64_t write_us;                 /* what the last commit took to write */
} Runtime;

Runtime *runtime_new(const RuntimeConfig *config, Store *store, Catalog *catalog, Error *err);
/* Stops the loop, cuts what is gathered, checkpoints. Nothing else may come then but runtime_free. */
bool runtime_settle(Runtime *runtime, Error *err);
/* The same if it was not done, and stops all threads. Not after a failure: the file stays as it is. */
bool runtime_free(Runtime *runtime, Error *err);

/* Statements: enter waits for a step to end and keeps the loop out until leave. */
void runtime_enter(Runtime *runtime);
/* The same for who may lose patience: when *canceled becomes true, or (patience_us > 0) after so long, it returns false and is not inside. Inside
 * *canceled interrupts operators, too. canceled may be NULL. */
bool runtime_enter_unless(Runtime *runtime, const atomic_bool *canceled, int64_t patience_us);
void runtime_leave(Runtime *runtime);
/* Any thread: the process is to end now. What the loop is in the midst of is given up; the file stays as of the last commit. */
void runtime_hurry(Runtime *runtime);
bool runtime_has_given_up(const Runtime *runtime);    /* for that: no failure, but nothing more is written either */

/* The rest is called inside of enter/leave. */

/* Makes all lanes of the catalog and brings them to the last commit: load, replay. Does nothing the second time. Replay of external sources
 * waits for them at most 60 s. */
bool runtime_start(Runtime *runtime, Error *err);
/* Begins to read external sources, in threads of their own. */
bool runtime_read(Runtime *runtime, bool until_end, bool final, Error *err);

/* The file's transaction of the commit being gathered, for a statement that changes the file beside the graph. */
bool runtime_file_begin(Runtime *runtime, Error *err);

/* Adds a view or insert pipeline whose relation is in the catalog and whose catalog row is written; takes over `lowered`. Gives it the content of
 * the local relations and views it reads. Ends with runtime_flush. */
bool runtime_create(Runtime *runtime, Relation *relation, Lowered *lowered, Error *err);
bool runtime_drop(Runtime *runtime, Relation *relation, Error *err);          /* with its table */
/* A client's query: its changes go to `tap`, net per commit if `net`. Not kept in the file. */
Pipeline *runtime_client_add(Runtime *runtime, Lowered *lowered, TapFunction *tap, void *context, bool net, Error *err);
/* The same without the content of what it reads: only what changes from now on. */
Pipeline *runtime_client_follow(Runtime *runtime, Lowered *lowered, TapFunction *tap, void *context, Error *err);
/* SUBSCRIBE begins (+1) or has ended (-1): the view's changes are kept from now on. All that is gathered must be flushed. */
bool runtime_subscribed(Runtime *runtime, const Relation *view, int more, Error *err);
/* The kept changes behind *since, in order, until they are about bytes_max; *since becomes the last that were given. *all: there are no more in the file. */
typedef struct ChangesPlace { int64_t commit, seq; } ChangesPlace;      /* seq INT64_MAX: behind all of the commit */
bool runtime_changes_since(Runtime *runtime, const Relation *view, ChangesPlace *since, int64_t bytes_max, TapFunction *tap, void *context, bool *all, Error *err);
void runtime_client_remove(Runtime *runtime, Pipeline *pipeline);
bool runtime_rebuild(Runtime *runtime, Relation *view, Error *err);       /* from its start, into a new table; with all that read it; right after a flush */
/* The view and all that read it leave their lane, with position and state as of now. Resumed they go on from there in a lane of their own. */
bool runtime_pause(Runtime *runtime, Relation *view, Error *err);
bool runtime_stop(Runtime *runtime, Relation *view, const char *why, Error *err);         /* the same, but it was not asked for */
/* Views over their state_limit are stopped. Between two statements or commits. */
bool runtime_limit(Runtime *runtime, Error *err);
bool runtime_resume(Runtime *runtime, Relation *view, Error *err);
/* Takes a pipeline out, wherever it is, state and all; its table stays until runtime_remake has made it anew. *ran: it was not away. Those that read it were
 * set aside before. */
bool runtime_set_aside(Runtime *runtime, Relation *relation, bool *ran, Error *err);
/* What was set aside, each before what reads it, from its start. */
bool runtime_remake(Runtime *runtime, Relation *const *relations, int count, Error *err);
/* Pipelines of relations in the catalog that will take the place of others (Relation.replaces): at once, or when their lane joins. Takes over `lowered`. */
bool runtime_replace(Runtime *runtime, Relation *const *relations, Lowered **lowered, int count, Error *err);
/* A source that a gap has stopped goes on behind it; on_gap: "earliest", "latest"; NULL: as its option says. */
bool runtime_resume_source(Runtime *runtime, const Relation *stream, const char *on_gap, Error *err);

/* Changes of a local relation: columns as declared, weights. The table itself must have been changed in the file's transaction. */
bool runtime_push_local(Runtime *runtime, Relation *relation, Batch *changes, Error *err);
bool runtime_close_stream(Runtime *runtime, Relation *stream, Error *err);
/* Is there any pipeline that reads the relation? */
bool runtime_is_read(const Runtime *runtime, const Relation *relation);

/* Cuts what is gathered and waits until it is in the file. */
bool runtime_flush(Runtime *runtime, Error *err);
bool runtime_pending_is_full(const Runtime *runtime);   /* the commit being gathered is as large as memory is meant to hold */
bool runtime_checkpoint(Runtime *runtime, Error *err);
void runtime_hold(Runtime *runtime, bool on);         /* BEGIN, COMMIT */
/* ROLLBACK: forgets everything since the last commit and starts anew from the file. */
bool runtime_rollback(Runtime *runtime, Error *err);
/* Definitions have changed under what runs: all lanes are saved, and made anew from the catalog and the file, inside of the open transaction, too. */
bool runtime_restart(Runtime *runtime, Error *err);

/* Outside of enter/leave: until --until-end is through, or the loop failed, or *stop. */
bool runtime_wait(Runtime *runtime, const atomic_bool *stop, Error *err);

/* ---- within run/ ---- */
Reader *lane_reader(Runtime *runtime, Lane *lane, Relation *relation, Error *err);      /* found or made */
bool reader_closed_in_file(Runtime *runtime, const Relation *relation);         /* CLOSE STREAM, --final */
Reader *lane_reader_find(const Lane *lane, int64_t relation);
Pipeline *lane_pipeline(const Lane *lane, int64_t relation);
Pipeline *lane_pipeline_of(const Lane *lane, const Op *op);      /* the one whose operator it is */
/* The table of a view, where one of the lanes has it under its own name; NULL: none has. */
StoreTable *runtime_table(const Runtime *runtime, int64_t relation);
Lane *lane_new(Runtime *runtime, int64_t id, LaneState state);
void lane_free(Lane *lane);
bool pipeline_attach(Runtime *runtime, Lane *lane, Pipeline *pipeline, Error *err);
void pipeline_detach(Runtime *runtime, Lane *lane, Pipeline *pipeline);
Pipeline *pipeline_new(Runtime *runtime, Relation *relation, Lowered *lowered, bool beside, Error *err);
Pipeline *pipeline_new_client(Runtime *runtime, Lowered *lowered, TapFunction *tap, void *context, bool net, Error *err);
void pipeline_free(Pipeline *pipeline);
bool pipeline_open_end(Runtime *runtime, Pipeline *pipeline, bool create, Error *err);   /* its table or sink */
void pipeline_table_spec(const Pipeline *pipeline, Arena *arena, StoreTableSpec *spec);
/* Into the sink's target, and counts them. */
bool pipeline_write(Pipeline *pipeline, Sink *sink, const Batch *changes, Error *err);
/* The target of a sink, to be written so from this position on. */
bool pipeline_open_target(Pipeline *pipeline, const EncoderConfig *written, int64_t position, Sink **out, Error *err);
bool pipeline_recorded(const Pipeline *pipeline, int64_t *position, Error *err);      /* how far its target is written, by the file; SINK_POSITION_NEW: not at all */
/* A sink that was built beside writes to its target from now on, behind this position; its table stays in the file. */
bool pipeline_begin_sink(Runtime *runtime, Lane *lane, Pipeline *pipeline, int64_t position, Error *err);
void runtime_open_commit(Runtime *runtime);
StepContext runtime_step_context(Runtime *runtime, const Lane *lane);
bool runtime_cut(Runtime *runtime, Error *err);       /* the writer must be free */
bool lane_commit(Runtime *runtime, Lane *lane, Error *err);   /* its operators' part of a commit */
bool runtime_recover(Runtime *runtime, Error *err);
/* recover.c: makes the relation's pipeline, and those below it, in the lanes where the file says that they are */
bool pipeline_start(Runtime *runtime, Relation *relation, Error *err);
bool lane_load(Runtime *runtime, Lane *lane, Error *err);     /* from its last checkpoint */
void lane_settled(Lane *lane);                        /* what was loaded or replayed is in the file */
/* runtime.c: changes of a local relation into one lane */
bool lane_push_local(Runtime *runtime, Lane *lane, Relation *relation, Batch *changes, Error *err);
void lane_remove(Runtime *runtime, Lane *lane);       /* and frees it */
Lane *runtime_lane(const Runtime *runtime, int64_t id);       /* NULL: none */
Lane *runtime_lane_of(const Runtime *runtime, int64_t relation, Pipeline **pipeline);    /* in which the view runs; NULL: in none */
/* Ends the queries of clients that read the pipeline (NULL: of all). */
void client_end(Runtime *runtime, Lane *lane, const Error *why);
void clients_end(Runtime *runtime, const Pipeline *pipeline, const Error *why);
/* The same at the boundary of a commit, where the pipeline (NULL: none) makes room for another that goes on where it ends: a subscriber follows that one. */
void clients_part(Runtime *runtime, const Pipeline *pipeline);
void runtime_forget(Runtime *runtime);                /* all that is in memory of lanes */
/* stop.c: an operator, or a source said on_error = 'fail', has failed with err: its views are stopped and the rest goes on, started anew. False:
 * nothing can be done. */
bool runtime_mend(Runtime *runtime, Error *err);
bool outdated_leave(Runtime *runtime, Error *err);     /* outdated.c: marks runtime->outdated and what reads it; lanes are to be forgotten */
bool outdated_remake(Runtime *runtime, Error *err);    /* runtime->anew, when all else has started */
bool stop_unstarted(Runtime *runtime, Error *why, Error *err);       /* the same for what cannot be loaded or replayed; lanes are to be forgotten */
/* build.c */
bool lane_drop_readers(Runtime *runtime, Lane *lane, Error *err);    /* those that nobody attends to any more, positions and all */
bool pipelines_make(Runtime *runtime, Relation *const *relations, Lowered **lowered, int count, bool again, Error *err);
void pipeline_leave(Runtime *runtime, Lane *lane, Pipeline *pipeline);       /* out of its lane and memory; queries of clients that read it end */
bool away_forget(Runtime *runtime, const Relation *relation, Error *err);    /* pause.c: the state of a view that is paused */
bool table_beside_drop(Runtime *runtime, const Relation *relation, Error *err);
bool pipeline_remove(Runtime *runtime, Lane *lane, Pipeline *pipeline, Error *err);      /* with its state; its table stays */
/* Pushes the content of local relations and views into a new pipeline's scans. */
bool runtime_backfill(Runtime *runtime, Lane *lane, Pipeline *pipeline, Error *err);
/* Between two commits: what the file has of a table or view, into a scan of no lane. */
bool scan_give_content(Runtime *runtime, LoweredScan *scan, Error *err);
int64_t runtime_now(const Runtime *runtime);
bool runtime_is_interrupted(const Runtime *runtime, Error *err);         /* whoever is inside has lost patience: ERR_CANCELED */
bool runtime_loop_start(Runtime *runtime, Error *err);
void runtime_loop_stop(Runtime *runtime);
bool writer_is_free(const Runtime *runtime);
bool writer_wait(Runtime *runtime, Error *err);       /* until it is */
bool writer_hand_over(Runtime *runtime, SealedCommit *sealed, Error *err);
void writer_start(Runtime *runtime);                   /* from now on commits are written beside; without a thread where they are cut */
void writer_stop(Runtime *runtime);
/* metrics.c */
uint64_t pipeline_state_bytes(const Pipeline *pipeline);
bool metrics_finish(Runtime *runtime, Error *err);               /* at a clean stop */
bool runtime_time_is_due(const Runtime *runtime);                 /* loop.c: does a cut now change something without input? */
/* retention.c */
bool retention_check(const Relation *relation, Error *err);       /* can its rows go by their age? */
bool retention_is_due(Runtime *runtime);
/* Have rows of the relation gone, so that a view made later is given less than others were? Whatever its retention is now. */
bool retention_has_taken(Runtime *runtime, const Relation *relation);
/* build.c: a lane beside the live one */
void lane_limit(Runtime *runtime, Lane *lane);        /* it must not read past the live lane */
int64_t lane_behind(const Runtime *runtime, const Lane *lane);        /* records that it is behind the live one; -1: not all partitions are known yet */
bool lane_is_near(const Runtime *runtime, const Lane *lane);
bool lane_can_join(const Runtime *runtime, const Lane *lane);
bool lane_join(Runtime *runtime, Lane *lane, bool of_statement, Error *err);      /* of_statement: it fails where a sink cannot deliver */

#endif
