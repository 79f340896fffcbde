"""The checks of one partition, and the report that keeps what they said."""

import datetime as dt
import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from market_data.domain.account import Account
from market_data.domain.check_support.figures import Figures, figures
from market_data.domain.check_support.minutes import minutes
from market_data.domain.check_support.scan import collected
from market_data.domain.checks import check
from market_data.domain.contract import empty, polars_schema
from market_data.domain.partition import Partition
from market_data.domain.ports.check import Finding, PartitionView, RevisionFacts, SomeThresholds
from market_data.domain.ports.source import Delivery
from market_data.domain.quality import SUBJECT, Scores, as_findings, scores
from market_data.domain.tables import table as table_named
from market_data.domain.tables.quality_reports import TABLE, QualityReports
from market_data.ledger.revision import Revision
from market_data.pipeline.configuration import code_version
from market_data.pipeline.recipe import Recipe
from market_data.pipeline.workspace import Outcome, Workspace, revision_input
from market_data.settings import Feed
from market_data.settings.calendar import sessions
from market_data.warehouse.store import Origin

QUARANTINE = "quarantine"
_SMALL_ROWS = 50_000


class View:
    """One partition as checks see it (`domain.ports.check.PartitionView`), read once for all of them."""

    def __init__(self, workspace: Workspace, feed: Feed, partition: Partition, checks: Iterable[str] = ()) -> None:
        self.partition = partition
        self._workspace = workspace
        self._feed = feed
        self._checks = tuple(checks)
        self._histories = workspace.ledger.histories(partition)
        self._before: dict[str, list[Revision]] | None = None
        self._scans: dict[str, pl.LazyFrame] = {}
        self._figures: dict[str, Figures] = {}
        self._minutes: dict[str, pl.DataFrame] = {}

    @property
    def tables(self) -> Sequence[str]:
        """Return the feed's tables of data."""
        return tuple(table for table in self._feed.assets if table != TABLE.name)

    @property
    def has_session(self) -> bool:
        """Return whether the market trades within the day."""
        return bool(self.sessions)

    @property
    def sessions(self) -> Sequence[tuple[int, int]]:
        """Return when the market trades within the day."""
        return sessions(self._feed.calendar, self.partition.date)

    @property
    def due_at(self) -> dt.datetime:
        """Return when the day is due."""
        return self._feed.due_at(self.partition.date)

    def delivery(self, table: str) -> Delivery | None:
        """Return how the source delivers a table."""
        return self._workspace.delivery(self._feed, table)

    def facts(self, table: str) -> RevisionFacts | None:
        """Return the current revision's facts."""
        return _facts(self._histories.get(table, []))

    def facts_before(self, table: str) -> RevisionFacts | None:
        """Return the facts of the day before."""
        if self._before is None:
            self._before = self._workspace.ledger.histories(self.partition.day_before)
        return _facts(self._before.get(table, []))

    def thresholds(self, check: str, table: str, kind: type[SomeThresholds]) -> SomeThresholds:
        """Return what the check holds against for a table."""
        return self._feed.thresholds(check, table, kind)

    def scan(self, table: str) -> pl.LazyFrame:
        """Return the current revision's rows; a small table is read once and kept for the other checks."""
        if table not in self._scans:
            history = self._histories.get(table)
            current = history[-1] if history else None
            rows = self._workspace.warehouse.rows_of(current) if current else empty(table_named(table).schema).lazy()
            small = current is not None and current.rows <= _SMALL_ROWS
            self._scans[table] = rows.collect(engine="in-memory").lazy() if small else rows
        return self._scans[table]

    def set_aside(self, table: str) -> int:
        """Return how many of the table's records stand in quarantine."""
        if QUARANTINE not in self._histories:
            return 0
        rows = self.scan(QUARANTINE).filter(pl.col("table") == table)
        return int(collected(rows.select(pl.len()), self._histories[QUARANTINE][-1].rows).item())

    def figures(self, check: str, table: str) -> Mapping[str, Any]:
        """Return what the check asked of the table, computed with what the others asked of it."""
        if table not in self._figures:
            self._figures[table] = figures(self, table, self._checks)
        return self._figures[table][check]

    def minutes(self, table: str) -> pl.DataFrame:
        """Return the table by instrument and minute."""
        if table not in self._minutes:
            delivery, facts = self.delivery(table), self.facts(table)
            clock = delivery.clock if delivery is not None else None
            self._minutes[table] = minutes(self.scan(table), clock, facts.rows if facts else 0)
        return self._minutes[table]

    def other(self, feed: str, symbol: str) -> PartitionView | None:
        """Return the same day of a symbol of another feed."""
        found = self._workspace.settings.feeds.get(feed)
        if found is None or symbol not in found.symbols:
            return None
        return View(self._workspace, found, found.partition(symbol, self.partition.date))


