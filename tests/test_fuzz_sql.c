/* Any statement whatever gives a result or an error, never a crash, a hang or an error of the kind "a defect of weir".
 *
 * Scripts (sql-tests/, the examples of docs/, statements of the parser's tests; with FUZZ_CORPUS=DIR its *.sql files too) are run in memory, with
 * some of their statements made anew: tokens and bracketed parts replaced by others from all scripts, doubled, taken away, swapped, bytes
 * damaged. Statements stay near enough to sense to reach the binder, the planner and the operators. */
#include <dirent.h>
#include <glob.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdatomic.h>
#include <cmocka.h>

#include "ast/parse.h"
#include "engine/engine.h"
#include "fuzz.h"
#include "type/text.h"

typedef struct Text { char *at; size_t bytes; } Text;
typedef struct Texts { VEC(Text) list; } Texts;
typedef struct Script { int first, count; } Script;               /* statements */
typedef struct Corpus { Texts statements, tokens, groups; VEC(Script) scripts; } Corpus;

static const struct { const char *text, *printed; } STATEMENTS[] = {
#include "ast_statements.def"
};

static const char *const SPICE[] = {
	"NULL", "''", "0", "-1", "1", "9223372036854775807", "-9223372036854775808", "170141183460469231731687303715884105727", "1e308", "1e-400", "0.1", "'x'",
	"INTERVAL '1 day'", "INTERVAL '0 seconds'", "INTERVAL '-5 months'", "TIMESTAMP '2026-01-01 00:00:00'", "DATE '0001-01-01'", "TIMESTAMP '9999-12-31 23:59:59.999'",
	"X'00ff'", "TRUE", "*", "(", ")", ",", "::integer", "::decimal(38,10)", "::text", "::timestamp", "::json", "now()", "DISTINCT", "OVER ()", "FILTER (WHERE false)",
	"OVER (PARTITION BY a ORDER BY b)", "IS NULL", "NOT", "[1]", "ARRAY[1,2]", "'{\"a\":[1,2]}'", "count(*)", "sum(1)", "EXISTS (SELECT 1)", "(SELECT 1)", "UNION ALL SELECT 1",
	"LIMIT 1", "LIMIT 0", "OFFSET 99999999999", "ORDER BY 1", "GROUP BY 1", "HAVING true", "WITH c AS (SELECT 1)", "EMIT ON WINDOW CLOSE", "EMIT CHANGES", "\xff", "\"\"",
};

/* ---- corpus ---- */

static void text_add(Texts *texts, const char *at, size_t bytes)
{
	Text text = {.at = mem_alloc(bytes + 1), .bytes = bytes};
	memcpy(text.at, at, bytes);
	text.at[bytes] = 0;
	vec_push(&texts->list, text);
}

static void texts_release(Texts *texts)
{
	for (int i = 0; i < texts->list.count; i++) free(texts->list.at[i].at);
	vec_release(&texts->list);
}

static bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || (c & 0x80); }

/* The length of the token at the text's begin: good enough for mutations, the real lexer judges what comes of it. */
static size_t token_bytes(const char *text, size_t bytes)
{
	size_t n = 1;
	if (*text == '\'' || *text == '"') {
		while (n < bytes && text[n] != *text) n++;
		return n < bytes ? n + 1 : n;
	}
	if (is_word(*text)) while (n < bytes && is_word(text[n])) n++;
	else if (strchr(" \n\t", *text)) while (n < bytes && strchr(" \n\t", text[n])) n++;
	else if (strchr("<>=!|:-", *text)) while (n < bytes && n < 2 && text[n] && strchr("<>=|:", text[n])) n++;
	return n;
}

/* The bracketed part that begins here, with its brackets and the word before. 0: none. */
static size_t group_bytes(const char *text, size_t bytes)
{
	size_t at = is_word(*text) ? token_bytes(text, bytes) : 0;
	if (at >= bytes || text[at] != '(') return 0;
	int depth = 0;
	while (at < bytes) {
		depth += (text[at] == '(') - (text[at] == ')');
		at += token_bytes(text + at, bytes - at);
		if (depth == 0) return at;
	}
	return 0;
}

