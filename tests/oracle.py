#!/usr/bin/env python3
"""Random queries over random inserts, updates and deletes: each materialized view must hold what SQLite answers for the same SELECT.

usage: oracle.py --weir WEIR [--queries N] [--seconds N] [--seed N] [--keep FOLDER] [--jobs N] [--without RULE|each]

A case is a few small tables and streams, many views over them and a handful of points at which all of them are compared. It runs in one of five ways:
statements as they come, a commit a statement, a transaction a round, a clean restart between rounds, kill -9 between rounds; and with changes in batches as
they come, or of 1 or 7 rows. Meanwhile views are made, replaced, dropped, paused, resumed and built anew. SQLite is asked twice, the second time with indexes,
reversed scans and constants that it cannot see: where it disagrees with itself the query says too little (or SQLite is wrong), and is passed over.
A statement that Weir refuses by name (0A000) is counted and listed. A difference or a crash is printed as a script made as small as it gets.
"""
import argparse, collections, concurrent.futures, dataclasses, json, os, random, re, sqlite3, subprocess, sys, tempfile, threading, time

from oracle_changes import VIEW_OF, Changes, is_act
from oracle_queries import Generator
from oracle_sqlite import Oracle, of_sqlite, of_weir, same

WAYS = ("statement", "flush", "transaction", "restart", "kill")
ROWS_PER_BATCH = (0, 0, 1, 7)
POINTS = 5
VIEWS_PER_CASE = 50


# ---- Weir ----

