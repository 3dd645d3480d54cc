#!/usr/bin/env python3
"""What goes wrong beside a query: bad records where they must not be, damaged state, limits of the disk, impatience. usage: failures.py --weir PATH [NAME...]

Each case has a folder of its own; nothing sleeps, everything waits for what it expects to see. Exit code 0: all hold, 1: one does not.
"""
import contextlib, json, os, re, signal, sqlite3, subprocess, sys, tempfile, time
from pathlib import Path

import world

LIMIT_S = 60
WEIR = None


def weir(*words, code=0, **more):
    run = subprocess.run([WEIR, *map(str, words)], capture_output=True, text=True, timeout=LIMIT_S, **more)
    assert code is None or run.returncode == code, f"{words}: exit code {run.returncode}, not {code}: {run.stdout[-500:]}{run.stderr[-1500:]}"
    return run


def rows(path, query):
    return world.ask(path, query)[0]


def wait_for(what, holds, limit_s=LIMIT_S):
    end = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.02)


def has(path, query, expected):
    def holds():
        try:
            return rows(path, query) == expected
        except sqlite3.Error:
            return False
    return holds


@contextlib.contextmanager
def service(folder, *words, env=None):
    log = (folder / "log").open("ab")
    process = subprocess.Popen([WEIR, "run", *map(str, words)], stdout=log, stderr=log, cwd=folder, env=env)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        log.close()


def end(process, number=signal.SIGTERM, within_s=10):
    began = time.monotonic()
    process.send_signal(number)
    code = process.wait(timeout=LIMIT_S)
    took = time.monotonic() - began
    assert took < within_s, f"it took {took:.1f} s to end"
    return code


def lines_of(path, records):
    with path.open("a") as file:
        file.writelines((record if isinstance(record, str) else json.dumps(record)) + "\n" for record in records)


# ---- views that are stopped, and others that go on ----

STATES = "SELECT name, state FROM weir_views ORDER BY name"


def a_bad_record_stops_only_views_that_read_its_source(folder):
    path, strict, loose = folder / "f.db", folder / "strict.ndjson", folder / "loose.ndjson"
    lines_of(strict, [{"a": 1}, {"a": 2}])
    lines_of(loose, [{"a": 10}])
    (folder / "s.sql").write_text(f"""
        CREATE STREAM strict (a INTEGER) WITH (connector = 'file', path = '{strict}', format = 'json', follow = true, on_error = 'fail');
        CREATE STREAM loose (a INTEGER) WITH (connector = 'file', path = '{loose}', format = 'json', follow = true);
        CREATE MATERIALIZED VIEW total AS SELECT sum(a) AS a FROM strict;
        CREATE MATERIALIZED VIEW above AS SELECT a + 1 AS a FROM total;
        CREATE MATERIALIZED VIEW other AS SELECT sum(a) AS a FROM loose;""")
    with service(folder, path, "-f", folder / "s.sql") as process:
        wait_for("the first rows", has(path, "SELECT (SELECT a FROM above), (SELECT a FROM other)", [(4, 10)]))
        lines_of(strict, [{"a": 4}, "no json", {"a": 8}])
        wait_for("the views to stop", has(path, STATES, [("above", "stopped"), ("other", "live"), ("total", "stopped")]))
        why = rows(path, "SELECT why FROM weir_views WHERE name = 'total'")[0][0]
        assert "is no row" in why and "strict" in why, why
        lines_of(loose, [{"a": 20}])
        wait_for("the other view to go on", has(path, "SELECT a FROM other", [(30,)]))
        assert weir("status", path, code=4).stdout.count("stopped") == 2
        weir(path, "-c", "RESUME ALL")                      # the record is still there
        wait_for("the views to stop again", has(path, STATES, [("above", "stopped"), ("other", "live"), ("total", "stopped")]))
        weir(path, "-c", "ALTER STREAM strict SET (on_error = 'dead_letter'); RESUME ALL")
        wait_for("the stopped views to go on", has(path, "SELECT a FROM above", [(16,)]))
        assert rows(path, "SELECT rows_in, applied, dead FROM weir_accounts WHERE name = 'total'") == [(5, 4, 1)]
        assert end(process) == 0
    assert "is stopped: record at position" in (folder / "log").read_text()


def a_bad_record_ends_until_end_with_1(folder):
    path, lines = folder / "f.db", folder / "in.ndjson"
    lines_of(lines, [{"a": 1}, "no json", {"a": 8}])
    create = f"CREATE STREAM s (a INTEGER) WITH (connector = 'file', path = '{lines}', format = 'json', on_error = 'fail');"
    (folder / "s.sql").write_text(create + "CREATE MATERIALIZED VIEW total AS SELECT sum(a) AS a FROM s;")
    run = weir("run", path, "-f", folder / "s.sql", "--until-end", code=1)
    assert "is no row" in run.stderr and "on_error = 'dead_letter'" in run.stderr, run.stderr


