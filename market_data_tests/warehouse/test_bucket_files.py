"""Revisions on a bucket: two writers, damage, what a dead writer leaves, the order of upload and ledger."""

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from market_data.domain.errors import PartitionBusy, StorageTrouble, WarehouseDamaged
from market_data.ledger.ledger import Ledger
from market_data.ledger.revision import Revision
from market_data.storage.bucket import Bucket
from market_data.warehouse.file_store import BucketFiles
from market_data.warehouse.sql import connect
from market_data.warehouse.store import Warehouse
from market_data_tests.databases import ledger_url
from market_data_tests.faults.clock import FalseClock
from market_data_tests.faults.scenario import CannotRun
from market_data_tests.vendors.object_store import Answer, Environ, ObjectStore, object_store
from market_data_tests.warehouse.test_store import PARTITION, replace, trades
from market_data_tests.warehouse_invariants import assert_sound

__all__ = ["object_store"]
LATER = dt.timedelta(hours=25)


@pytest.fixture
def machine(object_store: ObjectStore, tmp_path: Path) -> Iterator[Callable[[str], Warehouse]]:
    """A warehouse over the same bucket and ledger, on the machine of that name."""
    opened: list[Warehouse] = []

    def on(name: str) -> Warehouse:
        bucket = Bucket(object_store.url, tmp_path / name, 10**9, object_store.endpoint)
        opened.append(Warehouse(bucket.below("warehouse"), Ledger(ledger_url(tmp_path))))
        return opened[-1]

    yield on
    for warehouse in opened:
        warehouse.close()
        warehouse.ledger.close()


def prices(warehouse: Warehouse) -> list[int]:
    return warehouse.scan("trades", PARTITION).collect()["price"].cast(pl.Int64).to_list()


def full_key(store: ObjectStore, revision: Revision) -> str:
    return f"{store.url.removeprefix(f's3://{store.bucket}/')}/warehouse/{revision.path.as_posix()}"


def test_what_one_machine_makes_another_reads_and_replaces(machine: Callable[[str], Warehouse]) -> None:
    here, there = machine("here"), machine("there")
    replace(here, trades([1]))
    assert prices(there) == [1]
    replace(there, trades([2]))
    assert prices(here) == [2]
    assert [revision.revision for revision in here.ledger.history("trades", PARTITION)] == [1, 2]
    assert_sound(here)


def test_a_replacement_is_one_put_and_a_look_at_the_one_before(
    machine: Callable[[str], Warehouse], object_store: ObjectStore
) -> None:
    here = machine("here")
    replace(here, trades([1]))
    del object_store.asked[:]
    replace(here, trades([2]))
    assert [request.partition(" ")[0] for request in object_store.asked] == ["PUT", "HEAD"]


def test_of_two_writers_at_once_the_second_makes_the_next_revision_and_leaves_nothing_else(
    machine: Callable[[str], Warehouse], object_store: ObjectStore
) -> None:
    here, there = machine("here"), machine("there")
    replace(here, trades([1]))

    def gate(environ: Environ) -> None:
        if environ["REQUEST_METHOD"] == "PUT":  # the other is quicker, between this one's upload and its ledger row
            object_store.gate = lambda _: None
            replace(there, trades([2]))

    object_store.gate = gate
    third, changed = replace(here, trades([3]))
    assert (third.revision, changed) == (3, True)
    assert prices(there) == [3]
    assert_sound(here)


def test_of_two_writers_with_the_same_rows_one_revision_is_made(
    machine: Callable[[str], Warehouse], object_store: ObjectStore
) -> None:
    here, there = machine("here"), machine("there")

    def gate(environ: Environ) -> None:
        if environ["REQUEST_METHOD"] == "PUT":
            object_store.gate = lambda _: None
            replace(there, trades([1]))

    object_store.gate = gate
    only, changed = replace(here, trades([1]))
    assert (only.revision, changed) == (1, False)
    assert_sound(here)


def test_a_writer_that_made_its_rows_from_a_revision_that_is_gone_is_refused(
    machine: Callable[[str], Warehouse], object_store: ObjectStore
) -> None:
    here, there = machine("here"), machine("there")
    replace(here, trades([1]))

    def gate(environ: Environ) -> None:
        if environ["REQUEST_METHOD"] == "PUT":
            object_store.gate = lambda _: None
            replace(there, trades([2]))

    object_store.gate = gate
    with pytest.raises(PartitionBusy, match="meanwhile"):
        replace(here, trades([3]), after=1)
    assert prices(here) == [2]
    assert_sound(here)


def test_a_failed_upload_leaves_what_was_there(machine: Callable[[str], Warehouse], object_store: ObjectStore) -> None:
    here = machine("here")
    replace(here, trades([1]))

    def gate(environ: Environ) -> Answer | None:
        return ("400 Bad Request", b"") if environ["REQUEST_METHOD"] == "PUT" else None

    object_store.gate = gate
    with pytest.raises(StorageTrouble):
        replace(here, trades([2]))
    object_store.gate = lambda _: None
    assert prices(machine("there")) == [1]
    assert_sound(here)


