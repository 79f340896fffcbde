"""An exchange that misbehaves: what is mended within the fetch, what is said, what is kept, what is asked for next."""

import re
import sqlite3
from pathlib import Path

import pytest

from market_data.domain.errors import MarketDataError, NotAvailable, VendorRefused, VendorUnavailable
from market_data.sources.ccxt import Ccxt
from market_data.sources.ccxt.book import Book, frames
from market_data.vendor_access.timeouts import Patience
from market_data_tests.sources.ccxt_case import ENDPOINT, EXCHANGES, brought, decoded, request, rows, source
from market_data_tests.vendors.ccxt_exchange import CcxtExchange, html, status
from market_data_tests.vendors.faults import Fault, body, cut_off, reset, stall

PASSING: dict[str, Fault] = {
    "HTML with 200": html,
    "JSON of another form": body(b'{"hello": ["world"]}'),
    "a list of nothing known": body(b"[[], 1, null]"),
    "a text": body(b"maintenance"),
    "nothing": body(b""),
    "cut off": cut_off(300),
    "cut off, no length announced": cut_off(300, announced=False),
    "a reset in mid page": reset(300),
    "a reset at once": reset(),
    "a stall": stall(100),
    "429": status(429),
    "429 that says how long": status(429, retry_after="0"),
    "418": status(418, retry_after="0"),
    "500": status(500, "<html>oops</html>"),
    "500 in JSON": status(500, '{"error": "INTERNAL", "message": "oops"}'),
    "503": status(503, ""),
    "520": status(520),
    "Kraken's refusal with 200": body(b'{"error": ["EAPI:Rate limit exceeded"]}'),
}

OWN_WAYS = ("HTML with 200", "JSON of another form", "a list of nothing known", "429", "500 in JSON")
"""Faults that an exchange's own part of CCXT, or of ours, looks at."""


def _source(exchange: str, served: CcxtExchange, tmp_path: Path, size: int = 1_000) -> Ccxt:
    return source(exchange, served.base_url, tmp_path / "shared", page_size=size)


@pytest.mark.parametrize(
    ("exchange", "name"),
    [
        *(("binance", name) for name in PASSING),
        *((exchange, name) for exchange in EXCHANGES[1:] for name in OWN_WAYS),
        ("kraken", "Kraken's refusal with 200"),
    ],
)
def test_a_fault_that_passes_is_mended_within_the_fetch(
    ccxt_exchange: CcxtExchange, tmp_path: Path, workdir: Path, exchange: str, name: str
) -> None:
    # The second page of trades, after what it takes to find the first; and a repeated fault right after it.
    ccxt_exchange.fail(ENDPOINT[exchange], PASSING[name], times=2, skip=1)
    vendor = _source(exchange, ccxt_exchange, tmp_path)
    assert rows(decoded(vendor, brought(vendor, workdir))) == ccxt_exchange.market.truth.of_the_day(exchange)
    assert [seen.status for seen in ccxt_exchange.asked(ENDPOINT[exchange])]


@pytest.mark.parametrize(
    ("exchange", "nothing", "size", "skip"),
    [
        *(("binance", b"[]", 250, skip) for skip in range(12)),
        *(("coinbaseexchange", b"[]", 250, skip) for skip in range(12)),
        # A first window without a trade is a day without one: nothing says otherwise.
        *(("coinbase", b'{"trades": []}', 1_000, skip) for skip in range(1, 5)),
    ],
)
def test_an_empty_answer_in_mid_walk_is_not_the_end(
    ccxt_exchange: CcxtExchange, tmp_path: Path, workdir: Path, exchange: str, nothing: bytes, size: int, skip: int
) -> None:
    vendor = _source(exchange, ccxt_exchange, tmp_path, size)
    ccxt_exchange.fail(ENDPOINT[exchange], body(nothing), skip=skip)
    assert rows(decoded(vendor, brought(vendor, workdir))) == ccxt_exchange.market.truth.of_the_day(exchange)


