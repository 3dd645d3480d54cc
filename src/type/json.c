/* Whether text is JSON: RFC 8259, no extensions. */
#include <string.h>

#include "type/text.h"

enum { JSON_DEPTH_MAX = 1000 };

static const char *skip_blanks(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
	return at;
}

static bool is_digit(char c) { return (unsigned char)(c - '0') < 10; }
static bool is_hex(char c) { return is_digit(c) || (unsigned char)((c | 0x20) - 'a') < 6; }

static const char *number_end(const char *at, const char *end)
{
	if (at < end && *at == '-') at++;
	if (at == end || !is_digit(*at)) return NULL;
	if (*at == '0') at++;
	else while (at < end && is_digit(*at)) at++;
	if (at < end && *at == '.') {
		if (++at == end || !is_digit(*at)) return NULL;
		while (at < end && is_digit(*at)) at++;
	}
	if (at < end && (*at | 0x20) == 'e') {
		at++;
		if (at < end && (*at == '+' || *at == '-')) at++;
		if (at == end || !is_digit(*at)) return NULL;
		while (at < end && is_digit(*at)) at++;
	}
	return at;
}

static const char *string_end(const char *at, const char *end)
{
	for (at++; at < end; at++) {
		if (*at == '"') return at + 1;
		if ((unsigned char)*at < 0x20) return NULL;
		if (*at != '\\') continue;
		if (++at == end) return NULL;
		if (*at == 'u') {
			if (end - at < 5 || !is_hex(at[1]) || !is_hex(at[2]) || !is_hex(at[3]) || !is_hex(at[4])) return NULL;
			at += 4;
		} else if (!strchr("\"\\/bfnrt", *at) || !*at) return NULL;
	}
	return NULL;
}

static const char *word_end(const char *at, const char *end, const char *word)
{
	size_t bytes = strlen(word);
	return (size_t)(end - at) >= bytes && memcmp(at, word, bytes) == 0 ? at + bytes : NULL;
}

static const char *value_end(const char *at, const char *end, int depth);

/* An array or object: members up to the closing letter */
static const char *members_end(const char *at, const char *end, int depth)
{
	bool object = *at == '{';
	char close = object ? '}' : ']';
	if (depth > JSON_DEPTH_MAX) return NULL;
	at = skip_blanks(at + 1, end);
	if (at < end && *at == close) return at + 1;
	for (;;) {
		if (object) {
			at = skip_blanks(at, end);
			if (at == end || *at != '"' || !(at = string_end(at, end))) return NULL;
			at = skip_blanks(at, end);
			if (at == end || *at++ != ':') return NULL;
		}
		if (!(at = value_end(at, end, depth + 1))) return NULL;
		at = skip_blanks(at, end);
		if (at == end) return NULL;
		if (*at == close) return at + 1;
		if (*at++ != ',') return NULL;
	}
}

static const char *value_end(const char *at, const char *end, int depth)
{
	at = skip_blanks(at, end);
	if (at == end) return NULL;
	switch (*at) {
	case '{': case '[': return members_end(at, end, depth);
	case '"': return string_end(at, end);
	case 't': return word_end(at, end, "true");
	case 'f': return word_end(at, end, "false");
	case 'n': return word_end(at, end, "null");
	default: return number_end(at, end);
	}
}

bool json_text_is_valid(const char *at, size_t bytes)
{
	const char *end = at + bytes, *last = value_end(at, end, 0);
	return last && skip_blanks(last, end) == end;
}
