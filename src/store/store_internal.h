/* What the files of store/ share: the struct, statements, errors of SQLite. Nobody else includes this. */
#ifndef WEIR_STORE_STORE_INTERNAL_H
#define WEIR_STORE_STORE_INTERNAL_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "store/store.h"

enum { STORE_APPLICATION_ID = 0x57656972 /* "Weir" */, STORE_PAGE_BYTES = 8192, STORE_WAL_FRAME_BYTES = STORE_PAGE_BYTES + 24 };

typedef struct StoreStatement { const char *sql; sqlite3_stmt *stmt; } StoreStatement;

/* How much one bounded table keeps (dead letters, late rows), remembered so that no commit has to count. */
typedef struct StoreKept {
	bool loaded, changed;
	int64_t bytes, rows, bytes_max;
	int64_t trimmed_id;               /* rows up to this id have lost their bytes */
} StoreKept;

enum { STORE_KEPT_DEAD_LETTERS, STORE_KEPT_LATE_ROWS, STORE_KEPT_COUNT };

struct Store {
	char *path;                       /* as shown */
	char *uri;                        /* as SQLite opens it */
	sqlite3 *db;                      /* the writer; a reader where read-only */
	int lock_fd;                      /* -1: none; opened before SQLite opens the file, closed after it */
	unsigned flags;
	bool in_memory, is_new, is_copy;
	bool is_open;                     /* for writing, wholly: closing may write */
	bool in_transaction;
	bool lost;                        /* SQLite has undone the transaction by itself, and who began it has not heard of that yet: nothing may be written */
	Error lost_why;                   /* the first error that was told of since */
	Error unheard;                    /* the first error since the last commit that was told nobody: the next one fails with it */
	struct Functions *functions;      /* of the writer's connection; see adhoc_internal.h */
	int savepoint_count;
	int64_t data_version;             /* PRAGMA data_version at the last store_begin */
	int64_t patience_ms, wait_ms_max, waited_ms;
	bool wait_told;
	atomic_bool interrupted;
	atomic_bool lent;                 /* only this thread may use it (store_lend) */
	pthread_t lent_to;
	VEC(StoreStatement) statements;
	StoreTable *tables;               /* all open ones, linked */
	int64_t wal_frames;               /* in the WAL after the last commit */
	int64_t commits_kept_us;          /* one record an hour */
	int64_t opened_commit;            /* the last commit when lanes were loaded: later generations are theirs */
	VEC(int64_t) clean_lanes;         /* whose generations that never became complete were dropped since then */
	StoreKept kept[STORE_KEPT_COUNT];
	Arena scratch;
};

/* ---- transaction.c ---- */
bool store_has_transaction(const Store *store, Error *err);      /* false: SQLite has undone it */
/* An error came of a statement while it is lost: of the one that lost it, and of all after that. */
void store_transaction_lost(Store *store, Error *err);

/* ---- wal.c ---- */
int store_make_room(Store *store);                      /* before the WAL is copied into the file; SQLite's code */

/* ---- errors.c ---- */
/* Turns the connection's last error into an Error; `doing` completes "file "x": could not ...", e.g. "write". Always false. */
bool store_sqlite_error(sqlite3 *db, int rc, const char *path, Error *err);
/* The same for Weir's own statements about its own tables. */
bool store_own_error(sqlite3 *db, int rc, const char *path, Error *err);
bool store_fail(Store *store, int rc, Error *err);      /* of the writer; notes where SQLite has ended the transaction by itself */

/* ---- statement.c ---- */
/* For assertions: may this thread use the connection? */
static inline bool store_is_ours(const Store *store) { return !atomic_load(&store->lent) || pthread_equal(store->lent_to, pthread_self()); }
/* A prepared statement for a literal (the pointer is the key), reset and ready; kept until close. NULL: err. */
sqlite3_stmt *store_statement(Store *store, const char *sql, Error *err);
/* Binds by format: i int64_t, r double, t const char * (NULL: NULL), b const void *, size_t; n nothing. The caller keeps the bytes until the step. */
void store_bind(sqlite3_stmt *stmt, const char *format, ...);
/* Prepares, binds, runs to the end. */
bool store_run(Store *store, Error *err, const char *sql, const char *format, ...);
/* For statements with results: NULL: err. Then `while (store_row(store, stmt, &ok, err))`; it resets at the end. */
sqlite3_stmt *store_query(Store *store, Error *err, const char *sql, const char *format, ...);
bool store_row(Store *store, sqlite3_stmt *stmt, bool *ok, Error *err);
/* First column of the first row as an integer; *out stays where there is no row, or NULL. */
bool store_read_integer(Store *store, int64_t *out, Error *err, const char *sql, const char *format, ...);
/* The same for who has no use for an error: then it is `missing`, and the next commit fails with it. */
int64_t store_integer(Store *store, int64_t missing, const char *sql, const char *format, ...);
/* SQL made at run time, not kept. */
bool store_exec(Store *store, Error *err, const char *format, ...) __attribute__((format(printf, 3, 4)));
void store_statements_release(Store *store);

/* ---- schema.c ---- */
enum { STORE_SCHEMA_VERSION = 3 };
bool schema_migrate(Store *store, int from_version, Error *err);         /* in a transaction */
/* Type of a column of one of Weir's own tables; false: not known. */
bool schema_column_type(const char *table, const char *column, Type *type);
bool schema_table_is_internal(const char *name);                        /* weir_... that are KEPT */

/* ---- table.c, apply.c ---- */
void store_tables_forget(Store *store);                                 /* all remembered rowids */
void store_tables_release(Store *store);
void store_table_forget(StoreTable *table);

/* ---- checkpoint.c ---- */
bool store_sweep(Store *store, Error *err);                             /* before COMMIT: takes some garbage away */

/* ---- kept.c ---- */
bool store_kept_save(Store *store, Error *err);                         /* before COMMIT */
void store_kept_forget(Store *store);                                   /* after ROLLBACK */

/* ---- reader.c ---- */
struct StoreReader {
	Store *store;
	sqlite3 *db;
	bool in_transaction;
	struct Functions *functions;      /* Weir's own, as far as this connection knows them; SQLite frees them */
};
bool reader_connect(Store *store, sqlite3 **db, Error *err);
static inline sqlite3 *store_connection(Store *store, StoreReader *reader) { return reader ? reader->db : store->db; }

/* "name" quoted, in arena */
char *store_quoted(Arena *arena, const char *name);

#endif
