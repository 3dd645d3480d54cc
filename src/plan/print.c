/* EXPLAIN LOGICAL: one node a line, inputs indented below. Columns print as name#id: names alone may be ambiguous, numbers alone say
 * nothing. Shared plans and recursive nodes get a number and are printed where they are met first. */
#include "plan/walk.h"

#include <inttypes.h>

typedef struct Printing {
	Arena arena;
	StrBuf *out;
	bool facts;
	const char **names; int name_count;           /* by ColumnId */
	VEC(const Plan *) numbered;                   /* shared and recursive plans that were printed, #1 ... */
} Printing;

/* ---- names ---- */

static void note_names(Printing *printing, Plan *plan);

static bool note_subquery(Expr *e, void *context)
{
	if (e->kind == EXPR_SUBQUERY) note_names(context, e->plan);
	return true;
}

static void note_slot(Expr **slot, void *context) { expr_walk(*slot, note_subquery, context); }

static void note_columns(Printing *printing, const Plan *plan)
{
	for (int i = 0; i < plan->column_count; i++) {
		const PlanColumn *column = &plan->columns[i];
		if (column->id >= printing->name_count) {
			int count = column->id * 2 + 16;
			const char **names = arena_array(&printing->arena, const char *, count);
			if (printing->name_count) copy_bytes(names, printing->names, sizeof *names * (size_t)printing->name_count);
			printing->names = names;
			printing->name_count = count;
		}
		const char *known = printing->names[column->id];
		if (!known || (*known == '#' && column->name))
			printing->names[column->id] = arena_printf(&printing->arena, "%s#%d", column->name ? column->name : "", column->id);
	}
}

/* The name that a column has where it is made: inputs first. */
static void note_names(Printing *printing, Plan *plan)
{
	for (int i = 0; i < plan->input_count; i++) note_names(printing, plan->inputs[i]);
	if (plan->kind == PLAN_SHARED) note_names(printing, plan->shared);
	note_columns(printing, plan);
	plan_slots(plan, note_slot, printing);
}

static const char *name_of(ColumnId column, void *context)
{
	Printing *printing = context;
	if (column > 0 && column < printing->name_count && printing->names[column]) return printing->names[column];
	return arena_printf(&printing->arena, "?#%d", column);
}

/* ---- parts ---- */

static void print_expr(Printing *printing, const Expr *e) { expr_print(e, printing->out, name_of, printing); }

static void print_exprs(Printing *printing, Expr *const *exprs, int count)
{
	for (int i = 0; i < count; i++) {
		if (i) strbuf_adds(printing->out, ", ");
		print_expr(printing, exprs[i]);
	}
}

static void print_order(Printing *printing, const OpSortKey *order, int count)
{
	for (int i = 0; i < count; i++) {
		if (i) strbuf_adds(printing->out, ", ");
		print_expr(printing, order[i].expr);
		if (order[i].spec.descending) strbuf_adds(printing->out, " DESC");
		if (order[i].spec.nulls_last != order[i].spec.descending)
			strbuf_adds(printing->out, order[i].spec.nulls_last ? " NULLS LAST" : " NULLS FIRST");
	}
}

static void print_columns(Printing *printing, const Plan *plan)
{
	strbuf_adds(printing->out, " [");
	for (int i = 0; i < plan->column_count; i++) {
		if (i) strbuf_adds(printing->out, ", ");
		strbuf_adds(printing->out, name_of(plan->columns[i].id, printing));
	}
	strbuf_addc(printing->out, ']');
}

static bool is_known_as(Printing *printing, const PlanColumn *column)
{
	const char *known = name_of(column->id, printing);
	size_t bytes = (size_t)(strrchr(known, '#') - known);
	return !column->name || (strlen(column->name) == bytes && memcmp(known, column->name, bytes) == 0);
}

