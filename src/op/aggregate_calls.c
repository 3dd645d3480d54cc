/* Calls: how each is computed is chosen here, what they share is found, batches are fed to them column by column. */
#include "op/aggregate.h"

/* ---- inputs ---- */

int grouping_input(Grouping *g, const OpInput *in, Expr *e)
{
	for (int i = 0; i < g->inputs.count; i++)
		if (expr_equal(g->inputs.at[i].expr, e)) return i;
	ExprProgram *program = expr_compile(g->arena, e, in->layout, in->column_count);
	vec_push_in(g->arena, &g->inputs, (GroupInput){.program = program, .expr = expr_copy(g->arena, e)});
	return g->inputs.count - 1;
}

const Column *input_column(Grouping *g, int input, const Batch *in)
{
	GroupInput *i = &g->inputs.at[input];
	if (i->batch != g->batch) {
		i->column = expr_eval(i->program, in, &g->op.scratch);
		i->batch = g->batch;
	}
	return &i->column;
}

static Type input_type(const Grouping *g, int input) { return g->inputs.at[input].expr->type; }

/* ---- choosing ---- */

static int *call_args(Grouping *g, const OpInput *in, const AggregateCall *call)
{
	int *args = arena_array(g->arena, int, call->arg_count + 1);
	for (int i = 0; i < call->arg_count; i++) args[i] = grouping_input(g, in, call->args[i]);
	return args;
}

static int feed_add(Grouping *g, int filter, int table, int bit)
{
	for (int i = 0; i < g->feeds.count; i++)
		if (g->feeds.at[i].filter == filter && g->feeds.at[i].table == table) return i;
	vec_push_in(g->arena, &g->feeds, (Feed){.filter = filter, .table = table, .bit = bit});
	return g->feeds.count - 1;
}

static bool same_args(const int *a, int a_count, const int *b, int b_count)
{
	return a_count == b_count && memcmp(a, b, sizeof *a * (size_t)a_count) == 0;
}

/* The DISTINCT table of these arguments; one more where 64 filters are not enough for it. */
static int table_find(Grouping *g, const int *args, int arg_count, bool skip_nulls, int filter)
{
	for (int t = 0; t < g->tables.count; t++) {
		const DistinctTable *table = &g->tables.at[t];
		if (table->skip_nulls != skip_nulls || !same_args(table->args, table->arg_count, args, arg_count)) continue;
		for (int b = 0; b < table->feed_count; b++)
			if (g->feeds.at[table->feeds[b]].filter == filter) return t;
		if (table->feed_count < 64) return t;
	}
	DistinctTable table = {.arg_count = arg_count, .skip_nulls = skip_nulls, .number = g->tables.count};
	table.args = arena_copy(g->arena, args, sizeof *args * (size_t)(arg_count + 1));
	vec_push_in(g->arena, &g->tables, table);
	return g->tables.count - 1;
}

static int call_feed(Grouping *g, const OpInput *in, const AggregateCall *call, const int *args)
{
	int filter = call->filter ? grouping_input(g, in, call->filter) : -1;
	if (!call->distinct || call->arg_count == 0) return feed_add(g, filter, -1, -1);
	int number = table_find(g, args, call->arg_count, call->aggregate->skips_nulls, filter);
	DistinctTable *table = &g->tables.at[number];
	int feed = feed_add(g, filter, number, table->feed_count);
	if (g->feeds.at[feed].bit == table->feed_count) table->feeds[table->feed_count++] = feed;
	return feed;
}

static bool is_fold(const Grouping *g, const AggregateCall *call)
{
	const Aggregate *aggregate = call->aggregate;
	if (!aggregate->state_bytes) return false;
	if (aggregate->ordered_result && call->order_count && aggregate->obeys_order) return false;
	return g->append_only || !aggregate->fold_needs_append_only;
}

static int fold_find(Grouping *g, const Aggregate *aggregate, int feed, int *args, Type *types, int arg_count)
{
	for (int i = 0; i < g->folds.count; i++) {
		const Fold *fold = &g->folds.at[i];
		if (fold->aggregate->apply == aggregate->apply && fold->feed == feed && same_args(fold->args, fold->arg_count, args, arg_count)) return i;
	}
	uint32_t bytes = (aggregate->state_bytes(types, arg_count) + 7) & ~7u;
	vec_push_in(g->arena, &g->folds,
		(Fold){.aggregate = aggregate, .feed = feed, .args = args, .arg_count = arg_count, .arg_types = types, .offset = g->state_bytes, .bytes = bytes});
	g->state_bytes += bytes;
	return g->folds.count - 1;
}

/* ---- ordereds: what their keys are made of ---- */

typedef VEC(OrderedPart) PartList;

