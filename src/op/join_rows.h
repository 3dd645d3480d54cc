/* Rows of one side of a join by key: what a join keeps of a side, or an index (index.c) for all joins that read the same rows by the same key.
 *
 * Keys are records of a map whose payload has, at `head`, the first row of the key; rows of a key are a list. Where rows may be taken back, equal rows
 * are one, found by their bytes in a map, and named by number + 1; where they are never taken back nothing has to be found: each is a blob, named
 * by its handle, and what has many copies is several rows. Only columns that somebody reads are remembered. The state belongs to the operator.
 */
#ifndef WEIR_OP_JOIN_ROWS_H
#define WEIR_OP_JOIN_ROWS_H

#include "op/specs.h"

/* Behind `next` stand those fields that its side needs (JoinFields), then, of blobs, the copies (a byte), then the packed row. */
typedef struct JoinRow { uint32_t next; } JoinRow;       /* of the same key */

/* Where in a row a field stands; 0: these rows have none. */
typedef struct JoinFields {
	uint8_t name, previous, key;      /* 4 bytes: its own name; the row before it of the same key; number of its key */
	uint8_t next_ending;              /* 4 bytes, blobs of interval joins: another that ends at the same instant */
	uint8_t weight;                   /* 8 bytes, not of blobs */
	uint8_t matches;                  /* 8 bytes: copies on the other side that it meets, where there is a condition besides keys */
	uint8_t judge;                    /* 8 bytes: highest that its copies carried */
	uint8_t time;                     /* 8 bytes: interval joins */
	uint8_t end;                      /* 8 bytes: interval joins whose rows say themselves how long they wait */
	uint8_t bytes;                    /* of all of them */
} JoinFields;

typedef struct JoinRows {
	State *state;
	StateMap *keys; uint8_t head;     /* where in a key's payload the name of its first row stands; 0 there: none */
	StateMap *map;                    /* key number, packed row -> JoinRow */
	bool blobs;                       /* rows are never taken back */
	JoinFields at;
	bool stays;                       /* rows never go, so batches may borrow their texts */
	int *columns; int column_count;   /* those of the input that are remembered */
	PhysKind *kinds;                  /* of those */
	uint32_t form;                    /* of an index: counts how often its columns have become others */
} JoinRows;

/* So many copies more of the row, or less: without any it is gone. hash: not of blobs, see join_rows_name. */
typedef struct JoinNewRow { const char *packed; uint32_t bytes; uint64_t hash; int64_t weight, matches, judge, time, end; } JoinNewRow;

enum { JOIN_BLOB_COPIES_MAX = 255, JOIN_FETCH_MAX = 64 };

/* Those columns of the input for which reads says so (NULL: all). */
void join_rows_choose_columns(JoinRows *rows, Arena *arena, const OpInput *in, const bool *reads);
/* The column's place in a row; what a constructor chooses before it opens the map */
uint8_t join_field_add(JoinFields *at, bool wanted, uint8_t bytes);

/* Adds to the key's list; copies of a blob: at most JOIN_BLOB_COPIES_MAX. added: it was not there. Weight 0 afterwards: the caller removes it. */
JoinRow *join_rows_add(JoinRows *rows, void *key, const JoinNewRow *new_row, bool *added);
void join_rows_remove(JoinRows *rows, JoinRow *row);
void join_rows_remove_all(JoinRows *rows, void *key);         /* of the key */
void join_rows_changed(JoinRows *rows, JoinRow *row);         /* before writing to it */
/* Room for hashes, but none in it (blobs: no room). */
PackedRows join_rows_pack(const JoinRows *rows, const Batch *dense, Arena *scratch);
/* Rows that may be taken back are found by their bytes behind the number of their key, so the same row under another key is another row: puts the
 * number, in 4 bytes, before packed row i, and hashes both. Nothing is done to blobs. */
void join_rows_name(const JoinRows *rows, const void *key, PackedRows *packed, int i, Arena *scratch);
/* Rows with these hashes are about to be added or taken back: brings near what the map has of them. At most JOIN_FETCH_MAX; not of blobs. */
void join_rows_fetch(const JoinRows *rows, const uint64_t *hashes, int count);

