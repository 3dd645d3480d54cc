/* src/expr: what types come out, what is refused, what is evaluated for which rows; and thousands of random expressions over
 * random rows that must give what SQLite gives. */
#include <stdarg.h>
#include <setjmp.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "expr_text.h"
#include "expr/time_pattern.h"
#include "type/row.h"

#define LENGTH(table) ((int)(sizeof (table) / sizeof *(table)))

/* ---- columns that tables of cases name ---- */

static const struct { const char *name; Type type; } COLUMNS[] = {
	{"i", {.kind = TYPE_INTEGER}}, {"j", {.kind = TYPE_INTEGER}}, {"r", {.kind = TYPE_REAL}}, {"t", {.kind = TYPE_TEXT}}, {"u", {.kind = TYPE_TEXT}},
	{"d", {.kind = TYPE_DECIMAL, .precision = 10, .scale = 2}}, {"b", {.kind = TYPE_BOOLEAN}}, {"ts", {.kind = TYPE_TIMESTAMP}}, {"day", {.kind = TYPE_DATE}},
	{"x", {.kind = TYPE_BLOB}}, {"js", {.kind = TYPE_JSON}}, {"iv", {.kind = TYPE_INTERVAL}},
};
enum { COLUMN_COUNT = sizeof COLUMNS / sizeof *COLUMNS };

static Expr *column_of(Arena *arena, const char *name)
{
	for (int i = 0; i < COLUMN_COUNT; i++)
		if (strcmp(name, COLUMNS[i].name) == 0) return expr_column(arena, i + 1, COLUMNS[i].type, true, SPAN_NONE);
	fail_msg("no column %s", name);
	return NULL;
}

static const char *column_name(ColumnId column, void *context)
{
	(void)context;
	return COLUMNS[column - 1].name;
}

static const char *printed_type(Type type)
{
	static StrBuf out;
	if (!out.text) out = STRBUF_INIT;
	strbuf_clear(&out);
	type_print(type, &out);
	return out.text;
}

static void expressions_have_these_types(void **state)
{
	(void)state;
	static const struct { const char *text, *type; } CASES[] = {
		{"i + 1", "INTEGER"}, {"i + 1.5", "REAL"}, {"d + 1", "DECIMAL(11,2)"}, {"d * 0.908", "DECIMAL(13,5)"}, {"d * d", "DECIMAL(20,4)"}, {"d / 3", "DECIMAL(14,6)"},
		{"d + r", "REAL"}, {"d + i", "DECIMAL(22,2)"}, {"d / d", "DECIMAL(23,13)"}, {"d * d * d * d", "DECIMAL(38,6)"}, {"t + 1", "REAL"}, {"'5' + 3", "INTEGER"}, {"b + 1", "INTEGER"},
		{"ts - ts", "INTERVAL"}, {"ts - INTERVAL '1 day'", "TIMESTAMP"}, {"day - day", "INTEGER"}, {"day + 1", "DATE"}, {"day + INTERVAL '1 day'", "TIMESTAMP"}, {"ts + '1 day'", "TIMESTAMP"},
		{"ts - '2026-01-01'", "INTERVAL"}, {"iv * 2", "INTERVAL"}, {"t || i", "TEXT"}, {"x || x", "BLOB"}, {"CASE WHEN i THEN 1 ELSE 2.5 END", "REAL"}, {"CASE WHEN i THEN d ELSE 1 END", "DECIMAL(10,2)"},
		{"CASE WHEN i THEN d ELSE 1.125 END", "DECIMAL(11,3)"}, {"CASE WHEN i THEN 1 ELSE t END", "TEXT"}, {"coalesce(day, ts)", "TIMESTAMP"}, {"coalesce(ts, '2026-01-01')", "TIMESTAMP"},
		{"coalesce(NULL, NULL)", "NULL"}, {"i = 1 OR b", "BOOLEAN"}, {"-d", "DECIMAL(10,2)"}, {"js -> 'a'", "JSON"}, {"js ->> 'a'", "TEXT"}, {"extract(year FROM ts)", "INTEGER"},
		{"extract(epoch FROM ts)", "REAL"}, {"CAST(r AS DECIMAL(23,3))", "DECIMAL(23,3)"}, {"greatest(i, r)", "REAL"}, {"abs(d)", "DECIMAL(10,2)"}, {"length(i)", "INTEGER"},
		{"upper(5)", "TEXT"}, {"date_trunc('day', day)", "TIMESTAMP"}, {"i IN (1, 2)", "BOOLEAN"}, {"i % 2", "INTEGER"}, {"round(i)", "REAL"}, {"round(d, 1)", "DECIMAL(10,1)"}, {"round(d)", "DECIMAL(10,0)"}, {"round(d, i)", "DECIMAL(11,2)"},
	};
	for (int i = 0; i < LENGTH(CASES); i++) {
		Arena arena;
		Error err = ERROR_INIT;
		arena_init(&arena, 0);
		Expr *e = expr_text_read(&arena, CASES[i].text, column_of, &err);
		if (!e) fail_msg("%s: %s", CASES[i].text, err.message);
		if (strcmp(printed_type(e->type), CASES[i].type) != 0) fail_msg("%s is %s, not %s", CASES[i].text, printed_type(e->type), CASES[i].type);
		arena_release(&arena);
	}
}

static void wrong_types_are_refused_with_a_reason(void **state)
{
	(void)state;
	static const struct { const char *text; ErrorCode code; const char *message, *hint; } CASES[] = {
		{"upper(t, t)", ERR_UNDEFINED_FUNCTION, "function upper(TEXT, TEXT) does not exist", "upper takes (text)."},
		{"ts + ts", ERR_UNDEFINED_FUNCTION, "operator TIMESTAMP + TIMESTAMP does not exist", NULL},
		{"day = 5", ERR_UNDEFINED_FUNCTION, "operator DATE = INTEGER does not exist", NULL},
		{"ts = 'yesterday'", ERR_DATETIME_FORMAT, "'yesterday' is no TIMESTAMP", NULL},
		{"date_trunc('fortnight', ts)", ERR_INVALID_PARAMETER, "unknown unit of time \"fortnight\"", NULL},
		{"ts AT TIME ZONE 'Europe/Atlantis'", ERR_INVALID_PARAMETER, "unknown time zone \"Europe/Atlantis\"", NULL},
		{"t REGEXP '('", ERR_INVALID_PARAMETER, "regular expression \"(\" cannot be read: missing closing parenthesis at character 1", NULL},
		{"CAST(ts AS INTEGER)", ERR_DATATYPE_MISMATCH, "TIMESTAMP cannot become INTEGER", "Use epoch(timestamp) or extract(... from timestamp)."},
		{"coalesce(day, 5)", ERR_DATATYPE_MISMATCH, "DATE and INTEGER have no common type", NULL},
		{"nosuch(1)", ERR_UNDEFINED_FUNCTION, "function \"nosuch\" does not exist", NULL},
		{"extract('fun', ts)", ERR_INVALID_PARAMETER, "unknown field \"fun\" of EXTRACT", NULL},
		{"regexp_replace(t, 'a', '$1')", ERR_UNSUPPORTED, "$1 in the replacement of regexp_replace", NULL},
		{"json_extract(js, 'a.b')", ERR_INVALID_PARAMETER, "unknown JSON path \"a.b\"", "Paths are like $.a.b[0]; wildcards may stand in JSON_QUERY and JSON_EXISTS."},
		{"date_format(ts, 'YYYY-ww')", ERR_INVALID_PARAMETER, "unknown time pattern \"YYYY-ww\"", NULL},
	};
	for (int i = 0; i < LENGTH(CASES); i++) {
		Arena arena;
		Error err = ERROR_INIT;
		arena_init(&arena, 0);
		Expr *e = expr_text_read(&arena, CASES[i].text, column_of, &err);
		if (e) fail_msg("%s is accepted", CASES[i].text);
		if (strcmp(err.message, CASES[i].message) != 0) fail_msg("%s: %s", CASES[i].text, err.message);
		assert_int_equal(err.code, CASES[i].code);
		if (CASES[i].hint) assert_string_equal(err.hint, CASES[i].hint);
		arena_release(&arena);
	}
}

