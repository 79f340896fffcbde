"""The exchanges' own columns, as the contracts of the tables. Imported when a feed runs: dataframely is not light."""

import dataframely as dy
import polars as pl

from market_data.domain.ports.source import Delivery
from market_data.domain.tables.instruments import Instruments
from market_data.domain.tables.trades import Trades
from market_data.domain.tables.vendor_candles import TABLE as VENDOR_CANDLES
from market_data.sources.ccxt.exchange_facts import traits


class AggregateTrades(Trades):
    """Binance: one record stands for the `trade_count` exchange trades that one taker order made at one price.

    `first_trade_id` and `last_trade_id` are theirs; `trade_id` is the aggregate's own running number.
    """

    first_trade_id = dy.Int64(nullable=False)
    last_trade_id = dy.Int64(nullable=False)
    trade_count = dy.Int64(nullable=False)

    @dy.rule()
    def trade_count_is_positive(cls) -> pl.Expr:
        return cls.trade_count.col > 0


class KrakenTrades(Trades):
    """`order_type` is the aggressor's: `m` for a market order, `l` for a limit order."""

    order_type = dy.String(nullable=True)


class Markets(Instruments):
    """As CCXT tells them, on the day they were fetched.

    `min_size` in units of the base, `min_cost` of the quote; fees are shares of the turnover, the exchange's lowest
    tier. `active` is whether it can be traded.
    """

    active = dy.Bool(nullable=True)
    min_size = dy.Decimal(28, 9, nullable=True)
    min_cost = dy.Decimal(28, 9, nullable=True)
    maker_fee = dy.Decimal(18, 9, nullable=True)
    taker_fee = dy.Decimal(18, 9, nullable=True)


_TRADES = {"binance": AggregateTrades, "kraken": KrakenTrades}


def delivery(exchange: str, table: str) -> Delivery:
    """Return how an exchange's table is delivered."""
    if table == "instruments":
        return Delivery(Markets, identity=("instrument_id",))
    if table == "trades":
        running = traits(exchange).running_ids
        return Delivery(_TRADES.get(exchange, Trades), clock="ts_event", identity=("trade_id",), running_id=running)
    candle = ("kind", "timeframe", "instrument_id", "ts_open")
    return Delivery(VENDOR_CANDLES.schema, clock="ts_open", identity=candle)
