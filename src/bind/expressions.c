/* Expressions: one function a node of the AST. What is more than one call of the function table is in operators.c, calls.c and over.c. */
#include "bind/binder.h"

#include "expr/function.h"
#include "expr/json_text.h"
#include "type/text.h"

/* ---- columns ---- */

static const AstItem *find_alias(const Clause *clause, const char *name)
{
	if (!clause->aliases || !clause->select) return NULL;
	const AstItems *items = &clause->select->ast->items;
	for (int i = 0; i < items->count; i++)
		if (items->at[i].alias.text && names_equal(items->at[i].alias.text, name)) return &items->at[i];
	return NULL;
}

/* The name of a SELECT item stands for its expression, where FROM has no column of that name. */
const AstItem *alias_meant(Clause *clause, const AstExpr *ast)
{
	if (ast->path.count != 1) return NULL;
	const AstItem *item = find_alias(clause, ast->path.at[0].text);
	return item && !scope_find_name(clause->scope, ast->path.at[0].text) ? item : NULL;
}

static Expr *bind_alias(Clause *clause, const AstItem *item)
{
	Clause inner = *clause;
	inner.aliases = false;
	return bind_expr(&inner, item->expr);
}

static Expr *bind_column(Clause *clause, const AstExpr *ast)
{
	const AstItem *item = alias_meant(clause, ast);
	if (item) return bind_alias(clause, item);
	int left_over;
	ScopeColumn *column = scope_find(clause, ast, &left_over);
	if (!column) return NULL;
	Expr *expr = expr_with_span(clause->binder, column->expr, ast->span);
	return json_fields(clause->binder, expr, ast->path.at + ast->path.count - left_over, left_over, ast->span);
}

/* ---- operators ---- */

/* Negated in place, so that the digits of a constant stay what the statement says. */
static Expr *negate(Binder *binder, const AstExpr *ast, Expr *e)
{
	if (e->kind == EXPR_CONSTANT && !e->constant.is_null) {
		Value value = e->constant;
		if (e->type.kind == TYPE_INTEGER && value.i64 != INT64_MIN) {
			value.i64 = -value.i64;
			return expr_constant(binder->arena, &value, ast->span);
		}
		if (e->type.kind == TYPE_REAL) {
			value.f64 = -value.f64;
			return expr_constant(binder->arena, &value, ast->span);
		}
	}
	return expr_call(binder->arena, "neg", &e, 1, ast->span, binder->err);
}

/* NOT EXISTS and NOT (x IN ...) are forms of the subquery, which unnesting makes anti joins. */
static Expr *bind_not(Binder *binder, Expr *e)
{
	if (e->kind != EXPR_SUBQUERY || e->subquery == SUBQUERY_SCALAR) return expr_not(binder->arena, e);
	Expr *copy = expr_with_span(binder, e, e->span);
	copy->negated = !copy->negated;
	return copy;
}

static Expr *least_integer(Binder *binder, const AstExpr *ast)
{
	Value value = {.type = TYPE(INTEGER), .i64 = INT64_MIN};
	return expr_constant(binder->arena, &value, ast->span);
}

static bool is_least_integer(const AstExpr *arg)
{
	return arg->kind == AST_LITERAL && arg->literal == AST_INTEGER && strcmp(arg->text, "9223372036854775808") == 0;
}

static Expr *bind_unary(Clause *clause, const AstExpr *ast)
{
	Binder *binder = clause->binder;
	const AstExpr *arg = ast->args.at[0];
	if (ast->op == AST_OP_MINUS && is_least_integer(arg)) return least_integer(binder, ast);
	Expr *e = bind_expr(clause, arg);
	if (!e) return NULL;
	switch (ast->op) {
	case AST_OP_NOT: return bind_not(binder, e);
	case AST_OP_PLUS: return e;
	case AST_OP_MINUS: return negate(binder, ast, e);
	default: return expr_call(binder->arena, "~", &e, 1, ast->op_span, binder->err);
	}
}

static bool is_comparison(AstOp op) { return op >= AST_OP_EQ && op <= AST_OP_IS_NOT; }

static const char *operator_name(AstOp op)
{
	switch (op) {
	case AST_OP_EQ: return "=";
	case AST_OP_NE: return "<>";
	case AST_OP_IS: return "is";
	case AST_OP_IS_NOT: return "is not";
	default: return ast_op_text(op);
	}
}

/* Text as an array of such elements: JSON, or PostgreSQL's braces */
static Expr *text_as_array(Binder *binder, Expr *e, Type declared, Span span)
{
	bool as_text = declared.field_count == 1 && declared.fields[0].type.kind == TYPE_TEXT;
	Expr *args[2] = {e, expr_bool(binder->arena, as_text)};
	return expr_call(binder->arena, "text_to_array", args, 2, span, binder->err);
}

