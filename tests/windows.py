#!/usr/bin/env python3
"""Windows over streams that come out of order: views must hold what a few lines of Python make of the rules for windows and late rows.

usage: windows.py --weir WEIR [--cases N] [--seed N] [--keep FOLDER]

A case is two streams, a handful of views (TUMBLE, HOP, CUMULATE and SESSION, with offsets, grace, ranks, frames, unions and joins, open or EMIT ON WINDOW CLOSE)
and rows in rounds, at one of five settings: a commit a row, a statement or a transaction a round, a restart or kill -9 between rounds.
The model knows each row with the watermark that judges it: that of its stream before it, at a join the lower of both.
"""
import argparse, datetime, json, os, random, signal, subprocess, sys, tempfile

SETTINGS = ("each", "bulk", "transaction", "restart", "kill")
NEVER = -10**18
ROUNDS = 5
SECOND = 1


def shown(t): return (datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=t)).isoformat(sep=" ")
def interval(seconds): return f"INTERVAL '{seconds}' SECOND"


class Stream:
	def __init__(self, name, delay):
		self.name, self.delay, self.watermark, self.rows, self.ended = name, delay, NEVER, [], False

	def add(self, row, other):
		"""row: (id, k, v, t); kept with the watermark that judges it alone and at a join"""
		self.rows.append((row, self.watermark, min(self.watermark, other.watermark)))
		if row[3] is not None: self.watermark = max(self.watermark, row[3] - self.delay)


# ---- windows of a row: (start, end) ----

class Window:
	def __init__(self, rng):
		self.kind = rng.choice(["TUMBLE", "HOP", "CUMULATE", "HOP"])
		self.slide = rng.choice([1, 3, 5, 7])
		self.size = self.slide if self.kind == "TUMBLE" else self.slide * rng.randint(1, 4) if self.kind == "CUMULATE" else rng.choice([2, 5, 8, 10])
		if self.kind == "TUMBLE": self.size = self.slide = rng.choice([3, 5, 10])
		self.offset = rng.choice([0, 0, 0, 1, 2, 4, -1])
		self.grace = 0

	def call(self, stream):
		sizes = {"TUMBLE": [self.size], "HOP": [self.slide, self.size], "CUMULATE": [self.slide, self.size]}[self.kind]
		if self.offset: sizes.append(self.offset)
		return f"{self.kind}({stream}, at, {', '.join(map(interval, sizes))})"

	def of(self, t):
		if self.kind == "CUMULATE":
			start = (t - self.offset) // self.size * self.size + self.offset
			return [(start, end) for end in range(start + self.slide, start + self.size + 1, self.slide) if end > t]
		last = (t - self.offset) // self.slide * self.slide + self.offset
		return [(start, start + self.size) for start in range(last, t - self.size, -self.slide) if start + self.size > t]

	def kept(self, row, judge): return [w for w in self.of(row[3]) if judge < w[1] + self.grace] if row[3] is not None else []


def totals(groups): return [list(key) + [len(rows), sum(r[2] for r in rows), max(r[2] for r in rows)] for key, rows in groups.items()]


class Aggregate:
	"""count, sum, max by window and key"""

	def __init__(self, rng, name):
		self.name, self.window, self.close, self.keyed = name, Window(rng), rng.random() < 0.5, rng.random() < 0.7
		self.ksql = self.window.kind != "CUMULATE" and not self.window.offset and rng.random() < 0.4
		if self.ksql: self.window.grace = rng.choice([0, 2, 6])

	def sql(self):
		w, key = self.window, "k, " if self.keyed else ""
		close = " EMIT ON WINDOW CLOSE" if self.close else ""
		what = f"{key}count(*) AS n, sum(v) AS s, max(v) AS m"
		if not self.ksql:
			return f"SELECT window_start AS ws, window_end AS we, {what} FROM {w.call('a')} GROUP BY {key}window_start, window_end{close}"
		words = f"TUMBLING (SIZE {w.size} SECONDS" if w.kind == "TUMBLE" else f"HOPPING (SIZE {w.size} SECONDS, ADVANCE BY {w.slide} SECONDS"
		return (f"SELECT WINDOWSTART AS ws, WINDOWEND AS we, {what} FROM a WINDOW {words}, GRACE PERIOD {w.grace} SECONDS)"
			+ (f" GROUP BY {key[:-2]}" if self.keyed else " GROUP BY 1 + 1") + close)

	def rows(self, a, b):
		groups = {}
		for row, judge, _ in a.rows:
			for window in self.window.kept(row, judge): groups.setdefault(window + ((row[1],) if self.keyed else ()), []).append(row)
		return totals({key: rows for key, rows in groups.items() if not self.close or key[1] + self.window.grace <= a.watermark or a.ended})


