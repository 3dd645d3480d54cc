/* From a name and arguments to a call: the overload that costs the fewest and mildest conversions, with casts put in.
 * Signatures are read as they stand in functions.def; statements are rare, so nothing is kept. */
#include "expr/resolve.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "base/nearest.h"
#include "base/vec.h"
#include "expr/aggregate.h"
#include "expr/cast.h"
#include "type/number.h"
#include "type/text.h"

/* ---- signatures ---- */

typedef enum ParamKind { PARAM_TYPE, PARAM_ANY, PARAM_SAME, PARAM_NUMBER, PARAM_STRING } ParamKind;
typedef struct Param { ParamKind kind; TypeKind type; } Param;

enum { PARAMS_MAX = 12, COST_NEVER = 1000000 };

typedef struct Signature {
	Param params[PARAMS_MAX];
	int count, required;
	bool repeats;                     /* the last one any number of times */
} Signature;

static const struct { const char *word; Param param; } PARAM_WORDS[] = {
	{"any", {PARAM_ANY}}, {"same", {PARAM_SAME}}, {"number", {PARAM_NUMBER}}, {"string", {PARAM_STRING}},
	{"text", {PARAM_TYPE, TYPE_TEXT}}, {"integer", {PARAM_TYPE, TYPE_INTEGER}}, {"real", {PARAM_TYPE, TYPE_REAL}},
	{"decimal", {PARAM_TYPE, TYPE_DECIMAL}}, {"blob", {PARAM_TYPE, TYPE_BLOB}}, {"boolean", {PARAM_TYPE, TYPE_BOOLEAN}},
	{"json", {PARAM_TYPE, TYPE_JSON}}, {"date", {PARAM_TYPE, TYPE_DATE}}, {"time", {PARAM_TYPE, TYPE_TIME}},
	{"timestamp", {PARAM_TYPE, TYPE_TIMESTAMP}}, {"interval", {PARAM_TYPE, TYPE_INTERVAL}},
};

static void signature_add(Signature *s, const char *word, size_t bytes)
{
	for (size_t i = 0; i < sizeof PARAM_WORDS / sizeof *PARAM_WORDS; i++) {
		if (strlen(PARAM_WORDS[i].word) != bytes || memcmp(PARAM_WORDS[i].word, word, bytes) != 0) continue;
		assert(s->count < PARAMS_MAX);
		s->params[s->count++] = PARAM_WORDS[i].param;
		return;
	}
	assert(!"a signature of functions.def has an unknown word");
}

/* "text, integer [, text]" and "any [, any ...]" */
static Signature signature_read(const char *text)
{
	Signature s = {.required = -1};
	while (*text) {
		size_t word = strspn(text, "abcdefghijklmnopqrstuvwxyz");
		if (word) signature_add(&s, text, word);
		else if (*text == '[' && s.required < 0) s.required = s.count;
		else if (strncmp(text, "...", 3) == 0) s.repeats = true;
		text += word ? word : 1;
	}
	if (s.required < 0) s.required = s.count;
	return s;
}

static Param signature_param(const Signature *s, int i) { return s->params[i < s->count ? i : s->count - 1]; }

/* ---- what a conversion costs ---- */

static bool constant_reads_as(const Expr *e, TypeKind kind)
{
	Value value;
	return e->kind == EXPR_CONSTANT && value_cast(&e->constant, (Type){.kind = kind}, CAST_IMPLICIT, &value, NULL);
}

/* '12', or what is no number at all */
static bool reads_as_integer(const Expr *e)
{
	NumberText number;
	int64_t whole;
	const Str *s = &e->constant.str;
	size_t used = number_prefix(str_at(s), s->bytes, &number);
	return !used || (!number.has_point && !number.has_exponent && text_to_integer(str_at(s), used, &whole));
}

enum { COST_NO_NUMBER = 31 };      /* of a constant that is none: more than as a time, where it is refused */

static bool is_no_number(const Expr *e)
{
	NumberText number;
	return e->kind == EXPR_CONSTANT && !e->constant.is_null && !number_prefix(str_at(&e->constant.str), e->constant.str.bytes, &number);
}

static int cost_from_text(const Expr *e, TypeKind to)
{
	if (to == TYPE_DECIMAL) return COST_NEVER;
	if (is_no_number(e)) return COST_NO_NUMBER;
	bool constant = e->kind == EXPR_CONSTANT && !e->constant.is_null;
	return to == TYPE_REAL || (constant && reads_as_integer(e)) ? 20 : 25;
}

