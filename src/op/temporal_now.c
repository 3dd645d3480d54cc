/* FOR SYSTEM_TIME AS OF PROCTIME(): a left row meets the right rows of its key that are there when it comes, and keeps them.
 *
 * There is what was there at the last commit; where all comes from local relations, also what statements before it have done (Op.defers).
 *
 * What right rows do later gives nothing, so an append-only left side needs no memory at all. Else every left row remembers what it was given,
 * for its retraction has to take back just that. Of equal rows the last goes first. A retraction that comes before its row, which operators
 * may do within a commit, is remembered as owed. */
#include "op/temporal.h"

#include <endian.h>

typedef struct TemporalGiven {
	int64_t owed;                     /* copies that were taken back before they came */
	uint32_t next;                    /* number of the next gift: its key in `lefts` is the row's number, then this */
	uint32_t gifts;
} TemporalGiven;

/* One portion of equal copies: how many, and in a blob what each was given: (weight, bytes, packed right row)... */
typedef struct Gift { int64_t weight; int64_t judge; StateHandle rights; uint32_t reserved; } Gift;

void temporal_now_open(Temporal *temporal)
{
	_Static_assert(sizeof(Gift) <= sizeof(TemporalLeft), "gifts lie in the tree of left rows");
	temporal->given = state_map_open(temporal->op.state, sizeof(TemporalGiven));
}

/* ---- right ---- */

void temporal_now_push_right(Temporal *temporal, const TemporalRows *rows)
{
	for (int i = 0; i < rows->count; i++) {
		bool added;
		if (rows->no_key[i]) continue;
		uint32_t key = temporal_key(temporal, rows, i);
		temporal_place(temporal, key, NULL, 0);
		strbuf_add(&temporal->place, rows->rows.at[i], rows->rows.bytes[i]);
		TemporalRight *right = state_tree_upsert(temporal->rights, temporal->place.text, (uint32_t)temporal->place.bytes, &added);
		right->weight += temporal_weight(rows, i);
		bool gone = right->weight == 0;
		if (gone) state_tree_remove(temporal->rights, temporal->place.text, (uint32_t)temporal->place.bytes);
		temporal_key_count(temporal, key, (int)added - (int)gone);
	}
}

/* ---- left ---- */

/* What a batch meets: pairs of row i are those from first[i] to first[i + 1] */
typedef struct Meeting { VEC(TemporalPair) pairs; VEC(int64_t) weights; int *first; } Meeting;

static void meet_row(Temporal *temporal, const TemporalRows *rows, int i, Meeting *meeting)
{
	uint32_t number, bytes;
	StateCursor cursor;
	if (temporal_weight(rows, i) < 0 || rows->no_key[i] || !temporal_key_find(temporal, rows, i, &number)) return;
	TemporalBytes key = temporal_place(temporal, number, NULL, 0);
	for (state_tree_seek(temporal->rights, &cursor, key.at, key.bytes); cursor.valid; state_cursor_next(&cursor)) {
		const char *at = state_cursor_key(&cursor, &bytes);
		int64_t weight = ((const TemporalRight *)state_cursor_payload(&cursor))->weight;
		if (!temporal_starts_with(at, bytes, key)) return;
		if (weight <= 0) continue;
		vec_push_in(&temporal->op.scratch, &meeting->pairs, (TemporalPair){.left = rows->rows.at[i], .right = at + key.bytes});
		vec_push_in(&temporal->op.scratch, &meeting->weights, weight);
	}
}

static Meeting meet(Temporal *temporal, const TemporalRows *rows)
{
	Meeting meeting = {.first = arena_array(&temporal->op.scratch, int, rows->count + 1)};
	for (int i = 0; i < rows->count; i++) {
		meet_row(temporal, rows, i, &meeting);
		meeting.first[i + 1] = meeting.pairs.count;
	}
	temporal_test(temporal, meeting.pairs.at, meeting.pairs.count);
	return meeting;
}

static size_t packed_bytes(const Temporal *temporal, const char *packed)
{
	int count = temporal->right.in.column_count;
	Value values[AGGREGATE_VALUES_MAX], *all = count > AGGREGATE_VALUES_MAX ? mem_alloc(sizeof *all * (size_t)count) : values;
	size_t bytes = row_unpack(packed, temporal->op.types + temporal->left.in.column_count, count, all);
	if (all != values) free(all);
	return bytes;
}

