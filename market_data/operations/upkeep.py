"""What is done for the warehouse's files once a day: small ones are brought into one, and what nobody reads goes."""

import datetime as dt
from collections.abc import Callable, Collection, Sequence

from market_data.domain.errors import MarketDataError
from market_data.domain.time import to_ns
from market_data.pipeline.workspace import Workspace
from market_data.warehouse.compaction import Compacted, Limits, Month, compact, months
from market_data.warehouse.file_store import SETTLED_NS

_BYTES_PER_MB = 10**6
Follow = Callable[[int, int, Month], None]
"""Told how many months are done, of how many, and which is next."""


def limits(workspace: Workspace, today: dt.date) -> Limits:
    """Return what the configuration says of files that are compacted."""
    upkeep = workspace.settings.upkeep
    return Limits(today, upkeep.compact_after_days, int(upkeep.compact_below_mb * _BYTES_PER_MB))


def is_due(workspace: Workspace, now: dt.datetime) -> bool:
    """Return whether there is something to compact, to expire or to remove, but for what dead writers left."""
    upkeep, ns = workspace.settings.upkeep, to_ns(now)
    if upkeep.compact and worth_compacting(workspace, now.date()):
        return True
    if workspace.ledger.unreferenced(ns - SETTLED_NS):
        return True
    return upkeep.history_ns is not None and workspace.ledger.has_superseded(ns - upkeep.history_ns)


def worth_compacting(
    workspace: Workspace, today: dt.date, feed: str | None = None, tables: Collection[str] = ()
) -> list[Month]:
    """Return the closed months that have several small files."""
    return months(workspace.ledger, limits(workspace, today), feed, tables)


def compact_all(
    workspace: Workspace, wanted: Sequence[Month], today: dt.date, follow: Follow | None = None
) -> list[Compacted]:
    """Compact months, one after the other; one that cannot be is told with the reason, and the next is taken."""
    below, done = limits(workspace, today).below_bytes, list[Compacted]()
    for number, month in enumerate(wanted):
        if follow is not None:
            follow(number, len(wanted), month)
        try:
            done.append(compact(workspace.warehouse, month, below))
        except MarketDataError as error:
            done.append(Compacted(month, left_out=[f"{month}: {error}"]))
    return done
