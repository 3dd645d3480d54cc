/* Running expressions. A program is a graph of nodes (equal subexpressions are one node); a frame is a set of rows on which
 * nodes are evaluated: the batch, and below it the rows that AND, OR or CASE have not decided yet. A frame keeps the results
 * of columns and shared nodes, and takes them from the frame above it where they are known there.
 * Rejected: bytecode (kernels over thousands of rows make the walk free) and masks instead of frames (later arguments would
 * be computed for rows that do not need them). */
#include "expr/expr.h"

#include <assert.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/vec.h"
#include "expr/function.h"

typedef struct Node Node;
struct Node {
	ExprKind kind;
	Type type;
	const Expr *expr;
	int uses;                         /* how many nodes have it as an argument */
	int slot;                         /* in the results of a frame; -1: not kept */
	bool cheap;                       /* costs less for all rows than picking those that need it */
	int position;                     /* EXPR_COLUMN: in the batch */
	const Function *function;
	void *state;
	Column constant;                  /* EXPR_CONSTANT: the value `filled` times */
	int filled;
	int arg_count;
	Node **args;
	const Value **constants;
};

struct ExprProgram {
	Arena *arena;
	Node *root;
	VEC(Node *) nodes;
	VEC(void *) outgrown;             /* constants' arrays that a result may still point to */
	int slot_count;
};

typedef struct Frame Frame;
struct Frame {
	const Batch *in;
	Arena *scratch;
	const Frame *above;
	int count;
	const uint32_t *local;            /* rows of the frame above; NULL in the frame of the batch */
	Column **results;                 /* by slot */
};

static atomic_uint_fast64_t overflows;

uint64_t expr_overflow_count(void) { return atomic_load_explicit(&overflows, memory_order_relaxed); }

/* ---- what kernels call ---- */

uint8_t *kernel_nulls(KernelCall *call)
{
	if (!call->out->null) call->out->null = arena_zalloc(call->scratch, (size_t)call->count);
	return call->out->null;
}

void kernel_null(KernelCall *call, int row) { kernel_nulls(call)[row] = MARK_NULL; }

void kernel_overflow(KernelCall *call, int row)
{
	uint8_t *null = kernel_nulls(call);
	if (!null[row]) atomic_fetch_add_explicit(&overflows, 1, memory_order_relaxed);
	null[row] = MARK_NULL;
}

/* ---- compiling ---- */

static int position_of(ColumnId column, const ColumnId *layout, int layout_count)
{
	for (int i = 0; i < layout_count; i++)
		if (layout[i] == column) return i;
	assert(!"a column that the input does not have");
	return -1;
}

static Node *node_find(const ExprProgram *program, const Expr *e)
{
	for (int i = 0; i < program->nodes.count; i++)
		if (expr_equal(program->nodes.at[i]->expr, e)) return program->nodes.at[i];
	return NULL;
}

static void node_prepare(ExprProgram *program, Node *node)
{
	node->constants = arena_array(program->arena, const Value *, node->arg_count + 1);
	for (int i = 0; i < node->arg_count; i++)
		if (node->args[i]->kind == EXPR_CONSTANT) node->constants[i] = &node->args[i]->expr->constant;
	if (node->function->prepare) node->state = node->function->prepare(node->constants, node->arg_count);
}

/* Arithmetic and comparisons of numbers */
static bool is_cheap(const Node *node)
{
	if (node->kind == EXPR_COLUMN || node->kind == EXPR_CONSTANT) return true;
	if (node->kind == EXPR_CALL && (type_phys(node->type) == PHYS_STR || strcmp(node->function->category, "operator") != 0)) return false;
	for (int i = 0; i < node->arg_count; i++)
		if (!node->args[i]->cheap || type_phys(node->args[i]->type) == PHYS_STR) return false;
	return node->kind != EXPR_CASE && node->arg_count <= 4;
}

static bool fold_into(Arena *arena, const Expr *e, Value *value);

