#!/usr/bin/env python3
"""Options of streams and views that only a real broker can show: where a view starts, what becomes of a gap.

    kafka_options.py --weir PATH [--broker HOST:PORT] [NAME...]

Without --broker one is started and stopped. Each case has a topic and a folder of its own.
"""
import json
import signal
import subprocess
import sys
import time

import world
from world import PATIENCE, Wrong


class World(world.World):
    """A case whose topic carries numbers that count up."""

    def __init__(self, weir, broker, name):
        super().__init__(weir, broker, name)
        self.sent = 0

    def send(self, count, partition=0):
        rows = "".join(json.dumps({"a": self.sent + i + 1}) + "\n" for i in range(count))
        self.sent += count
        subprocess.run(["kcat", "-P", "-b", self.broker, "-t", self.topic, "-p", str(partition)], input=rows.encode(), check=True, stderr=subprocess.DEVNULL)

    def stream(self, more=""):
        return f"CREATE STREAM s (a INTEGER) WITH (connector = 'kafka', brokers = '{self.broker}', topic = '{self.topic}', format = 'json'{more});"


def views_begin_where_they_say(w):
    w.send(5)
    time.sleep(1.1)
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    time.sleep(1.1)
    w.send(3)
    views = {"of_all": "", "of_new": "WITH (start = 'latest')", "of_time": f"WITH (start = '{moment}')"}
    w.sql(w.stream() + "".join(f"CREATE MATERIALIZED VIEW {name} {option} AS SELECT count(*) AS n, min(a) AS first FROM s;" for name, option in views.items()))
    w.start()
    all_of_them = "SELECT (SELECT n FROM of_all), (SELECT n FROM of_new), (SELECT n FROM of_time), (SELECT first FROM of_time)"
    w.expect(all_of_them, [(8, 0, 3, 6)])
    w.send(2)
    w.expect(all_of_them, [(10, 2, 5, 6)])
    w.expect("SELECT view, position FROM weir_starts ORDER BY view", [("of_all", 0), ("of_new", 8), ("of_time", 5)])
    w.sql("ALTER MATERIALIZED VIEW of_new REBUILD; PAUSE of_time")
    w.send(1)
    w.sql("RESUME of_time")
    w.expect(all_of_them, [(11, 3, 6, 6)])
    w.stop(signal.SIGKILL)
    w.send(1)
    w.start()
    w.expect(all_of_them, [(12, 4, 7, 6)])
    w.expect("SELECT name, state, start FROM weir_views ORDER BY name", [("of_all", "live", "earliest"), ("of_new", "live", "latest"), ("of_time", "live", moment)])
    w.stop()


def a_start_goes_before_the_streams_own(w):
    w.send(4)
    w.sql(w.stream(", start = 'latest'") + "CREATE MATERIALIZED VIEW of_all WITH (start = 'earliest') AS SELECT count(*) AS n FROM s; CREATE MATERIALIZED VIEW as_said AS SELECT count(*) AS n FROM s;")
    w.until_end()
    w.expect("SELECT (SELECT n FROM of_all), (SELECT n FROM as_said)", [(4, 0)])


GAP_VIEWS = "CREATE TABLE t (k INTEGER PRIMARY KEY); CREATE MATERIALIZED VIEW v AS SELECT count(*) AS n, max(a) AS last FROM s; CREATE MATERIALIZED VIEW other AS SELECT count(*) AS n FROM t;"


def lose(w, more=""):
    """Reads 3 of 10 records; the topic then has only those from 7 on."""
    w.send(3)
    w.sql(w.stream(more) + GAP_VIEWS)
    w.until_end()
    w.send(7)
    w.kafka("cut", w.topic, "0", "7")


def a_gap_stops_the_source_alone_and_is_shown(w):
    lose(w)
    w.start()
    w.expect_status(4, "lost", "position 3 is not there any more, it has 7 to 10")
    w.sql("INSERT INTO t VALUES (1), (2); FLUSH")
    w.expect("SELECT (SELECT n FROM v), (SELECT n FROM other)", [(3, 2)])
    w.expect("SELECT state FROM weir_sources", [("lost",)])
    w.sql("RESUME s", code=1)
    w.sql("ALTER STREAM s SET (on_offset_gap = 'earliest'); RESUME s")
    w.expect("SELECT n, last FROM v", [(6, 10)])
    w.expect("SELECT source, why, wanted, earliest, \"end\", went_on FROM weir_gaps", [("s", "expired", 3, 7, 10, 7)])
    w.expect_status(0, "went on behind 1 gap")
    w.stop(signal.SIGKILL)
    w.send(1)
    w.start()
    w.expect("SELECT n, last FROM v", [(7, 11)])
    w.expect("SELECT count(*) FROM weir_gaps", [(1,)])
    w.stop()


