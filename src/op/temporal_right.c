/* The right rows of temporal and ASOF joins.
 *
 * Versions (EVENT_TIME). A changelog says -old +new for an update: new counts from its time on, old stays as it was. Only a row that goes without
 * another of its key coming right behind it ends: at the greatest time seen. So deletes wait for the next change, unless they say that they are no
 * part of an update (Hidden.ends), and from when on. One row a place: what comes later for the same time takes it. Ends stay, too, since a late
 * version before one must not live on after it.
 *
 * ASOF. A multiset of rows in order of time, then of their values, of which the least counts: as in queries that are asked once.
 */
#include "op/temporal.h"

#include <endian.h>

enum { REGISTER_SEEN = 0, REGISTER_HAS_SEEN = 1 };

/* A key with these bytes at its end lies behind all entries of the place: sort keys begin with smaller bytes. */
static const char AFTER = (char)0xff;

static uint32_t key_number(TemporalBytes place)
{
	uint32_t number;
	memcpy(&number, place.at, 4);
	return be32toh(number);
}

/* ---- neighbours ---- */

static bool in_key(const StateCursor *cursor, TemporalBytes place)
{
	if (!cursor->valid) return false;
	uint32_t bytes;
	return memcmp(state_cursor_key(cursor, &bytes), place.at, 4) == 0;
}

/* First entry of the place or behind it (behind: not of the place itself), last one before it (through: or of the place itself); false: not in
 * this key. */
static bool seek_after(Temporal *temporal, StateCursor *cursor, TemporalBytes place, bool behind)
{
	char *key = arena_alloc(&temporal->notes, place.bytes + 1);
	memcpy(key, place.at, place.bytes);
	key[place.bytes] = AFTER;
	state_tree_seek(temporal->rights, cursor, key, place.bytes + behind);
	return in_key(cursor, place);
}

static bool seek_before(Temporal *temporal, StateCursor *cursor, TemporalBytes place, bool through)
{
	char *key = arena_alloc(&temporal->notes, place.bytes + 1);
	memcpy(key, place.at, place.bytes);
	key[place.bytes] = AFTER;
	state_tree_seek_before(temporal->rights, cursor, key, place.bytes + through);
	return in_key(cursor, place);
}

static TemporalBytes place_of(Temporal *temporal, const StateCursor *cursor)
{
	uint32_t bytes;
	Value time;
	const char *key = state_cursor_key(cursor, &bytes);
	return (TemporalBytes){key, (uint32_t)(4 + sort_key_read(key + 4, temporal->right.time.types[0], (SortSpec){0}, &time, &temporal->notes))};
}

/* All left rows that right rows of the place serve, or could if there were some. */
static void touch_around(Temporal *temporal, TemporalBytes place)
{
	StateCursor cursor;
	TemporalBytes none = {0}, key = {place.at, 4};
	if (temporal->forward) temporal_touch(temporal, seek_before(temporal, &cursor, place, false) ? place_of(temporal, &cursor) : key, place);
	else temporal_touch(temporal, place, seek_after(temporal, &cursor, place, true) ? place_of(temporal, &cursor) : none);
}

static TemporalBytes kept_place(Temporal *temporal, TemporalBytes place) { return (TemporalBytes){arena_copy(&temporal->notes, place.at, place.bytes), place.bytes}; }

/* ---- versions ---- */

static void index_version(Temporal *temporal, int64_t time_us, uint32_t key)
{
	char bytes[12];
	bool added;
	if (!temporal->closes) return;
	temporal_time_key(bytes, time_us, key);
	state_tree_upsert(temporal->right_times, bytes, sizeof bytes, &added);
}

/* Nobody can still ask for it: a later version has passed, too. */
static bool is_past(Temporal *temporal, TemporalBytes place, int64_t time_us)
{
	StateCursor cursor;
	if (!temporal_passed(temporal, time_us) || !seek_after(temporal, &cursor, place, true)) return false;
	uint32_t bytes;
	Value next;
	const char *key = state_cursor_key(&cursor, &bytes);
	sort_key_read(key + 4, temporal->right.time.types[0], (SortSpec){0}, &next, &temporal->notes);
	return temporal_passed(temporal, next.i64);
}

