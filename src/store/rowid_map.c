/* Linear probing at a load of at most 2/3; removal moves later entries of the run back, so there are no tombstones. */
#include "store/rowid_map.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum { REST_BITS = 24, ROOM_FIRST = 16 };

static uint64_t rest_of(Hash128 hash) { return hash.high & ((1u << REST_BITS) - 1); }
static RowidPart *part_of(const RowidMap *map, Hash128 hash) { return (RowidPart *)&map->parts[hash.high >> 56]; }

/* The slot that holds the hash, or the empty one where it would go. */
static uint32_t find(const RowidPart *part, Hash128 hash)
{
	uint32_t mask = part->room - 1, at = (uint32_t)hash.low & mask;
	uint64_t rest = rest_of(hash);
	while (part->slots[at].rest) {
		if (part->slots[at].tag == hash.low && (part->slots[at].rest & ((1u << REST_BITS) - 1)) == rest) break;
		at = (at + 1) & mask;
	}
	return at;
}

int64_t rowid_map_get(const RowidMap *map, Hash128 hash)
{
	const RowidPart *part = part_of(map, hash);
	return part->count ? (int64_t)(part->slots[find(part, hash)].rest >> REST_BITS) : 0;
}

static void grow(RowidMap *map, RowidPart *part)
{
	RowidPart larger = {.room = part->room ? part->room * 2 : ROOM_FIRST, .count = part->count};
	larger.slots = mem_zalloc(sizeof *larger.slots * larger.room);
	uint32_t mask = larger.room - 1;
	for (uint32_t i = 0; i < part->room; i++) {
		if (!part->slots[i].rest) continue;
		uint32_t at = (uint32_t)part->slots[i].tag & mask;
		while (larger.slots[at].rest) at = (at + 1) & mask;
		larger.slots[at] = part->slots[i];
	}
	map->bytes += (int64_t)sizeof *larger.slots * (larger.room - part->room);
	free(part->slots);
	*part = larger;
}

static void part_empty(RowidPart *part)
{
	memset(part->slots, 0, sizeof *part->slots * part->room);
	part->count = 0;
}

void rowid_map_put(RowidMap *map, Hash128 hash, int64_t rowid, int64_t bytes_max)
{
	if (rowid <= 0 || rowid >> ROWID_BITS) return;
	RowidPart *part = part_of(map, hash);
	if ((uint64_t)(part->count + 1) * 3 > (uint64_t)part->room * 2) {
		if (bytes_max && part->room && map->bytes >= bytes_max) part_empty(part);
		else grow(map, part);
	}
	RowidSlot *slot = &part->slots[find(part, hash)];
	part->count += slot->rest == 0;
	*slot = (RowidSlot){.tag = hash.low, .rest = (uint64_t)rowid << REST_BITS | rest_of(hash)};
}

int64_t rowid_map_take(RowidMap *map, Hash128 hash)
{
	RowidPart *part = part_of(map, hash);
	if (!part->count) return 0;
	uint32_t mask = part->room - 1, hole = find(part, hash);
	int64_t rowid = (int64_t)(part->slots[hole].rest >> REST_BITS);
	if (!rowid) return 0;
	for (uint32_t at = (hole + 1) & mask; part->slots[at].rest; at = (at + 1) & mask) {
		uint32_t home = (uint32_t)part->slots[at].tag & mask;
		if (((at - home) & mask) < ((at - hole) & mask)) continue;        /* its home lies after the hole */
		part->slots[hole] = part->slots[at];
		hole = at;
	}
	part->slots[hole] = (RowidSlot){0};
	part->count--;
	return rowid;
}

void rowid_map_clear(RowidMap *map)
{
	for (int i = 0; i < ROWID_PARTS; i++) free(map->parts[i].slots);
	*map = (RowidMap){0};
}
