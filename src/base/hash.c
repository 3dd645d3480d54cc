#include "base/hash.h"

#define XXH_INLINE_ALL               /* half of the time for short keys would go into calling the library */
#include <xxhash.h>

uint64_t hash_bytes(const void *data, size_t bytes) { return XXH3_64bits(data, bytes); }
uint64_t hash_bytes_seeded(const void *data, size_t bytes, uint64_t seed) { return XXH3_64bits_withSeed(data, bytes, seed); }

Hash128 hash_bytes_128(const void *data, size_t bytes)
{
	XXH128_hash_t hash = XXH3_128bits(data, bytes);
	return (Hash128){hash.low64, hash.high64};
}

Hash128 hash_bytes_128_seeded(const void *data, size_t bytes, uint64_t seed)
{
	XXH128_hash_t hash = XXH3_128bits_withSeed(data, bytes, seed);
	return (Hash128){hash.low64, hash.high64};
}
