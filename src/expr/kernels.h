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

bool base64_read(const Str *s, char *out, size_t *bytes);             /* out: room for s->bytes; false: it is none */

/* Functions that make text of any length make at most so much, else NULL: a row must not take the memory of all. */
enum { RESULT_BYTES_MAX = 1 << 20 };

/* Turns the case of the ASCII letters from..to ('A', 'Z') of eight bytes at once; all others stay. */
static inline uint64_t swap_case(uint64_t x, unsigned char from, unsigned char to)
{
	const uint64_t ones = 0x0101010101010101ull, low = x & 0x7f * ones;
	uint64_t at_least = low + (uint64_t)(0x80 - from) * ones, above = low + (uint64_t)(0x7f - to) * ones;
	return x ^ ((at_least & ~above & ~x & 0x80 * ones) >> 2);
}

/* memmem, which is slow to start for what is one byte */
static inline const char *find_bytes(const char *at, size_t bytes, const char *what, size_t what_bytes)
{
	return what_bytes == 1 ? memchr(at, *what, bytes) : memmem(at, bytes, what, what_bytes);
}

/* A part of an argument: borrowed, since results live no longer than the batch of their arguments. `whole` is the argument in
 * its column, not a copy of it. */
static inline Str str_part(const Str *whole, size_t from, size_t bytes)
{
	return str_borrow(str_at(whole) + from, bytes);
}

#endif
