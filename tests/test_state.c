/* State: maps, trees and blobs against plain reference structures, with saving and loading in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/hash.h"
#include "base/vec.h"
#include "state/state.h"

static uint64_t seed;

static uint32_t random_below(uint32_t n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((seed >> 33) % n);
}

/* ---- what the runtime would keep of saved pages ---- */

typedef struct Store { struct StorePage { uint32_t number, count; char *bytes; } *at; int count, room; } Store;

static void store_put(void *context, uint32_t number, const void *bytes, uint32_t count)
{
	Store *store = context;
	int i = 0;
	while (i < store->count && store->at[i].number != number) i++;
	if (i == store->count) vec_push(store, (struct StorePage){.number = number});
	free(store->at[i].bytes);
	store->at[i].bytes = count ? memcpy(malloc(count), bytes, count) : NULL;
	store->at[i].count = count;
}

static void save(State *state, Store *store)
{
	state_freeze(state);
	assert_true(state_save_next(state, UINT64_MAX, store_put, store));
}

static void store_release(Store *store)
{
	for (int i = 0; i < store->count; i++) free(store->at[i].bytes);
	vec_release(store);
}

/* All that the file would have, had it been saved whole. */
static Store store_of_all(const State *state, State *copy)
{
	Error err = ERROR_INIT;
	Store store = {0};
	assert_true(state_take_copy(copy, state, &err));
	state_check(copy);
	save(copy, &store);
	return store;
}

static void store_load(const Store *store, State *state)
{
	Error err = ERROR_INIT;
	for (int i = store->count; i-- > 0;)
		if (store->at[i].count) assert_true(state_load_page(state, store->at[i].number, store->at[i].bytes, store->at[i].count, &err));
	assert_true(state_load_finish(state, &err));
}

/* ---- reference: a sorted array ---- */

typedef struct Entry { char *key; uint32_t bytes; int64_t value; } Entry;
typedef struct Reference { Entry *at; int count, room; } Reference;

static int reference_find(const Reference *reference, const char *key, uint32_t bytes, bool *equal)
{
	int low = 0, high = reference->count;
	*equal = false;
	while (low < high) {
		int middle = (low + high) / 2;
		const Entry *entry = &reference->at[middle];
		uint32_t least = entry->bytes < bytes ? entry->bytes : bytes;
		int order = memcmp(entry->key, key, least);
		if (!order) order = (entry->bytes > bytes) - (entry->bytes < bytes);
		if (!order) { *equal = true; return middle; }
		if (order < 0) low = middle + 1;
		else high = middle;
	}
	return low;
}

static void reference_insert(Reference *reference, int i, const char *key, uint32_t bytes, int64_t value)
{
	vec_push(reference, (Entry){0});
	memmove(&reference->at[i + 1], &reference->at[i], (size_t)(reference->count - 1 - i) * sizeof(Entry));
	reference->at[i] = (Entry){memcpy(malloc(bytes + 1), key, bytes), bytes, value};
}

static void reference_remove(Reference *reference, int i)
{
	free(reference->at[i].key);
	memmove(&reference->at[i], &reference->at[i + 1], (size_t)(--reference->count - i) * sizeof(Entry));
}

static Reference reference_copy(const Reference *reference)
{
	Reference copy = {0};
	for (int i = 0; i < reference->count; i++) reference_insert(&copy, i, reference->at[i].key, reference->at[i].bytes, reference->at[i].value);
	return copy;
}

static void reference_release(Reference *reference)
{
	for (int i = 0; i < reference->count; i++) free(reference->at[i].key);
	vec_release(reference);
}

/* ---- kinds of keys ---- */

typedef enum KeyKind { KEYS_INTEGER, KEYS_SHORT, KEYS_MIXED, KEYS_LONG, KEYS_GROWING, KEYS_SHARED } KeyKind;

static char key_buffer[70000];

