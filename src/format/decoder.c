/* The part of decoding that is the same for all formats: checking what is wanted, making rows, saying what is bad. */
#include "format/decoder.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/nearest.h"

static bool column_error(const DecodeColumn *column, const char *what, Error *err)
{
	StrBuf type = STRBUF_INIT;
	type_print(column->type, &type);
	error_set(err, ERR_DATATYPE_MISMATCH, SPAN_NONE, "column \"%s\" cannot be %s: it is %s", column->name, type.text, what);
	strbuf_release(&type);
	return false;
}

static bool check_column(const DecodeColumn *column, Error *err)
{
	TypeKind kind = column->type.kind;
	switch (column->from) {
	case DECODE_TOPIC:
		return kind == TYPE_TEXT || column_error(column, "the name of the topic, TEXT", err);
	case DECODE_PARTITION: case DECODE_POSITION:
		return kind == TYPE_INTEGER || kind == TYPE_TEXT || kind == TYPE_DECIMAL || column_error(column, "a number, INTEGER", err);
	case DECODE_TIMESTAMP:
		return kind == TYPE_TIMESTAMP || kind == TYPE_INTEGER || column_error(column, "the record's time: TIMESTAMP, or INTEGER for milliseconds", err);
	case DECODE_HEADERS:
		return kind == TYPE_JSON || kind == TYPE_TEXT || column_error(column, "all headers, JSON", err);
	case DECODE_FIELD: case DECODE_KEY_FIELD: case DECODE_HEADER:
		if (column->from != DECODE_HEADER || column->path_count > 0) return true;
		return error_set(err, ERR_INVALID_DEFINITION, SPAN_NONE, "column \"%s\" names no header", column->name);
	case DECODE_KEY: case DECODE_KEY_BINARY: case DECODE_VALUE: return true;
	}
	return true;
}

static void copy_config(Decoder *d, const DecoderConfig *config)
{
	Arena *arena = &d->arena;
	d->config = *config;
	d->config.format = arena_strdup(arena, config->format);
	d->config.csv_null = arena_strdup(arena, config->csv_null ? config->csv_null : "");
	if (!d->config.csv_delimiter) d->config.csv_delimiter = ',';
	if (!d->config.csv_quote) d->config.csv_quote = '"';
	DecodeColumn *columns = arena_array(arena, DecodeColumn, config->column_count + 1);
	for (int i = 0; i < config->column_count; i++) {
		columns[i] = config->columns[i];
		columns[i].name = arena_strdup(arena, columns[i].name);
		columns[i].type = type_copy(arena, columns[i].type);
		const char **path = arena_array(arena, const char *, columns[i].path_count + 1);
		for (int p = 0; p < columns[i].path_count; p++) path[p] = arena_strdup(arena, config->columns[i].path[p]);
		columns[i].path = path;
	}
	d->config.columns = columns;
}

Decoder *decoder_new(const DecoderConfig *config, Error *err)
{
	const Format *format = format_find(config->format, SPAN_NONE, err);
	if (!format) return NULL;
	for (int i = 0; i < config->column_count; i++)
		if (!check_column(&config->columns[i], err)) return NULL;
	Decoder *d = mem_new(Decoder);
	arena_init(&d->arena, 0);
	arena_init(&d->spans, 0);
	copy_config(d, config);
	d->class = format->decoder;
	d->scratch = d->whole = d->part = STRBUF_INIT;
	d->types = arena_array(&d->arena, Type, config->column_count + 1);
	d->plain_types = arena_array(&d->arena, Type, config->column_count + 1);
	d->seen = arena_array(&d->arena, bool, config->column_count + 1);
	for (int i = 0; i < config->column_count; i++) {
		d->types[i] = d->config.columns[i].type;
		d->plain_types[i] = plain_type(d->types[i]);
		d->has_key |= config->columns[i].is_key;
	}
	d->rows_a_record = 1;
	d->powers[0] = 1;
	for (int i = 1; i <= DECIMAL_PRECISION_MAX; i++) d->powers[i] = d->powers[i - 1] * 10;
	if (d->class->init(d, err)) {
		if (d->class->rows) d->rows_a_record = d->class->rows(d);
		return d;
	}
	decoder_free(d);
	return NULL;
}

void decoder_free(Decoder *d)
{
	if (!d) return;
	if (d->state) d->class->release(d);
	strbuf_release(&d->scratch);
	strbuf_release(&d->whole);
	strbuf_release(&d->part);
	arena_release(&d->spans);
	arena_release(&d->arena);
	free(d);
}

/* ---- rows ---- */

