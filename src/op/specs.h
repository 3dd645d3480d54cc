/* What lowering (plan/) says to make operators: one spec struct and one constructor an operator.
 *
 * Expressions of a spec are in terms of ColumnIds; `layout` of an input gives the id of each of its columns, in order. The
 * constructor compiles what it needs into the operator's arena; the spec may go afterwards. Constructors only fail by assertion:
 * what cannot run was refused while planning.
 */
#ifndef WEIR_OP_SPECS_H
#define WEIR_OP_SPECS_H

#include "base/hash.h"
#include "op/op.h"

typedef struct OpInput {
	const ColumnId *layout;       /* id of each column */
	const Type *types;
	int column_count;
	bool append_only;             /* only weights > 0 come */
	const WatermarkColumn *watermarks;
	int watermark_count;
	bool has_judge;               /* batches carry Hidden.judge / Hidden.arrival */
	bool has_arrival;
	bool arrival_repeats;         /* several rows may carry one */
} OpInput;

typedef struct OpSortKey { Expr *expr; SortSpec spec; } OpSortKey;

/* ---- input.c: where the runtime pushes what a scan reads (input 0): batches are handed on as they are ---- */
Op *op_input_new(const char *label, const Type *types, int column_count);

/* ---- filter.c: rows for which the condition is true ---- */
typedef struct FilterSpec { OpInput in; Expr *condition; } FilterSpec;
Op *op_filter_new(const FilterSpec *spec);

/* ---- project.c: one expression a column. Condition (may be NULL) is applied first: filter and project in one. ---- */
typedef struct ProjectSpec { OpInput in; Expr *condition; Expr **exprs; int expr_count; } ProjectSpec;
Op *op_project_new(const ProjectSpec *spec);

/* ---- union.c: UNION ALL; all inputs have the output's types ---- */
typedef struct UnionSpec { const OpInput *ins; int in_count; const Type *types; int column_count; } UnionSpec;
Op *op_union_new(const UnionSpec *spec);

/* ---- window.c: TUMBLE, HOP, CUMULATE: each row once for each of its windows, with window_start, window_end, window_time appended.
 * Rows with NULL time are in no window and go nowhere. zone (may be NULL): windows by what the clocks of that time zone show. ---- */
typedef enum WindowKind { WINDOW_TUMBLE, WINDOW_HOP, WINDOW_CUMULATE } WindowKind;
typedef struct WindowSpec {
	OpInput in;
	WindowKind kind;
	Expr *time;
	int64_t size_us, slide_us, offset_us;        /* slide: HOP's slide, CUMULATE's step; TUMBLE: = size */
	const char *zone;
} WindowSpec;
Op *op_window_new(const WindowSpec *spec);
/* The windows of an instant, first to last; shared with the slicing aggregate. */
int window_starts(const WindowSpec *spec, int64_t time_us, int64_t *starts, int room);

/* ---- aggregate.c: GROUP BY. DISTINCT is one without calls. Output: keys, then one column a call. ---- */
typedef struct AggregateCall {
	const Aggregate *aggregate;
	Expr **args; int arg_count;
	Value *parameters; int parameter_count;     /* trailing constants */
	Expr *filter;                               /* may be NULL */
	bool distinct;
	bool ignore_nulls;                          /* first_value(x IGNORE NULLS) */
	OpSortKey *order; int order_count;          /* ORDER BY inside */
	Type type;                                  /* of the result */
} AggregateCall;

/* How a watermark ends groups: the key column key_index carries (with the input's watermark column it comes from). */
typedef struct AggregateClose {
	int key_index;                              /* -1: groups never close */
	int input_watermark;                        /* index into in.watermarks */
	int64_t grace_us;
} AggregateClose;

typedef struct AggregateSpec {
	OpInput in;
	Expr **keys; int key_count;
	AggregateCall *calls; int call_count;
	bool global;                                /* no GROUP BY: one row, always there, also over no rows */
	AggregateClose close;
	bool emit_on_close;                         /* EMIT ON WINDOW CLOSE: a group's row comes once, when it closes */
	/* HOP and CUMULATE shared by slices: input rows come without windows; the operator makes them. Output columns: the keys (of which
	 * window_start, window_end, window_time are made here and listed by the numbers below, -1: not wanted), then the calls. */
	const WindowSpec *slices;                   /* NULL: no slicing */
	int window_start_key, window_end_key, window_time_key;
} AggregateSpec;
Op *op_aggregate_new(const AggregateSpec *spec);

/* ---- join.c: all joins on equality keys and a residual; no keys: nested loop over state. Output: left columns, then right columns
 * (SEMI, ANTI: left columns only). ---- */