def a_dead_letter_names_each_view_that_misses_the_row(folder):
    """... once, also where one's name is a part of another's."""
    path = folder / "w.db"
    (folder / "r.json").write_text('{"n":"x","k":1}\n{"n":2,"k":2}\n')
    weir(path, "-c", f"""CREATE STREAM s (n INTEGER, k INTEGER) WITH (connector = 'file', path = '{folder / "r.json"}', format = 'json');
        CREATE MATERIALIZED VIEW "all" AS SELECT a.n FROM s AS a JOIN s AS b ON a.n = b.n; CREATE MATERIALIZED VIEW "al" AS SELECT sum(n) AS n FROM s;
        CREATE MATERIALIZED VIEW k AS SELECT sum(k) AS k FROM s""")
    weir("run", path, "--until-end")
    assert rows(path, "SELECT views FROM weir_dead_letters") == [("all, al",)], rows(path, "SELECT views FROM weir_dead_letters")
    assert rows(path, "SELECT k FROM k") == [(3,)]


def damage(path, statement):
    """As a program that knows nothing of Weir might; the guards are for views alone."""
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    changed = connection.total_changes
    connection.close()
    assert changed, statement


def make_damaged(folder, statement):
    path = folder / "f.db"
    weir(path, "-c", """CREATE STREAM s (k INTEGER, v INTEGER);
        CREATE MATERIALIZED VIEW sums AS SELECT k, sum(v) AS v FROM s GROUP BY k;
        CREATE MATERIALIZED VIEW highest AS SELECT max(v) AS v FROM sums;
        CREATE MATERIALIZED VIEW counts AS SELECT k, count(*) AS n FROM s GROUP BY k;
        INSERT INTO s SELECT i % 10, i FROM generate_series(1, 100) AS g(i); FLUSH; CHECKPOINT""")
    damage(path, statement)
    return path


def damaged_state_stops_only_its_view(folder):
    path = make_damaged(folder, "UPDATE weir_state_bytes SET bytes = zeroblob(length(bytes)) WHERE id = (SELECT content FROM weir_state_pages"
                        " WHERE op / 1024 = (SELECT id FROM weir_catalog WHERE name = 'sums') ORDER BY generation DESC LIMIT 1)")
    run = weir(path, "-c", "INSERT INTO s VALUES (1, 1000); FLUSH; SELECT n FROM counts WHERE k = 1")
    assert run.stdout.strip() == "11", run.stdout
    assert '"sums" is stopped' in run.stderr and '"highest" is stopped' in run.stderr, run.stderr
    assert rows(path, STATES) == [("counts", "live"), ("highest", "stopped"), ("sums", "stopped")]
    weir(path, "-c", "ALTER MATERIALIZED VIEW sums REBUILD; RESUME ALL")
    assert rows(path, STATES) == [("counts", "live"), ("highest", "live"), ("sums", "live")]
    assert rows(path, "SELECT v FROM highest") == rows(path, "SELECT max(v) FROM sums")
    assert rows(path, "SELECT k, v FROM sums ORDER BY k") == rows(path, "SELECT k, sum(v) FROM s GROUP BY k ORDER BY k")


def a_damaged_checkpoint_stops_its_lane(folder):
    path = make_damaged(folder, "UPDATE weir_checkpoints SET record = x'00'")
    run = weir(path, "-c", "INSERT INTO s VALUES (1, 1000); FLUSH; SELECT count(*) FROM s")
    assert run.stdout.strip() == "101" and "is stopped" in run.stderr, run.stdout + run.stderr
    assert {state for _, state in rows(path, STATES)} == {"stopped"}
    weir(path, "-c", "RESUME ALL")
    assert {state for _, state in rows(path, STATES)} == {"live"}
    assert rows(path, "SELECT k, v FROM sums ORDER BY k") == rows(path, "SELECT k, sum(v) FROM s GROUP BY k ORDER BY k")
    assert rows(path, "SELECT k, n FROM counts ORDER BY k") == rows(path, "SELECT k, count(*) FROM s GROUP BY k ORDER BY k")


def status_of(path, code):
    run = weir("status", path, "--json", code=code)
    return {row["name"]: row["state"] for row in json.loads(run.stdout)}


