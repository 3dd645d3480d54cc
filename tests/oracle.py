#!/usr/bin/env python3
"""Random queries over random inserts, updates and deletes: each materialized view must hold what SQLite answers for the same SELECT.

usage: oracle.py --weir WEIR [--queries N] [--seconds N] [--seed N] [--keep FOLDER] [--jobs N] [--without RULE|each]

A case is a few small tables, many views over them and a handful of points at which all of them are compared. It runs at one of four settings:
a commit a statement, a transaction a round, a clean restart between rounds, kill -9 between rounds. SQLite is asked twice, the second time with indexes,
reversed scans and constants that it cannot see: where it disagrees with itself the query says too little (or SQLite is wrong), and is passed over.
A statement that Weir refuses by name (0A000) is counted and listed. A difference or a crash is printed as a script made as small as it gets.
"""
import argparse, collections, concurrent.futures, json, math, os, random, re, shutil, signal, sqlite3, subprocess, sys, tempfile, time

SETTINGS = ("statement", "transaction", "restart", "kill")
POINTS = 5
VIEWS_PER_CASE = 50
NUMBERS = "IR"
TEXTS = ["'a'", "'b'", "'ab'", "'A'", "''", "'b c'", "'é'", "'abc'"]
LIKES = ["'a%'", "'%b'", "'_'", "'%'", "'A_'", "'%b%'", "''"]


