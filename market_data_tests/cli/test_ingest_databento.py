"""The job of a futures desk, whole: two continuous symbols, five schemas, a month of definitions, three times over."""

import datetime as dt
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from market_data.domain.time import day_start
from market_data.ledger.schema import revisions
from market_data.pipeline.workspace import opened
from market_data.settings import Environment, load_settings
from market_data.sources import catalog
from market_data_tests.cli.conftest import Home
from market_data_tests.feeds import place
from market_data_tests.sources.databento_case import key
from market_data_tests.vendors import dbn_files as files
from market_data_tests.vendors.databento_api import COST, STREAM, DatabentoApi, Offer, databento_api

__all__ = ["databento_api", "key"]

FIRST, LAST = dt.date(2024, 1, 15), dt.date(2024, 1, 16)
JANUARY = [dt.date(2024, 1, 1) + dt.timedelta(days=n) for n in range(31)]
CONTRACTS = {"ES.c.0": ("ESH4", 17_077), "CL.c.0": ("CLG4", 99_001)}
PRICE = 10**9
COUNT = 300
STANZA = """
feeds:
  futures:
    source: databento
    symbols: {{ES: ES.c.0, CL: CL.c.0}}
    tables: [instruments, trades, quotes, statistics, vendor_candles]
    start: 2024-01-01
    end: 2024-01-31
    calendar: CMES
    options:
      dataset: GLBX.MDP3
      stype_in: continuous
      schemas: [ohlcv-1d, trades, tbbo, statistics, definition]
      gateway: {gateway}
      ca_file: {ca_file}
"""


