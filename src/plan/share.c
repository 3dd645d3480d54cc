/* Equal subtrees: Nexmark's q5 aggregates the same hopping windows twice; lowered once they cost half. Each node is written down with columns
 * as positions in its inputs and inputs as the hashes of their classes; equal texts are equal results, in other queries, too. The same texts, hashed, say
 * whether saved state fits a graph, so nothing of a process may stand in them. */
#include "plan/lowering.h"

#include "base/hash.h"
#include "expr/function.h"
#include "type/row.h"

typedef struct Writing { Lowering *lowering; StrBuf text; const Plan *plan; } Writing;

/* ---- expressions ---- */

static void write_column(Writing *writing, ColumnId id)
{
	const Plan *plan = writing->plan;
	for (int i = 0; i < plan->input_count; i++)
		for (int c = 0; c < plan->inputs[i]->column_count; c++)
			if (plan->inputs[i]->columns[c].id == id) {
				strbuf_printf(&writing->text, "%d.%d", i, c);
				return;
			}
	strbuf_printf(&writing->text, "?%d", id);
}

static void write_value(Writing *writing, const Value *value)
{
	type_print(value->type, &writing->text);
	strbuf_addc(&writing->text, ' ');
	row_pack_values(&writing->text, value, 1);
}

static void write_expr(Writing *writing, const Expr *e)
{
	if (!e) {
		strbuf_adds(&writing->text, "-");
		return;
	}
	strbuf_printf(&writing->text, "(%d ", (int)e->kind);
	if (e->kind == EXPR_COLUMN) write_column(writing, e->column);
	else if (e->kind == EXPR_CONSTANT) write_value(writing, &e->constant);
	else if (e->kind == EXPR_CALL) {
		strbuf_printf(&writing->text, "%s/%s ", e->function->name, e->function->signature);
		type_print(e->type, &writing->text);
	}
	for (int i = 0; i < e->arg_count; i++) write_expr(writing, e->args[i]);
	strbuf_addc(&writing->text, ')');
}

static void write_exprs(Writing *writing, Expr *const *exprs, int count)
{
	strbuf_printf(&writing->text, "[%d", count);
	for (int i = 0; i < count; i++) write_expr(writing, exprs[i]);
	strbuf_addc(&writing->text, ']');
}

static void write_order(Writing *writing, const OpSortKey *order, int count)
{
	strbuf_printf(&writing->text, "<%d", count);
	for (int i = 0; i < count; i++) {
		write_expr(writing, order[i].expr);
		strbuf_printf(&writing->text, "%d%d", order[i].spec.descending, order[i].spec.nulls_last);
	}
	strbuf_addc(&writing->text, '>');
}

static void write_call(Writing *writing, const AggregateCall *call)
{
	const char *name = call->aggregate ? call->aggregate->name : "", *signature = call->aggregate ? call->aggregate->signature : "";
	strbuf_printf(&writing->text, "%s/%s %d%d", name, signature, call->distinct, call->ignore_nulls);
	write_exprs(writing, call->args, call->arg_count);
	for (int i = 0; i < call->parameter_count; i++) write_value(writing, &call->parameters[i]);
	write_expr(writing, call->filter);
	write_order(writing, call->order, call->order_count);
	type_print(call->type, &writing->text);
}

/* ---- nodes ---- */

static void write_ids(Writing *writing, const Plan *plan, const ColumnId *ids, int count)
{
	for (int i = 0; i < count; i++)
		for (int c = 0; c < plan->column_count; c++)
			if (plan->columns[c].id == ids[i]) strbuf_printf(&writing->text, " %d", c);
}

static int recursion_number(Lowering *lowering, const Plan *plan)
{
	for (int i = 0; i < lowering->recursions.count; i++)
		if (lowering->recursions.at[i] == plan) return i;
	vec_push_in(lowering->arena, &lowering->recursions, plan);
	return lowering->recursions.count - 1;
}

static void write_scan(Writing *writing, const Plan *plan)
{
	strbuf_adds(&writing->text, plan->relation->name);
	if (plan->whole) strbuf_adds(&writing->text, " whole");
	for (int i = 0; i < plan->column_count; i++) {
		const ColumnPath *path = &plan->scan_columns[i].path;
		strbuf_printf(&writing->text, " %s", plan->relation->columns[path->column].name);
		for (int f = 0; f < path->field_count; f++) strbuf_printf(&writing->text, ".%s", path->fields[f]);
		strbuf_addc(&writing->text, ':');
		type_print(plan->columns[i].type, &writing->text);
	}
}

static void write_frames(Writing *writing, const Plan *plan)
{
	for (int i = 0; i < plan->over_call_count; i++) {
		const OverCall *call = &plan->over_calls[i].call;
		const Frame *frame = &call->frame;
		strbuf_printf(&writing->text, "{%d %d %d %d %d ", (int)call->kind, (int)frame->unit, (int)frame->start, (int)frame->end, (int)frame->exclude);
		if (frame->start == BOUND_PRECEDING || frame->start == BOUND_FOLLOWING) write_value(writing, &frame->start_offset);
		if (frame->end == BOUND_PRECEDING || frame->end == BOUND_FOLLOWING) write_value(writing, &frame->end_offset);
		write_call(writing, &call->aggregate);
		strbuf_addc(&writing->text, '}');
	}
}

