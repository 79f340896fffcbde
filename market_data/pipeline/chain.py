"""One partition through every table asked for, in the order in which one is made from the other."""

import logging
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from market_data.domain.errors import MarketDataError, ours
from market_data.domain.partition import Partition
from market_data.domain.ports.check import Finding
from market_data.domain.tables import MADE_FROM
from market_data.pipeline.candles import build_candles
from market_data.pipeline.ingest import ingest
from market_data.pipeline.logs import about
from market_data.pipeline.quality import run_checks, write_report
from market_data.pipeline.whole import Look
from market_data.pipeline.workspace import Outcome, Workspace
from market_data.settings import Feed

_log = logging.getLogger("market_data.pipeline")


@dataclass(frozen=True, slots=True)
class Failed:
    """A table of a partition that could not be made: why, and what was left out because of it."""

    table: str
    partition: Partition
    error: MarketDataError
    left_out: Sequence[str] = ()

    def __str__(self) -> str:
        return f"{self.table} {self.partition.symbol} {self.partition.date.isoformat()}: {self.error}"


Step = Outcome | Failed | Finding


def materialize(
    workspace: Workspace,
    feed: Feed,
    partition: Partition,
    tables: Collection[str],
    checks: Collection[str],
    *,
    refetch: bool = False,
) -> Iterator[Step]:
    """Make the tables of one partition and judge them.

    An error of this project's own tree, or of the disk, ends the tables that depend on the broken one and not the
    others; anything else is a bug and is raised.

    Args:
        tables: which of the feed's tables to make; those they are made of, but which are not asked for, are taken
            as they are.
        checks: which checks to run; all of the feed's are, when `quality_reports` is made.
        refetch: ask the vendor again although its bytes are landed.
    """
    broken: list[str] = []
    for table in feed.tables:
        if table not in tables:
            continue
        try:
            with _about(workspace, partition, table):
                outcome = ingest(workspace, feed, table, partition, refetch=refetch)
            yield outcome
        except (MarketDataError, OSError) as error:
            broken.append(table)
            yield Failed(table, partition, ours(error), _after(table, tables))
    if "candles" in tables and "trades" not in broken:
        try:
            with _about(workspace, partition, "candles"):
                outcome = build_candles(workspace, feed, partition)
            yield outcome
        except (MarketDataError, OSError) as error:
            broken.append("candles")
            yield Failed("candles", partition, ours(error), _after("candles", tables))
    if not broken:
        try:
            yield from _judge(workspace, feed, partition, tables, checks)
        except (MarketDataError, OSError) as error:
            yield Failed("quality_reports", partition, ours(error))


def _judge(
    workspace: Workspace, feed: Feed, partition: Partition, tables: Collection[str], checks: Collection[str]
) -> Iterator[Step]:
    report = "quality_reports" in tables
    with _about(workspace, partition, "quality_reports"):
        # Looked up before the checks look: what is replaced meanwhile makes a report that is known to be old.
        recipe = Look(workspace, feed, [partition], ()).recipe("quality_reports", partition) if report else None
        findings = run_checks(workspace, feed, partition, feed.judged_by if report else checks)
        outcome = write_report(workspace, feed, partition, findings, recipe) if report else None
    if outcome is not None:
        yield outcome
    for said in findings.values():
        yield from said


def _about(workspace: Workspace, partition: Partition, table: str) -> AbstractContextManager[None]:
    day = partition.date.isoformat()
    return about(run=workspace.run_id, feed=partition.feed, table=table, symbol=partition.symbol, day=day)


def _after(table: str, tables: Collection[str]) -> tuple[str, ...]:
    """Return the tables asked for that are made from `table`."""
    made = [name for name, above in MADE_FROM.items() if table in above]
    return tuple(name for name in (*made, "quality_reports") if name in tables)
