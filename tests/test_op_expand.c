#include "op_harness.h"

static ExpandKind kind;
static bool with_path, outer, ordinality;

/* ---- JSON: against what SQLite says ---- */

static Op *make_json(Arena *arena)
{
	static const Type TYPES[] = {TYPE(TEXT), TYPE(JSON), TYPE(TEXT), TYPE(JSON), TYPE(INTEGER), TYPE(INTEGER), TYPE(TEXT), TYPE(TEXT)};
	ExpandSpec spec = {.kind = kind, .in = test_input(arena, 1, "json text", false), .types = TYPES, .type_count = 8, .arg_count = 1 + with_path};
	spec.args = arena_array(arena, Expr *, 2);
	for (int i = 0; i < 2; i++) spec.args[i] = test_column(arena, &spec.in, i);
	return op_expand_new(&spec);
}

static void print_plain(const Value *value, StrBuf *out)
{
	if (value->is_null) strbuf_adds(out, "NULL");
	else value_print(value, out);
}

static void json_rows_are(const char *function, const char *json, const char *path, const char *wanted)
{
	kind = strcmp(function, "json_each") == 0 ? EXPAND_JSON_EACH : EXPAND_JSON_TREE;
	with_path = path;
	Harness h;
	harness_open(&h, make_json, "json text", NULL);
	Value values[2] = {{.type = TYPE(JSON), .str = str_borrow(json, strlen(json))}, {.type = TYPE(TEXT), .is_null = !path}};
	if (path) values[1].str = str_borrow(path, strlen(path));
	test_rows_add(&h.inputs[0], values, 1);
	harness_push_rows(&h, 0, 0, 1);
	StrBuf is = STRBUF_INIT;
	for (int i = 0; i < h.fresh.count; i++) {
		static const int COLUMNS[] = {2, 4, 6, 7, 8, 9};
		for (int c = 0; c < 6; c++) {
			if (c) strbuf_addc(&is, '|');
			print_plain(&h.fresh.at[i].values[COLUMNS[c]], &is);
		}
		strbuf_addc(&is, '\n');
		bool container = strchr("[{", str_at(&h.fresh.at[i].values[3].str)[0]);
		assert_int_equal(h.fresh.at[i].values[5].is_null, container);
	}
	if (strcmp(is.text, wanted) != 0) fail_msg("%s('%s', '%s') gives\n%sinstead of\n%s", function, json, path ? path : "", is.text, wanted);
	strbuf_release(&is);
	harness_close(&h);
}

static void json_each_and_json_tree_give_the_rows_of_sqlite(void **context)
{
	(void)context;
#define JSON_ROWS(function, json, path, rows) json_rows_are(function, json, path, rows);
#include "json_rows.def"
#undef JSON_ROWS
}

static void what_is_no_json_or_no_path_gives_no_rows(void **context)
{
	(void)context;
	static const char *const CASES[][2] = {{"", "$"}, {"{", "$"}, {"[1]", ""}, {"[1]", "a"}, {"[1]", "$["}, {"[1]", "$[]"}, {"[1]", "$[#]"}, {"[1]", "$[#-2]"},
		{"{\"a\":1}", "$."}, {"{\"a\":1}", "$.\"a"}, {"[1]", "$x"}, {"[1,2] 3", "$"}};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) json_rows_are("json_tree", CASES[i][0], CASES[i][1], "");
}

/* ---- UNNEST ---- */

static Op *make_unnest(Arena *arena)
{
	static const Type TYPES[] = {TYPE(JSON), TYPE(INTEGER)};
	ExpandSpec spec = {.kind = EXPAND_UNNEST, .in = test_input(arena, 1, "integer json", false), .types = TYPES, .type_count = 1 + ordinality, .arg_count = 1,
		.outer = outer, .with_ordinality = ordinality};
	spec.args = arena_array(arena, Expr *, 1);
	spec.args[0] = test_column(arena, &spec.in, 1);
	return op_expand_new(&spec);
}

static void unnest_gives_a_row_for_each_element(void **context)
{
	(void)context;
	outer = ordinality = false;
	Harness h;
	harness_open(&h, make_unnest, "integer json", NULL);
	harness_push(&h, 0, "+2 | 1 | [10, \"a long text that does not fit inline\", null]\n +1 | 2 | []\n +1 | 3 | NULL\n +1 | 4 | {\"a\": 1}\n -1 | 5 | [[1], {}]");
	harness_expect(&h,
		"+2 | 1 | [10, \"a long text that does not fit inline\", null] | 10\n"
		"+2 | 1 | [10, \"a long text that does not fit inline\", null] | \"a long text that does not fit inline\"\n"
		"+2 | 1 | [10, \"a long text that does not fit inline\", null] | null\n"
		"-1 | 5 | [[1], {}] | [1]\n -1 | 5 | [[1], {}] | {}");
	harness_close(&h);
}

