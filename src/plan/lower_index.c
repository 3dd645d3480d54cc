/* Indexes: rows that several joins read by the same keys are kept once (op/index.c).
 *
 * A side of a join is known by the class of what lies under its choosing projections, and by its keys. An index is made where two joins want the
 * same, and for tables and views whatever wants them, for other queries will read them by the same keys. A join that alone reads a stream keeps
 * its rows itself, which takes one look-up less. Where matches are counted for each row of a side it must keep them itself, too. Within the step of
 * a recursion there are none: it is run again and again within one commit.
 *
 * Queries read a table by one key and want different columns of it. So the index of a table (its rows as they are, or those that pass a condition) stands
 * above a scan of all its columns, whatever this query reads: then those of different queries are given the same, hand on the same, and one can serve
 * all (run/sharing_index.c). Which columns its rows have is settled there. Only names of columns that the query reads stand in the graph's hash, and in
 * its class: a column that comes or goes beside them changes no plan. A scan of whole rows costs nothing: columns are passed by reference.
 */
#include "plan/lowering.h"

#include "expr/function.h"

/* ---- which sides ---- */

static bool gives_alone(JoinKind kind, int side)
{
	if (side == 1) return kind == JOIN_RIGHT || kind == JOIN_FULL;
	return kind != JOIN_INNER && kind != JOIN_RIGHT;
}

static bool may_borrow(const Plan *join, const JoinShape *shape, int side)
{
	bool only_left = join->join == JOIN_SEMI || join->join == JOIN_ANTI, has_rest = shape->keys.residual.count > 0;
	if (shape->way != JOIN_WAY_PLAIN || join->join_form != JOIN_FORM_PLAIN || join->null_aware_anti) return false;
	if (side == 1 && only_left && !has_rest) return false;          /* of which only keys are counted */
	return !(has_rest && gives_alone(join->join, side));
}

typedef struct Steps { VEC(const Plan *) inside, inputs; Arena *arena; } Steps;

static void note_step(Plan *plan, void *closure)
{
	Steps *steps = closure;
	if (plan->kind == PLAN_RECURSIVE) vec_push_in(steps->arena, &steps->inside, plan);
	if (plan->kind == PLAN_STEP_INPUT) vec_push_in(steps->arena, &steps->inputs, plan->shared);
}

bool lower_is_in_step(Lowering *lowering, Plan *plan)
{
	PlanList shared = {0};
	Steps steps = {.arena = lowering->arena};
	plan_walk(plan, note_step, &steps);
	plan_shared_nodes(lowering->arena, plan, &shared);
	for (int i = 0; i < shared.count; i++) plan_walk(shared.at[i]->shared, note_step, &steps);
	for (int i = 0; i < steps.inputs.count; i++) {
		int n = 0;
		while (n < steps.inside.count && steps.inside.at[n] != steps.inputs.at[i]) n++;
		if (n == steps.inside.count) return true;
	}
	return false;
}

/* ---- whole tables ---- */

static bool is_kept_table(const Plan *scan)
{
	return !scan->facts.append_only && (relation_is_maintained(scan->relation) || (relation_is_local(scan->relation) && scan->relation->kind == RELATION_TABLE));
}

/* Through conditions and choices, and what is used several times */
static const Plan *table_below(const Plan *plan)
{
	for (;;) {
		if (plan->kind == PLAN_SHARED) plan = plan->shared;
		else if (plan->kind == PLAN_FILTER || (plan->kind == PLAN_PROJECT && project_only_chooses(plan))) plan = plan->inputs[0];
		else return plan;
	}
}

/* Nothing but conditions above the table's columns: is it to be read whole? */
static bool is_of_whole_rows(const Lowering *lowering, const Plan *plan)
{
	if (lowering->context->rules_version && lowering->context->rules_version < PLAN_WHOLE_TABLES_SINCE) return false;
	plan = table_below(plan);
	if (plan->kind != PLAN_SCAN || !is_kept_table(plan)) return false;
	for (int c = 0; c < plan->column_count; c++)
		if (plan->scan_columns[c].path.field_count) return false;
	return true;
}

