/* name(...) OVER (...): collected in the SELECT, where calls of one partition and order become one PLAN_OVER; here each becomes the column
 * that it will be. */
#include "bind/binder.h"

#include "expr/aggregate.h"
#include "expr/function.h"
#include "type/text.h"

typedef struct OverFunction { const char *name; OverKind kind; int least, most; TypeKind type; } OverFunction;

/* type NULL: that of the first argument */
static const OverFunction FUNCTIONS_OVER[] = {
	{"row_number", OVER_ROW_NUMBER, 0, 0, TYPE_INTEGER}, {"rank", OVER_RANK, 0, 0, TYPE_INTEGER},
	{"dense_rank", OVER_DENSE_RANK, 0, 0, TYPE_INTEGER}, {"percent_rank", OVER_PERCENT_RANK, 0, 0, TYPE_REAL},
	{"cume_dist", OVER_CUME_DIST, 0, 0, TYPE_REAL}, {"ntile", OVER_NTILE, 1, 1, TYPE_INTEGER},
	{"lag", OVER_LAG, 1, 3, TYPE_NULL}, {"lead", OVER_LEAD, 1, 3, TYPE_NULL},
	{"first_value", OVER_FIRST_VALUE, 1, 1, TYPE_NULL}, {"last_value", OVER_LAST_VALUE, 1, 1, TYPE_NULL},
	{"nth_value", OVER_NTH_VALUE, 2, 2, TYPE_NULL},
};

/* What OVER (...) says, base windows included */
typedef struct WindowSaid {
	const AstExprs *partition_by;
	const AstOrderTerms *order_by;
	const AstFrame *frame;
} WindowSaid;

static const OverFunction *find_function(const char *name)
{
	for (size_t i = 0; i < sizeof FUNCTIONS_OVER / sizeof *FUNCTIONS_OVER; i++)
		if (names_equal(FUNCTIONS_OVER[i].name, name)) return &FUNCTIONS_OVER[i];
	return NULL;
}

/* ---- windows ---- */

static const AstWindow *find_window(Clause *clause, const AstIdent *name)
{
	const AstWindows *windows = &clause->select->ast->windows;
	for (int i = 0; i < windows->count; i++)
		if (names_equal(windows->at[i]->name.text, name->text)) return windows->at[i];
	error_set(clause->binder->err, ERR_UNDEFINED_OBJECT, name->span, "window \"%s\" does not exist", name->text);
	return NULL;
}

/* A base gives partition and order; what is named alone is taken whole. */
static bool resolve_window(Clause *clause, const AstWindow *window, int depth, WindowSaid *out)
{
	Error *err = clause->binder->err;
	const AstIdent *base_name = window->base.text ? &window->base : NULL;
	if (depth == 0 && window->name.text) {
		const AstWindow *whole = find_window(clause, &window->name);
		return whole && resolve_window(clause, whole, 1, out);
	}
	*out = (WindowSaid){&window->partition_by, &window->order_by, window->frame};
	if (!base_name) return true;
	if (depth > 16) return error_set(err, ERR_INVALID_DEFINITION, base_name->span, "window \"%s\" is defined by itself", base_name->text);
	const AstWindow *base = find_window(clause, base_name);
	WindowSaid said;
	if (!base || !resolve_window(clause, base, depth + 1, &said)) return false;
	if (window->partition_by.count)
		return error_set(err, ERR_INVALID_DEFINITION, window->span, "PARTITION BY of window \"%s\" cannot be replaced", base_name->text);
	if (said.order_by->count && window->order_by.count)
		return error_set(err, ERR_INVALID_DEFINITION, window->span, "ORDER BY of window \"%s\" cannot be replaced", base_name->text);
	if (said.frame) return error_set(err, ERR_INVALID_DEFINITION, window->span, "window \"%s\" has a frame and cannot be extended", base_name->text);
	out->partition_by = said.partition_by;
	if (said.order_by->count) out->order_by = said.order_by;
	return true;
}

/* ---- frames ---- */

static bool is_time(Type type) { return type.kind == TYPE_DATE || type.kind == TYPE_TIME || type.kind == TYPE_TIMESTAMP; }

static bool is_negative(const Value *value)
{
	switch (value->type.kind) {
	case TYPE_INTEGER: return value->i64 < 0;
	case TYPE_REAL: return value->f64 < 0;
	case TYPE_DECIMAL: return value->i128 < 0;
	case TYPE_INTERVAL: return interval_compare_us(value->interval) < 0;
	default: return false;
	}
}

