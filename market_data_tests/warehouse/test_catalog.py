"""The disposable file of views."""

import datetime as dt
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from market_data.domain.errors import MarketDataError
from market_data.domain.partition import Partition
from market_data.domain.tables import table_names
from market_data.warehouse.catalog import write_catalog
from market_data.warehouse.store import Warehouse
from market_data_tests.partition_view import trade
from market_data_tests.partitions import put

DAY = dt.date(2024, 1, 15)


def count(path: Path) -> int:
    with duckdb.connect(path, read_only=True) as connection:
        row = connection.execute("SELECT count(*) FROM trades").fetchone()
    return row[0] if row else -1


def test_a_catalog_has_every_table_and_works_from_any_folder(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(warehouse, "trades", Partition("a", DAY, "X"), [trade(0)])
    path = tmp_path / "new" / "warehouse.duckdb"
    listed = write_catalog(warehouse, path)
    assert set(listed) == set(table_names())
    monkeypatch.chdir("/")
    with duckdb.connect(path, read_only=True) as connection:
        assert connection.execute("SELECT symbol FROM trades").fetchall() == [("X",)]
        views = connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
        note = connection.execute("SELECT note, warehouse FROM _market_data").fetchone()
    assert {name for (name,) in views} == set(table_names())
    assert note is not None
    assert "isposable" in note[0]
    assert note[1] == str(warehouse.root)
    assert [file.name for file in path.parent.iterdir()] == ["warehouse.duckdb"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows refuses to replace a file that is open")
def test_a_catalog_is_made_anew_while_another_process_has_it_open(warehouse: Warehouse, tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    put(warehouse, "trades", Partition("a", DAY, "X"), [trade(0)])
    write_catalog(warehouse, path)
    code = (
        "import duckdb, sys\n"
        "connection = duckdb.connect(sys.argv[1], read_only=True)\n"
        "print('open', flush=True)\n"
        "sys.stdin.readline()\n"
        "try:\n"
        "    print(connection.execute('SELECT count(*) FROM trades').fetchone()[0])\n"
        "except duckdb.Error as error:\n"
        "    print(error)\n"
    )
    reader = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "open\n"
        put(warehouse, "trades", Partition("a", DAY, "Y"), [trade(0)])
        write_catalog(warehouse, path)
        out, _ = reader.communicate("go\n", timeout=60)
    assert count(path) == 2
    assert "this catalog is of commit 1, and since then more was committed" in out, "its views are of the old file"


@pytest.mark.parametrize("query", ["SELECT count(*) FROM trades", "SELECT max(date) FROM trades", "FROM candles"])
def test_a_catalog_says_that_it_is_old_once_something_was_committed(
    warehouse: Warehouse, tmp_path: Path, query: str
) -> None:
    path = tmp_path / "warehouse.duckdb"
    put(warehouse, "trades", Partition("a", DAY, "X"), [trade(0)])
    write_catalog(warehouse, path)
    with duckdb.connect(path, read_only=True) as connection:
        connection.execute(query).fetchall()
    put(warehouse, "trades", Partition("a", DAY, "X"), [trade(0)])  # the same rows: no commit
    assert count(path) == 1
    put(warehouse, "trades", Partition("a", DAY, "Y"), [trade(0)])
    with duckdb.connect(path, read_only=True) as connection, pytest.raises(duckdb.Error, match="market-data catalog"):
        connection.execute(query).fetchall()
    write_catalog(warehouse, path)
    assert count(path) == 2


def test_a_catalog_that_cannot_be_finished_leaves_the_old_one(warehouse: Warehouse, tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    write_catalog(warehouse, path)
    revision = put(warehouse, "trades", Partition("a", DAY, "X"), [trade(0)])
    warehouse.file_of(revision).write_bytes(b"no parquet")
    before = path.read_bytes()
    with pytest.raises((duckdb.Error, MarketDataError)):
        write_catalog(warehouse, path)
    assert path.read_bytes() == before
    assert not list(tmp_path.glob(".*duckdb*"))
