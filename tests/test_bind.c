/* Binding: statements of a small shop, their plans, definitions, and what is refused with which words at which place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "ast/parse.h"
#include "bind/bind.h"
#include "type/text.h"

static const char *const SHOP[] = {
	"CREATE STREAM orders (id INTEGER, customer TEXT, price DECIMAL(10,2), at TIMESTAMP, WATERMARK FOR at AS at - INTERVAL '5 seconds')",
	"CREATE STREAM clicks (customer TEXT, at TIMESTAMP, seen AS PROCTIME(), WATERMARK FOR at AS at)",
	"CREATE TABLE customers (name TEXT PRIMARY KEY, city TEXT DEFAULT 'nowhere', score INTEGER)",
	"CREATE TABLE rates (city TEXT PRIMARY KEY, rate REAL)",
	"CREATE STREAM events (kind INTEGER, bid ROW<price INTEGER, who ROW<name TEXT>>, tags ARRAY<INTEGER>, extra JSON) "
		"WITH (connector = 'kafka', topic = 'e', brokers = 'b:1')",
	"CREATE TABLE pit (a INTEGER, b TEXT) WITH (connector = 'blackhole')",
	"CREATE TABLE sums (a INTEGER, b INTEGER AS (a * 2), CHECK (a > 0))",
};

typedef struct World {
	Catalog *catalog;
	int64_t next_id;
	Arena arena;
	PlanContext context;
	BindSettings settings;
	BoundStatement bound;
	Error err;
	const char *sql;
} World;

static const char *parameter(void *context, const char *name)
{
	(void)context;
	return strcmp(name, "n") == 0 ? "5" : strcmp(name, "who") == 0 ? "Ann" : NULL;
}

static bool bind(World *world, const char *sql)
{
	bound_release(&world->bound);
	arena_clear(&world->arena);
	world->context = (PlanContext){.arena = &world->arena};
	world->bound = (BoundStatement){0};
	world->err = ERROR_INIT;
	world->sql = sql;
	AstStatement *ast = parse_statement(sql, 0, strlen(sql), &world->arena, &world->err);
	return ast && bind_statement(ast, world->catalog, &world->settings, &world->context, &world->bound, &world->err);
}

static void bind_well(World *world, const char *sql)
{
	if (bind(world, sql)) return;
	fail_msg("%s\n%s: %s (%s)", sql, error_sqlstate(world->err.code), world->err.message, world->err.hint);
}

/* Binds a definition and puts it into the catalog. */
static Relation *define(World *world, const char *sql)
{
	bind_well(world, sql);
	BoundCreate *create = &world->bound.create;
	assert_int_equal(world->bound.kind, BOUND_CREATE);
	assert_non_null(create->relation);
	Relation *relation = create->relation;
	create->relation = NULL;
	if (!relation->id) relation->id = ++world->next_id;
	catalog_add(world->catalog, relation);
	return relation;
}

static int set_up(void **state)
{
	World *world = *state = mem_new(World);
	world->catalog = catalog_new();
	world->settings = (BindSettings){.parameter = parameter};
	arena_init(&world->arena, 0);
	for (size_t i = 0; i < sizeof SHOP / sizeof *SHOP; i++) define(world, SHOP[i]);
	return 0;
}

static int tear_down(void **state)
{
	World *world = *state;
	bound_release(&world->bound);
	arena_release(&world->arena);
	catalog_free(world->catalog);
	free(world);
	return 0;
}

static Plan *plan_of(const World *world)
{
	const BoundStatement *bound = &world->bound;
	switch (bound->kind) {
	case BOUND_QUERY: return bound->query.plan;
	case BOUND_CREATE: return bound->create.query.plan;
	case BOUND_INSERT: return bound->insert.source.plan;
	case BOUND_UPDATE: case BOUND_DELETE: return bound->change.plan;
	default: return NULL;
	}
}

static void expect_plan(World *world, const char *sql, const char *expected)
{
	bind_well(world, sql);
	plan_verify(plan_of(world));
	StrBuf text = STRBUF_INIT;
	plan_print(plan_of(world), false, &text);
	if (strcmp(text.text, expected) != 0) fail_msg("%s\nexpected\n%s\nfound\n%s", sql, expected, text.text);
	strbuf_release(&text);
}

/* ---- plans ---- */