def test_a_service_that_does_not_list_uploads_is_written_to_all_the_same(
    machine: Callable[[str], Warehouse], object_store: ObjectStore
) -> None:
    def gate(environ: Environ) -> Answer | None:
        return ("501 Not Implemented", b"") if "uploads" in environ["QUERY_STRING"] else None

    object_store.gate = gate
    here = machine("here")
    replace(here, trades([1]))
    assert prices(here) == [1]
    with pytest.raises(StorageTrouble):
        here.sweep()


def remove(store: ObjectStore, key: str) -> None:
    store.client.delete_object(Bucket=store.bucket, Key=key)


def flip_a_byte(store: ObjectStore, key: str) -> None:
    content = bytearray(store.client.get_object(Bucket=store.bucket, Key=key)["Body"].read())
    content[len(content) // 2] ^= 1
    store.client.put_object(Bucket=store.bucket, Key=key, Body=bytes(content))


@pytest.mark.parametrize("damage", [remove, flip_a_byte])
def test_a_damaged_or_removed_object_is_not_read_and_is_restored_from_the_same_rows(
    machine: Callable[[str], Warehouse], object_store: ObjectStore, damage: Callable[[ObjectStore, str], None]
) -> None:
    here = machine("here")
    first, _ = replace(here, trades([1]))
    damage(object_store, full_key(object_store, first))
    with pytest.raises(WarehouseDamaged, match="market-data ingest"):
        machine("there").scan("trades", PARTITION)
    with connect(machine("elsewhere")) as connection, pytest.raises(WarehouseDamaged, match=r"s3://.*\.parquet is not"):
        connection.sql("SELECT * FROM trades")
    again, changed = replace(here, trades([1]))
    assert (again.revision, changed) == (1, False)
    assert prices(machine("anew")) == [1]
    assert_sound(here)


def test_an_object_that_no_revision_names_is_removed_when_it_is_a_day_old(
    machine: Callable[[str], Warehouse], object_store: ObjectStore
) -> None:
    here = machine("here")
    revision, _ = replace(here, trades([1]))
    replace(here, trades([2]))
    orphan = full_key(object_store, revision).replace(".parquet", "-of-a-dead-writer.parquet")
    object_store.client.put_object(Bucket=object_store.bucket, Key=orphan, Body=b"x")
    landed = f"{object_store.url.removeprefix(f's3://{object_store.bucket}/')}/landing/a.zip"
    object_store.client.put_object(Bucket=object_store.bucket, Key=landed, Body=b"x")
    files = here.files
    assert isinstance(files, BucketFiles)
    assert here.sweep() == 0
    assert orphan in object_store.listed()
    known = [file.path for file in here.ledger.filed()]
    (path,) = files.sweep(known, now=dt.datetime.now(dt.UTC) + LATER)
    assert here.ledger.forget_files([path], files.remove) == 1
    assert orphan not in object_store.listed()
    assert landed in object_store.listed()
    assert_sound(here)


def test_a_query_fetches_only_the_files_that_its_conditions_leave(
    machine: Callable[[str], Warehouse], object_store: ObjectStore
) -> None:
    from market_data_tests.partition_view import trade
    from market_data_tests.partitions import put

    here, there = machine("here"), machine("there")
    for symbol in ("A", "B", "C"):
        put(here, "trades", PARTITION.__class__("f", PARTITION.date, symbol), [trade(0)])
    del object_store.asked[:]
    query = "SELECT symbol, count(price) FROM trades WHERE symbol IN ('A', 'C') GROUP BY ALL ORDER BY ALL"
    with connect(there) as connection:
        assert connection.execute(query).fetchall() == [("A", 1), ("C", 1)]
    assert len([request for request in object_store.asked if request.startswith("GET")]) == 2


def test_a_machine_whose_clock_is_days_ahead_sweeps_nothing_that_is_being_made(
    machine: Callable[[str], Warehouse], object_store: ObjectStore, tmp_path: Path
) -> None:
    replace(machine("here"), trades([1]))
    unknown = f"{object_store.url.removeprefix(f's3://{object_store.bucket}/')}/warehouse/trades/being-made.parquet"
    object_store.client.put_object(Bucket=object_store.bucket, Key=unknown, Body=b"whole, and not entered yet")
    try:
        clock = FalseClock(tmp_path / "clock")
    except CannotRun as reason:
        pytest.skip(str(reason))
    clock.set("+2d")
    ours = {
        "MARKET_DATA_HOME": object_store.url,
        "MARKET_DATA_BUCKET_ENDPOINT": object_store.endpoint,
        "MARKET_DATA_SCRATCH": str(tmp_path / "ahead"),
        "MARKET_DATA_LEDGER_URL": ledger_url(tmp_path),
    }
    command = [sys.executable, "-c", "from market_data.cli import main; main()", "sweep"]
    swept = subprocess.run(
        command, env=os.environ | ours | clock.environment, capture_output=True, text=True, check=True
    )
    assert swept.stdout == "removed: 0\n", swept.stderr
    assert unknown in object_store.listed()
