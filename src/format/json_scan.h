/* A JSON parser for what the DOM cannot do: tell which field of a record holds invalid UTF-8, half a surrogate pair or a number that
 * is too large; and give the text of numbers and nested values. As strict as RFC 8259 in all else. Slower than the DOM (about
 * 1 ns a byte): only records that need it come here.
 */
#ifndef WEIR_FORMAT_JSON_SCAN_H
#define WEIR_FORMAT_JSON_SCAN_H

#include "base/arena.h"
#include "base/strbuf.h"
#include "format/json_tree.h"

typedef struct JsonSpan { const char *at; size_t bytes; } JsonSpan;

typedef struct JsonScan {
	Arena scratch;                /* decoded strings; cleared by each call */
	JsonSpan *raws;               /* per slot: the text of the value as it stands in the record (kinds NULL to BAD_UTF8) */
	int raw_count;
	char error[128];              /* why the record is no JSON object, one line */
} JsonScan;

void json_scan_init(JsonScan *scan);
void json_scan_release(JsonScan *scan);

/* Fills the tree's slots and scan->raws. Numbers are SLOT_NUMBER, nested values SLOT_NESTED with their text, strings are decoded;
 * all point into the text or the scratch. False: the record is not one whole JSON object. */
bool json_scan_parse(JsonScan *scan, JsonTree *tree, const char *text, size_t bytes);

/* Calls `each` for every field of a JSON object, in order; values as they stand in the text. Stops when it returns false. False: the
 * text is no JSON object, or `each` said so. */
typedef bool JsonEachField(void *context, const char *name, size_t name_bytes, JsonSpan value);
bool json_each_field(const char *text, size_t bytes, JsonEachField *each, void *context);
/* The text of a JSON string (with its quotes); NULL: half a surrogate pair. */
const char *json_string_text(Arena *scratch, JsonSpan string, size_t *bytes);

/* JSON text without the blanks between its parts. */
void json_add_minified(StrBuf *out, const char *text, size_t bytes);

/* Whether the text is one JSON value. */
bool json_is_valid(const char *text, size_t bytes);

/* Whether somewhere 16 or more characters of a number (digits and a point) follow each other. */
bool json_has_long_number(const char *text, size_t bytes);

/* A JSON string with quotes; the text must be UTF-8. */
void json_add_string(StrBuf *out, const char *text, size_t bytes);

#endif
