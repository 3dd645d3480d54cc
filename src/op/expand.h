/* What expand.c and its ways of making rows share. Internal to expand*.c. */
#ifndef WEIR_OP_EXPAND_H
#define WEIR_OP_EXPAND_H

#include "op/exprs.h"

enum { EXPAND_ROWS_OF_ONE_MAX = 16 << 20 };

typedef VEC(Value) ExpandList;

/* Rows being made: each is a row of the input, with values for the columns that are appended. */
typedef struct Expansion {
	Op *op;
	Batch *in;                        /* without selection */
	Error *err;
	int row;                          /* of the input, that is being expanded */
	int64_t made;                     /* rows of it so far */
	bool fine;                        /* false: a reader refused, or too many rows */
	int count;
	uint32_t rows[BATCH_ROWS_MAX];
	Value *values;                    /* count times type_count; strings lie in the input or in scratch */
	const Type *types;
	int type_count;
	ExpandList *list; Type list_type; /* not NULL: rows of one column go here instead */
	bool with_ordinality;             /* the last column counts the rows of an input row */
} Expansion;

/* A new row: its values, typed and NULL, to be filled; NULL when it is no use going on. */
Value *expansion_row(Expansion *expansion);

/* expand_json.c: rows for one JSON value; path NULL: the whole. A path that is none, or that leads nowhere, gives no rows. */
void expand_json_each(Expansion *expansion, const Str *json, const Str *path);
void expand_json_tree(Expansion *expansion, const Str *json, const Str *path);
void expand_json_elements(Expansion *expansion, const Str *json);

#endif
