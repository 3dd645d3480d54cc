/* Net changes into a table: appended rows, and rows changed or taken away by rowid, which is remembered so that no index has to be gone
 * through for rows that change again and again.
 *
 * Keyed tables remember as they go and ask the key's index for what they do not know; a multiset is read once before its first row is taken
 * away. Both forget when another connection wrote or a transaction was undone. */
#include "store/table.h"

#include <assert.h>
#include <string.h>

#include "type/row.h"

/* ---- remembering ---- */

void store_table_forget(StoreTable *table)
{
	rowid_map_clear(&table->map);
	rowid_map_clear(&table->chain);
	table->loaded = false;
}

void store_tables_forget(Store *store)
{
	for (StoreTable *table = store->tables; table; table = table->next) store_table_forget(table);
}

int64_t store_table_remembered_bytes(const StoreTable *table) { return table->map.bytes + table->chain.bytes; }

Hash128 table_hash(StoreTable *table, const Value *values, int count)
{
	strbuf_clear(&table->packed);
	row_pack_values(&table->packed, values, count);
	return hash_bytes_128_seeded(table->packed.text, table->packed.bytes, table->seed);
}

static Hash128 rowid_hash(const StoreTable *table, int64_t rowid) { return hash_bytes_128_seeded(&rowid, sizeof rowid, ~table->seed); }

static void gather_key(StoreTable *table, const Value *row)
{
	for (int i = 0; i < table->spec.key_count; i++) table->key[i] = row[table->spec.key[i]];
}

static Hash128 key_hash(StoreTable *table, const Value *row)
{
	gather_key(table, row);
	return table_hash(table, table->key, table->spec.key_count);
}

/* Copies of one row are chained, so that a million equal rows are no run of a million slots. */
static void remember_copy(StoreTable *table, Hash128 hash, int64_t rowid)
{
	int64_t next = rowid_map_get(&table->map, hash);
	if (next) rowid_map_put(&table->chain, rowid_hash(table, rowid), next, 0);
	rowid_map_put(&table->map, hash, rowid, 0);
}

static int64_t take_copy(StoreTable *table, Hash128 hash)
{
	int64_t rowid = rowid_map_take(&table->map, hash);
	int64_t next = rowid ? rowid_map_take(&table->chain, rowid_hash(table, rowid)) : 0;
	if (next) rowid_map_put(&table->map, hash, next, 0);
	return rowid;
}

/* ---- statements ---- */

