/* Records of changelogs: what they say is done to rows. Upserts (Flink's upsert-kafka, RisingWave's FORMAT UPSERT, ksqlDB's tables), Debezium,
 * Maxwell, Canal, and what a sink of Weir writes.
 *
 * An update is the row that is there now. Where the table has no key, or the update changes the key, the row that was there is taken back first:
 * Debezium says it whole, Maxwell and Canal say what it had otherwise, so it is the new row with that laid over it.
 */
#include "base/vec.h"
#include "format/json_decoder.h"

/* Where a row stands in the value of a record. */
enum { PREFIX_MAX = 2 };
typedef struct Place { const char *prefix[PREFIX_MAX]; int prefix_count; } Place;

static const Place PLACE_PLAIN[] = {{{NULL}, 0}};
static const Place PLACES_DEBEZIUM[] = {{{"after"}, 1}, {{"before"}, 1}, {{"payload", "after"}, 2}, {{"payload", "before"}, 2}};
static const Place PLACES_MAXWELL[] = {{{"data"}, 1}, {{"old"}, 1}};
static const Place PLACES_CANAL[] = {{{NULL}, 0}, {{NULL}, 0}};       /* in elements of arrays, parsed by themselves */
enum { NOW, BEFORE };

/* ---- slots ---- */

static int add_path(JsonTree *tree, const Place *place, const char *const *path, int path_count)
{
	const char *whole[PREFIX_MAX + JSON_DEPTH_MAX];
	for (int i = 0; i < place->prefix_count; i++) whole[i] = place->prefix[i];
	for (int i = 0; i < path_count; i++) whole[place->prefix_count + i] = path[i];
	return json_tree_add(tree, whole, place->prefix_count + path_count);
}

static int add_field(Part *part, const char *name) { return json_tree_add(&part->tree, &name, 1); }

static void add_places(Decoder *d, DecoderJson *j, const Place *places, int place_count)
{
	int count = d->config.column_count;
	j->place_count = place_count;
	for (int p = 0; p < place_count; p++) {
		Part *part = &j->parts[d->config.changelog == CHANGELOG_CANAL ? PART_ROW + p : PART_VALUE];
		for (int col = 0; col < count; col++) {
			const DecodeColumn *column = &d->config.columns[col];
			if (column->from == DECODE_FIELD) j->slots[p * count + col] = add_path(&part->tree, &places[p], column->path, column->path_count);
			else if (column->from == DECODE_KEY_FIELD) j->slots[p * count + col] = j->slots[col];
		}
		if (places[p].prefix_count) j->row_slot[p] = add_path(&part->tree, &places[p], NULL, 0);
	}
}

/* What a tombstone says is in its key alone. */
static void add_keys(Decoder *d, DecoderJson *j)
{
	int count = 0;
	j->key_slots = arena_array(&d->arena, int, d->config.column_count + 1);
	for (int col = 0; col < d->config.column_count; col++) {
		const DecodeColumn *column = &d->config.columns[col];
		bool wanted = column->from == DECODE_FIELD && (d->has_key ? column->is_key : column->not_null);
		j->key_slots[col] = wanted ? json_tree_add(&j->parts[PART_KEY].tree, column->path, column->path_count) : -1;
		count += wanted;
		if (wanted) j->key_column = col;
	}
	if (count != 1) j->key_column = -1;
	j->key_is_read |= count > 0;
}

void json_changes_init(Decoder *d, DecoderJson *j)
{
	static const char *const PAYLOAD_OP[] = {"payload", "op"};
	Part *value = &j->parts[PART_VALUE];
	switch (d->config.changelog) {
	case CHANGELOG_NONE: break;
	case CHANGELOG_UPSERT: add_keys(d, j); break;
	case CHANGELOG_OP:
		add_places(d, j, PLACE_PLAIN, 1);
		j->op_slot[0] = add_field(value, "op");
		break;
	case CHANGELOG_DEBEZIUM:
		add_places(d, j, PLACES_DEBEZIUM, 4);
		j->op_slot[0] = add_field(value, "op");
		j->op_slot[1] = json_tree_add(&value->tree, PAYLOAD_OP, 2);
		break;
	case CHANGELOG_MAXWELL:
		add_places(d, j, PLACES_MAXWELL, 2);
		j->op_slot[0] = add_field(value, "type");
		break;
	case CHANGELOG_CANAL:
		add_places(d, j, PLACES_CANAL, 2);
		j->op_slot[0] = add_field(value, "type");
		j->row_slot[NOW] = add_field(value, "data");
		j->row_slot[BEFORE] = add_field(value, "old");
		j->ddl_slot = add_field(value, "isDdl");
		break;
	}
}

