/* What the files of the JSON decoder share: format_json.c (the parsers, plain records) and json_changes.c (changelogs).
 *
 * The trees of wanted fields hold one copy of the columns for each place where a row can stand (Place); a row is made by pointing each column to
 * its slot in one of them.
 */
#ifndef WEIR_FORMAT_JSON_DECODER_H
#define WEIR_FORMAT_JSON_DECODER_H

#include "format/decoder.h"
#include "format/json_simd.h"

enum { PLACES_MAX = 4 };

typedef struct Part {                 /* a text that is parsed: the value, the key, an element of Canal's arrays */
	JsonTree tree;
	JsonSimd *simd;
	JsonScan scan;
	const char *text;
	size_t bytes;
	bool is_scanned;              /* the scan holds this record's texts */
	enum { LONG_UNKNOWN, LONG_NONE, LONG_SOME } long_numbers;
} Part;

enum { PART_VALUE, PART_KEY, PART_ROW, PART_OLD, PART_COUNT };

/* Where a column's value was found; `slot` is NULL where it comes from around the value. */
typedef struct Found { Part *part; int number; } Found;

typedef struct DecoderJson {
	Part parts[PART_COUNT];
	int place_count;
	int *slots;                   /* [place * column_count + column] */
	int row_slot[PLACES_MAX];     /* the objects themselves: null or there */
	Found *at;                    /* per column, in the row that is being made */
	const JsonSlot **found;       /* the slots themselves, for decoder_add_row */
	int op_slot[2];               /* the field that says what happened, by envelope */
	int ddl_slot;                 /* Canal: isDdl */
	bool key_is_read;             /* some column comes from the record's key */
	int *key_slots;               /* upserts, per column: the field of the key that stands in for a missing one; -1: none */
	int key_column;               /* the only such column: it may be the whole key; -1: there are none or several */
	int alone_column;             /* streams: the only column of the key, which may be the key itself; -1: there is none */
	bool key_is_object;
	JsonSlot whole_key;
} DecoderJson;

/* ---- format_json.c ---- */
bool json_part_parse(Part *part, const char *text, size_t bytes);        /* false: dead, scan.error says why */
bool json_read_key(Decoder *d, DecoderJson *j);                           /* false: the record is dead, and was said to be */
void json_take_whole_key(Decoder *d, DecoderJson *j);                    /* the value itself, as JSON or as it stands */
bool json_read_value(Decoder *d, DecoderJson *j);
bool json_dead(Decoder *d, const char *error);                            /* the record is; false */
/* All columns from one place. */
void json_use_place(Decoder *d, DecoderJson *j, int place);
void json_use_field(DecoderJson *j, int column, Part *part, int number);

/* ---- json_changes.c ---- */
void json_changes_init(Decoder *d, DecoderJson *j);                       /* places and slots of the changelog */
int json_changes_rows(const Decoder *d);                                  /* how many rows a record may make; Canal's ask by themselves */
/* Adds what the record says; false: the batch has no room for it. */
bool json_changes_add(Decoder *d, DecoderJson *j);

#endif
