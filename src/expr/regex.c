#define PCRE2_CODE_UNIT_WIDTH 8
#include "expr/regex.h"

#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/strbuf.h"

enum { REGEX_MATCH_LIMIT = 1000000, REGEX_DEPTH_LIMIT = 10000, REGEX_HEAP_KIB = 16384 };

struct Regex {
	pcre2_code *code;
	pcre2_match_data *match;
	pcre2_match_context *context;
	int groups;
	int matched;              /* groups of the last match, with 0 */
};

/* SQL's patterns: % is anything, _ a character, | * + ? {} () [] as in regular expressions, \ escapes, all else is itself */
static void translate_similar(const char *at, size_t bytes, StrBuf *out)
{
	bool in_set = false;
	for (const char *end = at + bytes; at < end; at++) {
		if (*at == '\\' && at + 1 < end) {
			strbuf_add(out, at, 2);
			at++;
		} else if (in_set) {
			in_set = *at != ']';
			strbuf_addc(out, *at);
		} else if (*at == '%') strbuf_adds(out, ".*");
		else if (*at == '_') strbuf_addc(out, '.');
		else {
			if (strchr(".^$", *at)) strbuf_addc(out, '\\');
			in_set = *at == '[';
			strbuf_addc(out, *at);
		}
	}
}

static uint32_t options_of(unsigned flags)
{
	uint32_t options = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C;
	if (flags & REGEX_IGNORE_CASE) options |= PCRE2_CASELESS;
	if (flags & (REGEX_WHOLE | REGEX_SIMILAR)) options |= PCRE2_ANCHORED | PCRE2_ENDANCHORED;
	if (flags & REGEX_LINES) options |= PCRE2_MULTILINE;
	else options |= PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY;
	if (flags & REGEX_BLANKS) options |= PCRE2_EXTENDED;
	return options;
}

static pcre2_code *compile(const char *pattern, size_t bytes, unsigned flags, char *message, size_t message_bytes)
{
	int code;
	PCRE2_SIZE offset;
	pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)pattern, bytes, options_of(flags), &code, &offset, NULL);
	if (!compiled && message) {
		PCRE2_UCHAR text[120];
		pcre2_get_error_message(code, text, sizeof text);
		snprintf(message, message_bytes, "%s at character %zu", (const char *)text, (size_t)offset);
	}
	return compiled;
}

Regex *regex_make(const char *pattern, size_t bytes, unsigned flags, char *message, size_t message_bytes)
{
	StrBuf similar = STRBUF_INIT;
	if (flags & REGEX_SIMILAR) {
		translate_similar(pattern, bytes, &similar);
		pattern = similar.text;
		bytes = similar.bytes;
	}
	pcre2_code *code = compile(pattern, bytes, flags, message, message_bytes);
	strbuf_release(&similar);
	if (!code) return NULL;
	Regex *regex = mem_new(Regex);
	uint32_t groups = 0;
	regex->code = code;
	pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);          /* where there is none, matching is slower */
	pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &groups);
	regex->groups = (int)groups;
	regex->match = pcre2_match_data_create_from_pattern(code, NULL);
	regex->context = pcre2_match_context_create(NULL);
	if (regex->match && regex->context) {
		pcre2_set_match_limit(regex->context, REGEX_MATCH_LIMIT);
		pcre2_set_depth_limit(regex->context, REGEX_DEPTH_LIMIT);
		pcre2_set_heap_limit(regex->context, REGEX_HEAP_KIB);
		return regex;
	}
	regex_free(regex);
	return NULL;
}

void regex_free(Regex *regex)
{
	if (!regex) return;
	pcre2_match_context_free(regex->context);
	pcre2_match_data_free(regex->match);
	pcre2_code_free(regex->code);
	free(regex);
}

bool regex_flags_read(const char *at, size_t bytes, unsigned *flags)
{
	for (size_t i = 0; i < bytes; i++) {
		switch (at[i]) {
		case 'i': *flags |= REGEX_IGNORE_CASE; break;
		case 'c': *flags &= ~(unsigned)REGEX_IGNORE_CASE; break;
		case 'g': *flags |= REGEX_ALL; break;
		case 'm': case 'n': *flags |= REGEX_LINES; break;
		case 's': *flags &= ~(unsigned)REGEX_LINES; break;
		case 'x': *flags |= REGEX_BLANKS; break;
		default: return false;
		}
	}
	return true;
}

RegexResult regex_find(Regex *regex, const char *at, size_t bytes, size_t from)
{
	int found = pcre2_match(regex->code, (PCRE2_SPTR)at, bytes, from, PCRE2_NO_UTF_CHECK, regex->match, regex->context);
	regex->matched = found > 0 ? found : 0;
	return found > 0 ? REGEX_YES : found == PCRE2_ERROR_NOMATCH ? REGEX_NO : REGEX_GAVE_UP;
}

bool regex_group(const Regex *regex, int group, size_t *start, size_t *end)
{
	if (group < 0 || group >= regex->matched) return false;
	const PCRE2_SIZE *places = pcre2_get_ovector_pointer(regex->match);
	*start = places[2 * group];
	*end = places[2 * group + 1];
	return *start != PCRE2_UNSET && *start <= *end;
}

int regex_group_count(const Regex *regex) { return regex->groups; }
