"""The checks of one partition, and the report that keeps what they said."""

import datetime as dt
import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

from market_data import __version__
from market_data.domain.account import Account
from market_data.domain.checks import check
from market_data.domain.partition import Partition
from market_data.domain.ports.check import Finding, RevisionFacts
from market_data.domain.ports.source import Delivery
from market_data.domain.tables import table as table_named
from market_data.domain.tables._base import empty, polars_schema
from market_data.domain.tables.quality_reports import TABLE, QualityReports
from market_data.domain.time import day_bounds, to_datetime
from market_data.pipeline.workspace import Outcome, Workspace, revision_input
from market_data.settings import Feed
from market_data.settings.calendar import has_session
from market_data.warehouse import Revision
from market_data.warehouse.store import Origin

QUARANTINE = "quarantine"
_SMALL_ROWS = 50_000


class View:
    """One partition as checks see it (`domain.ports.check.PartitionView`), read once for all of them."""

    def __init__(self, workspace: Workspace, feed: Feed, partition: Partition) -> None:
        self.partition = partition
        self._workspace = workspace
        self._feed = feed
        self._histories = workspace.ledger.histories(partition)
        self._scans: dict[str, pl.LazyFrame] = {}

    @property
    def tables(self) -> Sequence[str]:
        """The feed's tables of data."""
        return tuple(table for table in self._feed.assets if table != TABLE.name)

    @property
    def has_session(self) -> bool:
        """Whether the market trades within the day."""
        return has_session(self._feed.calendar, self.partition.date)

    @property
    def due_at(self) -> dt.datetime:
        """When the day is due."""
        return to_datetime(day_bounds(self.partition.date)[1]) + dt.timedelta(hours=self._feed.due_after_hours)

    def delivery(self, table: str) -> Delivery | None:
        """How the source delivers a table."""
        return self._workspace.delivery(self._feed, table)

    def facts(self, table: str) -> RevisionFacts | None:
        """The current revision's facts."""
        first, current = self._ends(table)
        if first is None or current is None:
            return None
        return RevisionFacts(current.rows, current.account, first.committed_at, current.notes)

    def scan(self, table: str) -> pl.LazyFrame:
        """The current revision's rows; a small table is read once and kept for the other checks."""
        if table not in self._scans:
            _, current = self._ends(table)
            rows = self._workspace.warehouse.rows_of(current) if current else empty(table_named(table).schema).lazy()
            small = current is not None and current.rows <= _SMALL_ROWS
            self._scans[table] = rows.collect().lazy() if small else rows
        return self._scans[table]

    def set_aside(self, table: str) -> int:
        """How many of the table's records stand in quarantine."""
        if QUARANTINE not in self._histories:
            return 0
        rows = self.scan(QUARANTINE).filter(pl.col("table") == table)
        return int(rows.select(pl.len()).collect().item())

    def _ends(self, table: str) -> tuple[Revision | None, Revision | None]:
        history = self._histories.get(table, [])
        return (history[0], history[-1]) if history else (None, None)


def run_checks(
    workspace: Workspace, feed: Feed, partition: Partition, names: Iterable[str]
) -> dict[str, Sequence[Finding]]:
    """What each of the checks says of the partition. A check that crashes raises."""
    view = View(workspace, feed, partition)
    return {name: check(name).run(view) for name in names}


def write_report(
    workspace: Workspace, feed: Feed, partition: Partition, findings: dict[str, Sequence[Finding]]
) -> Outcome:
    """Keep the findings of every check as the partition's `quality_reports`."""
    began = time.monotonic()
    rows = [_row(finding) for said in findings.values() for finding in said]
    frame = pl.DataFrame(rows, schema=polars_schema(QualityReports), orient="row").sort(
        TABLE.order, maintain_order=True
    )
    histories = workspace.ledger.histories(partition)
    inputs = [
        revision_input(histories[table][-1]) for table in feed.assets if table in histories and table != TABLE.name
    ]
    origin = Origin(feed.source, f"market-data {__version__}", workspace.run_id, inputs, _counts(findings), began)
    with workspace.warehouse.stage(TABLE.name, partition, QualityReports) as staged:
        staged.write(frame)
        revision, changed = staged.commit(Account(records=len(frame), accepted=len(frame)), origin)
    return Outcome(TABLE.name, revision, changed, seconds=time.monotonic() - began)


def _counts(findings: dict[str, Sequence[Finding]]) -> dict[str, Any]:
    """How many findings there are, and of those that did not pass how many of each severity: for the ledger."""
    said = [finding for each in findings.values() for finding in each]
    return {"findings": len(said), "not_passed": dict(Counter(each.severity for each in said if not each.passed))}


def _row(finding: Finding) -> dict[str, object]:
    return {
        "table": finding.table,
        "check": finding.check,
        "severity": finding.severity,
        "passed": finding.passed,
        "measured": finding.measured,
        "threshold": finding.threshold,
        "detail": json.dumps(dict(finding.detail), sort_keys=True),
    }