int json_changes_rows(const Decoder *d) { return d->config.changelog == CHANGELOG_UPSERT || d->config.changelog == CHANGELOG_OP ? 1 : 2; }

/* ---- updates ---- */

static const JsonSlot *slot_at(const Decoder *d, const DecoderJson *j, int place, int col)
{
	const Part *part = &j->parts[d->config.changelog == CHANGELOG_CANAL ? PART_ROW + place : PART_VALUE];
	return &part->tree.slots[j->slots[place * d->config.column_count + col]];
}

static bool is_there(const JsonSlot *slot) { return slot->kind != SLOT_MISSING && slot->kind != SLOT_BAD_PARENT; }

static bool slots_equal(const JsonSlot *a, const JsonSlot *b)
{
	if (a->kind != b->kind) return false;
	switch (a->kind) {
	case SLOT_INT: case SLOT_UINT: return a->u64 == b->u64;
	case SLOT_REAL: return a->f64 == b->f64;
	case SLOT_STRING: case SLOT_NUMBER: case SLOT_NESTED: return a->bytes == b->bytes && memcmp(a->at, b->at, a->bytes) == 0;
	default: return true;
	}
}

/* May the row that was there be found under another key than the one that is there now? Where it does not say, it had the same. */
static bool moves_key(const Decoder *d, const DecoderJson *j, int now, int before)
{
	bool moves = false;
	for (int col = 0; col < d->config.column_count; col++) {
		const DecodeColumn *column = &d->config.columns[col];
		if (!column->is_key || column->from != DECODE_FIELD) continue;
		const JsonSlot *old = slot_at(d, j, before, col);
		if (is_there(old) && old->kind != SLOT_NULL) moves |= !slots_equal(old, slot_at(d, j, now, col));
	}
	return moves;
}

/* The row that was there: fields of `before`, and, where it has only what was otherwise, all else from `now`. */
static void use_before(Decoder *d, DecoderJson *j, int now, int before, bool laid_over)
{
	json_use_place(d, j, before);
	for (int col = 0; laid_over && col < d->config.column_count; col++) {
		if (d->config.columns[col].from != DECODE_FIELD || is_there(slot_at(d, j, before, col))) continue;
		Part *part = &j->parts[d->config.changelog == CHANGELOG_CANAL ? PART_ROW + now : PART_VALUE];
		json_use_field(j, col, part, j->slots[now * d->config.column_count + col]);
	}
}

static void add_update(Decoder *d, DecoderJson *j, int now, int before, bool laid_over)
{
	if (!d->has_key || moves_key(d, j, now, before)) {
		use_before(d, j, now, before, laid_over);
		decoder_add_row(d, j->found, ROW_BEFORE);
	}
	json_use_place(d, j, now);
	decoder_add_row(d, j->found, ROW_UPSERT);
}

static void add_at(Decoder *d, DecoderJson *j, int place, RowOp op)
{
	json_use_place(d, j, place);
	decoder_add_row(d, j->found, op);
}

static bool is_object(const DecoderJson *j, int place) { return j->parts[PART_VALUE].tree.slots[j->row_slot[place]].kind == SLOT_NESTED; }

static bool is_word(const JsonSlot *slot, const char *word)
{
	return slot->kind == SLOT_STRING && slot->bytes == strlen(word) && memcmp(slot->at, word, slot->bytes) == 0;
}

/* ---- upserts ---- */

static bool is_blank_key(const Record *record) { return !record->key || !record->key_bytes; }

/* A key is an object whose fields are read, or, for one column, the value itself, as JSON or as it stands. */
static bool read_upsert_key(Decoder *d, DecoderJson *j)
{
	const Record *record = d->record;
	Part *key = &j->parts[PART_KEY];
	j->whole_key = (JsonSlot){.kind = SLOT_MISSING};
	j->key_is_object = false;
	json_tree_begin(&key->tree);
	if (is_blank_key(record)) return true;
	j->key_is_object = json_part_parse(key, record->key, record->key_bytes);
	if (j->key_is_object) return true;
	json_tree_begin(&key->tree);
	if (j->key_column < 0 && key->tree.slot_count) {
		decoder_say(d, ERR_INVALID_TEXT, "key: %s", key->scan.error);
		decoder_add_dead(d, ERR_INVALID_TEXT);
		return false;
	}
	json_take_whole_key(d, j);
	return true;
}

/* Columns that the value does not have, from the key. */
static void fill_from_key(Decoder *d, DecoderJson *j)
{
	for (int col = 0; col < d->config.column_count; col++) {
		if (j->key_slots[col] < 0 || j->found[col]->kind != SLOT_MISSING) continue;
		if (j->key_is_object) json_use_field(j, col, &j->parts[PART_KEY], j->key_slots[col]);
		else j->found[col] = &j->whole_key;
	}
}

