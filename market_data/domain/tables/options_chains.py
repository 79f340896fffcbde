"""Options as their exchange quotes and values them, one row an update of one option."""

import dataframely as dy
import polars as pl

from market_data.domain.contract import Table


class OptionsChains(dy.Schema):
    """Times are ns since the epoch, UTC. What was not told is null; a volatility is in the vendor's own unit.

    Prices that are computed (mark and underlying) and the greeks have eighteen digits; quoted ones have nine.
    """

    ts_event = dy.Int64(nullable=False)
    ts_recv = dy.Int64(nullable=True)
    ordinal = dy.Int64(nullable=False)
    instrument_id = dy.String(nullable=False)
    option_type = dy.String(nullable=False)
    strike = dy.Decimal(18, 9, nullable=False)
    expiry = dy.Int64(nullable=False)
    open_interest = dy.Decimal(28, 9, nullable=True)
    last_price = dy.Decimal(18, 9, nullable=True)
    bid_price = dy.Decimal(18, 9, nullable=True)
    bid_size = dy.Decimal(28, 9, nullable=True)
    bid_iv = dy.Decimal(38, 18, nullable=True)
    ask_price = dy.Decimal(18, 9, nullable=True)
    ask_size = dy.Decimal(28, 9, nullable=True)
    ask_iv = dy.Decimal(38, 18, nullable=True)
    mark_price = dy.Decimal(38, 18, nullable=True)
    mark_iv = dy.Decimal(38, 18, nullable=True)
    underlying_index = dy.String(nullable=True)
    underlying_price = dy.Decimal(38, 18, nullable=True)
    delta = dy.Decimal(38, 18, nullable=True)
    gamma = dy.Decimal(38, 18, nullable=True)
    vega = dy.Decimal(38, 18, nullable=True)
    theta = dy.Decimal(38, 18, nullable=True)
    rho = dy.Decimal(38, 18, nullable=True)

    @dy.rule()
    def option_type_is_call_or_put(cls) -> pl.Expr:
        return (cls.option_type.col == "call") | (cls.option_type.col == "put")

    @dy.rule()
    def sizes_are_not_negative(cls) -> pl.Expr:
        return (cls.bid_size.col.fill_null(0) >= 0) & (cls.ask_size.col.fill_null(0) >= 0)


TABLE = Table(
    name="options_chains",
    schema=OptionsChains,
    order=("ts_event", "ordinal"),
    times=("ts_event", "ts_recv", "expiry"),
    repetitive=(
        "instrument_id",
        "option_type",
        "open_interest",
        "bid_size",
        "ask_size",
        "underlying_index",
        "underlying_price",
    ),
)
