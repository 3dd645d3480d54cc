/* GROUP BY. Expressions of a grouped SELECT are bound over the columns of FROM first, as all others; when all of them are known, regroup()
 * turns them into expressions over keys and aggregate calls, and what cannot be turned is the column that is neither.
 *
 * A key that is a bare column keeps its ColumnId above the aggregate, so that correlated subqueries need no rewriting; not so with GROUPING
 * SETS, where the key above may be NULL and is another value, nor where it is an interval, of which the key is one of several forms. A column that follows from the keys (its relation's whole primary key is
 * among them) becomes a key of its own without changing the groups.
 */
#include "bind/binder.h"

#include "expr/aggregate.h"

enum { GROUPING_SETS_MAX = 4096, GROUPING_KEYS_MAX = 60 };

typedef VEC(uint64_t) Sets;

/* ---- keys ---- */

static int add_key(Select *select, Expr *e, const AstExpr *ast)
{
	for (int i = 0; i < select->keys.count; i++)
		if (expr_equal(select->keys.at[i].expr, e)) return i;
	SelectKey key = {.expr = e, .ast = ast};
	vec_push_in(select->binder->arena, &select->keys, key);
	return select->keys.count - 1;
}

/* The SELECT item that a number or name in GROUP BY means; NULL: none (*found false) or err. */
static const AstExpr *item_meant(Select *select, const AstExpr *ast, bool *found)
{
	const AstItems *items = &select->ast->items;
	*found = false;
	if (ast->kind == AST_LITERAL && ast->literal == AST_INTEGER) {
		int64_t number;
		if (!constant_integer(select->binder, ast, "GROUP BY", &number, NULL)) return NULL;
		*found = true;
		if (number >= 1 && number <= items->count && items->at[number - 1].expr->kind != AST_STAR) return items->at[number - 1].expr;
		error_set(select->binder->err, ERR_UNDEFINED_COLUMN, ast->span, "GROUP BY %lld is no column of SELECT", (long long)number);
		return NULL;
	}
	if (ast->kind != AST_COLUMN || ast->path.count != 1 || scope_find_name(&select->scope, ast->path.at[0].text)) return ast;
	for (int i = 0; i < items->count; i++)
		if (items->at[i].alias.text && names_equal(items->at[i].alias.text, ast->path.at[0].text)) {
			*found = true;
			return items->at[i].expr;
		}
	return ast;
}

static int bind_key(Select *select, const AstExpr *ast)
{
	bool by_item;
	const AstExpr *meant = item_meant(select, ast, &by_item);
	if (!meant) return -1;
	if (meant->kind == AST_CALL && is_window_function(call_name(meant->call)) && !select->window.plan && meant->call->arguments.count >= 2) {
		if (!bind_group_window(select, meant)) return -1;
		return select->keys.count - 1;
	}
	Clause clause = {.binder = select->binder, .scope = &select->scope, .select = select, .name = "GROUP BY", .aliases = !by_item};
	Expr *e = bind_expr(&clause, without_collation(meant));
	if (!e) return -1;
	if (meant->kind == AST_COLLATE && collated(select->binder, e, meant) != e) {
		REFUSE(select->binder, meant->span, "GROUP BY with a collation");
		return -1;
	}
	return add_key(select, e, meant);
}

static const char *text_of(Binder *binder, const AstExpr *ast)
{
	StrBuf text = STRBUF_INIT;
	ast_print_expr(ast, &text);
	const char *kept = arena_strdup(binder->arena, text.text);
	strbuf_release(&text);
	return kept;
}

/* Aggregates ask below the keys and have queries of their own. */
Expr *bind_key_query(Clause *clause, const AstExpr *ast, Expr *(*bind)(Clause *clause, const AstExpr *ast))
{
	Select *select = clause->select;
	if (!select || clause->scope != &select->scope || clause->in_aggregate) return bind(clause, ast);
	bool is_key = strcmp(clause->name, "GROUP BY") == 0;
	if (!is_key && !select->key_queries.count) return bind(clause, ast);
	const char *text = text_of(select->binder, ast);          /* before binding writes into it */
	for (int i = 0; i < select->key_queries.count; i++) {
		const KeyQuery *known = &select->key_queries.at[i];
		if (known->ast != ast && strcmp(known->text, text) != 0) continue;
		((AstExpr *)ast)->query = known->ast->query;          /* which says the names that binding gave it */
		return expr_with_span(select->binder, known->expr, ast->span);
	}
	Expr *e = bind(clause, ast);
	if (e && is_key && e->kind == EXPR_SUBQUERY) vec_push_in(select->binder->arena, &select->key_queries, (KeyQuery){ast, text, e});
	return e;
}

