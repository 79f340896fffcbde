"""Binance's files as rows: real ones and made ones, exactly, every line accounted for; instruments; options."""

import datetime as dt
import json
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from market_data.domain.contract import polars_schema
from market_data.domain.errors import BadFile, ConfigurationError
from market_data.domain.ports.source import Fetched
from market_data.domain.time import NS_PER_DAY, NS_PER_MINUTE, NS_PER_SECOND, day_start
from market_data.sources.binance_vision import BinanceVision
from market_data.sources.binance_vision.decode import nanoseconds
from market_data.sources.binance_vision.options import BinanceVisionOptions
from market_data.vendor_files import zip_member as _zip
from market_data_tests.fetching import at, landed
from market_data_tests.sources.binance_case import (
    DAY,
    NAME,
    REAL,
    SYMBOL,
    TRADES,
    batches,
    decoded,
    frame,
    real_data,
    request,
    source,
)
from market_data_tests.vendors import binance_files as files
from market_data_tests.vendors.binance_archive import BinanceArchive


@real_data
@pytest.mark.parametrize(
    ("day", "count", "first", "last"),
    [
        (dt.date(2019, 10, 11), 5_929, ("13519807", 1570752011620, "0.00141342", "23"), "13525735"),
        (dt.date(2019, 10, 12), 4_134, ("13525736", None, None, None), "13529869"),
    ],
)
def test_real_days_of_trades_come_whole(
    workdir: Path, day: dt.date, count: int, first: tuple[Any, ...], last: str
) -> None:
    with BinanceArchive(REAL) as archive:
        rows = frame(batches(source(archive.base_url), request("trades", "XRPETH", day, "XRP-ETH"), workdir))
    assert rows.height == count
    assert (rows["trade_id"][0], rows["trade_id"][-1]) == (first[0], last)
    assert rows["trade_id"].cast(pl.Int64).diff().drop_nulls().unique().to_list() == [1]
    assert rows["ts_event"].is_sorted()
    assert rows["ts_event"].is_between(day_start(day), day_start(day) + NS_PER_DAY, closed="left").all()
    if first[1] is not None:
        assert rows.select("ts_event", "price", "size").row(0) == (
            first[1] * 1_000_000,
            Decimal(first[2]),
            Decimal(first[3]),
        )


@real_data
@pytest.mark.parametrize("day", [dt.date(2019, 10, 11), dt.date(2019, 10, 12)])
def test_real_days_of_klines_come_whole(workdir: Path, day: dt.date) -> None:
    wanted = request("vendor_candles", "XRPETH", day, "XRP-ETH")
    with BinanceArchive(REAL) as archive:
        fetched = source(archive.base_url).fetch(wanted, at(workdir))
    assert [each.name for each in fetched] == [f"XRPETH-1m-{day}.zip", f"XRPETH-5m-{day}.zip"]
    rows = frame(list(source().decode(wanted, landed(fetched))))
    for interval, minutes in (("1m", 1), ("5m", 5)):
        opens = rows.filter(timeframe=interval)["ts_open"].to_list()
        start = day_start(day)
        assert opens == list(range(start, start + NS_PER_DAY, minutes * NS_PER_MINUTE))
    assert rows["quote_volume"].null_count() == rows.height == 1_440 + 288
    assert rows["volume"].null_count() == 0


def test_a_trade_has_every_column_exactly(tmp_path: Path) -> None:
    lines = [
        "7,0.00000001,9.123456789,10,12,1709510400000,True,True",
        "8,999999999.999999999,0.00000000,13,13,1709596799999,false,True",
    ]
    rows = frame(decoded(files.write(tmp_path / NAME, lines)))
    expected = polars_schema(source().delivery("trades").schema)
    assert rows.schema == {name: kind for name, kind in expected.items() if name != "ordinal"}
    assert rows.rows() == [
        (day_start(DAY), None, "7", Decimal("0.00000001"), Decimal("9.123456789"), "sell", 10, 12, 3),
        (
            day_start(DAY) + NS_PER_DAY - 1_000_000,
            None,
            "8",
            Decimal("999999999.999999999"),
            Decimal(0),
            "buy",
            13,
            13,
            1,
        ),
    ]


def test_a_kline_has_every_column_exactly(tmp_path: Path) -> None:
    line = "1709510400000,1.1,4,0.5,2.25,1000.5,1709510459999,2000.000000000000000001,42,10,20.5,0"
    path = files.write(tmp_path / f"{SYMBOL}-1m-{DAY}.zip", [line])
    rows = frame(decoded(path, request("vendor_candles")))
    assert rows.schema == polars_schema(source().delivery("vendor_candles").schema)
    assert rows.row(0, named=True) == {
        "kind": "time",
        "timeframe": "1m",
        "instrument_id": SYMBOL,
        "publisher_id": None,
        "ts_open": day_start(DAY),
        "open": Decimal("1.1"),
        "high": Decimal(4),
        "low": Decimal("0.5"),
        "close": Decimal("2.25"),
        "volume": Decimal("1000.5"),
        "quote_volume": Decimal("2000.000000000000000001"),
        "vwap": None,
        "trade_count": 42,
        "taker_buy_volume": Decimal(10),
        "taker_buy_quote_volume": Decimal("20.5"),
    }


