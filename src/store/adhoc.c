/* Running ad-hoc queries: print, prepare, step, read back by type. */
#include "store/adhoc_internal.h"

#include <string.h>

#include "base/clock.h"

enum { PROGRESS_OPS = 4000, FLUSH_US = 20000 };

struct AdhocQuery {
	AdhocOptions options;
	sqlite3 *db;
	sqlite3_stmt *stmt;
	Functions *functions;
	Entries entries;
	Type *types; int column_count;
	int64_t until_us;                 /* monotonic; 0: no limit */
	atomic_bool interrupted;
	bool ended;
	Arena arena;
};

static const char *path_of(const AdhocQuery *query) { return store_path(query->options.store); }

/* ---- printing ---- */

static bool print(AdhocQuery *query, Plan *plan, StrBuf *sql, Error *err)
{
	if (!(query->functions = functions_of(query->options.store, query->options.reader, err))) return false;
	Printer printer = {.arena = &query->arena, .options = &query->options, .db = query->db, .functions = query->functions, .entries = &query->entries, .err = err};
	return print_plan(&printer, plan, sql);
}

static AdhocQuery *query_new(const AdhocOptions *options, const Plan *plan)
{
	AdhocQuery *query = mem_new(AdhocQuery);
	arena_init(&query->arena, 0);
	query->options = *options;
	query->db = store_connection(options->store, options->reader);
	query->column_count = plan->column_count;
	query->types = arena_array(&query->arena, Type, plan->column_count + 1);
	for (int i = 0; i < plan->column_count; i++) query->types[i] = plan->columns[i].type;
	return query;
}

/* What SQLite's own limits or its grammar do not let pass is a form that cannot be run, not a defect. */
static bool prepare_failed(AdhocQuery *query, const Plan *plan, int rc, Error *err)
{
	if ((rc & 0xff) != SQLITE_ERROR) return store_sqlite_error(query->db, rc, path_of(query), err);
	return error_set(err, ERR_UNSUPPORTED, plan->span, "this query cannot be run ad hoc: %s", sqlite3_errmsg(query->db));
}

static bool prepare(AdhocQuery *query, const char *before, Plan *plan, Error *err)
{
	StrBuf sql = STRBUF_INIT;
	strbuf_adds(&sql, before);
	bool ok = print(query, plan, &sql, err);
	if (ok) {
		int rc = sqlite3_prepare_v3(query->db, sql.text, (int)sql.bytes + 1, 0, &query->stmt, NULL);
		ok = rc == SQLITE_OK || prepare_failed(query, plan, rc, err);
	}
	strbuf_release(&sql);
	return ok;
}

AdhocQuery *adhoc_open(const AdhocOptions *options, Plan *plan, Error *err)
{
	AdhocQuery *query = query_new(options, plan);
	if (options->time_ms_max) query->until_us = clock_monotonic_us() + options->time_ms_max * 1000;
	if (prepare(query, "", plan, err)) return query;
	adhoc_close(query);
	return NULL;
}

void adhoc_close(AdhocQuery *query)
{
	if (!query) return;
	sqlite3_finalize(query->stmt);                /* before its entries: groups that are not finished are released by it */
	for (int i = 0; i < query->entries.count; i++) entry_free(query->functions, query->entries.at[i]);
	vec_release(&query->entries);
	arena_release(&query->arena);
	free(query);
}

void adhoc_interrupt(AdhocQuery *query) { atomic_store(&query->interrupted, true); }

/* ---- running ---- */

static int on_progress(void *context)
{
	AdhocQuery *query = context;
	return atomic_load(&query->interrupted) || (query->until_us && clock_monotonic_us() > query->until_us);
}

static bool step_failed(AdhocQuery *query, int rc, Error *err)
{
	const char *text = sqlite3_errmsg(query->db);
	query->ended = true;
	if ((rc & 0xff) == SQLITE_INTERRUPT && !atomic_load(&query->interrupted) && query->until_us)
		return error_set(err, ERR_CANCELED, SPAN_NONE, "canceled after %lld ms, as limited", (long long)query->options.time_ms_max);
	if ((rc & 0xff) != SQLITE_ERROR) return store_sqlite_error(query->db, rc, path_of(query), err);
	if (strcmp(text, SCALAR_ERROR_MANY) == 0) return error_set(err, ERR_CARDINALITY, SPAN_NONE, "a subquery that stands for a value gave more than one row");
	return error_set(err, ERR_UNSUPPORTED, SPAN_NONE, "this query cannot be run ad hoc: %s", text);
}

static void read_row(AdhocQuery *query, BatchBuilder *builder)
{
	int row = batch_builder_row(builder, 1);
	for (int i = 0; i < query->column_count; i++) {
		Value value;
		store_value_column(query->stmt, i, query->types[i], &value, NULL);
		batch_builder_set(builder, row, i, &value);
	}
}

/* Rows that are in hand do not wait long for more: the first of a slow query are seen at once. */
bool adhoc_next(AdhocQuery *query, int rows_max, Batch **out, Error *err)
{
	BatchBuilder builder;
	int rc = SQLITE_DONE;
	*out = NULL;
	if (query->ended) return true;
	batch_builder_init(&builder, query->types, query->column_count, rows_max);
	int64_t flush_us = clock_monotonic_us() + FLUSH_US;
	sqlite3_progress_handler(query->db, PROGRESS_OPS, on_progress, query);
	while ((rc = on_progress(query) ? SQLITE_INTERRUPT : sqlite3_step(query->stmt)) == SQLITE_ROW) {
		read_row(query, &builder);
		if (batch_builder_full(&builder) || clock_monotonic_us() > flush_us) break;
	}
	sqlite3_progress_handler(query->db, 0, NULL, NULL);
	if (rc == SQLITE_DONE) query->ended = true;
	bool ok = rc == SQLITE_DONE || rc == SQLITE_ROW || step_failed(query, rc, err);
	if (ok) *out = batch_builder_take(&builder);
	else batch_builder_release(&builder);
	return ok;
}

/* ---- EXPLAIN ---- */

bool adhoc_print(const AdhocOptions *options, Plan *plan, StrBuf *out, Error *err)
{
	AdhocQuery *query = query_new(options, plan);
	bool ok = print(query, plan, out, err);
	adhoc_close(query);
	return ok;
}

/* Rows of EXPLAIN QUERY PLAN name their parent: those come before them. */
bool adhoc_explain(const AdhocOptions *options, Plan *plan, StrBuf *out, Error *err)
{
	AdhocQuery *query = query_new(options, plan);
	VEC(int) ids = {0}, depths = {0};
	bool ok = prepare(query, "EXPLAIN QUERY PLAN ", plan, err);
	while (ok && sqlite3_step(query->stmt) == SQLITE_ROW) {
		int parent = sqlite3_column_int(query->stmt, 1), depth = 0;
		for (int i = 0; i < ids.count; i++)
			if (ids.at[i] == parent) depth = depths.at[i] + 1;
		vec_push(&ids, sqlite3_column_int(query->stmt, 0));
		vec_push(&depths, depth);
		strbuf_printf(out, "%*s%s\n", depth * 2, "", (const char *)sqlite3_column_text(query->stmt, 3));
	}
	vec_release(&ids);
	vec_release(&depths);
	adhoc_close(query);
	return ok;
}
