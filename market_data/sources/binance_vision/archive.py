"""How the archive is laid out: folders, file names, intervals. Pure; source: github.com/binance/binance-public-data."""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Literal

from market_data.domain.errors import ConfigurationError

Market = Literal["spot", "futures_um"]
Interval = Literal["1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d"]
"""What the daily folders have; 3d, 1w and 1mo are published by the month only. 1s is spot's alone."""

_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9_]{0,39}")
FOLDERS: dict[Market, str] = {"spot": "data/spot/daily", "futures_um": "data/futures/um/daily"}
PUBLISHED_WITHIN = dt.timedelta(days=3)
"""After a day's end. "New daily data becomes available the next day"; later than this, a 404 means what it says."""
_DELIVERY_HOUR = dt.timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """One zip of the archive: its path below the base URL; `interval` for klines."""

    folder: str
    stem: str
    interval: Interval | None = None

    @property
    def name(self) -> str:
        """Return the file's name, as it stands in landing too."""
        return f"{self.stem}.zip"

    @property
    def member(self) -> str:
        """Return the name of the one file inside."""
        return f"{self.stem}.csv"

    @property
    def path(self) -> str:
        """Return its path below the base URL."""
        return f"{self.folder}/{self.name}"


def trades_file(market: Market, symbol: str, day: dt.date) -> ArchiveFile:
    """Return the day's aggregate trades."""
    return ArchiveFile(f"{FOLDERS[market]}/aggTrades/{symbol}", f"{symbol}-aggTrades-{day.isoformat()}")


def klines_file(market: Market, symbol: str, day: dt.date, interval: Interval) -> ArchiveFile:
    """Return the day's klines of one interval."""
    folder = f"{FOLDERS[market]}/klines/{symbol}/{interval}"
    return ArchiveFile(folder, f"{symbol}-{interval}-{day.isoformat()}", interval)


def interval_of(name: str, symbol: str, day: dt.date) -> str:
    """Return the interval in the name of a klines file, which may be configured no longer."""
    return name.removeprefix(f"{symbol}-").removesuffix(f"-{day.isoformat()}.zip")


def must_be_a_symbol(symbol: str) -> None:
    """Nothing, for what may stand in the archive's paths.

    Raises:
        ConfigurationError: it is spelled otherwise.
    """
    if not _SYMBOL.fullmatch(symbol):
        raise ConfigurationError(
            f"{symbol!r} is no symbol of Binance's archive: expected capitals, digits and '_', as in BTCUSDT"
        )
    try:
        delivery(symbol)
    except ValueError as error:
        raise ConfigurationError(f"{symbol!r} ends with six digits that are no day of delivery") from error


def delivery(symbol: str) -> dt.datetime | None:
    """Return when a dated USD-M future (`BTCUSDT_240329`) is delivered, 08:00 UTC; None for a perpetual one.

    Raises:
        ValueError: six digits that are no date.
    """
    date = symbol.partition("_")[2]
    if not re.fullmatch(r"\d{6}", date):
        return None
    return dt.datetime.strptime(date, "%y%m%d").replace(tzinfo=dt.UTC) + _DELIVERY_HOUR


def base_and_quote(symbol: str, vendor_symbol: str) -> tuple[str, str] | tuple[None, None]:
    """Return the two currencies, where our symbol is BASE-QUOTE and the vendor's is the two together."""
    base, _, quote = symbol.upper().partition("-")
    joined = vendor_symbol.partition("_")[0]
    return (base, quote) if base and quote and base + quote == joined else (None, None)
