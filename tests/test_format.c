/* Formats: what a record's bytes become, what is bad and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "format/format.h"
#include "format/json_scan.h"
#include "format/json_simd.h"
#include "type/text.h"

#define BYTES(literal) literal, sizeof(literal) - 1

typedef struct Heard { StrBuf text; int records, values; ErrorCode code; } Heard;

static void hear_record(void *context, const RecordBatch *records, const Record *record, ErrorCode code, const char *error)
{
	(void)records, (void)record;
	Heard *heard = context;
	heard->records++, heard->code = code;
	strbuf_adds(&heard->text, error);
}

static void hear_value(void *context, const RecordBatch *records, const Record *record, int row, int column, ErrorCode code, const char *error)
{
	(void)records, (void)record, (void)row, (void)column;
	Heard *heard = context;
	heard->values++, heard->code = code;
	strbuf_adds(&heard->text, error);
}

/* The cells of one decoded record: values by '|', NULL, BAD; or DEAD. */
static void cells(const Decoded *out, StrBuf *text)
{
	if (!out->batch) { strbuf_adds(text, "DEAD"); return; }
	for (int row = 0; row < out->batch->rows; row++) {
		if (row) strbuf_addc(text, '\n');
		if (out->ops) strbuf_addc(text, "+UDB"[out->ops[row]]);
		for (int col = 0; col < out->batch->column_count; col++) {
			const Column *column = &out->batch->columns[col];
			if (col) strbuf_addc(text, '|');
			uint8_t mark = column->null ? column->null[row] : MARK_VALUE;
			Value value = column_value(column, row);
			if (mark == MARK_VALUE) value_print(&value, text);
			else strbuf_adds(text, mark == MARK_BAD ? "BAD" : "NULL");
		}
	}
}

typedef struct Wanted { const char *path; Type type; bool not_null; DecodeFrom from; TimeUnit unit; bool is_key, is_alone; } Wanted;

static int make_columns(Arena *arena, const Wanted *wanted, int count, DecodeColumn *columns)
{
	for (int i = 0; i < count; i++) {
		columns[i] = (DecodeColumn){.name = wanted[i].path, .type = wanted[i].type, .from = wanted[i].from, .not_null = wanted[i].not_null, .unit = wanted[i].unit, .ordinal = i, .is_key = wanted[i].is_key, .is_alone = wanted[i].is_alone};
		Error err = ERROR_INIT;
		if (wanted[i].from == DECODE_FIELD || wanted[i].from == DECODE_KEY_FIELD || wanted[i].from == DECODE_HEADER)
			assert_true(decode_path_parse(arena, wanted[i].path, SPAN_NONE, &columns[i].path, &columns[i].path_count, &err));
	}
	return count;
}

static void decode_one(DecoderConfig config, const Wanted *wanted, int count, Record record, StrBuf *text, Heard *heard)
{
	Arena arena;
	arena_init(&arena, 0);
	DecodeColumn columns[8];
	config.columns = columns;
	config.column_count = make_columns(&arena, wanted, count, columns);
	Error err = ERROR_INIT;
	Decoder *decoder = decoder_new(&config, &err);
	if (!decoder) fail_msg("%s", err.message);
	RecordBatch records = {.at = &record, .count = 1, .topic = "t"};
	DeadSink dead = {.context = heard, .record = hear_record, .value = hear_value};
	Decoded out;
	assert_int_equal(decoder_decode(decoder, &records, 0, &out, &dead), 1);
	cells(&out, text);
	batch_unref(out.batch);
	decoder_free(decoder);
	arena_release(&arena);
}

#define DECIMAL(p, s) {.kind = TYPE_DECIMAL, .precision = p, .scale = s}
#define T(kind_) {.kind = TYPE_##kind_}

static const RowField INTEGERS[] = {{"", T(INTEGER)}}, TIMES[] = {{"INTEGER", T(TIMESTAMP)}};
#define LIST(elements) {.kind = TYPE_JSON, .field_count = 1, .fields = elements}
static const RowField PARTS[] = {{"a", T(INTEGER)}, {"b", LIST(INTEGERS)}, {"c", T(TEXT)}, {"d", DECIMAL(6, 2)}};
#define ROW_OF_PARTS {.kind = TYPE_ROW, .field_count = 4, .fields = PARTS}

typedef struct FieldCase { const char *title; Type type; const char *json; size_t bytes; const char *cell; const char *error; } FieldCase;

