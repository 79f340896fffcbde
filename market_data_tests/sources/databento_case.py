"""What the tests of `databento` share: a key, a day, a vendor with something to sell, a source of little patience."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from market_data.domain.partition import Partition
from market_data.domain.ports.source import Request
from market_data.sources.databento import Databento
from market_data.sources.databento.options import DatabentoOptions
from market_data.sources.databento.rate_limits import Polling
from market_data.vendor_access.timeouts import Patience
from market_data_tests.vendors import dbn_files as files
from market_data_tests.vendors.databento_api import KEY, DatabentoApi, Offer

REAL = Path(__file__).parents[3] / "shared" / "data" / "databento"
DAY = dt.date(2024, 1, 15)
LISTED, LAPSED = dt.date(2023, 3, 17), dt.date(2024, 3, 16)
SYMBOL = "ESH4"
TRADES = "trades.dbn.zst"
BARS = "ohlcv-1m.dbn.zst"
FACTS = "condition.json"
MEANT = "symbology.json"
QUICK = Patience(attempts=3, first_wait_seconds=0.01, longest_wait_seconds=0.01, timeout_seconds=0.5)

real_data = pytest.mark.skipif(not REAL.exists(), reason=f"no real Databento files at {REAL}")


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    """The key that the loopback vendor knows, in the environment."""
    monkeypatch.setenv("DATABENTO_API_KEY", KEY)
    return KEY


@pytest.fixture
def market(databento_api: DatabentoApi, key: str) -> DatabentoApi:
    """A vendor that has 1,000 trades and 60 bars of ESH4 for sale."""
    databento_api.symbology.lists(SYMBOL, files.INSTRUMENT, LISTED, LAPSED, parent="ES.FUT")
    databento_api.offer("trades", SYMBOL, DAY, Offer(files.trades(DAY, 1_000), 1_000))
    databento_api.offer("ohlcv-1m", SYMBOL, DAY, Offer(files.bars(DAY, 60), 60))
    return databento_api


def source(api: DatabentoApi | None, patience: Patience = QUICK, symbol: str = SYMBOL, **options: Any) -> Databento:
    where = {"gateway": api.gateway, "ca_file": api.ca_file} if api else {}
    shared = api.ca_file.with_name("shared") if api else Path("unused")
    made = Databento(
        DatabentoOptions.model_validate(
            {"dataset": "GLBX.MDP3", "schemas": ("trades", "ohlcv-1m"), **where, **options}
        ),
        {"ES": symbol},
        shared,
    )
    made.patience, made.polling = patience, Polling(0.01, 0.01, 0.05)
    return made


def request(table: str = "trades", vendor_symbol: str = SYMBOL, day: dt.date = DAY) -> Request:
    return Request(table, Partition("es", day, "ES"), vendor_symbol)
