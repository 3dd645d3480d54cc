/* Functions that give rows: UNNEST, regexp_matches, json_each, json_tree, generate_series, range. PLAN_EXPAND sets their rows onto each row of its input, so that
 * arguments are columns of what stands to the left in FROM; alone, the input is one row.
 *
 * Several arrays, UNNEST(a, b), are put side by side by array_zip() and unnested as one; several functions in one SELECT share a node that puts their
 * rows side by side. The shorter are filled up with NULL.
 *
 * PLAN_EXPAND gives the elements of arrays and the values of json_each as JSON; their types, where a declaration says them, are put on here.
 *     UNNEST                 value JSON
 *     JSON_EACH, JSON_TREE   key TEXT, value JSON, type TEXT, atom JSON, id INTEGER, parent INTEGER, fullkey TEXT, path TEXT (SQLite's)
 *     SERIES                 value INTEGER or TIMESTAMP
 *     SIDE_BY_SIDE           the value of each function
 * and behind them ordinality INTEGER, from 1, if asked for.
 */
#include "bind/binder.h"

#include "base/nearest.h"
#include "expr/function.h"

typedef struct TableFunction {
	const char *name;
	ExpandKind kind;
	int least, most;              /* arguments */
	TypeKind element;             /* UNNEST: what its elements are by themselves; TYPE_NULL: as declared, else text */
	const char *array;            /* UNNEST: the function that makes its array of the arguments; NULL: they are arrays */
	bool excludes_end;            /* SERIES */
} TableFunction;

enum { ARRAYS_MAX = 64 };          /* of one UNNEST */

static const TableFunction TABLE_FUNCTIONS[] = {
	{"unnest", EXPAND_UNNEST, 1, ARRAYS_MAX, TYPE_NULL, NULL, false}, {"explode", EXPAND_UNNEST, 1, 1, TYPE_NULL, NULL, false},
	{"json_array_elements", EXPAND_UNNEST, 1, 1, TYPE_JSON, NULL, false}, {"jsonb_array_elements", EXPAND_UNNEST, 1, 1, TYPE_JSON, NULL, false},
	{"json_array_elements_text", EXPAND_UNNEST, 1, 1, TYPE_TEXT, NULL, false}, {"jsonb_array_elements_text", EXPAND_UNNEST, 1, 1, TYPE_TEXT, NULL, false},
	{"regexp_matches", EXPAND_UNNEST, 2, 3, TYPE_NULL, "regexp_match_rows", false}, {"regexp_split_to_table", EXPAND_UNNEST, 2, 3, TYPE_TEXT, "regexp_split_to_array", false},
	{"string_to_table", EXPAND_UNNEST, 2, 3, TYPE_TEXT, "string_to_array", false},
	{"json_each", EXPAND_JSON_EACH, 1, 2, TYPE_NULL, NULL, false}, {"jsonb_each", EXPAND_JSON_EACH, 1, 1, TYPE_NULL, NULL, false},
	{"json_tree", EXPAND_JSON_TREE, 1, 2, TYPE_NULL, NULL, false}, {"generate_series", EXPAND_SERIES, 2, 3, TYPE_NULL, NULL, false},
	{"range", EXPAND_SERIES, 2, 3, TYPE_NULL, NULL, true},
};

typedef struct MadeColumn { const char *name; TypeKind type; } MadeColumn;
static const MadeColumn JSON_COLUMNS[] = {
	{"key", TYPE_TEXT}, {"value", TYPE_JSON}, {"type", TYPE_TEXT}, {"atom", TYPE_JSON}, {"id", TYPE_INTEGER}, {"parent", TYPE_INTEGER},
	{"fullkey", TYPE_TEXT}, {"path", TYPE_TEXT},
};
enum { JSON_COLUMN_COUNT = 8 };

static const TableFunction *find_function(const char *name)
{
	for (size_t i = 0; i < sizeof TABLE_FUNCTIONS / sizeof *TABLE_FUNCTIONS; i++)
		if (names_equal(TABLE_FUNCTIONS[i].name, name)) return &TABLE_FUNCTIONS[i];
	return NULL;
}

bool is_table_function(const char *name) { return find_function(name) != NULL; }

