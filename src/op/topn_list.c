/* Top-n over append-only input with few rows a group: the sorted array. A row that is past the last one of a full list, as most are after
 * a while, costs one comparison and leaves no trace. */
#include "op/select.h"
#include "op/topn.h"

/* A row's blob: length of the key, key, packed row. The key ends before the columns that decide between equal rows: they are in the packed row,
 * and seldom asked for. */
typedef struct ListBlob { const char *key, *packed; uint32_t key_bytes; } ListBlob;

static ListBlob list_blob(const Topn *topn, StateHandle handle)
{
	uint32_t bytes;
	const char *at = state_blob_at(topn->op.state, handle, &bytes);
	ListBlob blob = {.key = at + 4};
	memcpy(&blob.key_bytes, at, 4);
	blob.packed = blob.key + blob.key_bytes;
	return blob;
}

static const ListRow *list_rows(const Topn *topn, const TopnGroup *group)
{
	if (topn->list_room == 1) return &group->only;
	uint32_t bytes;
	return group->list ? state_blob_at(topn->op.state, group->list, &bytes) : NULL;
}

/* For writing, with room for so many rows */
static ListRow *list_rows_change(Topn *topn, TopnGroup *group, uint32_t wanted)
{
	state_map_changed(topn->groups.map, group);
	if (topn->list_room == 1) return &group->only;
	uint32_t bytes = 0;
	State *state = topn->op.state;
	if (group->list) {
		ListRow *rows = state_blob_change(state, group->list, &bytes);
		if (wanted <= bytes / sizeof *rows) return rows;
	}
	uint32_t room = wanted * 2;
	if (room > (uint32_t)topn->list_room) room = (uint32_t)topn->list_room;
	StateHandle grown = state_blob_new(state, NULL, room * (uint32_t)sizeof(ListRow));
	ListRow *rows = state_blob_change(state, grown, &bytes);
	if (group->list) {
		memcpy(rows, state_blob_at(state, group->list, &bytes), group->count * sizeof *rows);
		state_blob_free(state, group->list);
	}
	group->list = grown;
	return rows;
}

static void prefix_fill(char prefix[TOPN_PREFIX_BYTES], const char *key, uint32_t bytes)
{
	memset(prefix, 0, TOPN_PREFIX_BYTES);
	memcpy(prefix, key, bytes < TOPN_PREFIX_BYTES ? bytes : TOPN_PREFIX_BYTES);
}

/* A row on its way into a list */
typedef struct ListNew { char prefix[TOPN_PREFIX_BYTES]; const char *key; uint32_t key_bytes; const Column *columns; int row; } ListNew;

/* Where arrival does not decide, rows of equal order follow each other by all columns, left to right. */
static int tie_order(Topn *topn, const ListNew *made, const char *packed)
{
	const RowOrder *rows = &topn->rows;
	if (!rows->by_columns) return 0;
	StrBuf *keys = topn->ties;
	Value *values = arena_array(&topn->op.scratch, Value, rows->column_count + 1);
	row_unpack(packed, rows->types, rows->column_count, values);
	for (int c = 0; c < rows->column_count; c++) {
		strbuf_clear(&keys[0]);
		strbuf_clear(&keys[1]);
		sort_key_add_column(&keys[0], &made->columns[c], made->row, ROW_ORDER_TIE);
		sort_key_add(&keys[1], &values[c], ROW_ORDER_TIE);
		int order = memcmp(keys[0].text, keys[1].text, keys[0].bytes < keys[1].bytes ? keys[0].bytes : keys[1].bytes);
		if (order) return order;
	}
	return 0;
}

/* Is the new row before the row? Equal rows (copies) are behind. No key is a prefix of another. */
static bool is_before(Topn *topn, const ListNew *made, const ListRow *row)
{
	int order = memcmp(made->prefix, row->prefix, TOPN_PREFIX_BYTES);
	if (order) return order < 0;
	ListBlob blob = list_blob(topn, row->row);
	order = memcmp(made->key, blob.key, made->key_bytes < blob.key_bytes ? made->key_bytes : blob.key_bytes);
	return order ? order < 0 : tie_order(topn, made, blob.packed) < 0;
}

/* The row's blob; `instead`, which is not needed any more, is written over where the length is the same. 0: none */
static StateHandle blob_make(Topn *topn, const ListNew *made, StateHandle instead)
{
	State *state = topn->op.state;
	StrBuf *blob = &topn->blob;
	strbuf_clear(blob);
	strbuf_add(blob, &made->key_bytes, 4);
	strbuf_add(blob, made->key, made->key_bytes);
	row_pack(blob, made->columns, topn->rows.column_count, made->row);
	if (instead) {
		uint32_t bytes;
		void *at = state_blob_change(state, instead, &bytes);
		if (bytes == blob->bytes) {
			memcpy(at, blob->text, bytes);
			return instead;
		}
		state_blob_free(state, instead);
	}
	return state_blob_new(state, blob->text, (uint32_t)blob->bytes);
}

static void list_note(Topn *topn, TopnGroup *group)
{
	bool made;
	TopnNote *note = topn_note(topn, group, &made);
	if (!made || !group->count) return;
	note->list_count = (int)group->count;
	note->list = arena_copy(&topn->noted, list_rows(topn, group), sizeof *note->list * group->count);
}