/* What would reach for files and brokers that are not there only costs time. */
static bool is_wanted(const char *text) { return !strstr(text, "kafka") && !strstr(text, "PRINT") && !strstr(text, "TOPICS"); }

static void corpus_add(Corpus *corpus, const char *text, size_t bytes)
{
	size_t offset = 0, start, end;
	Script script = {.first = corpus->statements.list.count};
	while (parse_next_statement(text, bytes, &offset, &start, &end)) {
		text_add(&corpus->statements, text + start, end - start);
		Text *statement = &corpus->statements.list.at[corpus->statements.list.count - 1];
		if (is_wanted(statement->at)) script.count++;
		else free(corpus->statements.list.at[--corpus->statements.list.count].at);
	}
	if (script.count) vec_push(&corpus->scripts, script);
}

/* Of a test script: the lines behind "statement" and "query", up to the expected result. */
static void corpus_add_test(Corpus *corpus, const char *text)
{
	StrBuf sql = STRBUF_INIT;
	bool inside = false;
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		int bytes = (int)strcspn(line, "\n");
		if (inside && (bytes == 0 || strncmp(line, "----", 4) == 0)) strbuf_adds(&sql, ";\n"), inside = false;
		else if (inside) strbuf_printf(&sql, "%.*s\n", bytes, line);
		else inside = strncmp(line, "statement", 9) == 0 || strncmp(line, "query", 5) == 0;
	}
	corpus_add(corpus, sql.text, sql.bytes);
	strbuf_release(&sql);
}

static void corpus_add_page(Corpus *corpus, const char *text)
{
	for (const char *at = strstr(text, "```sql"); at; at = strstr(at, "```sql")) {
		at += strcspn(at, "\n");
		const char *end = strstr(at, "```");
		if (!end) return;
		corpus_add(corpus, at, (size_t)(end - at));
		at = end + 3;
	}
}

/* A page of reference: examples of functions are the third cells of rows, in backquotes. */
static void corpus_add_examples(Corpus *corpus, const char *text)
{
	StrBuf sql = STRBUF_INIT;
	int count = 0;
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *end = line + strcspn(line, "\n"), *cell = strstr(line, " | `"), *close = cell ? strstr(cell + 4, "` |") : NULL;
		if (strncmp(line, "| `", 3) != 0 || !close || close > end) continue;
		strbuf_printf(&sql, "SELECT %.*s;\n", (int)(close - cell - 4), cell + 4);
		if (++count % 12) continue;
		corpus_add(corpus, sql.text, sql.bytes);
		strbuf_clear(&sql);
	}
	strbuf_release(&sql);
}

/* Scripts divided by lines "-- script". */
static void corpus_add_scripts(Corpus *corpus, const char *text)
{
	static const char divider[] = "-- script\n";
	for (const char *at = text, *end; *at; at = *end ? end + sizeof divider - 1 : end) {
		end = strstr(at, divider);
		if (!end) end = at + strlen(at);
		corpus_add(corpus, at, (size_t)(end - at));
	}
}

static void corpus_read(Corpus *corpus, const char *folder, const char *pattern)
{
	char path[512];
	glob_t found = {0};
	snprintf(path, sizeof path, "%s/%s", folder, pattern);
	if (glob(path, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++) {
			size_t bytes;
			char *text = fuzz_file(found.gl_pathv[i], &bytes);
			if (text && strstr(pattern, ".test")) corpus_add_test(corpus, text);
			else if (text && strstr(pattern, "functions.md")) corpus_add_examples(corpus, text);
			else if (text && strstr(pattern, ".md")) corpus_add_page(corpus, text);
			else if (text) corpus_add_scripts(corpus, text);
			free(text);
		}
	}
	globfree(&found);
}

