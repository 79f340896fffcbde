"""What one row of the ledger says, and which rows are whose. Nothing is asked of the database here."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, and_, or_

from market_data.domain.account import Account
from market_data.domain.partition import Partition
from market_data.domain.time import to_datetime
from market_data.ledger.schema import CURRENT, SUPERSEDED, revisions


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of one partition of one table. Instants are ns since the epoch, UTC."""

    id: int
    table: str
    partition: Partition
    revision: int
    state: str
    writer: str
    path: Path
    sha256: str
    size_bytes: int
    rows: int
    columns: str
    first_ns: int | None
    last_ns: int | None
    account: Account
    inputs: Sequence[Mapping[str, Any]]
    notes: Mapping[str, Any]
    source: str
    code_version: str
    run_id: str
    committed_ns: int

    @property
    def committed_at(self) -> dt.datetime:
        """When it became current, UTC."""
        return to_datetime(self.committed_ns)


def counting(as_of: int | None) -> ColumnElement[bool]:
    """Which rows count, or counted at `as_of`, ns."""
    if as_of is None:
        return revisions.c.state == CURRENT
    counted = or_(revisions.c.superseded_ns.is_(None), revisions.c.superseded_ns > as_of)
    return and_(revisions.c.state.in_([CURRENT, SUPERSEDED]), revisions.c.committed_ns <= as_of, counted)


def key_of(partition: Partition) -> dict[str, Any]:
    """The columns that name a partition."""
    return {"feed": partition.feed, "symbol": partition.symbol, "date": partition.date}


def within(partition: Partition) -> list[ColumnElement[bool]]:
    """Which rows are of a partition."""
    return [revisions.c[name] == value for name, value in key_of(partition).items()]


def of_table(table: str, partition: Partition) -> list[ColumnElement[bool]]:
    """Which rows are of a table of a partition."""
    return [revisions.c.table_name == table, *within(partition)]


def revision_of(row: Mapping[Any, Any]) -> Revision:
    """A revision from its row."""
    same = {name: row[name] for name in Revision.__dataclass_fields__ if name in row}
    same |= {"path": Path(row["path"]), "account": Account(**row["account"])}
    partition = Partition(row["feed"], row["date"], row["symbol"])
    return Revision(table=row["table_name"], partition=partition, **same)
