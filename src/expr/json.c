/* JSON functions over json_text: ->, ->>, json_extract, SQL/JSON's json_value, json_query, json_exists, building and editing.
 * Arguments of type JSON are valid (text is checked on the way to JSON and becomes NULL where it is none). What comes out as
 * text has SQLite's form: true and false are 1 and 0 there, json_value says true and false. */
#include <stdlib.h>

#include "expr/json_text.h"
#include "expr/kernels.h"
#include "expr/utf8.h"
#include "type/text.h"

static JsonPart part_of(const Str *s) { return json_part(str_at(s), s->bytes); }

static void set_text(KernelCall *call, int row, const StrBuf *text) { call->out->str[row] = str_copy(call->scratch, text->text, text->bytes); }

static void print_value(const Column *column, int row, StrBuf *out)
{
	Value value = column_value(column, row);
	json_print_member(&value, out);
}

/* ---- what a value is ---- */

typedef enum JsonKind { JSON_NULL, JSON_TRUE, JSON_FALSE, JSON_INTEGER, JSON_REAL, JSON_TEXT, JSON_ARRAY, JSON_OBJECT } JsonKind;

static JsonKind kind_of(JsonPart part)
{
	switch (*part.at) {
	case 'n': return JSON_NULL;
	case 't': return JSON_TRUE;
	case 'f': return JSON_FALSE;
	case '"': return JSON_TEXT;
	case '[': return JSON_ARRAY;
	case '{': return JSON_OBJECT;
	default: break;
	}
	for (const char *at = part.at; at < part.end; at++)
		if (*at == '.' || (*at | 0x20) == 'e') return JSON_REAL;
	return JSON_INTEGER;
}

/* ---- paths as arguments ---- */

typedef struct PathState { JsonPath *paths; bool *known; int count; } PathState;

void *prepare_json_paths(const Value *const *constants, int arg_count)
{
	PathState *state = mem_new(PathState);
	state->count = arg_count;
	state->paths = mem_alloc(sizeof *state->paths * (size_t)(arg_count + 1));
	state->known = mem_zalloc((size_t)arg_count + 1);
	for (int i = 1; i < arg_count; i++) {
		bool is_text = constants[i] && type_phys(constants[i]->type) == PHYS_STR;
		const Str *text = is_text ? constant_text(constants, i) : NULL;
		if (text) state->known[i] = json_path_read_any(str_at(text), text->bytes, &state->paths[i]);
	}
	return state;
}

void unprepare_json_paths(void *memory)
{
	PathState *state = memory;
	free(state->paths);
	free(state->known);
	free(state);
}

/* The path in argument `arg` of a row, with wildcards or not; NULL: it is none */
static const JsonPath *any_path_at(KernelCall *call, int arg, int row)
{
	PathState *state = call->state;
	if (state->known[arg]) return &state->paths[arg];
	const Column *column = &call->args[arg];
	if (call->constants[arg] || type_phys(column->type) != PHYS_STR) return NULL;
	const Str *text = &column->str[row];
	return json_path_read_any(str_at(text), text->bytes, &state->paths[arg]) ? &state->paths[arg] : NULL;
}

static const JsonPath *path_at(KernelCall *call, int arg, int row)
{
	const JsonPath *path = any_path_at(call, arg, row);
	return path && !path->has_wildcard ? path : NULL;
}

/* Where the path of argument 1 leads, or the whole value without one; at NULL: nowhere */
static JsonPart find_path(KernelCall *call, int row)
{
	JsonPart whole = part_of(&call->args->str[row]);
	if (call->arg_count < 2) return whole;
	const JsonPath *path = path_at(call, 1, row);
	return path ? json_path_find(whole, path->steps, path->count) : (JsonPart){0};
}

/* ---- results ---- */

static void set_json(KernelCall *call, int row, JsonPart part)
{
	StrBuf text = STRBUF_INIT;
	json_minify(part, &text);
	set_text(call, row, &text);
	strbuf_release(&text);
}

