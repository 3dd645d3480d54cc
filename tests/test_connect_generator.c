/* Generators: the same events at the same positions, whatever is asked for and however it is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/vec.h"
#include "connect/connector.h"
#include "type/text.h"

typedef struct Field { const char *path; TypeKind kind; } Field;

typedef struct Made { Arena arena; OptionSet options; Source *source; DecodeColumn columns[16]; int count; } Made;

static bool make(Made *made, const char *const *pairs, const Field *fields, int field_count, Error *err)
{
	OptionText given[12];
	int count = 0;
	*made = (Made){.count = field_count};
	arena_init(&made->arena, 0);
	for (; pairs[count * 2]; count++) given[count] = (OptionText){pairs[count * 2], pairs[count * 2 + 1], SPAN_NONE, SPAN_NONE};
	if (!options_bind(&made->arena, given, count, OPTIONS_OF_RELATION, &made->options, NULL, NULL, err)) return false;
	for (int i = 0; i < field_count; i++) {
		made->columns[i] = (DecodeColumn){.name = fields[i].path, .type = {.kind = fields[i].kind, .precision = 10, .scale = 2}};
		if (strcmp(fields[i].path, "#position") == 0) { made->columns[i].from = DECODE_POSITION; continue; }
		if (!decode_path_parse(&made->arena, fields[i].path, SPAN_NONE, &made->columns[i].path, &made->columns[i].path_count, err)) return false;
	}
	SourceConfig config = {.name = "s", .options = &made->options, .declared = made->columns, .declared_count = field_count};
	return source_open(&config, &made->source, err);
}

static void made_free(Made *made)
{
	source_close(made->source);
	arena_release(&made->arena);
}

static void assign(Made *made, int partition, int64_t position)
{
	Error err = ERROR_INIT;
	SourceStart start = {.position = position, .stop = SOURCE_STOP_NEVER, .wake_fd = -1};
	if (!source_assign(made->source, partition, &start, &err)) fail_msg("%s", err.message);
}

/* The rows of a partition from a position on, one a line with its position. */
static Poll rows_of(Made *made, int partition, int64_t position, int max, int rows, StrBuf *out)
{
	Error err = ERROR_INIT;
	SourceBatch batch;
	Poll poll = POLL_SOME;
	assign(made, partition, position);
	for (int got = 0; got < rows && (poll = source_poll_batch(made->source, partition, max, &batch, &err)) == POLL_SOME; ) {
		for (int row = 0; batch.batch && row < batch.batch->rows && got < rows; row++, got++) {
			strbuf_printf(out, "%lld", (long long)(batch.positions ? batch.positions[row] : batch.position + row));
			for (int col = 0; col < made->count; col++) {
				Value value = column_value(&batch.batch->columns[col], row);
				strbuf_addc(out, '|');
				if (value.is_null) strbuf_adds(out, "NULL");
				else value_print(&value, out);
			}
			strbuf_addc(out, '\n');
		}
		if (batch.batch) batch_check(batch.batch);
		batch_unref(batch.batch);
	}
	return poll;
}

static const Field COMBINED[] = {
	{"event_type", TYPE_INTEGER}, {"bid.auction", TYPE_INTEGER}, {"bid.price", TYPE_INTEGER}, {"bid.dateTime", TYPE_TIMESTAMP}, {"bid.url", TYPE_TEXT},
	{"auction.expires", TYPE_TIMESTAMP}, {"auction.seller", TYPE_INTEGER}, {"person.name", TYPE_TEXT}, {"person.emailAddress", TYPE_TEXT}, {"auction.itemName", TYPE_TEXT},
};
enum { COMBINED_COUNT = 10 };

