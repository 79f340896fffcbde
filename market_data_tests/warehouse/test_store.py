"""Replacing partitions: revisions, history, reading as of a time, what writers leave that die."""

import datetime as dt
import os
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from market_data.domain.account import Account
from market_data.domain.contract import polars_schema
from market_data.domain.errors import MarketDataError, PartitionBusy, WarehouseDamaged
from market_data.domain.partition import Partition
from market_data.domain.tables import table
from market_data.ledger import ledger
from market_data.ledger.file import File
from market_data.ledger.revision import Revision
from market_data.warehouse import parquet, store
from market_data.warehouse.file_store import FolderFiles
from market_data.warehouse.store import Origin, Staged, Warehouse
from market_data_tests.places import KINDS, warehouse_on
from market_data_tests.warehouse_invariants import assert_sound

PARTITION = Partition("feed", dt.date(2024, 1, 15), "1000")
SCHEMA = table("trades").schema
ORIGIN = Origin("test", "test 1", "run-1")


def trades(prices: list[int]) -> pl.DataFrame:
    count = len(prices)
    return pl.DataFrame(
        {
            "ts_event": list(range(count)),
            "ts_recv": [None] * count,
            "ordinal": list(range(count)),
            "trade_id": [str(n) for n in range(count)],
            "price": [Decimal(price) for price in prices],
            "size": [Decimal(1)] * count,
            "side": ["buy"] * count,
        },
        schema=polars_schema(SCHEMA),
    )


def replace(warehouse: Warehouse, *frames: pl.DataFrame, after: int | None = store.ANY) -> tuple[Revision, bool]:
    with warehouse.stage("trades", PARTITION, SCHEMA, "ts_event") as staged:
        for frame in frames:
            staged.write(frame)
        rows = sum(map(len, frames))
        return staged.commit(Account(rows, rows), ORIGIN, after)


@pytest.fixture(params=KINDS)
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Warehouse]:
    with warehouse_on(request.param, tmp_path) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Warehouse]:
    """Where the files lie in place."""
    with warehouse_on("folder", tmp_path) as opened:
        yield opened


def test_the_same_rows_add_no_revision_and_change_no_byte(warehouse: Warehouse) -> None:
    first, changed = replace(warehouse, trades([1, 2, 3]))
    again, changed_again = replace(warehouse, trades([1, 2, 3]))
    assert (changed, changed_again) == (True, False)
    assert first == again
    assert_sound(warehouse)


def test_how_rows_are_cut_into_batches_changes_no_byte(warehouse: Warehouse) -> None:
    frame = trades(list(range(1, 1_000)))
    whole, _ = replace(warehouse, frame)
    cut, changed = replace(warehouse, *(frame[n : n + 37] for n in range(0, len(frame), 37)))
    assert not changed
    assert cut.sha256 == whole.sha256


def test_changed_rows_make_a_revision_that_keeps_the_superseded_file(warehouse: Warehouse) -> None:
    first, _ = replace(warehouse, trades([1]))
    second, changed = replace(warehouse, trades([2]))
    assert changed
    assert (first.revision, second.revision) == (1, 2)
    old, new = warehouse.ledger.history("trades", PARTITION)
    assert [pl.read_parquet(warehouse.file_of(r), hive_partitioning=False)["price"][0] for r in (old, new)] == [1, 2]
    assert_sound(warehouse)


def test_as_of_finds_what_counted_then(warehouse: Warehouse) -> None:
    first, _ = replace(warehouse, trades([1]))
    second, _ = replace(warehouse, trades([2]))
    find = warehouse.ledger.find
    assert (first.committed_in, second.committed_in) == (1, 2)
    assert find(as_of=0) == []
    assert [revision.revision for revision in find(as_of=1)] == [1]
    assert [revision.revision for revision in find(as_of=2)] == [2]


def test_going_back_to_earlier_rows_is_a_third_revision(warehouse: Warehouse) -> None:
    for price in (1, 2, 1):
        replace(warehouse, trades([price]))
    history = warehouse.ledger.history("trades", PARTITION)
    assert [revision.revision for revision in history] == [1, 2, 3]
    assert history[0].sha256 == history[2].sha256
    assert_sound(warehouse)


def test_what_is_not_committed_leaves_nothing(warehouse: Warehouse) -> None:
    with pytest.raises(RuntimeError), warehouse.stage("trades", PARTITION, SCHEMA, "ts_event") as staged:
        staged.write(trades([1]))
        raise RuntimeError
    assert warehouse.current("trades", PARTITION) is None
    assert list(warehouse.root.rglob("*.parquet")) == []
    assert_sound(warehouse)


def test_a_writer_that_dies_between_its_file_and_its_commit_leaves_what_counted(folder: Warehouse) -> None:
    replace(folder, trades([1]))
    dying = Warehouse(folder.root, folder.ledger)
    with dying.stage("trades", PARTITION, SCHEMA, "ts_event") as staged:
        staged.write(trades([2]))
        staged.writer.close()
        orphan = folder.root / dying._put(staged).path
    dying.close()
    assert folder.scan("trades", PARTITION).collect()["price"].to_list() == [1]
    assert folder.sweep() == 0, "another process may be about to commit it"
    assert_sound(folder, orphans=True)
    aged(orphan, hours=25)
    assert folder.sweep() == 1
    assert not orphan.exists()
    assert_sound(folder)


def aged(path: Path, hours: int) -> None:
    then = path.stat().st_mtime - hours * 3_600
    os.utime(path, (then, then))


