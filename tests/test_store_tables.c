/* Tables of views in the file: their columns and keys, net changes applied to them, what users make beside them. */
#include "store_world.h"

#include "store/rowid_map.h"

/* ---- tables ---- */

static void a_view_is_a_table_with_exactly_its_columns(void **state)
{
	(void)state;
	static const StoreColumn ALL[] = {
		{"i", {.kind = TYPE_INTEGER}, true}, {"r", {.kind = TYPE_REAL}, true}, {"small", {.kind = TYPE_DECIMAL, .precision = 10, .scale = 2}, true},
		{"large", {.kind = TYPE_DECIMAL, .precision = 38, .scale = 10}, true}, {"t", {.kind = TYPE_TEXT}, true}, {"b", {.kind = TYPE_BLOB}, true},
		{"o", {.kind = TYPE_BOOLEAN}, true}, {"d", {.kind = TYPE_DATE}, true}, {"c", {.kind = TYPE_TIME}, true}, {"at", {.kind = TYPE_TIMESTAMP}, true},
		{"v", {.kind = TYPE_INTERVAL}, true}, {"j", {.kind = TYPE_JSON}, true},
	};
	enum { COUNT = sizeof ALL / sizeof *ALL };
	static const int AT[] = {9, 4};
	const StoreTableSpec spec = {.id = 1, .name = "all", .kind = "materialized view", .columns = ALL, .column_count = COUNT, .key = AT, .key_count = 2, .has_key = true};
	const char *const TEXTS[][COUNT] = {
		{"-12", "0.1", "12.50", "0.0000000001", "it''s", "x", "true", "2026-11-20", "10:00:00.25", "2026-11-20 10:00:00.25", "P1DT2H", "12"},
		{"9223372036854775807", "1e300", "-99999999.99", "1234567890123456789.1234567890", "12", "", "false", "0001-01-01", "23:59:59", "2026-11-20 10:00:00", "PT5S", "{\"a\":1}"},
	};
	Store *store = open_file();
	StoreTable *table = make_table(store, &spec);
	Arena arena;
	arena_init(&arena, 0);
	Rows rows = {0};
	Value values[3][COUNT];
	for (int r = 0; r < 2; r++) {
		for (int i = 0; i < COUNT; i++) values[r][i] = parse(ALL[i].type, TEXTS[r][i], &arena);
		rows_add(&rows, 1, values[r], COUNT);
	}
	for (int i = 0; i < COUNT; i++) values[2][i] = null_of(ALL[i].type);
	rows_add(&rows, 1, values[2], COUNT);
	begin(store);
	OK(rows_apply(&rows, store, table, NULL, &err));
	commit(store);
	assert_string_equal(client("SELECT * FROM \"all\" WHERE i = -12"), "-12|0.1|12.5|1.0e-10|it''s|x|1|2026-11-20|10:00:00.25|2026-11-20 10:00:00.25|P1DT2H|12");
	assert_string_equal(client("SELECT typeof(i), typeof(r), typeof(small), typeof(large), typeof(t), typeof(b), typeof(o), typeof(d), typeof(at), typeof(v), typeof(j) FROM \"all\" WHERE i > 0"),
		"integer|real|real|text|text|blob|integer|text|text|text|text");
	assert_string_equal(client("SELECT large, strftime('%H', at) FROM \"all\" WHERE o = 0"), "1234567890123456789.1234567890|10");
	StoreScan *scan;
	Batch *batch;
	OK(scan = store_scan_open(store, NULL, &spec, (int[]){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, COUNT, 0, &err));
	OK(store_scan_next(scan, 10, &batch, NULL, &err));
	assert_int_equal(batch->rows, 3);
	for (int r = 0; r < 3; r++)
		for (int i = 0; i < COUNT; i++) {
			Value read = column_value(&batch->columns[i], r);
			assert_true(value_equal(&read, &values[r][i]));
		}
	batch_unref(batch);
	store_scan_close(scan);
	/* NULLs in the key are one to us */
	rows_add(&rows, -1, values[2], COUNT);
	begin(store);
	OK(rows_apply(&rows, store, table, NULL, &err));
	commit(store);
	assert_int_equal(store_table_row_count(store, table), 2);
	arena_release(&arena);
	store_close(store);
}

static void decimals_give_every_digit_back(void **state)
{
	(void)state;
	static const struct { int precision, scale; const char *text, *type; } CASES[] = {
		{10, 2, "0.10", "real"}, {10, 0, "12", "integer"}, {18, 0, "999999999999999999", "integer"}, {38, 0, "100000000000000000000", "real"},
		{38, 0, "-99999999999999999999999999999999999999", "text"}, {20, 4, "12.5000", "real"}, {20, 4, "1234567890123456.7891", "text"},
		{38, 38, "0.00000000000000000000000000000000000001", "real"}, {38, 30, "0.123456789012345678901234567890", "text"}, {15, 15, "0.999999999999999", "real"},
		{38, 10, "99999.9999999999", "real"}, {16, 1, "-900719925474099.3", "text"}, {38, 10, "0.0000000000", "real"},
	};
	Store *store = open_file();
	Arena arena;
	arena_init(&arena, 0);
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		const StoreColumn column = {"x", type_decimal(CASES[i].precision, CASES[i].scale), true};
		const StoreTableSpec spec = {.id = 1, .name = "d", .columns = &column, .column_count = 1};
		StoreTable *table = make_table(store, &spec);
		Value value = parse(column.type, CASES[i].text, &arena);
		Rows rows = {0};
		rows_add(&rows, 1, &value, 1);
		begin(store);
		OK(rows_apply(&rows, store, table, NULL, &err));
		commit(store);
		/* NUMERIC affinity keeps a whole number as an integer; whether it does is SQLite's affair */
		if (column.type.precision > 15) assert_string_equal(client("SELECT typeof(x) FROM d"), CASES[i].type);
		StoreScan *scan;
		Batch *batch;
		OK(scan = store_scan_open(store, NULL, &spec, (int[]){0}, 1, 0, &err));
		OK(store_scan_next(scan, 10, &batch, NULL, &err));
		Value read = column_value(&batch->columns[0], 0);
		StrBuf printed = STRBUF_INIT;
		assert_false(read.is_null);
		value_print(&read, &printed);
		assert_string_equal(printed.text, CASES[i].text);
		strbuf_release(&printed);
		batch_unref(batch);
		store_scan_close(scan);
		begin(store);
		OK(store_table_drop(store, table, &err));
		commit(store);
	}
	arena_release(&arena);
	store_close(store);
}