/* In the type of the ORDER BY key, so that key - offset is one subtraction. */
static bool range_offset(Binder *binder, const AstExpr *ast, Expr *e, const SelectOver *over, Value *out)
{
	if (over->order_count != 1) return error_set(binder->err, ERR_WINDOWING, ast->span, "RANGE with an offset needs one ORDER BY expression");
	Type key = over->order[0].expr->type;
	if (is_time(key) || key.kind == TYPE_INTERVAL) {
		e = expr_cast(binder->arena, e, TYPE(INTERVAL), CAST_ASSIGN, binder->err);
		return e && expr_fold(binder->arena, e, out, binder->err);
	}
	if (!type_is_numeric(key)) return error_set(binder->err, ERR_WINDOWING, ast->span, "RANGE with an offset cannot be over %s", type_kind_name(key.kind));
	if (!type_is_numeric(e->type)) return error_set(binder->err, ERR_DATATYPE_MISMATCH, ast->span, "the offset of a frame over numbers must be a number");
	if (key.kind == TYPE_INTEGER && e->type.kind != TYPE_INTEGER) {
		e = expr_call(binder->arena, "floor", &e, 1, ast->span, binder->err);
		if (!e) return false;
	}
	e = expr_cast(binder->arena, e, key, CAST_EXPLICIT, binder->err);
	return e && expr_fold(binder->arena, e, out, binder->err);
}

static bool bind_offset(Binder *binder, const AstBound *bound, AstFrameUnit unit, const SelectOver *over, Value *out)
{
	if (!bound->offset) return true;
	Expr *e = bind_constant_expr(binder, bound->offset, "a frame");
	if (!e) return false;
	if (!expr_is_constant(e)) return REFUSE(binder, bound->offset->span, "a frame offset that is no constant");
	if (unit == AST_FRAME_RANGE) {
		if (!range_offset(binder, bound->offset, e, over, out)) return false;
	} else {
		if (!expr_fold(binder->arena, e, out, binder->err)) return false;
		if (out->is_null || out->type.kind != TYPE_INTEGER)
			return error_set(binder->err, ERR_DATATYPE_MISMATCH, bound->offset->span, "the offset of a frame must be an INTEGER");
	}
	if (out->is_null || is_negative(out))
		return error_set(binder->err, ERR_INVALID_PARAMETER, bound->offset->span, "the offset of a frame must not be negative or NULL");
	return true;
}

static const FrameBound BOUNDS[] = {
	[AST_BOUND_UNBOUNDED_PRECEDING] = BOUND_UNBOUNDED_PRECEDING, [AST_BOUND_PRECEDING] = BOUND_PRECEDING,
	[AST_BOUND_CURRENT_ROW] = BOUND_CURRENT_ROW, [AST_BOUND_FOLLOWING] = BOUND_FOLLOWING,
	[AST_BOUND_UNBOUNDED_FOLLOWING] = BOUND_UNBOUNDED_FOLLOWING,
};
static const FrameUnit UNITS[] = {[AST_FRAME_ROWS] = FRAME_ROWS, [AST_FRAME_RANGE] = FRAME_RANGE, [AST_FRAME_GROUPS] = FRAME_GROUPS};
static const FrameExclude EXCLUDES[] = {
	[AST_EXCLUDE_NO_OTHERS] = EXCLUDE_NO_OTHERS, [AST_EXCLUDE_CURRENT_ROW] = EXCLUDE_CURRENT_ROW,
	[AST_EXCLUDE_GROUP] = EXCLUDE_GROUP, [AST_EXCLUDE_TIES] = EXCLUDE_TIES,
};

/* Without a frame: up to the last peer of the row; without an order all rows are peers. */
static Frame default_frame(const SelectOver *over)
{
	bool ordered = over->order_count > 0;
	return (Frame){.unit = ordered ? FRAME_RANGE : FRAME_ROWS, .start = BOUND_UNBOUNDED_PRECEDING,
		.end = ordered ? BOUND_CURRENT_ROW : BOUND_UNBOUNDED_FOLLOWING};
}