static const FieldCase FIELDS[] = {
	{"an integer", T(INTEGER), BYTES("{\"a\":12}"), "12", ""},
	{"the greatest integer", T(INTEGER), BYTES("{\"a\":9223372036854775807}"), "9223372036854775807", ""},
	{"the least integer", T(INTEGER), BYTES("{\"a\":-9223372036854775808}"), "-9223372036854775808", ""},
	{"one beyond", T(INTEGER), BYTES("{\"a\":9223372036854775808}"), "BAD", "field \"a\": 9223372036854775808 is out of range"},
	{"far beyond 64 bits", T(INTEGER), BYTES("{\"a\":99999999999999999999999}"), "BAD", "is out of range"},
	{"12.0 is an integer", T(INTEGER), BYTES("{\"a\":12.0}"), "12", ""},
	{"1e3 is an integer", T(INTEGER), BYTES("{\"a\":1e3}"), "1000", ""},
	{"12.5 is none", T(INTEGER), BYTES("{\"a\":12.5}"), "BAD", "field \"a\": 12.5 is no INTEGER"},
	{"a fraction that a double loses", T(INTEGER), BYTES("{\"a\":1000.0000000000000000001}"), "BAD", "is no INTEGER"},
	{"an integer above 2^53 written with .0", T(INTEGER), BYTES("{\"a\":9007199254740993.0}"), "9007199254740993", ""},
	{"a number in a string", T(INTEGER), BYTES("{\"a\":\"12\"}"), "12", ""},
	{"a word", T(INTEGER), BYTES("{\"a\":\"seven\"}"), "BAD", "field \"a\": \"seven\" is no INTEGER"},
	{"an empty string", T(INTEGER), BYTES("{\"a\":\"\"}"), "BAD", "field \"a\": \"\" is no INTEGER"},
	{"true is no integer", T(INTEGER), BYTES("{\"a\":true}"), "BAD", "field \"a\": true is no INTEGER"},
	{"an object is no integer", T(INTEGER), BYTES("{\"a\":{\"b\": 1}}"), "BAD", "{\"b\": 1} is no INTEGER"},
	{"null", T(INTEGER), BYTES("{\"a\":null}"), "NULL", ""},
	{"missing", T(INTEGER), BYTES("{\"b\":1}"), "NULL", ""},
	{"an empty object", T(INTEGER), BYTES("{}"), "NULL", ""},
	{"another case", T(INTEGER), BYTES("{\"A\":1}"), "1", ""},
	{"the exact name before another case", T(INTEGER), BYTES("{\"A\":1,\"a\":2}"), "2", ""},
	{"the exact name first", T(INTEGER), BYTES("{\"a\":2,\"A\":1}"), "2", ""},
	{"of two fields of one name the last", T(INTEGER), BYTES("{\"a\":1,\"a\":2}"), "2", ""},
	{"an escaped name", T(INTEGER), BYTES("{\"\\u0061\":3}"), "3", ""},

	{"a real", T(REAL), BYTES("{\"a\":0.1}"), "0.1", ""},
	{"an integer for a real", T(REAL), BYTES("{\"a\":5}"), "5.0", ""},
	{"a real in a string", T(REAL), BYTES("{\"a\":\"-1.5e3\"}"), "-1500.0", ""},
	{"a real beyond its range", T(REAL), BYTES("{\"a\":1e400}"), "BAD", "field \"a\": 1e400 is out of range"},
	{"not a number", T(REAL), BYTES("{\"a\":\"NaN\"}"), "BAD", "is no REAL"},

	{"a decimal", DECIMAL(10, 2), BYTES("{\"a\":12.50}"), "12.50", ""},
	{"an integer for a decimal", DECIMAL(10, 2), BYTES("{\"a\":12}"), "12.00", ""},
	{"a decimal in a string", DECIMAL(10, 2), BYTES("{\"a\":\"12.5\"}"), "12.50", ""},
	{"30 digits", DECIMAL(38, 10), BYTES("{\"a\":12345678901234567890.0123456789}"), "12345678901234567890.0123456789", ""},
	{"30 digits beside others", DECIMAL(38, 10), BYTES("{\"b\":\"x\\\"y\",\"a\":12345678901234567890.0123456789,\"c\":[1,{\"a\":2}]}"), "12345678901234567890.0123456789", ""},
	{"zeros at the end are no loss", DECIMAL(10, 2), BYTES("{\"a\":1.5000}"), "1.50", ""},
	{"an exponent", DECIMAL(10, 2), BYTES("{\"a\":125e-2}"), "1.25", ""},
	{"more digits than it keeps", DECIMAL(10, 2), BYTES("{\"a\":1.255}"), "BAD", "field \"a\": 1.255 has more digits than the column keeps"},
	{"digits that a double would lose", DECIMAL(10, 2), BYTES("{\"a\":12.500000000000000000001}"), "BAD", "more digits"},
	{"17 digits that a double takes for 2", DECIMAL(10, 2), BYTES("{\"a\":0.29999999999999999}"), "BAD", "more digits"},
	{"15 digits", DECIMAL(20, 5), BYTES("{\"a\":1234567890.12345}"), "1234567890.12345", ""},
	{"16 digits", DECIMAL(20, 5), BYTES("{\"a\":12345678901.12345}"), "12345678901.12345", ""},
	{"a decimal beside a long number", DECIMAL(10, 2), BYTES("{\"b\":1234567890123456,\"a\":0.07}"), "0.07", ""},
	{"a negative decimal", DECIMAL(10, 2), BYTES("{\"a\":-0.05}"), "-0.05", ""},
	{"a decimal with an exponent of a few digits", DECIMAL(38, 2), BYTES("{\"a\":1.5e20}"), "150000000000000000000.00", ""},
	{"a decimal too large", DECIMAL(4, 2), BYTES("{\"a\":100}"), "BAD", "is out of range"},

	{"text", T(TEXT), BYTES("{\"a\":\"x\"}"), "x", ""},
	{"empty text", T(TEXT), BYTES("{\"a\":\"\"}"), "", ""},
	{"text beyond what lies inline", T(TEXT), BYTES("{\"a\":\"a text that is longer than twelve bytes\"}"), "a text that is longer than twelve bytes", ""},
	{"emoji", T(TEXT), BYTES("{\"a\":\"日本 \\ud83d\\ude00\"}"), "日本 😀", ""},
	{"a number for text, as written", T(TEXT), BYTES("{\"a\":1.50}"), "1.50", ""},
	{"an integer for text", T(TEXT), BYTES("{\"a\":-7}"), "-7", ""},
	{"minus zero for text", T(TEXT), BYTES("{\"a\":-0}"), "-0", ""},
	{"true for text", T(TEXT), BYTES("{\"a\":true}"), "true", ""},
	{"an object for text, without blanks", T(TEXT), BYTES("{\"a\":{ \"b\" : [1, 2.50, \"x y\"] }}"), "{\"b\":[1,2.50,\"x y\"]}", ""},
	{"invalid UTF-8", T(TEXT), BYTES("{\"a\":\"x\xff\xfe\"}"), "BAD", "field \"a\": no valid UTF-8 at byte 1"},
	{"half a surrogate pair", T(TEXT), BYTES("{\"a\":\"\\ud800x\"}"), "BAD", "field \"a\": no valid UTF-8 at byte 0"},
	{"invalid UTF-8 in a field that nobody reads", T(TEXT), BYTES("{\"b\":\"\xff\",\"a\":\"x\"}"), "x", ""},
	{"a huge number in a field that nobody reads", T(TEXT), BYTES("{\"b\":1e999,\"a\":\"x\"}"), "x", ""},

	{"true", T(BOOLEAN), BYTES("{\"a\":true}"), "true", ""},
	{"1 is true", T(BOOLEAN), BYTES("{\"a\":1}"), "true", ""},
	{"0 in a string is false", T(BOOLEAN), BYTES("{\"a\":\"0\"}"), "false", ""},
	{"2 is neither", T(BOOLEAN), BYTES("{\"a\":2}"), "BAD", "field \"a\": 2 is no BOOLEAN"},

	{"a time with T and Z", T(TIMESTAMP), BYTES("{\"a\":\"2026-11-20T10:00:00.25Z\"}"), "2026-11-20 10:00:00.25", ""},
	{"a time with a blank", T(TIMESTAMP), BYTES("{\"a\":\"2026-11-20 10:00:00\"}"), "2026-11-20 10:00:00", ""},
	{"a time with an offset", T(TIMESTAMP), BYTES("{\"a\":\"2026-11-20T10:00:00+02:00\"}"), "2026-11-20 08:00:00", ""},
	{"seconds", T(TIMESTAMP), BYTES("{\"a\":1700000000}"), "2023-11-14 22:13:20", ""},
	{"seconds with a fraction", T(TIMESTAMP), BYTES("{\"a\":1700000000.25}"), "2023-11-14 22:13:20.25", ""},
	{"milliseconds", T(TIMESTAMP), BYTES("{\"a\":1700000000123}"), "2023-11-14 22:13:20.123", ""},
	{"microseconds", T(TIMESTAMP), BYTES("{\"a\":1700000000123456}"), "2023-11-14 22:13:20.123456", ""},
	{"nanoseconds", T(TIMESTAMP), BYTES("{\"a\":1700000000123456789}"), "2023-11-14 22:13:20.123456", ""},
	{"milliseconds in a string", T(TIMESTAMP), BYTES("{\"a\":\"1700000000123\"}"), "2023-11-14 22:13:20.123", ""},
	{"no time", T(TIMESTAMP), BYTES("{\"a\":\"soon\"}"), "BAD", "field \"a\": \"soon\" is no TIMESTAMP"},
	{"no such day", T(TIMESTAMP), BYTES("{\"a\":\"2026-02-30 00:00:00\"}"), "BAD", "is no TIMESTAMP"},
	{"a date", T(DATE), BYTES("{\"a\":\"2026-11-20\"}"), "2026-11-20", ""},
	{"days", T(DATE), BYTES("{\"a\":1}"), "1970-01-02", ""},
	{"a time of day", T(TIME), BYTES("{\"a\":\"10:00:00.5\"}"), "10:00:00.5", ""},
	{"a time of day cannot be a number of unknown unit", T(TIME), BYTES("{\"a\":3600}"), "BAD", "is no TIME"},
	{"an interval", T(INTERVAL), BYTES("{\"a\":\"P1DT2H\"}"), "P1DT2H", ""},

	{"bytes in base64", T(BLOB), BYTES("{\"a\":\"aGk=\"}"), "hi", ""},
	{"bytes in hexadecimal", T(BLOB), BYTES("{\"a\":\"\\\\x6869\"}"), "hi", ""},
	{"no bytes", T(BLOB), BYTES("{\"a\":\"!\"}"), "BAD", "is neither base64"},
	{"JSON of an array", T(JSON), BYTES("{\"a\":[1, 2]}"), "[1,2]", ""},
	{"JSON of a string keeps its quotes", T(JSON), BYTES("{\"a\":\"x\\n\"}"), "\"x\\n\"", ""},
	{"JSON null is NULL", T(JSON), BYTES("{\"a\":null}"), "NULL", ""},
	{"a whole ROW", T(ROW), BYTES("{\"a\":{\"b\":1.10}}"), "{\"b\":1.10}", ""},
	{"fields in their order and types", ROW_OF_PARTS, BYTES("{\"a\":{\"d\":1.5, \"c\":\"\\u0078\\n\",\"b\":[1.0, \"2\",null],\"a\":\"7\",\"z\":0}}"), "{\"a\":7,\"b\":[1,2,null],\"c\":\"x\\n\",\"d\":1.50}", ""},
	{"fields as they are declared", ROW_OF_PARTS, BYTES("{\"a\":{\"a\":7,\"b\":[ ],\"c\":\"x\",\"d\":1e1}}"), "{\"a\":7,\"b\":[],\"c\":\"x\",\"d\":10.00}", ""},
	{"fields in another case, missing, twice", ROW_OF_PARTS, BYTES("{\"a\":{\"A\":1,\"c\":1,\"C\":3,\"c\":{\"x\": 2}}}"), "{\"a\":1,\"b\":null,\"c\":\"{\\\"x\\\":2}\",\"d\":null}", ""},
	{"two cases fit neither", ROW_OF_PARTS, BYTES("{\"a\":{\"A\":1,\"C\":3,\"D\":4,\"d\":5,\"D\":6}}"), "{\"a\":1,\"b\":null,\"c\":\"3\",\"d\":5.00}", ""},
	{"a field of another type", ROW_OF_PARTS, BYTES("{\"a\":{\"a\":\"x\"}}"), "BAD", "field \"a\": \"x\" is no INTEGER"},
	{"an array for a ROW", ROW_OF_PARTS, BYTES("{\"a\":[1]}"), "BAD", "field \"a\": [1] is no ROW<a INTEGER, b ARRAY<INTEGER>, c TEXT, d DECIMAL(6,2)>"},
	{"an object for an array inside", ROW_OF_PARTS, BYTES("{\"a\":{\"b\":{}}}"), "BAD", "field \"a\": {} is no ARRAY<INTEGER>"},
	{"an array inside an array of numbers", LIST(INTEGERS), BYTES("{\"a\":[1,[2]]}"), "BAD", "field \"a\": [2] is no INTEGER"},
	{"an array in a string", LIST(INTEGERS), BYTES("{\"a\":\"[1]\"}"), "BAD", "is no ARRAY<INTEGER>"},
	{"a number for an array", LIST(INTEGERS), BYTES("{\"a\":1}"), "BAD", "field \"a\": 1 is no ARRAY<INTEGER>"},
	{"a map by its keys, the last of each", LIST(TIMES), BYTES("{\"a\":{\"07\":0,\"10\":null,\"7\":1770000000}}"), "{\"10\":null,\"7\":\"2026-02-02 02:40:00\"}", ""},
	{"a ROW that is a number", T(ROW), BYTES("{\"a\":1}"), "BAD", "field \"a\": 1 is no object"},

	{"an open object", T(TEXT), BYTES("{"), "DEAD", "not JSON: it ends after 1 bytes where a field name should be"},
	{"no JSON", T(TEXT), BYTES("no JSON"), "DEAD", "not JSON: 'n' at byte 0 where a value should be"},
	{"cut short", T(TEXT), BYTES("{\"a\": \"x\""), "DEAD", "not JSON"},
	{"a number", T(TEXT), BYTES("42"), "DEAD", "not a JSON object but a number"},
	{"an array", T(TEXT), BYTES("[{\"a\":1}]"), "DEAD", "not a JSON object but an array"},
	{"nothing", T(TEXT), BYTES(""), "DEAD", "not JSON: the record is empty"},
	{"a NUL byte between fields", T(TEXT), BYTES("{\"i\": 1, \x00\"a\": \"x\"}"), "DEAD", "not JSON: byte 0x00 at 9"},
	{"a line end in a string", T(TEXT), BYTES("{\"a\":\"x\ny\"}"), "DEAD", "not JSON: byte 0x0a at 7 where a character of a string should be"},
	{"a broken value in a field that nobody reads", T(TEXT), BYTES("{\"b\":tru,\"a\":\"x\"}"), "DEAD", "not JSON"},
	{"two objects", T(TEXT), BYTES("{\"a\":\"x\"}{\"a\":\"y\"}"), "DEAD", "not JSON: '{' at byte 9 where the end should be"},
	{"a comma too many", T(TEXT), BYTES("{\"a\":\"x\",}"), "DEAD", "not JSON: '}' at byte 9 where a field name should be"},
	{"a leading zero", T(TEXT), BYTES("{\"a\":01}"), "DEAD", "not JSON"},
	{"a byte order mark is no matter", T(TEXT), BYTES("\xef\xbb\xbf{\"a\":\"x\"}"), "x", ""},
	{"blanks around", T(TEXT), BYTES(" \n{\"a\":\"x\"}\r\n"), "x", ""},
};

