#include "store/record.h"

#include <endian.h>
#include <string.h>

#include "base/hash.h"

/* Version 2 ends with a hash of all before. */
enum { RECORD_VERSION = 2, HASH_BYTES = 8, PARTITION_FIELDS = 10, PARTITION_BYTES = PARTITION_FIELDS * 8, HEAD_BYTES = 3 * 8 };

static void put(StrBuf *out, int64_t x)
{
	x = (int64_t)htole64((uint64_t)x);
	strbuf_add(out, &x, 8);
}

static int64_t get(const char *at)
{
	uint64_t x;
	memcpy(&x, at, 8);
	return (int64_t)le64toh(x);
}

void record_pack(StrBuf *out, const PartitionRecord *partitions, int count, const void *extra, uint32_t extra_bytes)
{
	size_t start = out->bytes;
	put(out, RECORD_VERSION);
	put(out, count);
	put(out, extra_bytes);
	for (int i = 0; i < count; i++) {
		const PartitionRecord *p = &partitions[i];
		int64_t fields[PARTITION_FIELDS] = {p->lane, p->relation, p->partition, p->position, p->records, (int64_t)p->hash, p->watermark_us, p->idle,
			p->last_position, (int64_t)p->last_fingerprint};
		for (int f = 0; f < PARTITION_FIELDS; f++) put(out, fields[f]);
	}
	strbuf_add(out, extra, extra_bytes);
	put(out, (int64_t)hash_bytes(out->text + start, out->bytes - start));
}

static PartitionRecord unpack_partition(const char *at)
{
	return (PartitionRecord){.lane = get(at), .relation = get(at + 8), .partition = (int32_t)get(at + 16), .position = get(at + 24), .records = get(at + 32),
		.hash = (uint64_t)get(at + 40), .watermark_us = get(at + 48), .idle = get(at + 56) != 0, .last_position = get(at + 64),
		.last_fingerprint = (uint64_t)get(at + 72)};
}

/* The length without hash; 0: no record, or not what was written. */
static size_t checked_bytes(const char *at, size_t count)
{
	if (!at || count < HEAD_BYTES) return 0;
	if (get(at) == 1) return count;
	if (get(at) != RECORD_VERSION || count < HEAD_BYTES + HASH_BYTES) return 0;
	count -= HASH_BYTES;
	return get(at + count) == (int64_t)hash_bytes(at, count) ? count : 0;
}

bool record_unpack(const void *bytes, size_t count, Arena *arena, PartitionRecord **partitions, int *partition_count, const void **extra, uint32_t *extra_bytes)
{
	const char *at = bytes;
	count = checked_bytes(at, count);
	if (!count) return false;
	int64_t partition_total = get(at + 8), extra_total = get(at + 16), room = (int64_t)count - HEAD_BYTES;
	if (partition_total < 0 || partition_total > room / PARTITION_BYTES || extra_total != room - partition_total * PARTITION_BYTES) return false;
	*partition_count = (int)partition_total;
	*partitions = arena_array(arena, PartitionRecord, partition_total);
	at += HEAD_BYTES;
	for (int i = 0; i < *partition_count; i++, at += PARTITION_BYTES) (*partitions)[i] = unpack_partition(at);
	*extra_bytes = (uint32_t)extra_total;
	*extra = arena_copy(arena, at, (size_t)extra_total);
	return true;
}
