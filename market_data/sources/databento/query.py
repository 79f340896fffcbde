"""What is asked of Databento: one schema of one symbol's day, or of several days. Pure."""

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
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
    """One schema of one symbol's UTC day, by the vendor's clock (`ts_recv`, or `ts_event` where a schema has none).

    Attributes:
        days: how many days from `day` on; only prices are asked of more than one.
    """

    dataset: str
    schema: str
    stype_in: SymbolType
    symbol: str
    day: dt.date
    days: int = 1

    def __str__(self) -> str:
        last = self.end - dt.timedelta(days=1)
        when = f"on {self.day.isoformat()}" if self.days == 1 else f"from {self.day.isoformat()} to {last.isoformat()}"
        return f"{self.dataset} {self.schema} of {self.symbol} {when}"

    @property
    def end(self) -> dt.date:
        """Return the first day that is not meant."""
        return self.day + dt.timedelta(days=self.days)

    @property
    def name(self) -> str:
        """Return its file's name in landing."""
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
            "end": self.end.isoformat(),
        }


def spans(queries: Iterable[Query]) -> list[Query]:
    """Return the same days with as few queries as can be: those of one schema that follow each other are one."""
    found: dict[str, list[Query]] = {}
    for query in sorted(set(queries), key=lambda query: query.day):
        of_schema = found.setdefault(query.schema, [])
        if of_schema and of_schema[-1].end == query.day:
            of_schema[-1] = replace(of_schema[-1], days=of_schema[-1].days + query.days)
        else:
            of_schema.append(query)
    return [query for of_schema in found.values() for query in of_schema]


def must_be_a_symbol(symbol: str, stype_in: SymbolType) -> None:
    """Nothing, for one symbol of that type: the client would take a comma for two, and `ALL_SYMBOLS` for a dataset.

    Raises:
        ConfigurationError: it is spelled otherwise.
    """
    pattern, expected = _SPELLED[stype_in]
    if not re.fullmatch(pattern, symbol, re.ASCII) or symbol.upper() == "ALL_SYMBOLS":
        raise ConfigurationError(f"{symbol!r} is no symbol of the type {stype_in}: expected {expected}")
