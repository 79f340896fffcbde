"""Plain DuckDB views with the tables' names over exactly the files that the ledger names, each checked before.

A file is listed by its exact path: no folder is searched, so what else lies about in the warehouse is never read.
"""

import contextlib
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import duckdb

from market_data.domain.columns import sql_columns, table_names, times
from market_data.domain.errors import ConfigurationError, WarehouseDamaged
from market_data.ledger.file import File
from market_data.ledger.reader import Reader, counting, files_of, must_be_kept, state_of
from market_data.warehouse.damage import damaged, error
from market_data.warehouse.ledger_answers import ROWS, LedgerAnswer, ledger_answers, rewrite
from market_data.warehouse.month_file import DATE, Source, sources
from market_data.warehouse.pruning import CLOCK, FIRST, KEYS, LAST, Condition, Need, Tables, needs
from market_data.warehouse.query_tree import (
    Node,
    Writer,
    as_constants_of_now,
    cte_names,
    is_harmless,
    keep_names,
    nodes,
    parsed,
    written,
)

Shape = Mapping[str, str]
"""Columns in order: names to SQL types."""

KEY_TYPES: Shape = {"feed": "VARCHAR", "symbol": "VARCHAR", "date": "DATE"}
_LISTED = ("id", *KEYS, ROWS, CLOCK, "_first_ns", "_last_ns", "_state", "_columns", "_path")
_LISTED_TYPES = ("BIGINT", "VARCHAR", "VARCHAR", "VARCHAR", "BIGINT", "VARCHAR", "BIGINT", "BIGINT", *["VARCHAR"] * 3)
_SELECTED = "id, feed, symbol, date, rows, clock, first_ns, last_ns, state, columns, path"
_FEW = 5_000
"""Rows that are handed to DuckDB as lists; more go by pyarrow, whose import takes as long as these."""
_MOST_SERIES = 200
_SERIES = """
    WITH RECURSIVE found(feed, symbol) AS (
        SELECT feed, symbol FROM partition_revisions WHERE id = (
            SELECT id FROM partition_revisions WHERE table_name = ? ORDER BY feed, symbol LIMIT 1)
        UNION ALL
        SELECT r.feed, r.symbol FROM found JOIN partition_revisions r ON r.id = (
            SELECT n.id FROM partition_revisions n
            WHERE n.table_name = ? AND (n.feed, n.symbol) > (found.feed, found.symbol)
            ORDER BY n.feed, n.symbol LIMIT 1)
    )
    SELECT feed, symbol FROM found
"""
"""Every feed and symbol of a table: one look into an index for each, where DISTINCT goes through all revisions."""
_SHAPES_NOW = """
    WITH RECURSIVE found(columns) AS (
        SELECT min(columns) FROM partition_revisions WHERE state = 'current' AND table_name = ?
        UNION ALL
        SELECT (SELECT min(n.columns) FROM partition_revisions n
                WHERE n.state = 'current' AND n.table_name = ? AND n.columns > found.columns)
        FROM found WHERE found.columns IS NOT NULL
    )
    SELECT columns FROM found WHERE columns IS NOT NULL
"""
"""Likewise of the shapes of what counts now."""
_DAYS = ("1900-01-01", "2149-12-31")


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


