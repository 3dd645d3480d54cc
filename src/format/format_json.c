/* JSON records. simdjson's DOM reads them; what it refuses, and numbers and nested values whose text is needed, json_scan reads again.
 *
 * The tree of wanted fields holds, for changelog formats, one copy of the columns for each place where a row can stand ("after",
 * "before", with or without "payload" around them), and the slot of the field that says what happened.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/nearest.h"
#include "format/decoder.h"
#include "format/json_simd.h"

enum { PLACES_MAX = 4, PREFIX_MAX = 2 };

/* Where a row stands in a record. */
typedef struct Place { const char *prefix[PREFIX_MAX]; int prefix_count; } Place;

static const Place PLACE_PLAIN[] = {{{NULL}, 0}};
static const Place PLACES_DEBEZIUM[] = {{{"after"}, 1}, {{"before"}, 1}, {{"payload", "after"}, 2}, {{"payload", "before"}, 2}};
enum { AFTER, BEFORE };

typedef struct Part {                 /* the value, or the key */
	JsonTree tree;
	JsonSimd *simd;
	JsonScan scan;
	const char *text;
	size_t bytes;
	bool is_scanned;              /* the scan holds this record's texts */
	enum { LONG_UNKNOWN, LONG_NONE, LONG_SOME } long_numbers;
} Part;

typedef struct DecoderJson {
	Part value, key;
	const Place *places;
	int place_count;
	int *slots;                   /* [place * column_count + column] */
	const JsonSlot **found;       /* per column, for decoder_add_row */
	int place;                    /* in which the current row stands */
	int op_slot[2];               /* "op", "payload"."op" */
	int row_slot[PLACES_MAX];     /* the objects themselves: null or there */
	bool key_is_read;             /* some column comes from the record's key */
	int *key_slots;               /* upserts, per column: the field of the key that stands in for a missing one; -1: none */
	int key_column;               /* the only such column: it may be the whole key; -1: there are none or several */
	bool key_is_object;
	JsonSlot whole_key;
} DecoderJson;

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

/* False: dead, scan.error says why. */
static bool part_parse(Part *part, const char *text, size_t bytes)
{
	part->text = text, part->bytes = bytes;
	part->long_numbers = LONG_UNKNOWN;
	JsonSimdResult result = json_simd_parse(part->simd, &part->tree, text, bytes);
	part->is_scanned = result != JSON_SIMD_OK;
	return result == JSON_SIMD_OK || json_scan_parse(&part->scan, &part->tree, text, bytes);
}

static int add_path(JsonTree *tree, const Place *place, const char *const *path, int path_count)
{
	const char *whole[PREFIX_MAX + JSON_DEPTH_MAX];
	for (int i = 0; i < place->prefix_count; i++) whole[i] = place->prefix[i];
	for (int i = 0; i < path_count; i++) whole[place->prefix_count + i] = path[i];
	return json_tree_add(tree, whole, place->prefix_count + path_count);
}

static void add_ops(DecoderJson *j, Changelog changelog)
{
	static const char *const OP[] = {"op"}, *const PAYLOAD_OP[] = {"payload", "op"};
	j->op_slot[0] = json_tree_add(&j->value.tree, OP, 1);
	j->op_slot[1] = j->op_slot[0];
	if (changelog != CHANGELOG_DEBEZIUM) return;
	j->op_slot[1] = json_tree_add(&j->value.tree, PAYLOAD_OP, 2);
	for (int p = 0; p < j->place_count; p++) j->row_slot[p] = add_path(&j->value.tree, &j->places[p], NULL, 0);
}

/* What a tombstone says is in its key alone. */
static void add_keys(Decoder *d, DecoderJson *j)
{
	int count = 0;
	bool said = false;
	for (int col = 0; col < d->config.column_count; col++) said |= d->config.columns[col].is_key;
	j->key_slots = arena_array(&d->arena, int, d->config.column_count + 1);
	for (int col = 0; col < d->config.column_count; col++) {
		const DecodeColumn *column = &d->config.columns[col];
		bool wanted = column->from == DECODE_FIELD && (said ? column->is_key : column->not_null);
		j->key_slots[col] = wanted ? json_tree_add(&j->key.tree, column->path, column->path_count) : -1;
		count += wanted;
		if (wanted) j->key_column = col;
	}
	if (count != 1) j->key_column = -1;
	j->key_is_read |= count > 0;
}

