#include "type/row.h"

#include <assert.h>
#include <endian.h>

#include "base/hash.h"
#include "type/text.h"

static const uint64_t SIGN_BIT = (uint64_t)1 << 63;

static size_t bitmap_bytes(int count) { return ((size_t)count + 7) / 8; }

static double real_normal(double x) { return x == 0 ? 0.0 : x; }

/* ---- packed rows ---- */

/* The bytes of one value in a packed row, written to `to`; strings are preceded by their length. */
static char *pack_i64(char *to, int64_t x) { x = (int64_t)htole64((uint64_t)x); memcpy(to, &x, 8); return to + 8; }

static char *pack_f64(char *to, double x)
{
	int64_t bits;
	x = real_normal(x);
	memcpy(&bits, &x, 8);
	return pack_i64(to, bits);
}

static char *pack_i128(char *to, Int128 x)
{
	to = pack_i64(to, (int64_t)x);
	return pack_i64(to, (int64_t)(x >> 64));
}

static char *pack_str(char *to, const Str *s)
{
	uint32_t bytes = htole32(s->bytes);
	memcpy(to, &bytes, 4);
	if (s->bytes) memcpy(to + 4, str_at(s), s->bytes);
	return to + 4 + s->bytes;
}

static char *pack_interval(char *to, Interval x)
{
	to = pack_i64(to, (int64_t)((uint64_t)(uint32_t)x.months | (uint64_t)(uint32_t)x.days << 32));
	return pack_i64(to, x.us);
}

static size_t packed_bytes(PhysKind phys, const Str *s) { return phys == PHYS_STR ? 4 + s->bytes : phys_bytes(phys); }

static char *pack_column(char *to, const Column *column, PhysKind phys, int row)
{
	switch (phys) {
	case PHYS_I64: return pack_i64(to, column->i64[row]);
	case PHYS_F64: return pack_f64(to, column->f64[row]);
	case PHYS_I128: return pack_i128(to, column->i128[row]);
	case PHYS_STR: return pack_str(to, &column->str[row]);
	case PHYS_INTERVAL: return pack_interval(to, column->interval[row]);
	}
	return to;
}

void row_pack(StrBuf *out, const Column *columns, int column_count, int row)
{
	size_t bytes = bitmap_bytes(column_count), start = bytes;
	for (int i = 0; i < column_count; i++)
		if (!column_is_null(&columns[i], row)) bytes += packed_bytes(type_phys(columns[i].type), &columns[i].str[row]);
	char *bitmap = strbuf_grow(out, bytes), *to = bitmap + start;
	memset(bitmap, 0, start);
	for (int i = 0; i < column_count; i++) {
		if (column_is_null(&columns[i], row)) bitmap[i / 8] |= (char)(1 << i % 8);
		else to = pack_column(to, &columns[i], type_phys(columns[i].type), row);
	}
	out->bytes += bytes;
	out->text[out->bytes] = 0;
}

/* A value seen as a column of one row: the union members of both have one layout. */
static Column value_as_column(const Value *value)
{
	return (Column){.type = value->type, .data = (void *)&value->i64};
}

void row_pack_values(StrBuf *out, const Value *values, int count)
{
	size_t bytes = bitmap_bytes(count), start = bytes;
	for (int i = 0; i < count; i++)
		if (!values[i].is_null) bytes += packed_bytes(type_phys(values[i].type), &values[i].str);
	char *bitmap = strbuf_grow(out, bytes), *to = bitmap + start;
	memset(bitmap, 0, start);
	for (int i = 0; i < count; i++) {
		Column column = value_as_column(&values[i]);
		if (values[i].is_null) bitmap[i / 8] |= (char)(1 << i % 8);
		else to = pack_column(to, &column, type_phys(column.type), 0);
	}
	out->bytes += bytes;
	out->text[out->bytes] = 0;
}

static int64_t unpack_i64(const char *from)
{
	uint64_t x;
	memcpy(&x, from, 8);
	return (int64_t)le64toh(x);
}