/* What makes the first columns of a node */
static void print_items(Printing *printing, const Plan *plan)
{
	for (int i = 0; i < plan->item_count; i++) {
		if (i) strbuf_adds(printing->out, ", ");
		const Expr *e = plan->items[i].expr;
		bool passes = e->kind == EXPR_COLUMN && e->column == plan->items[i].id;
		print_expr(printing, e);
		if (!passes) strbuf_printf(printing->out, " AS %s", name_of(plan->items[i].id, printing));
		else if (!is_known_as(printing, &plan->columns[i])) strbuf_printf(printing->out, " AS %s", plan->columns[i].name);
	}
}

static void print_call_tail(Printing *printing, const AggregateCall *call)
{
	if (call->distinct) strbuf_adds(printing->out, "DISTINCT ");
	print_exprs(printing, call->args, call->arg_count);
	for (int i = 0; i < call->parameter_count; i++) {
		if (i || call->arg_count) strbuf_adds(printing->out, ", ");
		Expr parameter = {.kind = EXPR_CONSTANT, .type = call->parameters[i].type, .constant = call->parameters[i]};
		print_expr(printing, &parameter);
	}
	if (call->order_count) {
		strbuf_adds(printing->out, " ORDER BY ");
		print_order(printing, call->order, call->order_count);
	}
	strbuf_addc(printing->out, ')');
	if (call->ignore_nulls) strbuf_adds(printing->out, " IGNORE NULLS");
	if (call->filter) {
		strbuf_adds(printing->out, " FILTER (WHERE ");
		print_expr(printing, call->filter);
		strbuf_addc(printing->out, ')');
	}
}

static void print_call(Printing *printing, const PlanCall *call)
{
	strbuf_printf(printing->out, "%s(", call->call.aggregate->name);
	bool star = !call->call.arg_count && !call->call.parameter_count;
	if (star) strbuf_addc(printing->out, '*');
	print_call_tail(printing, &call->call);
	strbuf_printf(printing->out, " AS %s", name_of(call->id, printing));
}

static const char *const OVER_NAMES[] = {
	[OVER_ROW_NUMBER] = "row_number", [OVER_RANK] = "rank", [OVER_DENSE_RANK] = "dense_rank", [OVER_PERCENT_RANK] = "percent_rank",
	[OVER_CUME_DIST] = "cume_dist", [OVER_NTILE] = "ntile", [OVER_LAG] = "lag", [OVER_LEAD] = "lead",
	[OVER_FIRST_VALUE] = "first_value", [OVER_LAST_VALUE] = "last_value", [OVER_NTH_VALUE] = "nth_value",
};
static const char *const FRAME_UNITS[] = {[FRAME_ROWS] = "ROWS", [FRAME_RANGE] = "RANGE", [FRAME_GROUPS] = "GROUPS"};
static const char *const RANK_NAMES[] = {[TOPN_ROW_NUMBER] = "row_number", [TOPN_RANK] = "rank", [TOPN_DENSE_RANK] = "dense_rank"};

static void print_bound(Printing *printing, FrameBound bound, const Value *offset)
{
	static const char *const WORDS[] = {
		[BOUND_UNBOUNDED_PRECEDING] = "UNBOUNDED PRECEDING", [BOUND_PRECEDING] = " PRECEDING", [BOUND_CURRENT_ROW] = "CURRENT ROW",
		[BOUND_FOLLOWING] = " FOLLOWING", [BOUND_UNBOUNDED_FOLLOWING] = "UNBOUNDED FOLLOWING",
	};
	if (bound == BOUND_PRECEDING || bound == BOUND_FOLLOWING) {
		Expr value = {.kind = EXPR_CONSTANT, .type = offset->type, .constant = *offset};
		print_expr(printing, &value);
	}
	strbuf_adds(printing->out, WORDS[bound]);
}

