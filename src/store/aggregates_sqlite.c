/* Aggregates of the table as aggregate and window functions of SQLite. A fold's state lies in what SQLite keeps for the group; ordered ones
 * collect their rows and sort them when the result is wanted. What orders rows, what is passed over and what breaks ties is as in op/aggregate. */
#include "store/adhoc_internal.h"

#include <string.h>

#include "expr/aggregate.h"
#include "store/rowid_map.h"
#include "type/row.h"

typedef struct Part { int value; SortSpec spec; } Part;

typedef struct AggregateEntry {
	const Aggregate *row;
	int arg_count, value_count;       /* value_count: arguments and order keys: what the cursor gives */
	Value *parameters;
	Part *parts; int part_count;      /* of the sort key */
	bool is_fold, distinct;
	bool sorted;                      /* rows are kept in order: the result is wanted again and again */
	bool skip_first_null, skip_second_null;
	bool reverse, keep_first, keep_last;
	uint32_t state_bytes;
} AggregateEntry;

typedef struct Kept { char *bytes; uint32_t key_bytes; } Kept;       /* sort key, then the packed row */

/* What SQLite keeps for a group; zeroed at first. */
typedef struct GroupState {
	Entry *entry;
	void *fold;
	VEC(void *) spills;               /* by handle - 1 */
	VEC(Kept) rows;
	RowidMap *seen;                   /* DISTINCT */
} GroupState;

/* ---- what the call needs ---- */

static void add_part(AggregateEntry *entry, int value, SortSpec spec) { entry->parts[entry->part_count++] = (Part){value, spec}; }

static void order_parts(AggregateEntry *entry, const AggregateCall *call, int tie_count)
{
	const Aggregate *row = call->aggregate;
	bool by_order = call->order_count && row->obeys_order;
	bool by_second = row->default_order == AGGREGATE_ORDER_SECOND || row->default_order == AGGREGATE_ORDER_SECOND_DESC;
	bool by_value = !by_order && row->default_order <= AGGREGATE_ORDER_VALUE_DESC;
	for (int i = 0; by_order && i < call->order_count; i++) add_part(entry, call->arg_count + i, call->order[i].spec);
	if (!by_order && by_second) add_part(entry, 1, (SortSpec){.descending = row->default_order == AGGREGATE_ORDER_SECOND_DESC});
	for (int i = 0; !by_value && !call->distinct && i < tie_count; i++) add_part(entry, call->arg_count + call->order_count + i, (SortSpec){0});
	for (int i = 0; i < call->arg_count; i++) add_part(entry, i, (SortSpec){0});
	entry->reverse = !by_order && row->default_order == AGGREGATE_ORDER_VALUE_DESC;
	entry->value_count = call->arg_count + (by_order ? call->order_count : 0);
}

static bool is_fold(const AggregateCall *call, bool takes_back)
{
	const Aggregate *row = call->aggregate;
	if (!row->state_bytes) return false;
	if (row->ordered_result && call->order_count && row->obeys_order) return false;
	return !takes_back || !row->fold_needs_append_only;
}

void entry_set_aggregate(Entry *entry, const AggregateCall *call, int tie_count, AggregateUse use)
{
	bool takes_back = use == USE_MOVING_FRAME;
	Arena *arena = &entry->arena;
	AggregateEntry *aggregate = entry->aggregate = arena_new(arena, AggregateEntry);
	const Aggregate *row = aggregate->row = call->aggregate;
	aggregate->arg_count = call->arg_count;
	aggregate->distinct = call->distinct && call->arg_count > 0;
	aggregate->sorted = use != USE_GROUP;
	aggregate->is_fold = is_fold(call, takes_back);
	aggregate->skip_first_null = (row->skips_nulls || call->ignore_nulls) && call->arg_count > 0;
	aggregate->skip_second_null = row->skips_second_nulls && call->arg_count > 1;
	aggregate->parts = arena_array(arena, Part, call->arg_count + call->order_count + tie_count + 2);
	aggregate->parameters = arena_array(arena, Value, call->parameter_count + 1);
	for (int i = 0; i < call->parameter_count; i++) {
		Value *value = &aggregate->parameters[i];
		*value = call->parameters[i];
		if (!value->is_null && type_phys(value->type) == PHYS_STR) value->str = str_copy(arena, str_at(&value->str), value->str.bytes);
	}
	if (aggregate->is_fold) {
		aggregate->state_bytes = row->state_bytes(entry->types, call->arg_count);
		return;
	}
	order_parts(aggregate, call, tie_count);
	aggregate->keep_first = !takes_back && (aggregate->reverse ? row->ordered_reads_last_only : row->ordered_reads_first_only);
	aggregate->keep_last = !takes_back && (aggregate->reverse ? row->ordered_reads_first_only : row->ordered_reads_last_only);
}

/* ---- spill ---- */

static uint32_t spill_alloc(void *context, uint32_t bytes)
{
	GroupState *state = context;
	vec_push(&state->spills, mem_zalloc(bytes));
	return (uint32_t)state->spills.count;
}

