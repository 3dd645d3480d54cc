/* UPDATE, DELETE, TRUNCATE, and what INSERT shares with them. A change is a query over a scan of its target: the old row, for UPDATE the
 * new one, and what RETURNING wants, side by side. */
#include "bind/binder.h"

#include "base/nearest.h"

/* ---- targets ---- */

static Relation *refuse_target(Binder *binder, const Relation *relation, Span span, const char *hint)
{
	error_set(binder->err, ERR_WRONG_OBJECT_TYPE, span, "%s \"%s\" cannot be changed by this statement", relation_kind_name(relation->kind), relation->name);
	error_hint(binder->err, "%s", hint);
	return NULL;
}

Relation *find_target(Binder *binder, const AstName *name, bool updates)
{
	Relation *relation = find_relation(binder, name, false);
	if (!relation) return find_relation_error(binder, name);
	if (relation->kind == RELATION_MATERIALIZED) return refuse_target(binder, relation, name->span, "Its rows come from its query; change what that reads.");
	if (relation->kind == RELATION_VIEW) return refuse_target(binder, relation, name->span, "It has no rows of its own; change what it reads.");
	if (relation->kind == RELATION_SINK) {
		if (!updates && !relation->query_sql) return relation;
		return refuse_target(binder, relation, name->span, "A sink takes INSERT INTO ... SELECT.");
	}
	if (!relation_is_local(relation)) return refuse_target(binder, relation, name->span, "Its rows come from its connector; CREATE SINK writes to one.");
	if (updates && relation->append_only) return refuse_target(binder, relation, name->span, "It takes INSERT only; a TABLE also takes UPDATE and DELETE.");
	return relation;
}

/* ---- rows of a relation ---- */

/* The value of an input: a column of the row, or a field inside of a ROW, which is JSON here. */
static Expr *input_value(Binder *binder, const Relation *relation, const RelationInput *input, Expr **columns, Span span)
{
	Expr *e = columns[input->path.column];
	Type type = relation->columns[input->path.column].type;
	for (int i = 0; i < input->path.field_count && e; i++) {
		Type field = TYPE(NULL);
		for (int j = 0; j < type.field_count; j++)
			if (strcmp(type.fields[j].name, input->path.fields[i]) == 0) field = type.fields[j].type;
		e = json_field(binder, e, input->path.fields[i], field, span);
		type = field;
	}
	return e;
}

Expr *over_columns(Binder *binder, const Relation *relation, Expr *e, Expr **columns, Span span)
{
	ColumnMap map = {.arena = binder->arena};
	for (int i = 0; i < relation->input_count; i++) {
		Expr *value = input_value(binder, relation, &relation->inputs[i], columns, span);
		if (!value) return NULL;
		column_map_add(&map, i + 1, value);
	}
	return column_map_apply(&map, e);
}

bool fill_computed(Binder *binder, const Relation *relation, Expr **row, Span span)
{
	for (int i = 0; i < relation->column_count; i++) {
		const RelationColumn *column = &relation->columns[i];
		if (column->kind == COLUMN_COMPUTED && !(row[i] = over_columns(binder, relation, column->computed, row, span))) return false;
	}
	return true;
}

int assignable_column(Binder *binder, const Relation *relation, const AstIdent *name)
{
	int column = relation_column_find(relation, name->text);
	if (column < 0 || relation->columns[column].hidden) {
		Nearest nearest;
		nearest_init(&nearest, name->text);
		for (int i = 0; i < relation->column_count; i++) nearest_offer(&nearest, relation->columns[i].name);
		error_set(binder->err, ERR_UNDEFINED_COLUMN, name->span, "%s \"%s\" has no column \"%s\"", relation_kind_name(relation->kind), relation->name, name->text);
		if (nearest.best) error_hint(binder->err, "Did you mean \"%s\"?", nearest.best);
		return -1;
	}
	if (relation->columns[column].kind == COLUMN_PHYSICAL) return column;
	error_set(binder->err, ERR_WRONG_OBJECT_TYPE, name->span, "column \"%s\" is computed and cannot be set", relation->columns[column].name);
	return -1;
}

