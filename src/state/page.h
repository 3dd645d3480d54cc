/* Pages and pools: where records lie. Internal to state/.
 *
 * A page is 32 KiB, aligned to its size and never moves; eight of them are allocated at a time (a slab). It holds records of one
 * stride and says in its header whose it is, so that a page alone is enough to load it, and a pointer into it enough to find it.
 * Records are named by granules of 16 bytes: page number << 11 | offset / 16, 32 bits, which gives room for 32 GiB; numbers of pages
 * above LARGE_PAGE name blocks of any length that hold one large blob each. Granule 0 is page 0, the system page, and names nothing.
 */
#ifndef WEIR_STATE_PAGE_H
#define WEIR_STATE_PAGE_H

#include <assert.h>
#include <string.h>

#include "base/vec.h"
#include "state/state.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "pages are written as they lie in memory, little-endian");

/* For the *_check functions: an assertion whose operands count as used where there are none. */
#ifdef NDEBUG
#define SOUND(condition) ((void)sizeof(condition))
#else
#define SOUND(condition) assert(condition)
#endif

typedef enum PageKind { PAGE_MAP = 1, PAGE_TREE = 2, PAGE_BLOB = 3, PAGE_LARGE = 4 } PageKind;

enum {
	GRANULE_BYTES = 16,
	PAGE_GRANULES = STATE_PAGE_BYTES / GRANULE_BYTES,
	SLAB_PAGES = 8,
	SLAB_GRANULES = SLAB_PAGES * PAGE_GRANULES,
	LARGE_PAGE = 1 << 20,                 /* page numbers from here on are blocks of their own */
	RECORD_BYTES_IN_PAGE = STATE_PAGE_BYTES - 64,
	PART_BLOBS = 0xffff,
};

/* DIRTY: changed since the last snapshot; SAVED: the file has it, or will; FROZEN: of the snapshot under way and as it was then; TOUCHED: dirty, and
 * changed since state_look_at_growth */
enum { PAGE_DIRTY = 1, PAGE_SAVED = 2, PAGE_LIVE = 4, PAGE_FROZEN = 8, PAGE_TOUCHED = 16 };

/* What a page of the snapshot held before it was changed again; bytes 0: freed. */
typedef struct KeptPage { uint32_t number, bytes; char *memory; } KeptPage;

typedef struct Page {
	uint32_t number;
	uint32_t stride;                      /* bytes from record to record */
	uint16_t part;
	uint8_t kind;
	uint8_t reserved;
	uint16_t first;                       /* offset of the first record */
	uint16_t room, used;                  /* records */
	uint16_t hint;                        /* word of the bitmap where a free place may be */
	uint32_t reserved_2[2];
	uint64_t taken[];                     /* a bit for each record */
} Page;
_Static_assert(sizeof(Page) == 32, "part of the saved form");

/* Records of one stride of one part. */
typedef struct Pool {
	uint32_t stride;
	uint16_t part;
	uint8_t kind;
	uint8_t lead;                         /* bytes of a record before what must be aligned to 16 */
	uint32_t open;                        /* first page that has room; 0: none */
} Pool;

enum { POOL_CLASSES = 59 };

typedef struct PageLink { uint32_t previous, next; } PageLink;            /* pages of a pool that have room */

typedef struct Large { char *memory; uint32_t bytes; uint8_t flags; } Large;

typedef struct Part { StateMap *map; StateTree *tree; } Part;

struct State {
	char *name;
	uint64_t salt;                        /* of hash slots, so that nobody can aim at one */
	VEC(Part) parts;

	char **slabs;                         /* aligned; NULL: none */
	uint8_t *slab_used;                   /* a bit for each page */
	uint32_t slab_count, slab_room;
	uint32_t slab_hint;                   /* no slab before has a free page */
	uint8_t *flags;                       /* of each page */
	PageLink *links;
	uint32_t live_pages, dirty_pages;
	bool forgets;                         /* state_forgets */
	uint32_t looked_at_pages;             /* dirty ones at the last state_look_at_growth */

	VEC(Large) large;
	VEC(uint32_t) large_free;
	uint64_t large_bytes, large_dirty_bytes;

	Pool blobs[POOL_CLASSES];
	int64_t registers[STATE_REGISTERS], saved_registers[STATE_REGISTERS];
	bool system_saved;

