/* Single: the guard of a scalar subquery. A group's one row is passed on; where a group has several, one row of NULLs stands for them, in which
 * only the columns that are keys keep their value. How often a group came to have several is counted in register 0. */
#include "op/emitter.h"
#include "op/keyed.h"
#include "op/row_order.h"
#include "op/select.h"

typedef struct SingleGroup {
	KeyedGroup group;
	int64_t rows;
	StateHandle emitted;              /* packed row that was given out; 0: none */
	uint32_t reserved;
} SingleGroup;

typedef struct Single {
	Op op;
	Keyed groups;
	RowOrder rows;
	bool *is_key;                     /* by column */
	VEC(SingleGroup *) notes;
} Single;

static bool single_push(Op *op, int input, Batch *in, Error *err)
{
	(void)input; (void)err;
	Single *single = (Single *)op;
	Batch *dense = batch_dense(in, NULL);
	KeyedRows rows = keyed_find(&single->groups, op, in, dense);
	for (int i = 0; i < dense->count; i++) {
		SingleGroup *group = (SingleGroup *)keyed_row(&single->groups, &rows, dense, i, NULL);
		int64_t weight = dense->weights ? dense->weights[i] : 1;
		row_order_key(&single->rows, keyed_number(&single->groups, &group->group), NULL, dense->columns, i, NULL);
		const RowEntry *entry = row_order_change(&single->rows, dense->columns, i, weight, WATERMARK_NONE);
		if (entry->weight == 0) state_tree_remove(single->rows.tree, single->rows.key.text, (uint32_t)single->rows.key.bytes);
		state_map_changed(single->groups.map, group);
		group->rows += weight;
		if (group->group.note) continue;
		vec_push(&single->notes, group);
		group->group.note = (uint32_t)single->notes.count;
	}
	batch_unref(dense);
	return true;
}

/* What the group is to give out, packed; false: nothing. */
static bool single_row(Single *single, const SingleGroup *group, StrBuf *out)
{
	StateCursor cursor;
	if (group->rows <= 0 || !row_order_first(&single->rows, &cursor, keyed_number(&single->groups, &group->group))) return false;
	Arena *scratch = &single->op.scratch;
	int count = single->op.column_count;
	Value *values = arena_alloc(scratch, sizeof *values * (size_t)(count + 1));
	uint32_t bytes;
	row_order_read(&single->rows, state_cursor_key(&cursor, &bytes), row_order_entry(&cursor), values, scratch);
	for (int c = 0; c < count && group->rows > 1; c++)
		if (!single->is_key[c]) values[c] = (Value){.type = single->op.types[c], .is_null = true};
	row_pack_values(out, values, count);
	return true;
}

static void single_difference(Single *single, SingleGroup *group, Emitter *emitter)
{
	State *state = single->op.state;
	StrBuf row = STRBUF_INIT;
	uint32_t old_bytes = 0;
	bool wanted = single_row(single, group, &row);
	const void *old = group->emitted ? state_blob_at(state, group->emitted, &old_bytes) : NULL;
	bool same = old && wanted ? old_bytes == row.bytes && memcmp(old, row.text, old_bytes) == 0 : !old && !wanted;
	if (!same) {
		if (old) {
			emitter_packed(emitter, emitter_row(emitter, -1, group->group.judge), 0, old, single->op.column_count);
			state_blob_free(state, group->emitted);
		}
		if (wanted) emitter_packed(emitter, emitter_row(emitter, 1, group->group.judge), 0, row.text, single->op.column_count);
		group->emitted = wanted ? state_blob_new(state, row.text, (uint32_t)row.bytes) : 0;
		if (group->rows > 1) ++*state_register(state, 0);
	}
	strbuf_release(&row);
}

static bool single_commit(Op *op, const CommitInfo *commit, Error *err)
{
	(void)commit;
	Single *single = (Single *)op;
	Emitter emitter;
	emitter_init(&emitter, op, single->groups.has_judge, err);
	for (int i = 0; i < single->notes.count; i++) {
		SingleGroup *group = single->notes.at[i];
		arena_clear(&op->scratch);
		single_difference(single, group, &emitter);
		group->group.note = 0;
		if (group->rows == 0) keyed_remove(&single->groups, &group->group);
	}
	single->notes.count = 0;
	return emitter_finish(&emitter);
}

static void single_release(Op *op)
{
	Single *single = (Single *)op;
	keyed_release(&single->groups);
	row_order_release(&single->rows);
	vec_release(&single->notes);
}

static const OpClass SINGLE = {.name = "single", .push = single_push, .commit = single_commit, .release = single_release};

Op *op_single_new(const SingleSpec *spec)
{
	OpInput in = spec->in;
	in.has_arrival = false;           /* order does not matter: equal rows are to be one entry */
	Single *single = op_new(&SINGLE, sizeof *single, "single", in.types, in.column_count, 1);
	Op *op = &single->op;
	op_input_init(op, 0, in.watermarks, in.watermark_count);
	op->state = state_new("single");
	AggregateClose never = {.key_index = -1};
	keyed_init(&single->groups, op->state, &op->arena, &in, spec->keys, spec->key_count, &never, sizeof(SingleGroup));
	row_order_init(&single->rows, op->state, &op->arena, &in, NULL, 0, sizeof(RowEntry));
	single->is_key = arena_array(&op->arena, bool, in.column_count);
	for (int k = 0; k < spec->key_count; k++)
		if (single->groups.keys.passed[k] >= 0) single->is_key[single->groups.keys.passed[k]] = true;
	return op;
}
