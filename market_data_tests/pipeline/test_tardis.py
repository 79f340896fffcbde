"""Tardis through the whole chain: real samples to tables and SQL; days without data; what does not belong."""

import datetime as dt
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from market_data.domain.partition import Partition
from market_data.pipeline.chain import materialize
from market_data.pipeline.ingest import ingest
from market_data.pipeline.workspace import Outcome, Workspace, opened
from market_data.warehouse.sql import connect
from market_data_tests.feeds import settings_of
from market_data_tests.sources.tardis_case import DAY, REAL, real_data
from market_data_tests.vendors import tardis_files as files
from market_data_tests.vendors.tardis_archive import TardisArchive, tardis_archive

__all__ = ["tardis_archive"]

SAMPLES = [
    ("bitmex", "trades", "XBTUSD", dt.date(2020, 3, 1), "trades", 10, "1583020803307160000"),
    ("huobi-dm-swap", "quotes", "BTC-USD", dt.date(2020, 5, 1), "quotes", 10, "1588291201234268000"),
    ("deribit", "incremental_book_L2", "BTC-PERPETUAL", dt.date(2020, 4, 1), "book_updates", 15, "1585699200355684000"),
    ("binance-futures", "book_snapshot_5", "BTCUSDT", dt.date(2020, 9, 1), "book_snapshots", 10, "1598918403810979000"),
    (
        "binance-futures",
        "book_snapshot_25",
        "BTCUSDT",
        dt.date(2020, 9, 1),
        "book_snapshots",
        10,
        "1598918403810979000",
    ),
]


def stanza(archive: TardisArchive, exchange: str, table: str, symbol: str, **options: Any) -> dict[str, Any]:
    return {
        "source": "tardis",
        "symbols": {"S": symbol},
        "tables": [table],
        "start": "2020-01-01",
        "options": {"exchange": exchange, "base_url": archive.base_url, "api_url": archive.base_url, **options},
    }


def ingested(workspace: Workspace, table: str, day: dt.date) -> Outcome:
    return ingest(workspace, workspace.feed("t"), table, Partition("t", day, "S"))


@real_data
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample[1])
def test_a_real_sample_becomes_a_table_that_sql_reads(
    tmp_path: Path, sample: tuple[str, str, str, dt.date, str, int, str]
) -> None:
    exchange, data_type, symbol, day, table, count, first = sample
    options = {"book_depth": int(data_type.rpartition("_")[2])} if table == "book_snapshots" else {}
    with (
        TardisArchive(REAL) as archive,
        opened(settings_of(tmp_path, {"t": stanza(archive, exchange, table, symbol, **options)})) as workspace,
    ):
        outcome = ingested(workspace, table, day)
        account = outcome.revision.account
        assert (account.records, account.accepted, account.rejected, account.adds_up) == (count, count, 0, True)
        with connect(workspace.warehouse) as sql:
            rows = sql.sql(f"FROM {table} ORDER BY ordinal").pl()
    assert (rows.height, rows["symbol"][0], rows["instrument_id"][0]) == (count, "S", symbol)
    assert str(rows["ts_recv"].cast(pl.Int64)[0]) == first
    path = REAL / files.path_of(exchange, data_type, day, symbol)
    text = pl.read_csv(path, infer_schema=False)
    assert rows["ts_event"].cast(pl.Int64).to_list() == [int(value) * 1_000 for value in text["timestamp"]]
    for theirs, ours in _same(data_type):
        assert rows[ours].cast(pl.Float64).to_list() == [float(value) for value in text[theirs]], theirs


def _same(data_type: str) -> list[tuple[str, str]]:
    if "snapshot" in data_type:
        depth = int(data_type.rpartition("_")[2])
        pairs = [("asks", "ask"), ("bids", "bid")]
        return [
            (f"{theirs}[{n}].{what}", f"{ours}_{name}_{n}")
            for n in range(depth)
            for theirs, ours in pairs
            for what, name in (("price", "price"), ("amount", "size"))
        ]
    if data_type == "quotes":
        return [("bid_price", "bid_price"), ("ask_amount", "ask_size")]
    return [("price", "price"), ("amount", "size")]


