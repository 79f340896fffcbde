"""Bars of an equal number of trades: `100t`."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from market_data.domain.ports.candle_kind import BarContext, CandleKind

if TYPE_CHECKING:
    import polars as pl

_SHAPE = re.compile(r"([1-9]\d{0,17})t", re.ASCII)


def _length(timeframe: str) -> int:
    if (match := _SHAPE.fullmatch(timeframe)) is None:
        raise ValueError(
            f"a tick bar is a whole number of trades followed by t, such as '100t' or '3t', not {timeframe!r}"
        )
    return int(match[1])


class TickBars:
    """The n-th record of an instrument and publisher belongs to bar n // length.

    Each day begins anew, and its last bar is kept unfinished, so that volume is conserved. Bars may share `ts_open`,
    where many trades share an instant; they stand in order.
    """

    def check(self, timeframe: str) -> None:
        """Raises ValueError unless the timeframe is `<n>t`."""
        _length(timeframe)

    def build(self, trades: "pl.LazyFrame", timeframes: Sequence[str], context: BarContext) -> "pl.LazyFrame":
        """Return bars of n records each, stamped at their first; see the port."""
        import polars as pl

        from market_data.domain.candles._bars import bars_of, candles, keys_of, stacked

        lengths = {timeframe: _length(timeframe) for timeframe in sorted(set(timeframes))}
        keys = keys_of(trades)
        place = pl.int_range(pl.len())
        place = place.over(keys) if keys else place
        return stacked(
            candles(bars_of(trades, place // length, context), "tick", name) for name, length in lengths.items()
        )


KIND: CandleKind = TickBars()