static int part_find(const PartList *parts, int input)
{
	for (int i = 0; i < parts->count; i++)
		if (parts->at[i].input == input) return i;
	return -1;
}

static int part_add(Grouping *g, PartList *parts, int input, SortSpec spec)
{
	int found = part_find(parts, input);
	if (found >= 0) return found;
	OrderedPart part = {.input = input, .spec = spec, .type = input >= 0 ? input_type(g, input) : TYPE(NULL)};
	vec_push_in(g->arena, parts, part);
	return parts->count - 1;
}

static bool parts_hold(const PartList *parts, const int *args, int arg_count)
{
	for (int i = 0; i < arg_count; i++)
		if (part_find(parts, args[i]) < 0) return false;
	return true;
}

/* What comes first where the order leaves it open: DIALECT section 1, last point. Values of a DISTINCT call have no row of their own. */
static void parts_break_ties(Grouping *g, PartList *parts, bool distinct)
{
	enum { ARRIVAL = -1 };
	if (g->has_arrival) part_add(g, parts, ARRIVAL, (SortSpec){0});
	else if (!distinct)
		for (int i = 0; i < g->read_count; i++) part_add(g, parts, g->read_inputs[i], (SortSpec){0});
}

static void ordered_parts(Grouping *g, const OpInput *in, const AggregateCall *call, const int *args, PartList *parts)
{
	const Aggregate *aggregate = call->aggregate;
	bool by_order = call->order_count && aggregate->obeys_order;
	if (by_order)
		for (int i = 0; i < call->order_count; i++) part_add(g, parts, grouping_input(g, in, call->order[i].expr), call->order[i].spec);
	else if (aggregate->default_order == AGGREGATE_ORDER_SECOND || aggregate->default_order == AGGREGATE_ORDER_SECOND_DESC)
		part_add(g, parts, args[1], (SortSpec){.descending = aggregate->default_order == AGGREGATE_ORDER_SECOND_DESC});
	bool by_value = !by_order && aggregate->default_order <= AGGREGATE_ORDER_VALUE_DESC;
	if (!by_value && !(by_order && parts_hold(parts, args, call->arg_count))) parts_break_ties(g, parts, call->distinct);
	for (int i = 0; i < call->arg_count; i++) part_add(g, parts, args[i], (SortSpec){0});
}

static bool same_parts(const Ordered *ordered, const PartList *parts)
{
	if (ordered->part_count != parts->count) return false;
	for (int i = 0; i < parts->count; i++) {
		const OrderedPart *a = &ordered->parts[i], *b = &parts->at[i];
		if (a->input != b->input || a->spec.descending != b->spec.descending || a->spec.nulls_last != b->spec.nulls_last) return false;
	}
	return true;
}

/* The same rows are left out: those that have NULL in the same argument. */
static bool same_skips(const Ordered *a, const Ordered *b)
{
	if (a->skip_first_null != b->skip_first_null || a->skip_second_null != b->skip_second_null) return false;
	return (!a->skip_first_null || a->first_arg == b->first_arg) && (!a->skip_second_null || a->second_arg == b->second_arg);
}

static int ordered_find(Grouping *g, Ordered wanted, const PartList *parts)
{
	for (int i = 0; i < g->ordereds.count; i++) {
		const Ordered *o = &g->ordereds.at[i];
		if (o->feed == wanted.feed && same_skips(o, &wanted)
			&& o->keep_first == wanted.keep_first && o->keep_last == wanted.keep_last && same_parts(o, parts)) return i;
	}
	wanted.parts = arena_copy(g->arena, parts->at, sizeof *parts->at * (size_t)(parts->count + 1));
	wanted.part_count = parts->count;
	wanted.number = (uint16_t)g->ordereds.count;
	if (wanted.keep_first || wanted.keep_last) {
		wanted.offset = g->state_bytes;
		g->state_bytes += ordered_keep_bytes();
	}
	vec_push_in(g->arena, &g->ordereds, wanted);
	return g->ordereds.count - 1;
}

