/* Any bytes whatever are rows, bad values or dead records, never a crash; and which of them does not depend on how records were cut into batches,
 * nor bytes into reads. What the fast JSON parser takes the strict one takes, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "connect/lines.h"
#include "format/format.h"
#include "format/json_scan.h"
#include "format/json_simd.h"
#include "fuzz.h"
#include "type/text.h"

enum { RECORDS_MAX = 40, RECORD_ROOM = 70000, COLUMNS_MAX = 12 };

#define T(kind_) {.kind = TYPE_##kind_}

static const char *const JSON[] = {
	"{}", "{\"a\":1}", "{\"a\":1,\"b\":\"text\",\"c\":true,\"d\":1.25,\"at\":\"2026-01-01 00:00:00.123\",\"n\":{\"x\":[1,2,{\"y\":null}]}}",
	"{\"a\":\"1\",\"A\":2,\"b\":null,\"d\":\"123456789012345678901234567890.12345678\",\"at\":1767225600}", "{\"a\":-9223372036854775808,\"b\":\"\\u00e4\\ud83d\\ude00\\n\\\"\"}",
	"{\"a\":18446744073709551616,\"d\":1e400,\"at\":\"2026-02-30\"}", "{\"d\":0.1000000000000000055511151231257827,\"at\":\"2026-01-01T10:00:00+05:30\",\"i\":\"P1DT2H\"}",
	"{\"b\":\"\\ud800\",\"c\":\"yes\",\"day\":\"2026-12-31\",\"clock\":\"23:59:59.999999\",\"x\":\"AAECAw==\"}", "{\"n\":{\"x\":{\"x\":{\"x\":{}}}},\"b\":[[[[]]]]}",
	"{\"before\":null,\"after\":{\"a\":1,\"b\":\"x\"},\"op\":\"c\"}", "{\"before\":{\"a\":1},\"after\":{\"a\":2},\"op\":\"u\",\"ts_ms\":5}", "{\"before\":{\"a\":1},\"after\":null,\"op\":\"d\"}",
	"{\"schema\":{},\"payload\":{\"before\":null,\"after\":{\"a\":1},\"op\":\"r\"}}", "{\"op\":\"+I\",\"a\":1}", "{\"op\":\"-U\",\"a\":1}", "{\"op\":\"-D\",\"a\":null}",
	"[1,2]", "null", "17", "\"x\"", "", " ", "{\"a\":1}{\"a\":2}", "\xef\xbb\xbf{\"a\":1}", "{\"a\":1,}", "{\"a\":01}", "{'a':1}", "{\"a\":NaN}", "{\"b\":\"\x80\xff\"}",
};
static const char *const CSV[] = {
	"1,text,true,1.25,2026-01-01 00:00:00,x", "1,\"a \"\"quoted\"\" one\",false,,,", "\"1\",\"two\nlines\",,,,", ",,,,,", "1", "", "a,b,c,d,at,n", "1,\"open", "1,x\"y,z", "1;2;3", "\xff\xfe,1,2",
	"9223372036854775808,NULL,maybe,1e5,yesterday,{}", "\"\"\"\",\"\",\"a\"b,c",
};
static const char *const NUMBERS[] = {"0", "-0", "1e5", "1E-400", "99999999999999999999", "0.1", "-1.5e+308", "1767225600123", "123456789.987654321", "true", "null", "[]", "{}", "\"\"", "\"\\u0000\""};

static const struct { const char *name; Type type; } COLUMNS[] = {
	{"a", T(INTEGER)}, {"b", T(TEXT)}, {"c", T(BOOLEAN)}, {"d", {.kind = TYPE_DECIMAL, .precision = 38, .scale = 9}}, {"at", T(TIMESTAMP)}, {"n", T(JSON)}, {"d", T(REAL)}, {"x", T(BLOB)},
	{"i", T(INTERVAL)}, {"day", T(DATE)}, {"clock", T(TIME)}, {"n.x", T(TEXT)}, {"a", {.kind = TYPE_DECIMAL, .precision = 5, .scale = 2}}, {"payload.after.a", T(INTEGER)}, {"n.x.x", T(JSON)}, {"b", T(JSON)},
};
enum { COLUMN_KINDS = sizeof COLUMNS / sizeof *COLUMNS };

typedef struct Input {
	DecoderConfig config;
	DecodeColumn columns[COLUMNS_MAX];
	Record records[RECORDS_MAX];
	int count;
	const char *header;
} Input;

/* ---- making input ---- */

