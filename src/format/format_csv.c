/* CSV records: one line each (a quoted field may hold line ends), RFC 4180. Fields are found by their number, or by the names in the
 * file's header line. An unquoted field that reads as csv_null is NULL; a quoted empty field is the empty text.
 */
#include <stdlib.h>
#include <strings.h>

#include "base/nearest.h"
#include "format/decoder.h"

enum { CSV_FIELDS_MAX = 16384 };

typedef struct CsvField { const char *at; size_t bytes; bool quoted; } CsvField;

typedef struct DecoderCsv {
	CsvField *fields;
	int field_count, field_room;
	JsonSlot *slots;              /* per column */
	const JsonSlot **found;
	int *ordinals;                /* per column: number of its field, -1: not there */
	const char *header;           /* the line for which the ordinals hold */
	CsvField *names;              /* of that line, in arena `line` */
	int name_count;
	Arena unquoted;               /* fields with doubled quotes, per record */
	Arena line;
	size_t null_bytes;
} DecoderCsv;

static bool csv_init(Decoder *d, Error *err)
{
	DecoderCsv *csv = d->state = arena_new(&d->arena, DecoderCsv);
	int count = d->config.column_count;
	arena_init(&csv->unquoted, 0);
	arena_init(&csv->line, 0);
	csv->slots = arena_array(&d->arena, JsonSlot, count + 1);
	csv->found = arena_array(&d->arena, const JsonSlot *, count + 1);
	csv->ordinals = arena_array(&d->arena, int, count + 1);
	csv->null_bytes = strlen(d->config.csv_null);
	for (int col = 0; col < count; col++) {
		const DecodeColumn *column = &d->config.columns[col];
		csv->found[col] = &csv->slots[col];
		csv->ordinals[col] = column->ordinal;
		if (column->from == DECODE_KEY_FIELD || (column->from == DECODE_FIELD && column->path_count > 1))
			return error_set(err, ERR_UNSUPPORTED, SPAN_NONE, "column \"%s\": format csv has no nested fields", column->name);
	}
	if (d->config.changelog > CHANGELOG_UPSERT) return error_set(err, ERR_UNSUPPORTED, SPAN_NONE, "format csv carries no changelog but upsert");
	if (d->config.csv_delimiter == d->config.csv_quote) return error_set(err, ERR_INVALID_PARAMETER, SPAN_NONE, "csv.delimiter and csv.quote cannot be the same");
	return true;
}

static void csv_release(Decoder *d)
{
	DecoderCsv *csv = d->state;
	free(csv->fields);
	arena_release(&csv->unquoted);
	arena_release(&csv->line);
}

static void add_field(DecoderCsv *csv, CsvField field)
{
	if (csv->field_count == csv->field_room) {
		csv->field_room = csv->field_room ? csv->field_room * 2 : 32;
		csv->fields = mem_realloc(csv->fields, sizeof *csv->fields * (size_t)csv->field_room);
	}
	csv->fields[csv->field_count++] = field;
}

/* A field that starts with a quote; returns what follows its closing quote, NULL: there is none. */
static const char *quoted_field(DecoderCsv *csv, char quote, const char *at, const char *end)
{
	const char *start = ++at, *copied = start;
	char *to = NULL, *out = NULL;
	for (;; at++) {
		at = memchr(at, quote, (size_t)(end - at));
		if (!at) return NULL;
		if (at + 1 == end || at[1] != quote) break;
		if (!out) to = out = arena_alloc(&csv->unquoted, (size_t)(end - start));
		memcpy(to, copied, (size_t)(at + 1 - copied));
		to += at + 1 - copied;
		copied = ++at + 1;
	}
	if (out) {
		memcpy(to, copied, (size_t)(at - copied));
		add_field(csv, (CsvField){out, (size_t)(to - out) + (size_t)(at - copied), true});
	} else add_field(csv, (CsvField){start, (size_t)(at - start), true});
	return at + 1;
}

/* NULL, or what is wrong with the line. */
static const char *split(DecoderCsv *csv, const DecoderConfig *config, const char *at, size_t bytes)
{
	const char *end = at + bytes;
	csv->field_count = 0;
	arena_clear(&csv->unquoted);
	while (true) {
		if (csv->field_count == CSV_FIELDS_MAX) return "more than 16384 fields";
		if (at < end && *at == config->csv_quote) {
			at = quoted_field(csv, config->csv_quote, at, end);
			if (!at) return "a quote is not closed";
			if (at < end && *at != config->csv_delimiter) return "something stands between a closing quote and the delimiter";
		} else {
			const char *stop = memchr(at, config->csv_delimiter, (size_t)(end - at));
			if (!stop) stop = end;
			add_field(csv, (CsvField){at, (size_t)(stop - at), false});
			at = stop;
		}
		if (at == end) return NULL;
		at++;
	}
}

