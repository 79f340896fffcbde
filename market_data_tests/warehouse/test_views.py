"""What people see through SQL: columns, types, files that count, what counted then.

DuckDB's classes are quoted in annotations: hypothesis, in another test, keeps functions and what they are annotated
with alive beyond the end, of which DuckDB's bindings complain.
"""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import dataframely as dy
import duckdb
import polars as pl
import pytest

from market_data.domain.contract import polars_schema
from market_data.domain.errors import ConfigurationError
from market_data.domain.partition import Partition
from market_data.domain.tables import table, table_names
from market_data.ledger.ledger import Ledger
from market_data.warehouse.sql import WarehouseConnection, connect
from market_data.warehouse.store import Warehouse
from market_data_tests.databases import ledger_url
from market_data_tests.partition_view import trade
from market_data_tests.partitions import put, warehouse_at
from market_data_tests.places import KINDS, warehouse_on

DAY = dt.date(2024, 1, 15)
SCHEMA = table("trades").schema


class Sequenced(SCHEMA):
    """Trades of a source with a column of its own."""

    sequence = dy.Int64(nullable=True)


def sequenced(number: int) -> pl.DataFrame:
    row = {"ts_event": 5, "ordinal": 0, "price": Decimal(2), "size": Decimal(1), "sequence": number}
    return pl.DataFrame([row], schema=polars_schema(Sequenced))


def rows(connection: WarehouseConnection, query: str) -> list[tuple]:
    return connection.execute(query).fetchall()


@pytest.fixture(params=KINDS)
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Warehouse]:
    with warehouse_on(request.param, tmp_path) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Warehouse]:
    """Where the files lie in place."""
    with warehouse_on("folder", tmp_path) as opened:
        yield opened


@pytest.fixture
def two_feeds(warehouse: Warehouse) -> Iterator[WarehouseConnection]:
    """Feed `a` first in every order of names, without the column that feed `b` has."""
    put(warehouse, "trades", Partition("a", DAY, "1000"), [trade(0, ts_event=1_705_276_800_123_456_789, price="1.5")])
    put(warehouse, "trades", Partition("b", DAY, "0042"), sequenced(7), schema=Sequenced)
    with connect(warehouse) as connection:
        yield connection


def test_keys_come_first_and_a_symbol_of_digits_stays_text(two_feeds: WarehouseConnection) -> None:
    described = rows(two_feeds, "DESCRIBE trades")
    assert [(name, kind) for name, kind, *_ in described[:4]] == [
        ("feed", "VARCHAR"),
        ("symbol", "VARCHAR"),
        ("date", "DATE"),
        ("ts_event", "TIMESTAMP_NS"),
    ]
    assert rows(two_feeds, "SELECT feed, symbol, date FROM trades ORDER BY feed") == [
        ("a", "1000", DAY),
        ("b", "0042", DAY),
    ]


def test_instants_keep_their_nanoseconds_and_prices_their_digits(two_feeds: WarehouseConnection) -> None:
    found = rows(two_feeds, "SELECT ts_event::VARCHAR, typeof(price), price FROM trades WHERE feed = 'a'")
    assert found == [("2024-01-15 00:00:00.123456789", "DECIMAL(18,9)", Decimal("1.5"))]


def test_a_column_that_one_feed_lacks_is_null_there(two_feeds: WarehouseConnection) -> None:
    assert rows(two_feeds, "SELECT feed, sequence FROM trades ORDER BY feed") == [("a", None), ("b", 7)]


def test_a_view_has_the_same_columns_whatever_is_cut(warehouse: Warehouse) -> None:
    put(warehouse, "trades", Partition("a", DAY, "X"), [trade(0)])
    put(warehouse, "trades", Partition("b", DAY, "X"), sequenced(7), schema=Sequenced)
    query = "SELECT sequence FROM trades WHERE feed = 'a'"
    with connect(warehouse) as connection:
        assert rows(connection, query) == [(None,)]
        assert rows(connection, "SELECT count(*) FROM trades WHERE feed = 'a'") == [(1,)]


