"""Partitions put into a warehouse by hand, and ledgers that name as many of them as a test wants."""

import datetime as dt
import uuid
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import insert, select, update

from market_data.domain.account import Account
from market_data.domain.contract import Schema
from market_data.domain.partition import Partition
from market_data.domain.tables import table as table_named
from market_data.ledger.file import File
from market_data.ledger.kept import columns_of
from market_data.ledger.ledger import Commit, Ledger
from market_data.ledger.revision import Revision
from market_data.ledger.schema import CURRENT, files, ledger_state, revisions
from market_data.warehouse.parquet import fingerprint
from market_data.warehouse.store import Origin, Warehouse
from market_data_tests.databases import ledger_url
from market_data_tests.kept_search import keep_what_is_found
from market_data_tests.partition_view import frame

ORIGIN = Origin(source="test", code_version="test 1", run_id="run-1")


def warehouse_at(home: Path) -> Warehouse:
    """A warehouse where the settings of that home expect it."""
    home.mkdir(parents=True, exist_ok=True)
    return Warehouse(home / "warehouse", Ledger(ledger_url(home)))


def put(
    warehouse: Warehouse,
    table: str,
    partition: Partition,
    rows: pl.DataFrame | Iterable[dict[str, Any]],
    *,
    schema: Schema | None = None,
    rejected: int = 0,
) -> Revision:
    """Make rows the partition; what a row leaves out is null."""
    schema = schema or table_named(table).schema
    data = rows if isinstance(rows, pl.DataFrame) else frame(table, list(rows))
    clock = table_named(table).order[0]
    with warehouse.stage(table, partition, schema, clock) as staged:
        staged.write(data)
        account = Account(records=len(data) + rejected, accepted=len(data), rejected=rejected)
        return staged.commit(account, ORIGIN)[0]


_SAID: dict[str, dict[str, Any]] = {"account": {"records": 1, "accepted": 1}, "notes": {}}


@cache
def _fingerprint(table: str) -> str:
    return fingerprint(table_named(table).schema)


def row_of(table: str, partition: Partition, **values: Any) -> dict[str, Any]:
    """A ledger row of a current revision; its file need not exist."""
    account, notes = (values.get(name, usual) for name, usual in _SAID.items())
    keys = f"feed={partition.feed}/symbol={partition.symbol}/date={partition.date.isoformat()}"
    return {
        "table_name": table,
        "feed": partition.feed,
        "symbol": partition.symbol,
        "date": partition.date,
        "revision": 1,
        "state": CURRENT,
        "path": f"{table}/{keys}/data.parquet",
        "sha256": "0" * 64,
        "size_bytes": 1_000,
        "rows": 1,
        "columns": _fingerprint(table),
        **_SAID,
        "inputs": [],
        **columns_of(account, notes),
        "source": "test",
        "code_version": "test 1",
        "run_id": "run-1",
        "committed_in": 1,
        "committed_ns": 1,
        **values,
    }


def commit_of(table: str, partition: Partition, follows: int = 0, **values: Any) -> Commit:
    """What a writer would commit after that revision; its file has a name of its own, and need not exist."""
    row = row_of(table, partition, path=f"_files/{table}/{uuid.uuid4().hex}.parquet") | values
    keys = {"table_name", "feed", "symbol", "date", "revision", "state", "committed_in", "committed_ns"}
    file = File(row["path"], row["sha256"], None, row["size_bytes"])
    given = {name: value for name, value in row.items() if name not in keys}
    return Commit(table, partition, given, file, [("price", "DOUBLE")], follows)


def enter(ledger: Ledger, rows: Iterable[dict[str, Any]], *, keep: bool = True) -> Ledger:
    """The ledger, with these rows in it.

    Args:
        keep: and with what it keeps beside them; whoever enters many at a time does that at the end.
    """
    rows = list(rows)
    paths = {row["path"]: row for row in rows}
    with ledger._engine.begin() as connection:
        connection.execute(insert(revisions), rows)
        connection.execute(
            insert(files), [{name: row[name] for name in ("path", "sha256", "size_bytes")} for row in paths.values()]
        )
        newest = max(row["committed_in"] for row in rows)
        last = connection.execute(select(ledger_state.c.last_commit)).scalar_one()
        connection.execute(update(ledger_state).values(last_commit=max(newest, last)))
        for feed in {row["feed"] for row in rows if keep}:
            keep_what_is_found(connection, feed)
    return ledger


def days(first: str, count: int) -> list[dt.date]:
    """So many days from the first."""
    start = dt.date.fromisoformat(first)
    return [start + dt.timedelta(days=n) for n in range(count)]
