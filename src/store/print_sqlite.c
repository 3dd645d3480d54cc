/* Plans as SQLite's SQL.
 *
 * A node either adds to the FROM and WHERE of a SELECT under way (scans, filters, joins, table functions, projections that only rename) or is a
 * SELECT of its own, which then stands in the WITH of its statement under a name: nesting it where it is used would overflow the stack of
 * SQLite's parser, and SQLite flattens both alike. Columns are written as the printer's `names` say; every SELECT gives its columns out as
 * c<ColumnId>. Each subquery of an expression is a statement with a WITH of its own, in which columns from outside are seen. */
#include "store/print_plan.h"

#include <string.h>
#include <strings.h>

static const char *select_text(Printer *printer, Plan *plan);

/* ---- text ---- */

/* Detaches the text into the arena; NULL where printing it did not work. */
const char *printer_settle(Printer *printer, StrBuf *text, bool ok)
{
	const char *settled = ok ? arena_strndup(printer->arena, text->text, text->bytes) : NULL;
	strbuf_release(text);
	return settled;
}

const char *printer_expr(Printer *printer, Expr *e)
{
	StrBuf text = STRBUF_INIT;
	return printer_settle(printer, &text, print_expr(printer, e, &text));
}

/* As a condition beside others. */
const char *printer_condition(Printer *printer, Expr *e)
{
	const char *sql = printer_expr(printer, e);
	return sql && e->kind == EXPR_OR ? arena_printf(printer->arena, "(%s)", sql) : sql;
}

void from_add_where(Printer *printer, From *from, const char *condition)
{
	from->where = from->where ? arena_printf(printer->arena, "%s AND %s", from->where, condition) : condition;
}

const char *from_text(Printer *printer, const From *from)
{
	const char *where = from->where ? arena_printf(printer->arena, " WHERE %s", from->where) : "";
	return arena_printf(printer->arena, "%s%s%s", *from->from ? " FROM " : "", from->from, where);
}

/* In a join there must be something. */
const char *from_item(Printer *printer, const From *from)
{
	return *from->from ? from->from : arena_printf(printer->arena, "(SELECT 1) AS n%d", printer->next_name++);
}

bool printer_uses(const Printer *printer, ColumnId id) { return column_set_has(&printer->used, id); }

/* "t1.x AS c5, t1.y AS c6": the columns that somebody reads */
const char *printer_columns(Printer *printer, const Plan *plan)
{
	StrBuf list = STRBUF_INIT;
	for (int i = 0; i < plan->column_count; i++) {
		ColumnId id = plan->columns[i].id;
		if (!printer_uses(printer, id)) continue;
		const char *name = printer_name_of(printer, id);
		if (!name) {
			strbuf_release(&list);
			refuse(printer, plan->span, "a field of a ROW column");
			return NULL;
		}
		strbuf_printf(&list, "%s%s AS c%d", list.bytes ? ", " : "", name, id);
	}
	if (!list.bytes) strbuf_adds(&list, "1");
	return printer_settle(printer, &list, true);
}

void printer_name_columns(Printer *printer, const Plan *plan, const char *alias)
{
	for (int i = 0; i < plan->column_count; i++)
		printer_name(printer, plan->columns[i].id, arena_printf(printer->arena, "%s.c%d", alias, plan->columns[i].id));
}

/* ---- WITH ---- */

void printer_add_cte(Printer *printer, const char *head, const char *body)
{
	StrBuf *ctes = &printer->scope->ctes;
	strbuf_printf(ctes, "%s%s (%s)", ctes->bytes ? ", " : "", head, body);
}

/* A SELECT of its own, by name */
static bool close_select(Printer *printer, Plan *plan, From *out)
{
	const char *body = select_text(printer, plan);
	if (!body) return false;
	const char *name = arena_printf(printer->arena, "n%d", printer->next_name++);
	printer_add_cte(printer, arena_printf(printer->arena, "%s AS", name), body);
	printer_name_columns(printer, plan, name);
	*out = (From){.from = name};
	return true;
}

static const char *find_shared(const Printer *printer, const Plan *shared)
{
	for (const PrintScope *scope = printer->scope; scope; scope = scope->outer)
		for (int i = 0; i < scope->shared.count; i++)
			if (scope->shared.at[i] == shared) return scope->shared_names.at[i];
	return NULL;
}