static int cost_to_number(const Expr *e, TypeKind to)
{
	switch (e->type.kind) {
	case TYPE_INTEGER: return to == TYPE_DECIMAL ? 1 : 2;
	case TYPE_DECIMAL: return to == TYPE_REAL ? 2 : 5;
	case TYPE_REAL: return to == TYPE_INTEGER ? 5 : is_number_constant(e) ? 3 : COST_NEVER;
	case TYPE_BOOLEAN: return 4;
	case TYPE_TEXT: case TYPE_JSON: return cost_from_text(e, to);
	default: return COST_NEVER;
	}
}

static int cost_to_type(const Expr *e, TypeKind to)
{
	TypeKind from = e->type.kind;
	if (from == to) return 0;
	if (from == TYPE_NULL) return 1;
	if (from == TYPE_ROW) return COST_NEVER;
	switch (to) {
	case TYPE_INTEGER: case TYPE_REAL: case TYPE_DECIMAL: return cost_to_number(e, to);
	case TYPE_BOOLEAN: return from <= TYPE_DECIMAL ? 4 : from <= TYPE_JSON ? 20 : COST_NEVER;
	case TYPE_TEXT: return from == TYPE_JSON ? 1 : 10;
	case TYPE_BLOB: return from == TYPE_TEXT || from == TYPE_JSON ? 2 : 12;
	case TYPE_JSON: return from == TYPE_TEXT ? 2 : from == TYPE_BLOB ? 12 : COST_NEVER;
	case TYPE_TIMESTAMP: return from == TYPE_DATE ? 1 : from != TYPE_TEXT ? COST_NEVER : e->kind != EXPR_CONSTANT ? 9 : constant_reads_as(e, to) ? 3 : 30;
	case TYPE_DATE: case TYPE_TIME: case TYPE_INTERVAL: return from == TYPE_TEXT && constant_reads_as(e, to) ? 4 : COST_NEVER;
	default: return COST_NEVER;
	}
}

static int cost_to_param(const Expr *e, Param param)
{
	TypeKind from = e->type.kind;
	switch (param.kind) {
	case PARAM_ANY: case PARAM_SAME: return from == TYPE_ROW ? COST_NEVER : param.kind == PARAM_ANY ? 6 : 0;
	case PARAM_NUMBER: return type_is_numeric(e->type) || from == TYPE_NULL ? 0 : from == TYPE_BOOLEAN ? 4
		: type_phys(e->type) != PHYS_STR || from == TYPE_BLOB ? COST_NEVER : is_no_number(e) ? COST_NO_NUMBER : 20;
	case PARAM_STRING: return from == TYPE_ROW ? COST_NEVER : type_phys(e->type) == PHYS_STR || from == TYPE_NULL ? 0 : 10;
	case PARAM_TYPE: break;
	}
	return cost_to_type(e, param.type);
}

static int cost_of(const Signature *s, Expr **args, int arg_count)
{
	if (arg_count < s->required || (arg_count > s->count && !s->repeats)) return COST_NEVER;
	int cost = 0;
	for (int i = 0; i < arg_count && cost < COST_NEVER; i++) cost += cost_to_param(args[i], signature_param(s, i));
	return cost;
}

/* ---- making the call ---- */

Expr *text_as_number(Arena *arena, Expr *e)
{
	if (e->type.kind == TYPE_JSON) e = cast_make(arena, e, TYPE(TEXT), CAST_EXPLICIT);
	bool constant = e->kind == EXPR_CONSTANT && !e->constant.is_null;
	return cast_make(arena, e, constant && reads_as_integer(e) ? TYPE(INTEGER) : TYPE(REAL), CAST_EXPLICIT);
}

/* As in SQLite, functions of mathematics are NULL for text that is no number; abs() and round() take the number that it begins with. */
static bool takes_beginnings(const Function *function)
{
	return strcmp(function->category, "math") != 0 || strcmp(function->name, "abs") == 0 || strcmp(function->name, "round") == 0;
}

