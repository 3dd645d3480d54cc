/* WITH RECURSIVE: what can be reached from the seed, and the ways that lead there, against a recomputation. */
#include "op_harness.h"

/* seed (node, depth); edges (from, to). Step: rows join edges on node = from, give (to, depth + 1) where depth counts, with depth < limit. */
typedef struct Shape { bool all, counts_depth; int depth_max, iterations_max; } Shape;
static Shape shape;

typedef struct World {
	Arena arena;
	Op *recurse, *join, *collector;
	TestRows seed, edges, fresh, out;
	TestPages pages[2];
	bool only_added;
	CommitInfo commit;
	Error err;
} World;

static void world_make(World *w)
{
	Arena *arena = &w->arena;
	OpInput rows = test_input(arena, 1, "integer integer", false), edges = test_input(arena, 11, "integer integer", false), seed = test_input(arena, 1, "integer integer", false);
	Op *step_in = op_step_input_new(rows.types, 2);
	Expr *from = test_column(arena, &rows, 0), *to = test_column(arena, &edges, 0);
	JoinSpec join = {.kind = JOIN_INNER, .left = rows, .right = edges, .left_keys = &from, .right_keys = &to, .key_count = 1, .close_key = -1,
		.left_close_watermark = -1, .right_close_watermark = -1};
	w->join = op_join_new(&join);
	ColumnId *layout = arena_array(arena, ColumnId, 4);
	layout[0] = 1, layout[1] = 2, layout[2] = 11, layout[3] = 12;
	OpInput joined = {.layout = layout, .types = w->join->types, .column_count = 4};
	Value one = {.type = TYPE(INTEGER), .i64 = shape.counts_depth}, most = {.type = TYPE(INTEGER), .i64 = shape.depth_max};
	Expr *deeper[] = {test_column(arena, &rows, 1), expr_constant(arena, &one, SPAN_NONE)};
	Expr *exprs[] = {test_column(arena, &edges, 1), expr_call(arena, "+", deeper, 2, SPAN_NONE, &w->err)};
	Expr *bound[] = {test_column(arena, &rows, 1), expr_constant(arena, &most, SPAN_NONE)};
	ProjectSpec project = {.in = joined, .exprs = exprs, .expr_count = 2};
	if (shape.counts_depth) project.condition = expr_call(arena, "<", bound, 2, SPAN_NONE, &w->err);
	Op *step = op_project_new(&project), *ops[] = {step_in, w->join, step};
	RecurseSpec spec = {.types = rows.types, .column_count = 2, .all = shape.all, .iterations_max = shape.iterations_max, .step_in = step_in, .seed = &seed,
		.step_ops = ops, .step_op_count = 3};
	w->recurse = op_recurse_new(&spec);
	op_connect(step_in, w->join, 0);
	op_connect(w->join, step, 0);
	op_connect(step, w->recurse, 1);
	w->collector = op_new(&COLLECTOR, sizeof(Collector), "collector", rows.types, 2, 1);
	((Collector *)w->collector)->rows = &w->fresh;
	((Collector *)w->collector)->only_added = &w->only_added;
	op_connect(w->recurse, w->collector, 0);
}

static void world_open(World *w)
{
	Type types[2] = {TYPE(INTEGER), TYPE(INTEGER)};
	*w = (World){.err = ERROR_INIT};
	arena_init(&w->arena, 0);
	TestRows *logs[] = {&w->seed, &w->edges, &w->fresh, &w->out};
	for (int i = 0; i < 4; i++) test_rows_init(logs[i], types, 2);
	world_make(w);
}

static void world_stop(World *w)
{
	op_free(w->recurse);                      /* and what the step has */
	op_free(w->collector);
	arena_clear(&w->arena);
}

static void world_close(World *w)
{
	world_stop(w);
	arena_release(&w->arena);
	TestRows *logs[] = {&w->seed, &w->edges, &w->fresh, &w->out};
	for (int i = 0; i < 4; i++) test_rows_release(logs[i]);
	for (int p = 0; p < 2; p++) {
		for (int i = 0; i < w->pages[p].count; i++) free(w->pages[p].at[i].bytes);
		vec_release(&w->pages[p]);
	}
}

