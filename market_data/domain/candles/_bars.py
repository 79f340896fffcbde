"""What every kind shares: from trades and the number of each trade's bar to finished bars. No kind stands here."""

from collections.abc import Iterable

import polars as pl

from market_data.domain.candles._columns import columns
from market_data.domain.numbers import PRICE, SIZE, TURNOVER, VOLUME, turnover
from market_data.domain.ports.candle_kind import BarContext

KEYS = ("instrument_id", "publisher_id")
"""Whose bars they are: columns of every bar, and of the trades of a source that has several in one partition."""

_SHIFTED = pl.Decimal(38, 9)


def keys_of(trades: pl.LazyFrame) -> tuple[str, ...]:
    """Return those of `KEYS` that the trades have.

    Raises:
        TypeError: price or size are not of the contract's types, whose units all sums here count in.
    """
    schema = trades.collect_schema()
    if schema["price"] != PRICE or schema["size"] != SIZE:
        raise TypeError(f"price and size must be {PRICE} and {SIZE}, not {schema['price']} and {schema['size']}")
    return tuple(key for key in KEYS if key in schema)


def bars_of(trades: pl.LazyFrame, bar: pl.Expr, context: BarContext) -> pl.LazyFrame:
    """Return one row a bar, without vwap, sorted by `KEYS` and the bar's number.

    Args:
        trades: sorted by (clock, ordinal): the first and last row of a bar are its open and close.
        bar: the number of the bar a trade belongs to; it never falls within a group of `KEYS`.
        context: gives the clock, and the keys that the trades lack.

    Raises:
        ComputeError: (when collected) a bar whose highest price * volume does not fit `TURNOVER`.
    """
    keys = keys_of(trades)
    # polars takes its sorted path, twice as fast, only where the key is a column and known to be sorted.
    numbered = trades.with_columns(bar=bar if keys else bar.set_sorted())
    bars = numbered.group_by(*keys, "bar").agg(*_aggregates(trades, context.clock))
    return bars.with_columns(*_keys(keys, context), proven_turnover()).sort(*keys, "bar")


def candles(bars: pl.LazyFrame, kind: str, timeframe: str | pl.Expr) -> pl.LazyFrame:
    """Return bars in the order in which they stand, as rows of the `candles` table.

    Of one timeframe, or of one each.
    """
    of_each = pl.lit(timeframe) if isinstance(timeframe, str) else timeframe
    named = bars.with_columns(kind=pl.lit(kind), timeframe=of_each, vwap=_vwap())
    types = columns()
    return named.select(pl.col(name).cast(dtype) for name, dtype in types.items())


def stacked(frames: Iterable[pl.LazyFrame]) -> pl.LazyFrame:
    """Return candles of several timeframes as one frame.

    Each is sorted, and they come in order of the timeframe's name.
    """
    return pl.concat([pl.LazyFrame(schema=columns()), *frames])


def _aggregates(trades: pl.LazyFrame, clock: str) -> list[pl.Expr]:
    price, size = pl.col("price"), pl.col("size")
    counts = pl.col("trade_count").sum() if "trade_count" in trades.collect_schema() else pl.len()
    return [
        pl.col(clock).first().alias("ts_open"),
        price.first().alias("open"),
        price.max().alias("high"),
        price.min().alias("low"),
        price.last().alias("close"),
        size.sum().cast(VOLUME).alias("volume"),
        # Wraps at 2^127 in silence; `proven_turnover` shows for each bar that it did not. The checked product of
        # `turnover` on each row would take minutes from 1.4 times the reading of the trades to 1.7.
        (price.to_physical() * size.to_physical()).sum().alias("quote_volume"),
        counts.cast(pl.Int64).alias("trade_count"),
    ]


def _keys(present: tuple[str, ...], context: BarContext) -> list[pl.Expr]:
    given = {"instrument_id": pl.lit(context.instrument_id), "publisher_id": pl.lit(None)}
    types = columns()
    return [(pl.col(key) if key in present else given[key]).cast(types[key]).alias(key) for key in KEYS]


def proven_turnover() -> pl.Expr:
    """Return the sum of the wrapping products as a decimal.

    It is at most highest |price| * volume, as sizes are not negative.

    Where that bound reaches 10^20 polars raises, even if the bar's own turnover would still fit.
    """
    highest = pl.max_horizontal(pl.col("high").abs(), pl.col("low").abs())
    fits = turnover(highest, pl.col("volume")) >= 0
    return pl.when(fits).then(pl.col("quote_volume").reinterpret(dtype=TURNOVER)).alias("quote_volume")


def _vwap() -> pl.Expr:
    """quote_volume / volume, rounded half-even to 18 digits, null where the volume is 0.

    polars divides exactly and rounds half-even to the larger of the scales, which for (38, 18) / (38, 9) would first
    cast the volume to scale 18 and overflow at 1e20. So the quotient is taken of the same digits at scale 9.
    """
    digits = pl.col("quote_volume").to_physical().reinterpret(dtype=_SHIFTED)
    quotient = digits / pl.when(pl.col("volume") != 0).then(pl.col("volume"))
    return quotient.to_physical().reinterpret(dtype=TURNOVER)
