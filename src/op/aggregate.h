/* The aggregate operator's parts. Internal to aggregate*.c.
 *
 *   Group      record in the map of groups: how many rows it has, marks, then one state for each fold
 *   GroupInput a column that calls read (argument, filter, order key), evaluated once a batch, shared by all that have the same expression
 *   Feed       which rows of a batch reach a call: those that pass its filter, or that bring a value of a DISTINCT call or take its last away
 *   Fold       a state of fixed size in each group, shared by calls that differ only in how they show it (sum and avg)
 *   Ordered    the values of each group in an order, in one tree for all groups; or only the first or last of them where none goes away
 *   GroupCall  what makes a column of the output: a fold's or an ordered's result
 *
 * In a push: groups are found (aggregate.c), then feeds filled, then folds and ordereds fed, each column by column (aggregate_calls.c).
 */
#ifndef WEIR_OP_AGGREGATE_H
#define WEIR_OP_AGGREGATE_H

#include "op/specs.h"
#include "op/window.h"

typedef struct Group {
	int64_t count;                    /* sum of the weights of its rows */
	uint32_t touched;                 /* number in this commit's list + 1; 0 between commits */
	StateHandle states;               /* of the folds, where they are too large for the record */
} Group;

/* Behind the Group, where groups close: */
typedef struct GroupClose { int64_t time; uint32_t next, previous; } GroupClose;         /* numbers + 1 of the groups that close with it */

typedef struct GroupInput {
	ExprProgram *program;
	Expr *expr;
	Column column;                    /* of the batch at hand */
	uint64_t batch;                   /* for which it was evaluated */
} GroupInput;

typedef struct Feed {
	int filter;                       /* input; -1: none */
	int table, bit;                   /* of the DISTINCT table; -1: none */
	bool all;                         /* of the batch at hand: all rows; else: */
	uint32_t *rows;
	int count;
	Group **groups;                   /* of each row fed */
	const int64_t *weights;           /* of each row fed; NULL: all +1 */
} Feed;

typedef struct Fold {
	const Aggregate *aggregate;
	int feed;
	int *args, arg_count;             /* inputs */
	Type *arg_types;
	uint32_t offset, bytes;           /* in the group's states */
} Fold;

typedef struct OrderedPart { int input; SortSpec spec; Type type; } OrderedPart;         /* input -1: order of arrival */

typedef struct Ordered {
	int feed;
	bool skip_first_null, skip_second_null;           /* rows whose first (second) argument is NULL are not kept */
	int first_arg, second_arg;                        /* inputs */
	OrderedPart *parts; int part_count;
	bool keep_first, keep_last;                       /* one entry a group, in its states at `offset` */
	uint32_t offset;
	uint16_t number;                                  /* in the tree's keys */
} Ordered;

typedef struct GroupCall {
	const Aggregate *aggregate;
	Type type;
	int fold;                         /* -1: */
	int ordered;
	bool reverse;                     /* the ordered's entries are read from the end */
	int *value_parts, value_count;    /* part of each argument and order key */
	Type *arg_types; int arg_count;
	Value *parameters;
} GroupCall;

typedef struct DistinctTable {
	StateMap *map;                    /* group number, packed arguments -> DistinctEntry */
	int *args, arg_count;
	bool skip_nulls;
	int feeds[64], feed_count;        /* by bit */
	int number;                       /* of the list head in groups */
} DistinctTable;

/* Values that calls had when a group was first touched in a commit: one row a touched group. */
typedef struct OldValues { char **data; uint8_t **null; int room; } OldValues;

typedef struct Touched { Group *group; bool existed; } Touched;

typedef struct Grouping {
	Op op;
	int key_count, call_count;
	ExprProgram **keys;
	Type *key_types;
	Arena *arena;                     /* op.arena */
	VEC(GroupInput) inputs;
	VEC(Feed) feeds;
	VEC(Fold) folds;
	VEC(Ordered) ordereds;
	VEC(GroupCall) calls;
	VEC(DistinctTable) tables;
	int *read_inputs, read_count;     /* all columns of the input that the operator reads, left to right: the order where there is none */
	bool append_only, has_judge, has_arrival, global, emit_on_close;
	bool first_row_decides;           /* DISTINCT over what only grows: later rows of a group change nothing */

	StateMap *groups;
	StateTree *times;                 /* closing time -> CloseTime; NULL: groups never close */
	StateTree *values;                /* of all ordereds; NULL: none */
	uint32_t judge_offset, close_offset, heads_offset, states_offset;     /* in the group's record; 0: not there */
	uint32_t state_bytes, group_bytes;
	bool states_outside;              /* in a blob */
	AggregateSpill spill;

	int close_key;                    /* -1: groups never close */
	int input_watermark;
	int64_t grace_us, delta_us;
	bool close_inclusive;
	struct { int64_t time; void *at; } time_cache[16];        /* of times: see aggregate_close.c */

	bool slices;                      /* the operator makes the windows */
	WindowShape windows;
	ExprProgram *slice_time;
	int64_t slice_us;
	int window_keys[3];               /* output key of window_start, window_end, window_time; -1: none */
	int *plain_keys, plain_key_count; /* output keys that are expressions over the input */
	State *partial_state;             /* of this commit, not saved; NULL: none */
	StateMap *partials;               /* in partial_state; EMIT ON WINDOW CLOSE: the groups; NULL: rows are repeated */

	uint64_t batch;                   /* number of the batch at hand */
	VEC(Touched) touched;
	OldValues old;
	Arena old_arena;                  /* strings of old values; cleared at commit */
	Value *key_values, *call_values, *old_row;
	BatchBuilder out;
	int64_t system_us;
} Grouping;