static uint32_t make_key(KeyKind kind, uint32_t range)
{
	static uint32_t growing;
	uint32_t n = random_below(range);
	switch (kind) {
	case KEYS_INTEGER:
		memset(key_buffer, 0, 9);
		memcpy(key_buffer + 1, &n, 4);
		return 9;
	case KEYS_SHORT:
		return (uint32_t)sprintf(key_buffer, "%x", n) - (n % 7 == 0);
	case KEYS_GROWING:
		n = growing++ / 2 + random_below(3);
		for (int i = 0; i < 4; i++) key_buffer[i] = (char)(n >> (24 - 8 * i));
		return 4;
	case KEYS_SHARED:
		memset(key_buffer, 's', 40);
		memcpy(key_buffer + 40, &n, 4);
		return 44;
	case KEYS_MIXED:
	case KEYS_LONG: {
		uint32_t bytes = kind == KEYS_LONG ? 300 + n % 5 * 700 + (n % 50 == 0 ? 40000 : 0) : 4 + n % 120;
		memset(key_buffer, 'k', bytes);
		memcpy(key_buffer + bytes / 2, &n, 4);
		return bytes;
	}
	}
	return 0;
}

typedef struct Case { const char *name; KeyKind keys; uint32_t range, payload_bytes; int steps, removes; } Case;

static const Case CASES[] = {
	{"integer keys, few", KEYS_INTEGER, 50, 8, 4000, 40},
	{"integer keys, many", KEYS_INTEGER, 40000, 8, 60000, 20},
	{"integer keys come and go", KEYS_INTEGER, 3000, 24, 60000, 50},
	{"short texts", KEYS_SHORT, 5000, 16, 30000, 45},
	{"texts of all lengths", KEYS_MIXED, 3000, 40, 20000, 45},
	{"long texts", KEYS_LONG, 300, 100, 3000, 45},
	{"growing keys", KEYS_GROWING, 1, 8, 20000, 10},
	{"keys with a long common start", KEYS_SHARED, 20000, 8, 20000, 30},
	{"large payloads", KEYS_INTEGER, 300, 400, 5000, 45},
};

/* ---- map ---- */

static void map_compare(const StateMap *map, const Reference *reference)
{
	assert_int_equal(state_map_count(map), reference->count);
	for (int i = 0; i < reference->count; i++) {
		const Entry *entry = &reference->at[i];
		const int64_t *payload = state_map_find(map, entry->key, entry->bytes, hash_bytes(entry->key, entry->bytes));
		assert_non_null(payload);
		assert_int_equal(*payload, entry->value);
		uint32_t bytes;
		const char *key = state_map_key(map, payload, &bytes);
		assert_int_equal(bytes, entry->bytes);
		assert_memory_equal(key, entry->key, bytes);
		assert_ptr_equal(state_map_by_number(map, state_map_number(map, payload)), payload);
		assert_true((uintptr_t)payload % 16 == 0);
	}
	uint32_t cursor = 0;
	int seen = 0;
	while (state_map_next(map, &cursor)) seen++;
	assert_int_equal(seen, reference->count);
}

static void map_step(StateMap *map, Reference *reference, const Case *c)
{
	uint32_t bytes = make_key(c->keys, c->range);
	bool equal, added;
	int at = reference_find(reference, key_buffer, bytes, &equal);
	uint64_t hash = hash_bytes(key_buffer, bytes);
	if ((int)random_below(100) < c->removes) {
		int64_t *payload = state_map_find(map, key_buffer, bytes, hash);
		assert_int_equal(payload != NULL, equal);
		if (!payload) return;
		state_map_remove(map, payload);
		reference_remove(reference, at);
		return;
	}
	int64_t *payload = state_map_upsert(map, key_buffer, bytes, hash, &added);
	assert_int_equal(added, !equal);
	if (added) {
		assert_int_equal(*payload, 0);
		reference_insert(reference, at, key_buffer, bytes, 0);
	}
	*payload = reference->at[at].value = (int64_t)random_below(1000000);
}

static State *map_state(const Case *c, StateMap **map)
{
	State *state = state_new("test");
	state_map_open(state, 8);
	*map = state_map_open(state, c->payload_bytes);
	return state;
}