static void expressions_print_with_every_operator_in_parentheses(void **state)
{
	(void)state;
	static const struct { const char *text, *printed; } CASES[] = {
		{"i + 2 * j", "(i + (2 * j))"}, {"NOT t LIKE 'a%'", "(NOT (t LIKE 'a%'))"}, {"t LIKE 'a' ESCAPE '!'", "(t LIKE 'a' ESCAPE '!')"}, {"i BETWEEN 1 AND 3", "((i >= 1) AND (i <= 3))"},
		{"i IN (1, 2)", "i IN (1, 2)"}, {"-i IS NULL", "((-i) IS NULL)"}, {"CAST(i AS TEXT)", "CAST(i AS TEXT)"}, {"CASE WHEN b THEN 1 END", "CASE WHEN b THEN 1 ELSE NULL END"},
		{"upper(t) = 'A' OR b AND i = 1", "((upper(t) = 'A') OR (b AND (i = 1)))"}, {"i = 1.0", "(i = 1)"}, {"r < 5", "(r < 5.0)"}, {"d = 12.1", "(d = CAST('12.10' AS DECIMAL(38,2)))"},
		{"t = 5", "(t = '5')"}, {"i = '5'", "(i = 5)"}, {"ts > '2026-01-01'", "(ts > TIMESTAMP '2026-01-01 00:00:00')"}, {"nullif(i, 0)", "CASE WHEN (i = 0) THEN NULL ELSE i END"},
		{"i IN (1, 2.5, 'x', NULL)", "i IN (1, NULL)"}, {"i IN ()", "FALSE"}, {"i IN (1, j)", "((i = 1) OR (i = j))"}, {"t IN (5, 'a')", "t IN ('5', 'a')"}, {"i AND j", "(CAST(i AS BOOLEAN) AND CAST(j AS BOOLEAN))"},
	};
	for (int i = 0; i < LENGTH(CASES); i++) {
		Arena arena;
		Error err = ERROR_INIT;
		StrBuf out = STRBUF_INIT;
		arena_init(&arena, 0);
		Expr *e = expr_text_read(&arena, CASES[i].text, column_of, &err);
		if (!e) fail_msg("%s: %s", CASES[i].text, err.message);
		expr_print(e, &out, column_name, NULL);
		assert_string_equal(out.text, CASES[i].printed);
		assert_true(expr_equal(e, expr_copy(&arena, e)));
		assert_true(expr_hash(e) == expr_hash(expr_copy(&arena, e)));
		strbuf_release(&out);
		arena_release(&arena);
	}
}

/* ---- values of constant expressions ---- */

static char *folded(Arena *arena, const char *text)
{
	Error err = ERROR_INIT;
	Value value;
	StrBuf out = STRBUF_INIT;
	Expr *e = expr_text_read(arena, text, column_of, &err);
	if (!e) fail_msg("%s: %s", text, err.message);
	if (!expr_fold(arena, e, &value, &err)) fail_msg("%s: %s", text, err.message);
	if (value.is_null) return "NULL";
	value_print(&value, &out);
	char *result = arena_strdup(arena, out.text);
	strbuf_release(&out);
	return result;
}

