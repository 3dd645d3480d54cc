/* OVER: window functions. All calls of one operator share partition and order.
 *
 * Rows lie in order in a RowOrder (their columns, and behind them what calls compute of them). A change only notes its key; the commit loads the
 * parts of the partition that the changes affect (over_reach.c), computes them anew (over_eval.c), compares with the results that lie beside each
 * row, and emits what differs. So bounded frames cost what is near the changes, ranks and frames that grow from the beginning (running calls) cost
 * what is behind the first, and all else costs the partition. Of very many changes only the first and the last are noted.
 *
 * Running calls do not begin at the beginning: about every 64th row and the last one have a snapshot of what they know there (over_running.c).
 *
 * With EMIT ON WINDOW CLOSE nothing is taken back and no results are kept (over_settle.c): rows come out when the watermark has passed them and
 * what they look at, and go when nothing will look at them any more; what running calls made of them is the partition's base.
 */
#include "op/over.h"

#include <assert.h>

#include "op/select.h"

/* ---- changes ---- */

static int compare_keys(const void *a, const void *b) { return str_compare(a, b); }

static Str *sorted_keys(const OverNote *note, Arena *arena)
{
	Str *keys = arena_alloc(arena, sizeof *keys * (size_t)note->key_count);
	int count = 0;
	for (const OverKey *key = note->keys; key; key = key->next) keys[count++] = key->key;
	qsort(keys, (size_t)count, sizeof *keys, compare_keys);
	return keys;
}

static void keep_outermost(OverNote *note, Arena *arena)
{
	const Str *keys = sorted_keys(note, arena);
	Str last = keys[note->key_count - 1];
	note->keys->key = keys[0];
	note->keys->next->key = last;
	note->keys->next->next = NULL;
	note->key_count = 2;
	note->outermost = true;
}

static void note_key(OverNote *note, const StrBuf *text, Arena *arena)
{
	Str key = str_borrow(text->text, text->bytes);
	if (!note->outermost) {
		OverKey *noted = arena_alloc(arena, sizeof *noted);
		*noted = (OverKey){note->keys, str_copy(arena, text->text, text->bytes)};
		note->keys = noted;
		if (++note->key_count == OVER_KEYS_MAX) keep_outermost(note, arena);
	} else if (str_compare(&key, &note->keys->key) < 0) note->keys->key = str_copy(arena, text->text, text->bytes);
	else if (str_compare(&key, &note->keys->next->key) > 0) note->keys->next->key = str_copy(arena, text->text, text->bytes);
}

static void note_row(Over *over, OverGroup *group, int64_t judge)
{
	if (!group->group.note) {
		vec_push(&over->notes, (OverNote){.group = group, .judge = WATERMARK_NONE});
		group->group.note = (uint32_t)over->notes.count;
	}
	OverNote *note = &over->notes.at[group->group.note - 1];
	note_key(note, &over->rows.key, &over->noted);
	if (judge > note->judge) note->judge = judge;
}

/* By the order's watermark: 1 late, -1 in no order of time and never given out, 0 neither */
static int time_is_late(const Over *over, const Batch *dense, const Column *order, int row)
{
	if (!over->by_time) return 0;
	if (column_is_null(order, row)) return -1;
	int64_t judge = dense->hidden.judge ? watermark_judge(&over->time, dense->hidden.judge[row]) : WATERMARK_NONE;
	judge = watermark_later(judge, over->op.in_watermarks[0][over->time_watermark]);
	return watermark_passed(&over->time, judge, order->i64[row]);
}

static void remove_key(Over *over)
{
	StateCursor cursor;
	state_tree_seek(over->rows.tree, &cursor, over->rows.key.text, (uint32_t)over->rows.key.bytes);
	row_order_remove(&over->rows, &cursor);
}

static void add_row(Over *over, OverGroup *group, const Batch *dense, const Column *order, const Column *columns, int row)
{
	int64_t judge = dense->hidden.judge ? dense->hidden.judge[row] : WATERMARK_NONE;
	row_order_key(&over->rows, keyed_number(&over->keyed, &group->group), order, columns, row, dense->hidden.arrival);
	OverRow *entry = (OverRow *)row_order_change(&over->rows, columns, row, dense->weights ? dense->weights[row] : 1, judge);
	if (over->emit_on_close) {
		if (entry->entry.weight == 0) remove_key(over);
		else if (over->by_time) over_settle_noted(over, group, order->i64[row]);
		return;
	}
	entry->touched = 1;
	state_map_changed(over->keyed.map, group);
	note_row(over, group, judge);
}

