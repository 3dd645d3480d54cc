/* RowidMap: hash of a key or row -> rowid, 16 bytes an entry. In 256 parts that grow one by one, so no growth stalls a commit.
 *
 * What is compared is 96 bits of a 128-bit hash seeded anew in each process: two of 10 million keys meet with a chance of 10^-15, and nobody can
 * make them meet. Rowids of 2^40 and more are not remembered (rowid_map_put does nothing): they are looked up.
 */
#ifndef WEIR_STORE_ROWID_MAP_H
#define WEIR_STORE_ROWID_MAP_H

#include <stdint.h>

#include "base/hash.h"

typedef struct RowidSlot { uint64_t tag, rest; } RowidSlot;          /* rest: rowid << 24 | 24 more bits of the hash; 0: empty */
typedef struct RowidPart { RowidSlot *slots; uint32_t room, count; } RowidPart;
enum { ROWID_PARTS = 256, ROWID_BITS = 40 };
typedef struct RowidMap { RowidPart parts[ROWID_PARTS]; int64_t bytes; } RowidMap;

/* rowid or 0 */
int64_t rowid_map_get(const RowidMap *map, Hash128 hash);
/* Adds or replaces. bytes_max: where the part would have to grow beyond, it is emptied first (the map is a cache); 0: no limit. */
void rowid_map_put(RowidMap *map, Hash128 hash, int64_t rowid, int64_t bytes_max);
/* Removes and gives the rowid, or 0. */
int64_t rowid_map_take(RowidMap *map, Hash128 hash);
void rowid_map_clear(RowidMap *map);

#endif