/* As SQLite gives it: strings without quotes, null as NULL, true as 1 */
static void set_plain(KernelCall *call, int row, JsonPart part, bool words)
{
	if (!part.at || *part.at == 'n') {
		kernel_null(call, row);
		return;
	}
	JsonKind kind = kind_of(part);
	if (kind == JSON_TEXT) {
		StrBuf text = STRBUF_INIT;
		json_unescape(part, &text);
		set_text(call, row, &text);
		strbuf_release(&text);
	} else if (!words && (kind == JSON_TRUE || kind == JSON_FALSE)) call->out->str[row] = str_borrow(kind == JSON_TRUE ? "1" : "0", 1);
	else set_json(call, row, part);
}

/* ---- -> and ->> ---- */

/* The right side is a path if it begins with $, else a key; numbers count array members, from the end if negative. */
static JsonPart follow(KernelCall *call, int row)
{
	JsonPart whole = part_of(&call->args->str[row]);
	const Column *right = &call->args[1];
	if (right->type.kind == TYPE_INTEGER) return json_find_index(whole, right->i64[row]);
	const Str *text = &right->str[row];
	if (text->bytes == 0 || *str_at(text) != '$') return json_find_key(whole, str_at(text), text->bytes);
	const JsonPath *path = path_at(call, 1, row);
	return path ? json_path_find(whole, path->steps, path->count) : (JsonPart){0};
}

void kernel_json_arrow(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		JsonPart part = follow(call, i);
		if (part.at) set_json(call, i, part);
		else kernel_null(call, i);
	}
}

void kernel_json_arrow_text(KernelCall *call)
{
	for (int i = 0; i < call->count; i++)
		if (!result_is_null(call, i)) set_plain(call, i, follow(call, i), false);
}

/* subscript(x, n): n from 1, as arrays of SQL count; subscript(x, key) */
void kernel_json_subscript(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		JsonPart whole = part_of(&call->args->str[i]), part;
		if (call->args[1].type.kind == TYPE_INTEGER) part = call->args[1].i64[i] > 0 ? json_find_index(whole, call->args[1].i64[i] - 1) : (JsonPart){0};
		else part = json_find_key(whole, str_at(&call->args[1].str[i]), call->args[1].str[i].bytes);
		if (part.at && *part.at != 'n') set_json(call, i, part);
		else kernel_null(call, i);
	}
}

/* ---- by path ---- */

/* Several paths give an array, with null where one leads nowhere. */
static void extract_all(KernelCall *call, int row)
{
	StrBuf text = STRBUF_INIT;
	JsonPart whole = part_of(&call->args->str[row]);
	bool ok = true;
	for (int a = 1; a < call->arg_count && ok; a++) {
		const JsonPath *path = path_at(call, a, row);
		JsonPart part = path ? json_path_find(whole, path->steps, path->count) : (JsonPart){0};
		ok = path != NULL;
		strbuf_addc(&text, a == 1 ? '[' : ',');
		if (part.at) json_minify(part, &text);
		else strbuf_adds(&text, "null");
	}
	strbuf_addc(&text, ']');
	if (ok) set_text(call, row, &text);
	else kernel_null(call, row);
	strbuf_release(&text);
}

void kernel_json_extract(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		if (call->arg_count > 2) extract_all(call, i);
		else set_plain(call, i, find_path(call, i), false);
	}
}

/* Keys one after the other, array members by number: PostgreSQL's json_extract_path */
static JsonPart find_keys(KernelCall *call, int row)
{
	JsonPart part = part_of(&call->args->str[row]);
	for (int a = 1; a < call->arg_count && part.at; a++) {
		const Str *key = &call->args[a].str[row];
		int64_t index;
		if (*part.at == '[') part = text_to_integer(str_at(key), key->bytes, &index) ? json_find_index(part, index) : (JsonPart){0};
		else part = json_find_key(part, str_at(key), key->bytes);
	}
	return part;
}

