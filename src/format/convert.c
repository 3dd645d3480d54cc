/* A value as a record has it, into a column of the declared type: what converts without loss is accepted, nothing else. Numbers
 * that are no 64-bit integers are judged by their text, since a double has already lost digits. */
#include <endian.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "expr/nested.h"
#include "format/decoder.h"
#include "type/calendar.h"
#include "type/number.h"
#include "type/text.h"

enum { SHOWN_BYTES = 60, HEAP_BYTES = 32 << 10 };

typedef enum Exact { EXACT_OK, EXACT_NO_NUMBER, EXACT_RANGE, EXACT_LOSS } Exact;

Str decoder_string(Decoder *decoder, const char *at, size_t bytes)
{
	if (bytes <= STR_INLINE_BYTES) return str_borrow(at, bytes);
	if ((size_t)(decoder->heap_end - decoder->heap) < bytes) {
		if (bytes > HEAP_BYTES / 4) return str_copy(&decoder->batch->arena, at, bytes);
		decoder->heap = arena_alloc(&decoder->batch->arena, HEAP_BYTES);
		decoder->heap_end = decoder->heap + HEAP_BYTES;
	}
	char *to = memcpy(decoder->heap, at, bytes);
	decoder->heap += bytes;
	return str_borrow(to, bytes);
}

/* ---- errors ---- */

static const char *slot_text(Decoder *d, int col, const JsonSlot *slot, size_t *bytes)
{
	switch (slot->kind) {
	case SLOT_TRUE: *bytes = 4; return "true";
	case SLOT_FALSE: *bytes = 5; return "false";
	case SLOT_INT: *bytes = (size_t)snprintf(d->number, sizeof d->number, "%" PRId64, slot->i64); return d->number;
	case SLOT_UINT: *bytes = (size_t)snprintf(d->number, sizeof d->number, "%" PRIu64, slot->u64); return d->number;
	case SLOT_STRING: case SLOT_NUMBER: case SLOT_BYTES: *bytes = slot->bytes; return slot->at;
	case SLOT_REAL: case SLOT_NESTED: {
		if (slot->kind == SLOT_NESTED && slot->at) { *bytes = slot->bytes; return slot->at; }
		JsonSpan text = d->class->text(d, col);
		*bytes = text.bytes;
		return text.at;
	}
	default: *bytes = 0; return "";
	}
}

/* At most SHOWN_BYTES, one line, valid UTF-8. */
static void show(const char *at, size_t bytes, char *out)
{
	size_t cut = bytes > SHOWN_BYTES ? SHOWN_BYTES : bytes;
	while (cut < bytes && cut > SHOWN_BYTES - 4 && ((unsigned char)at[cut] & 0xc0) == 0x80) cut--;
	bool text = utf8_is_valid(at, cut);
	for (size_t i = 0; i < cut; i++) out[i] = (unsigned char)at[i] < 0x20 || at[i] == 0x7f || (!text && at[i] & 0x80) ? '?' : at[i];
	strcpy(out + cut, bytes > cut ? "..." : "");
}

static const char *column_label(const Decoder *d, int col)
{
	switch (d->config.columns[col].from) {
	case DECODE_KEY: case DECODE_KEY_BINARY: return "the key";
	case DECODE_VALUE: return "the value";
	default: return d->config.columns[col].name;
	}
}

static bool bad(Decoder *d, int col, const JsonSlot *slot, ErrorCode code, const char *why)
{
	char shown[SHOWN_BYTES + 8];
	size_t bytes;
	const char *text = slot_text(d, col, slot, &bytes);
	show(text, bytes, shown);
	StrBuf type = STRBUF_INIT;
	type_print(d->types[col], &type);
	bool quoted = slot->kind == SLOT_STRING || slot->kind == SLOT_BYTES;
	decoder_say(d, code, "field \"%s\": %s%s%s %s%s", column_label(d, col), quoted ? "\"" : "", shown, quoted ? "\"" : "",
		why ? why : "is no ", why ? "" : type.text);
	strbuf_release(&type);
	return false;
}

