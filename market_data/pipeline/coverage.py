"""Which partitions of a table exist, which are missing, and which need not exist. Nothing is judged or mended here."""

import datetime as dt
from typing import NamedTuple

from sqlalchemy import select

from market_data.domain.time import days_between
from market_data.ledger.schema import revisions
from market_data.pipeline.workspace import Workspace
from market_data.settings import Feed
from market_data.settings.calendar import has_session


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
    query = select(c.symbol, c.date, c.rows, c.account["rejected"].as_integer())
    where = (c.table_name == table, c.feed == feed.name, c.date.between(first, last))
    there = {
        (symbol, day): (rows, rejected or 0)
        for symbol, day, rows, rejected in workspace.ledger.rows(query.where(*where))
    }
    days = {day: has_session(feed.calendar, day) for day in days_between(first, last)}
    return [
        Cell(symbol, day, _state(there.get((symbol, day)), is_session), *there.get((symbol, day), (0, 0)))
        for symbol in sorted(feed.symbols)
        for day, is_session in days.items()
    ]


def _state(there: tuple[int, int] | None, is_session: bool) -> str:
    if there is None:
        return "missing" if is_session else "no_session"
    rows, rejected = there
    return "set_aside" if rejected else "present" if rows else "empty"