static void the_primary_key_follows_the_views_key(void **state)
{
	(void)state;
	static const StoreColumn COLUMNS[] = {{"a", {.kind = TYPE_INTEGER}, false}, {"b", {.kind = TYPE_INTEGER}, true}, {"c", {.kind = TYPE_TEXT}, true}};
	static const struct { int key[2], key_count; bool has_key; const char *sql; } CASES[] = {
		{{0}, 1, true, "CREATE TABLE \"v\"(\"a\" INTEGER PRIMARY KEY, \"b\" INTEGER, \"c\" TEXT)"},
		{{1}, 1, true, "CREATE TABLE \"v\"(\"a\" INTEGER, \"b\" INT, \"c\" TEXT, PRIMARY KEY (\"b\"))"},
		{{2, 0}, 2, true, "CREATE TABLE \"v\"(\"a\" INTEGER, \"b\" INTEGER, \"c\" TEXT, PRIMARY KEY (\"c\", \"a\"))"},
		{{0}, 0, true, "CREATE TABLE \"v\"(\"a\" INTEGER, \"b\" INTEGER, \"c\" TEXT)"},
		{{0}, 0, false, "CREATE TABLE \"v\"(\"a\" INTEGER, \"b\" INTEGER, \"c\" TEXT)"},
	};
	Store *store = open_file();
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		const StoreTableSpec spec = {.id = 1, .name = "v", .kind = "materialized view", .columns = COLUMNS, .column_count = 3, .key = CASES[i].key,
			.key_count = CASES[i].key_count, .has_key = CASES[i].has_key};
		StoreTable *table = make_table(store, &spec);
		assert_string_equal(client("SELECT sql FROM sqlite_schema WHERE name = 'v'"), CASES[i].sql);
		begin(store);
		OK(store_table_drop(store, table, &err));
		commit(store);
		assert_string_equal(client("SELECT name FROM sqlite_schema WHERE name NOT LIKE 'weir_%' AND name NOT LIKE 'sqlite_%'"), "");
	}
	store_close(store);
}

static void other_clients_may_read_views_but_not_change_them(void **state)
{
	(void)state;
	Store *store = open_file();
	make_table(store, &MULTISET);
	assert_string_equal(client("INSERT INTO bag VALUES (1, 'x')"), "error: materialized view \"bag\" is kept by Weir and can only be changed through it");
	assert_string_equal(client("SELECT count(*) FROM bag"), "0");
	assert_string_equal(client("CREATE TABLE mine(x); INSERT INTO mine VALUES (1); UPDATE mine SET x = 2; SELECT x FROM mine"), "2");
	store_close(store);
}

