/* Recursive descent over the text; nothing is kept of what nobody wants. A wanted node is passed down beside the value, so the same
 * functions check and fill. */
#include "format/json_scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "type/text.h"

typedef struct Reader {
	JsonScan *scan;               /* NULL: only check */
	JsonTree *tree;
	const char *start, *at, *end;
	int depth;
	char *error;
} Reader;

/* A string in the text, without its quotes. */
typedef struct RawString { const char *at; size_t bytes; bool has_escapes, has_high_bytes; } RawString;

void json_scan_init(JsonScan *scan)
{
	*scan = (JsonScan){0};
	arena_init(&scan->scratch, 0);
}

void json_scan_release(JsonScan *scan)
{
	arena_release(&scan->scratch);
	free(scan->raws);
}

static bool refuse(Reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool refuse(Reader *r, const char *format, ...)
{
	if (!r->error || r->error[0]) return false;
	va_list args;
	va_start(args, format);
	vsnprintf(r->error, sizeof r->scan->error, format, args);
	va_end(args);
	return false;
}

static bool refuse_here(Reader *r, const char *wanted)
{
	long byte = (long)(r->at - r->start);
	if (r->at >= r->end) return refuse(r, "not JSON: it ends after %ld bytes where %s should be", byte, wanted);
	unsigned char c = (unsigned char)*r->at;
	if (c > 0x20 && c < 0x7f) return refuse(r, "not JSON: '%c' at byte %ld where %s should be", c, byte, wanted);
	return refuse(r, "not JSON: byte 0x%02x at %ld where %s should be", c, byte, wanted);
}

static void skip_blanks(Reader *r)
{
	while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' || *r->at == '\r')) r->at++;
}

/* The first byte that is a quote, a backslash or a control character. */
static const char *string_special(const char *at, const char *end, bool *has_high_bytes)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), space = _mm_set1_epi8(0x1f);
	for (; end - at >= 16; at += 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)at);
		__m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(x, quote), _mm_cmpeq_epi8(x, backslash)), _mm_cmpeq_epi8(_mm_min_epu8(x, space), x));
		unsigned hits = (unsigned)_mm_movemask_epi8(hit), high = (unsigned)_mm_movemask_epi8(x);
		if (hits) {
			int n = __builtin_ctz(hits);
			if (high & ((1u << n) - 1)) *has_high_bytes = true;
			return at + n;
		}
		if (high) *has_high_bytes = true;
	}
#endif
	for (; at < end && *at != '"' && *at != '\\' && (unsigned char)*at > 0x1f; at++)
		if (*at & 0x80) *has_high_bytes = true;
	return at;
}

static int hex4(const char *at, const char *end)
{
	int x = 0;
	if (end - at < 4) return -1;
	for (int i = 0; i < 4; i++) {
		char c = at[i];
		int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
		if (digit < 0) return -1;
		x = x * 16 + digit;
	}
	return x;
}

static bool read_string(Reader *r, RawString *out)
{
	*out = (RawString){.at = r->at + 1};
	for (r->at++; ; ) {
		r->at = string_special(r->at, r->end, &out->has_high_bytes);
		if (r->at >= r->end) return refuse_here(r, "the end of a string");
		if (*r->at == '"') break;
		if (*r->at != '\\') return refuse_here(r, "a character of a string");
		out->has_escapes = true;
		if (++r->at >= r->end) return refuse_here(r, "an escape");
		if (*r->at == 'u') {
			if (hex4(r->at + 1, r->end) < 0) return refuse_here(r, "\\u and four hexadecimal digits");
			r->at += 5;
		} else if (memchr("\"\\/bfnrt", *r->at, 8)) r->at++;
		else return refuse_here(r, "an escape");
	}
	out->bytes = (size_t)(r->at++ - out->at);
	return true;
}

static char *utf8_put(char *to, unsigned code)
{
	if (code < 0x80) *to++ = (char)code;
	else if (code < 0x800) { *to++ = (char)(0xc0 | code >> 6); *to++ = (char)(0x80 | (code & 0x3f)); }
	else if (code < 0x10000) { *to++ = (char)(0xe0 | code >> 12); *to++ = (char)(0x80 | (code >> 6 & 0x3f)); *to++ = (char)(0x80 | (code & 0x3f)); }
	else {
		*to++ = (char)(0xf0 | code >> 18); *to++ = (char)(0x80 | (code >> 12 & 0x3f));
		*to++ = (char)(0x80 | (code >> 6 & 0x3f)); *to++ = (char)(0x80 | (code & 0x3f));
	}
	return to;
}