/* ---- batches of what rows meet ---- */
/* Keys of this row meet nothing: one is NULL, and NULLs of it are not equal. */
bool join_key_is_null(const Column *keys, int count, const bool *null_equal, int row);
/* places: by column of a remembered row, that of the input; -1: others read it */
typedef struct JoinReader { const JoinRows *rows; const int *places; const OpInput *in; int first_column; } JoinReader;
/* A packed row into a row of a batch, its columns from first_column on; those that are not read are left alone. */
void join_rows_unpack(const JoinReader *reader, const char *packed, Batch *batch, int row);
/* Columns of that side of a batch of so many rows: those that are read get room, the others are NULL. */
void join_rows_make_columns(const JoinReader *reader, Batch *batch, int count);
void join_set_null(Batch *batch, int column, int row);
enum { JOIN_AHEAD = 8 };
/* Rows lie where there was room for them: one that is to be unpacked soon is brought near. */
static inline void join_row_prefetch(const JoinRow *row)
{
	__builtin_prefetch(row);
	__builtin_prefetch((const char *)row + 64);
	__builtin_prefetch((const char *)row + 128);
}

static inline uint32_t *join_field_32(const JoinRow *row, uint8_t at) { return (uint32_t *)(uintptr_t)((const char *)row + at); }
static inline int64_t *join_field_64(const JoinRow *row, uint8_t at) { return (int64_t *)(uintptr_t)((const char *)row + at); }
static inline int64_t join_row_matches(const JoinRows *rows, const JoinRow *row) { return rows->at.matches ? *join_field_64(row, rows->at.matches) : 0; }
static inline int64_t join_row_judge(const JoinRows *rows, const JoinRow *row) { return rows->at.judge ? *join_field_64(row, rows->at.judge) : WATERMARK_NONE; }
static inline int64_t join_row_time(const JoinRows *rows, const JoinRow *row) { return rows->at.time ? *join_field_64(row, rows->at.time) : 0; }
static inline int64_t join_row_end(const JoinRows *rows, const JoinRow *row) { return rows->at.end ? *join_field_64(row, rows->at.end) : join_row_time(rows, row); }
static inline int64_t join_row_weight(const JoinRows *rows, const JoinRow *row)
{
	return rows->blobs ? *((const uint8_t *)row + rows->at.bytes) : *join_field_64(row, rows->at.weight);
}
/* What lists call the row. Blobs say it themselves where anybody asks. */
static inline uint32_t join_row_name(const JoinRows *rows, const JoinRow *row)
{
	return rows->blobs ? *join_field_32(row, rows->at.name) : state_map_number(rows->map, row) + 1;
}
/* NULL: 0, the end of a list */
static inline JoinRow *join_row_at(const JoinRows *rows, uint32_t name)
{
	if (!name) return NULL;
	if (rows->blobs) return (JoinRow *)(uintptr_t)state_blob_peek(rows->state, name);
	return state_map_by_number(rows->map, name - 1);
}
static inline uint32_t *join_rows_head(const JoinRows *rows, const void *key) { return (uint32_t *)(uintptr_t)((const char *)key + rows->head); }
static inline JoinRow *join_rows_first(const JoinRows *rows, const void *key) { return join_row_at(rows, *join_rows_head(rows, key)); }
static inline const char *join_row_packed(const JoinRows *rows, const JoinRow *row)
{
	uint32_t bytes;
	if (rows->blobs) return (const char *)row + rows->at.bytes + 1;
	return (const char *)state_map_key(rows->map, row, &bytes) + 4;
}

/* What an index keeps (index.c), or the one that serves it now, for joins to read. A batch is added after all readers of the index had it. */
const JoinRows *index_rows(Op *index);

/* One that reads them. Its input has some columns of what the index hands on, and which of these the index keeps changes as others come and go. */
typedef struct IndexReader {
	Op *index;
	const int *from;                  /* by column of the input: where it stands in what the index hands on; NULL: in the same place */
	const int *columns; int column_count;     /* of the input: those that it wants of the rows */
	const JoinRows *rows;             /* as of the last update */
	int *places; uint32_t form;       /* JoinReader.places, and of which JoinRows.form they are */
} IndexReader;
void index_reader_init(IndexReader *reader, Arena *arena, Op *index, const int *from, const OpInput *in, const int *columns, int column_count);
bool index_reader_update(IndexReader *reader, Error *err);            /* before a batch */
/* The input's columns of a batch that the index handed on; without a selection. */
Batch *index_reader_batch(const IndexReader *reader, Batch *in, int column_count);
const char *join_rows_skip_value(PhysKind kind, const char *from);            /* behind a value of a packed row */

#endif