def day_of(schema: str, day: dt.date, symbol: str, count: int) -> bytes:
    """A day's file of a continuous symbol; its bar is that of the day's trades."""
    number = np.arange(COUNT if schema == "ohlcv-1d" else count)
    ts_event = day_start(day) + number * 60 * 10**9
    common: dict[str, Any] = {"instrument_id": CONTRACTS[symbol][1], "ts_event": ts_event}
    ticks: dict[str, Any] = {**common, "ts_recv": ts_event + 1_000, "sequence": number}
    price = 4_800 * PRICE + number % 7 * (PRICE // 4)
    trade: dict[str, Any] = {"price": price, "size": 1 + number % 3, "action": b"T", "side": b"B"}
    book: dict[str, Any] = {"bid_px_00": price - PRICE // 4, "ask_px_00": price, "bid_sz_00": 5, "ask_sz_00": 7}
    made = {
        "trades": lambda: files.records("trades", count, **ticks, **trade),
        "tbbo": lambda: files.records("tbbo", count, **ticks, **trade, **book),
        "statistics": lambda: files.records("statistics", count, **ticks, stat_type=1, price=price, update_action=1),
        "ohlcv-1d": lambda: files.records(
            "ohlcv-1m", 1, **{**common, "ts_event": day_start(day)}, volume=int((1 + number % 3).sum()),
            open=price[0], high=price.max(), low=price.min(), close=price[-1],
        ),
        "definition": lambda: files.records(
            "definition", 1, **{**common, "ts_event": day_start(day)}, ts_recv=day_start(day),
            raw_symbol=CONTRACTS[symbol][0].encode(), instrument_class=b"F", security_type=b"FUT",
            min_price_increment=PRICE // 4, currency=b"USD", expiration=day_start(dt.date(2024, 3, 15)),
        ),
    }[schema]()  # fmt: skip
    mappings = {symbol: [(day, day + dt.timedelta(days=1), str(CONTRACTS[symbol][1]))]}
    head = files.head(schema, day, stype_in="continuous", symbols=[symbol], mappings=mappings)
    return files.streamed(head, made)


@pytest.fixture
def market(databento_api: DatabentoApi, key: str) -> DatabentoApi:
    """A vendor that has the scope for sale: two days of ticks, a month of definitions."""
    for symbol, (raw_symbol, number) in CONTRACTS.items():
        databento_api.symbology.lists(raw_symbol, number, JANUARY[0], dt.date(2024, 3, 16))
        databento_api.symbology.rolls(symbol, number, JANUARY[0], dt.date(2024, 3, 16))
        for day in JANUARY:
            databento_api.offer("definition", symbol, day, Offer(day_of("definition", day, symbol, 1), 1, 0.001))
        for day in (FIRST, LAST):
            for schema, count in (("trades", COUNT), ("tbbo", COUNT), ("statistics", 9), ("ohlcv-1d", 1)):
                content = day_of(schema, day, symbol, count)
                databento_api.offer(schema, symbol, day, Offer(content, count, 0.01))
    return databento_api


@pytest.fixture
def desk(market: DatabentoApi, tmp_path: Path) -> Home:
    config = tmp_path / "feeds.yaml"
    config.write_text(STANZA.format(gateway=market.gateway, ca_file=market.ca_file))
    return Home(load_settings(catalog(), Environment(config=config, **place(tmp_path / "home"))))


def ingested(home: Home, *words: str) -> dict[str, Any]:
    return json.loads("\n".join(home.lines("ingest", "futures", *words, "--json")))


def ledger_of(home: Home) -> dict[tuple[str, str, str], tuple[int, str]]:
    """Revision and hash of every partition of every table."""
    with opened(home.settings) as workspace:
        found = workspace.ledger.find(revisions.c.feed == "futures")
    return {
        (each.table, each.partition.symbol, each.partition.date.isoformat()): (each.revision, each.sha256)
        for each in found
    }


@pytest.mark.slow
def test_the_same_job_three_times_fetches_once_and_changes_nothing(market: DatabentoApi, desk: Home) -> None:
    ticks = ("--start", FIRST.isoformat(), "--end", LAST.isoformat())
    weeks = ("--start", "2024-01-08", "--end", "2024-01-21", "--tables", "instruments")
    dry = json.loads("\n".join(desk.lines("ingest", "futures", *ticks, "--dry-run", "--json")))
    assert dry["cost_usd"] == pytest.approx(2 * 2 * (4 * 0.01 + 0.001))
    records = {(each["table"], each["symbol"]): each["estimate"]["records"] for each in dry["tables"]}
    assert records["trades", "ES"] == 2 * COUNT
    assert market.asked(STREAM) == []

    first = [ingested(desk, *ticks), ingested(desk, *weeks, "--rebuild")]
    assert first[0]["tables"]["trades"] == {
        "fetched": 4, "there": 0, "records": 4 * COUNT, "accepted": 4 * COUNT, "set_aside": 0, "repeated": 0,
        "rows": 4 * COUNT, "new": 4, "failed": 0,
    }  # fmt: skip
    assert first[1]["tables"]["instruments"]["accepted"] == 28
    assert first[1]["tables"]["instruments"]["there"] == 4
    bought = Counter(seen.form["schema"] for seen in market.asked(STREAM))
    assert bought == {"trades": 4, "tbbo": 4, "statistics": 4, "ohlcv-1d": 4, "definition": 28}
    after_first, asked = ledger_of(desk), len(market.requests)
    for _ in range(2):
        again = [ingested(desk, *ticks, "--rebuild"), ingested(desk, *weeks, "--rebuild")]
        assert [each["tables"]["instruments"]["fetched"] for each in again] == [0, 0]
        assert again[0]["tables"]["trades"]["new"] == again[1]["tables"]["instruments"]["new"] == 0
        assert again[0]["fetched_bytes"] == 0
    assert ledger_of(desk) == after_first
    assert len(market.requests) == asked  # the vendor was not even asked
    with opened(desk.settings) as workspace:
        partition = workspace.feed("futures").partition("ES", FIRST)
        trades = workspace.warehouse.scan("trades", partition).collect()
        assert set(trades["raw_symbol"]) == {"ESH4"}
        reports = workspace.warehouse.scan("quality_reports", partition).collect()
        agreed = reports.filter((pl.col("check") == "vendor_candles") & pl.col("passed"))
        assert agreed.height > 0
        spent = workspace.ledger.spending.of_day("futures", dt.datetime.now(dt.UTC).date())
    assert spent == pytest.approx(4 * 4 * 0.01 + 28 * 0.001)
    assert market.asked(COST)
    for path in desk.settings.home.rglob("*"):
        assert path.is_dir() or b"db-loopback0key" not in path.read_bytes()

    market.offer("trades", "ES.c.0", LAST, Offer(day_of("trades", LAST, "ES.c.0", COUNT - 10), COUNT - 10, 0.01))
    corrected = ingested(desk, *ticks, "--tables", "trades", "--symbols", "ES", "--refetch")
    assert corrected["tables"]["trades"]["new"] == 1
    assert ledger_of(desk)["trades", "ES", LAST.isoformat()][0] == 2


@pytest.mark.slow
def test_a_run_above_the_budget_stops_before_the_first_byte_with_the_figure(market: DatabentoApi, desk: Home) -> None:
    config = desk.settings.config_path
    config.write_text(config.read_text() + "    budget: {run_usd: 0.1}\n")
    words = ("--start", FIRST.isoformat(), "--end", LAST.isoformat(), "--tables", "trades,quotes,vendor_candles")
    refused = desk.run("ingest", "futures", *words)
    assert refused.exit_code == 1
    assert "this run (12 tables of a day to buy) would cost 0.1200 USD, and futures may spend 0.1 USD a run" in (
        " ".join(refused.stderr.split())
    )
    assert market.asked(STREAM) == []
    assert not list((desk.settings.home / "landing").rglob("*.dbn.zst"))
    assert "That is above the budget" in "\n".join(desk.lines("ingest", "futures", *words, "--dry-run"))
    allowed = ingested(desk, *words, "--allow-cost")
    assert allowed["tables"]["trades"]["fetched"] == 4
