/* What formats share: the decoder's state, the batch that is being made, and conversion of a found value to its column's type.
 * Included by the format_*.c files and convert.c only.
 *
 * A format finds for each wanted column a JsonSlot (format/json_tree.h) and calls decoder_add_row(), which converts them all into
 * the next row. Nothing here allocates per row but the bytes of long strings, in pieces of 32 KiB.
 */
#ifndef WEIR_FORMAT_DECODER_H
#define WEIR_FORMAT_DECODER_H

#include "format/format.h"
#include "format/json_scan.h"

enum { DECODE_ERROR_BYTES = 400, REPORT_AFTER_RECORDS = 1000 };

typedef struct DecoderClass DecoderClass;
struct DecoderClass {
	bool (*init)(Decoder *decoder, Error *err);
	void (*release)(Decoder *decoder);
	/* Decodes records from `from` until the batch is full; returns the first that is left. */
	int (*decode)(Decoder *decoder, const RecordBatch *records, int from);
	/* The text of the value in a column's slot of kind SLOT_REAL or SLOT_NESTED. */
	JsonSpan (*text)(Decoder *decoder, int column);
	/* Whether the number in a column's slot of kind SLOT_REAL may have been written with more than 15 digits. */
	bool (*may_be_long)(Decoder *decoder, int column);
	/* Whether the field of a column was ever seen, and one of the names that are there in its place (NULL: none). */
	const char *(*nearest)(Decoder *decoder, int column);
	/* How many rows a record may make; NULL: one. */
	int (*rows)(const Decoder *decoder);
};

extern const DecoderClass DECODER_JSON, DECODER_CSV, DECODER_RAW;

struct Decoder {
	const DecoderClass *class;
	DecoderConfig config;         /* copied into arena */
	Arena arena;
	Type *types, *plain_types;    /* as declared; as they are in batches */
	void *state;                  /* of the format */
	bool *seen;                   /* per column: in one of the first records its field was there */
	DecoderStats stats;
	bool reported_columns, reported_dead;
	/* the batch that is being made */
	Batch *batch;
	int64_t *positions;
	uint8_t *ops;
	int row;
	int rows_a_record;
	bool has_key;                 /* some column is_key: deletes go by it */
	Arena spans;                  /* of one record: parts of it */
	char *heap, *heap_end;        /* where the next long string goes */
	int64_t bytes;
	int dead_count;
	/* the record that is being read */
	const RecordBatch *records;
	const Record *record;
	const DeadSink *dead;
	StrBuf scratch;
	StrBuf whole, part;           /* of a ROW, ARRAY or MAP: its text in the one form, the string that is being converted */
	char number[32];
	char last_day[16];            /* "2026-11-20" of the last timestamp, and what it is */
	int64_t last_day_us;
	Int128 powers[DECIMAL_PRECISION_MAX + 1];     /* of ten */
	int64_t bad_records, bad_at;                  /* with bad values; of the last: how many there were with it, 0: none yet */
	ErrorCode error_code;
	char error[DECODE_ERROR_BYTES];
};

/* The slot of a column that comes from the record around the value: topic, position, key ... */
JsonSlot decoder_record_slot(Decoder *decoder, int column);
static inline bool decode_from_value(DecodeFrom from) { return from == DECODE_FIELD || from == DECODE_KEY_FIELD; }

/* Whether another row fits into the batch. */
static inline bool decoder_has_room(const Decoder *decoder)
{
	return decoder->row + decoder->rows_a_record <= decoder->batch->room && decoder->batch->arena.used_bytes < (8u << 20);
}
/* For a record that makes more rows than that: false where they do not fit behind what is there. An empty batch is made as large as it must be. */
bool decoder_reserve(Decoder *decoder, int rows);

/* Adds the current record as a row. slots[i] belongs to column i where its value comes from a field. keys_only: the row only names
 * what is taken away; other columns are NULL. */
void decoder_add_row(Decoder *decoder, const JsonSlot *const *slots, RowOp op);
/* The current record is dead for all, for the reason in decoder->error. */
void decoder_add_dead(Decoder *decoder, ErrorCode code);
void decoder_say(Decoder *decoder, ErrorCode code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A record that came damaged is dead whatever its format is. */
static inline bool decoder_take_flaw(Decoder *decoder)
{
	if (!decoder->record->flaw) return false;
	decoder_say(decoder, ERR_RESOURCE_LIMIT, "%s", decoder->record->flaw);
	decoder_add_dead(decoder, ERR_RESOURCE_LIMIT);
	return true;
}

/* Converts a slot into row `row` of column `col`. False: it is no value of the type (decoder->error says why); the cell is left to
 * the caller. A missing or null value is no failure: *is_null. */
bool convert_slot(Decoder *decoder, int col, const JsonSlot *slot, Column *out, int row, bool *is_null);

/* Copies a string into the batch. */
Str decoder_string(Decoder *decoder, const char *at, size_t bytes);

#endif
