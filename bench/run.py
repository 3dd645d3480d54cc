"""Nexmark in one sitting: Weir from its generator, from a file and from a real Kafka broker; beside it, where they can be built, Flink and a program
written by hand. Prints a Markdown table. Machines are shared and differ: what lasts are the ratios of one sitting."""
from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PEERS = Path(os.environ.get("PEERS", ROOT.parent / "shared" / "peers"))
PORT = int(os.environ.get("KAFKA_PORT", "39192"))
EVENT_TIME_RATE = 100_000
QUERIES = [path.stem for path in sorted((HERE / "nexmark").glob("q*.sql"), key=lambda path: int(path.stem[1:]))]
QUICK = ["q0", "q1", "q4", "q5", "q8", "q16"]
PATHS = {"generator-blackhole": "generator to blackhole", "file-view": "file to view", "kafka-blackhole": "Kafka to blackhole", "kafka-view": "Kafka to view"}


@dataclass
class Run:
    wall_s: float
    cpu_s: float
    peak_mb: float
    state_mb: float = 0


def state_mb(database: Path) -> float:
    """What the operators remembered at the last checkpoint, that of the clean end."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as file:
        return (file.execute("SELECT sum(bytes) FROM weir_state").fetchone()[0] or 0) / 1e6


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def timed(command: list[str], log: Path, limit_s: float) -> Run | None:
    """None: it did not end well; the log says why."""
    with log.open("wb") as out:
        start = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        alarm = threading.Timer(limit_s, process.kill)
        alarm.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.monotonic() - start
        alarm.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        note(f"{' '.join(command[-6:])}: exit code {process.returncode}: {log.read_text(errors='replace')[-300:]}")
        return None
    return Run(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


class Bench:
    def __init__(self, options: argparse.Namespace, folder: Path):
        self.options, self.folder, self.broker = options, folder, False
        self.weir = str(Path(options.weir).resolve())
        self.lines = folder / "events.ndjson"
        self.setup = (HERE / "nexmark" / "setup.sql").read_text()

    # ---- weir ----

    def script(self, query: str, source: str, sink: str) -> str:
        select = (HERE / "nexmark" / f"{query}.sql").read_text().strip().rstrip(";")
        answer = f"CREATE SINK answer AS {select} WITH (connector = 'blackhole');" if sink == "blackhole" else f"CREATE MATERIALIZED VIEW answer AS {select};"
        return f"{self.setup.replace('{source}', source)}\n{answer}\n"

    def run_weir(self, text: str) -> Run | None:
        database, script = self.folder / "weir.db", self.folder / "weir.sql"
        for old in self.folder.glob("weir.db*"):
            old.unlink()
        script.write_text(text)
        run = timed([self.weir, "run", str(database), "-f", str(script), "--until-end"], self.folder / "weir.log", 300)
        if run:
            run.state_mb = state_mb(database)
        return run

    def make_lines(self) -> None:
        """The events as lines of JSON, as Weir's own generator makes them."""
        stream = self.setup.split("CREATE VIEW")[0].replace("{source}", self.generator())
        stream = "\n".join(line for line in stream.splitlines() if not re.match(r"\s+(at AS|arrival AS|WATERMARK)", line)).replace("extra TEXT>,\n)", "extra TEXT>\n)")
        note(f"making {self.options.events} events")
        if not self.run_weir(f"{stream}\nCREATE SINK lines AS SELECT * FROM nexmark WITH (connector = 'file', path = '{self.lines}', format = 'json');"):
            sys.exit("no events")

    def generator(self) -> str:
        return f"connector = 'nexmark', events = {self.options.events}, event_time_rate = {EVENT_TIME_RATE}"

    def kafka_source(self, topic: str) -> str:
        return f"connector = 'kafka', topic = '{topic}', brokers = '127.0.0.1:{PORT}', format = 'json', start = 'earliest'"

    # ---- kafka ----

    def kafka(self, *words: str) -> bool:
        with (self.folder / "kafka.log").open("wb") as out:
            env = {**os.environ, "KAFKA_PORT": str(PORT)}
            return subprocess.run(["bash", str(ROOT / "tests" / "kafka" / "kafka.sh"), *words], env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out).returncode == 0

    def start_kafka(self) -> bool:
        if not shutil.which("java") or not shutil.which("kcat") or not self.kafka("fetch"):
            note("no Kafka: java, maven and kcat are needed")
            return False
        self.broker = self.kafka("start")
        if self.broker:
            self.produce("nexmark", self.lines)
        else:
            note(f"no Kafka: {(self.folder / 'kafka.log').read_text()[-300:]}")
        return self.broker

    def produce(self, topic: str, lines: Path) -> None:
        subprocess.run(["kcat", "-P", "-b", f"127.0.0.1:{PORT}", "-t", topic, "-X", "linger.ms=50", "-X", "batch.size=1000000", "-l", str(lines)], check=True, stderr=subprocess.DEVNULL)

    # ---- peers ----

    def ceiling(self) -> float | None:
        """Events per second of a program written by hand: consume, decode, count per auction."""
        program, source = self.folder / "ceiling", PEERS / "ceiling.cpp"
        if not program.exists():
            if not source.exists():
                return None
            command = ["g++", "-O3", "-march=native", "-std=c++17", "-o", str(program), str(source), "-lrdkafka", "-lsimdjson", "-ljemalloc"]
            if subprocess.run(command, stderr=subprocess.DEVNULL).returncode:
                return None
        runs = [timed([str(program), f"127.0.0.1:{PORT}", "nexmark", "1", str(self.options.events), "count"], self.folder / "ceiling.log", 120) for _ in range(2)]
        return max((self.options.events / run.wall_s for run in runs if run), default=None)

    def flink(self, query: str) -> float | None:
        """Events per second; the first run of the query in the same process warms the virtual machine up."""
        sql = PEERS / "flink" / "sql"
        if self.options.no_flink or not (sql / f"{query}.sql").exists() or not shutil.which("mvn"):
            return None
        setup = self.folder / "flink-setup.sql"
        setup.write_text((sql / "setup.sql").read_text().replace("127.0.0.1:19092", f"127.0.0.1:{PORT}"))
        done = subprocess.run(["bash", str(PEERS / "flink" / "run.sh"), "race", "2", str(setup), str(sql / f"{query}.sql"), str(sql / f"{query}.sql")],
                              env={"FLINK_HEAP": "4g", **os.environ}, capture_output=True, text=True)
        seconds = re.findall(r"\b(\d+\.\d+)\b(?= ?s\b|$)", done.stdout, re.M)
        if not seconds:
            note(f"Flink, {query}: {(done.stdout + done.stderr)[-300:]}")
            return None
        return self.options.events / float(seconds[-1])

    # ---- latency ----

    def latency(self, per_second: int, seconds: int) -> tuple[float, float] | None:
        """p50 and p99 in ms from handing an event to Kafka until a reader of the file sees it counted, at this rate."""
        topic, database, script = "paced", self.folder / "paced.db", self.folder / "paced.sql"
        lines = [line for _, line in zip(range(per_second * seconds), self.lines.open("rb"))]
        self.kafka("topic", topic)
        script.write_text(self.setup.replace("{source}", self.kafka_source(topic)) + "CREATE MATERIALIZED VIEW answer AS SELECT count(*) AS n FROM nexmark;")
        service = subprocess.Popen([self.weir, "run", str(database), "-f", str(script)], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        producer = subprocess.Popen(["kcat", "-P", "-b", f"127.0.0.1:{PORT}", "-t", topic, "-X", "linger.ms=1"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        sent: list[tuple[float, int]] = []
        late: list[float] = []

        def produce() -> None:
            start, count = time.monotonic(), 0
            while count < len(lines):
                due = min(int((time.monotonic() - start) * per_second), len(lines))
                sent.append((time.monotonic(), due))
                producer.stdin.write(b"".join(lines[count:due]))
                producer.stdin.flush()
                count = due
                time.sleep(0.005)
            producer.stdin.close()

        time.sleep(1)
        thread = threading.Thread(target=produce)
        thread.start()
        seen, limit = 0, time.monotonic() + 2 * seconds + 10
        reader = None
        while seen < len(lines) and time.monotonic() < limit:
            time.sleep(0.001)
            try:
                reader = reader or sqlite3.connect(f"file:{database}?mode=ro", uri=True)
                count = (reader.execute("SELECT n FROM answer").fetchone() or (0,))[0]
            except sqlite3.Error:
                continue
            now = time.monotonic()
            while sent and sent[0][1] <= count:
                late.append((now - sent.pop(0)[0]) * 1000)
            seen = count
        thread.join()
        producer.wait()
        service.terminate()
        service.wait()
        late = sorted(late[len(late) // 10:])                # the first tenth: starting up
        return (late[len(late) // 2], late[len(late) * 99 // 100]) if late and seen >= len(lines) else None

    # ---- all ----

    def row(self, path: str, query: str, ceiling: float | None, flink: float | None) -> dict[str, object]:
        source, sink = path.split("-")
        text = self.script(query, self.sources[source], sink)
        runs = [run for run in (self.run_weir(text) for _ in range(self.options.repeat)) if run]
        row: dict[str, object] = {"query": query, "path": PATHS[path]}
        if runs:
            best = min(runs, key=lambda run: run.wall_s)
            rate = self.options.events / best.wall_s
            row |= {"events_per_s": rate, "cpu_s_per_million": best.cpu_s / self.options.events * 1e6, "peak_mb": best.peak_mb, "state_mb": best.state_mb}
            row |= {"of_ceiling": rate / ceiling} if ceiling else {}
            row |= {"of_flink": rate / flink} if flink else {}
        return row

    def rows(self):
        self.sources = {"generator": self.generator(), "file": f"connector = 'file', path = '{self.lines}', format = 'json'", "kafka": self.kafka_source("nexmark")}
        for query in self.options.only.split(",") if self.options.only else QUICK if self.options.quick else QUERIES:
            ceiling = flink = None
            for path in self.options.paths.split(","):
                if path.startswith("kafka"):
                    if not self.broker:
                        continue
                    ceiling, flink = ceiling or self.ceiling(), flink or self.flink(query)
                    yield self.row(path, query, ceiling, flink)
                else:
                    yield self.row(path, query, None, None)


COLUMNS = [("query", "query", "{}"), ("path", "from, to", "{}"), ("events_per_s", "K events/s", "{:,.0f}"), ("cpu_s_per_million", "CPU s per million", "{:.2f}"),
           ("peak_mb", "peak MB", "{:,.0f}"), ("state_mb", "state MB", "{:,.1f}"), ("of_ceiling", "x by hand", "{:.2f}"), ("of_flink", "x Flink", "{:.1f}")]


def cell(row: dict[str, object], key: str, form: str) -> str:
    if key not in row:
        return "-"
    return form.format(row[key] / 1000 if key == "events_per_s" else row[key])


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures Nexmark in one sitting and prints a Markdown table.")
    parser.add_argument("--weir", default=str(ROOT / "weir"))
    parser.add_argument("--quick", action="store_true", help="a few queries, fewer events")
    parser.add_argument("--events", type=int, help="2,000,000; quick: 500,000")
    parser.add_argument("--only", help="queries, as q1,q5")
    parser.add_argument("--paths", default=",".join(PATHS), help="from where to where, as file-view,kafka-blackhole; all: %(default)s")
    parser.add_argument("--repeat", type=int, default=1, help="the best of so many runs of Weir")
    parser.add_argument("--no-kafka", action="store_true")
    parser.add_argument("--no-flink", action="store_true")
    parser.add_argument("--json", help="also into this file, a line a row")
    options = parser.parse_args()
    if unknown := [path for path in options.paths.split(",") if path not in PATHS]:
        parser.error(f"no such path: {unknown[0]}; there are {', '.join(PATHS)}")
    if unknown := [query for query in (options.only or "q0").split(",") if query not in QUERIES]:
        parser.error(f"no such query: {unknown[0]}; there are {', '.join(QUERIES)}")
    options.events = options.events or (500_000 if options.quick else 2_000_000)
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as name:
        bench = Bench(options, Path(name))
        try:
            bench.make_lines()
            if not options.no_kafka and "kafka" in options.paths:
                bench.start_kafka()
            print("| " + " | ".join(title for _, title, _ in COLUMNS) + " |\n|" + "---|" * 2 + "---:|" * (len(COLUMNS) - 2), flush=True)
            for row in bench.rows():
                print("| " + " | ".join(cell(row, key, form) for key, _, form in COLUMNS) + " |", flush=True)
                if options.json:
                    with open(options.json, "a") as out:
                        out.write(json.dumps(row) + "\n")
            if bench.broker:
                rate = min(10_000, options.events // 4)
                if found := bench.latency(rate, 4):
                    print(f"\nFrom produce to visible in the file at {rate:,} events/s: p50 {found[0]:.0f} ms, p99 {found[1]:.0f} ms", flush=True)
        finally:
            if bench.broker:
                bench.kafka("stop")


if __name__ == "__main__":
    main()
