#include "type/type.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/nearest.h"

static const char *const KIND_NAMES[TYPE_KIND_COUNT] = {
	[TYPE_NULL] = "NULL", [TYPE_BOOLEAN] = "BOOLEAN", [TYPE_INTEGER] = "INTEGER", [TYPE_REAL] = "REAL", [TYPE_DECIMAL] = "DECIMAL",
	[TYPE_TEXT] = "TEXT", [TYPE_BLOB] = "BLOB", [TYPE_JSON] = "JSON", [TYPE_DATE] = "DATE", [TYPE_TIME] = "TIME",
	[TYPE_TIMESTAMP] = "TIMESTAMP", [TYPE_INTERVAL] = "INTERVAL", [TYPE_ROW] = "ROW",
};

/* Names of SQLite, PostgreSQL, Flink, RisingWave, Materialize and ksqlDB. Lengths and time precisions say nothing here. */
static const struct { const char *name; TypeKind kind; } TYPE_NAMES[] = {
	{"boolean", TYPE_BOOLEAN}, {"bool", TYPE_BOOLEAN}, {"logical", TYPE_BOOLEAN},
	{"integer", TYPE_INTEGER}, {"int", TYPE_INTEGER}, {"bigint", TYPE_INTEGER}, {"smallint", TYPE_INTEGER}, {"tinyint", TYPE_INTEGER},
	{"mediumint", TYPE_INTEGER}, {"int2", TYPE_INTEGER}, {"int4", TYPE_INTEGER}, {"int8", TYPE_INTEGER}, {"int16", TYPE_INTEGER},
	{"int32", TYPE_INTEGER}, {"int64", TYPE_INTEGER}, {"long", TYPE_INTEGER}, {"short", TYPE_INTEGER}, {"byte", TYPE_INTEGER},
	{"serial", TYPE_INTEGER}, {"bigserial", TYPE_INTEGER}, {"uint1", TYPE_INTEGER}, {"uint2", TYPE_INTEGER}, {"uint4", TYPE_INTEGER},
	{"unsigned big int", TYPE_INTEGER}, {"unsigned bigint", TYPE_INTEGER}, {"bigint unsigned", TYPE_INTEGER}, {"int unsigned", TYPE_INTEGER},
	{"real", TYPE_REAL}, {"double", TYPE_REAL}, {"double precision", TYPE_REAL}, {"float", TYPE_REAL}, {"float4", TYPE_REAL},
	{"float8", TYPE_REAL}, {"float32", TYPE_REAL}, {"float64", TYPE_REAL},
	{"decimal", TYPE_DECIMAL}, {"numeric", TYPE_DECIMAL}, {"dec", TYPE_DECIMAL}, {"number", TYPE_DECIMAL},
	{"text", TYPE_TEXT}, {"varchar", TYPE_TEXT}, {"character varying", TYPE_TEXT}, {"char varying", TYPE_TEXT}, {"varying character", TYPE_TEXT},
	{"char", TYPE_TEXT}, {"character", TYPE_TEXT}, {"nchar", TYPE_TEXT}, {"native character", TYPE_TEXT}, {"nvarchar", TYPE_TEXT},
	{"string", TYPE_TEXT}, {"bpchar", TYPE_TEXT}, {"clob", TYPE_TEXT}, {"uuid", TYPE_TEXT}, {"tinytext", TYPE_TEXT}, {"mediumtext", TYPE_TEXT},
	{"longtext", TYPE_TEXT}, {"name", TYPE_TEXT},
	{"blob", TYPE_BLOB}, {"bytea", TYPE_BLOB}, {"bytes", TYPE_BLOB}, {"binary", TYPE_BLOB}, {"varbinary", TYPE_BLOB}, {"binary varying", TYPE_BLOB},
	{"json", TYPE_JSON}, {"array", TYPE_JSON}, {"map", TYPE_JSON}, {"multiset", TYPE_JSON}, {"variant", TYPE_JSON},
	{"date", TYPE_DATE},
	{"time", TYPE_TIME}, {"time without time zone", TYPE_TIME},
	{"timestamp", TYPE_TIMESTAMP}, {"timestamptz", TYPE_TIMESTAMP}, {"datetime", TYPE_TIMESTAMP}, {"timestamp_ltz", TYPE_TIMESTAMP},
	{"timestamp_ntz", TYPE_TIMESTAMP}, {"timestamp with time zone", TYPE_TIMESTAMP}, {"timestamp without time zone", TYPE_TIMESTAMP},
	{"timestamp with local time zone", TYPE_TIMESTAMP},
	{"interval", TYPE_INTERVAL},
};

