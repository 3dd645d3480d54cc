/* Numbers go through as few hands as possible here: appending rows to the file is a fourth of what a small query costs. */
#include "store/value.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "type/calendar.h"
#include "type/number.h"
#include "type/text.h"

enum { DOUBLE_EXACT_SCALE = 22 };

static const double POWERS[DOUBLE_EXACT_SCALE + 1] = {
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};
static const int64_t PLAIN_LIMIT = 1000000000000000;          /* 10 ^ DECIMAL_PLAIN_DIGITS */

/* ---- out ---- */

/* What a decimal becomes. */
typedef struct DecimalOut { enum { OUT_INTEGER, OUT_REAL, OUT_TEXT } form; int64_t integer; double real; int bytes; } DecimalOut;

/* digits * 10^-scale with |digits| < 10^15: exact operands, so the one operation rounds to the nearest double */
static double plain_real(int64_t digits, int scale)
{
	if (scale <= DOUBLE_EXACT_SCALE) return (double)digits / POWERS[scale];
	char text[48];
	double real = 0;
	int bytes = snprintf(text, sizeof text, "%llde-%d", (long long)digits, scale);
	real_parse(text, (size_t)bytes, &real);
	return real;
}

static double round_real(Int128 digits, int scale)
{
	char text[64];
	double real = 0;
	int bytes = decimal_print(digits, 0, text);
	bytes += snprintf(text + bytes, sizeof text - (size_t)bytes, "e%d", -scale);
	real_parse(text, (size_t)bytes, &real);
	return real;
}

static DecimalOut decimal_out(Int128 x, int scale, DecimalForm form, char *text)
{
	if (form == DECIMAL_AS_NUMBER) {
		if (scale == 0 && x >= INT64_MIN && x <= INT64_MAX) return (DecimalOut){.form = OUT_INTEGER, .integer = (int64_t)x};
		if (x > -PLAIN_LIMIT && x < PLAIN_LIMIT) return (DecimalOut){.form = OUT_REAL, .real = plain_real((int64_t)x, scale)};
		Int128 digits = x;
		int left = scale;
		while (digits % 10 == 0) digits /= 10, left--;
		if (digits > -PLAIN_LIMIT && digits < PLAIN_LIMIT) return (DecimalOut){.form = OUT_REAL, .real = round_real(digits, left)};
	}
	return (DecimalOut){.form = OUT_TEXT, .bytes = decimal_print(x, scale, text)};
}

static int print_short(const Value *value, char *text)
{
	switch (value->type.kind) {
	case TYPE_DATE: return date_print(value->i64, text);
	case TYPE_TIME: return time_print(value->i64, text);
	case TYPE_TIMESTAMP: return timestamp_print(value->i64, text);
	default: return interval_print(value->interval, text);
	}
}

static void bind_decimal(sqlite3_stmt *stmt, int index, const Value *value, DecimalForm form, char *text)
{
	DecimalOut out = decimal_out(value->i128, value->type.scale, form, text);
	if (out.form == OUT_INTEGER) sqlite3_bind_int64(stmt, index, out.integer);
	else if (out.form == OUT_REAL) sqlite3_bind_double(stmt, index, out.real);
	else sqlite3_bind_text(stmt, index, text, out.bytes, SQLITE_STATIC);
}

void store_value_bind(sqlite3_stmt *stmt, int index, const Value *value, DecimalForm form, char text[VALUE_TEXT_BYTES])
{
	if (value->is_null) {
		sqlite3_bind_null(stmt, index);
		return;
	}
	switch (value->type.kind) {
	case TYPE_BOOLEAN: case TYPE_INTEGER: sqlite3_bind_int64(stmt, index, value->i64); break;
	case TYPE_REAL: sqlite3_bind_double(stmt, index, value->f64); break;
	case TYPE_DECIMAL: bind_decimal(stmt, index, value, form, text); break;
	case TYPE_TEXT: case TYPE_JSON: case TYPE_ROW:
		sqlite3_bind_text(stmt, index, str_at(&value->str), (int)value->str.bytes, SQLITE_STATIC);
		break;
	case TYPE_BLOB: sqlite3_bind_blob(stmt, index, str_at(&value->str), (int)value->str.bytes, SQLITE_STATIC); break;
	case TYPE_DATE: case TYPE_TIME: case TYPE_TIMESTAMP: case TYPE_INTERVAL:
		sqlite3_bind_text(stmt, index, text, print_short(value, text), SQLITE_STATIC);
		break;
	default: sqlite3_bind_null(stmt, index);
	}
}