static bool json_init(Decoder *d, Error *err)
{
	DecoderJson *j = d->state = arena_new(&d->arena, DecoderJson);
	int count = d->config.column_count;
	part_init(&j->value);
	part_init(&j->key);
	j->places = d->config.changelog == CHANGELOG_DEBEZIUM ? PLACES_DEBEZIUM : PLACE_PLAIN;
	j->place_count = d->config.changelog == CHANGELOG_DEBEZIUM ? PLACES_MAX : 1;
	j->slots = arena_array(&d->arena, int, count * j->place_count + 1);
	j->found = arena_array(&d->arena, const JsonSlot *, count + 1);
	for (int col = 0; col < count; col++) {
		const DecodeColumn *column = &d->config.columns[col];
		if (column->path_count >= JSON_DEPTH_MAX) return error_set(err, ERR_TOO_COMPLEX, SPAN_NONE, "column \"%s\" lies deeper than %d fields", column->name, JSON_DEPTH_MAX);
		j->key_is_read |= column->from == DECODE_KEY || column->from == DECODE_KEY_BINARY || column->from == DECODE_KEY_FIELD;
		if (column->from == DECODE_KEY_FIELD) j->slots[col] = json_tree_add(&j->key.tree, column->path, column->path_count);
		if (column->from != DECODE_FIELD) continue;
		for (int p = 0; p < j->place_count; p++) j->slots[p * count + col] = add_path(&j->value.tree, &j->places[p], column->path, column->path_count);
	}
	if (d->config.changelog == CHANGELOG_DEBEZIUM || d->config.changelog == CHANGELOG_OP) add_ops(j, d->config.changelog);
	if (d->config.changelog == CHANGELOG_UPSERT) add_keys(d, j);
	return true;
}

static void json_release(Decoder *d)
{
	DecoderJson *j = d->state;
	part_release(&j->value);
	part_release(&j->key);
}

/* Points the columns to the slots of a place; they stay where they are, so plain records need it once. */
static void use_place(Decoder *d, DecoderJson *j, int place)
{
	int count = d->config.column_count;
	j->place = place;
	for (int col = 0; col < count; col++) {
		bool key = d->config.columns[col].from == DECODE_KEY_FIELD;
		j->found[col] = key ? &j->key.tree.slots[j->slots[col]] : d->config.columns[col].from == DECODE_FIELD ? &j->value.tree.slots[j->slots[place * count + col]] : NULL;
	}
}

/* The slot of a column's present value and the part that it is in. */
static int slot_of(const Decoder *d, int col, Part **part)
{
	DecoderJson *j = d->state;
	const JsonSlot *keys = j->key.tree.slots;
	bool stand_in = j->key_slots && j->key_slots[col] >= 0 && keys && j->found[col] == &keys[j->key_slots[col]];
	bool key = stand_in || d->config.columns[col].from == DECODE_KEY_FIELD;
	*part = key ? &j->key : &j->value;
	return stand_in ? j->key_slots[col] : j->slots[key ? col : j->place * d->config.column_count + col];
}

static JsonSpan json_text(Decoder *d, int col)
{
	Part *part;
	int slot = slot_of(d, col, &part);
	if (!part->is_scanned) {
		/* the strings of the DOM stay where they are; slots that were REAL or NESTED now have their text */
		part->is_scanned = json_scan_parse(&part->scan, &part->tree, part->text, part->bytes);
		assert(part->is_scanned);             /* the two parsers accept the same texts, but for what only the scan can read */
		if (!part->is_scanned) return (JsonSpan){"", 0};
	}
	return part->scan.raws[slot];
}

static bool json_may_be_long(Decoder *d, int col)
{
	Part *part;
	slot_of(d, col, &part);
	if (part->long_numbers == LONG_UNKNOWN) part->long_numbers = json_has_long_number(part->text, part->bytes) ? LONG_SOME : LONG_NONE;
	return part->long_numbers == LONG_SOME;
}

static bool dead(Decoder *d, const char *error)
{
	decoder_say(d, ERR_INVALID_TEXT, "%s", error);
	decoder_add_dead(d, ERR_INVALID_TEXT);
	return false;
}

static bool read_key(Decoder *d, DecoderJson *j)
{
	if (!j->key.tree.slot_count) return true;
	if (!d->record->key) { json_tree_begin(&j->key.tree); return true; }
	if (part_parse(&j->key, d->record->key, d->record->key_bytes)) return true;
	decoder_say(d, ERR_INVALID_TEXT, "key: %s", j->key.scan.error);
	decoder_add_dead(d, ERR_INVALID_TEXT);
	return false;
}

static bool read_value(Decoder *d, DecoderJson *j)
{
	if (!d->record->value) return dead(d, "not JSON: the record has no value");
	return part_parse(&j->value, d->record->value, d->record->value_bytes) || dead(d, j->value.scan.error);
}

static bool is_blank_key(const Record *record) { return !record->key || !record->key_bytes; }

/* A key is an object whose fields are read, or, for one column, the value itself, as JSON or as it stands. */
static bool read_upsert_key(Decoder *d, DecoderJson *j)
{
	const Record *record = d->record;
	j->whole_key = (JsonSlot){.kind = SLOT_MISSING};
	j->key_is_object = false;
	json_tree_begin(&j->key.tree);
	if (is_blank_key(record)) return true;
	j->key_is_object = part_parse(&j->key, record->key, record->key_bytes);
	if (j->key_is_object) return true;
	json_tree_begin(&j->key.tree);
	if (j->key_column < 0) {
		decoder_say(d, ERR_INVALID_TEXT, "key: %s", j->key.scan.error);
		decoder_add_dead(d, ERR_INVALID_TEXT);
		return false;
	}
	j->whole_key = (JsonSlot){.kind = SLOT_BYTES, .at = record->key, .bytes = record->key_bytes};
	bool quoted = record->key[0] == '"' && json_is_valid(record->key, record->key_bytes);
	size_t bytes;
	const char *text = quoted ? json_string_text(&j->key.scan.scratch, (JsonSpan){record->key, record->key_bytes}, &bytes) : NULL;
	if (text) j->whole_key = (JsonSlot){.kind = SLOT_STRING, .at = text, .bytes = bytes};
	return true;
}

