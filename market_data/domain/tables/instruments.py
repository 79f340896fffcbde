"""What is traded, as it was known on the partition's day: one row an instrument."""

import dataframely as dy
import polars as pl

from market_data.domain.contract import Table

KINDS = ("spot", "future", "perpetual", "option", "equity", "spread")


class Instruments(dy.Schema):
    """`expiry` is ns since the epoch, UTC. What a vendor does not publish is null."""

    instrument_id = dy.String(nullable=False)
    raw_symbol = dy.String(nullable=False)
    kind = dy.String(nullable=False)
    base = dy.String(nullable=True)
    quote = dy.String(nullable=True)
    tick_size = dy.Decimal(18, 9, nullable=True)
    lot_size = dy.Decimal(28, 9, nullable=True)
    contract_size = dy.Decimal(28, 9, nullable=True)
    expiry = dy.Int64(nullable=True)

    @dy.rule()
    def kind_is_known(cls) -> pl.Expr:
        return cls.kind.col.is_in(KINDS)

    @dy.rule()
    def steps_are_positive(cls) -> pl.Expr:
        return (cls.tick_size.col.fill_null(1) > 0) & (cls.lot_size.col.fill_null(1) > 0)


TABLE = Table(name="instruments", schema=Instruments, order=("instrument_id",), times=("expiry",))
