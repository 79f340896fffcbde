"""The columns of Tardis' CSV files by data type, and what each is called here.

Source: docs.tardis.dev/downloadable-csv-files/data-types. Times are µs since the epoch, UTC.
"""

from collections.abc import Mapping

import polars as pl

from market_data.domain.numbers import PRICE, SIZE, TURNOVER
from market_data.vendor_files.columns import Column
from market_data.vendor_files.times import whole_time_column

_TEXT, _BOOLEAN = pl.String(), pl.Boolean()
_COMMON = (
    Column("exchange", _TEXT),
    Column("symbol", _TEXT),
    whole_time_column("timestamp"),
    whole_time_column("local_timestamp"),
)


def _optional(kind: pl.DataType, *names: str) -> tuple[Column, ...]:
    return tuple(Column(name, kind, required=False) for name in names)


def _levels(count: int) -> tuple[Column, ...]:
    """Return the levels; one that the book does not have is empty."""
    columns: list[Column] = []
    for level in range(count):
        for side in ("asks", "bids"):
            columns += [*_optional(PRICE, f"{side}[{level}].price"), *_optional(SIZE, f"{side}[{level}].amount")]
    return tuple(columns)


_EVENT = (*_optional(_TEXT, "id"), Column("side", _TEXT), Column("price", PRICE), Column("amount", SIZE))
LAYOUTS: Mapping[str, tuple[Column, ...]] = {
    "trades": (*_COMMON, *_EVENT),
    "liquidations": (*_COMMON, *_EVENT),
    "quotes": (
        *_COMMON,
        *_optional(SIZE, "ask_amount"),
        *_optional(PRICE, "ask_price", "bid_price"),
        *_optional(SIZE, "bid_amount"),
    ),
    "incremental_book_L2": (
        *_COMMON,
        Column("is_snapshot", _BOOLEAN),
        Column("side", _TEXT),
        Column("price", PRICE),
        Column("amount", SIZE),
    ),
    "book_snapshot_5": (*_COMMON, *_levels(5)),
    "book_snapshot_25": (*_COMMON, *_levels(25)),
    "derivative_ticker": (
        *_COMMON,
        whole_time_column("funding_timestamp", required=False),
        *_optional(TURNOVER, "funding_rate", "predicted_funding_rate"),
        *_optional(SIZE, "open_interest"),
        *_optional(PRICE, "last_price"),
        *_optional(TURNOVER, "index_price", "mark_price"),
    ),
    "options_chain": (
        *_COMMON,
        Column("type", _TEXT),
        Column("strike_price", PRICE),
        whole_time_column("expiration"),
        *_optional(SIZE, "open_interest", "bid_amount", "ask_amount"),
        *_optional(PRICE, "last_price", "bid_price", "ask_price"),
        *_optional(TURNOVER, "bid_iv", "ask_iv", "mark_price", "mark_iv", "underlying_price"),
        *_optional(_TEXT, "underlying_index"),
        *_optional(TURNOVER, "delta", "gamma", "vega", "theta", "rho"),
    ),
}
"""What is read of each data type; columns beyond these are left alone."""

TIMES: Mapping[str, str] = {
    "timestamp": "ts_event",
    "local_timestamp": "ts_recv",
    "funding_timestamp": "ts_funding",
    "expiration": "expiry",
}
"""Tardis' names of times, and ours."""

_NAMES: Mapping[str, str] = {
    "symbol": "instrument_id",
    "amount": "size",
    "bid_amount": "bid_size",
    "ask_amount": "ask_size",
    "type": "option_type",
    "strike_price": "strike",
}
_IDS = {"trades": "trade_id", "liquidations": "liquidation_id"}


def our_name(data_type: str, name: str) -> str:
    """Return a column's name in our tables: `asks[3].amount` is `ask_size_3`."""
    if name == "id":
        return _IDS[data_type]
    side, bracket, rest = name.partition("s[")
    if bracket:
        level, _, what = rest.partition("].")
        return f"{side}_{'price' if what == 'price' else 'size'}_{level}"
    return TIMES.get(name) or _NAMES.get(name, name)
