/* Constant rows: VALUES, and SELECT without FROM. They come once, at the first commit; a register remembers that they did. */
#include "op/specs.h"

enum { REGISTER_DONE = 0 };

typedef struct Constant { Op op; Value *values; int row_count; } Constant;

static bool constant_push(Op *op, int input, Batch *in, Error *err)
{
	(void)op; (void)input; (void)in;
	return error_set(err, ERR_INTERNAL, SPAN_NONE, "constant rows have no input");
}

static bool constant_commit(Op *op, const CommitInfo *commit, Error *err)
{
	Constant *constant = (Constant *)op;
	int64_t *done = state_register(op->state, REGISTER_DONE);
	if (*done) return true;
	*done = 1;
	BatchBuilder builder;
	batch_builder_init(&builder, op->types, op->column_count, constant->row_count < BATCH_ROWS_MAX ? constant->row_count : BATCH_ROWS_MAX);
	for (int i = 0; i < constant->row_count;) {
		int row = batch_builder_row(&builder, 1);
		for (int c = 0; c < op->column_count; c++) batch_builder_set(&builder, row, c, &constant->values[i * op->column_count + c]);
		i++;
		if (i < constant->row_count && !batch_builder_full(&builder)) continue;
		Batch *batch = batch_builder_take(&builder);
		batch->system_us = commit->system_us;
		if (!op_emit(op, batch, err)) return false;
	}
	return true;
}

static const OpClass CONSTANT = {.name = "constant", .push = constant_push, .commit = constant_commit};

Op *op_constant_new(const ConstantSpec *spec)
{
	Constant *constant = op_new(&CONSTANT, sizeof *constant, "constant", spec->types, spec->column_count, 0);
	Arena *arena = &constant->op.arena;
	constant->op.append_only = true;
	constant->op.state = state_new("constant");
	constant->row_count = spec->row_count;
	int count = spec->row_count * spec->column_count;
	if (count == 0) return &constant->op;
	constant->values = arena_copy(arena, spec->values, sizeof *spec->values * (size_t)count);
	for (int i = 0; i < count; i++) {
		Value *value = &constant->values[i];
		if (!value->is_null && type_phys(value->type) == PHYS_STR) value->str = str_copy(arena, str_at(&value->str), value->str.bytes);
	}
	return &constant->op;
}
