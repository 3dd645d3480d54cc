/* State: what an operator remembers between batches, behind one interface that the runtime can save and restore.
 *
 * A State is one operator's memory: records in fixed-size pages, found through maps and trees that it owns. The runtime saves it
 * by writing out the pages that changed since the last checkpoint and restores it by giving them back; operators neither save nor
 * load anything. Hash slots and other derived structures are not pages: they are made again from the records after loading.
 *
 *   StateMap    hash map: key bytes -> payload of fixed size. What aggregate, distinct, join sides and top-n groups use.
 *   StateTree   ordered map: key bytes in memcmp order (type/row.h's sort keys) -> payload of fixed size. Multisets with order,
 *               top-n, OVER partitions, interval joins, the time index of what a watermark ends.
 *   blob        bytes of any length by handle: strings of first_value, packed rows, expansions of exact sums.
 *
 * Pages and rows have numbers that survive a checkpoint; pointers do not, but they stay valid in memory until the record is removed:
 * pages never move. Whoever writes through a pointer must have got it from a call that marks the record changed (upsert,
 * payload_changed). All integers in pages are little-endian; state depends on neither workers nor CPU features.
 * One thread at a time. A limit in bytes is the runtime's affair (run/limits.c), which looks at state_bytes() between two commits: a record is
 * never refused halfway.
 */
#ifndef WEIR_STATE_STATE_H
#define WEIR_STATE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

enum { STATE_PAGE_BYTES = 32 * 1024, STATE_RECORD_BYTES_MAX = 64 << 20 };   /* larger records span pages of their own */

typedef struct State State;
typedef struct StateMap StateMap;
typedef struct StateTree StateTree;

typedef uint32_t StateHandle;                 /* of a blob; 0: none */

/* The form of saved pages. When it changes, views of older files are built anew. */
enum { STATE_LAYOUT = 2 };

State *state_new(const char *name);           /* name: for weir_state and EXPLAIN ANALYZE */
void state_free(State *state);
/* By the constructor: what is added goes again by itself soon, so there is no sense in saving it before that is due. */
void state_forgets(State *state);
bool state_is_forgetting(const State *state);

/* The parts of a state are opened in a fixed order by the operator's constructor, before loading; part numbers 0, 1, 2 ... follow
 * that order and are part of the saved form. */
StateMap *state_map_open(State *state, uint32_t payload_bytes);
StateTree *state_tree_open(State *state, uint32_t payload_bytes);

/* ---- map ---- (payloads are aligned to 16 bytes and stay where they are until removed) */
/* Payload of the key or NULL. hash: hash_bytes(key) as rows_pack gives it. Reading only. */
void *state_map_find(const StateMap *map, const void *key, uint32_t key_bytes, uint64_t hash);
/* Payload of the key, added with zeroed payload if missing; marked changed. */
void *state_map_upsert(StateMap *map, const void *key, uint32_t key_bytes, uint64_t hash, bool *added);
/* Many at once, with prefetching: payloads[i] for each key; the same as upsert / find one by one, in order. added may be NULL. */
void state_map_upsert_many(StateMap *map, const char *const *keys, const uint32_t *key_bytes, const uint64_t *hashes, int count, void **payloads, bool *added);
/* The same, but records that were there are not marked: who then writes to one calls state_map_changed. */
void state_map_reach_many(StateMap *map, const char *const *keys, const uint32_t *key_bytes, const uint64_t *hashes, int count, void **payloads, bool *added);
void state_map_find_many(const StateMap *map, const char *const *keys, const uint32_t *key_bytes, const uint64_t *hashes, int count, void **payloads);
/* Brings near what will be found or removed one by one. likely: the payload, though it may be another's of a like hash; NULL: not there. */
void state_map_fetch(const StateMap *map, const uint64_t *hashes, int count, void **likely);
void state_map_changed(StateMap *map, void *payload);           /* before writing through a pointer that find gave */
void state_map_remove(StateMap *map, void *payload);
void state_map_remove_many(StateMap *map, void *const *payloads, int count);
const void *state_map_key(const StateMap *map, const void *payload, uint32_t *key_bytes);
/* A dense number of the record, reused after removal: group number for tables of (group, value). */
uint32_t state_map_number(const StateMap *map, const void *payload);
void *state_map_by_number(const StateMap *map, uint32_t number);
uint64_t state_map_count(const StateMap *map);
/* In order of record numbers; start with 0; NULL at the end. The record given may be removed while iterating. */
void *state_map_next(const StateMap *map, uint32_t *cursor);

