"""Random queries as text in Weir's SQL. What SQLite writes otherwise stands between marks: see oracle_sqlite.py."""
import random, re

SQL_TYPES = {"I": "INTEGER", "R": "REAL", "T": "TEXT", "D": "DECIMAL(10,2)", "S": "TIMESTAMP", "B": "BOOLEAN", "Y": "DATE"}
NUMBERS = "IR"
TEXTS = ["'a'", "'b'", "'ab'", "'A'", "''", "'b c'", "'é'", "'abc'", "'abcdefghijklmnop'", "'abcdefghijklmnoq'"]
GLOBS = ["'a*'", "'*b'", "'?'", "'[a-b]*'", "'*'"]
LIKES = ["'a%'", "'%b'", "'_'", "'%'", "'A_'", "'%b%'", "''"]


class Generator:
    """Queries as text. A type is I, R, T, D (DECIMAL), S (TIMESTAMP), Y (DATE), B (a truth value) or F (a REAL that is not exact: shown, but never compared)."""

    def __init__(self, rng):
        self.rng = rng
        self.relations = []            # (name, [(column, type)]), in reach of FROM
        self.tables = set()            # names of those that have a rowid in SQLite
        self.keyed = {"none"}          # names of those whose k is their key
        self.count = self.nested = 0
        self.correlated = False        # a relation of this FROM reads enclosing queries

    def chance(self, p):
        return self.rng.random() < p

    def name(self, prefix):
        self.count += 1
        return f"{prefix}{self.count}"

    # ---- expressions ----

    def constant(self, type):
        return f"«{self.plain_constant(type)}»"

    def plain_constant(self, type):
        if type in "I": return str(self.rng.choice([-2, -1, 0, 1, 1, 2, 2, 3, 4, 5]))
        if type in "RF": return str(self.rng.choice([-1.5, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.25, 3.0]))
        if type == "T": return self.rng.choice(TEXTS)
        if type == "D": return f"CAST({self.rng.choice([-1.25, -0.5, 0.0, 0.25, 1.5, 2.0, 3.75])} AS DECIMAL(10,2))"
        if type == "S": return f"TIMESTAMP '2026-01-0{self.rng.randint(1, 3)} {self.rng.choice([0, 5, 12, 23]):02}:00:0{self.rng.randint(0, 2)}'"
        if type == "Y": return f"DATE '2026-01-0{self.rng.randint(1, 3)}'"
        return self.rng.choice(["TRUE", "FALSE", "1 = 1", "1 = 0"])

    def pick(self, columns, type):
        fit = [c for c, t in columns if t == type]
        return self.rng.choice(fit) if fit else None

    def expr(self, type, columns, depth, outer=()):
        """outer: columns of enclosing queries, and whether subqueries may stand here (None: no)"""
        rng = self.rng
        if type == "B": return self.pick(columns, "B") if self.pick(columns, "B") and self.chance(0.4) else self.condition(columns, depth, outer)
        if outer and self.chance(0.2):
            c = self.pick(outer, type)
            if c: return c
        column = self.pick(columns, type)
        if depth <= 0 or self.chance(0.45):
            if column and self.chance(0.85): return column
            return self.constant(type) if self.chance(0.93) else f"«CAST(NULL AS {SQL_TYPES[type]})»"
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
        if type == "S": return f"{rng.choice(['min', 'max'])}({sub()}, {sub()})" if self.chance(0.5) else f"⟦shift⁞{sub()}⁞{rng.choice(['-1', '3', '90'])}⁞{rng.choice(['minutes', 'hours', 'days'])}⟧"
        if type == "Y": return f"⟦day⁞{sub('S')}⟧" if self.chance(0.5) else f"{rng.choice(['min', 'max'])}({sub()}, {sub()})"
        if type == "D":
            return rng.choice([lambda: f"({sub()} {rng.choice('+-')} {sub()})", lambda: f"({sub()} {rng.choice('+-*')} {sub('I')})", lambda: f"abs({sub()})", lambda: f"(- {sub()})",
                lambda: f"{rng.choice(['min', 'max'])}({sub()}, {sub()})"])()
        if type == "I" and self.chance(0.06): return f"CAST(strftime('%{rng.choice('dHS')}', {sub('S')}) AS INTEGER)"
        if type == "T" and self.chance(0.06): return rng.choice([f"CAST({sub('S')} AS TEXT)", f"CAST(date({sub('S')}) AS TEXT)"])
        if type == "I":
            return rng.choice([lambda: f"({sub()} {rng.choice('+-*')} {sub()})", lambda: f"({sub()} / {self.constant('I')})", lambda: f"({sub()} % {sub()})",
                lambda: f"abs({sub()})", lambda: f"length({sub('T')})", lambda: f"(- {sub()})", lambda: f"max({sub()}, {sub()})", lambda: f"CAST({sub('R')} AS INTEGER)",
                lambda: f"iif({self.condition(columns, depth - 1, outer)}, {sub()}, {sub()})", lambda: f"instr({sub('T')}, {sub('T')})", lambda: f"({sub()} {rng.choice('&|')} {sub()})",
                lambda: f"CAST({sub('T')} AS INTEGER)", lambda: f"CAST(round({sub('R')}) AS INTEGER)", lambda: f"sign({sub()})"])()
        if type == "R":
            return rng.choice([lambda: f"({sub()} {rng.choice('+-')} {sub()})", lambda: f"({sub()} * {rng.choice(['0.5', '2', '-1.0', '2.0'])})", lambda: f"({sub('I')} + {sub()})",
                lambda: f"abs({sub()})", lambda: f"CAST({sub('I')} AS REAL)", lambda: f"min({sub()}, {sub()})", lambda: f"({sub()} / 2)", lambda: f"round({sub()}, 1)"])()
        return rng.choice([lambda: f"({sub()} || {sub()})", lambda: f"upper({sub()})", lambda: f"substr({sub()}, {rng.randint(1, 2)}, 2)", lambda: f"CAST({sub('I')} AS TEXT)",
            lambda: f"replace({sub()}, 'a', 'z')", lambda: f"trim({sub()})", lambda: f"lower({sub()})", lambda: f"max({sub()}, {sub()})",
            lambda: f"ltrim({sub()}, 'a')", lambda: f"substr({sub()}, -2)", lambda: f"hex({sub()})", lambda: f"({sub()} || {sub('I')})"])()

    def condition(self, columns, depth, outer=()):
        rng = self.rng
        sub = lambda t: self.expr(t, columns, depth - 1, outer)
        kind = rng.randint(0, 22) if depth > 0 else rng.choice([0, 0, 5, 6])
        t = rng.choice("IIIRTTDSY")
        truth = self.pick(columns, "B")
        if truth and self.chance(0.15):
            return rng.choice([truth, f"NOT {truth}", f"{truth} IS {rng.choice(['TRUE', 'FALSE', 'NOT TRUE', 'NOT FALSE', 'NULL'])}", f"{truth} {rng.choice(['=', '<>'])} {self.constant('B')}"])
        if kind <= 4:
            u = self.rng.choice("IRD") if t in "IRD" and self.chance(0.15) else t
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
        if kind == 18: return self.row_values(columns, depth, outer)
        if kind == 19 and t == "T": return f"⟦nocase⁞{sub('T')}⁞{rng.choice(['=', '<', '>=', '<>', 'IN'])}⁞{sub('T')}⟧"
        if kind == 19: return f"({self.condition(columns, depth - 1, outer)}) IS {rng.choice(['', 'NOT '])}{rng.choice(['TRUE', 'FALSE'])}"
        if kind == 20 and t == "T": return f"{sub('T')} {rng.choice(['', 'NOT '])}GLOB {rng.choice(GLOBS)}"
        if depth > 1 and kind in (20, 21):
            inner, _ = self.subquery(t, columns, depth - 1, outer)
            return f"⟦{rng.choice(['any', 'all'])}⁞{sub(t)}⁞{rng.choice(['=', '<', '>', '<=', '>=', '<>'])}⁞{inner}⟧"
        if kind == 22 and t == "D": return f"({self.condition(columns, depth - 1, outer)}) {rng.choice(['=', '<>', '<', 'IS'])} ({self.condition(columns, depth - 1, outer)})"
        if depth > 1 and kind in (13, 14):
            no = rng.choice(["", "", "NOT "])
            inner, _ = self.subquery(rng.choice(["I", "T", "R", "D", "S", "B", "Y"]), columns, depth - 1, outer)
            return f"{no}EXISTS ({inner})"
        if depth > 1 and kind in (15, 16):
            inner, _ = self.subquery(rng.choice("IRD") if t in "IRD" and self.chance(0.15) else t, columns, depth - 1, outer)
            return f"{sub(t)} {rng.choice(['', 'NOT '])}IN ({inner})"
        if depth > 1 and kind == 17 and self.chance(0.4):
            u = rng.choice("IT")
            inner, _ = self.subquery(t + u, columns, depth - 1, outer)
            return f"({sub(t)}, {sub(u)}) {rng.choice(['', 'NOT '])}IN ({inner})"
        c = self.pick(columns, t) or self.constant(t)
        return f"{c} {rng.choice(['=', '<', '>='])} {sub(t)}"

    def row_values(self, columns, depth, outer):
        types = [self.rng.choice("IIRTDSY") for _ in range(self.rng.choice([2, 2, 3]))]
        left, right = (", ".join(self.expr(t, columns, depth - 1, outer) for t in types) for _ in range(2))
        return f"({left}) {self.rng.choice(['=', '<', '>', '<=', '>=', '<>'])} ({right})"

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
        if self.chance(0.05) and self.nested < 2: depth = 2
        self.nested += 1
        call = self.one_aggregate(type, columns, depth)
        self.nested -= 1
        if wrap and type == "I" and self.chance(0.2): call = f"({call} + {self.constant('I')})"
        if wrap and type in "IRT" and self.chance(0.1): call = f"coalesce({call}, {self.constant(type)})"
        return call

    def one_aggregate(self, type, columns, depth):
        rng = self.rng
        arg = lambda t: self.expr(t, columns, depth) if self.chance(0.4 if depth < 2 else 0.8) else self.pick(columns, t) or self.constant(t)
        distinct = rng.choice(["", "", "", "DISTINCT "])
        filter = f" FILTER (WHERE {self.condition(columns, 1)})" if self.chance(0.15) else ""
        if type == "I":
            call = rng.choice([lambda: "count(*)", lambda: f"count({distinct}{arg(rng.choice('IRTDSYB'))})", lambda: f"sum({distinct}{arg('I')})", lambda: f"{rng.choice(['min', 'max'])}({arg('I')})"])() + filter
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
        elif type == "Y":
            call = f"{rng.choice(['min', 'max'])}({arg('Y')}){filter}"
        elif self.chance(0.4):
            call = f"⟦call⁞{rng.choice(['bool_or⁞max', 'bool_and⁞min'])}⁞{self.expr('B', columns, depth)}⟧" + filter
        else:
            call = f"{self.aggregate('I', columns, depth)} > {self.constant('I')}"
        if type == "I" and self.chance(0.08): call = f"length(group_concat({arg(rng.choice('IT'))}))" if not filter else call
        return call

    def window(self, type, columns):
        """OVER whose answer does not depend on the order of equal rows: by all columns where order matters"""
        rng = self.rng
        simple = [c for c, t in columns if t != "F" and re.fullmatch(r"[a-z0-9_.]+", c)]
        if not simple: return self.expr("R" if type == "F" else type, columns, 0)
        partition = f"PARTITION BY {', '.join(rng.sample(simple, rng.randint(1, min(2, len(simple)))))}" if self.chance(0.6) else ""
        some = rng.sample(simple, rng.randint(1, min(2, len(simple))))
        whole = some + [c for c in simple if c not in some]
        total = " ".join(filter(None, [partition, "ORDER BY " + ", ".join(c + self.direction() for c in whole)]))
        peers = " ".join(filter(None, [partition, "ORDER BY " + ", ".join(c + self.direction() for c in some)]))
        c = lambda t: self.pick([x for x in columns if x[0] in simple], t) or self.constant(t)
        offset = rng.choice(["", ", 1", ", 2"]) if self.chance(0.8) else f", 1, {self.constant(type)}"
        bounds = rng.choice(["UNBOUNDED PRECEDING AND CURRENT ROW", "1 PRECEDING AND 1 FOLLOWING", "2 PRECEDING AND CURRENT ROW", "CURRENT ROW AND UNBOUNDED FOLLOWING",
            "UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING", "1 FOLLOWING AND 2 FOLLOWING", "2 PRECEDING AND 1 PRECEDING"])
        frame = f" ROWS BETWEEN {bounds}"
        if self.chance(0.2): frame = f" GROUPS BETWEEN {bounds}"
        if self.chance(0.1): frame += rng.choice([" EXCLUDE CURRENT ROW", " EXCLUDE TIES", " EXCLUDE GROUP", " EXCLUDE NO OTHERS"])
        calls = {"I": [f"sum({c('I')})", "count(*)", f"count({c('T')})", f"max({c('I')})", f"min({c('I')})"], "R": [f"sum({c('R')})", f"max({c('R')})", f"total({c('I')})"],
            "T": [f"max({c('T')})", f"min({c('T')})"],
            "D": [f"sum({c('D')})", f"max({c('D')})"], "S": [f"max({c('S')})", f"min({c('S')})"], "Y": [f"max({c('Y')})", f"min({c('Y')})"], "F": [f"avg({c('I')})"], "B": []}[type]
        options = [f"{call} OVER ({over})" for call in calls for over in (partition, peers)]
        number = self.pick([x for x in columns if x[0] in simple], rng.choice("IIRRD"))
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
        if alone and type in "IRTDSY":
            options += [f"{f}({c(type)}{offset}) OVER ({total})" for f in ("lag", "lead")] * 2
            options += [f"{f}({c(type)}) OVER ({total}{frame})" for f in ("first_value", "last_value")] + [f"nth_value({c(type)}, 2) OVER ({total}{frame})"]
        if type == "F": options += [f"percent_rank() OVER ({peers})", f"cume_dist() OVER ({peers})"]
        return rng.choice(options) if options else self.condition(columns, 1)

    def window_of_groups(self, columns, keys):
        order = "ORDER BY " + ", ".join(k + self.direction() for k in self.rng.sample(keys, len(keys)))
        partition = self.rng.choice(["", f"PARTITION BY {self.rng.choice(keys)} "])
        call = self.aggregate("I", columns, 1)
        return self.rng.choice([f"sum({call}) OVER ({partition})", f"max({call}) OVER ({partition}{order})", f"lag({call}) OVER ({partition}{order})", f"row_number() OVER ({partition}{order})",
            f"dense_rank() OVER ({partition}ORDER BY {call})"])

    # ---- FROM ----

    def relation(self, depth, outer):
        """(SQL, alias, columns)"""
        rng = self.rng
        if depth > 0 and self.chance(0.25):
            inner, types = self.query(depth - 1, outer if self.chance(0.3) else [], None)
            alias = self.name("d")
            names = self.output_names
            self.correlated = self.correlated or any(re.search(rf"\b{re.escape(c)}\b", inner) for c, _ in outer)
            return f"({inner}) AS {alias}", alias, list(zip(names, types))
        if self.chance(0.03):
            types = self.types(False)
            alias = self.name("u")
            return f"(VALUES {self.values(types)}) AS {alias}", alias, [(f"column{i + 1}", t) for i, t in enumerate(types)]
        name, columns = rng.choice(self.relations)
        alias = self.name("r")
        return f"{name} AS {alias}", alias, columns

    def source(self, depth, outer, most=4):
        """FROM's text and the columns in reach, qualified"""
        rng = self.rng
        self.correlated = False
        text, alias, columns = self.relation(depth, outer)
        correlated = self.correlated
        reach = [(f"{alias}.{c}", t) for c, t in columns]
        if most < 2: return text, reach
        count, commas = rng.choices([1, 2, 3, 4], [45, 38, 12, 5])[0], False
        base = text.split(" AS ")[0]
        for i in range(1, min(count, most)):
            if i == 1 and base in self.tables and depth > 0 and self.chance(0.12):
                lateral, there = self.lateral(base, alias, reach, depth, outer)
                text, reach = f"{text} {lateral}", reach + there
                continue
            self.correlated = False
            other, name, theirs = self.relation(depth - 1, outer)
            correlated |= self.correlated
            there = [(f"{name}.{c}", t) for c, t in theirs]
            if depth > 0 and self.chance(0.1):
                third, third_name, third_columns = self.relation(0, outer)
                both = [(f"{third_name}.{c}", t) for c, t in third_columns]
                other = f"({other} {rng.choice(['JOIN', 'LEFT JOIN'])} {third} ON {self.on(there, both, 0, ())})"
                there, theirs = there + both, []
            kind = rng.choices(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN", ","], [30, 30, 10, 15, 4, 4])[0]
            if correlated and kind in ("RIGHT JOIN", "FULL JOIN"): kind = "LEFT JOIN"        # SQLite 3.40 flattens it, and an enclosing query's column is no NULL where the join makes one
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

    def inner_source(self, depth, outer, most=2):
        """Without RIGHT and FULL JOIN, where SQLite 3.40 cannot join anything to its left, flatten it or move it about"""
        for _ in range(6):
            text, columns = self.source(depth, outer, most)
            if not re.search("RIGHT|FULL|⟦lateral", text): return text, columns
        name, columns = self.rng.choice(self.relations)
        alias = self.name("r")
        return f"{name} AS {alias}", [(f"{alias}.{c}", t) for c, t in columns]

    def lateral(self, table, left, reach, depth, outer):
        """A lateral subquery behind a table"""
        rng, alias = self.rng, self.name("l")
        source, inner = self.inner_source(depth - 1, ())
        rest = rng.choice(["", "WHOLE", "WHOLE", "BY", "TOP", "TOP"])
        types = [rng.choice("IIRTDSY") for _ in range(rng.randint(1, 2))]
        where = self.where(inner, depth - 1, reach)[7:] or "1 = 1"
        if rest == "WHOLE": items = [self.aggregate(t, inner, 1) for t in types]
        elif rest == "BY":
            key, types[0] = rng.choice(inner)
            rest = f"BY {key}"
            items = [key] + [self.aggregate(t, inner, 1) for t in types[1:]]
        else:
            items = [self.expr(t, inner, 1, reach) for t in types]
            if rest == "TOP": rest = f"TOP {', '.join(f'c{i}' + self.direction() for i in rng.sample(range(len(types)), len(types)))}¦{rng.randint(1, 2)}"
        there = [(f"{alias}.c{i}", t) for i, t in enumerate(types)]
        kind = rng.choice(["CROSS JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN"])
        on = "" if kind == "CROSS JOIN" else self.on(reach, there, 0, ()) if self.chance(0.5) else "1 = 1"
        return "⟦lateral⁞" + "⁞".join([kind, left, table, alias, "¦".join(items), source, where, rest, on]) + "⟧", there

    def on(self, left, right, depth, outer):
        rng = self.rng
        parts = []
        if self.chance(0.85):
            t, u = rng.choice(["II"] * 5 + ["TT", "TT", "IR", "DI", "RD", "SS", "YY", "BB", "DD"])
            a, b = self.pick(left, t), self.pick(right, u)
            if a and b: parts.append(f"{a} = {b}" if self.chance(0.85) else f"{a} {rng.choice(['<', '>=', '<>', 'IS'])} {b}")
        a, b = self.pick(left, "S"), self.pick(right, "S")
        if a and b and self.chance(0.25):                                  # by time: an interval join where both are event times
            if self.chance(0.5): a, b = b, a
            bounds = [f"⟦shift⁞{a}⁞{n}⁞{rng.choice(['minutes', 'hours'])}⟧" for n in rng.choice([(-30, 30), (0, 12), (-7, 0), (-1, 90)])]
            parts.append(f"{b} BETWEEN {bounds[0]} AND {bounds[1]}" if self.chance(0.7) else f"{b} {rng.choice(['>=', '>'])} {bounds[0]} AND {b} {rng.choice(['<=', '<'])} {a}")
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
        return "".join(self.rng.choice("IIIIRTTBDSY" if not top else "IIIIRTTTBFDSY") for _ in range(self.rng.randint(1, 3 if not top else 4)))

    def values(self, types):
        return ", ".join("(" + ", ".join(self.constant(t) for t in types) + ")" for _ in range(self.rng.randint(1, 3)))

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
            keys = [k for k in keys if k in known and known[k] in "IRTDSYB"]
            grouped = [(k, known[k]) for k in keys]
            if self.chance(0.15):
                extra = self.pick(columns, "I")
                if extra: grouped.append((f"({extra} % 2)", "I"))
            if self.chance(0.03): grouped.append((self.scalar("I", columns, 2, ()), "I"))
            by = len(grouped)
            keyed = re.fullmatch(r"(r\d+)\.k", grouped[0][0]) if grouped else None
            if keyed and re.search(rf"\b({'|'.join(self.keyed)}) AS {keyed[1]}\b", source) and self.chance(0.4):              # what follows from a key
                grouped += [(c, t) for c, t in columns if c.startswith(keyed[1] + ".") and c != grouped[0][0]]
            if not grouped: kind = "whole"
            else:
                items = []
                for t in types:
                    own = self.pick(grouped, t) if t in "IRTDSYB" else None
                    if own and self.chance(0.45): items.append(own)
                    elif t == "I" and self.chance(0.06): items.append(f"rank() OVER (ORDER BY {self.aggregate('I', columns, 1)}{self.direction()})")
                    elif t == "I" and self.chance(0.08): items.append(self.window_of_groups(columns, [k for k, _ in grouped]))
                    elif t != "F" and self.chance(0.08): items.append(self.expr(t, grouped, depth, outer))
                    else: items.append(self.aggregate(t, columns, 1, 1))
                having = ""
                if self.chance(0.3): having = f" HAVING {self.aggregate('I', columns, 1)} {rng.choice(['>', '<', '=', '<>'])} {self.constant('I')}"
                elif self.chance(0.12): having = f" HAVING {self.condition(grouped, depth, outer)}"
                keys = [str(items.index(k) + 1) if k in items and self.chance(0.15) else k for k, _ in grouped[:by]]
                return self.plainer(f"SELECT {self.named(items)} FROM {source}{where} GROUP BY {', '.join(keys)}{having}", source), types
        if kind == "whole":
            having = f" HAVING count(*) > {rng.randint(0, 3)}" if self.chance(0.15) else ""
            return f"SELECT {self.named([self.aggregate(t, columns, 1, 1) for t in types])} FROM {source}{where}{having}", types
        if kind == "window":
            self.ordered = any(t == "F" for _, t in columns)
            items = [self.window(t, columns) if self.chance(0.6) else self.expr(t if t != "F" else "R", columns, 1, outer) for t in types]
        else:
            items = [self.expr(t if t != "F" else "R", columns, depth if self.chance(0.4) else 0, outer) for t in types]
        distinct = "DISTINCT " if kind == "distinct" else ""
        return self.plainer(f"SELECT {distinct}{self.named(items)} FROM {source}{where}", source), types

    def plainer(self, text, source):
        """Sometimes without the names of tables, with a window by name"""
        single = re.fullmatch(r"(t\d+) AS (r\d+)", source)
        if single and text.count("SELECT") == 1 and "⟦" not in text and self.chance(0.3):
            text = text.replace(f"{single[2]}.", f"{single[1]}." if self.chance(0.3) else "").replace(source, single[1])
        over = re.search(r"OVER \(([^()]*)\)", text)
        if over and text.count("SELECT") == 1 and "⟦" not in text and "GROUP BY" not in text and self.chance(0.3): text = text.replace(over[0], "OVER w_") + f" WINDOW w_ AS ({over[1]})"
        return text

    def star(self, depth):
        """SELECT *, also with columns of one name"""
        source, columns = self.source(depth, [], 2)
        if re.search("USING|NATURAL|⟦lateral", source): return self.select(depth, [], self.types(True), top=True)
        names = list(dict.fromkeys(c.split(".")[0] for c, _ in columns))
        what = "*" if self.chance(0.5) else ", ".join(f"{n}.*" for n in names)
        return f"SELECT {what} FROM {source}{self.where(columns, depth, [])}", "".join(t for _, t in columns)

    def plain_part(self, depth, outer, types):
        """An arm of a set operation. SQLite 3.40 flattens arms with RIGHT or FULL JOIN wrongly, so they are left out."""
        for _ in range(6):
            text, _ = self.select(depth, outer, types)
            if "RIGHT" not in text and "FULL" not in text: return text
        return "SELECT " + self.named([self.constant(t) for t in types])

    def query(self, depth, outer, types, top=False):
        """(SQL, types); output_names afterwards are the names of its columns"""
        rng = self.rng
        asked = bool(types)
        if not asked: types = self.types(top)
        kind = rng.choices(["select", "set", "with", "recursive", "values", "limit", "special"], [60, 12, 10 if top else 2, 5 if top else 0, 2, 10, 14])[0]
        if kind == "values" and "F" in types: kind = "select"
        if top and not asked and self.chance(0.03): return self.star(depth)
        if kind == "select": text, _ = self.select(depth, outer, types, top=top)
        elif kind == "values":
            alias = self.name("u")
            text = f"WITH {alias}({', '.join(f'c{i}' for i in range(len(types)))}) AS (VALUES {self.values(types)}) SELECT {', '.join(f'{alias}.c{i} AS c{i}' for i in range(len(types)))} FROM {alias}"
        elif kind == "set":
            types = types.replace("F", "R").replace("B", "I") if not asked else types
            text = self.plain_part(depth, outer, types)
            if self.chance(0.25):
                text = f"⟦every⁞{rng.choice(['EXCEPT', 'INTERSECT'])}⁞{len(types)}⁞{text}⁞{self.plain_part(depth, outer, types)}⟧"
            else:
                for _ in range(rng.choice([1, 1, 1, 2])): text += f" {rng.choice(['UNION', 'UNION ALL', 'UNION ALL', 'EXCEPT', 'INTERSECT'])} {self.plain_part(depth, outer, types)}"
        elif kind == "limit":
            inner, types = self.select(depth, outer, types, top=top)
            order = ", ".join(f"{i + 1}{self.direction()}" for i in rng.sample(range(len(types)), len(types)))
            text = f"{inner} ORDER BY {order} LIMIT {rng.choice([0, 1, 1, 2, 3, 4, 5, 8])}{rng.choice(['', '', f' OFFSET {rng.randint(1, 3)}'])}"
        elif kind == "special": text, types = self.special(depth, outer, types)
        else: text, types = self.with_query(kind, depth, outer, types, top)
        self.output_names = [f"c{i}" for i in range(len(types))]
        return text, types

    # ---- what SQLite writes otherwise ----

    def special(self, depth, outer, types):
        rng = self.rng
        kind = rng.choice(["sets", "sets", "qualify", "qualify", "distinct_on", "ordered"])
        if kind == "ordered" and set(types) - {"T"}: kind = "sets"
        types = types.replace("F", "R")
        source, columns = self.inner_source(depth, outer, 3)
        source += self.where(columns, depth, outer)
        if kind == "sets": return self.grouping_sets(source, columns, types), types
        simple = [c for c, t in columns if re.fullmatch(r"[a-z0-9_.]+", c)]
        if not simple: return self.select(depth, outer, types)
        if kind == "ordered": return self.ordered_aggregates(source, columns, simple, types), types
        items = [self.expr(t, columns, 1, outer) for t in types]
        if kind == "qualify":
            self.ordered = False
            window, test = self.window("I", columns), f"{rng.choice(['=', '<=', '>', '<>', 'IN'])} {self.constant('I')}"
            if "OVER" in window: return f"⟦qualify⁞{'¦'.join(items)}⁞{source}⁞{window}⁞{test.replace('IN ', 'IN (1, ') + ')' if 'IN' in test else test}⟧", types
        keys = rng.sample(simple, 1 if self.chance(0.7) else min(2, len(simple)))
        order = ", ".join(c + self.direction() for c in keys + rng.sample([c for c in simple if c not in keys], len(simple) - len(keys)))
        return f"⟦distinct_on⁞{', '.join(keys)}⁞{order}⁞{'¦'.join(items)}⁞{source}⟧", types

    def grouping_sets(self, source, columns, types):
        rng = self.rng
        some = rng.sample(columns, min(len(columns), rng.randint(1, 3)))
        keys = [c for c, _ in some]
        inside = "".join(map(str, range(len(keys))))
        how = rng.choice(["ROLLUP", "CUBE", "SETS"] + (["PREFIX"] if len(keys) > 1 else []))
        sets = {"ROLLUP": [inside[:n] for n in range(len(keys), -1, -1)], "PREFIX": [inside[:n] for n in range(len(keys), 0, -1)],
            "CUBE": ["".join(k for k in inside if int(k) in chosen) for chosen in ([i for i in range(len(keys)) if mask >> i & 1] for mask in range(1 << len(keys)))],
            "SETS": ["".join(sorted(rng.sample(inside, rng.randint(0, len(keys))))) for _ in range(rng.randint(1, 3))]}[how]
        if set(inside) - set("".join(sets)): sets.append(inside)
        items = []
        for t in types:
            own = [i for i, (_, u) in enumerate(some) if u == t]
            if own and self.chance(0.6): items.append(f"‹{rng.choice(own)}›" if self.chance(0.8) else f"coalesce(‹{rng.choice(own)}›, {self.constant(t)})")
            elif t == "I" and self.chance(0.2): items.append(f"‹g{rng.choice(inside)}›")
            else: items.append(self.aggregate(t, columns, 1, 1))
        having = f" HAVING {self.aggregate('I', columns, 1)} {rng.choice(['>', '<', '<>'])} {self.constant('I')}" if self.chance(0.2) else f" HAVING ‹g0› = {rng.randint(0, 1)}" if self.chance(0.1) else ""
        return f"⟦sets⁞{how}⁞{','.join(sets)}⁞{'¦'.join(keys)}⁞{'¦'.join(items)}⁞{source}⁞{having}⟧"

    def ordered_aggregates(self, source, columns, simple, types):
        """All are texts: keys, and lists in an order that ties cannot change"""
        rng = self.rng
        key = self.pick([c for c in columns if c[0] in simple], "T") if len(types) > 1 else None
        calls = []
        for _ in types[1:] if key else types:
            order = ", ".join(c + self.direction() for c in rng.sample(simple, len(simple)))
            calls.append(f"{self.pick(columns, rng.choice('TI')) or self.constant('T')}¬{rng.choice(TEXTS)}¬{order}")
        return f"⟦ordered⁞{key or ''}⁞{'¦'.join(calls)}⁞{source}⟧"

    # ---- WITH ----

    def with_query(self, kind, depth, outer, types, top):
        rng = self.rng
        before = list(self.relations)
        heads = []
        for _ in range(rng.choice([1, 1, 2, 3]) if kind == "with" else 1):
            name = self.name("q")
            if kind == "with":
                inner, inner_types = self.query(depth - 1, [], None)
                heads.append(f"{name} AS {rng.choice(['', '', '', 'MATERIALIZED ', 'NOT MATERIALIZED '])}({inner})")
                self.relations.append((name, [(f"c{i}", t) for i, t in enumerate(inner_types)]))
            else:
                heads.append(self.recursion(name, before))
                self.relations.append((name, [("n", "I"), ("x", "I")]))
            self.relations += [self.relations[-1]] * len(before)      # likely to be read
        text, types = self.select(depth, outer, types, top=top)
        self.relations = before
        return f"WITH {'RECURSIVE ' if kind == 'recursive' else ''}{', '.join(heads)} {text}", types

    def recursion(self, name, relations):
        """A CTE (n, x) that ends: by its counter, or since it finds nothing new"""
        rng = self.rng
        base, columns = rng.choice(relations)
        numbers = [c for c, t in columns if t == "I"]
        if not numbers: return f"{name}(n, x) AS (SELECT 0, 1 UNION ALL SELECT n + 1, x * 2 FROM {name} WHERE n < {rng.randint(1, 4)})"
        start, step, to = (rng.choice(numbers) for _ in range(3))
        where = f" WHERE {self.condition([(f'm.{c}', t) for c, t in columns], 1)}" if self.chance(0.3) else ""
        first = f"SELECT 0, {start} FROM {base}"
        if self.chance(0.35):                                             # a closure over the pairs of a relation
            first = f"SELECT {step}, {start} FROM {base}"
            return f"{name}(n, x) AS ({first} UNION SELECT {name}.n, m.{to} FROM {name} JOIN {base} AS m ON m.{step} = {name}.x{where})"
        if self.chance(0.6):
            other, columns = rng.choice(relations)
            numbers = [c for c, t in columns if t == "I"] or ["k"]
            if "k" not in dict(columns) and numbers == ["k"]: other, numbers = base, [to]
            join = f"SELECT {name}.n + 1, m.{rng.choice(numbers)} FROM {name} JOIN {other} AS m ON m.{rng.choice(numbers)} {rng.choice(['=', '=', '=', '<'])} {name}.x WHERE {name}.n < {rng.randint(1, 3)}"
        else: join = f"SELECT n + 1, x + 1 FROM {name} WHERE n < {rng.randint(1, 4)}"
        return f"{name}(n, x) AS ({first} UNION{rng.choice([' ALL', ''])} {join})"
