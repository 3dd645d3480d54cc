/* weir status: how a file fares, asked of its own tables, read-only, beside the process that runs it or without one. Binding needs no
 * definition of the file's catalog, so a file whose definitions cannot be read still tells how it was. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/internal.h"
#include "type/text.h"

#define DEAD_GROW_US (INT64_C(600) * 1000000)         /* dead letters of the last ten minutes want a person */
#define STALE_US (INT64_C(60) * 1000000)              /* and so do records that wait while nothing has been committed for a minute */

typedef struct Status {
	Engine engine;
	Session *session;
	Table table;
	int64_t now_us;
	int64_t last_commit_us;
	EngineHealth health;
} Status;

/* The one result; in this order. */
enum { STATUS_KIND, STATUS_NAME, STATUS_STATE, STATUS_ROWS, STATUS_LAG, STATUS_LATE, STATUS_DEAD, STATUS_DETAIL, STATUS_COLUMN_COUNT };
static const ResultColumn STATUS_COLUMNS[STATUS_COLUMN_COUNT] = {
	{"kind", {.kind = TYPE_TEXT}}, {"name", {.kind = TYPE_TEXT}}, {"state", {.kind = TYPE_TEXT}}, {"rows", {.kind = TYPE_INTEGER}},
	{"lag", {.kind = TYPE_INTEGER}}, {"late", {.kind = TYPE_INTEGER}}, {"dead", {.kind = TYPE_INTEGER}}, {"detail", {.kind = TYPE_TEXT}},
};

/* ---- asking ---- */

typedef void StatusRow(Status *status, const Value *values);

static void visit_rows(Status *status, const Batch *batch, StatusRow *visit)
{
	Value values[16];
	for (int i = 0; i < batch->count; i++) {
		for (int c = 0; c < batch->column_count; c++) values[c] = column_value(&batch->columns[c], batch_row(batch, i));
		visit(status, values);
	}
}

static bool fetch(Status *status, Plan *plan, StatusRow *visit, Error *err)
{
	AdhocOptions options = {.store = status->engine.store, .system_us = status->now_us};
	AdhocQuery *query = adhoc_open(&options, plan, err);
	bool ok = query != NULL;
	for (Batch *batch = NULL; ok && (ok = adhoc_next(query, BATCH_ROWS_MAX, &batch, err)) && batch; batch_unref(batch)) visit_rows(status, batch, visit);
	adhoc_close(query);
	return ok;
}

static bool ask(Status *status, const char *sql, StatusRow *visit, Error *err)
{
	Session *session = status->session;
	PlanContext context = {.arena = &session->arena};
	BindSettings settings = session_bind_settings(session);
	BoundStatement bound = {0};
	AstStatement *ast = parse_statement(sql, 0, strlen(sql), &session->arena, err);
	bool ok = ast && bind_statement(ast, status->engine.catalog, &settings, &context, &bound, err) && fetch(status, bound.query.plan, visit, err);
	bound_release(&bound);
	return ok;
}

/* ---- answering ---- */

static void want_a_person(Status *status) { if (status->health == HEALTH_FRESH) status->health = HEALTH_WANTS_A_PERSON; }

static bool is(const Value *value, const char *word)
{
	return !value->is_null && value->str.bytes == strlen(word) && memcmp(str_at(&value->str), word, value->str.bytes) == 0;
}

static const char *cell(Status *status, const Value *value)
{
	if (value->is_null) return NULL;
	StrBuf text = STRBUF_INIT;
	value_print(value, &text);
	const char *copy = arena_strndup(&status->session->arena, text.text, text.bytes);
	strbuf_release(&text);
	return copy;
}

static const char *age(Status *status, int64_t since_us)
{
	double seconds = (double)(status->now_us - since_us) / 1e6;
	Arena *arena = &status->session->arena;
	if (seconds < 0) seconds = 0;
	if (seconds < 120) return arena_printf(arena, "%.1f s", seconds);
	if (seconds < 7200) return arena_printf(arena, "%.0f min", seconds / 60);
	return seconds < 172800 ? arena_printf(arena, "%.0f h", seconds / 3600) : arena_printf(arena, "%.0f days", seconds / 86400);
}

static const char *size(Status *status, int64_t bytes)
{
	Arena *arena = &status->session->arena;
	if (bytes < 1 << 20) return arena_printf(arena, "%.0f KiB", (double)bytes / 1024);
	return bytes < 1 << 30 ? arena_printf(arena, "%.1f MiB", (double)bytes / (1 << 20)) : arena_printf(arena, "%.2f GiB", (double)bytes / (1 << 30));
}

static int64_t file_bytes(const char *path, const char *ending)
{
	struct stat info;
	StrBuf name = STRBUF_INIT;
	strbuf_printf(&name, "%s%s", path, ending);
	int64_t bytes = stat(name.text, &info) == 0 ? info.st_size : 0;
	strbuf_release(&name);
	return bytes;
}

/* time of the last commit, records read in all commits that are known */
static void file_row(Status *status, const Value *values)
{
	const char *path = status->engine.path;
	const char *last = values[0].is_null ? "no commit yet" : arena_printf(&status->session->arena, "last commit %s ago", age(status, values[0].i64));
	char pid[32] = "not running";
	if (status->engine.config.context) snprintf(pid, sizeof pid, "running, pid %d", *(const int *)status->engine.config.context);
	const char *cells[STATUS_COLUMN_COUNT] = {"file", path, pid};
	cells[STATUS_DEAD] = cell(status, &values[1]);
	cells[STATUS_DETAIL] = arena_printf(&status->session->arena, "%s, %s, WAL %s", last, size(status, file_bytes(path, "")), size(status, file_bytes(path, "-wal")));
	table_row(&status->table, cells);
	status->last_commit_us = values[0].is_null ? 0 : values[0].i64;
	if (!values[2].is_null && values[2].i64 > 0) want_a_person(status);
}

