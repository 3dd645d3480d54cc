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

/* A string result of known size: where its bytes go, and the Str once they are there. Short ones are copied inline. */
static inline char *result_room(KernelCall *call, size_t bytes) { return arena_alloc(call->scratch, bytes); }
static inline void result_set(KernelCall *call, int row, const char *at, size_t bytes) { call->out->str[row] = str_borrow(at, bytes); }

/* A part of an argument: borrowed, since results live no longer than the batch of their arguments. `whole` is the argument in
 * its column, not a copy of it. */
static inline Str str_part(const Str *whole, size_t from, size_t bytes)
{
	return str_borrow(str_at(whole) + from, bytes);
}

#endif
