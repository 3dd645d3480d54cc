#!/usr/bin/env python3
"""Random conditions on now(): at each moment a materialized view must hold what the same query gives ad hoc.

usage: moving.py --weir WEIR [--cases N] [--seed N] [--keep FOLDER]

A case is a script of `weir test`: many views with conditions in WHERE, in the SELECT list and in FILTER, the same queries as plain views, random changes and
steps of the clock, around ends of months above all. `weir test` runs it at all of its settings.
"""
import argparse, random, subprocess, sys, tempfile
from pathlib import Path

VIEWS, STEPS, VIEWS_AT_ONCE = 36, 24, 12
INTERVALS = ["1 month", "1 day", "3 hours", "2 months 3 days", "1 year", "30 minutes", "1 month -2 days", "40 days", "13 months 5 hours"]
ADVANCES = ["1 microsecond", "30 minutes", "6 hours", "12 hours", "1 day", "1 day", "3 days", "13 days", "31 days"]
ZONES = ["Europe/Berlin", "America/New_York", "Asia/Kolkata"]


class Conditions:
	def __init__(self, rng): self.rng = rng

	def interval(self): return f"INTERVAL '{self.rng.choice(INTERVALS)}'"

	def clock(self, depth=0):
		"""now() under a few layers of shifts and truncations"""
		kind = self.rng.randrange(9)
		if depth > 2 or kind < 3: return "now()"
		inner = self.clock(depth + 1)
		if kind < 6: return f"({inner} {self.rng.choice('+-')} {self.interval()})"
		if kind == 6: return f"date_trunc('{self.rng.choice(['hour', 'day', 'week', 'month', 'quarter', 'year'])}', {inner})"
		if kind == 7: return f"date_trunc('{self.rng.choice(['day', 'week', 'month'])}', {inner}, '{self.rng.choice(ZONES)}')"
		return f"CAST(CAST({inner} AS DATE) AS TIMESTAMP)"

	def instant(self):
		return self.rng.choice(["a", "b", f"a + {self.interval()}", f"b - {self.interval()}", "date_trunc('day', a)", "TIMESTAMP '2026-02-28 12:00:00'"])

	def comparison(self):
		rng, kind = self.rng, self.rng.randrange(12)
		if kind < 7:
			sides = [self.clock(), self.instant()]
			rng.shuffle(sides)
			return f"{sides[0]} {rng.choice(['<', '<=', '>', '>=', '=', '<>', 'IS DISTINCT FROM'])} {sides[1]}"
		if kind == 7: return f"{self.instant()} {rng.choice(['', 'NOT '])}BETWEEN {self.clock()} AND {self.clock()}"
		if kind == 8: return f"now() - {rng.choice('ab')} {rng.choice(['<', '<=', '>', '>='])} {self.interval()}"
		if kind == 9: return f"timestampdiff({rng.choice(['HOUR', 'DAY', 'WEEK'])}, a, now()) {rng.choice(['<', '<=', '>', '>=', '=', '<>'])} {rng.randrange(-3, 9)}"
		if kind == 10: return f"timestampdiff({rng.choice(['MONTH', 'QUARTER', 'YEAR'])}, a, {self.clock()}) {rng.choice(['<', '>='])} {rng.randrange(1, 4)}"
		return f"CURRENT_DATE {rng.choice('-+')} {rng.randrange(5)} {rng.choice(['<', '>=', '=', '<>'])} CAST({self.instant()} AS DATE)"

	def condition(self, depth=0):
		kind = self.rng.randrange(8)
		if depth > 2 or kind < 2: return self.comparison()
		if kind == 7: return f"v {self.rng.choice('<>=')} {self.rng.randrange(4)}"
		one = self.condition(depth + 1)
		if kind == 4: return f"NOT ({one})"
		if kind == 6: return f"(({one}) IS {self.rng.choice(['TRUE', 'NOT TRUE', 'NULL', 'NOT FALSE'])})"
		two = self.condition(depth + 1)
		if kind < 4: return f"({one} {'AND' if kind == 2 else 'OR'} {two})"
		return f"(CASE WHEN {one} THEN {two} WHEN v = {self.rng.randrange(3)} THEN {self.condition(depth + 1)} ELSE v > 1 END)"

	def moving(self):
		while True:
			found = self.condition()
			if "now()" in found or "CURRENT" in found: return found


