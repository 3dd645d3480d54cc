/* Join: what its files share. join.c has the operator, join_state.c the rows that it remembers, join_pairs.c what a batch meets. */
#ifndef WEIR_OP_JOIN_H
#define WEIR_OP_JOIN_H

#include "op/closing.h"
#include "op/emitter.h"
#include "op/exprs.h"
#include "op/select.h"
#include "op/specs.h"

enum { LEFT = 0, RIGHT = 1 };

/* What both sides have of one key. */
typedef struct JoinKey {
	uint32_t first[2];                /* the first row of each side; 0: none */
	union {
		int64_t weight[2];            /* copies of each side together; not there where matches are counted row by row */
		int64_t window_end;           /* window joins: all rows of the key go at once, when this has passed */
	};
} JoinKey;

/* A row of one side. Where rows may be taken back, equal rows are one, found by their bytes in a map, and named by number + 1; where they are never
 * taken back nothing has to be found: each is a blob, named by its handle, and what has many copies is several rows. Behind `next` stand those
 * fields that its side needs (JoinFields), then, of blobs, the copies (a byte), then the packed row. */
typedef struct JoinRow { uint32_t next; } JoinRow;       /* of the same key */

/* Where in a row a field stands; 0: rows of this side have none. */
typedef struct JoinFields {
	uint8_t name, previous, key;      /* 4 bytes: its own name; the row before it of the same key; number of its JoinKey */
	uint8_t next_ending;              /* 4 bytes, blobs of interval joins: another that ends at the same instant */
	uint8_t weight;                   /* 8 bytes, not of blobs */
	uint8_t matches;                  /* 8 bytes: copies on the other side that it meets, where there is a condition besides keys */
	uint8_t judge;                    /* 8 bytes: highest that its copies carried */
	uint8_t time;                     /* 8 bytes: interval joins */
	uint8_t end;                      /* 8 bytes: interval joins whose rows say themselves how long they wait */
	uint8_t bytes;                    /* of all of them */
} JoinFields;

typedef struct JoinSide {
	OpInput in;                       /* layout and types copied */
	Exprs keys;
	Exprs time;                       /* interval joins: the time, and behind it the end if it is another column */
	bool has_end;
	StateMap *rows;                   /* key number, packed row -> JoinRow */
	bool ends;                        /* rows go once the other side's watermark has passed what they can meet */
	uint32_t *ending; int64_t ending_at;      /* blobs: the entry of expiry that was used last; NULL: none since the tree was changed otherwise */
	/* Instant after which the row meets nothing more, row number; blobs: instant -> first row; of windows: instant, key number. NULL: rows are kept */
	StateTree *expiry;
	bool blobs;                       /* rows are never taken back */
	bool kept;                        /* rows are remembered, not only counted */
	bool preserved;                   /* gives rows without a match */
	JoinFields at;
	int *columns; int column_count;   /* those of the input that are remembered: what is read above, or by the condition */
	PhysKind *kinds;                  /* of those */
	WatermarkColumn column;           /* of time or closing key */
	int watermark;                    /* its number among the input's; -1: none */
} JoinSide;

typedef struct Join {
	Op op;
	JoinKind kind;
	JoinSide sides[2];
	StateMap *keys;
	ExprProgram *residual;            /* over left, then right columns; NULL: none */
	Type *pair_types;
	bool *null_equal;
	bool interval, window, emit_on_close, by_row;        /* by_row: matches are counted row by row */
	int64_t lower_us, upper_us;
	int close_key;
	bool has_judge;
} Join;

static inline int other(int side) { return 1 - side; }
static inline bool join_gives_pairs(const Join *join) { return join->kind != JOIN_SEMI && join->kind != JOIN_ANTI; }

