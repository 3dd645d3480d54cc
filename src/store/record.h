/* Commit and checkpoint records as bytes (columns `record`): little-endian, a version first. */
#ifndef WEIR_STORE_RECORD_H
#define WEIR_STORE_RECORD_H

#include "store/store.h"

void record_pack(StrBuf *out, const PartitionRecord *partitions, int count, const void *extra, uint32_t extra_bytes);
/* Partitions and extra in arena; false: the bytes are no record. */
bool record_unpack(const void *bytes, size_t count, Arena *arena, PartitionRecord **partitions, int *partition_count, const void **extra, uint32_t *extra_bytes);

#endif
