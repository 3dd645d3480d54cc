/* Tap: the end of a sink or of a continuous SELECT. Batches go to the runtime's function as they are; or, where net changes are wanted, as
 * batches made of them at the commit, old rows before the new ones that came with them. */
#include "op/changes.h"

#include <stdlib.h>

typedef struct Tap {
	Op op;
	TapFunction *tap;
	void *context;
	bool net;
	ChangeLog log;
} Tap;

static bool tap_push(Op *op, int input, Batch *in, Error *err)
{
	(void)input;
	Tap *tap = (Tap *)op;
	if (tap->net) return change_log_add(&tap->log, in, &op->scratch, err);
	op->rows_out += in->count;
	return tap->tap(tap->context, in, err);
}

static bool tap_hand_over(Tap *tap, BatchBuilder *builder, int64_t system_us, Error *err)
{
	Batch *batch = batch_builder_take(builder);
	if (!batch) return true;
	batch->system_us = system_us;
	tap->op.rows_out += batch->count;
	bool fine = tap->tap(tap->context, batch, err);
	batch_unref(batch);
	return fine;
}

static bool tap_changes(Tap *tap, const Changes *changes, int64_t system_us, Error *err)
{
	const Op *op = &tap->op;
	Value *values = arena_array(&tap->op.scratch, Value, op->column_count);
	BatchBuilder builder;
	batch_builder_init(&builder, op->types, op->column_count, changes->count < BATCH_ROWS_MAX ? changes->count : BATCH_ROWS_MAX);
	bool fine = true;
	for (int i = 0; i < changes->count && fine; i++) {
		int row = batch_builder_row(&builder, changes->rows[i].weight);
		row_unpack(changes->bytes + changes->rows[i].offset, op->types, op->column_count, values);
		for (int c = 0; c < op->column_count; c++) batch_builder_set(&builder, row, c, &values[c]);
		if (batch_builder_full(&builder)) fine = tap_hand_over(tap, &builder, system_us, err);
	}
	if (fine) fine = tap_hand_over(tap, &builder, system_us, err);
	batch_builder_release(&builder);
	return fine;
}

static bool tap_commit(Op *op, const CommitInfo *commit, Error *err)
{
	Tap *tap = (Tap *)op;
	if (!tap->net || tap->log.rows.count == 0) return true;
	Changes changes;
	change_log_take(&tap->log, &changes);
	bool fine = tap_changes(tap, &changes, commit->system_us, err);
	changes_release(&changes);
	return fine;
}

static void tap_release(Op *op) { change_log_release(&((Tap *)op)->log); }

static const OpClass TAP = {.name = "tap", .push = tap_push, .commit = tap_commit, .release = tap_release};

Op *op_tap_new(const TapSpec *spec)
{
	const OpInput *in = &spec->in;
	Tap *tap = op_new(&TAP, sizeof *tap, "tap", in->types, in->column_count, 1);
	op_input_init(&tap->op, 0, in->watermarks, in->watermark_count);
	tap->op.append_only = in->append_only;
	tap->tap = spec->tap;
	tap->context = spec->context;
	tap->net = spec->net;
	change_log_init(&tap->log, in->append_only, spec->key_columns, spec->key_count);
	return &tap->op;
}
