#include "expr/json_text.h"

#include <string.h>

#include "expr/utf8.h"
#include "type/calendar.h"
#include "type/text.h"

static const char *skip_blanks(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
	return at;
}

static bool is_digit(char c) { return (unsigned char)(c - '0') < 10; }

/* at: the opening quote. What is not closed ends with the text. */
static const char *string_skip(const char *at, const char *end)
{
	for (at++; at < end; at++) {
		if (*at == '"') return at + 1;
		if (*at == '\\') at++;
	}
	return end;
}

/* ---- walking ---- */

/* The end of a value: only strings and depth matter. */
static const char *value_skip(const char *at, const char *end)
{
	int depth = 0;
	if (at < end && *at == '"') return string_skip(at, end);
	for (; at < end; at++) {
		if (*at == '"') at = string_skip(at, end) - 1;
		else if (*at == '{' || *at == '[') depth++;
		else if (*at == '}' || *at == ']') {
			if (depth == 0) return at;
			if (--depth == 0) return at + 1;
		} else if (depth == 0 && (*at == ',' || *at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) return at;
	}
	return at;
}

JsonPart json_part(const char *at, size_t bytes)
{
	const char *end = at + bytes;
	at = skip_blanks(at, end);
	while (end > at && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\n' || end[-1] == '\r')) end--;
	static const char NOTHING[] = "null";
	return at < end ? (JsonPart){at, end} : (JsonPart){NOTHING, NOTHING + 4};
}

JsonWalk json_walk(JsonPart container)
{
	bool object = *container.at == '{';
	if (!object && *container.at != '[') return (JsonWalk){0};
	return (JsonWalk){.at = container.at + 1, .end = container.end - 1, .object = object};
}

bool json_walk_next(JsonWalk *walk)
{
	walk->at = skip_blanks(walk->at, walk->end);
	if (walk->at < walk->end && *walk->at == ',') walk->at = skip_blanks(walk->at + 1, walk->end);
	if (walk->at >= walk->end) return false;
	if (walk->object) {
		if (*walk->at != '"') return false;
		walk->key = (JsonPart){walk->at, string_skip(walk->at, walk->end)};
		walk->at = skip_blanks(skip_blanks(walk->key.end, walk->end) + 1, walk->end);
	}
	if (walk->at >= walk->end) return false;
	walk->value = (JsonPart){walk->at, value_skip(walk->at, walk->end)};
	if (walk->value.end == walk->at) return false;
	walk->at = walk->value.end;
	return true;
}

/* ---- paths ---- */

static const char *read_quoted_key(const char *at, const char *end, JsonStep *step)
{
	const char *close = memchr(at + 1, '"', (size_t)(end - at - 1));
	if (!close) return NULL;
	*step = (JsonStep){.kind = JSON_STEP_KEY, .key = at + 1, .key_bytes = (size_t)(close - at - 1)};
	return close + 1;
}

static const char *read_number(const char *at, const char *end, int64_t *out)
{
	const char *start = at;
	*out = 0;
	for (; at < end && is_digit(*at); at++)
		if (*out < INT64_MAX / 100) *out = *out * 10 + (*at - '0');
	return at > start ? at : NULL;
}

/* [0] [#-1] [#] ['key'] [*] */
static const char *read_bracket(const char *at, const char *end, JsonStep *step)
{
	*step = (JsonStep){.kind = JSON_STEP_INDEX};
	at++;
	if (at < end && (*at == '\'' || *at == '"')) {
		const char *close = memchr(at + 1, *at, (size_t)(end - at - 1));
		if (!close) return NULL;
		*step = (JsonStep){.kind = JSON_STEP_KEY, .key = at + 1, .key_bytes = (size_t)(close - at - 1)};
		at = close + 1;
	} else if (at < end && *at == '*') {
		step->kind = JSON_STEP_MEMBERS;
		at++;
	} else if (at < end && *at == '#') {
		step->kind = JSON_STEP_FROM_END;
		at++;
		if (at < end && *at == '-' && !(at = read_number(at + 1, end, &step->index))) return NULL;
	} else if (!(at = read_number(at, end, &step->index))) return NULL;
	return at < end && *at == ']' ? at + 1 : NULL;
}

bool json_path_read_any(const char *at, size_t bytes, JsonPath *path)
{
	const char *end = at + bytes;
	path->count = 0;
	path->has_wildcard = path->strict = false;
	at = skip_blanks(at, end);
	if (end - at > 4 && memcmp(at, "lax ", 4) == 0) at += 4;
	else if (end - at > 7 && memcmp(at, "strict ", 7) == 0) {
		path->strict = true;
		at += 7;
	}
	at = skip_blanks(at, end);
	if (at == end || *at++ != '$') return false;
	while (at < end) {
		JsonStep *step = &path->steps[path->count++];
		if (path->count == JSON_PATH_STEPS_MAX) return false;
		if (*at == '.' && end - at > 1 && at[1] == '"') at = read_quoted_key(at + 1, end, step);
		else if (*at == '.') {
			const char *start = ++at;
			while (at < end && *at != '.' && *at != '[') at++;
			*step = (JsonStep){.kind = JSON_STEP_KEY, .key = start, .key_bytes = (size_t)(at - start)};
			if (at == start) return false;
			if (at - start == 1 && *start == '*') step->kind = JSON_STEP_VALUES;
		} else if (*at == '[') at = read_bracket(at, end, step);
		else return false;
		if (!at) return false;
		path->has_wildcard |= step->kind >= JSON_STEP_MEMBERS;
	}
	return true;
}

bool json_path_read(const char *at, size_t bytes, JsonPath *path) { return json_path_read_any(at, bytes, path) && !path->has_wildcard; }

static bool key_is(JsonPart key, const char *name, size_t bytes)
{
	if (json_part_bytes(key) < 2) return false;
	size_t inside = json_part_bytes(key) - 2;
	if (!memchr(key.at + 1, '\\', inside)) return inside == bytes && memcmp(key.at + 1, name, bytes) == 0;
	StrBuf text = STRBUF_INIT;
	json_unescape(key, &text);
	bool same = text.bytes == bytes && memcmp(text.text, name, bytes) == 0;
	strbuf_release(&text);
	return same;
}

JsonPart json_find_key(JsonPart object, const char *key, size_t bytes)
{
	JsonWalk walk = json_walk(object);
	while (walk.object && json_walk_next(&walk))
		if (key_is(walk.key, key, bytes)) return walk.value;
	return (JsonPart){0};
}

int64_t json_count(JsonPart container)
{
	int64_t count = 0;
	for (JsonWalk walk = json_walk(container); json_walk_next(&walk);) count++;
	return count;
}

JsonPart json_find_index(JsonPart array, int64_t index)
{
	if (*array.at != '[') return (JsonPart){0};
	if (index < 0) index += json_count(array);
	for (JsonWalk walk = json_walk(array); index >= 0 && json_walk_next(&walk); index--)
		if (index == 0) return walk.value;
	return (JsonPart){0};
}

static JsonPart take_step(JsonPart value, const JsonStep *step)
{
	switch (step->kind) {
	case JSON_STEP_KEY: return json_find_key(value, step->key, step->key_bytes);
	case JSON_STEP_INDEX: return json_find_index(value, step->index);
	case JSON_STEP_FROM_END: return step->index ? json_find_index(value, -step->index) : (JsonPart){0};
	case JSON_STEP_MEMBERS: case JSON_STEP_VALUES: break;
	}
	return (JsonPart){0};
}

JsonPart json_path_find(JsonPart value, const JsonStep *steps, int count)
{
	for (int i = 0; i < count && value.at; i++) value = take_step(value, &steps[i]);
	return value;
}

static bool visit_from(JsonPart value, const JsonPath *path, int from, JsonVisit *visit, void *context)
{
	while (from < path->count && path->steps[from].kind < JSON_STEP_MEMBERS && value.at) value = take_step(value, &path->steps[from++]);
	if (!value.at) return true;
	if (from == path->count) return visit(value, context);
	bool members = path->steps[from].kind == JSON_STEP_MEMBERS, fits = *value.at == (members ? '[' : '{');
	if (!fits) return !members || path->strict || visit_from(value, path, from + 1, visit, context);
	for (JsonWalk walk = json_walk(value); json_walk_next(&walk);)
		if (!visit_from(walk.value, path, from + 1, visit, context)) return false;
	return true;
}

bool json_path_each(JsonPart value, const JsonPath *path, JsonVisit *visit, void *context) { return visit_from(value, path, 0, visit, context); }

/* ---- comparing ---- */

static int rank_of(JsonPart part)
{
	static const char RANKS[] = "nft0\"[{";
	const char *found = strchr(RANKS, *part.at);
	return found ? (int)(found - RANKS) : 3;
}

static int compare_bytes(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
	int order = memcmp(a, b, a_bytes < b_bytes ? a_bytes : b_bytes);
	return order ? order : a_bytes < b_bytes ? -1 : a_bytes > b_bytes;
}

static int compare_numbers(JsonPart a, JsonPart b)
{
	int64_t i, j;
	double x = 0, y = 0;
	if (text_to_integer(a.at, json_part_bytes(a), &i) && text_to_integer(b.at, json_part_bytes(b), &j)) return i < j ? -1 : i > j;
	text_to_real(a.at, json_part_bytes(a), &x);
	text_to_real(b.at, json_part_bytes(b), &y);
	return x < y ? -1 : x > y;
}

static int compare_printed(JsonPart a, JsonPart b, void (*print)(JsonPart part, StrBuf *out))
{
	StrBuf x = STRBUF_INIT, y = STRBUF_INIT;
	print(a, &x);
	print(b, &y);
	int order = compare_bytes(x.text, x.bytes, y.text, y.bytes);
	strbuf_release(&x);
	strbuf_release(&y);
	return order;
}

static bool has_escapes(JsonPart string) { return memchr(string.at, '\\', json_part_bytes(string)) != NULL; }

static int compare_members(JsonPart a, JsonPart b)
{
	JsonWalk x = json_walk(a), y = json_walk(b);
	for (;;) {
		bool more_x = json_walk_next(&x), more_y = json_walk_next(&y);
		if (!more_x || !more_y) return more_x - more_y;
		int order = json_compare(x.value, y.value);
		if (order) return order;
	}
}

int json_compare(JsonPart a, JsonPart b)
{
	int rank = rank_of(a), other = rank_of(b);
	if (rank != other) return rank < other ? -1 : 1;
	switch (*a.at) {
	case 'n': case 't': case 'f': return 0;
	case '[': return compare_members(a, b);
	case '{': return compare_printed(a, b, json_minify);
	case '"':
		if (has_escapes(a) || has_escapes(b)) return compare_printed(a, b, json_unescape);
		return compare_bytes(a.at + 1, json_part_bytes(a) - 2, b.at + 1, json_part_bytes(b) - 2);
	default: return compare_numbers(a, b);
	}
}

/* ---- times ---- */

bool json_time(const Str *text, int64_t *us)
{
	const char *at = str_at(text);
	Int128 nano;
	if (text_to_timestamp(at, text->bytes, us)) return true;
	return text_to_decimal(at, text->bytes, DECIMAL_PRECISION_MAX, 9, &nano) && epoch_to_timestamp(nano, epoch_divisor_by_size(nano), us);
}

bool json_date(const Str *text, int64_t *days)
{
	if (text_to_date(str_at(text), text->bytes, days)) return true;
	return text_to_integer(str_at(text), text->bytes, days) && *days >= DAYS_MIN && *days <= DAYS_MAX;
}

/* ---- printing ---- */

void json_minify(JsonPart part, StrBuf *out)
{
	const char *plain = part.at;
	for (const char *at = part.at; at < part.end; at++) {
		if (*at == '"') at = string_skip(at, part.end) - 1;
		else if (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r') {
			strbuf_add(out, plain, (size_t)(at - plain));
			plain = at + 1;
		}
	}
	strbuf_add(out, plain, (size_t)(part.end - plain));
}

void json_print_member(const Value *value, StrBuf *out)
{
	bool is_json = value->type.kind == TYPE_JSON || value->type.kind == TYPE_ROW;
	if (!value->is_null && is_json) json_minify(json_part(str_at(&value->str), value->str.bytes), out);
	else value_print_json(value, out);
}

static uint32_t read_hex4(const char *at)
{
	uint32_t x = 0;
	for (int i = 0; i < 4; i++) x = x << 4 | (uint32_t)(is_digit(at[i]) ? at[i] - '0' : (at[i] | 0x20) - 'a' + 10);
	return x;
}

/* at: behind \u; pairs of surrogates are one character, single ones U+FFFD */
static const char *unescape_unicode(const char *at, const char *end, StrBuf *out)
{
	if (end - at < 4) return end;
	uint32_t c = read_hex4(at);
	char text[4];
	at += 4;
	if (c >= 0xd800 && c < 0xdc00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
		uint32_t low = read_hex4(at + 2);
		if (low >= 0xdc00 && low < 0xe000) {
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			at += 6;
		}
	}
	strbuf_add(out, text, utf8_write(c, text));
	return at;
}

void json_unescape(JsonPart string, StrBuf *out)
{
	const char *at = string.at + 1, *end = string.end - 1;
	while (at < end) {
		const char *slash = memchr(at, '\\', (size_t)(end - at));
		strbuf_add(out, at, (size_t)((slash ? slash : end) - at));
		if (!slash) return;
		at = slash + 2;
		switch (slash[1]) {
		case 'b': strbuf_addc(out, '\b'); break;
		case 'f': strbuf_addc(out, '\f'); break;
		case 'n': strbuf_addc(out, '\n'); break;
		case 'r': strbuf_addc(out, '\r'); break;
		case 't': strbuf_addc(out, '\t'); break;
		case 'u': at = unescape_unicode(at, end, out); break;
		default: strbuf_addc(out, slash[1]); break;
		}
	}
}

/* ---- editing ---- */

static void print_key(const char *key, size_t bytes, StrBuf *out)
{
	text_print_json(key, bytes, out);
	strbuf_addc(out, ':');
}

/* What a path makes where nothing was: objects and arrays of one member. false: an index that cannot be made */
static bool print_new(const JsonStep *steps, int count, JsonPart with, StrBuf *out)
{
	if (count == 0) {
		strbuf_add(out, with.at, json_part_bytes(with));
		return true;
	}
	bool object = steps->kind == JSON_STEP_KEY;
	if (!object && steps->index != 0) return false;
	strbuf_addc(out, object ? '{' : '[');
	if (object) print_key(steps->key, steps->key_bytes, out);
	if (!print_new(steps + 1, count - 1, with, out)) return false;
	strbuf_addc(out, object ? '}' : ']');
	return true;
}

static bool is_step_of(const JsonWalk *walk, const JsonStep *step, int64_t place, int64_t count)
{
	if (walk->object) return step->kind == JSON_STEP_KEY && key_is(walk->key, step->key, step->key_bytes);
	if (step->kind == JSON_STEP_KEY) return false;
	return place == (step->kind == JSON_STEP_INDEX ? step->index : step->index ? count - step->index : -1);
}

/* May a new member be put behind the last one? */
static bool can_append(const JsonWalk *walk, const JsonStep *step, int64_t count)
{
	if (walk->object) return step->kind == JSON_STEP_KEY;
	return step->kind == JSON_STEP_INDEX ? step->index == count : step->kind == JSON_STEP_FROM_END && step->index == 0;
}

static void edit_members(JsonPart value, const JsonStep *steps, int count, JsonEdit edit, JsonPart with, StrBuf *out)
{
	JsonWalk walk = json_walk(value);
	int64_t place = 0, members = json_count(value);
	bool found = false, any = false;
	strbuf_addc(out, *value.at);
	for (; json_walk_next(&walk); place++) {
		bool here = !found && is_step_of(&walk, steps, place, members);
		found |= here;
		if (here && count == 1 && edit == JSON_EDIT_REMOVE) continue;
		if (any) strbuf_addc(out, ',');
		any = true;
		if (walk.object) {
			json_minify(walk.key, out);
			strbuf_addc(out, ':');
		}
		if (here) json_edit(walk.value, steps + 1, count - 1, edit, with, out);
		else json_minify(walk.value, out);
	}
	if (!found && (edit == JSON_EDIT_INSERT || edit == JSON_EDIT_SET) && can_append(&walk, steps, members)) {
		StrBuf made = STRBUF_INIT;
		if (print_new(steps + 1, count - 1, with, &made)) {
			if (any) strbuf_addc(out, ',');
			if (walk.object) print_key(steps->key, steps->key_bytes, out);
			strbuf_add(out, made.text, made.bytes);
		}
		strbuf_release(&made);
	}
	strbuf_addc(out, value.end[-1]);
}

void json_edit(JsonPart value, const JsonStep *steps, int count, JsonEdit edit, JsonPart with, StrBuf *out)
{
	bool container = *value.at == '{' || *value.at == '[';
	if (count == 0 && (edit == JSON_EDIT_REPLACE || edit == JSON_EDIT_SET)) strbuf_add(out, with.at, json_part_bytes(with));
	else if (count == 0 || !container) json_minify(value, out);
	else edit_members(value, steps, count, edit, with, out);
}

void json_merge(JsonPart target, JsonPart patch, StrBuf *out)
{
	if (*patch.at != '{') {
		json_minify(patch, out);
		return;
	}
	bool any = false, merges = target.at && *target.at == '{';
	const JsonPart none = {0};
	strbuf_addc(out, '{');
	for (JsonWalk walk = merges ? json_walk(target) : (JsonWalk){0}; json_walk_next(&walk);) {
		StrBuf name = STRBUF_INIT;
		json_unescape(walk.key, &name);
		JsonPart with = json_find_key(patch, name.text, name.bytes);
		strbuf_release(&name);
		if (with.at && *with.at == 'n') continue;
		if (any) strbuf_addc(out, ',');
		any = true;
		json_minify(walk.key, out);
		strbuf_addc(out, ':');
		if (with.at) json_merge(walk.value, with, out);
		else json_minify(walk.value, out);
	}
	for (JsonWalk walk = json_walk(patch); json_walk_next(&walk);) {
		StrBuf name = STRBUF_INIT;
		json_unescape(walk.key, &name);
		bool known = merges && json_find_key(target, name.text, name.bytes).at;
		strbuf_release(&name);
		if (known || *walk.value.at == 'n') continue;
		if (any) strbuf_addc(out, ',');
		any = true;
		json_minify(walk.key, out);
		strbuf_addc(out, ':');
		json_merge(none, walk.value, out);
	}
	strbuf_addc(out, '}');
}