enum { TYPE_NAME_COUNT = sizeof TYPE_NAMES / sizeof *TYPE_NAMES };

bool type_equal(Type a, Type b)
{
	if (a.kind != b.kind) return false;
	if (a.kind == TYPE_DECIMAL) return a.precision == b.precision && a.scale == b.scale;
	if (a.kind != TYPE_ROW) return true;
	if (a.field_count != b.field_count) return false;
	for (int i = 0; i < a.field_count; i++)
		if (strcmp(a.fields[i].name, b.fields[i].name) != 0 || !type_equal(a.fields[i].type, b.fields[i].type)) return false;
	return true;
}

bool type_same_inside(Type a, Type b)
{
	if (!type_equal(a, b) || a.field_count != b.field_count || (a.kind == TYPE_JSON && a.precision != b.precision)) return false;
	for (int i = 0; i < a.field_count; i++)
		if (strcmp(a.fields[i].name, b.fields[i].name) != 0 || !type_same_inside(a.fields[i].type, b.fields[i].type)) return false;
	return true;
}

Type type_copy(Arena *arena, Type type)
{
	if (type.field_count == 0) return type;
	RowField *fields = arena_array(arena, RowField, type.field_count);
	for (int i = 0; i < type.field_count; i++) fields[i] = (RowField){arena_strdup(arena, type.fields[i].name), type_copy(arena, type.fields[i].type)};
	type.fields = fields;
	return type;
}

static bool is_plain_name(const char *name)
{
	if (!isalpha((unsigned char)*name) && *name != '_') return false;
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '_') return false;
	return true;
}

static void print_field(const RowField *field, StrBuf *out)
{
	if (is_plain_name(field->name)) strbuf_adds(out, field->name);
	else strbuf_add_sql_ident(out, field->name);
	strbuf_addc(out, ' ');
	type_print(field->type, out);
}

/* ARRAY<INTEGER>, MAP<TEXT, INTEGER>; of elements that are not known: JSON */
static void print_json_type(Type type, StrBuf *out)
{
	if (type.precision) strbuf_adds(out, "JSONB");
	else if (type.field_count != 1) strbuf_adds(out, "JSON");
	else {
		if (*type.fields->name) strbuf_printf(out, "MAP<%s, ", type.fields->name);
		else strbuf_adds(out, "ARRAY<");
		type_print(type.fields->type, out);
		strbuf_addc(out, '>');
	}
}

void type_print(Type type, StrBuf *out)
{
	if (type.kind == TYPE_JSON) {
		print_json_type(type, out);
		return;
	}
	strbuf_adds(out, KIND_NAMES[type.kind]);
	if (type.kind == TYPE_DECIMAL) strbuf_printf(out, "(%d,%d)", type.precision, type.scale);
	if (type.kind != TYPE_ROW) return;
	strbuf_addc(out, '<');
	for (int i = 0; i < type.field_count; i++) {
		if (i) strbuf_adds(out, ", ");
		print_field(&type.fields[i], out);
	}
	strbuf_addc(out, '>');
}

const char *type_kind_name(TypeKind kind) { return KIND_NAMES[kind]; }

/* ---- reading what was printed ---- */

typedef struct TypeReader { const char *at, *end; Arena *arena; int depth; } TypeReader;

enum { TYPE_DEPTH_MAX = 100 };

static bool read_type(TypeReader *reader, Type *out);

static bool take(TypeReader *reader, const char *what)
{
	size_t bytes = strlen(what);
	if ((size_t)(reader->end - reader->at) < bytes || memcmp(reader->at, what, bytes) != 0) return false;
	reader->at += bytes;
	return true;
}

/* A name with its quotes, doubled inside, or without any */
static const char *read_name(TypeReader *reader)
{
	char *name = arena_alloc(reader->arena, (size_t)(reader->end - reader->at) + 1), *to = name;
	bool quoted = take(reader, "\"");
	for (; reader->at < reader->end; reader->at++) {
		if (quoted && *reader->at == '"' && (++reader->at == reader->end || *reader->at != '"')) break;
		if (!quoted && !isalnum((unsigned char)*reader->at) && *reader->at != '_') break;
		*to++ = *reader->at;
	}
	*to = 0;
	return name;
}

static bool read_row(TypeReader *reader, Type *out)
{
	int room = 1;
	for (const char *c = reader->at; c < reader->end; c++) room += *c == ',';
	RowField *fields = arena_array(reader->arena, RowField, room);
	*out = (Type){.kind = TYPE_ROW, .fields = fields};
	do {
		RowField *field = &fields[out->field_count++];
		field->name = read_name(reader);
		if (!take(reader, " ") || !read_type(reader, &field->type)) return false;
	} while (out->field_count < room && take(reader, ", "));
	return take(reader, ">");
}

