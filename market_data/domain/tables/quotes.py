"""Best bid and offer, one row an update. A side that is empty is null; crossed and locked books are kept."""

import dataframely as dy
import polars as pl

from market_data.domain.contract import Table


class SignedQuotes(dy.Schema):
    """Quotes whose prices may have any sign, as those of spreads.

    Times are ns since the epoch, UTC. `ordinal` is the place in the vendor's order.
    """

    ts_event = dy.Int64(nullable=False)
    ts_recv = dy.Int64(nullable=True)
    ordinal = dy.Int64(nullable=False)
    bid_price = dy.Decimal(18, 9, nullable=True)
    bid_size = dy.Decimal(28, 9, nullable=True)
    ask_price = dy.Decimal(18, 9, nullable=True)
    ask_size = dy.Decimal(28, 9, nullable=True)

    @dy.rule()
    def sizes_are_not_negative(cls) -> pl.Expr:
        return (cls.bid_size.col.fill_null(0) >= 0) & (cls.ask_size.col.fill_null(0) >= 0)


class Quotes(SignedQuotes):
    """Quotes of what cannot have a price of zero or below."""

    @dy.rule()
    def bid_is_positive(cls) -> pl.Expr:
        return cls.bid_price.col > 0

    @dy.rule()
    def ask_is_positive(cls) -> pl.Expr:
        return cls.ask_price.col > 0


TABLE = Table(
    name="quotes",
    schema=Quotes,
    order=("ts_event", "ordinal"),
    times=("ts_event", "ts_recv"),
    repetitive=("bid_size", "ask_size", "instrument_id", "raw_symbol"),
)
