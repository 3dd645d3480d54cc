/* Out of memory, a full disk, a disk that errs: at the n-th allocation or write of a whole run. The process says so and ends with exit code 3, or goes on;
 * the file is sound afterwards, holds all that was acknowledged, never half a commit, and a new start without faults comes to the same end.
 *
 * The program's own malloc, pwrite, fsync ... stand before the C library's, for SQLite's calls, too. Each run is a process of its own; what it starts
 * on is the file that the run before it left, at most twice, so starting again after a fault is under fault, too. FAULTS=10000 tries that many places,
 * instead of some 60, SEED=n others; FAULTS_AT=n only that one call, with FAULTS_ON all after it. Under sanitizers, whose malloc is their own, only I/O fails. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "ast/parse.h"
#include "base/log.h"
#include "engine/engine.h"
#include "type/text.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWN_MALLOC 0
#else
#define OWN_MALLOC 1
#endif

enum { LINES = 300, INSERTS = 6, ROWS_AN_INSERT = 20, PATIENCE_SECONDS = 60 };

/* ---- faults ---- */

typedef struct Shared {
	_Atomic int64_t calls;                /* of the kind that may fail, since armed */
	_Atomic int acknowledged;             /* inserts */
	char said[1024];                      /* the first error */
	int code;
} Shared;

static Shared *shared;
static int64_t fail_at = -1;              /* this call fails; -1: none */
static bool fails_on;                     /* and all after it */
static int fail_errno;
static bool armed_memory, armed_io;

static bool is_due(void)
{
	int64_t call = atomic_fetch_add(&shared->calls, 1) + 1;
	if (fail_at < 0 || (fails_on ? call < fail_at : call != fail_at)) return false;
	errno = fail_errno;
	return true;
}

#if OWN_MALLOC
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);
void *malloc(size_t bytes) { return armed_memory && is_due() ? NULL : __libc_malloc(bytes); }
void *calloc(size_t count, size_t bytes) { return armed_memory && is_due() ? NULL : __libc_calloc(count, bytes); }
void *realloc(void *old, size_t bytes) { return armed_memory && is_due() ? NULL : __libc_realloc(old, bytes); }
void *aligned_alloc(size_t alignment, size_t bytes) { return armed_memory && is_due() ? NULL : __libc_memalign(alignment, bytes); }
#endif

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) { return armed_io && is_due() ? -1 : syscall(SYS_pwrite64, fd, bytes, count, at); }
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) { return pwrite64(fd, bytes, count, at); }
int fsync(int fd) { return armed_io && is_due() ? -1 : (int)syscall(SYS_fsync, fd); }
int fdatasync(int fd) { return armed_io && is_due() ? -1 : (int)syscall(SYS_fdatasync, fd); }
int ftruncate64(int fd, off64_t length) { return armed_io && is_due() ? -1 : (int)syscall(SYS_ftruncate, fd, length); }
int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

ssize_t write(int fd, const void *bytes, size_t count)
{
	struct stat info;
	bool file = armed_io && fd > STDERR_FILENO && fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
	return file && is_due() ? -1 : syscall(SYS_write, fd, bytes, count);
}

/* ---- what runs ---- */

static char folder[64], path[96], lines_path[96], out_path[96], changes_path[96], definitions[4096];

static void make_world(void)
{
	snprintf(folder, sizeof folder, "%s/weir-faults-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/f.db", folder);
	snprintf(lines_path, sizeof lines_path, "%s/in.ndjson", folder);
	snprintf(out_path, sizeof out_path, "%s/out.ndjson", folder);
	snprintf(changes_path, sizeof changes_path, "%s/changes.ndjson", folder);
	FILE *lines = fopen(lines_path, "w");
	for (int i = 0; i < LINES; i++) fprintf(lines, "{\"i\":%d,\"name\":\"name %d\",\"at\":\"2026-01-01 00:%02d:%02d\"}\n", i, i % 7, i / 60, i % 60);
	fclose(lines);
	snprintf(definitions, sizeof definitions,
		"CREATE TABLE IF NOT EXISTS t (k INTEGER PRIMARY KEY, a TEXT, v INTEGER);"
		"CREATE MATERIALIZED VIEW IF NOT EXISTS total AS SELECT count(*) AS n, sum(v) AS s FROM t;"
		"CREATE MATERIALIZED VIEW IF NOT EXISTS grouped AS SELECT a, count(*) AS n, max(v) AS top FROM t GROUP BY a;"
		"CREATE STREAM IF NOT EXISTS lines (i INTEGER, name TEXT, at TIMESTAMP, WATERMARK FOR at AS at - INTERVAL '5 seconds') WITH (connector = 'file', path = '%s', format = 'json');"
		"CREATE MATERIALIZED VIEW IF NOT EXISTS counted AS SELECT count(*) AS n, sum(i) AS s FROM lines;"
		"CREATE MATERIALIZED VIEW IF NOT EXISTS windows AS SELECT window_start, name, count(*) AS n FROM TUMBLE(lines, at, INTERVAL '10 seconds') GROUP BY window_start, name;"
		"CREATE MATERIALIZED VIEW IF NOT EXISTS picked AS SELECT i, name FROM lines WHERE i %% 3 = 0;"
		"CREATE SINK IF NOT EXISTS copied FROM picked WITH (connector = 'file', path = '%s', format = 'json');"
		"CREATE MATERIALIZED VIEW IF NOT EXISTS turned AS SELECT k, v FROM t;"
		"CREATE SINK IF NOT EXISTS changes FROM turned WITH (connector = 'file', path = '%s', format = 'json');", lines_path, out_path, changes_path);
}

