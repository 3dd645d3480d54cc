/* GROUP BY, OVER, the first rows of groups, sessions. */
#include "store/print_plan.h"

#include <string.h>

#include "expr/aggregate.h"
#include "type/text.h"

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

const char *aggregate_text(Printer *printer, Plan *plan)
{
	From from;
	Exprs ties = {0};
	StrBuf list = STRBUF_INIT, group = STRBUF_INIT;
	if (plan->grouping_set_count) return refuse(printer, plan->span, "this form of GROUPING SETS"), NULL;
	bool ok = from_open(printer, plan->inputs[0], &from);
	find_ties(printer, plan, &ties);
	for (int i = 0; i < plan->item_count && ok; i++) {
		Expr *key = plan->items[i].expr;
		const char *text = printer_expr(printer, key);
		ok = text != NULL;
		if (!ok) break;
		if (printer_uses(printer, plan->items[i].id)) strbuf_printf(&list, "%s%s AS c%d", list.bytes ? ", " : "", text, plan->items[i].id);
		if (key->kind != EXPR_CONSTANT) strbuf_printf(&group, "%s%s", group.bytes ? ", " : "", text);
	}
	for (int i = 0; i < plan->call_count && ok; i++) {
		if (!printer_uses(printer, plan->calls[i].id)) continue;
		if (list.bytes) strbuf_adds(&list, ", ");
		ok = print_aggregate(printer, &plan->calls[i].call, ties.at, ties.count, NULL, USE_GROUP, &list);
		strbuf_printf(&list, " AS c%d", plan->calls[i].id);
	}
	if (!list.bytes) strbuf_adds(&list, plan->global ? "count(*)" : "1");
	const char *columns = printer_settle(printer, &list, ok), *keys = printer_settle(printer, &group, ok);
	if (!ok) return NULL;
	/* grouped by constants alone: a row, but none of no rows */
	const char *tail = *keys ? arena_printf(printer->arena, " GROUP BY %s", keys) : plan->global ? "" : " GROUP BY NULL";
	return arena_printf(printer->arena, "SELECT %s%s%s", columns, from_text(printer, &from), tail);
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
		printer_direction(plan->order[0].spec, &order);
	} else ok = printer_order(printer, plan->order, plan->order_count, &order);
	if (ok && goes_by_row(call)) ok = printer_ties(printer, plan->inputs[0], &order);
	strbuf_adds(&text, " OVER (");
	ok = ok && print_partition(printer, plan->partition, plan->partition_count, &text);
	if (order.bytes) strbuf_printf(&text, "%sORDER BY %s", plan->partition_count ? " " : "", order.text);
	if (ok && has_frame(call)) ok = print_frame(printer, &call->frame, plan->span, &text);
	strbuf_addc(&text, ')');
	strbuf_release(&order);
	return printer_settle(printer, &text, ok);
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
		if (printer_uses(printer, input->columns[i].id))
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

const char *over_select_text(Printer *printer, Plan *plan)
{
	From from;
	if (!from_open(printer, plan->inputs[0], &from)) return NULL;
	const char *columns = printer_columns(printer, plan->inputs[0]);
	StrBuf list = STRBUF_INIT;
	bool ok = columns != NULL;
	for (int i = 0; i < plan->over_call_count && ok; i++) {
		if (!printer_uses(printer, plan->over_calls[i].id)) continue;
		strbuf_adds(&list, ", ");
		ok = print_over_call(printer, plan, &plan->over_calls[i].call, &list);
		strbuf_printf(&list, " AS c%d", plan->over_calls[i].id);
	}
	const char *calls = printer_settle(printer, &list, ok);
	return calls ? arena_printf(printer->arena, "SELECT %s%s%s", columns, calls, from_text(printer, &from)) : NULL;
}