static bool over_push(Op *op, int input, Batch *in, Error *err)
{
	(void)input; (void)err;
	Over *over = (Over *)op;
	Batch *dense = batch_dense(in, NULL);
	KeyedRows rows = keyed_find(&over->keyed, op, in, dense);
	const Column *order = exprs_eval(&over->rows.order, dense, &op->scratch);
	const Column *computed = exprs_eval(&over->computed, dense, &op->scratch);
	Column *columns = arena_array(&op->scratch, Column, over->rows.column_count + 1);
	for (int c = 0; c < over->rows.column_count; c++) columns[c] = c < over->input_columns ? dense->columns[c] : computed[c - over->input_columns];
	for (int i = 0; i < dense->count; i++) {
		int late = rows.late[i] ? -1 : time_is_late(over, dense, order, i);
		if (late > 0) op_late(op, in, i);
		if (late) continue;
		OverGroup *group = (OverGroup *)keyed_row(&over->keyed, &rows, dense, i, NULL);
		add_row(over, group, dense, order, columns, i);
	}
	batch_unref(dense);
	return true;
}

/* ---- giving out ---- */

void over_emit(const OverPart *part, const OverItem *item, const Value *results, int64_t weight, int64_t judge, Emitter *emitter)
{
	Over *over = part->over;
	int at = emitter_row(emitter, weight, judge);
	row_order_read(&over->rows, item->key, &item->row->entry, part->row_values, part->arena);
	for (int c = 0; c < over->input_columns; c++) emitter_set(emitter, at, c, &part->row_values[c]);
	for (int c = 0; c < over->call_count; c++) emitter_set(emitter, at, over->input_columns + c, &results[c]);
}

static void emit_packed(const OverPart *part, const OverItem *item, const char *results, int64_t weight, int64_t judge, Emitter *emitter)
{
	Over *over = part->over;
	row_unpack(results, over->op.types + over->input_columns, over->call_count, part->call_values);
	over_emit(part, item, part->call_values, weight, judge, emitter);
}

static void store_results(Over *over, OverRow *row, const StrBuf *packed, int64_t copies)
{
	if (row->results) state_blob_free(over->op.state, row->results);
	row->results = copies ? state_blob_new(over->op.state, packed->text, (uint32_t)packed->bytes) : 0;
	row->emitted = copies;
}

/* Copy by copy: what was given out against what is to be. */
static void row_difference(const OverPart *part, const OverItem *item, int64_t judge, StrBuf *packed, Emitter *emitter)
{
	Over *over = part->over;
	OverRow *row = item->row;
	int64_t copies = row->entry.weight > 0 ? row->entry.weight : 0;
	uint32_t old_bytes = 0;
	const char *old = row->results ? state_blob_at(over->op.state, row->results, &old_bytes) : NULL;
	const Type *types = over->op.types + over->input_columns;
	strbuf_clear(packed);
	for (int64_t copy = 0; copy < copies; copy++) row_pack_values(packed, over_result(part, item->first + (int)copy, 0), over->call_count);
	if (row->emitted == copies && old_bytes == packed->bytes && memcmp(old ? old : "", packed->text, old_bytes) == 0) return;
	Value *values = part->call_values;
	const char *was = old ? old : "", *is = packed->text;
	for (int64_t copy = 0; copy < copies || copy < row->emitted; copy++) {
		size_t was_bytes = copy < row->emitted ? row_unpack(was, types, over->call_count, values) : 0;
		size_t is_bytes = copy < copies ? row_unpack(is, types, over->call_count, values) : 0;
		bool same = was_bytes == is_bytes && memcmp(was, is, is_bytes) == 0;
		if (!same && copy < row->emitted) emit_packed(part, item, was, -1, judge, emitter);
		if (!same && copy < copies) emit_packed(part, item, is, 1, judge, emitter);
		was += was_bytes;
		is += is_bytes;
	}
	store_results(over, row, packed, copies);
}

