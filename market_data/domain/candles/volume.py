"""Bars of an equal amount of the base: `1000v`, `0.5v`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from market_data.domain.candles import _amount
from market_data.domain.ports.candle_kind import BarContext, CandleKind

if TYPE_CHECKING:
    import polars as pl

_DIGITS = 9


def _threshold(timeframe: str) -> int:
    if (threshold := _amount.amount(timeframe, "v", _DIGITS)) is None:
        raise ValueError(
            f"a volume bar is an amount of the base with at most {_DIGITS} decimals followed by v, "
            f"such as '1000v' or '0.5v', not {timeframe!r}"
        )
    return threshold


class VolumeBars:
    """A bar ends with the trade that brings the day's volume to the next multiple of the threshold.

    Each day begins anew, and its last bar is kept unfinished, so that volume is conserved. Bars may share `ts_open`,
    where many trades share an instant; they stand in order.
    """

    def check(self, timeframe: str) -> None:
        """Raises ValueError unless the timeframe is `<amount>v`."""
        _threshold(timeframe)

    def build(self, trades: "pl.LazyFrame", timeframes: Sequence[str], context: BarContext) -> "pl.LazyFrame":
        """Return bars by the running sum of `size`, stamped at their first trade; see the port."""
        import polars as pl

        thresholds = {timeframe: _threshold(timeframe) for timeframe in timeframes}
        return _amount.build(trades, "volume", pl.col("size"), thresholds, context)


KIND: CandleKind = VolumeBars()
