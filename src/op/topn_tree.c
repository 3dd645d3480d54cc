/* Top-n with all rows (or, on append-only input, those up to the limit) in a tree. A commit reads the top of each group that changed twice: before
 * the first change and at the end; both are in order, so the difference is a merge. */
#include "op/select.h"
#include "op/topn.h"

typedef struct TopRow {
	const char *key;                  /* copied; the row itself, or: */
	const char *packed;
	uint32_t key_bytes, order_bytes;
	int64_t number;                   /* of the first copy; all copies where it is a rank */
	int64_t copies;
} TopRow;

typedef VEC(TopRow) TopRows;

static TopRow row_copy(const Topn *topn, const StateCursor *cursor, int64_t number, int64_t copies, Arena *arena)
{
	const RowEntry *entry = row_order_entry(cursor);
	TopRow row = {.order_bytes = entry->order_bytes, .number = number, .copies = copies};
	const void *key = state_cursor_key(cursor, &row.key_bytes);
	row.key = arena_copy(arena, key, row.key_bytes);
	if (!entry->row) return row;
	uint32_t bytes;
	const void *packed = state_blob_at(topn->op.state, entry->row, &bytes);
	row.packed = arena_copy(arena, packed, bytes);
	return row;
}

/* Where in the numbering a walk over a group is */
typedef struct Numbering { int64_t rows, rank, dense; StrBuf peer; } Numbering;

static void numbering_step(Numbering *n, const StateCursor *cursor)
{
	uint32_t bytes, order_bytes = row_order_entry(cursor)->order_bytes;
	const char *key = state_cursor_key(cursor, &bytes);
	if (n->peer.bytes == order_bytes && memcmp(n->peer.text, key, order_bytes) == 0) return;
	n->rank = n->rows + 1;
	n->dense++;
	strbuf_clear(&n->peer);
	strbuf_add(&n->peer, key, order_bytes);
}

static int64_t number_of(const Topn *topn, const Numbering *n)
{
	return topn->rank == TOPN_ROW_NUMBER ? n->rows + 1 : topn->rank == TOPN_RANK ? n->rank : n->dense;
}

/* Rows of the group that are given out, in order. The cursor is left on the first entry past the limit. */
static TopRows top_read(Topn *topn, uint32_t number, StateCursor *cursor, Arena *arena)
{
	TopRows top = {0};
	Numbering n = {.peer = STRBUF_INIT};
	for (row_order_first(&topn->rows, cursor, number); row_order_in_group(cursor, number); state_cursor_next(cursor)) {
		int64_t copies = row_order_entry(cursor)->weight;
		if (copies <= 0) continue;
		numbering_step(&n, cursor);
		int64_t first = number_of(topn, &n), from = first, most = copies;
		if (first > topn->end) break;
		n.rows += copies;
		if (topn->rank == TOPN_ROW_NUMBER) {
			if (from <= topn->offset) from = topn->offset + 1;
			int64_t past = time_add(first, copies);
			if (past > topn->end && topn->end < INT64_MAX) past = topn->end + 1;
			most = past - from;
		} else if (first <= topn->offset) {
			most = 0;
		}
		if (most > 0) vec_push_in(arena, &top, row_copy(topn, cursor, from, most, arena));
	}
	strbuf_release(&n.peer);
	return top;
}

static void tree_note(Topn *topn, TopnGroup *group)
{
	bool made;
	TopnNote *note = topn_note(topn, group, &made);
	if (!made || topn->emit_on_close) return;
	StateCursor cursor;
	TopRows top = top_read(topn, keyed_number(&topn->groups, &group->group), &cursor, &topn->noted);
	note->rows = top.at;
	note->row_count = top.count;
}

static void remove_key(Topn *topn)
{
	StateCursor cursor;
	state_tree_seek(topn->rows.tree, &cursor, topn->rows.key.text, (uint32_t)topn->rows.key.bytes);
	row_order_remove(&topn->rows, &cursor);
}

bool topn_tree_push(Topn *topn, Batch *in)
{
	Op *op = &topn->op;
	Batch *dense = batch_dense(in, NULL);
	KeyedRows rows = keyed_reach(&topn->groups, op, in, dense);
	const Column *order = exprs_eval(&topn->rows.order, dense, &op->scratch);
	for (int i = 0; i < dense->count; i++) {
		if (rows.late[i]) continue;
		TopnGroup *group = (TopnGroup *)keyed_row(&topn->groups, &rows, dense, i, NULL);
		tree_note(topn, group);
		row_order_key(&topn->rows, keyed_number(&topn->groups, &group->group), order, dense->columns, i, dense->hidden.arrival);
		const RowEntry *entry = row_order_change(&topn->rows, dense->columns, i, dense->weights ? dense->weights[i] : 1, WATERMARK_NONE);
		if (entry->weight == 0) remove_key(topn);
	}
	batch_unref(dense);
	return true;
}