static void names_that_others_have_are_refused(void **state)
{
	(void)state;
	Store *store = open_file();
	client("CREATE TABLE Items(x)");
	begin(store);
	REFUSED(ERR_DUPLICATE_TABLE, store_table_create(store, &KEYED, &err));
	StoreTableSpec own = KEYED;
	own.name = "weir_commits";
	REFUSED(ERR_INVALID_DEFINITION, store_table_create(store, &own, &err));
	store_rollback(store);
	store_close(store);
}

static void replacing_a_view_keeps_the_users_indexes(void **state)
{
	(void)state;
	Store *store = open_file();
	StoreTable *old = make_table(store, &KEYED);
	client("CREATE INDEX by_name ON items(name); CREATE VIEW mine AS SELECT name FROM items; CREATE TRIGGER tell AFTER INSERT ON items BEGIN SELECT 1; END");
	StoreTableSpec spec = MULTISET;
	spec.name = "weir_building_8";
	StoreTable *built = make_table(store, &spec);
	Rows rows = {0};
	rows_add(&rows, 2, (Value[]){integer(5), text("five")}, 2);
	begin(store);
	OK(rows_apply(&rows, store, built, NULL, &err));
	store_table_close(old);
	OK(store_table_take_name(store, built, "items", NULL, NULL, &err));
	commit(store);
	assert_string_equal(client("SELECT * FROM mine"), "five\nfive");
	assert_string_equal(client("SELECT name FROM sqlite_schema WHERE tbl_name = 'items' AND name NOT LIKE 'weir_%' ORDER BY name"), "by_name\nitems\ntell");
	assert_string_equal(client("DELETE FROM items"), "error: materialized view \"items\" is kept by Weir and can only be changed through it");
	rows_add(&rows, -1, (Value[]){integer(5), text("five")}, 2);
	begin(store);
	OK(rows_apply(&rows, store, built, NULL, &err));
	OK(store_table_rename(store, built, "things", &err));
	commit(store);
	assert_string_equal(client("SELECT * FROM things"), "5|five");
	store_close(store);
}

static void a_table_that_someone_dropped_or_altered_is_noticed(void **state)
{
	(void)state;
	Store *store = open_file();
	make_table(store, &KEYED);
	store_close(store);
	client("ALTER TABLE items ADD COLUMN more TEXT");
	store = open_file();
	REFUSED(ERR_UNDEFINED_TABLE, store_table_open(store, &KEYED, &err));
	store_close(store);
	client("DROP TABLE items");
	store = open_file();
	REFUSED(ERR_UNDEFINED_TABLE, store_table_open(store, &KEYED, &err));
	store_close(store);
}

/* ---- applying: against a model ---- */

static uint64_t seed;
static uint32_t random_below(uint32_t n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((seed >> 33) % n);
}

enum { MODEL_KEYS = 40, MODEL_VALUES = 5 };

/* counts[key][value]: copies of the row (key, value); NULL key: key MODEL_KEYS */
typedef struct Model { int counts[MODEL_KEYS + 1][MODEL_VALUES]; } Model;

static Value model_key(Type type, int key)
{
	static char texts[MODEL_KEYS + 1][32];
	if (key == MODEL_KEYS) return null_of(type);
	if (type.kind == TYPE_INTEGER) return integer(key * 1000);
	snprintf(texts[key], sizeof texts[key], "a rather long key %03d", key);
	return text(texts[key]);
}

static void model_row(Type type, int key, int value, Value *row)
{
	static const char *const VALUES[MODEL_VALUES] = {"", "one", "two", "a value that is not short", "four"};
	row[0] = model_key(type, key);
	row[1] = text(VALUES[value]);
	row[2] = integer(value % 2);
}

static void expect_model(Store *store, const StoreTableSpec *spec, const Model *model)
{
	StoreScan *scan;
	Batch *batch;
	Model found = {0};
	Type type = spec->columns[0].type;
	OK(scan = store_scan_open(store, NULL, spec, (int[]){0, 1, 2}, 3, INT64_MIN, &err));
	for (;;) {
		OK(store_scan_next(scan, 7, &batch, NULL, &err));
		if (!batch) break;
		for (int r = 0; r < batch->rows; r++) {
			Value row[3], wanted[3];
			bool known = false;
			for (int i = 0; i < 3; i++) row[i] = column_value(&batch->columns[i], r);
			for (int k = 0; k <= MODEL_KEYS; k++)
				for (int v = 0; v < MODEL_VALUES; v++) {
					model_row(type, k, v, wanted);
					if (!value_equal(&row[0], &wanted[0]) || !value_equal(&row[1], &wanted[1]) || !value_equal(&row[2], &wanted[2])) continue;
					found.counts[k][v]++;
					known = true;
				}
			assert_true(known);
		}
		batch_unref(batch);
	}
	store_scan_close(scan);
	assert_memory_equal(&found, model, sizeof found);
}

