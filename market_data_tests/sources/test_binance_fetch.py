"""Binance's archive over a real connection that misbehaves: what the user is told, what stays, what is asked next."""

import datetime as dt
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from market_data.domain.errors import (
    BadFile,
    DamagedDownload,
    MarketDataError,
    NotAvailable,
    NotYetAvailable,
    VendorRefused,
    VendorUnavailable,
)
from market_data.vendor_access.timeouts import Patience
from market_data_tests.fetching import at, left
from market_data_tests.sources.binance_case import DAY, NAME, SYMBOL, TRADES, batches, decoded, frame, request, source
from market_data_tests.vendors import binance_files as files
from market_data_tests.vendors.binance_archive import BinanceArchive, wrong_checksum
from market_data_tests.vendors.faults import Fault, body, cut_off, reset, stall, status


def test_a_fetch_brings_the_file_under_its_own_name_with_its_address(
    trades_archive: BinanceArchive, workdir: Path
) -> None:
    (fetched,) = source(trades_archive.base_url).fetch(request(), at(workdir))
    assert (fetched.name, fetched.origin) == (NAME, f"{trades_archive.base_url}/{TRADES}")
    assert left(workdir) == [NAME]
    assert [seen.path for seen in trades_archive.requests] == [f"/{TRADES}.CHECKSUM", f"/{TRADES}"]


@pytest.mark.parametrize(
    ("path", "fault", "ranges"),
    [
        (NAME, cut_off(20_000), [None, "bytes=20000-"]),
        (NAME, cut_off(20_000, announced=False), [None, None]),
        (NAME, reset(20_000), [None, "bytes=20000-"]),
        (NAME, stall(20_000), [None, "bytes=20000-"]),
        (NAME, status(429, retry_after="0"), [None, None]),
        (NAME, status(500), [None, None]),
        (f"{NAME}.CHECKSUM", status(503), [None]),
        (f"{NAME}.CHECKSUM", cut_off(10), [None]),
        (f"{NAME}.CHECKSUM", wrong_checksum(), [None, None]),
        (f"{NAME}.CHECKSUM", body(b"<html>proxy</html>"), [None]),
    ],
)
def test_a_fault_that_passes_is_mended_within_the_fetch(
    trades_archive: BinanceArchive, workdir: Path, path: str, fault: Fault, ranges: list[str | None]
) -> None:
    trades_archive.fail(path, fault)
    rows = frame(batches(source(trades_archive.base_url), request(), workdir))
    assert rows.height == 5_000
    assert left(workdir) == [NAME]
    assert [seen.range for seen in trades_archive.asked(NAME)] == ranges


@pytest.mark.parametrize(
    ("path", "fault", "error", "words"),
    [
        (NAME, status(500), VendorUnavailable, "500 Internal Server Error (tries: 3; try again later)"),
        (NAME, status(429, retry_after="0"), VendorUnavailable, "429 Too Many Requests"),
        (NAME, status(403), VendorRefused, "403 Forbidden"),
        (NAME, reset(), VendorUnavailable, "tries: 3"),
        (NAME, stall(), VendorUnavailable, "ReadTimeout"),
        (NAME, cut_off(0), VendorUnavailable, "received 0 bytes"),
        (f"{NAME}.CHECKSUM", wrong_checksum(), DamagedDownload, "nothing of it was kept"),
        (f"{NAME}.CHECKSUM", body(b"<html>"), DamagedDownload, "is no checksum of"),
        (f"{NAME}.CHECKSUM", status(403), VendorRefused, "403 Forbidden"),
    ],
)
def test_a_fault_that_stays_is_said_and_the_next_fetch_completes(
    trades_archive: BinanceArchive, workdir: Path, path: str, fault: Fault, error: type[MarketDataError], words: str
) -> None:
    trades_archive.fail(path, fault, times=12)
    vendor = source(trades_archive.base_url)
    with pytest.raises(error) as raised:
        vendor.fetch(request(), at(workdir))
    assert type(raised.value) is error
    assert words in str(raised.value)
    assert NAME not in left(workdir)
    trades_archive.recover()
    assert frame(batches(vendor, request(), workdir)).height == 5_000
    assert left(workdir) == [NAME]


