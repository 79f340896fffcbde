"""Landed files: what a user brings from elsewhere is walked again; what cannot be a row goes where it belongs."""

import json
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
import zstandard

from market_data.domain.errors import BadFile
from market_data.domain.ports.source import Fetched
from market_data.sources.ccxt.book import Book, frames
from market_data_tests.fetching import landed
from market_data_tests.sources.ccxt_case import EXCHANGES, brought, decoded, request, source
from market_data_tests.vendors.ccxt_exchange import CcxtExchange


def _pages(path: Path) -> list[bytes]:
    return [page for _, _, page in frames(path)]


def _write(path: Path, pages: list[bytes]) -> None:
    path.unlink()
    for page in pages:
        Book(path).append(page)


WRONG: dict[str, tuple[Callable[[list[bytes]], list[bytes]], str]] = {
    "the last page is missing": (lambda pages: pages[:-1], "page of|ends before the day|holds"),
    "the first page is missing": (lambda pages: pages[1:], "page of|ends before the day|holds|begin before"),
    "a page in the middle is missing": (lambda pages: [*pages[:1], *pages[2:]], "page of"),
    "a page is there twice": (lambda pages: [*pages[:2], *pages[1:]], "page of"),
    "no pages": (lambda _: [b""], "no page of a fetch"),
    "another's lines": (lambda pages: [b'{"a": 1}\n', *pages], "no page of a fetch"),
}


@pytest.mark.parametrize("exchange", EXCHANGES[:3])
@pytest.mark.parametrize("wrong", WRONG)
def test_pages_that_do_not_lead_through_the_day_are_refused(
    ccxt_exchange: CcxtExchange, tmp_path: Path, workdir: Path, exchange: str, wrong: str
) -> None:
    vendor = source(exchange, ccxt_exchange.base_url, tmp_path / "shared", page_size=700)
    files = [file.path for file in brought(vendor, workdir)]
    assert [file.name for file in vendor.verify(request(), files)] == ["trades.jsonl.zst", "facts.json"]
    change, words = WRONG[wrong]
    _write(files[0], change(_pages(files[0])))
    with pytest.raises(BadFile, match=words):
        vendor.verify(request(), files)


def test_facts_that_do_not_fit_are_refused(ccxt_exchange: CcxtExchange, tmp_path: Path, workdir: Path) -> None:
    vendor = source("kraken", ccxt_exchange.base_url, tmp_path / "shared")
    pages, facts = (file.path for file in brought(vendor, workdir))
    with pytest.raises(BadFile, match=r"expected facts\.json beside"):
        vendor.verify(request(), [pages])
    with pytest.raises(BadFile, match="is no file of vendor_candles"):
        vendor.verify(request("vendor_candles"), [pages, facts])
    with pytest.raises(BadFile, match="is of kraken BTC/USDT"):
        vendor.verify(request(vendor_symbol="ETH/USDT"), [pages, facts])
    content = json.loads(facts.read_text())
    content["files"]["trades.jsonl.zst"]["of_the_day"] += 1
    facts.write_text(json.dumps(content))
    with pytest.raises(BadFile, match="holds Tally"):
        vendor.verify(request(), [pages, facts])
    facts.write_text("{}")
    with pytest.raises(BadFile, match="does not tell of pages"):
        vendor.verify(request(), [pages, facts])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html>", "no zstd"),
        (zstandard.compress(b"x" * 5_000)[:-3], "cut short|damaged"),
        (zstandard.compress(b"\0" * (300 << 20)), "unpacks to more than"),
    ],
    ids=["html", "cut short", "a bomb"],
)
def test_a_landed_file_that_is_none_is_refused_when_decoded(
    ccxt_exchange: CcxtExchange, tmp_path: Path, workdir: Path, content: bytes, words: str
) -> None:
    vendor = source("kraken", ccxt_exchange.base_url, tmp_path / "shared")
    files = brought(vendor, workdir)
    files[0].path.write_bytes(content)
    with pytest.raises(BadFile, match=words) as raised:
        decoded(vendor, files)
    assert str(raised.value).startswith("trades.jsonl.zst")


def test_records_that_are_no_rows_are_faults_with_their_originals(
    ccxt_exchange: CcxtExchange, tmp_path: Path, workdir: Path
) -> None:
    vendor = source("binance", ccxt_exchange.base_url, tmp_path / "shared")
    files = brought(vendor, workdir)
    pages = _pages(files[0].path)
    head, _, answer = pages[0].decode().partition('"response": ')
    records = json.loads(answer[:-2])
    for row, change in enumerate(
        ({}, {"p": "0.1234567891"}, {"q": None}, {"m": "maybe"}, {"p": 7}, {"p": [1]}, {"q": "1e-3"}, {"p": 1.25e2}),
        start=1,
    ):
        records[row] |= change
    pages[0] = f'{head}"response": {json.dumps(records)}}}\n'.encode()
    _write(files[0].path, pages)
    first = decoded(vendor, files)[0]
    assert [(fault.row, fault.rule) for fault in first.faults] == [
        (1, "price_is_readable"),
        (2, "size_is_there"),
        (3, "side_is_readable"),
        (5, "price_is_readable"),
    ]
    assert first.original(1)["p"] == "0.1234567891"
    assert first.frame["price"][4] == Decimal(7)
    assert first.frame["size"][6] == Decimal("0.001")
    assert first.frame["price"][7] == Decimal("125.0")


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_an_instrument_is_what_ccxt_tells_of_the_market(
    ccxt_exchange: CcxtExchange, tmp_path: Path, workdir: Path, exchange: str
) -> None:
    vendor, wanted = source(exchange, ccxt_exchange.base_url, tmp_path / "shared"), request("instruments")
    files = brought(vendor, workdir, wanted)
    assert [file.name for file in files] == ["market.json"]
    (read,) = decoded(vendor, files, wanted)
    row = read.frame.row(0, named=True)
    assert (row["instrument_id"], row["base"], row["quote"], row["kind"]) == ("BTC/USDT", "BTC", "USDT", "spot")
    assert row["tick_size"] == Decimal("0.01")
    assert row["lot_size"] == Decimal("0.00001" if exchange == "binance" else "0.00000001")
    assert row["active"] is True
    assert row["taker_fee"] > 0
    if exchange == "kraken":
        assert (row["min_size"], row["min_cost"], row["maker_fee"]) == (
            Decimal("0.0001"),
            Decimal("0.5"),
            Decimal("0.0025"),
        )
    shutil.copy(files[0].path, tmp_path / "market.json")
    assert vendor.verify(wanted, [tmp_path / "market.json"])
    (tmp_path / "market.json").write_text("[]")
    with pytest.raises(BadFile, match="no market of CCXT"):
        vendor.verify(wanted, [tmp_path / "market.json"])
    again = landed([Fetched(files[0].path, "market.json", "here")])
    assert decoded(vendor, again, wanted)[0].frame.equals(read.frame)
