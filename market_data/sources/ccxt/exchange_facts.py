"""One small table: what is particular of each exchange. How its pages are walked stands in `ways`.

Light: read when a feed is configured. Sources of the figures: the exchanges' documentation of their limits.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from market_data.domain.ports.source import EmptyBars
from market_data.sources.ccxt.options import Timeframe
from market_data.vendor_access.rate_limits import Rate


@dataclass(frozen=True, slots=True)
class Traits:
    """What is particular of an exchange.

    Attributes:
        empty_bars: what it publishes for an interval without trades.
        candles: the timeframes of `vendor_candles` where the options name none.
        rates: its limits, from the shortest window to the longest; none where CCXT's own pace is all that is known.
        weights: what a request counts, by the end of its path; any other counts `weight`.
        trades: trades of a page, at most.
        bars: candles of a page, at most.
        running_ids: whether its trades have whole numbers as ids that grow with time.
        currencies: whether CCXT needs an exchange's currencies to tell its markets; else they are not asked for.
    """

    empty_bars: EmptyBars = "absent"
    candles: tuple[Timeframe, ...] = ("1m", "1h")
    rates: tuple[Rate, ...] = ()
    weights: Mapping[str, int] = field(default_factory=dict[str, int])
    weight: int = 1
    trades: int = 1_000
    bars: int = 300
    running_ids: bool = True
    currencies: bool = False


TRAITS: Mapping[str, Traits] = {
    # 6,000 a minute and address; aggTrades count 4, klines 2. Of the futures' 2,400 they count 20 and
    # 10, here in proportion. The rate by second keeps bursts from others' trouble.
    "binance": Traits(
        empty_bars="flat",
        rates=(Rate(200, 1.0), Rate(6_000, 60.0)),
        weights={"/v3/exchangeInfo": 20, "/v3/aggTrades": 4, "/v3/klines": 2, "/aggTrades": 50, "/klines": 25},
        weight=2,
        bars=1_000,
    ),
    # Public: ten a second and address.
    "coinbase": Traits(rates=(Rate(9, 1.0), Rate(500, 60.0))),
    "coinbaseexchange": Traits(rates=(Rate(9, 1.0), Rate(500, 60.0))),
    # Public: about one a second, by address and pair. It keeps 720 candles: 1m reach twelve hours back.
    "kraken": Traits(
        empty_bars="flat", candles=("5m", "1h"), rates=(Rate(1, 1.0), Rate(55, 60.0)), bars=720, currencies=True
    ),
}
GENERIC = Traits(trades=500, bars=500, running_ids=False, currencies=True)
"""Any other exchange."""


def traits(exchange: str) -> Traits:
    """Return those of an exchange by CCXT's id."""
    return TRAITS.get(exchange, GENERIC)
