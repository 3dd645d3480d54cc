/* Growing arrays in an arena or on the heap, typed by macro: VEC(T) is a struct {T *at; int count, room;}.
 *
 *     VEC(Column *) columns = {0};
 *     vec_push(&columns, column);                 // heap; free with vec_release(&columns)
 *     vec_push_in(arena, &columns, column);       // arena; never freed
 */
#ifndef WEIR_BASE_VEC_H
#define WEIR_BASE_VEC_H

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

#define VEC(T) struct { T *at; int count, room; }

#define VEC_GROWN(vec) ((vec)->room ? (vec)->room * 2 : 8)

#define vec_push(vec, ...) do { \
	if ((vec)->count == (vec)->room) { \
		(vec)->room = VEC_GROWN(vec); \
		(vec)->at = mem_realloc((vec)->at, sizeof *(vec)->at * (size_t)(vec)->room); \
	} \
	(vec)->at[(vec)->count++] = (__VA_ARGS__); \
} while (0)

#define vec_push_in(arena, vec, ...) do { \
	if ((vec)->count == (vec)->room) { \
		(vec)->room = VEC_GROWN(vec); \
		void *grown_ = arena_alloc((arena), sizeof *(vec)->at * (size_t)(vec)->room); \
		if ((vec)->count) memcpy(grown_, (vec)->at, sizeof *(vec)->at * (size_t)(vec)->count); \
		(vec)->at = grown_; \
	} \
	(vec)->at[(vec)->count++] = (__VA_ARGS__); \
} while (0)

#define vec_release(vec) do { free((vec)->at); (vec)->at = NULL; (vec)->count = (vec)->room = 0; } while (0)

#endif
