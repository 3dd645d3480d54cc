/* StateMap: extendible hashing over records that never move.
 *
 * A slot is 8 bytes: 32 bits of the hash and the granule of the record, so most misses end in the slot and a hit costs two cache lines.
 * Slots lie in segments of 4096; a directory of 2^depth pointers, indexed by the upper bits of the hash, leads to them, and a segment
 * that is two thirds full splits in two (Fagin et al., Extendible Hashing, TODS 1979): growing costs 20 us at a time, never one stall
 * for all. A small map is one segment that doubles. Within a segment: linear probing, removal by shifting back, no tombstones.
 * Rejected: two tables with moving in steps (every probe looks twice), Swiss tables (their groups of 16 hash bytes save nothing once the
 * slot holds 32 bits and is prefetched).
 *
 * A record is: key, 2 bytes its length, 4 bytes the record's number, payload (aligned to 16). The key ends where the length begins, so both
 * are found from the payload's address. Keys that are too long for a page lie in a blob; the record then holds its handle.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "state/page.h"

enum { SEGMENT_SLOTS = 4096, SEGMENT_SLOTS_FIRST = 16, DEPTH_MAX = 20, PROBE_CHUNK = 64 };
enum { KEY_LONG = 0xffff, KEY_INLINE_MAX = 2048, KEY_HEAD_BYTES = 6, KEY_LONG_BYTES = 8 };

typedef struct Segment {
	uint32_t used;
	uint32_t depth;
	_Alignas(64) uint64_t slots[];
} Segment;

struct StateMap {
	State *state;
	uint16_t part;
	uint32_t payload_bytes, payload_area;         /* area: rounded up to 16 */
	uint32_t key_inline_max;
	Segment **directory;
	uint32_t depth;
	uint32_t slot_mask, slot_limit;               /* of each segment: they are all of one size */
	uint64_t count;
	VEC(uint32_t) granules;                       /* of each number's record; 0: the number is free */
	VEC(uint32_t) free_numbers;
	Pool pools[POOL_CLASSES];
};

/* ---- records ---- */

static inline uint32_t load_32(const void *at) { uint32_t x; memcpy(&x, at, 4); return x; }
static inline uint64_t load_64(const void *at) { uint64_t x; memcpy(&x, at, 8); return x; }

static inline bool bytes_equal(const char *a, const char *b, uint32_t count)
{
	if (count >= 8 && count <= 16)                /* one integer with its NULL byte, and the like: two loads that overlap */
		return load_64(a) == load_64(b) && load_64(a + count - 8) == load_64(b + count - 8);
	return memcmp(a, b, count) == 0;
}

static inline uint16_t record_key_field(const void *payload) { uint16_t n; memcpy(&n, (const char *)payload - KEY_HEAD_BYTES, 2); return n; }
static inline uint32_t record_number(const void *payload) { return load_32((const char *)payload - 4); }
static inline StateHandle record_blob(const void *payload) { return load_32((const char *)payload - KEY_HEAD_BYTES - KEY_LONG_BYTES); }

static const char *record_key(const StateMap *map, const void *payload, uint32_t *key_bytes)
{
	uint16_t n = record_key_field(payload);
	if (n == KEY_LONG) return state_blob_at(map->state, record_blob(payload), key_bytes);
	*key_bytes = n;
	return (const char *)payload - KEY_HEAD_BYTES - n;
}

static inline bool record_matches(const StateMap *map, const void *payload, const void *key, uint32_t key_bytes)
{
	uint16_t n = record_key_field(payload);
	if (n != KEY_LONG) return n == key_bytes && bytes_equal((const char *)payload - KEY_HEAD_BYTES - n, key, n);
	uint32_t count;
	const char *blob = state_blob_at(map->state, record_blob(payload), &count);
	return count == key_bytes && memcmp(blob, key, count) == 0;
}

static Pool *record_pool(StateMap *map, uint32_t key_field)
{
	uint32_t key_area = (key_field == KEY_LONG ? KEY_LONG_BYTES : key_field) + KEY_HEAD_BYTES;
	return &map->pools[pool_class(key_area + map->payload_area)];
}

