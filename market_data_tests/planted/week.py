"""The week without a defect: the simulated exchange's own market, as the tables of a day."""

import dataclasses
import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from functools import cache

import polars as pl

from market_data.domain.account import Account
from market_data.domain.candles import candle_kind
from market_data.domain.checks.cross_vendor import Limits as CrossVendorLimits
from market_data.domain.contract import polars_schema
from market_data.domain.numbers import PRICE, SIZE
from market_data.domain.partition import Partition
from market_data.domain.ports.candle_kind import BarContext
from market_data.domain.ports.check import RevisionFacts
from market_data.domain.ports.source import Delivery
from market_data.domain.tables import table
from market_data.domain.time import NS_PER_HOUR, day_start
from market_data.sources.simulated.market import Market, simulate
from market_data_tests.partition_view import IN_TIME, MemoryView
from market_data_tests.planted.changes import without_hours

FIRST_DAY = dt.date(2024, 1, 15)
DAYS = 7
SYMBOL = "AAA-USD"
TABLES = ("instruments", "trades", "quotes", "statistics", "vendor_candles", "candles")
ILLIQUID = (20, 60, 300, 1_000)
"""Trades a day."""
TIMEFRAMES = ("1m", "5m", "1h", "1d")
DELIVERIES: Mapping[str, Delivery] = {
    "instruments": Delivery(table("instruments").schema, None, ("instrument_id",)),
    "trades": Delivery(table("trades").schema, "ts_event", ("trade_id",), running_id=True),
    "quotes": Delivery(table("quotes").schema, "ts_event"),
    "statistics": Delivery(table("statistics").schema, "ts_event"),
    "vendor_candles": Delivery(table("vendor_candles").schema, "ts_open", ("kind", "timeframe", "ts_open")),
}


def clean_day(number: int, trades_per_day: int = 3_000) -> MemoryView:
    """A day of the week without a defect."""
    rows = _rows(number, trades_per_day)
    partition = Partition("planted", FIRST_DAY + dt.timedelta(days=number), SYMBOL)
    due = dt.datetime.combine(partition.date + dt.timedelta(days=1), dt.time(12), dt.UTC)
    other = MemoryView({"candles": rows["candles"]}, partition=Partition("other", partition.date, SYMBOL))
    ids = rows["trades"]["trade_id"].cast(pl.Int64).to_list()
    account = Account(len(ids), len(ids), expected=len(ids), first_id=ids[0], last_id=ids[-1], id_holes=0)
    return MemoryView(
        rows,
        tables=TABLES,
        deliveries=DELIVERIES,
        accounts={"trades": account},
        partition=partition,
        due_at=due,
        first_committed_at=due - dt.timedelta(hours=3),
        limits={("cross_vendor", "candles"): CrossVendorLimits(feed="other")},
        others={("other", SYMBOL): other},
        before={name: RevisionFacts(1, Account(1, 1), IN_TIME, {}, "c") for name in TABLES},
    )


@cache
def _rows(number: int, trades_per_day: int) -> dict[str, pl.DataFrame]:
    day = FIRST_DAY + dt.timedelta(days=number)
    market = Market(7, SYMBOL, trades_per_day, Decimal(3_000))
    simulated = simulate(market, (day - dt.date(1970, 1, 1)).days)
    price, size = 10 ** (9 - market.price_digits), 10 ** (9 - market.size_digits)
    trades = pl.DataFrame(simulated.trades, schema=["ts_event", "ts_recv", "price", "size", "side"], orient="row")
    names = ["ts_event", "ts_recv", "bid_price", "bid_size", "ask_price", "ask_size"]
    quotes = pl.DataFrame(simulated.quotes, schema=names, orient="row")
    first_id = number * 1_000_000
    trades = _typed("trades", trades, price, size, trade_id=(pl.int_range(pl.len()) + first_id).cast(pl.String))
    context = BarContext(day, "ts_event", SYMBOL)
    candles = candle_kind("time").build(trades.lazy(), TIMEFRAMES, context).collect()
    listed = {"instrument_id": SYMBOL, "raw_symbol": SYMBOL, "kind": "spot"}
    tick = {"tick_size": Decimal(1).scaleb(-market.price_digits)}
    instruments = pl.DataFrame([{**listed, **tick}], schema=polars_schema(table("instruments").schema))
    rows = {"instruments": instruments, "trades": trades, "quotes": _typed("quotes", quotes, price, size)}
    return {**rows, "statistics": _statistics(day, trades), "vendor_candles": candles, "candles": candles}


def _typed(name: str, rows: pl.DataFrame, price: int, size: int, **more: pl.Expr) -> pl.DataFrame:
    """Ticks and lots as exact decimals, in the table's columns."""
    types = polars_schema(table(name).schema)
    scale: dict[pl.DataType, int] = {PRICE: price, SIZE: size}
    decimals = [
        (pl.col(column).cast(pl.Int128) * scale[kind]).reinterpret(dtype=kind)
        for column, kind in types.items()
        if kind in scale
    ]
    ordinal = pl.int_range(pl.len(), dtype=pl.Int64)
    return rows.with_columns(*decimals, ordinal=ordinal, **more).select(list(types))


def _statistics(day: dt.date, trades: pl.DataFrame) -> pl.DataFrame:
    """What the venue says at 18:00 of the session so far, and of its volume at the day's end."""
    at = day_start(day) + 18 * NS_PER_HOUR
    before = trades.filter(pl.col("ts_event") < at)
    said = {
        "trading_session_high_price": before["price"].max(),
        "trading_session_low_price": before["price"].min(),
        "settlement_price": before["price"][-1],
    }
    rows = [
        {"ts_event": at, "ordinal": n, "instrument_id": SYMBOL, "stat_type": kind, "price": value}
        for n, (kind, value) in enumerate(said.items())
    ]
    return pl.DataFrame(rows, schema=polars_schema(table("statistics").schema))


def halt(view: MemoryView) -> MemoryView:
    """No defect: trades and quotes stop for an hour, and the ids go on where they stopped."""
    left = without_hours(view, "trades", 13.0, 1.0)
    quotes = without_hours(view, "quotes", 13.0, 1.0)
    rows = {"trades": left.with_columns(trade_id=pl.int_range(pl.len()).cast(pl.String)), "quotes": quotes}
    accounts = {"trades": Account(len(left), len(left), first_id=0, last_id=len(left) - 1, id_holes=0)}
    bars = candle_kind("time").build(left.lazy(), TIMEFRAMES, BarContext(view.partition.date, "ts_event", SYMBOL))
    candles = bars.collect()
    other = {("other", SYMBOL): MemoryView({"candles": candles})}
    with_bars = {**view.rows, **rows, "candles": candles, "vendor_candles": candles}
    return dataclasses.replace(view, rows=with_bars, accounts=accounts, others=other)
