"""Which partitions of a table a query can need, as the ledger lists them. DuckDB says what a condition means.

A table may have a million partitions, so conditions narrow the ledger's own search as far as its indexes go: by the
series that can be meant, by the first and last day, by the instants. What is left is listed, and DuckDB is asked which
of it fulfils the conditions that are still open. Views over the files are made in `views`.
"""

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import duckdb

from market_data.domain.errors import WarehouseDamaged
from market_data.ledger.reader import Reader, counting
from market_data.warehouse.ledger_answers import ROWS, LedgerAnswer
from market_data.warehouse.pruning import CLOCK, FIRST, LAST, Condition, Need
from market_data.warehouse.shapes import KEYS


class Listed(NamedTuple):
    """A partition as the ledger lists it, or several as one, by which a question about the ledger is answered.

    Attributes:
        date: ISO 8601, or a date, as the database gives it.
    """

    id: int
    feed: str | None
    symbol: str | None
    date: Any
    rows: int
    clock: str | None
    first_ns: int | None
    last_ns: int | None
    state: str
    columns: str
    path: str


@dataclass(frozen=True, slots=True)
class _Narrowed:
    """How far conditions narrow the ledger's own search.

    Attributes:
        symbols: those that can be meant, by feed; None where a feed's are not told apart.
        everything: whether all series of the table, of any day, can be meant.
        days, instants: what holds of each row, with its values.
        open: conditions that the clauses do not decide.
    """

    symbols: dict[str, list[str] | None]
    everything: bool
    days: Sequence[tuple[str, Sequence[Any]]]
    instants: Sequence[tuple[str, Sequence[Any]]]
    open: Sequence[Condition]


class _Series(NamedTuple):
    feed: str
    symbol: str
    first_date: Any
    last_date: Any


SELECTED = ", ".join(Listed._fields)
_TYPES = dict.fromkeys(("_id", *KEYS, ROWS, CLOCK, "_first_ns", "_last_ns"), "BIGINT") | {
    **dict.fromkeys(("feed", "symbol", CLOCK), "VARCHAR"),
    "date": "DATE",
}
"""Of a listing, in the order of what is listed."""
_FEW = 20_000
"""Rows that are handed to DuckDB as parameters; more go by pyarrow, whose import takes as long as these."""
_MOST_SYMBOLS = 2_000
"""Of one feed that are looked up one by one."""
_END = (
    "(SELECT r.date FROM partition_revisions r WHERE r.table_name = ? AND r.state = 'current' AND r.feed = s.feed "
    "AND r.symbol = s.symbol AND r.rows > 0 ORDER BY r.date {} LIMIT 1)"
)
_ENDS = f"SELECT feed, symbol, rows, {_END.format('ASC')}, {_END.format('DESC')} FROM series s WHERE table_name = ?"
_INSTANTS = (
    f"make_timestamp_ns(_first_ns) AS {FIRST}, make_timestamp_ns(_last_ns) AS {LAST}, "
    "* EXCLUDE (_first_ns, _last_ns) REPLACE (date::DATE AS date)"
)
_LISTED = ", ".join(f"unnest(${n}::{kind}[]) AS {name}" for n, (name, kind) in enumerate(_TYPES.items(), 1))
_LISTING = f"SELECT {_INSTANTS} FROM (SELECT {_LISTED})"
_NULLS = f"SELECT {_INSTANTS} FROM (SELECT {', '.join(f'NULL::{kind} AS {name}' for name, kind in _TYPES.items())})"
"""A row such as an outer join fills in."""
_OPEN = "_market_data_listing"
"""The table of partitions that conditions are still to be asked of."""
_SLACK_NS = 1_000_000_000
"""DuckDB may compare instants in a coarser type than nanoseconds; it decides afterwards."""
_MOST_NS = 2**62


