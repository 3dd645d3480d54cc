/* Looking at expressions and simplifying them: what several rules need. */
#include "plan/rules.h"

#include <assert.h>

#include "expr/function.h"

/* ---- looking ---- */

static bool node_stays(Expr *e, void *context)
{
	(void)context;
	return e->kind != EXPR_SUBQUERY && (e->kind != EXPR_CALL || !(e->function->flags & (FUNCTION_VOLATILE | FUNCTION_PROCTIME)));
}

bool expr_is_movable(const Expr *e) { return expr_walk((Expr *)e, node_stays, NULL); }

static bool node_has_no_clock(Expr *e, void *context)
{
	(void)context;
	return e->kind != EXPR_CALL || !(e->function->flags & FUNCTION_CLOCK);
}

bool expr_reads_clock(const Expr *e) { return !expr_walk((Expr *)e, node_has_no_clock, NULL); }

static bool count_node(Expr *e, void *context)
{
	(void)e;
	++*(int *)context;
	return true;
}

int expr_size(const Expr *e)
{
	int size = 0;
	expr_walk((Expr *)e, count_node, &size);
	return size;
}

bool expr_null_if(const Expr *e, const ColumnSet *null)
{
	if (e->kind == EXPR_COLUMN) return column_set_has(null, e->column);
	if (e->kind == EXPR_CONSTANT) return e->constant.is_null;
	if (e->kind != EXPR_CALL) return false;
	bool any = (e->function->flags & FUNCTION_STRICT) != 0, all = (e->function->flags & FUNCTION_ALL_NULL) != 0;
	if (expr_is_call(e, "in")) return expr_null_if(e->args[0], null);      /* a NULL in the list leaves TRUE possible */
	int found = 0;
	for (int i = 0; (any || all) && i < e->arg_count; i++) found += expr_null_if(e->args[i], null);
	return (any && found > 0) || (all && found == e->arg_count && e->arg_count > 0);
}

bool expr_rejects_null(const Expr *e, const ColumnSet *null)
{
	if (e->kind == EXPR_AND || e->kind == EXPR_OR) {
		int found = 0;
		for (int i = 0; i < e->arg_count; i++) found += expr_rejects_null(e->args[i], null);
		return e->kind == EXPR_AND ? found > 0 : found == e->arg_count;
	}
	if (expr_is_call(e, "is not null")) return expr_null_if(e->args[0], null);
	if (expr_is_call(e, "is true") || expr_is_call(e, "is false")) return expr_null_if(e->args[0], null);
	if (e->kind == EXPR_CONSTANT) return expr_is_false_or_null(e);
	return expr_null_if(e, null);
}

/* ---- making ---- */

Expr *expr_make(PlanContext *context, const char *function, Expr *a, Expr *b)
{
	Error err = ERROR_INIT;
	Expr *args[2] = {a, b};
	Expr *e = expr_call(context->arena, function, args, b ? 2 : 1, a->span, &err);
	assert(e);                    /* the caller knows that the types fit */
	return e;
}

static Expr *as_told_apart(PlanContext *context, Expr *e)
{
	Error err = ERROR_INIT;
	return e->type.kind == TYPE_INTERVAL ? expr_cast(context->arena, e, TYPE(TEXT), CAST_EXPLICIT, &err) : e;
}

Expr *expr_same(PlanContext *context, Expr *a, Expr *b, bool null_safe)
{
	return expr_make(context, null_safe ? "is" : "=", as_told_apart(context, a), as_told_apart(context, b));
}

/* ---- simplifying ---- */

/* AND and OR: `ends` decides all, its contrary says nothing. */
static Expr *simplify_junction(PlanContext *context, Expr *e)
{
	Expr *kept = NULL;
	bool is_and = e->kind == EXPR_AND, has_null = false;
	for (int i = 0; i < e->arg_count; i++) {
		Expr *arg = e->args[i];
		if (arg->kind == EXPR_CONSTANT && arg->constant.is_null) has_null = true;
		else if (arg->kind == EXPR_CONSTANT) {
			if (expr_is_true(arg) != is_and) return expr_bool(context->arena, !is_and);
			continue;
		}
		kept = is_and ? expr_and(context->arena, kept, arg) : expr_or(context->arena, kept, arg);
	}
	if (has_null) {
		Expr *null = expr_null(context->arena, TYPE(BOOLEAN));
		kept = is_and ? expr_and(context->arena, kept, null) : expr_or(context->arena, kept, null);
	}
	return kept ? kept : expr_bool(context->arena, is_and);
}

/* Branches that are never taken go; a branch that is always taken ends it. */
static Expr *simplify_case(PlanContext *context, Expr *e)
{
	Expr **args = arena_array(context->arena, Expr *, e->arg_count);
	int count = 0;
	for (int i = 0; i + 1 < e->arg_count; i += 2) {
		if (expr_is_false_or_null(e->args[i])) continue;
		if (expr_is_true(e->args[i])) {
			args[count++] = e->args[i + 1];
			break;
		}
		args[count++] = e->args[i];
		args[count++] = e->args[i + 1];
	}
	if (count % 2 == 0) args[count++] = e->args[e->arg_count - 1];
	if (count == e->arg_count) return NULL;
	if (count == 1) return args[0];
	Expr *copy = arena_copy(context->arena, e, sizeof *e);
	copy->args = args;
	copy->arg_count = count;
	return copy;
}

static bool all_constant(const Expr *e)
{
	for (int i = 0; i < e->arg_count; i++)
		if (e->args[i]->kind != EXPR_CONSTANT) return false;
	return true;
}

static Expr *simplify_call(PlanContext *context, Expr *e)
{
	Error err = ERROR_INIT;
	Value value;
	if (!all_constant(e) || !expr_is_constant(e) || !expr_fold(context->arena, e, &value, &err)) return NULL;
	if (!value.is_null && !type_equal(value.type, e->type)) return NULL;
	value.type = e->type;
	return expr_constant(context->arena, &value, e->span);
}

static Expr *simplify_node(Expr *e, void *closure)
{
	switch (e->kind) {
	case EXPR_AND: case EXPR_OR: return simplify_junction(closure, e);
	case EXPR_CASE: return simplify_case(closure, e);
	case EXPR_CALL: return simplify_call(closure, e);
	default: return NULL;
	}
}

Expr *expr_simplify(PlanContext *context, Expr *e) { return expr_rewrite(context->arena, e, simplify_node, context); }