bool name_column(Binder *binder, const Relation *target, int column, Span span)
{
	if (binder->err->span.end == 0) binder->err->span = span;
	if (binder->err->detail[0]) return false;
	return error_detail(binder->err, "column \"%s\" of %s \"%s\"", target->columns[column].name, relation_kind_name(target->kind), target->name);
}

/* The column of the query; where it is the same constant in all rows, that: it has no type of its own yet. */
static Expr *given_value(Binder *binder, const Plan *given, int column)
{
	const Plan *rows = given;
	while (rows->kind == PLAN_SORT || rows->kind == PLAN_TOPN) rows = rows->inputs[0];
	for (int i = 0; rows->kind == PLAN_PROJECT && i < rows->item_count; i++)
		if (rows->items[i].id == given->columns[column].id && rows->items[i].expr->kind == EXPR_CONSTANT) return rows->items[i].expr;
	return plan_column_expr(binder->context, given, column);
}

/* Into a sink numbers of all kinds go, as its format writes them. */
Plan *fit_to_columns(Binder *binder, Plan *given, const Relation *target, const int *columns, Span span)
{
	Plan *plan = plan_new(binder->context, PLAN_PROJECT, 1);
	plan->inputs[0] = given;
	plan->span = span;
	plan->item_count = plan->column_count = given->column_count;
	plan->items = arena_array(binder->arena, PlanItem, given->column_count + 1);
	plan->columns = arena_array(binder->arena, PlanColumn, given->column_count + 1);
	for (int i = 0; i < given->column_count; i++) {
		int column = columns ? columns[i] : i;
		Type type = plain_type(target->columns[column].type);
		Expr *from = given_value(binder, given, i);
		bool freely = target->kind == RELATION_SINK && type_is_numeric(from->type) && type_is_numeric(type);
		Expr *e = expr_cast(binder->arena, from, type, freely ? CAST_EXPLICIT : CAST_ASSIGN, binder->err);
		if (!e || !(e = nested_as(binder, e, target->columns[column].type))) {
			name_column(binder, target, column, span);
			return NULL;
		}
		ColumnId id = e->kind == EXPR_COLUMN ? e->column : plan_column_new(binder->context);
		plan->items[i] = (PlanItem){id, e};
		plan->columns[i] = (PlanColumn){id, target->columns[column].name, e->type, e->nullable};
	}
	return plan;
}

Expr *default_of(Binder *binder, const Relation *relation, int column)
{
	Expr *value = relation->columns[column].default_value;
	return value ? value : expr_null(binder->arena, plain_type(relation->columns[column].type));
}

ScopeTable *row_table(Binder *binder, const Relation *relation, AstIdent alias, Expr **row)
{
	ScopeTable *table = scope_table_new(binder, alias.text ? alias : (AstIdent){relation->name, SPAN_NONE, true}, NULL, relation->column_count);
	for (int i = 0; i < relation->column_count; i++) {
		const RelationColumn *column = &relation->columns[i];
		table->columns[i] = (ScopeColumn){.name = column->name, .expr = row[i], .declared = type_is_nested(column->type) ? column->type : row[i]->type, .hidden = column->hidden};
	}
	return table;
}

/* ---- SET ---- */

static bool set_one(Clause *clause, const Relation *target, const AstIdent *name, const AstExpr *value, Expr **row)
{
	Binder *binder = clause->binder;
	int column = assignable_column(binder, target, name);
	if (column < 0) return false;
	bool is_default = !value || (value->kind == AST_CALL && names_equal(call_name(value->call), "default") && !value->call->arguments.count);
	row[column] = is_default ? default_of(binder, target, column) : bind_assigned(clause, value, target->columns[column].type);
	return row[column] || name_column(binder, target, column, name->span);
}

