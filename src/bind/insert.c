/* INSERT into local relations. The source gives whole rows: first the columns that were said, cast; then all columns of the target, with
 * defaults and computed values. Rows of constants are folded one by one in memory that is used again, so that a long list of VALUES costs
 * its values and no more. */
#include "bind/binder.h"

#include "ast/parse.h"
#include "ast/print.h"

typedef struct Inserting {
	Binder *binder;
	AstInsert *ast;
	Relation *target;
	int *columns; int column_count;       /* of the target, in the order in which values are given */
} Inserting;

/* ---- which columns ---- */

static bool find_columns(Inserting *inserting)
{
	Binder *binder = inserting->binder;
	const Relation *target = inserting->target;
	const AstIdents *names = &inserting->ast->columns;
	inserting->columns = arena_array(binder->arena, int, target->column_count + names->count + 1);
	for (int i = 0; i < names->count; i++) {
		int column = assignable_column(binder, target, &names->at[i]);
		if (column < 0) return false;
		for (int j = 0; j < i; j++)
			if (inserting->columns[j] == column) return error_set(binder->err, ERR_DUPLICATE_COLUMN, names->at[i].span, "column \"%s\" stands twice", names->at[i].text);
		inserting->columns[inserting->column_count++] = column;
	}
	if (names->count) return true;
	for (int i = 0; i < target->column_count; i++)
		if (target->columns[i].kind == COLUMN_PHYSICAL) inserting->columns[inserting->column_count++] = i;
	return true;
}

static bool wrong_count(Inserting *inserting, int given, Span span)
{
	const Relation *target = inserting->target;
	int columns = inserting->column_count;
	const char *were = given == 1 ? "value was" : "values were";
	if (inserting->ast->columns.count)
		return error_set(inserting->binder->err, ERR_SYNTAX, span, "%d column%s of %s \"%s\" %s named but %d %s given", columns, columns == 1 ? "" : "s",
			relation_kind_name(target->kind), target->name, columns == 1 ? "is" : "are", given, were);
	return error_set(inserting->binder->err, ERR_SYNTAX, span, "%s \"%s\" has %d column%s but %d %s given", relation_kind_name(target->kind), target->name,
		columns, columns == 1 ? "" : "s", given, were);
}

static Type target_type(const Inserting *inserting, int i) { return plain_type(inserting->target->columns[inserting->columns[i]].type); }

/* ---- VALUES ---- */

static bool is_default(const AstExpr *ast)
{
	return ast->kind == AST_CALL && names_equal(call_name(ast->call), "default") && !ast->call->arguments.count && !ast->call->over;
}

static Expr *bind_cell(Inserting *inserting, const AstExpr *ast, int i)
{
	Scope nothing = {0};
	Clause clause = {.binder = inserting->binder, .scope = &nothing, .name = "VALUES"};
	if (is_default(ast)) return default_of(inserting->binder, inserting->target, inserting->columns[i]);
	Expr *e = bind_assigned(&clause, ast, inserting->target->columns[inserting->columns[i]].type);
	if (!e) name_column(inserting->binder, inserting->target, inserting->columns[i], ast->span);
	return e;
}

static bool is_simple(const AstExpr *ast)
{
	if (ast->kind == AST_UNARY && ast->op == AST_OP_MINUS) ast = ast->args.at[0];
	return ast->kind == AST_LITERAL || is_default(ast);
}

/* A literal needs no memory beyond its value. */
static bool fold_simple(Inserting *inserting, Arena *scratch, const AstExpr *ast, int i, Value *out)
{
	Binder *binder = inserting->binder;
	Arena *arena = binder->arena;
	binder->arena = scratch;
	Expr *e = bind_cell(inserting, ast, i);
	bool done = e && expr_fold(scratch, e, out, binder->err);
	binder->arena = arena;
	if (done && !out->is_null && type_phys(out->type) == PHYS_STR) out->str = str_copy(arena, str_at(&out->str), out->str.bytes);
	return done;
}

