/* Indexes of tables that serve several views: which columns they keep (op/index.h). What sharing.c asks of them, all of it between two commits, in the
 * file's transaction whose commit saves the states concerned. */
#ifndef WEIR_RUN_SHARING_INDEX_H
#define WEIR_RUN_SHARING_INDEX_H

#include "run/runtime.h"

/* An index without rows, if it is one, keeps what the one that is to serve it keeps, too. */
void sharing_index_prepare(Op *op, const Op *owner);
/* Before an operator and those that it serves are served by another. If they are indexes: that keeps what joins of all of them read. *can: it does, or
 * they are none; else each is to go on alone. */
bool sharing_index_widen(Runtime *runtime, Pipeline *owners, const LoweredNote *owner, const Op *op, bool *can, Error *err);
/* No index of the live lane keeps columns that no join reads. *any: one did. */
bool sharing_index_narrow(Runtime *runtime, bool *any, Error *err);
/* Its indexes over the relation (NULL: all), which serve nobody any more, keep what its own joins read. *any: one kept more. */
bool sharing_index_leave(Runtime *runtime, Pipeline *pipeline, const Relation *relation, bool *any, Error *err);
/* Is it an index whose columns may become others, over rows of this relation? */
bool sharing_index_is_of(const Pipeline *pipeline, const LoweredNote *note, const Relation *relation);

#endif