class Session:
	def __init__(self, rng, name):
		self.name, self.gap, self.close = name, rng.choice([1, 2, 4, 7]), rng.random() < 0.5
		self.ksql = rng.random() < 0.4
		self.grace = rng.choice([0, 1, 5]) if self.ksql else 0

	def sql(self):
		close = " EMIT ON WINDOW CLOSE" if self.close else ""
		what = "k, count(*) AS n, sum(v) AS s, max(v) AS m"
		if self.ksql: return f"SELECT WINDOWSTART AS ws, WINDOWEND AS we, {what} FROM a WINDOW SESSION ({self.gap} SECONDS, GRACE PERIOD {self.grace} SECONDS) GROUP BY k{close}"
		return f"SELECT window_start AS ws, window_end AS we, {what} FROM SESSION(a PARTITION BY k, at, {interval(self.gap)}) GROUP BY window_start, window_end, k{close}"

	def rows(self, a, b):
		sessions = []                           # [first, last, key, rows], never merged once closed
		for row, judge, _ in a.rows:
			_, key, _, t = row
			if t is None: continue
			near = [s for s in sessions if s[2] == key and judge <= s[1] + self.gap + self.grace and s[0] - self.gap <= t <= s[1] + self.gap]
			first, last = min([t] + [s[0] for s in near]), max([t] + [s[1] for s in near])
			if judge > last + self.gap + self.grace: continue
			sessions = [s for s in sessions if s not in near] + [[first, last, key, [r for s in near for r in s[3]] + [row]]]
		settled = [s for s in sessions if not self.close or a.watermark > s[1] + self.gap + self.grace or a.ended]
		return [[s[0], s[1] + self.gap, s[2], len(s[3]), sum(r[2] for r in s[3]), max(r[2] for r in s[3])] for s in settled]


class Rank:
	"""the n greatest of each window"""

	def __init__(self, rng, name):
		self.name, self.window, self.close, self.n = name, Window(rng), rng.random() < 0.5, rng.randint(1, 3)
		self.order = rng.choice(["v DESC, id", "v, id DESC", "at, id"])

	def sql(self):
		return (f"SELECT ws, we, k, id, v, rn FROM (SELECT window_start AS ws, window_end AS we, k, id, v, row_number() OVER (PARTITION BY window_start, window_end, k "
			f"ORDER BY {self.order}) AS rn FROM {self.window.call('a')}) WHERE rn <= {self.n}" + (" EMIT ON WINDOW CLOSE" if self.close else ""))

	def rows(self, a, b):
		groups = {}
		for row, judge, _ in a.rows:
			for window in self.window.kept(row, judge): groups.setdefault(window + (row[1],), []).append(row)
		sort = {"v DESC, id": lambda r: (-r[2], r[0]), "v, id DESC": lambda r: (r[2], -r[0]), "at, id": lambda r: (r[3], r[0])}[self.order]
		return [list(key) + [r[0], r[2], i + 1] for key, rows in groups.items() if not self.close or key[1] <= a.watermark or a.ended
			for i, r in enumerate(sorted(rows, key=sort)[:self.n])]