@real_data
def test_a_real_day_of_trades_becomes_candles(tmp_path: Path) -> None:
    day = dt.date(2020, 3, 1)
    with (
        TardisArchive(REAL) as archive,
        opened(settings_of(tmp_path, {"t": stanza(archive, "bitmex", "trades", "XBTUSD")})) as workspace,
    ):
        feed = workspace.feed("t")
        list(materialize(workspace, feed, Partition("t", day, "S"), feed.assets, ()))
        with connect(workspace.warehouse) as sql:
            (bar,) = sql.sql("SELECT instrument_id, trade_count, volume FROM candles WHERE timeframe = '1d'").fetchall()
            failed = sql.sql('SELECT "check", detail FROM quality_reports WHERE NOT passed').fetchall()
    text = pl.read_csv(REAL / files.path_of("bitmex", "trades", day, "XBTUSD"))
    assert bar == ("XBTUSD", 10, text["amount"].sum())
    assert failed == []


@pytest.fixture
def workspace(tardis_archive: TardisArchive, tmp_path: Path) -> Iterator[Workspace]:
    with opened(settings_of(tmp_path, {"t": stanza(tardis_archive, "bitmex", "trades", "XBTUSD")})) as made:
        yield made


def test_an_empty_file_is_a_partition_without_rows_and_that_is_noted(
    tardis_archive: TardisArchive, workspace: Workspace
) -> None:
    path = tardis_archive.root / files.path_of("bitmex", "trades", DAY, "XBTUSD")
    files.write_bytes(path, gzip.compress(b""))
    revision = ingested(workspace, "trades", DAY).revision
    assert (revision.rows, revision.account.records, revision.notes) == (0, 0, {"condition": "no data"})


def test_records_of_another_day_by_receipt_are_set_aside_and_those_of_an_older_event_stay(
    tardis_archive: TardisArchive, workspace: Workspace
) -> None:
    lines = files.trade_lines(DAY, 9)
    fields = lines[0].split(",")
    lines[0] = ",".join([*fields[:2], "1588291201099000", *fields[3:]])
    lines.append(files.trade_lines(DAY + dt.timedelta(days=1), 1)[0])
    files.write(tardis_archive.root, "bitmex", "trades", DAY, "XBTUSD", lines)
    account = ingested(workspace, "trades", DAY).revision.account
    assert (account.records, account.accepted, account.rejected) == (10, 9, 1)


def test_identical_trades_of_one_message_all_stay(tardis_archive: TardisArchive, workspace: Workspace) -> None:
    line = files.trade_lines(DAY, 1)[0]
    files.write(tardis_archive.root, "bitmex", "trades", DAY, "XBTUSD", [line] * 5)
    account = ingested(workspace, "trades", DAY).revision.account
    assert (account.records, account.accepted, account.deduplicated) == (5, 5, 0)


def test_both_depths_of_books_are_one_view(tardis_archive: TardisArchive, tmp_path: Path) -> None:
    day = dt.date(2024, 3, 1)
    feeds: dict[str, dict[str, Any]] = {}
    for depth in (5, 25):
        start = f"bitmex,XBTUSD,{int(dt.datetime(2024, 3, 1, tzinfo=dt.UTC).timestamp())}000000"
        line = f"{start},{start.rpartition(',')[2]},{','.join(['100,1,99,1'] * depth)}"
        files.write(tardis_archive.root, "bitmex", f"book_snapshot_{depth}", day, "XBTUSD", [line])
        feeds[f"d{depth}"] = stanza(tardis_archive, "bitmex", "book_snapshots", "XBTUSD", book_depth=depth)
    with opened(settings_of(tmp_path, feeds)) as workspace:
        for feed in feeds:
            ingest(workspace, workspace.feed(feed), "book_snapshots", Partition(feed, day, "S"))
        with connect(workspace.warehouse) as sql:
            rows = sql.sql("SELECT feed, ask_price_0 - bid_price_0, bid_price_24 FROM book_snapshots ORDER BY feed")
            assert rows.fetchall() == [("d25", 1, 99), ("d5", 1, None)]


def test_a_landed_real_file_needs_no_network(tmp_path: Path) -> None:
    from market_data.pipeline.fetch import land

    settings = settings_of(tmp_path, {"t": stanza_without_archive()})
    path = files.write(tmp_path, "bitmex", "trades", DAY, "XBTUSD", files.trade_lines(DAY, 30))
    with opened(settings) as workspace:
        feed = workspace.feed("t")
        land(workspace, feed, feed.request("trades", Partition("t", DAY, "S")), [path])
        outcome = ingested(workspace, "trades", DAY)
    assert (outcome.fetched, outcome.revision.rows) == (False, 30)


def stanza_without_archive() -> dict[str, Any]:
    return {
        "source": "tardis",
        "symbols": {"S": "XBTUSD"},
        "tables": ["trades"],
        "start": "2020-01-01",
        "options": {"exchange": "bitmex", "base_url": "http://127.0.0.1:9"},
    }
