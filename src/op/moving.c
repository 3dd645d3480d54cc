/* Moving: conditions on now(). A row is in from one instant to another; both follow from its values, so what is to be done with a row that
 * comes or is taken back follows from the commit's clock, and only rows that will yet change are kept, by the instant of the change.
 *
 * Key of the tree: instant (8 bytes), 0 where the row leaves then and 1 where it enters, arrival where rows have one, packed row. */
#include <endian.h>

#include "op/emitter.h"
#include "op/exprs.h"
#include "op/select.h"

enum { NEVER_US = INT64_MAX, ALWAYS_US = INT64_MIN, PHASE_LEAVE = 0, PHASE_ENTER = 1, KEY_PHASE_AT = 8 };

typedef struct MovingRow {
	int64_t weight;
	int64_t leave_at;
	int64_t judge;
	uint64_t arrival[2];
} MovingRow;

typedef struct Moving {
	Op op;
	Exprs exprs;                      /* enter, then leave, as far as there are */
	bool has_enter, has_leave;
	bool enter_inclusive, leave_inclusive;
	bool has_judge, has_arrival;
	StateTree *rows;
	StrBuf key;
} Moving;

/* ---- keys ---- */

static void moving_key(Moving *moving, int64_t at, char phase, Int128 arrival)
{
	uint64_t instant = htobe64((uint64_t)at ^ 1ull << 63);
	strbuf_clear(&moving->key);
	strbuf_add(&moving->key, &instant, 8);
	strbuf_addc(&moving->key, phase);
	if (!moving->has_arrival) return;
	uint64_t words[2] = {htobe64((uint64_t)((unsigned __int128)arrival >> 64)), htobe64((uint64_t)arrival)};
	strbuf_add(&moving->key, words, sizeof words);
}

static size_t row_offset(const Moving *moving) { return KEY_PHASE_AT + 1 + (moving->has_arrival ? 16 : 0); }

static int64_t key_instant(const char *key)
{
	uint64_t instant;
	memcpy(&instant, key, 8);
	return (int64_t)(be64toh(instant) ^ 1ull << 63);
}

static Int128 row_arrival(const MovingRow *row) { return (Int128)((unsigned __int128)row->arrival[1] << 64 | row->arrival[0]); }

/* Adds to the row under moving->key; removes it where nothing is left. */
static void moving_change(Moving *moving, const MovingRow *change)
{
	bool added;
	MovingRow *row = state_tree_upsert(moving->rows, moving->key.text, (uint32_t)moving->key.bytes, &added);
	int64_t weight = row->weight + change->weight, judge = row->judge;
	*row = *change;
	row->weight = weight;
	if (!added && judge > row->judge) row->judge = judge;
	if (weight == 0) state_tree_remove(moving->rows, moving->key.text, (uint32_t)moving->key.bytes);
}

/* ---- time goes on ---- */

static void moving_emit(Moving *moving, const char *key, const MovingRow *row, int64_t weight, Emitter *emitter)
{
	int at = emitter_row(emitter, weight, row->judge);
	emitter_packed(emitter, at, 0, key + row_offset(moving), moving->op.column_count);
	emitter_arrival(emitter, at, row_arrival(row));
}

/* The first row of the tree is due: it leaves, or it enters and waits to leave. */
static void moving_turn(Moving *moving, StateCursor *cursor, int64_t now, Emitter *emitter)
{
	uint32_t bytes;
	const char *key = state_cursor_key(cursor, &bytes);
	MovingRow row = *(const MovingRow *)state_cursor_payload(cursor);
	char *copy = memcpy(mem_alloc(bytes), key, bytes);
	state_cursor_remove(cursor);
	if (copy[KEY_PHASE_AT] == PHASE_LEAVE) {
		moving_emit(moving, copy, &row, -row.weight, emitter);
	} else if (row.leave_at > now) {
		moving_emit(moving, copy, &row, row.weight, emitter);
		if (row.leave_at != NEVER_US) {
			moving_key(moving, row.leave_at, PHASE_LEAVE, row_arrival(&row));
			strbuf_add(&moving->key, copy + row_offset(moving), bytes - row_offset(moving));
			moving_change(moving, &row);
		}
	}
	free(copy);
}

static bool moving_advance(Moving *moving, int64_t now, Error *err)
{
	Emitter emitter;
	emitter_init(&emitter, &moving->op, moving->has_judge, err);
	emitter.builder.want_arrival = moving->has_arrival;
	for (;;) {
		StateCursor cursor;
		uint32_t bytes;
		state_tree_first(moving->rows, &cursor);
		if (!cursor.valid || key_instant(state_cursor_key(&cursor, &bytes)) > now) break;
		moving_turn(moving, &cursor, now, &emitter);
	}
	return emitter_finish(&emitter);
}

