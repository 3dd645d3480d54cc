/* Comparisons and IN. The types of both sides decide, as SQLite's affinities do: a column or a CAST has
 * one, a constant or another expression has none. A number's affinity turns text into a number where it is one; text's
 * affinity turns a number without one into text; what stays different is ordered by kind: numbers, TEXT, BLOB. */
#include "expr/resolve.h"

#include <stdlib.h>
#include <string.h>

#include "expr/cast.h"
#include "type/number.h"
#include "type/text.h"

static bool is_number(const Expr *e) { return e->type.kind >= TYPE_BOOLEAN && e->type.kind <= TYPE_DECIMAL; }
static bool is_moment(const Expr *e) { return e->type.kind >= TYPE_DATE && e->type.kind <= TYPE_INTERVAL; }
static bool is_constant(const Expr *e) { return e->kind == EXPR_CONSTANT && !e->constant.is_null; }

static bool is_call(const Expr *e, const char *name) { return e->kind == EXPR_CALL && strcmp(e->function->name, name) == 0; }

/* What JSON functions give as text has the affinity of what it meets: SQLite's values there have types of their own. */
static bool is_json_value(const Expr *e)
{
	return is_call(e, "->>") || is_call(e, "json_extract") || is_call(e, "json_value");
}

bool expr_has_affinity(const Expr *e) { return e->kind == EXPR_COLUMN || is_call(e, "cast") || is_call(e, "try_cast"); }

/* ---- numbers ---- */

static Expr *constant_as(Arena *arena, Expr *e, Type to)
{
	Value value;
	if (!value_cast(&e->constant, to, CAST_IMPLICIT, &value, arena)) return NULL;
	return expr_constant(arena, &value, e->span);
}

/* The constant with the scale of the DECIMAL it meets, if no digit is lost */
static Expr *constant_as_decimal(Arena *arena, Expr *e, Type beside)
{
	Value own, same;
	if (!constant_to_decimal(&e->constant, &own)) return NULL;
	bool exact = own.type.scale <= beside.scale && value_cast(&own, type_decimal(DECIMAL_PRECISION_MAX, beside.scale), CAST_IMPLICIT, &same, NULL);
	return expr_constant(arena, exact ? &same : &own, e->span);
}

static void unify_with_decimal(Arena *arena, Expr **decimal, Expr **other)
{
	Expr *constant = is_number_constant(*other) ? constant_as_decimal(arena, *other, (*decimal)->type) : NULL;
	if (constant) *other = constant;
	else if ((*other)->type.kind == TYPE_REAL) *decimal = cast_make(arena, *decimal, TYPE(REAL), CAST_EXPLICIT);
	else if ((*other)->type.kind != TYPE_DECIMAL) *other = cast_make(arena, *other, decimal_type_for(*other), CAST_EXPLICIT);
}

/* INTEGER and REAL columns stay as they are: their kernel compares exactly. */
static void unify_integer_real(Arena *arena, Expr **integer, Expr **real)
{
	Expr *constant = NULL;
	if (is_constant(*real) && (constant = constant_as(arena, *real, TYPE(INTEGER)))) *real = constant;
	else if (is_constant(*integer) && llabs((*integer)->constant.i64) < 1ll << 53) *integer = constant_as(arena, *integer, TYPE(REAL));
}

static void unify_numbers(Arena *arena, Expr **a, Expr **b)
{
	if ((*a)->type.kind != (*b)->type.kind) {
		if ((*a)->type.kind == TYPE_BOOLEAN) *a = cast_make(arena, *a, TYPE(INTEGER), CAST_EXPLICIT);
		if ((*b)->type.kind == TYPE_BOOLEAN) *b = cast_make(arena, *b, TYPE(INTEGER), CAST_EXPLICIT);
	}
	if ((*a)->type.kind == TYPE_DECIMAL && (*b)->type.kind != TYPE_DECIMAL) unify_with_decimal(arena, a, b);
	else if ((*b)->type.kind == TYPE_DECIMAL && (*a)->type.kind != TYPE_DECIMAL) unify_with_decimal(arena, b, a);
	else if ((*a)->type.kind == TYPE_INTEGER && (*b)->type.kind == TYPE_REAL) unify_integer_real(arena, a, b);
	else if ((*a)->type.kind == TYPE_REAL && (*b)->type.kind == TYPE_INTEGER) unify_integer_real(arena, b, a);
}

