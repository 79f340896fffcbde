"""The columns and rules that our own candles and the vendor's share."""

import dataframely as dy
import polars as pl


class Bars(dy.Schema):
    """`ts_open` is the bar's first instant (time bars) or first trade (others): ns since the epoch, UTC.

    `volume` is in units of the base, `quote_volume` in units of the quote; `vwap` is their quotient rounded
    half-even to 18 digits, null where nothing was traded. Null is what a vendor does not publish.
    """

    kind = dy.String(nullable=False)
    timeframe = dy.String(nullable=False)
    instrument_id = dy.String(nullable=False)
    publisher_id = dy.Int64(nullable=True)
    ts_open = dy.Int64(nullable=False)
    open = dy.Decimal(18, 9, nullable=False)
    high = dy.Decimal(18, 9, nullable=False)
    low = dy.Decimal(18, 9, nullable=False)
    close = dy.Decimal(18, 9, nullable=False)
    volume = dy.Decimal(38, 9, nullable=True)
    quote_volume = dy.Decimal(38, 18, nullable=True)
    vwap = dy.Decimal(38, 18, nullable=True)
    trade_count = dy.Int64(nullable=True)

    @dy.rule()
    def high_is_not_below_low(cls) -> pl.Expr:
        return cls.high.col >= cls.low.col

    @dy.rule()
    def volume_is_not_negative(cls) -> pl.Expr:
        return cls.volume.col >= 0

    @dy.rule()
    def trade_count_is_not_negative(cls) -> pl.Expr:
        return cls.trade_count.col >= 0


ORDER = ("kind", "timeframe", "instrument_id", "publisher_id", "ts_open")
REPETITIVE = ("kind", "timeframe", "instrument_id")
