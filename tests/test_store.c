/* The file: who may open it, what it holds after commits, rollbacks and restarts, and what other SQLite clients see of it. */
#include "store_world.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* ---- opening ---- */

static int64_t last_commit(Store *store)
{
	Error err = ERROR_INIT;
	int64_t commit;
	assert_true(store_commit_last(store, &commit, &err));
	return commit;
}

static void a_new_file_is_weirs_private_and_in_wal_mode(void **state)
{
	(void)state;
	struct stat info;
	Store *store = open_file();
	assert_true(store_is_new(store));
	assert_false(store_is_copy(store));
	assert_string_equal(client("PRAGMA journal_mode; PRAGMA page_size; PRAGMA auto_vacuum; PRAGMA application_id; PRAGMA user_version"), "wal\n8192\n2\n1466263922\n3");
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

/* A process that dies while it makes a file has written pages of it, and a journal that says that there were none before. */
static void a_file_whose_making_was_cut_short_is_made_again(void **state)
{
	(void)state;
	pid_t child = fork();
	if (child == 0) {
		sqlite3 *db;
		sqlite3_open(file, &db);
		sqlite3_exec(db, "PRAGMA cache_size = 1; BEGIN; CREATE TABLE t(x); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)"
			" INSERT INTO t SELECT randomblob(1000) FROM n", NULL, NULL, NULL);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	struct stat info;
	assert_int_equal(stat(file, &info), 0);
	assert_true(info.st_size > 0);
	Store *store = open_file();
	assert_true(store_is_new(store));
	store_close(store);
	assert_string_equal(client("SELECT count(*) FROM weir_catalog; SELECT count(*) FROM sqlite_schema WHERE name = 't'; PRAGMA page_size"), "0\n0\n8192");
}

/* Or nothing but the settings of an empty database. */
static void a_file_that_holds_only_its_settings_is_made_again(void **state)
{
	(void)state;
	client("PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL");
	struct stat info;
	assert_int_equal(stat(file, &info), 0);
	assert_int_equal(info.st_size, 8192);
	Store *store = open_file();
	assert_true(store_is_new(store));
	store_close(store);
	assert_string_equal(client("SELECT count(*) FROM weir_catalog; PRAGMA page_size; PRAGMA auto_vacuum"), "0\n8192\n2");
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

static void a_file_of_an_older_version_gets_what_it_lacks(void **state)
{
	(void)state;
	store_close(open_file());
	client("DROP TABLE weir_gaps; DROP VIEW weir_starts; DROP TABLE weir_view_starts; ALTER TABLE weir_sources DROP COLUMN error;"
		"INSERT INTO weir_sources(id, name) VALUES (7, 'kept'); PRAGMA user_version = 1");
	Store *store = open_file();
	assert_false(store_is_new(store));
	store_close(store);
	assert_string_equal(client("PRAGMA user_version; SELECT count(*) FROM weir_gaps; SELECT count(*) FROM weir_starts; SELECT name, error IS NULL FROM weir_sources"), "3\n0\n0\nkept|1");
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

static sqlite3 *opened;

static int note_opened(sqlite3 *db, char **message, const void *api)
{
	(void)message, (void)api;
	opened = db;
	return SQLITE_OK;
}

static int refuse_release(void *context, int action, const char *operation, const char *name, const char *database, const char *trigger)
{
	(void)context, (void)name, (void)database, (void)trigger;
	return action == SQLITE_SAVEPOINT && strcmp(operation, "RELEASE") == 0 ? SQLITE_DENY : SQLITE_OK;
}

static void a_savepoint_that_cannot_be_ended_leaves_nothing(void **state)
{
	(void)state;
	sqlite3_auto_extension((void (*)(void))note_opened);
	Store *store = open_file();
	sqlite3 *writer = opened;
	sqlite3_cancel_auto_extension((void (*)(void))note_opened);
	StoreTable *table = make_table(store, &KEYED);
	Rows rows = {0};
	begin(store);
	OK(store_savepoint(store, &err));
	rows_add(&rows, 1, (Value[]){integer(1), text("a")}, 2);
	OK(rows_apply(&rows, store, table, NULL, &err));
	sqlite3_set_authorizer(writer, refuse_release, NULL);
	Error why = ERROR_INIT;
	assert_false(store_savepoint_release(store, &why));
	sqlite3_set_authorizer(writer, NULL, NULL);
	error_clear(&why);
	assert_false(store_commit(store, &why));                /* what undid it could not end it, either */
	assert_string_equal(client("SELECT * FROM items"), "");
	begin(store);
	rows_add(&rows, 1, (Value[]){integer(2), text("b")}, 2);
	OK(rows_apply(&rows, store, table, NULL, &err));
	commit(store);
	assert_string_equal(client("SELECT * FROM items"), "2|b");
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
	assert_int_equal(last_commit(store), 3);
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
	/* nor does one that lanes had begun before they were loaded anew */
	begin(store);
	note_commit(store, 22);
	put_page(store, 1, 0, 0, 22, "a4");
	commit(store);
	store_checkpoints_resume(store, last_commit(store));
	begin(store);
	note_commit(store, 23);
	put_page(store, 1, 0, 1, 23, "b4");
	OK(store_checkpoint_complete(store, &(CheckpointRecord){.lane = 1, .generation = 23}, &err));
	commit(store);
	expect_state(store, 1, "0.0=a0;0.1=b4;");
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
	expect_state(store, 2, "100.0=a0;100.1=b4;");
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
	assert_true(store_sink_get(store, 8, &position, NULL, &detail, &arena, NULL));
	assert_int_equal(position, 100);
	assert_string_equal(detail, "identity");
	assert_false(store_sink_get(store, 9, &position, NULL, &detail, &arena, NULL));
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

/* What sinks below a view have delivered, and will have to, is in tables that are made and dropped in one transaction. */
static void a_file_may_grow_by_pages_that_are_never_written(void **state)
{
	(void)state;
	enum { TABLES = 60 };
	StoreWal wal;
	store_close(open_file());
	Store *store = open_file();
	for (int round = 0; round < 3; round++) {
		char name[64];
		begin(store);
		for (int t = 0; t < TABLES * (round + 1); t++) {
			StoreTableSpec spec = MULTISET;
			sprintf(name, "weir_building_%d", t + 1000);
			spec.id = t + 1000;
			spec.name = name;
			StoreTable *table;
			OK(table = store_table_create(store, &spec, &err));
			store_table_close(table);
		}
		for (int t = 0; t < TABLES * (round + 1); t++) {
			sprintf(name, "weir_building_%d", t + 1000);
			OK(store_table_drop_name(store, name, &err));
		}
		note_commit(store, round + 1);
		commit(store);
		OK(store_wal_tend(store, &wal, &err));
		assert_int_equal(wal.pending_bytes, 0);
	}
	store_close(store);
	assert_string_equal(client("PRAGMA integrity_check"), "ok");
	assert_string_equal(client("SELECT count(*) FROM weir_commits"), "3");
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
			for (int64_t n = last_commit(store) + 1;; n++) {
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_file_is_weirs_private_and_in_wal_mode),
		TEST(a_file_whose_making_was_cut_short_is_made_again),
		TEST(a_file_that_holds_only_its_settings_is_made_again),
		TEST(files_of_others_are_refused_and_stay_as_they_are),
		TEST(a_file_of_an_older_version_gets_what_it_lacks),
		TEST(a_missing_folder_is_named),
		TEST(one_process_owns_the_file),
		TEST(an_empty_file_becomes_one_and_keeps_its_mode),
		TEST(copies_made_while_it_is_written_open_as_copies),
		TEST(without_a_path_all_is_in_memory),
		TEST(a_running_file_can_be_read_without_the_lock),
		TEST(what_is_rolled_back_leaves_nothing),
		TEST(a_savepoint_that_cannot_be_ended_leaves_nothing),
		TEST(other_writers_are_waited_for),
		TEST(a_full_disk_leaves_nothing_half_written),
		TEST(catalog_numbers_are_never_used_again),
		TEST(commit_records_come_back_as_they_were),
		TEST(covered_commit_records_go_save_one_an_hour),
		TEST(a_checkpoint_counts_once_it_is_complete),
		TEST(logs_are_read_in_the_order_of_writing),
		TEST(dead_letters_keep_bytes_up_to_a_size),
		TEST(accounts_add_up_and_status_is_readable),
		TEST(the_wal_starts_over_although_there_are_readers),
		TEST(a_file_may_grow_by_pages_that_are_never_written),
		TEST(readers_see_whole_commits_only),
		TEST(any_table_of_the_file_is_described),
		TEST(every_table_of_weirs_own_is_documented),
		TEST(a_killed_process_leaves_a_prefix),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
