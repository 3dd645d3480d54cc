/* LIKE, ILIKE and GLOB. A constant pattern is read once: most are a text with % before or behind it, which needs no matcher.
 * LIKE ignores the case of ASCII letters, as SQLite does; GLOB does not. _ and ? are one character of UTF-8. */
#include <stdlib.h>

#include "expr/kernels.h"
#include "expr/utf8.h"

typedef enum LikeKind { LIKE_EXACT, LIKE_PREFIX, LIKE_SUFFIX, LIKE_CONTAINS, LIKE_GENERAL, LIKE_BAD } LikeKind;

enum { LIKE_ONE = 256, LIKE_MANY, LIKE_SET };          /* codes above the bytes */

typedef struct Like {
	LikeKind kind;
	bool glob;
	int count;                /* codes; GLOB's sets are read from the pattern itself */
	uint16_t *codes;
	char *text;               /* the one literal of the simple kinds, in lower case for LIKE */
	size_t text_bytes;
} Like;

typedef struct LikeState {
	Like like;
	bool constant;
	Str pattern;              /* for which `like` was made, where the pattern varies */
	char *pattern_bytes;
	size_t pattern_room;
	bool known;
} LikeState;

static inline unsigned char fold(unsigned char c) { return c >= 'A' && c <= 'Z' ? c | 0x20 : c; }

static void like_release(Like *like)
{
	free(like->codes);
	free(like->text);
	*like = (Like){0};
}

/* Which of the simple kinds the codes are */
static void like_classify(Like *like)
{
	int from = 0, to = like->count;
	bool open_left = to > 0 && like->codes[0] == LIKE_MANY;
	while (from < to && like->codes[from] == LIKE_MANY) from++;
	bool open_right = to > from && like->codes[to - 1] == LIKE_MANY;
	while (to > from && like->codes[to - 1] == LIKE_MANY) to--;
	like->text = mem_alloc((size_t)(to - from) + 1);
	for (int i = from; i < to; i++) {
		if (like->codes[i] > 255) {
			like->kind = LIKE_GENERAL;
			return;
		}
		like->text[like->text_bytes++] = (char)like->codes[i];
	}
	if (from == to && open_left) open_right = true;
	like->kind = open_left ? (open_right ? LIKE_CONTAINS : LIKE_SUFFIX) : open_right ? LIKE_PREFIX : LIKE_EXACT;
}

/* escape: 0 bytes where there is none; more than one character is no escape */
static void like_read(Like *like, const char *pattern, size_t bytes, const char *escape, size_t escape_bytes)
{
	*like = (Like){.codes = mem_alloc(sizeof *like->codes * (bytes + 1))};
	for (size_t i = 0; i < bytes; i++) {
		bool escaped = escape_bytes && bytes - i >= escape_bytes && memcmp(pattern + i, escape, escape_bytes) == 0;
		if (escaped) i += escape_bytes;
		if (i >= bytes) {                             /* an escape at the end matches nothing */
			like->kind = LIKE_BAD;
			return;
		}
		unsigned char c = (unsigned char)pattern[i];
		if (!escaped && c == '%') { if (!like->count || like->codes[like->count - 1] != LIKE_MANY) like->codes[like->count++] = LIKE_MANY; }
		else like->codes[like->count++] = !escaped && c == '_' ? LIKE_ONE : fold(c);
	}
	like_classify(like);
}

/* A set stays where it is: LIKE_SET, then how many bytes of the pattern it has, then those bytes. */
static void glob_read(Like *like, const char *pattern, size_t bytes)
{
	*like = (Like){.glob = true, .codes = mem_alloc(sizeof *like->codes * (bytes * 2 + 2))};
	for (size_t i = 0; i < bytes; i++) {
		unsigned char c = (unsigned char)pattern[i];
		if (c == '*') { if (!like->count || like->codes[like->count - 1] != LIKE_MANY) like->codes[like->count++] = LIKE_MANY; }
		else if (c == '?') like->codes[like->count++] = LIKE_ONE;
		else if (c == '[') {
			size_t end = i + 1 + (i + 1 < bytes && pattern[i + 1] == '^');
			if (end < bytes && pattern[end] == ']') end++;
			while (end < bytes && pattern[end] != ']') end++;
			if (end >= bytes) {
				like->kind = LIKE_BAD;
				return;
			}
			like->codes[like->count++] = LIKE_SET;
			like->codes[like->count++] = (uint16_t)(end - i - 1);
			for (size_t j = i + 1; j < end; j++) like->codes[like->count++] = (unsigned char)pattern[j];
			i = end;
		} else like->codes[like->count++] = c;
	}
	like_classify(like);
}

static bool set_has(const uint16_t *set, int length, uint32_t c)
{
	char text[8];
	bool negated = length && set[0] == '^', found = false;
	uint32_t before = 0;
	bool has_before = false;
	for (int i = negated; i < length;) {
		bool range = has_before && set[i] == '-' && i + 1 < length;
		i += range;
		int n = 0;
		do text[n++] = (char)set[i++]; while (i < length && n < 4 && (set[i] & 0xc0) == 0x80);
		uint32_t member = utf8_read(text, (size_t)n);
		if (range ? c >= before && c <= member : c == member) found = true;
		before = member;
		has_before = !range;
	}
	return found != negated;
}

/* How many codes and bytes one element takes if it matches at `at`; false: it does not */
static bool like_step(const Like *like, int p, const char *at, const char *end, int *codes, size_t *bytes)
{
	uint16_t code = like->codes[p];
	*codes = 1;
	*bytes = 1;
	if (code < 256) return (like->glob ? (unsigned char)*at : fold((unsigned char)*at)) == code;
	*bytes = utf8_step(at, end);
	if (code == LIKE_ONE) return true;
	*codes = 2 + like->codes[p + 1];
	return set_has(like->codes + p + 2, like->codes[p + 1], utf8_read(at, *bytes));
}