static void ordered_choose(Grouping *g, const OpInput *in, const AggregateCall *call, int *args, int feed, GroupCall *out)
{
	const Aggregate *aggregate = call->aggregate;
	PartList parts = {0};
	ordered_parts(g, in, call, args, &parts);
	bool by_order = call->order_count && aggregate->obeys_order;
	out->reverse = !by_order && aggregate->default_order == AGGREGATE_ORDER_VALUE_DESC;
	Ordered wanted = {
		.feed = feed,
		.skip_first_null = aggregate->skips_nulls && call->arg_count > 0, .skip_second_null = aggregate->skips_second_nulls && call->arg_count > 1,
		.first_arg = args[0], .second_arg = call->arg_count > 1 ? args[1] : -1,
		.keep_first = g->append_only && (out->reverse ? aggregate->ordered_reads_last_only : aggregate->ordered_reads_first_only),
		.keep_last = g->append_only && (out->reverse ? aggregate->ordered_reads_first_only : aggregate->ordered_reads_last_only),
	};
	if (call->ignore_nulls) wanted.skip_first_null = true;
	int order_count = by_order ? call->order_count : 0;
	out->value_count = call->arg_count + order_count;
	out->value_parts = arena_array(g->arena, int, out->value_count + 1);
	for (int i = 0; i < call->arg_count; i++) out->value_parts[i] = part_find(&parts, args[i]);
	for (int i = 0; i < order_count; i++) out->value_parts[call->arg_count + i] = part_find(&parts, grouping_input(g, in, call->order[i].expr));
	out->ordered = ordered_find(g, wanted, &parts);
}

static void call_parameters(Grouping *g, const AggregateCall *call, GroupCall *out)
{
	out->parameters = arena_array(g->arena, Value, call->parameter_count + 1);
	for (int i = 0; i < call->parameter_count; i++) {
		out->parameters[i] = call->parameters[i];
		Value *value = &out->parameters[i];
		if (!value->is_null && type_phys(value->type) == PHYS_STR) value->str = str_copy(g->arena, str_at(&value->str), value->str.bytes);
	}
}

static void call_compile(Grouping *g, const OpInput *in, const AggregateCall *call)
{
	GroupCall out = {.aggregate = call->aggregate, .type = call->type, .fold = -1, .ordered = -1, .arg_count = call->arg_count};
	int *args = call_args(g, in, call);
	out.arg_types = arena_array(g->arena, Type, call->arg_count + 1);
	for (int i = 0; i < call->arg_count; i++) out.arg_types[i] = call->args[i]->type;
	call_parameters(g, call, &out);
	int feed = call_feed(g, in, call, args);
	if (is_fold(g, call)) out.fold = fold_find(g, call->aggregate, feed, args, out.arg_types, call->arg_count);
	else ordered_choose(g, in, call, args, feed, &out);
	vec_push_in(g->arena, &g->calls, out);
}

/* ---- columns that the operator reads ---- */

typedef struct Reads { const OpInput *in; bool *read; } Reads;

static bool mark_read(Expr *e, void *context)
{
	Reads *reads = context;
	for (int c = 0; e->kind == EXPR_COLUMN && c < reads->in->column_count; c++)
		if (reads->in->layout[c] == e->column) reads->read[c] = true;
	return true;
}

/* Left to right, without those that are keys: they are equal in a group. */
static void find_read_columns(Grouping *g, const AggregateSpec *spec)
{
	const OpInput *in = &spec->in;
	Reads reads = {in, arena_array(g->arena, bool, in->column_count + 1)};
	for (int i = 0; i < spec->key_count; i++)
		if (spec->keys[i]) expr_walk(spec->keys[i], mark_read, &reads);
	for (int i = 0; i < spec->call_count; i++) {
		const AggregateCall *call = &spec->calls[i];
		for (int a = 0; a < call->arg_count; a++) expr_walk(call->args[a], mark_read, &reads);
		for (int o = 0; o < call->order_count; o++) expr_walk(call->order[o].expr, mark_read, &reads);
		if (call->filter) expr_walk(call->filter, mark_read, &reads);
	}
	for (int i = 0; i < spec->key_count; i++)
		for (int c = 0; c < in->column_count; c++)
			if (spec->keys[i] && spec->keys[i]->kind == EXPR_COLUMN && in->layout[c] == spec->keys[i]->column) reads.read[c] = false;
	g->read_inputs = arena_array(g->arena, int, in->column_count + 1);
	for (int c = 0; c < in->column_count; c++) {
		if (!reads.read[c]) continue;
		Expr *column = expr_column(g->arena, in->layout[c], in->types[c], true, SPAN_NONE);
		g->read_inputs[g->read_count++] = grouping_input(g, in, column);
	}
}

static bool needs_read_columns(const Grouping *g, const AggregateSpec *spec)
{
	for (int i = 0; i < spec->call_count; i++)
		if (!is_fold(g, &spec->calls[i])) return !g->has_arrival;
	return false;
}

void calls_compile(Grouping *g, const AggregateSpec *spec)
{
	if (needs_read_columns(g, spec)) find_read_columns(g, spec);
	for (int i = 0; i < spec->call_count; i++) call_compile(g, &spec->in, &spec->calls[i]);
}

/* ---- feeding ---- */

