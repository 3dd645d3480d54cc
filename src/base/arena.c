#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ARENA_ALIGN = 16, ARENA_FIRST_BYTES = 4096, ARENA_BLOCK_BYTES_MAX = 1 << 20 };

struct ArenaBlock {
	ArenaBlock *older;
	size_t bytes;             /* of memory behind the header */
	_Alignas(ARENA_ALIGN) char memory[];
};

static _Noreturn void out_of_memory(size_t bytes)
{
	char text[128];
	int n = snprintf(text, sizeof text, "weir: out of memory (%zu bytes wanted); what is committed is safe, start again\n", bytes);
	if (n > 0 && write(STDERR_FILENO, text, (size_t)n) < 0) _exit(3);
	_exit(3);
}

void *mem_alloc(size_t bytes)
{
	void *memory = malloc(bytes ? bytes : 1);
	if (!memory) out_of_memory(bytes);
	return memory;
}

void *mem_zalloc(size_t bytes)
{
	void *memory = calloc(1, bytes ? bytes : 1);
	if (!memory) out_of_memory(bytes);
	return memory;
}

void *mem_realloc(void *old, size_t bytes)
{
	void *memory = realloc(old, bytes ? bytes : 1);
	if (!memory) out_of_memory(bytes);
	return memory;
}

char *mem_strdup(const char *text)
{
	size_t bytes = strlen(text) + 1;
	return memcpy(mem_alloc(bytes), text, bytes);
}

void arena_init(Arena *arena, size_t first_block_bytes)
{
	*arena = (Arena){.block_bytes = first_block_bytes ? first_block_bytes : ARENA_FIRST_BYTES};
}

static void arena_add_block(Arena *arena, size_t bytes)
{
	size_t block_bytes = arena->block_bytes > bytes ? arena->block_bytes : bytes;
	ArenaBlock *block = mem_alloc(sizeof *block + block_bytes);
	block->bytes = block_bytes;
	block->older = arena->blocks;
	arena->blocks = block;
	arena->next = block->memory;
	arena->end = block->memory + block_bytes;
	if (arena->block_bytes < ARENA_BLOCK_BYTES_MAX) arena->block_bytes *= 2;
}

void *arena_alloc(Arena *arena, size_t bytes)
{
	bytes = (bytes + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	if (bytes == 0) bytes = ARENA_ALIGN;
	if ((size_t)(arena->end - arena->next) < bytes) arena_add_block(arena, bytes);
	void *memory = arena->next;
	arena->next += bytes;
	arena->used_bytes += bytes;
	return memory;
}

void *arena_zalloc(Arena *arena, size_t bytes) { return memset(arena_alloc(arena, bytes), 0, bytes); }

void *arena_copy(Arena *arena, const void *from, size_t bytes)
{
	void *to = arena_alloc(arena, bytes);
	if (bytes) memcpy(to, from, bytes);
	return to;
}

char *arena_strndup(Arena *arena, const char *text, size_t bytes)
{
	char *to = arena_alloc(arena, bytes + 1);
	if (bytes) memcpy(to, text, bytes);
	to[bytes] = 0;
	return to;
}

char *arena_strdup(Arena *arena, const char *text) { return arena_strndup(arena, text, strlen(text)); }

char *arena_printf(Arena *arena, const char *format, ...)
{
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int bytes = vsnprintf(NULL, 0, format, args);
	va_end(args);
	char *text = arena_alloc(arena, (size_t)bytes + 1);
	vsnprintf(text, (size_t)bytes + 1, format, again);
	va_end(again);
	return text;
}

/* Keeps the newest block, which is the largest or nearly so. */
void arena_clear(Arena *arena)
{
	ArenaBlock *kept = arena->blocks;
	if (!kept) return;
	for (ArenaBlock *block = kept->older, *older; block; block = older) {
		older = block->older;
		free(block);
	}
	kept->older = NULL;
	arena->next = kept->memory;
	arena->end = kept->memory + kept->bytes;
	arena->used_bytes = 0;
}

void arena_release(Arena *arena)
{
	for (ArenaBlock *block = arena->blocks, *older; block; block = older) {
		older = block->older;
		free(block);
	}
	arena_init(arena, 0);
}
