/* From SQL to plans to operators: what rules make of a query, what is known of its result, what it is lowered to. Each case says what EXPLAIN
 * must show, in this order, one piece a line; a piece that begins with ! must not be there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ast/parse.h"
#include "bind/bind.h"
#include "plan/lower.h"
#include "plan/rules.h"

static const char DECLARATIONS[] =
	"create stream s (k bigint, v bigint, at timestamp not null, watermark for at as at - interval '5 seconds');"
	"create stream r (k bigint, v bigint, at timestamp not null, watermark for at as at - interval '5 seconds');"
	"create stream e (kind integer, bid row<auction bigint, price bigint>, at timestamp, watermark for at as at - interval '4 seconds') "
	"with (connector = 'kafka', topic = 't', brokers = 'localhost:9092', format = 'json');"
	"create stream o (k bigint, at timestamp not null, until timestamp, watermark for at as at);"
	"create stream p (k bigint, t as proctime());"
	"create table a (id bigint primary key, k bigint, v bigint not null, name text);"
	"create table b (id bigint primary key, k bigint, v bigint, x double);"
	"create table ver (k bigint primary key, x bigint, at timestamp, watermark for at as at);"
	"create view bid as select bid.auction, bid.price, at from e where kind = 2;";

/* ---- the ground: a catalog, a statement, its text ---- */

typedef struct Ground { Catalog *catalog; Arena arena; int64_t next_id; } Ground;

typedef struct Explained {
	StrBuf text;                  /* the rewritten plan with facts, then the operators */
	Error err;
	Lowered *lowered;
	int warnings;
} Explained;

static Plan *bind(Ground *ground, const char *sql, PlanContext *context, BoundStatement *bound, Error *err)
{
	AstStatement *statement = parse_statement(sql, 0, strlen(sql), &ground->arena, err);
	BindSettings settings = {0};
	if (!statement || !bind_statement(statement, ground->catalog, &settings, context, bound, err)) return NULL;
	return bound->kind == BOUND_CREATE ? bound->create.query.plan : bound->query.plan;
}

static void declare(Ground *ground, const char *script)
{
	size_t offset = 0, start, end, bytes = strlen(script);
	while (parse_next_statement(script, bytes, &offset, &start, &end)) {
		Error err = ERROR_INIT;
		PlanContext context = {.arena = &ground->arena};
		BoundStatement bound = {0};
		bind(ground, arena_strndup(&ground->arena, script + start, end - start), &context, &bound, &err);
		if (err.code) fail_msg("%s", err.message);
		bound.create.relation->id = ground->next_id++;
		catalog_add(ground->catalog, relation_ref(bound.create.relation));
		bound_release(&bound);
	}
}

static Explained explain(Ground *ground, const char *sql, uint64_t rules_off)
{
	Explained explained = {.text = STRBUF_INIT, .err = ERROR_INIT};
	PlanContext context = {.arena = &ground->arena, .rules_off = rules_off};
	BoundStatement bound = {0};
	Plan *plan = bind(ground, sql, &context, &bound, &explained.err);
	if (plan) plan = plan_optimize(&context, plan, &explained.err);
	if (plan) plan_print(plan, true, &explained.text);
	if (plan) explained.lowered = plan_lower(&context, plan, &explained.err);
	if (explained.lowered) lowered_print(explained.lowered, &explained.text);
	explained.warnings = context.warnings.count;
	bound_release(&bound);
	return explained;
}

static void explained_release(Explained *explained)
{
	strbuf_release(&explained->text);
	lowered_free(explained->lowered, true);
}

static int set_up(void **state)
{
	Ground *ground = mem_new(Ground);
	ground->catalog = catalog_new();
	ground->next_id = 1;
	arena_init(&ground->arena, 0);
	declare(ground, DECLARATIONS);
	*state = ground;
	return 0;
}

static int tear_down(void **state)
{
	Ground *ground = *state;
	catalog_free(ground->catalog);
	arena_release(&ground->arena);
	free(ground);
	return 0;
}

/* ---- cases ---- */

typedef struct Case { const char *sql, *shows; } Case;

static void check_line(const char *sql, const char *line, const char *text, const char **from)
{
	if (*line == '!') {
		if (strstr(text, line + 1)) fail_msg("%s\nmust not show \"%s\":\n%s", sql, line + 1, text);
		return;
	}
	const char *found = strstr(*from, line);
	if (!found) fail_msg("%s\nshows no \"%s\" (behind the lines before):\n%s", sql, line, text);
	*from = found + strlen(line);
}