typedef enum JoinKind { JOIN_INNER, JOIN_LEFT, JOIN_RIGHT, JOIN_FULL, JOIN_SEMI, JOIN_ANTI } JoinKind;

/* left.time <= right.end - lower and right.time <= left.end + upper (microseconds), where both times have watermarks: an interval join. The ends are
 * the times (NULL), or columns of their own. */
typedef struct JoinInterval {
	Expr *left_time, *right_time, *left_end, *right_end;
	int64_t lower_us, upper_us;
	int left_watermark, right_watermark;
} JoinInterval;

typedef struct JoinSpec {
	JoinKind kind;
	OpInput left, right;
	Expr **left_keys, **right_keys; int key_count;
	const bool *null_equal;                     /* per key: IS NOT DISTINCT FROM; NULL: all are = */
	Expr *residual;                             /* over both sides; may be NULL */
	const JoinInterval *interval;               /* NULL: none */
	int close_key;                              /* window join: key number whose watermark closes it (both sides); -1: none */
	int left_close_watermark, right_close_watermark;     /* indexes into the inputs' watermarks for close_key */
	bool emit_on_close;                         /* outer and anti rows only when no match can come any more */
	const bool *reads;                          /* by column of left, then right: somebody above reads it (the others may come out as NULL); NULL: all */
	/* Indexes (index.c) by the same keys, that keep the side's rows; the side's input is then the index's output. NULL: the join keeps them itself.
	 * Only of plain joins without judges, and not where matches are counted for each row of the side. Not the same for both sides. */
	Op *left_index, *right_index;
	const int *left_from, *right_from;          /* by column of the side: where it stands in the index's output; NULL: in the same place */
	bool null_aware_anti;                       /* NOT IN: a NULL on the right side (of the key group) removes, a NULL left key with right rows removes */
} JoinSpec;
Op *op_join_new(const JoinSpec *spec);

/* ---- index.c: hands on what it gets, and keeps its rows by key for all joins that read them by it. Its readers are connected in topological
 * order. ---- */
typedef struct IndexSpec {
	OpInput in;
	Expr **keys; int key_count;
	const bool *null_equal;                     /* as JoinSpec's: a NULL in any other key meets nothing */
	const bool *reads;                          /* by column of the input: what joins read of it; NULL: all */
	/* Columns' names, where it may serve joins of other queries, too, and keep what they read (index.h); NULL: it keeps what `reads` says */
	const char *const *names;
} IndexSpec;
Op *op_index_new(const IndexSpec *spec);

/* ---- join_many.c: inner joins of three or more inputs by one key and nothing else. All are read from indexes, the join itself keeps nothing. ---- */
enum { JOIN_MANY_MAX = 8 };
typedef struct JoinManySpec {
	OpInput inputs[JOIN_MANY_MAX]; int input_count;       /* output: their columns, in order; an index hands them on */
	Expr **keys[JOIN_MANY_MAX]; int key_count;
	const bool *null_equal;
	const bool *reads;                                    /* by column of the output: read above, the others come out as NULL; NULL: all */
	Op *indexes[JOIN_MANY_MAX];                           /* no two are the same */
	const int *from[JOIN_MANY_MAX];                       /* by column of the input: where it stands in the index's output; NULL: in the same place */
} JoinManySpec;
Op *op_join_many_new(const JoinManySpec *spec);

/* ---- temporal_join.c: FOR SYSTEM_TIME AS OF a.at (versions by time) and AS OF PROCTIME(); also ASOF JOIN ---- */
typedef enum TemporalKind { TEMPORAL_EVENT_TIME, TEMPORAL_PROCTIME, TEMPORAL_ASOF } TemporalKind;
typedef struct TemporalJoinSpec {
	TemporalKind kind;
	bool left_outer;
	OpInput left, right;
	Expr **left_keys, **right_keys; int key_count;
	const bool *null_equal;                     /* as JoinSpec's */
	Expr *left_time, *right_time;               /* EVENT_TIME: version time; ASOF: the inequality's sides; PROCTIME: NULL */
	bool asof_strict, asof_forward;             /* right.time < (<=) left.time: the latest; forward: > (>=): the first */
	Expr *residual;
	int left_watermark, right_watermark;        /* -1: none */
} TemporalJoinSpec;
Op *op_temporal_join_new(const TemporalJoinSpec *spec);