static void fields_of_json_become_values_or_say_why_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS; i++) {
		const FieldCase *c = &FIELDS[i];
		StrBuf text = STRBUF_INIT;
		Heard heard = {.text = STRBUF_INIT};
		char *copy = mem_alloc(c->bytes + 1);                  /* so that sanitizers see what is read behind it */
		memcpy(copy, c->json, c->bytes);
		decode_one((DecoderConfig){.format = "json"}, &(Wanted){"a", c->type}, 1, (Record){.value = copy, .value_bytes = (uint32_t)c->bytes}, &text, &heard);
		if (strcmp(text.text, c->cell) != 0) fail_msg("%s: got %s (%s)", c->title, text.text, heard.text.text);
		if (!strstr(heard.text.text, c->error) || (*c->error == 0) != (heard.text.bytes == 0)) fail_msg("%s: says %s", c->title, heard.text.text);
		assert_int_equal(heard.records, strcmp(c->cell, "DEAD") == 0);
		assert_int_equal(heard.values, strcmp(c->cell, "BAD") == 0);
		free(copy);
		strbuf_release(&text);
		strbuf_release(&heard.text);
	}
}

static void a_nul_inside_a_string_arrives_as_it_is(void **state)
{
	(void)state;
	DecodeColumn column = {.name = "a", .type = TYPE(TEXT), .path = (const char *const[]){"a"}, .path_count = 1};
	Error err = ERROR_INIT;
	Decoder *decoder = decoder_new(&(DecoderConfig){.format = "json", .columns = &column, .column_count = 1}, &err);
	Record record = {.value = "{\"a\":\"a\\u0000b\"}", .value_bytes = 16};
	Decoded out;
	decoder_decode(decoder, &(RecordBatch){.at = &record, .count = 1}, 0, &out, NULL);
	assert_int_equal(out.batch->columns[0].str[0].bytes, 3);
	assert_memory_equal(str_at(&out.batch->columns[0].str[0]), "a\0b", 3);
	batch_unref(out.batch);
	decoder_free(decoder);
}

typedef struct RowCase { const char *title; const char *value, *cells, *error; } RowCase;

static void nested_fields_are_found_by_path(void **state)
{
	(void)state;
	static const Wanted WANTED[] = {{"bid.price", T(INTEGER)}, {"bid", T(ROW)}, {"bid.price", T(TEXT)}, {"kind", T(INTEGER), .not_null = true}, {"a.b.c", T(TEXT)}};
	static const RowCase CASES[] = {
		{"all there", "{\"kind\":2,\"bid\":{\"price\":5,\"x\":[1]},\"a\":{\"b\":{\"c\":\"d\"}}}", "5|{\"price\":5,\"x\":[1]}|5|2|d", ""},
		{"a null row", "{\"kind\":2,\"bid\":null}", "NULL|NULL|NULL|2|NULL", ""},
		{"no row", "{\"kind\":2}", "NULL|NULL|NULL|2|NULL", ""},
		{"a row that is none", "{\"kind\":2,\"bid\":7}", "BAD|BAD|BAD|2|NULL",
			"field \"bid.price\": the value around it is no objectfield \"bid\": 7 is no objectfield \"bid.price\": the value around it is no object"},
		{"a needed field is missing", "{\"bid\":{\"price\":5}}", "5|{\"price\":5}|5|BAD|NULL", "field \"kind\" is missing"},
		{"a needed field is null", "{\"kind\":null}", "NULL|NULL|NULL|BAD|NULL", "field \"kind\" is null"},
		{"a row twice: the last counts", "{\"kind\":1,\"bid\":{\"price\":5},\"bid\":{\"y\":0}}", "NULL|{\"y\":0}|NULL|1|NULL", ""},
		{"names in another case on both levels", "{\"Kind\":1,\"BID\":{\"Price\":5}}", "5|{\"Price\":5}|5|1|NULL", ""},
		{"two cases of one name fit neither", "{\"kind\":1,\"Bid\":{\"price\":5},\"BID\":{\"price\":6}}", "NULL|NULL|NULL|1|NULL", ""},
		{"invalid UTF-8 inside a row", "{\"kind\":1,\"bid\":{\"price\":5,\"t\":\"\xff\"}}", "5|BAD|5|1|NULL", "field \"bid\": no valid UTF-8 at byte 0"},
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		StrBuf text = STRBUF_INIT;
		Heard heard = {.text = STRBUF_INIT};
		decode_one((DecoderConfig){.format = "json"}, WANTED, 5, (Record){.value = CASES[i].value, .value_bytes = (uint32_t)strlen(CASES[i].value)}, &text, &heard);
		if (strcmp(text.text, CASES[i].cells) != 0 || strcmp(heard.text.text, CASES[i].error) != 0) fail_msg("%s: %s (%s)", CASES[i].title, text.text, heard.text.text);
		strbuf_release(&text);
		strbuf_release(&heard.text);
	}
}

