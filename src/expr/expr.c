/* Making expressions and looking at them. Names and types are resolved in resolve.c and cast.c, running is program.c. */
#include "expr/expr.h"

#include <assert.h>

#include "base/hash.h"
#include "expr/function.h"
#include "type/row.h"

/* ---- making ---- */

static Expr *make(Arena *arena, ExprKind kind, Type type, bool nullable, Span span)
{
	Expr *e = arena_new(arena, Expr);
	e->kind = kind;
	e->type = type;
	e->nullable = nullable;
	e->span = span;
	return e;
}

Expr *expr_column(Arena *arena, ColumnId column, Type type, bool nullable, Span span)
{
	Expr *e = make(arena, EXPR_COLUMN, type, nullable, span);
	e->column = column;
	return e;
}

static Value value_copy(Arena *arena, const Value *value)
{
	Value copy = *value;
	if (value->is_null) copy = (Value){.type = value->type, .is_null = true};
	else if (type_phys(value->type) == PHYS_STR) copy.str = str_copy(arena, str_at(&value->str), value->str.bytes);
	return copy;
}

Expr *expr_constant(Arena *arena, const Value *value, Span span)
{
	Expr *e = make(arena, EXPR_CONSTANT, value->type, value->is_null, span);
	e->constant = value_copy(arena, value);
	return e;
}

Expr *expr_null(Arena *arena, Type type)
{
	Value value = {.type = type, .is_null = true};
	return expr_constant(arena, &value, SPAN_NONE);
}

Expr *expr_int(Arena *arena, int64_t x)
{
	Value value = {.type = TYPE(INTEGER), .i64 = x};
	return expr_constant(arena, &value, SPAN_NONE);
}

Expr *expr_bool(Arena *arena, bool x)
{
	Value value = {.type = TYPE(BOOLEAN), .i64 = x};
	return expr_constant(arena, &value, SPAN_NONE);
}

Expr *expr_text(Arena *arena, const char *text)
{
	Value value = {.type = TYPE(TEXT), .str = str_borrow(text, strlen(text))};
	return expr_constant(arena, &value, SPAN_NONE);
}

/* a AND (b AND c) lies flat as one node. */
static Expr *junction(Arena *arena, ExprKind kind, Expr *a, Expr *b)
{
	if (!a || !b) return a ? expr_condition(arena, a) : b ? expr_condition(arena, b) : NULL;
	Expr *sides[2] = {expr_condition(arena, a), expr_condition(arena, b)};
	Expr *e = make(arena, kind, TYPE(BOOLEAN), sides[0]->nullable || sides[1]->nullable, sides[0]->span);
	if (sides[1]->span.end > e->span.end) e->span.end = sides[1]->span.end;
	for (int i = 0; i < 2; i++) e->arg_count += sides[i]->kind == kind ? sides[i]->arg_count : 1;
	e->args = arena_array(arena, Expr *, e->arg_count);
	for (int i = 0, at = 0; i < 2; i++) {
		if (sides[i]->kind != kind) e->args[at++] = sides[i];
		else for (int j = 0; j < sides[i]->arg_count; j++) e->args[at++] = sides[i]->args[j];
	}
	return e;
}

Expr *expr_and(Arena *arena, Expr *a, Expr *b) { return junction(arena, EXPR_AND, a, b); }
Expr *expr_or(Arena *arena, Expr *a, Expr *b) { return junction(arena, EXPR_OR, a, b); }

static Expr *call_one(Arena *arena, const char *name, Expr *arg)
{
	Error err = ERROR_INIT;
	Expr *e = expr_call(arena, name, &arg, 1, arg->span, &err);
	assert(e);                    /* these take any type */
	return e;
}

Expr *expr_not(Arena *arena, Expr *a) { return call_one(arena, "not", expr_condition(arena, a)); }

Expr *expr_condition(Arena *arena, Expr *e)
{
	if (e->type.kind == TYPE_BOOLEAN) return e;
	if (e->type.kind == TYPE_NULL) return expr_null(arena, TYPE(BOOLEAN));
	return call_one(arena, "truth", e);
}

