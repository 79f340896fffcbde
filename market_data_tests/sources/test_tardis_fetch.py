"""Tardis' files and instruments over HTTP: whole or refused, resumed, with or without a key; landed ones likewise."""

import datetime as dt
import gzip
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from market_data.domain.errors import (
    BadFile,
    ConfigurationError,
    DamagedDownload,
    MarketDataError,
    NotAvailable,
    NotYetAvailable,
    VendorRefused,
    VendorUnavailable,
)
from market_data.domain.ports.source import Batch
from market_data_tests.fetching import at
from market_data_tests.sources.binance_case import frame, landed, left
from market_data_tests.sources.tardis_case import DAY, EXCHANGE, NAME, PAID_DAY, SYMBOL, request, source, written
from market_data_tests.vendors import tardis_files as files
from market_data_tests.vendors.faults import Answer, Fault, body, cut_off, drop_header, reset, stall, together
from market_data_tests.vendors.tardis_archive import KEY, TardisArchive, status, tardis_archive

__all__ = ["tardis_archive"]

ROWS = 5_000
PATH = files.path_of(EXCHANGE, "trades", DAY, SYMBOL)


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TARDIS_API_KEY", raising=False)


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TARDIS_API_KEY", KEY)


@pytest.fixture
def trades(tardis_archive: TardisArchive) -> TardisArchive:
    """An archive with a day of trades, of a size that faults can cut."""
    for day in (DAY, PAID_DAY):
        lines = files.trade_lines(day, ROWS)
        files.write(tardis_archive.root, EXCHANGE, "trades", day, SYMBOL, lines)
    assert (tardis_archive.root / PATH).stat().st_size > 40_000
    return tardis_archive


def fetched(archive: TardisArchive, workdir: Path, table: str = "trades", **wanted: Any) -> list[Batch]:
    vendor = source(archive.base_url, workdir.parent / "shared")
    asked = request(table, **wanted)
    return list(vendor.decode(asked, landed(vendor.fetch(asked, at(workdir)))))


def test_the_first_day_of_a_month_needs_no_key(trades: TardisArchive, workdir: Path) -> None:
    vendor = source(trades.base_url, workdir.parent / "shared")
    (file,) = vendor.fetch(request(), at(workdir))
    assert (file.name, file.origin, left(workdir)) == (NAME, f"{trades.base_url}/{PATH}", [NAME])
    (seen,) = trades.requests
    assert (seen.target, seen.headers.get("authorization"), seen.headers["accept-encoding"]) == (
        f"/{PATH}",
        None,
        "gzip",
    )
    assert file.path.read_bytes() == (trades.root / PATH).read_bytes()


def test_another_day_without_a_key_is_said_before_anything_is_asked(trades: TardisArchive, workdir: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"TARDIS_API_KEY is not set .* only the first day of each month"):
        fetched(trades, workdir, day=PAID_DAY)
    assert trades.requests == []


@pytest.mark.usefixtures("key")
def test_another_day_comes_with_the_key(trades: TardisArchive, workdir: Path) -> None:
    assert frame(fetched(trades, workdir, day=PAID_DAY)).height == ROWS
    assert [seen.headers["authorization"] for seen in trades.requests] == [f"Bearer {KEY}"]


