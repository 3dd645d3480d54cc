/* A damaged file gives an error or works, never a crash: bytes of the file and of its -wal overwritten, cut off, pages swapped; and values of Weir's own
 * tables and of views' tables changed by another program, catalog texts and saved state among them.
 *
 * What is checked is that the engine opens or refuses, runs statements or refuses them, and closes; and that a second start does so, too. */
#include <dirent.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "ast/parse.h"
#include "base/log.h"
#include "engine/engine.h"
#include "fuzz.h"

static const char MAKE[] =
	"CREATE TABLE t (k INTEGER PRIMARY KEY, a TEXT, v INTEGER, d DECIMAL(12,2), at TIMESTAMP);"
	"CREATE TABLE u (k INTEGER, a TEXT, v INTEGER);"
	"CREATE STREAM s (id INTEGER, item TEXT, price DECIMAL(10,2), at TIMESTAMP, WATERMARK FOR at AS at - INTERVAL '5 seconds');"
	"CREATE MATERIALIZED VIEW grouped AS SELECT a, count(*) AS n, sum(d) AS total, min(v) AS low, count(DISTINCT v) AS dv, string_agg(a, ',') AS texts FROM t GROUP BY a;"
	"CREATE MATERIALIZED VIEW joined AS SELECT t.k, t.a, u.v FROM t LEFT JOIN u ON t.a = u.a;"
	"CREATE MATERIALIZED VIEW best AS SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY a ORDER BY v DESC, k) AS rn FROM u) WHERE rn <= 2;"
	"CREATE MATERIALIZED VIEW running AS SELECT k, a, sum(v) OVER (PARTITION BY a ORDER BY k ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS s FROM t;"
	"CREATE MATERIALIZED VIEW tumbled AS SELECT window_start, item, count(*) AS n, sum(price) AS total FROM TUMBLE(s, at, INTERVAL '10 seconds') GROUP BY window_start, item EMIT ON WINDOW CLOSE;"
	"CREATE MATERIALIZED VIEW sessions AS SELECT window_start, window_end, item, count(*) AS n FROM SESSION(s PARTITION BY item, at, INTERVAL '3 seconds') GROUP BY window_start, window_end, item;"
	"CREATE MATERIALIZED VIEW kinds AS SELECT DISTINCT a FROM u; CREATE MATERIALIZED VIEW many AS SELECT a FROM kinds UNION ALL SELECT item FROM s;"
	"CREATE VIEW plain AS SELECT a, n FROM grouped WHERE n > 1;";
static const char FILL[] =
	"INSERT INTO t SELECT i, 'a' || (i % 7), i % 11, i / 4, TIMESTAMP '2026-01-01 00:00:00' + INTERVAL '1 second' * i FROM generate_series(1, 60) AS g(i);"
	"INSERT INTO u SELECT i % 20, 'a' || (i % 5), i FROM generate_series(1, 40) AS g(i);"
	"INSERT INTO s SELECT i, 'item ' || (i % 3), i, TIMESTAMP '2026-01-01 00:00:00' + INTERVAL '1 second' * i FROM generate_series(1, 50) AS g(i);"
	"UPDATE t SET v = v + 1 WHERE k % 5 = 0; DELETE FROM u WHERE v = 7;";
static const char USE[] =
	"SELECT * FROM grouped; SELECT * FROM joined; SELECT * FROM best; SELECT * FROM running; SELECT * FROM tumbled; SELECT * FROM sessions; SELECT * FROM many; SELECT * FROM plain;"
	"INSERT INTO t VALUES (1000, 'a1', 5, 1.25, '2026-01-01 00:00:00'); INSERT INTO u VALUES (1, 'a1', 50), (2, 'a2', NULL);"
	"INSERT INTO s VALUES (1, 'item 1', 2, '2026-01-01 00:05:00'), (2, 'item 2', 2, '2026-01-01 00:00:01'); UPDATE t SET a = 'a2' WHERE k < 10; DELETE FROM t WHERE k BETWEEN 20 AND 30;"
	"FLUSH; SELECT * FROM grouped; SELECT * FROM tumbled; SELECT count(*) FROM t; CREATE MATERIALIZED VIEW later AS SELECT v, count(*) AS n FROM u GROUP BY v; SELECT * FROM later;"
	"SHOW VIEWS; DESCRIBE t; SELECT * FROM weir_views; SELECT * FROM weir_accounts; SELECT * FROM weir_watermarks; SELECT * FROM weir_state; SET; PAUSE grouped; RESUME grouped;"
	"ALTER MATERIALIZED VIEW joined REBUILD; DROP MATERIALIZED VIEW best; CHECKPOINT;";

