"""What a feed has, without how it is fetched and judged: symbols, tables, days, calendar. Enough to tell what is there.

An outline is read from the feeds file without pydantic, whose models take 0.3 s. Nothing is refused here: a file with
a stanza that is not plain is left to the models, which tell what is wrong with it. They alone judge what an outline has
not: options, checks, rules.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from market_data.domain.partition import Partition
from market_data.domain.tables import DELIVERED, DERIVED
from market_data.settings.calendar import ALWAYS
from market_data.settings.feeds_file import read_feeds_file

KEYS = frozenset(
    {"description", "source", "symbols", "tables", "start", "end", "calendar", "due_after_hours", "candles", "rules"}
    | {"budget", "repair", "quality", "checks", "options"}
)
"""What a stanza may have: another key is a slip of somebody's pen."""


class Outlined:
    """What follows from an outline. A `Feed` has it, and so has an `Outline` alone."""

    if TYPE_CHECKING:  # a model would take them for its own fields
        name: str
        symbols: Any  # ours to the vendor's; the model's is annotated with its rules
        tables: tuple[str, ...]
        start: dt.date
        end: dt.date | None
        calendar: Any

    @property
    def assets(self) -> tuple[str, ...]:
        """Return every table of the feed, in the order in which one is made from the other."""
        derived = DERIVED if "trades" in self.tables else tuple(t for t in DERIVED if t != "candles")
        return (*self.tables, *derived)

    def partition(self, symbol: str, date: dt.date) -> Partition:
        """Return a partition of this feed."""
        return Partition(feed=self.name, date=date, symbol=symbol)

    def last_day(self, today: dt.date) -> dt.date:
        """Return the last whole UTC day that can exist: yesterday, or the feed's end."""
        yesterday = today - dt.timedelta(days=1)
        return yesterday if self.end is None else min(self.end, yesterday)


@dataclass(frozen=True)
class Outline(Outlined):
    """A feed of the feeds file, its stanza not judged."""

    name: str
    symbols: Mapping[str, str]
    tables: tuple[str, ...]
    start: dt.date
    end: dt.date | None
    calendar: str


def outlines(path: Path) -> Mapping[str, Outline] | None:
    """Return the outline of every feed of the file; None where one is not plain: the models tell why.

    Raises:
        ConfigurationError: the file cannot be read, or is not YAML.
    """
    document, _ = read_feeds_file(path)
    try:
        return {name: _outline(name, stanza) for name, stanza in document["feeds"].items()}
    except (TypeError, ValueError, KeyError, AttributeError):
        return None


def _outline(name: str, stanza: Mapping[str, Any]) -> Outline:
    """Return the stanza's own words: its scalars are text, but for what is left empty."""
    symbols, tables, calendar = stanza["symbols"], stanza["tables"], stanza.get("calendar", ALWAYS)
    named = dict(symbols) if isinstance(symbols, dict) else dict(zip(symbols, symbols, strict=True))
    start, end = stanza["start"], stanza.get("end")
    words = (*named, *named.values(), *tables, calendar)
    if not (isinstance(symbols, list | dict) and isinstance(tables, list) and named and tables):
        raise TypeError(name)
    if not all(isinstance(word, str) for word in words) or not KEYS.issuperset(stanza):
        raise TypeError(name)
    first, last = dt.date.fromisoformat(start), None if end is None else dt.date.fromisoformat(end)
    if len(named) < len(symbols) or not {*DELIVERED}.issuperset(tables) or (last is not None and last < first):
        raise ValueError(name)
    return Outline(name, named, tuple(each for each in DELIVERED if each in tables), first, last, calendar)
