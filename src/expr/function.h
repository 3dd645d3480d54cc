/* The function table: every scalar function and operator, one row of functions.def each.
 *
 * A row says name, signature, kernel, properties, one line of description and an example that runs as a test and is
 * printed in the documentation. Overloads of one name are neighbouring rows; the first that fits wins (exact types
 * before implicit casts). Names of other systems are rows of aliases.def.
 */
#ifndef WEIR_EXPR_FUNCTION_H
#define WEIR_EXPR_FUNCTION_H

#include "expr/expr.h"

typedef struct KernelCall {
	int count;                        /* rows */
	const Column *args;               /* dense, count values each */
	int arg_count;
	Column *out;                      /* type set, data allocated and null possibly set (strict); kernel fills data */
	Arena *scratch;                   /* strings of the result go here */
	void *state;                      /* what prepare returned */
	const Value *const *constants;    /* constants[i]: the value of argument i in every row, NULL where it is no constant */
	int64_t system_us;                /* the commit's clock */
} KernelCall;

/* Strict kernels: rows with a NULL argument are NULL in the result before the kernel runs; it computes all rows and may mark
 * more NULLs by kernel_null(). Others see the NULL marks and set them all. */
typedef void KernelFunction(KernelCall *call);
void kernel_null(KernelCall *call, int row);
uint8_t *kernel_nulls(KernelCall *call);     /* the result's marks, zeroed if there were none */
void kernel_overflow(KernelCall *call, int row);      /* NULL, and counted */

typedef enum FunctionFlags {
	FUNCTION_STRICT = 1,              /* NULL in, NULL out */
	FUNCTION_VOLATILE = 2,            /* random(): refused in views */
	FUNCTION_CLOCK = 4,               /* now(): rules of DIALECT section 1 */
	FUNCTION_NEVER_NULL = 8,          /* not even for NULL arguments */
	FUNCTION_MAY_NULL = 16,           /* may give NULL although no argument is (1/0) */
	FUNCTION_PROCTIME = 32,           /* stamps a row once */
	FUNCTION_ALL_NULL = 64,           /* NULL only if all arguments are (coalesce) */
	FUNCTION_PREPARED_TAIL = 128,     /* prepare reads all arguments but the first, which are constants; the kernel gets one column */
	FUNCTION_OPERATOR = 256,          /* has a spelling of its own; cannot be called as name(...) */
} FunctionFlags;

typedef struct Function {
	const char *name;
	const char *signature;            /* "text, integer [, text]": see functions.def */
	Type (*result)(const Type *args, int arg_count);
	KernelFunction *kernel;
	void *(*prepare)(const Value *const *constants, int arg_count);    /* constants[i] NULL where argument i is no constant; regex, pattern, zone */
	void (*unprepare)(void *state);
	unsigned flags;
	const char *category, *description, *example, *example_result;
} Function;

extern const Function FUNCTIONS[];
extern const int FUNCTION_COUNT;

/* The first overload of a name, operators included; NULL: unknown. Case-insensitive, aliases resolved. */
const Function *function_find(const char *name);
const char *function_nearest(const char *name);       /* for "Did you mean ...?"; NULL: nothing near */
bool function_is_aggregate(const char *name);         /* aggregate.h's table */
bool function_is_window_only(const char *name);       /* row_number, lag ... */

#endif