	VEC(KeptPage) kept;                   /* of the snapshot under way */
	uint32_t next_frozen, next_large;     /* no frozen page, no frozen block lies before */
	bool frozen;                          /* a snapshot is under way */
#ifndef NDEBUG
	uint64_t *frozen_hashes;              /* by page: nobody wrote to a page without marking it first */
#endif
};

static inline void *granule_at(const State *state, uint32_t granule)
{
	return state->slabs[granule / SLAB_GRANULES] + (size_t)(granule % SLAB_GRANULES) * GRANULE_BYTES;
}

static inline Page *page_of(const void *record)
{
	return (Page *)((uintptr_t)record & ~(uintptr_t)(STATE_PAGE_BYTES - 1));
}

static inline uint32_t granule_of(const void *record)
{
	const Page *page = page_of(record);
	return page->number * PAGE_GRANULES + (uint32_t)((const char *)record - (const char *)page) / GRANULE_BYTES;
}

void page_keep(State *state, uint32_t number);             /* a frozen page as it is, for the snapshot */

/* Before the page is changed. */
static inline void page_mark(State *state, uint32_t number)
{
	if (state->flags[number] & PAGE_TOUCHED) return;
	state->flags[number] |= PAGE_TOUCHED;
	if (state->flags[number] & PAGE_DIRTY) return;
	if (state->flags[number] & PAGE_FROZEN) page_keep(state, number);
	state->flags[number] |= PAGE_DIRTY;
	state->dirty_pages++;
}

static inline void record_mark(State *state, const void *record) { page_mark(state, page_of(record)->number); }

static inline Page *page_at(const State *state, uint32_t number) { return granule_at(state, number * PAGE_GRANULES); }
static inline char *page_record(const Page *page, uint32_t i) { return (char *)page + page->first + (size_t)i * page->stride; }
static inline bool page_taken(const Page *page, uint32_t i) { return page->taken[i / 64] >> (i % 64) & 1; }

/* Size classes of records; need <= RECORD_BYTES_IN_PAGE */
int pool_class(uint32_t need);
uint32_t pool_class_bytes(int class);
void pool_init(Pool *pool, uint32_t stride, uint16_t part, PageKind kind, uint8_t lead);
void *pool_take(State *state, Pool *pool);                 /* zeroed, marked changed */
void pool_give(State *state, Pool *pool, void *record);
void pool_adopt(State *state, Pool *pool, Page *page);     /* after loading */

/* ---- what state.c calls in the parts ---- */
StateMap *map_new(State *state, uint16_t part, uint32_t payload_bytes);
void map_free(StateMap *map);
void map_clear(StateMap *map);                             /* its pages are gone */
bool map_adopt(StateMap *map, Page *page, Error *err);
bool map_finish(StateMap *map, Error *err);
void map_check(const StateMap *map);
uint32_t map_payload_bytes(const StateMap *map);

StateTree *tree_new(State *state, uint16_t part, uint32_t payload_bytes);
void tree_free(StateTree *tree);
void tree_clear(StateTree *tree);
bool tree_adopt(StateTree *tree, Page *page, Error *err);
bool tree_finish(StateTree *tree, Error *err);
void tree_check(const StateTree *tree);
uint32_t tree_payload_bytes(const StateTree *tree);

void blob_init(State *state);
bool blob_adopt(State *state, Page *page, Error *err);
void blob_check(const State *state);
bool large_load(State *state, uint32_t number, const void *bytes, uint32_t count, Error *err);
void large_finish(State *state);
void large_freeze(State *state);
bool large_save_next(State *state, StatePut *put, void *context, uint64_t *bytes, uint64_t bytes_max);
bool large_copy(const State *from, State *to, Error *err);
void large_mark_all(State *state);                         /* none is saved */
void large_release(State *state);                          /* all of it is gone, and what was kept for a snapshot */

void pages_freeze(State *state);
/* Hands out frozen pages until `bytes` reaches bytes_max; true: that was the last. */
bool pages_save_next(State *state, StatePut *put, void *context, uint64_t *bytes, uint64_t bytes_max);
bool page_load(State *state, uint32_t number, const void *bytes, uint32_t count, Error *err);
void page_check(const Page *page);                         /* asserts; free places are zero */
bool pages_copy(const State *from, State *to, Error *err);
void pages_mark_all(State *state);
void pages_release(State *state);                          /* there are none any more */

bool state_damaged(const State *state, uint32_t page, Error *err);        /* is false */

#endif