static void add_upsert(Decoder *d, DecoderJson *j)
{
	if (!read_upsert_key(d, j)) return;
	bool gone = !d->record->value;
	if (gone && (!j->key_is_read || is_blank_key(d->record))) { json_dead(d, "not JSON: the record has no value and no key that says which row is gone"); return; }
	if (gone) json_tree_begin(&j->parts[PART_VALUE].tree);
	else if (!json_read_value(d, j)) return;
	fill_from_key(d, j);
	decoder_add_row(d, j->found, gone ? ROW_DELETE : ROW_UPSERT);
	json_use_place(d, j, 0);
}

/* ---- Debezium ---- */

static char op_of(const DecoderJson *j, int which)
{
	const JsonSlot *slot = &j->parts[PART_VALUE].tree.slots[j->op_slot[which]];
	return slot->kind == SLOT_STRING && slot->bytes == 1 ? slot->at[0] : 0;
}

static void add_debezium(Decoder *d, DecoderJson *j)
{
	if (!d->record->value) return;                  /* the tombstone that follows a delete says nothing new */
	if (!json_read_key(d, j) || !json_read_value(d, j)) return;
	int which = op_of(j, 1) ? 1 : 0, now = which * 2 + NOW, before = which * 2 + BEFORE;
	char op = op_of(j, which);
	bool put = op && strchr("cru", op), gone = op == 'd';
	if (!put && !gone) { json_dead(d, op ? "no change of Debezium: \"op\" is none of c, r, u, d" : "no change of Debezium: \"op\" is missing"); return; }
	if (put && !is_object(j, now)) { json_dead(d, "no change of Debezium: \"after\" is no object"); return; }
	if ((gone || (op == 'u' && !d->has_key)) && !is_object(j, before)) {
		json_dead(d, gone ? "no change of Debezium: \"before\" is no object" : "no change of Debezium: the table has no PRIMARY KEY and \"before\" is no object (REPLICA IDENTITY FULL makes PostgreSQL send it)");
		return;
	}
	if (gone) add_at(d, j, before, ROW_DELETE);
	else if (op == 'u') add_update(d, j, now, before, false);
	else add_at(d, j, now, ROW_UPSERT);
}

/* ---- Maxwell ---- */

static void add_maxwell(Decoder *d, DecoderJson *j)
{
	if (!d->record->value) return;
	if (!json_read_key(d, j) || !json_read_value(d, j)) return;
	const JsonSlot *type = &j->parts[PART_VALUE].tree.slots[j->op_slot[0]];
	if (is_word(type, "bootstrap-start") || is_word(type, "bootstrap-complete")) return;       /* no row, only a mark */
	bool insert = is_word(type, "insert") || is_word(type, "bootstrap-insert"), update = is_word(type, "update"), gone = is_word(type, "delete");
	if (!insert && !update && !gone) { json_dead(d, "no change of Maxwell: \"type\" is none of insert, update, delete"); return; }
	if (!is_object(j, NOW)) { json_dead(d, "no change of Maxwell: \"data\" is no object"); return; }
	if (update && !is_object(j, BEFORE)) { json_dead(d, "no change of Maxwell: \"old\" is no object"); return; }
	if (update) add_update(d, j, NOW, BEFORE, true);
	else add_at(d, j, NOW, gone ? ROW_DELETE : ROW_UPSERT);
}

/* ---- Canal ---- */

/* The elements of an array whose text is known to be JSON. False: it is none, or not of objects (or null, where that may be). */
static bool split(const JsonSpan text, bool nulls, JsonSpan **out, int *count, Arena *arena)
{
	VEC(JsonSpan) spans = {0};
	int depth = 0;
	const char *from = NULL, *end = text.at + text.bytes;
	*count = 0;
	if (!text.bytes || text.at[0] != '[') return false;
	for (const char *at = text.at; at < end; at++) {
		bool blank = *at == ' ' || *at == '\t' || *at == '\n' || *at == '\r';
		if (depth == 1 && !from && !blank && *at != ',' && *at != ']') from = at;
		if (*at == '"')
			for (at++; *at != '"'; at++) at += *at == '\\';
		else if (*at == '[' || *at == '{') depth++;
		else if (*at == ']' || *at == '}') depth--;
		bool over = (*at == ',' && depth == 1) || (*at == ']' && depth == 0);
		if (!over || !from) continue;
		if (*from != '{' && !(nulls && *from == 'n')) return false;
		vec_push_in(arena, &spans, ((JsonSpan){from, (size_t)(at - from)}));
		from = NULL;
	}
	*out = spans.at;
	*count = spans.count;
	return true;
}

