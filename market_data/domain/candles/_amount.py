"""Bars that end when an amount has been traded: what volume and dollar bars share."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from market_data.domain.ports.candle_kind import BarContext

if TYPE_CHECKING:
    import polars as pl


def amount(timeframe: str, letter: str, digits: int) -> int | None:
    """Return the amount that `<amount><letter>` names, in units of 10^-digits; None where it is no such timeframe.

    An amount has one spelling: no zeros before or after it, at most 18 digits before the point.
    """
    match = re.fullmatch(rf"((?:0|[1-9]\d{{0,17}})(?:\.\d{{0,{digits - 1}}}[1-9])?){letter}", timeframe, re.ASCII)
    return int(Decimal(match[1]).scaleb(digits)) or None if match else None


def build(
    trades: "pl.LazyFrame", kind: str, traded: "pl.Expr", thresholds: Mapping[str, int], context: BarContext
) -> "pl.LazyFrame":
    """Return candles by the running sum of `traded`, which never falls.

    A trade belongs to the bar in which it begins: floor(sum before it / threshold). It is never split: one that is
    larger than the threshold ends several bars at once, and those in between, in which no trade begins, do not exist.

    Args:
        trades: see the port.
        kind: the kind's name.
        traded: a decimal a trade; polars sums decimals exactly, as Decimal(38, s), and raises beyond.
        thresholds: by timeframe, in whole units of the decimal's last digit.
        context: see the port.
    """
    import polars as pl

    from market_data.domain.candles._bars import bars_of, candles, keys_of, stacked

    keys = keys_of(trades)
    before = traded.cum_sum() - traded
    before = (before.over(keys) if keys else before).to_physical()
    return stacked(
        candles(bars_of(trades, before // pl.lit(threshold, dtype=pl.Int128), context), kind, timeframe)
        for timeframe, threshold in sorted(thresholds.items())
    )
