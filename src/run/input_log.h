/* Bytes of the input log: rows with weights, as relations' own columns. */
#ifndef WEIR_RUN_INPUT_LOG_H
#define WEIR_RUN_INPUT_LOG_H

#include "run/commit.h"

/* Adds to the commit being gathered what a local relation, or a view that goes on while a reader of it is paused, has changed. */
void input_log_batch(SealedCommit *sealed, int64_t relation, const Batch *changes);
void input_log_pack(StrBuf *bytes, const Batch *changes);
void input_log_changes_as(SealedCommit *sealed, StoreLog log, int64_t relation, const Changes *changes);
void input_log_changes(SealedCommit *sealed, int64_t relation, const Changes *changes);

typedef bool InputLogBatch(void *context, Batch *batch, Error *err);
bool input_log_read(const Type *types, int column_count, const void *bytes, uint32_t count, InputLogBatch *visit, void *context, Error *err);

#endif