/* ---- sets ---- */

static bool add_set(Select *select, Sets *sets, uint64_t set, Span span)
{
	if (sets->count == GROUPING_SETS_MAX) return error_set(select->binder->err, ERR_TOO_COMPLEX, span, "more than %d grouping sets", GROUPING_SETS_MAX);
	vec_push_in(select->binder->arena, sets, set);
	return true;
}

static bool exprs_mask(Select *select, const AstGrouping *grouping, uint64_t *mask)
{
	*mask = 0;
	for (int i = 0; i < grouping->exprs.count; i++) {
		int key = bind_key(select, grouping->exprs.at[i]);
		if (key < 0) return false;
		if (key >= GROUPING_KEYS_MAX) {
			if (select->in_sets) return error_set(select->binder->err, ERR_TOO_COMPLEX, grouping->span, "more than %d keys in grouping sets", GROUPING_KEYS_MAX);
			continue;
		}
		*mask |= (uint64_t)1 << key;
	}
	return true;
}

/* The sets that one element of GROUP BY stands for. */
static bool element_sets(Select *select, const AstGrouping *grouping, Sets *out)
{
	uint64_t mask, masks[GROUPING_KEYS_MAX];
	int count = grouping->children.count;
	switch (grouping->kind) {
	case AST_GROUPING_EXPR: case AST_GROUPING_SET:
		return exprs_mask(select, grouping, &mask) && add_set(select, out, mask, grouping->span);
	case AST_GROUPING_SETS:
		for (int i = 0; i < count; i++)
			if (!element_sets(select, grouping->children.at[i], out)) return false;
		return true;
	case AST_GROUPING_ROLLUP: case AST_GROUPING_CUBE:
		break;
	}
	bool rollup = grouping->kind == AST_GROUPING_ROLLUP;
	if (count > (rollup ? GROUPING_KEYS_MAX : 12)) return error_set(select->binder->err, ERR_TOO_COMPLEX, grouping->span, "too many grouping sets");
	for (int i = 0; i < count; i++)
		if (!exprs_mask(select, grouping->children.at[i], &masks[i])) return false;
	int sets = rollup ? count + 1 : 1 << count;
	for (int s = sets - 1; s >= 0; s--) {
		mask = 0;
		for (int i = 0; i < count; i++)
			if (rollup ? i < s : s >> i & 1) mask |= masks[i];
		if (!add_set(select, out, mask, grouping->span)) return false;
	}
	return true;
}

static bool cross(Select *select, Sets *all, const Sets *with, Span span)
{
	Sets product = {0};
	for (int i = 0; i < all->count; i++)
		for (int j = 0; j < with->count; j++)
			if (!add_set(select, &product, all->at[i] | with->at[j], span)) return false;
	*all = product;
	return true;
}

bool bind_group_by(Select *select)
{
	const AstGroupings *group_by = &select->ast->group_by;
	Sets all = {0};
	select->has_group_by |= group_by->count > 0;
	for (int i = 0; i < group_by->count; i++) select->in_sets |= group_by->at[i]->kind >= AST_GROUPING_ROLLUP;
	if (!add_set(select, &all, 0, SPAN_NONE)) return false;
	for (int i = 0; i < group_by->count; i++) {
		Sets sets = {0};
		if (!element_sets(select, group_by->at[i], &sets) || !cross(select, &all, &sets, group_by->at[i]->span)) return false;
	}
	if (!select->in_sets) return true;
	if (select->window.plan) return REFUSE(select->binder, group_by->at[0]->span, "a WINDOW clause with GROUPING SETS");
	for (int i = 0; i < all.count; i++) vec_push_in(select->binder->arena, &select->sets, all.at[i]);
	return true;
}

/* ---- calls ---- */

