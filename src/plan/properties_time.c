/* Where watermarks go (DESIGN section 5), and what closes by them.
 *
 * A watermark of a column says that no change for an earlier time comes any more. `soft` ones say so only of rows that are not late:
 * stateless operators let late rows through, and whoever closes by such a watermark judges each row by Hidden.judge. An operator that
 * closes has dropped late rows, so above it the watermark is hard and nobody needs to judge.
 */
#include "plan/facts.h"

#include "expr/function.h"

enum { US_PER_MS = 1000 };
static const int64_t DAY_US = INT64_C(86400000000);

/* ---- looking ---- */

const PlanWatermark *facts_watermark(const PlanFacts *facts, ColumnId column)
{
	for (int i = 0; i < facts->watermark_count; i++)
		if (facts->watermarks[i].column == column) return &facts->watermarks[i];
	return NULL;
}

const PlanWatermark *facts_closing(const PlanFacts *facts, ColumnId column)
{
	const PlanWatermark *watermark = facts_watermark(facts, column);
	return watermark && !watermark->versions ? watermark : NULL;
}

bool facts_closes(const PlanContext *context, const PlanWatermark *watermark) { return watermark->window > 0 || context->emit_on_close; }

static bool closes_before(const PlanWatermark *a, const PlanWatermark *b)
{
	if ((a->window > 0) != (b->window > 0)) return a->window > 0;
	return a->delta_us < b->delta_us;
}

const PlanWatermark *facts_close_by(const PlanContext *context, const PlanFacts *facts, Expr *const *keys, int key_count, int *key)
{
	const PlanWatermark *best = NULL;
	*key = -1;
	for (int i = 0; i < key_count; i++) {
		if (keys[i]->kind != EXPR_COLUMN) continue;
		const PlanWatermark *watermark = facts_closing(facts, keys[i]->column);
		if (!watermark || !facts_closes(context, watermark) || (best && !closes_before(watermark, best))) continue;
		best = watermark;
		*key = i;
	}
	return best;
}

/* ---- adding ---- */

static PlanWatermark *add(PlanContext *context, Plan *plan, ColumnId column, const PlanWatermark *like)
{
	PlanFacts *facts = &plan->facts;
	if (facts->watermark_count == OP_WATERMARKS_MAX) return NULL;
	if (!facts->watermarks) facts->watermarks = arena_array(context->arena, PlanWatermark, OP_WATERMARKS_MAX);
	PlanWatermark *watermark = &facts->watermarks[facts->watermark_count++];
	if (like) *watermark = *like;
	watermark->column = column;
	watermark->terms = NULL;
	watermark->term_count = 0;
	return watermark;
}

static void add_term(PlanContext *context, PlanWatermark *watermark, int input, ColumnId column, int64_t delta_us)
{
	PlanWatermarkTerm *terms = arena_array(context->arena, PlanWatermarkTerm, watermark->term_count + 1);
	if (watermark->term_count) copy_bytes(terms, watermark->terms, sizeof *terms * (size_t)watermark->term_count);
	terms[watermark->term_count++] = (PlanWatermarkTerm){input, column, delta_us};
	watermark->terms = terms;
}

static PlanWatermark *pass(PlanContext *context, Plan *plan, ColumnId column, const PlanWatermark *from)
{
	PlanWatermark *watermark = add(context, plan, column, from);
	if (watermark) add_term(context, watermark, 0, from->column, 0);
	return watermark;
}

static void pass_all(PlanContext *context, Plan *plan)
{
	const PlanFacts *in = &plan->inputs[0]->facts;
	for (int i = 0; i < in->watermark_count; i++) pass(context, plan, in->watermarks[i].column, &in->watermarks[i]);
}

/* ---- nodes ---- */

static int scanned(const Plan *plan, int relation_column)
{
	for (int i = 0; i < plan->column_count; i++)
		if (plan->scan_columns[i].path.column == relation_column && plan->scan_columns[i].path.field_count == 0) return i;
	return -1;
}

static bool is_proctime(const Expr *e) { return e && e->kind == EXPR_CALL && (e->function->flags & FUNCTION_PROCTIME) && e->type.kind == TYPE_TIMESTAMP; }

