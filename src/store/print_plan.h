/* Printing of plans, shared by print_sqlite.c (FROM, SELECT, WITH), print_joins.c and print_groups.c (GROUP BY, OVER, sessions).
 *
 * Functions that give a text give NULL where err is set. All texts lie in the printer's arena. */
#ifndef WEIR_STORE_PRINT_PLAN_H
#define WEIR_STORE_PRINT_PLAN_H

#include "store/adhoc_internal.h"

struct PrintScope {
	PrintScope *outer;
	StrBuf ctes;                      /* "n1 AS (...), n2 AS (...)" */
	VEC(const Plan *) shared;
	VEC(const char *) shared_names;
};

/* A SELECT without its list. */
typedef struct From { const char *from, *where; } From;       /* from "": none; where NULL: none */

/* Adds a node to a SELECT under way; its columns are named as they are written there. */
bool from_open(Printer *printer, Plan *plan, From *out);
void from_add_where(Printer *printer, From *from, const char *condition);
const char *from_text(Printer *printer, const From *from);            /* " FROM ... WHERE ..." */
const char *from_item(Printer *printer, const From *from);            /* what can stand in a join */

const char *printer_settle(Printer *printer, StrBuf *text, bool ok);  /* moves the text into the arena; not ok: NULL */
const char *printer_expr(Printer *printer, Expr *e);
const char *printer_condition(Printer *printer, Expr *e);             /* to stand beside others */
bool printer_uses(const Printer *printer, ColumnId id);               /* does somebody read the column? */
const char *printer_columns(Printer *printer, const Plan *plan);      /* "t1.x AS c5, t1.y AS c6": those that are read */
void printer_name_columns(Printer *printer, const Plan *plan, const char *alias);      /* as alias.c5 */
void printer_add_cte(Printer *printer, const char *head, const char *body);           /* head: "n3 AS" */
void printer_direction(SortSpec spec, StrBuf *out);
bool printer_order(Printer *printer, const OpSortKey *order, int count, StrBuf *out);
bool printer_ties(Printer *printer, const Plan *input, StrBuf *out);  /* by all columns that are read, left to right */

/* ---- print_joins.c ---- */
bool join_open(Printer *printer, Plan *plan, From *out);

/* ---- print_groups.c ---- */
const char *aggregate_text(Printer *printer, Plan *plan);
const char *over_select_text(Printer *printer, Plan *plan);
const char *topn_text(Printer *printer, Plan *plan);
const char *session_text(Printer *printer, Plan *plan);

#endif
