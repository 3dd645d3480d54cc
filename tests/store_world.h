/* A file in a folder of its own for each test, other clients of it, and rows to put into it. */
#ifndef WEIR_TESTS_STORE_WORLD_H
#define WEIR_TESTS_STORE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/vec.h"
#include "store/store.h"
#include "type/row.h"
#include "type/text.h"

#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-variable"
#pragma GCC diagnostic ignored "-Wunused-const-variable"

static char folder[256], file[300];

static int make_folder(void **state)
{
	(void)state;
	const char *tmp = getenv("TMPDIR");
	snprintf(folder, sizeof folder, "%s/weir-store-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(folder)) return -1;
	snprintf(file, sizeof file, "%s/shop.db", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	char command[320];
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	return system(command);
}

#define OK(call) do { Error err = ERROR_INIT; if (!(call)) fail_msg("%s: %s", #call, err.message); } while (0)
#define REFUSED(code_, call) do { Error err = ERROR_INIT; assert_false(call); \
	if (err.code != (code_)) { fail_msg("%s: %s (%s)", #call, err.message, error_sqlstate(err.code)); } \
	last_error = err; } while (0)
static Error last_error;

static Store *open_file(void)
{
	Store *store;
	OK(store = store_open(file, 0, &err));
	return store;
}

static void begin(Store *store) { OK(store_begin(store, &err)); }
static void commit(Store *store) { OK(store_commit(store, &err)); }

static char *slurp(const char *path, size_t *bytes)
{
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	char *text = calloc(1, 1 << 20);
	*bytes = fread(text, 1, 1 << 20, f);
	fclose(f);
	return text;
}

static void spit(const char *path, const char *bytes, size_t count)
{
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, count, f), count);
	fclose(f);
}

/* What another client sees: rows as text, columns separated by |, rows by newlines; or the error. */
static char seen[4096];
static int see_row(void *context, int count, char **values, char **names)
{
	(void)context, (void)names;
	if (*seen) strcat(seen, "\n");
	for (int i = 0; i < count; i++) snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%s%s", i ? "|" : "", values[i] ? values[i] : "NULL");
	return 0;
}

static const char *client_at(const char *path, const char *sql)
{
	sqlite3 *db;
	char *text = NULL;
	*seen = 0;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, see_row, NULL, &text) != SQLITE_OK) snprintf(seen, sizeof seen, "error: %s", text);
	sqlite3_free(text);
	sqlite3_close(db);
	return seen;
}

static const char *client(const char *sql) { return client_at(file, sql); }

/* Changes from text: "+1 | 1 | 'a'" a line is too much here; rows are given as values. */
typedef struct Rows { StrBuf bytes; VEC(ChangeRow) rows; } Rows;

static void rows_add(Rows *rows, int64_t weight, const Value *values, int count)
{
	if (!rows->bytes.text) rows->bytes = STRBUF_INIT;
	uint32_t offset = (uint32_t)rows->bytes.bytes;
	row_pack_values(&rows->bytes, values, count);
	vec_push(&rows->rows, ((ChangeRow){.offset = offset, .bytes = (uint32_t)rows->bytes.bytes - offset, .weight = weight}));
}

static bool rows_apply(Rows *rows, Store *store, StoreTable *table, StoreApplied *counts, Error *err)
{
	Changes changes = {.rows = rows->rows.at, .count = rows->rows.count, .bytes = rows->bytes.text, .byte_count = rows->bytes.bytes};
	bool ok = store_apply(store, table, &changes, counts, err);
	strbuf_release(&rows->bytes);
	vec_release(&rows->rows);
	*rows = (Rows){0};
	return ok;
}

static Value integer(int64_t x) { return (Value){.type = TYPE(INTEGER), .i64 = x}; }
static Value text(const char *s) { return (Value){.type = TYPE(TEXT), .str = str_borrow(s, strlen(s))}; }
static Value null_of(Type type) { return (Value){.type = type, .is_null = true}; }

static Value parse(Type type, const char *s, Arena *arena)
{
	Value value = {.type = type};
	if (!text_to_value(s, strlen(s), type, &value, arena)) fail_msg("%s is no %s", s, type_kind_name(type.kind));
	value.type = type;
	return value;
}

static const StoreColumn TWO[] = {{"id", {.kind = TYPE_INTEGER}, false}, {"name", {.kind = TYPE_TEXT}, true}};
static const int FIRST[] = {0};
static const StoreTableSpec KEYED = {.id = 7, .name = "items", .kind = "table", .columns = TWO, .column_count = 2, .key = FIRST, .key_count = 1, .has_key = true};
static const StoreTableSpec MULTISET = {.id = 8, .name = "bag", .kind = "materialized view", .columns = TWO, .column_count = 2};

static StoreTable *make_table(Store *store, const StoreTableSpec *spec)
{
	StoreTable *table;
	begin(store);
	OK(table = store_table_create(store, spec, &err));
	commit(store);
	return table;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

#endif
