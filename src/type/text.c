/* Values as text. Numbers and the dispatch over types; times are in calendar.c and interval.c, decimals in decimal.c. */
#include "type/text.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "type/calendar.h"
#include "type/number.h"

/* ---- numbers ---- */

static bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static bool is_digit(char c) { return (unsigned char)(c - '0') < 10; }

static size_t digits_at(const char *at, const char *end)
{
	const char *start = at;
	while (at < end && is_digit(*at)) at++;
	return (size_t)(at - start);
}

static const char *exponent_at(const char *at, const char *end, NumberText *out)
{
	const char *digits = at + 1;
	if (at == end || (*at | 0x20) != 'e') return at;
	bool negative = digits < end && *digits == '-';
	if (digits < end && (*digits == '-' || *digits == '+')) digits++;
	size_t count = digits_at(digits, end);
	if (!count) return at;
	out->has_exponent = true;
	for (size_t i = 0; i < count && out->exponent <= NUMBER_EXPONENT_MAX; i++) out->exponent = out->exponent * 10 + (digits[i] - '0');
	if (negative) out->exponent = -out->exponent;
	return digits + count;
}

size_t number_prefix(const char *at, size_t bytes, NumberText *out)
{
	const char *start = at, *end = at + bytes;
	*out = (NumberText){0};
	while (at < end && is_blank(*at)) at++;
	if (at < end && (*at == '-' || *at == '+')) out->negative = *at++ == '-';
	out->whole = at;
	out->whole_bytes = digits_at(at, end);
	at += out->whole_bytes;
	out->fraction = at;
	if (at < end && *at == '.') {
		out->fraction = at + 1;
		out->fraction_bytes = digits_at(at + 1, end);
		out->has_point = true;
		if (out->whole_bytes + out->fraction_bytes) at += 1 + out->fraction_bytes;
	}
	if (out->whole_bytes + out->fraction_bytes == 0) return 0;
	return (size_t)(exponent_at(at, end, out) - start);
}

bool number_text(const char *at, size_t bytes, NumberText *out)
{
	size_t used = number_prefix(at, bytes, out);
	if (!used) return false;
	while (used < bytes && is_blank(at[used])) used++;
	return used == bytes;
}

bool text_to_integer(const char *at, size_t bytes, int64_t *out)
{
	NumberText number;
	if (!number_text(at, bytes, &number) || number.has_exponent || !number.whole_bytes) return false;
	for (size_t i = 0; i < number.fraction_bytes; i++)
		if (number.fraction[i] != '0') return false;
	int64_t x = 0;
	for (size_t i = 0; i < number.whole_bytes; i++) {
		int digit = number.whole[i] - '0';
		if (__builtin_mul_overflow(x, 10, &x) || __builtin_sub_overflow(x, digit, &x)) return false;
	}
	return number.negative ? (*out = x, true) : !__builtin_sub_overflow(0, x, out);
}

static void trim(const char **at, size_t *bytes)
{
	while (*bytes && is_blank(**at)) ++*at, --*bytes;
	while (*bytes && is_blank((*at)[*bytes - 1])) --*bytes;
}

bool text_to_real(const char *at, size_t bytes, double *out)
{
	NumberText number;
	trim(&at, &bytes);
	if (number_text(at, bytes, &number)) {
		if (*at == '+') at++, bytes--;
		return real_parse(at, bytes, out);
	}
	bool negative = bytes && *at == '-';
	if (bytes && (*at == '-' || *at == '+')) at++, bytes--;
	if (!(bytes == 3 && strncasecmp(at, "inf", 3) == 0) && !(bytes == 8 && strncasecmp(at, "infinity", 8) == 0)) return false;
	*out = negative ? -INFINITY : INFINITY;
	return true;
}

bool text_to_boolean(const char *at, size_t bytes, int64_t *out)
{
	static const char *const WORDS[2][6] = {{"false", "f", "0", "no", "off", "n"}, {"true", "t", "1", "yes", "on", "y"}};
	trim(&at, &bytes);
	for (int value = 0; value < 2; value++)
		for (int i = 0; i < 6; i++)
			if (strlen(WORDS[value][i]) == bytes && strncasecmp(WORDS[value][i], at, bytes) == 0) return *out = value, true;
	return false;
}

int integer_print(int64_t x, char *out)
{
	char reversed[INTEGER_PRINT_BYTES];
	int count = 0, bytes = 0;
	uint64_t rest = x < 0 ? -(uint64_t)x : (uint64_t)x;
	do { reversed[count++] = (char)('0' + rest % 10); rest /= 10; } while (rest);
	if (x < 0) out[bytes++] = '-';
	while (count) out[bytes++] = reversed[--count];
	return bytes;
}