void store_value_result(sqlite3_context *context, const Value *value)
{
	char text[VALUE_TEXT_BYTES];
	if (value->is_null) {
		sqlite3_result_null(context);
		return;
	}
	switch (value->type.kind) {
	case TYPE_BOOLEAN: case TYPE_INTEGER: sqlite3_result_int64(context, value->i64); break;
	case TYPE_REAL: sqlite3_result_double(context, value->f64); break;
	case TYPE_DECIMAL: {
		DecimalOut out = decimal_out(value->i128, value->type.scale, DECIMAL_AS_NUMBER, text);
		if (out.form == OUT_INTEGER) sqlite3_result_int64(context, out.integer);
		else if (out.form == OUT_REAL) sqlite3_result_double(context, out.real);
		else sqlite3_result_text(context, text, out.bytes, SQLITE_TRANSIENT);
		break;
	}
	case TYPE_TEXT: case TYPE_JSON: case TYPE_ROW:
		sqlite3_result_text(context, str_at(&value->str), (int)value->str.bytes, SQLITE_TRANSIENT);
		break;
	case TYPE_BLOB: sqlite3_result_blob(context, str_at(&value->str), (int)value->str.bytes, SQLITE_TRANSIENT); break;
	case TYPE_DATE: case TYPE_TIME: case TYPE_TIMESTAMP: case TYPE_INTERVAL:
		sqlite3_result_text(context, text, print_short(value, text), SQLITE_TRANSIENT);
		break;
	default: sqlite3_result_null(context);
	}
}

static void print_real_literal(double x, StrBuf *out)
{
	char text[REAL_PRINT_BYTES];
	if (isinf(x)) strbuf_adds(out, x > 0 ? "9e999" : "-9e999");
	else strbuf_add(out, text, (size_t)real_print(x, text));
}

static void print_blob_literal(const Str *s, StrBuf *out)
{
	const uint8_t *at = (const uint8_t *)str_at(s);
	strbuf_adds(out, "x'");
	for (uint32_t i = 0; i < s->bytes; i++) strbuf_printf(out, "%02x", at[i]);
	strbuf_addc(out, '\'');
}

/* A text literal with a zero byte would end there. */
static void print_text_literal(const char *at, size_t bytes, StrBuf *out)
{
	if (!memchr(at, 0, bytes)) {
		strbuf_add_sql_string(out, at, bytes);
		return;
	}
	Str s = str_borrow(at, bytes);
	strbuf_adds(out, "CAST(");
	print_blob_literal(&s, out);
	strbuf_adds(out, " AS TEXT)");
}

void store_value_print_literal(const Value *value, StrBuf *out)
{
	char text[VALUE_TEXT_BYTES];
	if (value->is_null) {
		strbuf_adds(out, "NULL");
		return;
	}
	switch (value->type.kind) {
	case TYPE_BOOLEAN: case TYPE_INTEGER:
		if (value->i64 == INT64_MIN) strbuf_adds(out, "(-9223372036854775807 - 1)");
		else strbuf_printf(out, "%lld", (long long)value->i64);
		break;
	case TYPE_REAL: print_real_literal(value->f64, out); break;
	case TYPE_DECIMAL: {
		DecimalOut decimal = decimal_out(value->i128, value->type.scale, DECIMAL_AS_NUMBER, text);
		if (decimal.form == OUT_TEXT) print_text_literal(text, (size_t)decimal.bytes, out);
		else if (decimal.form == OUT_REAL) print_real_literal(decimal.real, out);
		else if (decimal.integer == INT64_MIN) strbuf_adds(out, "(-9223372036854775807 - 1)");
		else strbuf_printf(out, "%lld", (long long)decimal.integer);
		break;
	}
	case TYPE_TEXT: case TYPE_JSON: case TYPE_ROW: print_text_literal(str_at(&value->str), value->str.bytes, out); break;
	case TYPE_BLOB: print_blob_literal(&value->str, out); break;
	case TYPE_DATE: case TYPE_TIME: case TYPE_TIMESTAMP: case TYPE_INTERVAL:
		print_text_literal(text, (size_t)print_short(value, text), out);
		break;
	default: strbuf_adds(out, "NULL");
	}
}

/* ---- in ---- */

