/* Nodes of a StateTree: sorted entries in 4 KiB. Internal to state/.
 *
 * A slot holds the four bytes of its key that follow what all keys of the node have in common, as a number: searching compares slots, which
 * lie side by side, and looks at a key only where these agree. Entries (payload, then key) grow from the end. Keys too long for a node
 * lie in a blob. In inner nodes the payload is the child that holds the keys from the entry's key on; `first_child` holds those before.
 */
#ifndef WEIR_STATE_NODE_H
#define WEIR_STATE_NODE_H

#include "state/page.h"

enum { NODE_BYTES = 4080, NODE_HEAD_BYTES = 32, NODE_KEY_INLINE_MAX = 496, NODE_PAYLOAD_MAX = 480, NODE_KEY_LONG = 0xffff, NODE_KEY_LONG_BYTES = 8 };

typedef struct NodeSlot { uint32_t head; uint16_t at, key_bytes; } NodeSlot;

typedef struct Node {
	uint16_t level;                       /* 0: leaf */
	uint16_t count;
	uint16_t heap;                        /* offset of the lowest entry */
	uint16_t garbage;                     /* bytes of removed entries above heap */
	uint16_t skip;                        /* leading bytes that all keys share and heads leave out */
	uint16_t payload_bytes;               /* of an entry, rounded up to 8 */
	uint32_t previous, next;              /* leaves in order; 0: none */
	uint32_t first_child;
	uint32_t reserved[2];
	NodeSlot slots[];
} Node;
_Static_assert(sizeof(Node) == NODE_HEAD_BYTES, "part of the saved form");

typedef struct Key { const char *at; uint32_t bytes; } Key;

int key_compare(Key a, Key b);
uint32_t key_common(Key a, Key b);        /* leading bytes that they share */

void node_init(Node *node, int level, uint32_t payload_bytes);
Key node_key(const State *state, const Node *node, int i);
static inline void *node_payload(const Node *node, int i) { return (char *)(uintptr_t)node + node->slots[i].at; }
/* First entry with key >= the given one; *equal: it has that key. */
int node_search(const State *state, const Node *node, Key key, bool *equal);
/* Where entry i with this key would go; NULL: the node is full. The payload is zeroed. The caller saw to the order. */
void *node_insert(State *state, Node *node, int i, Key key);
void node_remove(State *state, Node *node, int i);         /* frees a long key, too */
uint32_t node_used_bytes(const Node *node);
static inline uint32_t node_room_bytes(void) { return NODE_BYTES - NODE_HEAD_BYTES; }
/* Moves entries from .. count - 1 to the end of `to`, whose keys are all smaller; false: no room, nothing moved. */
bool node_move(const State *state, Node *node, int from, Node *to);
void node_check(const State *state, const Node *node);

#endif
