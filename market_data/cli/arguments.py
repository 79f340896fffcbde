"""Days, symbols and tables as the command line names them, found to be a feed's own. Nothing is done with them."""

import datetime as dt
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Generic, TypeVar

import typer

from market_data.domain.errors import ConfigurationError
from market_data.domain.tables import MADE_FROM

if TYPE_CHECKING:
    from market_data.domain.partition import Partition
    from market_data.settings.outline import Outlined

SomeFeed = TypeVar("SomeFeed", bound="Outlined")
FeedName = Annotated[str, typer.Argument(help="A feed of the feeds file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Say it as JSON.")]


def utc_day(text: str, what: str) -> dt.date:
    """Return a day from the command line; `what` names the word that it is.

    Raises:
        ConfigurationError: it is none.
    """
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        with suppress(ValueError):
            return dt.date.fromisoformat(text)
    raise ConfigurationError(f"{what} is {text!r}; expected a UTC day, YYYY-MM-DD")


def today() -> dt.date:
    """Return the day it is, UTC."""
    return dt.datetime.now(dt.UTC).date()


@dataclass(frozen=True, slots=True)
class Wanted(Generic[SomeFeed]):
    """What a command is asked to work on.

    Attributes:
        first: first UTC day.
        last: last one, included.
        symbols: ours, in the feed's order.
        tables: those to fetch, in the order in which they are made.
    """

    feed: SomeFeed
    first: dt.date
    last: dt.date
    symbols: tuple[str, ...]
    tables: tuple[str, ...]

    @property
    def partitions(self) -> list["Partition"]:
        """Return every one, symbol by symbol."""
        days = [self.first + dt.timedelta(days=n) for n in range((self.last - self.first).days + 1)]
        return [self.feed.partition(symbol, day) for symbol in self.symbols for day in days]

    @property
    def assets(self) -> list[str]:
        """Return the tables, what is made of them, and always a report."""
        made = [name for name, above in MADE_FROM.items() if name in self.feed.assets and set(above) <= {*self.tables}]
        return [*self.tables, *made, "quality_reports"]


def wanted(feed: SomeFeed, start: str, end: str | None, symbols: str | None, tables: str | None) -> Wanted[SomeFeed]:
    """Return what the words name.

    `end` is the first day where it is not given, symbols and tables are all of the feed's.

    Raises:
        ConfigurationError: the feed has no such day, symbol or table.
    """
    first, last = _days(feed, start, end)
    named = _listed(symbols, (*feed.symbols,), "--symbols"), _listed(tables, feed.tables, "--tables")
    return Wanted(feed, first, last, *named)


def fetched_table(feed: "Outlined", table: str) -> str:
    """Return a table that the feed fetches.

    Raises:
        ConfigurationError: it does not.
    """
    if table not in feed.tables:
        raise ConfigurationError(f"{feed.name} does not fetch {table!r}; it fetches {', '.join(feed.tables)}")
    return table


def table_of(feed: "Outlined", table: str, *beside: str) -> str:
    """Return a table of the feed, fetched or made, or one of those `beside` them.

    Raises:
        ConfigurationError: it is none.
    """
    known = (*feed.assets, *beside)
    if table not in known:
        raise ConfigurationError(f"{feed.name} has no table {table!r}; it has {', '.join(known)}")
    return table


def symbol_of(feed: "Outlined", symbol: str) -> str:
    """Return one of the feed's symbols, by our name.

    Raises:
        ConfigurationError: it is none.
    """
    if symbol not in feed.symbols:
        raise ConfigurationError(f"{feed.name} has no symbol {symbol!r}; it has {', '.join(feed.symbols)}")
    return symbol


def day_of(feed: "Outlined", text: str, what: str) -> dt.date:
    """Return a day that the feed can have; `what` names the word that it is.

    Raises:
        ConfigurationError: it cannot, or that is no day.
    """
    day, latest = utc_day(text, what), feed.last_day(today())
    if not feed.start <= day <= latest:
        raise ConfigurationError(f"{feed.name} has days from {feed.start} to {latest}; {day} is none of them")
    return day


def _days(feed: "Outlined", start: str, end: str | None) -> tuple[dt.date, dt.date]:
    first = utc_day(start, "--start")
    last = utc_day(end, "--end") if end else first
    latest = feed.last_day(today())
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
