"""Plain DuckDB views with the tables' names over exactly the files that the ledger names, each checked before.

A file is listed by its exact path: no folder is searched, so what else lies about in the warehouse is never read.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol

import duckdb

from market_data.domain.columns import sql_columns, table_names, times
from market_data.domain.errors import ConfigurationError, WarehouseDamaged
from market_data.ledger.file import File
from market_data.ledger.reader import Reader, counting, files_of, must_be_kept, state_of
from market_data.warehouse.damage import damaged, error
from market_data.warehouse.ledger_answers import ledger_answers, rewrite
from market_data.warehouse.month_file import DATE, Source, sources
from market_data.warehouse.partition_search import SELECTED, Listed, PartitionSearch
from market_data.warehouse.pruning import Tables, needs
from market_data.warehouse.query_tree import (
    Node,
    Writer,
    as_constants_of_now,
    cte_names,
    has_column_named_like_now,
    is_harmless,
    keep_names,
    nodes,
    parsed,
    written,
)
from market_data.warehouse.shapes import KEY_TYPES, KEYS, Shape, Shapes, one_shape


class Files(Protocol):
    """The part of a file store that views need (`warehouse.file_store.FileStore`)."""

    @property
    def root(self) -> Any:
        """See `FileStore`."""
        ...

    @property
    def backend(self) -> Any:
        """See `FileStore`."""
        ...

    def faults(self, files: Sequence[File]) -> dict[str, str]:
        """See `FileStore`."""
        ...


class Views:
    """Makes views on one connection, of what counts at one moment. Queries become queries of the views they need.

    Args:
        connection: of DuckDB; the views are made in it, under names of their own or the tables'.
        reader: of the ledger, as of one instant.
        as_of: the number of the commit right after which is asked; None for now.
        guard: a condition that holds, or raises, before a view gives a row.

    Raises:
        ConfigurationError: history ended meanwhile, and nothing is told any more as of `as_of`.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        files: Files,
        reader: Reader,
        as_of: int | None = None,
        *,
        guard: str = "",
    ) -> None:
        self._connection = connection
        self._files = files
        self._reader = reader
        state = state_of(reader)
        if as_of is not None:
            must_be_kept(reader, state, as_of, as_of)
        self._as_of = None if as_of == state.last_commit else as_of  # what counts now is found faster
        self._search = PartitionSearch(connection, reader, self._as_of, self._lost)
        self._shapes = Shapes(reader, self._as_of, self._described)
        self._guard = guard
        self._made = 0
        self.listed: dict[str, int] = {}

    # --- queries ---------------------------------------------------------------------------------

    def planned(self, query: str, prefix: str = "") -> str:
        """Return a query that gives the same answer over views that are made for it alone.

        Args:
            prefix: of the names of its views, which no other query's views may have.

        Raises:
            WarehouseDamaged: a file that it needs is gone or damaged.
        """
        tree = parsed(self._connection, query)
        names = table_names()
        if tree is None or not self._is_understood(tree, names):
            self.make_all(table for table in names if re.search(rf"\b{table}\b", query, re.IGNORECASE))
            return query
        if not any(node.get("type") == "BASE_TABLE" and node["table_name"].lower() in names for node in nodes(tree)):
            return query
        writer = self._writer
        keep_names(tree, writer)
        as_constants_of_now(self._connection, tree, writer)
        known = known_tables(self._connection)
        found = needs(tree, known, writer)
        columns = {need.table: self._shapes.columns(need.table) for need in found}
        asked = {id(each.node): each for each in ledger_answers(tree, columns, known)}
        for need in found:
            self._made += 1
            name = f"_{prefix}{need.table}_{self._made}"
            answer = asked.get(id(need.node))
            answered = None if answer is None else self._search.answering(need, answer)
            if answer is not None and answered is not None:
                name = f"{name}_listing"
                self._search.make_listing(name, answered)
                self.listed[need.table] = self.listed.get(need.table, 0)
                rewrite(answer, writer)
            else:
                self._make(name, need.table, self._search.needed(need))
            need.node["alias"] = need.node["alias"] or need.node["table_name"]
            need.node["table_name"] = name
            need.node["qualified_name"] = {"path": [name]}
        return written(self._connection, tree)

    def make_all(self, tables: Iterable[str], *, checked: bool = True) -> None:
        """Make the views of whole tables, under their names."""
        for table in tables:
            self._make(table, table, self._search.all_of(table), checked=checked)

    def _is_understood(self, tree: Node, names: Collection[str]) -> bool:
        ctes = cte_names(tree)
        if ctes.intersection(names) or has_column_named_like_now(tree):
            return False
        return all(is_harmless(node, names, ctes) for node in nodes(tree))

    @cached_property
    def _writer(self) -> Writer:
        return Writer(self._connection)

    # --- views -----------------------------------------------------------------------------------

    def _make(self, name: str, table: str, partitions: Sequence[Listed], *, checked: bool = True) -> None:
        """Make a view of the rows of partitions.

        Raises:
            WarehouseDamaged: a file of theirs is gone or damaged.
        """
        if checked:
            self._check(table, partitions)
        root = self._files.root.absolute().as_posix()
        files = sources((each.columns, f"{root}/{each.path}", each.date) for each in partitions)
        shapes = self._shapes.of(table)
        select = _select(table, shapes, files, self._guard)
        self._connection.execute(f"CREATE OR REPLACE VIEW {_quoted(name)} AS {select}")
        self.listed[table] = self.listed.get(table, 0) + len(partitions)

    def _check(self, table: str, partitions: Iterable[Listed]) -> None:
        by_path: defaultdict[str, list[Listed]] = defaultdict(list)
        for each in partitions:
            by_path[each.path].append(each)
        files = files_of(self._reader, list(by_path))
        bad = self._files.faults(list(files.values()))
        bad |= {path: "is in no list of files" for path in by_path if path not in files}
        if bad:
            raise error([self._damaged(table, by_path[path], fault) for path, fault in sorted(bad.items())])

    def _damaged(self, table: str, partitions: Sequence[Listed], fault: str) -> str:
        """Return the sentence on partitions of one file."""
        days, one = sorted(str(each.date) for each in partitions), partitions[0]
        counts = any(each.state == "current" for each in partitions)
        address = self._files.backend.address(one.path)
        return damaged(table, str(one.feed), str(one.symbol), days, address, fault, counts=counts)

    def _lost(self, table: str, partitions: Sequence[Listed]) -> WarehouseDamaged:
        return error([self._damaged(table, [each], "is lost") for each in partitions])

    def _described(self, table: str, columns: str) -> Shape:
        where, values = counting(self._as_of)
        query = f"SELECT {SELECTED} FROM partition_revisions WHERE table_name = ? AND columns = ? AND {where} LIMIT 20"
        trouble: WarehouseDamaged | None = None
        for each in map(Listed._make, self._reader.rows(query, [table, columns, *values])):
            try:
                self._check(table, [each])
            except WarehouseDamaged as damage:
                trouble = damage
                continue
            path = (self._files.root / each.path).as_posix()
            described = self._connection.execute("DESCRIBE FROM read_parquet(?, hive_partitioning = false)", [path])
            return {name: kind for name, kind, *_ in described.fetchall()}
        raise trouble or WarehouseDamaged(f"{table}: no file tells what its columns {columns} are")