typedef struct Cells {
	Value *values;                /* rows of constants */
	Expr **exprs;                 /* NULL where the value is constant */
	bool all_constant;
} Cells;

static bool bind_row(Inserting *inserting, Arena *scratch, const AstExprs *row, int at, Cells *cells)
{
	Binder *binder = inserting->binder;
	for (int i = 0; i < inserting->column_count; i++, at++) {
		const AstExpr *ast = row->at[i];
		bool clock = is_default(ast) && inserting->target->columns[inserting->columns[i]].default_value
			&& !expr_is_constant(inserting->target->columns[inserting->columns[i]].default_value);
		if (is_simple(ast) && !clock) {
			if (!fold_simple(inserting, scratch, ast, i, &cells->values[at])) return false;
			continue;
		}
		Expr *e = bind_cell(inserting, ast, i);
		if (!e) return false;
		if (expr_is_constant(e)) {
			if (!expr_fold(binder->arena, e, &cells->values[at], binder->err)) return false;
			continue;
		}
		cells->exprs[at] = e;
		cells->all_constant = false;
	}
	return true;
}

static PlanColumn *given_columns(Inserting *inserting)
{
	PlanColumn *columns = arena_array(inserting->binder->arena, PlanColumn, inserting->column_count + 1);
	for (int i = 0; i < inserting->column_count; i++)
		columns[i] = (PlanColumn){plan_column_new(inserting->binder->context), inserting->target->columns[inserting->columns[i]].name, target_type(inserting, i), true};
	return columns;
}

static Plan *computed_row(Inserting *inserting, const Cells *cells, int row)
{
	Binder *binder = inserting->binder;
	int count = inserting->column_count;
	Plan *one = plan_new(binder->context, PLAN_VALUES, 0);
	one->row_count = 1;
	one->columns = arena_array(binder->arena, PlanColumn, 1);
	Plan *plan = plan_new(binder->context, PLAN_PROJECT, 1);
	plan->inputs[0] = one;
	plan->columns = given_columns(inserting);
	plan->items = arena_array(binder->arena, PlanItem, count + 1);
	plan->item_count = plan->column_count = count;
	for (int i = 0; i < count; i++) {
		Expr *e = cells->exprs[row * count + i];
		if (!e) e = expr_constant(binder->arena, &cells->values[row * count + i], SPAN_NONE);
		plan->items[i] = (PlanItem){plan->columns[i].id, e};
		plan->columns[i].nullable = e->nullable;
	}
	return plan;
}

static Plan *rows_plan(Inserting *inserting, const Cells *cells, int row_count)
{
	Binder *binder = inserting->binder;
	Plan *plan;
	if (cells->all_constant) {
		plan = plan_new(binder->context, PLAN_VALUES, 0);
		plan->values = cells->values;
		plan->row_count = row_count;
	} else {
		if (row_count == 1) return computed_row(inserting, cells, 0);
		plan = plan_new(binder->context, PLAN_UNION, row_count);
		for (int r = 0; r < row_count; r++) plan->inputs[r] = computed_row(inserting, cells, r);
	}
	plan->columns = given_columns(inserting);
	plan->column_count = inserting->column_count;
	return plan;
}

static Plan *values_plan(Inserting *inserting, const AstBody *body)
{
	Binder *binder = inserting->binder;
	size_t count = (size_t)body->rows.count * (size_t)inserting->column_count;
	Cells cells = {.values = arena_array(binder->arena, Value, count + 1), .exprs = arena_array(binder->arena, Expr *, count + 1), .all_constant = true};
	Arena scratch;
	arena_init(&scratch, 0);
	bool done = true;
	for (int r = 0; r < body->rows.count && done; r++) {
		const AstExprs *row = &body->rows.at[r];
		if (row->count != inserting->column_count) {
			Span span = row->count ? (Span){row->at[0]->span.start, row->at[row->count - 1]->span.end} : body->span;
			done = wrong_count(inserting, row->count, span);
		} else done = bind_row(inserting, &scratch, row, r * inserting->column_count, &cells);
		arena_clear(&scratch);
	}
	arena_release(&scratch);
	return done ? rows_plan(inserting, &cells, body->rows.count) : NULL;
}

