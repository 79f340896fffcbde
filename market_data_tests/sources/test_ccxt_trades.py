"""A day of trades, page by page, from each exchange: exactly what was traded, whatever lies at the edges."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from market_data.domain.errors import NotAvailable, NotYetAvailable
from market_data_tests.sources.ccxt_case import (
    DAY,
    ENDPOINT,
    EXCHANGES,
    Patience,
    brought,
    decoded,
    request,
    rows,
    source,
)
from market_data_tests.vendors.ccxt_exchange import CcxtExchange
from market_data_tests.vendors.ccxt_truth import Truth, truth

SIZES = {"binance": 100, "kraken": 100, "coinbaseexchange": 100, "coinbase": 1_000}
"""Coinbase Advanced cannot part the trades of one second, so its page has to hold them."""


def _day_of(traded: Truth, exchange: str, folder: Path, **changes: Any) -> list[tuple[Any, ...]]:
    (folder / "workdir").mkdir(parents=True)
    with CcxtExchange(traded) as served:
        for name, value in changes.items():
            setattr(served.market, name, value)
        vendor = source(exchange, served.base_url, folder / "shared", page_size=SIZES[exchange])
        files = brought(vendor, folder / "workdir")
        return rows(decoded(vendor, files))


@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_day_is_the_truth(tmp_path: Path, exchange: str, seed: int) -> None:
    traded = truth(DAY, 2_500, seed)
    assert np.diff(traded.ns).min() == 0, "some share a ns"
    assert np.diff(traded.id).max() > 1, "ids have holes"
    found = _day_of(traded, exchange, tmp_path)
    assert len(found) > 2_400
    assert found == traded.of_the_day(exchange)


@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize(
    "traded",
    [
        pytest.param(truth(DAY, 40, quiet_hours=23), id="silent until the last hour"),
        pytest.param(truth(DAY, 0), id="an empty day"),
        pytest.param(truth(DAY, 1), id="one trade"),
        pytest.param(truth(DAY, 300, around=0), id="nothing before and nothing after"),
        pytest.param(truth(DAY, 0, around=0), id="nothing ever"),
        pytest.param(truth(DAY, 200, around=200), id="two pages exactly"),
    ],
)
def test_a_day_at_its_edges_is_the_truth(tmp_path: Path, exchange: str, traded: Truth) -> None:
    assert _day_of(traded, exchange, tmp_path) == traded.of_the_day(exchange)


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_an_exchange_that_gives_smaller_pages_than_asked_for_loses_nothing(tmp_path: Path, exchange: str) -> None:
    traded, largest = truth(DAY, 900, 3), 37 if exchange != "coinbase" else 500
    assert _day_of(traded, exchange, tmp_path, largest_page=largest) == traded.of_the_day(exchange)


def test_binances_first_id_is_found_though_a_window_ends_with_it(tmp_path: Path) -> None:
    traded = truth(DAY, 2_000, 4)
    assert _day_of(traded, "binance", tmp_path, windows_give_last=True) == traded.of_the_day("binance")


@pytest.mark.parametrize("seed", range(6))
def test_binances_first_id_is_proved_where_ids_have_holes_at_the_days_edge(tmp_path: Path, seed: int) -> None:
    traded = truth(DAY, 60, seed)
    holes = traded.id + np.arange(len(traded.id)) * 50
    holed = Truth(traded.day, holes, traded.ns, traded.price, traded.size, traded.buy)
    assert _day_of(holed, "binance", tmp_path) == holed.of_the_day("binance")


@pytest.mark.parametrize("exchange", ["coinbase", "kraken"])
def test_more_of_one_instant_than_a_page_holds_is_refused_and_not_cut(tmp_path: Path, exchange: str) -> None:
    traded = truth(DAY, 400, 5)
    ns = traded.ns.copy()
    ns[150:300] = ns[150]
    crowded = Truth(traded.day, traded.id, np.sort(ns), traded.price, traded.size, traded.buy)
    with pytest.raises(NotAvailable, match="fill a page"):
        _day_of(crowded, exchange, tmp_path, largest_page=100)


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_the_landed_pages_are_what_was_said_with_what_was_asked(
    ccxt_exchange: CcxtExchange, tmp_path: Path, workdir: Path, exchange: str
) -> None:
    from market_data.sources.ccxt import lines
    from market_data.sources.ccxt.book import frames

    vendor = source(exchange, ccxt_exchange.base_url, tmp_path / "shared", page_size=1_000)
    files = brought(vendor, workdir)
    assert [file.name for file in files] == ["trades.jsonl.zst", "facts.json"]
    stored = [lines.read(page) for _, _, page in frames(files[0].path)]
    for call, text in stored:
        asked = {name: str(value) for name, value in call.params.items()}
        seen = next(
            seen for seen in ccxt_exchange.asked(ENDPOINT[exchange]) if seen.form.items() <= asked.items() and seen.form
        )
        assert ccxt_exchange.answer(seen).body.decode() == text


def test_the_same_answers_land_as_the_same_bytes(ccxt_exchange: CcxtExchange, tmp_path: Path) -> None:
    digests: list[list[str]] = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        vendor = source("kraken", ccxt_exchange.base_url, tmp_path / "shared", page_size=300)
        digests.append([file.sha256 for file in brought(vendor, tmp_path / name)])
    assert digests[0] == digests[1]


@pytest.mark.parametrize("table", ["trades", "vendor_candles"])
def test_a_day_that_is_not_over_is_not_asked_for(
    ccxt_exchange: CcxtExchange, tmp_path: Path, workdir: Path, table: str
) -> None:
    vendor = source("binance", ccxt_exchange.base_url, tmp_path / "shared")
    vendor.now = lambda: dt.datetime(2024, 3, 5, 0, 4, 59, tzinfo=dt.UTC)
    with pytest.raises(NotYetAvailable, match="can be fetched from 2024-03-05 00:05 UTC on"):
        brought(vendor, workdir, request(table))
    assert ccxt_exchange.requests == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_day_of_a_million_trades_is_the_truth(tmp_path: Path, workdir: Path) -> None:
    import json
    import subprocess
    import sys

    command = [sys.executable, "-m", "market_data_tests.vendors.ccxt_exchange", DAY.isoformat(), "1000000", "9"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as served:
        assert served.stdout is not None
        address = json.loads(served.stdout.readline())
        vendor = source("binance", address, tmp_path / "shared", Patience())
        files = brought(vendor, workdir)
        served.communicate()
    assert rows(decoded(vendor, files)) == truth(DAY, 1_000_000, 9).of_the_day("binance")