/* (a, b) = (SELECT x, y ...): one scalar subquery a column */
static bool set_from_query(Clause *clause, const Relation *target, const AstAssignment *assignment, Expr **row)
{
	Binder *binder = clause->binder;
	for (int i = 0; i < assignment->columns.count; i++) {
		int column = assignable_column(binder, target, &assignment->columns.at[i]);
		Rows rows;
		if (column < 0 || !bind_query(binder, assignment->value->query, clause->scope, &rows)) return false;
		if (rows.column_count != assignment->columns.count)
			return error_set(binder->err, ERR_CARDINALITY, assignment->value->span, "%d columns are set but the subquery has %d", assignment->columns.count, rows.column_count);
		Rows one = rows;
		one.columns = &rows.columns[i];
		one.column_count = 1;
		Expr *e = arena_new(binder->arena, Expr);
		*e = (Expr){.kind = EXPR_SUBQUERY, .subquery = SUBQUERY_SCALAR, .plan = exact_columns(binder, &one), .nullable = true, .span = assignment->value->span};
		e->type = e->plan->columns[0].type;
		Type type = target->columns[column].type;
		if (!(e = expr_cast(binder->arena, e, plain_type(type), CAST_ASSIGN, binder->err)) || !(row[column] = nested_as(binder, e, type))) return false;
	}
	return true;
}

static bool set_several(Clause *clause, const Relation *target, const AstAssignment *assignment, Expr **row)
{
	const AstExpr *value = assignment->value;
	if (value && value->kind == AST_SUBQUERY) return set_from_query(clause, target, assignment, row);
	int count = value && value->kind == AST_ROW ? value->args.count : value ? 1 : assignment->columns.count;
	if (count != assignment->columns.count)
		return error_set(clause->binder->err, ERR_SYNTAX, value->span, "%d columns are set but %d %s given", assignment->columns.count, count, count == 1 ? "value was" : "values were");
	for (int i = 0; i < count; i++)
		if (!set_one(clause, target, &assignment->columns.at[i], value ? value->args.at[i] : NULL, row)) return false;
	return true;
}

bool bind_assignments(Clause *clause, const Relation *target, const AstAssignments *ast, Expr **row)
{
	for (int i = 0; i < ast->count; i++) {
		const AstAssignment *assignment = &ast->at[i];
		for (int j = 0; j < i; j++)
			if (assignment->columns.count == 1 && ast->at[j].columns.count == 1 && names_equal(ast->at[j].columns.at[0].text, assignment->columns.at[0].text))
				notice(clause->binder, "column \"%s\" is set more than once: the last value counts, as in SQLite", assignment->columns.at[0].text);
		bool done = assignment->columns.count == 1 ? set_one(clause, target, &assignment->columns.at[0], assignment->value, row)
			: set_several(clause, target, assignment, row);
		if (!done) return false;
	}
	return true;
}

/* ---- the query of a change ---- */

typedef struct Changing {
	Binder *binder;
	Relation *target;
	Scope scope;                  /* the target, then what FROM or USING adds */
	Plan *plan;
	Expr **old;
	Expr **identity; int identity_count;      /* where a row may meet several */
} Changing;

static bool scan_target(Changing *changing, const AstName *name, AstIdent alias)
{
	Binder *binder = changing->binder;
	AstTable *table = arena_new(binder->arena, AstTable);
	table->span = name->span;
	From from = {0};
	if (!scan_relation(binder, changing->target, table, alias, &from)) return false;
	changing->plan = from.plan;
	vec_push_in(binder->arena, &changing->scope.tables, from.tables.at[0]);
	changing->old = arena_array(binder->arena, Expr *, changing->target->column_count + 1);
	for (int i = 0; i < changing->target->column_count; i++) changing->old[i] = from.tables.at[0]->columns[i].expr;
	return true;
}

static bool join_others(Changing *changing, AstTable *others, JoinKind kind, Plan **join)
{
	Binder *binder = changing->binder;
	From from = {0};
	if (!bind_from(binder, others, NULL, NULL, &from)) return false;
	const char *target = changing->scope.tables.at[0]->alias.text;
	for (int i = 0; i < from.tables.count; i++)
		if (from.tables.at[i]->alias.text && names_equal(from.tables.at[i]->alias.text, target))
			return error_set(binder->err, ERR_DUPLICATE_ALIAS, others->span, "\"%s\" stands for two relations", target)
				|| error_hint(binder->err, "Give one of them another name with AS.");
	for (int i = 0; i < from.tables.count; i++) vec_push_in(binder->arena, &changing->scope.tables, from.tables.at[i]);
	for (int i = 0; i < from.merged.count; i++) vec_push_in(binder->arena, &changing->scope.merged, from.merged.at[i]);
	*join = plan_new(binder->context, PLAN_JOIN, 2);
	(*join)->inputs[0] = changing->plan;
	(*join)->inputs[1] = from.plan;
	(*join)->span = others->span;
	(*join)->join = kind;
	plan_join_columns(binder->context, *join);
	changing->plan = *join;
	return true;
}

