/* Lowering: a rewritten plan becomes operators. First equal subtrees are found (share.c) and it is settled which edges carry hidden columns
 * (needs.c); then each class of subtrees is lowered once, inputs before their readers, so that the order of making is topological and the
 * same plan always gives the same operators with the same numbers. */
#include "plan/lower_recursive.h"

#include <assert.h>

#include "base/hash.h"
#include "plan/rules.h"

static LowerFunction *const LOWER[PLAN_KIND_COUNT] = {
	[PLAN_SCAN] = lower_scan, [PLAN_VALUES] = lower_values, [PLAN_FILTER] = lower_filter, [PLAN_PROJECT] = lower_project,
	[PLAN_JOIN] = lower_join, [PLAN_AGGREGATE] = lower_aggregate, [PLAN_WINDOW] = lower_window, [PLAN_OVER] = lower_over,
	[PLAN_SORT] = lower_sort, [PLAN_TOPN] = lower_topn, [PLAN_UNION] = lower_union, [PLAN_SETOP] = lower_setop,
	[PLAN_EXPAND] = lower_expand, [PLAN_SHARED] = lower_shared, [PLAN_RECURSIVE] = lower_recursive, [PLAN_STEP_INPUT] = lower_step_input,
	[PLAN_SINGLE] = lower_single, [PLAN_MOVING] = lower_moving, [PLAN_SETTLE] = lower_settle,
};

/* ---- texts ---- */

static const char *input_column_name(ColumnId column, void *context)
{
	const Plan *plan = context;
	for (int i = 0; i < plan->input_count; i++) {
		const PlanColumn *found = plan_column(plan->inputs[i], column);
		if (found) return found->name && *found->name ? found->name : "?";
	}
	return "?";
}

const char *lower_expr_text(Lowering *lowering, const Plan *plan, const Expr *e)
{
	StrBuf text = STRBUF_INIT;
	expr_print(e, &text, input_column_name, (void *)plan);
	const char *kept = arena_strdup(lowering->arena, text.text);
	strbuf_release(&text);
	return kept;
}

const char *lower_exprs_text(Lowering *lowering, const Plan *plan, Expr *const *exprs, int count)
{
	StrBuf text = STRBUF_INIT;
	for (int i = 0; i < count; i++) {
		if (i) strbuf_adds(&text, ", ");
		expr_print(exprs[i], &text, input_column_name, (void *)plan);
	}
	const char *kept = arena_strdup(lowering->arena, text.text);
	strbuf_release(&text);
	return kept;
}

bool lower_refuse(Lowering *lowering, const Plan *plan, const char *what)
{
	return error_set(lowering->err, ERR_UNSUPPORTED, plan->span, "%s cannot be kept up to date", what);
}

/* ---- ids and edges ---- */

ColumnId *lower_ids(Lowering *lowering, const Plan *plan)
{
	ColumnId *ids = arena_array(lowering->arena, ColumnId, plan->column_count + 1);
	for (int i = 0; i < plan->column_count; i++) ids[i] = plan->columns[i].id;
	return ids;
}

ColumnId *lower_ids_behind(Lowering *lowering, const OpInput *edge, const ColumnId *more, int count)
{
	ColumnId *ids = arena_array(lowering->arena, ColumnId, edge->column_count + count + 1);
	copy_bytes(ids, edge->layout, sizeof *ids * (size_t)edge->column_count);
	if (count) copy_bytes(ids + edge->column_count, more, sizeof *ids * (size_t)count);
	return ids;
}

static int layout_find(const OpInput *edge, ColumnId id)
{
	for (int c = 0; c < edge->column_count; c++)
		if (edge->layout[c] == id) return c;
	return -1;
}

int edge_watermark(const OpInput *edge, ColumnId column)
{
	for (int i = 0; i < edge->watermark_count; i++)
		if (edge->layout[edge->watermarks[i].column] == column) return i;
	return -1;
}

/* A clock's watermark has nothing to do with what judges rows by event time: so far behind that it makes none late. */
static int64_t judge_delta(const PlanWatermark *watermark) { return watermark->clock ? INT64_MAX / 2 : watermark->delta_us; }

