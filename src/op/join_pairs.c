/* What a batch meets: pairs with the rows of the other side, tested by the rest of the condition many at a time.
 *
 * A row of the batch changes how often rows of the other side are met, and they how often it is; rows of its own side it leaves alone. So
 * all pairs of the batch are made against the other side as it is, then the rows are added to their own.
 */
#include "op/join.h"

#include <assert.h>

typedef struct Pairs {
	Join *join;
	int side;
	Batch *dense;
	PackedRows packed;                    /* rows of the batch, what of them is remembered; where nobody asks, nothing */
	const Column *time_columns;           /* interval joins: JoinSide.time */
	int64_t *times, *ends;                /* interval and window joins */
	JoinKey **keys;                       /* of each row; NULL: nothing is known of it, it can meet nothing, or is late */
	JoinKey **made;                       /* the same, late ones included; of sides that are remembered or counted */
	void **in_index;                      /* of each row, its key in the other side's index, NULL: it has none; NULL: the other side is no index's */
	PackedRows key_bytes;
	int64_t *matches;                     /* copies that each row has met */
	Emitter alone;                        /* outer, semi and anti rows */
	uint32_t rows[BATCH_ROWS_MAX];        /* a portion of pairs: number in the batch, partner */
	JoinRow *partners[BATCH_ROWS_MAX];
	int count;
	const int64_t *own_judges;        /* as the batch brought them; those of `dense` are the lowest of both sides */
	const uint8_t *no_window;         /* window joins: rows whose closing key is NULL; NULL: none */
	bool *lonely;                     /* meets nothing for a NULL in its key, but is kept until its window closes */
	int64_t other_judge;              /* of the other side, WATERMARK_END: the same streams */
	Error *err;
} Pairs;

static int64_t weight_of(const Batch *dense, int i) { return dense->weights ? dense->weights[i] : 1; }
static int64_t judge_of(const Batch *dense, int i) { return dense->hidden.judge ? dense->hidden.judge[i] : WATERMARK_NONE; }

/* Where the rows hang that the row may meet; NULL: nowhere */
static const void *their_key(const Pairs *pairs, int i) { return pairs->in_index ? pairs->in_index[i] : pairs->keys[i]; }

/* ---- which pairs may meet ---- */

/* A row of a pair. last: after this instant of the other side's time it meets nothing */
typedef struct Timed { int64_t time, last, judge; } Timed;

/* Of two rows the one that carries the higher watermark counts as the later: they meet only if that has not passed the last time at which the
 * other can match. */
static bool judged_to_meet(const Join *join, const Timed *l, const Timed *r)
{
	const JoinSide *left = &join->sides[LEFT], *right = &join->sides[RIGHT];
	if (left->watermark < 0 || right->watermark < 0) return true;
	bool for_left = !watermark_passed(&left->column, watermark_judge(&left->column, l->judge), r->last);
	bool for_right = !watermark_passed(&right->column, watermark_judge(&right->column, r->judge), l->last);
	return l->judge > r->judge ? for_left : l->judge < r->judge ? for_right : for_left || for_right;
}

static bool may_meet(const Pairs *pairs, int i, const JoinRow *partner)
{
	const Join *join = pairs->join;
	if (!join->interval) return true;
	int side = pairs->side;
	const JoinRows *others = join->sides[other(side)].rows;
	Timed own = {pairs->times[i], join_last_partner(join, side, pairs->ends[i]), judge_of(pairs->dense, i)};
	Timed theirs = {join_row_time(others, partner), join_last_partner(join, other(side), join_row_end(others, partner)), join_row_judge(others, partner)};
	if (own.time > theirs.last || theirs.time > own.last) return false;
	return !join->has_judge || judged_to_meet(join, side == LEFT ? &own : &theirs, side == LEFT ? &theirs : &own);
}

/* ---- portions of pairs ---- */