static bool *whole_reads(Lowering *lowering, const Relation *relation)
{
	for (int w = 0; w < lowering->whole_tables.count; w++)
		if (lowering->whole_tables.at[w].relation == relation) return lowering->whole_tables.at[w].reads;
	WholeTable table = {relation, arena_array(lowering->arena, bool, relation->column_count + 1)};
	vec_push_in(lowering->arena, &lowering->whole_tables, table);
	return table.reads;
}

const bool *lower_whole_reads(const Lowering *lowering, const Plan *scan)
{
	for (int w = 0; scan->whole && w < lowering->whole_tables.count; w++)
		if (lowering->whole_tables.at[w].relation == scan->relation) return lowering->whole_tables.at[w].reads;
	return NULL;
}

/* Of the table's time nobody above knows: joins by keys pass no watermark. */
static Plan *copy_node(Lowering *lowering, const Plan *plan)
{
	Plan *node = arena_new(lowering->arena, Plan);
	*node = *plan;
	node->facts.watermark_count = node->facts.key_count = node->facts.dependency_count = 0;
	return node;
}

static Plan *scan_whole(Lowering *lowering, const Plan *plan)
{
	Plan *scan = copy_node(lowering, plan);
	const Relation *relation = plan->relation;
	bool *reads = whole_reads(lowering, relation);
	scan->whole = true;
	scan->column_count = relation->column_count;
	scan->columns = arena_array(lowering->arena, PlanColumn, relation->column_count + 1);
	scan->scan_columns = arena_array(lowering->arena, ScanColumn, relation->column_count + 1);
	for (int c = 0; c < relation->column_count; c++) {
		const RelationColumn *column = &relation->columns[c];
		int own = 0;
		while (own < plan->column_count && plan->scan_columns[own].path.column != c) own++;
		scan->scan_columns[c].path.column = c;
		scan->columns[c] = (PlanColumn){.name = column->name, .type = plain_type(column->type), .nullable = !column->not_null};
		if (own < plan->column_count) scan->columns[c] = plan->columns[own];
		else scan->columns[c].id = plan_column_new(lowering->context);
		reads[c] |= own < plan->column_count;
	}
	return scan;
}

/* The same conditions above all columns of the table. renamed: what the plan's columns are called there. */
static Plan *read_whole(Lowering *lowering, const Plan *plan, ColumnMap *renamed)
{
	if (plan->kind == PLAN_SCAN) return scan_whole(lowering, plan);
	Plan *input = read_whole(lowering, plan->kind == PLAN_SHARED ? plan->shared : plan->inputs[0], renamed);
	for (int i = 0; plan->kind != PLAN_FILTER && i < plan->column_count; i++) {
		Expr *to = plan->kind == PLAN_SHARED ? plan_column_ref(lowering->context, plan->shared, plan->shared_columns[i]) : plan->items[i].expr;
		if (plan->columns[i].id != to->column) column_map_add(renamed, plan->columns[i].id, column_map_apply(renamed, to));
	}
	if (plan->kind != PLAN_FILTER) return input;
	Plan *filter = copy_node(lowering, plan);
	filter->inputs = arena_new(lowering->arena, Plan *);
	filter->inputs[0] = input;
	filter->condition = column_map_apply(renamed, plan->condition);
	filter->columns = input->columns;
	filter->column_count = input->column_count;
	return filter;
}

static bool is_of_table(const Plan *plan)
{
	while (plan->kind == PLAN_FILTER || plan->kind == PLAN_PROJECT) plan = plan->inputs[0];
	return plan->kind == PLAN_SCAN && is_kept_table(plan);
}

/* ---- one side ---- */

typedef struct Side {
	Plan *plan, *base;
	bool of_whole_rows;
	ColumnId *ids;                        /* of the plan's columns, in base */
	Expr **keys; int key_count;           /* in terms of base */
	const bool *null_equal;
	StrBuf text;
} Side;

