/* Session windows: rows of a key whose times are at most the gap apart. Each row is given out with the window of its session; where a session
 * grows, splits or merges, the commit takes its rows back and gives them anew.
 *
 * Rows wait for the commit, so that they can be taken in order of arrival whichever way partitions were interleaved: what is late depends on
 * what came before. A session is a record [first, last] of its own and not just what gaps make of the rows, because closed sessions do not
 * merge: a row may come within the gap of one and still begin another.
 *
 * Where rows are only added, and of a row nothing is read above but its keys (count(*) of each session), rows are not kept: a session is given out as
 * one row as many times as it has rows.
 *
 *   rows       RowOrder by time: every row of every session that is not closed
 *   sessions   (group, first) -> SessionEntry
 *   ends       (end, group, first): which session the watermark closes next
 */
#include <endian.h>

#include "op/emitter.h"
#include "op/keyed.h"
#include "op/row_order.h"
#include "op/select.h"

enum { WINDOW_COLUMNS = 3, WINDOW_TIME_US = 1000, REGISTER_WATERMARK = 0, REGISTER_HAS_WATERMARK = 1 };

typedef struct SessionRow {
	RowEntry entry;
	int64_t emitted;                  /* copies that were given out, with this window */
	int64_t first, last;
} SessionRow;

typedef struct SessionEntry {
	int64_t last;
	int64_t judge;
	int64_t count, emitted, emitted_first, emitted_last;          /* rows that are not kept: how many, and what was given out of them */
	uint32_t changed;                 /* in this commit; 0 at its end */
	uint32_t reserved;
} SessionEntry;

/* A session in hand */
typedef struct Found { bool is_there; int64_t first; SessionEntry entry; } Found;

typedef struct Pending { Batch *batch; KeyedGroup *group; int row; int64_t time; Int128 arrival; } Pending;

/* A session that was made or changed in this commit, unless another one took it in since */
typedef struct Touched { uint32_t group; int64_t first; } Touched;

/* A row as it is given out with its session, or was; copies < 0: taken back */
typedef struct Given { const Value *values; Int128 arrival; int64_t copies, first, last, judge; } Given;

typedef struct Session {
	Op op;
	Keyed groups;
	RowOrder rows;
	StateTree *sessions, *ends;
	int64_t gap_us, grace_us;
	int watermark;                    /* -1: never closes */
	WatermarkColumn column;
	bool emit_on_close, has_judge, has_arrival;
	bool counts;                      /* rows are not kept */
	int *key_of;                      /* by column: the key that it is; -1: nobody reads it */
	VEC(Batch *) batches;
	VEC(Pending) pending;
	VEC(Touched) touched;
	VEC(Given) gone;                  /* since the last commit, as they are to be taken back */
	Arena noted;
} Session;

/* ---- keys ---- */

static void put_time(char *to, int64_t time)
{
	uint64_t x = htobe64((uint64_t)time ^ 1ull << 63);
	memcpy(to, &x, 8);
}

static int64_t get_time(const char *from)
{
	uint64_t x;
	memcpy(&x, from, 8);
	return (int64_t)(be64toh(x) ^ 1ull << 63);
}

enum { SESSION_KEY_BYTES = 12, END_KEY_BYTES = 20 };

static void session_key(char key[SESSION_KEY_BYTES], uint32_t group, int64_t first)
{
	row_order_group_key(key, group);
	put_time(key + 4, first);
}

static void end_key(const Session *session, char key[END_KEY_BYTES], uint32_t group, int64_t first, int64_t last)
{
	put_time(key, time_add(last, session->gap_us));
	session_key(key + 8, group, first);
}

/* ---- sessions ---- */

static Found found_at(const StateCursor *cursor, uint32_t group)
{
	if (!row_order_in_group(cursor, group)) return (Found){.is_there = false};
	uint32_t bytes;
	const char *key = state_cursor_key(cursor, &bytes);
	return (Found){.is_there = true, .first = get_time(key + 4), .entry = *(const SessionEntry *)state_cursor_payload(cursor)};
}

/* The last session that begins at or before the time, and the first that begins after it */
static void sessions_around(Session *session, uint32_t group, int64_t time, Found sides[2])
{
	char key[SESSION_KEY_BYTES + 1];
	StateCursor cursor;
	session_key(key, group, time);
	key[SESSION_KEY_BYTES] = 0;               /* the least key after that of this time */
	state_tree_seek_before(session->sessions, &cursor, key, sizeof key);
	sides[0] = found_at(&cursor, group);
	if (cursor.valid) state_cursor_next(&cursor);
	else state_tree_first(session->sessions, &cursor);
	sides[1] = found_at(&cursor, group);
}

