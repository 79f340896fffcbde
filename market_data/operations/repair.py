"""Which partitions should be made again, and when: limits, waits, giving up. The making is a run's matter.

A partition is in want when a due day is missing, when what was made of it is older than what it was made from, when
its score lies below the feed's threshold, or when the vendor has other bytes by now than those that are landed.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from sqlalchemy import select

from market_data.domain.alerts import Cause
from market_data.domain.errors import MarketDataError
from market_data.domain.partition import Partition
from market_data.domain.tables import DERIVED
from market_data.domain.time import NS_PER_MINUTE, day_start, to_ns
from market_data.ledger.repairs import Tries
from market_data.ledger.revision import Revision
from market_data.ledger.schema import revisions
from market_data.operations.lateness import begun
from market_data.pipeline.coverage import coverage
from market_data.pipeline.workspace import Workspace
from market_data.settings import Feed

Reason = Literal["missing", "outdated", "poor", "replaced"]
REPAIR = "repair"
_WORDS: Mapping[str, str] = {
    "missing": "was missing",
    "outdated": "was made from what has been replaced since",
    "poor": "had a score below the threshold",
    "replaced": "had other bytes than the vendor",
}


@dataclass(frozen=True, slots=True)
class Repair:
    """One partition to be made again.

    Attributes:
        number: which try it is, from 1.
        refetch: whether the vendor is to be asked although its bytes are landed.
    """

    partition: Partition
    reason: Reason
    number: int
    refetch: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done for a feed now.

    Attributes:
        repairs: to be requested; they are entered as tried already.
        given_up: a cause for each partition that did not mend.
        cursor: where the next questions to the vendor go on.
    """

    repairs: Sequence[Repair]
    given_up: Sequence[Cause]
    cursor: str


def plan(workspace: Workspace, feed: Feed, now: dt.datetime, cursor: str = "") -> Plan:
    """What to make again now, within the feed's limit a day and each partition's wait."""
    tries = workspace.ledger.repairs.tries(feed.name)
    span = _span(workspace, feed, now)
    if not feed.repair.enabled or span is None:
        return Plan((), (), cursor)
    wanting: dict[Partition, Reason] = dict(_known(workspace, feed, *span))
    again = {partition for partition, tried in tries.items() if tried.reasons[-1] == "replaced"}
    asked, cursor = _to_ask(workspace, feed, span, again, cursor)
    replaced, unknown = _replaced(workspace, feed, [each for each in asked if each not in wanting])
    for partition in replaced:
        wanting[partition] = "replaced"
    workspace.ledger.repairs.mended(feed.name, tries.keys() - wanting.keys() - unknown, to_ns(now))
    given_up = {each: tried for each, tried in tries.items() if each in wanting and _is_hopeless(feed, tried)}
    due = [each for each in sorted(wanting) if each not in given_up and _is_due(feed, tries.get(each), now)]
    room = max(0, feed.repair.per_day - workspace.ledger.repairs.since(feed.name, day_start(now.date())))
    repairs = [_repair(each, wanting[each], tries.get(each)) for each in due[:room]]
    workspace.ledger.repairs.enter({each.partition: each.reason for each in repairs}, to_ns(now))
    return Plan(repairs, [_given_up(feed, each, tried) for each, tried in given_up.items()], cursor)


def _span(workspace: Workspace, feed: Feed, now: dt.datetime) -> tuple[dt.date, dt.date] | None:
    """The days that are looked at: from the first that was ever collected, so that nobody's history is bought."""
    since = begun(workspace.ledger, feed)
    if since is None:
        return None
    last = feed.last_due_day(now)
    first = max(feed.start, since, last - dt.timedelta(days=feed.repair.look_back_days - 1))
    return (first, last) if first <= last else None


