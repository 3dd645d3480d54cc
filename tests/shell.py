#!/usr/bin/env python3
"""The shell as a person sees it, and a second process on one file. usage: python3 tests/shell.py --weir PATH [NAME...]

A terminal of our own (pty and a small emulator) is typed into and looked at; nothing sleeps, everything waits for what it expects to see.
Exit code 0: all hold, 1: one does not.
"""
import fcntl, json, os, pty, re, select, signal, socket, struct, subprocess, sys, tempfile, termios, time, unicodedata

import world

LIMIT_S = 20
WEIR = None


class Screen:
    """What a terminal shows: enough of a VT100 for a line editor and drawn tables."""

    def __init__(self, lines, columns):
        self.lines, self.columns = lines, columns
        self.rows = [[" "] * columns for _ in range(lines)]
        self.y = self.x = 0
        self.rest = ""
        self.scrolled = []

    def text(self):
        return "\n".join("".join(cell for cell in row).rstrip() for row in self.scrolled + self.rows).rstrip("\n")

    def feed(self, text):
        text, self.rest = self.rest + text, ""
        i = 0
        while i < len(text):
            c = text[i]
            if c == "\x1b":
                match = re.match(r"\x1b(?:\[([0-9;?]*)([A-Za-z@])|[()][A-Z0-9]|[=>78M])", text[i:])
                if not match:
                    if len(text) - i > 30:
                        raise AssertionError(f"unknown escape {text[i:i + 10]!r}")
                    self.rest = text[i:]
                    return
                if match.group(2):
                    self.control(match.group(1), match.group(2))
                i += match.end()
                continue
            self.put(c)
            i += 1

    def new_line(self):
        if self.y + 1 < self.lines:
            self.y += 1
        else:
            self.scrolled.append(self.rows.pop(0))
            self.rows.append([" "] * self.columns)

    def put(self, c):
        if c == "\r":
            self.x = 0
        elif c == "\n":
            self.new_line()
        elif c == "\b":
            self.x = max(0, self.x - 1)
        elif c == "\t":
            self.x = min(self.columns - 1, (self.x // 8 + 1) * 8)
        elif c >= " ":
            width = 0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
            if self.x + width > self.columns:
                self.x = 0
                self.new_line()
            self.rows[self.y][self.x] = c
            for n in range(1, width):
                self.rows[self.y][self.x + n] = ""
            self.x += width

    def control(self, arguments, letter):
        numbers = [int(n) if n.isdigit() else 0 for n in arguments.strip("?").split(";")]
        n = max(1, numbers[0])
        row = self.rows[self.y]
        if letter == "A":
            self.y = max(0, self.y - n)
        elif letter == "B":
            self.y = min(self.lines - 1, self.y + n)
        elif letter == "C":
            self.x = min(self.columns - 1, self.x + n)
        elif letter == "D":
            self.x = max(0, self.x - n)
        elif letter == "G":
            self.x = n - 1
        elif letter == "H":
            self.y, self.x = n - 1, (max(1, numbers[1]) if len(numbers) > 1 else 1) - 1
        elif letter == "K":
            for x in range(self.x if numbers[0] == 0 else 0, self.columns if numbers[0] != 1 else self.x + 1):
                row[x] = " "
        elif letter == "J":
            if numbers[0] == 2:
                self.rows = [[" "] * self.columns for _ in range(self.lines)]
            else:
                row[self.x:] = [" "] * (self.columns - self.x)
                for y in range(self.y + 1, self.lines):
                    self.rows[y] = [" "] * self.columns
        elif letter == "P":
            del row[self.x:self.x + n]
            row.extend([" "] * (self.columns - len(row)))
        elif letter == "@":
            row[self.x:self.x] = [" "] * n
            del row[self.columns:]


class Terminal:
    def __init__(self, *words, lines=40, columns=100, env=None):
        self.screen = Screen(lines, columns)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update({"TERM": "xterm-256color", **(env or {})})
            for name in ("COLUMNS", "LINES"):
                os.environ.pop(name, None)
            os.execv(WEIR, [WEIR, *map(str, words)])
        self.resize(lines, columns)
        self.raw = b""
        self.decoded = 0
        self.code = None

    def resize(self, lines, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def read(self, seconds):
        if not select.select([self.fd], [], [], seconds)[0]:
            return False
        try:
            part = os.read(self.fd, 65536)
        except OSError:
            part = b""
        self.raw += part
        if part:
            text = self.raw[self.decoded:]
            good = text.decode(errors="ignore") if len(text) > 8 else None
            try:
                good = text.decode()
                self.decoded = len(self.raw)
            except UnicodeDecodeError as error:
                good = text[:error.start].decode()
                self.decoded += error.start
            self.screen.feed(good)
        return bool(part)

    def sees(self, pattern, since=0, when=lambda: True):
        """Waits until the screen shows it, and the condition holds; gives the match."""
        end = time.monotonic() + LIMIT_S
        while True:
            match = re.compile(pattern, re.M).search(self.screen.text(), since)
            if match and when():
                return match
            left = end - time.monotonic()
            if left <= 0 or (not self.read(min(left, 0.5)) and self.ended()):
                raise AssertionError(f"not seen: {pattern!r}; the screen:\n{self.screen.text()}")

    def ended(self):
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is not None

    def type(self, text):
        os.write(self.fd, text.encode())

    def line(self, text):
        self.type(text + "\r")

    def says(self, text, pattern):
        """Types a line and waits for what comes of it, after which the prompt must be there again."""
        mark, prompts = len(self.screen.text()), self.prompts()
        self.line(text)
        match = self.sees(pattern, max(0, mark - 10))
        self.sees(r"^weir>\s*\Z", when=lambda: self.prompts() > prompts)
        return match

    def prompts(self):
        return len(re.findall("^weir>", self.screen.text(), re.M))

    def until_seen(self, pattern, keys):
        """Types the keys again and again until it is seen: what they are to end may not have begun."""
        end = time.monotonic() + LIMIT_S
        while not re.search(pattern, self.screen.text(), re.M):
            assert time.monotonic() < end, f"not seen: {pattern!r}; the screen:\n{self.screen.text()}"
            self.type(keys)
            for _ in range(5):
                self.read(0.1)

    def prompt(self):
        """The last line is an empty prompt."""
        return self.sees(r"^weir>\s*\Z")

    def ends(self):
        end = time.monotonic() + LIMIT_S
        while not self.ended():
            assert time.monotonic() < end, f"does not end; the screen:\n{self.screen.text()}"
            self.read(0.05)
        while self.read(0):
            pass
        os.close(self.fd)
        return self.code

    def kill(self):
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.code = -9


def run(*words, stdin="", env=None):
    """stdout, stderr, exit code"""
    done = subprocess.run([WEIR, *map(str, words)], input=stdin.encode(), capture_output=True, timeout=60, env={**os.environ, **(env or {})})
    return done.stdout.decode(), done.stderr.decode(), done.returncode


def fine(*words, **more):
    out, err, code = run(*words, **more)
    assert code == 0, f"{words}: exit code {code}: {err}"
    return out


def equal(found, expected, what=""):
    assert found == expected, f"{what}\n  found    {found!r}\n  expected {expected!r}"


def holds(condition, what):
    assert condition, what


class Shells:
    """Shells of one test; none outlives it."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="weir-shell-")
        self.file = os.path.join(self.folder, "a.db")
        self.env = {"XDG_STATE_HOME": self.folder, "HOME": self.folder}
        self.open, self.services = [], []

    def shell(self, *words, file=True, **more):
        terminal = Terminal(*([self.file] if file else []), *words, env=self.env, **more)
        self.open.append(terminal)
        terminal.sees("^weir>")
        return terminal

    def service(self, *words, ready=True, env=None):
        service = subprocess.Popen([WEIR, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **(env or {})})
        self.services.append(service)
        end = time.monotonic() + LIMIT_S
        while ready and not os.path.exists(self.file + "-socket"):
            assert time.monotonic() < end and service.poll() is None, f"the service does not start: {service.stderr.read() if service.poll() is not None else ''}"
            select.select([], [], [], 0.01)
        return service

    def close(self):
        for terminal in self.open:
            terminal.kill()
        for service in self.services:
            service.kill()
            service.wait()
            for pipe in (service.stdin, service.stdout, service.stderr):
                if pipe:
                    pipe.close()


# ---- typing -----------------------------------------------------------------------------------------------------------

def statements_may_take_several_lines(s):
    t = s.shell()
    t.says("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT);", "^CREATE TABLE$")
    t.line("INSERT INTO t VALUES")
    t.sees(r"^ \.\.\.>")
    t.says("(1, 'one'), (2, 'two');", "^INSERT 2$")
    t.line("SELECT * FROM t -- all;")
    t.sees(r"^ \.\.\.>\s*\Z")
    t.says("ORDER BY id;", r"│  1 │ one  │\n│  2 │ two  │\n└────┴──────┘\n")
    t.says("SELECT 1 AS a; SELECT 2 AS b;", r"│ 1 │\n└───┘\n┌───┐\n│ b │\n├───┤\n│ 2 │")
    t.type("\x04")
    equal(t.ends(), 0)
    equal(fine(s.file, "-c", "SELECT count(*) FROM t"), "2\n")


def errors_point_at_their_place(s):
    t = s.shell()
    t.says("CREATE STREAM orders (id INTEGER, customer TEXT);", "^CREATE STREAM$")
    t.line("SELECT id,")
    t.sees(r"^ \.\.\.>\s*\Z")
    t.line("\tcustmer")                                  # a tab completes: nothing here
    t.sees(r"custmer\n \.\.\.>\s*\Z")
    match = t.says("FROM orders;", r"^error: column \"custmer\" does not exist \(42703\)\n  line 2:\n(.*)\n(.*)\nhint: .*customer")
    equal(match.group(2).index("^"), match.group(1).index("custmer"), "the caret")
    equal(match.group(2).count("^"), len("custmer"))
    t.says("SELECT '日本語' AS x, nope;", r"nope;\n")
    lines = t.screen.text().split("\n")
    at = max(i for i, line in enumerate(lines) if line.strip().startswith("1 | "))
    columns = lambda text: sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
    equal(lines[at + 1].index("^"), columns(lines[at][:lines[at].index("nope")]), "the caret after wide characters")


def control_c_gives_up_the_line_and_what_runs(s):
    t = s.shell()
    t.type("SELECT nonsense")
    t.sees("nonsense")
    t.type("\x03")
    t.sees(r"nonsense\^C\nweir>\s*\Z")
    t.type("\x03")
    t.sees(r"\^C\nweir> \^C\nweir>\s*\Z|nonsense\^C\nweir> \^C")
    t.prompt()
    t.line("SELECT 1,")
    t.sees(r"^ \.\.\.>\s*\Z")
    t.type("\x03")
    t.prompt()
    t.says("SELECT 7 AS seven;", "│     7 │")
    t.line("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n;")
    t.sees("FROM n;")
    t.until_seen(r"^canceled\nweir>\s*\Z", "\x03")
    t.says("SELECT 8 AS eight;", "│     8 │")
    t.type("\x04")
    equal(t.ends(), 0)


def leaving(s):
    t = s.shell()
    t.line(".exit 3")
    equal(t.ends(), 3)
    t = s.shell(file=False)
    t.sees("in memory")
    t.line(".quit")
    equal(t.ends(), 0)
    t = s.shell()
    t.says("CREATE TABLE kept (i INTEGER);", "^CREATE TABLE")
    t.says("INSERT INTO kept VALUES (1);", "^INSERT 1")
    os.kill(t.pid, signal.SIGTERM)
    equal(t.ends(), 0, "SIGTERM")
    equal(fine(s.file, "-c", "SELECT i FROM kept"), "1\n")
    holds(not os.path.exists(s.file + "-socket"), "the socket is still there")


def history_is_kept(s):
    t = s.shell()
    t.line("SELECT 1 AS one,")
    t.sees(r"^ \.\.\.>\s*\Z")
    t.says("'ü' AS two;", "│ ü")
    t.says(" SELECT 'not kept' AS x;", "│ not kept")
    t.says(".mode line", "weir>")
    t.type("\x04")
    equal(t.ends(), 0)
    path = os.path.join(s.folder, "weir", "history")
    equal(os.stat(path).st_mode & 0o777, 0o600)
    t = s.shell()
    t.type("\x1b[A")
    t.sees(r"^weir> \.mode line")
    t.type("\x1b[A")
    t.sees(r"^weir> SELECT 1 AS one,\n'ü' AS two;")
    t.type("\r")
    t.sees(r"│   1 │ ü")
    t.prompt()
    holds("not kept" not in open(path).read(), "what begins with a blank was kept")
    t.type("\x12one")
    t.sees("one")


def completion(s):
    fine(s.file, "-c", 'CREATE STREAM clicks (user_name TEXT, amount INTEGER, "odd name" TEXT); CREATE TABLE customers (id INTEGER PRIMARY KEY, city TEXT)')
    t = s.shell()
    t.type("sel\tuser_\t from cl\t")
    t.sees(r"weir> select user_ from clicks$")
    t.type("\x03")
    t.prompt()
    t.type("SELECT * FROM cl\t")
    t.sees(r"weir> SELECT \* FROM clicks$")
    t.type("c JOIN cu\tON c.am\t")
    t.sees(r"clicks c JOIN customers ON c\.amount")
    t.type("\x03")
    t.prompt()
    t.type("SELECT * FROM c\t\t")
    t.sees(r"^clicks +customers\n")
    t.type("\x03")
    t.prompt()
    t.type("SELECT customers.\t\t")
    t.sees(r"^city +id\n")
    t.type("\x03")
    t.prompt()
    t.type("CREATE STREAM x (i INTEGER) WITH (connecto\t")
    t.sees(r"WITH \(connector$")
    t.type("\x03")
    t.prompt()
    t.type("SELECT date_tr\t")
    t.sees(r"SELECT date_trunc\(")
    t.type("\x03")
    t.prompt()
    t.type(".mo\tjs\t\r")
    t.prompt()
    t.says("SELECT 1 AS x;", r'^\[\{"x":1\}\]$')
    t.type("SELECT * FROM weir_dead\t")
    t.sees("FROM weir_dead_letters$")


# ---- results ------------------------------------------------------------------------------------------------------------

def boxes_fit_the_terminal(s):
    t = s.shell(columns=60)
    t.says("SELECT 'short' AS a, 'x' || substr('0123456789012345678901234567890123456789012345678901234567890123456789', 1) AS b;", "…")
    box = [line for line in t.screen.text().split("\n") if line.startswith("│")]
    holds(all(len(line) == 60 for line in box), f"lines of {[len(line) for line in box]} columns")
    t.says("SELECT '日本語' AS a, NULL AS b, 'a' || char(9) || 'b' AS c;", r"│ 日本語 │ NULL │ a\\tb │")
    names = ", ".join(f"{i} AS a_rather_long_name_{i}" for i in range(20))
    t.says(f"SELECT {names};", r"a_rather_long_name_19 = 19")
    t.resize(40, 40)
    t.says("SELECT 'long enough to be cut at forty columns' AS a;", r"^│ long enough to be cut at forty colu… │$")


def a_changing_result_is_redrawn_in_place(s):
    t = s.shell()
    t.says("CREATE STREAM s (k TEXT, v INTEGER);", "^CREATE STREAM$")
    t.line("SELECT k, count(*) AS n, sum(v) AS total FROM s GROUP BY k ORDER BY total DESC;")
    t.sees("^notice: continuous query")
    fine(s.file, "-c", "INSERT INTO s VALUES ('a', 1), ('b', 2)")
    t.sees(r"│ b │ 1 │     2 │\n│ a │ 1 │     1 │\n└")
    fine(s.file, "-c", "INSERT INTO s VALUES ('a', 10), ('c', 5)")
    t.sees(r"│ a │ 2 │    11 │\n│ c │ 1 │     5 │\n│ b │ 1 │     2 │\n└")
    equal(t.screen.text().count("┌"), 1, "boxes on the screen")
    t.type("\x03")
    t.prompt()
    equal(t.screen.text().count("└"), 1, "boxes on the screen after the end")
    holds("^C" not in t.screen.text(), "the echo of Ctrl-C is left")
    t.line("SELECT * FROM s;")
    t.sees(r"│ c +│ +5 │")
    fine(s.file, "-c", "INSERT INTO s VALUES ('d', 7)")
    t.sees(r"│ d +│ +7 │")
    t.type("\x03")
    t.prompt()
    t.says("SELECT v FROM s LIMIT 2;", r"└")
    t.says("CREATE MATERIALIZED VIEW w AS SELECT k, sum(v) AS total FROM s GROUP BY k;", "^CREATE MATERIALIZED VIEW$")
    t.line("SUBSCRIBE w;")
    t.sees(r"│ \+I +│ d +│ +7 │")
    fine(s.file, "-c", "INSERT INTO s VALUES ('d', 1)")
    t.sees(r"│ -U +│ d +│ +7 │\n│ \+U +│ d +│ +8 │")
    t.type("\x03")
    t.prompt()


def a_result_longer_than_the_terminal_is_redrawn_in_part(s):
    t = s.shell(lines=16)
    t.says("CREATE STREAM s (k INTEGER);", "^CREATE STREAM$")
    t.line("SELECT k, count(*) AS n FROM s GROUP BY k ORDER BY k;")
    t.sees("^notice: continuous query")
    fine(s.file, "-c", "INSERT INTO s SELECT value FROM generate_series(1, 100)")
    t.sees(r"^  9\d more rows")
    for i in range(3):
        fine(s.file, "-c", "INSERT INTO s VALUES (1)")
        t.sees(rf"│ +1 │ {i + 2} │")
    equal(t.screen.text().count("┌"), 1, "boxes on the screen")
    t.type("\x03")
    t.prompt()


def dot_commands(s):
    t = s.shell()
    t.says("CREATE TABLE t (i INTEGER, x TEXT);", "^CREATE TABLE")
    t.says("INSERT INTO t VALUES (1, 'a'), (2, NULL);", "^INSERT 2")
    t.says(".tables", "│ t +│ table")
    t.says(".schema", r"^CREATE TABLE t \(i INTEGER, x TEXT\);$")
    t.says(".schema nothing", "weir>")
    t.says(".mode", r"^\* box")
    t.says(".mode csv", "weir>")
    t.says("SELECT * FROM t ORDER BY i;", "^i,x\n1,a\n2,$")
    t.says(".headers off", "weir>")
    t.says(".nullvalue nothing", "weir>")
    t.says("SELECT * FROM t ORDER BY i DESC;", "^2,nothing\n1,a$")
    t.says(".timer on", "weir>")
    t.says("SELECT 1;", r"^Run Time: real \d+\.\d{3}$")
    t.says(".timer off", "weir>")
    t.says(".print it is 'one word'", "^it is one word$")
    out = os.path.join(s.folder, "out.csv")
    t.says(f".once {out}", "weir>")
    t.says("SELECT 42;", "weir>")
    t.says("SELECT 43;", "^43$")
    equal(open(out, newline="").read(), "42\r\n")
    t.says(f".output {out}", "weir>")
    t.says("SELECT 44;", "weir>")
    t.says(".output", "weir>")
    equal(open(out, newline="").read(), "44\r\n")
    script = os.path.join(s.folder, "script.sql")
    open(script, "w").write(".print from the script\nSELECT 45;\nSELECT nope;\nSELECT 46;\n")
    t.says(f".read {script}", rf"^from the script\n45\nerror: {script}:3: ")
    holds("\n46\n" not in t.screen.text(), "the script went on after its error")
    t.says(".nonsense", r'^error: command "\.nonsense" does not exist')
    t.says(".tabels", "^hint: Did you mean .tables")
    t.says(".help watch", r"^\.watch \[SECONDS\] SELECT")
    t.says(".show", r"nullvalue: nothing")
    t.says(".status", r"^file,.*running")
    t.says(".mode box", "weir>")
    t.line(".watch 0.1 SELECT count(*) AS 'how many' FROM t;")
    t.sees("│ +2 │")
    fine(s.file, "-c", "INSERT INTO t VALUES (3, 'c')")
    t.sees("│ +3 │")
    t.type("\x03")
    t.prompt()
    t.says(".version", r"^weir \d")


def a_long_commit_can_be_canceled(s):
    """A recursion that takes minutes: the prompt is back at once, and what was there before is there."""
    t = s.shell()
    t.says("CREATE TABLE edge (a INTEGER, b INTEGER);", "^CREATE TABLE$")
    t.says("INSERT INTO edge SELECT i % 3000, (i * 7919 + i / 3000 * 13) % 3000 FROM generate_series(1, 12000) AS g(i);", "^INSERT 12000$")
    t.line("CREATE MATERIALIZED VIEW paths AS WITH RECURSIVE p(a, b) AS (SELECT a, b FROM edge UNION SELECT p.a, e.b FROM p JOIN edge e ON e.a = p.b) SELECT a, count(*) AS n FROM p GROUP BY a;")
    cpu = lambda: sum(map(int, open(f"/proc/{t.pid}/stat").read().rsplit(")", 1)[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")
    began = cpu()
    t.sees("GROUP BY a;", when=lambda: cpu() > began + 0.5)
    t.type("\x03")
    t.sees("^canceled")
    t.prompt()
    t.says("SELECT count(*) AS edges, (SELECT count(*) FROM weir_views) AS views FROM edge;", r"12000 │ +0 │")


def the_shell_reads_its_sources(s):
    lines = os.path.join(s.folder, "in.ndjson")
    open(lines, "w").write("".join(json.dumps({"i": i}) + "\n" for i in range(10)))
    t = s.shell()
    t.says(f"CREATE STREAM f (i INTEGER) WITH (connector = 'file', path = '{lines}', follow = 'true');", "^CREATE STREAM$")
    t.says("CREATE MATERIALIZED VIEW v AS SELECT count(*) AS n FROM f;", "^CREATE MATERIALIZED VIEW$")
    t.line(".watch 0.1 SELECT n FROM v;")
    t.sees("│ 10 │")
    open(lines, "a").write('{"i": 10}\n')
    t.sees("│ 11 │")
    t.type("\x03")
    t.prompt()
    # a source that has ended by itself does not keep later ones from being read
    t.says(f"CREATE STREAM g (i INTEGER) WITH (connector = 'file', path = '{lines}');", "^CREATE STREAM$")
    t.says("CREATE MATERIALIZED VIEW w AS SELECT sum(i) AS total FROM g;", "^CREATE MATERIALIZED VIEW$")
    t.line(".watch 0.1 SELECT total FROM w;")
    t.sees("│ +55 │")
    t.type("\x03")
    t.prompt()


# ---- a second process ----------------------------------------------------------------------------------------------------

QUERIES = [
    "SELECT * FROM t ORDER BY i", "SELECT count(*) AS n, sum(d) AS total FROM t", "SELECT * FROM t WHERE i > 100", "SHOW TABLES", "DESCRIBE t",
    "SHOW CREATE TABLE t", "EXPLAIN SELECT * FROM t", "SELECT i, i FROM t ORDER BY i LIMIT 1",
]


def a_second_process_gives_the_same(s):
    fine(s.file, "-c", """CREATE TABLE t (i INTEGER PRIMARY KEY, name TEXT, d DECIMAL(10,2), at TIMESTAMP, b BLOB, y BOOLEAN, j JSON, r REAL);
        INSERT INTO t VALUES (1, 'say "hi", ok', 1.50, '2026-11-20 10:00:00.25', x'00ff', TRUE, '{"k": [1]}', 0.1), (2, '日本語', -2, NULL, NULL, FALSE, NULL, -1e300),
          (3, NULL, NULL, NULL, x'', NULL, '[]', NULL), (4, 'a|b
c', 0, '0001-01-01', NULL, NULL, NULL, 2.0)""")
    modes = ["box", "list", "json", "ndjson", "csv", "tsv", "markdown", "line"]
    expected = {(query, mode): run(s.file, f"--{mode}", "-c", query) for query in QUERIES for mode in modes}
    errors = ["SELECT nope FROM t", "SELEC 1", "INSERT INTO t (i) VALUES (1)", "CREATE TABLE t (i INTEGER)", "SELECT 1;\nSELECT 2;\nDROP TABLE nowhere"]
    expected_errors = {sql: run(s.file, "-c", sql) for sql in errors}
    service = s.service("run", s.file)
    for (query, mode), answer in expected.items():
        equal(run(s.file, f"--{mode}", "-c", query), answer, f"{query} --{mode}")
    for sql, answer in expected_errors.items():
        equal(run(s.file, "-c", sql), answer, sql)
        equal(answer[2], 1, sql)
    equal(fine(s.file, "-v", "x=3", "-c", "SELECT i FROM t WHERE i = :x"), "3\n")
    out, err, code = run(s.file, "--keep-going", "-c", "SELECT 1; SELECT nope; SELECT 2")
    equal((out, code), ("1\n2\n", 1))
    script = os.path.join(s.folder, "script.sql")
    open(script, "w").write("SELECT 1;\n\nSELECT\n\tnope;\n")
    out, err, code = run(s.file, "-f", script)
    equal((out, code), ("1\n", 1))
    holds(f"{script}:4: " in err, err)
    equal(run(s.file, stdin="SELECT 5;\nSELECT 6\n")[0], "5\n6\n")
    out, err, code = run(s.file, "-c", "BEGIN; INSERT INTO t (i) VALUES (9); SELECT 1")
    equal(fine(s.file, "-c", "SELECT count(*) FROM t"), "4\n", "what was not committed")
    fine(s.file, "-c", "INSERT INTO t (i) VALUES (10)")
    equal(fine(s.file, "-c", "SELECT max(i) FROM t"), "10\n")
    equal(fine(s.file, "-c", "CREATE STREAM u (i INTEGER); INSERT INTO u VALUES (1), (2), (3); SELECT i FROM u ORDER BY i DESC LIMIT 2"), "3\n2\n")
    service.send_signal(signal.SIGTERM)
    equal(service.wait(LIMIT_S), 0)
    equal(fine(s.file, "-c", "SELECT max(i) FROM t"), "10\n")


def a_second_process_can_be_canceled(s):
    fine(s.file, "-c", "CREATE STREAM s (i INTEGER)")
    s.service("run", s.file)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    client = subprocess.Popen([WEIR, s.file, "--csv", "-c", endless], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    s.services.append(client)
    equal(client.stdout.readline().strip(), b"i")
    client.send_signal(signal.SIGINT)
    out, err = client.communicate(timeout=LIMIT_S)
    equal((client.returncode, err), (130, b""))
    equal(fine(s.file, "-c", "SELECT 1"), "1\n")
    # a reader that has enough
    client = subprocess.Popen([WEIR, s.file, "--csv", "-c", endless], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    s.services.append(client)
    equal(client.stdout.readline().strip(), b"i")
    client.stdout.close()
    equal((client.wait(LIMIT_S), client.stderr.read()), (0, b""))
    # a terminal
    t = s.shell()
    t.sees("through process")
    t.line("SELECT i, count(*) AS n FROM s GROUP BY i;")
    t.sees("continuous")
    fine(s.file, "-c", "INSERT INTO s VALUES (5)")
    t.sees("│ 5 │ 1 │")
    t.type("\x03")
    t.prompt()
    t.type("SELECT * FROM \t")
    t.sees(r"SELECT \* FROM s$")
    t.type("\x03")
    t.prompt()
    t.type("\x04")
    equal(t.ends(), 0)


def the_owner_may_go(s):
    fine(s.file, "-c", "CREATE TABLE t (i INTEGER)")
    service = s.service("run", s.file)
    t = s.shell()
    t.says("SELECT 1 AS one;", "│   1 │")
    service.kill()
    service.wait()
    t.says("SELECT 2;", rf"^error: process {service.pid} that owns file .* has ended \(58030\)")
    t.type("\x04")
    t.ends()
    equal(fine(s.file, "-c", "SELECT count(*) FROM t"), "0\n")


def who_owns_the_file_is_named(s):
    fine(s.file, "-c", "CREATE TABLE t (i INTEGER)")
    service = s.service("run", s.file)
    out, err, code = run("run", s.file)
    equal(code, 3)
    holds(str(service.pid) in err, err)
    out, err, code = run(s.file, "--until-end")
    equal(code, 3)
    holds(str(service.pid) in err, err)


def status_has_exit_codes(s):
    lines = os.path.join(s.folder, "in.ndjson")
    open(lines, "w").write('{"i": 1}\n')
    fine(s.file, "-c", f"""CREATE STREAM f (i INTEGER) WITH (connector = 'file', path = '{lines}', follow = 'true');
        CREATE MATERIALIZED VIEW v AS SELECT count(*) AS n FROM f""")
    out, err, code = run("status", s.file, "--json")
    equal(code, 5)
    equal([(row["kind"], row["name"]) for row in json.loads(out)], [("file", s.file), ("view", "v")])
    equal(run("status", os.path.join(s.folder, "nowhere.db"))[2], 3)
    service = s.service("run", s.file)

    def status():
        out, err, code = run("status", s.file, "--json")
        return {row["name"]: row for row in json.loads(out)}, code

    def until(condition, what):
        end = time.monotonic() + LIMIT_S
        while not condition(*status()):
            assert time.monotonic() < end, f"{what}: {status()}"

    until(lambda rows, code: code == 0 and rows["v"]["rows"] == 1, "all is well")
    holds(str(service.pid) in status()[0][s.file]["state"], "the process is not named")
    equal(status()[0]["f"]["state"], "reading")
    open(lines, "a").write("no JSON\n")
    until(lambda rows, code: code == 4 and rows["f"]["dead"] == 1, "a dead letter")
    service.send_signal(signal.SIGTERM)
    equal(service.wait(LIMIT_S), 0)
    equal(status()[1], 5)
    fine(s.file, "-c", "PAUSE v")
    service = s.service("run", s.file)
    until(lambda rows, code: code == 4 and rows["v"]["state"] == "paused", "a paused view")


def the_service_tells_systemd(s):
    fine(s.file, "-c", "CREATE TABLE t (i INTEGER)")
    path = os.path.join(s.folder, "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(path)
        notify.settimeout(LIMIT_S)
        service = s.service("run", s.file, env={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "200000"})
        holds("READY=1" in notify.recv(4096).decode().split("\n"), "READY=1 comes first")
        for _ in range(3):
            equal(notify.recv(4096), b"WATCHDOG=1")
        service.send_signal(signal.SIGTERM)
        while (said := notify.recv(4096)) == b"WATCHDOG=1":
            pass
        equal(said, b"STOPPING=1")
        equal(service.wait(LIMIT_S), 0)


# ---- batch ------------------------------------------------------------------------------------------------------------

def statements_of_a_pipe_are_answered_at_once(s):
    client = subprocess.Popen([WEIR, s.file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    s.services.append(client)
    for i in range(3):
        client.stdin.write(f"SELECT {i},\n{i};\n")
        client.stdin.flush()
        equal(client.stdout.readline(), f"{i}|{i}\n")
    client.stdin.write(".print done\n")
    client.stdin.flush()
    equal(client.stdout.readline(), "done\n")
    client.send_signal(signal.SIGINT)
    equal(client.wait(LIMIT_S), 130)


def lines_of_a_pipe_are_a_stream(s):
    stream = "CREATE STREAM l (a INTEGER) WITH (connector = 'stdin', format = 'json');"
    client = subprocess.Popen([WEIR, "-c", stream + "SELECT a * 2 AS b FROM l"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    s.services.append(client)
    for i in range(3):                                  # each row before the next line is written: nothing waits for the end
        client.stdin.write(json.dumps({"a": i}) + "\n")
        client.stdin.flush()
        equal(client.stdout.readline(), f"{2 * i}\n")
    client.stdin.close()
    equal(client.wait(LIMIT_S), 0)
    stream = "CREATE STREAM l (a INTEGER, r ROW<k INTEGER>) WITH (connector = 'stdin', format = 'json');"
    lines = "".join(json.dumps({"a": a, "r": {"k": 1}}) + "\n" for a in [3, 1, 3])
    for query, answer in [
        ("SELECT a FROM l", '[{"a":3},{"a":1},{"a":3}]\n'), ("SELECT a FROM l ORDER BY a", '[{"a":1},{"a":3},{"a":3}]\n'), ("SELECT a FROM l LIMIT 2", '[{"a":3},{"a":1}]\n'),
        ("SELECT a FROM l LIMIT 9", '[{"a":3},{"a":1},{"a":3}]\n'), ("SELECT a, count(*) AS n FROM l GROUP BY a ORDER BY a", '[{"a":1,"n":1},{"a":3,"n":2}]\n'),
        ("SELECT a FROM l WHERE a > 9", "[]\n"), ("SELECT a, r FROM l LIMIT 1", '[{"a":3,"r":"{\\"k\\":1}"}]\n'),
    ]:
        equal(fine("--json", "-c", stream + query, stdin=lines), answer, query)


def what_is_odd_about_a_source_is_told(s):
    stream = "CREATE STREAM l (pric INTEGER, n INTEGER) WITH (connector = 'stdin', format = 'json');"
    out, err, code = run("-c", stream + "SELECT * FROM l", stdin='{"price": 1, "n": 2}\n{"price": 2, "n": "x"}\n')
    equal((out, code), ("|2\n", 0))
    holds('column "pric" is in none of the 2 records; they have "price"' in err and "1 of 2 records are dead letters" in err, err)
    lines = "".join('{"price": %d, "n": %d}\n' % (i, i) for i in range(3000))
    out, err, code = run("-c", stream + "SELECT count(pric), count(n) FROM l", stdin=lines)
    equal((out, code), ("0|3000\n", 0))
    equal(err.count("none of the first 1000 records"), 1, err)
    path = os.path.join(s.folder, "in.ndjson")
    open(path, "w").write("no JSON\n" * 3)
    stream = f"CREATE STREAM l (n INTEGER) WITH (connector = 'file', path = '{path}', follow = true); CREATE MATERIALIZED VIEW v AS SELECT n FROM l"
    out, err, code = run(s.file, "-c", stream, "--until-end")
    equal((out, code), ("", 0))
    holds("3 of 3 records are dead letters" in err, err)


def a_check_leaves_nothing(s):
    script = os.path.join(s.folder, "script.sql")
    open(script, "w").write("CREATE TABLE t (i INTEGER);\nCREATE VIEW v AS SELECT i FROM t;\n")
    check = lambda: [[row["result"], row["statement"]] for row in json.loads(fine("run", s.file, "-f", script, "--check", "--json"))]
    equal(check(), [["new", "table t"], ["new", "view v"]])
    equal(os.listdir(s.folder), ["script.sql"])
    fine("run", s.file, "-f", script, "--until-end")
    equal(check(), [["same", "table t"], ["same", "view v"]])
    open(script, "a").write("SELECT *\nFROM t; INSERT INTO t VALUES (1); SHOW TABLES; PAUSE nothing; FLUSH; DROP VIEW v;\n")
    out, err, code = run("run", s.file, "-f", script, "--check", "--csv")
    equal(out, 'result,statement,records,error\r\nsame,table t,,\r\nsame,view v,,\r\nruns,SELECT * FROM t,,\r\nruns,INSERT INTO t VALUES (1),,\r\nruns,SHOW TABLES,,\r\n'
          'error,PAUSE nothing,,"relation ""nothing"" does not exist (42P01)"\r\nruns,FLUSH,,\r\nruns,DROP VIEW v,,\r\n')
    equal(code, 1)
    equal(fine("run", s.file, "-f", "/dev/null", "--check", "--json"), "[]\n")
    equal(fine(s.file, "-c", "SELECT count(*) FROM t"), "0\n")


def a_slow_reader_is_waited_for(s):
    """Rows that nobody takes yet stay where they are, not in memory."""
    lines = os.path.join(s.folder, "in.ndjson")
    with open(lines, "w") as file:
        for i in range(400000):
            file.write('{"a":"%s"}\n' % (f"{i:08d}" * 20))
    client = subprocess.Popen([WEIR, "-c", f"CREATE STREAM l (a TEXT) WITH (connector = 'file', path = '{lines}'); SELECT a FROM l"], stdout=subprocess.PIPE)
    s.services.append(client)
    status = f"/proc/{client.pid}/stat"
    used, same = -1, 0
    while same < 10:                                    # until it has given the first rows, and rests
        now = sum(map(int, open(status).read().rsplit(")", 1)[1].split()[11:13]))
        given = struct.unpack("i", fcntl.ioctl(client.stdout, termios.FIONREAD, b"\0" * 4))[0]
        same = same + 1 if now == used and given else 0
        used = now
        select.select([], [], [], 0.05)
    memory = int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{client.pid}/status").read()).group(1))
    equal(sum(1 for _ in client.stdout), 400000)
    equal(client.wait(LIMIT_S), 0)
    sanitized = re.search(b"__[at]san_init", open(WEIR, "rb").read())         # they multiply what is allocated
    holds(sanitized or memory < 100 << 10, f"{memory} KiB")


def command_lines(s):
    for words, code, says in [
        (["--help"], 0, ""), (["--version"], 0, ""), (["--no-such"], 2, "no such option"), (["--jsno"], 2, "Did you mean --json"), (["run"], 2, "needs a FILE"),
        (["status"], 2, "needs a FILE"), (["run", s.file, "--keep-going"], 2, "not an option"), (["a", "b"], 2, "one FILE"), ([s.file, "-v", "x"], 2, "NAME=VALUE"),
        ([s.file, "--final", "-c", "SELECT 1"], 2, "--until-end"), ([s.file, "-f", s.folder + "/nowhere.sql"], 3, "nowhere.sql"),
        ([s.folder + "/no/folder.db", "-c", "SELECT 1"], 3, "folder"), (["run", s.folder + "/nowhere.db"], 3, "nowhere.db"), (["run", s.folder + "/nowhere.db"], 3, "weir run FILE -f SCRIPT"),
    ]:
        out, err, found = run(*words)
        equal(found, code, f"{words}: {err}")
        holds(says in err, f"{words}: {err}")
    equal(fine("-c", ".print a\n.mode json\nSELECT 1 AS x; SELECT 2 AS y"), 'a\n[{"x":1}]\n[{"y":2}]\n')
    equal(fine("-c", "SELECT 1", "-c", "SELECT 2"), "1\n2\n")
    equal(run("-c", "SELECT 1;\n.nonsense\nSELECT 2")[2], 1)
    equal(run("-c", ".exit 7")[2], 7)


TESTS = [
    statements_may_take_several_lines, errors_point_at_their_place, control_c_gives_up_the_line_and_what_runs, leaving, history_is_kept, completion,
    boxes_fit_the_terminal, a_changing_result_is_redrawn_in_place, a_result_longer_than_the_terminal_is_redrawn_in_part, dot_commands, a_long_commit_can_be_canceled, the_shell_reads_its_sources,
    a_second_process_gives_the_same, a_second_process_can_be_canceled, the_owner_may_go, who_owns_the_file_is_named, status_has_exit_codes,
    the_service_tells_systemd,
    statements_of_a_pipe_are_answered_at_once, lines_of_a_pipe_are_a_stream, what_is_odd_about_a_source_is_told, a_check_leaves_nothing, a_slow_reader_is_waited_for, command_lines,
]


def on_terminals(test):
    shells = Shells()
    try:
        test(shells)
    finally:
        shells.close()


def main():
    global WEIR
    options = world.arguments(__doc__)
    WEIR = str(options.weir)
    return not world.run_cases([(test.__name__, lambda test=test: on_terminals(test)) for test in TESTS], options.names)


if __name__ == "__main__":
    sys.exit(main())