static const char *find_header(const Record *record, const char *name, size_t *bytes)
{
	(void)record;
	*bytes = 2;
	return strcmp(name, "trace") == 0 ? "42" : NULL;
}

static void print_headers(const Record *record, const HeadersForm *form, StrBuf *out) { (void)record; (void)form; strbuf_adds(out, "{\"trace\":\"42\"}"); }

static void metadata_stands_beside_the_fields(void **state)
{
	(void)state;
	static const Wanted WANTED[] = {{"key", T(TEXT), .from = DECODE_KEY}, {"topic", T(TEXT), .from = DECODE_TOPIC}, {"partition", T(INTEGER), .from = DECODE_PARTITION},
		{"offset", T(INTEGER), .from = DECODE_POSITION}, {"timestamp", T(TIMESTAMP), .from = DECODE_TIMESTAMP}, {"headers", T(JSON), .from = DECODE_HEADERS},
		{"trace", T(INTEGER), .from = DECODE_HEADER}, {"nope", T(TEXT), .from = DECODE_HEADER}};
	Arena arena;
	arena_init(&arena, 0);
	DecodeColumn columns[8];
	Error err = ERROR_INIT;
	Decoder *decoder = decoder_new(&(DecoderConfig){.format = "json", .columns = columns, .column_count = make_columns(&arena, WANTED, 8, columns)}, &err);
	Record records[2] = {
		{.value = "{}", .value_bytes = 2, .key = "k1", .key_bytes = 2, .position = 7, .timestamp_us = 1700000000123000},
		{.value = "{}", .value_bytes = 2, .position = 8, .timestamp_us = TIMESTAMP_NONE},
	};
	RecordBatch batch = {.at = records, .count = 2, .partition = 3, .topic = "t", .headers_json = print_headers, .header_find = find_header};
	Decoded out;
	decoder_decode(decoder, &batch, 0, &out, NULL);
	StrBuf text = STRBUF_INIT;
	cells(&out, &text);
	assert_string_equal(text.text, "k1|t|3|7|2023-11-14 22:13:20.123|{\"trace\":\"42\"}|42|NULL\nNULL|t|3|8|NULL|{\"trace\":\"42\"}|42|NULL");
	assert_int_equal(out.positions[1], 8);
	batch_unref(out.batch);
	columns[2].type = TYPE(REAL);
	assert_null(decoder_new(&(DecoderConfig){.format = "json", .columns = columns, .column_count = 8}, &err));
	assert_int_equal(err.code, ERR_DATATYPE_MISMATCH);
	decoder_free(decoder);
	strbuf_release(&text);
	arena_release(&arena);
}

static void times_as_numbers_may_have_a_fixed_unit(void **state)
{
	(void)state;
	static const struct { TimeUnit unit; Type type; const char *value, *cell; } CASES[] = {
		{TIME_UNIT_MS, T(TIMESTAMP), "{\"a\":1000}", "1970-01-01 00:00:01"}, {TIME_UNIT_SECONDS, T(TIMESTAMP), "{\"a\":1000}", "1970-01-01 00:16:40"},
		{TIME_UNIT_US, T(TIMESTAMP), "{\"a\":1000}", "1970-01-01 00:00:00.001"}, {TIME_UNIT_NS, T(TIMESTAMP), "{\"a\":-1}", "1969-12-31 23:59:59.999999"},
		{TIME_UNIT_MS, T(TIME), "{\"a\":3600000}", "01:00:00"}, {TIME_UNIT_SECONDS, T(TIMESTAMP), "{\"a\":9223372036854775807}", "BAD"},
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		StrBuf text = STRBUF_INIT;
		Heard heard = {.text = STRBUF_INIT};
		decode_one((DecoderConfig){.format = "json"}, &(Wanted){"a", CASES[i].type, .unit = CASES[i].unit}, 1,
			(Record){.value = CASES[i].value, .value_bytes = (uint32_t)strlen(CASES[i].value)}, &text, &heard);
		assert_string_equal(text.text, CASES[i].cell);
		strbuf_release(&text);
		strbuf_release(&heard.text);
	}
}

typedef struct ChangeCase { const char *title; Changelog changelog; const char *key, *value, *cells, *error; } ChangeCase;

static void changelogs_say_what_a_record_does(void **state)
{
	(void)state;
	static const ChangeCase CASES[] = {
		{"upsert", CHANGELOG_UPSERT, "{\"id\":1}", "{\"v\":\"x\"}", "U1|x", ""},
		{"upsert without value takes away", CHANGELOG_UPSERT, "{\"id\":1}", NULL, "D1|NULL", ""},
		{"upsert with a broken key", CHANGELOG_UPSERT, "{", "{\"v\":\"x\"}", "DEAD", "key: not JSON"},
		{"Debezium create", CHANGELOG_DEBEZIUM, "{\"id\":1}", "{\"op\":\"c\",\"before\":null,\"after\":{\"v\":\"x\"}}", "U1|x", ""},
		{"Debezium update in payload", CHANGELOG_DEBEZIUM, "{\"id\":1}", "{\"schema\":{},\"payload\":{\"op\":\"u\",\"before\":{\"v\":\"x\"},\"after\":{\"v\":\"y\"}}}", "B1|x\nU1|y", ""},
		{"Debezium delete", CHANGELOG_DEBEZIUM, "{\"id\":1}", "{\"op\":\"d\",\"before\":{\"v\":\"x\"},\"after\":null}", "D1|x", ""},
		{"Debezium without after", CHANGELOG_DEBEZIUM, "{\"id\":1}", "{\"op\":\"c\",\"after\":null}", "DEAD", "\"after\" is no object"},
		{"Debezium without op", CHANGELOG_DEBEZIUM, "{\"id\":1}", "{\"after\":{}}", "DEAD", "\"op\" is missing"},
		{"op +I", CHANGELOG_OP, "{\"id\":1}", "{\"op\":\"+I\",\"v\":\"x\"}", "+1|x", ""},
		{"op -U", CHANGELOG_OP, "{\"id\":1}", "{\"op\":\"-U\",\"v\":\"x\"}", "B1|x", ""},
		{"no op", CHANGELOG_OP, "{\"id\":1}", "{\"v\":\"x\"}", "DEAD", "none of +I"},
	};
	static const Wanted WANTED[] = {{"id", T(INTEGER), .not_null = true, .from = DECODE_KEY_FIELD}, {"v", T(TEXT)}};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		const ChangeCase *c = &CASES[i];
		StrBuf text = STRBUF_INIT;
		Heard heard = {.text = STRBUF_INIT};
		decode_one((DecoderConfig){.format = "json", .changelog = c->changelog}, WANTED, 2,
			(Record){.key = c->key, .key_bytes = (uint32_t)strlen(c->key), .value = c->value, .value_bytes = (uint32_t)(c->value ? strlen(c->value) : 0)}, &text, &heard);
		if (strcmp(text.text, c->cells) != 0 || !strstr(heard.text.text, c->error)) fail_msg("%s: %s (%s)", c->title, text.text, heard.text.text);
		strbuf_release(&text);
		strbuf_release(&heard.text);
	}
}