/* ---- fields of rows ---- */
static inline uint32_t *join_field_32(const JoinRow *row, uint8_t at) { return (uint32_t *)(uintptr_t)((const char *)row + at); }
static inline int64_t *join_field_64(const JoinRow *row, uint8_t at) { return (int64_t *)(uintptr_t)((const char *)row + at); }
static inline int64_t join_row_matches(const JoinSide *side, const JoinRow *row) { return side->at.matches ? *join_field_64(row, side->at.matches) : 0; }
static inline int64_t join_row_judge(const JoinSide *side, const JoinRow *row) { return side->at.judge ? *join_field_64(row, side->at.judge) : WATERMARK_NONE; }
static inline int64_t join_row_time(const JoinSide *side, const JoinRow *row) { return side->at.time ? *join_field_64(row, side->at.time) : 0; }
static inline int64_t join_row_end(const JoinSide *side, const JoinRow *row) { return side->at.end ? *join_field_64(row, side->at.end) : join_row_time(side, row); }
static inline int64_t join_row_weight(const JoinSide *side, const JoinRow *row)
{
	return side->blobs ? *((const uint8_t *)row + side->at.bytes) : *join_field_64(row, side->at.weight);
}

/* ---- join_state.c ---- */
enum { JOIN_BLOB_COPIES_MAX = 255 };
/* So many copies more of the row, or less: without any it is gone. Blobs: at most JOIN_BLOB_COPIES_MAX copies. Others: before the packed row stands the
 * number of its key, in 4 bytes, and the hash is that of both: so the same row under another key is another row. */
typedef struct JoinNewRow { const char *packed; uint32_t bytes; uint64_t hash; int64_t weight, matches, judge, time, end; } JoinNewRow;
void join_row_add(Join *join, int side, JoinKey *key, const JoinNewRow *new_row);
void join_row_changed(Join *join, int side, JoinRow *row);                   /* before writing to it */
const char *join_row_packed(const Join *join, int side, const JoinRow *row);
JoinRow *join_row_at(const Join *join, int side, uint32_t name);             /* NULL: 0, the end of a list */
void join_row_remove(Join *join, int side, JoinRow *row);
/* Before a batch: pages may have been saved since the last. */
void join_rows_begin(Join *join, int side);
/* Interval joins: the next row of the side that may go now, NULL: none (it is to be removed before the next call). */
JoinRow *join_row_next_expired(Join *join, int side);
/* Window joins: the next key whose rows of the side may go, all at once, by join_key_end. */
JoinKey *join_key_next_expired(Join *join, int side);
void join_key_end(Join *join, int side, JoinKey *key);
/* Rows with these hashes are about to be added or taken back: brings near what the map has of them. At most JOIN_FETCH_MAX. */
enum { JOIN_FETCH_MAX = 64 };
void join_rows_fetch(const Join *join, int side, const uint64_t *hashes, int count);
static inline bool join_key_is_empty(const Join *join, const JoinKey *key)
{
	if (key->first[LEFT] || key->first[RIGHT]) return false;
	return join->by_row || (!key->weight[LEFT] && !key->weight[RIGHT]);
}
/* Whether nothing more can come that a row which ends at this instant would meet: the lowest watermark of both sides has passed it. */
bool join_has_passed(const Join *join, int side, int64_t instant);
/* The instant, in terms of the other side's time, that must have been passed before a row with this end can go. */
int64_t join_row_goes(const Join *join, int side, int64_t end, int64_t judge);
/* The instant after which a row with this end meets nothing, in terms of the other side's time. */
int64_t join_last_partner(const Join *join, int side, int64_t end);

/* ---- what rows give when they stand alone ---- */
/* Copies of a row that come out without a partner: outer, anti; or, for semi joins, because it has one. */
int64_t join_alone(const Join *join, int side, int64_t weight, int64_t matches);
void join_emit_alone(Join *join, Emitter *emitter, int side, const char *packed, int64_t weight, int64_t judge);

/* A packed row into the columns of a batch from first_column on; those that are not remembered are left alone. */
void join_unpack(const Join *join, int side, const char *packed, Batch *batch, int first_column, int row);

/* ---- join_pairs.c ---- */
bool join_push(Op *op, int side, Batch *in, Error *err);

#endif
