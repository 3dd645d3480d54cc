/* Parts of batches: what operators make of a batch without copying its rows. */
#ifndef WEIR_OP_SELECT_H
#define WEIR_OP_SELECT_H

#include "op/op.h"

/* The rows of `in` whose physical numbers are in sel (ascending; copied). Columns are borrowed. count > 0. */
Batch *batch_select(Batch *in, const uint32_t *sel, int count);
/* The same rows without a selection: wanted columns are gathered, the others must not be read (wanted NULL: all). `in` itself, with
 * a reference more, where it has no selection. */
Batch *batch_dense(Batch *in, const bool *wanted);
/* Copies the texts of its first `rows` rows into the arena; NULLs' are not read. */
void column_own_texts(Arena *arena, Column *column, int rows);
/* batch_dense of all columns with texts of its own: those of a batch may lie in the state of the operator that gave it, which who keeps the batch
 * beyond the commit may outlive. */
Batch *batch_with_texts(Batch *in);
/* Numbers 0 .. count - 1 of rows, each as often as it stands in `rows`: columns, weights and hidden columns gathered, `extra` columns left to be set. */
Batch *batch_repeat(Batch *in, const uint32_t *rows, int count, int extra);
/* Values of the rows with these physical numbers */
Column column_gather(Arena *arena, const Column *from, const uint32_t *rows, int count);
/* Weights of the batch's rows as a dense array; NULL: all +1. */
const int64_t *batch_weights_dense(const Batch *in, Arena *scratch);
/* Judges of the batch's rows as a dense array; NULL: not judged. */
const int64_t *batch_judges_dense(const Batch *in, Arena *scratch);

#endif
