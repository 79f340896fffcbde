"""What is asked of Databento: one schema of one symbol's day. Pure."""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

from market_data.domain.errors import ConfigurationError
from market_data.sources.databento.options import SymbolType

_SPELLED: dict[SymbolType, tuple[str, str]] = {
    "raw_symbol": (r"(?!ALL_SYMBOLS$)[!-+\--~]([ -+\--~]*[!-+\--~])?", "the exchange's own symbol, as in ESH4"),
    "continuous": (r"[A-Za-z0-9]+\.[cnvCNV]\.[0-9]+", "root, rule of the roll and rank, as in ES.c.0"),
    "parent": (r"[A-Za-z0-9]+\.[A-Za-z]+", "root and kind, as in ES.FUT"),
    "instrument_id": (r"[0-9]+", "a number"),
}


@dataclass(frozen=True, slots=True)
class Query:
    """One schema of one symbol's UTC day, by the vendor's clock (`ts_recv`, or `ts_event` where a schema has none)."""

    dataset: str
    schema: str
    stype_in: SymbolType
    symbol: str
    day: dt.date

    def __str__(self) -> str:
        return f"{self.dataset} {self.schema} of {self.symbol} on {self.day.isoformat()}"

    @property
    def name(self) -> str:
        """Its file's name in landing."""
        return f"{self.schema}.dbn.zst"

    @property
    def arguments(self) -> dict[str, Any]:
        """As the client's methods take it; `end` is exclusive."""
        return {
            "dataset": self.dataset,
            "schema": self.schema,
            "stype_in": self.stype_in,
            "symbols": [self.symbol],
            "start": self.day.isoformat(),
            "end": (self.day + dt.timedelta(days=1)).isoformat(),
        }


def must_be_a_symbol(symbol: str, stype_in: SymbolType) -> None:
    """Nothing, for one symbol of that type: the client would take a comma for two, and `ALL_SYMBOLS` for a dataset.

    Raises:
        ConfigurationError: it is spelled otherwise.
    """
    pattern, expected = _SPELLED[stype_in]
    if not re.fullmatch(pattern, symbol, re.ASCII) or symbol.upper() == "ALL_SYMBOLS":
        raise ConfigurationError(f"{symbol!r} is no symbol of the type {stype_in}: expected {expected}")
