"""Bars of equal time: `1m`, `1h`, `1d`, aligned to the UTC day and stamped at their open."""

import re
from collections.abc import Mapping, Sequence
from math import gcd
from typing import TYPE_CHECKING

from market_data.domain.ports.candle_kind import BarContext, CandleKind
from market_data.domain.time import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, NS_PER_SECOND

if TYPE_CHECKING:
    import polars as pl

_UNITS = {"s": NS_PER_SECOND, "m": NS_PER_MINUTE, "h": NS_PER_HOUR, "d": NS_PER_DAY}
_SHAPE = re.compile(r"([1-9]\d{0,4})([smhd])", re.ASCII)
_AT_ONCE_ROWS = 50_000
"""Bars of the finest interval times timeframes: five of minutes of a few instruments, but not of seconds."""


def interval(timeframe: str) -> int:
    """Return the length of a timeframe, ns.

    Raises:
        ValueError: it is not a number of seconds, minutes or hours that divides a day, nor `1d`.
    """
    match = _SHAPE.fullmatch(timeframe)
    step = int(match[1]) * _UNITS[match[2]] if match else 0
    if step == 0 or NS_PER_DAY % step != 0:
        raise ValueError(
            f"a time bar is a number of seconds, minutes or hours that divides a day evenly, or one day, "
            f"such as '30s', '5m', '4h' or '1d', not {timeframe!r}"
        )
    return step


class TimeBars:
    """Trades are read once, to the interval that divides every timeframe asked for; the rest is folded from that.

    Folding is exact, but only before empty intervals are filled: a flat minute must not open the hour.
    """

    def check(self, timeframe: str) -> None:
        """Raises ValueError unless the timeframe divides a day evenly."""
        interval(timeframe)

    def build(self, trades: "pl.LazyFrame", timeframes: Sequence[str], context: BarContext) -> "pl.LazyFrame":
        """Return bars of [ts_open, ts_open + timeframe) by `context.clock`; see the port.

        An interval without trades has no bar, or a flat one, as `context.empty_bars` says.
        """
        import polars as pl

        from market_data.domain.candles._bars import bars_of, candles, stacked
        from market_data.domain.candles._columns import columns
        from market_data.domain.candles._fill import flat

        steps = {timeframe: interval(timeframe) for timeframe in sorted(set(timeframes))}
        base = gcd(*steps.values()) or NS_PER_DAY
        bars = bars_of(trades, pl.col(context.clock) // base, context).with_columns(ts_open=pl.col("bar") * base)

        def fold(bars: "pl.DataFrame") -> "pl.DataFrame":
            folded = _folded(bars, steps)
            filled = flat(folded, steps, context, bars) if context.empty_bars == "flat" else folded
            return candles(filled, "time", pl.col("timeframe")).collect(engine="in-memory")

        if not steps:
            return stacked([])

        # Left to itself polars 2.1 reads the trades five times for five timeframes with flat bars. By default it would
        # also push a later filter or selection through the function, to bars that have other columns.
        return bars.map_batches(
            fold,
            predicate_pushdown=False,
            projection_pushdown=False,
            slice_pushdown=False,
            schema=columns(),
        )


def _folded(bars: "pl.DataFrame", steps: Mapping[str, int]) -> "pl.LazyFrame":
    """Return bars of each timeframe, of those of the finest interval; only of intervals that have trades.

    Of few bars one grouping makes all timeframes: five by themselves took four times the time on a small day. Of many
    each is made by itself, as to hold the bars once a timeframe would cost more than it saves.
    """
    import polars as pl

    if len(bars) * len(steps) > _AT_ONCE_ROWS:
        each = (_grouped(bars.lazy().with_columns(timeframe=pl.lit(name), step=step)) for name, step in steps.items())
        return pl.concat(each)
    of_each = pl.LazyFrame({"timeframe": list(steps), "step": list(steps.values())})
    return _grouped(of_each.join(bars.lazy(), how="cross", maintain_order="left_right"))


def _grouped(bars: "pl.LazyFrame") -> "pl.LazyFrame":
    """Return bars folded into intervals of their `step`, in the order in which those begin.

    Sums are proved as those of trades are: polars 2.1 finds no overflow of a grouped sum of decimals in memory.
    """
    import polars as pl

    from market_data.domain.candles._bars import KEYS, proven_turnover

    starts = bars.with_columns(ts_open=pl.col("ts_open") // pl.col("step") * pl.col("step"))
    folded = starts.group_by("timeframe", *KEYS, "ts_open", maintain_order=True).agg(
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        pl.col("volume", "trade_count").sum(),
        pl.col("quote_volume").to_physical().sum(),
    )
    return folded.with_columns(proven_turnover())


KIND: CandleKind = TimeBars()
