"""What a `ccxt` feed may be configured as, what it is told otherwise, and that its secrets stay where they are."""

import logging
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from market_data.domain.errors import ConfigurationError, MarketDataError, NotAvailable
from market_data.sources.ccxt import Ccxt
from market_data.sources.ccxt.exchange_facts import TRAITS
from market_data.sources.ccxt.options import CcxtOptions
from market_data.sources.ccxt.session import Session
from market_data_tests.feeds import settings_of
from market_data_tests.sources.ccxt_case import EXCHANGES, QUICK, SYMBOL, brought, request, source
from market_data_tests.vendors.ccxt_exchange import CcxtExchange, status


def _stanza(**options: Any) -> dict[str, dict[str, Any]]:
    feed = {"source": "ccxt", "symbols": {"BTC-USDT": SYMBOL}, "tables": ["vendor_candles"], "start": "2024-03-04"}
    return {"btc": {**feed, "options": options}}


@pytest.mark.parametrize("exchange", [*EXCHANGES, "bitstamp", "okx"])
def test_an_exchange_of_ccxt_is_a_feed(tmp_path: Path, exchange: str) -> None:
    options = settings_of(tmp_path, _stanza(exchange=exchange)).feeds["btc"].options
    assert isinstance(options, CcxtOptions)
    assert options.exchange == exchange


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "exchange"),
        ({"exchange": "binanse"}, "expected CCXT's id of an exchange, such as binance"),
        ({"exchange": "base/exchange"}, "expected CCXT's id"),
        ({"exchange": "binance", "base_url": "ftp://x"}, "http:// or https://"),
        ({"exchange": "binance", "base_url": "https://me:word@x"}, "no user, password"),
        ({"exchange": "binance", "urls": {"public": "x"}}, "http:// or https://"),
        ({"exchange": "binance", "candles": ["1w"]}, "1d"),
        ({"exchange": "binance", "candles": ["1m", "1m"]}, "each timeframe once"),
        ({"exchange": "binance", "rates": [{"weight": 0, "seconds": 1}]}, "weight"),
        ({"exchange": "binance", "api_key": "k"}, "api_key"),
    ],
)
def test_what_is_wrong_is_said_when_the_feed_is_read(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(words)):
        settings_of(tmp_path, _stanza(**options))


@pytest.mark.parametrize("symbol", ["BTCUSDT", "/USDT", "BTC/", " BTC/USDT", ""])
def test_a_symbol_that_is_not_unified_is_refused(tmp_path: Path, symbol: str) -> None:
    with pytest.raises(ConfigurationError, match="no unified symbol"):
        Ccxt(CcxtOptions(exchange="binance"), {"BTC-USDT": symbol}, tmp_path)


def test_configuring_a_feed_imports_no_ccxt() -> None:
    code = (
        "import sys; from market_data.sources import source; s = source('ccxt'); o = s.Options(exchange='kraken'); "
        "s(o, {'A': 'A/B'}, None); heavy = {'ccxt', 'polars', 'requests', 'dataframely', 'httpx', 'zstandard'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_table_of_exchanges_names_only_such_as_ccxt_has() -> None:
    assert [CcxtOptions(exchange=exchange).exchange for exchange in TRAITS] == list(TRAITS)


def _session(tmp_path: Path, **options: Any) -> Session:
    return Session(CcxtOptions(**options), [SYMBOL], QUICK, tmp_path)


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_the_client_checks_certificates_and_keeps_its_own_pace_and_time(tmp_path: Path, exchange: str) -> None:
    client = _session(tmp_path, exchange=exchange)._client
    assert (client.verify, client.validateServerSsl, client.enableRateLimit) == (True, True, True)
    assert client.timeout == 500
    assert Ccxt.patience.timeout_seconds == 30


def test_addresses_are_the_clients_own_unless_they_are_configured(tmp_path: Path) -> None:
    given = {"base_url": "http://127.0.0.1:9/mirror", "urls": {"public": "http://127.0.0.1:8/v3"}}
    api = _session(tmp_path, exchange="binance", **given)._client.urls["api"]
    assert api["public"] == "http://127.0.0.1:8/v3"
    assert api["fapiPublic"] == "http://127.0.0.1:9/mirror/fapi/v1"
    assert _session(tmp_path, exchange="coinbase")._client.urls["api"] == {"rest": "https://api.coinbase.com"}
    with pytest.raises(ConfigurationError, match="'publik' is none of"):
        _session(tmp_path, exchange="binance", urls={"publik": "http://x"})


def test_half_a_key_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCXT_KRAKEN_API_KEY", "a-key")
    with pytest.raises(ConfigurationError, match="CCXT_KRAKEN_SECRET is not set"):
        _session(tmp_path, exchange="kraken")


def test_keys_are_nowhere_to_be_read(
    ccxt_exchange: CcxtExchange,
    tmp_path: Path,
    workdir: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    key, secret = "key0of0no0account", "secret0of0no0account"  # pragma: allowlist secret
    monkeypatch.setenv("CCXT_BINANCE_API_KEY", key)
    monkeypatch.setenv("CCXT_BINANCE_SECRET", secret)
    caplog.set_level(logging.DEBUG)
    vendor = source("binance", ccxt_exchange.base_url, tmp_path / "shared", page_size=1_000)
    ccxt_exchange.fail("aggTrades", status(500, f"<html>{key} {secret}</html>"))
    brought(vendor, workdir)
    ccxt_exchange.fail("aggTrades", status(400, f'{{"code": -1, "msg": "{key} {secret}"}}'), times=9)
    with pytest.raises(MarketDataError) as raised:
        brought(vendor, tmp_path)
    assert "<apiKey> <secret>" in str(raised.value)
    told = [str(raised.value), repr(vendor), repr(vendor._session), caplog.text]
    told += [str(error) for error in (raised.value.__cause__, raised.value.__context__)]
    told += [path.read_bytes().decode("latin1") for path in tmp_path.rglob("*") if path.is_file()]
    assert not [text for text in told if key in text or secret in text]


def test_a_symbol_that_the_exchange_does_not_have_is_said(
    ccxt_exchange: CcxtExchange, tmp_path: Path, workdir: Path
) -> None:
    vendor = source("binance", ccxt_exchange.base_url, tmp_path / "shared")
    with pytest.raises(NotAvailable, match="symbols are written as CCXT writes them"):
        brought(vendor, workdir, request(vendor_symbol="BTC/USDC"))
