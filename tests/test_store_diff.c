/* What makes the rows of one table those of another: sinks and subscribers get it when a view is made anew. */
#include "store_world.h"

enum { COLUMNS = 3, KEY = 1 };
static const StoreColumn TYPED[] = {{"v", {.kind = TYPE_REAL}, true}, {"k", {.kind = TYPE_INTEGER}, true}, {"t", {.kind = TYPE_TEXT}, true}};
static const StoreColumn STRICT[] = {{"v", {.kind = TYPE_REAL}, true}, {"k", {.kind = TYPE_INTEGER}, false}, {"t", {.kind = TYPE_TEXT}, true}};
static const StoreColumn NAMED[] = {{"v", {.kind = TYPE_REAL}, true}, {"k", {.kind = TYPE_TEXT}, true}, {"t", {.kind = TYPE_TEXT}, true}};
static const int AT_KEY[] = {KEY};

static uint64_t seed;
static uint32_t random_below(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % n;
}

static Value key_value(Type type, int key, char *text)
{
	if (key == 0 && type.kind == TYPE_TEXT) return null_of(type);
	if (type.kind == TYPE_INTEGER) return (Value){.type = type, .i64 = key - 3};
	int bytes = sprintf(text, "key \xc3\xa4 %d", key * 7919);
	return (Value){.type = type, .str = str_borrow(text, (size_t)bytes)};
}

static void random_row(const StoreColumn *columns, int key, Value *row, char *text)
{
	static const char *const WORDS[] = {"", "one", "a word that is not short"};
	const char *word = WORDS[random_below(3)];
	row[0] = random_below(5) ? (Value){.type = TYPE(REAL), .f64 = random_below(3) - 0.5} : null_of(TYPE(REAL));
	row[KEY] = key_value(columns[KEY].type, key, text);
	row[2] = random_below(5) ? (Value){.type = TYPE(TEXT), .str = str_borrow(word, strlen(word))} : null_of(TYPE(TEXT));
}

/* Keyed tables have each key once at most, others any number of copies. */
static void fill(Store *store, const StoreTableSpec *spec, int keys)
{
	StoreTable *table;
	Rows rows = {0};
	char text[64];
	OK(table = store_table_create(store, spec, &err));
	for (int key = 0; key < keys; key++)
		for (int copies = spec->has_key ? random_below(4) > 0 : random_below(4); copies > 0; copies--) {
			Value row[COLUMNS];
			random_row(spec->columns, key, row, text);
			rows_add(&rows, 1, row, COLUMNS);
		}
	OK(rows_apply(&rows, store, table, NULL, &err));
	store_table_close(table);
}

static bool is_update(const StoreTableSpec *spec, const Batch *batch, int row)
{
	Value a = column_value(&batch->columns[KEY], row), b = column_value(&batch->columns[KEY], row + 1);
	return spec->has_key && batch_weight(batch, row) == -1 && batch_weight(batch, row + 1) == 1 && value_equal(&a, &b);
}

typedef struct Seen { int rows, updates; int64_t copies; } Seen;

/* Applies the difference to the old table. */
static Seen apply(Store *store, const StoreTableSpec *old, const StoreTableSpec *made)
{
	Seen all = {0};
	StoreDiff *diff;
	Rows rows = {0};
	OK(diff = store_diff_open(store, old, made, &err));
	for (Batch *batch; ; batch_unref(batch)) {
		OK(store_diff_next(diff, &batch, &err));
		if (!batch) break;
		assert_true(batch->count > 0 && batch->count <= BATCH_ROWS_MAX);
		for (int i = 0; i < batch->count; i++) {
			Value row[COLUMNS];
			for (int c = 0; c < COLUMNS; c++) row[c] = column_value(&batch->columns[c], i);
			rows_add(&rows, batch_weight(batch, i), row, COLUMNS);
			all.copies += llabs(batch_weight(batch, i));
			all.updates += i + 1 < batch->count && is_update(made, batch, i);
		}
		all.rows += batch->count;
	}
	store_diff_close(diff);
	StoreTable *table;
	OK(table = store_table_open(store, old, &err));
	if (all.rows) OK(rows_apply(&rows, store, table, NULL, &err));
	store_table_close(table);
	return all;
}

static int64_t number(const char *sql) { return strtoll(client(sql), NULL, 10); }

