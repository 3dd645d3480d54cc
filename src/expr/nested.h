/* Values that are kept whole as JSON — ROW, ARRAY, MAP, JSONB — in the one form that all equal values share, so that GROUP BY, DISTINCT,
 * =, joins and set operations may compare bytes:
 *
 *   ROW     its fields in declared order, each once, null where one is missing; what is not declared falls away
 *   ARRAY   its elements, MAP its entries in order of their keys (binary); of a key that stands twice the last entry
 *   parts   as their declared types print in JSON (value_print_json)
 *   JSONB   entries in order of their keys (length, then binary, as PostgreSQL has them), numbers without zeros that say nothing
 *
 * Values get this form where they come in: when records are decoded, by CAST, and when they are put into a table (json_as).
 */
#ifndef WEIR_EXPR_NESTED_H
#define WEIR_EXPR_NESTED_H

#include "expr/json_text.h"

/* Whether text names a type that has this form, as type_print writes it */
bool is_type_text(const Str *text);
bool is_json_as_mode(const Str *text);

/* A part that is not null as a value of its type: neither ROW nor JSON, unless it has another form than that wants (an array for a ROW).
 * The string may lie anywhere until the next call. false: it is none, and so the whole is none. */
typedef bool NestedPart(void *context, Type type, JsonPart part, Value *out);

/* deep: arrays may have several dimensions, as INT[] has in PostgreSQL */
typedef struct NestedReading { NestedPart *part; void *context; bool deep; } NestedReading;
bool nested_print(JsonPart value, const Type *type, const NestedReading *reading, StrBuf *out);

#endif
