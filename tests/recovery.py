#!/usr/bin/env python3
"""What comes back after a pause, a loss or a copy: lanes over a real broker, sinks of copied files.

    recovery.py --weir PATH [--broker HOST:PORT] [NAME...]

Without --broker one is started and stopped; without java and kcat only what needs none is done, and it says so.
"""
import contextlib
import signal
import subprocess
import sys
import time

import world
from kafka_options import World
from world import Wrong

VIEWS = """CREATE MATERIALIZED VIEW v AS SELECT a % 10 AS k, count(*) AS n, sum(a) AS total FROM s GROUP BY a % 10;
    CREATE MATERIALIZED VIEW top AS SELECT max(total) AS total FROM v; CREATE MATERIALIZED VIEW c AS SELECT count(*) AS n FROM s;"""
OF_V = "SELECT sum(n), sum(total) FROM v"


def paused_views_go_on_where_they_were(w):
    """The records from before the pause are gone from the topic by then: what comes after is enough."""
    w.send(1000)
    w.sql(w.stream() + VIEWS)
    w.start()
    w.expect(OF_V, [(1000, 500500)])
    w.sql("PAUSE v")
    w.send(1000)
    w.expect("SELECT n FROM c", [(2000,)])
    w.kafka("cut", w.topic, "0", "1000")
    w.stop(signal.SIGKILL)
    w.start()
    w.send(500)
    w.expect("SELECT n FROM c", [(2500,)])
    w.expect(OF_V, [(1000, 500500)])
    w.expect("SELECT name, state FROM weir_views ORDER BY name", [("c", "live"), ("top", "paused"), ("v", "paused")])
    w.sql("RESUME v")
    w.expect(OF_V, [(2500, 3126250)])
    w.expect("SELECT total FROM top", [(sum(range(10, 2501, 10)),)])
    w.expect("SELECT name, state FROM weir_views ORDER BY name", [("c", "live"), ("top", "live"), ("v", "live")])
    w.expect("SELECT name, rows_in, applied FROM weir_accounts WHERE name IN ('c', 'v') ORDER BY name", [("c", 2500, 2500), ("v", 2500, 2500)])
    w.stop()


def a_view_whose_beginning_is_gone_is_not_rebuilt_silently(w):
    w.send(100)
    w.sql(w.stream() + VIEWS)
    w.until_end()
    w.kafka("cut", w.topic, "0", "40")
    said = w.sql("ALTER MATERIALIZED VIEW v REBUILD", code=3)
    if "began at position 0" not in said or "begins at 40" not in said:
        raise Wrong(said)
    w.sql("CREATE OR REPLACE MATERIALIZED VIEW c AS SELECT count(*) AS n, 1 AS one FROM s", code=3)
    w.expect(OF_V, [(100, 5050)])
    w.sql("ALTER MATERIALIZED VIEW v REBUILD WITH (start = 'earliest')")
    w.until_end()
    w.expect(OF_V, [(60, 5050 - 820)])
    w.expect("SELECT position FROM weir_starts WHERE view = 'v'", [(40,)])
    w.sql("ALTER MATERIALIZED VIEW v REBUILD")
    w.until_end()
    w.expect(OF_V, [(60, 5050 - 820)])
    w.expect("SELECT n FROM c", [(100,)])