@dataclass(frozen=True, slots=True)
class Partitions:
    """Partitions of a table that a reference needs, as rows of `_LISTED`."""

    rows: Sequence[Sequence[Any]]


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
        found = needs(tree, self._tables, writer)
        shapes = {need.table: self._columns_of(need.table) for need in found}
        asked = {id(each.node): each for each in ledger_answers(tree, shapes, self._tables)}
        for need in found:
            self._made += 1
            name = f"_{prefix}{need.table}_{self._made}"
            answer = asked.get(id(need.node))
            partitions = Partitions(()) if need.of_no_rows else self._partitions(need, answer)
            if answer is not None and _knows(answer, partitions):
                name = f"{name}_listing"
                self._make_listing(name, need.table, partitions)
                rewrite(answer, writer)
            else:
                self._make(name, need.table, partitions)
            need.node["alias"] = need.node["alias"] or need.node["table_name"]
            need.node["table_name"] = name
            need.node["qualified_name"] = {"path": [name]}
        return written(self._connection, tree)

    def make_all(self, tables: Iterable[str], *, checked: bool = True) -> None:
        """Make the views of whole tables, under their names."""
        for table in tables:
            partitions = self._partitions(Need({}, table, table))
            self._make(table, table, partitions, checked=checked)

    def _is_understood(self, tree: Node, names: Collection[str]) -> bool:
        ctes = cte_names(tree)
        return not ctes.intersection(names) and all(is_harmless(node, names, ctes) for node in nodes(tree))

    @cached_property
    def _writer(self) -> Writer:
        return Writer(self._connection)

    @cached_property
    def _tables(self) -> Tables:
        found = self._connection.execute(
            "SELECT lower(function_name) FROM duckdb_functions() WHERE internal "
            "GROUP BY ALL HAVING bool_and(function_type = 'scalar' AND stability <> 'VOLATILE')"
        ).fetchall()
        return Tables({name: times(name) for name in table_names()}, {name for (name,) in found})

    # --- partitions ------------------------------------------------------------------------------

    def _partitions(self, need: Need, answer: LedgerAnswer | None = None) -> Partitions:
        """Return the partitions that a reference needs; where the ledger answers for all of a table, their sums.

        Raises:
            WarehouseDamaged: one that counted then is lost.
        """
        if answer is not None and not need.conditions and self._as_of is None:
            return self._summed(answer)
        conditions = [each for each in need.conditions if self._holds_for_rows_alone(need, each)]
        where, values = counting(self._as_of)
        clauses, bound = [f"table_name = ? AND {where}"], [need.table, *values]
        for clause, more in (self._of_series(need, conditions), self._of_days(need, conditions)):
            if clause:
                clauses.append(clause)
                bound += more
        query = f"SELECT {_SELECTED} FROM partition_revisions WHERE {' AND '.join(clauses)} ORDER BY feed, date, symbol"
        rows = self._reader.rows(query, bound)
        if rows and conditions:
            rows = self._fulfilling(need, conditions, rows)
        if lost := [row for row in rows if row[8] == "lost"]:
            raise error([self._damaged(need.table, [row], "is lost") for row in lost])
        return Partitions(rows)

    def _summed(self, answer: LedgerAnswer) -> Partitions:
        """Return rows as those of partitions, one for each value of the keys that are asked about.

        What counts now is not lost. With 100,000 partitions that is a quarter of the time of listing each.
        """
        keys = ", ".join(key if key in answer.keys else "NULL" for key in KEYS)
        clock = "CASE WHEN count(clock) = count(*) AND min(clock) = max(clock) THEN min(clock) END"
        sums = f"0, {keys}, sum(rows), {clock}, min(first_ns), max(last_ns), 'current', '', ''"
        where = "WHERE table_name = ? AND state = 'current' AND rows > 0"
        grouped = f" GROUP BY {', '.join(sorted(answer.keys))}" if answer.keys else " HAVING count(*) > 0"
        query = f"SELECT {sums} FROM partition_revisions {where}{grouped}"
        found = Partitions([(*row[:4], int(row[4]), *row[5:]) for row in self._reader.rows(query, [answer.table])])
        return found if _knows(answer, found) else self._partitions(Need(answer.node, answer.table, ""))

    def _holds_for_rows_alone(self, need: Need, condition: Condition) -> bool:
        if not condition.must_reject_nulls:
            return True
        listing = self._listing([[None] * len(_LISTED)])
        return self._tried(f'{need.ctes}SELECT 1 FROM {listing} AS "{need.alias}" WHERE {condition.sql}') == []

    def _of_series(self, need: Need, conditions: Sequence[Condition]) -> tuple[str, list[Any]]:
        """Return which feeds and symbols can fulfil the conditions that ask about nothing else, as a clause."""
        about = [each.sql for each in conditions if each.keys and each.keys <= {"feed", "symbol"}]
        if not about:
            return "", []
        there = self._reader.rows(_SERIES, [need.table] * 2)
        series = f"(SELECT unnest({_list(there, 0)}) AS feed, unnest({_list(there, 1)}) AS symbol)"
        found = self._tried(f'SELECT feed, symbol FROM {series} AS "{need.alias}" WHERE {" AND ".join(about)}')
        if found is None or len(found) > _MOST_SERIES or len(found) == len(there):
            return "", []
        by_feed: defaultdict[str, list[str]] = defaultdict(list)
        for feed, symbol in found:
            by_feed[feed].append(symbol)
        parts = [f"(feed = ? AND symbol IN ({', '.join('?' * len(symbols))}))" for symbols in by_feed.values()]
        values = [value for feed, symbols in by_feed.items() for value in (feed, *symbols)]
        return f"({' OR '.join(parts)})" if parts else "1 = 0", values

    def _of_days(self, need: Need, conditions: Sequence[Condition]) -> tuple[str, list[Any]]:
        """Return between which days those lie that fulfil the conditions that ask about days alone, as a clause."""
        about = [each.sql for each in conditions if each.keys == frozenset({"date"})]
        if not about:
            return "", []
        low, high = _DAYS
        days = f"(SELECT unnest(generate_series(DATE '{low}', DATE '{high}', INTERVAL 1 DAY))::DATE AS date)"
        bounds = f'min(date)::VARCHAR, max(date)::VARCHAR FROM {days} AS "{need.alias}" WHERE {" AND ".join(about)}'
        found = self._tried(f"SELECT {bounds}")
        if not found or found[0][0] is None:
            return "", []
        clauses = [
            (f"date {how} ?", day) for how, day, end in zip((">=", "<="), found[0], _DAYS, strict=True) if day != end
        ]
        return " AND ".join(clause for clause, _ in clauses), [day for _, day in clauses]

    def _fulfilling(self, need: Need, conditions: Sequence[Condition], rows: Sequence[Any]) -> Sequence[Any]:
        """Return the rows that fulfil every condition that DuckDB can tell of."""
        listing = self._listing(rows)
        kept: set[int] | None = None
        for condition in conditions:
            found = self._tried(f'{need.ctes}SELECT id FROM {listing} AS "{need.alias}" WHERE {condition.sql}')
            if found is not None:
                ids = {id_ for (id_,) in found}
                kept = ids if kept is None else kept & ids
        return rows if kept is None else [row for row in rows if row[0] in kept]

    def _tried(self, query: str) -> list[tuple[Any, ...]] | None:
        """Return what a query gives; None where it cannot be asked while planning: then it says nothing."""
        with contextlib.suppress(duckdb.Error):
            return self._connection.execute(query).fetchall()
        return None

    def _listing(self, rows: Sequence[Sequence[Any]]) -> str:
        """Make a listing of partitions; return its name."""
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE _listing AS {self._select_listed(rows)}")
        return "temp._listing"

    def _select_listed(self, rows: Sequence[Sequence[Any]]) -> str:
        instants = (
            f"make_timestamp_ns(_first_ns) AS {FIRST}, make_timestamp_ns(_last_ns) AS {LAST}, "
            f"* EXCLUDE (_first_ns, _last_ns) REPLACE (date::DATE AS date)"
        )
        if len(rows) <= _FEW:
            columns = ", ".join(
                f"unnest({_list(rows, place)}::{kind}[]) AS {name}"
                for place, (name, kind) in enumerate(zip(_LISTED, _LISTED_TYPES, strict=True))
            )
            return f"SELECT {instants} FROM (SELECT {columns})"
        self._connection.register("_listed_rows", _arrays(rows))
        typed = ", ".join(f"{name}::{kind} AS {name}" for name, kind in zip(_LISTED, _LISTED_TYPES, strict=True))
        return f"SELECT {instants} FROM (SELECT {typed} FROM _listed_rows)"

    # --- views -----------------------------------------------------------------------------------

    def _make_listing(self, name: str, table: str, partitions: Partitions) -> None:
        """Make what a SELECT asks that the ledger answers: a row a partition that has rows."""
        rows = [row for row in partitions.rows if row[4]]
        self._connection.execute(f'CREATE OR REPLACE TEMP TABLE "{name}" AS {self._select_listed(rows)}')
        self.listed[table] = self.listed.get(table, 0)

    def _make(self, name: str, table: str, partitions: Partitions, *, checked: bool = True) -> None:
        """Make a view of the rows of partitions.

        Raises:
            WarehouseDamaged: a file of theirs is gone or damaged.
        """
        if checked:
            self._check(table, partitions)
        root = self._files.root.absolute().as_posix()
        files = sources((row[9], f"{root}/{row[10]}", row[3]) for row in partitions.rows)
        shapes = self._shapes_of(table)
        select = _select(table, shapes, files, self._guard)
        self._connection.execute(f"CREATE OR REPLACE VIEW {_quoted(name)} AS {select}")
        self.listed[table] = self.listed.get(table, 0) + len(partitions.rows)

    def _check(self, table: str, partitions: Partitions) -> None:
        by_path: defaultdict[str, list[Sequence[Any]]] = defaultdict(list)
        for row in partitions.rows:
            by_path[row[10]].append(row)
        files = files_of(self._reader, list(by_path))
        bad = self._files.faults(list(files.values()))
        bad |= {path: "is in no list of files" for path in by_path if path not in files}
        if bad:
            raise error([self._damaged(table, by_path[path], fault) for path, fault in sorted(bad.items())])

    def _damaged(self, table: str, rows: Sequence[Sequence[Any]], fault: str) -> str:
        """Return the sentence on partitions of one file."""
        days = sorted(str(row[3]) for row in rows)
        _, feed, symbol, *_ = rows[0]
        counts = any(row[8] == "current" for row in rows)
        address = self._files.backend.address(rows[0][10])
        return damaged(table, feed, symbol, days, address, fault, counts=counts)

    def _columns_of(self, table: str) -> set[str]:
        return {name.lower() for shape in self._shapes_of(table).values() for name in shape}

    def _shapes_of(self, table: str) -> Mapping[str, Shape]:
        """Return the shapes of all the table's files: a view's columns are the same whatever is asked."""
        where, values = counting(self._as_of)
        query = f"SELECT DISTINCT columns FROM partition_revisions WHERE table_name = ? AND {where}"
        query, values = (query, [table, *values]) if self._as_of is not None else (_SHAPES_NOW, [table] * 2)
        found = [columns for (columns,) in self._reader.rows(query, values)]
        return {columns: self._shape(table, columns) for columns in sorted(found)}

    def _shape(self, table: str, columns: str) -> Shape:
        """Return the columns that a fingerprint stands for. Those of earlier versions are read off a file, checked."""
        if columns not in _SHAPES:
            known = self._reader.rows("SELECT types FROM shapes WHERE columns = ?", [columns])
            _SHAPES[columns] = dict(_decoded(known[0][0])) if known else self._described(table, columns)
        return _SHAPES[columns]

    def _described(self, table: str, columns: str) -> Shape:
        where, values = counting(self._as_of)
        query = f"SELECT {_SELECTED} FROM partition_revisions WHERE table_name = ? AND columns = ? AND {where} LIMIT 20"
        trouble: WarehouseDamaged | None = None
        for row in self._reader.rows(query, [table, columns, *values]):
            try:
                self._check(table, Partitions([row]))
            except WarehouseDamaged as damage:
                trouble = damage
                continue
            path = (self._files.root / row[10]).as_posix()
            described = self._connection.execute("DESCRIBE FROM read_parquet(?, hive_partitioning = false)", [path])
            return {name: kind for name, kind, *_ in described.fetchall()}
        raise trouble or WarehouseDamaged(f"{table}: no file tells what its columns {columns} are")


