/* Casts. The matrix ALLOWED says which pair of types each rule lets through; value_cast converts one value and is what the
 * kernel falls back on; the pairs that are frequent in queries have loops of their own. */
#include "expr/cast.h"

#include <assert.h>
#include <math.h>

#include "type/calendar.h"
#include "type/number.h"
#include "type/text.h"

/* ---- one value ---- */

static bool real_to_integer(double x, CastRule rule, int64_t *out)
{
	const double limit = 9223372036854775808.0;
	if (x >= -limit && x < limit) return *out = (int64_t)x, rule == CAST_EXPLICIT || rule == CAST_TRY || (double)*out == x;
	*out = x < 0 ? INT64_MIN : INT64_MAX;          /* as SQLite's CAST */
	return rule == CAST_EXPLICIT;
}

static bool decimal_to_integer(Int128 x, int scale, int64_t *out)
{
	static const int64_t POWERS[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};
	for (; scale > 0; scale -= scale > 9 ? 9 : scale) x /= POWERS[scale > 9 ? 9 : scale];
	*out = (int64_t)x;
	return *out == x;
}

/* SQLite: the digits at the beginning, 0 if there are none, the nearest bound if there are too many */
static int64_t integer_prefix(const char *at, size_t bytes)
{
	NumberText number;
	int64_t x = 0;
	if (!number_prefix(at, bytes, &number)) return 0;
	for (size_t i = 0; i < number.whole_bytes; i++)
		if (__builtin_mul_overflow(x, 10, &x) || __builtin_sub_overflow(x, number.whole[i] - '0', &x)) return number.negative ? INT64_MIN : INT64_MAX;
	return number.negative ? x : x == INT64_MIN ? INT64_MAX : -x;
}

static double real_prefix(const char *at, size_t bytes)
{
	NumberText number;
	double x = 0;
	size_t used = number_prefix(at, bytes, &number);
	if (used) text_to_real(at, used, &x);
	return x;
}

static bool text_to_truth(const char *at, size_t bytes, CastRule rule, int64_t *out)
{
	double x;
	if (text_to_boolean(at, bytes, out)) return true;
	if (rule != CAST_EXPLICIT || !text_to_real(at, bytes, &x)) return false;
	*out = x != 0;
	return true;
}

/* DATE of a timestamp's text and so on: what is explicit may lose the rest */
static bool text_to_moment(const char *at, size_t bytes, TypeKind to, CastRule rule, int64_t *out)
{
	int64_t us, rest;
	if (to == TYPE_TIMESTAMP) return text_to_timestamp(at, bytes, out);
	if (to == TYPE_DATE ? text_to_date(at, bytes, out) : text_to_time(at, bytes, out)) return true;
	if (rule != CAST_EXPLICIT && rule != CAST_TRY) return false;
	if (!text_to_timestamp(at, bytes, &us)) return false;
	*out = timestamp_day(us, &rest);
	if (to == TYPE_TIME) *out = rest;
	return true;
}

static bool cast_text(const char *at, size_t bytes, Type to, CastRule rule, Value *out, Arena *arena)
{
	NumberText number;
	bool lenient = rule == CAST_EXPLICIT;
	switch (to.kind) {
	case TYPE_INTEGER:
		if (!lenient) return text_to_integer(at, bytes, &out->i64);
		out->i64 = integer_prefix(at, bytes);
		return true;
	case TYPE_REAL:
		if (!lenient) return text_to_real(at, bytes, &out->f64);
		out->f64 = real_prefix(at, bytes);
		return true;
	case TYPE_DECIMAL:
		if (lenient) bytes = number_prefix(at, bytes, &number);
		if (lenient && !bytes) return true;
		return text_to_decimal(at, bytes, to.precision, to.scale, &out->i128);
	case TYPE_BOOLEAN: return text_to_truth(at, bytes, rule, &out->i64);
	case TYPE_DATE: case TYPE_TIME: case TYPE_TIMESTAMP: return text_to_moment(at, bytes, to.kind, rule, &out->i64);
	case TYPE_INTERVAL: return text_to_interval(at, bytes, &out->interval);
	case TYPE_JSON:
		if (!json_text_is_valid(at, bytes)) return false;
		out->str = str_borrow(at, bytes);
		return true;
	case TYPE_TEXT:
		if (!utf8_is_valid(at, bytes)) return false;
		/* fall through */
	default:
		(void)arena;
		out->str = str_borrow(at, bytes);
		return true;
	}
}