/* Of two rows of one key and time that were only added, neither is the later one: the greater bytes win. */
static bool stays(const Temporal *temporal, const TemporalRight *version, TemporalBytes row)
{
	if (!temporal->right.in.append_only || !version->row) return false;
	uint32_t bytes;
	const char *at = state_blob_at(temporal->op.state, version->row, &bytes);
	int order = memcmp(at, row.at, bytes < row.bytes ? bytes : row.bytes);
	return order ? order > 0 : bytes >= row.bytes;
}

/* row.at NULL: the key's last version ends here. */
static void put_version(Temporal *temporal, uint32_t key, int64_t time_us, TemporalBytes row)
{
	bool added;
	TemporalBytes place = kept_place(temporal, temporal_place_at(temporal, key, time_us));
	if (is_past(temporal, place, time_us)) return;
	TemporalRight *version = state_tree_upsert(temporal->rights, place.at, place.bytes, &added);
	if (!added && stays(temporal, version, row)) return;
	if (!added && version->row) state_blob_free(temporal->op.state, version->row);
	version->weight = 1;
	version->row = row.at ? state_blob_new(temporal->op.state, row.at, row.bytes) : 0;
	if (added) {
		temporal_key_count(temporal, key, 1);
		index_version(temporal, time_us, key);
	}
	touch_around(temporal, place);
}

/* The row that went is followed by no other of its key. */
static void end_version(Temporal *temporal)
{
	const StrBuf *bytes = &temporal->last.key;
	temporal->last.weight = 0;
	const TemporalKey *key = state_map_find(temporal->keys, bytes->text, (uint32_t)bytes->bytes, hash_bytes(bytes->text, bytes->bytes));
	if (key) put_version(temporal, state_map_number(temporal->keys, key), temporal->last.seen_us, (TemporalBytes){0});
}

static int64_t ends_at(const TemporalRows *rows, int i) { return rows->dense->hidden.ends ? rows->dense->hidden.ends[i] : WATERMARK_NONE; }

static int64_t seen(Temporal *temporal, const TemporalRows *rows, int i)
{
	int64_t *greatest = state_register(temporal->op.state, REGISTER_SEEN), *has = state_register(temporal->op.state, REGISTER_HAS_SEEN);
	if (!column_is_null(rows->time, i) && (!*has || rows->time->i64[i] > *greatest)) *greatest = rows->time->i64[i];
	if (!column_is_null(rows->time, i)) *has = 1;
	if (ends_at(rows, i) > *greatest && ends_at(rows, i) != WATERMARK_END) *greatest = ends_at(rows, i);
	return *greatest;
}

static bool equal_bytes(const StrBuf *a, const char *at, uint32_t bytes) { return a->bytes == bytes && memcmp(a->text, at, bytes) == 0; }

static void change_version(Temporal *temporal, const TemporalRows *rows, int i)
{
	int64_t weight = temporal_weight(rows, i), before = temporal->last.weight, time_seen = seen(temporal, rows, i);
	bool same_key = before && equal_bytes(&temporal->last.key, rows->keys.at[i], rows->keys.bytes[i]);
	bool same_row = same_key && equal_bytes(&temporal->last.row, rows->rows.at[i], rows->rows.bytes[i]);
	bool updates = same_key && (before < 0) != (weight < 0) && (weight > 0 || !same_row);         /* +new -old, too */
	if (before < 0 && !updates) end_version(temporal);
	temporal->last.weight = updates && weight < 0 ? 0 : weight;
	temporal->last.seen_us = time_seen;
	strbuf_clear(&temporal->last.key);
	strbuf_add(&temporal->last.key, rows->keys.at[i], rows->keys.bytes[i]);
	strbuf_clear(&temporal->last.row);
	strbuf_add(&temporal->last.row, rows->rows.at[i], rows->rows.bytes[i]);
	if (weight < 0 && ends_at(rows, i) != WATERMARK_NONE) {
		if (ends_at(rows, i) != WATERMARK_END) temporal->last.seen_us = ends_at(rows, i);
		end_version(temporal);
	}
	if (weight < 0 || rows->no_key[i]) return;
	uint32_t key = temporal_key(temporal, rows, i);
	temporal_key_count(temporal, key, 1);                         /* while it is worked on */
	put_version(temporal, key, rows->time->i64[i], (TemporalBytes){rows->rows.at[i], rows->rows.bytes[i]});
	temporal_key_count(temporal, key, -1);
}