static void *spill_at(void *context, uint32_t handle) { return ((GroupState *)context)->spills.at[handle - 1]; }

static void spill_free(void *context, uint32_t handle)
{
	if (!handle) return;
	void **place = &((GroupState *)context)->spills.at[handle - 1];
	free(*place);
	*place = NULL;
}

static AggregateSpill spill_of(GroupState *state) { return (AggregateSpill){state, spill_alloc, spill_at, spill_free}; }

/* ---- rows in ---- */

static bool was_seen(GroupState *state, const AggregateEntry *aggregate, const Column *columns)
{
	StrBuf packed = STRBUF_INIT;
	row_pack(&packed, columns, aggregate->arg_count, 0);
	Hash128 hash = hash_bytes_128_seeded(packed.text, packed.bytes, (uint64_t)(uintptr_t)state);
	strbuf_release(&packed);
	if (!state->seen) state->seen = mem_new(RowidMap);
	if (rowid_map_get(state->seen, hash)) return true;
	rowid_map_put(state->seen, hash, 1, 0);
	return false;
}

static Kept make_kept(const AggregateEntry *aggregate, const Column *columns)
{
	StrBuf bytes = STRBUF_INIT;
	for (int i = 0; i < aggregate->part_count; i++) sort_key_add_column(&bytes, &columns[aggregate->parts[i].value], 0, aggregate->parts[i].spec);
	uint32_t key_bytes = (uint32_t)bytes.bytes;
	row_pack(&bytes, columns, aggregate->value_count, 0);
	return (Kept){.bytes = strbuf_detach(&bytes), .key_bytes = key_bytes};
}

static int kept_compare(const void *a_pointer, const void *b_pointer)
{
	const Kept *a = a_pointer, *b = b_pointer;
	int order = memcmp(a->bytes, b->bytes, a->key_bytes < b->key_bytes ? a->key_bytes : b->key_bytes);
	return order ? order : (a->key_bytes > b->key_bytes) - (a->key_bytes < b->key_bytes);
}

/* Place of the first row that is not less. */
static int kept_place(const GroupState *state, const Kept *kept)
{
	int low = 0, high = state->rows.count;
	while (low < high) {
		int middle = (low + high) / 2;
		if (kept_compare(&state->rows.at[middle], kept) < 0) low = middle + 1;
		else high = middle;
	}
	return low;
}

static void kept_add(GroupState *state, const AggregateEntry *aggregate, Kept kept)
{
	if ((aggregate->keep_first || aggregate->keep_last) && state->rows.count) {
		int order = kept_compare(&kept, &state->rows.at[0]);
		Kept *stays = &state->rows.at[0], loser = kept;
		if (aggregate->keep_first ? order < 0 : order > 0) loser = *stays, *stays = kept;
		free(loser.bytes);
		return;
	}
	int place = aggregate->sorted ? kept_place(state, &kept) : state->rows.count;
	vec_push(&state->rows, kept);
	Kept *at = state->rows.at + place;
	if (place == state->rows.count - 1) return;
	memmove(at + 1, at, sizeof *at * (size_t)(state->rows.count - 1 - place));
	*at = kept;
}

static void kept_take(GroupState *state, Kept kept)
{
	int place = kept_place(state, &kept);
	if (place < state->rows.count && kept_compare(&state->rows.at[place], &kept) == 0) {
		free(state->rows.at[place].bytes);
		state->rows.count--;
		memmove(state->rows.at + place, state->rows.at + place + 1, sizeof kept * (size_t)(state->rows.count - place));
	}
	free(kept.bytes);
}

/* The group's state and its arguments in the entry's batch; NULL: the row does not count. */
static GroupState *read_row(sqlite3_context *context, int count, sqlite3_value **args)
{
	Entry *entry = functions_entry(sqlite3_user_data(context), args[0]);
	GroupState *state = entry && entry->arg_count == count - 1 ? sqlite3_aggregate_context(context, sizeof *state) : NULL;
	if (!state) {
		sqlite3_result_error(context, "weir: no such entry", -1);
		return NULL;
	}
	state->entry = entry;
	entry_read_arguments(entry, args + 1);
	arena_clear(&entry->scratch);
	const AggregateEntry *aggregate = entry->aggregate;
	const Column *columns = entry->batch->columns;
	if (aggregate->skip_first_null && column_is_null(&columns[0], 0)) return NULL;
	if (aggregate->skip_second_null && column_is_null(&columns[1], 0)) return NULL;
	return state;
}

static void fold_row(GroupState *state, int64_t weight)
{
	const AggregateEntry *aggregate = state->entry->aggregate;
	AggregateSpill spill = spill_of(state);
	if (!state->fold) state->fold = mem_zalloc(aggregate->state_bytes + 8);
	aggregate->row->apply(&state->fold, state->entry->batch->columns, aggregate->arg_count, 1, weight == 1 ? NULL : &weight, &spill);
}