_SHAPES: dict[str, Shape] = {}
"""By fingerprint, which determines it."""


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


def _knows(answer: LedgerAnswer, partitions: Partitions) -> bool:
    """Return whether the ledger has the bounds that are asked."""
    return all(row[5] == clock for clock in answer.clocks for row in partitions.rows if row[4])


def _select(table: str, shapes: Mapping[str, Shape], files: Sequence[Source], guard: str) -> str:
    own = sql_columns(table)
    distinct = {tuple(shape.items()): shape for shape in (own, *shapes.values())}
    widest = _widest(table, list(distinct.values()))
    parts = [_no_rows({**KEY_TYPES, **{each: widest[each] for each in shape}}, guard) for shape in distinct.values()]
    parts += [_rows(shapes[source.columns], source) for source in files]
    instants = ", ".join(f"make_timestamp_ns({_quoted(each)}) AS {_quoted(each)}" for each in times(table))
    star = f"* REPLACE ({instants})" if instants else "*"
    union = "\nUNION ALL BY NAME ".join(parts)
    return f"SELECT {star} FROM ({union})"


def _widest(table: str, shapes: Sequence[Shape]) -> Shape:
    """Return one type for each column. Decimals of different scale are read at the widest, exactly.

    Raises:
        ConfigurationError: files have one column in types that are not one.
    """
    found: dict[str, str] = {}
    for shape in shapes:
        for name, kind in shape.items():
            found[name] = kind if name not in found else _one_type(table, name, found[name], kind)
    return found


