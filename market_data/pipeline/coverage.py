"""Which partitions of a table exist, which are missing, and which need not exist. Nothing is judged or mended here."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from market_data.domain.partition import Partition
from market_data.domain.time import days_between
from market_data.ledger.reader import Reader, counting
from market_data.settings.calendar import has_session
from market_data.settings.outline import Outlined

_COUNTS, _ = counting(None)
_OF_FEED = f"FROM partition_revisions WHERE {_COUNTS} AND feed = ?"
_OF_DAYS = f"{_OF_FEED} AND table_name = ? AND date BETWEEN ? AND ?"


class Cell(NamedTuple):
    """One partition of one table.

    Attributes:
        state: `present`; `set_aside`, there with records in quarantine; `empty`, there without a row; `missing`; or
            `no_session`, not there, and the feed's calendar has no session that day.
    """

    symbol: str
    date: dt.date
    state: str
    rows: int
    set_aside: int


def coverage(reader: Reader, feed: Outlined, table: str, first: dt.date, last: dt.date) -> list[Cell]:
    """Return every partition of these UTC days, both included, by symbol and day."""
    query = f"SELECT symbol, CAST(date AS TEXT), rows, rejected {_OF_DAYS}"
    found = reader.rows(query, [feed.name, table, first.isoformat(), last.isoformat()])
    there = {(symbol, day): (rows, rejected) for symbol, day, rows, rejected in found}
    days = [(day, day.isoformat(), has_session(feed.calendar, day)) for day in days_between(first, last)]
    return [
        Cell(symbol, day, _state(there.get((symbol, text)), is_session), *there.get((symbol, text), (0, 0)))
        for symbol in sorted(feed.symbols)
        for day, text, is_session in days
    ]


def missing(reader: Reader, feed: Outlined, first: dt.date, last: dt.date) -> Mapping[str, Sequence[Partition]]:
    """Return the missing partitions of these days, by the fetched table, by symbol and day.

    The database counts each symbol's days; only those that are too few are looked at one by one.
    """
    due = {day.isoformat(): day for day in days_between(first, last) if has_session(feed.calendar, day)}
    tables, days = ", ".join("?" * len(feed.tables)), ", ".join("?" * len(due))
    of_these = f"{_OF_FEED} AND table_name IN ({tables}) AND date IN ({days})"
    # As an expression: else SQLite takes an index in the order of symbols, and goes through all of a feed's days.
    count = f"SELECT table_name, symbol || '', count(*) {of_these} GROUP BY table_name, symbol || ''"
    counted = reader.rows(count, [feed.name, *feed.tables, *due]) if due else ()
    there = {(table, symbol): number for table, symbol, number in counted}
    found: dict[str, Sequence[Partition]] = {}
    for table in feed.tables:
        short = [symbol for symbol in sorted(feed.symbols) if there.get((table, symbol), 0) < len(due)]
        if short:
            query = f"SELECT symbol, CAST(date AS TEXT) {_OF_DAYS} AND symbol IN ({', '.join('?' * len(short))})"
            values = [feed.name, table, first.isoformat(), last.isoformat(), *short]
            have = {(symbol, day) for symbol, day in reader.rows(query, values)}
            lacks = ((symbol, day) for symbol in short for day in due)
            found[table] = [feed.partition(symbol, due[day]) for symbol, day in lacks if (symbol, day) not in have]
    return found


def _state(there: tuple[int, int] | None, is_session: bool) -> str:
    if there is None:
        return "missing" if is_session else "no_session"
    rows, rejected = there
    return "set_aside" if rejected else "present" if rows else "empty"