static Node *compile(ExprProgram *program, const Expr *e, const ColumnId *layout, int layout_count)
{
	assert(e->kind != EXPR_SUBQUERY);
	Value value;
	if (e->kind != EXPR_CONSTANT && expr_is_constant(e) && fold_into(program->arena, e, &value)) e = expr_constant(program->arena, &value, e->span);
	bool shareable = expr_is_deterministic(e);
	Node *node = shareable ? node_find(program, e) : NULL;
	if (node) return node->uses++, node;
	node = arena_new(program->arena, Node);
	*node = (Node){.kind = e->kind, .type = e->type, .expr = e, .uses = 1, .slot = -1, .function = e->function, .arg_count = e->arg_count};
	if (e->kind == EXPR_COLUMN) node->position = position_of(e->column, layout, layout_count);
	if (e->kind == EXPR_CONSTANT) node->constant.type = e->type;
	node->args = arena_array(program->arena, Node *, e->arg_count + 1);
	bool tail_prepared = e->kind == EXPR_CALL && (e->function->flags & FUNCTION_PREPARED_TAIL);
	for (int i = 0; i < e->arg_count; i++) {
		if (!tail_prepared || i == 0) {
			node->args[i] = compile(program, e->args[i], layout, layout_count);
			continue;
		}
		node->args[i] = arena_new(program->arena, Node);              /* thousands of constants: never searched, never filled */
		*node->args[i] = (Node){.kind = EXPR_CONSTANT, .type = e->args[i]->type, .expr = e->args[i], .slot = -1};
	}
	if (e->kind == EXPR_CALL) node_prepare(program, node);
	node->cheap = is_cheap(node);
	vec_push_in(program->arena, &program->nodes, node);
	return node;
}

ExprProgram *expr_compile(Arena *arena, const Expr *e, const ColumnId *layout, int layout_count)
{
	ExprProgram *program = arena_new(arena, ExprProgram);
	program->arena = arena;
	program->root = compile(program, expr_copy(arena, e), layout, layout_count);
	for (int i = 0; i < program->nodes.count; i++) {
		Node *node = program->nodes.at[i];
		bool kept = node->kind == EXPR_COLUMN || (node->uses > 1 && node->kind != EXPR_CONSTANT);
		if (kept) node->slot = program->slot_count++;
	}
	return program;
}

void expr_program_release(ExprProgram *program)
{
	if (!program) return;
	for (int i = 0; i < program->nodes.count; i++) {
		Node *node = program->nodes.at[i];
		if (node->state && node->function->unprepare) node->function->unprepare(node->state);
		node->state = NULL;
		free(node->constant.data);
		free(node->constant.null);
		node->constant.data = NULL;
		node->constant.null = NULL;
		node->filled = 0;
	}
	for (int i = 0; i < program->outgrown.count; i++) free(program->outgrown.at[i]);
	program->outgrown.count = 0;
}

/* ---- rows ---- */

static void move_values(void *to, const uint32_t *to_rows, const void *from, const uint32_t *from_rows, size_t bytes, int count)
{
	for (int i = 0; i < count; i++) {
		size_t t = to_rows ? to_rows[i] : (size_t)i, f = from_rows ? from_rows[i] : (size_t)i;
		if (bytes == 8) ((int64_t *)to)[t] = ((const int64_t *)from)[f];
		else memcpy((char *)to + t * 16, (const char *)from + f * 16, 16);
	}
}

static Column gather(const Column *from, const uint32_t *rows, int count, Arena *scratch)
{
	size_t bytes = phys_bytes(type_phys(from->type));
	Column out = {.type = from->type, .data = arena_alloc(scratch, bytes * (size_t)count)};
	move_values(out.data, NULL, from->data, rows, bytes, count);
	if (!from->null) return out;
	out.null = arena_alloc(scratch, (size_t)count);
	for (int i = 0; i < count; i++) out.null[i] = from->null[rows[i]];
	return out;
}

/* Puts values for the rows of a frame below into a column of this one, which has a null array. */
static void scatter(Column *to, const uint32_t *rows, const Column *from, int count)
{
	move_values(to->data, rows, from->data, NULL, phys_bytes(type_phys(to->type)), count);
	for (int i = 0; i < count; i++) to->null[rows[i]] = from->null ? from->null[i] : MARK_VALUE;
}

static Frame frame_below(const Frame *above, const uint32_t *local, int count, int slot_count)
{
	return (Frame){.in = above->in, .scratch = above->scratch, .above = above, .count = count, .local = local,
		.results = arena_array(above->scratch, Column *, slot_count + 1)};
}

static Column *keep(const Frame *frame, int slot, Column column)
{
	return frame->results[slot] = arena_copy(frame->scratch, &column, sizeof column);
}

/* The result of a slot in this frame or, gathered, from the nearest frame above that has it */
static Column *find_kept(const Frame *frame, int slot)
{
	if (frame->results[slot]) return frame->results[slot];
	Column *above = frame->above ? find_kept(frame->above, slot) : NULL;
	return above ? keep(frame, slot, gather(above, frame->local, frame->count, frame->scratch)) : NULL;
}

