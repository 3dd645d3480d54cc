/* src/ast and grammar: what is no SQL is told where and why; limits; whatever bytes come, nothing breaks. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ast/parse.h"
#include "ast/print.h"

#define LENGTH(table) ((int)(sizeof (table) / sizeof *(table)))

static const struct { const char *text; uint32_t start, end; const char *message, *hint; } SYNTAX_ERRORS[] = {
#include "ast_errors.def"
};

static const struct { const char *text, *printed; } STATEMENTS[] = {
#include "ast_statements.def"
};

static bool ends_with(const char *text, const char *end)
{
	size_t bytes = strlen(text), end_bytes = strlen(end);
	return bytes >= end_bytes && !strcmp(text + bytes - end_bytes, end);
}

static void syntax_errors_name_the_place_and_what_was_expected(void **state)
{
	(void)state;
	for (int i = 0; i < LENGTH(SYNTAX_ERRORS); i++) {
		const char *text = SYNTAX_ERRORS[i].text;
		Arena arena;
		Error err = ERROR_INIT;
		arena_init(&arena, 0);
		if (parse_statement(text, 0, strlen(text), &arena, &err)) print_error("no error: %s\n", text);
		assert_int_equal(err.code, ends_with(err.message, "is not supported") ? ERR_UNSUPPORTED : ERR_SYNTAX);
		assert_string_equal(err.message, SYNTAX_ERRORS[i].message);
		assert_string_equal(err.hint, SYNTAX_ERRORS[i].hint ? SYNTAX_ERRORS[i].hint : "");
		assert_int_equal(err.span.start, SYNTAX_ERRORS[i].start);
		assert_int_equal(err.span.end, SYNTAX_ERRORS[i].end);
		arena_release(&arena);
	}
}

/* NULL: parses. Else the message. */
static const char *problem_of(const char *text, size_t bytes, ErrorCode *code)
{
	static Error err;
	Arena arena;
	err = ERROR_INIT;
	arena_init(&arena, 0);
	AstStatement *statement = parse_statement(text, 0, bytes, &arena, &err);
	if (statement) {
		StrBuf out = STRBUF_INIT;
		ast_print_statement(statement, &out);
		strbuf_release(&out);
	}
	arena_release(&arena);
	*code = err.code;
	return statement ? NULL : err.message;
}

static void what_is_open_at_the_end_is_told_where_it_opens(void **state)
{
	(void)state;
	static const struct { const char *text; uint32_t start; const char *message; } CASES[] = {
		{"SELECT 'abc", 7, "unterminated string"}, {"SELECT \"abc", 7, "unterminated quoted name"}, {"SELECT 1 /* x", 9, "unterminated comment"},
		{"SELECT $a$ x $b$", 7, "unterminated string"}, {"SELECT `a", 7, "unterminated quoted name"}, {"SELECT x'00", 7, "unterminated blob"},
		{"SELECT 'a' 'b", 11, "unterminated string"}, {"SELECT e'\\'", 7, "unterminated string"},
	};
	for (int i = 0; i < LENGTH(CASES); i++) {
		Arena arena;
		Error err = ERROR_INIT;
		arena_init(&arena, 0);
		assert_null(parse_statement(CASES[i].text, 0, strlen(CASES[i].text), &arena, &err));
		assert_string_equal(err.message, CASES[i].message);
		assert_int_equal(err.span.start, CASES[i].start);
		assert_true(*err.hint);
		arena_release(&arena);
	}
}

static void bytes_that_are_no_text_are_refused(void **state)
{
	(void)state;
	ErrorCode code;
	assert_string_equal(problem_of("SELECT 'a\0b'", 12, &code), "the text holds a byte 0");
	assert_string_equal(problem_of("SELECT '\xff'", 10, &code), "the text is not UTF-8");
	assert_string_equal(problem_of("SELECT 1,\n '\xc3\xa4', '\xc3'", 20, &code), "the text is not UTF-8");
	assert_string_equal(problem_of("", 0, &code), "unexpected end of statement");
	assert_string_equal(problem_of(" -- x", 5, &code), "unexpected end of statement");
}

/* ---- limits ---- */

/* open * count, middle, close * count */
static StrBuf nested(const char *before, const char *open, int count, const char *middle, const char *close, const char *after)
{
	StrBuf text = STRBUF_INIT;
	strbuf_adds(&text, before);
	for (int i = 0; i < count; i++) strbuf_adds(&text, open);
	strbuf_adds(&text, middle);
	for (int i = 0; i < count; i++) strbuf_adds(&text, close);
	strbuf_adds(&text, after);
	return text;
}

typedef struct NestedCase { const char *before, *open, *middle, *close, *after; int fits, too_many; } NestedCase;

