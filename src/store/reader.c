/* Connections that only read: for ad-hoc queries, backfills and the binder. */
#include "store/store_internal.h"

enum { READER_CACHE_KIB = 16 * 1024, READER_BUSY_MS = 60 * 1000 };

bool reader_connect(Store *store, sqlite3 **out, Error *err)
{
	sqlite3 *db;
	int rc = sqlite3_open_v2(store->uri, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | (store->in_memory ? SQLITE_OPEN_URI : 0), NULL);
	*out = db;
	if (rc != SQLITE_OK) return store_sqlite_error(db, rc, store->path, err);
	int on = 1;
	sqlite3_extended_result_codes(db, 1);
	sqlite3_busy_timeout(db, READER_BUSY_MS);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
	char pragmas[96];
	sqlite3_snprintf(sizeof pragmas, pragmas, "PRAGMA query_only = ON; PRAGMA cache_size = -%d", READER_CACHE_KIB);
	rc = sqlite3_exec(db, pragmas, NULL, NULL, NULL);
	return rc == SQLITE_OK || store_sqlite_error(db, rc, store->path, err);
}

StoreReader *store_reader_open(Store *store, Error *err)
{
	StoreReader *reader = mem_new(StoreReader);
	reader->store = store;
	if (reader_connect(store, &reader->db, err)) return reader;
	store_reader_close(reader);
	return NULL;
}

void store_reader_close(StoreReader *reader)
{
	if (!reader) return;
	sqlite3_close_v2(reader->db);
	free(reader);
}

void store_reader_interrupt(StoreReader *reader) { sqlite3_interrupt(reader->db); }

/* BEGIN alone takes no snapshot; the first read does. */
bool store_reader_begin(StoreReader *reader, int64_t *commit, Error *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_exec(reader->db, "BEGIN", NULL, NULL, NULL);
	if (rc == SQLITE_OK) rc = sqlite3_prepare_v2(reader->db, "SELECT max(id) FROM weir_commits", -1, &stmt, NULL);
	if (rc == SQLITE_OK) rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW && commit) *commit = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	reader->in_transaction = rc == SQLITE_ROW;
	if (reader->in_transaction) return true;
	store_own_error(reader->db, rc, reader->store->path, err);
	if (!sqlite3_get_autocommit(reader->db)) sqlite3_exec(reader->db, "ROLLBACK", NULL, NULL, NULL);
	return false;
}

void store_reader_end(StoreReader *reader)
{
	if (reader->in_transaction) sqlite3_exec(reader->db, "COMMIT", NULL, NULL, NULL);
	reader->in_transaction = false;
}
