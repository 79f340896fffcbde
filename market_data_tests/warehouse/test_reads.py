"""An answer is right or it is an error: damage, loss, commits under way, the same question asked again."""

import datetime as dt
import os
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pytest

from market_data.domain.errors import ConfigurationError, MarketDataError, WarehouseDamaged
from market_data.domain.partition import Partition
from market_data.warehouse.sql import _IDLE, connect
from market_data.warehouse.store import Warehouse
from market_data_tests.partition_view import trade
from market_data_tests.partitions import put
from market_data_tests.places import KINDS, warehouse_on

DAYS = [dt.date(2024, 1, 15), dt.date(2024, 1, 16)]
FIRST, SECOND = (Partition("a", day, "X") for day in DAYS)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Warehouse]:
    with warehouse_on("folder", tmp_path) as opened:
        yield opened


@pytest.fixture(params=KINDS)
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Warehouse]:
    with warehouse_on(request.param, tmp_path) as opened:
        yield opened


def fill(warehouse: Warehouse, partition: Partition, rows: int, price: int = 1) -> int:
    return put(warehouse, "trades", partition, [trade(n, price=str(price)) for n in range(rows)]).committed_in


def asked(warehouse: Warehouse, query: str, as_of: Any = None) -> list[tuple[Any, ...]]:
    with connect(warehouse, as_of) as connection:
        return connection.sql(query).fetchall()


def damage(warehouse: Warehouse, partition: Partition, bit: int | None = None) -> Path:
    current = warehouse.current("trades", partition)
    assert current is not None
    path = warehouse.root / current.path
    content = bytearray(path.read_bytes())
    bit = len(content) * 4 if bit is None else bit % (len(content) * 8)
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("query", ["SELECT count(*) FROM trades", "SELECT sum(price) FROM trades", "FROM trades"])
def test_a_revision_that_counted_then_and_is_lost_is_an_error_that_names_it(folder: Warehouse, query: str) -> None:
    fill(folder, FIRST, 5)
    before = fill(folder, SECOND, 7)
    damage(folder, FIRST)
    fill(folder, FIRST, 6, price=2)
    with pytest.raises(WarehouseDamaged, match=r"trades a 2024-01-15 X: .* is lost"):
        asked(folder, query, before)
    assert asked(folder, "SELECT count(*) FROM trades WHERE date = '2024-01-16'", before) == [(7,)]
    assert asked(folder, "SELECT count(*), sum(price) FROM trades") == [(13, 19)]


def test_every_flipped_bit_is_an_error_that_names_the_partition_and_what_mends_it(folder: Warehouse) -> None:
    fill(folder, FIRST, 50)
    whole = asked(folder, "SELECT * FROM trades ORDER BY ordinal")
    draw = random.Random(11)
    for _ in range(60):
        path = damage(folder, FIRST, bit := draw.randrange(2**32))
        with pytest.raises(WarehouseDamaged, match="market-data ingest a --start 2024-01-15 --symbols X"):
            asked(folder, "SELECT * FROM trades ORDER BY ordinal")
        with pytest.raises(WarehouseDamaged, match="trades a 2024-01-15 X"):
            folder.scan("trades", FIRST)
        damage(folder, FIRST, bit)
        assert path.exists()
    assert asked(folder, "SELECT * FROM trades ORDER BY ordinal") == whole


def test_a_file_that_is_gone_is_an_error_only_for_who_needs_it(folder: Warehouse) -> None:
    for partition in (FIRST, SECOND):
        fill(folder, partition, 3)
    damage(folder, FIRST).unlink()
    with pytest.raises(WarehouseDamaged, match=r"trades a 2024-01-15 X: .* is not there"):
        asked(folder, "SELECT date, max(price) FROM trades GROUP BY 1")
    assert asked(folder, "SELECT date, max(price) FROM trades WHERE date > '2024-01-15' GROUP BY 1") == [(DAYS[1], 1)]
    fill(folder, FIRST, 3)  # made again, from the same rows
    assert len(asked(folder, "SELECT date, max(price) FROM trades GROUP BY 1")) == 2


def test_a_file_that_is_put_in_place_of_another_is_no_answer(folder: Warehouse) -> None:
    for partition, price in ((FIRST, 1), (SECOND, 2)):
        fill(folder, partition, 3, price)
    other = folder.current("trades", SECOND)
    assert other is not None
    damage(folder, FIRST).write_bytes((folder.root / other.path).read_bytes())
    with pytest.raises(WarehouseDamaged, match="has other bytes than were written"):
        asked(folder, "SELECT sum(price) FROM trades")


def test_what_is_put_and_not_committed_is_not_read(folder: Warehouse) -> None:
    fill(folder, FIRST, 5)
    seen: list[Any] = []
    publish = folder.files.put

    def put_and_ask(staged: Path, file: Any) -> None:
        publish(staged, file)
        seen.append(asked(folder, "SELECT count(*), sum(price) FROM trades"))

    folder.files.put = put_and_ask  # type: ignore[method-assign]
    fill(folder, FIRST, 6, price=2)
    assert seen == [[(5, 5)]]
    assert asked(folder, "SELECT count(*), sum(price) FROM trades") == [(6, 12)]


def test_the_future_is_refused(warehouse: Warehouse) -> None:
    fill(warehouse, FIRST, 1)
    with pytest.raises(ConfigurationError, match="in the future"):
        asked(warehouse, "FROM trades", dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1))
    with pytest.raises(ConfigurationError, match="commit 2 is not made yet; the last one is 1"):
        asked(warehouse, "FROM trades", 2)


