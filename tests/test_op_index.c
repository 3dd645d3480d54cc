/* Indexes: joins that read the rows of an index give what joins give that keep them, whatever ways lead to their other side. */
#include "op_harness.h"

/* A circuit: two inputs of three columns, and joins one behind the other. Sources of joins are inputs (0, 1) or joins before (2 ...). */
enum { INPUTS = 2, JOINS_MAX = 4, INDEXES_MAX = 8 };
typedef struct TestJoin { JoinKind kind; int source[2], key[2]; bool borrows[2], residual; } TestJoin;
typedef struct Shape {
	TestJoin joins[JOINS_MAX]; int join_count;
	bool null_equal, grows[INPUTS];
	bool indexes_first;               /* connected to their sources before anything else is */
	bool unread;                      /* only the last column of each side of a join is read */
} Shape;
static Shape shape;

static const char TYPES[] = "integer text integer";

static bool is_semi(const TestJoin *join) { return join->kind == JOIN_SEMI || join->kind == JOIN_ANTI; }

/* ---- the circuit as one operator ---- */

typedef struct Index { Op *op; int source, key; } Index;
typedef struct Circuit {
	Op op;
	Op *all[TEST_STATES_MAX];         /* in the order of making: inputs, then indexes and joins */
	Op *sources[INPUTS + JOINS_MAX];
	OpInput edges[INPUTS + JOINS_MAX];
	Index indexes[INDEXES_MAX]; int index_count;
} Circuit;
typedef struct Outlet { Op op; Op *circuit; } Outlet;

static bool outlet_push(Op *op, int input, Batch *in, Error *err)
{
	(void)input;
	return op_emit(((Outlet *)op)->circuit, batch_ref(in), err);
}

static bool circuit_push(Op *op, int input, Batch *in, Error *err) { return op_push(((Circuit *)op)->sources[input], 0, in, err); }

static bool circuit_commit(Op *op, const CommitInfo *commit, Error *err)
{
	for (int i = 0; i < op->inner_count; i++) {
		arena_clear(&op->inner[i]->scratch);
		if (op->inner[i]->class->commit && !op->inner[i]->class->commit(op->inner[i], commit, err)) return false;
	}
	return true;
}

static void circuit_release(Op *op)
{
	for (int i = 0; i < op->inner_count; i++) op_free(op->inner[i]);
}

static const OpClass OUTLET = {.name = "outlet", .push = outlet_push};
static const OpClass CIRCUIT = {.name = "circuit", .push = circuit_push, .commit = circuit_commit, .release = circuit_release};

static Op *add(Circuit *circuit, Op *op)
{
	assert_true(circuit->op.inner_count < TEST_STATES_MAX - 1);
	return circuit->all[circuit->op.inner_count++] = op;
}

/* Only the last column of an input is read, or all are. */
static bool *reads(Arena *arena, const OpInput *in)
{
	bool *out = arena_array(arena, bool, TEST_COLUMNS_MAX);
	for (int c = 0; c < in->column_count; c++) out[c] = !shape.unread || c == in->column_count - 1;
	return out;
}

static bool *null_equal(Arena *arena)
{
	bool *out = arena_new(arena, bool);
	*out = shape.null_equal;
	return out;
}

static const Index *index_of(Circuit *circuit, Arena *arena, int source, int key)
{
	for (int i = 0; i < circuit->index_count; i++)
		if (circuit->indexes[i].source == source && circuit->indexes[i].key == key) return &circuit->indexes[i];
	const OpInput *in = &circuit->edges[source];
	Expr *expr = test_column(arena, in, key);
	bool *wanted = reads(arena, in);
	for (int c = 0; c < 3; c++) wanted[c] |= c == 2;              /* joins with a condition read it, others do not */
	IndexSpec spec = {.in = *in, .keys = &expr, .key_count = 1, .null_equal = null_equal(arena), .reads = wanted};
	Op *op = add(circuit, op_index_new(&spec));
	op_connect(circuit->sources[source], op, 0);
	circuit->indexes[circuit->index_count] = (Index){op, source, key};
	return &circuit->indexes[circuit->index_count++];
}

