/* Maps: JSON objects by key. A key that stands twice counts as it stands last where maps are built, as in Flink. */
#include <stdlib.h>

#include "base/vec.h"
#include "expr/json_text.h"
#include "expr/kernels.h"
#include "type/text.h"

typedef struct Entry { JsonPart key, value; int place; } Entry;      /* key: a JSON string */
typedef VEC(Entry) Entries;

static JsonPart whole_of(KernelCall *call, int arg, int row)
{
	const Str *s = &call->args[arg].str[row];
	return json_part(str_at(s), s->bytes);
}

static int compare_entries(const void *a, const void *b)
{
	const Entry *x = a, *y = b;
	int order = json_compare(x->key, y->key);
	return order ? order : x->place < y->place ? -1 : x->place > y->place;
}

static int compare_places(const void *a, const void *b) { return ((const Entry *)a)->place - ((const Entry *)b)->place; }

/* Of equal keys the last value stays, where the first one stood. */
static void settle(Entries *entries)
{
	int count = 0;
	if (!entries->count) return;
	for (int i = 0; i < entries->count; i++) entries->at[i].place = i;
	qsort(entries->at, (size_t)entries->count, sizeof *entries->at, compare_entries);
	for (int i = 0; i < entries->count; i++) {
		if (count && json_compare(entries->at[count - 1].key, entries->at[i].key) == 0) entries->at[count - 1].value = entries->at[i].value;
		else entries->at[count++] = entries->at[i];
	}
	entries->count = count;
	qsort(entries->at, (size_t)count, sizeof *entries->at, compare_places);
}

static void print_object(Entries *entries, StrBuf *text)
{
	settle(entries);
	strbuf_addc(text, '{');
	for (int i = 0; i < entries->count; i++) {
		if (i) strbuf_addc(text, ',');
		json_minify(entries->at[i].key, text);
		strbuf_addc(text, ':');
		json_minify(entries->at[i].value, text);
	}
	strbuf_addc(text, '}');
}

static void set_object(KernelCall *call, int row, Entries *entries, StrBuf *text)
{
	strbuf_clear(text);
	print_object(entries, text);
	call->out->str[row] = str_copy(call->scratch, text->text, text->bytes);
}

/* Adds the entries of a map; false: it is none. */
static bool read_map(JsonPart map, Entries *out)
{
	if (*map.at != '{') return false;
	for (JsonWalk walk = json_walk(map); json_walk_next(&walk);) vec_push(out, (Entry){walk.key, walk.value, 0});
	return true;
}

void json_union(JsonPart a, JsonPart b, StrBuf *out)
{
	Entries entries = {0};
	read_map(a, &entries);
	read_map(b, &entries);
	print_object(&entries, out);
	vec_release(&entries);
}

/* A key of any JSON value as a string; lives in scratch. */
static JsonPart key_of(KernelCall *call, JsonPart value)
{
	if (*value.at == '"') return value;
	StrBuf plain = STRBUF_INIT, quoted = STRBUF_INIT;
	json_minify(value, &plain);
	text_print_json(plain.text, plain.bytes, &quoted);
	char *at = arena_copy(call->scratch, quoted.text, quoted.bytes);
	JsonPart key = {at, at + quoted.bytes};
	strbuf_release(&plain);
	strbuf_release(&quoted);
	return key;
}

typedef bool MapRow(KernelCall *call, int row, Entries *entries);

/* A map out of what `each` reads; false from it is NULL. */
static void build(KernelCall *call, MapRow *each)
{
	Entries entries = {0};
	StrBuf text = STRBUF_INIT;
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		entries.count = 0;
		if (each(call, i, &entries)) set_object(call, i, &entries, &text);
		else kernel_null(call, i);
	}
	vec_release(&entries);
	strbuf_release(&text);
}

static bool union_row(KernelCall *call, int row, Entries *entries)
{
	for (int a = 0; a < call->arg_count; a++)
		if (!read_map(whole_of(call, a, row), entries)) return false;
	return true;
}

static bool from_arrays_row(KernelCall *call, int row, Entries *entries)
{
	JsonPart keys = whole_of(call, 0, row), values = whole_of(call, 1, row);
	if (*keys.at != '[' || *values.at != '[' || json_count(keys) != json_count(values)) return false;
	for (JsonWalk k = json_walk(keys), v = json_walk(values); json_walk_next(&k) && json_walk_next(&v);) {
		if (*k.value.at == 'n') return false;
		vec_push(entries, (Entry){key_of(call, k.value), v.value, 0});
	}
	return true;
}

/* [{"key": k, "value": v}], or pairs as arrays */
static bool from_entries_row(KernelCall *call, int row, Entries *entries)
{
	JsonPart whole = whole_of(call, 0, row);
	if (*whole.at != '[') return false;
	for (JsonWalk walk = json_walk(whole); json_walk_next(&walk);) {
		JsonPart pair[2] = {{0}};
		int count = 0;
		for (JsonWalk inner = json_walk(walk.value); count < 2 && json_walk_next(&inner);) pair[count++] = inner.value;
		if (count < 2 || *pair[0].at == 'n') return false;
		vec_push(entries, (Entry){key_of(call, pair[0]), pair[1], 0});
	}
	return true;
}

static bool insert_row(KernelCall *call, int row, Entries *entries)
{
	if (!read_map(whole_of(call, 0, row), entries)) return false;
	StrBuf text = STRBUF_INIT;
	JsonPart parts[2];
	for (int a = 0; a < 2; a++) {
		Value value = column_value(&call->args[a + 1], row);
		strbuf_clear(&text);
		json_print_member(&value, &text);
		parts[a] = (JsonPart){arena_copy(call->scratch, text.text, text.bytes), NULL};
		parts[a].end = parts[a].at + text.bytes;
	}
	strbuf_release(&text);
	vec_push(entries, (Entry){key_of(call, parts[0]), parts[1], 0});
	return true;
}

