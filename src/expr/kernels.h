/* Prototypes of everything that functions.def names: kernels, result types, preparations. A kernel file includes this. */
#ifndef WEIR_EXPR_KERNELS_H
#define WEIR_EXPR_KERNELS_H

#include "expr/function.h"

typedef Type FunctionResult(const Type *args, int arg_count);
typedef void *FunctionPrepare(const Value *const *constants, int arg_count);
typedef void FunctionUnprepare(void *state);

#define FUNCTION(name, signature, result, kernel, prepare, flags, category, description, example, example_result) \
	KernelFunction kernel_##kernel; \
	FunctionResult result_##result; \
	FunctionPrepare prepare_##prepare; \
	FunctionUnprepare unprepare_##prepare;
#include "expr/functions.def"
#undef FUNCTION

/* The text of argument `arg`, if it is a constant that is not NULL */
static inline const Str *constant_text(const Value *const *constants, int arg)
{
	return constants[arg] && !constants[arg]->is_null ? &constants[arg]->str : NULL;
}

static inline bool is_null_at(const Column *column, int row) { return column->null && column->null[row]; }

/* A result that lies in scratch already; short ones go inline. */
static inline void result_set(KernelCall *call, int row, const char *at, size_t bytes) { call->out->str[row] = str_borrow(at, bytes); }
static inline bool result_is_null(const KernelCall *call, int row) { return call->out->null && call->out->null[row]; }

/* Functions that make text of any length make at most so much, else NULL: a row must not take the memory of all. */
enum { RESULT_BYTES_MAX = 1 << 20 };

/* A part of an argument: borrowed, since results live no longer than the batch of their arguments. `whole` is the argument in
 * its column, not a copy of it. */
static inline Str str_part(const Str *whole, size_t from, size_t bytes)
{
	return str_borrow(str_at(whole) + from, bytes);
}

#endif