static const char *unpack_value(const char *from, Value *value)
{
	switch (type_phys(value->type)) {
	case PHYS_I64: case PHYS_F64:
		value->i64 = unpack_i64(from);
		return from + 8;
	case PHYS_I128:
		value->i128 = (Int128)((unsigned __int128)(uint64_t)unpack_i64(from + 8) << 64 | (uint64_t)unpack_i64(from));
		return from + 16;
	case PHYS_INTERVAL: {
		uint64_t both = (uint64_t)unpack_i64(from);
		value->interval = (Interval){.months = (int32_t)both, .days = (int32_t)(both >> 32), .us = unpack_i64(from + 8)};
		return from + 16;
	}
	case PHYS_STR: {
		uint32_t bytes;
		memcpy(&bytes, from, 4);
		bytes = le32toh(bytes);
		value->str = str_borrow(from + 4, bytes);
		return from + 4 + bytes;
	}
	}
	return from;
}

size_t row_unpack(const void *bytes, const Type *types, int count, Value *values)
{
	const char *bitmap = bytes, *from = bitmap + bitmap_bytes(count);
	for (int i = 0; i < count; i++) {
		values[i] = (Value){.type = types[i], .is_null = bitmap[i / 8] >> i % 8 & 1};
		if (!values[i].is_null) from = unpack_value(from, &values[i]);
	}
	return (size_t)(from - bitmap);
}

void batch_builder_packed(BatchBuilder *builder, int row, int first_column, const void *packed, int count)
{
	Batch *batch = builder->batch;
	const char *bitmap = packed, *from = bitmap + (count + 7) / 8;
	for (int i = 0; i < count; i++) {
		Column *column = &batch->columns[first_column + i];
		if (bitmap[i / 8] >> i % 8 & 1) {
			Value null = {.type = column->type, .is_null = true};
			batch_builder_set(builder, row, first_column + i, &null);
			continue;
		}
		switch (type_phys(column->type)) {
		case PHYS_I64: case PHYS_F64:
			memcpy(&column->i64[row], from, 8);
			from += 8;
			break;
		case PHYS_I128: case PHYS_INTERVAL:
			memcpy(&column->i128[row], from, 16);
			from += 16;
			break;
		case PHYS_STR: {
			uint32_t bytes;
			memcpy(&bytes, from, 4);
			column->str[row] = str_copy(&batch->arena, from + 4, bytes);
			from += 4 + bytes;
			break;
		}
		}
	}
}

enum { PACKED_INT_BYTES = 9 };        /* bitmap and integer */

static void pack_integers(const Column *column, int count, PackedRows *rows, Arena *scratch)
{
	char *to = arena_alloc(scratch, (size_t)count * PACKED_INT_BYTES);
	for (int i = 0; i < count; i++, to += PACKED_INT_BYTES) {
		to[0] = 0;
		pack_i64(to + 1, column->i64[i]);
		rows->at[i] = to;
		rows->bytes[i] = PACKED_INT_BYTES;
		rows->hashes[i] = hash_bytes(to, PACKED_INT_BYTES);
	}
}

static void add_packed_bytes(const Column *column, int count, uint32_t *bytes)
{
	PhysKind phys = type_phys(column->type);
	uint32_t fixed = (uint32_t)phys_bytes(phys);
	for (int i = 0; i < count; i++) {
		if (column->null && column->null[i]) continue;
		bytes[i] += phys == PHYS_STR ? 4 + column->str[i].bytes : fixed;
	}
}