static void print_frame(Printing *printing, const Frame *frame)
{
	static const char *const EXCLUDES[] = {
		[EXCLUDE_CURRENT_ROW] = " EXCLUDE CURRENT ROW", [EXCLUDE_GROUP] = " EXCLUDE GROUP", [EXCLUDE_TIES] = " EXCLUDE TIES",
	};
	bool standard = frame->unit == FRAME_RANGE && frame->start == BOUND_UNBOUNDED_PRECEDING && frame->end == BOUND_CURRENT_ROW
		&& frame->exclude == EXCLUDE_NO_OTHERS;
	if (standard) return;
	strbuf_printf(printing->out, " %s BETWEEN ", FRAME_UNITS[frame->unit]);
	print_bound(printing, frame->start, &frame->start_offset);
	strbuf_adds(printing->out, " AND ");
	print_bound(printing, frame->end, &frame->end_offset);
	if (frame->exclude != EXCLUDE_NO_OTHERS) strbuf_adds(printing->out, EXCLUDES[frame->exclude]);
}

static bool over_has_frame(OverKind kind)
{
	return kind == OVER_AGGREGATE || kind == OVER_FIRST_VALUE || kind == OVER_LAST_VALUE || kind == OVER_NTH_VALUE;
}

static void print_over_call(Printing *printing, const PlanOverCall *over)
{
	const OverCall *call = &over->call;
	bool aggregate = call->kind == OVER_AGGREGATE;
	strbuf_printf(printing->out, "%s(", aggregate ? call->aggregate.aggregate->name : OVER_NAMES[call->kind]);
	if (aggregate && !call->aggregate.arg_count) strbuf_addc(printing->out, '*');
	print_call_tail(printing, &call->aggregate);
	if (over_has_frame(call->kind)) print_frame(printing, &call->frame);
	strbuf_printf(printing->out, " AS %s", name_of(over->id, printing));
}

static void print_us(StrBuf *out, int64_t us)
{
	static const struct { int64_t us; const char *unit; } UNITS[] = {
		{86400000000, "day"}, {3600000000, "hour"}, {60000000, "minute"}, {1000000, "second"}, {1000, "millisecond"}, {1, "microsecond"},
	};
	if (us == 0) { strbuf_adds(out, "0"); return; }
	for (size_t i = 0; i < sizeof UNITS / sizeof *UNITS; i++) {
		if (us % UNITS[i].us) continue;
		int64_t count = us / UNITS[i].us;
		strbuf_printf(out, "%" PRId64 " %s%s", count, UNITS[i].unit, count == 1 || count == -1 ? "" : "s");
		return;
	}
}

static void print_partition(Printing *printing, const Plan *plan)
{
	if (!plan->partition_count) return;
	strbuf_adds(printing->out, " PARTITION BY ");
	print_exprs(printing, plan->partition, plan->partition_count);
}

static void print_order_by(Printing *printing, const Plan *plan)
{
	if (!plan->order_count) return;
	strbuf_adds(printing->out, " ORDER BY ");
	print_order(printing, plan->order, plan->order_count);
}

static void print_limit(Printing *printing, const Plan *plan)
{
	if (plan->limit >= 0) strbuf_printf(printing->out, " LIMIT %" PRId64, plan->limit);
	if (plan->offset > 0) strbuf_printf(printing->out, " OFFSET %" PRId64, plan->offset);
}

static int number_of(Printing *printing, const Plan *plan, bool *first)
{
	*first = false;
	for (int i = 0; i < printing->numbered.count; i++)
		if (printing->numbered.at[i] == plan) return i + 1;
	vec_push_in(&printing->arena, &printing->numbered, plan);
	*first = true;
	return printing->numbered.count;
}

/* ---- nodes: what stands after the kind's word ---- */

typedef void PrintNode(Printing *printing, const Plan *plan);

static void print_scan(Printing *printing, const Plan *plan)
{
	strbuf_printf(printing->out, " %s", plan->relation->name);
	print_columns(printing, plan);
}

static void print_values(Printing *printing, const Plan *plan)
{
	strbuf_printf(printing->out, " %d row%s", plan->row_count, plan->row_count == 1 ? "" : "s");
	print_columns(printing, plan);
}

