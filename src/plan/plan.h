/* The logical algebra: what a query means, as a tree of relational operators over typed expressions.
 *
 * Made by bind/, rewritten by the rules of rules.def (each a function Plan* -> Plan*, verified after each in debug builds), printed by
 * EXPLAIN, printed as SQL for SQLite (ad-hoc queries), and lowered to a graph of op/ (continuous queries).
 *
 * Columns have numbers (ColumnId) unique in the statement; every node makes or passes on columns. What a node gives out is `columns`, in order.
 * A subquery in an expression is an EXPR_SUBQUERY with a Plan of its own; columns that it takes from outside are its free columns
 * (plan_free_columns). Unnesting (unnest.c) turns all of them and dependent joins into plain joins, after Neumann and Kemper,
 * "Unnesting Arbitrary Queries" (BTW 2015). Plans live in the statement's arena and are immutable to others than the rule that made them.
 */
#ifndef WEIR_PLAN_PLAN_H
#define WEIR_PLAN_PLAN_H

#include "catalog/catalog.h"
#include "op/specs.h"

typedef enum PlanKind {
	PLAN_SCAN,            /* a stream, table or materialized view */
	PLAN_VALUES,          /* constant rows (one row of no columns: SELECT without FROM) */
	PLAN_FILTER,
	PLAN_PROJECT,
	PLAN_JOIN,
	PLAN_AGGREGATE,       /* GROUP BY; DISTINCT is one without calls */
	PLAN_WINDOW,          /* TUMBLE, HOP, CUMULATE, SESSION: appends window_start, window_end, window_time */
	PLAN_OVER,            /* window functions: appends one column a call */
	PLAN_SORT,            /* ORDER BY [LIMIT [OFFSET]]: alone without effect in a view; with a limit a top-n */
	PLAN_TOPN,            /* per group: DISTINCT ON, ROW_NUMBER() <= n (made by a rule from OVER + FILTER) */
	PLAN_UNION,           /* UNION ALL of any number of inputs */
	PLAN_SETOP,           /* INTERSECT, EXCEPT [ALL] */
	PLAN_EXPAND,          /* UNNEST, json_each, generate_series (of a row's own values: lateral) */
	PLAN_SHARED,          /* a CTE that is used more than once: all uses point to one `shared` plan and rename its columns */
	PLAN_RECURSIVE,       /* WITH RECURSIVE */
	PLAN_STEP_INPUT,      /* inside the recursive part: the rows of the step before */
	PLAN_SINGLE,          /* at most one row (per group of keys) else NULLs: guard of scalar subqueries; made by unnesting */
	PLAN_MOVING,          /* what depends on now(): a condition, columns that it appends; made by a rule */
	PLAN_SETTLE,          /* EMIT ON WINDOW CLOSE of rows without window; made by a rule */
	PLAN_KIND_COUNT
} PlanKind;

typedef struct PlanColumn {
	ColumnId id;
	const char *name;             /* as the result shows it */
	Type type;
	bool nullable;
} PlanColumn;

/* A column that a scan reads: the relation's column, or a field inside a ROW column. */
typedef struct ScanColumn { ColumnPath path; } ScanColumn;

typedef enum PlanJoinForm { JOIN_FORM_PLAIN, JOIN_FORM_TEMPORAL_EVENT, JOIN_FORM_TEMPORAL_PROC, JOIN_FORM_ASOF } PlanJoinForm;

typedef struct PlanCall { ColumnId id; AggregateCall call; } PlanCall;              /* exprs in terms of the input's columns */
typedef struct PlanOverCall { ColumnId id; OverCall call; } PlanOverCall;
typedef struct PlanItem { ColumnId id; Expr *expr; } PlanItem;                    /* PROJECT's columns, AGGREGATE's keys */

typedef enum PlanWindowKind { PLAN_WINDOW_TUMBLE, PLAN_WINDOW_HOP, PLAN_WINDOW_CUMULATE, PLAN_WINDOW_SESSION } PlanWindowKind;

/* Facts about a node's output, derived bottom-up by plan_derive (properties.c); never stored across rewrites. */
typedef struct PlanKey { ColumnId *columns; int count; } PlanKey;
/* The watermark of an output column is the least over its terms: an input's watermark on a column, less delta_us. Scans have no terms. */
typedef struct PlanWatermarkTerm { int input; ColumnId column; int64_t delta_us; } PlanWatermarkTerm;    /* input -1: the clock */
typedef struct PlanWatermark {
	ColumnId column;
	int64_t delta_us; bool inclusive;                 /* as WatermarkColumn has them */
	bool soft;                                        /* late rows still pass: who closes by it must judge rows (no stateful operator below did) */
	bool versions;                                    /* of a table that takes UPDATE or DELETE: for temporal joins only */
	bool clock;                                       /* of PROCTIME(): nothing is ever late for it */
	int window;                                       /* > 0: made by a window; columns of one window share the number */
	bool is_window_time;                              /* window_end less 1 ms, on a grid of whole ms */
	PlanWatermarkTerm *terms; int term_count;
} PlanWatermark;
typedef struct PlanDependency { ColumnId *from; int from_count; ColumnId to; } PlanDependency;      /* equal `from` means equal `to` */
typedef struct PlanFacts {
	bool derived;
	bool append_only;
	PlanKey *keys; int key_count;                     /* sets of columns that are unique; count 0 in a key: at most one row */
	PlanWatermark *watermarks; int watermark_count;   /* columns on which a watermark travels */
	PlanDependency *dependencies; int dependency_count;
	bool has_judge, has_arrival;                      /* hidden columns that rows can carry */
	bool arrival_repeats;                             /* several rows may carry one arrival: windows repeat rows */
	bool grows;                                       /* what it holds grows as long as streams flow */
	bool closes; ColumnId close_column;               /* stateful: forgets by the watermark on this column of its (first) input; 0: on its time */
	bool bounded; const char *bound_by;               /* state: by what it is bounded, or why not; for EXPLAIN and CREATE's warning */
} PlanFacts;

