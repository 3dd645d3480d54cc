#!/usr/bin/env python3
"""Options of streams and views that only a real broker can show: where a view starts, what becomes of a gap.

    kafka_options.py --weir PATH [--broker HOST:PORT] [--only NAME]

Without --broker one is started (tests/kafka/kafka.sh) and stopped. Each case has a topic and a folder of its own.
"""
import argparse
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
KAFKA = HERE / "kafka" / "kafka.sh"
PATIENCE = 60


class Wrong(Exception):
    pass


class World:
    """One case: its topic, its file, the process that runs."""

    def __init__(self, options, broker, name):
        self.weir = options.weir
        self.broker = broker
        self.topic = f"options-{name}-{os.getpid()}"
        self.folder = Path(tempfile.mkdtemp(prefix="weir-options-"))
        self.file = self.folder / "w.db"
        self.process = None
        self.sent = 0

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder)

    def send(self, count, partition=0):
        rows = "".join(json.dumps({"a": self.sent + i + 1}) + "\n" for i in range(count))
        self.sent += count
        subprocess.run(["kcat", "-P", "-b", self.broker, "-t", self.topic, "-p", str(partition)], input=rows.encode(), check=True, stderr=subprocess.DEVNULL)

    def kafka(self, *words):
        subprocess.run(["bash", KAFKA, *words], check=True, stdout=subprocess.DEVNULL, env={**os.environ, "KAFKA_PORT": self.broker.rsplit(":", 1)[1]})

    def stream(self, more=""):
        return f"CREATE STREAM s (a INTEGER) WITH (connector = 'kafka', brokers = '{self.broker}', topic = '{self.topic}', format = 'json'{more});"

    def sql(self, text, code=0):
        done = subprocess.run([self.weir, self.file, "-c", text], capture_output=True, text=True, timeout=PATIENCE)
        if done.returncode != code:
            raise Wrong(f"{text}: exit code {done.returncode}: {done.stderr.strip()}")
        return done.stdout + done.stderr

    def until_end(self, code=0):
        done = subprocess.run([self.weir, "run", self.file, "--until-end"], capture_output=True, text=True, timeout=PATIENCE)
        if done.returncode != code:
            raise Wrong(f"run --until-end: exit code {done.returncode}: {done.stderr.strip()}")
        return done.stderr

    def start(self):
        self.process = subprocess.Popen([self.weir, "run", self.file], stderr=open(self.folder / "log", "a"))
        while self.process.poll() is None and self.status()[0] in (3, 5):
            time.sleep(0.05)                              # it has the file before others ask for it

    def stop(self, sign=signal.SIGTERM):
        self.process.send_signal(sign)
        code = self.process.wait(timeout=PATIENCE)
        self.process = None
        return code

    def status(self):
        done = subprocess.run([self.weir, "status", self.file], capture_output=True, text=True, timeout=PATIENCE)
        return done.returncode, done.stdout

    def ask(self, text):
        try:
            with sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, timeout=10) as file:
                return file.execute(text).fetchall()
        except sqlite3.OperationalError:
            return None

    def expect(self, text, rows):
        """Waits until the query answers so."""
        deadline = time.monotonic() + PATIENCE
        while (got := self.ask(text)) != rows:
            if time.monotonic() > deadline:
                raise Wrong(f"{text}: {got}, expected {rows}; {(self.folder / 'log').read_text() if (self.folder / 'log').exists() else ''}")
            time.sleep(0.05)

    def expect_status(self, code, *words):
        deadline = time.monotonic() + PATIENCE
        while True:
            got, text = self.status()
            if got == code and all(word in text for word in words):
                return
            if time.monotonic() > deadline:
                raise Wrong(f"weir status: {got}\n{text}expected {code} with {words}")
            time.sleep(0.1)


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


def run(case, options, broker):
    world = World(options, broker, case.__name__)
    try:
        world.kafka("topic", world.topic)
        case(world)
        print(f"ok {case.__name__}", flush=True)
        return True
    except (Wrong, subprocess.TimeoutExpired) as wrong:
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
    if not all(map(shutil.which, ("java", "kcat", "bash"))):
        print("SKIPPED: needs java and kcat")
        return 77
    own = not options.broker
    broker = options.broker or f"127.0.0.1:{os.environ.get('KAFKA_PORT', '19192')}"
    if own:
        for word in ("fetch", "start"):
            subprocess.run(["bash", KAFKA, word], check=True, stdout=subprocess.DEVNULL)
    try:
        return 0 if all([run(case, options, broker) for case in CASES if not options.only or options.only in case.__name__]) else 1
    finally:
        if own:
            subprocess.run(["bash", KAFKA, "stop"], stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