static void a_map_holds_what_was_put_in_also_after_saving_and_loading(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		const Case *c = &CASES[i];
		seed = 1000 + i;
		Reference reference = {0};
		Store store = {0};
		StateMap *map;
		State *state = map_state(c, &map);
		for (int step = 0; step < c->steps; step++) {
			map_step(map, &reference, c);
			if (random_below((uint32_t)c->steps / 6) == 0) {
				state_check(state);
				save(state, &store);
				assert_int_equal(state_dirty_bytes(state), 0);
				if (random_below(2)) {
					StateMap *other;
					State *copy = map_state(c, &other);
					for (int64_t n = 0; random_below(2) && n < 100; n++) state_map_upsert(other, &n, sizeof n, hash_bytes(&n, sizeof n), NULL);
					state_clear(copy);
					store_release(&store);
					store = store_of_all(state, copy);
					map_compare(other, &reference);
					state_free(copy);
				}
				if (random_below(2)) {
					state_free(state);
					state = map_state(c, &map);
					store_load(&store, state);
					state_check(state);
				}
				map_compare(map, &reference);
			}
		}
		state_check(state);
		map_compare(map, &reference);
		uint32_t cursor = 0;
		for (void *payload; (payload = state_map_next(map, &cursor));) state_map_remove(map, payload);
		assert_int_equal(state_bytes(state), 0);
		state_check(state);
		save(state, &store);
		state_free(state);
		state = map_state(c, &map);
		store_load(&store, state);
		assert_int_equal(state_map_count(map), 0);
		state_free(state);
		store_release(&store);
		reference_release(&reference);
	}
}

typedef struct Snapshot { Store store; Reference reference; bool open; int taken; } Snapshot;

static void snapshot_compare(const Case *c, Snapshot *snapshot)
{
	StateMap *map;
	State *state = map_state(c, &map);
	store_load(&snapshot->store, state);
	map_compare(map, &snapshot->reference);
	state_check(state);
	state_free(state);
	reference_release(&snapshot->reference);
	snapshot->open = false;
	snapshot->taken++;
}

static void a_snapshot_is_of_its_moment_however_long_it_takes(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		const Case *c = &CASES[i];
		seed = 5000 + i;
		Reference reference = {0};
		Snapshot snapshot = {0};
		StateMap *map;
		State *state = map_state(c, &map);
		for (int step = 0; step < c->steps; step++) {
			map_step(map, &reference, c);
			if (random_below((uint32_t)c->steps / 200)) continue;
			if (snapshot.open) {
				if (state_save_next(state, random_below(3) * 2 * STATE_PAGE_BYTES, store_put, &snapshot.store)) snapshot_compare(c, &snapshot);
				continue;
			}
			state_freeze(state);
			assert_int_equal(state_dirty_bytes(state), 0);
			snapshot.reference = reference_copy(&reference);
			snapshot.open = true;
		}
		assert_true(snapshot.taken > 1);
		state_free(state);
		if (snapshot.open) reference_release(&snapshot.reference);
		store_release(&snapshot.store);
		reference_release(&reference);
	}
}

enum { MANY = 3000 };

static void upsert_many_is_upsert_one_by_one(void **unused)
{
	(void)unused;
	seed = 7;
	static char keys[MANY][16];
	static const char *at[MANY];
	static uint32_t bytes[MANY];
	static uint64_t hashes[MANY];
	static void *payloads[MANY];
	static bool added[MANY];
	State *state = state_new("test");
	StateMap *map = state_map_open(state, 8);
	Reference reference = {0};
	for (int round = 0; round < 40; round++) {
		int count = (int)random_below(MANY) + 1;
		for (int i = 0; i < count; i++) {
			bytes[i] = make_key(round % 2 ? KEYS_INTEGER : KEYS_SHORT, 20000);
			memcpy(keys[i], key_buffer, bytes[i]);
			at[i] = keys[i];
			hashes[i] = hash_bytes(keys[i], bytes[i]);
		}
		state_map_find_many(map, at, bytes, hashes, count, payloads);
		for (int i = 0; i < count; i++) assert_ptr_equal(payloads[i], state_map_find(map, at[i], bytes[i], hashes[i]));
		state_map_upsert_many(map, at, bytes, hashes, count, payloads, added);
		for (int i = 0; i < count; i++) {
			bool equal;
			int place = reference_find(&reference, at[i], bytes[i], &equal);
			assert_int_equal(added[i], !equal);
			if (!equal) reference_insert(&reference, place, at[i], bytes[i], 0);
			*(int64_t *)payloads[i] += i;
			reference.at[place].value += i;
		}
	}
	map_compare(map, &reference);
	state_check(state);
	state_free(state);
	reference_release(&reference);
}

