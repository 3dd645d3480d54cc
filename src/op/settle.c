/* Settle: rows of an append-only input wait, in order of their event time, until the watermark has passed it. Rows whose time it has passed
 * already when they come go out at the next commit. NULL is no time: such rows wait until the stream is closed.
 *
 * State: a tree keyed (time, number of the row) with the row in a blob. */
#include "op/specs.h"

#include <endian.h>

typedef struct Settle {
	Op op;
	StateTree *rows;
	int column, input_watermark;
	bool inclusive, has_judge, has_arrival;
} Settle;

typedef struct Held { StateHandle row; uint32_t reserved; int64_t weight, judge; uint64_t arrival[2]; } Held;

enum { REGISTER_SEQUENCE = 0 };

static const SortSpec BY_TIME = {.nulls_last = true};

static bool settle_push(Op *op, int input, Batch *in, Error *err)
{
	(void)input; (void)err;
	Settle *settle = (Settle *)op;
	int64_t *sequence = state_register(op->state, REGISTER_SEQUENCE);
	StrBuf row = STRBUF_INIT, key = STRBUF_INIT;
	for (int i = 0; i < in->count; i++) {
		int physical = batch_row(in, i);
		strbuf_clear(&row);
		strbuf_clear(&key);
		row_pack(&row, in->columns, in->column_count, physical);
		sort_key_add_column(&key, &in->columns[settle->column], physical, BY_TIME);
		uint64_t number = htobe64((uint64_t)(*sequence)++);
		strbuf_add(&key, &number, sizeof number);
		Held *held = state_tree_upsert(settle->rows, key.text, (uint32_t)key.bytes, NULL);
		*held = (Held){.row = state_blob_new(op->state, row.text, (uint32_t)row.bytes), .weight = batch_weight(in, i), .judge = batch_judge(in, i)};
		if (in->hidden.arrival) memcpy(held->arrival, &in->hidden.arrival[physical], sizeof held->arrival);
	}
	strbuf_release(&row);
	strbuf_release(&key);
	return true;
}

static bool is_settled(const Settle *settle, const StateCursor *cursor, int64_t watermark, Arena *scratch)
{
	uint32_t bytes;
	Value time;
	sort_key_read(state_cursor_key(cursor, &bytes), settle->op.types[settle->column], BY_TIME, &time, scratch);
	if (watermark == WATERMARK_END) return true;
	if (time.is_null || watermark == WATERMARK_NONE) return false;
	return settle->inclusive ? time.i64 <= watermark : time.i64 < watermark;
}

static void settle_take(Settle *settle, StateCursor *cursor, BatchBuilder *builder, Value *values)
{
	Op *op = &settle->op;
	Held held;
	memcpy(&held, state_cursor_payload(cursor), sizeof held);
	int row = batch_builder_row(builder, held.weight);
	row_unpack(state_blob_at(op->state, held.row, NULL), op->types, op->column_count, values);
	for (int c = 0; c < op->column_count; c++) batch_builder_set(builder, row, c, &values[c]);
	batch_builder_judge(builder, row, held.judge);
	Int128 arrival;
	memcpy(&arrival, held.arrival, sizeof arrival);
	batch_builder_arrival(builder, row, arrival);
	state_blob_free(op->state, held.row);
	state_cursor_remove(cursor);
}

static bool settle_commit(Op *op, const CommitInfo *commit, Error *err)
{
	Settle *settle = (Settle *)op;
	int64_t watermark = op->in_watermarks[0][settle->input_watermark];
	Value *values = arena_array(&op->scratch, Value, op->column_count);
	StateCursor cursor;
	state_tree_first(settle->rows, &cursor);
	for (bool more = true; more;) {
		BatchBuilder builder;
		batch_builder_init(&builder, op->types, op->column_count, BATCH_ROWS_MAX / 4);
		builder.want_judge = settle->has_judge;
		builder.want_arrival = settle->has_arrival;
		while (!batch_builder_full(&builder) && (more = cursor.valid && is_settled(settle, &cursor, watermark, &op->scratch)))
			settle_take(settle, &cursor, &builder, values);
		Batch *batch = batch_builder_take(&builder);
		if (batch) batch->system_us = commit->system_us;
		if (!op_emit(op, batch, err)) return false;
	}
	return true;
}

static const OpClass SETTLE = {.name = "settle", .push = settle_push, .commit = settle_commit};

Op *op_settle_new(const SettleSpec *spec)
{
	const OpInput *in = &spec->in;
	Settle *settle = op_new(&SETTLE, sizeof *settle, "settle", in->types, in->column_count, 1);
	op_input_init(&settle->op, 0, in->watermarks, in->watermark_count);
	settle->op.append_only = true;
	settle->op.state = state_new("settle");
	state_forgets(settle->op.state);
	settle->rows = state_tree_open(settle->op.state, sizeof(Held));
	settle->column = spec->column;
	settle->input_watermark = spec->input_watermark;
	settle->inclusive = in->watermarks[spec->input_watermark].inclusive;
	settle->has_judge = in->has_judge;
	settle->has_arrival = in->has_arrival;
	return &settle->op;
}