static int64_t weight_of_pair(const Pairs *pairs, int p)
{
	return weight_of(pairs->dense, (int)pairs->rows[p]) * join_row_weight(pairs->join->sides[other(pairs->side)].rows, pairs->partners[p]);
}

static void weigh_pairs(const Pairs *pairs, Batch *batch)
{
	const Join *join = pairs->join;
	int64_t *weights = arena_alloc(&batch->arena, sizeof *weights * (size_t)pairs->count), unlike = 0;
	for (int p = 0; p < pairs->count; p++) {
		weights[p] = weight_of_pair(pairs, p);
		unlike |= weights[p] ^ 1;
	}
	batch->weights = unlike ? weights : NULL;
	batch->hidden = (Hidden){0};
	if (!join->has_judge) return;
	batch->hidden.judge = arena_alloc(&batch->arena, sizeof *batch->hidden.judge * (size_t)pairs->count);
	for (int p = 0; p < pairs->count; p++)
		batch->hidden.judge[p] = watermark_later(judge_of(pairs->dense, (int)pairs->rows[p]), join_row_judge(join->sides[other(pairs->side)].rows, pairs->partners[p]));
}

/* Columns of one side of a batch of pairs: of the batch's own rows those that are read are gathered. */
static void make_columns(const Pairs *pairs, Batch *batch, int side)
{
	const JoinSide *own = &pairs->join->sides[side];
	JoinReader reader = join_reader(pairs->join, side);
	join_rows_make_columns(&reader, batch, side == pairs->side ? 0 : pairs->count);
	for (int k = 0; side == pairs->side && k < own->column_count; k++)
		batch->columns[reader.first_column + own->columns[k]] = column_gather(&batch->arena, &pairs->dense->columns[own->columns[k]], pairs->rows, pairs->count);
}

/* A batch of pairs: the batch's rows gathered on their side, the partners' unpacked on the other. */
static Batch *make_pairs(Pairs *pairs)
{
	Join *join = pairs->join;
	JoinReader from = join_reader(join, other(pairs->side));
	Batch *batch = batch_derive(pairs->dense, join->sides[LEFT].in.column_count + join->sides[RIGHT].in.column_count);
	batch->rows = batch->count = batch->room = pairs->count;
	make_columns(pairs, batch, LEFT);
	make_columns(pairs, batch, RIGHT);
	weigh_pairs(pairs, batch);
	for (int p = 0; p < pairs->count; p++) {
		if (p + JOIN_AHEAD < pairs->count) join_row_prefetch(pairs->partners[p + JOIN_AHEAD]);
		join_rows_unpack(&from, join_row_packed(from.rows, pairs->partners[p]), batch, p);
	}
	return batch;
}

/* A partner is met by so many copies more (or less): what it gives alone changes. */
static void partner_met(Pairs *pairs, JoinRow *partner, int64_t copies, int64_t judge)
{
	Join *join = pairs->join;
	int side = other(pairs->side);
	JoinRows *others = &join->sides[side].owned;
	int64_t weight = join_row_weight(others, partner), matches = join_row_matches(others, partner) + copies;
	int64_t before = join_alone(join, side, weight, matches - copies), after = join_alone(join, side, weight, matches);
	join_rows_changed(others, partner);
	*join_field_64(partner, others->at.matches) = matches;
	if (join->emit_on_close && join->kind != JOIN_SEMI) return;
	JoinReader reader = join_reader(join, side);
	join_emit_alone(join, &pairs->alone, side, &reader, join_row_packed(others, partner), after - before, watermark_later(judge, join_row_judge(others, partner)));
}