static sqlite3_stmt *prepare(StoreTable *table, StrBuf *sql, Error *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v3(table->store->db, sql->text, (int)sql->bytes + 1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
	if (rc != SQLITE_OK) store_fail(table->store, rc, err);
	strbuf_release(sql);
	return stmt;
}

static bool need_insert(StoreTable *table, Error *err)
{
	if (table->insert) return true;
	StrBuf sql = STRBUF_INIT;
	strbuf_printf(&sql, "INSERT INTO %s(", table->quoted);
	table_print_columns(table, &sql);
	strbuf_adds(&sql, ") VALUES (");
	for (int i = 0; i < table->spec.column_count; i++) strbuf_adds(&sql, i ? ", ?" : "?");
	strbuf_addc(&sql, ')');
	return (table->insert = prepare(table, &sql, err)) != NULL;
}

static bool need_remove(StoreTable *table, Error *err)
{
	if (table->remove) return true;
	StrBuf sql = STRBUF_INIT;
	strbuf_printf(&sql, "DELETE FROM %s WHERE %s = ?1", table->quoted, table->rowid);
	return (table->remove = prepare(table, &sql, err)) != NULL;
}

static bool need_find(StoreTable *table, Error *err)
{
	if (table->find) return true;
	StrBuf sql = STRBUF_INIT;
	strbuf_printf(&sql, "SELECT %s, ", table->rowid);
	table_print_columns(table, &sql);
	strbuf_printf(&sql, " FROM %s", table->quoted);
	if (table->spec.key_count) {
		strbuf_adds(&sql, " WHERE ");
		table_print_key_condition(table, &sql);
	}
	strbuf_adds(&sql, " LIMIT 1");
	return (table->find = prepare(table, &sql, err)) != NULL;
}

static sqlite3_stmt *prepare_update(StoreTable *table, uint64_t mask, Error *err)
{
	StrBuf sql = STRBUF_INIT;
	int number = 0;
	strbuf_printf(&sql, "UPDATE %s SET ", table->quoted);
	for (int i = 0; i < table->spec.column_count; i++) {
		if (mask != UINT64_MAX && !(mask >> i & 1)) continue;
		if (number++) strbuf_adds(&sql, ", ");
		strbuf_add_sql_ident(&sql, table->spec.columns[i].name);
		strbuf_printf(&sql, " = ?%d", number);
	}
	strbuf_printf(&sql, " WHERE %s = ?%d", table->rowid, number + 1);
	return prepare(table, &sql, err);
}

/* The statement that sets these columns; where there are too many kinds, the first place is for the one that sets all. */
static TableUpdate *need_update(StoreTable *table, uint64_t mask, Error *err)
{
	for (int i = 0; i < table->update_count; i++)
		if (table->updates[i].mask == mask) return &table->updates[i];
	if (table->update_count >= TABLE_UPDATES_MAX - 1 && mask != UINT64_MAX) return need_update(table, UINT64_MAX, err);
	sqlite3_stmt *stmt = prepare_update(table, mask, err);
	if (!stmt) return NULL;
	table->updates[table->update_count] = (TableUpdate){mask, stmt};
	return &table->updates[table->update_count++];
}

/* ---- errors ---- */

static bool unique_violation(StoreTable *table, const Value *row, Error *err)
{
	StrBuf key = STRBUF_INIT;
	for (int i = 0; i < table->spec.key_count; i++) {
		int column = table->spec.key[i];
		strbuf_printf(&key, "%s%s = ", i ? ", " : "", table->spec.columns[column].name);
		store_value_print_literal(&row[column], &key);
	}
	error_set(err, ERR_UNIQUE_VIOLATION, SPAN_NONE, "%s \"%s\": a row with key (%.300s) exists", table->spec.kind, table->spec.name, key.text);
	strbuf_release(&key);
	return false;
}

/* SQLite names the columns of a unique index that refuses a row: the key's, or of an index that the user made. */
static bool write_failed(StoreTable *table, sqlite3_stmt *stmt, int rc, const Value *row, Error *err)
{
	sqlite3 *db = table->store->db;
	if (rc == SQLITE_CONSTRAINT_PRIMARYKEY || rc == SQLITE_CONSTRAINT_ROWID) unique_violation(table, row, err);
	else if ((rc & 0xff) == SQLITE_CONSTRAINT) {
		error_set(err, ERR_UNIQUE_VIOLATION, SPAN_NONE, "%s \"%s\": an index that was made on it refuses a row: %s", table->spec.kind, table->spec.name, sqlite3_errmsg(db));
		error_hint(err, "Drop the index, or make it again without UNIQUE.");
	} else store_fail(table->store, rc, err);
	sqlite3_reset(stmt);
	return false;
}

static bool row_missing(StoreTable *table, Error *err)
{
	if (table->spec.expires) return true;
	error_set(err, ERR_FILE_FORMAT, SPAN_NONE, "%s \"%s\" is not as the last commit left it: a row is gone", table->spec.kind, table->spec.name);
	return error_hint(err, "Another program has changed it; make it again with ALTER MATERIALIZED VIEW %s REBUILD.", table->spec.name);
}

/* ---- finding rows ---- */

static bool scan_multiset(StoreTable *table, Error *err)
{
	StrBuf sql = STRBUF_INIT;
	strbuf_printf(&sql, "SELECT %s, ", table->rowid);
	table_print_columns(table, &sql);
	strbuf_printf(&sql, " FROM %s", table->quoted);
	sqlite3_stmt *stmt = prepare(table, &sql, err);
	if (!stmt) return false;
	Value *values = mem_alloc(sizeof *values * (size_t)table->spec.column_count);
	int rc;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		for (int i = 0; i < table->spec.column_count; i++) store_value_column(stmt, i + 1, table->types[i], &values[i], NULL);
		remember_copy(table, table_hash(table, values, table->spec.column_count), sqlite3_column_int64(stmt, 0));
	}
	free(values);
	if (rc != SQLITE_DONE) store_fail(table->store, rc, err);
	sqlite3_finalize(stmt);
	return table->loaded = rc == SQLITE_DONE;
}

static void bind_key(StoreTable *table, sqlite3_stmt *stmt, const Value *key)
{
	for (int i = 0; i < table->spec.key_count; i++) store_value_bind(stmt, i + 1, &key[i], table->decimals, table->texts[i]);
}

