/* Ad-hoc queries: statements as a user writes them, bound, printed for SQLite and run on a file; results as Weir's types. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "ast/parse.h"
#include "bind/bind.h"
#include "expr/aggregate.h"
#include "expr/function.h"
#include "store/adhoc.h"
#include "type/row.h"
#include "type/text.h"

static const int64_t SYSTEM_US = 1795168800000000;    /* 2026-11-20 10:00:00 */

typedef struct World {
	char path[64];
	Store *store;
	StoreReader *reader;
	Catalog *catalog;
	Arena arena;
} World;

static World world;

/* ---- the world: tables of a catalog in a file ---- */

static Relation *outside(void *context, const char *name)
{
	World *w = context;
	StoreTableInfo info;
	Error err = ERROR_INIT;
	if (!store_table_columns(w->store, w->reader, name, &w->arena, &info, &err)) return NULL;
	Relation *relation = relation_new(RELATION_TABLE, info.name);
	relation->columns = arena_array(&relation->arena, RelationColumn, info.column_count + 1);
	relation->column_count = info.column_count;
	relation->watermark_column = -1;
	for (int i = 0; i < info.column_count; i++)
		relation->columns[i] = (RelationColumn){.name = arena_strdup(&relation->arena, info.columns[i].name), .type = info.columns[i].type, .not_null = !info.columns[i].nullable};
	return relation;
}

typedef struct Statement { Arena arena; PlanContext context; BoundStatement bound; } Statement;

static bool statement_bind(Statement *statement, const char *sql, Error *err)
{
	BindSettings settings = {.outside = outside, .context = &world};
	memset(statement, 0, sizeof *statement);
	arena_init(&statement->arena, 0);
	statement->context = (PlanContext){.arena = &statement->arena, .next_column = 1};
	AstStatement *ast = parse_statement(sql, 0, strlen(sql), &statement->arena, err);
	return ast && bind_statement(ast, world.catalog, &settings, &statement->context, &statement->bound, err);
}

static void statement_release(Statement *statement)
{
	bound_release(&statement->bound);
	arena_release(&statement->arena);
}

static StoreTableSpec spec_of(const Relation *relation, Arena *arena)
{
	StoreColumn *columns = arena_array(arena, StoreColumn, relation->column_count);
	for (int i = 0; i < relation->column_count; i++)
		columns[i] = (StoreColumn){relation->columns[i].name, relation->columns[i].type, !relation->columns[i].not_null};
	const char *decimals = relation_option(relation, "decimals");
	return (StoreTableSpec){.id = relation->id, .name = relation->name, .kind = "table", .columns = columns, .column_count = relation->column_count,
		.key = relation->primary_key, .key_count = relation->primary_key_count, .has_key = relation->primary_key_count > 0,
		.decimals_as_text = decimals && strcmp(decimals, "text") == 0};
}

#define OK(call) do { Error err = ERROR_INIT; if (!(call)) fail_msg("%s: %s", #call, err.message); } while (0)

/* option: of a view, where the statement could not name it; NULL: none */
static void create_with(const char *sql, const Option *option)
{
	static int64_t next_id;
	Statement statement;
	OK(statement_bind(&statement, sql, &err));
	Relation *relation = statement.bound.create.relation;
	statement.bound.create.relation = NULL;
	relation->id = ++next_id;
	if (option) relation->options = arena_copy(&relation->arena, option, sizeof *option), relation->option_count = 1;
	StoreTableSpec spec = spec_of(relation, &statement.arena);
	OK(store_begin(world.store, &err));
	OK(store_table_create(world.store, &spec, &err));
	OK(store_commit(world.store, &err));
	catalog_add(world.catalog, relation);
	statement_release(&statement);
}

static void create(const char *sql) { create_with(sql, NULL); }

static AdhocOptions options(void) { return (AdhocOptions){.store = world.store, .reader = world.reader, .system_us = SYSTEM_US}; }

static void insert(const char *sql)
{
	Statement statement;
	Error failed = ERROR_INIT;
	if (!statement_bind(&statement, sql, &failed)) fail_msg("%s: %s", sql, failed.message);
	StoreTableSpec spec = spec_of(statement.bound.insert.target, &statement.arena);
	StoreTable *table;
	AdhocQuery *query;
	Batch *batch;
	OK(table = store_table_open(world.store, &spec, &err));
	OK(store_begin(world.store, &err));
	AdhocOptions with = options();
	with.reader = NULL;
	OK(query = adhoc_open(&with, statement.bound.insert.source.plan, &err));
	for (;;) {
		OK(adhoc_next(query, BATCH_ROWS_MAX, &batch, &err));
		if (!batch) break;
		StrBuf bytes = STRBUF_INIT;
		VEC(ChangeRow) rows = {0};
		for (int i = 0; i < batch->rows; i++) {
			uint32_t offset = (uint32_t)bytes.bytes;
			row_pack(&bytes, batch->columns, batch->column_count, i);
			vec_push(&rows, ((ChangeRow){.offset = offset, .bytes = (uint32_t)bytes.bytes - offset, .weight = 1}));
		}
		Changes changes = {.rows = rows.at, .count = rows.count, .bytes = bytes.text, .byte_count = bytes.bytes};
		OK(store_apply(world.store, table, &changes, NULL, &err));
		strbuf_release(&bytes);
		vec_release(&rows);
		batch_unref(batch);
	}
	adhoc_close(query);
	OK(store_commit(world.store, &err));
	store_table_close(table);
	statement_release(&statement);
}

static void user_table(const char *sql)
{
	sqlite3 *db;
	char *text = NULL;
	assert_int_equal(sqlite3_open(world.path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &text) != SQLITE_OK) fail_msg("%s: %s", sql, text);
	sqlite3_close(db);
}

static int failures;

