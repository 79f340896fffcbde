"""Tardis' files as rows: every data type exactly, every line accounted for; real samples; options and symbols."""

import gzip
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from market_data.domain.contract import polars_schema
from market_data.domain.errors import BadFile, ConfigurationError
from market_data.domain.time import day_start
from market_data.sources.tardis import Tardis
from market_data.sources.tardis.options import TardisOptions
from market_data_tests.sources.binance_case import frame
from market_data_tests.sources.tardis_case import DAY, EXCHANGE, SYMBOL, decoded, request, source, written
from market_data_tests.vendors import tardis_files as files

START = day_start(DAY)
US = START // 1_000
HEAD = f"{EXCHANGE},{SYMBOL},{US + 1},{US + 2}"
TIMES = {"ts_event": START + 1_000, "ts_recv": START + 2_000}

RECORDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "trades": (
        "trades",
        f"{HEAD},a-b,sell,0.00000001,9.123456789",
        {
            "trade_id": "a-b",
            "side": "sell",
            "price": Decimal("0.00000001"),
            "size": Decimal("9.123456789"),
        },
    ),
    "liquidations": (
        "liquidations",
        f"{HEAD},,buy,1e3,1E-9",
        {"liquidation_id": None, "side": "buy", "price": Decimal(1000), "size": Decimal("1E-9")},
    ),
    "quotes": (
        "quotes",
        f"{HEAD},5494,8629.3,,",
        {"ask_size": Decimal(5494), "ask_price": Decimal("8629.3"), "bid_price": None, "bid_size": None},
    ),
    "book_updates": (
        "incremental_book_L2",
        f"{HEAD},true,ask,6421.5,0",
        {"is_snapshot": True, "side": "ask", "price": Decimal("6421.5"), "size": Decimal(0)},
    ),
    "derivative_tickers": (
        "derivative_ticker",
        f"{HEAD},{US + 3},0.00012345678901234,,34653.577,9364.51,9364.123456789012,",
        {
            "ts_funding": START + 3_000,
            "funding_rate": Decimal("0.00012345678901234"),
            "predicted_funding_rate": None,
            "open_interest": Decimal("34653.577"),
            "last_price": Decimal("9364.51"),
            "index_price": Decimal("9364.123456789012"),
            "mark_price": None,
        },
    ),
    "options_chains": (
        "options_chain",
        f"{HEAD},put,9875,{US + 4},0.1,0.0295,0.0205,15.0,55.91,0.0235,15.0,68.94,0.02210436,62.89,SYN.X,9756.36,"
        "-0.61752,0.00103,2.24964,-53.05655,-0.2",
        {
            "option_type": "put",
            "strike": Decimal(9875),
            "expiry": START + 4_000,
            "open_interest": Decimal("0.1"),
            "last_price": Decimal("0.0295"),
            "bid_price": Decimal("0.0205"),
            "bid_size": Decimal(15),
            "bid_iv": Decimal("55.91"),
            "ask_price": Decimal("0.0235"),
            "ask_size": Decimal(15),
            "ask_iv": Decimal("68.94"),
            "mark_price": Decimal("0.02210436"),
            "mark_iv": Decimal("62.89"),
            "underlying_index": "SYN.X",
            "underlying_price": Decimal("9756.36"),
            "delta": Decimal("-0.61752"),
            "gamma": Decimal("0.00103"),
            "vega": Decimal("2.24964"),
            "theta": Decimal("-53.05655"),
            "rho": Decimal("-0.2"),
        },
    ),
}


@pytest.mark.parametrize("table", RECORDS)
def test_a_record_has_every_column_exactly(tmp_path: Path, table: str) -> None:
    data_type, line, expected = RECORDS[table]
    rows = frame(decoded(written(tmp_path, data_type, [line]), request(table)))
    schema = polars_schema(source().delivery(table).schema)
    assert dict(rows.schema) == {name: kind for name, kind in schema.items() if name != "ordinal"}
    assert rows.row(0, named=True) == {**TIMES, "instrument_id": SYMBOL, **expected}


@pytest.mark.parametrize("depth", [5, 25])
def test_a_book_has_as_many_levels_as_the_options_say(tmp_path: Path, depth: int) -> None:
    levels = ",".join(f"{100 + n},{n}.5,{99 - n},{n}.25" for n in range(depth - 1))
    path = written(tmp_path, f"book_snapshot_{depth}", [f"{HEAD},{levels},,,,"])
    rows = frame(decoded(path, request("book_snapshots"), book_depth=depth))
    schema = polars_schema(source(book_depth=depth).delivery("book_snapshots").schema)
    assert dict(rows.schema) == {name: kind for name, kind in schema.items() if name != "ordinal"}
    row = rows.row(0, named=True)
    assert (row["ask_price_0"], row["ask_size_0"], row["bid_price_0"]) == (100, Decimal("0.5"), 99)
    assert (row["bid_price_3"], row["bid_size_3"]) == (96, Decimal("3.25"))
    assert [row[f"{name}_{depth - 1}"] for name in ("ask_price", "ask_size", "bid_price", "bid_size")] == [None] * 4


