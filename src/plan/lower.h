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

#include "plan/plan.h"

typedef struct LoweredScan {
	Relation *relation;           /* a reference */
	ColumnPath *columns; int column_count;
	Type *types;
	Op *op;                       /* its types are the columns' */
	bool want_judge, want_arrival;
	bool before_others;           /* the table of a PROCTIME join: its changes come before those of the left side */
} LoweredScan;

typedef struct Lowered {
	VEC(Op *) ops;                /* all, in topological order; ids 0, 1, ... */
	VEC(LoweredScan) scans;
	Op *root;                     /* gives the result's columns */
	const char **names; Type *types; bool *nullable; int column_count;
	bool append_only;
	int *key; int key_count;      /* result columns that are unique and exact in the file; count 0 with has_key: at most one row */
	bool has_key;
	struct { int column; int64_t delta_us; bool inclusive; } watermarks[OP_WATERMARKS_MAX]; int watermark_count;
	uint64_t graph_hash;
	Arena arena;                  /* owns names, scans, key */
} Lowered;

Lowered *plan_lower(PlanContext *context, Plan *plan, Error *err);
void lowered_free(Lowered *lowered, bool with_ops);

/* EXPLAIN PHYSICAL: one operator a line, with edges (append-only or updating, watermark columns) and the bound of its state. */
void lowered_print(const Lowered *lowered, StrBuf *out);

#endif