@pytest.mark.parametrize("year", [1, 1600, 1969, 2000])
def test_before_the_first_commit_there_was_nothing(folder: Warehouse, year: int) -> None:
    fill(folder, FIRST, 1)
    assert asked(folder, "SELECT count(*) FROM trades", dt.datetime(year, 1, 1, tzinfo=dt.UTC)) == [(0,)]


def test_nothing_is_committed_at_or_before_a_time_that_was_asked_about(
    folder: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    from market_data.ledger import ledger

    fill(folder, FIRST, 1)
    moment = dt.datetime.now(dt.UTC)
    before = asked(folder, "SELECT count(*) FROM trades", moment)
    past = int(moment.timestamp() * 1e9) - 3_600 * 10**9
    monkeypatch.setattr(ledger.time, "time_ns", lambda: past)  # the clock of another machine
    fill(folder, FIRST, 2)
    monkeypatch.undo()
    assert asked(folder, "SELECT count(*) FROM trades", moment) == before == [(1,)]
    assert asked(folder, "SELECT count(*) FROM trades") == [(2,)]


def test_a_glob_over_the_earlier_layout_is_an_error_once_something_else_counts(folder: Warehouse) -> None:
    fill(folder, FIRST, 5)
    old = folder.root / "trades" / "feed=a" / "symbol=X" / f"date={DAYS[0]}" / "data.parquet"
    old.parent.mkdir(parents=True)
    current = folder.current("trades", FIRST)
    assert current is not None
    old.write_bytes((folder.root / current.path).read_bytes())
    glob = f"SELECT count(*) FROM read_parquet('{folder.root}/trades/feed=*/**/*.parquet')"
    assert duckdb.execute(glob).fetchall() == [(5,)]
    fill(folder, FIRST, 6)
    with pytest.raises(duckdb.Error):
        duckdb.execute(glob).fetchall()


def test_damage_is_an_error_of_the_project(folder: Warehouse) -> None:
    assert issubclass(WarehouseDamaged, MarketDataError)


# --- connections beside each other --------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["USE memory", "ATTACH ':memory:' AS mine; USE mine", "CREATE SCHEMA s; USE s"])
def test_connections_as_of_two_moments_are_apart_whatever_is_done_with_them(folder: Warehouse, words: str) -> None:
    early = fill(folder, FIRST, 2)
    fill(folder, FIRST, 5)
    with connect(folder, early) as before, connect(folder) as now:
        for each in (before, now):
            each.execute(words)
        asked_before, asked_now = before.sql("FROM trades"), now.sql("FROM trades")
        assert [len(each.fetchall()) for each in (asked_before, asked_now)] == [2, 5]


def test_what_a_connection_leaves_behind_is_not_there_for_the_next(folder: Warehouse, tmp_path: Path) -> None:
    fill(folder, FIRST, 3)
    for _ in range(2):
        with connect(folder) as connection:
            connection.execute("SET threads = 1; SET default_order = 'DESC'; SET lock_configuration = true")
            connection.execute(f"ATTACH '{tmp_path}/mine.db' AS mine")
            connection.execute("CREATE TABLE memory.mine AS SELECT 1")
            connection.create_function("twice", lambda n: 2 * n, ["BIGINT"], "BIGINT")
            assert connection.execute("SELECT twice(count(*)) FROM trades").fetchall() == [(6,)]
    with connect(folder) as connection, pytest.raises(duckdb.CatalogException):
        connection.execute("SELECT twice(1)")  # its Python may be gone


def test_threads_may_begin_at_once(folder: Warehouse) -> None:
    fill(folder, FIRST, 3)
    _IDLE.clear()
    together = threading.Barrier(8)

    def read(_: int) -> list[tuple[Any, ...]]:
        together.wait()
        return asked(folder, "SELECT count(*), sum(price) FROM trades")

    with ThreadPoolExecutor(8) as pool:
        assert [*pool.map(read, range(8))] == [[(3, 3)]] * 8


def test_a_cursor_reads_the_same_moment_under_names_of_its_own(folder: Warehouse) -> None:
    early = fill(folder, FIRST, 2)
    fill(folder, SECOND, 5)
    with connect(folder, early) as connection:
        lazy = connection.sql("FROM trades")
        assert connection.cursor().execute("FROM trades WHERE symbol = 'none'").fetchall() == []
        assert len(lazy.fetchall()) == len(connection.cursor().sql("FROM trades").fetchall()) == 2

        def read(ordinal: int) -> int:
            return len(connection.cursor().sql(f"FROM trades WHERE ordinal < {ordinal}").fetchall())

        with ThreadPoolExecutor(8) as pool:
            assert [*pool.map(read, range(16))] == [0, 1, *[2] * 14]


def test_a_forked_process_leaves_an_open_connection_and_opens_its_own(folder: Warehouse) -> None:
    fill(folder, FIRST, 3)
    child, code = -1, 1
    try:
        with connect(folder):
            child = os.fork()
        code = len(asked(folder, "FROM trades")) if not child else code
    finally:
        if not child:  # no test framework there
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3


def test_a_variable_that_changes_before_a_relation_is_asked_changes_the_answer(folder: Warehouse) -> None:
    fill(folder, FIRST, 3)
    fill(folder, SECOND, 4)
    with connect(folder) as connection:
        connection.execute(f"SET VARIABLE day = DATE '{DAYS[0]}'")
        lazy = connection.sql("FROM trades WHERE date = getvariable('day')")
        connection.execute(f"SET VARIABLE day = DATE '{DAYS[1]}'")
        assert len(lazy.fetchall()) == 4