static void constants_have_these_values(void **state)
{
	(void)state;
	static const struct { const char *text, *value; } CASES[] = {
		/* overflow and division */
		{"9223372036854775807 + 1", "NULL"}, {"-9223372036854775807 - 2", "NULL"}, {"4611686018427387904 * 2", "NULL"}, {"1 / 0", "NULL"}, {"1.0 / 0", "NULL"}, {"5 % 0", "NULL"}, {"-7 / 2", "-3"},
		{"abs(-9223372036854775807 - 1)", "NULL"}, {"(-9223372036854775807 - 1) / -1", "NULL"}, {"(-9223372036854775807 - 1) % -1", "0"},
		/* DECIMAL */
		{"CAST('12.10' AS DECIMAL(10,2)) = 12.1", "true"}, {"CAST('0.1' AS DECIMAL(3,1)) + 0.2 = 0.3", "true"}, {"CAST('99999999999999999999999999999999999999' AS DECIMAL(38,0)) + 1", "NULL"},
		{"CAST(0.908 * 100 AS DECIMAL(23,3))", "90.800"}, {"CAST(1.005 AS DECIMAL(10,2))", "1.01"}, {"CAST('1.00' AS DECIMAL(10,2)) / 3", "0.333333"}, {"CAST('-1.5' AS DECIMAL(3,1)) / 0", "NULL"},
		{"CAST('12.10' AS DECIMAL(10,2)) < 12.11", "true"}, {"CAST('12.10' AS DECIMAL(10,2)) = 12.101", "false"}, {"CAST('12.10' AS DECIMAL(10,2)) IN (1, 12.1)", "true"},
		/* casts */
		{"CAST('12abc' AS INTEGER)", "12"}, {"CAST('abc' AS INTEGER)", "0"}, {"CAST('  7.9' AS INTEGER)", "7"}, {"CAST('1e3' AS INTEGER)", "1"}, {"CAST('99999999999999999999' AS INTEGER)", "9223372036854775807"},
		{"CAST('-99999999999999999999' AS INTEGER)", "-9223372036854775808"}, {"CAST(1e30 AS INTEGER)", "9223372036854775807"}, {"CAST(-1.9 AS INTEGER)", "-1"}, {"CAST('1.5xyz' AS REAL)", "1.5"},
		{"TRY_CAST('abc' AS INTEGER)", "NULL"}, {"TRY_CAST('12' AS INTEGER)", "12"}, {"CAST('2026-02-30' AS DATE)", "NULL"}, {"CAST('2026-02-28 10:00:00' AS DATE)", "2026-02-28"},
		{"CAST('1 day' AS INTERVAL)", "P1D"}, {"CAST(TIMESTAMP '2026-01-01 10:20:30' AS TIME)", "10:20:30"}, {"CAST(1 = 1 AS TEXT)", "true"}, {"CAST(x'616263' AS TEXT)", "abc"}, {"CAST(x'ff' AS TEXT)", "NULL"},
		{"CAST('{\"a\":1}' AS JSON)", "{\"a\":1}"}, {"CAST('{a:1}' AS JSON)", "NULL"}, {"CAST('yes' AS BOOLEAN)", "true"}, {"CAST(json('\"12\"') AS INTEGER)", "12"}, {"CAST('1.25' AS DECIMAL(3,1))", "1.3"},
		/* three-valued logic */
		{"NULL AND 0", "false"}, {"NULL AND 1", "NULL"}, {"NULL OR 1", "true"}, {"NOT NULL", "NULL"}, {"NULL = NULL", "NULL"}, {"NULL IS NULL", "true"}, {"1 IN (2, NULL)", "NULL"}, {"1 IN (1, NULL)", "true"},
		{"NULL IN (1)", "NULL"}, {"1 NOT IN (2, 3)", "true"}, {"NULL BETWEEN 1 AND 2", "NULL"}, {"5 BETWEEN 6 AND NULL", "false"}, {"'abc' IS NOT NULL", "true"}, {"1 IS DISTINCT FROM NULL", "true"},
		/* comparing kinds */
		{"1 < 'a'", "true"}, {"1 = '1'", "false"}, {"CAST(1 AS INTEGER) = '1'", "false"}, {"'a' < x'00'", "true"}, {"9007199254740993 = 9007199254740992.0", "false"}, {"9007199254740993 > 9007199254740992.0", "true"},
		{"TRUE = 1", "true"}, {"DATE '2026-01-01' < TIMESTAMP '2026-01-01 00:00:01'", "true"}, {"DATE '2026-01-01' < '2026-01-01 12:00:00'", "true"}, {"INTERVAL '1 month' = INTERVAL '30 days'", "true"},
		/* text */
		{"substr('hello', 0)", "hello"}, {"substr('hello', 0, 2)", "h"}, {"substr('hello', -2)", "lo"}, {"substr('hello', 2, -1)", "h"}, {"substr('hello', -9, 6)", "he"}, {"substr('äöü', 2, 1)", "ö"},
		{"replace('aaa', 'a', '')", ""}, {"replace('abc', '', 'x')", "abc"}, {"instr('abc', '')", "1"}, {"instr('äbc', 'c')", "3"}, {"split_index('a,b', ',', 5)", "NULL"}, {"split_part('a,b', ',', 5)", ""},
		{"lpad('hello', 3)", "hel"}, {"repeat('x', 100000000)", "NULL"}, {"trim('  a b  ')", "a b"}, {"lower('ÄBC')", "Äbc"}, {"reverse('')", ""}, {"left('abc', 99)", "abc"}, {"right('abc', 0)", ""},
		{"'a' || NULL", "NULL"}, {"concat_ws(NULL, 'a')", "NULL"}, {"concat()", "?"}, {"char(228)", "ä"}, {"hex(12)", "3132"}, {"translate('abc', 'a', '')", "bc"}, {"overlay('abc', 'X', 2)", "aXc"},
		/* patterns */
		{"'abc' LIKE 'A_C'", "true"}, {"'abc' LIKE '%b%'", "true"}, {"'abc' LIKE 'b%'", "false"}, {"'a%c' LIKE 'a\\%c' ESCAPE '\\'", "true"}, {"'äb' LIKE '_b'", "true"}, {"'' LIKE '%'", "true"}, {"'abc' LIKE ''", "false"},
		{"'abcabc' LIKE '%abc'", "true"}, {"'aXbXc' LIKE 'a%b%c'", "true"}, {"'abc' GLOB 'a*'", "true"}, {"'abc' GLOB 'A*'", "false"}, {"'b' GLOB '[^a]'", "true"}, {"'5' GLOB '[0-9]'", "true"}, {"'ä' GLOB '[ä-ö]'", "true"},
		{"'x' LIKE 'x' ESCAPE 'ab'", "NULL"}, {"'abc' NOT LIKE 'x%'", "true"}, {"'foo' SIMILAR TO 'f_o'", "true"}, {"'foo' SIMILAR TO '(f|g)%'", "true"}, {"'a.c' SIMILAR TO 'abc'", "false"}, {"'x' !~ 'y'", "true"},
		{"regexp_extract('abc', 'x')", "NULL"}, {"regexp_extract('abc', '(b)(x)?', 2)", "NULL"}, {"regexp_replace('aaa', 'a', 'b')", "baa"}, {"regexp_replace('abc', '', '-', 'g')", "-a-b-c-"}, {"regexp_like('a', 'A', 'i')", "true"},
		{"regexp_extract('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!', '^(a+)+$')", "NULL"},
		/* times */
		{"DATE '2026-01-31' + INTERVAL '1 month'", "2026-02-28 00:00:00"}, {"date('2026-01-31', '+1 month')", "2026-03-03"}, {"date_trunc('week', TIMESTAMP '2026-11-20 10:00:00')", "2026-11-16 00:00:00"},
		{"to_char(TIMESTAMP '1997-01-02 03:04:05', 'IYYY IYY IY I FMIYYY FMIYY FMIY FMI')", "1997 997 97 7 1997 997 97 7"},
		{"to_char(TIMESTAMP '2004-01-02 03:04:05', 'YYY YY Y FMYYY FMYY FMY')", "004 04 4 4 4 4"},
		{"date_trunc('hour', TIMESTAMP '2026-10-25 01:40:00', 'Europe/Berlin')", "2026-10-25 01:00:00"},
		{"date_trunc('hour', TIMESTAMP '2026-10-25 00:40:00', 'Europe/Berlin')", "2026-10-25 00:00:00"},
		{"date_trunc('hour', TIMESTAMP '2026-04-04 15:15:00', 'Australia/Lord_Howe')", "2026-04-04 14:30:00"},
		{"date_trunc('quarter', TIMESTAMP '2026-11-20 10:00:00')", "2026-10-01 00:00:00"}, {"date_trunc('day', TIMESTAMP '2026-03-29 12:00:00', 'Europe/Berlin')", "2026-03-28 23:00:00"},
		{"floor(TIMESTAMP '2026-11-20 10:00:00', 'week')", "2026-11-15 00:00:00"}, {"ceil(TIMESTAMP '2026-12-20 10:00:00', 'year')", "2027-01-01 00:00:00"},
		{"to_char(TIMESTAMP '2026-01-05 00:07:09.001', 'yyyy/mm/dd hh24:mi:ss.ms')", "2026/01/05 00:07:09.001"}, {"to_char(TIMESTAMP '2026-01-05 00:07:09', 'HH12 AM, DDth, \"week\" IW, Q, J, DDD')", "12 AM, 05th, week 02, 1, 2461046, 005"},
		{"to_char(TIMESTAMP '2026-05-05 00:00:00', 'Month|FMMonth|MON|dy|FMDD')", "May      |May|MAY|tue|5"}, {"to_timestamp('2026-01-05 3:07 pm', 'YYYY-MM-DD HH:MI AM')", "2026-01-05 15:07:00"},
		{"to_timestamp('20260105', 'YYYYMMDD')", "2026-01-05 00:00:00"}, {"to_timestamp('2026-13-05', 'YYYY-MM-DD')", "NULL"}, {"to_timestamp('2026-01-05 10:00:00 +02:00', 'YYYY-MM-DD HH24:MI:SS TZH:TZM')", "2026-01-05 08:00:00"},
		{"date_format(TIMESTAMP '2026-01-05 15:07:09.123456', 'EEE, d MMM yy h:mm a SSSSSS')", "Mon, 5 Jan 26 3:07 PM 123456"}, {"date_format(TIMESTAMP '2026-01-05 15:07:09', 'yyyy-MM-dd''T''HH:mm:ssXXX')", "2026-01-05T15:07:09Z"},
		{"parse_timestamp('2026-01-05 15:07:09x', 'yyyy-MM-dd HH:mm:ss')", "NULL"}, {"unix_timestamp('2026-01-05 00:00:00')", "1767571200"}, {"timestampdiff('month', TIMESTAMP '2026-01-31 00:00:00', TIMESTAMP '2026-02-28 00:00:00')", "0"},
		{"age(TIMESTAMP '2026-01-01 00:00:00', TIMESTAMP '2026-03-31 00:00:00')", "P-2M-30D"}, {"extract(week FROM DATE '2027-01-01')", "53"}, {"extract(isoyear FROM DATE '2027-01-01')", "2026"},
		{"extract(dow FROM DATE '2026-11-22')", "0"}, {"extract(century FROM DATE '2000-01-01')", "20"}, {"TIMESTAMP '2026-11-20 10:00:00' - TIMESTAMP '2026-11-21 11:00:00'", "P-1DT-1H"}, {"timezone('Europe/Berlin', TIMESTAMP '2026-07-01 12:00:00')", "2026-07-01 14:00:00"}, {"TIME '23:00' + INTERVAL '90 minutes'", "00:30:00"},
		{"strftime('%Y-%m-%dT%H:%M:%f', '2026-11-20 10:00:00.1239')", "2026-11-20T10:00:00.123"}, {"date('nonsense')", "NULL"}, {"datetime('2026-11-20', '+1 fortnight')", "NULL"}, {"datetime(1767571200, 'unixepoch', '+1 day')", "2026-01-06 00:00:00"},
		/* JSON */
		{"'{\"a\":true}' ->> 'a'", "1"}, {"'{\"a\":null}' ->> 'a'", "NULL"}, {"'{\"a\":null}' -> 'a'", "null"}, {"'{\"a\":1}' -> 'b'", "NULL"}, {"'[1,2,3]' -> 1", "2"}, {"json_extract('{\"a\":\"x\\u00e4\\n\"}', '$.a')", "xä\n"},
		{"json_extract('[1,{\"b\":[5,6]}]', '$[1].b[#-1]', '$[0]', '$[9]')", "[6,1,null]"}, {"json_type('[1]', '$[0]')", "integer"}, {"json_value('{\"a\":[1]}', '$.a')", "NULL"}, {"'not json' ->> 'a'", "NULL"},
		{"'{\"a\":5}' ->> 'a' = 5", "true"}, {"json_object('a', NULL)", "{\"a\":null}"}, {"json_set('{}', '$.a.b', 1)", "{\"a\":{\"b\":1}}"}, {"json_array_length('{}')", "0"}, {"json_valid('[1,]')", "false"}, {"json_valid('01')", "false"},
		{"json_extract('{\"a b\":1}', '$.\"a b\"')", "1"}, {"'{\"x\\\"y\":7}' -> 'x\"y'", "7"},
		/* numbers */
		{"round(2.5)", "3.0"}, {"round(-2.5)", "-3.0"}, {"round(1.005, 2)", "1.01"}, {"round(1234.5678, 2)", "1234.57"}, {"ceil(CAST('-0.5' AS DECIMAL(3,1)))", "0"}, {"sqrt(-1)", "NULL"}, {"ln(0)", "NULL"}, {"1 << 63", "-9223372036854775808"}, {"1 << 64", "0"}, {"-1 >> 70", "-1"},
		{"to_char(1234567.891, '9,999,999.99')", " 1,234,567.89"}, {"to_char(-5, 'S99')", " -5"}, {"to_char(5, '000')", " 005"}, {"to_char(12345, '999')", " ###"}, {"format('%s %q %Q %%', NULL, 'it''s', 'x')", " it''s 'x' %"},
		{"max(1, 2.5, 2)", "2.5"}, {"least(NULL, 3, 2)", "2"}, {"nullif(5, 5.0)", "NULL"}, {"iif(0, 'a', 'b')", "b"}, {"iif(1, 'a')", "a"}, {"typeof(NULL)", "null"}, {"typeof(1 = 1)", "integer"}, {"coalesce(NULL, NULL)", "NULL"},
	};
	int wrong = 0;
	for (int i = 0; i < LENGTH(CASES); i++) {
		Arena arena;
		if (strcmp(CASES[i].value, "?") == 0) continue;
		arena_init(&arena, 0);
		const char *value = folded(&arena, CASES[i].text);
		if (strcmp(value, CASES[i].value) != 0) {
			print_error("%s is %s, not %s\n", CASES[i].text, value, CASES[i].value);
			wrong++;
		}
		arena_release(&arena);
	}
	assert_int_equal(wrong, 0);
}

