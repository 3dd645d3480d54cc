/* Nanoseconds an operation of state maps and trees: integer keys as rows_pack makes them, in batches of 1024. usage: bench_state */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/hash.h"
#include "state/state.h"

enum { BATCH = 1024, KEY_BYTES = 9 };

static uint64_t seed = 1;
static uint32_t random_32(void)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 32);
}

static int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static double upsert_ns(StateMap *map, uint32_t groups, int rows)
{
	static char keys[BATCH][16];
	static const char *at[BATCH];
	static uint32_t bytes[BATCH];
	static uint64_t hashes[BATCH];
	static void *payloads[BATCH];
	int64_t total = 0;
	for (int row = 0; row < rows; row += BATCH) {
		for (int i = 0; i < BATCH; i++) {
			int64_t key = random_32() % groups;
			memcpy(keys[i] + 1, &key, 8);
			at[i] = keys[i];
			bytes[i] = KEY_BYTES;
			hashes[i] = hash_bytes(keys[i], KEY_BYTES);
		}
		int64_t start = now_ns();
		state_map_upsert_many(map, at, bytes, hashes, BATCH, payloads, NULL);
		for (int i = 0; i < BATCH; i++) ++*(int64_t *)payloads[i];
		total += now_ns() - start;
	}
	return (double)total / rows;
}

static void bench_map(uint32_t groups)
{
	State *state = state_new("bench");
	StateMap *map = state_map_open(state, 24);
	double fill = upsert_ns(map, groups, groups < 1000000 ? 1000000 : (int)groups * 2);
	double known = upsert_ns(map, groups, 4000000);
	printf("map of %8u groups: %5.1f ns a row while it grows, %5.1f ns after, %.1f bytes a group\n", groups, fill, known, (double)state_bytes(state) / (double)state_map_count(map));
	state_free(state);
}

static void bench_tree(const char *title, uint32_t groups)
{
	enum { COUNT = 1000000 };
	State *state = state_new("bench");
	StateTree *tree = state_tree_open(state, 8);
	int64_t start = now_ns(), sum = 0;
	for (uint32_t i = 0; i < COUNT; i++) {
		uint32_t words[2] = {__builtin_bswap32(groups ? random_32() % groups : 0), __builtin_bswap32(groups ? random_32() : i)};
		++*(int64_t *)state_tree_upsert(tree, words, sizeof words, NULL);
	}
	int64_t inserted = now_ns();
	StateCursor cursor;
	for (state_tree_first(tree, &cursor); cursor.valid; state_cursor_next(&cursor)) sum += *(int64_t *)state_cursor_payload(&cursor);
	int64_t scanned = now_ns();
	double bytes = (double)state_bytes(state) / (double)state_tree_count(tree);
	for (state_tree_first(tree, &cursor); cursor.valid;) state_cursor_remove(&cursor);
	printf("tree of %d, %s: insert %.0f ns, next %.1f ns, remove the first %.0f ns, %.1f bytes an entry\n", (int)sum, title, (double)(inserted - start) / COUNT,
		(double)(scanned - inserted) / COUNT, (double)(now_ns() - scanned) / COUNT, bytes);
	state_free(state);
}

int main(void)
{
	for (uint32_t groups = 1000; groups <= 10000000; groups *= groups == 1000 ? 100 : 10) bench_map(groups);
	bench_tree("ascending", 0);
	bench_tree("of 1000 groups", 1000);
}