def _one_type(table: str, name: str, first: str, second: str) -> str:
    if first == second:
        return first
    decimals = [re.fullmatch(r"DECIMAL\((\d+), ?(\d+)\)", kind) for kind in (first, second)]
    if any(each is None for each in decimals):
        raise ConfigurationError(f"{table}.{name} is {first} in some files and {second} in others; rename one of them")
    sizes = [(int(each[1]), int(each[2])) for each in decimals if each is not None]
    scale, whole = max(s for _, s in sizes), max(p - s for p, s in sizes)
    if scale + whole > 38:  # noqa: PLR2004  DuckDB's most digits
        raise ConfigurationError(f"{table}.{name} is {first} in some files and {second} in others: no type holds both")
    return f"DECIMAL({scale + whole}, {scale})"


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


def _list(rows: Sequence[Sequence[Any]], place: int) -> str:
    """Return a column of rows as a list in SQL."""
    return f"[{', '.join(_literal(row[place]) for row in rows)}]"


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


def _arrays(rows: Sequence[Sequence[Any]]) -> Any:
    import pyarrow as pa  # noqa: PLC0415  only large listings need it

    columns = zip(*rows, strict=True)
    kinds = {"BIGINT": pa.int64(), "VARCHAR": pa.string()}
    return pa.table(
        {
            name: pa.array([None if v is None else v if kind == "BIGINT" else str(v) for v in column], kinds[kind])
            for name, kind, column in zip(_LISTED, _LISTED_TYPES, columns, strict=True)
        }
    )


def _decoded(types: Any) -> Any:
    import json  # noqa: PLC0415  SQLite gives JSON as text

    return json.loads(types) if isinstance(types, str) else types


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