static void overflow_is_counted(void **state)
{
	(void)state;
	Arena arena;
	arena_init(&arena, 0);
	uint64_t before = expr_overflow_count();
	folded(&arena, "9223372036854775807 + 1");
	folded(&arena, "1 / 0");
	assert_int_equal(expr_overflow_count() - before, 1);
	arena_release(&arena);
}

/* ---- assignment ---- */

static void assignment_takes_what_loses_nothing(void **state)
{
	(void)state;
	static const struct { const char *text; Type to; const char *result; } CASES[] = {
		{"12.0", {.kind = TYPE_INTEGER}, "12"}, {"12.5", {.kind = TYPE_INTEGER}, NULL}, {"'12'", {.kind = TYPE_INTEGER}, "12"}, {"'x'", {.kind = TYPE_INTEGER}, NULL}, {"r", {.kind = TYPE_INTEGER}, NULL},
		{"t", {.kind = TYPE_INTEGER}, NULL}, {"'2026-01-01'", {.kind = TYPE_TIMESTAMP}, "TIMESTAMP '2026-01-01 00:00:00'"}, {"'2026-01-32'", {.kind = TYPE_DATE}, NULL}, {"i", {.kind = TYPE_TEXT}, "CAST(i AS TEXT)"},
		{"r", {.kind = TYPE_DECIMAL, .precision = 23, .scale = 3}, "CAST(r AS DECIMAL(23,3))"}, {"1.5", {.kind = TYPE_DECIMAL, .precision = 3, .scale = 1}, "CAST('1.5' AS DECIMAL(3,1))"}, {"1000", {.kind = TYPE_DECIMAL, .precision = 3, .scale = 1}, NULL},
		{"1", {.kind = TYPE_BOOLEAN}, "TRUE"}, {"'{\"a\":1}'", {.kind = TYPE_JSON}, "CAST('{\"a\":1}' AS JSON)"}, {"'{a}'", {.kind = TYPE_JSON}, NULL}, {"ts", {.kind = TYPE_DATE}, NULL}, {"day", {.kind = TYPE_TIMESTAMP}, "CAST(day AS TIMESTAMP)"},
	};
	for (int i = 0; i < LENGTH(CASES); i++) {
		Arena arena;
		Error err = ERROR_INIT;
		StrBuf out = STRBUF_INIT;
		arena_init(&arena, 0);
		Expr *e = expr_cast(&arena, expr_text_read(&arena, CASES[i].text, column_of, &err), CASES[i].to, CAST_ASSIGN, &err);
		if ((e != NULL) != (CASES[i].result != NULL)) fail_msg("%s into %s: %s", CASES[i].text, printed_type(CASES[i].to), err.message);
		if (e) expr_print(e, &out, column_name, NULL);
		if (e) assert_string_equal(out.text, CASES[i].result);
		strbuf_release(&out);
		arena_release(&arena);
	}
}