static bool same_call(const AggregateCall *a, const AggregateCall *b)
{
	if (a->aggregate != b->aggregate || a->arg_count != b->arg_count || a->distinct != b->distinct || a->ignore_nulls != b->ignore_nulls) return false;
	if (a->parameter_count != b->parameter_count || a->order_count != b->order_count || !a->filter != !b->filter) return false;
	for (int i = 0; i < a->arg_count; i++)
		if (!expr_equal(a->args[i], b->args[i])) return false;
	for (int i = 0; i < a->parameter_count; i++)
		if (!type_equal(a->parameters[i].type, b->parameters[i].type) || !value_equal(&a->parameters[i], &b->parameters[i])) return false;
	for (int i = 0; i < a->order_count; i++) {
		SortSpec x = a->order[i].spec, y = b->order[i].spec;
		if (x.descending != y.descending || x.nulls_last != y.nulls_last || !expr_equal(a->order[i].expr, b->order[i].expr)) return false;
	}
	return !a->filter || expr_equal(a->filter, b->filter);
}

ColumnId select_add_call(Select *select, const AggregateCall *call)
{
	for (int i = 0; i < select->calls.count; i++)
		if (same_call(&select->calls.at[i].call, call)) return select->calls.at[i].id;
	PlanCall added = {.id = plan_column_new(select->binder->context), .call = *call};
	vec_push_in(select->binder->arena, &select->calls, added);
	return added.id;
}

/* ---- GROUPING(...) ---- */

static int find_key(Select *select, const Expr *e)
{
	for (int i = 0; i < select->keys.count; i++)
		if (expr_equal(select->keys.at[i].expr, e)) return i;
	return -1;
}

/* One bit an argument, the last one lowest: 1 where the row is not grouped by it. The grouping id says which of the sets it is. */
static Expr *grouping_value(Select *select, const uint64_t *bits, int count, Span span)
{
	Binder *binder = select->binder;
	if (!select->grouping_id) select->grouping_id = plan_column_new(binder->context);
	Expr **branches = arena_array(binder->arena, Expr *, 2 * select->sets.count + 1);
	for (int s = 0; s < select->sets.count; s++) {
		int64_t value = 0;
		for (int i = 0; i < count; i++) value = value << 1 | !(select->sets.at[s] & bits[i]);
		Expr *test[2] = {expr_column(binder->arena, select->grouping_id, TYPE(INTEGER), false, span), expr_int(binder->arena, s)};
		branches[2 * s] = expr_call(binder->arena, "=", test, 2, span, binder->err);
		branches[2 * s + 1] = expr_int(binder->arena, value);
	}
	branches[2 * select->sets.count] = expr_int(binder->arena, 0);
	return expr_case(binder->arena, branches, 2 * select->sets.count + 1, span, binder->err);
}

Expr *bind_grouping_call(Clause *clause, const AstExpr *ast)
{
	Binder *binder = clause->binder;
	Select *select = clause->select;
	const AstCall *call = ast->call;
	if (!select || !clause->aggregates || !select->has_group_by) {
		error_set(binder->err, ERR_GROUPING, ast->op_span, "%s() needs GROUP BY", call_name(call));
		return NULL;
	}
	int count = call->arguments.count;
	if (count < 1 || count > 62) {
		error_set(binder->err, ERR_UNDEFINED_FUNCTION, ast->op_span, "%s() takes keys of GROUP BY", call_name(call));
		return NULL;
	}
	uint64_t bits[62];
	Clause inner = *clause;
	inner.aggregates = inner.windows = false;
	for (int i = 0; i < count; i++) {
		Expr *e = bind_expr(&inner, call->arguments.at[i].value);
		int key = e ? find_key(select, e) : -1;
		if (key < 0) {
			error_set(binder->err, ERR_GROUPING, call->arguments.at[i].value->span, "argument of %s() is no key of GROUP BY", call_name(call));
			return NULL;
		}
		bits[i] = (uint64_t)1 << key;
	}
	return select->in_sets ? grouping_value(select, bits, count, ast->span) : expr_int(binder->arena, 0);
}

/* ---- from columns of FROM to keys and calls ---- */

static bool find_scope_column(const ScopeColumn *columns, int count, ColumnId id, const char **name)
{
	for (int i = 0; i < count; i++) {
		if (columns[i].expr->kind == EXPR_COLUMN && columns[i].expr->column == id) {
			*name = columns[i].name;
			return true;
		}
		if (find_scope_column(columns[i].fields, columns[i].field_count, id, name)) return true;
	}
	return false;
}

static bool has_key_column(Select *select, ColumnId id)
{
	for (int i = 0; i < select->keys.count; i++)
		if (select->keys.at[i].expr->kind == EXPR_COLUMN && select->keys.at[i].expr->column == id) return true;
	return false;
}