static const struct { const char *sql, *plan; } PLANS[] = {
	{"SELECT customer, sum(price) AS total FROM orders WHERE id > 1 GROUP BY customer HAVING total > 5",
		"Project customer#2, sum#5 AS total\n"
		"  Filter (sum#5 > CAST('5.00' AS DECIMAL(38,2)))\n"
		"    Aggregate BY customer#2, sum(price#3) AS sum#5\n"
		"      Filter (id#1 > 1)\n"
		"        Scan orders [id#1, customer#2, price#3, at#4]\n"},
	{"SELECT window_start, count(*) AS n FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(at), INTERVAL '10' SECOND)) GROUP BY window_start, window_end",
		"Project window_start#5, count#8 AS n\n"
		"  Aggregate BY window_start#5, window_end#6, count(*) AS count#8\n"
		"    Window tumble at#4 SIZE 10 seconds AS window_start#5, window_end#6, window_time#7\n"
		"      Scan orders [id#1, customer#2, price#3, at#4]\n"},
	{"SELECT customer, WINDOWSTART FROM orders WINDOW SESSION (30 SECONDS, GRACE PERIOD 5 SECONDS) GROUP BY customer",
		"Project customer#2, window_start#5 AS WINDOWSTART\n"
		"  Aggregate BY customer#2, window_start#5, window_end#6\n"
		"    Window session at#4 GAP 30 seconds GRACE 5 seconds PARTITION BY customer#2 AS window_start#5, window_end#6, window_time#7\n"
		"      Scan orders [id#1, customer#2, price#3, at#4]\n"},
	{"SELECT TUMBLE_END(at, INTERVAL '1' MINUTE) AS e FROM orders GROUP BY TUMBLE(at, INTERVAL '1' MINUTE)",
		"Project window_end#6 AS e\n"
		"  Aggregate BY window_start#5, window_end#6\n"
		"    Window tumble at#4 SIZE 1 minute AS window_start#5, window_end#6, window_time#7\n"
		"      Scan orders [id#1, customer#2, price#3, at#4]\n"},
	{"SELECT name FROM customers ORDER BY score + 1 DESC LIMIT 3 OFFSET 1",
		"Project name#1\n"
		"  Sort ORDER BY #4 DESC LIMIT 3 OFFSET 1\n"
		"    Project name#1, (score#3 + 1) AS #4\n"
		"      Scan customers [name#1, city#2, score#3]\n"},
	{"SELECT c.name, r.rate FROM customers c LEFT JOIN rates r USING (city)",
		"Project name#1, rate#5\n"
		"  Join left ON (city#2 = city#4)\n"
		"    Scan customers [name#1, city#2, score#3]\n"
		"    Scan rates [city#4, rate#5]\n"},
	{"SELECT o.id, c.city FROM orders o JOIN customers FOR SYSTEM_TIME AS OF o.at AS c ON o.customer = c.name",
		"Project id#1, city#6\n"
		"  Join inner as of at#4 ON (customer#2 = name#5)\n"
		"    Scan orders [id#1, customer#2, price#3, at#4]\n"
		"    Scan customers [name#5, city#6, score#7]\n"},
	{"SELECT k.customer, c.city FROM clicks k LEFT JOIN customers FOR SYSTEM_TIME AS OF k.seen AS c ON k.customer = c.name",
		"Project customer#1, city#5\n"
		"  Join left as of proctime ON (customer#1 = name#4)\n"
		"    Scan clicks [customer#1, at#2, seen#3]\n"
		"    Scan customers [name#4, city#5, score#6]\n"},
	{"SELECT name FROM customers c WHERE NOT EXISTS (SELECT * FROM orders o WHERE o.customer = c.name)",
		"Project name#1\n"
		"  Filter NOT EXISTS (subquery)\n"
		"    subquery:\n"
		"      Project id#4, customer#5, price#6, at#7\n"
		"        Filter (customer#5 = name#1)\n"
		"          Scan orders [id#4, customer#5, price#6, at#7]\n"
		"    Scan customers [name#1, city#2, score#3]\n"},
	{"SELECT name, mv FROM customers c, LATERAL (SELECT max(price) AS mv FROM orders o WHERE o.customer = c.name)",
		"Project name#1, max#8 AS mv\n"
		"  Join inner dependent\n"
		"    Scan customers [name#1, city#2, score#3]\n"
		"    Project max#8 AS mv\n"
		"      Aggregate max(price#6) AS max#8\n"
		"        Filter (customer#5 = name#1)\n"
		"          Scan orders [id#4, customer#5, price#6, at#7]\n"},
	{"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT i FROM n",
		"Project i#5\n"
		"  Project i#2 AS i#5\n"
		"    Recursive #1 all [i#2]\n"
		"      Project 1 AS 1#1\n"
		"        Values 1 row []\n"
		"      Project (i#3 + 1) AS i + 1#4\n"
		"        Filter (i#3 < 9)\n"
		"          Step input #1 [i#3]\n"},
	{"WITH c AS (SELECT city FROM customers) SELECT a.city FROM c a, c b",
		"Project city#4\n"
		"  Join inner\n"
		"    Shared #1 [city#4]\n"
		"      Project city#2\n"
		"        Scan customers [name#1, city#2, score#3]\n"
		"    Shared #1 [city#5]\n"},
	{"SELECT city, count(*) FROM customers GROUP BY GROUPING SETS ((city), ())",
		"Project city#5, count#4 AS count(*)\n"
		"  Union all [city#5, count#4, grouping_id#18]\n"
		"    Project #9, count#10, 0 AS #11\n"
		"      Aggregate BY city#7 AS #9, count(*) AS count#10\n"
		"        Shared #1 [name#6, city#7, score#8]\n"
		"          Scan customers [name#1, city#2, score#3]\n"
		"    Project NULL AS #16, count#15, 1 AS #17\n"
		"      Aggregate count(*) AS count#15\n"
		"        Shared #1 [name#12, city#13, score#14]\n"},
	{"SELECT name, row_number() OVER w AS n, sum(score) OVER w AS s FROM customers WINDOW w AS (PARTITION BY city ORDER BY score DESC) QUALIFY n < 3",
		"Project name#1, n#4, s#5\n"
		"  Filter (n#4 < 3)\n"
		"    Over PARTITION BY city#2 ORDER BY score#3 DESC: row_number() AS n#4, sum(score#3) AS s#5\n"
		"      Scan customers [name#1, city#2, score#3]\n"},
	{"SELECT DISTINCT ON (city) city, name FROM customers ORDER BY city, score",
		"Project city#2, name#1\n"
		"  Sort ORDER BY city#2, score#3\n"
		"    Top PARTITION BY city#2 ORDER BY city#2, score#3 LIMIT 1\n"
		"      Project city#2, name#1, score#3\n"
		"        Scan customers [name#1, city#2, score#3]\n"},
	{"SELECT kind, t FROM events, UNNEST(tags) AS t",
		"Project kind#1, TRY_CAST((t#8 ->> '$') AS INTEGER) AS t#9\n"
		"  Expand unnest(tags#6) AS [t#8]\n"
		"    Scan events [kind#1, bid#2, price#3, who#4, name#5, tags#6, extra#7]\n"},
	{"SELECT unnest(tags) + 1 AS t FROM events WHERE kind = ANY (tags)",
		"Project (TRY_CAST((unnest#10 ->> '$') AS INTEGER) + 1) AS t#11\n"
		"  Expand unnest(tags#6) AS [unnest#10]\n"
		"    Filter ((NOT (tags#6 IS NULL)) AND (kind#1) IN (subquery))\n"
		"      subquery:\n"
		"        Project TRY_CAST((element#8 ->> '$') AS INTEGER) AS element#9\n"
		"          Expand unnest(tags#6) AS [element#8]\n"
		"            Values 1 row []\n"
		"      Scan events [kind#1, bid#2, price#3, who#4, name#5, tags#6, extra#7]\n"},
	{"SELECT (bid).who.name, extra.a, tags[2] FROM events",
		"Project name#5, (extra#7 ->> 'a') AS a#8, TRY_CAST((tags#6 ->> 1) AS INTEGER) AS tags[2]#9\n"
		"  Scan events [kind#1, bid#2, price#3, who#4, name#5, tags#6, extra#7]\n"},
	{"SELECT bid.price, e.bid.who.name FROM (SELECT * FROM events) e",
		"Project price#3, name#5\n"
		"  Project kind#1, bid#2, tags#6, extra#7, price#3, who#4, name#5\n"
		"    Scan events [kind#1, bid#2, price#3, who#4, name#5, tags#6, extra#7]\n"},
	{"SELECT name FROM customers WHERE (name, city) IN (('a', 'b'), ('c', 'd')) AND score = :n",
		"Project name#1\n"
		"  Filter ((((name#1 = 'a') AND (city#2 = 'b')) OR ((name#1 = 'c') AND (city#2 = 'd'))) AND (score#3 = 5))\n"
		"    Scan customers [name#1, city#2, score#3]\n"},
	{"SELECT max(score), name FROM customers",
		"Project max#4 AS max(score), max_by#5 AS name\n"
		"  Aggregate max(score#3) AS max#4, max_by(name#1, score#3) AS max_by#5\n"
		"    Scan customers [name#1, city#2, score#3]\n"},
	{"UPDATE sums SET a = a + 1 WHERE b = 4",
		"Project a#1, b#2, (a#1 + 1) AS a#3, ((a#1 + 1) * 2) AS b#4\n"
		"  Filter (b#2 = 4)\n"
		"    Scan sums [a#1, b#2]\n"},
	{"DELETE FROM customers USING rates WHERE customers.city = rates.city RETURNING name",
		"Project name#1, city#2, score#3, name#1 AS name#6\n"
		"  Join semi ON (city#2 = city#4)\n"
		"    Scan customers [name#1, city#2, score#3]\n"
		"    Scan rates [city#4, rate#5]\n"},
	{"INSERT INTO sums SELECT score FROM customers",
		"Project score#3 AS a, (score#3 * 2) AS b#4\n"
		"  Project score#3 AS a\n"
		"    Project score#3\n"
		"      Scan customers [name#1, city#2, score#3]\n"},
	{"SELECT city FROM customers UNION SELECT rate FROM rates",
		"Aggregate BY city#7\n"
		"  Union all [city#7]\n"
		"    Project city#2\n"
		"      Scan customers [name#1, city#2, score#3]\n"
		"    Project CAST(rate#5 AS TEXT) AS rate#6\n"
		"      Project rate#5\n"
		"        Scan rates [city#4, rate#5]\n"},
};