static void add_join(Circuit *circuit, Arena *arena, const TestJoin *join, int number)
{
	Error err = ERROR_INIT;
	const Index *indexes[2] = {0};
	OpInput *in[2];
	for (int s = 0; s < 2; s++) {
		in[s] = arena_new(arena, OpInput);
		*in[s] = circuit->edges[join->source[s]];
		ColumnId *layout = arena_array(arena, ColumnId, TEST_COLUMNS_MAX);
		for (int c = 0; c < in[s]->column_count; c++) layout[c] = 100 * (number + 1) + 50 * s + c;
		in[s]->layout = layout;
		if (join->borrows[s]) indexes[s] = index_of(circuit, arena, join->source[s], join->key[s]);
	}
	Expr *left = test_column(arena, in[0], join->key[0]), *right = test_column(arena, in[1], join->key[1]);
	JoinSpec spec = {.kind = join->kind, .left = *in[0], .right = *in[1], .left_keys = &left, .right_keys = &right, .key_count = 1, .null_equal = null_equal(arena),
		.close_key = -1, .left_index = indexes[0] ? indexes[0]->op : NULL, .right_index = indexes[1] ? indexes[1]->op : NULL};
	bool *wanted = arena_array(arena, bool, TEST_COLUMNS_MAX);
	memcpy(wanted, reads(arena, in[0]), sizeof *wanted * (size_t)in[0]->column_count);
	memcpy(wanted + in[0]->column_count, reads(arena, in[1]), sizeof *wanted * (size_t)in[1]->column_count);
	spec.reads = wanted;
	if (join->residual) {
		Expr *sides[] = {test_column(arena, in[0], 2), test_column(arena, in[1], 2)};
		spec.residual = expr_call(arena, "<", sides, 2, SPAN_NONE, &err);
	}
	Op *op = add(circuit, op_join_new(&spec));
	for (int s = 0; s < 2; s++) op_connect(indexes[s] ? indexes[s]->op : circuit->sources[join->source[s]], op, s);
	circuit->sources[INPUTS + number] = op;
	OpInput *out = &circuit->edges[INPUTS + number];
	*out = (OpInput){.types = op->types, .column_count = op->column_count, .append_only = op->append_only};
	ColumnId *layout = arena_array(arena, ColumnId, TEST_COLUMNS_MAX);
	for (int c = 0; c < op->column_count; c++) layout[c] = 1000 * (number + 1) + c;
	out->layout = layout;
}

static Op *make_circuit(Arena *arena)
{
	Circuit parts = {0}, *circuit = &parts;
	for (int i = 0; i < INPUTS; i++) {
		circuit->edges[i] = test_input(arena, 20 * (i + 1), TYPES, shape.grows[i]);
		circuit->sources[i] = add(circuit, op_input_new("input", circuit->edges[i].types, circuit->edges[i].column_count));
	}
	for (int j = 0; shape.indexes_first && j < shape.join_count; j++)
		for (int s = 0; s < 2; s++)
			if (shape.joins[j].borrows[s] && shape.joins[j].source[s] < INPUTS) index_of(circuit, arena, shape.joins[j].source[s], shape.joins[j].key[s]);
	for (int j = 0; j < shape.join_count; j++) add_join(circuit, arena, &shape.joins[j], j);
	Op *last = circuit->sources[INPUTS + shape.join_count - 1];
	Outlet *outlet = op_new(&OUTLET, sizeof *outlet, "outlet", last->types, last->column_count, 1);
	add(circuit, &outlet->op);
	op_connect(last, &outlet->op, 0);
	Circuit *out = op_new(&CIRCUIT, sizeof *out, "circuit", last->types, last->column_count, INPUTS);
	memcpy(out->all, parts.all, sizeof parts.all);
	memcpy(out->sources, parts.sources, sizeof parts.sources);
	out->op.inner_count = parts.op.inner_count;
	out->op.inner = out->all;
	out->op.append_only = last->append_only;
	outlet->circuit = &out->op;
	return &out->op;
}

/* ---- recomputation ---- */

static bool rows_meet(const TestJoin *join, const TestRow *left, const TestRow *right)
{
	const Value *l = &left->values[join->key[0]], *r = &right->values[join->key[1]], *a = &left->values[2], *b = &right->values[2];
	if (l->is_null != r->is_null || (l->is_null && !shape.null_equal)) return false;
	if (!l->is_null && !value_equal(l, r)) return false;
	return !join->residual || (!a->is_null && !b->is_null && a->i64 < b->i64);
}

static void add_pair(TestRows *out, const TestJoin *join, const TestRows *sides, const TestRow *left, const TestRow *right, int64_t weight)
{
	Value values[TEST_COLUMNS_MAX];
	int lefts = sides[0].column_count, rights = is_semi(join) ? 0 : sides[1].column_count;
	for (int c = 0; c < lefts + rights; c++) {
		const TestRow *row = c < lefts ? left : right;
		int own = c < lefts ? c : c - lefts, last = (c < lefts ? lefts : rights) - 1;
		bool read = !shape.unread || own == last || (join->residual && own == 2);
		values[c] = row && read ? row->values[own] : (Value){.type = out->types[c], .is_null = true};
	}
	test_rows_add(out, values, weight);
}

