"""Which partitions should be made again, and when: limits, waits, giving up. The making is a run's matter.

A partition is in want when a due day is missing, when what was made of it is older than what it was made from, when
its score lies below the feed's threshold, or when the vendor has other bytes by now than those that are landed.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import and_, bindparam, not_, or_, select, text, true

from market_data.domain.alerts import Cause
from market_data.domain.errors import MarketDataError
from market_data.domain.partition import Partition
from market_data.domain.tables import DERIVED
from market_data.domain.time import NS_PER_MINUTE, day_start, to_ns
from market_data.ledger.repairs import Tries
from market_data.ledger.schema import POOR, REPLACED, inputs, revisions
from market_data.operations.lateness import begun
from market_data.pipeline.coverage import missing
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
_c = revisions.c
_OF_DAYS = select(_c.symbol, _c.date).where(
    _c.feed == bindparam("feed"), _c.date.between(bindparam("first"), bindparam("last"))
)
_POOR = _OF_DAYS.where(text(POOR))
_OUTDATED = (
    _OF_DAYS.join_from(revisions, inputs, inputs.c.revision_id == _c.id)
    .where(text(REPLACED), inputs.c.feed == bindparam("feed"), _c.table_name.in_(DERIVED))
    .distinct()
)


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
    """Return what to make again now, within the feed's limit a day and each partition's wait."""
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
    """Return the days to look at: from the first that was ever collected, so that nobody's history is bought."""
    since = begun(workspace.ledger, feed)
    if since is None:
        return None
    last = feed.last_due_day(now)
    first = max(feed.start, since, last - dt.timedelta(days=feed.repair.look_back_days - 1))
    return (first, last) if first <= last else None


def _known(workspace: Workspace, feed: Feed, first: dt.date, last: dt.date) -> Iterator[tuple[Partition, Reason]]:
    """Yield what the ledger alone tells; the last reason given for a partition counts."""
    ledger, asked = workspace.ledger, {"feed": feed.name, "first": first, "last": last}
    if not workspace.source(feed).paid:  # asking again for poor data that is billed is no repair
        for symbol, day in ledger.all_rows(_POOR, asked):
            yield feed.partition(symbol, day), "poor"
    for symbol, day in ledger.all_rows(_OUTDATED, asked):
        yield feed.partition(symbol, day), "outdated"
    for lacks in missing(ledger.current_reader, feed, first, last).values():
        for partition in lacks:
            yield partition, "missing"


def _to_ask(
    workspace: Workspace, feed: Feed, span: tuple[dt.date, dt.date], again: set[Partition], cursor: str
) -> tuple[list[Partition], str]:
    """Return the next partitions in turn, and those that were tried for it; and where to go on next time."""
    c = revisions.c
    query = select(c.date, c.symbol).distinct().where(c.feed == feed.name, c.table_name.in_(feed.tables))
    query = query.where(c.date.between(*span)).order_by(c.date, c.symbol)
    last = Partition.of_key(feed.name, cursor) if cursor else None
    is_later = true() if last is None else or_(c.date > last.date, and_(c.date == last.date, c.symbol > last.symbol))
    chosen: list[Partition] = []
    for where in (is_later, not_(is_later)):
        rows = workspace.ledger.rows(query.where(where).limit(feed.repair.asks - len(chosen)))
        chosen += [feed.partition(symbol, day) for day, symbol in rows]
    return sorted({*chosen, *again}), chosen[-1].key if chosen else cursor


def _replaced(workspace: Workspace, feed: Feed, asked: Sequence[Partition]) -> tuple[list[Partition], set[Partition]]:
    """Return those whose bytes the vendor has replaced, and those of which it could not say."""
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