static int open_world(void **state)
{
	(void)state;
	failures = 0;
	world = (World){0};
	strcpy(world.path, "/tmp/weir-adhoc-XXXXXX");
	const char *tmp = getenv("TMPDIR");
	if (tmp) snprintf(world.path, sizeof world.path, "%.40s/weir-adhoc-XXXXXX", tmp);
	close(mkstemp(world.path));
	arena_init(&world.arena, 0);
	world.catalog = catalog_new();
	OK(world.store = store_open(world.path, 0, &err));
	OK(world.reader = store_reader_open(world.store, &err));
	create("CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT, qty INTEGER, price DECIMAL(10,2), at TIMESTAMP, weight REAL, big DECIMAL(30,10))");
	insert("INSERT INTO orders VALUES (1, 'apple', 3, 1.50, '2026-11-20 09:00:00', 0.1, 12345678901234567890.5),"
		" (2, 'pear', 1, 2.25, '2026-11-20 09:00:30.25', 0.2, 2), (3, 'apple', NULL, 1.50, '2026-11-20 09:01:10', 0.3, 12345678901234567891),"
		" (4, NULL, 7, NULL, '2026-11-20 09:05:00', NULL, NULL), (5, 'fig', 9223372036854775807, 0.10, NULL, 1e300, 3)");
	create("CREATE TABLE items (name TEXT PRIMARY KEY, kind TEXT, tags JSON, free BOOLEAN, since DATE, opens TIME, hold INTERVAL)");
	insert("INSERT INTO items VALUES ('apple', 'fruit', '[\"red\",\"round\"]', true, '2026-01-31', '08:00', '1 day'),"
		" ('fig', 'fruit', '[]', false, '2026-02-28', '09:30:15.5', '24 hours'), ('nail', 'tool', NULL, NULL, NULL, NULL, '1 month')");
	return 0;
}

static int close_world(void **state)
{
	(void)state;
	char name[80];
	store_reader_close(world.reader);
	store_close(world.store);
	catalog_free(world.catalog);
	arena_release(&world.arena);
	static const char *const ENDS[] = {"", "-wal", "-shm"};
	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof name, "%s%s", world.path, ENDS[i]);
		unlink(name);
	}
	return 0;
}

/* ---- asking ---- */

static void print_row(const Batch *batch, int row, bool first, StrBuf *out)
{
	if (!first) strbuf_addc(out, '\n');
	for (int c = 0; c < batch->column_count; c++) {
		Value value = column_value(&batch->columns[c], row);
		if (c) strbuf_addc(out, '|');
		if (value.is_null) strbuf_adds(out, "NULL");
		else value_print(&value, out);
	}
}

static bool ask_with(const AdhocOptions *with, const char *sql, StrBuf *out, Error *err)
{
	Statement statement;
	AdhocQuery *query = NULL;
	Batch *batch;
	int rows = 0;
	bool ok = statement_bind(&statement, sql, err);
	if (ok && statement.bound.kind != BOUND_QUERY) fail_msg("%s is no query", sql);
	ok = ok && (query = adhoc_open(with, statement.bound.query.plan, err));
	while (ok && (ok = adhoc_next(query, 3, &batch, err)) && batch) {
		batch_check(batch);
		for (int i = 0; i < batch->rows; i++) print_row(batch, i, rows++ == 0, out);
		batch_unref(batch);
	}
	adhoc_close(query);
	statement_release(&statement);
	return ok;
}

static void show_sql(const char *sql)
{
	Statement statement;
	Error err = ERROR_INIT;
	StrBuf text = STRBUF_INIT;
	AdhocOptions with = options();
	if (statement_bind(&statement, sql, &err)) adhoc_print(&with, statement.bound.query.plan, &text, &err);
	print_message("%s\n", text.text);
	strbuf_release(&text);
	statement_release(&statement);
}

static void expect(const char *sql, const char *wanted)
{
	StrBuf out = STRBUF_INIT;
	Error err = ERROR_INIT;
	AdhocOptions with = options();
	if (!ask_with(&with, sql, &out, &err)) strbuf_printf(&out, "%s: %s", error_sqlstate(err.code), err.message);
	if (strcmp(out.text, wanted) != 0) {
		failures++;
		print_message("%s\n  gives  %s\n  wanted %s\n  ", sql, out.text, wanted);
		show_sql(sql);
	}
	strbuf_release(&out);
}

typedef struct Case { const char *sql, *wanted; } Case;

static void expect_all(const Case *cases, size_t count)
{
	failures = 0;
	for (size_t i = 0; i < count; i++) expect(cases[i].sql, cases[i].wanted);
	assert_int_equal(failures, 0);
}
#define EXPECT_ALL(cases) expect_all(cases, sizeof cases / sizeof *cases)

/* ---- cases ---- */

static void expressions_mean_what_they_mean_in_a_view(void **state)
{
	(void)state;
	static const Case CASES[] = {
		{"SELECT 1 + 1, 'a' || 'b', upper('x'), NULL", "2|ab|X|NULL"},
		{"SELECT qty + 1 FROM orders ORDER BY id", "4\n2\nNULL\n8\nNULL"},
		{"SELECT qty * qty - qty * qty FROM orders WHERE id IN (1, 5) ORDER BY id", "0\nNULL"},
		{"SELECT -qty, qty / 2, qty % 2, qty / 0 FROM orders WHERE id = 1", "-3|1|1|NULL"},
		{"SELECT price * qty, price + price, price / 3 FROM orders WHERE id = 1", "4.50|3.00|0.500000"},
		{"SELECT price, big, big + 1 FROM orders ORDER BY id", "1.50|12345678901234567890.5000000000|12345678901234567891.5000000000\n2.25|2.0000000000|3.0000000000\n"
			"1.50|12345678901234567891.0000000000|12345678901234567892.0000000000\nNULL|NULL|NULL\n0.10|3.0000000000|4.0000000000"},
		{"SELECT id FROM orders WHERE price = 1.5 ORDER BY id", "1\n3"},
		{"SELECT id FROM orders WHERE big > 2.5 ORDER BY big DESC", "3\n1\n5"},
		{"SELECT id FROM orders WHERE at > TIMESTAMP '2026-11-20 09:00:30' ORDER BY at", "2\n3\n4"},
		{"SELECT at + INTERVAL '1 hour', date_trunc('minute', at) FROM orders WHERE id = 2", "2026-11-20 10:00:30.25|2026-11-20 09:00:00"},
		{"SELECT id FROM orders WHERE at < now() - INTERVAL '55 minutes' ORDER BY id", "1\n2\n3"},
		{"SELECT now()", "2026-11-20 10:00:00"},
		{"SELECT item LIKE 'APP%', item IS NULL, coalesce(item, '-') FROM orders WHERE id IN (1, 4) ORDER BY id", "true|false|apple\nNULL|true|-"},
		{"SELECT CASE WHEN qty > 2 THEN 'many' WHEN qty > 0 THEN 'few' ELSE 'none' END FROM orders ORDER BY id", "many\nfew\nnone\nmany\nmany"},
		{"SELECT weight, weight + 1, CAST(weight AS INTEGER), CAST(qty AS REAL) FROM orders WHERE id = 1", "0.1|1.1|0|3.0"},
		{"SELECT free, NOT free, free IS TRUE, since, opens, hold FROM items ORDER BY name", "true|false|true|2026-01-31|08:00:00|P1D\nfalse|true|false|2026-02-28|09:30:15.5|PT24H\nNULL|NULL|false|NULL|NULL|P1M"},
		{"SELECT name FROM items WHERE hold = INTERVAL '1 day' ORDER BY name", "apple\nfig"},
		{"SELECT name FROM items ORDER BY hold DESC, name", "nail\napple\nfig"},
		{"SELECT tags ->> 0, json_array_length(tags) FROM items ORDER BY name", "red|2\nNULL|0\nNULL|NULL"},
		{"SELECT since + 1, since - DATE '2026-01-01' FROM items WHERE name = 'apple'", "2026-02-01|30"},
		{"SELECT x'00ff', length(x'00ff'), 9223372036854775807 + 0, -9223372036854775808", NULL},
		{"SELECT 1e308 * 10, 'it''s', 'zero' || char(0) || 'byte'", NULL},
		{"SELECT qty > '5' FROM orders WHERE id = 4", "true"},
		{"SELECT id FROM orders WHERE NOT (item = 'apple' OR qty > 5) ORDER BY id", "2"},
		{"SELECT ((((((((((((((((((((((((((((((((((((((((1+id)+1)+1)+1)+1)+1)+1)+1)+1)+1)+1)+1)+1)+1)+1)+1)+1)+1)+1)+1)+1)+1)+1)+1)+1)+1)+1)+1)+1)+1)+1)+1)+1)+1)+1)+1)+1)+1)+1)+1) FROM orders WHERE id = 1", "41"},
	};
	failures = 0;
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
		if (CASES[i].wanted) expect(CASES[i].sql, CASES[i].wanted);
	assert_int_equal(failures, 0);
}