static void clock_column(PlanContext *context, Plan *plan, ColumnId column)
{
	PlanWatermark *watermark = add(context, plan, column, NULL);
	if (!watermark) return;
	watermark->clock = true;
	add_term(context, watermark, -1, 0, 0);
}

static void event_column(PlanContext *context, Plan *plan)
{
	const Relation *relation = plan->relation;
	int at = relation->watermark_column >= 0 ? scanned(plan, relation->watermark_column) : -1;
	if (at < 0 || is_proctime(relation->columns[relation->watermark_column].computed)) return;
	PlanWatermark *watermark = add(context, plan, plan->columns[at].id, NULL);
	if (!watermark) return;
	watermark->soft = true;
	watermark->versions = relation->kind == RELATION_TABLE && !relation->append_only;
}

static void view_columns(PlanContext *context, Plan *plan)
{
	const Relation *relation = plan->relation;
	int window = 0;
	for (int i = 0; i < relation->view_watermark_count; i++) {
		int at = scanned(plan, relation->view_watermarks[i].column);
		PlanWatermark *watermark = at >= 0 ? add(context, plan, plan->columns[at].id, NULL) : NULL;
		if (!watermark) continue;
		if (relation->view_watermarks[i].inclusive && !window) window = watermark->column;
		watermark->delta_us = relation->view_watermarks[i].delta_us;
		watermark->inclusive = relation->view_watermarks[i].inclusive;
		watermark->window = watermark->inclusive ? window : 0;
		watermark->soft = true;                       /* if the view's rows carry no judge, none of them is late */
	}
}

static void scan_time(PlanContext *context, Plan *plan)
{
	const Relation *relation = plan->relation;
	plan->facts.has_arrival = relation->kind == RELATION_STREAM;
	if (relation->kind == RELATION_MATERIALIZED) {
		view_columns(context, plan);
		return;
	}
	event_column(context, plan);
	for (int i = 0; i < plan->column_count && relation->kind == RELATION_STREAM; i++)
		if (is_proctime(relation->columns[plan->scan_columns[i].path.column].computed)) clock_column(context, plan, plan->columns[i].id);
}

static void pass_arrival(Plan *plan, const PlanFacts *in)
{
	plan->facts.has_arrival = in->has_arrival;
	plan->facts.arrival_repeats = in->arrival_repeats;
}

static void filter_time(PlanContext *context, Plan *plan)
{
	pass_arrival(plan, &plan->inputs[0]->facts);
	pass_all(context, plan);
}

static void moving_time(PlanContext *context, Plan *plan)
{
	(void)context;
	pass_arrival(plan, &plan->inputs[0]->facts);  /* a filter, but time takes rows out again: no watermark */
}

/* coalesce(a, b), as USING of FULL JOIN makes it: whichever it is, no earlier one comes than the earliest of both. */
static void coalesce_time(PlanContext *context, Plan *plan, const PlanItem *item)
{
	const PlanFacts *in = &plan->inputs[0]->facts;
	PlanWatermark out = {.inclusive = true};
	for (int i = 0; i < item->expr->arg_count; i++) {
		const Expr *arg = item->expr->args[i];
		const PlanWatermark *from = arg->kind == EXPR_COLUMN ? facts_closing(in, arg->column) : NULL;
		if (!from || (i && (from->clock != out.clock || (from->window > 0) != (out.window > 0)))) return;
		if (!i) out = *from;
		if (from->delta_us > out.delta_us) out.delta_us = from->delta_us;
		out.inclusive &= from->inclusive;
		out.soft |= from->soft;
		out.is_window_time &= from->is_window_time;
	}
	PlanWatermark *watermark = add(context, plan, item->id, &out);
	if (!watermark) return;
	for (int i = 0; i < item->expr->arg_count; i++) {
		const PlanWatermark *from = facts_closing(in, item->expr->args[i]->column);
		add_term(context, watermark, 0, from->column, out.delta_us - from->delta_us);
	}
}

