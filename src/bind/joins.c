/* Joins: of all kinds, with ON, USING, NATURAL, WITHIN, FOR SYSTEM_TIME AS OF. The right side sees the left one's columns where it is
 * LATERAL; the join is then dependent, and unnesting makes a plain one of it. */
#include "bind/binder.h"

#include "expr/function.h"

typedef struct Joining {
	Binder *binder;
	AstTable *ast;
	Scope *outer;
	Scope side;                   /* the left side, as the right one sees it */
	From left, right;
	JoinKind kind;
	Scope both;
	Expr *condition;
	Plan *plan;
	VEC(ScopeColumn *) merged;    /* by this join */
} Joining;

static JoinKind join_kind(AstJoinKind kind)
{
	switch (kind) {
	case AST_JOIN_LEFT: return JOIN_LEFT;
	case AST_JOIN_RIGHT: return JOIN_RIGHT;
	case AST_JOIN_FULL: return JOIN_FULL;
	case AST_JOIN_SEMI: return JOIN_SEMI;
	case AST_JOIN_ANTI: return JOIN_ANTI;
	default: return JOIN_INNER;
	}
}

static void add_tables(Binder *binder, Scope *scope, const From *from)
{
	for (int i = 0; i < from->tables.count; i++) vec_push_in(binder->arena, &scope->tables, from->tables.at[i]);
	for (int i = 0; i < from->merged.count; i++) vec_push_in(binder->arena, &scope->merged, from->merged.at[i]);
}

static bool check_aliases(Joining *joining)
{
	for (int i = 0; i < joining->left.tables.count; i++)
		for (int j = 0; j < joining->right.tables.count; j++) {
			AstIdent a = joining->left.tables.at[i]->alias, b = joining->right.tables.at[j]->alias;
			if (!a.text || !b.text || !names_equal(a.text, b.text)) continue;
			error_set(joining->binder->err, ERR_DUPLICATE_ALIAS, b.span, "\"%s\" stands in FROM twice", b.text);
			return error_hint(joining->binder->err, "Give one of them another name with AS.");
		}
	return true;
}

/* ---- USING, NATURAL ---- */

static bool is_open(const ScopeColumn *column, const char *name) { return !column->hidden && !column->merged && names_equal(column->name, name); }

/* The column of one side that USING means. */
static ScopeColumn *side_column(Binder *binder, From *from, const AstIdent *name)
{
	ScopeColumn *found = NULL;
	int fits = 0;
	for (int i = 0; i < from->merged.count; i++)
		if (names_equal(from->merged.at[i]->name, name->text)) {
			found = from->merged.at[i];
			fits++;
		}
	for (int i = 0; i < from->tables.count; i++)
		for (int j = 0; j < from->tables.at[i]->column_count; j++)
			if (is_open(&from->tables.at[i]->columns[j], name->text)) {
				found = &from->tables.at[i]->columns[j];
				fits++;
			}
	if (fits == 1) return found;
	if (fits) error_set(binder->err, ERR_AMBIGUOUS_COLUMN, name->span, "column \"%s\" of USING is ambiguous", name->text);
	else error_set(binder->err, ERR_UNDEFINED_COLUMN, name->span, "column \"%s\" of USING is not on both sides of the join", name->text);
	return NULL;
}

static void forget_merged(From *from, const ScopeColumn *column)
{
	int kept = 0;
	for (int i = 0; i < from->merged.count; i++)
		if (from->merged.at[i] != column) from->merged.at[kept++] = from->merged.at[i];
	from->merged.count = kept;
}

static Expr *merged_expr(Joining *joining, ScopeColumn *left, ScopeColumn *right)
{
	if (joining->kind == JOIN_RIGHT) return right->expr;
	if (joining->kind != JOIN_FULL) return left->expr;
	Binder *binder = joining->binder;
	Expr *sides[2] = {left->expr, right->expr};
	for (int i = 0; i < 2; i++) {
		sides[i] = arena_copy(binder->arena, sides[i], sizeof *sides[i]);
		sides[i]->nullable = true;
	}
	return expr_call(binder->arena, "coalesce", sides, 2, joining->ast->join_span, binder->err);
}