static Expr *cast_to_param(Arena *arena, Expr *e, Param param, const Function *function, Error *err)
{
	TypeKind from = e->type.kind;
	bool is_text = from == TYPE_TEXT || from == TYPE_JSON, is_integer = param.kind == PARAM_TYPE && param.type == TYPE_INTEGER;
	bool is_number = is_integer || param.kind == PARAM_NUMBER || (param.kind == PARAM_TYPE && param.type == TYPE_REAL);
	if (is_text && is_number && !takes_beginnings(function)) return cast_make(arena, e, is_integer ? TYPE(INTEGER) : TYPE(REAL), CAST_TRY);
	switch (param.kind) {
	case PARAM_ANY: case PARAM_SAME: return e;
	case PARAM_STRING: return type_phys(e->type) == PHYS_STR ? e : cast_make(arena, e, TYPE(TEXT), CAST_EXPLICIT);
	case PARAM_NUMBER:
		if (type_is_numeric(e->type)) return e;
		return is_text ? text_as_number(arena, e) : cast_make(arena, e, TYPE(INTEGER), CAST_EXPLICIT);
	case PARAM_TYPE: break;
	}
	if (from == param.type) return e;
	if (param.type == TYPE_DECIMAL) return cast_make(arena, e, decimal_type_for(e), CAST_EXPLICIT);
	if (param.type == TYPE_BOOLEAN) return expr_condition(arena, e);
	if (param.type == TYPE_TIMESTAMP && from == TYPE_TEXT && e->kind == EXPR_CONSTANT) return expr_cast(arena, e, TYPE(TIMESTAMP), CAST_IMPLICIT, err);
	return cast_make(arena, e, (Type){.kind = param.type}, CAST_EXPLICIT);
}

Expr *call_make(Arena *arena, const Function *function, Expr **args, int arg_count, Span span)
{
	Expr *e = arena_new(arena, Expr);
	Type *types = arena_array(arena, Type, arg_count + 1);
	bool any = false, all = true;
	for (int i = 0; i < arg_count; i++) {
		types[i] = args[i]->type;
		any |= args[i]->nullable;
		all &= args[i]->nullable;
	}
	*e = (Expr){.kind = EXPR_CALL, .span = span, .function = function, .arg_count = arg_count};
	e->args = arena_copy(arena, args, sizeof *args * (size_t)arg_count);
	e->type = function->result(types, arg_count);
	e->nullable = function->flags & FUNCTION_NEVER_NULL ? false : function->flags & FUNCTION_ALL_NULL ? all
		: !(function->flags & FUNCTION_STRICT) || (function->flags & FUNCTION_MAY_NULL) || any;
	return e;
}

static bool unify_same(Arena *arena, const Signature *s, Expr **args, int arg_count, Error *err)
{
	Expr **same = arena_array(arena, Expr *, arg_count + 1);
	int count = 0;
	Type type;
	for (int i = 0; i < arg_count; i++)
		if (signature_param(s, i).kind == PARAM_SAME) same[count++] = args[i];
	if (!count) return true;
	if (!expr_common_type(same, count, &type, err)) return false;
	for (int i = 0; i < arg_count; i++)
		if (signature_param(s, i).kind == PARAM_SAME && !(args[i] = expr_cast(arena, args[i], type, CAST_IMPLICIT, err))) return false;
	return true;
}

static void print_call_types(StrBuf *out, const Function *row, const char *name, Expr **args, int arg_count)
{
	bool infix = row && (row->flags & FUNCTION_OPERATOR) && arg_count == 2;
	if (!infix) strbuf_printf(out, "%s(", name);
	for (int i = 0; i < arg_count; i++) {
		if (i) strbuf_printf(out, infix ? " %s " : ", ", name);
		type_print(args[i]->type, out);
	}
	if (!infix) strbuf_addc(out, ')');
}

Expr *refuse_call(const char *name, Expr **args, int arg_count, Span span, Error *err)
{
	const Function *row = function_find(name);
	StrBuf call = STRBUF_INIT, known = STRBUF_INIT;
	print_call_types(&call, row, name, args, arg_count);
	error_set(err, ERR_UNDEFINED_FUNCTION, span, "%s %s does not exist", row && row->flags & FUNCTION_OPERATOR ? "operator" : "function", call.text);
	if (row) {
		for (const Function *f = row; f < FUNCTIONS + FUNCTION_COUNT && strcmp(f->name, row->name) == 0; f++)
			strbuf_printf(&known, "%s(%s)", f > row ? " or " : "", f->signature);
		error_hint(err, "%s takes %s.", row->name, known.text);
	} else {
		const char *near = function_nearest(name);
		if (near) error_hint(err, "Did you mean %s?", near);
	}
	strbuf_release(&call);
	strbuf_release(&known);
	return NULL;
}

