/* Sink: the end of a view. Changes are packed as they come and taken, netted and sorted by key, when the commit is sealed. */
#include "op/changes.h"

#include <assert.h>

typedef struct Sink {
	Op op;
	ChangeLog log;
	int *key_columns;
	int key_count;
	uint64_t portion_bytes;
	SinkPortion *write;                   /* NULL: all waits for op_sink_take */
	void *context;
} Sink;

static bool write_portion(Sink *sink, Error *err)
{
	Changes changes;
	change_log_take(&sink->log, &changes);
	bool ok = sink->write(sink->context, &changes, err);
	changes_release(&changes);
	return ok;
}

static bool sink_push(Op *op, int input, Batch *in, Error *err)
{
	(void)input;
	Sink *sink = (Sink *)op;
	return change_log_add(&sink->log, in, &op->scratch, err) && (!sink->write || op_sink_pending_bytes(op) < sink->portion_bytes || write_portion(sink, err));
}

static void sink_release(Op *op) { change_log_release(&((Sink *)op)->log); }

static const OpClass SINK = {.name = "sink", .push = sink_push, .release = sink_release};

Op *op_sink_new(const SinkSpec *spec)
{
	const OpInput *in = &spec->in;
	Sink *sink = op_new(&SINK, sizeof *sink, "sink", in->types, in->column_count, 1);
	op_input_init(&sink->op, 0, in->watermarks, in->watermark_count);
	sink->op.append_only = in->append_only;
	sink->key_count = spec->key_count;
	if (spec->key_count) sink->key_columns = arena_copy(&sink->op.arena, spec->key_columns, sizeof *spec->key_columns * (size_t)spec->key_count);
	change_log_init(&sink->log, in->append_only, sink->key_columns, sink->key_count);
	return &sink->op;
}

void op_sink_take(Op *op, Changes *out)
{
	Sink *sink = (Sink *)op;
	assert(op->class == &SINK);
	change_log_take(&sink->log, out);
}

void op_sink_portions(Op *op, uint64_t bytes, SinkPortion *write, void *context)
{
	Sink *sink = (Sink *)op;
	assert(op->class == &SINK);
	sink->portion_bytes = bytes;
	sink->write = write;
	sink->context = context;
}

uint64_t op_sink_pending_bytes(const Op *op)
{
	const Sink *sink = (const Sink *)op;
	return sink->log.byte_count + (uint64_t)sink->log.rows.count * sizeof(ChangeRow);
}

int op_sink_pending_rows(const Op *op) { return ((const Sink *)op)->log.rows.count; }
