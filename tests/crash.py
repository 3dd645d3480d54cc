#!/usr/bin/env python3
"""Kill -9 at random moments, for every kind of source: after each kill the file is a prefix of the input, at the end nothing is missing.

    crash.py --weir PATH [--kills N] [--seed S] [--only NAME] [--no-kafka]

Kind `changes` also makes, pauses, resumes, rebuilds, replaces and drops views at random meanwhile, some of them with file sinks below, by two clients at once. Views: c counts all, d by key, w closed windows; at each restart all three must be of one and the same prefix. Without Java, Maven or kcat
the Kafka part is skipped, and says so.
"""
import argparse
import collections
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import world
from world import Wrong, ask

WINDOW_S, DELAY_S = 10, 4
START = "2026-01-01 00:00:00"


def record(i):
    """The i-th event: time grows by 5 ms an event, with some disorder."""
    ms = i * 5 + (i * 7919 % 3000 if i % 10 == 0 else 0)
    return {"id": i, "key": i * 31 % 97, "price": i * 13 % 1000, "at": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(1767225600 + ms // 1000)) + f".{ms % 1000:03}"}, ms


VIEWS = f"""
CREATE MATERIALIZED VIEW c AS SELECT count(*) AS n, sum(price) AS total, max(id) AS newest FROM s;
CREATE MATERIALIZED VIEW d AS SELECT key, count(*) AS n, sum(price) AS total, count(DISTINCT price) AS prices FROM s GROUP BY key;
CREATE MATERIALIZED VIEW w AS SELECT window_start, count(*) AS n FROM TUMBLE(s, at, INTERVAL '{WINDOW_S} seconds') GROUP BY window_start EMIT ON WINDOW CLOSE;
CREATE MATERIALIZED VIEW t AS SELECT sum(n) AS n, max(total) AS highest FROM d;
"""
COLUMNS = f"id BIGINT, key BIGINT, price BIGINT, at TIMESTAMP, WATERMARK FOR at AS at - INTERVAL '{DELAY_S}' SECOND"


class Expected:
    """What the views hold after the first n events."""

    def __init__(self, event=record):
        self.event, self.n, self.total, self.newest_ms = event, 0, 0, None
        self.keys = collections.defaultdict(lambda: [0, 0, set()])
        self.windows = collections.Counter()

    def advance(self, n):
        while self.n < n:
            row, ms = self.event(self.n)
            window = ms // (WINDOW_S * 1000)
            key = self.keys[row["key"]]
            key[0] += 1
            key[1] += row["price"]
            key[2].add(row["price"])
            late = self.newest_ms is not None and (window + 1) * WINDOW_S * 1000 <= self.newest_ms - DELAY_S * 1000
            if not late:
                self.windows[window] += 1
            self.newest_ms = ms if self.newest_ms is None else max(self.newest_ms, ms)
            self.total += row["price"]
            self.n += 1

    def closed(self):
        if self.newest_ms is None:
            return {}
        return {k: n for k, n in self.windows.items() if (k + 1) * WINDOW_S * 1000 <= self.newest_ms - DELAY_S * 1000}


def go_on(expected, sound, n, total):
    """The file is sound and has no fewer rows than before; what is expected of its n rows."""
    if sound != [("ok",)]:
        raise Wrong(f"integrity_check: {sound[:3]}")
    if n < expected.n:
        raise Wrong(f"{expected.n} rows before, {n} now")
    expected.advance(n)
    if (total or 0) != expected.total:
        raise Wrong(f"after {n} rows the sum is {total}, not {expected.total}")
    return n


def check(path, expected, windows=True):
    c, d, w, t, sound = ask(path, "SELECT n, total, newest FROM c", "SELECT key, n, total, prices FROM d", "SELECT window_start, n FROM w",
                            "SELECT n, highest FROM t", "PRAGMA integrity_check")
    n = go_on(expected, sound, *c[0][:2])
    wanted = {key: (k[0], k[1], len(k[2])) for key, k in expected.keys.items()}
    if {row[0]: row[1:] for row in d} != wanted:
        raise Wrong(f"view d is not of the first {n} rows")
    if t and n and t[0] != (n, max(k[1] for k in expected.keys.values())):
        raise Wrong(f"view t says {t[0]} of {n} rows")
    if windows and len(w) != len(expected.closed()):
        raise Wrong(f"{len(w)} windows are closed, not {len(expected.closed())}, after {n} rows")
    if windows and sorted(row[1] for row in w) != sorted(expected.closed().values()):
        raise Wrong(f"windows count otherwise after {n} rows")
    return n


def kill_loop(options, rng, folder, name, script, longest_s=0.8, first_s=2.0, last=None):
    path, script_path = folder / f"{name}.db", folder / f"{name}.sql"
    script_path.write_text(script)
    expected, seen = Expected(), []
    for kill in range(options.kills):
        log = (folder / f"{name}.log").open("wb")
        process = subprocess.Popen([options.weir, "run", path, "-f", script_path], stdout=log, stderr=log)
        time.sleep(rng.random() * longest_s if kill else first_s)
        if process.poll() not in (None, 0):
            raise Wrong(f"ended by itself with {process.returncode}: {(folder / f'{name}.log').read_text()[-500:]}")
        process.send_signal(signal.SIGKILL)
        process.wait()
        if path.exists() and ask(path, "SELECT count(*) FROM sqlite_master WHERE name = 't'")[0][0][0]:
            seen.append(check(path, expected))
    if last:
        last()
    subprocess.run([options.weir, "run", path, "-f", script_path, "--until-end"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
    n = check(path, expected)
    return path, n, f"{len(seen)} kills at {min(seen, default=0)} to {max(seen, default=0)} rows, {n} at the end"


def of_file(options, rng, folder):
    """The file grows all the time, so that kills come in the midst of reading."""
    lines, written, stop = folder / "events.ndjson", [0], threading.Event()

    def grow():
        with lines.open("w") as file:
            while not stop.is_set():
                file.write("".join(json.dumps(record(i)[0]) + "\n" for i in range(written[0], written[0] + 200)))
                file.flush()
                written[0] += 200
                stop.wait(0.01)

    writer = threading.Thread(target=grow)

    def last():
        stop.set()
        writer.join()

    lines.touch()
    writer.start()
    try:
        _, n, text = kill_loop(options, rng, folder, "file", f"CREATE STREAM s ({COLUMNS}) WITH (connector = 'file', path = '{lines}', format = 'json', follow = true);" + VIEWS, 0.5, 0.4, last)
    finally:
        last()
    if n != written[0]:
        raise Wrong(f"{written[0]} lines, {n} rows")
    return text


def of_generator(options, rng, folder):
    """Two runs of the same generator must end alike, one of them killed again and again."""
    events = 1_000_000 + 75_000 * options.kills
    script = f"""CREATE STREAM g (event_type INT, bid ROW<auction BIGINT, price BIGINT, `dateTime` TIMESTAMP>, at AS bid.`dateTime`, WATERMARK FOR at AS at - INTERVAL '4' SECOND)
        WITH (connector = 'nexmark', events = {events}, event_time_rate = 20000);
        CREATE MATERIALIZED VIEW a AS SELECT bid.auction AS auction, count(*) AS n, sum(bid.price) AS total FROM g WHERE event_type = 2 GROUP BY bid.auction;
        CREATE MATERIALIZED VIEW b AS SELECT window_start, count(*) AS n FROM HOP(g, at, INTERVAL '2' SECOND, INTERVAL '10' SECOND) GROUP BY window_start;"""
    script_path = folder / "generator.sql"
    script_path.write_text(script)
    sums = []
    for name, kills in (("once", 0), ("killed", options.kills)):
        path = folder / f"generator-{name}.db"
        for _ in range(kills):
            process = subprocess.Popen([options.weir, "run", path, "-f", script_path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(0.05 + rng.random() * 0.4)
            process.kill()
            process.wait()
        subprocess.run([options.weir, "run", path, "-f", script_path, "--until-end"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
        sums.append(ask(path, "SELECT auction, n, total FROM a ORDER BY 1", "SELECT window_start, n FROM b ORDER BY 1"))
    if sums[0] != sums[1]:
        raise Wrong("killed again and again the generator's views are others than in one run")
    return f"{options.kills} kills, {len(sums[0][0])} auctions, {len(sums[0][1])} windows"


def of_local(options, rng, folder):
    """What was acknowledged (the answer behind FLUSH was read) is there, and rows are a prefix."""
    path = folder / "local.db"
    subprocess.run([options.weir, path, "-c", f"CREATE STREAM s ({COLUMNS});" + VIEWS], check=True)
    expected, acknowledged, n = Expected(), 0, 0
    for kill in range(options.kills):
        process = subprocess.Popen([options.weir, path, "--json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        state = {"acknowledged": acknowledged}

        def write(first=n):
            try:
                for i in range(first, first + 100_000):
                    row, _ = record(i)
                    process.stdin.write(f"INSERT INTO s VALUES ({row['id']}, {row['key']}, {row['price']}, '{row['at']}');\n".encode())
                    if i % 3 == 0:
                        process.stdin.write(f"FLUSH;\nSELECT {i + 1} AS done;\n".encode())
                        process.stdin.flush()
                        line = process.stdout.readline()
                        if not line:
                            return
                        state["acknowledged"] = json.loads(line)[0]["done"]
            except (OSError, ValueError):
                pass

        thread = threading.Thread(target=write, daemon=True)
        thread.start()
        time.sleep(0.02 + rng.random() * 0.4)
        process.kill()
        process.wait()
        thread.join()
        acknowledged = state["acknowledged"]
        n = check(path, expected)
        if n < acknowledged:
            raise Wrong(f"row {acknowledged} was acknowledged, {n} are there")
    return f"{options.kills} kills, {n} rows, {acknowledged} acknowledged"


class Upserts:
    """Records of a changelog: the i-th sets its key's row, each 13th takes it away. So many keys that checkpoints are no matter of each commit."""

    KEYS = 40_000

    def __init__(self):
        self.n, self.rows = 0, {}

    @staticmethod
    def record(i):
        key = i * 7919 % Upserts.KEYS if i % 3 else i % 17
        return key, None if i % 13 == 12 else {"n": i, "pad": "x" * (100 + i % 50)}

    def advance(self, n):
        while self.n < n:
            key, value = self.record(self.n)
            if value is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = value["n"]
            self.n += 1


class UpsertProducer:
    def __init__(self, address, topic, spread):
        self.process = subprocess.Popen(["kcat", "-P", "-Z", "-K|", "-b", address, "-t", topic, *(() if spread else ("-p", "0")), "-X", "linger.ms=5", "-X", "enable.idempotence=true"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.sent, self.over = 0, False
        self.thread = threading.Thread(target=self.produce, daemon=True)
        self.thread.start()

    def produce(self):
        while not self.over:
            records = [Upserts.record(i) for i in range(self.sent, self.sent + 1000)]
            self.process.stdin.write("".join(f'{{"id":{key}}}|{json.dumps(value) if value else ""}\n' for key, value in records).encode())
            self.process.stdin.flush()
            self.sent += 1000
            time.sleep(0.02)
        self.process.stdin.close()
        self.process.wait()

    def stop(self):
        self.over = True
        self.thread.join()


UPSERT_VIEWS = """CREATE MATERIALIZED VIEW total AS SELECT count(*) AS n, sum(n) AS s FROM up;
CREATE MATERIALIZED VIEW newest AS SELECT id, n, off FROM up ORDER BY n DESC LIMIT 3;"""


def check_upserts(path, expected, exact, spread):
    """The views are those of the table; the table is what the first records make of it (exact), or, where the broker may have dropped some that
    were superseded by later ones, or several partitions are read, each row is one that was sent."""
    position, rows, total, newest = ask(path, "SELECT sum(position) FROM weir_positions", "SELECT id, n, off FROM up", "SELECT n, s FROM total", "SELECT id, n, off FROM newest ORDER BY n DESC")
    n = position[0][0] or 0
    if total and total[0] != (len(rows), sum(row[1] for row in rows) if rows else None):
        raise Wrong(f"view total says {total[0]} of {len(rows)} rows")
    if newest != sorted(rows, key=lambda row: -row[1])[:3]:
        raise Wrong(f"view newest says {newest}")
    for key, value, offset in rows:
        if (value != offset and not spread) or Upserts.record(value)[0] != key or offset >= n:
            raise Wrong(f"row {key}, {value} from offset {offset} was not sent so, or after position {n}")
    if exact:
        expected.advance(n)
        if {row[0]: row[1] for row in rows} != expected.rows:
            raise Wrong(f"after {n} records {len(rows)} rows are there, not the {len(expected.rows)} that they make")
    return n


def upsert_loop(options, rng, folder, broker, topic):
    exact, spread = topic == "upserts", topic == "spread"
    path, script, log = folder / f"{topic}.db", folder / f"{topic}.sql", folder / f"{topic}.log"
    script.write_text(f"""CREATE TABLE up (id BIGINT PRIMARY KEY, n BIGINT, pad TEXT, off BIGINT METADATA FROM 'offset')
        WITH (connector = 'upsert-kafka', topic = '{topic}', brokers = '{broker}', 'key.format' = 'json', 'value.format' = 'json');""" + UPSERT_VIEWS)
    producer, expected, seen, logged = UpsertProducer(broker, topic, spread), Upserts(), [], 0
    for kill in range(options.kills):
        process = subprocess.Popen([options.weir, "run", path, "-f", script], stdout=log.open("wb"), stderr=subprocess.STDOUT)
        time.sleep(0.2 + rng.random() * 1.2 if kill else 2.0)
        if process.poll() not in (None, 0):
            raise Wrong(f"ended by itself with {process.returncode}: {log.read_text()[-500:]}")
        process.kill()
        process.wait()
        if path.exists() and ask(path, "SELECT count(*) FROM sqlite_master WHERE name = 'newest'")[0][0][0]:
            seen.append(check_upserts(path, expected, exact, spread))
            logged += ask(path, "SELECT count(*) > 0 FROM weir_log")[0][0][0]
    producer.stop()
    subprocess.run([options.weir, "run", path, "-f", script, "--until-end"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
    n = check_upserts(path, expected, True, spread)
    if n != producer.sent:
        raise Wrong(f"{producer.sent} records in the topic, read up to {n}")
    left = subprocess.run(["kcat", "-C", "-e", "-q", "-b", broker, "-t", topic, "-f", "%o\n"], capture_output=True, text=True, timeout=60).stdout.count("\n")
    if topic == "compacted" and left >= n:
        raise Wrong("the broker has compacted nothing")
    return f"{len(seen)} kills, {logged} of them with input in the log, {n} records, of which the topic has {left}"


def of_upsert(options, rng, folder):
    with world.a_broker() as broker:
        for words in (("topic", "upserts"), ("compacted", "compacted"), ("topic", "spread", "3")):
            world.kafka_sh(broker, *words)
        return "; ".join(upsert_loop(options, rng, folder, broker, topic) for topic in ("upserts", "spread", "compacted"))


def of_kafka(options, rng, folder):
    with world.a_broker() as broker:
        producer = subprocess.Popen(["kcat", "-P", "-b", broker, "-t", "events", "-p", "0", "-X", "linger.ms=5", "-X", "enable.idempotence=true"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        state = {"sent": 0, "stop": False}

        def produce():
            while not state["stop"]:
                rows = [json.dumps(record(i)[0]) + "\n" for i in range(state["sent"], state["sent"] + 400)]
                producer.stdin.write("".join(rows).encode())
                producer.stdin.flush()
                state["sent"] += 400
                time.sleep(0.02)
            producer.stdin.close()
            producer.wait()

        thread = threading.Thread(target=produce, daemon=True)
        thread.start()

        def last():
            state["stop"] = True
            thread.join()

        script = f"CREATE STREAM s ({COLUMNS}) WITH (connector = 'kafka', topic = 'events', brokers = '{broker}', format = 'json');" + VIEWS
        _, n, text = kill_loop(options, rng, folder, "kafka", script, last=last)
        if n != state["sent"]:
            raise Wrong(f"{state['sent']} records in the topic, {n} rows")
        return text


class Sinks:
    """File sinks below views that are replaced and rebuilt: what they have written, up to where the file says, makes what their queries give at the same cut."""

    REPLACED = [f"SELECT key, count(*) AS n, sum(price){what} AS total FROM s{where} GROUP BY key" for what in ("", " * 2", " + 0.5") for where in ("", " WHERE key % 3 <> 1")]     # of another type, too
    GROWING = [f"SELECT id, key FROM s WHERE key < 40 AND id >= {-n}" for n in range(4)]     # other plans of one content: rows that are only ever added
    QUERIES = {"o_keyed": "SELECT key, n, total FROM r", "o_plain": "SELECT n, total FROM r WHERE n > 3", "o_above": "SELECT rows, all_of_it FROM above", "o_added": "SELECT id, key FROM added"}

    @classmethod
    def script(cls, folder):
        return "".join([f"CREATE MATERIALIZED VIEW r AS {cls.REPLACED[0]};", "CREATE MATERIALIZED VIEW above AS SELECT count(*) AS rows, sum(total) AS all_of_it FROM r;",
                        f"CREATE MATERIALIZED VIEW added AS {cls.GROWING[0]};",
                        *(f"CREATE SINK {name} AS {query} WITH (connector = 'file', path = '{folder / name}', format = 'json');" for name, query in cls.QUERIES.items())])

    @staticmethod
    def statement(rng):
        return rng.choice([f"CREATE OR REPLACE MATERIALIZED VIEW r AS {rng.choice(Sinks.REPLACED)} CASCADE", f"CREATE OR REPLACE MATERIALIZED VIEW added AS {rng.choice(Sinks.GROWING)}",
                           "ALTER MATERIALIZED VIEW r REBUILD", "ALTER MATERIALIZED VIEW above REBUILD", "PAUSE r", "RESUME r", "RESUME above", "RESUME ALL"])

    @staticmethod
    def spelled(rows):
        """Where a column has become REAL, 1 and 1.0 are two."""
        return collections.Counter(repr(tuple(row)) for row in rows)

    @staticmethod
    def written(file, position):
        rows = collections.Counter()
        with file.open("rb") as lines:
            for line in lines.read(position).decode().splitlines():
                row = json.loads(line)
                op = row.pop("op", "+I")
                rows[tuple(row), repr(tuple(row.values()))] += -1 if op[0] == "-" else 1
        left = {row: n for row, n in rows.items() if n}
        if len({names for names, _ in left}) > 1:
            raise Wrong(f"{file} has rows of several columns that were not taken back: {list(left)[:3]}")
        return collections.Counter({row: n for (_, row), n in left.items()})

    @staticmethod
    def check(path, folder, final=False):
        """Of those that are away with what they read nothing has moved, so they are told by the same tables."""
        lanes, positions, *results = ask(path, "SELECT name, state FROM weir_views WHERE id NOT IN (SELECT CAST(substr(name, 10) AS INTEGER) FROM weir_settings WHERE name LIKE 'replaces.%')",
                                         "SELECT c.name, s.position FROM weir_sinks s JOIN weir_catalog c ON c.id = s.id", *Sinks.QUERIES.values())
        states, told = dict(lanes), 0
        for (name, query), result in zip(Sinks.QUERIES.items(), results):
            reads = {"o_above": "above", "o_added": "added"}.get(name, "r")
            if states[name] != "live" or states[reads] != "live":
                if final:
                    raise Wrong(f"at the end sink {name} is {states[name]}")
                continue
            written, wanted = Sinks.written(folder / name, dict(positions).get(name, 0)), Sinks.spelled(result)
            if written != wanted:
                raise Wrong(f"sink {name} has written other rows than its query gives: {list((wanted - written).items())[:3]} are missing, {list((written - wanted).items())[:3]} too many")
            told += 1
        return told


class Changing:
    """Views come and go, pause, resume, are replaced and rebuilt by two clients at once while rows come; whoever is live is of the prefix of c, which is left alone."""

    SCRIPT = """CREATE TABLE l (id BIGINT PRIMARY KEY, a BIGINT, b BIGINT);
        CREATE MATERIALIZED VIEW j AS SELECT count(*) AS n FROM s JOIN l ON s.key = l.id;"""
    OF_D = "SELECT key, count(*) AS n, sum(price) AS total, count(DISTINCT price) AS prices FROM s GROUP BY key"
    SCRIPT += f"CREATE MATERIALIZED VIEW y AS {OF_D};"        # the same operators as d's, shared while both are live from the beginning
    LOOKS_UP = {name: f"SELECT count(*) AS n, sum(l.{column}) AS v FROM s JOIN l ON s.key = l.id" for name, column in (("la", "a"), ("lb", "b"))}     # of j's index of l, each another column

    def __init__(self, options, path):
        self.options, self.path, self.done = options, path, collections.Counter()

    def statement(self, rng):
        view = rng.choice(["d", "t", "w", "j", "y", "x1", "x2", "la", "lb"])
        if rng.random() < 0.35:
            return Sinks.statement(rng)
        if rng.random() < 0.2:
            return "INSERT OR IGNORE INTO l VALUES ({0}, 3 * {0}, 7 * {0})".format(rng.randrange(97))
        if view[0] == "l" and rng.random() < 0.5:
            return rng.choice([f"CREATE MATERIALIZED VIEW {view} AS {self.LOOKS_UP[view]}", f"DROP MATERIALIZED VIEW IF EXISTS {view}"])
        if view[0] == "x" and rng.random() < 0.5:
            return rng.choice([f"CREATE MATERIALIZED VIEW {view} AS {self.OF_D}", f"CREATE OR REPLACE MATERIALIZED VIEW {view} AS {self.OF_D}",
                               f"DROP MATERIALIZED VIEW IF EXISTS {view}"])
        return rng.choice([f"PAUSE {view}", f"PAUSE {view}", f"RESUME {view}", f"RESUME {view}", "RESUME ALL", "CHECKPOINT", f"ALTER MATERIALIZED VIEW {view} REBUILD"])

    def note(self, text):
        with open(f"{self.path}.statements", "a") as file:
            file.write(f"{time.time():.3f} {text}\n")

    def change(self, stop, rng):
        """Refusals are fine: what is there is a matter of chance."""
        while not stop.is_set():
            statement = self.statement(rng)
            run = subprocess.run([self.options.weir, self.path, "-c", statement], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.done[statement.split()[0] if run.returncode == 0 else "refused"] += 1
            self.note(f"{run.returncode} {statement}")
            stop.wait(rng.random() * 0.1)


def check_changed(path, expected, final=False):
    """Live views are of the prefix of c, all others of one of their own that is not longer."""
    states, tables, c, accounts, sound = ask(path, "SELECT name, state FROM weir_views", "SELECT name FROM sqlite_schema WHERE type = 'table'", "SELECT n, total FROM c",
                                             "SELECT name, rows_in, applied, filtered, late, dead FROM weir_accounts", "PRAGMA integrity_check")
    states, tables = dict(states), {name for name, in tables}
    for name, rows_in, *parts in accounts:
        if rows_in != sum(parts) or min(parts) < 0:
            raise Wrong(f"accounts of {name}: {rows_in} rows became {parts}")
    n = go_on(expected, sound, *c[0])
    for view in ("d", "y", "x1", "x2"):
        if view not in states or view not in tables:
            continue
        rows, = ask(path, f"SELECT key, n, total, prices FROM {view}")
        own = sum(row[1] for row in rows)
        if own > n or (own != n and states[view] == "live"):
            raise Wrong(f"{view} is {states[view]} and has {own} rows of {n}")
        of = expected if own == n else Expected()
        of.advance(own)
        if {row[0]: row[1:] for row in rows} != {key: (k[0], k[1], len(k[2])) for key, k in of.keys.items()}:
            raise Wrong(f"view {view} ({states[view]}) is not of the first {own} rows")
    t, j, ids, w = ask(path, "SELECT n, highest FROM t", "SELECT n FROM j", "SELECT id FROM l", "SELECT n FROM w")
    if states.get("t") == "live" and n and t[0] != (n, max(k[1] for k in expected.keys.values())):
        raise Wrong(f"view t says {t[0]} of {n} rows")
    met = sum(expected.keys[key][0] for key, in ids if key in expected.keys)
    if states.get("j") == "live" and j[0][0] != met:
        raise Wrong(f"{met} rows of {n} meet {len(ids)} keys, view j has {j[0][0]}")
    for view, times in (("la", 3), ("lb", 7)):
        if states.get(view) != "live":
            continue
        found = ask(path, f"SELECT n, coalesce(v, 0) FROM {view}")[0]
        looked_up = sum(expected.keys[key][0] * times * key for key, in ids if key in expected.keys)
        if found != [(met, looked_up)]:
            raise Wrong(f"view {view} says {found} where {met} rows meet keys, with {looked_up}")
    if states.get("w") == "live" and sorted(row[0] for row in w) != sorted(expected.closed().values()):
        raise Wrong(f"windows count otherwise after {n} rows")
    if final and (set(states.values()) != {"live"} or any(row[1] != n for row in accounts if row[0] in ("c", "d", "w", "y", "x1", "x2"))):
        raise Wrong(f"at the end: {states} {accounts}")
    return n


def of_changes(options, rng, folder):
    count = 150_000
    lines, path, script, log = folder / "events.ndjson", folder / "changes.db", folder / "changes.sql", folder / "changes.log"
    lines.write_text("")
    script.write_text(f"CREATE STREAM s ({COLUMNS}) WITH (connector = 'file', path = '{lines}', format = 'json', follow = true);" + VIEWS + Changing.SCRIPT)
    expected, changing, seen, written, told = Expected(), Changing(options, path), [], 0, 0
    subprocess.run([options.weir, path, "-f", script], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run([options.weir, path, "-c", Sinks.script(folder)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for kill in range(options.kills):
        with lines.open("a") as file:
            rows = count if kill == options.kills - 1 else min(count, written + rng.randrange(2 * count // options.kills + 1))
            file.writelines(json.dumps(record(i)[0]) + "\n" for i in range(written, rows))
            written = max(written, rows)
        process = subprocess.Popen([options.weir, "run", path, "-f", script], stdout=log.open("wb"), stderr=subprocess.STDOUT)
        while process.poll() is None and subprocess.run([options.weir, "status", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode in (3, 5):
            time.sleep(0.05)                              # it has the file before others ask for it
        stop = threading.Event()
        clients = [threading.Thread(target=changing.change, args=(stop, random.Random(rng.random()))) for _ in range(2)]
        for client in clients:
            client.start()
        time.sleep(0.1 + rng.random() * 1.2)
        ended = process.poll()
        process.kill()
        process.wait()
        stop.set()
        for client in clients:
            client.join()
        if ended is not None:
            raise Wrong(f"ended by itself with {ended}: {log.read_text()[-500:]}")
        changing.note(f"killed after commit {ask(path, 'SELECT max(id) FROM weir_commits')}")
        seen.append(check_changed(path, expected))
        told += Sinks.check(path, folder)
    for words in (["-c", "RESUME ALL"], ["--until-end"], ["--until-end"]):
        run = [] if words[0] == "-c" else ["run"]
        subprocess.run([options.weir, *run, path, *words], check=True, stdout=subprocess.DEVNULL, stderr=log.open("ab"), timeout=120)
    n = check_changed(path, expected, final=True)
    Sinks.check(path, folder, final=True)
    if n != written:
        raise Wrong(f"{written} lines, {n} rows")
    return f"{len(seen)} kills at {min(seen, default=0)} to {max(seen, default=0)} rows, {n} at the end; {told} sinks checked; {', '.join(f'{k} {v}' for k, v in sorted(changing.done.items()))}"


STEPS = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>
static atomic_long calls;
static void step(void)
{
	const char *at = getenv("CRASH_AT");
	if (at && atomic_fetch_add(&calls, 1) + 1 == atol(at)) kill(getpid(), SIGKILL);
}
#define STEP(result, name, parameters, arguments) result name parameters \
{ \
	static result (*next) parameters; \
	if (!next) next = (result (*) parameters)dlsym(RTLD_NEXT, #name); \
	step(); \
	return next arguments; \
}
STEP(ssize_t, pwrite64, (int fd, const void *bytes, size_t count, off64_t at), (fd, bytes, count, at))
STEP(ssize_t, pwrite, (int fd, const void *bytes, size_t count, off_t at), (fd, bytes, count, at))
STEP(int, fdatasync, (int fd), (fd))
STEP(int, fsync, (int fd), (fd))
STEP(int, ftruncate64, (int fd, off64_t size), (fd, size))
STEP(int, ftruncate, (int fd, off_t size), (fd, size))
"""
STEPPED = {
    "a": "SELECT k, count(*) AS n, sum(v) AS total FROM s GROUP BY k", "b": "SELECT max(total) AS total FROM a",
    "c": "SELECT s.v, l.name FROM s JOIN l ON s.k = l.id", "e": "SELECT count(*) AS n FROM s",
    "f": "SELECT k, n + 1 AS n, total FROM (SELECT k, count(*) AS n, sum(v) AS total FROM s GROUP BY k) WHERE total <> 2",      # shares with a
    "g": "SELECT name, sum(v) AS v FROM (SELECT s.v, l.name FROM s JOIN l ON s.k = l.id) GROUP BY name",                       # and with c
    "h": "SELECT s.v, l.size FROM s JOIN l ON s.k = l.id", "i": "SELECT s.k, l.town, l.name FROM s LEFT JOIN l ON s.k = l.id",  # other columns of c's index
}
STATEMENTS = ";\n".join([
    "CREATE STREAM s (k BIGINT, v BIGINT)", "CREATE TABLE l (id BIGINT PRIMARY KEY, name TEXT, size BIGINT, town TEXT)", "INSERT INTO s VALUES (1, 1), (2, 2)", "INSERT INTO l VALUES (1, 'one', 11, 'Bern')", "FLUSH",
    *(f"CREATE MATERIALIZED VIEW {name} AS {query}" for name, query in STEPPED.items()),
    "INSERT INTO s VALUES (1, 10), (3, 30)", "FLUSH", "PAUSE a", "INSERT INTO s VALUES (1, 100), (2, 200)", "FLUSH", "PAUSE c", "UPDATE l SET name = 'uno' WHERE id = 1", "FLUSH",
    "INSERT INTO l VALUES (3, 'three', 33, 'Oslo')", "FLUSH", "CHECKPOINT", "RESUME a", "INSERT INTO s VALUES (3, 1000)", "FLUSH", "RESUME c", "ALTER MATERIALIZED VIEW a REBUILD",
    "BEGIN", "INSERT INTO s VALUES (4, 1)", "INSERT INTO l VALUES (4, 'four', 44, 'Rome')", "COMMIT", "PAUSE e", "DROP MATERIALIZED VIEW e", f"CREATE MATERIALIZED VIEW e AS {STEPPED['e']}",
    "PAUSE b", "INSERT INTO s VALUES (5, 5000)", "FLUSH", "RESUME b", "CREATE OR REPLACE MATERIALIZED VIEW e AS SELECT count(*) + 1 AS n FROM s",
    f"CREATE OR REPLACE MATERIALIZED VIEW e AS {STEPPED['e']}", "DELETE FROM l WHERE id = 3", "FLUSH",
    "PAUSE h", "UPDATE l SET size = size + 1", "FLUSH", "ALTER TABLE l ADD COLUMN more BIGINT", "DROP MATERIALIZED VIEW i", "UPDATE l SET town = 'Graz'", "RESUME h",
    f"CREATE MATERIALIZED VIEW i AS {STEPPED['i']}", "UPDATE l SET name = 'vier', size = 5 WHERE id = 4", "FLUSH",
    "CREATE MATERIALIZED VIEW u AS SELECT k, sum(v) AS v FROM s GROUP BY k", "CREATE SINK o FROM u WITH (connector = 'file', path = '@SINK@', format = 'json')", "INSERT INTO s VALUES (6, 6)", "FLUSH",
    "CREATE OR REPLACE MATERIALIZED VIEW u AS SELECT k, sum(v) + k % 2 AS v FROM s WHERE k <> 2 GROUP BY k", "INSERT INTO s VALUES (6, 60)", "FLUSH", "ALTER MATERIALIZED VIEW u REBUILD",
    "PAUSE u", "INSERT INTO s VALUES (7, 7)", "FLUSH", "RESUME u", "CREATE OR REPLACE MATERIALIZED VIEW u AS SELECT k, max(v) AS v FROM s GROUP BY k", "INSERT INTO s VALUES (7, 70)", "FLUSH",
    "CREATE OR REPLACE MATERIALIZED VIEW u AS SELECT k, avg(v) AS v FROM s GROUP BY k CASCADE", "INSERT INTO s VALUES (7, 71)", "FLUSH",
    "CREATE OR REPLACE SINK o AS SELECT k AS key, v FROM u WITH (connector = 'file', path = '@SINK@', format = 'json') CASCADE", "INSERT INTO s VALUES (6, 600)", "FLUSH",
    "PAUSE f", "INSERT INTO s VALUES (1, 7)", "FLUSH", "RESUME f", "ALTER MATERIALIZED VIEW g REBUILD", "DROP MATERIALIZED VIEW c", "INSERT INTO s VALUES (2, 8)", "FLUSH"])


def check_stepped_sink(path, at, states, sink):
    if states.get("u") != "live" or states.get("o") != "live":
        return
    rows, position = ask(path, "SELECT k, v FROM u", "SELECT position FROM weir_sinks")
    written = Sinks.written(sink, position[0][0] if position else 0)
    if written != Sinks.spelled(rows):
        raise Wrong(f"step {at}: the sink has written {written}, its view has {rows}")


def check_stepped(path, at, all_live, sink):
    """Each live view is what its query says of the rows in the file at the same cut. A replaced e is one more."""
    states, sound = ask(path, "SELECT name, state FROM weir_views", "PRAGMA integrity_check")
    if sound != [("ok",)]:
        raise Wrong(f"step {at}: {sound[:3]}")
    check_stepped_sink(path, at, dict(states), sink)
    for name, state in states:
        if name not in STEPPED:
            continue
        rows, query, e = ask(path, f"SELECT * FROM {name}", STEPPED[name], f"{STEPPED['e']}")
        if all_live and state != "live":
            raise Wrong(f"step {at}: view {name} is {state} after RESUME ALL")
        same = sorted(rows) == sorted(query) or (name == "e" and rows == [(e[0][0] + 1,)])
        if state == "live" and not same:
            raise Wrong(f"step {at}: view {name} has {rows}, its query gives {query}")


def of_steps(options, rng, folder):
    """Killed at a write, sync or truncation, one after the other; as many of them as --kills says, spread evenly."""
    library, source, script = folder / "steps.so", folder / "steps.c", folder / "steps.sql"
    source.write_text(STEPS)
    sink = folder / "steps.out"
    script.write_text(STATEMENTS.replace("@SINK@", str(sink)) + ";\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)

    def run(at, path):
        sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"          # else it refuses to start behind the library
        sink.unlink(missing_ok=True)
        environment = {**os.environ, "LD_PRELOAD": str(library), "CRASH_AT": str(at), "ASAN_OPTIONS": sanitizer}
        return subprocess.run([options.weir, path, "-f", script], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode

    last = 1 << 20
    low = 1
    while low < last:                                     # the number of steps
        middle = min(low * 2, (low + last) // 2)
        code = run(middle, folder / f"count-{middle}.db")
        if code not in (0, -signal.SIGKILL):
            raise Wrong(f"the statements are refused: {code}")
        low, last = (middle + 1, last) if code else (low, middle)
    stride = max(1, last // (options.kills * 5))
    for at in range(1 + rng.randrange(stride), last, stride):
        path = folder / f"step-{at}.db"
        if run(at, path) != -signal.SIGKILL:
            continue
        try:
            if path.exists() and ask(path, "SELECT count(*) FROM sqlite_schema WHERE name = 's'")[0][0][0]:
                check_stepped(path, at, False, sink)
        except sqlite3.OperationalError as error:         # killed while the file was made: the next to write makes it readable
            if "readonly" not in str(error) and "unable to open" not in str(error):
                raise
        done = subprocess.run([options.weir, path, "-c", "RESUME ALL"], capture_output=True, text=True)
        if done.returncode:
            raise Wrong(f"step {at}: {done.stderr}")
        if ask(path, "SELECT count(*) FROM sqlite_schema WHERE name = 's'")[0][0][0]:
            check_stepped(path, at, True, sink)
        path.unlink()
    return f"each {stride}. of {last - 1} steps"


KINDS = {"local": of_local, "file": of_file, "generator": of_generator, "steps": of_steps, "changes": of_changes, "kafka": of_kafka, "upsert": of_upsert}


def in_a_folder(options, name):
    """The folder of a kind that failed is kept."""
    folder = Path(tempfile.mkdtemp(prefix=f"weir-crash-{name}-"))
    try:
        said = KINDS[name](options, random.Random(options.seed), folder)
    except (Wrong, subprocess.SubprocessError, sqlite3.Error) as error:
        raise Wrong(f"{error} (kept: {folder})") from error
    shutil.rmtree(folder)
    return said


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--weir", required=True, type=lambda path: Path(path).resolve())
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", choices=KINDS)
    parser.add_argument("--no-kafka", action="store_true")
    options = parser.parse_args()
    print(f"seed {options.seed}")
    kinds = [name for name in KINDS if not options.only or name == options.only]
    for name in ("kafka", "upsert"):
        if name in kinds and (options.no_kafka or not world.has_kafka()):
            print(f"SKIPPED {name}: needs java, mvn and kcat")
            kinds.remove(name)
    return not world.run_cases([(name, lambda name=name: in_a_folder(options, name)) for name in kinds], [])


if __name__ == "__main__":
    sys.exit(main())