static void relational_forms(void **state)
{
	(void)state;
	static const Case CASES[] = {
		{"SELECT o.id, i.kind FROM orders o JOIN items i ON o.item = i.name ORDER BY 1", "1|fruit\n3|fruit\n5|fruit"},
		{"SELECT o.id, i.kind FROM orders o LEFT JOIN items i ON o.item = i.name AND i.free ORDER BY 1", "1|fruit\n2|NULL\n3|fruit\n4|NULL\n5|NULL"},
		{"SELECT o.id, i.name FROM orders o RIGHT JOIN items i ON o.item = i.name ORDER BY 2, 1", "1|apple\n3|apple\n5|fig\nNULL|nail"},
		{"SELECT o.id, i.name FROM (SELECT * FROM orders WHERE id < 3) o FULL JOIN (SELECT * FROM items WHERE kind = 'fruit') i ON o.item = i.name ORDER BY 1, 2", "NULL|fig\n1|apple\n2|NULL"},
		{"SELECT count(*) FROM orders, items", "15"},
		{"SELECT id FROM orders WHERE EXISTS (SELECT 1 FROM items WHERE name = orders.item) ORDER BY id", "1\n3\n5"},
		{"SELECT id FROM orders WHERE NOT EXISTS (SELECT 1 FROM items WHERE name = item AND kind = 'fruit') ORDER BY id", "2\n4"},
		{"SELECT id FROM orders WHERE item IN (SELECT name FROM items) ORDER BY id", "1\n3\n5"},
		{"SELECT id FROM orders WHERE item NOT IN (SELECT name FROM items) ORDER BY id", "2"},
		{"SELECT id FROM orders WHERE (item, qty) IN (SELECT name, 3 FROM items) ORDER BY id", "1"},
		{"SELECT id, (SELECT kind FROM items WHERE name = item) FROM orders ORDER BY id", "1|fruit\n2|NULL\n3|fruit\n4|NULL\n5|fruit"},
		{"SELECT (SELECT max(qty) FROM orders WHERE item = name) FROM items ORDER BY name", "3\n9223372036854775807\nNULL"},
		{"SELECT (SELECT name FROM items)", "21000: a subquery that stands for a value gave more than one row"},
		{"SELECT id FROM orders WHERE price >= ALL (SELECT price FROM orders WHERE price IS NOT NULL) ORDER BY id", "2"},
		{"SELECT id FROM orders WHERE big = ANY (SELECT big FROM orders WHERE id > 1) ORDER BY id", "2\n3\n5"},
		{"SELECT item, count(*), sum(qty), sum(price), avg(weight), min(at), max(big) FROM orders GROUP BY item ORDER BY item",
			"NULL|1|7|NULL|NULL|2026-11-20 09:05:00|NULL\napple|2|3|3.00|0.2|2026-11-20 09:00:00|12345678901234567891.0000000000\n"
			"fig|1|9223372036854775807|0.10|1.0e+300|NULL|3.0000000000\npear|1|1|2.25|0.2|2026-11-20 09:00:30.25|2.0000000000"},
		{"SELECT count(*), count(qty), sum(qty), total(weight), avg(price) FROM orders WHERE id > 100", "0|0|NULL|0.0|NULL"},
		{"SELECT sum(qty), sum(weight) FROM orders", "NULL|1.0e+300"},
		{"SELECT sum(qty) - 9223372036854775807 FROM orders WHERE id = 5", "0"},
		{"SELECT item FROM orders GROUP BY item HAVING count(*) > 1", "apple"},
		{"SELECT DISTINCT item FROM orders ORDER BY item DESC", "pear\nfig\napple\nNULL"},
		{"SELECT count(DISTINCT item), count(DISTINCT price) FILTER (WHERE id < 5), sum(DISTINCT price) FROM orders", "3|2|3.85"},
		{"SELECT string_agg(item, ',' ORDER BY id DESC), string_agg(DISTINCT item, ',') FROM orders", "fig,apple,pear,apple|apple,fig,pear"},
		{"SELECT json_group_array(qty), arg_max(item, price), first_value(item) FROM orders WHERE id < 4", "[null,3,1]|pear|apple"},
		{"SELECT json_group_array(qty) FROM orders WHERE id > 100", "[]"},
		{"SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY weight) FROM orders WHERE id < 4", "0.2"},
		{"SELECT kind, name, count(*), GROUPING(kind, name) FROM items GROUP BY ROLLUP (kind, name) ORDER BY 1, 2", "NULL|NULL|3|3\nfruit|NULL|2|1\nfruit|apple|1|0\nfruit|fig|1|0\ntool|NULL|1|1\ntool|nail|1|0"},
		{"SELECT id FROM orders UNION SELECT 10 UNION ALL SELECT 1 ORDER BY 1", "1\n1\n2\n3\n4\n5\n10"},
		{"SELECT item FROM orders INTERSECT SELECT name FROM items ORDER BY 1", "apple\nfig"},
		{"SELECT item FROM orders EXCEPT SELECT name FROM items ORDER BY 1", "NULL\npear"},
		{"SELECT item FROM orders EXCEPT ALL SELECT name FROM items ORDER BY 1", "NULL\napple\npear"},
		{"SELECT item FROM orders INTERSECT ALL SELECT item FROM orders WHERE id > 1 ORDER BY 1", "NULL\napple\nfig\npear"},
		{"SELECT id FROM orders ORDER BY price DESC NULLS FIRST, id LIMIT 2 OFFSET 1", "2\n1"},
		{"SELECT id FROM orders ORDER BY item LIMIT 3", "4\n1\n3"},
		{"SELECT id FROM orders WHERE id > 1 LIMIT 0", ""},
		{"SELECT DISTINCT ON (item) item, id FROM orders ORDER BY item, id DESC", "NULL|4\napple|3\nfig|5\npear|2"},
		{"VALUES (1, 'a'), (2, NULL)", "1|a\n2|NULL"},
		{"SELECT * FROM (VALUES (1, 'a'), (2, 'b')) v(n, t) WHERE n > 1", "2|b"},
		{"WITH x AS (SELECT item, count(*) AS n FROM orders GROUP BY item) SELECT a.item, b.n FROM x a JOIN x b ON a.item = b.item ORDER BY 1", "apple|2\nfig|1\npear|1"},
		{"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT i, i * i FROM n", "1|1\n2|4\n3|9\n4|16\n5|25"},
		{"WITH RECURSIVE t(a, b) AS (SELECT 1, 2 UNION SELECT b, a FROM t) SELECT * FROM t ORDER BY 1", "1|2\n2|1"},
		{"WITH RECURSIVE r(name, depth) AS (SELECT name, 0 FROM items WHERE name = 'fig' UNION ALL SELECT o.item, r.depth + 1 FROM r JOIN orders o ON o.item = r.name AND r.depth < 2) SELECT * FROM r", "fig|0\nfig|1\nfig|2"},
		{"SELECT (SELECT count(*) FROM (SELECT item FROM orders o2 WHERE o2.item = o1.item GROUP BY item, qty)) FROM orders o1 ORDER BY id", "2\n1\n2\n0\n1"},
		{"SELECT a.id FROM orders a WHERE a.qty = (SELECT max(b.qty) FROM orders b WHERE b.item = a.item) ORDER BY 1", "1\n2\n5"},
		{"SELECT 1 WHERE 1 = 0", ""},
		{"SELECT x FROM (SELECT 5 AS x) WHERE x > 4", "5"},
		{"SELECT name FROM items WHERE (name, kind) = ('fig', 'fruit')", "fig"},
	};
	EXPECT_ALL(CASES);
}