static void nesting_has_a_limit_and_no_stack_overflows(void **state)
{
	(void)state;
	static const NestedCase CASES[] = {
		{"SELECT ", "(", "1", ")", "", 5000, 1000000}, {"SELECT ", "NOT ", "1", "", "", 900, 1000000}, {"SELECT ", "- ", "1", "", "", 900, 1000000},
		{"SELECT ", "(1 + ", "1", ")", "", 900, 1000000}, {"SELECT ", "a + ", "1", "", "", 900, 1000000}, {"SELECT ", "f(", "1", ")", "", 900, 1000000},
		{"SELECT ", "CASE WHEN 1 THEN ", "1", " END", "", 900, 1000000}, {"", "SELECT (", "SELECT 1", ")", "", 90, 1000000},
		{"", "SELECT * FROM (", "SELECT 1", ")", "", 90, 1000000}, {"SELECT * FROM ", "(a JOIN ", "b", ")", "", 900, 1000000},
		{"SELECT * FROM a ", "JOIN b ", "", "", "", 900, 100000}, {"SELECT 1 ", "UNION SELECT 1 ", "", "", "", 900, 100000},
		{"SELECT 1 UNION ", "(SELECT 1 UNION ", "SELECT 1", ")", "", 900, 100000}, {"CREATE TABLE t (a ", "ROW<a ", "INT", ">", ")", 900, 1000000},
		{"CREATE TABLE t (a ", "ARRAY<", "INT", ">", ")", 900, 1000000}, {"CREATE TABLE t (a INT", "[]", "", "", ")", 900, 1000000},
		{"SELECT 1 GROUP BY ", "GROUPING SETS (", "a", ")", "", 900, 1000000}, {"SELECT a", "[1]", "", "", "", 900, 1000000}, {"SELECT a", "::int", "", "", "", 900, 1000000},
		{"SELECT ", "(1 = 1) AND (", "1", ")", "", 900, 1000000}, {"SELECT ", "a IN (", "1", ")", "", 900, 1000000},
		{"", "WITH x AS (", "SELECT 1", ") SELECT 1", "", 90, 1000000}, {"SELECT 1 WHERE ", "EXISTS (SELECT 1 WHERE ", "1", ")", "", 90, 1000000},
	};
	for (int i = 0; i < LENGTH(CASES); i++) {
		const NestedCase *c = &CASES[i];
		ErrorCode code;
		StrBuf text = nested(c->before, c->open, c->fits, c->middle, c->close, c->after);
		const char *problem = problem_of(text.text, text.bytes, &code);
		if (problem) print_error("%s: %s\n", c->open, problem);
		assert_null(problem);
		strbuf_release(&text);
		text = nested(c->before, c->open, c->too_many, c->middle, c->close, c->after);
		assert_non_null(problem_of(text.text, text.bytes, &code));
		assert_int_equal(code, ERR_TOO_COMPLEX);
		strbuf_release(&text);
	}
}

static void long_lists_and_chains_are_no_nesting(void **state)
{
	(void)state;
	static const struct { const char *before, *each, *last, *after; int count; } CASES[] = {
		{"SELECT 1 WHERE ", "a = 1 OR ", "b", "", 100000}, {"SELECT 1 WHERE ", "a = 1 AND ", "b", "", 100000}, {"SELECT a IN (", "1, ", "2", ")", 100000},
		{"SELECT ", "a, ", "b", "", 10000}, {"INSERT INTO t VALUES ", "(1, 'a', NULL), ", "(1, 2, 3)", "", 100000}, {"SELECT f(", "a, ", "b", ")", 1000},
		{"SELECT CASE ", "WHEN a THEN b ", "ELSE c", " END", 10000}, {"CREATE TABLE t (", "a INT, ", "b INT", ")", 5000}, {"SELECT * FROM ", "t, ", "u", "", 900},
		{"DROP VIEW ", "a, ", "b", "", 10000},
	};
	for (int i = 0; i < LENGTH(CASES); i++) {
		ErrorCode code;
		StrBuf text = STRBUF_INIT;
		strbuf_adds(&text, CASES[i].before);
		for (int n = 0; n < CASES[i].count; n++) strbuf_adds(&text, CASES[i].each);
		strbuf_adds(&text, CASES[i].last);
		strbuf_adds(&text, CASES[i].after);
		assert_null(problem_of(text.text, text.bytes, &code));
		strbuf_release(&text);
	}
}

static void a_list_has_a_limit(void **state)
{
	(void)state;
	ErrorCode code;
	StrBuf text = nested("SELECT a IN (", "1,", PARSE_LIST_MAX + 1, "1", "", ")");
	assert_non_null(problem_of(text.text, text.bytes, &code));
	assert_int_equal(code, ERR_TOO_COMPLEX);
	strbuf_release(&text);
}

/* ---- whatever comes ---- */

static uint64_t random_next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	return *seed ^= *seed << 17;
}

static int random_below(uint64_t *seed, int limit) { return (int)(random_next(seed) % (uint64_t)limit); }

static void random_token(uint64_t *seed, StrBuf *text)
{
	static const char *const MARKS[] = {
		"(", ")", "(", ")", "[", "]", ",", ",", ".", "*", "+", "-", "/", "%", "=", "==", "<>", "<", ">", ">>", "<=", "||", "->", "->>", "#>", "::", ":=", "=>", ":",
		"'a'", "'", "\"b\"", "`c`", "[d]", "1", "2.5", "1e3", "x'00'", "x'0", ":p", "?", "$1", "$$x$$", "a", "b", "t", "f", "e'\\n'", "/*+ OPTIONS('a'='b') */", "/*", "--\n", ";",
	};
	if (random_below(seed, 3)) strbuf_adds(text, parse_keyword(random_below(seed, parse_keyword_count())));
	else strbuf_adds(text, MARKS[random_below(seed, LENGTH(MARKS))]);
	strbuf_addc(text, ' ');
}

