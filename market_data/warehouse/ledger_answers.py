"""SELECTs that ask only what the ledger knows: counts, keys, first and last instants. No file is opened for them.

Such a SELECT is rewritten to ask a listing of partitions instead of their rows: `count(*)` is the sum of their rows.
Whatever is not understood is left as it is.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from market_data.warehouse.pruning import FIRST, LAST, Tables
from market_data.warehouse.query_tree import Node, Writer, alias_of, nodes
from market_data.warehouse.shapes import KEYS

ROWS = "_rows"
_ONCE = {"min", "max", "any_value", "bool_and", "bool_or"}
"""Aggregates that are the same however often a row is there."""
_OF_ROWS = {"SUBQUERY", "STAR", "WINDOW", "PARAMETER", "LAMBDA", "POSITIONAL_REFERENCE"}
_BOUND = {"min": FIRST, "max": LAST}


@dataclass(frozen=True, slots=True)
class LedgerAnswer:
    """A SELECT that can be asked of a listing.

    Attributes:
        select: its node.
        node: that of the table.
        clocks: the columns of instants whose bounds it asks: they must be the clock of every partition it needs.
        keys: which of the keys it names, but for the day where it asks only the first or last.
        asks_days: whether it asks the first or last day.
    """

    select: Node
    node: Node
    table: str
    clocks: frozenset[str]
    keys: frozenset[str]
    asks_days: bool


def ledger_answers(tree: Node, columns: Mapping[str, Collection[str]], tables: Tables) -> Iterator[LedgerAnswer]:
    """Yield the SELECTs that the ledger can answer.

    Args:
        columns: by table, every column that some partition has.
    """
    for select in nodes(tree):
        if select.get("type") != "SELECT_NODE":
            continue
        source = select["from_table"]
        if source["type"] != "BASE_TABLE" or (table := source["table_name"].lower()) not in columns:
            continue
        if source["sample"] or source["column_name_alias"] or source.get("at_clause") or select["sample"]:
            continue
        asked = _Asked(select, alias_of(source), table, columns[table], tables).what_is_asked()
        if asked is not None:
            yield LedgerAnswer(select, source, table, *asked)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one SELECT asks of its table."""

    select: Node
    alias: str
    table: str
    columns: Collection[str]
    tables: Tables

    def what_is_asked(self) -> tuple[frozenset[str], frozenset[str], bool] | None:
        """Return clocks, keys and whether days are asked, as of `LedgerAnswer`; None where rows are wanted."""
        parts = [value for name, value in self.select.items() if name not in {"from_table", "cte_map"}]
        inner = [node for part in parts for node in nodes(part)]
        if any(node.get("class") in _OF_ROWS for node in inner):
            return None
        if self.select["cte_map"]["map"] or self.select["qualify"]:
            return None
        aggregates = [node for node in inner if _aggregate(node) is not None]
        if not aggregates and not self.select["group_expressions"] and not _is_distinct(self.select):
            return None
        if any(node.get("class") == "FUNCTION" and not self._is_known(node) for node in inner):
            return None
        bounds = [node for node in aggregates if self._bound(node) is not None]
        within = {id(each) for node in bounds for each in nodes(node)}
        named = [node for node in inner if node.get("class") == "COLUMN_REF" and id(node) not in within]
        if not all(map(self._is_key, named)):
            return None
        ends = {id(_argument(node)) for node in aggregates if _aggregate(node) in _BOUND}
        days = [node for node in named if id(node) in ends and node["column_names"][-1].lower() == "date"]
        keys = {node["column_names"][-1].lower() for node in named if node not in days}
        clocks = frozenset(str(self._bound(node)) for node in bounds)
        return clocks, frozenset(keys.intersection(KEYS)), bool(days)

    def _is_known(self, node: Node) -> bool:
        if node["order_bys"] and node["order_bys"]["orders"]:
            return False
        return _aggregate(node) is not None or node["function_name"].lower() in self.tables.functions

    def _bound(self, node: Node) -> str | None:
        """Return the instant whose first or last value an aggregate is."""
        name = _aggregate(node)
        if name not in _BOUND or node["filter"]:
            return None
        column = _argument(node)
        if column.get("class") != "COLUMN_REF":
            return None
        *qualifier, word = (part.lower() for part in column["column_names"])
        return word if word in self.tables.times[self.table] and qualifier in ([], [self.alias]) else None

    def _is_key(self, node: Node) -> bool:
        *qualifier, name = (part.lower() for part in node["column_names"])
        if qualifier:
            return qualifier == [self.alias] and name in KEYS
        if name in KEYS:
            return True
        aliases = {column["alias"].lower() for column in self.select["select_list"]}
        ordered = {id(each) for each in nodes([self.select["modifiers"], self.select["having"]])}
        listed = name.startswith("_")  # it may be a column of the listing
        return name in aliases and name not in self.columns and id(node) in ordered and not listed


def rewrite(answer: LedgerAnswer, writer: Writer) -> None:
    """Have a SELECT ask a listing, which has the keys, `_rows`, `_first` and `_last`, in place of rows."""
    select = answer.select
    for column in select["select_list"]:
        if not column["alias"] and any(_aggregate(node) is not None for node in nodes(column)):
            column["alias"] = writer.expression(column)
    for part in (value for name, value in select.items() if name not in {"from_table", "cte_map"}):
        for node in list(nodes(part)):
            if (name := _aggregate(node)) is not None:
                _rewrite(node, name, answer, writer)


def _rewrite(node: Node, name: str, answer: LedgerAnswer, writer: Writer) -> None:
    if name in _BOUND and _argument(node).get("class") == "COLUMN_REF":
        column = _argument(node)
        if column["column_names"][-1].lower() in answer.clocks:
            column["column_names"] = [*column["column_names"][:-1], _BOUND[name]]
    counts = name == "count_star" or (name == "count" and not node["distinct"])
    if counts:
        rows = ROWS
        if name == "count":
            rows = f"CASE WHEN {writer.expression(_argument(node))} IS NULL THEN 0 ELSE {ROWS} END"
        summed = writer.parsed(f"CAST(COALESCE(sum({rows}), 0) AS BIGINT)")
        next(each for each in nodes(summed) if each.get("function_name") == "sum")["filter"] = node["filter"]
        alias = node["alias"]
        node.clear()
        node.update(summed, alias=alias)


def _aggregate(node: Node) -> str | None:
    """Return the name of an aggregate; None where a node is none of those that a listing can answer."""
    if node.get("class") != "FUNCTION":
        return None
    name = str(node["function_name"]).lower()
    if name in _ONCE:  # with a second argument they give a list, in which a value is as often as in the rows
        return name if len(node["arguments"]) == 1 else None
    return name if name in {"count", "count_star"} else None


def _argument(node: Node) -> Node:
    found: Any = node["arguments"][0]
    return found.get("expression", found)


def _is_distinct(select: Node) -> bool:
    return any(each.get("type") == "DISTINCT_MODIFIER" for each in select["modifiers"])