static void print_condition(Printing *printing, const Plan *plan)
{
	if (!plan->condition) return;
	strbuf_addc(printing->out, ' ');
	print_expr(printing, plan->condition);
}

static void print_project(Printing *printing, const Plan *plan)
{
	strbuf_addc(printing->out, ' ');
	print_items(printing, plan);
}

static void print_join(Printing *printing, const Plan *plan)
{
	static const char *const KINDS[] = {
		[JOIN_INNER] = "inner", [JOIN_LEFT] = "left", [JOIN_RIGHT] = "right", [JOIN_FULL] = "full", [JOIN_SEMI] = "semi", [JOIN_ANTI] = "anti",
	};
	static const char *const FORMS[] = {
		[JOIN_FORM_PLAIN] = "", [JOIN_FORM_TEMPORAL_EVENT] = " as of", [JOIN_FORM_TEMPORAL_PROC] = " as of proctime", [JOIN_FORM_ASOF] = " asof",
	};
	strbuf_printf(printing->out, " %s%s%s%s", KINDS[plan->join], FORMS[plan->join_form], plan->dependent ? " dependent" : "",
		plan->null_aware_anti ? " null-aware" : "");
	if (plan->time_of) {
		strbuf_addc(printing->out, ' ');
		print_expr(printing, plan->time_of);
	}
	if (plan->grace_us) { strbuf_adds(printing->out, " GRACE "); print_us(printing->out, plan->grace_us); }
	if (!plan->condition) return;
	strbuf_adds(printing->out, " ON ");
	print_expr(printing, plan->condition);
}

static void print_aggregate(Printing *printing, const Plan *plan)
{
	if (plan->item_count) {
		strbuf_adds(printing->out, " BY ");
		print_items(printing, plan);
	}
	if (plan->grouping_set_count) {
		strbuf_adds(printing->out, " SETS (");
		for (int i = 0; i < plan->grouping_set_count; i++)
			strbuf_printf(printing->out, "%s%#" PRIx64, i ? ", " : "", plan->grouping_sets[i]);
		strbuf_addc(printing->out, ')');
		if (plan->grouping_id) strbuf_printf(printing->out, " AS %s", name_of(plan->grouping_id, printing));
	}
	for (int i = 0; i < plan->call_count; i++) {
		strbuf_adds(printing->out, i || plan->item_count ? ", " : " ");
		print_call(printing, &plan->calls[i]);
	}
}

static void print_window(Printing *printing, const Plan *plan)
{
	static const char *const KINDS[] = {
		[PLAN_WINDOW_TUMBLE] = "tumble", [PLAN_WINDOW_HOP] = "hop", [PLAN_WINDOW_CUMULATE] = "cumulate", [PLAN_WINDOW_SESSION] = "session",
	};
	strbuf_printf(printing->out, " %s ", KINDS[plan->window]);
	print_expr(printing, plan->time);
	strbuf_adds(printing->out, plan->window == PLAN_WINDOW_SESSION ? " GAP " : " SIZE ");
	print_us(printing->out, plan->size_us);
	if (plan->window == PLAN_WINDOW_HOP || plan->window == PLAN_WINDOW_CUMULATE) {
		strbuf_adds(printing->out, plan->window == PLAN_WINDOW_HOP ? " SLIDE " : " STEP ");
		print_us(printing->out, plan->slide_us);
	}
	if (plan->offset_us) { strbuf_adds(printing->out, " OFFSET "); print_us(printing->out, plan->offset_us); }
	if (plan->grace_us) { strbuf_adds(printing->out, " GRACE "); print_us(printing->out, plan->grace_us); }
	if (plan->zone) strbuf_printf(printing->out, " ZONE '%s'", plan->zone);
	print_partition(printing, plan);
	strbuf_adds(printing->out, " AS ");
	ColumnId made[] = {plan->window_start, plan->window_end, plan->window_time};
	for (int i = 0; i < 3; i++) strbuf_printf(printing->out, "%s%s", i ? ", " : "", name_of(made[i], printing));
}

