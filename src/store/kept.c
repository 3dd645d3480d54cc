/* Dead letters and late rows: kept up to a size, beyond which the oldest lose their bytes first and, where even that is not enough, go.
 *
 * The size is counted as rows come and is saved with the commit (weir_settings), so that no commit has to look at the whole table. */
#include <stdio.h>
#include <string.h>

#include "store/store_internal.h"
#include "type/calendar.h"

enum { ROW_BYTES = 128 };                     /* what a row takes beside its bytes */
static const int64_t ROWS_MAX = 10 * 1000 * 1000;

typedef struct KeptSql {
	const char *setting;                      /* "bytes rows trimmed_id" */
	const char *oldest;                       /* rows that have not lost their bytes yet: id, bytes */
	const char *trim, *drop;
} KeptSql;

static const KeptSql KEPT[STORE_KEPT_COUNT] = {
	[STORE_KEPT_DEAD_LETTERS] = {
		.setting = "weir.dead_letters",
		.oldest = "SELECT id, coalesce(length(key), 0) + coalesce(length(value), 0) FROM weir_dead_letters WHERE id > ?1 ORDER BY id",
		.trim = "UPDATE weir_dead_letters SET key = NULL, value = NULL WHERE id > ?1 AND id <= ?2",
		.drop = "DELETE FROM weir_dead_letters WHERE id IN (SELECT id FROM weir_dead_letters ORDER BY id LIMIT ?1)",
	},
	[STORE_KEPT_LATE_ROWS] = {
		.setting = "weir.late_rows",
		.oldest = "SELECT id, coalesce(length(CAST(row AS BLOB)), 0) FROM weir_late_rows WHERE id > ?1 ORDER BY id",
		.trim = "UPDATE weir_late_rows SET row = NULL WHERE id > ?1 AND id <= ?2",
		.drop = "DELETE FROM weir_late_rows WHERE id IN (SELECT id FROM weir_late_rows ORDER BY id LIMIT ?1)",
	},
};

void store_set_kept_bytes_max(Store *store, int64_t dead_letters, int64_t late_rows)
{
	store->kept[STORE_KEPT_DEAD_LETTERS].bytes_max = dead_letters;
	store->kept[STORE_KEPT_LATE_ROWS].bytes_max = late_rows;
}

static StoreKept *kept_load(Store *store, int which)
{
	StoreKept *kept = &store->kept[which];
	if (kept->loaded) return kept;
	long long bytes = 0, rows = 0, trimmed = 0;
	const char *text = store_setting_get(store, KEPT[which].setting, &store->scratch);
	if (text) sscanf(text, "%lld %lld %lld", &bytes, &rows, &trimmed);
	kept->bytes = bytes, kept->rows = rows, kept->trimmed_id = trimmed;
	kept->loaded = true;
	return kept;
}

void store_kept_forget(Store *store)
{
	for (int i = 0; i < STORE_KEPT_COUNT; i++) store->kept[i].loaded = store->kept[i].changed = false;
}

/* Bytes of the oldest go until a tenth is free, so that this is not done in every commit. */
static bool trim(Store *store, int which, Error *err)
{
	StoreKept *kept = &store->kept[which];
	int64_t wanted = kept->bytes - kept->bytes_max + kept->bytes_max / 10, freed = 0, through = kept->trimmed_id;
	bool ok;
	sqlite3_stmt *stmt = store_query(store, err, KEPT[which].oldest, "i", kept->trimmed_id);
	if (!stmt) return false;
	while (freed < wanted && store_row(store, stmt, &ok, err)) {
		through = sqlite3_column_int64(stmt, 0);
		freed += sqlite3_column_int64(stmt, 1);
	}
	sqlite3_reset(stmt);
	if (!ok || !store_run(store, err, KEPT[which].trim, "ii", kept->trimmed_id, through)) return false;
	kept->bytes -= freed;
	kept->trimmed_id = through;
	return true;
}

static bool drop_rows(Store *store, int which, Error *err)
{
	StoreKept *kept = &store->kept[which];
	int64_t count = kept->rows - ROWS_MAX + ROWS_MAX / 100;
	if (!store_run(store, err, KEPT[which].drop, "i", count)) return false;
	kept->rows -= count;
	kept->bytes -= count * ROW_BYTES;
	return true;
}

bool store_kept_save(Store *store, Error *err)
{
	for (int i = 0; i < STORE_KEPT_COUNT; i++) {
		StoreKept *kept = &store->kept[i];
		if (!kept->changed) continue;
		if (kept->bytes > kept->bytes_max && !trim(store, i, err)) return false;
		if (kept->rows > ROWS_MAX && !drop_rows(store, i, err)) return false;
		char text[80];
		snprintf(text, sizeof text, "%lld %lld %lld", (long long)kept->bytes, (long long)kept->rows, (long long)kept->trimmed_id);
		if (!store_setting_put(store, KEPT[i].setting, text, err)) return false;
		kept->changed = false;
	}
	return true;
}

static void kept_add(Store *store, int which, int64_t bytes)
{
	StoreKept *kept = kept_load(store, which);
	kept->bytes += bytes + ROW_BYTES;
	kept->rows++;
	kept->changed = true;
}

static const char *time_or_null(Store *store, int64_t us)
{
	if (us < TIMESTAMP_MIN || us > TIMESTAMP_MAX) return NULL;
	char text[TIMESTAMP_PRINT_BYTES];
	return arena_strndup(&store->scratch, text, (size_t)timestamp_print(us, text));
}

static bool put_letter(Store *store, const DeadLetter *letter, Error *err)
{
	static const char SQL[] = "INSERT INTO weir_dead_letters(source, topic, \"partition\", \"offset\", timestamp, key, value, code, error, views, commit_id)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
	const void *key = letter->has_key ? (letter->key_bytes ? letter->key : "") : NULL;
	const void *value = letter->has_value ? (letter->value_bytes ? letter->value : "") : NULL;
	kept_add(store, STORE_KEPT_DEAD_LETTERS, (int64_t)letter->key_bytes + letter->value_bytes);
	return store_run(store, err, SQL, "ttiitbbttti", letter->source, letter->topic, (int64_t)letter->partition, letter->offset,
		time_or_null(store, letter->timestamp_us), key, (size_t)letter->key_bytes, value, (size_t)letter->value_bytes, letter->code, letter->error, letter->views, letter->commit);
}

bool store_dead_letters_put(Store *store, const DeadLetter *letters, int count, Error *err)
{
	bool ok = true;
	for (int i = 0; i < count && ok; i++) ok = put_letter(store, &letters[i], err);
	return ok;
}

bool store_late_rows_put(Store *store, const LateRow *rows, int count, Error *err)
{
	static const char SQL[] = "INSERT INTO weir_late_rows(view, operator, watermark, row, commit_id) VALUES (?1, ?2, ?3, ?4, ?5)";
	bool ok = true;
	for (int i = 0; i < count && ok; i++) {
		kept_add(store, STORE_KEPT_LATE_ROWS, rows[i].row_json ? (int64_t)strlen(rows[i].row_json) : 0);
		ok = store_run(store, err, SQL, "tttti", rows[i].view, rows[i].operator, time_or_null(store, rows[i].watermark_us), rows[i].row_json, rows[i].commit);
	}
	return ok;
}