static bool merge_column(Joining *joining, const AstIdent *name)
{
	Binder *binder = joining->binder;
	ScopeColumn *left = side_column(binder, &joining->left, name);
	ScopeColumn *right = left ? side_column(binder, &joining->right, name) : NULL;
	if (!right) return false;
	Expr *sides[2] = {left->expr, right->expr};
	if (!bring_into_forms(binder, &sides[0], left->declared, &sides[1], right->declared, name->span)) return false;
	Expr *equal = expr_call(binder->arena, "=", sides, 2, name->span, binder->err);
	if (!equal) return false;
	joining->condition = expr_and(binder->arena, joining->condition, equal);
	ScopeColumn *merged = arena_new(binder->arena, ScopeColumn);
	*merged = joining->kind == JOIN_RIGHT ? *right : *left;
	merged->name = left->name;
	merged->field_count = 0;
	merged->merged = false;
	merged->before = joining->left.tables.at[0];
	if (!(merged->expr = merged_expr(joining, left, right))) return false;
	vec_push_in(binder->arena, &joining->merged, merged);
	forget_merged(&joining->left, left);
	forget_merged(&joining->right, right);
	left->merged = right->merged = true;
	return true;
}

static void offer_common(Joining *joining, const char *name, AstIdents *names)
{
	Binder *binder = joining->binder;
	for (int i = 0; i < names->count; i++)
		if (names_equal(names->at[i].text, name)) return;
	bool common = false;
	for (int i = 0; i < joining->right.merged.count; i++) common |= names_equal(joining->right.merged.at[i]->name, name);
	for (int i = 0; i < joining->right.tables.count; i++)
		for (int j = 0; j < joining->right.tables.at[i]->column_count; j++) common |= is_open(&joining->right.tables.at[i]->columns[j], name);
	if (common) vec_push_in(binder->arena, names, (AstIdent){name, joining->ast->join_span, true});
}

static void common_columns(Joining *joining, AstIdents *names)
{
	for (int i = 0; i < joining->left.merged.count; i++) offer_common(joining, joining->left.merged.at[i]->name, names);
	for (int i = 0; i < joining->left.tables.count; i++) {
		const ScopeTable *table = joining->left.tables.at[i];
		for (int j = 0; j < table->column_count; j++)
			if (!table->columns[j].hidden && !table->columns[j].merged) offer_common(joining, table->columns[j].name, names);
	}
}

static bool merge_columns(Joining *joining)
{
	AstIdents names = joining->ast->using_columns;
	if (joining->ast->natural) {
		common_columns(joining, &names);
		if (joining->binder->defining) {                  /* columns that come later must not change the join */
			joining->ast->natural = false;
			joining->ast->using_columns = names;
			if (!names.count && joining->ast->join == AST_JOIN_INNER) joining->ast->join = AST_JOIN_CROSS;
			else if (!names.count) joining->ast->natural = true;
		}
	}
	for (int i = 0; i < names.count; i++)
		if (!merge_column(joining, &names.at[i])) return false;
	return true;
}

/* ---- ON, WITHIN ---- */

static bool bind_on(Joining *joining)
{
	if (!joining->ast->on) return true;
	Clause clause = {.binder = joining->binder, .scope = &joining->both, .name = "ON"};
	Expr *on = bind_condition(&clause, joining->ast->on);
	if (!on) return false;
	joining->condition = expr_and(joining->binder->arena, joining->condition, on);
	return true;
}

static ScopeColumn *time_of_side(Joining *joining, const From *from)
{
	ScopeColumn *time = from->tables.count == 1 ? event_time_column(from->tables.at[0]) : NULL;
	if (time && time->expr->type.kind == TYPE_TIMESTAMP) return time;
	error_set(joining->binder->err, ERR_INVALID_DEFINITION, joining->ast->join_span, "WITHIN needs streams with event times on both sides");
	error_hint(joining->binder->err, "Write the condition on their times in ON: a.ts BETWEEN b.ts - INTERVAL '1 hour' AND b.ts + INTERVAL '1 hour'.");
	return NULL;
}

