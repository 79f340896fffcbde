"""DuckDB's own parse of a query, gone through and written back as SQL. Which files it needs is not decided here."""

import json
from collections.abc import Collection, Iterator
from typing import Any

import duckdb

Node = dict[str, Any]

_NOW_WORDS = {"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"}
"""Words that stand for the time of a query unless a column has that name; they are columns to the parser."""
_NOW = {"now", "get_current_timestamp", "transaction_timestamp", "today", "get_current_time"} | {
    *("current_localtime", "current_localtimestamp"),
    *_NOW_WORDS,
}
"""Functions that tell the time of a query."""
_HARMLESS = {"range", "generate_series", "unnest", "glob", "read_parquet", "read_csv", "read_json"}
"""Table functions that do not take SQL or the name of a table as text."""


def parsed(connection: duckdb.DuckDBPyConnection, query: str) -> Node | None:
    """Return the tree of one query; None where it is none that DuckDB can tell about."""
    ((text,),) = connection.execute("SELECT json_serialize_sql(?)", [query]).fetchall()
    try:
        tree: Node = json.loads(text)
    except RecursionError:  # a sum of some hundred terms
        return None
    return None if tree["error"] or len(tree["statements"]) != 1 else tree


def written(connection: duckdb.DuckDBPyConnection, tree: Node) -> str:
    """Return a tree as SQL."""
    ((text,),) = connection.execute("SELECT json_deserialize_sql(?)", [json.dumps(tree)]).fetchall()
    return str(text)


def _told(connection: duckdb.DuckDBPyConnection, query: str) -> Node:
    tree = parsed(connection, query)
    if tree is None:
        raise ValueError(f"DuckDB cannot tell about its own {query}")
    return tree


class Writer:
    """Writes single expressions and relations of a tree as SQL."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        if not _TEMPLATE:
            _TEMPLATE.update(_told(connection, "SELECT 1 FROM x"))
        self._template = _TEMPLATE

    def expression(self, node: Node) -> str:
        """Return an expression as SQL."""
        return self._selected([{**node, "alias": ""}], {"type": "EMPTY", "alias": "", "sample": None}).removeprefix(
            "SELECT "
        )

    def parsed(self, expression: str) -> Node:
        """Return the node of an expression in SQL."""
        tree = _told(self._connection, f"SELECT {expression}")
        found: Node = tree["statements"][0]["node"]["select_list"][0]
        return found

    def relation(self, node: Node) -> str:
        """Return what stands in a FROM as SQL."""
        text = self._selected([{"class": "CONSTANT", "type": "VALUE_CONSTANT", "alias": "", **_ONE}], node)
        return text.removeprefix("SELECT 1 FROM ")

    def ctes(self, maps: Collection[Node]) -> str:
        """Return the WITH of the CTEs in some maps; an empty text where there are none."""
        entries = [entry for each in maps for entry in each["map"]]
        if not entries:
            return ""
        tree = json.loads(json.dumps(self._template))
        tree["statements"][0]["node"]["cte_map"] = {"map": entries}
        return written(self._connection, tree).removesuffix("SELECT 1 FROM x")

    def _selected(self, columns: list[Node], source: Node) -> str:
        statement = self._template["statements"][0]
        node = {**statement["node"], "select_list": columns, "from_table": source}
        return written(self._connection, {**self._template, "statements": [{**statement, "node": node}]})


_TEMPLATE: Node = {}
"""The tree of `SELECT 1 FROM x`: DuckDB is asked once a process."""
_ONE = {"literal": {"kind": "INTEGER", "text": "1"}}


def nodes(tree: Any, *, subqueries: bool = True) -> Iterator[Node]:
    """Yield every node of a tree, each before those within it.

    Args:
        subqueries: whether those within subqueries of an expression are among them; the subqueries themselves are.
    """
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            if subqueries or node.get("class") != "SUBQUERY":
                waiting += node.values()
            else:
                waiting.append(node.get("child"))
        elif isinstance(node, list):
            waiting += node


def cte_names(tree: Node) -> set[str]:
    """Return the names of every CTE of a tree, in lower case."""
    return {entry["key"].lower() for node in nodes(tree) if "cte_map" in node for entry in node["cte_map"]["map"]}


def is_harmless(node: Node, tables: Collection[str], ctes: Collection[str]) -> bool:
    """Return whether a node cannot lead to a table of ours by another way than its name in a FROM.

    Args:
        tables: the names of our tables, in lower case.
        ctes: those of CTEs.
    """
    match node.get("type"):
        case "BASE_TABLE":
            name = node["table_name"].lower()
            if node["schema_name"] or node.get("catalog_name"):
                return False
            return name in tables or name in ctes or "." in name or "/" in name
        case "TABLE_FUNCTION":
            return node["function"]["function_name"].lower() in _HARMLESS
        case "SHOW_REF":
            return bool(node.get("query"))
        case _:
            return True


def relations(source: Node, joins: list[Node]) -> Iterator[Node]:
    """Yield what a FROM joins; the joins are put into `joins`."""
    if source["type"] != "JOIN":
        yield source
        return
    joins.append(source)
    yield from relations(source["left"], joins)
    yield from relations(source["right"], joins)


def alias_of(relation: Node) -> str:
    """Return the name by which a relation's columns are meant, in lower case."""
    return str(relation.get("alias") or relation.get("table_name") or "").lower()


def is_now(node: Node) -> bool:
    """Return whether a node stands for the time of the query."""
    if node.get("class") == "COLUMN_REF":
        return len(node["column_names"]) == 1 and node["column_names"][0].lower() in _NOW_WORDS
    return node.get("class") == "FUNCTION" and node["function_name"].lower() in _NOW and not node["arguments"]


def has_column_named_like_now(tree: Node) -> bool:
    """Return whether a column is named by a word that else stands for the time: DuckDB knows which is meant."""
    named = (
        name
        for node in nodes(tree)
        for name in (node.get("alias"), *(node.get("column_name_alias") or ()), *(node.get("aliases") or ()))
    )
    return any(str(name).lower() in _NOW_WORDS for name in named)


def keep_names(tree: Node, writer: Writer) -> None:
    """Name the columns of every SELECT whose names would change with the subqueries and times within them."""
    for select in [node for node in nodes(tree) if node.get("type") == "SELECT_NODE"]:
        for column in select["select_list"]:
            if not column["alias"] and any(node.get("class") == "SUBQUERY" or is_now(node) for node in nodes(column)):
                column["alias"] = writer.expression(column)


def as_constants_of_now(connection: duckdb.DuckDBPyConnection, tree: Node, writer: Writer) -> None:
    """Put literals in place of what stands for the time of the query, so that planning and answering agree on it."""
    found = [node for node in nodes(tree) if is_now(node)]
    if not found:
        return
    texts = dict.fromkeys(writer.expression(node) for node in found)
    names = ", ".join(f"{text}::VARCHAR, typeof({text})" for text in texts)
    values = connection.execute(f"SELECT {names}").fetchone() or ()
    for number, text in enumerate(texts):
        constant = writer.parsed(f"CAST('{values[2 * number]}' AS {values[2 * number + 1]})")
        for node in found:
            if writer.expression(node) == text:
                alias = node["alias"]
                node.clear()
                node.update(constant, alias=alias)
