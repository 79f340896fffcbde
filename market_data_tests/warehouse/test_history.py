"""The end of history: what was superseded long ago expires, and asking for it is an error, never fewer rows."""

import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from market_data.domain.errors import ConfigurationError, WarehouseDamaged
from market_data.domain.partition import Partition
from market_data.ledger.schema import files, revisions
from market_data.warehouse.compaction import Limits, compact, months
from market_data.warehouse.sql import connect
from market_data.warehouse.store import Warehouse
from market_data_tests.partition_view import trade
from market_data_tests.partitions import days, put
from market_data_tests.places import KINDS, warehouse_on
from market_data_tests.warehouse_invariants import assert_sound

DAY_NS = 24 * 60 * 60 * 10**9
MONTH_NS = 30 * DAY_NS
DATES = days("2024-01-01", 4)


@pytest.fixture(params=KINDS)
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Warehouse]:
    with warehouse_on(request.param, tmp_path) as opened:
        yield opened


def place(day: dt.date) -> Partition:
    return Partition("f", day, "S")


def write(warehouse: Warehouse, day: dt.date, *prices: int) -> int:
    rows = [trade(n, ts_event=n, price=str(price)) for n, price in enumerate(prices)]
    return put(warehouse, "trades", place(day), rows).committed_in


def read(warehouse: Warehouse, as_of: int | None = None) -> list[Any]:
    with connect(warehouse, as_of) as connection:
        return connection.execute("SELECT day(date), price::INT FROM trades ORDER BY ALL").fetchall()


def superseded_long_ago(warehouse: Warehouse, through: int) -> None:
    """Have what was superseded up to a commit be older than a month."""
    old = update(revisions).where(revisions.c.superseded_in <= through)
    with warehouse.ledger.writing() as connection:
        connection.execute(old.values(superseded_ns=time.time_ns() - 2 * MONTH_NS + revisions.c.superseded_in))


def a_day_goes_by(warehouse: Warehouse) -> None:
    with warehouse.ledger.writing() as connection:
        connection.execute(update(files).where(files.c.unreferenced_ns.is_not(None)).values(unreferenced_ns=1))


def test_what_was_superseded_long_ago_expires_and_its_file_goes_a_day_later(warehouse: Warehouse) -> None:
    first, second, third = (write(warehouse, DATES[0], price) for price in (1, 2, 3))
    superseded_long_ago(warehouse, second)
    assert warehouse.sweep(MONTH_NS) == 0
    with pytest.raises(ConfigurationError, match=rf"as of {first} .* history is whole since commit {second}"):
        read(warehouse, first)
    assert (read(warehouse, second), read(warehouse, third)) == ([(1, 2)], [(1, 3)])
    a_day_goes_by(warehouse)
    assert warehouse.sweep(MONTH_NS) == 1
    assert (read(warehouse, second), read(warehouse, third)) == ([(1, 2)], [(1, 3)])
    assert_sound(warehouse)


def test_lineage_still_tells_what_expired(warehouse: Warehouse) -> None:
    write(warehouse, DATES[0], 1)
    superseded_long_ago(warehouse, write(warehouse, DATES[0], 2))
    warehouse.sweep(MONTH_NS)
    expired, current = warehouse.ledger.history("trades", place(DATES[0]))
    assert (expired.state, current.state) == ("expired", "current")
    assert [change.revision.revision for change in warehouse.ledger.changes()] == [1, 1, 2]
    with pytest.raises(WarehouseDamaged, match="expired: it counted longer ago than is kept"):
        warehouse.rows_of(expired)


def test_without_an_end_history_stays_for_ever(warehouse: Warehouse) -> None:
    first = write(warehouse, DATES[0], 1)
    superseded_long_ago(warehouse, write(warehouse, DATES[0], 2))
    warehouse.sweep()
    assert read(warehouse, first) == [(1, 1)]
    assert not warehouse.ledger.has_superseded(0)
    assert warehouse.ledger.has_superseded(time.time_ns())


def test_a_connection_of_before_is_told_that_history_ended(warehouse: Warehouse) -> None:
    first = write(warehouse, DATES[0], 1)
    write(warehouse, DATES[0], 2)
    with connect(warehouse, first) as connection:
        assert connection.execute("SELECT price::INT FROM trades").fetchall() == [(1,)]
        superseded_long_ago(warehouse, first + 1)
        warehouse.sweep(MONTH_NS)
        with pytest.raises(ConfigurationError, match=f"history is whole since commit {first + 1}"):
            connection.execute("SELECT price::INT FROM trades")


def test_a_file_from_which_a_revision_that_counts_is_read_stays(warehouse: Warehouse) -> None:
    for day in DATES:
        write(warehouse, day, 5)
    rows = [trade(0, ts_event=0, price="5")]
    put(warehouse, "trades", place(DATES[0]), rows, rejected=1)  # an account alone: the same file
    for month in months(warehouse.ledger, Limits(dt.date(2024, 3, 1))):
        compact(warehouse, month)
    last = write(warehouse, DATES[1], 6)
    superseded_long_ago(warehouse, last)
    for _ in range(2):
        warehouse.sweep(MONTH_NS)
        a_day_goes_by(warehouse)
    assert read(warehouse) == [(1, 5), (2, 6), (3, 5), (4, 5)]
    assert_sound(warehouse)
    for month in months(warehouse.ledger, Limits(dt.date(2024, 3, 1))):
        compact(warehouse, month)
    a_day_goes_by(warehouse)
    assert warehouse.sweep(MONTH_NS) == 2  # the month of before, and the day that was corrected
    assert read(warehouse, last) == [(1, 5), (2, 6), (3, 5), (4, 5)]
    assert_sound(warehouse)