/* Does the relation of this column have its whole primary key among the keys? */
static bool follows_from_keys(Select *select, const ScopeTable *table)
{
	const Relation *relation = table->relation;
	if (!relation || select->in_sets || relation->primary_key_count == 0) return false;
	for (int i = 0; i < relation->primary_key_count; i++) {
		const Expr *key = table->columns[relation->primary_key[i]].expr;
		if (key->kind != EXPR_COLUMN || !has_key_column(select, key->column)) return false;
	}
	return true;
}

static bool add_dependent_key(Select *select, const Expr *e, const char **name)
{
	*name = NULL;
	for (int i = 0; i < select->scope.tables.count; i++) {
		const ScopeTable *table = select->scope.tables.at[i];
		if (!find_scope_column(table->columns, table->column_count, e->column, name)) continue;
		if (!follows_from_keys(select, table)) return false;
		SelectKey key = {.id = e->column, .expr = (Expr *)e};
		vec_push_in(select->binder->arena, &select->keys, key);
		return true;
	}
	return false;
}

bool refuse_bare(Binder *binder, Span span, const char *name)
{
	error_set(binder->err, ERR_GROUPING, span, "column \"%s\" is neither in GROUP BY nor inside an aggregate", name);
	return error_hint(binder->err, "Add it to GROUP BY, or take any_value() of it.");
}

static Expr *refuse_ungrouped(Select *select, const Expr *e, const char *name, Span span)
{
	if (!name) name = plan_column(select->input, e->column)->name;
	refuse_bare(select->binder, span, name ? name : "?");
	return NULL;
}

/* As SQLite: beside a lone min() or max() it comes from the row that has it, else from the first one. Answers to one question at one moment may
 * be so; whether it is one is known when the whole statement is bound. */
static Expr *bare_column(Select *select, const Expr *e, const char *name)
{
	Binder *binder = select->binder;
	if (!name) name = plan_column(select->input, e->column)->name;
	if (binder->strict || !name) return refuse_ungrouped(select, e, name, e->span);
	const AggregateCall *lone = select->own_calls == 1 ? &select->calls.at[0].call : NULL;
	bool least = lone && names_equal(lone->aggregate->name, "min"), greatest = lone && names_equal(lone->aggregate->name, "max");
	Expr **args = arena_array(binder->arena, Expr *, 2);
	args[0] = (Expr *)e;
	args[1] = least || greatest ? lone->args[0] : NULL;
	AggregateCall call = {.args = args, .arg_count = args[1] ? 2 : 1, .type = e->type};
	if (args[1]) call.filter = lone->filter;
	call.aggregate = aggregate_resolve(binder->arena, least ? "min_by" : greatest ? "max_by" : "first_value", args, call.arg_count, false, e->span, binder->err);
	if (!call.aggregate) return NULL;
	if (!binder->bare.name) binder->bare = (Impurity){.span = e->span, .name = name};
	return expr_column(binder->arena, select_add_call(select, &call), e->type, true, e->span);
}

static Expr *key_expr(Select *select, const SelectKey *key, Span span)
{
	return expr_column(select->binder->arena, key->id, key->expr->type, key->expr->nullable || select->in_sets, span);
}

static bool is_key_query(const Select *select, const Expr *e)
{
	for (int i = 0; i < select->key_queries.count; i++)
		if (select->key_queries.at[i].expr->plan == e->plan) return true;
	return false;
}

/* Columns that a subquery takes from the grouped query. One that is part of a key keeps its plan for that. */
static bool regroup_subquery(Select *select, Expr *e)
{
	Arena *arena = select->binder->arena;
	if (is_key_query(select, e)) e->plan = plan_copy(select->binder->context, e->plan, NULL);
	ColumnSet free = {0};
	ColumnMap map = {.arena = arena};
	plan_free_columns(arena, e->plan, &free);
	for (int i = 0; i < select->input->column_count; i++) {
		const PlanColumn *column = &select->input->columns[i];
		if (!column_set_has(&free, column->id)) continue;
		const SelectKey *found = NULL;
		for (int k = 0; k < select->keys.count && !found; k++)
			if (select->keys.at[k].expr->kind == EXPR_COLUMN && select->keys.at[k].expr->column == column->id) found = &select->keys.at[k];
		Expr *raw = expr_column(arena, column->id, column->type, column->nullable, e->span);
		const char *name;
		if (!found && add_dependent_key(select, raw, &name)) continue;
		if (!found) return refuse_ungrouped(select, raw, name, e->span) != NULL;
		if (found->id != column->id) column_map_add(&map, column->id, key_expr(select, found, e->span));
	}
	column_map_apply_plan(&map, e->plan);
	return true;
}

