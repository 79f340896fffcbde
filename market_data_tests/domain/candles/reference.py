"""The slow, obvious way to make candles: whole numbers, lists and loops. No polars until the rows are compared."""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import polars as pl

from market_data.domain.candles.time import interval
from market_data.domain.contract import polars_schema
from market_data.domain.numbers import PRICE, SIZE
from market_data.domain.tables._bars import Bars
from market_data.domain.time import NS_PER_DAY, day_start

DAY = dt.date(2024, 5, 8)
START = day_start(DAY)
INSTRUMENT = "XRP-ETH"
Group = tuple[str, int | None]
ALONE: Group = (INSTRUMENT, None)


class Trade(NamedTuple):
    """`price` and `size` count units of 1e-9; `stands_for` is how many trades the record stands for."""

    ts: int
    price: int
    size: int
    group: Group = ALONE
    stands_for: int = 1


Bar = dict[str, Any]


def decimal(units: int, digits: int) -> Decimal:
    """Units * 10^-digits, exactly."""
    return Decimal(units).scaleb(-digits, Context(prec=60))


def frame(trades: Sequence[Trade], *, keyed: bool = True) -> pl.DataFrame:
    """Trades as the platform holds them."""
    columns: dict[str, tuple[Any, list[Any]]] = {
        "ts_event": (pl.Int64, [trade.ts for trade in trades]),
        "ordinal": (pl.Int64, list(range(len(trades)))),
        "price": (PRICE, [decimal(trade.price, 9) for trade in trades]),
        "size": (SIZE, [decimal(trade.size, 9) for trade in trades]),
        "trade_count": (pl.Int64, [trade.stands_for for trade in trades]),
    }
    if keyed:
        columns["instrument_id"] = (pl.String, [trade.group[0] for trade in trades])
        columns["publisher_id"] = (pl.Int64, [trade.group[1] for trade in trades])
    return pl.DataFrame({name: pl.Series(values, dtype=dtype) for name, (dtype, values) in columns.items()})


def reference(
    kind: str,
    timeframe: str,
    trades: Sequence[Trade],
    closes: Mapping[Group, int] | None = None,
) -> pl.DataFrame:
    """The candles of one timeframe; `closes`, if given, asks for flat bars and holds the closes of the day before."""
    groups: dict[Group, list[Trade]] = {group: [] for group in closes or {}}
    for trade in trades:
        groups.setdefault(trade.group, []).append(trade)
    rows: list[Bar] = []
    for group in sorted(groups, key=lambda group: (group[0], group[1] is not None, group[1] or 0)):
        bars = _bars(kind, timeframe, groups[group])
        if closes is not None:
            bars = _flat(bars, interval(timeframe), closes.get(group))
        names = {"kind": kind, "timeframe": timeframe, "instrument_id": group[0], "publisher_id": group[1]}
        rows += [names | bar for bar in bars]
    return pl.DataFrame(rows, schema=polars_schema(Bars), orient="row")


def members(kind: str, timeframe: str, trades: Sequence[Trade]) -> list[list[Trade]]:
    """The trades of one group, bar by bar."""
    bars: defaultdict[int, list[Trade]] = defaultdict(list)
    volume = turnover = 0
    for place, trade in enumerate(trades):
        match kind:
            case "time":
                number = trade.ts // interval(timeframe)
            case "tick":
                number = place // int(timeframe[:-1])
            case "volume":
                number = Fraction(volume, 10**9) // Fraction(timeframe[:-1])
            case _:
                number = Fraction(turnover, 10**18) // Fraction(timeframe[:-1])
        bars[int(number)].append(trade)
        volume += trade.size
        turnover += abs(trade.price) * trade.size
    return [bars[number] for number in sorted(bars)]


def _bars(kind: str, timeframe: str, trades: Sequence[Trade]) -> list[Bar]:
    bars = [_bar(trades) for trades in members(kind, timeframe, trades)]
    if kind == "time":
        return [bar | {"ts_open": bar["ts_open"] // interval(timeframe) * interval(timeframe)} for bar in bars]
    return bars


def _bar(trades: Sequence[Trade]) -> Bar:
    volume = sum(trade.size for trade in trades)
    turnover = sum(trade.price * trade.size for trade in trades)
    return {
        "ts_open": trades[0].ts,
        "open": decimal(trades[0].price, 9),
        "high": decimal(max(trade.price for trade in trades), 9),
        "low": decimal(min(trade.price for trade in trades), 9),
        "close": decimal(trades[-1].price, 9),
        "volume": decimal(volume, 9),
        "quote_volume": decimal(turnover, 18),
        # round() of a fraction rounds half-even.
        "vwap": decimal(round(Fraction(turnover * 10**9, volume)), 18) if volume else None,
        "trade_count": sum(trade.stands_for for trade in trades),
    }


def _flat(bars: Sequence[Bar], step: int, previous: int | None) -> list[Bar]:
    by_time = {bar["ts_open"]: bar for bar in bars}
    close = None if previous is None else decimal(previous, 9)
    filled: list[Bar] = []
    for ts_open in range(START, START + NS_PER_DAY, step):
        bar = by_time.get(ts_open)
        if bar is None and close is not None:
            prices = dict.fromkeys(("open", "high", "low", "close"), close)
            nothing = {"volume": Decimal(0), "quote_volume": Decimal(0), "vwap": None, "trade_count": 0}
            bar = {"ts_open": ts_open, **prices, **nothing}
        if bar is not None:
            filled.append(bar)
            close = bar["close"]
    return filled
