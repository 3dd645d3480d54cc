#!/usr/bin/env python3
"""Tables from topics that carry a changelog, declared in the words of Flink, RisingWave, ksqlDB and our own, on a real broker.

    kafka_changelog.py --weir PATH [--broker HOST:PORT] [NAME...]

Without --broker one is started (tests/kafka/kafka.sh) and stopped. Each case has topics and a folder of its own; records come in two portions, the second
one while `weir run` is at it, which is killed after that, so that what was read before is brought back from the file.
"""
import json
import signal
import subprocess
import sys
import time

import world
from world import PATIENCE, Wrong


def record(key, value):
    return f"{key}|{value if isinstance(value, str) else json.dumps(value) if value is not None else ''}\n"


UPSERTS = ([("1", {"id": 1, "name": "ann", "n": 10}), ("2", {"id": 2, "name": "bob", "n": 20}), ("3", {"id": 3, "name": "cid", "n": 30}), ("2", {"id": 2, "name": "bob", "n": 21})],
           [("3", None), ("1", {"id": 1, "name": "eve", "n": 11}), ("9", None)])
AFTER = [["1|ann|10", "2|bob|21", "3|cid|30"], ["1|eve|11", "2|bob|21"]]
WITHOUT_KEY = [[(json.dumps({"id": int(key)}), value and {"name": value["name"], "n": value["n"]}) for key, value in portion] for portion in UPSERTS]
IN_KEY = [[(key, value and {"name": value["name"], "n": value["n"]}) for key, value in portion] for portion in UPSERTS]


def row(key, name, n):
    return {"id": key, "name": name, "n": n}


def envelope(op, before, after):
    return {"schema": {"type": "struct"}, "payload": {"before": before, "after": after, "op": op, "source": {"ts_ms": 1767225600000}, "ts_ms": 1767225600001}}


DEBEZIUM = ([("1", {"op": "c", "before": None, "after": row(1, "ann", 10)}), ("2", {"op": "r", "before": None, "after": row(2, "bob", 20)}),
             ("3", {"op": "c", "before": None, "after": row(3, "cid", 30)}), ("2", {"op": "u", "before": row(2, "bob", 20), "after": row(2, "bob", 21)})],
            [("3", {"op": "d", "before": row(3, "cid", 30), "after": None}), ("3", None), ("1", {"op": "u", "before": row(1, "ann", 10), "after": row(1, "eve", 11)})])
ENVELOPE = [[(key, value and envelope(value["op"], value["before"], value["after"])) for key, value in portion] for portion in DEBEZIUM]
MAXWELL = ([("k", {"type": "insert", "data": row(i, name, n)}) for i, name, n in ((1, "ann", 10), (2, "bob", 20), (3, "cid", 30))] + [("k", {"type": "update", "data": row(2, "bob", 21), "old": {"n": 20}})],
           [("k", {"type": "delete", "data": row(3, "cid", 30)}), ("k", {"type": "update", "data": row(1, "eve", 11), "old": {"name": "ann", "n": 10}})])
CANAL = ([("k", {"type": "INSERT", "data": [row("1", "ann", "10"), row("2", "bob", "20"), row("3", "cid", "30")]}), ("k", {"type": "UPDATE", "data": [row("2", "bob", "21")], "old": [{"n": "20"}]})],
         [("k", {"type": "DELETE", "data": [row("3", "cid", "30")]}), ("k", {"type": "UPDATE", "data": [row("1", "eve", "11")], "old": [{"name": "ann", "n": "10"}]})])
CSV = [[(key, "" if value is None else f"{value['name']},{value['n']}") for key, value in portion] for portion in UPSERTS]

FLINK = "'properties.bootstrap.servers' = '{broker}', 'topic' = '{topic}'"
RISINGWAVE = "WITH (connector = 'kafka', topic = '{topic}', properties.bootstrap.server = '{broker}')"
COLUMNS = "id INT, name STRING, n BIGINT"

