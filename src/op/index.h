/* Indexes that serve joins of several queries: which columns they keep (index.c).
 *
 * An index of a table is given all columns of it, but keeps those only that a join reads: of its own query, until it serves others, too. Then it is told
 * by whoever lets it serve them (run/sharing_index.c). Which columns its rows have stands in its state beside them, so pages that are copied or loaded
 * say themselves of what form they are. Between two commits only.
 */
#ifndef WEIR_OP_INDEX_H
#define WEIR_OP_INDEX_H

#include "op/op.h"

/* By column of its input: what joins of its own query read; NULL: it is no index, or one whose columns are never others. */
const bool *index_reads(const Op *op);
const bool *index_keeps(const Op *op);        /* of such an index: what its rows have */
const char *index_column(const Op *op, int column);           /* its name */
/* Its rows are packed anew with just these of their columns. Without rows it may be any columns. All of its state counts as not saved. */
void index_keep(Op *op, const bool *columns);
/* What the other keeps, of the same input and by the same keys, becomes its own. */
bool index_take(Op *op, const Op *from, Error *err);

#endif