/* ---- rows that come ---- */

typedef struct Stay { int64_t from, to; } Stay;       /* in at from <= now < to */

static int64_t instant_of(const Column *column, int row, bool inclusive) { return column->i64[row] + (inclusive ? 0 : column->i64[row] < INT64_MAX); }

/* False: a comparison with NULL, which is never true. */
static bool row_stay(const Moving *moving, const Column *times, int row, Stay *stay)
{
	*stay = (Stay){ALWAYS_US, NEVER_US};
	const Column *leave = &times[moving->has_enter];
	if ((moving->has_enter && column_is_null(times, row)) || (moving->has_leave && column_is_null(leave, row))) return false;
	if (moving->has_enter) stay->from = instant_of(times, row, moving->enter_inclusive);
	if (moving->has_leave) stay->to = instant_of(leave, row, moving->leave_inclusive);
	return stay->from < stay->to;
}

static void moving_keep(Moving *moving, const Batch *dense, int row, const Stay *stay, bool is_in)
{
	Int128 arrival = moving->has_arrival ? dense->hidden.arrival[row] : 0;
	MovingRow change = {
		.weight = dense->weights ? dense->weights[row] : 1, .leave_at = stay->to,
		.judge = dense->hidden.judge ? dense->hidden.judge[row] : WATERMARK_NONE,
		.arrival = {(uint64_t)arrival, (uint64_t)((unsigned __int128)arrival >> 64)},
	};
	moving_key(moving, is_in ? stay->to : stay->from, is_in ? PHASE_LEAVE : PHASE_ENTER, arrival);
	row_pack(&moving->key, dense->columns, moving->op.column_count, row);
	moving_change(moving, &change);
}

static bool moving_push(Op *op, int input, Batch *in, Error *err)
{
	(void)input;
	Moving *moving = (Moving *)op;
	int64_t now = in->system_us;
	if (!moving_advance(moving, now, err)) return false;
	Batch *dense = batch_dense(in, NULL);
	const Column *times = exprs_eval(&moving->exprs, dense, &op->scratch);
	uint32_t *sel = arena_alloc(&op->scratch, sizeof *sel * (size_t)dense->count);
	int count = 0;
	for (int i = 0; i < dense->count; i++) {
		Stay stay;
		if (!row_stay(moving, times, i, &stay) || stay.to <= now) continue;
		bool is_in = stay.from <= now;
		if (!is_in || stay.to != NEVER_US) moving_keep(moving, dense, i, &stay, is_in);
		if (is_in) sel[count++] = (uint32_t)i;
	}
	bool fine = count == 0 || op_emit(op, batch_select(dense, sel, count), err);
	batch_unref(dense);
	return fine;
}

static bool moving_commit(Op *op, const CommitInfo *commit, Error *err) { return moving_advance((Moving *)op, commit->system_us, err); }

static int64_t moving_next_time(Op *op)
{
	StateCursor cursor;
	uint32_t bytes;
	state_tree_first(((Moving *)op)->rows, &cursor);
	return cursor.valid ? key_instant(state_cursor_key(&cursor, &bytes)) : NEVER_US;
}

static void moving_release(Op *op)
{
	Moving *moving = (Moving *)op;
	exprs_release(&moving->exprs);
	strbuf_release(&moving->key);
}

static const OpClass MOVING = {.name = "moving", .push = moving_push, .commit = moving_commit, .release = moving_release, .next_time = moving_next_time};

Op *op_moving_new(const MovingSpec *spec)
{
	const OpInput *in = &spec->in;
	Moving *moving = op_new(&MOVING, sizeof *moving, "moving", in->types, in->column_count, 1);
	Op *op = &moving->op;
	op_input_init(op, 0, in->watermarks, in->watermark_count);
	op->append_only = in->append_only && !spec->leave;
	Expr *exprs[2];
	int count = 0;
	if (spec->enter) exprs[count++] = spec->enter;
	if (spec->leave) exprs[count++] = spec->leave;
	exprs_compile(&moving->exprs, &op->arena, exprs, count, in);
	moving->has_enter = spec->enter;
	moving->has_leave = spec->leave;
	moving->enter_inclusive = spec->enter_inclusive;
	moving->leave_inclusive = spec->leave_inclusive;
	moving->has_judge = in->has_judge;
	moving->has_arrival = in->has_arrival;
	moving->key = STRBUF_INIT;
	op->state = state_new("moving");
	moving->rows = state_tree_open(op->state, sizeof(MovingRow));
	return op;
}