static void check_case(Ground *ground, const Case *each)
{
	Explained explained = explain(ground, each->sql, 0);
	if (explained.err.code) fail_msg("%s\n%s", each->sql, explained.err.message);
	char *lines = mem_strdup(each->shows);
	const char *from = explained.text.text;
	for (char *line = lines, *next; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next) *next++ = '\0';
		check_line(each->sql, line, explained.text.text, &from);
	}
	free(lines);
	explained_release(&explained);
}

#define CHECK_ALL(cases) do { \
	for (size_t i_ = 0; i_ < sizeof (cases) / sizeof *(cases); i_++) check_case(*state, &(cases)[i_]); \
} while (0)

static void scans_read_what_is_used_and_filters_stand_at_the_scans(void **state)
{
	static const Case CASES[] = {
		{"select id from a where v > 1 + 2", "Filter (v#3 > 3)\nScan a [id#1, v#3]\nproject (v > 3)"},
		{"select count(*) from s", "Scan s []\naggregate all rows"},
		{"select auction from bid where price > 7", "Filter ((kind#1 = 2) AND (price#4 > 7))\nScan e [kind#1, auction#3, price#4]\n!at#"},
		{"select * from (select k, v + 1 as w from s) where w > 3", "Filter ((v#2 + 1) > 3)\nScan s"},
		{"select a.id from a, b where a.k = b.k and b.v = 3 and a.v < 2", "Join inner ON (k#2 = k#6)\nFilter (v#3 < 2)\nScan a\nFilter (v#7 = 3)\nScan b"},
		{"select k, n from (select k, count(*) as n from a group by k) where k = 1 and n > 2", "Filter (count#5 > 2)\nAggregate BY\nFilter (k#2 = 1)\nScan a"},
		{"select k, n from (select k, count(*) as n from a group by k) where k = 1", "Aggregate BY\nFilter (k#2 = 1)\nScan a"},
		{"select x from (select k as x from s union all select v from r) where x = 2", "Union all\nFilter (k#1 = 2)\nFilter (v#5 = 2)"},
		{"select id from a where 1 = 1 and v > 0 or false", "Filter (v#3 > 0)\n!TRUE"},
		{"select a.id from a left join b on a.k = b.k where b.v > 1", "Join inner ON"},
		{"select a.id from a left join b on a.k = b.k where b.v is null", "Filter (v#7 IS NULL)\nJoin left ON"},
		{"select a.id from a full join b on a.k = b.k where a.v = 1", "Join left ON"},
		{"select a.id from a join b on a.k = b.k where a.k = 4", "Filter (k#2 = 4)\nFilter (k#6 = 4)"},
	};
	CHECK_ALL(CASES);
}

static void joins_follow_the_equalities(void **state)
{
	static const Case CASES[] = {
		{"select x.id from a x, a y, b z where x.k = z.k and z.v = y.id", "Join inner ON (v#11 = id#5)\nJoin inner ON (k#2 = k#10)\n!Join inner  "},
		{"select x.id from a x, a y, b z where x.k = y.k and y.v = z.id", "Join inner ON (v#7 = id#9)\nJoin inner ON (k#2 = k#6)"},
		{"select a.id from a join b on a.v = b.x", "Join inner ON (v#3 = x#8)\njoin inner on CAST(v AS REAL)"},
	};
	CHECK_ALL(CASES);
}