/* ---- evaluating ---- */

/* AND, OR and CASE give the same whether few or most rows are open, with a selection or without. */
static void undecided_rows_alone_are_evaluated_and_give_the_same(void **state)
{
	(void)state;
	static const char *const TEXTS[] = {
		"i < 3 AND j > 2 AND i + j <> 5", "i < 90 AND j > 2 OR i IS NULL", "CASE WHEN i < 10 THEN i * j WHEN i < 20 THEN -j WHEN j IS NULL THEN 7 ELSE i END",
		"CASE WHEN i < 50 THEN CASE WHEN j < 5 THEN upper(t) ELSE t || '!' END ELSE substr(t, 2) END", "i > 95 AND (j = 1 OR t LIKE 'a%' AND upper(t) = upper(t))", "(i = 1 OR j = 2) AND (i = 1 OR j = 3)",
	};
	enum { ROWS = 200 };
	Type types[COLUMN_COUNT];
	ColumnId layout[COLUMN_COUNT];
	for (int c = 0; c < COLUMN_COUNT; c++) types[c] = COLUMNS[c].type, layout[c] = c + 1;
	Batch *batch = batch_new(types, COLUMN_COUNT, ROWS);
	batch->rows = batch->count = ROWS;
	for (int c = 0; c < COLUMN_COUNT; c++) memset(batch->columns[c].data, 0, phys_bytes(type_phys(types[c])) * ROWS);
	for (int row = 0; row < ROWS; row++) {
		char text[40];
		batch->columns[0].i64[row] = row * 7 % 100;
		batch->columns[1].i64[row] = row % 11;
		if (row % 9 == 0) batch_column_nulls(batch, 1)[row] = MARK_NULL, batch->columns[1].i64[row] = 0;
		batch->columns[3].str[row] = str_copy(&batch->arena, text, (size_t)snprintf(text, sizeof text, "abc%d and some more text", row));
	}
	Batch *part = batch_derive(batch, COLUMN_COUNT);
	uint32_t *sel = arena_alloc(&part->arena, sizeof *sel * ROWS);
	for (int c = 0; c < COLUMN_COUNT; c++) part->columns[c] = batch->columns[c];
	part->sel = sel;
	part->count = 0;
	for (uint32_t row = 1; row < ROWS; row += 3) sel[part->count++] = row;
	for (int t = 0; t < LENGTH(TEXTS); t++) {
		Arena arena, scratch;
		Error err = ERROR_INIT;
		arena_init(&arena, 0);
		arena_init(&scratch, 0);
		Expr *e = expr_text_read(&arena, TEXTS[t], column_of, &err);
		ExprProgram *program = expr_compile(&arena, e, layout, COLUMN_COUNT);
		Column all = expr_eval(program, batch, &scratch), some = expr_eval(program, part, &scratch);
		uint32_t *selected = arena_alloc(&scratch, sizeof *selected * ROWS);
		int selected_count = e->type.kind == TYPE_BOOLEAN ? expr_select(program, part, &scratch, selected) : 0, expected = 0;
		for (int row = 0; row < ROWS; row++) {
			/* one row at a time: every argument is evaluated for that row or not at all */
			uint32_t one = (uint32_t)row;
			Batch single = *batch;
			single.sel = &one;
			single.count = 1;
			Column result = expr_eval(program, &single, &scratch);
			Value here = column_value(&all, row), alone = column_value(&result, 0);
			if (!value_equal(&here, &alone)) fail_msg("%s in row %d", TEXTS[t], row);
			if (row % 3 != 1) continue;
			Value picked = column_value(&some, row / 3);
			assert_true(value_equal(&here, &picked));
			if (e->type.kind == TYPE_BOOLEAN && !here.is_null && here.i64) assert_int_equal(selected[expected++], row);
		}
		assert_int_equal(selected_count, expected);
		expr_program_release(program);
		arena_release(&scratch);
		arena_release(&arena);
	}
	batch_unref(part);
	batch_unref(batch);
}

static void long_lists_are_looked_up_at_once(void **state)
{
	(void)state;
	enum { ITEMS = 10000 };
	Arena arena, scratch;
	Error err = ERROR_INIT;
	arena_init(&arena, 0);
	arena_init(&scratch, 0);
	Expr **args = arena_array(&arena, Expr *, ITEMS + 1);
	args[0] = expr_column(&arena, 1, TYPE(INTEGER), true, SPAN_NONE);
	for (int i = 0; i < ITEMS; i++) args[i + 1] = expr_int(&arena, i * 3);
	Expr *e = expr_call(&arena, "in", args, ITEMS + 1, SPAN_NONE, &err);
	ColumnId layout = 1;
	ExprProgram *program = expr_compile(&arena, e, &layout, 1);
	Type type = TYPE(INTEGER);
	Batch *batch = batch_new(&type, 1, 100);
	batch->rows = batch->count = 100;
	for (int i = 0; i < 100; i++) batch->columns->i64[i] = i;
	Column result = expr_eval(program, batch, &scratch);
	for (int i = 0; i < 100; i++) assert_int_equal(result.i64[i], i % 3 == 0);
	expr_program_release(program);
	batch_unref(batch);
	arena_release(&scratch);
	arena_release(&arena);
}