/* ---- SELECT ---- */

static Plan *query_plan(Inserting *inserting, BoundQuery *source)
{
	Binder *binder = inserting->binder;
	AstQuery *query = inserting->ast->query;
	binder->keeps_nulls = true;
	if (!bind_top_query(binder, query, source)) return NULL;
	if (source->emit_on_close) {
		REFUSE(binder, query->emit_span, "EMIT ON WINDOW CLOSE into a %s", relation_kind_name(inserting->target->kind));
		return NULL;
	}
	if (source->column_count != inserting->column_count) {
		wrong_count(inserting, source->column_count, query->span);
		return NULL;
	}
	return fit_to_columns(binder, source->plan, inserting->target, inserting->columns, query->span);
}

/* ---- whole rows ---- */

static bool is_whole(const Inserting *inserting)
{
	if (inserting->column_count != inserting->target->column_count) return false;
	for (int i = 0; i < inserting->column_count; i++)
		if (inserting->columns[i] != i) return false;
	return true;
}

static Plan *whole_rows(Inserting *inserting, Plan *given)
{
	Binder *binder = inserting->binder;
	const Relation *target = inserting->target;
	if (is_whole(inserting)) return given;
	Expr **row = arena_array(binder->arena, Expr *, target->column_count + 1);
	for (int i = 0; i < inserting->column_count; i++) row[inserting->columns[i]] = plan_column_expr(binder->context, given, i);
	for (int i = 0; i < target->column_count; i++)
		if (!row[i]) row[i] = default_of(binder, target, i);
	if (!fill_computed(binder, target, row, inserting->ast->target.span)) return NULL;
	Plan *plan = plan_new(binder->context, PLAN_PROJECT, 1);
	plan->inputs[0] = given;
	plan->span = given->span;
	plan->item_count = plan->column_count = target->column_count;
	plan->items = arena_array(binder->arena, PlanItem, target->column_count + 1);
	plan->columns = arena_array(binder->arena, PlanColumn, target->column_count + 1);
	for (int i = 0; i < target->column_count; i++) {
		ColumnId id = row[i]->kind == EXPR_COLUMN ? row[i]->column : plan_column_new(binder->context);
		for (int j = 0; j < i; j++)
			if (plan->columns[j].id == id) id = plan_column_new(binder->context);        /* a computed column that is another one */
		plan->items[i] = (PlanItem){id, row[i]};
		plan->columns[i] = (PlanColumn){id, target->columns[i].name, row[i]->type, row[i]->nullable};
	}
	return plan;
}

static Plan *default_row(Inserting *inserting)
{
	Plan *plan = plan_new(inserting->binder->context, PLAN_VALUES, 0);
	plan->row_count = 1;
	plan->columns = arena_array(inserting->binder->arena, PlanColumn, 1);
	inserting->column_count = 0;
	return plan;
}

static bool bind_source(Inserting *inserting, BoundQuery *source)
{
	Binder *binder = inserting->binder;
	AstInsert *ast = inserting->ast;
	Plan *given;
	source->limit = -1;
	if (!ast->query) given = default_row(inserting);
	else if (ast->query->body->kind == AST_BODY_VALUES && !ast->query->with && !ast->query->order_by.count && !ast->query->limit && !ast->query->offset)
		given = values_plan(inserting, ast->query->body);
	else given = query_plan(inserting, source);
	if (!given || !(given = whole_rows(inserting, given))) return false;
	source->plan = source->rows = given;
	source->column_count = given->column_count;
	source->columns = arena_array(binder->arena, BoundColumn, given->column_count + 1);
	for (int i = 0; i < given->column_count; i++)
		source->columns[i] = (BoundColumn){inserting->target->columns[i].name, given->columns[i].type, given->columns[i].nullable};
	source->reads = binder->reads.at;
	source->read_count = binder->reads.count;
	return true;
}

