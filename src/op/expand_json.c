/* The rows of json_each, json_tree and UNNEST: SQLite's columns, with the ids, paths and types that SQLite 3.40 gives. The text is walked, no tree
 * is built; values are slices of it. */
#include "expr/json_text.h"
#include "op/expand.h"
#include "type/text.h"

enum { COLUMN_KEY, COLUMN_VALUE, COLUMN_TYPE, COLUMN_ATOM, COLUMN_ID, COLUMN_PARENT, COLUMN_FULLKEY, COLUMN_PATH };

static bool is_container(JsonPart value) { return *value.at == '{' || *value.at == '['; }

/* How many nodes SQLite's parser makes of a value: one each, and one more for each label. Ids count them. */
static int64_t node_count(JsonPart value)
{
	int64_t count = 1;
	for (JsonWalk walk = json_walk(value); json_walk_next(&walk);) count += walk.object + node_count(walk.value);
	return count;
}

/* ---- paths ---- */

static Str text_of(const char *text) { return str_borrow(text, strlen(text)); }

/* A label that SQLite writes without quotes */
static bool label_is_plain(JsonPart label)
{
	const char *from = label.at + 1, *to = label.end - 1;
	if (from >= to) return false;
	for (const char *c = from; c < to; c++) {
		bool letter = (unsigned char)((*c | 0x20) - 'a') < 26, digit = (unsigned char)(*c - '0') < 10;
		if (!letter && !(digit && c > from)) return false;
	}
	return true;
}

/* label.at NULL: an element of an array */
static Str path_below(Str parent, JsonPart label, int64_t index, Arena *arena)
{
	int bytes = (int)parent.bytes;
	const char *at = str_at(&parent);
	if (!label.at) return text_of(arena_printf(arena, "%.*s[%lld]", bytes, at, (long long)index));
	int plain = label_is_plain(label);
	return text_of(arena_printf(arena, "%.*s.%.*s", bytes, at, (int)json_part_bytes(label) - 2 * plain, label.at + plain));
}

/* ---- rows ---- */

/* A value and where it stands. label.at NULL and index -1: it is in nothing. parent -1: none */
typedef struct Place {
	JsonPart value, label;
	int64_t index, id, parent;
	Str fullkey, path;
} Place;

static const char *type_name(JsonPart value)
{
	switch (*value.at) {
	case '{': return "object";
	case '[': return "array";
	case '"': return "text";
	case 't': return "true";
	case 'f': return "false";
	case 'n': return "null";
	}
	for (const char *c = value.at; c < value.end; c++)
		if (*c == '.' || *c == 'e' || *c == 'E') return "real";
	return "integer";
}

static void set_text(Value *value, Str text)
{
	value->is_null = false;
	value->str = text;
}

static void set_integer(Value *value, int64_t x)
{
	value->is_null = false;
	value->i64 = x;
}

static Str slice(JsonPart part) { return str_borrow(part.at, json_part_bytes(part)); }

static Str unquoted(JsonPart label, Arena *arena)
{
	StrBuf text = STRBUF_INIT;
	json_unescape(label, &text);
	Str copy = str_copy(arena, text.text, text.bytes);
	strbuf_release(&text);
	return copy;
}

static void place_row(Expansion *x, const Place *place)
{
	Value *values = expansion_row(x);
	if (!values) return;
	Arena *arena = &x->op->scratch;
	if (place->label.at) set_text(&values[COLUMN_KEY], unquoted(place->label, arena));
	else if (place->index >= 0) set_text(&values[COLUMN_KEY], text_of(arena_printf(arena, "%lld", (long long)place->index)));
	set_text(&values[COLUMN_VALUE], slice(place->value));
	set_text(&values[COLUMN_TYPE], text_of(type_name(place->value)));
	if (!is_container(place->value)) set_text(&values[COLUMN_ATOM], slice(place->value));
	set_integer(&values[COLUMN_ID], place->id);
	if (place->parent >= 0) set_integer(&values[COLUMN_PARENT], place->parent);
	set_text(&values[COLUMN_FULLKEY], place->fullkey);
	set_text(&values[COLUMN_PATH], place->path);
}

/* ---- members ---- */

