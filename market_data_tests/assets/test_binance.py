"""The whole way from Binance's archive to checked candles, through Dagster, with the archive on loopback."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
from dagster import DagsterEventType, DagsterInstance

from market_data.pipeline.workspace import opened
from market_data.settings import Settings
from market_data.sources.binance_vision import BinanceVision
from market_data_tests.feeds import settings_of
from market_data_tests.runs import failure_words, materialized, run
from market_data_tests.sources.binance_case import QUICK, REAL, real_data
from market_data_tests.vendors import binance_files as files
from market_data_tests.vendors.binance_archive import BinanceArchive

DAY = dt.date(2024, 3, 4)
KEY = f"{DAY}|BTC-USDT"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BinanceVision, "patience", QUICK)


def settings_for(folder: Path, archive: BinanceArchive, symbols: dict[str, str], start: dt.date) -> Settings:
    stanza = {
        "source": "binance_vision",
        "symbols": symbols,
        "tables": ["instruments", "trades", "vendor_candles"],
        "start": start.isoformat(),
        "calendar": "24/7",
        "options": {"market": "spot", "base_url": archive.base_url},
    }
    return settings_of(folder, {"feed": stanza})


def write_day(archive: BinanceArchive, day: dt.date, count: int) -> None:
    lines = files.trade_lines(day, count)
    files.write(archive.root / files.trades_path("BTCUSDT", day), lines)
    for interval, seconds in (("1m", 60), ("5m", 300)):
        files.write(archive.root / files.klines_path("BTCUSDT", day, interval), files.kline_lines(day, seconds))


@real_data
def test_every_kline_of_binance_equals_the_candle_built_from_its_trades(
    tmp_path: Path, instance: DagsterInstance
) -> None:
    with BinanceArchive(REAL) as archive:
        settings = settings_for(tmp_path, archive, {"XRP-ETH": "XRPETH"}, dt.date(2019, 10, 11))
        result = run(settings, instance, "2019-10-11|XRP-ETH", "2019-10-12|XRP-ETH")
    assert result.success
    rows = {
        (event.asset_key.path[-1], event.partition): event.materialization.metadata["dagster/row_count"].value
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None
    }
    assert rows["trades", "2019-10-11|XRP-ETH"] == 5_929
    assert rows["trades", "2019-10-12|XRP-ETH"] == 4_134

    feed = settings.feeds["feed"]
    keys, values = ["timeframe", "ts_open"], ["open", "high", "low", "close", "volume"]
    with opened(settings) as workspace:
        days = [feed.partition("XRP-ETH", feed.start + dt.timedelta(days=n)) for n in (0, 1)]
        both = {
            table: pl.concat([workspace.warehouse.scan(table, day).select(*keys, *values).collect() for day in days])
            for table in ("candles", "vendor_candles")
        }
        report = workspace.warehouse.scan("quality_reports", days[1]).collect()
    for timeframe, count in (("1m", 2_880), ("5m", 576)):
        ours, theirs = (both[table].filter(pl.col("timeframe") == timeframe).sort("ts_open") for table in both)
        assert len(theirs) == count
        assert ours.equals(theirs)
    assert report["passed"].all()
    assert set(report.filter(pl.col("check") == "vendor_candles")["measured"]) == {0.0}


def test_a_day_not_yet_published_says_so_and_leaves_the_others(
    tmp_path: Path, binance_archive: BinanceArchive, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_day(binance_archive, DAY, 500)
    next_day = DAY + dt.timedelta(days=1)
    published_tomorrow = dt.datetime.combine(next_day, dt.time(23), tzinfo=dt.UTC)
    monkeypatch.setattr(BinanceVision, "now", staticmethod(lambda: published_tomorrow))
    settings = settings_for(tmp_path, binance_archive, {"BTC-USDT": "BTCUSDT"}, DAY)
    result = run(settings, instance, KEY, f"{next_day}|BTC-USDT")
    assert not result.success
    words = failure_words(result)
    assert "1 of 2 partitions failed" in words
    assert "not" in words
    assert "Traceback" not in words
    for table in ("trades", "candles", "quality_reports"):
        assert materialized(instance, table, "feed") == {KEY}


def test_bytes_that_the_vendor_replaced_make_a_revision_and_as_of_reads_both(
    tmp_path: Path, binance_archive: BinanceArchive, instance: DagsterInstance
) -> None:
    write_day(binance_archive, DAY, 500)
    settings = settings_for(tmp_path, binance_archive, {"BTC-USDT": "BTCUSDT"}, DAY)
    assert run(settings, instance, KEY, KEY).success
    write_day(binance_archive, DAY, 600)
    assert run(settings, instance, KEY, KEY).success
    feed = settings.feeds["feed"]
    partition = feed.partition("BTC-USDT", DAY)
    with opened(settings) as workspace:
        before = workspace.ledger.current("trades", partition)
        assert before is not None
        assert (before.revision, before.rows) == (1, 500)  # landed bytes are not fetched again unless asked
    assert run(settings, instance, KEY, KEY, refetch=True).success
    with opened(settings) as workspace:
        old, new = workspace.ledger.history("trades", partition)
        assert [old.rows, new.rows] == [500, 600]
        as_of = {r.table: r for r in workspace.ledger.find(as_of=old.committed_in)}
        assert pl.read_parquet(workspace.warehouse.file_of(as_of["trades"]), hive_partitioning=False).height == 500
        assert workspace.warehouse.scan("trades", partition).collect().height == 600
        candles = workspace.ledger.history("candles", partition)
        assert [revision.inputs[0]["revision"] for revision in candles] == [1, 2]


def test_a_second_run_asks_the_vendor_for_nothing(
    tmp_path: Path, binance_archive: BinanceArchive, instance: DagsterInstance
) -> None:
    write_day(binance_archive, DAY, 100)
    settings = settings_for(tmp_path, binance_archive, {"BTC-USDT": "BTCUSDT"}, DAY)
    assert run(settings, instance, KEY, KEY).success
    asked = len(binance_archive.requests)
    again = run(settings, instance, KEY, KEY, rebuild=True)
    assert again.success
    assert len(binance_archive.requests) == asked
    changed = [e for e in again.all_events if e.event_type == DagsterEventType.ASSET_MATERIALIZATION]
    assert changed