static void subqueries_become_joins(void **state)
{
	static const Case CASES[] = {
		{"select id from a where exists (select 1 from b where b.k = a.k and b.v > a.v)", "Join semi ON ((k#6 = k#2) AND (v#7 > v#3))\njoin semi on k"},
		{"select id from a where not exists (select 1 from b where b.k = a.k)", "Join anti ON (k#6 = k#2)"},
		{"select id from a where k in (select k from b)", "Join semi ON (k#2 = k#6)"},
		{"select id from a where v not in (select id from b)", "Join anti ON (v#3 = id#5)\n!IS NOT FALSE"},
		{"select id from a where k not in (select k from b)", "is_empty\nJoin anti ON (k#2 = k#6)\nhas_null"},
		{"select id from a where k not in (select k from b where b.v = a.v)", "Join anti ON (((k#2 = k#6) IS NOT FALSE) AND (v#7 = v#3))"},
		{"select id from a where v > all (select v from b where b.k = a.k)", "Join anti ON (((v#3 > v#7) IS NOT TRUE) AND (k#6 = k#2))"},
		{"select id, (select count(*) from b where b.k = a.k) as n from a", "CASE WHEN\nELSE 0 END\nJoin left ON\nAggregate BY k#6"},
		{"select id, (select max(v) from b where b.k < a.k) from a", "Join left ON (k#2 IS\nAggregate BY\nJoin inner ON (k#6 <\nAggregate BY\nScan a"},
		{"select id, (select v from b where b.id = a.k) from a", "Join left ON\n!Single"},
		{"select id, (select v from b where b.k = a.k) from a", "Join left ON\nSingle PER k#6\nsingle from"},
		{"select id, (select v from b where b.k = a.k order by v limit 1) from a", "Join left ON\nTop PARTITION BY k#6 ORDER BY v#7 LIMIT 1"},
		{"select id from a where v > (select avg(v) from b)", "Join inner ON\n!Join left\n!Single"},
		{"select id, (select a.v + 1) from a", "(v#3 + 1)\n!Join"},
		{"select a.id, x.m from a, lateral (select max(v) as m from b where b.k = a.k) x", "Join left ON\nAggregate BY k#6"},
		{"select a.id, x.z from a, lateral (select a.v + b.v as z from b where b.k = a.k) x", "(v#3 + v#7)\nJoin inner ON (k#6 = k#2)"},
		{"select case when k in (select k from b) then 1 else 0 end from a", "THEN NULL ELSE FALSE\n!count("},
		{"select id from a where v = 1 or exists (select 1 from b where b.id = a.v)", "Filter\nJoin left ON\nAggregate BY id#5"},
	};
	CHECK_ALL(CASES);
}

static void watermarks_go_where_nothing_earlier_can_come(void **state)
{
	static const Case CASES[] = {
		{"select k, at from s", "watermark at#3}"},
		{"select window_end, count(*) from tumble(s, at, interval '1 minute') group by window_end",
			"watermark window_end#5 inclusive}\nAggregate BY window_end#5\nbounded: watermark of window_end\n"
			"watermark window_end#5 inclusive; watermark window_time#6 less 1 millisecond inclusive; watermark window_start#4 less 1 minute inclusive; watermark at#3"},
		{"select window_start, count(*) from hop(s, at, interval '1 minute', interval '5 minutes') group by window_start", "watermark window_start#4 less 5 minutes inclusive"},
		{"select at, count(*) from s group by at", "Aggregate BY at#3\n!watermark at#3 inclusive\nbounded: one entry a group"},
		{"select at, k from s union all select at, k from r", "Union all\nwatermark at#7"},
		{"select s.k, r.v from s join r on s.k = r.k and r.at between s.at - interval '1 minute' and s.at + interval '10 seconds'",
			"watermark at#3 less 10 seconds; watermark at#6 less 1 minute; bounded: watermark of at\njoin inner interval on k"},
		{"select o.k, r.v, o.at, r.at as q from o join r on o.k = r.k and r.at between o.at and o.until", "watermark at#6; bounded: watermark of at\njoin inner interval on k"},
		{"select o.k, r.v from r join o on o.k = r.k and o.until > r.at and r.at + interval '1 second' >= o.at", "bounded: watermark of at\njoin inner interval on k"},
		{"select o.k, r.v from o join r on o.k = r.k and r.at <= o.until", "unbounded: both sides keep every row of a stream"},
		{"select o.k, r.v from o join r on o.k = r.k and r.at >= o.until and r.at <= o.at", "unbounded: both sides keep every row of a stream"},
		{"select s.at, r.at as q from s join r on s.k = r.k", "unbounded: both sides keep every row of a stream\n!{append-only; watermark at#3; unbounded"},
		{"select * from session(s partition by k, at, interval '5 seconds')", "{updating; watermark window_end#5; watermark window_time#6 less 1 millisecond; bounded: watermark of at}"},
		{"select window_end, sum(n) from tumble((select window_time as wt, count(*) as n from tumble(s, at, interval '1 minute') "
			"group by window_end, window_time), wt, interval '1 hour') group by window_end", "watermark window_end#9 inclusive}"},
		{"select window_end, count(*) from tumble(p, t, interval '1 minute') group by window_end", "bounded: watermark of window_end\n1 project from 0; append-only; watermark on"},
		{"select k, x from ver", "!watermark at"},
		{"select s.at, ver.x from s join ver for system_time as of s.at on s.k = ver.k", "watermark at#3}\nJoin inner as of at#3"},
		{"select s.at, ver.x from s left join ver for system_time as of proctime() on s.k = ver.k", "{append-only; watermark at#3}"},
	};
	CHECK_ALL(CASES);
}