static void numbers_are_dense_and_used_again(void **unused)
{
	(void)unused;
	State *state = state_new("test");
	StateMap *map = state_map_open(state, 8);
	for (uint32_t i = 0; i < 1000; i++) state_map_upsert(map, &i, 4, hash_bytes(&i, 4), NULL);
	for (uint32_t i = 0; i < 500; i++) state_map_remove(map, state_map_find(map, &i, 4, hash_bytes(&i, 4)));
	for (uint32_t i = 5000; i < 5500; i++) assert_true(state_map_number(map, state_map_upsert(map, &i, 4, hash_bytes(&i, 4), NULL)) < 1000);
	assert_null(state_map_by_number(map, 1000));
	state_free(state);
}

static void many_are_removed_at_once_while_the_map_shrinks(void **unused)
{
	(void)unused;
	enum { ALL = 60000, LEFT = 37 };
	State *state = state_new("test");
	StateMap *map = state_map_open(state, 8);
	void **payloads = calloc(ALL, sizeof *payloads), *likely[64];
	for (uint32_t i = 0; i < ALL; i++) payloads[i] = state_map_upsert(map, &i, 4, hash_bytes(&i, 4), NULL);
	uint64_t hashes[64];
	for (uint32_t i = 0; i < 64; i++) {
		uint32_t key = i % 2 ? i : ALL + i;
		hashes[i] = hash_bytes(&key, 4);
	}
	state_map_fetch(map, hashes, 64, likely);
	for (uint32_t i = 1; i < 64; i += 2) assert_ptr_equal(likely[i], payloads[i]);
	state_map_remove_many(map, payloads + LEFT, ALL - LEFT);
	state_check(state);
	assert_int_equal(state_map_count(map), LEFT);
	for (uint32_t i = 0; i < 100; i++) assert_ptr_equal(state_map_find(map, &i, 4, hash_bytes(&i, 4)), i < LEFT ? payloads[i] : NULL);
	free(payloads);
	state_free(state);
}

static StateGrowth growth_of(State *state)
{
	StateGrowth growth = {0};
	state_look_at_growth(state, &growth);
	return growth;
}

static void growth_is_what_is_new_and_was_left_alone(void **context)
{
	(void)context;
	enum { BLOBS = 1000, BYTES = 3000 };          /* ten a page */
	static StateHandle blobs[BLOBS];
	Store store = {0};
	State *state = state_new("test");
	for (int i = 0; i < BLOBS; i++) blobs[i] = state_blob_new(state, NULL, BYTES);
	uint64_t all = state_dirty_bytes(state) / STATE_PAGE_BYTES * STATE_PAGE_BYTES, page = STATE_PAGE_BYTES;
	StateGrowth growth = growth_of(state);
	assert_int_equal(growth.dirty_bytes, 0);                          /* nothing of it was there at the look before */
	assert_int_equal(growth.settled_bytes, 0);
	growth = growth_of(state);
	assert_int_equal(growth.dirty_bytes, all);
	assert_int_equal(growth.settled_bytes, all);
	state_blob_change(state, blobs[0], NULL);
	state_blob_change(state, blobs[BLOBS / 2], NULL);
	state_blob_change(state, blobs[BLOBS / 2], NULL);
	growth = growth_of(state);
	assert_int_equal(growth.dirty_bytes, all);
	assert_int_equal(growth.settled_bytes, all - 2 * page);           /* changed between the two looks */
	assert_int_equal(growth_of(state).settled_bytes, all);
	save(state, &store);
	assert_int_equal(growth_of(state).settled_bytes, 0);
	state_blob_change(state, blobs[0], NULL);
	growth_of(state);
	growth = growth_of(state);
	assert_int_equal(growth.dirty_bytes, page);
	assert_int_equal(growth.settled_bytes, 0);                        /* the file has had it */
	state_free(state);
	store_release(&store);
	state = state_new("test");
	state_forgets(state);
	for (int i = 0; i < BLOBS; i++) state_blob_new(state, NULL, BYTES);
	growth_of(state);
	growth = growth_of(state);
	assert_int_equal(growth.dirty_bytes, all);
	assert_int_equal(growth.settled_bytes, 0);
	state_free(state);
}