enum { BASES = 2 };
typedef struct Base { char *bytes, *wal; size_t byte_count, wal_count; } Base;          /* a good file; the second one's last commits await a checkpoint */

static char folder[64], path[80], wal_path[96];
static const char *fuzz_path;
static bool trace;

/* ---- good files ---- */

static void on_notice(void *context, const char *text) { (void)context, (void)text; }

static void quiet(void *context, const char *line)
{
	(void)context;
	if (trace) puts(line);
}

static bool on_rows(void *context, const Batch *rows)
{
	(void)context, (void)rows;
	return true;
}

static Engine *open_engine(Error *err)
{
	return engine_open(&(EngineConfig){.path = path, .fixed_clock_us = INT64_C(1767225600) * 1000000, .notice = on_notice}, err);
}

static bool run(Engine *engine, const char *text, bool must)
{
	size_t offset = 0, start, end;
	bool all = true;
	Session *session = session_new(engine, &(ResultSink){.rows = on_rows}, SESSION_BATCH);
	while (parse_next_statement(text, strlen(text), &offset, &start, &end)) {
		Error err = ERROR_INIT;
		bool ok = session_run(session, text, start, end, &err);
		if (trace && !ok) printf("  %.*s: %s\n", (int)(end - start > 60 ? 60 : end - start), text + start, err.message);
		if (!ok && must) fail_msg("%.*s: %s", (int)(end - start), text + start, err.message);
		if (!ok && (err.code == ERR_NONE || err.code == ERR_INTERNAL || !err.message[0])) fail_msg("%.*s: error %d \"%s\"", (int)(end - start), text + start, (int)err.code, err.message);
		all &= ok;
	}
	Error err = ERROR_INIT;
	all &= session_finish(session, &err);
	session_free(session);
	return all;
}

static void make_base(Base *base, bool abandon)
{
	Error err = ERROR_INIT;
	unlink(path), unlink(wal_path);
	Engine *engine = open_engine(&err);
	if (!engine) fail_msg("%s", err.message);
	run(engine, MAKE, true);
	run(engine, FILL, true);
	if (!engine_close(engine, &err)) fail_msg("%s", err.message);
	if (abandon) {
		engine = open_engine(&err);
		run(engine, "INSERT INTO u VALUES (1, 'a3', 60), (2, 'a4', NULL); INSERT INTO s VALUES (90, 'item 1', 2, '2026-01-01 00:01:10'); FLUSH; UPDATE t SET v = 3 WHERE k < 4; FLUSH", true);
		base->bytes = fuzz_file(path, &base->byte_count);
		base->wal = fuzz_file(wal_path, &base->wal_count);
		engine_abandon(engine);
	}
	else {
		base->bytes = fuzz_file(path, &base->byte_count);
		base->wal = fuzz_file(wal_path, &base->wal_count);
	}
	assert_non_null(base->bytes);
}

static void write_file(const char *name, const char *bytes, size_t count)
{
	FILE *file = fopen(name, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, count, file), count);
	assert_int_equal(fclose(file), 0);
}

static void put_back(const Base *base)
{
	char shm[96];
	snprintf(shm, sizeof shm, "%s-shm", path);
	unlink(shm);
	write_file(path, base->bytes, base->byte_count);
	if (base->wal) write_file(wal_path, base->wal, base->wal_count);
	else unlink(wal_path);
}