/* Only the last % needs to be tried again further right. */
static bool like_general(const Like *like, const char *at, const char *end)
{
	int p = 0, retry = -1, codes;
	const char *retry_at = NULL;
	size_t bytes;
	for (;;) {
		if (p < like->count && like->codes[p] == LIKE_MANY) {
			retry = ++p;
			retry_at = at;
			if (p == like->count) return true;
		} else if (at == end) return p == like->count;
		else if (p < like->count && like_step(like, p, at, end, &codes, &bytes)) {
			p += codes;
			at += bytes;
		} else {
			if (retry < 0) return false;
			retry_at += utf8_step(retry_at, end);
			at = retry_at;
			p = retry;
		}
	}
}

static inline bool same_text(const Like *like, const char *at)
{
	if (like->glob) return memcmp(at, like->text, like->text_bytes) == 0;
	for (size_t i = 0; i < like->text_bytes; i++)
		if (fold((unsigned char)at[i]) != (unsigned char)like->text[i]) return false;
	return true;
}

static bool contains_text(const Like *like, const char *at, size_t bytes)
{
	if (like->glob) return memmem(at, bytes, like->text, like->text_bytes) != NULL;
	if (!like->text_bytes) return true;
	if (bytes < like->text_bytes) return false;
	const uint64_t ones = 0x0101010101010101ull;
	unsigned char first = (unsigned char)like->text[0];
	size_t i = 0, last = bytes - like->text_bytes;
	for (uint64_t eight; i + 7 <= last; i += 8) {                /* eight places at once; a zero byte is a first letter */
		memcpy(&eight, at + i, 8);
		eight = swap_case(eight, 'A', 'Z') ^ first * ones;
		if (!((eight - ones) & ~eight & 0x80 * ones)) continue;
		for (size_t j = i; j < i + 8; j++)
			if (fold((unsigned char)at[j]) == first && same_text(like, at + j)) return true;
	}
	for (; i <= last; i++)
		if (fold((unsigned char)at[i]) == first && same_text(like, at + i)) return true;
	return false;
}

static bool like_matches(const Like *like, const Str *s)
{
	const char *at = str_at(s);
	size_t bytes = s->bytes;
	switch (like->kind) {
	case LIKE_EXACT: return bytes == like->text_bytes && same_text(like, at);
	case LIKE_PREFIX: return bytes >= like->text_bytes && same_text(like, at);
	case LIKE_SUFFIX: return bytes >= like->text_bytes && same_text(like, at + bytes - like->text_bytes);
	case LIKE_CONTAINS: return contains_text(like, at, bytes);
	case LIKE_GENERAL: return like_general(like, at, at + bytes);
	case LIKE_BAD: break;
	}
	return false;
}

/* ---- kernels ---- */

static void *prepare(const Value *const *constants, int arg_count, bool glob)
{
	LikeState *state = mem_new(LikeState);
	const Str *pattern = constant_text(constants, 1), *escape = arg_count > 2 ? constant_text(constants, 2) : NULL;
	if (!pattern || (arg_count > 2 && !escape)) return state;
	state->constant = true;
	if (glob) glob_read(&state->like, str_at(pattern), pattern->bytes);
	else like_read(&state->like, str_at(pattern), pattern->bytes, escape ? str_at(escape) : NULL, escape ? escape->bytes : 0);
	return state;
}

void *prepare_like(const Value *const *constants, int arg_count) { return prepare(constants, arg_count, false); }
void *prepare_glob(const Value *const *constants, int arg_count) { return prepare(constants, arg_count, true); }

void unprepare_like(void *memory)
{
	LikeState *state = memory;
	like_release(&state->like);
	free(state->pattern_bytes);
	free(state);
}

void unprepare_glob(void *memory) { unprepare_like(memory); }

/* A pattern that varies is mostly the one of the row before. */
static void use_pattern(LikeState *state, const Str *pattern, const Str *escape, bool glob)
{
	if (state->known && !escape && str_equal(&state->pattern, pattern)) return;
	like_release(&state->like);
	if (state->pattern_room < pattern->bytes) {
		state->pattern_room = pattern->bytes;
		state->pattern_bytes = mem_realloc(state->pattern_bytes, state->pattern_room);
	}
	if (pattern->bytes) memcpy(state->pattern_bytes, str_at(pattern), pattern->bytes);
	state->pattern = str_borrow(state->pattern_bytes, pattern->bytes);
	state->known = true;
	if (glob) glob_read(&state->like, str_at(pattern), pattern->bytes);
	else like_read(&state->like, str_at(pattern), pattern->bytes, escape ? str_at(escape) : NULL, escape ? escape->bytes : 0);
}

static void match_all(KernelCall *call, bool glob)
{
	LikeState *state = call->state;
	const Str *text = call->args[0].str, *escape = call->arg_count > 2 ? call->args[2].str : NULL;
	for (int i = 0; i < call->count; i++) {
		if (!state->constant) use_pattern(state, &call->args[1].str[i], escape ? &escape[i] : NULL, glob);
		if (escape && (escape[i].bytes == 0 || utf8_step(str_at(&escape[i]), str_at(&escape[i]) + escape[i].bytes) != escape[i].bytes)) kernel_null(call, i);
		call->out->i64[i] = like_matches(&state->like, &text[i]);
	}
}

void kernel_like(KernelCall *call) { match_all(call, false); }
void kernel_glob(KernelCall *call) { match_all(call, true); }