static bool flush_pairs(Pairs *pairs)
{
	Join *join = pairs->join;
	if (pairs->count == 0) return true;
	if (op_is_interrupted(&join->op, pairs->err)) return false;
	const JoinRows *others = join->sides[other(pairs->side)].rows;
	bool wants_batch = join->residual || join_gives_pairs(join), ok = true;
	Batch *batch = wants_batch ? make_pairs(pairs) : NULL;
	uint32_t *met = NULL;
	int met_count = pairs->count;
	if (join->residual) {                 /* into the portion's memory: a batch may make thousands of portions */
		met = arena_alloc(&batch->arena, sizeof *met * (size_t)pairs->count);
		met_count = expr_select(join->residual, batch, &batch->arena, met);
	}
	for (int m = 0; m < met_count; m++) {
		int p = join->residual ? (int)met[m] : m, i = (int)pairs->rows[p];
		pairs->matches[i] += join_row_weight(others, pairs->partners[p]);
		if (others->at.matches) partner_met(pairs, pairs->partners[p], weight_of(pairs->dense, i), judge_of(pairs->dense, i));
	}
	if (join_gives_pairs(join) && met_count) {
		Batch *out = join->residual ? batch_select(batch, met, met_count) : batch_ref(batch);
		if (join->residual && out != batch) {
			out->rows = batch->rows;
			out->weights = batch->weights;
			out->hidden = batch->hidden;
			out->system_us = batch->system_us;
		}
		ok = op_emit(&join->op, out, pairs->err);
	}
	if (batch) batch_unref(batch);
	pairs->count = 0;
	return ok;
}

static bool add_pair(Pairs *pairs, int i, JoinRow *partner)
{
	pairs->rows[pairs->count] = (uint32_t)i;
	pairs->partners[pairs->count++] = partner;
	return pairs->count < BATCH_ROWS_MAX || flush_pairs(pairs);
}

static bool meet_others(Pairs *pairs, int i)
{
	const JoinRows *others = pairs->join->sides[other(pairs->side)].rows;
	for (JoinRow *partner = join_rows_first(others, their_key(pairs, i)); partner; ) {
		JoinRow *next = join_row_at(others, partner->next);
		if (may_meet(pairs, i, partner) && !add_pair(pairs, i, partner)) return false;
		partner = next;
	}
	return true;
}

/* Without a condition besides keys, all rows of a key are met or none: only where their number passes zero something changes for the others. */
static void count_by_key(Pairs *pairs, int i)
{
	Join *join = pairs->join;
	JoinKey *key = pairs->keys[i];
	int side = pairs->side;
	int64_t before = key->weight[side], after = before + weight_of(pairs->dense, i);
	state_map_changed(join->keys, key);
	key->weight[side] = after;
	if ((before > 0) == (after > 0) || !their_key(pairs, i)) return;
	const JoinRows *others = join->sides[other(side)].rows;
	JoinReader reader = join_reader(join, other(side));
	for (JoinRow *row = join_rows_first(others, their_key(pairs, i)); row; row = join_row_at(others, row->next)) {
		int64_t weight = join_row_weight(others, row), judge = watermark_later(join_row_judge(others, row), judge_of(pairs->dense, i));
		int64_t change = join_alone(join, other(side), weight, after) - join_alone(join, other(side), weight, before);
		join_emit_alone(join, &pairs->alone, other(side), &reader, join_row_packed(others, row), change, judge);
	}
}

/* ---- the batch's rows on their own side ---- */

/* Nothing that still may come can meet the row. */
static bool is_past(const Pairs *pairs, int i)
{
	const Join *join = pairs->join;
	if (!join->sides[pairs->side].expiry) return false;
	return join_has_passed(join, pairs->side, join_row_goes(join, pairs->side, pairs->ends[i], judge_of(pairs->dense, i)));
}

static void remember(Pairs *pairs, int i)
{
	Join *join = pairs->join;
	JoinNewRow row = {.packed = pairs->packed.at[i], .bytes = pairs->packed.bytes[i], .hash = pairs->packed.hashes ? pairs->packed.hashes[i] : 0,
		.matches = pairs->matches[i], .judge = judge_of(pairs->dense, i), .time = pairs->times ? pairs->times[i] : 0, .end = pairs->ends ? pairs->ends[i] : 0};
	int64_t weight = weight_of(pairs->dense, i), most = join->sides[pairs->side].owned.blobs ? JOIN_BLOB_COPIES_MAX : INT64_MAX;
	assert(weight >= 0 || most == INT64_MAX);
	for (; weight; weight -= row.weight) {
		row.weight = weight > most ? most : weight;
		join_row_add(join, pairs->side, pairs->keys[i], &row);
	}
}