static void now_is_the_clock_of_the_batch(void **state)
{
	(void)state;
	Arena arena;
	Error err = ERROR_INIT;
	arena_init(&arena, 0);
	Expr *e = expr_text_read(&arena, "date('now', 'start of month')", column_of, &err);
	assert_non_null(e);
	assert_false(expr_is_deterministic(e));
	assert_false(expr_is_constant(e));
	ExprProgram *program = expr_compile(&arena, e, NULL, 0);
	Batch batch = {.rows = 1, .count = 1, .system_us = 86400000000 * 40};
	Column result = expr_eval(program, &batch, &arena);
	assert_int_equal(result.i64[0], 31);
	expr_program_release(program);
	arena_release(&arena);
}

static void patterns_that_look_like_javas_are_noticed(void **state)
{
	(void)state;
	assert_true(time_pattern_looks_java("yyyy-MM-dd HH:mm:ss", 19));
	assert_false(time_pattern_looks_java("YYYY-MM-DD HH24:MI:SS", 21));
	assert_false(time_pattern_looks_java("yyyy-mm-dd hh24:mi:ss", 21));
}

/* ---- the same as SQLite ---- */

/* Random expressions of one type each, over columns i, j INTEGER, r REAL, t, u TEXT. What the two must differ in is not
 * drawn: overflow, and digits of REAL as text. */
static uint64_t random_state = 0x9e3779b97f4a7c15ull;
static unsigned draw(unsigned below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)(random_state >> 33) % below;
}

static void draw_text(StrBuf *out, int depth);
static void draw_integer(StrBuf *out, int depth);
static void draw_real(StrBuf *out, int depth);
static void draw_boolean(StrBuf *out, int depth);

/* Templates: %i %r %t %b are an expression of that type, %% a percent sign, %n and %p small numbers */
static void draw_from(StrBuf *out, const char *const *templates, int count, int depth)
{
	for (const char *at = templates[draw((unsigned)count)]; *at; at++) {
		if (*at != '%') { strbuf_addc(out, *at); continue; }
		switch (*++at) {
		case 'i': draw_integer(out, depth - 1); break;
		case 'r': draw_real(out, depth - 1); break;
		case 't': draw_text(out, depth - 1); break;
		case 'b': draw_boolean(out, depth - 1); break;
		case 'n': strbuf_printf(out, "%d", (int)draw(9) - 3); break;
		case 'p': strbuf_printf(out, "%d", (int)draw(6)); break;
		default: strbuf_addc(out, *at); break;
		}
	}
}

#define DRAW(name, leaves, inner) \
	static void name(StrBuf *out, int depth) \
	{ \
		static const char *const LEAVES[] = {leaves}, *const INNER[] = {inner}; \
		if (depth <= 0 || draw(6) == 0) draw_from(out, LEAVES, LENGTH(LEAVES), depth); \
		else draw_from(out, INNER, LENGTH(INNER), depth); \
	}
#define LIST(...) __VA_ARGS__

DRAW(draw_integer, LIST("i", "j", "0", "1", "7", "(NULL + 1)", "-3", "42"),
	LIST("(%i + %i)", "(%i - %i)", "(%i * %n)", "(%i / %i)", "(%i %% %i)", "(- %i)", "abs(%i)", "length(%t)", "instr(%t, %t)", "CASE WHEN %b THEN %i ELSE %i END", "coalesce(%i, %i)",
	"nullif(%i, %i)", "ifnull(%i, %n)", "max(%i, %i)", "min(%i, %i, %n)", "iif(%b, %i, %i)", "CAST(%t AS INTEGER)", "CAST(%r AS INTEGER)", "unicode(%t)", "(%i & %i)", "(%i | %n)", "(~%i)", "sign(%r)",
	"(%i << 2)", "(%i >> 1)", "CASE %i WHEN %n THEN %i END"))
DRAW(draw_real, LIST("r", "0.5", "-2.25", "100.0", "0.0"),
	LIST("(%r + %r)", "(%r - %i)", "(%r * 0.5)", "(%r / %r)", "(%i / %r)", "(- %r)", "abs(%r)", "round(%r)", "round(%r, 2)", "CAST(%i AS REAL)", "CAST(%t AS REAL)", "coalesce(%r, %r)", "CASE WHEN %b THEN %r ELSE %r END",
	"max(%r, %r)", "(%r %% %n)"))
DRAW(draw_text, LIST("t", "u", "''", "'abc'", "'Hello World, how are you'", "'12'", "' 3.5x'", "'ä'", "CAST(i AS TEXT)"),
	LIST("upper(%t)", "lower(%t)", "substr(%t, %n)", "substr(%t, %n, %n)", "trim(%t)", "ltrim(%t, 'ab')", "rtrim(%t, %t)", "(%t || %t)", "(%t || %i)", "replace(%t, 'a', %t)", "replace(%t, %t, 'x')", "hex(%t)", "coalesce(%t, %t)",
	"CASE WHEN %b THEN %t ELSE %t END", "CAST(%i AS TEXT)", "printf('%%d-%%s', %i, %t)", "printf('%%5.1f|%%-4d|%%04d', %r, %i, %n)", "nullif(%t, %t)", "char(65 + abs(coalesce(%i, 1)) %% 26)", "quote(%t)", "min(%t, %t)", "substr(%t, 2, 3)", "typeof(%i)"))
DRAW(draw_boolean, LIST("i = 1", "t = 'abc'", "r > 0", "j IS NULL", "i"),
	LIST("(%i = %i)", "(%i < %r)", "(%r <= %i)", "(%t < %t)", "(%t = %t)", "(%t <> %i)", "(i = %t)", "(r >= %t)", "(t > %n)", "(%t LIKE 'a%%')", "(%t LIKE %t)", "(%t GLOB '*[a-c]*')", "(%t NOT LIKE '%%b_%%')", "(%b AND %b)", "(%b OR %b)",
	"(NOT %b)", "(%i IN (1, %n, %n, NULL))", "(%i IN (1, 2, 7))", "(%i IN (%i, %i))", "(t IN ('abc', %t))", "(%t IN ('', 'abc', '12'))", "(%i BETWEEN %n AND %i)", "(%t BETWEEN 'a' AND %t)", "(%i IS %i)", "(%t IS NOT %t)", "(%i IS NOT NULL)", "(%r = %r)",
	"(%b IS TRUE)", "(%t AND %i)", "(%i <> '12')"))

