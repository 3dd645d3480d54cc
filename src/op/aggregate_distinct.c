/* DISTINCT: which values a group has, for all calls over the same arguments in one table of (group number, value).
 *
 * Where nothing is taken back an entry has one bit a filter: a row feeds the calls whose bit it sets. Else it has one count a filter: a row
 * feeds +1 where its count becomes positive and -1 where it ceases to be. Entries of a group that can close are chained, so that they are
 * found when it does; groups without a closing lose their entries row by row. */
#include "op/aggregate.h"

#include "base/hash.h"

typedef struct DistinctEntry {
	uint32_t next, previous;          /* numbers + 1 in the group's chain */
	uint64_t bits;                    /* append-only; else bit 63: waits to be removed */
	int64_t counts[];                 /* by filter; not where append-only */
} DistinctEntry;

#define ENTRY_WAITS ((uint64_t)1 << 63)

enum { KEY_NUMBER_BYTES = 4 };

static bool is_chained(const Grouping *g) { return g->close_key >= 0; }

void distinct_open(Grouping *g, DistinctTable *table)
{
	size_t counts = g->append_only ? 0 : sizeof(int64_t) * (size_t)table->feed_count;
	table->map = state_map_open(g->op.state, (uint32_t)(sizeof(DistinctEntry) + counts));
}

/* ---- chains ---- */

static DistinctEntry *entry_at(const DistinctTable *table, uint32_t number_1) { return state_map_by_number(table->map, number_1 - 1); }

static void chain_add(Grouping *g, const DistinctTable *table, Group *group, DistinctEntry *entry)
{
	uint32_t *head = &group_heads(g, group)[table->number], number = state_map_number(table->map, entry) + 1;
	entry->next = *head;
	if (*head) {
		DistinctEntry *next = entry_at(table, *head);
		state_map_changed(table->map, next);
		next->previous = number;
	}
	*head = number;
}

static void chain_remove(Grouping *g, const DistinctTable *table, Group *group, DistinctEntry *entry)
{
	if (entry->previous) {
		DistinctEntry *previous = entry_at(table, entry->previous);
		state_map_changed(table->map, previous);
		previous->next = entry->next;
	} else {
		group_heads(g, group)[table->number] = entry->next;
	}
	if (entry->next) {
		DistinctEntry *next = entry_at(table, entry->next);
		state_map_changed(table->map, next);
		next->previous = entry->previous;
	}
}

void distinct_release(Grouping *g, Group *group)
{
	if (!is_chained(g)) return;
	for (int t = 0; t < g->tables.count; t++) {
		const DistinctTable *table = &g->tables.at[t];
		for (uint32_t number = group_heads(g, group)[table->number]; number;) {
			DistinctEntry *entry = entry_at(table, number);
			number = entry->next;
			state_map_remove(table->map, entry);
		}
	}
}

/* ---- the rows that have a value, and which filters they pass ---- */

typedef struct Candidates { uint32_t *rows; uint64_t *masks; int count; } Candidates;

static uint64_t *filter_masks(Grouping *g, const DistinctTable *table, Batch *in)
{
	uint64_t *masks = arena_zalloc(&g->op.scratch, sizeof *masks * (size_t)in->count);
	for (int b = 0; b < table->feed_count; b++) {
		int filter = g->feeds.at[table->feeds[b]].filter;
		const Column *column = filter >= 0 ? input_column(g, filter, in) : NULL;
		for (int i = 0; i < in->count; i++) {
			bool passes = !column || (column->i64[i] != 0 && !(column->null && column->null[i]));
			masks[i] |= (uint64_t)passes << b;
		}
	}
	return masks;
}

static Candidates candidates(Grouping *g, const DistinctTable *table, Batch *in)
{
	Candidates out = {.masks = filter_masks(g, table, in)};
	out.rows = arena_alloc(&g->op.scratch, sizeof *out.rows * (size_t)in->count);
	const Column *first = input_column(g, table->args[0], in);
	const uint8_t *null = table->skip_nulls ? first->null : NULL;
	for (int i = 0; i < in->count; i++) {
		out.rows[out.count] = (uint32_t)i;
		out.count += out.masks[i] != 0 && !(null && null[i]);
	}
	return out;
}

/* ---- keys ---- */

typedef struct EntryKeys { const char **at; uint32_t *bytes; uint64_t *hashes; } EntryKeys;

enum { PACKED_INTEGER_BYTES = 9 };        /* NULL bits and value, as rows_pack makes them */

/* The usual case, one integer: no general packing of the whole batch first. */
static void pack_integers(const Column *column, const Candidates *rows, char *to, EntryKeys *keys)
{
	for (int i = 0; i < rows->count; i++) {
		uint32_t row = rows->rows[i];
		bool null = column->null && column->null[row];
		keys->at[i] = to;
		keys->bytes[i] = KEY_NUMBER_BYTES + (null ? 1 : PACKED_INTEGER_BYTES);
		to[KEY_NUMBER_BYTES] = null;
		if (!null) memcpy(to + KEY_NUMBER_BYTES + 1, &column->i64[row], sizeof(int64_t));
		to += keys->bytes[i];
	}
}

static void pack_rows(const PackedRows *packed, const Candidates *rows, char *to, EntryKeys *keys)
{
	for (int i = 0; i < rows->count; i++) {
		uint32_t row = rows->rows[i];
		keys->at[i] = to;
		keys->bytes[i] = KEY_NUMBER_BYTES + packed->bytes[row];
		memcpy(to + KEY_NUMBER_BYTES, packed->at[row], packed->bytes[row]);
		to += keys->bytes[i];
	}
}

