/* The engine: the one facade that shell, service, server and tests use. Everything else of src/ is behind it.
 *
 *     Engine *engine = engine_open(&(EngineConfig){.path = "shop.db"}, &err);
 *     Session *session = session_new(engine, &out, SESSION_BATCH);
 *     session_run(session, text, start, end, &err);           // one statement; results go to `out`
 *     session_finish(session, &err);                          // all that it inserted is committed in all views
 *     session_free(session);
 *     engine_close(engine, &err);
 *
 * Threads: statements of several sessions may come from several threads; they run one at a time, but for ad-hoc queries, which run beside
 * everything. session_cancel() and engine_stop() are for any thread and for signal handlers.
 */
#ifndef WEIR_ENGINE_ENGINE_H
#define WEIR_ENGINE_ENGINE_H

#include <stdatomic.h>

#include "base/error.h"
#include "base/strbuf.h"
#include "type/batch.h"

typedef struct Engine Engine;
typedef struct Session Session;

typedef struct EngineConfig {
	const char *path;                     /* NULL: in memory */
	bool must_exist;                      /* weir status, weir run without a script on a missing file */
	int64_t fixed_clock_us;               /* weir test: 0: the real clock */
	int rows_per_batch;                   /* weir test: 0: as they come */
	bool commit_each_statement;           /* weir test */
	bool take_over;                       /* --take-over: a copied file becomes the original */
	void (*notice)(void *context, const char *text);      /* one line about what goes on; any thread; may be NULL */
	void *context;
} EngineConfig;

/* ERR_FILE_IN_USE: another process owns the file (server/client.h works through it). */
Engine *engine_open(const EngineConfig *config, Error *err);
/* Commits what is gathered, checkpoints, stops all threads. */
bool engine_close(Engine *engine, Error *err);
/* As if the process were killed: nothing more is committed. weir test. */
void engine_abandon(Engine *engine);
const char *engine_path(const Engine *engine);        /* NULL: in memory */

/* ---- reading external sources ---- */
enum {
	ENGINE_UNTIL_END = 1, ENGINE_FINAL = 2,
	ENGINE_STAY = 4,                      /* the shell: what is read ends never, not even when all sources have ended by themselves */
};
/* From now on all sources are read in the background. */
bool engine_read(Engine *engine, unsigned flags, Error *err);
/* Returns when --until-end is through, all sources have ended by themselves, something failed, or engine_stop was called. */
bool engine_wait(Engine *engine, Error *err);
/* The same; feeds systemd's watchdog every interval_us as long as the commit loop turns. */
bool engine_wait_watched(Engine *engine, uint64_t interval_us, Error *err);
bool engine_has_work(Engine *engine);                 /* does any view or sink read an external source? */
void engine_stop(Engine *engine);                     /* any thread, signal handlers */
/* Any thread: engine_stop was not enough, so a commit that takes long is given up. Nothing is lost that was in the file. */
void engine_hurry(Engine *engine);
/* Before engine_close, while engine_hurry can still be heard: reading ends, what is gathered goes into the file. */
bool engine_settle(Engine *engine, Error *err);
/* SIGHUP: what ${env:X} and ${file:path} stand for in the options of sources is read again. */
void engine_refresh(Engine *engine);
/* For watchdogs: number of turns of the commit loop so far; it grows while all is well. */
uint64_t engine_heartbeat(const Engine *engine);
/* weir test: moves the fixed clock; what time alone changes is committed. */
void engine_set_clock(Engine *engine, int64_t us);

/* ---- sessions ---- */
typedef enum SessionMode {
	SESSION_BATCH,                        /* scripts, -c, tests, pipes: the first error stops whoever runs it; continuous queries over local
	                                         relations end with what is there */
	SESSION_TERMINAL,                     /* a person: changing results are redrawn, hints are given */
} SessionMode;

typedef struct ResultColumn {
	const char *name;
	Type type;
	int sort_rank;                        /* RESULT_CHANGES: the query orders its rows by this column: 1 first, then 2 ...; 0: it does not */
	bool descending, nulls_last;
} ResultColumn;