/* The text behind the escapes, never longer than they are; NULL: half a surrogate pair, at *bad. */
static const char *string_decode(Arena *scratch, const RawString *raw, size_t *bytes, const char **bad)
{
	static const char NAMED[128] = {['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t'};
	char *out = arena_alloc(scratch, raw->bytes + 1), *to = out;
	for (const char *at = raw->at, *end = raw->at + raw->bytes; at < end; ) {
		if (*at != '\\') { *to++ = *at++; continue; }
		if (at[1] != 'u') { *to++ = NAMED[(unsigned char)at[1]]; at += 2; continue; }
		unsigned code = (unsigned)hex4(at + 2, end);
		*bad = at;
		at += 6;
		if (code >= 0xd800 && code < 0xe000) {
			int low = code < 0xdc00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u' ? hex4(at + 2, end) : -1;
			if (low < 0xdc00 || low > 0xdfff) return NULL;
			code = 0x10000 + ((code - 0xd800) << 10) + ((unsigned)low - 0xdc00);
			at += 6;
		}
		to = utf8_put(to, code);
	}
	*bytes = (size_t)(to - out);
	return out;
}

static size_t utf8_valid_prefix(const char *at, size_t bytes)
{
	size_t good = 0, step = bytes;
	while (step) {                          /* rare: a halving search is enough */
		if (good + step <= bytes && utf8_is_valid(at, good + step)) good += step;
		else step /= 2;
	}
	return good;
}

static void put_string(Reader *r, JsonSlot *slot, const RawString *raw)
{
	*slot = (JsonSlot){.kind = SLOT_STRING, .at = raw->at, .bytes = raw->bytes};
	if (raw->has_high_bytes && !utf8_is_valid(raw->at, raw->bytes)) {
		size_t good = utf8_valid_prefix(raw->at, raw->bytes);
		*slot = (JsonSlot){.kind = SLOT_BAD_UTF8, .at = raw->at + good, .bytes = good};
		return;
	}
	const char *bad = NULL;
	if (raw->has_escapes) slot->at = string_decode(&r->scan->scratch, raw, &slot->bytes, &bad);
	if (!slot->at) *slot = (JsonSlot){.kind = SLOT_BAD_UTF8, .at = bad, .bytes = (size_t)(bad - raw->at)};
}

static bool read_number(Reader *r)
{
	if (r->at < r->end && *r->at == '-') r->at++;
	if (r->at < r->end && *r->at == '0') r->at++;
	else {
		if (r->at >= r->end || *r->at < '1' || *r->at > '9') return refuse_here(r, "a digit");
		while (r->at < r->end && *r->at >= '0' && *r->at <= '9') r->at++;
	}
	for (int part = 0; part < 2; part++) {
		if (r->at >= r->end || (part == 0 ? *r->at != '.' : (*r->at | 0x20) != 'e')) continue;
		r->at++;
		if (part == 1 && r->at < r->end && (*r->at == '+' || *r->at == '-')) r->at++;
		if (r->at >= r->end || *r->at < '0' || *r->at > '9') return refuse_here(r, "a digit");
		while (r->at < r->end && *r->at >= '0' && *r->at <= '9') r->at++;
	}
	return true;
}

static bool read_word(Reader *r, const char *word)
{
	size_t bytes = strlen(word);
	if ((size_t)(r->end - r->at) < bytes || memcmp(r->at, word, bytes) != 0) return refuse_here(r, "a value");
	r->at += bytes;
	return true;
}

static bool read_value(Reader *r, JsonNode *node);

static bool read_field(Reader *r, JsonNode *node, int i)
{
	RawString raw;
	if (r->at >= r->end || *r->at != '"') return refuse_here(r, "a field name");
	if (!read_string(r, &raw)) return false;
	skip_blanks(r);
	if (r->at >= r->end || *r->at != ':') return refuse_here(r, "\":\"");
	r->at++;
	if (!node) return read_value(r, NULL);
	const char *bad;
	if (raw.has_escapes) {
		size_t bytes = 0;
		const char *text = string_decode(&r->scan->scratch, &raw, &bytes, &bad);
		raw = (RawString){.at = text ? text : "", .bytes = text ? bytes : 0};
	}
	int child = json_find_child(node, i, raw.at, raw.bytes);
	if (child >= 0) return read_value(r, json_node_take(r->tree, &node->children[child], JSON_MATCH_EXACT) ? &node->children[child] : NULL);
	if (child == CHILD_NONE) return read_value(r, NULL);
	const char *value = r->at;              /* several wanted names may differ from this one by case alone: read it for each */
	for (int c = 0; c < node->child_count; c++) {
		JsonNode *folded = &node->children[c];
		if (folded->name_bytes != raw.bytes || strncasecmp(folded->name, raw.at, raw.bytes) != 0) continue;
		r->at = value;
		if (!read_value(r, json_node_take(r->tree, folded, JSON_MATCH_FOLDED) ? folded : NULL)) return false;
	}
	return true;
}

static bool read_object(Reader *r, JsonNode *node)
{
	r->at++;
	skip_blanks(r);
	if (r->at < r->end && *r->at == '}') { r->at++; return true; }
	for (int i = 0; ; i++) {
		skip_blanks(r);
		if (!read_field(r, node, i)) return false;
		skip_blanks(r);
		if (r->at < r->end && *r->at == '}') { r->at++; return true; }
		if (r->at >= r->end || *r->at != ',') return refuse_here(r, "\",\" or \"}\"");
		r->at++;
	}
}

static bool read_array(Reader *r)
{
	r->at++;
	skip_blanks(r);
	if (r->at < r->end && *r->at == ']') { r->at++; return true; }
	for (;;) {
		if (!read_value(r, NULL)) return false;
		if (r->at < r->end && *r->at == ']') { r->at++; return true; }
		if (r->at >= r->end || *r->at != ',') return refuse_here(r, "\",\" or \"]\"");
		r->at++;
	}
}

static bool read_nested(Reader *r, JsonNode *node)
{
	if (++r->depth > JSON_DEPTH_MAX) return refuse(r, "nested deeper than %d", JSON_DEPTH_MAX);
	bool ok = *r->at == '{' ? read_object(r, node && node->child_count ? node : NULL) : read_array(r);
	r->depth--;
	return ok;
}

static bool read_scalar(Reader *r, JsonNode *node)
{
	JsonSlot ignored, *slot = node && node->slot >= 0 ? &r->tree->slots[node->slot] : &ignored;
	const char *start = r->at;
	RawString raw;
	switch (*r->at) {
	case '"':
		if (!read_string(r, &raw)) return false;
		if (slot != &ignored) put_string(r, slot, &raw);
		return true;
	case 't': slot->kind = SLOT_TRUE; return read_word(r, "true");
	case 'f': slot->kind = SLOT_FALSE; return read_word(r, "false");
	case 'n': slot->kind = SLOT_NULL; return read_word(r, "null");
	case '-': case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
		if (!read_number(r)) return false;
		*slot = (JsonSlot){.kind = SLOT_NUMBER, .at = start, .bytes = (size_t)(r->at - start)};
		return true;
	default: return refuse_here(r, "a value");
	}
}

/* With blanks around it. */
static bool read_value(Reader *r, JsonNode *node)
{
	skip_blanks(r);
	if (r->at >= r->end) return refuse_here(r, "a value");
	const char *start = r->at;
	bool nested = *start == '{' || *start == '[';
	if (nested ? !read_nested(r, node) : !read_scalar(r, node)) return false;
	if (node) {
		size_t bytes = (size_t)(r->at - start);
		if (node->slot >= 0) r->scan->raws[node->slot] = (JsonSpan){start, bytes};
		if (node->slot >= 0 && nested) r->tree->slots[node->slot] = (JsonSlot){.kind = SLOT_NESTED, .at = start, .bytes = bytes};
		if (node->child_count && *start != '{') json_node_no_object(r->tree, node, *start == 'n');
	}
	skip_blanks(r);
	return true;
}

bool json_scan_parse(JsonScan *scan, JsonTree *tree, const char *text, size_t bytes)
{
	arena_clear(&scan->scratch);
	scan->error[0] = 0;
	if (scan->raw_count < tree->slot_count) {
		scan->raws = mem_realloc(scan->raws, sizeof *scan->raws * (size_t)tree->slot_count);
		scan->raw_count = tree->slot_count;
	}
	json_tree_begin(tree);
	if (bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) text += 3, bytes -= 3;
	Reader r = {.scan = scan, .tree = tree, .start = text, .at = text, .end = text + bytes, .error = scan->error};
	skip_blanks(&r);
	if (r.at == r.end) return refuse(&r, "not JSON: the record is empty");
	bool is_object = *r.at == '{';
	const char *what = *r.at == '[' ? "an array" : *r.at == '"' ? "a string" : *r.at == 'n' ? "null" : *r.at == 't' || *r.at == 'f' ? "a boolean" : "a number";
	if (!read_value(&r, &tree->root)) return false;
	if (r.at < r.end) return refuse_here(&r, "the end");
	return is_object || refuse(&r, "not a JSON object but %s", what);
}

bool json_is_valid(const char *text, size_t bytes)
{
	Reader r = {.start = text, .at = text, .end = text + bytes};
	return utf8_is_valid(text, bytes) && read_value(&r, NULL) && r.at == r.end;
}

const char *json_string_text(Arena *scratch, JsonSpan string, size_t *bytes)
{
	const char *bad;
	RawString raw = {.at = string.at + 1, .bytes = string.bytes - 2};
	return string_decode(scratch, &raw, bytes, &bad);
}

bool json_each_field(const char *text, size_t bytes, JsonEachField *each, void *context)
{
	Reader r = {.start = text, .at = text, .end = text + bytes};
	Arena scratch;
	bool ok = true;
	arena_init(&scratch, 0);
	skip_blanks(&r);
	if (r.at >= r.end || *r.at++ != '{') ok = false;
	skip_blanks(&r);
	for (bool first = true; ok && r.at < r.end && *r.at != '}'; first = false) {
		RawString raw;
		const char *bad, *name = NULL, *value;
		size_t name_bytes = 0;
		if (!first && *r.at++ != ',') { ok = false; break; }
		skip_blanks(&r);
		ok = r.at < r.end && *r.at == '"' && read_string(&r, &raw);
		if (ok) name = string_decode(&scratch, &raw, &name_bytes, &bad);
		skip_blanks(&r);
		ok = ok && name && r.at < r.end && *r.at++ == ':';
		skip_blanks(&r);
		value = r.at;
		ok = ok && read_value(&r, NULL);
		const char *end = r.at;
		while (end > value && (end[-1] == ' ' || end[-1] == '\n' || end[-1] == '\t' || end[-1] == '\r')) end--;
		ok = ok && each(context, name, name_bytes, (JsonSpan){value, (size_t)(end - value)});
		arena_clear(&scratch);
	}
	arena_release(&scratch);
	if (!ok || r.at >= r.end) return false;
	r.at++;
	skip_blanks(&r);
	return r.at == r.end;
}

bool json_has_long_number(const char *text, size_t bytes)
{
	const char *at = text, *end = text + bytes;
	int run = 0;
#ifdef __SSE2__
	const __m128i first = _mm_set1_epi8('.'), span = _mm_set1_epi8('9' - '.');
	for (; end - at >= 16; at += 16) {
		__m128i x = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)at), first);
		unsigned others = ~(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(x, span), x)) & 0xffff;
		if (!others || run + __builtin_ctz(others) >= 16) return true;
		run = __builtin_clz(others << 16);
	}
