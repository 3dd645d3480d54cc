/* Indexes: joins that read the rows of an index give what joins give that keep them, whatever ways lead to their other side. */
#include "op/index.h"
#include "op/join_rows.h"
#include "op_harness.h"

/* A circuit: two inputs of three columns, and joins one behind the other. Sources of joins are inputs (0, 1) or joins before (2 ...). */
enum { INPUTS = 2, JOINS_MAX = 4, INDEXES_MAX = 8 };
typedef struct TestJoin { JoinKind kind; int source[2], key[2]; bool borrows[2], residual; } TestJoin;
typedef struct Shape {
	TestJoin joins[JOINS_MAX]; int join_count;
	bool null_equal, grows[INPUTS];
	bool indexes_first;               /* connected to their sources before anything else is */
	bool unread;                      /* only the last column of each side of a join is read */
	bool named, whole;                /* what indexes keep may change; they keep all columns, as if others read them */
} Shape;
static Shape shape;

static const char TYPES[] = "integer text integer";
static const char *const NAMES[TEST_COLUMNS_MAX] = {"a", "b", "c", "d", "e", "f", "g", "h"};

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
	IndexSpec spec = {.in = *in, .keys = &expr, .key_count = 1, .null_equal = null_equal(arena), .reads = shape.whole ? NULL : wanted, .names = shape.named ? NAMES : NULL};
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

static void joins_find_their_columns_among_those_that_others_read(void **context)
{
	(void)context;
	for (JoinKind kind = JOIN_INNER; kind <= JOIN_ANTI; kind++)
		for (int form = 0; form < 64; form++) {
			shape = (Shape){.join_count = 1, .null_equal = form & 8, .unread = form & 16, .named = true, .whole = form & 32};
			shape.joins[0] = (TestJoin){kind, {0, 1}, {0, 0}, {form & 1, form & 2}, form & 4};
			if (!(form & 3) || (form & 1 && !may_borrow(&shape.joins[0], 0)) || (form & 2 && !may_borrow(&shape.joins[0], 1))) continue;
			run(1);
		}
}

/* ---- which columns are kept ---- */

enum { KEPT_FORMS = 16 };
typedef struct Wide { Op *op; Arena arena; OpInput in; bool reads[4]; } Wide;

static void wide_open(Wide *wide, int form)
{
	arena_init(&wide->arena, 0);
	wide->in = test_input(&wide->arena, 1, "integer text integer text", false);
	for (int c = 0; c < 4; c++) wide->reads[c] = form >> c & 1;
	Expr *keys[] = {test_column(&wide->arena, &wide->in, 2), test_column(&wide->arena, &wide->in, 1)};
	IndexSpec spec = {.in = wide->in, .keys = keys, .key_count = 2, .reads = wide->reads, .names = NAMES};
	wide->op = op_index_new(&spec);
}

static void wide_close(Wide *wide)
{
	op_free(wide->op);
	arena_release(&wide->arena);
}

/* The same rows for the same seed, with NULLs, of few different values, so that some are equal in what is kept of them; each third is taken back. */
static void wide_fill(Wide *wide, unsigned seed)
{
	Error err = ERROR_INIT;
	BatchBuilder builder;
	batch_builder_init(&builder, wide->in.types, 4, 300);
	for (int n = 0; n < 200; n++) {
		Value values[4];
		for (int c = 0; c < 4; c++) {
			seed = seed * 1664525u + 1013904223u;
			int value = (int)(seed >> 16) % 5;
			static const char *const TEXTS[] = {"", "short", "a text that is longer than any that is kept inline", "x", "y"};
			values[c] = (Value){.type = wide->in.types[c], .is_null = value == 4};
			if (c % 2 == 0) values[c].i64 = value;
			else values[c].str = str_copy(&wide->arena, TEXTS[value], (uint32_t)strlen(TEXTS[value]));
		}
		for (int sign = 1; sign >= -1; sign -= 2) {
			if (sign < 0 && n % 3) continue;
			int row = batch_builder_row(&builder, sign);
			for (int c = 0; c < 4; c++) batch_builder_set(&builder, row, c, &values[c]);
		}
	}
	Batch *batch = batch_builder_take(&builder);
	assert_true(op_push(wide->op, 0, batch, &err));
	batch_unref(batch);
}