static bool bind_frame(Binder *binder, const AstFrame *ast, const SelectOver *over, Frame *out)
{
	*out = default_frame(over);
	if (!ast) return true;
	bool is_backwards = ast->start.kind == AST_BOUND_UNBOUNDED_FOLLOWING || ast->end.kind == AST_BOUND_UNBOUNDED_PRECEDING || ast->start.kind > ast->end.kind;
	if (is_backwards) return error_set(binder->err, ERR_WINDOWING, ast->span, "the frame ends before it starts");
	if (ast->unit == AST_FRAME_GROUPS && over->order_count == 0)
		return error_set(binder->err, ERR_WINDOWING, ast->span, "GROUPS needs ORDER BY");
	*out = (Frame){.unit = UNITS[ast->unit], .start = BOUNDS[ast->start.kind], .end = BOUNDS[ast->end.kind], .exclude = EXCLUDES[ast->exclude]};
	return bind_offset(binder, &ast->start, ast->unit, over, &out->start_offset) && bind_offset(binder, &ast->end, ast->unit, over, &out->end_offset);
}

/* ---- calls ---- */

static bool may_stand(Clause *clause, const AstExpr *ast)
{
	Error *err = clause->binder->err;
	const char *name = call_name(ast->call);
	if (clause->in_window) return error_set(err, ERR_WINDOWING, ast->op_span, "window function %s() cannot stand inside of another one", name);
	if (clause->in_aggregate) return error_set(err, ERR_WINDOWING, ast->op_span, "window function %s() cannot stand inside of an aggregate", name);
	if (clause->select && clause->windows) return true;
	error_set(err, ERR_WINDOWING, ast->op_span, "window function %s() cannot stand in %s", name, clause->name);
	if (strcmp(clause->name, "WHERE") == 0 || strcmp(clause->name, "HAVING") == 0) error_hint(err, "Conditions on window functions stand in QUALIFY.");
	return false;
}

static bool bind_window_function_call(Clause *inner, const AstExpr *ast, const OverFunction *function, OverCall *out)
{
	Binder *binder = inner->binder;
	const AstCall *call = ast->call;
	int count = call->arguments.count;
	if (call->star || count < function->least || count > function->most)
		return error_set(binder->err, ERR_UNDEFINED_FUNCTION, ast->op_span, "%s() takes %d to %d arguments, not %d", function->name, function->least,
			function->most, count);
	if (call->distinct || call->filter || call->order_by.count || call->within_group.count)
		return REFUSE(binder, ast->op_span, "%s() with DISTINCT, FILTER or ORDER BY inside", function->name);
	Expr **args;
	if (!bind_arguments(inner, call, &args)) return false;
	Type type = (Type){.kind = function->type};
	if (function->type == TYPE_NULL) {
		type = args[0]->type;
		Expr *pair[2] = {args[0], count == 3 ? args[2] : args[0]};
		if (!expr_common_type(pair, 2, &type, binder->err)) return false;
		if (!(args[0] = expr_cast(binder->arena, args[0], type, CAST_IMPLICIT, binder->err))) return false;
		if (count == 3 && !(args[2] = expr_cast(binder->arena, args[2], type, CAST_IMPLICIT, binder->err))) return false;
	}
	int number = function->kind == OVER_NTILE ? 0 : 1;
	if (count > number && !(args[number] = expr_cast(binder->arena, args[number], TYPE(INTEGER), CAST_ASSIGN, binder->err))) return false;
	out->kind = function->kind;
	out->aggregate = (AggregateCall){.args = args, .arg_count = count, .type = type, .ignore_nulls = call->nulls == AST_IGNORE_NULLS};
	return true;
}

static bool bind_aggregate_over(Clause *inner, const AstExpr *ast, OverCall *out)
{
	Binder *binder = inner->binder;
	const char *name = call_name(ast->call);
	if (!function_is_aggregate(name)) {
		const char *near = function_nearest(name);
		if (function_find(name)) return error_set(binder->err, ERR_WRONG_OBJECT_TYPE, ast->op_span, "%s() is neither aggregate nor window function", name);
		error_set(binder->err, ERR_UNDEFINED_FUNCTION, ast->op_span, "function \"%s\" does not exist", name);
		return near ? error_hint(binder->err, "Did you mean %s?", near) : false;
	}
	if (ast->call->distinct) return REFUSE(binder, ast->op_span, "DISTINCT in a window function");
	out->kind = OVER_AGGREGATE;
	if (!bind_over_aggregate(inner, ast, &out->aggregate)) return false;
	return !out->aggregate.order_count || REFUSE(binder, ast->op_span, "ORDER BY inside of a window function");
}

static bool is_nullable(const OverCall *call)
{
	if (call->kind == OVER_AGGREGATE) return call->aggregate.aggregate->nullable_result;
	return call->kind >= OVER_LAG;
}