/* ---- ON CONFLICT ---- */

static Expr **row_exprs(Binder *binder, const Relation *relation, ColumnId **ids)
{
	Expr **row = arena_array(binder->arena, Expr *, relation->column_count + 1);
	*ids = arena_array(binder->arena, ColumnId, relation->column_count + 1);
	for (int i = 0; i < relation->column_count; i++) {
		(*ids)[i] = plan_column_new(binder->context);
		row[i] = expr_column(binder->arena, (*ids)[i], plain_type(relation->columns[i].type), !relation->columns[i].not_null, SPAN_NONE);
	}
	return row;
}

static bool same_columns(const int *a, int a_count, const int *b, int b_count)
{
	if (a_count != b_count) return false;
	for (int i = 0; i < a_count; i++) {
		bool found = false;
		for (int j = 0; j < b_count; j++) found |= a[i] == b[j];
		if (!found) return false;
	}
	return true;
}

static bool is_key(const Relation *relation, const BoundConflict *conflict)
{
	if (same_columns(conflict->columns, conflict->column_count, relation->primary_key, relation->primary_key_count)) return true;
	for (int i = 0; i < relation->unique_count; i++)
		if (same_columns(conflict->columns, conflict->column_count, relation->uniques[i].columns, relation->uniques[i].count)) return true;
	return false;
}

static bool conflict_key(Inserting *inserting, const AstConflict *ast, BoundConflict *out)
{
	Binder *binder = inserting->binder;
	const Relation *target = inserting->target;
	if (ast->index_where) return REFUSE(binder, ast->index_where->span, "ON CONFLICT with WHERE in its key");
	out->any = ast->columns.count == 0;
	out->columns = arena_array(binder->arena, int, ast->columns.count + 1);
	for (int i = 0; i < ast->columns.count; i++) {
		int column = relation_column_find(target, ast->columns.at[i].text);
		if (column < 0) return assignable_column(binder, target, &ast->columns.at[i]) >= 0;
		out->columns[out->column_count++] = column;
	}
	if (out->any || is_key(target, out)) return true;
	error_set(binder->err, ERR_INVALID_DEFINITION, ast->columns.at[0].span, "ON CONFLICT names no key of %s \"%s\"", relation_kind_name(target->kind), target->name);
	return error_hint(binder->err, "It must name the columns of its PRIMARY KEY or of a UNIQUE.");
}

static bool has_no_subquery(Binder *binder, const Expr *e, Span span)
{
	return !e || !expr_has_subquery(e) || REFUSE(binder, span, "a subquery in ON CONFLICT");
}

static bool conflict_update(Inserting *inserting, const AstConflict *ast, BoundConflict *out)
{
	Binder *binder = inserting->binder;
	const Relation *target = inserting->target;
	Expr **old = row_exprs(binder, target, &out->old_columns), **excluded = row_exprs(binder, target, &out->excluded_columns);
	Scope scope = {0};
	ScopeTable *others = row_table(binder, target, (AstIdent){"excluded", SPAN_NONE, false}, excluded);
	for (int i = 0; i < others->column_count; i++) others->columns[i].hidden = true;      /* a name alone means the old row */
	vec_push_in(binder->arena, &scope.tables, row_table(binder, target, inserting->ast->alias, old));
	vec_push_in(binder->arena, &scope.tables, others);
	Clause clause = {.binder = binder, .scope = &scope, .name = "ON CONFLICT"};
	Expr **new = arena_copy(binder->arena, old, sizeof *old * (size_t)(target->column_count + 1));
	if (!bind_assignments(&clause, target, &ast->assignments, new) || !fill_computed(binder, target, new, ast->span)) return false;
	out->set_columns = arena_array(binder->arena, int, target->column_count + 1);
	out->set_values = arena_array(binder->arena, Expr *, target->column_count + 1);
	for (int i = 0; i < target->column_count; i++) {
		if (new[i] == old[i]) continue;
		if (!has_no_subquery(binder, new[i], ast->span)) return false;
		out->set_columns[out->set_count] = i;
		out->set_values[out->set_count++] = new[i];
	}
	if (ast->where && !(out->where = bind_condition(&clause, ast->where))) return false;
	return has_no_subquery(binder, out->where, ast->span);
}