static Found session_before(Session *session, uint32_t group, int64_t time)
{
	Found sides[2];
	sessions_around(session, group, time, sides);
	return sides[0];
}

static void session_put(Session *session, uint32_t group, int64_t first, const SessionEntry *entry)
{
	char key[SESSION_KEY_BYTES], end[END_KEY_BYTES];
	session_key(key, group, first);
	*(SessionEntry *)state_tree_upsert(session->sessions, key, sizeof key, NULL) = *entry;
	end_key(session, end, group, first, entry->last);
	if (session->watermark >= 0) state_tree_upsert(session->ends, end, sizeof end, NULL);
	if (entry->changed) vec_push(&session->touched, (Touched){group, first});
}

static void session_remove(Session *session, uint32_t group, int64_t first, int64_t last)
{
	char key[SESSION_KEY_BYTES], end[END_KEY_BYTES];
	session_key(key, group, first);
	state_tree_remove(session->sessions, key, sizeof key);
	end_key(session, end, group, first, last);
	if (session->watermark >= 0) state_tree_remove(session->ends, end, sizeof end);
}

/* As removing and putting, where the session's first row stays: the usual case. */
static void session_grow(Session *session, uint32_t group, const Found *found, const SessionEntry *entry)
{
	char key[SESSION_KEY_BYTES], end[END_KEY_BYTES];
	session_key(key, group, found->first);
	*(SessionEntry *)state_tree_upsert(session->sessions, key, sizeof key, NULL) = *entry;
	if (!found->entry.changed) vec_push(&session->touched, (Touched){group, found->first});
	if (session->watermark < 0 || entry->last == found->entry.last) return;
	end_key(session, end, group, found->first, found->entry.last);
	state_tree_remove(session->ends, end, sizeof end);
	end_key(session, end, group, found->first, entry->last);
	state_tree_upsert(session->ends, end, sizeof end, NULL);
}

static bool is_closed(const Session *session, int64_t watermark, int64_t last)
{
	return session->watermark >= 0 && watermark_passed(&session->column, watermark, time_add(time_add(last, session->gap_us), session->grace_us));
}

/* ---- rows ---- */

/* What judges a row: its judge, and the watermark of the last commit, at which sessions were closed for good. */
static int64_t pending_judge(const Session *session, const Pending *p)
{
	int64_t judge = WATERMARK_NONE;
	if (session->watermark < 0) return judge;
	if (*state_register(session->op.state, REGISTER_HAS_WATERMARK)) judge = *state_register(session->op.state, REGISTER_WATERMARK);
	if (!p->batch->hidden.judge) return judge;
	return watermark_later(judge, watermark_judge(&session->column, p->batch->hidden.judge[p->row]));
}

static SessionRow *row_change(Session *session, const Pending *p, uint32_t group, int64_t weight)
{
	const Batch *batch = p->batch;
	int64_t at = p->time;
	Column time = {.type = TYPE(TIMESTAMP), .i64 = &at};
	row_order_key_of(&session->rows, group, &time, 0, batch->columns, p->row, batch->hidden.arrival);
	return (SessionRow *)row_order_change(&session->rows, batch->columns, p->row, weight, batch->hidden.judge ? batch->hidden.judge[p->row] : WATERMARK_NONE);
}

/* What all rows of a group have in common, where nothing else is read of them */
static Value *group_values(const Session *session, const KeyedGroup *group, Arena *arena)
{
	const Exprs *keys = &session->groups.keys;
	int count = session->rows.column_count;
	uint32_t bytes;
	Value *all = arena_alloc(arena, sizeof *all * (size_t)(keys->count + 1)), *values = arena_alloc(arena, sizeof *values * (size_t)(count + 1));
	row_unpack(state_map_key(session->groups.map, group, &bytes), keys->types, keys->count, all);
	for (int c = 0; c < count; c++) values[c] = session->key_of[c] >= 0 ? all[session->key_of[c]] : (Value){.type = session->rows.types[c], .is_null = true};
	return values;
}

