/* Blobs: bytes of any length. Small ones are records of size classes, larger than half a page are blocks of their own. The handle is the
 * granule of the first byte (a block's: of its page number), so a blob is found without a table. Before the bytes stands their count. */
#include <stdlib.h>

#include "state/page.h"

enum { BLOB_HEAD_BYTES = 8, LARGE_HEAD_BYTES = 16, BLOB_SMALL_MAX = STATE_PAGE_BYTES / 2 - 64 };

static Large *large_at(const State *state, uint32_t number)
{
	uint32_t i = number - LARGE_PAGE;
	return i < (uint32_t)state->large.count && (state->large.at[i].flags & PAGE_LIVE) ? &state->large.at[i] : NULL;
}

void blob_init(State *state)
{
	for (int i = 0; i < POOL_CLASSES; i++) pool_init(&state->blobs[i], pool_class_bytes(i), PART_BLOBS, PAGE_BLOB, BLOB_HEAD_BYTES);
}

static Pool *blob_pool(State *state, uint32_t count) { return &state->blobs[pool_class(count + BLOB_HEAD_BYTES)]; }

/* ---- blocks ---- */

/* For the snapshot under way; takes the memory over. */
static void large_keep(State *state, Large *large, char *memory)
{
	KeptPage kept = {.number = LARGE_PAGE + (uint32_t)(large - state->large.at), .bytes = memory ? large->bytes : 0, .memory = memory};
	vec_push(&state->kept, kept);
	large->flags &= (uint8_t)~PAGE_FROZEN;
}

static void large_mark(State *state, Large *large)
{
	if (large->flags & PAGE_DIRTY) return;
	if (large->flags & PAGE_FROZEN) {
		char *copy = large->memory ? memcpy(mem_alloc(large->bytes), large->memory, large->bytes) : NULL;
		large_keep(state, large, copy);
	}
	large->flags |= PAGE_DIRTY;
	state->large_dirty_bytes += large->bytes;
}

static Large *large_claim(State *state, uint32_t number, uint32_t bytes)
{
	while ((uint32_t)state->large.count <= number - LARGE_PAGE) vec_push(&state->large, (Large){0});
	Large *large = &state->large.at[number - LARGE_PAGE];
	if (large->flags & PAGE_FROZEN) large_keep(state, large, NULL);        /* was freed before the snapshot */
	large->memory = mem_zalloc(bytes);
	large->bytes = bytes;
	large->flags |= PAGE_LIVE;
	state->large_bytes += bytes;
	return large;
}

static uint32_t large_number(State *state)
{
	if (state->large_free.count) return state->large_free.at[--state->large_free.count];
	uint32_t number = LARGE_PAGE + (uint32_t)state->large.count;
	if (number >= 2 * LARGE_PAGE) mem_alloc(SIZE_MAX / 2);      /* a million blocks: ends with the message */
	return number;
}

static StateHandle large_new(State *state, const void *bytes, uint32_t count)
{
	uint32_t number = large_number(state);
	Large *large = large_claim(state, number, count + LARGE_HEAD_BYTES);
	large->flags &= (uint8_t)~PAGE_DIRTY;
	large_mark(state, large);
	memcpy(large->memory, &count, 4);
	if (bytes) memcpy(large->memory + LARGE_HEAD_BYTES, bytes, count);
	return number * PAGE_GRANULES;
}

static void large_free(State *state, Large *large)
{
	if (large->flags & PAGE_DIRTY) state->large_dirty_bytes -= large->bytes;
	state->large_bytes -= large->bytes;
	if (large->flags & PAGE_FROZEN) large_keep(state, large, large->memory);
	else free(large->memory);
	*large = (Large){.flags = large->flags & PAGE_SAVED ? PAGE_SAVED | PAGE_DIRTY : 0};
	vec_push(&state->large_free, LARGE_PAGE + (uint32_t)(large - state->large.at));
}

/* ---- the interface ---- */

StateHandle state_blob_new(State *state, const void *bytes, uint32_t count)
{
	assert(count <= STATE_RECORD_BYTES_MAX);
	if (count > BLOB_SMALL_MAX) return large_new(state, bytes, count);
	char *record = pool_take(state, blob_pool(state, count));
	memcpy(record, &count, 4);
	if (bytes && count) memcpy(record + BLOB_HEAD_BYTES, bytes, count);
	return granule_of(record + BLOB_HEAD_BYTES);
}

const void *state_blob_at(const State *state, StateHandle blob, uint32_t *count)
{
	uint32_t page = blob / PAGE_GRANULES, ignored;
	if (!count) count = &ignored;
	if (page >= LARGE_PAGE) {
		const Large *large = large_at(state, page);
		if (!large) return NULL;
		memcpy(count, large->memory, 4);
		return large->memory + LARGE_HEAD_BYTES;
	}
	if (!blob || page >= state->slab_count * SLAB_PAGES || !(state->flags[page] & PAGE_LIVE)) return NULL;
	const char *at = granule_at(state, blob);
	memcpy(count, at - BLOB_HEAD_BYTES, 4);
	return at;
}