/* Emits what the row met; where `gift` is given, notes it there. */
static void give(Temporal *temporal, Emitter *emitter, const TemporalRows *rows, int i, int64_t weight, const Meeting *meeting, StrBuf *gift)
{
	bool met = false;
	for (int p = meeting->first[i]; p < meeting->first[i + 1]; p++) {
		const TemporalPair *pair = &meeting->pairs.at[p];
		if (!pair->met) continue;
		met = true;
		int64_t copies = meeting->weights.at[p];
		temporal_emit(temporal, emitter, pair->left, pair->right, weight * copies, temporal_judge(rows, i));
		if (!gift) continue;
		uint32_t bytes = (uint32_t)packed_bytes(temporal, pair->right);
		strbuf_add(gift, &copies, sizeof copies);
		strbuf_add(gift, &bytes, sizeof bytes);
		strbuf_add(gift, pair->right, bytes);
	}
	if (!met && temporal->left_outer) temporal_emit(temporal, emitter, rows->rows.at[i], NULL, weight, temporal_judge(rows, i));
}

static void gift_key(char out[8], uint32_t row, uint32_t gift)
{
	row = htobe32(row);
	gift = htobe32(gift);
	memcpy(out, &row, 4);
	memcpy(out + 4, &gift, 4);
}

/* ---- left rows that can go ---- */

static void remember(Temporal *temporal, TemporalGiven *given, int64_t weight, int64_t judge, const StrBuf *rights)
{
	char key[8];
	bool added;
	gift_key(key, state_map_number(temporal->given, given), given->next++);
	Gift *gift = state_tree_upsert(temporal->lefts, key, sizeof key, &added);
	*gift = (Gift){.weight = weight, .judge = judge};
	gift->rights = rights->bytes ? state_blob_new(temporal->op.state, rights->text, (uint32_t)rights->bytes) : 0;
	given->gifts++;
}

static void take_gift(Temporal *temporal, Emitter *emitter, const char *left, const Gift *gift, int64_t weight, int64_t judge)
{
	uint32_t count = 0, bytes;
	int64_t copies;
	const char *at = gift->rights ? state_blob_at(temporal->op.state, gift->rights, &count) : NULL;
	if (!at && temporal->left_outer) temporal_emit(temporal, emitter, left, NULL, -weight, judge);
	for (const char *end = at + count; at < end; at += bytes) {
		memcpy(&copies, at, sizeof copies);
		memcpy(&bytes, at + sizeof copies, sizeof bytes);
		at += sizeof copies + sizeof bytes;
		temporal_emit(temporal, emitter, left, at, -weight * copies, judge);
	}
}

static void take_back(Temporal *temporal, Emitter *emitter, TemporalGiven *given, const char *left, int64_t weight, int64_t judge)
{
	char key[8];
	for (; weight > 0 && given->gifts; ) {
		gift_key(key, state_map_number(temporal->given, given), given->next - 1);
		StateCursor cursor;
		state_tree_seek(temporal->lefts, &cursor, key, sizeof key);
		Gift *gift = state_cursor_change(&cursor);
		int64_t taken = gift->weight < weight ? gift->weight : weight;
		take_gift(temporal, emitter, left, gift, taken, watermark_later(judge, gift->judge));
		weight -= taken;
		gift->weight -= taken;
		if (gift->weight) continue;
		if (gift->rights) state_blob_free(temporal->op.state, gift->rights);
		state_cursor_remove(&cursor);
		given->gifts--;
		given->next--;
	}
	given->owed += weight;
}

static void change_left(Temporal *temporal, Emitter *emitter, const TemporalRows *rows, int i, const Meeting *meeting, StrBuf *gift)
{
	bool added;
	int64_t weight = temporal_weight(rows, i);
	TemporalGiven *given = state_map_upsert(temporal->given, rows->rows.at[i], rows->rows.bytes[i], rows->rows.hashes[i], &added);
	if (weight < 0) take_back(temporal, emitter, given, rows->rows.at[i], -weight, temporal_judge(rows, i));
	int64_t settled = weight > 0 && given->owed ? (given->owed < weight ? given->owed : weight) : 0;
	given->owed -= settled;
	if (weight > settled) {
		strbuf_clear(gift);
		give(temporal, emitter, rows, i, weight - settled, meeting, gift);
		remember(temporal, given, weight - settled, temporal_judge(rows, i), gift);
	}
	if (!given->gifts && !given->owed) state_map_remove(temporal->given, given);
}

bool temporal_now_push_left(Temporal *temporal, const TemporalRows *rows, Error *err)
{
	Emitter emitter;
	StrBuf gift = STRBUF_INIT;
	emitter_init(&emitter, &temporal->op, temporal->has_judge, err);
	Meeting meeting = meet(temporal, rows);
	for (int i = 0; i < rows->count; i++) {
		if (temporal->left.in.append_only) give(temporal, &emitter, rows, i, temporal_weight(rows, i), &meeting, NULL);
		else change_left(temporal, &emitter, rows, i, &meeting, &gift);
	}
	strbuf_release(&gift);
	return emitter_finish(&emitter);
}