@pytest.mark.parametrize("market", ["spot", "futures_um"])
@pytest.mark.parametrize("unit", ["ms", "us"])
@pytest.mark.parametrize("header", [True, False])
def test_markets_units_and_headers_make_no_difference_to_the_rows(
    workdir: Path, binance_archive: BinanceArchive, market: str, unit: str, header: bool
) -> None:
    names = files.TRADES_HEADER + (",is_best_match" if market == "spot" else "")
    lines = files.trade_lines(DAY, 1_000, market, unit)
    path = binance_archive.root / files.trades_path(SYMBOL, DAY, market)
    files.write(path, lines, names if header else None)
    rows = frame(batches(source(binance_archive.base_url, market=market), request(), workdir))
    assert rows["trade_id"].to_list() == [str(1_000 + n) for n in range(1_000)]
    assert rows["ts_event"].to_list() == [day_start(DAY) + n * 86_400 * 1_000_000 for n in range(1_000)]
    assert rows["side"].to_list() == ["sell", "buy"] * 500
    assert rows["price"].to_list() == [Decimal(line.split(",")[1]) for line in lines]


@pytest.mark.parametrize("unit", ["ms", "us"])
@pytest.mark.parametrize("header", [files.KLINES_HEADER, None])
def test_klines_of_every_interval_come_in_the_order_of_configuration(
    workdir: Path, binance_archive: BinanceArchive, unit: str, header: str | None
) -> None:
    for interval, seconds in (("1h", 3_600), ("1m", 60)):
        path = binance_archive.root / files.klines_path(SYMBOL, DAY, interval)
        files.write(path, files.kline_lines(DAY, seconds, unit), header)
    vendor = source(binance_archive.base_url, klines=("1h", "1m"))
    read = batches(vendor, request("vendor_candles"), workdir)
    assert [(batch.frame["timeframe"][0], batch.frame.height) for batch in read] == [("1h", 24), ("1m", 1_440)]
    rows = frame(read)
    assert rows["ts_open"].to_list()[:3] == [day_start(DAY) + n * 3_600 * NS_PER_SECOND for n in range(3)]