static void alone_row(Pairs *pairs, int i, int64_t matches)
{
	int64_t judge = judge_of(pairs->dense, i);
	int64_t copies = join_alone(pairs->join, pairs->side, weight_of(pairs->dense, i), matches);
	JoinReader reader = join_reader_of_batch(pairs->join, pairs->side);
	join_emit_alone(pairs->join, &pairs->alone, pairs->side, &reader, pairs->packed.at[i], copies, judge);
}

static void settle_row(Pairs *pairs, int i)
{
	Join *join = pairs->join;
	const JoinSide *own = &join->sides[pairs->side];
	bool past = is_past(pairs, i), later = join->emit_on_close && join->kind != JOIN_SEMI && own->expiry && !past;
	if (!later) alone_row(pairs, i, pairs->matches[i]);
	if (join_remembers(own) && !past) remember(pairs, i);
}

/* Before rows of the own side are added or taken back: so many at a time from this one on. */
static void fetch_rows(const Pairs *pairs, int first)
{
	const JoinSide *own = &pairs->join->sides[pairs->side];
	uint64_t hashes[JOIN_FETCH_MAX];
	int count = 0;
	if (own->owned.blobs || !join_remembers(own)) return;
	for (int i = first; i < pairs->dense->count && i < first + JOIN_FETCH_MAX; i++)
		if (pairs->keys[i]) hashes[count++] = pairs->packed.hashes[i];
	join_rows_fetch(&own->owned, hashes, count);
}

/* ---- a batch ---- */

static void find_times(Pairs *pairs, const Column *keys)
{
	Join *join = pairs->join;
	JoinSide *own = &join->sides[pairs->side];
	if (join->interval) {
		pairs->time_columns = exprs_eval(&own->time, pairs->dense, &join->op.scratch);
		pairs->times = pairs->time_columns[0].i64;
		pairs->ends = pairs->time_columns[own->has_end].i64;
	}
	else if (join->window) {
		pairs->times = pairs->ends = keys[join->close_key].i64;
		pairs->no_window = keys[join->close_key].null;
	}
}

static bool has_no_time(const Pairs *pairs, int i)
{
	const Column *columns = pairs->time_columns;
	return columns && (column_is_null(&columns[0], i) || (pairs->join->sides[pairs->side].has_end && column_is_null(&columns[1], i)));
}

/* With EMIT ON WINDOW CLOSE the outer row of what meets nothing comes with its window, too. */
static bool waits_for_window(const Pairs *pairs, int i)
{
	const Join *join = pairs->join;
	return join->window && join->emit_on_close && join->sides[pairs->side].preserved && !(pairs->no_window && pairs->no_window[i]);
}

/* Keys that nothing was remembered of go again. Rows of one key share the pointer, so each is found anew before it is removed. */
static void drop_empty_keys(Pairs *pairs)
{
	Join *join = pairs->join;
	bool any = false;
	for (int i = 0; i < pairs->dense->count; i++) any |= pairs->made[i] && join_key_is_empty(join, pairs->made[i]);
	for (int i = 0; any && i < pairs->dense->count; i++) {
		JoinKey *key = pairs->made[i] ? state_map_find(join->keys, pairs->key_bytes.at[i], pairs->key_bytes.bytes[i], pairs->key_bytes.hashes[i]) : NULL;
		if (key && join_key_is_empty(join, key)) state_map_remove(join->keys, key);
	}
}