void kernel_json_extract_path(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		JsonPart part = find_keys(call, i);
		if (part.at) set_json(call, i, part);
		else kernel_null(call, i);
	}
}

void kernel_json_extract_path_text(KernelCall *call)
{
	for (int i = 0; i < call->count; i++)
		if (!result_is_null(call, i)) set_plain(call, i, find_keys(call, i), true);
}

/* ---- paths with wildcards ---- */

static bool add_found(JsonPart part, void *context)
{
	StrBuf *array = context;
	strbuf_addc(array, array->bytes ? ',' : '[');
	json_minify(part, array);
	return true;
}

/* All that the path of argument 1 leads to, as an array; nothing where there is none, or where the path leads to one place at most. */
static bool find_all(KernelCall *call, int row, StrBuf *array)
{
	const JsonPath *path = call->arg_count > 1 ? any_path_at(call, 1, row) : NULL;
	strbuf_clear(array);
	if (!path || !path->has_wildcard) return false;
	json_path_each(part_of(&call->args->str[row]), path, add_found, array);
	if (array->bytes) strbuf_addc(array, ']');
	return true;
}

static bool note_found(JsonPart part, void *context)
{
	(void)part;
	*(bool *)context = true;
	return false;
}

static bool leads_somewhere(KernelCall *call, int row)
{
	const JsonPath *path = call->arg_count > 1 ? any_path_at(call, 1, row) : NULL;
	bool found = false;
	if (!path || !path->has_wildcard) return find_path(call, row).at != NULL;
	json_path_each(part_of(&call->args->str[row]), path, note_found, &found);
	return found;
}

/* Scalars only */
void kernel_json_value(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		JsonPart part = find_path(call, i);
		if (part.at && (*part.at == '{' || *part.at == '[')) kernel_null(call, i);
		else set_plain(call, i, part, true);
	}
}

/* Objects and arrays only; what wildcards find is an array. */
void kernel_json_query(KernelCall *call)
{
	StrBuf all = STRBUF_INIT;
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		JsonPart part = find_all(call, i, &all) ? json_part(all.text, all.bytes) : find_path(call, i);
		if (part.at && part.at < part.end && (*part.at == '{' || *part.at == '[')) set_json(call, i, part);
		else kernel_null(call, i);
	}
	strbuf_release(&all);
}

void kernel_json_exists(KernelCall *call)
{
	for (int i = 0; i < call->count; i++)
		if (!result_is_null(call, i)) call->out->i64[i] = leads_somewhere(call, i);
}

/* ---- SQL/JSON with ON EMPTY and ON ERROR: what is no JSON is an error, what the path does not find is empty ---- */

static bool is_valid_at(KernelCall *call, int row) { return json_text_is_valid(str_at(&call->args->str[row]), call->args->str[row].bytes); }

/* The text of argument `arg`, as it is or as JSON */
static void set_argument(KernelCall *call, int arg, int row)
{
	if (is_null_at(&call->args[arg], row)) kernel_null(call, row);
	else call->out->str[row] = call->args[arg].str[row];
}

void kernel_json_value_else(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		if (is_null_at(call->args, i) || is_null_at(&call->args[1], i)) kernel_null(call, i);
		else if (!is_valid_at(call, i)) set_argument(call, 3, i);
		else {
			JsonPart part = find_path(call, i);
			bool found = part.at && *part.at != '{' && *part.at != '[' && *part.at != 'n';
			if (found) set_plain(call, i, part, true);
			else set_argument(call, 2, i);
		}
	}
}

