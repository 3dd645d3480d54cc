/* The left rows of temporal and ASOF joins: each remembers what it was given, so that a commit tells differences only. */
#include "op/temporal.h"

#include <endian.h>

/* ---- time ---- */

bool temporal_passed(const Temporal *temporal, int64_t time_us)
{
	const TemporalSide *left = &temporal->left, *right = &temporal->right;
	if (!temporal->closes) return false;
	return watermark_passed(&left->column, temporal->op.in_watermarks[0][left->watermark], time_us)
		&& watermark_passed(&right->column, temporal->op.in_watermarks[1][right->watermark], time_us);
}

/* The row is late when its own watermark and that of the versions have passed its time: rows and versions of then are forgotten. */
static bool is_late(const Temporal *temporal, const TemporalRows *rows, int i, int64_t versions_judge)
{
	const TemporalSide *left = &temporal->left, *right = &temporal->right;
	if (!temporal->closes || column_is_null(rows->time, i)) return false;
	int64_t own = watermark_later(watermark_judge(&left->column, temporal_judge(rows, i)), temporal->op.in_watermarks[0][left->watermark]);
	int64_t versions = watermark_later(watermark_judge(&right->column, versions_judge), temporal->op.in_watermarks[1][right->watermark]);
	int64_t time = rows->time->i64[i];
	return watermark_passed(&left->column, own, time) && watermark_passed(&right->column, versions, time);
}

void temporal_time_key(char out[12], int64_t time_us, uint32_t key)
{
	uint64_t high = htobe64((uint64_t)time_us ^ UINT64_C(1) << 63);
	key = htobe32(key);
	memcpy(out, &high, 8);
	memcpy(out + 8, &key, 4);
}

/* ---- push ---- */

static void add_row(Temporal *temporal, const TemporalRows *rows, int i)
{
	bool added;
	uint32_t key = temporal_key(temporal, rows, i);
	TemporalBytes place = temporal_place(temporal, key, rows->time, i);
	temporal_touch(temporal, place, place);
	strbuf_add(&temporal->place, rows->rows.at[i], rows->rows.bytes[i]);
	TemporalLeft *left = state_tree_upsert(temporal->lefts, temporal->place.text, (uint32_t)temporal->place.bytes, &added);
	if (added) *left = (TemporalLeft){.judge = WATERMARK_NONE, .place_bytes = place.bytes};
	left->weight += temporal_weight(rows, i);
	left->judge = watermark_later(left->judge, temporal_judge(rows, i));
	if (!added) return;
	temporal_key_count(temporal, key, 1);
	if (!temporal->closes) return;
	char time[12];
	temporal_time_key(time, rows->time->i64[i], key);
	state_tree_upsert(temporal->left_times, time, sizeof time, &added);
}

bool temporal_left_push(Temporal *temporal, const TemporalRows *rows, const Batch *in, Error *err)
{
	Emitter emitter;
	emitter_init(&emitter, &temporal->op, temporal->has_judge, err);
	int64_t versions_judge = temporal->closes ? op_other_judge(&temporal->op, 0) : WATERMARK_NONE;
	for (int i = 0; i < rows->count; i++) {
		if (is_late(temporal, rows, i, versions_judge)) op_late(&temporal->op, in, i);
		else if (!rows->no_key[i]) add_row(temporal, rows, i);
		else if (temporal->left_outer) temporal_emit(temporal, &emitter, rows->rows.at[i], NULL, temporal_weight(rows, i), temporal_judge(rows, i));
	}
	return emitter_finish(&emitter);
}

/* ---- what was touched ---- */

static TemporalBytes keep(Temporal *temporal, TemporalBytes bytes)
{
	return bytes.at ? (TemporalBytes){arena_copy(&temporal->notes, bytes.at, bytes.bytes), bytes.bytes} : bytes;
}

void temporal_touch(Temporal *temporal, TemporalBytes from, TemporalBytes to)
{
	TemporalRange range = {.from = keep(temporal, from)};
	range.to = to.at == from.at ? range.from : keep(temporal, to);
	vec_push(&temporal->touched, range);
}