static void join_rows(const TestJoin *join, const TestRows *sides, TestRows *out)
{
	bool left_alone = join->kind == JOIN_LEFT || join->kind == JOIN_FULL || join->kind == JOIN_ANTI, right_alone = join->kind == JOIN_RIGHT || join->kind == JOIN_FULL;
	bool *met = calloc((size_t)sides[1].count + 1, sizeof *met);
	for (int l = 0; l < sides[0].count; l++) {
		const TestRow *left = &sides[0].at[l];
		bool matched = false;
		for (int r = 0; r < sides[1].count; r++) {
			const TestRow *right = &sides[1].at[r];
			if (!rows_meet(join, left, right)) continue;
			matched = met[r] = true;
			if (!is_semi(join)) add_pair(out, join, sides, left, right, left->weight * right->weight);
		}
		if (join->kind == JOIN_SEMI ? matched : left_alone && !matched) add_pair(out, join, sides, left, NULL, left->weight);
	}
	for (int r = 0; right_alone && r < sides[1].count; r++)
		if (!met[r]) add_pair(out, join, sides, NULL, &sides[1].at[r], sides[1].at[r].weight);
	free(met);
}

/* Columns that were NULL for nobody reading them are NULL to the next join, too: no circuit joins by such. */
static void recompute_circuit(const TestRows *inputs, const int64_t *watermarks, TestRows *out)
{
	(void)watermarks;
	TestRows all[INPUTS + JOINS_MAX];
	for (int i = 0; i < INPUTS; i++) {
		test_rows_init(&all[i], inputs[i].types, inputs[i].column_count);
		test_rows_append(&all[i], &inputs[i]);
		test_rows_net(&all[i]);
	}
	for (int j = 0; j < shape.join_count; j++) {
		const TestJoin *join = &shape.joins[j];
		const TestRows *left = &all[join->source[0]], *right = &all[join->source[1]];
		TestRows sides[2] = {*left, *right}, *made = &all[INPUTS + j];
		Type types[TEST_COLUMNS_MAX];
		memcpy(types, left->types, sizeof *types * (size_t)left->column_count);
		memcpy(types + left->column_count, right->types, sizeof *types * (size_t)right->column_count);
		test_rows_init(made, types, left->column_count + (is_semi(join) ? 0 : right->column_count));
		join_rows(join, sides, made);
		test_rows_net(made);
	}
	test_rows_append(out, &all[INPUTS + shape.join_count - 1]);
	for (int i = 0; i < INPUTS + shape.join_count; i++) test_rows_release(&all[i]);
}

static void run(int rounds)
{
	Differential d = {.make = make_circuit, .recompute = recompute_circuit, .input_count = INPUTS, .rows = 120, .rounds = rounds};
	for (int i = 0; i < INPUTS; i++) d.inputs[i] = (DifferentialInput){.types = TYPES, .append_only = shape.grows[i]};
	differential_run(&d);
}

/* ---- cases ---- */

static bool may_borrow(const TestJoin *join, int side)
{
	bool preserved = side ? join->kind == JOIN_RIGHT || join->kind == JOIN_FULL : join->kind != JOIN_INNER && join->kind != JOIN_RIGHT;
	bool kept = !is_semi(join) || side == 0 || join->residual;
	return kept && !(join->residual && preserved);
}

static void one_side_or_both_are_an_index(void **context)
{
	(void)context;
	for (JoinKind kind = JOIN_INNER; kind <= JOIN_ANTI; kind++)
		for (int form = 0; form < 64; form++) {
			shape = (Shape){.join_count = 1, .null_equal = form & 8, .unread = form & 16, .grows = {form & 32, form & 32}};
			shape.joins[0] = (TestJoin){kind, {0, 1}, {0, 0}, {form & 1, form & 2}, form & 4};
			if (!(form & 3) || (form & 1 && !may_borrow(&shape.joins[0], 0)) || (form & 2 && !may_borrow(&shape.joins[0], 1))) continue;
			run(1);
		}
}

static void an_input_joined_with_itself_meets_itself_once(void **context)
{
	(void)context;
	for (JoinKind kind = JOIN_INNER; kind <= JOIN_ANTI; kind++)
		for (int form = 0; form < 16; form++) {
			shape = (Shape){.join_count = 1, .null_equal = form & 2, .indexes_first = form & 4, .grows = {form & 8, form & 8}};
			shape.joins[0] = (TestJoin){kind, {0, 0}, {0, 0}, {false, true}, form & 1};
			if (may_borrow(&shape.joins[0], 1)) run(2);
		}
}