/* A session takes another one in. Of two that were given out one is taken back: its rows come with the other's. */
static void counts_merge(Session *session, const KeyedGroup *group, SessionEntry *into, const SessionEntry *from)
{
	into->count += from->count;
	if (!from->emitted) return;
	if (into->emitted)
		vec_push(&session->gone, (Given){group_values(session, group, &session->noted), 0, -into->emitted, into->emitted_first, into->emitted_last, into->judge});
	into->emitted = from->emitted;
	into->emitted_first = from->emitted_first;
	into->emitted_last = from->emitted_last;
}

/* False: late. */
static bool row_added(Session *session, const Pending *p, uint32_t group, int64_t weight)
{
	int64_t judge = pending_judge(session, p), first = p->time;
	SessionEntry merged = {.last = p->time, .judge = p->batch->hidden.judge ? p->batch->hidden.judge[p->row] : WATERMARK_NONE, .count = weight, .changed = 1};
	Found sides[2];
	sessions_around(session, group, p->time, sides);
	for (int i = 0; i < 2; i++) {
		Found *side = &sides[i];
		int64_t from = i == 0 ? side->entry.last : p->time, to = i == 0 ? p->time : side->first;
		side->is_there = side->is_there && to <= time_add(from, session->gap_us) && !is_closed(session, judge, side->entry.last);
		if (!side->is_there) continue;
		if (side->first < first) first = side->first;
		if (side->entry.last > merged.last) merged.last = side->entry.last;
		merged.judge = watermark_later(merged.judge, side->entry.judge);
	}
	if (is_closed(session, judge, merged.last)) return false;
	for (int i = 0; i < 2; i++)
		if (session->counts && sides[i].is_there) counts_merge(session, p->group, &merged, &sides[i].entry);
	if (sides[0].is_there && !sides[1].is_there) session_grow(session, group, &sides[0], &merged);
	else {
		for (int i = 0; i < 2; i++)
			if (sides[i].is_there) session_remove(session, group, sides[i].first, sides[i].entry.last);
		session_put(session, group, first, &merged);
	}
	if (!session->counts) row_change(session, p, group, weight);
	return true;
}

/* The session lost a row: what the gaps between the others make of it. */
static void session_split(Session *session, uint32_t group, const Found *found, int64_t judge)
{
	session_remove(session, group, found->first, found->entry.last);
	Column time = {.type = TYPE(TIMESTAMP), .i64 = (int64_t *)(uintptr_t)&found->first};
	StrBuf *key = &session->rows.key;
	char prefix[4];
	strbuf_clear(key);
	row_order_group_key(prefix, group);
	strbuf_add(key, prefix, sizeof prefix);
	sort_key_add_column(key, &time, 0, (SortSpec){0});
	StateCursor cursor;
	state_tree_seek(session->rows.tree, &cursor, key->text, (uint32_t)key->bytes);
	SessionEntry part = {.judge = watermark_later(found->entry.judge, judge), .changed = 1};
	bool open = false;
	int64_t first = 0;
	for (; row_order_in_group(&cursor, group); state_cursor_next(&cursor)) {
		uint32_t bytes;
		int64_t at = get_time((const char *)state_cursor_key(&cursor, &bytes) + 5);
		if (at > found->entry.last) break;
		if (open && at > time_add(part.last, session->gap_us)) {
			session_put(session, group, first, &part);
			open = false;
		}
		if (!open) first = at;
		open = true;
		part.last = at;
	}
	if (open) session_put(session, group, first, &part);
}

static Value *values_keep(Session *session, const void *key, const RowEntry *entry)
{
	int count = session->rows.column_count;
	Value *values = arena_alloc(&session->noted, sizeof *values * (size_t)(count + 1));
	row_order_read(&session->rows, key, entry, values, &session->noted);
	for (int c = 0; c < count; c++) {
		Str *text = &values[c].str;
		if (!values[c].is_null && type_phys(values[c].type) == PHYS_STR) *text = str_copy(&session->noted, str_at(text), text->bytes);
	}
	return values;
}