/* ---- topn.c: per group the rows offset+1 .. offset+limit in an order. Output: the input's columns, then row_number if wanted. ---- */
typedef enum TopnRank { TOPN_ROW_NUMBER, TOPN_RANK, TOPN_DENSE_RANK } TopnRank;
typedef struct TopnSpec {
	OpInput in;
	Expr **keys; int key_count;                 /* PARTITION BY; DISTINCT ON */
	OpSortKey *order; int order_count;          /* ties: arrival where in.has_arrival, else all columns left to right */
	TopnRank rank;                              /* which function the limit speaks of */
	int64_t offset, limit;                      /* limit < 0: none */
	bool with_number;                           /* append the rank as INTEGER column */
	AggregateClose close;                       /* of the keys */
	bool emit_on_close;
} TopnSpec;
Op *op_topn_new(const TopnSpec *spec);

/* ---- over.c: window functions; recomputes the touched part of each partition. Output: input's columns, then one a call. ---- */
typedef enum FrameUnit { FRAME_ROWS, FRAME_RANGE, FRAME_GROUPS } FrameUnit;
typedef enum FrameBound { BOUND_UNBOUNDED_PRECEDING, BOUND_PRECEDING, BOUND_CURRENT_ROW, BOUND_FOLLOWING, BOUND_UNBOUNDED_FOLLOWING } FrameBound;
typedef enum FrameExclude { EXCLUDE_NO_OTHERS, EXCLUDE_CURRENT_ROW, EXCLUDE_GROUP, EXCLUDE_TIES } FrameExclude;
typedef struct Frame {
	FrameUnit unit;
	FrameBound start, end;
	Value start_offset, end_offset;             /* RANGE over times: an INTERVAL */
	FrameExclude exclude;
} Frame;
typedef enum OverKind {
	OVER_ROW_NUMBER, OVER_RANK, OVER_DENSE_RANK, OVER_PERCENT_RANK, OVER_CUME_DIST, OVER_NTILE, OVER_LAG, OVER_LEAD,
	OVER_FIRST_VALUE, OVER_LAST_VALUE, OVER_NTH_VALUE, OVER_AGGREGATE
} OverKind;
typedef struct OverCall {
	OverKind kind;
	AggregateCall aggregate;                    /* OVER_AGGREGATE; others: args in aggregate.args (lag: value, offset, default) */
	Frame frame;
} OverCall;
typedef struct OverSpec {
	OpInput in;
	Expr **keys; int key_count;
	OpSortKey *order; int order_count;          /* one order for all calls of the operator */
	OverCall *calls; int call_count;
	int close_order_watermark;                  /* input watermark of the first ORDER BY key (ascending event time), -1: none */
	AggregateClose close;                       /* of the partition keys */
	bool emit_on_close;                         /* rows come out once the watermark has passed their frame */
} OverSpec;
Op *op_over_new(const OverSpec *spec);

/* ---- session.c: session windows; appends window_start, window_end, window_time to each row (rows of one session that grows are taken
 * back and given anew). ---- */
typedef struct SessionSpec {
	OpInput in;
	Expr **keys; int key_count;
	Expr *time; int64_t gap_us;
	int input_watermark; int64_t grace_us;      /* -1: never closes */
	bool emit_on_close;
	const bool *reads;                          /* by column of the input: read above, others may come out as NULL; NULL: all are */
} SessionSpec;
Op *op_session_new(const SessionSpec *spec);

/* ---- setop.c: INTERSECT / EXCEPT [ALL] by counts per row; UNION is DISTINCT over UNION ALL ---- */
typedef enum SetopKind { SETOP_INTERSECT, SETOP_INTERSECT_ALL, SETOP_EXCEPT, SETOP_EXCEPT_ALL } SetopKind;
typedef struct SetopSpec { SetopKind kind; OpInput left, right; } SetopSpec;
Op *op_setop_new(const SetopSpec *spec);

/* ---- single.c: scalar subquery's guard: passes the group's one row; with more than one row gives NULLs instead (and counts).
 * keys empty: the whole input is one group. ---- */
typedef struct SingleSpec { OpInput in; Expr **keys; int key_count; } SingleSpec;
Op *op_single_new(const SingleSpec *spec);

/* ---- expand.c: table functions per row: UNNEST(json array), json_each, generate_series; also GROUPING SETS (each row once a set, with
 * keys nulled and a grouping id). ---- */
/* SIDE_BY_SIDE: arguments of each function, an array, or start, stop and step of a series */
enum { EXPAND_SIDE_ARGS = 3 };
typedef enum ExpandKind { EXPAND_UNNEST, EXPAND_JSON_EACH, EXPAND_JSON_TREE, EXPAND_SERIES, EXPAND_GROUPING_SETS, EXPAND_SIDE_BY_SIDE } ExpandKind;
typedef struct ExpandSpec {
	ExpandKind kind;
	OpInput in;
	Expr **args; int arg_count;
	bool outer;                                 /* LEFT JOIN LATERAL: a row without elements comes once, with NULLs */
	bool with_ordinality;
	const Type *types; int type_count;          /* of the columns appended to the input's (GROUPING_SETS: keys as they are, then grouping id) */
	const uint64_t *grouping_sets; int set_count;       /* bit i: args[i] is grouped by */
} ExpandSpec;
Op *op_expand_new(const ExpandSpec *spec);

