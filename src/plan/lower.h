/* Lowering: from a logical plan to operators. The one place where the compile side and the run side meet.
 *
 *     Lowered *lowered = plan_lower(&context, plan, &target, &err);
 *     // runtime: attaches lowered->scans to its readers, adds lowered->ops to its graph
 *
 * The runtime owns the operators afterwards. Scans are `input` operators without inputs of their own: the runtime pushes batches into them
 * whose columns are exactly scan.columns (in order), with Hidden.judge / arrival where asked. Deterministic: the same plan gives the same
 * operators in the same order with the same labels, so that saved state finds its operator by number (`graph_hash` says whether it fits).
 */
#ifndef WEIR_PLAN_LOWER_H
#define WEIR_PLAN_LOWER_H

#include "base/hash.h"
#include "plan/plan.h"

typedef struct LoweredScan {
	Relation *relation;           /* a reference */
	ColumnPath *columns; int column_count;
	Type *types;
	Op *op;                       /* its types are the columns'; its watermark columns: the stream's event time if it is among them; of a view
	                                 those of view_watermarks, in order, whose column is among them */
	bool want_judge, want_arrival;
	bool before_others;           /* the table of a PROCTIME join: its changes come before those of the left side */
	const bool *reads;            /* by column: the query reads it, the others are there for other queries' joins (lower_index.c); NULL: all are read */
} LoweredScan;

/* When operators of the same identity, of whatever queries, have the same state and give the same rows.
 *   SHARED_BY_ROWS      when they have been given the same rows: they depend on nothing else, and have them from local relations and views
 *   SHARED_BY_HISTORY   when they have seen the same commits from the first row on: watermarks, the order of arrival, the clock, records of a source
 *                       that are dead for some queries
 *   SHARED_BY_ORDER     when they have been given all rows of the one local stream that they depend on, which gives them in the order of its statements
 *                       whenever it does; each is judged by those before it, so neither commits nor other relations matter */
typedef enum Sharing { SHARED_NEVER, SHARED_BY_HISTORY, SHARED_BY_ORDER, SHARED_BY_ROWS } Sharing;

/* What EXPLAIN says of an operator beside its edges. */
typedef struct LoweredNote {
	Op *op;
	bool in_step;                 /* inside of a recursion: owned and committed by its operator, not in Lowered.ops */
	const char *text;             /* keys, conditions */
	bool stateful, bounded; const char *bound;
	Op **inputs; int input_count;
	struct { const char **at; int count; } *input_names;          /* of each input's columns, no two alike */
	WatermarkColumn *watermarks;  /* of its output: op->rule_count of them */
	Hash128 contents;             /* what it keeps besides what its node says, hashed; 0: nothing */
	Hash128 identity;
	Sharing sharing;
	bool of_rows;                 /* what it keeps and gives is a matter of the rows that it is given alone: its watermarks, if any, it only passes on */
	int node;                     /* number of the node that it was made for, of the nodes of this query */
} LoweredNote;

typedef struct Lowered {
	VEC(Op *) ops;                /* all, in topological order; ids 0, 1, ... */
	VEC(LoweredNote) notes;       /* in the order of making */
	VEC(LoweredScan) scans;
	/* Streams (and tables with versions) whose watermarks judge: bit i of Op.in_sources is sources.at[i]. Inputs that read a view have no bits. */
	VEC(Relation *) sources;
	Op *root;                     /* gives the result's columns; its rows carry Hidden.judge where has_judge says so */
	bool has_judge;
	const char **names; Type *types; bool *nullable; int column_count;
	bool append_only;
	bool of_rows;                 /* its result is a matter of the rows of what it reads alone: not of watermarks, their order or the clock */
	int *key; int key_count;      /* result columns that are unique and exact in the file; count 0 with has_key: at most one row */
	bool has_key;
	struct { int column; int64_t delta_us; bool inclusive; } watermarks[OP_WATERMARKS_MAX]; int watermark_count;
	uint64_t graph_hash;
	bool is_other;                    /* than what the relation's state was saved by: set by whoever knows (engine/) */
	Arena arena;                  /* owns names, scans, key */
} Lowered;

Lowered *plan_lower(PlanContext *context, Plan *plan, Error *err);
/* Of a table from a changelog (relation_is_changelog): its one scan reads the relation itself. */
Lowered *plan_lower_changelog(Relation *relation);
void lowered_free(Lowered *lowered, bool with_ops);

/* EXPLAIN PHYSICAL: one operator a line, with edges (append-only or updating, watermark columns) and the bound of its state. */
void lowered_print(const Lowered *lowered, StrBuf *out);

#endif
