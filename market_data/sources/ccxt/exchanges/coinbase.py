"""Coinbase Advanced: trades by windows of whole seconds, of which it gives the newest; so the window's end goes down.

A second is known to have come whole when its page holds something older, since what a page cannot hold is cut off at
its old end. Where one second fills a page, the ids must go on beneath it; else nobody knows what is missing, and the
day is refused. Source: https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api/public/get-public-market-trades
"""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from market_data.domain.errors import NotAvailable
from market_data.domain.time import NS_PER_SECOND, day_bounds
from market_data.sources.ccxt.exchange_facts import TRAITS
from market_data.sources.ccxt.exchanges._steps import STEPS
from market_data.sources.ccxt.pages import (
    Call,
    IsoTimes,
    Market,
    Page,
    Params,
    Unfit,
    Walk,
    listed,
    must_ascend,
    parsed,
    whole,
    wholes,
)

_LIMITS = TRAITS["coinbase"]
_TRADES = "v3PublicGetBrokerageMarketProductsProductIdTicker"
_CANDLES = "v3PublicGetBrokerageMarketProductsProductIdCandles"
_NAMES = {
    **{"1m": "ONE_MINUTE", "5m": "FIVE_MINUTE", "15m": "FIFTEEN_MINUTE", "30m": "THIRTY_MINUTE"},
    **{"1h": "ONE_HOUR", "2h": "TWO_HOUR", "6h": "SIX_HOUR", "1d": "ONE_DAY"},
}


class Coinbase:
    """The markets of Coinbase Advanced."""

    newest_first = pages_newest_first = True
    trade: ClassVar[Mapping[str, str | int]] = {
        "trade_id": "trade_id",
        "price": "price",
        "size": "size",
        "side": "side",
    }
    sides: ClassVar[Mapping[Any, str]] = {"BUY": "buy", "SELL": "sell"}
    bar: ClassVar[Mapping[str, str | int]] = {n: n for n in ("open", "high", "low", "close", "volume")}

    def __init__(self, exchange: str, market: Market, page_size: int | None) -> None:  # noqa: ARG002
        self._product = str(market["id"])
        self._trades = min(page_size or _LIMITS.trades, _LIMITS.trades)
        self._bars = min(page_size or _LIMITS.bars, _LIMITS.bars)
        self._iso = IsoTimes()

    def start(self, ask: Callable[[Call], Page], day: dt.date) -> int | None:  # noqa: ARG002
        """See the protocol: the windows are times."""
        return None

    def started(self, call: Call) -> int | None:  # noqa: ARG002
        """See the protocol."""
        return None

    def trades(self, day: dt.date, start: int | None) -> Walk:  # noqa: ARG002
        """From a second after the day down to one before it."""
        begin, end = day_bounds(day)
        top, known = end // NS_PER_SECOND + 1, None
        while True:
            page = yield self._window(day, top, known)
            if not page.ids or page.times[-1] < begin:
                return
            oldest, known = page.times[-1] // NS_PER_SECOND, page.ids[-1]
            if oldest + 1 < top:
                top = oldest + 1
                continue
            older = yield self._window(day, oldest, None)  # whether it holds its last second is not documented
            rest = [i for i, t in zip(older.ids, older.times, strict=True) if t < oldest * NS_PER_SECOND]
            if not rest:
                return
            if rest[0] != page.ids[-1] - 1:
                raise NotAvailable(
                    f"the trades above id {page.ids[-1]} are of one second and fill a page: Coinbase Advanced cannot "
                    "part them; take the exchange coinbaseexchange, which pages by id"
                )
            top = oldest

    def candles(self, timeframe: str, day: dt.date) -> Walk:
        """300 a page, by time; what was not traded in has none."""
        if timeframe not in _NAMES:
            raise NotAvailable(f"Coinbase Advanced has no candles of {timeframe}; it has {', '.join(_NAMES)}")
        (begin, end), step = day_bounds(day), STEPS[timeframe]
        for first in range(begin, end, self._bars * step):
            last = min(first + self._bars * step, end) // NS_PER_SECOND - 1
            span: Params = {"start": str(first // NS_PER_SECOND), "end": str(last), "granularity": _NAMES[timeframe]}
            yield Call(_CANDLES, {"product_id": self._product, **span})

    def read(self, call: Call, text: str) -> Page:
        """See the protocol."""
        content, name = parsed(text), "candles" if call.method == _CANDLES else "trades"
        records = listed(content.get(name) if isinstance(content, dict) else content, name)
        first, last = (whole(call.params[bound]) * NS_PER_SECOND for bound in ("start", "end"))
        try:
            if call.method == _CANDLES:
                ids, times = (), [whole(record["start"]) * NS_PER_SECOND for record in records]
                must_ascend(times[::-1], "candles")
            else:
                ids = wholes([record["trade_id"] for record in records])
                times = [self._iso.ns(record["time"]) for record in records]
                must_ascend(ids[::-1], "ids")
                _must_reach(call, ids)
        except (KeyError, TypeError, IndexError) as error:
            raise Unfit(f"a record without {error}") from None
        if times and not first <= min(times) <= max(times) < last + NS_PER_SECOND:
            raise Unfit(f"holds {name} of another time than was asked for")
        return Page(records, ids, times)

    def _window(self, day: dt.date, top: int, known: int | None) -> Call:
        bottom = day_bounds(day)[0] // NS_PER_SECOND - 1
        span: Params = {"start": str(bottom), "end": str(top), "limit": self._trades}
        return Call(_TRADES, {"product_id": self._product, **span}, known)


def _must_reach(call: Call, ids: list[int]) -> None:
    """A window holds the second of a trade that was seen before: its newest trade is that one, or a later one."""
    if call.known is not None and (not ids or ids[0] < call.known):
        raise Unfit(f"does not reach id {call.known}, which was seen before")


WAY = Coinbase
