/* Commit records, where every partition is, where each view began, and what a topic had lost. */
#include "store/record.h"
#include "store/store_internal.h"
#include "type/calendar.h"
#include "type/text.h"

static const char *time_text(Arena *arena, int64_t us)
{
	char text[TIMESTAMP_PRINT_BYTES];
	return arena_strndup(arena, text, (size_t)timestamp_print(us, text));
}

static bool put_partition(Store *store, const PartitionRecord *p, int64_t commit, Error *err)
{
	static const char SQL[] = "INSERT INTO weir_partitions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO UPDATE SET position = ?4,"
		" records = records + ?5, hash = ?6, watermark = ?7, idle = ?8, last_position = ?9, last_fingerprint = ?10, commit_id = ?11";
	sqlite3_stmt *stmt = store_statement(store, SQL, err);
	if (!stmt) return false;
	store_bind(stmt, "iiiiiiiiiii", p->lane, p->relation, (int64_t)p->partition, p->position, p->records, (int64_t)p->hash, p->watermark_us, (int64_t)p->idle,
		p->last_position, (int64_t)p->last_fingerprint, commit);
	if (p->watermark_us == WATERMARK_NONE) sqlite3_bind_null(stmt, 7);
	int rc = sqlite3_step(stmt);
	if (rc != SQLITE_DONE) store_fail(store, rc, err);
	sqlite3_reset(stmt);
	return rc == SQLITE_DONE;
}

bool store_commit_put(Store *store, const CommitRecord *record, Error *err)
{
	StrBuf bytes = STRBUF_INIT;
	record_pack(&bytes, record->partitions, record->partition_count, record->extra, record->extra_bytes);
	bool ok = store_run(store, err, "INSERT INTO weir_commits VALUES (?1, ?2, ?3, ?4, ?5, ?6)", "ittiib", record->commit,
		time_text(&store->scratch, record->time_us), time_text(&store->scratch, record->clock_us), record->rows_in, record->rows_changed, bytes.text, bytes.bytes);
	strbuf_release(&bytes);
	for (int i = 0; i < record->partition_count && ok; i++) ok = put_partition(store, &record->partitions[i], record->commit, err);
	return ok;
}

bool store_commit_last(Store *store, int64_t *commit, Error *err)
{
	*commit = 0;
	return store_read_integer(store, commit, err, "SELECT max(id) FROM weir_commits", "");
}

static bool damaged_record(Store *store, const char *what, int64_t number, Error *err)
{
	error_set(err, ERR_FILE_FORMAT, SPAN_NONE, "file \"%s\": the record of %s %lld is damaged", store->path, what, (long long)number);
	return error_hint(err, "Go back to a copy of the file.");
}

static int64_t column_time(sqlite3_stmt *stmt, int column)
{
	int64_t us = 0;
	const char *text = (const char *)sqlite3_column_text(stmt, column);
	if (text) text_to_timestamp(text, (size_t)sqlite3_column_bytes(stmt, column), &us);
	return us;
}

static bool read_commit(Store *store, sqlite3_stmt *stmt, Arena *arena, CommitRecord *record, Error *err)
{
	*record = (CommitRecord){.commit = sqlite3_column_int64(stmt, 0), .time_us = column_time(stmt, 1), .clock_us = column_time(stmt, 2),
		.rows_in = sqlite3_column_int64(stmt, 3), .rows_changed = sqlite3_column_int64(stmt, 4)};
	const void *bytes = sqlite3_column_blob(stmt, 5);
	return record_unpack(bytes, (size_t)sqlite3_column_bytes(stmt, 5), arena, &record->partitions, &record->partition_count, &record->extra, &record->extra_bytes)
		|| damaged_record(store, "commit", record->commit, err);
}

bool store_commits_list(Store *store, int64_t after, StoreCommitVisit *visit, void *context, Error *err)
{
	bool ok, going = true;
	sqlite3_stmt *stmt = store_query(store, err, "SELECT id, time, clock, rows_in, rows_changed, record FROM weir_commits WHERE id > ?1 ORDER BY id", "i", after);
	if (!stmt) return false;
	Arena arena;
	arena_init(&arena, 0);
	while (going && store_row(store, stmt, &ok, err)) {
		CommitRecord record;
		arena_clear(&arena);
		going = read_commit(store, stmt, &arena, &record, err) && visit(context, &record, err);
	}
	sqlite3_reset(stmt);
	arena_release(&arena);
	return going && ok;
}