static const char *const TEXT_VALUES[] = {NULL, "", "abc", "ABC", "12", "12.5", " 7", "abcabcabcabcabc", "b", "ä", "3x", "a%b_c"};

static void fill_sqlite(sqlite3 *db, Batch *batch)
{
	sqlite3_stmt *insert;
	sqlite3_exec(db, "CREATE TABLE v (i INTEGER, j INTEGER, r REAL, t TEXT, u TEXT)", NULL, NULL, NULL);
	assert_int_equal(sqlite3_prepare_v2(db, "INSERT INTO v VALUES (?, ?, ?, ?, ?)", -1, &insert, NULL), SQLITE_OK);
	for (int row = 0; row < batch->rows; row++) {
		const char *texts[2] = {TEXT_VALUES[draw(LENGTH(TEXT_VALUES))], TEXT_VALUES[draw(LENGTH(TEXT_VALUES))]};
		Value values[5] = {{.type = TYPE(INTEGER), .i64 = (int)draw(30) - 10}, {.type = TYPE(INTEGER), .i64 = (int)draw(4) * 7}, {.type = TYPE(REAL), .f64 = ((int)draw(200) - 100) / 4.0}};
		for (int c = 0; c < 5; c++) {
			if (c < 3) values[c].is_null = draw(6) == 0;
			else values[c] = (Value){.type = TYPE(TEXT), .is_null = !texts[c - 3], .str = texts[c - 3] ? str_borrow(texts[c - 3], strlen(texts[c - 3])) : (Str){0}};
			batch_column_nulls(batch, c);
			column_set(&batch->columns[c], row, &values[c], &batch->arena);
			if (values[c].is_null) sqlite3_bind_null(insert, c + 1);
			else if (c < 2) sqlite3_bind_int64(insert, c + 1, values[c].i64);
			else if (c == 2) sqlite3_bind_double(insert, c + 1, values[c].f64);
			else sqlite3_bind_text(insert, c + 1, texts[c - 3], -1, SQLITE_STATIC);
		}
		sqlite3_step(insert);
		sqlite3_reset(insert);
	}
	sqlite3_finalize(insert);
}

static bool same_as_sqlite(const Value *value, sqlite3_stmt *stmt)
{
	switch (sqlite3_column_type(stmt, 0)) {
	case SQLITE_NULL: return value->is_null;
	case SQLITE_TEXT:
		if (value->is_null || type_phys(value->type) != PHYS_STR) return false;
		return value->str.bytes == (uint32_t)sqlite3_column_bytes(stmt, 0) && memcmp(str_at(&value->str), sqlite3_column_text(stmt, 0), value->str.bytes) == 0;
	default:
		if (value->is_null || type_phys(value->type) == PHYS_STR) return false;
		double theirs = sqlite3_column_double(stmt, 0), ours = value->type.kind == TYPE_REAL ? value->f64 : (double)value->i64;
		return theirs == ours || fabs(theirs - ours) <= fabs(theirs) * 1e-14;
	}
}

static Expr *sqlite_column(Arena *arena, const char *name)
{
	static const char *const NAMES[] = {"i", "j", "r", "t", "u"};
	static const TypeKind KINDS[] = {TYPE_INTEGER, TYPE_INTEGER, TYPE_REAL, TYPE_TEXT, TYPE_TEXT};
	for (int i = 0; i < 5; i++)
		if (strcmp(name, NAMES[i]) == 0) return expr_column(arena, i + 1, (Type){.kind = KINDS[i]}, true, SPAN_NONE);
	return NULL;
}

static int compare_with_sqlite(sqlite3 *db, const Batch *batch, const char *text)
{
	Arena arena, scratch;
	Error err = ERROR_INIT;
	sqlite3_stmt *stmt;
	int wrong = 0;
	StrBuf sql = STRBUF_INIT;
	static const ColumnId LAYOUT[] = {1, 2, 3, 4, 5};
	arena_init(&arena, 0);
	arena_init(&scratch, 0);
	Expr *e = expr_text_read(&arena, text, sqlite_column, &err);
	if (!e) fail_msg("%s: %s", text, err.message);
	ExprProgram *program = expr_compile(&arena, e, LAYOUT, 5);
	Column result = expr_eval(program, batch, &scratch);
	strbuf_printf(&sql, "SELECT %s FROM v ORDER BY rowid", text);
	if (sqlite3_prepare_v2(db, sql.text, -1, &stmt, NULL) != SQLITE_OK) fail_msg("%s: %s", text, sqlite3_errmsg(db));
	for (int row = 0; row < batch->rows && !wrong; row++) {
		Value value = column_value(&result, row);
		if (sqlite3_step(stmt) != SQLITE_ROW) fail_msg("%s: %s", text, sqlite3_errmsg(db));
		if (same_as_sqlite(&value, stmt)) continue;
		StrBuf ours = STRBUF_INIT;
		if (value.is_null) strbuf_adds(&ours, "NULL");
		else value_print(&value, &ours);
		const char *theirs = (const char *)sqlite3_column_text(stmt, 0);
		print_error("%s in row %d is %s, SQLite says %s\n", text, row, ours.text, theirs ? theirs : "NULL");
		strbuf_release(&ours);
		wrong = 1;
	}
	sqlite3_finalize(stmt);
	strbuf_release(&sql);
	expr_program_release(program);
	arena_release(&scratch);
	arena_release(&arena);
	return wrong;
}

static void random_expressions_give_what_sqlite_gives(void **state)
{
	(void)state;
	enum { ROWS = 24, EXPRESSIONS = 6000 };
	static const Type TYPES[] = {{.kind = TYPE_INTEGER}, {.kind = TYPE_INTEGER}, {.kind = TYPE_REAL}, {.kind = TYPE_TEXT}, {.kind = TYPE_TEXT}};
	static void (*const DRAWS[])(StrBuf *, int) = {draw_integer, draw_real, draw_text, draw_boolean};
	sqlite3 *db;
	int wrong = 0;
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	Batch *batch = batch_new(TYPES, 5, ROWS);
	batch->rows = batch->count = ROWS;
	fill_sqlite(db, batch);
	for (int i = 0; i < EXPRESSIONS && wrong < 20; i++) {
		StrBuf text = STRBUF_INIT;
		DRAWS[draw(4)](&text, (int)draw(4) + 1);
		wrong += compare_with_sqlite(db, batch, text.text);
		strbuf_release(&text);
	}
	batch_unref(batch);
	sqlite3_close(db);
	assert_int_equal(wrong, 0);
}