static void find_base(Lowering *lowering, Side *side)
{
	side->base = lower_below_choices(lowering, side->plan, &side->ids);
	side->of_whole_rows = is_of_whole_rows(lowering, side->base);
	if (!side->of_whole_rows) return;
	ColumnMap renamed = {.arena = lowering->arena};
	side->base = read_whole(lowering, side->base, &renamed);
	share_classes(lowering, side->base);
	for (int c = 0; c < side->plan->column_count; c++) {
		const Expr *to = column_map_find(&renamed, side->ids[c]);
		if (to) side->ids[c] = to->column;
	}
}

static void side_init(Lowering *lowering, Plan *plan, Expr *const *keys, int key_count, const bool *null_equal, Side *side)
{
	ColumnMap map = {.arena = lowering->arena};
	*side = (Side){.plan = plan, .key_count = key_count, .null_equal = null_equal, .text = STRBUF_INIT};
	find_base(lowering, side);
	for (int c = 0; c < side->plan->column_count; c++) {
		const PlanColumn *column = &side->plan->columns[c];
		column_map_add(&map, column->id, expr_column(lowering->arena, side->ids[c], column->type, column->nullable, SPAN_NONE));
	}
	side->keys = arena_array(lowering->arena, Expr *, side->key_count + 1);
	for (int k = 0; k < side->key_count; k++) side->keys[k] = column_map_apply(&map, keys[k]);
	strbuf_printf(&side->text, "#%d ", side->base->alike);
	share_write_exprs(lowering, side->base, side->keys, side->key_count, &side->text);
	for (int k = 0; k < side->key_count; k++) strbuf_addc(&side->text, null_equal[k] ? '~' : '=');
}

static void side_of_join(Lowering *lowering, const Plan *join, const JoinShape *shape, int number, Side *side)
{
	side_init(lowering, join->inputs[number], number ? shape->keys.right.at : shape->keys.left.at, shape->keys.left.count, shape->keys.null_equal.at, side);
}

static SharedIndex *find(const Lowering *lowering, const StrBuf *text)
{
	for (int i = 0; i < lowering->indexes.count; i++) {
		SharedIndex *index = lowering->indexes.at[i];
		if (index->bytes == text->bytes && memcmp(index->text, text->text, text->bytes) == 0) return index;
	}
	return NULL;
}

static SharedIndex *add(Lowering *lowering, const Side *side)
{
	SharedIndex *index = arena_new(lowering->arena, SharedIndex);
	*index = (SharedIndex){.text = arena_copy(lowering->arena, side->text.text, side->text.bytes), .bytes = side->text.bytes, .base = side->base,
		.keys = side->keys, .key_count = side->key_count, .null_equal = side->null_equal, .of_table = is_of_table(side->base), .of_whole_rows = side->of_whole_rows,
		.reads = arena_array(lowering->arena, bool, side->base->column_count + 1)};
	vec_push_in(lowering->arena, &lowering->indexes, index);
	return index;
}

static bool reads_column(Lowering *lowering, const Plan *join, const Exprs *residual, ColumnId id)
{
	ColumnSet rest = {0};
	for (int i = 0; i < residual->count; i++) expr_column_set(lowering->arena, residual->at[i], &rest);
	if (column_set_has(&rest, id)) return true;
	for (int c = 0; c < join->column_count; c++)
		if (join->columns[c].id == id) return !join->reads || join->reads[c];
	return false;
}

/* Classes are equal column by column, whatever their ids. */
static void note_use(Lowering *lowering, SharedIndex *index, const Side *side, const Plan *join, const Exprs *residual)
{
	if (index->last_join != join) index->join_count++;
	index->last_join = join;
	for (int c = 0; c < side->plan->column_count; c++) {
		if (!reads_column(lowering, join, residual, side->plan->columns[c].id)) continue;
		for (int b = 0; b < side->base->column_count; b++) index->reads[b] |= side->base->columns[b].id == side->ids[c];
	}
}

static void choose_of_join(Lowering *lowering, Plan *join)
{
	JoinShape shape;
	join_shape(lowering->context, join, &shape);
	for (int number = 0; number < 2; number++) {
		Side side;
		if (!may_borrow(join, &shape, number) || lower_is_in_step(lowering, join)) continue;
		side_of_join(lowering, join, &shape, number, &side);
		SharedIndex *index = find(lowering, &side.text);
		note_use(lowering, index ? index : add(lowering, &side), &side, join, &shape.keys.residual);
		strbuf_release(&side.text);
	}
}