static void make_columns(Fuzz *fuzz, Arena *arena, Input *input)
{
	bool raw = strcmp(input->config.format, "raw") == 0;
	int count = raw ? 1 : fuzz_below(fuzz, COLUMNS_MAX) + 1;
	for (int i = 0; i < count; i++) {
		int kind = fuzz_below(fuzz, COLUMN_KINDS);
		DecodeColumn *column = &input->columns[i];
		*column = (DecodeColumn){.name = COLUMNS[kind].name, .type = COLUMNS[kind].type, .ordinal = i, .not_null = fuzz_chance(fuzz, 20), .unit = (TimeUnit)fuzz_below(fuzz, 5)};
		column->is_key = column->not_null && fuzz_chance(fuzz, 50);
		if (raw) column->type = (Type){.kind = fuzz_chance(fuzz, 50) ? TYPE_TEXT : TYPE_BLOB};
		column->from = raw ? DECODE_FIELD : fuzz_chance(fuzz, 80) ? DECODE_FIELD : (DecodeFrom)(DECODE_KEY + fuzz_below(fuzz, DECODE_VALUE - DECODE_KEY + 1));
		Error err = ERROR_INIT;
		assert_true(decode_path_parse(arena, strcmp(input->config.format, "json") == 0 ? column->name : "a", SPAN_NONE, &column->path, &column->path_count, &err));
	}
	input->config.columns = input->columns;
	input->config.column_count = count;
}

/* A buffer of its own for each, so that a byte read beside it is noticed. */
static char *make_bytes(Fuzz *fuzz, const char *const *from, int from_count, uint32_t *bytes)
{
	static char room[RECORD_ROOM];
	size_t length = strlen(strcpy(room, from[fuzz_below(fuzz, from_count)]));
	if (fuzz_chance(fuzz, 30)) {
		const char *value = NUMBERS[fuzz_below(fuzz, sizeof NUMBERS / sizeof *NUMBERS)];
		char *at = memchr(room, ':', length);
		if (at) length = (size_t)(at - room) + 1 + (size_t)snprintf(at + 1, 64, "%s}", value);
	}
	if (fuzz_chance(fuzz, 50)) length = fuzz_bytes(fuzz, room, length, 4000);
	if (fuzz_chance(fuzz, 1)) {
		char *at = memchr(room, ':', length);
		if (at) length = (size_t)(at + 1 - room) + 60000, memset(at + 1, "[{\"9x "[fuzz_below(fuzz, 6)], 60000);
	}
	char *own = mem_alloc(length ? length : 1);
	memcpy(own, room, length);
	*bytes = (uint32_t)length;
	return own;
}

static void make_records(Fuzz *fuzz, Input *input)
{
	bool csv = strcmp(input->config.format, "csv") == 0;
	input->count = 1 + fuzz_below(fuzz, RECORDS_MAX);
	for (int i = 0; i < input->count; i++) {
		Record *record = &input->records[i];
		*record = (Record){.position = i * 3, .timestamp_us = fuzz_chance(fuzz, 50) ? TIMESTAMP_NONE : (int64_t)fuzz_next(fuzz) >> fuzz_below(fuzz, 40)};
		if (!fuzz_chance(fuzz, 5)) record->value = make_bytes(fuzz, csv ? CSV : JSON, csv ? sizeof CSV / sizeof *CSV : sizeof JSON / sizeof *JSON, &record->value_bytes);
		if (fuzz_chance(fuzz, 60)) record->key = make_bytes(fuzz, JSON, sizeof JSON / sizeof *JSON, &record->key_bytes);
		fuzz_note(fuzz, record->value ? record->value : "NULL", record->value ? record->value_bytes : 4);
		fuzz_note(fuzz, "\n", 1);
	}
}