/* Columns that the value does not have, from the key. */
static void fill_from_key(Decoder *d, DecoderJson *j)
{
	for (int col = 0; col < d->config.column_count; col++) {
		if (j->key_slots[col] < 0 || j->found[col]->kind != SLOT_MISSING) continue;
		const JsonSlot *field = &j->key.tree.slots[j->key_slots[col]];
		j->found[col] = j->key_is_object ? field : &j->whole_key;
	}
}

static void add_upsert(Decoder *d, DecoderJson *j)
{
	if (!read_upsert_key(d, j)) return;
	bool gone = !d->record->value;
	if (gone && (!j->key_is_read || is_blank_key(d->record))) { dead(d, "not JSON: the record has no value and no key that says which row is gone"); return; }
	if (gone) json_tree_begin(&j->value.tree);
	else if (!read_value(d, j)) return;
	fill_from_key(d, j);
	decoder_add_row(d, j->found, gone ? ROW_DELETE : ROW_UPSERT);
	use_place(d, j, 0);
}

static char op_of(const DecoderJson *j, int which)
{
	const JsonSlot *slot = &j->value.tree.slots[j->op_slot[which]];
	return slot->kind == SLOT_STRING && slot->bytes == 1 ? slot->at[0] : 0;
}

static void add_debezium(Decoder *d, DecoderJson *j)
{
	if (!d->record->value) return;                  /* the tombstone that follows a delete says nothing new */
	if (!read_key(d, j) || !read_value(d, j)) return;
	int which = op_of(j, 1) ? 1 : 0, base = which * 2;
	const JsonSlot *rows = j->value.tree.slots;
	char op = op_of(j, which);
	bool after = op && strchr("cru", op), gone = op == 'd';
	int place = base + (after ? AFTER : BEFORE);
	if (!after && !gone) { dead(d, op ? "no change of Debezium: \"op\" is none of c, r, u, d" : "no change of Debezium: \"op\" is missing"); return; }
	if (rows[j->row_slot[place]].kind != SLOT_NESTED) { dead(d, after ? "no change of Debezium: \"after\" is no object" : "no change of Debezium: \"before\" is no object"); return; }
	use_place(d, j, place);
	decoder_add_row(d, j->found, after ? ROW_UPSERT : ROW_DELETE);
}

static void add_with_op(Decoder *d, DecoderJson *j)
{
	if (!read_key(d, j) || !read_value(d, j)) return;
	const JsonSlot *op = &j->value.tree.slots[j->op_slot[0]];
	bool is_op = op->kind == SLOT_STRING && op->bytes == 2 && strchr("+-", op->at[0]) && strchr("IUD", op->at[1]);
	if (is_op) decoder_add_row(d, j->found, op->at[0] == '+' ? ROW_INSERT : ROW_DELETE);
	else dead(d, "no change: \"op\" is none of +I, -U, +U, -D");
}

static void add_plain(Decoder *d, DecoderJson *j)
{
	if (read_key(d, j) && read_value(d, j)) decoder_add_row(d, j->found, ROW_INSERT);
}

static int json_decode(Decoder *d, const RecordBatch *records, int from)
{
	static void (*const ADD[])(Decoder *, DecoderJson *) = {
		[CHANGELOG_NONE] = add_plain, [CHANGELOG_UPSERT] = add_upsert, [CHANGELOG_DEBEZIUM] = add_debezium, [CHANGELOG_OP] = add_with_op,
	};
	DecoderJson *j = d->state;
	Changelog changelog = d->config.changelog;
	use_place(d, j, 0);
	int i = from;
	for (; i < records->count && decoder_has_room(d); i++) {
		d->record = &records->at[i];
		if (!decoder_take_flaw(d)) {
			if (changelog == CHANGELOG_NONE) add_plain(d, j);
			else ADD[changelog](d, j);
		}
		d->bytes += d->record->value_bytes + d->record->key_bytes;
		d->stats.records++;
	}
	return i;
}

static const char *json_nearest(Decoder *d, int col)
{
	DecoderJson *j = d->state;
	const DecodeColumn *column = &d->config.columns[col];
	JsonNode *node = column->from == DECODE_KEY_FIELD ? &j->key.tree.root : &j->value.tree.root;
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
	.init = json_init, .release = json_release, .decode = json_decode, .text = json_text, .may_be_long = json_may_be_long, .nearest = json_nearest,
};
