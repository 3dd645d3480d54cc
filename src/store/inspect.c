/* What tables and views the file has, as the binder wants to know them: the user's own ones are read by what their columns were declared as. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/nearest.h"
#include "store/store_internal.h"

/* ---- declared types ---- */

/* "DECIMAL(10, 2)" -> "decimal", 10, 2 */
static void split_declared(const char *declared, char *name, size_t room, int *first, int *second)
{
	const char *open = strchr(declared, '(');
	size_t bytes = open ? (size_t)(open - declared) : strlen(declared);
	while (bytes && isspace((unsigned char)declared[bytes - 1])) bytes--;
	if (bytes >= room) bytes = room - 1;
	for (size_t i = 0; i < bytes; i++) name[i] = (char)tolower((unsigned char)declared[i]);
	name[bytes] = 0;
	*first = *second = -1;
	if (open) sscanf(open, "(%d , %d", first, second);
}

static bool contains(const char *text, const char *part) { return strstr(text, part) != NULL; }

/* SQLite's rules of affinity, for names that are no type's. A column without a type holds anything: TEXT shows it all. */
static Type type_by_affinity(const char *name)
{
	if (contains(name, "int")) return TYPE(INTEGER);
	if (!*name || contains(name, "char") || contains(name, "clob") || contains(name, "text")) return TYPE(TEXT);
	if (contains(name, "blob")) return TYPE(BLOB);
	return TYPE(REAL);
}

static Type type_declared(const char *declared)
{
	char name[64];
	int first, second;
	Type type;
	split_declared(declared ? declared : "", name, sizeof name, &first, &second);
	Error unheard = ERROR_INIT;
	if (!type_from_name(name, first, second, SPAN_NONE, &type, &unheard)) return type_by_affinity(name);
	return type.kind == TYPE_DECIMAL && first < 0 ? TYPE(REAL) : type;       /* SQLite's NUMERIC holds any number */
}

/* ---- tables ---- */

static sqlite3_stmt *prepare(Store *store, sqlite3 *db, const char *sql, Error *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
	if (rc != SQLITE_OK) store_own_error(db, rc, store->path, err);
	return stmt;
}

static bool undefined_table(Store *store, sqlite3 *db, const char *name, Error *err)
{
	Nearest nearest;
	Arena scratch;
	arena_init(&scratch, 0);
	nearest_init(&nearest, name);
	sqlite3_stmt *stmt = prepare(store, db, "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')", err);
	while (stmt && sqlite3_step(stmt) == SQLITE_ROW) nearest_offer(&nearest, arena_strdup(&scratch, (const char *)sqlite3_column_text(stmt, 0)));
	sqlite3_finalize(stmt);
	error_set(err, ERR_UNDEFINED_TABLE, SPAN_NONE, "relation \"%s\" does not exist", name);
	if (nearest.best) error_hint(err, "Did you mean \"%s\"?", nearest.best);
	arena_release(&scratch);
	return false;
}

typedef struct InfoColumn { StoreColumn column; int key; bool may_be_rowid; } InfoColumn;
typedef VEC(InfoColumn) InfoColumns;

static bool read_columns(Store *store, sqlite3 *db, const char *table, Arena *arena, InfoColumns *out, Error *err)
{
	sqlite3_stmt *stmt = prepare(store, db, "SELECT name, type, \"notnull\", pk FROM pragma_table_xinfo(?1) WHERE hidden <> 1", err);
	if (!stmt) return false;
	sqlite3_bind_text(stmt, 1, table, -1, SQLITE_STATIC);
	int rc;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		InfoColumn column = {.key = sqlite3_column_int(stmt, 3)};
		column.column.name = arena_strdup(arena, (const char *)sqlite3_column_text(stmt, 0));
		column.column.type = type_declared((const char *)sqlite3_column_text(stmt, 1));
		column.may_be_rowid = strcasecmp((const char *)sqlite3_column_text(stmt, 1), "INTEGER") == 0;
		column.column.nullable = sqlite3_column_int(stmt, 2) == 0;
		schema_column_type(table, column.column.name, &column.column.type);
		vec_push(out, column);
	}
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE || store_own_error(db, rc, store->path, err);
}

static void fill_info(StoreTableInfo *info, const InfoColumns *columns, Arena *arena)
{
	info->columns = arena_array(arena, StoreColumn, columns->count);
	info->key = arena_array(arena, int, columns->count);
	info->column_count = columns->count;
	for (int i = 0; i < columns->count; i++) {
		info->columns[i] = columns->at[i].column;
		if (columns->at[i].key == 0) continue;
		info->key[columns->at[i].key - 1] = i;
		info->key_count++;
	}
	/* INTEGER PRIMARY KEY, in these words, is the rowid, which is never NULL */
	if (info->key_count == 1 && columns->at[info->key[0]].may_be_rowid) info->columns[info->key[0]].nullable = false;
}

bool store_table_columns(Store *store, StoreReader *reader, const char *name, Arena *arena, StoreTableInfo *out, Error *err)
{
	sqlite3 *db = store_connection(store, reader);
	sqlite3_stmt *stmt = prepare(store, db, "SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view') AND name = ?1 COLLATE NOCASE", err);
	if (!stmt) return false;
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	*out = (StoreTableInfo){0};
	int rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		out->name = arena_strdup(arena, (const char *)sqlite3_column_text(stmt, 0));
		out->is_view = strcmp((const char *)sqlite3_column_text(stmt, 1), "view") == 0;
		out->is_weirs_own = strncasecmp(out->name, "weir_", 5) == 0;
	}
	sqlite3_finalize(stmt);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE) return store_own_error(db, rc, store->path, err);
	if (!out->name) return undefined_table(store, db, name, err);
	InfoColumns columns = {0};
	bool ok = read_columns(store, db, out->name, arena, &columns, err);
	if (ok) fill_info(out, &columns, arena);
	vec_release(&columns);
	return ok;
}

bool store_tables_list(Store *store, StoreReader *reader, StoreTableVisit *visit, void *context, Error *err)
{
	sqlite3 *db = store_connection(store, reader);
	sqlite3_stmt *stmt = prepare(store, db, "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name", err);
	if (!stmt) return false;
	int rc;
	bool going = true;
	while (going && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(stmt, 0);
		bool own = strncasecmp(name, "weir_", 5) == 0;
		if (!own || !schema_table_is_internal(name)) going = visit(context, name, own, err);
	}
	sqlite3_finalize(stmt);
	return going && (rc == SQLITE_DONE || store_own_error(db, rc, store->path, err));
}