/* What begins with a whole key comes before its places. */
static int compare_ranges(const void *a, const void *b)
{
	TemporalBytes x = ((const TemporalRange *)a)->from, y = ((const TemporalRange *)b)->from;
	int order = temporal_compare(x, y);
	return order ? order : (x.bytes > y.bytes) - (x.bytes < y.bytes);
}

static bool same_key(TemporalBytes a, TemporalBytes b) { return memcmp(a.at, b.at, 4) == 0; }

/* Does the range reach over the bytes, which are not before it? */
static bool reaches(const TemporalRange *range, TemporalBytes bytes)
{
	return range->to.at ? temporal_compare(bytes, range->to) <= 0 : same_key(range->from, bytes);
}

static void extend(TemporalRange *range, const TemporalRange *by)
{
	if (!range->to.at) return;
	if (!by->to.at || temporal_compare(by->to, range->to) > 0) range->to = by->to;
}

/* Ranges in order that do not overlap, so that no row is looked at twice. */
static int merge_ranges(Temporal *temporal)
{
	int count = 0;
	TemporalRange *ranges = temporal->touched.at;
	if (temporal->touched.count) qsort(ranges, (size_t)temporal->touched.count, sizeof *ranges, compare_ranges);
	for (int r = 0; r < temporal->touched.count; r++) {
		if (count && reaches(&ranges[count - 1], ranges[r].from)) extend(&ranges[count - 1], &ranges[r]);
		else ranges[count++] = ranges[r];
	}
	return count;
}

/* ---- telling ---- */

typedef struct Telling {
	Temporal *temporal;
	Emitter emitter;
	VEC(StateCursor) rows;                /* a portion */
	VEC(TemporalBytes) gone;              /* keys of rows without copies left */
} Telling;

static const char *row_of(const StateCursor *cursor)
{
	uint32_t bytes;
	const char *key = state_cursor_key(cursor, &bytes);
	return key + ((const TemporalLeft *)state_cursor_payload(cursor))->place_bytes;
}

static TemporalBytes place_of(const StateCursor *cursor)
{
	uint32_t bytes;
	const char *key = state_cursor_key(cursor, &bytes);
	return (TemporalBytes){key, ((const TemporalLeft *)state_cursor_payload(cursor))->place_bytes};
}

static bool is_told(const Temporal *temporal, const TemporalLeft *left, TemporalTold told, TemporalBytes right)
{
	if (left->told != told || told != TOLD_PAIR) return left->told == told;
	uint32_t bytes;
	const void *before = state_blob_at(temporal->op.state, left->told_row, &bytes);
	return bytes == right.bytes && memcmp(before, right.at, bytes) == 0;
}

static void take_back(Telling *telling, const StateCursor *cursor, TemporalLeft *left)
{
	Temporal *temporal = telling->temporal;
	uint32_t bytes;
	const char *right = left->told == TOLD_PAIR ? state_blob_at(temporal->op.state, left->told_row, &bytes) : NULL;
	if (left->told != TOLD_NOTHING) temporal_emit(temporal, &telling->emitter, row_of(cursor), right, -left->told_weight, left->judge);
	if (left->told_row) state_blob_free(temporal->op.state, left->told_row);
	left->told_row = 0;
	left->told_weight = 0;
	left->told = TOLD_NOTHING;
}

static void tell_row(Telling *telling, StateCursor *cursor, TemporalBytes right, bool met)
{
	Temporal *temporal = telling->temporal;
	TemporalLeft *left = state_cursor_change(cursor);
	TemporalTold told = met ? TOLD_PAIR : temporal->left_outer ? TOLD_ALONE : TOLD_NOTHING;
	if (left->weight == 0) told = TOLD_NOTHING;
	if (!is_told(temporal, left, told, right)) take_back(telling, cursor, left);
	if (told != TOLD_NOTHING) temporal_emit(temporal, &telling->emitter, row_of(cursor), met ? right.at : NULL, left->weight - left->told_weight, left->judge);
	if (told == TOLD_PAIR && !left->told_row) left->told_row = state_blob_new(temporal->op.state, right.at, right.bytes);
	left->told = told;
	left->told_weight = told == TOLD_NOTHING ? 0 : left->weight;
	if (left->weight != 0) return;
	uint32_t bytes;
	const char *key = state_cursor_key(cursor, &bytes);
	vec_push(&telling->gone, keep(temporal, (TemporalBytes){key, bytes}));
}