def what_cannot_be_replayed_is_stopped_alone(w):
    """State beyond a mebibyte is not saved with each commit: the last ones must be read again, and the topic was made anew since."""
    w.send(50)
    w.sql(w.stream() + VIEWS + "CREATE MATERIALIZED VIEW big AS SELECT a, count(*) AS n FROM s GROUP BY a; CREATE STREAM l (a INTEGER); CREATE MATERIALIZED VIEW other AS SELECT count(*) AS n FROM l;")
    w.start()
    w.expect("SELECT n FROM c", [(50,)])
    w.sql("INSERT INTO l VALUES (1); FLUSH")
    w.send(80000)
    w.expect("SELECT n FROM c", [(80050,)])
    w.stop(signal.SIGKILL)
    w.expect("SELECT max(generation) < (SELECT max(id) FROM weir_commits) FROM weir_checkpoints", [(1,)])
    w.kafka("drop", w.topic)
    time.sleep(1)
    w.kafka("topic", w.topic)
    w.sent = 100000
    w.send(60)
    w.start()
    w.expect("SELECT count(*) FROM weir_views WHERE state = 'stopped' AND why LIKE 'cannot replay%'", [(4,)])
    w.expect("SELECT n FROM c", [(80050,)])
    w.sql("INSERT INTO l VALUES (2); FLUSH")
    w.expect("SELECT n FROM other", [(2,)])
    w.expect_status(4, "stopped", "cannot replay")
    for view in ("v", "c", "big"):
        w.sql(f"ALTER MATERIALIZED VIEW {view} REBUILD")
    w.expect("SELECT n FROM c", [(60,)])
    w.expect(OF_V, [(60, sum(range(100001, 100061)))])
    w.sql("RESUME top")
    w.expect("SELECT count(*) FROM weir_views WHERE state <> 'live'", [(0,)])
    w.expect("SELECT (SELECT count(*) FROM big), total = (SELECT max(total) FROM v) FROM top", [(60, 1)])
    w.stop()


def sinks_of_a_copy_wait(w):
    out = w.folder / "out.ndjson"
    w.sql(f"CREATE STREAM l (a INTEGER); CREATE SINK o AS SELECT a FROM l WITH (connector = 'file', path = '{out}', format = 'json'); INSERT INTO l VALUES (1)")
    original = w.file
    subprocess.run(["sqlite3", original, f".backup {w.folder / 'copy.db'}"], check=True)
    w.sql("INSERT INTO l VALUES (2)")
    w.file = w.folder / "copy.db"
    if "paused (copy)" not in w.sql("INSERT INTO l VALUES (10); SHOW SINKS"):
        raise Wrong("SHOW SINKS does not say that the sink waits")
    said = w.status()[1]
    if "the file is a copy" not in said:
        raise Wrong(said)
    if out.read_text() != '{"a":1}\n{"a":2}\n':
        raise Wrong(out.read_text())
    w.sql("RESUME SINK o")
    if out.read_text() != '{"a":1}\n{"a":10}\n':
        raise Wrong(out.read_text())
    out.write_text('{"a":1}\n{"a":2}\n')
    second = w.folder / "second.db"
    subprocess.run(["sqlite3", original, f".backup {second}"], check=True)
    w.file = second
    subprocess.run([w.weir, "run", second, "--take-over", "--until-end"], check=True, stderr=subprocess.DEVNULL)
    w.sql("INSERT INTO l VALUES (3)")
    if out.read_text() != '{"a":1}\n{"a":2}\n{"a":3}\n':
        raise Wrong(out.read_text())


WITHOUT_BROKER = [sinks_of_a_copy_wait]
WITH_BROKER = [paused_views_go_on_where_they_were, a_view_whose_beginning_is_gone_is_not_rebuilt_silently, what_cannot_be_replayed_is_stopped_alone]


def run(case, weir, broker):
    with World(weir, broker, case.__name__) as w:
        if case in WITH_BROKER:
            w.kafka("topic", w.topic)
        case(w)


def main():
    options = world.arguments(__doc__, kafka=True)
    has_kafka = world.has_kafka()
    if not has_kafka:
        print("SKIPPED what needs a broker: needs java, mvn and kcat")
    with world.a_broker(options.broker) if has_kafka else contextlib.nullcontext() as broker:
        cases = WITHOUT_BROKER + (WITH_BROKER if has_kafka else [])
        return not world.run_cases([(case.__name__, lambda case=case: run(case, options.weir, broker)) for case in cases], options.names)


if __name__ == "__main__":
    sys.exit(main())
