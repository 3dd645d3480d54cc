#!/usr/bin/env python3
"""The 22 queries of TPC-H as views over small tables that change: after each round each view holds what SQLite answers for its SELECT.

usage: tpch.py --weir WEIR [--seed N] [--orders N]

The first rows are there before the views, later rounds insert, update and delete; between them the file is closed, and once killed.
"""
import argparse, datetime, json, math, os, random, re, signal, sqlite3, subprocess, sys, tempfile

ROUNDS = 6
TOLERANCE = 1e-6                    # DECIMAL quotients are rounded, SQLite's REAL is not exact

TABLES = {
	"region": "r_regionkey INTEGER PRIMARY KEY, r_name TEXT",
	"nation": "n_nationkey INTEGER PRIMARY KEY, n_name TEXT, n_regionkey INTEGER",
	"supplier": "s_suppkey INTEGER PRIMARY KEY, s_name TEXT, s_address TEXT, s_nationkey INTEGER, s_phone TEXT, s_acctbal DECIMAL(12,2), s_comment TEXT",
	"customer": "c_custkey INTEGER PRIMARY KEY, c_name TEXT, c_nationkey INTEGER, c_phone TEXT, c_acctbal DECIMAL(12,2), c_mktsegment TEXT",
	"part": "p_partkey INTEGER PRIMARY KEY, p_name TEXT, p_mfgr TEXT, p_brand TEXT, p_type TEXT, p_size INTEGER, p_container TEXT",
	"partsupp": "ps_partkey INTEGER, ps_suppkey INTEGER, ps_availqty INTEGER, ps_supplycost DECIMAL(12,2), PRIMARY KEY (ps_partkey, ps_suppkey)",
	"orders": "o_orderkey INTEGER PRIMARY KEY, o_custkey INTEGER, o_orderstatus TEXT, o_orderdate DATE, o_orderpriority TEXT, o_comment TEXT",
	"lineitem": "l_orderkey INTEGER, l_partkey INTEGER, l_suppkey INTEGER, l_linenumber INTEGER, l_quantity DECIMAL(12,2), l_extendedprice DECIMAL(12,2), "
		"l_discount DECIMAL(12,2), l_tax DECIMAL(12,2), l_returnflag TEXT, l_linestatus TEXT, l_shipdate DATE, l_commitdate DATE, l_receiptdate DATE, "
		"l_shipinstruct TEXT, l_shipmode TEXT, PRIMARY KEY (l_orderkey, l_linenumber)",
}

