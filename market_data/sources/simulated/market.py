"""The simulation: a day of one symbol's trades and quotes, a pure function of (market, day). No files here.

Prices are whole ticks, sizes whole lots. Of the generator only `random()` is used, and of arithmetic only what
IEEE 754 rounds exactly: those are the same on every Python version and machine, `gauss` and `log` are not.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from random import Random
from typing import NamedTuple

from market_data.domain.time import NS_PER_DAY, NS_PER_MINUTE

Draw = Callable[[], float]
"""The next number of a generator, in [0, 1)."""

MINUTES = 1_440
_NS_PER_MS = 1_000_000
_HOURLY_ACTIVITY = (
    *(0.8, 0.9, 0.9, 0.8, 0.7, 0.6, 0.6, 0.8, 0.9, 0.9, 0.9, 1.0),
    *(1.2, 1.6, 1.7, 1.6, 1.4, 1.2, 1.1, 1.0, 1.0, 0.9, 0.8, 0.7),
)  # adds up to 24; the European afternoon is the busiest
_CONTINUES = 1 / 3  # chance that an order goes on to one more fill: 1.5 fills on average
FILLS_PER_ORDER = 1.5
QUOTES_PER_TRADE = 2 / FILLS_PER_ORDER
_DAILY_VOLATILITY = 0.015
_OCTAVES = 8  # of the midnight levels: ups and downs of 1, 2, 4, ... 128 days
_NOON = MINUTES // 2


@dataclass(frozen=True, slots=True)
class Market:
    """All that a symbol's days depend on."""

    seed: int
    symbol: str
    trades_per_day: int
    start_price: Decimal

    @property
    def price_digits(self) -> int:
        """Return digits after the point of a price; one tick is the last of six significant digits or so."""
        return min(9, max(0, 5 - self.start_price.adjusted()))

    @property
    def size_digits(self) -> int:
        """Return digits after the point of a size; one lot is worth between a hundredth and a tenth of the quote."""
        return min(8, max(0, self.start_price.adjusted() + 2))

    @property
    def spare_spread(self) -> float:
        """Return how many ticks the average spread is wider than one: the less liquid, the more."""
        return min(200.0, 20_000 / self.trades_per_day)

    def numbers(self, *purpose: object) -> Random:
        """Return a random generator of its own for each purpose."""
        name = "/".join(map(str, (self.seed, self.symbol, *purpose)))
        return Random(name)  # noqa: S311  numbers for data, not for secrets


class Trade(NamedTuple):
    """Times are ns since the epoch, UTC; `price` in ticks, `size` in lots, `side` the aggressor's."""

    ts_event: int
    ts_recv: int
    price: int
    size: int
    side: str


class Quote(NamedTuple):
    """Times are ns since the epoch, UTC; prices in ticks, sizes in lots."""

    ts_event: int
    ts_recv: int
    bid_price: int
    bid_size: int
    ask_price: int
    ask_size: int


class Day(NamedTuple):
    """Each in order of time; a trade follows the quote at whose bid or ask its order began."""

    trades: list[Trade]
    quotes: list[Quote]


@lru_cache(maxsize=2)  # the tables of one partition are fetched one after the other
def simulate(market: Market, day_number: int) -> Day:
    """Return one UTC day, by its number since the epoch. Never without trades; not to be modified by the caller."""
    mids, day = _mids(market, day_number), Day([], [])
    for minute in range(MINUTES):
        _add_minute(day, market, mids, day_number, minute)
    return day


def last_price(market: Market, day_number: int) -> int:
    """Return the price of a day's last trade, in ticks, without simulating more minutes than it takes to find it."""
    mids, day = _mids(market, day_number), Day([], [])
    for minute in reversed(range(MINUTES)):
        _add_minute(day, market, mids, day_number, minute)
        if day.trades:
            break
    return day.trades[-1].price