const char *topn_text(Printer *printer, Plan *plan)
{
	static const char *const RANKS[] = {[TOPN_ROW_NUMBER] = "row_number", [TOPN_RANK] = "rank", [TOPN_DENSE_RANK] = "dense_rank"};
	From from;
	StrBuf order = STRBUF_INIT, over = STRBUF_INIT;
	if (!from_open(printer, plan->inputs[0], &from)) return NULL;
	const char *list = printer_columns(printer, plan->inputs[0]);
	bool ok = list && printer_order(printer, plan->order, plan->order_count, &order);
	if (ok && plan->rank == TOPN_ROW_NUMBER) ok = printer_ties(printer, plan->inputs[0], &order);
	ok = ok && print_partition(printer, plan->partition, plan->partition_count, &over);
	if (order.bytes) strbuf_printf(&over, "%sORDER BY %s", over.bytes ? " " : "", order.text);
	strbuf_release(&order);
	const char *window = printer_settle(printer, &over, ok);
	if (!window) return NULL;
	const char *name = arena_printf(printer->arena, "n%d", printer->next_name++);
	printer_add_cte(printer, arena_printf(printer->arena, "%s AS", name),
		arena_printf(printer->arena, "SELECT %s, %s() OVER (%s) AS place%s", list, RANKS[plan->rank], window, from_text(printer, &from)));
	printer_name_columns(printer, plan, name);
	if (plan->rank_column) printer_name(printer, plan->rank_column, arena_printf(printer->arena, "%s.place", name));
	const char *columns = printer_columns(printer, plan);
	if (!columns) return NULL;
	const char *upper = plan->limit >= 0 ? arena_printf(printer->arena, " AND %s.place <= %lld", name, (long long)(plan->offset + plan->limit)) : "";
	return arena_printf(printer->arena, "SELECT %s FROM %s WHERE %s.place > %lld%s", columns, name, name, (long long)plan->offset, upper);
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

const char *session_text(Printer *printer, Plan *plan)
{
	From from;
	Plan *input = plan->inputs[0];
	if (!from_open(printer, input, &from)) return NULL;
	const char *list = printer_columns(printer, input), *time = printer_expr(printer, plan->time);
	StrBuf keys = STRBUF_INIT, key_names = STRBUF_INIT;
	bool ok = list && time;
	for (int i = 0; i < plan->partition_count && ok; i++) {
		strbuf_adds(&keys, ", ");
		ok = print_expr(printer, plan->partition[i], &keys);
		strbuf_printf(&keys, " AS k%d", i);
		strbuf_printf(&key_names, "k%d, ", i);
	}
	const char *key_list = printer_settle(printer, &keys, ok), *names = printer_settle(printer, &key_names, ok);
	if (!ok) return NULL;
	const char *a = arena_printf(printer->arena, "n%d", printer->next_name++), *b = arena_printf(printer->arena, "n%d", printer->next_name++);
	const char *c = arena_printf(printer->arena, "n%d", printer->next_name++), *d = arena_printf(printer->arena, "n%d", printer->next_name++);
	from_add_where(printer, &from, arena_printf(printer->arena, "%s IS NOT NULL", time));
	printer_add_cte(printer, arena_printf(printer->arena, "%s AS", a), arena_printf(printer->arena, "SELECT %s%s, %s AS st%s", list, key_list, time, from_text(printer, &from)));
	printer_add_cte(printer, arena_printf(printer->arena, "%s AS", b),
		arena_printf(printer->arena, "SELECT *, lag(st) OVER (PARTITION BY %s1 ORDER BY st) AS sp FROM %s", names, a));
	const char *reach = printer_expr(printer, time_plus(printer, helper_column(printer, "sp"), plan->size_us));
	printer_add_cte(printer, arena_printf(printer->arena, "%s AS", c), arena_printf(printer->arena,
		"SELECT *, sum(CASE WHEN st <= %s THEN 0 ELSE 1 END) OVER (PARTITION BY %s1 ORDER BY st ROWS UNBOUNDED PRECEDING) AS sn FROM %s", reach ? reach : "", names, b));
	printer_add_cte(printer, arena_printf(printer->arena, "%s AS", d), arena_printf(printer->arena,
		"SELECT *, min(st) OVER (PARTITION BY %ssn) AS sb, max(st) OVER (PARTITION BY %ssn) AS sl FROM %s", names, names, c));
	printer_name_columns(printer, input, d);
	Expr *last = helper_column(printer, "sl");
	const char *end = printer_expr(printer, time_plus(printer, last, plan->size_us)), *within = printer_expr(printer, time_plus(printer, last, plan->size_us - 1000));
	if (!reach || !end || !within) return NULL;
	printer_name(printer, plan->window_start, "sb");
	printer_name(printer, plan->window_end, end);
	printer_name(printer, plan->window_time, within);
	const char *columns = printer_columns(printer, plan);
	return columns ? arena_printf(printer->arena, "SELECT %s FROM %s", columns, d) : NULL;
}
