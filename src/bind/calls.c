/* name(...): scalar functions by the function table, aggregates into the list of their SELECT. A call of an aggregate becomes a column: the
 * one that PLAN_AGGREGATE will give out for it. */
#include "bind/binder.h"

#include "expr/aggregate.h"
#include "expr/function.h"

const char *call_name(const AstCall *call) { return ast_name_last(&call->name).text; }

/* min(a, b) and max(a, b) are functions of one row. */
static bool is_scalar_extreme(const AstCall *call)
{
	const char *name = call_name(call);
	return call->arguments.count > 1 && (names_equal(name, "min") || names_equal(name, "max"));
}

bool call_is_aggregate(const AstCall *call)
{
	return !call->over && function_is_aggregate(call_name(call)) && !is_scalar_extreme(call);
}

/* ---- parts of calls ---- */

bool bind_arguments(Clause *clause, const AstCall *call, Expr ***out)
{
	int count = call->arguments.count;
	*out = arena_array(clause->binder->arena, Expr *, count + 2);
	for (int i = 0; i < count; i++) {
		const AstArgument *argument = &call->arguments.at[i];
		if (argument->name.text) return REFUSE(clause->binder, argument->name.span, "naming arguments of %s()", call_name(call));
		if (!((*out)[i] = bind_expr(clause, argument->value))) return false;
	}
	return true;
}

/* ORDER BY (a, b) DESC is ORDER BY a DESC, b DESC. */
static void spread_rows(Arena *arena, const AstExpr *e, const AstOrderTerm *term, AstOrderTerms *out)
{
	AstOrderTerm one = *term;
	one.expr = (AstExpr *)e;
	if (!is_row(e)) vec_push_in(arena, out, one);
	else for (int i = 0; i < e->args.count; i++) spread_rows(arena, e->args.at[i], term, out);
}

AstOrderTerms order_terms(Binder *binder, const AstOrderTerms *terms)
{
	AstOrderTerms plain = {0};
	for (int i = 0; i < terms->count; i++) spread_rows(binder->arena, terms->at[i].expr, &terms->at[i], &plain);
	return plain;
}

/* NULLs come first where the order rises, last where it falls, unless it is said. */
bool bind_order_terms(Clause *clause, const AstOrderTerms *terms, OpSortKey **out, int *count)
{
	AstOrderTerms plain = order_terms(clause->binder, terms);
	*out = arena_array(clause->binder->arena, OpSortKey, plain.count ? plain.count : 1);
	*count = 0;
	for (int i = 0; i < plain.count; i++) {
		const AstOrderTerm *term = &plain.at[i];
		Expr *e = bind_expr(clause, without_collation(term->expr));
		if (e) e = collated(clause->binder, e, term->expr);
		if (!e || !(e = order_form(clause, e))) return false;
		bool nulls_last = term->nulls == AST_NULLS_DEFAULT ? term->descending : term->nulls == AST_NULLS_LAST;
		(*out)[(*count)++] = (OpSortKey){e, {term->descending, nulls_last}};
	}
	return true;
}

/* ---- aggregates ---- */

static bool may_aggregate(Clause *clause, const AstExpr *ast)
{
	Error *err = clause->binder->err;
	const char *name = call_name(ast->call);
	if (clause->in_aggregate) {
		error_set(err, ERR_GROUPING, ast->op_span, "aggregate %s() cannot stand inside of another aggregate", name);
		return error_hint(err, "Aggregate in a subquery first.");
	}
	if (clause->select && clause->aggregates) return true;
	error_set(err, ERR_GROUPING, ast->op_span, "aggregate %s() cannot stand in %s", name, clause->name);
	if (strcmp(clause->name, "WHERE") == 0) error_hint(err, "Conditions on aggregates stand in HAVING.");
	return false;
}

static void call_columns(Arena *arena, const AggregateCall *call, ColumnSet *out)
{
	for (int i = 0; i < call->arg_count; i++) expr_column_set(arena, call->args[i], out);
	for (int i = 0; i < call->order_count; i++) expr_column_set(arena, call->order[i].expr, out);
	if (call->filter) expr_column_set(arena, call->filter, out);
}

static bool scope_has(Arena *arena, const Scope *scope, const ColumnSet *read)
{
	ColumnSet own = {0};
	if (scope->select && scope->select->plan) plan_output_set(arena, scope->select->plan, &own);
	for (int t = 0; t < scope->tables.count; t++)
		for (int c = 0; c < scope->tables.at[t]->column_count; c++) expr_column_set(arena, scope->tables.at[t]->columns[c].expr, &own);
	return column_set_overlaps(read, &own);
}