static Column input_column(const Frame *frame, int position)
{
	if (!frame->above) return batch_column(frame->in, position, frame->scratch);
	/* not asked for above: gathered at once from the batch */
	uint32_t *rows = arena_copy(frame->scratch, frame->local, sizeof *rows * (size_t)frame->count);
	for (const Frame *up = frame->above; up->above; up = up->above)
		for (int i = 0; i < frame->count; i++) rows[i] = up->local[rows[i]];
	if (frame->in->sel)
		for (int i = 0; i < frame->count; i++) rows[i] = frame->in->sel[rows[i]];
	return gather(&frame->in->columns[position], rows, frame->count, frame->scratch);
}

/* ---- evaluating ---- */

/* Constants are filled for as many rows as were ever asked for: batches are mostly small. */
static void fill_constant(ExprProgram *program, Node *node, int count)
{
	const Value *value = &node->expr->constant;
	size_t bytes = phys_bytes(type_phys(node->type)), room = 16;
	while (room < (size_t)count) room *= 2;
	if (node->constant.data) vec_push_in(program->arena, &program->outgrown, node->constant.data);
	if (node->constant.null) vec_push_in(program->arena, &program->outgrown, node->constant.null);
	node->constant.data = mem_zalloc(bytes * room);
	node->constant.null = NULL;
	node->filled = (int)room;
	if (value->is_null) node->constant.null = memset(mem_alloc(room), MARK_NULL, room);
	else for (size_t i = 0; i < room; i++) memcpy((char *)node->constant.data + i * bytes, &value->i64, bytes);
}

static Column eval(ExprProgram *program, Node *node, const Frame *frame);

/* The value under a NULL is zero bits. */
static void clear_nulls(Column *column, int count)
{
	size_t bytes = phys_bytes(type_phys(column->type));
	for (int i = 0; i < count; i++)
		if (column->null[i]) memset((char *)column->data + bytes * (size_t)i, 0, bytes);
}

static void nan_to_null(KernelCall *call)
{
	const double *x = call->out->f64;
	for (int i = 0; i < call->count; i++)
		if (x[i] != x[i]) kernel_null(call, i);
}

/* Marks of all arguments together; the kernel may add to them, so they are its own. */
static uint8_t *strict_nulls(const Column *args, int arg_count, int count, Arena *scratch)
{
	uint8_t *null = NULL;
	for (int a = 0; a < arg_count; a++) {
		if (!args[a].null) continue;
		if (!null) null = arena_zalloc(scratch, (size_t)count);
		for (int i = 0; i < count; i++) null[i] |= args[a].null[i] != 0;
	}
	return null;
}

static Column eval_call(ExprProgram *program, Node *node, const Frame *frame)
{
	int evaluated = node->function->flags & FUNCTION_PREPARED_TAIL ? 1 : node->arg_count, count = frame->count;
	Column small[8], *args = evaluated <= 8 ? small : arena_alloc(frame->scratch, sizeof *args * (size_t)evaluated);
	for (int i = 0; i < evaluated; i++) args[i] = eval(program, node->args[i], frame);
	Column out = {.type = node->type, .data = arena_alloc(frame->scratch, phys_bytes(type_phys(node->type)) * (size_t)count)};
	KernelCall call = {.count = count, .args = args, .arg_count = evaluated, .out = &out, .scratch = frame->scratch, .state = node->state,
		.constants = node->constants, .system_us = frame->in->system_us};
	if (node->function->flags & FUNCTION_STRICT) out.null = strict_nulls(args, evaluated, count, frame->scratch);
	node->function->kernel(&call);
	if (node->type.kind == TYPE_REAL) nan_to_null(&call);
	if (out.null) clear_nulls(&out, count);
	return out;
}

/* Adds one more argument, known for all rows, to what AND or OR has so far. */
static void combine(Column *out, const Column *value, int64_t decides, int count, Arena *scratch)
{
	if (!value->null && !out->null) {
		if (decides) for (int i = 0; i < count; i++) out->i64[i] |= value->i64[i] != 0;
		else for (int i = 0; i < count; i++) out->i64[i] &= value->i64[i] != 0;
		return;
	}
	if (!out->null) out->null = arena_zalloc(scratch, (size_t)count);
	for (int i = 0; i < count; i++) {
		bool value_null = value->null && value->null[i], out_null = out->null[i] != 0;
		bool decided = (!value_null && (value->i64[i] != 0) == decides) || (!out_null && out->i64[i] == decides);
		out->null[i] = !decided && (value_null || out_null);
		out->i64[i] = out->null[i] ? 0 : decided ? decides : !decides;
	}
}

