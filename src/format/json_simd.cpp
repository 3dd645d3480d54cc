// The DOM is taken instead of the faster on-demand parser because that one overlooks broken values in fields that nobody reads,
// and then the answer to "is this record good?" would depend on the query.
#include "format/json_simd.h"

#include <simdjson.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <strings.h>

extern "C" {
#include "base/arena.h"
}

using namespace simdjson;

struct JsonSimd {
	dom::parser parser{SIMDJSON_MAXSIZE_BYTES};
	char *padded = nullptr;
	size_t room = 0;
};

// A record of some MiB shall not keep its memory for good.
static const size_t KEPT_BYTES = 1 << 20;

extern "C" JsonSimd *json_simd_new(void)
{
	static_assert(alignof(JsonSimd) <= alignof(std::max_align_t), "mem_alloc aligns for plain types");
	return new (mem_alloc(sizeof(JsonSimd))) JsonSimd();
}

extern "C" void json_simd_free(JsonSimd *simd)
{
	if (!simd) return;
	free(simd->padded);
	simd->~JsonSimd();
	free(simd);
}

static bool make_room(JsonSimd *simd, size_t bytes)
{
	if (bytes + SIMDJSON_PADDING <= simd->room && !(simd->room > KEPT_BYTES && bytes < KEPT_BYTES / 2)) return true;
	size_t room = bytes + bytes / 2 + SIMDJSON_PADDING + 4096;
	free(simd->padded);
	simd->padded = static_cast<char *>(calloc(1, room));
	simd->room = simd->padded ? room : 0;
	return simd->padded && simd->parser.allocate(bytes + bytes / 2 + 4096) == SUCCESS;
}

// The parser may look at SIMDJSON_PADDING bytes behind the text. Memory is protected by pages, so where they are on the page on which
// the text ends they can be read, whatever they are; only other records are copied to where there is room behind them.
static inline bool padding_is_readable(const char *text, size_t bytes)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	(void)text, (void)bytes;
	return false;
#else
	return (reinterpret_cast<uintptr_t>(text + bytes - 1) & 4095) + SIMDJSON_PADDING < 4096;
#endif
}

static void walk(JsonTree *tree, JsonNode *node, dom::object object);

static inline void fill(JsonSlot *slot, dom::element value)
{
	switch (value.type()) {
	case dom::element_type::STRING: {
		slot->kind = SLOT_STRING;
		slot->at = value.get_c_str().value_unsafe();
		slot->bytes = value.get_string_length().value_unsafe();
		break;
	}
	case dom::element_type::INT64: slot->kind = SLOT_INT; slot->i64 = value.get_int64().value_unsafe(); break;
	case dom::element_type::UINT64: slot->kind = SLOT_UINT; slot->u64 = value.get_uint64().value_unsafe(); break;
	case dom::element_type::DOUBLE: slot->kind = SLOT_REAL; slot->f64 = value.get_double().value_unsafe(); break;
	case dom::element_type::BOOL: slot->kind = value.get_bool().value_unsafe() ? SLOT_TRUE : SLOT_FALSE; break;
	case dom::element_type::NULL_VALUE: slot->kind = SLOT_NULL; break;
	case dom::element_type::ARRAY: case dom::element_type::OBJECT: slot->kind = SLOT_NESTED; slot->at = nullptr; slot->bytes = 0; break;
	}
}

static inline void put(JsonTree *tree, JsonNode *node, dom::element value)
{
	if (node->slot >= 0) fill(&tree->slots[node->slot], value);
	if (!node->child_count) return;
	if (value.type() == dom::element_type::OBJECT) walk(tree, node, value.get_object().value_unsafe());
	else json_node_no_object(tree, node, value.is_null());
}

static void put_folded(JsonTree *tree, JsonNode *node, std::string_view key, dom::element value)
{
	for (int i = 0; i < node->child_count; i++) {
		JsonNode *child = &node->children[i];
		if (child->name_bytes == key.size() && strncasecmp(child->name, key.data(), key.size()) == 0
			&& json_node_take(tree, child, JSON_MATCH_FOLDED)) put(tree, child, value);
	}
}

static void walk(JsonTree *tree, JsonNode *node, dom::object object)
{
	int i = 0;
	for (auto field = object.begin(), end = object.end(); field != end; ++field, i++) {
		std::string_view key = field.key();
		int child = json_find_child(node, i, key.data(), key.size());
		if (child >= 0) {
			if (json_node_take(tree, &node->children[child], JSON_MATCH_EXACT)) put(tree, &node->children[child], field.value());
		} else if (child == CHILD_FOLDED) put_folded(tree, node, key, field.value());
	}
}

extern "C" JsonSimdResult json_simd_parse(JsonSimd *simd, JsonTree *tree, const char *text, size_t bytes)
{
	json_tree_begin(tree);
	if (bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) text += 3, bytes -= 3;      // byte order mark
	if (!make_room(simd, bytes)) return JSON_SIMD_REFUSED;
	if (!padding_is_readable(text, bytes)) {
		memcpy(simd->padded, text, bytes);
		text = simd->padded;
	}
	dom::element document;
	if (simd->parser.parse(text, bytes, false).get(document)) return JSON_SIMD_REFUSED;
	dom::object object;
	if (document.get_object().get(object)) return JSON_SIMD_NO_OBJECT;
	if (tree->root.slot >= 0) fill(&tree->slots[tree->root.slot], document);
	if (tree->root.child_count) walk(tree, &tree->root, object);
	return JSON_SIMD_OK;
}