static void statements_become_plans(void **state)
{
	for (size_t i = 0; i < sizeof PLANS / sizeof *PLANS; i++) expect_plan(*state, PLANS[i].sql, PLANS[i].plan);
}

/* ---- what is refused ---- */

static const struct { const char *sql, *sqlstate, *message, *hint, *at; } REFUSED[] = {
	{"SELECT custmer FROM orders", "42703", "column \"custmer\" does not exist", "Did you mean \"customer\"?", "custmer"},
	{"SELECT o.custmer FROM orders o", "42703", "\"o\" has no column \"custmer\"", "Did you mean \"customer\"?", "custmer"},
	{"SELECT id FROM ordrs", "42P01", "relation \"ordrs\" does not exist", "Did you mean \"orders\"?", "ordrs"},
	{"SELECT ordes.id FROM orders", "42P01", "relation \"ordes\" is not in FROM", "Did you mean \"orders\"?", "ordes"},
	{"SELECT uper(customer) FROM orders", "42883", "function \"uper\" does not exist", "Did you mean upper?", "uper"},
	{"SELECT \"text\" FROM orders", "42703", "column \"text\" does not exist", "Text stands in single quotes; double quotes are for names.", "\"text\""},
	{"SELECT city FROM customers, rates", "42702", "column \"city\" is ambiguous", NULL, "city"},
	{"SELECT 1 FROM orders, orders", "42712", "\"orders\" stands in FROM twice", NULL, NULL},
	{"SELECT 1 FROM orders WHERE sum(price) > 1", "42803", "aggregate sum() cannot stand in WHERE", "Conditions on aggregates stand in HAVING.", "sum"},
	{"SELECT 1 FROM orders WHERE rank() OVER () > 1", "42P20", "window function rank() cannot stand in WHERE", NULL, "rank"},
	{"CREATE MATERIALIZED VIEW v AS SELECT city, name, count(*) FROM customers GROUP BY city", "42803",
		"column \"name\" is neither in GROUP BY nor inside an aggregate", NULL, "name"},
	{"SELECT customer, id FROM orders GROUP BY customer", "42803", "column \"id\" is neither in GROUP BY nor inside an aggregate", NULL, "id"},
	{"CREATE MATERIALIZED VIEW v AS SELECT id, id FROM orders", "42701", "two columns of materialized view \"v\" are named \"id\"", NULL, "id"},
	{"CREATE MATERIALIZED VIEW v AS SELECT random() FROM orders", "0A000", "random() in a view is not supported", NULL, "random()"},
	{"CREATE MATERIALIZED VIEW v AS SELECT now() AS n FROM orders", "0A000", NULL, "PROCTIME() stamps each row once.", "now()"},
	{"CREATE MATERIALIZED VIEW v AS SELECT * FROM orders WHERE extract(hour FROM now()) IS NULL OR id = 1", "0A000", NULL, NULL, "now()"},
	{"CREATE MATERIALIZED VIEW v AS SELECT * FROM v", "42P01", "relation \"v\" does not exist", "A definition cannot read itself; WITH RECURSIVE can.", "v"},
	{"INSERT INTO orders VALUES (1)", "42601", "stream \"orders\" has 4 columns but 1 value was given", NULL, "1"},
	{"INSERT INTO customers (name, city) VALUES ('a')", "42601", "2 columns of table \"customers\" are named but 1 value was given", NULL, NULL},
	{"INSERT INTO customers VALUES ('a', 'b', 'c')", "22P02", NULL, NULL, "'c'"},
	{"INSERT INTO customers VALUES ('a', 'b', 1) ON CONFLICT (city) DO NOTHING", "42P17", "ON CONFLICT names no key of table \"customers\"", NULL, "city"},
	{"INSERT INTO sums (a, b) VALUES (1, 2)", "42809", "column \"b\" is computed and cannot be set", NULL, "b"},
	{"INSERT INTO nowhere VALUES (1)", "42P01", "relation \"nowhere\" does not exist", NULL, "nowhere"},
	{"UPDATE orders SET id = 1", "42809", NULL, "It takes INSERT only; a TABLE also takes UPDATE and DELETE.", "orders"},
	{"UPDATE customers SET scor = 1", "42703", "table \"customers\" has no column \"scor\"", "Did you mean \"score\"?", "scor"},
	{"SELECT * FROM tumble(customers, score, INTERVAL '1 minute')", "42804", "the time of tumble must be a TIMESTAMP, not INTEGER", NULL, "score"},
	{"SELECT * FROM tumble(orders, at, INTERVAL '1 month')", "0A000", "the size of tumble in months is not supported", NULL, NULL},
	{"SELECT * FROM clicks k JOIN orders FOR SYSTEM_TIME AS OF k.at AS o ON k.customer = o.customer", "42809", NULL, NULL, NULL},
	{"SELECT * FROM customers WHERE name = :nobody", "42704", "parameter \":nobody\" has no value", NULL, ":nobody"},
	{"CREATE STREAM x (a INT) WITH (connector = :nobody)", "42704", "parameter \":nobody\" has no value", NULL, ":nobody"},
	{"SET brokers = :nobody", "42704", "parameter \":nobody\" has no value", NULL, ":nobody"},
	{"CREATE STREAM x AS SELECT id FROM orders PARTITION BY custmer", "42703", "column \"custmer\" does not exist", "Did you mean \"customer\"?", "custmer"},
	{"CREATE STREAM x WITH (timestamp = 'at') AS SELECT id, at FROM orders", "0A000", "another event time for CREATE ... AS SELECT is not supported", NULL, "timestamp"},
	{"SELECT string_agg(DISTINCT name, ',' ORDER BY score) FROM customers", "42803", "string_agg(DISTINCT ...) can be ordered by its arguments only", NULL, NULL},
	{"UPDATE rates SET rate = 1 FROM rates", "42712", NULL, NULL, "rates"},
	{"CREATE STREAM s (a INTEGER, CHECK (a > 0)) WITH (connector = 'kafka', topic = 't', brokers = 'b:1')", "0A000", NULL, NULL, "s"},
	{"SELECT bid.prise FROM events", "42703", "column \"bid\" has no field \"prise\"", "Did you mean \"price\"?", "prise"},
	{"CREATE STREAM s (i INTEGER) WITH (connector = 'kafka', topc = 't', brokers = 'b:1')", "42704", "unknown option \"topc\"", "Did you mean \"topic\"?", "topc"},
	{"CREATE STREAM s (i INTEGER) WITH (connector = 'kafkaa')", "42704", "unknown connector \"kafkaa\"", "Did you mean \"kafka\"?", "'kafkaa'"},
	{"CREATE STREAM s (a TIMESTAMP, b TIMESTAMP, WATERMARK FOR a AS b)", "0A000", NULL, NULL, "b"},
	{"CREATE STREAM s (a TEXT, WATERMARK FOR a AS a)", "42804", "event time must be a TIMESTAMP, but column \"a\" is TEXT", NULL, "a"},
	{"CREATE TABLE customers (a INTEGER)", "42P07", "table \"customers\" exists already", NULL, "customers"},
	{"CREATE OR REPLACE VIEW customers AS SELECT 1 AS a", "42809", NULL, "DROP it first.", "customers"},
	{"DROP STREAM nowhere", "42P01", "relation \"nowhere\" does not exist", NULL, "nowhere"},
	{"DROP VIEW customers", "42809", "\"customers\" is a table", "Use DROP TABLE customers.", "customers"},
	{"WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i FROM n LIMIT 3) SELECT * FROM n", "0A000", NULL, NULL, NULL},
};

