#include "op/emitter.h"

void emitter_init(Emitter *emitter, Op *op, bool with_judge, Error *err)
{
	*emitter = (Emitter){.op = op, .err = err, .fine = true};
	batch_builder_init(&emitter->builder, op->types, op->column_count, BATCH_ROWS_MAX);
	emitter->builder.want_judge = with_judge;
}

static void emitter_flush(Emitter *emitter)
{
	Batch *batch = batch_builder_take(&emitter->builder);
	if (emitter->fine) emitter->fine = op_emit(emitter->op, batch, emitter->err);
	else batch_unref(batch);
}

int emitter_row(Emitter *emitter, int64_t weight, int64_t judge)
{
	if (batch_builder_full(&emitter->builder)) emitter_flush(emitter);
	int row = batch_builder_row(&emitter->builder, weight);
	batch_builder_judge(&emitter->builder, row, judge);
	return row;
}

void emitter_arrival(Emitter *emitter, int row, Int128 arrival) { batch_builder_arrival(&emitter->builder, row, arrival); }

void emitter_ends(Emitter *emitter, int row, int64_t since_us)
{
	Batch *batch = emitter->builder.batch;
	if (!batch->hidden.ends) {
		batch->hidden.ends = arena_alloc(&batch->arena, sizeof(int64_t) * (size_t)batch->room);
		for (int i = 0; i < batch->room; i++) batch->hidden.ends[i] = WATERMARK_NONE;
	}
	batch->hidden.ends[row] = since_us;
}

void emitter_set(Emitter *emitter, int row, int column, const Value *value) { batch_builder_set(&emitter->builder, row, column, value); }

void emitter_set_integer(Emitter *emitter, int row, int column, int64_t x) { emitter->builder.batch->columns[column].i64[row] = x; }

void emitter_packed(Emitter *emitter, int row, int first_column, const void *packed, int count)
{
	batch_builder_packed(&emitter->builder, row, first_column, packed, count);
}

bool emitter_finish(Emitter *emitter)
{
	emitter_flush(emitter);
	return emitter->fine;
}