void decoder_say(Decoder *d, ErrorCode code, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(d->error, sizeof d->error, format, args);
	va_end(args);
	d->error_code = code;
}

void decoder_add_dead(Decoder *d, ErrorCode code)
{
	d->dead_count++;
	if (d->dead && d->dead->record) d->dead->record(d->dead->context, d->records, d->record, code, d->error);
}

static void put_null(Decoder *d, int col, uint8_t mark)
{
	Column *out = &d->batch->columns[col];
	size_t bytes = phys_bytes(type_phys(out->type));
	memset((char *)out->data + bytes * (size_t)d->row, 0, bytes);
	batch_column_nulls(d->batch, col)[d->row] = mark;
}

static void put_bad(Decoder *d, int col)
{
	put_null(d, col, MARK_BAD);
	d->stats.bad_values++;
	if (d->bad_at != d->stats.records + 1) d->bad_records++;
	d->bad_at = d->stats.records + 1;
	if (d->dead && d->dead->value) d->dead->value(d->dead->context, d->records, d->record, d->row, col, d->error_code, d->error);
}

static JsonSlot bytes_slot(const char *at, size_t bytes)
{
	return at ? (JsonSlot){.kind = SLOT_BYTES, .at = at, .bytes = bytes} : (JsonSlot){.kind = SLOT_MISSING};
}

static JsonSlot timestamp_slot(const Decoder *d, int col)
{
	int64_t us = d->record->timestamp_us;
	if (us == TIMESTAMP_NONE) return (JsonSlot){.kind = SLOT_MISSING};
	return (JsonSlot){.kind = SLOT_INT, .i64 = d->types[col].kind == TYPE_TIMESTAMP ? us : us / 1000};
}

JsonSlot decoder_record_slot(Decoder *d, int col)
{
	const DecodeColumn *column = &d->config.columns[col];
	const Record *record = d->record;
	size_t bytes;
	switch (column->from) {
	case DECODE_KEY: case DECODE_KEY_BINARY: return bytes_slot(record->key, record->key_bytes);
	case DECODE_VALUE: return bytes_slot(record->value, record->value_bytes);
	case DECODE_TOPIC: return bytes_slot(d->records->topic, strlen(d->records->topic ? d->records->topic : ""));
	case DECODE_PARTITION: return (JsonSlot){.kind = SLOT_INT, .i64 = d->records->partition};
	case DECODE_POSITION: return (JsonSlot){.kind = SLOT_INT, .i64 = record->position};
	case DECODE_TIMESTAMP: return timestamp_slot(d, col);
	case DECODE_HEADER: {
		const char *at = d->records->header_find ? d->records->header_find(record, column->path[0], &bytes) : NULL;
		return at ? bytes_slot(at, bytes) : (JsonSlot){.kind = SLOT_MISSING};
	}
	default: return (JsonSlot){.kind = SLOT_MISSING};
	}
}

/* ARRAY<ROW<name, value>> is a list of them, MAP an object; bytes where they are declared */
static HeadersForm headers_form(Type type)
{
	if (type.kind != TYPE_JSON || type.field_count != 1) return (HeadersForm){0};
	Type element = type.fields[0].type;
	if (element.kind != TYPE_ROW || element.field_count != 2) return (HeadersForm){.base64 = element.kind == TYPE_BLOB};
	return (HeadersForm){element.fields[0].name, element.fields[1].name, element.fields[1].type.kind == TYPE_BLOB};
}

static bool put_headers(Decoder *d, int col)
{
	if (!d->records->headers_json) { put_null(d, col, MARK_NULL); return true; }
	strbuf_clear(&d->scratch);
	HeadersForm form = headers_form(d->config.columns[col].type);
	d->records->headers_json(d->record, &form, &d->scratch);
	d->batch->columns[col].str[d->row] = decoder_string(d, d->scratch.text, d->scratch.bytes);
	return true;
}

/* only_keys: the row names what is taken away; where the key says that, nothing else need be there, or good. */
static void put_cell(Decoder *d, int col, const JsonSlot *slot, bool only_keys)
{
	Column *out = &d->batch->columns[col];
	bool is_null;
	only_keys &= !d->config.columns[col].is_key;
	if (only_keys && (slot->kind == SLOT_MISSING || slot->kind == SLOT_NULL)) { put_null(d, col, MARK_NULL); return; }
	if (!convert_slot(d, col, slot, out, d->row, &is_null)) {
		if (only_keys && d->has_key) put_null(d, col, MARK_NULL);
		else put_bad(d, col);
	}
	else if (is_null) put_null(d, col, MARK_NULL);
}