static Expr *call_overload(Arena *arena, const Function *row, const char *name, Expr **args, int arg_count, Span span, Error *err)
{
	const Function *best = NULL;
	int best_cost = COST_NEVER;
	for (const Function *f = row; f && f < FUNCTIONS + FUNCTION_COUNT && strcmp(f->name, row->name) == 0; f++) {
		Signature s = signature_read(f->signature);
		int cost = cost_of(&s, args, arg_count);
		if (cost >= best_cost) continue;
		best = f;
		best_cost = cost;
	}
	if (!best) return refuse_call(name, args, arg_count, span, err);
	Signature s = signature_read(best->signature);
	Expr **cast = arena_array(arena, Expr *, arg_count + 1);
	for (int i = 0; i < arg_count; i++)
		if (!(cast[i] = cast_to_param(arena, args[i], signature_param(&s, i), best, err))) return NULL;
	if (!unify_same(arena, &s, cast, arg_count, err)) return NULL;
	Expr *e = call_make(arena, best, cast, arg_count, span);
	return check_constants(e, err) ? narrow_rounded(arena, e) : NULL;
}

/* A REAL constant beside a DECIMAL keeps its digits as DECIMAL; text in arithmetic is a number, beside a time an interval. */
static void adapt_arithmetic(Arena *arena, const char *name, Expr **args)
{
	for (int i = 0; i < 2; i++) {
		Expr *other = args[1 - i];
		Value value;
		if (args[i]->type.kind == TYPE_REAL && other->type.kind == TYPE_DECIMAL && is_number_constant(args[i]) && constant_to_decimal(&args[i]->constant, &value))
			args[i] = expr_constant(arena, &value, args[i]->span);
		if (args[i]->type.kind != TYPE_TEXT && args[i]->type.kind != TYPE_JSON) continue;
		if (other->type.kind < TYPE_DATE) args[i] = text_as_number(arena, args[i]);
		else if (constant_reads_as(args[i], TYPE_INTERVAL) && !(*name == '-' && constant_reads_as(args[i], TYPE_TIMESTAMP)))
			args[i] = cast_make(arena, args[i], TYPE(INTERVAL), CAST_IMPLICIT);
	}
}

Expr *expr_call(Arena *arena, const char *name, Expr **args, int arg_count, Span span, Error *err)
{
	size_t negation = strncasecmp(name, "not ", 4) == 0 ? 4 : name[0] == '!' && name[1] == '~' ? 1 : 0;
	if (negation) {
		Expr *e = expr_call(arena, name + negation, args, arg_count, span, err);
		return e ? expr_not(arena, e) : NULL;
	}
	const Function *row = function_find(name);
	bool done = false;
	Expr **own = arena_copy(arena, args, sizeof *args * (size_t)arg_count);
	Expr *e = resolve_form(arena, row ? row->name : name, own, arg_count, span, &done, err);
	if (done) return e;
	if (row && arg_count == 2 && row->name[1] == 0 && strchr("+-*/%", row->name[0])) adapt_arithmetic(arena, row->name, own);
	if (row && strcmp(row->name, "neg") == 0 && (own[0]->type.kind == TYPE_TEXT || own[0]->type.kind == TYPE_JSON)) own[0] = text_as_number(arena, own[0]);
	return call_overload(arena, row, name, own, arg_count, span, err);
}

static bool is_form_function(const char *name)
{
	static const char *const FORMS[] = {"iif", "if", "nullif", "extract", "date_part", "datepart", "overlaps", "json_concat"};
	for (size_t i = 0; i < sizeof FORMS / sizeof *FORMS; i++)
		if (strcasecmp(name, FORMS[i]) == 0) return true;
	return false;
}

Expr *expr_call_function(Arena *arena, const char *name, Expr **args, int arg_count, Span span, Error *err)
{
	static const char *const PATTERN_FIRST[] = {"like", "glob", "regexp"};
	for (int i = 0; i < 3; i++) {
		if (strcasecmp(name, PATTERN_FIRST[i]) != 0 || arg_count < 2) continue;
		Expr **swapped = arena_copy(arena, args, sizeof *args * (size_t)arg_count);
		swapped[0] = args[1];
		swapped[1] = args[0];
		return expr_call(arena, name, swapped, arg_count, span, err);
	}
	const Function *row = function_find(name);
	if (row && (row->flags & FUNCTION_OPERATOR)) row = NULL;
	if (!row && !is_form_function(name)) {
		error_set(err, ERR_UNDEFINED_FUNCTION, span, "function \"%s\" does not exist", name);
		const char *near = function_nearest(name);
		if (near) error_hint(err, "Did you mean %s?", near);
		return NULL;
	}
	return expr_call(arena, name, args, arg_count, span, err);
}