/* Rows of the batch that are looked up: not those that can meet nothing, for a NULL in the key or no time, unless they wait for their window. */
static int choose_wanted(Pairs *pairs, const Column *keys, PackedRows *wanted, uint32_t *rows)
{
	Join *join = pairs->join;
	Arena *scratch = &join->op.scratch;
	int count = pairs->dense->count, wanted_count = 0;
	PackedRows packed = pairs->key_bytes = rows_pack(keys, join->sides[LEFT].keys.count, count, scratch);
	*wanted = (PackedRows){arena_array(scratch, const char *, count + 1), arena_array(scratch, uint32_t, count + 1), arena_array(scratch, uint64_t, count + 1)};
	pairs->lonely = arena_array(scratch, bool, count + 1);
	for (int i = 0; i < count; i++) {
		pairs->lonely[i] = join_key_is_null(keys, join->sides[LEFT].keys.count, join->null_equal, i);
		if ((pairs->lonely[i] && !waits_for_window(pairs, i)) || has_no_time(pairs, i)) continue;
		wanted->at[wanted_count] = packed.at[i];
		wanted->bytes[wanted_count] = packed.bytes[i];
		wanted->hashes[wanted_count] = packed.hashes[i];
		rows[wanted_count++] = (uint32_t)i;
	}
	return wanted_count;
}

/* One probe finds the rows of both sides, unless the other's are an index's. Keys are made where this side leaves something with them. */
static void find_keys(Pairs *pairs, const Column *keys)
{
	Join *join = pairs->join;
	Arena *scratch = &join->op.scratch;
	const JoinSide *own = &join->sides[pairs->side], *others = &join->sides[other(pairs->side)];
	int count = pairs->dense->count;
	PackedRows wanted;
	uint32_t *rows = arena_array(scratch, uint32_t, count + 1);
	void **found = arena_array(scratch, void *, count + 1);
	int wanted_count = choose_wanted(pairs, keys, &wanted, rows);
	bool makes = join_remembers(own) || own->counted, looks = makes || others->counted || !others->index;
	pairs->keys = arena_array(scratch, JoinKey *, count + 1);
	pairs->made = arena_array(scratch, JoinKey *, count + 1);
	if (makes) state_map_reach_many(join->keys, wanted.at, wanted.bytes, wanted.hashes, wanted_count, found, NULL);
	else if (looks) state_map_find_many(join->keys, wanted.at, wanted.bytes, wanted.hashes, wanted_count, found);
	for (int w = 0; looks && w < wanted_count; w++) pairs->keys[rows[w]] = found[w];
	for (int w = 0; makes && w < wanted_count; w++) pairs->made[rows[w]] = found[w];
	if (others->index) {
		pairs->in_index = arena_array(scratch, void *, count + 1);
		state_map_find_many(others->rows->keys, wanted.at, wanted.bytes, wanted.hashes, wanted_count, found);
		for (int w = 0; w < wanted_count; w++) pairs->in_index[rows[w]] = found[w];
	}
	for (int w = 0; w < wanted_count; w++) {
		const void *key = their_key(pairs, (int)rows[w]);
		if (key) __builtin_prefetch(join_rows_first(others->rows, key), 1);
		if (join_remembers(own)) __builtin_prefetch(join_rows_first(own->rows, pairs->keys[rows[w]]), 1);
	}
}

/* Of a window: when both sides have passed it. What judges the row on its own side is no less than the batch's judge says. */
static bool is_late(Pairs *pairs, const Batch *in, int i)
{
	Join *join = pairs->join;
	const JoinSide *own = &join->sides[pairs->side];
	if (!join->window || own->watermark < 0 || (pairs->no_window && pairs->no_window[i])) return false;
	const JoinSide *ends = &join->sides[other(pairs->side)];
	int64_t judge = watermark_judge(&own->column, pairs->own_judges ? pairs->own_judges[i] : WATERMARK_NONE);
	if (!watermark_passed(&own->column, watermark_later(judge, join->op.in_watermarks[pairs->side][own->watermark]), pairs->times[i])) return false;
	if (ends->watermark >= 0) {
		int64_t theirs = watermark_judge(&ends->column, pairs->other_judge);
		if (!watermark_passed(&ends->column, watermark_later(theirs, join->op.in_watermarks[other(pairs->side)][ends->watermark]), pairs->times[i])) return false;
	}
	join->op.late_input = pairs->side;
	op_late(&join->op, in, i);
	return true;
}

