"""Intervals in which nothing was traded, as vendors show them that leave no gap: flat at the previous close."""

import polars as pl

from market_data.domain.candles._bars import KEYS
from market_data.domain.candles._columns import columns
from market_data.domain.ports.candle_kind import BarContext
from market_data.domain.time import day_bounds


def flat(bars: pl.LazyFrame, step: int, context: BarContext) -> pl.LazyFrame:
    """The bars, and one at the previous close with volume 0 for every interval of the day that has none.

    Where no close is known before an interval there is no bar. Instruments that only `context.previous_close` knows
    are flat all day.

    Args:
        bars: time bars of one timeframe, without vwap.
        step: the timeframe, ns.
        context: gives the day and the previous closes.
    """
    start, end = day_bounds(context.day)
    known = _known(context, ts_open=start - step)
    moments = pl.LazyFrame({"ts_open": pl.int_range(start, end, step, eager=True)})
    intervals = pl.concat([bars.select(KEYS), known.select(KEYS)]).unique().join(moments, how="cross")
    empty = intervals.join(bars, on=[*KEYS, "ts_open"], how="anti", nulls_equal=True)
    rows = pl.concat([known, bars, empty], how="diagonal").sort(*KEYS, "ts_open")
    closed = rows.with_columns(pl.col("close").forward_fill().over(KEYS)).filter(pl.col("close").is_not_null())
    return closed.filter(pl.col("known").is_null()).with_columns(
        pl.col("open", "high", "low").fill_null(pl.col("close")),
        pl.col("volume", "quote_volume", "trade_count").fill_null(0),
    )


def _known(context: BarContext, ts_open: int) -> pl.LazyFrame:
    """The closes of the day before, as rows that stand before the day and are marked as such."""
    types = {name: columns()[name] for name in (*KEYS, "close")}
    closes = pl.DataFrame(schema=types) if context.previous_close is None else context.previous_close
    rows = closes.lazy().select(pl.col(name).cast(dtype) for name, dtype in types.items())
    return rows.with_columns(ts_open=pl.lit(ts_open, dtype=pl.Int64), known=pl.lit(value=True))
