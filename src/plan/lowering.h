/* Between the files of lowering: lower.c drives and knows scans, lower_*.c know one family of nodes each, share.c finds equal subtrees.
 *
 * A lowered node is an operator and the ids of its columns (`edge.layout`), which may be more columns than the plan's node gives out and in
 * another order: who reads by id does not care, so projections that only choose and rename cost nothing. Who keeps rows or goes by position
 * asks for exact columns (lower_exact).
 */
#ifndef WEIR_PLAN_LOWERING_H
#define WEIR_PLAN_LOWERING_H

#include "base/hash.h"
#include "plan/facts.h"
#include "plan/lower.h"

typedef struct LoweredNode {
	Op *op;
	OpInput edge;
	uint64_t sources;                     /* bits of Lowered.sources */
	bool reads_views;                     /* not all its sources have bits */
	Sharing sharing;                      /* of what stands above, at most */
	const Relation *stream;               /* the one local stream that all its rows come from, in their order; NULL: not so */
} LoweredNode;

/* A class of subtrees that are equal but for column numbers; lowered once. */
typedef struct AlikeClass {
	const char *text; size_t bytes; uint64_t hash;
	Plan *first;
	bool is_needed, want_judge, want_arrival;     /* some reader asks for it */
	bool before_others;
	bool is_inside;                       /* a join that the one above it takes in (lower_many.c) */
	bool is_lowered, has_exact;
	LoweredNode node, exact;              /* layout in the ids of `first` */
} AlikeClass;

/* Rows of one class by the same keys, kept once for all joins that read them so (lower_index.c). */
typedef struct SharedIndex {
	const char *text; size_t bytes;       /* class and keys */
	Plan *base;                           /* of the first join that was found; its ids name keys and columns */
	Expr **keys; const bool *null_equal; int key_count;
	bool *reads;                          /* by column of base: some join reads it */
	const Plan *last_join; int join_count;
	bool of_table;                        /* other queries will want it, too */
	bool of_whole_rows;                   /* base gives all columns of a table: what is kept of them is settled with other queries */
	bool is_lowered;
	LoweredNode node;
	Hash128 contents;                     /* of keys and columns */
	Hash128 shared;                       /* the same, less what other queries' indexes may have otherwise */
} SharedIndex;

/* Columns of a table that the query reads itself, where indexes are given all of them. */
typedef struct WholeTable { const Relation *relation; bool *reads; } WholeTable;

typedef struct Lowering {
	PlanContext *context;
	Arena *arena;
	Lowered *out;
	Error *err;
	VEC(AlikeClass *) classes;            /* Plan.alike - 1 */
	VEC(const Plan *) recursions;
	VEC(SharedIndex *) indexes;
	int class_count;                      /* of the plan: those behind are of scans of whole tables */
	VEC(WholeTable) whole_tables;
	struct Recursion *recursion;          /* lower_recursive.c: the step being lowered; NULL */
} Lowering;

/* share.c */
void share_classes(Lowering *lowering, Plan *plan);           /* sets Plan.alike of all nodes */
/* Expressions over the input's columns, as classes are written down */
void share_write_exprs(Lowering *lowering, Plan *input, Expr *const *exprs, int count, StrBuf *out);
static inline AlikeClass *alike(const Lowering *lowering, const Plan *plan) { return lowering->classes.at[plan->alike - 1]; }

/* needs.c: which subtrees must carry hidden columns */
void lower_needs(Lowering *lowering, Plan *root, bool judge);
bool aggregate_wants_arrival(const Plan *plan);

/* lower_many.c: inner joins, one above the other, whose inputs meet by one key and nothing else. */
typedef struct JoinLeaf { Plan *plan; Expr **keys; } JoinLeaf;
typedef struct JoinChain { VEC(JoinLeaf) leaves; int key_count; const bool *null_equal; } JoinChain;
/* The inputs of all joins from this one down that can be one operator; no more than two: it stands alone. */
void lower_chain_find(Lowering *lowering, Plan *join, JoinChain *out);
void lower_chain_mark(Lowering *lowering, Plan *join);        /* AlikeClass.is_inside of those below it */
bool lower_many(Lowering *lowering, Plan *join, const JoinChain *chain, LoweredNode *out);