static bool open_shared(Printer *printer, Plan *plan, From *out)
{
	const char *name = find_shared(printer, plan->shared);
	if (!name) {
		const char *body = select_text(printer, plan->shared);
		if (!body) return false;
		name = arena_printf(printer->arena, "n%d", printer->next_name++);
		printer_add_cte(printer, arena_printf(printer->arena, "%s AS MATERIALIZED", name), body);
		vec_push_in(printer->arena, &printer->scope->shared, (const Plan *)plan->shared);
		vec_push_in(printer->arena, &printer->scope->shared_names, name);
	}
	const char *alias = arena_printf(printer->arena, "n%d", printer->next_name++);
	for (int i = 0; i < plan->column_count; i++)
		printer_name(printer, plan->columns[i].id, arena_printf(printer->arena, "%s.c%d", alias, plan->shared_columns[i]));
	*out = (From){.from = arena_printf(printer->arena, "%s AS %s", name, alias)};
	return true;
}

/* A statement within the statement: WITH ... SELECT ... */
static const char *statement_text(Printer *printer, Plan *plan)
{
	PrintScope scope = {.outer = printer->scope, .ctes = STRBUF_INIT};
	int depth = printer->depth;
	printer->scope = &scope;
	printer->depth = 0;
	const char *body = select_text(printer, plan);
	if (body && scope.ctes.bytes) body = arena_printf(printer->arena, "WITH RECURSIVE %s %s", scope.ctes.text, body);
	strbuf_release(&scope.ctes);
	printer->scope = scope.outer;
	printer->depth = depth;
	return body;
}

bool print_subquery(Printer *printer, Plan *plan, StrBuf *out)
{
	const char *text = statement_text(printer, plan);
	if (text) strbuf_printf(out, "(%s)", text);
	return text != NULL;
}

/* ---- scans ---- */

static bool has_word(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (text && strcasestr(text, *words)) return true;
	return false;
}

/* Columns of the user's own tables may hold anything: what SQLite does not keep to its declared type is read by Weir. */
static bool needs_reading(Printer *printer, const char *table, const char *column, Type type)
{
	static const char *const TEXTS[] = {"char", "clob", "text", NULL}, *const REALS[] = {"real", "floa", "doub", NULL};
	const char *declared = NULL;
	sqlite3_table_column_metadata(printer->db, NULL, table, column, &declared, NULL, NULL, NULL, NULL);
	switch (type.kind) {
	case TYPE_INTEGER: return !declared || !strcasestr(declared, "int");
	case TYPE_TEXT: return !has_word(declared, TEXTS);
	case TYPE_REAL: return !has_word(declared, REALS);
	case TYPE_BLOB: return false;
	default: return true;
	}
}

static bool name_scanned(Printer *printer, const Plan *plan, int column, const char *table, const char *alias)
{
	const ScanColumn *scanned = &plan->scan_columns[column];
	const RelationColumn *declared = &plan->relation->columns[scanned->path.column];
	ColumnId id = plan->columns[column].id;
	Type type = plan->columns[column].type;
	if (scanned->path.field_count || !printer_uses(printer, id)) return true;          /* without a name it is refused where it is read */
	const char *plain = arena_printf(printer->arena, "%s.%s", alias, store_quoted(printer->arena, declared->name)), *decimals;
	bool is_outside = plan->relation->id == 0 && strncasecmp(table, "weir_", 5) != 0;
	bool as_text = type.kind == TYPE_DECIMAL && (decimals = relation_option(plan->relation, "decimals")) && strcmp(decimals, "text") == 0;
	if (as_text || (is_outside && needs_reading(printer, table, declared->name, type))) {
		StrBuf read = STRBUF_INIT;
		plain = printer_settle(printer, &read, print_read(printer, plain, type, &read));
	}
	if (plain) printer_name(printer, id, plain);
	return plain != NULL;
}

static bool open_scan(Printer *printer, Plan *plan, From *out)
{
	const AdhocOptions *options = printer->options;
	const char *table = options->table_of ? options->table_of(options->context, plan->relation) : plan->relation->name;
	if (!table) return refuse(printer, plan->span, "a relation without rows in the file");
	const char *alias = arena_printf(printer->arena, "t%d", printer->next_name++);
	*out = (From){.from = arena_printf(printer->arena, "%s AS %s", store_quoted(printer->arena, table), alias)};
	for (int i = 0; i < plan->column_count; i++)
		if (!name_scanned(printer, plan, i, table, alias)) return false;
	return true;
}