static void hidden_columns_travel_only_where_somebody_reads_them(void **state)
{
	static const struct { const char *sql; bool judge, arrival, of_result; } CASES[] = {
		{"select k, at from s", true, false, true},                       /* for views made later */
		{"select k from s", false, false, false},
		{"select k, count(*) from s group by k", false, false, false},
		{"select window_end, count(*) from tumble(s, at, interval '1 minute') group by window_end", true, false, false},
		{"select * from (select *, row_number() over (partition by k order by v) as n from s) where n <= 3", false, true, false},
		{"select k, first_value(v) from s group by k", false, true, false},
		{"select k, max(v) from s group by k", false, false, false},
		{"select k, window_end from (select *, row_number() over (partition by window_end order by v) as n "
			"from tumble(s, at, interval '1 minute')) where n <= 3", true, true, false},
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		Explained explained = explain(*state, CASES[i].sql, 0);
		if (!explained.lowered) fail_msg("%s: %s", CASES[i].sql, explained.err.message);
		const LoweredScan *scan = &explained.lowered->scans.at[0];
		if (scan->want_judge != CASES[i].judge || scan->want_arrival != CASES[i].arrival || explained.lowered->has_judge != CASES[i].of_result)
			fail_msg("%s: judge %d, arrival %d, of the result %d", CASES[i].sql, scan->want_judge, scan->want_arrival, explained.lowered->has_judge);
		explained_release(&explained);
	}
}

static void what_drops_late_rows_hands_on_no_judge(void **state)
{
	Explained explained = explain(*state, "select window_end, count(*) from session(s partition by k, at, interval '3 seconds') group by window_end", 0);
	assert_non_null(explained.lowered);
	int sessions = 0;
	for (int i = 0; i < explained.lowered->ops.count; i++) {
		const Op *op = explained.lowered->ops.at[i];
		bool is_session = strcmp(op->class->name, "session") == 0;
		sessions += is_session;
		if (is_session) assert_true(op->drops_judge);
		if (strcmp(op->class->name, "input") == 0) assert_false(op->drops_judge);
	}
	assert_int_equal(sessions, 1);
	explained_release(&explained);
}

static void results_have_the_keys_that_follow(void **state)
{
	static const struct { const char *sql, *key; } CASES[] = {        /* columns by number; NULL: none */
		{"select id, v from a", "0"},
		{"select v, id from a where v > 3", "1"},
		{"select v from a", NULL},
		{"select k, count(*) from s group by k", "0"},
		{"select count(*) from s", ""},
		{"select a.id, b.id from a join b on a.k = b.k", "0 1"},
		{"select a.id, b.v from a join b on a.k = b.id", "0"},
		{"select a.id, b.v from a left join b on a.k = b.id", "0"},
		{"select a.id, b.id from a full join b on a.k = b.k", "0 1"},
		{"select a.id, a.name, count(*) from a join b on a.id = b.k group by a.id, a.name", "0"},
		{"select window_start, window_end, k, count(*) from tumble(s, at, interval '1 minute') group by window_start, window_end, k", "0 2"},
		{"select distinct k, v from s", "0 1"},
		{"select x, count(*) from b group by x", NULL},                   /* REAL is no key in the file */
		{"select * from (select k, v, row_number() over (partition by k order by v) as n from s) where n <= 3", "0 2"},
		{"select * from (select k, v, row_number() over (partition by k order by v) as n from s) where n = 1", "0"},
		{"select k, v from s limit 1", ""},
		{"select id from a where id = 3", ""},
		{"select k from a intersect select k from b", "0"},
		{"select k from a union all select k from b", NULL},
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		Explained explained = explain(*state, CASES[i].sql, 0);
		if (!explained.lowered) fail_msg("%s: %s", CASES[i].sql, explained.err.message);
		StrBuf key = STRBUF_INIT;
		for (int k = 0; k < explained.lowered->key_count; k++) strbuf_printf(&key, "%s%d", k ? " " : "", explained.lowered->key[k]);
		bool right = explained.lowered->has_key ? CASES[i].key && strcmp(key.text, CASES[i].key) == 0 : !CASES[i].key;
		if (!right) fail_msg("%s: key is (%s)%s", CASES[i].sql, key.text, explained.lowered->has_key ? "" : ", none");
		strbuf_release(&key);
		explained_release(&explained);
	}
}