CASES = {
    "flink-upsert": (f"CREATE TABLE t ({COLUMNS}, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', {FLINK}, 'key.format' = 'json', 'value.format' = 'json')",
                     [[(json.dumps({"id": int(key)}), value) for key, value in portion] for portion in UPSERTS]),
    "flink-except-key": (f"CREATE TABLE t ({COLUMNS}, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', {FLINK}, 'key.format' = 'json', 'value.format' = 'json', 'value.fields-include' = 'EXCEPT_KEY', 'value.json.fail-on-missing-field' = 'false', 'key.json.ignore-parse-errors' = 'true')", WITHOUT_KEY),
    "flink-prefixed-key": (f"CREATE TABLE t (key_id INT, name STRING, n BIGINT, PRIMARY KEY (key_id) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', {FLINK}, 'key.format' = 'json', 'key.fields-prefix' = 'key_', 'value.format' = 'json', 'value.fields-include' = 'EXCEPT_KEY', 'sink.parallelism' = '1')", WITHOUT_KEY),
    "flink-raw-key": (f"CREATE TABLE t ({COLUMNS}, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', {FLINK}, 'key.format' = 'raw', 'value.format' = 'json', 'value.fields-include' = 'EXCEPT_KEY')", IN_KEY),
    "flink-debezium": (f"CREATE TABLE t ({COLUMNS}) WITH ('connector' = 'kafka', {FLINK}, 'scan.startup.mode' = 'earliest-offset', 'format' = 'debezium-json')", DEBEZIUM),
    "flink-debezium-key": (f"CREATE TABLE t ({COLUMNS}, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'kafka', {FLINK}, 'format' = 'debezium-json', 'debezium-json.schema-include' = 'true')", ENVELOPE),
    "flink-maxwell": (f"CREATE TABLE t ({COLUMNS}) WITH ('connector' = 'kafka', {FLINK}, 'format' = 'maxwell-json')", MAXWELL),
    "flink-canal": (f"CREATE TABLE t ({COLUMNS}) WITH ('connector' = 'kafka', {FLINK}, 'format' = 'canal-json', 'canal-json.ignore-parse-errors' = 'false')", CANAL),
    "risingwave-upsert": (f"CREATE TABLE t (name VARCHAR, n BIGINT, PRIMARY KEY (id)) INCLUDE KEY AS id {RISINGWAVE} FORMAT UPSERT ENCODE JSON", IN_KEY),
    "risingwave-plain": (f"CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR, n BIGINT) {RISINGWAVE} FORMAT PLAIN ENCODE JSON", [UPSERTS[0], UPSERTS[1][1:2]]),
    "risingwave-debezium": (f"CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR, n BIGINT) {RISINGWAVE} FORMAT DEBEZIUM ENCODE JSON", ENVELOPE),
    "risingwave-maxwell": (f"CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR, n BIGINT) {RISINGWAVE} FORMAT MAXWELL ENCODE JSON", MAXWELL),
    "risingwave-canal": (f"CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR, n BIGINT) {RISINGWAVE} FORMAT CANAL ENCODE JSON", CANAL),
    "ksql-json": ("SET brokers = '{broker}'; CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR, n BIGINT) WITH (kafka_topic = '{topic}', value_format = 'json')", IN_KEY),
    "ksql-key-json": ("SET brokers = '{broker}'; CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR, n BIGINT) WITH (kafka_topic = '{topic}', key_format = 'json', value_format = 'json')", IN_KEY),
    "ksql-format": ("SET brokers = '{broker}'; CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR, n BIGINT) WITH (kafka_topic = '{topic}', format = 'json')", IN_KEY),
    "ksql-delimited": ("SET brokers = '{broker}'; CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR, n BIGINT) WITH (kafka_topic = '{topic}', value_format = 'delimited')", CSV),
    "own": ("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, n INTEGER) WITH (connector = 'kafka', brokers = '{broker}', topic = '{topic}', format = 'json', changelog = 'upsert')", UPSERTS),
}
AFTER_OF = {"risingwave-plain": [AFTER[0], ["1|eve|11", "2|bob|21", "3|cid|30"]]}
VIEW = "CREATE MATERIALIZED VIEW v AS SELECT count(*) AS c, sum(n) AS s FROM t"


class World(world.World):
    def __init__(self, weir, broker, name):
        super().__init__(weir, broker, name)
        self.id = "key_id" if "prefixed" in name else "id"

    def send(self, records):
        text = "".join(record(key, value) for key, value in records)
        subprocess.run(["kcat", "-P", "-Z", "-K|", "-b", self.broker, "-t", self.topic, "-p", "0"], input=text.encode(), check=True, stderr=subprocess.DEVNULL)

    def words(self, text):
        return self.sql(text).split()

    def expect_table(self, rows, wait=0.0):
        deadline = time.monotonic() + wait
        numbers = [int(one.split("|")[2]) for one in rows]
        while True:
            found, sums = self.words(f"SELECT {self.id}, name, n FROM t ORDER BY 1"), self.words("SELECT c, s FROM v")
            if found == rows and sums == [f"{len(rows)}|{sum(numbers)}"]:
                return
            if time.monotonic() > deadline:
                dead = self.words("SELECT replace(error, ' ', '_') FROM weir_dead_letters")
                raise Wrong(f"{found}, {sums}, not {rows} (dead letters: {dead})")
            time.sleep(0.1)


def run(name, weir, broker):
    statement, portions = CASES[name]
    after = AFTER_OF.get(name, AFTER)
    with World(weir, broker, name) as w:
        w.send(portions[0])
        w.sql(statement.format(broker=w.broker, topic=w.topic))
        w.sql(VIEW)
        w.until_end()
        w.expect_table(after[0])
        w.start()
        w.send(portions[1])
        w.expect_table(after[1], PATIENCE)
        w.stop(signal.SIGKILL)
        w.expect_table(after[1])
        w.until_end()
        w.expect_table(after[1])
        (rows_in, applied, filtered, late, dead), = w.ask("SELECT rows_in, applied, filtered, late, dead FROM weir_accounts WHERE name = 't'")
        if rows_in != applied + filtered + late + dead or dead:
            raise Wrong(f"accounts: {rows_in} = {applied} + {filtered} + {late} + {dead}")


def main():
    options = world.arguments(__doc__, kafka=True)
    if not world.has_kafka():
        print("SKIPPED: needs java, mvn and kcat")
        return world.SKIPPED
    with world.a_broker(options.broker) as broker:
        return not world.run_cases([(name, lambda name=name: run(name, options.weir, broker)) for name in CASES], options.names)


if __name__ == "__main__":
    sys.exit(main())
