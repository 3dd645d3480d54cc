/* JSON records. simdjson's DOM reads them; what it refuses, and numbers and nested values whose text is needed, json_scan reads again. Records that
 * are one row are made here, those that say what to do with rows in json_changes.c. */
#include <assert.h>
#include <stdlib.h>

#include "base/nearest.h"
#include "format/json_decoder.h"

static void part_init(Part *part)
{
	json_tree_init(&part->tree);
	json_scan_init(&part->scan);
	part->simd = json_simd_new();
}

static void part_release(Part *part)
{
	json_tree_release(&part->tree);
	json_scan_release(&part->scan);
	json_simd_free(part->simd);
}

bool json_part_parse(Part *part, const char *text, size_t bytes)
{
	part->text = text, part->bytes = bytes;
	part->long_numbers = LONG_UNKNOWN;
	JsonSimdResult result = json_simd_parse(part->simd, &part->tree, text, bytes);
	part->is_scanned = result != JSON_SIMD_OK;
	return result == JSON_SIMD_OK || json_scan_parse(&part->scan, &part->tree, text, bytes);
}

static bool json_init(Decoder *d, Error *err)
{
	DecoderJson *j = d->state = arena_new(&d->arena, DecoderJson);
	int count = d->config.column_count;
	for (int p = 0; p < PART_COUNT; p++) part_init(&j->parts[p]);
	j->slots = arena_array(&d->arena, int, count * PLACES_MAX + 1);
	j->found = arena_array(&d->arena, const JsonSlot *, count + 1);
	j->at = arena_array(&d->arena, Found, count + 1);
	j->place_count = 1;
	j->alone_column = -1;
	for (int col = 0; col < count; col++) {
		const DecodeColumn *column = &d->config.columns[col];
		if (column->path_count >= JSON_DEPTH_MAX) return error_set(err, ERR_TOO_COMPLEX, SPAN_NONE, "column \"%s\" lies deeper than %d fields", column->name, JSON_DEPTH_MAX);
		j->key_is_read |= column->from == DECODE_KEY || column->from == DECODE_KEY_BINARY || column->from == DECODE_KEY_FIELD;
		if (column->from == DECODE_KEY_FIELD && column->is_alone && d->config.changelog == CHANGELOG_NONE) j->alone_column = col;
		if (column->from == DECODE_KEY_FIELD) j->slots[col] = json_tree_add(&j->parts[PART_KEY].tree, column->path, column->path_count);
		if (column->from == DECODE_FIELD && d->config.changelog <= CHANGELOG_UPSERT) j->slots[col] = json_tree_add(&j->parts[PART_VALUE].tree, column->path, column->path_count);
	}
	if (d->config.changelog != CHANGELOG_NONE) json_changes_init(d, j);
	return true;
}

static void json_release(Decoder *d)
{
	DecoderJson *j = d->state;
	for (int p = 0; p < PART_COUNT; p++) part_release(&j->parts[p]);
}

/* ---- where a row's values are ---- */

void json_use_field(DecoderJson *j, int column, Part *part, int number)
{
	j->at[column] = (Found){part, number};
	j->found[column] = &part->tree.slots[number];
}

/* Slots stay where they are, so plain records need it once. */
void json_use_place(Decoder *d, DecoderJson *j, int place)
{
	static const int PARTS_OF_CANAL[] = {PART_ROW, PART_OLD};
	int count = d->config.column_count, part = d->config.changelog == CHANGELOG_CANAL ? PARTS_OF_CANAL[place] : PART_VALUE;
	for (int col = 0; col < count; col++) {
		DecodeFrom from = d->config.columns[col].from;
		if (from == DECODE_KEY_FIELD) json_use_field(j, col, &j->parts[PART_KEY], j->slots[col]);
		else if (from == DECODE_FIELD) json_use_field(j, col, &j->parts[part], j->slots[place * count + col]);
		else j->found[col] = NULL;
	}
}

static JsonSpan json_text(Decoder *d, int col)
{
	DecoderJson *j = d->state;
	Part *part = j->at[col].part;
	if (!part->is_scanned) {
		/* the strings of the DOM stay where they are; slots that were REAL or NESTED now have their text */
		part->is_scanned = json_scan_parse(&part->scan, &part->tree, part->text, part->bytes);
		assert(part->is_scanned);             /* the two parsers accept the same texts, but for what only the scan can read */
		if (!part->is_scanned) return (JsonSpan){"", 0};
	}
	return part->scan.raws[j->at[col].number];
}