static void windows_and_functions_of_rows(void **state)
{
	(void)state;
	static const Case CASES[] = {
		{"SELECT id, row_number() OVER (ORDER BY price), rank() OVER (ORDER BY price), sum(qty) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM orders WHERE id < 5 ORDER BY id",
			"1|2|2|3\n2|4|4|4\n3|3|2|1\n4|1|1|7"},
		{"SELECT id, lag(id) OVER (ORDER BY id DESC), lead(item, 1, '-') OVER (ORDER BY id), ntile(2) OVER (ORDER BY id) FROM orders ORDER BY id", "1|2|pear|1\n2|3|apple|1\n3|4|NULL|1\n4|5|fig|2\n5|NULL|-|2"},
		{"SELECT id, first_value(id) OVER (PARTITION BY item ORDER BY price), last_value(id) OVER (PARTITION BY item ORDER BY price) FROM orders ORDER BY id", "1|1|3\n2|2|2\n3|1|3\n4|4|4\n5|5|5"},
		{"SELECT id, avg(weight) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING), count(*) OVER () FROM orders WHERE id < 4 ORDER BY id", "1|0.15000000000000002|3\n2|0.2|3\n3|0.25|3"},
		{"SELECT id, count(*) OVER (ORDER BY at RANGE BETWEEN INTERVAL '1 minute' PRECEDING AND CURRENT ROW) FROM orders WHERE at IS NOT NULL ORDER BY id", "1|1\n2|2\n3|2\n4|1"},
		{"SELECT id, max(big) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM orders WHERE id > 1 ORDER BY id", "2|2.0000000000\n3|12345678901234567891.0000000000\n4|12345678901234567891.0000000000\n5|3.0000000000"},
		{"SELECT id FROM orders QUALIFY row_number() OVER (PARTITION BY item ORDER BY id DESC) = 1 ORDER BY id", "2\n3\n4\n5"},
		{"SELECT window_start, window_end, count(*) FROM tumble(orders, at, INTERVAL '1 minute') GROUP BY window_start, window_end ORDER BY 1",
			"2026-11-20 09:00:00|2026-11-20 09:01:00|2\n2026-11-20 09:01:00|2026-11-20 09:02:00|1\n2026-11-20 09:05:00|2026-11-20 09:06:00|1"},
		{"SELECT id, window_start FROM hop(orders, at, INTERVAL '30 seconds', INTERVAL '1 minute') WHERE id = 2 ORDER BY 2", "2|2026-11-20 09:00:00\n2|2026-11-20 09:00:30"},
		{"SELECT id, window_start, window_end, window_time FROM SESSION(orders, at, INTERVAL '1 minute') ORDER BY id",
			"1|2026-11-20 09:00:00|2026-11-20 09:02:10|2026-11-20 09:02:09.999\n2|2026-11-20 09:00:00|2026-11-20 09:02:10|2026-11-20 09:02:09.999\n"
			"3|2026-11-20 09:00:00|2026-11-20 09:02:10|2026-11-20 09:02:09.999\n4|2026-11-20 09:05:00|2026-11-20 09:06:00|2026-11-20 09:05:59.999"},
		{"SELECT name, tag FROM items, UNNEST(tags) AS t(tag) ORDER BY 2", "apple|red\napple|round"},
		{"SELECT name, tag FROM items LEFT JOIN UNNEST(tags) AS t(tag) ON true ORDER BY 1, 2", "apple|red\napple|round\nfig|NULL\nnail|NULL"},
		{"SELECT key, value FROM json_each('{\"a\":1,\"b\":\"x\"}')", "a|1\nb|x"},
		{"SELECT * FROM generate_series(1, 3)", "1\n2\n3"},
		{"SELECT * FROM generate_series(5, 1, -2) WITH ORDINALITY", "5|1\n3|2\n1|3"},
		{"SELECT count(*), sum(value) FROM generate_series(9223372036854775806, 9223372036854775807, 1)", "2|NULL"},
		{"SELECT value FROM generate_series(1, 9223372036854775807) LIMIT 2", "1\n2"},
		{"SELECT id, value FROM orders, generate_series(1, qty) WHERE id < 4 ORDER BY 1, 2", "1|1\n1|2\n1|3\n2|1"},
		{"SELECT value FROM generate_series(TIMESTAMP '2026-01-31 00:00:00', TIMESTAMP '2026-04-01', INTERVAL '1 month')", "2026-01-31 00:00:00\n2026-02-28 00:00:00\n2026-03-28 00:00:00"},
		{"SELECT i.name, o.id FROM items i, LATERAL (SELECT id FROM orders WHERE item = i.name ORDER BY id DESC LIMIT 1) o ORDER BY 1", "apple|3\nfig|5"},
		{"SELECT i.name, o.n FROM items i LEFT JOIN LATERAL (SELECT count(*) AS n FROM orders WHERE item = i.name HAVING count(*) > 1) o ON true ORDER BY 1", "apple|2\nfig|NULL\nnail|NULL"},
	};
	EXPECT_ALL(CASES);
}

