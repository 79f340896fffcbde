"""What each of the vendor's schemas says in our columns, and which records are no rows. Expressions only."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from market_data.domain.contract import polars_schema
from market_data.domain.numbers import VOLUME
from market_data.sources.databento import columns as c
from market_data.sources.databento.columns import Limit
from market_data.sources.databento.dbn import DbnFile
from market_data.sources.databento.schemas import TABLE_OF, delivery
from market_data.sources.databento.symbols import raw_symbols

Columns = dict[str, pl.Expr]

_KINDS = {
    "F": "future",
    "C": "option",
    "P": "option",
    "K": "equity",
    "S": "spread",
    "T": "spread",
    "M": "spread",
    "X": "spot",
    "Y": "spot",
}
"""The vendor's `instrument_class`; bonds (B) and indices (I) are no kind of ours, and go to quarantine."""
_KINDS_BY_TYPE = {"FUT": "future", "OPT": "option", "OOF": "option", "MLEG": "spread"}
"""`security_type`, where the class is not given."""
_OHLC = ("open", "high", "low", "close")
_TEXTS = (
    *("security_update_action", "instrument_class", "security_type", "cfi", "exchange", "asset", "underlying"),
    *("unit_of_measure", "settl_currency"),
)
_NUMBERS = ("contract_multiplier", "original_contract_size", "min_lot_size", "min_lot_size_round_lot")


@dataclass(frozen=True)
class Plan:
    """How records become rows, and what makes one no row.

    Attributes:
        columns: the table's columns in order, over the vendor's fields.
        limits: what the fields must not be.
    """

    columns: Mapping[str, pl.Expr]
    limits: tuple[Limit, ...]

    @cached_property
    def fields(self) -> list[str]:
        """Return the fields that are looked at."""
        expressions = (*self.columns.values(), *(limit.broken for limit in self.limits))
        return sorted({name for expression in expressions for name in expression.meta.root_names()})


def plan(file: DbnFile, day: dt.date, known: Mapping[int, str]) -> Plan:
    """Return the way from a file's records to rows.

    Args:
        file: the open file.
        day: the UTC day whose symbols are meant.
        known: raw symbols of instrument ids that day, for those that the file does not name.
    """
    table, dataset = TABLE_OF[file.schema], file.metadata.dataset
    made = _MAKERS[table](file)
    made = {**_ids({**known, **raw_symbols(file.metadata, day)}), **made}
    types = {name: kind for name, kind in polars_schema(delivery(table, dataset).schema).items() if name != "ordinal"}
    columns = {name: made.get(name, pl.lit(None, kind)) for name, kind in types.items()}
    return Plan(columns, _limits(table))


def _ids(symbols: Mapping[int, str]) -> Columns:
    ids = pl.Series(list(symbols), dtype=pl.UInt32)
    mapped = pl.col("instrument_id").replace_strict(
        ids, pl.Series(list(symbols.values()), dtype=pl.String), default=None, return_dtype=pl.String
    )
    return {
        "instrument_id": c.number_as_text("instrument_id"),
        "publisher_id": c.number("publisher_id"),
        "raw_symbol": mapped if symbols else pl.lit(None, pl.String),
    }


def _ticks(file: DbnFile) -> Columns:
    """Return what every record by receive time has; not all have all."""
    made = {
        "ts_event": c.time("ts_event"),
        "ts_recv": c.time("ts_recv"),
        "price": c.price("price"),
        "size": c.amount("size", c.UNDEF_UINT32),
        "side": c.side("side"),
        "action": c.text("action"),
        "depth": c.number("depth"),
        "flags": c.number("flags"),
        "sequence": c.number("sequence"),
        "ts_in_delta": c.number("ts_in_delta", c.UNDEF_INT32),
    }
    return {name: column for name, column in made.items() if name in (file.layout.names or ())}


def _quotes(file: DbnFile) -> Columns:
    return {
        **_ticks(file),
        "bid_price": c.price("bid_px_00"),
        "bid_size": c.amount("bid_sz_00", c.UNDEF_UINT32),
        "bid_count": c.number("bid_ct_00", c.UNDEF_UINT32),
        "ask_price": c.price("ask_px_00"),
        "ask_size": c.amount("ask_sz_00", c.UNDEF_UINT32),
        "ask_count": c.number("ask_ct_00", c.UNDEF_UINT32),
    }