/* 1 found, 0 not, -1 error; the statement stands on the row */
static int step_find(StoreTable *table, const Value *key, Error *err)
{
	if (!need_find(table, err)) return -1;
	bind_key(table, table->find, key);
	int rc = sqlite3_step(table->find);
	if (rc == SQLITE_ROW) return 1;
	if (rc != SQLITE_DONE) store_fail(table->store, rc, err);
	sqlite3_reset(table->find);
	return rc == SQLITE_DONE ? 0 : -1;
}

/* rowid of the row with this key; 0: there is none. Of TABLE_INTEGER_KEY it is the key, whether there or not. */
static bool find_rowid(StoreTable *table, const Value *row, bool keep, int64_t *rowid, Error *err)
{
	if (table->form == TABLE_INTEGER_KEY) {
		*rowid = row[table->spec.key[0]].i64;
		return true;
	}
	Hash128 hash = {0};
	if (table->form == TABLE_KEYED) {
		hash = key_hash(table, row);
		*rowid = keep ? rowid_map_get(&table->map, hash) : rowid_map_take(&table->map, hash);
		if (*rowid) return true;
	}
	int found = step_find(table, table->key, err);
	if (found <= 0) return *rowid = 0, found == 0;
	*rowid = sqlite3_column_int64(table->find, 0);
	sqlite3_reset(table->find);
	if (keep && table->form == TABLE_KEYED) rowid_map_put(&table->map, hash, *rowid, TABLE_KEYED_BYTES_MAX);
	return true;
}

int store_table_find(Store *store, StoreTable *table, const Value *key, Value *row, Arena *arena, Error *err)
{
	(void)store;
	int found = step_find(table, key, err);
	if (found == 1 && row)
		for (int i = 0; i < table->spec.column_count; i++) store_value_column(table->find, i + 1, table->types[i], &row[i], arena);
	if (table->find) sqlite3_reset(table->find);
	return found;
}

static sqlite3_stmt *need_unique(StoreTable *table, const int *columns, int count, Error *err)
{
	for (int i = 0; i < table->uniques.count; i++)
		if (table->uniques.at[i].count == count && memcmp(table->uniques.at[i].columns, columns, sizeof *columns * (size_t)count) == 0) return table->uniques.at[i].stmt;
	StrBuf sql = STRBUF_INIT;
	strbuf_adds(&sql, "SELECT ");
	table_print_columns(table, &sql);
	strbuf_printf(&sql, " FROM %s", table->quoted);
	for (int i = 0; i < count; i++) {
		strbuf_adds(&sql, i ? " AND " : " WHERE ");
		strbuf_add_sql_ident(&sql, table->spec.columns[columns[i]].name);
		strbuf_printf(&sql, " = ?%d", i + 1);
	}
	strbuf_adds(&sql, " LIMIT 1");
	TableUnique unique = {arena_copy(&table->arena, columns, sizeof *columns * (size_t)count), count, prepare(table, &sql, err)};
	if (unique.stmt) vec_push(&table->uniques, unique);
	return unique.stmt;
}

int store_table_find_unique(Store *store, StoreTable *table, const int *columns, int count, const Value *row, Value *found, Arena *arena, Error *err)
{
	for (int i = 0; i < count; i++)
		if (row[columns[i]].is_null) return 0;
	sqlite3_stmt *stmt = need_unique(table, columns, count, err);
	if (!stmt) return -1;
	for (int i = 0; i < count; i++) store_value_bind(stmt, i + 1, &row[columns[i]], table->decimals, table->texts[i]);
	int rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW && found)
		for (int i = 0; i < table->spec.column_count; i++) store_value_column(stmt, i, table->types[i], &found[i], arena);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE) store_fail(store, rc, err);
	sqlite3_reset(stmt);
	return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : -1;
}

/* ---- one row ---- */

static bool insert_row(StoreTable *table, const Value *row, int64_t copies, Error *err)
{
	sqlite3_stmt *stmt = table->insert;
	for (int i = 0; i < table->spec.column_count; i++) store_value_bind(stmt, i + 1, &row[i], table->decimals, table->texts[i]);
	bool remember = !table->spec.append_only && (table->form == TABLE_KEYED || (table->form == TABLE_MULTISET && table->loaded));
	Hash128 hash = {0};
	if (remember) hash = table->form == TABLE_KEYED ? key_hash(table, row) : table_hash(table, row, table->spec.column_count);
	for (int64_t i = 0; i < copies; i++) {
		int rc = sqlite3_step(stmt);
		if (rc != SQLITE_DONE) return write_failed(table, stmt, rc, row, err);
		sqlite3_reset(stmt);
		if (!remember) continue;
		int64_t rowid = sqlite3_last_insert_rowid(table->store->db);
		if (table->form == TABLE_KEYED) rowid_map_put(&table->map, hash, rowid, TABLE_KEYED_BYTES_MAX);
		else remember_copy(table, hash, rowid);
	}
	return true;
}