/* ---- functions that give rows ---- */

/* text: the call, or NULL where it could not be printed */
static bool add_rows(Printer *printer, From *out, const char *text, const PlanColumn *made, int made_count)
{
	const char *alias = arena_printf(printer->arena, "w%d", printer->next_name++);
	if (!text) return false;
	out->from = *out->from ? arena_printf(printer->arena, "%s JOIN %s AS %s", out->from, text, alias) : arena_printf(printer->arena, "%s AS %s", text, alias);
	for (int i = 0; i < made_count; i++) printer_name(printer, made[i].id, arena_printf(printer->arena, "%s.v%d", alias, i));
	return true;
}

static bool open_window(Printer *printer, Plan *plan, From *out)
{
	static const WindowKind KINDS[] = {[PLAN_WINDOW_TUMBLE] = WINDOW_TUMBLE, [PLAN_WINDOW_HOP] = WINDOW_HOP, [PLAN_WINDOW_CUMULATE] = WINDOW_CUMULATE};
	if (!from_open(printer, plan->inputs[0], out)) return false;
	ColumnId id = printer->next_column++;
	WindowSpec spec = {.in = {.layout = &id, .types = &plan->time->type, .column_count = 1}, .kind = KINDS[plan->window], .size_us = plan->size_us,
		.slide_us = plan->slide_us, .offset_us = plan->offset_us, .zone = plan->zone, .time = expr_column(printer->arena, id, plan->time->type, true, plan->span)};
	StrBuf call = STRBUF_INIT;
	const char *text = printer_settle(printer, &call, print_rows_call(printer, op_window_new(&spec), 1, &plan->time, 1, &call));
	return add_rows(printer, out, text, plan->columns + plan->column_count - 3, 3);
}

static bool open_expand(Printer *printer, Plan *plan, From *out)
{
	if (!from_open(printer, plan->inputs[0], out)) return false;
	int made = plan->column_count - plan->inputs[0]->column_count, passed = 0;
	Type *types = arena_array(printer->arena, Type, made + 1), *arg_types = arena_array(printer->arena, Type, plan->arg_count + 1);
	ColumnId *layout = arena_array(printer->arena, ColumnId, plan->arg_count + 1);
	Expr **args = arena_array(printer->arena, Expr *, plan->arg_count + 1), **values = arena_array(printer->arena, Expr *, plan->arg_count + 1);
	const PlanColumn *columns = plan->columns + plan->inputs[0]->column_count;
	for (int i = 0; i < made; i++) types[i] = columns[i].type;
	for (int i = 0; i < plan->arg_count; i++) {
		args[i] = plan->args[i];
		if (args[i]->kind == EXPR_CONSTANT) continue;
		layout[passed] = printer->next_column++;
		arg_types[passed] = args[i]->type;
		values[passed] = args[i];
		args[i] = expr_column(printer->arena, layout[passed++], plan->args[i]->type, true, plan->span);
	}
	ExpandSpec spec = {.kind = plan->expand, .in = {.layout = layout, .types = arg_types, .column_count = passed}, .args = args, .arg_count = plan->arg_count,
		.outer = plan->outer, .with_ordinality = plan->with_ordinality, .types = types, .type_count = made};
	StrBuf call = STRBUF_INIT;
	bool is_series = plan->expand == EXPAND_SERIES && types[0].kind == TYPE_INTEGER && !plan->outer;
	bool ok = is_series ? print_series_call(printer, plan->args, plan->arg_count, &call) : print_rows_call(printer, op_expand_new(&spec), passed, values, passed, &call);
	return add_rows(printer, out, printer_settle(printer, &call, ok), columns, made);
}

/* ---- recursion ---- */

/* SELECT ... of all terms of a UNION ALL, for the recursive part, joined by the recursion's own word */
static const char *step_text(Printer *printer, Plan *step, const char *word)
{
	if (step->kind != PLAN_UNION) return select_text(printer, step);
	const char *all = NULL;
	for (int i = 0; i < step->input_count; i++) {
		const char *term = select_text(printer, step->inputs[i]);
		if (!term) return NULL;
		all = all ? arena_printf(printer->arena, "%s %s %s", all, word, term) : term;
	}
	return all;
}