/* JSON strings lose their quotes on the way to another type but TEXT; all other JSON is read as it is written. */
static bool cast_json(const Value *from, Type to, CastRule rule, Value *out, Arena *arena)
{
	const char *at = str_at(&from->str);
	size_t bytes = from->str.bytes;
	if (to.kind != TYPE_TEXT && to.kind != TYPE_BLOB && bytes >= 2 && at[0] == '"' && at[bytes - 1] == '"') at++, bytes -= 2;
	return cast_text(at, bytes, to, rule, out, arena);
}

static void print_to_str(const Value *value, Str *out, Arena *arena)
{
	char small[INTERVAL_PRINT_BYTES];
	int bytes = 0;
	switch (value->type.kind) {
	case TYPE_INTEGER: bytes = integer_print(value->i64, small); break;
	case TYPE_REAL: bytes = real_print(value->f64, small); break;
	case TYPE_DECIMAL: bytes = decimal_print(value->i128, value->type.scale, small); break;
	case TYPE_DATE: bytes = date_print(value->i64, small); break;
	case TYPE_TIME: bytes = time_print(value->i64, small); break;
	case TYPE_TIMESTAMP: bytes = timestamp_print(value->i64, small); break;
	case TYPE_INTERVAL: bytes = interval_print(value->interval, small); break;
	case TYPE_BOOLEAN:
		*out = value->i64 ? str_borrow("true", 4) : str_borrow("false", 5);
		return;
	default: break;
	}
	*out = str_copy(arena, small, (size_t)bytes);
}

static bool cast_to_string(const Value *from, Type to, Value *out, Arena *arena)
{
	bool quoted = to.kind == TYPE_JSON && from->type.kind >= TYPE_DATE;
	if (!quoted && !(to.kind == TYPE_JSON && from->type.kind == TYPE_REAL && isinf(from->f64))) {
		print_to_str(from, &out->str, arena);
		return true;
	}
	StrBuf text = STRBUF_INIT;
	value_print_json(from, &text);
	out->str = str_copy(arena, text.text, text.bytes);
	strbuf_release(&text);
	return true;
}

static bool cast_number(const Value *from, Type to, CastRule rule, Value *out)
{
	TypeKind kind = from->type.kind;
	switch (to.kind) {
	case TYPE_BOOLEAN:
		out->i64 = kind == TYPE_REAL ? from->f64 != 0 : kind == TYPE_DECIMAL ? from->i128 != 0 : from->i64 != 0;
		return true;
	case TYPE_INTEGER:
		if (kind == TYPE_REAL) return real_to_integer(from->f64, rule, &out->i64);
		if (kind == TYPE_DECIMAL) return decimal_to_integer(from->i128, from->type.scale, &out->i64);
		out->i64 = from->i64;
		return true;
	case TYPE_REAL:
		out->f64 = kind == TYPE_DECIMAL ? decimal_to_real(from->i128, from->type.scale) : (double)from->i64;
		return true;
	case TYPE_DECIMAL:
		if (kind == TYPE_REAL) return real_to_decimal(from->f64, to.precision, to.scale, &out->i128);
		return decimal_rescale(kind == TYPE_DECIMAL ? from->i128 : from->i64, kind == TYPE_DECIMAL ? from->type.scale : 0, to.precision, to.scale, &out->i128);
	default: return false;
	}
}

static bool cast_moment(const Value *from, Type to, Value *out)
{
	int64_t rest, day;
	switch (from->type.kind) {
	case TYPE_DATE:
		out->i64 = from->i64 * US_PER_DAY;
		return to.kind == TYPE_TIMESTAMP;
	case TYPE_TIMESTAMP:
		day = timestamp_day(from->i64, &rest);
		out->i64 = to.kind == TYPE_DATE ? day : rest;
		return to.kind == TYPE_DATE || to.kind == TYPE_TIME;
	case TYPE_TIME:
		out->interval = (Interval){.us = from->i64};
		return to.kind == TYPE_INTERVAL;
	case TYPE_INTERVAL:
		timestamp_day(from->interval.us, &out->i64);
		return to.kind == TYPE_TIME;
	default: return false;
	}
}