/* '{1,2}' */
static bool is_no_json(Binder *binder, Expr *e)
{
	Value value;
	Error ignored = ERROR_INIT;
	return expr_fold(binder->arena, e, &value, &ignored) && !value.is_null && value.str.bytes && *str_at(&value.str) == '{' && !json_text_is_valid(str_at(&value.str), value.str.bytes);
}

/* What is compared with an array is one, too: '{1,2}'. */
static Expr *as_array_like(Clause *clause, Expr *e, const Expr *other)
{
	Type element;
	if (e->type.kind != TYPE_TEXT || !expr_is_constant(e) || !array_element_type(clause, other, &element) || !is_no_json(clause->binder, e)) return e;
	return text_as_array(clause->binder, e, array_type_of(clause->binder, element), e->span);
}

/* Arrays are JSON text inside: equal as that, if their elements are of one type. */
static bool arrays_compare(Clause *clause, const Expr *a, const Expr *b, Span span)
{
	Type left, right;
	if (!array_element_type(clause, a, &left) || !array_element_type(clause, b, &right)) return true;
	if (left.kind == right.kind || left.kind == TYPE_NULL || right.kind == TYPE_NULL) return true;
	return REFUSE(clause->binder, span, "comparing an array of %s with one of %s", type_kind_name(left.kind), type_kind_name(right.kind))
		|| error_hint(clause->binder->err, "CAST the elements of one of them.");
}

/* IS NULL, IS TRUE ... are tests of one value. */
static const char *literal_test(bool negated, const Expr *right)
{
	if (right->kind != EXPR_CONSTANT) return NULL;
	if (right->constant.is_null) return negated ? "is not null" : "is null";
	if (right->type.kind != TYPE_BOOLEAN) return NULL;
	if (right->constant.i64) return negated ? "is not true" : "is true";
	return negated ? "is not false" : "is false";
}

Expr *bind_compare(Clause *clause, AstOp op, Expr *a, Expr *b, Span span)
{
	Binder *binder = clause->binder;
	if (!arrays_compare(clause, a, b, span) || !(a = as_array_like(clause, a, b)) || !(b = as_array_like(clause, b, a))) return NULL;
	const char *test = op == AST_OP_IS || op == AST_OP_IS_NOT ? literal_test(op == AST_OP_IS_NOT, b) : NULL;
	if (!test && !bring_into_form(clause, &a, &b, span)) return NULL;
	bool in_order = op >= AST_OP_LT && op <= AST_OP_GE;
	if (in_order && !bring_into_order(clause, &a, &b, span)) return NULL;
	if (test) {
		if (strstr(test, "null") == NULL) a = expr_condition(binder->arena, a);
		return expr_call(binder->arena, test, &a, 1, span, binder->err);
	}
	Expr *args[2] = {a, b};
	return expr_call(binder->arena, operator_name(op), args, 2, span, binder->err);
}

/* PostgreSQL's jsonb - 'key', where SQLite would subtract what is no number */
static bool takes_key_away(Binder *binder, const Expr *a, Expr *b)
{
	Value value;
	Error ignored = ERROR_INIT;
	double number;
	if (a->type.kind != TYPE_JSON || b->type.kind != TYPE_TEXT || !expr_is_constant(b)) return false;
	return expr_fold(binder->arena, b, &value, &ignored) && !value.is_null && !text_to_real(str_at(&value.str), value.str.bytes, &number);
}

/* Of an array: without the elements that are this text */
static Expr *without_key(Binder *binder, Expr **args, Span span)
{
	Arena *arena = binder->arena;
	Expr *kind[2] = {expr_call(arena, "json_type", args, 1, span, binder->err), expr_text(arena, "array")};
	Expr *branches[3] = {kind[0] ? expr_call(arena, "=", kind, 2, span, binder->err) : NULL};
	if (!branches[0] || !(branches[1] = expr_call(arena, "array_remove", args, 2, span, binder->err))) return NULL;
	branches[2] = expr_call(arena, "map_delete", args, 2, span, binder->err);
	return branches[2] ? expr_case(arena, branches, 3, span, binder->err) : NULL;
}

