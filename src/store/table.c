/* Tables of views, local tables and streams: making, renaming, replacing them. What the user has made beside them is left alone. */
#include "store/table.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "base/nearest.h"

static const char BUILDING[] = "weir_building_", DELIVERED[] = "weir_delivered_";
static const char *const ROWID_NAMES[] = {"rowid", "_rowid_", "oid"};

/* ---- the struct ---- */

static bool has_column(const StoreTableSpec *spec, const char *name)
{
	for (int i = 0; i < spec->column_count; i++)
		if (strcasecmp(spec->columns[i].name, name) == 0) return true;
	return false;
}

static TableForm form_of(const StoreTableSpec *spec)
{
	if (!spec->has_key) return TABLE_MULTISET;
	if (spec->key_count == 0) return TABLE_SINGLE;
	const StoreColumn *key = &spec->columns[spec->key[0]];
	return spec->key_count == 1 && key->type.kind == TYPE_INTEGER && !key->nullable ? TABLE_INTEGER_KEY : TABLE_KEYED;
}

const char *table_rowid_name(Arena *arena, const StoreTableSpec *spec)
{
	if (form_of(spec) == TABLE_INTEGER_KEY) return store_quoted(arena, spec->columns[spec->key[0]].name);
	for (int i = 0; i < 3; i++)
		if (!has_column(spec, ROWID_NAMES[i])) return ROWID_NAMES[i];
	return NULL;
}

static void copy_spec(StoreTable *table, const StoreTableSpec *spec)
{
	Arena *arena = &table->arena;
	StoreColumn *columns = arena_array(arena, StoreColumn, spec->column_count);
	int *key = arena_array(arena, int, spec->key_count);
	table->types = arena_array(arena, Type, spec->column_count);
	table->is_key = arena_array(arena, bool, spec->column_count);
	for (int i = 0; i < spec->column_count; i++) {
		columns[i] = spec->columns[i];
		columns[i].name = arena_strdup(arena, spec->columns[i].name);
		table->types[i] = spec->columns[i].type;
	}
	for (int i = 0; i < spec->key_count; i++) {
		key[i] = spec->key[i];
		table->is_key[key[i]] = true;
	}
	table->spec = *spec;
	table->spec.columns = columns;
	table->spec.key = key;
	table->spec.name = arena_strdup(arena, spec->name);
	table->spec.kind = arena_strdup(arena, spec->kind ? spec->kind : "table");
}

static StoreTable *table_new(Store *store, const StoreTableSpec *spec)
{
	StoreTable *table = mem_new(StoreTable);
	arena_init(&table->arena, 0);
	copy_spec(table, spec);
	table->store = store;
	table->form = form_of(spec);
	table->decimals = spec->decimals_as_text ? DECIMAL_AS_TEXT : DECIMAL_AS_NUMBER;
	table->quoted = store_quoted(&table->arena, spec->name);
	table->rowid = table_rowid_name(&table->arena, spec);
	if (getrandom(&table->seed, sizeof table->seed, 0) != sizeof table->seed) table->seed = (uint64_t)(uintptr_t)table;
	table->old = arena_array(&table->arena, Value, spec->column_count);
	table->new = arena_array(&table->arena, Value, spec->column_count);
	table->key = arena_array(&table->arena, Value, spec->key_count);
	table->texts = arena_alloc(&table->arena, sizeof *table->texts * (size_t)(spec->column_count + 1));
	table->packed = STRBUF_INIT;
	table->next = store->tables;
	store->tables = table;
	return table;
}

void table_release_statements(StoreTable *table)
{
	sqlite3_finalize(table->insert);
	sqlite3_finalize(table->remove);
	sqlite3_finalize(table->find);
	for (int i = 0; i < table->update_count; i++) sqlite3_finalize(table->updates[i].stmt);
	for (int i = 0; i < table->uniques.count; i++) sqlite3_finalize(table->uniques.at[i].stmt);
	vec_release(&table->uniques);
	table->insert = table->remove = table->find = NULL;
	table->update_count = 0;
}

void store_table_close(StoreTable *table)
{
	if (!table) return;
	StoreTable **link = &table->store->tables;
	while (*link != table) link = &(*link)->next;
	*link = table->next;
	table_release_statements(table);
	store_table_forget(table);
	strbuf_release(&table->packed);
	arena_release(&table->arena);
	free(table);
}

void store_tables_release(Store *store)
{
	while (store->tables) store_table_close(store->tables);
}

const StoreTableSpec *store_table_spec(const StoreTable *table) { return &table->spec; }

/* ---- SQL text ---- */

