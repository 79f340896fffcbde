"""Where a partition comes from and what was made from it, by the ledger and the landing. Nothing is changed."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from market_data.domain.partition import Partition
from market_data.domain.tables.candles import TABLE as CANDLES
from market_data.landing import Known
from market_data.ledger.revision import Revision
from market_data.ledger.spending import Purchase
from market_data.pipeline.workspace import Workspace
from market_data.settings import Feed

Freshness = Literal["current", "stale"]


@dataclass(frozen=True, slots=True)
class Link:
    """A revision that another was made from, or that was made from it.

    Attributes:
        table: of the other one.
        date: its UTC day.
        made_from: the number of the revision that was read.
        state: `stale` where other bytes count by now than those that were read.
        landed: of what it was made from, the landed files that count.
    """

    table: str
    date: dt.date
    made_from: int
    state: Freshness
    landed: Sequence[Known] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """One table of one partition.

    Attributes:
        landed: every file that was ever landed for it, those that count first; none for a derived table.
        bought: purchases, oldest first.
        revisions: oldest first.
        upstream: what its current revision was made from; for a derived table.
        downstream: what was made from it: of the same partition, and of the day after.
    """

    table: str
    partition: Partition
    landed: Sequence[Known]
    bought: Sequence[Purchase]
    revisions: Sequence[Revision]
    upstream: Sequence[Link]
    downstream: Sequence[Link]

    @property
    def current(self) -> Revision | None:
        """Return the revision that counts."""
        return next((each for each in reversed(self.revisions) if each.state == "current"), None)

    @property
    def is_stale(self) -> bool:
        """Return whether it was made from bytes that were replaced since."""
        return any(link.state == "stale" for link in self.upstream)


def trace(workspace: Workspace, feed: Feed, table: str, partition: Partition) -> Trace:
    """Return what is known of it."""
    histories = workspace.ledger.histories(partition)
    revisions = histories.get(table, [])
    landed = workspace.landing.known(feed.request(table, partition)) if table in feed.tables else ()
    bought = workspace.ledger.spending.of_partition(partition, table)
    found = Trace(table, partition, landed, bought, revisions, (), ())
    if found.current is None:
        return found
    upstream = [*_upstream(workspace, feed, found.current)]
    downstream = [*_downstream(workspace, found.current, histories)]
    return Trace(table, partition, landed, bought, revisions, upstream, downstream)


def _upstream(workspace: Workspace, feed: Feed, revision: Revision) -> Iterator[Link]:
    for read in _revisions_read(workspace, revision):
        date = dt.date.fromisoformat(read["date"])
        place = Partition(revision.partition.feed, date, revision.partition.symbol)
        current = workspace.ledger.current(read["table"], place)
        same = current is not None and current.sha256 == read["sha256"]
        known = workspace.landing.known(feed.request(read["table"], place)) if read["table"] in feed.tables else ()
        landed = tuple(each for each in known if each.counts)
        yield Link(read["table"], date, read["revision"], "current" if same else "stale", landed)


def _downstream(
    workspace: Workspace, revision: Revision, histories: Mapping[str, Sequence[Revision]]
) -> Iterator[Link]:
    """Tables of the same partition; and candles of the day after, which may begin with this day's last close."""
    partition = revision.partition
    after = Partition(partition.feed, partition.date + dt.timedelta(days=1), partition.symbol)
    next_day = workspace.ledger.current(CANDLES.name, after)
    candidates = [history[-1] for history in histories.values() if history[-1].state == "current"]
    for made in [*candidates, *([next_day] if next_day is not None else [])]:
        for read in _revisions_read(workspace, made):
            if read["table"] == revision.table and read["date"] == partition.date.isoformat():
                state: Freshness = "current" if read["sha256"] == revision.sha256 else "stale"
                yield Link(made.table, made.partition.date, read["revision"], state)


def _revisions_read(workspace: Workspace, revision: Revision) -> list[Mapping[str, Any]]:
    """Return the revisions among what it was made from, or last made again from with the same bytes."""
    return [read for read in workspace.ledger.made_from(revision) if "table" in read]
