/* = <> < <= > >= IS and IN-lists' equality over columns. The pairs that are frequent have loops of their own, with the right
 * side in a register where it is a constant; all others go through one function that orders two values of a row. */

#include "expr/kernels.h"
#include "type/number.h"
#include "type/text.h"

#define ORDER(a, b) ((a) < (b) ? -1 : (a) > (b))

/* Exact: a double beyond 2^63 is outside; else its whole part decides, then its fraction. */
static int order_integer_real(int64_t a, double b)
{
	if (b >= 9223372036854775808.0) return -1;
	if (b < -9223372036854775808.0) return 1;
	int64_t whole = (int64_t)b;
	if (a != whole) return ORDER(a, whole);
	double rest = b - (double)whole;
	return rest > 0 ? -1 : rest < 0;
}

/* Text that is a number counts as one, all other text follows the numbers. */
static int order_number_text(const Column *number, const Str *text, int i)
{
	NumberText parts;
	const char *at = str_at(text);
	int64_t whole;
	double real = 0;
	if (!number_text(at, text->bytes, &parts)) return -1;
	bool is_integer = !parts.has_point && !parts.has_exponent && text_to_integer(at, text->bytes, &whole);
	text_to_real(at, text->bytes, &real);
	switch (number->type.kind) {
	case TYPE_REAL: return is_integer ? -order_integer_real(whole, number->f64[i]) : ORDER(number->f64[i], real);
	case TYPE_DECIMAL: {
		Int128 decimal;
		if (text_to_decimal(at, text->bytes, DECIMAL_PRECISION_MAX, number->type.scale, &decimal) && decimal_to_real(decimal, number->type.scale) == real)
			return ORDER(number->i128[i], decimal);
		return ORDER(decimal_to_real(number->i128[i], number->type.scale), real);
	}
	default: return is_integer ? ORDER(number->i64[i], whole) : order_integer_real(number->i64[i], real);
	}
}

static int order_strings(const Str *a, const Str *b)
{
	uint32_t head_a, head_b;
	memcpy(&head_a, a->inlined, 4);
	memcpy(&head_b, b->inlined, 4);
	if (head_a != head_b) return __builtin_bswap32(head_a) < __builtin_bswap32(head_b) ? -1 : 1;    /* unused bytes are zero */
	return str_compare(a, b);
}

enum { CLASS_NUMBER, CLASS_TEXT, CLASS_BLOB };

static int class_of(Type type)
{
	return type.kind == TYPE_BLOB ? CLASS_BLOB : type_phys(type) == PHYS_STR ? CLASS_TEXT : CLASS_NUMBER;
}

static int order_at(const Column *a, const Column *b, int i)
{
	int class_a = class_of(a->type), class_b = class_of(b->type);
	if (class_a == CLASS_NUMBER && class_b == CLASS_TEXT) return order_number_text(a, &b->str[i], i);
	if (class_a == CLASS_TEXT && class_b == CLASS_NUMBER) return -order_number_text(b, &a->str[i], i);
	if (class_a != class_b) return ORDER(class_a, class_b);
	PhysKind phys_a = type_phys(a->type), phys_b = type_phys(b->type);
	if (phys_a == PHYS_I64 && phys_b == PHYS_F64) return order_integer_real(a->i64[i], b->f64[i]);
	if (phys_a == PHYS_F64 && phys_b == PHYS_I64) return -order_integer_real(b->i64[i], a->f64[i]);
	switch (phys_a) {
	case PHYS_I64: return ORDER(a->i64[i], b->i64[i]);
	case PHYS_F64: return ORDER(a->f64[i], b->f64[i]);
	case PHYS_I128: return decimal_compare(a->i128[i], a->type.scale, b->i128[i], b->type.scale);
	case PHYS_STR: return order_strings(&a->str[i], &b->str[i]);
	case PHYS_INTERVAL: return ORDER(interval_compare_us(a->interval[i]), interval_compare_us(b->interval[i]));
	}
	return 0;
}

#define COMPARE_NUMBERS(T, member, operator) do { \
	const T *x = a->member, *y = b->member; \
	if (call->constants[1]) { \
		T c = count ? y[0] : 0; \
		for (int i = 0; i < count; i++) out[i] = x[i] operator c; \
	} else for (int i = 0; i < count; i++) out[i] = x[i] operator y[i]; \
} while (0)

/* Whether a pair of types is one of the fast ones: then the PhysKind of both, else -1 */
static int fast_pair(const Column *a, const Column *b)
{
	PhysKind phys = type_phys(a->type);
	if (phys != type_phys(b->type) || phys == PHYS_INTERVAL || class_of(a->type) != class_of(b->type)) return -1;
	if (phys == PHYS_I128 && a->type.scale != b->type.scale) return -1;
	return phys;
}