typedef enum ResultKind {
	RESULT_TABLE,                         /* rows of one result */
	RESULT_APPEND,                        /* a continuous query that only adds rows: print each as it comes */
	RESULT_CHANGES,                       /* a continuous query whose result changes: first column "op"; a terminal draws the result again in place */
	RESULT_FEED,                          /* SUBSCRIBE: the same, but the changes are what is asked for */
	RESULT_TEXT,                          /* EXPLAIN, SHOW CREATE, PEEK: one TEXT column, printed bare on a terminal */
} ResultKind;

/* Where results go. Functions may be NULL. Returning false cancels the statement (closed pipe). */
typedef struct ResultSink {
	bool (*begin)(void *context, ResultKind kind, const ResultColumn *columns, int column_count);
	bool (*rows)(void *context, const Batch *rows);           /* columns as begun; all weights +1 */
	bool (*flush)(void *context);                             /* of a result that grows while it is read: what came so far is to be seen */
	bool (*end)(void *context);                               /* of the result; not after an error */
	void (*done)(void *context, const char *tag);             /* statement without rows: "CREATE TABLE", "INSERT 3" */
	void (*notice)(void *context, const char *text);          /* one line: warnings, hints */
	void (*progress)(void *context, const char *what, int64_t done, int64_t all, double per_second);     /* all -1: not known */
	bool is_remote;                                           /* its reader is another process: a slow one is not waited for but given up */
	void *context;
} ResultSink;

Session *session_new(Engine *engine, const ResultSink *out, SessionMode mode);
void session_free(Session *session);
/* Value of :name in statements. */
void session_set_variable(Session *session, const char *name, const char *value);
/* Runs the statement text[start, end); err.span counts from text. A ResultSink's begin ... end comes at most once, done once where there is
 * no result. */
bool session_run(Session *session, const char *text, size_t start, size_t end, Error *err);
/* The end of a script: an open transaction is rolled back (with a notice), all that was inserted is committed in all views. */
bool session_finish(Session *session, Error *err);
void session_cancel(Session *session);                /* what runs ends with ERR_CANCELED */
bool session_in_transaction(const Session *session);

/* weir run FILE -f SCRIPT...: all in one transaction, repeated definitions passed over. check: changes nothing, and tells of each
 * statement through out: a result (statement, outcome, detail). `name` is for messages ("setup.sql"); on error *line says where (from 1). */
typedef struct ScriptText { const char *name, *text; size_t bytes; } ScriptText;
bool session_run_script(Session *session, const ScriptText *scripts, int count, bool check, int *failed_script, Error *err);

/* ---- for the shell's completion ---- */
/* kind: "table", "stream" ...: relations, each followed by its "column"s; "function", "option" */
typedef bool EngineNameVisit(void *context, const char *name, const char *kind);
void engine_names(Engine *engine, EngineNameVisit *visit, void *context);

/* ---- long work ---- */
typedef struct EngineProgress {
	char what[32], name[128];             /* "building", "v"; "reading", "orders" */
	int64_t done, left;                   /* records, or bytes of files; left -1: not known */
	bool in_bytes;
} EngineProgress;
/* What of all that goes on has the most left to do. False: views are up to date, or nearly. */
bool engine_progress(Engine *engine, EngineProgress *out);

/* ---- reference pages ---- */
/* "functions", "options", "tables", "errors" as Markdown, made of the tables that the engine works by. False: no such page. */
bool engine_document(const char *name, StrBuf *out);

/* ---- weir status ---- */
typedef enum EngineHealth { HEALTH_FRESH = 0, HEALTH_WANTS_A_PERSON = 4, HEALTH_NOT_RUNNING = 5 } EngineHealth;
/* How the file fares, as one result to `out`: the file itself, its sources, its views. Reads beside the process that owns it.
 * owner: that process's id (client_owner), 0: none. */
bool engine_status(const char *path, const ResultSink *out, int owner, EngineHealth *health, Error *err);

#endif
