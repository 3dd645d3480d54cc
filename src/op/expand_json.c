/* The rows of json_each, json_tree and UNNEST: SQLite's columns, with the numbers, paths and types that SQLite 3.40 gives. The text is walked, no
 * tree is built; values are slices of it. */
#include "expr/json_text.h"
#include "op/expand.h"

enum { COLUMN_KEY, COLUMN_VALUE, COLUMN_TYPE, COLUMN_ATOM, COLUMN_ID, COLUMN_PARENT, COLUMN_FULLKEY, COLUMN_PATH, JSON_COLUMNS };

static const char *blanks_end(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
	return at;
}

static bool is_container(char c) { return c == '{' || c == '['; }

/* ---- members of an array or object ---- */

typedef struct Member {
	const char *label, *label_end;    /* with quotes; NULL: an element of an array */
	int64_t index;
	const char *value, *value_end;
} Member;

typedef struct Members { const char *at, *end; bool object; int64_t index; } Members;

static Members members_of(const char *value, const char *end) { return (Members){.at = value + 1, .end = end, .object = *value == '{'}; }

static bool members_next(Members *m, Member *member)
{
	const char *at = blanks_end(m->at, m->end);
	if (*at == ',') at = blanks_end(at + 1, m->end);
	if (*at == '}' || *at == ']') return false;
	*member = (Member){.index = m->index++};
	if (m->object) {
		member->label = at;
		member->label_end = json_text_end(at, m->end);
		at = blanks_end(blanks_end(member->label_end, m->end) + 1, m->end);       /* past the colon */
	}
	member->value = at;
	m->at = member->value_end = json_text_end(at, m->end);
	return true;
}

/* How many nodes SQLite's parser makes of a value: one each, and one more for each label. Ids count them. */
static int64_t node_count(const char *value, const char *end)
{
	if (!is_container(*value)) return 1;
	int64_t count = 1;
	Member member;
	for (Members m = members_of(value, end); members_next(&m, &member);) count += (member.label != NULL) + node_count(member.value, member.value_end);
	return count;
}

/* ---- strings ---- */

static int hex4(const char *at)
{
	int x = 0;
	for (int i = 0; i < 4; i++) x = x << 4 | (at[i] <= '9' ? at[i] - '0' : (at[i] | 0x20) - 'a' + 10);
	return x;
}

static char *put_utf8(char *to, uint32_t c)
{
	if (c < 0x80) { *to++ = (char)c; return to; }
	if (c < 0x800) { *to++ = (char)(0xc0 | c >> 6); }
	else if (c < 0x10000) { *to++ = (char)(0xe0 | c >> 12); *to++ = (char)(0x80 | (c >> 6 & 63)); }
	else { *to++ = (char)(0xf0 | c >> 18); *to++ = (char)(0x80 | (c >> 12 & 63)); *to++ = (char)(0x80 | (c >> 6 & 63)); }
	*to++ = (char)(0x80 | (c & 63));
	return to;
}

/* \uXXXX, a surrogate with its second half; a lone one is U+FFFD */
static const char *read_unicode(const char *at, const char *end, char **to)
{
	uint32_t c = (uint32_t)hex4(at);
	at += 4;
	if (c >= 0xd800 && c < 0xe000) {
		uint32_t low = c < 0xdc00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u' ? (uint32_t)hex4(at + 2) : 0;
		if (low >= 0xdc00 && low < 0xe000) {
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			at += 6;
		} else {
			c = 0xfffd;
		}
	}
	*to = put_utf8(*to, c);
	return at;
}

/* What a quoted string says */
static Str unquote(const char *at, const char *end, Arena *arena)
{
	at++, end--;
	char *text = arena_alloc(arena, (size_t)(end - at) + 1), *to = text;
	while (at < end) {
		if (*at != '\\') {
			*to++ = *at++;
			continue;
		}
		static const char LETTERS[] = "bfnrt", MEANINGS[] = "\b\f\n\r\t";
		char c = at[1];
		const char *letter = strchr(LETTERS, c);
		at += 2;
		if (c == 'u') at = read_unicode(at, end, &to);
		else *to++ = letter && c ? MEANINGS[letter - LETTERS] : c;
	}
	return str_borrow(text, (size_t)(to - text));
}

