"""SQLite's answer to a query in Weir's SQL.

In generated text constants stand between « and », and what SQLite 3.40 lacks is a form ⟦name⁞argument⁞...⟧ (lists within an argument by ¦), which is written in two ways: as Weir's SQL, and by what it means.
"""
import collections, math, re, sqlite3


# ---- forms: (Weir's, SQLite's) ----

def named(items):
    return ", ".join(f"{item} AS c{i}" for i, item in enumerate(items.split("¦")))


def names(items):
    return ", ".join(f"c{i}" for i in range(len(items.split("¦"))))


def quantified(kind):
    """x op ANY (query), x op ALL (query): true or false as soon as one row settles it, else NULL if one compares as NULL"""
    def sqlite(x, op, query):
        settled, other = (1, 0) if kind == "ANY" else (0, 1)
        best = "max" if kind == "ANY" else "min"
        return f"(SELECT CASE WHEN {best}({x} {op} any_.c0) = {settled} THEN {settled} WHEN count(*) > count({x} {op} any_.c0) THEN NULL ELSE {other} END FROM ({query}) AS any_)"
    return lambda x, op, query: f"({x} {op} {kind} ({query}))", sqlite


def sets_weir(how, sets, keys, items, source, having):
    """Grouping sets; in items ‹i› is a key, ‹gi› GROUPING of it"""
    keys = keys.split("¦")
    put = lambda text: re.sub(r"‹(g?)(\d)›", lambda m: f"GROUPING({keys[int(m[2])]})" if m[1] else keys[int(m[2])], text)
    group = {"ROLLUP": f"ROLLUP ({', '.join(keys)})", "CUBE": f"CUBE ({', '.join(keys)})", "PREFIX": f"{keys[0]}, ROLLUP ({', '.join(keys[1:])})"}.get(how)
    if not group: group = "GROUPING SETS (" + ", ".join("(" + ", ".join(keys[int(i)] for i in s) + ")" for s in sets.replace(" ", "").split(",")) + ")"
    return f"SELECT {named(put(items))} FROM {source} GROUP BY {group} {put(having)}"


def sets_sqlite(how, sets, keys, items, source, having):
    keys, arms = keys.split("¦"), []
    for s in sets.replace(" ", "").split(","):
        put = lambda text: re.sub(r"‹(g?)(\d)›", lambda m: str(int(m[2] not in s)) if m[1] else keys[int(m[2])] if m[2] in s else "NULL", text)
        group = " GROUP BY " + ", ".join(keys[int(i)] for i in s) if s else ""
        arms.append(f"SELECT {names(items)} FROM (SELECT {named(put(items))}, count(*) AS q_ FROM {source}{group} {put(having)})")
    return f"SELECT {names(items)} FROM ({' UNION ALL '.join(arms)})"


def qualify_sqlite(items, source, window, test):
    return f"SELECT {names(items)} FROM (SELECT {named(items)}, {window} AS q_ FROM {source}) WHERE q_ {test}"


def distinct_on_sqlite(keys, order, items, source):
    return f"SELECT {names(items)} FROM (SELECT {named(items)}, row_number() OVER (PARTITION BY {keys} ORDER BY {order}) AS q_ FROM {source}) WHERE q_ = 1"


def ordered_weir(keys, calls, source):
    items = [k for k in keys.split("¦") if k] + [f"string_agg({x}, {by} ORDER BY {order})" for x, by, order in (c.split("¬") for c in calls.split("¦"))]
    return f"SELECT {named('¦'.join(items))} FROM {source}" + (f" GROUP BY {keys.replace('¦', ', ')}" if keys else "")


def ordered_sqlite(keys, calls, source):
    """SQLite 3.40's group_concat of one empty text is NULL over a window, and else the text"""
    keys = [k for k in keys.split("¦") if k]
    partition = f"PARTITION BY {', '.join(keys)} " if keys else ""
    over = lambda order: f"OVER ({partition}ORDER BY {order} ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)"
    items = keys + [f"iif(count({x}) {over(order)} > 0, coalesce(group_concat({x}, {by}) {over(order)}, ''), NULL)" for x, by, order in (c.split("¬") for c in calls.split("¦"))]
    text = f"SELECT DISTINCT {named('¦'.join(items))} FROM {source}"
    return text if keys else f"SELECT {', '.join(f'max(c{i}) AS c{i}' for i in range(len(items)))} FROM ({text})"


def lateral_weir(kind, left, table, alias, items, source, where, rest, on):
    text = f"SELECT {named(items)} FROM {source} WHERE {where}"
    if rest.startswith("BY "): text += f" GROUP {rest}"
    elif rest.startswith("TOP "): text += " ORDER BY {} LIMIT {}".format(*rest[4:].split("¦"))
    return f"{kind} LATERAL ({text}) AS {alias}" + (f" ON {on}" if on else "")


