"""What the tests of the built binary share: a folder and a file a case, a broker for those that need one, and how cases are run and told of."""
import argparse
import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import traceback
from pathlib import Path

KAFKA_SH = Path(__file__).resolve().parent / "kafka" / "kafka.sh"
PATIENCE = 60
SKIPPED = 77


class Wrong(Exception):
    pass


def has_kafka():
    return all(map(shutil.which, ("java", "mvn", "kcat")))


def ask(path, *queries):
    """The answers of one and the same commit."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    try:
        connection.execute("BEGIN")
        return [connection.execute(query).fetchall() for query in queries]
    finally:
        connection.close()


def kafka_sh(broker, *words):
    subprocess.run(["bash", KAFKA_SH, *words], check=True, stdout=subprocess.DEVNULL, env={**os.environ, "KAFKA_PORT": broker.rsplit(":", 1)[1]})


@contextlib.contextmanager
def a_broker(given=None):
    """The address of the broker that was given, or of one of our own for as long as it takes."""
    if given:
        yield given
        return
    own = "127.0.0.1:" + os.environ.get("KAFKA_PORT", "19192")
    for word in ("fetch", "start"):
        kafka_sh(own, word)
    try:
        yield own
    finally:
        kafka_sh(own, "stop")


def arguments(description, kafka=False):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weir", required=True, type=lambda path: Path(path).resolve())
    parser.add_argument("names", nargs="*", help="only the cases that have one of these in their names")
    if kafka:
        parser.add_argument("--broker")
    return parser.parse_args()


def run_cases(cases, names):
    """cases: (name, function that may return what to say of it); names: words of which one is in the names of those to run, or none. True if all hold."""
    passed, failed = 0, 0
    for name, case in cases:
        if names and not any(word in name for word in names):
            continue
        try:
            said = case()
            print(f"ok      {name}" + (f": {said}" if said else ""), flush=True)
            passed += 1
        except Exception as error:
            print(f"FAILED  {name}: {error if isinstance(error, Wrong) else traceback.format_exc()}", flush=True)
            failed += 1
    print(f"{passed} passed, {failed} failed")
    return failed == 0 and passed > 0


class World:
    """One case: its topic, its folder, its file, the process that runs."""

    def __init__(self, weir, broker, name):
        self.weir = weir
        self.broker = broker
        self.topic = f"{name}-{os.getpid()}"
        self.folder = Path(tempfile.mkdtemp(prefix="weir-test-"))
        self.file = self.folder / "w.db"
        self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder)

    def kafka(self, *words):
        kafka_sh(self.broker, *words)

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
            return ask(self.file, text)[0]
        except sqlite3.OperationalError:
            return None

    def log(self):
        log = self.folder / "log"
        return log.read_text() if log.exists() else ""

    def expect(self, text, rows):
        """Waits until the query answers so."""
        deadline = time.monotonic() + PATIENCE
        while (got := self.ask(text)) != rows:
            if time.monotonic() > deadline:
                raise Wrong(f"{text}: {got}, expected {rows}; {self.log()}")
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