class Join:
	"""rows of both streams in the same window with the same key"""

	def __init__(self, rng, name):
		self.name, self.window, self.close = name, Window(rng), rng.random() < 0.6
		self.kind = rng.choice(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"])

	def sql(self):
		w = self.window
		return (f"SELECT coalesce(l.window_start, r.window_start) AS ws, coalesce(l.window_end, r.window_end) AS we, l.id AS li, r.id AS ri, l.k AS lk, r.v AS rv "
			f"FROM (SELECT * FROM {w.call('a')}) l {self.kind} (SELECT * FROM {w.call('b')}) r ON l.k = r.k AND l.window_start = r.window_start AND l.window_end = r.window_end"
			+ (" EMIT ON WINDOW CLOSE" if self.close else ""))

	def rows(self, a, b):
		sides = []
		for stream in (a, b):
			groups = {}
			for row, _, judge in stream.rows:
				for window in self.window.kept(row, judge): groups.setdefault(window + (row[1],), []).append(row)
			sides.append(groups)
		out, watermark = [], min(a.watermark, b.watermark)
		for key in sides[0].keys() | sides[1].keys():
			if self.close and key[1] > watermark and not a.ended: continue
			left, right = sides[0].get(key, []), sides[1].get(key, [])
			if key[2] is None: left, right, pairs = left, right, []
			else: pairs = [(l, r) for l in left for r in right]
			if not pairs and self.kind in ("LEFT JOIN", "FULL JOIN"): pairs += [(l, None) for l in left]
			if self.kind in ("RIGHT JOIN", "FULL JOIN") and (key[2] is None or not left): pairs += [(None, r) for r in right]
			out += [[key[0], key[1], l and l[0], r and r[0], l and l[1], r and r[2]] for l, r in pairs]
		return out


class IntervalJoin:
	"""of two rows that may meet the one with the higher watermark is the later: it must not have passed the last time at which the other can match"""

	def __init__(self, rng, name):
		self.name, self.kind = name, rng.choice(["JOIN", "LEFT JOIN"])
		self.before, self.after = rng.choice([0, 1, 4, 9]), rng.choice([0, 1, 5])
		self.left_end, self.right_end = rng.choice([("at", "at"), ("at", "at"), ("until", "at"), ("at", "until"), ("until", "until")])

	def sql(self):
		return (f"SELECT a.at AS ws, b.at AS we, a.id AS li, b.id AS ri, a.k AS lk, b.v AS rv FROM a {self.kind} b ON a.k = b.k "
			f"AND b.{self.right_end} >= a.at - {interval(self.before)} AND b.at <= a.{self.left_end} + {interval(self.after)}")

	def meets(self, l, left_judge, r, right_judge):
		if l[1] is None or l[1] != r[1] or l[3] is None or r[3] is None: return False
		later = max(left_judge, right_judge)
		# last time at which a row of the other side can match
		left_last, right_last = l[3] + l[2] * (self.left_end == "until") + self.after, r[3] + r[2] * (self.right_end == "until") + self.before
		if r[3] > left_last or l[3] > right_last: return False
		if left_judge > right_judge: return later <= right_last
		if right_judge > left_judge: return later <= left_last
		return later <= left_last or later <= right_last

	def rows(self, a, b):
		out = []
		for l, _, left_judge in a.rows:
			found = [r for r, _, right_judge in b.rows if self.meets(l, left_judge, r, right_judge)]
			out += [[l[3], r[3], l[0], r[0], l[1], r[2]] for r in found]
			if not found and self.kind == "LEFT JOIN": out.append([l[3], None, l[0], None, l[1], None])
		return out


class Over:
	"""frames in the order of event time that are given out once: what looks ahead waits for the rows it looks at"""

	def __init__(self, rng, name):
		self.name, self.before, self.after, self.lead = name, rng.choice([0, 1, 2, None]), rng.choice([0, 0, 1, 2]), rng.choice([0, 0, 1, 3])

	def sql(self):
		over = "PARTITION BY k ORDER BY at"
		before = "UNBOUNDED" if self.before is None else self.before
		lead = f", lead(id, {self.lead}) OVER ({over}) AS ld" if self.lead else ""
		return (f"SELECT at AS ws, at AS we, id, sum(v) OVER ({over} ROWS BETWEEN {before} PRECEDING AND {self.after} FOLLOWING) AS s, row_number() OVER ({over}) AS rn, "
			f"lag(id) OVER ({over}) AS lg{lead} FROM a WHERE at IS NOT NULL EMIT ON WINDOW CLOSE")

	def rows(self, a, b):
		parts, out = {}, []
		for row, judge, _ in a.rows:
			if row[3] is not None and judge <= row[3]: parts.setdefault(row[1], []).append(row)
		for rows in parts.values():
			rows = sorted((r for r in rows if a.ended or r[3] < a.watermark), key=lambda r: r[3])             # stable: in order of arrival
			for i, r in enumerate(rows):
				if not a.ended and i + max(self.after, self.lead) >= len(rows): break
				frame = rows[0 if self.before is None else max(i - self.before, 0):i + self.after + 1]
				ahead = [rows[i + self.lead][0] if i + self.lead < len(rows) else None] if self.lead else []
				out.append([r[3], r[3], r[0], sum(x[2] for x in frame), i + 1, rows[i - 1][0] if i else None] + ahead)
		return out


class Union:
	"""windows over both streams: the lower watermark judges"""

	def __init__(self, rng, name): self.name, self.window, self.close = name, Window(rng), rng.random() < 0.5

	def sql(self):
		return (f"WITH u AS (SELECT id, k, v, at FROM a UNION ALL SELECT id, k, v, at FROM b) SELECT window_start AS ws, window_end AS we, k, count(*) AS n, sum(v) AS s, max(v) AS m "
			f"FROM {self.window.call('u')} GROUP BY window_start, window_end, k" + (" EMIT ON WINDOW CLOSE" if self.close else ""))

	def rows(self, a, b):
		groups = {}
		for row, _, judge in a.rows + b.rows:
			for window in self.window.kept(row, judge): groups.setdefault(window + (row[1],), []).append(row)
		return totals({key: rows for key, rows in groups.items() if not self.close or key[1] <= min(a.watermark, b.watermark) or a.ended})


class Cascade:
	"""windows over the results of windows"""

	def __init__(self, rng, name): self.name, self.close, self.times = name, rng.random() < 0.5, rng.randint(1, 3)

	def sql(self):
		return (f"WITH i AS (SELECT window_time AS rt, k, count(*) AS n, sum(v) AS s FROM TUMBLE(a, at, {interval(3)}) GROUP BY window_start, window_end, window_time, k) "
			f"SELECT window_start AS ws, window_end AS we, sum(n) AS n, sum(s) AS s, count(*) AS g FROM TUMBLE(i, rt, {interval(3 * self.times)}) GROUP BY window_start, window_end"
			+ (" EMIT ON WINDOW CLOSE" if self.close else ""))

	def rows(self, a, b):
		groups, size = {}, 3 * self.times
		for row, judge, _ in a.rows:
			if row[3] is None: continue
			end = row[3] // 3 * 3 + 3
			if judge < end: groups.setdefault((end - 1) // size * size, []).append((row, end))
		return [[start, start + size, len(rows), sum(r[2] for r, _ in rows), len({(r[1], end) for r, end in rows})] for start, rows in groups.items()
			if not self.close or start + size <= a.watermark or a.ended]


# ---- running ----

class Weir:
	def __init__(self, program, path): self.command = [program, path, "--json"]

	def run(self, statements, kill):
		with subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
			results = []
			process.stdin.write(";\n".join(statements + ["FLUSH", "SELECT 'through' AS mark"]) + ";\n")
			process.stdin.flush()
			for line in process.stdout:
				if '"through"' in line: break
				if line.startswith("["): results.append([list(row.values()) for row in json.loads(line)])
			else: raise RuntimeError(process.stderr.read())
			if kill: process.send_signal(signal.SIGKILL)
			else: process.stdin.close()
			if process.wait() > 0: raise RuntimeError(process.stderr.read())
			return results


def values(stream, rows):
	return f"INSERT INTO {stream} VALUES " + ", ".join("(" + ", ".join("NULL" if v is None else f"'{shown(v)}'" if i == 3 else f"'{v}'" if i == 1 else str(v) for i, v in enumerate(row)) + ")" for row in rows)


def in_words(rows): return sorted((["NULL" if v is None else shown(v) if i < 2 else str(v) for i, v in enumerate(row)] for row in rows))
def in_words_of(rows): return sorted((["NULL" if v is None else str(v) for v in row] for row in rows))


def make_rounds(rng, base):
	rounds, clock, number = [], base, 0
	for _ in range(ROUNDS):
		parts = []
		for _ in range(rng.randint(1, 4)):
			rows = []
			for _ in range(rng.randint(1, 5)):
				number += 1
				clock += rng.choice([0, 0, 1, 1, 2, 5, 12])
				t = clock - rng.choice([0, 0, 0, 1, 3, 6, 15, 30])
				rows.append((number, rng.choice(["x", "x", "y", None]) if rng.random() < 0.9 else "z", rng.randint(-3, 9), None if rng.random() < 0.04 else t))
			parts.append((rng.choice("aab"), rows))
		rounds.append(parts)
	return rounds


def run_case(program, seed):
	"""What differs, or nothing"""
	rng = random.Random(seed)
	setting = SETTINGS[seed % len(SETTINGS)]
	a, b = Stream("a", rng.choice([0, 2, 5])), Stream("b", rng.choice([0, 1, 4]))
	views = [kind(rng, f"v{i}") for i, kind in enumerate(rng.choices([Aggregate, Session, Rank, Join, IntervalJoin, Over, Union, Cascade], [4, 3, 2, 3, 2, 2, 2, 2], k=8))]
	script = [f"CREATE STREAM {s.name} (id INTEGER, k TEXT, v INTEGER, at TIMESTAMP, until AS at + v * INTERVAL '1' SECOND, WATERMARK FOR at AS at - {interval(s.delay)})" for s in (a, b)]
	script += [f"CREATE MATERIALIZED VIEW {v.name} AS {v.sql()}" for v in views]
	everything, rounds = list(script), make_rounds(rng, rng.choice([0, 1000, -40, 1_700_000_000]))
	with tempfile.TemporaryDirectory(prefix="weir-windows-") as folder:
		weir = Weir(program, os.path.join(folder, "w.db"))
		for number, parts in enumerate(rounds + [None]):
			if parts is None:
				changes = ["CLOSE ALL STREAMS"]
				a.ended = b.ended = True
			else:
				changes = []
				for name, rows in parts:
					for row in rows: (a if name == "a" else b).add(row, b if name == "a" else a)
					changes += [s for row in rows for s in (values(name, [row]), "FLUSH")] if setting == "each" else [values(name, rows)]
				if setting == "transaction": changes = ["BEGIN", *changes, "COMMIT"]
			queries = [f"SELECT * FROM {v.name}" for v in views]
			everything += changes
			try: results = weir.run(script + changes + ["FLUSH"] + queries, setting == "kill")
			except RuntimeError as error: return f"{error}\n" + ";\n".join(everything)
			script = []
			for view, rows in zip(views, results):
				expected, actual = in_words(view.rows(a, b)), in_words_of(rows)
				if expected != actual:
					return (f"seed {seed}, setting {setting}, round {number}, {view.name}: {view.sql()}\n  too much {[r for r in actual if r not in expected][:4]}\n"
						f"  lacks {[r for r in expected if r not in actual][:4]}\n" + ";\n".join(everything) + ";\n" + queries[views.index(view)] + ";")
	return ""


def main():
	parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
	parser.add_argument("--weir", required=True)
	parser.add_argument("--cases", type=int, default=60)
	parser.add_argument("--seed", type=int, default=1)
	parser.add_argument("--keep", help="write what differs into this folder")
	options = parser.parse_args()
	program, wrong = os.path.realpath(options.weir), 0
	for seed in range(options.seed, options.seed + options.cases):
		difference = run_case(program, seed)
		if not difference: continue
		wrong += 1
		print(difference.split("\nCREATE")[0] if options.keep else difference)
		if options.keep:
			os.makedirs(options.keep, exist_ok=True)
			with open(os.path.join(options.keep, f"windows_{seed}.sql"), "w") as file: file.write(difference)
	print(f"{options.cases} cases, {wrong} differ")
	return int(wrong > 0)


if __name__ == "__main__":
	sys.exit(main())