/* ---- moving.c: what depends on now(). Output: the input's columns, then one column an item, of the rows for which the condition is true. Both change for
 * a row at its moments only. ---- */
typedef struct MovingSpec {
	OpInput in;
	ColumnId clock;                             /* stands for now() in condition and items */
	Expr **moments; int moment_count;           /* TIMESTAMP over the input; NULL: never */
	Expr *condition;                            /* NULL: every row is in */
	Expr **items; int item_count;
	bool enters_only;                           /* no moment makes the condition false */
} MovingSpec;
Op *op_moving_new(const MovingSpec *spec);

/* ---- settle.c: EMIT ON WINDOW CLOSE for rows without a window: rows of an append-only input are held until the watermark has passed their
 * event time ---- */
typedef struct SettleSpec { OpInput in; int column; int input_watermark; } SettleSpec;
Op *op_settle_new(const SettleSpec *spec);

/* ---- constant.c: VALUES and SELECT without FROM: its rows come once, at the first commit ---- */
typedef struct ConstantSpec { const Type *types; int column_count; Value *values; int row_count; } ConstantSpec;
Op *op_constant_new(const ConstantSpec *spec);

/* ---- recurse.c: WITH RECURSIVE: see op/recurse.c for how the fixpoint is kept under deletes ---- */
typedef struct RecurseSpec {
	const Type *types; int column_count;
	bool all;                                   /* UNION ALL */
	int iterations_max;
	/* The step's subgraph: reads rows at step_in (an op without inputs whose readers are the step's operators), its result is pushed
	 * into input 1 of the recurse operator; input 0 is the seed; inputs 2.. of the step from outside are ordinary edges. */
	Op *step_in;
	const OpInput *seed;
	Op **step_ops; int step_op_count;           /* in topological order; committed by the recurse operator in each iteration */
} RecurseSpec;
Op *op_recurse_new(const RecurseSpec *spec);
Op *op_step_input_new(const Type *types, int column_count);

/* ---- normalize.c: what records of a changelog do (Hidden.ops), as changes of rows; by key, or (key_count 0) of a multiset. Its input has
 * Hidden.arrival. ---- */
typedef struct NormalizeSpec { OpInput in; const int *key; int key_count; } NormalizeSpec;
Op *op_normalize_new(const NormalizeSpec *spec);

/* ---- sink.c: the end of a view: collects the commit's net changes, sorted by key ---- */
typedef struct SinkSpec {
	OpInput in;
	const int *key_columns; int key_count;      /* of the view's primary key; 0: a multiset */
} SinkSpec;
Op *op_sink_new(const SinkSpec *spec);

/* What a commit changes in a view: owns all its bytes. Rows are packed (type/row.h), in key order, with old and new of one key
 * side by side. weight > 0: appears (so many copies), < 0: disappears. hash: only where the view has no key and rows can go, else 0. */
typedef struct ChangeRow { uint32_t offset, bytes; int64_t weight; Hash128 hash; } ChangeRow;
typedef struct Changes { ChangeRow *rows; int count; char *bytes; size_t byte_count; } Changes;
/* Net changes since the last call; the caller frees with changes_release. */
void op_sink_take(Op *sink, Changes *out);
uint64_t op_sink_pending_bytes(const Op *sink);
int op_sink_pending_rows(const Op *sink);
void changes_release(Changes *changes);
/* From now on what is gathered goes to `write` as soon as it is more than so many bytes, in the midst of a commit; the callee only reads it. write NULL: no more. */
typedef bool SinkPortion(void *context, const Changes *changes, Error *err);
void op_sink_portions(Op *sink, uint64_t bytes, SinkPortion *write, void *context);

/* ---- tap.c: the end of a sink or of a continuous SELECT: every batch goes to a function of the runtime, as it is (blackhole, file, Kafka,
 * client). net: collect and net the commit's changes first, as op_sink does, and hand them over at commit. ---- */
typedef bool TapFunction(void *context, const Batch *batch, Error *err);
typedef struct TapSpec {
	OpInput in;
	TapFunction *tap; void *context;
	bool net;
	const int *key_columns; int key_count;      /* net changes come in the order of these, old and new of one key side by side; 0: none */
} TapSpec;
Op *op_tap_new(const TapSpec *spec);

#endif