@pytest.mark.parametrize("exchange", ["binance", "coinbaseexchange"])
def test_an_answer_of_another_place_is_no_hole(
    ccxt_exchange: CcxtExchange, tmp_path: Path, workdir: Path, exchange: str
) -> None:
    """What a cache may give: a page of further on than the one that was asked for."""
    endpoint, vendor = ENDPOINT[exchange], _source(exchange, ccxt_exchange, tmp_path, 250)
    brought(vendor, workdir)
    book = workdir / "pages-of-trades.jsonl.zst"
    pages = [start for start, _, _ in frames(book)]
    Book(book).cut(pages[2])
    ccxt_exchange.fail(endpoint, ccxt_exchange.repeated(endpoint))
    assert rows(decoded(vendor, brought(vendor, workdir))) == ccxt_exchange.market.truth.of_the_day(exchange)


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_page_that_comes_twice_is_not_taken_for_the_next(
    ccxt_exchange: CcxtExchange, tmp_path: Path, workdir: Path, exchange: str
) -> None:
    endpoint = ENDPOINT[exchange]
    for skip in (1, 2, 3):
        ccxt_exchange.fail(endpoint, ccxt_exchange.repeated(endpoint), skip=skip)
    vendor = _source(exchange, ccxt_exchange, tmp_path, 700 if exchange != "coinbase" else 1_000)
    files = brought(vendor, workdir)
    assert rows(decoded(vendor, files)) == ccxt_exchange.market.truth.of_the_day(exchange)


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_storm_of_refusals_is_sat_out(
    ccxt_exchange: CcxtExchange, tmp_path: Path, workdir: Path, exchange: str
) -> None:
    for skip in range(3):
        ccxt_exchange.fail(ENDPOINT[exchange], status(429, retry_after="0"), times=2, skip=skip)
        ccxt_exchange.fail(ENDPOINT[exchange], status(429), times=1, skip=skip)
    vendor = source(exchange, ccxt_exchange.base_url, tmp_path / "shared", Patience(40, 0.001, 0.001), page_size=1_000)
    assert rows(decoded(vendor, brought(vendor, workdir))) == ccxt_exchange.market.truth.of_the_day(exchange)


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (html, VendorUnavailable, "the answer is no JSON: '<!DOCTYPE html>"),
        (status(500, "<html>oops</html>"), VendorUnavailable, "ExchangeNotAvailable"),
        (status(500), VendorUnavailable, "ExchangeError"),
        (status(429), VendorUnavailable, "DDoSProtection"),
        (status(418, retry_after="86400"), VendorUnavailable, "Retry-After: 86400"),
        (reset(), VendorUnavailable, "NetworkError"),
        (stall(), VendorUnavailable, "RequestTimeout"),
        (status(451, "<html>no</html>"), VendorRefused, "does not serve this place"),
        (status(401, '{"code": -2014, "msg": "API-key format invalid."}'), VendorRefused, "look at the keys"),
        (status(400, '{"code": -1121, "msg": "Invalid symbol."}'), NotAvailable, "BadSymbol"),
        (status(400, '{"code": -1100, "msg": "Illegal characters."}'), VendorRefused, "BadRequest"),
    ],
)
def test_a_page_that_fails_for_good_is_told_and_what_came_is_kept(
    ccxt_exchange: CcxtExchange,
    tmp_path: Path,
    workdir: Path,
    fault: Fault,
    error: type[MarketDataError],
    words: str,
) -> None:
    vendor = _source("binance", ccxt_exchange, tmp_path, 500)
    ccxt_exchange.fail("aggTrades", fault, times=50, skip=5)  # three pages after two that find the first
    with pytest.raises(error, match=re.escape(words)) as raised:
        brought(vendor, workdir)
    told = str(raised.value)
    assert type(raised.value) is error
    assert re.search(r"feed/trades BTC-USDT 2024-03-04: page 4 failed at 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC", told)
    assert "publicGetAggTrades(symbol=BTCUSDT, fromId=" in told
    if error is VendorUnavailable:
        assert f"tries: {1 if 'Retry-After: 86400' in told else 4}" in told
    assert "The 3 pages before it are kept for the next try" in told
    ccxt_exchange.recover()
    asked = len(ccxt_exchange.asked("aggTrades"))
    files = brought(vendor, workdir)
    assert rows(decoded(vendor, files)) == ccxt_exchange.market.truth.of_the_day("binance")
    pages = vendor.notes(request(), files)["pages"]["trades.jsonl.zst"]["pages"]
    assert len(ccxt_exchange.asked("aggTrades")) - asked == pages - 3