def lateral_sqlite(kind, left, table, alias, items, source, where, rest, on):
    """As a derived table that carries the rowid of the left row"""
    split = items.split("¦")
    if rest == "WHOLE":
        text = f"SELECT {left}.rowid AS rid_, " + ", ".join(f"(SELECT {item} FROM {source} WHERE {where}) AS c{i}" for i, item in enumerate(split)) + f" FROM {table} AS {left}"
    else:
        text = f"SELECT {left}.rowid AS rid_, {named(items)} FROM {source}, {table} AS {left} WHERE {where}"
        if rest.startswith("BY "): text += f" GROUP BY {left}.rowid, {rest[3:]}"
        elif rest.startswith("TOP "):
            order, most = rest[4:].split("¦")
            text = f"SELECT rid_, {names(items)} FROM (SELECT *, row_number() OVER (PARTITION BY rid_ ORDER BY {order}) AS q_ FROM ({text})) WHERE q_ <= {most}"
    return f"{kind.replace('CROSS ', '')} ({text}) AS {alias} ON {alias}.rid_ = {left}.rowid" + (f" AND {on}" if on else "")


def nocase(x, op, y):
    return f"({x}) COLLATE NOCASE {op} ({y})"


def every_sqlite(operator, count, left, right):
    """EXCEPT ALL, INTERSECT ALL: each copy of a row has a number"""
    columns = ", ".join(f"c{i}" for i in range(int(count)))
    arm = lambda query: f"SELECT {columns}, row_number() OVER (PARTITION BY {columns}) AS q_ FROM ({query})"
    return f"SELECT {columns} FROM ({arm(left)} {operator} {arm(right)})"


FORMS = {
    "every": (lambda operator, count, left, right: f"{left} {operator} ALL {right}", every_sqlite),
    "any": quantified("ANY"), "all": quantified("ALL"), "sets": (sets_weir, sets_sqlite), "ordered": (ordered_weir, ordered_sqlite), "lateral": (lateral_weir, lateral_sqlite),
    "qualify": (lambda items, source, window, test: f"SELECT {named(items)} FROM {source} QUALIFY {window} {test}", qualify_sqlite),
    "distinct_on": (lambda keys, order, items, source: f"SELECT DISTINCT ON ({keys}) {named(items)} FROM {source} ORDER BY {order}", distinct_on_sqlite),
    "shift": (lambda x, n, unit: f"({x} + INTERVAL '{n} {unit}')", lambda x, n, unit: f"datetime({x}, '{int(n):+} {unit}')"),
    "nocase": (nocase, lambda x, op, y: f"(SELECT {nocase(x, op, y)})"),         # in a subquery, since SQLite lets it count for comparisons around it
    "day": (lambda x: f"CAST({x} AS DATE)", lambda x: f"date({x})"),
    "call": (lambda ours, theirs, x: f"{ours}({x})", lambda ours, theirs, x: f"{theirs}({x})"),
}
FORM = re.compile("⟦([^⟦⟧]*)⟧")


def form(parts, which):
    if parts[0] not in FORMS: raise ValueError("a form is cut")
    return FORMS[parts[0]][which](*parts[1:])


def written(sql, which):
    while "⟦" in sql:
        put = FORM.sub(lambda m: form([part.strip() for part in m[1].split("⁞")], which), sql)
        if put == sql: raise ValueError("a form is cut")
        sql = put
    return sql


def of_weir(sql):
    return written(sql, 0).replace("«", "").replace("»", "")


def of_sqlite(sql):
    """Times are text there, a stream is a table"""
    return visible(written(sql, 1))


def visible(sql):
    sql = sql.replace("«", "").replace("»", "")
    return re.sub(r"\b(TIMESTAMP|DATE) '", "'", sql).replace("AS TIMESTAMP", "AS TEXT").replace("AS DATE)", "AS TEXT)").replace("CREATE STREAM", "CREATE TABLE").replace(", WATERMARK FOR e AS e - INTERVAL '1000 days'", "").replace("TRUNCATE ", "DELETE FROM ")


def hidden(sql):
    """The same with its constants out of the planner's sight: SQLite 3.40 makes a false constant in the ON of a join before a RIGHT JOIN empty the whole"""
    return visible(written(sql, 1).replace("«", "(SELECT ").replace("»", " FROM one)"))


class Oracle:
    """Two SQLites on the same rows that plan differently"""

    def __init__(self, tables):
        self.connections = [sqlite3.connect(":memory:", isolation_level=None) for _ in range(2)]
        for c in self.connections:
            for table in tables: c.execute(of_sqlite(table["sql"]))
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
            except sqlite3.Error as e:
                self.error = str(e)
                results.append(False)
        return results[0]

    def ask(self, sql):
        """The rows; None where there is no answer to compare with"""
        answers = []
        for c in self.connections:
            self.steps = 0
            try: answers.append(c.execute((hidden if answers else of_sqlite)(sql)).fetchmany(3000))
            except (sqlite3.Error, ValueError, TypeError, IndexError) as e:           # the last three: a form that is cut
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