static void the_files_other_tables_are_read_by_their_types(void **state)
{
	(void)state;
	user_table("CREATE TABLE mine(id INTEGER PRIMARY KEY, t, at DATETIME, n NUMERIC, flag BOOLEAN, d DECIMAL(5,2)); INSERT INTO mine VALUES"
		" (1, 5, '2026-11-20T10:00:00Z', 5, 1, 2.5), (2, 'x', 'never', 2.5, 0, '1.25'), (3, NULL, '2026-11-20 11:00:00.50', 'abc', NULL, 7)");
	user_table("CREATE VIEW sight AS SELECT id * 2 AS twice FROM mine");
	static const Case CASES[] = {
		{"SELECT * FROM mine ORDER BY id", "1|5|2026-11-20 10:00:00|5.0|true|2.50\n2|x|NULL|2.5|false|1.25\n3|NULL|2026-11-20 11:00:00.5|NULL|NULL|7.00"},
		{"SELECT id FROM mine WHERE at > TIMESTAMP '2026-11-20 10:30:00'", "3"},
		{"SELECT id, n / 2 FROM mine WHERE id = 1", "1|2.5"},
		{"SELECT id FROM mine WHERE d > 2 ORDER BY d", "1\n3"},
		{"SELECT twice FROM sight ORDER BY 1", "2\n4\n6"},
		{"SELECT name, value FROM weir_settings WHERE name = 'none'", ""},
		{"SELECT count(*) FROM weir_dead_letters", "0"},
		{"SELECT o.id FROM orders o JOIN mine m ON m.id = o.id WHERE m.flag", "1"},
	};
	EXPECT_ALL(CASES);
}

static void decimals_kept_as_text_are_numbers(void **state)
{
	(void)state;
	create_with("CREATE TABLE money (id INTEGER PRIMARY KEY, d DECIMAL(10,2), e DECIMAL(30,2))", &(Option){.name = "decimals", .value = "text"});
	insert("INSERT INTO money VALUES (1, 10, 9), (2, 9.5, 10), (3, NULL, 12345678901234567890.25)");
	static const Case CASES[] = {
		{"SELECT d, e FROM money ORDER BY d", "NULL|12345678901234567890.25\n9.50|10.00\n10.00|9.00"},
		{"SELECT id FROM money WHERE e > 9.5 ORDER BY e DESC", "3\n2"},
		{"SELECT sum(d), max(e) FROM money", "19.50|12345678901234567890.25"},
	};
	EXPECT_ALL(CASES);
}

static void indexes_are_used(void **state)
{
	(void)state;
	static const Case CASES[] = {
		{"SELECT item FROM orders WHERE id = 3", "SEARCH t1 USING INTEGER PRIMARY KEY (rowid=?)\n"},
		{"SELECT kind FROM items WHERE name = 'fig'", "SEARCH t1 USING INDEX sqlite_autoindex_items_1 (name=?)\n"},
		{"SELECT o.id FROM orders o JOIN items i ON i.name = o.item", "SCAN t1\nSEARCH t2 USING COVERING INDEX sqlite_autoindex_items_1 (name=?)\n"},
		{"SELECT x FROM (SELECT id + 1 AS x, id AS y FROM orders) WHERE y = 3", "SEARCH t1 USING INTEGER PRIMARY KEY (rowid=?)\n"},
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		Statement statement;
		StrBuf out = STRBUF_INIT;
		AdhocOptions with = options();
		OK(statement_bind(&statement, CASES[i].sql, &err));
		OK(adhoc_explain(&with, statement.bound.query.plan, &out, &err));
		assert_string_equal(out.text, CASES[i].wanted);
		strbuf_release(&out);
		statement_release(&statement);
	}
}

static void rows_stream(void **state)
{
	(void)state;
	static const char ENDLESS[] = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
	Statement statement;
	AdhocQuery *query;
	Batch *batch;
	AdhocOptions with = options();
	OK(statement_bind(&statement, ENDLESS, &err));
	OK(query = adhoc_open(&with, statement.bound.query.plan, &err));
	int64_t seen = 0;
	for (int i = 0; i < 100; i++) {
		OK(adhoc_next(query, BATCH_ROWS_MAX, &batch, &err));
		assert_int_equal(batch->columns[0].i64[0], seen + 1);
		seen += batch->rows;
		batch_unref(batch);
	}
	adhoc_close(query);
	statement_release(&statement);
	expect("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n LIMIT 2", "1\n2");
	expect("SELECT sum(i) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) SELECT i FROM n)", "500000500000");
	assert_int_equal(failures, 0);
}

