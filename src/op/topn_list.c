/* Top-n over append-only input with few rows a group: the sorted array. A row that is past the last one of a full list, as most are after
 * a while, costs one comparison and leaves no trace. */
#include "op/select.h"
#include "op/topn.h"

/* A row's blob: length of the key, key, packed row */
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

/* Is the key before the row? Equal keys (equal rows, copies) are behind. No key is a prefix of another. */
static bool key_is_before(const Topn *topn, const char prefix[TOPN_PREFIX_BYTES], const char *key, uint32_t bytes, const ListRow *row)
{
	int order = memcmp(prefix, row->prefix, TOPN_PREFIX_BYTES);
	if (order) return order < 0;
	ListBlob blob = list_blob(topn, row->row);
	order = memcmp(key, blob.key, bytes < blob.key_bytes ? bytes : blob.key_bytes);
	return order ? order < 0 : bytes < blob.key_bytes;
}

/* The row's blob; `instead`, which is not needed any more, is written over where the length is the same. 0: none */
static StateHandle blob_make(Topn *topn, const char *key, uint32_t key_bytes, const Column *columns, int row, StateHandle instead)
{
	State *state = topn->op.state;
	StrBuf *blob = &topn->blob;
	strbuf_clear(blob);
	strbuf_add(blob, &key_bytes, 4);
	strbuf_add(blob, key, key_bytes);
	row_pack(blob, columns, topn->rows.column_count, row);
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

static void list_insert(Topn *topn, TopnGroup *group, const Column *columns, int row)
{
	const char *key = topn->rows.key.text + 4;        /* without the group */
	uint32_t key_bytes = (uint32_t)topn->rows.key.bytes - 4;
	ListRow made = {.fresh = 1};
	prefix_fill(made.prefix, key, key_bytes);
	const ListRow *held = list_rows(topn, group);
	bool full = group->count == (uint32_t)topn->list_room;
	if (full && !key_is_before(topn, made.prefix, key, key_bytes, &held[group->count - 1])) return;
	list_note(topn, group);
	ListRow *rows = list_rows_change(topn, group, full ? group->count : group->count + 1);
	const ListRow *last = full ? &rows[--group->count] : NULL;        /* what was given out before stays until the commit */
	made.row = blob_make(topn, key, key_bytes, columns, row, last && last->fresh ? last->row : 0);
	uint32_t at = group->count;
	while (at > 0 && key_is_before(topn, made.prefix, key, key_bytes, &rows[at - 1])) at--;
	memmove(rows + at + 1, rows + at, sizeof *rows * (group->count - at));
	rows[at] = made;
	group->count++;
}

bool topn_list_push(Topn *topn, Batch *in)
{
	Op *op = &topn->op;
	Batch *dense = batch_dense(in, NULL);
	KeyedRows rows = keyed_find(&topn->groups, op, in, dense);
	const Column *order = exprs_eval(&topn->rows.order, dense, &op->scratch);
	for (int i = 0; i < dense->count; i++) {
		if (rows.late[i]) continue;
		TopnGroup *group = (TopnGroup *)keyed_row(&topn->groups, &rows, dense, i, NULL);
		row_order_key(&topn->rows, 0, order, dense->columns, i, dense->hidden.arrival);
		int64_t copies = dense->weights ? dense->weights[i] : 1;
		if (copies > topn->list_room) copies = topn->list_room;
		for (; copies > 0; copies--) list_insert(topn, group, dense->columns, i);
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
