/* Arena: memory with one lifetime (statement, pipeline, scratch of one step, batch). Never fails: out of memory ends the
 * program with one message, a restart is safe. Not thread-safe; one thread at a time.
 *
 *     Arena arena; arena_init(&arena, 0);
 *     Node *node = arena_new(&arena, Node);          // zeroed
 *     arena_clear(&arena);                           // keeps the first block for reuse
 *     arena_release(&arena);
 */
#ifndef WEIR_BASE_ARENA_H
#define WEIR_BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

typedef struct ArenaBlock ArenaBlock;

typedef struct Arena {
	ArenaBlock *blocks;       /* newest first */
	char *next, *end;         /* free part of the newest block */
	size_t block_bytes;       /* size of the next block */
	size_t used_bytes;        /* handed out since init or clear, with padding */
} Arena;

void arena_init(Arena *arena, size_t first_block_bytes);   /* 0: 4 KiB, allocated at first use; blocks double up to 1 MiB */
void arena_clear(Arena *arena);
void arena_release(Arena *arena);

void *arena_alloc(Arena *arena, size_t bytes);             /* 16-byte aligned, not zeroed */
void *arena_zalloc(Arena *arena, size_t bytes);
void *arena_copy(Arena *arena, const void *from, size_t bytes);
char *arena_strdup(Arena *arena, const char *text);
char *arena_strndup(Arena *arena, const char *text, size_t bytes);
char *arena_printf(Arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3), nonnull(2)));

#define arena_new(arena, Type_) ((Type_ *)arena_zalloc((arena), sizeof(Type_)))
#define arena_array(arena, Type_, count) ((Type_ *)arena_zalloc((arena), sizeof(Type_) * (size_t)(count)))

/* Heap allocation that cannot return NULL. */
void *mem_alloc(size_t bytes);
void *mem_zalloc(size_t bytes);
void *mem_realloc(void *old, size_t bytes);
char *mem_strdup(const char *text);
#define mem_new(Type_) ((Type_ *)mem_zalloc(sizeof(Type_)))

#endif