static bool unknown_function(Binder *binder, const AstExpr *ast)
{
	const char *name = call_name(ast->call);
	Nearest nearest;
	nearest_init(&nearest, name);
	for (size_t i = 0; i < sizeof TABLE_FUNCTIONS / sizeof *TABLE_FUNCTIONS; i++) nearest_offer(&nearest, TABLE_FUNCTIONS[i].name);
	static const char *const WINDOWS[] = {"tumble", "hop", "cumulate", "session"};
	for (size_t i = 0; i < sizeof WINDOWS / sizeof *WINDOWS; i++) nearest_offer(&nearest, WINDOWS[i]);
	error_set(binder->err, ERR_UNDEFINED_FUNCTION, ast->op_span, "table function \"%s\" does not exist", name);
	return nearest.best ? error_hint(binder->err, "Did you mean %s?", nearest.best) : false;
}

/* ---- the node ---- */

static ColumnId add_made(Binder *binder, Plan *plan, const char *name, Type type, bool nullable)
{
	ColumnId id = plan_column_new(binder->context);
	plan->columns[plan->column_count++] = (PlanColumn){id, name, type, nullable};
	return id;
}

static Plan *expand_node(Binder *binder, const TableFunction *function, Plan *input, const AstTable *ast, bool outer)
{
	Plan *plan = plan_new(binder->context, PLAN_EXPAND, 1);
	plan->inputs[0] = input;
	plan->span = ast->span;
	plan->expand = function->kind;
	plan->outer = outer;
	plan->with_ordinality = ast->with_ordinality;
	plan->columns = arena_array(binder->arena, PlanColumn, input->column_count + JSON_COLUMN_COUNT + 2);
	memcpy(plan->columns, input->columns, sizeof *plan->columns * (size_t)input->column_count);
	plan->column_count = input->column_count;
	return plan;
}

static ScopeColumn *add_column(ScopeTable *table, ScopeColumn column)
{
	table->columns[table->column_count] = column;
	return &table->columns[table->column_count++];
}

/* ---- elements ---- */

/* An element that is a ROW is as many columns, as in Flink. */
static bool add_element(Binder *binder, ScopeTable *table, const char *name, Expr *json, Type element, Span span)
{
	if (element.kind != TYPE_ROW) {
		Expr *value = element_value(binder, json, element, span);
		if (!value) return false;
		add_column(table, (ScopeColumn){.name = name, .expr = value, .declared = element.kind == TYPE_JSON ? element : value->type});
		return true;
	}
	for (int i = 0; i < element.field_count; i++) {
		Expr *field = json_field(binder, json, element.fields[i].name, element.fields[i].type, span);
		if (!field) return false;
		add_column(table, (ScopeColumn){.name = element.fields[i].name, .expr = field, .declared = element.fields[i].type});
	}
	return true;
}

/* What the elements of an argument are: as it says itself, as the function does, else text */
static Type item_type(const TableFunction *function, const ScopeColumn *array)
{
	bool declared = array->declared.kind == TYPE_JSON && array->declared.field_count == 1;
	return function->element == TYPE_NULL && declared ? array->declared.fields[0].type : (Type){.kind = function->element};
}

/* Element number i of a row of array_zip() */
static Expr *zipped(Binder *binder, Expr *row, int i, Span span)
{
	Expr *args[2] = {row, expr_text(binder->arena, arena_printf(binder->arena, "%d", i))};
	return expr_call(binder->arena, "->", args, 2, span, binder->err);
}

static bool unnest_many(Binder *binder, const TableFunction *function, AstTable *ast, const ScopeColumn *arrays, Plan *plan, ScopeTable *table)
{
	ColumnId id = add_made(binder, plan, function->name, TYPE(JSON), true);
	Expr *row = expr_column(binder->arena, id, TYPE(JSON), true, ast->span);
	for (int i = 0; i < plan->arg_count; i++) {
		if (is_map(arrays[i].declared)) return REFUSE(binder, ast->span, "UNNEST of a MAP beside other lists");
		Expr *json = zipped(binder, row, i, ast->span);
		if (!json || !add_element(binder, table, function->name, json, item_type(function, &arrays[i]), ast->span)) return false;
	}
	plan->args[0] = expr_call(binder->arena, "array_zip", plan->args, plan->arg_count, ast->span, binder->err);
	plan->arg_count = 1;
	return plan->args[0] != NULL;
}