def _known(workspace: Workspace, feed: Feed, first: dt.date, last: dt.date) -> Iterator[tuple[Partition, Reason]]:
    """What the ledger alone tells; the last reason given for a partition counts."""
    c, paid = revisions.c, workspace.source(feed).paid  # asking again for poor data that is billed is no repair
    current = workspace.ledger.find(c.feed == feed.name, c.date.between(first - dt.timedelta(days=1), last))
    by_key = {(revision.table, revision.partition): revision for revision in current}
    for revision in current:
        if revision.partition.date < first:
            continue
        if revision.table == "quality_reports" and revision.notes.get("passed") is False and not paid:
            yield revision.partition, "poor"
        if revision.table in DERIVED and _is_outdated(workspace, revision, by_key):
            yield revision.partition, "outdated"
    for table in feed.tables:
        for cell in coverage(workspace, feed, table, first, last):
            if cell.state == "missing":
                yield feed.partition(cell.symbol, cell.date), "missing"


def _is_outdated(workspace: Workspace, revision: Revision, current: Mapping[tuple[str, Partition], Revision]) -> bool:
    """Whether what it was read from was replaced since; what was made again with the same bytes is not outdated."""
    if not any(_is_replaced(revision, read, current) for read in revision.inputs):
        return False
    return any(_is_replaced(revision, read, current) for read in workspace.ledger.made_from(revision))


def _is_replaced(
    revision: Revision, read: Mapping[str, Any], current: Mapping[tuple[str, Partition], Revision]
) -> bool:
    if "table" not in read:
        return False
    day = dt.date.fromisoformat(read["date"])
    now = current.get((read["table"], Partition(revision.partition.feed, day, revision.partition.symbol)))
    return now is not None and now.sha256 != read["sha256"]


def _to_ask(
    workspace: Workspace, feed: Feed, span: tuple[dt.date, dt.date], again: set[Partition], cursor: str
) -> tuple[list[Partition], str]:
    """The next partitions in turn, and those that were tried for it; and where to go on next time."""
    c = revisions.c
    query = select(c.symbol, c.date).distinct()
    where = (c.feed == feed.name, c.table_name.in_(feed.tables), c.date.between(*span))
    there = sorted(feed.partition(symbol, day) for symbol, day in workspace.ledger.rows(query.where(*where)))
    later = [each for each in there if each.key > cursor]
    chosen = list(islice([*later, *(each for each in there if each.key <= cursor)], feed.repair.asks))
    return sorted({*chosen, *again}), chosen[-1].key if chosen else cursor


def _replaced(workspace: Workspace, feed: Feed, asked: Sequence[Partition]) -> tuple[list[Partition], set[Partition]]:
    """Those whose bytes the vendor has replaced, and those of which it could not say."""
    source, replaced, unknown = workspace.source(feed), list[Partition](), set[Partition]()
    for partition in asked:
        for table in feed.tables:
            request = feed.request(table, partition)
            files = workspace.landing.listed(request)
            try:
                if files and source.replaced(request, files):
                    replaced.append(partition)
                    break
            except MarketDataError:
                unknown.add(partition)  # a run will say what is wrong with the vendor
    return replaced, unknown


def _is_hopeless(feed: Feed, tried: Tries) -> bool:
    return len(tried.reasons) >= feed.repair.tries


def _is_due(feed: Feed, tried: Tries | None, now: dt.datetime) -> bool:
    if tried is None:
        return True
    wait = feed.repair.first_wait_minutes * 2 ** (len(tried.reasons) - 1)
    return tried.last_ns + wait * NS_PER_MINUTE <= to_ns(now)


def _repair(partition: Partition, reason: Reason, tried: Tries | None) -> Repair:
    number = 1 + (len(tried.reasons) if tried else 0)
    return Repair(partition, reason, number, refetch=reason in ("replaced", "poor"))


def _given_up(feed: Feed, partition: Partition, tried: Tries) -> Cause:
    words = ", ".join(f"it {_WORDS[reason]}" for reason in dict.fromkeys(tried.reasons))
    return Cause(
        kind=REPAIR,
        severity="error",
        title=f"{partition.date.isoformat()} does not mend",
        text=f"made again {len(tried.reasons)} times because {words}; `market-data ingest {feed.name} "
        f"--start {partition.date} --symbols {partition.symbol}` shows what is wrong",
        feed=feed.name,
        symbol=partition.symbol,
        name=partition.date.isoformat(),
        partitions=(partition,),
    )
