/* Pages: allocation in slabs, pools of equal records, dirty marks.
 *
 * A bitmap in the page says which places are taken, so free places need no list that would have to be saved, and a pool is nothing
 * but the list of its pages that have room. Free places are all zero: pages compress well and show nothing of what was removed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"
#include "state/page.h"

/* ---- size classes: steps of 16 up to 256, of 64 up to 2048, then whole fractions of a page ---- */

int pool_class(uint32_t need)
{
	assert(need > 0 && need <= RECORD_BYTES_IN_PAGE);
	if (need <= 256) return (int)((need + 15) / 16) - 1;
	if (need <= 2048) return 16 + (int)((need - 256 + 63) / 64) - 1;
	return 44 + 15 - (int)(RECORD_BYTES_IN_PAGE / ((need + 15) & ~15u));
}

uint32_t pool_class_bytes(int class)
{
	if (class < 16) return 16 * (uint32_t)(class + 1);
	if (class < 44) return 256 + 64 * (uint32_t)(class - 15);
	return (uint32_t)(RECORD_BYTES_IN_PAGE / (44 + 15 - class)) & ~15u;
}

void pool_init(Pool *pool, uint32_t stride, uint16_t part, PageKind kind, uint8_t lead)
{
	*pool = (Pool){.stride = stride, .part = part, .kind = (uint8_t)kind, .lead = lead};
}

/* ---- pages ---- */

static void slabs_grow(State *state)
{
	uint32_t room = state->slab_room ? state->slab_room * 2 : 2;
	size_t pages = (size_t)room * SLAB_PAGES, had = (size_t)state->slab_room * SLAB_PAGES;
	if (pages > LARGE_PAGE) {
		log_write(LOG_ERROR, "state of \"%s\" is larger than 32 GiB; what is committed is safe", state->name);
		exit(3);
	}
	state->slabs = mem_realloc(state->slabs, room * sizeof *state->slabs);
	state->slab_used = mem_realloc(state->slab_used, room);
	state->flags = mem_realloc(state->flags, pages);
	state->links = mem_realloc(state->links, pages * sizeof *state->links);
	memset(state->flags + had, 0, pages - had);
	memset(state->links + had, 0, (pages - had) * sizeof *state->links);
	state->slab_room = room;
}

static void slab_fill(State *state, uint32_t slab)
{
	while (state->slab_count <= slab) {
		if (state->slab_count == state->slab_room) slabs_grow(state);
		state->slabs[state->slab_count] = NULL;
		state->slab_used[state->slab_count] = state->slab_count == 0 ? 1 : 0;        /* page 0 is the system page */
		state->slab_count++;
	}
	if (state->slabs[slab]) return;
	state->slabs[slab] = aligned_alloc(STATE_PAGE_BYTES, SLAB_PAGES * STATE_PAGE_BYTES);
	if (!state->slabs[slab]) mem_alloc(SIZE_MAX / 2);         /* ends with the message */
}

/* What is removed from a page is cleared, so only its first use clears it whole. */
static Page *page_claim(State *state, uint32_t number)
{
	slab_fill(state, number / SLAB_PAGES);
	state->slab_used[number / SLAB_PAGES] |= (uint8_t)(1u << number % SLAB_PAGES);
	state->flags[number] |= PAGE_LIVE;
	state->live_pages++;
	return memset(page_at(state, number), 0, STATE_PAGE_BYTES);
}

static uint32_t page_free_number(State *state)
{
	while (state->slab_hint < state->slab_count && state->slab_used[state->slab_hint] == 0xff) state->slab_hint++;
	uint32_t slab = state->slab_hint;
	uint8_t used = slab < state->slab_count ? state->slab_used[slab] : slab == 0 ? 1 : 0;
	return slab * SLAB_PAGES + (uint32_t)__builtin_ctz(~(unsigned)used);
}

static Page *page_new(State *state, const Pool *pool)
{
	uint32_t number = page_free_number(state);
	if (number < state->slab_count * SLAB_PAGES && (state->flags[number] & PAGE_FROZEN)) page_keep(state, number);
	Page *page = page_claim(state, number);
	state->flags[number] &= (uint8_t)~(PAGE_DIRTY | PAGE_TOUCHED);       /* it may have waited to be reported as freed */
	page_mark(state, number);
	uint32_t room = (STATE_PAGE_BYTES - sizeof *page) / pool->stride, first;
	for (;; room--) {
		first = (uint32_t)sizeof *page + ((room + 63) / 64 * 8 + 15) / 16 * 16 + (16 - pool->lead) % 16;
		if (first + room * pool->stride <= STATE_PAGE_BYTES) break;
	}
	page->number = number;
	page->stride = pool->stride;
	page->part = pool->part;
	page->kind = pool->kind;
	page->first = (uint16_t)first;
	page->room = (uint16_t)room;
	if (room % 64) page->taken[room / 64] = UINT64_MAX << room % 64;        /* beyond the last: never free */
	return page;
}