static Column eval_cheap_junction(ExprProgram *program, Node *node, const Frame *frame)
{
	const int64_t decides = node->kind == EXPR_OR;
	Column out = {.type = TYPE(BOOLEAN), .i64 = arena_alloc(frame->scratch, 8 * (size_t)frame->count)};
	for (int i = 0; i < frame->count; i++) out.i64[i] = !decides;
	for (int a = 0; a < node->arg_count; a++) {
		Column value = eval(program, node->args[a], frame);
		combine(&out, &value, decides, frame->count, frame->scratch);
	}
	return out;
}

/* a AND b: rows that a makes false are decided. While most rows are open, b is computed for all of them. */
static Column eval_junction(ExprProgram *program, Node *node, const Frame *frame)
{
	const int64_t decides = node->kind == EXPR_OR;
	int count = frame->count;
	Column out = {.type = TYPE(BOOLEAN), .i64 = arena_alloc(frame->scratch, 8 * (size_t)count), .null = arena_zalloc(frame->scratch, (size_t)count)};
	uint32_t *open = arena_alloc(frame->scratch, sizeof *open * (size_t)count);
	int open_count = count;
	bool any_null = false;
	for (int i = 0; i < count; i++) out.i64[i] = !decides, open[i] = (uint32_t)i;
	for (int a = 0; a < node->arg_count && open_count; a++) {
		bool all = open_count > count - count / 4;
		Frame below;
		if (!all) below = frame_below(frame, arena_copy(frame->scratch, open, sizeof *open * (size_t)open_count), open_count, program->slot_count);
		Column value = eval(program, node->args[a], all ? frame : &below);
		int kept = 0;
		for (int i = 0; i < open_count; i++) {
			uint32_t row = open[i], at = all ? row : (uint32_t)i;
			if (value.null && value.null[at]) out.null[row] = MARK_NULL, any_null = true, open[kept++] = row;
			else if ((value.i64[at] != 0) == decides) out.i64[row] = decides, out.null[row] = MARK_VALUE;
			else open[kept++] = row;
		}
		open_count = kept;
	}
	if (!any_null) out.null = NULL;
	else clear_nulls(&out, count);
	return out;
}

static Column eval_case(ExprProgram *program, Node *node, const Frame *frame)
{
	int count = frame->count, open_count = count;
	size_t bytes = phys_bytes(type_phys(node->type));
	Column out = {.type = node->type, .data = arena_alloc(frame->scratch, bytes * (size_t)count), .null = arena_zalloc(frame->scratch, (size_t)count)};
	const Frame *at = frame;                       /* the rows that no WHEN has taken yet */
	uint32_t *rows = NULL;                         /* their numbers in `frame`; NULL: all */
	for (int w = 0; w + 1 < node->arg_count && open_count; w += 2) {
		Column when = eval(program, node->args[w], at);
		uint32_t *taken = arena_alloc(frame->scratch, sizeof *taken * (size_t)open_count), *left = arena_alloc(frame->scratch, sizeof *left * (size_t)open_count);
		int taken_count = 0, left_count = 0;
		for (int i = 0; i < open_count; i++) {
			uint32_t row = rows ? rows[i] : (uint32_t)i;
			if (when.i64[i] && !(when.null && when.null[i])) taken[taken_count++] = row;
			else left[left_count++] = row;
		}
		if (taken_count == 0) continue;
		Frame *below = arena_new(frame->scratch, Frame);
		*below = frame_below(frame, taken, taken_count, program->slot_count);
		Column then = eval(program, node->args[w + 1], taken_count == count ? frame : below);
		scatter(&out, taken, &then, taken_count);
		below = arena_new(frame->scratch, Frame);
		*below = frame_below(frame, left, left_count, program->slot_count);
		at = below;
		rows = left;
		open_count = left_count;
	}
	if (open_count) {
		Column other = eval(program, node->args[node->arg_count - 1], at);
		if (!rows) return other;
		scatter(&out, rows, &other, open_count);
	}
	uint8_t any = 0;
	for (int i = 0; i < count; i++) any |= out.null[i];
	if (!any) out.null = NULL;
	return out;
}

static Column eval(ExprProgram *program, Node *node, const Frame *frame)
{
	if (node->slot >= 0) {
		Column *known = find_kept(frame, node->slot);
		if (known) return *known;
	}
	Column out;
	switch (node->kind) {
	case EXPR_CONSTANT:
		if (node->filled < frame->count || !node->constant.data) fill_constant(program, node, frame->count);
		return node->constant;
	case EXPR_COLUMN: out = input_column(frame, node->position); break;
	case EXPR_AND: case EXPR_OR: out = node->cheap ? eval_cheap_junction(program, node, frame) : eval_junction(program, node, frame); break;
	case EXPR_CASE: out = eval_case(program, node, frame); break;
	default: out = eval_call(program, node, frame); break;
	}
	if (node->slot >= 0) keep(frame, node->slot, out);
	return out;
}

