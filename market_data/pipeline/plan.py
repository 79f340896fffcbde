"""What a run would fetch, what landing has already, and what the rest would cost. Nothing is fetched here."""

import datetime as dt
import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from market_data.domain.errors import MarketDataError
from market_data.domain.partition import Partition
from market_data.domain.ports.source import Estimate
from market_data.pipeline.workspace import Workspace
from market_data.settings import Feed

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Planned:
    """One table of one symbol.

    Attributes:
        landed: the days whose bytes are in landing: they are not fetched.
        absent: the days that would be fetched.
        estimate: what fetching them would take; None where there are none, or the vendor could not say.
        problem: why it could not say, in words.
    """

    table: str
    symbol: str
    landed: tuple[dt.date, ...]
    absent: tuple[dt.date, ...]
    estimate: Estimate | None = None
    problem: str = ""

    @property
    def cost_usd(self) -> float:
        """Return what is known of the cost."""
        return (self.estimate.cost_usd or 0.0) if self.estimate else 0.0


def plan(
    workspace: Workspace,
    feed: Feed,
    partitions: Sequence[Partition],
    tables: Collection[str],
    *,
    refetch: bool = False,
) -> Iterator[Planned]:
    """Yield what a run of these partitions would fetch, table by table and symbol by symbol. Vendors bill no questions.

    Args:
        tables: those of the feed; what the platform makes itself needs no vendor.
        refetch: as if nothing were landed.
    """
    for table in feed.tables:
        if table not in tables:
            continue
        for symbol in sorted({partition.symbol for partition in partitions}):
            days = sorted(partition.date for partition in partitions if partition.symbol == symbol)
            yield _planned(workspace, feed, table, symbol, days, refetch=refetch)


def must_be_affordable(
    workspace: Workspace,
    feed: Feed,
    partitions: Sequence[Partition],
    tables: Collection[str],
    *,
    refetch: bool = False,
) -> None:
    """Nothing, for a run that costs no more than the feed may spend; what it will cost is logged.

    What the vendor cannot price now is left out here: every purchase is held against the budget once more when it is
    made.

    Raises:
        OverBudget: with the figure; nothing was bought.
    """
    if not workspace.source(feed).paid:
        return
    planned = [each for each in plan(workspace, feed, partitions, tables, refetch=refetch) if each.absent]
    usd = sum(each.cost_usd for each in planned)
    count = sum(len(each.absent) for each in planned)
    if count:
        what = f"this run ({count} tables of a day to buy)"
        workspace.ledger.spending.must_be_allowed(feed.name, workspace.run_id, usd, what, workspace.allowance(feed))
        _log.info("%s: %d tables of a day to buy for %.4f USD", feed.name, count, usd)


def _planned(
    workspace: Workspace, feed: Feed, table: str, symbol: str, days: Sequence[dt.date], *, refetch: bool
) -> Planned:
    requests = [feed.request(table, feed.partition(symbol, day)) for day in days]
    absent = [request for request in requests if refetch or not workspace.landing.has(request)]
    landed = tuple(request.partition.date for request in requests if request not in absent)
    missing = tuple(request.partition.date for request in absent)
    if not absent:
        return Planned(table, symbol, landed, missing)
    try:
        return Planned(table, symbol, landed, missing, workspace.source(feed).estimate(absent))
    except MarketDataError as error:
        return Planned(table, symbol, landed, missing, problem=str(error))