static void a_difference_makes_one_table_the_other(void **state)
{
	(void)state;
	static const struct { const StoreColumn *columns; bool has_key; int keys; } CASES[] = {
		{STRICT, true, 40}, {TYPED, true, 40}, {NAMED, true, 40}, {TYPED, false, 40}, {NAMED, false, 9}, {STRICT, true, 20000}, {NAMED, true, 9000}, {NAMED, false, 9000}, {TYPED, false, 0},
	};
	for (int c = 0; c < (int)(sizeof CASES / sizeof *CASES); c++) {
		StoreTableSpec old = {.id = 1, .name = "old", .kind = "materialized view", .columns = CASES[c].columns, .column_count = COLUMNS, .key = AT_KEY, .key_count = CASES[c].has_key,
			.has_key = CASES[c].has_key}, made = old;
		made.id = 2;
		made.name = "made";
		unlink(file);
		seed = (uint64_t)c + 1;
		Store *store = open_file();
		begin(store);
		fill(store, &old, CASES[c].keys);
		fill(store, &made, CASES[c].keys);
		commit(store);
		int64_t updates = number("SELECT count(*) FROM old o JOIN made m ON o.k IS m.k WHERE o.v IS NOT m.v OR o.t IS NOT m.t");
		int64_t copies = number("SELECT ifnull(sum(abs(n)), 0) FROM (SELECT sum(w) AS n FROM (SELECT -1 AS w, * FROM old UNION ALL SELECT 1, * FROM made) GROUP BY v, k, t)");
		begin(store);
		Seen seen_first = apply(store, &old, &made), again = apply(store, &old, &made);
		commit(store);
		assert_int_equal(seen_first.copies, copies);
		if (CASES[c].has_key) assert_int_equal(seen_first.updates, updates);      /* no pair is torn apart by the end of a batch */
		assert_int_equal(again.rows, 0);
		assert_int_equal(number("SELECT count(*) FROM (SELECT sum(w) AS n FROM (SELECT -1 AS w, * FROM old UNION ALL SELECT 1, * FROM made) GROUP BY v, k, t) WHERE n <> 0"), 0);
		store_close(store);
	}
}

/* Where the new table has another key than the old one, many old rows may be of one key. */
static void a_run_of_one_key_may_be_longer_than_a_batch(void **state)
{
	(void)state;
	StoreTableSpec old = {.id = 1, .name = "old", .kind = "sink", .columns = TYPED, .column_count = COLUMNS}, made = old;
	made.id = 2;
	made.name = "made";
	made.has_key = true;
	Store *store = open_file();
	begin(store);
	fill(store, &old, 9000);
	fill(store, &made, 0);
	commit(store);
	int64_t rows = number("SELECT count(*) FROM old");
	begin(store);
	assert_int_equal(apply(store, &old, &made).copies, rows);
	commit(store);
	assert_int_equal(number("SELECT count(*) FROM old"), 0);
	store_close(store);
}

static int64_t copies_of(Store *store, const StoreTableSpec *old, const StoreTableSpec *made, int64_t *net)
{
	int64_t copies = *net = 0;
	StoreDiff *diff;
	OK(diff = store_diff_open(store, old, made, &err));
	for (Batch *batch; ; batch_unref(batch)) {
		OK(store_diff_next(diff, &batch, &err));
		if (!batch) break;
		for (int i = 0; i < batch->count; i++) {
			*net += batch_weight(batch, i);
			copies += llabs(batch_weight(batch, i));
		}
	}
	store_diff_close(diff);
	return copies;
}

/* A sink of other columns: all of one table goes, all of the other comes; or the old rows lack a column. */
static void one_side_alone_and_columns_that_are_not_there(void **state)
{
	(void)state;
	StoreTableSpec old = {.id = 1, .name = "old", .kind = "sink", .columns = NAMED, .column_count = COLUMNS}, made = old;
	made.id = 2;
	made.name = "made";
	Store *store = open_file();
	begin(store);
	fill(store, &old, 3000);
	fill(store, &made, 0);
	OK(store_execute(store, "INSERT INTO made SELECT v, NULL, t FROM old", &err));
	commit(store);
	int64_t rows = number("SELECT count(*) FROM old"), with_key = number("SELECT count(*) FROM old WHERE k IS NOT NULL"), net;
	begin(store);
	assert_int_equal(copies_of(store, &old, NULL, &net), rows);
	assert_int_equal(net, -rows);
	assert_int_equal(copies_of(store, NULL, &made, &net), rows);
	assert_int_equal(net, rows);
	assert_int_equal(copies_of(store, &old, &made, &net), 2 * with_key);
	StoreColumn lacking[COLUMNS];
	memcpy(lacking, NAMED, sizeof lacking);
	lacking[KEY].name = NULL;
	old.columns = lacking;
	assert_int_equal(copies_of(store, &old, &made, &net), 0);
	commit(store);
	store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_difference_makes_one_table_the_other, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(a_run_of_one_key_may_be_longer_than_a_batch, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(one_side_alone_and_columns_that_are_not_there, make_folder, remove_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
