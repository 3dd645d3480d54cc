/* Rows as JSON objects or CSV lines, for sinks. The values' spelling is type/text.c's. */
#include <stdlib.h>
#include <string.h>

#include "format/format.h"
#include "format/json_scan.h"
#include "type/row.h"
#include "type/text.h"

const char *const CHANGE_OP_TEXT[] = {"+I", "-U", "+U", "-D"};

struct Encoder {
	Arena arena;
	EncoderConfig config;
	StrBuf *names;                /* JSON: "name": ready to copy, with the comma before it */
	void (*add_row)(const Encoder *encoder, const Column *columns, int row, const char *op, StrBuf *out);
};

static void json_add_row(const Encoder *e, const Column *columns, int row, const char *op, StrBuf *out)
{
	if (op) { strbuf_adds(out, "{\"op\":\""); strbuf_adds(out, op); strbuf_addc(out, '"'); }
	else strbuf_addc(out, '{');
	for (int col = 0; col < e->config.column_count; col++) {
		Value value = column_value(&columns[col], row);
		if (col || op) strbuf_addc(out, ',');
		strbuf_add(out, e->names[col].text, e->names[col].bytes);
		bool is_json = value.type.kind == TYPE_JSON || value.type.kind == TYPE_ROW;
		if (value.is_null) strbuf_adds(out, "null");
		else if (is_json) value_print(&value, out);             /* nested, not as text */
		else value_print_json(&value, out);
	}
	strbuf_adds(out, "}\n");
}

static void csv_add_field(const Encoder *e, const char *at, size_t bytes, StrBuf *out)
{
	char quote = e->config.csv_quote;
	bool plain = bytes > 0 && !memchr(at, quote, bytes) && !memchr(at, e->config.csv_delimiter, bytes) && !memchr(at, '\n', bytes) && !memchr(at, '\r', bytes);
	if (plain) { strbuf_add(out, at, bytes); return; }
	strbuf_addc(out, quote);
	for (size_t i = 0; i < bytes; i++) {
		if (at[i] == quote) strbuf_addc(out, quote);
		strbuf_addc(out, at[i]);
	}
	strbuf_addc(out, quote);
}

/* JSON has the spelling of bytes: base64, in quotes that are left away. */
static void csv_add_value(const Encoder *e, const Value *value, StrBuf *out)
{
	StrBuf text = STRBUF_INIT;
	if (value->type.kind != TYPE_BLOB) value_print(value, &text);
	else value_print_json(value, &text);
	bool quoted = value->type.kind == TYPE_BLOB && text.bytes >= 2;
	csv_add_field(e, text.text + quoted, text.bytes - 2 * quoted, out);
	strbuf_release(&text);
}

static void csv_add_row(const Encoder *e, const Column *columns, int row, const char *op, StrBuf *out)
{
	if (op) strbuf_adds(out, op);
	for (int col = 0; col < e->config.column_count; col++) {
		Value value = column_value(&columns[col], row);
		if (col || op) strbuf_addc(out, e->config.csv_delimiter);
		if (!value.is_null) csv_add_value(e, &value, out);
	}
	strbuf_addc(out, '\n');
}

void encoder_options(EncoderConfig *config, const OptionSet *options)
{
	config->format = options_text(options, "format");
	config->csv_delimiter = *options_text(options, "csv.delimiter");
	config->csv_quote = *options_text(options, "csv.quote");
	config->csv_header = options_boolean(options, "csv.header");
}

bool encoder_names_fields(const EncoderConfig *config)
{
	Error none = ERROR_INIT;
	const Format *format = format_find(config->format, SPAN_NONE, &none);
	return format && format->framing != FRAMING_CSV;
}

bool encoder_hides_op(const EncoderConfig *config)
{
	bool named = encoder_names_fields(config) || config->csv_header;
	for (int col = 0; named && config->with_op && col < config->column_count; col++)
		if (strcmp(config->columns[col].name, "op") == 0) return true;
	return false;
}

static bool same_names(const EncoderConfig *a, const EncoderConfig *b)
{
	bool same = a->column_count == b->column_count;
	for (int col = 0; same && col < a->column_count; col++) same = strcmp(a->columns[col].name, b->columns[col].name) == 0;
	return same;
}

bool encoder_alike(const EncoderConfig *a, const EncoderConfig *b)
{
	bool same = a->column_count == b->column_count && a->with_op == b->with_op;
	for (int col = 0; same && col < a->column_count; col++) same = type_equal(a->columns[col].type, b->columns[col].type);
	return same && ((!encoder_names_fields(a) && !a->csv_header) || same_names(a, b));
}