static Expr *bind_binary(Clause *clause, const AstExpr *ast)
{
	Binder *binder = clause->binder;
	const AstExpr *left = ast->args.at[0], *right = ast->args.at[1];
	if (is_field_arrow(ast)) return bind_part(clause, ast);
	if (is_comparison(ast->op) && (is_row(left) || is_row(right))) return bind_row_comparison(clause, ast);
	if (is_comparison(ast->op)) {
		Expr *e = bind_comparison(clause, ast->op, left, right, ast->op_span);
		return e ? expr_with_span(binder, e, ast->span) : NULL;
	}
	Expr *a = bind_expr(clause, left);
	Expr *b = a ? bind_expr(clause, right) : NULL;
	if (!b) return NULL;
	Expr *args[2] = {a, b};
	if (ast->op == AST_OP_SUBTRACT && takes_key_away(binder, a, b)) return without_key(binder, args, ast->op_span);
	Expr *e = NULL;
	if (ast->op == AST_OP_CONCAT && !bind_nested_concat(clause, args, ast->op_span, &e)) return NULL;
	if (!e) e = expr_call(binder->arena, operator_name(ast->op), args, 2, ast->op_span, binder->err);
	return e ? expr_with_span(binder, e, ast->span) : NULL;
}

static Expr *bind_junction(Clause *clause, const AstExpr *ast)
{
	Binder *binder = clause->binder;
	Expr *all = arena_new(binder->arena, Expr);
	all->kind = ast->kind == AST_AND ? EXPR_AND : EXPR_OR;
	all->type = TYPE(BOOLEAN);
	all->span = ast->span;
	all->args = arena_array(binder->arena, Expr *, ast->args.count);
	all->arg_count = ast->args.count;
	for (int i = 0; i < ast->args.count; i++) {
		Expr *arg = bind_expr(clause, ast->args.at[i]);
		if (!arg) return NULL;
		all->args[i] = expr_condition(binder->arena, arg);
		all->nullable |= all->args[i]->nullable;
	}
	return all;
}

/* ---- values of other kinds ---- */

/* A number written out goes into DECIMAL with all its digits, not by way of REAL. */
static bool decimal_literal(Binder *binder, const AstExpr *ast, Type to, Expr **out)
{
	bool minus = ast->kind == AST_UNARY && ast->op == AST_OP_MINUS;
	const AstExpr *literal = minus ? ast->args.at[0] : ast;
	*out = NULL;
	if (to.kind != TYPE_DECIMAL || literal->kind != AST_LITERAL) return true;
	if (literal->literal != AST_INTEGER && literal->literal != AST_DECIMAL) return true;
	Value value = {.type = to};
	if (!text_to_decimal(literal->text, strlen(literal->text), to.precision, to.scale, &value.i128)) return true;
	if (minus) value.i128 = -value.i128;
	*out = expr_constant(binder->arena, &value, ast->span);
	return true;
}

/* What a value of ROW(a, b) becomes as a field of this type */
typedef Expr *BindField(Clause *clause, const AstExpr *value, Type field, CastRule rule);

/* ROW(a, b) as a row of that type: its fields by their names, as a record would have them */
static Expr *bind_row_as(Clause *clause, const AstExpr *ast, Type row, const char *what, BindField *bind_field, CastRule rule)
{
	Binder *binder = clause->binder;
	if (ast->args.count != row.field_count) {
		error_set(binder->err, ERR_DATATYPE_MISMATCH, ast->span, "the %s has %d fields but ROW has %d values", what, row.field_count, ast->args.count);
		return NULL;
	}
	Expr **args = arena_array(binder->arena, Expr *, 2 * row.field_count + 1);
	for (int i = 0; i < row.field_count; i++) {
		args[2 * i] = expr_text(binder->arena, row.fields[i].name);
		args[2 * i + 1] = bind_field(clause, ast->args.at[i], row.fields[i].type, rule);
		if (!args[2 * i + 1]) return NULL;
	}
	return expr_call(binder->arena, "json_object", args, 2 * row.field_count, ast->span, binder->err);
}

static Expr *assign_field(Clause *clause, const AstExpr *value, Type field, CastRule rule)
{
	(void)rule;
	return bind_assigned(clause, value, field);
}

/* ARRAY[...] into an ARRAY column whose elements are declared */
static Expr *bind_array_value(Clause *clause, const AstExpr *ast, Type element)
{
	Binder *binder = clause->binder;
	Expr **args = arena_array(binder->arena, Expr *, ast->args.count + 1);
	for (int i = 0; i < ast->args.count; i++)
		if (!(args[i] = bind_assigned(clause, ast->args.at[i], element))) return NULL;
	return expr_call(binder->arena, "json_array", args, ast->args.count, ast->span, binder->err);
}