/* ---- ON CONFLICT of the table ---- */

/* Whether the new row's versions are no less than the old row's, the first that differs deciding; NULL is less than all. */
static bool print_versions(Inserting *inserting, const char *columns, StrBuf *out)
{
	const Relation *target = inserting->target;
	int open = 0;
	for (const char *at = columns; *at; at += strspn(at, ", ")) {
		size_t bytes = strcspn(at, ", ");
		const char *name = arena_strndup(inserting->binder->arena, at, bytes);
		int column = relation_column_find(target, name);
		if (column < 0) return error_set(inserting->binder->err, ERR_UNDEFINED_COLUMN, inserting->ast->target.span, "column \"%s\", the version of table \"%s\", does not exist", name, target->name);
		StrBuf quoted = STRBUF_INIT;
		ast_print_ident(target->columns[column].name, &quoted);
		strbuf_printf(out, "(excluded.%s > %s OR (%s IS NULL AND excluded.%s IS NOT NULL) OR (excluded.%s IS %s AND ", quoted.text, quoted.text, quoted.text, quoted.text,
			quoted.text, quoted.text);
		strbuf_release(&quoted);
		open += 2;
		at += bytes;
	}
	strbuf_adds(out, "TRUE");
	while (open--) strbuf_addc(out, ')');
	return true;
}

static bool is_key_column(const Relation *relation, int column)
{
	for (int i = 0; i < relation->primary_key_count; i++)
		if (relation->primary_key[i] == column) return true;
	return false;
}

/* What the table's option says for every INSERT, as the clause that an INSERT would say it with */
static bool print_conflict(Inserting *inserting, const char *what, StrBuf *out)
{
	const Relation *target = inserting->target;
	const char *versions = relation_option(target, "version_column");
	bool ignore = strcmp(what, "ignore") == 0, keep = strcmp(what, "update_if_not_null") == 0, any = false;
	strbuf_adds(out, "INSERT INTO t DEFAULT VALUES ON CONFLICT (");
	for (int i = 0; i < target->primary_key_count; i++) {
		if (i) strbuf_adds(out, ", ");
		ast_print_ident(target->columns[target->primary_key[i]].name, out);
	}
	for (int i = 0; i < target->column_count && !ignore; i++) {
		if (target->columns[i].kind != COLUMN_PHYSICAL || is_key_column(target, i)) continue;
		StrBuf name = STRBUF_INIT;
		ast_print_ident(target->columns[i].name, &name);
		strbuf_printf(out, any ? ", %s = " : ") DO UPDATE SET %s = ", name.text);
		strbuf_printf(out, keep ? "coalesce(excluded.%s, %s)" : "excluded.%s", name.text, name.text);
		strbuf_release(&name);
		any = true;
	}
	if (!any) strbuf_adds(out, ") DO NOTHING");
	if (!any || !versions) return true;
	strbuf_adds(out, " WHERE ");
	return print_versions(inserting, versions, out);
}

/* An INSERT that says nothing of conflicts takes over what its table says. */
static bool take_over_conflicts(Inserting *inserting)
{
	Binder *binder = inserting->binder;
	AstInsert *ast = inserting->ast;
	const char *what = relation_option(inserting->target, "on_conflict");
	if (!what || strcmp(what, "fail") == 0 || ast->conflicts.count || ast->or_action || !inserting->target->primary_key_count) return true;
	StrBuf text = STRBUF_INIT;
	bool done = print_conflict(inserting, what, &text);
	const char *kept = arena_strdup(binder->arena, text.text);
	strbuf_release(&text);
	AstStatement *statement = done ? parse_statement(kept, 0, strlen(kept), binder->arena, binder->err) : NULL;
	if (!statement) return false;
	AstConflict conflict = statement->insert->conflicts.at[0];
	conflict.span = ast->target.span;
	vec_push_in(binder->arena, &ast->conflicts, conflict);
	return true;
}