void aggregate_step(sqlite3_context *context, int count, sqlite3_value **args)
{
	GroupState *state = read_row(context, count, args);
	if (!state) return;
	const AggregateEntry *aggregate = state->entry->aggregate;
	if (aggregate->distinct && was_seen(state, aggregate, state->entry->batch->columns)) return;
	if (aggregate->is_fold) fold_row(state, 1);
	else kept_add(state, aggregate, make_kept(aggregate, state->entry->batch->columns));
}

void aggregate_inverse(sqlite3_context *context, int count, sqlite3_value **args)
{
	GroupState *state = read_row(context, count, args);
	if (!state) return;
	if (state->entry->aggregate->is_fold) fold_row(state, -1);
	else kept_take(state, make_kept(state->entry->aggregate, state->entry->batch->columns));
}

/* ---- results ---- */

typedef struct KeptCursor { AggregateCursor base; const GroupState *state; int at, step; } KeptCursor;

static bool kept_next(AggregateCursor *base, Value *values, int64_t *count)
{
	KeptCursor *cursor = (KeptCursor *)base;
	if (cursor->at < 0 || cursor->at >= cursor->state->rows.count) return false;
	const Kept *kept = &cursor->state->rows.at[cursor->at];
	row_unpack(kept->bytes + kept->key_bytes, cursor->state->entry->types, cursor->state->entry->aggregate->value_count, values);
	*count = 1;
	cursor->at += cursor->step;
	return true;
}

static void compute(GroupState *state, Value *out)
{
	Entry *entry = state->entry;
	const AggregateEntry *aggregate = entry->aggregate;
	AggregateSpill spill = spill_of(state);
	*out = (Value){.type = entry->type, .is_null = true};
	if (aggregate->is_fold) {
		if (!state->fold) state->fold = mem_zalloc(aggregate->state_bytes + 8);
		aggregate->row->fold_result(state->fold, entry->types, aggregate->arg_count, out, &entry->scratch, &spill);
	} else {
		if (!aggregate->sorted && state->rows.count > 1) qsort(state->rows.at, (size_t)state->rows.count, sizeof *state->rows.at, kept_compare);
		KeptCursor cursor = {.base = {kept_next}, .state = state, .at = aggregate->reverse ? state->rows.count - 1 : 0, .step = aggregate->reverse ? -1 : 1};
		aggregate->row->ordered_result(&cursor.base, aggregate->parameters, entry->types, aggregate->arg_count, out, &entry->scratch);
	}
	out->type = entry->type;
}

static void state_release(GroupState *state)
{
	AggregateSpill spill = spill_of(state);
	if (state->fold && state->entry->aggregate->row->release) state->entry->aggregate->row->release(state->fold, &spill);
	free(state->fold);
	for (int i = 0; i < state->spills.count; i++) free(state->spills.at[i]);
	for (int i = 0; i < state->rows.count; i++) free(state->rows.at[i].bytes);
	vec_release(&state->spills);
	vec_release(&state->rows);
	if (state->seen) rowid_map_clear(state->seen);
	free(state->seen);
	memset(state, 0, sizeof *state);
}

void aggregate_value(sqlite3_context *context)
{
	GroupState *state = sqlite3_aggregate_context(context, 0);
	Value value;
	if (!state || !state->entry) return;                  /* no row: the printed SQL says what then */
	arena_clear(&state->entry->scratch);
	compute(state, &value);
	store_value_result(context, &value);
}

void aggregate_final(sqlite3_context *context)
{
	GroupState *state = sqlite3_aggregate_context(context, 0);
	if (!state || !state->entry) return;
	aggregate_value(context);
	state_release(state);
}

void entry_aggregate_empty(Entry *entry, Value *out)
{
	GroupState state = {.entry = entry};
	arena_clear(&entry->scratch);
	compute(&state, out);
	if (!out->is_null && type_phys(out->type) == PHYS_STR) out->str = str_copy(&entry->arena, str_at(&out->str), out->str.bytes);
	state_release(&state);
}

/* ---- packing: all rows as one value ---- */

void pack_step(sqlite3_context *context, int count, sqlite3_value **args)
{
	Entry *entry = functions_entry(sqlite3_user_data(context), args[0]);
	StrBuf *packed = entry && entry->arg_count == count - 1 ? sqlite3_aggregate_context(context, sizeof *packed) : NULL;
	if (!packed) {
		sqlite3_result_error(context, "weir: no such entry", -1);
		return;
	}
	if (!packed->text) *packed = STRBUF_INIT;
	entry_read_arguments(entry, args + 1);
	strbuf_addc(packed, 1);                               /* so that rows of no columns count */
	row_pack(packed, entry->batch->columns, entry->arg_count, 0);
}

void pack_final(sqlite3_context *context)
{
	StrBuf *packed = sqlite3_aggregate_context(context, 0);
	if (!packed || !packed->text) return;
	sqlite3_result_blob64(context, packed->text, packed->bytes, SQLITE_TRANSIENT);
	strbuf_release(packed);
}