/* ---- tree ---- (payloads are aligned to 8 bytes, at most 480 bytes). An insert or remove makes all cursors of the tree invalid, but for
 * the one that state_cursor_remove is given; keep the key and seek again. Changing payloads does not. */
typedef struct StateCursor { StateTree *tree; uint32_t leaf; uint32_t slot; uint64_t version; bool valid; } StateCursor;

void *state_tree_find(StateTree *tree, const void *key, uint32_t key_bytes);
void *state_tree_upsert(StateTree *tree, const void *key, uint32_t key_bytes, bool *added);    /* pointer valid until the next insert or remove in the tree */
bool state_tree_remove(StateTree *tree, const void *key, uint32_t key_bytes);                  /* false: was not there */
/* First entry with key >= / last entry with key < the given bytes; a prefix of keys works as lower bound. */
void state_tree_seek(StateTree *tree, StateCursor *cursor, const void *key, uint32_t key_bytes);
void state_tree_seek_before(StateTree *tree, StateCursor *cursor, const void *key, uint32_t key_bytes);
void state_tree_first(StateTree *tree, StateCursor *cursor);
void state_tree_last(StateTree *tree, StateCursor *cursor);
bool state_cursor_next(StateCursor *cursor);                    /* false: past the end; cursor invalid */
bool state_cursor_prev(StateCursor *cursor);
const void *state_cursor_key(const StateCursor *cursor, uint32_t *key_bytes);
void *state_cursor_payload(const StateCursor *cursor);          /* for reading */
void *state_cursor_change(StateCursor *cursor);                 /* for writing */
void state_cursor_remove(StateCursor *cursor);                  /* moves to the next entry */
uint64_t state_tree_count(const StateTree *tree);

/* ---- blobs ---- */
StateHandle state_blob_new(State *state, const void *bytes, uint32_t count);     /* bytes NULL: zeroed */
const void *state_blob_at(const State *state, StateHandle blob, uint32_t *count);
const void *state_blob_peek(const State *state, StateHandle blob);               /* of one that is there: its address, without a look at it */
void *state_blob_change(State *state, StateHandle blob, uint32_t *count);
void state_blob_free(State *state, StateHandle blob);

/* ---- small values of the operator itself (watermark it has closed up to, counters): saved with the state ---- */
int64_t *state_register(State *state, int number);              /* 0 .. STATE_REGISTERS - 1; zero at first; writing marks changed */
enum { STATE_REGISTERS = 16 };

/* ---- for the runtime ---- */
uint64_t state_bytes(const State *state);                       /* of all pages */
uint64_t state_dirty_bytes(const State *state);                 /* of pages changed since the last save */
/* What of it was there at the call before this one, and of that what the file has never had, nobody has changed between the two, and
 * does not go by itself. */
typedef struct StateGrowth { uint64_t dirty_bytes, settled_bytes; } StateGrowth;
void state_look_at_growth(State *state, StateGrowth *sum);         /* added to the sum; costs a look at each page's marks */
/* A snapshot of what changed since the last one. It costs no copy: pages that are changed before they were handed out are copied then (copy on
 * write). The last one must have been handed out whole. */
void state_freeze(State *state);
/* Hands out the snapshot's pages, and with count 0 those that were freed, until it has been bytes_max or a page more. True: that was all. */
typedef void StatePut(void *context, uint32_t page, const void *bytes, uint32_t count);
bool state_save_next(State *state, uint64_t bytes_max, StatePut *put, void *context);
/* Into a new State with the same parts: all pages, in any order, then finish. */
bool state_load_page(State *state, uint32_t page, const void *bytes, uint32_t count, Error *err);
bool state_load_finish(State *state, Error *err);
/* Back to what it was when it was new: nothing of it is in the file, or is meant to stay there. No snapshot may be under way. */
void state_clear(State *state);
/* All of another state with the same parts into one that is new or cleared; none of it counts as saved. */
bool state_take_copy(State *to, const State *from, Error *err);
void state_check(const State *state);                           /* debug: asserts that all of it is sound */

#endif