/* False: late, or of a row that was. */
static bool row_taken_back(Session *session, const Pending *p, uint32_t group, int64_t weight)
{
	Found found = session_before(session, group, p->time);
	if (!found.is_there || found.entry.last < p->time || is_closed(session, pending_judge(session, p), found.entry.last)) return false;
	SessionRow *row = row_change(session, p, group, weight);
	int64_t judge = row->entry.judge;
	found.entry.changed = 1;
	if (row->entry.weight != 0) {
		session_put(session, group, found.first, &found.entry);
		return true;
	}
	const StrBuf *key = &session->rows.key;
	if (row->emitted)
		vec_push(&session->gone, (Given){
			values_keep(session, key->text, &row->entry), row_order_arrival(&session->rows, key->text, &row->entry), -row->emitted, row->first, row->last,
			watermark_later(judge, found.entry.judge)});
	StateCursor cursor;
	state_tree_seek(session->rows.tree, &cursor, key->text, (uint32_t)key->bytes);
	row_order_remove(&session->rows, &cursor);
	session_split(session, group, &found, judge);
	return true;
}

static bool session_push(Op *op, int input, Batch *in, Error *err)
{
	(void)input; (void)err;
	Session *session = (Session *)op;
	Batch *dense = batch_dense(in, NULL);
	KeyedRows rows = keyed_find(&session->groups, op, in, dense);
	const Column *time = exprs_eval(&session->rows.order, dense, &op->scratch);
	int before = session->pending.count;
	for (int i = 0; i < dense->count; i++) {
		if (column_is_null(time, i)) continue;
		KeyedGroup *group = keyed_row(&session->groups, &rows, dense, i, NULL);
		Pending p = {.batch = dense, .group = group, .row = i, .time = time->i64[i], .arrival = session->has_arrival ? dense->hidden.arrival[i] : 0};
		vec_push(&session->pending, p);
	}
	op->rows_waiting = session->pending.count;
	if (session->pending.count > before) vec_push(&session->batches, dense);
	else batch_unref(dense);
	return true;
}

/* ---- at the commit ---- */

static void session_emit(Session *session, const Given *row, Emitter *emitter)
{
	int count = session->rows.column_count, at = emitter_row(emitter, row->copies, row->judge);
	int64_t end = time_add(row->last, session->gap_us);
	emitter_arrival(emitter, at, row->arrival);
	for (int c = 0; c < count; c++) emitter_set(emitter, at, c, &row->values[c]);
	emitter_set_integer(emitter, at, count, row->first);
	emitter_set_integer(emitter, at, count + 1, end);
	emitter_set_integer(emitter, at, count + 2, end - WINDOW_TIME_US);
}

/* As row_difference, for all rows of a session whose rows are not kept */
static void counts_difference(Session *session, uint32_t group, Found *found, Emitter *emitter)
{
	SessionEntry *entry = &found->entry;
	bool same = entry->emitted_first == found->first && entry->emitted_last == entry->last;
	if (same && entry->emitted == entry->count) return;
	Arena *scratch = &session->op.scratch;
	arena_clear(scratch);
	const Value *values = group_values(session, state_map_by_number(session->groups.map, group), scratch);
	if (entry->emitted && !same)
		session_emit(session, &(Given){values, 0, -entry->emitted, entry->emitted_first, entry->emitted_last, entry->judge}, emitter);
	session_emit(session, &(Given){values, 0, same ? entry->count - entry->emitted : entry->count, found->first, entry->last, entry->judge}, emitter);
	entry->emitted = entry->count;
	entry->emitted_first = found->first;
	entry->emitted_last = entry->last;
}

static void row_difference(Session *session, const StateCursor *cursor, const Found *found, Emitter *emitter)
{
	SessionRow *row = state_cursor_change((StateCursor *)(uintptr_t)cursor);
	int64_t copies = row->entry.weight > 0 ? row->entry.weight : 0;
	bool same = row->first == found->first && row->last == found->entry.last;
	if (same && row->emitted == copies) return;
	Arena *scratch = &session->op.scratch;
	arena_clear(scratch);
	Value *values = arena_alloc(scratch, sizeof *values * (size_t)(session->rows.column_count + 1));
	uint32_t bytes;
	const void *key = state_cursor_key(cursor, &bytes);
	row_order_read(&session->rows, key, &row->entry, values, scratch);
	Int128 arrival = row_order_arrival(&session->rows, key, &row->entry);
	int64_t judge = found->entry.judge;
	if (row->emitted && !same) session_emit(session, &(Given){values, arrival, -row->emitted, row->first, row->last, judge}, emitter);
	int64_t added = same ? copies - row->emitted : copies;
	if (added) session_emit(session, &(Given){values, arrival, added, found->first, found->entry.last, judge}, emitter);
	row->emitted = copies;
	row->first = found->first;
	row->last = found->entry.last;
}