/* A MAP's entries are two columns. */
static bool unnest_map(Binder *binder, AstTable *ast, Type declared, Plan *plan, ScopeTable *table)
{
	Expr *made[2];
	plan->expand = EXPAND_JSON_EACH;
	for (int i = 0; i < JSON_COLUMN_COUNT; i++) {
		ColumnId id = add_made(binder, plan, JSON_COLUMNS[i].name, (Type){.kind = JSON_COLUMNS[i].type}, true);
		if (i < 2) made[i] = expr_column(binder->arena, id, (Type){.kind = JSON_COLUMNS[i].type}, true, ast->span);
	}
	Type key;
	if (!type_from_name(declared.fields[0].name, -1, -1, ast->span, &key, binder->err)) return false;
	if (key.kind != TYPE_TEXT && key.kind != TYPE_JSON && !(made[0] = json_typed(binder, made[0], key, ast->span))) return false;
	add_column(table, (ScopeColumn){.name = "key", .expr = made[0], .declared = made[0]->type});
	Type element = declared.fields[0].type;
	Expr *value = element_value(binder, made[1], element, ast->span);
	if (!value) return false;
	bool keeps = element.kind == TYPE_ROW || element.kind == TYPE_JSON;
	return fields_from_json(binder, add_column(table, (ScopeColumn){.name = "value", .expr = value, .declared = keeps ? element : value->type}), ast->span);
}

static bool unnest_columns(Binder *binder, const TableFunction *function, AstTable *ast, const ScopeColumn *array, Plan *plan, ScopeTable *table)
{
	if (plan->arg_count > 1) return unnest_many(binder, function, ast, array, plan, table);
	if (function->element == TYPE_NULL && is_map(array->declared)) return unnest_map(binder, ast, array->declared, plan, table);
	const char *name = ast->alias.text ? ast->alias.text : function->name;
	ColumnId id = add_made(binder, plan, name, TYPE(JSON), true);
	if (!add_element(binder, table, name, expr_column(binder->arena, id, TYPE(JSON), true, ast->span), item_type(function, array), ast->span)) return false;
	if (function->element == TYPE_NULL || names_equal(name, "value")) return true;
	ScopeColumn other = table->columns[0];            /* what json_array_elements calls it in PostgreSQL */
	other.name = "value";
	other.hidden = true;
	add_column(table, other);
	return true;
}

static bool json_columns(Clause *clause, AstTable *ast, Plan *plan, ScopeTable *table)
{
	Binder *binder = clause->binder;
	for (int i = 0; i < JSON_COLUMN_COUNT; i++) {
		const MadeColumn *made = &JSON_COLUMNS[i];
		Type type = {.kind = made->type};
		ColumnId id = add_made(binder, plan, made->name, type, true);
		Expr *e = expr_column(binder->arena, id, type, true, ast->span);
		if (type.kind == TYPE_JSON && !(e = element_value(binder, e, TYPE(NULL), ast->span))) return false;
		add_column(table, (ScopeColumn){.name = made->name, .expr = e, .declared = e->type});
	}
	return true;
}

/* ---- series ---- */

/* range(a, b, step) is generate_series(a, b - sign(step), step). */
static bool exclude_end(Binder *binder, Expr **args, int count, Span span)
{
	Expr *last[2] = {args[1], expr_int(binder->arena, 1)};
	if (count > 2) last[1] = expr_call(binder->arena, "sign", &args[2], 1, span, binder->err);
	return last[1] && (args[1] = expr_call(binder->arena, "-", last, 2, span, binder->err));
}

static bool series_arguments(Binder *binder, const TableFunction *function, AstTable *ast, Expr **args, int count, Type *type)
{
	bool is_time = args[0]->type.kind == TYPE_TIMESTAMP || args[0]->type.kind == TYPE_DATE;
	*type = is_time ? TYPE(TIMESTAMP) : TYPE(INTEGER);
	if (is_time && count < 3) return error_set(binder->err, ERR_UNDEFINED_FUNCTION, ast->call->op_span, "%s over times needs an INTERVAL as its step", function->name);
	if (is_time && function->excludes_end) return REFUSE(binder, ast->call->op_span, "%s over times", function->name);
	for (int i = 0; i < count; i++) {
		Type to = is_time && i == 2 ? TYPE(INTERVAL) : *type;
		if (args[i]->type.kind == TYPE_REAL || args[i]->type.kind == TYPE_DECIMAL)
			return REFUSE(binder, args[i]->span, "%s over %s", function->name, type_kind_name(args[i]->type.kind));
		if (!(args[i] = expr_cast(binder->arena, args[i], to, CAST_ASSIGN, binder->err))) return false;
	}
	return !function->excludes_end || exclude_end(binder, args, count, ast->call->op_span);
}