static void make_input(Fuzz *fuzz, Arena *arena, Input *input)
{
	static const char *const FORMAT_NAMES[] = {"json", "json", "json", "csv", "csv", "raw"};
	*input = (Input){.config = {.format = FORMAT_NAMES[fuzz_below(fuzz, 6)]}};
	if (strcmp(input->config.format, "json") == 0) input->config.changelog = (Changelog)fuzz_below(fuzz, 4);
	if (strcmp(input->config.format, "csv") == 0) {
		input->config.csv_header = fuzz_chance(fuzz, 50);
		input->config.csv_delimiter = ",;\t"[fuzz_below(fuzz, 3)];
		input->config.csv_field_count = fuzz_chance(fuzz, 30) ? 6 : 0;
		input->header = input->config.csv_header && fuzz_chance(fuzz, 90) ? "a,b,c,d,at,n" : NULL;
	}
	make_columns(fuzz, arena, input);
	make_records(fuzz, input);
}

static void release_input(Input *input)
{
	for (int i = 0; i < input->count; i++) {
		free((char *)input->records[i].value);
		free((char *)input->records[i].key);
	}
}

/* ---- decoding ---- */

typedef struct Told { StrBuf text[RECORDS_MAX]; const Record *first; int dead; } Told;           /* what became of each record */

static StrBuf *told_of(Told *told, const Record *record) { return &told->text[record->position / 3]; }

static void hear_record(void *context, const RecordBatch *records, const Record *record, ErrorCode code, const char *error)
{
	(void)records;
	assert_true(code != ERR_NONE && code != ERR_INTERNAL && error[0]);
	((Told *)context)->dead++;
	strbuf_printf(told_of(context, record), "dead: %s", error);
}

static void hear_value(void *context, const RecordBatch *records, const Record *record, int row, int column, ErrorCode code, const char *error)
{
	(void)records, (void)row;
	assert_true(code != ERR_NONE && code != ERR_INTERNAL && error[0]);
	strbuf_printf(told_of(context, record), "bad %d: %s;", column, error);
}

static void tell_rows(Told *told, const Decoded *out)
{
	for (int row = 0; row < out->batch->rows; row++) {
		assert_true(out->positions[row] % 3 == 0 && out->positions[row] / 3 < RECORDS_MAX);
		StrBuf *text = &told->text[out->positions[row] / 3];
		strbuf_printf(text, "op %d", out->ops ? out->ops[row] : 0);
		for (int c = 0; c < out->batch->column_count; c++) {
			const Column *column = &out->batch->columns[c];
			uint8_t mark = column->null ? column->null[row] : MARK_VALUE;
			strbuf_adds(text, mark == MARK_VALUE ? "|" : mark == MARK_BAD ? "|BAD" : "|NULL");
			Value value = column_value(column, row);
			if (mark == MARK_VALUE) value_print(&value, text);
		}
	}
}

