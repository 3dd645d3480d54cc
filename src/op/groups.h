/* Groups: the keyed groups of an operator, which of them changed in this commit, and the index by which a watermark ends them.
 *
 * A group's payload begins with a Group. Notes of a commit (what a group was before) are the operator's: group->note is 1 + the number of
 * its note, 0 while it is untouched, and is 0 again at the end of each commit, since notes are not saved. */
#ifndef WEIR_OP_GROUPS_H
#define WEIR_OP_GROUPS_H

#include "op/closing.h"
#include "op/exprs.h"

typedef struct Group {
	int64_t judge;                    /* the highest of its rows */
	uint32_t note;
	uint32_t reserved;
} Group;

typedef struct Groups {
	State *state;
	StateMap *map;
	StateTree *closing_index;         /* key value that the watermark ends, group number */
	Exprs keys;
	Closing closing;
	bool has_judge;
} Groups;

/* Opens a map and a tree in the state. */
void groups_init(Groups *groups, State *state, Arena *arena, const OpInput *in, Expr *const *keys, int key_count, const AggregateClose *close, uint32_t payload_bytes);
void groups_release(Groups *groups);

/* The groups of the rows of a batch without selection; found[i] is NULL where there is none yet or the row is late (then late[i]; counted
 * by op_late with in's row numbers). */
typedef struct GroupRows { Column *keys; PackedRows packed; void **found; bool *late; } GroupRows;
GroupRows groups_find(Groups *groups, Op *op, const Batch *in, const Batch *dense);
/* The group of row i, which is not late: made if missing (its payload is zero but for judge NONE); with its judge raised by the row's. */
Group *groups_row(Groups *groups, const GroupRows *rows, const Batch *dense, int i, bool *added);
static inline uint32_t groups_number(const Groups *groups, const Group *group) { return state_map_number(groups->map, group); }
/* Removes it from map and index; what its payload owns is freed before. */
void groups_remove(Groups *groups, Group *group);
/* The next group that the watermark of this commit closes, NULL: none. It is to be removed before the next call. */
Group *groups_next_closed(Groups *groups, const Op *op);

#endif
