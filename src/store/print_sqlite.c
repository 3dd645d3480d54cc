/* Plans as SQLite's SQL.
 *
 * A node either adds to the FROM and WHERE of a SELECT under way (scans, filters, joins, table functions, projections that only rename) or is a
 * SELECT of its own, which then stands in the WITH of its statement under a name: nesting it where it is used would overflow the stack of
 * SQLite's parser, and SQLite flattens both alike. Columns are written as the printer's `names` say; every SELECT gives its columns out as
 * c<ColumnId>. Each subquery of an expression is a statement with a WITH of its own, in which columns from outside are seen. */
#include "store/adhoc_internal.h"

#include <string.h>
#include <strings.h>

#include "expr/aggregate.h"
#include "type/text.h"

struct PrintScope {
	PrintScope *outer;
	StrBuf ctes;                      /* "n1 AS (...), n2 AS (...)" */
	VEC(const Plan *) shared;
	VEC(const char *) shared_names;
};

/* A SELECT without its list. */
typedef struct From { const char *from, *where; } From;       /* from "": none; where NULL: none */

static bool open_from(Printer *printer, Plan *plan, From *out);
static const char *select_text(Printer *printer, Plan *plan);

/* ---- text ---- */

/* Detaches the text into the arena; NULL where printing it did not work. */
static const char *settle(Printer *printer, StrBuf *text, bool ok)
{
	const char *settled = ok ? arena_strndup(printer->arena, text->text, text->bytes) : NULL;
	strbuf_release(text);
	return settled;
}

static const char *expr_sql(Printer *printer, Expr *e)
{
	StrBuf text = STRBUF_INIT;
	return settle(printer, &text, print_expr(printer, e, &text));
}

/* As a condition beside others. */
static const char *condition_sql(Printer *printer, Expr *e)
{
	const char *sql = expr_sql(printer, e);
	return sql && e->kind == EXPR_OR ? arena_printf(printer->arena, "(%s)", sql) : sql;
}

static void add_where(Printer *printer, From *from, const char *condition)
{
	from->where = from->where ? arena_printf(printer->arena, "%s AND %s", from->where, condition) : condition;
}

static const char *from_sql(Printer *printer, const From *from)
{
	const char *where = from->where ? arena_printf(printer->arena, " WHERE %s", from->where) : "";
	return arena_printf(printer->arena, "%s%s%s", *from->from ? " FROM " : "", from->from, where);
}

/* In a join there must be something. */
static const char *from_item(Printer *printer, const From *from)
{
	return *from->from ? from->from : arena_printf(printer->arena, "(SELECT 1) AS n%d", printer->next_name++);
}

static bool is_used(const Printer *printer, ColumnId id) { return column_set_has(&printer->used, id); }

/* "t1.x AS c5, t1.y AS c6": the columns that somebody reads */
static const char *column_list(Printer *printer, const Plan *plan)
{
	StrBuf list = STRBUF_INIT;
	for (int i = 0; i < plan->column_count; i++) {
		ColumnId id = plan->columns[i].id;
		if (!is_used(printer, id)) continue;
		const char *name = printer_name_of(printer, id);
		if (!name) {
			strbuf_release(&list);
			refuse(printer, plan->span, "a field of a ROW column");
			return NULL;
		}
		strbuf_printf(&list, "%s%s AS c%d", list.bytes ? ", " : "", name, id);
	}
	if (!list.bytes) strbuf_adds(&list, "1");
	return settle(printer, &list, true);
}

static void name_columns(Printer *printer, const Plan *plan, const char *alias)
{
	for (int i = 0; i < plan->column_count; i++)
		printer_name(printer, plan->columns[i].id, arena_printf(printer->arena, "%s.c%d", alias, plan->columns[i].id));
}

/* ---- WITH ---- */