/* Copies of a row cannot be told apart: each gets a number, which stands for its key. */
static Expr *number_rows(Changing *changing)
{
	PlanContext *context = changing->binder->context;
	Plan *over = plan_new(context, PLAN_OVER, 1);
	over->inputs[0] = changing->plan;
	over->span = changing->plan->span;
	over->over_call_count = 1;
	over->over_calls = arena_new(changing->binder->arena, PlanOverCall);
	over->over_calls[0] = (PlanOverCall){.id = plan_column_new(context), .call.kind = OVER_ROW_NUMBER};
	over->column_count = changing->plan->column_count + 1;
	over->columns = arena_array(changing->binder->arena, PlanColumn, over->column_count);
	memcpy(over->columns, changing->plan->columns, sizeof *over->columns * (size_t)changing->plan->column_count);
	over->columns[over->column_count - 1] = (PlanColumn){.id = over->over_calls[0].id, .type = TYPE(INTEGER)};
	changing->plan = over;
	return plan_column_expr(context, over, over->column_count - 1);
}

/* What tells a row of the target from all others */
static void identify(Changing *changing)
{
	const Relation *target = changing->target;
	changing->identity = arena_array(changing->binder->arena, Expr *, target->primary_key_count + 1);
	for (int k = 0; k < target->primary_key_count; k++) changing->identity[changing->identity_count++] = changing->old[target->primary_key[k]];
	if (!changing->identity_count) changing->identity[changing->identity_count++] = number_rows(changing);
}

/* A row that meets several is changed once, by the first of them in the order of their values. */
static void meet_once(Changing *changing, const Plan *join)
{
	PlanContext *context = changing->binder->context;
	const Plan *others = join->inputs[1];
	Plan *first = plan_new(context, PLAN_TOPN, 1);
	first->inputs[0] = changing->plan;
	first->span = join->span;
	first->partition = changing->identity;
	first->partition_count = changing->identity_count;
	first->order_count = others->column_count;
	first->order = arena_array(changing->binder->arena, OpSortKey, others->column_count + 1);
	for (int i = 0; i < others->column_count; i++) first->order[i] = (OpSortKey){.expr = plan_column_expr(context, others, i)};
	first->limit = 1;
	plan_pass_columns(context, first);
	changing->plan = first;
}

static bool where_of(Changing *changing, const AstExpr *ast, Expr **out)
{
	*out = NULL;
	if (!ast) return true;
	Clause clause = {.binder = changing->binder, .scope = &changing->scope, .name = "WHERE"};
	return (*out = bind_condition(&clause, ast)) != NULL;
}

static void add_item(Changing *changing, Plan *project, const char *name, Expr *e, bool keeps_id)
{
	ColumnId id = keeps_id ? e->column : plan_column_new(changing->binder->context);
	project->items[project->item_count++] = (PlanItem){id, e};
	project->columns[project->column_count++] = (PlanColumn){id, name, e->type, e->nullable};
}

/* old row, new row (UPDATE), RETURNING */
static bool give_out(Changing *changing, Expr **new, const AstItems *returning, BoundChange *out)
{
	Binder *binder = changing->binder;
	const Relation *target = changing->target;
	Expr **exprs = NULL;
	if (returning->count) {
		ScopeTable **tables = arena_array(binder->arena, ScopeTable *, changing->scope.tables.count);
		for (int i = 0; i < changing->scope.tables.count; i++) tables[i] = changing->scope.tables.at[i];
		if (new) tables[0] = row_table(binder, target, changing->scope.tables.at[0]->alias, new);
		int count = changing->plan->kind == PLAN_JOIN && changing->plan->join == JOIN_SEMI ? 1 : changing->scope.tables.count;
		if (!bind_returning(binder, returning, tables, count, changing->plan, &exprs, &out->returning_columns, &out->returning_count)) return false;
	}
	int width = target->column_count * (new ? 2 : 1) + out->returning_count;
	Plan *project = plan_new(binder->context, PLAN_PROJECT, 1);
	project->inputs[0] = changing->plan;
	project->span = changing->plan->span;
	project->items = arena_array(binder->arena, PlanItem, width + 1);
	project->columns = arena_array(binder->arena, PlanColumn, width + 1);
	for (int i = 0; i < target->column_count; i++) add_item(changing, project, target->columns[i].name, changing->old[i], true);
	for (int i = 0; new && i < target->column_count; i++) add_item(changing, project, target->columns[i].name, new[i], false);
	for (int i = 0; i < out->returning_count; i++) add_item(changing, project, out->returning_columns[i].name, exprs[i], false);
	out->plan = project;
	out->target = changing->target;
	out->reads = arena_array(binder->arena, Relation *, binder->reads.count + 1);
	for (int i = 0; i < binder->reads.count; i++)
		if (binder->reads.at[i] != changing->target) out->reads[out->read_count++] = binder->reads.at[i];
	return true;
}

