/* Formats: bytes of records into columns, and rows into bytes. One row of formats.def each.
 *
 * Decoding is done by a Decoder for exactly the columns that something reads (after pruning):
 *
 *     DecoderConfig config = {.format = "json", .columns = wanted, .column_count = n};
 *     Decoder *decoder = decoder_new(&config, err);
 *     for (int from = 0; from < records.count; ) {
 *         Decoded out;
 *         from = decoder_decode(decoder, &records, from, &out, &dead);     // one row a good record
 *         ... hand out.batch on (NULL: no row) ...
 *     }
 *     source_release(source, &records);                                    // the batch owns copies of all it needs
 *
 * What is bad is data, not an Error: a record that is not one whole value of the format is dead for all and reported through
 * dead->record; a field that is no value of its column's type, or missing where the column is NOT NULL, leaves MARK_BAD in
 * that row and column and is reported through dead->value, for the views that read the column.
 * A decoder belongs to one thread at a time.
 */
#ifndef WEIR_FORMAT_FORMAT_H
#define WEIR_FORMAT_FORMAT_H

#include "catalog/options.h"
#include "format/record.h"

/* Where a column's value comes from */
typedef enum DecodeFrom {
	DECODE_FIELD,                 /* a field of the value: path */
	DECODE_KEY,                   /* the record's key: TEXT, BLOB, JSON, or a scalar written as text */
	DECODE_KEY_BINARY,            /* the same, but numbers as Kafka's serializers write them: 4 or 8 bytes, big-endian */
	DECODE_KEY_FIELD,             /* a field of the key, which is a JSON object: path (upsert topics) */
	DECODE_TOPIC, DECODE_PARTITION, DECODE_POSITION,
	DECODE_TIMESTAMP,             /* the record's own; NULL where it has none */
	DECODE_HEADERS,               /* all, as JSON object */
	DECODE_HEADER,                /* one: path[0] is its name */
	DECODE_VALUE,                 /* the whole value as it came */
} DecodeFrom;

typedef enum TimeUnit { TIME_UNIT_BY_SIZE, TIME_UNIT_SECONDS, TIME_UNIT_MS, TIME_UNIT_US, TIME_UNIT_NS } TimeUnit;

typedef struct DecodeColumn {
	const char *name;             /* for messages: "bid.price" */
	Type type;                    /* ROW and what was ARRAY or MAP: decoded as JSON text */
	DecodeFrom from;
	const char *const *path;      /* field names from the record's object inwards: {"bid", "price"} */
	int path_count;
	int ordinal;                  /* CSV without header: number of the field in the line, from 0 */
	bool not_null;                /* NOT NULL or PRIMARY KEY: missing or null is bad */
	bool is_key;                  /* part of the PRIMARY KEY; where no column says so, upserts take the NOT NULL ones for it */
	bool is_alone;                /* KEY_FIELD: the only one, which may be the key itself instead of a field of it */
	TimeUnit unit;                /* of numbers in TIMESTAMP columns */
} DecodeColumn;

/* Changelog formats say what a record does; op_normalize turns it into weights with the table's content. Without a column that is_key an update
 * is ROW_DELETE of what was there, then ROW_UPSERT; so it is where the key changes. All rows of a record have its position. */
typedef enum Changelog {
	CHANGELOG_NONE,               /* one row appended a record */
	CHANGELOG_UPSERT,             /* the row with this key is now this; without value: it is gone. Key columns that the value does
	                                 not have are read from the record's key: its field of that name, or all of it where there is one
	                                 such column */
	CHANGELOG_DEBEZIUM,           /* {"before", "after", "op"}, also inside {"schema", "payload"} */
	CHANGELOG_MAXWELL,            /* {"type", "data", "old"}: old has what an update changed */
	CHANGELOG_CANAL,              /* the same with arrays of rows: {"type", "data": [...], "old": [...]} */
	CHANGELOG_OP,                 /* what a sink of Weir writes: the row with a field "op": +I -U +U -D */
} Changelog;

typedef struct DecoderConfig {
	const char *format;           /* "json", "csv", "raw" */
	const DecodeColumn *columns;
	int column_count;
	Changelog changelog;
	/* CSV; 0 gives the default */
	char csv_delimiter;           /* ',' */
	char csv_quote;               /* '"' */
	bool csv_header;              /* fields are found by the names in RecordBatch.header */
	const char *csv_null;         /* an unquoted field that reads so is NULL; default: the empty one */
	int csv_field_count;          /* fields that a line must have (declared columns); 0: any number */
} DecoderConfig;

typedef struct Decoded {
	Batch *batch;                 /* caller owns it; NULL: no row came of the records */
	int64_t *positions;           /* position of each row's record; in batch->arena */
	uint8_t *ops;                 /* RowOp of each row; NULL: all ROW_INSERT */
	int records, dead;            /* records consumed, and those among them that are dead for all */
	int64_t bytes;                /* of keys and values consumed */
} Decoded;