def until_end_cannot_go_on_over_a_gap(w):
    lose(w)
    said = w.until_end(code=3)
    if "position 3 is not there any more" not in said:
        raise Wrong(said)
    code, text = w.status()
    if "lost" not in text:
        raise Wrong(text)
    w.sql("ALTER STREAM s SET (on_offset_gap = 'latest')")
    w.until_end()
    w.expect("SELECT n FROM v", [(3,)])
    w.expect("SELECT wanted, went_on FROM weir_gaps", [(3, 10)])
    w.send(2)
    w.until_end()
    w.expect("SELECT n, last FROM v", [(5, 12)])


def a_gap_is_passed_where_the_stream_says_so(w):
    lose(w, ", on_offset_gap = 'earliest'")
    w.until_end()
    w.expect("SELECT n, last FROM v", [(6, 10)])
    w.expect("SELECT why, went_on FROM weir_gaps", [("expired", 7)])


def a_topic_made_anew_is_a_gap(w):
    w.send(6)
    w.sql(w.stream() + GAP_VIEWS)
    w.until_end()
    w.kafka("drop", w.topic)
    time.sleep(1)
    w.kafka("topic", w.topic)
    w.send(2)
    w.start()
    w.expect_status(4, "lost")
    w.sql("RESUME s ON OFFSET GAP EARLIEST")
    w.expect("SELECT n, last FROM v", [(8, 8)])
    w.expect("SELECT why, went_on FROM weir_gaps", [("shrunk", 0)])
    w.stop()


def follow(w, statement):
    return subprocess.Popen([w.weir, w.file, "-c", statement], stdout=open(w.folder / "rows", "w"), stderr=open(w.folder / "errors", "w"))


def expect_rows(w, rows):
    deadline = time.monotonic() + PATIENCE
    while (got := (w.folder / "rows").read_text().split()) != rows:
        if time.monotonic() > deadline:
            raise Wrong(f"{got}, expected {rows}: {(w.folder / 'errors').read_text()}")
        time.sleep(0.05)


def anew(w):
    w.kafka("drop", w.topic)
    time.sleep(1)
    w.kafka("topic", w.topic)
    w.send(2)


def a_query_ends_where_its_position_is_lost(w):
    w.send(3)
    w.sql(w.stream())
    query = follow(w, "SELECT a FROM s")
    expect_rows(w, ["1", "2", "3"])
    anew(w)
    code, said = query.wait(timeout=PATIENCE), (w.folder / "errors").read_text()
    if code == 0 or "is not there any more" not in said or "on_offset_gap = 'earliest'" not in said:
        raise Wrong(f"{code}: {said}")


def a_query_goes_on_where_the_stream_says_so(w):
    w.send(3)
    w.sql(w.stream(", on_offset_gap = 'earliest'"))
    query = follow(w, "SELECT a FROM s LIMIT 5")
    expect_rows(w, ["1", "2", "3"])
    anew(w)
    expect_rows(w, ["1", "2", "3", "4", "5"])
    code, said = query.wait(timeout=PATIENCE), (w.folder / "errors").read_text()
    if code or "goes on at 0" not in said or w.ask("SELECT count(*) FROM weir_gaps") != [(0,)]:
        raise Wrong(f"{code}: {said}")


CASES = [
    views_begin_where_they_say, a_start_goes_before_the_streams_own, a_gap_stops_the_source_alone_and_is_shown, until_end_cannot_go_on_over_a_gap,
    a_gap_is_passed_where_the_stream_says_so, a_topic_made_anew_is_a_gap, a_query_ends_where_its_position_is_lost, a_query_goes_on_where_the_stream_says_so,
]


def run(case, weir, broker):
    with World(weir, broker, case.__name__) as w:
        w.kafka("topic", w.topic)
        case(w)


def main():
    options = world.arguments(__doc__, kafka=True)
    if not world.has_kafka():
        print("SKIPPED: needs java, mvn and kcat")
        return world.SKIPPED
    with world.a_broker(options.broker) as broker:
        return not world.run_cases([(case.__name__, lambda case=case: run(case, options.weir, broker)) for case in CASES], options.names)


if __name__ == "__main__":
    sys.exit(main())
