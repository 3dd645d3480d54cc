#!/usr/bin/env python3
"""What comes back after a pause, a loss or a copy: lanes over a real broker, sinks of copied files.

    recovery.py --weir PATH [--broker HOST:PORT] [--only NAME]

Without --broker one is started and stopped; without java and kcat only what needs none is done, and it says so.
"""
import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from kafka_options import KAFKA, World, Wrong

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


def run(case, options, broker):
    world = World(options, broker, case.__name__)
    try:
        if case in WITH_BROKER:
            world.kafka("topic", world.topic)
        case(world)
        print(f"ok {case.__name__}", flush=True)
        return True
    except (Wrong, subprocess.SubprocessError) as wrong:
        print(f"FAILED {case.__name__}: {wrong}", flush=True)
        return False
    finally:
        world.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--weir", required=True, type=lambda path: Path(path).resolve())
    parser.add_argument("--broker")
    parser.add_argument("--only")
    options = parser.parse_args()
    cases = list(WITHOUT_BROKER)
    can = all(map(shutil.which, ("java", "kcat", "bash")))
    if can:
        cases += WITH_BROKER
    else:
        print("SKIPPED what needs a broker: needs java and kcat")
    own = can and not options.broker
    broker = options.broker or f"127.0.0.1:{os.environ.get('KAFKA_PORT', '19192')}"
    if own:
        for word in ("fetch", "start"):
            subprocess.run(["bash", KAFKA, word], check=True, stdout=subprocess.DEVNULL)
    try:
        return 0 if all([run(case, options, broker) for case in cases if not options.only or options.only in case.__name__]) else 1
    finally:
        if own:
            subprocess.run(["bash", KAFKA, "stop"], stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
