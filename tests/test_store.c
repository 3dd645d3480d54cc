/* The file: who may open it, what it holds after commits, rollbacks and restarts, and what other SQLite clients see of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/vec.h"
#include "store/rowid_map.h"
#include "store/store.h"
#include "type/row.h"
#include "type/text.h"

static char folder[256], file[300];

/* ---- helpers ---- */

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

/* ---- opening ---- */

static void a_new_file_is_weirs_private_and_in_wal_mode(void **state)
{
	(void)state;
	struct stat info;
	Store *store = open_file();
	assert_true(store_is_new(store));
	assert_false(store_is_copy(store));
	assert_string_equal(client("PRAGMA journal_mode; PRAGMA page_size; PRAGMA auto_vacuum; PRAGMA application_id; PRAGMA user_version"), "wal\n8192\n2\n1466263922\n1");
	assert_int_equal(stat(file, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	store_close(store);
	char wal[320];
	snprintf(wal, sizeof wal, "%s-wal", file);
	assert_int_equal(stat(wal, &info), 0);
	assert_int_equal(info.st_size, 0);
	store = open_file();
	assert_false(store_is_new(store));
	assert_false(store_is_copy(store));
	store_close(store);
}

static void files_of_others_are_refused_and_stay_as_they_are(void **state)
{
	(void)state;
	char database[320], newer[320];
	snprintf(database, sizeof database, "%s/other.db", folder);
	client_at(database, "CREATE TABLE t(x); INSERT INTO t VALUES (1)");
	snprintf(newer, sizeof newer, "%s/newer.db", folder);
	client_at(newer, "PRAGMA application_id = 1466263922; PRAGMA user_version = 99; CREATE TABLE t(x)");
	char script[320], short_text[320];
	snprintf(script, sizeof script, "%s/script.sql", folder);
	snprintf(short_text, sizeof short_text, "%s/short", folder);
	char zeros[500] = "create stream s (a integer); -- ";
	spit(script, zeros, sizeof zeros);
	spit(short_text, "hello", 5);
	const struct { const char *path, *says; } CASES[] = {
		{database, "another program"}, {newer, "newer version"}, {script, "no database"}, {short_text, "no database"}, {folder, "folder"},
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		size_t before_bytes = 0, after_bytes = 0;
		bool is_file = CASES[i].path != folder;
		char *before = is_file ? slurp(CASES[i].path, &before_bytes) : NULL;
		REFUSED(ERR_FILE_FORMAT, store_open(CASES[i].path, 0, &err));
		assert_non_null(strstr(last_error.message, CASES[i].says));
		char *after = is_file ? slurp(CASES[i].path, &after_bytes) : NULL;
		assert_int_equal(before_bytes, after_bytes);
		if (is_file) assert_memory_equal(before, after, before_bytes);
		free(before);
		free(after);
	}
}

static void a_missing_folder_is_named(void **state)
{
	(void)state;
	REFUSED(ERR_FILE_NOT_FOUND, store_open("/nowhere/at/all/shop.db", 0, &err));
	assert_non_null(strstr(last_error.message, "folder \"/nowhere/at/all\""));
	REFUSED(ERR_FILE_NOT_FOUND, store_open(file, STORE_OPEN_EXISTING, &err));
	assert_int_equal(access(file, F_OK), -1);
}

static void one_process_owns_the_file(void **state)
{
	(void)state;
	Store *store = open_file();
	pid_t child = fork();
	if (child == 0) {
		Error err = ERROR_INIT;
		Store *second = store_open(file, 0, &err);
		_exit(second == NULL && err.code == ERR_FILE_IN_USE ? 0 : 1);
	}
	int status;
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	store_close(store);
	store = open_file();
	store_close(store);
}

static void an_empty_file_becomes_one_and_keeps_its_mode(void **state)
{
	(void)state;
	char wal[320];
	struct stat info;
	spit(file, "", 0);
	chmod(file, 0640);
	Store *store = open_file();
	assert_true(store_is_new(store));
	snprintf(wal, sizeof wal, "%s-wal", file);
	assert_int_equal(stat(wal, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0640);
	store_close(store);
	chmod(file, 0644);
	store = open_file();
	assert_int_equal(stat(wal, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0644);
	store_close(store);
}

static void copies_made_while_it_is_written_open_as_copies(void **state)
{
	(void)state;
	char copy[320], sql[400];
	snprintf(copy, sizeof copy, "%s/copy.db", folder);
	snprintf(sql, sizeof sql, "VACUUM INTO '%s'", copy);
	Store *store = open_file();
	StoreTable *table = make_table(store, &KEYED);
	Rows rows = {0};
	rows_add(&rows, 1, (Value[]){integer(1), text("a")}, 2);
	begin(store);
	OK(rows_apply(&rows, store, table, NULL, &err));
	commit(store);
	assert_string_equal(client(sql), "");
	store_close(store);
	assert_string_equal(client_at(copy, "PRAGMA journal_mode"), "delete");
	OK(store = store_open(copy, 0, &err));
	assert_true(store_is_copy(store));
	OK(table = store_table_open(store, &KEYED, &err));
	assert_int_equal(store_table_row_count(store, table), 1);
	begin(store);
	OK(store_take_over(store, &err));
	commit(store);
	store_close(store);
	assert_string_equal(client_at(copy, "PRAGMA journal_mode"), "wal");
	OK(store = store_open(copy, 0, &err));
	assert_false(store_is_copy(store));
	store_close(store);
}

static void without_a_path_all_is_in_memory(void **state)
{
	(void)state;
	Store *store, *other;
	StoreReader *reader;
	OK(store = store_open(NULL, 0, &err));
	OK(other = store_open(NULL, 0, &err));
	StoreTable *table = make_table(store, &KEYED);
	Rows rows = {0};
	rows_add(&rows, 1, (Value[]){integer(1), text("a")}, 2);
	begin(store);
	OK(rows_apply(&rows, store, table, NULL, &err));
	commit(store);
	OK(reader = store_reader_open(store, &err));
	StoreScan *scan;
	Batch *batch;
	OK(scan = store_scan_open(store, reader, &KEYED, (int[]){0, 1}, 2, 0, &err));
	OK(store_scan_next(scan, 10, &batch, NULL, &err));
	assert_int_equal(batch->rows, 1);
	batch_unref(batch);
	store_scan_close(scan);
	store_reader_close(reader);
	REFUSED(ERR_UNDEFINED_TABLE, store_table_open(other, &KEYED, &err));
	store_close(other);
	store_close(store);
}

static void a_running_file_can_be_read_without_the_lock(void **state)
{
	(void)state;
	Store *store = open_file(), *beside;
	begin(store);
	OK(store_setting_put(store, "commit_interval", "1s", &err));
	commit(store);
	OK(beside = store_open(file, STORE_OPEN_READ_ONLY, &err));
	Arena arena;
	arena_init(&arena, 0);
	assert_string_equal(store_setting_get(beside, "commit_interval", &arena), "1s");
	arena_release(&arena);
	store_close(beside);
	store_close(store);
}

/* ---- transactions ---- */

static void what_is_rolled_back_leaves_nothing(void **state)
{
	(void)state;
	Store *store = open_file();
	StoreTable *table = make_table(store, &KEYED);
	Rows rows = {0};
	begin(store);
	rows_add(&rows, 1, (Value[]){integer(1), text("a")}, 2);
	OK(rows_apply(&rows, store, table, NULL, &err));
	OK(store_savepoint(store, &err));
	rows_add(&rows, 1, (Value[]){integer(2), text("b")}, 2);
	OK(rows_apply(&rows, store, table, NULL, &err));
	rows_add(&rows, 1, (Value[]){integer(1), text("c")}, 2);
	REFUSED(ERR_UNIQUE_VIOLATION, rows_apply(&rows, store, table, NULL, &err));
	assert_string_equal(last_error.message, "table \"items\": a row with key (id = 1) exists");
	store_savepoint_rollback(store);
	Value found[2];
	Arena arena;
	arena_init(&arena, 0);
	OK(store_table_find(store, table, (Value[]){integer(1)}, found, &arena, &err) == 1);
	assert_memory_equal(str_at(&found[1].str), "a", 1);
	OK(store_table_find(store, table, (Value[]){integer(2)}, NULL, &arena, &err) == 0);
	commit(store);
	assert_string_equal(client("SELECT * FROM items"), "1|a");
	begin(store);
	rows_add(&rows, 1, (Value[]){integer(3), text("d")}, 2);
	OK(rows_apply(&rows, store, table, NULL, &err));
	store_rollback(store);
	assert_false(store_in_transaction(store));
	assert_string_equal(client("SELECT * FROM items"), "1|a");
	arena_release(&arena);
	store_close(store);
}

static void other_writers_are_waited_for(void **state)
{
	(void)state;
	Store *store = open_file();
	sqlite3 *other;
	assert_int_equal(sqlite3_open(file, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "CREATE TABLE mine(x); BEGIN IMMEDIATE; INSERT INTO mine VALUES (1)", NULL, NULL, NULL), SQLITE_OK);
	store_set_patience_ms(store, 30);
	REFUSED(ERR_FILE_IN_USE, store_begin(store, &err));
	assert_true(last_error.retryable);
	assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	begin(store);
	commit(store);
	sqlite3_close(other);
	store_close(store);
}

static void a_full_disk_leaves_nothing_half_written(void **state)
{
	(void)state;
	Store *store = open_file();
	StoreTable *table = make_table(store, &KEYED);
	struct rlimit limit, old;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	limit = (struct rlimit){.rlim_cur = 3 << 20, .rlim_max = old.rlim_max};
	setrlimit(RLIMIT_FSIZE, &limit);
	Rows rows = {0};
	char big[2000];
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = 0;
	for (int i = 0; i < 5000; i++) rows_add(&rows, 1, (Value[]){integer(i), text(big)}, 2);
	Error full = ERROR_INIT;
	begin(store);
	bool ok = rows_apply(&rows, store, table, NULL, &full) && store_commit(store, &full);
	store_rollback(store);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_false(ok);
	assert_true(full.code == ERR_DISK_FULL || full.code == ERR_IO);       /* a limit of the process is no full disk */
	assert_non_null(strstr(full.message, file));
	assert_true(*full.hint);
	begin(store);
	rows_add(&rows, 1, (Value[]){integer(1), text("a")}, 2);
	OK(rows_apply(&rows, store, table, NULL, &err));
	commit(store);
	assert_string_equal(client("SELECT count(*) FROM items"), "1");
	assert_string_equal(client("PRAGMA integrity_check"), "ok");
	store_close(store);
}

/* ---- tables ---- */

static void a_view_is_a_table_with_exactly_its_columns(void **state)
{
	(void)state;
	static const StoreColumn ALL[] = {
		{"i", {.kind = TYPE_INTEGER}, true}, {"r", {.kind = TYPE_REAL}, true}, {"small", {.kind = TYPE_DECIMAL, .precision = 10, .scale = 2}, true},
		{"large", {.kind = TYPE_DECIMAL, .precision = 38, .scale = 10}, true}, {"t", {.kind = TYPE_TEXT}, true}, {"b", {.kind = TYPE_BLOB}, true},
		{"o", {.kind = TYPE_BOOLEAN}, true}, {"d", {.kind = TYPE_DATE}, true}, {"c", {.kind = TYPE_TIME}, true}, {"at", {.kind = TYPE_TIMESTAMP}, true},
		{"v", {.kind = TYPE_INTERVAL}, true}, {"j", {.kind = TYPE_JSON}, true},
	};
	enum { COUNT = sizeof ALL / sizeof *ALL };
	static const int AT[] = {9, 4};
	const StoreTableSpec spec = {.id = 1, .name = "all", .kind = "materialized view", .columns = ALL, .column_count = COUNT, .key = AT, .key_count = 2, .has_key = true};
	const char *const TEXTS[][COUNT] = {
		{"-12", "0.1", "12.50", "0.0000000001", "it''s", "x", "true", "2026-11-20", "10:00:00.25", "2026-11-20 10:00:00.25", "P1DT2H", "12"},
		{"9223372036854775807", "1e300", "-99999999.99", "1234567890123456789.1234567890", "12", "", "false", "0001-01-01", "23:59:59", "2026-11-20 10:00:00", "PT5S", "{\"a\":1}"},
	};
	Store *store = open_file();
	StoreTable *table = make_table(store, &spec);
	Arena arena;
	arena_init(&arena, 0);
	Rows rows = {0};
	Value values[3][COUNT];
	for (int r = 0; r < 2; r++) {
		for (int i = 0; i < COUNT; i++) values[r][i] = parse(ALL[i].type, TEXTS[r][i], &arena);
		rows_add(&rows, 1, values[r], COUNT);
	}
	for (int i = 0; i < COUNT; i++) values[2][i] = null_of(ALL[i].type);
	rows_add(&rows, 1, values[2], COUNT);
	begin(store);
	OK(rows_apply(&rows, store, table, NULL, &err));
	commit(store);
	assert_string_equal(client("SELECT * FROM \"all\" WHERE i = -12"), "-12|0.1|12.5|1.0e-10|it''s|x|1|2026-11-20|10:00:00.25|2026-11-20 10:00:00.25|P1DT2H|12");
	assert_string_equal(client("SELECT typeof(i), typeof(r), typeof(small), typeof(large), typeof(t), typeof(b), typeof(o), typeof(d), typeof(at), typeof(v), typeof(j) FROM \"all\" WHERE i > 0"),
		"integer|real|real|text|text|blob|integer|text|text|text|text");
	assert_string_equal(client("SELECT large, strftime('%H', at) FROM \"all\" WHERE o = 0"), "1234567890123456789.1234567890|10");
	StoreScan *scan;
	Batch *batch;
	OK(scan = store_scan_open(store, NULL, &spec, (int[]){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, COUNT, 0, &err));
	OK(store_scan_next(scan, 10, &batch, NULL, &err));
	assert_int_equal(batch->rows, 3);
	for (int r = 0; r < 3; r++)
		for (int i = 0; i < COUNT; i++) {
			Value read = column_value(&batch->columns[i], r);
			assert_true(value_equal(&read, &values[r][i]));
		}
	batch_unref(batch);
	store_scan_close(scan);
	/* NULLs in the key are one to us */
	rows_add(&rows, -1, values[2], COUNT);
	begin(store);
	OK(rows_apply(&rows, store, table, NULL, &err));
	commit(store);
	assert_int_equal(store_table_row_count(store, table), 2);
	arena_release(&arena);
	store_close(store);
}

static void decimals_give_every_digit_back(void **state)
{
	(void)state;
	static const struct { int precision, scale; const char *text, *type; } CASES[] = {
		{10, 2, "0.10", "real"}, {10, 0, "12", "integer"}, {18, 0, "999999999999999999", "integer"}, {38, 0, "100000000000000000000", "real"},
		{38, 0, "-99999999999999999999999999999999999999", "text"}, {20, 4, "12.5000", "real"}, {20, 4, "1234567890123456.7891", "text"},
		{38, 38, "0.00000000000000000000000000000000000001", "real"}, {38, 30, "0.123456789012345678901234567890", "text"}, {15, 15, "0.999999999999999", "real"},
		{38, 10, "99999.9999999999", "real"}, {16, 1, "-900719925474099.3", "text"}, {38, 10, "0.0000000000", "real"},
	};
	Store *store = open_file();
	Arena arena;
	arena_init(&arena, 0);
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		const StoreColumn column = {"x", type_decimal(CASES[i].precision, CASES[i].scale), true};
		const StoreTableSpec spec = {.id = 1, .name = "d", .columns = &column, .column_count = 1};
		StoreTable *table = make_table(store, &spec);
		Value value = parse(column.type, CASES[i].text, &arena);
		Rows rows = {0};
		rows_add(&rows, 1, &value, 1);
		begin(store);
		OK(rows_apply(&rows, store, table, NULL, &err));
		commit(store);
		/* NUMERIC affinity keeps a whole number as an integer; whether it does is SQLite's affair */
		if (column.type.precision > 15) assert_string_equal(client("SELECT typeof(x) FROM d"), CASES[i].type);
		StoreScan *scan;
		Batch *batch;
		OK(scan = store_scan_open(store, NULL, &spec, (int[]){0}, 1, 0, &err));
		OK(store_scan_next(scan, 10, &batch, NULL, &err));
		Value read = column_value(&batch->columns[0], 0);
		StrBuf printed = STRBUF_INIT;
		assert_false(read.is_null);
		value_print(&read, &printed);
		assert_string_equal(printed.text, CASES[i].text);
		strbuf_release(&printed);
		batch_unref(batch);
		store_scan_close(scan);
		begin(store);
		OK(store_table_drop(store, table, &err));
		commit(store);
	}
	arena_release(&arena);
	store_close(store);
}

static void the_primary_key_follows_the_views_key(void **state)
{
	(void)state;
	static const StoreColumn COLUMNS[] = {{"a", {.kind = TYPE_INTEGER}, false}, {"b", {.kind = TYPE_INTEGER}, true}, {"c", {.kind = TYPE_TEXT}, true}};
	static const struct { int key[2], key_count; bool has_key; const char *sql; } CASES[] = {
		{{0}, 1, true, "CREATE TABLE \"v\"(\"a\" INTEGER PRIMARY KEY, \"b\" INTEGER, \"c\" TEXT)"},
		{{1}, 1, true, "CREATE TABLE \"v\"(\"a\" INTEGER, \"b\" INT, \"c\" TEXT, PRIMARY KEY (\"b\"))"},
		{{2, 0}, 2, true, "CREATE TABLE \"v\"(\"a\" INTEGER, \"b\" INTEGER, \"c\" TEXT, PRIMARY KEY (\"c\", \"a\"))"},
		{{0}, 0, true, "CREATE TABLE \"v\"(\"a\" INTEGER, \"b\" INTEGER, \"c\" TEXT)"},
		{{0}, 0, false, "CREATE TABLE \"v\"(\"a\" INTEGER, \"b\" INTEGER, \"c\" TEXT)"},
	};
	Store *store = open_file();
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		const StoreTableSpec spec = {.id = 1, .name = "v", .kind = "materialized view", .columns = COLUMNS, .column_count = 3, .key = CASES[i].key,
			.key_count = CASES[i].key_count, .has_key = CASES[i].has_key};
		StoreTable *table = make_table(store, &spec);
		assert_string_equal(client("SELECT sql FROM sqlite_schema WHERE name = 'v'"), CASES[i].sql);
		begin(store);
		OK(store_table_drop(store, table, &err));
		commit(store);
		assert_string_equal(client("SELECT name FROM sqlite_schema WHERE name NOT LIKE 'weir_%' AND name NOT LIKE 'sqlite_%'"), "");
	}
	store_close(store);
}

static void other_clients_may_read_views_but_not_change_them(void **state)
{
	(void)state;
	Store *store = open_file();
	make_table(store, &MULTISET);
	assert_string_equal(client("INSERT INTO bag VALUES (1, 'x')"), "error: materialized view \"bag\" is kept by Weir and can only be changed through it");
	assert_string_equal(client("SELECT count(*) FROM bag"), "0");
	assert_string_equal(client("CREATE TABLE mine(x); INSERT INTO mine VALUES (1); UPDATE mine SET x = 2; SELECT x FROM mine"), "2");
	store_close(store);
}

static void names_that_others_have_are_refused(void **state)
{
	(void)state;
	Store *store = open_file();
	client("CREATE TABLE Items(x)");
	begin(store);
	REFUSED(ERR_DUPLICATE_TABLE, store_table_create(store, &KEYED, &err));
	StoreTableSpec own = KEYED;
	own.name = "weir_commits";
	REFUSED(ERR_INVALID_DEFINITION, store_table_create(store, &own, &err));
	store_rollback(store);
	store_close(store);
}

static void replacing_a_view_keeps_the_users_indexes(void **state)
{
	(void)state;
	Store *store = open_file();
	StoreTable *old = make_table(store, &KEYED);
	client("CREATE INDEX by_name ON items(name); CREATE VIEW mine AS SELECT name FROM items; CREATE TRIGGER tell AFTER INSERT ON items BEGIN SELECT 1; END");
	StoreTableSpec spec = MULTISET;
	spec.name = "weir_building_8";
	StoreTable *built = make_table(store, &spec);
	Rows rows = {0};
	rows_add(&rows, 2, (Value[]){integer(5), text("five")}, 2);
	begin(store);
	OK(rows_apply(&rows, store, built, NULL, &err));
	OK(store_table_replace(store, old, built, NULL, NULL, &err));
	commit(store);
	assert_string_equal(client("SELECT * FROM mine"), "five\nfive");
	assert_string_equal(client("SELECT name FROM sqlite_schema WHERE tbl_name = 'items' AND name NOT LIKE 'weir_%' ORDER BY name"), "by_name\nitems\ntell");
	assert_string_equal(client("DELETE FROM items"), "error: materialized view \"items\" is kept by Weir and can only be changed through it");
	rows_add(&rows, -1, (Value[]){integer(5), text("five")}, 2);
	begin(store);
	OK(rows_apply(&rows, store, built, NULL, &err));
	OK(store_table_rename(store, built, "things", &err));
	commit(store);
	assert_string_equal(client("SELECT * FROM things"), "5|five");
	store_close(store);
}

static void a_table_that_someone_dropped_or_altered_is_noticed(void **state)
{
	(void)state;
	Store *store = open_file();
	make_table(store, &KEYED);
	store_close(store);
	client("ALTER TABLE items ADD COLUMN more TEXT");
	store = open_file();
	REFUSED(ERR_UNDEFINED_TABLE, store_table_open(store, &KEYED, &err));
	store_close(store);
	client("DROP TABLE items");
	store = open_file();
	REFUSED(ERR_UNDEFINED_TABLE, store_table_open(store, &KEYED, &err));
	store_close(store);
}

/* ---- applying: against a model ---- */

static uint64_t seed;
static uint32_t random_below(uint32_t n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((seed >> 33) % n);
}

enum { MODEL_KEYS = 40, MODEL_VALUES = 5 };

/* counts[key][value]: copies of the row (key, value); NULL key: key MODEL_KEYS */
typedef struct Model { int counts[MODEL_KEYS + 1][MODEL_VALUES]; } Model;

static Value model_key(Type type, int key)
{
	static char texts[MODEL_KEYS + 1][32];
	if (key == MODEL_KEYS) return null_of(type);
	if (type.kind == TYPE_INTEGER) return integer(key * 1000);
	snprintf(texts[key], sizeof texts[key], "a rather long key %03d", key);
	return text(texts[key]);
}

static void model_row(Type type, int key, int value, Value *row)
{
	static const char *const VALUES[MODEL_VALUES] = {"", "one", "two", "a value that is not short", "four"};
	row[0] = model_key(type, key);
	row[1] = text(VALUES[value]);
	row[2] = integer(value % 2);
}

static void expect_model(Store *store, const StoreTableSpec *spec, const Model *model)
{
	StoreScan *scan;
	Batch *batch;
	Model found = {0};
	Type type = spec->columns[0].type;
	OK(scan = store_scan_open(store, NULL, spec, (int[]){0, 1, 2}, 3, INT64_MIN, &err));
	for (;;) {
		OK(store_scan_next(scan, 7, &batch, NULL, &err));
		if (!batch) break;
		for (int r = 0; r < batch->rows; r++) {
			Value row[3], wanted[3];
			bool known = false;
			for (int i = 0; i < 3; i++) row[i] = column_value(&batch->columns[i], r);
			for (int k = 0; k <= MODEL_KEYS; k++)
				for (int v = 0; v < MODEL_VALUES; v++) {
					model_row(type, k, v, wanted);
					if (!value_equal(&row[0], &wanted[0]) || !value_equal(&row[1], &wanted[1]) || !value_equal(&row[2], &wanted[2])) continue;
					found.counts[k][v]++;
					known = true;
				}
			assert_true(known);
		}
		batch_unref(batch);
	}
	store_scan_close(scan);
	assert_memory_equal(&found, model, sizeof found);
}

/* One commit's net changes of a random walk. Keyed: at most one row a key, old and new side by side in either order. */
static void random_changes(Rows *rows, Model *model, Type type, bool keyed, int keys)
{
	for (int k = 0; k < keys; k++) {
		Value row[3];
		if (random_below(3)) continue;
		int old = -1, new = (int)random_below(MODEL_VALUES + 1) - 1;
		for (int v = 0; v < MODEL_VALUES && keyed; v++)
			if (model->counts[k][v]) old = v;
		if (!keyed) {
			int v = (int)random_below(MODEL_VALUES), change = (int)random_below(7) - 3;
			if (model->counts[k][v] + change < 0 || change == 0) continue;
			model_row(type, k, v, row);
			rows_add(rows, change, row, 3);
			model->counts[k][v] += change;
			continue;
		}
		if (old == new) continue;
		bool new_first = random_below(2);
		for (int i = 0; i < 2; i++) {
			int v = (i == 0) == new_first ? new : old;
			if (v < 0) continue;
			model_row(type, k, v, row);
			rows_add(rows, v == new ? 1 : -1, row, 3);
			model->counts[k][v] = v == new;
		}
	}
}

static void applied_changes_add_up(void **state)
{
	(void)state;
	static const StoreColumn BY_INTEGER[] = {{"k", {.kind = TYPE_INTEGER}, false}, {"v", {.kind = TYPE_TEXT}, true}, {"rowid", {.kind = TYPE_INTEGER}, true}};
	static const StoreColumn BY_NULLABLE[] = {{"k", {.kind = TYPE_INTEGER}, true}, {"v", {.kind = TYPE_TEXT}, true}, {"n", {.kind = TYPE_INTEGER}, true}};
	static const StoreColumn BY_TEXT[] = {{"k", {.kind = TYPE_TEXT}, true}, {"v", {.kind = TYPE_TEXT}, true}, {"rowid", {.kind = TYPE_INTEGER}, true}};
	static const struct { const char *name; const StoreColumn *columns; bool has_key; int keys; } CASES[] = {
		{"integer key", BY_INTEGER, true, MODEL_KEYS}, {"nullable key", BY_NULLABLE, true, MODEL_KEYS + 1}, {"text key", BY_TEXT, true, MODEL_KEYS + 1}, {"multiset", BY_TEXT, false, MODEL_KEYS + 1},
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		Store *store = open_file();
		const StoreTableSpec spec = {.id = 1, .name = "v", .kind = "materialized view", .columns = CASES[i].columns, .column_count = 3, .key = FIRST,
			.key_count = CASES[i].has_key ? 1 : 0, .has_key = CASES[i].has_key};
		Type type = spec.columns[0].type;
		StoreTable *table = make_table(store, &spec);
		Model model = {0};
		seed = i + 1;
		for (int round = 0; round < 120; round++) {
			Rows rows = {0};
			Model before = model;
			begin(store);
			random_changes(&rows, &model, type, CASES[i].has_key, CASES[i].keys);
			OK(rows_apply(&rows, store, table, NULL, &err));
			switch (random_below(8)) {
			case 0: store_rollback(store); model = before; break;
			case 1: commit(store); assert_string_equal(client("VACUUM"), ""); break;          /* other rowids */
			case 2:
				commit(store);
				store_close(store);
				store = open_file();
				OK(table = store_table_open(store, &spec, &err));
				break;
			default: commit(store);
			}
			if (round % 10 == 0) expect_model(store, &spec, &model);
		}
		expect_model(store, &spec, &model);
		begin(store);
		OK(store_table_drop(store, table, &err));
		commit(store);
		store_close(store);
	}
}

static void a_million_equal_rows_come_and_go(void **state)
{
	(void)state;
	enum { COPIES = 100000 };
	Store *store;
	OK(store = store_open(NULL, 0, &err));
	StoreTable *table = make_table(store, &MULTISET);
	Rows rows = {0};
	for (int i = 0; i < 2; i++) {
		begin(store);
		rows_add(&rows, i ? -COPIES + 1 : COPIES, (Value[]){integer(1), text("same")}, 2);
		OK(rows_apply(&rows, store, table, NULL, &err));
		commit(store);
	}
	assert_int_equal(store_table_row_count(store, table), 1);
	store_close(store);
}

static void a_view_of_one_row_is_changed_in_place(void **state)
{
	(void)state;
	StoreTableSpec spec = MULTISET;
	spec.has_key = true;
	Store *store = open_file();
	StoreTable *table = make_table(store, &spec);
	StoreApplied counts;
	Rows rows = {0};
	begin(store);
	rows_add(&rows, 1, (Value[]){integer(0), null_of(TYPE(TEXT))}, 2);
	OK(rows_apply(&rows, store, table, &counts, &err));
	rows_add(&rows, -1, (Value[]){integer(0), null_of(TYPE(TEXT))}, 2);
	rows_add(&rows, 1, (Value[]){integer(1), text("x")}, 2);
	OK(rows_apply(&rows, store, table, &counts, &err));
	assert_int_equal(counts.updated, 1);
	commit(store);
	assert_string_equal(client("SELECT rowid, * FROM bag"), "1|1|x");
	store_close(store);
}

static void retention_takes_old_rows_away(void **state)
{
	(void)state;
	static const StoreColumn COLUMNS[] = {{"at", {.kind = TYPE_TIMESTAMP}, false}, {"n", {.kind = TYPE_INTEGER}, true}};
	const StoreTableSpec spec = {.id = 3, .name = "v", .kind = "materialized view", .columns = COLUMNS, .column_count = 2, .key = FIRST, .key_count = 1, .has_key = true, .expires = true};
	Store *store = open_file();
	StoreTable *table = make_table(store, &spec);
	Rows rows = {0};
	int64_t count;
	for (int i = 0; i < 10; i++) rows_add(&rows, 1, (Value[]){{.type = TYPE(TIMESTAMP), .i64 = i * 1000000}, integer(i)}, 2);
	begin(store);
	OK(rows_apply(&rows, store, table, NULL, &err));
	OK(store_table_expire(store, table, 0, &(Value){.type = TYPE(TIMESTAMP), .i64 = 7 * 1000000}, 100, &count, &err));
	assert_int_equal(count, 7);
	/* a change of what is gone is passed over */
	rows_add(&rows, -1, (Value[]){{.type = TYPE(TIMESTAMP), .i64 = 0}, integer(0)}, 2);
	rows_add(&rows, 1, (Value[]){{.type = TYPE(TIMESTAMP), .i64 = 0}, integer(5)}, 2);
	OK(rows_apply(&rows, store, table, NULL, &err));
	commit(store);
	assert_int_equal(store_table_row_count(store, table), 3);
	store_close(store);
}

static void a_rowid_map_is_a_map(void **state)
{
	(void)state;
	enum { KEYS = 500 };
	RowidMap map = {0};
	int64_t reference[KEYS] = {0};
	seed = 3;
	for (int i = 0; i < 200000; i++) {
		uint64_t key = random_below(KEYS);
		/* few home slots, one part: long runs that wrap around */
		Hash128 hash = {.low = key / 50 + (uint64_t)(key % 50) * 0x100000000ull, .high = key % 3};
		if (random_below(2)) {
			reference[key] = i + 1;
			rowid_map_put(&map, hash, i + 1, 0);
		} else {
			assert_int_equal(rowid_map_take(&map, hash), reference[key]);
			reference[key] = 0;
		}
		uint64_t other = random_below(KEYS);
		assert_int_equal(rowid_map_get(&map, (Hash128){.low = other / 50 + (uint64_t)(other % 50) * 0x100000000ull, .high = other % 3}), reference[other]);
	}
	rowid_map_clear(&map);
}

/* ---- catalog, commits, checkpoints, logs ---- */

static bool join_names(void *context, const StoreCatalogRow *row, Error *err)
{
	(void)err;
	strbuf_printf(context, "%lld %s %s %s;", (long long)row->id, row->kind, row->name, row->state);
	return true;
}

static void catalog_numbers_are_never_used_again(void **state)
{
	(void)state;
	Store *store = open_file();
	StoreCatalogRow a = {.kind = "stream", .name = "s", .sql = "CREATE STREAM s (a INTEGER)", .state = "live"}, b = a, c = a;
	begin(store);
	OK(store_catalog_put(store, &a, &err) && store_catalog_put(store, &b, &err));
	OK(store_catalog_remove(store, b.id, &err));
	commit(store);
	store_close(store);
	store = open_file();
	begin(store);
	c.name = "third";
	OK(store_catalog_put(store, &c, &err));
	assert_int_equal(c.id, b.id + 1);
	a.state = "paused";
	OK(store_catalog_put(store, &a, &err));
	commit(store);
	StrBuf names = STRBUF_INIT;
	OK(store_catalog_list(store, join_names, &names, &err));
	assert_string_equal(names.text, "1 stream s paused;3 stream third live;");
	strbuf_release(&names);
	store_close(store);
}

static bool join_commits(void *context, const CommitRecord *record, Error *err)
{
	(void)err;
	strbuf_printf(context, "%lld", (long long)record->commit);
	for (int i = 0; i < record->partition_count; i++) strbuf_printf(context, " %d:%lld", record->partitions[i].partition, (long long)record->partitions[i].position);
	strbuf_printf(context, " %.*s;", (int)record->extra_bytes, (const char *)record->extra);
	return true;
}

static void commit_records_come_back_as_they_were(void **state)
{
	(void)state;
	Store *store = open_file();
	PartitionRecord partitions[2] = {
		{.lane = 1, .relation = 5, .partition = 0, .watermark_us = WATERMARK_NONE, .hash = UINT64_MAX, .last_fingerprint = 3},
		{.lane = 1, .relation = 5, .partition = 1, .watermark_us = 1700000000250000, .idle = true},
	};
	for (int i = 1; i <= 3; i++) {
		partitions[0].position = i * 10;
		partitions[0].records = 10;
		partitions[1].position = i;
		CommitRecord record = {.commit = i, .time_us = 1700000000000000 + i, .clock_us = 1700000000000000, .partitions = partitions, .partition_count = i == 2 ? 1 : 2, .extra = "abc", .extra_bytes = (uint32_t)i};
		begin(store);
		OK(store_commit_put(store, &record, &err));
		commit(store);
	}
	store_close(store);
	store = open_file();
	assert_int_equal(store_commit_last(store), 3);
	StrBuf text_out = STRBUF_INIT;
	OK(store_commits_list(store, 1, join_commits, &text_out, &err));
	assert_string_equal(text_out.text, "2 0:20 ab;3 0:30 1:3 abc;");
	strbuf_release(&text_out);
	Arena arena;
	arena_init(&arena, 0);
	PartitionRecord *found;
	int count;
	OK(store_positions_list(store, 1, &arena, &found, &count, &err));
	assert_int_equal(count, 2);
	assert_int_equal(found[0].position, 30);
	assert_int_equal(found[0].records, 30);
	assert_true(found[0].hash == UINT64_MAX && found[0].watermark_us == WATERMARK_NONE);
	arena_release(&arena);
	assert_string_equal(client("SELECT * FROM weir_watermarks"), "5|0|NULL|0|1\n5|1|2023-11-14 22:13:20.25|1|1");
	assert_string_equal(client("SELECT source, partition, position FROM weir_positions"), "5|0|30\n5|1|3");
	store_close(store);
}

static void covered_commit_records_go_save_one_an_hour(void **state)
{
	(void)state;
	const int64_t minute = 60 * 1000000ll, start = 1700000000000000 / (60 * minute) * (60 * minute);
	Store *store = open_file();
	begin(store);
	for (int i = 0; i < 40 * 24 * 2; i++) OK(store_commit_put(store, &(CommitRecord){.commit = i + 1, .time_us = start + i * 30 * minute}, &err));
	OK(store_commits_prune(store, 40 * 24 * 2 - 10, start + 40 * 24 * 60 * minute, &err));
	commit(store);
	/* 30 days of whole hours, less the last five, and the ten last records */
	assert_string_equal(client("SELECT count(*), min(id), max(id) FROM weir_commits"), "725|481|1920");
	store_close(store);
}

static bool join_pages(void *context, int32_t op, uint32_t page, const void *bytes, uint32_t count, Error *err)
{
	(void)err;
	strbuf_printf(context, "%d.%u=%.*s;", op, page, (int)count, (const char *)bytes);
	return true;
}

static void expect_state(Store *store, int64_t lane, const char *wanted)
{
	StrBuf pages = STRBUF_INIT;
	OK(store_state_load(store, lane, join_pages, &pages, &err));
	assert_string_equal(pages.text, wanted);
	strbuf_release(&pages);
}

static void put_page(Store *store, int64_t lane, int32_t op, uint32_t page, int64_t generation, const char *bytes)
{
	OK(store_state_put(store, lane, op, page, generation, bytes, bytes ? (uint32_t)strlen(bytes) : 0, &err));
}

static void note_commit(Store *store, int64_t number) { OK(store_commit_put(store, &(CommitRecord){.commit = number}, &err)); }

static void a_checkpoint_counts_once_it_is_complete(void **state)
{
	(void)state;
	Store *store = open_file();
	Arena arena;
	CheckpointRecord record;
	arena_init(&arena, 0);
	{
		Error err = ERROR_INIT;
		assert_false(store_checkpoint_last(store, 1, &arena, &record, &err));
		assert_int_equal(err.code, ERR_NONE);
	}
	begin(store);
	note_commit(store, 10);
	put_page(store, 1, 0, 0, 10, "a0");
	put_page(store, 1, 0, 1, 10, "b0");
	put_page(store, 1, 3, 0, 10, "c0");
	put_page(store, 2, 0, 0, 10, "other");
	commit(store);
	expect_state(store, 1, "");
	begin(store);
	PartitionRecord partition = {.lane = 1, .relation = 5, .position = 77};
	OK(store_checkpoint_complete(store, &(CheckpointRecord){.lane = 1, .generation = 10, .clock_us = 5000000, .partitions = &partition, .partition_count = 1, .extra = "x", .extra_bytes = 1}, &err));
	commit(store);
	expect_state(store, 1, "0.0=a0;0.1=b0;3.0=c0;");
	/* one that is not complete when the process ends does not count */
	begin(store);
	note_commit(store, 20);
	put_page(store, 1, 0, 0, 20, "a1");
	put_page(store, 1, 0, 2, 20, "d1");
	put_page(store, 1, 3, 0, 20, NULL);
	commit(store);
	expect_state(store, 1, "0.0=a0;0.1=b0;3.0=c0;");
	store_close(store);
	store = open_file();
	expect_state(store, 1, "0.0=a0;0.1=b0;3.0=c0;");
	begin(store);
	note_commit(store, 21);
	put_page(store, 1, 0, 1, 21, "b2");
	put_page(store, 1, 3, 0, 21, NULL);
	commit(store);
	begin(store);
	put_page(store, 1, 0, 1, 21, "b3");
	store_rollback(store);
	begin(store);
	OK(store_checkpoint_complete(store, &(CheckpointRecord){.lane = 1, .generation = 21}, &err));
	commit(store);
	expect_state(store, 1, "0.0=a0;0.1=b2;");
	assert_int_equal(store_checkpoint_previous(store, 1), 10);
	OK(store_checkpoint_last(store, 1, &arena, &record, &err));
	assert_int_equal(record.generation, 21);
	/* nothing superseded stays */
	begin(store);
	commit(store);
	assert_string_equal(client("SELECT count(*) FROM weir_state_pages WHERE lane = 1 UNION ALL SELECT count(*) FROM weir_state_bytes UNION ALL SELECT count(*) FROM weir_garbage"), "2\n3\n0");
	begin(store);
	OK(store_operator_put(store, 1, 0, 9, "aggregate", "GROUP BY item", &err));
	commit(store);
	assert_string_equal(client("SELECT * FROM weir_state WHERE lane = 1"), "9|aggregate|GROUP BY item|2|4|1|0");
	begin(store);
	OK(store_state_move(store, 1, 2, 100, &err));
	OK(store_checkpoint_complete(store, &(CheckpointRecord){.lane = 2, .generation = 30}, &err));
	commit(store);
	expect_state(store, 2, "100.0=a0;100.1=b2;");
	expect_state(store, 1, "");
	begin(store);
	OK(store_lane_remove(store, 2, &err));
	commit(store);
	assert_string_equal(client("SELECT count(*) FROM weir_state_pages UNION ALL SELECT count(*) FROM weir_state_bytes"), "0\n0");
	arena_release(&arena);
	store_close(store);
}

static bool join_log(void *context, int64_t number, int64_t seq, int64_t relation, const void *bytes, uint32_t count, Error *err)
{
	(void)err, (void)seq;
	strbuf_printf(context, "%lld/%lld=%.*s;", (long long)number, (long long)relation, (int)count, (const char *)bytes);
	return true;
}

static void logs_are_read_in_the_order_of_writing(void **state)
{
	(void)state;
	Store *store = open_file();
	for (int log = 0; log < STORE_LOG_COUNT; log++) {
		begin(store);
		for (int i = 0; i < 6; i++) OK(store_log_put(store, (StoreLog)log, 1 + i / 2, 4 + i % 2, "abcdef" + i, 1, &err));
		commit(store);
		static const struct { int64_t relation, after; const char *wanted; } CASES[] = {
			{0, 1, "2/4=c;2/5=d;3/4=e;3/5=f;"}, {5, 0, "1/5=b;2/5=d;3/5=f;"}, {4, 2, "3/4=e;"}, {9, 0, ""},
		};
		for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
			StrBuf text_out = STRBUF_INIT;
			OK(store_log_list(store, (StoreLog)log, CASES[i].relation, CASES[i].after, INT64_MAX, join_log, &text_out, &err));
			assert_string_equal(text_out.text, CASES[i].wanted);
			strbuf_release(&text_out);
		}
		begin(store);
		OK(store_log_prune(store, (StoreLog)log, 5, 2, &err));
		commit(store);
		assert_int_equal(store_log_bytes(store, (StoreLog)log), 4);
		assert_int_equal(store_log_first_commit(store, (StoreLog)log, 5), 3);
	}
	store_close(store);
}

/* ---- dead letters and others ---- */

static void dead_letters_keep_bytes_up_to_a_size(void **state)
{
	(void)state;
	Store *store = open_file();
	store_set_kept_bytes_max(store, 10000, 10000);
	char bytes[500];
	memset(bytes, '\xff', sizeof bytes);
	for (int round = 0; round < 10; round++) {
		DeadLetter letters[5];
		for (int i = 0; i < 5; i++)
			letters[i] = (DeadLetter){.source = "orders", .topic = "t", .partition = 1, .offset = round * 5 + i, .timestamp_us = i ? 1700000000000000 : WATERMARK_NONE, .value = bytes,
				.value_bytes = sizeof bytes, .has_value = true, .code = "22P02", .error = "no JSON", .commit = round};
		begin(store);
		OK(store_dead_letters_put(store, letters, 5, &err));
		OK(store_late_rows_put(store, &(LateRow){.view = "v", .operator = "aggregate", .watermark_us = 1700000000000000, .row_json = "{\"a\":1}", .commit = round}, 1, &err));
		commit(store);
		if (round == 4) {
			store_close(store);
			store = open_file();
			store_set_kept_bytes_max(store, 10000, 10000);
		}
	}
	assert_string_equal(client("SELECT count(*), sum(length(value)) + 128 * count(*) <= 10000 + 5 * 628, count(value) > 3, max(id) - count(value) = min(id) - 1 + sum(value IS NULL) FROM weir_dead_letters"), "50|1|1|1");
	assert_string_equal(client("SELECT id, source, topic, partition, \"offset\", timestamp, key, hex(substr(value, 1, 2)), code, error, views, commit_id FROM weir_dead_letters ORDER BY id DESC LIMIT 1"),
		"50|orders|t|1|49|2023-11-14 22:13:20|NULL|FFFF|22P02|no JSON|NULL|9");
	assert_string_equal(client("SELECT view, operator, watermark, row, commit_id FROM weir_late_rows LIMIT 1"), "v|aggregate|2023-11-14 22:13:20|{\"a\":1}|0");
	store_close(store);
}

static void accounts_add_up_and_status_is_readable(void **state)
{
	(void)state;
	Store *store = open_file();
	StoreAccount account = {.relation = 3, .name = "v", .rows_in = 10, .applied = 7, .filtered = 1, .late = 1, .dead = 1};
	begin(store);
	OK(store_account_add(store, &account, &err) && store_account_add(store, &account, &err));
	OK(store_view_status_put(store, &(StoreViewStatus){.id = 3, .name = "v", .state = "building", .lane = 4, .start = "earliest", .progress = 0.5, .since_commit = 2}, &err));
	OK(store_source_status_put(store, 1, "orders", "reading", 5, NULL, &err));
	OK(store_metric_put(store, "commits", NULL, 12, &err) && store_metric_put(store, "commits", NULL, 13, &err));
	OK(store_sink_put(store, 8, 100, 5, "identity", &err));
	commit(store);
	OK(store_account_get(store, 3, &account));
	assert_int_equal(account.applied, 14);
	assert_string_equal(client("SELECT * FROM weir_views"), "3|v|building|NULL|0.5|earliest|4|2");
	assert_string_equal(client("SELECT * FROM weir_sources"), "1|orders|reading|5|NULL");
	assert_string_equal(client("SELECT * FROM weir_metrics"), "commits||13");
	assert_string_equal(client("SELECT * FROM weir_accounts"), "3|v|20|14|2|2|2");
	Arena arena;
	arena_init(&arena, 0);
	int64_t position;
	const char *detail;
	assert_true(store_sink_get(store, 8, &position, NULL, &detail, &arena));
	assert_int_equal(position, 100);
	assert_string_equal(detail, "identity");
	assert_false(store_sink_get(store, 9, &position, NULL, &detail, &arena));
	arena_release(&arena);
	store_close(store);
}

/* ---- the WAL, readers, inspection ---- */

static void the_wal_starts_over_although_there_are_readers(void **state)
{
	(void)state;
	Store *store = open_file();
	StoreTable *table = make_table(store, &MULTISET);
	StoreReader *reader;
	StoreWal wal;
	char big[4000];
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = 0;
	OK(reader = store_reader_open(store, &err));
	for (int round = 0; round < 20; round++) {
		Rows rows = {0};
		for (int i = 0; i < 100; i++) rows_add(&rows, 1, (Value[]){integer(i), text(big)}, 2);
		begin(store);
		OK(rows_apply(&rows, store, table, NULL, &err));
		note_commit(store, round + 1);
		commit(store);
		int64_t seen_commit;
		OK(store_reader_begin(reader, &seen_commit, &err));
		assert_int_equal(seen_commit, round + 1);
		OK(store_wal_tend(store, &wal, &err));
		assert_int_equal(wal.pending_bytes, 0);
		store_reader_end(reader);
	}
	assert_true(store_wal_bytes(store) < 3 << 20);
	assert_true(store_file_bytes(store) > 6 << 20);
	store_reader_close(reader);
	store_close(store);
}

static void readers_see_whole_commits_only(void **state)
{
	(void)state;
	Store *store = open_file();
	StoreTable *items = make_table(store, &KEYED), *bag = make_table(store, &MULTISET);
	StoreReader *reader;
	OK(reader = store_reader_open(store, &err));
	OK(store_reader_begin(reader, NULL, &err));
	Rows rows = {0};
	begin(store);
	rows_add(&rows, 1, (Value[]){integer(1), text("a")}, 2);
	OK(rows_apply(&rows, store, items, NULL, &err));
	rows_add(&rows, 1, (Value[]){integer(1), text("a")}, 2);
	OK(rows_apply(&rows, store, bag, NULL, &err));
	commit(store);
	for (int i = 0; i < 2; i++) {
		const StoreTableSpec *specs[] = {&KEYED, &MULTISET};
		for (int t = 0; t < 2; t++) {
			StoreScan *scan;
			Batch *batch;
			OK(scan = store_scan_open(store, reader, specs[t], (int[]){0}, 1, 0, &err));
			OK(store_scan_next(scan, 10, &batch, NULL, &err));
			assert_int_equal(batch != NULL, i);
			batch_unref(batch);
			store_scan_close(scan);
		}
		store_reader_end(reader);
	}
	store_reader_close(reader);
	store_close(store);
}

static bool join_tables(void *context, const char *name, bool is_weirs_own, Error *err)
{
	(void)err;
	if (!is_weirs_own) strbuf_printf(context, "%s;", name);
	return true;
}

static void any_table_of_the_file_is_described(void **state)
{
	(void)state;
	static const struct { const char *table, *columns; } CASES[] = {
		{"mine", "id INTEGER key;name TEXT null;price DECIMAL(10,2) null;when TIMESTAMP null;x TEXT null;n REAL null;b BLOB null;f INTEGER null;"},
		{"sight", "id INTEGER null;twice TEXT null;"},
		{"WEIR_COMMITS", "id INTEGER key;time TIMESTAMP null;clock TIMESTAMP null;rows_in INTEGER null;rows_changed INTEGER null;record BLOB null;"},
		{"weir_watermarks", "source TEXT null;partition INTEGER null;watermark TIMESTAMP null;idle BOOLEAN null;lane INTEGER null;"},
		{"pair", "a INTEGER null key;b INTEGER null key;"},
	};
	Store *store = open_file();
	assert_string_equal(client("CREATE TABLE mine(id INTEGER PRIMARY KEY, name VARCHAR(20), price DECIMAL(10, 2), \"when\" DATETIME, x, n NUMERIC, b BLOB, f FLOATING POINT);"
		"CREATE VIEW sight AS SELECT id, id * 2 AS twice FROM mine; CREATE TABLE pair(a INTEGER, b INTEGER, PRIMARY KEY (b, a))"), "");
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		Arena arena;
		StoreTableInfo info;
		StrBuf columns = STRBUF_INIT;
		arena_init(&arena, 0);
		OK(store_table_columns(store, NULL, CASES[i].table, &arena, &info, &err));
		for (int c = 0; c < info.column_count; c++) {
			strbuf_printf(&columns, "%s ", info.columns[c].name);
			type_print(info.columns[c].type, &columns);
			if (info.columns[c].nullable) strbuf_adds(&columns, " null");
			for (int k = 0; k < info.key_count; k++)
				if (info.key[k] == c) strbuf_adds(&columns, " key");
			strbuf_addc(&columns, ';');
		}
		assert_string_equal(columns.text, CASES[i].columns);
		strbuf_release(&columns);
		arena_release(&arena);
	}
	Arena arena;
	StoreTableInfo info;
	arena_init(&arena, 0);
	REFUSED(ERR_UNDEFINED_TABLE, store_table_columns(store, NULL, "weir_comits", &arena, &info, &err));
	assert_string_equal(last_error.hint, "Did you mean \"weir_commits\"?");
	arena_release(&arena);
	StrBuf names = STRBUF_INIT;
	OK(store_tables_list(store, NULL, join_tables, &names, &err));
	assert_string_equal(names.text, "mine;pair;sight;");
	strbuf_release(&names);
	store_close(store);
}

static void every_table_of_weirs_own_is_documented(void **state)
{
	(void)state;
	StrBuf text_out = STRBUF_INIT;
	store_tables_document(&text_out);
	assert_non_null(strstr(text_out.text, "## weir_dead_letters\n"));
	assert_non_null(strstr(text_out.text, "| offset | INTEGER |"));
	assert_null(strstr(text_out.text, "weir_garbage\n"));
	strbuf_release(&text_out);
	Store *store = open_file();
	StoreTableInfo info;
	Arena arena;
	arena_init(&arena, 0);
	static const char *const VIEWS[] = {"weir_positions", "weir_watermarks", "weir_state"};
	for (int i = 0; i < 3; i++) {
		char sql[100];
		OK(store_table_columns(store, NULL, VIEWS[i], &arena, &info, &err));
		snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", VIEWS[i]);
		assert_string_equal(client(sql), "0");
	}
	arena_release(&arena);
	store_close(store);
}

static void a_killed_process_leaves_a_prefix(void **state)
{
	(void)state;
	for (int round = 0; round < 8; round++) {
		pid_t child = fork();
		if (child == 0) {
			Error err = ERROR_INIT;
			Store *store = store_open(file, 0, &err);
			if (!store || !store_begin(store, &err)) _exit(1);
			StoreTable *items = round ? store_table_open(store, &KEYED, &err) : store_table_create(store, &KEYED, &err);
			if (!items || !store_commit(store, &err)) _exit(1);
			for (int64_t n = store_commit_last(store) + 1;; n++) {
				Rows rows = {0};
				StoreWal wal;
				for (int i = 0; i < 20; i++) rows_add(&rows, 1, (Value[]){integer(n * 20 + i), text("x")}, 2);
				if (!store_begin(store, &err) || !rows_apply(&rows, store, items, NULL, &err)) _exit(1);
				if (!store_commit_put(store, &(CommitRecord){.commit = n}, &err) || !store_commit(store, &err)) _exit(1);
				if (n % 5 == 0) store_wal_tend(store, &wal, &err);
			}
		}
		/* not before the first commit is there */
		for (int i = 0; i < 1000; i++) {
			usleep(2000);
			if (access(file, F_OK) == 0 && client("SELECT count(*) > 0 FROM weir_commits WHERE id > 0")[0] == '1') break;
		}
		usleep(1000 * (unsigned)round);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		Store *store = open_file();
		assert_string_equal(client("SELECT (SELECT count(*) FROM items) = 20 * (SELECT max(id) FROM weir_commits)"), "1");
		assert_string_equal(client("PRAGMA integrity_check"), "ok");
		store_close(store);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_file_is_weirs_private_and_in_wal_mode),
		TEST(files_of_others_are_refused_and_stay_as_they_are),
		TEST(a_missing_folder_is_named),
		TEST(one_process_owns_the_file),
		TEST(an_empty_file_becomes_one_and_keeps_its_mode),
		TEST(copies_made_while_it_is_written_open_as_copies),
		TEST(without_a_path_all_is_in_memory),
		TEST(a_running_file_can_be_read_without_the_lock),
		TEST(what_is_rolled_back_leaves_nothing),
		TEST(other_writers_are_waited_for),
		TEST(a_full_disk_leaves_nothing_half_written),
		TEST(a_view_is_a_table_with_exactly_its_columns),
		TEST(decimals_give_every_digit_back),
		TEST(the_primary_key_follows_the_views_key),
		TEST(other_clients_may_read_views_but_not_change_them),
		TEST(names_that_others_have_are_refused),
		TEST(replacing_a_view_keeps_the_users_indexes),
		TEST(a_table_that_someone_dropped_or_altered_is_noticed),
		TEST(applied_changes_add_up),
		TEST(a_million_equal_rows_come_and_go),
		TEST(a_view_of_one_row_is_changed_in_place),
		TEST(retention_takes_old_rows_away),
		TEST(a_rowid_map_is_a_map),
		TEST(catalog_numbers_are_never_used_again),
		TEST(commit_records_come_back_as_they_were),
		TEST(covered_commit_records_go_save_one_an_hour),
		TEST(a_checkpoint_counts_once_it_is_complete),
		TEST(logs_are_read_in_the_order_of_writing),
		TEST(dead_letters_keep_bytes_up_to_a_size),
		TEST(accounts_add_up_and_status_is_readable),
		TEST(the_wal_starts_over_although_there_are_readers),
		TEST(readers_see_whole_commits_only),
		TEST(any_table_of_the_file_is_described),
		TEST(every_table_of_weirs_own_is_documented),
		TEST(a_killed_process_leaves_a_prefix),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