static void only_pages_that_changed_are_saved(void **unused)
{
	(void)unused;
	State *state = state_new("test");
	StateMap *map = state_map_open(state, 8);
	for (uint32_t i = 0; i < 100000; i++) state_map_upsert(map, &i, 4, hash_bytes(&i, 4), NULL);
	Store store = {0};
	save(state, &store);
	assert_true(store.count > 90);
	uint32_t one = 4711;
	state_map_find(map, &one, 4, hash_bytes(&one, 4));
	assert_int_equal(state_dirty_bytes(state), 0);
	state_map_changed(map, state_map_find(map, &one, 4, hash_bytes(&one, 4)));
	assert_int_equal(state_dirty_bytes(state), STATE_PAGE_BYTES);
	*state_register(state, 3) = 5;
	Store second = {0};
	save(state, &second);
	assert_int_equal(second.count, 2);
	state_free(state);
	store_release(&store);
	store_release(&second);
}

/* ---- tree ---- */

static void cursor_is_at(const StateCursor *cursor, const Reference *reference, int i)
{
	assert_int_equal(cursor->valid, i >= 0 && i < reference->count);
	if (!cursor->valid) return;
	uint32_t bytes;
	const char *key = state_cursor_key(cursor, &bytes);
	assert_int_equal(bytes, reference->at[i].bytes);
	assert_memory_equal(key, reference->at[i].key, bytes);
	assert_int_equal(*(int64_t *)state_cursor_payload(cursor), reference->at[i].value);
}

static void tree_compare(StateTree *tree, const Reference *reference)
{
	assert_int_equal(state_tree_count(tree), reference->count);
	StateCursor cursor;
	state_tree_first(tree, &cursor);
	for (int i = 0; i < reference->count; i++) {
		cursor_is_at(&cursor, reference, i);
		state_cursor_next(&cursor);
	}
	assert_false(cursor.valid);
	state_tree_last(tree, &cursor);
	for (int i = reference->count; i-- > 0;) {
		cursor_is_at(&cursor, reference, i);
		state_cursor_prev(&cursor);
	}
	assert_false(cursor.valid);
	for (int i = 0; i < reference->count; i += 7)
		assert_int_equal(*(int64_t *)state_tree_find(tree, reference->at[i].key, reference->at[i].bytes), reference->at[i].value);
}

static void tree_step(StateTree *tree, Reference *reference, const Case *c)
{
	uint32_t bytes = make_key(c->keys, c->range);
	bool equal, added;
	int at = reference_find(reference, key_buffer, bytes, &equal);
	StateCursor cursor;
	switch ((int)random_below(100) < c->removes ? random_below(3) : 3 + random_below(5)) {
	case 0:
		assert_int_equal(state_tree_remove(tree, key_buffer, bytes), equal);
		if (equal) reference_remove(reference, at);
		return;
	case 1:
		state_tree_seek(tree, &cursor, key_buffer, bytes);
		for (int n = (int)random_below(c->keys == KEYS_GROWING ? 3 : 20); n-- > 0 && cursor.valid;) {
			cursor_is_at(&cursor, reference, at);
			state_cursor_remove(&cursor);
			reference_remove(reference, at);
		}
		cursor_is_at(&cursor, reference, at);
		return;
	case 2:
		state_tree_seek(tree, &cursor, key_buffer, bytes);
		cursor_is_at(&cursor, reference, at);
		if (cursor.valid) *(int64_t *)state_cursor_change(&cursor) = reference->at[at].value = (int64_t)random_below(1000);
		state_tree_seek_before(tree, &cursor, key_buffer, bytes);
		cursor_is_at(&cursor, reference, at - 1);
		return;
	default: {
		int64_t *payload = state_tree_upsert(tree, key_buffer, bytes, &added);
		assert_int_equal(added, !equal);
		if (added) {
			assert_int_equal(*payload, 0);
			reference_insert(reference, at, key_buffer, bytes, 0);
		}
		*payload = reference->at[at].value = (int64_t)random_below(1000000);
	}
	}
}

