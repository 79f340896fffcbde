"""Gathering what a report of a feed tells, from the ledger and its files. How it looks stands in the domain."""

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl
from sqlalchemy import select

from market_data.domain.quality import DIMENSIONS, SUBJECT
from market_data.domain.report import Cell, Fault, FeedReport, SetAside, Totals
from market_data.domain.tables.quality_reports import TABLE as REPORTS
from market_data.domain.tables.quarantine import TABLE as QUARANTINE
from market_data.domain.time import days_between
from market_data.ledger.revision import Revision
from market_data.ledger.schema import revisions
from market_data.operations.report_candles import candles_of
from market_data.operations.report_changes import changes
from market_data.pipeline import quarantine
from market_data.pipeline.workspace import Workspace
from market_data.settings import Feed
from market_data.settings.calendar import has_session

USUAL_DAYS = 30
"""How many days a report shows if nobody says."""
Key = tuple[str, dt.date]


@dataclass(frozen=True, slots=True)
class Days:
    """First and last day, both included, UTC, and what the reader must know of the choice."""

    first: dt.date
    last: dt.date
    remark: str = ""


def days_of(
    workspace: Workspace, feed: Feed, start: dt.date | None, end: dt.date | None, today: dt.date
) -> Days | None:
    """Return the days of the feed that a report shows; None where nothing of it is there, or no day can exist.

    Without `start` and `end` they are the last thirty that can exist; where nothing is there of those, the last thirty
    up to the last partition, and the remark says so.
    """
    c = revisions.c
    there = [date for (date,) in workspace.ledger.rows(select(c.date).distinct().where(c.feed == feed.name))]
    last = min(end, feed.last_day(today)) if end else feed.last_day(today)
    first = max(start or last - dt.timedelta(days=USUAL_DAYS - 1), feed.start)
    if any(first <= date <= last for date in there):
        return Days(first, last)
    before = [date for date in there if date <= last]
    if start is not None or not before:
        return None
    newest = max(before)
    remark = f"Nothing is there after {newest}: the days up to then are shown, not the {(last - newest).days} since."
    return Days(max(newest - dt.timedelta(days=USUAL_DAYS - 1), feed.start), newest, remark)


def gather(workspace: Workspace, feed: Feed, days: Days, most_charts: int) -> FeedReport:
    """Return all that the report tells of the feed.

    Args:
        most_charts: of how many symbols candles are drawn, those with the lowest scores first; 0 is all.

    Raises:
        WarehouseDamaged: a file is not what the ledger says.
    """
    found = _Found(workspace, feed, days)
    faults = list(found.faults())
    cells = found.cells(Counter((each.symbol, each.date) for each in faults))
    chosen = _to_draw(cells, most_charts)
    return FeedReport(
        name=feed.name,
        description=feed.description,
        source=feed.source,
        first=days.first,
        last=days.last,
        standard={name: getattr(feed.quality, name) for name in DIMENSIONS},
        totals=found.totals(),
        cells=cells,
        faults=faults,
        set_aside=_set_aside(workspace, feed, days),
        changes=changes(workspace, feed.name, found.revisions),
        candles={symbol: drawn for symbol in chosen if (drawn := candles_of(workspace, found.of_symbol(symbol)))},
        remark=days.remark,
    )


