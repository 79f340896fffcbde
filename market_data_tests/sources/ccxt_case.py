"""What the tests of `ccxt` share: a day, a source of little patience for each exchange, and short ways to rows."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from market_data.domain.partition import Partition
from market_data.domain.ports.source import Batch, LandedFile, Request
from market_data.sources.ccxt import Ccxt
from market_data.sources.ccxt.options import CcxtOptions
from market_data.vendor_access.timeouts import Patience
from market_data_tests.fetching import at, landed

DAY = dt.date(2024, 3, 4)
SYMBOL = "BTC/USDT"
EXCHANGES = ("binance", "kraken", "coinbaseexchange", "coinbase")
ENDPOINT = {"binance": "aggTrades", "kraken": "Trades", "coinbaseexchange": "trades", "coinbase": "ticker"}
CANDLES = {"binance": "klines", "kraken": "OHLC", "coinbaseexchange": "candles", "coinbase": "candles"}
QUICK = Patience(attempts=4, first_wait_seconds=0.001, longest_wait_seconds=0.001, timeout_seconds=0.5)
UNHURRIED = ({"weight": 1_000_000, "seconds": 1.0},)


def source(exchange: str, base_url: str, shared: Path, patience: Patience = QUICK, **options: Any) -> Ccxt:
    given: dict[str, Any] = {"rates": UNHURRIED, "rate_limit_ms": 0, "base_url": base_url, **options}
    made = Ccxt(CcxtOptions(exchange=exchange, **given), {"BTC-USDT": SYMBOL}, shared)
    made.patience = patience
    return made


def request(table: str = "trades", day: dt.date = DAY, vendor_symbol: str = SYMBOL) -> Request:
    return Request(table, Partition("feed", day, "BTC-USDT"), vendor_symbol)


def brought(vendor: Ccxt, workdir: Path, wanted: Request | None = None) -> list[LandedFile]:
    return landed(vendor.fetch(wanted or request(), at(workdir)))


def decoded(vendor: Ccxt, files: Sequence[LandedFile], wanted: Request | None = None) -> list[Batch]:
    return list(vendor.decode(wanted or request(), files))


def rows(read: Sequence[Batch]) -> list[tuple[Any, ...]]:
    """As the truth tells them, what came twice once."""
    assert not any(batch.faults for batch in read)
    if not read:
        return []
    frame = pl.concat([batch.frame for batch in read]).unique(maintain_order=True)
    return frame.select("trade_id", "ts_event", "price", "size", "side").rows()
