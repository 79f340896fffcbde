"""Candles as each exchange publishes them: all of the day, none of the next, and its way with empty minutes."""

from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from market_data.domain.errors import NotAvailable
from market_data.domain.time import NS_PER_HOUR, NS_PER_MINUTE, day_bounds
from market_data_tests.sources.ccxt_case import CANDLES, DAY, EXCHANGES, brought, decoded, request, source
from market_data_tests.vendors.ccxt_exchange import CcxtExchange, html, status
from market_data_tests.vendors.ccxt_truth import truth

STEPS = {"1m": NS_PER_MINUTE, "5m": 5 * NS_PER_MINUTE, "1h": NS_PER_HOUR}
COUNTS = {"binance": "aggregated", "kraken": "count"}
BARS = request("vendor_candles")


def _frame(exchange: str, served: CcxtExchange, folder: Path, *timeframes: str) -> pl.DataFrame:
    (folder / "bars").mkdir(parents=True, exist_ok=True)
    vendor = source(exchange, served.base_url, folder / "shared", candles=timeframes)
    read = decoded(vendor, brought(vendor, folder / "bars", BARS), BARS)
    assert not any(batch.faults for batch in read)
    return pl.concat([batch.frame for batch in read])


@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize("timeframe", ["1m", "5m", "1h"])
def test_candles_are_what_was_traded(tmp_path: Path, exchange: str, timeframe: str) -> None:
    if (exchange, timeframe) == ("kraken", "1m"):
        pytest.skip("out of reach")
    traded, (begin, end) = truth(DAY, 400), day_bounds(DAY)
    with CcxtExchange(traded) as served:
        frame = _frame(exchange, served, tmp_path, timeframe)
        bars = [
            bar
            for bar in traded.bars(
                exchange, STEPS[timeframe], served.market.now_ns, flat=exchange in ("binance", "kraken")
            )
            if begin <= bar["ns"] < end
        ]
    assert frame["ts_open"].to_list() == [bar["ns"] for bar in bars]
    assert frame["timeframe"].unique().to_list() == [timeframe]
    for name in ("open", "high", "low", "close"):
        assert frame[name].to_list() == [Decimal(bar[name]).scaleb(-2) for bar in bars]
    assert frame["volume"].to_list() == [Decimal(bar["volume"]).scaleb(-8) for bar in bars]
    if exchange in ("binance", "kraken"):
        assert frame["trade_count"].to_list() == [bar[COUNTS[exchange]] for bar in bars]
        assert frame.height == (end - begin) // STEPS[timeframe]
    if exchange == "binance":
        assert frame["quote_volume"].to_list() == [Decimal(bar["turnover"]).scaleb(-10) for bar in bars]
    if exchange == "kraken":
        assert frame["vwap"].is_null().to_list() == [bar["count"] == 0 for bar in bars]


@pytest.mark.parametrize(("exchange", "bars"), [("binance", "flat"), ("kraken", "flat"), ("coinbase", "absent")])
def test_the_way_with_empty_minutes_is_the_exchanges(tmp_path: Path, exchange: str, bars: str) -> None:
    assert source(exchange, "http://127.0.0.1:9", tmp_path).empty_bars == bars


def test_a_day_beyond_krakens_720_candles_is_not_to_be_had(
    ccxt_exchange: CcxtExchange, tmp_path: Path, workdir: Path
) -> None:
    with pytest.raises(NotAvailable, match="those of 1m reach 12:00:00 back, and not to 2024-03-04"):
        _frame("kraken", ccxt_exchange, tmp_path, "1m")
    assert len(ccxt_exchange.asked("OHLC")) == 1
    with pytest.raises(NotAvailable):  # the answer is not kept: later on it may be another one
        _frame("kraken", ccxt_exchange, tmp_path, "1m")
    assert len(ccxt_exchange.asked("OHLC")) == 2


def test_a_timeframe_that_the_exchange_lacks_is_said(ccxt_exchange: CcxtExchange, tmp_path: Path) -> None:
    with pytest.raises(NotAvailable, match="Coinbase Exchange has no candles of 30m; it has 1m"):
        _frame("coinbaseexchange", ccxt_exchange, tmp_path, "30m")


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_faults_do_not_change_the_candles(ccxt_exchange: CcxtExchange, tmp_path: Path, exchange: str) -> None:
    (tmp_path / "good").mkdir()
    good = _frame(exchange, ccxt_exchange, tmp_path / "good", "5m", "1h")
    endpoint = CANDLES[exchange]
    for skip, fault in enumerate((html, status(429, retry_after="0"), ccxt_exchange.repeated(endpoint))):
        ccxt_exchange.fail(endpoint, fault, skip=skip)
    assert _frame(exchange, ccxt_exchange, tmp_path, "5m", "1h").equals(good)


def test_a_file_a_timeframe_is_landed_and_those_that_came_are_not_asked_for_again(
    ccxt_exchange: CcxtExchange, tmp_path: Path, workdir: Path
) -> None:
    vendor = source("binance", ccxt_exchange.base_url, tmp_path / "shared", candles=("1m", "1h"))
    names = [file.name for file in brought(vendor, workdir, BARS)]
    assert names == ["candles-1m.jsonl.zst", "candles-1h.jsonl.zst", "facts.json"]
    asked = len(ccxt_exchange.requests)
    brought(vendor, workdir, BARS)
    assert len(ccxt_exchange.requests) == asked
