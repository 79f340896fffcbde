"""Coinbase Exchange: trades by its own pages, from the newest to the oldest, each `after` the last one's oldest id.

The id at which a day ends is found by halving, since pages are only to be had from an id on.
Source: https://docs.cdp.coinbase.com/exchange/rest-api/pagination
"""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from market_data.domain.errors import NotAvailable
from market_data.domain.time import NS_PER_SECOND, day_bounds, to_datetime
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
    must_begin,
    ns_of_seconds,
    parsed,
    whole,
    wholes,
)

_LIMITS = TRAITS["coinbaseexchange"]
_SECONDS = {"1m": 60, "5m": 300, "15m": 900, "1h": 3_600, "6h": 21_600, "1d": 86_400}


class CoinbaseExchange:
    """The markets of exchange.coinbase.com."""

    newest_first = pages_newest_first = True
    trade: ClassVar[Mapping[str, str | int]] = {
        "trade_id": "trade_id",
        "price": "price",
        "size": "size",
        "side": "side",
    }
    # It tells the maker's side; the aggressor is the other one.
    sides: ClassVar[Mapping[Any, str]] = {"buy": "sell", "sell": "buy"}
    bar: ClassVar[Mapping[str, str | int]] = {"low": 1, "high": 2, "open": 3, "close": 4, "volume": 5}

    def __init__(self, exchange: str, market: Market, page_size: int | None) -> None:  # noqa: ARG002
        self._product = str(market["id"])
        self._trades = min(page_size or _LIMITS.trades, _LIMITS.trades)
        self._bars = min(page_size or _LIMITS.bars, _LIMITS.bars)
        self._iso = IsoTimes()

    def start(self, ask: Callable[[Call], Page], day: dt.date) -> int | None:
        """Return the smallest cursor under which lies a trade of after the day.

        One above all ids where there is none.
        """
        _, end = day_bounds(day)
        newest = ask(self._page({"limit": 1}))
        if not newest.ids:
            return None
        below, above = 0, newest.ids[0] + 1
        if newest.times[0] < end:
            return above
        while above - below > 1:
            middle = (below + above) // 2
            page = ask(self._page({"after": middle, "limit": 1}))
            if page.ids and page.times[0] >= end:
                above = page.ids[0] + 1
            else:
                below = middle
        return above

    def started(self, call: Call) -> int | None:
        """See the protocol."""
        return whole(call.params["after"]) if "after" in call.params else None

    def trades(self, day: dt.date, start: int | None) -> Walk:
        """From the first trade after the day down to one before it, or to the first there is.

        Each page begins with the last trade of the one before. One that holds nothing else is the end.
        """
        begin, _ = day_bounds(day)
        known = None if start is None else start - 1
        while True:
            after: Params = {} if known is None else {"after": known + 1}
            page = yield self._page({"limit": self._trades, **after}, known)
            if not page.ids or page.times[-1] < begin or page.ids[-1] == known:
                return
            known = page.ids[-1]

    def candles(self, timeframe: str, day: dt.date) -> Walk:
        """300 a page, by time; what was not traded in has none."""
        if timeframe not in _SECONDS:
            raise NotAvailable(f"Coinbase Exchange has no candles of {timeframe}; it has {', '.join(_SECONDS)}")
        (begin, end), step = day_bounds(day), STEPS[timeframe]
        for first in range(begin, end, self._bars * step):
            last = min(first + self._bars * step, end) - NS_PER_SECOND
            span: Params = {"start": _iso(first), "end": _iso(last), "granularity": _SECONDS[timeframe]}
            yield Call("publicGetProductsIdCandles", {"id": self._product, **span})

    def read(self, call: Call, text: str) -> Page:
        """See the protocol."""
        records = listed(parsed(text), "the answer")
        try:
            if call.method == "publicGetProductsIdCandles":
                return self._candles(call, records)
            ids = wholes([record["trade_id"] for record in records])
            times = [self._iso.ns(record["time"]) for record in records]
        except (KeyError, IndexError, TypeError) as error:
            raise Unfit(f"a record without {error}") from None
        must_ascend(ids[::-1], "ids")
        must_begin(call, ids)
        if ids and "after" in call.params and ids[0] >= whole(call.params["after"]):
            raise Unfit(f"begins with id {ids[0]}, not below the one that was asked for")
        return Page(records, ids, times)

    def _page(self, params: Params, known: int | None = None) -> Call:
        return Call("publicGetProductsIdTrades", {"id": self._product, **params}, known)

    def _candles(self, call: Call, records: list[Any]) -> Page:
        times = [ns_of_seconds(record[0]) for record in records]
        must_ascend(times[::-1], "candles")
        first, last = (self._iso.ns(call.params[name]) for name in ("start", "end"))
        if times and not first <= times[-1] <= times[0] <= last:
            raise Unfit("holds candles of another time than was asked for")
        return Page(records, (), times)


def _iso(ns: int) -> str:
    return f"{to_datetime(ns):%Y-%m-%dT%H:%M:%SZ}"


WAY = CoinbaseExchange