const char *encoder_cannot_follow(const EncoderConfig *old, const EncoderConfig *made)
{
	if (encoder_names_fields(old)) return NULL;
	if (old->column_count != made->column_count) return "all lines of a csv file have as many fields";
	return old->csv_header && !same_names(old, made) ? "the header of its csv file names other columns" : NULL;
}

Encoder *encoder_new(const EncoderConfig *config, Error *err)
{
	const Format *format = format_find(config->format, SPAN_NONE, err);
	if (!format) return NULL;
	if (!format->encodes) {
		error_set(err, ERR_UNSUPPORTED, SPAN_NONE, "format \"%s\" cannot be written", format->name);
		return NULL;
	}
	Encoder *e = mem_new(Encoder);
	arena_init(&e->arena, 0);
	e->config = *config;
	e->config.format = format->name;
	if (!e->config.csv_delimiter) e->config.csv_delimiter = ',';
	if (!e->config.csv_quote) e->config.csv_quote = '"';
	e->add_row = format->framing == FRAMING_CSV ? csv_add_row : json_add_row;
	EncodeColumn *columns = arena_array(&e->arena, EncodeColumn, config->column_count + 1);
	e->names = arena_array(&e->arena, StrBuf, config->column_count + 1);
	for (int col = 0; col < config->column_count; col++) {
		columns[col] = (EncodeColumn){arena_strdup(&e->arena, config->columns[col].name), config->columns[col].type};
		e->names[col] = STRBUF_INIT;
		json_add_string(&e->names[col], columns[col].name, strlen(columns[col].name));
		strbuf_addc(&e->names[col], ':');
	}
	e->config.columns = columns;
	return e;
}

void encoder_free(Encoder *e)
{
	if (!e) return;
	for (int col = 0; col < e->config.column_count; col++) strbuf_release(&e->names[col]);
	arena_release(&e->arena);
	free(e);
}

void encoder_header(const Encoder *e, StrBuf *out)
{
	if (!e->config.csv_header || e->add_row != csv_add_row) return;
	if (e->config.with_op) strbuf_adds(out, "op");
	for (int col = 0; col < e->config.column_count; col++) {
		if (col || e->config.with_op) strbuf_addc(out, e->config.csv_delimiter);
		csv_add_field(e, e->config.columns[col].name, strlen(e->config.columns[col].name), out);
	}
	strbuf_addc(out, '\n');
}

void encoder_add(Encoder *e, const Batch *changes, const uint8_t *ops, StrBuf *out)
{
	Arena scratch;
	arena_init(&scratch, 0);
	Column *columns = arena_array(&scratch, Column, changes->column_count + 1);
	for (int col = 0; col < changes->column_count; col++) columns[col] = batch_column(changes, col, &scratch);
	for (int i = 0; i < changes->count; i++) {
		int64_t weight = batch_weight(changes, i), times = weight < 0 ? -weight : weight;
		ChangeOp op = ops ? (ChangeOp)ops[i] : weight < 0 ? CHANGE_DELETE : CHANGE_INSERT;
		for (int64_t n = 0; n < times; n++) e->add_row(e, columns, i, e->config.with_op ? CHANGE_OP_TEXT[op] : NULL, out);
	}
	arena_release(&scratch);
}

static bool same_key(const Column *columns, const int *keys, int key_count, int a, int b)
{
	for (int k = 0; k < key_count; k++) {
		Value x = column_value(&columns[keys[k]], a), y = column_value(&columns[keys[k]], b);
		if (!value_equal(&x, &y)) return false;
	}
	return true;
}

uint8_t *change_ops(const Batch *changes, const int *key_columns, int key_count, Arena *scratch)
{
	uint8_t *ops = arena_alloc(scratch, (size_t)changes->count + 1);
	Column *columns = arena_array(scratch, Column, changes->column_count + 1);
	for (int k = 0; k < key_count; k++) columns[key_columns[k]] = batch_column(changes, key_columns[k], scratch);
	for (int i = 0; i < changes->count; i++) ops[i] = batch_weight(changes, i) < 0 ? CHANGE_DELETE : CHANGE_INSERT;
	for (int i = 0; key_count && i + 1 < changes->count; i++) {
		if (batch_weight(changes, i) != -1 || batch_weight(changes, i + 1) != 1 || !same_key(columns, key_columns, key_count, i, i + 1)) continue;
		ops[i] = CHANGE_UPDATE_BEFORE;
		ops[++i] = CHANGE_UPDATE_AFTER;
	}
	return ops;
}