/* False: these columns and this format do not go together. */
static bool decode(const Input *input, int step, Told *told)
{
	Error err = ERROR_INIT;
	Decoder *decoder = decoder_new(&input->config, &err);
	if (!decoder) {
		assert_true(err.code != ERR_NONE && err.code != ERR_INTERNAL);
		return false;
	}
	DeadSink dead = {.context = told, .record = hear_record, .value = hear_value};
	int rows = 0;
	for (int at = 0; at < input->count; at += step) {
		RecordBatch batch = {.at = input->records + at, .count = at + step > input->count ? input->count - at : step, .topic = "t", .header = input->header,
			.header_bytes = input->header ? (uint32_t)strlen(input->header) : 0};
		for (int from = 0; from < batch.count; ) {
			Decoded out;
			int next = decoder_decode(decoder, &batch, from, &out, &dead);
			assert_true(next > from && out.records == next - from && out.dead <= out.records);
			from = next;
			if (!out.batch) continue;
			rows += out.batch->rows;
			tell_rows(told, &out);
			batch_unref(out.batch);
		}
	}
	StrBuf report = STRBUF_INIT;
	decoder_report(decoder, true, &report);
	strbuf_release(&report);
	assert_int_equal(decoder_stats(decoder).records, input->count);
	if (!input->config.changelog) assert_int_equal(rows + told->dead, input->count);
	decoder_free(decoder);
	return true;
}

static void compare(const Fuzz *fuzz, const Input *input, Told *a, Told *b)
{
	for (int i = 0; i < RECORDS_MAX; i++) {
		if (strcmp(a->text[i].text, b->text[i].text) != 0)
			fail_msg("%s: record %d \"%.*s\" is once %s and once %s", fuzz->path, i, (int)input->records[i].value_bytes, input->records[i].value, a->text[i].text, b->text[i].text);
		strbuf_release(&a->text[i]);
		strbuf_release(&b->text[i]);
	}
}

static void any_bytes_become_rows_or_dead_records(void **state)
{
	(void)state;
	Fuzz fuzz;
	static Input input;
	int64_t decoded = 0, dead = 0, refused = 0;
	fuzz_open(&fuzz, "formats", 3000);
	while (fuzz_round(&fuzz)) {
		Arena arena;
		arena_init(&arena, 0);
		make_input(&fuzz, &arena, &input);
		Told together = {0}, single = {0};
		for (int i = 0; i < RECORDS_MAX; i++) together.text[i] = single.text[i] = STRBUF_INIT;
		if (!decode(&input, RECORDS_MAX, &together)) refused++;
		else {
			decode(&input, 1 + fuzz_below(&fuzz, 3), &single);
			decoded += input.count, dead += together.dead;
		}
		compare(&fuzz, &input, &together, &single);
		release_input(&input);
		arena_release(&arena);
	}
	fuzz_close(&fuzz);
	printf("%lld records, %lld dead; %lld definitions refused\n", (long long)decoded, (long long)dead, (long long)refused);
	assert_true(decoded > dead && dead > 0);
}

/* ---- the two JSON parsers ---- */

static bool same_slot(const JsonSlot *fast, const JsonSlot *strict)
{
	switch (strict->kind) {
	case SLOT_NUMBER: return fast->kind == SLOT_INT || fast->kind == SLOT_UINT || fast->kind == SLOT_REAL;
	case SLOT_STRING: return fast->kind == SLOT_STRING && fast->bytes == strict->bytes && memcmp(fast->at, strict->at, strict->bytes) == 0;
	default: return fast->kind == strict->kind;
	}
}

