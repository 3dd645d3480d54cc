#include "format/json_tree.h"

#include <stdlib.h>
#include <strings.h>

void json_tree_init(JsonTree *tree)
{
	*tree = (JsonTree){.root = {.slot = -1, .name = ""}};
}

static void node_release(JsonNode *node)
{
	for (int i = 0; i < node->child_count; i++) {
		free((char *)node->children[i].name);
		node_release(&node->children[i]);
	}
	free(node->children);
	free(node->order);
}

void json_tree_release(JsonTree *tree)
{
	node_release(&tree->root);
	free(tree->slots);
}

static JsonNode *node_child(JsonNode *node, const char *name)
{
	for (int i = 0; i < node->child_count; i++)
		if (strcmp(node->children[i].name, name) == 0) return &node->children[i];
	return NULL;
}

static JsonNode *node_add_child(JsonNode *node, const char *name)
{
	JsonNode *child = node_child(node, name);
	if (child) return child;
	node->children = mem_realloc(node->children, sizeof *node->children * (size_t)(node->child_count + 1));
	if (!node->order) node->order = mem_alloc(sizeof *node->order * JSON_ORDER_MAX);
	child = &node->children[node->child_count++];
	*child = (JsonNode){.name = mem_strdup(name), .name_bytes = (uint32_t)strlen(name), .slot = -1};
	return child;
}

int json_tree_add(JsonTree *tree, const char *const *path, int path_count)
{
	JsonNode *node = &tree->root;
	for (int i = 0; i < path_count; i++) node = node_add_child(node, path[i]);
	if (node->slot >= 0) return node->slot;
	tree->slots = mem_realloc(tree->slots, sizeof *tree->slots * (size_t)(tree->slot_count + 1));
	tree->slots[tree->slot_count] = (JsonSlot){SLOT_MISSING};
	return node->slot = tree->slot_count++;
}

JsonNode *json_tree_node(JsonTree *tree, const char *const *path, int path_count)
{
	JsonNode *node = &tree->root;
	for (int i = 0; node && i < path_count; i++) node = node_child(node, path[i]);
	return node;
}

int json_find_child_slow(JsonNode *node, int i, const char *key, size_t bytes)
{
	int found = CHILD_NONE;
	for (int c = 0; c < node->child_count; c++) {
		JsonNode *child = &node->children[c];
		if (child->name_bytes != bytes) continue;
		if (memcmp(child->name, key, bytes) == 0) { found = c; break; }
		if (strncasecmp(child->name, key, bytes) == 0) found = CHILD_FOLDED;
	}
	if (i <= node->order_count && i < JSON_ORDER_MAX && bytes <= JSON_KEY_BYTES_MAX) {
		JsonOrder *order = &node->order[i];
		order->bytes = (uint8_t)bytes;
		memcpy(order->key, key, bytes);
		order->key[bytes] = 0;
		order->child = (int16_t)found;
		if (i == node->order_count) node->order_count++;
	}
	return found;
}

void json_node_clear(JsonTree *tree, JsonNode *node)
{
	if (node->slot >= 0) tree->slots[node->slot].kind = SLOT_MISSING;
	for (int i = 0; i < node->child_count; i++) {
		node->children[i].stamp = 0;
		json_node_clear(tree, &node->children[i]);
	}
}

bool json_node_take_again(JsonTree *tree, JsonNode *child, JsonMatch match)
{
	if (match == JSON_MATCH_FOLDED && child->match == JSON_MATCH_EXACT) return false;
	json_node_clear(tree, child);
	child->stamp = tree->stamp;
	child->match = match == JSON_MATCH_FOLDED ? JSON_MATCH_AMBIGUOUS : match;
	return match == JSON_MATCH_EXACT;
}

void json_node_no_object(JsonTree *tree, JsonNode *node, bool is_null)
{
	for (int i = 0; i < node->child_count; i++) {
		JsonNode *child = &node->children[i];
		if (child->slot >= 0) tree->slots[child->slot].kind = is_null ? SLOT_MISSING : SLOT_BAD_PARENT;
		json_node_no_object(tree, child, is_null);
	}
}