static void assert_stable(const AstStatement *statement, const char *from)
{
	StrBuf first = STRBUF_INIT, second = STRBUF_INIT;
	Arena arena;
	Error err = ERROR_INIT;
	arena_init(&arena, 0);
	ast_print_statement(statement, &first);
	AstStatement *again = parse_statement(first.text, 0, first.bytes, &arena, &err);
	if (!again) print_error("%s\n  printed %s\n  from %s\n", err.message, first.text, from);
	assert_non_null(again);
	ast_print_statement(again, &second);
	assert_string_equal(first.text, second.text);
	strbuf_release(&first);
	strbuf_release(&second);
	arena_release(&arena);
}

/* Parses, whatever comes of it: an error has a code, a message and a place inside; a statement prints to what reads back. */
static bool try_text(const StrBuf *text)
{
	Arena arena;
	Error err = ERROR_INIT;
	AstScript script = {0};
	arena_init(&arena, 0);
	bool fine = parse_script(text->text, text->bytes, &arena, &script, &err);
	assert_int_equal(fine, err.code == ERR_NONE);
	assert_true(fine || (*err.message && err.span.start <= err.span.end && err.span.end <= text->bytes));
	for (int i = 0; i < script.count; i++) assert_stable(script.at[i], text->text);
	parse_is_complete(text->text, text->bytes);
	arena_release(&arena);
	return fine;
}

static void random_tokens_never_break_anything(void **state)
{
	(void)state;
	uint64_t seed = 20261120;
	for (int round = 0; round < 20000; round++) {
		StrBuf text = STRBUF_INIT;
		for (int n = random_below(&seed, 30); n >= 0; n--) random_token(&seed, &text);
		try_text(&text);
		strbuf_release(&text);
	}
}

/* A statement of the table in which a few words are taken out, doubled, or put in from elsewhere: much of it still parses. */
static void change_words(uint64_t *seed, const char *from, StrBuf *text)
{
	int change = 1 + random_below(seed, 3);
	size_t words = 1;
	for (const char *at = from; *at; at++) words += *at == ' ';
	for (const char *at = from; *at; ) {
		size_t bytes = strcspn(at, " ");
		bool here = change && !random_below(seed, (int)words);
		int what = here ? random_below(seed, 4) : 3;
		if (here) change--;
		if (what != 0) strbuf_add(text, at, bytes);
		strbuf_addc(text, ' ');
		if (what == 1) strbuf_add(text, at, bytes);
		if (what == 2) random_token(seed, text);
		strbuf_addc(text, ' ');
		at += bytes;
		while (*at == ' ') at++;
	}
}

static void statements_with_words_changed_never_break_anything(void **state)
{
	(void)state;
	uint64_t seed = 4711;
	int fine = 0;
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < LENGTH(STATEMENTS); i++) {
			StrBuf text = STRBUF_INIT;
			change_words(&seed, STATEMENTS[i].text, &text);
			fine += try_text(&text);
			strbuf_release(&text);
		}
	}
	assert_true(fine > 1000);
}

static void statements_cut_anywhere_never_break_anything(void **state)
{
	(void)state;
	for (int i = 0; i < LENGTH(STATEMENTS); i++) {
		size_t bytes = strlen(STATEMENTS[i].text), step = bytes / 40 + 1;
		for (size_t cut = 0; cut < bytes; cut += step) {
			StrBuf text = STRBUF_INIT;
			strbuf_add(&text, STATEMENTS[i].text, cut);
			try_text(&text);
			strbuf_release(&text);
		}
	}
}

static void random_bytes_never_break_anything(void **state)
{
	(void)state;
	uint64_t seed = 99;
	for (int round = 0; round < 20000; round++) {
		StrBuf text = STRBUF_INIT;
		for (int n = random_below(&seed, 60); n >= 0; n--) strbuf_addc(&text, (char)random_below(&seed, round % 2 ? 128 : 256));
		try_text(&text);
		strbuf_release(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(syntax_errors_name_the_place_and_what_was_expected),
		cmocka_unit_test(what_is_open_at_the_end_is_told_where_it_opens),
		cmocka_unit_test(bytes_that_are_no_text_are_refused),
		cmocka_unit_test(nesting_has_a_limit_and_no_stack_overflows),
		cmocka_unit_test(long_lists_and_chains_are_no_nesting),
		cmocka_unit_test(a_list_has_a_limit),
		cmocka_unit_test(random_tokens_never_break_anything),
		cmocka_unit_test(statements_with_words_changed_never_break_anything),
		cmocka_unit_test(statements_cut_anywhere_never_break_anything),
		cmocka_unit_test(random_bytes_never_break_anything),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