static uint32_t number_take(StateMap *map)
{
	if (map->free_numbers.count) return map->free_numbers.at[--map->free_numbers.count];
	vec_push(&map->granules, 0);
	return (uint32_t)map->granules.count - 1;
}

static void *record_new(StateMap *map, const void *key, uint32_t key_bytes, uint32_t number)
{
	uint16_t field = key_bytes <= map->key_inline_max ? (uint16_t)key_bytes : KEY_LONG;
	Pool *pool = record_pool(map, field);
	char *payload = (char *)pool_take(map->state, pool) + pool->stride - map->payload_area;
	memcpy(payload - 4, &number, 4);
	memcpy(payload - KEY_HEAD_BYTES, &field, 2);
	if (field != KEY_LONG) {
		memcpy(payload - KEY_HEAD_BYTES - field, key, key_bytes);
		return payload;
	}
	StateHandle blob = state_blob_new(map->state, key, key_bytes);
	memcpy(payload - KEY_HEAD_BYTES - KEY_LONG_BYTES, &blob, 4);
	return payload;
}

static void record_drop(StateMap *map, void *payload)
{
	uint16_t field = record_key_field(payload);
	if (field == KEY_LONG) state_blob_free(map->state, record_blob(payload));
	Pool *pool = record_pool(map, field);
	pool_give(map->state, pool, (char *)payload + map->payload_area - pool->stride);
}

/* ---- slots ---- */

static inline uint32_t slot_hash(const StateMap *map, uint64_t hash) { return (uint32_t)(hash * map->state->salt >> 32); }
static inline uint32_t directory_index(const StateMap *map, uint32_t hash) { return (uint32_t)((uint64_t)hash >> (32 - map->depth)); }
static inline Segment *segment_of(const StateMap *map, uint32_t hash) { return map->directory[directory_index(map, hash)]; }

static Segment *segment_new(uint32_t slots, uint32_t depth)
{
	size_t bytes = sizeof(Segment) + slots * sizeof(uint64_t);
	Segment *segment = aligned_alloc(64, bytes);
	if (!segment) segment = mem_alloc(SIZE_MAX / 2);          /* ends with the message */
	memset(segment, 0, bytes);
	segment->depth = depth;
	return segment;
}

static inline void segment_put(Segment *segment, uint32_t mask, uint64_t slot)
{
	uint32_t at = (uint32_t)(slot >> 32) & mask;
	while (segment->slots[at]) at = (at + 1) & mask;
	segment->slots[at] = slot;
	segment->used++;
}

static void slots_set_size(StateMap *map, uint32_t slots)
{
	map->slot_mask = slots - 1;
	map->slot_limit = slots * 2 / 3;
}

static void segment_double(StateMap *map)
{
	Segment *old = map->directory[0];
	uint32_t slots = map->slot_mask + 1;
	Segment *new = segment_new(slots * 2, 0);
	slots_set_size(map, slots * 2);
	for (uint32_t i = 0; i < slots; i++)
		if (old->slots[i]) segment_put(new, map->slot_mask, old->slots[i]);
	map->directory[0] = new;
	free(old);
}

static void directory_double(StateMap *map)
{
	uint32_t count = 1u << map->depth;
	Segment **directory = mem_alloc(2 * (size_t)count * sizeof *directory);
	for (uint32_t i = 0; i < count; i++) directory[2 * i] = directory[2 * i + 1] = map->directory[i];
	free(map->directory);
	map->directory = directory;
	map->depth++;
}