static void corpus_cut(Corpus *corpus, const Text *statement)
{
	for (size_t at = 0; at < statement->bytes; ) {
		size_t bytes = token_bytes(statement->at + at, statement->bytes - at), group = group_bytes(statement->at + at, statement->bytes - at);
		if (!strchr(" \n\t", statement->at[at])) text_add(&corpus->tokens, statement->at + at, bytes);
		if (group) text_add(&corpus->groups, statement->at + at, group);
		at += bytes;
	}
}

static void corpus_load(Corpus *corpus)
{
	const char *source = getenv("SRCDIR"), *more = getenv("FUZZ_CORPUS");
	corpus_read(corpus, source ? source : ".", "sql-tests/*.test");
	corpus_read(corpus, source ? source : ".", "docs/*.md");
	corpus_read(corpus, source ? source : ".", "docs/functions.md");
	corpus_read(corpus, source ? source : ".", "tests/fuzz_*.sql");
	if (more) corpus_read(corpus, more, "*.sql");
	if (corpus->scripts.count < 30) fail_msg("only %d scripts: SRCDIR must name the source tree", corpus->scripts.count);
	for (size_t i = 0; i < sizeof STATEMENTS / sizeof *STATEMENTS; i++) corpus_add(corpus, STATEMENTS[i].text, strlen(STATEMENTS[i].text));
	for (int i = 0; i < corpus->statements.list.count; i++) corpus_cut(corpus, &corpus->statements.list.at[i]);
	for (int i = 0; i < parse_keyword_count(); i++) text_add(&corpus->tokens, parse_keyword(i), strlen(parse_keyword(i)));
}

static void corpus_release(Corpus *corpus)
{
	texts_release(&corpus->statements);
	texts_release(&corpus->tokens);
	texts_release(&corpus->groups);
	vec_release(&corpus->scripts);
}

/* ---- mutations ---- */

static const Text *pick(Fuzz *fuzz, const Texts *texts) { return &texts->list.at[fuzz_below(fuzz, texts->list.count)]; }

static void add_foreign(Fuzz *fuzz, const Corpus *corpus, StrBuf *out)
{
	int kind = fuzz_below(fuzz, 10);
	strbuf_addc(out, ' ');
	if (kind < 4) strbuf_adds(out, SPICE[fuzz_below(fuzz, sizeof SPICE / sizeof *SPICE)]);
	else {
		const Text *text = pick(fuzz, kind < 7 ? &corpus->tokens : &corpus->groups);
		strbuf_add(out, text->at, text->bytes);
	}
	strbuf_addc(out, ' ');
}

/* Copies a statement token by token; now and then something else happens. */
static void mutate(Fuzz *fuzz, const Corpus *corpus, const Text *statement, StrBuf *out)
{
	int rarity = 2 + fuzz_below(fuzz, 30);
	for (size_t at = 0; at < statement->bytes; ) {
		const char *here = statement->at + at;
		size_t left = statement->bytes - at, bytes = token_bytes(here, left), group = group_bytes(here, left);
		at += bytes;
		if (strchr(" \n\t", *here) || fuzz_below(fuzz, rarity) != 0) strbuf_add(out, here, bytes);
		else switch (fuzz_below(fuzz, 6)) {
		case 0: break;
		case 1: strbuf_add(out, here, bytes), add_foreign(fuzz, corpus, out); break;
		case 2: add_foreign(fuzz, corpus, out); break;
		case 3: if (group) at += group - bytes; add_foreign(fuzz, corpus, out); break;
		case 4: for (int n = fuzz_chance(fuzz, 5) ? 2000 : 2; n > 0; n--) strbuf_add(out, here, group && group < 200 ? group : bytes), strbuf_addc(out, ' '); at += group && group < 200 ? group - bytes : 0; break;
		default: {
			const Text *other = pick(fuzz, &corpus->statements);
			size_t from = 0;
			while (from < other->bytes && !fuzz_chance(fuzz, 10)) from += token_bytes(other->at + from, other->bytes - from);
			strbuf_addc(out, ' ');
			strbuf_add(out, other->at + from, other->bytes - from);
			if (fuzz_chance(fuzz, 50)) return;
		}
		}
	}
}