static void remove_files(void)
{
	static const char *const NAMES[] = {"f.db", "f.db-wal", "f.db-shm", "f.db-journal", "out.ndjson", "changes.ndjson"};
	for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
		char name[128];
		snprintf(name, sizeof name, "%s/%s", folder, NAMES[i]);
		unlink(name);
	}
}

static void quiet(void *context, const char *line) { (void)context, (void)line; }
static void on_notice(void *context, const char *text) { (void)context, (void)text; }

static bool on_rows(void *context, const Batch *rows)
{
	StrBuf *out = context;
	for (int i = 0; i < rows->count; i++)
		for (int c = 0; c < rows->column_count; c++) {
			Value value = column_value(&rows->columns[c], batch_row(rows, i));
			if (value.is_null) strbuf_adds(out, "NULL");
			else value_print(&value, out);
			strbuf_addc(out, c + 1 < rows->column_count ? '|' : '\n');
		}
	return true;
}

static bool run(Engine *engine, const char *text, StrBuf *rows, Error *err)
{
	size_t offset = 0, start, end;
	bool ok = true;
	Session *session = session_new(engine, &(ResultSink){.rows = rows ? on_rows : NULL, .context = rows, .notice = on_notice}, SESSION_BATCH);
	while (ok && parse_next_statement(text, strlen(text), &offset, &start, &end)) ok = session_run(session, text, start, end, err);
	Error at_end = ERROR_INIT;
	if (!session_finish(session, &at_end) && ok) {
		*err = at_end;
		ok = false;
	}
	session_free(session);
	return ok;
}

static bool insert_all(Engine *engine, Error *err)
{
	for (int i = 0; i < INSERTS; i++) {
		char text[256];
		snprintf(text, sizeof text, "INSERT INTO t SELECT i, 'a' || (i %% 5), i * 2 FROM generate_series(%d, %d) AS g(i) ON CONFLICT DO NOTHING", i * ROWS_AN_INSERT, (i + 1) * ROWS_AN_INSERT - 1);
		if (!run(engine, text, NULL, err)) return false;
		if (atomic_load(&shared->acknowledged) <= i) atomic_store(&shared->acknowledged, i + 1);
	}
	return true;
}

static Engine *open_engine(Error *err) { return engine_open(&(EngineConfig){.path = path, .notice = on_notice}, err); }

/* Above a sink, which gets the difference. */
static const char REPLACEMENT[] = "CREATE OR REPLACE MATERIALIZED VIEW turned AS SELECT k, v + 1 AS v FROM t WHERE k % 2 = 0";

static bool do_all(Engine *engine, Error *err)
{
	return run(engine, definitions, NULL, err) && insert_all(engine, err) && run(engine, REPLACEMENT, NULL, err) && engine_read(engine, ENGINE_UNTIL_END, err) && engine_wait(engine, err);
}

static int whole_run(void)
{
	Error err = ERROR_INIT;
	Engine *engine = open_engine(&err);
	bool ok = engine && do_all(engine, &err);
	Error at_end = ERROR_INIT;
	if (engine && !engine_close(engine, &at_end) && ok) {
		err = at_end;
		ok = false;
	}
	if (ok) return 0;
	snprintf(shared->said, sizeof shared->said, "%s", err.message);
	shared->code = err.code;
	return err.code == ERR_NONE || !err.message[0] ? 99 : (int)error_class(err.code);
}

typedef enum FaultKind { FAULT_MEMORY, FAULT_IO, FAULT_FULL } FaultKind;

