"""What is wrong now, as causes for alerts: days that are due and missing, findings, errors. Nothing is mended or told.

Each function looks at the whole of its kind and feed, so that what it does not name any more has ended.
"""

import datetime as dt
from collections.abc import Iterator, Sequence

from sqlalchemy import bindparam, func, select, text

from market_data.domain.alerts import MOST_PARTITIONS, Cause, rank
from market_data.domain.partition import Partition
from market_data.domain.ports.check import Severity
from market_data.domain.time import to_ns
from market_data.ledger.schema import FAILING, SET_ASIDE, revisions
from market_data.operations.lateness import begun
from market_data.pipeline.coverage import missing
from market_data.pipeline.workspace import Workspace
from market_data.settings import Feed

FRESHNESS, FINDING, REJECTED = "freshness", "finding", "rejected_share"
_LOOK_BACK_DAYS = 7
"""Older holes are `market_data.operations.repair`'s matter: they are known, and no news."""
_CRITICAL_DAYS = 3
_c = revisions.c
_WITH_RECORDS_ASIDE = (
    select(_c.table_name)
    .where(text(SET_ASIDE), _c.feed == bindparam("feed"), _c.committed_ns > bindparam("since"))
    .distinct()
)
_FAILING_REPORTS = (
    select(_c.symbol, _c.date, _c.notes).where(text(FAILING), _c.feed == bindparam("feed")).order_by(_c.date, _c.symbol)
)
"""Only reports fail. Were the table named, SQLite would go through all of a feed's reports instead of the index."""


def late(workspace: Workspace, feed: Feed, now: dt.datetime) -> list[Cause]:
    """Return a cause for each table with days of the last week that are due, traded, and not there.

    A feed that never collected anything is not late: nobody has begun with it.
    """
    last = feed.last_due_day(now)
    first = max(feed.start, last - dt.timedelta(days=_LOOK_BACK_DAYS - 1))
    if last < first or (feed.end is not None and feed.end < now.date() - dt.timedelta(days=_LOOK_BACK_DAYS)):
        return []
    since = begun(workspace.ledger, feed)
    if since is None:
        return []
    first = max(first, since)
    lacking = missing(workspace.ledger.current_reader, feed, first, last)
    return [_late(feed, table, lacks) for table, lacks in lacking.items()]


def rejecting(workspace: Workspace, feed: Feed, now: dt.datetime, threshold: float) -> list[Cause]:
    """Return a cause for each table of which more than this share of the last day's records was set aside.

    Args:
        threshold: 0 to 1; of the records of all revisions that were made in the 24 hours before `now`.
    """
    c, since = revisions.c, to_ns(now - dt.timedelta(days=1))
    where = (c.feed == feed.name, c.committed_ns > since)
    some = workspace.ledger.all_rows(_WITH_RECORDS_ASIDE, {"feed": feed.name, "since": since})
    tables = [table for (table,) in some if table in feed.tables]
    if not tables:
        return []
    query = select(c.table_name, func.sum(c.account["records"].as_integer()), func.sum(c.rejected))
    query = query.where(*where, c.table_name.in_(tables)).group_by(c.table_name).order_by(c.table_name)
    why = f"`market-data quarantine list --feed {feed.name}` shows why"
    return [
        Cause(
            kind=REJECTED,
            severity="error",
            title="many records are set aside",
            text=f"{aside:,} of {count:,} records of the last 24 hours, {aside / count:.1%}, broke the contract, "
            f"and more than {threshold:.1%} is an alert; {why}",
            feed=feed.name,
            table=table,
        )
        for table, count, aside in workspace.ledger.rows(query)
        if count and aside / count > threshold
    ]


def not_passing(workspace: Workspace, feed: Feed) -> list[Cause]:
    """Return a cause for each check of each table that does not pass in reports that count now."""
    found: dict[tuple[str, str], list[tuple[Partition, Severity]]] = {}
    for symbol, day, notes in workspace.ledger.all_rows(_FAILING_REPORTS, {"feed": feed.name}):
        for check, table, severity in notes["failures"]:
            found.setdefault((check, table), []).append((feed.partition(symbol, day), severity))
    return [_not_passing(feed, *key, failures) for key, failures in found.items()]


def _not_passing(feed: Feed, check: str, table: str, failures: Sequence[tuple[Partition, Severity]]) -> Cause:
    partitions = tuple(partition for partition, _ in failures)
    days, symbols = (sorted({getattr(each, name) for each in partitions}) for name in ("date", "symbol"))
    where = f"feed = '{feed.name}' AND \"check\" = '{check}' AND NOT passed"
    return Cause(
        kind=FINDING,
        severity=max((severity for _, severity in failures), key=rank),
        title=f"{check} does not pass",
        text=f"{len(partitions)} partitions, {_span(days)}, {', '.join(_few(symbols))}. "
        f"In SQL: FROM quality_reports WHERE {where}",
        feed=feed.name,
        table=table,
        name=check,
        partitions=partitions[:MOST_PARTITIONS],
    )


def _late(feed: Feed, table: str, lacks: Sequence[Partition]) -> Cause:
    days = sorted({partition.date for partition in lacks})
    symbols = sorted({partition.symbol for partition in lacks})
    severity: Severity = "critical" if len(days) >= _CRITICAL_DAYS else "error"
    return Cause(
        kind=FRESHNESS,
        severity=severity,
        title="due days are missing",
        text=f"{len(lacks)} partitions are due and not there: {_span(days)}, {', '.join(_few(symbols))}. "
        f"`market-data ingest {feed.name} --start {days[0]} --end {days[-1]}` fetches them",
        feed=feed.name,
        table=table,
        partitions=tuple(lacks),
    )


def _span(days: Sequence[dt.date]) -> str:
    return days[0].isoformat() if len(days) == 1 else f"{days[0]} to {days[-1]}"


def _few(names: Sequence[str], most: int = 5) -> Iterator[str]:
    yield from names[:most]
    if len(names) > most:
        yield f"and {len(names) - most} more"