static void what_is_only_added_to_is_append_only(void **state)
{
	static const struct { const char *sql; bool append_only; } CASES[] = {
		{"select k from s where v > 1", true}, {"select id from a", false}, {"select distinct k from s", true},
		{"select k, count(*) from s group by k", false}, {"select s.k from s join r on s.k = r.k", true},
		{"select s.k from s left join r on s.k = r.k", false}, {"select k from s union all select k from r", true},
		{"select k from s where exists (select 1 from r where r.k = s.k)", true},
		{"select k from s where not exists (select 1 from r where r.k = s.k)", false},
		{"select k from s except select k from r", false},
		{"select window_end, count(*) from tumble(s, at, interval '1 minute') group by window_end", false},
		{"select window_end, count(*) from tumble(s, at, interval '1 minute') group by window_end emit on window close", true},
		{"select * from s where at < now()", true}, {"select * from s where at > now() - interval '1 hour'", false},
		{"select s.k, ver.x from s join ver for system_time as of proctime() on s.k = ver.k", true},
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		Explained explained = explain(*state, CASES[i].sql, 0);
		if (!explained.lowered) fail_msg("%s: %s", CASES[i].sql, explained.err.message);
		if (explained.lowered->append_only != CASES[i].append_only) fail_msg("%s: append-only is %d", CASES[i].sql, explained.lowered->append_only);
		explained_release(&explained);
	}
}

static void emit_on_window_close_settles_rows_or_is_refused(void **state)
{
	static const Case CASES[] = {
		{"select window_end, count(*) from tumble(s, at, interval '1 minute') group by window_end emit on window close", "!Settle\naggregate by window_end"},
		{"select * from s where v > 1 emit on window close", "Settle at#3\nFilter\nsettle at from"},
		{"select * from tumble(s, at, interval '1 minute') emit on window close", "Settle window_end#5"},
		{"select l.k from tumble(s, at, interval '1 minute') l join tumble(r, at, interval '1 minute') q on l.window_end = q.window_end emit on window close",
			"Settle window_end#5\nJoin inner\njoin inner window on window_end"},
		{"select q.k from tumble(s, at, interval '1 minute') l right join tumble(r, at, interval '1 minute') q on l.window_end = q.window_end emit on window close",
			"Settle window_end#11\nJoin right"},
		{"select q.k from tumble(s, at, interval '1 minute') l full join tumble(r, at, interval '1 minute') q on l.window_end = q.window_end emit on window close",
			"Settle time#\ncoalesce(window_end#5, window_end#11)"},
		{"select k, row_number() over (partition by k order by at) from s emit on window close", "!Settle\nbounded: watermark of at"},
		{"select at, count(*) from s group by at emit on window close", "Aggregate BY at#3\nbounded: watermark of at"},
		{"select k, at from s union all select k, at from r emit on window close", "Settle at#\nUnion all"},
	};
	static const char *const REFUSED[] = {
		"select k, count(*) from s group by k emit on window close",
		"select id from a emit on window close",
		"select k from p emit on window close",
		"select s.k from s left join r on s.k = r.k emit on window close",
	};
	CHECK_ALL(CASES);
	for (size_t i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++) {
		Explained explained = explain(*state, REFUSED[i], 0);
		if (explained.err.code != ERR_UNSUPPORTED) fail_msg("%s is not refused", REFUSED[i]);
		assert_non_null(strstr(explained.err.message, "EMIT ON WINDOW CLOSE"));
		explained_release(&explained);
	}
}