/* Exact name, else ignoring case if only one fits. */
static int name_ordinal(const DecoderCsv *csv, const char *name)
{
	size_t bytes = strlen(name);
	int folded = -1, fits = 0;
	for (int i = 0; i < csv->name_count; i++) {
		if (csv->names[i].bytes != bytes || strncasecmp(csv->names[i].at, name, bytes) != 0) continue;
		if (memcmp(csv->names[i].at, name, bytes) == 0) return i;
		folded = i, fits++;
	}
	return fits == 1 ? folded : -1;
}

static void use_header(Decoder *d, DecoderCsv *csv, const RecordBatch *records)
{
	csv->header = records->header;
	arena_clear(&csv->line);
	csv->name_count = 0;
	const char *line = records->header;
	size_t bytes = records->header_bytes;
	if (bytes >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) line += 3, bytes -= 3;
	if (line && !split(csv, &d->config, line, bytes)) {
		csv->names = arena_array(&csv->line, CsvField, csv->field_count);
		csv->name_count = csv->field_count;
		for (int i = 0; i < csv->field_count; i++) {
			CsvField *field = &csv->fields[i];
			while (field->bytes && field->at[0] == ' ') field->at++, field->bytes--;
			while (field->bytes && field->at[field->bytes - 1] == ' ') field->bytes--;
			csv->names[i] = (CsvField){arena_strndup(&csv->line, field->at, field->bytes), field->bytes, false};
		}
	}
	for (int col = 0; col < d->config.column_count; col++) {
		const DecodeColumn *column = &d->config.columns[col];
		if (column->from == DECODE_FIELD) csv->ordinals[col] = name_ordinal(csv, column->path_count ? column->path[0] : column->name);
	}
}

static void fill_slots(const Decoder *d, DecoderCsv *csv)
{
	for (int col = 0; col < d->config.column_count; col++) {
		JsonSlot *slot = &csv->slots[col];
		int ordinal = csv->ordinals[col];
		if (ordinal < 0 || ordinal >= csv->field_count) { slot->kind = SLOT_MISSING; continue; }
		const CsvField *field = &csv->fields[ordinal];
		bool null = !field->quoted && field->bytes == csv->null_bytes && memcmp(field->at, d->config.csv_null, field->bytes) == 0;
		*slot = (JsonSlot){.kind = null ? SLOT_NULL : SLOT_BYTES, .at = field->at, .bytes = field->bytes};
	}
}

/* Only where columns are read from the key it says which row is gone: it has no fields with names. */
static bool is_tombstone(const Decoder *d)
{
	if (d->config.changelog != CHANGELOG_UPSERT || d->record->value || !d->record->key) return false;
	for (int col = 0; col < d->config.column_count; col++)
		if (d->config.columns[col].is_key && d->config.columns[col].from == DECODE_FIELD) return false;
	return true;
}

static void decode_line(Decoder *d, DecoderCsv *csv)
{
	const Record *record = d->record;
	if (is_tombstone(d)) {
		csv->field_count = 0;
		fill_slots(d, csv);
		decoder_add_row(d, csv->found, ROW_DELETE);
		return;
	}
	size_t bytes = record->value_bytes;
	if (bytes && record->value[bytes - 1] == '\r') bytes--;
	const char *wrong = record->value ? split(csv, &d->config, record->value, bytes) : "the record has no value";
	int wanted = csv->header ? csv->name_count : d->config.csv_field_count;
	if (wrong) decoder_say(d, ERR_INVALID_TEXT, "not CSV: %s", wrong);
	else if (wanted && csv->field_count != wanted) {
		wrong = "";
		decoder_say(d, ERR_INVALID_TEXT, "the line has %d fields, not %d", csv->field_count, wanted);
	}
	if (wrong) { decoder_add_dead(d, ERR_INVALID_TEXT); return; }
	fill_slots(d, csv);
	decoder_add_row(d, csv->found, d->config.changelog == CHANGELOG_UPSERT ? ROW_UPSERT : ROW_INSERT);
}

static int csv_decode(Decoder *d, const RecordBatch *records, int from)
{
	DecoderCsv *csv = d->state;
	if (d->config.csv_header && records->header && records->header != csv->header) use_header(d, csv, records);
	int i = from;
	for (; i < records->count && decoder_has_room(d); i++) {
		d->record = &records->at[i];
		if (!decoder_take_flaw(d)) decode_line(d, csv);
		d->bytes += d->record->value_bytes + d->record->key_bytes;
		d->stats.records++;
	}
	return i;
}

static const char *csv_nearest(Decoder *d, int col)
{
	DecoderCsv *csv = d->state;
	const DecodeColumn *column = &d->config.columns[col];
	Nearest nearest;
	nearest_init(&nearest, column->path_count ? column->path[0] : column->name);
	for (int i = 0; i < csv->name_count; i++) nearest_offer(&nearest, csv->names[i].at);
	return nearest.best;
}

const DecoderClass DECODER_CSV = {.init = csv_init, .release = csv_release, .decode = csv_decode, .nearest = csv_nearest};
