"""Databento's real files against the vendor's own client."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from databento import DBNStore
from polars.testing import assert_frame_equal

from market_data.domain.candles.time import KIND
from market_data.domain.contract import polars_schema
from market_data.domain.errors import BadFile
from market_data.domain.ports.candle_kind import BarContext
from market_data.sources.databento import schemas
from market_data_tests.sources.dbn_case import batches, only, rejected

REAL = Path(__file__).parents[3] / "shared" / "data" / "databento"
READ = sorted(path for path in REAL.glob("*/*.dbn.zst") if path.name.split(".")[1] in schemas.TABLE_OF)
real_data = pytest.mark.skipif(not READ, reason="the real Databento files do not lie beside the project")
every_real_file = pytest.mark.parametrize(
    "path", READ, ids=lambda path: f"{path.parent.name} {path.name.split('.')[1]}"
)


PRICES = {
    "price": "price",
    "bid_px_00": "bid_price",
    "ask_px_00": "ask_price",
    "open": "open",
    "high": "high",
    "low": "low",
    "close": "close",
    "strike_price": "strike_price",
    "min_price_increment": "tick_size",
}
SIZES = {"size": "size", "bid_sz_00": "bid_size", "ask_sz_00": "ask_size", "volume": "volume", "quantity": "quantity"}


def real_table(path: Path) -> tuple[str, dt.date]:
    """The table of a real file, and its day."""
    store = DBNStore.from_bytes(path.read_bytes())
    return schemas.TABLE_OF[str(store.schema)], store.start.date()


@real_data
@every_real_file
def test_a_real_file_has_as_many_rows_as_the_client_reads_and_all_are_accepted(path: Path) -> None:
    table, day = real_table(path)
    batch = only(path, table, day)
    count = len(DBNStore.from_bytes(path.read_bytes()).to_ndarray())
    assert len(batch.frame) == count
    expected = polars_schema(schemas.delivery(table, path.parent.name).schema)
    assert batch.frame.schema == {name: kind for name, kind in expected.items() if name != "ordinal"}
    assert not batch.faults
    assert rejected(batch, table, day, path.parent.name) == {}


@real_data
@every_real_file
def test_the_numbers_of_a_real_file_are_the_clients_to_the_last_digit(path: Path) -> None:
    table, day = real_table(path)
    rows = only(path, table, day).frame
    theirs = DBNStore.from_bytes(path.read_bytes()).to_ndarray()
    for fields, unit in ((PRICES, 1), (SIZES, 10**9)):
        for field in fields.keys() & set(theirs.dtype.names or ()):
            undefined = np.iinfo(theirs.dtype[field]).max
            sums = sum(int(value) for value in theirs[field] if value != undefined) * unit
            assert rows[fields[field]].fill_null(0).sum() == Decimal(sums).scaleb(-9)


@real_data
@every_real_file
def test_a_real_file_names_the_clients_symbol_in_every_row(path: Path) -> None:
    table, day = real_table(path)
    symbols = only(path, table, day).frame["raw_symbol"].to_list()
    assert symbols == DBNStore.from_bytes(path.read_bytes()).to_df(map_symbols=True)["symbol"].to_list()


@real_data
@pytest.mark.parametrize(("dataset", "bars"), [("EQUS.MINI", 2), ("OPRA.PILLAR", 3), ("XNAS.ITCH", 4)])
def test_seconds_built_from_real_trades_by_receive_time_equal_the_vendors(dataset: str, bars: int) -> None:
    values = ["instrument_id", "publisher_id", "ts_open", "open", "high", "low", "close", "volume"]
    path = REAL / dataset / "test_data.trades.dbn.zst"
    table, day = real_table(path)
    trades = only(path, table, day).frame.lazy()
    clock = schemas.delivery("trades", dataset).clock
    assert clock == "ts_recv"
    ours = KIND.build(trades, ["1s"], BarContext(day, clock, "unused")).select(values).collect()
    theirs = only(REAL / dataset / "test_data.ohlcv-1s.dbn.zst", "vendor_candles", day).frame.select(values)
    # Both files end after four records, the trades earlier.
    first = theirs.filter(pl.col("ts_open") <= ours["ts_open"].max())
    assert len(ours) == bars
    assert_frame_equal(ours.sort(values[:3]), first.sort(values[:3]))


@real_data
@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("LIVE/test_data.live.dbn.zst", "has records of several schemas"),
        ("GLBX.MDP3/test_data.mbo.dbn.zst", "has records of mbo, for which there is no table"),
    ],
)
def test_a_real_file_of_something_else_is_refused_and_told_why(file: str, words: str) -> None:
    with pytest.raises(BadFile, match=words):
        batches(REAL / file, "trades")
