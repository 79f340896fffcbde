"""Values of a finding's `detail`, as JSON types that read alike whenever the same data is looked at. No rules."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from market_data.domain.time import NS_PER_SECOND, to_datetime

FIRST = 5
"""How many offending rows a detail shows."""
TIMES = frozenset({"ts_event", "ts_recv", "ts_open", "ts_ref", "ts_funding", "expiry"})
"""Columns of int64 ns since the epoch, UTC."""


def instant(ns: int) -> str:
    """Return an instant as ISO 8601, UTC, with all nine digits."""
    seconds, rest = divmod(ns, NS_PER_SECOND)
    return f"{to_datetime(seconds * NS_PER_SECOND):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def shown(value: Any) -> Any:
    """Return a value of a frame: decimals as exact text without trailing zeros, the rest as it is."""
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return value.isoformat() if isinstance(value, dt.date) else value


def shown_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of a frame, its times as text."""
    return {
        name: instant(value) if name in TIMES and value is not None else shown(value) for name, value in row.items()
    }