static void project_time(PlanContext *context, Plan *plan)
{
	const PlanFacts *in = &plan->inputs[0]->facts;
	pass_arrival(plan, in);
	for (int i = 0; i < plan->item_count; i++) {
		const Expr *e = plan->items[i].expr;
		if (e->kind == EXPR_COLUMN) {
			const PlanWatermark *from = facts_watermark(in, e->column);
			if (from) pass(context, plan, plan->items[i].id, from);
		}
		else if (is_proctime(e)) clock_column(context, plan, plan->items[i].id);
		else if (expr_is_call(e, "coalesce")) coalesce_time(context, plan, &plan->items[i]);
	}
}

static bool is_whole_ms(const Plan *window)
{
	return window->size_us % US_PER_MS == 0 && window->slide_us % US_PER_MS == 0 && window->offset_us % US_PER_MS == 0;
}

typedef struct WindowColumn { ColumnId id; int64_t behind_us; bool is_window_time; } WindowColumn;

static void add_window_column(PlanContext *context, Plan *plan, const PlanWatermark *time, WindowColumn column)
{
	PlanWatermark *watermark = add(context, plan, column.id, time);
	if (!watermark) return;
	/* window_time of windows below stands on a grid: behind it comes the next whole ms, so nothing is lost by cascading */
	int64_t behind_us = column.behind_us + plan->grace_us - (time->is_window_time && is_whole_ms(plan) ? US_PER_MS : 0);
	watermark->delta_us = time->delta_us + behind_us;
	watermark->window = plan->window_end;
	watermark->is_window_time = column.is_window_time && is_whole_ms(plan);
	watermark->inclusive = plan->window != PLAN_WINDOW_SESSION;
	watermark->soft = time->soft && plan->window != PLAN_WINDOW_SESSION;
	add_term(context, watermark, 0, time->column, behind_us);
}

static void window_time(PlanContext *context, Plan *plan)
{
	const PlanWatermark *time = plan->time->kind == EXPR_COLUMN ? facts_closing(&plan->inputs[0]->facts, plan->time->column) : NULL;
	bool is_session = plan->window == PLAN_WINDOW_SESSION;
	pass_arrival(plan, &plan->inputs[0]->facts);
	plan->facts.arrival_repeats |= plan->window != PLAN_WINDOW_TUMBLE;    /* a session gives a row out again when it grows */
	if (time) {
		int64_t size_us = plan->size_us + (plan->zone ? DAY_US : 0);      /* days of a zone may be longer than others */
		add_window_column(context, plan, time, (WindowColumn){plan->window_end, 0, false});
		add_window_column(context, plan, time, (WindowColumn){plan->window_time, US_PER_MS, true});
		if (!is_session) add_window_column(context, plan, time, (WindowColumn){plan->window_start, size_us, false});
	}
	if (!is_session) pass_all(context, plan);
	else if (time) {
		plan->facts.closes = true;
		plan->facts.close_column = time->column;
	}
}

/* Of keyed columns those of the window that closes: late rows are dropped, so what comes out is hard. */
static void pass_closed(PlanContext *context, Plan *plan, const PlanWatermark *closed, ColumnId from, ColumnId to)
{
	const PlanWatermark *watermark = facts_closing(&plan->inputs[0]->facts, from);
	if (!watermark || (watermark != closed && (!closed->window || watermark->window != closed->window))) return;
	PlanWatermark *passed = pass(context, plan, to, watermark);
	if (passed) passed->soft = false;
}

static void note_closing(Plan *plan, const PlanWatermark *closed)
{
	plan->facts.closes = true;
	plan->facts.close_column = closed->column;
}

static void aggregate_time(PlanContext *context, Plan *plan)
{
	Expr **keys = arena_array(context->arena, Expr *, plan->item_count + 1);
	int key;
	for (int i = 0; i < plan->item_count; i++) keys[i] = plan->items[i].expr;
	const PlanWatermark *closed = facts_close_by(context, &plan->inputs[0]->facts, keys, plan->item_count, &key);
	if (!closed) return;
	note_closing(plan, closed);
	for (int i = 0; i < plan->item_count; i++)
		if (keys[i]->kind == EXPR_COLUMN) pass_closed(context, plan, closed, keys[i]->column, plan->items[i].id);
}

