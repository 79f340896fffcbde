"""The platform's figures, by feed and table, for whoever draws curves of them. In which form stands elsewhere.

From the ledger by a few aggregates, whatever its size; no file of data is read.
"""

import datetime as dt
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, func, select, text

from market_data.domain.alerts import SEVERITIES
from market_data.domain.tables.quality_reports import TABLE as REPORTS
from market_data.ledger.schema import FAILING, PENDING, builds, revisions, series, spending
from market_data.operations.health.feeds import circuits
from market_data.operations.lateness import lateness
from market_data.pipeline.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Figure:
    """One curve's value.

    Attributes:
        name: without the platform's prefix; with the base unit at its end, and `_total` for one that only grows.
    """

    name: str
    labels: Mapping[str, str]
    value: float


Kind = Literal["gauge", "counter"]
MEANINGS: Mapping[str, tuple[Kind, str]] = {
    "partitions": ("gauge", "Partitions that are there."),
    "rows": ("gauge", "Rows of the partitions that are there."),
    "stored_bytes": ("gauge", "Bytes of the files that count."),
    "quarantined_records": ("gauge", "Records that stand in quarantine, of the partitions that are there."),
    "repeated_records": ("gauge", "Records that the vendor delivered more than once, dropped."),
    "revisions_total": ("counter", "Revisions ever made."),
    "build_seconds_total": ("counter", "Seconds spent on making revisions, fetching included."),
    "built_revisions_total": ("counter", "Revisions of which it is known how long they took."),
    "last_revision_timestamp_seconds": ("gauge", "When the newest revision was made."),
    "failed_findings": ("gauge", "Findings of the checks that did not pass, of the reports that are there."),
    "spent_usd_total": ("counter", "What was spent at vendors, as they priced it beforehand."),
    "lag_seconds": ("gauge", "Since the end of the newest day that every symbol has. It grows while a market rests."),
    "overdue_seconds": ("gauge", "Since the first missing day was due, by the feed's calendar; 0 if none is missing."),
    "vendor_circuit_open": ("gauge", "Whether a vendor is left alone because it did not answer: 1 open, 0.5 trying."),
    "vendor_failures": ("gauge", "Requests in a row that a vendor did not answer."),
    "vendor_last_success_timestamp_seconds": ("gauge", "When a vendor last answered."),
    "runs": ("gauge", "Dagster's runs, by how they ended or stand."),
    "daemon_last_heartbeat_timestamp_seconds": ("gauge", "When Dagster's daemon was last heard of."),
    "disk_free_bytes": ("gauge", "Free bytes where the home lies."),
    "disk_size_bytes": ("gauge", "All bytes of the file system on which the home lies."),
}
"""Every figure: how it moves, and what it is."""


def groups(workspace: Workspace, now: dt.datetime) -> Mapping[str, Callable[[], Iterator[Figure]]]:
    """Return the figures in groups, each of which may fail alone."""
    return {
        "current": lambda: _current(workspace),
        "made": lambda: _made(workspace),
        "findings": lambda: _findings(workspace),
        "spending": lambda: _spending(workspace),
        "lateness": lambda: _lateness(workspace, now),
        "vendors": lambda: _vendors(workspace, now),
        "disk": lambda: _disk(workspace),
    }


def _current(workspace: Workspace) -> Iterator[Figure]:
    c = series.c
    sums = {
        "partitions": func.sum(c.partitions),
        "rows": func.sum(c.rows),
        "stored_bytes": func.sum(c.size_bytes),
        "quarantined_records": func.sum(c.rejected),
        "repeated_records": func.sum(c.deduplicated),
    }
    query = select(c.feed, c.table_name, *sums.values())
    for feed, table, *values in workspace.ledger.all_rows(query.group_by(c.feed, c.table_name)):
        for name, value in zip(sums, values, strict=True):
            yield Figure(name, {"feed": feed, "table": table}, float(value))


def _made(workspace: Workspace) -> Iterator[Figure]:
    c, m = revisions.c, builds.c
    query = (
        select(c.feed, c.table_name, func.count(), _sum(m.seconds), func.count(m.seconds), func.max(c.committed_ns))
        .select_from(revisions.outerjoin(builds, m.revision_id == c.id))
        .where(c.state != PENDING)
        .group_by(c.feed, c.table_name)
    )
    for feed, table, count, seconds, timed, newest in workspace.ledger.all_rows(query):
        labels = {"feed": feed, "table": table}
        yield Figure("revisions_total", labels, count)
        yield Figure("build_seconds_total", labels, float(seconds))
        yield Figure("built_revisions_total", labels, timed)
        yield Figure("last_revision_timestamp_seconds", labels, newest / 1e9)


def _findings(workspace: Workspace) -> Iterator[Figure]:
    c, ledger = revisions.c, workspace.ledger
    sums = [_sum(c.notes["not_passed", severity].as_integer()) for severity in SEVERITIES]
    query = select(c.feed, *sums).where(text(FAILING), c.table_name == REPORTS.name).group_by(c.feed)
    failing = {feed: counts for feed, *counts in ledger.rows(query)}
    reported = select(series.c.feed).where(series.c.table_name == REPORTS.name).distinct().order_by(series.c.feed)
    for (feed,) in ledger.all_rows(reported):
        for severity, count in zip(SEVERITIES, failing.get(feed, [0] * len(SEVERITIES)), strict=True):
            yield Figure("failed_findings", {"feed": feed, "severity": severity}, count)


def _spending(workspace: Workspace) -> Iterator[Figure]:
    c = spending.c
    query = select(c.feed, c.table_name, func.sum(c.cost_usd)).group_by(c.feed, c.table_name)
    for feed, table, usd in workspace.ledger.all_rows(query):
        yield Figure("spent_usd_total", {"feed": feed, "table": table}, usd)


def _lateness(workspace: Workspace, now: dt.datetime) -> Iterator[Figure]:
    for feed in workspace.settings.feeds.values():
        for each in lateness(workspace.ledger, feed, now):
            labels = {"feed": feed.name, "table": each.table}
            yield Figure("overdue_seconds", labels, each.overdue_seconds(now))
            if (lag := each.lag_seconds(now)) is not None:
                yield Figure("lag_seconds", labels, lag)


def _vendors(workspace: Workspace, now: dt.datetime) -> Iterator[Figure]:
    values = {"closed": 0.0, "half-open": 0.5, "open": 1.0}
    for source in sorted({feed.source for feed in workspace.settings.feeds.values()}):
        for name, circuit in circuits(workspace.settings, source).items():
            labels = {"vendor": name}
            yield Figure("vendor_circuit_open", labels, values[circuit.state(now.timestamp())])
            yield Figure("vendor_failures", labels, circuit.failures)
            if circuit.last_success:
                yield Figure("vendor_last_success_timestamp_seconds", labels, circuit.last_success)


def _disk(workspace: Workspace) -> Iterator[Figure]:
    usage = shutil.disk_usage(workspace.settings.home)
    yield Figure("disk_free_bytes", {}, usage.free)
    yield Figure("disk_size_bytes", {}, usage.total)


def _sum(value: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.coalesce(func.sum(value), 0)