static bool remove_rowid(StoreTable *table, int64_t rowid, int64_t *count, Error *err)
{
	if (!rowid && table->form != TABLE_INTEGER_KEY) return row_missing(table, err);
	sqlite3_bind_int64(table->remove, 1, rowid);
	int rc = sqlite3_step(table->remove);
	if (rc != SQLITE_DONE) return write_failed(table, table->remove, rc, NULL, err);
	sqlite3_reset(table->remove);
	if (sqlite3_changes(table->store->db) == 0) return row_missing(table, err);
	++*count;
	return true;
}

static bool remove_row(StoreTable *table, const Value *row, int64_t copies, int64_t *count, Error *err)
{
	int64_t rowid;
	if (table->form != TABLE_MULTISET) return find_rowid(table, row, false, &rowid, err) && remove_rowid(table, rowid, count, err);
	Hash128 hash = table_hash(table, row, table->spec.column_count);
	for (int64_t i = 0; i < copies; i++)
		if (!remove_rowid(table, take_copy(table, hash), count, err)) return false;
	return true;
}

static uint64_t changed_columns(const StoreTable *table, const Value *old, const Value *new, bool *any)
{
	uint64_t mask = 0;
	*any = false;
	for (int i = 0; i < table->spec.column_count; i++) {
		if (table->is_key[i] || (old[i].is_null && new[i].is_null) || value_equal(&old[i], &new[i])) continue;
		*any = true;
		if (i < TABLE_MASK_COLUMNS) mask |= (uint64_t)1 << i;
	}
	return table->spec.column_count > TABLE_MASK_COLUMNS ? UINT64_MAX : mask;
}

static bool update_row(StoreTable *table, const Value *old, const Value *new, int64_t *count, Error *err)
{
	bool any;
	uint64_t mask = changed_columns(table, old, new, &any);
	int64_t rowid;
	if (!any) return true;
	TableUpdate *update = need_update(table, mask, err);
	if (!update || !find_rowid(table, old, true, &rowid, err)) return false;
	if (!rowid && table->form != TABLE_INTEGER_KEY) return row_missing(table, err);
	int number = 0;
	for (int i = 0; i < table->spec.column_count; i++) {
		if (update->mask != UINT64_MAX && !(update->mask >> i & 1)) continue;
		store_value_bind(update->stmt, ++number, &new[i], table->decimals, table->texts[i]);
	}
	sqlite3_bind_int64(update->stmt, number + 1, rowid);
	int rc = sqlite3_step(update->stmt);
	if (rc != SQLITE_DONE) return write_failed(table, update->stmt, rc, new, err);
	sqlite3_reset(update->stmt);
	if (sqlite3_changes(table->store->db) == 0) return row_missing(table, err);
	++*count;
	return true;
}

/* ---- a commit's rows ---- */

static bool same_key(const StoreTable *table, const Value *a, const Value *b)
{
	for (int i = 0; i < table->spec.key_count; i++) {
		int column = table->spec.key[i];
		if (!value_equal(&a[column], &b[column])) return false;
	}
	return true;
}

static void unpack(const StoreTable *table, const Changes *changes, int row, Value *values)
{
	row_unpack(changes->bytes + changes->rows[row].offset, table->types, table->spec.column_count, values);
}

static bool apply_appends(StoreTable *table, const Changes *changes, StoreApplied *counts, Error *err)
{
	for (int i = 0; i < changes->count; i++) {
		assert(changes->rows[i].weight > 0);
		unpack(table, changes, i, table->new);
		if (!insert_row(table, table->new, changes->rows[i].weight, err)) return false;
		counts->inserted += changes->rows[i].weight;
	}
	return true;
}

static bool apply_single(StoreTable *table, int64_t weight, const Value *row, StoreApplied *counts, Error *err)
{
	if (weight < 0) return remove_row(table, row, -weight, &counts->deleted, err);
	counts->inserted += weight;
	return insert_row(table, row, weight, err);
}