PRICE = "l_extendedprice * (1 - l_discount)"
YEAR = "CAST(substr(CAST({} AS TEXT), 1, 4) AS INTEGER)"
QUERIES = {
	1: f"SELECT l_returnflag, l_linestatus, sum(l_quantity) AS qty, sum(l_extendedprice) AS base, sum({PRICE}) AS disc, sum({PRICE} * (1 + l_tax)) AS charge, "
		"avg(l_quantity) AS aq, avg(l_extendedprice) AS ap, avg(l_discount) AS ad, count(*) AS n FROM lineitem WHERE l_shipdate <= '1998-09-02' GROUP BY l_returnflag, l_linestatus",
	2: "SELECT s_acctbal, s_name, n_name, p_partkey, p_mfgr, s_address, s_phone FROM part, supplier, partsupp, nation, region WHERE p_partkey = ps_partkey AND s_suppkey = ps_suppkey "
		"AND p_size < 30 AND p_type LIKE '%BRASS' AND s_nationkey = n_nationkey AND n_regionkey = r_regionkey AND r_name = 'EUROPE' AND ps_supplycost = (SELECT min(ps_supplycost) "
		"FROM partsupp, supplier, nation, region WHERE p_partkey = ps_partkey AND s_suppkey = ps_suppkey AND s_nationkey = n_nationkey AND n_regionkey = r_regionkey AND r_name = 'EUROPE') "
		"ORDER BY s_acctbal DESC, n_name, s_name, p_partkey LIMIT 20",
	3: f"SELECT l_orderkey, sum({PRICE}) AS revenue, o_orderdate FROM customer, orders, lineitem WHERE c_mktsegment = 'BUILDING' AND c_custkey = o_custkey AND l_orderkey = o_orderkey "
		"AND o_orderdate < '1995-06-15' AND l_shipdate > '1995-03-15' GROUP BY l_orderkey, o_orderdate ORDER BY revenue DESC, o_orderdate, l_orderkey LIMIT 10",
	4: "SELECT o_orderpriority, count(*) AS n FROM orders WHERE o_orderdate >= '1993-07-01' AND o_orderdate < '1996-10-01' AND EXISTS (SELECT * FROM lineitem WHERE l_orderkey = o_orderkey "
		"AND l_commitdate < l_receiptdate) GROUP BY o_orderpriority",
	5: f"SELECT n_name, sum({PRICE}) AS revenue FROM customer, orders, lineitem, supplier, nation, region WHERE c_custkey = o_custkey AND l_orderkey = o_orderkey AND l_suppkey = s_suppkey "
		"AND c_nationkey = s_nationkey AND s_nationkey = n_nationkey AND n_regionkey = r_regionkey AND r_name = 'ASIA' GROUP BY n_name",
	6: "SELECT sum(l_extendedprice * l_discount) AS revenue FROM lineitem WHERE l_shipdate >= '1994-01-01' AND l_shipdate < '1996-01-01' AND l_discount BETWEEN 0.05 AND 0.07 AND l_quantity < 24",
	7: f"SELECT supp, cust, y, sum(volume) AS revenue FROM (SELECT n1.n_name AS supp, n2.n_name AS cust, {YEAR.format('l_shipdate')} AS y, {PRICE} AS volume FROM supplier, lineitem, orders, "
		"customer, nation n1, nation n2 WHERE s_suppkey = l_suppkey AND o_orderkey = l_orderkey AND c_custkey = o_custkey AND s_nationkey = n1.n_nationkey AND c_nationkey = n2.n_nationkey "
		"AND ((n1.n_name = 'N1' AND n2.n_name = 'N2') OR (n1.n_name = 'N2' AND n2.n_name = 'N1')) AND l_shipdate BETWEEN '1992-01-01' AND '1998-12-31') AS shipping GROUP BY supp, cust, y",
	8: f"SELECT y, sum(CASE WHEN nation = 'N3' THEN volume ELSE 0 END) / sum(volume) AS share FROM (SELECT {YEAR.format('o_orderdate')} AS y, {PRICE} AS volume, n2.n_name AS nation FROM part, "
		"supplier, lineitem, orders, customer, nation n1, nation n2, region WHERE p_partkey = l_partkey AND s_suppkey = l_suppkey AND l_orderkey = o_orderkey AND o_custkey = c_custkey "
		"AND c_nationkey = n1.n_nationkey AND n1.n_regionkey = r_regionkey AND r_name = 'AMERICA' AND s_nationkey = n2.n_nationkey AND p_type LIKE 'ECONOMY%') AS all_nations GROUP BY y",
	9: f"SELECT nation, y, sum(amount) AS profit FROM (SELECT n_name AS nation, {YEAR.format('o_orderdate')} AS y, {PRICE} - ps_supplycost * l_quantity AS amount FROM part, supplier, lineitem, "
		"partsupp, orders, nation WHERE s_suppkey = l_suppkey AND ps_suppkey = l_suppkey AND ps_partkey = l_partkey AND p_partkey = l_partkey AND o_orderkey = l_orderkey "
		"AND s_nationkey = n_nationkey AND p_name LIKE '%green%') AS profit GROUP BY nation, y",
	10: f"SELECT c_custkey, c_name, sum({PRICE}) AS revenue, c_acctbal, n_name FROM customer, orders, lineitem, nation WHERE c_custkey = o_custkey AND l_orderkey = o_orderkey "
		"AND o_orderdate >= '1993-10-01' AND l_returnflag = 'R' AND c_nationkey = n_nationkey GROUP BY c_custkey, c_name, c_acctbal, n_name ORDER BY revenue DESC, c_custkey LIMIT 20",
	11: "SELECT ps_partkey, sum(ps_supplycost * ps_availqty) AS v FROM partsupp, supplier, nation WHERE ps_suppkey = s_suppkey AND s_nationkey = n_nationkey AND n_name = 'N1' GROUP BY ps_partkey "
		"HAVING sum(ps_supplycost * ps_availqty) > (SELECT sum(ps_supplycost * ps_availqty) * 0.05 FROM partsupp, supplier, nation WHERE ps_suppkey = s_suppkey AND s_nationkey = n_nationkey "
		"AND n_name = 'N1')",
	12: "SELECT l_shipmode, sum(CASE WHEN o_orderpriority = '1-URGENT' OR o_orderpriority = '2-HIGH' THEN 1 ELSE 0 END) AS high, sum(CASE WHEN o_orderpriority <> '1-URGENT' "
		"AND o_orderpriority <> '2-HIGH' THEN 1 ELSE 0 END) AS low FROM orders, lineitem WHERE o_orderkey = l_orderkey AND l_shipmode IN ('MAIL', 'SHIP') AND l_commitdate < l_receiptdate "
		"AND l_shipdate < l_commitdate GROUP BY l_shipmode",
	13: "SELECT c_count, count(*) AS custdist FROM (SELECT c_custkey, count(o_orderkey) AS c_count FROM customer LEFT OUTER JOIN orders ON c_custkey = o_custkey "
		"AND o_comment NOT LIKE '%special%requests%' GROUP BY c_custkey) AS c_orders GROUP BY c_count",
	14: f"SELECT 100.00 * sum(CASE WHEN p_type LIKE 'PROMO%' THEN {PRICE} ELSE 0 END) / sum({PRICE}) AS promo FROM lineitem, part WHERE l_partkey = p_partkey AND l_shipdate >= '1993-09-01'",
	15: f"WITH revenue AS (SELECT l_suppkey AS supplier_no, sum({PRICE}) AS total FROM lineitem WHERE l_shipdate >= '1996-01-01' GROUP BY l_suppkey) SELECT s_suppkey, s_name, total FROM supplier, "
		"revenue WHERE s_suppkey = supplier_no AND total = (SELECT max(total) FROM revenue)",
	16: "SELECT p_brand, p_type, p_size, count(DISTINCT ps_suppkey) AS n FROM partsupp, part WHERE p_partkey = ps_partkey AND p_brand <> 'Brand#2' AND p_type NOT LIKE 'PROMO%' "
		"AND p_size IN (1, 4, 9, 14, 19, 23, 36, 45) AND ps_suppkey NOT IN (SELECT s_suppkey FROM supplier WHERE s_comment LIKE '%Customer%Complaints%') GROUP BY p_brand, p_type, p_size",
	17: "SELECT sum(l_extendedprice) / 7.0 AS avg_yearly FROM lineitem, part WHERE p_partkey = l_partkey AND p_brand = 'Brand#3' AND l_quantity < (SELECT 0.8 * avg(l_quantity) FROM lineitem "
		"WHERE l_partkey = p_partkey)",
	18: "SELECT c_name, c_custkey, o_orderkey, o_orderdate, sum(l_quantity) AS qty FROM customer, orders, lineitem WHERE o_orderkey IN (SELECT l_orderkey FROM lineitem GROUP BY l_orderkey "
		"HAVING sum(l_quantity) > 120) AND c_custkey = o_custkey AND o_orderkey = l_orderkey GROUP BY c_name, c_custkey, o_orderkey, o_orderdate ORDER BY qty DESC, o_orderkey LIMIT 100",
	19: f"SELECT sum({PRICE}) AS revenue FROM lineitem, part WHERE (p_partkey = l_partkey AND p_brand = 'Brand#1' AND l_quantity >= 1 AND l_quantity <= 20 AND p_size BETWEEN 1 AND 25 "
		"AND l_shipinstruct = 'DELIVER IN PERSON') OR (p_partkey = l_partkey AND p_container IN ('MED BAG', 'MED BOX') AND l_quantity >= 10 AND l_shipmode IN ('AIR', 'REG AIR'))",
	20: "SELECT s_name, s_address FROM supplier, nation WHERE s_suppkey IN (SELECT ps_suppkey FROM partsupp WHERE ps_partkey IN (SELECT p_partkey FROM part WHERE p_name LIKE 'f%') "
		"AND ps_availqty > (SELECT 0.5 * sum(l_quantity) FROM lineitem WHERE l_partkey = ps_partkey AND l_suppkey = ps_suppkey)) AND s_nationkey = n_nationkey",
	21: "SELECT s_name, count(*) AS numwait FROM supplier, lineitem l1, orders, nation WHERE s_suppkey = l1.l_suppkey AND o_orderkey = l1.l_orderkey AND o_orderstatus = 'F' "
		"AND l1.l_receiptdate > l1.l_commitdate AND EXISTS (SELECT * FROM lineitem l2 WHERE l2.l_orderkey = l1.l_orderkey AND l2.l_suppkey <> l1.l_suppkey) AND NOT EXISTS (SELECT * "
		"FROM lineitem l3 WHERE l3.l_orderkey = l1.l_orderkey AND l3.l_suppkey <> l1.l_suppkey AND l3.l_receiptdate > l3.l_commitdate) AND s_nationkey = n_nationkey "
		"GROUP BY s_name ORDER BY numwait DESC, s_name LIMIT 100",
	22: "SELECT cntrycode, count(*) AS n, sum(c_acctbal) AS bal FROM (SELECT substr(c_phone, 1, 2) AS cntrycode, c_acctbal FROM customer WHERE substr(c_phone, 1, 2) IN ('13', '31', '23', '29') "
		"AND c_acctbal > (SELECT avg(c_acctbal) FROM customer WHERE c_acctbal > 0.00 AND substr(c_phone, 1, 2) IN ('13', '31', '23', '29')) AND NOT EXISTS (SELECT * FROM orders "
		"WHERE o_custkey = c_custkey)) AS custsale GROUP BY cntrycode",
}


