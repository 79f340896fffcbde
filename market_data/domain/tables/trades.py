"""Trades as the exchange or vendor reported them, one row each, in the vendor's order."""

import dataframely as dy
import polars as pl

from market_data.domain.contract import Table
from market_data.domain.numbers import MAX_PRICE


class SignedTrades(dy.Schema):
    """Trades whose price may have any sign: spreads trade below zero, and crude oil did at -37.63 on 2020-04-20.

    Times are ns since the epoch, UTC. `side` is the aggressor's. `ordinal` is the place in the vendor's order.
    """

    ts_event = dy.Int64(nullable=False)
    ts_recv = dy.Int64(nullable=True)
    ordinal = dy.Int64(nullable=False)
    trade_id = dy.String(nullable=True)
    price = dy.Decimal(18, 9, nullable=False)
    size = dy.Decimal(28, 9, nullable=False)
    side = dy.String(nullable=True)

    @dy.rule()
    def price_fits(cls) -> pl.Expr:
        return cls.price.col.is_between(-MAX_PRICE, MAX_PRICE)

    @dy.rule()
    def size_is_not_negative(cls) -> pl.Expr:
        return cls.size.col >= 0

    @dy.rule()
    def side_is_buy_or_sell(cls) -> pl.Expr:
        return (cls.side.col == "buy") | (cls.side.col == "sell")


class Trades(SignedTrades):
    """Trades of what cannot have a price of zero or below."""

    @dy.rule()
    def price_is_positive(cls) -> pl.Expr:
        return cls.price.col > 0


TABLE = Table(
    name="trades",
    schema=Trades,
    order=("ts_event", "ordinal"),
    times=("ts_event", "ts_recv"),
    repetitive=("side", "size", "instrument_id", "raw_symbol"),
)