static void print_over(Printing *printing, const Plan *plan)
{
	print_partition(printing, plan);
	print_order_by(printing, plan);
	for (int i = 0; i < plan->over_call_count; i++) {
		strbuf_adds(printing->out, i ? ", " : ": ");
		print_over_call(printing, &plan->over_calls[i]);
	}
}

static void print_sort(Printing *printing, const Plan *plan)
{
	print_order_by(printing, plan);
	print_limit(printing, plan);
}

static void print_topn(Printing *printing, const Plan *plan)
{
	print_partition(printing, plan);
	print_order_by(printing, plan);
	if (plan->rank != TOPN_ROW_NUMBER) strbuf_printf(printing->out, " RANKED BY %s", RANK_NAMES[plan->rank]);
	print_limit(printing, plan);
	if (plan->rank_column) strbuf_printf(printing->out, " AS %s", name_of(plan->rank_column, printing));
}

static void print_setop(Printing *printing, const Plan *plan)
{
	static const char *const KINDS[] = {
		[SETOP_INTERSECT] = " intersect", [SETOP_INTERSECT_ALL] = " intersect all", [SETOP_EXCEPT] = " except", [SETOP_EXCEPT_ALL] = " except all",
	};
	strbuf_adds(printing->out, KINDS[plan->setop]);
	print_columns(printing, plan);
}

static void print_expand(Printing *printing, const Plan *plan)
{
	static const char *const KINDS[] = {
		[EXPAND_UNNEST] = "unnest", [EXPAND_JSON_EACH] = "json_each", [EXPAND_JSON_TREE] = "json_tree", [EXPAND_SERIES] = "generate_series",
		[EXPAND_GROUPING_SETS] = "grouping sets", [EXPAND_SIDE_BY_SIDE] = "side by side",
	};
	strbuf_printf(printing->out, " %s(", KINDS[plan->expand]);
	print_exprs(printing, plan->args, plan->arg_count);
	strbuf_printf(printing->out, ")%s%s AS", plan->with_ordinality ? " WITH ORDINALITY" : "", plan->outer ? " OUTER" : "");
	Plan made = *plan;
	int passed = plan->inputs[0]->column_count;
	made.columns += passed;
	made.column_count -= passed;
	print_columns(printing, &made);
}

static void print_recursive(Printing *printing, const Plan *plan)
{
	bool first;
	strbuf_printf(printing->out, " #%d%s", number_of(printing, plan, &first), plan->all ? " all" : "");
	print_columns(printing, plan);
}

static void print_step_input(Printing *printing, const Plan *plan)
{
	bool first;
	strbuf_printf(printing->out, " #%d", number_of(printing, plan->shared, &first));
	print_columns(printing, plan);
}

static void print_single(Printing *printing, const Plan *plan)
{
	if (!plan->partition_count) return;
	strbuf_adds(printing->out, " PER ");
	print_exprs(printing, plan->partition, plan->partition_count);
}

static void print_moving(Printing *printing, const Plan *plan)
{
	strbuf_addc(printing->out, ' ');
	if (plan->condition) print_expr(printing, plan->condition);
	if (plan->condition && plan->item_count) strbuf_adds(printing->out, ", ");
	print_items(printing, plan);
	strbuf_adds(printing->out, " CHANGING AT ");
	print_exprs(printing, plan->args, plan->arg_count);
}

static void print_settle(Printing *printing, const Plan *plan)
{
	strbuf_printf(printing->out, " %s", name_of(plan->settle_column, printing));
}

