"""Which partitions are whole: what would be made of them now is there already. One look for a whole range.

The look is at the ledger, the manifests of the landing and the files' sizes and times; no row is read, and no vendor
is asked. What is decided by it is `recipe`'s matter, and what is done about it the caller's.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from market_data.domain.checks import check
from market_data.domain.partition import Partition
from market_data.domain.tables import BOOKKEEPING
from market_data.ledger.file import File
from market_data.ledger.schema import builds, files, revisions
from market_data.pipeline.configuration import CANDLES, REPORT, code_version, of_candles, of_fetched, of_report
from market_data.pipeline.recipe import Recipe, Why, why_not_whole
from market_data.pipeline.workspace import Workspace
from market_data.settings import Feed

_MOST_NAMED = 500
"""Of more symbols all are looked at: a condition of so many names costs more than the rows."""
Key = tuple[str, str, dt.date, str]
"""Feed, table, day, symbol."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the ledger says of a current revision.

    Attributes:
        file: that its rows are read from; None where the ledger lists none.
        recipe: how it was last made.
        code_version: which code made it first: this is what checks see.
    """

    revision: int
    sha256: str
    file: File | None
    recipe: Recipe
    columns: str
    code_version: str
    notes: Mapping[str, Any]


class Look:
    """What is there of some partitions of a feed, looked up once.

    Args:
        tables: those that will be asked about.
    """

    def __init__(
        self, workspace: Workspace, feed: Feed, partitions: Sequence[Partition], tables: Collection[str]
    ) -> None:
        self._workspace = workspace
        self._feed = feed
        self._kept = _kept(workspace, feed, partitions)
        fetched = [table for table in feed.tables if table in tables]
        # What was never made is missing, whatever is landed: of a new range nothing needs to be looked up.
        requests = [
            feed.request(table, partition)
            for partition in partitions
            for table in fetched
            if self.kept(table, partition) is not None
        ]
        found = workspace.landing.counting(requests)
        self._landed = {(each.table, each.partition): files for each, files in zip(requests, found, strict=True)}
        looked_at = {*tables, *(BOOKKEEPING if fetched else ())}
        kept = [self.kept(table, partition) for partition in partitions for table in looked_at]
        there = {each.file.path: each.file for each in kept if each is not None and each.file is not None}
        self._faults = workspace.warehouse.files.quick_faults([*there.values()])

    def kept(self, table: str, partition: Partition) -> Kept | None:
        """Return what counts of a table of a partition."""
        return self._kept.get((partition.feed, table, partition.date, partition.symbol))

    def why_not_whole(self, partition: Partition, tables: Collection[str]) -> Why | None:
        """Return why a partition must be made, where it must: for the first of the tables that must."""
        for table in (*self._feed.assets, *BOOKKEEPING):
            kept = self.kept(table, partition)
            if table in tables:
                recipe = None if kept is None else kept.recipe
                why = why_not_whole(recipe, self.recipe(table, partition), is_there=self._is_there(kept))
            else:
                why = "damaged" if table in BOOKKEEPING and kept is not None and not self._is_there(kept) else None
            if why is not None:
                return why
        return None

    def recipe(self, table: str, partition: Partition) -> Recipe | None:
        """Return how a table would be made now; None where a vendor must be asked, or another table made first."""
        if table == REPORT:
            return self._report(partition)
        return self._candles(partition) if table == CANDLES else self._fetched(table, partition)

    def _is_there(self, kept: Kept | None) -> bool:
        return kept is not None and kept.file is not None and kept.file.path not in self._faults

    def _fetched(self, table: str, partition: Partition) -> Recipe | None:
        landed = self._landed.get((table, partition))
        if not landed:
            return None
        inputs = [{"file": name, "sha256": digest} for name, digest in landed]
        shape = of_fetched(self._feed, table, partition.symbol)
        return Recipe(inputs, code_version(self._workspace, self._feed, table), shape)

    def _candles(self, partition: Partition) -> Recipe | None:
        trades = self._input("trades", partition)
        if trades is None:
            return None
        before = None
        if self._workspace.source(self._feed).empty_bars == "flat":
            before = self._input(CANDLES, partition.day_before)
        shape = of_candles(self._workspace, self._feed, partition.symbol)
        inputs = [each for each in (trades, before) if each is not None]
        return Recipe(inputs, code_version(self._workspace, self._feed, CANDLES), shape)

    def _report(self, partition: Partition) -> Recipe:
        tables = [table for table in self._feed.assets if table != REPORT]
        read = [self._input(table, partition) for table in tables]
        before = {table: self.kept(table, partition.day_before) for table in tables}
        quarantine = {table: _version(self.kept(table, partition)) for table in BOOKKEEPING}
        beside = {
            **quarantine,
            # What a check may ask of the day before besides the rows that it has.
            "before": {
                table: [kept.columns, kept.code_version, kept.notes.get("columns")]
                for table, kept in before.items()
                if kept is not None
            },
            "others": self._others(partition),
        }
        shape = of_report(self._feed, partition, beside)
        inputs = [each for each in read if each is not None]
        return Recipe(inputs, code_version(self._workspace, self._feed, REPORT), shape)

    def _others(self, partition: Partition) -> dict[str, list[object] | None]:
        """Return which revisions of other feeds checks compare with."""
        found: dict[str, list[object] | None] = {}
        for feed, symbol in _others(self._feed, partition.symbol):
            theirs = self._workspace.settings.feeds[feed].assets
            for table in (table for table in theirs if table != REPORT):
                kept = self._kept.get((feed, table, partition.date, symbol))
                found[f"{feed} {table} {symbol}"] = _version(kept)
        return found

    def _input(self, table: str, partition: Partition) -> dict[str, Any] | None:
        """Return a table of a partition as an input of another (`workspace.revision_input`)."""
        kept = self.kept(table, partition)
        if kept is None:
            return None
        told = {"table": table, "date": partition.date.isoformat()}
        return {**told, "revision": kept.revision, "sha256": kept.sha256}


def _version(kept: Kept | None) -> list[object] | None:
    return None if kept is None else [kept.revision, kept.sha256]


def _others(feed: Feed, symbol: str) -> list[tuple[str, str]]:
    """Return feed and symbol of what the feed's checks compare a symbol with."""
    named = feed.checks.other_feeds
    limits = [(other, feed.thresholds(name, table, check(name).thresholds)) for name, table, other in named]
    return sorted({(other, each.other_symbol(symbol)) for other, each in limits})