static void partitioned_time(PlanContext *context, Plan *plan, const PlanWatermark *closed)
{
	note_closing(plan, closed);
	for (int i = 0; i < plan->partition_count; i++)
		if (plan->partition[i]->kind == EXPR_COLUMN) pass_closed(context, plan, closed, plan->partition[i]->column, plan->partition[i]->column);
}

/* How far a result looks behind its row: not at all; to rows that come some time; to the end of its partition */
typedef enum LooksAhead { LOOKS_NOT_AHEAD, LOOKS_AHEAD, LOOKS_TO_THE_END } LooksAhead;

static LooksAhead call_looks_ahead(const OverCall *call)
{
	switch (call->kind) {
	case OVER_ROW_NUMBER: case OVER_RANK: case OVER_DENSE_RANK: case OVER_LAG: return LOOKS_NOT_AHEAD;
	case OVER_LEAD: return LOOKS_AHEAD;
	case OVER_FIRST_VALUE: case OVER_LAST_VALUE: case OVER_NTH_VALUE: case OVER_AGGREGATE:
		if (call->frame.end == BOUND_UNBOUNDED_FOLLOWING) return LOOKS_TO_THE_END;
		return call->frame.end == BOUND_FOLLOWING ? LOOKS_AHEAD : LOOKS_NOT_AHEAD;
	default: return LOOKS_TO_THE_END;
	}
}

static const PlanWatermark *over_order_watermark(const Plan *plan, LooksAhead *looks)
{
	*looks = LOOKS_NOT_AHEAD;
	if (!plan->order_count || plan->order[0].spec.descending || plan->order[0].expr->kind != EXPR_COLUMN) return NULL;
	for (int i = 0; i < plan->over_call_count; i++) {
		LooksAhead looked = call_looks_ahead(&plan->over_calls[i].call);
		if (looked > *looks) *looks = looked;
	}
	return facts_closing(&plan->inputs[0]->facts, plan->order[0].expr->column);
}

/* A row whose results look ahead comes out when the rows it looks at are there: behind the watermark by nobody knows how much, so above it
 * there is none. */
static void over_time(PlanContext *context, Plan *plan)
{
	int key;
	LooksAhead looks;
	const PlanWatermark *closed = facts_close_by(context, &plan->inputs[0]->facts, plan->partition, plan->partition_count, &key);
	const PlanWatermark *order = over_order_watermark(plan, &looks);
	if (looks == LOOKS_TO_THE_END || (looks == LOOKS_AHEAD && !context->emit_on_close)) order = NULL;
	if (closed && (closed->window || !order)) partitioned_time(context, plan, closed);
	else if (order) {
		PlanWatermark *passed = looks == LOOKS_NOT_AHEAD ? pass(context, plan, order->column, order) : NULL;
		if (!context->emit_on_close || (!passed && looks == LOOKS_NOT_AHEAD)) return;
		if (passed) passed->soft = false;
		note_closing(plan, order);
	}
}

static bool keeps_the_last(const Plan *plan)
{
	return plan->limit == 1 && plan->offset == 0 && plan->rank == TOPN_ROW_NUMBER && plan->order_count && plan->order[0].spec.descending
		&& plan->order[0].expr->kind == EXPR_COLUMN && plan->partition_count > 0;
}

static void topn_time(PlanContext *context, Plan *plan)
{
	int key;
	const PlanWatermark *closed = facts_close_by(context, &plan->inputs[0]->facts, plan->partition, plan->partition_count, &key);
	if (closed) partitioned_time(context, plan, closed);
	else if (keeps_the_last(plan)) {
		const PlanWatermark *time = facts_closing(&plan->inputs[0]->facts, plan->order[0].expr->column);
		PlanWatermark *passed = time ? pass(context, plan, time->column, time) : NULL;
		if (passed) passed->versions = true;
	}
}

static void sort_time(PlanContext *context, Plan *plan)
{
	if (plan->limit < 0 && !plan->offset) pass_all(context, plan);
}

/* ---- several inputs ---- */

static bool is_null_column(const Plan *input, int column)
{
	if (input->kind != PLAN_PROJECT) return false;
	const Expr *e = input->items[column].expr;
	return e->kind == EXPR_CONSTANT && e->constant.is_null;
}