class Script:
	def __init__(self, seed):
		self.rng, self.text, self.rows = random.Random(seed), "", 0
		conditions = Conditions(self.rng)
		self.statement("CREATE TABLE t (k INTEGER PRIMARY KEY, a TIMESTAMP, b TIMESTAMP, v INTEGER)")
		forms = ["SELECT v, count(*) FILTER (WHERE {0}) AS n FROM t GROUP BY v", "SELECT k, {0} AS x FROM t", "SELECT k, v FROM t WHERE {0}"]
		for i in range(VIEWS):
			query = forms[i % 3].format(conditions.moving())
			self.statement(f"CREATE MATERIALIZED VIEW v{i} AS {query}")
			self.statement(f"CREATE VIEW q{i} AS {query}")
		self.insert(12)
		for _ in range(STEPS): self.step()

	def statement(self, sql): self.text += f"statement ok\n{sql}\n\n"

	def compare(self):
		"""Names what differs."""
		for first in range(0, VIEWS, VIEWS_AT_ONCE):
			parts = []
			for i in range(first, first + VIEWS_AT_ONCE):
				for one, other in ((f"v{i}", f"q{i}"), (f"q{i}", f"v{i}")): parts.append(f"SELECT '{one}' AS name FROM (SELECT * FROM {one} EXCEPT ALL SELECT * FROM {other})")
			self.text += "query T\n" + " UNION ALL ".join(parts) + "\n----\n\n"

	def time(self):
		if self.rng.random() < 0.1: return "NULL"
		month = self.rng.choice([11, 12, 1, 2, 3, 4])
		day = min(self.rng.choice([1, 2, 15, 27, 28, 29, 30, 31]), {11: 30, 2: 28, 4: 30}.get(month, 31))
		return f"'{2025 if month > 10 else 2026}-{month:02}-{day:02} {self.rng.choice(['00:00:00', '12:00:00', '23:59:59.999999', '06:30:00'])}'"

	def insert(self, count):
		self.statement("INSERT INTO t VALUES " + ", ".join(f"({self.rows + i}, {self.time()}, {self.time()}, {self.rng.randrange(4)})" for i in range(count)))
		self.rows += count
		self.compare()

	def step(self):
		self.text += f"advance {self.rng.choice(ADVANCES)}\n\n"
		self.compare()
		chance = self.rng.random()
		if chance < 0.2: self.insert(4)
		elif chance < 0.3: self.statement(f"DELETE FROM t WHERE k % 5 = {self.rng.randrange(5)}")
		elif chance < 0.4: self.statement(f"UPDATE t SET v = v + 1, a = b WHERE k % 4 = {self.rng.randrange(4)}")
		elif chance < 0.45: self.text += "restart\n\n"
		if 0.2 <= chance < 0.4: self.compare()


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--weir", required=True, type=lambda path: Path(path).resolve())
parser.add_argument("--cases", type=int, default=6)
parser.add_argument("--seed", type=int, default=random.randrange(10**6))
parser.add_argument("--keep", type=Path, help="where scripts that differ are left")
options = parser.parse_args()
print(f"seed {options.seed}")
differ = 0
for seed in range(options.seed, options.seed + options.cases):
	with tempfile.TemporaryDirectory() as folder:
		script = Path(folder) / f"moving_{seed}.test"
		script.write_text(Script(seed).text)
		done = subprocess.run([options.weir, "test", script], capture_output=True, text=True, timeout=600)
		if done.returncode == 0: continue
		differ += 1
		print(f"seed {seed}:", *(done.stdout + done.stderr).splitlines()[:12], sep="\n")
		if options.keep: (options.keep / script.name).write_text(script.read_text())
print(f"{options.cases} cases, {differ} differ")
sys.exit(differ > 0)
