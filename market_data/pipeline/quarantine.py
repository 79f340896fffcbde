"""The quarantine of a partition: records set aside, found by filters, and noted as not wanted. Releasing: `release`.

It is one file for all tables of the partition, in which each table's records are replaced together.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from market_data.domain.account import Account
from market_data.domain.contract import polars_schema
from market_data.domain.errors import PartitionBusy
from market_data.domain.partition import Partition
from market_data.domain.tables.quarantine import TABLE, Quarantine, digest
from market_data.ledger.schema import revisions
from market_data.pipeline.workspace import Workspace
from market_data.warehouse.store import Origin

_TRIES = 20
_WITHOUT_RUN = [name for name in polars_schema(Quarantine) if name != "run_id"]


def set_aside(
    workspace: Workspace, partition: Partition, table: str, rejected: Sequence[dict[str, Any]], origin: Origin
) -> None:
    """Make `rejected` the records of `table` that stand in the partition's quarantine.

    The same records as before keep the run that first set them aside, so that nothing changes on disk.

    Raises:
        PartitionBusy: other processes kept replacing the same partition's quarantine.
    """
    for attempt in range(_TRIES):
        try:
            return _replace(workspace, partition, table, rejected, origin)
        except PartitionBusy:
            if attempt == _TRIES - 1:
                raise
    return None


def _replace(
    workspace: Workspace, partition: Partition, table: str, rejected: Sequence[dict[str, Any]], origin: Origin
) -> None:
    warehouse = workspace.warehouse
    current = warehouse.current(TABLE.name, partition)
    if current is None and not rejected:
        return
    before = warehouse.scan(TABLE.name, partition).collect()
    others = before.filter(pl.col("table") != table)
    rows = [{**row, "run_id": workspace.run_id} for row in rejected]
    after = pl.concat([others, pl.DataFrame(rows, schema=polars_schema(Quarantine))]).sort(TABLE.order)
    if after.select(_WITHOUT_RUN).equals(before.select(_WITHOUT_RUN)):
        return
    with warehouse.stage(TABLE.name, partition, Quarantine) as staged:
        staged.write(after)
        account = Account(records=len(after), accepted=len(after))
        staged.commit(account, origin, after=current.revision if current else None)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records: None is any. The days are UTC, both included."""

    feed: str | None = None
    table: str | None = None
    symbol: str | None = None
    rule: str | None = None
    start: dt.date | None = None
    end: dt.date | None = None


def found(workspace: Workspace, wanted: Wanted) -> Iterator[tuple[Partition, pl.DataFrame]]:
    """Yield the wanted records by partition, in order of feed, day and symbol; partitions without any are left out.

    The columns are the table's, then `digest`, and `dropped`: why somebody does not want it, or null.

    Raises:
        WarehouseDamaged: a file of the quarantine is not what the ledger says.
    """
    for revision in workspace.ledger.find(*_where(wanted)):
        rows = workspace.warehouse.rows_of(revision)
        for column in ("table", "rule"):
            value: str | None = getattr(wanted, column)
            rows = rows if value is None else rows.filter(pl.col(column) == value)
        frame = rows.collect()
        workspace.warehouse.release()
        if len(frame):
            yield revision.partition, _noted(workspace, revision.partition, frame)


def drop(workspace: Workspace, wanted: Wanted, why: str) -> int:
    """Note that these records were looked at and are not wanted; how many were not noted before.

    They stay in quarantine: the account of a partition says how many records were rejected, and the quarantine holds
    just as many, whatever somebody thinks of them. The note is tied to the record's words and place, so it lasts
    through replays and does not fall on another record of a corrected file.
    """
    return sum(
        workspace.ledger.dropped.drop(*_digests(partition, rows), why) for partition, rows in found(workspace, wanted)
    )


def undo(workspace: Workspace, wanted: Wanted) -> int:
    """Take the notes of these records back; how many there were."""
    return sum(
        workspace.ledger.dropped.undo(*_digests(partition, rows)) for partition, rows in found(workspace, wanted)
    )


def _digests(partition: Partition, rows: pl.DataFrame) -> tuple[Partition, list[str]]:
    return partition, rows["digest"].to_list()


def _noted(workspace: Workspace, partition: Partition, frame: pl.DataFrame) -> pl.DataFrame:
    notes = workspace.ledger.dropped.of(partition)
    digests = [digest(row) for row in frame.iter_rows(named=True)]
    return frame.with_columns(
        pl.Series("digest", digests, dtype=pl.String),
        pl.Series("dropped", [notes.get(each) for each in digests], dtype=pl.String),
    )


def _where(wanted: Wanted) -> list[Any]:
    c = revisions.c
    where = [c.table_name == TABLE.name]
    where += [c[name] == value for name in ("feed", "symbol") if (value := getattr(wanted, name)) is not None]
    where += [c.date >= wanted.start] if wanted.start else []
    where += [c.date <= wanted.end] if wanted.end else []
    return where