static void feed_rows(Grouping *g, Feed *feed, Batch *in, Group **groups, const int64_t *weights)
{
	feed->all = feed->filter < 0;
	feed->count = in->count;
	feed->groups = groups;
	feed->weights = weights;
	if (feed->all) return;
	const Column *filter = input_column(g, feed->filter, in);
	Arena *scratch = &g->op.scratch;
	feed->rows = arena_alloc(scratch, sizeof *feed->rows * (size_t)in->count);
	feed->groups = arena_alloc(scratch, sizeof *feed->groups * (size_t)in->count);
	int count = 0;
	for (int i = 0; i < in->count; i++) {
		feed->rows[count] = (uint32_t)i;
		feed->groups[count] = groups[i];
		count += filter->i64[i] != 0 && !(filter->null && filter->null[i]);
	}
	feed->count = count;
	if (!weights) return;
	int64_t *fed = arena_alloc(scratch, sizeof *fed * (size_t)count);
	for (int i = 0; i < count; i++) fed[i] = weights[feed->rows[i]];
	feed->weights = fed;
}

static Column feed_column(Grouping *g, const Feed *feed, int input, Batch *in)
{
	const Column *from = input_column(g, input, in);
	if (feed->all) return *from;
	size_t bytes = phys_bytes(type_phys(from->type));
	Column out = {.type = from->type, .data = arena_alloc(&g->op.scratch, bytes * (size_t)feed->count)};
	if (bytes == 8)
		for (int i = 0; i < feed->count; i++) out.i64[i] = from->i64[feed->rows[i]];
	else
		for (int i = 0; i < feed->count; i++) memcpy((char *)out.data + 16 * (size_t)i, (const char *)from->data + 16 * (size_t)feed->rows[i], 16);
	if (!from->null) return out;
	out.null = arena_alloc(&g->op.scratch, (size_t)feed->count);
	for (int i = 0; i < feed->count; i++) out.null[i] = from->null[feed->rows[i]];
	return out;
}

static void fold_apply(Grouping *g, const Fold *fold, Batch *in)
{
	const Feed *feed = &g->feeds.at[fold->feed];
	if (feed->count == 0) return;
	Arena *scratch = &g->op.scratch;
	Column *args = arena_alloc(scratch, sizeof *args * (size_t)(fold->arg_count + 1));
	for (int i = 0; i < fold->arg_count; i++) args[i] = feed_column(g, feed, fold->args[i], in);
	void **states = arena_alloc(scratch, sizeof *states * (size_t)feed->count);
	for (int i = 0; i < feed->count; i++) states[i] = group_states(g, feed->groups[i]) + fold->offset;
	fold->aggregate->apply(states, args, fold->arg_count, feed->count, feed->weights, &g->spill);
}

void calls_apply(Grouping *g, Batch *in, Group **groups, const int64_t *weights)
{
	for (int i = 0; i < g->feeds.count; i++)
		if (g->feeds.at[i].table < 0) feed_rows(g, &g->feeds.at[i], in, groups, weights);
	for (int i = 0; i < g->tables.count; i++) distinct_apply(g, &g->tables.at[i], in, groups, weights);
	for (int i = 0; i < g->folds.count; i++) fold_apply(g, &g->folds.at[i], in);
	for (int i = 0; i < g->ordereds.count; i++) ordered_apply(g, &g->ordereds.at[i], in);
}

void calls_merge(Grouping *g, Group *into, Group *from)
{
	char *to = group_states(g, into), *source = group_states(g, from);
	for (int i = 0; i < g->folds.count; i++) {
		const Fold *fold = &g->folds.at[i];
		fold->aggregate->merge(to + fold->offset, source + fold->offset, fold->arg_types, fold->arg_count, &g->spill);
	}
}

/* ---- results ---- */

void calls_result(Grouping *g, Group *group, Value *values, Arena *scratch)
{
	char *states = group_states(g, group);
	for (int i = 0; i < g->calls.count; i++) {
		const GroupCall *call = &g->calls.at[i];
		values[i] = (Value){.type = call->type, .is_null = true};
		if (call->fold < 0) ordered_result(g, call, group, &values[i], scratch);
		else call->aggregate->fold_result(states + g->folds.at[call->fold].offset, call->arg_types, call->arg_count, &values[i], scratch, &g->spill);
		values[i].type = call->type;
	}
}

void folds_release(Grouping *g, Group *group)
{
	char *states = g->folds.count ? group_states(g, group) : NULL;
	for (int i = 0; i < g->folds.count; i++) {
		const Fold *fold = &g->folds.at[i];
		if (fold->aggregate->release) fold->aggregate->release(states + fold->offset, &g->spill);
	}
}

void calls_release(Grouping *g, Group *group)
{
	folds_release(g, group);
	for (int i = 0; i < g->ordereds.count; i++) ordered_release(g, &g->ordereds.at[i], group);
	distinct_release(g, group);
	if (g->states_outside) state_blob_free(g->op.state, group->states);
}
