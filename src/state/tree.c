/* StateTree: a B+-tree (Bayer and McCreight 1972) of 4 KiB nodes, eight to a page; small nodes because a change moves half a node's slots
 * and a search touches few lines of each. Rejected: nodes as large as pages (32 KiB: four times the bytes moved a change), prefixes cut off keys (a
 * cursor could not give the key without copying it).
 *
 * The root is the only node of the highest level, so nothing besides the nodes is saved. Separators of inner nodes are cut to what tells the
 * neighbours apart. A node that falls below a quarter is joined with a neighbour under the same parent if both fit in three quarters.
 */
#include <stdlib.h>

#include "state/node.h"

enum { TREE_DEPTH_MAX = 16 };

struct StateTree {
	State *state;
	uint16_t part;
	uint32_t payload_bytes;
	Pool pool;
	uint32_t root;                /* granule; 0: empty */
	uint32_t first_leaf;
	uint64_t count;
	uint64_t version;             /* of inserts and removes: cursors of an older one are invalid */
};

/* The way from the root to a leaf: child `at` of each inner node was taken, entry `at` of the leaf is meant. */
typedef struct Path { struct { Node *node; int at; } steps[TREE_DEPTH_MAX]; int leaf; } Path;

static inline Node *node_at(const StateTree *tree, uint32_t id) { return granule_at(tree->state, id); }
static inline void node_mark(const StateTree *tree, Node *node) { record_mark(tree->state, node); }

static uint32_t child_of(const Node *node, int at)
{
	if (at == 0) return node->first_child;
	uint32_t child;
	memcpy(&child, node_payload(node, at - 1), 4);
	return child;
}

static Node *tree_node_new(StateTree *tree, int level)
{
	Node *node = pool_take(tree->state, &tree->pool);
	node_init(node, level, level ? sizeof(uint32_t) : tree->payload_bytes);
	return node;
}

static bool tree_descend(const StateTree *tree, Key key, Path *path)
{
	bool equal = false;
	Node *node = node_at(tree, tree->root);
	path->leaf = 0;
	for (;; path->leaf++) {
		assert(path->leaf < TREE_DEPTH_MAX);
		int at = node_search(tree->state, node, key, &equal);
		if (node->level && equal) at++;
		path->steps[path->leaf].node = node;
		path->steps[path->leaf].at = at;
		if (!node->level) return equal;
		node = node_at(tree, child_of(node, at));
	}
}

/* ---- adding ---- */

static void leaf_link_after(StateTree *tree, Node *left, Node *right)
{
	right->next = left->next;
	right->previous = granule_of(left);
	if (left->next) {
		Node *after = node_at(tree, left->next);
		node_mark(tree, after);
		after->previous = granule_of(right);
	}
	left->next = granule_of(right);
}

static int split_point(const Node *node, int at)
{
	if (at == node->count && node->next == 0 && node->level == 0) return node->count;       /* growing at the end: leave the left one full */
	uint32_t bytes = 0, half = node_used_bytes(node) / 2;
	for (int i = 0; i < node->count; i++) {
		if (bytes >= half) return i > 0 ? i : 1;
		uint32_t key = node->slots[i].key_bytes;
		bytes += node->payload_bytes + (key == NODE_KEY_LONG ? NODE_KEY_LONG_BYTES : key) + (uint32_t)sizeof(NodeSlot);
	}
	return node->count - 1;
}

static void *tree_insert_at(StateTree *tree, Path *path, int step, Key key);

static void root_raise(StateTree *tree, Node *old)
{
	Node *root = tree_node_new(tree, old->level + 1);
	root->first_child = granule_of(old);
	tree->root = granule_of(root);
}

/* Puts the separator of a new right neighbour into the parent, which may split in turn. */
static void parent_insert(StateTree *tree, Path *path, int step, Key separator, uint32_t right)
{
	if (step == 0) {
		root_raise(tree, path->steps[0].node);
		memcpy(node_insert(tree->state, node_at(tree, tree->root), 0, separator), &right, 4);
		return;
	}
	memcpy(tree_insert_at(tree, path, step - 1, separator), &right, 4);
}