@pytest.mark.parametrize("name", table_names())
def test_a_table_without_files_is_an_empty_view_with_its_columns(warehouse: Warehouse, name: str) -> None:
    with connect(warehouse) as connection:
        assert rows(connection, f"SELECT count(*) FROM {name}") == [(0,)]
        described = {column: kind for column, kind, *_ in rows(connection, f"DESCRIBE {name}")}
    assert list(described) == ["feed", "symbol", "date", *polars_schema(table(name).schema)]
    assert {described[column] for column in table(name).times} <= {"TIMESTAMP_NS"}


def test_what_is_not_in_the_ledger_is_never_read(folder: Warehouse) -> None:
    revision = put(folder, "trades", Partition("a", DAY, "X"), [trade(0)])
    stray = folder.file_of(revision).with_name("stray.parquet")
    stray.write_bytes(folder.file_of(revision).read_bytes())
    with connect(folder) as connection:
        assert rows(connection, "SELECT count(*) FROM trades") == [(1,)]


def test_what_counted_then_is_read_from_history(warehouse: Warehouse) -> None:
    partition = Partition("a", DAY, "X")
    first = put(warehouse, "trades", partition, [trade(0, price="1")])
    second = put(warehouse, "trades", partition, [trade(0, price="2"), trade(1)])
    query = "SELECT price FROM trades WHERE ordinal = 0"
    prices: list[list[tuple]] = []
    for as_of in (first.committed_in - 1, first.committed_in, second.committed_at, second.committed_in, None):
        with connect(warehouse, as_of) as connection:
            prices.append(rows(connection, query))
    # A time of Python has microseconds: the second commit came within the one that its time is cut to.
    assert prices in ([[], [(1,)], [(1,)], [(2,)], [(2,)]], [[], [(1,)], [(2,)], [(2,)], [(2,)]])


def test_columns_of_a_shape_that_only_history_has_are_there_as_of_then_and_gone_now(warehouse: Warehouse) -> None:
    partition = Partition("a", DAY, "X")
    first = put(warehouse, "trades", partition, sequenced(7), schema=Sequenced)
    put(warehouse, "trades", partition, [trade(0)])
    with connect(warehouse, as_of=first.committed_in) as connection:
        assert rows(connection, "SELECT sequence FROM trades") == [(7,)]
    with connect(warehouse) as connection, pytest.raises(duckdb.BinderException):
        rows(connection, "SELECT sequence FROM trades")


def test_a_connection_shows_what_counted_when_it_was_opened_however_long_it_is_open(warehouse: Warehouse) -> None:
    put(warehouse, "trades", Partition("a", DAY, "X"), [trade(0)])
    with connect(warehouse) as connection:
        lazy = connection.sql("SELECT count(*), sum(price) FROM trades")
        put(warehouse, "trades", Partition("a", DAY, "X"), [trade(0), trade(1)])
        put(warehouse, "trades", Partition("a", DAY, "Y"), [trade(0)])
        assert rows(connection, "SELECT count(*) FROM trades") == [(1,)]
        assert rows(connection, "SELECT count(*) FROM trades WHERE price > 0") == [(1,)]
        assert lazy.fetchall()[0][0] == 1
    with connect(warehouse) as connection:
        assert rows(connection, "SELECT count(*) FROM trades") == [(3,)]


def test_relations_of_one_connection_keep_their_own_files(warehouse: Warehouse) -> None:
    for symbol in ("X", "Y"):
        put(warehouse, "trades", Partition("a", DAY, symbol), [trade(0)])
    with connect(warehouse) as connection:
        of = {symbol: connection.sql(f"SELECT symbol, price FROM trades WHERE symbol = '{symbol}'") for symbol in "XY"}
        assert {symbol: relation.fetchall()[0][0] for symbol, relation in of.items()} == {"X": "X", "Y": "Y"}
        assert of["X"].filter("price > 0").aggregate("count(*)").fetchall() == [(1,)]