static void segment_split(StateMap *map, uint32_t hash)
{
	uint64_t slots[SEGMENT_SLOTS];
	Segment *low = segment_of(map, hash);
	if (low->depth == map->depth) directory_double(map);
	uint32_t depth = low->depth + 1, span = 1u << (map->depth - depth);      /* directory entries of each half */
	Segment *high = segment_new(SEGMENT_SLOTS, depth);
	memcpy(slots, low->slots, sizeof slots);
	memset(low->slots, 0, sizeof slots);
	low->depth = depth;
	low->used = 0;
	for (uint32_t i = 0; i < SEGMENT_SLOTS; i++)
		if (slots[i]) segment_put(slots[i] >> (64 - depth) & 1 ? high : low, map->slot_mask, slots[i]);
	uint32_t first = (directory_index(map, hash) & ~(2 * span - 1)) + span;
	for (uint32_t i = 0; i < span; i++) map->directory[first + i] = high;
}

static void slot_add(StateMap *map, uint32_t hash, uint32_t granule)
{
	Segment *segment;
	while ((segment = segment_of(map, hash))->used >= map->slot_limit) {
		if (map->slot_mask + 1 < SEGMENT_SLOTS) segment_double(map);
		else if (segment->depth < DEPTH_MAX) segment_split(map, hash);
		else break;                                       /* 2.8 billion records */
	}
	assert(segment->used < map->slot_mask);
	segment_put(segment, map->slot_mask, (uint64_t)hash << 32 | granule);
}

static void slot_remove(StateMap *map, uint32_t hash, uint32_t granule)
{
	Segment *segment = segment_of(map, hash);
	uint64_t slot = (uint64_t)hash << 32 | granule, *slots = segment->slots;
	uint32_t mask = map->slot_mask, hole = hash & mask;
	while (slots[hole] != slot) {
		assert(slots[hole]);
		hole = (hole + 1) & mask;
	}
	for (uint32_t at = (hole + 1) & mask; slots[at]; at = (at + 1) & mask) {
		uint32_t home = (uint32_t)(slots[at] >> 32) & mask;
		if (((at - home) & mask) < ((at - hole) & mask)) continue;        /* its home lies behind the hole: it stays */
		slots[hole] = slots[at];
		hole = at;
	}
	slots[hole] = 0;
	segment->used--;
}

static void directory_free(StateMap *map)
{
	for (uint32_t i = 0; i < 1u << map->depth;) {
		Segment *segment = map->directory[i];
		i += 1u << (map->depth - segment->depth);
		free(segment);
	}
	free(map->directory);
}

static void directory_make(StateMap *map)
{
	map->depth = 0;
	slots_set_size(map, SEGMENT_SLOTS_FIRST);
	map->directory = mem_alloc(sizeof *map->directory);
	map->directory[0] = segment_new(SEGMENT_SLOTS_FIRST, 0);
}

/* After most of a large map has gone its slots go, too: costs one look at each slot, which as many removals have paid for. */
static void directory_shrink(StateMap *map)
{
	StateMap old = *map;
	directory_make(map);
	for (uint32_t i = 0; i < 1u << old.depth;) {
		const Segment *segment = old.directory[i];
		for (uint32_t at = 0; at <= old.slot_mask; at++)
			if (segment->slots[at]) slot_add(map, (uint32_t)(segment->slots[at] >> 32), (uint32_t)segment->slots[at]);
		i += 1u << (old.depth - segment->depth);
	}
	directory_free(&old);
}

/* ---- finding and adding ---- */

static inline void *map_lookup(const StateMap *map, const void *key, uint32_t key_bytes, uint32_t hash)
{
	const Segment *segment = segment_of(map, hash);
	for (uint32_t at = hash & map->slot_mask;; at = (at + 1) & map->slot_mask) {
		uint64_t slot = segment->slots[at];
		if (!slot) return NULL;
		if ((uint32_t)(slot >> 32) != hash) continue;
		void *payload = granule_at(map->state, (uint32_t)slot);
		if (record_matches(map, payload, key, key_bytes)) return payload;
	}
}

static void *map_add(StateMap *map, const void *key, uint32_t key_bytes, uint32_t hash)
{
	uint32_t number = number_take(map);
	void *payload = record_new(map, key, key_bytes, number);
	uint32_t granule = granule_of(payload);
	map->granules.at[number] = granule;
	map->count++;
	slot_add(map, hash, granule);
	return payload;
}