class Generator:
    """Queries as text. A type is I, R, T, D (DECIMAL), S (TIMESTAMP), B (a truth value) or F (a REAL that is not exact: shown, but never compared)."""

    def __init__(self, rng):
        self.rng = rng
        self.relations = []            # (name, [(column, type)]), in reach of FROM
        self.count = 0

    def chance(self, p):
        return self.rng.random() < p

    def name(self, prefix):
        self.count += 1
        return f"{prefix}{self.count}"

    # ---- tables and changes ----

    def table(self, i):
        types = {"k": "I", "a": "I", "b": "I", "x": "R", "s": "T", "w": "T", "d": "D", "e": "S"}
        columns = ["k"] + sorted(self.rng.sample(["a", "b", "x", "s", "w", "d", "e"], self.rng.randint(2, 4)))
        keyed = self.chance(0.5)
        sql = {"I": "INTEGER", "R": "REAL", "T": "TEXT", "D": "DECIMAL(10,2)", "S": "TIMESTAMP"}
        parts = [f"{c} {sql[types[c]]}" + (" PRIMARY KEY" if keyed and c == "k" else " NOT NULL" if self.chance(0.1) else "") for c in columns]
        notnull = {c for c, p in zip(columns, parts) if "NOT NULL" in p or "PRIMARY" in p}
        return {"name": f"t{i}", "columns": [(c, types[c]) for c in columns], "keyed": keyed, "notnull": notnull, "sql": f"CREATE TABLE t{i} ({', '.join(parts)})"}

    def constant(self, type):
        return f"«{self.plain_constant(type)}»"

    def plain_constant(self, type):
        if type in "I": return str(self.rng.choice([-2, -1, 0, 1, 1, 2, 2, 3, 4, 5]))
        if type in "RF": return str(self.rng.choice([-1.5, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.25, 3.0]))
        if type == "T": return self.rng.choice(TEXTS)
        if type == "D": return f"CAST({self.rng.choice([-1.25, -0.5, 0.0, 0.25, 1.5, 2.0, 3.75])} AS DECIMAL(10,2))"
        if type == "S": return f"TIMESTAMP '2026-01-0{self.rng.randint(1, 3)} {self.rng.choice([0, 5, 12, 23]):02}:00:0{self.rng.randint(0, 2)}'"
        return self.rng.choice(["1 = 1", "1 = 0"])

    def value(self, table, column, type):
        if column not in table["notnull"] and self.chance(0.2): return "NULL"
        if column == "k" and table["keyed"]: return str(self.rng.randint(1, 12))
        return self.constant(type)

    def change(self, table):
        rng, name, columns = self.rng, table["name"], table["columns"]
        kind = rng.random()
        if kind < 0.5:
            rows = ["(" + ", ".join(self.value(table, c, t) for c, t in columns) + ")" for _ in range(rng.randint(1, 4))]
            if not table["keyed"]: return f"INSERT INTO {name} VALUES {', '.join(rows)}"
            c = rng.choice(columns[1:])[0]
            action = "DO NOTHING" if self.chance(0.4) else f"DO UPDATE SET {c} = excluded.{c}"
            return f"INSERT INTO {name} VALUES {', '.join(rows) if self.chance(0.4) else rows[0]} ON CONFLICT (k) {action}"
        context = [(c, t) for c, t in columns]
        where = self.simple_condition(context) if self.chance(0.95) else "1 = 1"
        if table["keyed"] and kind > 0.97: return f"UPDATE {name} SET k = k + 20 WHERE k % 5 = {rng.randint(0, 4)}"
        if kind < 0.8:
            c, t = rng.choice(columns[1:] if table["keyed"] else columns)
            if t in "IR" and self.chance(0.4): return f"UPDATE {name} SET {c} = coalesce({c}, 0) % 7 + 1 WHERE {where}" if t == "I" else f"UPDATE {name} SET {c} = coalesce({c}, 0.5) WHERE {where}"
            return f"UPDATE {name} SET {c} = {self.value(table, c, t)} WHERE {where}"
        return f"DELETE FROM {name} WHERE {where} AND k % 2 = {rng.randint(0, 1)}"

    def simple_condition(self, columns):
        c, t = self.rng.choice(columns)
        if self.chance(0.15): return f"{c} IS NULL"
        return f"{c} {self.rng.choice(['=', '<', '>', '<=', '<>'])} {self.constant(t)}"

    # ---- expressions ----

    def pick(self, columns, type):
        fit = [c for c, t in columns if t == type]
        return self.rng.choice(fit) if fit else None

    def expr(self, type, columns, depth, outer=()):
        """outer: columns of enclosing queries, and whether subqueries may stand here (None: no)"""
        rng = self.rng
        if type == "B": return self.condition(columns, depth, outer)
        if outer and self.chance(0.2):
            c = self.pick(outer, type)
            if c: return c
        column = self.pick(columns, type)
        if depth <= 0 or self.chance(0.45):
            if column and self.chance(0.85): return column
            return self.constant(type) if self.chance(0.93) else f"«CAST(NULL AS {dict(I='INTEGER', R='REAL', T='TEXT', D='DECIMAL(10,2)', S='TIMESTAMP')[type]})»"
        sub = lambda t=type: self.expr(t, columns, depth - 1, outer)
        kind = rng.randint(0, 11)
        if kind == 0: return f"CASE WHEN {self.condition(columns, depth - 1, outer)} THEN {sub()} ELSE {sub()} END"
        if kind == 1: return f"CASE WHEN {self.condition(columns, depth - 1, outer)} THEN {sub()} END"
        if kind == 2: return f"coalesce({sub()}, {sub()})"
        if kind == 3: return f"nullif({sub()}, {sub()})"
        if kind == 4 and depth > 1: return self.scalar(type, columns, depth - 1, outer)
        if kind == 5:
            t = rng.choice("ITS")
            return f"CASE {sub(t)} WHEN {self.constant(t)} THEN {sub()} WHEN {self.constant(t)} THEN {sub()} ELSE {sub()} END"
        if type == "S": return f"{rng.choice(['min', 'max'])}({sub()}, {sub()})"
        if type == "D":
            return rng.choice([lambda: f"({sub()} {rng.choice('+-')} {sub()})", lambda: f"({sub()} {rng.choice('+-*')} {sub('I')})", lambda: f"abs({sub()})", lambda: f"(-{sub()})",
                lambda: f"{rng.choice(['min', 'max'])}({sub()}, {sub()})"])()
        if type == "I" and self.chance(0.06): return f"CAST(strftime('%{rng.choice('dHS')}', {sub('S')}) AS INTEGER)"
        if type == "T" and self.chance(0.06): return rng.choice([f"CAST({sub('S')} AS TEXT)", f"CAST(date({sub('S')}) AS TEXT)"])
        if type == "I":
            return rng.choice([lambda: f"({sub()} {rng.choice('+-*')} {sub()})", lambda: f"({sub()} / {self.constant('I')})", lambda: f"({sub()} % {sub()})",
                lambda: f"abs({sub()})", lambda: f"length({sub('T')})", lambda: f"(-{sub()})", lambda: f"max({sub()}, {sub()})", lambda: f"CAST({sub('R')} AS INTEGER)",
                lambda: f"iif({self.condition(columns, depth - 1, outer)}, {sub()}, {sub()})", lambda: f"instr({sub('T')}, {sub('T')})"])()
        if type == "R":
            return rng.choice([lambda: f"({sub()} {rng.choice('+-')} {sub()})", lambda: f"({sub()} * {rng.choice(['0.5', '2', '-1.0', '2.0'])})", lambda: f"({sub('I')} + {sub()})",
                lambda: f"abs({sub()})", lambda: f"CAST({sub('I')} AS REAL)", lambda: f"min({sub()}, {sub()})", lambda: f"({sub()} / 2)"])()
        return rng.choice([lambda: f"({sub()} || {sub()})", lambda: f"upper({sub()})", lambda: f"substr({sub()}, {rng.randint(1, 2)}, 2)", lambda: f"CAST({sub('I')} AS TEXT)",
            lambda: f"replace({sub()}, 'a', 'z')", lambda: f"trim({sub()})", lambda: f"lower({sub()})", lambda: f"max({sub()}, {sub()})"])()

    def condition(self, columns, depth, outer=()):
        rng = self.rng
        sub = lambda t: self.expr(t, columns, depth - 1, outer)
        kind = rng.randint(0, 17) if depth > 0 else rng.choice([0, 0, 5, 6])
        t = rng.choice("IIRTDS")
        if kind <= 4:
            u = "R" if t == "I" and self.chance(0.15) else t
            return f"{sub(t)} {rng.choice(['=', '=', '<', '>', '<=', '>=', '<>'])} {sub(u)}"
        if kind == 5: return f"{sub(t)} IS {rng.choice(['', 'NOT '])}NULL"
        if kind == 6: return f"{sub(t)} {rng.choice(['', 'NOT '])}BETWEEN {sub(t)} AND {sub(t)}"
        if kind == 7: return f"{sub('T')} {rng.choice(['', 'NOT '])}LIKE {rng.choice(LIKES)}"
        if kind == 8:
            items = [self.constant(t) for _ in range(rng.randint(1, 3))] + (["NULL"] if self.chance(0.15) else [])
            return f"{sub(t)} {rng.choice(['', 'NOT '])}IN ({', '.join(items)})"
        if kind == 9: return f"{sub(t)} IS {rng.choice(['', 'NOT '])}DISTINCT FROM {sub(t)}"
        if kind in (10, 11): return f"({self.condition(columns, depth - 1, outer)} {rng.choice(['AND', 'OR'])} {self.condition(columns, depth - 1, outer)})"
        if kind == 12: return f"NOT ({self.condition(columns, depth - 1, outer)})"
        if depth > 1 and kind in (13, 14):
            no = rng.choice(["", "", "NOT "])
            inner, _ = self.subquery(rng.choice(["I", "T", "R", "D", "S"]), columns, depth - 1, outer)
            return f"{no}EXISTS ({inner})"
        if depth > 1 and kind in (15, 16):
            inner, _ = self.subquery(t, columns, depth - 1, outer)
            return f"{sub(t)} {rng.choice(['', 'NOT '])}IN ({inner})"
        if depth > 1 and kind == 17 and self.chance(0.4):
            u = rng.choice("IT")
            inner, _ = self.subquery(t + u, columns, depth - 1, outer)
            return f"({sub(t)}, {sub(u)}) {rng.choice(['', 'NOT '])}IN ({inner})"
        c = self.pick(columns, t) or self.constant(t)
        return f"{c} {rng.choice(['=', '<', '>='])} {sub(t)}"

    def subquery(self, types, columns, depth, outer):
        """A subquery, often correlated; ([SQL], types)"""
        reach = list(columns) + list(outer) if self.chance(0.7) else []
        if self.chance(0.25): return self.query(depth - 1, reach, types)
        return self.select(depth - 1, reach, types)

    def scalar(self, type, columns, depth, outer):
        reach = list(columns) + list(outer) if self.chance(0.75) else []
        if self.chance(0.6):
            source, inner = self.source(min(depth - 1, 1), reach, 2)
            where = self.where(inner, depth - 1, reach)
            call = self.aggregate(type, inner, 1, depth)
            if self.chance(0.1) and type == "I":
                a, b = self.pick(inner, "I"), self.pick(reach, "I")
                if a and b: call = f"sum({a} + {b})" if self.chance(0.5) else f"count(CASE WHEN {a} > {b} THEN 1 END)"
            if self.chance(0.08):
                key = self.pick(inner, "I")
                if key: return f"(SELECT {call} AS c0 FROM {source}{where} GROUP BY {key} ORDER BY 1{self.direction()} LIMIT 1)"
            return f"(SELECT {call} FROM {source}{where})"
        inner, _ = self.select(depth - 1, reach, type, plain=True)
        return f"({inner} ORDER BY 1{self.direction()} LIMIT 1{self.rng.choice(['', '', ' OFFSET 1'])})"

    def direction(self):
        return self.rng.choice(["", "", " DESC", " ASC", " NULLS LAST", " DESC NULLS FIRST"])

    # ---- aggregates and windows ----

    def aggregate(self, type, columns, depth, wrap=0):
        """One aggregate of this type, sometimes within an expression"""
        rng = self.rng
        arg = lambda t: self.expr(t, columns, depth) if self.chance(0.4) else self.pick(columns, t) or self.constant(t)
        distinct = rng.choice(["", "", "", "DISTINCT "])
        filter = f" FILTER (WHERE {self.condition(columns, 1)})" if self.chance(0.15) else ""
        if type == "I":
            call = rng.choice([lambda: "count(*)", lambda: f"count({distinct}{arg(rng.choice('IRT'))})", lambda: f"sum({distinct}{arg('I')})", lambda: f"{rng.choice(['min', 'max'])}({arg('I')})"])() + filter
        elif type == "R":
            call = rng.choice([lambda: f"sum({distinct}{arg('R')})", lambda: f"{rng.choice(['min', 'max'])}({arg('R')})", lambda: f"total({distinct}{arg('I')})"])() + filter
        elif type == "D":
            call = rng.choice([lambda: f"sum({distinct}{arg('D')})", lambda: f"{rng.choice(['min', 'max'])}({arg('D')})"])() + filter
        elif type == "S":
            call = f"{rng.choice(['min', 'max'])}({arg('S')}){filter}"
        elif type == "F":
            call = f"avg({distinct}{arg(rng.choice(NUMBERS))})" + filter
        elif type == "T":
            call = f"{rng.choice(['min', 'max'])}({arg('T')}){filter}"
        else:
            call = f"{self.aggregate('I', columns, depth)} > {self.constant('I')}"
        if type == "I" and self.chance(0.08): call = f"length(group_concat({arg(rng.choice('IT'))}))" if not filter else call
        if wrap and type == "I" and self.chance(0.2): call = f"({call} + {self.constant('I')})"
        if wrap and type in "IRT" and self.chance(0.1): call = f"coalesce({call}, {self.constant(type)})"
        return call

    def window(self, type, columns):
        """OVER whose answer does not depend on the order of equal rows: by all columns where order matters"""
        rng = self.rng
        simple = [c for c, t in columns if t in "IRT" and re.fullmatch(r"[a-z0-9_.]+", c)]
        if not simple: return self.expr("R" if type == "F" else type, columns, 0)
        partition = f"PARTITION BY {', '.join(rng.sample(simple, rng.randint(1, min(2, len(simple)))))}" if self.chance(0.6) else ""
        some = rng.sample(simple, rng.randint(1, min(2, len(simple))))
        whole = some + [c for c in simple if c not in some]
        total = " ".join(filter(None, [partition, "ORDER BY " + ", ".join(c + self.direction() for c in whole)]))
        peers = " ".join(filter(None, [partition, "ORDER BY " + ", ".join(c + self.direction() for c in some)]))
        c = lambda t: self.pick([x for x in columns if x[0] in simple], t) or self.constant(t)
        offset = rng.choice(["", ", 1", ", 2"])
        bounds = rng.choice(["UNBOUNDED PRECEDING AND CURRENT ROW", "1 PRECEDING AND 1 FOLLOWING", "2 PRECEDING AND CURRENT ROW", "CURRENT ROW AND UNBOUNDED FOLLOWING",
            "UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING", "1 FOLLOWING AND 2 FOLLOWING", "2 PRECEDING AND 1 PRECEDING"])
        frame = f" ROWS BETWEEN {bounds}"
        if self.chance(0.2): frame = f" GROUPS BETWEEN {bounds}"
        if self.chance(0.1): frame += rng.choice([" EXCLUDE CURRENT ROW", " EXCLUDE TIES", " EXCLUDE GROUP", " EXCLUDE NO OTHERS"])
        calls = {"I": [f"sum({c('I')})", "count(*)", f"count({c('T')})", f"max({c('I')})", f"min({c('I')})"], "R": [f"sum({c('R')})", f"max({c('R')})", f"total({c('I')})"],
            "T": [f"max({c('T')})", f"min({c('T')})"],
            "D": [f"sum({c('D')})", f"max({c('D')})"], "S": [f"max({c('S')})", f"min({c('S')})"], "F": [f"avg({c('I')})"], "B": []}[type]
        options = [f"{call} OVER ({over})" for call in calls for over in (partition, peers)]
        number = self.pick([x for x in columns if x[0] in simple], rng.choice(NUMBERS))
        if number and self.chance(0.4):
            near = rng.choice(["1 PRECEDING AND 1 FOLLOWING", "2 PRECEDING AND CURRENT ROW", "CURRENT ROW AND 1 FOLLOWING", "1 FOLLOWING AND 3 FOLLOWING", "UNBOUNDED PRECEDING AND 1 PRECEDING"])
            spread = " ".join(filter(None, [partition, f"ORDER BY {number}{self.direction()} RANGE BETWEEN {near}"]))
            options += [f"{call} OVER ({spread})" for call in calls] * 2
        if calls and self.chance(0.2): options += [f"{call} FILTER (WHERE {self.condition([x for x in columns if x[0] in simple], 1)}) OVER ({over})" for call in calls for over in (partition, peers)]
        if type == "I": options += [f"rank() OVER ({peers})", f"dense_rank() OVER ({peers})"]
        alone = not self.ordered                       # two that break ties between equal rows need not agree
        self.ordered = alone or self.ordered
        if alone: options += [f"{call} OVER ({over})" for call in calls for over in (total + frame, total)]
        if alone and type == "I": options += [f"row_number() OVER ({total})"] * 3 + [f"ntile({rng.randint(2, 3)}) OVER ({total})"]
        if alone and type in "IRT":
            options += [f"{f}({c(type)}{offset}) OVER ({total})" for f in ("lag", "lead")] * 2
            options += [f"{f}({c(type)}) OVER ({total}{frame})" for f in ("first_value", "last_value")] + [f"nth_value({c(type)}, 2) OVER ({total}{frame})"]
        if type == "F": options += [f"percent_rank() OVER ({peers})", f"cume_dist() OVER ({peers})"]
        return rng.choice(options) if options else self.condition(columns, 1)

    # ---- FROM ----

    def relation(self, depth, outer):
        """(SQL, alias, columns)"""
        rng = self.rng
        if depth > 0 and self.chance(0.25):
            inner, types = self.query(depth - 1, outer if self.chance(0.3) else [], None)
            alias = self.name("d")
            names = self.output_names
            return f"({inner}) AS {alias}", alias, list(zip(names, types))
        name, columns = rng.choice(self.relations)
        alias = self.name("r")
        return f"{name} AS {alias}", alias, columns

    def source(self, depth, outer, most=4):
        """FROM's text and the columns in reach, qualified"""
        rng = self.rng
        text, alias, columns = self.relation(depth, outer)
        reach = [(f"{alias}.{c}", t) for c, t in columns]
        if most < 2: return text, reach
        count, commas = rng.choices([1, 2, 3, 4], [45, 38, 12, 5])[0], False
        for i in range(1, min(count, most)):
            other, name, theirs = self.relation(depth - 1, outer)
            there = [(f"{name}.{c}", t) for c, t in theirs]
            if depth > 0 and self.chance(0.1):
                third, third_name, third_columns = self.relation(0, outer)
                both = [(f"{third_name}.{c}", t) for c, t in third_columns]
                other = f"({other} {rng.choice(['JOIN', 'LEFT JOIN'])} {third} ON {self.on(there, both, 0, ())})"
                there, theirs = there + both, []
            kind = rng.choices(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN", ","], [30, 30, 10, 15, 4, 4])[0]
            if commas: kind = ","                         # to SQLite a JOIN behind one joins all before it, to us and the standard only what follows the comma
            commas |= kind == "," and count < 4
            shared = [c for c, t in theirs if (c, t) in columns] if i == 1 else []
            if kind in ("CROSS JOIN", ",") and count < 4:
                text += (f" {kind} " if kind != "," else ", ") + other
                reach += there
            elif shared and self.chance(0.2):
                natural = self.chance(0.3) and len({c for c, _ in columns} & {c for c, _ in theirs}) == len(shared)
                keys = shared if natural else rng.sample(shared, rng.randint(1, min(2, len(shared))))
                kind = kind if "JOIN" in kind and kind != "CROSS JOIN" else "JOIN"
                text += f" NATURAL {kind} {other}" if natural else f" {kind} {other} USING ({', '.join(keys)})"
                both = {f"{alias}.{c}" for c in keys} | {f"{name}.{c}" for c in keys}
                reach = [(c, t) for c, t in columns if c in keys] + [(c, t) for c, t in reach + there if c not in both]
            else:
                if kind in ("CROSS JOIN", ","): kind = "JOIN"
                text += f" {kind} {other} ON {self.on(reach, there, depth, outer)}"
                reach = reach + there
        return text, reach

    def on(self, left, right, depth, outer):
        rng = self.rng
        parts = []
        if self.chance(0.85):
            t = rng.choice("IIIT")
            a, b = self.pick(left, t), self.pick(right, t)
            if a and b: parts.append(f"{a} = {b}" if self.chance(0.85) else f"{a} {rng.choice(['<', '>=', '<>', 'IS'])} {b}")
        if not parts or self.chance(0.3): parts.append(self.condition(left + right, rng.choice([0, 1, 1, 2]) if depth > 0 else rng.choice([0, 1]), outer if self.chance(0.5) else ()))
        return " AND ".join(f"({p})" if " OR " in p else p for p in parts)

    def where(self, columns, depth, outer):
        if not self.chance(0.6 if not outer else 0.9): return ""
        parts = []
        if outer and self.chance(0.75):
            t = self.rng.choice("IIT")
            a, b = self.pick(columns, t), self.pick(outer, t)
            if a and b: parts.append(f"{a} {self.rng.choice(['=', '=', '=', '<', '<>'])} {b}")
        if not parts or self.chance(0.4): parts.append(self.condition(columns, max(depth, 1), outer))
        return " WHERE " + " AND ".join(f"({p})" if " OR " in p else p for p in parts)

    # ---- queries ----

    def types(self, top):
        return "".join(self.rng.choice("IIIRTBDS" if not top else "IIIRTTBFDS") for _ in range(self.rng.randint(1, 3 if not top else 4))).replace("B", "B" if top else "I")

    def named(self, items):
        self.output_names = [f"c{i}" for i in range(len(items))]
        return ", ".join(f"{item} AS c{i}" for i, item in enumerate(items))

    def select(self, depth, outer, types, plain=False, top=False):
        rng = self.rng
        source, columns = self.source(depth, outer)
        where = self.where(columns, depth, outer)
        kind = "plain" if plain else rng.choices(["plain", "group", "whole", "window", "distinct"], [42, 25, 8, 13 if not outer else 3, 12])[0]
        if kind == "group":
            keys = list(dict.fromkeys(self.expr(rng.choice("IIT"), columns, rng.choice([0, 0, 0, 1])) if self.chance(0.25) else rng.choice(columns)[0] for _ in range(rng.randint(1, 2))))
            known = dict(columns)
            keys = [k for k in keys if k in known and known[k] in "IRTDS"]
            grouped = [(k, known[k]) for k in keys]
            if self.chance(0.15):
                extra = self.pick(columns, "I")
                if extra: grouped.append((f"({extra} % 2)", "I"))
            if not grouped: kind = "whole"
            else:
                items = []
                for t in types:
                    own = self.pick(grouped, t) if t in "IRTDS" else None
                    if own and self.chance(0.45): items.append(own)
                    elif t == "I" and self.chance(0.06): items.append(f"rank() OVER (ORDER BY {self.aggregate('I', columns, 1)}{self.direction()})")
                    elif t != "F" and self.chance(0.08): items.append(self.expr(t, grouped, depth, outer))
                    else: items.append(self.aggregate(t, columns, 1, 1))
                having = ""
                if self.chance(0.3): having = f" HAVING {self.aggregate('I', columns, 1)} {rng.choice(['>', '<', '=', '<>'])} {self.constant('I')}"
                elif self.chance(0.12): having = f" HAVING {self.condition(grouped, depth, outer)}"
                text = f"SELECT {self.named(items)} FROM {source}{where} GROUP BY {', '.join(k for k, _ in grouped)}{having}"
                return text, types
        if kind == "whole":
            having = f" HAVING count(*) > {rng.randint(0, 3)}" if self.chance(0.15) else ""
            return f"SELECT {self.named([self.aggregate(t, columns, 1, 1) for t in types])} FROM {source}{where}{having}", types
        if kind == "window":
            self.ordered = any(t not in "IRT" for _, t in columns)
            items = [self.window(t, columns) if self.chance(0.6) else self.expr(t if t != "F" else "R", columns, 1, outer) for t in types]
        else:
            items = [self.expr(t if t != "F" else "R", columns, depth if self.chance(0.4) else 0, outer) for t in types]
        distinct = "DISTINCT " if kind == "distinct" else ""
        return f"SELECT {distinct}{self.named(items)} FROM {source}{where}", types

    def plain_part(self, depth, outer, types):
        """An arm of a set operation. SQLite 3.40 flattens arms with RIGHT or FULL JOIN wrongly, so they are left out."""
        for _ in range(6):
            text, _ = self.select(depth, outer, types)
            if "RIGHT" not in text and "FULL" not in text: return text
        return "SELECT " + self.named([self.constant(t) for t in types])

    def query(self, depth, outer, types, top=False):
        """(SQL, types); output_names afterwards are the names of its columns"""
        rng = self.rng
        if not types: types = self.types(top)
        kind = rng.choices(["select", "set", "with", "recursive", "values", "limit"], [60, 12, 10 if top else 2, 5 if top else 0, 2, 10])[0]
        if kind == "values":
            kind = "select" if "F" in types or "B" in types else kind
        if kind == "select": text, _ = self.select(depth, outer, types, top=top)
        elif kind == "values":
            rows = ", ".join("(" + ", ".join(self.constant(t) for t in types) + ")" for _ in range(rng.randint(1, 3)))
            alias = self.name("v")
            text = f"WITH {alias}({', '.join(f'c{i}' for i in range(len(types)))}) AS (VALUES {rows}) SELECT {', '.join(f'{alias}.c{i} AS c{i}' for i in range(len(types)))} FROM {alias}"
        elif kind == "set":
            types = types.replace("F", "R").replace("B", "I")
            text = self.plain_part(depth, outer, types)
            for _ in range(rng.choice([1, 1, 1, 2])): text += f" {rng.choice(['UNION', 'UNION ALL', 'UNION ALL', 'EXCEPT', 'INTERSECT'])} {self.plain_part(depth, outer, types)}"
        elif kind == "limit":
            inner, types = self.select(depth, outer, types, top=top)
            order = ", ".join(f"{i + 1}{self.direction()}" for i in rng.sample(range(len(types)), len(types)))
            text = f"{inner} ORDER BY {order} LIMIT {rng.randint(1, 5)}{rng.choice(['', '', f' OFFSET {rng.randint(1, 3)}'])}"
        else:
            text, types = self.with_query(kind, depth, outer, types, top)
        self.output_names = [f"c{i}" for i in range(len(types))]
        return text, types

    def with_query(self, kind, depth, outer, types, top):
        rng = self.rng
        before = list(self.relations)
        name = self.name("q")
        if kind == "with":
            inner, inner_types = self.query(depth - 1, [], None)
            head = f"WITH {name} AS ({inner})"
            self.relations.append((name, [(f"c{i}", t) for i, t in enumerate(inner_types)]))
        else:
            base, columns = rng.choice(before)
            numbers = [c for c, t in columns if t == "I"] or ["1"]
            start, step, to = (rng.choice(numbers) for _ in range(3))
            all_ = rng.choice([" ALL", ""])
            other = rng.choice([f"SELECT r.{step} FROM r" if False else f"SELECT {name}.n + 1, m.{to} FROM {name} JOIN {base} AS m ON m.{step} = {name}.x WHERE {name}.n < {rng.randint(1, 3)}",
                f"SELECT n + 1, x + 1 FROM {name} WHERE n < {rng.randint(1, 4)}"]) if "1" not in numbers else f"SELECT n + 1, x + 1 FROM {name} WHERE n < 3"
            head = f"WITH RECURSIVE {name}(n, x) AS (SELECT 0, {start} FROM {base} UNION{all_} {other})"
            self.relations.append((name, [("n", "I"), ("x", "I")]))
        self.relations += [self.relations[-1]] * len(before)      # likely to be read
        text, types = self.select(depth, outer, types, top=top)
        self.relations = before
        return f"{head} {text}", types


# ---- SQLite's answer ----

def bare(sql):
    """Constants stand between marks in generated text"""
    return sql.replace("«", "").replace("»", "")


def of_sqlite(sql):
    """Times are text there"""
    return bare(sql).replace("TIMESTAMP '", "'").replace("AS TIMESTAMP", "AS TEXT")


def hidden(sql):
    """The same with its constants out of the planner's sight: SQLite 3.40 makes a false constant in the ON of a join before a RIGHT JOIN empty the whole"""
    return of_sqlite(sql.replace("«", "(SELECT ").replace("»", " FROM one)"))


class Oracle:
    """Two SQLites on the same rows that plan differently"""

    def __init__(self, tables):
        self.connections = [sqlite3.connect(":memory:", isolation_level=None) for _ in range(2)]
        for c in self.connections:
            for table in tables: c.execute(table["sql"])
        other = self.connections[1]
        other.execute("CREATE TABLE one AS SELECT 1")
        other.execute("PRAGMA reverse_unordered_selects = ON")
        for table in tables:
            for column, _ in table["columns"][:2]: other.execute(f"CREATE INDEX i_{table['name']}_{column} ON {table['name']}({column})")
        self.steps = 0
        for c in self.connections: c.set_progress_handler(self.on_progress, 20000)

    def on_progress(self):
        self.steps += 1
        return self.steps > 40

    def run(self, sql):
        """False if it fails; both fail or none does"""
        self.steps = -10 ** 6
        results = []
        for c in self.connections:
            try: c.execute(of_sqlite(sql)); results.append(True)
            except sqlite3.Error: results.append(False)
        return results[0]

    def ask(self, sql):
        """The rows; None where there is no answer to compare with"""
        answers = []
        for c in self.connections:
            self.steps = 0
            try: answers.append(c.execute((hidden if answers else of_sqlite)(sql)).fetchmany(3000))
            except sqlite3.Error as e:
                self.error = str(e)
                return None
        self.error = "SQLite disagrees with itself"
        if len(answers[0]) >= 3000 or not same(answers[0], answers[1]): return None
        return answers[0]

    def define(self, view):
        for c, text in zip(self.connections, (of_sqlite(view), hidden(view))): c.execute(text)


def sort_key(row):
    return [(0, 0) if v is None else (1, round(v, 6)) if isinstance(v, (int, float)) else (2, v) for v in row]


def same_value(a, b):
    if isinstance(a, (int, float)) and isinstance(b, (int, float)): return a == b or math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
    return a == b and isinstance(a, type(b))


def same(left, right):
    if len(left) != len(right): return False
    left, right = [tuple(r) for r in left], [tuple(r) for r in right]
    if collections.Counter(left) == collections.Counter(right): return True
    return all(len(a) == len(b) and all(map(same_value, a, b)) for a, b in zip(sorted(left, key=sort_key), sorted(right, key=sort_key)))


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
        text = "".join(bare(s) + ";\n" for s in statements + ["SELECT 'end' AS mark"])
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
        import threading
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
    return [tuple(plain(v) for v in row.values()) for row in json.loads(line)]


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


class Case:
    """What runs: tables, rounds of changes, queries with the round before which their view is made"""

    without = ""        # rewrite rules that plans are made without

    def __init__(self, tables, rounds, views, setting):
        self.tables, self.rounds, self.views, self.setting = tables, rounds, views, setting    # views: [(name, sql, types, round)]

    def start(self):
        return ([f"SET rules_off = '{self.without}'"] if self.without else []) + [t["sql"] for t in self.tables]

    def script(self):
        out = self.start()
        for i, changes in enumerate(self.rounds):
            out += [create(v) for v in self.views if v[3] == i]
            out += (["BEGIN"] + changes + ["COMMIT"]) if self.setting == "transaction" and changes else changes
            out += [f"SELECT * FROM {v[0]}" for v in self.views if v[3] <= i]
            if self.setting in ("restart", "kill"): out.append(f"-- {self.setting}")
        return out


def create(view):
    return f"CREATE MATERIALIZED VIEW {view[0]} ({', '.join(f'c{i}' for i in range(len(view[2])))}) AS {view[1]}"


def run_case(weir, case, adhoc=True):
    """(problems [(view or None, what)], refused {view: message}, passed over)"""
    oracle = Oracle(case.tables)
    problems, refused, passed_over = [], {}, 0
    with tempfile.TemporaryDirectory(prefix="oracle.") as folder:
        run = Run(weir, folder)
        statements, expected, made = case.start(), {}, {}
        lines, last = [], len(case.rounds) - 1
        apart = case.setting in ("restart", "kill")
        for i, changes in enumerate(case.rounds):
            for v in case.views:
                if v[3] != i: continue
                statements.append(create(v))
                made[(i if apart else 0, len(statements))] = v[0]
                oracle.define(f"CREATE VIEW {v[0]} ({', '.join(f'c{j}' for j in range(len(v[2])))}) AS {v[1]}")
            for change in changes: oracle.run(change)
            statements += (["BEGIN"] + changes + ["COMMIT"]) if case.setting == "transaction" and changes else changes
            for v in case.views:
                if v[3] > i: continue
                rows = oracle.ask(v[1])
                if rows is None: passed_over += 1; continue
                expected[f"{v[0]}/{i}"] = rows
                statements += [f"SELECT '{v[0]}/{i}' AS mark", f"SELECT * FROM {v[0]}"]
                if adhoc and i == last:
                    expected[f"{v[0]}/adhoc"] = rows
                    statements += [f"SELECT '{v[0]}/adhoc' AS mark", v[1]]
                    made[(i if apart else 0, len(statements))] = f"{v[0]} ad hoc"
            if apart or i == last:
                lines += run.batch(statements, case.setting == "kill" and i < last)
                for line, message in refusals(run.errors).items():
                    name = made.get((i if apart else 0, line))
                    if name: refused[name] = message
                statements = []
                if run.trouble: break
        if run.trouble: return [(None, run.trouble)], refused, passed_over
        got = answers(lines)
        for mark, rows in expected.items():
            name, point = mark.split("/")
            if name in refused and point != "adhoc": continue
            if got.get(mark) is None and f"{name} ad hoc" in refused: continue
            if got.get(mark) is None:
                if any(re.search(rf"\b{r}\b", v[1]) for v in case.views if v[0] == name for r in refused): continue
                problems.append((name, f"{mark}: no answer; {run.errors[-500:]}"))
            elif not same(got[mark], rows):
                problems.append((name, f"{mark}: Weir {show(got[mark], rows)}"))
    return problems, refused, passed_over


def show(ours, theirs):
    left, right = collections.Counter(map(tuple, ours)), collections.Counter(map(tuple, theirs))
    return f"has too much {list((left - right).elements())[:6]}, lacks {list((right - left).elements())[:6]}"


# ---- making cases ----

def make_case(seed, views):
    rng = random.Random(seed)
    g = Generator(rng)
    tables = [g.table(i) for i in range(1, rng.randint(2, 4) + 1)]
    base = [(t["name"], t["columns"]) for t in tables]
    g.relations = list(base)
    oracle = Oracle(tables)
    rounds = []
    for i in range(POINTS):
        changes = []
        for t in tables:
            for _ in range(rng.randint(3, 6) if i == 0 else rng.randint(0, 3)):
                change = g.change(t)
                if i == 0 and not change.startswith("INSERT"): continue
                if oracle.run(change): changes.append(change)
        rounds.append(changes)
    made, tries = [], 0
    while len(made) < views and tries < views * 4:
        tries += 1
        try: sql, types = g.query(rng.choice([1, 2, 2, 3]), [], None, top=True)
        except RecursionError: continue
        if len(sql) > 2500 or oracle.ask(sql) is None:
            GIVEN_UP[getattr(oracle, "error", "too long")] += 1
            continue
        name = f"v{len(made)}"
        made.append((name, sql, types, rng.choice([0, 0, 1, 2])))
        clean = [(f"c{i}", t) for i, t in enumerate(types) if t in "IRT"]
        if clean and len(sql) < 500 and g.chance(0.12) and made[-1][3] == 0:
            oracle.define(f"CREATE VIEW {name} ({', '.join(f'c{i}' for i in range(len(types)))}) AS {sql}")
            g.relations.append((name, clean))
    made.sort(key=lambda v: v[3])
    return Case(tables, rounds, made, rng.choice(SETTINGS))


GIVEN_UP = collections.Counter()


# ---- making differences small ----

def tokens(sql):
    return re.findall(r"'[^']*'|[A-Za-z_][A-Za-z_0-9]*|\d+\.\d+|\d+|<>|<=|>=|\|\||\S", sql)


def fails(weir, case):
    oracle = Oracle(case.tables)
    for changes in case.rounds:
        for change in changes: oracle.run(change)
    for v in case.views:
        rows = oracle.ask(v[1])
        if rows is None: return False
        try: oracle.define(f"CREATE VIEW {v[0]} ({', '.join(f'c{j}' for j in range(len(v[2])))}) AS {v[1]}")
        except sqlite3.Error: return False
    problems, refused, _ = run_case(weir, case, adhoc=False)
    return not refused and any(p[0] in (None, case.views[-1][0]) for p in problems)


def smaller_sql(sql):
    """Shorter texts, the shortest first: without a run of tokens or with a bracket's contents gone"""
    t = tokens(sql)
    spans = []
    stack = []
    for i, token in enumerate(t):
        if token == "(": stack.append(i)
        elif token == ")" and stack: spans.append((stack.pop(), i))
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


def minimise(weir, case, name, seconds):
    """The case with what still fails"""
    end = time.time() + seconds
    view = next(v for v in case.views if v[0] == name)
    used, queue = [view], [view]
    while queue:
        text = queue.pop()[1]
        for v in case.views:
            if re.search(rf"\b{v[0]}\b", text) and v not in used: used.insert(0, v); queue.append(v)
    best = Case(case.tables, case.rounds, used, case.setting)
    if not fails(weir, best): return case, False

    def attempt(candidate):
        nonlocal best
        if time.time() < end and fails(weir, candidate):
            best = candidate
            return True
        return False

    for setting in ("statement", "transaction"):
        if best.setting != setting and attempt(Case(best.tables, best.rounds, best.views, setting)): break
    again = True
    while again and time.time() < end:
        again = False
        for i in range(len(best.rounds) - 1, 0, -1):                  # whole rounds, then statements
            if i < len(best.rounds) and attempt(Case(best.tables, best.rounds[:i], [v for v in best.views], best.setting)): again = True
        for i in range(len(best.rounds)):
            size = max(1, len(best.rounds[i]) // 2)
            while size and best.rounds[i]:
                j = 0
                while j < len(best.rounds[i]):
                    rounds = [list(r) for r in best.rounds]
                    del rounds[i][j:j + size]
                    if attempt(Case(best.tables, rounds, best.views, best.setting)): again = True
                    else: j += size
                size = size // 2
        head, last = best.views[:-1], best.views[-1]
        shorter = True
        while shorter and time.time() < end:
            shorter = False
            for t in smaller_sql(last[1]):
                text = " ".join(t)
                if len(text) >= len(last[1]) and len(tokens(last[1])) <= len(t): continue
                columns = columns_of(best, text)
                if not columns: continue
                candidate = (last[0], text, "I" * columns, last[3])
                if attempt(Case(best.tables, best.rounds, head + [candidate], best.setting)):
                    last, shorter, again = candidate, True, True
                    break
        for table in list(best.tables):
            if not re.search(rf"\b{table['name']}\b", " ".join(v[1] for v in best.views)):
                rounds = [[c for c in r if not re.search(rf"\b{table['name']}\b", c)] for r in best.rounds]
                if len(best.tables) > 1: attempt(Case([t for t in best.tables if t is not table], rounds, best.views, best.setting))
    return best, True


def columns_of(case, sql):
    oracle = Oracle(case.tables)
    try:
        for v in case.views[:-1]: oracle.define(f"CREATE VIEW {v[0]} ({', '.join(f'c{j}' for j in range(len(v[2])))}) AS {v[1]}")
        oracle.steps = 0
        return len(oracle.connections[0].execute(bare(sql)).description)
    except (sqlite3.Error, TypeError): return 0


# ---- the run ----

def report(weir, seed, case, problems, keep, seconds):
    seen = set()
    for name, what in problems:
        if name in seen: continue
        seen.add(name)
        if len(seen) > 3: print(f"   and {len(problems)} differences in all"); break
        print(f"DIFFERENCE seed {seed} setting {case.setting}: {what}", flush=True)
        small, again = (case, False) if name is None else minimise(weir, case, name, seconds)
        problem = run_case(weir, small, adhoc=False)[0] if again else []
        text = f"-- seed {seed}, setting {small.setting}; {'; '.join(str(p[1]) for p in problem[:2]) or what}\n" + "".join(bare(s) + ("" if s.startswith("--") else ";") + "\n" for s in small.script())
        print(text if again or keep is None else f"   (not alone; kept whole)", flush=True)
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
    settings = collections.Counter()
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
            for name, message in no.items():
                key = ("ad hoc: " if " " in name else "") + re.sub(r'"[^"]*"', '"..."', message)
                refused[key] += 1
                example.setdefault(key, f"{seed} {next(v[1] for v in case.views if v[0] == name.split()[0])[:300]}")
            if problems:
                differences += len({p[0] for p in problems})
                report(weir, seed, case, problems, args.keep, args.shrink)
    print(f"{queries} queries at {POINTS} points in {time.time() - started:.0f} s ({', '.join(f'{n} {s}' for s, n in settings.items())}), "
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
