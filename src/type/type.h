/* Types: what SQL calls a type, and the five physical forms in which values lie in columns.
 *
 *   SQL type                              physical   value
 *   BOOLEAN, INTEGER                      PHYS_I64   0/1; the integer
 *   DATE                                  PHYS_I64   days since 1970-01-01
 *   TIME                                  PHYS_I64   microseconds since midnight
 *   TIMESTAMP                             PHYS_I64   microseconds since 1970-01-01 00:00:00 UTC
 *   REAL                                  PHYS_F64   finite or infinite, never NaN (NaN becomes NULL), never -0.0 as a key
 *   DECIMAL(p,s)                          PHYS_I128  value * 10^s; |value| < 10^p, p <= 38
 *   TEXT, BLOB, JSON                      PHYS_STR   bytes; TEXT and JSON are valid UTF-8, JSON is valid JSON
 *   INTERVAL                              PHYS_INTERVAL  months, days, microseconds, as PostgreSQL keeps them
 *
 * TYPE_NULL is the type of a bare NULL before something gives it another one; physically PHYS_I64, all NULL.
 * ROW types exist only where a stream's columns are declared; the binder turns `bid.price` into a column of its own (a
 * path that the decoder reads), and a whole ROW, ARRAY or MAP value into JSON. A `Type` is plain data, passed by value.
 *
 * ARRAY and MAP are declared as JSON with one field, the type of their elements, whose name is that of a MAP's keys ("": an ARRAY).
 * JSONB is JSON in PostgreSQL's normal form. Expressions and columns in plans have TYPE(JSON) for all of them (plain_type).
 */
#ifndef WEIR_TYPE_TYPE_H
#define WEIR_TYPE_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/strbuf.h"

typedef enum TypeKind {
	TYPE_NULL, TYPE_BOOLEAN, TYPE_INTEGER, TYPE_REAL, TYPE_DECIMAL, TYPE_TEXT, TYPE_BLOB, TYPE_JSON,
	TYPE_DATE, TYPE_TIME, TYPE_TIMESTAMP, TYPE_INTERVAL, TYPE_ROW,
	TYPE_KIND_COUNT
} TypeKind;

typedef enum PhysKind { PHYS_I64, PHYS_F64, PHYS_I128, PHYS_STR, PHYS_INTERVAL } PhysKind;

typedef struct RowField RowField;

typedef struct Type {
	TypeKind kind;
	uint8_t precision, scale;         /* DECIMAL; of JSON, precision 1 is JSONB */
	uint16_t field_count;             /* ROW; 1 of ARRAY and MAP */
	const RowField *fields;           /* of these; lives as long as the catalog entry or statement */
} Type;

struct RowField { const char *name; Type type; };

#define TYPE(kind_) ((Type){.kind = TYPE_##kind_})

enum { DECIMAL_PRECISION_MAX = 38, DECIMAL_DEFAULT_SCALE = 10, DECIMAL_SCALE_MIN_KEPT = 6 };

static inline Type type_decimal(int precision, int scale)
{
	return (Type){.kind = TYPE_DECIMAL, .precision = (uint8_t)precision, .scale = (uint8_t)scale};
}

static inline PhysKind type_phys(Type type)
{
	switch (type.kind) {
	case TYPE_REAL: return PHYS_F64;
	case TYPE_DECIMAL: return PHYS_I128;
	case TYPE_TEXT: case TYPE_BLOB: case TYPE_JSON: case TYPE_ROW: return PHYS_STR;
	case TYPE_INTERVAL: return PHYS_INTERVAL;
	default: return PHYS_I64;
	}
}

static inline size_t phys_bytes(PhysKind phys) { return phys <= PHYS_F64 ? 8 : 16; }

bool type_equal(Type a, Type b);
/* The same with what ARRAYs and MAPs hold, and JSONB. */
bool type_same_inside(Type a, Type b);
Type type_copy(Arena *arena, Type type);
/* Whether values are kept whole as JSON and have one form for all that are equal (expr/nested.h). */
static inline bool type_is_nested(Type t) { return (t.kind == TYPE_ROW && t.field_count) || (t.kind == TYPE_JSON && (t.field_count || t.precision)); }
/* Of a declared column, as a query sees it: ROW, ARRAY and MAP values are JSON. */
static inline Type plain_type(Type declared) { return declared.kind == TYPE_ROW || declared.kind == TYPE_JSON ? TYPE(JSON) : declared; }
static inline bool type_is_numeric(Type t) { return t.kind == TYPE_INTEGER || t.kind == TYPE_REAL || t.kind == TYPE_DECIMAL; }
/* Whether equal values of the type are equal in the file, too, as SQLite compares: only then can columns be a PRIMARY KEY there. */
bool type_is_exact_in_file(Type type);

/* "DECIMAL(10,2)", "ROW<a INTEGER>", "ARRAY<TEXT>": the spelling that the parser reads back. */
void type_print(Type type, StrBuf *out);
/* What type_print printed; false: anything else. */
bool type_read(const char *at, size_t bytes, Arena *arena, Type *type);
const char *type_kind_name(TypeKind kind);                /* "INTEGER" */

/* A type's name as any of the systems writes it, already without parameters ("varchar", "double precision",
 * "timestamp with time zone"), and its parameters (-1 where absent). Unknown: ERR_UNDEFINED_OBJECT with the nearest name. */
bool type_from_name(const char *name, int parameter_1, int parameter_2, Span span, Type *type, Error *err);

#endif
