/* JSON text as it stands: walked and cut, never built as a tree. Numbers keep their digits, objects their order. Values of type
 * JSON are valid (json_text_is_valid in type/text.h decides); walking anything else ends early, but does no harm. */
#ifndef WEIR_EXPR_JSON_TEXT_H
#define WEIR_EXPR_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "type/batch.h"

/* ---- walking ---- */

/* One value: from its first byte to behind its last, without blanks around. at NULL: there is none. */
typedef struct JsonPart { const char *at, *end; } JsonPart;

JsonPart json_part(const char *at, size_t bytes);               /* the whole text */
static inline size_t json_part_bytes(JsonPart part) { return (size_t)(part.end - part.at); }

/* Members of an array or object, one after the other; false: no more. `key` is the string with its quotes, of objects only. */
typedef struct JsonWalk { const char *at, *end; bool object; JsonPart key, value; } JsonWalk;
JsonWalk json_walk(JsonPart container);                         /* of anything else: no members */
bool json_walk_next(JsonWalk *walk);

/* ---- paths: $.a."b c"[0][#-1], also `lax $.a`; SQLite's and SQL/JSON's common part ---- */

typedef enum JsonStepKind { JSON_STEP_KEY, JSON_STEP_INDEX, JSON_STEP_FROM_END, JSON_STEP_MEMBERS, JSON_STEP_VALUES } JsonStepKind;      /* [*], .* */
typedef struct JsonStep { JsonStepKind kind; const char *key; size_t key_bytes; int64_t index; } JsonStep;

enum { JSON_PATH_STEPS_MAX = 100 };
typedef struct JsonPath { int count; bool has_wildcard, strict; JsonStep steps[JSON_PATH_STEPS_MAX]; } JsonPath;

bool json_path_read(const char *at, size_t bytes, JsonPath *path);       /* keys borrow from the text; false: no path to one place */
bool json_path_read_any(const char *at, size_t bytes, JsonPath *path);   /* wildcards, too */
JsonPart json_path_find(JsonPart value, const JsonStep *steps, int count);
/* All places that a path leads to, in their order, until visit says false. [*] of what is no array is the value itself, but in strict mode. */
typedef bool JsonVisit(JsonPart part, void *context);
bool json_path_each(JsonPart value, const JsonPath *path, JsonVisit *visit, void *context);
JsonPart json_find_key(JsonPart object, const char *key, size_t bytes);  /* the first of this name */
JsonPart json_find_index(JsonPart array, int64_t index);                 /* from 0; negative: from the end, -1 the last */
int64_t json_count(JsonPart container);

/* In order: null, false, true, numbers, text, arrays (member by member), objects (as they stand). 0: the values are equal. */
int json_compare(JsonPart a, JsonPart b);

/* Times as JSON holds them, without quotes: ISO text, or a number of s, ms, us or ns by its size; of days, that of days since 1970. */
bool json_time(const Str *text, int64_t *us);
bool json_date(const Str *text, int64_t *days);

/* ---- printing ---- */

void json_minify(JsonPart part, StrBuf *out);                   /* without blanks between */
void json_print_member(const Value *value, StrBuf *out);        /* a value with its JSON spelling; JSON itself as it stands */
void json_unescape(JsonPart string, StrBuf *out);               /* the text that a string stands for */

typedef enum JsonEdit { JSON_EDIT_INSERT, JSON_EDIT_REPLACE, JSON_EDIT_SET, JSON_EDIT_REMOVE } JsonEdit;
/* Prints value with the place of the path changed to `with` (JSON text), as SQLite's json_insert, json_replace, json_set, json_remove */
void json_edit(JsonPart value, const JsonStep *steps, int count, JsonEdit edit, JsonPart with, StrBuf *out);
/* The entries of two objects; of one key that of the second, where the first has it */
void json_union(JsonPart a, JsonPart b, StrBuf *out);
/* RFC 7396 */
void json_merge(JsonPart target, JsonPart patch, StrBuf *out);

#endif
