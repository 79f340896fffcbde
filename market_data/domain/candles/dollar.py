"""Bars of an equal value in the quote currency, dollars or other: `1000000d`, `0.5d`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from market_data.domain.candles import _amount
from market_data.domain.ports.candle_kind import BarContext, CandleKind

if TYPE_CHECKING:
    import polars as pl

_DIGITS = 18


def _threshold(timeframe: str) -> int:
    if (threshold := _amount.amount(timeframe, "d", _DIGITS)) is None:
        raise ValueError(
            f"a dollar bar is an amount of the quote currency with at most {_DIGITS} decimals followed by d, "
            f"such as '1000000d' or '0.5d', not {timeframe!r}"
        )
    return threshold


class DollarBars:
    """A bar ends with the trade that brings the day's turnover to the next multiple of the threshold.

    Turnover counts |price * size| here: spreads trade below zero, and a day's sum must not run backwards. Each day
    begins anew, and its last bar is kept unfinished, so that volume is conserved. Bars may share `ts_open`, where many
    trades share an instant; they stand in order.
    """

    def check(self, timeframe: str) -> None:
        """Raises ValueError unless the timeframe is `<amount>d`."""
        _threshold(timeframe)

    def build(self, trades: "pl.LazyFrame", timeframes: Sequence[str], context: BarContext) -> "pl.LazyFrame":
        """Return bars by the running sum of price * size, stamped at their first trade; see the port."""
        import polars as pl

        from market_data.domain.numbers import turnover

        thresholds = {timeframe: _threshold(timeframe) for timeframe in timeframes}
        traded = turnover(pl.col("price").abs(), pl.col("size"))
        return _amount.build(trades, "dollar", traded, thresholds, context)


KIND: CandleKind = DollarBars()