/* lower_index.c */
/* The index of an input of such a chain; its leaves all have one, and no two the same. */
SharedIndex *lower_index_of_leaf(Lowering *lowering, const JoinChain *chain, const JoinLeaf *leaf);
bool lower_leaves_differ(Lowering *lowering, const JoinChain *chain);
bool lower_is_in_step(Lowering *lowering, Plan *plan);        /* reads the rows of a step of a recursion that is not its own */
void lower_choose_indexes(Lowering *lowering);                /* once needs are known */
/* The index that this side of a plain join reads; NULL: the join keeps its rows itself */
SharedIndex *lower_index_of(Lowering *lowering, Plan *join, const JoinShape *shape, int side);
/* out: what the index hands on, as the side's columns. from: where in the index's output each of them stands */
bool lower_index(Lowering *lowering, SharedIndex *index, Plan *side, LoweredNode *out, const int **from);
/* Which columns of this relation, read whole, the query reads itself; NULL: it is not read whole */
const bool *lower_whole_reads(const Lowering *lowering, const Plan *scan);

/* lower.c */
bool lower_plan(Lowering *lowering, Plan *plan, LoweredNode *out);
bool lower_exact(Lowering *lowering, Plan *plan, LoweredNode *out);
bool lower_narrow(Lowering *lowering, Plan *plan, LoweredNode *out);          /* no other columns than the plan's, in any order */
/* Puts a new operator into the graph: connects it, tells it what it may know of its inputs, derives its watermark rules from the node's facts.
 * layout: ids of its columns (NULL: the plan's). label: for EXPLAIN and metrics; detail may be NULL. */
typedef struct NewOp {
	Op *op;
	const LoweredNode *inputs; int input_count;
	const ColumnId *layout;
	const char *detail;
	Hash128 contents;                     /* what it keeps, as far as the node does not say, hashed */
	Hash128 shared;                       /* the same as far as it must be equal in queries that share the operator */
} NewOp;
void lower_add(Lowering *lowering, const Plan *plan, const NewOp *new_op, LoweredNode *out);
/* lower_index.c: what the contents of a join are besides, whose input number i is the index's */
void lower_add_index_contents(const SharedIndex *index, int i, NewOp *new_op);
/* Index among the edge's watermark columns of the one on this column; -1: none */
int edge_watermark(const OpInput *edge, ColumnId column);
/* Under projections that only choose: `ids[i]` is what column i of the plan is called there. */
Plan *lower_below_choices(Lowering *lowering, Plan *plan, ColumnId **ids);
bool lower_refuse(Lowering *lowering, const Plan *plan, const char *what);
const char *lower_expr_text(Lowering *lowering, const Plan *plan, const Expr *e);     /* columns by name */
const char *lower_exprs_text(Lowering *lowering, const Plan *plan, Expr *const *exprs, int count);
bool project_only_chooses(const Plan *plan);          /* lower_linear.c: columns, each once */
ColumnId *lower_ids(Lowering *lowering, const Plan *plan);
ColumnId *lower_ids_behind(Lowering *lowering, const OpInput *edge, const ColumnId *more, int count);

/* one function a kind of node */
typedef bool LowerFunction(Lowering *lowering, Plan *plan, LoweredNode *out);
LowerFunction lower_scan, lower_values, lower_filter, lower_project, lower_union, lower_window, lower_expand, lower_shared, lower_aggregate,
	lower_join, lower_sort, lower_topn, lower_over, lower_setop, lower_recursive, lower_step_input, lower_single, lower_moving, lower_settle;

#endif
