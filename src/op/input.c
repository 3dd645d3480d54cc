/* Input: the place of a scan in the graph. It knows nothing of what is read: the runtime pushes batches whose columns are the scan's and sets
 * the watermarks. */
#include "op/specs.h"

static bool input_push(Op *op, int input, Batch *in, Error *err)
{
	(void)input;
	return op_emit(op, batch_ref(in), err);
}

static const OpClass INPUT = {.name = "input", .push = input_push, .passes_on = true};

Op *op_input_new(const char *label, const Type *types, int column_count)
{
	return op_new(&INPUT, sizeof(Op), label, types, column_count, 1);
}
