/* Typed expressions: what the binder makes, the planner rewrites and the run side evaluates over whole columns.
 *
 * Columns are named by ColumnId: a number that is unique within one statement's plan, given by the node that makes the
 * column. A rewrite therefore never renumbers; positions exist only after lowering (expr_compile gets the layout).
 * Every operator of SQL (+, =, LIKE, ->, CAST ...) is a row of the function table (function.h), so a call is the only inner
 * node besides AND/OR, CASE and the subquery forms, which decide what of their arguments is evaluated.
 * Expressions are immutable once made and may be shared between trees; they live in the arena of the statement (compile
 * side) or of the pipeline (run side, after expr_compile copied what it needs).
 * A row never fails an expression: where SQL would fail (overflow, bad cast in a continuous query) the result is NULL.
 */
#ifndef WEIR_EXPR_EXPR_H
#define WEIR_EXPR_EXPR_H

#include "type/batch.h"

typedef int32_t ColumnId;                 /* > 0 */
typedef struct Plan Plan;
typedef struct Function Function;         /* expr/function.h */

typedef enum ExprKind {
	EXPR_COLUMN,          /* column */
	EXPR_CONSTANT,        /* constant */
	EXPR_CALL,            /* function(args), casts inserted, kernel chosen */
	EXPR_AND, EXPR_OR,    /* args; three-valued; stops where decided */
	EXPR_CASE,            /* args = when1, then1, when2, then2 ..., else (always there); conditions are BOOLEAN */
	EXPR_SUBQUERY,        /* only between binder and unnesting */
	EXPR_KIND_COUNT
} ExprKind;

typedef enum SubqueryKind {
	SUBQUERY_SCALAR,      /* one column; no row: NULL; more than one row: NULL and counted (ad hoc: 21000) */
	SUBQUERY_EXISTS,
	SUBQUERY_IN,          /* (lhs...) IN (plan); NULL rules of SQL */
	SUBQUERY_ANY,         /* lhs compare ANY (plan) */
	SUBQUERY_ALL,
} SubqueryKind;

typedef struct Expr Expr;
struct Expr {
	ExprKind kind;
	Type type;
	bool nullable;                        /* false: is never NULL, proven */
	Span span;
	ColumnId column;                      /* EXPR_COLUMN */
	Value constant;                       /* EXPR_CONSTANT */
	const Function *function;             /* EXPR_CALL; comparison of ANY/ALL */
	int arg_count;
	Expr **args;                          /* SUBQUERY_IN/ANY/ALL: the left side */
	SubqueryKind subquery;
	Plan *plan;                           /* EXPR_SUBQUERY; its free columns are the correlation */
	bool negated;                         /* NOT IN, NOT EXISTS: result is negated */
};

/* ---- making ---- */
Expr *expr_column(Arena *arena, ColumnId column, Type type, bool nullable, Span span);
Expr *expr_constant(Arena *arena, const Value *value, Span span);
Expr *expr_null(Arena *arena, Type type);
Expr *expr_int(Arena *arena, int64_t value);
Expr *expr_bool(Arena *arena, bool value);
Expr *expr_text(Arena *arena, const char *text);
Expr *expr_and(Arena *arena, Expr *a, Expr *b);       /* either may be NULL (no condition): gives the other */
Expr *expr_or(Arena *arena, Expr *a, Expr *b);
Expr *expr_not(Arena *arena, Expr *a);
/* args: when, then pairs and else (may be NULL); branches are brought to one type */
Expr *expr_case(Arena *arena, Expr **args, int arg_count, Span span, Error *err);

/* Finds the overload of `name` ("+", "upper", "like" ...) that fits, inserts casts, folds nothing. Unknown name:
 * ERR_UNDEFINED_FUNCTION with the nearest name as hint; wrong types: the same code, listing the signatures. */
Expr *expr_call(Arena *arena, const char *name, Expr **args, int arg_count, Span span, Error *err);
/* The same for what stands as name(args) in a statement: no operators, and like(pattern, text), glob(pattern, text) and
 * regexp(pattern, text) with SQLite's order of arguments. */
Expr *expr_call_function(Arena *arena, const char *name, Expr **args, int arg_count, Span span, Error *err);
/* What stands as a condition, as BOOLEAN: numbers are true if not 0, text by its numeric prefix. e itself if it is BOOLEAN. */
Expr *expr_condition(Arena *arena, Expr *e);

typedef enum CastRule {
	CAST_IMPLICIT,        /* what happens by itself: NULL to any, INTEGER -> DECIMAL -> REAL, anything comparable */
	CAST_ASSIGN,          /* into a column of INSERT or a sink: also TEXT literals to times, numbers to TEXT; lossless */
	CAST_EXPLICIT,        /* CAST(x AS t): SQLite's meaning where it has one; what is no value of the type is NULL */
	CAST_TRY,             /* TRY_CAST(x AS t): text is read strictly, what is no value of the type is NULL */
} CastRule;
Expr *expr_cast(Arena *arena, Expr *e, Type to, CastRule rule, Error *err);   /* e itself if it is of that type */

/* Brings expressions to their common type (CASE, COALESCE, UNION columns, IN lists): DECIMAL widened, mixed numbers to
 * REAL only with REAL, anything with TEXT as SQLite would compare them. */
bool expr_common_type(Expr **exprs, int count, Type *type, Error *err);

/* ---- looking ---- */
bool expr_has_affinity(const Expr *e);                /* SQLite's: a column or a CAST; its type decides how text and numbers are compared */
bool expr_equal(const Expr *a, const Expr *b);
uint64_t expr_hash(const Expr *e);
bool expr_is_constant(const Expr *e);                 /* no columns, no subqueries, all functions immutable */
bool expr_is_deterministic(const Expr *e);            /* no random(), no clock */
/* Calls visit for every node, children first; stops when it returns false. Does not enter plans of subqueries. */
bool expr_walk(Expr *e, bool (*visit)(Expr *e, void *context), void *context);
/* A copy in which every node may be replaced: replace returns the new node or NULL (keep). Children first. */
Expr *expr_rewrite(Arena *arena, Expr *e, Expr *(*replace)(Expr *e, void *context), void *context);
/* Deep copy into another arena (a pipeline's). No subqueries. */
Expr *expr_copy(Arena *arena, const Expr *e);
/* EXPLAIN's spelling; names may be NULL: columns print as c12 */
void expr_print(const Expr *e, StrBuf *out, const char *(*column_name)(ColumnId column, void *context), void *context);
/* Evaluates a constant expression: the folding rule, option values, DEFAULTs. */
bool expr_fold(Arena *arena, Expr *e, Value *value, Error *err);

/* ---- running ---- */
/* A compiled expression: kernels resolved, constants filled, columns as positions in the input batch. Not thread-safe:
 * each operator instance compiles its own. */
typedef struct ExprProgram ExprProgram;
ExprProgram *expr_compile(Arena *arena, const Expr *e, const ColumnId *layout, int layout_count);
uint64_t expr_overflow_count(void);                   /* results so far that were NULL for want of bits, in this process */
void expr_program_release(ExprProgram *program);      /* frees what is not in the arena (compiled regular expressions ...) */

/* batch->count dense values. Result and intermediates live in scratch, the batch or the program: valid until scratch is
 * cleared and the batch released. */
Column expr_eval(ExprProgram *program, const Batch *in, Arena *scratch);

/* Rows for which the condition is true, as a selection of physical row numbers in scratch; returns how many. */
int expr_select(ExprProgram *program, const Batch *in, Arena *scratch, uint32_t *sel);

#endif