/* A constant of another form than is declared is an error here, where CAST makes it NULL. */
static bool check_form(Binder *binder, Expr *e, Type declared, Span span)
{
	Value value, made;
	if (!type_is_nested(declared) || !expr_is_constant(e)) return true;
	if (!expr_fold(binder->arena, e, &value, binder->err)) return false;
	Expr *form = nested_as(binder, e, declared);
	if (!form || !expr_fold(binder->arena, form, &made, binder->err)) return false;
	if (value.is_null || !made.is_null || *json_part(str_at(&value.str), value.str.bytes).at == 'n') return true;
	StrBuf type = STRBUF_INIT;
	type_print(declared, &type);
	error_set(binder->err, ERR_INVALID_TEXT, span, "%.*s is no %s", (int)value.str.bytes, str_at(&value.str), type.text);
	strbuf_release(&type);
	return false;
}

Expr *bind_assigned(Clause *clause, const AstExpr *ast, Type declared)
{
	Binder *binder = clause->binder;
	if (declared.kind == TYPE_ROW && ast->kind == AST_ROW) return bind_row_as(clause, ast, declared, "column", assign_field, CAST_ASSIGN);
	if (declared.kind == TYPE_JSON && declared.field_count == 1 && ast->kind == AST_ARRAY && !ast->query)
		return bind_array_value(clause, ast, declared.fields[0].type);
	Type to = plain_type(declared);
	Expr *e;
	if (!decimal_literal(binder, ast, to, &e)) return NULL;
	if (e) return e;
	if (!(e = bind_expr(clause, ast))) return NULL;
	bool braces = declared.kind == TYPE_JSON && declared.field_count == 1 && e->type.kind == TYPE_TEXT && expr_is_constant(e) && is_no_json(binder, e);
	if (braces && !(e = text_as_array(binder, e, declared, ast->span))) return NULL;
	Expr *cast = expr_cast(binder->arena, e, to, CAST_ASSIGN, binder->err);
	if (!cast && binder->err->span.end == 0) binder->err->span = ast->span;
	return cast && check_form(binder, cast, declared, ast->span) ? nested_form(clause, cast, declared) : NULL;
}

/* CAST(ROW(a, b) AS ROW<x INTEGER, y TEXT>): the names are those of the type */
static Expr *cast_field(Clause *clause, const AstExpr *value, Type field, CastRule rule)
{
	if (value->kind == AST_ROW && field.kind == TYPE_ROW) return bind_row_as(clause, value, field, "type", cast_field, rule);
	Expr *e = bind_expr(clause, value);
	if (!e || !(e = expr_cast(clause->binder->arena, e, plain_type(field), rule, clause->binder->err))) return NULL;
	return nested_form(clause, e, field);
}

static Expr *bind_cast(Clause *clause, const AstExpr *ast)
{
	Binder *binder = clause->binder;
	Type declared;
	if (!bind_type(binder, ast->type, &declared)) return NULL;
	if (declared.kind == TYPE_ROW && is_row(ast->args.at[0])) return bind_row_as(clause, ast->args.at[0], declared, "type", cast_field, ast->try_cast ? CAST_TRY : CAST_EXPLICIT);
	Type to = plain_type(declared);
	Expr *e;
	if (!decimal_literal(binder, ast->args.at[0], to, &e)) return NULL;
	if (e) return e;
	e = bind_expr(clause, ast->args.at[0]);
	if (!e || !row_can_be(clause, e, declared, ast->span)) return NULL;
	bool is_array = ast->type->kind == AST_TYPE_ARRAY && e->type.kind == TYPE_TEXT;
	if (is_array && !(e = text_as_array(binder, e, declared, ast->span))) return NULL;
	CastRule rule = ast->try_cast ? CAST_TRY : CAST_EXPLICIT;
	Expr *result = expr_cast(binder->arena, e, to, rule, binder->err);
	if (!result && binder->err->span.end == 0) binder->err->span = ast->span;
	return result ? cast_nested(clause, result, declared, rule, ast->span) : NULL;
}

static Expr *bind_list(Clause *clause, const AstExpr *ast, const char *function)
{
	if (ast->query) return bind_array_query(clause, ast);
	Expr **args = arena_array(clause->binder->arena, Expr *, ast->args.count ? ast->args.count : 1);
	for (int i = 0; i < ast->args.count; i++)
		if (!(args[i] = bind_expr(clause, ast->args.at[i]))) return NULL;
	return expr_call(clause->binder->arena, function, args, ast->args.count, ast->span, clause->binder->err);
}