/* Each with a table that has a key (id) and with one that has none. */
static void changes_of_databases_become_rows(void **state)
{
	(void)state;
	static const struct { const char *title; Changelog changelog; const char *value, *keyed, *keyless, *error; } CASES[] = {
		{"Debezium read", CHANGELOG_DEBEZIUM, "{'op':'r','after':{'id':1,'v':'x'}}", "U1|x", "U1|x", ""},
		{"Debezium update", CHANGELOG_DEBEZIUM, "{'op':'u','before':{'id':1,'v':'x'},'after':{'id':1,'v':'y'}}", "U1|y", "B1|x\nU1|y", ""},
		{"Debezium update of the key", CHANGELOG_DEBEZIUM, "{'op':'u','before':{'id':1,'v':'x'},'after':{'id':2,'v':'x'}}", "B1|x\nU2|x", "B1|x\nU2|x", ""},
		{"Debezium update with the old key alone", CHANGELOG_DEBEZIUM, "{'op':'u','before':{'id':1},'after':{'id':2,'v':'x'}}", "B1|NULL\nU2|x", "B1|NULL\nU2|x", ""},
		{"Debezium update without before", CHANGELOG_DEBEZIUM, "{'payload':{'op':'u','before':null,'after':{'id':1,'v':'y'}}}", "U1|y", "DEAD", "REPLICA IDENTITY"},
		{"Debezium delete without key", CHANGELOG_DEBEZIUM, "{'op':'d','before':{'v':'x'}}", "DBAD|x", "DBAD|x", "missing"},
		{"Debezium delete without before", CHANGELOG_DEBEZIUM, "{'op':'d','before':null}", "DEAD", "DEAD", "\"before\" is no object"},
		{"Debezium delete, another column bad", CHANGELOG_DEBEZIUM, "{'op':'d','before':{'id':1,'v':'\xff'}}", "D1|NULL", "D1|BAD", ""},
		{"Debezium truncate", CHANGELOG_DEBEZIUM, "{'op':'t'}", "DEAD", "DEAD", "none of c, r, u, d"},
		{"tombstone of Debezium", CHANGELOG_DEBEZIUM, NULL, "", "", ""},
		{"Maxwell insert", CHANGELOG_MAXWELL, "{'database':'d','type':'insert','data':{'id':1,'v':'x'}}", "U1|x", "U1|x", ""},
		{"Maxwell bootstrap", CHANGELOG_MAXWELL, "{'type':'bootstrap-insert','data':{'id':1,'v':'x'}}", "U1|x", "U1|x", ""},
		{"Maxwell bootstrap begins", CHANGELOG_MAXWELL, "{'type':'bootstrap-start','data':{}}", "", "", ""},
		{"Maxwell update", CHANGELOG_MAXWELL, "{'type':'update','data':{'id':1,'v':'y'},'old':{'v':'x'}}", "U1|y", "B1|x\nU1|y", ""},
		{"Maxwell update from NULL", CHANGELOG_MAXWELL, "{'type':'update','data':{'id':1,'v':'y'},'old':{'v':null}}", "U1|y", "B1|NULL\nU1|y", ""},
		{"Maxwell update of the key", CHANGELOG_MAXWELL, "{'type':'update','data':{'id':2,'v':'y'},'old':{'id':1}}", "B1|y\nU2|y", "B1|y\nU2|y", ""},
		{"Maxwell update without old", CHANGELOG_MAXWELL, "{'type':'update','data':{'id':2,'v':'y'}}", "DEAD", "DEAD", "\"old\" is no object"},
		{"Maxwell delete", CHANGELOG_MAXWELL, "{'type':'delete','data':{'id':1,'v':'x'}}", "D1|x", "D1|x", ""},
		{"Maxwell and a table's definition", CHANGELOG_MAXWELL, "{'type':'table-create'}", "DEAD", "DEAD", "none of insert, update, delete"},
		{"Canal insert", CHANGELOG_CANAL, "{'type':'INSERT','isDdl':false,'data':[{'id':'1','v':'x'}, {'id':'2','v':'a,]\\\"['}],'old':null}", "U1|x\nU2|a,]\"[", "U1|x\nU2|a,]\"[", ""},
		{"Canal update", CHANGELOG_CANAL, "{'type':'UPDATE','data':[{'id':'1','v':'y'},{'id':'2','v':'b'}],'old':[{'v':'x'},{'id':'3'}]}", "U1|y\nB3|b\nU2|b", "B1|x\nU1|y\nB3|b\nU2|b", ""},
		{"Canal update, another number of old rows", CHANGELOG_CANAL, "{'type':'UPDATE','data':[{'id':'1','v':'y'}],'old':[]}", "DEAD", "DEAD", "as many rows"},
		{"Canal delete", CHANGELOG_CANAL, "{'type':'DELETE','data':[{'id':'1','v':'x'}]}", "D1|x", "D1|x", ""},
		{"Canal without rows", CHANGELOG_CANAL, "{'type':'INSERT','data':[]}", "", "", ""},
		{"Canal with what is no row", CHANGELOG_CANAL, "{'type':'INSERT','data':[{'id':1},7]}", "DEAD", "DEAD", "no array of rows"},
		{"Canal and a table's definition", CHANGELOG_CANAL, "{'type':'ALTER','isDdl':true,'data':null}", "", "", ""},
		{"Canal and a table emptied", CHANGELOG_CANAL, "{'type':'TRUNCATE','isDdl':true,'data':null}", "DEAD", "DEAD", "TRUNCATE"},
		{"Canal, not JSON", CHANGELOG_CANAL, "{'type':'INSERT'", "DEAD", "DEAD", ""},
	};
	for (size_t i = 0; i < 2 * (sizeof CASES / sizeof *CASES); i++) {
		bool keyed = i % 2;
		const Wanted wanted[] = {{"id", T(INTEGER), .not_null = true, .is_key = keyed}, {"v", T(TEXT)}};
		const char *given = CASES[i / 2].value, *expected = keyed ? CASES[i / 2].keyed : CASES[i / 2].keyless;
		StrBuf text = STRBUF_INIT, value = STRBUF_INIT;
		Heard heard = {.text = STRBUF_INIT};
		for (const char *at = given; at && *at; at++) strbuf_addc(&value, *at == '\'' ? '"' : *at);
		decode_one((DecoderConfig){.format = "json", .changelog = CASES[i / 2].changelog}, wanted, 2,
			(Record){.value = given ? value.text : NULL, .value_bytes = (uint32_t)value.bytes}, &text, &heard);
		bool nothing = !*expected, wrong = nothing ? heard.text.bytes > 0 : strstr(expected, "DEAD") && !strstr(heard.text.text, CASES[i / 2].error);
		if (strcmp(text.text, nothing ? "DEAD" : expected) != 0 || wrong) fail_msg("%s: %s (%s)", CASES[i / 2].title, text.text, heard.text.text);
		strbuf_release(&text);
		strbuf_release(&value);
		strbuf_release(&heard.text);
	}
}

/* One record of Canal may hold more rows than a batch otherwise has. */
static void arrays_of_any_length_are_one_record(void **state)
{
	(void)state;
	enum { ROWS = 3 * BATCH_ROWS_MAX };
	static const char FIRST[] = "{\"type\":\"INSERT\",\"data\":[{\"id\":7}]}";
	StrBuf value = STRBUF_INIT;
	strbuf_adds(&value, "{\"type\":\"INSERT\",\"data\":[");
	for (int i = 0; i < ROWS; i++) strbuf_printf(&value, "%s{\"id\":%d}", i ? "," : "", i);
	strbuf_adds(&value, "]}");
	Arena arena;
	arena_init(&arena, 0);
	const Wanted wanted[] = {{"id", T(INTEGER)}};
	DecodeColumn columns[1];
	make_columns(&arena, wanted, 1, columns);
	DecoderConfig config = {.format = "json", .columns = columns, .column_count = 1, .changelog = CHANGELOG_CANAL};
	Error err = ERROR_INIT;
	Decoder *decoder = decoder_new(&config, &err);
	Record at[] = {{.value = FIRST, .value_bytes = sizeof FIRST - 1}, {.value = value.text, .value_bytes = (uint32_t)value.bytes, .position = 1}, {.value = FIRST, .value_bytes = sizeof FIRST - 1, .position = 2}};
	RecordBatch records = {.at = at, .count = 3};
	int64_t rows = 0, sum = 0;
	for (int from = 0; from < 3; ) {
		Decoded out;
		int next = decoder_decode(decoder, &records, from, &out, NULL);
		assert_true(next > from);
		from = next;
		for (int row = 0; row < out.batch->rows; row++) sum += out.batch->columns[0].i64[row];
		rows += out.batch->rows;
		batch_unref(out.batch);
	}
	assert_int_equal(rows, ROWS + 2);
	assert_int_equal(sum, (int64_t)ROWS * (ROWS - 1) / 2 + 14);
	decoder_free(decoder);
	strbuf_release(&value);
	arena_release(&arena);
}

typedef struct CsvCase { const char *title, *header, *line, *cells, *error; } CsvCase;

