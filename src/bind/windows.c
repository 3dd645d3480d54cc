/* Windows in all spellings: TUMBLE(t, ts, size) as a relation, Flink's TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), size)) (the parser gives the
 * same), ksqlDB's WINDOW TUMBLING (SIZE ...), Flink's old GROUP BY TUMBLE(ts, size) with TUMBLE_START(ts, size). All are one PLAN_WINDOW.
 */
#include "bind/binder.h"

#include <string.h>
#include <strings.h>

#include "type/zone.h"

enum { WINDOWS_OF_A_ROW_MAX = 100000 };

typedef struct WindowForm {
	const char *name;
	PlanWindowKind kind;
	const char *words[3];         /* names of the arguments after relation and time, in Flink's words */
	int durations;                /* how many of them must be there */
} WindowForm;

static const WindowForm FORMS[] = {
	{"tumble", PLAN_WINDOW_TUMBLE, {"size", "offset", NULL}, 1},
	{"hop", PLAN_WINDOW_HOP, {"slide", "size", "offset"}, 2},
	{"cumulate", PLAN_WINDOW_CUMULATE, {"step", "size", "offset"}, 2},
	{"session", PLAN_WINDOW_SESSION, {"gap", NULL, NULL}, 1},
};

static const WindowForm *find_form(const char *name)
{
	for (size_t i = 0; i < sizeof FORMS / sizeof *FORMS; i++)
		if (names_equal(FORMS[i].name, name)) return &FORMS[i];
	return NULL;
}

bool is_window_function(const char *name) { return find_form(name) != NULL; }

/* The event time of the stream that a view reads, where its query lets it pass */
static int passed_event_time(const Relation *view)
{
	int found = -1;
	for (int i = 0; i < view->view_watermark_count; i++) {
		if (view->view_watermarks[i].inclusive) continue;             /* of a window */
		if (found >= 0) return -1;
		found = view->view_watermarks[i].column;
	}
	return found;
}

ScopeColumn *event_time_column(ScopeTable *table)
{
	if (!table->relation) return NULL;
	const Relation *relation = table->relation;
	int column = relation->watermark_column;
	if (relation->kind == RELATION_MATERIALIZED) column = passed_event_time(relation);
	if (column >= 0 && column < table->column_count) return &table->columns[column];
	return scope_table_column(table, "rowtime");
}

/* ---- the node ---- */

static bool check_sizes(Binder *binder, const Plan *plan, Span span)
{
	Error *err = binder->err;
	if (plan->size_us <= 0) return error_set(err, ERR_INVALID_PARAMETER, span, "the size of a window must be more than nothing");
	if (plan->window == PLAN_WINDOW_SESSION) return true;
	if (plan->slide_us <= 0) return error_set(err, ERR_INVALID_PARAMETER, span, "the step of a window must be more than nothing");
	if (plan->window == PLAN_WINDOW_CUMULATE && plan->size_us % plan->slide_us)
		return error_set(err, ERR_INVALID_PARAMETER, span, "the size of CUMULATE must be a multiple of its step");
	if (plan->size_us / plan->slide_us > WINDOWS_OF_A_ROW_MAX)
		return error_set(err, ERR_TOO_COMPLEX, span, "a row would be in more than %d windows", WINDOWS_OF_A_ROW_MAX);
	return true;
}

static PlanColumn window_column(Binder *binder, const Plan *plan, const char *name)
{
	for (int i = 0; i < plan->column_count; i++)
		if (plan->columns[i].name && names_equal(plan->columns[i].name, name)) {
			name = arena_printf(binder->arena, "%s0", name);
			i = -1;
		}
	return (PlanColumn){plan_column_new(binder->context), name, TYPE(TIMESTAMP), false};
}

/* Appends the window's columns to those of the input. */
static Plan *window_node(Binder *binder, Plan *input, PlanWindowKind kind, Expr *time, Span span)
{
	static const char *const NAMES[3] = {"window_start", "window_end", "window_time"};
	Plan *plan = plan_new(binder->context, PLAN_WINDOW, 1);
	plan->inputs[0] = input;
	plan->span = span;
	plan->window = kind;
	plan->time = time;
	plan->columns = arena_array(binder->arena, PlanColumn, input->column_count + 3);
	memcpy(plan->columns, input->columns, sizeof *plan->columns * (size_t)input->column_count);
	plan->column_count = input->column_count;
	for (int i = 0; i < 3; i++) {
		PlanColumn column = window_column(binder, plan, NAMES[i]);
		plan->columns[plan->column_count++] = column;
	}
	plan->window_start = plan->columns[plan->column_count - 3].id;
	plan->window_end = plan->columns[plan->column_count - 2].id;
	plan->window_time = plan->columns[plan->column_count - 1].id;
	return plan;
}