static bool rule_terms(const PlanWatermark *watermark, const NewOp *new_op, WatermarkRule *rule)
{
	rule->terms = arena_array(&new_op->op->arena, WatermarkTerm, watermark->term_count + 1);
	rule->term_count = watermark->term_count;
	for (int t = 0; t < watermark->term_count; t++) {
		const PlanWatermarkTerm *term = &watermark->terms[t];
		int index = term->input < 0 ? 0 : edge_watermark(&new_op->inputs[term->input].edge, term->column);
		if (index < 0) return false;
		rule->terms[t] = (WatermarkTerm){.input = term->input, .index = index, .delta_us = term->delta_us};
	}
	return true;
}

static void set_watermarks(Lowering *lowering, const Plan *plan, const NewOp *new_op, OpInput *edge)
{
	WatermarkColumn *columns = arena_array(lowering->arena, WatermarkColumn, OP_WATERMARKS_MAX);
	edge->watermarks = columns;
	edge->watermark_count = 0;
	for (int i = 0; i < plan->facts.watermark_count; i++) {
		const PlanWatermark *watermark = &plan->facts.watermarks[i];
		int column = layout_find(edge, watermark->column);
		if (column < 0 || !rule_terms(watermark, new_op, &new_op->op->rules[edge->watermark_count])) continue;
		columns[edge->watermark_count++] = (WatermarkColumn){column, judge_delta(watermark), watermark->inclusive};
	}
	new_op->op->rule_count = edge->watermark_count;
}

static const char *name_of(const Plan *plan, ColumnId id)
{
	for (int c = 0; c < plan->column_count; c++)
		if (plan->columns[c].id == id && plan->columns[c].name) return plan->columns[c].name;
	const char *name = NULL;
	for (int i = 0; !name && i < plan->input_count; i++) name = name_of(plan->inputs[i], id);
	return name;
}

/* What the columns of an operator's input are called; of several of one name the later ones are numbered, as SQLite does. */
static const char **names_of(Arena *arena, const Plan *plan, const OpInput *edge)
{
	const char **names = arena_array(arena, const char *, edge->column_count + 1);
	for (int c = 0; c < edge->column_count; c++) {
		const char *name = plan ? name_of(plan, edge->layout[c]) : NULL;
		int same = 0;
		names[c] = name && *name ? arena_strdup(arena, name) : arena_printf(arena, "column%d", c + 1);
		for (int before = 0; before < c; before++) same += strcmp(names[before], names[c]) == 0;
		if (same) names[c] = arena_printf(arena, "%s:%d", names[c], same);
	}
	return names;
}

/* ---- identities ---- */

/* Constants come with a query's first commit, and a recursion keeps state in operators of its own. */
static Sharing sharing_of_node(const Plan *plan)
{
	if (plan->kind == PLAN_RECURSIVE || plan->kind == PLAN_STEP_INPUT || plan->kind == PLAN_VALUES) return SHARED_NEVER;
	bool of_time = plan->kind == PLAN_MOVING || plan->kind == PLAN_SETTLE || plan->join_form != JOIN_FORM_PLAIN;
	return of_time ? SHARED_BY_HISTORY : SHARED_BY_ROWS;
}

static Sharing sharing_of_edge(const OpInput *edge)
{
	return edge->watermark_count || edge->has_judge || edge->has_arrival ? SHARED_BY_HISTORY : SHARED_BY_ROWS;
}

/* Does it see watermarks go by, but neither closes, forgets, nor judges anything by them? OVER may take rows as late. */
static bool is_of_rows_itself(const Plan *plan, const NewOp *new_op, const LoweredNode *node)
{
	bool of_rows = node->sharing != SHARED_NEVER && sharing_of_node(plan) == SHARED_BY_ROWS && plan->kind != PLAN_OVER && !state_is_forgetting(new_op->op->state);
	for (int i = 0; i < new_op->input_count; i++) of_rows &= !new_op->inputs[i].edge.has_judge && !new_op->inputs[i].edge.has_arrival;
	return node->sharing == SHARED_BY_ROWS || (of_rows && !node->edge.has_judge && !node->edge.has_arrival);
}

static Sharing least(Sharing a, Sharing b) { return a < b ? a : b; }

