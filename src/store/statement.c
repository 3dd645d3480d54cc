/* Prepared statements of the writer, found by the address of their literal: a few dozen, so a list that keeps what is used in front is enough. */
#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "store/store_internal.h"

sqlite3_stmt *store_statement(Store *store, const char *sql, Error *err)
{
	assert(store_is_ours(store));
	for (int i = 0; i < store->statements.count; i++) {
		StoreStatement *at = store->statements.at;
		if (at[i].sql != sql) continue;
		StoreStatement found = at[i];
		if (i) at[i] = at[i / 2], at[i / 2] = found;
		return found.stmt;
	}
	sqlite3_stmt *stmt;
	int rc = sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
	if (rc != SQLITE_OK) {
		store_fail(store, rc, err);
		return NULL;
	}
	vec_push(&store->statements, (StoreStatement){sql, stmt});
	return stmt;
}

static void bind_all(sqlite3_stmt *stmt, const char *format, va_list args)
{
	int i = 1;
	for (const char *f = format; *f; f++, i++) {
		switch (*f) {
		case 'i': sqlite3_bind_int64(stmt, i, va_arg(args, int64_t)); break;
		case 'r': sqlite3_bind_double(stmt, i, va_arg(args, double)); break;
		case 't': sqlite3_bind_text(stmt, i, va_arg(args, const char *), -1, SQLITE_STATIC); break;
		case 'b': {
			const void *bytes = va_arg(args, const void *);
			size_t count = va_arg(args, size_t);
			if (bytes) sqlite3_bind_blob64(stmt, i, bytes, count, SQLITE_STATIC);
			else sqlite3_bind_null(stmt, i);
			break;
		}
		default: sqlite3_bind_null(stmt, i);
		}
	}
}

void store_bind(sqlite3_stmt *stmt, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	bind_all(stmt, format, args);
	va_end(args);
}

bool store_run(Store *store, Error *err, const char *sql, const char *format, ...)
{
	sqlite3_stmt *stmt = store_statement(store, sql, err);
	if (!stmt) return false;
	va_list args;
	va_start(args, format);
	bind_all(stmt, format, args);
	va_end(args);
	int rc;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) continue;
	if (rc != SQLITE_DONE) store_fail(store, rc, err);
	sqlite3_reset(stmt);
	return rc == SQLITE_DONE;
}

sqlite3_stmt *store_query(Store *store, Error *err, const char *sql, const char *format, ...)
{
	sqlite3_stmt *stmt = store_statement(store, sql, err);
	if (!stmt) return NULL;
	va_list args;
	va_start(args, format);
	bind_all(stmt, format, args);
	va_end(args);
	return stmt;
}

bool store_row(Store *store, sqlite3_stmt *stmt, bool *ok, Error *err)
{
	int rc = sqlite3_step(stmt);
	*ok = rc == SQLITE_ROW || rc == SQLITE_DONE;
	if (rc == SQLITE_ROW) return true;
	if (!*ok) store_fail(store, rc, err);
	sqlite3_reset(stmt);
	return false;
}

/* Of the first row; where there is none, or NULL, *out stays. */
static bool read_integer(Store *store, int64_t *out, Error *err, const char *sql, const char *format, va_list args)
{
	sqlite3_stmt *stmt = store_statement(store, sql, err);
	if (!stmt) return false;
	bind_all(stmt, format, args);
	int rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL) *out = sqlite3_column_int64(stmt, 0);
	bool ok = rc == SQLITE_ROW || rc == SQLITE_DONE;
	if (!ok) store_fail(store, rc, err);
	sqlite3_reset(stmt);
	return ok;
}

bool store_read_integer(Store *store, int64_t *out, Error *err, const char *sql, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	bool ok = read_integer(store, out, err, sql, format, args);
	va_end(args);
	return ok;
}

int64_t store_integer(Store *store, int64_t missing, const char *sql, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	read_integer(store, &missing, &store->unheard, sql, format, args);
	va_end(args);
	return missing;
}

bool store_exec(Store *store, Error *err, const char *format, ...)
{
	StrBuf sql = STRBUF_INIT;
	va_list args;
	assert(store_is_ours(store));
	va_start(args, format);
	strbuf_vprintf(&sql, format, args);
	va_end(args);
	int rc = sqlite3_exec(store->db, sql.text, NULL, NULL, NULL);
	if (rc != SQLITE_OK) store_fail(store, rc, err);
	strbuf_release(&sql);
	return rc == SQLITE_OK;
}

void store_statements_release(Store *store)
{
	for (int i = 0; i < store->statements.count; i++) sqlite3_finalize(store->statements.at[i].stmt);
	vec_release(&store->statements);
}

char *store_quoted(Arena *arena, const char *name)
{
	StrBuf text = STRBUF_INIT;
	strbuf_add_sql_ident(&text, name);
	char *quoted = arena_strdup(arena, text.text);
	strbuf_release(&text);
	return quoted;
}

/* What a person has worded in part: SQLite may not know all of it. */
bool store_execute(Store *store, const char *sql, Error *err)
{
	int rc = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
	if ((rc & 0xff) == SQLITE_ERROR) return error_set(err, ERR_UNSUPPORTED, SPAN_NONE, "the file cannot hold this: %s", sqlite3_errmsg(store->db));
	return rc == SQLITE_OK || store_fail(store, rc, err);
}
