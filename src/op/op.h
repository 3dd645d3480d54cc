/* Operators: each turns changes of its inputs into changes of its output.
 *
 * An operator is a node of a graph with numbered inputs and one output that any number of others read. It gets batches by push()
 * and passes batches on by op_emit(). Operators know no neighbour, no thread, no clock and no file: what they need of time comes
 * with the batch (judge, system_us) or with the commit.
 *
 *   push     changes of one input. Linear operators and joins pass results on at once; operators with per-key state note which keys
 *            changed and wait for commit.
 *   commit   once per commit, in topological order, after all inputs had their commit: emit old against new of each key that changed,
 *            emit and free what the watermark closed. in_watermarks say how far each input is (set before the call).
 *
 * Within one commit an operator sees the same rows in any grouping into batches and must give the same net changes.
 * Rows carry the watermark that judges them (Hidden.judge) where the graph asks for it; what is made of several rows carries the
 * highest; an operator that drops a row as late counts it with op_late().
 *
 * Watermarks. An edge has a list of watermark columns (WatermarkColumn); each stands for a watermark W of its column:
 * no change for a value < W can come any more (inclusive: nor for a value = W, as for window ends). W is WATERMARK_NONE before
 * the first. The runtime computes an operator's out_watermarks after its commit from its rules: the minimum over the
 * rule's terms of (input watermark - delta).
 */
#ifndef WEIR_OP_OP_H
#define WEIR_OP_OP_H

#include <stdatomic.h>

#include "base/vec.h"
#include "expr/aggregate.h"
#include "expr/expr.h"
#include "state/state.h"
#include "type/batch.h"
#include "type/row.h"

typedef struct Op Op;

typedef struct CommitInfo {
	uint64_t commit;              /* number of the commit */
	int64_t system_us;            /* its clock */
	bool closing;                 /* reserved: all sources are closed for good */
} CommitInfo;

typedef struct OpClass {
	const char *name;             /* "aggregate": EXPLAIN, weir_state */
	uint32_t layout;              /* of what it saves: when that changes, the next number; views of older files are then built anew */
	bool (*push)(Op *op, int input, Batch *in, Error *err);       /* in is borrowed: batch_ref to keep it */
	bool (*commit)(Op *op, const CommitInfo *commit, Error *err); /* NULL: nothing to do */
	void (*release)(Op *op);      /* frees what is not in op->arena; NULL: nothing */
	bool (*restored)(Op *op, Error *err);                         /* after its state was loaded, or copied from another's; NULL: nothing */
	/* earliest system time (us) at which the operator changes its output without input (moving conditions); INT64_MAX: never; NULL: never */
	int64_t (*next_time)(Op *op);
	bool passes_on;               /* keeps no row: what it does not hand on in the same push is gone (filter, project, window ...) */
} OpClass;

/* What becomes of the rows that one relation gives to a query in which they may go several ways: each is counted once, as taken if any operator took
 * it. The first scan of the relation begins with a batch, the last one counts. */
typedef struct OpFates { Arena arena; uint8_t *fate; int64_t filtered, late; } OpFates;
enum { FATE_TAKEN = 1, FATE_LATE = 2 };

typedef struct OpEdge { Op *to; int input; } OpEdge;

/* A column of an edge on which a watermark travels; `delta_us`: how far the column's watermark is behind that of the source's judge
 * (a row's judge, less delta_us, is its judge in terms of this column). */
typedef struct WatermarkColumn { int column; int64_t delta_us; bool inclusive; } WatermarkColumn;

enum { OP_INPUTS_MAX = 64, OP_WATERMARKS_MAX = 8 };

/* index into the input's watermark columns; input -1: the commit's clock (PROCTIME()) */
typedef struct WatermarkTerm { int input, index; int64_t delta_us; } WatermarkTerm;
typedef struct WatermarkRule { WatermarkTerm *terms; int term_count; } WatermarkRule;      /* of out watermark i: min over terms */

/* Asked as rows are pushed: is there memory for more? The runtime's; with an error the operator fails. */
typedef struct OpRoom { bool (*ask)(void *context, int rows, Error *err); void *context; } OpRoom;