static bool json_may_be_long(Decoder *d, int col)
{
	Part *part = ((DecoderJson *)d->state)->at[col].part;
	if (part->long_numbers == LONG_UNKNOWN) part->long_numbers = json_has_long_number(part->text, part->bytes) ? LONG_SOME : LONG_NONE;
	return part->long_numbers == LONG_SOME;
}

/* ---- records ---- */

bool json_dead(Decoder *d, const char *error)
{
	decoder_say(d, ERR_INVALID_TEXT, "%s", error);
	decoder_add_dead(d, ERR_INVALID_TEXT);
	return false;
}

void json_take_whole_key(Decoder *d, DecoderJson *j)
{
	JsonSpan key = {d->record->key, d->record->key_bytes};
	j->whole_key = (JsonSlot){.kind = SLOT_BYTES, .at = key.at, .bytes = key.bytes};
	bool quoted = key.bytes && key.at[0] == '"' && json_is_valid(key.at, key.bytes);
	size_t bytes;
	const char *text = quoted ? json_string_text(&j->parts[PART_KEY].scan.scratch, key, &bytes) : NULL;
	if (text) j->whole_key = (JsonSlot){.kind = SLOT_STRING, .at = text, .bytes = bytes};
}

bool json_read_key(Decoder *d, DecoderJson *j)
{
	Part *key = &j->parts[PART_KEY];
	if (!key->tree.slot_count) return true;
	if (j->alone_column >= 0) json_use_field(j, j->alone_column, key, j->slots[j->alone_column]);
	if (!d->record->key) { json_tree_begin(&key->tree); return true; }
	if (json_part_parse(key, d->record->key, d->record->key_bytes)) return true;
	if (j->alone_column >= 0) {
		json_tree_begin(&key->tree);
		json_take_whole_key(d, j);
		j->found[j->alone_column] = &j->whole_key;
		return true;
	}
	decoder_say(d, ERR_INVALID_TEXT, "key: %s", key->scan.error);
	decoder_add_dead(d, ERR_INVALID_TEXT);
	return false;
}

bool json_read_value(Decoder *d, DecoderJson *j)
{
	Part *value = &j->parts[PART_VALUE];
	if (!d->record->value) return json_dead(d, "not JSON: the record has no value");
	return json_part_parse(value, d->record->value, d->record->value_bytes) || json_dead(d, value->scan.error);
}

static int json_decode(Decoder *d, const RecordBatch *records, int from)
{
	DecoderJson *j = d->state;
	bool plain = d->config.changelog == CHANGELOG_NONE;
	json_use_place(d, j, 0);
	int i = from;
	for (; i < records->count && decoder_has_room(d); i++) {
		d->record = &records->at[i];
		if (decoder_take_flaw(d)) { }
		else if (!plain) {
			if (!json_changes_add(d, j)) break;
		}
		else if (json_read_key(d, j) && json_read_value(d, j)) decoder_add_row(d, j->found, ROW_INSERT);
		d->bytes += d->record->value_bytes + d->record->key_bytes;
		d->stats.records++;
	}
	return i;
}

static int json_rows(const Decoder *d) { return d->config.changelog == CHANGELOG_NONE ? 1 : json_changes_rows(d); }

static const char *json_nearest(Decoder *d, int col)
{
	DecoderJson *j = d->state;
	const DecodeColumn *column = &d->config.columns[col];
	JsonNode *node = &j->parts[column->from == DECODE_KEY_FIELD ? PART_KEY : PART_VALUE].tree.root;
	for (int i = 0; i < column->path_count; i++) {
		JsonNode *child = NULL;
		for (int c = 0; c < node->child_count; c++)
			if (strcmp(node->children[c].name, column->path[i]) == 0) child = &node->children[c];
		if (child && child->stamp && child->child_count) { node = child; continue; }
		Nearest nearest;
		nearest_init(&nearest, column->path[i]);
		for (int o = 0; o < node->order_count; o++)
			if (node->order[o].child == CHILD_NONE) nearest_offer(&nearest, node->order[o].key);
		return nearest.best;
	}
	return NULL;
}

const DecoderClass DECODER_JSON = {
	.init = json_init, .release = json_release, .decode = json_decode, .text = json_text, .may_be_long = json_may_be_long, .rows = json_rows, .nearest = json_nearest,
};