static bool integer_from_real(double x, int64_t *out)
{
	if (!(x >= -9223372036854775808.0 && x < 9223372036854775808.0) || x != floor(x)) return false;
	*out = (int64_t)x;
	return true;
}

static bool decimal_from_integer(int64_t x, Type type, Int128 *out)
{
	return decimal_rescale(x, 0, type.precision, type.scale, out);
}

static bool decimal_from_real(double x, Type type, Int128 *out)
{
	double scaled = type.scale <= DOUBLE_EXACT_SCALE ? x * POWERS[type.scale] : HUGE_VAL;
	if (fabs(scaled) < 1e15) {                    /* the error of the product is far below a half */
		double nearest = round(scaled);
		if (fabs(nearest - scaled) < 0.1) {
			*out = (Int128)(int64_t)nearest;
			return decimal_rescale(*out, type.scale, type.precision, type.scale, out);
		}
	}
	return real_to_decimal(x, type.precision, type.scale, out);
}

static bool is_string(Type type) { return type_phys(type) == PHYS_STR; }

static bool value_from_integer(int64_t x, Type type, Value *out)
{
	switch (type.kind) {
	case TYPE_BOOLEAN: out->i64 = x != 0; return true;
	case TYPE_INTEGER: out->i64 = x; return true;
	case TYPE_REAL: out->f64 = (double)x; return true;
	case TYPE_DECIMAL: return decimal_from_integer(x, type, &out->i128);
	default: return false;
	}
}

static bool value_from_real(double x, Type type, Value *out)
{
	switch (type.kind) {
	case TYPE_BOOLEAN: out->i64 = x != 0; return true;
	case TYPE_INTEGER: return integer_from_real(x, &out->i64);
	case TYPE_REAL: out->f64 = x; return true;
	case TYPE_DECIMAL: return decimal_from_real(x, type, &out->i128);
	default: return false;
	}
}

/* Numbers that SQLite holds where Weir sees TEXT become text as SQLite prints them. */
static bool read_string(sqlite3_value *from, int stored, Type type, Value *out, Arena *arena)
{
	bool is_blob = stored == SQLITE_BLOB;
	const void *at = is_blob ? sqlite3_value_blob(from) : sqlite3_value_text(from);
	size_t bytes = (size_t)sqlite3_value_bytes(from);
	if (!at) at = "";
	if (type.kind != TYPE_BLOB && !utf8_is_valid(at, bytes)) return false;
	out->str = arena ? str_copy(arena, at, bytes) : str_borrow(at, bytes);
	return true;
}

void store_value_read(sqlite3_value *from, Type type, Value *out, Arena *arena)
{
	int stored = sqlite3_value_type(from);
	bool known = false;
	*out = (Value){.type = type};
	if (stored == SQLITE_NULL || type.kind == TYPE_NULL) known = false;
	else if (is_string(type)) known = read_string(from, stored, type, out, arena);
	else if (stored == SQLITE_INTEGER) known = value_from_integer(sqlite3_value_int64(from), type, out);
	else if (stored == SQLITE_FLOAT) known = value_from_real(sqlite3_value_double(from), type, out);
	else if (stored == SQLITE_TEXT) {
		const char *at = (const char *)sqlite3_value_text(from);
		known = text_to_fixed(at, (size_t)sqlite3_value_bytes(from), type, out);
	}
	if (known) return;
	*out = (Value){.type = type, .is_null = true};
}

void store_value_column(sqlite3_stmt *stmt, int column, Type type, Value *out, Arena *arena)
{
	store_value_read(sqlite3_column_value(stmt, column), type, out, arena);
}

/* ---- declarations ---- */

/* The names are chosen for the affinity that SQLite reads from them: nothing may change on the way in. So JSON ('12' would become a number),
 * times and intervals ("INTERVAL" has INT in it) are TEXT. */
const char *store_type_declared(Type type, DecimalForm form, char text[VALUE_TEXT_BYTES])
{
	switch (type.kind) {
	case TYPE_BOOLEAN: return "BOOLEAN";
	case TYPE_INTEGER: return "INTEGER";
	case TYPE_REAL: return "REAL";
	case TYPE_BLOB: return "BLOB";
	case TYPE_DECIMAL:
		if (form == DECIMAL_AS_TEXT) return "TEXT";
		if (type.precision > DECIMAL_PLAIN_DIGITS) return "";
		snprintf(text, VALUE_TEXT_BYTES, "DECIMAL(%d,%d)", type.precision, type.scale);
		return text;
	default: return "TEXT";
	}
}
