"""Which tables of a feed lack a day that is due, and since when. By the feed's calendar; of the newest days only.

What is missing further back is for `market-data coverage`.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, func, select

from market_data.domain.time import day_bounds, to_datetime
from market_data.ledger.ledger import Ledger
from market_data.ledger.schema import series
from market_data.settings import Feed
from market_data.settings.calendar import has_session

_BEGUN = select(func.min(series.c.first_date)).where(series.c.feed == bindparam("feed"))
_NEWEST = select(series.c.table_name, series.c.symbol, series.c.last_date).where(series.c.feed == bindparam("feed"))


@dataclass(frozen=True, slots=True)
class Lateness:
    """One table of a feed.

    Attributes:
        newest: the newest day that every symbol has; None where one has none at all.
        expected: the newest day with a session that is due by now; None where none is due yet.
        behind: the symbols that lack a session after their newest day that is due.
        missing: the first such day.
        due_at: when that day was due.
    """

    feed: str
    table: str
    newest: dt.date | None
    expected: dt.date | None
    behind: Sequence[str] = ()
    missing: dt.date | None = None
    due_at: dt.datetime | None = None

    def overdue_seconds(self, now: dt.datetime) -> float:
        """For how long the first missing day has been due; 0 where nothing is late."""
        return 0.0 if self.due_at is None else (now - self.due_at).total_seconds()

    def lag_seconds(self, now: dt.datetime) -> float | None:
        """Return the time since the end of the newest day that every symbol has. It grows while the market rests."""
        return None if self.newest is None else (now - _end(self.newest)).total_seconds()


def lateness(ledger: Ledger, feed: Feed, now: dt.datetime) -> Iterator[Lateness]:
    """Yield each table of the feed, fetched and derived.

    Of a feed whose end has passed and of which nothing was ever collected, nothing is expected: nobody began with it.
    """
    newest = {(table, symbol): day for table, symbol, day in ledger.all_rows(_NEWEST, {"feed": feed.name})}
    asleep = not newest and feed.end is not None and feed.end < now.date()
    expected = None if asleep else newest_due(feed, now)
    for table in feed.assets:
        days = {symbol: newest.get((table, symbol)) for symbol in feed.symbols}
        yield _of_table(feed, table, days, expected)


def begun(ledger: Ledger, feed: Feed) -> dt.date | None:
    """Return the first UTC day of which anything was ever collected; None where nobody has begun with the feed."""
    return ledger.all_rows(_BEGUN, {"feed": feed.name})[0][0]


def newest_due(feed: Feed, now: dt.datetime) -> dt.date | None:
    """Return the newest day of the feed with a session that should have arrived by `now`."""
    day = feed.last_due_day(now)
    while day >= feed.start:
        if has_session(feed.calendar, day):
            return day
        day -= dt.timedelta(days=1)
    return None


def _of_table(feed: Feed, table: str, days: dict[str, dt.date | None], expected: dt.date | None) -> Lateness:
    known = [day for day in days.values() if day is not None]
    newest = min(known) if len(known) == len(days) else None
    behind = {
        symbol: missing
        for symbol, day in days.items()
        if expected is not None and (missing := _first_missing(feed, day, expected)) is not None
    }
    if not behind:
        return Lateness(feed.name, table, newest, expected)
    first = min(behind.values())
    return Lateness(feed.name, table, newest, expected, tuple(behind), first, feed.due_at(first))


def _first_missing(feed: Feed, newest: dt.date | None, expected: dt.date) -> dt.date | None:
    """Return the first session after a symbol's newest day, up to the day that is expected."""
    day = feed.start if newest is None else newest + dt.timedelta(days=1)
    while day <= expected:
        if has_session(feed.calendar, day):
            return day
        day += dt.timedelta(days=1)
    return None


def _end(day: dt.date) -> dt.datetime:
    return to_datetime(day_bounds(day)[1])
