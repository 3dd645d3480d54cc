/* weir test FILE...: test scripts in sqllogictest's form, run by the binary itself on files of its own, with a clock that stands still.
 *
 *     statement ok                     query IT rowsort             restart            a clean stop and start
 *     CREATE TABLE t (i INTEGER)       SELECT ...                   kill               an end without a last commit, and start
 *                                      ----                         advance 5 minutes  moves the clock
 *     statement error <regex>          1 a                          skipif <setting>   before a record: not at that setting
 *     SELECT nothing                   2 b                          onlyif <setting>
 *
 *     append orders.ndjson             read                         reads all external sources to their ends, then a clean stop and start
 *     {"id": 1}                        read kill                    the same, but an end without a last commit
 *
 * Lines are appended to a file in a folder that ${env:WEIR_TEST_FOLDER} names. A row is a line, its values divided by blanks; NULL is NULL, an empty text (empty). nosort (the default), rowsort or valuesort. Types are letters,
 * one a column (their number is checked): I R T, or ? for any.
 * Each script runs at every setting of SETTINGS and must give the same answers.
 */
#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ast/parse.h"
#include "cli.h"
#include "report.h"
#include "type/text.h"

#define CLOCK_START_US (INT64_C(1767225600) * 1000000)         /* 2026-01-01 00:00:00 */

typedef struct TestSetting { const char *name; int rows_per_batch; bool commit_each, restart_each; } TestSetting;

static const TestSetting SETTINGS[] = {
	{"default", 0, false, false}, {"rows-1", 1, false, false}, {"rows-7", 7, true, false}, {"rows-1024", 1024, true, false}, {"restart", 0, true, true},
};
enum { SETTING_COUNT = sizeof SETTINGS / sizeof *SETTINGS };

typedef struct Lines { char **at; int count, room; } Lines;

typedef struct Test {
	const Cli *cli;
	const char *file;
	char *text;
	size_t bytes;
	const TestSetting *setting;
	char folder[64], path[96];
	Engine *engine;
	Session *session;
	int64_t clock_us;
	Lines rows;
	int columns;
	bool valuesort;
	int line;                         /* of the record that runs */
	int failures, records;
	Lines files;                      /* that were appended to */
} Test;

static void lines_clear(Lines *lines)
{
	for (int i = 0; i < lines->count; i++) free(lines->at[i]);
	lines->count = 0;
}

/* ---- results as lines ---- */

static bool on_begin(void *context, ResultKind kind, const ResultColumn *columns, int count)
{
	(void)kind;
	(void)columns;
	Test *test = context;
	lines_clear(&test->rows);
	test->columns = count;
	return true;
}

static void add_value(StrBuf *line, const Value *value)
{
	if (value->is_null) strbuf_adds(line, "NULL");
	else if (type_phys(value->type) == PHYS_STR && value->str.bytes == 0) strbuf_adds(line, "(empty)");
	else value_print(value, line);
}

static bool on_rows(void *context, const Batch *rows)
{
	Test *test = context;
	StrBuf line = STRBUF_INIT;
	for (int i = 0; i < rows->count; i++) {
		strbuf_clear(&line);
		for (int c = 0; c < rows->column_count; c++) {
			Value value = column_value(&rows->columns[c], batch_row(rows, i));
			if (c && test->valuesort) {
				vec_push(&test->rows, mem_strdup(line.text));
				strbuf_clear(&line);
			}
			else if (c) strbuf_addc(&line, ' ');
			add_value(&line, &value);
		}
		vec_push(&test->rows, mem_strdup(line.text));
	}
	strbuf_release(&line);
	return true;
}

/* ---- the engine under test ---- */

static void fail(Test *test, const char *what, const Error *err)
{
	test->failures++;
	printf("%s:%d: [%s] %s\n", test->file, test->line, test->setting->name, what);
	if (err && err->code) printf("    %s (%s)\n", err->message, error_sqlstate(err->code));
}