/* Windows and sums right above a stream, whose state follows from its rows in their order. What those give out comes with commits. */
static void set_stream(const Plan *plan, const NewOp *new_op, LoweredNode *out)
{
	bool keeps = plan->kind == PLAN_FILTER || plan->kind == PLAN_PROJECT || plan->kind == PLAN_WINDOW || plan->kind == PLAN_AGGREGATE;
	bool scans = plan->kind == PLAN_SCAN && plan->relation->kind == RELATION_STREAM && relation_is_local(plan->relation);
	for (int i = 0; i < plan->facts.watermark_count; i++)
		if (plan->facts.watermarks[i].clock) return;
	if (scans && !new_op->input_count) out->stream = plan->relation;
	else if ((keeps || scans) && new_op->input_count == 1) out->stream = new_op->inputs[0].stream;
}

static void set_sharing(const Plan *plan, const NewOp *new_op, LoweredNode *out)
{
	out->sharing = least(sharing_of_node(plan), sharing_of_edge(&out->edge));
	for (int i = 0; i < new_op->input_count; i++)
		out->sharing = least(out->sharing, least(new_op->inputs[i].sharing, sharing_of_edge(&new_op->inputs[i].edge)));
	set_stream(plan, new_op, out);
	if (out->stream && out->sharing == SHARED_BY_HISTORY) out->sharing = SHARED_BY_ORDER;
	if (!out->stream && out->sharing == SHARED_BY_ORDER) out->sharing = SHARED_BY_HISTORY;
	if (plan->kind == PLAN_AGGREGATE || (plan->kind == PLAN_WINDOW && plan->window == PLAN_WINDOW_SESSION)) out->stream = NULL;
}

/* Columns by their places in the plan's node: edges of equal nodes may have them in another order. */
static void write_layout(const Plan *plan, const OpInput *edge, StrBuf *text)
{
	strbuf_addc(text, '[');
	for (int c = 0; c < edge->column_count; c++) {
		int at = 0;
		while (at < plan->column_count && plan->columns[at].id != edge->layout[c]) at++;
		strbuf_printf(text, "%d:", at < plan->column_count ? at : -1);
		type_print(edge->types[c], text);
	}
	for (int w = 0; w < edge->watermark_count; w++)
		strbuf_printf(text, " %d %lld %d", edge->watermarks[w].column, (long long)edge->watermarks[w].delta_us, edge->watermarks[w].inclusive);
	strbuf_printf(text, " %d%d%d]", edge->append_only, edge->has_judge, edge->has_arrival);
}

/* Of operators with state only; a node that makes several of them numbers them where they do not say themselves what they keep. */
static void set_identity(const Lowering *lowering, const Plan *plan, const NewOp *new_op, const LoweredNode *node, LoweredNote *note)
{
	const AlikeClass *class = alike(lowering, plan);
	int ordinal = 0;
	if (!new_op->op->state || note->in_step) return;
	note->sharing = node->sharing;
	note->of_rows = is_of_rows_itself(plan, new_op, node);
	bool says = new_op->shared.low || new_op->shared.high;
	for (int n = 0; !says && n < lowering->out->notes.count; n++) ordinal += lowering->out->notes.at[n].node == plan->alike;
	StrBuf text = STRBUF_INIT;
	strbuf_printf(&text, "%s %d %d ", new_op->op->class->name, ordinal, lowering->context->emit_on_close);
	strbuf_printf(&text, "%016llx%016llx ", (unsigned long long)new_op->shared.high, (unsigned long long)new_op->shared.low);
	strbuf_add(&text, class->text, class->bytes);
	write_layout(plan, &node->edge, &text);
	for (int i = 0; i < new_op->input_count && i < plan->input_count; i++) write_layout(plan->inputs[i], &new_op->inputs[i].edge, &text);
	note->identity = hash_bytes_128(text.text, text.bytes);
	strbuf_release(&text);
}