static void *leaf_split_insert(StateTree *tree, Path *path, int step, Key key)
{
	Node *left = path->steps[step].node, *right = tree_node_new(tree, 0);
	int at = path->steps[step].at, split = split_point(left, at);
	leaf_link_after(tree, left, right);
	bool moved = node_move(tree->state, left, split, right);
	assert(moved);
	(void)moved;
	void *payload = at >= split ? node_insert(tree->state, right, at - split, key) : node_insert(tree->state, left, at, key);
	assert(payload);
	Key first = node_key(tree->state, right, 0);
	uint32_t common = key_common(node_key(tree->state, left, left->count - 1), first);
	parent_insert(tree, path, step, (Key){first.at, common + 1}, granule_of(right));
	return payload;
}

/* The entry in the middle goes up: its key becomes the separator, its child the right one's first. */
static void *inner_split_insert(StateTree *tree, Path *path, int step, Key key)
{
	Node *left = path->steps[step].node, *right = tree_node_new(tree, left->level);
	int at = path->steps[step].at, split = split_point(left, at);
	if (split >= left->count - 1) split = left->count - 2;
	node_move(tree->state, left, split + 1, right);
	right->first_child = child_of(left, split + 1);
	Key middle = node_key(tree->state, left, split);
	char *copy = memcpy(mem_alloc(middle.bytes), middle.at, middle.bytes);
	node_remove(tree->state, left, split);
	void *payload = at <= split ? node_insert(tree->state, left, at, key) : node_insert(tree->state, right, at - split - 1, key);
	assert(payload);
	parent_insert(tree, path, step, (Key){copy, middle.bytes}, granule_of(right));
	free(copy);
	return payload;
}

static void *tree_insert_at(StateTree *tree, Path *path, int step, Key key)
{
	Node *node = path->steps[step].node;
	node_mark(tree, node);
	void *payload = node_insert(tree->state, node, path->steps[step].at, key);
	if (payload) return payload;
	return node->level ? inner_split_insert(tree, path, step, key) : leaf_split_insert(tree, path, step, key);
}

void *state_tree_upsert(StateTree *tree, const void *key_at, uint32_t key_bytes, bool *added)
{
	Key key = {key_at, key_bytes};
	Path path;
	assert(key_bytes <= STATE_RECORD_BYTES_MAX);
	if (!tree->root) tree->root = tree->first_leaf = granule_of(tree_node_new(tree, 0));
	bool found = tree_descend(tree, key, &path);
	if (added) *added = !found;
	if (found) {
		Node *leaf = path.steps[path.leaf].node;
		node_mark(tree, leaf);
		return node_payload(leaf, path.steps[path.leaf].at);
	}
	tree->version++;
	tree->count++;
	return tree_insert_at(tree, &path, path.leaf, key);
}

/* ---- removing ---- */

static void tree_node_free(StateTree *tree, Node *node) { pool_give(tree->state, &tree->pool, node); }

static void leaf_unlink(StateTree *tree, Node *leaf)
{
	if (leaf->previous) {
		Node *before = node_at(tree, leaf->previous);
		node_mark(tree, before);
		before->next = leaf->next;
	} else {
		tree->first_leaf = leaf->next;
	}
	if (leaf->next) {
		Node *after = node_at(tree, leaf->next);
		node_mark(tree, after);
		after->previous = leaf->previous;
	}
}

/* Removes child `at` of an inner node; false: it was the only one. */
static bool child_remove(StateTree *tree, Node *node, int at)
{
	node_mark(tree, node);
	if (at == 0 && node->count == 0) return false;
	if (at == 0) node->first_child = child_of(node, 1);
	node_remove(tree->state, node, at ? at - 1 : 0);
	return true;
}

/* The node of this step has no entry any more: it goes, and so do parents that had no other child. */
static void path_prune(StateTree *tree, Path *path, int step)
{
	Node *node = path->steps[step].node;
	if (!node->level) leaf_unlink(tree, node);
	for (;; step--) {
		tree_node_free(tree, path->steps[step].node);
		if (step == 0) {
			tree->root = tree->first_leaf = 0;
			return;
		}
		if (child_remove(tree, path->steps[step - 1].node, path->steps[step - 1].at)) return;
	}
}