/* The file says how it was when somebody read the source last; what has ended or is lost stays so. */
static bool was_read(const Value *state) { return is(state, "connecting") || is(state, "reading") || is(state, "retrying"); }

static void source_row(Status *status, const Value *values)
{
	const char *cells[STATUS_COLUMN_COUNT] = {"source"};
	for (int c = STATUS_NAME; c < STATUS_COLUMN_COUNT; c++) cells[c] = cell(status, &values[c - STATUS_NAME]);
	if (status->health == HEALTH_NOT_RUNNING && was_read(&values[STATUS_STATE - STATUS_NAME])) cells[STATUS_STATE] = "not read";
	table_row(&status->table, cells);
	const Value *lag = &values[STATUS_LAG - STATUS_NAME];
	if (!lag->is_null && lag->i64 > 0 && status->now_us - status->last_commit_us > STALE_US) want_a_person(status);
	if (is(&values[STATUS_STATE - STATUS_NAME], "retrying") || is(&values[STATUS_STATE - STATUS_NAME], "lost")) want_a_person(status);
}

static void view_row(Status *status, const Value *values)
{
	const char *cells[STATUS_COLUMN_COUNT];
	for (int c = 0; c < STATUS_COLUMN_COUNT; c++) cells[c] = cell(status, &values[c]);
	const Value *state = &values[STATUS_STATE];
	table_row(&status->table, cells);
	if (!is(state, "live") && !is(state, "building")) want_a_person(status);
}

/* A file of an older version that nothing has opened since has no weir_gaps. */
static bool ask_sources(Status *status, Error *err)
{
	static const char GAPS[] = "(SELECT source, 'went on behind ' || count(*) || CASE WHEN count(*) = 1 THEN ' gap' ELSE ' gaps' END || ' (weir_gaps)' AS lost FROM weir_gaps GROUP BY source)";
	static const char NO_GAPS[] = "(SELECT name AS source, NULL AS lost FROM weir_sources WHERE 0)";
	Error unheard = ERROR_INIT;
	StoreTableInfo info;
	bool has_gaps = store_table_columns(status->engine.store, NULL, "weir_gaps", &status->session->arena, &info, &unheard);
	return ask(status, arena_printf(&status->session->arena, "SELECT s.name, s.state, p.records, s.lag, NULL AS late, d.letters, coalesce(s.error, g.lost) FROM weir_sources s"
		" LEFT JOIN (SELECT source, max(records) AS records FROM (SELECT source, lane, sum(records) AS records FROM weir_positions GROUP BY source, lane) GROUP BY source) p ON p.source = s.name"
		" LEFT JOIN (SELECT source, count(*) AS letters FROM weir_dead_letters GROUP BY source) d ON d.source = s.name"
		" LEFT JOIN %s g ON g.source = s.name ORDER BY s.name", has_gaps ? GAPS : NO_GAPS), source_row, err);
}

static bool ask_all(Status *status, Error *err)
{
	Value since = {.type = TYPE(TIMESTAMP), .i64 = status->now_us - DEAD_GROW_US};
	const char *recent = arena_printf(&status->session->arena, "SELECT (SELECT max(time) FROM weir_commits), (SELECT count(*) FROM weir_dead_letters),"
		" (SELECT count(*) FROM weir_dead_letters WHERE commit_id > (SELECT coalesce(max(id), 0) FROM weir_commits WHERE time < TIMESTAMP '%s'))", cell(status, &since));
	return ask(status, recent, file_row, err)
		&& ask_sources(status, err)
		&& ask(status, "SELECT CASE c.kind WHEN 'materialized view' THEN 'view' ELSE coalesce(c.kind, 'view') END AS kind, v.name, v.state, coalesce(a.rows_in, 0), NULL AS lag, coalesce(a.late, 0), coalesce(a.dead, 0), CASE WHEN v.state = 'building' AND v.progress IS NOT NULL"
			" THEN cast(cast(v.progress * 100 AS INTEGER) AS TEXT) || '% read again' ELSE v.why END FROM weir_views v LEFT JOIN weir_accounts a ON a.relation = v.id"
			" LEFT JOIN weir_catalog c ON c.id = v.id ORDER BY v.name", view_row, err);
}

bool engine_status(const char *path, const ResultSink *out, int owner, EngineHealth *health, Error *err)
{
	Status status = {.now_us = 0, .health = owner ? HEALTH_FRESH : HEALTH_NOT_RUNNING};
	status.engine.path = (char *)(uintptr_t)path;
	status.engine.config.context = owner ? &owner : NULL;
	status.now_us = engine_now(&status.engine);
	status.engine.store = store_open(path, STORE_OPEN_READ_ONLY, err);
	if (!status.engine.store) return false;
	status.engine.catalog = catalog_new();
	status.session = session_new(&status.engine, out, SESSION_BATCH);
	bool ok = table_begin(&status.table, status.session, RESULT_TABLE, STATUS_COLUMNS, STATUS_COLUMN_COUNT) && ask_all(&status, err);
	ok = table_end(&status.table, err) && ok;
	*health = status.health;
	session_free(status.session);
	catalog_free(status.engine.catalog);
	store_close(status.engine.store);
	return ok;
}