static void add_note(Lowering *lowering, const Plan *plan, const NewOp *new_op, const LoweredNode *node)
{
	Arena *arena = &lowering->out->arena;
	const OpInput *edge = &node->edge;
	LoweredNote note = {
		.op = new_op->op, .in_step = recursion_of(lowering, new_op->inputs, new_op->input_count) != NULL,
		.text = new_op->detail ? arena_strdup(arena, new_op->detail) : "", .stateful = plan->facts.bound_by != NULL,
		.node = plan->alike, .bounded = plan->facts.bounded, .bound = plan->facts.bound_by ? arena_strdup(arena, plan->facts.bound_by) : NULL,
		.inputs = arena_array(arena, Op *, new_op->input_count + 1), .input_count = new_op->input_count,
		.watermarks = arena_array(arena, WatermarkColumn, edge->watermark_count + 1),
	};
	note.input_names = arena_alloc(arena, sizeof *note.input_names * (size_t)(new_op->input_count + 1));
	for (int i = 0; i < new_op->input_count; i++) {
		const OpInput *from = &new_op->inputs[i].edge;
		note.inputs[i] = new_op->inputs[i].op;
		note.input_names[i].at = names_of(arena, i < plan->input_count ? plan->inputs[i] : NULL, from);
		note.input_names[i].count = from->column_count;
	}
	note.contents = new_op->contents;
	if (edge->watermark_count) copy_bytes(note.watermarks, edge->watermarks, sizeof *note.watermarks * (size_t)edge->watermark_count);
	set_identity(lowering, plan, new_op, node, &note);
	vec_push_in(arena, &lowering->out->notes, note);
}

void lower_add(Lowering *lowering, const Plan *plan, const NewOp *new_op, LoweredNode *out)
{
	Op *op = new_op->op;
	const AlikeClass *class = alike(lowering, plan);
	*out = (LoweredNode){.op = op, .edge = {
		.layout = new_op->layout ? new_op->layout : lower_ids(lowering, plan), .types = op->types, .column_count = op->column_count,
		.append_only = plan->facts.append_only, .has_judge = class->want_judge, .has_arrival = class->want_arrival,
		.arrival_repeats = plan->facts.arrival_repeats,
	}};
	op->append_only = plan->facts.append_only;
	op->drops_judge = !class->want_judge;
	for (int i = 0; i < new_op->input_count; i++) {
		const LoweredNode *input = &new_op->inputs[i];
		op_input_init(op, i, input->edge.watermarks, input->edge.watermark_count);
		op->in_sources[i] = input->reads_views ? 0 : input->sources;
		op_connect(input->op, op, i);
		out->sources |= input->sources;
		out->reads_views |= input->reads_views;
	}
	set_watermarks(lowering, plan, new_op, &out->edge);
	if (new_op->detail && *new_op->detail) op->label = arena_printf(&op->arena, "%s %s", op->class->name, new_op->detail);
	set_sharing(plan, new_op, out);
	add_note(lowering, plan, new_op, out);
	Recursion *recursion = recursion_of(lowering, new_op->inputs, new_op->input_count);
	if (recursion) {
		vec_push_in(lowering->arena, &recursion->ops, op);
		return;
	}
	op->id = lowering->out->ops.count;
	vec_push_in(&lowering->out->arena, &lowering->out->ops, op);
}

/* ---- classes ---- */

/* The layout of the class's first subtree in the numbers of one that is like it. */
static void rename_layout(Lowering *lowering, const Plan *first, const Plan *plan, LoweredNode *node)
{
	if (first == plan) return;
	ColumnId *layout = arena_array(lowering->arena, ColumnId, node->edge.column_count + 1);
	for (int c = 0; c < node->edge.column_count; c++)
		for (int i = 0; i < first->column_count; i++)
			if (first->columns[i].id == node->edge.layout[c]) layout[c] = plan->columns[i].id;
	node->edge.layout = layout;
}

bool lower_plan(Lowering *lowering, Plan *plan, LoweredNode *out)
{
	AlikeClass *class = alike(lowering, plan);
	if (!class->is_lowered) {
		if (!LOWER[plan->kind](lowering, class->first, &class->node)) return false;
		class->is_lowered = true;
	}
	*out = class->node;
	rename_layout(lowering, class->first, plan, out);
	return true;
}

static bool is_exact(const Plan *plan, const OpInput *edge)
{
	if (edge->column_count != plan->column_count) return false;
	for (int c = 0; c < plan->column_count; c++)
		if (edge->layout[c] != plan->columns[c].id) return false;
	return true;
}

Plan *lower_below_choices(Lowering *lowering, Plan *plan, ColumnId **ids)
{
	const Plan *top = plan;
	*ids = lower_ids(lowering, plan);
	for (; plan->kind == PLAN_PROJECT && project_only_chooses(plan); plan = plan->inputs[0])
		for (int c = 0; c < top->column_count; c++)
			for (int i = 0; i < plan->item_count; i++)
				if (plan->items[i].id == (*ids)[c]) {
					(*ids)[c] = plan->items[i].expr->column;
					break;
				}
	return plan;
}