/* Statements that change no row: their record has none. TRUNCATE does, and says not which. */
static bool is_ddl(const DecoderJson *j, const JsonSlot *type)
{
	static const char *const WORDS[] = {"CREATE", "ALTER", "ERASE", "RENAME", "CINDEX", "DINDEX", "QUERY"};
	if (is_word(type, "TRUNCATE")) return false;
	for (size_t w = 0; w < sizeof WORDS / sizeof *WORDS; w++)
		if (is_word(type, WORDS[w])) return true;
	return j->parts[PART_VALUE].tree.slots[j->ddl_slot].kind == SLOT_TRUE;
}

static bool parse_element(DecoderJson *j, int part, JsonSpan text)
{
	if (*text.at == '{') return json_part_parse(&j->parts[part], text.at, text.bytes);
	json_tree_begin(&j->parts[part].tree);
	return true;
}

static void add_element(Decoder *d, DecoderJson *j, JsonSpan row, const JsonSpan *old, bool gone)
{
	static const JsonSpan NONE = {"null", 4};
	bool known = parse_element(j, PART_ROW, row) && parse_element(j, PART_OLD, old ? *old : NONE);
	if (!known) json_tree_begin(&j->parts[PART_ROW].tree);        /* cannot be: the whole is JSON */
	if (old) add_update(d, j, NOW, BEFORE, true);
	else add_at(d, j, NOW, gone ? ROW_DELETE : ROW_UPSERT);
}

/* False: there is no room left for that many rows. */
static bool add_canal(Decoder *d, DecoderJson *j)
{
	Part *value = &j->parts[PART_VALUE];
	if (!d->record->value || !json_read_key(d, j)) return true;
	value->is_scanned = true;
	if (!json_scan_parse(&value->scan, &value->tree, d->record->value, d->record->value_bytes)) { json_dead(d, value->scan.error); return true; }
	const JsonSlot *type = &value->tree.slots[j->op_slot[0]];
	bool update = is_word(type, "UPDATE"), gone = is_word(type, "DELETE");
	if (is_ddl(j, type)) return true;
	if (!update && !gone && !is_word(type, "INSERT")) { json_dead(d, is_word(type, "TRUNCATE") ? "TRUNCATE says of no row that it is gone"
			: "no change of Canal: \"type\" is none of INSERT, UPDATE, DELETE"); return true; }
	JsonSpan *rows = NULL, *olds = NULL;
	int count, old_count = 0;
	arena_clear(&d->spans);
	if (value->tree.slots[j->row_slot[NOW]].kind != SLOT_NESTED || !split(value->scan.raws[j->row_slot[NOW]], false, &rows, &count, &d->spans)) {
		json_dead(d, "no change of Canal: \"data\" is no array of rows");
		return true;
	}
	if (update && (value->tree.slots[j->row_slot[BEFORE]].kind != SLOT_NESTED || !split(value->scan.raws[j->row_slot[BEFORE]], true, &olds, &old_count, &d->spans) || old_count != count)) {
		json_dead(d, "no change of Canal: \"old\" is no array of as many rows as \"data\"");
		return true;
	}
	if (!decoder_reserve(d, count * (update ? 2 : 1))) return false;
	for (int i = 0; i < count; i++) add_element(d, j, rows[i], update ? &olds[i] : NULL, gone);
	return true;
}

/* ---- what a sink of Weir writes ---- */

static void add_with_op(Decoder *d, DecoderJson *j)
{
	if (!json_read_key(d, j) || !json_read_value(d, j)) return;
	const JsonSlot *op = &j->parts[PART_VALUE].tree.slots[j->op_slot[0]];
	bool is_op = op->kind == SLOT_STRING && op->bytes == 2 && strchr("+-", op->at[0]) && strchr("IUD", op->at[1]);
	if (is_op) decoder_add_row(d, j->found, op->at[0] == '+' ? ROW_INSERT : op->at[1] == 'U' ? ROW_BEFORE : ROW_DELETE);
	else json_dead(d, "no change: \"op\" is none of +I, -U, +U, -D");
}

bool json_changes_add(Decoder *d, DecoderJson *j)
{
	switch (d->config.changelog) {
	case CHANGELOG_NONE: break;
	case CHANGELOG_UPSERT: add_upsert(d, j); break;
	case CHANGELOG_DEBEZIUM: add_debezium(d, j); break;
	case CHANGELOG_MAXWELL: add_maxwell(d, j); break;
	case CHANGELOG_CANAL: return add_canal(d, j);
	case CHANGELOG_OP: add_with_op(d, j); break;
	}
	return true;
}