static void outer_rows_without_elements_come_once(void **context)
{
	(void)context;
	outer = ordinality = true;
	Harness h;
	harness_open(&h, make_unnest, "integer json", NULL);
	h.shuffle = true;
	harness_push(&h, 0, "+1 | 1 | [7,8]\n +1 | 2 | []\n +3 | 3 | NULL");
	harness_expect(&h, "+1 | 1 | [7,8] | 7 | 1\n +1 | 1 | [7,8] | 8 | 2\n +1 | 2 | [] | NULL | NULL\n +3 | 3 | NULL | NULL | NULL");
	harness_close(&h);
}

/* ---- series ---- */

static const char *series_types;

static Op *make_series(Arena *arena)
{
	ExpandSpec spec = {.kind = EXPAND_SERIES, .in = test_input(arena, 1, series_types, false), .type_count = 1};
	spec.types = &spec.in.types[0];
	spec.arg_count = spec.in.column_count;
	spec.args = arena_array(arena, Expr *, 3);
	for (int i = 0; i < spec.arg_count; i++) spec.args[i] = test_column(arena, &spec.in, i);
	return op_expand_new(&spec);
}

static void series_go_up_and_down(void **context)
{
	(void)context;
	series_types = "integer integer integer";
	Harness h;
	harness_open(&h, make_series, series_types, NULL);
	harness_push(&h, 0,
		"+1 | 1 | 5 | 2\n +1 | 3 | 1 | -1\n +1 | 1 | 0 | 1\n +1 | 9223372036854775806 | 9223372036854775807 | 1\n +1 | NULL | 1 | 1\n +1 | 4 | 4 | 0");
	harness_expect(&h,
		"+1 | 1 | 5 | 2 | 1\n +1 | 1 | 5 | 2 | 3\n +1 | 1 | 5 | 2 | 5\n +1 | 3 | 1 | -1 | 3\n +1 | 3 | 1 | -1 | 2\n +1 | 3 | 1 | -1 | 1\n"
		"+1 | 9223372036854775806 | 9223372036854775807 | 1 | 9223372036854775806\n"
		"+1 | 9223372036854775806 | 9223372036854775807 | 1 | 9223372036854775807\n +1 | 4 | 4 | 0 | 4");
	harness_push(&h, 0, "+1 | 1 | 10000 | 1");
	assert_int_equal(h.fresh.count, 10000);
	harness_close(&h);
	series_types = "timestamp timestamp interval";
	harness_open(&h, make_series, series_types, NULL);
	harness_push(&h, 0, "+1 | '2026-01-31' | '2026-04-01' | '1 month'");
	harness_expect(&h,
		"+1 | '2026-01-31' | '2026-04-01' | '1 month' | '2026-01-31'\n +1 | '2026-01-31' | '2026-04-01' | '1 month' | '2026-02-28'\n"
		"+1 | '2026-01-31' | '2026-04-01' | '1 month' | '2026-03-28'");
	harness_close(&h);
}

/* ---- grouping sets ---- */

static Op *make_sets(Arena *arena)
{
	static const Type TYPES[] = {TYPE(INTEGER), TYPE(TEXT), TYPE(INTEGER)};
	static const uint64_t SETS[] = {3, 1, 0};
	ExpandSpec spec = {.kind = EXPAND_GROUPING_SETS, .in = test_input(arena, 1, "integer text", false), .types = TYPES, .type_count = 3, .arg_count = 2,
		.grouping_sets = SETS, .set_count = 3};
	spec.args = arena_array(arena, Expr *, 2);
	for (int i = 0; i < 2; i++) spec.args[i] = test_column(arena, &spec.in, i);
	return op_expand_new(&spec);
}

static void each_row_comes_once_a_grouping_set(void **context)
{
	(void)context;
	Harness h;
	harness_open(&h, make_sets, "integer text", NULL);
	harness_push(&h, 0, "+2 | 1 | 'a'\n -1 | NULL | 'b'");
	harness_expect(&h,
		"+2 | 1 | 'a' | 1 | 'a' | 0\n +2 | 1 | 'a' | 1 | NULL | 1\n +2 | 1 | 'a' | NULL | NULL | 3\n"
		"-1 | NULL | 'b' | NULL | 'b' | 0\n -1 | NULL | 'b' | NULL | NULL | 1\n -1 | NULL | 'b' | NULL | NULL | 3");
	harness_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_each_and_json_tree_give_the_rows_of_sqlite),
		cmocka_unit_test(what_is_no_json_or_no_path_gives_no_rows),
		cmocka_unit_test(unnest_gives_a_row_for_each_element),
		cmocka_unit_test(outer_rows_without_elements_come_once),
		cmocka_unit_test(series_go_up_and_down),
		cmocka_unit_test(each_row_comes_once_a_grouping_set),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