static void what_is_wrong_is_named_and_pointed_at(void **state)
{
	World *world = *state;
	for (size_t i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++) {
		const char *sql = REFUSED[i].sql;
		if (bind(world, sql)) fail_msg("accepted: %s", sql);
		const Error *err = &world->err;
		if (strcmp(error_sqlstate(err->code), REFUSED[i].sqlstate) != 0) fail_msg("%s\nis refused with %s: %s", sql, error_sqlstate(err->code), err->message);
		if (REFUSED[i].message && strcmp(err->message, REFUSED[i].message) != 0) fail_msg("%s\nsays: %s", sql, err->message);
		if (REFUSED[i].hint && strcmp(err->hint, REFUSED[i].hint) != 0) fail_msg("%s\nhints: %s", sql, err->hint);
		if (!REFUSED[i].at) continue;
		int bytes = (int)(err->span.end - err->span.start);
		if (bytes != (int)strlen(REFUSED[i].at) || strncmp(sql + err->span.start, REFUSED[i].at, (size_t)bytes) != 0)
			fail_msg("%s\npoints at: %.*s", sql, bytes, sql + err->span.start);
	}
}

/* ---- names and facts of results ---- */

static void result_columns_are_named_as_sqlite_names_them(void **state)
{
	static const struct { const char *sql, *names; } CASES[] = {
		{"SELECT NAME, c.City, score AS s, score+1, count ( * ) FROM customers c GROUP BY 1, 2, 3, 4", "name, city, s, score+1, count ( * )"},
		{"SELECT * FROM customers NATURAL JOIN rates", "city, name, score, rate"},
		{"SELECT c.*, r.rate FROM customers c JOIN rates r USING (city)", "name, city, score, rate"},
		{"SELECT bid.price, bid.who.name FROM events", "price, name"},
		{"SELECT bid.* FROM events", "price, who"},
		{"VALUES (1, 2)", "column1, column2"},
		{"SELECT * EXCEPT (city) FROM customers", "name, score"},
		{"WITH c(x) AS (SELECT name FROM customers) SELECT * FROM c", "x"},
		{"SELECT * FROM (VALUES (1, 'a')) AS v(n)", "n, column2"},
		{"SELECT * FROM tumble(clicks, at, INTERVAL '1 hour')", "customer, at, seen, window_start, window_end, window_time"},
	};
	World *world = *state;
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		bind_well(world, CASES[i].sql);
		StrBuf names = STRBUF_INIT;
		for (int c = 0; c < world->bound.query.column_count; c++) strbuf_printf(&names, "%s%s", c ? ", " : "", world->bound.query.columns[c].name);
		if (strcmp(names.text, CASES[i].names) != 0) fail_msg("%s\nhas %s", CASES[i].sql, names.text);
		strbuf_release(&names);
	}
}

