"""Changes of single levels of the order book, as the vendor recorded them. Books are not rebuilt here."""

import dataframely as dy
import polars as pl

from market_data.domain.contract import Table


class BookUpdates(dy.Schema):
    """`size` is the level's new size, not a difference; 0 removes it. Times are ns since the epoch, UTC.

    `is_snapshot`: the row is part of a whole book, which takes the place of what was known before. `ordinal` is the
    place in the vendor's order.
    """

    ts_event = dy.Int64(nullable=False)
    ts_recv = dy.Int64(nullable=True)
    ordinal = dy.Int64(nullable=False)
    is_snapshot = dy.Bool(nullable=False)
    side = dy.String(nullable=False)
    price = dy.Decimal(18, 9, nullable=False)
    size = dy.Decimal(28, 9, nullable=False)

    @dy.rule()
    def side_is_bid_or_ask(cls) -> pl.Expr:
        return (cls.side.col == "bid") | (cls.side.col == "ask")

    @dy.rule()
    def size_is_not_negative(cls) -> pl.Expr:
        return cls.size.col >= 0


TABLE = Table(
    name="book_updates",
    schema=BookUpdates,
    order=("ts_event", "ordinal"),
    times=("ts_event", "ts_recv"),
    repetitive=("side", "size", "instrument_id"),
)