def status_says_how_it_is(folder):
    path, lines = folder / "f.db", folder / "in.ndjson"
    lines_of(lines, [{"a": 1}])
    create = f"CREATE STREAM s (a INTEGER) WITH (connector = 'file', path = '{lines}', format = 'json', follow = true);"
    (folder / "s.sql").write_text(create + "CREATE MATERIALIZED VIEW v AS SELECT sum(a) AS t FROM s; CREATE MATERIALIZED VIEW w AS SELECT count(*) AS n FROM s;")
    weir("run", path, "-f", folder / "s.sql", "--until-end")
    assert status_of(path, 5) == {str(path): "not running", "s": "not read", "v": "live", "w": "live"}
    with service(folder, path) as process:
        wait_for("the service", lambda: weir("status", path, code=None).returncode == 0)
        assert status_of(path, 0)["s"] == "reading"
        weir(path, "-c", "PAUSE v")
        assert status_of(path, 4)["v"] == "paused"
        weir(path, "-c", "RESUME v")
        wait_for("the view to come back", lambda: weir("status", path, code=None).returncode == 0)
        lines_of(lines, ["no json"])
        wait_for("the dead letter", lambda: weir("status", path, code=None).returncode == 4)
        assert end(process) == 0
    assert status_of(path, 5)["s"] == "not read"                # what wants a person is no matter while nobody runs it
    assert weir("status", folder / "none.db", code=3).stdout == ""


def a_limit_stops_one_of_two_equal_views(folder):
    """One operator serves both; the other gets all that came."""
    path = folder / "f.db"
    weir(path, "-c", """CREATE TABLE t (a INTEGER); CREATE MATERIALIZED VIEW serving WITH (state_limit = '0') AS SELECT a, count(*) AS n FROM t GROUP BY a;
        CREATE MATERIALIZED VIEW served AS SELECT a, count(*) AS n FROM t GROUP BY a""")
    weir(path, "-c", "INSERT INTO t VALUES (1), (2), (2)")
    assert rows(path, STATES) == [("served", "live"), ("serving", "stopped")]
    assert rows(path, "SELECT a, n FROM served ORDER BY a") == [(1, 1), (2, 2)]


def a_view_that_grows_beyond_memory_stops_alone(folder):
    path = folder / "f.db"
    weir(path, "-c", """SET memory_limit = '500MiB'; CREATE TABLE t (a INTEGER PRIMARY KEY); CREATE MATERIALIZED VIEW n AS SELECT count(*) AS n FROM t;
        CREATE MATERIALIZED VIEW pairs AS SELECT x.a, y.a AS b FROM t x CROSS JOIN t y; CREATE MATERIALIZED VIEW of_pairs AS SELECT count(*) AS n FROM pairs""")
    weir(path, "-c", "INSERT INTO t SELECT i FROM generate_series(1, 20000) AS g(i)")
    assert rows(path, STATES) == [("n", "live"), ("of_pairs", "stopped"), ("pairs", "stopped")]
    assert rows(path, "SELECT n, (SELECT count(*) FROM pairs) FROM n") == [(20000, 0)]
    assert "memory_limit" in rows(path, "SELECT why FROM weir_views WHERE name = 'pairs'")[0][0]
    assert "memory_limit" in weir(path, "-c", "CREATE MATERIALIZED VIEW again AS SELECT x.a, y.a AS b, count(*) AS n FROM t x CROSS JOIN t y GROUP BY x.a, y.a", code=3).stderr
    weir(path, "-c", "DELETE FROM t WHERE a > 50; RESUME pairs; INSERT INTO t VALUES (51)")
    assert rows(path, STATES) == [("n", "live"), ("of_pairs", "live"), ("pairs", "live")]
    assert rows(path, "SELECT (SELECT n FROM n), (SELECT n FROM of_pairs)") == [(51, 51 * 51)]


# ---- impatience: a commit that takes minutes is given up within a second or two ----

NODES = 3000
EDGES = f"SELECT i % {NODES}, (i * 7919 + i / {NODES} * 13) % {NODES} FROM generate_series(1, {NODES * 4}) AS g(i)"
PATHS = """CREATE MATERIALIZED VIEW paths AS WITH RECURSIVE p(a, b) AS (SELECT a, b FROM edge UNION SELECT p.a, e.b FROM p JOIN edge e ON e.a = p.b)
    SELECT a, count(*) AS n FROM p GROUP BY a;"""


def is_busy(process, for_s=1.0):
    """It has worked so long since it was first asked."""
    def cpu():
        fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    began = cpu()
    return lambda: cpu() - began > for_s