static void page_drop(State *state, uint32_t number)
{
	uint32_t slab = number / SLAB_PAGES;
	if (state->flags[number] & PAGE_DIRTY) state->dirty_pages--;
	state->flags[number] &= PAGE_SAVED;
	if (state->flags[number]) state->flags[number] |= PAGE_DIRTY;
	state->live_pages--;
	state->slab_used[slab] &= (uint8_t)~(1u << number % SLAB_PAGES);
	if (slab < state->slab_hint) state->slab_hint = slab;
	if (state->slab_used[slab]) return;
	free(state->slabs[slab]);
	state->slabs[slab] = NULL;
}

/* ---- pools ---- */

static void pool_link(State *state, Pool *pool, uint32_t number)
{
	state->links[number] = (PageLink){0, pool->open};
	if (pool->open) state->links[pool->open].previous = number;
	pool->open = number;
}

static void pool_unlink(State *state, Pool *pool, uint32_t number)
{
	PageLink link = state->links[number];
	if (link.previous) state->links[link.previous].next = link.next;
	else pool->open = link.next;
	if (link.next) state->links[link.next].previous = link.previous;
	state->links[number] = (PageLink){0, 0};
}

void *pool_take(State *state, Pool *pool)
{
	if (!pool->open) pool_link(state, pool, page_new(state, pool)->number);
	Page *page = page_at(state, pool->open);
	page_mark(state, page->number);
	uint32_t words = ((uint32_t)page->room + 63) / 64, word = page->hint;
	while (page->taken[word] == UINT64_MAX) word = word + 1 == words ? 0 : word + 1;
	uint32_t i = word * 64 + (uint32_t)__builtin_ctzll(~page->taken[word]);
	assert(i < page->room);
	page->hint = (uint16_t)word;
	page->taken[word] |= (uint64_t)1 << (i % 64);
	page->used++;
	if (page->used == page->room) pool_unlink(state, pool, page->number);
	return page_record(page, i);
}

void pool_give(State *state, Pool *pool, void *record)
{
	Page *page = page_of(record);
	uint32_t i = (uint32_t)((char *)record - page_record(page, 0)) / page->stride;
	assert(page->stride == pool->stride && page->part == pool->part && page_taken(page, i));
	page_mark(state, page->number);
	if (page->used == page->room) pool_link(state, pool, page->number);
	page->taken[i / 64] &= ~((uint64_t)1 << (i % 64));
	page->used--;
	memset(record, 0, page->stride);
	if (page->used == 0) {
		uint32_t number = page->number;
		pool_unlink(state, pool, number);
		memset(page, 0, page->first);
		page_drop(state, number);
		return;
	}
	if (i / 64 < page->hint) page->hint = (uint16_t)(i / 64);
}

void pool_adopt(State *state, Pool *pool, Page *page)
{
	if (page->used < page->room) pool_link(state, pool, page->number);
}

/* ---- saving and loading of pages ---- */

static uint32_t page_bytes_used(const Page *page)
{
	uint32_t i = page->room;
	while (i > 0 && !page_taken(page, i - 1)) i--;
	return page->first + i * page->stride;
}

#ifdef NDEBUG
static void note_hashes(State *state) { (void)state; }
static void check_hash(const State *state, const Page *page) { (void)state, (void)page; }
#else
static void note_hashes(State *state)
{
	uint32_t pages = state->slab_count * SLAB_PAGES;
	state->frozen_hashes = mem_realloc(state->frozen_hashes, pages * sizeof *state->frozen_hashes);
	for (uint32_t number = 1; number < pages; number++)
		if ((state->flags[number] & PAGE_FROZEN) && (state->flags[number] & PAGE_LIVE)) state->frozen_hashes[number] = hash_bytes(page_at(state, number), STATE_PAGE_BYTES);
}

static void check_hash(const State *state, const Page *page) { assert(state->frozen_hashes[page->number] == hash_bytes(page, STATE_PAGE_BYTES)); }
#endif

void page_keep(State *state, uint32_t number)
{
	KeptPage kept = {.number = number};
	if (state->flags[number] & PAGE_LIVE) {
		const Page *page = page_at(state, number);
		check_hash(state, page);
		kept.bytes = page_bytes_used(page);
		kept.memory = memcpy(mem_alloc(kept.bytes), page, kept.bytes);
	}
	vec_push(&state->kept, kept);
	state->flags[number] &= (uint8_t)~PAGE_FROZEN;
}