static inline int64_t *group_judge(const Grouping *g, Group *group) { return (int64_t *)(void *)((char *)group + g->judge_offset); }
static inline GroupClose *group_close(const Grouping *g, Group *group) { return (GroupClose *)(void *)((char *)group + g->close_offset); }
static inline uint32_t *group_heads(const Grouping *g, Group *group) { return (uint32_t *)(void *)((char *)group + g->heads_offset); }

static inline char *group_states(const Grouping *g, Group *group)
{
	if (!g->states_outside) return (char *)group + g->states_offset;
	return state_blob_change(g->op.state, group->states, NULL);
}

/* ---- aggregate_calls.c ---- */
void calls_compile(Grouping *g, const AggregateSpec *spec);
int grouping_input(Grouping *g, const OpInput *in, Expr *e);               /* number of the input, added if new */
const Column *input_column(Grouping *g, int input, const Batch *in);
/* Feeds a batch: groups of its rows, weights (NULL: all +1). */
void calls_apply(Grouping *g, Batch *in, Group **groups, const int64_t *weights);
void calls_merge(Grouping *g, Group *into, Group *from);
void calls_result(Grouping *g, Group *group, Value *values, Arena *scratch);
void calls_release(Grouping *g, Group *group);                            /* what the group's states hold outside, and its values */
void folds_release(Grouping *g, Group *group);

/* ---- aggregate_distinct.c ---- */
void distinct_open(Grouping *g, DistinctTable *table);
void distinct_apply(Grouping *g, DistinctTable *table, Batch *in, Group **groups, const int64_t *weights);
void distinct_release(Grouping *g, Group *group);

/* ---- aggregate_ordered.c ---- */
uint32_t ordered_keep_bytes(void);
void ordered_apply(Grouping *g, Ordered *ordered, Batch *in);
void ordered_result(Grouping *g, const GroupCall *call, Group *group, Value *out, Arena *scratch);
void ordered_release(Grouping *g, Ordered *ordered, Group *group);

/* ---- aggregate_close.c ---- */
void close_add(Grouping *g, Group *group, int64_t time);
void close_remove(Grouping *g, Group *group);                             /* from the list of its time */
bool is_late(const Grouping *g, int64_t time, int64_t judge);
/* Batch without the rows whose groups are closed for them; NULL: none is left. Takes over nothing; the result has a reference of its own. */
Batch *close_keep(Grouping *g, Batch *in, const Column *times);
bool close_groups(Grouping *g, Error *err);
bool is_closed(const Grouping *g, int64_t time);                          /* by the watermark of the commit */
/* Lists of g->times: */
int64_t close_list_time(const StateCursor *cursor);
Group *close_list_first(const Grouping *g, const StateCursor *cursor);
Group *close_list_next(const Grouping *g, Group *group);
void close_list_free(Grouping *g, StateCursor *cursor);                   /* with its groups; the cursor moves on */
/* The rows of all records of a map that are there, in the order of their keys */
bool records_emit(Grouping *g, const StateMap *map, Error *err);
void close_forget(Grouping *g);                                           /* pointers that must not outlive a commit */

/* ---- aggregate_slices.c ---- */
bool slices_push(Grouping *g, Batch *in, Error *err);
void slices_merge(Grouping *g);                                           /* partials of this commit into the windows' groups */
bool slices_close(Grouping *g, Error *err);

/* ---- aggregate.c ---- */
/* Groups of rows with these keys, added where new; rows are counted and touched. close_times: dense, NULL: the close key's column. */
Group **groups_find(Grouping *g, const Column *keys, int count, const int64_t *weights, const int64_t *judges, const int64_t *close_times, Arena *scratch);
bool group_emit(Grouping *g, const StateMap *map, Group *group, int64_t weight, const Value *values, Error *err);
bool groups_flush(Grouping *g, Error *err);
void group_remove(Grouping *g, Group *group);

#endif