static bool same_exprs(Expr **a, Expr **b, int count)
{
	for (int i = 0; i < count; i++)
		if (!expr_equal(a[i], b[i])) return false;
	return true;
}

static bool same_value(const Value *a, const Value *b)
{
	if (a->is_null != b->is_null || !type_equal(a->type, b->type)) return false;
	return value_equal(a, b);
}

static bool same_call(const OverCall *a, const OverCall *b)
{
	const AggregateCall *x = &a->aggregate, *y = &b->aggregate;
	if (a->kind != b->kind || x->aggregate != y->aggregate || x->arg_count != y->arg_count || x->ignore_nulls != y->ignore_nulls) return false;
	if (x->parameter_count || y->parameter_count || !same_exprs(x->args, y->args, x->arg_count)) return false;
	if (!x->filter != !y->filter || (x->filter && !expr_equal(x->filter, y->filter))) return false;
	const Frame *f = &a->frame, *g = &b->frame;
	return f->unit == g->unit && f->start == g->start && f->end == g->end && f->exclude == g->exclude
		&& same_value(&f->start_offset, &g->start_offset) && same_value(&f->end_offset, &g->end_offset);
}

bool over_same_window(const SelectOver *a, const SelectOver *b)
{
	if (a->partition_count != b->partition_count || a->order_count != b->order_count) return false;
	if (!same_exprs(a->partition, b->partition, a->partition_count)) return false;
	for (int i = 0; i < a->order_count; i++) {
		const OpSortKey *x = &a->order[i], *y = &b->order[i];
		if (x->spec.descending != y->spec.descending || x->spec.nulls_last != y->spec.nulls_last || !expr_equal(x->expr, y->expr)) return false;
	}
	return true;
}

static ColumnId add_over(Select *select, SelectOver *over)
{
	for (int i = 0; i < select->overs.count; i++) {
		const SelectOver *known = &select->overs.at[i];
		if (over_same_window(known, over) && same_call(&known->call, &over->call)) return known->id;
	}
	over->id = plan_column_new(select->binder->context);
	vec_push_in(select->binder->arena, &select->overs, *over);
	return over->id;
}

/* PARTITION BY (a, b) */
static void spread_row(Arena *arena, AstExpr *e, AstExprs *out)
{
	if (!is_row(e)) vec_push_in(arena, out, e);
	else for (int i = 0; i < e->args.count; i++) spread_row(arena, e->args.at[i], out);
}

static bool bind_window(Clause *inner, const WindowSaid *said, SelectOver *over)
{
	Binder *binder = inner->binder;
	AstExprs keys = {0};
	for (int i = 0; i < said->partition_by->count; i++) spread_row(binder->arena, said->partition_by->at[i], &keys);
	over->partition_count = keys.count;
	over->partition = arena_array(binder->arena, Expr *, keys.count ? keys.count : 1);
	for (int i = 0; i < keys.count; i++) {
		Expr *key = bind_expr(inner, keys.at[i]);
		if (!key) return false;
		over->partition[i] = equal_form(binder, key);
	}
	if (!bind_order_terms(inner, said->order_by, &over->order, &over->order_count)) return false;
	for (int i = 0; i < over->order_count; i++) over->order[i].expr = equal_form(binder, over->order[i].expr);
	return bind_frame(binder, said->frame, over, &over->call.frame);
}

Expr *bind_over(Clause *clause, const AstExpr *ast)
{
	Binder *binder = clause->binder;
	WindowSaid said;
	if (!may_stand(clause, ast) || !resolve_window(clause, ast->call->over, 0, &said)) return NULL;
	Clause inner = *clause;
	inner.in_window = true;
	inner.windows = false;
	inner.name = "OVER";
	SelectOver over = {.span = ast->span};
	if (!bind_window(&inner, &said, &over)) return NULL;
	const OverFunction *function = find_function(call_name(ast->call));
	if (!(function ? bind_window_function_call(&inner, ast, function, &over.call) : bind_aggregate_over(&inner, ast, &over.call))) return NULL;
	bool has_frame = over.call.kind >= OVER_FIRST_VALUE;
	if (!has_frame) over.call.frame = default_frame(&over);
	over.nullable = is_nullable(&over.call);
	ColumnId id = add_over(clause->select, &over);
	return aggregate_as_named(binder, ast, expr_column(binder->arena, id, over.call.aggregate.type, over.nullable, ast->span));
}