/* One commit's net changes of a random walk. Keyed: at most one row a key, old and new side by side in either order. */
static void random_changes(Rows *rows, Model *model, Type type, bool keyed, int keys)
{
	for (int k = 0; k < keys; k++) {
		Value row[3];
		if (random_below(3)) continue;
		int old = -1, new = (int)random_below(MODEL_VALUES + 1) - 1;
		for (int v = 0; v < MODEL_VALUES && keyed; v++)
			if (model->counts[k][v]) old = v;
		if (!keyed) {
			int v = (int)random_below(MODEL_VALUES), change = (int)random_below(7) - 3;
			if (model->counts[k][v] + change < 0 || change == 0) continue;
			model_row(type, k, v, row);
			rows_add(rows, change, row, 3);
			model->counts[k][v] += change;
			continue;
		}
		if (old == new) continue;
		bool new_first = random_below(2);
		for (int i = 0; i < 2; i++) {
			int v = (i == 0) == new_first ? new : old;
			if (v < 0) continue;
			model_row(type, k, v, row);
			rows_add(rows, v == new ? 1 : -1, row, 3);
			model->counts[k][v] = v == new;
		}
	}
}

static void applied_changes_add_up(void **state)
{
	(void)state;
	static const StoreColumn BY_INTEGER[] = {{"k", {.kind = TYPE_INTEGER}, false}, {"v", {.kind = TYPE_TEXT}, true}, {"rowid", {.kind = TYPE_INTEGER}, true}};
	static const StoreColumn BY_NULLABLE[] = {{"k", {.kind = TYPE_INTEGER}, true}, {"v", {.kind = TYPE_TEXT}, true}, {"n", {.kind = TYPE_INTEGER}, true}};
	static const StoreColumn BY_TEXT[] = {{"k", {.kind = TYPE_TEXT}, true}, {"v", {.kind = TYPE_TEXT}, true}, {"rowid", {.kind = TYPE_INTEGER}, true}};
	static const struct { const char *name; const StoreColumn *columns; bool has_key; int keys; } CASES[] = {
		{"integer key", BY_INTEGER, true, MODEL_KEYS}, {"nullable key", BY_NULLABLE, true, MODEL_KEYS + 1}, {"text key", BY_TEXT, true, MODEL_KEYS + 1}, {"multiset", BY_TEXT, false, MODEL_KEYS + 1},
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		Store *store = open_file();
		const StoreTableSpec spec = {.id = 1, .name = "v", .kind = "materialized view", .columns = CASES[i].columns, .column_count = 3, .key = FIRST,
			.key_count = CASES[i].has_key ? 1 : 0, .has_key = CASES[i].has_key};
		Type type = spec.columns[0].type;
		StoreTable *table = make_table(store, &spec);
		Model model = {0};
		seed = i + 1;
		for (int round = 0; round < 120; round++) {
			Rows rows = {0};
			Model before = model;
			begin(store);
			random_changes(&rows, &model, type, CASES[i].has_key, CASES[i].keys);
			OK(rows_apply(&rows, store, table, NULL, &err));
			switch (random_below(8)) {
			case 0: store_rollback(store); model = before; break;
			case 1: commit(store); assert_string_equal(client("VACUUM"), ""); break;          /* other rowids */
			case 2:
				commit(store);
				store_close(store);
				store = open_file();
				OK(table = store_table_open(store, &spec, &err));
				break;
			default: commit(store);
			}
			if (round % 10 == 0) expect_model(store, &spec, &model);
		}
		expect_model(store, &spec, &model);
		begin(store);
		OK(store_table_drop(store, table, &err));
		commit(store);
		store_close(store);
	}
}