static bool same_windows(const Plan *plan, int a, int b)
{
	for (int i = 0; i < plan->input_count; i++) {
		const Plan *input = plan->inputs[i];
		const PlanWatermark *x = facts_closing(&input->facts, input->columns[a].id), *y = facts_closing(&input->facts, input->columns[b].id);
		if ((x ? x->window : 0) != (y ? y->window : 0)) return false;
	}
	return true;
}

static int union_window(const Plan *plan, int column)
{
	for (int c = 0; c < column; c++)
		if (facts_watermark(&plan->facts, plan->columns[c].id) && same_windows(plan, c, column)) return plan->columns[c].id;
	return plan->columns[column].id;
}

/* The lowest of all inputs. Where they are unequally far behind what judges their rows, the furthest behind sets the measure. */
static void union_column(PlanContext *context, Plan *plan, int column)
{
	PlanWatermark out = {.inclusive = true, .window = 1, .is_window_time = true};
	int found = 0;
	for (int i = 0; i < plan->input_count; i++) {
		const Plan *input = plan->inputs[i];
		if (is_null_column(input, column)) continue;
		const PlanWatermark *from = facts_closing(&input->facts, input->columns[column].id);
		if (!from || (found && from->clock != out.clock)) return;
		if (!found++ || from->delta_us > out.delta_us) out.delta_us = from->delta_us;
		out.clock = from->clock;
		out.inclusive &= from->inclusive;
		out.soft |= from->soft;
		out.is_window_time &= from->is_window_time;
		if (!from->window) out.window = 0;
	}
	if (!found) return;
	PlanWatermark *watermark = add(context, plan, plan->columns[column].id, &out);
	if (!watermark) return;
	if (out.window) watermark->window = union_window(plan, column);
	for (int i = 0; i < plan->input_count; i++) {
		const Plan *input = plan->inputs[i];
		const PlanWatermark *from = is_null_column(input, column) ? NULL : facts_closing(&input->facts, input->columns[column].id);
		if (from) add_term(context, watermark, i, from->column, out.delta_us - from->delta_us);
	}
}

static void union_time(PlanContext *context, Plan *plan)
{
	for (int c = 0; c < plan->column_count; c++) union_column(context, plan, c);
}

/* Columns of one side's window, as far as the lower of both sides */
static void window_join_side(PlanContext *context, Plan *plan, int side, const PlanWatermark *own, const PlanWatermark *other)
{
	const PlanFacts *in = &plan->inputs[side]->facts;
	for (int i = 0; i < in->watermark_count; i++) {
		const PlanWatermark *from = &in->watermarks[i];
		if (from != own && (!own->window || from->window != own->window)) continue;
		PlanWatermark *watermark = add(context, plan, from->column, from);
		if (!watermark) return;
		watermark->inclusive = from->inclusive && other->inclusive;
		watermark->soft = false;
		if (other->delta_us > own->delta_us) watermark->delta_us += other->delta_us - own->delta_us;
		add_term(context, watermark, side, from->column, 0);
		add_term(context, watermark, 1 - side, other->column, from->delta_us - own->delta_us);
	}
}

/* A watermark that is so far behind what judges the rows of all inputs: each input's part of it. */
static void add_judged_term(PlanContext *context, PlanWatermark *watermark, int input, const PlanWatermark *from)
{
	add_term(context, watermark, input, from->column, watermark->delta_us - from->delta_us);
}

/* A row still waits for partners, so its column is as far behind as it can wait; where each row says itself how long, nobody knows how far. */
static void interval_join_side(PlanContext *context, Plan *plan, const IntervalBounds *bounds, int side)
{
	if (side ? bounds->right_end != bounds->right : bounds->left_end != bounds->left) return;
	const PlanWatermark *left = facts_closing(&plan->inputs[0]->facts, bounds->left), *right = facts_closing(&plan->inputs[1]->facts, bounds->right);
	const PlanWatermark *own = side ? right : left, *other = side ? left : right;
	int64_t waits_us = other->delta_us + (side ? -bounds->lower_us : bounds->upper_us);
	PlanWatermark *watermark = add(context, plan, own->column, own);
	if (!watermark) return;
	if (waits_us > own->delta_us) watermark->delta_us = waits_us;
	watermark->soft = left->soft || right->soft;
	watermark->inclusive = left->inclusive && right->inclusive;
	watermark->is_window_time = false;
	add_judged_term(context, watermark, 0, left);
	add_judged_term(context, watermark, 1, right);
}

