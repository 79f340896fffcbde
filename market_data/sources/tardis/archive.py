"""How Tardis' data sets are laid out: data types, addresses, spelling of symbols, which days are free. Pure.

Source: docs.tardis.dev/downloadable-csv-files.
"""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from market_data.domain.errors import ConfigurationError

Depth = Literal[5, 25]
GROUPED: Mapping[str, str] = {"SPOT": "spot", "FUTURES": "future", "PERPETUALS": "perpetual", "OPTIONS": "option"}
"""Symbols that stand for all instruments of a type, in one file."""
PUBLISHED_WITHIN = dt.timedelta(hours=48)
"""After a day's end. It is ready "around 06:00 UTC" the next day; later than this, a 404 means what it says."""

_TYPES: Mapping[str, str] = {
    "trades": "trades",
    "quotes": "quotes",
    "book_updates": "incremental_book_L2",
    "derivative_tickers": "derivative_ticker",
    "liquidations": "liquidations",
    "options_chains": "options_chain",
}
_SYMBOL = re.compile(r"[!-\[\]-~]{1,100}", re.ASCII)
_UNSAFE = re.compile(r'[:\\/?*<>|"%]')


@dataclass(frozen=True, slots=True)
class DataSet:
    """One file: a data type of an exchange, a symbol and a day."""

    exchange: str
    data_type: str
    symbol: str
    day: dt.date

    @property
    def path(self) -> str:
        """Return its path below the base address."""
        return f"v1/{self.exchange}/{self.data_type}/{self.day:%Y/%m/%d}/{quote(self.symbol, safe='')}.csv.gz"

    @property
    def name(self) -> str:
        """Return its name in landing: the one that Tardis' own client gives it."""
        return f"{self.exchange}_{self.data_type}_{self.day.isoformat()}_{safe(self.symbol)}.csv.gz"

    @property
    def is_free(self) -> bool:
        """Return whether it needs no key."""
        return self.day.day == 1

    def __str__(self) -> str:
        return f"{self.exchange} {self.data_type} {self.symbol} {self.day.isoformat()}"


def data_set(exchange: str, table: str, vendor_symbol: str, day: dt.date, depth: Depth) -> DataSet:
    """Return the file that a table of a day is made of."""
    data_type = f"book_snapshot_{depth}" if table == "book_snapshots" else _TYPES[table]
    return DataSet(exchange, data_type, spelled(vendor_symbol), day)


def spelled(symbol: str) -> str:
    """Return a symbol as the addresses have it: capitals, with '-' for '/' and ':'."""
    return symbol.replace("/", "-").replace(":", "-").upper()


def is_grouped(vendor_symbol: str) -> bool:
    """Return whether the symbol stands for all instruments of a type."""
    return spelled(vendor_symbol) in GROUPED


def safe(symbol: str) -> str:
    """Return a symbol as a part of a file's name."""
    return _UNSAFE.sub("-", symbol)


def must_be_a_symbol(symbol: str) -> None:
    """Nothing, for what may stand in an address.

    Raises:
        ConfigurationError: it has blanks or signs that no exchange's symbol has.
    """
    if not _SYMBOL.fullmatch(symbol):
        raise ConfigurationError(
            f"{symbol!r} is no symbol of Tardis': expected the exchange's own, as in BTCUSDT, XBTUSD or BTC/USD"
        )