static bool bad_utf8(Decoder *d, int col, size_t byte)
{
	decoder_say(d, ERR_INVALID_TEXT, "field \"%s\": no valid UTF-8 at byte %zu", column_label(d, col), byte);
	return false;
}

/* ---- numbers ---- */

/* text * 10^scale as an integer, all of it or nothing. */
static Exact exact_scaled(const char *at, size_t bytes, int scale, Int128 *out)
{
	NumberText n;
	if (!number_text(at, bytes, &n)) return EXACT_NO_NUMBER;
	int64_t shift = n.exponent - (int64_t)n.fraction_bytes + scale, digits = (int64_t)(n.whole_bytes + n.fraction_bytes), count = 0;
	unsigned __int128 x = 0;
	for (int64_t i = 0; i < digits; i++) {
		int digit = (i < (int64_t)n.whole_bytes ? n.whole[i] : n.fraction[i - (int64_t)n.whole_bytes]) - '0';
		if (i >= digits + shift) { if (digit) return EXACT_LOSS; continue; }
		if (x || digit) count++;
		if (count > DECIMAL_PRECISION_MAX) return EXACT_RANGE;
		x = x * 10 + (unsigned)digit;
	}
	for (int64_t i = 0; x && i < shift; i++) {
		if (++count > DECIMAL_PRECISION_MAX) return EXACT_RANGE;
		x *= 10;
	}
	*out = n.negative ? -(Int128)x : (Int128)x;
	return EXACT_OK;
}

static bool bad_number(Decoder *d, int col, const JsonSlot *slot, Exact exact)
{
	if (exact == EXACT_RANGE) return bad(d, col, slot, ERR_NUMERIC_RANGE, "is out of range");
	if (exact == EXACT_LOSS && d->types[col].kind == TYPE_DECIMAL) return bad(d, col, slot, ERR_NUMERIC_RANGE, "has more digits than the column keeps");
	return bad(d, col, slot, ERR_INVALID_TEXT, NULL);
}

static bool to_integer(Decoder *d, int col, const JsonSlot *slot, int64_t *out)
{
	size_t bytes;
	if (slot->kind == SLOT_INT) { *out = slot->i64; return true; }
	if (slot->kind == SLOT_UINT) return bad_number(d, col, slot, EXACT_RANGE);
	if (slot->kind != SLOT_REAL && slot->kind != SLOT_NUMBER && slot->kind != SLOT_STRING && slot->kind != SLOT_BYTES) return bad(d, col, slot, ERR_INVALID_TEXT, NULL);
	const char *text = slot_text(d, col, slot, &bytes);
	Int128 x;
	Exact exact = exact_scaled(text, bytes, 0, &x);
	if (exact == EXACT_OK && (x > INT64_MAX || x < INT64_MIN)) exact = EXACT_RANGE;
	if (exact != EXACT_OK) return bad_number(d, col, slot, exact);
	*out = (int64_t)x;
	return true;
}

/* The decimal that a double stands for, if it was written with at most 15 digits: those are all told apart by doubles (C's DBL_DIG),
 * so another one of 15 digits that gives the same double is the same. False: not so, or more digits than the scale keeps. */