void table_print_columns(const StoreTable *table, StrBuf *out)
{
	for (int i = 0; i < table->spec.column_count; i++) {
		if (i) strbuf_adds(out, ", ");
		strbuf_add_sql_ident(out, table->spec.columns[i].name);
	}
}

void table_print_key_condition(const StoreTable *table, StrBuf *out)
{
	for (int i = 0; i < table->spec.key_count; i++) {
		const StoreColumn *column = &table->spec.columns[table->spec.key[i]];
		if (i) strbuf_adds(out, " AND ");
		strbuf_add_sql_ident(out, column->name);
		strbuf_printf(out, " %s ?%d", column->nullable ? "IS" : "=", i + 1);
	}
}

static void print_declaration(const StoreTable *table, int column, StrBuf *out)
{
	char text[VALUE_TEXT_BYTES];
	const StoreColumn *at = &table->spec.columns[column];
	const char *type = store_type_declared(at->type, table->decimals, text);
	/* INTEGER as the whole primary key would be the rowid, which cannot be NULL */
	if (at->type.kind == TYPE_INTEGER && at->nullable && table->spec.key_count == 1 && table->spec.key[0] == column) type = "INT";
	strbuf_add_sql_ident(out, at->name);
	if (*type) strbuf_printf(out, " %s", type);
	if (table->form == TABLE_INTEGER_KEY && table->spec.key[0] == column) strbuf_adds(out, " PRIMARY KEY");
}

static void print_create(const StoreTable *table, StrBuf *out)
{
	const StoreTableSpec *spec = &table->spec;
	strbuf_printf(out, "CREATE TABLE %s(", table->quoted);
	for (int i = 0; i < spec->column_count; i++) {
		if (i) strbuf_adds(out, ", ");
		print_declaration(table, i, out);
	}
	if (table->form == TABLE_KEYED) {
		strbuf_adds(out, ", PRIMARY KEY (");
		for (int i = 0; i < spec->key_count; i++) {
			if (i) strbuf_adds(out, ", ");
			strbuf_add_sql_ident(out, spec->columns[spec->key[i]].name);
		}
		strbuf_addc(out, ')');
	}
	strbuf_addc(out, ')');
}

/* ---- guards: triggers that refuse what others write ---- */

static const char *const GUARDED[] = {"INSERT", "UPDATE", "DELETE"};

static bool is_building(const char *name) { return strncasecmp(name, BUILDING, strlen(BUILDING)) == 0 || strncasecmp(name, DELIVERED, strlen(DELIVERED)) == 0; }

static void print_guard_name(const StoreTable *table, const char *event, StrBuf *out)
{
	StrBuf name = STRBUF_INIT;
	strbuf_printf(&name, "weir_guard_%s_%s", event, table->spec.name);
	strbuf_add_sql_ident(out, name.text);
	strbuf_release(&name);
}

static bool drop_guards(StoreTable *table, Error *err)
{
	bool ok = true;
	for (int i = 0; i < 3 && ok; i++) {
		StrBuf sql = STRBUF_INIT;
		strbuf_adds(&sql, "DROP TRIGGER IF EXISTS ");
		print_guard_name(table, GUARDED[i], &sql);
		ok = store_exec(table->store, err, "%s", sql.text);
		strbuf_release(&sql);
	}
	return ok;
}

static bool create_guards(StoreTable *table, Error *err)
{
	if (is_building(table->spec.name)) return true;
	StrBuf why = STRBUF_INIT;
	strbuf_printf(&why, "%s \"%s\" is kept by Weir and can only be changed through it", table->spec.kind, table->spec.name);
	bool ok = true;
	for (int i = 0; i < 3 && ok; i++) {
		StrBuf sql = STRBUF_INIT;
		strbuf_adds(&sql, "CREATE TRIGGER ");
		print_guard_name(table, GUARDED[i], &sql);
		strbuf_printf(&sql, " BEFORE %s ON %s BEGIN SELECT RAISE(ABORT, ", GUARDED[i], table->quoted);
		strbuf_add_sql_string(&sql, why.text, why.bytes);
		strbuf_adds(&sql, "); END");
		ok = store_exec(table->store, err, "%s", sql.text);
		strbuf_release(&sql);
	}
	strbuf_release(&why);
	return ok;
}

/* ---- create, open, drop ---- */