/* ORDER BY and LIMIT of a term would be those of the whole. */
static const char *seed_text(Printer *printer, Plan *seed)
{
	From from;
	if (seed->kind != PLAN_SORT && !(seed->kind == PLAN_PROJECT && seed->inputs[0]->kind == PLAN_SORT)) return select_text(printer, seed);
	if (!close_select(printer, seed, &from)) return NULL;
	const char *list = printer_columns(printer, seed);
	return list ? arena_printf(printer->arena, "SELECT %s%s", list, from_text(printer, &from)) : NULL;
}

static bool open_recursive(Printer *printer, Plan *plan, From *out)
{
	const char *name = arena_printf(printer->arena, "n%d", printer->next_name++), *word = plan->all ? "UNION ALL" : "UNION";
	const char *seed = seed_text(printer, plan->inputs[0]);
	printer_name_columns(printer, plan, name);                    /* STEP_INPUT finds the name here */
	const char *step = seed ? step_text(printer, plan->inputs[1], word) : NULL;
	if (!step) return false;
	StrBuf head = STRBUF_INIT;
	strbuf_printf(&head, "%s(", name);
	for (int i = 0; i < plan->column_count; i++) strbuf_printf(&head, "%sc%d", i ? ", " : "", plan->columns[i].id);
	strbuf_adds(&head, ") AS");
	printer_add_cte(printer, head.text, arena_printf(printer->arena, "%s %s %s", seed, word, step));
	strbuf_release(&head);
	printer_name_columns(printer, plan, name);
	*out = (From){.from = name};
	return true;
}

static bool open_step_input(Printer *printer, Plan *plan, From *out)
{
	const char *first = printer_name_of(printer, plan->shared->columns[0].id), *alias = arena_printf(printer->arena, "n%d", printer->next_name++);
	if (!first) return refuse(printer, plan->span, "this recursive query");
	for (int i = 0; i < plan->column_count; i++)
		printer_name(printer, plan->columns[i].id, arena_printf(printer->arena, "%s.c%d", alias, plan->shared_columns[i]));
	*out = (From){.from = arena_printf(printer->arena, "%.*s AS %s", (int)(strchr(first, '.') - first), first, alias)};
	return true;
}

/* ---- what can be added to a SELECT ---- */

/* A column from outside is made one of a SELECT of its own: SQLite's GROUP BY and ORDER BY see none of an outer query. */
static bool only_renames(const Plan *plan)
{
	for (int i = 0; i < plan->item_count; i++)
		if (plan->items[i].expr->kind != EXPR_COLUMN || !plan_column(plan->inputs[0], plan->items[i].expr->column)) return false;
	return true;
}

static bool open_filter(Printer *printer, Plan *plan, From *out)
{
	if (!from_open(printer, plan->inputs[0], out)) return false;
	const char *condition = printer_condition(printer, plan->condition);
	if (condition) from_add_where(printer, out, condition);
	return condition != NULL;
}

static bool open_renames(Printer *printer, Plan *plan, From *out)
{
	if (!from_open(printer, plan->inputs[0], out)) return false;
	const char **names = arena_array(printer->arena, const char *, plan->item_count + 1);
	for (int i = 0; i < plan->item_count; i++) names[i] = printer_name_of(printer, plan->items[i].expr->column);
	for (int i = 0; i < plan->item_count; i++) printer_name(printer, plan->items[i].id, names[i]);
	return true;
}

bool from_open(Printer *printer, Plan *plan, From *out)
{
	switch (plan->kind) {
	case PLAN_SCAN: return open_scan(printer, plan, out);
	case PLAN_FILTER: return open_filter(printer, plan, out);
	case PLAN_JOIN: return join_open(printer, plan, out);
	case PLAN_EXPAND: return open_expand(printer, plan, out);
	case PLAN_SHARED: return open_shared(printer, plan, out);
	case PLAN_RECURSIVE: return open_recursive(printer, plan, out);
	case PLAN_STEP_INPUT: return open_step_input(printer, plan, out);
	case PLAN_WINDOW: return plan->window == PLAN_WINDOW_SESSION ? close_select(printer, plan, out) : open_window(printer, plan, out);
	case PLAN_PROJECT: return only_renames(plan) ? open_renames(printer, plan, out) : close_select(printer, plan, out);
	case PLAN_VALUES:
		if (plan->column_count || plan->row_count != 1) return close_select(printer, plan, out);
		*out = (From){.from = ""};
		return true;
	default: return close_select(printer, plan, out);
	}
}