static Expr *misplaced(Clause *clause, const AstExpr *ast)
{
	Error *err = clause->binder->err;
	if (ast->kind == AST_STAR) error_set(err, ERR_SYNTAX, ast->span, "* may stand in SELECT and count(*) only");
	else if (ast->kind == AST_RELATION) error_set(err, ERR_SYNTAX, ast->span, "a relation cannot stand where a value is wanted");
	else {
		error_set(err, ERR_UNSUPPORTED, ast->span, "a row cannot stand where one value is wanted");
		error_hint(err, "json_array() makes one value of several.");
	}
	return NULL;
}

static Expr *bind_node(Clause *clause, const AstExpr *ast)
{
	Binder *binder = clause->binder;
	switch (ast->kind) {
	case AST_LITERAL: return bind_literal(binder, ast);
	case AST_PARAMETER: return bind_parameter(binder, ast);
	case AST_COLUMN: return bind_column(clause, ast);
	case AST_FIELD: case AST_SUBSCRIPT: return bind_part(clause, ast);
	case AST_UNARY: return bind_unary(clause, ast);
	case AST_BINARY: return bind_binary(clause, ast);
	case AST_AND: case AST_OR: return bind_junction(clause, ast);
	case AST_LIKE: return bind_like(clause, ast);
	case AST_BETWEEN: return bind_between(clause, ast);
	case AST_IN: return ast->query ? bind_key_query(clause, ast, bind_in) : bind_in(clause, ast);
	case AST_QUANTIFIED: return ast->query ? bind_key_query(clause, ast, bind_quantified) : bind_quantified(clause, ast);
	case AST_EXISTS: return bind_key_query(clause, ast, bind_exists);
	case AST_SUBQUERY: return bind_key_query(clause, ast, bind_scalar_subquery);
	case AST_CAST: return bind_cast(clause, ast);
	case AST_CASE: return bind_case(clause, ast);
	case AST_COLLATE: return bind_collate(clause, ast);
	case AST_ARRAY: return bind_list(clause, ast, "json_array");
	case AST_MAP: return bind_list(clause, ast, "json_object");
	case AST_CALL: return bind_call(clause, ast);
	case AST_STAR: case AST_ROW: case AST_RELATION: break;
	}
	return misplaced(clause, ast);
}

Expr *equal_form(Binder *binder, Expr *e)
{
	Error ignored = ERROR_INIT;
	if (e->type.kind != TYPE_INTERVAL || expr_is_call(e, "justify_interval")) return e;
	return expr_call(binder->arena, "justify_interval", &e, 1, e->span, &ignored);
}

/* ---- conditions ---- */

static bool is_no_clock(Expr *e, void *context)
{
	(void)context;
	return !(e->kind == EXPR_CALL && (e->function->flags & FUNCTION_CLOCK));
}

static bool has_clock(Expr *e) { return !expr_walk(e, is_no_clock, NULL); }

/* The clock on one side, columns or constants on the other, or behind now() - at; which of these can be kept up to date only planning knows (rule_moving.c). */
static bool compares_clock(Expr *e)
{
	static const char *const NAMES[] = {"<", "<=", ">", ">=", "=", "<>", "is", "is not", "is distinct from", "is not distinct from"};
	bool is_compare = expr_is_call(e, "in") || expr_is_call(e, "not in");
	for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) is_compare |= expr_is_call(e, NAMES[i]) && e->arg_count == 2;
	if (!is_compare) return false;
	int rest = 0;
	for (int i = 1; i < e->arg_count; i++) rest += has_clock(e->args[i]);
	return has_clock(e->args[0]) ? rest == 0 : rest > 0;
}

/* Is each call of the clock below inside of a comparison? */
static bool is_compared(Expr *e)
{
	if (compares_clock(e)) return true;
	if (e->kind == EXPR_CALL && (e->function->flags & FUNCTION_CLOCK)) return false;
	for (int i = 0; i < e->arg_count; i++)
		if (!is_compared(e->args[i])) return false;
	return true;
}

Expr *bind_expr(Clause *clause, const AstExpr *ast)
{
	int before = clause->binder->impurities.count;
	Expr *e = bind_node(clause, ast);
	if (!e || clause->binder->impurities.count == before || !has_clock(e) || !is_compared(e)) return e;
	for (int i = before; i < clause->binder->impurities.count; i++) {
		Impurity *impurity = &clause->binder->impurities.at[i];
		impurity->in_condition |= impurity->is_clock;
	}
	return e;
}

Expr *bind_condition(Clause *clause, const AstExpr *ast)
{
	Expr *e = bind_expr(clause, ast);
	return e ? expr_condition(clause->binder->arena, e) : NULL;
}

Expr *bind_constant_expr(Binder *binder, const AstExpr *ast, const char *where)
{
	Scope nothing = {0};
	Clause clause = {.binder = binder, .scope = &nothing, .name = where};
	return bind_expr(&clause, ast);
}
