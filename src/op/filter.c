/* Filter: rows for which the condition is true, as a selection over the batch that came. */
#include "op/select.h"
#include "op/specs.h"

typedef struct Filter { Op op; ExprProgram *condition; } Filter;

static bool filter_push(Op *op, int input, Batch *in, Error *err)
{
	(void)input;
	Filter *filter = (Filter *)op;
	uint32_t *sel = arena_alloc(&op->scratch, sizeof *sel * (size_t)in->count);
	int count = expr_select(filter->condition, in, &op->scratch, sel);
	if (count == 0) return true;
	return op_emit(op, count == in->count ? batch_ref(in) : batch_select(in, sel, count), err);
}

static void filter_release(Op *op) { expr_program_release(((Filter *)op)->condition); }

static const OpClass FILTER = {.name = "filter", .push = filter_push, .release = filter_release, .passes_on = true};

Op *op_filter_new(const FilterSpec *spec)
{
	const OpInput *in = &spec->in;
	Filter *filter = op_new(&FILTER, sizeof *filter, "filter", in->types, in->column_count, 1);
	op_input_init(&filter->op, 0, in->watermarks, in->watermark_count);
	filter->op.append_only = in->append_only;
	filter->condition = expr_compile(&filter->op.arena, spec->condition, in->layout, in->column_count);
	return &filter->op;
}
