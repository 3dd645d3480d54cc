#include "run/input_log.h"

static void add(SealedCommit *sealed, StoreLog kind, int64_t relation, StrBuf *bytes)
{
	SealedLog log = {.log = kind, .relation = relation, .bytes = str_copy(&sealed->arena, bytes->text, bytes->bytes)};
	if (bytes->bytes) vec_push_in(&sealed->arena, &sealed->logs, log);
	strbuf_release(bytes);
}

void input_log_pack(StrBuf *bytes, const Batch *changes)
{
	for (int i = 0; i < changes->count; i++) {
		int64_t weight = batch_weight(changes, i);
		strbuf_add(bytes, &weight, sizeof weight);
		row_pack(bytes, changes->columns, changes->column_count, batch_row(changes, i));
	}
}

void input_log_batch(SealedCommit *sealed, int64_t relation, const Batch *changes)
{
	StrBuf bytes = STRBUF_INIT;
	input_log_pack(&bytes, changes);
	add(sealed, STORE_LOG_INPUT, relation, &bytes);
}

void input_log_changes_as(SealedCommit *sealed, StoreLog log, int64_t relation, const Changes *changes)
{
	StrBuf bytes = STRBUF_INIT;
	for (int i = 0; i < changes->count; i++) {
		const ChangeRow *row = &changes->rows[i];
		strbuf_add(&bytes, &row->weight, sizeof row->weight);
		strbuf_add(&bytes, changes->bytes + row->offset, row->bytes);
	}
	add(sealed, log, relation, &bytes);
}

void input_log_changes(SealedCommit *sealed, int64_t relation, const Changes *changes)
{
	input_log_changes_as(sealed, STORE_LOG_INPUT, relation, changes);
}

bool input_log_read(const Type *types, int column_count, const void *bytes, uint32_t count, InputLogBatch *visit, void *context, Error *err)
{
	Value *values = mem_alloc(sizeof *values * (size_t)(column_count + 1));
	BatchBuilder builder;
	batch_builder_init(&builder, types, column_count, BATCH_ROWS_MAX);
	const char *at = bytes, *end = at + count;
	bool ok = true;
	while (ok && at < end) {
		int64_t weight;
		memcpy(&weight, at, sizeof weight);
		at += sizeof weight;
		at += row_unpack(at, types, column_count, values);
		int row = batch_builder_row(&builder, weight);
		for (int c = 0; c < column_count; c++) batch_builder_set(&builder, row, c, &values[c]);
		if (at < end && !batch_builder_full(&builder)) continue;
		Batch *batch = batch_builder_take(&builder);
		ok = visit(context, batch, err);
		batch_unref(batch);
	}
	batch_builder_release(&builder);
	free(values);
	return ok;
}