void kernel_json_query_else(KernelCall *call)
{
	StrBuf text = STRBUF_INIT;
	for (int i = 0; i < call->count; i++) {
		if (is_null_at(call->args, i) || is_null_at(&call->args[1], i)) {
			kernel_null(call, i);
			continue;
		}
		if (is_valid_at(call, i) && find_all(call, i, &text)) {              /* an array already: no wrapper adds another */
			if (text.bytes) set_text(call, i, &text);
			else set_argument(call, 3, i);
			continue;
		}
		JsonPart part = is_valid_at(call, i) ? find_path(call, i) : (JsonPart){0};
		char wrapper = *str_at(&call->args[2].str[i]);                /* without, unconditional, conditional */
		bool container = part.at && (*part.at == '{' || *part.at == '[');
		bool wraps = part.at && *part.at != 'n' && (wrapper == 'u' || (wrapper == 'c' && !container));
		strbuf_clear(&text);
		if (wraps) strbuf_addc(&text, '[');
		if (wraps || container) json_minify(part, &text);
		if (wraps) strbuf_addc(&text, ']');
		if (text.bytes) set_text(call, i, &text);
		else set_argument(call, part.at || !is_valid_at(call, i) ? 4 : 3, i);
	}
	strbuf_release(&text);
}

void kernel_json_exists_else(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		if (is_null_at(call->args, i) || is_null_at(&call->args[1], i)) kernel_null(call, i);
		else if (is_valid_at(call, i)) call->out->i64[i] = leads_somewhere(call, i);
		else if (is_null_at(&call->args[2], i)) kernel_null(call, i);
		else call->out->i64[i] = call->args[2].i64[i];
	}
}

/* is_json(text, 'value' | 'array' | 'object' | 'scalar') */
void kernel_is_json(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		const Str *kind = call->arg_count > 1 ? &call->args[1].str[i] : NULL;
		bool is = is_valid_at(call, i);
		char first = is ? *part_of(&call->args->str[i]).at : 0, wanted = kind && kind->bytes ? (char)(*str_at(kind) | 0x20) : 'v';
		if (wanted == 'a') is = first == '[';
		else if (wanted == 'o') is = first == '{';
		else if (wanted == 's') is = is && first != '[' && first != '{';
		call->out->i64[i] = is;
	}
}

static void set_kind(KernelCall *call, const char *const *names)
{
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		JsonPart part = find_path(call, i);
		if (!part.at) kernel_null(call, i);
		else call->out->str[i] = str_borrow(names[kind_of(part)], strlen(names[kind_of(part)]));
	}
}

void kernel_json_type(KernelCall *call)
{
	static const char *const NAMES[] = {"null", "true", "false", "integer", "real", "text", "array", "object"};
	set_kind(call, NAMES);
}

void kernel_json_typeof(KernelCall *call)
{
	static const char *const NAMES[] = {"null", "boolean", "boolean", "number", "number", "string", "array", "object"};
	set_kind(call, NAMES);
}

void kernel_json_array_length(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		JsonPart part = find_path(call, i);
		if (!part.at) kernel_null(call, i);
		else call->out->i64[i] = *part.at == '[' ? json_count(part) : 0;
	}
}

/* Members of an array or object */
void kernel_json_cardinality(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		JsonPart part = part_of(&call->args->str[i]);
		if (*part.at != '[' && *part.at != '{') kernel_null(call, i);
		else call->out->i64[i] = json_count(part);
	}
}

void kernel_json_valid(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) call->out->i64[i] = json_text_is_valid(str_at(&call->args->str[i]), call->args->str[i].bytes);
}

void kernel_json_minify(KernelCall *call)
{
	for (int i = 0; i < call->count; i++)
		if (!result_is_null(call, i)) set_json(call, i, part_of(&call->args->str[i]));
}

void kernel_json_keys(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		JsonPart part = part_of(&call->args->str[i]);
		StrBuf text = STRBUF_INIT;
		if (*part.at != '{') kernel_null(call, i);
		else {
			strbuf_addc(&text, '[');
			for (JsonWalk walk = json_walk(part); json_walk_next(&walk);) {
				if (text.bytes > 1) strbuf_addc(&text, ',');
				json_minify(walk.key, &text);
			}
			strbuf_addc(&text, ']');
			set_text(call, i, &text);
		}
		strbuf_release(&text);
	}
}

