/* PostgreSQL's braces: '{1,2,NULL,"a b"}' as an array, '{a,b,0}' as a path into JSON. */
#include <strings.h>

#include "expr/json_text.h"
#include "expr/kernels.h"
#include "type/text.h"

/* One array's text between its braces, read from the front */
typedef struct Braces { const char *at, *end; } Braces;

enum { BRACES_DEPTH_MAX = 100 };

static void skip_blanks(Braces *b)
{
	while (b->at < b->end && (*b->at == ' ' || *b->at == '\t' || *b->at == '\n' || *b->at == '\r')) b->at++;
}

/* "..." with \ before what is taken as it stands */
static bool read_quoted(Braces *b, StrBuf *out)
{
	for (b->at++; b->at < b->end && *b->at != '"'; b->at++) {
		if (*b->at == '\\' && b->at + 1 < b->end) b->at++;
		strbuf_addc(out, *b->at);
	}
	return b->at < b->end && *b->at++ == '"';
}

static void read_plain(Braces *b, StrBuf *out)
{
	const char *start = b->at;
	while (b->at < b->end && *b->at != ',' && *b->at != '}' && *b->at != '{' && *b->at != '"') b->at++;
	const char *stop = b->at;
	while (stop > start && (stop[-1] == ' ' || stop[-1] == '\t' || stop[-1] == '\n' || stop[-1] == '\r')) stop--;
	strbuf_add(out, start, (size_t)(stop - start));
}

/* Numbers, true and false stand as they are, unless the elements are text. */
static void print_word(const StrBuf *word, bool as_text, StrBuf *out)
{
	int64_t truth;
	double real;
	bool null = word->bytes == 4 && strncasecmp(word->text, "null", 4) == 0;
	if (null) strbuf_adds(out, "null");
	else if (!as_text && json_text_is_valid(word->text, word->bytes) && text_to_real(word->text, word->bytes, &real)) strbuf_add(out, word->text, word->bytes);
	else if (!as_text && text_to_boolean(word->text, word->bytes, &truth)) strbuf_adds(out, truth ? "true" : "false");
	else text_print_json(word->text, word->bytes, out);
}

static bool read_array(Braces *b, bool as_text, int depth, StrBuf *out);

static bool read_element(Braces *b, bool as_text, int depth, StrBuf *out)
{
	StrBuf word = STRBUF_INIT;
	bool ok = true;
	skip_blanks(b);
	if (b->at < b->end && *b->at == '{') ok = read_array(b, as_text, depth + 1, out);
	else if (b->at < b->end && *b->at == '"') {
		ok = read_quoted(b, &word);
		text_print_json(word.text, word.bytes, out);
	} else {
		read_plain(b, &word);
		ok = word.bytes > 0;
		print_word(&word, as_text, out);
	}
	strbuf_release(&word);
	return ok;
}

static bool read_array(Braces *b, bool as_text, int depth, StrBuf *out)
{
	if (depth > BRACES_DEPTH_MAX || b->at == b->end || *b->at != '{') return false;
	b->at++;
	strbuf_addc(out, '[');
	skip_blanks(b);
	for (bool first = true; b->at < b->end && *b->at != '}'; first = false) {
		if (!first && *b->at++ != ',') return false;
		if (!first) strbuf_addc(out, ',');
		if (!read_element(b, as_text, depth, out)) return false;
		skip_blanks(b);
	}
	strbuf_addc(out, ']');
	return b->at < b->end && *b->at++ == '}';
}

/* text_to_array(text, whether its elements are text): braces or JSON; NULL for anything else */
void kernel_text_to_array(KernelCall *call)
{
	StrBuf out = STRBUF_INIT;
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		const Str *text = &call->args[0].str[i];
		Braces braces = {str_at(text), str_at(text) + text->bytes};
		strbuf_clear(&out);
		skip_blanks(&braces);
		bool is_braces = braces.at < braces.end && *braces.at == '{', ok = is_braces ? read_array(&braces, call->args[1].i64[i] != 0, 0, &out) : json_text_is_valid(str_at(text), text->bytes);
		skip_blanks(&braces);
		if (!ok || (is_braces && braces.at != braces.end)) kernel_null(call, i);
		else if (is_braces) call->out->str[i] = str_copy(call->scratch, out.text, out.bytes);
		else {
			json_minify(json_part(str_at(text), text->bytes), &out);
			call->out->str[i] = str_copy(call->scratch, out.text, out.bytes);
		}
	}
	strbuf_release(&out);
}

/* ---- paths ---- */

static JsonPart step_into(JsonPart part, const StrBuf *key)
{
	int64_t index;
	if (*part.at != '[') return json_find_key(part, key->text ? key->text : "", key->bytes);
	return text_to_integer(key->text ? key->text : "", key->bytes, &index) ? json_find_index(part, index) : (JsonPart){0};
}

/* ARRAY['a', '1'] */
static JsonPart follow_array(JsonPart part, const Str *path)
{
	StrBuf key = STRBUF_INIT;
	JsonPart names = json_part(str_at(path), path->bytes);
	for (JsonWalk walk = json_walk(names); part.at && json_walk_next(&walk);) {
		strbuf_clear(&key);
		if (*walk.value.at == '"') json_unescape(walk.value, &key);
		else json_minify(walk.value, &key);
		part = step_into(part, &key);
	}
	strbuf_release(&key);
	return part;
}

static JsonPart follow(JsonPart part, const Str *path)
{
	if (path->bytes && *str_at(path) == '[') return follow_array(part, path);
	Braces b = {str_at(path), str_at(path) + path->bytes};
	StrBuf key = STRBUF_INIT;
	bool ok = b.at < b.end && *b.at++ == '{';
	skip_blanks(&b);
	while (ok && part.at && b.at < b.end && *b.at != '}') {
		strbuf_clear(&key);
		if (*b.at == '"') ok = read_quoted(&b, &key);
		else read_plain(&b, &key);
		part = step_into(part, &key);
		skip_blanks(&b);
		if (b.at < b.end && *b.at == ',') b.at++;
		skip_blanks(&b);
	}
	strbuf_release(&key);
	return ok ? part : (JsonPart){0};
}

void kernel_json_path(KernelCall *call)
{
	StrBuf out = STRBUF_INIT;
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		JsonPart part = follow(json_part(str_at(&call->args[0].str[i]), call->args[0].str[i].bytes), &call->args[1].str[i]);
		bool text = call->out->type.kind == TYPE_TEXT;
		strbuf_clear(&out);
		if (!part.at || (text && *part.at == 'n')) kernel_null(call, i);
		else {
			if (text && *part.at == '"') json_unescape(part, &out);
			else json_minify(part, &out);
			call->out->str[i] = str_copy(call->scratch, out.text, out.bytes);
		}
	}
	strbuf_release(&out);
}