Expr *expr_case(Arena *arena, Expr **args, int arg_count, Span span, Error *err)
{
	assert(arg_count >= 3 && arg_count % 2 == 1);
	int branches = arg_count / 2 + 1;
	Expr **values = arena_array(arena, Expr *, branches);
	Type type;
	for (int i = 0; i < branches - 1; i++) values[i] = args[2 * i + 1];
	values[branches - 1] = args[arg_count - 1] ? args[arg_count - 1] : expr_null(arena, TYPE(NULL));
	if (!expr_common_type(values, branches, &type, err)) return NULL;
	Expr *e = make(arena, EXPR_CASE, type, false, span);
	e->arg_count = arg_count;
	e->args = arena_array(arena, Expr *, arg_count);
	for (int i = 0; i < branches; i++) {
		Expr *value = expr_cast(arena, values[i], type, CAST_IMPLICIT, err);
		if (!value) return NULL;
		e->nullable |= value->nullable;
		if (i < branches - 1) {
			e->args[2 * i] = expr_condition(arena, args[2 * i]);
			e->args[2 * i + 1] = value;
		} else e->args[arg_count - 1] = value;
	}
	return e;
}

/* ---- looking ---- */

bool expr_equal(const Expr *a, const Expr *b)
{
	if (a == b) return true;
	if (a->kind != b->kind || !type_equal(a->type, b->type) || a->arg_count != b->arg_count) return false;
	if (a->column != b->column || a->function != b->function || a->plan != b->plan) return false;
	if (a->kind == EXPR_CONSTANT && !value_equal(&a->constant, &b->constant)) return false;
	if (a->kind == EXPR_SUBQUERY && (a->subquery != b->subquery || a->negated != b->negated)) return false;
	for (int i = 0; i < a->arg_count; i++)
		if (!expr_equal(a->args[i], b->args[i])) return false;
	return true;
}

static uint64_t value_hash(const Value *value)
{
	StrBuf bytes = STRBUF_INIT;
	row_pack_values(&bytes, value, 1);
	uint64_t hash = hash_bytes(bytes.text, bytes.bytes);
	strbuf_release(&bytes);
	return hash;
}

uint64_t expr_hash(const Expr *e)
{
	uint64_t hash = hash_combine((uint64_t)e->kind, (uint64_t)e->type.kind);
	hash = hash_combine(hash, (uint64_t)e->column);
	if (e->function) hash = hash_combine(hash, hash_bytes(e->function->name, strlen(e->function->name)));
	if (e->kind == EXPR_CONSTANT) hash = hash_combine(hash, value_hash(&e->constant));
	for (int i = 0; i < e->arg_count; i++) hash = hash_combine(hash, expr_hash(e->args[i]));
	return hash;
}

bool expr_walk(Expr *e, bool (*visit)(Expr *e, void *context), void *context)
{
	for (int i = 0; i < e->arg_count; i++)
		if (!expr_walk(e->args[i], visit, context)) return false;
	return visit(e, context);
}

static bool node_is_constant(Expr *e, void *context)
{
	(void)context;
	if (e->kind == EXPR_COLUMN || e->kind == EXPR_SUBQUERY) return false;
	return !e->function || !(e->function->flags & (FUNCTION_VOLATILE | FUNCTION_CLOCK | FUNCTION_PROCTIME));
}

static bool node_is_deterministic(Expr *e, void *context)
{
	(void)context;
	return !e->function || !(e->function->flags & (FUNCTION_VOLATILE | FUNCTION_CLOCK | FUNCTION_PROCTIME));
}

bool expr_is_constant(const Expr *e) { return expr_walk((Expr *)e, node_is_constant, NULL); }
bool expr_is_deterministic(const Expr *e) { return expr_walk((Expr *)e, node_is_deterministic, NULL); }

Expr *expr_rewrite(Arena *arena, Expr *e, Expr *(*replace)(Expr *e, void *context), void *context)
{
	Expr *copy = e;
	for (int i = 0; i < e->arg_count; i++) {
		Expr *arg = expr_rewrite(arena, e->args[i], replace, context);
		if (arg == e->args[i]) continue;
		if (copy == e) {                      /* what stays the same is shared */
			copy = arena_copy(arena, e, sizeof *e);
			copy->args = arena_copy(arena, e->args, sizeof *e->args * (size_t)e->arg_count);
		}
		copy->args[i] = arg;
	}
	Expr *replaced = replace(copy, context);
	return replaced ? replaced : copy;
}

/* Field names of ROW types stay with the catalog: values have no ROW type. */
Expr *expr_copy(Arena *arena, const Expr *e)
{
	assert(e->kind != EXPR_SUBQUERY);
	Expr *copy = arena_copy(arena, e, sizeof *e);
	if (e->kind == EXPR_CONSTANT) copy->constant = value_copy(arena, &e->constant);
	if (e->arg_count) copy->args = arena_array(arena, Expr *, e->arg_count);
	for (int i = 0; i < e->arg_count; i++) copy->args[i] = expr_copy(arena, e->args[i]);
	return copy;
}