class Data:
	"""Rows and changes as statements that both systems take."""

	def __init__(self, rng, orders):
		self.rng, self.orders, self.next_order = rng, orders, 1
		self.suppliers, self.customers, self.parts = 12, max(orders // 2, 8), 30

	def money(self, low, high): return f"{self.rng.randint(low * 100, high * 100) / 100:.2f}"
	def date(self): return (datetime.date(1992, 1, 1) + datetime.timedelta(self.rng.randint(0, 2500))).isoformat()
	def insert(self, table, rows): return f"INSERT INTO {table} VALUES " + ", ".join("(" + ", ".join(map(self.literal, row)) + ")" for row in rows)
	def literal(self, value): return "NULL" if value is None else value if isinstance(value, str) and re.fullmatch(r"-?\d+\.\d\d", value) else "'" + value + "'" if isinstance(value, str) else str(value)
	def maybe(self, value): return None if self.rng.random() < 0.03 else value

	def first(self):
		rng = self.rng
		yield self.insert("region", [(i, name) for i, name in enumerate(("AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST"))])
		yield self.insert("nation", [(i, f"N{i}", i % 5) for i in range(10)])
		yield self.insert("supplier", [self.supplier(i) for i in range(self.suppliers)])
		yield self.insert("customer", [self.customer(i) for i in range(self.customers)])
		yield self.insert("part", [self.part(i) for i in range(self.parts)])
		yield self.insert("partsupp", [(p, s, rng.randint(1, 60), self.money(1, 9)) for p in range(self.parts) for s in rng.sample(range(self.suppliers), 3)])
		yield from self.more_orders(self.orders)

	def supplier(self, i):
		return (i, f"Supplier#{i}", f"street {i}", self.rng.randrange(10), f"{self.rng.randint(10, 34)}-1", self.money(-99, 999),
			self.rng.choice(["quiet", "some Customer may Complaints", "ironic"]))

	def customer(self, i):
		return (i, f"Customer#{i}", self.rng.randrange(10), f"{self.rng.choice([13, 31, 23, 29, 30, 18])}-2", self.maybe(self.money(-99, 999)), self.rng.choice(["BUILDING", "MACHINERY"]))

	def part(self, i):
		rng = self.rng
		return (i, rng.choice(["forest green", "frosted red", "blue green", "ghost"]), f"M{i % 3}", f"Brand#{i % 4}", rng.choice(["ECONOMY BRASS", "PROMO BRASS", "STANDARD TIN"]),
			rng.randint(1, 50), rng.choice(["MED BAG", "MED BOX", "SM CASE"]))

	def more_orders(self, count):
		rng, orders, lines = self.rng, [], []
		for _ in range(count):
			key, self.next_order = self.next_order, self.next_order + 1
			orders.append((key, rng.randrange(self.customers), rng.choice("FFO"), self.date(), rng.choice(["1-URGENT", "2-HIGH", "3-MEDIUM"]),
				self.maybe(rng.choice(["fine", "special odd requests"]))))
			for line in range(rng.randint(1, 5)):
				lines.append((key, rng.randrange(self.parts), rng.randrange(self.suppliers), line, f"{rng.randint(1, 50)}.00", self.money(10, 999), f"0.{rng.randint(0, 10):02}",
					f"0.{rng.randint(0, 8):02}", rng.choice("RAN"), rng.choice("OF"), self.date(), self.date(), self.maybe(self.date()), rng.choice(["DELIVER IN PERSON", "NONE"]),
					rng.choice(["MAIL", "SHIP", "AIR", "REG AIR"])))
		yield self.insert("orders", orders)
		yield self.insert("lineitem", lines)

	def change(self):
		rng = self.rng
		some = lambda key: f"{key} % {rng.randint(5, 11)} = {rng.randint(0, 4)}"
		yield from self.more_orders(self.orders // 5)
		yield f"DELETE FROM lineitem WHERE {some('l_orderkey')}"
		yield f"DELETE FROM orders WHERE {some('o_orderkey')}"
		yield f"UPDATE lineitem SET l_quantity = l_quantity + 1, l_extendedprice = l_extendedprice + 2.5 WHERE {some('l_partkey')}"
		yield f"UPDATE lineitem SET l_receiptdate = l_commitdate, l_suppkey = {rng.randrange(self.suppliers)} WHERE {some('l_orderkey')}"
		yield f"UPDATE orders SET o_custkey = {rng.randrange(self.customers)} WHERE {some('o_orderkey')}"
		yield f"UPDATE customer SET c_acctbal = {self.money(0, 999)}, c_nationkey = {rng.randrange(10)} WHERE {some('c_custkey')}"
		yield f"UPDATE partsupp SET ps_supplycost = {self.money(1, 9)} WHERE {some('ps_partkey')}"
		yield f"UPDATE part SET p_brand = 'Brand#{rng.randrange(4)}', p_name = 'forest' WHERE {some('p_partkey')}"
		yield f"UPDATE supplier SET s_nationkey = {rng.randrange(10)} WHERE {some('s_suppkey')}"
		yield f"DELETE FROM customer WHERE c_custkey = {rng.randrange(self.customers)}"
		yield f"DELETE FROM partsupp WHERE {some('ps_partkey * 7 + ps_suppkey')}"


def same(a, b):
	if a is None or b is None: return a is b
	if isinstance(a, (int, float)) and isinstance(b, (int, float)): return math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
	return a == b


def sort_key(row): return [(v is not None, isinstance(v, str), round(v, 4) if isinstance(v, float) else v if v is not None else 0) for v in row]


def equal(expected, rows):
	expected, rows = sorted(expected, key=sort_key), sorted(rows, key=sort_key)
	return len(expected) == len(rows) and all(len(a) == len(b) and all(map(same, a, b)) for a, b in zip(expected, rows))


class Weir:
	def __init__(self, program, path): self.command = [program, path, "--json"]

	def run(self, statements, kill=False):
		"""Results of the SELECTs; killed behind the last one if it is wanted."""
		with subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
			if not kill:
				out, err = process.communicate(";\n".join(statements) + ";\n")
				if process.returncode: raise SystemExit(f"weir ended with {process.returncode}: {err}")
				return [json.loads(line) for line in out.splitlines() if line.startswith("[")]
			process.stdin.write(";\n".join(statements) + ";\nFLUSH;\nSELECT 'through' AS mark;\n")
			process.stdin.flush()
			results = []
			for line in process.stdout:
				if '"through"' in line: break
				if line.startswith("["): results.append(json.loads(line))
			process.send_signal(signal.SIGKILL)
			return results


def main():
	parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
	parser.add_argument("--weir", required=True)
	parser.add_argument("--seed", type=int, default=1)
	parser.add_argument("--orders", type=int, default=120)
	options = parser.parse_args()
	data = Data(random.Random(options.seed), options.orders)
	reference = sqlite3.connect(":memory:")
	wrong = 0
	with tempfile.TemporaryDirectory(prefix="weir-tpch-") as folder:
		weir = Weir(os.path.realpath(options.weir), os.path.join(folder, "tpch.db"))
		definitions = [f"CREATE TABLE {name} ({columns})" for name, columns in TABLES.items()]
		for sql in definitions: reference.execute(re.sub(r"DECIMAL\(12,2\)", "REAL", sql).replace(" DATE", " TEXT"))
		views = [f"CREATE MATERIALIZED VIEW q{n} AS {query}" for n, query in QUERIES.items()]
		early, late = views[::2], views[1::2]
		for number in range(ROUNDS):
			changes = list(data.first() if number == 0 else data.change())
			for sql in changes: reference.execute(sql)
			script = [*definitions, *early, *changes, *late] if number == 0 else ["BEGIN", *changes, "COMMIT"] if number % 2 else changes
			weir.run(script, kill=number == 3)
			for (n, query), rows in zip(QUERIES.items(), weir.run([f"SELECT * FROM q{n}" for n in QUERIES])):
				expected = [list(row) for row in reference.execute(query)]
				if equal(expected, [list(row.values()) for row in rows]): continue
				wrong += 1
				print(f"seed {options.seed}, round {number}: Q{n} has {len(rows)} rows, SQLite {len(expected)}\n  weir   {sorted(map(str, [list(r.values()) for r in rows]))[:3]}\n  sqlite {sorted(map(str, expected))[:3]}")
	print(f"{len(QUERIES)} queries, {ROUNDS} rounds, {wrong} wrong")
	return int(wrong > 0)


if __name__ == "__main__":
	sys.exit(main())