def known_tables(connection: duckdb.DuckDBPyConnection) -> Tables:
    """Return what is known of our tables and DuckDB's own functions: asked once, as that takes as long as a query."""
    if not _FUNCTIONS:
        found = connection.execute(
            "SELECT lower(function_name) FROM duckdb_functions() WHERE internal "
            "GROUP BY ALL HAVING bool_and(function_type = 'scalar' AND stability = 'CONSISTENT')"
        )
        _FUNCTIONS.update(name for (name,) in found.fetchall() if name not in _OF_NOW)
    return Tables({name: times(name) for name in table_names()}, _FUNCTIONS)


_FUNCTIONS: set[str] = set()
_OF_NOW = {"age"}
"""Functions that ask the clock where they have one argument, which DuckDB does not say."""


def prepare(connection: duckdb.DuckDBPyConnection, files: Files) -> None:
    """Set what the views rely on.

    Raises:
        ConfigurationError: a folder above the warehouse is named like those of partitions.
    """
    parts = files.root.absolute().parts
    if named := [part for part in parts if part.partition("=")[0] in KEYS and "=" in part]:
        raise ConfigurationError(f"{files.root}: a folder above the warehouse must not be named like {named[0]!r}")
    for setting in ("autoinstall_known_extensions = false", "autoload_known_extensions = false", "TimeZone = 'UTC'"):
        connection.execute(f"SET {setting}")


def _select(table: str, shapes: Mapping[str, Shape], files: Sequence[Source], guard: str) -> str:
    own = sql_columns(table)
    distinct = {tuple(shape.items()): shape for shape in (own, *shapes.values())}
    widest = one_shape(table, distinct.values())
    parts = [
        _no_rows({**KEY_TYPES, **{each: widest[each.lower()] for each in shape}}, guard) for shape in distinct.values()
    ]
    parts += [_rows(shapes[source.columns], source) for source in files]
    instants = ", ".join(f"make_timestamp_ns({_quoted(each)}) AS {_quoted(each)}" for each in times(table))
    star = f"* REPLACE ({instants})" if instants else "*"
    union = "\nUNION ALL BY NAME ".join(parts)
    return f"SELECT {star} FROM ({union})"


def _no_rows(shape: Shape, guard: str) -> str:
    """Return a SELECT without rows. No plan leaves out a guard that stands here because there are no files."""
    nulls = ", ".join(f"NULL::{kind} AS {_quoted(name)}" for name, kind in shape.items())
    return f"SELECT {nulls} WHERE {f'NOT {guard}' if guard else 'false'}"


def _rows(shape: Shape, source: Source) -> str:
    """Without the types, symbol `1000` would become a number. Months have the date in a column of their own."""
    columns = ", ".join(map(_quoted, (*KEY_TYPES, *shape)))
    listed = ", ".join("'" + path.replace("'", "''") + "'" for path in source.paths)
    types = ", ".join(f"{name}: {kind}" for name, kind in KEY_TYPES.items() if name != DATE or not source.is_month)
    meant = ", ".join(f"DATE '{day}'" for day in source.days)
    where = f" WHERE {DATE} IN ({meant})" if meant else ""
    return f"SELECT {columns} FROM read_parquet([{listed}], hive_partitioning = true, hive_types = {{{types}}}){where}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