static void a_million_equal_rows_come_and_go(void **state)
{
	(void)state;
	enum { COPIES = 100000 };
	Store *store;
	OK(store = store_open(NULL, 0, &err));
	StoreTable *table = make_table(store, &MULTISET);
	Rows rows = {0};
	for (int i = 0; i < 2; i++) {
		begin(store);
		rows_add(&rows, i ? -COPIES + 1 : COPIES, (Value[]){integer(1), text("same")}, 2);
		OK(rows_apply(&rows, store, table, NULL, &err));
		commit(store);
	}
	assert_int_equal(store_table_row_count(store, table), 1);
	store_close(store);
}

static void a_view_of_one_row_is_changed_in_place(void **state)
{
	(void)state;
	StoreTableSpec spec = MULTISET;
	spec.has_key = true;
	Store *store = open_file();
	StoreTable *table = make_table(store, &spec);
	StoreApplied counts;
	Rows rows = {0};
	begin(store);
	rows_add(&rows, 1, (Value[]){integer(0), null_of(TYPE(TEXT))}, 2);
	OK(rows_apply(&rows, store, table, &counts, &err));
	rows_add(&rows, -1, (Value[]){integer(0), null_of(TYPE(TEXT))}, 2);
	rows_add(&rows, 1, (Value[]){integer(1), text("x")}, 2);
	OK(rows_apply(&rows, store, table, &counts, &err));
	assert_int_equal(counts.updated, 1);
	commit(store);
	assert_string_equal(client("SELECT rowid, * FROM bag"), "1|1|x");
	store_close(store);
}

static void retention_takes_old_rows_away(void **state)
{
	(void)state;
	static const StoreColumn COLUMNS[] = {{"at", {.kind = TYPE_TIMESTAMP}, false}, {"n", {.kind = TYPE_INTEGER}, true}};
	const StoreTableSpec spec = {.id = 3, .name = "v", .kind = "materialized view", .columns = COLUMNS, .column_count = 2, .key = FIRST, .key_count = 1, .has_key = true, .expires = true};
	Store *store = open_file();
	StoreTable *table = make_table(store, &spec);
	Rows rows = {0};
	int64_t count;
	for (int i = 0; i < 10; i++) rows_add(&rows, 1, (Value[]){{.type = TYPE(TIMESTAMP), .i64 = i * 1000000}, integer(i)}, 2);
	begin(store);
	OK(rows_apply(&rows, store, table, NULL, &err));
	OK(store_table_expire(store, table, 0, &(Value){.type = TYPE(TIMESTAMP), .i64 = 7 * 1000000}, 100, &count, &err));
	assert_int_equal(count, 7);
	/* a change of what is gone is passed over */
	rows_add(&rows, -1, (Value[]){{.type = TYPE(TIMESTAMP), .i64 = 0}, integer(0)}, 2);
	rows_add(&rows, 1, (Value[]){{.type = TYPE(TIMESTAMP), .i64 = 0}, integer(5)}, 2);
	OK(rows_apply(&rows, store, table, NULL, &err));
	commit(store);
	assert_int_equal(store_table_row_count(store, table), 3);
	store_close(store);
}

static void a_rowid_map_is_a_map(void **state)
{
	(void)state;
	enum { KEYS = 500 };
	RowidMap map = {0};
	int64_t reference[KEYS] = {0};
	seed = 3;
	for (int i = 0; i < 200000; i++) {
		uint64_t key = random_below(KEYS);
		/* few home slots, one part: long runs that wrap around */
		Hash128 hash = {.low = key / 50 + (uint64_t)(key % 50) * 0x100000000ull, .high = key % 3};
		if (random_below(2)) {
			reference[key] = i + 1;
			rowid_map_put(&map, hash, i + 1, 0);
		} else {
			assert_int_equal(rowid_map_take(&map, hash), reference[key]);
			reference[key] = 0;
		}
		uint64_t other = random_below(KEYS);
		assert_int_equal(rowid_map_get(&map, (Hash128){.low = other / 50 + (uint64_t)(other % 50) * 0x100000000ull, .high = other % 3}), reference[other]);
	}
	rowid_map_clear(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_view_is_a_table_with_exactly_its_columns),
		TEST(decimals_give_every_digit_back),
		TEST(the_primary_key_follows_the_views_key),
		TEST(other_clients_may_read_views_but_not_change_them),
		TEST(names_that_others_have_are_refused),
		TEST(replacing_a_view_keeps_the_users_indexes),
		TEST(a_table_that_someone_dropped_or_altered_is_noticed),
		TEST(applied_changes_add_up),
		TEST(a_million_equal_rows_come_and_go),
		TEST(a_view_of_one_row_is_changed_in_place),
		TEST(retention_takes_old_rows_away),
		TEST(a_rowid_map_is_a_map),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