PackedRows rows_pack_plain(const Column *columns, int column_count, int count, Arena *scratch)
{
	PackedRows rows = {
		.at = arena_alloc(scratch, sizeof *rows.at * (size_t)count),
		.bytes = arena_alloc(scratch, sizeof *rows.bytes * (size_t)count),
	};
	size_t start = bitmap_bytes(column_count), total = 0;
	for (int i = 0; i < count; i++) rows.bytes[i] = (uint32_t)start;
	for (int c = 0; c < column_count; c++) add_packed_bytes(&columns[c], count, rows.bytes);
	for (int i = 0; i < count; i++) total += rows.bytes[i];
	char *next = arena_alloc(scratch, total), **to = arena_alloc(scratch, sizeof *to * (size_t)count);
	for (int i = 0; i < count; i++, next += rows.bytes[i - 1]) {
		rows.at[i] = next;
		memset(next, 0, start);
		to[i] = next + start;
	}
	for (int c = 0; c < column_count; c++) {
		const Column *column = &columns[c];
		PhysKind phys = type_phys(column->type);
		for (int i = 0; i < count; i++) {
			if (column->null && column->null[i]) ((char *)rows.at[i])[c / 8] |= (char)(1 << c % 8);
			else to[i] = pack_column(to[i], column, phys, i);
		}
	}
	return rows;
}

PackedRows rows_pack(const Column *columns, int column_count, int count, Arena *scratch)
{
	bool integers = column_count == 1 && type_phys(columns->type) == PHYS_I64 && !columns->null;
	PackedRows rows;
	if (integers) {
		rows.at = arena_alloc(scratch, sizeof *rows.at * (size_t)count);
		rows.bytes = arena_alloc(scratch, sizeof *rows.bytes * (size_t)count);
	}
	else rows = rows_pack_plain(columns, column_count, count, scratch);
	rows.hashes = arena_alloc(scratch, sizeof *rows.hashes * (size_t)count);
	if (integers) pack_integers(columns, count, &rows, scratch);
	else for (int i = 0; i < count; i++) rows.hashes[i] = hash_bytes(rows.at[i], rows.bytes[i]);
	return rows;
}

/* ---- sort keys ---- */

enum { KEY_NULL_FIRST = 0, KEY_VALUE = 1, KEY_NULL_LAST = 2 };

static void key_u64(StrBuf *out, uint64_t x)
{
	x = htobe64(x);
	strbuf_add(out, &x, 8);
}

static void key_i64(StrBuf *out, int64_t x) { key_u64(out, (uint64_t)x ^ SIGN_BIT); }

static void key_i128(StrBuf *out, Int128 x)
{
	key_i64(out, (int64_t)(x >> 64));
	key_u64(out, (uint64_t)x);
}

/* Positive numbers get their sign bit set, negative ones all bits inverted. */
static void key_f64(StrBuf *out, double x)
{
	uint64_t bits;
	x = real_normal(x);
	memcpy(&bits, &x, 8);
	key_u64(out, bits & SIGN_BIT ? ~bits : bits | SIGN_BIT);
}

static void key_str(StrBuf *out, const Str *s)
{
	const char *at = str_at(s), *end = at + s->bytes;
	while (at < end) {
		const char *zero = memchr(at, 0, (size_t)(end - at));
		if (!zero) break;
		strbuf_add(out, at, (size_t)(zero - at));
		strbuf_add(out, "\0\xff", 2);
		at = zero + 1;
	}
	strbuf_add(out, at, (size_t)(end - at));
	strbuf_add(out, "\0\0", 2);
}

static void key_interval(StrBuf *out, Interval x)
{
	key_i128(out, interval_compare_us(x));
	key_i64(out, x.months);
	key_i64(out, x.days);
}

void sort_key_add_column(StrBuf *out, const Column *column, int row, SortSpec spec)
{
	if (column_is_null(column, row)) {
		strbuf_addc(out, spec.nulls_last ? KEY_NULL_LAST : KEY_NULL_FIRST);
		return;
	}
	strbuf_addc(out, KEY_VALUE);
	size_t start = out->bytes;
	switch (type_phys(column->type)) {
	case PHYS_I64: key_i64(out, column->i64[row]); break;
	case PHYS_F64: key_f64(out, column->f64[row]); break;
	case PHYS_I128: key_i128(out, column->i128[row]); break;
	case PHYS_STR: key_str(out, &column->str[row]); break;
	case PHYS_INTERVAL: key_interval(out, column->interval[row]); break;
	}
	if (!spec.descending) return;
	for (size_t i = start; i < out->bytes; i++) out->text[i] = (char)~out->text[i];
}