Expr *regroup(Select *select, Expr *e)
{
	for (int i = 0; i < select->keys.count; i++)
		if (expr_equal(select->keys.at[i].expr, e)) return key_expr(select, &select->keys.at[i], e->span);
	if (e->kind == EXPR_COLUMN) {
		if (!plan_column(select->input, e->column)) return e;              /* a call, or of an outer query */
		const char *name;
		return add_dependent_key(select, e, &name) ? e : bare_column(select, e, name);
	}
	if (e->kind == EXPR_SUBQUERY) e = arena_copy(select->binder->arena, e, sizeof *e);
	if (e->kind == EXPR_SUBQUERY && !regroup_subquery(select, e)) return NULL;
	Expr *copy = e;
	for (int i = 0; i < e->arg_count; i++) {
		Expr *arg = regroup(select, e->args[i]);
		if (!arg) return NULL;
		if (arg == e->args[i]) continue;
		if (copy == e) {
			copy = arena_copy(select->binder->arena, e, sizeof *e);
			copy->args = arena_copy(select->binder->arena, e->args, sizeof *e->args * (size_t)e->arg_count);
		}
		copy->args[i] = arg;
	}
	return copy;
}

static bool regroup_slot(Select *select, Expr **slot) { return !*slot || (*slot = regroup(select, *slot)) != NULL; }

static bool regroup_over(Select *select, SelectOver *over)
{
	AggregateCall *call = &over->call.aggregate;
	for (int i = 0; i < over->partition_count; i++)
		if (!regroup_slot(select, &over->partition[i])) return false;
	for (int i = 0; i < over->order_count; i++)
		if (!regroup_slot(select, &over->order[i].expr)) return false;
	for (int i = 0; i < call->arg_count; i++)
		if (!regroup_slot(select, &call->args[i])) return false;
	return regroup_slot(select, &call->filter);
}

bool regroup_all(Select *select)
{
	select->own_calls = select->calls.count;
	for (int i = 0; i < select->keys.count; i++) {
		SelectKey *key = &select->keys.at[i];
		bool keeps = key->expr->kind == EXPR_COLUMN && key->expr->type.kind != TYPE_INTERVAL && !select->in_sets && plan_column(select->input, key->expr->column);
		key->id = keeps ? key->expr->column : plan_column_new(select->binder->context);
	}
	for (int i = 0; i < select->items.count; i++) {
		if (!regroup_slot(select, &select->items.at[i].expr)) return false;
		select->items.at[i].column.field_count = 0;
	}
	for (int i = 0; i < select->overs.count; i++)
		if (!regroup_over(select, &select->overs.at[i])) return false;
	return true;
}

/* ---- the plan ---- */

static const char *key_name(const Select *select, const SelectKey *key)
{
	const PlanColumn *column = key->expr->kind == EXPR_COLUMN ? plan_column(select->input, key->expr->column) : NULL;
	return column ? column->name : NULL;
}

static void add_column(Plan *plan, PlanColumn column) { plan->columns[plan->column_count++] = column; }

Plan *group_plan(Select *select, Plan *input)
{
	Binder *binder = select->binder;
	if (select->in_sets) return grouping_sets_plan(select, input);
	Plan *plan = plan_new(binder->context, PLAN_AGGREGATE, 1);
	int keys = select->keys.count, calls = select->calls.count;
	plan->inputs[0] = input;
	plan->span = select->ast->span;
	plan->items = arena_array(binder->arena, PlanItem, keys + 1);
	plan->columns = arena_array(binder->arena, PlanColumn, keys + calls + 1);
	for (int i = 0; i < keys; i++) {
		const SelectKey *key = &select->keys.at[i];
		bool follows = key->expr->kind == EXPR_COLUMN && key->expr->column == key->id;
		plan->items[plan->item_count++] = (PlanItem){key->id, follows ? key->expr : equal_form(binder, key->expr)};
		add_column(plan, (PlanColumn){key->id, key_name(select, key), key->expr->type, key->expr->nullable});
	}
	plan->calls = select->calls.at;
	plan->call_count = calls;
	for (int i = 0; i < calls; i++) {
		const PlanCall *call = &plan->calls[i];
		add_column(plan, (PlanColumn){call->id, call->call.aggregate->name, call->call.type, call->call.aggregate->nullable_result});
	}
	plan->global = keys == 0;
	return plan;
}