/* Called during decoding; what they get is valid during the call only. error is one line. */
typedef struct DeadSink {
	void *context;
	void (*record)(void *context, const RecordBatch *records, const Record *record, ErrorCode code, const char *error);
	/* row: its number in the batch that is being made; column: its number in DecoderConfig.columns */
	void (*value)(void *context, const RecordBatch *records, const Record *record, int row, int column, ErrorCode code, const char *error);
} DeadSink;

typedef struct Decoder Decoder;

/* Copies what it needs of config. ERR_UNSUPPORTED / ERR_UNDEFINED_OBJECT / ERR_DATATYPE_MISMATCH for columns or formats that
 * cannot be. */
Decoder *decoder_new(const DecoderConfig *config, Error *err);
void decoder_free(Decoder *decoder);

/* Decodes records from `from` on until the batch is full (BATCH_ROWS_MAX rows, or some MiB of strings); returns the index
 * of the first record that it did not consume. */
int decoder_decode(Decoder *decoder, const RecordBatch *records, int from, Decoded *out, const DeadSink *dead);

/* Counts since decoder_new. */
typedef struct DecoderStats { int64_t records, dead, bad_values; } DecoderStats;
DecoderStats decoder_stats(const Decoder *decoder);

/* Once, after the first 1,000 records or at their end: true, and one line for each column whose field was in none of them, with the
 * nearest field name seen ("column "pric" is in none of the first 1,000 records; they have "price""), and one if most records are
 * dead, at the end if any is. False: nothing (new) to say. */
bool decoder_report(Decoder *decoder, bool is_end, StrBuf *out);

/* Where the options key_format, key_fields and key_prefix say that a field stands in the record's key, changes from and path
 * accordingly (allocated in arena); else leaves the column as it is. */
bool decode_column_place(const OptionSet *options, Arena *arena, DecodeColumn *column, Error *err);

/* Whether the option key_fields ("a;b") names the column, ignoring case. */
bool key_fields_have(const char *fields, const char *name);
/* '$.address.city', '$."odd name".x' or 'address.city' into field names. Indexes and wildcards: ERR_UNSUPPORTED. */
bool decode_path_parse(Arena *arena, const char *text, Span span, const char *const **path, int *path_count, Error *err);

/* ---- writing ---- */
typedef struct EncodeColumn { const char *name; Type type; } EncodeColumn;

typedef struct EncoderConfig {
	const char *format;           /* "json": one object a line; "csv": RFC 4180, one line a row */
	const EncodeColumn *columns;
	int column_count;
	bool with_op;                 /* updating input: first field "op" with +I -U +U -D */
	char csv_delimiter, csv_quote;
	bool csv_header;
} EncoderConfig;

/* The format and what it wants to know, as a sink's options say. */
void encoder_options(EncoderConfig *config, const OptionSet *options);
/* Does each row say how its fields are called? */
bool encoder_names_fields(const EncoderConfig *config);
/* Has it a column that is called as the op, which so could not be read? */
bool encoder_hides_op(const EncoderConfig *config);
/* Is a row written by both the same text? CSV without a header does not say how columns are called. */
bool encoder_alike(const EncoderConfig *a, const EncoderConfig *b);
/* Why rows of `made` cannot stand behind those of `old` in one file; NULL: they can. Both have the same options. */
const char *encoder_cannot_follow(const EncoderConfig *old, const EncoderConfig *made);

typedef struct Encoder Encoder;
Encoder *encoder_new(const EncoderConfig *config, Error *err);
void encoder_free(Encoder *encoder);
void encoder_header(const Encoder *encoder, StrBuf *out);                 /* CSV's first line, if wanted */
/* All rows of the batch in order, a row of weight +-n n times. ops: see change_ops(), or NULL: by the sign. */
void encoder_add(Encoder *encoder, const Batch *changes, const uint8_t *ops, StrBuf *out);

typedef enum ChangeOp { CHANGE_INSERT, CHANGE_UPDATE_BEFORE, CHANGE_UPDATE_AFTER, CHANGE_DELETE } ChangeOp;
extern const char *const CHANGE_OP_TEXT[];                               /* "+I" "-U" "+U" "-D" */
/* Says of each row (batch order) what it is: a -1 right before a +1 of the same key is -U and +U. Result in scratch. */
uint8_t *change_ops(const Batch *changes, const int *key_columns, int key_count, Arena *scratch);

/* ---- the table of formats ---- */
typedef enum Framing { FRAMING_LINE, FRAMING_CSV } Framing;               /* how a byte stream is cut into records */
typedef struct Format {
	const char *name, *synonyms;
	Framing framing;
	bool encodes;
	const struct DecoderClass *decoder;
	const char *doc;
} Format;
extern const Format FORMATS[];
extern const int FORMAT_COUNT;
/* Case-insensitive, synonyms resolved; unknown: ERR_UNDEFINED_OBJECT with the nearest name. */
const Format *format_find(const char *name, Span span, Error *err);

#endif