/* ---- SELECTs of their own ---- */

static const char *values_text(Printer *printer, const Plan *plan)
{
	StrBuf text = STRBUF_INIT;
	strbuf_adds(&text, "SELECT ");
	bool any = false;
	for (int i = 0; i < plan->column_count; i++) {
		ColumnId id = plan->columns[i].id;
		if (!printer_uses(printer, id)) continue;
		if (any) strbuf_adds(&text, ", ");
		if (plan->row_count) strbuf_printf(&text, "column%d AS c%d", i + 1, id);
		else strbuf_printf(&text, "NULL AS c%d", id);
		any = true;
	}
	if (!any) strbuf_addc(&text, '1');
	if (!plan->row_count) strbuf_adds(&text, " WHERE 0");
	for (int r = 0; r < plan->row_count; r++) {
		strbuf_adds(&text, r ? ", (" : " FROM (VALUES (");
		for (int i = 0; i < plan->column_count; i++) {
			if (i) strbuf_adds(&text, ", ");
			store_value_print_literal(&plan->values[r * plan->column_count + i], &text);
		}
		strbuf_adds(&text, plan->column_count ? ")" : "1)");
	}
	if (plan->row_count) strbuf_addc(&text, ')');
	return printer_settle(printer, &text, true);
}

/* "expr AS c7, ..."; the names are those of the input until all are printed. */
static const char *item_list(Printer *printer, const Plan *plan)
{
	StrBuf list = STRBUF_INIT;
	bool ok = true;
	for (int i = 0; i < plan->item_count && ok; i++) {
		if (!printer_uses(printer, plan->items[i].id)) continue;
		if (list.bytes) strbuf_adds(&list, ", ");
		ok = print_expr(printer, plan->items[i].expr, &list);
		strbuf_printf(&list, " AS c%d", plan->items[i].id);
	}
	if (!list.bytes) strbuf_addc(&list, '1');
	return printer_settle(printer, &list, ok);
}

void printer_direction(SortSpec spec, StrBuf *out)
{
	if (spec.descending) strbuf_adds(out, " DESC");
	if (spec.descending != spec.nulls_last) strbuf_adds(out, spec.nulls_last ? " NULLS LAST" : " NULLS FIRST");
}

/* A bare number would be the number of a column. */
bool printer_order(Printer *printer, const OpSortKey *order, int count, StrBuf *out)
{
	for (int i = 0; i < count; i++) {
		if (order[i].expr->kind == EXPR_CONSTANT) continue;
		if (out->bytes) strbuf_adds(out, ", ");
		if (!print_sortable(printer, order[i].expr, out)) return false;
		printer_direction(order[i].spec, out);
	}
	return true;
}

/* What comes first where the order leaves it open: by all columns, left to right. */
bool printer_ties(Printer *printer, const Plan *input, StrBuf *out)
{
	for (int i = 0; i < input->column_count; i++) {
		const PlanColumn *column = &input->columns[i];
		if (!printer_uses(printer, column->id)) continue;
		if (out->bytes) strbuf_adds(out, ", ");
		if (!print_sortable(printer, expr_column(printer->arena, column->id, column->type, column->nullable, SPAN_NONE), out)) return false;
	}
	return true;
}

/* The list is that of a projection above, or the sort's own columns. */
static const char *sort_text(Printer *printer, Plan *project, Plan *sort)
{
	From from;
	if (!from_open(printer, sort->inputs[0], &from)) return NULL;
	const char *list = project ? item_list(printer, project) : printer_columns(printer, sort);
	StrBuf order = STRBUF_INIT;
	bool ok = list && printer_order(printer, sort->order, sort->order_count, &order);
	if (ok && order.bytes && sort->limit >= 0) ok = printer_ties(printer, sort->inputs[0], &order);
	const char *by = printer_settle(printer, &order, ok);
	if (!by) return NULL;
	const char *text = arena_printf(printer->arena, "SELECT %s%s%s%s", list, from_text(printer, &from), *by ? " ORDER BY " : "", by);
	if (sort->limit >= 0 || sort->offset > 0) text = arena_printf(printer->arena, "%s LIMIT %lld", text, (long long)sort->limit);
	return sort->offset > 0 ? arena_printf(printer->arena, "%s OFFSET %lld", text, (long long)sort->offset) : text;
}

