/* Rows of Weir's own small tables: catalog, settings, sinks, accounts, status. */
#include <string.h>

#include "store/store_internal.h"

/* ---- catalog ---- */

bool store_catalog_put(Store *store, StoreCatalogRow *row, Error *err)
{
	static const char SQL[] = "INSERT INTO weir_catalog(id, kind, name, sql, state, extra) VALUES (nullif(?1, 0), ?2, ?3, ?4, ?5, ?6)"
		" ON CONFLICT DO UPDATE SET kind = ?2, name = ?3, sql = ?4, state = ?5, extra = ?6";
	if (!store_run(store, err, SQL, "ittttt", row->id, row->kind, row->name, row->sql, row->state, row->extra)) return false;
	if (!row->id) row->id = sqlite3_last_insert_rowid(store->db);
	return true;
}

bool store_catalog_remove(Store *store, int64_t id, Error *err)
{
	return store_run(store, err, "DELETE FROM weir_metrics WHERE subject = (SELECT name FROM weir_catalog WHERE id = ?1)", "i", id)
		&& store_run(store, err, "DELETE FROM weir_catalog WHERE id = ?1", "i", id);
}

static const char *text_at(sqlite3_stmt *stmt, int column) { return (const char *)sqlite3_column_text(stmt, column); }

bool store_catalog_list(Store *store, StoreCatalogVisit *visit, void *context, Error *err)
{
	bool ok, going = true;
	sqlite3_stmt *stmt = store_query(store, err, "SELECT id, kind, name, sql, state, extra FROM weir_catalog ORDER BY id", "");
	if (!stmt) return false;
	while (going && store_row(store, stmt, &ok, err)) {
		StoreCatalogRow row = {.id = sqlite3_column_int64(stmt, 0), .kind = text_at(stmt, 1), .name = text_at(stmt, 2), .sql = text_at(stmt, 3),
			.state = text_at(stmt, 4), .extra = text_at(stmt, 5)};
		going = visit(context, &row, err);
	}
	sqlite3_reset(stmt);
	return going && ok;
}

/* ---- settings ---- */

bool store_setting_put(Store *store, const char *name, const char *value, Error *err)
{
	if (!value) return store_run(store, err, "DELETE FROM weir_settings WHERE name = ?1", "t", name);
	return store_run(store, err, "INSERT OR REPLACE INTO weir_settings VALUES (?1, ?2)", "tt", name, value);
}

const char *store_setting_get(Store *store, const char *name, Arena *arena)
{
	bool ok;
	const char *value = NULL;
	sqlite3_stmt *stmt = store_query(store, &store->unheard, "SELECT value FROM weir_settings WHERE name = ?1", "t", name);
	if (!stmt || !store_row(store, stmt, &ok, &store->unheard)) return NULL;
	if (text_at(stmt, 0)) value = arena_strdup(arena, text_at(stmt, 0));
	sqlite3_reset(stmt);
	return value;
}

bool store_settings_list(Store *store, StoreSettingVisit *visit, void *context, Error *err)
{
	bool ok, going = true;
	sqlite3_stmt *stmt = store_query(store, err, "SELECT name, value FROM weir_settings WHERE name NOT LIKE 'weir.%' ORDER BY name", "");
	if (!stmt) return false;
	while (going && store_row(store, stmt, &ok, err)) going = visit(context, text_at(stmt, 0), text_at(stmt, 1), err);
	sqlite3_reset(stmt);
	return going && ok;
}

/* ---- sinks ---- */

bool store_sink_put(Store *store, int64_t sink, int64_t position, int64_t commit, const char *detail, Error *err)
{
	return store_run(store, err, "INSERT INTO weir_sinks VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET position = ?2, commit_id = ?3, detail = ?4", "iiit",
		sink, position, commit, detail);
}

bool store_sink_get(Store *store, int64_t sink, int64_t *position, int64_t *commit, const char **detail, Arena *arena, Error *err)
{
	bool ok;
	sqlite3_stmt *stmt = store_query(store, err, "SELECT position, commit_id, detail FROM weir_sinks WHERE id = ?1", "i", sink);
	if (!stmt || !store_row(store, stmt, &ok, err)) return false;
	*position = sqlite3_column_int64(stmt, 0);
	if (commit) *commit = sqlite3_column_int64(stmt, 1);
	if (detail) *detail = text_at(stmt, 2) ? arena_strdup(arena, text_at(stmt, 2)) : NULL;
	sqlite3_reset(stmt);
	return true;
}

