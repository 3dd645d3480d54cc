/* Records: what a source hands to a decoder: bytes with a place in a partition.
 *
 * A RecordBatch holds records of one partition in ascending positions. The bytes belong to the source and are valid until
 * source_release(); whoever wants to keep some copies them. Plain data, used by one thread at a time.
 */
#ifndef WEIR_FORMAT_RECORD_H
#define WEIR_FORMAT_RECORD_H

#include "base/strbuf.h"
#include "type/batch.h"

enum { RECORD_BYTES_MAX = 64 << 20, RECORD_BATCH_MAX = BATCH_ROWS_MAX };

#define TIMESTAMP_NONE INT64_MIN

typedef struct Record {
	const char *value;            /* NULL: no value (Kafka's tombstone) */
	const char *key;              /* NULL: no key */
	uint32_t value_bytes, key_bytes;
	int64_t position;             /* Kafka: offset; files: byte at which the record starts; generators: event number */
	int64_t timestamp_us;         /* of the record, not of its content; TIMESTAMP_NONE: unknown */
	const void *origin;           /* for the batch's headers_json and header_find */
	const char *flaw;             /* why the record is dead before anyone decodes it (a line cut at its limit); NULL: nothing */
} Record;

/* An object of names and values, or with names for both an array of an object for each, in their order. Bytes are base64 or, as text, null
 * where they are none. */
typedef struct HeadersForm { const char *name, *value; bool base64; } HeadersForm;

typedef struct RecordBatch RecordBatch;
struct RecordBatch {
	const Record *at;
	int count;
	int partition;                /* number of the partition in its source */
	const char *topic;            /* topic, or path of the file */
	int64_t position_next;        /* where to read on after these records; also moves when count is 0 (transaction markers) */
	/* CSV files with a header line: that line; NULL: none. It stays the same pointer while it is the same line. */
	const char *header;
	uint32_t header_bytes;
	/* Adds the headers of a record as JSON; NULL: the source has none. */
	void (*headers_json)(const Record *record, const HeadersForm *form, StrBuf *out);
	/* The last header of that name; NULL: not there. */
	const char *(*header_find)(const Record *record, const char *name, size_t *bytes);
};

/* Chains the bytes, keys and positions of records [from, to) into a hash that depends on the records alone, not on how they
 * were cut into batches: what the commit record keeps to know the same input again. Start with 0. */
uint64_t record_hash(uint64_t hash, const RecordBatch *records, int from, int to);

/* Of one record: what tells a recreated topic from the old one. Never 0. */
uint64_t record_fingerprint(const Record *record);

#endif