@pytest.mark.parametrize("wrong", ["TD.wrong\n", "with blank", "schlüssel"])
def test_a_key_that_cannot_be_one_is_said_without_it(
    trades: TardisArchive, workdir: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.setenv("TARDIS_API_KEY", wrong)
    with pytest.raises(ConfigurationError, match="TARDIS_API_KEY") as raised:
        fetched(trades, workdir)
    assert wrong.strip() not in str(raised.value)


def test_the_key_is_in_no_error_log_or_origin(
    trades: TardisArchive, workdir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TARDIS_API_KEY", "TD.secret-but-wrong")
    caplog.set_level(logging.DEBUG)
    with pytest.raises(VendorRefused, match="401 Unauthorized; check that TARDIS_API_KEY is right") as raised:
        fetched(trades, workdir, day=PAID_DAY)
    told = f"{raised.value} {raised.value!r} {raised.value.__cause__} {caplog.text}"
    assert "secret" not in told
    assert len(trades.requests) == 1


@pytest.mark.usefixtures("key")
def test_the_key_goes_to_no_other_host(trades: TardisArchive, workdir: Path, tmp_path: Path) -> None:
    with TardisArchive(trades.root) as mirror:

        def elsewhere(answer: Answer) -> None:
            answer.status, answer.headers = 302, {"Location": f"{mirror.base_url}/{PATH}"}

        trades.fail(PATH, elsewhere)
        assert frame(fetched(trades, workdir)).height == ROWS
        (seen,) = mirror.requests
        assert "authorization" not in seen.headers


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


def test_a_users_file_is_taken_whatever_it_is_called(tmp_path: Path) -> None:
    path = written(tmp_path, "trades", files.trade_lines(DAY, 10))
    (file,) = source().verify(request(), [path])
    assert (file.path, file.name) == (path, NAME)
    assert path.exists()


@pytest.mark.parametrize(
    ("data_type", "lines", "words"),
    [
        ("quotes", [], "is no trades: it has no column id, side, price, amount"),
        ("trades", files.trade_lines(PAID_DAY, 1), "holds a record of 2024-03-04, not of 2024-03-01"),
        ("trades", [*files.trade_lines(DAY, 9), *files.trade_lines(PAID_DAY, 1)], "holds a record of 2024-03-04"),
        ("trades", files.trade_lines(DAY, 9, symbol="ETHUSD"), "holds a record of bitmex ETHUSD, not of bitmex XBTUSD"),
        ("trades", files.trade_lines(DAY, 9, exchange="deribit"), "holds a record of deribit XBTUSD"),
    ],
)
def test_a_users_file_of_something_else_is_refused(
    tmp_path: Path, data_type: str, lines: list[str], words: str
) -> None:
    path = written(tmp_path, data_type, lines)
    with pytest.raises(BadFile, match=words):
        source().verify(request(), [path])


def test_a_users_file_that_is_damaged_absent_or_one_of_two_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "trades", files.trade_lines(DAY, 10))
    with pytest.raises(BadFile, match="expected one file"):
        source().verify(request(), [path, path])
    with pytest.raises(BadFile, match="is no file"):
        source().verify(request(), [tmp_path / "none"])
    with pytest.raises(BadFile, match="are fetched, not landed"):
        source().verify(request("instruments"), [path])
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(BadFile, match=r"XBTUSD\.csv\.gz is no whole gzip file"):
        source().verify(request(), [path])


def instruments(archive: TardisArchive, workdir: Path, exchange: str = EXCHANGE, **wanted: Any) -> list[dict[str, Any]]:
    vendor = source(archive.base_url, workdir.parent / "shared", exchange=exchange)
    asked = request("instruments", **wanted)
    batches = list(vendor.decode(asked, landed(vendor.fetch(asked, at(workdir)))))
    return [row for batch in batches for row in batch.frame.rows(named=True)]


@pytest.mark.parametrize(
    ("day", "tick", "lot"),
    [
        (dt.date(2020, 3, 1), "0.5", "1"),
        (dt.date(2021, 6, 8), "0.5", "1"),
        (dt.date(2021, 6, 9), "0.5", "100"),
        (dt.date(2024, 8, 1), "0.1", "100"),
    ],
)
def test_an_instrument_has_the_steps_that_held_on_its_day(
    tardis_archive: TardisArchive, workdir: Path, day: dt.date, tick: str, lot: str
) -> None:
    files.write_api(tardis_archive.root, "instruments/bitmex/XBTUSD", files.instrument())
    (row,) = instruments(tardis_archive, workdir, day=day)
    assert (str(row["tick_size"].normalize()), str(row["lot_size"].to_integral())) == (tick, lot)
    assert (row["instrument_id"], row["kind"], row["base"], row["quote"]) == ("XBTUSD", "perpetual", "BTC", "USD")
    assert (row["contract_size"], row["contract_type"], row["expiry"]) == (1, "inverse_perpetual", None)
    assert row["available_since"] == 1_553_904_000_000_000_000


@pytest.mark.usefixtures("key")
def test_a_symbol_for_all_of_a_type_gives_those_that_were_there(tardis_archive: TardisArchive, workdir: Path) -> None:
    option = {"type": "option", "optionType": "call", "strikePrice": 9_000, "expiry": "2024-03-29T08:00:00.000Z"}
    answer = [
        files.instrument(id="A", **option),
        files.instrument(id="B", **option, availableTo="2024-02-29T08:00:00.000Z"),
        files.instrument(id="C", **option, availableSince="2024-03-02T00:00:00.000Z"),
    ]
    files.write_api(tardis_archive.root, "instruments/deribit", answer)
    rows = instruments(tardis_archive, workdir, "deribit", vendor_symbol="OPTIONS")
    assert [(row["instrument_id"], row["kind"], row["option_type"], row["strike"]) for row in rows] == [
        ("A", "option", "call", 9_000)
    ]
    assert rows[0]["expiry"] == 1_711_699_200_000_000_000
    assert tardis_archive.requests[0].target == "/v1/instruments/deribit?filter=%7B%22type%22%3A%22option%22%7D"


def test_without_a_key_an_instruments_kind_comes_from_the_exchanges_list(
    tardis_archive: TardisArchive, workdir: Path
) -> None:
    listed = [
        {"id": "BTC-PERPETUAL", "type": "perpetual", "availableSince": "2019-03-30T00:00:00.000Z"},
        {"id": "BTC-PS", "type": "combo", "availableSince": "2019-03-30T00:00:00.000Z"},
    ]
    files.write_api(tardis_archive.root, "exchanges/deribit", files.exchange(listed))
    for symbol, kind in (("BTC-PERPETUAL", "perpetual"), ("BTC-PS", "spread")):
        (row,) = instruments(tardis_archive, workdir, "deribit", vendor_symbol=symbol)
        assert (row["instrument_id"], row["kind"], row["tick_size"], row["base"]) == (symbol, kind, None, None)
    assert [seen.target for seen in tardis_archive.requests] == ["/v1/exchanges/deribit"]
    with pytest.raises(NotAvailable, match="Tardis' list of deribit has no ETH-PERPETUAL"):
        instruments(tardis_archive, workdir, "deribit", vendor_symbol="ETH-PERPETUAL")


def test_an_answer_of_the_api_that_is_no_json_is_not_kept(tardis_archive: TardisArchive, workdir: Path) -> None:
    files.write_api(tardis_archive.root, "instruments/bitmex/XBTUSD", files.instrument())
    tardis_archive.fail("instruments/bitmex/XBTUSD", body(b"<html>maintenance</html>"), times=2)
    with pytest.raises(DamagedDownload, match="is no JSON"):
        instruments(tardis_archive, workdir)
    assert left(workdir) == []
    assert len(instruments(tardis_archive, workdir)) == 1


def test_an_instrument_with_a_step_that_does_not_fit_is_a_fault(tardis_archive: TardisArchive, workdir: Path) -> None:
    answer = files.instrument(priceIncrement=1e-12, changes=[])
    files.write_api(tardis_archive.root, "instruments/bitmex/XBTUSD", answer)
    vendor = source(tardis_archive.base_url, workdir.parent / "shared")
    asked = request("instruments")
    (batch,) = vendor.decode(asked, landed(vendor.fetch(asked, at(workdir))))
    assert [fault.reason for fault in batch.faults] == ["priceIncrement does not fit: '1E-12'"]
    assert json.loads(json.dumps(dict(batch.original(0)), default=str))["id"] == "XBTUSD"