static void set_duration(Plan *plan, const char *word, int64_t us)
{
	if (names_equal(word, "offset")) plan->offset_us = us;
	else if (names_equal(word, "slide") || names_equal(word, "step")) plan->slide_us = us;
	else plan->size_us = us;
	if (plan->window == PLAN_WINDOW_TUMBLE) plan->slide_us = plan->size_us;
}

static bool check_time(Binder *binder, const Expr *time, const char *form, Span span)
{
	if (time->type.kind == TYPE_TIMESTAMP) return true;
	error_set(binder->err, ERR_DATATYPE_MISMATCH, span, "the time of %s must be a TIMESTAMP, not %s", form, type_kind_name(time->type.kind));
	if (time->type.kind == TYPE_INTEGER || time->type.kind == TYPE_TEXT) error_hint(binder->err, "Declare the column as TIMESTAMP: text and numbers are read as times.");
	return false;
}

/* The columns of a window as a relation of their own without name, out of sight of `*`. */
static void add_hidden_columns(Select *select, const Plan *plan)
{
	Binder *binder = select->binder;
	ScopeTable *table = scope_table_new(binder, (AstIdent){0}, NULL, 3);
	for (int i = 0; i < 3; i++) {
		const PlanColumn *column = &plan->columns[plan->column_count - 3 + i];
		table->columns[i] = scope_column_of(binder, column->name, column->id, column->type, false);
		table->columns[i].hidden = true;
	}
	vec_push_in(binder->arena, &select->scope.tables, table);
}

static void add_window_key(Select *select, ColumnId id)
{
	Expr *e = expr_column(select->binder->arena, id, TYPE(TIMESTAMP), false, select->ast->span);
	for (int i = 0; i < select->keys.count; i++)
		if (expr_equal(select->keys.at[i].expr, e)) return;
	vec_push_in(select->binder->arena, &select->keys, (SelectKey){.expr = e});
}

/* ---- as a relation ---- */

typedef struct WindowArguments {
	const AstExpr *data, *time;
	const AstExpr *others[4];     /* by position; the last may be a time zone */
	Span names[4];                /* where a name stands */
	const char *words[4];
	int count;
} WindowArguments;

static bool sort_arguments(Binder *binder, const WindowForm *form, const AstExpr *ast, WindowArguments *out)
{
	const AstArguments *given = &ast->call->arguments;
	*out = (WindowArguments){0};
	for (int i = 0; i < given->count; i++) {
		const AstArgument *argument = &given->at[i];
		const char *name = argument->name.text;
		bool is_data = name ? names_equal(name, "data") : i == 0, is_time = name ? names_equal(name, "timecol") : i == 1;
		if (is_data) out->data = argument->value;
		else if (is_time) out->time = argument->value;
		else if (out->count == 4) return error_set(binder->err, ERR_UNDEFINED_FUNCTION, argument->value->span, "too many arguments of %s", form->name);
		else {
			int at = out->count++;
			out->others[at] = argument->value;
			out->words[at] = name;
			out->names[at] = argument->name.span;
			if (!name && at < 3) out->words[at] = form->words[at];
		}
	}
	if (out->data && out->time) return true;
	error_set(binder->err, ERR_UNDEFINED_FUNCTION, ast->op_span, "%s takes a relation, its time column and %d INTERVAL%s", form->name, form->durations,
		form->durations > 1 ? "s" : "");
	return error_hint(binder->err, "Write %s(t, ts, %sINTERVAL '1 minute').", form->name, form->durations > 1 ? "INTERVAL '10 seconds', " : "");
}

static bool is_zone(const AstExpr *ast)
{
	return ast->kind == AST_LITERAL && ast->literal == AST_STRING && (strchr(ast->text, '/') || names_equal(ast->text, "utc") || names_equal(ast->text, "gmt"));
}