static void choose_of_chain(Lowering *lowering, Plan *join, const JoinChain *chain)
{
	static const Exprs NONE;
	for (int i = 0; i < chain->leaves.count; i++) {
		Side side;
		side_init(lowering, chain->leaves.at[i].plan, chain->leaves.at[i].keys, chain->key_count, chain->null_equal, &side);
		SharedIndex *index = find(lowering, &side.text);
		note_use(lowering, index ? index : add(lowering, &side), &side, join, &NONE);
		strbuf_release(&side.text);
	}
}

/* Joins that are part of the one above them are asked for by nobody. */
void lower_choose_indexes(Lowering *lowering)
{
	int count = lowering->classes.count;
	for (int i = 0; i < count; i++) {
		const AlikeClass *class = lowering->classes.at[i];
		if (class->first->kind == PLAN_JOIN && class->is_needed) lower_chain_mark(lowering, class->first);
	}
	for (int i = 0; i < count; i++) {
		const AlikeClass *class = lowering->classes.at[i];
		JoinChain chain;
		if (class->first->kind != PLAN_JOIN || !class->is_needed || class->is_inside) continue;
		lower_chain_find(lowering, class->first, &chain);
		if (chain.leaves.count > 2) choose_of_chain(lowering, class->first, &chain);
		else choose_of_join(lowering, class->first);
	}
}

SharedIndex *lower_index_of_leaf(Lowering *lowering, const JoinChain *chain, const JoinLeaf *leaf)
{
	Side side;
	side_init(lowering, leaf->plan, leaf->keys, chain->key_count, chain->null_equal, &side);
	SharedIndex *index = find(lowering, &side.text);
	strbuf_release(&side.text);
	return index;
}

bool lower_leaves_differ(Lowering *lowering, const JoinChain *chain)
{
	bool differ = true;
	Side *sides = arena_array(lowering->arena, Side, chain->leaves.count);
	for (int i = 0; i < chain->leaves.count; i++) {
		side_init(lowering, chain->leaves.at[i].plan, chain->leaves.at[i].keys, chain->key_count, chain->null_equal, &sides[i]);
		for (int j = 0; j < i; j++) differ &= sides[i].text.bytes != sides[j].text.bytes || memcmp(sides[i].text.text, sides[j].text.text, sides[i].text.bytes) != 0;
	}
	for (int i = 0; i < chain->leaves.count; i++) strbuf_release(&sides[i].text);
	return differ;
}

static SharedIndex *index_of(Lowering *lowering, Plan *join, const JoinShape *shape, int number)
{
	Side side;
	if (!may_borrow(join, shape, number) || lower_is_in_step(lowering, join)) return NULL;
	side_of_join(lowering, join, shape, number, &side);
	SharedIndex *index = find(lowering, &side.text);
	strbuf_release(&side.text);
	return index && (index->join_count > 1 || index->of_table) ? index : NULL;
}

/* Of a join of one input with itself by one key only the right side borrows: see op/index.c. */
SharedIndex *lower_index_of(Lowering *lowering, Plan *join, const JoinShape *shape, int number)
{
	SharedIndex *index = index_of(lowering, join, shape, number);
	return index && number == 0 && index_of(lowering, join, shape, 1) == index ? NULL : index;
}

/* ---- the operator ---- */

/* What its note and its facts say: a node above base that passes all columns, and no watermark, for joins by keys pass none. */
static Plan node_above(Lowering *lowering, Plan *base)
{
	Plan node = *base;
	node.inputs = arena_new(lowering->arena, Plan *);
	node.inputs[0] = base;
	node.input_count = 1;
	node.facts.watermark_count = 0;
	node.facts.bounded = !base->facts.grows;
	node.facts.bound_by = base->facts.grows ? "every row of a stream is kept" : "the rows of its input";
	return node;
}