static void *interrupt(void *query)
{
	usleep(50000);
	adhoc_interrupt(query);
	return NULL;
}

static void a_query_can_be_interrupted_and_limited(void **state)
{
	(void)state;
	static const char ENDLESS[] = "SELECT count(*) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n)";
	for (int limited = 0; limited < 2; limited++) {
		Statement statement;
		AdhocQuery *query;
		Batch *batch;
		pthread_t thread;
		Error canceled = ERROR_INIT;
		AdhocOptions with = options();
		if (limited) with.time_ms_max = 50;
		OK(statement_bind(&statement, ENDLESS, &err));
		OK(query = adhoc_open(&with, statement.bound.query.plan, &err));
		if (!limited) assert_int_equal(pthread_create(&thread, NULL, interrupt, query), 0);
		assert_false(adhoc_next(query, 10, &batch, &canceled));
		assert_int_equal(canceled.code, ERR_CANCELED);
		if (!limited) pthread_join(thread, NULL);
		adhoc_close(query);
		statement_release(&statement);
	}
	expect("SELECT count(*) FROM orders", "5");
}

static void the_writers_connection_sees_what_is_not_committed(void **state)
{
	(void)state;
	Statement statement;
	StoreTable *table;
	OK(statement_bind(&statement, "INSERT INTO orders (id) VALUES (0)", &err));
	StoreTableSpec spec = spec_of(statement.bound.insert.target, &statement.arena);
	OK(table = store_table_open(world.store, &spec, &err));
	StrBuf bytes = STRBUF_INIT, out = STRBUF_INIT;
	Value row[7];
	for (int i = 0; i < 7; i++) row[i] = (Value){.type = spec.columns[i].type, .is_null = i > 0, .i64 = 6};
	row_pack_values(&bytes, row, 7);
	ChangeRow change = {.bytes = (uint32_t)bytes.bytes, .weight = 1};
	OK(store_begin(world.store, &err));
	OK(store_apply(world.store, table, &(Changes){.rows = &change, .count = 1, .bytes = bytes.text, .byte_count = bytes.bytes}, NULL, &err));
	AdhocOptions with = options();
	with.reader = NULL;
	OK(ask_with(&with, "SELECT max(id) FROM orders", &out, &err));
	assert_string_equal(out.text, "6");
	expect("SELECT max(id) FROM orders", "5");
	store_rollback(world.store);
	store_table_close(table);
	strbuf_release(&bytes);
	strbuf_release(&out);
	statement_release(&statement);
	assert_int_equal(failures, 0);
}

/* ---- promise 7 ---- */

/* Operators that cannot be called by name are reached in other ways. */
static bool can_be_said(const char *sql)
{
	Statement statement;
	Error err = ERROR_INIT;
	bool bound = statement_bind(&statement, sql, &err);
	statement_release(&statement);
	return bound;
}

static void every_function_gives_its_examples_result(void **state)
{
	(void)state;
	int said = 0;
	for (int i = 0; i < FUNCTION_COUNT; i++) {
		const Function *function = &FUNCTIONS[i];
		char sql[1000];
		if (!*function->example_result || (function->flags & (FUNCTION_VOLATILE | FUNCTION_PROCTIME | FUNCTION_CLOCK))) continue;
		snprintf(sql, sizeof sql, "SELECT %s", function->example);
		if (!can_be_said(sql)) continue;
		said++;
		expect(sql, function->example_result);
		/* as a column's value, not as a constant that might be folded */
		snprintf(sql, sizeof sql, "SELECT max(x) FROM (SELECT %s AS x FROM orders)", function->example);
		if (strcmp(function->name, "typeof") != 0) expect(sql, function->example_result);
	}
	assert_true(said > FUNCTION_COUNT * 9 / 10);
	assert_int_equal(failures, 0);
}

/* "sum(x) of (1), (2)": rows with the columns x, y */
static void every_aggregate_gives_its_examples_result(void **state)
{
	(void)state;
	for (int i = 0; i < AGGREGATE_COUNT; i++) {
		const Aggregate *aggregate = &AGGREGATES[i];
		const char *of = strstr(aggregate->example, " of ");
		char sql[1000], call[200];
		assert_non_null(of);
		snprintf(call, sizeof call, "%.*s", (int)(of - aggregate->example), aggregate->example);
		bool two = strstr(of, "(") && strchr(strstr(of, "("), ',') && strchr(strstr(of, "("), ',') < strchr(of, ')');
		snprintf(sql, sizeof sql, "SELECT %s FROM (VALUES %s) AS v(%s)", call, of + 4, two ? "x, y" : "x");
		if (aggregate->default_order == AGGREGATE_ORDER_ARRIVAL) continue;          /* tables have no order of arrival */
		for (char *d = sql; (d = strstr(d, "DECIMAL ")); d += 8) memcpy(d, "        ", 8);
		expect(sql, aggregate->example_result);
	}
	assert_int_equal(failures, 0);
}

static uint64_t seed;
static int random_below(int n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (int)((seed >> 33) % (uint64_t)n);
}

static void add_random(StrBuf *out, int depth)
{
	static const char *const LEAVES[] = {"i", "j", "r", "d", "e", "s", "b", "t", "u", "1", "0", "-3", "2.5", "9223372036854775807", "'a'", "'12'", "NULL", "true", "1e10", "0.1",
		"TIMESTAMP '2026-11-20 10:00:00'", "INTERVAL '90 minutes'", "''"};
	static const char *const FORMS[] = {"(# + #)", "(# - #)", "(# * #)", "(# / #)", "(# % #)", "(# < #)", "(# >= #)", "(# = #)", "(# <> #)", "(# IS #)", "(# AND #)", "(# OR #)",
		"(NOT #)", "(-#)", "(# IS NULL)", "CASE WHEN # THEN # ELSE # END", "coalesce(#, #)", "(# IN (#, #))", "CAST(# AS INTEGER)", "CAST(# AS REAL)", "CAST(# AS TEXT)",
		"CAST(# AS DECIMAL(12,3))", "(# || #)", "abs(#)", "round(#, 1)", "(# BETWEEN # AND #)", "nullif(#, #)", "(# & #)", "upper(#)", "max(#, #)", "(# IS NOT TRUE)", "length(#)"};
	if (depth == 0 || random_below(6) == 0) {
		strbuf_adds(out, LEAVES[random_below(sizeof LEAVES / sizeof *LEAVES)]);
		return;
	}
	for (const char *f = FORMS[random_below(sizeof FORMS / sizeof *FORMS)]; *f; f++) {
		if (*f == '#') add_random(out, depth - 1);
		else strbuf_addc(out, *f);
	}
}