static void add_cte(Printer *printer, const char *head, const char *body)
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
	add_cte(printer, arena_printf(printer->arena, "%s AS", name), body);
	name_columns(printer, plan, name);
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
		add_cte(printer, arena_printf(printer->arena, "%s AS MATERIALIZED", name), body);
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
	if (scanned->path.field_count || !is_used(printer, id)) return true;          /* without a name it is refused where it is read */
	const char *plain = arena_printf(printer->arena, "%s.%s", alias, store_quoted(printer->arena, declared->name)), *decimals;
	bool is_outside = plan->relation->id == 0 && strncasecmp(table, "weir_", 5) != 0;
	bool as_text = type.kind == TYPE_DECIMAL && (decimals = relation_option(plan->relation, "decimals")) && strcmp(decimals, "text") == 0;
	if (as_text || (is_outside && needs_reading(printer, table, declared->name, type))) {
		StrBuf read = STRBUF_INIT;
		plain = settle(printer, &read, print_read(printer, plain, type, &read));
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

/* ---- joins ---- */

static bool join_side(Printer *printer, Plan *plan, bool keeps_where, From *out)
{
	if (!open_from(printer, plan, out)) return false;
	if (!out->where || keeps_where) return true;
	/* a condition below an outer join must be tested before it */
	const char *list = column_list(printer, plan);
	if (!list) return false;
	const char *name = arena_printf(printer->arena, "n%d", printer->next_name++);
	add_cte(printer, arena_printf(printer->arena, "%s AS", name), arena_printf(printer->arena, "SELECT %s%s", list, from_sql(printer, out)));
	name_columns(printer, plan, name);
	*out = (From){.from = name};
	return true;
}

static const char *parenthesized(Printer *printer, const char *from)
{
	return strstr(from, " JOIN ") ? arena_printf(printer->arena, "(%s)", from) : from;
}

/* A side of a FULL JOIN, made once: it is read twice. */
static const char *full_side(Printer *printer, Plan *plan)
{
	From from;
	if (!open_from(printer, plan, &from)) return NULL;
	const char *list = column_list(printer, plan), *name = arena_printf(printer->arena, "n%d", printer->next_name++);
	if (!list) return NULL;
	add_cte(printer, arena_printf(printer->arena, "%s AS MATERIALIZED", name), arena_printf(printer->arena, "SELECT %s, 1 AS here%s", list, from_sql(printer, &from)));
	name_columns(printer, plan, name);
	return name;
}

/* The left join, and the right side's rows that meet nothing. SQLite's own RIGHT and FULL JOIN (3.39, 3.40) give wrong rows as a part of a UNION
 * ALL that it flattens, so neither is used. */
static bool open_full_join(Printer *printer, Plan *plan, From *out)
{
	const char *left = full_side(printer, plan->inputs[0]), *right = left ? full_side(printer, plan->inputs[1]) : NULL;
	const char *condition = !right ? NULL : plan->condition ? expr_sql(printer, plan->condition) : "1";
	const char *list = condition ? column_list(printer, plan) : NULL, *name = arena_printf(printer->arena, "n%d", printer->next_name++);
	if (!list) return false;
	add_cte(printer, arena_printf(printer->arena, "%s AS", name), arena_printf(printer->arena,
		"SELECT %s FROM %s LEFT JOIN %s ON %s UNION ALL SELECT %s FROM %s LEFT JOIN %s ON %s WHERE %s.here IS NULL",
		list, left, right, condition, list, right, left, condition, left));
	name_columns(printer, plan, name);
	*out = (From){.from = name};
	return true;
}

/* A right join is a left join the other way round. */
static bool open_plain_join(Printer *printer, Plan *plan, From *out)
{
	From sides[2];
	bool inner = plan->join == JOIN_INNER;
	int first = plan->join == JOIN_RIGHT;
	if (!join_side(printer, plan->inputs[0], inner || first == 0, &sides[0]) || !join_side(printer, plan->inputs[1], inner || first == 1, &sides[1])) return false;
	const char *condition = plan->condition ? expr_sql(printer, plan->condition) : "1";
	if (!condition) return false;
	*out = (From){.from = arena_printf(printer->arena, "%s %s %s ON %s", from_item(printer, &sides[first]), inner ? "JOIN" : "LEFT JOIN",
		parenthesized(printer, from_item(printer, &sides[!first])), condition)};
	for (int i = 0; i < 2; i++)
		if (sides[i].where) add_where(printer, out, sides[i].where);
	return true;
}

/* SEMI, ANTI */
static bool open_exists(Printer *printer, Plan *plan, From *out)
{
	if (plan->null_aware_anti) return refuse(printer, plan->span, "this form of NOT IN");
	if (!open_from(printer, plan->inputs[0], out)) return false;
	PrintScope scope = {.outer = printer->scope, .ctes = STRBUF_INIT};
	From right;
	printer->scope = &scope;
	bool ok = open_from(printer, plan->inputs[1], &right);
	const char *condition = ok && plan->condition ? condition_sql(printer, plan->condition) : NULL;
	printer->scope = scope.outer;
	ok = ok && (condition || !plan->condition);
	if (ok) {
		if (condition) add_where(printer, &right, condition);
		const char *with = scope.ctes.bytes ? arena_printf(printer->arena, "WITH RECURSIVE %s ", scope.ctes.text) : "";
		add_where(printer, out, arena_printf(printer->arena, "%sEXISTS (%sSELECT 1%s)", plan->join == JOIN_ANTI ? "NOT " : "", with, from_sql(printer, &right)));
	}
	strbuf_release(&scope.ctes);
	return ok;
}

/* LATERAL: SQLite lets only arguments of table functions see what stands to the left. So for each row of the left side a scalar subquery packs
 * the rows of the right side into one value, and a table function unpacks it. */
static bool open_lateral(Printer *printer, Plan *plan, From *out)
{
	Plan *right = plan->inputs[1];
	if (plan->join != JOIN_INNER && plan->join != JOIN_LEFT) return refuse(printer, plan->span, "this form of LATERAL");
	if (!open_from(printer, plan->inputs[0], out)) return false;
	PrintScope scope = {.outer = printer->scope, .ctes = STRBUF_INIT};
	From from;
	printer->scope = &scope;
	bool ok = open_from(printer, right, &from);
	const char *condition = ok && plan->condition ? condition_sql(printer, plan->condition) : NULL;
	ok = ok && (condition || !plan->condition);
	if (ok && condition) add_where(printer, &from, condition);
	StrBuf call = STRBUF_INIT;
	VEC(ColumnId) ids = {0};
	for (int i = 0; i < right->column_count; i++)
		if (is_used(printer, right->columns[i].id)) vec_push_in(printer->arena, &ids, right->columns[i].id);
	ok = ok && print_packed(printer, right, ids.at, ids.count, plan->join == JOIN_LEFT, from_sql(printer, &from), scope.ctes.text, &call);
	printer->scope = scope.outer;
	const char *alias = arena_printf(printer->arena, "w%d", printer->next_name++);
	if (ok) out->from = arena_printf(printer->arena, "%s JOIN %s AS %s", from_item(printer, out), call.text, alias);
	for (int i = 0; ok && i < ids.count; i++) printer_name(printer, ids.at[i], arena_printf(printer->arena, "%s.v%d", alias, i));
	strbuf_release(&call);
	strbuf_release(&scope.ctes);
	return ok;
}

/* ---- ASOF: of the rows that match, the one whose time is nearest ---- */

static bool reads_only(Printer *printer, const Expr *e, const Plan *side)
{
	ColumnSet given = {0}, read = {0};
	plan_output_set(printer->arena, side, &given);
	expr_column_set(printer->arena, e, &read);
	return !column_set_is_empty(&read) && column_set_is_subset(&read, &given);
}

/* The time of the right side, and whether the latest is wanted (right <= left) or the first. */
static Expr *asof_time(Printer *printer, const Plan *plan, bool *latest)
{
	static const struct { const char *name; bool less; } COMPARISONS[] = {{"<", true}, {"<=", true}, {">", false}, {">=", false}};
	Exprs conjuncts = {0};
	expr_conjuncts(printer->arena, plan->condition, &conjuncts);
	for (int i = 0; i < conjuncts.count; i++)
		for (int c = 0; c < 4; c++) {
			Expr *e = conjuncts.at[i];
			if (!expr_is_call(e, COMPARISONS[c].name)) continue;
			bool right_first = reads_only(printer, e->args[0], plan->inputs[1]) && reads_only(printer, e->args[1], plan->inputs[0]);
			bool left_first = reads_only(printer, e->args[1], plan->inputs[1]) && reads_only(printer, e->args[0], plan->inputs[0]);
			if (!right_first && !left_first) continue;
			*latest = right_first == COMPARISONS[c].less;
			return e->args[right_first ? 0 : 1];
		}
	return NULL;
}

static bool open_asof(Printer *printer, Plan *plan, From *out)
{
	bool latest = true;
	Expr *time = asof_time(printer, plan, &latest);
	From left, right;
	if (!time) return refuse(printer, plan->span, "an ASOF JOIN without an inequality between its sides");
	if (!open_from(printer, plan->inputs[0], &left)) return false;
	const char *list = column_list(printer, plan->inputs[0]), *numbered = arena_printf(printer->arena, "n%d", printer->next_name++);
	if (!list) return false;
	add_cte(printer, arena_printf(printer->arena, "%s AS MATERIALIZED", numbered),
		arena_printf(printer->arena, "SELECT %s, row_number() OVER () AS nr%s", list, from_sql(printer, &left)));
	name_columns(printer, plan->inputs[0], numbered);
	if (!join_side(printer, plan->inputs[1], false, &right)) return false;
	const char *condition = expr_sql(printer, plan->condition);
	StrBuf order = STRBUF_INIT;
	bool ok = condition && print_sortable(printer, time, &order);
	if (ok) strbuf_adds(&order, latest ? " DESC" : "");
	for (int i = 0; ok && i < plan->inputs[1]->column_count; i++) {
		const PlanColumn *column = &plan->inputs[1]->columns[i];
		if (!is_used(printer, column->id)) continue;
		strbuf_adds(&order, ", ");
		ok = print_sortable(printer, expr_column(printer->arena, column->id, column->type, true, plan->span), &order);
	}
	const char *columns = ok ? column_list(printer, plan) : NULL, *name = arena_printf(printer->arena, "n%d", printer->next_name++);
	if (columns) {
		add_cte(printer, arena_printf(printer->arena, "%s AS", name), arena_printf(printer->arena,
			"SELECT %s, row_number() OVER (PARTITION BY %s.nr ORDER BY %s) AS nearest FROM %s %s %s ON %s", columns, numbered, order.text, numbered,
			plan->join == JOIN_LEFT ? "LEFT JOIN" : "JOIN", parenthesized(printer, from_item(printer, &right)), condition));
		name_columns(printer, plan, name);
		*out = (From){.from = name, .where = arena_printf(printer->arena, "%s.nearest = 1", name)};
	}
	strbuf_release(&order);
	return columns != NULL;
}

static bool open_join(Printer *printer, Plan *plan, From *out)
{
	if (plan->join_form == JOIN_FORM_TEMPORAL_EVENT) return refuse(printer, plan->span, "FOR SYSTEM_TIME AS OF an event time: the file has only the versions of now, so it");
	if (plan->join == JOIN_SEMI || plan->join == JOIN_ANTI) return open_exists(printer, plan, out);
	if (plan->join_form == JOIN_FORM_ASOF) return open_asof(printer, plan, out);
	if (plan->dependent) return open_lateral(printer, plan, out);
	return plan->join == JOIN_FULL ? open_full_join(printer, plan, out) : open_plain_join(printer, plan, out);
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
	if (!open_from(printer, plan->inputs[0], out)) return false;
	ColumnId id = printer->next_column++;
	WindowSpec spec = {.in = {.layout = &id, .types = &plan->time->type, .column_count = 1}, .kind = KINDS[plan->window], .size_us = plan->size_us,
		.slide_us = plan->slide_us, .offset_us = plan->offset_us, .zone = plan->zone, .time = expr_column(printer->arena, id, plan->time->type, true, plan->span)};
	StrBuf call = STRBUF_INIT;
	const char *text = settle(printer, &call, print_rows_call(printer, op_window_new(&spec), 1, &plan->time, 1, &call));
	return add_rows(printer, out, text, plan->columns + plan->column_count - 3, 3);
}

static bool open_expand(Printer *printer, Plan *plan, From *out)
{
	if (!open_from(printer, plan->inputs[0], out)) return false;
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
	return add_rows(printer, out, settle(printer, &call, ok), columns, made);
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
	const char *list = column_list(printer, seed);
	return list ? arena_printf(printer->arena, "SELECT %s%s", list, from_sql(printer, &from)) : NULL;
}

static bool open_recursive(Printer *printer, Plan *plan, From *out)
{
	const char *name = arena_printf(printer->arena, "n%d", printer->next_name++), *word = plan->all ? "UNION ALL" : "UNION";
	const char *seed = seed_text(printer, plan->inputs[0]);
	name_columns(printer, plan, name);                    /* STEP_INPUT finds the name here */
	const char *step = seed ? step_text(printer, plan->inputs[1], word) : NULL;
	if (!step) return false;
	StrBuf head = STRBUF_INIT;
	strbuf_printf(&head, "%s(", name);
	for (int i = 0; i < plan->column_count; i++) strbuf_printf(&head, "%sc%d", i ? ", " : "", plan->columns[i].id);
	strbuf_adds(&head, ") AS");
	add_cte(printer, head.text, arena_printf(printer->arena, "%s %s %s", seed, word, step));
	strbuf_release(&head);
	name_columns(printer, plan, name);
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

static bool only_renames(const Plan *plan)
{
	for (int i = 0; i < plan->item_count; i++)
		if (plan->items[i].expr->kind != EXPR_COLUMN) return false;
	return true;
}

static bool open_filter(Printer *printer, Plan *plan, From *out)
{
	if (!open_from(printer, plan->inputs[0], out)) return false;
	const char *condition = condition_sql(printer, plan->condition);
	if (condition) add_where(printer, out, condition);
	return condition != NULL;
}

static bool open_renames(Printer *printer, Plan *plan, From *out)
{
	if (!open_from(printer, plan->inputs[0], out)) return false;
	const char **names = arena_array(printer->arena, const char *, plan->item_count + 1);
	for (int i = 0; i < plan->item_count; i++) names[i] = printer_name_of(printer, plan->items[i].expr->column);
	for (int i = 0; i < plan->item_count; i++) printer_name(printer, plan->items[i].id, names[i]);
	return true;
}

static bool open_from(Printer *printer, Plan *plan, From *out)
{
	switch (plan->kind) {
	case PLAN_SCAN: return open_scan(printer, plan, out);
	case PLAN_FILTER: return open_filter(printer, plan, out);
	case PLAN_JOIN: return open_join(printer, plan, out);
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
		if (!is_used(printer, id)) continue;
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
	return settle(printer, &text, true);
}

/* "expr AS c7, ..."; the names are those of the input until all are printed. */
static const char *item_list(Printer *printer, const Plan *plan)
{
	StrBuf list = STRBUF_INIT;
	bool ok = true;
	for (int i = 0; i < plan->item_count && ok; i++) {
		if (!is_used(printer, plan->items[i].id)) continue;
		if (list.bytes) strbuf_adds(&list, ", ");
		ok = print_expr(printer, plan->items[i].expr, &list);
		strbuf_printf(&list, " AS c%d", plan->items[i].id);
	}
	if (!list.bytes) strbuf_addc(&list, '1');
	return settle(printer, &list, ok);
}

static void print_direction(SortSpec spec, StrBuf *out)
{
	if (spec.descending) strbuf_adds(out, " DESC");
	if (spec.descending != spec.nulls_last) strbuf_adds(out, spec.nulls_last ? " NULLS LAST" : " NULLS FIRST");
}

/* A bare number would be the number of a column. */
static bool print_order(Printer *printer, const OpSortKey *order, int count, StrBuf *out)
{
	for (int i = 0; i < count; i++) {
		if (order[i].expr->kind == EXPR_CONSTANT) continue;
		if (out->bytes) strbuf_adds(out, ", ");
		if (!print_sortable(printer, order[i].expr, out)) return false;
		print_direction(order[i].spec, out);
	}
	return true;
}

/* What comes first where the order leaves it open: by all columns, left to right. */
static bool print_ties(Printer *printer, const Plan *input, StrBuf *out)
{
	for (int i = 0; i < input->column_count; i++) {
		const PlanColumn *column = &input->columns[i];
		if (!is_used(printer, column->id)) continue;
		if (out->bytes) strbuf_adds(out, ", ");
		if (!print_sortable(printer, expr_column(printer->arena, column->id, column->type, column->nullable, SPAN_NONE), out)) return false;
	}
	return true;
}

/* The list is that of a projection above, or the sort's own columns. */
static const char *sort_text(Printer *printer, Plan *project, Plan *sort)
{
	From from;
	if (!open_from(printer, sort->inputs[0], &from)) return NULL;
	const char *list = project ? item_list(printer, project) : column_list(printer, sort);
	StrBuf order = STRBUF_INIT;
	bool ok = list && print_order(printer, sort->order, sort->order_count, &order);
	if (ok && order.bytes && sort->limit >= 0) ok = print_ties(printer, sort->inputs[0], &order);
	const char *by = settle(printer, &order, ok);
	if (!by) return NULL;
	const char *text = arena_printf(printer->arena, "SELECT %s%s%s%s", list, from_sql(printer, &from), *by ? " ORDER BY " : "", by);
	if (sort->limit >= 0 || sort->offset > 0) text = arena_printf(printer->arena, "%s LIMIT %lld", text, (long long)sort->limit);
	return sort->offset > 0 ? arena_printf(printer->arena, "%s OFFSET %lld", text, (long long)sort->offset) : text;
}

static const char *project_text(Printer *printer, Plan *plan)
{
	From from;
	if (plan->inputs[0]->kind == PLAN_SORT) return sort_text(printer, plan, plan->inputs[0]);
	if (!open_from(printer, plan->inputs[0], &from)) return NULL;
	const char *list = item_list(printer, plan);
	return list ? arena_printf(printer->arena, "SELECT %s%s", list, from_sql(printer, &from)) : NULL;
}

static const char *plain_text(Printer *printer, Plan *plan)
{
	From from;
	if (!open_from(printer, plan, &from)) return NULL;
	const char *list = column_list(printer, plan);
	return list ? arena_printf(printer->arena, "SELECT %s%s", list, from_sql(printer, &from)) : NULL;
}

/* ---- GROUP BY ---- */

static bool needs_order(const AggregateCall *call)
{
	return !call->aggregate->state_bytes || (call->aggregate->ordered_result && call->order_count && call->aggregate->obeys_order);
}

/* Columns that the node reads, left to right, without its keys: what decides order where nothing else does. */
static void find_ties(Printer *printer, const Plan *plan, Exprs *out)
{
	ColumnSet read = {0}, keys = {0};
	bool needed = false;
	for (int i = 0; i < plan->item_count; i++) {
		expr_column_set(printer->arena, plan->items[i].expr, &read);
		if (plan->items[i].expr->kind == EXPR_COLUMN) column_set_add(printer->arena, &keys, plan->items[i].expr->column);
	}
	for (int i = 0; i < plan->call_count; i++) {
		const AggregateCall *call = &plan->calls[i].call;
		needed |= needs_order(call);
		for (int a = 0; a < call->arg_count; a++) expr_column_set(printer->arena, call->args[a], &read);
		for (int o = 0; o < call->order_count; o++) expr_column_set(printer->arena, call->order[o].expr, &read);
		if (call->filter) expr_column_set(printer->arena, call->filter, &read);
	}
	const Plan *input = plan->inputs[0];
	for (int i = 0; needed && i < input->column_count; i++) {
		const PlanColumn *column = &input->columns[i];
		if (!column_set_has(&read, column->id) || column_set_has(&keys, column->id)) continue;
		vec_push_in(printer->arena, out, expr_column(printer->arena, column->id, column->type, column->nullable, plan->span));
	}
}

static const char *aggregate_text(Printer *printer, Plan *plan)
{
	From from;
	Exprs ties = {0};
	StrBuf list = STRBUF_INIT, group = STRBUF_INIT;
	if (plan->grouping_set_count) return refuse(printer, plan->span, "this form of GROUPING SETS"), NULL;
	bool ok = open_from(printer, plan->inputs[0], &from);
	find_ties(printer, plan, &ties);
	for (int i = 0; i < plan->item_count && ok; i++) {
		Expr *key = plan->items[i].expr;
		const char *text = expr_sql(printer, key);
		ok = text != NULL;
		if (!ok) break;
		if (is_used(printer, plan->items[i].id)) strbuf_printf(&list, "%s%s AS c%d", list.bytes ? ", " : "", text, plan->items[i].id);
		if (key->kind != EXPR_CONSTANT) strbuf_printf(&group, "%s%s", group.bytes ? ", " : "", text);
	}
	for (int i = 0; i < plan->call_count && ok; i++) {
		if (!is_used(printer, plan->calls[i].id)) continue;
		if (list.bytes) strbuf_adds(&list, ", ");
		ok = print_aggregate(printer, &plan->calls[i].call, ties.at, ties.count, NULL, USE_GROUP, &list);
		strbuf_printf(&list, " AS c%d", plan->calls[i].id);
	}
	if (!list.bytes) strbuf_adds(&list, plan->global ? "count(*)" : "1");
	const char *columns = settle(printer, &list, ok), *keys = settle(printer, &group, ok);
	if (!ok) return NULL;
	/* grouped by constants alone: a row, but none of no rows */
	const char *tail = *keys ? arena_printf(printer->arena, " GROUP BY %s", keys) : plan->global ? "" : " HAVING count(*) > 0";
	return arena_printf(printer->arena, "SELECT %s%s%s", columns, from_sql(printer, &from), tail);
}

/* ---- OVER ---- */

static bool print_partition(Printer *printer, Expr **partition, int count, StrBuf *out)
{
	for (int i = 0; i < count; i++) {
		strbuf_adds(out, i ? ", " : "PARTITION BY ");
		if (!print_expr(printer, partition[i], out)) return false;
	}
	return true;
}

/* Distance of a RANGE frame in the unit that print_range_key gives; elsewhere a number. */
static bool print_offset(Printer *printer, const Value *offset, Span span, StrBuf *out)
{
	int64_t us;
	if (offset->type.kind != TYPE_INTERVAL) {
		store_value_print_literal(offset, out);
		return true;
	}
	if (!interval_to_us(offset->interval, &us)) return refuse(printer, span, "a frame of months or years");
	strbuf_printf(out, "%lld", (long long)us);
	return true;
}

static bool print_bound(Printer *printer, FrameBound bound, const Value *offset, Span span, StrBuf *out)
{
	switch (bound) {
	case BOUND_UNBOUNDED_PRECEDING: strbuf_adds(out, "UNBOUNDED PRECEDING"); return true;
	case BOUND_CURRENT_ROW: strbuf_adds(out, "CURRENT ROW"); return true;
	case BOUND_UNBOUNDED_FOLLOWING: strbuf_adds(out, "UNBOUNDED FOLLOWING"); return true;
	default:
		if (!print_offset(printer, offset, span, out)) return false;
		strbuf_adds(out, bound == BOUND_PRECEDING ? " PRECEDING" : " FOLLOWING");
		return true;
	}
}

static bool print_frame(Printer *printer, const Frame *frame, Span span, StrBuf *out)
{
	static const char *const UNITS[] = {[FRAME_ROWS] = "ROWS", [FRAME_RANGE] = "RANGE", [FRAME_GROUPS] = "GROUPS"};
	static const char *const EXCLUDES[] = {[EXCLUDE_NO_OTHERS] = "", [EXCLUDE_CURRENT_ROW] = " EXCLUDE CURRENT ROW", [EXCLUDE_GROUP] = " EXCLUDE GROUP",
		[EXCLUDE_TIES] = " EXCLUDE TIES"};
	strbuf_printf(out, " %s BETWEEN ", UNITS[frame->unit]);
	if (!print_bound(printer, frame->start, &frame->start_offset, span, out)) return false;
	strbuf_adds(out, " AND ");
	if (!print_bound(printer, frame->end, &frame->end_offset, span, out)) return false;
	strbuf_adds(out, EXCLUDES[frame->exclude]);
	return true;
}

static bool has_offset(const Frame *frame)
{
	return frame->start == BOUND_PRECEDING || frame->start == BOUND_FOLLOWING || frame->end == BOUND_PRECEDING || frame->end == BOUND_FOLLOWING;
}

static bool has_frame(const OverCall *call) { return call->kind >= OVER_FIRST_VALUE; }

/* Peers are told apart only by functions that go row by row. */
static bool goes_by_row(const OverCall *call)
{
	switch (call->kind) {
	case OVER_ROW_NUMBER: case OVER_NTILE: case OVER_LAG: case OVER_LEAD: return true;
	case OVER_RANK: case OVER_DENSE_RANK: case OVER_PERCENT_RANK: case OVER_CUME_DIST: return false;
	case OVER_AGGREGATE: case OVER_FIRST_VALUE: case OVER_LAST_VALUE:
		if (call->frame.start == BOUND_UNBOUNDED_PRECEDING && call->frame.end == BOUND_UNBOUNDED_FOLLOWING && call->frame.exclude == EXCLUDE_NO_OTHERS) return false;
		return call->frame.unit == FRAME_ROWS;
	default: return call->frame.unit == FRAME_ROWS;
	}
}

/* " OVER (PARTITION BY ... ORDER BY ... frame)" */
static const char *over_text(Printer *printer, const Plan *plan, const OverCall *call)
{
	StrBuf order = STRBUF_INIT, text = STRBUF_INIT;
	bool ok;
	if (has_frame(call) && call->frame.unit == FRAME_RANGE && has_offset(&call->frame) && plan->order_count == 1) {
		ok = print_range_key(printer, plan->order[0].expr, &order);
		print_direction(plan->order[0].spec, &order);
	} else ok = print_order(printer, plan->order, plan->order_count, &order);
	if (ok && goes_by_row(call)) ok = print_ties(printer, plan->inputs[0], &order);
	strbuf_adds(&text, " OVER (");
	ok = ok && print_partition(printer, plan->partition, plan->partition_count, &text);
	if (order.bytes) strbuf_printf(&text, "%sORDER BY %s", plan->partition_count ? " " : "", order.text);
	if (ok && has_frame(call)) ok = print_frame(printer, &call->frame, plan->span, &text);
	strbuf_addc(&text, ')');
	strbuf_release(&order);
	return settle(printer, &text, ok);
}

static bool over_needs_ties(const AggregateCall *call) { return call->aggregate && needs_order(call); }

/* Aggregates; and first_value, last_value, which are the table's ordered aggregates over the frame: so that ties are decided as elsewhere. */
static bool print_over_aggregate(Printer *printer, const Plan *plan, const OverCall *call, const char *over, StrBuf *out)
{
	AggregateCall aggregate = call->aggregate;
	Exprs ties = {0};
	if (call->kind != OVER_AGGREGATE) aggregate.aggregate = aggregate_find(call->kind == OVER_FIRST_VALUE ? "first_value" : "last_value");
	if (aggregate.aggregate->obeys_order) {
		aggregate.order = plan->order;
		aggregate.order_count = plan->order_count;
	}
	const Plan *input = plan->inputs[0];
	for (int i = 0; over_needs_ties(&aggregate) && i < input->column_count; i++)
		if (is_used(printer, input->columns[i].id))
			vec_push_in(printer->arena, &ties, expr_column(printer->arena, input->columns[i].id, input->columns[i].type, true, plan->span));
	AggregateUse use = call->frame.start == BOUND_UNBOUNDED_PRECEDING ? USE_GROWING_FRAME : USE_MOVING_FRAME;
	return print_aggregate(printer, &aggregate, ties.at, ties.count, over, use, out);
}

static bool print_over_call(Printer *printer, const Plan *plan, const OverCall *call, StrBuf *out)
{
	static const char *const NAMES[] = {[OVER_ROW_NUMBER] = "row_number", [OVER_RANK] = "rank", [OVER_DENSE_RANK] = "dense_rank",
		[OVER_PERCENT_RANK] = "percent_rank", [OVER_CUME_DIST] = "cume_dist", [OVER_NTILE] = "ntile", [OVER_LAG] = "lag", [OVER_LEAD] = "lead",
		[OVER_NTH_VALUE] = "nth_value"};
	const AggregateCall *inner = &call->aggregate;
	const char *over = over_text(printer, plan, call);
	if (!over) return false;
	if (call->kind == OVER_AGGREGATE || call->kind == OVER_FIRST_VALUE || call->kind == OVER_LAST_VALUE) return print_over_aggregate(printer, plan, call, over, out);
	if (inner->ignore_nulls) return refuse(printer, plan->span, "IGNORE NULLS of lag, lead and nth_value");
	strbuf_printf(out, "%s(", NAMES[call->kind]);
	for (int i = 0; i < inner->arg_count; i++) {
		if (i) strbuf_adds(out, ", ");
		if (!print_expr(printer, inner->args[i], out)) return false;
	}
	strbuf_printf(out, ")%s", over);
	return true;
}

static const char *over_select_text(Printer *printer, Plan *plan)
{
	From from;
	if (!open_from(printer, plan->inputs[0], &from)) return NULL;
	const char *columns = column_list(printer, plan->inputs[0]);
	StrBuf list = STRBUF_INIT;
	bool ok = columns != NULL;
	for (int i = 0; i < plan->over_call_count && ok; i++) {
		if (!is_used(printer, plan->over_calls[i].id)) continue;
		strbuf_adds(&list, ", ");
		ok = print_over_call(printer, plan, &plan->over_calls[i].call, &list);
		strbuf_printf(&list, " AS c%d", plan->over_calls[i].id);
	}
	const char *calls = settle(printer, &list, ok);
	return calls ? arena_printf(printer->arena, "SELECT %s%s%s", columns, calls, from_sql(printer, &from)) : NULL;
}

static const char *topn_text(Printer *printer, Plan *plan)
{
	static const char *const RANKS[] = {[TOPN_ROW_NUMBER] = "row_number", [TOPN_RANK] = "rank", [TOPN_DENSE_RANK] = "dense_rank"};
	From from;
	StrBuf order = STRBUF_INIT, over = STRBUF_INIT;
	if (!open_from(printer, plan->inputs[0], &from)) return NULL;
	const char *list = column_list(printer, plan->inputs[0]);
	bool ok = list && print_order(printer, plan->order, plan->order_count, &order);
	if (ok && plan->rank == TOPN_ROW_NUMBER) ok = print_ties(printer, plan->inputs[0], &order);
	ok = ok && print_partition(printer, plan->partition, plan->partition_count, &over);
	if (order.bytes) strbuf_printf(&over, "%sORDER BY %s", over.bytes ? " " : "", order.text);
	strbuf_release(&order);
	const char *window = settle(printer, &over, ok);
	if (!window) return NULL;
	const char *name = arena_printf(printer->arena, "n%d", printer->next_name++);
	add_cte(printer, arena_printf(printer->arena, "%s AS", name),
		arena_printf(printer->arena, "SELECT %s, %s() OVER (%s) AS place%s", list, RANKS[plan->rank], window, from_sql(printer, &from)));
	name_columns(printer, plan, name);
	if (plan->rank_column) printer_name(printer, plan->rank_column, arena_printf(printer->arena, "%s.place", name));
	const char *columns = column_list(printer, plan);
	if (!columns) return NULL;
	const char *upper = plan->limit >= 0 ? arena_printf(printer->arena, " AND %s.place <= %lld", name, (long long)(plan->offset + plan->limit)) : "";
	return arena_printf(printer->arena, "SELECT %s FROM %s WHERE %s.place > %lld%s", columns, name, name, (long long)plan->offset, upper);
}

/* ---- sets ---- */

/* "SELECT x AS c9 FROM ...": an input's columns under the union's names */
static const char *term_text(Printer *printer, const Plan *plan, Plan *input, const char *extra)
{
	From from;
	StrBuf list = STRBUF_INIT;
	if (!open_from(printer, input, &from)) return NULL;
	bool ok = true;
	for (int i = 0; i < plan->column_count && ok; i++) {
		if (!is_used(printer, plan->columns[i].id)) continue;
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
	const char *columns = settle(printer, &list, ok);
	return columns ? arena_printf(printer->arena, "SELECT %s%s", columns, from_sql(printer, &from)) : NULL;
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
	add_cte(printer, arena_printf(printer->arena, "%s AS", name), text);
	name_columns(printer, plan, name);
	const char *list = column_list(printer, plan);
	return list ? arena_printf(printer->arena, "SELECT %s FROM %s", list, name) : NULL;
}

/* ---- SESSION: a row begins a session where the one before it is more than the gap ago ---- */

static Expr *time_plus(Printer *printer, Expr *time, int64_t us)
{
	Value by = {.type = TYPE(INTERVAL), .interval = {.us = us}};
	Expr *args[2] = {time, expr_constant(printer->arena, &by, SPAN_NONE)};
	return expr_call(printer->arena, "+", args, 2, SPAN_NONE, printer->err);
}

/* A column of the helper SELECTs: text is how it is written. */
static Expr *helper_column(Printer *printer, const char *text)
{
	ColumnId id = printer->next_column++;
	printer_name(printer, id, text);
	return expr_column(printer->arena, id, TYPE(TIMESTAMP), true, SPAN_NONE);
}

static const char *session_text(Printer *printer, Plan *plan)
{
	From from;
	Plan *input = plan->inputs[0];
	if (!open_from(printer, input, &from)) return NULL;
	const char *list = column_list(printer, input), *time = expr_sql(printer, plan->time);
	StrBuf keys = STRBUF_INIT, key_names = STRBUF_INIT;
	bool ok = list && time;
	for (int i = 0; i < plan->partition_count && ok; i++) {
		strbuf_adds(&keys, ", ");
		ok = print_expr(printer, plan->partition[i], &keys);
		strbuf_printf(&keys, " AS k%d", i);
		strbuf_printf(&key_names, "k%d, ", i);
	}
	const char *key_list = settle(printer, &keys, ok), *names = settle(printer, &key_names, ok);
	if (!ok) return NULL;
	const char *a = arena_printf(printer->arena, "n%d", printer->next_name++), *b = arena_printf(printer->arena, "n%d", printer->next_name++);
	const char *c = arena_printf(printer->arena, "n%d", printer->next_name++), *d = arena_printf(printer->arena, "n%d", printer->next_name++);
	add_where(printer, &from, arena_printf(printer->arena, "%s IS NOT NULL", time));
	add_cte(printer, arena_printf(printer->arena, "%s AS", a), arena_printf(printer->arena, "SELECT %s%s, %s AS st%s", list, key_list, time, from_sql(printer, &from)));
	add_cte(printer, arena_printf(printer->arena, "%s AS", b),
		arena_printf(printer->arena, "SELECT *, lag(st) OVER (PARTITION BY %s1 ORDER BY st) AS sp FROM %s", names, a));
	const char *reach = expr_sql(printer, time_plus(printer, helper_column(printer, "sp"), plan->size_us));
	add_cte(printer, arena_printf(printer->arena, "%s AS", c), arena_printf(printer->arena,
		"SELECT *, sum(CASE WHEN st <= %s THEN 0 ELSE 1 END) OVER (PARTITION BY %s1 ORDER BY st ROWS UNBOUNDED PRECEDING) AS sn FROM %s", reach ? reach : "", names, b));
	add_cte(printer, arena_printf(printer->arena, "%s AS", d), arena_printf(printer->arena,
		"SELECT *, min(st) OVER (PARTITION BY %ssn) AS sb, max(st) OVER (PARTITION BY %ssn) AS sl FROM %s", names, names, c));
	name_columns(printer, input, d);
	Expr *last = helper_column(printer, "sl");
	const char *end = expr_sql(printer, time_plus(printer, last, plan->size_us)), *within = expr_sql(printer, time_plus(printer, last, plan->size_us - 1000));
	if (!reach || !end || !within) return NULL;
	printer_name(printer, plan->window_start, "sb");
	printer_name(printer, plan->window_end, end);
	printer_name(printer, plan->window_time, within);
	const char *columns = column_list(printer, plan);
	return columns ? arena_printf(printer->arena, "SELECT %s FROM %s", columns, d) : NULL;
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
	if (is_used(printer, id)) return false;
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
		if (!is_used(printer, plan->columns[c].id)) continue;
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