void sort_key_add(StrBuf *out, const Value *value, SortSpec spec)
{
	Column column = value_as_column(value);
	uint8_t null = value->is_null;
	column.null = &null;
	sort_key_add_column(out, &column, 0, spec);
}

static uint64_t read_u64(const uint8_t *at, uint8_t flip)
{
	uint64_t x = 0;
	for (int i = 0; i < 8; i++) x = x << 8 | (uint8_t)(at[i] ^ flip);
	return x;
}

static int64_t read_i64(const uint8_t *at, uint8_t flip) { return (int64_t)(read_u64(at, flip) ^ SIGN_BIT); }

static Int128 read_i128(const uint8_t *at, uint8_t flip) { return (Int128)((unsigned __int128)(uint64_t)read_i64(at, flip) << 64 | read_u64(at + 8, flip)); }

static size_t read_str(const uint8_t *at, uint8_t flip, Str *out, Arena *arena)
{
	size_t end = 0, bytes = 0;
	for (; at[end] != flip || at[end + 1] == (uint8_t)(0xff ^ flip); end++, bytes++)
		if (at[end] == flip) end++;
	char *text = arena_alloc(arena, bytes);
	for (size_t i = 0, o = 0; i < end; i++) {
		text[o++] = (char)(at[i] ^ flip);
		if (at[i] == flip) i++;
	}
	*out = str_borrow(text, bytes);
	return end + 2;
}

static size_t read_interval(const uint8_t *at, uint8_t flip, Interval *out)
{
	out->months = (int32_t)read_i64(at + 16, flip);
	out->days = (int32_t)read_i64(at + 24, flip);
	Interval whole = {.months = out->months, .days = out->days};
	out->us = (int64_t)(read_i128(at, flip) - interval_compare_us(whole));
	return 32;
}

size_t sort_key_read(const void *bytes, Type type, SortSpec spec, Value *value, Arena *arena)
{
	const uint8_t *at = bytes;
	uint8_t flip = spec.descending ? 0xff : 0;
	*value = (Value){.type = type, .is_null = at[0] != KEY_VALUE};
	if (value->is_null) return 1;
	at++;
	switch (type_phys(type)) {
	case PHYS_I64: value->i64 = read_i64(at, flip); return 9;
	case PHYS_F64: {
		uint64_t bits = read_u64(at, flip);
		bits = bits & SIGN_BIT ? bits ^ SIGN_BIT : ~bits;
		memcpy(&value->f64, &bits, 8);
		return 9;
	}
	case PHYS_I128: value->i128 = read_i128(at, flip); return 17;
	case PHYS_STR: return 1 + read_str(at, flip, &value->str, arena);
	case PHYS_INTERVAL: return 1 + read_interval(at, flip, &value->interval);
	}
	return 1;
}

/* ---- comparing ---- */

#define ORDER(a, b) ((a) < (b) ? -1 : (a) > (b))

static int interval_order(Interval a, Interval b)
{
	Int128 us_a = interval_compare_us(a), us_b = interval_compare_us(b);
	if (us_a != us_b) return ORDER(us_a, us_b);
	if (a.months != b.months) return ORDER(a.months, b.months);
	return ORDER(a.days, b.days);
}

int value_compare(const Value *a, const Value *b)
{
	if (a->is_null || b->is_null) return b->is_null - a->is_null;
	assert(type_phys(a->type) == type_phys(b->type));
	switch (type_phys(a->type)) {
	case PHYS_I64: return ORDER(a->i64, b->i64);
	case PHYS_F64: return ORDER(a->f64, b->f64);
	case PHYS_I128: return decimal_compare(a->i128, a->type.scale, b->i128, b->type.scale);
	case PHYS_STR: return str_compare(&a->str, &b->str);
	case PHYS_INTERVAL: return interval_order(a->interval, b->interval);
	}
	return 0;
}

bool value_equal(const Value *a, const Value *b) { return value_compare(a, b) == 0; }