class _Found:
    """The feed's current revisions of these days, and what they say."""

    def __init__(self, workspace: Workspace, feed: Feed, days: Days) -> None:
        c = revisions.c
        self._workspace = workspace
        self._feed = feed
        self._days = days
        self.revisions = workspace.ledger.find(c.feed == feed.name, c.date.between(days.first, days.last))

    @cached_property
    def _data(self) -> Mapping[Key, Sequence[Revision]]:
        """Of tables of data, by symbol and day."""
        found: dict[Key, list[Revision]] = {}
        for each in self.revisions:
            if each.table not in {REPORTS.name, QUARANTINE.name}:
                found.setdefault((each.partition.symbol, each.partition.date), []).append(each)
        return found

    @cached_property
    def _reports(self) -> Mapping[Key, Revision]:
        return {(r.partition.symbol, r.partition.date): r for r in self.revisions if r.table == REPORTS.name}

    def of_symbol(self, symbol: str) -> list[Revision]:
        return [each for each in self.revisions if each.partition.symbol == symbol]

    def totals(self) -> list[Totals]:
        order = [*self._feed.assets, QUARANTINE.name]
        by_table: dict[str, list[Revision]] = {}
        for each in self.revisions:
            by_table.setdefault(each.table, []).append(each)
        names = sorted(by_table, key=lambda name: (order.index(name) if name in order else len(order), name))
        return [
            Totals(name, len(each), sum(r.rows for r in each), sum(r.size_bytes for r in each))
            for name in names
            for each in (by_table[name],)
        ]

    def cells(self, not_passed: Mapping[Key, int]) -> list[Cell]:
        """Of the feed's symbols, and those of which something is there although the feed has them no more."""
        symbols = sorted({*self._feed.symbols, *(each.partition.symbol for each in self.revisions)})
        sessions = {
            day: has_session(self._feed.calendar, day) for day in days_between(self._days.first, self._days.last)
        }
        return [
            self._cell(symbol, day, is_session, not_passed.get((symbol, day), 0))
            for symbol in symbols
            for day, is_session in sessions.items()
        ]

    def _cell(self, symbol: str, day: dt.date, is_session: bool, not_passed: int) -> Cell:
        data, report = self._data.get((symbol, day), []), self._reports.get((symbol, day))
        if not data and report is None:
            return Cell(symbol, day, "missing" if is_session else "no_session")
        notes = report.notes if report is not None else {}
        scores = dict(notes.get("scores", {}))
        return Cell(
            symbol,
            day,
            "judged" if scores.get("whole") is not None else "not_judged",
            scores=scores,
            passed=notes.get("passed", True) is not False,
            not_passed=not_passed,
            rows=sum(each.rows for each in data),
            set_aside=sum(each.account.rejected or 0 for each in data),
        )

    def faults(self) -> Iterator[Fault]:
        """Yield findings that do not pass; scores are none. Only reports that have some are read."""
        for (symbol, day), report in self._reports.items():
            if not report.notes.get("not_passed", 1):
                continue
            rows = self._workspace.warehouse.rows_of(report)
            frame = rows.filter(~pl.col("passed"), pl.col("table") != SUBJECT).collect()
            self._workspace.warehouse.release()
            for row in frame.iter_rows(named=True):
                told = {name: row[name] for name in ("check", "table", "severity", "measured", "threshold")}
                yield Fault(symbol, day, **told, detail=json.loads(row["detail"]))


def _to_draw(cells: Sequence[Cell], most: int) -> list[str]:
    """Symbols, the one with the lowest score of a day first."""
    lowest: dict[str, tuple[float, str]] = {}
    for cell in cells:
        score = cell.whole if cell.whole is not None else (0.0 if cell.state == "missing" else 1.0)
        lowest[cell.symbol] = min(lowest.get(cell.symbol, (1.0, cell.symbol)), (score, cell.symbol))
    ordered = sorted(lowest, key=lambda symbol: lowest[symbol])
    return ordered[: most or None]


def _set_aside(workspace: Workspace, feed: Feed, days: Days) -> list[SetAside]:
    """By table and rule, the most records first."""
    groups: dict[tuple[str, str], _Group] = {}
    for partition, rows in quarantine.found(workspace, quarantine.Wanted(feed.name, start=days.first, end=days.last)):
        for (table, rule), part in rows.group_by("table", "rule", maintain_order=True):
            first = part.row(0, named=True)
            place = f"{first['landed_file']}, record {first['record_number']}, {partition.symbol} {partition.date}"
            group = groups.setdefault((str(table), str(rule)), _Group(first["reason"], first["original"], place))
            group.add(partition.symbol, partition.date, len(part), len(part) - part["dropped"].null_count())
    found = [group.told(table, rule) for (table, rule), group in groups.items()]
    return sorted(found, key=lambda each: (-each.records, each.table, each.rule))


class _Group:
    """Records of one table that broke one rule."""

    def __init__(self, reason: str, original: str, place: str) -> None:
        self._first = (reason, original, place)
        self._records = self._dropped = 0
        self._symbols: set[str] = set()
        self._days: set[dt.date] = set()

    def add(self, symbol: str, day: dt.date, records: int, dropped: int) -> None:
        self._records += records
        self._dropped += dropped
        self._symbols.add(symbol)
        self._days.add(day)

    def told(self, table: str, rule: str) -> SetAside:
        return SetAside(table, rule, self._records, self._dropped, sorted(self._symbols), len(self._days), *self._first)