/* ---- the commit ---- */

/* Where new snapshots go: behind the last of some peers, far enough from the one before, and at the end. The one that the part began with
 * goes if it was only the end. */
static StateHandle *place_snapshots(OverPart *part)
{
	Over *over = part->over;
	const Snapshot *before = snapshot_at(over, part->snapshot);
	for (int i = part->affected_from; i < part->affected_to; i++) {
		snapshot_free(over, part->items[i].row->snapshot);
		part->items[i].row->snapshot = 0;
	}
	int64_t since = before && before->spacing < SNAPSHOT_SPACING ? before->spacing : 0;
	since += part->from - part->run_from;
	StateHandle *snapshots = arena_array(part->arena, StateHandle, part->to - part->from + 1);
	for (int i = part->from; i < part->to; i++) {
		since++;
		if (i + 1 != part->group_first[part->group_no[i] + 1] || (since < SNAPSHOT_SPACING && i + 1 < part->count)) continue;
		StateHandle made = snapshot_new(over, part, i, since);
		snapshots[i - part->from] = part->items[part->item_of[i]].row->snapshot = made;
		since = 0;
	}
	return snapshots;
}

static void drop_passed_end(OverPart *part)
{
	if (!part->snapshot || part->from == part->to || snapshot_at(part->over, part->snapshot)->spacing >= SNAPSHOT_SPACING) return;
	for (int i = 0; i < part->item_count; i++) {
		if (part->items[i].row->snapshot != part->snapshot) continue;
		part->items[i].row->snapshot = 0;
		snapshot_free(part->over, part->snapshot);
		return;
	}
}

static void part_differences(OverPart *part, const OverNote *note, Emitter *emitter)
{
	StrBuf packed = STRBUF_INIT;
	int64_t judge = part->over->looks_ahead ? note->judge : WATERMARK_NONE;
	for (int i = part->affected_from; i < part->affected_to; i++) {
		const OverItem *item = &part->items[i];
		int64_t own = item->row->entry.judge;
		if (item->row->touched && own > judge) judge = own;
		item->row->touched = 0;
		row_difference(part, item, own > judge ? own : judge, &packed, emitter);
	}
	strbuf_release(&packed);
}

/* Rows that are gone; their keys are copied first, since removing one moves others. */
static void remove_gone(OverPart *part)
{
	Over *over = part->over;
	VEC(Str) gone = {0};
	for (int i = part->affected_from; i < part->affected_to; i++) {
		const OverItem *item = &part->items[i];
		if (item->row->entry.weight == 0) vec_push_in(part->arena, &gone, str_copy(part->arena, item->key, item->key_bytes));
	}
	for (int i = 0; i < gone.count; i++) {
		StateCursor cursor;
		state_tree_seek(over->rows.tree, &cursor, str_at(&gone.at[i]), gone.at[i].bytes);
		snapshot_free(over, ((OverRow *)state_cursor_change(&cursor))->snapshot);
		row_order_remove(&over->rows, &cursor);
	}
}

/* Marks the pages of all rows that this commit writes to: payloads were found by walking. */
static void mark_changed(Over *over, const OverPart *part)
{
	for (int i = 0; i < part->item_count; i++) {
		StateCursor cursor;
		bool is_snapshot = part->snapshot && part->items[i].row->snapshot == part->snapshot;
		if ((i < part->affected_from && !is_snapshot) || i >= part->affected_to) continue;
		state_tree_seek(over->rows.tree, &cursor, part->items[i].key, part->items[i].key_bytes);
		state_cursor_change(&cursor);
	}
}

static void part_commit(Over *over, OverPart *part, const OverNote *note, Emitter *emitter)
{
	mark_changed(over, part);
	const StateHandle *snapshots = over->has_running ? place_snapshots(part) : NULL;
	over_evaluate(part, snapshots);
	part_differences(part, note, emitter);
	if (over->has_running) drop_passed_end(part);
	remove_gone(part);
}