static void temporal_time(PlanContext *context, Plan *plan)
{
	const PlanFacts *in = &plan->inputs[0]->facts;
	const PlanWatermark *right = NULL, *time = plan->time_of && plan->time_of->kind == EXPR_COLUMN ? facts_closing(in, plan->time_of->column) : NULL;
	for (int i = 0; i < plan->inputs[1]->facts.watermark_count && !right; i++) right = &plan->inputs[1]->facts.watermarks[i];
	bool by_event = plan->join_form == JOIN_FORM_TEMPORAL_EVENT;
	if (by_event && (!time || !right)) return;
	for (int i = 0; i < in->watermark_count; i++) {
		const PlanWatermark *from = &in->watermarks[i];
		if (from->versions) continue;
		if (!by_event) { pass(context, plan, from->column, from); continue; }
		PlanWatermark *watermark = add(context, plan, from->column, from);
		if (!watermark) return;
		int64_t waits_us = right->delta_us + from->delta_us - time->delta_us;
		if (waits_us > watermark->delta_us) watermark->delta_us = waits_us;
		add_judged_term(context, watermark, 0, from);
		add_term(context, watermark, 1, right->column, watermark->delta_us - right->delta_us);
	}
}

static void join_time(PlanContext *context, Plan *plan)
{
	JoinShape shape;
	bool left_only = plan->join == JOIN_SEMI || plan->join == JOIN_ANTI;
	if (plan->join_form == JOIN_FORM_TEMPORAL_EVENT || plan->join_form == JOIN_FORM_TEMPORAL_PROC) {
		temporal_time(context, plan);
		return;
	}
	join_shape(context, plan, &shape);
	if (shape.way == JOIN_WAY_WINDOW) {
		const PlanWatermark *left = facts_closing(&plan->inputs[0]->facts, shape.keys.left.at[shape.close_key]->column);
		const PlanWatermark *right = facts_closing(&plan->inputs[1]->facts, shape.keys.right.at[shape.close_key]->column);
		note_closing(plan, left);
		window_join_side(context, plan, 0, left, right);
		if (!left_only) window_join_side(context, plan, 1, right, left);
	}
	else if (shape.way == JOIN_WAY_INTERVAL) {
		note_closing(plan, facts_closing(&plan->inputs[0]->facts, shape.interval.left));
		interval_join_side(context, plan, &shape.interval, 0);
		if (!left_only) interval_join_side(context, plan, &shape.interval, 1);
	}
}

static void shared_time(PlanContext *context, Plan *plan)
{
	const PlanFacts *in = &plan->shared->facts;
	pass_arrival(plan, in);
	for (int c = 0; c < plan->column_count; c++) {
		const PlanWatermark *from = facts_watermark(in, plan->shared_columns[c]);
		if (from) pass(context, plan, plan->columns[c].id, from);
	}
}

typedef void DeriveTime(PlanContext *context, Plan *plan);
static DeriveTime *const TIME[PLAN_KIND_COUNT] = {
	[PLAN_SCAN] = scan_time, [PLAN_FILTER] = filter_time, [PLAN_PROJECT] = project_time, [PLAN_JOIN] = join_time,
	[PLAN_AGGREGATE] = aggregate_time, [PLAN_WINDOW] = window_time, [PLAN_OVER] = over_time, [PLAN_SORT] = sort_time,
	[PLAN_TOPN] = topn_time, [PLAN_UNION] = union_time, [PLAN_EXPAND] = pass_all, [PLAN_SHARED] = shared_time, [PLAN_SETTLE] = filter_time,
	[PLAN_MOVING] = moving_time,
};

void facts_time(PlanContext *context, Plan *plan)
{
	if (TIME[plan->kind]) TIME[plan->kind](context, plan);
}