static bool apply_keyed(StoreTable *table, const Changes *changes, StoreApplied *counts, Error *err)
{
	for (int i = 0; i < changes->count; i++) {
		int64_t weight = changes->rows[i].weight;
		bool may_pair = i + 1 < changes->count && (weight < 0) != (changes->rows[i + 1].weight < 0);
		Value *row = weight < 0 ? table->old : table->new, *other = weight < 0 ? table->new : table->old;
		assert(weight == 1 || weight == -1);
		unpack(table, changes, i, row);
		if (may_pair) unpack(table, changes, i + 1, other);
		if (may_pair && same_key(table, row, other)) {
			if (!update_row(table, table->old, table->new, &counts->updated, err)) return false;
			i++;
		} else if (!apply_single(table, weight, row, counts, err)) return false;
	}
	return true;
}

/* Rows go before others come, so that places are used again and a unique index of the user's sees no row twice. */
static bool apply_multiset(StoreTable *table, const Changes *changes, StoreApplied *counts, Error *err)
{
	for (int sign = -1; sign <= 1; sign += 2)
		for (int i = 0; i < changes->count; i++) {
			if ((changes->rows[i].weight < 0) != (sign < 0)) continue;
			unpack(table, changes, i, table->new);
			if (!apply_single(table, changes->rows[i].weight, table->new, counts, err)) return false;
		}
	return true;
}

static bool takes_rows(const Changes *changes)
{
	for (int i = 0; i < changes->count; i++)
		if (changes->rows[i].weight < 0) return true;
	return false;
}

bool store_apply(Store *store, StoreTable *table, const Changes *changes, StoreApplied *counts, Error *err)
{
	StoreApplied unused;
	if (!counts) counts = &unused;
	*counts = (StoreApplied){0};
	assert((store->in_transaction || store->lost) && table->store == store);
	if (!store_has_transaction(store, err) || !need_insert(table, err)) return false;
	if (!takes_rows(changes)) return apply_appends(table, changes, counts, err);
	if (!need_remove(table, err)) return false;
	if (table->form == TABLE_MULTISET) return (table->loaded || scan_multiset(table, err)) && apply_multiset(table, changes, counts, err);
	return apply_keyed(table, changes, counts, err);
}

/* ---- retention ---- */

static bool need_retention_index(StoreTable *table, int column, Error *err)
{
	if (table->has_retention_index) return true;
	const char *quoted = store_quoted(&table->store->scratch, table->spec.columns[column].name);
	return table->has_retention_index = store_exec(table->store, err, "CREATE INDEX IF NOT EXISTS \"weir_retention_%lld\" ON %s(%s)",
		(long long)table->spec.id, table->quoted, quoted);
}

static bool collect_expired(StoreTable *table, int column, const Value *before, int64_t limit, int64_t **rowids, int64_t *count, Error *err)
{
	char text[VALUE_TEXT_BYTES];
	StrBuf sql = STRBUF_INIT;
	strbuf_printf(&sql, "SELECT %s, ", table->rowid);
	table_print_columns(table, &sql);
	strbuf_printf(&sql, " FROM %s WHERE %s < ?1 LIMIT ?2", table->quoted, store_quoted(&table->store->scratch, table->spec.columns[column].name));
	sqlite3_stmt *stmt = prepare(table, &sql, err);
	if (!stmt) return false;
	VEC(int64_t) found = {0};
	store_value_bind(stmt, 1, before, table->decimals, text);
	sqlite3_bind_int64(stmt, 2, limit);
	int rc;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		for (int i = 0; i < table->spec.column_count; i++) store_value_column(stmt, i + 1, table->types[i], &table->old[i], NULL);
		if (table->form == TABLE_KEYED) rowid_map_take(&table->map, key_hash(table, table->old));
		vec_push(&found, sqlite3_column_int64(stmt, 0));
	}
	if (rc != SQLITE_DONE) store_fail(table->store, rc, err);
	sqlite3_finalize(stmt);
	*rowids = found.at;
	*count = found.count;
	return rc == SQLITE_DONE;
}

bool store_table_expire(Store *store, StoreTable *table, int column, const Value *before, int64_t limit, int64_t *count, Error *err)
{
	int64_t *rowids = NULL, found = 0, removed = 0;
	assert(store->in_transaction || store->lost);
	bool ok = store_has_transaction(store, err) && need_retention_index(table, column, err) && need_remove(table, err) && collect_expired(table, column, before, limit, &rowids, &found, err);
	for (int64_t i = 0; ok && i < found; i++) ok = remove_rowid(table, rowids[i], &removed, err);
	if (found && table->form == TABLE_MULTISET) store_table_forget(table);
	free(rowids);
	*count = removed;
	return ok;
}
