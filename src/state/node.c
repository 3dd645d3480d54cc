#include "state/node.h"

int key_compare(Key a, Key b)
{
	uint32_t least = a.bytes < b.bytes ? a.bytes : b.bytes;
	int order = least ? memcmp(a.at, b.at, least) : 0;
	return order ? order : (a.bytes > b.bytes) - (a.bytes < b.bytes);
}

uint32_t key_common(Key a, Key b)
{
	uint32_t least = a.bytes < b.bytes ? a.bytes : b.bytes, i = 0;
	while (i < least && a.at[i] == b.at[i]) i++;
	return i;
}

/* Four bytes from `skip` on as a number that sorts as they do; missing ones count as zeros, so equal heads decide nothing. */
static inline uint32_t key_head(Key key, uint32_t skip)
{
	unsigned char bytes[4] = {0};
	if (key.bytes >= skip + 4) memcpy(bytes, key.at + skip, 4);
	else if (key.bytes > skip) memcpy(bytes, key.at + skip, key.bytes - skip);
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

void node_init(Node *node, int level, uint32_t payload_bytes)
{
	memset(node, 0, NODE_BYTES);
	node->level = (uint16_t)level;
	node->heap = NODE_BYTES;
	node->payload_bytes = (uint16_t)((payload_bytes + 7) & ~7u);
}

Key node_key(const State *state, const Node *node, int i)
{
	const NodeSlot *slot = &node->slots[i];
	const char *at = (const char *)node + slot->at + node->payload_bytes;
	if (slot->key_bytes != NODE_KEY_LONG) return (Key){at, slot->key_bytes};
	Key key;
	StateHandle blob;
	memcpy(&blob, at, 4);
	key.at = state_blob_at(state, blob, &key.bytes);
	return key;
}

static uint32_t key_area(uint32_t key_field) { return key_field == NODE_KEY_LONG ? NODE_KEY_LONG_BYTES : key_field; }

static uint32_t entry_bytes(const Node *node, uint32_t key_field) { return node->payload_bytes + ((key_area(key_field) + 7) & ~7u); }

int node_search(const State *state, const Node *node, Key key, bool *equal)
{
	*equal = false;
	if (node->count == 0) return 0;
	if (node->skip) {
		Key first = node_key(state, node, 0);
		int order = key_compare((Key){key.at, key.bytes < node->skip ? key.bytes : node->skip}, (Key){first.at, node->skip});
		if (order) return order < 0 ? 0 : node->count;
	}
	uint32_t head = key_head(key, node->skip);
	int low = 0, high = node->count;
	while (low < high) {
		int middle = (low + high) / 2;
		uint32_t other = node->slots[middle].head;
		int order = other < head ? -1 : other > head ? 1 : key_compare(node_key(state, node, middle), key);
		if (order == 0) {
			*equal = true;
			return middle;
		}
		if (order < 0) low = middle + 1;
		else high = middle;
	}
	return low;
}

static void node_set_skip(const State *state, Node *node, uint32_t skip)
{
	node->skip = (uint16_t)skip;
	for (int i = 0; i < node->count; i++) node->slots[i].head = key_head(node_key(state, node, i), skip);
}

static void skip_include(const State *state, Node *node, Key key)
{
	enum { SKIP_MAX = 0xfff0 };
	if (node->count == 0) {
		node->skip = (uint16_t)(key.bytes < SKIP_MAX ? key.bytes : SKIP_MAX);
		return;
	}
	if (node->skip == 0) return;
	Key first = node_key(state, node, 0);
	uint32_t common = key_common((Key){first.at, node->skip}, key);
	if (common < node->skip) node_set_skip(state, node, common);
}

static void node_compact(Node *node)
{
	char copy[NODE_BYTES];
	uint32_t heap = NODE_BYTES;
	for (int i = 0; i < node->count; i++) {
		NodeSlot *slot = &node->slots[i];
		uint32_t bytes = entry_bytes(node, slot->key_bytes);
		heap -= bytes;
		memcpy(copy + heap, (char *)node + slot->at, bytes);
		slot->at = (uint16_t)heap;
	}
	char *low = (char *)&node->slots[node->count];
	memset(low, 0, (size_t)((char *)node + heap - low));
	memcpy((char *)node + heap, copy + heap, NODE_BYTES - heap);
	node->heap = (uint16_t)heap;
	node->garbage = 0;
}

uint32_t node_used_bytes(const Node *node)
{
	return NODE_BYTES - node->heap - node->garbage + node->count * (uint32_t)sizeof(NodeSlot);
}

/* Room for an entry at slot i, its payload zeroed; NULL: full. */
static char *node_open(Node *node, int i, uint32_t key_field)
{
	uint32_t bytes = entry_bytes(node, key_field), wanted = bytes + (uint32_t)sizeof(NodeSlot);
	if (node_used_bytes(node) + wanted > node_room_bytes()) return NULL;
	if (NODE_HEAD_BYTES + node->count * sizeof(NodeSlot) + wanted > node->heap) node_compact(node);
	memmove(&node->slots[i + 1], &node->slots[i], (size_t)(node->count - i) * sizeof(NodeSlot));
	node->heap -= (uint16_t)bytes;
	node->slots[i] = (NodeSlot){.at = node->heap, .key_bytes = (uint16_t)key_field};
	node->count++;
	return memset((char *)node + node->heap, 0, bytes);
}

void *node_insert(State *state, Node *node, int i, Key key)
{
	uint32_t field = key.bytes <= NODE_KEY_INLINE_MAX ? key.bytes : NODE_KEY_LONG;
	if (node_used_bytes(node) + entry_bytes(node, field) + sizeof(NodeSlot) > node_room_bytes()) return NULL;
	skip_include(state, node, key);
	char *payload = node_open(node, i, field);
	if (field != NODE_KEY_LONG) {
		if (field) memcpy(payload + node->payload_bytes, key.at, field);
	} else {
		StateHandle blob = state_blob_new(state, key.at, key.bytes);
		memcpy(payload + node->payload_bytes, &blob, 4);
	}
	node->slots[i].head = key_head(key, node->skip);
	return payload;
}

/* Takes the entry out without freeing what its key may hold outside. */
static void node_close(Node *node, int i)
{
	uint32_t bytes = entry_bytes(node, node->slots[i].key_bytes);
	memset((char *)node + node->slots[i].at, 0, bytes);
	if (node->slots[i].at == node->heap) node->heap += (uint16_t)bytes;
	else node->garbage += (uint16_t)bytes;
	node->count--;
	memmove(&node->slots[i], &node->slots[i + 1], (size_t)(node->count - i) * sizeof(NodeSlot));
	memset(&node->slots[node->count], 0, sizeof(NodeSlot));
	if (node->count == 0) node->heap = NODE_BYTES, node->garbage = node->skip = 0;
}

void node_remove(State *state, Node *node, int i)
{
	if (node->slots[i].key_bytes == NODE_KEY_LONG) {
		StateHandle blob;
		memcpy(&blob, (char *)node + node->slots[i].at + node->payload_bytes, 4);
		state_blob_free(state, blob);
	}
	node_close(node, i);
}

/* The keys of a node are in order, so what the first and the last share all share. */
static void node_widen_skip(const State *state, Node *node)
{
	if (node->count == 0) return;
	uint32_t common = key_common(node_key(state, node, 0), node_key(state, node, node->count - 1));
	node_set_skip(state, node, common < 0xfff0 ? common : 0xfff0);
}

bool node_move(const State *state, Node *node, int from, Node *to)
{
	uint32_t bytes = 0;
	for (int i = from; i < node->count; i++) bytes += entry_bytes(node, node->slots[i].key_bytes) + (uint32_t)sizeof(NodeSlot);
	if (node_used_bytes(to) + bytes > node_room_bytes()) return false;
	for (int i = from; i < node->count; i++) {
		char *entry = node_open(to, to->count, node->slots[i].key_bytes);
		memcpy(entry, (char *)node + node->slots[i].at, entry_bytes(node, node->slots[i].key_bytes));
	}
	while (node->count > from) node_close(node, node->count - 1);
	node_widen_skip(state, to);
	node_widen_skip(state, node);
	return true;
}

void node_check(const State *state, const Node *node)
{
	uint32_t bytes = 0;
	SOUND(NODE_HEAD_BYTES + node->count * sizeof(NodeSlot) <= node->heap && node->heap <= NODE_BYTES);
	for (int i = 0; i < node->count; i++) {
		Key key = node_key(state, node, i), first = node_key(state, node, 0);
		SOUND(node->slots[i].at >= node->heap && node->slots[i].at % 8 == 0);
		SOUND(key.at && key.bytes >= node->skip && memcmp(key.at, first.at, node->skip) == 0);
		SOUND(node->slots[i].head == key_head(key, node->skip));
		if (i > 0) SOUND(key_compare(node_key(state, node, i - 1), key) < 0);
		bytes += entry_bytes(node, node->slots[i].key_bytes);
	}
	SOUND(bytes + node->garbage + node->heap == NODE_BYTES);
}