static void time_moves_rows_in_and_out(void **state)
{
	static const Case CASES[] = {
		{"select * from s where at > now() - interval '1 hour'", "Moving (at#3 > (now() - INTERVAL 'PT1H')) CHANGING AT (at#3 + INTERVAL 'PT1H')\nmoving"},
		{"select * from s where at >= now() - interval '1 hour' and at < now()",
			"Moving ((at#3 >= (now() - INTERVAL 'PT1H')) AND (at#3 < now())) CHANGING AT ((at#3 + INTERVAL 'PT1H') + INTERVAL 'PT0.000001S'), (at#3 + INTERVAL 'PT0.000001S')"},
		{"select s.k from s join a on s.k = a.id where s.at > now() - interval '1 hour'", "Join inner\nMoving"},
		{"select s.k from s join a on s.k = a.id where s.at > now() or s.v = 1", "Join inner\nMoving"},
		{"select s.k from s join a on s.k = a.id where s.at > now() or s.v = a.id", "Moving\nJoin inner"},
		{"select k from s where at > now() and v = 1", "Moving\nFilter"},
		{"select * from e where at > now()", "Moving (at#5 > now()) CHANGING AT at#5\n!Filter"},
		{"select k, count(*) filter (where at > now()) from s group by k", "Aggregate BY k#1\nMoving (at#3 > now()) AS #"},
	};
	static const char *const REFUSED[] = {
		"select * from s where extract(hour from now()) = v",
		"select * from s where at > now() + (at - now())",
	};
	CHECK_ALL(CASES);
	for (size_t i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++) {
		Explained explained = explain(*state, REFUSED[i], 0);
		if (explained.err.code != ERR_UNSUPPORTED) fail_msg("%s is not refused", REFUSED[i]);
		explained_release(&explained);
	}
}

static void the_first_few_are_a_top_n(void **state)
{
	static const Case CASES[] = {
		{"select * from (select *, row_number() over (partition by k order by v desc) as n from s) where n <= 3", "Top PARTITION BY k#1 ORDER BY v#2 DESC LIMIT 3 AS n#4\n!Over"},
		{"select k from (select *, row_number() over (partition by k order by v) as n from s) where n = 2", "LIMIT 1 OFFSET 1\n! AS n#"},
		{"select k from (select *, row_number() over (partition by k order by v) as n from s) where n between 2 and 4 and v > 1", "Filter (v#2 > 1)\nLIMIT 3 OFFSET 1"},
		{"select * from (select *, rank() over (order by v) as n from s) where 3 > n", "RANKED BY rank LIMIT 2"},
		{"select * from (select *, dense_rank() over (order by v) as n from s) where n = 2", "Filter (n#4 >= 2)\nRANKED BY dense_rank LIMIT 2"},
		{"select * from (select *, row_number() over (order by v) as n from s) where n > 2", "Over\n!Top"},
		{"select id from a order by v limit 3 offset 2", "Top ORDER BY v#3 LIMIT 3 OFFSET 2"},
		{"select id from a order by v", "!Sort\n!Top\nScan a [id#1]"},
		{"select distinct on (k) k, v from s order by k, v desc", "Top PARTITION BY k#1"},
	};
	CHECK_ALL(CASES);
}

static void equal_subtrees_are_lowered_once(void **state)
{
	static const Case CASES[] = {
		{"select x.auction, x.n from (select auction, count(*) as n, window_start as ws, window_end as we from hop(bid, at, interval '2 seconds', interval '10 seconds') "
			"group by auction, window_start, window_end) x join (select max(n) as m, ws, we from (select count(*) as n, window_start as ws, window_end as we "
			"from hop(bid, at, interval '2 seconds', interval '10 seconds') group by auction, window_start, window_end) group by ws, we) y "
			"on x.ws = y.ws and x.we = y.we and x.n >= y.m",
			"0 input e\n1 filter\n2 aggregate by auction, window_start, window_end from 1\n3 aggregate by window_start, window_end from 2\n4 join inner window"},
		{"with c as (select k, count(*) as n from s group by k) select x.k, x.n, y.k, y.n from c x join c y on x.k = y.n", "0 input s\n1 aggregate by k from 0\n2 join inner on k from 1, 1"},
		{"select k from a union all select k from a", "0 input a\n1 union from 0, 0"},
	};
	static const int OPERATORS[] = {6, 3, 2};
	CHECK_ALL(CASES);
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		Explained explained = explain(*state, CASES[i].sql, 0);
		assert_int_equal(explained.lowered->ops.count, OPERATORS[i]);
		explained_release(&explained);
	}
}

static const LoweredNote *aggregate_of(const Explained *explained)
{
	const Lowered *lowered = explained->lowered;
	for (int n = 0; n < lowered->notes.count; n++)
		if (strcmp(lowered->notes.at[n].op->class->name, "aggregate") == 0) return &lowered->notes.at[n];
	fail();
	return NULL;
}