/* ---- damage ---- */

static void damage_bytes(Fuzz *fuzz, const char *name, size_t count)
{
	FILE *file = fopen(name, "r+b");
	assert_non_null(file);
	for (int n = 1 + fuzz_below(fuzz, 12); n > 0 && count > 0; n--) {
		size_t at = (size_t)fuzz_below(fuzz, (int64_t)(fuzz_chance(fuzz, 10) ? (count < 8192 ? count : 8192) : count));
		char bytes[512];
		size_t length = fuzz_chance(fuzz, 70) ? 1 : (size_t)fuzz_below(fuzz, sizeof bytes) + 1;
		for (size_t i = 0; i < length; i++) bytes[i] = fuzz_chance(fuzz, 30) ? 0 : (char)fuzz_next(fuzz);
		fseek(file, (long)at, SEEK_SET);
		fwrite(bytes, 1, length > count - at ? count - at : length, file);
	}
	fclose(file);
	if (fuzz_chance(fuzz, 10)) assert_int_equal(truncate(name, fuzz_below(fuzz, (int64_t)count)), 0);
}

static void add_value(Fuzz *fuzz, StrBuf *sql, const char *column)
{
	static const char *const VALUES[] = {
		"NULL", "0", "-1", "1", "9223372036854775807", "-9223372036854775808", "3.5", "''", "'x'", "'live'", "'paused'", "'{'", "X''", "zeroblob(40000)", "X'ff00'",
		"randomblob(100)", "'CREATE TABLE t (k INTEGER)'", "'SELECT'", "4294967296", "7",
	};
	int kind = fuzz_below(fuzz, 4);
	if (kind == 0) strbuf_printf(sql, "%s", VALUES[fuzz_below(fuzz, sizeof VALUES / sizeof *VALUES)]);
	/* one byte or character another one, the type the same */
	else if (kind == 1) strbuf_printf(sql, "CASE typeof(\"%s\") WHEN 'integer' THEN \"%s\" + %d WHEN 'text' THEN substr(\"%s\", 1, %d) || '%c' || substr(\"%s\", %d) ELSE CAST(substr(\"%s\", 1, %d) || X'%02x' || substr(\"%s\", %d) AS BLOB) END",
		column, column, fuzz_below(fuzz, 200) - 100, column, fuzz_below(fuzz, 60), "0()a,;\"x"[fuzz_below(fuzz, 8)], column, fuzz_below(fuzz, 60), column, fuzz_below(fuzz, 200), fuzz_below(fuzz, 256), column,
		fuzz_below(fuzz, 200));
	else if (kind == 2) strbuf_printf(sql, "substr(\"%s\", 1, %d)", column, fuzz_below(fuzz, 100));
	else strbuf_printf(sql, "%d", fuzz_below(fuzz, 100) - 20);
}

typedef struct Names { char at[200][64]; int count; } Names;