static bool series_columns(Clause *clause, const TableFunction *function, AstTable *ast, Plan *plan, ScopeTable *table)
{
	Binder *binder = clause->binder;
	Type type;
	if (!series_arguments(binder, function, ast, plan->args, plan->arg_count, &type)) return false;
	const char *name = ast->alias.text ? ast->alias.text : "value";
	ColumnId id = add_made(binder, plan, name, type, true);
	ScopeColumn *column = add_column(table, scope_column_of(binder, name, id, type, plan->outer));
	ScopeColumn other = *column;                      /* SQLite's name for it, and PostgreSQL's */
	other.name = ast->alias.text ? "value" : function->name;
	if (names_equal(name, other.name)) return true;
	other.hidden = true;
	add_column(table, other);
	return true;
}

/* ---- the function ---- */

/* regexp_matches(text, pattern): the elements of an array that another function makes of the arguments */
static bool array_of_arguments(Clause *clause, const TableFunction *function, AstTable *ast, Plan *plan, ScopeColumn *array)
{
	Binder *binder = clause->binder;
	Expr *made = expr_call(binder->arena, function->array, plan->args, plan->arg_count, ast->call->op_span, binder->err);
	if (!made) return false;
	plan->args = arena_array(binder->arena, Expr *, 1);
	plan->args[0] = made;
	plan->arg_count = 1;
	*array = (ScopeColumn){.expr = made, .declared = made->type};
	declared_of(clause, made, &array->declared);
	return true;
}

static bool bind_function_arguments(Clause *clause, const TableFunction *function, AstTable *ast, Plan *plan, ScopeColumn *values)
{
	Binder *binder = clause->binder;
	const AstCall *call = ast->call->call;
	int count = call->arguments.count;
	if (count < function->least || count > function->most) {
		return error_set(binder->err, ERR_UNDEFINED_FUNCTION, ast->call->op_span, "%s() takes %d%s argument%s, not %d", function->name, function->least,
			function->most > function->least ? arena_printf(binder->arena, " to %d", function->most) : "", function->most > 1 ? "s" : "", count);
	}
	plan->args = arena_array(binder->arena, Expr *, count);
	plan->arg_count = count;
	for (int i = 0; i < count; i++) {
		const AstArgument *argument = &call->arguments.at[i];
		if (argument->name.text) return REFUSE(binder, argument->name.span, "naming arguments of %s()", function->name);
		if (!bind_column_like(clause, argument->value, &values[i])) return false;
		plan->args[i] = values[i].expr;
		bool wants_json = !function->array && (function->kind == EXPAND_UNNEST || (function->kind != EXPAND_SERIES && i == 0));
		TypeKind kind = values[i].expr->type.kind;
		if (wants_json && kind != TYPE_JSON && kind != TYPE_TEXT && kind != TYPE_NULL)
			return error_set(binder->err, ERR_DATATYPE_MISMATCH, values[i].expr->span, "%s() takes JSON, not %s", function->name, type_kind_name(kind));
		if (wants_json && !(plan->args[i] = expr_cast(binder->arena, plan->args[i], TYPE(JSON), CAST_EXPLICIT, binder->err))) return false;
	}
	return !function->array || array_of_arguments(clause, function, ast, plan, values);
}

static Plan *lone_row(Binder *binder, Span span)
{
	Plan *plan = plan_new(binder->context, PLAN_VALUES, 0);
	plan->row_count = 1;
	plan->span = span;
	plan->columns = arena_array(binder->arena, PlanColumn, 1);
	return plan;
}

/* FROM abs(x): one row with the value, under the function's name */
static bool bind_value_as_table(Binder *binder, AstTable *ast, Scope *lateral, From *left, From *out)
{
	Scope nothing = {0};
	Clause clause = {.binder = binder, .scope = lateral ? lateral : &nothing, .name = "FROM"};
	Expr *value = bind_expr(&clause, ast->call);
	if (!value) return false;
	Plan *input = left ? left->plan : lone_row(binder, ast->span);
	int count = input->column_count;
	Plan *plan = plan_project_columns(binder->context, input, input->columns, count);
	PlanItem *items = arena_array(binder->arena, PlanItem, count + 1);
	PlanColumn *columns = arena_array(binder->arena, PlanColumn, count + 1);
	if (count) memcpy(items, plan->items, sizeof *items * (size_t)count);
	if (count) memcpy(columns, plan->columns, sizeof *columns * (size_t)count);
	const char *name = ast->alias.text ? ast->alias.text : call_name(ast->call->call);
	ColumnId id = plan_column_new(binder->context);
	items[count] = (PlanItem){id, value};
	columns[count] = (PlanColumn){id, name, value->type, value->nullable};
	plan->items = items;
	plan->columns = columns;
	plan->item_count = plan->column_count = count + 1;
	AstIdent alias = ast->alias.text ? ast->alias : (AstIdent){name, ast->call->op_span, false};
	ScopeTable *table = scope_table_new(binder, alias, ast, 1);
	table->column_count = 0;
	add_column(table, scope_column_of(binder, name, id, value->type, value->nullable));
	*out = (From){.plan = plan};
	vec_push_in(binder->arena, &out->tables, table);
	return rename_columns(binder, table, &ast->columns, ast->span);
}