static void a_query_says_what_it_reads_and_how_it_ends(void **state)
{
	World *world = *state;
	define(world, "CREATE VIEW big AS SELECT * FROM orders WHERE price > 100");
	bind_well(world, "SELECT b.id FROM big b, customers c, customers d ORDER BY 1 LIMIT 5 OFFSET 2");
	const BoundQuery *query = &world->bound.query;
	assert_int_equal(query->read_count, 2);
	assert_string_equal(query->reads[0]->name, "orders");
	assert_string_equal(query->reads[1]->name, "customers");
	assert_true(query->continuous && query->ordered);
	assert_int_equal(query->limit, 5);
	assert_int_equal(query->offset, 2);
	assert_int_equal(query->plan->kind, PLAN_SORT);
	assert_ptr_equal(query->rows, query->plan->inputs[0]);
	bind_well(world, "SELECT name FROM customers");
	assert_false(world->bound.query.continuous || world->bound.query.ordered);
	assert_int_equal(world->bound.query.limit, -1);
	bind_well(world, "CREATE MATERIALIZED VIEW v AS SELECT * FROM orders EMIT ON WINDOW CLOSE");
	assert_true(world->bound.create.query.emit_on_close && world->context.emit_on_close && world->bound.create.relation->emit_on_close);
}

/* ---- definitions ---- */