/* The node's columns and no others: a projection, which takes a filter right below along. It passes the watermarks that the node has. */
static void project_exactly(Lowering *lowering, Plan *plan, const LoweredNode *in, const ColumnId *ids, const Plan *filter, LoweredNode *out)
{
	Expr **exprs = arena_array(lowering->arena, Expr *, plan->column_count + 1);
	for (int c = 0; c < plan->column_count; c++) {
		const PlanColumn *column = &plan->columns[c];
		exprs[c] = expr_column(lowering->arena, ids[c], column->type, column->nullable, SPAN_NONE);
	}
	ProjectSpec spec = {.in = in->edge, .condition = filter ? filter->condition : NULL, .exprs = exprs, .expr_count = plan->column_count};
	Plan passed = *plan;
	passed.facts.bound_by = NULL;
	passed.facts.watermarks = arena_array(lowering->arena, PlanWatermark, OP_WATERMARKS_MAX);
	for (int i = 0; i < plan->facts.watermark_count; i++) {
		PlanWatermark *watermark = &passed.facts.watermarks[i];
		*watermark = plan->facts.watermarks[i];
		watermark->terms = arena_new(lowering->arena, PlanWatermarkTerm);
		watermark->term_count = 1;
		for (int c = 0; c < plan->column_count; c++)
			if (plan->columns[c].id == watermark->column) watermark->terms->column = ids[c];
	}
	NewOp new_op = {.op = op_project_new(&spec), .inputs = in, .input_count = 1,
		.detail = filter ? lower_expr_text(lowering, filter, filter->condition) : NULL};
	lower_add(lowering, &passed, &new_op, out);
}

static bool make_exact(Lowering *lowering, Plan *plan, LoweredNode *out)
{
	LoweredNode in;
	ColumnId *ids;
	Plan *base = lower_below_choices(lowering, plan, &ids);
	if (base->kind == PLAN_FILTER && base != plan && !alike(lowering, base)->is_lowered) {
		if (!lower_plan(lowering, base->inputs[0], &in)) return false;
		project_exactly(lowering, plan, &in, ids, base, out);
		return true;
	}
	if (!lower_plan(lowering, plan, &in)) return false;
	if (is_exact(plan, &in.edge)) *out = in;
	else project_exactly(lowering, plan, &in, lower_ids(lowering, plan), NULL, out);
	return true;
}

bool lower_exact(Lowering *lowering, Plan *plan, LoweredNode *out)
{
	AlikeClass *class = alike(lowering, plan);
	if (!class->has_exact) {
		if (!make_exact(lowering, class->first, &class->exact)) return false;
		class->has_exact = true;
	}
	*out = class->exact;
	rename_layout(lowering, class->first, plan, out);
	return true;
}

static bool is_narrow(const Plan *plan, const OpInput *edge)
{
	if (edge->column_count != plan->column_count) return false;
	for (int c = 0; c < edge->column_count; c++)
		if (!edge->layout[c]) return false;
	return true;
}

bool lower_narrow(Lowering *lowering, Plan *plan, LoweredNode *out)
{
	const AlikeClass *class = alike(lowering, plan);
	if (class->is_lowered && is_narrow(class->first, &class->node.edge)) return lower_plan(lowering, plan, out);
	if (plan->kind == PLAN_PROJECT && !class->has_exact) {
		ColumnId *ids;
		Plan *base = lower_below_choices(lowering, plan, &ids);
		bool fuses = base->kind == PLAN_FILTER && !alike(lowering, base)->is_lowered;
		if (!fuses) {
			if (!lower_plan(lowering, plan, out)) return false;
			if (is_narrow(plan, &out->edge)) return true;
		}
	}
	return lower_exact(lowering, plan, out);
}

/* ---- scans ---- */

static uint64_t source_bit(Lowering *lowering, Relation *relation)
{
	Lowered *out = lowering->out;
	int i = 0;
	while (i < out->sources.count && out->sources.at[i] != relation) i++;
	if (i == out->sources.count) vec_push_in(&out->arena, &out->sources, relation);
	return i < 64 ? (uint64_t)1 << i : 0;
}

