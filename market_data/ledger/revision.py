"""What one row of the ledger says, and which rows are whose. Nothing is asked of the database here."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, or_

from market_data.domain.account import Account
from market_data.domain.partition import Partition
from market_data.domain.time import to_datetime
from market_data.ledger.schema import CURRENT, PENDING, revisions


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of one partition of one table. Instants are ns since the epoch, UTC.

    Attributes:
        path: of the file that its rows are read from, relative to the warehouse's root.
        sha256: of the file that it was first written to. It is the version of its rows: it stays when they move.
        content: hash of its rows (`warehouse.content_hash`); None where an earlier version of the code wrote it.
        clock: the column whose first and last value are `first_ns` and `last_ns`, where that is known.
        committed_in: the number of the commit by which it counts.
        superseded_in: the number of the commit by which it counts no more; None while it counts.
    """

    id: int
    table: str
    partition: Partition
    revision: int
    state: str
    path: Path
    sha256: str
    content: str | None
    size_bytes: int
    rows: int
    columns: str
    clock: str | None
    first_ns: int | None
    last_ns: int | None
    account: Account
    inputs: Sequence[Mapping[str, Any]]
    notes: Mapping[str, Any]
    source: str
    code_version: str
    run_id: str
    committed_in: int
    committed_ns: int
    superseded_in: int | None

    @property
    def committed_at(self) -> dt.datetime:
        """Return when it became current, UTC."""
        return to_datetime(self.committed_ns)

    def __str__(self) -> str:
        return f"{self.table} {self.partition} revision {self.revision}"


def counting(as_of: int | None) -> ColumnElement[bool]:
    """Return the condition for rows that count now, or counted right after the commit with that number.

    What counted then and is lost is among them: whoever reads it must meet an error, and not fewer rows.
    """
    c = revisions.c
    if as_of is None:
        return c.state == CURRENT
    counted = or_(c.superseded_in.is_(None), c.superseded_in > as_of)
    return and_(c.state != PENDING, c.committed_in <= as_of, counted)


def key_of(partition: Partition) -> dict[str, Any]:
    """Return the columns that name a partition."""
    return {"feed": partition.feed, "symbol": partition.symbol, "date": partition.date}


def within(partition: Partition) -> list[ColumnElement[bool]]:
    """Return which rows are of a partition."""
    return [revisions.c[name] == value for name, value in key_of(partition).items()]


def of_table(table: str, partition: Partition) -> list[ColumnElement[bool]]:
    """Return which rows are of a table of a partition."""
    return [revisions.c.table_name == table, *within(partition)]


NAMED = [revisions.c[name] == bindparam(f"of_{name}") for name in ("table_name", "feed", "symbol", "date")]
"""Which rows are of a table of a partition that is named when the statement is executed: it is made once and for all.

Making the statements anew was a quarter of a small partition's time."""


def named(table: str, partition: Partition) -> dict[str, Any]:
    """Return the values of `NAMED`."""
    return {"of_table_name": table} | {f"of_{name}": value for name, value in key_of(partition).items()}


def revision_of(row: Mapping[Any, Any]) -> Revision:
    """Return a revision from its row."""
    same = {name: row[name] for name in Revision.__dataclass_fields__ if name in row}
    same |= {"path": Path(row["path"]), "account": Account(**row["account"])}
    partition = Partition(row["feed"], row["date"], row["symbol"])
    return Revision(table=row["table_name"], partition=partition, **same)
