/* Operator state: pages, of which only changed ones are written, and the record that makes a generation count.
 *
 * Two tables, since SQLite rewrites a whole row to change one column of it: weir_state_pages says where each page of each generation is, in small
 * rows; weir_state_bytes holds them. What nothing needs any more is noted in weir_garbage and goes a bit in each following transaction: freeing a
 * gigabyte at once would stop commits for seconds. */
#include "base/hash.h"
#include "store/record.h"
#include "store/store_internal.h"
#include "type/calendar.h"
#include "type/text.h"

enum { SWEEP_PAGES = 512, CHECKPOINTS_KEPT = 2 };

static int64_t complete_generation(Store *store, int64_t lane)
{
	return store_integer(store, 0, "SELECT max(generation) FROM weir_checkpoints WHERE lane = ?1", "i", lane);
}

bool store_sweep(Store *store, Error *err)
{
	static const char BYTES[] = "DELETE FROM weir_state_bytes WHERE id IN (SELECT content FROM weir_garbage ORDER BY content LIMIT ?1)";
	static const char NOTES[] = "DELETE FROM weir_garbage WHERE content IN (SELECT content FROM weir_garbage ORDER BY content LIMIT ?1)";
	if (store_integer(store, 0, "SELECT EXISTS (SELECT 1 FROM weir_garbage)", "") == 0) return true;
	return store_run(store, err, BYTES, "i", (int64_t)SWEEP_PAGES) && store_run(store, err, NOTES, "i", (int64_t)SWEEP_PAGES);
}

/* Pages of generations after `after`, up to `through`, as garbage. */
static bool drop_generations(Store *store, int64_t lane, int64_t after, int64_t through, Error *err)
{
	static const char NOTE[] = "INSERT OR IGNORE INTO weir_garbage SELECT content FROM weir_state_pages"
		" WHERE lane = ?1 AND generation > ?2 AND generation <= ?3 AND content IS NOT NULL";
	static const char DROP[] = "DELETE FROM weir_state_pages WHERE lane = ?1 AND generation > ?2 AND generation <= ?3";
	return store_run(store, err, NOTE, "iii", lane, after, through) && store_run(store, err, DROP, "iii", lane, after, through);
}

void store_checkpoints_resume(Store *store, int64_t last_commit)
{
	store->opened_commit = last_commit;
	store->clean_lanes.count = 0;
}

/* What a process that is gone, or lanes that are, have written of a checkpoint that never became complete. */
static bool clean_lane(Store *store, int64_t lane, Error *err)
{
	for (int i = 0; i < store->clean_lanes.count; i++)
		if (store->clean_lanes.at[i] == lane) return true;
	vec_push(&store->clean_lanes, lane);
	return drop_generations(store, lane, complete_generation(store, lane), store->opened_commit, err);
}

bool store_state_put(Store *store, int64_t lane, int32_t op, uint32_t page, int64_t generation, const void *bytes, uint32_t count, Error *err)
{
	static const char PAGE[] = "INSERT INTO weir_state_pages(lane, op, page, generation, size, content, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
		" ON CONFLICT DO UPDATE SET size = ?5, content = ?6, hash = ?7";
	static const char OLD[] = "INSERT OR IGNORE INTO weir_garbage SELECT content FROM weir_state_pages"
		" WHERE lane = ?1 AND op = ?2 AND page = ?3 AND generation = ?4 AND content IS NOT NULL";
	if (!clean_lane(store, lane, err) || !store_run(store, err, OLD, "iiii", lane, (int64_t)op, (int64_t)page, generation)) return false;
	if (!bytes) return store_run(store, err, PAGE, "iiiiinn", lane, (int64_t)op, (int64_t)page, generation, (int64_t)0);
	if (!store_run(store, err, "INSERT INTO weir_state_bytes(bytes) VALUES (?1)", "b", bytes, (size_t)count)) return false;
	return store_run(store, err, PAGE, "iiiiiii", lane, (int64_t)op, (int64_t)page, generation, (int64_t)count, sqlite3_last_insert_rowid(store->db),
		(int64_t)hash_bytes(bytes, count));
}

/* The older pages of those that came after the generation `after`. */
#define SUPERSEDED " FROM weir_state_pages n JOIN weir_state_pages o ON o.lane = n.lane AND o.op = n.op AND o.page = n.page AND o.generation < n.generation" \
	" WHERE n.lane = ?1 AND n.generation > ?2 AND n.generation <= ?3"

static bool drop_superseded(Store *store, int64_t lane, int64_t after, int64_t through, Error *err)
{
	static const char NOTE[] = "INSERT OR IGNORE INTO weir_garbage SELECT o.content" SUPERSEDED " AND o.content IS NOT NULL";
	static const char DROP[] = "DELETE FROM weir_state_pages WHERE lane = ?1 AND (op, page, generation) IN (SELECT o.op, o.page, o.generation" SUPERSEDED ")";
	static const char FREED[] = "DELETE FROM weir_state_pages WHERE lane = ?1 AND generation > ?2 AND generation <= ?3 AND content IS NULL";
	return store_run(store, err, NOTE, "iii", lane, after, through) && store_run(store, err, DROP, "iii", lane, after, through)
		&& store_run(store, err, FREED, "iii", lane, after, through);
}