bool bind_table_function(Binder *binder, AstTable *ast, Scope *lateral, From *left, bool left_outer, From *out)
{
	const TableFunction *function = find_function(call_name(ast->call->call));
	if (!function && function_find(call_name(ast->call->call)) && !left_outer) return bind_value_as_table(binder, ast, lateral, left, out);
	if (!function) return unknown_function(binder, ast->call);
	if (ast->hints.count) return REFUSE(binder, ast->span, "OPTIONS on a function");
	Scope nothing = {0};
	Clause clause = {.binder = binder, .scope = lateral ? lateral : &nothing, .name = "a table function"};
	Plan *plan = expand_node(binder, function, left ? left->plan : lone_row(binder, ast->span), ast, left_outer);
	ScopeColumn *values = arena_array(binder->arena, ScopeColumn, ast->call->call->arguments.count + 1);
	if (!bind_function_arguments(&clause, function, ast, plan, values)) return false;
	AstIdent alias = ast->alias.text ? ast->alias : (AstIdent){function->name, ast->call->op_span, false};
	int fields = 0;
	for (int i = 0; i < plan->arg_count; i++) fields += 1 + item_type(function, &values[i]).field_count;
	ScopeTable *table = scope_table_new(binder, alias, ast, JSON_COLUMN_COUNT + fields + 3);
	table->column_count = 0;
	bool done = function->kind == EXPAND_UNNEST ? unnest_columns(binder, function, ast, values, plan, table)
		: function->kind == EXPAND_SERIES ? series_columns(&clause, function, ast, plan, table) : json_columns(&clause, ast, plan, table);
	if (!done) return false;
	if (ast->with_ordinality) {
		ColumnId id = add_made(binder, plan, "ordinality", TYPE(INTEGER), left_outer);
		add_column(table, scope_column_of(binder, "ordinality", id, TYPE(INTEGER), left_outer));
	}
	*out = (From){.plan = plan};
	vec_push_in(binder->arena, &out->tables, table);
	return rename_columns(binder, table, &ast->columns, ast->span);
}

/* ---- in SELECT ---- */

static bool may_make_rows(Clause *clause, const AstExpr *ast, const TableFunction *function)
{
	Binder *binder = clause->binder;
	bool item = clause->select && strcmp(clause->name, "SELECT") == 0 && !clause->in_aggregate && !clause->in_window;
	if (!item) return error_set(binder->err, ERR_WRONG_OBJECT_TYPE, ast->op_span, "%s() makes rows and cannot stand in %s", function->name, clause->name);
	if (function->kind == EXPAND_JSON_EACH || function->kind == EXPAND_JSON_TREE)
		return REFUSE(binder, ast->op_span, "%s() as a value", function->name) || error_hint(binder->err, "Put it into FROM.");
	if (function->kind == EXPAND_UNNEST && !function->array && ast->call->arguments.count > 1)
		return REFUSE(binder, ast->op_span, "%s() of several arrays as a value", function->name) || error_hint(binder->err, "Put it into FROM.");
	return true;
}

bool is_row_function(const AstExpr *ast)
{
	return ast->kind == AST_CALL && is_table_function(call_name(ast->call)) && !function_find(call_name(ast->call));
}

/* Functions that make rows in the items of a SELECT, subqueries and arguments of others aside */
static int count_row_functions(const AstExpr *ast)
{
	if (!ast) return 0;
	if (is_row_function(ast)) return 1;
	int count = count_row_functions(ast->operand) + count_row_functions(ast->otherwise);
	for (int i = 0; i < ast->args.count; i++) count += count_row_functions(ast->args.at[i]);
	if (ast->kind != AST_CALL) return count;
	for (int i = 0; i < ast->call->arguments.count; i++) count += count_row_functions(ast->call->arguments.at[i].value);
	return count;
}