static void world_restart(World *w)
{
	State *states[] = {w->recurse->state, w->join->state};
	for (int s = 0; s < 2; s++) {
		state_check(states[s]);
		state_freeze(states[s]);
		state_save_next(states[s], UINT64_MAX, test_pages_put, &w->pages[s]);
	}
	world_stop(w);
	world_make(w);
	State *fresh[] = {w->recurse->state, w->join->state};
	for (int s = 0; s < 2; s++) {
		for (int i = 0; i < w->pages[s].count; i++) {
			struct TestPage *page = &w->pages[s].at[i];
			if (page->count) assert_true(state_load_page(fresh[s], page->number, page->bytes, page->count, &w->err));
		}
		assert_true(state_load_finish(fresh[s], &w->err));
	}
}

static void push_rows(World *w, bool edges, int from)
{
	TestRows *log = edges ? &w->edges : &w->seed;
	if (from == log->count) return;
	BatchBuilder builder;
	batch_builder_init(&builder, log->types, 2, log->count - from);
	for (int i = from; i < log->count; i++) batch_add_row(&builder, log, &log->at[i]);
	Batch *batch = batch_builder_take(&builder);
	assert_true(op_push(edges ? w->join : w->recurse, edges ? 1 : 0, batch, &w->err));
	batch_unref(batch);
}

static void push(World *w, bool edges, const char *text)
{
	TestRows *log = edges ? &w->edges : &w->seed;
	int from = log->count;
	test_rows_parse(log, text);
	push_rows(w, edges, from);
}

static bool commit(World *w)
{
	w->only_added = true;
	w->commit.commit++;
	arena_clear(&w->recurse->scratch);
	return w->recurse->class->commit(w->recurse, &w->commit, &w->err);
}

/* ---- recomputation ---- */

static int find(const TestRows *rows, const Value *values)
{
	for (int i = 0; i < rows->count; i++)
		if (value_equal(&rows->at[i].values[0], &values[0]) && value_equal(&rows->at[i].values[1], &values[1])) return i;
	return -1;
}

static void recompute(const World *w, TestRows *out)
{
	TestRows round, edges;
	test_rows_init(&round, out->types, 2);
	test_rows_init(&edges, out->types, 2);
	test_rows_append(&round, &w->seed);
	test_rows_append(&edges, &w->edges);
	test_rows_net(&edges);
	test_rows_net(&round);
	while (round.count) {
		TestRows next;
		test_rows_init(&next, out->types, 2);
		for (int i = 0; i < round.count; i++) {
			const TestRow *row = &round.at[i];
			if (!shape.all && find(out, row->values) >= 0) continue;
			test_rows_add(out, row->values, shape.all ? row->weight : 1);
			if (shape.counts_depth && (row->values[1].is_null || row->values[1].i64 >= shape.depth_max)) continue;
			for (int e = 0; e < edges.count; e++) {
				const Value *edge = edges.at[e].values;
				if (edge[0].is_null || row->values[0].is_null || edge[0].i64 != row->values[0].i64) continue;
				Value values[] = {edge[1], row->values[1]};
				if (!values[1].is_null) values[1].i64 += shape.counts_depth;
				test_rows_add(&next, values, row->weight * edges.at[e].weight);
			}
		}
		test_rows_release(&round);
		round = next;
		test_rows_net(&round);
	}
	test_rows_release(&round);
	test_rows_release(&edges);
}

static void compare(World *w)
{
	TestRows wanted;
	test_rows_init(&wanted, w->out.types, 2);
	recompute(w, &wanted);
	test_rows_net(&wanted);
	test_rows_append(&w->out, &w->fresh);
	w->fresh.count = 0;
	test_rows_net(&w->out);
	char where[60];
	snprintf(where, sizeof where, "commit %d", (int)w->commit.commit);
	test_rows_compare(&w->out, &wanted, where);
	test_rows_release(&wanted);
}

static void add_random(World *w, TestRandom *random, bool edges)
{
	TestRows *log = edges ? &w->edges : &w->seed;
	Value values[2];
	for (int c = 0; c < 2; c++) values[c] = (Value){.type = TYPE(INTEGER), .i64 = test_random(random, 9), .is_null = test_random(random, 20) == 0};
	if (!edges) values[1] = (Value){.type = TYPE(INTEGER), .i64 = 0};
	test_rows_add(log, values, 1);
}

