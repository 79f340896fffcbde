"""The count from outside: a home is opened afresh, and what counts there is held against an undisturbed run's rows."""

import hashlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from market_data.ledger.ledger import Ledger
from market_data.pipeline.chain import Failed, materialize
from market_data.pipeline.workspace import opened
from market_data.settings import Settings
from market_data_tests.faults.backfill import FEED, Backfill, Key, Run, settings_for
from market_data_tests.faults.scenario import Figures, Size
from market_data_tests.warehouse_invariants import age, assert_sound

Rows = Mapping[Key, pl.DataFrame]


@cache
def undisturbed(size: Size, seed: int) -> Rows:
    """The rows of every partition of every table, as a run makes them that nothing happens to."""
    with tempfile.TemporaryDirectory() as folder:
        # Its own ledger, whatever the environment says of others.
        settings = settings_for(Path(folder), size, seed, ledger_url=f"sqlite:///{folder}/ledger.db")
        _make(settings, size.days)
        return dict(counting(settings.database.get_secret_value(), settings.warehouse))


def _make(settings: Settings, days: int) -> None:
    """The first days, in this process."""
    feed = settings.feeds[FEED]
    with opened(settings) as workspace:
        for day in range(days):
            for symbol in feed.symbols:
                partition = feed.partition(symbol, feed.start.replace(day=day + 1))
                steps = materialize(workspace, feed, partition, feed.assets, ())
                assert not [step for step in steps if isinstance(step, Failed)]


def counting(database: str, warehouse: Path) -> Iterator[tuple[Key, pl.DataFrame]]:
    """What counts in a home, by its ledger: every file with the hash and the rows that the ledger says."""
    ledger = Ledger(database)
    try:
        named = ledger.find()
        files = ledger.files_of(named)
    finally:
        ledger.close()
    for revision in named:
        content = (warehouse / revision.path).read_bytes() if (warehouse / revision.path).exists() else b""
        if hashlib.sha256(content).hexdigest() == files[revision.id].sha256:
            rows = pl.read_parquet(content)
            if len(rows) == revision.rows:
                yield (revision.table, revision.partition), _lasting(revision.table, rows)


def _lasting(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Without what freshness says: it has the moment of the first commit in it."""
    return rows.filter(pl.col("check") != "freshness") if table == "quality_reports" else rows


@dataclass(frozen=True, slots=True)
class Count:
    """What became of what was attempted."""

    whole: Sequence[Key]
    refused: Sequence[Key]
    left: Sequence[Key]
    lost: Sequence[Key]
    words: str

    def figures(self, after: "Count", recovery: str) -> Figures:
        """With what became of it after the recovery."""
        attempted = sum(map(len, (self.whole, self.refused, self.left, self.lost)))
        return Figures(
            attempted=attempted,
            whole=len(self.whole),
            refused=len(self.refused),
            left=len(self.left),
            lost=len(self.lost) + len(after.lost),
            recovered=len(after.whole),
            recovery=recovery,
            words=self.words,
        )


def audit(backfill: Backfill, runs: Sequence[Run], before: Rows | None = None) -> Count:
    """Count the home as it lies.

    Args:
        runs: those that had to make all of it; they have ended. None: all is said to be well.
        before: what counted before them; None: nothing did.
    """
    told: dict[Key, str] = {}
    for run in runs:
        told |= run.refused()
        assert "a bug: " not in run.log(), run.log()
    wanted, old = undisturbed(backfill.size, backfill.seed), before or {}
    there = dict(counting(backfill.settings.database.get_secret_value(), backfill.settings.warehouse))
    whole, refused, left, lost = [], [], [], []
    for key in backfill.keys:
        rows = there.get(key)
        if rows is not None and rows.equals(wanted[key]):
            whole.append(key)
        elif not _same(rows, old.get(key)):
            lost.append(key)
        elif key in told:
            refused.append(key)
        elif any(run.process.returncode for run in runs):
            left.append(key)
        else:  # a run that says that all is well has made everything
            lost.append(key)
    return Count(whole, refused, left, lost, next((told[key] for key in refused), ""))


def half_made(folder: Path, size: Size, **environment: Any) -> tuple[Backfill, Rows]:
    """A home whose first half of days is there already, to be backfilled from other rows; and what counts in it."""
    return made(folder, size, size.days // 2, **environment)


def made(folder: Path, size: Size, days: int, **environment: Any) -> tuple[Backfill, Rows]:
    """The same, with so many days."""
    first = Backfill(folder, size, environment=environment)
    _make(first.settings, days)
    before = {key: rows for key, rows in undisturbed(size, first.seed).items() if key[1].date.day <= days}
    return first.with_seed(first.seed + 1), before


def recovered(backfill: Backfill, name: str = "recovery") -> Count:
    """One more run, with nothing in its way; afterwards the warehouse must be sound."""
    run = backfill.start(name)
    run.must_succeed()
    with opened(backfill.settings) as workspace:
        assert_sound(workspace.warehouse, orphans=True)
        assert workspace.warehouse.sweep() == 0
        age(workspace.warehouse)
        workspace.warehouse.sweep()
        assert_sound(workspace.warehouse)
    return audit(backfill, [run])


def _same(rows: pl.DataFrame | None, others: pl.DataFrame | None) -> bool:
    if rows is None or others is None:
        return rows is others
    return rows.equals(others)