/* ---- arrays ---- */

static void print_field(const char *at, size_t bytes, const Str *missing, StrBuf *out)
{
	if (missing && missing->bytes == bytes && memcmp(str_at(missing), at, bytes) == 0) strbuf_adds(out, "null");
	else text_print_json(at, bytes, out);
}

static void print_characters(const char *at, const char *end, const Str *missing, StrBuf *out)
{
	for (size_t step; at < end; at += step) {
		step = utf8_step(at, end);
		if (out->bytes > 1) strbuf_addc(out, ',');
		print_field(at, step, missing, out);
	}
}

static void print_fields(const char *at, const char *end, const Str *separator, const Str *missing, StrBuf *out)
{
	for (const char *next; separator->bytes && (next = find_bytes(at, (size_t)(end - at), str_at(separator), separator->bytes)); at = next + separator->bytes) {
		print_field(at, (size_t)(next - at), missing, out);
		strbuf_addc(out, ',');
	}
	print_field(at, (size_t)(end - at), missing, out);
}

/* split(text, separator [, what is null]): the fields as array; an empty separator splits into characters */
void kernel_split(KernelCall *call)
{
	StrBuf out = STRBUF_INIT;
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		const Str *text = &call->args[0].str[i], *separator = &call->args[1].str[i], *missing = call->arg_count > 2 ? &call->args[2].str[i] : NULL;
		const char *at = str_at(text), *end = at + text->bytes;
		strbuf_clear(&out);
		strbuf_addc(&out, '[');
		if (separator->bytes) print_fields(at, end, separator, missing, &out);
		else print_characters(at, end, NULL, &out);
		strbuf_addc(&out, ']');
		set_text(call, i, &out);
	}
	strbuf_release(&out);
}

/* string_to_array(text, separator [, what is null]): PostgreSQL's, where a NULL separator splits into characters, an empty one not at all, and no
 * text has no fields */
void kernel_string_to_array(KernelCall *call)
{
	StrBuf out = STRBUF_INIT;
	for (int i = 0; i < call->count; i++) {
		if (is_null_at(&call->args[0], i)) {
			kernel_null(call, i);
			continue;
		}
		const Str *text = &call->args[0].str[i], *missing = call->arg_count > 2 && !is_null_at(&call->args[2], i) ? &call->args[2].str[i] : NULL;
		const char *at = str_at(text), *end = at + text->bytes;
		strbuf_clear(&out);
		strbuf_addc(&out, '[');
		if (is_null_at(&call->args[1], i)) print_characters(at, end, missing, &out);
		else if (text->bytes) print_fields(at, end, &call->args[1].str[i], missing, &out);
		strbuf_addc(&out, ']');
		set_text(call, i, &out);
	}
	strbuf_release(&out);
}

/* ---- building ---- */

typedef enum NullMembers { NULLS_STAY, NULLS_ABSENT } NullMembers;

static void build_array(KernelCall *call, NullMembers nulls)
{
	StrBuf text = STRBUF_INIT;
	for (int i = 0; i < call->count; i++) {
		strbuf_clear(&text);
		strbuf_addc(&text, '[');
		for (int a = 0; a < call->arg_count; a++) {
			if (nulls == NULLS_ABSENT && is_null_at(&call->args[a], i)) continue;
			if (text.bytes > 1) strbuf_addc(&text, ',');
			print_value(&call->args[a], i, &text);
		}
		strbuf_addc(&text, ']');
		set_text(call, i, &text);
	}
	strbuf_release(&text);
}