static State *tree_state(const Case *c, StateTree **tree)
{
	State *state = state_new("test");
	*tree = state_tree_open(state, c->payload_bytes);
	state_map_open(state, 8);
	return state;
}

static void a_tree_holds_what_was_put_in_in_order_also_after_saving_and_loading(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		const Case *c = &CASES[i];
		seed = 2000 + i;
		Reference reference = {0};
		Store store = {0};
		StateTree *tree;
		State *state = tree_state(c, &tree);
		for (int step = 0; step < c->steps; step++) {
			tree_step(tree, &reference, c);
			if (random_below((uint32_t)c->steps / 6) == 0) {
				state_check(state);
				save(state, &store);
				if (random_below(2)) {
					StateTree *other;
					State *copy = tree_state(c, &other);
					bool added;
					for (int64_t n = 0; random_below(2) && n < 100; n++) state_tree_upsert(other, &n, sizeof n, &added);
					state_clear(copy);
					store_release(&store);
					store = store_of_all(state, copy);
					tree_compare(other, &reference);
					state_free(copy);
				}
				if (random_below(2)) {
					state_free(state);
					state = tree_state(c, &tree);
					store_load(&store, state);
					state_check(state);
				}
				tree_compare(tree, &reference);
			}
		}
		state_check(state);
		tree_compare(tree, &reference);
		StateCursor cursor;
		state_tree_first(tree, &cursor);
		while (cursor.valid) state_cursor_remove(&cursor);
		state_check(state);
		assert_int_equal(state_bytes(state), 0);
		state_free(state);
		store_release(&store);
		reference_release(&reference);
	}
}

static void a_prefix_finds_the_first_key_that_begins_with_it(void **unused)
{
	(void)unused;
	State *state = state_new("test");
	StateTree *tree = state_tree_open(state, 8);
	for (int i = 0; i < 5000; i++) {
		char key[32];
		int bytes = sprintf(key, "%04d/%d", i / 10, i % 10);
		*(int64_t *)state_tree_upsert(tree, key, (uint32_t)bytes, NULL) = i;
	}
	for (int i = 0; i < 500; i++) {
		char key[32];
		int bytes = sprintf(key, "%04d/", i);
		StateCursor cursor;
		state_tree_seek(tree, &cursor, key, (uint32_t)bytes);
		assert_int_equal(*(int64_t *)state_cursor_payload(&cursor), i * 10);
		state_tree_seek_before(tree, &cursor, key, (uint32_t)bytes);
		if (i == 0) assert_false(cursor.valid);
		else assert_int_equal(*(int64_t *)state_cursor_payload(&cursor), i * 10 - 1);
	}
	state_check(state);
	state_free(state);
}

/* ---- blobs and registers ---- */

typedef struct Blob { StateHandle handle; uint32_t count; unsigned char fill; } Blob;

static void blob_compare(const State *state, const Blob *blob)
{
	uint32_t count;
	const unsigned char *at = state_blob_at(state, blob->handle, &count);
	assert_int_equal(count, blob->count);
	assert_true((uintptr_t)at % 16 == 0);
	for (uint32_t i = 0; i < count; i += 1 + i / 8) assert_int_equal(at[i], blob->fill);
}

