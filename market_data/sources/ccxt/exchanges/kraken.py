"""Kraken: trades by its cursor, the ns of the last trade of a page; candles as far back as 720 of them reach.

The cursor excludes its own ns, and two trades may share one: so a page begins one ns before the last one's end, and
the trades that come twice are known by their ids. A trade's own time is rounded to fewer digits than the cursor: so
the walk begins and ends a ms beyond the day, and what the times say is of other days is left out when decoding.
Source: https://docs.kraken.com/api-reference/market-data/get-recent-trades
"""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from market_data.domain.errors import NotAvailable
from market_data.domain.time import NS_PER_SECOND, day_bounds
from market_data.sources.ccxt.exchange_facts import TRAITS
from market_data.sources.ccxt.exchanges._steps import STEPS
from market_data.sources.ccxt.pages import (
    NS_PER_MS,
    Call,
    Market,
    Page,
    Unfit,
    Walk,
    listed,
    must_ascend,
    ns_of_seconds,
    parsed,
    whole,
    wholes,
)

_LIMITS = TRAITS["kraken"]
_MINUTES = {"1m": 1, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "4h": 240, "1d": 1440}
_ROUNDED_NS = NS_PER_MS // 10
"""By so much a trade's time may lie beside its cursor: old ones have four digits after the second."""


class Kraken:
    """Kraken's spot markets."""

    newest_first = pages_newest_first = False
    trade: ClassVar[Mapping[str, str | int]] = {"trade_id": 6, "price": 0, "size": 1, "side": 3, "order_type": 4}
    sides: ClassVar[Mapping[Any, str]] = {"b": "buy", "s": "sell"}
    bar: ClassVar[Mapping[str, str | int]] = {
        **{"open": 1, "high": 2, "low": 3, "close": 4},
        **{"vwap": 5, "volume": 6, "trade_count": 7},
    }

    def __init__(self, exchange: str, market: Market, page_size: int | None) -> None:  # noqa: ARG002
        self._pair = str(market["id"])
        self._size = min(page_size or _LIMITS.trades, _LIMITS.trades)

    def start(self, ask: Callable[[Call], Page], day: dt.date) -> int | None:  # noqa: ARG002
        """See the protocol: the cursor is a time."""
        return None

    def started(self, call: Call) -> int | None:  # noqa: ARG002
        """See the protocol."""
        return None

    def trades(self, day: dt.date, start: int | None) -> Walk:  # noqa: ARG002
        """From a ms before the day to one after it, or to the last there is."""
        begin, end = day_bounds(day)
        since = begin - NS_PER_MS
        while True:
            page = yield self._since(since)
            if page.cursor - 1 <= since and page.cursor < end + NS_PER_MS:
                newer = yield self._since(page.cursor)
                if not newer.ids:
                    return
                self._must_adjoin(page, newer)
                page = newer
            if page.cursor >= end + NS_PER_MS:
                return
            since = page.cursor - 1

    def candles(self, timeframe: str, day: dt.date) -> Walk:
        """Yield one page: there are no others."""
        if timeframe not in _MINUTES:
            raise NotAvailable(f"Kraken has no candles of {timeframe}; it has {', '.join(_MINUTES)}")
        (begin, _), step = day_bounds(day), STEPS[timeframe]
        since = str((begin - step) // NS_PER_SECOND)
        page = yield Call("publicGetOHLC", {"pair": self._pair, "interval": _MINUTES[timeframe], "since": since})
        if len(page.times) >= _LIMITS.bars and page.times[0] > begin:
            reach = dt.timedelta(microseconds=_LIMITS.bars * step // 1_000)
            raise NotAvailable(
                f"Kraken keeps the last {_LIMITS.bars} candles: those of {timeframe} reach {reach} back, and not to "
                f"{day}; take a longer timeframe (candles), or build them from trades"
            )

    def read(self, call: Call, text: str) -> Page:
        """See the protocol."""
        result = _result(parsed(text))
        names = [name for name in result if name != "last"]
        if len(names) > 1 or "last" not in result:
            raise Unfit(f"a result of {', '.join(result)}")
        records = listed(result[names[0]], "the result") if names else []
        try:
            if call.method == "publicGetOHLC":
                times = [whole(record[0]) * NS_PER_SECOND for record in records]
                must_ascend(times, "candles")
                return Page(records, (), times, whole(result["last"]))
            ids = wholes([record[6] for record in records])
            times = [ns_of_seconds(record[2]) for record in records]
        except (IndexError, TypeError, KeyError) as error:
            raise Unfit(f"a record that is too short: {error}") from None
        return _trades(call, Page(records, ids, times, whole(result["last"])))

    def _since(self, cursor: int) -> Call:
        return Call("publicGetTrades", {"pair": self._pair, "since": str(cursor), "count": self._size})

    def _must_adjoin(self, page: Page, newer: Page) -> None:
        """A page whose trades share one ns may lack some of that ns; where the ids go on, it does not."""
        if page.ids and newer.ids[0] != page.ids[-1] + 1:
            raise NotAvailable(
                f"trades after id {page.ids[-1]} share one ns and fill a page of {self._size}: Kraken's cursor cannot "
                "part them; take a greater page_size"
            )


def _result(content: Any) -> dict[str, Any]:
    result = content.get("result") if isinstance(content, dict) else None
    if not isinstance(result, dict):
        raise Unfit(f"no result: {str(content)[:100]}")
    return result


def _trades(call: Call, page: Page) -> Page:
    since = whole(call.params["since"])
    must_ascend(page.ids, "ids")
    early = page.times and page.times[0] < since - _ROUNDED_NS
    late = page.times and page.cursor < page.times[-1] - _ROUNDED_NS
    if early or late or page.cursor < since:
        raise Unfit(f"a page that does not begin at {since}, or does not end at its own cursor {page.cursor}")
    return page


WAY = Kraken