static void nexmark_gives_the_same_events_however_it_is_cut(void **state)
{
	(void)state;
	static const char *const WITH[] = {"connector", "nexmark", "events", "5000", NULL};
	Made made;
	Error err = ERROR_INIT;
	if (!make(&made, WITH, COMBINED, COMBINED_COUNT, &err)) fail_msg("%s", err.message);
	StrBuf whole = STRBUF_INIT, part = STRBUF_INIT;
	assert_int_equal(rows_of(&made, 0, 0, 4096, 10000, &whole), POLL_END);
	assert_int_equal(rows_of(&made, 0, 0, 7, 10000, &part), POLL_END);
	assert_string_equal(whole.text, part.text);
	strbuf_clear(&part);
	rows_of(&made, 0, 1234, 100, 10000, &part);
	assert_non_null(strstr(whole.text, part.text));
	SourceStatus status;
	source_status(made.source, &status);
	assert_int_equal(status.state, SOURCE_ENDED);
	assert_true(source_is_bounded(made.source));
	/* fewer columns do not change the others */
	Field one = {"bid.price", TYPE_INTEGER};
	Made small;
	assert_true(make(&small, WITH, &one, 1, &err));
	strbuf_clear(&part);
	rows_of(&small, 0, 60, 1, 1, &part);
	char *line = strstr(whole.text, "\n60|") + 1, price[32];
	int seen = 0;
	for (char *at = strtok(line, "|"); at && seen < 4; at = strtok(NULL, "|"), seen++) if (seen == 3) snprintf(price, sizeof price, "60|%s\n", at);
	assert_string_equal(part.text, price);
	made_free(&small);
	strbuf_release(&whole);
	strbuf_release(&part);
	made_free(&made);
}

static void nexmark_events_are_as_the_benchmark_says(void **state)
{
	(void)state;
	static const char *const WITH[] = {"connector", "nexmark", "events", "100000", NULL};
	static const Field FIELDS[] = {{"event_type", TYPE_INTEGER}, {"bid.auction", TYPE_INTEGER}, {"bid.bidder", TYPE_INTEGER}, {"bid.price", TYPE_INTEGER},
		{"auction.id", TYPE_INTEGER}, {"person.id", TYPE_INTEGER}, {"bid.channel", TYPE_TEXT}, {"bid.extra", TYPE_TEXT}, {"bid.dateTime", TYPE_TIMESTAMP}};
	Made made;
	Error err = ERROR_INIT;
	assert_true(make(&made, WITH, FIELDS, 9, &err));
	assign(&made, 0, 0);
	SourceBatch batch;
	int64_t kinds[3] = {0}, hot = 0, google = 0, last_auction = 999, last_person = 999, newest = 0, prices_above = 0;
	while (source_poll_batch(made.source, 0, 4096, &batch, &err) == POLL_SOME) {
		const Column *c = batch.batch->columns;
		for (int row = 0; row < batch.batch->rows; row++) {
			int64_t kind = c[0].i64[row];
			kinds[kind]++;
			for (int f = 1; f < 9; f++) assert_int_equal(column_is_null(&c[f], row), f == 4 ? kind != 1 : f == 5 ? kind != 0 : kind != 2);
			if (kind == 1) { assert_int_equal(c[4].i64[row], last_auction + 1); last_auction++; }
			if (kind == 0) { assert_int_equal(c[5].i64[row], last_person + 1); last_person++; }
			if (kind != 2) continue;
			assert_in_range(c[1].i64[row], 1000, last_auction + 11);
			assert_in_range(c[2].i64[row], 1000, last_person + 11);
			assert_in_range(c[3].i64[row], 100, 100000000);
			hot += (c[1].i64[row] - 1000) % 100 == 0;
			google += str_equal(&c[6].str[row], &(Str){.bytes = 6, .inlined = "Google"});
			assert_in_range(c[7].str[row].bytes, 40, 90);
			assert_true(c[8].i64[row] >= newest);
			newest = c[8].i64[row];
			prices_above += c[3].i64[row] > 100000;
		}
		batch_unref(batch.batch);
	}
	assert_int_equal(kinds[0], 2000);
	assert_int_equal(kinds[1], 6000);
	assert_int_equal(kinds[2], 92000);
	assert_in_range(hot, 44000, 50000);                     /* half of the bids, and some by chance */
	assert_in_range(google, 11000, 12000);
	assert_in_range(prices_above, 44000, 48000);            /* the median is 10^3 * 100 */
	assert_int_equal(newest, 1700000000000000 + 99999 * 100 / 1000 * 1000);
	made_free(&made);
}