/* ---- at the commit ---- */

static void top_emit(Topn *topn, const TopnGroup *group, const TopRow *row, int64_t number, int64_t weight, Emitter *emitter)
{
	int count = topn->rows.column_count;
	int at = emitter_row(emitter, weight, group->group.judge);
	if (row->packed) {
		emitter_packed(emitter, at, 0, row->packed, count);
	} else {
		Value *values = arena_alloc(&topn->op.scratch, sizeof *values * (size_t)count);
		RowEntry entry = {.order_bytes = row->order_bytes};
		row_order_read(&topn->rows, row->key, &entry, values, &topn->op.scratch);
		for (int c = 0; c < count; c++) emitter_set(emitter, at, c, &values[c]);
	}
	if (topn->with_number) emitter_set_integer(emitter, at, count, number);
}

/* All copies, each with its number */
static void top_emit_copies(Topn *topn, const TopnGroup *group, const TopRow *row, int64_t from, int64_t to, int sign, Emitter *emitter)
{
	if (topn->with_number && topn->rank == TOPN_ROW_NUMBER)
		for (int64_t i = from; i < to; i++) top_emit(topn, group, row, row->number + i, sign, emitter);
	else if (to > from)
		top_emit(topn, group, row, row->number, sign * (to - from), emitter);
}

/* The same row before and after: what of its copies and numbers changed */
static void top_emit_change(Topn *topn, const TopnGroup *group, const TopRow *old, const TopRow *new, Emitter *emitter)
{
	if (!topn->with_number || (old->number == new->number)) {
		top_emit_copies(topn, group, old, new->copies, old->copies, -1, emitter);
		top_emit_copies(topn, group, new, old->copies, new->copies, 1, emitter);
		return;
	}
	top_emit_copies(topn, group, old, 0, old->copies, -1, emitter);
	top_emit_copies(topn, group, new, 0, new->copies, 1, emitter);
}

static int key_order(const TopRow *a, const TopRow *b)
{
	int order = memcmp(a->key, b->key, a->key_bytes < b->key_bytes ? a->key_bytes : b->key_bytes);
	return order ? order : (a->key_bytes > b->key_bytes) - (a->key_bytes < b->key_bytes);
}

static void emit_difference(Topn *topn, const TopnNote *note, const TopRows *top, Emitter *emitter)
{
	int o = 0, n = 0;
	while (o < note->row_count || n < top->count) {
		const TopRow *old = o < note->row_count ? &note->rows[o] : NULL, *new = n < top->count ? &top->at[n] : NULL;
		int order = !old ? 1 : !new ? -1 : key_order(old, new);
		if (order < 0) top_emit_copies(topn, note->group, old, 0, old->copies, -1, emitter);
		else if (order > 0) top_emit_copies(topn, note->group, new, 0, new->copies, 1, emitter);
		else top_emit_change(topn, note->group, old, new, emitter);
		o += order <= 0;
		n += order >= 0;
	}
}

void topn_tree_commit(Topn *topn, TopnNote *note, Emitter *emitter)
{
	uint32_t number = keyed_number(&topn->groups, &note->group->group);
	StateCursor cursor;
	arena_clear(&topn->op.scratch);
	TopRows top = top_read(topn, number, &cursor, &topn->op.scratch);
	if (!topn->emit_on_close) emit_difference(topn, note, &top, emitter);
	while (topn->append_only && row_order_in_group(&cursor, number)) row_order_remove(&topn->rows, &cursor);
	note->group->group.note = 0;
	if (!row_order_first(&topn->rows, &cursor, number)) keyed_remove(&topn->groups, &note->group->group);
}

void topn_tree_close(Topn *topn, TopnGroup *group, Emitter *emitter)
{
	uint32_t number = keyed_number(&topn->groups, &group->group);
	StateCursor cursor;
	arena_clear(&topn->op.scratch);
	if (topn->emit_on_close) {
		TopRows top = top_read(topn, number, &cursor, &topn->op.scratch);
		for (int i = 0; i < top.count; i++) top_emit_copies(topn, group, &top.at[i], 0, top.at[i].copies, 1, emitter);
	}
	row_order_first(&topn->rows, &cursor, number);
	while (row_order_in_group(&cursor, number)) row_order_remove(&topn->rows, &cursor);
}