static LoweredScan scan_of(Lowering *lowering, const Plan *plan)
{
	Arena *arena = &lowering->out->arena;
	const AlikeClass *class = alike(lowering, plan);
	LoweredScan scan = {
		.relation = relation_ref(plan->relation), .column_count = plan->column_count,
		.columns = arena_array(arena, ColumnPath, plan->column_count + 1), .types = arena_array(arena, Type, plan->column_count + 1),
		.want_judge = class->want_judge, .want_arrival = class->want_arrival, .before_others = class->before_others,
	};
	const bool *reads = lower_whole_reads(lowering, plan);
	if (reads) scan.reads = arena_copy(arena, reads, sizeof *reads * (size_t)(plan->column_count + 1));
	for (int i = 0; i < plan->column_count; i++) {
		ColumnPath *path = &scan.columns[i];
		*path = plan->scan_columns[i].path;
		const char **fields = arena_array(arena, const char *, path->field_count + 1);
		for (int f = 0; f < path->field_count; f++) fields[f] = arena_strdup(arena, path->fields[f]);
		path->fields = fields;
		scan.types[i] = plan->columns[i].type;
	}
	return scan;
}

/* Watermarks of the source, or all: the clock is none of the source's. */
static Plan with_watermarks(Lowering *lowering, const Plan *plan, bool of_clock)
{
	Plan part = *plan;
	part.facts.watermarks = arena_array(lowering->arena, PlanWatermark, OP_WATERMARKS_MAX);
	part.facts.watermark_count = 0;
	for (int i = 0; i < plan->facts.watermark_count; i++) {
		PlanWatermark watermark = plan->facts.watermarks[i];
		if (watermark.clock && !of_clock) continue;
		if (of_clock && !watermark.clock) {
			watermark.terms = arena_new(lowering->arena, PlanWatermarkTerm);
			watermark.terms->column = watermark.column;
			watermark.term_count = 1;
		}
		part.facts.watermarks[part.facts.watermark_count++] = watermark;
	}
	return part;
}

/* Columns that PROCTIME() stamped have the clock as their watermark: an operator behind the scan carries it. */
static void add_clock(Lowering *lowering, Plan *plan, LoweredNode *out)
{
	Plan with_clock = with_watermarks(lowering, plan, true);
	LoweredNode in = *out;
	Expr **exprs = arena_array(lowering->arena, Expr *, plan->column_count + 1);
	for (int c = 0; c < plan->column_count; c++) exprs[c] = plan_column_expr(lowering->context, plan, c);
	ProjectSpec spec = {.in = in.edge, .exprs = exprs, .expr_count = plan->column_count};
	NewOp new_op = {.op = op_project_new(&spec), .inputs = &in, .input_count = 1};
	lower_add(lowering, &with_clock, &new_op, out);
}

bool lower_scan(Lowering *lowering, Plan *plan, LoweredNode *out)
{
	Plan source = with_watermarks(lowering, plan, false);
	LoweredScan scan = scan_of(lowering, plan);
	scan.op = op_input_new(plan->relation->name, scan.types, scan.column_count);
	NewOp new_op = {.op = scan.op, .detail = plan->relation->name};
	lower_add(lowering, &source, &new_op, out);
	bool is_view = relation_is_maintained(plan->relation);
	out->reads_views = is_view;
	if (!is_view && source.facts.watermark_count) out->sources = source_bit(lowering, plan->relation);
	if (!is_view && !relation_is_local(plan->relation)) out->sharing = least(out->sharing, SHARED_BY_HISTORY);
	vec_push_in(&lowering->out->arena, &lowering->out->scans, scan);
	if (source.facts.watermark_count < plan->facts.watermark_count) add_clock(lowering, plan, out);
	return true;
}

/* ---- the whole ---- */

/* The key that costs least in the file: all columns exact, few of them, one INTEGER best of all. */
static int key_cost(const Plan *plan, const PlanKey *key)
{
	int cost = 0;
	for (int i = 0; i < key->count; i++) {
		const PlanColumn *column = plan_column(plan, key->columns[i]);
		if (!column || !type_is_exact_in_file(column->type)) return -1;
		cost += column->type.kind == TYPE_INTEGER && !column->nullable ? 2 : 3;
	}
	return cost;
}