/* Joins child at + 1 of the parent into child at if both fit in three quarters of one. */
static bool children_join(StateTree *tree, Node *parent, int at)
{
	Node *left = node_at(tree, child_of(parent, at)), *right = node_at(tree, child_of(parent, at + 1));
	Key separator = node_key(tree->state, parent, at);
	uint32_t bytes = node_used_bytes(left) + node_used_bytes(right) + (left->level ? separator.bytes + 32 : 0);
	if (bytes > node_room_bytes() * 3 / 4) return false;
	node_mark(tree, left);
	node_mark(tree, right);
	if (left->level) memcpy(node_insert(tree->state, left, left->count, separator), &right->first_child, 4);
	else leaf_unlink(tree, right);
	bool moved = node_move(tree->state, right, 0, left);
	assert(moved);
	(void)moved;
	tree_node_free(tree, right);
	child_remove(tree, parent, at + 1);
	return true;
}

static void root_lower(StateTree *tree)
{
	for (Node *root = node_at(tree, tree->root); root->level && root->count == 0; root = node_at(tree, tree->root)) {
		tree->root = root->first_child;
		tree_node_free(tree, root);
	}
}

static bool node_is_small(const Node *node) { return node_used_bytes(node) < node_room_bytes() / 4; }

static void path_shrink(StateTree *tree, Path *path, int step)
{
	for (; step > 0 && node_is_small(path->steps[step].node); step--) {
		Node *parent = path->steps[step - 1].node;
		int at = path->steps[step - 1].at;
		bool joined = at < parent->count && children_join(tree, parent, at);
		if (!joined && at > 0) joined = children_join(tree, parent, at - 1);
		if (!joined) break;
	}
	root_lower(tree);
}

static void path_remove(StateTree *tree, Path *path)
{
	Node *leaf = path->steps[path->leaf].node;
	tree->version++;
	tree->count--;
	node_mark(tree, leaf);
	node_remove(tree->state, leaf, path->steps[path->leaf].at);
	if (leaf->count == 0) {
		path_prune(tree, path, path->leaf);
		if (tree->root) root_lower(tree);
	} else if (node_is_small(leaf)) {
		path_shrink(tree, path, path->leaf);
	}
}

bool state_tree_remove(StateTree *tree, const void *key_at, uint32_t key_bytes)
{
	Path path;
	if (!tree->root || !tree_descend(tree, (Key){key_at, key_bytes}, &path)) return false;
	path_remove(tree, &path);
	return true;
}

/* ---- finding, cursors ---- */

void *state_tree_find(StateTree *tree, const void *key_at, uint32_t key_bytes)
{
	Path path;
	if (!tree->root || !tree_descend(tree, (Key){key_at, key_bytes}, &path)) return NULL;
	return node_payload(path.steps[path.leaf].node, path.steps[path.leaf].at);
}

static void cursor_set(StateTree *tree, StateCursor *cursor, uint32_t leaf, int slot)
{
	*cursor = (StateCursor){.tree = tree, .leaf = leaf, .slot = (uint32_t)slot, .version = tree->version, .valid = true};
}

/* Behind the last entry of a leaf: the first of the next one. */
static void cursor_settle(StateCursor *cursor)
{
	const Node *leaf = node_at(cursor->tree, cursor->leaf);
	if (cursor->slot < leaf->count) return;
	cursor->leaf = leaf->next;
	cursor->slot = 0;
	cursor->valid = leaf->next != 0;
}

void state_tree_seek(StateTree *tree, StateCursor *cursor, const void *key_at, uint32_t key_bytes)
{
	*cursor = (StateCursor){.tree = tree};
	if (!tree->root) return;
	Path path;
	tree_descend(tree, (Key){key_at, key_bytes}, &path);
	cursor_set(tree, cursor, granule_of(path.steps[path.leaf].node), path.steps[path.leaf].at);
	cursor_settle(cursor);
}

static bool cursor_back(StateCursor *cursor)
{
	if (cursor->slot > 0) {
		cursor->slot--;
		return true;
	}
	uint32_t before = node_at(cursor->tree, cursor->leaf)->previous;
	cursor->valid = before != 0;
	if (!before) return false;
	cursor->leaf = before;
	cursor->slot = node_at(cursor->tree, before)->count - 1u;
	return true;
}

