/* A table whose columns change: a new one is filled row by row beside it and takes its name. Rows keep their rowids, which positions of local streams
 * count by. SQLite's own ALTER TABLE was rejected: it adds columns at the end only, and converts no values. */
#include "store/table.h"

#include <string.h>

typedef struct Reshape { Store *store; const StoreTable *from; StoreTable *to; sqlite3_stmt *read, *write; StoreConvert *convert; void *context; Value *old, *new; Arena arena; } Reshape;

static bool prepare(Reshape *reshape, StrBuf *sql, sqlite3_stmt **out, Error *err)
{
	int rc = sqlite3_prepare_v2(reshape->store->db, sql->text, -1, out, NULL);
	strbuf_release(sql);
	return rc == SQLITE_OK || store_fail(reshape->store, rc, err);
}

static bool prepare_read(Reshape *reshape, Error *err)
{
	StrBuf sql = STRBUF_INIT;
	strbuf_printf(&sql, "SELECT %s, ", reshape->from->rowid);
	table_print_columns(reshape->from, &sql);
	strbuf_printf(&sql, " FROM %s ORDER BY %s", reshape->from->quoted, reshape->from->rowid);
	return prepare(reshape, &sql, &reshape->read, err);
}

/* With an INTEGER key that is the rowid there is no other. */
static bool prepare_write(Reshape *reshape, Error *err)
{
	StrBuf sql = STRBUF_INIT;
	bool own = reshape->to->form == TABLE_INTEGER_KEY;
	strbuf_printf(&sql, "INSERT INTO %s(", reshape->to->quoted);
	table_print_columns(reshape->to, &sql);
	if (!own) strbuf_printf(&sql, ", %s", reshape->to->rowid);
	strbuf_adds(&sql, ") VALUES (");
	for (int i = 0; i < reshape->to->spec.column_count + !own; i++) strbuf_adds(&sql, i ? ", ?" : "?");
	strbuf_addc(&sql, ')');
	return prepare(reshape, &sql, &reshape->write, err);
}

static bool write_row(Reshape *reshape, Error *err)
{
	int count = reshape->to->spec.column_count;
	for (int c = 0; c < count; c++) store_value_bind(reshape->write, c + 1, &reshape->new[c], reshape->to->decimals, reshape->to->texts[c]);
	if (reshape->to->form != TABLE_INTEGER_KEY) sqlite3_bind_int64(reshape->write, count + 1, sqlite3_column_int64(reshape->read, 0));
	int rc = sqlite3_step(reshape->write);
	sqlite3_reset(reshape->write);
	if (rc == SQLITE_DONE) return true;
	if ((rc & 0xff) == SQLITE_CONSTRAINT)
		return error_set(err, ERR_UNIQUE_VIOLATION, SPAN_NONE, "two rows of %s \"%s\" would have the same key", reshape->from->spec.kind, reshape->from->spec.name);
	return store_fail(reshape->store, rc, err);
}

static bool copy_rows(Reshape *reshape, Error *err)
{
	int rc;
	while ((rc = sqlite3_step(reshape->read)) == SQLITE_ROW) {
		arena_clear(&reshape->arena);
		for (int c = 0; c < reshape->from->spec.column_count; c++)
			store_value_column(reshape->read, c + 1, reshape->from->types[c], &reshape->old[c], &reshape->arena);
		if (!reshape->convert(reshape->context, reshape->old, reshape->new, &reshape->arena, err) || !write_row(reshape, err)) return false;
	}
	return rc == SQLITE_DONE || store_fail(reshape->store, rc, err);
}

bool store_table_reshape(Store *store, StoreTable *from, const StoreTableSpec *spec, StoreConvert *convert, void *context, Error *err)
{
	StoreTableSpec beside = *spec;
	Reshape reshape = {.store = store, .from = from, .convert = convert, .context = context};
	arena_init(&reshape.arena, 0);
	StrBuf name = STRBUF_INIT;
	strbuf_printf(&name, "weir_building_%lld", (long long)spec->id);
	beside.name = name.text;
	bool ok = store_table_drop_name(store, beside.name, err) && (reshape.to = store_table_create(store, &beside, err)) != NULL;
	reshape.old = mem_alloc(sizeof *reshape.old * (size_t)(from->spec.column_count + 1));
	reshape.new = mem_alloc(sizeof *reshape.new * (size_t)(spec->column_count + 1));
	ok = ok && prepare_read(&reshape, err) && prepare_write(&reshape, err) && copy_rows(&reshape, err);
	sqlite3_finalize(reshape.read);
	sqlite3_finalize(reshape.write);
	store_table_close(reshape.to);
	free(reshape.old);
	free(reshape.new);
	strbuf_release(&name);
	arena_release(&reshape.arena);
	return ok;
}
