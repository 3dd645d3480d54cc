"""Random tables and streams, and what changes them, as text that Weir and SQLite both take (see oracle_sqlite.py)."""
import re

from oracle_queries import SQL_TYPES

COLUMNS = {"a": "I", "b": "I", "x": "R", "s": "T", "w": "T", "d": "D", "e": "S", "g": "B", "y": "Y"}


class Changes:
    """Statements that change tables; expressions and subqueries in them come from the generator of the queries."""

    def __init__(self, queries):
        self.queries, self.rng, self.chance = queries, queries.rng, queries.chance
        self.many = self.chance(0.12)          # rows: beyond what fits the small forms of state

    def table(self, i):
        columns = [("k", "I")] + [(c, COLUMNS[c]) for c in sorted(self.rng.sample(sorted(COLUMNS), self.rng.randint(2, 4)))]
        stream = self.chance(0.25)
        keyed = not stream and self.chance(0.6)
        parts = [f"{c} {SQL_TYPES[t]}" + (" PRIMARY KEY" if keyed and c == "k" else " NOT NULL" if self.chance(0.1) else "") for c, t in columns]
        if stream and ("e", "S") in columns and self.chance(0.6): parts.append("WATERMARK FOR e AS e - INTERVAL '1000 days'")          # none is late, but what goes by time does
        notnull = {c for (c, _), p in zip(columns, parts) if "NOT NULL" in p or "PRIMARY" in p}
        return {"name": f"t{i}", "columns": columns, "keyed": keyed, "stream": stream, "notnull": notnull, "sql": f"CREATE {'STREAM' if stream else 'TABLE'} t{i} ({', '.join(parts)})"}

    def value(self, table, column, type):
        if column not in table["notnull"] and self.chance(0.2): return "NULL"
        if column == "k" and table["keyed"]: return str(self.rng.randint(1, 400 if self.many else 12))
        if type == "I" and self.many and self.chance(0.5): return str(self.rng.randint(-10, 60))
        return self.queries.constant(type)

    def rows(self, table, most):
        return ", ".join("(" + ", ".join(self.value(table, c, t) for c, t in table["columns"]) + ")" for _ in range(self.rng.randint(1, most)))

    def insert(self, table):
        rows = self.rows(table, 80 if self.many and self.chance(0.5) else 4 if not table["keyed"] or self.chance(0.4) else 1)
        if not table["keyed"]: return f"INSERT INTO {table['name']} VALUES {rows}"
        if self.chance(0.12): return f"INSERT OR {self.rng.choice(['REPLACE', 'IGNORE'])} INTO {table['name']} VALUES {rows}"
        if self.chance(0.1):
            some = [(c, t) for c, t in table["columns"] if c in table["notnull"] or self.chance(0.5)]
            self.rng.shuffle(some)
            return f"INSERT INTO {table['name']} ({', '.join(c for c, _ in some)}) VALUES ({', '.join(self.value(table, c, t) for c, t in some)}) ON CONFLICT (k) DO NOTHING"
        return f"INSERT INTO {table['name']} VALUES {rows} ON CONFLICT (k) {self.action(table)}"

    def action(self, table):
        if self.chance(0.4): return "DO NOTHING"
        c, t = self.rng.choice(table["columns"][1:])
        value = f"excluded.{c}"
        if t in "IRTD" and self.chance(0.3): value = f"coalesce({table['name']}.{c}, excluded.{c})"
        return f"DO UPDATE SET {c} = {value}" + (f" WHERE excluded.k {self.rng.choice('<>')} {self.rng.randint(1, 12)}" if self.chance(0.15) else "")

    def insert_select(self, table, others):
        """Rows of another relation; into a keyed table those of a key, so that the order of rows decides nothing"""
        source = self.rng.choice([t for t in others if t["keyed"]] if table["keyed"] else others)
        from_, name = dict((t, c) for c, t in reversed(source["columns"])), source["name"]
        items = [f"{name}.k" + (" + 3" if self.chance(0.5) else "") if c == "k" else f"{name}.{from_[t]}" if t in from_ and c not in table["notnull"] else self.value(table, c, t) for c, t in table["columns"]]
        where = f"{name}.k % {self.rng.randint(2, 3)} = 1 AND {self.condition(source, 1)}"
        return f"INSERT INTO {table['name']} SELECT {', '.join(items)} FROM {name} WHERE {where}" + (f" ON CONFLICT (k) {self.action(table)}" if table["keyed"] else "")

    def condition(self, table, depth):
        """Of one row; deeper with subqueries"""
        return self.queries.condition([(f"{table['name']}.{c}", t) for c, t in table["columns"]], depth)

    def simple_condition(self, table):
        c, t = self.rng.choice(table["columns"])
        if self.chance(0.15): return f"{c} IS NULL"
        if t == "B": return self.rng.choice([c, f"NOT {c}"])
        return f"{c} {self.rng.choice(['=', '<', '>', '<=', '<>'])} {self.queries.constant(t)}"

    def update(self, table, others):
        name, columns = table["name"], table["columns"]
        where = self.simple_condition(table) if self.chance(0.7) else self.condition(table, self.rng.choice([1, 2, 3])) if self.chance(0.85) else "1 = 1"
        c, t = self.rng.choice(columns[1:] if table["keyed"] else columns)
        keyed = [o for o in others if o["keyed"]]
        if keyed and self.chance(0.25) and c not in table["notnull"]:
            other = self.rng.choice(keyed)
            fit, mine = [x for x, u in other["columns"] if u == t], [x for x, u in columns if u == "I"]
            if fit: return f"UPDATE {name} SET {c} = {other['name']}.{self.rng.choice(fit)} FROM {other['name']} WHERE {other['name']}.k = {name}.{self.rng.choice(mine)}"
        if others and self.chance(0.25) and c not in table["notnull"] and t in "IRTDS":
            return f"UPDATE {name} SET {c} = {self.subquery(table, others, t)} WHERE {where}"
        same = [d for d, u in columns[1:] if u == t and d != c and c not in table["notnull"] and d not in table["notnull"]]
        if same and self.chance(0.3): return f"UPDATE {name} SET {c} = {same[0]}, {same[0]} = {c} WHERE {where}"
        if t in "IR" and self.chance(0.3): value = f"coalesce({c}, 0) % 7 + 1" if t == "I" else f"coalesce({c}, 0.5)"
        else: value = self.value(table, c, t)
        return f"UPDATE {name} SET {c} = {value} WHERE {where}"

    def subquery(self, table, others, type):
        """Of another table: SQLite sees its own updates where a subquery of SET reads the same one"""
        other = self.rng.choice(others)
        inner = [(f"o.{c}", t) for c, t in other["columns"]]
        call = f"{self.rng.choice(['min', 'max'])}({self.queries.pick(inner, type) or self.queries.constant(type)})"
        return f"(SELECT {call} FROM {other['name']} AS o WHERE {self.queries.on(inner, [(table['name'] + '.' + c, t) for c, t in table['columns']], 0, ())})"

    def change(self, table, others):
        rng, name = self.rng, table["name"]
        kind = rng.random()
        sources = [o for o in others if not table["keyed"] or o["keyed"]]
        if table["stream"]: return self.insert_select(table, sources) if sources and self.chance(0.1) else self.insert(table)
        if kind < 0.06 and sources: return self.insert_select(table, sources)
        if kind < 0.5: return self.insert(table)
        if table["keyed"] and kind > 0.97: return f"UPDATE {name} SET k = k + 20 WHERE k % 5 = {rng.randint(0, 4)}"
        if kind < 0.8: return self.update(table, others)
        if kind < 0.81: return f"TRUNCATE {name}"
        where = self.simple_condition(table) if self.chance(0.7) else self.condition(table, 3)
        return f"DELETE FROM {name} WHERE ({where}) AND k % 2 = {rng.randint(0, 1)}"


VIEW_OF = re.compile(r"(?:PAUSE|RESUME|DROP MATERIALIZED VIEW|ALTER MATERIALIZED VIEW) (v\d+)(?: REBUILD)?$")


def is_act(statement):
    """Of a view's life; no part of a transaction, unknown to SQLite"""
    return VIEW_OF.match(statement) is not None or statement in ("FLUSH", "CHECKPOINT")