/* Of whole rows by name: the numbers of a table's columns change when others come or go. */
static void write_contents(Lowering *lowering, const SharedIndex *index, bool with_reads, StrBuf *text)
{
	const Plan *base = index->base;
	share_write_exprs(lowering, index->base, index->keys, index->key_count, text);
	if (index->of_whole_rows && with_reads) text->bytes = 0;
	for (int k = 0; k < index->key_count; k++) strbuf_addc(text, index->null_equal[k] ? '~' : '=');
	for (int c = 0; with_reads && c < base->column_count; c++)
		if (!index->of_whole_rows) strbuf_addc(text, index->reads[c] ? 'r' : '-');
		else if (index->reads[c]) strbuf_printf(text, " %s", base->columns[c].name);
}

static Hash128 contents_of(Lowering *lowering, const SharedIndex *index, bool with_reads)
{
	StrBuf text = STRBUF_INIT;
	write_contents(lowering, index, with_reads, &text);
	Hash128 contents = hash_bytes_128(text.text, text.bytes);
	strbuf_release(&text);
	return contents;
}

static const char *const *names_of(Lowering *lowering, const SharedIndex *index, const OpInput *edge)
{
	const char **names = arena_array(lowering->arena, const char *, edge->column_count + 1);
	for (int c = 0; c < edge->column_count; c++) names[c] = plan_column(index->base, edge->layout[c])->name;
	return names;
}

static bool make_index(Lowering *lowering, SharedIndex *index)
{
	LoweredNode in;
	Plan *base = index->base;
	if (!lower_plan(lowering, base, &in)) return false;
	bool *reads = arena_array(lowering->arena, bool, in.edge.column_count + 1);
	for (int c = 0; c < in.edge.column_count; c++)
		for (int b = 0; b < base->column_count; b++) reads[c] |= base->columns[b].id == in.edge.layout[c] && index->reads[b];
	Plan node = node_above(lowering, base);
	IndexSpec spec = {.in = in.edge, .keys = index->keys, .key_count = index->key_count, .null_equal = index->null_equal, .reads = reads,
		.names = index->of_whole_rows ? names_of(lowering, index, &in.edge) : NULL};
	const char *keys = lower_exprs_text(lowering, &node, index->keys, index->key_count);
	index->contents = contents_of(lowering, index, true);
	index->shared = contents_of(lowering, index, !index->of_whole_rows);
	NewOp new_op = {.op = op_index_new(&spec), .inputs = &in, .input_count = 1, .layout = in.edge.layout, .contents = index->contents, .shared = index->shared,
		.detail = index->key_count ? arena_printf(lowering->arena, "on %s", keys) : "of all"};
	lower_add(lowering, &node, &new_op, &index->node);
	return index->is_lowered = true;
}

static int place_of(const SharedIndex *index, const Side *side, ColumnId id)
{
	int b = 0, place = 0;
	while (side->base->columns[b].id != id) b++;
	while (index->node.edge.layout[place] != index->base->columns[b].id) place++;
	return place;
}

bool lower_index(Lowering *lowering, SharedIndex *index, Plan *plan, LoweredNode *out, const int **from)
{
	Side side = {.plan = plan};
	if (!index->is_lowered && !make_index(lowering, index)) return false;
	find_base(lowering, &side);
	int count = plan->column_count, *places = arena_array(lowering->arena, int, count + 1);
	Type *types = arena_array(lowering->arena, Type, count + 1);
	for (int c = 0; c < count; c++) {
		places[c] = place_of(index, &side, side.ids[c]);
		types[c] = index->node.edge.types[places[c]];
	}
	*out = index->node;
	*from = places;
	out->edge.layout = lower_ids(lowering, plan);
	out->edge.types = types;
	out->edge.column_count = count;
	return true;
}

static void add_contents(Hash128 *contents, Hash128 of_index, int i)
{
	contents->low = hash_combine(contents->low, of_index.low + (uint64_t)i);
	contents->high = hash_combine(contents->high, of_index.high + (uint64_t)i);
}

void lower_add_index_contents(const SharedIndex *index, int i, NewOp *new_op)
{
	add_contents(&new_op->contents, index->contents, i);
	add_contents(&new_op->shared, index->shared, i);
}
