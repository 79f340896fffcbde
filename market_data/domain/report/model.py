"""What a report tells, as plain values. How it looks stands in the modules beside, how it is gathered in `pipeline`."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import polars as pl

from market_data.domain.ports.check import Severity

State = Literal["judged", "not_judged", "missing", "no_session"]
"""There with a score; there without one; not there; not there, and the calendar has no session that day."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One partition, or its absence.

    Attributes:
        scores: 0 to 1, of each dimension and of the `whole`; None where nothing was judged.
        passed: whether no dimension lies below its threshold.
        not_passed: how many findings do not pass.
        rows: of all tables of data.
        set_aside: records in quarantine.
    """

    symbol: str
    date: dt.date
    state: State
    scores: Mapping[str, float | None] = field(default_factory=dict[str, float | None])
    passed: bool = True
    not_passed: int = 0
    rows: int = 0
    set_aside: int = 0

    @property
    def whole(self) -> float | None:
        """Return the partition's score."""
        return self.scores.get("whole")


@dataclass(frozen=True, slots=True)
class Fault:
    """A finding that does not pass, and whose it is."""

    symbol: str
    date: dt.date
    check: str
    table: str
    severity: Severity
    measured: float | None
    threshold: float | None
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SetAside:
    """The records of a table that broke one rule.

    Attributes:
        dropped: how many of them somebody looked at and does not want.
        reason: why the first of them was set aside; `original` are its words, as the vendor wrote them (JSON).
        place: the landed file and the record's number there, of the first of them.
    """

    table: str
    rule: str
    records: int
    dropped: int
    symbols: Sequence[str]
    days: int
    reason: str
    original: str
    place: str


@dataclass(frozen=True, slots=True)
class Totals:
    """Of one table, over the report's days."""

    table: str
    partitions: int
    rows: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Replaced:
    """A partition of a table that counted at the last report, and was replaced since."""

    table: str
    symbol: str
    date: dt.date
    revision_before: int
    revision: int
    rows_before: int
    rows: int
    committed_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Moved:
    """A score that changed since the last report; None: nothing was judged."""

    symbol: str
    date: dt.date
    before: float | None
    after: float | None


@dataclass(frozen=True, slots=True)
class Changes:
    """Since the last report that showed the same days of the feed.

    Attributes:
        since: when the newest of them was made, UTC.
        added: partitions that are new, by table.
        new_days: how many of the days no report has shown before.
    """

    since: dt.datetime
    replaced: Sequence[Replaced] = ()
    moved: Sequence[Moved] = ()
    added: Mapping[str, int] = field(default_factory=dict[str, int])
    new_days: int = 0


@dataclass(frozen=True, slots=True)
class Candles:
    """Of one instrument.

    Attributes:
        bars: ts_open (ns since the epoch, UTC), open, high, low, close, volume, in order of time.
        width_ns: how long a bar is.
        of: what they are, in words.
    """

    bars: pl.DataFrame
    width_ns: int
    of: str


@dataclass(frozen=True, slots=True)
class FeedReport:
    """One feed over days that are the same for all of it, both included, UTC.

    Attributes:
        standard: the threshold of each dimension.
        cells: one for each symbol and day, in order of symbol and day.
        changes: None where this is the first report of the feed.
        candles: by symbol; a symbol may be without.
        remark: what the reader must know of the days that were chosen, or nothing.
    """

    name: str
    description: str
    source: str
    first: dt.date
    last: dt.date
    standard: Mapping[str, float]
    totals: Sequence[Totals]
    cells: Sequence[Cell]
    faults: Sequence[Fault]
    set_aside: Sequence[SetAside]
    changes: Changes | None
    candles: Mapping[str, Candles]
    remark: str = ""

    @property
    def symbols(self) -> list[str]:
        """In order."""
        return sorted({cell.symbol for cell in self.cells})

    @property
    def judged(self) -> list[Cell]:
        """Return the partitions that have a score."""
        return [cell for cell in self.cells if cell.whole is not None]

    def mean(self, name: str) -> float | None:
        """Return the mean of a score over the partitions that have it."""
        found = [score for cell in self.cells if (score := cell.scores.get(name)) is not None]
        return sum(found) / len(found) if found else None


@dataclass(frozen=True, slots=True)
class Report:
    """What one page shows.

    Attributes:
        made_at: UTC.
        left_out: feeds that were asked for, of which nothing is there.
    """

    made_at: dt.datetime
    made_by: str
    feeds: Sequence[FeedReport]
    left_out: Sequence[str] = ()
