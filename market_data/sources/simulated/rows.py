"""What the simulated vendor publishes: the columns of its files, and a day's clean records as text."""

from collections.abc import Callable, Iterator, Sequence

from market_data.sources.simulated.candles import Candle, candles, vwap
from market_data.sources.simulated.defects import Row
from market_data.sources.simulated.market import Market, last_price, simulate

COLUMNS = {
    "instruments": ("symbol", "base", "quote", "tick_size", "lot_size"),
    "trades": ("trade_id", "ts_event", "ts_recv", "price", "size", "side"),
    "quotes": ("ts_event", "ts_recv", "bid_price", "bid_size", "ask_price", "ask_size"),
    "vendor_candles": (
        *("timeframe", "ts_open", "open", "high", "low", "close"),
        *("volume", "quote_volume", "vwap", "trade_count"),
    ),
}
_IDS_PER_DAY = 1_000_000_000


def rows(table: str, market: Market, day_number: int, timeframes: Sequence[str]) -> list[Row]:
    """Return a table's records of one day, in the order in which the vendor sends them."""
    if table == "instruments":
        return [_instrument(market)]
    if table == "trades":
        return list(_trades(market, day_number))
    if table == "quotes":
        return list(_quotes(market, day_number))
    return list(_candles(market, day_number, timeframes))


def _instrument(market: Market) -> Row:
    base, _, quote = market.symbol.partition("-")
    tick, lot = _decimal(market.price_digits)(1), _decimal(market.size_digits)(1)
    return [market.symbol, base if quote else "", quote, tick, lot]


def _trades(market: Market, day_number: int) -> Iterator[Row]:
    price, size = _decimal(market.price_digits), _decimal(market.size_digits)
    for trade_id, trade in enumerate(simulate(market, day_number).trades, day_number * _IDS_PER_DAY):
        times = str(trade.ts_event), str(trade.ts_recv)
        yield [str(trade_id), *times, price(trade.price), size(trade.size), trade.side]


def _quotes(market: Market, day_number: int) -> Iterator[Row]:
    price, size = _decimal(market.price_digits), _decimal(market.size_digits)
    for quote in simulate(market, day_number).quotes:
        bid = price(quote.bid_price), size(quote.bid_size)
        ask = price(quote.ask_price), size(quote.ask_size)
        yield [str(quote.ts_event), str(quote.ts_recv), *bid, *ask]


def _candles(market: Market, day_number: int, timeframes: Sequence[str]) -> Iterator[Row]:
    trades, close = simulate(market, day_number).trades, last_price(market, day_number - 1)
    for timeframe in timeframes:
        for candle in candles(trades, timeframe, day_number, close):
            yield [timeframe, *_candle(candle, market)]


def _candle(candle: Candle, market: Market) -> Row:
    price, average = _decimal(market.price_digits), vwap(candle, market.price_digits)
    return [
        str(candle.ts_open),
        *(price(ticks) for ticks in (candle.open, candle.high, candle.low, candle.close)),
        _decimal(market.size_digits)(candle.volume),
        _decimal(market.price_digits + market.size_digits)(candle.quote_volume),
        "" if average is None else _decimal(18)(average),
        str(candle.trade_count),
    ]


def _decimal(digits: int) -> Callable[[int], str]:
    """Return what writes a whole number of units of 10^-digits as an exact decimal."""
    unit = 10**digits
    return lambda units: f"{units // unit}.{units % unit:0{digits}d}" if digits else str(units)