static bool add_bound(Joining *joining, const char *op, Expr *time, const char *sign, int64_t us, Expr *than)
{
	Binder *binder = joining->binder;
	Value value = {.type = TYPE(INTERVAL), .interval = {.us = us}};
	Expr *moved[2] = {time, expr_constant(binder->arena, &value, joining->ast->join_span)};
	Expr *sides[2] = {than, expr_call(binder->arena, sign, moved, 2, joining->ast->join_span, binder->err)};
	Expr *e = sides[1] ? expr_call(binder->arena, op, sides, 2, joining->ast->join_span, binder->err) : NULL;
	if (e) joining->condition = expr_and(binder->arena, joining->condition, e);
	return e != NULL;
}

/* ksqlDB: the right row is at most `before` older and `after` younger than the left one. */
static bool bind_within(Joining *joining)
{
	const AstTable *ast = joining->ast;
	if (!ast->within_before) return true;
	int64_t before_us, after_us;
	if (ast->grace && !constant_duration(joining->binder, ast->grace, "GRACE PERIOD", &joining->plan->grace_us)) return false;
	if (joining->plan->grace_us < 0) return error_set(joining->binder->err, ERR_INVALID_PARAMETER, ast->grace->span, "GRACE PERIOD cannot be less than nothing");
	if (!constant_duration(joining->binder, ast->within_before, "WITHIN", &before_us)) return false;
	if (!constant_duration(joining->binder, ast->within_after ? ast->within_after : ast->within_before, "WITHIN", &after_us)) return false;
	ScopeColumn *left = time_of_side(joining, &joining->left);
	ScopeColumn *right = left ? time_of_side(joining, &joining->right) : NULL;
	return right && add_bound(joining, ">=", left->expr, "-", before_us, right->expr) && add_bound(joining, "<=", left->expr, "+", after_us, right->expr);
}

/* ---- FOR SYSTEM_TIME AS OF, ASOF ---- */

static bool is_now(const AstExpr *ast)
{
	static const char *const NAMES[] = {"proctime", "now", "current_timestamp", "localtimestamp"};
	if (ast->kind != AST_CALL) return false;
	for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
		if (names_equal(call_name(ast->call), NAMES[i])) return true;
	return false;
}

static bool bind_as_of(Joining *joining, const AstExpr *as_of)
{
	Binder *binder = joining->binder;
	joining->plan->join_form = JOIN_FORM_TEMPORAL_PROC;
	if (is_now(as_of)) return true;
	Clause clause = {.binder = binder, .scope = &joining->side, .name = "FOR SYSTEM_TIME AS OF"};
	ScopeColumn time;
	if (!bind_column_like(&clause, as_of, &time)) return false;
	if (time.proctime) return true;
	if (time.expr->type.kind != TYPE_TIMESTAMP)
		return error_set(binder->err, ERR_DATATYPE_MISMATCH, as_of->span, "FOR SYSTEM_TIME AS OF takes a TIMESTAMP, not %s", type_kind_name(time.expr->type.kind));
	joining->plan->join_form = JOIN_FORM_TEMPORAL_EVENT;
	joining->plan->time_of = time.expr;
	return true;
}

