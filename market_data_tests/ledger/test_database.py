"""The ledger's database in SQLite where its disk is full or read-only, and what readers and writers hear of it."""

import datetime as dt
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from market_data.domain.contract import polars_schema
from market_data.domain.errors import StorageTrouble
from market_data.domain.partition import Partition
from market_data.domain.ports.source import Delivery
from market_data.domain.tables import table
from market_data.ledger.database import engine_of, reading
from market_data.ledger.ledger import Ledger
from market_data.warehouse.external_sort import opened
from market_data.warehouse.store import Warehouse
from market_data_tests.faults.mounts import Mount, tmpfs
from market_data_tests.faults.scenario import CannotRun
from market_data_tests.partition_view import trade
from market_data_tests.partitions import put
from market_data_tests.warehouse_invariants import age, assert_sound

PARTITION = Partition("feed", dt.date(2024, 1, 15), "1000")


def trades(numbers: list[int]) -> list[dict[str, Any]]:
    return [trade(n) for n in numbers]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Mount]:
    """A small one, with a ledger on it that names one partition of a warehouse beside it."""
    try:
        with tmpfs(tmp_path / "disk", "4m") as mount:
            warehouse = Warehouse(tmp_path / "warehouse", Ledger(url(mount)))
            put(warehouse, "trades", PARTITION, trades([1, 2, 3]))
            warehouse.close()
            warehouse.ledger.close()
            yield mount
    except CannotRun as reason:
        pytest.skip(str(reason))


def url(disk: Mount) -> str:
    return f"sqlite:///{disk.path}/ledger.db"


@pytest.mark.parametrize(("fault", "words"), [("full", "No space left on device; make room"), ("ro", "Read-only file")])
def test_a_ledger_on_a_full_or_read_only_disk_is_read_and_says_why_it_is_not_written(
    disk: Mount, tmp_path: Path, fault: str, words: str
) -> None:
    if fault == "full":
        disk.fill()
    else:
        disk.remount("ro")
    warehouse = Warehouse(tmp_path / "warehouse", Ledger(url(disk)))
    before = warehouse.current("trades", PARTITION)
    assert before is not None
    with pytest.raises(StorageTrouble, match=rf"ledger.db: {words}"):
        put(warehouse, "trades", PARTITION, trades([4, 5]))
    assert warehouse.current("trades", PARTITION) == before
    disk.remount("rw,size=16m")
    put(warehouse, "trades", PARTITION, trades([4, 5]))  # the same process, once the disk is well
    assert_sound(warehouse, orphans=True)
    warehouse.close()
    warehouse.ledger.close()


def test_what_is_in_a_journal_that_cannot_be_read_is_not_left_out_in_silence(disk: Mount) -> None:
    writer = sqlite3.connect(disk.path / "ledger.db")
    writer.execute("DELETE FROM partition_revisions")
    writer.commit()
    journal = (disk.path / "ledger.db-wal").read_bytes()
    assert journal
    writer.close()
    (disk.path / "ledger.db-wal").write_bytes(journal)
    disk.remount("ro")
    with pytest.raises(StorageTrouble, match="Read-only file system"):
        Ledger(url(disk))


def test_readers_do_not_wait_for_a_writer(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    writer = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    assert ledger.find() == []  # else it would be refused after a minute
    Ledger(f"sqlite:///{tmp_path}/ledger.db").close()
    writer.close()
    ledger.close()


def test_a_mistake_in_a_query_stays_one(tmp_path: Path) -> None:
    engine = engine_of(f"sqlite:///{tmp_path}/a.db")
    with reading(engine) as connection, pytest.raises(OperationalError, match="no such table"):
        connection.execute(text("SELECT * FROM elsewhere"))
    engine.dispose()


def test_a_commit_that_the_database_did_not_take_leaves_what_counted_and_a_file_for_the_sweep(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "warehouse", Ledger(f"sqlite:///{tmp_path}/ledger.db"))
    first = put(warehouse, "trades", PARTITION, trades([1, 2, 3]))
    beside = sqlite3.connect(tmp_path / "ledger.db")
    beside.execute(
        "CREATE TRIGGER refusing BEFORE UPDATE ON partition_revisions WHEN NEW.state = 'superseded' "
        "BEGIN SELECT RAISE(FAIL, 'not now'); END"
    )
    with pytest.raises(Exception, match="not now"):
        put(warehouse, "trades", PARTITION, trades([4, 5]))
    assert warehouse.current("trades", PARTITION) == first
    assert warehouse.ledger.last_commit == 1
    beside.execute("DROP TRIGGER refusing")
    beside.close()
    made = put(warehouse, "trades", PARTITION, trades([6]))
    assert (made.revision, made.committed_in) == (2, 2)
    assert_sound(warehouse, orphans=True)
    assert warehouse.sweep() == 0
    age(warehouse)
    assert warehouse.sweep() == 1
    assert_sound(warehouse)
    warehouse.close()
    warehouse.ledger.close()


def test_rows_that_cannot_be_put_in_order_for_want_of_room_say_so(disk: Mount) -> None:
    count = 300_000
    schema = table("trades").schema
    path = disk.path / "staged.parquet"
    columns = {name: pl.lit(None, kind) for name, kind in polars_schema(schema).items()}
    numbers = pl.int_range(count, 0, -1, dtype=pl.Int64)
    columns |= {"ts_event": numbers, "trade_id": numbers.cast(pl.String) + "-and-a-long-tail-that-takes-room"}
    disk.remount("size=64m")
    pl.select([column.alias(name) for name, column in columns.items()]).write_parquet(path)
    disk.fill()
    with (
        pytest.raises(StorageTrouble, match=r"spill: .*make room"),
        opened(path, Delivery(schema, identity=("trade_id",)), ("ts_event", "ordinal")) as disordered,
    ):
        disordered._connection.execute("SET memory_limit = '24MB'")
        disordered.repeats()