/* By the standard an aggregate belongs to the innermost query of whose columns it reads any: in a subquery that may be an outer one. Gives the
 * clause of that query; NULL: a place of it where no aggregate can be, or it is over nothing but another aggregate of an outer query. */
static Clause *owner_of(Clause *clause, const AggregateCall *call)
{
	Arena *arena = clause->binder->arena;
	ColumnSet read = {0};
	call_columns(arena, call, &read);
	if (column_set_is_empty(&read)) return clause;
	for (Scope *scope = clause->scope; scope; scope = scope->outer)
		if (scope_has(arena, scope, &read)) return scope == clause->scope ? clause : scope->looked_through;
	return NULL;
}

/* count(DISTINCT a, b): the rows where none is NULL, as one value each */
static bool pack_distinct(Clause *clause, const AstExpr *ast, Expr ***args, int *count)
{
	Binder *binder = clause->binder;
	if (*count < 2 || !ast->call->distinct || !names_equal(call_name(ast->call), "count")) return true;
	Expr *there = NULL;
	for (int i = 0; i < *count; i++) {
		Expr *test[2] = {(*args)[i], expr_null(binder->arena, TYPE(NULL))};
		Expr *one = expr_call(binder->arena, "is not", test, 2, ast->span, binder->err);
		if (!one) return false;
		there = expr_and(binder->arena, there, one);
	}
	Expr *packed = expr_call(binder->arena, "json_array", *args, *count, ast->span, binder->err);
	Expr *branches[3] = {there, packed, NULL};
	Expr *one = packed ? expr_case(binder->arena, branches, 3, ast->span, binder->err) : NULL;
	if (!one) return false;
	*args = arena_array(binder->arena, Expr *, 1);
	(*args)[0] = one;
	*count = 1;
	return true;
}

static bool split_parameters(Binder *binder, const AstExpr *ast, Expr **args, int arg_count, AggregateCall *out)
{
	int parameters = out->aggregate->parameter_count;
	out->args = args;
	out->arg_count = arg_count - parameters;
	out->parameter_count = parameters;
	out->parameters = arena_array(binder->arena, Value, parameters ? parameters : 1);
	for (int i = 0; i < parameters; i++) {
		Expr *e = args[out->arg_count + i];
		if (!expr_is_constant(e)) {
			Span span = e->span.end ? e->span : ast->span;
			return error_set(binder->err, ERR_INVALID_PARAMETER, span, "argument %d of %s() must be a constant", out->arg_count + i + 1, call_name(ast->call));
		}
		if (!expr_fold(binder->arena, e, &out->parameters[i], binder->err)) return false;
	}
	return true;
}

/* Of equal values only one is left: it can be ordered only by what they share. */
static bool orders_by_arguments(Binder *binder, const AstExpr *ast, const AggregateCall *call)
{
	for (int i = 0; i < call->order_count; i++) {
		bool found = false;
		for (int j = 0; j < call->arg_count; j++) found |= expr_equal(call->args[j], call->order[i].expr);
		if (!found) return error_set(binder->err, ERR_GROUPING, ast->span, "%s(DISTINCT ...) can be ordered by its arguments only", call_name(ast->call));
	}
	return true;
}

/* arg_min(x, y ORDER BY k) is first_value(x ORDER BY y, k) of the rows where neither is NULL (min_by: where y is not): k decides between
 * equal y. */
static bool order_extreme(Clause *inner, const AstExpr *ast, AggregateCall *out)
{
	static const struct { const char *name; bool descending, x_may_be_null; } EXTREMES[] = {
		{"arg_min", false, false}, {"arg_max", true, false}, {"min_by", false, true}, {"max_by", true, true}};
	Binder *binder = inner->binder;
	int e = 0;
	while (e < 4 && strcmp(EXTREMES[e].name, out->aggregate->name) != 0) e++;
	if (e == 4) return true;
	OpSortKey *order = arena_array(binder->arena, OpSortKey, out->order_count + 1);
	order[0] = (OpSortKey){out->args[1], {EXTREMES[e].descending, EXTREMES[e].descending}};
	memcpy(order + 1, out->order, sizeof *order * (size_t)out->order_count);
	for (int i = EXTREMES[e].x_may_be_null ? 1 : 0; i < 2; i++) {
		Expr *there = expr_call(binder->arena, "is not null", &out->args[i], 1, ast->span, binder->err);
		if (!there) return false;
		out->filter = expr_and(binder->arena, out->filter, there);
	}
	out->aggregate = aggregate_find("first_value");
	out->order = order;
	out->order_count++;
	out->arg_count = 1;
	return true;
}