/* The rows of a portion find their right rows together, since the rest of the condition is tested many at a time. */
static void tell_portion(Telling *telling)
{
	Temporal *temporal = telling->temporal;
	int count = telling->rows.count, found = 0;
	TemporalPair *pairs = arena_array(&temporal->op.scratch, TemporalPair, count + 1);
	TemporalBytes *rights = arena_array(&temporal->op.scratch, TemporalBytes, count + 1);
	for (int r = 0; r < count; r++) {
		rights[r] = temporal_right_find(temporal, place_of(&telling->rows.at[r]));
		if (rights[r].at) pairs[found++] = (TemporalPair){.left = row_of(&telling->rows.at[r]), .right = rights[r].at};
	}
	temporal_test(temporal, pairs, found);
	found = 0;
	for (int r = 0; r < count; r++) tell_row(telling, &telling->rows.at[r], rights[r], rights[r].at && pairs[found++].met);
	telling->rows.count = 0;
}

static void tell_range(Telling *telling, const TemporalRange *range)
{
	StateCursor cursor;
	state_tree_seek(telling->temporal->lefts, &cursor, range->from.at, range->from.bytes);
	for (; cursor.valid; state_cursor_next(&cursor)) {
		if (!reaches(range, place_of(&cursor))) return;
		vec_push(&telling->rows, cursor);
		if (telling->rows.count == BATCH_ROWS_MAX) tell_portion(telling);
	}
}

/* Removes a left row that nothing is told of any more. */
static void remove_row(Temporal *temporal, TemporalBytes key)
{
	uint32_t number;
	memcpy(&number, key.at, 4);
	state_tree_remove(temporal->lefts, key.at, key.bytes);
	temporal_key_count(temporal, be32toh(number), -1);
}

bool temporal_left_commit(Temporal *temporal, Error *err)
{
	Telling telling = {.temporal = temporal};
	emitter_init(&telling.emitter, &temporal->op, temporal->has_judge, err);
	int count = merge_ranges(temporal);
	for (int r = 0; r < count; r++) tell_range(&telling, &temporal->touched.at[r]);
	tell_portion(&telling);
	for (int g = 0; g < telling.gone.count; g++) remove_row(temporal, telling.gone.at[g]);
	vec_release(&telling.rows);
	vec_release(&telling.gone);
	temporal->touched.count = 0;
	return emitter_finish(&telling.emitter);
}

/* ---- forgetting ---- */

/* All rows of one key and time */
static void forget_place(Temporal *temporal, TemporalBytes place)
{
	StateCursor cursor;
	uint32_t bytes;
	for (;;) {
		state_tree_seek(temporal->lefts, &cursor, place.at, place.bytes);
		if (!cursor.valid) return;
		const char *key = state_cursor_key(&cursor, &bytes);
		if (!temporal_starts_with(key, bytes, place)) return;
		const TemporalLeft *left = state_cursor_payload(&cursor);
		if (left->told_row) state_blob_free(temporal->op.state, left->told_row);
		char *copy = arena_copy(&temporal->notes, key, bytes);
		remove_row(temporal, (TemporalBytes){copy, bytes});
	}
}

bool temporal_next_passed(Temporal *temporal, StateTree *times, int64_t *time_us, uint32_t *key)
{
	StateCursor cursor;
	uint32_t bytes;
	uint64_t high;
	state_tree_first(times, &cursor);
	if (!cursor.valid) return false;
	const char *at = state_cursor_key(&cursor, &bytes);
	memcpy(&high, at, 8);
	memcpy(key, at + 8, 4);
	*time_us = (int64_t)(be64toh(high) ^ UINT64_C(1) << 63);
	*key = be32toh(*key);
	if (!temporal_passed(temporal, *time_us)) return false;
	state_cursor_remove(&cursor);
	return true;
}

void temporal_left_forget(Temporal *temporal)
{
	int64_t time_us;
	uint32_t key;
	while (temporal_next_passed(temporal, temporal->left_times, &time_us, &key)) forget_place(temporal, temporal_place_at(temporal, key, time_us));
}