static void keys_of_upserts_may_stand_in_the_key_alone(void **state)
{
	(void)state;
	static const ChangeCase CASES[] = {
		{"key in both", CHANGELOG_UPSERT, "{\"id\":1}", "{\"id\":2,\"v\":1.50}", "U2|1.50", ""},
		{"key not in the value", CHANGELOG_UPSERT, "{\"id\":1}", "{\"v\":\"x\"}", "U1|x", ""},
		{"gone by an object", CHANGELOG_UPSERT, "{\"ID\":1}", NULL, "D1|NULL", ""},
		{"gone by a bare number", CHANGELOG_UPSERT, "17", NULL, "D17|NULL", ""},
		{"gone by a JSON string", CHANGELOG_UPSERT, "\"17\"", NULL, "D17|NULL", ""},
		{"a bare key for a value without it", CHANGELOG_UPSERT, "17", "{\"v\":\"x\"}", "U17|x", ""},
		{"a key that does not fit", CHANGELOG_UPSERT, "abc", NULL, "DBAD|NULL", "field \"id\": \"abc\" is no INTEGER"},
		{"gone without key", CHANGELOG_UPSERT, "", NULL, "DEAD", "no key that says which row is gone"},
		{"a real in the key", CHANGELOG_UPSERT, "{\"id\":3.0}", "{}", "U3|NULL", ""},
	};
	static const Wanted WANTED[] = {{"id", T(INTEGER), .not_null = true}, {"v", T(TEXT)}};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		const ChangeCase *c = &CASES[i];
		StrBuf text = STRBUF_INIT;
		Heard heard = {.text = STRBUF_INIT};
		decode_one((DecoderConfig){.format = "json", .changelog = c->changelog}, WANTED, 2,
			(Record){.key = c->key, .key_bytes = (uint32_t)strlen(c->key), .value = c->value, .value_bytes = (uint32_t)(c->value ? strlen(c->value) : 0)}, &text, &heard);
		if (strcmp(text.text, c->cells) != 0 || !strstr(heard.text.text, c->error)) fail_msg("%s: %s (%s)", c->title, text.text, heard.text.text);
		strbuf_release(&text);
		strbuf_release(&heard.text);
	}
}

static void options_say_which_columns_stand_in_the_key(void **state)
{
	(void)state;
	static const struct { const char *fields, *format, *prefix, *column; DecodeFrom from; const char *path; ErrorCode code; } CASES[] = {
		{"id;name", "json", NULL, "Name", DECODE_KEY_FIELD, "Name", ERR_NONE}, {"id", "json", NULL, "v", DECODE_FIELD, "v", ERR_NONE},
		{"k_id", "json", "k_", "k_id", DECODE_KEY_FIELD, "id", ERR_NONE}, {"id", "json", "k_", "id", DECODE_FIELD, NULL, ERR_INVALID_DEFINITION},
		{"id", "raw", NULL, "id", DECODE_KEY, NULL, ERR_NONE}, {"id", "kafka", NULL, "id", DECODE_KEY_BINARY, NULL, ERR_NONE}, {"id", NULL, NULL, "id", DECODE_FIELD, NULL, ERR_INVALID_DEFINITION},
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		Arena arena;
		arena_init(&arena, 0);
		OptionText given[6] = {{"connector", "kafka"}, {"topic", "t"}, {"brokers", "h:1"}, {"key.fields", CASES[i].fields}};
		int count = 4;
		if (CASES[i].format) given[count++] = (OptionText){"key.format", CASES[i].format};
		if (CASES[i].prefix) given[count++] = (OptionText){"key.fields-prefix", CASES[i].prefix};
		OptionSet options;
		Error err = ERROR_INIT;
		assert_true(options_bind(&arena, given, count, OPTIONS_OF_RELATION, &options, NULL, NULL, &err));
		DecodeColumn column = {.name = CASES[i].column, .type = TYPE(TEXT), .path = &CASES[i].column, .path_count = 1};
		decode_column_place(&options, &arena, &column, &err);
		assert_int_equal(err.code, CASES[i].code);
		if (!err.code) assert_int_equal(column.from, CASES[i].from);
		if (column.from == DECODE_KEY_FIELD) assert_int_equal(column.is_alone, !strchr(CASES[i].fields, ';'));
		if (CASES[i].path) assert_string_equal(column.path[0], CASES[i].path);
		arena_release(&arena);
	}
}

static void a_column_that_is_alone_in_the_key_may_be_the_key(void **state)
{
	(void)state;
	static const struct { const char *key; bool is_alone; const char *cells; } CASES[] = {
		{"{\"id\":\"a\"}", true, "a|x"}, {"\"a\\\"b\"", true, "a\"b|x"}, {"12", true, "12|x"}, {"plain", true, "plain|x"}, {NULL, true, "NULL|x"},
		{"{\"id\":\"a\"}", false, "a|x"}, {"\"a\"", false, "DEAD"},
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		const Wanted wanted[] = {{"id", T(TEXT), .from = DECODE_KEY_FIELD, .is_alone = CASES[i].is_alone}, {"v", T(TEXT)}};
		StrBuf text = STRBUF_INIT;
		Heard heard = {.text = STRBUF_INIT};
		Record record = {.key = CASES[i].key, .key_bytes = (uint32_t)(CASES[i].key ? strlen(CASES[i].key) : 0), .value = "{\"v\":\"x\"}", .value_bytes = 9};
		decode_one((DecoderConfig){.format = "json"}, wanted, 2, record, &text, &heard);
		assert_string_equal(text.text, CASES[i].cells);
		strbuf_release(&text);
		strbuf_release(&heard.text);
	}
}

static void numbers_in_keys_may_be_binary(void **state)
{
	(void)state;
	static const struct { Type type; const char *key; uint32_t bytes; const char *cell; } CASES[] = {
		{T(INTEGER), "\x00\x00\x00\x05", 4, "5"}, {T(INTEGER), "\xff\xff\xff\xff", 4, "-1"}, {T(INTEGER), "\xff\xff\xff\xff\xff\xff\xff\xfe", 8, "-2"}, {T(INTEGER), "123", 3, "BAD"},
		{T(REAL), "\x3f\xf8\x00\x00\x00\x00\x00\x00", 8, "1.5"}, {T(TEXT), "abcd", 4, "abcd"},
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		StrBuf text = STRBUF_INIT;
		Heard heard = {.text = STRBUF_INIT};
		decode_one((DecoderConfig){.format = "json"}, &(Wanted){"k", CASES[i].type, .from = DECODE_KEY_BINARY}, 1,
			(Record){.value = "{}", .value_bytes = 2, .key = CASES[i].key, .key_bytes = CASES[i].bytes}, &text, &heard);
		assert_string_equal(text.text, CASES[i].cell);
		strbuf_release(&text);
		strbuf_release(&heard.text);
	}
}

static void lines_of_csv_become_rows(void **state)
{
	(void)state;
	static const CsvCase CASES[] = {
		{"plain", NULL, "1,x,2.50", "1|x|2.50", ""},
		{"quoted, with delimiter, quote and line end", NULL, "1,\"a,\"\"b\"\"\nc\",2", "1|a,\"b\"\nc|2.00", ""},
		{"an empty field is NULL, a quoted one is not", NULL, ",\"\",", "NULL||NULL", ""},
		{"a carriage return at the end", NULL, "1,x,2\r", "1|x|2.00", ""},
		{"a bad value", NULL, "one,x,2", "BAD|x|2.00", "field \"id\": \"one\" is no INTEGER"},
		{"too few fields", NULL, "1,x", "DEAD", "the line has 2 fields, not 3"},
		{"an open quote", NULL, "1,\"x,2", "DEAD", "not CSV: a quote is not closed"},
		{"something behind a quote", NULL, "1,\"x\"y,2", "DEAD", "not CSV: something stands between"},
		{"invalid UTF-8", NULL, "1,\xff,2", "1|BAD|2.00", "no valid UTF-8"},
		{"fields in another order", "price, ID ,name", "2,1,x", "1|x|2.00", ""},
		{"a column that is not there", "id,name", "1,x", "1|x|NULL", ""},
	};
	static const Wanted WANTED[] = {{"id", T(INTEGER)}, {"name", T(TEXT)}, {"price", DECIMAL(10, 2)}};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		const CsvCase *c = &CASES[i];
		Arena arena;
		arena_init(&arena, 0);
		DecodeColumn columns[3];
		Error err = ERROR_INIT;
		DecoderConfig config = {.format = "csv", .columns = columns, .column_count = make_columns(&arena, WANTED, 3, columns), .csv_header = c->header, .csv_field_count = 3};
		Decoder *decoder = decoder_new(&config, &err);
		Record record = {.value = c->line, .value_bytes = (uint32_t)strlen(c->line)};
		RecordBatch records = {.at = &record, .count = 1, .header = c->header, .header_bytes = (uint32_t)(c->header ? strlen(c->header) : 0)};
		Heard heard = {.text = STRBUF_INIT};
		StrBuf text = STRBUF_INIT;
		Decoded out;
		decoder_decode(decoder, &records, 0, &out, &(DeadSink){.context = &heard, .record = hear_record, .value = hear_value});
		cells(&out, &text);
		if (strcmp(text.text, c->cells) != 0 || !strstr(heard.text.text, c->error)) fail_msg("%s: %s (%s)", c->title, text.text, heard.text.text);
		batch_unref(out.batch);
		decoder_free(decoder);
		strbuf_release(&text);
		strbuf_release(&heard.text);
		arena_release(&arena);
	}
}