bool store_name_kind(Store *store, const char *name, Arena *arena, const char **kind, Error *err)
{
	bool ok;
	*kind = NULL;
	sqlite3_stmt *stmt = store_query(store, err, "SELECT type FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE AND type <> 'trigger'", "t", name);
	if (!stmt) return false;
	if (store_row(store, stmt, &ok, err)) *kind = arena_strdup(arena, (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_reset(stmt);
	return ok;
}

static bool check_name(Store *store, const char *name, Error *err)
{
	if (strncasecmp(name, "sqlite_", 7) == 0 || (strncasecmp(name, "weir_", 5) == 0 && !is_building(name)))
		return error_set(err, ERR_INVALID_DEFINITION, SPAN_NONE, "name \"%s\" is reserved", name);
	const char *kind;
	if (!store_name_kind(store, name, &store->scratch, &kind, err)) return false;
	if (!kind) return true;
	error_set(err, ERR_DUPLICATE_TABLE, SPAN_NONE, "%s \"%s\" exists in the file and is not Weir's", kind, name);
	return error_hint(err, "Choose another name, or drop it with: sqlite3 %s", store->path);
}

static bool check_rowid(const StoreTable *table, Error *err)
{
	if (table->rowid) return true;
	return error_set(err, ERR_UNSUPPORTED, SPAN_NONE, "%s \"%s\" cannot have columns \"rowid\", \"_rowid_\" and \"oid\" at once", table->spec.kind, table->spec.name);
}

StoreTable *store_table_create(Store *store, const StoreTableSpec *spec, Error *err)
{
	if (!check_name(store, spec->name, err)) return NULL;
	StoreTable *table = table_new(store, spec);
	StrBuf sql = STRBUF_INIT;
	print_create(table, &sql);
	bool ok = check_rowid(table, err) && store_exec(store, err, "%s", sql.text) && create_guards(table, err);
	strbuf_release(&sql);
	table->loaded = true;                 /* an empty multiset is known */
	if (ok) return table;
	store_table_close(table);
	return NULL;
}

/* The table in the file has just these columns; a declared type may have been written in another case. */
static bool check_columns(StoreTable *table, Error *err)
{
	char text[VALUE_TEXT_BYTES];
	bool ok, same = true;
	int count = 0;
	sqlite3_stmt *stmt = store_query(table->store, err, "SELECT name, type FROM pragma_table_xinfo(?1)", "t", table->spec.name);
	if (!stmt) return false;
	for (; store_row(table->store, stmt, &ok, err); count++) {
		if (count >= table->spec.column_count) continue;
		const StoreColumn *column = &table->spec.columns[count];
		const char *declared = store_type_declared(column->type, table->decimals, text), *name = (const char *)sqlite3_column_text(stmt, 0);
		const char *type = (const char *)sqlite3_column_text(stmt, 1);
		if (column->type.kind == TYPE_INTEGER && strcasecmp(type, "INT") == 0) type = declared;
		same &= strcasecmp(name, column->name) == 0 && strcasecmp(type, declared) == 0;
	}
	if (!ok || (same && count == table->spec.column_count)) return ok;
	if (count == 0) error_set(err, ERR_UNDEFINED_TABLE, SPAN_NONE, "the table of %s \"%s\" is not in the file: someone dropped it", table->spec.kind, table->spec.name);
	else error_set(err, ERR_UNDEFINED_TABLE, SPAN_NONE, "the table of %s \"%s\" has other columns than it was made with: someone altered it", table->spec.kind, table->spec.name);
	return error_hint(err, "Make it again, or go back to a copy of the file.");
}

StoreTable *store_table_open(Store *store, const StoreTableSpec *spec, Error *err)
{
	StoreTable *table = table_new(store, spec);
	if (check_columns(table, err)) return table;
	store_table_close(table);
	return NULL;
}

StoreTable *store_table_copy(Store *store, const StoreTableSpec *spec, const char *from, Error *err)
{
	StoreTable *table = store_table_create(store, spec, err);
	if (!table) return NULL;
	bool ok = store_exec(store, err, "INSERT INTO %s SELECT * FROM %s ORDER BY %s", table->quoted, store_quoted(&store->scratch, from), table->rowid);
	store_table_close(table);
	return ok ? store_table_open(store, spec, err) : NULL;
}

bool store_table_drop(Store *store, StoreTable *table, Error *err)
{
	table_release_statements(table);
	if (!store_exec(store, err, "DROP TABLE %s", table->quoted)) return false;
	store_table_close(table);
	return true;
}

bool store_table_drop_name(Store *store, const char *name, Error *err)
{
	return store_exec(store, err, "DROP TABLE IF EXISTS %s", store_quoted(&store->scratch, name));
}

bool store_table_truncate(Store *store, StoreTable *table, Error *err)
{
	if (!store_exec(store, err, "DELETE FROM %s", table->quoted)) return false;
	store_table_forget(table);
	table->loaded = true;
	return true;
}

/* Of a statement that is not kept, and is released. */
static int64_t number_of(Store *store, StrBuf *sql)
{
	sqlite3_stmt *stmt = NULL;
	int64_t number = 0;
	int rc = sqlite3_prepare_v2(store->db, sql->text, -1, &stmt, NULL);
	if (rc == SQLITE_OK) rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) number = sqlite3_column_int64(stmt, 0);
	else store_fail(store, rc, &store->unheard);
	sqlite3_finalize(stmt);
	strbuf_release(sql);
	return number;
}

int64_t store_table_last_row(Store *store, const StoreTableSpec *spec)
{
	StrBuf sql = STRBUF_INIT;
	strbuf_printf(&sql, "SELECT max(%s) FROM %s", table_rowid_name(&store->scratch, spec), store_quoted(&store->scratch, spec->name));
	return number_of(store, &sql);
}

int64_t store_table_row_count(Store *store, StoreTable *table)
{
	StrBuf sql = STRBUF_INIT;
	strbuf_printf(&sql, "SELECT count(*) FROM %s", table->quoted);
	return number_of(store, &sql);
}

/* ---- rename, replace ---- */

/* The connection has legacy_alter_table on: only the table is renamed; what the user's views and triggers say stays. */
static bool rename_table(StoreTable *table, const char *name, Error *err)
{
	Store *store = table->store;
	const char *quoted = store_quoted(&table->arena, name);
	table_release_statements(table);
	if (!drop_guards(table, err) || !store_exec(store, err, "ALTER TABLE %s RENAME TO %s", table->quoted, quoted)) return false;
	table->quoted = quoted;
	table->spec.name = arena_strdup(&table->arena, name);
	return create_guards(table, err);
}

bool store_table_rename(Store *store, StoreTable *table, const char *name, Error *err)
{
	if (strcmp(name, table->spec.name) == 0) return true;
	if (strcasecmp(name, table->spec.name) != 0) return check_name(store, name, err) && rename_table(table, name, err);
	char between[48];                     /* to SQLite a name in other case is taken */
	snprintf(between, sizeof between, "weir_building_%lld", (long long)table->spec.id);
	return rename_table(table, between, err) && rename_table(table, name, err);
}

typedef struct UserObject { const char *name, *sql; } UserObject;
typedef VEC(UserObject) UserObjects;

static bool collect_user_objects(Store *store, const char *table, UserObjects *out, Error *err)
{
	bool ok;
	sqlite3_stmt *stmt = store_query(store, err, "SELECT name, sql FROM sqlite_schema WHERE tbl_name = ?1 COLLATE NOCASE"
		" AND type IN ('index', 'trigger') AND sql IS NOT NULL AND name NOT LIKE 'weir\\_%' ESCAPE '\\' ORDER BY rowid", "t", table);
	if (!stmt) return false;
	while (store_row(store, stmt, &ok, err)) {
		UserObject object = {arena_strdup(&store->scratch, (const char *)sqlite3_column_text(stmt, 0)),
			arena_strdup(&store->scratch, (const char *)sqlite3_column_text(stmt, 1))};
		vec_push_in(&store->scratch, out, object);
	}
	return ok;
}

/* The user's indexes as they were; one on a column that is gone, or unique where rows no longer are, cannot be. */
static bool remake_user_objects(Store *store, const char *table, const UserObjects *objects, StoreNotice *notice, void *context)
{
	for (int i = 0; i < objects->count; i++) {
		char *text = NULL;
		if (sqlite3_exec(store->db, objects->at[i].sql, NULL, NULL, &text) != SQLITE_OK && notice) {
			StrBuf message = STRBUF_INIT;
			strbuf_printf(&message, "\"%s\" on \"%s\" could not be made again: %s", objects->at[i].name, table, text ? text : "no reason given");
			notice(context, message.text);
			strbuf_release(&message);
		}
		sqlite3_free(text);
	}
	return !sqlite3_get_autocommit(store->db);
}

bool store_table_take_name(Store *store, StoreTable *built, const char *name, StoreNotice *notice, void *context, Error *err)
{
	UserObjects objects = {0};
	name = arena_strdup(&built->arena, name);
	if (!collect_user_objects(store, name, &objects, err) || !store_table_drop_name(store, name, err) || !rename_table(built, name, err)) return false;
	return remake_user_objects(store, name, &objects, notice, context) || store_fail(store, sqlite3_extended_errcode(store->db), err);
}