/* Cursor on the first row of a session */
static void rows_seek(Session *session, StateCursor *cursor, uint32_t group, int64_t first)
{
	char key[13];
	row_order_group_key(key, group);
	key[4] = 1;                       /* a value, not NULL: as sort_key_add writes it */
	put_time(key + 5, first);
	state_tree_seek(session->rows.tree, cursor, key, sizeof key);
}

static bool row_is_in(const StateCursor *cursor, uint32_t group, int64_t last)
{
	uint32_t bytes;
	return row_order_in_group(cursor, group) && get_time((const char *)state_cursor_key(cursor, &bytes) + 5) <= last;
}

static void session_difference(Session *session, const Touched *touched, Emitter *emitter)
{
	Found found = session_before(session, touched->group, touched->first);
	if (!found.is_there || found.first != touched->first || !found.entry.changed) return;
	found.entry.changed = 0;
	if (session->counts) counts_difference(session, touched->group, &found, emitter);
	char key[SESSION_KEY_BYTES];
	session_key(key, touched->group, found.first);
	*(SessionEntry *)state_tree_upsert(session->sessions, key, sizeof key, NULL) = found.entry;
	if (session->emit_on_close || session->counts) return;
	StateCursor cursor;
	for (rows_seek(session, &cursor, touched->group, found.first); row_is_in(&cursor, touched->group, found.entry.last); state_cursor_next(&cursor))
		row_difference(session, &cursor, &found, emitter);
}

static int pending_order(const void *x, const void *y)
{
	const Pending *a = x, *b = y;
	return a->arrival < b->arrival ? -1 : a->arrival > b->arrival;
}

static void pending_apply(Session *session)
{
	if (session->has_arrival && session->pending.count) qsort(session->pending.at, (size_t)session->pending.count, sizeof *session->pending.at, pending_order);
	for (int i = 0; i < session->pending.count; i++) {
		Pending *p = &session->pending.at[i];
		uint32_t group = keyed_number(&session->groups, p->group);
		int64_t weight = p->batch->weights ? p->batch->weights[p->row] : 1;
		bool taken = weight > 0 ? row_added(session, p, group, weight) : row_taken_back(session, p, group, weight);
		if (!taken) op_late(&session->op, p->batch, p->row);
	}
}

static void differences(Session *session, Emitter *emitter)
{
	for (int i = 0; i < session->gone.count; i++) session_emit(session, &session->gone.at[i], emitter);
	for (int i = 0; i < session->touched.count; i++) session_difference(session, &session->touched.at[i], emitter);
}

static void rows_close(Session *session, uint32_t group, const Found *found, Emitter *emitter)
{
	StateCursor cursor;
	if (session->counts) return;
	rows_seek(session, &cursor, group, found->first);
	while (row_is_in(&cursor, group, found->entry.last)) {
		if (session->emit_on_close) row_difference(session, &cursor, found, emitter);
		row_order_remove(&session->rows, &cursor);
	}
}

static bool group_is_empty(Session *session, uint32_t group)
{
	char prefix[4];
	StateCursor cursor;
	row_order_group_key(prefix, group);
	state_tree_seek(session->sessions, &cursor, prefix, sizeof prefix);
	return !row_order_in_group(&cursor, group);
}

static void close_sessions(Session *session, int64_t watermark, Emitter *emitter)
{
	for (;;) {
		StateCursor cursor;
		uint32_t bytes, group;
		state_tree_first(session->ends, &cursor);
		if (!cursor.valid) return;
		const char *key = state_cursor_key(&cursor, &bytes);
		memcpy(&group, key + 8, 4);
		group = be32toh(group);
		Found found = session_before(session, group, get_time(key + 12));
		if (!is_closed(session, watermark, found.entry.last)) return;
		rows_close(session, group, &found, emitter);
		session_remove(session, group, found.first, found.entry.last);
		if (group_is_empty(session, group)) keyed_remove(&session->groups, state_map_by_number(session->groups.map, group));
	}
}