static bool is_one_of_many(const Select *select)
{
	int count = 0;
	for (int i = 0; i < select->ast->items.count; i++) count += count_row_functions(select->ast->items.at[i].expr);
	return count > 1;
}

/* A node that several functions share, and a place for one more of them */
static Plan *widen_parallel(Binder *binder, Plan *plan, Expr *const *args, int count)
{
	Expr **all = arena_array(binder->arena, Expr *, plan->arg_count + EXPAND_SIDE_ARGS);
	if (plan->arg_count) memcpy(all, plan->args, sizeof *all * (size_t)plan->arg_count);
	for (int i = 0; i < EXPAND_SIDE_ARGS; i++) {
		bool no_step = count == 2 && i == 2;
		all[plan->arg_count + i] = i < count ? args[i] : no_step ? expr_int(binder->arena, 1) : expr_null(binder->arena, TYPE(INTEGER));
	}
	PlanColumn *columns = arena_array(binder->arena, PlanColumn, plan->column_count + 1);
	if (plan->column_count) memcpy(columns, plan->columns, sizeof *columns * (size_t)plan->column_count);
	plan->columns = columns;
	plan->args = all;
	plan->arg_count += EXPAND_SIDE_ARGS;
	return plan;
}

/* A ROW is one value here; in FROM it is as many columns. */
static bool row_value(Binder *binder, Expr *json, Type element, Span span, ScopeColumn *out)
{
	Expr *value = element_value(binder, json, element, span);
	if (!value) return false;
	*out = (ScopeColumn){.expr = value, .declared = element.kind == TYPE_ROW || element.kind == TYPE_JSON ? element : value->type};
	return fields_from_json(binder, out, span);
}

/* The node that sets the rows onto those of FROM; values: its arguments. One of these may make rows, too: unnest(regexp_matches(...)). */
static Plan *row_node(Clause *clause, const TableFunction *function, const AstExpr *ast, ScopeColumn *values, Type *series)
{
	Binder *binder = clause->binder;
	Select *select = clause->select;
	AstTable *table = arena_new(binder->arena, AstTable);
	*table = (AstTable){.kind = AST_TABLE_FUNCTION, .call = (AstExpr *)ast, .span = ast->span};
	bool alone = !is_one_of_many(select);
	Clause arguments = {.binder = binder, .scope = &select->scope, .name = alone ? clause->name : "a table function", .select = alone ? select : NULL};
	Plan given = {0};
	if (!bind_function_arguments(&arguments, function, table, &given, values)) return NULL;
	Plan *plan = expand_node(binder, function, select->plan, table, false);
	plan->args = given.args;
	plan->arg_count = given.arg_count;
	if (function->kind == EXPAND_SERIES && !series_arguments(binder, function, table, plan->args, plan->arg_count, series)) return NULL;
	return plan;
}

static void take_node(Select *select, const AstExpr *ast, Plan *plan)
{
	select->plan = select->expand = plan;
	select->row_function = ast;
}

/* Several share the node of the first, which puts their rows side by side. */
bool bind_row_function(Clause *clause, const AstExpr *ast, ScopeColumn *out)
{
	Binder *binder = clause->binder;
	Select *select = clause->select;
	const TableFunction *function = find_function(call_name(ast->call));
	if (!may_make_rows(clause, ast, function)) return false;
	ScopeColumn values[EXPAND_SIDE_ARGS] = {0};
	Type type = TYPE(JSON);
	Plan *plan = row_node(clause, function, ast, values, &type);
	if (!plan) return false;
	if (is_map(values[0].declared)) return REFUSE(binder, ast->op_span, "%s() of a MAP as a value", function->name) || error_hint(binder->err, "Put it into FROM.");
	bool many = is_one_of_many(select), series = function->kind == EXPAND_SERIES;
	if (many) {
		Expr **args = plan->args;
		int count = plan->arg_count;
		if (!select->row_function) {
			plan->expand = EXPAND_SIDE_BY_SIDE;
			plan->arg_count = 0;
			take_node(select, ast, plan);
		}
		plan = widen_parallel(binder, select->expand, args, count);
	} else take_node(select, ast, plan);
	Expr *value = expr_column(binder->arena, add_made(binder, plan, function->name, type, true), type, many || !series, ast->span);
	if (!series) return row_value(binder, value, item_type(function, &values[0]), ast->span, out);
	*out = (ScopeColumn){.expr = value, .declared = type};
	return true;
}
