"""Which partitions a query can need: conditions on what the ledger knows of them, read off DuckDB's parse of the query.

A condition that is found must hold for every row that can matter to the answer; one that is missed costs time only.
DuckDB itself decides later which partitions fulfil it, so functions, LIKE and subqueries mean what they mean in SQL.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from market_data.warehouse.query_tree import Node, Writer, alias_of, cte_names, is_now, nodes, relations
from market_data.warehouse.shapes import KEYS

CLOCK, FIRST, LAST = "_clock", "_first", "_last"
"""Columns of a listing of partitions: the column that its bounds are of, and the first and last instant."""

_AND = " AND "
_MOST_TERMS = 100
"""Of one condition; a cut that fine saves nothing."""
_PLAIN_JOINS = {"REGULAR", "CROSS"}
"""Joins that pair rows by a condition alone: not ASOF (the nearest that is there), not POSITIONAL (which counts)."""
_NEEDS_ON = {
    "INNER": ("left", "right"),
    "SEMI": ("left", "right"),
    "LEFT": ("right",),
    "ANTI": ("right",),
    "RIGHT": ("left",),
}
"""The sides of a join whose rows come to nothing where its ON does not hold."""
_ORDER = {
    "COMPARE_EQUAL": ("<=", ">="),
    "COMPARE_LESSTHAN": ("<", None),
    "COMPARE_LESSTHANOREQUALTO": ("<=", None),
    "COMPARE_GREATERTHAN": (None, ">"),
    "COMPARE_GREATERTHANOREQUALTO": (None, ">="),
}
"""How the first instant of a partition, and how its last, compares with what a time in it compares with."""
_MIRRORED = {
    "COMPARE_EQUAL": "COMPARE_EQUAL",
    "COMPARE_LESSTHAN": "COMPARE_GREATERTHAN",
    "COMPARE_LESSTHANOREQUALTO": "COMPARE_GREATERTHANOREQUALTO",
    "COMPARE_GREATERTHAN": "COMPARE_LESSTHAN",
    "COMPARE_GREATERTHANOREQUALTO": "COMPARE_LESSTHANOREQUALTO",
}
_AGGREGATES = {"min", "max", "count", "count_star"}
_OPAQUE = {"WINDOW", "PARAMETER", "LAMBDA", "STAR", "DEFAULT", "POSITIONAL_REFERENCE"}


class Bound(NamedTuple):
    """That the first or the last instant of a partition compares so with a value, where the column is its clock.

    Attributes:
        bound: `FIRST` or `LAST`.
        value: SQL that does not depend on the row.
    """

    column: str
    bound: str
    comparison: str
    value: str


@dataclass(frozen=True, slots=True)
class Condition:
    """What every partition fulfils that a reference to a table can need, as SQL over a listing of partitions.

    Attributes:
        sql: an expression over the listing's columns, by the alias of the reference.
        keys: which of the keys it asks about, and nothing else; empty where it asks about others.
        must_reject_nulls: it says nothing where it is true of a row of NULLs, such as an outer join fills in.
        bounds: what follows for the bounds of a partition's clock, all at once.
    """

    sql: str
    keys: frozenset[str]
    must_reject_nulls: bool = False
    bounds: Sequence["Bound"] = ()


@dataclass(frozen=True, slots=True)
class Need:
    """One reference to a table in a query, and the conditions that all hold for what it needs.

    Attributes:
        node: the reference's node in the tree.
        alias: how the conditions call the table.
        ctes: the WITH that the conditions may need.
    """

    node: Node
    table: str
    alias: str
    conditions: Sequence[Condition] = ()
    ctes: str = ""
    of_no_rows: bool = False


@dataclass(frozen=True, slots=True)
class Tables:
    """What is known of tables without looking at the ledger.

    Attributes:
        times: by table, the columns that hold instants.
        functions: those of a single row that are the same for the same arguments, in lower case; no macros.
    """

    times: Mapping[str, Collection[str]]
    functions: Collection[str]


def needs(tree: Node, tables: Tables, writer: Writer) -> list[Need]:
    """Return every reference to a table of ours; names of CTEs must not be among the tables."""
    described = {id(node) for each in nodes(tree) if each.get("show_type") == "DESCRIBE" for node in nodes(each)}
    found: dict[int, Need] = {}
    ctes = cte_names(tree)
    for select in nodes(tree):
        if select.get("type") == "SELECT_NODE":
            for need in _of_select(select, tables, writer, ctes):
                found[id(need.node)] = need
    every: list[Need] = []
    for node in nodes(tree):
        if node.get("type") == "BASE_TABLE" and (name := node["table_name"].lower()) in tables.times:
            need = found.get(id(node), Need(node, name, alias_of(node)))
            every.append(Need(node, name, need.alias, of_no_rows=True) if id(node) in described else need)
    return every


def _of_select(select: Node, tables: Tables, writer: Writer, ctes: Collection[str]) -> list[Need]:
    """Return the references in one FROM, with what its WHERE and the ONs ask of each."""
    joins: list[Node] = []
    sources = list(relations(select["from_table"], joins))
    plain = all(join["ref_type"] in _PLAIN_JOINS and not join["sample"] for join in joins)
    if select["sample"] or not plain:
        return []
    names = Counter(alias_of(source) for source in sources)
    filled = _filled_with_nulls(joins)
    own, here = select["cte_map"], {entry["key"].lower() for entry in select["cte_map"]["map"]}
    clean = not any(
        each.get("type") == "BASE_TABLE" and each["table_name"].lower() in tables.times for each in nodes(own)
    )
    hidden = {*ctes} - (here if clean else set())
    words = writer.ctes([own]) if clean else ""
    found: list[Need] = []
    for source in sources:
        if source["type"] != "BASE_TABLE" or (table := source["table_name"].lower()) not in tables.times:
            continue
        alias = alias_of(source)
        if source["sample"] or source["column_name_alias"] or source.get("at_clause") or names[alias] != 1:
            continue
        reader = _Reader(alias, table, joins, sources, tables, writer, hidden)
        falls = [join for join in joins if _falls_with(source, join)]
        where = [] if select["where_clause"] is None else reader.conjuncts(select["where_clause"])
        conditions = [replace(each, must_reject_nulls=id(source) in filled) for each in where]
        conditions += [each for join in falls if join["condition"] for each in reader.conjuncts(join["condition"])]
        found.append(Need(source, table, alias, [*conditions, *reader.shared(falls)], words))
    return found


def _filled_with_nulls(joins: Sequence[Node]) -> set[int]:
    """Return the relations, by `id`, in whose place a join may put NULLs."""
    sides = {"LEFT": ("right",), "RIGHT": ("left",), "OUTER": ("left", "right"), "FULL": ("left", "right")}
    return {
        id(each) for join in joins for side in sides.get(join["join_type"], ()) for each in relations(join[side], [])
    }


def _falls_with(relation: Node, join: Node) -> bool:
    """Return whether a row of the relation comes to nothing where the join's ON does not hold."""
    sides = _NEEDS_ON.get(join["join_type"], ())
    return any(relation is each for side in sides for each in relations(join[side], []))


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads conditions on one reference within a FROM.

    Attributes:
        hidden: names of CTEs that cannot be asked while planning.
    """

    alias: str
    table: str
    joins: Sequence[Node]
    sources: Sequence[Node]
    tables: Tables
    writer: Writer
    hidden: Collection[str]

    def conjuncts(self, node: Node) -> list[Condition]:
        """Return conditions that hold wherever an expression is true."""
        if node["type"] == "CONJUNCTION_AND" and len(node["children"]) <= _MOST_TERMS:
            return [each for child in node["children"] for each in self.conjuncts(child)]
        found = self._implied(node)
        return [] if found is None else [found]

    def shared(self, joins: Sequence[Node]) -> list[Condition]:
        """Return conditions from the USING of inner joins with lists that are not tables of ours."""
        return [
            Condition(f"{self._own(key)} IN (SELECT {key} FROM {self.writer.relation(other)})", frozenset())
            for join in joins
            if len(self.joins) == 1 and join["join_type"] in {"INNER", "SEMI"}
            for key in map(str.lower, join["using_columns"])
            if key in KEYS
            for other in self.sources
            if self._is_list(other)
        ]

    def _implied(self, node: Node) -> Condition | None:
        if self._asks_keys_alone(node):
            return Condition(self.writer.expression(node), self._keys(node))
        match node["type"]:
            case "CONJUNCTION_OR" if len(node["children"]) <= _MOST_TERMS:
                return self._either([self._all(child) for child in node["children"]])
            case "CONJUNCTION_AND":
                return self._all(node)
            case "COMPARE_BETWEEN":
                first = self._clock("COMPARE_GREATERTHANOREQUALTO", node["input"], node["lower"])
                last = self._clock("COMPARE_LESSTHANOREQUALTO", node["input"], node["upper"])
                parts = [each for each in (first, last) if each is not None]
                return _joined(_AND, parts) if parts else None
            case kind if kind in _ORDER:
                left, right = node["left"], node["right"]
                return (
                    self._clock(kind, left, right)
                    or self._clock(_MIRRORED[kind], right, left)
                    or (self._listed(left, right) or self._listed(right, left) if kind == "COMPARE_EQUAL" else None)
                )
            case _:
                return None

    def _all(self, node: Node) -> Condition | None:
        parts = self.conjuncts(node)
        return _joined(_AND, parts) if parts else None

    def _either(self, parts: Sequence[Condition | None]) -> Condition | None:
        known = [each for each in parts if each is not None]
        return _joined(" OR ", known) if len(known) == len(parts) else None

    def _clock(self, kind: str, column: Node, value: Node) -> Condition | None:
        """Return a comparison of an instant with what does not depend on the row, as one of a partition's bounds."""
        name = self._column(column)
        if name is None or name not in self.tables.times[self.table] or not self._is_constant(value):
            return None
        text = self.writer.expression(value)
        bounds = [Bound(name, each, how, text) for each, how in zip((FIRST, LAST), _ORDER[kind], strict=True) if how]
        compared = " AND ".join(f"{self._own(each.bound)} {each.comparison} {text}" for each in bounds)
        other = f"{self._own(CLOCK)} IS DISTINCT FROM '{name}'"
        return Condition(f"({other} OR ({compared}))", frozenset(), bounds=bounds)

    def _listed(self, column: Node, value: Node) -> Condition | None:
        """Return a key that must equal a column of a list that is joined."""
        key = self._column(column)
        if key not in KEYS or value["type"] != "COLUMN_REF" or len(value["column_names"]) != 2:  # noqa: PLR2004
            return None
        name, other = value["column_names"][0].lower(), None
        for source in self.sources:
            if alias_of(source) == name and self._is_list(source):
                other = source
        if other is None or len([each for each in self.sources if alias_of(each) == name]) != 1:
            return None
        listed = f"SELECT {self.writer.expression(value)} FROM {self.writer.relation(other)}"
        return Condition(f"{self._own(key)} IN ({listed})", frozenset())

    def _is_list(self, source: Node) -> bool:
        """Return whether a relation can be asked while planning: no table of ours, of ours alone, and small to see."""
        if source["type"] not in {"SUBQUERY", "BASE_TABLE", "EXPRESSION_LIST"}:
            return False
        return not any(
            each.get("type") == "TABLE_FUNCTION"
            or (each.get("type") == "BASE_TABLE" and self._is_hidden(each))
            or self._is_unknown(each)
            for each in nodes(source)
        )

    def _is_hidden(self, table: Node) -> bool:
        name = table["table_name"].lower()
        return name in self.tables.times or name in self.hidden

    def _asks_keys_alone(self, node: Node) -> bool:
        inner = list(nodes(node, subqueries=False))
        if any(each.get("class") in _OPAQUE or self._is_unknown(each) for each in inner):
            return False
        if any(each.get("class") == "SUBQUERY" and not self._is_own_world(each) for each in inner):
            return False
        columns = [each for each in inner if each.get("class") == "COLUMN_REF" and not is_now(each)]
        return bool(columns) and all(self._column(each) in KEYS for each in columns)

    def _is_own_world(self, subquery: Node) -> bool:
        """Return whether a subquery can be asked while planning; where it needs the row after all, DuckDB says so."""
        return len(self.sources) == 1 and not any(
            each.get("class") == "PARAMETER"
            or (each.get("type") == "BASE_TABLE" and self._is_hidden(each))
            or (self._is_unknown(each) and each["function_name"].lower() not in _AGGREGATES)
            for each in nodes(subquery["subquery"])
        )

    def _is_constant(self, node: Node) -> bool:
        return not any(
            each.get("class") in {*_OPAQUE, "SUBQUERY"}
            or (each.get("class") == "COLUMN_REF" and not is_now(each))
            or self._is_unknown(each)
            for each in nodes(node)
        )

    def _is_unknown(self, node: Node) -> bool:
        """Return whether a node is a function that is no plain one: volatile, an aggregate, or somebody's macro."""
        return node.get("class") == "FUNCTION" and node["function_name"].lower() not in self.tables.functions

    def _keys(self, node: Node) -> frozenset[str]:
        inner = list(nodes(node, subqueries=False))
        if any(each.get("class") == "SUBQUERY" for each in inner):
            return frozenset()
        return frozenset(
            str(self._column(each)) for each in inner if each.get("class") == "COLUMN_REF" and not is_now(each)
        )

    def _column(self, node: Node) -> str | None:
        """Return which of this table's columns a node stands for, if it does."""
        if node["type"] != "COLUMN_REF":
            return None
        *qualifier, name = (part.lower() for part in node["column_names"])
        if qualifier:
            mine = qualifier == [self.alias]
        else:  # a column that every join lists in USING is the same on all sides
            mine = all(name in map(str.lower, join["using_columns"]) for join in self.joins)
        return name if mine else None

    def _own(self, column: str) -> str:
        return f'"{self.alias}"."{column}"'


def _joined(word: str, parts: Sequence[Condition]) -> Condition:
    if len(parts) == 1:
        return parts[0]
    keys = frozenset[str]() if any(not each.keys for each in parts) else frozenset().union(*(p.keys for p in parts))
    bounds = [bound for each in parts for bound in each.bounds] if word == _AND else []
    return Condition(f"({word.join(each.sql for each in parts)})", keys, bounds=bounds)
