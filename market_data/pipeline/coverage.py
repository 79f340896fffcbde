"""Which partitions of a table exist, which are missing, and which need not exist. Nothing is judged or mended here."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import bindparam, func, select

from market_data.domain.partition import Partition
from market_data.domain.time import days_between
from market_data.ledger.revision import counting
from market_data.ledger.schema import revisions
from market_data.pipeline.workspace import Workspace
from market_data.settings import Feed
from market_data.settings.calendar import has_session

_COUNTED = (
    select(revisions.c.table_name, revisions.c.symbol, func.count())
    .where(
        counting(None),
        revisions.c.feed == bindparam("feed"),
        revisions.c.table_name.in_(bindparam("tables", expanding=True)),
        revisions.c.date.in_(bindparam("days", expanding=True)),
    )
    .group_by(revisions.c.table_name, revisions.c.symbol)
)


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


def coverage(workspace: Workspace, feed: Feed, table: str, first: dt.date, last: dt.date) -> list[Cell]:
    """Every partition of these UTC days, both included, by symbol and day."""
    c = revisions.c
    query = select(c.symbol, c.date, c.rows, c.rejected)
    where = (c.table_name == table, c.feed == feed.name, c.date.between(first, last))
    there = {
        (symbol, day): (rows, rejected) for symbol, day, rows, rejected in workspace.ledger.rows(query.where(*where))
    }
    days = {day: has_session(feed.calendar, day) for day in days_between(first, last)}
    return [
        Cell(symbol, day, _state(there.get((symbol, day)), is_session), *there.get((symbol, day), (0, 0)))
        for symbol in sorted(feed.symbols)
        for day, is_session in days.items()
    ]


def missing(workspace: Workspace, feed: Feed, first: dt.date, last: dt.date) -> Mapping[str, Sequence[Partition]]:
    """Return the missing partitions of these days, by the fetched table, by symbol and day.

    The database counts each symbol's days; only those that are too few are looked at one by one.
    """
    c, due = revisions.c, [day for day in days_between(first, last) if has_session(feed.calendar, day)]
    asked = {"feed": feed.name, "tables": feed.tables, "days": due}
    there = {(table, symbol): count for table, symbol, count in workspace.ledger.all_rows(_COUNTED, asked)}
    found: dict[str, Sequence[Partition]] = {}
    for table in feed.tables:
        short = [symbol for symbol in sorted(feed.symbols) if there.get((table, symbol), 0) < len(due)]
        if short:
            where = (c.feed == feed.name, c.table_name == table, c.symbol.in_(short), c.date.between(first, last))
            query = select(c.symbol, c.date).where(*where)
            have = {(symbol, day) for symbol, day in workspace.ledger.rows(query)}
            lacks = ((symbol, day) for symbol in short for day in due)
            found[table] = [feed.partition(*each) for each in lacks if each not in have]
    return found


def _state(there: tuple[int, int] | None, is_session: bool) -> str:
    if there is None:
        return "missing" if is_session else "no_session"
    rows, rejected = there
    return "set_aside" if rejected else "present" if rows else "empty"
