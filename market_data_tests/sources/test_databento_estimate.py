"""What Databento would charge: free to ask, days in a row at once, and as many requests as a fetch makes."""

import datetime as dt
from pathlib import Path

import pytest

from market_data.domain.ports.source import Estimate
from market_data_tests.fetching import at
from market_data_tests.sources.databento_case import DAY, LAPSED, LISTED, SYMBOL, key, market, request, source
from market_data_tests.vendors import dbn_files as files
from market_data_tests.vendors.databento_api import COST, STREAM, DatabentoApi, Offer, databento_api

__all__ = ["databento_api", "key", "market"]


def test_an_estimate_costs_nothing(market: DatabentoApi) -> None:
    size = len(files.trades(DAY, 1_000))
    assert source(market).estimate([request()]) == Estimate(7, size, 1_000, 0.01)
    assert market.asked(STREAM) == []


@pytest.mark.parametrize(("table", "schemas"), [("trades", 1), ("vendor_candles", 2)])
def test_days_that_follow_each_other_are_priced_at_once(market: DatabentoApi, table: str, schemas: int) -> None:
    days = [DAY + dt.timedelta(days=n) for n in range(31)]
    for day in days:
        for schema in ("trades", "ohlcv-1m", "ohlcv-1h"):
            market.offer(schema, SYMBOL, day, Offer(b"x" * 100, 7, cost_usd=0.5))
    vendor = source(market, schemas=("trades", "ohlcv-1m", "ohlcv-1h"))
    estimate = vendor.estimate([request(table, day=day) for day in reversed(days)])
    assert estimate == Estimate(1 + 31 * (2 + 4 * schemas), 3_100 * schemas, 217 * schemas, 15.5 * schemas)
    assert len(market.requests) == 3 * schemas
    assert {(seen.form["start"], seen.form["end"]) for seen in market.requests} == {("2024-01-15", "2024-02-15")}


def test_days_apart_are_priced_apart_and_each_once(market: DatabentoApi) -> None:
    for n in (0, 1, 5):
        market.offer("trades", SYMBOL, DAY + dt.timedelta(days=n), Offer(b"x", 1, cost_usd=1.0))
    days = [DAY + dt.timedelta(days=n) for n in (5, 0, 1, 0)]
    assert source(market).estimate([request(day=day) for day in days]).cost_usd == 3.0
    assert [(seen.form["start"], seen.form["end"]) for seen in market.asked(COST)] == [
        ("2024-01-15", "2024-01-17"),
        ("2024-01-20", "2024-01-21"),
    ]


@pytest.mark.parametrize(("stype_in", "symbol"), [("raw_symbol", SYMBOL), ("continuous", "ES.c.0")])
def test_an_estimate_says_how_many_requests_a_fetch_makes(
    market: DatabentoApi, workdir: Path, stype_in: str, symbol: str
) -> None:
    market.symbology.rolls("ES.c.0", files.INSTRUMENT, LISTED, LAPSED)
    market.offer("trades", symbol, DAY, Offer(files.trades(DAY, 10, symbol), 10))
    vendor = source(market, symbol=symbol, stype_in=stype_in)
    said = vendor.estimate([request(vendor_symbol=symbol)]).requests
    market.requests.clear()
    vendor.fetch(request(vendor_symbol=symbol), at(workdir))
    assert len(market.requests) == said