/* What the kernels of continuous queries make of the table's rows */
static bool evaluate(Plan *plan, Batch *rows, StrBuf *out)
{
	Arena arena;
	Plan *scan = plan->inputs[0];
	if (plan->kind != PLAN_PROJECT || scan->kind != PLAN_SCAN) return false;
	arena_init(&arena, 0);
	ColumnId *layout = arena_array(&arena, ColumnId, scan->column_count);
	for (int c = 0; c < scan->column_count; c++) layout[c] = scan->columns[c].id;
	rows->system_us = SYSTEM_US;
	ExprProgram *program = expr_compile(&arena, plan->items[0].expr, layout, scan->column_count);
	Column column = expr_eval(program, rows, &arena);
	for (int r = 0; r < rows->rows; r++) {
		Value value = column_value(&column, r);
		if (r) strbuf_addc(out, '\n');
		if (value.is_null) strbuf_adds(out, "NULL");
		else value_print(&value, out);
	}
	expr_program_release(program);
	arena_release(&arena);
	return true;
}

static void random_expressions_give_what_kernels_give(void **state)
{
	(void)state;
	create("CREATE TABLE n (k INTEGER PRIMARY KEY, i INTEGER, j INTEGER, r REAL, d DECIMAL(8,2), e DECIMAL(25,5), s TEXT, b BOOLEAN, t TIMESTAMP, u DATE)");
	insert("INSERT INTO n VALUES (1, 0, 1, 0.0, 0, 0, '', false, '2026-11-20 10:00:00', '2026-11-20'), (2, 9223372036854775807, 2, 1.5, 123456.78, 12345678901234567890.12345, 'a', true, '2026-11-20 10:00:00.25', '2026-01-01'),"
		" (3, -9223372036854775807 - 1, -1, -2.5, -0.01, -0.00001, '12', NULL, '1969-12-31 23:59:59.999999', '1970-01-01'), (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),"
		" (5, 12, 3, 12.0, 12, 12, '12.0', true, '2026-11-20', '9999-12-31'), (6, 3, -12, 1e300, 2.5, 10000000000000000000, 'Zo\xc3\xab', false, '0001-01-01', '0001-01-01'), (7, 2, 2, 0.1, 0.1, 0.1, '0.1', true, NULL, NULL)");
	Statement all;
	StoreScan *scan;
	Batch *rows;
	OK(statement_bind(&all, "INSERT INTO n (k) VALUES (0)", &err));
	StoreTableSpec spec = spec_of(all.bound.insert.target, &all.arena);
	OK(scan = store_scan_open(world.store, world.reader, &spec, (int[]){0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 10, 0, &err));
	OK(store_scan_next(scan, 100, &rows, NULL, &err));
	store_scan_close(scan);
	assert_int_equal(rows->rows, 7);
	seed = 7;
	int compared = 0;
	for (int n = 0; n < 6000 && failures < 5; n++) {
		StrBuf sql = STRBUF_INIT, wanted = STRBUF_INIT;
		Statement statement;
		Error err = ERROR_INIT;
		strbuf_adds(&sql, "SELECT ");
		add_random(&sql, 1 + random_below(4));
		strbuf_adds(&sql, " AS x FROM n");
		bool bound = statement_bind(&statement, sql.text, &err);
		if (bound && evaluate(statement.bound.query.plan, rows, &wanted)) {
			expect(sql.text, wanted.text);
			compared++;
		}
		statement_release(&statement);
		strbuf_release(&sql);
		strbuf_release(&wanted);
	}
	print_message("%d expressions compared\n", compared);
	assert_true(compared > 1000);
	batch_unref(rows);
	statement_release(&all);
	assert_int_equal(failures, 0);
}

/* ---- relational forms against SQLite itself ---- */

/* A random SELECT with the columns a, b (integers) and t (text). */
static void add_relation(StrBuf *out, int depth)
{
	static const char *const FORMS[] = {
		"SELECT a, b, t FROM (#) WHERE a > b", "SELECT a, b, t FROM (#) WHERE t = 'x' OR b IS NULL", "SELECT b AS a, a + 1 AS b, t FROM (#)", "SELECT DISTINCT a, 1 AS b, t FROM (#)",
		"SELECT x.a, y.b, coalesce(x.t, y.t) AS t FROM (#) x JOIN (#) y ON x.a = y.b", "SELECT x.a, y.b, y.t FROM (#) x LEFT JOIN (#) y ON x.a = y.b AND x.b < y.a",
		"SELECT x.a, y.b, x.t FROM (#) x RIGHT JOIN (#) y ON x.a = y.a", "SELECT x.a, y.b, y.t FROM (#) x FULL JOIN (#) y ON x.b = y.b",
		"SELECT x.a, y.b, y.t FROM (#) x LEFT JOIN (SELECT * FROM (#) WHERE b > 1) y ON x.a = y.a WHERE x.b IS NOT NULL",
		"SELECT x.a, z.b, y.t FROM (#) x LEFT JOIN ((#) y JOIN (#) z ON y.a = z.b) ON x.a = y.a",
		"SELECT x.a, y.b, z.t FROM (#) x JOIN (#) y ON x.a = y.a LEFT JOIN t1 z ON z.b = y.b",
		"SELECT a, count(*) AS b, max(t) AS t FROM (#) GROUP BY a", "SELECT a, sum(b) AS b, min(t) AS t FROM (#) GROUP BY a HAVING count(*) > 1", "SELECT count(*) AS a, sum(a) AS b, max(t) AS t FROM (#)",
		"SELECT a, count(DISTINCT b) AS b, t FROM (#) GROUP BY t, a", "SELECT * FROM (#) UNION ALL SELECT * FROM (#)", "SELECT * FROM (#) UNION SELECT * FROM (#)",
		"SELECT * FROM (#) INTERSECT SELECT * FROM (#)", "SELECT * FROM (#) EXCEPT SELECT * FROM (#)",
		"SELECT a, b, t FROM (#) x WHERE EXISTS (SELECT 1 FROM (#) y WHERE y.a = x.a AND y.b > x.b)", "SELECT a, b, t FROM (#) x WHERE NOT EXISTS (SELECT 1 FROM (#) y WHERE y.a = x.b)",
		"SELECT a, b, t FROM (#) WHERE a IN (SELECT b FROM (#))", "SELECT a, b, t FROM (#) WHERE a NOT IN (SELECT b FROM (#))", "SELECT a, b, t FROM (#) x WHERE b IN (SELECT y.a FROM (#) y WHERE y.t = x.t)",
		"SELECT a, (SELECT min(y.b) FROM (#) y WHERE y.a = x.a) AS b, t FROM (#) x", "SELECT a, (SELECT count(*) FROM (SELECT DISTINCT y.t FROM (#) y WHERE y.a > x.a)) AS b, t FROM (#) x",
		"SELECT a, row_number() OVER (PARTITION BY a ORDER BY b, t) AS b, t FROM (#)", "SELECT a, sum(b) OVER (PARTITION BY t) AS b, t FROM (#)", "SELECT a, rank() OVER (ORDER BY b) AS b, t FROM (#)",
		"SELECT a, count(*) OVER (ORDER BY a, b, t ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS b, t FROM (#)", "SELECT a, max(b) OVER (ORDER BY a RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS b, t FROM (#)",
		"SELECT a, b, t FROM (#) ORDER BY a, b, t LIMIT 5", "SELECT a, b, t FROM (#) ORDER BY t DESC, a, b DESC LIMIT 3 OFFSET 2",
		"WITH q AS (#) SELECT x.a, y.b, x.t FROM q x JOIN q y ON x.a = y.b", "WITH q AS (#), p AS (SELECT a, b, t FROM q WHERE a IS NOT NULL) SELECT q.a, p.b, q.t FROM q LEFT JOIN p ON q.b = p.b",
		"WITH RECURSIVE r(a, b, t) AS (SELECT * FROM (#) UNION SELECT r.a + 1, r.b, r.t FROM r WHERE r.a < 3) SELECT * FROM r",
	};
	static const char *const LEAVES[] = {"SELECT a, b, t FROM t1", "SELECT a, b, t FROM t2", "SELECT a, b, t FROM t3", "SELECT 1 AS a, NULL AS b, 'x' AS t", "VALUES (1, 2, 'x'), (2, NULL, NULL)"};
	if (depth == 0) {
		int leaf = random_below(4);
		strbuf_adds(out, LEAVES[leaf == 3 ? random_below(2) + 2 : leaf]);
		return;
	}
	for (const char *f = FORMS[random_below(sizeof FORMS / sizeof *FORMS)]; *f; f++) {
		if (*f == '#') add_relation(out, random_below(4) ? depth - 1 : 0);
		else strbuf_addc(out, *f);
	}
}

static bool ask_sqlite(sqlite3 *db, const char *sql, StrBuf *out)
{
	sqlite3_stmt *stmt;
	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK) return false;
	for (int row = 0; sqlite3_step(stmt) == SQLITE_ROW; row++) {
		if (row) strbuf_addc(out, '\n');
		for (int c = 0; c < sqlite3_column_count(stmt); c++)
			strbuf_printf(out, "%s%s", c ? "|" : "", sqlite3_column_type(stmt, c) == SQLITE_NULL ? "NULL" : (const char *)sqlite3_column_text(stmt, c));
	}
	sqlite3_finalize(stmt);
	return true;
}

