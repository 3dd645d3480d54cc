/* Hashing: xxHash's XXH3 behind one name, seeded per process where the hash stays in memory. */
#ifndef WEIR_BASE_HASH_H
#define WEIR_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *data, size_t bytes);                 /* XXH3-64, seed 0: the same in every process */
uint64_t hash_bytes_seeded(const void *data, size_t bytes, uint64_t seed);

typedef struct Hash128 { uint64_t low, high; } Hash128;
Hash128 hash_bytes_128(const void *data, size_t bytes);
Hash128 hash_bytes_128_seeded(const void *data, size_t bytes, uint64_t seed);

/* Finalizer of MurmurHash3: a bijection that mixes all bits; for single integer keys. */
static inline uint64_t hash_mix64(uint64_t x)
{
	x ^= x >> 33; x *= 0xff51afd7ed558ccdull;
	x ^= x >> 33; x *= 0xc4ceb9fe1a85ec53ull;
	return x ^ (x >> 33);
}

static inline uint64_t hash_combine(uint64_t a, uint64_t b) { return hash_mix64(a * 0x9e3779b97f4a7c15ull + b); }

#endif
