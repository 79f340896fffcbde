"""Replaying landed bytes after a rule or a source was mended: what is accepted now leaves the quarantine. No network.

Only the table itself is made anew, not what is made from it: candles and reports come from Dagster, which then knows
that they were made, judges them by its checks, and shows both where people look. `following` says the command.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from market_data.domain.errors import MissingInput
from market_data.domain.partition import Partition
from market_data.pipeline.ingest import ingest
from market_data.pipeline.quarantine import Wanted, found
from market_data.pipeline.workspace import Workspace

Place = tuple[str, int]
"""A landed file's name, and the number of a record in it."""


@dataclass(frozen=True, slots=True)
class Released:
    """What a replay of one table of one partition gave.

    Attributes:
        released: records that stood in quarantine before and do not now.
        stay: records that stand there still.
        added: records that stand there only now.
        changed: whether the table has a new revision.
        other_bytes: whether the landed bytes are others than those that the table was made of: then what left the
            quarantine may not have been accepted, but gone with the old file.
    """

    table: str
    partition: Partition
    released: int
    stay: int
    added: int
    changed: bool
    other_bytes: bool


def release(workspace: Workspace, table: str, partition: Partition) -> Released:
    """Decode and judge the landed bytes of one table of one partition anew, and replace it.

    The same bytes and rules give the same rows, so that nothing is released twice: a second call changes nothing.

    Raises:
        MissingInput: the bytes are not landed, or are damaged; nothing has changed.
        MarketDataError: as `ingest`; the partition is then what it was.
    """
    feed = workspace.feed(partition.feed)
    landed = workspace.landing.find(feed.request(table, partition))
    if landed is None:
        raise MissingInput(
            f"{table} {partition}: its bytes are not landed, or are damaged, so that there is nothing to replay; bring "
            f"them with `market-data land {feed.name} {table} {partition.symbol} {partition.date.isoformat()} FILE`, "
            f"or fetch them anew: {materialize(feed.name, table, [partition])}"
        )
    current = workspace.warehouse.current(table, partition)
    made_of = {entry.get("sha256") for entry in current.inputs} if current is not None else None
    before = _places(workspace, table, partition)
    outcome = ingest(workspace, feed, table, partition, landed=landed)
    after = _places(workspace, table, partition)
    return Released(
        table,
        partition,
        released=len(before - after),
        stay=len(before & after),
        added=len(after - before),
        changed=outcome.changed,
        other_bytes=made_of is not None and made_of != {file.sha256 for file in landed},
    )


def following(released: Iterable[Released]) -> list[str]:
    """Return the commands that make what is made from the tables that changed: one for each run of days of a symbol."""
    changed = sorted(
        ((each.partition.feed, each.table, each.partition.symbol, each.partition) for each in released if each.changed),
    )
    commands: list[str] = []
    for (feed, table, _), group in groupby(changed, key=lambda each: each[:3]):
        commands += [materialize(feed, table, days) for days in _runs([partition for *_, partition in group])]
    return commands


def materialize(feed: str, table: str, partitions: Sequence[Partition]) -> str:
    """Return the command that makes a table and all that is made from it, of one symbol and these days."""
    first, last = partitions[0], partitions[-1]
    which = f"--partition '{first.key}'" if first == last else f"--partition-range '{first.key}...{last.key}'"
    return f"""dagster asset materialize --select 'key:"{feed}/{table}"+' {which} -m market_data.definitions"""


def _places(workspace: Workspace, table: str, partition: Partition) -> set[Place]:
    day = partition.date
    wanted = Wanted(partition.feed, table, partition.symbol, start=day, end=day)
    return {
        place for _, rows in found(workspace, wanted) for place in rows.select("landed_file", "record_number").rows()
    }


def _runs(partitions: Sequence[Partition]) -> list[list[Partition]]:
    """Return days that follow each other together: a range over a day between would ask the vendor for it."""
    runs: list[list[Partition]] = []
    for partition in partitions:
        if runs and partition.date - runs[-1][-1].date == dt.timedelta(days=1):
            runs[-1].append(partition)
        else:
            runs.append([partition])
    return runs
