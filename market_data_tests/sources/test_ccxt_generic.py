"""Any other exchange, by configuration alone: its trades are complete, or the day is refused and says why.

`binanceus` stands for it: CCXT's own module for it speaks Binance's protocol, and nothing of ours knows it.
"""

from pathlib import Path

import numpy as np
import pytest

from market_data.domain.errors import NotAvailable
from market_data.sources.ccxt import Ccxt
from market_data.sources.ccxt.exchange_facts import TRAITS
from market_data_tests.sources.ccxt_case import DAY, brought, decoded, request, rows, source
from market_data_tests.vendors.ccxt_exchange import CcxtExchange, html
from market_data_tests.vendors.ccxt_truth import Truth, truth

BARS = request("vendor_candles")


def _source(served: CcxtExchange, tmp_path: Path, size: int = 1_000) -> Ccxt:
    return source("binanceus", served.base_url, tmp_path / "shared", page_size=size)


def test_nothing_of_ours_knows_the_exchange() -> None:
    assert "binanceus" not in TRAITS


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_day_is_the_truth(tmp_path: Path, workdir: Path, seed: int) -> None:
    traded = truth(DAY, 3_000, seed)
    with CcxtExchange(traded) as served:
        vendor = _source(served, tmp_path)
        served.fail("aggTrades", html, skip=2)
        files = brought(vendor, workdir)
        assert rows(decoded(vendor, files)) == traded.of_the_day("binance")
        assert vendor.verify(request(), [file.path for file in files])


@pytest.mark.parametrize(
    ("traded", "size", "words"),
    [
        pytest.param(truth(DAY, 40, quiet_hours=3), 500, "nothing comes after", id="an hour without an answer"),
        pytest.param(truth(DAY, 300, around=0), 500, "begins with a trade of before the day", id="nothing before"),
        pytest.param(truth(DAY, 3_000), 2, "nothing comes after the trade", id="a page in one ms"),
    ],
)
def test_what_is_not_proved_is_refused_with_what_to_do(
    tmp_path: Path, workdir: Path, traded: Truth, size: int, words: str
) -> None:
    with CcxtExchange(traded) as served, pytest.raises(NotAvailable, match=words) as raised:
        brought(_source(served, tmp_path, size), workdir)
    assert "take its candles alone" in str(raised.value)


def test_an_exchange_that_gives_the_last_of_a_window_is_refused(tmp_path: Path, workdir: Path) -> None:
    with CcxtExchange(truth(DAY, 3_000)) as served:
        served.market.windows_give_last = True
        with pytest.raises(NotAvailable, match="does not prove that its trades are complete"):
            brought(_source(served, tmp_path, 20), workdir)


def test_candles_alone_are_a_feed(ccxt_exchange: CcxtExchange, tmp_path: Path, workdir: Path) -> None:
    vendor = _source(ccxt_exchange, tmp_path)
    (read, _) = decoded(vendor, brought(vendor, workdir, BARS), BARS)
    assert read.frame.height == 1_440
    assert np.diff(read.frame["ts_open"].to_numpy()).tolist() == [60_000_000_000] * 1_439
    assert not read.faults
