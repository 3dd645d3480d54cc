#include "op/keyed.h"

#include <endian.h>

void keyed_init(Keyed *groups, State *state, Arena *arena, const OpInput *in, Expr *const *keys, int key_count, const AggregateClose *close, uint32_t payload_bytes)
{
	*groups = (Keyed){.state = state, .closing = closing_make(close, in), .has_judge = in->has_judge};
	groups->map = state_map_open(state, payload_bytes);
	groups->closing_index = state_tree_open(state, sizeof(uint32_t));
	if (groups->closing.on) state_forgets(state);
	exprs_compile(&groups->keys, arena, keys, key_count, in);
}

void keyed_release(Keyed *groups) { exprs_release(&groups->keys); }

KeyedRows keyed_find(Keyed *groups, Op *op, const Batch *in, const Batch *dense)
{
	Arena *scratch = &op->scratch;
	KeyedRows rows = {.keys = exprs_eval(&groups->keys, dense, scratch)};
	rows.packed = rows_pack(rows.keys, groups->keys.count, dense->count, scratch);
	rows.found = arena_alloc(scratch, sizeof *rows.found * (size_t)dense->count);
	rows.late = arena_array(scratch, bool, dense->count);
	state_map_find_many(groups->map, rows.packed.at, rows.packed.bytes, rows.packed.hashes, dense->count, rows.found);
	if (!groups->closing.on) return rows;
	for (int i = 0; i < dense->count; i++) {
		rows.late[i] = closing_late(&groups->closing, op, dense, rows.keys, i);
		if (rows.late[i]) op_late(op, in, i);
	}
	return rows;
}

KeyedRows keyed_reach(Keyed *groups, Op *op, const Batch *in, const Batch *dense)
{
	if (groups->closing.on) return keyed_find(groups, op, in, dense);
	Arena *scratch = &op->scratch;
	int count = dense->count;
	KeyedRows rows = {.keys = exprs_eval(&groups->keys, dense, scratch), .late = arena_array(scratch, bool, count)};
	rows.packed = rows_pack(rows.keys, groups->keys.count, count, scratch);
	rows.found = arena_alloc(scratch, sizeof *rows.found * (size_t)count);
	rows.made = arena_alloc(scratch, sizeof *rows.made * (size_t)count);
	state_map_reach_many(groups->map, rows.packed.at, rows.packed.bytes, rows.packed.hashes, count, rows.found, rows.made);
	for (int i = 0; i < count; i++)
		if (rows.made[i]) ((KeyedGroup *)rows.found[i])->judge = WATERMARK_NONE;
	return rows;
}

/* Value, then group number, both big-endian */
static void index_key(char key[12], int64_t value, uint32_t number)
{
	uint64_t high = htobe64((uint64_t)value ^ 1ull << 63);
	number = htobe32(number);
	memcpy(key, &high, 8);
	memcpy(key + 8, &number, 4);
}

static void index_add(Keyed *groups, const KeyedGroup *group, const Column *keys, int row)
{
	if (!groups->closing.on || column_is_null(&keys[groups->closing.key], row)) return;
	char key[12];
	index_key(key, keys[groups->closing.key].i64[row], keyed_number(groups, group));
	state_tree_upsert(groups->closing_index, key, sizeof key, NULL);
}

KeyedGroup *keyed_row(Keyed *groups, const KeyedRows *rows, const Batch *dense, int i, bool *added)
{
	KeyedGroup *group = rows->found[i];
	bool made = rows->made && rows->made[i];
	if (!group) group = state_map_upsert(groups->map, rows->packed.at[i], rows->packed.bytes[i], rows->packed.hashes[i], &made);
	if (made && !rows->made) {
		group->judge = WATERMARK_NONE;
		index_add(groups, group, rows->keys, i);
	}
	if (groups->has_judge && dense->hidden.judge && dense->hidden.judge[i] > group->judge) {
		state_map_changed(groups->map, group);
		group->judge = dense->hidden.judge[i];
	}
	if (added) *added = made;
	return group;
}

static void index_remove(Keyed *groups, const KeyedGroup *group)
{
	if (!groups->closing.on) return;
	uint32_t bytes;
	Value values[AGGREGATE_VALUES_MAX], *all = values;
	if (groups->keys.count > AGGREGATE_VALUES_MAX) all = mem_alloc(sizeof *all * (size_t)groups->keys.count);
	row_unpack(state_map_key(groups->map, group, &bytes), groups->keys.types, groups->keys.count, all);
	const Value *value = &all[groups->closing.key];
	if (!value->is_null) {
		char key[12];
		index_key(key, value->i64, keyed_number(groups, group));
		state_tree_remove(groups->closing_index, key, sizeof key);
	}
	if (all != values) free(all);
}

void keyed_remove(Keyed *groups, KeyedGroup *group)
{
	index_remove(groups, group);
	state_map_remove(groups->map, group);
}

KeyedGroup *keyed_next_closed(Keyed *groups, const Op *op)
{
	if (!groups->closing.on) return NULL;
	StateCursor cursor;
	state_tree_first(groups->closing_index, &cursor);
	if (!cursor.valid) return NULL;
	uint32_t bytes, number;
	uint64_t value;
	const char *key = state_cursor_key(&cursor, &bytes);
	memcpy(&value, key, 8);
	memcpy(&number, key + 8, 4);
	if (!closing_closed(&groups->closing, closing_watermark(&groups->closing, op), (int64_t)(be64toh(value) ^ 1ull << 63))) return NULL;
	return state_map_by_number(groups->map, be32toh(number));
}