def _statistics(file: DbnFile) -> Columns:
    from databento_dbn import StatType

    names = {int(kind.value): str(kind.name).lower() for kind in StatType.variants()}
    number = pl.col("stat_type")
    undefined = int(np.iinfo(file.layout["quantity"]).max)  # of 32 bits before version 3
    return {
        **_ticks(file),
        "stat_type": number.replace_strict(names, default=number.cast(pl.String), return_dtype=pl.String),
        "quantity": c.amount("quantity", undefined),
        "ts_ref": c.time("ts_ref"),
        "channel_id": c.number("channel_id", c.UNDEF_UINT16),
        "update_action": c.number("update_action"),
        "stat_flags": c.number("stat_flags"),
    }


def _candles(file: DbnFile) -> Columns:
    return {
        "kind": pl.lit("time"),
        "timeframe": pl.lit(file.schema.removeprefix("ohlcv-")),
        "ts_open": c.time("ts_event"),
        **{name: c.price(name) for name in _OHLC},
        "volume": c.amount("volume", c.UNDEF_UINT64, VOLUME),
    }


def _instruments(file: DbnFile) -> Columns:
    by_type = pl.col("security_type").replace_strict(_KINDS_BY_TYPE, default=None, return_dtype=pl.String)
    letter = pl.col("instrument_class").cast(pl.String)
    made = {
        "raw_symbol": c.text("raw_symbol"),
        "kind": letter.replace_strict(_KINDS, default=by_type, return_dtype=pl.String),
        "quote": c.text("currency"),
        "tick_size": pl.when(pl.col("min_price_increment") > 0).then(c.price("min_price_increment")),
        "contract_size": c.units("unit_of_measure_qty"),
        "expiry": c.time("expiration"),
        "ts_event": c.time("ts_event"),
        "ts_recv": c.time("ts_recv"),
        "strike_price": c.price("strike_price"),
        "activation": c.time("activation"),
        "leg_index": pl.lit(0, pl.Int64),
    }
    made |= {name: c.text(name) for name in _TEXTS}
    made |= {name: c.number(name, c.UNDEF_INT32) for name in _NUMBERS}
    return made | (_legs() if "leg_count" in (file.layout.names or ()) else {})


def _legs() -> Columns:
    """From version 3 on, a spread's definition comes once a leg."""
    has_legs = pl.col("leg_count") > 0
    made = {
        "leg_instrument_id": c.number_as_text("leg_instrument_id"),
        "leg_raw_symbol": c.text("leg_raw_symbol"),
        "leg_side": c.side("leg_side"),
        "leg_ratio_qty_numerator": c.number("leg_ratio_qty_numerator"),
        "leg_ratio_qty_denominator": c.number("leg_ratio_qty_denominator"),
    }
    of_a_leg = {name: pl.when(has_legs).then(column) for name, column in made.items()}
    return {"leg_count": c.number("leg_count"), "leg_index": c.number("leg_index"), **of_a_leg}


_MAKERS = {
    "trades": _ticks,
    "quotes": _quotes,
    "statistics": _statistics,
    "vendor_candles": _candles,
    "instruments": _instruments,
}
_PRICES = {
    "trades": ("price",),
    "quotes": ("price", "bid_px_00", "ask_px_00"),
    "statistics": ("price",),
    "vendor_candles": _OHLC,
    "instruments": ("min_price_increment", "strike_price"),
}
_TIMES = {
    "trades": ("ts_event", "ts_recv"),
    "quotes": ("ts_event", "ts_recv"),
    "statistics": ("ts_event", "ts_recv", "ts_ref"),
    "vendor_candles": ("ts_event",),
    "instruments": ("ts_event", "ts_recv", "expiration", "activation"),
}


def _limits(table: str) -> tuple[Limit, ...]:
    return (*map(c.price_fits, _PRICES[table]), *map(c.time_fits, _TIMES[table]))
