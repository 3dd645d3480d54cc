/* Keyed: the keyed groups of an operator, which of them changed in this commit, and the index by which a watermark ends them.
 *
 * A group's payload begins with a KeyedGroup. Notes of a commit (what a group was before) are the operator's: group->note is 1 + the number of
 * its note, 0 while it is untouched, and is 0 again at the end of each commit, since notes are not saved. */
#ifndef WEIR_OP_KEYED_H
#define WEIR_OP_KEYED_H

#include "op/closing.h"
#include "op/exprs.h"

typedef struct KeyedGroup {
	int64_t judge;                    /* the highest of its rows */
	uint32_t note;
	uint32_t reserved;
} KeyedGroup;

typedef struct Keyed {
	State *state;
	StateMap *map;
	StateTree *closing_index;         /* key value that the watermark ends, group number */
	Exprs keys;
	Closing closing;
	bool has_judge;
} Keyed;

/* Opens a map and a tree in the state. */
void keyed_init(Keyed *groups, State *state, Arena *arena, const OpInput *in, Expr *const *keys, int key_count, const AggregateClose *close, uint32_t payload_bytes);
void keyed_release(Keyed *groups);

/* The groups of the rows of a batch without selection; found[i] is NULL where there is none yet or the row is late (then late[i]; counted
 * by op_late with in's row numbers). */
typedef struct KeyedRows { Column *keys; PackedRows packed; void **found; bool *late; bool *made; } KeyedRows;
KeyedRows keyed_find(Keyed *groups, Op *op, const Batch *in, const Batch *dense);
/* For who keeps something of every row that is not late: where no group is ever closed all are made at once, and made[i] says which are new. */
KeyedRows keyed_reach(Keyed *groups, Op *op, const Batch *in, const Batch *dense);
/* The group of row i, which is not late: made if missing (its payload is zero but for judge NONE); with its judge raised by the row's. */
KeyedGroup *keyed_row(Keyed *groups, const KeyedRows *rows, const Batch *dense, int i, bool *added);
static inline uint32_t keyed_number(const Keyed *groups, const KeyedGroup *group) { return state_map_number(groups->map, group); }
/* Removes it from map and index; what its payload owns is freed before. */
void keyed_remove(Keyed *groups, KeyedGroup *group);
/* The next group that the watermark of this commit closes, NULL: none. It is to be removed before the next call. */
KeyedGroup *keyed_next_closed(Keyed *groups, const Op *op);

#endif