static void damage(Fuzz *fuzz, StrBuf *text)
{
	strbuf_grow(text, text->bytes + 4096);
	text->bytes = fuzz_bytes(fuzz, text->text, text->bytes, text->bytes + 4096);
	text->text[text->bytes] = 0;
}

/* ---- running ---- */

typedef struct Run {
	Fuzz *fuzz;
	Engine *engine;
	Session *session;
	_Atomic int64_t began_us;             /* of the statement that runs; 0: none */
	_Atomic bool ended;
	pthread_mutex_t lock;                 /* session lives */
	int64_t rows, statements, errors;
} Run;

enum { PATIENCE_US = 100000 };

/* Statements that would go on (continuous queries, series without end) are canceled, as by Ctrl-C. */
static void *watch(void *context)
{
	Run *run = context;
	while (!atomic_load(&run->ended)) {
		usleep(20000);
		pthread_mutex_lock(&run->lock);
		int64_t began = atomic_load(&run->began_us);
		if (began && clock_monotonic_us() - began > PATIENCE_US) session_cancel(run->session);
		pthread_mutex_unlock(&run->lock);
	}
	return NULL;
}

static bool on_rows(void *context, const Batch *rows)
{
	Run *run = context;
	StrBuf text = STRBUF_INIT;
	for (int i = 0; i < rows->count && i < 10; i++)
		for (int c = 0; c < rows->column_count; c++) {
			Value value = column_value(&rows->columns[c], batch_row(rows, i));
			if (!value.is_null) value_print(&value, &text);
		}
	strbuf_release(&text);
	return (run->rows += rows->count) < 100000;
}

static bool run_text(Run *run, const char *text, size_t bytes)
{
	Error err = ERROR_INIT;
	size_t offset = 0, start, end;
	bool ok = true;
	while (ok && parse_next_statement(text, bytes, &offset, &start, &end)) {
		fuzz_note(run->fuzz, text + start, end - start);
		fuzz_note(run->fuzz, ";\n", 2);
		run->rows = 0;
		run->statements++;
		atomic_store(&run->began_us, clock_monotonic_us());
		ok = session_run(run->session, text, start, end, &err);
		atomic_store(&run->began_us, 0);
		run->errors += !ok;
		if (!ok && (err.code == ERR_NONE || err.code == ERR_INTERNAL || !err.message[0])) fail_msg("%s: error %d \"%s\"", run->fuzz->path, (int)err.code, err.message);
		if (!ok && err.span.end > end) fail_msg("%s: the error points to [%u,%u) of %zu bytes: %s", run->fuzz->path, err.span.start, err.span.end, end, err.message);
	}
	return ok;
}

static void open_engine(Run *run)
{
	Error err = ERROR_INIT;
	ResultSink sink = {.rows = on_rows, .context = run};
	run->engine = engine_open(&(EngineConfig){.fixed_clock_us = INT64_C(1767225600) * 1000000}, &err);
	if (!run->engine) fail_msg("%s", err.message);
	pthread_mutex_lock(&run->lock);
	run->session = session_new(run->engine, &sink, SESSION_BATCH);
	pthread_mutex_unlock(&run->lock);
}

/* After whatever came before, a transaction can be left and statements run; but a script ends with the commit that was canceled. */
static void close_engine(Run *run)
{
	Error err = ERROR_INIT;
	static const char last[] = "SELECT 1";
	if (!session_finish(run->session, &err) && err.code == ERR_INTERNAL) fail_msg("%s: at the end: %s", run->fuzz->path, err.message);
	error_clear(&err);
	if (!session_run(run->session, last, 0, sizeof last - 1, &err) && err.code != ERR_CANCELED) fail_msg("%s: nothing runs any more: %s", run->fuzz->path, err.message);
	pthread_mutex_lock(&run->lock);
	session_free(run->session);
	run->session = NULL;
	pthread_mutex_unlock(&run->lock);
	error_clear(&err);
	if (!engine_close(run->engine, &err) && err.code == ERR_INTERNAL) fail_msg("%s: at the end: %s", run->fuzz->path, err.message);
}