#endif
	for (; at < end; at++) {
		run = *at >= '.' && *at <= '9' ? run + 1 : 0;
		if (run >= 16) return true;
	}
	return false;
}

void json_add_minified(StrBuf *out, const char *text, size_t bytes)
{
	const char *end = text + bytes;
	for (const char *at = text; at < end; ) {
		const char *start = at;
		while (at < end && *at != '"' && *at != ' ' && *at != '\n' && *at != '\t' && *at != '\r') at++;
		strbuf_add(out, start, (size_t)(at - start));
		if (at < end && *at == '"') {
			start = at++;
			while (at < end && *at != '"') at += *at == '\\' ? 2 : 1;
			at = at < end ? at + 1 : end;
			strbuf_add(out, start, (size_t)(at - start));
		} else if (at < end) at++;
	}
}

void json_add_string(StrBuf *out, const char *text, size_t bytes)
{
	static const char NAMED[32] = {['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
	strbuf_addc(out, '"');
	for (const char *at = text, *end = text + bytes; at < end; ) {
		bool high = false;
		const char *special = string_special(at, end, &high);
		strbuf_add(out, at, (size_t)(special - at));
		at = special;
		if (at == end) break;
		unsigned char c = (unsigned char)*at++;
		if (c == '"' || c == '\\') strbuf_printf(out, "\\%c", c);
		else if (NAMED[c]) strbuf_printf(out, "\\%c", NAMED[c]);
		else strbuf_printf(out, "\\u%04x", c);
	}
	strbuf_addc(out, '"');
}
