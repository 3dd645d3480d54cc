/* UNION ALL: batches pass as they are, but for their judge: at an operator with several inputs the lowest of them judges. */
#include "op/select.h"
#include "op/specs.h"

typedef struct Union { Op op; bool has_judge; } Union;

/* A batch with no judge above `highest`. */
static Batch *judged_at_most(Batch *in, int64_t highest)
{
	int above = 0;
	for (int i = 0; i < in->rows; i++) above += in->hidden.judge[i] > highest;
	if (!above) return batch_ref(in);
	Batch *out = batch_derive(in, in->column_count);
	memcpy(out->columns, in->columns, sizeof *in->columns * (size_t)in->column_count);
	out->hidden.judge = arena_copy(&out->arena, in->hidden.judge, sizeof *in->hidden.judge * (size_t)in->rows);
	for (int i = 0; i < in->rows; i++)
		if (out->hidden.judge[i] > highest) out->hidden.judge[i] = highest;
	return out;
}

static bool union_push(Op *op, int input, Batch *in, Error *err)
{
	Union *self = (Union *)op;
	bool judged = self->has_judge && in->hidden.judge;
	return op_emit(op, judged ? judged_at_most(in, op_other_judge(op, input)) : batch_ref(in), err);
}

static const OpClass UNION = {.name = "union", .push = union_push};

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