static void list_insert(Topn *topn, TopnGroup *group, const ListNew *made)
{
	ListRow new = {.fresh = 1};
	memcpy(new.prefix, made->prefix, sizeof new.prefix);
	const ListRow *held = list_rows(topn, group);
	bool full = group->count == (uint32_t)topn->list_room;
	if (full && !is_before(topn, made, &held[group->count - 1])) return;
	list_note(topn, group);
	ListRow *rows = list_rows_change(topn, group, full ? group->count : group->count + 1);
	const ListRow *last = full ? &rows[--group->count] : NULL;        /* what was given out before stays until the commit */
	new.row = blob_make(topn, made, last && last->fresh ? last->row : 0);
	uint32_t at = group->count;
	while (at > 0 && is_before(topn, made, &rows[at - 1])) at--;
	memmove(rows + at + 1, rows + at, sizeof *rows * (group->count - at));
	rows[at] = new;
	group->count++;
}

bool topn_list_push(Topn *topn, Batch *in)
{
	Op *op = &topn->op;
	Batch *dense = batch_dense(in, NULL);
	KeyedRows rows = keyed_reach(&topn->groups, op, in, dense);
	const Column *order = exprs_eval(&topn->rows.order, dense, &op->scratch);
	for (int i = 0; i < dense->count; i++) {
		if (rows.late[i]) continue;
		TopnGroup *group = (TopnGroup *)keyed_row(&topn->groups, &rows, dense, i, NULL);
		row_order_key_short(&topn->rows, order, i, dense->hidden.arrival);
		ListNew made = {.key = topn->rows.key.text, .key_bytes = (uint32_t)topn->rows.key.bytes, .columns = dense->columns, .row = i};
		prefix_fill(made.prefix, made.key, made.key_bytes);
		int64_t copies = dense->weights ? dense->weights[i] : 1;
		if (copies > topn->list_room) copies = topn->list_room;
		for (; copies > 0; copies--) list_insert(topn, group, &made);
	}
	batch_unref(dense);
	return true;
}

/* ---- at the commit ---- */

static void list_emit(Topn *topn, const TopnGroup *group, const ListRow *row, int number, int weight, Emitter *emitter)
{
	int at = emitter_row(emitter, weight, group->group.judge);
	int columns = topn->rows.column_count;
	emitter_packed(emitter, at, 0, list_blob(topn, row->row).packed, columns);
	if (topn->with_number) emitter_set_integer(emitter, at, columns, number);
}

static bool list_has(const ListRow *rows, int from, int to, StateHandle row)
{
	for (int i = from; i < to; i++)
		if (rows[i].row == row) return true;
	return false;
}

/* Numbers are places: a row that moved is another row. */
static void emit_by_place(Topn *topn, const TopnNote *note, const ListRow *rows, int count, Emitter *emitter)
{
	int most = count > note->list_count ? count : note->list_count;
	for (int i = (int)topn->offset; i < most; i++) {
		const ListRow *old = i < note->list_count ? &note->list[i] : NULL, *new = i < count ? &rows[i] : NULL;
		if (old && new && old->row == new->row) continue;
		if (old) list_emit(topn, note->group, old, i + 1, -1, emitter);
		if (new) list_emit(topn, note->group, new, i + 1, 1, emitter);
	}
}

static void emit_by_row(Topn *topn, const TopnNote *note, const ListRow *rows, int count, Emitter *emitter)
{
	int from = (int)topn->offset;
	for (int i = from; i < note->list_count; i++)
		if (!list_has(rows, from, count, note->list[i].row)) list_emit(topn, note->group, &note->list[i], 0, -1, emitter);
	for (int i = from; i < count; i++)
		if (!list_has(note->list, from, note->list_count, rows[i].row)) list_emit(topn, note->group, &rows[i], 0, 1, emitter);
}

void topn_list_commit(Topn *topn, TopnNote *note, Emitter *emitter)
{
	TopnGroup *group = note->group;
	ListRow *rows = list_rows_change(topn, group, group->count);
	int count = (int)group->count;
	if (!topn->emit_on_close && topn->with_number) emit_by_place(topn, note, rows, count, emitter);
	else if (!topn->emit_on_close) emit_by_row(topn, note, rows, count, emitter);
	for (int i = 0; i < note->list_count; i++)
		if (!list_has(rows, 0, count, note->list[i].row)) state_blob_free(topn->op.state, note->list[i].row);
	for (int i = 0; i < count; i++) rows[i].fresh = 0;
	group->group.note = 0;
}

void topn_list_close(Topn *topn, TopnGroup *group, Emitter *emitter)
{
	const ListRow *rows = list_rows(topn, group);
	for (int i = 0; i < (int)group->count; i++) {
		if (topn->emit_on_close && i >= topn->offset) list_emit(topn, group, &rows[i], i + 1, 1, emitter);
	}
	for (int i = 0; i < (int)group->count; i++) state_blob_free(topn->op.state, rows[i].row);
	if (group->list) state_blob_free(topn->op.state, group->list);
}