def _kept(workspace: Workspace, feed: Feed, partitions: Sequence[Partition]) -> dict[Key, Kept]:
    """Return what counts of the partitions, of their days before, and of what their checks compare with."""
    if not partitions:
        return {}
    days = [partition.date for partition in partitions]
    first, last = min(days) - dt.timedelta(days=1), max(days)
    symbols = {partition.symbol for partition in partitions}
    found = _rows(workspace, feed.name, first, last, symbols)
    others: dict[str, set[str]] = {}
    for other, symbol in {pair for each in symbols for pair in _others(feed, each)}:
        others.setdefault(other, set()).add(symbol)
    for other, theirs in others.items():
        found = [*found, *_rows(workspace, other, first, last, theirs)]
    return {(row.feed, row.table_name, row.date, row.symbol): _kept_of(row) for row in found}


def _rows(
    workspace: Workspace, feed: str, first: dt.date, last: dt.date, symbols: Collection[str]
) -> Sequence[Row[Any]]:
    c, b, f = revisions.c, builds.c, files.c
    told = (c.feed, c.table_name, c.date, c.symbol, c.revision, c.sha256, c.columns, c.code_version, c.inputs, c.notes)
    last_build = (b.inputs.label("built_of"), b.code_version.label("built_by"), b.configuration)
    file = (f.path, f.sha256.label("file_sha256"), f.xxh3, f.size_bytes)
    both = revisions.outerjoin(builds, b.revision_id == c.id).outerjoin(files, f.path == c.path)
    query = select(*told, *last_build, *file).select_from(both).where(c.feed == feed, c.date.between(first, last))
    return workspace.ledger.rows(query.where(c.symbol.in_(symbols)) if len(symbols) <= _MOST_NAMED else query)


def _kept_of(row: Row[Any]) -> Kept:
    inputs = row.inputs if row.built_of is None else row.built_of
    recipe = Recipe(inputs, row.built_by or row.code_version, row.configuration)
    file = None if row.path is None else File(row.path, row.file_sha256, row.xxh3, row.size_bytes)
    return Kept(row.revision, row.sha256, file, recipe, row.columns, row.code_version, row.notes)


def whole(
    workspace: Workspace, feed: Feed, partitions: Iterable[Partition], tables: Collection[str]
) -> tuple[Look, dict[Partition, Why | None]]:
    """Return a look at partitions, and why each is not whole; None of one that is."""
    wanted = list(partitions)
    look = Look(workspace, feed, wanted, tables)
    return look, {partition: look.why_not_whole(partition, tables) for partition in wanted}