static const struct { const char *sql, *kept, *identity; RelationKind kind; } DEFINITIONS[] = {
	{"CREATE TABLE t1 (a INT, `at` TIMESTAMP(3), WATERMARK FOR `at` AS `at` - INTERVAL '1' SECOND) WITH ('connector' = 'kafka', 'topic' = 't', "
		"'properties.bootstrap.servers' = 'b:1', 'scan.startup.mode' = 'earliest-offset', 'value.format' = 'json')",
		"CREATE STREAM t1 (a INT, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '1' SECOND) WITH (brokers = 'b:1', connector = 'kafka', format = 'json', "
		"start = 'earliest', topic = 't')",
		"CREATE STREAM t1 (a INT, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '1' SECOND) WITH (connector = 'kafka', format = 'json', "
		"start = 'earliest', topic = 't')", RELATION_STREAM},
	{"CREATE SOURCE t2 (a INT) INCLUDE OFFSET AS off WITH (connector = 'kafka', topic = 't', properties.bootstrap.server = 'b:1') FORMAT PLAIN ENCODE JSON",
		"CREATE STREAM t2 (a INT, off INTEGER METADATA FROM 'offset') WITH (brokers = 'b:1', connector = 'kafka', format = 'json', topic = 't')",
		NULL, RELATION_STREAM},
	{"CREATE STREAM t3 (id INT KEY, at VARCHAR) WITH (KAFKA_TOPIC = 't', VALUE_FORMAT = 'JSON', TIMESTAMP = 'at', BROKERS = 'b:1')",
		"CREATE STREAM t3 (id INT, at VARCHAR) WITH (brokers = 'b:1', connector = 'kafka', event_time = 'at', format = 'json', key_fields = 'id', key_format = 'raw', "
		"topic = 't', value_fields = 'except_key')", NULL, RELATION_STREAM},
	{"CREATE TABLE t4 (id INT PRIMARY KEY, v INT) WITH (connector = 'kafka', topic = 't', brokers = 'b:1', changelog = 'upsert')", NULL, NULL, RELATION_TABLE},
	{"CREATE TABLE t5 (a INT)", "CREATE TABLE t5 (a INT)", NULL, RELATION_TABLE},
	{"CREATE STREAM t6 (a INT)", "CREATE STREAM t6 (a INT)", NULL, RELATION_STREAM},
	{"CREATE STREAM t7 (a INT PRIMARY KEY)", "CREATE TABLE t7 (a INT PRIMARY KEY)", NULL, RELATION_TABLE},
	{"CREATE TABLE t8 (at TIMESTAMP, WATERMARK FOR at AS at)", "CREATE STREAM t8 (at TIMESTAMP, WATERMARK FOR at AS at)", NULL, RELATION_STREAM},
	{"CREATE TABLE t9 (a INT) WITH (connector = 'blackhole')", NULL, NULL, RELATION_SINK},
	{"CREATE TABLE u1 (b TEXT) LIKE t5", "CREATE TABLE u1 (a INT, b TEXT)", NULL, RELATION_TABLE},
	{"CREATE VIEW v1 AS SELECT *, score+1 FROM customers", "CREATE VIEW v1 AS SELECT customers.name, customers.city, customers.score, score + 1 AS \"score+1\" FROM customers",
		NULL, RELATION_VIEW},
	{"CREATE MATERIALIZED VIEW v2 WITH (retention = '1 day') AS SELECT * FROM (SELECT name AS a FROM customers), (SELECT city AS b FROM rates)",
		"CREATE MATERIALIZED VIEW v2 WITH (retention = '1d') AS SELECT t1.a, t2.b FROM (SELECT name AS a FROM customers) AS t1, (SELECT city AS b FROM rates) AS t2",
		"CREATE MATERIALIZED VIEW v2 AS SELECT t1.a, t2.b FROM (SELECT name AS a FROM customers) AS t1, (SELECT city AS b FROM rates) AS t2", RELATION_MATERIALIZED},
	{"CREATE MATERIALIZED VIEW v3 (x, y) AS SELECT * FROM customers NATURAL JOIN rates WHERE score > 1 EMIT CHANGES", NULL, NULL, RELATION_MATERIALIZED},
	{"CREATE TABLE v4 AS SELECT WINDOWSTART AS s, customer, count(*) AS n FROM orders WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY customer EMIT CHANGES",
		"CREATE MATERIALIZED VIEW v4 AS SELECT WINDOWSTART AS s, customer, count(*) AS n FROM orders WINDOW TUMBLING (SIZE INTERVAL '10' SECOND) GROUP BY customer "
		"EMIT CHANGES", NULL, RELATION_MATERIALIZED},
	{"CREATE SINK k1 FROM customers WITH (connector = 'file', path = '/p')",
		"CREATE SINK k1 AS SELECT customers.name, customers.city, customers.score FROM customers WITH (connector = 'file', path = '/p')", NULL, RELATION_SINK},
	{"INSERT INTO pit SELECT score, name FROM customers", "CREATE SINK insert_1 INTO pit AS SELECT score, name FROM customers",
		"INSERT INTO pit SELECT score, name FROM customers", RELATION_SINK},
	{"INSERT INTO pit (b) SELECT name FROM customers", "CREATE SINK insert_2 INTO pit AS SELECT NULL AS a, c1 AS b FROM (SELECT name FROM customers) AS source (c1)",
		NULL, RELATION_SINK},
};

static void definitions_have_one_form_that_binds_again(void **state)
{
	World *world = *state;
	for (size_t i = 0; i < sizeof DEFINITIONS / sizeof *DEFINITIONS; i++) {
		if (i == 12) {
			assert_false(bind(world, DEFINITIONS[i].sql));           /* four columns, two names */
			assert_int_equal(world->err.code, ERR_INVALID_DEFINITION);
			continue;
		}
		Relation *relation = define(world, DEFINITIONS[i].sql);
		assert_int_equal(relation->kind, DEFINITIONS[i].kind);
		if (DEFINITIONS[i].kept) assert_string_equal(relation->sql, DEFINITIONS[i].kept);
		if (DEFINITIONS[i].identity) assert_string_equal(relation->identity, DEFINITIONS[i].identity);
		PlanContext context = {.arena = &world->arena};
		Error err = ERROR_INIT;
		BoundQuery query = {0};
		Relation *again = bind_relation_text(relation->sql, relation->id, world->catalog, &world->settings, &context, &query, &err);
		if (!again) fail_msg("%s\ndoes not bind again: %s", relation->sql, err.message);
		assert_string_equal(again->sql, relation->sql);
		assert_string_equal(again->identity, relation->identity);
		assert_int_equal(again->id, relation->id);
		assert_int_equal(again->column_count, relation->column_count);
		assert_int_equal(query.plan != NULL, relation->query_sql != NULL);
		relation_unref(again);
	}
}

static void create_says_how_it_stands_to_what_exists(void **state)
{
	World *world = *state;
	define(world, "CREATE STREAM k (a INTEGER) WITH (connector = 'kafka', topic = 't', brokers = 'b:1')");
	static const struct { const char *sql; bool repeats; BoundCreateOutcome outcome; } CASES[] = {
		{"CREATE STREAM fresh (a INTEGER)", false, CREATE_NEW},
		{"CREATE STREAM IF NOT EXISTS k (b TEXT)", false, CREATE_EXISTS},
		{"CREATE OR REPLACE STREAM k (a INTEGER) WITH (topic = 't', connector = 'kafka', brokers = 'b:1')", false, CREATE_SAME},
		{"CREATE STREAM k (a INTEGER) WITH (connector = 'kafka', topic = 't', brokers = 'b:1')", true, CREATE_SAME},
		{"CREATE STREAM k (a INTEGER) WITH (connector = 'kafka', topic = 't', brokers = 'c:1')", true, CREATE_OPTIONS},
		{"CREATE OR REPLACE STREAM k (a INTEGER) WITH (connector = 'kafka', topic = 'other', brokers = 'b:1')", false, CREATE_REPLACE},
		{"CREATE OR REPLACE STREAM k (a INTEGER, b TEXT) WITH (connector = 'kafka', topic = 't', brokers = 'b:1')", false, CREATE_REPLACE},
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		world->settings.repeats_pass = CASES[i].repeats;
		bind_well(world, CASES[i].sql);
		if (world->bound.create.outcome != CASES[i].outcome) fail_msg("%s\nis %d", CASES[i].sql, world->bound.create.outcome);
	}
	world->settings.repeats_pass = true;
	assert_false(bind(world, "CREATE STREAM k (other INTEGER) WITH (connector = 'kafka', topic = 't', brokers = 'b:1')"));
	assert_int_equal(world->err.code, ERR_DUPLICATE_TABLE);
}