static void a_raw_record_is_one_column(void **state)
{
	(void)state;
	StrBuf text = STRBUF_INIT;
	Heard heard = {.text = STRBUF_INIT};
	decode_one((DecoderConfig){.format = "raw"}, &(Wanted){"line", T(TEXT)}, 1, (Record){.value = "a line", .value_bytes = 6}, &text, &heard);
	strbuf_addc(&text, ' ');
	decode_one((DecoderConfig){.format = "raw"}, &(Wanted){"line", T(TEXT)}, 1, (Record){.value = "\xff", .value_bytes = 1}, &text, &heard);
	strbuf_addc(&text, ' ');
	decode_one((DecoderConfig){.format = "raw"}, &(Wanted){"line", T(JSON)}, 1, (Record){.value = "{ }", .value_bytes = 3}, &text, &heard);
	assert_string_equal(text.text, "a line BAD {}");
	strbuf_release(&text);
	strbuf_release(&heard.text);
}

static void at_the_end_dead_letters_are_told_however_few(void **state)
{
	(void)state;
	static const Wanted WANTED[] = {{"a", T(INTEGER)}, {"b", T(INTEGER)}};
	Arena arena;
	arena_init(&arena, 0);
	DecodeColumn columns[2];
	Error err = ERROR_INIT;
	Decoder *decoder = decoder_new(&(DecoderConfig){.format = "json", .columns = columns, .column_count = make_columns(&arena, WANTED, 2, columns)}, &err);
	static const char *const VALUES[] = {"{\"a\":1}", "{\"a\":\"x\",\"c\":2}", "no JSON", "{\"a\":2}"};
	Record records[4];
	StrBuf text = STRBUF_INIT;
	for (int i = 0; i < 4; i++) records[i] = (Record){.value = VALUES[i], .value_bytes = (uint32_t)strlen(VALUES[i])};
	Decoded out;
	RecordBatch batch = {.at = records, .count = 4};
	decoder_decode(decoder, &batch, 0, &out, NULL);
	batch_unref(out.batch);
	assert_false(decoder_report(decoder, false, &text));
	assert_true(decoder_report(decoder, true, &text));
	assert_non_null(strstr(text.text, "column \"b\" is in none of the 4 records"));
	assert_non_null(strstr(text.text, "2 of 4 records are dead letters (see weir_dead_letters), the last one: "));
	assert_false(decoder_report(decoder, true, &text));
	decoder_free(decoder);
	strbuf_release(&text);
	arena_release(&arena);
}

static void a_field_that_is_never_there_is_reported_with_the_nearest_name(void **state)
{
	(void)state;
	static const Wanted WANTED[] = {{"bid.pric", T(INTEGER)}, {"bid.ok", T(INTEGER)}, {"knd", T(INTEGER)}, {"zzz", T(INTEGER)}};
	Arena arena;
	arena_init(&arena, 0);
	DecodeColumn columns[4];
	Error err = ERROR_INIT;
	Decoder *decoder = decoder_new(&(DecoderConfig){.format = "json", .columns = columns, .column_count = make_columns(&arena, WANTED, 4, columns)}, &err);
	static Record records[1000];
	StrBuf text = STRBUF_INIT;
	const char *value = "{\"kind\":1,\"bid\":{\"price\":5,\"ok\":1}}";
	for (int i = 0; i < 1000; i++) records[i] = (Record){.value = value, .value_bytes = (uint32_t)strlen(value)};
	Decoded out;
	RecordBatch batch = {.at = records, .count = 999};
	decoder_decode(decoder, &batch, 0, &out, NULL);
	batch_unref(out.batch);
	assert_false(decoder_report(decoder, false, &text));
	batch.count = 1000;
	decoder_decode(decoder, &batch, 999, &out, NULL);
	batch_unref(out.batch);
	assert_true(decoder_report(decoder, false, &text));
	assert_string_equal(text.text, "column \"bid.pric\" is in none of the first 1000 records; they have \"price\"\n"
		"column \"knd\" is in none of the first 1000 records; they have \"kind\"\ncolumn \"zzz\" is in none of the first 1000 records\n");
	assert_false(decoder_report(decoder, false, &text));
	assert_int_equal(decoder_stats(decoder).records, 1000);
	decoder_free(decoder);
	strbuf_release(&text);
	arena_release(&arena);
}

static void a_full_batch_leaves_the_rest(void **state)
{
	(void)state;
	DecodeColumn column = {.name = "a", .type = TYPE(TEXT), .path = (const char *const[]){"a"}, .path_count = 1};
	Error err = ERROR_INIT;
	Decoder *decoder = decoder_new(&(DecoderConfig){.format = "json", .columns = &column, .column_count = 1}, &err);
	enum { COUNT = 20, BYTES = 1 << 20 };
	char *big = mem_alloc(BYTES + 16);
	int bytes = snprintf(big, 16, "{\"a\":\"");
	memset(big + bytes, 'x', BYTES);
	memcpy(big + bytes + BYTES, "\"}", 2);
	Record records[COUNT];
	for (int i = 0; i < COUNT; i++) records[i] = (Record){.value = big, .value_bytes = (uint32_t)bytes + BYTES + 2, .position = i};
	RecordBatch batch = {.at = records, .count = COUNT};
	int rows = 0, batches = 0;
	for (int from = 0; from < COUNT; batches++) {
		Decoded out;
		from = decoder_decode(decoder, &batch, from, &out, NULL);
		rows += out.batch->rows;
		assert_int_equal(out.records, out.batch->rows);
		assert_true(out.batch->arena.used_bytes < 12 << 20);
		batch_unref(out.batch);
	}
	assert_int_equal(rows, COUNT);
	assert_true(batches > 1);
	free(big);
	decoder_free(decoder);
}

/* ---- the two JSON parsers ---- */

static uint64_t chance = 88172645463325252ull;
static unsigned roll(unsigned n) { chance ^= chance << 13; chance ^= chance >> 7; chance ^= chance << 17; return (unsigned)(chance >> 33) % n; }

static void random_value(StrBuf *out, int depth)
{
	static const char *const SCALARS[] = {"0", "-1", "1.50", "1e3", "9223372036854775807", "18446744073709551615", "99999999999999999999", "true", "false", "null", "\"\"", "\"x\"",
		"\"a\\u0041\\n\"", "\"\\ud83d\\ude00\"", "\"\\ud83d\"", "1e999", "\"日本\"", "\"\\u0000\"", "-0", "\"0123456789abcdef0123456789abcdef0123456789abcdef\""};
	static const char *const NAMES[] = {"a", "A", "b", "ab", "aB", "c", "\\u0061", "long_name_of_some_field"};
	unsigned kind = depth > 4 ? 0 : roll(6);
	if (depth && kind < 4) { strbuf_adds(out, SCALARS[roll(20)]); return; }
	bool object = !depth || kind == 4;
	strbuf_addc(out, object ? '{' : '[');
	for (unsigned i = 0, n = roll(5); i < n; i++) {
		if (i) strbuf_adds(out, roll(3) ? "," : " ,\n ");
		if (object) strbuf_printf(out, "\"%s\"%s", NAMES[roll(8)], roll(4) ? ":" : " : ");
		random_value(out, depth + 1);
	}
	strbuf_addc(out, object ? '}' : ']');
}