struct Op {
	const OpClass *class;
	int id;                       /* in the graph; topological: inputs have lower ids than their readers */
	int place;                    /* of the runtime: in the order of its graph; 0: inside of a recursion */
	const char *label;            /* for EXPLAIN and metrics */
	const Type *types;            /* of the output's columns */
	int column_count;
	int input_count;
	bool append_only;             /* the output has only weights > 0 */
	bool defers;                  /* of the runtime: not all that it reads comes from local relations, so what comes from elsewhere is seen as the last commit left it */
	bool failed;                  /* its push or commit gave an error, or that of one that reads it */
	const atomic_bool *const *interrupt;      /* of the runtime: when what this points to is true, pushes end with ERR_CANCELED; NULL: never */
	const OpRoom *room;           /* NULL: nobody asks */
	bool drops_judge;             /* of lowering: nobody above judges rows, what was late was dropped below; op_emit hands on no Hidden.judge */
	VEC(OpEdge) outputs;          /* heap; may grow while the graph runs (views made later) */
	State *state;                 /* NULL: stateless */
	Op *served_by;                /* of the runtime: an equal operator of another query whose output is this one's, too; this one rests. NULL: none */
	Op **inner; int inner_count;  /* operators that this one owns, commits and frees (the step of a recursion); their states are saved like others */
	Arena arena;                  /* the operator's own, lives as long as it */
	Arena scratch;                /* cleared before each push and commit by the graph */

	/* Streams from which each input comes, as bits of a number that lowering gives them, and what judges a row of another stream now, by
	 * that number (set by the runtime before it pushes; local streams: up to the statement, others: as of the last commit). Both are optional;
	 * op_other_judge() uses them. */
	uint64_t in_sources[OP_INPUTS_MAX];
	const int64_t *source_judges;

	WatermarkColumn *in_columns[OP_INPUTS_MAX];                    /* watermark columns of each input, from lowering */
	int in_column_count[OP_INPUTS_MAX];
	int64_t in_watermarks[OP_INPUTS_MAX][OP_WATERMARKS_MAX];        /* set by the graph before commit */
	int64_t out_watermarks[OP_WATERMARKS_MAX];
	WatermarkRule rules[OP_WATERMARKS_MAX];
	int rule_count;               /* number of the output's watermark columns */

	/* metrics; read by other threads only at commits */
	int64_t rows_in, rows_out, rows_late;
	int64_t rows_waiting;         /* rows of its input that it holds until the commit: the runtime cuts before there are too many */
	void (*late)(Op *op, const Batch *batch, int row, void *context);         /* set by the runtime: late rows kept on request; may be NULL */
	void *late_context;
	int late_input;               /* of an operator with several inputs: whose row it is */
	int64_t rows_late_told;       /* of rows_late: those that a batch's fates tell of */
	OpFates *fates;               /* of a scan */
	bool fates_begin, fates_end;
	int late_room;                /* > 0: the batch that is being pushed tells fates; its rows that are late now are marked */
	uint8_t *late_now;            /* NULL: none yet; in scratch */
	bool repeats;                 /* of one that passes on: a row may come out several times */
	int ways;                     /* the same: its readers, where fates are told; if some are not among the outputs others serve them, and take all */
};

/* Hands the batch to all readers in order; takes over the caller's reference. Empty or NULL batches are dropped. A failing reader
 * ends it and sets err. */
bool op_emit(Op *op, Batch *batch, Error *err);
/* Counts (and, on request, keeps) one row as late. row: 0 .. batch->count - 1 */
void op_late(Op *op, const Batch *batch, int row);

/* Common part of every constructor: allocates `bytes` (a struct that begins with Op), sets class, types (copied). */
void *op_new(const OpClass *class, size_t bytes, const char *label, const Type *types, int column_count, int input_count);
void op_free(Op *op);
/* For constructors: what is known of an input's watermarks (copied). */
void op_input_init(Op *op, int input, const WatermarkColumn *columns, int column_count);
OpFates *op_fates_new(void);
void op_fates_free(OpFates *fates);
/* Is somebody tired of waiting? Sets err to ERR_CANCELED; operators are then in the midst of a commit, and only good for being made anew. */
bool op_is_interrupted(const Op *op, Error *err);
/* One batch into one operator: clears its scratch, counts, pushes. What op_emit does for each reader, and the runtime for a source's. */
bool op_push(Op *op, int input, Batch *in, Error *err);
void op_connect(Op *from, Op *to, int input);
void op_disconnect(Op *from, Op *to);
/* The one that gives out what this operator would. */
static inline Op *op_serving(Op *op) { return op->served_by ? op->served_by : op; }
/* The lowest judge that the other inputs of an operator give to a row of `input`: WATERMARK_END if they come from the same streams,
 * WATERMARK_NONE if one has no watermark. */
int64_t op_other_judge(const Op *op, int input);
/* The batch (a reference, or a copy that shares its columns) with no judge above that. */
Batch *op_judged(const Op *op, int input, Batch *in);
/* Watermark of column `column` of an input, or WATERMARK_NONE: none. */
int64_t op_input_watermark(const Op *op, int input, int column, const WatermarkColumn **which);

#endif