static void a_session_fills_in_brokers_and_start(void **state)
{
	World *world = *state;
	world->settings.brokers = "session:9092";
	world->settings.start = "earliest";
	Relation *relation = define(world, "CREATE STREAM k (a INTEGER) WITH (connector = 'kafka', topic = 't')");
	assert_string_equal(relation_option(relation, "brokers"), "session:9092");
	assert_string_equal(relation_option(relation, "auto.offset.reset"), "earliest");
	relation = define(world, "CREATE STREAM l (a INTEGER) WITH (connector = 'kafka', topic = 't', brokers = 'own:1', start = 'latest')");
	assert_string_equal(relation_option(relation, "brokers"), "own:1");
	assert_null(relation_option(relation, "auto.offset.reset"));
}

static void relations_know_their_keys_times_and_expressions(void **state)
{
	World *world = *state;
	Relation *relation = define(world, "CREATE STREAM n (kind INT, p ROW<at TIMESTAMP, x INT>, q ROW<at TIMESTAMP>, "
		"at AS CASE WHEN kind = 0 THEN p.at ELSE q.at END, WATERMARK FOR at AS at - INTERVAL '4' SECOND) WITH (connector = 'nexmark')");
	assert_int_equal(relation->watermark_column, 3);
	assert_int_equal(relation->watermark_delay_us, 4000000);
	assert_int_equal(relation->columns[3].kind, COLUMN_COMPUTED);
	assert_int_equal(relation->columns[3].type.kind, TYPE_TIMESTAMP);
	assert_int_equal(relation->input_count, 3);               /* kind, p.at, q.at: not p.x */
	assert_int_equal(relation->inputs[1].path.column, 1);
	assert_string_equal(relation->inputs[1].path.fields[0], "at");
	relation = define(world, "CREATE TABLE k (a INT, b INT NOT NULL DEFAULT 7, c TEXT, PRIMARY KEY (c, a), UNIQUE (b), CHECK (b > a))");
	assert_int_equal(relation->primary_key_count, 2);
	assert_int_equal(relation->primary_key[0], 2);
	assert_true(relation->columns[0].not_null && relation->columns[1].not_null);
	assert_int_equal(relation->columns[1].default_value->constant.i64, 7);
	assert_int_equal(relation->unique_count, 1);
	assert_string_equal(relation->checks[0].sql, "b > a");
	assert_int_equal(relation->input_count, 2);
	relation = define(world, "CREATE STREAM r (id INT) WITH (kafka_topic = 't', brokers = 'b:1')");
	assert_string_equal(relation->columns[1].name, "ROWTIME");
	assert_true(relation->columns[1].hidden);
	assert_int_equal(relation->watermark_column, 1);
	bind_well(world, "SELECT * FROM r");
	assert_int_equal(world->bound.query.column_count, 1);
}

static void definitions_depend_on_what_they_name(void **state)
{
	World *world = *state;
	Relation *low = define(world, "CREATE VIEW low AS SELECT * FROM customers");
	Relation *high = define(world, "CREATE MATERIALIZED VIEW high AS SELECT count(*) AS n FROM low");
	Relation *sink = define(world, "INSERT INTO pit SELECT n, 'x' FROM high");
	assert_int_equal(high->depends[0], low->id);
	assert_int_equal(high->depends[1], catalog_find(world->catalog, "customers")->id);
	assert_int_equal(sink->depends[0], catalog_find(world->catalog, "pit")->id);
	assert_false(bind(world, "DROP TABLE customers"));
	assert_int_equal(world->err.code, ERR_DEPENDENT_OBJECTS);
	bind_well(world, "DROP TABLE customers CASCADE");
	static const char *const ORDER[] = {"insert_1", "high", "low", "customers"};
	assert_int_equal(world->bound.drop.count, 4);
	for (int i = 0; i < 4; i++) assert_string_equal(world->bound.drop.relations[i]->name, ORDER[i]);
	assert_false(bind(world, "CREATE OR REPLACE VIEW low AS SELECT n AS name FROM high"));
	assert_int_equal(world->err.code, ERR_INVALID_DEFINITION);
}

static void a_hint_makes_a_relation_of_its_own(void **state)
{
	World *world = *state;
	bind_well(world, "SELECT kind FROM events /*+ OPTIONS('scan.startup.mode' = 'latest-offset') */");
	const Relation *scanned = world->bound.query.plan->inputs[0]->relation, *events = catalog_find(world->catalog, "events");
	assert_ptr_not_equal(scanned, events);
	assert_ptr_equal(scanned->derived_from, events);
	assert_string_equal(relation_option(scanned, "start"), "latest");
	assert_null(relation_option(events, "start"));
	assert_ptr_equal(world->bound.query.reads[0], events);
}

/* ---- changes ---- */

static void values_are_folded_into_rows(void **state)
{
	World *world = *state;
	bind_well(world, "INSERT INTO customers VALUES ('a', DEFAULT, -3), ('b', 'long enough to lie outside of its value', NULL)");
	const Plan *plan = world->bound.insert.source.plan;
	assert_int_equal(plan->kind, PLAN_VALUES);
	assert_int_equal(plan->row_count, 2);
	assert_memory_equal(str_at(&plan->values[1].str), "nowhere", 7);
	assert_int_equal(plan->values[2].i64, -3);
	assert_memory_equal(str_at(&plan->values[4].str), "long enough", 11);
	assert_true(plan->values[5].is_null);
	bind_well(world, "INSERT INTO orders (price) VALUES (12345678.91)");
	StrBuf text = STRBUF_INIT;
	value_print(&world->bound.insert.source.plan->inputs[0]->values[0], &text);
	assert_string_equal(text.text, "12345678.91");
	strbuf_release(&text);
}