/* ORDER BY is obeyed, or changes no answer, or is refused. */
static bool may_be_ordered(Binder *binder, const AstExpr *ast, const AggregateCall *out, bool within)
{
	const char *name = out->aggregate->name;
	bool by_value = strcmp(name, "collect_set") == 0 || strcmp(name, "histogram") == 0;
	bool of_value = out->aggregate->within_group && !within;           /* what the order is of must be what is ordered by */
	if (!by_value && !of_value) return true;
	for (int i = 0; i < out->order_count; i++)
		if (by_value || !expr_equal(out->order[i].expr, out->args[0])) return REFUSE(binder, ast->span, "ORDER BY inside of %s()", call_name(ast->call));
	return true;
}

static bool aggregate_order(Clause *inner, const AstExpr *ast, bool within, AggregateCall *out)
{
	const AstCall *call = ast->call;
	const AstOrderTerms *terms = call->within_group.count ? &call->within_group : &call->order_by;
	if (call->within_group.count && call->order_by.count)
		return error_set(inner->binder->err, ERR_SYNTAX, ast->span, "%s() has two ORDER BYs", call_name(call));
	if (within && call->order_by.count) return REFUSE(inner->binder, ast->span, "ORDER BY inside of %s()", call_name(call));
	if (!terms->count) return true;
	if (!bind_order_terms(inner, terms, &out->order, &out->order_count) || !may_be_ordered(inner->binder, ast, out, within)) return false;
	if (call->distinct && !orders_by_arguments(inner->binder, ast, out)) return false;
	if (!out->aggregate->obeys_order && !order_extreme(inner, ast, out)) return false;
	if (!out->aggregate->obeys_order) out->order_count = 0;
	return true;
}

/* Arguments, for percentile_cont(0.5) WITHIN GROUP (ORDER BY x) with x before them. */
static bool aggregate_arguments(Clause *inner, const AstExpr *ast, bool within, Expr ***args, int *count)
{
	const AstCall *call = ast->call;
	if (!bind_arguments(inner, call, args)) return false;
	*count = call->arguments.count;
	if (!within) return true;
	if (call->within_group.count != 1)
		return error_set(inner->binder->err, ERR_SYNTAX, ast->span, "WITHIN GROUP of %s() takes one ORDER BY expression", call_name(call));
	Expr *first = bind_expr(inner, call->within_group.at[0].expr);
	if (!first) return false;
	memmove(*args + 1, *args, sizeof **args * (size_t)*count);
	(*args)[0] = first;
	(*count)++;
	return true;
}

/* max(x) of arrays, rows and maps is max_by(x, what they are ordered by); max_by(x, y) goes by that of y. */
static bool extreme_by_order(Clause *inner, const char **name, Expr ***args, int *count)
{
	static const char *const BY[] = {"min_by", "max_by", "arg_min", "arg_max"};
	bool least = names_equal(*name, "min"), greatest = names_equal(*name, "max"), by = false;
	for (size_t i = 0; i < sizeof BY / sizeof *BY; i++) by |= *count == 2 && names_equal(*name, BY[i]);
	if (!by && !((least || greatest) && *count == 1)) return true;
	Expr *value = (*args)[*count - 1], *order = order_form(inner, value);
	if (!order || order == value) return order != NULL;
	if (by) (*args)[1] = order;
	else {
		*args = arena_array(inner->binder->arena, Expr *, 2);
		(*args)[0] = value;
		(*args)[1] = order;
		*count = 2;
		*name = least ? "min_by" : "max_by";
	}
	return true;
}