static bool read_elements(TypeReader *reader, const char *keys, Type *out)
{
	RowField *field = arena_new(reader->arena, RowField);
	field->name = keys;
	*out = (Type){.kind = TYPE_JSON, .field_count = 1, .fields = field};
	return read_type(reader, &field->type) && take(reader, ">");
}

static bool read_digits(TypeReader *reader, uint8_t *out)
{
	int digits = 0, x = 0;
	for (; reader->at < reader->end && isdigit((unsigned char)*reader->at) && digits < 2; digits++) x = x * 10 + (*reader->at++ - '0');
	*out = (uint8_t)x;
	return digits > 0 && x <= DECIMAL_PRECISION_MAX;
}

static bool read_plain_type(TypeReader *reader, const char *name, Type *out)
{
	if (strcmp(name, "JSONB") == 0) {
		*out = (Type){.kind = TYPE_JSON, .precision = 1};
		return true;
	}
	int kind = 0;
	while (kind < TYPE_ROW && strcmp(KIND_NAMES[kind], name) != 0) kind++;
	*out = (Type){.kind = (TypeKind)kind};
	if (kind != TYPE_DECIMAL) return kind < TYPE_ROW;
	return take(reader, "(") && read_digits(reader, &out->precision) && take(reader, ",") && read_digits(reader, &out->scale) && take(reader, ")");
}

static bool read_type(TypeReader *reader, Type *out)
{
	if (++reader->depth > TYPE_DEPTH_MAX) return false;
	const char *name = read_name(reader);
	bool angle = take(reader, "<"), fine = false;
	if (angle && strcmp(name, "ROW") == 0) fine = read_row(reader, out);
	else if (angle && strcmp(name, "ARRAY") == 0) fine = read_elements(reader, "", out);
	else if (angle && strcmp(name, "MAP") == 0) {
		const char *keys = read_name(reader);
		fine = *keys && take(reader, ", ") && read_elements(reader, keys, out);
	} else if (!angle) fine = read_plain_type(reader, name, out);
	reader->depth--;
	return fine;
}

bool type_read(const char *at, size_t bytes, Arena *arena, Type *type)
{
	TypeReader reader = {.at = at, .end = at + bytes, .arena = arena};
	return read_type(&reader, type) && reader.at == reader.end;
}

static bool decimal_from_parameters(int precision, int scale, Span span, Type *type, Error *err)
{
	if (precision < 0) {
		*type = type_decimal(DECIMAL_PRECISION_MAX, DECIMAL_DEFAULT_SCALE);
		return true;
	}
	if (scale < 0) scale = 0;
	if (precision < 1 || precision > DECIMAL_PRECISION_MAX)
		return error_set(err, ERR_INVALID_PARAMETER, span, "precision of DECIMAL must be between 1 and %d, not %d", DECIMAL_PRECISION_MAX, precision);
	if (scale > precision)
		return error_set(err, ERR_INVALID_PARAMETER, span, "scale of DECIMAL must be between 0 and the precision %d, not %d", precision, scale);
	*type = type_decimal(precision, scale);
	return true;
}

bool type_from_name(const char *name, int parameter_1, int parameter_2, Span span, Type *type, Error *err)
{
	Nearest nearest;
	if (strcasecmp(name, "jsonb") == 0) {
		*type = (Type){.kind = TYPE_JSON, .precision = 1};
		return true;
	}
	nearest_init(&nearest, name);
	for (int i = 0; i < TYPE_NAME_COUNT; i++) {
		if (strcasecmp(name, TYPE_NAMES[i].name) != 0) {
			nearest_offer(&nearest, TYPE_NAMES[i].name);
			continue;
		}
		if (TYPE_NAMES[i].kind == TYPE_DECIMAL) return decimal_from_parameters(parameter_1, parameter_2, span, type, err);
		*type = (Type){.kind = TYPE_NAMES[i].kind};
		return true;
	}
	error_set(err, ERR_UNDEFINED_OBJECT, span, "type \"%s\" does not exist", name);
	if (nearest.best) error_hint(err, "Did you mean %s?", nearest.best);
	return false;
}

bool type_is_exact_in_file(Type type)
{
	enum { REAL_DIGITS = 15 };
	return type.kind != TYPE_REAL && type.kind != TYPE_INTERVAL && !(type.kind == TYPE_DECIMAL && type.precision > REAL_DIGITS);
}