static bool update_rows(Changing *changing, const AstUpdate *ast, BoundChange *out)
{
	Binder *binder = changing->binder;
	Plan *join;
	Expr *where;
	if (!scan_target(changing, &ast->target, ast->alias)) return false;
	if (ast->from) identify(changing);
	if (ast->from && !join_others(changing, ast->from, JOIN_INNER, &join)) return false;
	if (!where_of(changing, ast->where, &where)) return false;
	changing->plan = plan_filter(binder->context, changing->plan, where);
	if (ast->from) meet_once(changing, join);
	Expr **new = arena_copy(binder->arena, changing->old, sizeof *changing->old * (size_t)(changing->target->column_count + 1));
	Clause clause = {.binder = binder, .scope = &changing->scope, .name = "SET"};
	if (!bind_assignments(&clause, changing->target, &ast->assignments, new)) return false;
	if (!fill_computed(binder, changing->target, new, ast->target.span)) return false;
	return give_out(changing, new, &ast->returning, out);
}

bool bind_update(Binder *binder, AstStatement *statement)
{
	const AstUpdate *ast = statement->update;
	BoundChange *out = &binder->out->change;
	binder->out->kind = BOUND_UPDATE;
	*out = (BoundChange){0};
	if (ast->or_action > AST_OR_ABORT) return REFUSE(binder, ast->target.span, "UPDATE%s", ast_or_action(ast->or_action));
	Changing changing = {.binder = binder, .target = find_target(binder, &ast->target, true)};
	if (!changing.target) return false;
	Cte *before = binder->ctes;
	if (ast->with && !bind_with(binder, ast->with, NULL)) return false;
	bool done = update_rows(&changing, ast, out);
	close_with(binder, before);
	return done;
}

/* With USING a row goes once, however many others it meets. */
static bool delete_rows(Changing *changing, const AstDelete *ast, BoundChange *out)
{
	Plan *join = NULL;
	Expr *where;
	if (!scan_target(changing, &ast->target, ast->alias)) return false;
	if (ast->using_tables && !join_others(changing, ast->using_tables, JOIN_SEMI, &join)) return false;
	if (!where_of(changing, ast->where, &where)) return false;
	if (join) join->condition = where;
	else changing->plan = plan_filter(changing->binder->context, changing->plan, where);
	return give_out(changing, NULL, &ast->returning, out);
}

bool bind_delete(Binder *binder, AstStatement *statement)
{
	const AstDelete *ast = statement->delete_from;
	BoundChange *out = &binder->out->change;
	binder->out->kind = BOUND_DELETE;
	*out = (BoundChange){0};
	Changing changing = {.binder = binder, .target = find_target(binder, &ast->target, true)};
	if (!changing.target) return false;
	Cte *before = binder->ctes;
	if (ast->with && !bind_with(binder, ast->with, NULL)) return false;
	bool done = delete_rows(&changing, ast, out);
	close_with(binder, before);
	return done;
}

bool bind_truncate(Binder *binder, AstStatement *statement)
{
	const AstNames *names = &statement->drop->names;
	binder->out->kind = BOUND_TRUNCATE;
	binder->out->relations.at = arena_array(binder->arena, Relation *, names->count + 1);
	binder->out->relations.count = 0;
	for (int i = 0; i < names->count; i++) {
		Relation *relation = find_target(binder, &names->at[i], true);
		if (!relation) return false;
		binder->out->relations.at[binder->out->relations.count++] = relation;
	}
	return true;
}