static void on_conflict_sees_the_old_row_and_the_new_one(void **state)
{
	World *world = *state;
	bind_well(world, "INSERT INTO customers AS c VALUES ('a', 'b', 1) ON CONFLICT (name) DO UPDATE SET score = score + excluded.score, city = 'x' "
		"WHERE c.score < excluded.score RETURNING name, score + 1 AS next");
	const BoundInsert *insert = &world->bound.insert;
	assert_int_equal(insert->conflict_count, 1);
	const BoundConflict *conflict = &insert->conflicts[0];
	assert_true(conflict->update && !conflict->any);
	assert_int_equal(conflict->set_count, 2);
	assert_int_equal(conflict->set_columns[0], 1);
	const Expr *sum = conflict->set_values[1];
	assert_int_equal(sum->args[0]->column, conflict->old_columns[2]);
	assert_int_equal(sum->args[1]->column, conflict->excluded_columns[2]);
	assert_non_null(conflict->where);
	assert_int_equal(insert->returning_count, 2);
	assert_int_equal(insert->returning[0]->column, insert->row_columns[0]);
	assert_string_equal(insert->returning_columns[1].name, "next");
}

static void a_change_gives_old_row_new_row_and_what_is_returned(void **state)
{
	World *world = *state;
	bind_well(world, "UPDATE customers SET score = CAST(r.rate AS INTEGER) * 2, city = DEFAULT FROM rates r WHERE r.city = customers.city RETURNING name, rate");
	const BoundChange *change = &world->bound.change;
	assert_int_equal(change->plan->column_count, 3 + 3 + 2);
	assert_int_equal(change->plan->columns[5].type.kind, TYPE_INTEGER);
	assert_int_equal(change->returning_count, 2);
	assert_int_equal(change->read_count, 1);
	assert_string_equal(change->reads[0]->name, "rates");
	assert_string_equal(change->target->name, "customers");
}

static void alter_binds_the_changed_definition(void **state)
{
	static const struct { const char *sql, *kept; } CASES[] = {
		{"ALTER TABLE customers ADD COLUMN since DATE", "CREATE TABLE customers (name TEXT PRIMARY KEY, city TEXT DEFAULT 'nowhere', score INTEGER, since DATE)"},
		{"ALTER TABLE customers DROP COLUMN city", "CREATE TABLE customers (name TEXT PRIMARY KEY, score INTEGER)"},
		{"ALTER TABLE customers RENAME COLUMN score TO points", "CREATE TABLE customers (name TEXT PRIMARY KEY, city TEXT DEFAULT 'nowhere', points INTEGER)"},
		{"ALTER TABLE sums RENAME COLUMN a TO c", "CREATE TABLE sums (c INTEGER, b INTEGER AS (c * 2), CHECK (c > 0))"},
		{"ALTER STREAM events SET (topic = 'f')", NULL},
		{"ALTER STREAM events RENAME COLUMN kind TO type", NULL},
	};
	World *world = *state;
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		bind_well(world, CASES[i].sql);
		assert_int_equal(world->bound.alter.replacement->id, world->bound.alter.relation->id);
		if (CASES[i].kept) assert_string_equal(world->bound.alter.replacement->sql, CASES[i].kept);
	}
	assert_string_equal(world->bound.alter.replacement->columns[0].json_path, "$.\"kind\"");
	assert_int_equal(world->bound.alter.column_from[0], 0);
	assert_false(bind(world, "ALTER TABLE customers DROP COLUMN nothing"));
	bind_well(world, "ALTER STREAM events SET (idle_timeout = '1 minute')");
	assert_true(world->bound.alter.same_reading);
}

/* ---- the catalog ---- */

static void the_catalog_finds_relations_ignoring_case(void **state)
{
	World *world = *state;
	assert_non_null(catalog_find(world->catalog, "ORDERS"));
	assert_null(catalog_find(world->catalog, "order"));
	assert_string_equal(catalog_nearest(world->catalog, "custmers"), "customers");
	assert_null(catalog_nearest(world->catalog, "x"));
	Relation *orders = catalog_find(world->catalog, "orders");
	assert_ptr_equal(catalog_find_id(world->catalog, orders->id), orders);
	assert_int_equal(relation_column_find(orders, "PRICE"), 2);
	assert_int_equal(relation_column_find(orders, "cost"), -1);
	assert_true(relation_is_local(orders));
	assert_false(relation_is_local(catalog_find(world->catalog, "events")));
	int64_t version = world->catalog->version;
	catalog_remove(world->catalog, orders->id);
	assert_null(catalog_find(world->catalog, "orders"));
	assert_true(world->catalog->version > version);
}

int main(void)
{
#define WITH_SHOP(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH_SHOP(statements_become_plans),
		WITH_SHOP(what_is_wrong_is_named_and_pointed_at),
		WITH_SHOP(result_columns_are_named_as_sqlite_names_them),
		WITH_SHOP(a_query_says_what_it_reads_and_how_it_ends),
		WITH_SHOP(definitions_have_one_form_that_binds_again),
		WITH_SHOP(create_says_how_it_stands_to_what_exists),
		WITH_SHOP(a_session_fills_in_brokers_and_start),
		WITH_SHOP(relations_know_their_keys_times_and_expressions),
		WITH_SHOP(definitions_depend_on_what_they_name),
		WITH_SHOP(a_hint_makes_a_relation_of_its_own),
		WITH_SHOP(values_are_folded_into_rows),
		WITH_SHOP(on_conflict_sees_the_old_row_and_the_new_one),
		WITH_SHOP(a_change_gives_old_row_new_row_and_what_is_returned),
		WITH_SHOP(alter_binds_the_changed_definition),
		WITH_SHOP(the_catalog_finds_relations_ignoring_case),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