static inline void *map_upsert(StateMap *map, const void *key, uint32_t key_bytes, uint32_t hash, bool *added)
{
	void *payload = map_lookup(map, key, key_bytes, hash);
	*added = !payload;
	if (!payload) return map_add(map, key, key_bytes, hash);
	record_mark(map->state, payload);
	return payload;
}

void *state_map_find(const StateMap *map, const void *key, uint32_t key_bytes, uint64_t hash)
{
	return map_lookup(map, key, key_bytes, slot_hash(map, hash));
}

void *state_map_upsert(StateMap *map, const void *key, uint32_t key_bytes, uint64_t hash, bool *added)
{
	bool ignored;
	return map_upsert(map, key, key_bytes, slot_hash(map, hash), added ? added : &ignored);
}

/* The first slots of a chunk of keys are fetched, then the records that their hashes point to, then keys are compared. What the second step
 * found is only a guess (the record whose hash bits agree first): the third falls back to a full probe where it is wrong or missing. */
typedef struct Probe { uint32_t hashes[PROBE_CHUNK], guesses[PROBE_CHUNK]; } Probe;

static inline void probe_chunk(const StateMap *map, const uint64_t *hashes, int count, Probe *probe)
{
	uint32_t mask = map->slot_mask;
	for (int i = 0; i < count; i++) {
		uint32_t hash = probe->hashes[i] = slot_hash(map, hashes[i]);
		__builtin_prefetch(&segment_of(map, hash)->slots[hash & mask]);
	}
	for (int i = 0; i < count; i++) {
		uint32_t hash = probe->hashes[i], at = hash & mask;
		const Segment *segment = segment_of(map, hash);
		uint64_t slot;
		while ((slot = segment->slots[at]) && (uint32_t)(slot >> 32) != hash) at = (at + 1) & mask;
		probe->guesses[i] = (uint32_t)slot;
		if (!slot) continue;
		const char *payload = granule_at(map->state, (uint32_t)slot);
		__builtin_prefetch(payload - GRANULE_BYTES);
		__builtin_prefetch(payload + 16, 1);
	}
}

static inline void upsert_many(StateMap *map, const char *const *keys, const uint32_t *key_bytes, const uint64_t *hashes, int count, void **payloads, bool *added, bool mark)
{
	Probe probe;
	for (int base = 0; base < count; base += PROBE_CHUNK) {
		int end = count - base < PROBE_CHUNK ? count - base : PROBE_CHUNK;
		probe_chunk(map, hashes + base, end, &probe);
		for (int i = 0; i < end; i++) {
			int row = base + i;
			void *payload = probe.guesses[i] ? granule_at(map->state, probe.guesses[i]) : NULL;
			bool is_new = false;
			if (payload && record_matches(map, payload, keys[row], key_bytes[row])) {
				if (mark) page_mark(map->state, probe.guesses[i] / PAGE_GRANULES);
			} else {
				payload = map_upsert(map, keys[row], key_bytes[row], probe.hashes[i], &is_new);
			}
			payloads[row] = payload;
			if (added) added[row] = is_new;
		}
	}
}

void state_map_upsert_many(StateMap *map, const char *const *keys, const uint32_t *key_bytes, const uint64_t *hashes, int count, void **payloads, bool *added)
{
	upsert_many(map, keys, key_bytes, hashes, count, payloads, added, true);
}

void state_map_reach_many(StateMap *map, const char *const *keys, const uint32_t *key_bytes, const uint64_t *hashes, int count, void **payloads, bool *added)
{
	upsert_many(map, keys, key_bytes, hashes, count, payloads, added, false);
}