static void same_slot(const JsonSlot *simd, const JsonSlot *scan, const JsonSpan *raw, const char *text)
{
	char number[40] = "";
	double real;
	bool same = simd->kind == scan->kind;
	if (simd->kind == SLOT_STRING) same = same && simd->bytes == scan->bytes && memcmp(simd->at, scan->at, simd->bytes) == 0;
	if (simd->kind == SLOT_INT) snprintf(number, sizeof number, "%lld", (long long)simd->i64);
	if (simd->kind == SLOT_UINT) snprintf(number, sizeof number, "%llu", (unsigned long long)simd->u64);
	if (*number) same = scan->kind == SLOT_NUMBER && ((strlen(number) == scan->bytes && memcmp(number, scan->at, scan->bytes) == 0) || (simd->i64 == 0 && scan->at[0] == '-'));
	if (simd->kind == SLOT_REAL) same = scan->kind == SLOT_NUMBER && text_to_real(raw->at, raw->bytes, &real) && real == simd->f64;
	if (!same) fail_msg("%s: %d %d", text, simd->kind, scan->kind);
}

static void both_parsers_find_the_same(void **state)
{
	(void)state;
	static const char *const PATHS[][2] = {{"a"}, {"b"}, {"ab"}, {"a", "a"}, {"b", "c"}, {"c", "ab"}, {"long_name_of_some_field"}};
	JsonTree one, two;
	json_tree_init(&one);
	json_tree_init(&two);
	for (int i = 0; i < 7; i++) {
		json_tree_add(&one, PATHS[i], PATHS[i][1] ? 2 : 1);
		json_tree_add(&two, PATHS[i], PATHS[i][1] ? 2 : 1);
	}
	JsonSimd *simd = json_simd_new();
	JsonScan scan;
	json_scan_init(&scan);
	StrBuf text = STRBUF_INIT;
	int good = 0, refused = 0;
	for (int n = 0; n < 60000; n++) {
		strbuf_clear(&text);
		random_value(&text, 0);
		for (unsigned m = roll(3) ? 0 : roll(3); m > 0; m--) text.text[roll((unsigned)text.bytes)] = "{}[]\",:\\0x\xff \x01"[roll(13)];
		JsonSimdResult result = json_simd_parse(simd, &one, text.text, text.bytes);
		bool ok = json_scan_parse(&scan, &two, text.text, text.bytes);
		if (result == JSON_SIMD_OK && !ok) fail_msg("only simdjson takes %s: %s", text.text, scan.error);
		if (result == JSON_SIMD_NO_OBJECT && ok) fail_msg("an object to the scan alone: %s", text.text);
		for (int i = 0; result == JSON_SIMD_OK && i < one.slot_count; i++) same_slot(&one.slots[i], &two.slots[i], &scan.raws[i], text.text);
		good += result == JSON_SIMD_OK;
		refused += !ok;
		if (!ok) assert_true(scan.error[0]);
		assert_true(json_is_valid(text.text, text.bytes) == (ok || strstr(scan.error, "not a JSON object")) || !utf8_is_valid(text.text, text.bytes));
	}
	assert_true(good > 10000 && refused > 5000);
	strbuf_release(&text);
	json_scan_release(&scan);
	json_simd_free(simd);
	json_tree_release(&one);
	json_tree_release(&two);
}

static void runs_of_16_digits_are_seen_wherever_they_are(void **state)
{
	(void)state;
	char text[80];
	for (int length = 14; length < 19; length++)
		for (int at = 0; at + length < 70; at++) {
			memset(text, 'x', sizeof text);
			memset(text + at, '7', (size_t)length);
			text[at + length / 2] = '.';
			assert_int_equal(json_has_long_number(text, 70), length >= 16);
			assert_int_equal(json_has_long_number(text + at, (size_t)length), length >= 16);
		}
}

static void decimals_by_double_are_decimals_by_text(void **state)
{
	(void)state;
	for (int n = 0; n < 20000; n++) {
		char text[64], shown[64];
		unsigned digits = 1 + roll(15), scale = roll(6);
		uint64_t x = 0;
		for (unsigned i = 0; i < digits; i++) x = x * 10 + roll(10);
		static const uint64_t POWERS[] = {1, 10, 100, 1000, 10000, 100000};
		snprintf(shown, sizeof shown, "%llu.%05llu", (unsigned long long)(x / POWERS[scale]), (unsigned long long)(x % POWERS[scale] * (POWERS[5] / POWERS[scale])));
		if (scale) snprintf(text, sizeof text, "{\"a\":%llu.%0*llu}", (unsigned long long)(x / POWERS[scale]), (int)scale, (unsigned long long)(x % POWERS[scale]));
		else snprintf(text, sizeof text, "{\"a\":%llue0}", (unsigned long long)x);
		StrBuf cell = STRBUF_INIT;
		Heard heard = {.text = STRBUF_INIT};
		decode_one((DecoderConfig){.format = "json"}, &(Wanted){"a", DECIMAL(20, 5)}, 1, (Record){.value = text, .value_bytes = (uint32_t)strlen(text)}, &cell, &heard);
		if (strcmp(cell.text, shown) != 0) fail_msg("%s gives %s", text, cell.text);
		strbuf_release(&cell);
		strbuf_release(&heard.text);
	}
}

static void paths_are_names_divided_by_dots(void **state)
{
	(void)state;
	static const struct { const char *text, *names; ErrorCode code; } CASES[] = {
		{"$.address.city", "address/city/", ERR_NONE}, {"address", "address/", ERR_NONE}, {"$", "", ERR_NONE}, {"$.\"odd. \"\"name\".x", "odd. \"name/x/", ERR_NONE},
		{"$.a[0]", NULL, ERR_UNSUPPORTED}, {"$.*", NULL, ERR_UNSUPPORTED}, {"$..a", NULL, ERR_INVALID_PARAMETER}, {"a.", NULL, ERR_INVALID_PARAMETER}, {"\"a", NULL, ERR_INVALID_PARAMETER},
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		Arena arena;
		arena_init(&arena, 0);
		const char *const *path;
		int count;
		Error err = ERROR_INIT;
		bool ok = decode_path_parse(&arena, CASES[i].text, SPAN_NONE, &path, &count, &err);
		assert_int_equal(err.code, CASES[i].code);
		StrBuf text = STRBUF_INIT;
		for (int p = 0; ok && p < count; p++) strbuf_printf(&text, "%s/", path[p]);
		if (ok) assert_string_equal(text.text, CASES[i].names);
		strbuf_release(&text);
		arena_release(&arena);
	}
}

static void hashes_do_not_depend_on_how_records_were_cut(void **state)
{
	(void)state;
	Record records[3] = {{.value = "a", .value_bytes = 1, .position = 1}, {.value = "b", .value_bytes = 1, .key = "k", .key_bytes = 1, .position = 2}, {.position = 5}};
	RecordBatch batch = {.at = records, .count = 3};
	uint64_t whole = record_hash(0, &batch, 0, 3);
	assert_true(record_hash(record_hash(0, &batch, 0, 1), &batch, 1, 3) == whole);
	records[2].position = 6;
	assert_false(record_hash(0, &batch, 0, 3) == whole);
	assert_true(record_fingerprint(&records[0]) != record_fingerprint(&records[1]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_of_json_become_values_or_say_why_not),
		cmocka_unit_test(a_nul_inside_a_string_arrives_as_it_is),
		cmocka_unit_test(nested_fields_are_found_by_path),
		cmocka_unit_test(metadata_stands_beside_the_fields),
		cmocka_unit_test(times_as_numbers_may_have_a_fixed_unit),
		cmocka_unit_test(changelogs_say_what_a_record_does),
		cmocka_unit_test(keys_of_upserts_may_stand_in_the_key_alone),
		cmocka_unit_test(changes_of_databases_become_rows),
		cmocka_unit_test(arrays_of_any_length_are_one_record),
		cmocka_unit_test(options_say_which_columns_stand_in_the_key),
		cmocka_unit_test(a_column_that_is_alone_in_the_key_may_be_the_key),
		cmocka_unit_test(numbers_in_keys_may_be_binary),
		cmocka_unit_test(lines_of_csv_become_rows),
		cmocka_unit_test(a_raw_record_is_one_column),
		cmocka_unit_test(a_field_that_is_never_there_is_reported_with_the_nearest_name),
		cmocka_unit_test(at_the_end_dead_letters_are_told_however_few),
		cmocka_unit_test(a_full_batch_leaves_the_rest),
		cmocka_unit_test(both_parsers_find_the_same),
		cmocka_unit_test(runs_of_16_digits_are_seen_wherever_they_are),
		cmocka_unit_test(decimals_by_double_are_decimals_by_text),
		cmocka_unit_test(paths_are_names_divided_by_dots),
		cmocka_unit_test(hashes_do_not_depend_on_how_records_were_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