static const struct { const char *word; PrintNode *print; } NODES[PLAN_KIND_COUNT] = {
	[PLAN_SCAN] = {"Scan", print_scan},
	[PLAN_VALUES] = {"Values", print_values},
	[PLAN_FILTER] = {"Filter", print_condition},
	[PLAN_PROJECT] = {"Project", print_project},
	[PLAN_JOIN] = {"Join", print_join},
	[PLAN_AGGREGATE] = {"Aggregate", print_aggregate},
	[PLAN_WINDOW] = {"Window", print_window},
	[PLAN_OVER] = {"Over", print_over},
	[PLAN_SORT] = {"Sort", print_sort},
	[PLAN_TOPN] = {"Top", print_topn},
	[PLAN_UNION] = {"Union all", print_columns},
	[PLAN_SETOP] = {"Set", print_setop},
	[PLAN_EXPAND] = {"Expand", print_expand},
	[PLAN_SHARED] = {"Shared", NULL},
	[PLAN_RECURSIVE] = {"Recursive", print_recursive},
	[PLAN_STEP_INPUT] = {"Step input", print_step_input},
	[PLAN_SINGLE] = {"Single", print_single},
	[PLAN_MOVING] = {"Moving", print_moving},
	[PLAN_SETTLE] = {"Settle", print_settle},
};

/* ---- facts ---- */

static void print_ids(Printing *printing, const ColumnId *ids, int count)
{
	for (int i = 0; i < count; i++) strbuf_printf(printing->out, "%s%s", i ? ", " : "", name_of(ids[i], printing));
}

static void print_facts(Printing *printing, const PlanFacts *facts)
{
	StrBuf *out = printing->out;
	strbuf_adds(out, facts->append_only ? "  {append-only" : "  {updating");
	for (int i = 0; i < facts->key_count; i++) {
		strbuf_adds(out, "; key (");
		print_ids(printing, facts->keys[i].columns, facts->keys[i].count);
		strbuf_addc(out, ')');
	}
	for (int i = 0; i < facts->watermark_count; i++) {
		const PlanWatermark *watermark = &facts->watermarks[i];
		strbuf_printf(out, "; watermark %s", name_of(watermark->column, printing));
		if (watermark->delta_us) { strbuf_adds(out, " less "); print_us(out, watermark->delta_us); }
		if (watermark->inclusive) strbuf_adds(out, " inclusive");
	}
	if (facts->bound_by) strbuf_printf(out, "; %s: %s", facts->bounded ? "bounded" : "unbounded", facts->bound_by);
	strbuf_addc(out, '}');
}

/* ---- the tree ---- */

static void print_tree(Printing *printing, const Plan *plan, int depth);

typedef struct SubqueryPrinting { Printing *printing; int depth; } SubqueryPrinting;

static bool print_subquery(Expr *e, void *context)
{
	SubqueryPrinting *at = context;
	if (e->kind != EXPR_SUBQUERY) return true;
	strbuf_printf(at->printing->out, "%*ssubquery:\n", 2 * at->depth, "");
	print_tree(at->printing, e->plan, at->depth + 1);
	return true;
}

static void print_slot_subqueries(Expr **slot, void *context) { expr_walk(*slot, print_subquery, context); }

static void print_tree(Printing *printing, const Plan *plan, int depth)
{
	bool first = false;
	strbuf_printf(printing->out, "%*s%s", 2 * depth, "", NODES[plan->kind].word);
	if (plan->kind == PLAN_SHARED) {
		strbuf_printf(printing->out, " #%d", number_of(printing, plan->shared, &first));
		print_columns(printing, plan);
	}
	if (NODES[plan->kind].print) NODES[plan->kind].print(printing, plan);
	if (printing->facts && plan->facts.derived) print_facts(printing, &plan->facts);
	strbuf_addc(printing->out, '\n');
	SubqueryPrinting subqueries = {printing, depth + 1};
	plan_slots((Plan *)plan, print_slot_subqueries, &subqueries);
	for (int i = 0; i < plan->input_count; i++) print_tree(printing, plan->inputs[i], depth + 1);
	if (first) print_tree(printing, plan->shared, depth + 1);
}

void plan_print(const Plan *plan, bool facts, StrBuf *out)
{
	Printing printing = {.out = out, .facts = facts};
	arena_init(&printing.arena, 0);
	note_names(&printing, (Plan *)plan);
	print_tree(&printing, plan, 0);
	arena_release(&printing.arena);
}