void kernel_json_array(KernelCall *call) { build_array(call, NULLS_STAY); }
void kernel_json_array_absent(KernelCall *call) { build_array(call, NULLS_ABSENT); }

static void print_key(const Column *column, int row, StrBuf *out)
{
	Value value = column_value(column, row);
	StrBuf text = STRBUF_INIT;
	value_print(&value, &text);
	text_print_json(text.text, text.bytes, out);
	strbuf_release(&text);
	strbuf_addc(out, ':');
}

static void build_object(KernelCall *call, NullMembers nulls)
{
	StrBuf text = STRBUF_INIT;
	for (int i = 0; i < call->count; i++) {
		bool bad = call->arg_count % 2 != 0;
		strbuf_clear(&text);
		strbuf_addc(&text, '{');
		for (int a = 0; a + 1 < call->arg_count; a += 2) {
			if (nulls == NULLS_ABSENT && is_null_at(&call->args[a + 1], i)) continue;
			if (text.bytes > 1) strbuf_addc(&text, ',');
			bad |= is_null_at(&call->args[a], i);
			print_key(&call->args[a], i, &text);
			print_value(&call->args[a + 1], i, &text);
		}
		strbuf_addc(&text, '}');
		if (bad) kernel_null(call, i);
		else set_text(call, i, &text);
	}
	strbuf_release(&text);
}

void kernel_json_object(KernelCall *call) { build_object(call, NULLS_STAY); }
void kernel_json_object_absent(KernelCall *call) { build_object(call, NULLS_ABSENT); }

void kernel_json_quote(KernelCall *call)
{
	StrBuf text = STRBUF_INIT;
	for (int i = 0; i < call->count; i++) {
		strbuf_clear(&text);
		print_value(call->args, i, &text);
		set_text(call, i, &text);
	}
	strbuf_release(&text);
}

/* ---- editing ---- */

/* Pairs of path and value (or paths alone to remove), one after the other on what the one before made */
static void edit(KernelCall *call, JsonEdit how)
{
	int step = how == JSON_EDIT_REMOVE ? 1 : 2;
	StrBuf text = STRBUF_INIT, next = STRBUF_INIT, value = STRBUF_INIT;
	for (int i = 0; i < call->count; i++) {
		bool bad = is_null_at(call->args, i) || (call->arg_count - 1) % step != 0;
		strbuf_clear(&text);
		if (!bad) json_minify(part_of(&call->args->str[i]), &text);
		for (int a = 1; a < call->arg_count && !bad; a += step) {
			const JsonPath *path = is_null_at(&call->args[a], i) ? NULL : path_at(call, a, i);
			if (!path || (how == JSON_EDIT_REMOVE && path->count == 0)) {
				bad = true;
				break;
			}
			strbuf_clear(&next);
			strbuf_clear(&value);
			if (step == 2) print_value(&call->args[a + 1], i, &value);
			json_edit(json_part(text.text, text.bytes), path->steps, path->count, how, json_part(value.text, value.bytes), &next);
			StrBuf swap = text;
			text = next;
			next = swap;
		}
		if (bad) kernel_null(call, i);
		else set_text(call, i, &text);
	}
	strbuf_release(&text);
	strbuf_release(&next);
	strbuf_release(&value);
}

void kernel_json_insert(KernelCall *call) { edit(call, JSON_EDIT_INSERT); }
void kernel_json_replace(KernelCall *call) { edit(call, JSON_EDIT_REPLACE); }
void kernel_json_set(KernelCall *call) { edit(call, JSON_EDIT_SET); }
void kernel_json_remove(KernelCall *call) { edit(call, JSON_EDIT_REMOVE); }

void kernel_json_patch(KernelCall *call)
{
	StrBuf text = STRBUF_INIT;
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		strbuf_clear(&text);
		json_merge(part_of(&call->args[0].str[i]), part_of(&call->args[1].str[i]), &text);
		set_text(call, i, &text);
	}
	strbuf_release(&text);
}