static void result_key(Lowering *lowering, const Plan *plan)
{
	Lowered *out = lowering->out;
	const PlanKey *best = NULL;
	for (int i = 0; i < plan->facts.key_count; i++) {
		int cost = key_cost(plan, &plan->facts.keys[i]);
		if (cost >= 0 && (!best || cost < key_cost(plan, best))) best = &plan->facts.keys[i];
	}
	if (!best) return;
	out->has_key = true;
	out->key = arena_array(&out->arena, int, best->count + 1);
	for (int i = 0; i < best->count; i++)
		for (int c = 0; c < plan->column_count; c++)
			if (plan->columns[c].id == best->columns[i]) out->key[out->key_count++] = c;
	for (int i = 1; i < out->key_count; i++)              /* in the order of the columns */
		for (int j = i; j > 0 && out->key[j] < out->key[j - 1]; j--) {
			int swap = out->key[j];
			out->key[j] = out->key[j - 1];
			out->key[j - 1] = swap;
		}
}

static void result_columns(Lowering *lowering, const Plan *plan, const LoweredNode *root)
{
	Lowered *out = lowering->out;
	out->root = root->op;
	out->has_judge = root->edge.has_judge;
	out->column_count = plan->column_count;
	out->names = arena_array(&out->arena, const char *, plan->column_count + 1);
	out->types = arena_array(&out->arena, Type, plan->column_count + 1);
	out->nullable = arena_array(&out->arena, bool, plan->column_count + 1);
	for (int i = 0; i < plan->column_count; i++) {
		out->names[i] = arena_strdup(&out->arena, plan->columns[i].name ? plan->columns[i].name : "");
		out->types[i] = plan->columns[i].type;
		out->nullable[i] = plan->columns[i].nullable;
	}
	out->append_only = plan->facts.append_only;
	for (int i = 0; i < root->edge.watermark_count; i++) {
		const WatermarkColumn *column = &root->edge.watermarks[i];
		out->watermarks[i].column = column->column;
		out->watermarks[i].delta_us = column->delta_us;
		out->watermarks[i].inclusive = column->inclusive;
	}
	out->watermark_count = root->edge.watermark_count;
	result_key(lowering, plan);
}

static uint64_t hash_note(uint64_t hash, const LoweredNote *note)
{
	const Op *op = note->op;
	hash = hash_combine(hash, hash_bytes(op->class->name, strlen(op->class->name)));
	hash = hash_combine(hash, (uint64_t)op->append_only);
	for (int i = 0; i < note->input_count; i++) hash = hash_combine(hash, (uint64_t)note->inputs[i]->id);
	if (note->contents.low) hash = hash_combine(hash, note->contents.low);
	for (int w = 0; w < op->rule_count; w++) {
		hash = hash_combine(hash, (uint64_t)note->watermarks[w].column * 2 + note->watermarks[w].inclusive);
		hash = hash_combine(hash, (uint64_t)note->watermarks[w].delta_us);
	}
	return hash;
}

/* Whether saved state fits: it depends on what the nodes mean, on what closes, and on which hidden columns are kept with rows. */
static uint64_t graph_hash(const Lowering *lowering)
{
	uint64_t hash = (uint64_t)lowering->out->ops.count;
	for (int i = 0; i < lowering->class_count; i++) {
		const AlikeClass *class = lowering->classes.at[i];
		hash = hash_combine(hash, class->hash);
		hash = hash_combine(hash, (uint64_t)class->want_judge * 2 + class->want_arrival);
	}
	for (int i = 0; i < lowering->out->notes.count; i++) hash = hash_note(hash, &lowering->out->notes.at[i]);
	return hash_combine(hash, (uint64_t)lowering->context->emit_on_close);
}

/* Operators inside of recursions come after all others: those of Lowered.ops are numbered as they stand there. */
static void number_steps(Lowered *out)
{
	int id = out->ops.count;
	for (int i = 0; i < out->notes.count; i++)
		if (out->notes.at[i].in_step) out->notes.at[i].op->id = id++;
}

