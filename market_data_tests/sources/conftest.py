"""The loopback vendors and an empty folder to fetch into, for every test of the sources."""

from pathlib import Path

import pytest

from market_data_tests.sources.binance_case import DAY, TRADES
from market_data_tests.vendors import binance_files as files
from market_data_tests.vendors.binance_archive import BinanceArchive, binance_archive
from market_data_tests.vendors.ccxt_exchange import ccxt_exchange

__all__ = ["binance_archive", "ccxt_exchange"]


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    folder = tmp_path / "workdir"
    folder.mkdir()
    return folder


@pytest.fixture
def trades_archive(binance_archive: BinanceArchive) -> BinanceArchive:
    files.write(binance_archive.root / TRADES, files.trade_lines(DAY, 5_000))
    return binance_archive
