"""`symbology.json`: which instruments a symbol stood for on a day, asked before they are bought and landed beside them.

Databento resolves raw, continuous and parent symbols to instrument ids, and ids to raw symbols, and nothing else
(databento.com/docs, "Supported symbology combinations").
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from market_data.domain.errors import UnclearSymbol
from market_data.sources.databento.options import SymbolType
from market_data.sources.databento.query import Query

if TYPE_CHECKING:
    from market_data.sources.databento.session import Session

NAME = "symbology.json"
_NOTED = 20
_AT_ONCE = 2_000
"""The vendor takes no more symbols in one request."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a symbol stood for on a day.

    Attributes:
        stype_in, symbol, day: what was asked; the day in ISO 8601.
        instruments: by instrument id, the raw symbol that was valid that day; null where Databento names none.
    """

    stype_in: SymbolType
    symbol: str
    day: str
    instruments: Mapping[str, str | None]

    @property
    def raw_symbols(self) -> dict[int, str]:
        """By instrument id, where there is one."""
        return {int(number): symbol for number, symbol in self.instruments.items() if symbol is not None}

    @property
    def notes(self) -> dict[str, Any]:
        """For the ledger: the instruments, or how many there are."""
        few = len(self.instruments) <= _NOTED
        return {"symbology": dict(self.instruments) if few else len(self.instruments)}

    @property
    def remarks(self) -> list[str]:
        """Return what is not as it should be."""
        nameless = [number for number, symbol in self.instruments.items() if symbol is None]
        if not nameless:
            return []
        return [f"Databento names no raw symbol that day for {len(nameless)} instruments: {', '.join(nameless[:5])}"]


def requests(stype_in: SymbolType) -> int:
    """Return how many requests a resolution takes."""
    return 2 if stype_in == "continuous" else 1


def resolve(session: "Session", query: Query) -> Resolution:
    """Return what the query's symbol stands for on its day; asking is free.

    Raises:
        UnclearSymbol: nothing, or several instruments where one is meant.
    """
    named = _BY_TYPE[query.stype_in](session, query)
    in_order = {number: named[number] for number in sorted(named, key=int)}
    return Resolution(query.stype_in, query.symbol, query.day.isoformat(), in_order)


def write(resolution: Resolution, folder: Path) -> Path:
    """Return a resolution as bytes: the same one gives the same."""
    path = folder / NAME
    path.write_text(json.dumps(asdict(resolution), indent=1) + "\n", encoding="utf-8")
    return path


def read(path: Path) -> Resolution:
    """Return what `write` wrote."""
    return Resolution(**json.loads(path.read_text(encoding="utf-8")))


def _of_raw_symbol(session: "Session", query: Query) -> dict[str, str | None]:
    return {_the_one(session, query, "instrument_id"): query.symbol}


def _of_instrument_id(session: "Session", query: Query) -> dict[str, str | None]:
    return {str(int(query.symbol)): _the_one(session, query, "raw_symbol")}


def _of_continuous(session: "Session", query: Query) -> dict[str, str | None]:
    return _with_names(session, query, [_the_one(session, query, "instrument_id")])


def _of_parent(session: "Session", query: Query) -> dict[str, str | None]:
    """Children come under their raw symbols; what comes under the parent's own name has still to be named."""
    answer = session.resolve(query.dataset, [query.symbol], query.stype_in, "instrument_id", query.day)
    found: dict[str, str | None] = {}
    for symbol, numbers in answer.items():
        found |= dict.fromkeys(numbers, None if symbol.upper() == query.symbol.upper() else symbol)
    if not found:
        raise _nothing(query)
    return found | _with_names(session, query, [number for number, symbol in found.items() if symbol is None])


_BY_TYPE = {
    "raw_symbol": _of_raw_symbol,
    "instrument_id": _of_instrument_id,
    "continuous": _of_continuous,
    "parent": _of_parent,
}


def _the_one(session: "Session", query: Query, stype_out: str) -> str:
    answer = session.resolve(query.dataset, [query.symbol], query.stype_in, stype_out, query.day)
    found = sorted({each for several in answer.values() for each in several})
    if not found:
        raise _nothing(query)
    if len(found) > 1:
        raise UnclearSymbol(
            f"{query}: the symbol {query.symbol} stands for several instruments that day ({', '.join(found[:5])}), "
            "and one is meant: name it by its instrument_id"
        )
    return found[0]


def _with_names(session: "Session", query: Query, numbers: Sequence[str]) -> dict[str, str | None]:
    named: dict[str, str | None] = dict.fromkeys(numbers)
    for first in range(0, len(numbers), _AT_ONCE):
        some = numbers[first : first + _AT_ONCE]
        answer = session.resolve(query.dataset, some, "instrument_id", "raw_symbol", query.day)
        named |= {number: symbols[0] for number, symbols in answer.items() if len(symbols) == 1}
    return named


def _nothing(query: Query) -> UnclearSymbol:
    return UnclearSymbol(
        f"{query}: the symbol {query.symbol} (as a {query.stype_in}) stands for no instrument that day: "
        "look at symbols and stype_in of the feed"
    )
