/* Ad-hoc queries from the inside: the printer, and the functions by which its SQL calls back.
 *
 * An Entry is one thing that SQLite cannot compute itself: an expression, an aggregate call, a function that gives rows. SQL names it by
 * its number on the connection, the first argument of the call: weir_upper(12, t1."name"). The rest of the arguments are the values it reads,
 * in the file's form; the entry knows their types.
 */
#ifndef WEIR_STORE_ADHOC_INTERNAL_H
#define WEIR_STORE_ADHOC_INTERNAL_H

#include <stdatomic.h>

#include "expr/function.h"
#include "plan/walk.h"
#include "store/adhoc.h"
#include "store/store_internal.h"
#include "store/value.h"

/* ---- functions_sqlite.c ---- */
typedef struct Entry Entry;
typedef struct Functions Functions;           /* of a connection: its entries, and which names SQLite knows */

typedef enum EntryKind { ENTRY_EXPR, ENTRY_READ, ENTRY_SORT_KEY, ENTRY_MICROS, ENTRY_AGGREGATE, ENTRY_PACK, ENTRY_UNPACK, ENTRY_ROWS, ENTRY_SERIES } EntryKind;

struct Entry {
	EntryKind kind;
	int number;
	Arena arena;                  /* as long as the entry */
	Arena scratch;                /* of one call */
	Type type;                    /* of the result */
	int arg_count;
	Type *types;                  /* of the arguments */
	int64_t system_us;
	ExprProgram *program;         /* EXPR */
	Batch *batch;                 /* EXPR, ROWS: one row of the arguments */
	struct AggregateEntry *aggregate;     /* AGGREGATE */
	Op *op, *tap;                 /* ROWS: an operator that makes rows of a row, and what collects them */
	int skip;                     /* ROWS: columns of its output that are the input's */
	bool outer;                   /* UNPACK: of nothing it makes a row of NULLs */
	Type *columns; int column_count;      /* UNPACK */
	VEC(Batch *) out;
};

/* The connection's functions; made with the first. */
Functions *functions_of(Store *store, StoreReader *reader, Error *err);
Entry *entry_new(Functions *functions, EntryKind kind, Type type, const Type *types, int arg_count);
void entry_free(Functions *functions, Entry *entry);
/* Makes SQLite know weir_NAME as what the entry is; out: the name. false: SQLite refuses. */
bool functions_need(Functions *functions, const Entry *entry, const char *name, bool deterministic, StrBuf *out);
Entry *functions_entry(Functions *functions, sqlite3_value *number);
/* Sets the entry's one-row batch to the arguments. Strings borrow from SQLite. */
void entry_read_arguments(Entry *entry, sqlite3_value **args);
extern const char SCALAR_ERROR_MANY[];        /* text of the error of weir_single */

/* ---- aggregates_sqlite.c ---- */
/* call: its expressions are not read any more, only types. Arguments come in this order: those of the call, its order keys, tie columns. */
typedef enum AggregateUse { USE_GROUP, USE_GROWING_FRAME, USE_MOVING_FRAME } AggregateUse;
void entry_set_aggregate(Entry *entry, const AggregateCall *call, int tie_count, AggregateUse use);
/* The result over no rows, which SQLite asks for without saying whose. */
void entry_aggregate_empty(Entry *entry, Value *out);
void aggregate_step(sqlite3_context *context, int count, sqlite3_value **args);
void aggregate_inverse(sqlite3_context *context, int count, sqlite3_value **args);
void aggregate_value(sqlite3_context *context);
void aggregate_final(sqlite3_context *context);
void pack_step(sqlite3_context *context, int count, sqlite3_value **args);
void pack_final(sqlite3_context *context);

/* ---- rows_sqlite.c ---- */
enum { ROWS_ARGS_MAX = 8, ROWS_COLUMNS_MAX = 16 };
extern const sqlite3_module ROWS_MODULE;
void entry_set_rows(Entry *entry, Op *op, int skip);

/* ---- print_sqlite.c, print_expr.c ---- */
typedef struct PrintScope PrintScope;
typedef VEC(Entry *) Entries;

typedef struct Printer {
	Arena *arena;
	const AdhocOptions *options;
	sqlite3 *db;
	Functions *functions;         /* NULL: only print (EXPLAIN without running) */
	Entries *entries;
	Error *err;
	VEC(const char *) names;      /* by ColumnId: how the column is written where the printer is now; NULL: not known */
	ColumnSet used;               /* columns that something reads */
	PrintScope *scope;
	int next_name;                /* of CTEs and aliases */
	ColumnId next_column;
	int depth;                    /* of nested expressions */
} Printer;

bool print_plan(Printer *printer, Plan *plan, StrBuf *out);
/* The whole subquery in parentheses, with the columns given. */
bool print_subquery(Printer *printer, Plan *plan, StrBuf *out);
bool print_expr(Printer *printer, Expr *e, StrBuf *out);
/* As it can stand in ORDER BY: SQLite's order of what it prints is the SQL order of the values. */
bool print_sortable(Printer *printer, Expr *e, StrBuf *out);
/* Microseconds (or days, numbers as they are): for RANGE frames over times. */
bool print_range_key(Printer *printer, Expr *e, StrBuf *out);
bool print_aggregate(Printer *printer, const AggregateCall *call, Expr **ties, int tie_count, const char *over, AggregateUse use, StrBuf *out);
/* A value that the file may hold in another form, read by its type: columns of the user's own tables. */
bool print_read(Printer *printer, const char *column, Type type, StrBuf *out);
/* generate_series of INTEGERs, which may be long: its rows are made one by one. */
bool print_series_call(Printer *printer, Expr **args, int arg_count, StrBuf *out);
bool print_rows_call(Printer *printer, Op *op, int skip, Expr **args, int arg_count, StrBuf *out);
/* weir_rows over all rows of "FROM ..." at once, packed into one value by a scalar subquery: LATERAL */
bool print_packed(Printer *printer, const Plan *plan, const ColumnId *ids, int count, bool outer, const char *from, const char *ctes, StrBuf *out);
bool type_sorts_natively(Type type);
void printer_name(Printer *printer, ColumnId id, const char *text);
const char *printer_name_of(const Printer *printer, ColumnId id);
bool refuse(Printer *printer, Span span, const char *what);

#endif