def _level(market: Market, day_number: int) -> float:
    """Return the mid price at a day's first instant, in ticks: waves of noise, so that a day needs no other."""
    drift = 0.0
    for octave in range(_OCTAVES):
        span = 2**octave
        cell, place = divmod(day_number, span)
        left, right = (market.numbers("level", octave, c).random() * 2 - 1 for c in (cell, cell + 1))
        drift += 0.01 * math.sqrt(span) * (left + (right - left) * place / span)
    return float(market.start_price.scaleb(market.price_digits)) * (1 + drift)


def _mids(market: Market, day_number: int) -> list[float]:
    """Return the mid price at each minute of a day and at its end, in ticks: a bridge between its two midnights."""
    start, end = _level(market, day_number), _level(market, day_number + 1)
    draw, walk = market.numbers(day_number, "path").random, [0.0]
    for minute in range(MINUTES):
        step = (draw() + draw() + draw() - 1.5) * 2  # about normal, with variance 1
        walk.append(walk[-1] + step * math.sqrt(_HOURLY_ACTIVITY[minute // 60]))
    scale = start * _DAILY_VOLATILITY / math.sqrt(MINUTES)
    share = [minute / MINUTES for minute in range(MINUTES + 1)]
    return [start + (end - start) * s + scale * (w - walk[-1] * s) for s, w in zip(share, walk, strict=True)]


def _add_minute(day: Day, market: Market, mids: list[float], day_number: int, minute: int) -> None:
    """The orders of one minute, each in a millisecond of its own."""
    draw = market.numbers(day_number, minute).random
    average = market.trades_per_day / MINUTES / FILLS_PER_ORDER * _HOURLY_ACTIVITY[minute // 60]
    bustle = draw()
    # The square makes some minutes hectic and many quiet; adding a share of one keeps the average exact.
    orders = int(average * 3 * bustle * bustle + draw())
    if minute == _NOON:
        orders = max(orders, 1)
    start, previous = day_number * NS_PER_DAY + minute * NS_PER_MINUTE, -1
    low, high = mids[minute], mids[minute + 1]
    for millisecond in sorted({int(draw() * 60_000) for _ in range(orders)}):
        quoted = previous + 1 + int(draw() * (millisecond - previous))
        mid = low + (high - low) * millisecond / 60_000
        times = (start + quoted * _NS_PER_MS, start + millisecond * _NS_PER_MS)
        _add_order(day, market, mid, draw() < (0.55 if high > low else 0.45), times, draw)
        previous = millisecond


def _add_order(day: Day, market: Market, mid: float, buys: bool, times: tuple[int, int], draw: Draw) -> None:
    """One order: the quote that it meets, its fills from the best price on, the quote that it leaves."""
    spread = 1 + int(4 * market.spare_spread * draw() * draw())
    bid = max(1, int(mid - spread / 2 + (draw() - 0.5) * 2 * spread))
    ask = bid + spread
    day.quotes.append(_quote(times[0] + int(draw() * 300_000), bid, ask, draw))
    traded = times[1] + 400_000 + int(draw() * 300_000)
    received, price = traded + _latency(draw), ask if buys else bid
    while True:
        day.trades.append(Trade(traded, received, price, _size(draw), "buy" if buys else "sell"))
        if draw() >= _CONTINUES:
            break
        worse = int(draw() * 2)
        price = price + worse if buys else max(1, price - worse)
        received += 1_500
    bid, ask = (bid, price + 1) if buys else (max(1, price - 1), ask)
    day.quotes.append(_quote(times[1] + 800_000 + int(draw() * 200_000), bid, ask, draw))


def _quote(ts_event: int, bid: int, ask: int, draw: Draw) -> Quote:
    return Quote(ts_event, ts_event + _latency(draw), bid, _size(draw), ask, _size(draw))


def _latency(draw: Draw) -> int:
    """Nanoseconds from the exchange to the receiver: 0.3 ms as a rule, 10 ms at worst."""
    return 200_000 + int(100_000 / (1.01 - draw()))


def _size(draw: Draw) -> int:
    """Lots: 3,000 is the median, one in a thousand is above two million."""
    share = draw()
    return 1 + int(3_000 * share / (1.0005 - share))
