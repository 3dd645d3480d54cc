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
	{"json", TYPE_JSON}, {"jsonb", TYPE_JSON}, {"array", TYPE_JSON}, {"map", TYPE_JSON}, {"multiset", TYPE_JSON}, {"variant", TYPE_JSON},
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

static bool is_plain_name(const char *name)
{
	if (!isalpha((unsigned char)*name) && *name != '_') return false;
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '_') return false;
	return true;
}

void type_print(Type type, StrBuf *out)
{
	strbuf_adds(out, KIND_NAMES[type.kind]);
	if (type.kind == TYPE_DECIMAL) strbuf_printf(out, "(%d,%d)", type.precision, type.scale);
	if (type.kind != TYPE_ROW) return;
	strbuf_addc(out, '<');
	for (int i = 0; i < type.field_count; i++) {
		if (i) strbuf_adds(out, ", ");
		if (is_plain_name(type.fields[i].name)) strbuf_adds(out, type.fields[i].name);
		else strbuf_add_sql_ident(out, type.fields[i].name);
		strbuf_addc(out, ' ');
		type_print(type.fields[i].type, out);
	}
	strbuf_addc(out, '>');
}

bool type_read(const char *text, Type *type)
{
	size_t bytes = strcspn(text, "(");
	int precision = 0, scale = 0;
	for (int kind = 0; kind < TYPE_ROW; kind++) {
		if (strlen(KIND_NAMES[kind]) != bytes || strncmp(text, KIND_NAMES[kind], bytes) != 0) continue;
		if (kind == TYPE_DECIMAL && sscanf(text + bytes, "(%d,%d)", &precision, &scale) != 2) return false;
		*type = (Type){.kind = (TypeKind)kind, .precision = (uint8_t)precision, .scale = (uint8_t)scale};
		return true;
	}
	return false;
}

const char *type_kind_name(TypeKind kind) { return KIND_NAMES[kind]; }

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