bool value_cast(const Value *from, Type to, CastRule rule, Value *out, Arena *arena)
{
	Type source = from->type;
	*out = (Value){.type = to, .is_null = from->is_null};
	if (from->is_null) return true;
	if (source.kind == to.kind && source.kind != TYPE_DECIMAL) {
		*out = *from;
		return true;
	}
	bool ok;
	if (source.kind == TYPE_JSON) ok = cast_json(from, to, rule, out, arena);
	else if (type_phys(source) == PHYS_STR) ok = cast_text(str_at(&from->str), from->str.bytes, to, rule, out, arena);
	else if (type_phys(to) == PHYS_STR) ok = cast_to_string(from, to, out, arena);
	else if (source.kind <= TYPE_DECIMAL) ok = cast_number(from, to, rule, out);
	else ok = cast_moment(from, to, out);
	if (!ok) *out = (Value){.type = to, .is_null = true};
	return ok;
}

/* ---- kernels ---- */

static void cast_each(KernelCall *call, CastRule rule)
{
	const Column *in = call->args;
	for (int i = 0; i < call->count; i++) {
		Value from = column_value(in, i), to;
		if (from.is_null) continue;
		if (value_cast(&from, call->out->type, rule, &to, call->scratch)) column_set(call->out, i, &to, call->scratch);
		else kernel_null(call, i);
	}
}

static void decimal_from_integer(KernelCall *call)
{
	Type to = call->out->type;
	for (int i = 0; i < call->count; i++)
		if (!decimal_rescale(call->args->i64[i], 0, to.precision, to.scale, &call->out->i128[i])) kernel_overflow(call, i);
}

static void decimal_from_decimal(KernelCall *call)
{
	Type from = call->args->type, to = call->out->type;
	if (from.scale == to.scale && from.precision <= to.precision) {
		memcpy(call->out->i128, call->args->i128, sizeof(Int128) * (size_t)call->count);
		return;
	}
	for (int i = 0; i < call->count; i++)
		if (!decimal_rescale(call->args->i128[i], from.scale, to.precision, to.scale, &call->out->i128[i])) kernel_overflow(call, i);
}

static void print_integers(KernelCall *call)
{
	char text[INTEGER_PRINT_BYTES];
	for (int i = 0; i < call->count; i++) call->out->str[i] = str_copy(call->scratch, text, (size_t)integer_print(call->args->i64[i], text));
}

/* The pairs worth a loop of their own; false: none of them */
static bool cast_fast(KernelCall *call)
{
	const Column *in = call->args;
	TypeKind from = in->type.kind, to = call->out->type.kind;
	int count = call->count;
	if (from == TYPE_INTEGER && to == TYPE_REAL) for (int i = 0; i < count; i++) call->out->f64[i] = (double)in->i64[i];
	else if (from == TYPE_INTEGER && to == TYPE_DECIMAL) decimal_from_integer(call);
	else if (from == TYPE_DECIMAL && to == TYPE_DECIMAL) decimal_from_decimal(call);
	else if (from == TYPE_INTEGER && to == TYPE_TEXT) print_integers(call);
	else if (from == TYPE_DATE && to == TYPE_TIMESTAMP) for (int i = 0; i < count; i++) call->out->i64[i] = in->i64[i] * US_PER_DAY;
	else if (from == TYPE_BOOLEAN && to == TYPE_INTEGER) memcpy(call->out->i64, in->i64, 8 * (size_t)count);
	else if ((from == TYPE_TEXT && to == TYPE_BLOB) || (from == TYPE_JSON && to == TYPE_TEXT)) memcpy(call->out->str, in->str, sizeof(Str) * (size_t)count);
	else return false;
	return true;
}

void kernel_cast(KernelCall *call)
{
	if (!cast_fast(call)) cast_each(call, CAST_EXPLICIT);
}

void kernel_try_cast(KernelCall *call)
{
	if (!cast_fast(call)) cast_each(call, CAST_TRY);
}

