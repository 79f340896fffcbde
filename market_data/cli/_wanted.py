"""Days, symbols and tables of a feed as the command line names them, found to be the feed's own. Nothing is done."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from market_data.cli import _shared
from market_data.domain.errors import ConfigurationError
from market_data.domain.tables import MADE_FROM

if TYPE_CHECKING:
    from market_data.domain.partition import Partition
    from market_data.settings import Feed, Settings


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a command is asked to work on.

    Attributes:
        first: first UTC day.
        last: last one, included.
        symbols: ours, in the feed's order.
        tables: those to fetch, in the order in which they are made.
    """

    feed: "Feed"
    first: dt.date
    last: dt.date
    symbols: tuple[str, ...]
    tables: tuple[str, ...]

    @property
    def partitions(self) -> list["Partition"]:
        """Every one, symbol by symbol."""
        days = [self.first + dt.timedelta(days=n) for n in range((self.last - self.first).days + 1)]
        return [self.feed.partition(symbol, day) for symbol in self.symbols for day in days]

    @property
    def assets(self) -> list[str]:
        """The tables, what is made of them, and always a report."""
        made = [name for name, above in MADE_FROM.items() if name in self.feed.assets and set(above) <= {*self.tables}]
        return [*self.tables, *made, "quality_reports"]


def wanted(
    settings: "Settings", feed: str, start: str, end: str | None, symbols: str | None, tables: str | None
) -> Wanted:
    """What the words name; `end` is the first day where it is not given, symbols and tables are all of the feed's.

    Raises:
        ConfigurationError: the feed has no such day, symbol or table, or there is no such feed.
    """
    if feed not in settings.feeds:
        known = ", ".join(settings.feeds)
        raise ConfigurationError(f"{settings.config_path} has no feed {feed!r}; expected one out of {known}")
    found = settings.feeds[feed]
    first, last = _days(found, start, end)
    return Wanted(
        found, first, last, _listed(symbols, (*found.symbols,), "--symbols"), _listed(tables, found.tables, "--tables")
    )


def _days(feed: "Feed", start: str, end: str | None) -> tuple[dt.date, dt.date]:
    first = _shared.day(start, "--start")
    last = _shared.day(end, "--end") if end else first
    latest = feed.last_day(_shared.today())
    if last < first:
        raise ConfigurationError(f"--end ({last}) lies before --start ({first})")
    if first < feed.start or last > latest:
        raise ConfigurationError(f"{feed.name} has days from {feed.start} to {latest}; {first} to {last} are not all")
    return first, last


def _listed(text: str | None, known: Sequence[str], what: str) -> tuple[str, ...]:
    if text is None:
        return tuple(known)
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or any(name not in known for name in names):
        raise ConfigurationError(f"{what} {text!r}: expected names out of {', '.join(known)}, with commas between")
    return tuple(name for name in known if name in names)