static bool may_replace(Inserting *inserting, Span span)
{
	const Relation *target = inserting->target;
	if (!target->append_only || target->kind != RELATION_TABLE) return true;
	error_set(inserting->binder->err, ERR_WRONG_OBJECT_TYPE, span, "table \"%s\" is APPEND ONLY: no row of it can be replaced", target->name);
	return error_hint(inserting->binder->err, "ON CONFLICT DO NOTHING passes a row over.");
}

static bool bind_conflicts(Inserting *inserting, BoundInsert *out)
{
	const AstInsert *ast = inserting->ast;
	if (!take_over_conflicts(inserting)) return false;
	out->conflicts = arena_array(inserting->binder->arena, BoundConflict, ast->conflicts.count + 1);
	for (int i = 0; i < ast->conflicts.count; i++) {
		const AstConflict *conflict = &ast->conflicts.at[i];
		BoundConflict *bound = &out->conflicts[out->conflict_count++];
		bound->update = conflict->update;
		if (inserting->target->kind == RELATION_STREAM)
			return error_set(inserting->binder->err, ERR_WRONG_OBJECT_TYPE, conflict->span, "stream \"%s\" has no key that could conflict", inserting->target->name);
		if (!conflict_key(inserting, conflict, bound)) return false;
		if (conflict->update && !conflict_update(inserting, conflict, bound)) return false;
		if (conflict->update && !may_replace(inserting, conflict->span)) return false;
	}
	return ast->or_action != AST_OR_REPLACE || may_replace(inserting, ast->target.span);
}

static bool bind_insert_returning(Inserting *inserting, BoundInsert *out)
{
	Binder *binder = inserting->binder;
	const Relation *target = inserting->target;
	Expr **row = row_exprs(binder, target, &out->row_columns);
	if (!inserting->ast->returning.count) return true;
	ScopeTable *table = row_table(binder, target, inserting->ast->alias, row);
	Plan *plan = plan_new(binder->context, PLAN_VALUES, 0);
	if (!bind_returning(binder, &inserting->ast->returning, &table, 1, plan, &out->returning, &out->returning_columns, &out->returning_count)) return false;
	for (int i = 0; i < out->returning_count; i++)
		if (expr_has_subquery(out->returning[i])) return REFUSE(binder, inserting->ast->returning.at[0].span, "a subquery in RETURNING of INSERT");
	return true;
}

bool bind_insert(Binder *binder, AstStatement *statement)
{
	AstInsert *ast = statement->insert;
	Relation *target = find_target(binder, &ast->target, false);
	if (!target) return false;
	if (target->kind == RELATION_SINK) return bind_pipeline(binder, statement, target);
	BoundInsert *out = &binder->out->insert;
	binder->out->kind = BOUND_INSERT;
	*out = (BoundInsert){.target = target, .or_action = ast->or_action};
	if (ast->hints.count || ast->options.count) return REFUSE(binder, ast->target.span, "INSERT with options");
	if (ast->or_action == AST_OR_FAIL || ast->or_action == AST_OR_ROLLBACK) return REFUSE(binder, ast->target.span, "INSERT%s", ast_or_action(ast->or_action));
	Inserting inserting = {.binder = binder, .ast = ast, .target = target};
	if (!find_columns(&inserting)) return false;
	Cte *before = binder->ctes;
	if (ast->with && !bind_with(binder, ast->with, NULL)) return false;
	bool done = bind_source(&inserting, &out->source);
	close_with(binder, before);
	return done && bind_conflicts(&inserting, out) && bind_insert_returning(&inserting, out);
}
