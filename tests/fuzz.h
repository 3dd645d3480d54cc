/* What the fuzzing tests share: random numbers from a seed that is printed, how long to go on, and the input that was under way when the program died.
 *
 * Without variables a run is short and always the same, as make check wants it. FUZZ_SECONDS=600 FUZZ_SEED=$RANDOM make it long and another one;
 * FUZZ_ROUND=n begins with round n. Each round has a seed of its own, made of both: what is found is repeated by FUZZ_SEED and FUZZ_ROUND.
 * The input of the round that runs stands in fuzz-NAME.input in the working directory: a shared mapping, so it is there whatever ends the process.
 */
#ifndef WEIR_TESTS_FUZZ_H
#define WEIR_TESTS_FUZZ_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/vec.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { FUZZ_ROUND_SECONDS = 1800 };
#else
enum { FUZZ_ROUND_SECONDS = 180 };
#endif
enum { FUZZ_INPUT_BYTES = 1 << 20 };

typedef struct Fuzz {
	uint64_t seed, random;
	int64_t round, first, rounds;         /* rounds: without FUZZ_SECONDS */
	int64_t until_us;                     /* 0: count rounds */
	char *input;                          /* what is under way */
	char path[64];
} Fuzz;

static inline uint64_t fuzz_next(Fuzz *fuzz)
{
	uint64_t z = fuzz->random += 0x9E3779B97F4A7C15u;
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return z ^ (z >> 31);
}

static inline int fuzz_below(Fuzz *fuzz, int64_t limit) { return limit > 0 ? (int)(fuzz_next(fuzz) % (uint64_t)limit) : 0; }
static inline bool fuzz_chance(Fuzz *fuzz, int percent) { return fuzz_below(fuzz, 100) < percent; }

static inline uint64_t fuzz_variable(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);
	return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

static inline void fuzz_open(Fuzz *fuzz, const char *name, int64_t rounds)
{
	int64_t seconds = (int64_t)fuzz_variable("FUZZ_SECONDS", 0);
	*fuzz = (Fuzz){.seed = fuzz_variable("FUZZ_SEED", 1), .rounds = rounds, .first = (int64_t)fuzz_variable("FUZZ_ROUND", 0)};
	fuzz->round = fuzz->first - 1;
	fuzz->until_us = seconds ? clock_monotonic_us() + seconds * 1000000 : 0;
	snprintf(fuzz->path, sizeof fuzz->path, "fuzz-%s.input", name);
	int fd = open(fuzz->path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || ftruncate(fd, FUZZ_INPUT_BYTES) < 0) abort();
	fuzz->input = mmap(NULL, FUZZ_INPUT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fuzz->input == MAP_FAILED) abort();
	close(fd);
	printf("%s: seed %llu\n", name, (unsigned long long)fuzz->seed);
}

/* What stays in the file is the input of a round that did not end. */
static inline void fuzz_close(Fuzz *fuzz)
{
	alarm(0);
	munmap(fuzz->input, FUZZ_INPUT_BYTES);
	unlink(fuzz->path);
	printf("%lld rounds\n", (long long)(fuzz->round - fuzz->first));
}

/* A round that does not end is ended by SIGALRM. */
static inline bool fuzz_round(Fuzz *fuzz)
{
	fuzz->round++;
	if (fuzz->until_us ? clock_monotonic_us() > fuzz->until_us : fuzz->round - fuzz->first >= fuzz->rounds) return false;
	fuzz->random = fuzz->seed * 0x2545F4914F6CDD1Du ^ (uint64_t)fuzz->round * 0xD6E8FEB86659FD93u;
	snprintf(fuzz->input, FUZZ_INPUT_BYTES, "FUZZ_SEED=%llu FUZZ_ROUND=%lld\n", (unsigned long long)fuzz->seed, (long long)fuzz->round);
	alarm(FUZZ_ROUND_SECONDS);
	return true;
}

/* Adds to what is under way. */
static inline void fuzz_note(Fuzz *fuzz, const char *text, size_t bytes)
{
	size_t used = strlen(fuzz->input);
	if (bytes > FUZZ_INPUT_BYTES - 2 - used) bytes = FUZZ_INPUT_BYTES - 2 - used;
	memcpy(fuzz->input + used, text, bytes);
	fuzz->input[used + bytes] = 0;
}

/* A few bytes are changed, taken away, doubled. Returns the new length, at most room. */
static inline size_t fuzz_bytes(Fuzz *fuzz, char *text, size_t bytes, size_t room)
{
	for (int n = 1 + fuzz_below(fuzz, 4); n > 0 && bytes > 0; n--) {
		size_t at = (size_t)fuzz_below(fuzz, (int64_t)bytes), length = 1 + (size_t)fuzz_below(fuzz, fuzz_chance(fuzz, 80) ? 8 : 200);
		if (length > bytes - at) length = bytes - at;
		switch (fuzz_below(fuzz, 5)) {
		case 0: text[at] = (char)fuzz_next(fuzz); break;
		case 1: text[at] ^= (char)(1 << fuzz_below(fuzz, 8)); break;
		case 2: memmove(text + at, text + at + length, bytes - at - length); bytes -= length; break;
		case 3: {
			size_t to = (size_t)fuzz_below(fuzz, (int64_t)bytes);
			if (to >= bytes || length > room || bytes > room - length) break;
			memmove(text + to + length, text + to, bytes - to);
			memmove(text + to, text + (at >= to && at + 2 * length <= bytes ? at + length : at), length);
			bytes += length;
			break;
		}
		default: for (size_t i = 0; i < length; i++) text[at + i] = "\"{}[]:,\\\0\xff-.eE019 \n"[fuzz_below(fuzz, 20)];
		}
	}
	return bytes;
}

/* A whole file; NULL: it cannot be read. Caller frees. */
static inline char *fuzz_file(const char *path, size_t *bytes)
{
	FILE *file = fopen(path, "rb");
	if (!file) return NULL;
	char *text = NULL;
	*bytes = 0;
	for (size_t room = 1 << 16;; room *= 2) {
		text = mem_realloc(text, room + 1);
		*bytes += fread(text + *bytes, 1, room - *bytes, file);
		if (*bytes < room) break;
	}
	text[*bytes] = 0;
	fclose(file);
	return text;
}

#endif