/* Times of versions are for temporal joins of this query: to who reads the result they are no watermarks. */
static void forget_versions(Plan *plan)
{
	int kept = 0;
	for (int i = 0; i < plan->facts.watermark_count; i++)
		if (!plan->facts.watermarks[i].versions) plan->facts.watermarks[kept++] = plan->facts.watermarks[i];
	plan->facts.watermark_count = kept;
}

/* A record with a bad value is dead for queries that read its column: which they read of sources decides what their operators see. */
static void add_columns_read(Lowering *lowering)
{
	StrBuf text = STRBUF_INIT;
	Lowered *out = lowering->out;
	for (int s = 0; s < out->scans.count; s++) {
		const LoweredScan *scan = &out->scans.at[s];
		if (relation_is_maintained(scan->relation) || relation_is_local(scan->relation)) continue;
		strbuf_printf(&text, "%s(", scan->relation->name);
		for (int c = 0; c < scan->column_count; c++) {
			strbuf_printf(&text, " %d", scan->columns[c].column);
			for (int f = 0; f < scan->columns[c].field_count; f++) strbuf_printf(&text, ".%s", scan->columns[c].fields[f]);
		}
		strbuf_addc(&text, ')');
	}
	Hash128 read = hash_bytes_128(text.text, text.bytes);
	for (int n = 0; n < out->notes.count; n++) {
		LoweredNote *note = &out->notes.at[n];
		if (note->sharing != SHARED_BY_HISTORY) continue;
		note->identity.low = hash_combine(note->identity.low, read.low);
		note->identity.high = hash_combine(note->identity.high, read.high);
	}
	strbuf_release(&text);
}

static void forget_class(Plan *plan, void *closure)
{
	(void)closure;
	plan->alike = 0;
}

/* A plan may be lowered more than once: EXPLAIN, then CREATE. */
static void forget_classes(Lowering *lowering, Plan *plan)
{
	PlanList nodes = {0};
	plan_walk(plan, forget_class, NULL);
	plan_shared_nodes(lowering->arena, plan, &nodes);
	for (int i = 0; i < nodes.count; i++) plan_walk(nodes.at[i]->shared, forget_class, NULL);
}

/* ---- is the result a matter of rows alone? ---- */

static void look_for_clock(Expr **slot, void *context)
{
	if (!expr_is_movable(*slot) || expr_reads_clock(*slot)) *(bool *)context = true;
}

static void look_at_node(Plan *plan, void *context) { plan_slots(plan, look_for_clock, context); }

static bool is_of_rows(const Lowering *lowering, Plan *plan)
{
	PlanList nodes = {0};
	bool of_clock = false;
	for (int n = 0; n < lowering->out->notes.count; n++) {
		const LoweredNote *note = &lowering->out->notes.at[n];
		if (note->op->state && !note->in_step && !note->of_rows) return false;
	}
	plan_walk(plan, look_at_node, &of_clock);
	plan_shared_nodes(lowering->arena, plan, &nodes);
	for (int i = 0; i < nodes.count; i++) plan_walk(nodes.at[i]->shared, look_at_node, &of_clock);
	return !of_clock;
}

Lowered *plan_lower(PlanContext *context, Plan *plan, Error *err)
{
	Lowered *out = mem_new(Lowered);
	arena_init(&out->arena, 0);
	Lowering lowering = {.context = context, .arena = context->arena, .out = out, .err = err};
	if (!plan->facts.derived) plan_derive(context, plan);
	forget_versions(plan);
	forget_classes(&lowering, plan);
	share_classes(&lowering, plan);
	lowering.class_count = lowering.classes.count;
	lower_needs(&lowering, plan, !context->result_is_final);
	lower_choose_indexes(&lowering);
	LoweredNode root;
	if (!lower_exact(&lowering, plan, &root)) {
		lowered_free(out, true);
		return NULL;
	}
	result_columns(&lowering, plan, &root);
	number_steps(out);
	add_columns_read(&lowering);
	out->graph_hash = graph_hash(&lowering);
	out->of_rows = is_of_rows(&lowering, plan);
	return out;
}

void lowered_free(Lowered *lowered, bool with_ops)
{
	if (!lowered) return;
	for (int i = 0; with_ops && i < lowered->ops.count; i++) op_free(lowered->ops.at[i]);
	for (int i = 0; i < lowered->scans.count; i++) relation_unref(lowered->scans.at[i].relation);
	arena_release(&lowered->arena);
	free(lowered);
}