static void an_input_joined_with_itself_by_two_keys_may_borrow_both_sides(void **context)
{
	(void)context;
	for (JoinKind kind = JOIN_INNER; kind <= JOIN_ANTI; kind++)
		for (int form = 0; form < 8; form++) {
			shape = (Shape){.join_count = 1, .null_equal = form & 2, .indexes_first = form & 4};
			shape.joins[0] = (TestJoin){kind, {0, 0}, {0, 2}, {true, true}, form & 1};
			if (may_borrow(&shape.joins[0], 0) && may_borrow(&shape.joins[0], 1)) run(2);
		}
}

static void joins_above_each_other_read_one_index(void **context)
{
	(void)context;
	for (JoinKind first = JOIN_INNER; first <= JOIN_FULL; first++)
		for (JoinKind second = JOIN_INNER; second <= JOIN_ANTI; second++)
			for (int form = 0; form < 8; form++) {
				shape = (Shape){.join_count = 2, .indexes_first = form & 2, .grows = {form & 4, form & 4}};
				shape.joins[0] = (TestJoin){first, {0, 1}, {0, 0}, {false, true}, false};
				shape.joins[1] = (TestJoin){second, {2, 1}, {2, 0}, {false, true}, form & 1};
				if (may_borrow(&shape.joins[0], 1) && may_borrow(&shape.joins[1], 1)) run(1);
			}
}

/* The second join's left side comes from the index, too: through a join that borrows, through one that keeps the rows itself, as left or right. */
static void what_is_read_comes_to_the_other_side_by_other_ways(void **context)
{
	(void)context;
	static const TestJoin WAYS[][3] = {
		{{JOIN_INNER, {1, 1}, {0, 0}, {false, true}}, {JOIN_INNER, {2, 1}, {0, 0}, {false, true}}, {JOIN_LEFT, {3, 1}, {2, 0}, {false, true}}},
		{{JOIN_LEFT, {1, 0}, {0, 0}, {false, false}}, {JOIN_INNER, {2, 1}, {2, 0}, {false, true}}, {JOIN_INNER, {3, 0}, {0, 0}, {true, true}}},
		{{JOIN_INNER, {1, 0}, {2, 0}, {true, false}}, {JOIN_LEFT, {1, 2}, {2, 2}, {true, false}}, {JOIN_RIGHT, {1, 3}, {0, 0}, {true, false}}},
		{{JOIN_SEMI, {1, 0}, {0, 0}, {true, false}}, {JOIN_FULL, {2, 1}, {0, 0}, {false, true}}, {JOIN_ANTI, {3, 1}, {0, 0}, {true, false}}},
		{{JOIN_ANTI, {1, 1}, {0, 2}, {true, false}}, {JOIN_LEFT, {1, 2}, {0, 0}, {false, true}}, {JOIN_SEMI, {3, 1}, {0, 0}, {false, false}}},
	};
	for (size_t w = 0; w < sizeof WAYS / sizeof *WAYS; w++)
		for (int form = 0; form < 4; form++) {
			shape = (Shape){.join_count = 3, .indexes_first = form & 1, .null_equal = form & 2};
			memcpy(shape.joins, WAYS[w], sizeof WAYS[w]);
			run(2);
		}
}

static void rows_are_kept_once_and_go_again(void **context)
{
	(void)context;
	uint64_t bytes[2];
	for (int borrows = 0; borrows < 2; borrows++) {
		Harness h;
		shape = (Shape){.join_count = 3};
		for (int j = 0; j < 3; j++) shape.joins[j] = (TestJoin){JOIN_SEMI, {j ? j + 1 : 0, 1}, {0, 0}, {false, borrows}, true};
		harness_open(&h, make_circuit, TYPES, TYPES, NULL);
		for (int sign = 1; sign >= -1; sign -= 2) {
			uint64_t now = 0;
			for (int n = 0; n < 2000; n++) {
				char row[128];
				snprintf(row, sizeof row, "%+d | %d | 'a text' | %d", sign, n % 500, n);
				harness_push(&h, 1, row);
			}
			harness_commit(&h);
			for (int i = 1; i <= h.op->inner_count; i++)
				if (harness_state(&h, i)) now += state_bytes(harness_state(&h, i));
			if (sign > 0) bytes[borrows] = now;
			else assert_true(now * 4 < bytes[borrows]);
		}
		harness_close(&h);
	}
	assert_true(bytes[1] * 2 < bytes[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_side_or_both_are_an_index),
		cmocka_unit_test(an_input_joined_with_itself_meets_itself_once),
		cmocka_unit_test(an_input_joined_with_itself_by_two_keys_may_borrow_both_sides),
		cmocka_unit_test(joins_above_each_other_read_one_index),
		cmocka_unit_test(what_is_read_comes_to_the_other_side_by_other_ways),
		cmocka_unit_test(rows_are_kept_once_and_go_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