#define COMPARE_KERNEL(name, operator, string_expression) \
	static void compare_##name(KernelCall *call, int64_t *out) \
	{ \
		const Column *a = &call->args[0], *b = &call->args[1]; \
		int count = call->count; \
		switch (fast_pair(a, b)) { \
		case PHYS_I64: COMPARE_NUMBERS(int64_t, i64, operator); break; \
		case PHYS_F64: COMPARE_NUMBERS(double, f64, operator); break; \
		case PHYS_I128: COMPARE_NUMBERS(Int128, i128, operator); break; \
		case PHYS_STR: for (int i = 0; i < count; i++) out[i] = string_expression; break; \
		default: for (int i = 0; i < count; i++) out[i] = order_at(a, b, i) operator 0; break; \
		} \
	} \
	void kernel_##name(KernelCall *call) { compare_##name(call, call->out->i64); }

COMPARE_KERNEL(equal, ==, str_equal(&a->str[i], &b->str[i]))
COMPARE_KERNEL(not_equal, !=, !str_equal(&a->str[i], &b->str[i]))
COMPARE_KERNEL(less, <, order_strings(&a->str[i], &b->str[i]) < 0)
COMPARE_KERNEL(less_equal, <=, order_strings(&a->str[i], &b->str[i]) <= 0)
COMPARE_KERNEL(greater, >, order_strings(&a->str[i], &b->str[i]) > 0)
COMPARE_KERNEL(greater_equal, >=, order_strings(&a->str[i], &b->str[i]) >= 0)

/* IS: NULL is NULL, and nothing else is */
static void compare_is(KernelCall *call, int64_t same)
{
	const Column *a = &call->args[0], *b = &call->args[1];
	int64_t *out = call->out->i64;
	compare_equal(call, out);
	for (int i = 0; i < call->count; i++) {
		bool null_a = is_null_at(a, i), null_b = is_null_at(b, i);
		int64_t equal = null_a || null_b ? null_a && null_b : out[i];
		out[i] = equal == same;
	}
}

void kernel_is(KernelCall *call) { compare_is(call, 1); }
void kernel_is_not(KernelCall *call) { compare_is(call, 0); }

/* ---- one argument ---- */

void kernel_not(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) call->out->i64[i] = !call->args->i64[i];
}

void kernel_is_null(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) call->out->i64[i] = is_null_at(call->args, i);
}

void kernel_is_not_null(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) call->out->i64[i] = !is_null_at(call->args, i);
}

/* The value under a NULL is zero: not TRUE, and for FALSE the mark must be looked at. */
void kernel_is_true(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) call->out->i64[i] = call->args->i64[i] != 0;
}

void kernel_is_not_true(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) call->out->i64[i] = call->args->i64[i] == 0;
}

void kernel_is_false(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) call->out->i64[i] = call->args->i64[i] == 0 && !is_null_at(call->args, i);
}

void kernel_is_not_false(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) call->out->i64[i] = call->args->i64[i] != 0 || is_null_at(call->args, i);
}

/* ---- choosing among arguments of one type ---- */

static void copy_value(KernelCall *call, int row, const Column *from)
{
	size_t bytes = phys_bytes(type_phys(from->type)), at = bytes * (size_t)row;
	memcpy((char *)call->out->data + at, (const char *)from->data + at, bytes);
}

void kernel_coalesce(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		int a = 0;
		while (a < call->arg_count && is_null_at(&call->args[a], i)) a++;
		if (a == call->arg_count) kernel_null(call, i);
		else copy_value(call, i, &call->args[a]);
	}
}

static void choose_extreme(KernelCall *call, int wanted)
{
	for (int i = 0; i < call->count; i++) {
		const Column *best = NULL;
		for (int a = 0; a < call->arg_count; a++) {
			const Column *arg = &call->args[a];
			if (is_null_at(arg, i)) continue;
			if (!best || order_at(arg, best, i) * wanted > 0) best = arg;
		}
		if (best) copy_value(call, i, best);
		else kernel_null(call, i);
	}
}

/* As strict (max, min) and as kernels that pass over NULLs (greatest, least) */
void kernel_greatest(KernelCall *call) { choose_extreme(call, 1); }
void kernel_least(KernelCall *call) { choose_extreme(call, -1); }

Type result_common(const Type *args, int arg_count)
{
	for (int i = 0; i < arg_count; i++)
		if (args[i].kind != TYPE_NULL) return args[i];
	return arg_count ? args[0] : TYPE(NULL);
}