static int run_child(FaultKind kind, int64_t at, bool on)
{
	shared->said[0] = 0;
	shared->code = 0;
	atomic_store(&shared->calls, 0);
	fflush(stdout);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		char log[128];
		snprintf(log, sizeof log, "%s/log", folder);
		int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		dup2(fd, STDERR_FILENO);
		for (int s = 1; s < 32; s++) signal(s, SIG_DFL);
		alarm(PATIENCE_SECONDS);
		fail_at = at, fails_on = on, fail_errno = kind == FAULT_MEMORY ? ENOMEM : kind == FAULT_IO ? EIO : ENOSPC;
		armed_memory = kind == FAULT_MEMORY, armed_io = kind != FAULT_MEMORY;
		int code = whole_run();
		armed_memory = armed_io = false;
		_exit(code);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static const char *child_log(void)
{
	static char text[2000];
	char log[128];
	snprintf(log, sizeof log, "%s/log", folder);
	FILE *file = fopen(log, "r");
	size_t bytes = file ? fread(text, 1, sizeof text - 1, file) : 0;
	text[bytes] = 0;
	if (file) fclose(file);
	return text;
}

/* ---- afterwards ---- */

static char *ask(Engine *engine, const char *text)
{
	static char answer[4000];
	StrBuf rows = STRBUF_INIT;
	Error err = ERROR_INIT;
	if (!run(engine, text, &rows, &err)) fail_msg("%s: %s", text, err.message);
	snprintf(answer, sizeof answer, "%s", rows.text);
	strbuf_release(&rows);
	return answer;
}

static void same(Engine *engine, const char *a, const char *b, const char *where)
{
	char *of_a = strdup(ask(engine, a)), *of_b = ask(engine, b);
	if (strcmp(of_a, of_b) != 0) fail_msg("%s: %s gives\n%sbut %s\n%s", where, a, of_a, b, of_b);
	free(of_a);
}

static void check_sqlite(const char *where)
{
	sqlite3 *db;
	sqlite3_stmt *stmt;
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	if (sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL) != SQLITE_OK || sqlite3_step(stmt) != SQLITE_ROW) fail_msg("%s: %s", where, sqlite3_errmsg(db));
	if (strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") != 0) fail_msg("%s: %s", where, (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	sqlite3_close(db);
}

static void check_sink(const char *where)
{
	FILE *file = fopen(out_path, "r");
	int lines = 0, next = 0, i;
	char line[200];
	if (!file) fail_msg("%s: the sink wrote nothing", where);
	while (fgets(line, sizeof line, file)) {
		if (sscanf(line, "{\"i\":%d", &i) != 1 || i != next) fail_msg("%s: line %d of the sink is %s", where, lines, line);
		lines++, next += 3;
	}
	fclose(file);
	if (lines != (LINES + 2) / 3) fail_msg("%s: %d lines of the sink", where, lines);
}

/* What was written, added up, is the view. */
static void check_changes(const char *told, const char *where)
{
	FILE *file = fopen(changes_path, "r");
	long long rows = 0, sum = 0, k, v;
	char line[200], sign, kind, written[64];
	if (!file) fail_msg("%s: the sink of changes wrote nothing", where);
	while (fgets(line, sizeof line, file)) {
		if (sscanf(line, "{\"op\":\"%c%c\",\"k\":%lld,\"v\":%lld}", &sign, &kind, &k, &v) != 4) fail_msg("%s: a line of the sink of changes is %s", where, line);
		rows += sign == '+' ? 1 : -1;
		sum += sign == '+' ? v : -v;
	}
	fclose(file);
	snprintf(written, sizeof written, "%lld|%lld\n", rows, sum);
	if (strcmp(written, told) != 0) fail_msg("%s: the changes add up to %s, the view has %s", where, written, told);
}

/* Without faults: what was acknowledged is there, views are what they say of it, and the rest of the input comes once. */
static void check(const char *where)
{
	Error err = ERROR_INIT;
	struct stat info;
	int acknowledged = atomic_load(&shared->acknowledged);
	if (stat(path, &info) == 0 && info.st_size > 0) check_sqlite(where);
	alarm(PATIENCE_SECONDS);
	Engine *engine = open_engine(&err);
	if (!engine) fail_msg("%s: the file does not open: %s", where, err.message);
	if (!run(engine, definitions, NULL, &err)) fail_msg("%s: %s", where, err.message);
	int rows = atoi(ask(engine, "SELECT count(*) FROM t"));
	if (rows < acknowledged * ROWS_AN_INSERT || rows % ROWS_AN_INSERT) fail_msg("%s: %d inserts were acknowledged, and there are %d rows", where, acknowledged, rows);
	same(engine, "SELECT n, s FROM total", "SELECT count(*), sum(v) FROM t", where);
	same(engine, "SELECT a, n, top FROM grouped ORDER BY a", "SELECT a, count(*), max(v) FROM t GROUP BY a ORDER BY a", where);
	if (!do_all(engine, &err)) fail_msg("%s: starting again: %s", where, err.message);
	char expected[64];
	snprintf(expected, sizeof expected, "%d|%d\n", LINES, LINES * (LINES - 1) / 2);
	if (strcmp(ask(engine, "SELECT n, s FROM counted"), expected) != 0) fail_msg("%s: counted %s", where, ask(engine, "SELECT n, s FROM counted"));
	snprintf(expected, sizeof expected, "%d\n", LINES);
	if (strcmp(ask(engine, "SELECT sum(n) FROM windows"), expected) != 0) fail_msg("%s: in windows %s", where, ask(engine, "SELECT sum(n) FROM windows"));
	same(engine, "SELECT n, s FROM total", "SELECT count(*), sum(v) FROM t", where);
	char *turned = strdup(ask(engine, "SELECT count(*), sum(v) FROM turned"));
	if (!engine_close(engine, &err)) fail_msg("%s: %s", where, err.message);
	check_sqlite(where);
	check_sink(where);
	check_changes(turned, where);
	free(turned);
	alarm(0);
}

static void one_place(FaultKind kind, int64_t at, bool on, bool *ended)
{
	static const char *const KINDS[] = {"memory", "I/O", "disk full"};
	char where[64];
	snprintf(where, sizeof where, "%s at call %lld%s", KINDS[kind], (long long)at, on ? " and after" : "");
	int status = run_child(kind, at, on);
	*ended = atomic_load(&shared->calls) < at;
	if (WIFSIGNALED(status)) fail_msg("%s: signal %d; %s", where, WTERMSIG(status), child_log());
	int code = WEXITSTATUS(status);
	if (code != 0 && code != 3) fail_msg("%s: exit code %d: \"%s\" (%d); %s", where, code, shared->said, shared->code, child_log());
	if (getenv("FAULTS_TRACE")) printf("%s: %d %s%s\n", where, code, shared->said, code ? child_log() : "");
	if (kind == FAULT_FULL && code == 3 && shared->code != ERR_DISK_FULL && shared->code != ERR_IO) fail_msg("%s: %s", where, shared->said);
}

/* Places over the whole run: every one at first, where the file is made, then ever fewer. */
static void try_places(FaultKind kind)
{
	const char *wanted = getenv("FAULTS");
	int tries = 0, tries_max = wanted ? atoi(wanted) : 20;
	remove_files();
	atomic_store(&shared->acknowledged, 0);
	int status = run_child(kind, -1, false);
	if (status != 0) fail_msg("without faults: %d %s", status, shared->said);
	int64_t calls = atomic_load(&shared->calls), step = calls / tries_max > 0 ? calls / tries_max : 1;
	check("without faults");
	int64_t seed = getenv("SEED") ? atoll(getenv("SEED")) : 20;
	printf("%lld calls, every %lld, seed %lld\n", (long long)calls, (long long)step, (long long)seed);
	bool ended = false;
	if (getenv("FAULTS_AT")) step = calls, tries = getenv("FAULTS_ON") ? 1 : 0;
	for (int64_t at = getenv("FAULTS_AT") ? atoll(getenv("FAULTS_AT")) : 1 + seed % step; !ended && at <= calls; at += step, tries++) {
		bool unused;
		remove_files();
		atomic_store(&shared->acknowledged, 0);
		one_place(kind, at, tries & 1, &ended);
		if (tries & 2) one_place(kind, 1 + (at * 7919) % (calls / 2 + 1), tries & 4, &unused);
		char where[64];
		snprintf(where, sizeof where, "after call %lld (%d)", (long long)at, (int)kind);
		check(where);
	}
}

static void a_full_disk_costs_nothing_that_was_acknowledged(void **state)
{
	(void)state;
	try_places(FAULT_FULL);
}

static void an_error_of_the_disk_costs_nothing_that_was_acknowledged(void **state)
{
	(void)state;
	try_places(FAULT_IO);
}

static void out_of_memory_costs_nothing_that_was_acknowledged(void **state)
{
	(void)state;
	if (!OWN_MALLOC) skip();
	else try_places(FAULT_MEMORY);
}

static int set_up(void **state)
{
	(void)state;
	log_set_writer(quiet, NULL);
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	make_world();
	return shared == MAP_FAILED;
}

static int tear_down(void **state)
{
	(void)state;
	char clean[96];
	if (getenv("FAULTS_KEEP")) return printf("%s\n", folder) < 0;
	snprintf(clean, sizeof clean, "rm -rf %s", folder);
	return system(clean);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_disk_costs_nothing_that_was_acknowledged),
		cmocka_unit_test(an_error_of_the_disk_costs_nothing_that_was_acknowledged),
		cmocka_unit_test(out_of_memory_costs_nothing_that_was_acknowledged),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