void state_tree_seek_before(StateTree *tree, StateCursor *cursor, const void *key_at, uint32_t key_bytes)
{
	*cursor = (StateCursor){.tree = tree};
	if (!tree->root) return;
	Path path;
	tree_descend(tree, (Key){key_at, key_bytes}, &path);
	cursor_set(tree, cursor, granule_of(path.steps[path.leaf].node), path.steps[path.leaf].at);
	cursor_back(cursor);
}

void state_tree_first(StateTree *tree, StateCursor *cursor)
{
	*cursor = (StateCursor){.tree = tree};
	if (tree->root) cursor_set(tree, cursor, tree->first_leaf, 0);
}

void state_tree_last(StateTree *tree, StateCursor *cursor)
{
	*cursor = (StateCursor){.tree = tree};
	if (!tree->root) return;
	const Node *node = node_at(tree, tree->root);
	while (node->level) node = node_at(tree, child_of(node, node->count));
	cursor_set(tree, cursor, granule_of(node), node->count - 1);
}

static const Node *cursor_leaf(const StateCursor *cursor)
{
	assert(cursor->valid && cursor->version == cursor->tree->version);
	return node_at(cursor->tree, cursor->leaf);
}

bool state_cursor_next(StateCursor *cursor)
{
	cursor_leaf(cursor);
	cursor->slot++;
	cursor_settle(cursor);
	return cursor->valid;
}

bool state_cursor_prev(StateCursor *cursor)
{
	cursor_leaf(cursor);
	return cursor_back(cursor);
}

const void *state_cursor_key(const StateCursor *cursor, uint32_t *key_bytes)
{
	Key key = node_key(cursor->tree->state, cursor_leaf(cursor), (int)cursor->slot);
	*key_bytes = key.bytes;
	return key.at;
}

void *state_cursor_payload(const StateCursor *cursor) { return node_payload(cursor_leaf(cursor), (int)cursor->slot); }

void *state_cursor_change(StateCursor *cursor)
{
	const Node *leaf = cursor_leaf(cursor);
	record_mark(cursor->tree->state, leaf);
	return node_payload(leaf, (int)cursor->slot);
}

void state_cursor_remove(StateCursor *cursor)
{
	StateTree *tree = cursor->tree;
	Node *leaf = (Node *)(uintptr_t)cursor_leaf(cursor);
	if (leaf->count > 1 && !node_is_small(leaf)) {         /* no other node changes */
		node_mark(tree, leaf);
		node_remove(tree->state, leaf, (int)cursor->slot);
		tree->count--;
		cursor->version = ++tree->version;
		cursor_settle(cursor);
		return;
	}
	Key key = node_key(tree->state, leaf, (int)cursor->slot);
	char *copy = memcpy(mem_alloc(key.bytes + 1), key.at, key.bytes);
	state_tree_remove(tree, copy, key.bytes);
	state_tree_seek(tree, cursor, copy, key.bytes);
	free(copy);
}

uint64_t state_tree_count(const StateTree *tree) { return tree->count; }

/* ---- for state.c ---- */

void tree_clear(StateTree *tree)
{
	tree->root = tree->first_leaf = 0;
	tree->count = 0;
	tree->version++;
	pool_init(&tree->pool, NODE_BYTES, tree->part, PAGE_TREE, 0);
}

StateTree *tree_new(State *state, uint16_t part, uint32_t payload_bytes)
{
	assert(payload_bytes <= NODE_PAYLOAD_MAX);
	StateTree *tree = mem_new(StateTree);
	*tree = (StateTree){.state = state, .part = part, .payload_bytes = payload_bytes};
	tree_clear(tree);
	return tree;
}

void tree_free(StateTree *tree) { free(tree); }

uint32_t tree_payload_bytes(const StateTree *tree) { return tree->payload_bytes; }

static bool node_sound(const StateTree *tree, const Node *node)
{
	uint32_t payload_bytes = ((node->level ? (uint32_t)sizeof(uint32_t) : tree->payload_bytes) + 7) & ~7u;
	if (node->level >= TREE_DEPTH_MAX || node->payload_bytes != payload_bytes || node->heap > NODE_BYTES) return false;
	if (NODE_HEAD_BYTES + node->count * sizeof(NodeSlot) > node->heap || (node->count == 0 && !node->level)) return false;
	for (int i = 0; i < node->count; i++) {
		const NodeSlot *slot = &node->slots[i];
		uint32_t key = slot->key_bytes == NODE_KEY_LONG ? NODE_KEY_LONG_BYTES : slot->key_bytes;
		if (slot->at < node->heap || slot->at + payload_bytes + key > NODE_BYTES) return false;
	}
	return true;
}