static void operators_that_do_the_same_have_one_identity_in_all_queries(void **state)
{
	static const struct { const char *first, *second; bool equal; } CASES[] = {
		{"select k, count(*) as n from a group by k", "select x.k from (select k, count(*) as m from a group by k) x join b on b.k = x.m", true},
		{"select k, count(*) as n from a group by k", "select k, count(*) as n from b group by k", false},
		{"select k, count(*) as n from a group by k", "select id, count(*) as n from a group by id", false},
		{"select k, count(*) as n from a where v = 1 group by k", "select k, count(*) as n from a where v = 2 group by k", false},
		{"select k, count(*) as n from a where v = 1 group by k", "select n from (select k, count(*) as n from a where v = 1 group by k)", true},
		{"select k, sum(v) from a group by k", "select k, sum(v), count(*) from a group by k", false},
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		Explained first = explain(*state, CASES[i].first, 0), second = explain(*state, CASES[i].second, 0);
		const LoweredNote *a = aggregate_of(&first), *b = aggregate_of(&second);
		assert_true(a->sharing == SHARED_BY_ROWS && b->sharing == SHARED_BY_ROWS);
		assert_int_equal(a->identity.low == b->identity.low && a->identity.high == b->identity.high, CASES[i].equal);
		explained_release(&first);
		explained_release(&second);
	}
}

/* Right above one local stream its rows, in their order, are all that counts: they are kept, and given to views made later as they came. */
static void what_depends_on_time_is_shared_by_history_or_order(void **state)
{
	static const struct { const char *sql; Sharing sharing; } CASES[] = {
		{"select count(*) from tumble(bid, at, interval '10 seconds') group by window_start, window_end", SHARED_BY_HISTORY},
		{"select count(*) from tumble(s, at, interval '10 seconds') group by window_start, window_end", SHARED_BY_ORDER},
		{"select k, max(at) from s group by k", SHARED_BY_ORDER},
		{"select k, first_value(v) from s group by k", SHARED_BY_ORDER},
		{"select s.k, max(s.at) from s join r on s.k = r.k group by s.k", SHARED_BY_HISTORY},
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		Explained explained = explain(*state, CASES[i].sql, 0);
		if (aggregate_of(&explained)->sharing != CASES[i].sharing) fail_msg("%s: %d", CASES[i].sql, aggregate_of(&explained)->sharing);
		explained_release(&explained);
	}
}

static void recursion_is_one_operator_with_others_inside(void **state)
{
	static const Case CASES[] = {
		{"with recursive t(id, k) as (select id, k from a where v = 0 union select a.id, a.k from a join t on a.k = t.id) select * from t",
			"Recursive #1\nStep input #1\n  4 project from 0\n  5 join inner on k from 2, 4\nrecurse from"},
		{"with recursive t(n) as (select 1 union all select n + 1 from t where n < 5) select * from t", "Recursive #1 all\nrecurse all from"},
	};
	CHECK_ALL(CASES);
}

static void state_that_grows_without_bound_is_warned_of(void **state)
{
	static const struct { const char *sql; int warnings; } CASES[] = {
		{"select s.k from s join r on s.k = r.k", 1}, {"select s.k from s join a on s.k = a.id", 1}, {"select a.k from a join b on b.k = a.id", 0},
		{"select k, count(*) from s group by k", 0}, {"select k, count(distinct v) from s group by k", 1},
		{"select k, sum(v) over (partition by k order by at) from s", 1}, {"select k, sum(v) over (partition by k order by at) from s emit on window close", 0},
		{"select * from session(s partition by k, at, interval '5 seconds')", 0},
		{"select s.k, ver.x from s join ver for system_time as of proctime() on s.k = ver.k", 0},
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		Explained explained = explain(*state, CASES[i].sql, 0);
		if (!explained.lowered) fail_msg("%s: %s", CASES[i].sql, explained.err.message);
		if (explained.warnings != CASES[i].warnings) fail_msg("%s: %d warnings", CASES[i].sql, explained.warnings);
		explained_release(&explained);
	}
}