def test_an_exchange_that_is_down_is_left_alone_by_all(
    ccxt_exchange: CcxtExchange, tmp_path: Path, workdir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ccxt_exchange.fail("", status(503), times=1_000)
    for _ in range(2):
        with pytest.raises(VendorUnavailable):
            brought(_source("binance", ccxt_exchange, tmp_path), workdir)
    asked = len(ccxt_exchange.requests)
    with pytest.raises(VendorUnavailable, match="binance is not asked before"):
        brought(_source("binance", ccxt_exchange, tmp_path), workdir)
    assert len(ccxt_exchange.requests) == asked
    assert "circuit open" in caplog.text
    with pytest.raises(VendorUnavailable, match="503"):  # another exchange has a circuit of its own
        brought(_source("kraken", ccxt_exchange, tmp_path), workdir)


@pytest.mark.parametrize(("exchange", "endpoint"), [("binance", "exchangeInfo"), ("kraken", "AssetPairs")])
@pytest.mark.parametrize("name", ["HTML with 200", "500", "429", "a reset at once"])
def test_markets_that_do_not_come_at_once_are_asked_for_again(
    ccxt_exchange: CcxtExchange, tmp_path: Path, workdir: Path, exchange: str, endpoint: str, name: str
) -> None:
    ccxt_exchange.fail(endpoint, PASSING[name], times=2)
    (market,) = brought(_source(exchange, ccxt_exchange, tmp_path), workdir, request("instruments"))
    assert market.size_bytes > 0
    assert len(ccxt_exchange.asked(endpoint)) == 3


def test_markets_of_another_form_are_no_verdict_on_the_symbol(
    ccxt_exchange: CcxtExchange, tmp_path: Path, workdir: Path
) -> None:
    vendor = _source("binance", ccxt_exchange, tmp_path)
    for content in (b'{"hello": 1}', b"[[1]]", b'{"symbols": 7}'):
        ccxt_exchange.fail("exchangeInfo", body(content), times=1)
        with pytest.raises(VendorUnavailable):
            brought(vendor, workdir, request("instruments"))
    assert brought(vendor, workdir, request("instruments"))


def test_requests_count_by_their_weights_against_one_limit_of_all_feeds(
    ccxt_exchange: CcxtExchange, tmp_path: Path
) -> None:
    rates = ({"weight": 10_000, "seconds": 1_800.0}, {"weight": 20_000, "seconds": 3_600.0})
    for name in ("one", "another"):
        (tmp_path / name).mkdir()
        brought(source("binance", ccxt_exchange.base_url, tmp_path / "shared", rates=rates), tmp_path / name)
    asked = {name: len(ccxt_exchange.asked(name)) for name in ("exchangeInfo", "aggTrades")}
    assert asked["exchangeInfo"] == 2
    with sqlite3.connect(tmp_path / "shared" / "binance" / "limits.db") as database:
        (table,) = next(database.execute("SELECT name FROM sqlite_master WHERE type = 'table'"))
        ((counted,),) = database.execute(f"SELECT count(*) FROM {table}").fetchall()
    database.close()
    assert counted == 20 * asked["exchangeInfo"] + 4 * asked["aggTrades"]


def test_a_market_of_another_page_size_begins_the_walk_anew(
    ccxt_exchange: CcxtExchange, tmp_path: Path, workdir: Path
) -> None:
    ccxt_exchange.fail("Trades", status(500), times=9, skip=3)
    with pytest.raises(VendorUnavailable):
        brought(_source("kraken", ccxt_exchange, tmp_path, 300), workdir)
    ccxt_exchange.recover()
    vendor = _source("kraken", ccxt_exchange, tmp_path, 400)
    files = brought(vendor, workdir)
    assert rows(decoded(vendor, files)) == ccxt_exchange.market.truth.of_the_day("kraken")
    assert vendor.verify(request(), [file.path for file in files])
