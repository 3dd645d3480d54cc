/* Three logs of one shape: input that cannot be read again, changes for SUBSCRIBE, the outbox. */
#include "base/hash.h"
#include "store/store_internal.h"

typedef struct LogSql { const char *table, *put, *list, *prune, *bytes, *first; } LogSql;

#define LOG_SQL(name) { \
	.table = name, \
	.put = "INSERT INTO " name "(commit_id, relation, bytes, hash) VALUES (?1, ?2, ?3, ?4)", \
	.list = "SELECT commit_id, seq, relation, bytes, hash FROM " name " WHERE (?1 = 0 OR relation = ?1) AND commit_id >= ?2 AND (commit_id, seq) > (?2, ?3) ORDER BY commit_id, seq", \
	.prune = "DELETE FROM " name " WHERE commit_id <= ?2 AND (?1 = 0 OR relation = ?1)", \
	.bytes = "SELECT sum(length(bytes)) FROM " name, \
	.first = "SELECT commit_id FROM " name " WHERE (?1 = 0 OR relation = ?1) ORDER BY commit_id LIMIT 1"}

static const LogSql LOGS[STORE_LOG_COUNT] = {
	[STORE_LOG_INPUT] = LOG_SQL("weir_log"),
	[STORE_LOG_CHANGES] = LOG_SQL("weir_changes"),
	[STORE_LOG_OUTBOX] = LOG_SQL("weir_outbox"),
};

bool store_log_put(Store *store, StoreLog log, int64_t commit, int64_t relation, const void *bytes, uint32_t count, Error *err)
{
	return store_run(store, err, LOGS[log].put, "iibi", commit, relation, count ? bytes : "", (size_t)count, (int64_t)hash_bytes(bytes, count));
}

static bool log_damaged(Store *store, StoreLog log, int64_t seq, Error *err)
{
	error_set(err, ERR_FILE_FORMAT, SPAN_NONE, "file \"%s\" is damaged: row %lld of %s is not what was written", store->path, (long long)seq, LOGS[log].table);
	return error_hint(err, "Go back to a copy of the file.");
}

bool store_log_list(Store *store, StoreLog log, int64_t relation, int64_t after_commit, int64_t after_seq, StoreLogVisit *visit, void *context, Error *err)
{
	bool ok, going = true;
	sqlite3_stmt *stmt = store_query(store, err, LOGS[log].list, "iii", relation, after_commit, after_seq);
	if (!stmt) return false;
	while (going && store_row(store, stmt, &ok, err)) {
		const void *bytes = sqlite3_column_blob(stmt, 3);
		uint32_t count = (uint32_t)sqlite3_column_bytes(stmt, 3);
		bool whole = sqlite3_column_type(stmt, 4) == SQLITE_NULL || sqlite3_column_int64(stmt, 4) == (int64_t)hash_bytes(bytes ? bytes : "", count);
		going = whole ? visit(context, sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1), sqlite3_column_int64(stmt, 2), bytes ? bytes : "", count, err)
			: log_damaged(store, log, sqlite3_column_int64(stmt, 1), err);
	}
	sqlite3_reset(stmt);
	return going && ok;
}

bool store_log_prune(Store *store, StoreLog log, int64_t relation, int64_t through_commit, Error *err)
{
	return store_run(store, err, LOGS[log].prune, "ii", relation, through_commit);
}

bool store_log_prune_others(Store *store, StoreLog log, const int64_t *relations, int count, int64_t through_commit, Error *err)
{
	StrBuf sql = STRBUF_INIT;
	strbuf_printf(&sql, "DELETE FROM %s WHERE commit_id <= %lld AND relation NOT IN (", LOGS[log].table, (long long)through_commit);
	for (int i = 0; i < count; i++) strbuf_printf(&sql, "%s%lld", i ? ", " : "", (long long)relations[i]);
	strbuf_addc(&sql, ')');
	bool ok = store_exec(store, err, "%s", sql.text);
	strbuf_release(&sql);
	return ok;
}

int64_t store_log_bytes(Store *store, StoreLog log) { return store_integer(store, 0, LOGS[log].bytes, ""); }

int64_t store_log_first_commit(Store *store, StoreLog log, int64_t relation) { return store_integer(store, 0, LOGS[log].first, "i", relation); }
