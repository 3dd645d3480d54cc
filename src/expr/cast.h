/* Conversions between types: of one value, of an expression, of a column. What is allowed by which rule is one table. */
#ifndef WEIR_EXPR_CAST_H
#define WEIR_EXPR_CAST_H

#include "expr/function.h"

/* One value; false: it is none of the type (the result of a cast is then NULL). CAST_EXPLICIT reads text as SQLite's CAST,
 * all others strictly. Strings are borrowed or put into arena. */
bool value_cast(const Value *from, Type to, CastRule rule, Value *out, Arena *arena);

/* The cast without asking whether the rule allows it; constants are converted at once, to NULL if they have no value. */
Expr *cast_make(Arena *arena, Expr *e, Type to, CastRule rule);

/* Is e a number that a statement wrote, so that its digits say what type it wants? */
bool is_number_constant(const Expr *e);
/* An INTEGER or REAL constant as DECIMAL with just its own digits; false: more than 38. */
bool constant_to_decimal(const Value *number, Value *out);
/* The DECIMAL type that holds every value of e: own digits for constants, DECIMAL(19,0) for INTEGER, DECIMAL(1,0) for BOOLEAN */
Type decimal_type_for(const Expr *e);
/* precision and scale brought under 38 digits: the scale is cut first, not below 6 */
Type decimal_type_cut(int precision, int scale);

KernelFunction kernel_cast, kernel_try_cast, kernel_truth;

#endif