/* As text, sorted: key, copies, what is kept of the row */
static int compare_texts(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static char *wide_text(const Wide *wide)
{
	const JoinRows *rows = index_rows(wide->op);
	VEC(char *) lines = {0};
	uint32_t cursor = 0, bytes;
	for (void *key; (key = state_map_next(rows->keys, &cursor)); )
		for (const JoinRow *row = join_rows_first(rows, key); row; row = join_row_at(rows, row->next)) {
			StrBuf line = STRBUF_INIT;
			const char *parts[] = {state_map_key(rows->keys, key, &bytes), NULL};
			uint32_t counts[] = {bytes, 0};
			parts[1] = state_map_key(rows->map, row, &bytes);
			counts[1] = bytes;
			for (int p = 0; p < 2; p++)
				for (uint32_t i = p ? 4 : 0; i < counts[p]; i++) strbuf_printf(&line, "%02x", (unsigned char)parts[p][i]);
			strbuf_printf(&line, " %lld\n", (long long)join_row_weight(rows, row));
			vec_push(&lines, line.text);
		}
	if (lines.count) qsort(lines.at, (size_t)lines.count, sizeof *lines.at, compare_texts);
	StrBuf all = STRBUF_INIT;
	for (int l = 0; l < lines.count; l++) {
		strbuf_adds(&all, lines.at[l]);
		free(lines.at[l]);
	}
	strbuf_printf(&all, "%d columns, %llu keys", rows->column_count, (unsigned long long)state_map_count(rows->keys));
	vec_release(&lines);
	return all.text;
}

static void assert_same(const Wide *a, const Wide *b)
{
	char *first = wide_text(a), *second = wide_text(b);
	assert_string_equal(first, second);
	free(first);
	free(second);
	state_check(a->op->state);
}

/* Whatever it kept before, it has what it would have if it had never kept more, and goes on with that. */
static void what_nobody_reads_any_more_goes(void **context)
{
	(void)context;
	for (int from = 0; from < KEPT_FORMS; from++)
		for (int to = 0; to < KEPT_FORMS; to++) {
			if ((from & to) != to) continue;
			Wide packed, alone;
			wide_open(&packed, to & 5);
			wide_open(&alone, to);
			bool columns[4];
			for (int c = 0; c < 4; c++) columns[c] = from >> c & 1;
			index_keep(packed.op, columns);
			wide_fill(&packed, 1);
			wide_fill(&alone, 1);
			index_keep(packed.op, alone.reads);
			assert_same(&packed, &alone);
			wide_fill(&packed, 2);
			wide_fill(&alone, 2);
			assert_same(&packed, &alone);
			wide_close(&packed);
			wide_close(&alone);
		}
}

static void what_is_taken_from_another_is_of_its_form(void **context)
{
	(void)context;
	Error err = ERROR_INIT;
	for (int form = 0; form < KEPT_FORMS; form++)
		for (int filled = 0; filled < 2; filled++) {
			Wide to, from;
			wide_open(&to, 2);
			wide_open(&from, form);
			wide_fill(&to, 3);
			if (filled) wide_fill(&from, 4);
			assert_true(index_take(to.op, from.op, &err));
			for (int c = 0; c < 4; c++) assert_int_equal(index_keeps(to.op)[c], from.reads[c]);
			for (unsigned seed = 5; seed < 7; seed++) {
				assert_same(&to, &from);
				wide_fill(&to, seed);
				wide_fill(&from, seed);
			}
			wide_close(&to);
			wide_close(&from);
		}
}

/* Pages that say so of themselves are taken up as what they are, and as damaged where a column is none of the input's. */
static void saved_rows_say_which_columns_they_have(void **context)
{
	(void)context;
	Error err = ERROR_INIT;
	Wide wide, loaded, other;
	wide_open(&wide, 2);
	wide_open(&loaded, 8);
	index_keep(wide.op, (const bool[]){true, true, false, true});
	wide_fill(&wide, 7);
	assert_true(state_take_copy(loaded.op->state, wide.op->state, &err) && loaded.op->class->restored(loaded.op, &err));
	assert_same(&wide, &loaded);
	arena_init(&other.arena, 0);
	other.in = test_input(&other.arena, 1, "integer text integer integer", false);
	Expr *keys[] = {test_column(&other.arena, &other.in, 2), test_column(&other.arena, &other.in, 1)};
	IndexSpec spec = {.in = other.in, .keys = keys, .key_count = 2, .names = NAMES};
	other.op = op_index_new(&spec);
	assert_true(state_take_copy(other.op->state, wide.op->state, &err));
	assert_false(other.op->class->restored(other.op, &err));
	assert_int_equal(err.code, ERR_FILE_FORMAT);
	wide_close(&other);
	wide_close(&wide);
	wide_close(&loaded);
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
		cmocka_unit_test(joins_find_their_columns_among_those_that_others_read),
		cmocka_unit_test(what_nobody_reads_any_more_goes),
		cmocka_unit_test(what_is_taken_from_another_is_of_its_form),
		cmocka_unit_test(saved_rows_say_which_columns_they_have),
		cmocka_unit_test(rows_are_kept_once_and_go_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