static bool open_engine(Test *test)
{
	Error err = ERROR_INIT;
	EngineConfig config = {
		.path = test->path, .fixed_clock_us = test->clock_us, .rows_per_batch = test->setting->rows_per_batch,
		.commit_each_statement = test->setting->commit_each,
	};
	test->engine = engine_open(&config, &err);
	if (!test->engine) {
		fail(test, "cannot open the file again", &err);
		return false;
	}
	ResultSink sink = {.begin = on_begin, .rows = on_rows, .context = test};
	test->session = session_new(test->engine, &sink, SESSION_BATCH);
	for (int v = 0; v < test->cli->variables.count; v++) {
		char *name = mem_strdup(test->cli->variables.at[v]), *value = strchr(name, '=');
		*value++ = 0;
		session_set_variable(test->session, name, value);
		free(name);
	}
	return true;
}

static void close_engine(Test *test, bool kill)
{
	Error err = ERROR_INIT;
	if (!test->engine) return;
	bool ok = kill || session_finish(test->session, &err);
	session_free(test->session);
	if (kill) engine_abandon(test->engine);
	else ok = engine_close(test->engine, &err) && ok;
	if (!ok) fail(test, "the end of the process", &err);
	test->engine = NULL;
	test->session = NULL;
}

static bool restart(Test *test, bool kill)
{
	close_engine(test, kill);
	return open_engine(test);
}

/* ---- records ---- */

/* Lines from *at to the next empty line or "----"; *at moves behind them. */
static char *take_block(Test *test, size_t *at, bool *results)
{
	size_t start = *at;
	*results = false;
	while (*at < test->bytes) {
		size_t end = *at + strcspn(test->text + *at, "\n"), length = end - *at;
		bool divider = length >= 4 && strncmp(test->text + *at, "----", 4) == 0;
		if (length == 0 || divider) {
			char *block = mem_alloc(*at - start + 1);
			memcpy(block, test->text + start, *at - start);
			block[*at - start] = 0;
			*results = divider;
			*at = end + (end < test->bytes);
			return block;
		}
		*at = end + (end < test->bytes);
	}
	char *block = mem_alloc(*at - start + 1);
	memcpy(block, test->text + start, *at - start);
	block[*at - start] = 0;
	return block;
}