typedef struct Below { JsonWalk walk; int64_t index, id; Str path; Arena *arena; } Below;

static Below below_of(const Place *place, Str path, Arena *arena)
{
	return (Below){.walk = json_walk(place->value), .index = 0, .id = place->id, .path = path, .arena = arena};
}

static bool below_next(Below *below, Place *member)
{
	JsonPart before = below->walk.value;
	if (!json_walk_next(&below->walk)) return false;
	if (below->index) below->id += node_count(before) - 1;
	below->id += 1 + below->walk.object;
	*member = (Place){.value = below->walk.value, .index = -1, .id = below->id, .parent = -1, .path = below->path};
	if (below->walk.object) member->label = below->walk.key;
	else member->index = below->index;
	member->fullkey = path_below(below->path, member->label, below->index, below->arena);
	below->index++;
	return true;
}

/* ---- where a path leads ---- */

static bool is_step(const JsonStep *step, const Place *member, int64_t index, int64_t count, Arena *arena)
{
	if (step->kind == JSON_STEP_INDEX) return index == step->index;
	if (step->kind == JSON_STEP_FROM_END) return index == count - step->index;
	Str label = unquoted(member->label, arena);
	return label.bytes == step->key_bytes && memcmp(str_at(&label), step->key, step->key_bytes) == 0;
}

static bool place_step(Place *place, const JsonStep *step, Arena *arena)
{
	if (*place->value.at != (step->kind == JSON_STEP_KEY ? '{' : '[')) return false;
	int64_t count = step->kind == JSON_STEP_FROM_END ? json_count(place->value) : 0;
	Below below = below_of(place, place->fullkey, arena);
	for (Place member; below_next(&below, &member);) {
		if (!is_step(step, &member, below.index - 1, count, arena)) continue;
		*place = member;
		return true;
	}
	return false;
}

static bool place_find(Expansion *x, const Str *json, const Str *path, Place *place)
{
	Arena *arena = &x->op->scratch;
	if (!json_text_is_valid(str_at(json), json->bytes)) return false;
	Str root = str_borrow("$", 1);
	*place = (Place){.value = json_part(str_at(json), json->bytes), .index = -1, .parent = -1, .fullkey = root, .path = root};
	if (!path) return true;
	JsonPath *steps = arena_new(arena, JsonPath);
	if (!json_path_read(str_at(path), path->bytes, steps)) return false;
	for (int i = 0; i < steps->count; i++)
		if (!place_step(place, &steps->steps[i], arena)) return false;
	return true;
}

/* ---- the functions ---- */

void expand_json_each(Expansion *x, const Str *json, const Str *path)
{
	Place place, member;
	if (!place_find(x, json, path, &place)) return;
	Str base = path ? *path : place.fullkey;                          /* as it was written */
	if (!is_container(place.value)) {
		Place alone = {.value = place.value, .index = -1, .id = place.id, .parent = -1, .fullkey = base, .path = base};
		place_row(x, &alone);
		return;
	}
	for (Below below = below_of(&place, base, &x->op->scratch); x->fine && below_next(&below, &member);) place_row(x, &member);
}

static void tree_below(Expansion *x, const Place *place)
{
	Place member;
	if (!is_container(place->value)) return;
	for (Below below = below_of(place, place->fullkey, &x->op->scratch); x->fine && below_next(&below, &member);) {
		member.parent = place->id;
		place_row(x, &member);
		tree_below(x, &member);
	}
}

void expand_json_tree(Expansion *x, const Str *json, const Str *path)
{
	Place place;
	if (!place_find(x, json, path, &place)) return;
	place.index = -1;                                                 /* SQLite gives only a container below a label a key here */
	if (!is_container(place.value)) place.label.at = NULL;
	place_row(x, &place);
	tree_below(x, &place);
}

void expand_json_elements(Expansion *x, const Str *json)
{
	Place place;
	if (!place_find(x, json, NULL, &place) || *place.value.at != '[') return;
	for (JsonWalk walk = json_walk(place.value); json_walk_next(&walk);) {
		Value *values = expansion_row(x);
		if (!values) return;
		set_text(&values[0], slice(walk.value));
	}
}