def _facts(history: Sequence[Revision]) -> RevisionFacts | None:
    if not history:
        return None
    now = history[-1]
    return RevisionFacts(now.rows, now.account, history[0].committed_at, now.notes, now.columns, now.code_version)


def run_checks(
    workspace: Workspace, feed: Feed, partition: Partition, names: Iterable[str]
) -> dict[str, Sequence[Finding]]:
    """Return what each of the checks says of the partition. A check that crashes raises."""
    names = tuple(names)
    view = View(workspace, feed, partition, names)
    return {name: check(name).run(view) for name in names}


def write_report(
    workspace: Workspace,
    feed: Feed,
    partition: Partition,
    findings: dict[str, Sequence[Finding]],
    recipe: Recipe | None = None,
) -> Outcome:
    """Keep the findings of every check as the partition's `quality_reports`.

    Args:
        recipe: what counted before the checks looked; without it, what counts now is taken for what they saw, and the
            report is not known to be whole.
    """
    began = time.monotonic()
    told = [finding for said in findings.values() for finding in said]
    histories = workspace.ledger.histories(partition)
    rows_of = {table: history[-1].rows for table, history in histories.items()}
    rated = scores(told, {name: check(name).dimension for name in findings}, feed.quality, rows_of)
    rows = [_row(finding) for finding in (*told, *as_findings(rated, feed.quality))]
    frame = pl.DataFrame(rows, schema=polars_schema(QualityReports), orient="row").sort(
        TABLE.order, maintain_order=True
    )
    inputs = [
        revision_input(histories[table][-1]) for table in feed.assets if table in histories and table != TABLE.name
    ]
    origin = Origin(
        feed.source,
        code_version(workspace, feed, TABLE.name),
        workspace.run_id,
        inputs if recipe is None else recipe.inputs,
        _notes(rated, told),
        began,
        None if recipe is None else recipe.configuration,
    )
    with workspace.warehouse.stage(TABLE.name, partition, QualityReports) as staged:
        staged.write(frame)
        revision, changed = staged.commit(Account(records=len(frame), accepted=len(frame)), origin)
    return Outcome(TABLE.name, revision, changed, seconds=time.monotonic() - began)


def findings_in(workspace: Workspace, report: Revision) -> list[Finding]:
    """Return the findings that a report keeps, without the scores that were computed from them.

    Raises:
        WarehouseDamaged: the report's file is not there, or has other bytes.
    """
    rows = workspace.warehouse.rows_of(report).filter(pl.col("table") != SUBJECT)
    names = ("table", "check", "passed", "severity", "measured", "threshold", "detail")
    kept = rows.select(*names).collect().iter_rows()
    return [Finding(*told, detail=json.loads(detail)) for *told, detail in kept]


def _notes(rated: Scores, findings: Sequence[Finding]) -> dict[str, Any]:
    """Return what watching, mending and metrics ask of a report, in the ledger: no file is read for it."""
    failures = sorted({(each.check, each.table, each.severity) for each in findings if not each.passed})
    return {
        "findings": len(findings),
        "not_passed": dict(sorted(Counter(each.severity for each in findings if not each.passed).items())),
        "failing": len(failures),
        "failures": failures,
        "scores": rated.notes,
        "passed": rated.passed,
    }


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