bool tree_adopt(StateTree *tree, Page *page, Error *err)
{
	if (page->stride != NODE_BYTES) return state_damaged(tree->state, page->number, err);
	pool_adopt(tree->state, &tree->pool, page);
	for (uint32_t i = 0; i < page->room; i++) {
		if (!page_taken(page, i)) continue;
		Node *node = (Node *)page_record(page, i);
		if (!node_sound(tree, node)) return state_damaged(tree->state, page->number, err);
		if (!tree->root || node->level > node_at(tree, tree->root)->level) tree->root = granule_of(node);
		if (!node->level) tree->count += node->count;
	}
	return true;
}

static bool child_sound(const StateTree *tree, uint32_t child, int level)
{
	uint32_t page = child / PAGE_GRANULES;
	if (!child || page >= tree->state->slab_count * SLAB_PAGES || !(tree->state->flags[page] & PAGE_LIVE)) return false;
	const Page *of = page_at(tree->state, page);
	if (of->part != tree->part || of->kind != PAGE_TREE) return false;
	uint32_t offset = child % PAGE_GRANULES * GRANULE_BYTES - of->first;
	return offset % NODE_BYTES == 0 && offset / NODE_BYTES < of->room && page_taken(of, offset / NODE_BYTES) && node_at(tree, child)->level == level;
}

/* Entries of all leaves under the node, or -1: a link leads nowhere. */
static int64_t subtree_count(const StateTree *tree, const Node *node)
{
	int64_t count = 0;
	for (int i = 0; i < node->count; i++)
		if (!node_key(tree->state, node, i).at) return -1;
	if (!node->level) return node->count;
	for (int at = 0; at <= node->count; at++) {
		uint32_t child = child_of(node, at);
		int64_t below = child_sound(tree, child, node->level - 1) ? subtree_count(tree, node_at(tree, child)) : -1;
		if (below < 0) return -1;
		count += below;
	}
	return count;
}

bool tree_finish(StateTree *tree, Error *err)
{
	if (!tree->root) return true;
	const Node *node = node_at(tree, tree->root);
	if (subtree_count(tree, node) != (int64_t)tree->count) return state_damaged(tree->state, tree->root / PAGE_GRANULES, err);
	while (node->level) node = node_at(tree, node->first_child);
	tree->first_leaf = granule_of(node);
	return true;
}

static void subtree_check(const StateTree *tree, const Node *node, Key low, bool has_low, Key high, bool has_high)
{
	node_check(tree->state, node);
	for (int i = 0; i < node->count; i++) {
		if (has_low) SOUND(key_compare(low, node_key(tree->state, node, i)) <= 0);
		if (has_high) SOUND(key_compare(node_key(tree->state, node, i), high) < 0);
	}
	if (!node->level) {
		SOUND(node->count > 0);
		return;
	}
	for (int at = 0; at <= node->count; at++) {
		SOUND(child_sound(tree, child_of(node, at), node->level - 1));
		bool first = at == 0, last = at == node->count;
		subtree_check(tree, node_at(tree, child_of(node, at)), first ? low : node_key(tree->state, node, at - 1), first ? has_low : true,
			last ? high : node_key(tree->state, node, at), last ? has_high : true);
	}
}

void tree_check(const StateTree *tree)
{
	if (!tree->root) {
		SOUND(tree->count == 0 && tree->first_leaf == 0);
		return;
	}
	const Node *root = node_at(tree, tree->root);
	subtree_check(tree, root, (Key){0}, false, (Key){0}, false);
	SOUND(subtree_count(tree, root) == (int64_t)tree->count);
	uint64_t count = 0;
	uint32_t previous = 0;
	for (uint32_t id = tree->first_leaf; id; id = node_at(tree, id)->next) {
		SOUND(node_at(tree, id)->level == 0 && node_at(tree, id)->previous == previous);
		count += node_at(tree, id)->count;
		previous = id;
	}
	SOUND(count == tree->count);
}