static int compare_lines(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Runs of blanks count as one. */
static char *normalized(const char *text)
{
	StrBuf out = STRBUF_INIT;
	for (; *text; text++) {
		if (*text != ' ' && *text != '\t') strbuf_addc(&out, *text);
		else if (out.bytes && out.text[out.bytes - 1] != ' ') strbuf_addc(&out, ' ');
	}
	while (out.bytes && out.text[out.bytes - 1] == ' ') out.text[--out.bytes] = 0;
	return strbuf_detach(&out);
}

static void normalize(Lines *lines)
{
	for (int i = 0; i < lines->count; i++) {
		char *text = normalized(lines->at[i]);
		free(lines->at[i]);
		lines->at[i] = text;
	}
}

static void split_lines(char *block, Lines *lines)
{
	for (char *line = strtok(block, "\n"); line; line = strtok(NULL, "\n")) vec_push(lines, mem_strdup(line));
}

static void compare_rows(Test *test, char *expected_block, bool sorted)
{
	Lines expected = {0};
	split_lines(expected_block, &expected);
	normalize(&expected);
	normalize(&test->rows);
	if (sorted) {
		if (expected.count) qsort(expected.at, (size_t)expected.count, sizeof *expected.at, compare_lines);
		if (test->rows.count) qsort(test->rows.at, (size_t)test->rows.count, sizeof *test->rows.at, compare_lines);
	}
	bool same = expected.count == test->rows.count;
	for (int i = 0; same && i < expected.count; i++) same = strcmp(expected.at[i], test->rows.at[i]) == 0;
	if (!same) {
		fail(test, "other rows than expected", NULL);
		for (int i = 0; i < expected.count || i < test->rows.count; i++) {
			const char *want = i < expected.count ? expected.at[i] : "", *got = i < test->rows.count ? test->rows.at[i] : "";
			if (strcmp(want, got) != 0) printf("    expected  %s\n    got       %s\n", want, got);
		}
	}
	lines_clear(&expected);
	free(expected.at);
}

static bool run_sql(Test *test, const char *sql, Error *err)
{
	size_t offset = 0, start, end, bytes = strlen(sql);
	while (parse_next_statement(sql, bytes, &offset, &start, &end))
		if (!session_run(test->session, sql, start, end, err)) return false;
	return true;
}

static void statement_record(Test *test, const char *words, size_t *at)
{
	bool results;
	char *sql = take_block(test, at, &results);
	Error err = ERROR_INIT;
	bool ok = run_sql(test, sql, &err), expects_error = strncmp(words, "error", 5) == 0;
	if (ok == expects_error) fail(test, ok ? "should be refused" : "was refused", &err);
	else if (!ok && words[5]) {
		regex_t pattern;
		char message[ERROR_MESSAGE_BYTES + 16];
		snprintf(message, sizeof message, "%s %s", error_sqlstate(err.code), err.message);
		if (regcomp(&pattern, words + 6, REG_EXTENDED | REG_ICASE | REG_NOSUB) != 0) fail(test, "is no regular expression", NULL);
		else {
			if (regexec(&pattern, message, 0, NULL, 0) != 0) fail(test, "refused for another reason", &err);
			regfree(&pattern);
		}
	}
	free(sql);
}

static void query_record(Test *test, const char *words, size_t *at)
{
	bool results, none;
	char *sql = take_block(test, at, &results), *expected = results ? take_block(test, at, &none) : mem_strdup("");
	Error err = ERROR_INIT;
	test->valuesort = strstr(words, "valuesort") != NULL;
	lines_clear(&test->rows);
	test->columns = 0;
	size_t types = strcspn(words, " ");
	if (!run_sql(test, sql, &err)) fail(test, "was refused", &err);
	else if (test->columns != (int)types) fail(test, "other columns than types", NULL);
	else compare_rows(test, expected, test->valuesort || strstr(words, "rowsort"));
	free(sql);
	free(expected);
}

static void advance_record(Test *test, const char *words)
{
	Interval interval;
	int64_t us;
	if (!text_to_interval(words, strlen(words), &interval) || !interval_to_us(interval, &us)) {
		fail(test, "advance needs an interval", NULL);
		return;
	}
	test->clock_us += us;
	engine_set_clock(test->engine, test->clock_us);
}

static void append_record(Test *test, const char *name, size_t *at)
{
	bool results;
	char *lines = take_block(test, at, &results), path[192];
	snprintf(path, sizeof path, "%s/%s", test->folder, name);
	FILE *file = strchr(name, '/') ? NULL : fopen(path, "ab");
	if (!file || fputs(lines, file) < 0 || fclose(file) != 0) fail(test, "cannot write the file", NULL);
	else vec_push(&test->files, mem_strdup(path));
	free(lines);
}

static bool read_record(Test *test, bool kill)
{
	Error err = ERROR_INIT;
	if (!engine_read(test->engine, ENGINE_UNTIL_END, &err) || !engine_wait(test->engine, &err)) fail(test, "reading ended", &err);
	return restart(test, kill);
}

static bool run_record(Test *test, const char *line, size_t *at)
{
	test->records++;
	if (strncmp(line, "statement ", 10) == 0) statement_record(test, line + 10, at);
	else if (strncmp(line, "query ", 6) == 0) query_record(test, line + 6, at);
	else if (strcmp(line, "restart") == 0) return restart(test, false);
	else if (strcmp(line, "kill") == 0) return restart(test, true);
	else if (strncmp(line, "advance ", 8) == 0) advance_record(test, line + 8);
	else if (strncmp(line, "append ", 7) == 0) append_record(test, line + 7, at);
	else if (strcmp(line, "read") == 0) return read_record(test, false);
	else if (strcmp(line, "read kill") == 0) return read_record(test, true);
	else fail(test, "is no record", NULL);
	return !test->setting->restart_each || restart(test, false);
}

static bool is_skipped(const Test *test, const char *line)
{
	if (strncmp(line, "skipif ", 7) == 0) return strcmp(line + 7, test->setting->name) == 0;
	return strncmp(line, "onlyif ", 7) == 0 && strcmp(line + 7, test->setting->name) != 0;
}

static void skip_record(Test *test, size_t *at)
{
	bool results;
	free(take_block(test, at, &results));
	if (results) free(take_block(test, at, &results));
}

static void run_records(Test *test)
{
	bool skip = false;
	for (size_t at = 0; at < test->bytes; ) {
		size_t end = at + strcspn(test->text + at, "\n");
		char *line = mem_alloc(end - at + 1);
		memcpy(line, test->text + at, end - at);
		line[end - at] = 0;
		test->line = 1;
		for (size_t i = 0; i < at; i++) test->line += test->text[i] == '\n';
		at = end + (end < test->bytes);
		bool go = true;
		if (*line == 0 || *line == '#') { }
		else if (strncmp(line, "skipif ", 7) == 0 || strncmp(line, "onlyif ", 7) == 0) skip |= is_skipped(test, line);
		else if (skip) {
			if (strncmp(line, "statement ", 10) == 0 || strncmp(line, "query ", 6) == 0 || strncmp(line, "append ", 7) == 0) skip_record(test, &at);
			skip = false;
		}
		else go = run_record(test, line, &at);
		free(line);
		if (!go) return;
	}
}

/* ---- files ---- */

static void remove_files(Test *test)
{
	static const char *const ENDINGS[] = {"", "-wal", "-shm", "-journal"};
	for (size_t e = 0; e < sizeof ENDINGS / sizeof *ENDINGS; e++) {
		char path[128];
		snprintf(path, sizeof path, "%s%s", test->path, ENDINGS[e]);
		unlink(path);
	}
	for (int f = 0; f < test->files.count; f++) unlink(test->files.at[f]);
	lines_clear(&test->files);
	rmdir(test->folder);
}

static void run_at(Test *test, const TestSetting *setting)
{
	test->setting = setting;
	test->clock_us = CLOCK_START_US;
	const char *tmp = getenv("TMPDIR");
	snprintf(test->folder, sizeof test->folder, "%.40s/weir-test-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(test->folder)) {
		fail(test, "no temporary folder", NULL);
		return;
	}
	snprintf(test->path, sizeof test->path, "%s/test.db", test->folder);
	setenv("WEIR_TEST_FOLDER", test->folder, 1);
	if (open_engine(test)) run_records(test);
	close_engine(test, false);
	remove_files(test);
}

static bool read_script(Test *test)
{
	FILE *file = fopen(test->file, "rb");
	if (!file) {
		fprintf(stderr, "weir: cannot read \"%s\": %s\n", test->file, strerror(errno));
		return false;
	}
	StrBuf text = STRBUF_INIT;
	char chunk[65536];
	for (size_t n; (n = fread(chunk, 1, sizeof chunk, file)) > 0; ) strbuf_add(&text, chunk, n);
	fclose(file);
	test->bytes = text.bytes;
	test->text = strbuf_detach(&text);
	return true;
}

int command_test(const Cli *cli)
{
	int passed = 0, failed = 0, records = 0;
	for (int f = 0; f < cli->files.count; f++) {
		Test test = {.cli = cli, .file = cli->files.at[f]};
		if (!read_script(&test)) return EXIT_ENVIRONMENT;
		for (int s = 0; s < SETTING_COUNT; s++) run_at(&test, &SETTINGS[s]);
		if (test.failures) failed++;
		else passed++;
		records += test.records;
		lines_clear(&test.rows);
		free(test.rows.at);
		free(test.files.at);
		free(test.text);
	}
	printf("%d records in %d scripts at %d settings each\n%d passed, %d failed\n", records, cli->files.count, SETTING_COUNT, passed, failed);
	return failed ? EXIT_SQL : EXIT_FINE;
}