static void remove_random(World *w, TestRandom *random, bool edges)
{
	TestRows *log = edges ? &w->edges : &w->seed;
	if (!log->count) return;
	TestRow row = log->at[test_random(random, (uint32_t)log->count)];
	int64_t copies = 0;
	for (int i = 0; i < log->count; i++)
		if (test_row_compare(&row, &log->at[i]) == 0) copies += log->at[i].weight;
	if (copies > 0) test_rows_add(log, row.values, -1);
}

static void follows_random_changes(const Shape *of, uint32_t edges_of_ten)
{
	for (uint64_t seed = 1; seed <= 12; seed++) {
		World w;
		TestRandom random = {seed};
		shape = *of;
		world_open(&w);
		for (int n = 0; n < 60; n++) {
			int seeds = w.seed.count, edges = w.edges.count;
			bool removes = n > 15 && test_random(&random, 3) == 0;
			for (uint32_t k = 0; k <= test_random(&random, 3); k++) {
				bool of_edges = test_random(&random, 10) < edges_of_ten;
				if (removes) remove_random(&w, &random, of_edges);
				else add_random(&w, &random, of_edges);
			}
			bool edges_first = test_random(&random, 2);
			push_rows(&w, edges_first, edges_first ? edges : seeds);
			push_rows(&w, !edges_first, edges_first ? seeds : edges);
			if (!commit(&w)) fail_msg("%s", w.err.message);
			compare(&w);
			if (!removes) assert_true(w.only_added);
			if (test_random(&random, 5) == 0) world_restart(&w);
		}
		world_close(&w);
	}
}

static void what_is_reached_follows_changes_even_in_circles(void **context)
{
	(void)context;
	follows_random_changes(&(Shape){.iterations_max = 100}, 8);
}

static void depths_are_rows_of_their_own(void **context)
{
	(void)context;
	follows_random_changes(&(Shape){.counts_depth = true, .depth_max = 4, .iterations_max = 100}, 8);
}

static void union_all_counts_ways(void **context)
{
	(void)context;
	follows_random_changes(&(Shape){.all = true, .counts_depth = true, .depth_max = 3, .iterations_max = 100}, 8);
}

/* ---- by hand ---- */

static void expect(World *w, const char *text)
{
	TestRows wanted;
	test_rows_init(&wanted, w->out.types, 2);
	test_rows_parse(&wanted, text);
	test_rows_net(&wanted);
	test_rows_net(&w->fresh);
	test_rows_compare(&w->fresh, &wanted, "output");
	w->fresh.count = 0;
	test_rows_release(&wanted);
}

static void a_circle_does_not_keep_itself_alive(void **context)
{
	(void)context;
	World w;
	shape = (Shape){.iterations_max = 100};
	world_open(&w);
	push(&w, false, "+1 | 1 | 0");
	push(&w, true, "+1 | 1 | 2\n +1 | 2 | 3\n +1 | 3 | 2");
	assert_true(commit(&w));
	expect(&w, "+1 | 1 | 0\n +1 | 2 | 0\n +1 | 3 | 0");
	world_restart(&w);
	push(&w, true, "-1 | 1 | 2");
	assert_true(commit(&w));
	expect(&w, "-1 | 2 | 0\n -1 | 3 | 0");
	push(&w, true, "+1 | 1 | 3\n -1 | 2 | 3");
	assert_true(commit(&w));
	expect(&w, "+1 | 3 | 0\n +1 | 2 | 0");
	world_close(&w);
}

static void what_has_no_end_is_an_error(void **context)
{
	(void)context;
	World w;
	shape = (Shape){.all = true, .iterations_max = 50};
	world_open(&w);
	push(&w, false, "+1 | 1 | 0");
	push(&w, true, "+1 | 1 | 2\n +1 | 2 | 1");
	assert_false(commit(&w));
	assert_int_equal(w.err.code, ERR_RESOURCE_LIMIT);
	assert_non_null(strstr(w.err.message, "50 steps"));
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_reached_follows_changes_even_in_circles),
		cmocka_unit_test(depths_are_rows_of_their_own),
		cmocka_unit_test(union_all_counts_ways),
		cmocka_unit_test(a_circle_does_not_keep_itself_alive),
		cmocka_unit_test(what_has_no_end_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
