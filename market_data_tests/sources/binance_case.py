"""What the tests of `binance_vision` share: a day, a symbol, a source of little patience, and short ways to rows."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import polars as pl
import pytest

from market_data.domain.partition import Partition
from market_data.domain.ports.source import Batch, Fetched, Request
from market_data.sources.binance_vision import BinanceVision
from market_data.sources.binance_vision.options import BinanceVisionOptions
from market_data.vendor_access.timeouts import Patience
from market_data_tests.fetching import at, landed
from market_data_tests.vendors import binance_files as files

REAL = Path(__file__).parents[3] / "shared" / "data" / "binance-vision"
DAY = dt.date(2024, 3, 4)
SYMBOL = "BTCUSDT"
TRADES = files.trades_path(SYMBOL, DAY)
NAME = Path(TRADES).name
QUICK = Patience(attempts=3, first_wait_seconds=0.01, longest_wait_seconds=0.01, timeout_seconds=0.4)

real_data = pytest.mark.skipif(not REAL.exists(), reason=f"no real Binance files at {REAL}")


def source(base_url: str = "http://127.0.0.1:9", patience: Patience = QUICK, **options: Any) -> BinanceVision:
    made = BinanceVision(BinanceVisionOptions(base_url=base_url, **options), {"BTC-USDT": SYMBOL}, Path(mkdtemp()))
    made.patience = patience
    return made


def request(
    table: str = "trades", vendor_symbol: str = SYMBOL, day: dt.date = DAY, symbol: str = "BTC-USDT"
) -> Request:
    return Request(table, Partition("feed", day, symbol), vendor_symbol)


def batches(vendor: BinanceVision, wanted: Request, workdir: Path) -> list[Batch]:
    return list(vendor.decode(wanted, landed(vendor.fetch(wanted, at(workdir)))))


def frame(read: Sequence[Batch]) -> pl.DataFrame:
    assert not any(batch.faults for batch in read)
    return pl.concat([batch.frame for batch in read])


def decoded(path: Path, wanted: Request | None = None, **options: Any) -> list[Batch]:
    return list(source(**options).decode(wanted or request(), landed([Fetched(path, path.name, "here")])))
