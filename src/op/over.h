/* What the parts of OVER share. Internal to over*.c; over.c says how they work together.
 *
 * Words: a *position* is one copy of a row in its partition's order; *peers* are rows with equal ORDER BY keys; a row's *reach* is how far its
 * result looks; a *snapshot* is what all running calls know after a row.
 */
#ifndef WEIR_OP_OVER_H
#define WEIR_OP_OVER_H

#include "op/emitter.h"
#include "op/keyed.h"
#include "op/row_order.h"

enum { OVER_ARGS_MAX = 4, SNAPSHOT_SPACING = 64 };

/* How far a result looks to one side. RANGE: by the first ORDER BY key; VALUES: until so many values of a column that are not NULL */
typedef enum ReachKind { REACH_NONE, REACH_ROWS, REACH_GROUPS, REACH_RANGE, REACH_VALUES, REACH_ALL } ReachKind;
typedef struct Reach { ReachKind kind; int64_t count; Value offset; int column; } Reach;

typedef enum OverWay {
	WAY_NUMBER,           /* row_number, rank, dense_rank: from the snapshot's counts */
	WAY_WHOLE,            /* percent_rank, cume_dist, ntile: from the size of the partition */
	WAY_SHIFT,            /* lag, lead */
	WAY_VALUE,            /* first_value, last_value, nth_value: looked up in the frame */
	WAY_FOLD,             /* rows that enter the frame are added, those that leave it taken back */
	WAY_AGAIN,            /* folded anew for each frame */
	WAY_EXTREME,          /* min, max: those that can still become it wait in a queue */
	WAY_ORDERED,          /* the frame's values are sorted for each row */
} OverWay;

typedef struct Call {
	OverKind kind;
	OverWay way;
	Frame frame;
	bool running;         /* the frame only grows from the partition's beginning: resumes from a snapshot */
	const Aggregate *aggregate;
	Type type;
	int args[OVER_ARGS_MAX];              /* stored columns; -1: constant */
	Value constants[OVER_ARGS_MAX];
	Type arg_types[OVER_ARGS_MAX];
	int arg_count, filter;                /* filter: stored column, -1: none */
	const Value *parameters;
	bool ignore_nulls;
	int64_t shift;                        /* lag: > 0, lead: < 0; only where it is constant */
	bool shift_is_constant;
	Reach before, after;                  /* whose rows a result reads, on either side */
	uint32_t state_at, state_bytes;       /* of a running call in a snapshot */
} Call;

/* A snapshot is a blob: this, then the state of each running call. Taken only behind the last of some peers. */
typedef struct Snapshot { int64_t rows, groups; int64_t spacing; int64_t judge; } Snapshot;

/* State of running first_value, nth_value, last_value: the value found, in a blob of its own */
typedef struct ValueState { int64_t seen; StateHandle value; uint32_t found; } ValueState;

/* Payload of a row. touched: changed in this commit, 0 at its end */
typedef struct OverRow {
	RowEntry entry;
	int64_t emitted;                      /* copies given out */
	StateHandle results;                  /* of each, packed one behind the other */
	StateHandle snapshot;                 /* behind the row; 0: none */
	uint32_t touched;
	uint32_t reserved;
} OverRow;

typedef struct OverGroup {
	KeyedGroup group;
	StateHandle base;                     /* EMIT ON WINDOW CLOSE: snapshot behind the rows that are gone; 0: none are */
	uint32_t waits;                       /* its first row that was not given out is in the index of waiting ones */
	int64_t waits_for;                    /* with this time */
} OverGroup;

/* A partition that changed in this commit, and the keys of its rows that did. Once there have been OVER_KEYS_MAX, only the first and the last of them,
 * in this order. */
enum { OVER_KEYS_MAX = 1024 };
typedef struct OverKey { struct OverKey *next; Str key; } OverKey;
typedef struct OverNote { OverGroup *group; OverKey *keys; int key_count; bool outermost; int64_t judge; } OverNote;

typedef struct Over {
	Op op;
	Keyed keyed;
	RowOrder rows;
	Exprs computed;                       /* stored behind the input's columns: arguments and filters that are no columns */
	int input_columns;
	Call *calls;
	int call_count;
	bool *needed;                         /* stored columns that calls read */
	bool has_running, looks_ahead, ranges;
	uint32_t snapshot_bytes;
	bool emit_on_close, has_judge, by_time;
	int time_watermark;                   /* by_time: the input's watermark of the first order key */
	WatermarkColumn time;
	StateTree *waiting;                   /* by_time: (time, group) of the first row of each group that was not given out */
	AggregateSpill spill;
	VEC(OverNote) notes;
	Arena noted;
} Over;

/* ---- over_calls.c ---- */

void over_calls_make(Over *over, const OverSpec *spec);

/* ---- over_reach.c: parts of a partition in memory ---- */