static void note_commit(Over *over, const OverNote *note, Emitter *emitter)
{
	const Str *keys = sorted_keys(note, &over->noted);
	for (int i = 0; i < note->key_count;) {
		OverPart part;
		arena_clear(&over->op.scratch);
		i += over_part_touched(&part, over, note->group, keys + i, note->key_count - i, note->outermost, &over->op.scratch);
		part_commit(over, &part, note, emitter);
	}
	note->group->group.note = 0;
	StateCursor cursor;
	if (!row_order_first(&over->rows, &cursor, keyed_number(&over->keyed, &note->group->group))) keyed_remove(&over->keyed, &note->group->group);
}

static void free_partition(Over *over, OverGroup *group)
{
	StateCursor cursor;
	uint32_t number = keyed_number(&over->keyed, &group->group);
	row_order_first(&over->rows, &cursor, number);
	while (row_order_in_group(&cursor, number)) {
		OverRow *row = state_cursor_payload(&cursor);
		if (row->results) state_blob_free(over->op.state, row->results);
		snapshot_free(over, row->snapshot);
		row_order_remove(&over->rows, &cursor);
	}
	snapshot_free(over, group->base);
}

static bool over_commit(Op *op, const CommitInfo *commit, Error *err)
{
	(void)commit;
	Over *over = (Over *)op;
	Emitter emitter;
	emitter_init(&emitter, op, over->has_judge, err);
	for (int i = 0; i < over->notes.count; i++) note_commit(over, &over->notes.at[i], &emitter);
	over->notes.count = 0;
	arena_clear(&over->noted);
	if (over->by_time) over_settle(over, &emitter);
	for (KeyedGroup *group; (group = keyed_next_closed(&over->keyed, op));) {
		if (over->emit_on_close) over_settle_all(over, (OverGroup *)group, &emitter);
		free_partition(over, (OverGroup *)group);
		keyed_remove(&over->keyed, group);
	}
	return emitter_finish(&emitter);
}

static void over_release(Op *op)
{
	Over *over = (Over *)op;
	keyed_release(&over->keyed);
	row_order_release(&over->rows);
	exprs_release(&over->computed);
	vec_release(&over->notes);
	arena_release(&over->noted);
}

static const OpClass OVER = {.name = "over", .push = over_push, .commit = over_commit, .release = over_release};

/* ---- making ---- */

static uint32_t spill_alloc(void *context, uint32_t bytes) { return state_blob_new(context, NULL, bytes); }

static void *spill_at(void *context, uint32_t handle)
{
	uint32_t bytes;
	return state_blob_change(context, handle, &bytes);
}

static void spill_free(void *context, uint32_t handle) { state_blob_free(context, handle); }

Op *op_over_new(const OverSpec *spec)
{
	const OpInput *in = &spec->in;
	int count = in->column_count + spec->call_count;
	Type *types = mem_alloc(sizeof *types * (size_t)(count + 1));
	memcpy(types, in->types, sizeof *types * (size_t)in->column_count);
	for (int c = 0; c < spec->call_count; c++) types[in->column_count + c] = spec->calls[c].aggregate.type;
	Over *over = op_new(&OVER, sizeof *over, "over", types, count, 1);
	free(types);
	Op *op = &over->op;
	op_input_init(op, 0, in->watermarks, in->watermark_count);
	op->append_only = over->emit_on_close = spec->emit_on_close;
	over->has_judge = in->has_judge;
	over->by_time = spec->emit_on_close && spec->close_order_watermark >= 0;
	over->time_watermark = spec->close_order_watermark;
	if (over->by_time) over->time = in->watermarks[spec->close_order_watermark];
	assert(!spec->emit_on_close || over->by_time || spec->close.key_index >= 0);
	op->state = state_new("over");
	over->spill = (AggregateSpill){.context = op->state, .alloc = spill_alloc, .at = spill_at, .free = spill_free};
	keyed_init(&over->keyed, op->state, &op->arena, in, spec->keys, spec->key_count, &spec->close, sizeof(OverGroup));
	row_order_init(&over->rows, op->state, &op->arena, in, spec->order, spec->order_count, sizeof(OverRow));
	over->waiting = state_tree_open(op->state, sizeof(uint32_t));
	over_calls_make(over, spec);
	arena_init(&over->noted, 0);
	return op;
}