bool store_checkpoint_complete(Store *store, const CheckpointRecord *record, Error *err)
{
	static const char FORGET[] = "DELETE FROM weir_checkpoints WHERE lane = ?1 AND generation NOT IN"
		" (SELECT generation FROM weir_checkpoints WHERE lane = ?1 ORDER BY generation DESC LIMIT ?2)";
	char clock[TIMESTAMP_PRINT_BYTES];
	clock[timestamp_print(record->clock_us, clock)] = 0;
	int64_t before = complete_generation(store, record->lane);
	if (!clean_lane(store, record->lane, err) || !drop_superseded(store, record->lane, before, record->generation, err)) return false;
	StrBuf bytes = STRBUF_INIT;
	record_pack(&bytes, record->partitions, record->partition_count, record->extra, record->extra_bytes);
	bool ok = store_run(store, err, "INSERT OR REPLACE INTO weir_checkpoints VALUES (?1, ?2, ?3, ?4)", "iitb", record->lane, record->generation, clock, bytes.text, bytes.bytes);
	strbuf_release(&bytes);
	return ok && store_run(store, err, FORGET, "ii", record->lane, (int64_t)CHECKPOINTS_KEPT);
}

bool store_checkpoint_last(Store *store, int64_t lane, Arena *arena, CheckpointRecord *out, Error *err)
{
	bool ok, found = false;
	sqlite3_stmt *stmt = store_query(store, err, "SELECT generation, clock, record FROM weir_checkpoints WHERE lane = ?1 ORDER BY generation DESC LIMIT 1", "i", lane);
	if (!stmt || !store_row(store, stmt, &ok, err)) return false;
	*out = (CheckpointRecord){.lane = lane, .generation = sqlite3_column_int64(stmt, 0)};
	const char *clock = (const char *)sqlite3_column_text(stmt, 1);
	if (clock) text_to_timestamp(clock, (size_t)sqlite3_column_bytes(stmt, 1), &out->clock_us);
	const void *bytes = sqlite3_column_blob(stmt, 2);
	found = record_unpack(bytes, (size_t)sqlite3_column_bytes(stmt, 2), arena, &out->partitions, &out->partition_count, &out->extra, &out->extra_bytes);
	sqlite3_reset(stmt);
	if (found) return true;
	error_set(err, ERR_FILE_FORMAT, SPAN_NONE, "file \"%s\": the record of checkpoint %lld is damaged", store->path, (long long)out->generation);
	return error_hint(err, "Go back to a copy of the file.");
}

int64_t store_checkpoint_previous(Store *store, int64_t lane)
{
	return store_integer(store, 0, "SELECT generation FROM weir_checkpoints WHERE lane = ?1 ORDER BY generation DESC LIMIT 1 OFFSET 1", "i", lane);
}

/* Operators trust what they once wrote: a page that is another one must not get to them. */
static bool page_is_whole(sqlite3_stmt *stmt, const void *bytes, int count)
{
	if (!bytes || count != sqlite3_column_int64(stmt, 3)) return false;
	return sqlite3_column_type(stmt, 5) == SQLITE_NULL || sqlite3_column_int64(stmt, 5) == (int64_t)hash_bytes(bytes, (size_t)count);
}

static bool page_damaged(Store *store, int64_t op, int64_t page, Error *err)
{
	error_set(err, ERR_FILE_FORMAT, SPAN_NONE, "file \"%s\" is damaged: page %lld of the state of operator %lld is not what was written", store->path, (long long)page, (long long)op);
	return error_hint(err, "ALTER MATERIALIZED VIEW ... REBUILD makes the view anew.");
}

bool store_state_load(Store *store, int64_t lane, StoreStateVisit *visit, void *context, Error *err)
{
	static const char SQL[] = "SELECT p.op, p.page, b.bytes, p.size, p.content, p.hash FROM weir_state_pages p LEFT JOIN weir_state_bytes b ON b.id = p.content"
		" WHERE p.lane = ?1 AND p.generation <= ?2 ORDER BY p.op, p.page, p.generation DESC";
	bool ok, going = true;
	int64_t last_op = -1, last_page = -1;
	sqlite3_stmt *stmt = store_query(store, err, SQL, "ii", lane, complete_generation(store, lane));
	if (!stmt) return false;
	while (going && store_row(store, stmt, &ok, err)) {
		int64_t op = sqlite3_column_int64(stmt, 0), page = sqlite3_column_int64(stmt, 1);
		if (op == last_op && page == last_page) continue;                 /* an older generation of it */
		last_op = op, last_page = page;
		if (sqlite3_column_type(stmt, 4) == SQLITE_NULL) continue;        /* freed */
		const void *bytes = sqlite3_column_blob(stmt, 2);
		int count = sqlite3_column_bytes(stmt, 2);
		bool whole = page_is_whole(stmt, bytes, count) || page_damaged(store, op, page, err);
		going = visit(context, (int32_t)op, (uint32_t)page, whole ? bytes : NULL, (uint32_t)count, err);
	}
	sqlite3_reset(stmt);
	return going && ok;
}

