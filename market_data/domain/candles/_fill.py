"""Intervals in which nothing was traded, as vendors show them that leave no gap: flat at the previous close."""

from collections.abc import Mapping
from functools import lru_cache

import polars as pl

from market_data.domain.candles._bars import KEYS
from market_data.domain.candles._columns import columns
from market_data.domain.ports.candle_kind import BarContext
from market_data.domain.time import NS_PER_DAY, day_bounds


def flat(bars: pl.LazyFrame, steps: Mapping[str, int], context: BarContext, instruments: pl.DataFrame) -> pl.LazyFrame:
    """Return the bars, and one at the previous close with volume 0 for every interval of the day that has none.

    Where no close is known before an interval there is no bar. Instruments that only `context.previous_close` knows
    are flat all day. All timeframes are filled at once: five by themselves took twice the time on a small day.

    Args:
        bars: time bars of the day without vwap, with their timeframe.
        steps: by name of the timeframe its length, ns; in order of the names.
        context: gives the day and the previous closes.
        instruments: rows with the `KEYS` of all bars, and any `ts_open` of theirs.

    Raises:
        ValueError: there are bars of another day, which have no place among its intervals.
    """
    series = ("timeframe", *KEYS)
    start, end = day_bounds(context.day)
    if not instruments["ts_open"].is_between(start, end, closed="left").all():
        raise ValueError(f"there are trades that are not of {context.day.isoformat()} by {context.clock}")
    closes = _closes(context)
    keys = pl.concat([instruments.lazy().select(KEYS), closes.lazy().select(KEYS)]).unique().collect(engine="in-memory")
    moments = _moments(tuple(steps.items())).lazy().with_columns(pl.col("ts_open") + start)
    intervals = keys.lazy().join(moments, how="cross", maintain_order="left_right")
    if len(keys) > 1:
        intervals = intervals.sort(*series, "ts_open")
    rows = intervals.join(bars, on=[*series, "ts_open"], how="left", nulls_equal=True, maintain_order="left").join(
        closes.lazy(), on=KEYS, how="left", nulls_equal=True, maintain_order="left", suffix="_before"
    )
    known = pl.col("close").forward_fill().over(series).fill_null(pl.col("close_before"))
    return (
        rows.with_columns(known)
        .filter(pl.col("close").is_not_null())
        .with_columns(
            pl.col("open", "high", "low").fill_null(pl.col("close")),
            pl.col("volume", "quote_volume", "trade_count").fill_null(0),
        )
    )


@lru_cache(maxsize=4)
def _moments(steps: tuple[tuple[str, int], ...]) -> pl.DataFrame:
    """Return the beginnings of a day's intervals, ns since midnight, by timeframe: the same for every day."""
    return pl.concat(
        pl.select(timeframe=pl.lit(name), ts_open=pl.int_range(0, NS_PER_DAY, step)) for name, step in steps
    )


def _closes(context: BarContext) -> pl.DataFrame:
    """Return the closes of the day before, one row an instrument."""
    types = {name: columns()[name] for name in (*KEYS, "close")}
    if context.previous_close is None:
        return pl.DataFrame(schema=types)
    return context.previous_close.select(pl.col(name).cast(dtype) for name, dtype in types.items())