void state_map_find_many(const StateMap *map, const char *const *keys, const uint32_t *key_bytes, const uint64_t *hashes, int count, void **payloads)
{
	Probe probe;
	for (int base = 0; base < count; base += PROBE_CHUNK) {
		int end = count - base < PROBE_CHUNK ? count - base : PROBE_CHUNK;
		probe_chunk(map, hashes + base, end, &probe);
		for (int i = 0; i < end; i++) {
			int row = base + i;
			void *payload = probe.guesses[i] ? granule_at(map->state, probe.guesses[i]) : NULL;
			if (payload && !record_matches(map, payload, keys[row], key_bytes[row])) payload = map_lookup(map, keys[row], key_bytes[row], probe.hashes[i]);
			payloads[row] = payload;
		}
	}
}

/* ---- the rest ---- */

void state_map_fetch(const StateMap *map, const uint64_t *hashes, int count, void **likely)
{
	Probe probe;
	for (int base = 0; base < count; base += PROBE_CHUNK) {
		int end = count - base < PROBE_CHUNK ? count - base : PROBE_CHUNK;
		probe_chunk(map, hashes + base, end, &probe);
		for (int i = 0; i < end; i++) likely[base + i] = probe.guesses[i] ? granule_at(map->state, probe.guesses[i]) : NULL;
	}
}

void state_map_changed(StateMap *map, void *payload) { record_mark(map->state, payload); }

static uint32_t record_hash(const StateMap *map, const void *payload)
{
	uint32_t key_bytes;
	const char *key = record_key(map, payload, &key_bytes);
	return slot_hash(map, hash_bytes(key, key_bytes));
}

static void record_remove(StateMap *map, void *payload, uint32_t hash)
{
	uint32_t number = record_number(payload);
	slot_remove(map, hash, granule_of(payload));
	record_drop(map, payload);
	map->granules.at[number] = 0;
	vec_push(&map->free_numbers, number);
	map->count--;
	if (map->count == 0) map->granules.count = map->free_numbers.count = 0;
	if (map->depth >= 2 && map->count < (uint64_t)(SEGMENT_SLOTS / 16) << map->depth) directory_shrink(map);
}

void state_map_remove(StateMap *map, void *payload) { record_remove(map, payload, record_hash(map, payload)); }

void state_map_remove_many(StateMap *map, void *const *payloads, int count)
{
	uint32_t hashes[PROBE_CHUNK];
	for (int base = 0; base < count; base += PROBE_CHUNK) {
		int end = count - base < PROBE_CHUNK ? count - base : PROBE_CHUNK;
		for (int i = 0; i < end; i++) {
			hashes[i] = record_hash(map, payloads[base + i]);
			__builtin_prefetch(&segment_of(map, hashes[i])->slots[hashes[i] & map->slot_mask], 1);
		}
		for (int i = 0; i < end; i++) record_remove(map, payloads[base + i], hashes[i]);
	}
}

const void *state_map_key(const StateMap *map, const void *payload, uint32_t *key_bytes) { return record_key(map, payload, key_bytes); }

uint32_t state_map_number(const StateMap *map, const void *payload)
{
	(void)map;
	return record_number(payload);
}

void *state_map_by_number(const StateMap *map, uint32_t number)
{
	if (number >= (uint32_t)map->granules.count || !map->granules.at[number]) return NULL;
	return granule_at(map->state, map->granules.at[number]);
}

uint64_t state_map_count(const StateMap *map) { return map->count; }

void *state_map_next(const StateMap *map, uint32_t *cursor)
{
	while (*cursor < (uint32_t)map->granules.count) {
		uint32_t granule = map->granules.at[(*cursor)++];
		if (granule) return granule_at(map->state, granule);
	}
	return NULL;
}

/* ---- for state.c ---- */

static void map_make(StateMap *map)
{
	for (int i = 0; i < POOL_CLASSES; i++) pool_init(&map->pools[i], pool_class_bytes(i), map->part, PAGE_MAP, 0);
	directory_make(map);
}