static void list_names(sqlite3 *db, const char *sql, Names *names)
{
	sqlite3_stmt *stmt = NULL;
	names->count = 0;
	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK)
		while (sqlite3_step(stmt) == SQLITE_ROW && names->count < 200) snprintf(names->at[names->count++], sizeof *names->at, "%s", (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
}

/* As another program would that does not care what is written there. */
static void damage_values(Fuzz *fuzz)
{
	static Names tables, columns;
	sqlite3 *db;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_exec(db, "PRAGMA synchronous = OFF", NULL, NULL, NULL);
	bool weirs = fuzz_chance(fuzz, 75);
	list_names(db, weirs ? "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'weir\\_%' ESCAPE '\\' ORDER BY name"
		: "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'weir\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite%' ORDER BY name", &tables);
	for (int n = 1 + fuzz_below(fuzz, 3); n > 0 && tables.count; n--) {
		const char *table = tables.at[fuzz_below(fuzz, tables.count)];
		StrBuf sql = STRBUF_INIT;
		strbuf_printf(&sql, "SELECT name FROM pragma_table_info('%s')", table);
		list_names(db, sql.text, &columns);
		strbuf_clear(&sql);
		int kind = fuzz_below(fuzz, 12);
		const char *column = columns.at[fuzz_below(fuzz, columns.count)];
		if (kind == 0) strbuf_printf(&sql, "DELETE FROM \"%s\" WHERE abs(random()) %% 3 = 0", table);
		else if (kind == 1 && fuzz_chance(fuzz, 30)) strbuf_printf(&sql, "DROP TABLE \"%s\"", table);
		else if (kind == 2 && fuzz_chance(fuzz, 30)) strbuf_printf(&sql, "ALTER TABLE \"%s\" DROP COLUMN \"%s\"", table, column);
		else {
			strbuf_printf(&sql, "UPDATE OR IGNORE \"%s\" SET \"%s\" = ", table, column);
			add_value(fuzz, &sql, column);
			strbuf_printf(&sql, " WHERE \"%s\" IN (SELECT \"%s\" FROM \"%s\" LIMIT 1 OFFSET (SELECT %d %% max(1, count(*)) FROM \"%s\"))", columns.at[0], columns.at[0], table, fuzz_below(fuzz, 1000), table);
		}
		fuzz_note(fuzz, sql.text, sql.bytes);
		fuzz_note(fuzz, ";\n", 2);
		sqlite3_exec(db, sql.text, NULL, NULL, NULL);
		strbuf_release(&sql);
	}
	sqlite3_close(db);
}

/* ---- */

static bool start(bool use)
{
	Error err = ERROR_INIT;
	Engine *engine = open_engine(&err);
	if (!engine) {
		if (trace) printf("  not opened: %s\n", err.message);
		if (err.code == ERR_NONE || err.code == ERR_INTERNAL || !err.message[0]) fail_msg("%s: error %d \"%s\"", fuzz_path, (int)err.code, err.message);
		return false;
	}
	bool ok = run(engine, use ? USE : "SELECT * FROM grouped; INSERT INTO u VALUES (3, 'a3', 3)", false);
	err = ERROR_INIT;
	if (!engine_close(engine, &err)) {
		if (trace) printf("  not closed: %s\n", err.message);
		if (err.code == ERR_NONE || err.code == ERR_INTERNAL || !err.message[0]) fail_msg("%s: error %d \"%s\"", fuzz_path, (int)err.code, err.message);
		ok = false;
	}
	return ok;
}

static void a_damaged_file_gives_errors_not_crashes(void **state)
{
	(void)state;
	Fuzz fuzz;
	Base bases[BASES] = {0};
	int fine = 0;
	trace = getenv("FUZZ_TRACE") != NULL;
	log_set_writer(quiet, NULL);
	snprintf(folder, sizeof folder, "%s/weir-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/f.db", folder);
	snprintf(wal_path, sizeof wal_path, "%s-wal", path);
	for (int b = 0; b < BASES; b++) make_base(&bases[b], b == 1);
	fuzz_open(&fuzz, "file", 50);
	fuzz_path = fuzz.path;
	while (fuzz_round(&fuzz)) {
		const Base *base = &bases[fuzz_below(&fuzz, BASES)];
		put_back(base);
		if (fuzz_chance(&fuzz, 60)) damage_values(&fuzz);
		else if (base->wal_count && fuzz_chance(&fuzz, 40)) damage_bytes(&fuzz, wal_path, base->wal_count);
		else damage_bytes(&fuzz, path, base->byte_count);
		if (trace) printf("round %lld\n%s", (long long)fuzz.round, fuzz.input);
		fine += start(true);
		start(false);
	}
	fuzz_close(&fuzz);
	printf("%d without any error\n", fine);
	for (int b = 0; b < BASES; b++) free(bases[b].bytes), free(bases[b].wal);
	char clean[96];
	snprintf(clean, sizeof clean, "rm -rf %s", folder);
	assert_int_equal(system(clean), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_damaged_file_gives_errors_not_crashes)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
