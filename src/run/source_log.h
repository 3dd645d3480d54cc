/* Input that may not be read again the same (DESIGN section 4): what topics of changelogs gave, which brokers compact, is logged as it was decoded, in
 * the commit that carries it, until a checkpoint covers it. So a restart asks no broker for what was read before.
 *
 * It lies in the log of input (weir_log) under the negative number of the relation: under its own is what the log keeps of it for paused lanes. */
#ifndef WEIR_RUN_SOURCE_LOG_H
#define WEIR_RUN_SOURCE_LOG_H

#include "run/runtime.h"

/* A LogItemFunction; context is the Runtime. */
void source_log_item(void *context, int64_t lane, const Partition *partition, const Item *item, const uint8_t *dead_rows);
/* One entry of a commit that is replayed. */
bool source_log_replay(Runtime *runtime, int64_t commit, int64_t relation, const void *bytes, uint32_t count, Error *err);
/* ... and when all of its entries are through: where the partition then was. */
void source_log_replayed(Reader *reader, const PartitionRecord *record);

#endif