static void nexmark_partitions_share_the_events(void **state)
{
	(void)state;
	static const char *const ONE[] = {"connector", "nexmark", "events", "1001", "table", "bid", NULL};
	static const char *const THREE[] = {"connector", "nexmark", "nexmark.event.num", "1001", "nexmark.table.type", "Bid", "nexmark.split.num", "3", NULL};
	static const Field FIELDS[] = {{"auction", TYPE_INTEGER}, {"price", TYPE_INTEGER}, {"date_time", TYPE_TIMESTAMP}, {"#position", TYPE_INTEGER}};
	Made one, three;
	Error err = ERROR_INIT;
	if (!make(&one, ONE, FIELDS, 3, &err) || !make(&three, THREE, FIELDS, 3, &err)) fail_msg("%s", err.message);
	SourcePartitions partitions = {0};
	assert_true(source_partitions(three.source, &partitions, 0, &err));
	assert_int_equal(partitions.count, 3);
	assert_int_equal(partitions.at[0].end, 334);
	assert_int_equal(partitions.at[2].end, 333);
	StrBuf whole = STRBUF_INIT, part = STRBUF_INIT;
	rows_of(&one, 0, 0, 4096, 100000, &whole);
	int lines = 0, expected = 0;
	for (const char *at = whole.text; *at; at++) expected += *at == '\n';
	for (int p = 0; p < 3; p++) {
		strbuf_clear(&part);
		rows_of(&three, p, 0, 50, 100000, &part);
		for (char *line = strtok(part.text, "\n"); line; line = strtok(NULL, "\n"), lines++) {
			char wanted[128];
			snprintf(wanted, sizeof wanted, "%lld|%s\n", atoll(line) * 3 + p, strchr(line, '|') + 1);
			assert_non_null(strstr(whole.text, wanted));
		}
	}
	assert_int_equal(lines, expected);
	vec_release(&partitions);
	strbuf_release(&whole);
	strbuf_release(&part);
	made_free(&one);
	made_free(&three);
}

static void nexmark_rows_come_whole_as_json(void **state)
{
	(void)state;
	static const char *const WITH[] = {"connector", "nexmark", "events", "3", NULL};
	static const Field FIELDS[] = {{"person", TYPE_ROW}, {"auction", TYPE_ROW}, {"bid", TYPE_ROW}, {"person.city", TYPE_TEXT}};
	Made made;
	Error err = ERROR_INIT;
	assert_true(make(&made, WITH, FIELDS, 4, &err));
	StrBuf text = STRBUF_INIT;
	rows_of(&made, 0, 0, 1, 1, &text);
	assert_non_null(strstr(text.text, "0|{\"id\":1000,\"name\":\""));
	assert_non_null(strstr(text.text, "\"dateTime\":\"2023-11-14 22:13:20\""));
	assert_non_null(strstr(text.text, "|NULL|NULL|"));
	strbuf_release(&text);
	made_free(&made);
}

static void wrong_columns_are_refused_by_name(void **state)
{
	(void)state;
	static const char *const NEXMARK[] = {"connector", "nexmark", NULL}, *const DATAGEN[] = {"connector", "datagen", "fields.a.min", "x", NULL};
	static const char *const BOUNDS[] = {"connector", "datagen", "fields.a.min", "2", "fields.a.max", "1", NULL};
	static const struct { const char *const *options; Field field; ErrorCode code; const char *message, *hint; } CASES[] = {
		{NEXMARK, {"bid.pric", TYPE_INTEGER}, ERR_UNDEFINED_COLUMN, "column \"bid.pric\"", "\"price\""},
		{NEXMARK, {"bid.price", TYPE_TEXT}, ERR_DATATYPE_MISMATCH, "nexmark makes INTEGER", ""},
		{NEXMARK, {"persn", TYPE_ROW}, ERR_UNDEFINED_COLUMN, "\"persn\"", "\"person\""},
		{DATAGEN, {"a", TYPE_INTEGER}, ERR_INVALID_PARAMETER, "fields.a.min", ""},
		{BOUNDS, {"a", TYPE_INTEGER}, ERR_INVALID_PARAMETER, "lies above", ""},
		{DATAGEN, {"b", TYPE_JSON}, ERR_UNSUPPORTED, "datagen makes no JSON", ""},
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		Made made;
		Error err = ERROR_INIT;
		if (make(&made, CASES[i].options, &CASES[i].field, 1, &err)) fail_msg("case %zu", i);
		assert_int_equal(err.code, CASES[i].code);
		if (!strstr(err.message, CASES[i].message) || !strstr(err.hint, CASES[i].hint)) fail_msg("%s / %s", err.message, err.hint);
		arena_release(&made.arena);
	}
}