static void run_script(Run *run, const Corpus *corpus, const Script *script)
{
	StrBuf text = STRBUF_INIT;
	for (int i = 0; i < script->count; i++) {
		const Text *statement = &corpus->statements.list.at[script->first + i];
		bool define = strncasecmp(statement->at, "create", 6) == 0 || strncasecmp(statement->at, "insert", 6) == 0;
		for (int n = 1 + fuzz_below(run->fuzz, 3); n > 0; n--) {
			strbuf_clear(&text);
			mutate(run->fuzz, corpus, statement, &text);
			if (fuzz_chance(run->fuzz, 3)) damage(run->fuzz, &text);
			if (is_wanted(text.text)) run_text(run, text.text, text.bytes);
		}
		if (define || fuzz_chance(run->fuzz, 50)) run_text(run, statement->at, statement->bytes);
	}
	strbuf_release(&text);
}

static void no_statement_breaks_the_engine(void **state)
{
	(void)state;
	Fuzz fuzz;
	Corpus corpus = {0};
	corpus_load(&corpus);
	char before[512], folder[] = "/tmp/weir-fuzz-XXXXXX";
	fuzz_open(&fuzz, "sql", 250);
	/* paths in statements are relative: what they make is made there */
	assert_non_null(getcwd(before, sizeof before));
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir(folder), 0);
	Run run = {.fuzz = &fuzz, .lock = PTHREAD_MUTEX_INITIALIZER};
	pthread_t watcher;
	pthread_create(&watcher, NULL, watch, &run);
	while (fuzz_round(&fuzz)) {
		open_engine(&run);
		for (int n = 1 + fuzz_below(&fuzz, 2); n > 0; n--) run_script(&run, &corpus, &corpus.scripts.at[fuzz_below(&fuzz, corpus.scripts.count)]);
		close_engine(&run);
	}
	atomic_store(&run.ended, true);
	pthread_join(watcher, NULL);
	assert_int_equal(chdir(before), 0);
	char clean[64];
	snprintf(clean, sizeof clean, "rm -rf %s", folder);
	assert_int_equal(system(clean), 0);
	fuzz_close(&fuzz);
	printf("%lld statements, %lld errors\n", (long long)run.statements, (long long)run.errors);
	corpus_release(&corpus);
}

/* In memory an open transaction keeps readers out. */
static void in_memory_nothing_waits_for_its_own_transaction(void **state)
{
	(void)state;
	Fuzz fuzz;
	Error err = ERROR_INIT;
	fuzz_open(&fuzz, "names", 1);
	assert_true(fuzz_round(&fuzz));
	Run run = {.fuzz = &fuzz, .lock = PTHREAD_MUTEX_INITIALIZER};
	open_engine(&run);
	static const char text[] = "CREATE TABLE t (a INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)", unknown[] = "SELECT * FROM nowhere", again[] = "INSERT INTO t VALUES (1)",
		all[] = "SELECT * FROM t";
	assert_true(run_text(&run, text, sizeof text - 1));
	int64_t began = clock_monotonic_us();
	assert_false(session_run(run.session, unknown, 0, sizeof unknown - 1, &err));
	assert_int_equal(err.code, ERR_UNDEFINED_TABLE);
	assert_true(run_text(&run, all, sizeof all - 1));
	/* what was refused has opened a transaction, too */
	assert_false(run_text(&run, again, sizeof again - 1));
	assert_true(run_text(&run, all, sizeof all - 1));
	assert_true(clock_monotonic_us() - began < 5 * 1000000);
	close_engine(&run);
	fuzz_close(&fuzz);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_memory_nothing_waits_for_its_own_transaction),
		cmocka_unit_test(no_statement_breaks_the_engine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