def test_a_side_that_is_unknown_is_null(tmp_path: Path) -> None:
    rows = frame(decoded(written(tmp_path, "trades", files.trade_lines(DAY, 6))))
    assert rows["side"].to_list() == ["buy", "sell", None] * 2


def test_what_cannot_be_read_is_a_fault_and_every_line_is_accounted_for(tmp_path: Path) -> None:
    lines = files.trade_lines(DAY, 8)
    lines[1] = f"{HEAD},x,buy,0.12345678901,1"
    lines[2] = ""
    lines[3] = f"{EXCHANGE},{SYMBOL},99999999999999999999,{US},x,buy,1,1"
    lines[4] = f"{EXCHANGE},{SYMBOL},9999999999999999,{US},x,buy,1,1"
    lines[5] = f"deribit,{SYMBOL},{US},{US},x,buy,1,1"
    lines[6] = f"{EXCHANGE},ETHUSD,{US},{US},x,buy,1,1"
    (batch,) = decoded(written(tmp_path, "trades", lines))
    assert batch.frame.height == 8
    assert [(fault.row, fault.rule, fault.reason) for fault in batch.faults] == [
        (1, "price_is_readable", "price does not fit: '0.12345678901'"),
        (2, "fields_are_complete", "an empty line"),
        (3, "timestamp_is_readable", "timestamp does not fit: '99999999999999999999'"),
        (4, "timestamp_is_readable", "timestamp is no time in us: 9999999999999999"),
        (5, "exchange_is_the_files", "exchange is 'deribit' in a file of bitmex"),
        (6, "symbol_is_the_files", "symbol is 'ETHUSD' in a file of XBTUSD"),
    ]
    assert batch.original(6)["symbol"] == "ETHUSD"


def test_a_file_of_all_of_a_type_has_many_symbols(tmp_path: Path) -> None:
    lines = [files.trade_lines(DAY, 1, symbol=symbol)[0] for symbol in ("XBTUSD", "ETHUSD", "SOL/USD")]
    path = written(tmp_path, "trades", lines, symbol="PERPETUALS")
    rows = frame(decoded(path, request(vendor_symbol="PERPETUALS")))
    assert rows["instrument_id"].to_list() == ["XBTUSD", "ETHUSD", "SOL/USD"]


def test_a_column_that_tardis_adds_does_no_harm(tmp_path: Path) -> None:
    text = files.csv("trades", files.trade_lines(DAY, 3)).decode().splitlines()
    lines = [f"{line},{'new' if n == 0 else n}" for n, line in enumerate(text)]
    path = files.write_bytes(tmp_path / "x.csv.gz", gzip.compress(("\n".join(lines) + "\n").encode()))
    (batch,) = decoded(path)
    assert (batch.frame.height, batch.faults, batch.original(1)["new"]) == (3, [], "2")


def test_a_file_without_its_columns_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "quotes", [])
    with pytest.raises(BadFile, match=r"XBTUSD\.csv\.gz has the columns .* where id, side, price, amount should stand"):
        decoded(path)


@pytest.mark.parametrize(
    ("table", "price", "valid"),
    [("trades", "-1", False), ("trades", "1", True), ("quotes", "-1", False)],
)
def test_a_price_below_zero_is_for_what_the_options_allow(tmp_path: Path, table: str, price: str, valid: bool) -> None:
    line = f"{HEAD},,buy,{price},1" if table == "trades" else f"{HEAD},1,5,{price},1"
    path = written(tmp_path, table, [line])
    for negative_prices in (False, True):
        vendor = source(negative_prices=negative_prices)
        rows = frame(decoded(path, request(table))).with_row_index("ordinal").cast({"ordinal": int})
        assert vendor.delivery(table).schema.is_valid(rows) == (valid or negative_prices)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "exchange"),
        ({"exchange": "Bit/mex"}, "exchange"),
        ({"exchange": "bitmex", "book_depth": 10}, "must be 5 or 25"),
        ({"exchange": "bitmex", "api_key": "x"}, "Extra inputs"),
        ({"exchange": "bitmex", "base_url": "ftp://x"}, "begins with http"),
        ({"exchange": "bitmex", "api_url": "https://user:word@x"}, "no user, password"),
        ({"exchange": "bitmex", "max_uncompressed_bytes": 0}, "greater than 0"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        TardisOptions.model_validate(options)


@pytest.mark.parametrize("symbol", ["", "BTC USD", "BTC\n", "BTC\\USD", "é"])
def test_a_symbol_that_no_exchange_has_is_refused(symbol: str) -> None:
    with pytest.raises(ConfigurationError, match="no symbol of Tardis'"):
        Tardis(TardisOptions(exchange="bitmex"), {"X": symbol}, Path("unused"))


def test_an_estimate_counts_the_files() -> None:
    assert source().estimate([request(), request("quotes")]).requests == 2
    assert source().expected(request(), []) is None


def test_importing_and_constructing_it_is_light() -> None:
    code = (
        "import sys; from market_data.sources.tardis import SOURCE;"
        "SOURCE(SOURCE.Options(exchange='bitmex'), {'A': 'A'}, None);"
        "heavy = {'polars', 'dataframely', 'httpx', 'stamina', 'pyarrow', 'ijson'} & sys.modules.keys();"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