def a_long_commit_of_a_script_can_be_canceled(folder):
    path = folder / "f.db"
    weir(path, "-c", "CREATE TABLE edge (a INTEGER, b INTEGER); CREATE TABLE t (a INTEGER);" + PATHS + "INSERT INTO t VALUES (1)")
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        for words in (f"INSERT INTO edge {EDGES}; FLUSH", f"INSERT INTO edge {EDGES}"):
            process = subprocess.Popen([WEIR, path, "-c", words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            wait_for("the commit", is_busy(process))
            got = end(process, number, 3)
            assert got in (code, 130), got
            assert rows(path, "SELECT (SELECT count(*) FROM edge), (SELECT count(*) FROM t), (SELECT count(*) FROM paths)") == [(0, 1, 0)]
    assert weir(path, "-c", "INSERT INTO edge VALUES (1, 2), (2, 3); SELECT sum(n) FROM paths").stdout == "3\n"
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


def a_view_that_is_made_can_be_canceled(folder):
    path = folder / "f.db"
    weir(path, "-c", f"CREATE TABLE edge (a INTEGER, b INTEGER); INSERT INTO edge {EDGES}")
    process = subprocess.Popen([WEIR, path, "-c", PATHS], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for("the commit", is_busy(process))
    assert end(process, signal.SIGINT, 3) == 130
    assert weir(path, "-c", "SELECT count(*) FROM edge; SELECT count(*) FROM weir_views").stdout == f"{NODES * 4}\n0\n"


def a_service_ends_in_the_midst_of_a_long_commit(folder):
    path, lines = folder / "f.db", folder / "edges.ndjson"
    lines_of(lines, ({"a": i % NODES, "b": (i * 7919 + i // NODES * 13) % NODES} for i in range(1, NODES * 4 + 1)))
    (folder / "s.sql").write_text(f"CREATE STREAM edge (a INTEGER, b INTEGER) WITH (connector = 'file', path = '{lines}', format = 'json', follow = true);" + PATHS)
    with service(folder, path, "-f", folder / "s.sql") as process:
        wait_for("the commit", is_busy(process, 2.0))
        assert end(process, signal.SIGTERM, 4) == 0
    assert "error" not in (folder / "log").read_text()
    weir(path, "-c", "CREATE MATERIALIZED VIEW n AS SELECT count(*) AS n FROM edge; DROP MATERIALIZED VIEW paths")
    weir("run", path, "--until-end")
    assert rows(path, "SELECT n FROM n") == [(NODES * 4,)]


def who_cancels_beside_a_service_ends_only_what_is_not_committed(folder):
    path = folder / "f.db"
    weir(path, "-c", "CREATE TABLE edge (a INTEGER, b INTEGER); CREATE TABLE t (a INTEGER);" + PATHS)
    lines_of(folder / "in.ndjson", [{"a": 1}])
    weir(path, "-c", f"CREATE STREAM s (a INTEGER) WITH (connector = 'file', path = '{folder}/in.ndjson', format = 'json', follow = true); CREATE MATERIALIZED VIEW v AS SELECT sum(a) AS a FROM s")
    with service(folder, path) as process:
        wait_for("the service", has(path, "SELECT a FROM v", [(1,)]))
        weir(path, "-c", "INSERT INTO t VALUES (1)")
        client = subprocess.Popen([WEIR, path, "-c", f"BEGIN; INSERT INTO edge {EDGES}; COMMIT"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for("the commit", is_busy(process))
        assert end(client, signal.SIGINT, 4) == 130
        lines_of(folder / "in.ndjson", [{"a": 5}])
        wait_for("the service to go on", has(path, "SELECT a FROM v", [(6,)]))
        assert weir(path, "-c", "SELECT (SELECT count(*) FROM edge), (SELECT count(*) FROM t)").stdout == "0|1\n"
        assert end(process, within_s=4) == 0


# ---- memory ----

def is_sanitized():
    return any(word in Path(WEIR).read_bytes() for word in (b"__asan_init", b"__tsan_init"))


def a_long_absence_takes_no_memory(folder):
    """130 MB of changes since a commit are shown by a process that holds one portion of them at a time."""
    if is_sanitized():
        return print("SKIPPED: a sanitizer keeps memory that was freed")
    path, script = folder / "f.db", folder / "s.sql"
    weir(path, "-c", "CREATE TABLE t (k INTEGER PRIMARY KEY, v INTEGER, pad TEXT); CREATE MATERIALIZED VIEW v WITH (changes_retention = '1 hour') AS SELECT k, v, pad FROM t;"
         "INSERT INTO t SELECT i, 0, printf('%0800d', i) FROM generate_series(1, 4000) AS g(i)")
    since = rows(path, "SELECT max(id) FROM weir_commits")[0][0]
    script.write_text("".join(f"UPDATE t SET v = {n}; FLUSH;\n" for n in range(1, 21)))
    weir(path, "-f", script)
    small = peak_of(path, "SUBSCRIBE v LIMIT 1")
    whole = peak_of(path, f"SUBSCRIBE v SINCE {since} LIMIT 160000", 160000)
    assert whole < small + 100_000, f"{whole} KiB for all, {small} KiB for what the view holds"


def what_a_new_view_holds_takes_no_memory(folder):
    """Two million rows are written while they are made."""
    path = folder / "f.db"
    if is_sanitized():
        return print("SKIPPED: a sanitizer keeps memory that was freed")
    weir(path, "-c", "CREATE STREAM s (a INTEGER, pad TEXT); INSERT INTO s SELECT i, 'some text to have some bytes' FROM generate_series(1, 1400) AS g(i)")
    small = peak_of(path, "CREATE MATERIALIZED VIEW few AS SELECT a FROM s; SELECT 1")
    whole = peak_of(path, "CREATE MATERIALIZED VIEW many AS SELECT x.a, y.a AS b, y.pad FROM s x CROSS JOIN s y; SELECT 1")
    assert whole < small + 100_000, f"{whole} KiB for two million rows, {small} KiB for a thousand"
    assert rows(path, "SELECT count(*), count(DISTINCT a * 10000 + b) FROM many") == [(1_960_000, 1_960_000)]


def memory_that_a_service_needs_no_more_goes_back(folder):
    path = folder / "f.db"
    if is_sanitized():
        return print("SKIPPED: a sanitizer keeps memory that was freed")
    lines_of(folder / "in.ndjson", [{"a": 1}])
    weir(path, "-c", f"CREATE STREAM s (a INTEGER) WITH (connector = 'file', path = '{folder}/in.ndjson', format = 'json', follow = true); CREATE MATERIALIZED VIEW v AS SELECT sum(a) AS a FROM s;"
         "CREATE TABLE t (k INTEGER PRIMARY KEY, pad TEXT); CREATE MATERIALIZED VIEW n AS SELECT pad, count(*) AS n FROM t GROUP BY pad")
    with service(folder, path) as process:
        wait_for("the service", has(path, "SELECT a FROM v", [(1,)]))
        for first in range(0, 200_000, 10_000):
            weir(path, "-c", f"INSERT INTO t SELECT i, printf('%0400d', i) FROM generate_series({first}, {first + 9_999}) AS g(i)")
        weir(path, "-c", "TRUNCATE t")
        most = memory_kib(process, "VmHWM")
        assert most > 150_000, f"{most} KiB: too little to show anything"
        wait_for("memory to go back", lambda: memory_kib(process, "VmRSS") < most / 2)


def memory_kib(process, what):
    return int(re.search(rf"{what}:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())[1])


def peak_of(path, statement, expected=1):
    run = subprocess.run(["/usr/bin/env", "python3", "-c", "import resource, subprocess, sys\n"
                          "p = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)\nn = sum(chunk.count(b'\\n') for chunk in iter(lambda: p.stdout.read(1 << 20), b''))\n"
                          "p.wait()\nprint(n, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)", WEIR, str(path), "-c", statement], capture_output=True, text=True, timeout=LIMIT_S)
    count, peak = map(int, run.stdout.split())
    assert count == expected, f"{count} rows: {run.stderr}"
    return peak


CASES = [
    a_limit_stops_one_of_two_equal_views, a_view_that_grows_beyond_memory_stops_alone, a_long_absence_takes_no_memory, what_a_new_view_holds_takes_no_memory, memory_that_a_service_needs_no_more_goes_back, a_long_commit_of_a_script_can_be_canceled, a_view_that_is_made_can_be_canceled, a_service_ends_in_the_midst_of_a_long_commit,
    who_cancels_beside_a_service_ends_only_what_is_not_committed,
    a_bad_record_stops_only_views_that_read_its_source, a_bad_record_ends_until_end_with_1, a_dead_letter_names_each_view_that_misses_the_row, damaged_state_stops_only_its_view, status_says_how_it_is, a_damaged_checkpoint_stops_its_lane,
]


def run(case):
    with tempfile.TemporaryDirectory(prefix="weir-failures-") as folder:
        case(Path(folder))


def main():
    global WEIR
    options = world.arguments(__doc__)
    WEIR = options.weir
    return not world.run_cases([(case.__name__.replace("_", " "), lambda case=case: run(case)) for case in CASES], options.names)


if __name__ == "__main__":
    sys.exit(main())
