/* Characters of UTF-8 text by position: what length, substr and their kin count. All text is valid when it comes here. */
#ifndef WEIR_EXPR_UTF8_H
#define WEIR_EXPR_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline bool utf8_continues(char c) { return ((unsigned char)c & 0xc0) == 0x80; }

static inline size_t utf8_count(const char *at, size_t bytes)
{
	size_t count = bytes, i = 0;
	uint64_t eight;
	for (; i + 8 <= bytes; i += 8) {
		memcpy(&eight, at + i, 8);
		if (eight & 0x8080808080808080ull)                    /* continuing bytes: the high bit set and the next one not */
			count -= (size_t)__builtin_popcountll(eight & 0x8080808080808080ull & ~(eight << 1));
	}
	for (; i < bytes; i++) count -= utf8_continues(at[i]);
	return count;
}

/* Bytes of the character at `at` */
static inline size_t utf8_step(const char *at, const char *end)
{
	const char *start = at++;
	while (at < end && utf8_continues(*at)) at++;
	return (size_t)(at - start);
}

/* Byte offset of character number n, or `bytes` if there are fewer */
static inline size_t utf8_offset(const char *at, size_t bytes, size_t n)
{
	size_t i = 0;
	uint64_t eight;
	for (; n >= 8 && i + 8 <= bytes; i += 8, n -= 8) {
		memcpy(&eight, at + i, 8);
		if (eight & 0x8080808080808080ull) break;
	}
	for (; n > 0 && i < bytes; n--) i += utf8_step(at + i, at + bytes);
	return i;
}

static inline uint32_t utf8_read(const char *at, size_t bytes)
{
	uint32_t c = (unsigned char)*at;
	if (bytes > 1) c &= 0x7fu >> bytes;
	for (size_t i = 1; i < bytes; i++) c = c << 6 | ((unsigned char)at[i] & 0x3f);
	return c;
}

/* Writes up to 4 bytes; what is no character becomes U+FFFD */
static inline size_t utf8_write(uint32_t c, char *to)
{
	if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) c = 0xfffd;
	if (c < 0x80) return to[0] = (char)c, 1;
	if (c < 0x800) return to[0] = (char)(0xc0 | c >> 6), to[1] = (char)(0x80 | (c & 0x3f)), 2;
	if (c < 0x10000) return to[0] = (char)(0xe0 | c >> 12), to[1] = (char)(0x80 | (c >> 6 & 0x3f)), to[2] = (char)(0x80 | (c & 0x3f)), 3;
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 0x3f));
	to[2] = (char)(0x80 | (c >> 6 & 0x3f));
	to[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

#endif
