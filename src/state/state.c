/* State: parts in their order, registers, saving and loading. Page 0 is the system page: what the parts are, and the registers. */
#include <stdlib.h>
#include <sys/random.h>

#include "state/page.h"

enum { SYSTEM_MAGIC = 0x53525457, SYSTEM_VERSION = STATE_LAYOUT, PARTS_MAX = 1024 };

typedef struct SystemPart { uint32_t kind, payload_bytes; } SystemPart;

typedef struct SystemPage {
	uint32_t magic, version, part_count, reserved;
	int64_t registers[STATE_REGISTERS];
	SystemPart parts[];
} SystemPage;

State *state_new(const char *name)
{
	State *state = mem_new(State);
	state->name = mem_strdup(name);
	if (getrandom(&state->salt, sizeof state->salt, GRND_NONBLOCK) != sizeof state->salt) state->salt = (uintptr_t)state * 0x9e3779b97f4a7c15ull;
	state->salt |= 1;
	blob_init(state);
	return state;
}

void state_free(State *state)
{
	if (!state) return;
	for (int i = 0; i < state->parts.count; i++) {
		if (state->parts.at[i].map) map_free(state->parts.at[i].map);
		if (state->parts.at[i].tree) tree_free(state->parts.at[i].tree);
	}
	vec_release(&state->parts);
	large_release(state);
	pages_release(state);
	free(state->name);
	free(state);
}

void state_forgets(State *state) { state->forgets = true; }

bool state_is_forgetting(const State *state) { return state->forgets; }

StateMap *state_map_open(State *state, uint32_t payload_bytes)
{
	assert(state->live_pages == 0 && state->parts.count < PARTS_MAX);
	StateMap *map = map_new(state, (uint16_t)state->parts.count, payload_bytes);
	vec_push(&state->parts, (Part){.map = map});
	return map;
}

StateTree *state_tree_open(State *state, uint32_t payload_bytes)
{
	assert(state->live_pages == 0 && state->parts.count < PARTS_MAX);
	StateTree *tree = tree_new(state, (uint16_t)state->parts.count, payload_bytes);
	vec_push(&state->parts, (Part){.tree = tree});
	return tree;
}

int64_t *state_register(State *state, int number)
{
	assert(number >= 0 && number < STATE_REGISTERS);
	return &state->registers[number];
}

/* ---- saving ---- */

static SystemPart part_description(const Part *part)
{
	if (part->map) return (SystemPart){PAGE_MAP, map_payload_bytes(part->map)};
	return (SystemPart){PAGE_TREE, tree_payload_bytes(part->tree)};
}

static uint32_t system_bytes(const State *state) { return (uint32_t)(sizeof(SystemPage) + (size_t)state->parts.count * sizeof(SystemPart)); }

/* Registers are compared, not marked: their holder may keep the pointer. */
static bool system_changed(const State *state)
{
	return !state->system_saved || memcmp(state->registers, state->saved_registers, sizeof state->registers) != 0;
}

static void system_freeze(State *state)
{
	if (!system_changed(state)) return;
	SystemPage *page = mem_zalloc(system_bytes(state));
	page->magic = SYSTEM_MAGIC;
	page->version = SYSTEM_VERSION;
	page->part_count = (uint32_t)state->parts.count;
	memcpy(page->registers, state->registers, sizeof state->registers);
	for (int i = 0; i < state->parts.count; i++) page->parts[i] = part_description(&state->parts.at[i]);
	KeptPage kept = {.number = 0, .bytes = system_bytes(state), .memory = (char *)page};
	vec_push(&state->kept, kept);
	memcpy(state->saved_registers, state->registers, sizeof state->registers);
	state->system_saved = true;
}

uint64_t state_bytes(const State *state) { return (uint64_t)state->live_pages * STATE_PAGE_BYTES + state->large_bytes; }

uint64_t state_dirty_bytes(const State *state)
{
	return (uint64_t)state->dirty_pages * STATE_PAGE_BYTES + state->large_dirty_bytes + (system_changed(state) ? system_bytes(state) : 0);
}

void state_look_at_growth(State *state, StateGrowth *sum)
{
	uint32_t settled = 0;
	for (uint32_t number = 1; number < state->slab_count * SLAB_PAGES; number++) {
		settled += (state->flags[number] & (PAGE_DIRTY | PAGE_TOUCHED | PAGE_SAVED)) == PAGE_DIRTY;
		state->flags[number] &= (uint8_t)~PAGE_TOUCHED;
	}
	sum->dirty_bytes += (uint64_t)state->looked_at_pages * STATE_PAGE_BYTES;
	sum->settled_bytes += state->forgets ? 0 : (uint64_t)settled * STATE_PAGE_BYTES;
	state->looked_at_pages = state->dirty_pages;
}

void state_freeze(State *state)
{
	assert(!state->frozen);
	state->frozen = true;
	system_freeze(state);
	pages_freeze(state);
	large_freeze(state);
}

static bool kept_save_next(State *state, StatePut *put, void *context, uint64_t *bytes, uint64_t bytes_max)
{
	while (state->kept.count) {
		if (*bytes >= bytes_max) return false;
		KeptPage kept = state->kept.at[--state->kept.count];
		put(context, kept.number, kept.memory, kept.bytes);
		*bytes += kept.bytes;
		free(kept.memory);
	}
	return true;
}

