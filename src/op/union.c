/* UNION ALL: batches pass as they are, but for their judge: at an operator with several inputs the lowest of them judges. */
#include "op/select.h"
#include "op/specs.h"

typedef struct Union { Op op; bool has_judge; } Union;

static bool union_push(Op *op, int input, Batch *in, Error *err)
{
	Union *self = (Union *)op;
	return op_emit(op, self->has_judge ? op_judged(op, input, in) : batch_ref(in), err);
}

static const OpClass UNION = {.name = "union", .push = union_push, .passes_on = true};

Op *op_union_new(const UnionSpec *spec)
{
	Union *self = op_new(&UNION, sizeof *self, "union", spec->types, spec->column_count, spec->in_count);
	self->op.append_only = self->has_judge = true;
	for (int i = 0; i < spec->in_count; i++) {
		op_input_init(&self->op, i, spec->ins[i].watermarks, spec->ins[i].watermark_count);
		self->op.append_only = self->op.append_only && spec->ins[i].append_only;
		self->has_judge = self->has_judge && spec->ins[i].has_judge;
	}
	return &self->op;
}