/* Keyed all of whose rows were late or are gone */
static void drop_empty_groups(Session *session)
{
	KeyedGroup **groups = arena_alloc(&session->noted, sizeof *groups * (size_t)session->pending.count);
	int count = 0;
	for (int i = 0; i < session->pending.count; i++) {
		KeyedGroup *group = session->pending.at[i].group;
		if (!group->note) groups[count++] = group;
		group->note = 1;
	}
	for (int i = 0; i < count; i++) {
		groups[i]->note = 0;
		if (group_is_empty(session, keyed_number(&session->groups, groups[i]))) keyed_remove(&session->groups, groups[i]);
	}
}

static bool session_commit(Op *op, const CommitInfo *commit, Error *err)
{
	(void)commit;
	Session *session = (Session *)op;
	Emitter emitter;
	emitter_init(&emitter, op, session->has_judge, err);
	emitter.builder.want_arrival = session->has_arrival;
	pending_apply(session);
	differences(session, &emitter);
	drop_empty_groups(session);
	for (int i = 0; i < session->batches.count; i++) batch_unref(session->batches.at[i]);
	session->batches.count = session->pending.count = session->touched.count = session->gone.count = 0;
	op->rows_waiting = 0;
	arena_clear(&session->noted);
	if (session->watermark >= 0) {
		int64_t watermark = op->in_watermarks[0][session->watermark];
		close_sessions(session, watermark, &emitter);
		*state_register(op->state, REGISTER_WATERMARK) = watermark;
		*state_register(op->state, REGISTER_HAS_WATERMARK) = 1;
	}
	return emitter_finish(&emitter);
}

static void session_release(Op *op)
{
	Session *session = (Session *)op;
	for (int i = 0; i < session->batches.count; i++) batch_unref(session->batches.at[i]);
	vec_release(&session->batches);
	vec_release(&session->pending);
	vec_release(&session->touched);
	vec_release(&session->gone);
	keyed_release(&session->groups);
	row_order_release(&session->rows);
	arena_release(&session->noted);
}

/* Are all columns that are read above keys as they are? */
static bool keys_are_enough(Session *session, const SessionSpec *spec)
{
	const OpInput *in = &spec->in;
	const Exprs *keys = &session->groups.keys;
	bool enough = spec->reads != NULL && in->append_only && !spec->emit_on_close;
	session->key_of = arena_array(&session->op.arena, int, in->column_count + 1);
	for (int c = 0; c < in->column_count; c++) {
		session->key_of[c] = -1;
		for (int k = 0; k < keys->count; k++)
			if (keys->passed[k] == c) session->key_of[c] = k;
		enough &= session->key_of[c] >= 0 || (spec->reads && !spec->reads[c]);
	}
	return enough;
}

static const OpClass SESSION = {.name = "session", .layout = 1, .push = session_push, .commit = session_commit, .release = session_release};

Op *op_session_new(const SessionSpec *spec)
{
	const OpInput *in = &spec->in;
	Type *types = mem_alloc(sizeof *types * (size_t)(in->column_count + WINDOW_COLUMNS));
	memcpy(types, in->types, sizeof *types * (size_t)in->column_count);
	for (int i = 0; i < WINDOW_COLUMNS; i++) types[in->column_count + i] = TYPE(TIMESTAMP);
	Session *session = op_new(&SESSION, sizeof *session, "session", types, in->column_count + WINDOW_COLUMNS, 1);
	free(types);
	Op *op = &session->op;
	op_input_init(op, 0, in->watermarks, in->watermark_count);
	op->append_only = spec->emit_on_close;
	session->gap_us = spec->gap_us;
	session->grace_us = spec->grace_us;
	session->watermark = spec->input_watermark;
	if (spec->input_watermark >= 0) session->column = in->watermarks[spec->input_watermark];
	session->emit_on_close = spec->emit_on_close;
	session->has_judge = in->has_judge;
	session->has_arrival = in->has_arrival;
	arena_init(&session->noted, 0);
	op->state = state_new("session");
	state_forgets(op->state);
	AggregateClose never = {.key_index = -1};
	OpSortKey by_time = {.expr = spec->time};
	keyed_init(&session->groups, op->state, &op->arena, in, spec->keys, spec->key_count, &never, sizeof(KeyedGroup));
	row_order_init(&session->rows, op->state, &op->arena, in, &by_time, 1, sizeof(SessionRow));
	session->counts = keys_are_enough(session, spec);
	session->sessions = state_tree_open(op->state, sizeof(SessionEntry));
	session->ends = state_tree_open(op->state, sizeof(uint32_t));
	return op;
}
