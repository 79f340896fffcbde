"""Any other exchange, by CCXT's unified methods: trades by time, with ids that must overlap from page to page.

Complete is what begins with a trade of before the day, holds the last one of each page in the next, and ends with one
of after the day. Where an exchange does not answer so (it gives the newest trades only, or ends an answer before its
next trade), the day is refused: nobody could say what is missing. CCXT parses the landed answers again when they are
decoded, with every number left as text.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, cast

import ccxt

from market_data.domain.errors import NotAvailable
from market_data.domain.time import NS_PER_HOUR, NS_PER_MINUTE, day_bounds
from market_data.sources.ccxt.exchange_facts import GENERIC
from market_data.sources.ccxt.exchanges._steps import STEPS
from market_data.sources.ccxt.pages import NS_PER_MS, Call, Market, Page, Params, Unfit, Walk, parsed, whole

_LEADS = (NS_PER_MINUTE, 10 * NS_PER_MINUTE, NS_PER_HOUR, 6 * NS_PER_HOUR, 24 * NS_PER_HOUR)
_TRADES, _CANDLES = "fetch_trades", "fetch_ohlcv"


class Generic:
    """By `fetch_trades` and `fetch_ohlcv`, whatever they ask for."""

    newest_first = pages_newest_first = False
    trade: ClassVar[Mapping[str, str | int]] = {"trade_id": "id", "price": "price", "size": "amount", "side": "side"}
    sides: ClassVar[Mapping[Any, str]] = {"buy": "buy", "sell": "sell"}
    bar: ClassVar[Mapping[str, str | int]] = {"open": 1, "high": 2, "low": 3, "close": 4, "volume": 5}

    def __init__(self, exchange: str, market: Market, page_size: int | None) -> None:
        self._exchange, self._symbol = exchange, str(market["symbol"])
        self._trades, self._bars = page_size or GENERIC.trades, page_size or GENERIC.bars
        self._client = _offline(exchange, market)

    def start(self, ask: Callable[[Call], Page], day: dt.date) -> int | None:  # noqa: ARG002
        """See the protocol: the cursor is a time."""
        return None

    def started(self, call: Call) -> int | None:  # noqa: ARG002
        """See the protocol."""
        return None

    def trades(self, day: dt.date, start: int | None) -> Walk:  # noqa: ARG002
        """From a trade of before the day to one of after it."""
        begin, end = day_bounds(day)
        for lead in _LEADS:
            page = yield self._since(begin - lead)
            if page.times and page.times[0] < begin:
                break
        else:
            raise self._unproved("no answer begins with a trade of before the day")
        while page.times[-1] < end:
            newer = yield self._since(page.times[-1])
            known = set(page.ids)
            if page.ids[-1] not in newer.ids:
                raise self._unproved(f"the trade {page.ids[-1]} is not in the answer that begins at its own time")
            if known.issuperset(newer.ids):
                raise self._unproved(f"nothing comes after the trade {page.ids[-1]}")
            page = newer

    def candles(self, timeframe: str, day: dt.date) -> Walk:
        """By time, until the day's end or an answer with nothing new."""
        if timeframe not in self._client.timeframes:
            raise NotAvailable(f"{self._exchange} has no candles of {timeframe}")
        (begin, end), step = day_bounds(day), STEPS[timeframe]
        found = False
        while begin < end:
            span: Params = {"since": begin // NS_PER_MS, "limit": self._bars}
            page = yield Call(_CANDLES, {"symbol": self._symbol, "timeframe": timeframe, **span})
            found = found or any(time < end for time in page.times)
            if not page.times or page.times[-1] < begin:
                break
            begin = page.times[-1] + step
        if not found:
            raise NotAvailable(f"{self._exchange} gives no candles of {timeframe} for {day}")

    def read(self, call: Call, text: str) -> Page:
        """See the protocol."""
        self._client.answer = parsed(text)
        try:
            records: list[Any] = getattr(self._client, call.method)(**call.params)
        except (ccxt.BaseError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise Unfit(f"CCXT cannot read it: {type(error).__name__}: {error}") from None
        if call.method == _CANDLES:
            return Page(records, (), [whole(record[0]) * NS_PER_MS for record in records])
        if any(record["id"] is None for record in records):
            raise self._unproved("its trades have no ids")
        if all(str(record["id"]).isdigit() for record in records):
            records.sort(key=lambda record: (record["timestamp"], int(record["id"])))  # CCXT sorts ids as text
        times = [whole(record["timestamp"]) * NS_PER_MS for record in records]
        return Page(records, [str(record["id"]) for record in records], times)

    def _since(self, ns: int) -> Call:
        return Call(_TRADES, {"symbol": self._symbol, "since": ns // NS_PER_MS, "limit": self._trades})

    def _unproved(self, why: str) -> NotAvailable:
        return NotAvailable(
            f"{self._exchange} does not prove that its trades are complete: {why}; take its candles alone (tables: "
            "[vendor_candles])"
        )


def _offline(exchange: str, market: Market) -> Any:
    """CCXT's client of an exchange that knows one market, asks nobody, and reads what it is given as `answer`."""

    class Offline(getattr(ccxt, exchange)):
        answer: Any = None

        def fetch(self, *_: Any, **__: Any) -> Any:
            return self.answer

    client = cast("Any", Offline({"enableRateLimit": False}))
    client.number = str
    client.set_markets([dict(market)])
    return client


WAY = Generic
