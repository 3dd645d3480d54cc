/* What the two ways of top-n share. Internal to topn*.c.
 *
 *   list   append-only input, ROW_NUMBER, at most TOPN_LIST_MAX rows: a group is a sorted array of the rows that are in, nothing else is kept.
 *   tree   all else: rows in a RowOrder; on append-only input what is past the limit is removed at each commit. */
#ifndef WEIR_OP_TOPN_H
#define WEIR_OP_TOPN_H

#include "op/emitter.h"
#include "op/keyed.h"
#include "op/row_order.h"

enum { TOPN_LIST_MAX = 32, TOPN_PREFIX_BYTES = 16 };

/* A row of a list: the beginning of its sort key, and a blob with key and packed row */
typedef struct ListRow {
	char prefix[TOPN_PREFIX_BYTES];
	StateHandle row;
	uint32_t fresh;                   /* came in this commit */
} ListRow;

typedef struct TopnGroup {
	KeyedGroup group;
	uint32_t count;                   /* list: rows */
	StateHandle list;                 /* ListRow[room], unless one row is all there can be: */
	ListRow only;
} TopnGroup;

struct TopRow;

/* What a group gave out before this commit */
typedef struct TopnNote {
	TopnGroup *group;
	ListRow *list; int list_count;
	struct TopRow *rows; int row_count;
} TopnNote;

typedef struct Topn {
	Op op;
	Keyed groups;
	RowOrder rows;
	TopnRank rank;
	int64_t offset, end;              /* numbers offset + 1 .. end; end INT64_MAX: no limit */
	bool with_number, emit_on_close, append_only, has_judge;
	int list_room;                    /* 0: the tree way */
	StrBuf blob;                      /* of the last row that went into a list */
	StrBuf ties[2];                   /* list: of two rows that are compared */
	VEC(TopnNote) notes;              /* heap */
	Arena noted;                      /* what notes point to, until the commit */
} Topn;

TopnNote *topn_note(Topn *topn, TopnGroup *group, bool *made);

bool topn_list_push(Topn *topn, Batch *in);
void topn_list_commit(Topn *topn, TopnNote *note, Emitter *emitter);
void topn_list_close(Topn *topn, TopnGroup *group, Emitter *emitter);

bool topn_tree_push(Topn *topn, Batch *in);
void topn_tree_commit(Topn *topn, TopnNote *note, Emitter *emitter);
void topn_tree_close(Topn *topn, TopnGroup *group, Emitter *emitter);

#endif