static void put_record_cell(Decoder *d, int col, bool only_keys)
{
	const DecodeColumn *column = &d->config.columns[col];
	if (column->from == DECODE_HEADERS) { put_headers(d, col); return; }
	JsonSlot slot = decoder_record_slot(d, col);
	if (column->from == DECODE_TIMESTAMP && column->type.kind == TYPE_TIMESTAMP && slot.kind == SLOT_INT) d->batch->columns[col].i64[d->row] = slot.i64;
	else put_cell(d, col, &slot, only_keys);
}

void decoder_add_row(Decoder *d, const JsonSlot *const *slots, RowOp op)
{
	bool goes = op == ROW_DELETE || op == ROW_BEFORE, only_keys = goes && (d->has_key || d->config.changelog == CHANGELOG_UPSERT);
	for (int col = 0; col < d->config.column_count; col++) {
		if (decode_from_value(d->config.columns[col].from)) put_cell(d, col, slots[col], only_keys);
		else put_record_cell(d, col, only_keys);
	}
	if (d->stats.records < REPORT_AFTER_RECORDS && !goes)
		for (int col = 0; col < d->config.column_count; col++)
			d->seen[col] |= !decode_from_value(d->config.columns[col].from) || slots[col]->kind != SLOT_MISSING;
	d->positions[d->row] = d->record->position;
	if (d->ops) d->ops[d->row] = (uint8_t)op;
	d->row++;
}

static void begin_batch(Decoder *d, int room)
{
	d->batch = batch_new(d->plain_types, d->config.column_count, room);
	d->positions = arena_alloc(&d->batch->arena, sizeof *d->positions * (size_t)room);
	d->ops = d->config.changelog == CHANGELOG_NONE ? NULL : arena_alloc(&d->batch->arena, (size_t)room);
	d->row = 0;
	d->heap = d->heap_end = NULL;
}

bool decoder_reserve(Decoder *d, int rows)
{
	if (d->row + rows <= d->batch->room) return true;
	if (d->row) return false;
	batch_unref(d->batch);
	begin_batch(d, rows);
	return true;
}

int decoder_decode(Decoder *d, const RecordBatch *records, int from, Decoded *out, const DeadSink *dead)
{
	int room = (records->count - from) * d->rows_a_record;
	if (room > BATCH_ROWS_MAX) room = BATCH_ROWS_MAX;
	begin_batch(d, room < d->rows_a_record ? d->rows_a_record : room);
	d->dead_count = 0;
	d->bytes = 0;
	d->records = records;
	d->dead = dead;
	int next = d->class->decode(d, records, from);
	d->batch->rows = d->batch->count = d->row;
	*out = (Decoded){.batch = d->batch, .positions = d->positions, .ops = d->ops, .records = next - from, .dead = d->dead_count, .bytes = d->bytes};
	if (!d->row) {
		batch_unref(d->batch);
		out->batch = NULL, out->positions = NULL, out->ops = NULL;
	}
	d->batch = NULL;
	d->stats.dead += d->dead_count;
	return next;
}

/* ---- what is odd about a source ---- */

DecoderStats decoder_stats(const Decoder *d) { return d->stats; }

static void report_column(Decoder *d, int col, StrBuf *out)
{
	const char *near = d->class->nearest ? d->class->nearest(d, col) : NULL;
	bool all = d->stats.records < REPORT_AFTER_RECORDS;
	strbuf_printf(out, "column \"%s\" is in none of the ", d->config.columns[col].name);
	if (all) strbuf_printf(out, "%lld records", (long long)d->stats.records);
	else strbuf_printf(out, "first %d records", REPORT_AFTER_RECORDS);
	if (near) strbuf_printf(out, "; they have \"%s\"", near);
	strbuf_addc(out, '\n');
}

bool decoder_report(Decoder *d, bool is_end, StrBuf *out)
{
	size_t before = out->bytes;
	int64_t dead = d->stats.dead + d->bad_records, records = d->stats.records;
	if (records < (is_end ? 1 : REPORT_AFTER_RECORDS)) return false;
	if (!d->reported_columns) {
		d->reported_columns = true;
		if (d->stats.records > d->stats.dead)
			for (int col = 0; col < d->config.column_count; col++)
				if (!d->seen[col]) report_column(d, col, out);
	}
	if (!d->reported_dead && (is_end ? dead > 0 : dead * 2 > records)) {
		d->reported_dead = true;
		strbuf_printf(out, "%lld of %lld records are dead letters (see weir_dead_letters), the last one: %s\n", (long long)dead, (long long)records, d->error);
	}
	return out->bytes > before;
}