/* ---- common types ---- */

static bool text_constants_read_as(Expr **exprs, int count, TypeKind kind)
{
	for (int i = 0; i < count; i++)
		if (exprs[i]->type.kind == TYPE_TEXT && !constant_reads_as(exprs[i], kind)) return false;
	return true;
}

static Type common_decimal(Expr **exprs, int count)
{
	int whole = 0, scale = 0;
	for (int i = 0; i < count; i++) {
		if (exprs[i]->type.kind == TYPE_NULL) continue;
		Type type = decimal_type_for(exprs[i]);
		if (type.precision - type.scale > whole) whole = type.precision - type.scale;
		if (type.scale > scale) scale = type.scale;
	}
	return decimal_type_cut(whole + scale, scale);
}

static bool refuse_common(Expr **exprs, int count, Error *err)
{
	const Expr *first = NULL, *other = NULL;
	for (int i = 0; i < count; i++) {
		if (exprs[i]->type.kind == TYPE_NULL) continue;
		if (!first) first = exprs[i];
		else if (exprs[i]->type.kind != first->type.kind) other = exprs[i];
	}
	return error_set(err, ERR_DATATYPE_MISMATCH, (other ? other : first)->span, "%s and %s have no common type", type_kind_name(first->type.kind),
		type_kind_name((other ? other : first)->type.kind));
}

bool expr_common_type(Expr **exprs, int count, Type *type, Error *err)
{
	unsigned kinds = 0, real_columns = 0;
	TypeKind only = TYPE_NULL;
	for (int i = 0; i < count; i++) {
		if (exprs[i]->type.kind == TYPE_NULL) continue;
		only = exprs[i]->type.kind;
		kinds |= 1u << only;
		if (only == TYPE_REAL && !is_number_constant(exprs[i])) real_columns++;
		if (only == TYPE_ROW) return error_set(err, ERR_UNSUPPORTED, exprs[i]->span, "a ROW has no common type with anything");
	}
	const unsigned numbers = 1u << TYPE_BOOLEAN | 1u << TYPE_INTEGER | 1u << TYPE_REAL | 1u << TYPE_DECIMAL, text = 1u << TYPE_TEXT;
	const unsigned moments = 1u << TYPE_DATE | 1u << TYPE_TIMESTAMP;
	*type = (Type){.kind = only};
	if (kinds & 1u << TYPE_DECIMAL && !(kinds & ~numbers)) {
		*type = real_columns ? TYPE(REAL) : common_decimal(exprs, count);
		return true;
	}
	if ((kinds & (kinds - 1)) == 0) return true;                       /* none or one kind */
	if (!(kinds & ~numbers)) *type = kinds & 1u << TYPE_REAL ? TYPE(REAL) : TYPE(INTEGER);
	else if (!(kinds & ~moments)) *type = TYPE(TIMESTAMP);
	else if (!(kinds & ~(moments | text)) && kinds & 1u << TYPE_TIMESTAMP && text_constants_read_as(exprs, count, TYPE_TIMESTAMP)) *type = TYPE(TIMESTAMP);
	else if (!(kinds & ~(1u << TYPE_DATE | text)) && text_constants_read_as(exprs, count, TYPE_DATE)) *type = TYPE(DATE);
	else if (!(kinds & ~(1u << TYPE_TIME | text)) && text_constants_read_as(exprs, count, TYPE_TIME)) *type = TYPE(TIME);
	else if (!(kinds & ~(1u << TYPE_INTERVAL | text)) && text_constants_read_as(exprs, count, TYPE_INTERVAL)) *type = TYPE(INTERVAL);
	else if (!(kinds & ~(1u << TYPE_BLOB | text))) *type = TYPE(BLOB);
	else if (kinds & (text | 1u << TYPE_JSON)) *type = TYPE(TEXT);
	else return refuse_common(exprs, count, err);
	return true;
}