class PartitionSearch:
    """Finds partitions of what counts at one moment.

    Args:
        connection: of DuckDB; listings are made in it.
        as_of: the number of the commit right after which is asked; None for now.
        lost: makes the error of partitions that counted then and are lost.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        reader: Reader,
        as_of: int | None,
        lost: Callable[[str, Sequence[Listed]], WarehouseDamaged],
    ) -> None:
        self._connection = connection
        self._reader = reader
        self._as_of = as_of
        self._lost = lost

    def all_of(self, table: str) -> Sequence[Listed]:
        """Return every partition of a table that counts then. Raises as `needed`."""
        return self.needed(Need({}, table, table))

    def needed(self, need: Need) -> Sequence[Listed]:
        """Return the partitions that a reference needs.

        Raises:
            WarehouseDamaged: one that counted then is lost.
        """
        if need.of_no_rows:
            return ()
        narrowed = self._narrowed(need)
        rows = list(self._listed(need.table, narrowed))
        if rows and narrowed.open:
            rows = self._fulfilling(need, narrowed.open, rows)
        if lost := [row for row in rows if row.state == "lost"]:
            raise self._lost(need.table, lost)
        return rows

    def answering(self, need: Need, answer: LedgerAnswer) -> Sequence[Listed] | None:
        """Return rows that answer a SELECT that asks only what the ledger knows; None where it does not know it.

        The SELECT's own WHERE is asked of them once more. Raises as `needed`.
        """
        if self._as_of is not None or need.of_no_rows:
            rows = self.needed(need)
        elif answer.keys <= {"feed", "symbol"} and not answer.clocks:
            rows = self._of_series(need, answer)
        else:  # what counts now is not lost
            rows = list(self._summed(need, answer))
        known = all(row.clock == clock for clock in answer.clocks for row in rows if row.rows)
        return [row for row in rows if row.rows] if known else None

    def make_listing(self, name: str, rows: Sequence[Listed]) -> None:
        """Make a table that lists partitions: their keys, and what the ledger knows, under names with `_`."""
        columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * len(_TYPES)
        create, columns = f'CREATE OR REPLACE TEMP TABLE "{name}" AS', columns[: len(_TYPES)]
        if len(rows) <= _FEW:  # 5,000 take 25 ms, as literals in the SQL 970
            self._connection.execute(f"{create} {_LISTING}", columns)
        else:
            self._connection.register("_listed", _arrow_table(columns))
            self._connection.execute(f"{create} SELECT {_INSTANTS} FROM _listed")
            self._connection.unregister("_listed")

    # --- answers ---------------------------------------------------------------------------------

    def _of_series(self, need: Need, answer: LedgerAnswer) -> Sequence[Listed]:
        """Return two rows a series, of its first and its last day that have rows; both are one where that is all.

        What a commit keeps of each series says how many rows there are: no revision is counted for it.
        """
        if not answer.asks_days:
            sums = self._reader.rows("SELECT feed, symbol, rows FROM series WHERE table_name = ?", [need.table])
            return [_row(feed, symbol, None, rows) for feed, symbol, rows in sums]
        found: list[Listed] = []
        for feed, symbol, rows, first, last in self._reader.rows(_ENDS, [need.table] * 3):
            if rows:
                found.append(_row(feed, symbol, last, 1 if first != last else rows))
                found += [_row(feed, symbol, first, rows - 1)] if first != last else []
        return found

    def _summed(self, need: Need, answer: LedgerAnswer) -> Iterator[Listed]:
        """Yield rows as those of partitions, one for each value of the keys that are asked about.

        With 100,000 partitions that is a quarter of the time of listing each.
        """
        asked = answer.keys | ({"date"} if answer.asks_days else set())
        keys = ", ".join(key if key in asked else "NULL" for key in KEYS)
        clock = "CASE WHEN count(clock) = count(*) AND min(clock) = max(clock) THEN min(clock) END"
        sums = f"0, {keys}, sum(rows), {clock}, min(first_ns), max(last_ns), 'current', '', ''"
        grouped = f"GROUP BY {', '.join(sorted(asked))}" if asked else "HAVING count(*) > 0"
        for where, values in self._searches(need.table, self._narrowed(need)):
            query = f"SELECT {sums} FROM partition_revisions WHERE {where} AND rows > 0 {grouped}"
            for row in self._reader.rows(query, values):
                yield Listed._make((*row[:4], int(row[4]), *row[5:]))

    # --- the ledger's search ---------------------------------------------------------------------

    def _narrowed(self, need: Need) -> _Narrowed:
        conditions = [each for each in need.conditions if self._holds_for_rows_alone(need, each)]
        if not conditions:
            return _Narrowed({}, True, (), (), ())
        query = "SELECT feed, symbol, first_date, last_date FROM series WHERE table_name = ? ORDER BY feed, symbol"
        there = [_Series(*row) for row in self._reader.rows(query, [need.table])]
        chosen, undecided = self._meant_series(need, conditions, there)
        days, undecided = self._meant_days(need, undecided, chosen)
        instants = [
            (f"(clock IS NULL OR clock <> ? OR {bound} IS NULL OR {bound} {how} ?)", [column, ns])
            for condition in undecided
            for column, bound, how, ns in self._bounds(condition)
        ]
        symbols: defaultdict[str, list[str]] = defaultdict(list)
        for series in chosen:
            symbols[series.feed].append(series.symbol)
        by_feed = {
            feed: None if len(chosen) == len(there) or len(found) > _MOST_SYMBOLS else found
            for feed, found in symbols.items()
        }
        everything = len(chosen) == len(there) and not days
        if any(len(found) > _MOST_SYMBOLS for found in symbols.values()) and len(chosen) < len(there):
            undecided = conditions
        return _Narrowed(by_feed, everything, days, instants, undecided)

    def _meant_series(
        self, need: Need, conditions: Sequence[Condition], there: Sequence[_Series]
    ) -> tuple[Sequence[_Series], Sequence[Condition]]:
        """Return which series can fulfil the conditions that ask about nothing else, and the other conditions."""
        about = [each for each in conditions if each.keys and each.keys <= {"feed", "symbol"}]
        if not about or not there:
            return there, conditions
        columns = f"unnest({_list(s.feed for s in there)}) AS feed, unnest({_list(s.symbol for s in there)}) AS symbol"
        listed = f"(SELECT {columns}, unnest(range({len(there)})) AS number)"
        where = " AND ".join(each.sql for each in about)
        found = self._tried(f'SELECT number FROM {listed} AS "{need.alias}" WHERE {where} ORDER BY number')
        if found is None:
            return there, conditions
        return [there[number] for (number,) in found], [each for each in conditions if each not in about]

    def _meant_days(
        self, need: Need, conditions: Sequence[Condition], chosen: Sequence[_Series]
    ) -> tuple[Sequence[tuple[str, Sequence[Any]]], Sequence[Condition]]:
        """Return between which days those lie that fulfil the conditions on days alone, and the other conditions."""
        about = [each for each in conditions if each.keys == frozenset({"date"})]
        if not about or not chosen:
            return [], conditions
        first, last = min(str(each.first_date) for each in chosen), max(str(each.last_date) for each in chosen)
        days = f"(SELECT unnest(generate_series(DATE '{first}', DATE '{last}', INTERVAL 1 DAY))::DATE AS date)"
        sums = "min(date)::VARCHAR, max(date)::VARCHAR, count(*), max(date) - min(date) + 1"
        where = " AND ".join(each.sql for each in about)
        found = self._tried(f'SELECT {sums} FROM {days} AS "{need.alias}" WHERE {where}')
        if found is None:
            return [], conditions
        low, high, count, span = found[0]
        if low is None:
            return [("1 = 0", [])], ()
        decided = about if count == span else []
        return [("date >= ?", [low]), ("date <= ?", [high])], [each for each in conditions if each not in decided]

    def _bounds(self, condition: Condition) -> Iterator[tuple[str, str, str, int]]:
        """Yield what a condition asks of the first and last instant: column, bound, comparison, ns."""
        for column, bound, how, value in condition.bounds:
            found = self._tried(f"SELECT epoch_ns(CAST(({value}) AS TIMESTAMP_NS))")
            ns = found[0][0] if found else None
            if ns is not None and abs(ns) < _MOST_NS:
                name = "last_ns" if bound == LAST else "first_ns"
                yield column, name, how, ns - _SLACK_NS if bound == LAST else ns + _SLACK_NS

    def _searches(self, table: str, narrowed: _Narrowed) -> Iterator[tuple[str, list[Any]]]:
        """Yield conditions with their values: a query each finds all, in the order of feeds."""
        where, values = counting(self._as_of)
        all_of = [("table_name = ?", [table]), (where, values)]
        if narrowed.everything:
            clause, bound = _all([*all_of, *narrowed.instants])
            # One index has all that is asked here: of a million partitions 0.2 s where their rows take 2.
            yield f"id IN (SELECT id FROM partition_revisions WHERE {clause})" if narrowed.instants else clause, bound
            return
        for feed, symbols in narrowed.symbols.items():
            own: list[tuple[str, Sequence[Any]]] = [("feed = ?", [feed])]
            if symbols is not None:
                own.append((f"symbol IN ({', '.join('?' * len(symbols))})", symbols))
            yield _all([*all_of, *own, *narrowed.days, *narrowed.instants])

    def _listed(self, table: str, narrowed: _Narrowed) -> Iterator[Listed]:
        for where, values in self._searches(table, narrowed):
            query = f"SELECT {SELECTED} FROM partition_revisions WHERE {where} ORDER BY feed, date, symbol"
            yield from map(Listed._make, self._reader.rows(query, values))

    # --- what DuckDB says ------------------------------------------------------------------------

    def _holds_for_rows_alone(self, need: Need, condition: Condition) -> bool:
        if not condition.must_reject_nulls:
            return True
        return self._tried(f'{need.ctes}SELECT 1 FROM ({_NULLS}) AS "{need.alias}" WHERE {condition.sql}') == []

    def _fulfilling(self, need: Need, conditions: Sequence[Condition], rows: Sequence[Listed]) -> list[Listed]:
        """Return the rows that fulfil every condition that DuckDB can tell of."""
        self.make_listing(_OPEN, rows)
        kept: set[int] | None = None
        for condition in conditions:
            found = self._tried(f'{need.ctes}SELECT _id FROM {_OPEN} AS "{need.alias}" WHERE {condition.sql}')
            if found is not None:
                ids = {id_ for (id_,) in found}
                kept = ids if kept is None else kept & ids
        return [row for row in rows if kept is None or row.id in kept]

    def _tried(self, query: str) -> list[tuple[Any, ...]] | None:
        """Return what a query gives; None where it cannot be asked while planning: then it says nothing."""
        with contextlib.suppress(duckdb.Error):
            return self._connection.execute(query).fetchall()
        return None


def _row(feed: str, symbol: str, date: Any, rows: int) -> Listed:
    return Listed(0, feed, symbol, date, int(rows), None, None, None, "current", "", "")


def _all(clauses: Iterable[tuple[str, Sequence[Any]]]) -> tuple[str, list[Any]]:
    found = list(clauses)
    return " AND ".join(clause for clause, _ in found), [value for _, values in found for value in values]


def _list(values: Iterable[Any]) -> str:
    """Return values as a list in SQL."""
    return f"[{', '.join(map(_literal, values))}]"


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


def _arrow_table(columns: Sequence[Sequence[Any]]) -> Any:
    import pyarrow as pa  # noqa: PLC0415  only large listings need it

    texts = {"VARCHAR": pa.string(), "DATE": pa.string(), "BIGINT": pa.int64()}
    return pa.table(
        {
            name: pa.array(map(str, column) if kind == "DATE" else column, texts[kind])
            for (name, kind), column in zip(_TYPES.items(), columns, strict=True)
        }
    )