static const char *const QUERIES[] = {
	"select a.id from a, b where a.k = b.k and b.v in (select v from a x where x.k = a.k) and a.v > (select avg(v) from b)",
	"select * from (select *, row_number() over (partition by k order by v) as n from s) where n <= 3",
	"select window_end, count(*) from tumble(s, at, interval '1 minute') where v > 1 group by window_end emit on window close",
	"select s.k from s join r on s.k = r.k and r.at between s.at and s.at + interval '1 minute' where s.v > 1 + 1",
	"select x.id from a x, a y, b z where x.k = z.k and z.v = y.id",
	"with recursive t(n) as (select 1 union all select n + 1 from t where n < 5) select * from t where n > 2",
	"select a.k, b.k from a full join b on a.k = b.k where a.v > 1 or b.v > 1 order by 1 limit 5",
};

static void every_optional_rule_can_be_switched_off(void **state)
{
	for (int rule = -1; rule <= RULE_COUNT; rule++)
		for (size_t i = 0; i < sizeof QUERIES / sizeof *QUERIES; i++) {
			Explained explained = explain(*state, QUERIES[i], rule < 0 ? 0 : rule == RULE_COUNT ? ~UINT64_C(0) : UINT64_C(1) << rule);
			if (!explained.lowered) fail_msg("%s without %s: %s", QUERIES[i], rule < RULE_COUNT ? RULES[rule].name : "all", explained.err.message);
			explained_release(&explained);
		}
}

static void the_same_plan_gives_the_same_graph(void **state)
{
	for (size_t i = 0; i < sizeof QUERIES / sizeof *QUERIES; i++) {
		Explained one = explain(*state, QUERIES[i], 0), two = explain(*state, QUERIES[i], 0);
		assert_true(one.lowered->graph_hash == two.lowered->graph_hash);
		for (size_t j = 0; j < i; j++) {
			Explained other = explain(*state, QUERIES[j], 0);
			assert_true(one.lowered->graph_hash != other.lowered->graph_hash);
			explained_release(&other);
		}
		explained_release(&one);
		explained_release(&two);
	}
}

static void deep_and_wide_statements_are_planned(void **state)
{
	StrBuf sql = STRBUF_INIT;
	for (int i = 0; i < 80; i++) strbuf_adds(&sql, "select id, k + 1 as k from (");
	strbuf_adds(&sql, "select id, k from a");
	for (int i = 0; i < 80; i++) strbuf_printf(&sql, ") x%d where k > %d", i, i);
	Explained deep = explain(*state, sql.text, 0);
	if (!deep.lowered) fail_msg("%s", deep.err.message);
	explained_release(&deep);
	strbuf_clear(&sql);
	strbuf_adds(&sql, "select t0.id from a t0");
	for (int i = 1; i < 60; i++) strbuf_printf(&sql, ", a t%d", i);
	strbuf_adds(&sql, " where t0.id = 1");
	for (int i = 1; i < 60; i++) strbuf_printf(&sql, " and t%d.k = t%d.id", i, i - 1);
	Explained wide = explain(*state, sql.text, 0);
	if (!wide.lowered) fail_msg("%s", wide.err.message);
	explained_release(&wide);
	strbuf_release(&sql);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scans_read_what_is_used_and_filters_stand_at_the_scans),
		cmocka_unit_test(joins_follow_the_equalities),
		cmocka_unit_test(subqueries_become_joins),
		cmocka_unit_test(watermarks_go_where_nothing_earlier_can_come),
		cmocka_unit_test(hidden_columns_travel_only_where_somebody_reads_them),
		cmocka_unit_test(what_drops_late_rows_hands_on_no_judge),
		cmocka_unit_test(results_have_the_keys_that_follow),
		cmocka_unit_test(what_is_only_added_to_is_append_only),
		cmocka_unit_test(emit_on_window_close_settles_rows_or_is_refused),
		cmocka_unit_test(time_moves_rows_in_and_out),
		cmocka_unit_test(the_first_few_are_a_top_n),
		cmocka_unit_test(equal_subtrees_are_lowered_once),
		cmocka_unit_test(operators_that_do_the_same_have_one_identity_in_all_queries),
		cmocka_unit_test(what_depends_on_time_is_shared_by_history_or_order),
		cmocka_unit_test(recursion_is_one_operator_with_others_inside),
		cmocka_unit_test(state_that_grows_without_bound_is_warned_of),
		cmocka_unit_test(every_optional_rule_can_be_switched_off),
		cmocka_unit_test(the_same_plan_gives_the_same_graph),
		cmocka_unit_test(deep_and_wide_statements_are_planned),
	};
	return cmocka_run_group_tests_name("plan", tests, set_up, tear_down);
}