/* What the batch's rows give without a partner, and what is left of them for rows to come. */
static void settle_rows(Pairs *pairs, const bool *late)
{
	Join *join = pairs->join;
	const JoinSide *own = &join->sides[pairs->side];
	bool counted = join->sides[other(pairs->side)].counted;
	for (int i = 0; join_remembers(own) && i < pairs->dense->count; i++)
		if (pairs->keys[i]) join_rows_name(&own->owned, pairs->keys[i], &pairs->packed, i, &join->op.scratch);
	for (int i = 0; i < pairs->dense->count; i++) {
		if (i % JOIN_FETCH_MAX == 0) fetch_rows(pairs, i);
		if (late[i]) continue;
		const JoinKey *key = pairs->keys[i];
		if (counted) pairs->matches[i] = key ? key->weight[other(pairs->side)] : 0;
		if (key) settle_row(pairs, i);
		else alone_row(pairs, i, 0);
	}
}

static bool push_rows(Pairs *pairs, const Batch *in)
{
	Join *join = pairs->join;
	const JoinSide *own = &join->sides[pairs->side];
	int count = pairs->dense->count;
	bool *late = arena_array(&join->op.scratch, bool, count + 1), meets = join->by_row || join_gives_pairs(join);
	for (int i = 0; i < count; i++) {
		if ((late[i] = is_late(pairs, in, i))) pairs->keys[i] = NULL;
		if (late[i] || pairs->lonely[i]) continue;
		if (own->counted && pairs->keys[i]) count_by_key(pairs, i);
		if (meets && their_key(pairs, i) && !meet_others(pairs, i)) return false;
	}
	if (!flush_pairs(pairs)) return false;
	if (own->preserved || join_remembers(own)) settle_rows(pairs, late);
	drop_empty_keys(pairs);
	return true;
}

/* What the sides' indexes keep now */
static bool update_indexes(Join *join, Error *err)
{
	for (int s = LEFT; s <= RIGHT; s++) {
		JoinSide *own = &join->sides[s];
		if (!own->index) continue;
		if (!index_reader_update(&own->borrowed, err)) return false;
		own->rows = own->borrowed.rows;
		own->places = own->borrowed.places;
	}
	return true;
}

bool join_push(Op *op, int side, Batch *in, Error *err)
{
	Join *join = (Join *)op;
	if (!update_indexes(join, err)) return false;
	Pairs *pairs = arena_new(&op->scratch, Pairs);
	Batch *own = index_reader_batch(&join->sides[side].borrowed, in, join->sides[side].in.column_count);
	bool closes = join->interval || join->window;
	*pairs = (Pairs){.join = join, .side = side, .dense = closes ? op_judged(op, side, own) : batch_ref(own), .own_judges = own->hidden.judge, .err = err};
	pairs->other_judge = closes ? op_other_judge(op, side) : WATERMARK_NONE;
	Column *keys = exprs_eval(&join->sides[side].keys, pairs->dense, &op->scratch);
	const JoinSide *pushed = &join->sides[side];
	if (pushed->preserved || join_remembers(pushed)) pairs->packed = join_rows_pack(&pushed->owned, pairs->dense, &op->scratch);
	join_rows_begin(join, side);
	pairs->matches = arena_array(&op->scratch, int64_t, pairs->dense->count + 1);
	find_times(pairs, keys);
	find_keys(pairs, keys);
	emitter_init(&pairs->alone, op, join->has_judge, err);
	bool ok = push_rows(pairs, in);
	ok = emitter_finish(&pairs->alone) && ok;
	batch_unref(pairs->dense);
	batch_unref(own);
	return ok;
}