/* ---- numbers and text ---- */

static bool text_is_number(const Str *s)
{
	NumberText number;
	return number_text(str_at(s), s->bytes, &number);
}

static void unify_number_text(Arena *arena, Expr **number, Expr **text)
{
	int64_t truth;
	const Str *s = &(*text)->constant.str;
	if ((*number)->type.kind == TYPE_BOOLEAN && is_constant(*text) && text_to_boolean(str_at(s), s->bytes, &truth)) {
		*text = expr_bool(arena, truth);
		return;
	}
	if (expr_has_affinity(*number) || is_json_value(*text)) {
		if (!is_constant(*text) || !text_is_number(s)) return;        /* row by row, or text after all numbers */
		*text = text_as_number(arena, *text);
		unify_numbers(arena, number, text);
	} else if (expr_has_affinity(*text)) *number = cast_make(arena, *number, TYPE(TEXT), CAST_EXPLICIT);
	else *text = cast_make(arena, *text, TYPE(BLOB), CAST_EXPLICIT);         /* after all numbers, whatever it says */
}

/* ---- times ---- */

static bool text_as_moment(Arena *arena, Expr **moment, Expr **text, Error *err)
{
	Type to = (*moment)->type;
	Value value;
	if (to.kind == TYPE_DATE && is_constant(*text) && !value_cast(&(*text)->constant, to, CAST_IMPLICIT, &value, arena)
	    && value_cast(&(*text)->constant, TYPE(TIMESTAMP), CAST_IMPLICIT, &value, arena)) {
		to = TYPE(TIMESTAMP);                                             /* a day against a time of day */
		*moment = cast_make(arena, *moment, to, CAST_EXPLICIT);
	}
	if (is_constant(*text)) *text = expr_cast(arena, *text, to, CAST_IMPLICIT, err);
	else *text = cast_make(arena, *text, to, CAST_TRY);
	return *text != NULL;
}

static bool unify_moments(Arena *arena, Expr **a, Expr **b, bool *fits, Error *err)
{
	TypeKind ka = (*a)->type.kind, kb = (*b)->type.kind;
	*fits = true;
	if (ka == kb) return true;
	if (ka == TYPE_DATE && kb == TYPE_TIMESTAMP) *a = cast_make(arena, *a, TYPE(TIMESTAMP), CAST_EXPLICIT);
	else if (kb == TYPE_DATE && ka == TYPE_TIMESTAMP) *b = cast_make(arena, *b, TYPE(TIMESTAMP), CAST_EXPLICIT);
	else if (kb == TYPE_TEXT) return text_as_moment(arena, a, b, err);
	else if (ka == TYPE_TEXT) return text_as_moment(arena, b, a, err);
	else *fits = false;
	return true;
}