bool state_save_next(State *state, uint64_t bytes_max, StatePut *put, void *context)
{
	uint64_t bytes = 0;
	if (!state->frozen) return true;
	state->frozen = !(kept_save_next(state, put, context, &bytes, bytes_max) && pages_save_next(state, put, context, &bytes, bytes_max)
		&& large_save_next(state, put, context, &bytes, bytes_max));
	return !state->frozen;
}

/* ---- loading ---- */

bool state_damaged(const State *state, uint32_t page, Error *err)
{
	error_set(err, ERR_FILE_FORMAT, SPAN_NONE, "saved state of \"%s\" is damaged: page %u", state->name, page);
	return error_hint(err, "Restore a copy of the file, or rebuild the view with ALTER MATERIALIZED VIEW ... REBUILD.");
}

static bool system_load(State *state, const void *bytes, uint32_t count, Error *err)
{
	const SystemPage *page = bytes;
	if (state->system_saved || count != system_bytes(state) || page->magic != SYSTEM_MAGIC || page->version != SYSTEM_VERSION) return state_damaged(state, 0, err);
	if (page->part_count != (uint32_t)state->parts.count) return state_damaged(state, 0, err);
	for (int i = 0; i < state->parts.count; i++) {
		SystemPart part = part_description(&state->parts.at[i]);
		if (memcmp(&part, &page->parts[i], sizeof part) != 0) return state_damaged(state, 0, err);
	}
	memcpy(state->registers, page->registers, sizeof state->registers);
	memcpy(state->saved_registers, page->registers, sizeof state->registers);
	state->system_saved = true;
	return true;
}

bool state_load_page(State *state, uint32_t page, const void *bytes, uint32_t count, Error *err)
{
	if (count == 0) return true;                          /* was freed */
	if (page == 0) {
		void *aligned = memcpy(mem_alloc(count), bytes, count);
		bool loaded = system_load(state, aligned, count, err);
		free(aligned);
		return loaded;
	}
	if (page >= LARGE_PAGE) return large_load(state, page, bytes, count, err);
	return page_load(state, page, bytes, count, err);
}

static bool page_adopt(State *state, Page *page, Error *err)
{
	if (page->kind == PAGE_BLOB) return blob_adopt(state, page, err);
	const Part *part = page->part < state->parts.count ? &state->parts.at[page->part] : NULL;
	if (part && part->map && page->kind == PAGE_MAP) return map_adopt(part->map, page, err);
	if (part && part->tree && page->kind == PAGE_TREE) return tree_adopt(part->tree, page, err);
	return state_damaged(state, page->number, err);
}

bool state_load_finish(State *state, Error *err)
{
	if (!state->system_saved) return state_damaged(state, 0, err);
	for (uint32_t number = state->slab_count * SLAB_PAGES; number-- > 1;)
		if ((state->flags[number] & PAGE_LIVE) && !page_adopt(state, page_at(state, number), err)) return false;
	large_finish(state);
	for (int i = 0; i < state->parts.count; i++) {
		const Part *part = &state->parts.at[i];
		if (!(part->map ? map_finish(part->map, err) : tree_finish(part->tree, err))) return false;
	}
	return true;
}

/* ---- starting over ---- */

void state_clear(State *state)
{
	assert(!state->frozen && !state->kept.count);
	pages_release(state);
	large_release(state);
	state->large_bytes = state->large_dirty_bytes = 0;
	memset(state->registers, 0, sizeof state->registers);
	state->system_saved = false;
	blob_init(state);
	for (int i = 0; i < state->parts.count; i++) {
		if (state->parts.at[i].map) map_clear(state->parts.at[i].map);
		else tree_clear(state->parts.at[i].tree);
	}
}

bool state_take_copy(State *to, const State *from, Error *err)
{
	assert(!to->live_pages && from->parts.count == to->parts.count);
	if (!pages_copy(from, to, err) || !large_copy(from, to, err)) return false;
	memcpy(to->registers, from->registers, sizeof to->registers);
	to->system_saved = true;
	if (!state_load_finish(to, err)) return false;
	to->system_saved = false;
	pages_mark_all(to);
	large_mark_all(to);
	return true;
}

void state_check(const State *state)
{
	uint32_t live = 0, dirty = 0;
	for (uint32_t number = 1; number < state->slab_count * SLAB_PAGES; number++) {
		uint8_t flags = state->flags[number];
		SOUND(!!(flags & PAGE_LIVE) == (state->slab_used[number / SLAB_PAGES] >> (number % SLAB_PAGES) & 1));
		if (!(flags & PAGE_LIVE)) continue;
		live++;
		dirty += (flags & PAGE_DIRTY) != 0;
		SOUND(page_at(state, number)->number == number && page_at(state, number)->used > 0);
		page_check(page_at(state, number));
	}
	SOUND(live == state->live_pages && dirty == state->dirty_pages);
	blob_check(state);
	for (int i = 0; i < state->parts.count; i++) {
		if (state->parts.at[i].map) map_check(state->parts.at[i].map);
		if (state->parts.at[i].tree) tree_check(state->parts.at[i].tree);
	}
}
