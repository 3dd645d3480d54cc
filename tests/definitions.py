#!/usr/bin/env python3
"""Definitions that change in a file with an external source, over runs: what stays the same keeps state and positions, what changes is built beside.

usage: definitions.py --weir WEIR
"""
import argparse, collections, json, os, sqlite3, subprocess, sys, tempfile, unittest

WEIR = None


class Definitions(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def write(self, name, text, mode="w"):
        with open(self.path(name), mode) as file:
            file.write(text)

    def weir(self, *arguments, code=0):
        done = subprocess.run([WEIR, *arguments], cwd=self.folder.name, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def run_script(self, script, *arguments, code=0):
        self.write("script.sql", script)
        return self.weir("run", "a.db", "-f", "script.sql", *arguments, code=code)

    def ask(self, query):
        with sqlite3.connect(self.path("a.db")) as db:
            return db.execute(query).fetchall()

    def change(self, statement):
        with sqlite3.connect(self.path("a.db")) as db:
            db.execute(statement)
        db.close()

    STREAM = "CREATE OR REPLACE STREAM g (a INTEGER, b INTEGER%s) WITH (connector = 'file', path = 'in.ndjson', format = 'json'%s);"
    TOTALS = "CREATE MATERIALIZED VIEW totals AS SELECT count(*) AS n, sum(a) AS s FROM g;"

    def make(self, more=""):
        self.write("in.ndjson", '{"a":1,"b":2,"c":"x"}\n{"a":2,"b":3}\n')
        self.run_script(self.STREAM % ("", "") + self.TOTALS + more, "--until-end")

    def add(self, text):
        self.write("in.ndjson", text, "a")

    def test_a_column_more_leaves_views_and_positions_alone(self):
        self.make()
        lane = self.ask("SELECT id, lane FROM weir_views")
        done = self.run_script(self.STREAM % (", c TEXT", "") + self.TOTALS + "CREATE MATERIALIZED VIEW of_c AS SELECT a, c FROM g;", "--until-end")
        self.assertIn('column "c" is new; untouched: "totals"', done.stderr)
        self.assertEqual(self.ask("SELECT a, c FROM of_c ORDER BY a"), [(1, "x"), (2, None)])
        self.assertEqual(self.ask("SELECT id, lane FROM weir_views WHERE name = 'totals'"), lane)
        self.add('{"a":10,"c":"y"}\n')
        self.weir("run", "a.db", "--until-end")
        self.assertEqual(self.ask("SELECT n, s FROM totals"), [(3, 13)])
        self.assertEqual(self.ask("SELECT rows_in FROM weir_accounts WHERE name = 'totals'"), [(3,)])
        self.assertEqual(self.ask("SELECT count(*) FROM of_c"), [(3,)])

    def test_alter_while_nothing_runs_and_another_reading_is_refused(self):
        self.make()
        self.weir("a.db", "-c", "ALTER STREAM g ADD COLUMN c TEXT, RENAME COLUMN b TO bb")
        refused = self.weir("a.db", "-c", "ALTER STREAM g ALTER COLUMN a TYPE TEXT", code=1)
        self.assertIn('"totals" reads it, and it would read other values', refused.stderr)
        refused = self.weir("a.db", "-c", "ALTER STREAM g DROP COLUMN a CASCADE", code=1)
        self.assertIn('"totals" would not hold any more', refused.stderr)
        self.weir("a.db", "-c", "ALTER STREAM g ALTER COLUMN a TYPE REAL CASCADE")
        self.add('{"a":0.5}\n')
        self.weir("run", "a.db", "--until-end")
        self.assertEqual(self.ask("SELECT n, s FROM totals"), [(3, 3.5)])
        self.assertEqual(self.ask("SELECT state FROM weir_views"), [("live",)])

    def test_a_view_is_replaced_beside_the_old_one_with_what_reads_it(self):
        self.make("CREATE MATERIALIZED VIEW double AS SELECT s * 2 AS d FROM totals; CREATE INDEX mine ON totals(s);")
        self.weir("a.db", "-c", "CREATE OR REPLACE MATERIALIZED VIEW totals AS SELECT count(*) AS n, sum(a) * 10 AS s FROM g")
        self.assertEqual(self.ask("SELECT n, s FROM totals"), [(2, 3)])
        self.assertEqual(self.ask("SELECT d FROM double"), [(6,)])
        self.assertEqual(self.ask("SELECT name, state FROM weir_views ORDER BY id"),
                         [("totals", "live"), ("double", "live"), ("totals", "building"), ("double", "building")])
        refused = self.weir("a.db", "-c", "CREATE MATERIALIZED VIEW more AS SELECT n FROM totals", code=1)
        self.assertIn("is being replaced", refused.stderr)
        again = self.run_script("CREATE OR REPLACE MATERIALIZED VIEW totals AS SELECT count(*) AS n, sum(a) * 10 AS s FROM g;", "--until-end")
        self.assertIn("1 definition unchanged", again.stderr)
        self.assertEqual(self.ask("SELECT n, s FROM totals"), [(2, 30)])
        self.assertEqual(self.ask("SELECT d FROM double"), [(60,)])
        self.assertEqual(self.ask("SELECT name, state FROM weir_views ORDER BY id"), [("totals", "live"), ("double", "live")])
        self.assertEqual(self.ask("SELECT name FROM sqlite_schema WHERE tbl_name = 'totals' AND type = 'index' AND sql IS NOT NULL"), [("mine",)])
        self.assertEqual(self.ask("SELECT source, position FROM weir_positions"), [("g", os.path.getsize(self.path("in.ndjson")))])
        self.add('{"a":7}\n')
        self.weir("run", "a.db", "--until-end")
        self.assertEqual(self.ask("SELECT d FROM double"), [(200,)])

    def test_a_replacement_under_way_goes_with_what_it_was_to_replace(self):
        self.make()
        self.weir("a.db", "-c", "CREATE OR REPLACE MATERIALIZED VIEW totals AS SELECT max(a) AS m FROM g")
        self.weir("a.db", "-c", "DROP MATERIALIZED VIEW totals")
        self.assertEqual(self.ask("SELECT name FROM weir_catalog"), [("g",)])
        self.assertEqual(self.ask("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'weir_building%' OR name = 'totals'"), [(0,)])
        self.assertEqual(self.ask("SELECT count(*) FROM weir_settings WHERE name LIKE 'replaces.%' OR name LIKE 'lane.%'"), [(0,)])

    def test_a_script_says_in_one_line_what_is_unchanged(self):
        script = self.STREAM % ("", "") + self.TOTALS
        self.make()
        self.assertEqual(self.run_script(script, "--until-end").stderr, "notice: 2 definitions unchanged\n")
        self.assertIn('"totals" is there already', self.run_script(script, "--until-end", "--verbose").stderr)

    def test_check_tells_of_each_statement_and_changes_nothing(self):
        self.make()
        before = self.ask("SELECT id, name, sql, extra FROM weir_catalog")
        done = self.run_script(self.STREAM % (", c TEXT", "") + self.TOTALS + """
            CREATE OR REPLACE MATERIALIZED VIEW totals AS SELECT max(a) AS m FROM g;
            CREATE TABLE t (k INTEGER PRIMARY KEY);
            CREATE MATERIALIZED VIEW bad AS SELECT nothing FROM g;
            """ + self.STREAM % (", c TEXT", ", idle_timeout = '3s'"), "--check", code=1)
        self.assertEqual([line.split("|")[0] for line in done.stdout.splitlines()], ["replaced", "same", "replaced", "new", "error", "options"])
        self.assertIn("replaced|materialized view totals|2|", done.stdout)
        self.assertEqual(self.ask("SELECT id, name, sql, extra FROM weir_catalog"), before)
        self.assertEqual(self.ask("SELECT n, s FROM totals"), [(2, 3)])

    def test_state_of_another_version_is_never_loaded_but_built_anew(self):
        self.make("CREATE MATERIALIZED VIEW double AS SELECT s * 2 AS d FROM totals; CREATE MATERIALIZED VIEW most AS SELECT max(b) AS m FROM g;")
        self.change("UPDATE weir_catalog SET extra = json_set(extra, '$.plan', 77) WHERE name = 'totals'")
        self.add('{"a":4,"b":9}\n')
        done = self.weir("run", "a.db", "--until-end")
        self.assertIn('the state of materialized view "totals" was saved by another version of weir: it is built anew', done.stderr)
        self.assertIn('"double"', done.stderr)
        self.assertNotIn('"most"', done.stderr)
        self.assertEqual(self.ask("SELECT (SELECT s FROM totals), (SELECT d FROM double), (SELECT m FROM most)"), [(7, 14, 9)])
        self.assertEqual(self.weir("run", "a.db", "--until-end").stderr, "")
        self.change("UPDATE weir_catalog SET extra = json_remove(extra, '$.plan')")
        self.weir("a.db", "-c", "DROP MATERIALIZED VIEW double; ALTER MATERIALIZED VIEW totals REBUILD")
        self.weir("run", "a.db", "--until-end")
        self.assertEqual(self.ask("SELECT s FROM totals"), [(7,)])

    def test_a_paused_view_whose_state_is_of_another_version_begins_anew(self):
        self.make()
        self.weir("a.db", "-c", "PAUSE totals")
        self.change("UPDATE weir_catalog SET extra = json_set(extra, '$.plan', 77) WHERE name = 'totals'")
        self.weir("a.db", "-c", "RESUME totals")
        self.weir("run", "a.db", "--until-end")
        self.assertEqual(self.ask("SELECT n, s FROM totals"), [(2, 3)])


    SINK = "CREATE SINK out AS SELECT b, n FROM per_b WITH (connector = 'file', path = 'out.ndjson', format = 'json');"

    def make_sink(self):
        self.make("CREATE MATERIALIZED VIEW per_b AS SELECT b, count(*) AS n FROM g GROUP BY b;" + self.SINK)

    def lines(self, name="out.ndjson"):
        with open(self.path(name)) as file:
            return file.read().splitlines()

    def test_a_sink_gets_the_difference_when_the_view_has_caught_up(self):
        self.make_sink()
        self.weir("a.db", "-c", "CREATE OR REPLACE MATERIALIZED VIEW per_b AS SELECT b, count(*) * 10 AS n FROM g WHERE b > 2 GROUP BY b")
        self.assertEqual(self.ask("SELECT name, state FROM weir_views WHERE name <> 'totals' ORDER BY id"), [("per_b", "live"), ("out", "live"), ("per_b", "building"), ("out", "building")])
        self.assertEqual(self.lines(), ['{"op":"+I","b":2,"n":1}', '{"op":"+I","b":3,"n":1}'])
        self.weir("run", "a.db", "--until-end")
        self.assertEqual(self.lines()[2:], ['{"op":"-D","b":2,"n":1}', '{"op":"-U","b":3,"n":1}', '{"op":"+U","b":3,"n":10}'])
        self.assertEqual(self.ask("SELECT name, state FROM weir_views WHERE name <> 'totals' ORDER BY id"), [("per_b", "live"), ("out", "live")])
        self.assertEqual(self.ask("SELECT position FROM weir_sinks"), [(os.path.getsize(self.path("out.ndjson")),)])
        self.assertEqual(self.ask("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'weir_building%' OR name LIKE 'weir_delivered%'"), [(0,)])

    def test_a_rebuilt_view_tells_its_sink_what_is_other_than_before(self):
        self.make_sink()
        self.write("in.ndjson", '{"a":1,"b":2,"c":"x"}\n{"a":2,"b":7}\n')          # not what was read: the topic was made anew
        self.weir("a.db", "-c", "ALTER MATERIALIZED VIEW per_b REBUILD")
        self.assertEqual(len(self.lines()), 2)
        self.weir("run", "a.db", "--until-end")
        self.assertEqual(self.lines()[2:], ['{"op":"-D","b":3,"n":1}', '{"op":"+I","b":7,"n":1}'])

    def test_the_only_reader_of_a_source_is_rebuilt_beside_too(self):
        self.write("in.ndjson", '{"a":1,"b":2}\n{"a":2,"b":3}\n')
        self.run_script(self.STREAM % ("", "") + "CREATE MATERIALIZED VIEW per_b AS SELECT b, count(*) AS n FROM g GROUP BY b;" + self.SINK, "--until-end")
        before = self.lines()
        self.weir("a.db", "-c", "ALTER MATERIALIZED VIEW per_b REBUILD")
        self.assertEqual(self.ask("SELECT b, n FROM per_b ORDER BY b"), [(2, 1), (3, 1)])
        self.assertEqual(self.ask("SELECT DISTINCT state FROM weir_views"), [("building",)])
        self.weir("run", "a.db", "--until-end")
        self.assertEqual(self.ask("SELECT DISTINCT state FROM weir_views"), [("live",)])
        self.assertEqual(self.ask("SELECT b, n FROM per_b ORDER BY b"), [(2, 1), (3, 1)])
        self.assertEqual(self.lines(), before)

    def test_a_rebuilt_view_waits_for_what_is_being_decoded(self):
        wide = ",".join(f'"{field}":{field}' for field in range(250000))
        self.write("in.ndjson", "".join('{"a":%d,"x":{%s},"b":%d}\n' % (line, wide, line + 2) for line in range(2)))
        self.run_script(self.STREAM % ("", "") + "CREATE MATERIALIZED VIEW per_b AS SELECT b, count(*) AS n FROM g GROUP BY b;" + self.SINK, "--until-end")
        before = self.lines()
        for _ in range(8):                                  # without the wait every second time it took its place empty
            self.weir("a.db", "-c", "ALTER MATERIALIZED VIEW per_b REBUILD")
            self.weir("run", "a.db", "--until-end")
            self.assertEqual(self.lines(), before)

    def test_state_of_another_version_leaves_sinks_what_they_have(self):
        self.make_sink()
        self.change("UPDATE weir_catalog SET extra = json_set(extra, '$.plan', 77) WHERE name = 'per_b'")
        self.add('{"a":4,"b":3}\n')
        done = self.weir("run", "a.db", "--until-end")
        self.assertIn('the state of sink "out" was saved by another version of weir: it is built anew', done.stderr)
        self.assertEqual(self.lines()[2:], ['{"op":"-U","b":3,"n":1}', '{"op":"+U","b":3,"n":2}'])

    def test_a_sink_that_cannot_take_back_stays_behind(self):
        self.make("CREATE MATERIALIZED VIEW some AS SELECT a FROM g WHERE a > 0; CREATE SINK out AS SELECT a FROM some WITH (connector = 'file', path = 'out.ndjson', format = 'json');")
        self.weir("a.db", "-c", "CREATE OR REPLACE MATERIALIZED VIEW some AS SELECT a FROM g WHERE a > 1")
        done = self.weir("run", "a.db", "--until-end")
        self.assertIn('sink "out" is stopped: sink "out" would have to take back rows that it has delivered', done.stderr)
        self.assertEqual(self.ask("SELECT name, state FROM weir_views WHERE name <> 'totals' ORDER BY id"), [("some", "live"), ("out", "stopped")])
        self.assertEqual(self.ask("SELECT a FROM some"), [(2,)])
        self.assertEqual(self.lines(), ['{"a":1}', '{"a":2}'])
        self.weir("status", "a.db", code=5)
        self.weir("a.db", "-c", "CREATE OR REPLACE MATERIALIZED VIEW some AS SELECT a FROM g WHERE a > -1")
        self.weir("run", "a.db", "--until-end")
        self.weir("a.db", "-c", "RESUME out")
        self.add('{"a":3}\n')
        self.weir("run", "a.db", "--until-end")
        self.assertEqual(self.lines(), ['{"a":1}', '{"a":2}', '{"a":3}'])
        self.assertEqual(self.ask("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'weir_delivered%'"), [(0,)])

    def test_a_sink_of_other_columns_takes_back_what_it_has_when_the_view_has_caught_up(self):
        self.make_sink()
        self.weir("a.db", "-c", "CREATE OR REPLACE MATERIALIZED VIEW per_b AS SELECT b, avg(a) AS n FROM g GROUP BY b CASCADE")
        self.assertEqual(self.ask("SELECT name, state FROM weir_views WHERE name <> 'totals' ORDER BY id"), [("per_b", "live"), ("out", "live"), ("per_b", "building"), ("out", "building")])
        self.assertEqual(len(self.lines()), 2)
        self.weir("run", "a.db", "--until-end")
        self.add('{"a":5,"b":3}\n')
        self.weir("run", "a.db", "--until-end")
        self.assertEqual(self.lines()[2:], ['{"op":"-D","b":2,"n":1}', '{"op":"-D","b":3,"n":1}', '{"op":"+I","b":2,"n":1.0}', '{"op":"+I","b":3,"n":2.0}', '{"op":"-U","b":3,"n":2.0}', '{"op":"+U","b":3,"n":3.5}'])
        self.assertEqual(self.ask("SELECT position FROM weir_sinks"), [(os.path.getsize(self.path("out.ndjson")),)])
        self.assertEqual(self.ask("SELECT count(*) FROM weir_settings WHERE name LIKE 'written.%'"), [(0,)])

    def test_what_was_delivered_in_other_columns_is_known_after_a_restart(self):
        self.make_sink()
        self.weir("a.db", "-c", "ALTER STREAM g ALTER COLUMN b TYPE TEXT CASCADE")
        self.assertEqual(self.ask("SELECT value FROM weir_settings WHERE name LIKE 'written.%'"), [('{"op":true,"columns":{"b":"INTEGER","n":"INTEGER"}}',)])
        self.assertEqual(self.ask("SELECT DISTINCT state FROM weir_views WHERE name <> 'totals'"), [("building",)])
        self.assertEqual(len(self.lines()), 2)
        self.weir("a.db", "-c", "ALTER STREAM g ALTER COLUMN b TYPE REAL CASCADE")         # and once more before it has joined
        self.weir("run", "a.db", "--until-end")
        self.assertEqual(self.lines()[2:], ['{"op":"-D","b":2,"n":1}', '{"op":"-D","b":3,"n":1}', '{"op":"+I","b":2.0,"n":1}', '{"op":"+I","b":3.0,"n":1}'])

    def test_what_a_sink_wrote_before_it_stayed_behind_is_cut_off(self):
        self.make("CREATE MATERIALIZED VIEW some AS SELECT a, a + 1000000000000 AS much FROM g WHERE a = 99999; CREATE SINK out AS SELECT a, much FROM some WITH (connector = 'file', path = 'out.ndjson', format = 'json');")
        self.add("".join('{"a":%d}\n' % a for a in range(50000)) + '{"a":99999}\n')
        self.weir("run", "a.db", "--until-end")
        self.weir("a.db", "-c", "CREATE OR REPLACE MATERIALIZED VIEW some AS SELECT a, a + 1000000000000 AS much FROM g WHERE a < 50000")
        done = self.weir("run", "a.db", "--until-end")
        self.assertIn('sink "out" is stopped', done.stderr)
        self.assertEqual(self.lines(), ['{"a":99999,"much":1000000099999}'])
        self.assertEqual(self.ask("SELECT position FROM weir_sinks"), [(os.path.getsize(self.path("out.ndjson")),)])

    def test_a_paused_sink_that_delivers_all_again_is_named(self):
        self.make_sink()
        done = self.weir("a.db", "-c", "PAUSE out; ALTER MATERIALIZED VIEW per_b REBUILD")
        self.assertIn('sink "out" delivers all rows again when it is resumed', done.stderr)
        self.assertNotIn("again", self.weir("a.db", "-c", "ALTER MATERIALIZED VIEW per_b REBUILD").stderr)
        self.weir("run", "a.db", "--until-end")
        self.weir("a.db", "-c", "RESUME ALL")
        self.assertEqual(self.lines(), ['{"op":"+I","b":2,"n":1}', '{"op":"+I","b":3,"n":1}'] * 2)

    OF_BOTH = """CREATE STREAM l (b INTEGER, t TEXT); INSERT INTO l VALUES (2, 'x'), (3, 'y'); CREATE MATERIALIZED VIEW per_b AS SELECT b, count(*) AS n FROM g GROUP BY b;
        CREATE SINK out AS SELECT l.t, p.n FROM per_b p JOIN l ON l.b = p.b WITH (connector = 'file', path = 'out.ndjson', format = 'json');"""

    def test_a_sink_that_cannot_be_told_any_more_when_the_view_has_caught_up_stays_behind(self):
        self.make(self.OF_BOTH)
        self.weir("a.db", "-c", "CREATE OR REPLACE MATERIALIZED VIEW per_b AS SELECT b, count(*) * 2 AS n FROM g GROUP BY b; ALTER STREAM l SET (retention = '1 day')")
        before = self.lines()
        done = self.weir("run", "a.db", "--until-end")
        self.assertIn('sink "out" is stopped: it cannot be told any more what it has delivered', done.stderr)
        self.assertEqual(self.ask("SELECT b, n FROM per_b"), [(2, 2), (3, 2)])
        self.assertEqual(self.ask("SELECT name, state FROM weir_views WHERE name <> 'totals' ORDER BY id"), [("per_b", "live"), ("out", "stopped")])
        self.assertEqual(self.lines(), before)
        self.weir("a.db", "-c", "RESUME out")
        self.assertEqual(self.lines(), before + ['{"op":"+I","t":"x","n":2}', '{"op":"+I","t":"y","n":2}'])

    FEW = OF_BOTH.replace("CREATE SINK", "CREATE MATERIALIZED VIEW few WITH (state_limit = '1MB') AS SELECT b, count(DISTINCT t) AS n FROM l GROUP BY b; CREATE SINK").replace("JOIN l", "JOIN few ON few.b = p.b JOIN l")
    REPLACE = "CREATE OR REPLACE MATERIALIZED VIEW per_b AS SELECT b, count(*) * 2 AS n FROM g GROUP BY b;"

    def test_nothing_takes_along_what_is_being_replaced(self):
        self.make(self.FEW)
        for statement in ("PAUSE few", "ALTER MATERIALIZED VIEW few REBUILD"):
            refused = self.weir("a.db", "-c", self.REPLACE + statement, code=1)
            self.assertIn('sink "out", which reads materialized view "few", is being replaced', refused.stderr)
        done = self.weir("a.db", "-c", "PAUSE ALL")
        self.assertIn('sink "out", which reads materialized view "few", is being replaced; it goes on', done.stderr)
        self.assertEqual(self.ask("SELECT name FROM weir_views WHERE state = 'paused'"), [("totals",)])
        self.weir("run", "a.db", "--until-end")
        self.assertEqual(self.lines()[2:], ['{"op":"-D","t":"x","n":1}', '{"op":"+I","t":"x","n":2}', '{"op":"-D","t":"y","n":1}', '{"op":"+I","t":"y","n":2}'])

    def test_a_successor_that_was_stopped_takes_its_place_when_its_mates_do(self):
        self.make(self.FEW)
        before = self.lines()
        self.weir("a.db", "-c", self.REPLACE)
        done = self.weir("a.db", "-c", "INSERT INTO l SELECT 2, 'more ' || value FROM generate_series(1, 50000)")
        self.assertIn('"few" is stopped', done.stderr)
        self.weir("run", "a.db", "--until-end")
        self.assertEqual(self.ask("SELECT name, state FROM weir_views WHERE name <> 'totals' ORDER BY name"), [("few", "stopped"), ("out", "stopped"), ("per_b", "live")])
        self.assertEqual(self.ask("SELECT b, n FROM per_b ORDER BY b"), [(2, 2), (3, 2)])
        self.weir("a.db", "-c", "ALTER MATERIALIZED VIEW few SET (state_limit = '1GB'); RESUME few; RESUME ALL")
        self.assertEqual(self.ask("SELECT DISTINCT state FROM weir_views"), [("live",)])
        net = collections.Counter()
        for line in self.lines():
            row = json.loads(line)
            net[row["t"], row["n"]] += -1 if row["op"][0] == "-" else 1
        self.assertEqual(self.lines()[:2], before)
        rows = self.weir("a.db", "-c", "SELECT l.t, p.n FROM per_b p JOIN few ON few.b = p.b JOIN l ON l.b = p.b").stdout.splitlines()
        self.assertEqual(len(rows), 50002)
        self.assertEqual(sorted(f"{t}|{n}" for (t, n), copies in net.items() if copies), sorted(rows))
        self.assertEqual(set(net.values()), {0, 1})

    def test_what_retention_has_taken_is_not_what_a_sink_has_delivered(self):
        self.weir("a.db", "-c", "CREATE STREAM s (a INTEGER) WITH (retention = '1s'); INSERT INTO s VALUES (1), (2); CREATE SINK out AS SELECT count(*) AS n FROM s WITH (connector = 'file', path = 'out.ndjson', format = 'json')")
        while not self.ask("SELECT count(*) FROM weir_settings WHERE name LIKE 'expired.%'")[0][0]:
            self.weir("a.db", "-c", "INSERT INTO s VALUES (3); FLUSH")
        refused = self.weir("a.db", "-c", "CREATE OR REPLACE STREAM s (a INTEGER); CREATE OR REPLACE SINK out AS SELECT count(a) AS n FROM s WITH (connector = 'file', path = 'out.ndjson', format = 'json')", code=1)
        self.assertIn('rows of stream "s" have gone by their age', refused.stderr)

    def test_check_writes_no_sink(self):
        self.make_sink()
        before = self.lines()
        done = self.run_script("""CREATE OR REPLACE MATERIALIZED VIEW per_b AS SELECT b, count(*) * 10 AS n FROM g GROUP BY b;
            CREATE TABLE t (k INTEGER PRIMARY KEY);
            INSERT INTO t VALUES (1);
            CREATE SINK of_t FROM t WITH (connector = 'file', path = 'of_t.ndjson', format = 'json');
            CREATE OR REPLACE SINK of_t AS SELECT k + 1 AS k FROM t WITH (connector = 'file', path = 'of_t.ndjson', format = 'json');
            CREATE OR REPLACE SINK of_t AS SELECT k, k + 1 AS l FROM t WITH (connector = 'file', path = 'of_t.ndjson', format = 'json') CASCADE;
            CREATE SINK onto FROM t WITH (connector = 'file', path = 'out.ndjson', format = 'json');""", "--check", code=1)
        self.assertEqual([line.split("|")[0] for line in done.stdout.splitlines()], ["replaced", "new", "runs", "new", "replaced", "replaced", "error"])
        self.assertIn('"out.ndjson" is not empty', done.stderr)
        self.assertEqual(self.lines(), before)
        self.assertFalse(os.path.exists(self.path("of_t.ndjson")))
        self.add('{"a":9,"b":2}\n')
        self.weir("run", "a.db", "--until-end")
        self.assertEqual(self.lines()[2:], ['{"op":"-U","b":2,"n":1}', '{"op":"+U","b":2,"n":2}'])

    def followed_view(self, limit):
        """A service, and who subscribes view m of table t in it, of which the first two rows were seen."""
        self.weir("a.db", "-c", "CREATE TABLE t (k INTEGER PRIMARY KEY, v INTEGER); INSERT INTO t VALUES (1, 10), (2, 20); CREATE MATERIALIZED VIEW m AS SELECT k, v FROM t")
        service = subprocess.Popen([WEIR, "run", "a.db"], cwd=self.folder.name, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(service.wait)
        self.addCleanup(service.terminate)
        while subprocess.run([WEIR, "status", "a.db"], cwd=self.folder.name, capture_output=True).returncode in (3, 5):
            pass
        follower = subprocess.Popen([WEIR, "a.db", "-c", f"SUBSCRIBE m LIMIT {limit}"], cwd=self.folder.name, stdout=subprocess.PIPE, text=True)
        self.assertEqual([follower.stdout.readline() for _ in range(2)], ["+I|1|10\n", "+I|2|20\n"])
        return follower

    def test_a_subscriber_sees_nothing_of_a_transaction_that_is_taken_back(self):
        follower = self.followed_view(10)
        anew = "BEGIN; INSERT INTO t VALUES (%d, %d); CREATE OR REPLACE MATERIALIZED VIEW m AS SELECT k, v * 2 AS v FROM t; INSERT INTO t VALUES (%d, %d); %s"
        beside = "BEGIN; INSERT INTO t VALUES (%d, %d); CREATE MATERIALIZED VIEW y%d AS SELECT count(*) AS n FROM t; INSERT INTO t VALUES (%d, %d); %s"
        for statement in (beside % (3, 30, 1, 4, 40, "ROLLBACK"), anew % (5, 50, 6, 60, "ROLLBACK"), "INSERT INTO t VALUES (7, 70)", beside % (8, 80, 2, 9, 90, "COMMIT"), "DELETE FROM t WHERE k > 1",
                          anew % (10, 100, 11, 110, "ROLLBACK"), anew % (12, 120, 13, 130, "COMMIT")):
            self.weir("a.db", "-c", statement)
        changes = ["+I|7|70", "+I|8|80", "+I|9|90", "-D|2|20", "-D|7|70", "-D|8|80", "-D|9|90"]
        self.assertEqual([follower.stdout.readline().strip() for _ in changes], changes)
        self.assertEqual(follower.stdout.readline().strip(), "+I|12|120")
        follower.stdout.close()
        follower.wait(timeout=20)

    def test_a_subscriber_sees_the_difference_and_goes_on(self):
        follower = self.followed_view(11)
        since = self.ask("SELECT max(id) FROM weir_commits")[0][0]
        for statement in ("CREATE OR REPLACE MATERIALIZED VIEW m AS SELECT k, v * CASE k WHEN 1 THEN 3 ELSE 1 END AS v FROM t", "INSERT INTO t VALUES (3, 30)",
                          "ALTER MATERIALIZED VIEW m REBUILD", "ALTER TABLE t ADD COLUMN w TEXT", "DELETE FROM t WHERE k = 2",
                          "CREATE OR REPLACE MATERIALIZED VIEW m AS SELECT k, max(v) AS v FROM t GROUP BY k", "UPDATE t SET v = 31 WHERE k = 3"):
            self.weir("a.db", "-c", statement)
        changes = ["-U|1|10", "+U|1|30", "+I|3|30", "-D|2|20", "-U|1|30", "+U|1|10", "-U|3|30", "+U|3|31"]
        self.assertEqual([follower.stdout.readline().strip() for _ in changes], changes)
        self.assertEqual(self.weir("a.db", "-c", f"SUBSCRIBE m SINCE {since} LIMIT 8").stdout.splitlines(), changes)
        self.weir("a.db", "-c", "CREATE OR REPLACE MATERIALIZED VIEW m AS SELECT k, v, w FROM t")
        self.assertEqual(follower.wait(timeout=20), 1)
        follower.stdout.close()
        refused = self.weir("a.db", "-c", f"SUBSCRIBE m SINCE {since} LIMIT 8", code=1)
        self.assertIn("are not kept", refused.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--weir", required=True)
    options, rest = parser.parse_known_args()
    WEIR = os.path.abspath(options.weir)
    unittest.main(argv=[sys.argv[0], *rest])
