"""The simulated vendor's own candles, from its own trades by its own loop.

Not by `domain.candles`, on purpose: whoever compares the two compares two opinions.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from market_data.domain.time import NS_PER_DAY, NS_PER_MINUTE
from market_data.sources.simulated.market import MINUTES, Trade

TIMEFRAME_MINUTES = {"1m": 1, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "4h": 240, "1d": MINUTES}


class Candle(NamedTuple):
    """Prices in ticks, volume in lots, quote volume in ticks times lots; `ts_open` is ns since the epoch."""

    ts_open: int
    open: int
    high: int
    low: int
    close: int
    volume: int = 0
    quote_volume: int = 0
    trade_count: int = 0


def candles(trades: Sequence[Trade], timeframe: str, day_number: int, previous_close: int) -> Iterator[Candle]:
    """Yield a bar for every interval of the day; one without trades is flat at the close before it.

    Args:
        trades: the day's, in order of time.
        timeframe: a key of `TIMEFRAME_MINUTES`.
        day_number: the day, counted from the epoch.
        previous_close: price of the last trade before the day, in ticks.
    """
    width, done, close = TIMEFRAME_MINUTES[timeframe] * NS_PER_MINUTE, 0, previous_close
    for ts_open in range(day_number * NS_PER_DAY, (day_number + 1) * NS_PER_DAY, width):
        bar = Candle(ts_open, close, close, close, close)
        while done < len(trades) and trades[done].ts_event < ts_open + width:
            bar = _with_trade(bar, trades[done])
            done += 1
        close = bar.close
        yield bar


def vwap(candle: Candle, price_digits: int) -> int | None:
    """Return quote volume by volume in units of 10^-18, rounded half to even; None where nothing was traded."""
    if not candle.volume:
        return None
    whole, rest = divmod(candle.quote_volume * 10 ** (18 - price_digits), candle.volume)
    return whole + (2 * rest > candle.volume or (2 * rest == candle.volume and whole % 2))


def _with_trade(bar: Candle, trade: Trade) -> Candle:
    first, price, turnover = not bar.trade_count, trade.price, trade.price * trade.size
    return Candle(
        bar.ts_open,
        price if first else bar.open,
        price if first else max(bar.high, price),
        price if first else min(bar.low, price),
        price,
        bar.volume + trade.size,
        bar.quote_volume + turnover,
        bar.trade_count + 1,
    )
