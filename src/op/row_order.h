/* RowOrder: the rows of many groups, each group's in an order, in one StateTree.
 *
 * Key: group number (4 bytes, big-endian), sort keys of the ORDER BY, then what decides ties: the order of arrival where rows have one, then
 * all columns left to right unless each row has an arrival of its own. Where the columns are in the key it is the row; else the packed row
 * lies in a blob. The payload begins with a RowEntry; what follows is the operator's.
 */
#ifndef WEIR_OP_ROW_ORDER_H
#define WEIR_OP_ROW_ORDER_H

#include "op/exprs.h"

typedef struct RowEntry {
	int64_t weight;                   /* copies; may be 0 or less within a commit */
	int64_t judge;                    /* the highest that the row came with */
	StateHandle row;                  /* packed row; 0: the key holds it */
	uint32_t order_bytes;             /* of the key up to the tie: group and sort keys */
} RowEntry;

typedef struct RowOrder {
	State *state;
	StateTree *tree;
	const Type *types;                /* of stored rows */
	int column_count;
	Exprs order;
	SortSpec *specs;
	bool by_arrival, by_columns;      /* what decides ties, in this order */
	StrBuf key;                       /* of the last ordered_key() */
	uint32_t order_bytes;
} RowOrder;

/* Opens a tree in the state. payload_bytes >= sizeof(RowEntry). types must live as long. */
void row_order_init(RowOrder *rows, State *state, Arena *arena, const OpInput *in, const OpSortKey *order, int order_count, uint32_t payload_bytes);
void row_order_release(RowOrder *rows);
/* Rows stored are wider than the input's (computed columns appended): types of all */
void row_order_widen(RowOrder *rows, const Type *types, int column_count);

/* Sets rows->key to the key of one row. order: exprs_eval(&rows->order), read at order_row; columns: of the stored row; arrival: NULL where
 * there is none */
void row_order_key_of(RowOrder *rows, uint32_t group, const Column *order, int order_row, const Column *columns, int row, const Int128 *arrival);
static inline void row_order_key(RowOrder *rows, uint32_t group, const Column *order, const Column *columns, int row, const Int128 *arrival)
{
	row_order_key_of(rows, group, order, row, columns, row, arrival);
}
/* The same without the group, and without the columns that decide where there is no arrival (in the order ROW_ORDER_TIE) */
void row_order_key_short(RowOrder *rows, const Column *order, int row, const Int128 *arrival);
#define ROW_ORDER_TIE ((SortSpec){.descending = false, .nulls_last = false})
/* The arrival of the row of an entry; 0 where rows have none */
Int128 row_order_arrival(const RowOrder *rows, const void *key, const RowEntry *entry);
/* The entry of rows->key with weight added; made if missing. Valid until the next change of the tree. */
RowEntry *row_order_change(RowOrder *rows, const Column *columns, int row, int64_t weight, int64_t judge);
/* Frees what the entry under the cursor owns and removes it; the cursor moves on. */
void row_order_remove(RowOrder *rows, StateCursor *cursor);
/* Values of the row of an entry; strings lie in state or arena. */
void row_order_read(const RowOrder *rows, const void *key, const RowEntry *entry, Value *values, Arena *arena);

/* Cursor on the first entry of the group / of the group with key >= the given one */
bool row_order_first(RowOrder *rows, StateCursor *cursor, uint32_t group);
static inline RowEntry *row_order_entry(const StateCursor *cursor) { return state_cursor_payload(cursor); }
/* Is the cursor valid and in the group? */
bool row_order_in_group(const StateCursor *cursor, uint32_t group);
void row_order_group_key(char key[4], uint32_t group);

#endif
