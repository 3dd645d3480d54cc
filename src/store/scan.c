/* The content of a table, in batches: what a view that is made later begins with. */
#include <assert.h>

#include "store/table.h"

struct StoreScan {
	Store *store;
	sqlite3 *db;
	sqlite3_stmt *stmt;
	Type *types;
	int column_count;
	int64_t last_row;
	bool ended;
	Arena arena;
};

static sqlite3_stmt *prepare(StoreScan *scan, const StoreTableSpec *spec, const int *columns, Error *err)
{
	StrBuf sql = STRBUF_INIT;
	const char *rowid = table_rowid_name(&scan->arena, spec);
	sqlite3_stmt *stmt = NULL;
	strbuf_printf(&sql, "SELECT %s", rowid);
	for (int i = 0; i < scan->column_count; i++) {
		strbuf_adds(&sql, ", ");
		strbuf_add_sql_ident(&sql, spec->columns[columns[i]].name);
	}
	strbuf_printf(&sql, " FROM %s", store_quoted(&scan->arena, spec->name));
	if (scan->last_row != STORE_SCAN_ALL) strbuf_printf(&sql, " WHERE %s > ?1", rowid);
	strbuf_printf(&sql, " ORDER BY %s", rowid);
	int rc = sqlite3_prepare_v2(scan->db, sql.text, -1, &stmt, NULL);
	if (rc != SQLITE_OK) store_own_error(scan->db, rc, scan->store->path, err);
	strbuf_release(&sql);
	return stmt;
}

StoreScan *store_scan_open(Store *store, StoreReader *reader, const StoreTableSpec *spec, const int *columns, int column_count, int64_t after_row, Error *err)
{
	StoreScan *scan = mem_new(StoreScan);
	arena_init(&scan->arena, 0);
	scan->store = store;
	scan->db = store_connection(store, reader);
	scan->column_count = column_count;
	scan->types = arena_array(&scan->arena, Type, column_count);
	scan->last_row = after_row;
	for (int i = 0; i < column_count; i++) scan->types[i] = spec->columns[columns[i]].type;
	scan->stmt = prepare(scan, spec, columns, err);
	if (!scan->stmt) {
		store_scan_close(scan);
		return NULL;
	}
	if (after_row != STORE_SCAN_ALL) sqlite3_bind_int64(scan->stmt, 1, after_row);
	return scan;
}

bool store_scan_next(StoreScan *scan, int rows_max, Batch **out, int64_t *last_row, Error *err)
{
	assert(rows_max > 0 && rows_max <= BATCH_ROWS_MAX);
	BatchBuilder builder;
	int rc = SQLITE_DONE;
	batch_builder_init(&builder, scan->types, scan->column_count, rows_max);
	*out = NULL;
	while (!scan->ended && !batch_builder_full(&builder) && (rc = sqlite3_step(scan->stmt)) == SQLITE_ROW) {
		int row = batch_builder_row(&builder, 1);
		scan->last_row = sqlite3_column_int64(scan->stmt, 0);
		for (int i = 0; i < scan->column_count; i++) {
			Value value;
			store_value_column(scan->stmt, i + 1, scan->types[i], &value, NULL);
			batch_builder_set(&builder, row, i, &value);
		}
	}
	if (rc != SQLITE_ROW) scan->ended = true;
	if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
		batch_builder_release(&builder);
		return store_own_error(scan->db, rc, scan->store->path, err);
	}
	*out = batch_builder_take(&builder);
	if (last_row) *last_row = scan->last_row;
	return true;
}

void store_scan_close(StoreScan *scan)
{
	if (!scan) return;
	sqlite3_finalize(scan->stmt);
	arena_release(&scan->arena);
	free(scan);
}