/* ---- any type ---- */

static void print_with(StrBuf *out, int bytes) { out->bytes += (size_t)bytes; out->text[out->bytes] = 0; }

void value_print(const Value *value, StrBuf *out)
{
	if (value->is_null) return;
	switch (value->type.kind) {
	case TYPE_BOOLEAN: strbuf_adds(out, value->i64 ? "true" : "false"); break;
	case TYPE_INTEGER: print_with(out, integer_print(value->i64, strbuf_grow(out, INTEGER_PRINT_BYTES))); break;
	case TYPE_REAL: print_with(out, real_print(value->f64, strbuf_grow(out, REAL_PRINT_BYTES))); break;
	case TYPE_DECIMAL: print_with(out, decimal_print(value->i128, value->type.scale, strbuf_grow(out, DECIMAL_PRINT_BYTES))); break;
	case TYPE_DATE: print_with(out, date_print(value->i64, strbuf_grow(out, DATE_PRINT_BYTES))); break;
	case TYPE_TIME: print_with(out, time_print(value->i64, strbuf_grow(out, TIME_PRINT_BYTES))); break;
	case TYPE_TIMESTAMP: print_with(out, timestamp_print(value->i64, strbuf_grow(out, TIMESTAMP_PRINT_BYTES))); break;
	case TYPE_INTERVAL: print_with(out, interval_print(value->interval, strbuf_grow(out, INTERVAL_PRINT_BYTES))); break;
	case TYPE_TEXT: case TYPE_BLOB: case TYPE_JSON: case TYPE_ROW: strbuf_add(out, str_at(&value->str), value->str.bytes); break;
	case TYPE_NULL: case TYPE_KIND_COUNT: break;
	}
}

static void print_hex(const Str *s, StrBuf *out)
{
	for (uint32_t i = 0; i < s->bytes; i++) strbuf_printf(out, "%02x", (unsigned char)str_at(s)[i]);
}

static void print_sql_real(double x, StrBuf *out)
{
	if (isinf(x)) strbuf_adds(out, x < 0 ? "-9.0e+999" : "9.0e+999");
	else print_with(out, real_print(x, strbuf_grow(out, REAL_PRINT_BYTES)));
}

void value_print_sql(const Value *value, StrBuf *out)
{
	if (value->is_null) {
		strbuf_adds(out, "NULL");
		return;
	}
	switch (value->type.kind) {
	case TYPE_BOOLEAN: strbuf_adds(out, value->i64 ? "TRUE" : "FALSE"); break;
	case TYPE_INTEGER: value_print(value, out); break;
	case TYPE_REAL: print_sql_real(value->f64, out); break;
	case TYPE_TEXT: strbuf_add_sql_string(out, str_at(&value->str), value->str.bytes); break;
	case TYPE_BLOB:
		strbuf_adds(out, "x'");
		print_hex(&value->str, out);
		strbuf_addc(out, '\'');
		break;
	case TYPE_DATE: case TYPE_TIME: case TYPE_TIMESTAMP: case TYPE_INTERVAL:
		strbuf_printf(out, "%s '", type_kind_name(value->type.kind));
		value_print(value, out);
		strbuf_addc(out, '\'');
		break;
	default: {
		StrBuf text = STRBUF_INIT;
		value_print(value, &text);
		strbuf_adds(out, "CAST(");
		strbuf_add_sql_string(out, text.text, text.bytes);
		strbuf_adds(out, " AS ");
		type_print(value->type, out);
		strbuf_addc(out, ')');
		strbuf_release(&text);
	}
	}
}

static void print_json_string(const char *at, size_t bytes, StrBuf *out)
{
	strbuf_addc(out, '"');
	for (size_t i = 0, plain = 0; i <= bytes; i++) {
		unsigned char c = i < bytes ? (unsigned char)at[i] : 0;
		if (i < bytes && c >= 0x20 && c != '"' && c != '\\') continue;
		strbuf_add(out, at + plain, i - plain);
		plain = i + 1;
		if (i == bytes) break;
		const char *escape = c == 0 ? NULL : strchr("\"\"\\\\\nn\tt\rr\bb\ff", c);
		if (escape) strbuf_printf(out, "\\%c", escape[1]);
		else strbuf_printf(out, "\\u%04x", c);
	}
	strbuf_addc(out, '"');
}

void text_print_json(const char *at, size_t bytes, StrBuf *out) { print_json_string(at, bytes, out); }