static const char *project_text(Printer *printer, Plan *plan)
{
	From from;
	if (plan->inputs[0]->kind == PLAN_SORT) return sort_text(printer, plan, plan->inputs[0]);
	if (!from_open(printer, plan->inputs[0], &from)) return NULL;
	const char *list = item_list(printer, plan);
	return list ? arena_printf(printer->arena, "SELECT %s%s", list, from_text(printer, &from)) : NULL;
}

static const char *plain_text(Printer *printer, Plan *plan)
{
	From from;
	if (!from_open(printer, plan, &from)) return NULL;
	const char *list = printer_columns(printer, plan);
	return list ? arena_printf(printer->arena, "SELECT %s%s", list, from_text(printer, &from)) : NULL;
}

/* ---- sets ---- */

/* "SELECT x AS c9 FROM ...": an input's columns under the union's names */
static const char *term_text(Printer *printer, const Plan *plan, Plan *input, const char *extra)
{
	From from;
	StrBuf list = STRBUF_INIT;
	if (!from_open(printer, input, &from)) return NULL;
	bool ok = true;
	for (int i = 0; i < plan->column_count && ok; i++) {
		if (!printer_uses(printer, plan->columns[i].id)) continue;
		const char *name = printer_name_of(printer, input->columns[i].id);
		ok = name || refuse(printer, plan->span, "a field of a ROW column");
		if (ok) strbuf_printf(&list, "%s%s AS c%d", list.bytes ? ", " : "", name, plan->columns[i].id);
	}
	if (!list.bytes) strbuf_addc(&list, '1');
	if (extra && ok) {
		strbuf_printf(&list, ", row_number() OVER (%s", plan->column_count ? "PARTITION BY " : "");
		for (int i = 0; i < plan->column_count; i++) strbuf_printf(&list, "%s%s", i ? ", " : "", printer_name_of(printer, input->columns[i].id));
		strbuf_printf(&list, ") AS %s", extra);
	}
	const char *columns = printer_settle(printer, &list, ok);
	return columns ? arena_printf(printer->arena, "SELECT %s%s", columns, from_text(printer, &from)) : NULL;
}

static const char *union_text(Printer *printer, Plan *plan)
{
	const char *all = NULL;
	for (int i = 0; i < plan->input_count; i++) {
		const char *term = term_text(printer, plan, plan->inputs[i], NULL);
		if (!term) return NULL;
		all = all ? arena_printf(printer->arena, "%s UNION ALL %s", all, term) : term;
	}
	return all;
}

/* ALL: copies are numbered, so that the n-th of one side meets the n-th of the other. */
static const char *setop_text(Printer *printer, Plan *plan)
{
	bool all = plan->setop == SETOP_INTERSECT_ALL || plan->setop == SETOP_EXCEPT_ALL;
	bool is_except = plan->setop == SETOP_EXCEPT || plan->setop == SETOP_EXCEPT_ALL;
	const char *left = term_text(printer, plan, plan->inputs[0], all ? "copy" : NULL);
	const char *right = left ? term_text(printer, plan, plan->inputs[1], all ? "copy" : NULL) : NULL;
	if (!right) return NULL;
	const char *text = arena_printf(printer->arena, "%s %s %s", left, is_except ? "EXCEPT" : "INTERSECT", right);
	if (!all) return text;
	const char *name = arena_printf(printer->arena, "n%d", printer->next_name++);
	printer_add_cte(printer, arena_printf(printer->arena, "%s AS", name), text);
	printer_name_columns(printer, plan, name);
	const char *list = printer_columns(printer, plan);
	return list ? arena_printf(printer->arena, "SELECT %s FROM %s", list, name) : NULL;
}

