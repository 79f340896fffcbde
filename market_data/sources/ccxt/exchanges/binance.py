"""Binance: trades by `fromId`, which neither a busy millisecond nor a silent hour can mislead; klines by time.

aggTrades by time end an hour after `startTime`, and an empty answer is not the end; so time only finds the first id,
and what finds it is proved: the walk begins with a trade of before the day.
Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/market-data-endpoints
"""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from market_data.domain.errors import NotAvailable
from market_data.domain.time import NS_PER_HOUR, day_bounds
from market_data.sources.ccxt.exchange_facts import TRAITS
from market_data.sources.ccxt.exchanges._steps import STEPS
from market_data.sources.ccxt.pages import (
    NS_PER_MS,
    Call,
    Market,
    Page,
    Params,
    Unfit,
    Walk,
    listed,
    must_ascend,
    must_begin,
    parsed,
    whole,
    wholes,
)

_LIMITS = TRAITS["binance"]


class Binance:
    """Spot, USD-M (`BTC/USDT:USDT`) and COIN-M (`BTC/USD:BTC`)."""

    newest_first = pages_newest_first = False
    trade: ClassVar[Mapping[str, str | int]] = {
        "trade_id": "a",
        "price": "p",
        "size": "q",
        "side": "m",
        "first_trade_id": "f",
        "last_trade_id": "l",
    }
    # The taker is the aggressor: where the buyer's order was resting, a seller came.
    sides: ClassVar[Mapping[Any, str]] = {True: "sell", False: "buy"}
    bar: ClassVar[Mapping[str, str | int]] = {
        **dict(zip(("open", "high", "low", "close", "volume"), range(1, 6), strict=True)),
        "quote_volume": 7,
        "trade_count": 8,
    }

    def __init__(self, exchange: str, market: Market, page_size: int | None) -> None:  # noqa: ARG002
        self._symbol = str(market["id"])
        self._api = "fapiPublic" if market.get("linear") else "dapiPublic" if market.get("inverse") else "public"
        self._trades = min(page_size or _LIMITS.trades, _LIMITS.trades)
        self._bars = min(page_size or _LIMITS.bars, _LIMITS.bars)

    def start(self, ask: Callable[[Call], Page], day: dt.date) -> int | None:
        """Return the id of the last trade before the day, or 0 where there is none."""
        begin, _ = day_bounds(day)
        found = self._first_by_time(ask, day)
        if found is None:
            newest = ask(self._agg({"limit": 1}))
            return self._last_before(ask, begin, newest.ids[0] + 1) if newest.ids else 0
        before = ask(self._agg({"fromId": max(found - 1, 0), "limit": 1}))
        if before.ids and before.times[0] < begin:
            return before.ids[0]
        return self._last_before(ask, begin, found)

    def started(self, call: Call) -> int | None:
        """See the protocol."""
        return whole(call.params.get("fromId"))

    def trades(self, day: dt.date, start: int | None) -> Walk:
        """From the last trade before the day to one after it, or to the last there is.

        Each page begins with the last trade of the one before. One that holds nothing else is the end.
        """
        begin, end = day_bounds(day)
        cursor, first = start or 0, True
        while True:
            page = yield self._agg({"fromId": cursor, "limit": self._trades}, known=cursor or None)
            if first and cursor and page.times[0] >= begin:
                raise NotAvailable(f"aggTrades from id {cursor} on do not begin before {day}")
            if not page.ids or page.times[-1] >= end or page.ids[-1] == cursor:
                return
            cursor, first = page.ids[-1], False

    def candles(self, timeframe: str, day: dt.date) -> Walk:
        """As many a page as it gives; an empty one is the end."""
        if timeframe not in STEPS:
            raise NotAvailable(f"Binance has no candles of {timeframe}")
        (begin, end), step = day_bounds(day), STEPS[timeframe]
        while begin < end:
            span = {"startTime": begin // NS_PER_MS, "endTime": end // NS_PER_MS - 1, "limit": self._bars}
            page = yield Call(f"{self._api}GetKlines", {"symbol": self._symbol, "interval": timeframe, **span})
            if not page.times:
                return
            begin = page.times[-1] + step

    def read(self, call: Call, text: str) -> Page:
        """See the protocol."""
        records = listed(parsed(text), "the answer")
        try:
            if call.method.endswith("GetKlines"):
                return _klines(call, records)
            ids = wholes([record["a"] for record in records])
            times = [ms * NS_PER_MS for ms in wholes([record["T"] for record in records])]
        except (KeyError, IndexError, TypeError) as error:
            raise Unfit(f"a record without {error}") from None
        must_ascend(ids, "ids")
        must_begin(call, ids)
        if ids and ids[0] < int(call.params.get("fromId", 0)):
            raise Unfit(f"begins with id {ids[0]}, before the one that was asked for")
        return Page(records, ids, times)

    def _agg(self, params: Params, known: int | None = None) -> Call:
        return Call(f"{self._api}GetAggTrades", {"symbol": self._symbol, **params}, known)

    def _first_by_time(self, ask: Callable[[Call], Page], day: dt.date) -> int | None:
        begin, end = day_bounds(day)
        for hour in range(begin, end, NS_PER_HOUR):
            span: Params = {"startTime": hour // NS_PER_MS, "endTime": (hour + NS_PER_HOUR) // NS_PER_MS - 1}
            if (page := ask(self._agg({**span, "limit": 1}))).ids:
                return page.ids[0]
        return None

    def _last_before(self, ask: Callable[[Call], Page], begin: int, above: int) -> int:
        """By halving: the last id whose trade is older than `begin` (ns) and that is below `above`; 0 if none is."""
        below = 0
        while above - below > 1:
            middle = (below + above) // 2
            page = ask(self._agg({"fromId": middle, "limit": 1}))
            if page.ids and page.times[0] < begin:
                below = page.ids[0]
            else:
                above = middle
        return below


def _klines(call: Call, records: list[Any]) -> Page:
    times = [whole(record[0]) * NS_PER_MS for record in records]
    must_ascend(times, "candles")
    first, last = (whole(call.params[name]) * NS_PER_MS for name in ("startTime", "endTime"))
    if times and not first <= times[0] <= times[-1] <= last:
        raise Unfit("holds candles of another time than was asked for")
    return Page(records, (), times)


WAY = Binance