class Run:
    """One Weir file and the processes on it, one after another"""

    def __init__(self, weir, folder):
        self.weir, self.folder = weir, folder
        self.path = os.path.join(folder, "o.weir")
        self.errors = ""
        self.trouble = None

    def batch(self, statements, kill):
        """Runs them and gives what each line of output says; kill: ends the process with SIGKILL after the last answer"""
        script = os.path.join(self.folder, "script.sql")
        text = "".join(of_weir(s) + ";\n" for s in statements + ["SELECT 'end' AS mark"])
        with open(script, "w") as f: f.write(text)
        with open(os.path.join(self.folder, "errors"), "w+") as errors:
            if not kill:
                try:
                    p = subprocess.run([self.weir, self.path, "--json", "--keep-going", "-f", script], stdout=subprocess.PIPE, stderr=errors, timeout=120)
                    lines, code = p.stdout.decode("utf-8", "replace").splitlines(), p.returncode
                except subprocess.TimeoutExpired as e:
                    self.trouble = "no answer in 120 s"
                    lines, code = (e.stdout or b"").decode("utf-8", "replace").splitlines(), 0
            else: lines, code = self.until_killed(text, errors)
            errors.seek(0)
            self.errors = errors.read()
        if code not in (0, 1) and not self.trouble: self.trouble = f"exit code {code}: {self.errors[-2000:]}"
        return lines

    def until_killed(self, text, errors):
        p = subprocess.Popen([self.weir, self.path, "--json", "--keep-going"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
        lines = []
        timer_end = time.time() + 120
        timer = threading.Timer(120, p.kill)
        timer.start()
        writer = threading.Thread(target=self.feed, args=(p.stdin, text.encode()))
        writer.start()
        for raw in p.stdout:
            lines.append(raw.decode("utf-8", "replace").rstrip("\n"))
            if lines[-1] == '[{"mark":"end"}]': break
        timer.cancel()
        code = 0
        if lines and lines[-1] == '[{"mark":"end"}]': p.kill()
        else: self.trouble = f"no answer in 120 s" if time.time() >= timer_end else "died"
        p.wait()
        if self.trouble == "died": self.trouble = f"died with {p.returncode}"
        writer.join()
        try: p.stdin.close()
        except OSError: pass
        return lines, code

    @staticmethod
    def feed(pipe, data):
        try:
            pipe.write(data)
            pipe.flush()
        except OSError: pass


def rows_of(line):
    plain = lambda v: int(v) if isinstance(v, bool) else v
    return [tuple(plain(v) for _, v in row) for row in json.loads(line, object_pairs_hook=list)]


def answers(lines):
    """{mark: rows or None} from lines in which each answer follows its mark"""
    found, mark = {}, None
    for line in lines:
        if line.startswith('[{"mark":'):
            mark = json.loads(line)[0]["mark"]
            found.setdefault(mark, None)
        elif mark is not None and line.startswith("["):
            try: found[mark] = rows_of(line)
            except ValueError: found[mark] = [("unreadable: " + line,)]
    return found


def refusals(text):
    """{line of the script: message}"""
    found, message = {}, None
    for line in text.splitlines():
        if m := re.match(r"error: (?:[^\s:]*script\.sql:(\d+): )?(.*)$", line):
            message = m.group(2)
            if m.group(1): found[int(m.group(1))] = message
        elif message and (m := re.match(r"  line (\d+)", line)): found.setdefault(int(m.group(1)), message)
    return found


@dataclasses.dataclass(frozen=True)
class View:
    name: str
    sql: str
    columns: int
    first: int                  # the round before which it is made
    last: int = 99              # the round before which it goes
    replaces: bool = False      # one of its name

    @property
    def key(self): return f"{self.name}.{self.first}"

    def lives(self, i): return self.first <= i < self.last

    def reads(self, name): return re.search(rf"\b{name}\b", self.sql) is not None

    def create(self, kind="MATERIALIZED VIEW"):
        return f"CREATE {'OR REPLACE ' if self.replaces else ''}{kind} {self.name} ({', '.join(f'c{i}' for i in range(self.columns))}) AS {self.sql}"


@dataclasses.dataclass(frozen=True)
class Case:
    """What runs: tables, rounds of changes and acts, views"""
    tables: list
    rounds: list
    views: list
    way: str
    rows: int                   # a batch

    without = ""                # rewrite rules that plans are made without

    @property
    def setting(self): return f"{self.way}, rows {self.rows}"

    def start(self):
        rules = [f"SET rules_off = '{self.without}'"] if self.without else []
        return rules + ([f"SET rows_per_batch = {self.rows}"] if self.rows else []) + [t["sql"] for t in self.tables]

    def of_views(self, i):
        """(statement, view that it makes or None) that come before round i"""
        replaced = [v.name for v in self.views if v.first == i and v.replaces]
        return [(f"DROP MATERIALIZED VIEW {v.name}", None) for v in self.views if v.last == i and v.name not in replaced] + [(v.create(), v) for v in self.views if v.first == i]

    def changes(self, i):
        """The changes of round i as they are run"""
        changes = self.rounds[i]
        if self.way == "flush": return [t for s in changes for t in ([s] if is_act(s) else [s, "FLUSH"])]
        if self.way != "transaction": return changes
        out, is_open = [], False
        for s in changes:
            if is_act(s) and is_open: out.append("COMMIT")
            elif not is_act(s) and not is_open: out += (["BEGIN", s, "ROLLBACK"] if len(changes) % 3 == 0 else []) + ["BEGIN"]
            is_open = not is_act(s)
            out.append(s)
        return out + ["COMMIT"] * is_open

    def away(self, i):
        """Views that do not follow at the end of round i: paused, or reading one that is"""
        paused = []
        for s in (s for r in self.rounds[:i + 1] for s in r):
            if s.startswith("PAUSE "): paused.append(s[6:])
            elif s.startswith("RESUME "): paused = [v for v in paused if v != s[7:]]
        grows = bool(paused)
        while grows:
            more = [v.name for v in self.views if v.name not in paused and any(v.reads(p) for p in paused)]
            paused, grows = paused + more, bool(more)
        return paused

    def script(self):
        out = self.start()
        for i in range(len(self.rounds)):
            out += [s for s, _ in self.of_views(i)] + self.changes(i)
            out += [f"SELECT * FROM {v.name}" for v in self.views if v.lives(i)]
            if self.way in ("restart", "kill"): out.append(f"-- {self.way}")
        return out


class Trial:
    """A case that is run; what Weir said to each statement, and what SQLite did"""

    def __init__(self, weir, case, folder):
        self.case, self.run, self.oracle = case, Run(weir, folder), Oracle(case.tables)
        self.apart = case.way in ("restart", "kill")            # a process a round
        self.lines, self.statements = [], case.start()
        self.made, self.ran, self.expected = {}, {}, {}         # by (process, line): view, (change, whether SQLite took it); by mark: rows
        self.refused, self.problems, self.passed_over = {}, [], 0

    def place(self, i):
        return i if self.apart else 0, len(self.statements)

    def ask(self, view, i, adhoc):
        rows = self.oracle.ask(view.sql)
        if rows is None:
            self.passed_over += 1
            return
        self.expected[f"{view.key}/{i}"] = rows
        self.statements += [f"SELECT '{view.key}/{i}' AS mark", f"SELECT * FROM {view.name}"]
        if not adhoc or self.oracle.steps > 3: return          # SQLite's plan of what Weir prints for it may be a slower one
        self.expected[f"{view.key}/adhoc"] = rows
        self.statements += [f"SELECT '{view.key}/adhoc' AS mark", view.sql]
        self.made[self.place(i)] = f"{view.key} ad hoc"

    def round(self, i, adhoc):
        case = self.case
        for statement, view in case.of_views(i):
            self.statements.append(statement)
            if not view: continue
            self.made[self.place(i)] = view.key
            if not view.replaces and any(v.reads(view.name) for v in case.views): self.oracle.define(view.create("VIEW"))
        taken = {id(s): self.oracle.run(s) for s in case.rounds[i] if not is_act(s)}
        for s in case.changes(i):
            self.statements.append(s)
            if id(s) in taken: self.ran[self.place(i)] = (s, taken[id(s)])
        away = case.away(i)
        for v in case.views:
            if v.lives(i) and v.name not in away: self.ask(v, i, adhoc)

    def end_process(self, i, last):
        self.lines += self.run.batch(self.statements, self.case.way == "kill" and not last)
        said = refusals(self.run.errors)
        for line, message in said.items():
            place = (i if self.apart else 0, line)
            if place in self.made: self.refused[self.made[place]] = message
            elif place in self.ran and self.ran[place][1]: self.refuse(self.ran[place][0], message)
            elif place not in self.ran: self.act_refused(self.statements[line - 1] if line <= len(self.statements) else "", message)
        for (process, line), (change, ok) in self.ran.items():
            if process == (i if self.apart else 0) and not ok and line not in said: self.problems.append((None, f"should be refused: {of_weir(change)}"))
        self.statements = []

    def act_refused(self, act, message):
        name = re.search(r"\b(v\d+)$", act.replace(" REBUILD", ""))
        if not name or not any(r.startswith(name[1] + ".") for r in self.refused): self.problems.append((None, f"{message}: {act}"))

    def refuse(self, change, message):
        if "(0A000)" in message: self.refused["change"] = message
        else: self.problems.append((None, f"{message}: {of_weir(change)}"))

    def compare(self):
        got = answers(self.lines)
        for mark, rows in self.expected.items():
            key, point = mark.split("/")
            if key in self.refused and point != "adhoc" or got.get(mark) is None and f"{key} ad hoc" in self.refused: continue
            view = next(v for v in self.case.views if v.key == key)
            if got.get(mark) is None:
                if any(view.reads(r.split(".")[0]) for r in self.refused): continue
                self.problems.append((key, f"{mark}: no answer; {self.run.errors[-500:]}"))
            elif not same(got[mark], rows): self.problems.append((key, f"{mark}: Weir {show(got[mark], rows)}"))


def run_case(weir, case, adhoc=True):
    """(problems [(view's key or None, what)], refused {key: message}, passed over)"""
    last = len(case.rounds) - 1
    with tempfile.TemporaryDirectory(prefix="oracle.") as folder:
        trial = Trial(weir, case, folder)
        for i in range(len(case.rounds)):
            trial.round(i, adhoc and i == last)
            if trial.apart or i == last: trial.end_process(i, i == last)
            if trial.run.trouble: return [(None, trial.run.trouble)], trial.refused, trial.passed_over
        if "change" not in trial.refused: trial.compare()
    return trial.problems, trial.refused, trial.passed_over


def show(ours, theirs):
    left, right = collections.Counter(map(tuple, ours)), collections.Counter(map(tuple, theirs))
    return f"has too much {list((left - right).elements())[:6]}, lacks {list((right - left).elements())[:6]}"


# ---- making cases ----

def make_rounds(rng, changes, tables, way):
    oracle, rounds = Oracle(tables), []
    for i in range(POINTS):
        made = []
        for t in tables:
            for _ in range(rng.randint(3, 6) if i == 0 else rng.randint(0, 3)):
                change = changes.change(t, [o for o in tables if o is not t])
                if i == 0 and not change.startswith("INSERT"): continue
                if oracle.run(change) or way != "transaction" and rng.random() < 0.3 and "constraint" in oracle.error and "SET k =" not in change: made.append(change)
        rounds.append(made)
    return oracle, rounds


def make_views(g, oracle, count):
    rng, made, tries = g.rng, [], 0
    while len(made) < count and tries < count * 4:
        tries += 1
        try: sql, types = g.query(rng.choice([1, 2, 2, 3, 3, 4]), [], None, top=True)
        except RecursionError: continue
        if len(sql) > (2500 if g.chance(0.9) else 6000) or oracle.ask(sql) is None:
            GIVEN_UP[getattr(oracle, "error", "too long")] += 1
            if os.environ.get("ORACLE_GENERATOR") == "2" and re.search("syntax|incompl|no such|args|ambig", oracle.error): print(oracle.error, of_sqlite(sql)[:1500])
            continue
        made.append(View(f"v{len(made)}", sql, len(types), rng.choice([0, 0, 1, 2])))
        if g.chance(0.05): made.append(View(f"v{len(made)}", sql, len(types), rng.choice([0, 1, 2, 3])))           # of one plan
        if made[-1].sql == sql and "F" not in types and len(sql) < 500 and g.chance(0.12) and made[-1].first == 0:
            oracle.define(made[-1].create("VIEW"))
            g.relations.append((made[-1].name, [(f"c{i}", t) for i, t in enumerate(types)]))
    return made


def add_ends(rng, views):
    """Some views are dropped, some replaced by others"""
    free = [v for v in views if v.first <= 1 and not any(w.reads(v.name) for w in views)]
    going = rng.sample(free, len(free) // 10)
    out = [v for v in views if v not in going]
    for v in going:
        last = rng.randint(v.first + 1, POINTS - 1)
        out.append(dataclasses.replace(v, last=last))
        other = next((w for w in out if w.first == last and w in free), None)
        if other and rng.random() < 0.7:
            out.remove(other)
            out.append(dataclasses.replace(other, name=v.name, replaces=rng.random() < 0.7))
    return sorted(out, key=lambda v: v.first)


def add_acts(rng, rounds, views):
    """Views are paused, resumed and built anew; one at a time is away"""
    away_until = 0
    for i in range(1, POINTS):
        place = lambda low: rng.randint(low, len(rounds[i]))
        there = [v for v in views if v.lives(i) and v.first < i and v.last > i + 1]
        alone = [v for v in there if not any(v.reads(w.name) for w in views)]
        if not there: continue
        for v in rng.sample(alone, min(len(alone), 2)):
            if rng.random() < 0.5: rounds[i].insert(place(0), f"ALTER MATERIALIZED VIEW {v.name} REBUILD")
        if rng.random() < 0.3: rounds[i].insert(place(0), "CHECKPOINT")
        v = rng.choice(there)
        if i < away_until or rng.random() < 0.3: continue
        at = place(0)
        rounds[i].insert(at, f"PAUSE {v.name}")
        if i + 1 < POINTS and rng.random() < 0.6 and not any(w.reads(v.name) for w in views):
            rounds[i + 1].insert(rng.randint(0, len(rounds[i + 1])), f"RESUME {v.name}")
            away_until = i + 2
        else: rounds[i].insert(place(at + 1), f"RESUME {v.name}")
    return rounds


def make_case(seed, views):
    rng = random.Random(seed)
    g = Generator(rng)
    changes = Changes(g)
    tables = [changes.table(i) for i in range(1, rng.randint(2, 4) + 1)]
    g.relations = [(t["name"], t["columns"]) for t in tables]
    g.tables = {t["name"] for t in tables}
    g.keyed |= {t["name"] for t in tables if t["keyed"]}
    way, rows = rng.choice(WAYS), rng.choice(ROWS_PER_BATCH)
    oracle, rounds = make_rounds(rng, changes, tables, way)
    made = add_ends(rng, make_views(g, oracle, views))
    return Case(tables, add_acts(rng, rounds, made), made, way, rows)


GIVEN_UP = collections.Counter()


# ---- making differences small ----

def tokens(sql):
    return re.findall(r"'[^']*'|‹g?\d›|[A-Za-z_][A-Za-z_0-9]*|\d+\.\d+|\d+|<>|<=|>=|\|\||\S", sql)


def fails(weir, case, adhoc):
    oracle = Oracle(case.tables)
    for changes in case.rounds:
        for change in changes:
            if not is_act(change): oracle.run(change)
    for v in case.views:
        rows = oracle.ask(v.sql)
        if rows is None: return False
        try: oracle.define(v.create("VIEW").replace("OR REPLACE ", "").replace(f" {v.name} ", f" {v.name}_{v.first} ", 1) if v.replaces or v.last < 99 else v.create("VIEW"))
        except sqlite3.Error: return False
    try: problems, refused, _ = run_case(weir, case, adhoc)
    except (TypeError, ValueError, IndexError): return False             # a form is cut
    return not refused and any(p[0] in (None, case.views[-1].key) for p in problems)


def smaller_sql(sql):
    """Shorter texts, the shortest first: without a run of tokens or with a bracket's contents gone"""
    t = tokens(sql)
    spans = []
    stack = []
    for i, token in enumerate(t):
        if token in "(⟦": stack.append(i)
        elif token in ")⟧" and stack: spans.append((stack.pop(), i))
    for a, b in spans:
        if b - a > 2:
            for put in ("«1»", "«NULL»", "«'a'»"): yield t[:a] + [put] + t[b + 1:]
            yield t[:a] + t[a + 1:b] + t[b + 1:]
        if a and b - a >= 1:
            for put in ("«1»", "«NULL»", "«'a'»"): yield t[:a - 1] + [put] + t[b + 1:]
    size = len(t) // 2
    while size:
        for start in range(0, len(t) - size + 1, max(1, size // 3)): yield t[:start] + t[start + size:]
        size = size // 2 if size > 12 else size - 1


def minimise(weir, case, key, seconds, adhoc):
    """The case with what still fails; adhoc: an ad-hoc query did"""
    end = time.time() + seconds
    view = next(v for v in case.views if v.key == key)
    used, queue = [view], [view]
    while queue:
        reader = queue.pop()
        for v in case.views:
            if reader.reads(v.name) and v not in used: used.insert(0, v); queue.append(v)
    used = [v for v in case.views if v.name == view.name and v.first < view.first] + used
    acts = lambda changes: [s for s in changes if not VIEW_OF.match(s) or any(v.name == VIEW_OF.match(s)[1] for v in used)]
    best = dataclasses.replace(case, rounds=[acts(r) for r in case.rounds], views=used)
    if not fails(weir, best, adhoc): return case, False

    def attempt(candidate):
        nonlocal best
        if time.time() < end and fails(weir, candidate, adhoc):
            best = candidate
            return True
        return False

    but = lambda **what: dataclasses.replace(best, **what)
    if best.rows: attempt(but(rows=0))
    for way in ("statement", "flush", "transaction"):
        if best.way == way or attempt(but(way=way)): break
    again = True
    while again and time.time() < end:
        again = False
        for i in range(len(best.rounds) - 1, 0, -1):                  # whole rounds, then statements
            if i < len(best.rounds) and attempt(but(rounds=best.rounds[:i], views=[v for v in best.views if v.first < i])): again = True
        for i in range(len(best.rounds)):
            size = max(1, len(best.rounds[i]) // 2)
            while size and best.rounds[i]:
                j = 0
                while j < len(best.rounds[i]):
                    rounds = [list(r) for r in best.rounds]
                    del rounds[i][j:j + size]
                    if attempt(but(rounds=rounds)): again = True
                    else: j += size
                size = size // 2
        head, last = best.views[:-1], best.views[-1]
        shorter = True
        while shorter and time.time() < end:
            shorter = False
            for t in smaller_sql(last.sql):
                text = " ".join(t)
                if len(text) >= len(last.sql) and len(tokens(last.sql)) <= len(t): continue
                columns = columns_of(best, text)
                if not columns: continue
                candidate = dataclasses.replace(last, sql=text, columns=columns)
                if attempt(but(views=head + [candidate])):
                    last, shorter, again = candidate, True, True
                    break
        for table in list(best.tables):
            if not re.search(rf"\b{table['name']}\b", " ".join(v.sql for v in best.views)):
                rounds = [[c for c in r if not re.search(rf"\b{table['name']}\b", c)] for r in best.rounds]
                if len(best.tables) > 1: attempt(but(tables=[t for t in best.tables if t is not table], rounds=rounds))
    return best, True


def columns_of(case, sql):
    oracle = Oracle(case.tables)
    try:
        for v in case.views[:-1]:
            if not v.replaces and v.last == 99: oracle.define(v.create("VIEW"))
        oracle.steps = 0
        return len(oracle.connections[0].execute(of_sqlite(sql)).description)
    except (sqlite3.Error, TypeError, ValueError, IndexError): return 0


# ---- the run ----

def report(weir, seed, case, problems, keep, seconds):
    seen = set()
    for name, what in problems:
        if name in seen: continue
        seen.add(name)
        if len(seen) > 3: print(f"   and {len(problems)} differences in all"); break
        print(f"DIFFERENCE seed {seed} setting {case.setting}: {what}", flush=True)
        adhoc = "/adhoc" in what
        small, again = (case, False) if name is None else minimise(weir, case, name, seconds, adhoc)
        problem = run_case(weir, small, adhoc)[0] if again else []
        last = small.views[-1]
        text = f"-- seed {seed}, {small.setting}; {'; '.join(str(p[1]) for p in problem[:2]) or what}\n" + "".join(of_weir(s) + ("" if s.startswith("--") else ";") + "\n" for s in small.script())
        if adhoc: text += of_weir(last.sql) + ";\n"
        was = next((of_weir(v.sql) for v in case.views if v.key == name), "")
        print(f"{text}-- SQLite's: {of_sqlite(last.sql)}\n-- was: {was}" if again else f"   (not alone; {'kept whole' if keep else 'is too long'}) {was}", flush=True)
        if keep:
            os.makedirs(keep, exist_ok=True)
            with open(os.path.join(keep, f"{seed}_{name}.sql"), "w") as f: f.write(text)


def one(weir, seed, views):
    case = make_case(seed, views)
    return seed, case, run_case(weir, case)


RULES = ["fold", "filters", "joins", "top-n", "scans", "projects"]      # of src/plan/rules.def, those that are optional


def compare(args, weir, first):
    """--queries of them; 1: one differs"""
    started, queries, differences, passed, refused = time.time(), 0, 0, 0, collections.Counter()
    settings, views_by_setting = collections.Counter(), collections.Counter()
    example = {}
    cases = max(1, -(-args.queries // args.views))
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        pending = collections.deque()
        next_seed = first
        while queries < args.queries and (pending or next_seed < first + cases * 2):
            late = args.seconds and time.time() - started > args.seconds
            while len(pending) < args.jobs and next_seed < first + cases * 2 and not late:
                pending.append(pool.submit(one, weir, next_seed, min(args.views, args.queries)))
                next_seed += 1
            if not pending: break
            seed, case, (problems, no, over) = pending.popleft().result()
            queries += len(case.views)
            if queries // 5000 > (queries - len(case.views)) // 5000: print(f"{queries} queries, {differences} differ, {time.time() - started:.0f} s", flush=True)
            passed += over
            settings[case.setting] += 1
            views_by_setting[case.setting] += len(case.views)
            for name, message in no.items():
                key = ("ad hoc: " if " " in name else "") + re.sub(r'"[^"]*"', '"..."', message)
                refused[key] += 1
                example.setdefault(key, f"{seed} {(next((v.sql for v in case.views if v.key == name.split()[0]), ''))[:300]}")
            if problems:
                differences += len({p[0] for p in problems})
                report(weir, seed, case, problems, args.keep, args.shrink)
    print(f"{queries} queries at {POINTS} points in {time.time() - started:.0f} s ({'; '.join(f'{views_by_setting[s]} {s}' for s in sorted(settings))}), "
        f"{differences} differ, {sum(refused.values())} refused, {passed} comparisons passed over")
    for message, count in refused.most_common(25):
        print(f"  {count:5} {message}")
        if "0A000" not in message: print(f"        {example[message]}")
    if os.environ.get("ORACLE_GENERATOR"): print("not made:", GIVEN_UP.most_common(12))
    return 1 if differences else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weir", default="./weir")
    parser.add_argument("--queries", type=int, default=600)
    parser.add_argument("--seconds", type=float, default=0, help="stop after so long")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--views", type=int, default=VIEWS_PER_CASE, help="views a process")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--keep", help="folder for what differs")
    parser.add_argument("--shrink", type=float, default=20, help="seconds to make a difference small")
    parser.add_argument("--without", default="", help="a rewrite rule that plans are made without, or each: all that can be left out, one after the other")
    args = parser.parse_args()
    if sqlite3.sqlite_version_info < (3, 39):
        print(f"SQLite {sqlite3.sqlite_version} knows no RIGHT and FULL JOIN")
        return 77
    weir = os.path.abspath(args.weir)
    first = args.seed if args.seed is not None else random.SystemRandom().randrange(1, 10 ** 9)
    print(f"seed {first} (oracle.py --seed {first} --queries {args.queries} runs the same again), SQLite {sqlite3.sqlite_version}", flush=True)
    if args.without != "each":
        Case.without = args.without
        return compare(args, weir, first)
    worst = 0
    for rule in RULES:
        Case.without = rule
        print(f"without {rule}:", flush=True)
        worst = max(worst, compare(args, weir, first))
    return worst


if __name__ == "__main__":
    sys.exit(main())