static bool check_temporal(Joining *joining)
{
	Binder *binder = joining->binder;
	const AstTable *ast = joining->ast;
	bool as_of = ast->right->as_of != NULL;
	const char *what = as_of ? "FOR SYSTEM_TIME AS OF" : "ASOF JOIN";
	if (joining->kind != JOIN_INNER && joining->kind != JOIN_LEFT) return REFUSE(binder, ast->join_span, "%s that is neither inner nor left", what);
	if (!joining->condition && !as_of) return error_set(binder->err, ERR_SYNTAX, ast->join_span, "%s needs a condition", what);
	if (!as_of) {
		joining->plan->join_form = JOIN_FORM_ASOF;
		return true;
	}
	const Relation *right = joining->right.tables.count == 1 ? joining->right.tables.at[0]->relation : NULL;
	if (right && right->kind == RELATION_STREAM) {
		error_set(binder->err, ERR_WRONG_OBJECT_TYPE, ast->right->span, "stream \"%s\" has no versions: FOR SYSTEM_TIME AS OF needs a table", right->name);
		return error_hint(binder->err, "Declare it with a PRIMARY KEY and changelog = 'upsert'.");
	}
	return bind_as_of(joining, ast->right->as_of);
}

/* ---- the join ---- */

static bool is_dependent(Joining *joining)
{
	Arena *arena = joining->binder->arena;
	ColumnSet free = {0}, given = {0};
	plan_free_columns(arena, joining->right.plan, &free);
	plan_output_set(arena, joining->left.plan, &given);
	return column_set_overlaps(&free, &given);
}

static bool make_join(Joining *joining)
{
	Binder *binder = joining->binder;
	Plan *plan = joining->plan;
	plan->inputs[0] = joining->left.plan;
	plan->inputs[1] = joining->right.plan;
	plan->span = joining->ast->join_span.end ? joining->ast->join_span : joining->ast->span;
	plan->join = joining->kind;
	plan->condition = joining->condition;
	plan->dependent = is_dependent(joining);
	if (plan->dependent && (plan->join == JOIN_RIGHT || plan->join == JOIN_FULL))
		return error_set(binder->err, ERR_SYNTAX, plan->span, "LATERAL cannot be the right side of a RIGHT or FULL JOIN");
	if (joining->ast->asof || joining->ast->right->as_of) {
		if (plan->dependent) return REFUSE(binder, plan->span, "LATERAL in a temporal join");
		if (!check_temporal(joining)) return false;
	}
	plan_join_columns(binder->context, plan);
	return true;
}

static void make_nullable(Joining *joining, From *from)
{
	for (int i = 0; i < from->tables.count; i++) scope_table_make_nullable(joining->binder, from->tables.at[i]);
	for (int i = 0; i < from->merged.count; i++) {
		ScopeColumn *column = from->merged.at[i];
		column->expr = arena_copy(joining->binder->arena, column->expr, sizeof *column->expr);
		column->expr->nullable = true;
	}
}

static void give_out(Joining *joining, From *out)
{
	Binder *binder = joining->binder;
	if (joining->kind == JOIN_RIGHT || joining->kind == JOIN_FULL) make_nullable(joining, &joining->left);
	if (joining->kind == JOIN_LEFT || joining->kind == JOIN_FULL) make_nullable(joining, &joining->right);
	bool left_only = joining->kind == JOIN_SEMI || joining->kind == JOIN_ANTI;
	*out = (From){.plan = joining->plan};
	for (int i = 0; i < joining->merged.count; i++) vec_push_in(binder->arena, &out->merged, joining->merged.at[i]);
	for (int side = 0; side < (left_only ? 1 : 2); side++) {
		const From *from = side ? &joining->right : &joining->left;
		for (int i = 0; i < from->tables.count; i++) vec_push_in(binder->arena, &out->tables, from->tables.at[i]);
		for (int i = 0; i < from->merged.count; i++) vec_push_in(binder->arena, &out->merged, from->merged.at[i]);
	}
}

/* A join in parentheses with a name: its columns are those of one relation. */
static bool rename_join(Joining *joining, From *out)
{
	Binder *binder = joining->binder;
	AstTable *ast = joining->ast;
	if (!ast->alias.text) return true;
	int count = out->merged.count;
	for (int i = 0; i < out->tables.count; i++) count += out->tables.at[i]->column_count;
	ScopeTable *table = scope_table_new(binder, ast->alias, ast, count);
	table->column_count = 0;
	for (int i = 0; i < out->tables.count; i++) {
		for (int j = 0; j < out->merged.count; j++)
			if (out->merged.at[j]->before == out->tables.at[i]) table->columns[table->column_count++] = *out->merged.at[j];
		for (int j = 0; j < out->tables.at[i]->column_count; j++)
			if (!out->tables.at[i]->columns[j].merged) table->columns[table->column_count++] = out->tables.at[i]->columns[j];
	}
	out->tables.count = out->merged.count = 0;
	vec_push_in(binder->arena, &out->tables, table);
	return rename_columns(binder, table, &ast->columns, ast->span);
}