bool store_positions_list(Store *store, int64_t lane, Arena *arena, PartitionRecord **out, int *count, Error *err)
{
	bool ok;
	VEC(PartitionRecord) found = {0};
	sqlite3_stmt *stmt = store_query(store, err, "SELECT * FROM weir_partitions WHERE ?1 = 0 OR lane = ?1 ORDER BY lane, relation, partition", "i", lane);
	if (!stmt) return false;
	while (store_row(store, stmt, &ok, err)) {
		PartitionRecord p = {.lane = sqlite3_column_int64(stmt, 0), .relation = sqlite3_column_int64(stmt, 1), .partition = sqlite3_column_int(stmt, 2),
			.position = sqlite3_column_int64(stmt, 3), .records = sqlite3_column_int64(stmt, 4), .hash = (uint64_t)sqlite3_column_int64(stmt, 5),
			.watermark_us = sqlite3_column_type(stmt, 6) == SQLITE_NULL ? WATERMARK_NONE : sqlite3_column_int64(stmt, 6), .idle = sqlite3_column_int(stmt, 7) != 0,
			.last_position = sqlite3_column_int64(stmt, 8), .last_fingerprint = (uint64_t)sqlite3_column_int64(stmt, 9)};
		vec_push_in(arena, &found, p);
	}
	*out = found.at;
	*count = found.count;
	return ok;
}

bool store_positions_remove(Store *store, int64_t lane, int64_t relation, Error *err)
{
	return store_run(store, err, "DELETE FROM weir_partitions WHERE lane = ?1 AND (?2 = 0 OR relation = ?2)", "ii", lane, relation);
}

void store_set_commits_kept(Store *store, int64_t us) { store->commits_kept_us = us; }

bool store_positions_move(Store *store, int64_t lane, int64_t to_lane, int64_t relation, Error *err)
{
	return store_run(store, err, "UPDATE OR REPLACE weir_partitions SET lane = ?2 WHERE lane = ?1 AND relation = ?3", "iii", lane, to_lane, relation);
}

/* One an hour stays: the first of each. The last of all stays in any case: it says which commit the file is at. */
bool store_commits_prune(Store *store, int64_t through, int64_t now_us, Error *err)
{
	static const char SQL[] = "DELETE FROM weir_commits WHERE id <= ?1 AND id < (SELECT max(id) FROM weir_commits) AND (time < ?2 OR EXISTS"
		" (SELECT 1 FROM weir_commits e WHERE e.id = (SELECT max(o.id) FROM weir_commits o WHERE o.id < weir_commits.id)"
		" AND substr(e.time, 1, 13) = substr(weir_commits.time, 1, 13)))";
	return store_run(store, err, SQL, "it", through, time_text(&store->scratch, now_us - store->commits_kept_us));
}

bool store_view_start_put(Store *store, const ViewStart *start, Error *err)
{
	return store_run(store, err, "INSERT OR REPLACE INTO weir_view_starts VALUES (?1, ?2, ?3, ?4)", "iiii", start->view, start->relation, (int64_t)start->partition, start->position);
}

int64_t store_view_start(Store *store, int64_t view, int64_t relation, int32_t partition)
{
	return store_integer(store, -1, "SELECT position FROM weir_view_starts WHERE view = ?1 AND relation = ?2 AND partition = ?3", "iii", view, relation, (int64_t)partition);
}

bool store_view_starts_remove(Store *store, int64_t view, Error *err)
{
	return store_run(store, err, "DELETE FROM weir_view_starts WHERE view = ?1", "i", view);
}

bool store_gap_put(Store *store, const SourceGap *gap, Error *err)
{
	static const char SQL[] = "INSERT INTO weir_gaps(source, topic, \"partition\", why, wanted, earliest, \"end\", went_on, lane, commit_id)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
	return store_run(store, err, SQL, "ttitiiiiii", gap->source, gap->topic, (int64_t)gap->partition, gap->why, gap->wanted, gap->earliest, gap->end, gap->went_on,
		gap->lane, gap->commit);
}
