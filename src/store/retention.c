/* Retention of what is kept by when it came: rows of local streams, changes of views. A row does not say when it came, so marks do: "up to this row all had
 * come at this time", about MARKS of them, in a setting. A row goes with the first mark behind it, at most a fiftieth of the time too late. */
#include <stdio.h>
#include <stdlib.h>

#include "store/table.h"

enum { MARKS = 50 };

typedef struct Mark { int64_t us, row; } Mark;
typedef VEC(Mark) Marks;

static char *setting_name(Store *store, const char *what, int64_t relation) { return arena_printf(&store->scratch, "%s.%lld", what, (long long)relation); }

static void marks_read(Store *store, const char *what, int64_t relation, Marks *marks)
{
	const char *text = store_setting_get(store, setting_name(store, what, relation), &store->scratch);
	while (text && *text) {
		char *end;
		Mark mark = {.us = strtoll(text, &end, 10)};
		if (*end != ':') return;
		mark.row = strtoll(end + 1, &end, 10);
		vec_push(marks, mark);
		text = end + (*end == ' ');
	}
}

static bool marks_write(Store *store, const char *what, int64_t relation, const Marks *marks, Error *err)
{
	StrBuf text = STRBUF_INIT;
	for (int i = 0; i < marks->count; i++) strbuf_printf(&text, "%s%lld:%lld", i ? " " : "", (long long)marks->at[i].us, (long long)marks->at[i].row);
	bool ok = store_setting_put(store, setting_name(store, what, relation), text.bytes ? text.text : NULL, err);
	strbuf_release(&text);
	return ok;
}

/* The last mark moves on with the rows, until it is a fiftieth of the time away from the one before it. */
static bool marks_add(Marks *marks, int64_t now_us, int64_t keep_us, int64_t last_row)
{
	Mark *last = marks->count ? &marks->at[marks->count - 1] : NULL, mark = {now_us, last_row};
	if (!last_row || (last && last->row >= last_row)) return false;
	if (last && now_us < last->us) mark.us = last->us;
	if (marks->count > 1 && mark.us - last[-1].us <= keep_us / MARKS) *last = mark;
	else vec_push(marks, mark);
	return true;
}

static void marks_take(Marks *marks, int count)
{
	marks->count -= count;
	for (int i = 0; i < marks->count; i++) marks->at[i] = marks->at[i + count];
}

static bool remove_through(Store *store, const StoreTableSpec *spec, int64_t through, int64_t limit, int64_t *removed, Error *err)
{
	const char *rowid = table_rowid_name(&store->scratch, spec), *name = store_quoted(&store->scratch, spec->name);
	if (!store_exec(store, err, "DELETE FROM %s WHERE %s IN (SELECT %s FROM %s WHERE %s <= %lld ORDER BY %s LIMIT %lld)", name, rowid, rowid, name, rowid,
		(long long)through, rowid, (long long)limit)) return false;
	*removed = sqlite3_changes64(store->db);
	return true;
}

/* A view that began before what is kept begins with the first kept row: row numbers may begin anew once none is left. */
static bool move_starts(Store *store, int64_t relation, int64_t through, Error *err)
{
	return store_run(store, err, "UPDATE weir_view_starts SET position = 0 WHERE relation = ?1 AND position <= ?2", "ii", relation, through + 1);
}

bool store_stream_expire(Store *store, const StoreTableSpec *spec, int64_t now_us, int64_t keep_us, int64_t limit, int64_t *removed, Error *err)
{
	Marks marks = {0};
	int due = 0;
	*removed = 0;
	marks_read(store, "retention", spec->id, &marks);
	bool changed = marks_add(&marks, now_us, keep_us, store_table_last_row(store, spec)), ok = true;
	while (due < marks.count && marks.at[due].us <= now_us - keep_us) due++;
	if (due) {
		int64_t through = marks.at[due - 1].row;
		ok = remove_through(store, spec, through, limit, removed, err);
		if (ok && *removed < limit) {
			ok = move_starts(store, spec->id, through, err);
			marks_take(&marks, due);
			changed = true;
		}
	}
	ok = ok && (!changed || marks_write(store, "retention", spec->id, &marks, err));
	vec_release(&marks);
	return ok;
}

/* ---- changes of views: here a mark says "up to this commit all were made by this time" ---- */

bool store_changes_tend(Store *store, int64_t relation, int64_t commit, int64_t now_us, int64_t keep_us, Error *err)
{
	Marks marks = {0};
	int due = 0;
	marks_read(store, "changes_marks", relation, &marks);
	bool changed = marks_add(&marks, now_us, keep_us, commit), ok = true;
	while (due < marks.count && marks.at[due].us <= now_us - keep_us) due++;
	if (due) {
		int64_t through = marks.at[due - 1].row;
		char text[32];
		snprintf(text, sizeof text, "%lld", (long long)through);
		ok = store_log_prune(store, STORE_LOG_CHANGES, relation, through, err) && store_setting_put(store, setting_name(store, "changes", relation), text, err);
		marks_take(&marks, due);
		changed = true;
	}
	ok = ok && (!changed || marks_write(store, "changes_marks", relation, &marks, err));
	vec_release(&marks);
	return ok;
}

static const char *const CHANGES_SETTINGS[] = {"changes", "changes_marks", "changes_until", NULL};

bool store_changes_drop(Store *store, int64_t relation, Error *err)
{
	for (int i = 0; CHANGES_SETTINGS[i]; i++)
		if (!store_setting_put(store, setting_name(store, CHANGES_SETTINGS[i], relation), NULL, err)) return false;
	return store_log_prune(store, STORE_LOG_CHANGES, relation, INT64_MAX, err);
}

bool store_changes_move(Store *store, int64_t relation, int64_t to, Error *err)
{
	for (int i = 0; CHANGES_SETTINGS[i]; i++) {
		const char *value = store_setting_get(store, setting_name(store, CHANGES_SETTINGS[i], relation), &store->scratch);
		bool ok = store_setting_put(store, setting_name(store, CHANGES_SETTINGS[i], to), value, err)
			&& store_setting_put(store, setting_name(store, CHANGES_SETTINGS[i], relation), NULL, err);
		if (!ok) return false;
	}
	return store_run(store, err, "UPDATE weir_changes SET relation = ?2 WHERE relation = ?1", "ii", relation, to);
}