/* SQLite's truth: a number that is not 0, text by the number at its beginning. DATE and TIMESTAMP begin with a year. */
void kernel_truth(KernelCall *call)
{
	const Column *in = call->args;
	int64_t *out = call->out->i64;
	for (int i = 0; i < call->count; i++) {
		switch (in->type.kind) {
		case TYPE_REAL: out[i] = in->f64[i] != 0; break;
		case TYPE_DECIMAL: out[i] = in->i128[i] != 0; break;
		case TYPE_TEXT: case TYPE_BLOB: case TYPE_ROW: out[i] = real_prefix(str_at(&in->str[i]), in->str[i].bytes) != 0; break;
		case TYPE_JSON: out[i] = real_prefix(str_at(&in->str[i]), in->str[i].bytes) != 0 || (in->str[i].bytes == 4 && memcmp(in->str[i].inlined, "true", 4) == 0); break;
		case TYPE_DATE: case TYPE_TIMESTAMP: out[i] = 1; break;
		case TYPE_TIME: out[i] = in->i64[i] >= US_PER_HOUR; break;
		case TYPE_INTERVAL: out[i] = 0; break;
		default: out[i] = in->i64[i] != 0; break;
		}
	}
}

/* ---- types of decimals ---- */

Type decimal_type_cut(int precision, int scale)
{
	int whole = precision - scale;
	if (precision > DECIMAL_PRECISION_MAX) {
		int least = scale < DECIMAL_SCALE_MIN_KEPT ? scale : DECIMAL_SCALE_MIN_KEPT;
		scale = DECIMAL_PRECISION_MAX - whole > least ? DECIMAL_PRECISION_MAX - whole : least;
		precision = DECIMAL_PRECISION_MAX;
	}
	return type_decimal(precision < 1 ? 1 : precision, scale);
}

bool is_number_constant(const Expr *e)
{
	return e->kind == EXPR_CONSTANT && !e->constant.is_null && (e->type.kind == TYPE_INTEGER || e->type.kind == TYPE_REAL);
}

bool constant_to_decimal(const Value *number, Value *out)
{
	RealDigits digits;
	int scale = 0, whole;
	if (number->type.kind == TYPE_REAL) {
		if (!isfinite(number->f64)) return false;
		real_digits(number->f64, &digits);
		scale = digits.count - 1 - digits.exponent;
		if (scale < 0) scale = 0;
		whole = digits.exponent < 0 ? 0 : digits.exponent + 1;
	} else {
		char text[INTEGER_PRINT_BYTES];
		whole = integer_print(number->i64, text) - (number->i64 < 0);
	}
	if (whole + scale > DECIMAL_PRECISION_MAX) return false;
	return value_cast(number, type_decimal(whole + scale ? whole + scale : 1, scale), CAST_EXPLICIT, out, NULL);
}

Type decimal_type_for(const Expr *e)
{
	Value own;
	if (e->type.kind == TYPE_DECIMAL) return e->type;
	if (is_number_constant(e) && constant_to_decimal(&e->constant, &own)) return own.type;
	return type_decimal(e->type.kind == TYPE_BOOLEAN ? 1 : 19, 0);
}

/* ---- expressions ---- */

/* What may be done to a value of the row's type to make one of the column's: A by itself (and by all other rules), S by
 * assignment too, E only by CAST, C by itself if it is a constant that has a value there and else by CAST, L as C
 * for REAL and DECIMAL constants that are whole. '.' is no way at all. */
static const char ALLOWED[TYPE_ROW][TYPE_ROW + 1] = {
	/*                    NULL BOOL INT REAL DEC TEXT BLOB JSON DATE TIME TS IVAL */
	[TYPE_NULL] =        "AAAAAAAAAAAA",
	[TYPE_BOOLEAN] =     "AAAAAAEE....",
	[TYPE_INTEGER] =     "ASAAAAEE....",
	[TYPE_REAL] =        "ASLASAEE....",
	[TYPE_DECIMAL] =     "ASLAAAEE....",
	[TYPE_TEXT] =        "ACCCCAACCCCC",
	[TYPE_BLOB] =        "AEEEEEAE....",
	[TYPE_JSON] =        "AEEEEAEAEEEE",
	[TYPE_DATE] =        "A....AEEA.A.",
	[TYPE_TIME] =        "A....AEE.A.A",
	[TYPE_TIMESTAMP] =   "A....AEEEEA.",
	[TYPE_INTERVAL] =    "A....AEE.E.A",
};

static bool is_constant(const Expr *e) { return e->kind == EXPR_CONSTANT && !e->constant.is_null; }