/* SQLite's date functions, JSON and others with constants: the answer as text */
static void random_times_and_json_give_what_sqlite_gives(void **state)
{
	(void)state;
	static const char *const TIMES[] = {"'2026-11-20'", "'2024-02-29 23:59:59.999'", "'1999-12-31T12:00'", "'0100-01-01'", "'10:20:30'", "2451545", "2451544.25", "'nonsense'", "'2026-11-20 10:00:00+02:00'", "'9998-06-30'"};
	static const char *const MODIFIERS[] = {"'+1 day'", "'-1 month'", "'+13 months'", "'start of month'", "'start of year'", "'start of day'", "'weekday 0'", "'weekday 3'", "'+90 minutes'", "'-2.5 days'", "'+01:30'", "'+1 year'", "'rubbish'", "'utc'", "'-30 seconds'"};
	static const char *const FUNCTIONS_OF_TIME[] = {"date(", "time(", "datetime(", "julianday(", "strftime('%Y|%m|%d|%H|%M|%S|%f|%j|%w|%s|%J|%W', ", "strftime('%s', "};
	static const char *const OTHERS[] = {
		"json_extract('{\"a\":[1,2.5,\"x\",null,true,{\"b\":\"\\u20ac\\\"\"}]}', '$.a[%p]')", "'{\"a\":[1,{\"b\":[]}]}' -> '$.a[1]'", "'[10,20,30]' ->> %p", "'[10,20,30]' -> '$[#-1]'", "json_type('{\"a\":[1,2.5,\"x\",null,true]}', '$.a[%p]')",
		"json_array_length('{\"a\":[1,2]}', '$.a')", "json_set('{\"a\":1,\"b\":[1,2]}', '$.b[%p]', 'new', '$.c.d', %n)", "json_insert('[1,2]', '$[#]', %n)", "json_replace('{\"a\":{\"b\":1}}', '$.a.b', json('[1, 2]'))",
		"json_remove('{\"a\":[1,2,3],\"b\":2}', '$.a[%p]')", "json_patch('{\"a\":1,\"b\":{\"c\":2}}', '{\"b\":{\"c\":null,\"d\":[%n]},\"a\":null}')", "json_array(1, 'a', NULL, %n, 2.5)", "json_object('k', %n, 'l', json_array())", "json_quote('a\"b')",
		"json(' {\"a\" : [ 1 , 2 ] } ')", "hex(%n)", "quote('it''s')", "quote(%n)", "quote(x'0aff')", "soundex('Washington')", "soundex('')", "printf('%%x %%X %%o %%e', 255, 255, 8, 12345.678)", "printf('%%+d % d %%,d', %n, 5, 1234567)", "printf('%%.3s|%%10s|%%-10s|', 'abcdef', 'abc', 'abc')",
		"printf('%%c%%5c', 'xyz', 'abc')", "printf('%%q %%Q %%w', 'a''b', 'a''b', 'a\"b')", "substr('hello', %n, %n)", "substr(x'0102030405', %n, %n) = x'02'", "instr(x'010203', x'02')", "unicode('')", "char(%n + 70)", "trim('xyaxy', 'xy')", "round(%n / 8.0, 2)", "round(2.675, 2)", "round(1.005, 2)", "abs(%n)",
		"typeof(%n / 2)", "like('a%%', 'abc')", "glob('a*', 'abc')", "max(%n, %n, %n)", "%n | %n & %n", "- %n << 3", "'abc' || %n", "CAST('0x1F' AS INTEGER)", "CAST(' 12 ' AS REAL)", "1e3 = 1000", "length(x'0102')", "zeroblob(2) = x'0000'", "ltrim('  a')", "coalesce(NULL, %n)", "5 / %n", "5 %% %n", "7.5 %% %n", "log(100)", "pow(2, %n)", "mod(7, 2.5)", "sqrt(2)", "ceil(-1.5)", "floor(%n / 2.0)", "trunc(-1.5)", "log(2, 8)", "ln(2.0)",
	};
	sqlite3 *db;
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	int wrong = 0;
	for (int i = 0; i < 4000 && wrong < 20; i++) {
		Arena arena;
		StrBuf text = STRBUF_INIT, sql = STRBUF_INIT;
		sqlite3_stmt *stmt;
		arena_init(&arena, 0);
		if (draw(2)) {
			strbuf_printf(&text, "%s%s", FUNCTIONS_OF_TIME[draw(LENGTH(FUNCTIONS_OF_TIME))], TIMES[draw(LENGTH(TIMES))]);
			for (unsigned m = draw(3); m; m--) strbuf_printf(&text, ", %s", MODIFIERS[draw(LENGTH(MODIFIERS))]);
			strbuf_addc(&text, ')');
		} else draw_from(&text, &OTHERS[draw(LENGTH(OTHERS))], 1, 1);
		strbuf_printf(&sql, "SELECT %s", text.text);
		if (sqlite3_prepare_v2(db, sql.text, -1, &stmt, NULL) != SQLITE_OK) fail_msg("%s: %s", text.text, sqlite3_errmsg(db));
		bool row = sqlite3_step(stmt) == SQLITE_ROW;
		const char *theirs = row ? (const char *)sqlite3_column_text(stmt, 0) : "error", *ours = folded(&arena, text.text);
		bool same = strcmp(ours, theirs ? theirs : "NULL") == 0 || (strcmp(ours, "true") == 0 && theirs && strcmp(theirs, "1") == 0) || (strcmp(ours, "false") == 0 && theirs && strcmp(theirs, "0") == 0);
		if (!same && row && sqlite3_column_type(stmt, 0) != SQLITE_TEXT) same = theirs && fabs(atof(ours) - sqlite3_column_double(stmt, 0)) <= 1e-12 * fabs(atof(ours)) && strcmp(ours, "NULL") != 0;
		if (!same && row) {
			print_error("%s is %s, SQLite says %s\n", text.text, ours, theirs ? theirs : "NULL");
			wrong++;
		}
		sqlite3_finalize(stmt);
		strbuf_release(&text);
		strbuf_release(&sql);
		arena_release(&arena);
	}
	sqlite3_close(db);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expressions_have_these_types),
		cmocka_unit_test(wrong_types_are_refused_with_a_reason),
		cmocka_unit_test(expressions_print_with_every_operator_in_parentheses),
		cmocka_unit_test(constants_have_these_values),
		cmocka_unit_test(overflow_is_counted),
		cmocka_unit_test(assignment_takes_what_loses_nothing),
		cmocka_unit_test(undecided_rows_alone_are_evaluated_and_give_the_same),
		cmocka_unit_test(long_lists_are_looked_up_at_once),
		cmocka_unit_test(now_is_the_clock_of_the_batch),
		cmocka_unit_test(patterns_that_look_like_javas_are_noticed),
		cmocka_unit_test(random_expressions_give_what_sqlite_gives),
		cmocka_unit_test(random_times_and_json_give_what_sqlite_gives),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