void pages_freeze(State *state)
{
	uint32_t pages = state->slab_count * SLAB_PAGES;
	for (uint32_t number = 1; number < pages; number++) {
		uint8_t *flags = &state->flags[number];
		if (*flags & PAGE_DIRTY) *flags = *flags & PAGE_LIVE ? PAGE_LIVE | PAGE_SAVED | PAGE_FROZEN : PAGE_FROZEN;
	}
	state->dirty_pages = state->looked_at_pages = 0;
	state->next_frozen = 1;
	note_hashes(state);
}

bool pages_save_next(State *state, StatePut *put, void *context, uint64_t *bytes, uint64_t bytes_max)
{
	uint32_t pages = state->slab_count * SLAB_PAGES;
	for (; state->next_frozen < pages; state->next_frozen++) {
		uint32_t number = state->next_frozen, count = 0;
		if (!(state->flags[number] & PAGE_FROZEN)) continue;
		if (*bytes >= bytes_max) return false;
		const Page *page = state->flags[number] & PAGE_LIVE ? page_at(state, number) : NULL;
		if (page) {
			check_hash(state, page);
			count = page_bytes_used(page);
		}
		put(context, number, page, count);
		*bytes += count;
		state->flags[number] &= (uint8_t)~PAGE_FROZEN;
	}
	return true;
}

/* All of the header that later code relies on; the contents are the part's matter. */
static bool page_sound(const Page *page, uint32_t number, uint32_t count)
{
	if (page->number != number || page->stride < GRANULE_BYTES || page->stride % GRANULE_BYTES) return false;
	uint32_t words = ((uint32_t)page->room + 63) / 64, used = 0;
	if (page->first < sizeof *page + words * 8 || page->room == 0 || page->hint >= words) return false;
	if (page->first + (size_t)page->room * page->stride > STATE_PAGE_BYTES) return false;
	for (uint32_t word = 0; word < words; word++) used += (uint32_t)__builtin_popcountll(page->taken[word]);
	if (page->room % 64 && page->taken[words - 1] >> page->room % 64 != UINT64_MAX >> page->room % 64) return false;
	return used - (words * 64 - page->room) == page->used && page->used > 0 && page_bytes_used(page) == count;
}

bool page_load(State *state, uint32_t number, const void *bytes, uint32_t count, Error *err)
{
	if (number >= LARGE_PAGE || count < sizeof(Page) || count > STATE_PAGE_BYTES) return state_damaged(state, number, err);
	slab_fill(state, number / SLAB_PAGES);
	if (state->flags[number]) return state_damaged(state, number, err);
	Page *page = page_claim(state, number);
	memcpy(page, bytes, count);
	state->flags[number] = PAGE_LIVE | PAGE_SAVED;
	return page_sound(page, number, count) || state_damaged(state, number, err);       /* which ends the use of this state */
}

void page_check(const Page *page)
{
	SOUND(page_sound(page, page->number, page_bytes_used(page)));
	for (uint32_t i = 0; i < page->room; i++) {
		const char *record = page_record(page, i);
		if (!page_taken(page, i)) SOUND(record[0] == 0 && memcmp(record, record + 1, page->stride - 1) == 0);
	}
}

bool pages_copy(const State *from, State *to, Error *err)
{
	for (uint32_t number = 1; number < from->slab_count * SLAB_PAGES; number++) {
		const Page *page = from->flags[number] & PAGE_LIVE ? page_at(from, number) : NULL;
		if (page && !page_load(to, number, page, page_bytes_used(page), err)) return false;
	}
	return true;
}

void pages_mark_all(State *state)
{
	for (uint32_t number = 1; number < state->slab_count * SLAB_PAGES; number++)
		if (state->flags[number] & PAGE_LIVE) {
			state->flags[number] &= (uint8_t)~PAGE_SAVED;
			page_mark(state, number);
		}
}

void pages_release(State *state)
{
	for (uint32_t i = 0; i < state->slab_count; i++) free(state->slabs[i]);
	free(state->slabs);
	free(state->slab_used);
	free(state->flags);
	free(state->links);
	state->slabs = NULL;
	state->slab_used = state->flags = NULL;
	state->links = NULL;
	state->slab_count = state->slab_room = state->slab_hint = state->live_pages = state->dirty_pages = state->looked_at_pages = 0;
#ifndef NDEBUG
	free(state->frozen_hashes);
	state->frozen_hashes = NULL;
#endif
}
