"""Which partitions a query can need, read off DuckDB's own parse of it. No files, no views.

What is not understood asks for everything: a condition that is found must hold for every row that can matter to the
answer; one that is missed costs time only.
"""

import datetime as dt
import json
import operator
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
from sqlalchemy import ColumnElement, and_, or_, true

from market_data.ledger.schema import revisions

Node = dict[str, Any]
Condition = ColumnElement[bool]

KEYS = ("feed", "symbol", "date")
_MOST_TERMS = 100
"""Of one condition. SQLite takes a thousand, nested; a cut that fine saves nothing."""
_HARMLESS = {"range", "generate_series", "unnest", "glob", "read_parquet", "read_csv", "read_json"}
"""Table functions that do not take SQL or the name of a table as text."""
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
_COMPARED: Mapping[str, tuple[Callable[[Any, Any], Condition], Callable[[Any, Any], Condition]]] = {
    "COMPARE_EQUAL": (operator.eq, operator.eq),
    "COMPARE_LESSTHAN": (operator.lt, operator.gt),
    "COMPARE_LESSTHANOREQUALTO": (operator.le, operator.ge),
    "COMPARE_GREATERTHAN": (operator.gt, operator.lt),
    "COMPARE_GREATERTHANOREQUALTO": (operator.ge, operator.le),
}
"""Comparisons, and what they are with their sides exchanged."""


def needed(
    connection: duckdb.DuckDBPyConnection, query: str, tables: Collection[str]
) -> Mapping[str, Condition] | None:
    """The tables that a query names, each with a condition that every ledger row it can need fulfils.

    Args:
        tables: the names that are tables of ours, in lower case.

    Returns:
        None where the query may name any table, or is not made of SELECTs that the parser tells about.
    """
    tree = _parsed(connection, query)
    if tree is None:
        return None
    nodes = list(_nodes(tree))
    # A CTE may have the name of a table: then a use of it asks for too much, and nothing goes missing.
    ctes = {entry["key"].lower() for node in nodes if "cte_map" in node for entry in node["cte_map"]["map"]}
    asked: dict[int, Condition] = {}
    needs: defaultdict[str, list[Condition]] = defaultdict(list)
    for node in nodes:
        if node.get("type") == "SELECT_NODE":
            asked |= _asked_of_tables(node)
        elif node.get("type") == "BASE_TABLE" and (name := node["table_name"].lower()) in tables:
            needs[name].append(asked.get(id(node), true()))
        elif not _is_harmless(node, ctes):
            return None
    return {name: _any(conditions) for name, conditions in needs.items()}


def _parsed(connection: duckdb.DuckDBPyConnection, query: str) -> Node | None:
    ((text,),) = connection.execute("SELECT json_serialize_sql(?)", [query]).fetchall()
    try:
        tree: Node = json.loads(text)
    except RecursionError:  # a sum of some hundred terms
        return None
    return None if tree["error"] else tree


def _nodes(tree: Any) -> Iterator[Node]:
    """Every node of the parse, each before those within it."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _is_harmless(node: Node, ctes: Collection[str]) -> bool:
    """Whether a node that is no table of ours cannot lead to one by another way."""
    match node.get("type"):
        case "BASE_TABLE":
            name = node["table_name"].lower()
            return not node["schema_name"] and (name in ctes or "." in name or "/" in name)
        case "TABLE_FUNCTION":
            return node["function"]["function_name"].lower() in _HARMLESS
        case "SHOW_REF":
            return bool(node.get("query"))
        case _:
            return True


def _any(conditions: Sequence[Condition]) -> Condition:
    return or_(*conditions) if len(conditions) <= _MOST_TERMS else true()


def _asked_of_tables(select: Node) -> dict[int, Condition]:
    """What the WHERE and the ONs of one SELECT ask of each table in its FROM, by the `id` of the table's node."""
    joins: list[Node] = []
    relations = list(_relations(select["from_table"], joins))
    plain = all(join["ref_type"] in _PLAIN_JOINS and not join["sample"] for join in joins)
    if select["sample"] or not plain:
        return {}
    names = Counter(_alias(relation) for relation in relations)
    asked: dict[int, Condition] = {}
    for relation in relations:
        if relation["type"] != "BASE_TABLE" or relation["sample"] or relation["column_name_alias"]:
            continue
        alias = _alias(relation)
        reader = _Reader(alias if names[alias] == 1 else None, joins)
        conditions = [select["where_clause"], *(join["condition"] for join in joins if _falls_with(relation, join))]
        asked[id(relation)] = and_(true(), *(reader.implied(each) for each in conditions if each is not None))
    return asked