static const char *select_text(Printer *printer, Plan *plan)
{
	switch (plan->kind) {
	case PLAN_VALUES: return plan->column_count || plan->row_count != 1 ? values_text(printer, plan) : "SELECT 1";
	case PLAN_PROJECT: return project_text(printer, plan);
	case PLAN_AGGREGATE: return aggregate_text(printer, plan);
	case PLAN_SORT: return sort_text(printer, NULL, plan);
	case PLAN_OVER: return over_select_text(printer, plan);
	case PLAN_TOPN: return topn_text(printer, plan);
	case PLAN_UNION: return union_text(printer, plan);
	case PLAN_SETOP: return setop_text(printer, plan);
	case PLAN_WINDOW: return plan->window == PLAN_WINDOW_SESSION ? session_text(printer, plan) : plain_text(printer, plan);
	case PLAN_SCAN: case PLAN_FILTER: case PLAN_JOIN: case PLAN_EXPAND: case PLAN_SHARED: case PLAN_RECURSIVE: case PLAN_STEP_INPUT: return plain_text(printer, plan);
	default: return refuse(printer, plan->span, "this form of query"), NULL;
	}
}

/* ---- which columns are read ---- */

typedef struct Marking { Printer *printer; VEC(Plan *) nodes; } Marking;

static void mark_plan(Marking *marking, Plan *plan);

static bool mark_column(Expr *e, void *context)
{
	Marking *marking = context;
	Printer *printer = marking->printer;
	if (e->kind == EXPR_COLUMN) {
		column_set_add(printer->arena, &printer->used, e->column);
		if (e->column >= printer->next_column) printer->next_column = e->column + 1;
	}
	if (e->kind != EXPR_SUBQUERY) return true;
	for (int i = 0; e->subquery != SUBQUERY_EXISTS && i < e->plan->column_count; i++) column_set_add(printer->arena, &printer->used, e->plan->columns[i].id);
	mark_plan(marking, e->plan);
	return true;
}

static void mark_slot(Expr **slot, void *context) { expr_walk(*slot, mark_column, context); }

static void mark_plan(Marking *marking, Plan *plan)
{
	for (int i = 0; i < marking->nodes.count; i++)
		if (marking->nodes.at[i] == plan) return;
	vec_push(&marking->nodes, plan);
	for (int i = 0; i < plan->column_count; i++)
		if (plan->columns[i].id >= marking->printer->next_column) marking->printer->next_column = plan->columns[i].id + 1;
	plan_slots(plan, mark_slot, marking);
	for (int i = 0; i < plan->input_count; i++) mark_plan(marking, plan->inputs[i]);
	if (plan->kind == PLAN_SHARED) mark_plan(marking, plan->shared);
}

static bool mark_id(Printer *printer, ColumnId id)
{
	if (printer_uses(printer, id)) return false;
	column_set_add(printer->arena, &printer->used, id);
	return true;
}

/* Columns under other numbers below. */
static bool mark_below(Printer *printer, const Plan *plan)
{
	bool news = false;
	bool whole = plan->kind == PLAN_SETOP || plan->kind == PLAN_RECURSIVE || plan->kind == PLAN_STEP_INPUT;
	for (int c = 0; c < plan->column_count; c++) {
		if (whole) news |= mark_id(printer, plan->columns[c].id);
		if (!printer_uses(printer, plan->columns[c].id)) continue;
		if (plan->kind == PLAN_SHARED) news |= mark_id(printer, plan->shared_columns[c]);
		for (int i = 0; (whole || plan->kind == PLAN_UNION) && i < plan->input_count; i++) news |= mark_id(printer, plan->inputs[i]->columns[c].id);
	}
	return news;
}

static void mark_all(Printer *printer, Plan *root)
{
	Marking marking = {.printer = printer};
	for (int i = 0; i < root->column_count; i++) mark_id(printer, root->columns[i].id);
	mark_plan(&marking, root);
	for (bool news = true; news;) {
		news = false;
		for (int i = 0; i < marking.nodes.count; i++) news |= mark_below(printer, marking.nodes.at[i]);
	}
	vec_release(&marking.nodes);
}

bool print_plan(Printer *printer, Plan *plan, StrBuf *out)
{
	printer->next_column = 1;
	printer->next_name = 1;
	mark_all(printer, plan);
	const char *text = statement_text(printer, plan);
	if (text) strbuf_adds(out, text);
	return text != NULL;
}