/* As they are: a damaged page stays one, and its reader finds out. */
bool store_state_copy(Store *store, int64_t lane, int32_t op, int32_t to_op, Error *err)
{
	static const char PAGES[] = "SELECT page, generation, content FROM weir_state_pages WHERE lane = ?1 AND op = ?2 AND generation <= ?3";
	static const char BYTES[] = "INSERT INTO weir_state_bytes(bytes) VALUES (coalesce((SELECT bytes FROM weir_state_bytes WHERE id = ?1), x''))";
	static const char PAGE[] = "INSERT INTO weir_state_pages(lane, op, page, generation, size, content, hash)"
		" SELECT lane, ?3, page, generation, size, ?6, hash FROM weir_state_pages WHERE lane = ?1 AND op = ?2 AND page = ?4 AND generation = ?5";
	bool ok, going = true;
	if (!clean_lane(store, lane, err)) return false;
	sqlite3_stmt *stmt = store_query(store, err, PAGES, "iii", lane, (int64_t)op, complete_generation(store, lane));
	if (!stmt) return false;
	while (going && store_row(store, stmt, &ok, err)) {
		int64_t page = sqlite3_column_int64(stmt, 0), generation = sqlite3_column_int64(stmt, 1);
		if (sqlite3_column_type(stmt, 2) == SQLITE_NULL) continue;        /* freed */
		going = store_run(store, err, BYTES, "i", sqlite3_column_int64(stmt, 2))
			&& store_run(store, err, PAGE, "iiiiii", lane, (int64_t)op, (int64_t)to_op, page, generation, sqlite3_last_insert_rowid(store->db));
	}
	sqlite3_reset(stmt);
	return going && ok;
}

bool store_state_remove(Store *store, int64_t lane, int32_t from, int32_t to, Error *err)
{
	static const char NOTE[] = "INSERT OR IGNORE INTO weir_garbage SELECT content FROM weir_state_pages"
		" WHERE lane = ?1 AND op >= ?2 AND op < ?3 AND content IS NOT NULL";
	return store_run(store, err, NOTE, "iii", lane, (int64_t)from, (int64_t)to)
		&& store_run(store, err, "DELETE FROM weir_state_pages WHERE lane = ?1 AND op >= ?2 AND op < ?3", "iii", lane, (int64_t)from, (int64_t)to)
		&& store_run(store, err, "DELETE FROM weir_operators WHERE lane = ?1 AND op >= ?2 AND op < ?3", "iii", lane, (int64_t)from, (int64_t)to);
}

bool store_state_move(Store *store, int64_t lane, int64_t to_lane, int32_t op_delta, Error *err)
{
	return clean_lane(store, to_lane, err) && drop_generations(store, lane, complete_generation(store, lane), INT64_MAX, err)
		&& store_run(store, err, "UPDATE weir_state_pages SET lane = ?2, op = op + ?3 WHERE lane = ?1", "iii", lane, to_lane, (int64_t)op_delta)
		&& store_run(store, err, "UPDATE weir_operators SET lane = ?2, op = op + ?3 WHERE lane = ?1", "iii", lane, to_lane, (int64_t)op_delta)
		&& store_run(store, err, "DELETE FROM weir_checkpoints WHERE lane = ?1", "i", lane);
}

bool store_state_part(Store *store, int64_t lane, int64_t to_lane, int32_t from, int32_t to, Error *err)
{
	return clean_lane(store, to_lane, err) && drop_generations(store, lane, complete_generation(store, lane), INT64_MAX, err)
		&& store_run(store, err, "UPDATE weir_state_pages SET lane = ?2 WHERE lane = ?1 AND op >= ?3 AND op < ?4", "iiii", lane, to_lane, (int64_t)from, (int64_t)to)
		&& store_run(store, err, "UPDATE weir_operators SET lane = ?2 WHERE lane = ?1 AND op >= ?3 AND op < ?4", "iiii", lane, to_lane, (int64_t)from, (int64_t)to);
}

bool store_lane_remove(Store *store, int64_t lane, Error *err)
{
	return store_state_remove(store, lane, INT32_MIN, INT32_MAX, err) && store_positions_remove(store, lane, 0, err)
		&& store_run(store, err, "DELETE FROM weir_checkpoints WHERE lane = ?1", "i", lane);
}

bool store_operator_put(Store *store, int64_t lane, int32_t op, int64_t view, const char *name, const char *detail, Error *err)
{
	return store_run(store, err, "INSERT OR REPLACE INTO weir_operators VALUES (?1, ?2, ?3, ?4, ?5)", "iiitt", lane, (int64_t)op, view, name, detail);
}
