"""What truly was traded on a loopback exchange: a function of a seed and a count. No protocol stands here."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from market_data.domain.time import NS_PER_DAY, NS_PER_HOUR, day_bounds

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Truth:
    """Trades of a day and a few of the days around, in order; ids grow and have holes.

    Attributes:
        price: in hundredths of the quote.
        size: in hundred millionths of the base.
        buy: whether the aggressor bought.
    """

    day: dt.date
    id: Ints
    ns: Ints
    price: Ints
    size: Ints
    buy: npt.NDArray[np.bool_]

    @cached_property
    def times(self) -> dict[str, Ints]:
        """The instants as each exchange tells them: in ms, in µs, or rounded to 100 ns."""
        return {
            "binance": self.ns // 1_000_000 * 1_000_000,
            "kraken": (self.ns + 50) // 100 * 100,
            "coinbase": self.ns // 1_000 * 1_000,
            "coinbaseexchange": self.ns // 1_000 * 1_000,
        }

    def of_the_day(self, exchange: str) -> list[tuple[Any, ...]]:
        """id, ns, price, size, side of the day's trades, as the exchange tells their times."""
        begin, end = day_bounds(self.day)
        times = self.times[exchange]
        return [
            (
                str(self.id[i]),
                int(times[i]),
                Decimal(int(self.price[i])).scaleb(-2),
                Decimal(int(self.size[i])).scaleb(-8),
                "buy" if self.buy[i] else "sell",
            )
            for i in np.flatnonzero((times >= begin) & (times < end))
        ]

    def bars(self, exchange: str, step: int, last: int, *, flat: bool) -> list[dict[str, Any]]:
        """Bars of `step` ns up to the one that `last` lies in, from the first trade on, by the exchange's times."""
        known = self.times[exchange] <= last
        buckets, firsts = np.unique(self.times[exchange][known] // step * step, return_index=True)
        ends = [*firsts[1:], known.sum()]
        made = {
            int(bucket): self._bar(int(first), int(end))
            for bucket, first, end in zip(buckets, firsts, ends, strict=True)
        }
        opens = range(int(buckets[0]), last // step * step + 1, step) if flat else made
        bars: list[dict[str, Any]] = []
        for open_ns in opens:
            bar = made.get(open_ns) or dict.fromkeys(("open", "high", "low", "close"), bars[-1]["close"])
            bars.append({"volume": 0, "turnover": 0, "count": 0, "aggregated": 0} | bar | {"ns": int(open_ns)})
        return bars

    def _bar(self, first: int, end: int) -> dict[str, Any]:
        price, size = self.price[first:end], self.size[first:end]
        return {
            **{"open": int(price[0]), "high": int(price.max()), "low": int(price.min()), "close": int(price[-1])},
            **{"volume": int(size.sum()), "turnover": int((price * size).sum()), "count": end - first},
            "aggregated": int((self.id[first:end] % 3 + 1).sum()),
        }


def truth(day: dt.date, count: int, seed: int = 1, *, quiet_hours: int = 0, around: int | None = None) -> Truth:
    """So many trades on the day, `around` more before and after it, none in the first `quiet_hours`.

    Some hundreds share a ms where there are enough, a few of them a ns; the day's first and last ns have one each, and
    so have the ns before and after it.
    """
    random = np.random.default_rng(seed)
    begin, end = day_bounds(day)
    around = count // 10 + 5 if around is None else around
    inside = random.integers(begin + quiet_hours * NS_PER_HOUR, end, count)
    crowd = min(300, count // 5)
    for first in random.integers(0, max(count - crowd, 1), min(count // 1_000 + 1, 200) if crowd else 0):
        here = slice(first, first + crowd)
        inside[here] = inside[here][:1] // 1_000_000 * 1_000_000 + random.integers(0, 1_000_000, len(inside[here]))
        inside[first : first + 4] = inside[here][:1]
    if count > 1 and not quiet_hours:
        inside[0], inside[-1] = begin, end - 1
    before = random.integers(begin - NS_PER_DAY, begin, around)
    after = random.integers(end, end + NS_PER_HOUR, around)
    if around:
        before[0], after[0] = begin - 1, end
    ns = np.sort(np.concatenate([before, inside, after]))
    holes = (random.random(len(ns)) < 0.02) * random.integers(1, 5, len(ns))
    return Truth(
        day=day,
        id=1_000 + np.cumsum(1 + holes),
        ns=ns,
        price=3_000_000 + np.cumsum(random.integers(-20, 21, len(ns))),
        size=random.integers(1, 300_000_000, len(ns)),
        buy=random.random(len(ns)) < 0.5,
    )