static bool label_is_plain(const char *label, const char *end)
{
	if (end - label < 3) return false;
	for (const char *c = label + 1; c < end - 1; c++) {
		bool letter = (unsigned char)((*c | 0x20) - 'a') < 26, digit = (unsigned char)(*c - '0') < 10;
		if (!letter && !(digit && c > label + 1)) return false;
	}
	return true;
}

static Str text_of(const char *text) { return str_borrow(text, strlen(text)); }

static Str path_of(Str parent, const Member *member, Arena *arena)
{
	int bytes = (int)parent.bytes;
	const char *at = str_at(&parent);
	if (!member->label) return text_of(arena_printf(arena, "%.*s[%lld]", bytes, at, (long long)member->index));
	int plain = label_is_plain(member->label, member->label_end);
	return text_of(arena_printf(arena, "%.*s.%.*s", bytes, at, (int)(member->label_end - member->label) - 2 * plain, member->label + plain));
}

/* ---- rows ---- */

static const char *type_name(const char *value, const char *end)
{
	switch (*value) {
	case '{': return "object";
	case '[': return "array";
	case '"': return "text";
	case 't': return "true";
	case 'f': return "false";
	case 'n': return "null";
	}
	for (const char *c = value; c < end; c++)
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

/* One row. member NULL: the value is not in anything, its key is NULL. */
static void value_row(Expansion *x, const Member *member, const char *value, const char *end, int64_t id, int64_t parent, Str fullkey, Str path)
{
	Value *values = expansion_row(x);
	if (!values) return;
	Arena *arena = &x->op->scratch;
	if (member && member->label) set_text(&values[COLUMN_KEY], unquote(member->label, member->label_end, arena));
	else if (member) set_text(&values[COLUMN_KEY], text_of(arena_printf(arena, "%lld", (long long)member->index)));
	Str slice = str_borrow(value, (size_t)(end - value));
	set_text(&values[COLUMN_VALUE], slice);
	set_text(&values[COLUMN_TYPE], text_of(type_name(value, end)));
	if (!is_container(*value)) set_text(&values[COLUMN_ATOM], slice);
	set_integer(&values[COLUMN_ID], id);
	if (parent >= 0) set_integer(&values[COLUMN_PARENT], parent);
	set_text(&values[COLUMN_FULLKEY], fullkey);
	set_text(&values[COLUMN_PATH], path);
}

/* ---- where a path leads ---- */

typedef struct Place {
	const char *value, *end;
	Member member;                    /* of the last step */
	bool is_member;
	int64_t id;
	Str fullkey, path;
} Place;

static bool label_is(const Member *member, const char *name, size_t bytes, Arena *arena)
{
	Str label = unquote(member->label, member->label_end, arena);
	return label.bytes == bytes && memcmp(str_at(&label), name, bytes) == 0;
}

/* Goes down to one member: that of the name, or the one with the index; an index below 0 counts from the end. */
static bool place_step(Place *place, const char *name, size_t bytes, int64_t index, Arena *arena)
{
	if (*place->value != (name ? '{' : '[')) return false;
	Member member;
	if (index < 0) {
		int64_t count = 0;
		for (Members m = members_of(place->value, place->end); members_next(&m, &member);) count++;
		index += count;
		if (index < 0) return false;
	}
	int64_t id = place->id;
	for (Members m = members_of(place->value, place->end); members_next(&m, &member);) {
		id += 1 + (member.label != NULL);
		if (name ? label_is(&member, name, bytes, arena) : member.index == index) {
			Str path = place->fullkey;
			*place = (Place){member.value, member.value_end, member, true, id, path_of(path, &member, arena), path};
			return true;
		}
		id += node_count(member.value, member.value_end) - 1;
	}
	return false;
}

static const char *read_index(const char *at, const char *end, int64_t *index)
{
	bool from_end = at < end && *at == '#';
	if (from_end) {
		if (++at == end || *at++ != '-') return NULL;
	}
	const char *digits = at;
	for (*index = 0; at < end && *at >= '0' && *at <= '9' && at - digits < 18; at++) *index = *index * 10 + (*at - '0');
	if (at == digits || at == end || *at != ']' || (from_end && !*index)) return NULL;
	if (from_end) *index = -*index;
	return at + 1;
}

/* $.name."any name"[2][#-1] */
static bool place_find(Place *place, const Str *path, Arena *arena)
{
	if (!path) return true;
	const char *at = str_at(path), *end = at + path->bytes;
	if (at == end || *at++ != '$') return false;
	while (at < end) {
		int64_t index = 0;
		const char *name = NULL, *name_end = NULL;
		if (*at == '[') {
			if (!(at = read_index(at + 1, end, &index))) return false;
		} else if (*at++ != '.' || at == end) {
			return false;
		} else if (*at == '"') {
			name = at + 1;
			if (!(name_end = memchr(name, '"', (size_t)(end - name)))) return false;
			at = name_end + 1;
		} else {
			for (name = at; at < end && *at != '.' && *at != '['; at++) {}
			name_end = at;
		}
		if (!place_step(place, name, (size_t)(name_end - name), index, arena)) return false;
	}
	return true;
}

static bool place_of(Expansion *x, const Str *json, const Str *path, Place *place)
{
	const char *at = str_at(json), *end = at + json->bytes;
	at = blanks_end(at, end);
	const char *last = json_text_end(at, end);
	if (!last || blanks_end(last, end) != end) return false;
	*place = (Place){.value = at, .end = last, .fullkey = str_borrow("$", 1), .path = str_borrow("$", 1)};
	return place_find(place, path, &x->op->scratch);
}

/* ---- the functions ---- */

void expand_json_each(Expansion *x, const Str *json, const Str *path)
{
	Place place;
	if (!place_of(x, json, path, &place)) return;
	Str base = path ? *path : place.fullkey;                          /* as it was written */
	if (!is_container(*place.value)) {
		value_row(x, NULL, place.value, place.end, place.id, -1, base, base);
		return;
	}
	Member member;
	int64_t id = place.id;
	for (Members m = members_of(place.value, place.end); x->fine && members_next(&m, &member);) {
		id += 1 + (member.label != NULL);
		value_row(x, &member, member.value, member.value_end, id, -1, path_of(base, &member, &x->op->scratch), base);
		id += node_count(member.value, member.value_end) - 1;
	}
}

static void tree_below(Expansion *x, const char *value, const char *end, int64_t parent, Str path)
{
	if (!is_container(*value)) return;
	Member member;
	int64_t id = parent;
	for (Members m = members_of(value, end); x->fine && members_next(&m, &member);) {
		Str fullkey = path_of(path, &member, &x->op->scratch);
		id += 1 + (member.label != NULL);
		value_row(x, &member, member.value, member.value_end, id, parent, fullkey, path);
		tree_below(x, member.value, member.value_end, id, fullkey);
		id += node_count(member.value, member.value_end) - 1;
	}
}

void expand_json_tree(Expansion *x, const Str *json, const Str *path)
{
	Place place;
	if (!place_of(x, json, path, &place)) return;
	bool has_key = place.is_member && place.member.label && is_container(*place.value);       /* as in SQLite */
	value_row(x, has_key ? &place.member : NULL, place.value, place.end, place.id, -1, place.fullkey, place.path);
	tree_below(x, place.value, place.end, place.id, place.fullkey);
}

void expand_json_elements(Expansion *x, const Str *json)
{
	Place place;
	if (!place_of(x, json, NULL, &place) || *place.value != '[') return;
	Member member;
	for (Members m = members_of(place.value, place.end); members_next(&m, &member);) {
		Value *values = expansion_row(x);
		if (!values) return;
		set_text(&values[0], str_borrow(member.value, (size_t)(member.value_end - member.value)));
	}
}