/* ---- ASOF ---- */

static void change_row(Temporal *temporal, const TemporalRows *rows, int i)
{
	bool added;
	if (rows->no_key[i]) return;
	uint32_t key = temporal_key(temporal, rows, i);
	TemporalBytes place = kept_place(temporal, temporal_place(temporal, key, rows->time, i));
	for (int c = 0; c < temporal->right.in.column_count; c++) sort_key_add_column(&temporal->place, &rows->dense->columns[c], i, (SortSpec){0});
	TemporalBytes own = {temporal->place.text, (uint32_t)temporal->place.bytes};
	TemporalRight *right = state_tree_upsert(temporal->rights, own.at, own.bytes, &added);
	right->weight += temporal_weight(rows, i);
	if (added) {
		right->row = state_blob_new(temporal->op.state, rows->rows.at[i], rows->rows.bytes[i]);
		temporal_key_count(temporal, key, 1);
	}
	if (right->weight == 0) vec_push(&temporal->emptied, kept_place(temporal, own));
	touch_around(temporal, place);
}

/* ---- push, commit ---- */

void temporal_right_push(Temporal *temporal, const TemporalRows *rows)
{
	for (int i = 0; i < rows->count; i++) {
		if (temporal->kind == TEMPORAL_ASOF) change_row(temporal, rows, i);
		else change_version(temporal, rows, i);
	}
}

static void remove_entry(Temporal *temporal, TemporalBytes key)
{
	uint32_t number = key_number(key);
	TemporalRight *right = state_tree_find(temporal->rights, key.at, key.bytes);
	if (right->row) state_blob_free(temporal->op.state, right->row);
	state_tree_remove(temporal->rights, key.at, key.bytes);
	temporal_key_count(temporal, number, -1);
}

void temporal_right_commit(Temporal *temporal)
{
	if (temporal->last.weight < 0) end_version(temporal);
	temporal->last.weight = 0;
	for (int e = 0; e < temporal->emptied.count; e++) {
		TemporalBytes key = temporal->emptied.at[e];
		const TemporalRight *right = state_tree_find(temporal->rights, key.at, key.bytes);
		if (right && right->weight == 0) remove_entry(temporal, key);
	}
	temporal->emptied.count = 0;
}

/* The versions before one that has passed serve nobody any more. */
void temporal_right_forget(Temporal *temporal)
{
	int64_t time_us;
	uint32_t key, bytes;
	StateCursor cursor;
	while (temporal_next_passed(temporal, temporal->right_times, &time_us, &key)) {
		TemporalBytes place = kept_place(temporal, temporal_place_at(temporal, key, time_us));
		while (seek_before(temporal, &cursor, place, false)) {
			const char *at = state_cursor_key(&cursor, &bytes);
			remove_entry(temporal, kept_place(temporal, (TemporalBytes){at, bytes}));
		}
	}
}

/* ---- finding ---- */

TemporalBytes temporal_right_find(Temporal *temporal, TemporalBytes place)
{
	StateCursor cursor;
	TemporalBytes out = {0};
	if (temporal->forward ? !seek_after(temporal, &cursor, place, temporal->strict) : !seek_before(temporal, &cursor, place, !temporal->strict)) return out;
	if (temporal->kind == TEMPORAL_ASOF && !temporal->forward) {
		TemporalBytes first = place_of(temporal, &cursor);
		state_tree_seek(temporal->rights, &cursor, first.at, first.bytes);
	}
	const TemporalRight *right = state_cursor_payload(&cursor);
	if (right->row) out.at = state_blob_at(temporal->op.state, right->row, &out.bytes);
	return out;
}