struct Plan {
	PlanKind kind;
	Span span;
	PlanColumn *columns; int column_count;
	Plan **inputs; int input_count;
	PlanFacts facts;

	Relation *relation; ScanColumn *scan_columns;                     /* SCAN: scan_columns[i] is columns[i] */
	bool whole;                                                       /* SCAN: all columns, for an index; made by lowering */
	Expr *condition;                                                  /* FILTER, JOIN, MOVING; SCAN after pushdown: none (a FILTER stays above) */
	PlanItem *items; int item_count;                                  /* PROJECT, MOVING: columns; AGGREGATE: keys */
	PlanCall *calls; int call_count; bool global;                     /* AGGREGATE */
	uint64_t *grouping_sets; int grouping_set_count; ColumnId grouping_id;    /* AGGREGATE: bit i = items[i]; 0 sets: plain; grouping_id 0: not asked */
	JoinKind join; PlanJoinForm join_form; bool dependent;            /* JOIN; dependent: the right side sees the left's columns (LATERAL) */
	bool null_aware_anti;                                             /* JOIN_ANTI of NOT IN */
	const bool *reads;                                                /* JOIN, session WINDOW: by column: read above; NULL: all are */
	Expr *time_of;                                                    /* TEMPORAL_EVENT: AS OF this expression of the left side */
	int64_t grace_us;                                                 /* WINDOW, JOIN by time: ksqlDB's GRACE PERIOD; AGGREGATE inherits */
	PlanWindowKind window; Expr *time; int64_t size_us, slide_us, offset_us; const char *zone;     /* WINDOW; SESSION: size = gap */
	ColumnId window_start, window_end, window_time;                   /* WINDOW: ids of the appended columns */
	Expr **partition; int partition_count;                            /* OVER, TOPN, SESSION, SINGLE */
	OpSortKey *order; int order_count;                                /* OVER, SORT, TOPN */
	PlanOverCall *over_calls; int over_call_count;                    /* OVER */
	int64_t limit, offset; TopnRank rank; ColumnId rank_column;       /* SORT, TOPN: limit -1: none; rank_column 0: not asked */
	Value *values; int row_count;                                     /* VALUES: row by row */
	SetopKind setop;                                                  /* SETOP */
	ExpandKind expand; Expr **args; int arg_count; bool outer, with_ordinality;   /* EXPAND */
	Plan *shared; ColumnId *shared_columns;                           /* SHARED: columns[i] is shared->columns' shared_columns[i]; STEP_INPUT: shared is the RECURSIVE node */
	bool all; int iterations_max;                                     /* RECURSIVE: UNION ALL; inputs[0] seed, inputs[1] step */
	bool enters_only, ends;                                           /* MOVING, whose moments are args, and items columns: no row leaves again; every row does */
	ColumnId settle_column;                                           /* SETTLE */
	const char *sort_collation;                                       /* reserved */
	int alike;                                                        /* lowering: number of the class of equal subtrees; 0: none yet */
};

/* Kept with a view, so that a newer Weir can plan it as it was: by the rules of rules.def whose `since` is no later, and by lowering. */
enum { PLAN_RULES_VERSION = 3, PLAN_WHOLE_TABLES_SINCE = 3 };        /* indexes of tables are given whole rows (lower_index.c) */

/* What a statement's planning shares: arena, column numbers. */
typedef struct PlanContext {
	Arena *arena;
	ColumnId next_column;
	bool emit_on_close;               /* of the statement */
	uint64_t rules_off;               /* tests: bit i = rule i is switched off */
	int rules_version;                /* rules made after it are not applied: views of older files; 0: all are */
	bool result_is_final;             /* nobody reads the result as a relation (sinks, clients): it need not carry what later views ask for */
	VEC(char *) warnings;             /* arena; unbounded state ... */
} PlanContext;

Plan *plan_new(PlanContext *context, PlanKind kind, int input_count);
ColumnId plan_column_new(PlanContext *context);
/* A deep copy in which every column that is made inside has a new number; ids[i] (may be NULL): that of plan->columns[i]. Columns from outside
 * stay; shared plans are copied once. */
Plan *plan_copy(PlanContext *context, const Plan *plan, ColumnId *ids);
const PlanColumn *plan_column(const Plan *plan, ColumnId id);                       /* NULL: not given out */
Expr *plan_column_expr(PlanContext *context, const Plan *plan, int column);         /* EXPR_COLUMN for output column */

/* All rewrites, in the order of rules.def: unnest, push down, prune, fold, top-n, moving, settle ... ; the result can be lowered or is refused:
 * ERR_UNSUPPORTED with the form's name and span. */
/* Rules of these names, with commas between, as PlanContext.rules_off. Unknown ones, and those that plans cannot do without: ERR_INVALID_PARAMETER. */
bool plan_rules_off(const char *names, uint64_t *off, Error *err);
const char *plan_rules_names(uint64_t off, char *text, size_t bytes);            /* the same as names; gives text */
Plan *plan_optimize(PlanContext *context, Plan *plan, Error *err);
void plan_derive(PlanContext *context, Plan *plan);
void plan_verify(const Plan *plan);                  /* debug: every column that is read is given out below, types fit */

/* EXPLAIN: one node a line, indented; facts: with keys, append-only/updating and bounds. */
void plan_print(const Plan *plan, bool facts, StrBuf *out);

#endif