static EntryKeys entry_keys(Grouping *g, const DistinctTable *table, Batch *in, Group **groups, const Candidates *rows)
{
	Arena *scratch = &g->op.scratch;
	Column *args = arena_array(scratch, Column, table->arg_count);
	for (int a = 0; a < table->arg_count; a++) args[a] = *input_column(g, table->args[a], in);
	EntryKeys keys = {
		.at = arena_alloc(scratch, sizeof *keys.at * (size_t)rows->count),
		.bytes = arena_alloc(scratch, sizeof *keys.bytes * (size_t)rows->count),
		.hashes = arena_alloc(scratch, sizeof *keys.hashes * (size_t)rows->count),
	};
	if (table->arg_count == 1 && type_phys(args[0].type) == PHYS_I64) {
		pack_integers(&args[0], rows, arena_alloc(scratch, (size_t)rows->count * (KEY_NUMBER_BYTES + PACKED_INTEGER_BYTES)), &keys);
	} else {
		PackedRows packed = rows_pack(args, table->arg_count, in->count, scratch);
		size_t total = 0;
		for (int i = 0; i < rows->count; i++) total += KEY_NUMBER_BYTES + packed.bytes[rows->rows[i]];
		pack_rows(&packed, rows, arena_alloc(scratch, total), &keys);
	}
	for (int i = 0; i < rows->count; i++) {
		uint32_t number = state_map_number(g->groups, groups[rows->rows[i]]);
		memcpy((char *)(uintptr_t)keys.at[i], &number, KEY_NUMBER_BYTES);
		keys.hashes[i] = hash_bytes(keys.at[i], keys.bytes[i]);
	}
	return keys;
}

/* ---- feeding ---- */

typedef struct Fed { Feed *feed; int64_t *weights; } Fed;

static void feeds_start(Grouping *g, const DistinctTable *table, int room, Fed *fed)
{
	Arena *scratch = &g->op.scratch;
	for (int b = 0; b < table->feed_count; b++) {
		Feed *feed = fed[b].feed = &g->feeds.at[table->feeds[b]];
		feed->all = false;
		feed->count = 0;
		feed->rows = arena_alloc(scratch, sizeof *feed->rows * (size_t)room);
		feed->groups = arena_alloc(scratch, sizeof *feed->groups * (size_t)room);
		fed[b].weights = g->append_only ? NULL : arena_alloc(scratch, sizeof *fed[b].weights * (size_t)room);
		feed->weights = fed[b].weights;
	}
}

static inline void feed_row(Fed *fed, uint32_t row, Group *group, int64_t weight)
{
	Feed *feed = fed->feed;
	feed->rows[feed->count] = row;
	feed->groups[feed->count] = group;
	if (fed->weights) fed->weights[feed->count] = weight;
	feed->count++;
}

static bool entry_count(DistinctEntry *entry, const DistinctTable *table, uint64_t mask, int64_t weight, uint32_t row, Group *group, Fed *fed)
{
	for (; mask; mask &= mask - 1) {
		int b = __builtin_ctzll(mask);
		int64_t before = entry->counts[b], after = entry->counts[b] += weight;
		if (before <= 0 && after > 0) feed_row(&fed[b], row, group, 1);
		else if (before > 0 && after <= 0) feed_row(&fed[b], row, group, -1);
	}
	for (int b = 0; b < table->feed_count; b++)
		if (entry->counts[b]) return false;
	return true;
}

/* Entries without a count go when the batch is through: later rows of it may have brought them back. */
static void remove_empty(Grouping *g, const DistinctTable *table, DistinctEntry **empty, Group **groups, int count)
{
	for (int i = 0; i < count; i++) {
		DistinctEntry *entry = empty[i];
		entry->bits &= ~ENTRY_WAITS;
		bool counts = false;
		for (int b = 0; b < table->feed_count; b++) counts |= entry->counts[b] != 0;
		if (counts) continue;
		if (is_chained(g)) chain_remove(g, table, groups[i], entry);
		state_map_remove(table->map, entry);
	}
}

void distinct_apply(Grouping *g, DistinctTable *table, Batch *in, Group **groups, const int64_t *weights)
{
	Arena *scratch = &g->op.scratch;
	Fed fed[64];
	Candidates rows = candidates(g, table, in);
	feeds_start(g, table, rows.count, fed);
	EntryKeys keys = entry_keys(g, table, in, groups, &rows);
	DistinctEntry **entries = arena_alloc(scratch, sizeof *entries * (size_t)rows.count);
	bool *added = arena_alloc(scratch, sizeof *added * (size_t)rows.count);
	state_map_reach_many(table->map, keys.at, keys.bytes, keys.hashes, rows.count, (void **)entries, added);
	DistinctEntry **empty = arena_alloc(scratch, sizeof *empty * (size_t)rows.count);
	Group **empty_groups = arena_alloc(scratch, sizeof *empty_groups * (size_t)rows.count);
	int empty_count = 0;
	for (int i = 0; i < rows.count; i++) {
		uint32_t row = rows.rows[i];
		DistinctEntry *entry = entries[i];
		Group *group = groups[row];
		if (!g->append_only || (rows.masks[row] & ~entry->bits)) state_map_changed(table->map, entry);
		if (added[i] && is_chained(g)) chain_add(g, table, group, entry);
		if (g->append_only) {
			uint64_t new = rows.masks[row] & ~entry->bits;
			if (!new) continue;
			entry->bits |= new;
			for (; new; new &= new - 1) feed_row(&fed[__builtin_ctzll(new)], row, group, 1);
		} else if (entry_count(entry, table, rows.masks[row], weights ? weights[row] : 1, row, group, fed) && !(entry->bits & ENTRY_WAITS)) {
			entry->bits |= ENTRY_WAITS;
			empty[empty_count] = entry;
			empty_groups[empty_count++] = group;
		}
	}
	remove_empty(g, table, empty, empty_groups, empty_count);
}