static void random_queries_give_what_sqlite_gives(void **state)
{
	(void)state;
	sqlite3 *db;
	for (int t = 1; t <= 3; t++) {
		char sql[600];
		snprintf(sql, sizeof sql, "CREATE TABLE t%d (%sa INTEGER, b INTEGER, t TEXT)", t, t == 1 ? "id INTEGER PRIMARY KEY, " : "");
		create(sql);
		snprintf(sql, sizeof sql, "INSERT INTO t%d (%sa, b, t) VALUES (%s1, %d, 'x'), (%s2, 1, 'y'), (%s2, 1, 'y'), (%sNULL, 3, 'x'), (%s3, NULL, NULL), (%s%d, 2, 'z'), (%s0, 0, '')", t,
			t == 1 ? "id, " : "", t == 1 ? "1, " : "", t, t == 1 ? "2, " : "", t == 1 ? "3, " : "", t == 1 ? "4, " : "", t == 1 ? "5, " : "", t == 1 ? "6, " : "", t, t == 1 ? "7, " : "");
		insert(sql);
	}
	assert_int_equal(sqlite3_open(world.path, &db), SQLITE_OK);
	seed = 11;
	int compared = 0, refused = 0;
	for (int n = 0; n < 3000 && failures < 5; n++) {
		StrBuf sql = STRBUF_INIT, wanted = STRBUF_INIT;
		strbuf_adds(&sql, "SELECT a, b, t FROM (");
		add_relation(&sql, 1 + random_below(3));
		strbuf_adds(&sql, ") ORDER BY 1, 2, 3");
		if (can_be_said(sql.text) && ask_sqlite(db, sql.text, &wanted)) {
			expect(sql.text, wanted.text);
			compared++;
		} else if (wanted.bytes == 0) refused++;
		strbuf_release(&sql);
		strbuf_release(&wanted);
	}
	print_message("%d queries compared, %d refused\n", compared, refused);
	assert_true(compared > 2000);
	sqlite3_close(db);
	assert_int_equal(failures, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(expressions_mean_what_they_mean_in_a_view),
		TEST(relational_forms),
		TEST(windows_and_functions_of_rows),
		TEST(the_files_other_tables_are_read_by_their_types),
		TEST(decimals_kept_as_text_are_numbers),
		TEST(indexes_are_used),
		TEST(rows_stream),
		TEST(a_query_can_be_interrupted_and_limited),
		TEST(the_writers_connection_sees_what_is_not_committed),
		TEST(every_function_gives_its_examples_result),
		TEST(every_aggregate_gives_its_examples_result),
		TEST(random_expressions_give_what_kernels_give),
		TEST(random_queries_give_what_sqlite_gives),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
