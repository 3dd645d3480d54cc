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
	int64_t weight[2];                /* copies of each side together */
} JoinKey;

/* A row of one side. Where rows may be taken back, equal rows are one, found by their bytes in a map, and named by number + 1; where they are never
 * taken back nothing has to be found: each is a blob, the row's bytes after this head, and named by its handle. */
typedef struct JoinRow {
	int64_t weight;
	int64_t matches;                  /* copies on the other side that it meets, where there is a condition besides keys */
	int64_t judge;                    /* highest that its copies carried */
	int64_t time;                     /* interval joins */
	uint32_t next, previous;          /* of the same key */
	uint32_t key;                     /* number of its JoinKey */
	uint32_t name;
	uint32_t next_ending;             /* blobs: another that ends at the same instant */
	uint32_t reserved;
} JoinRow;

typedef struct JoinSide {
	OpInput in;                       /* layout and types copied */
	Exprs keys;
	Exprs time;                       /* interval joins: one */
	StateMap *rows;                   /* key number, packed row -> JoinRow */
	StateTree *expiry;                /* instant after which the row meets nothing more, row number; blobs: instant -> first row. NULL: rows are kept */
	bool blobs;                       /* rows are never taken back */
	bool kept;                        /* rows are remembered, not only counted */
	bool preserved;                   /* gives rows without a match */
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

/* ---- join_state.c ---- */
JoinRow *join_row_add(Join *join, int side, JoinKey *key, const char *packed, uint32_t bytes, bool *added);
void join_row_changed(Join *join, int side, JoinRow *row);                   /* before writing to it */
const char *join_row_packed(const Join *join, int side, const JoinRow *row);
JoinRow *join_row_at(const Join *join, int side, uint32_t name);             /* NULL: 0, the end of a list */
void join_row_remove(Join *join, int side, JoinRow *row);
/* Notes when the row may go; the next row of the side that may go now, NULL: none (it is to be removed before the next call). */
void join_row_expires(Join *join, int side, JoinRow *row);
JoinRow *join_row_next_expired(Join *join, int side);
static inline bool join_key_is_empty(const JoinKey *key) { return !key->first[LEFT] && !key->first[RIGHT] && !key->weight[LEFT] && !key->weight[RIGHT]; }
/* Raises the judge of a row that was there. */
void join_row_judge(Join *join, int side, JoinRow *row, int64_t judge);
/* Whether nothing more can come that a row which ends at this instant would meet: the lowest watermark of both sides has passed it. */
bool join_has_passed(const Join *join, int side, int64_t instant);
/* The instant, in terms of the other side's time, that must have been passed before the row can go. */
int64_t join_row_end(const Join *join, int side, int64_t time, int64_t judge);
/* The instant after which a row of this time on this side meets nothing, in terms of the other side's time. */
int64_t join_last_partner(const Join *join, int side, int64_t time);

/* ---- what rows give when they stand alone ---- */
/* Copies of a row that come out without a partner: outer, anti; or, for semi joins, because it has one. */
int64_t join_alone(const Join *join, int side, int64_t weight, int64_t matches);
void join_emit_alone(Join *join, Emitter *emitter, int side, const char *packed, int64_t weight, int64_t judge);

/* ---- join_pairs.c ---- */
bool join_push(Op *op, int side, Batch *in, Error *err);

#endif