StateMap *map_new(State *state, uint16_t part, uint32_t payload_bytes)
{
	StateMap *map = mem_new(StateMap);
	map->state = state;
	map->part = part;
	map->payload_bytes = payload_bytes;
	map->payload_area = payload_bytes ? (payload_bytes + 15) & ~15u : 16;
	assert(map->payload_area + KEY_LONG_BYTES + KEY_HEAD_BYTES <= RECORD_BYTES_IN_PAGE - 64);
	uint32_t left = RECORD_BYTES_IN_PAGE - 64 - map->payload_area - KEY_HEAD_BYTES;
	map->key_inline_max = left < KEY_INLINE_MAX ? left : KEY_INLINE_MAX;
	map_make(map);
	return map;
}

void map_clear(StateMap *map)
{
	directory_free(map);
	map->granules.count = map->free_numbers.count = 0;
	map->count = 0;
	map_make(map);
}

void map_free(StateMap *map)
{
	directory_free(map);
	vec_release(&map->granules);
	vec_release(&map->free_numbers);
	free(map);
}

uint32_t map_payload_bytes(const StateMap *map) { return map->payload_bytes; }

static bool map_adopt_record(StateMap *map, Page *page, uint32_t i, uint64_t numbers_max)
{
	char *payload = page_record(page, i) + page->stride - map->payload_area;
	uint32_t number = record_number(payload), field = record_key_field(payload);
	uint32_t area = (field == KEY_LONG ? KEY_LONG_BYTES : field) + KEY_HEAD_BYTES + map->payload_area;
	if (number >= numbers_max || area > page->stride) return false;
	while ((uint32_t)map->granules.count <= number) vec_push(&map->granules, 0);
	if (map->granules.at[number]) return false;
	map->granules.at[number] = granule_of(payload);
	map->count++;
	return true;
}

bool map_adopt(StateMap *map, Page *page, Error *err)
{
	int class = page->stride <= RECORD_BYTES_IN_PAGE ? pool_class(page->stride) : -1;
	if (class < 0 || map->pools[class].stride != page->stride) return state_damaged(map->state, page->number, err);
	pool_adopt(map->state, &map->pools[class], page);
	for (uint32_t i = 0; i < page->room; i++)
		if (page_taken(page, i) && !map_adopt_record(map, page, i, UINT32_MAX / 2)) return state_damaged(map->state, page->number, err);
	return true;
}

/* Slots come from the records once all pages, blobs of long keys among them, are there. */
bool map_finish(StateMap *map, Error *err)
{
	for (uint32_t number = (uint32_t)map->granules.count; number-- > 0;) {
		uint32_t granule = map->granules.at[number], key_bytes;
		if (!granule) {
			vec_push(&map->free_numbers, number);
			continue;
		}
		const void *payload = granule_at(map->state, granule);
		const char *key = record_key(map, payload, &key_bytes);
		if (!key) return state_damaged(map->state, granule / PAGE_GRANULES, err);
		slot_add(map, slot_hash(map, hash_bytes(key, key_bytes)), granule);
	}
	return true;
}

void map_check(const StateMap *map)
{
	uint64_t used = 0, slots = 0;
	for (uint32_t i = 0; i < 1u << map->depth;) {
		const Segment *segment = map->directory[i];
		SOUND(segment->depth <= map->depth && segment->used <= map->slot_mask);
		used += segment->used;
		for (uint32_t at = 0; at <= map->slot_mask; at++) slots += segment->slots[at] != 0;
		i += 1u << (map->depth - segment->depth);
	}
	SOUND(used == map->count && slots == map->count);
	uint64_t found = 0;
	for (uint32_t number = 0; number < (uint32_t)map->granules.count; number++) {
		const void *payload = state_map_by_number(map, number);
		if (!payload) continue;
		uint32_t key_bytes;
		const char *key = record_key(map, payload, &key_bytes);
		SOUND(record_number(payload) == number && page_of(payload)->part == map->part && page_of(payload)->kind == PAGE_MAP);
		SOUND(state_map_find(map, key, key_bytes, hash_bytes(key, key_bytes)) == payload);
		found++;
	}
	SOUND(found == map->count && found + (uint64_t)map->free_numbers.count == (uint64_t)map->granules.count);
}