/* A gap is as long in any zone, and bounds are UTC: a session is the same. */
static bool bind_zone(Binder *binder, const AstExpr *ast, Plan *plan)
{
	const char *name;
	if (!constant_text(binder, ast, "a time zone", &name)) return false;
	Zone *zone = zone_load(name, strlen(name));
	if (!zone) {
		error_set(binder->err, ERR_INVALID_PARAMETER, ast->span, "\"%s\" is not a time zone", name);
		return error_hint(binder->err, "Names are those of the tz database, such as Europe/Berlin.");
	}
	zone_free(zone);
	if (plan->window != PLAN_WINDOW_SESSION) plan->zone = name;
	return true;
}

static bool bind_durations(Binder *binder, const WindowForm *form, const WindowArguments *arguments, const AstExpr *ast, Plan *plan)
{
	int durations = 0;
	for (int i = 0; i < arguments->count; i++) {
		const AstExpr *value = arguments->others[i];
		if (i == arguments->count - 1 && i >= form->durations && is_zone(value)) {
			if (!bind_zone(binder, value, plan)) return false;
			continue;
		}
		const char *word = NULL;
		for (int j = 0; j < 3 && arguments->words[i]; j++)
			if (form->words[j] && names_equal(form->words[j], arguments->words[i])) word = form->words[j];
		if (!word) {
			Span span = arguments->names[i].end ? arguments->names[i] : value->span;
			return error_set(binder->err, ERR_UNDEFINED_FUNCTION, span, "%s has no such argument", form->name);
		}
		int64_t us;
		if (!constant_duration(binder, value, arena_printf(binder->arena, "the %s of %s", word, form->name), &us)) return false;
		if (!names_equal(word, "offset")) durations++;
		set_duration(plan, word, us);
	}
	if (durations == form->durations) return true;
	return error_set(binder->err, ERR_UNDEFINED_FUNCTION, ast->op_span, "%s takes %d INTERVAL%s after the time column", form->name, form->durations,
		form->durations > 1 ? "s" : "");
}

/* What stands for the relation: t, TABLE t, (SELECT ...), t PARTITION BY k */
static bool bind_data(Binder *binder, AstTable *around, const AstExpr *data, Scope *lateral, Scope *outer, From *out)
{
	AstTable *table = arena_new(binder->arena, AstTable);
	table->span = data->span;
	table->hints = around->hints;
	if (data->kind == AST_COLUMN) {
		memcpy(&table->name.parts, &data->path, sizeof table->name.parts);        /* the same list: a renaming changes what the statement has */
		table->name.span = data->span;
	} else if (data->relation.parts.count) {
		table->name = data->relation;
	} else if (data->query) {
		table->kind = AST_TABLE_QUERY;
		table->query = data->query;
	} else return error_set(binder->err, ERR_SYNTAX, data->span, "the first argument of a window function must be a relation");
	if (!bind_from(binder, table, lateral, outer, out)) return false;
	if (binder->renaming && table->alias.text && !around->alias.text) around->alias = table->alias;
	return true;
}

static const AstExpr *described_column(const AstExpr *ast)
{
	if (ast->kind != AST_CALL || !names_equal(call_name(ast->call), "descriptor") || ast->call->arguments.count != 1) return ast;
	return ast->call->arguments.at[0].value;
}

static bool bind_session_partition(Clause *clause, const AstExpr *data, PlanWindowKind kind, Plan *plan)
{
	if (data->order_by.count) return REFUSE(clause->binder, data->span, "ORDER BY in a window function");
	if (kind != PLAN_WINDOW_SESSION) return !data->partition_by.count || REFUSE(clause->binder, data->span, "PARTITION BY in a window function other than SESSION");
	plan->partition_count = data->partition_by.count;
	plan->partition = arena_array(clause->binder->arena, Expr *, plan->partition_count ? plan->partition_count : 1);
	for (int i = 0; i < plan->partition_count; i++) {
		if (!(plan->partition[i] = bind_expr(clause, data->partition_by.at[i]))) return false;
		plan->partition[i] = equal_form(clause->binder, plan->partition[i]);
	}
	return true;
}

static ScopeTable *windowed_table(Binder *binder, const Plan *plan, const ScopeTable *data, AstIdent alias, AstTable *ast)
{
	ScopeTable *table = scope_table_new(binder, alias.text ? alias : data->alias, ast, data->column_count + 3);
	memcpy(table->columns, data->columns, sizeof *table->columns * (size_t)data->column_count);
	for (int i = 0; i < 3; i++) {
		const PlanColumn *column = &plan->columns[plan->column_count - 3 + i];
		table->columns[data->column_count + i] = scope_column_of(binder, column->name, column->id, column->type, false);
	}
	return table;
}