bool store_sink_remove(Store *store, int64_t sink, Error *err)
{
	return store_run(store, err, "DELETE FROM weir_sinks WHERE id = ?1", "i", sink) && store_log_prune(store, STORE_LOG_OUTBOX, sink, INT64_MAX, err);
}

bool store_sink_move(Store *store, int64_t sink, int64_t to, Error *err)
{
	return store_run(store, err, "UPDATE weir_sinks SET id = ?2 WHERE id = ?1", "ii", sink, to)
		&& store_run(store, err, "UPDATE weir_outbox SET relation = ?2 WHERE relation = ?1", "ii", sink, to);
}

/* ---- accounts and status ---- */

bool store_account_add(Store *store, const StoreAccount *account, Error *err)
{
	static const char SQL[] = "INSERT INTO weir_accounts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET name = ?2, rows_in = rows_in + ?3,"
		" applied = applied + ?4, filtered = filtered + ?5, late = late + ?6, dead = dead + ?7";
	return store_run(store, err, SQL, "itiiiii", account->relation, account->name, account->rows_in, account->applied, account->filtered, account->late, account->dead);
}

bool store_account_remove(Store *store, int64_t relation, Error *err)
{
	return store_run(store, err, "DELETE FROM weir_accounts WHERE relation = ?1", "i", relation);
}

bool store_account_get(Store *store, int64_t relation, StoreAccount *out)
{
	bool ok;
	*out = (StoreAccount){.relation = relation};
	sqlite3_stmt *stmt = store_query(store, &store->unheard, "SELECT rows_in, applied, filtered, late, dead FROM weir_accounts WHERE relation = ?1", "i", relation);
	if (!stmt || !store_row(store, stmt, &ok, &store->unheard)) return false;
	int64_t *const fields[] = {&out->rows_in, &out->applied, &out->filtered, &out->late, &out->dead};
	for (int i = 0; i < 5; i++) *fields[i] = sqlite3_column_int64(stmt, i);
	sqlite3_reset(stmt);
	return true;
}

bool store_view_status_put(Store *store, const StoreViewStatus *status, Error *err)
{
	static const char SQL[] = "INSERT OR REPLACE INTO weir_views(id, name, state, why, progress, start, lane, since_commit)"
		" VALUES (?1, ?2, ?3, ?4, CASE WHEN ?5 >= 0 THEN ?5 END, ?6, ?7, ?8)";
	return store_run(store, err, SQL, "itttrtii", status->id, status->name, status->state, status->why, status->progress, status->start, status->lane, status->since_commit);
}

bool store_view_progress_put(Store *store, int64_t id, double progress, Error *err)
{
	return store_run(store, err, "UPDATE weir_views SET progress = ?2 WHERE id = ?1", "ir", id, progress);
}

bool store_view_status_remove(Store *store, int64_t id, Error *err)
{
	return store_run(store, err, "DELETE FROM weir_views WHERE id = ?1", "i", id)
		&& store_run(store, err, "DELETE FROM weir_accounts WHERE relation = ?1", "i", id)
		&& store_changes_drop(store, id, err);
}

bool store_source_status_put(Store *store, int64_t id, const char *name, const char *state, int64_t lag, const char *error, Error *err)
{
	static const char SQL[] = "INSERT OR REPLACE INTO weir_sources(id, name, state, lag, error) VALUES (?1, ?2, ?3, CASE WHEN ?4 >= 0 THEN ?4 END, ?5)";
	if (!name) return store_run(store, err, "DELETE FROM weir_sources WHERE id = ?1", "i", id);
	return store_run(store, err, SQL, "ittit", id, name, state, lag, error);
}

bool store_metric_add(Store *store, const char *name, const char *subject, int64_t value, Error *err)
{
	return store_run(store, err, "INSERT INTO weir_metrics VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET value = value + ?3", "tti", name, subject ? subject : "", value);
}

bool store_metric_put(Store *store, const char *name, const char *subject, int64_t value, Error *err)
{
	return store_run(store, err, "INSERT OR REPLACE INTO weir_metrics VALUES (?1, ?2, ?3)", "tti", name, subject ? subject : "", value);
}