static void both_json_parsers_agree(void **state)
{
	(void)state;
	static const char *const PATHS[][3] = {{"a"}, {"b"}, {"n", "x"}, {"n", "x", "x"}, {"d"}, {"after", "a"}};
	static const int DEPTHS[] = {1, 1, 2, 3, 1, 2};
	Fuzz fuzz;
	JsonTree tree, strict;
	JsonScan scan;
	json_tree_init(&tree);
	json_tree_init(&strict);
	json_scan_init(&scan);
	JsonSimd *simd = json_simd_new();
	for (int i = 0; i < 6; i++) json_tree_add(&tree, PATHS[i], DEPTHS[i]), json_tree_add(&strict, PATHS[i], DEPTHS[i]);
	int64_t taken = 0;
	fuzz_open(&fuzz, "json", 40000);
	while (fuzz_round(&fuzz)) {
		uint32_t bytes;
		char *text = make_bytes(&fuzz, JSON, sizeof JSON / sizeof *JSON, &bytes);
		fuzz_note(&fuzz, text, bytes);
		JsonSimdResult fast = json_simd_parse(simd, &tree, text, bytes);
		bool slow = json_scan_parse(&scan, &strict, text, bytes);
		if (fast == JSON_SIMD_OK && !slow) fail_msg("%s: only the fast parser takes \"%.*s\": %s", fuzz.path, (int)bytes, text, scan.error);
		if (fast == JSON_SIMD_NO_OBJECT && slow) fail_msg("%s: only the strict parser sees an object in \"%.*s\"", fuzz.path, (int)bytes, text);
		for (int i = 0; fast == JSON_SIMD_OK && i < tree.slot_count; i++)
			if (!same_slot(&tree.slots[i], &strict.slots[i])) fail_msg("%s: slot %d of \"%.*s\" is of kind %d, or %d", fuzz.path, i, (int)bytes, text, tree.slots[i].kind, strict.slots[i].kind);
		taken += fast == JSON_SIMD_OK;
		free(text);
	}
	fuzz_close(&fuzz);
	assert_true(taken > 0);
	json_simd_free(simd);
	json_scan_release(&scan);
	json_tree_release(&tree);
	json_tree_release(&strict);
}

/* ---- lines ---- */

/* Lengths of the records in the bytes, as they are cut when the bytes come in pieces. */
static void cut_in_pieces(Fuzz *fuzz, const Lines *lines, const char *bytes, size_t count, size_t piece_max, StrBuf *out)
{
	size_t start = 0, seen = 0;
	while (start < count || seen < count) {
		LineCut cut = {0};
		bool final = seen == count;
		if (seen > start) {
			char *piece = mem_alloc(seen - start);
			memcpy(piece, bytes + start, seen - start);
			cut = lines_cut(lines, piece, seen - start, final);
			free(piece);
		}
		if (cut.total) {
			strbuf_printf(out, "%zu+%zu/%zu ", start, cut.content, cut.total);
			start += cut.total;
			assert_true(cut.total >= cut.content && start <= seen);
		}
		else if (final) break;
		else seen = seen + 1 + (size_t)fuzz_below(fuzz, (int64_t)piece_max) > count ? count : seen + 1 + (size_t)fuzz_below(fuzz, (int64_t)piece_max);
		if (seen > count) seen = count;
	}
	if (start != count) strbuf_printf(out, "left %zu", count - start);
}

static void records_do_not_depend_on_how_bytes_were_read(void **state)
{
	(void)state;
	Fuzz fuzz;
	fuzz_open(&fuzz, "lines", 4000);
	while (fuzz_round(&fuzz)) {
		static char bytes[1200];
		size_t count = (size_t)fuzz_below(&fuzz, 300);
		for (size_t i = 0; i < count; i++) bytes[i] = "a\",\n\r;\"\n"[fuzz_below(&fuzz, 8)];
		fuzz_note(&fuzz, bytes, count);
		Lines lines = {.framing = fuzz_chance(&fuzz, 70) ? FRAMING_CSV : FRAMING_LINE, .delimiter = ",;"[fuzz_below(&fuzz, 2)], .quote = '"', .bytes_max = 1 << 20};
		StrBuf whole = STRBUF_INIT, pieces = STRBUF_INIT;
		cut_in_pieces(&fuzz, &lines, bytes, count, 1000, &whole);
		cut_in_pieces(&fuzz, &lines, bytes, count, 4, &pieces);
		if (strcmp(whole.text, pieces.text) != 0) fail_msg("%s: %s, in pieces %s", fuzz.path, whole.text, pieces.text);
		strbuf_release(&whole);
		strbuf_release(&pieces);
	}
	fuzz_close(&fuzz);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_bytes_become_rows_or_dead_records),
		cmocka_unit_test(both_json_parsers_agree),
		cmocka_unit_test(records_do_not_depend_on_how_bytes_were_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