void kernel_map_union(KernelCall *call) { build(call, union_row); }
void kernel_map_from_arrays(KernelCall *call) { build(call, from_arrays_row); }
void kernel_map_from_entries(KernelCall *call) { build(call, from_entries_row); }
void kernel_map_insert(KernelCall *call) { build(call, insert_row); }

/* map_delete(map, key); false: no map */
static bool delete_row(KernelCall *call, int row, Entries *entries)
{
	JsonPart map = whole_of(call, 0, row), gone = json_find_key(map, str_at(&call->args[1].str[row]), call->args[1].str[row].bytes);
	if (*map.at != '{') return false;
	for (JsonWalk walk = json_walk(map); json_walk_next(&walk);)
		if (walk.value.at != gone.at) vec_push(entries, (Entry){walk.key, walk.value, 0});
	return true;
}

void kernel_map_delete(KernelCall *call) { build(call, delete_row); }

/* ---- members as text: ksqlDB's json_records and json_items ---- */

/* Each member of a container of this kind as a string of its JSON text */
static void quote_members(KernelCall *call, char kind)
{
	StrBuf plain = STRBUF_INIT, out = STRBUF_INIT;
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		JsonPart whole = whole_of(call, 0, i);
		if (*whole.at != kind) {
			kernel_null(call, i);
			continue;
		}
		strbuf_clear(&out);
		for (JsonWalk walk = json_walk(whole); json_walk_next(&walk);) {
			strbuf_addc(&out, out.bytes ? ',' : kind);
			if (walk.object) json_minify(walk.key, &out), strbuf_addc(&out, ':');
			strbuf_clear(&plain);
			json_minify(walk.value, &plain);
			text_print_json(plain.text, plain.bytes, &out);
		}
		if (!out.bytes) strbuf_addc(&out, kind);
		strbuf_addc(&out, kind == '[' ? ']' : '}');
		call->out->str[i] = str_copy(call->scratch, out.text, out.bytes);
	}
	strbuf_release(&plain);
	strbuf_release(&out);
}

void kernel_json_records(KernelCall *call) { quote_members(call, '{'); }
void kernel_json_items(KernelCall *call) { quote_members(call, '['); }

/* ---- text ---- */

static JsonPart quoted_part(KernelCall *call, const char *at, size_t bytes)
{
	StrBuf quoted = STRBUF_INIT;
	text_print_json(at, bytes, &quoted);
	char *copy = arena_copy(call->scratch, quoted.text, quoted.bytes);
	JsonPart part = {copy, copy + quoted.bytes};
	strbuf_release(&quoted);
	return part;
}

typedef struct Delimiter { const char *at; size_t bytes; } Delimiter;

static Delimiter delimiter(KernelCall *call, int arg, int row, const char *otherwise)
{
	if (arg >= call->arg_count) return (Delimiter){otherwise, 1};
	return (Delimiter){str_at(&call->args[arg].str[row]), call->args[arg].str[row].bytes};
}

/* str_to_map('a=1,b=2' [, ',' [, '=']]) */
static bool text_row(KernelCall *call, int row, Entries *entries)
{
	static const JsonPart NOTHING = {"null", &"null"[4]};
	Delimiter between = delimiter(call, 1, row, ","), within = delimiter(call, 2, row, "=");
	const char *at = str_at(&call->args->str[row]), *end = at + call->args->str[row].bytes;
	if (!between.bytes || !within.bytes) return false;
	for (bool more = at < end; more;) {
		const char *next = find_bytes(at, (size_t)(end - at), between.at, between.bytes), *stop = next ? next : end;
		const char *split = find_bytes(at, (size_t)(stop - at), within.at, within.bytes);
		JsonPart key = quoted_part(call, at, (size_t)((split ? split : stop) - at));
		vec_push(entries, (Entry){key, split ? quoted_part(call, split + within.bytes, (size_t)(stop - split) - within.bytes) : NOTHING, 0});
		more = next != NULL;
		if (more) at = next + between.bytes;
	}
	return true;
}

void kernel_str_to_map(KernelCall *call) { build(call, text_row); }

/* ---- parts ---- */

static void print_members(KernelCall *call, bool with_keys)
{
	StrBuf text = STRBUF_INIT;
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		JsonPart map = whole_of(call, 0, i);
		if (*map.at != '{') {
			kernel_null(call, i);
			continue;
		}
		strbuf_clear(&text);
		strbuf_addc(&text, '[');
		for (JsonWalk walk = json_walk(map); json_walk_next(&walk);) {
			if (text.bytes > 1) strbuf_addc(&text, ',');
			if (with_keys) {
				strbuf_adds(&text, "{\"key\":");
				json_minify(walk.key, &text);
				strbuf_adds(&text, ",\"value\":");
			}
			json_minify(walk.value, &text);
			if (with_keys) strbuf_addc(&text, '}');
		}
		strbuf_addc(&text, ']');
		call->out->str[i] = str_copy(call->scratch, text.text, text.bytes);
	}
	strbuf_release(&text);
}

void kernel_map_values(KernelCall *call) { print_members(call, false); }
void kernel_map_entries(KernelCall *call) { print_members(call, true); }

void kernel_map_contains(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		JsonPart map = whole_of(call, 0, i);
		call->out->i64[i] = *map.at == '{' && json_find_key(map, str_at(&call->args[1].str[i]), call->args[1].str[i].bytes).at != NULL;
	}
}
