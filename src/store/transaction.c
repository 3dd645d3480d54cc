/* Transactions and savepoints. What is remembered of the file between them (rowids, sizes) is forgotten when they are undone or when another
 * connection has written. */
#include "store/store_internal.h"

static void notice_foreign_writes(Store *store)
{
	int64_t version = store_integer(store, 0, "PRAGMA data_version", "");
	if (version != store->data_version) store_tables_forget(store);
	store->data_version = version;
}

bool store_begin(Store *store, Error *err)
{
	atomic_store(&store->interrupted, false);
	store->wait_ms_max = store->patience_ms;
	store->waited_ms = 0;
	store->wait_told = false;
	store->lost = false;
	store->lost_why = ERROR_INIT;
	if (!store_run(store, err, "BEGIN IMMEDIATE", "")) return false;
	store->in_transaction = true;
	store->savepoint_count = 0;
	notice_foreign_writes(store);
	return true;
}

/* COMMIT can have done its work and then find no memory to end its statement: it is committed where nothing was undone. */
static bool end_transaction(Store *store, Error *err)
{
	Error why = ERROR_INIT;
	bool open = !sqlite3_get_autocommit(store->db);
	if (store_run(store, &why, "COMMIT", "")) return true;
	if (open && !store->lost && sqlite3_get_autocommit(store->db)) return true;
	*err = why;
	return false;
}

bool store_commit(Store *store, Error *err)
{
	bool ok = store_has_transaction(store, err) && store_sweep(store, err) && store_kept_save(store, err);
	if (ok && store->unheard.code != ERR_NONE) {
		*err = store->unheard;
		ok = false;
	}
	ok = ok && end_transaction(store, err);
	if (!ok) store_rollback(store);
	store->in_transaction = store->lost = false;
	store->unheard = ERROR_INIT;
	arena_clear(&store->scratch);
	return ok;
}

bool store_has_transaction(const Store *store, Error *err)
{
	if (!store->lost) return true;
	if (store->lost_why.code == ERR_NONE) return store_sqlite_error(store->db, SQLITE_NOMEM, store->path, err);
	*err = store->lost_why;
	return false;
}

static void forget_written(Store *store)
{
	store_tables_forget(store);
	store_kept_forget(store);
	store->clean_lanes.count = 0;
}

/* It is there no more, by whosever doing. */
static void forget_transaction(Store *store)
{
	store->in_transaction = false;
	store->savepoint_count = 0;
	forget_written(store);
}

void store_rollback(Store *store)
{
	store->lost = false;
	store->unheard = ERROR_INIT;
	if (!store->in_transaction) return;
	forget_transaction(store);
	if (!sqlite3_get_autocommit(store->db)) store_run(store, NULL, "ROLLBACK", "");
	arena_clear(&store->scratch);
}

void store_transaction_lost(Store *store, Error *err)
{
	if (store->in_transaction) {
		store->lost_why = *err;
		forget_transaction(store);
	} else *err = store->lost_why;
}

bool store_in_transaction(const Store *store) { return store->in_transaction; }

bool store_savepoint(Store *store, Error *err)
{
	if (!store_exec(store, err, "SAVEPOINT weir_%d", store->savepoint_count + 1)) return false;
	store->savepoint_count++;
	return true;
}

bool store_savepoint_release(Store *store, Error *err)
{
	if (!store_exec(store, err, "RELEASE weir_%d", store->savepoint_count)) {
		store_savepoint_rollback(store);
		return false;
	}
	store->savepoint_count--;
	return true;
}

void store_savepoint_rollback(Store *store)
{
	if (!store->in_transaction || store->savepoint_count == 0) return;        /* SQLite has ended the transaction already */
	store_exec(store, &store->unheard, "ROLLBACK TO weir_%d; RELEASE weir_%d", store->savepoint_count, store->savepoint_count);
	store->savepoint_count--;
	forget_written(store);
}