typedef struct OverItem { const char *key; uint32_t key_bytes; OverRow *row; int first; } OverItem;       /* first: its first position */

/* Pointers go into the state: nothing may be added to or removed from the tree while they are used. */
typedef struct OverPart {
	Over *over;
	Arena *arena;
	OverItem *items;
	int item_count;
	int affected_from, affected_to;       /* items whose results may have changed: from .. to - 1 */
	int count;                            /* positions */
	int *item_of;                         /* by position, as all that follow */
	int *group_no;
	int *group_first;                     /* by group number, and one more: count */
	int group_count;
	Column *columns;                      /* by stored column; those that are needed */
	Value *order_values;                  /* first ORDER BY key, where frames are by RANGE */
	int run_from;                         /* running calls begin here, */
	StateHandle snapshot;                 /* with this; 0: at the beginning of the partition */
	int from, to;                         /* positions to compute */
	Value *results;                       /* (to - from) * call_count */
	Value *row_values, *call_values;      /* room for one row's */
} OverPart;

/* What the first of a partition's changes affects, and those behind it that are near, with all that is needed to compute it; keys are in order.
 * Gives how many of them that is; all: all. */
int over_part_touched(OverPart *part, Over *over, const OverGroup *group, const Str *keys, int key_count, bool all, Arena *arena);
/* All rows of a partition whose time the watermark has passed (all: every row). */
void over_part_passed(OverPart *part, Over *over, uint32_t group, bool all, int64_t watermark, Arena *arena);
static inline Value *over_result(const OverPart *part, int position, int call)
{
	return &part->results[(size_t)(position - part->from) * part->over->call_count + call];
}
static inline bool over_same_peers(const OverItem *a, const OverItem *b)
{
	uint32_t bytes = a->row->entry.order_bytes;
	return bytes == b->row->entry.order_bytes && memcmp(a->key, b->key, bytes) == 0;
}
/* A stored column seen from a position on */
static inline Column over_column_from(const OverPart *part, int column, int position)
{
	const Column *whole = &part->columns[column];
	size_t bytes = phys_bytes(type_phys(whole->type)) * (size_t)position;
	return (Column){.type = whole->type, .data = (char *)whole->data + bytes, .null = whole->null + position};
}
/* First ORDER BY key of a row */
Value over_order_value(const Over *over, const char *key, Arena *arena);
/* Is value b within the offset before (direction -1) or behind (+1) value a, in the order's direction? */
bool over_within_range(const Over *over, const Value *a, const Value *b, const Value *offset, int direction);

/* ---- over_frame.c ---- */

typedef struct FrameAt { int from, to; } FrameAt;     /* positions from .. to - 1, before EXCLUDE */
/* Frames of positions part->from .. part->to - 1, both ends never going back */
FrameAt *over_frames(const OverPart *part, const Call *call);
/* Positions that EXCLUDE takes out of the frame of a row: from .. to - 1, but for `but` (-1: none) */
typedef struct Excluded { int from, to, but; } Excluded;
Excluded over_excluded(const OverPart *part, const Call *call, int position);
static inline bool over_is_excluded(const Excluded *x, int position) { return position >= x->from && position < x->to && position != x->but; }

/* ---- over_eval.c ---- */

/* Fills part->results. Where snapshots is not NULL: at each position with snapshots[i - part->from] != 0, running calls store their state in
 * that blob. */
void over_evaluate(OverPart *part, const StateHandle *snapshots);

/* ---- over_running.c ---- */

StateHandle snapshot_new(Over *over, const OverPart *part, int position, int64_t spacing);
void snapshot_free(Over *over, StateHandle snapshot);
/* A call's state of a snapshot copied to memory of its own, zero where there is none; and back. */
void *running_open(Over *over, const Call *call, StateHandle snapshot, Arena *arena);
void running_store(Over *over, const Call *call, const void *state, StateHandle snapshot);
void running_release(Over *over, const Call *call, void *state);
/* Takes a row's value in: first_value, nth_value, last_value */
void running_see(Over *over, const OverPart *part, const Call *call, ValueState *state, int position);
Value running_value(const Over *over, const Call *call, const ValueState *state);
const Snapshot *snapshot_at(const Over *over, StateHandle snapshot);
/* Moves the base of a partition behind its first `count` positions of the part. */
void snapshot_advance(Over *over, const OverPart *part, OverGroup *group, int count);

/* ---- over_settle.c: EMIT ON WINDOW CLOSE ---- */

void over_settle_noted(Over *over, OverGroup *group, int64_t time);
void over_settle(Over *over, Emitter *emitter);
/* Gives out all rows of a partition that closes. */
void over_settle_all(Over *over, OverGroup *group, Emitter *emitter);
/* One row with its results */
void over_emit(const OverPart *part, const OverItem *item, const Value *results, int64_t weight, int64_t judge, Emitter *emitter);

#endif
