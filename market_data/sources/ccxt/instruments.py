"""A market as CCXT tells of it: landed whole (with the exchange's own entry in `info`), and read as one row."""

import json
import re
from collections.abc import Mapping
from decimal import Context, Decimal, Inexact, InvalidOperation
from pathlib import Path
from typing import Any

import polars as pl

from market_data.domain.contract import polars_schema
from market_data.domain.errors import BadFile
from market_data.domain.ports.source import Batch, Fault
from market_data.sources.ccxt.pages import NS_PER_MS
from market_data.sources.ccxt.schemas import Markets

NAME = "market.json"
_KINDS = {"spot": "spot", "swap": "perpetual", "future": "future", "option": "option"}
_NUMBERS = {
    "tick_size": ("precision", "price"),
    "lot_size": ("precision", "amount"),
    "contract_size": ("contractSize",),
    "min_size": ("limits", "amount", "min"),
    "min_cost": ("limits", "cost", "min"),
    "maker_fee": ("maker",),
    "taker_fee": ("taker",),
}
_SCALE = Decimal("1e-9")
_EXACT = Context(prec=38, traps=[Inexact, InvalidOperation])


def write(market: Mapping[str, Any], folder: Path) -> Path:
    """Return a market as bytes: the same market gives the same."""
    path = folder / NAME
    path.write_text(json.dumps(market, sort_keys=True, default=str) + "\n", encoding="utf-8")
    return path


def batch(name: str, content: bytes) -> Batch:
    """Return the one market of the file. What CCXT does not know is null.

    CCXT's figures are floats; of these the shortest text that gives the float again is read, which is the exchange's
    own for all that have at most 15 digits.

    Raises:
        BadFile: it is no market.
    """
    try:
        market: dict[str, Any] = json.loads(content, parse_float=Decimal)
        row: dict[str, Any] = {
            "instrument_id": market["symbol"],
            "raw_symbol": market["id"],
            "kind": _KINDS.get(market["type"]),
            "base": market["base"],
            "quote": market["quote"],
            "expiry": market["expiry"] * NS_PER_MS if market.get("expiry") else None,
            "active": market.get("active"),
        }
        fault = _numbers(market, row)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadFile(f"is no market of CCXT: {error}") from error
    frame = pl.DataFrame([row], schema=polars_schema(Markets))
    return Batch(name, 0, frame, lambda _: market, fault)


def _numbers(market: dict[str, Any], row: dict[str, Any]) -> list[Fault]:
    for name, way in _NUMBERS.items():
        value: Any = market
        for key in way:
            value = value.get(key) if isinstance(value, dict) else None
        try:
            row[name] = None if value is None else Decimal(value).quantize(_SCALE, context=_EXACT)
        except (Inexact, InvalidOperation, TypeError):
            row[name] = None
            return [Fault(0, f"{name}_fits", f"{name} does not fit: {re.sub(r'[^0-9eE+.-]', '?', str(value))[:50]}")]
    return []