def test_a_fetch_that_was_ended_goes_on_where_it_was(trades_archive: BinanceArchive, workdir: Path) -> None:
    trades_archive.fail(NAME, cut_off(15_000))
    with pytest.raises(VendorUnavailable, match="received 15000 bytes"):
        source(trades_archive.base_url, Patience(attempts=1)).fetch(request(), at(workdir))
    assert left(workdir) == [f"{NAME}.part", f"{NAME}.part.etag"]
    source(trades_archive.base_url).fetch(request(), at(workdir))
    assert [seen.range for seen in trades_archive.asked(NAME)] == [None, "bytes=15000-"]


def test_of_several_files_those_that_came_are_not_fetched_again(binance_archive: BinanceArchive, workdir: Path) -> None:
    for interval, seconds in (("1m", 60), ("5m", 300)):
        files.write(binance_archive.root / files.klines_path(SYMBOL, DAY, interval), files.kline_lines(DAY, seconds))
    vendor = source(binance_archive.base_url)
    binance_archive.fail(f"{SYMBOL}-5m-{DAY}.zip", status(403))
    with pytest.raises(VendorRefused):
        vendor.fetch(request("vendor_candles"), at(workdir))
    assert len(vendor.fetch(request("vendor_candles"), at(workdir))) == 2
    assert len(binance_archive.asked(f"{SYMBOL}-1m-{DAY}.zip")) == 1


@pytest.mark.parametrize(
    ("hours", "error", "words"),
    [
        (1, NotYetAvailable, "not available yet: Binance publishes a day the next day"),
        (-5, NotYetAvailable, "not available yet"),
        (71, NotYetAvailable, "not available yet"),
        (73, NotAvailable, "check that BTCUSDT is its name in spot, and that it was traded on 2024-03-04"),
    ],
)
@pytest.mark.parametrize("absent", ["", ".CHECKSUM"])
def test_a_404_is_told_apart_by_the_days_age(
    trades_archive: BinanceArchive, workdir: Path, absent: str, hours: int, error: type[MarketDataError], words: str
) -> None:
    (trades_archive.root / f"{TRADES}{absent}").unlink()
    vendor = source(trades_archive.base_url)
    vendor.now = lambda: dt.datetime(2024, 3, 5, tzinfo=dt.UTC) + dt.timedelta(hours=hours)
    with pytest.raises(error) as raised:
        vendor.fetch(request(), at(workdir))
    assert type(raised.value) is error
    assert words in str(raised.value)
    assert f"{trades_archive.base_url}/{TRADES}" in str(raised.value)
    assert left(workdir) == []


EVIL: dict[str, tuple[Callable[[], bytes], str]] = {
    "a bomb": (lambda: files.zip_of({f"{SYMBOL}-aggTrades-{DAY}.csv": b"0" * (4 << 20)}), "zip bomb"),
    "too big": (
        lambda: files.zip_of({f"{SYMBOL}-aggTrades-{DAY}.csv": b"0123456789" * 60_000}),
        "more than the 500000 that are allowed",
    ),
    "an escape": (lambda: files.zip_of({f"../../{SYMBOL}-aggTrades-{DAY}.csv": b"1\n"}), "holds '../../"),
    "two members": (lambda: files.zip_of({"a.csv": b"", "b.csv": b""}), "holds 2 files"),
    "another day": (lambda: files.zip_of({f"{SYMBOL}-aggTrades-2024-03-05.csv": b""}), "belongs"),
    "no zip": (lambda: b"<html>maintenance</html>", "no zip file"),
}


@pytest.mark.parametrize("kind", EVIL)
def test_an_evil_zip_is_refused_and_nothing_is_left_of_it(
    binance_archive: BinanceArchive, workdir: Path, tmp_path: Path, kind: str
) -> None:
    content, words = EVIL[kind]
    files.write_bytes(binance_archive.root / TRADES, content())
    before = Counter(path for path in tmp_path.rglob("*"))
    with pytest.raises(BadFile, match=words) as raised:
        source(binance_archive.base_url, max_uncompressed_bytes=500_000 if kind == "too big" else 8 << 20).fetch(
            request(), at(workdir)
        )
    assert f"{binance_archive.base_url}/{TRADES}" in str(raised.value)
    assert Counter(path for path in tmp_path.rglob("*")) == before


@pytest.mark.parametrize("kind", EVIL)
def test_an_evil_zip_that_is_landed_is_refused_when_decoded(tmp_path: Path, kind: str) -> None:
    content, words = EVIL[kind]
    path = files.write_bytes(tmp_path / NAME, content())
    with pytest.raises(BadFile, match=words) as raised:
        decoded(path, max_uncompressed_bytes=500_000 if kind == "too big" else 8 << 20)
    assert str(raised.value).startswith(NAME)
