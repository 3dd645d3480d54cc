/* Joins as SQLite has them, and those that it has not: FULL, LATERAL, ASOF. */
#include "store/print_plan.h"

#include <string.h>

static bool join_side(Printer *printer, Plan *plan, bool keeps_where, From *out)
{
	if (!from_open(printer, plan, out)) return false;
	if (!out->where || keeps_where) return true;
	/* a condition below an outer join must be tested before it */
	const char *list = printer_columns(printer, plan);
	if (!list) return false;
	const char *name = arena_printf(printer->arena, "n%d", printer->next_name++);
	printer_add_cte(printer, arena_printf(printer->arena, "%s AS", name), arena_printf(printer->arena, "SELECT %s%s", list, from_text(printer, out)));
	printer_name_columns(printer, plan, name);
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
	if (!from_open(printer, plan, &from)) return NULL;
	const char *list = printer_columns(printer, plan), *name = arena_printf(printer->arena, "n%d", printer->next_name++);
	if (!list) return NULL;
	printer_add_cte(printer, arena_printf(printer->arena, "%s AS MATERIALIZED", name), arena_printf(printer->arena, "SELECT %s, 1 AS here%s", list, from_text(printer, &from)));
	printer_name_columns(printer, plan, name);
	return name;
}

/* The left join, and the right side's rows that meet nothing. SQLite's own RIGHT and FULL JOIN (3.39, 3.40) give wrong rows as a part of a UNION
 * ALL that it flattens, so neither is used. */
static bool open_full_join(Printer *printer, Plan *plan, From *out)
{
	const char *left = full_side(printer, plan->inputs[0]), *right = left ? full_side(printer, plan->inputs[1]) : NULL;
	const char *condition = !right ? NULL : plan->condition ? printer_expr(printer, plan->condition) : "1";
	const char *list = condition ? printer_columns(printer, plan) : NULL, *name = arena_printf(printer->arena, "n%d", printer->next_name++);
	if (!list) return false;
	printer_add_cte(printer, arena_printf(printer->arena, "%s AS", name), arena_printf(printer->arena,
		"SELECT %s FROM %s LEFT JOIN %s ON %s UNION ALL SELECT %s FROM %s LEFT JOIN %s ON %s WHERE %s.here IS NULL",
		list, left, right, condition, list, right, left, condition, left));
	printer_name_columns(printer, plan, name);
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
	const char *condition = plan->condition ? printer_expr(printer, plan->condition) : "1";
	if (!condition) return false;
	*out = (From){.from = arena_printf(printer->arena, "%s %s %s ON %s", from_item(printer, &sides[first]), inner ? "JOIN" : "LEFT JOIN",
		parenthesized(printer, from_item(printer, &sides[!first])), condition)};
	for (int i = 0; i < 2; i++)
		if (sides[i].where) from_add_where(printer, out, sides[i].where);
	return true;
}

/* SEMI, ANTI */
static bool open_exists(Printer *printer, Plan *plan, From *out)
{
	if (plan->null_aware_anti) return refuse(printer, plan->span, "this form of NOT IN");
	if (!from_open(printer, plan->inputs[0], out)) return false;
	PrintScope scope = {.outer = printer->scope, .ctes = STRBUF_INIT};
	From right;
	printer->scope = &scope;
	bool ok = from_open(printer, plan->inputs[1], &right);
	const char *condition = ok && plan->condition ? printer_condition(printer, plan->condition) : NULL;
	printer->scope = scope.outer;
	ok = ok && (condition || !plan->condition);
	if (ok) {
		if (condition) from_add_where(printer, &right, condition);
		const char *with = scope.ctes.bytes ? arena_printf(printer->arena, "WITH RECURSIVE %s ", scope.ctes.text) : "";
		from_add_where(printer, out, arena_printf(printer->arena, "%sEXISTS (%sSELECT 1%s)", plan->join == JOIN_ANTI ? "NOT " : "", with, from_text(printer, &right)));
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
	if (!from_open(printer, plan->inputs[0], out)) return false;
	PrintScope scope = {.outer = printer->scope, .ctes = STRBUF_INIT};
	From from;
	printer->scope = &scope;
	bool ok = from_open(printer, right, &from);
	const char *condition = ok && plan->condition ? printer_condition(printer, plan->condition) : NULL;
	ok = ok && (condition || !plan->condition);
	if (ok && condition) from_add_where(printer, &from, condition);
	StrBuf call = STRBUF_INIT;
	VEC(ColumnId) ids = {0};
	for (int i = 0; i < right->column_count; i++)
		if (printer_uses(printer, right->columns[i].id)) vec_push_in(printer->arena, &ids, right->columns[i].id);
	ok = ok && print_packed(printer, right, ids.at, ids.count, plan->join == JOIN_LEFT, from_text(printer, &from), scope.ctes.text, &call);
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
	if (!from_open(printer, plan->inputs[0], &left)) return false;
	const char *list = printer_columns(printer, plan->inputs[0]), *numbered = arena_printf(printer->arena, "n%d", printer->next_name++);
	if (!list) return false;
	printer_add_cte(printer, arena_printf(printer->arena, "%s AS MATERIALIZED", numbered),
		arena_printf(printer->arena, "SELECT %s, row_number() OVER () AS nr%s", list, from_text(printer, &left)));
	printer_name_columns(printer, plan->inputs[0], numbered);
	if (!join_side(printer, plan->inputs[1], false, &right)) return false;
	const char *condition = printer_expr(printer, plan->condition);
	StrBuf order = STRBUF_INIT;
	bool ok = condition && print_sortable(printer, time, &order);
	if (ok) strbuf_adds(&order, latest ? " DESC" : "");
	for (int i = 0; ok && i < plan->inputs[1]->column_count; i++) {
		const PlanColumn *column = &plan->inputs[1]->columns[i];
		if (!printer_uses(printer, column->id)) continue;
		strbuf_adds(&order, ", ");
		ok = print_sortable(printer, expr_column(printer->arena, column->id, column->type, true, plan->span), &order);
	}
	const char *columns = ok ? printer_columns(printer, plan) : NULL, *name = arena_printf(printer->arena, "n%d", printer->next_name++);
	if (columns) {
		printer_add_cte(printer, arena_printf(printer->arena, "%s AS", name), arena_printf(printer->arena,
			"SELECT %s, row_number() OVER (PARTITION BY %s.nr ORDER BY %s) AS nearest FROM %s %s %s ON %s", columns, numbered, order.text, numbered,
			plan->join == JOIN_LEFT ? "LEFT JOIN" : "JOIN", parenthesized(printer, from_item(printer, &right)), condition));
		printer_name_columns(printer, plan, name);
		*out = (From){.from = name, .where = arena_printf(printer->arena, "%s.nearest = 1", name)};
	}
	strbuf_release(&order);
	return columns != NULL;
}

bool join_open(Printer *printer, Plan *plan, From *out)
{
	if (plan->join_form == JOIN_FORM_TEMPORAL_EVENT) return refuse(printer, plan->span, "FOR SYSTEM_TIME AS OF an event time: the file has only the versions of now, so it");
	if (plan->join == JOIN_SEMI || plan->join == JOIN_ANTI) return open_exists(printer, plan, out);
	if (plan->join_form == JOIN_FORM_ASOF) return open_asof(printer, plan, out);
	if (plan->dependent) return open_lateral(printer, plan, out);
	return plan->join == JOIN_FULL ? open_full_join(printer, plan, out) : open_plain_join(printer, plan, out);
}