/* inner: the clause in which its arguments stand */
static bool make_aggregate(Clause *inner, const AstExpr *ast, AggregateCall *out)
{
	Binder *binder = inner->binder;
	const AstCall *call = ast->call;
	const char *name = call_name(call);
	const Aggregate *row = aggregate_find(name);
	bool within = row && row->within_group && call->within_group.count;
	bool star = call->star || (names_equal(name, "count") && call->arguments.count == 0);
	Expr **args;
	int count;
	*out = (AggregateCall){0};
	if (!aggregate_arguments(inner, ast, within, &args, &count)) return false;
	if (!pack_distinct(inner, ast, &args, &count)) return false;
	if (!extreme_by_order(inner, &name, &args, &count)) return false;
	out->aggregate = aggregate_resolve(binder->arena, name, args, count, star, ast->op_span, binder->err);
	if (!out->aggregate || !split_parameters(binder, ast, args, count, out)) return false;
	if (!aggregate_order(inner, ast, within, out)) return false;
	if (call->filter) {
		Clause filter = *inner;
		filter.name = "FILTER";
		Expr *condition = bind_condition(&filter, call->filter);
		if (!condition) return false;
		out->filter = expr_and(binder->arena, condition, out->filter);
	}
	if (names_equal(name, "collect")) {                                     /* Flink's passes NULLs over */
		Expr *there = expr_call(binder->arena, "is not null", &out->args[0], 1, ast->span, binder->err);
		if (!there) return false;
		out->filter = expr_and(binder->arena, out->filter, there);
	}
	bool by_bytes = call->distinct || names_equal(name, "mode") || names_equal(name, "approx_count_distinct");
	for (int i = 0; i < out->arg_count && by_bytes; i++) out->args[i] = equal_form(binder, out->args[i]);
	bool extreme = names_equal(call_name(call), "min") || names_equal(call_name(call), "max");
	out->distinct = call->distinct && !extreme;
	out->ignore_nulls = call->nulls == AST_IGNORE_NULLS;
	Type *types = arena_array(binder->arena, Type, count + 1);
	for (int i = 0; i < out->arg_count; i++) types[i] = args[i]->type;
	out->type = out->aggregate->result(types, out->arg_count);
	return true;
}

/* JSONB has each key once, with its last value. */
Expr *aggregate_as_named(Binder *binder, const AstExpr *ast, Expr *result)
{
	Expr *args[2] = {result, expr_text(binder->arena, "JSONB")};
	if (!names_equal(call_name(ast->call), "jsonb_object_agg")) return result;
	return expr_call(binder->arena, "json_as", args, 2, ast->span, binder->err);
}

static Expr *bind_aggregate(Clause *clause, const AstExpr *ast)
{
	Binder *binder = clause->binder;
	Clause inner = *clause;
	inner.in_aggregate = true;
	inner.aggregates = inner.windows = false;
	AggregateCall call;
	if (!make_aggregate(&inner, ast, &call)) return NULL;
	Clause *owner = owner_of(clause, &call);
	if (!owner) {
		REFUSE(binder, ast->span, "aggregate %s() over columns of an outer query here", call_name(ast->call));
		return NULL;
	}
	if (!may_aggregate(owner, ast)) return NULL;
	ColumnId id = select_add_call(owner->select, &call);
	return aggregate_as_named(binder, ast, expr_column(binder->arena, id, call.type, call.aggregate->nullable_result, ast->span));
}

bool bind_over_aggregate(Clause *inner, const AstExpr *ast, AggregateCall *out) { return make_aggregate(inner, ast, out); }

/* ---- functions ---- */

bool call_is_plain(Clause *clause, const AstExpr *ast)
{
	const AstCall *call = ast->call;
	const char *what = call->distinct ? "DISTINCT" : call->filter ? "FILTER" : call->order_by.count ? "ORDER BY"
		: call->within_group.count ? "WITHIN GROUP" : call->nulls ? "IGNORE NULLS" : call->star ? "*" : NULL;
	if (!what) return true;
	if (!function_find(call_name(call))) return true;                     /* an unknown name is the worse mistake */
	return error_set(clause->binder->err, ERR_WRONG_OBJECT_TYPE, ast->op_span, "%s() is no aggregate: %s cannot stand in it", call_name(call), what);
}

static void note_impurity(Binder *binder, const Expr *e, const char *name)
{
	unsigned flags = e->kind == EXPR_CALL ? e->function->flags : 0;
	if (!(flags & (FUNCTION_CLOCK | FUNCTION_VOLATILE))) return;
	Impurity impurity = {.span = e->span, .name = name, .is_clock = flags & FUNCTION_CLOCK};
	vec_push_in(binder->arena, &binder->impurities, impurity);
}

