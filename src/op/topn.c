/* Top-n: the rows offset + 1 .. offset + limit of each group in an order; ROW_NUMBER() <= n, DISTINCT ON, ORDER BY ... LIMIT.
 *
 * Changes are applied as they come; the first one in a commit notes what the group gave out before, and the commit emits the difference. */
#include "op/topn.h"

#include "op/select.h"

TopnNote *topn_note(Topn *topn, TopnGroup *group, bool *made)
{
	*made = group->group.note == 0;
	if (*made) {
		state_map_changed(topn->groups.map, group);
		vec_push(&topn->notes, (TopnNote){.group = group});
		group->group.note = (uint32_t)topn->notes.count;
	}
	return &topn->notes.at[group->group.note - 1];
}

static bool topn_push(Op *op, int input, Batch *in, Error *err)
{
	(void)input; (void)err;
	Topn *topn = (Topn *)op;
	if (topn->end <= topn->offset) return true;
	return topn->list_room ? topn_list_push(topn, in) : topn_tree_push(topn, in);
}

static void topn_close(Topn *topn, Emitter *emitter)
{
	for (KeyedGroup *group; (group = keyed_next_closed(&topn->groups, &topn->op));) {
		if (topn->list_room) topn_list_close(topn, (TopnGroup *)group, emitter);
		else topn_tree_close(topn, (TopnGroup *)group, emitter);
		keyed_remove(&topn->groups, group);
	}
}

static bool topn_commit(Op *op, const CommitInfo *commit, Error *err)
{
	(void)commit;
	Topn *topn = (Topn *)op;
	Emitter emitter;
	emitter_init(&emitter, op, topn->has_judge, err);
	for (int i = 0; i < topn->notes.count; i++) {
		if (topn->list_room) topn_list_commit(topn, &topn->notes.at[i], &emitter);
		else topn_tree_commit(topn, &topn->notes.at[i], &emitter);
	}
	topn->notes.count = 0;
	arena_clear(&topn->noted);
	topn_close(topn, &emitter);
	return emitter_finish(&emitter);
}

static void topn_release(Op *op)
{
	Topn *topn = (Topn *)op;
	keyed_release(&topn->groups);
	row_order_release(&topn->rows);
	vec_release(&topn->notes);
	strbuf_release(&topn->blob);
	for (int i = 0; i < 2; i++) strbuf_release(&topn->ties[i]);
	arena_release(&topn->noted);
}

static const OpClass TOPN = {.name = "topn", .push = topn_push, .commit = topn_commit, .release = topn_release};

Op *op_topn_new(const TopnSpec *spec)
{
	const OpInput *in = &spec->in;
	Type *types = mem_alloc(sizeof *types * (size_t)(in->column_count + 1));
	memcpy(types, in->types, sizeof *types * (size_t)in->column_count);
	types[in->column_count] = TYPE(INTEGER);
	Topn *topn = op_new(&TOPN, sizeof *topn, "topn", types, in->column_count + spec->with_number, 1);
	free(types);
	Op *op = &topn->op;
	op_input_init(op, 0, in->watermarks, in->watermark_count);
	op->append_only = spec->emit_on_close;
	topn->rank = spec->rank;
	topn->offset = spec->offset;
	topn->end = spec->limit < 0 ? INT64_MAX : time_add(spec->offset, spec->limit);
	topn->with_number = spec->with_number;
	topn->emit_on_close = spec->emit_on_close;
	topn->append_only = in->append_only;
	topn->has_judge = in->has_judge;
	if (in->append_only && spec->rank == TOPN_ROW_NUMBER && topn->end <= TOPN_LIST_MAX) topn->list_room = (int)topn->end;
	arena_init(&topn->noted, 0);
	topn->blob = topn->ties[0] = topn->ties[1] = STRBUF_INIT;
	op->state = state_new("topn");
	keyed_init(&topn->groups, op->state, &op->arena, in, spec->keys, spec->key_count, &spec->close, sizeof(TopnGroup));
	row_order_init(&topn->rows, op->state, &op->arena, in, spec->order, spec->order_count, sizeof(RowEntry));
	return op;
}