bool bind_window_function(Binder *binder, AstTable *ast, Scope *lateral, Scope *outer, From *out)
{
	const WindowForm *form = find_form(call_name(ast->call->call));
	WindowArguments arguments;
	From data = {0};
	if (!sort_arguments(binder, form, ast->call, &arguments) || !bind_data(binder, ast, arguments.data, lateral, outer, &data)) return false;
	Scope scope = {.outer = outer};
	for (int i = 0; i < data.tables.count; i++) vec_push_in(binder->arena, &scope.tables, data.tables.at[i]);
	Clause clause = {.binder = binder, .scope = &scope, .name = "a window function"};
	const AstExpr *time_ast = described_column(arguments.time);
	Expr *time = bind_expr(&clause, time_ast);
	if (!time || !check_time(binder, time, form->name, time_ast->span)) return false;
	Plan *plan = window_node(binder, data.plan, form->kind, time, ast->span);
	if (!bind_durations(binder, form, &arguments, ast->call, plan) || !check_sizes(binder, plan, ast->call->op_span)) return false;
	if (!bind_session_partition(&clause, arguments.data, form->kind, plan)) return false;
	*out = (From){.plan = plan};
	ScopeTable *table = windowed_table(binder, plan, data.tables.at[0], ast->alias, ast);
	vec_push_in(binder->arena, &out->tables, table);
	return rename_columns(binder, table, &ast->columns, ast->span);
}

/* ---- ksqlDB's WINDOW clause ---- */

static bool ksql_durations(Select *select, const AstKsqlWindow *ast, Plan *plan)
{
	Binder *binder = select->binder;
	if (!constant_duration(binder, ast->size, "SIZE", &plan->size_us)) return false;
	plan->slide_us = plan->size_us;
	if (ast->kind == AST_KSQL_HOPPING) {
		if (!ast->advance) return error_set(binder->err, ERR_SYNTAX, ast->span, "WINDOW HOPPING needs ADVANCE BY");
		if (!constant_duration(binder, ast->advance, "ADVANCE BY", &plan->slide_us)) return false;
	}
	if (ast->grace && !constant_duration(binder, ast->grace, "GRACE PERIOD", &plan->grace_us)) return false;
	if (!ast->grace) notice(binder, "a window without GRACE PERIOD closes at its end: rows that come later are late (in ksqlDB it stays open for 24 hours)");
	if (ast->retention) notice(binder, "RETENTION of the window is passed over: the option retention says how long rows of a view stay");
	return check_sizes(binder, plan, ast->span);
}

static ScopeColumn *ksql_time(Select *select, const AstKsqlWindow *ast)
{
	Binder *binder = select->binder;
	if (select->scope.tables.count != 1) {
		REFUSE(binder, ast->span, "a WINDOW clause over a join");
		error_hint(binder->err, "Join in a subquery, and take TUMBLE, HOP or SESSION of it.");
		return NULL;
	}
	ScopeTable *table = select->scope.tables.at[0];
	ScopeColumn *time = event_time_column(table);
	if (time && time->expr->type.kind == TYPE_TIMESTAMP) return time;
	error_set(binder->err, ERR_INVALID_DEFINITION, ast->span, "\"%s\" has no event time", table->alias.text ? table->alias.text : "the relation");
	bool is_view = table->relation && table->relation->kind == RELATION_MATERIALIZED;
	error_hint(binder->err, is_view ? "SELECT the event time (ROWTIME) in the view, too." : "Name its column in the option timestamp, or with WATERMARK FOR.");
	return NULL;
}

static void partition_by_keys(Select *select, Plan *plan)
{
	plan->partition = arena_array(select->binder->arena, Expr *, select->keys.count + 1);
	for (int i = 0; i < select->keys.count; i++) plan->partition[plan->partition_count++] = equal_form(select->binder, select->keys.at[i].expr);
}

bool bind_ksql_window(Select *select)
{
	static const PlanWindowKind KINDS[] = {
		[AST_KSQL_TUMBLING] = PLAN_WINDOW_TUMBLE, [AST_KSQL_HOPPING] = PLAN_WINDOW_HOP, [AST_KSQL_SESSION] = PLAN_WINDOW_SESSION,
	};
	Binder *binder = select->binder;
	const AstKsqlWindow *ast = select->ast->ksql_window;
	if (!ast) return true;
	if (!select->has_group_by) return error_set(binder->err, ERR_GROUPING, ast->span, "a WINDOW clause needs GROUP BY");
	ScopeColumn *time = ksql_time(select, ast);
	if (!time) return false;
	Plan *plan = window_node(binder, select->plan, KINDS[ast->kind], time->expr, ast->span);
	if (!ksql_durations(select, ast, plan)) return false;
	if (plan->window == PLAN_WINDOW_SESSION) partition_by_keys(select, plan);
	select->plan = select->window.plan = plan;
	add_window_key(select, plan->window_start);
	add_window_key(select, plan->window_end);
	add_hidden_columns(select, plan);
	return true;
}

