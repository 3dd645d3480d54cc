/* The wanted fields of a JSON object as a tree, and the values found for them in one record.
 *
 * Two parsers fill it: json_simd.cpp (simdjson's DOM, nearly every record) and json_scan.c (records that the DOM refuses, and raw
 * text). Both walk an object's fields in the order of the text and ask json_match() for each; it answers from the order that the
 * previous record had, so a field costs one comparison. Names: the exact one, else ignoring case (ASCII) if only one fits; of two
 * fields of one name the last counts.
 */
#ifndef WEIR_FORMAT_JSON_TREE_H
#define WEIR_FORMAT_JSON_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum SlotKind {
	SLOT_MISSING,                 /* no such field, or the object around it is missing or null */
	SLOT_NULL,
	SLOT_TRUE, SLOT_FALSE,
	SLOT_INT,                     /* i64 */
	SLOT_UINT,                    /* u64 > INT64_MAX */
	SLOT_REAL,                    /* f64; its text is known only to json_scan */
	SLOT_STRING,                  /* decoded: at, bytes; valid UTF-8 */
	SLOT_NUMBER,                  /* json_scan only: the text of any number */
	SLOT_NESTED,                  /* object or array; json_scan: its text */
	SLOT_BYTES,                   /* bytes that nobody has checked: keys, raw values, CSV fields */
	SLOT_BAD_UTF8,                /* a string that is no UTF-8 or has half a surrogate pair: at is the place, bytes its offset */
	SLOT_BAD_PARENT,              /* the value around it is no object */
} SlotKind;

typedef struct JsonSlot {
	SlotKind kind;
	union {
		int64_t i64;
		uint64_t u64;
		double f64;
		struct { const char *at; size_t bytes; };
	};
} JsonSlot;

typedef enum JsonMatch { JSON_MATCH_NONE, JSON_MATCH_EXACT, JSON_MATCH_FOLDED, JSON_MATCH_AMBIGUOUS } JsonMatch;

enum { JSON_ORDER_MAX = 128, JSON_KEY_BYTES_MAX = 60, JSON_DEPTH_MAX = 1024 };

/* What the i-th field of the previous record was called and which child that is. */
typedef struct JsonOrder {
	int16_t child;                /* CHILD_NONE, CHILD_FOLDED */
	uint8_t bytes;
	char key[JSON_KEY_BYTES_MAX + 1];
} JsonOrder;                      /* 64 bytes */

enum { CHILD_NONE = -1, CHILD_FOLDED = -2 };

typedef struct JsonNode JsonNode;
struct JsonNode {
	const char *name;
	uint32_t name_bytes;
	int slot;                     /* -1: nobody wants the value itself */
	JsonNode *children;
	int child_count;
	JsonOrder *order;             /* JSON_ORDER_MAX of them where there are children */
	int order_count;
	uint64_t stamp;               /* the record in which this field was last seen */
	JsonMatch match;
};

typedef struct JsonTree {
	JsonNode root;
	JsonSlot *slots;
	int slot_count;
	uint64_t stamp;               /* number of the current record */
} JsonTree;

/* Which child a field is; CHILD_FOLDED: some child's name but for case. */
int json_find_child_slow(JsonNode *node, int i, const char *key, size_t bytes);

/* memcmp of short names without the call, which costs more than the comparison. */
static inline bool json_bytes_equal(const char *a, const char *b, size_t bytes)
{
	uint64_t a8, b8, a_last, b_last;
	uint32_t a4, b4, a_end, b_end;
	if (bytes >= 8) {
		for (size_t i = 0; i + 8 <= bytes; i += 8) {
			memcpy(&a8, a + i, 8), memcpy(&b8, b + i, 8);
			if (a8 != b8) return false;
		}
		memcpy(&a_last, a + bytes - 8, 8), memcpy(&b_last, b + bytes - 8, 8);
		return a_last == b_last;
	}
	if (bytes >= 4) {
		memcpy(&a4, a, 4), memcpy(&b4, b, 4);
		memcpy(&a_end, a + bytes - 4, 4), memcpy(&b_end, b + bytes - 4, 4);
		return a4 == b4 && a_end == b_end;
	}
	for (size_t i = 0; i < bytes; i++)
		if (a[i] != b[i]) return false;
	return true;
}

static inline int json_find_child(JsonNode *node, int i, const char *key, size_t bytes)
{
	if (i < node->order_count && node->order[i].bytes == bytes && json_bytes_equal(node->order[i].key, key, bytes)) return node->order[i].child;
	return json_find_child_slow(node, i, key, bytes);
}

/* Every slot below is missing again. */
void json_node_clear(JsonTree *tree, JsonNode *node);

/* Whether a field that was found takes the child's place: an exact name beats another case, the last of one name the first. */
bool json_node_take_again(JsonTree *tree, JsonNode *child, JsonMatch match);
static inline bool json_node_take(JsonTree *tree, JsonNode *child, JsonMatch match)
{
	if (child->stamp == tree->stamp) return json_node_take_again(tree, child, match);
	child->stamp = tree->stamp;
	child->match = match;
	return true;
}

/* Starts a record: all slots are missing. */
static inline void json_tree_begin(JsonTree *tree)
{
	tree->stamp++;
	for (int i = 0; i < tree->slot_count; i++) tree->slots[i].kind = SLOT_MISSING;
}

/* `node` was found but is no object: null leaves its fields missing, all else makes them bad. */
void json_node_no_object(JsonTree *tree, JsonNode *node, bool is_null);

#ifdef __cplusplus
}
#else

#include "base/arena.h"

/* Adds a path and returns its slot; the same path gives the same slot. */
void json_tree_init(JsonTree *tree);
int json_tree_add(JsonTree *tree, const char *const *path, int path_count);
void json_tree_release(JsonTree *tree);

/* The node of a path, NULL if none. */
JsonNode *json_tree_node(JsonTree *tree, const char *const *path, int path_count);

#endif
#endif