def _relations(source: Node, joins: list[Node]) -> Iterator[Node]:
    """What a FROM joins; the joins are put into `joins`."""
    if source["type"] != "JOIN":
        yield source
        return
    joins.append(source)
    yield from _relations(source["left"], joins)
    yield from _relations(source["right"], joins)


def _alias(relation: Node) -> str:
    return str(relation.get("alias") or relation.get("table_name") or "").lower()


def _falls_with(relation: Node, join: Node) -> bool:
    """Whether a row of the relation comes to nothing where the join's ON does not hold."""
    sides = _NEEDS_ON.get(join["join_type"], ())
    return any(relation is each for side in sides for each in _relations(join[side], []))


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads conditions on one table within a FROM: its alias there (None if another has the same), and the joins.

    What it finds is false for NULLs too, so that no row comes back as the filling of an outer join.
    """

    alias: str | None
    joins: Sequence[Node]

    def implied(self, expression: Node) -> Condition:
        """What is true of every row for which the expression is true; `true()` where nothing is known."""
        match expression["type"]:
            case "CONJUNCTION_AND" if len(expression["children"]) <= _MOST_TERMS:
                return and_(*map(self.implied, expression["children"]))
            case "CONJUNCTION_OR":
                return _any([self.implied(child) for child in expression["children"]])
            case "COMPARE_BETWEEN":
                bounds = [expression["lower"], expression["upper"]]
                return self._compared(expression["input"], bounds, lambda key, values: key.between(*values), order=True)
            case "COMPARE_IN":
                column, *values = expression["children"]
                return self._compared(column, values, lambda key, values: key.in_(values))
            case kind if kind in _COMPARED:
                return self._comparison(kind, expression["left"], expression["right"])
            case _:
                return true()

    def _comparison(self, kind: str, left: Node, right: Node) -> Condition:
        compare, mirrored = _COMPARED[kind]
        if left["type"] != "COLUMN_REF":
            compare, left, right = mirrored, right, left
        return self._compared(
            left, [right], lambda key, values: compare(key, values[0]), order=compare is not operator.eq
        )

    def _compared(
        self, column: Node, values: Sequence[Node], build: Callable[[Any, list[Any]], Condition], *, order: bool = False
    ) -> Condition:
        key = self._key(column)
        # How texts are ordered is the ledger database's affair: only days are compared by order.
        if key is None or (order and key != "date") or len(values) > _MOST_TERMS:
            return true()
        read = [_day(value) if key == "date" else _text(value) for value in values]
        return true() if None in read else build(revisions.c[key], read)

    def _key(self, column: Node) -> str | None:
        """Which of this table's keys a column stands for, if it does."""
        if column["type"] != "COLUMN_REF":
            return None
        *qualifier, key = (name.lower() for name in column["column_names"])
        if qualifier:
            mine = qualifier == [self.alias]
        else:  # a key that every join lists in USING is the same on all sides
            mine = all(key in map(str.lower, join["using_columns"]) for join in self.joins)
        return key if mine and key in KEYS else None


def _text(value: Node) -> str | None:
    """The text of a literal; None if it is none."""
    literal = value.get("literal") or {}
    return literal["text"] if value["type"] == "VALUE_CONSTANT" and literal.get("kind") == "STRING" else None


def _day(value: Node) -> dt.date | None:
    """The day of `'2024-01-15'`, `DATE '2024-01-15'` or a cast to DATE; None for anything else."""
    if value["type"] == "OPERATOR_CAST" and value["type_expr"].get("type_name", "").upper() == "DATE":
        value = value["child"]
    text = _text(value)
    if text is None or not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None