static bool short_decimal(double x, int scale, Int128 *out)
{
	static const double POWERS[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
	if (scale > 15 || !(fabs(x) < 1e15)) return false;
	double scaled = nearbyint(x * POWERS[scale]);
	if (!(fabs(scaled) < 1e15) || scaled / POWERS[scale] != x) return false;
	*out = (Int128)scaled;
	return true;
}

static bool to_decimal(Decoder *d, int col, const JsonSlot *slot, Int128 *out)
{
	Type type = d->types[col];
	Int128 limit = d->powers[type.precision];
	if (slot->kind == SLOT_INT || slot->kind == SLOT_UINT) {
		Int128 x = slot->kind == SLOT_INT ? slot->i64 : (Int128)slot->u64, most = d->powers[type.precision - type.scale];
		if (x >= most || x <= -most) return bad_number(d, col, slot, EXACT_RANGE);
		*out = x * d->powers[type.scale];
		return true;
	}
	if (slot->kind != SLOT_REAL && slot->kind != SLOT_NUMBER && slot->kind != SLOT_STRING && slot->kind != SLOT_BYTES) return bad(d, col, slot, ERR_INVALID_TEXT, NULL);
	size_t bytes;
	if (slot->kind == SLOT_REAL && !d->class->may_be_long(d, col) && short_decimal(slot->f64, type.scale, out) && *out < limit && *out > -limit) return true;
	const char *text = slot_text(d, col, slot, &bytes);
	Exact exact = exact_scaled(text, bytes, type.scale, out);
	if (exact == EXACT_OK && (*out >= limit || *out <= -limit)) exact = EXACT_RANGE;
	return exact == EXACT_OK || bad_number(d, col, slot, exact);
}

static bool to_real(Decoder *d, int col, const JsonSlot *slot, double *out)
{
	switch (slot->kind) {
	case SLOT_REAL: *out = slot->f64; return true;
	case SLOT_INT: *out = (double)slot->i64; return true;
	case SLOT_UINT: *out = (double)slot->u64; return true;
	case SLOT_NUMBER: case SLOT_STRING: case SLOT_BYTES:
		if (!text_to_real(slot->at, slot->bytes, out) || isnan(*out)) return bad(d, col, slot, ERR_INVALID_TEXT, NULL);
		if (isinf(*out) && slot->bytes && strpbrk("0123456789", (char[]){slot->at[slot->bytes - 1], 0})) return bad_number(d, col, slot, EXACT_RANGE);
		return true;
	default: return bad(d, col, slot, ERR_INVALID_TEXT, NULL);
	}
}

static bool to_boolean(Decoder *d, int col, const JsonSlot *slot, int64_t *out)
{
	Int128 x;
	switch (slot->kind) {
	case SLOT_TRUE: *out = 1; return true;
	case SLOT_FALSE: *out = 0; return true;
	case SLOT_INT: *out = slot->i64; break;
	case SLOT_REAL: case SLOT_NUMBER: {
		size_t bytes;
		const char *text = slot_text(d, col, slot, &bytes);
		*out = exact_scaled(text, bytes, 0, &x) == EXACT_OK && (x == 0 || x == 1) ? (int64_t)x : -1;
		break;
	}
	case SLOT_STRING: case SLOT_BYTES: if (!text_to_boolean(slot->at, slot->bytes, out)) *out = -1; break;
	default: *out = -1;
	}
	return *out == 0 || *out == 1 || bad(d, col, slot, ERR_INVALID_TEXT, NULL);
}

/* ---- times ---- */

/* nano = number * 10^9 */
static bool number_to_timestamp(TimeUnit unit, Int128 nano, int64_t *us)
{
	static const int64_t DIVISORS[] = {[TIME_UNIT_SECONDS] = 1000, [TIME_UNIT_MS] = 1000000, [TIME_UNIT_US] = 1000000000, [TIME_UNIT_NS] = 1000000000000};
	return epoch_to_timestamp(nano, unit == TIME_UNIT_BY_SIZE ? epoch_divisor_by_size(nano) : DIVISORS[unit], us);
}

/* Of YYYY-MM-DD?HH:MM:SS[.f to ffffff][Z] the clock: 0 .. 86399999999, or -1. Eight bytes at once, as in type/calendar.c. */
static int64_t clock_by_position(const char *at, size_t bytes)
{
	static const unsigned UNITS[7] = {0, 100000, 10000, 1000, 100, 10, 1};
	const uint64_t colons = (uint64_t)(':' ^ '0') << 16 | (uint64_t)(':' ^ '0') << 40;
	uint64_t x;
	bytes -= at[bytes - 1] == 'Z';
	if (bytes < 19 || bytes > 26 || bytes == 20 || (at[10] != ' ' && at[10] != 'T')) return -1;
	memcpy(&x, at + 11, 8);
	x = le64toh(x) ^ colons;
	if (((x & 0xf0f0f0f0f0f0f0f0ull) | ((x + 0x0606060606060606ull) & 0xf0f0f0f0f0f0f0f0ull) >> 4) != 0x3333333333333333ull) return -1;
	if (x & 0x00000f00000f0000ull) return -1;                            /* digits where colons should be */
	x &= 0x0f0f0f0f0f0f0f0full;
	x = x * 10 + (x >> 8);
	unsigned hour = x & 0xff, minute = x >> 24 & 0xff, second = x >> 48 & 0xff, fraction = 0;
	if (hour > 23 || minute > 59 || second > 59 || (bytes > 19 && at[19] != '.')) return -1;
	for (size_t i = 20; i < bytes; i++) {
		unsigned digit = (unsigned char)at[i] - '0';
		if (digit > 9) return -1;
		fraction = fraction * 10 + digit;
	}
	return (int64_t)(hour * 3600 + minute * 60 + second) * 1000000 + fraction * (bytes > 19 ? UNITS[bytes - 20] : 0);
}

static bool text_to_timestamp_cached(Decoder *d, const char *at, size_t bytes, int64_t *us)
{
	if (bytes >= 19 && json_bytes_equal(d->last_day, at, 10)) {
		int64_t clock = clock_by_position(at, bytes);
		if (clock >= 0) { *us = d->last_day_us + clock; return true; }
	}
	if (!text_to_timestamp(at, bytes, us)) return false;
	if (bytes >= 19 && clock_by_position(at, bytes) >= 0) {
		memcpy(d->last_day, at, 10);
		d->last_day_us = *us - clock_by_position(at, bytes);
	}
	return true;
}

static bool to_timestamp(Decoder *d, int col, const JsonSlot *slot, int64_t *out)
{
	TimeUnit unit = d->config.columns[col].unit;
	Int128 nano;
	size_t bytes;
	switch (slot->kind) {
	case SLOT_STRING: case SLOT_BYTES:
		if (text_to_timestamp_cached(d, slot->at, slot->bytes, out)) return true;
		/* it may be a number in a string */
		/* fall through */
	case SLOT_REAL: case SLOT_NUMBER: {
		const char *text = slot_text(d, col, slot, &bytes);
		NumberText number;
		if (!number_text(text, bytes, &number) || !text_to_decimal(text, bytes, DECIMAL_PRECISION_MAX, 9, &nano)) return bad(d, col, slot, ERR_DATETIME_FORMAT, NULL);
		break;
	}
	case SLOT_INT: nano = (Int128)slot->i64 * 1000000000; break;
	case SLOT_UINT: nano = (Int128)slot->u64 * 1000000000; break;
	default: return bad(d, col, slot, ERR_DATETIME_FORMAT, NULL);
	}
	return number_to_timestamp(unit, nano, out) || bad(d, col, slot, ERR_DATETIME_FORMAT, "is out of range");
}

static bool whole_number(const JsonSlot *slot, int64_t *out)
{
	Int128 x;
	if (slot->kind == SLOT_INT) { *out = slot->i64; return true; }
	if (slot->kind != SLOT_NUMBER || exact_scaled(slot->at, slot->bytes, 0, &x) != EXACT_OK || x > INT64_MAX || x < INT64_MIN) return false;
	*out = (int64_t)x;
	return true;
}

/* Numbers: days since 1970, as Debezium writes dates. */
static bool to_date(Decoder *d, int col, const JsonSlot *slot, int64_t *out)
{
	if ((slot->kind == SLOT_STRING || slot->kind == SLOT_BYTES) && text_to_date(slot->at, slot->bytes, out)) return true;
	if (whole_number(slot, out) && *out >= DAYS_MIN && *out <= DAYS_MAX) return true;
	return bad(d, col, slot, ERR_DATETIME_FORMAT, NULL);
}

/* Numbers only where timestamp_unit says which: a time of day does not show its unit by its size. */
static bool to_time(Decoder *d, int col, const JsonSlot *slot, int64_t *out)
{
	TimeUnit unit = d->config.columns[col].unit;
	if ((slot->kind == SLOT_STRING || slot->kind == SLOT_BYTES) && text_to_time(slot->at, slot->bytes, out)) return true;
	int64_t number;
	if (unit != TIME_UNIT_BY_SIZE && whole_number(slot, &number) && number_to_timestamp(unit, (Int128)number * 1000000000, out)
		&& *out >= 0 && *out < US_PER_DAY) return true;
	return bad(d, col, slot, ERR_DATETIME_FORMAT, NULL);
}

static bool to_interval(Decoder *d, int col, const JsonSlot *slot, Interval *out)
{
	if ((slot->kind == SLOT_STRING || slot->kind == SLOT_BYTES) && text_to_interval(slot->at, slot->bytes, out)) return true;
	return bad(d, col, slot, ERR_DATETIME_FORMAT, NULL);
}

/* ---- bytes ---- */

static bool checked_text(Decoder *d, int col, const char *at, size_t bytes, Str *out)
{
	if (bytes > STR_BYTES_MAX) { decoder_say(d, ERR_RESOURCE_LIMIT, "field \"%s\": more than 64 MiB", column_label(d, col)); return false; }
	if (!utf8_is_valid(at, bytes)) return bad_utf8(d, col, 0);
	*out = decoder_string(d, at, bytes);
	return true;
}

static bool nested_text(Decoder *d, int col, const JsonSlot *slot, Str *out)
{
	size_t bytes;
	const char *text = slot_text(d, col, slot, &bytes);
	strbuf_clear(&d->scratch);
	json_add_minified(&d->scratch, text, bytes);
	return checked_text(d, col, d->scratch.text, d->scratch.bytes, out);
}

/* 0 may have been written -0 */
static bool needs_text(const JsonSlot *slot) { return slot->kind == SLOT_REAL || (slot->kind == SLOT_INT && slot->i64 == 0); }

static bool to_text(Decoder *d, int col, const JsonSlot *slot, Str *out)
{
	size_t bytes;
	if (slot->kind == SLOT_STRING) {
		if (slot->bytes > STR_BYTES_MAX) return checked_text(d, col, slot->at, slot->bytes, out);
		*out = decoder_string(d, slot->at, slot->bytes);
		return true;
	}
	if (slot->kind == SLOT_NESTED) return nested_text(d, col, slot, out);
	if (slot->kind == SLOT_BYTES) return checked_text(d, col, slot->at, slot->bytes, out);
	const char *text;
	if (needs_text(slot) && decode_from_value(d->config.columns[col].from)) {
		JsonSpan span = d->class->text(d, col);
		text = span.at, bytes = span.bytes;
	} else text = slot_text(d, col, slot, &bytes);
	*out = decoder_string(d, text, bytes);
	return true;
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z') return c - 'A';
	if (c >= 'a' && c <= 'z') return c - 'a' + 26;
	if (c >= '0' && c <= '9') return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

static bool base64_decode(const char *at, size_t bytes, StrBuf *out)
{
	while (bytes && at[bytes - 1] == '=') bytes--;
	if (bytes % 4 == 1) return false;
	unsigned bits = 0;
	int count = 0;
	for (size_t i = 0; i < bytes; i++) {
		int digit = base64_digit(at[i]);
		if (digit < 0) return false;
		bits = bits << 6 | (unsigned)digit;
		count += 6;
		if (count >= 8) { count -= 8; strbuf_addc(out, (char)(bits >> count)); }
	}
	return (bits & ((1u << count) - 1)) == 0;
}

static bool hex_decode(const char *at, size_t bytes, StrBuf *out)
{
	if (bytes % 2) return false;
	for (size_t i = 0; i < bytes; i += 2) {
		char pair[3] = {at[i], at[i + 1], 0}, *end;
		long x = strtol(pair, &end, 16);
		if (end != pair + 2 || pair[0] == '+' || pair[0] == '-' || pair[0] == ' ') return false;
		strbuf_addc(out, (char)x);
	}
	return true;
}

/* JSON has no bytes: base64 as Flink and Weir write it, \x and hexadecimal digits as PostgreSQL does. Keys and raw values are taken
 * as they are. */
static bool to_blob(Decoder *d, int col, const JsonSlot *slot, Str *out)
{
	if (slot->kind == SLOT_BYTES && d->config.columns[col].from != DECODE_FIELD) {
		*out = decoder_string(d, slot->at, slot->bytes);
		return true;
	}
	if (slot->kind != SLOT_STRING && slot->kind != SLOT_BYTES) return bad(d, col, slot, ERR_INVALID_TEXT, NULL);
	strbuf_clear(&d->scratch);
	bool hex = slot->bytes >= 2 && slot->at[0] == '\\' && slot->at[1] == 'x';
	if (hex ? !hex_decode(slot->at + 2, slot->bytes - 2, &d->scratch) : !base64_decode(slot->at, slot->bytes, &d->scratch))
		return bad(d, col, slot, ERR_INVALID_TEXT, "is neither base64 nor \\x with hexadecimal digits");
	*out = decoder_string(d, d->scratch.text, d->scratch.bytes);
	return true;
}

/* ---- ROW, ARRAY, MAP, JSONB ---- */

typedef struct NestedColumn { Decoder *decoder; int col; } NestedColumn;

static JsonSlot slot_of_part(Decoder *d, JsonPart part)
{
	JsonSlot slot = {.kind = SLOT_NUMBER, .at = part.at, .bytes = json_part_bytes(part)};
	switch (*part.at) {
	case '{': case '[': slot.kind = SLOT_NESTED; break;
	case 't': slot.kind = SLOT_TRUE; break;
	case 'f': slot.kind = SLOT_FALSE; break;
	case '"':
		strbuf_clear(&d->part);
		json_unescape(part, &d->part);
		slot = (JsonSlot){.kind = SLOT_STRING, .at = d->part.text, .bytes = d->part.bytes};
		break;
	default: break;
	}
	return slot;
}

/* A part is converted as a column of its type is. */
static bool convert_part(void *context, Type type, JsonPart part, Value *out)
{
	Decoder *d = ((NestedColumn *)context)->decoder;
	int col = ((NestedColumn *)context)->col;
	JsonSlot slot = slot_of_part(d, part);
	Type whole = d->types[col];
	union { int64_t i64; double f64; Int128 i128; Str str; Interval interval; } value;
	Column column = {.type = type, .data = &value};
	bool is_null, wrong_form = type.kind == TYPE_ROW || type.kind == TYPE_JSON;
	d->types[col] = type;
	bool fine = wrong_form ? bad(d, col, &slot, ERR_INVALID_TEXT, NULL) : convert_slot(d, col, &slot, &column, 0, &is_null);
	d->types[col] = whole;
	if (fine) *out = column_value(&column, 0);
	return fine;
}

static bool to_nested(Decoder *d, int col, const JsonSlot *slot, Str *out)
{
	NestedColumn context = {d, col};
	NestedReading reading = {.part = convert_part, .context = &context};
	size_t bytes;
	const char *text = slot_text(d, col, slot, &bytes);
	strbuf_clear(&d->whole);
	if (slot->kind == SLOT_STRING) {
		strbuf_clear(&d->scratch);
		json_add_string(&d->scratch, text, bytes);
		text = d->scratch.text, bytes = d->scratch.bytes;
	} else if (slot->kind == SLOT_BYTES && !json_is_valid(text, bytes)) return bad(d, col, slot, ERR_INVALID_TEXT, NULL);
	return nested_print(json_part(text, bytes), &d->types[col], &reading, &d->whole) && checked_text(d, col, d->whole.text, d->whole.bytes, out);
}

static bool to_json(Decoder *d, int col, const JsonSlot *slot, Str *out)
{
	if (type_is_nested(d->types[col])) return to_nested(d, col, slot, out);
	if (slot->kind == SLOT_BYTES) {
		if (!json_is_valid(slot->at, slot->bytes)) return bad(d, col, slot, ERR_INVALID_TEXT, NULL);
		return nested_text(d, col, &(JsonSlot){.kind = SLOT_NESTED, .at = slot->at, .bytes = slot->bytes}, out);
	}
	if (slot->kind == SLOT_NESTED) return nested_text(d, col, slot, out);
	if (d->types[col].kind == TYPE_ROW) return bad(d, col, slot, ERR_INVALID_TEXT, "is no object");
	if (slot->kind != SLOT_STRING) return to_text(d, col, slot, out);
	strbuf_clear(&d->scratch);
	json_add_string(&d->scratch, slot->at, slot->bytes);
	return checked_text(d, col, d->scratch.text, d->scratch.bytes, out);
}

/* Numbers as Kafka's serializers write them; other types have the same bytes either way. */
static bool convert_binary(Decoder *d, int col, const JsonSlot *slot, Column *out, int row)
{
	uint64_t bits = 0;
	uint32_t half;
	float single;
	if (slot->bytes != 4 && slot->bytes != 8) return bad(d, col, slot, ERR_INVALID_TEXT, "is no number of 4 or 8 bytes");
	for (size_t i = 0; i < slot->bytes; i++) bits = bits << 8 | (unsigned char)slot->at[i];
	if (d->types[col].kind == TYPE_INTEGER) { out->i64[row] = slot->bytes == 4 ? (int32_t)bits : (int64_t)bits; return true; }
	half = (uint32_t)bits;
	memcpy(&single, &half, sizeof single);
	if (slot->bytes == 8) memcpy(&out->f64[row], &bits, sizeof bits);
	else out->f64[row] = single;
	return !isnan(out->f64[row]) || bad(d, col, slot, ERR_INVALID_TEXT, NULL);
}

bool convert_slot(Decoder *d, int col, const JsonSlot *slot, Column *out, int row, bool *is_null)
{
	*is_null = false;
	bool is_number = d->types[col].kind == TYPE_INTEGER || d->types[col].kind == TYPE_REAL;
	if (d->config.columns[col].from == DECODE_KEY_BINARY && slot->kind == SLOT_BYTES && is_number) return convert_binary(d, col, slot, out, row);
	switch (slot->kind) {
	case SLOT_MISSING: case SLOT_NULL:
		if (d->config.columns[col].not_null) {
			decoder_say(d, ERR_NOT_NULL_VIOLATION, "field \"%s\" is %s", column_label(d, col), slot->kind == SLOT_NULL ? "null" : "missing");
			return false;
		}
		return *is_null = true;
	case SLOT_BAD_UTF8: return bad_utf8(d, col, slot->bytes);
	case SLOT_BAD_PARENT: decoder_say(d, ERR_INVALID_TEXT, "field \"%s\": the value around it is no object", column_label(d, col)); return false;
	default: break;
	}
	switch (d->types[col].kind) {
	case TYPE_INTEGER: return to_integer(d, col, slot, &out->i64[row]);
	case TYPE_REAL: return to_real(d, col, slot, &out->f64[row]);
	case TYPE_DECIMAL: return to_decimal(d, col, slot, &out->i128[row]);
	case TYPE_BOOLEAN: return to_boolean(d, col, slot, &out->i64[row]);
	case TYPE_TEXT: return to_text(d, col, slot, &out->str[row]);
	case TYPE_BLOB: return to_blob(d, col, slot, &out->str[row]);
	case TYPE_JSON: case TYPE_ROW: return to_json(d, col, slot, &out->str[row]);
	case TYPE_DATE: return to_date(d, col, slot, &out->i64[row]);
	case TYPE_TIME: return to_time(d, col, slot, &out->i64[row]);
	case TYPE_TIMESTAMP: return to_timestamp(d, col, slot, &out->i64[row]);
	case TYPE_INTERVAL: return to_interval(d, col, slot, &out->interval[row]);
	case TYPE_NULL: case TYPE_KIND_COUNT: break;
	}
	return *is_null = true;
}