static bool is_constant_true(const AstExpr *on)
{
	return !on || (on->kind == AST_LITERAL && (on->literal == AST_TRUE || (on->literal == AST_INTEGER && strcmp(on->text, "1") == 0)));
}

/* t, UNNEST(t.list): a function of the left row, set onto it without a join */
static bool is_expansion(const Joining *joining)
{
	const AstTable *ast = joining->ast, *right = ast->right;
	if (right->kind != AST_TABLE_FUNCTION || is_window_function(call_name(right->call->call))) return false;
	if (joining->kind == JOIN_INNER) return !ast->natural && !ast->using_columns.count && !ast->asof && !ast->within_before;
	return joining->kind == JOIN_LEFT && is_constant_true(ast->on) && !ast->natural && !ast->using_columns.count && !ast->asof;
}

static bool bind_expansion(Joining *joining, From *out)
{
	Binder *binder = joining->binder;
	AstTable *right = joining->ast->right;
	if (!bind_table_function(binder, right, &joining->side, &joining->left, joining->kind == JOIN_LEFT, &joining->right)) return false;
	if (!check_aliases(joining)) return false;
	joining->plan = joining->right.plan;
	give_out(joining, out);
	if (joining->kind == JOIN_LEFT || !joining->ast->on) return rename_join(joining, out);
	add_tables(binder, &joining->both, out);
	if (!bind_on(joining)) return false;
	out->plan = plan_filter(binder->context, out->plan, joining->condition);
	return rename_join(joining, out);
}

static RelationKind kind_of_side(const From *from)
{
	const Relation *relation = from->tables.count == 1 ? from->tables.at[0]->relation : NULL;
	return relation ? relation->kind : RELATION_VIEW;
}

static void warn_of_tables(const Joining *joining)
{
	const AstTable *ast = joining->ast;
	if (!joining->binder->ksql || ast->within_before || ast->asof || ast->right->as_of) return;
	if (kind_of_side(&joining->left) == RELATION_STREAM && kind_of_side(&joining->right) == RELATION_TABLE)
		notice(joining->binder, "the rows of a stream joined with a table change with it (in ksqlDB they stay): FOR SYSTEM_TIME AS OF PROCTIME() behind the table keeps what they met");
}

bool bind_join(Binder *binder, AstTable *ast, Scope *lateral, Scope *outer, From *out)
{
	Joining *joining = arena_new(binder->arena, Joining);
	*joining = (Joining){.binder = binder, .ast = ast, .outer = outer, .kind = join_kind(ast->join)};
	if (!bind_from(binder, ast->left, lateral, outer, &joining->left)) return false;
	joining->side.outer = joining->both.outer = lateral;
	add_tables(binder, &joining->side, &joining->left);
	if (is_expansion(joining)) return bind_expansion(joining, out);
	if (!bind_table(binder, ast->right, &joining->side, outer, &joining->right) || !check_aliases(joining)) return false;
	joining->plan = plan_new(binder->context, PLAN_JOIN, 2);
	if (!merge_columns(joining)) return false;
	add_tables(binder, &joining->both, &joining->left);
	add_tables(binder, &joining->both, &joining->right);
	for (int i = 0; i < joining->merged.count; i++) vec_push_in(binder->arena, &joining->both.merged, joining->merged.at[i]);
	if (!bind_on(joining) || !bind_within(joining) || !make_join(joining)) return false;
	warn_of_tables(joining);
	give_out(joining, out);
	return rename_join(joining, out);
}