/* TIMESTAMPADD(DAY, 1, at): the unit is a word, not a column. */
static const AstExpr *unit_word(Binder *binder, const AstExpr *ast)
{
	static const char *const NAMES[] = {"timestampadd", "timestampdiff", "date_diff", "dateadd", "datesub", "timestampsub", "timeadd", "timesub"};
	const AstCall *call = ast->call;
	const AstExpr *unit = call->arguments.count ? call->arguments.at[0].value : NULL;
	if (!unit || unit->kind != AST_COLUMN || unit->path.count != 1 || unit->path.at[0].quoted) return NULL;
	for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
		if (!names_equal(NAMES[i], call_name(call))) continue;
		AstExpr *text = arena_new(binder->arena, AstExpr);
		*text = (AstExpr){.kind = AST_LITERAL, .literal = AST_STRING, .text = unit->path.at[0].text, .bytes = strlen(unit->path.at[0].text), .span = unit->span,
			.op_span = unit->op_span};
		return text;
	}
	return NULL;
}

/* DESCRIPTOR(ts), DEFAULT and other words that are calls only to the parser */
static bool is_misplaced_word(Binder *binder, const AstExpr *ast)
{
	const char *name = call_name(ast->call);
	if (names_equal(name, "default") && ast->call->arguments.count == 0)
		return !error_set(binder->err, ERR_SYNTAX, ast->span, "DEFAULT may stand alone in VALUES and SET only");
	if (names_equal(name, "descriptor")) return !error_set(binder->err, ERR_SYNTAX, ast->span, "DESCRIPTOR may stand in window functions only");
	return false;
}

static bool is_window_only(Clause *clause, const AstExpr *ast)
{
	const char *name = call_name(ast->call);
	if (!function_is_window_only(name)) return false;
	error_set(clause->binder->err, ERR_WINDOWING, ast->op_span, "%s() needs OVER (...)", name);
	return true;
}

/* greatest(), least() and min() and max() of several values compare what they are given. */
static bool may_be_ordered_by(Clause *clause, const AstExpr *ast, Expr **args)
{
	static const char *const NAMES[] = {"greatest", "least", "min", "max"};
	const AstCall *call = ast->call;
	bool orders = false;
	for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) orders |= names_equal(call_name(call), NAMES[i]);
	for (int i = 0; orders && i < call->arguments.count; i++) {
		Expr *order = order_form(clause, args[i]);
		if (!order || order != args[i]) return order && REFUSE(clause->binder, ast->op_span, "%s() of arrays or rows", call_name(call));
	}
	return true;
}

static Expr *bind_function(Clause *clause, const AstExpr *ast)
{
	Binder *binder = clause->binder;
	const AstCall *call = ast->call;
	Expr **args;
	if (!call_is_plain(clause, ast)) return NULL;
	if (is_row_function(ast)) {
		ScopeColumn value;
		return bind_row_function(clause, ast, &value) ? value.expr : NULL;
	}
	const AstExpr *unit = unit_word(binder, ast);
	if (unit) ((AstCall *)call)->arguments.at[0].value = (AstExpr *)unit;        /* so it is printed, too */
	if (!bind_arguments(clause, call, &args)) return NULL;
	if (!may_be_ordered_by(clause, ast, args)) return NULL;
	bool compares = names_equal(call_name(call), "nullif") && call->arguments.count == 2;
	if (compares && !bring_into_form(clause, &args[0], &args[1], ast->op_span)) return NULL;
	const DefinedFunction *defined = function_find(call_name(call)) ? NULL : defined_function(call_name(call));
	if (defined) return bind_defined_function(clause, defined, ast, args);
	Expr *e = expr_call_function(binder->arena, call_name(call), args, call->arguments.count, ast->op_span, binder->err);
	if (!e) return NULL;
	if (e->kind == EXPR_CALL) {
		e = arena_copy(binder->arena, e, sizeof *e);
		e->span = ast->span;
	}
	note_impurity(binder, e, call_name(call));
	return e->kind == EXPR_CALL ? typed_element(clause, e) : e;
}

Expr *bind_call(Clause *clause, const AstExpr *ast)
{
	const AstCall *call = ast->call;
	const char *name = call_name(call);
	if (call->over) return bind_over(clause, ast);
	bool is_group_window;
	Expr *window = bind_group_window_call(clause, ast, &is_group_window);
	if (is_group_window) return window;
	if (names_equal(name, "grouping") || names_equal(name, "grouping_id")) return bind_grouping_call(clause, ast);
	if (call_is_aggregate(call)) return bind_aggregate(clause, ast);
	if (is_window_only(clause, ast) || is_misplaced_word(clause->binder, ast)) return NULL;
	return bind_function(clause, ast);
}