/* ---- Flink's GROUP BY TUMBLE(ts, size) ---- */

bool bind_group_window(Select *select, const AstExpr *call)
{
	Binder *binder = select->binder;
	const WindowForm *form = find_form(call_name(call->call));
	const AstArguments *arguments = &call->call->arguments;
	if (form->kind == PLAN_WINDOW_CUMULATE || arguments->count < 1 + form->durations || arguments->count > 1 + form->durations)
		return error_set(binder->err, ERR_UNDEFINED_FUNCTION, call->op_span, "GROUP BY %s takes a time column and %d INTERVAL%s", form->name, form->durations,
			form->durations > 1 ? "s" : "");
	Clause clause = {.binder = binder, .scope = &select->scope, .name = "GROUP BY"};
	Expr *time = bind_expr(&clause, arguments->at[0].value);
	if (!time || !check_time(binder, time, form->name, arguments->at[0].value->span)) return false;
	Plan *plan = window_node(binder, select->plan, form->kind, time, call->span);
	for (int i = 0; i < form->durations; i++) {
		int64_t us;
		if (!constant_duration(binder, arguments->at[i + 1].value, form->words[i], &us)) return false;
		set_duration(plan, form->words[i], us);
	}
	if (!check_sizes(binder, plan, call->op_span)) return false;
	select->plan = plan;
	select->window = (GroupWindow){plan, call};
	add_window_key(select, plan->window_start);
	add_window_key(select, plan->window_end);
	return true;
}

void finish_group_window(Select *select)
{
	Plan *plan = select->window.plan;
	if (!plan || !select->window.call || plan->window != PLAN_WINDOW_SESSION) return;
	plan->partition = arena_array(select->binder->arena, Expr *, select->keys.count + 1);
	for (int i = 0; i < select->keys.count; i++) {
		Expr *e = select->keys.at[i].expr;
		if (e->kind == EXPR_COLUMN && (e->column == plan->window_start || e->column == plan->window_end)) continue;
		plan->partition[plan->partition_count++] = equal_form(select->binder, e);
	}
}

static bool same_arguments(const AstCall *a, const AstCall *b)
{
	if (a->arguments.count != b->arguments.count) return false;
	bool same = true;
	for (int i = 0; i < a->arguments.count && same; i++) {
		StrBuf x = STRBUF_INIT, y = STRBUF_INIT;
		ast_print_expr(a->arguments.at[i].value, &x);
		ast_print_expr(b->arguments.at[i].value, &y);
		same = names_equal(x.text, y.text);
		strbuf_release(&x);
		strbuf_release(&y);
	}
	return same;
}

/* TUMBLE_START(ts, size), HOP_END(...), SESSION_ROWTIME(...) */
Expr *bind_group_window_call(Clause *clause, const AstExpr *ast, bool *is_one)
{
	static const struct { const char *suffix; int column; } PARTS[] = {{"_start", 3}, {"_end", 2}, {"_rowtime", 1}};
	Select *select = clause->select;
	const char *name = call_name(ast->call);
	*is_one = false;
	if (!select || !select->window.call) return NULL;
	const Plan *plan = select->window.plan;
	const char *form = call_name(select->window.call->call);
	for (size_t i = 0; i < sizeof PARTS / sizeof *PARTS; i++) {
		if (strncasecmp(name, form, strlen(form)) != 0 || !names_equal(name + strlen(form), PARTS[i].suffix)) continue;
		*is_one = true;
		if (!same_arguments(ast->call, select->window.call->call)) {
			error_set(clause->binder->err, ERR_GROUPING, ast->op_span, "%s() has other arguments than %s() in GROUP BY", name, form);
			return NULL;
		}
		const PlanColumn *column = &plan->columns[plan->column_count - PARTS[i].column];
		add_window_key(select, column->id);
		return expr_column(clause->binder->arena, column->id, column->type, false, ast->span);
	}
	return NULL;
}
