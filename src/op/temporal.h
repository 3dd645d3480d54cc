/* Temporal joins: what their files share. temporal_join.c makes the operator and what comes out of it; temporal_now.c has AS OF PROCTIME(),
 * temporal_left.c the left rows of the other two and which of them a commit touched, temporal_right.c the versions and ASOF's right rows.
 *
 * Trees are ordered by key number (4 bytes, big-endian), then the sort key of the time: "place" means these bytes. */
#ifndef WEIR_OP_TEMPORAL_H
#define WEIR_OP_TEMPORAL_H

#include "op/closing.h"
#include "op/emitter.h"
#include "op/exprs.h"
#include "op/select.h"
#include "op/specs.h"

typedef struct TemporalKey { int64_t rows; } TemporalKey;         /* entries of both trees that are under it */

/* A left row, equal rows once: what it was given last. */
typedef enum TemporalTold { TOLD_NOTHING, TOLD_ALONE, TOLD_PAIR } TemporalTold;
typedef struct TemporalLeft {
	int64_t weight;
	int64_t told_weight;
	int64_t judge;
	StateHandle told_row;             /* TOLD_PAIR: the packed right row */
	uint32_t place_bytes;             /* of the key; what follows is the packed row */
	uint32_t told;
	uint32_t reserved;
} TemporalLeft;

/* A right row: a version, the end of one (row 0), or one of ASOF's or of the present rows. */
typedef struct TemporalRight {
	int64_t weight;                   /* versions: 1 */
	StateHandle row;
	uint32_t reserved;
} TemporalRight;

typedef struct TemporalBytes { const char *at; uint32_t bytes; } TemporalBytes;

/* Left rows from one place to another, both included; to.at NULL: to the key's end. */
typedef struct TemporalRange { TemporalBytes from, to; } TemporalRange;

typedef struct TemporalSide {
	OpInput in;
	Exprs keys;
	Exprs time;                       /* one; none for PROCTIME */
	int watermark;                    /* its number among the input's; -1: none */
	WatermarkColumn column;
} TemporalSide;

typedef struct Temporal {
	Op op;
	TemporalKind kind;
	bool left_outer, strict, forward, has_judge;
	bool closes;                      /* both sides have a watermark: left rows and versions are forgotten */
	TemporalSide left, right;
	bool *null_equal;
	ExprProgram *residual;            /* over left, then right columns; NULL: none */
	StateMap *keys;                   /* -> TemporalKey */
	StateTree *lefts;                 /* place, packed row -> TemporalLeft; PROCTIME: see temporal_now.c */
	StateTree *rights;                /* place (versions), and sort keys of the row (ASOF) -> TemporalRight */
	StateTree *left_times, *right_times;      /* time, key number: what may be forgotten next */
	VEC(Batch *) waiting;             /* PROCTIME: changes of the right side that only the next commit's left rows see */
	StateMap *given;                  /* PROCTIME over left rows that can go -> TemporalGiven */
	Arena notes;                      /* of this commit */
	VEC(TemporalRange) touched;
	VEC(TemporalBytes) emptied;       /* ASOF: keys of right rows that came to nothing */
	/* EVENT_TIME: the change before, since -old and +new side by side are no end of a version */
	struct { int64_t weight; StrBuf key, row; int64_t seen_us; } last;
	StrBuf place;                     /* the bytes last made */
} Temporal;

/* A batch of one side, taken apart. */
typedef struct TemporalRows {
	Batch *dense;
	int count;
	PackedRows rows, keys;
	Column *key_columns;
	const Column *time;               /* NULL: none */
	bool *no_key;                     /* a NULL in the key or no time: it meets nothing */
} TemporalRows;
TemporalRows temporal_rows(Temporal *temporal, TemporalSide *side, Batch *in);
static inline int64_t temporal_weight(const TemporalRows *rows, int i) { return rows->dense->weights ? rows->dense->weights[i] : 1; }
static inline int64_t temporal_judge(const TemporalRows *rows, int i) { return rows->dense->hidden.judge ? rows->dense->hidden.judge[i] : WATERMARK_NONE; }

/* ---- temporal_join.c ---- */
/* One left row and one right row that the key and the time let meet; `met` says whether the rest of the condition does. */
typedef struct TemporalPair { const char *left, *right; bool met; } TemporalPair;
void temporal_test(Temporal *temporal, TemporalPair *pairs, int count);
/* right NULL: NULLs */
void temporal_emit(Temporal *temporal, Emitter *emitter, const char *left, const char *right, int64_t weight, int64_t judge);

/* ---- temporal_now.c ---- */
bool temporal_now_push_left(Temporal *temporal, const TemporalRows *rows, Error *err);
void temporal_now_push_right(Temporal *temporal, const TemporalRows *rows);
void temporal_now_open(Temporal *temporal);

/* ---- temporal_left.c ---- */
void temporal_time_key(char out[12], int64_t time_us, uint32_t key);               /* time, then key number, in byte order */
/* The first entry of left_times or right_times whose time has passed; false: there is none. It is taken out. */
bool temporal_next_passed(Temporal *temporal, StateTree *times, int64_t *time_us, uint32_t *key);
bool temporal_left_push(Temporal *temporal, const TemporalRows *rows, const Batch *in, Error *err);
void temporal_touch(Temporal *temporal, TemporalBytes from, TemporalBytes to);      /* copies both */
bool temporal_left_commit(Temporal *temporal, Error *err);        /* tells what changed for the touched rows */
void temporal_left_forget(Temporal *temporal);
/* Have both watermarks passed the time, as of the last commit? */
bool temporal_passed(const Temporal *temporal, int64_t time_us);

/* ---- temporal_right.c ---- */
void temporal_right_push(Temporal *temporal, const TemporalRows *rows);
void temporal_right_commit(Temporal *temporal);
void temporal_right_forget(Temporal *temporal);
/* The packed right row for left rows of the place; at NULL: none. */
TemporalBytes temporal_right_find(Temporal *temporal, TemporalBytes place);

/* ---- keys and places ---- */
uint32_t temporal_key(Temporal *temporal, const TemporalRows *rows, int i);                  /* number; made if missing */
bool temporal_key_find(const Temporal *temporal, const TemporalRows *rows, int i, uint32_t *number);
void temporal_key_count(Temporal *temporal, uint32_t number, int64_t change);                /* dropped when nothing is under it */
/* Sets temporal->place */
TemporalBytes temporal_place(Temporal *temporal, uint32_t key, const Column *time, int row);
TemporalBytes temporal_place_at(Temporal *temporal, uint32_t key, int64_t time_us);
static inline bool temporal_starts_with(const void *bytes, uint32_t count, TemporalBytes prefix)
{
	return count >= prefix.bytes && memcmp(bytes, prefix.at, prefix.bytes) == 0;
}
int temporal_compare(TemporalBytes a, TemporalBytes b);           /* a prefix is equal */

#endif