@settings(deadline=None)
@given(ns=st.integers(0, 2**63 - 1))
def test_ms_and_us_of_our_age_are_told_apart_by_their_size(ns: int) -> None:
    age = NS_PER_DAY * 365 + ns % (NS_PER_DAY * 365 * 250)
    times = pl.DataFrame({"t": [age // 1_000_000, age // 1_000]})
    assert times.select(nanoseconds("t")).to_series().to_list() == [
        age // 1_000_000 * 1_000_000,
        age // 1_000 * 1_000,
    ]


@settings(deadline=None)
@given(value=st.integers(-(2**63), 2**63 - 1))
def test_a_time_never_wraps(value: int) -> None:
    ns = pl.DataFrame({"t": [value]}).select(nanoseconds("t")).item()
    assert ns is None or ns in (value * 1_000_000, value * 1_000)


def test_what_cannot_be_read_is_a_fault_and_every_line_is_accounted_for(tmp_path: Path) -> None:
    lines = files.trade_lines(DAY, 6)
    lines[1] = "1001,0.12345678901,1,2,3,1709510400000,True,True"
    lines[2] = ""
    lines[3] = "1003,1e-3,1.000000000000,2,3,1709510400000,True,True"
    lines[4] = "1004,1,1,2,3,99999999999999999,True,True"
    (batch,) = decoded(files.write(tmp_path / NAME, lines))
    assert batch.frame.height == 6
    assert [(fault.row, fault.rule, fault.reason) for fault in batch.faults] == [
        (1, "price_is_readable", "price does not fit: '0.12345678901'"),
        (2, "fields_are_complete", "an empty line"),
        (4, "transact_time_is_readable", "transact_time is a time neither in ms nor in µs: 99999999999999999"),
    ]
    assert batch.frame.select("price", "size").row(3) == (Decimal("0.001"), Decimal(1))
    assert batch.original(1) == {
        "agg_trade_id": "1001",
        "price": "0.12345678901",
        "quantity": "1",
        "first_trade_id": "2",
        "last_trade_id": "3",
        "transact_time": "1709510400000",
        "is_buyer_maker": "True",
        "is_best_match": "True",
    }


def test_one_record_with_two_troubles_is_one_fault(tmp_path: Path) -> None:
    (batch,) = decoded(files.write(tmp_path / NAME, ["1,abc,,2,3,99999999999999999,True,True"]))
    assert [fault.row for fault in batch.faults] == [0]


def test_records_are_numbered_through_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_zip.read_zip, "__defaults__", (1_000,))
    read = decoded(files.write(tmp_path / NAME, files.trade_lines(DAY, 500)))
    assert len(read) > 10
    assert [batch.first_record for batch in read] == [
        sum(batch.frame.height for batch in read[:n]) for n in range(len(read))
    ]
    assert frame(read).height == 500


def test_a_consumer_that_leaves_early_leaves_no_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_zip.read_zip, "__defaults__", (1_000,))
    path = files.write(tmp_path / NAME, files.trade_lines(DAY, 5_000))
    reading = iter(source().decode(request(), landed([Fetched(path, path.name, "here")])))
    next(reading)
    reading.close()  # pyright: ignore[reportAttributeAccessIssue]
    assert "prefetch" not in [thread.name for thread in threading.enumerate()]


@pytest.mark.parametrize("header", [None, files.TRADES_HEADER + ",is_best_match"])
def test_a_day_without_trades_has_no_rows(tmp_path: Path, header: str | None) -> None:
    read = decoded(files.write(tmp_path / NAME, [], header))
    assert sum(batch.frame.height for batch in read) == 0


def test_a_file_of_futures_is_not_read_as_spot(tmp_path: Path) -> None:
    path = files.write(tmp_path / NAME, files.trade_lines(DAY, 3, "futures_um"), files.TRADES_HEADER)
    with pytest.raises(BadFile, match=f"{NAME} has the columns agg_trade_id"):
        decoded(path)


@pytest.mark.parametrize(
    ("market", "symbol", "vendor_symbol", "expected"),
    [
        ("spot", "XRP-ETH", "XRPETH", ("spot", "XRP", "ETH", None)),
        ("spot", "XRPETH", "XRPETH", ("spot", None, None, None)),
        ("futures_um", "BTC-USDT", "BTCUSDT", ("perpetual", "BTC", "USDT", None)),
        ("futures_um", "BTCUSDT-PERP", "BTCUSDT", ("perpetual", None, None, None)),
        ("futures_um", "BTC-USDT", "BTCUSDT_240329", ("future", "BTC", "USDT", "2024-03-29T08:00:00+00:00")),
    ],
)
def test_an_instrument_is_made_from_the_configuration(
    workdir: Path, market: str, symbol: str, vendor_symbol: str, expected: tuple[str | None, ...]
) -> None:
    wanted = request("instruments", vendor_symbol, symbol=symbol)
    vendor = source(market=market)
    (fetched,) = vendor.fetch(wanted, at(workdir))
    again = fetched.path.read_bytes()
    assert vendor.fetch(wanted, at(workdir)) == [fetched]
    assert fetched.path.read_bytes() == again
    (batch,) = vendor.decode(wanted, landed([fetched]))
    row = batch.frame.row(0, named=True)
    expiry = None if expected[3] is None else dt.datetime.fromisoformat(expected[3])
    assert (fetched.origin, row["instrument_id"], row["raw_symbol"]) == (
        "feed configuration",
        vendor_symbol,
        vendor_symbol,
    )
    assert (row["kind"], row["base"], row["quote"]) == expected[:3]
    assert row["expiry"] == (None if expiry is None else int(expiry.timestamp()) * NS_PER_SECOND)
    assert row["tick_size"] is row["lot_size"] is None
    assert batch.original(0) == json.loads(again)
    assert vendor.delivery("instruments").schema.is_valid(batch.frame)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"markt": "spot"}, "Extra inputs"),
        ({"market": "um"}, "'spot' or 'futures_um'"),
        ({"base_url": "ftp://x"}, "begins with http"),
        ({"base_url": "data.binance.vision"}, "begins with http"),
        ({"base_url": "https://user:word@x"}, "no user, password"),  # pragma: allowlist secret
        ({"klines": ["7m"]}, "'1m'"),
        ({"klines": []}, "at least 1"),
        ({"klines": ["1m", "1m"]}, "each interval once"),
        ({"klines": ["1s"], "market": "futures_um"}, "spot only"),
        ({"max_uncompressed_bytes": 0}, "greater than 0"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        BinanceVisionOptions(**options)


@pytest.mark.parametrize("symbol", ["xrpeth", "XRP-ETH", "../XRPETH", "XRP/ETH", "", "_X", "BTCUSDT_240231"])
def test_a_symbol_that_the_archive_cannot_have_is_refused(symbol: str) -> None:
    with pytest.raises(ConfigurationError):
        BinanceVision(BinanceVisionOptions(), {"X": symbol}, Path("unused"))


def test_an_address_may_end_with_a_slash(trades_archive: BinanceArchive, workdir: Path) -> None:
    (fetched,) = source(f"{trades_archive.base_url}/").fetch(request(), at(workdir))
    assert fetched.origin == f"{trades_archive.base_url}/{TRADES}"


@pytest.mark.parametrize(("table", "requests"), [("instruments", 0), ("trades", 2), ("vendor_candles", 4)])
def test_an_estimate_counts_the_requests(table: str, requests: int) -> None:
    assert source().estimate([request(table)]).requests == requests
    assert source().expected(request(table), []) is None


def test_importing_and_constructing_it_is_light() -> None:
    code = (
        "import sys; from market_data.sources.binance_vision import SOURCE; SOURCE(SOURCE.Options(), {'A': 'A'}, None);"
        "heavy = {'polars', 'dataframely', 'httpx', 'stamina'} & sys.modules.keys();"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