static bool compare_unify(Arena *arena, const char *name, Expr **a, Expr **b, Span span, Error *err)
{
	bool fits = true;
	if ((*a)->type.kind == TYPE_ROW || (*b)->type.kind == TYPE_ROW) return error_set(err, ERR_UNSUPPORTED, span, "a ROW cannot be compared");
	if ((*a)->type.kind == TYPE_JSON) *a = cast_make(arena, *a, TYPE(TEXT), CAST_EXPLICIT);
	if ((*b)->type.kind == TYPE_JSON) *b = cast_make(arena, *b, TYPE(TEXT), CAST_EXPLICIT);
	if ((*a)->type.kind == TYPE_NULL) *a = cast_make(arena, *a, (*b)->type, CAST_EXPLICIT);
	else if ((*b)->type.kind == TYPE_NULL) *b = cast_make(arena, *b, (*a)->type, CAST_EXPLICIT);
	else if (is_number(*a) && is_number(*b)) unify_numbers(arena, a, b);
	else if (is_number(*a) && (*b)->type.kind == TYPE_TEXT) unify_number_text(arena, a, b);
	else if (is_number(*b) && (*a)->type.kind == TYPE_TEXT) unify_number_text(arena, b, a);
	else if (is_moment(*a) || is_moment(*b)) {
		if (!unify_moments(arena, a, b, &fits, err)) return false;
	}
	if (fits) return true;
	Expr *sides[2] = {*a, *b};
	refuse_call(name, sides, 2, span, err);
	return false;
}

/* ---- making ---- */

Expr *compare_make(Arena *arena, const char *name, Expr *a, Expr *b, Span span, Error *err)
{
	Expr *args[2] = {a, b};
	if (!compare_unify(arena, name, &args[0], &args[1], span, err)) return NULL;
	return call_make(arena, function_find(name), args, 2, span);
}

/* x IN (list): constants that x can equal, in its own type, go into a hash set; the call keeps NULLs and drops what x never
 * equals. Where a side needs more than that it is x = a OR x = b. */
typedef enum InItem { IN_EQUAL, IN_NEVER, IN_OTHER, IN_REFUSED } InItem;

static InItem in_item(Arena *arena, Expr *x, Expr **item, Span span, Error *err)
{
	Expr *side = x;
	if ((*item)->kind != EXPR_CONSTANT) return IN_OTHER;
	if (!compare_unify(arena, "=", &side, item, span, err)) return IN_REFUSED;
	if (side != x) return IN_OTHER;
	if (type_equal((*item)->type, x->type)) return IN_EQUAL;
	if ((*item)->constant.is_null) return IN_OTHER;
	if (x->type.kind == TYPE_DECIMAL && (*item)->type.kind == TYPE_DECIMAL) return (*item)->type.scale == x->type.scale ? IN_EQUAL : IN_NEVER;
	if (x->type.kind == TYPE_INTEGER && (*item)->type.kind == TYPE_REAL) return IN_NEVER;
	bool kinds_differ = is_number(x) ? !is_number(*item) : is_number(*item) || x->type.kind != (*item)->type.kind;
	return kinds_differ && (is_number(x) || type_phys(x->type) == PHYS_STR) ? IN_NEVER : IN_OTHER;
}

Expr *in_make(Arena *arena, Expr **args, int arg_count, Span span, Error *err)
{
	Expr **kept = arena_array(arena, Expr *, arg_count), *x = args[0];
	int count = 1;
	bool other = false;
	if (arg_count == 1) return expr_bool(arena, false);
	if (x->type.kind == TYPE_JSON) x = cast_make(arena, x, TYPE(TEXT), CAST_EXPLICIT);
	kept[0] = x;
	for (int i = 1; i < arg_count && !other; i++) {
		Expr *item = args[i];
		InItem kind = in_item(arena, x, &item, span, err);
		if (kind == IN_REFUSED) return NULL;
		if (kind == IN_EQUAL) kept[count++] = item;
		other = kind == IN_OTHER;
	}
	if (!other) return call_make(arena, function_find("in"), kept, count, span);
	Expr *e = arena_new(arena, Expr);
	*e = (Expr){.kind = EXPR_OR, .type = TYPE(BOOLEAN), .span = span, .arg_count = arg_count - 1, .args = kept};
	for (int i = 1; i < arg_count; i++) {
		kept[i - 1] = compare_make(arena, "=", x, args[i], span, err);
		if (!kept[i - 1]) return NULL;
		e->nullable |= kept[i - 1]->nullable;
	}
	return arg_count == 2 ? kept[0] : e;
}