static Frame frame_of_batch(ExprProgram *program, const Batch *in, Arena *scratch)
{
	return (Frame){.in = in, .scratch = scratch, .count = in->count, .results = arena_array(scratch, Column *, program->slot_count + 1)};
}

Column expr_eval(ExprProgram *program, const Batch *in, Arena *scratch)
{
	Frame frame = frame_of_batch(program, in, scratch);
	return eval(program, program->root, &frame);
}

/* Keeps the rows for which `value` is true; both arrays may be one. */
static int keep_true(const Column *value, const uint32_t *rows, int count, uint32_t *kept)
{
	int n = 0;
	if (!value->null) {
		for (int i = 0; i < count; i++) {
			kept[n] = rows[i];
			n += value->i64[i] != 0;
		}
		return n;
	}
	for (int i = 0; i < count; i++) {
		kept[n] = rows[i];
		n += value->i64[i] != 0 && !value->null[i];
	}
	return n;
}

/* AND at the top needs no three-valued result: each argument sees only the rows that all before it kept. */
int expr_select(ExprProgram *program, const Batch *in, Arena *scratch, uint32_t *sel)
{
	Node *root = program->root;
	Frame top = frame_of_batch(program, in, scratch);
	Node **conditions = root->kind == EXPR_AND ? root->args : &root;
	int condition_count = root->kind == EXPR_AND ? root->arg_count : 1, count = in->count;
	uint32_t *rows = arena_alloc(scratch, sizeof *rows * (size_t)(count + 1));
	for (int i = 0; i < count; i++) rows[i] = (uint32_t)i;
	for (int c = 0; c < condition_count && count; c++) {
		bool all = count == in->count;
		Frame below;
		if (!all) below = frame_below(&top, arena_copy(scratch, rows, sizeof *rows * (size_t)count), count, program->slot_count);
		Column value = eval(program, conditions[c], all ? &top : &below);
		count = keep_true(&value, rows, count, rows);
	}
	for (int i = 0; i < count; i++) sel[i] = (uint32_t)batch_row(in, (int)rows[i]);
	return count;
}

/* ---- folding ---- */

static bool fold_into(Arena *arena, const Expr *e, Value *value)
{
	if (e->kind == EXPR_CONSTANT) {
		*value = e->constant;
		return true;
	}
	Arena own;
	arena_init(&own, 0);
	ExprProgram program = {.arena = &own};
	Expr *copy = expr_copy(&own, e);
	for (int i = 0; i < copy->arg_count; i++) {              /* arguments first, so that the call itself is not folded for ever */
		Value arg;
		if (copy->args[i]->kind == EXPR_CONSTANT || !fold_into(&own, copy->args[i], &arg)) continue;
		copy->args[i] = expr_constant(&own, &arg, copy->args[i]->span);
	}
	Node root = {.kind = copy->kind, .type = copy->type, .expr = copy, .uses = 1, .slot = -1, .function = copy->function, .arg_count = copy->arg_count};
	root.args = arena_array(&own, Node *, copy->arg_count + 1);
	for (int i = 0; i < copy->arg_count; i++) {
		root.args[i] = arena_new(&own, Node);
		*root.args[i] = (Node){.kind = EXPR_CONSTANT, .type = copy->args[i]->type, .expr = copy->args[i], .slot = -1};
		root.args[i]->constant.type = copy->args[i]->type;
		vec_push_in(&own, &program.nodes, root.args[i]);
	}
	if (root.kind == EXPR_CALL) node_prepare(&program, &root);
	vec_push_in(&own, &program.nodes, &root);
	Batch one = {.rows = 1, .count = 1};
	Frame frame = frame_of_batch(&program, &one, &own);
	Column result = eval(&program, &root, &frame);
	*value = column_value(&result, 0);
	if (!value->is_null && type_phys(value->type) == PHYS_STR) value->str = str_copy(arena, str_at(&value->str), value->str.bytes);
	expr_program_release(&program);
	arena_release(&own);
	return true;
}

bool expr_fold(Arena *arena, Expr *e, Value *value, Error *err)
{
	if (!expr_is_constant(e)) return error_set(err, ERR_INVALID_PARAMETER, e->span, "a constant is needed here");
	return fold_into(arena, e, value);
}