static bool refuse_cast(const Expr *e, Type to, CastRule rule, Error *err)
{
	StrBuf from = STRBUF_INIT, target = STRBUF_INIT;
	type_print(e->type, &from);
	type_print(to, &target);
	bool never = ALLOWED[e->type.kind][to.kind] == '.';
	error_set(err, ERR_DATATYPE_MISMATCH, e->span, "%s cannot become %s%s", from.text, target.text, never || rule >= CAST_EXPLICIT ? "" : " without CAST");
	if (!never && rule < CAST_EXPLICIT) error_hint(err, "Write CAST(... AS %s).", target.text);
	else if (type_is_numeric(e->type) && to.kind == TYPE_TIMESTAMP) error_hint(err, "Use to_timestamp(seconds).");
	else if (e->type.kind == TYPE_TIMESTAMP && type_is_numeric(to)) error_hint(err, "Use epoch(timestamp) or extract(... from timestamp).");
	strbuf_release(&from);
	strbuf_release(&target);
	return false;
}

static bool refuse_constant(const Expr *e, Type to, Error *err)
{
	StrBuf text = STRBUF_INIT, target = STRBUF_INIT;
	value_print_sql(&e->constant, &text);
	type_print(to, &target);
	bool moment = to.kind >= TYPE_DATE && to.kind <= TYPE_INTERVAL, number = e->type.kind != TYPE_TEXT;
	error_set(err, moment ? ERR_DATETIME_FORMAT : number ? ERR_NUMERIC_RANGE : ERR_INVALID_TEXT, e->span, "%s is no %s", text.text, target.text);
	strbuf_release(&text);
	strbuf_release(&target);
	return false;
}

static bool cast_may_null(Type from, Type to, CastRule rule)
{
	bool is_string = type_phys(from) == PHYS_STR;
	if (to.kind == TYPE_TEXT) return from.kind == TYPE_BLOB || from.kind == TYPE_ROW;
	if (to.kind == TYPE_BLOB) return false;
	if (to.kind == TYPE_INTEGER || to.kind == TYPE_REAL) {
		if (from.kind == TYPE_DECIMAL) return to.kind == TYPE_INTEGER && from.precision - from.scale > 18;
		return rule == CAST_TRY && (is_string || (from.kind == TYPE_REAL && to.kind == TYPE_INTEGER));
	}
	if (to.kind == TYPE_DECIMAL) {
		int whole = from.kind == TYPE_BOOLEAN ? 1 : from.kind == TYPE_INTEGER ? 19 : from.kind == TYPE_DECIMAL ? from.precision - from.scale + (from.scale > to.scale) : DECIMAL_PRECISION_MAX + 1;
		return whole > to.precision - to.scale;
	}
	return is_string;
}

Expr *cast_make(Arena *arena, Expr *e, Type to, CastRule rule)
{
	if (type_equal(e->type, to)) return e;
	if (e->kind == EXPR_CONSTANT) {
		Value value;
		value_cast(&e->constant, to, rule, &value, arena);
		return expr_constant(arena, &value, e->span);
	}
	Expr *cast = arena_new(arena, Expr);
	*cast = (Expr){.kind = EXPR_CALL, .type = to, .span = e->span, .arg_count = 1, .function = function_find(rule == CAST_TRY ? "try_cast" : "cast")};
	cast->nullable = e->nullable || cast_may_null(e->type, to, rule);
	cast->args = arena_array(arena, Expr *, 1);
	cast->args[0] = e;
	return cast;
}

Expr *expr_cast(Arena *arena, Expr *e, Type to, CastRule rule, Error *err)
{
	if (type_equal(e->type, to) || to.kind == TYPE_NULL) return e;
	if (e->type.kind == TYPE_ROW || to.kind == TYPE_ROW) {
		error_set(err, ERR_UNSUPPORTED, e->span, "a ROW cannot be cast");
		return NULL;
	}
	char allowed = ALLOWED[e->type.kind][to.kind];
	bool constant = is_constant(e);
	if (allowed == '.') return refuse_cast(e, to, rule, err), NULL;
	if (rule >= CAST_EXPLICIT) return cast_make(arena, e, to, rule);
	if (allowed == 'E' || (allowed == 'S' && rule == CAST_IMPLICIT && !constant) || ((allowed == 'L' || allowed == 'C') && !constant))
		return refuse_cast(e, to, rule, err), NULL;
	if (!constant) return cast_make(arena, e, to, CAST_EXPLICIT);
	Value value;
	if (!value_cast(&e->constant, to, rule, &value, arena)) return refuse_constant(e, to, err), NULL;
	return expr_constant(arena, &value, e->span);
}