static void write_input(Writing *writing, const Plan *input)
{
	strbuf_printf(&writing->text, " #%016llx", (unsigned long long)alike(writing->lowering, input)->hash);
}

/* All fields that say what a node means; those that its kind does not use are zero and say nothing. */
static void write_node(Writing *writing, const Plan *plan)
{
	StrBuf *text = &writing->text;
	strbuf_printf(text, "%d", (int)plan->kind);
	for (int i = 0; i < plan->input_count; i++) write_input(writing, plan->inputs[i]);
	strbuf_addc(text, ' ');
	if (plan->kind == PLAN_SCAN) write_scan(writing, plan);
	if (plan->kind == PLAN_SHARED) {
		write_input(writing, plan->shared);
		write_ids(writing, plan->shared, plan->shared_columns, plan->column_count);
	}
	for (int i = 0; plan->reads && i < plan->column_count; i++) strbuf_addc(text, plan->reads[i] ? 'r' : '-');
	if (plan->kind == PLAN_STEP_INPUT) strbuf_printf(text, "step %d", recursion_number(writing->lowering, plan->shared));
	if (plan->kind == PLAN_RECURSIVE) strbuf_printf(text, "recursion %d", recursion_number(writing->lowering, plan));
	if (plan->kind == PLAN_UNION || plan->kind == PLAN_SETOP || plan->kind == PLAN_VALUES) strbuf_printf(text, "%d columns", plan->column_count);
	write_expr(writing, plan->condition);
	for (int i = 0; i < plan->item_count; i++) write_expr(writing, plan->items[i].expr);
	for (int i = 0; i < plan->call_count; i++) write_call(writing, &plan->calls[i].call);
	strbuf_printf(text, " %d %d %d %d %d", plan->global, (int)plan->join, (int)plan->join_form, plan->null_aware_anti, (int)plan->window);
	write_expr(writing, plan->time_of);
	write_expr(writing, plan->time);
	strbuf_printf(text, " %lld %lld %lld %lld %s", (long long)plan->grace_us, (long long)plan->size_us, (long long)plan->slide_us,
		(long long)plan->offset_us, plan->zone ? plan->zone : "");
	write_exprs(writing, plan->partition, plan->partition_count);
	write_order(writing, plan->order, plan->order_count);
	write_frames(writing, plan);
	strbuf_printf(text, " %lld %lld %d %d", (long long)plan->limit, (long long)plan->offset, (int)plan->rank, plan->rank_column != 0);
	for (int i = 0; i < plan->row_count * plan->column_count; i++) write_value(writing, &plan->values[i]);
	if (plan->kind == PLAN_VALUES && !plan->column_count) strbuf_printf(text, " %d rows", plan->row_count);      /* no value tells how many */
	strbuf_printf(text, " %d %d %d %d", (int)plan->setop, (int)plan->expand, plan->outer, plan->with_ordinality);
	write_exprs(writing, plan->args, plan->arg_count);
	strbuf_printf(text, " %d %d 0 0--", plan->all, plan->iterations_max);           /* what older files have there, so that their hashes hold */
	if (plan->settle_column) write_ids(writing, plan, &plan->settle_column, 1);
	if (plan->kind == PLAN_EXPAND || plan->kind == PLAN_VALUES)
		for (int i = 0; i < plan->column_count; i++) type_print(plan->columns[i].type, text);
}

static int class_of(Lowering *lowering, Plan *plan, const StrBuf *text)
{
	uint64_t hash = hash_bytes(text->text, text->bytes);
	for (int i = 0; i < lowering->classes.count; i++) {
		const AlikeClass *known = lowering->classes.at[i];
		if (known->hash == hash && known->bytes == text->bytes && memcmp(known->text, text->text, text->bytes) == 0) return i + 1;
	}
	AlikeClass *class = arena_new(lowering->arena, AlikeClass);
	*class = (AlikeClass){.text = arena_copy(lowering->arena, text->text, text->bytes), .bytes = text->bytes, .hash = hash, .first = plan};
	vec_push_in(lowering->arena, &lowering->classes, class);
	return lowering->classes.count;
}

void share_write_exprs(Lowering *lowering, Plan *input, Expr *const *exprs, int count, StrBuf *out)
{
	Plan above = {.inputs = &input, .input_count = 1};
	Writing writing = {.lowering = lowering, .text = STRBUF_INIT, .plan = &above};
	write_exprs(&writing, exprs, count);
	strbuf_add(out, writing.text.text, writing.text.bytes);
	strbuf_release(&writing.text);
}

void share_classes(Lowering *lowering, Plan *plan)
{
	for (int i = 0; i < plan->input_count; i++) share_classes(lowering, plan->inputs[i]);
	if (plan->kind == PLAN_SHARED && !plan->shared->alike) share_classes(lowering, plan->shared);
	Writing writing = {.lowering = lowering, .text = STRBUF_INIT, .plan = plan};
	write_node(&writing, plan);
	plan->alike = class_of(lowering, plan, &writing.text);
	strbuf_release(&writing.text);
}