void bytes_print_base64(const void *from, size_t bytes, StrBuf *out)
{
	static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *at = from;
	char *to = strbuf_grow(out, (bytes + 2) / 3 * 4);
	for (size_t i = 0; i < bytes; i += 3) {
		uint32_t three = (uint32_t)at[i] << 16 | (i + 1 < bytes ? (uint32_t)at[i + 1] << 8 : 0) | (i + 2 < bytes ? at[i + 2] : 0);
		*to++ = LETTERS[three >> 18];
		*to++ = LETTERS[three >> 12 & 63];
		*to++ = i + 1 < bytes ? LETTERS[three >> 6 & 63] : '=';
		*to++ = i + 2 < bytes ? LETTERS[three & 63] : '=';
	}
	print_with(out, (int)((bytes + 2) / 3 * 4));
}

void value_print_json(const Value *value, StrBuf *out)
{
	if (value->is_null) {
		strbuf_adds(out, "null");
		return;
	}
	switch (value->type.kind) {
	case TYPE_BOOLEAN: case TYPE_INTEGER: case TYPE_DECIMAL: value_print(value, out); break;
	case TYPE_REAL:                          /* JSON has no infinity, but a number that every reader takes for it */
		if (isinf(value->f64)) strbuf_adds(out, value->f64 < 0 ? "-1e999" : "1e999");
		else value_print(value, out);
		break;
	case TYPE_BLOB:
		strbuf_addc(out, '"');
		bytes_print_base64(str_at(&value->str), value->str.bytes, out);
		strbuf_addc(out, '"');
		break;
	default: {
		StrBuf text = STRBUF_INIT;
		value_print(value, &text);
		print_json_string(text.text, text.bytes, out);
		strbuf_release(&text);
	}
	}
}

bool text_to_fixed(const char *at, size_t bytes, Type type, Value *out)
{
	switch (type.kind) {
	case TYPE_BOOLEAN: return text_to_boolean(at, bytes, &out->i64);
	case TYPE_INTEGER: return text_to_integer(at, bytes, &out->i64);
	case TYPE_REAL: return text_to_real(at, bytes, &out->f64);
	case TYPE_DECIMAL: return text_to_decimal(at, bytes, type.precision, type.scale, &out->i128);
	case TYPE_DATE: return text_to_date(at, bytes, &out->i64);
	case TYPE_TIME: return text_to_time(at, bytes, &out->i64);
	case TYPE_TIMESTAMP: return text_to_timestamp(at, bytes, &out->i64);
	case TYPE_INTERVAL: return text_to_interval(at, bytes, &out->interval);
	default: return false;
	}
}

bool text_to_value(const char *at, size_t bytes, Type type, Value *out, Arena *arena)
{
	*out = (Value){.type = type};
	switch (type.kind) {
	case TYPE_TEXT: case TYPE_JSON:
		if (!utf8_is_valid(at, bytes) || (type.kind == TYPE_JSON && !json_text_is_valid(at, bytes))) return false;
		out->str = str_copy(arena, at, bytes);
		return true;
	case TYPE_BLOB: case TYPE_ROW:
		out->str = str_copy(arena, at, bytes);
		return true;
	default: return text_to_fixed(at, bytes, type, out);
	}
}

/* ---- UTF-8 ---- */

/* Length of the sequence at `at`, 0: none. Refuses overlong forms, surrogates and what is above U+10FFFF. */
static int utf8_sequence(const unsigned char *at, size_t bytes)
{
	unsigned char c = at[0], low = 0x80, high = 0xbf;
	int length = c >= 0xc2 && c <= 0xdf ? 2 : c >= 0xe0 && c <= 0xef ? 3 : c >= 0xf0 && c <= 0xf4 ? 4 : 0;
	if (!length || bytes < (size_t)length) return 0;
	if (c == 0xe0) low = 0xa0;
	if (c == 0xed) high = 0x9f;
	if (c == 0xf0) low = 0x90;
	if (c == 0xf4) high = 0x8f;
	if (at[1] < low || at[1] > high) return 0;
	for (int i = 2; i < length; i++)
		if ((at[i] & 0xc0) != 0x80) return 0;
	return length;
}

bool utf8_is_valid(const char *text, size_t bytes)
{
	const unsigned char *at = (const unsigned char *)text, *end = at + bytes;
	while (at < end) {
		uint64_t eight;
		if (end - at >= 8 && (memcpy(&eight, at, 8), (eight & 0x8080808080808080ull) == 0)) {
			at += 8;
			continue;
		}
		int length = *at < 0x80 ? 1 : utf8_sequence(at, (size_t)(end - at));
		if (!length) return false;
		at += length;
	}
	return true;
}