static void datagen_counts_and_draws(void **state)
{
	(void)state;
	static const char *const WITH[] = {"connector", "datagen", "fields.id.kind", "sequence", "fields.id.start", "5", "fields.id.end", "1004", "fields.x.min", "-3", "fields.x.max", "3",
		"rows-per-second", "0", "fields.t.length", "9", "fields.n.null_rate", "0.5", NULL};
	static const Field FIELDS[] = {{"id", TYPE_INTEGER}, {"x", TYPE_INTEGER}, {"t", TYPE_TEXT}, {"at", TYPE_TIMESTAMP}, {"r", TYPE_REAL}, {"d", TYPE_DECIMAL}, {"y", TYPE_BOOLEAN}, {"n", TYPE_INTEGER}};
	Made made;
	Error err = ERROR_INIT;
	if (!make(&made, WITH, FIELDS, 8, &err)) fail_msg("%s", err.message);
	assign(&made, 0, 0);
	SourceBatch batch;
	int64_t rows = 0, nulls = 0, xs[7] = {0}, trues = 0;
	while (source_poll_batch(made.source, 0, 100, &batch, &err) == POLL_SOME) {
		const Column *c = batch.batch->columns;
		for (int row = 0; row < batch.batch->rows; row++, rows++) {
			assert_int_equal(c[0].i64[row], rows + 5);
			assert_true(c[1].i64[row] >= -3 && c[1].i64[row] <= 3);
			xs[c[1].i64[row] + 3]++;
			assert_int_equal(c[2].str[row].bytes, 9);
			assert_int_equal(c[3].i64[row], 1700000000000000 + rows * 100);
			assert_true(c[4].f64[row] >= 0 && c[4].f64[row] < 1);
			assert_true(c[5].i128[row] >= 0);
			trues += c[6].i64[row];
			nulls += column_is_null(&c[7], row);
		}
		batch_unref(batch.batch);
	}
	assert_int_equal(rows, 1000);
	assert_in_range(nulls, 400, 600);
	assert_in_range(trues, 400, 600);
	for (int i = 0; i < 7; i++) assert_in_range(xs[i], 90, 200);
	made_free(&made);
}

static void a_pace_holds_back_what_is_not_due(void **state)
{
	(void)state;
	static const char *const WITH[] = {"connector", "nexmark", "rate", "1", NULL};
	static const Field FIELDS[] = {{"event_type", TYPE_INTEGER}};
	Made made;
	Error err = ERROR_INIT;
	SourceBatch batch;
	assert_true(make(&made, WITH, FIELDS, 1, &err));
	assign(&made, 0, 50);
	assert_int_equal(source_poll_batch(made.source, 0, 100, &batch, &err), POLL_NOTHING);
	assert_true(source_retry_ms(made.source) > 0);
	assert_false(source_is_bounded(made.source));
	assert_true(source_is_caught_up(made.source, 0));
	made_free(&made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nexmark_gives_the_same_events_however_it_is_cut),
		cmocka_unit_test(nexmark_events_are_as_the_benchmark_says),
		cmocka_unit_test(nexmark_partitions_share_the_events),
		cmocka_unit_test(nexmark_rows_come_whole_as_json),
		cmocka_unit_test(wrong_columns_are_refused_by_name),
		cmocka_unit_test(datagen_counts_and_draws),
		cmocka_unit_test(a_pace_holds_back_what_is_not_due),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
