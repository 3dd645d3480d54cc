/* Join: what its files share. join.c has the operator, join_rows.c the rows that it remembers (or an index, which it reads then), join_state.c when
 * they go, join_pairs.c what a batch meets. */
#ifndef WEIR_OP_JOIN_H
#define WEIR_OP_JOIN_H

#include "op/closing.h"
#include "op/emitter.h"
#include "op/exprs.h"
#include "op/join_rows.h"
#include "op/select.h"
#include "op/specs.h"

enum { LEFT = 0, RIGHT = 1 };

/* What both sides have of one key. */
typedef struct JoinKey {
	uint32_t first[2];                /* the first row of each side that the join keeps itself; 0: none */
	union {
		int64_t weight[2];            /* copies of each side together; only there where they are counted by key */
		int64_t window_end;           /* window joins: all rows of the key go at once, when this has passed */
	};
} JoinKey;

typedef struct JoinSide {
	OpInput in;                       /* layout and types copied */
	Exprs keys;
	Exprs time;                       /* interval joins: the time, and behind it the end if it is another column */
	bool has_end;
	JoinRows owned;                   /* rows that the join keeps itself */
	JoinRows packed;                  /* the form of those, for rows of a batch that are packed for a moment */
	Op *index;                        /* that keeps them instead, and adds to them after this join has had a batch; NULL: none */
	IndexReader borrowed;             /* how it is read */
	const JoinRows *rows;             /* those that the join keeps, or the index's, as of this push */
	bool ends;                        /* rows go once the other side's watermark has passed what they can meet */
	uint32_t *ending; int64_t ending_at;      /* blobs: the entry of expiry that was used last; NULL: none since the tree was changed otherwise */
	/* Instant after which the row meets nothing more, row number; blobs: instant -> first row; of windows: instant, key number. NULL: rows are kept */
	StateTree *expiry;
	bool kept;                        /* rows are remembered, not only counted */
	bool preserved;                   /* gives rows without a match */
	bool counted;                     /* copies of each key are counted: the other side's rows without a match come out */
	int *columns; int column_count;   /* of the input: read above, or by the condition */
	const int *places;                /* by column of a remembered row, as of this push: that of the input, -1: others read it */
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
	bool interval, window, emit_on_close;
	bool by_row;                      /* matches are counted row by row */
	bool counts;                      /* a side is counted by key: no inner join's is */
	int64_t lower_us, upper_us;
	int close_key;
	bool has_judge;
} Join;

static inline int other(int side) { return 1 - side; }
static inline bool join_remembers(const JoinSide *side) { return side->kept && !side->index; }
static inline bool join_gives_pairs(const Join *join) { return join->kind != JOIN_SEMI && join->kind != JOIN_ANTI; }

/* ---- join_state.c: rows that the join keeps itself ---- */
/* Of a side that does not borrow. So many copies more of the row, or less. */
void join_row_add(Join *join, int side, JoinKey *key, const JoinNewRow *new_row);
void join_row_remove(Join *join, int side, JoinRow *row);
/* Before a batch: pages may have been saved since the last. */
void join_rows_begin(Join *join, int side);
/* Interval joins: the next row of the side that may go now, NULL: none (it is to be removed before the next call). */
JoinRow *join_row_next_expired(Join *join, int side);
/* Window joins: the next key whose rows of the side may go, all at once, by join_key_end. */
JoinKey *join_key_next_expired(Join *join, int side);
void join_key_end(Join *join, int side, JoinKey *key);
static inline bool join_key_is_empty(const Join *join, const JoinKey *key)
{
	if (key->first[LEFT] || key->first[RIGHT]) return false;
	return !join->counts || (!key->weight[LEFT] && !key->weight[RIGHT]);
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
void join_emit_alone(Join *join, Emitter *emitter, int side, const JoinReader *reader, const char *packed, int64_t weight, int64_t judge);

/* Of remembered rows */
static inline JoinReader join_reader(const Join *join, int side)
{
	const JoinSide *own = &join->sides[side];
	return (JoinReader){own->rows, own->places, &own->in, side == LEFT ? 0 : join->sides[LEFT].in.column_count};
}

/* Of rows of a batch as the join packs them, which it does where an index remembers them, too */
static inline JoinReader join_reader_of_batch(const Join *join, int side)
{
	const JoinSide *own = &join->sides[side];
	return (JoinReader){&own->packed, own->packed.columns, &own->in, side == LEFT ? 0 : join->sides[LEFT].in.column_count};
}

/* ---- join_pairs.c ---- */
bool join_push(Op *op, int side, Batch *in, Error *err);

#endif
