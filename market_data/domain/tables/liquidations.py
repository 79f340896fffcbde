"""Positions that an exchange closed by force, one row each, as it reported them."""

import dataframely as dy
import polars as pl

from market_data.domain.contract import Table


class Liquidations(dy.Schema):
    """`side` is that of the closing order: `buy` ended a short position, `sell` a long one.

    Times are ns since the epoch, UTC. `ordinal` is the place in the vendor's order.
    """

    ts_event = dy.Int64(nullable=False)
    ts_recv = dy.Int64(nullable=True)
    ordinal = dy.Int64(nullable=False)
    liquidation_id = dy.String(nullable=True)
    price = dy.Decimal(18, 9, nullable=False)
    size = dy.Decimal(28, 9, nullable=False)
    side = dy.String(nullable=True)

    @dy.rule()
    def size_is_not_negative(cls) -> pl.Expr:
        return cls.size.col >= 0

    @dy.rule()
    def side_is_buy_or_sell(cls) -> pl.Expr:
        return (cls.side.col == "buy") | (cls.side.col == "sell")


TABLE = Table(
    name="liquidations",
    schema=Liquidations,
    order=("ts_event", "ordinal"),
    times=("ts_event", "ts_recv"),
    repetitive=("side", "instrument_id"),
)
