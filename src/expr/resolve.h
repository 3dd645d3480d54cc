/* Finding the function that a name and its arguments mean; between resolve.c, affinity.c, forms.c and the tables. */
#ifndef WEIR_EXPR_RESOLVE_H
#define WEIR_EXPR_RESOLVE_H

#include "expr/function.h"

/* The call of just this row: result type and nullability are derived, nothing is cast. */
Expr *call_make(Arena *arena, const Function *function, Expr **args, int arg_count, Span span);

/* a = b and the other comparisons, IS among them, with both sides brought to types that a kernel takes */
Expr *compare_make(Arena *arena, const char *name, Expr *a, Expr *b, Span span, Error *err);
/* args[0] IN (the others) */
Expr *in_make(Arena *arena, Expr **args, int arg_count, Span span, Error *err);

/* Forms that are more than a row: comparisons, IN, BETWEEN, IIF, NULLIF, EXTRACT. done: whether the name is one of them. */
Expr *resolve_form(Arena *arena, const char *name, Expr **args, int arg_count, Span span, bool *done, Error *err);

/* Constants that a function reads once (units, zones, patterns): false and err if one cannot be read. */
bool check_constants(const Expr *call, Error *err);

/* A call of round or trunc with the scale that its constant says; other calls as they are */
Expr *narrow_rounded(Arena *arena, Expr *call);

/* Text that stands where a number is needed: a constant becomes INTEGER or REAL by its digits, all else REAL. */
Expr *text_as_number(Arena *arena, Expr *e);

/* Refuses: no row of this name takes these types. */
Expr *refuse_call(const char *name, Expr **args, int arg_count, Span span, Error *err);

/* to_char(number, pattern); encode(bytes, name) */
bool number_pattern_is_known(const Str *pattern);
bool encoding_is_known(const Str *name);

#endif