const void *state_blob_peek(const State *state, StateHandle blob)
{
	uint32_t page = blob / PAGE_GRANULES;
	return page >= LARGE_PAGE ? large_at(state, page)->memory + LARGE_HEAD_BYTES : granule_at(state, blob);
}

void *state_blob_change(State *state, StateHandle blob, uint32_t *count)
{
	void *at = (void *)(uintptr_t)state_blob_at(state, blob, count);
	uint32_t page = blob / PAGE_GRANULES;
	assert(at);
	if (page >= LARGE_PAGE) large_mark(state, large_at(state, page));
	else page_mark(state, page);
	return at;
}

void state_blob_free(State *state, StateHandle blob)
{
	if (!blob) return;
	uint32_t page = blob / PAGE_GRANULES, count;
	if (page >= LARGE_PAGE) {
		large_free(state, large_at(state, page));
		return;
	}
	char *at = (void *)(uintptr_t)state_blob_at(state, blob, &count);
	assert(at);
	pool_give(state, blob_pool(state, count), at - BLOB_HEAD_BYTES);
}

/* ---- for state.c ---- */

bool blob_adopt(State *state, Page *page, Error *err)
{
	int class = page->stride <= RECORD_BYTES_IN_PAGE ? pool_class(page->stride) : -1;
	if (class < 0 || state->blobs[class].stride != page->stride || page->part != PART_BLOBS) return state_damaged(state, page->number, err);
	for (uint32_t i = 0; i < page->room; i++) {
		uint32_t count;
		memcpy(&count, page_record(page, i), 4);
		if (page_taken(page, i) && (count > BLOB_SMALL_MAX || blob_pool(state, count)->stride != page->stride)) return state_damaged(state, page->number, err);
	}
	pool_adopt(state, &state->blobs[class], page);
	return true;
}

bool large_load(State *state, uint32_t number, const void *bytes, uint32_t count, Error *err)
{
	uint32_t length;
	if (number >= 2 * LARGE_PAGE || count < LARGE_HEAD_BYTES || large_at(state, number)) return state_damaged(state, number, err);
	memcpy(&length, bytes, 4);
	if (length != count - LARGE_HEAD_BYTES) return state_damaged(state, number, err);
	Large *large = large_claim(state, number, count);
	memcpy(large->memory, bytes, count);
	large->flags = PAGE_LIVE | PAGE_SAVED;
	return true;
}

void large_finish(State *state)
{
	for (uint32_t i = (uint32_t)state->large.count; i-- > 0;)
		if (!(state->large.at[i].flags & PAGE_LIVE)) vec_push(&state->large_free, LARGE_PAGE + i);
}

void large_freeze(State *state)
{
	for (uint32_t i = 0; i < (uint32_t)state->large.count; i++) {
		uint8_t *flags = &state->large.at[i].flags;
		if (*flags & PAGE_DIRTY) *flags = *flags & PAGE_LIVE ? PAGE_LIVE | PAGE_SAVED | PAGE_FROZEN : PAGE_FROZEN;
	}
	state->large_dirty_bytes = 0;
	state->next_large = 0;
}

bool large_save_next(State *state, StatePut *put, void *context, uint64_t *bytes, uint64_t bytes_max)
{
	for (; state->next_large < (uint32_t)state->large.count; state->next_large++) {
		Large *large = &state->large.at[state->next_large];
		if (!(large->flags & PAGE_FROZEN)) continue;
		if (*bytes >= bytes_max) return false;
		put(context, LARGE_PAGE + state->next_large, large->memory, large->bytes);
		*bytes += large->bytes;
		large->flags &= (uint8_t)~PAGE_FROZEN;
	}
	return true;
}

bool large_copy(const State *from, State *to, Error *err)
{
	for (int i = 0; i < from->large.count; i++) {
		const Large *large = &from->large.at[i];
		if ((large->flags & PAGE_LIVE) && !large_load(to, LARGE_PAGE + (uint32_t)i, large->memory, large->bytes, err)) return false;
	}
	return true;
}

void large_mark_all(State *state)
{
	for (int i = 0; i < state->large.count; i++) {
		if (!(state->large.at[i].flags & PAGE_LIVE)) continue;
		state->large.at[i].flags &= (uint8_t)~PAGE_SAVED;
		large_mark(state, &state->large.at[i]);
	}
}

void large_release(State *state)
{
	for (int i = 0; i < state->large.count; i++) free(state->large.at[i].memory);
	vec_release(&state->large);
	vec_release(&state->large_free);
	for (int i = 0; i < state->kept.count; i++) free(state->kept.at[i].memory);
	vec_release(&state->kept);
}

void blob_check(const State *state)
{
	uint64_t bytes = 0;
	for (int i = 0; i < state->large.count; i++) bytes += state->large.at[i].bytes;
	SOUND(bytes == state->large_bytes);
}