@pytest.mark.parametrize(
    "query",
    [
        "CREATE TABLE mine AS SELECT * FROM trades WHERE symbol = 'X'",
        "EXPLAIN SELECT * FROM trades",
        "SELECT * FROM main.trades",
        "SUMMARIZE trades",
        "PIVOT trades ON symbol USING count(*)",
        "SELECT * FROM trades WHERE symbol = $1",
    ],
)
def test_what_the_parser_does_not_tell_about_is_answered_from_every_file(warehouse: Warehouse, query: str) -> None:
    put(warehouse, "trades", Partition("a", DAY, "X"), [trade(0)])
    with connect(warehouse) as connection:
        assert connection.execute(query, ["X"] if "$1" in query else None).fetchall()


def test_no_extension_is_loaded_or_installed_by_itself_and_the_zone_is_utc(warehouse: Warehouse) -> None:
    with connect(warehouse) as connection:
        settings = (
            "autoinstall_known_extensions",
            "autoload_known_extensions",
            "TimeZone",
            "python_enable_replacements",
        )
        values = [rows(connection, f"SELECT current_setting('{name}')")[0][0] for name in settings]
    assert values == [False, False, "UTC", False]


@pytest.mark.parametrize("folder", ["it's", "[x]*?", "env=prod"])
def test_a_home_may_have_any_name(tmp_path: Path, folder: str) -> None:
    warehouse = warehouse_at(tmp_path / folder)
    put(warehouse, "trades", Partition("a", DAY, "X"), [trade(0)])
    with connect(warehouse) as connection:
        assert rows(connection, "SELECT feed, symbol FROM trades") == [("a", "X")]
        assert "env" not in [name for name, *_ in rows(connection, "DESCRIBE trades")]
    warehouse.close()
    warehouse.ledger.close()


def test_a_home_below_a_folder_named_like_a_partition_is_refused(tmp_path: Path) -> None:
    ledger = Ledger(ledger_url(tmp_path))
    with (
        pytest.raises(ConfigurationError, match="feed=b"),
        connect(Warehouse(tmp_path / "feed=b" / "warehouse", ledger)),
    ):
        pass
    ledger.close()


def test_a_column_of_two_types_is_refused_by_its_name(warehouse: Warehouse) -> None:
    class Worded(SCHEMA):
        """A source that gives the same name to a text."""

        sequence = dy.String(nullable=True)

    put(warehouse, "trades", Partition("a", DAY, "X"), sequenced(7), schema=Sequenced)
    frame = sequenced(7).with_columns(pl.col("sequence").cast(pl.String))
    with pytest.raises(ConfigurationError, match=r"feed b: trades\.sequence would be VARCHAR, but is \w+ in feed a"):
        put(warehouse, "trades", Partition("b", DAY, "X"), frame, schema=Worded)
    with connect(warehouse) as connection:
        assert rows(connection, "SELECT feed, sum(sequence) FROM trades GROUP BY 1") == [("a", 7)]
    put(warehouse, "trades", Partition("a", DAY, "Y"), frame, schema=Worded)  # a feed's own history may be so
    with connect(warehouse) as connection, pytest.raises(ConfigurationError, match=r"trades\.sequence is "):
        rows(connection, "SELECT sum(price) FROM trades")


def test_decimals_of_several_scales_are_read_at_the_widest_exactly(warehouse: Warehouse) -> None:
    class Wide(SCHEMA):
        """A market whose prices have more digits."""

        price = dy.Decimal(38, 18, nullable=False)

    exact = Decimal("1590000000.000000000000000001")
    frame = sequenced(7).with_columns(pl.lit(exact).cast(pl.Decimal(38, 18)).alias("price"))
    put(warehouse, "trades", Partition("a", DAY, "X"), [trade(0, price="0.000000001")])
    put(warehouse, "trades", Partition("b", DAY, "X"), frame.select(list(polars_schema(Wide))), schema=Wide)
    with connect(warehouse) as connection:
        assert rows(connection, "SELECT price FROM trades ORDER BY price") == [(Decimal("0.000000001"),), (exact,)]
        assert rows(connection, "SELECT typeof(price) FROM trades WHERE feed = 'a'") == [("DECIMAL(38,18)",)]