static void blobs_of_any_length_survive(void **unused)
{
	(void)unused;
	static const uint32_t LENGTHS[] = {0, 1, 8, 16, 100, 255, 256, 1000, 2040, 2048, 5000, 16000, 16319, 16320, 16321, 40000, 300000, 5000000};
	seed = 3;
	State *state = state_new("test");
	Store store = {0};
	struct { Blob *at; int count, room; } blobs = {0};
	for (int step = 0; step < 3000; step++) {
		if (random_below(3) && blobs.count < 200) {
			Blob blob = {.count = LENGTHS[random_below(random_below(20) ? 12 : 18)], .fill = (unsigned char)random_below(255)};
			void *bytes = memset(malloc(blob.count + 1), blob.fill, blob.count);
			blob.handle = state_blob_new(state, bytes, blob.count);
			assert_int_not_equal(blob.handle, 0);
			free(bytes);
			vec_push(&blobs, blob);
		} else if (blobs.count) {
			int i = (int)random_below((uint32_t)blobs.count);
			blob_compare(state, &blobs.at[i]);
			if (random_below(2)) {
				blobs.at[i].fill ^= 1;
				memset(state_blob_change(state, blobs.at[i].handle, NULL), blobs.at[i].fill, blobs.at[i].count);
			} else {
				state_blob_free(state, blobs.at[i].handle);
				blobs.at[i] = blobs.at[--blobs.count];
			}
		}
		if (random_below(300)) continue;
		*state_register(state, 15) = step;
		if (random_below(2)) {
			store_release(&store);
			State *copy = state_new("test");
			store = store_of_all(state, copy);
			for (int i = 0; i < blobs.count; i++) blob_compare(copy, &blobs.at[i]);
			state_free(copy);
		}
		else save(state, &store);
		state_free(state);
		state = state_new("test");
		store_load(&store, state);
		state_check(state);
		assert_int_equal(*state_register(state, 15), step);
		for (int i = 0; i < blobs.count; i++) blob_compare(state, &blobs.at[i]);
	}
	state_free(state);
	store_release(&store);
	vec_release(&blobs);
}

static void damaged_pages_are_refused(void **unused)
{
	(void)unused;
	State *state = state_new("test");
	StateMap *map = state_map_open(state, 8);
	for (uint32_t i = 0; i < 100; i++) state_map_upsert(map, &i, 4, hash_bytes(&i, 4), NULL);
	Store store = {0};
	save(state, &store);
	state_free(state);
	for (int i = 0; i < store.count; i++)
		for (uint32_t byte = 0; byte < 32 && byte < store.at[i].count; byte += 4) {
			if (store.at[i].number && (byte == 12 || byte >= 20)) continue;          /* hint and reserved bytes */
			State *other = state_new("test");
			state_map_open(other, 8);
			Error err = ERROR_INIT;
			bool sound = true;
			for (int j = 0; j < store.count && sound; j++) {
				if (j == i) store.at[j].bytes[byte] ^= 0x5a;
				sound = state_load_page(other, store.at[j].number, store.at[j].bytes, store.at[j].count, &err);
				if (j == i) store.at[j].bytes[byte] ^= 0x5a;
			}
			if (sound) sound = state_load_finish(other, &err);
			if (store.at[i].number || byte < 12) assert_false(sound);
			if (!sound) assert_int_equal(err.code, ERR_FILE_FORMAT);
			state_free(other);
		}
	store_release(&store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_map_holds_what_was_put_in_also_after_saving_and_loading),
		cmocka_unit_test(a_snapshot_is_of_its_moment_however_long_it_takes),
		cmocka_unit_test(upsert_many_is_upsert_one_by_one),
		cmocka_unit_test(numbers_are_dense_and_used_again),
		cmocka_unit_test(many_are_removed_at_once_while_the_map_shrinks),
		cmocka_unit_test(growth_is_what_is_new_and_was_left_alone),
		cmocka_unit_test(only_pages_that_changed_are_saved),
		cmocka_unit_test(a_tree_holds_what_was_put_in_in_order_also_after_saving_and_loading),
		cmocka_unit_test(a_prefix_finds_the_first_key_that_begins_with_it),
		cmocka_unit_test(blobs_of_any_length_survive),
		cmocka_unit_test(damaged_pages_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
