"""Tardis' files over HTTP: whole or refused, resumed, spelled as Tardis does; a day without data."""

import datetime as dt
import gzip
from pathlib import Path

import pytest

from market_data.domain.errors import (
    DamagedDownload,
    MarketDataError,
    NotAvailable,
    NotYetAvailable,
    VendorRefused,
    VendorUnavailable,
)
from market_data_tests.fetching import at, landed, left
from market_data_tests.sources.binance_case import frame
from market_data_tests.sources.tardis_case import DAY, NAME, PATH, ROWS, fetched, no_key, request, source, trades
from market_data_tests.vendors import tardis_files as files
from market_data_tests.vendors.faults import Fault, body, cut_off, drop_header, reset, stall, together
from market_data_tests.vendors.tardis_archive import TardisArchive, status, tardis_archive

__all__ = ["no_key", "tardis_archive", "trades"]


@pytest.mark.parametrize(
    ("fault", "ranges"),
    [
        (cut_off(20_000), [None, "bytes=20000-"]),
        (cut_off(20_000, announced=False), [None, None]),
        (reset(20_000), [None, "bytes=20000-"]),
        (stall(20_000), [None, "bytes=20000-"]),
        (status(429, retry_after="0"), [None, None]),
        (status(500), [None, None]),
        (body(b"<html>maintenance</html>"), [None, None]),
        (body(gzip.compress(b"x" * 4_000)[:-3]), [None, None]),
    ],
)
def test_a_fault_that_passes_is_mended_within_the_fetch(
    trades: TardisArchive, workdir: Path, fault: Fault, ranges: list[str | None]
) -> None:
    trades.fail(PATH, fault)
    assert frame(fetched(trades, workdir)).height == ROWS
    assert left(workdir) == [NAME]
    assert [seen.range for seen in trades.requests] == ranges


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (status(500), VendorUnavailable, "500 Internal Server Error (tries: 3; try again later)"),
        (status(400), VendorRefused, "400 Bad Request"),
        (status(401), VendorRefused, "Tardis wants a key for bitmex trades XBTUSD 2024-03-01: set TARDIS_API_KEY"),
        (status(403), VendorRefused, "403 Forbidden; Tardis wants a key"),
        (reset(), VendorUnavailable, "tries: 3"),
        (stall(), VendorUnavailable, "ReadTimeout"),
        (body(b"exchange,symbol\n"), DamagedDownload, "is no gzip file; nothing of it was kept"),
        (body(b""), DamagedDownload, "is empty"),
        (body(gzip.compress(b"1\n" * 99) + b"more"), DamagedDownload, "not ended at its end"),
        (body(gzip.compress(b"1\n" * 99)[:-1]), DamagedDownload, "cut short"),
        (body(gzip.compress(b"0" * (64 << 20))), DamagedDownload, "gzip bomb"),
    ],
)
def test_a_fault_that_stays_is_said_and_the_next_fetch_completes(
    trades: TardisArchive, workdir: Path, fault: Fault, error: type[MarketDataError], words: str
) -> None:
    trades.fail(PATH, fault, times=6)
    with pytest.raises(error) as raised:
        fetched(trades, workdir)
    assert type(raised.value) is error
    assert words in str(raised.value)
    assert NAME not in left(workdir)
    trades.recover()
    assert frame(fetched(trades, workdir)).height == ROWS
    assert left(workdir) == [NAME]


def test_without_an_etag_a_broken_download_begins_again(trades: TardisArchive, workdir: Path) -> None:
    trades.fail(PATH, together(drop_header("ETag"), cut_off(20_000)))
    assert frame(fetched(trades, workdir)).height == ROWS
    assert [seen.range for seen in trades.requests] == [None, None]


def test_a_vendor_that_is_down_is_left_alone_by_the_next_fetch_too(trades: TardisArchive, workdir: Path) -> None:
    trades.fail(PATH, status(503), times=20)
    for _ in range(3):
        with pytest.raises(VendorUnavailable):
            fetched(trades, workdir)
    asked = len(trades.requests)
    with pytest.raises(VendorUnavailable, match="Tardis is not asked before"):
        fetched(trades, workdir)
    assert len(trades.requests) == asked == 8


@pytest.mark.parametrize(
    ("hours", "error", "words"),
    [
        (1, NotYetAvailable, "not available yet: Tardis has a day at about 06:00 UTC of the next"),
        (47, NotYetAvailable, "not available yet"),
        (49, NotAvailable, "check the exchange's id and the symbol's spelling"),
    ],
)
def test_a_404_is_told_apart_by_the_days_age(
    tardis_archive: TardisArchive, workdir: Path, hours: int, error: type[MarketDataError], words: str
) -> None:
    vendor = source(tardis_archive.base_url, workdir.parent / "shared")
    vendor.now = lambda: dt.datetime(2024, 3, 2, tzinfo=dt.UTC) + dt.timedelta(hours=hours)
    with pytest.raises(error) as raised:
        vendor.fetch(request(), at(workdir))
    assert type(raised.value) is error
    assert words in str(raised.value)
    assert f"{tardis_archive.base_url}/{PATH}" in str(raised.value)
    assert left(workdir) == []


@pytest.mark.parametrize(
    ("vendor_symbol", "path", "name"),
    [
        ("btc/usd", "BTC-USD", "BTC-USD"),
        ("tBTCF0:USTF0", "TBTCF0-USTF0", "TBTCF0-USTF0"),
        ("@107", "%40107", "@107"),
        ("BTC*", "BTC%2A", "BTC-"),
        ("PERPETUALS", "PERPETUALS", "PERPETUALS"),
    ],
)
def test_a_symbol_is_spelled_as_tardis_does(
    tardis_archive: TardisArchive, workdir: Path, vendor_symbol: str, path: str, name: str
) -> None:
    with pytest.raises(NotAvailable):
        fetched(tardis_archive, workdir, vendor_symbol=vendor_symbol)
    assert tardis_archive.requests[0].path == f"/v1/bitmex/trades/2024/03/01/{path}.csv.gz"
    written = files.write_bytes(workdir / "x.csv.gz", gzip.compress(b""))
    assert (
        source().verify(request(vendor_symbol=vendor_symbol), [written])[0].name == f"bitmex_trades_{DAY}_{name}.csv.gz"
    )


@pytest.mark.parametrize("content", [b"", files.csv("trades", [])])
def test_an_empty_file_is_a_day_without_data(tardis_archive: TardisArchive, workdir: Path, content: bytes) -> None:
    files.write_bytes(tardis_archive.root / PATH, gzip.compress(content))
    vendor = source(tardis_archive.base_url, workdir.parent / "shared")
    file = landed(vendor.fetch(request(), at(workdir)))
    assert sum(batch.frame.height for batch in vendor.decode(request(), file)) == 0
    assert vendor.notes(request(), file) == ({} if content else {"condition": "no data"})