def test_a_sweep_takes_no_file_that_counts_or_counted(warehouse: Warehouse) -> None:
    for price in (1, 2, 3):
        replace(warehouse, trades([price]))
    if isinstance(warehouse.files, FolderFiles):
        for file in warehouse.root.rglob("*.parquet"):
            aged(file, hours=100)
    assert warehouse.sweep() == 0
    assert_sound(warehouse)


def test_a_file_that_was_swept_before_its_commit_is_an_error_and_no_revision(folder: Warehouse) -> None:
    replace(folder, trades([1]))
    put = folder._put

    def swept(staged: Staged) -> File:
        file = put(staged)
        (folder.root / file.path).unlink()
        return file

    folder._put = swept
    with pytest.raises(MarketDataError, match="was removed before it counted"):
        replace(folder, trades([2]))
    folder._put = put
    assert folder.scan("trades", PARTITION).collect()["price"].to_list() == [1]
    assert_sound(folder)


def test_a_replacement_made_from_another_revision_is_refused(warehouse: Warehouse) -> None:
    replace(warehouse, trades([1]), after=None)
    with pytest.raises(PartitionBusy, match="meanwhile"):
        replace(warehouse, trades([2]), after=None)
    assert replace(warehouse, trades([2]), after=1)[0].revision == 2


def test_a_scan_stays_what_it_was_while_the_partition_is_replaced(warehouse: Warehouse) -> None:
    replace(warehouse, trades([1]))
    rows = warehouse.scan("trades", PARTITION)
    replace(warehouse, trades([2, 3]))
    assert rows.collect()["price"].to_list() == [1]
    assert warehouse.scan("trades", PARTITION).collect()["price"].to_list() == [2, 3]


def test_a_file_that_someone_changed_is_not_read(folder: Warehouse) -> None:
    revision, _ = replace(folder, trades([1]))
    trades([5]).write_parquet(folder.root / revision.path)
    with pytest.raises(WarehouseDamaged, match="market-data ingest feed --start 2024-01-15 --symbols 1000"):
        folder.scan("trades", PARTITION)


def remove(path: Path) -> None:
    path.unlink()


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [remove, flip_a_byte])
def test_a_damaged_or_removed_file_is_restored_from_the_same_rows(
    folder: Warehouse, damage: Callable[[Path], None]
) -> None:
    first, _ = replace(folder, trades([1]))
    damage(folder.root / first.path)
    again, changed = replace(folder, trades([1]))
    assert (again.revision, changed) == (1, False)
    assert_sound(folder)


@pytest.mark.parametrize("damage", [remove, flip_a_byte])
def test_a_damaged_or_removed_file_that_is_replaced_by_other_rows_is_told_as_lost(
    folder: Warehouse, damage: Callable[[Path], None]
) -> None:
    first, _ = replace(folder, trades([1]))
    damage(folder.root / first.path)
    second, changed = replace(folder, trades([2]))
    assert (second.revision, changed) == (2, True)
    assert [r.state for r in folder.ledger.history("trades", PARTITION)] == ["lost", "current"]
    (lost,) = folder.ledger.find(as_of=first.committed_in)
    with pytest.raises(WarehouseDamaged, match="only `market-data restore` of a backup has it"):
        folder.rows_of(lost)
    assert_sound(folder)


def test_a_clock_that_was_set_back_does_not_disorder_revisions(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = replace(warehouse, trades([1]))
    monkeypatch.setattr(ledger.time, "time_ns", lambda: first.committed_ns - 10**12)
    second, _ = replace(warehouse, trades([2]))
    assert second.committed_ns > first.committed_ns


def test_files_are_written_as_every_reader_knows_them(warehouse: Warehouse) -> None:
    revision, _ = replace(warehouse, trades([1, 2]))
    file = pq.ParquetFile(warehouse.file_of(revision))
    schema = file.schema
    physical = {column.name: column.physical_type for column in (schema.column(n) for n in range(len(schema)))}
    assert physical["price"] == "INT64"
    assert physical["ts_event"] == "INT64"
    assert physical["size"] == "FIXED_LEN_BYTE_ARRAY"
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    assert file.metadata.row_group(0).column(0).has_column_index


def test_an_account_that_changed_alone_is_a_revision_of_the_same_file(warehouse: Warehouse) -> None:
    first, _ = replace(warehouse, trades([1, 2]))
    with warehouse.stage("trades", PARTITION, SCHEMA, "ts_event") as staged:
        staged.write(trades([1, 2]))
        second, changed = staged.commit(Account(3, 2, rejected=1), ORIGIN)
    assert changed
    assert (second.revision, second.sha256, second.path) == (2, first.sha256, first.path)
    assert second.account.rejected == 1
    assert_sound(warehouse)


def test_the_same_rows_from_another_version_of_the_library_are_no_revision(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = replace(warehouse, trades([1, 2]))
    monkeypatch.setattr(parquet, "writer_settings", lambda *_: {"compression": "snappy"})
    again, changed = replace(warehouse, trades([1, 2]))
    assert not changed
    assert again == first


def test_a_restored_file_has_a_name_of_its_own(folder: Warehouse) -> None:
    first, _ = replace(folder, trades([1]))
    flip_a_byte(folder.root / first.path)
    again, _ = replace(folder, trades([1]))
    assert again.path != first.path
    assert (again.id, again.sha256) == (first.id, first.sha256)
    assert (folder.root / first.path).exists(), "whoever reads it meets an error, and no other file"
