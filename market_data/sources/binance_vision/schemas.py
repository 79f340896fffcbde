"""The archive's own columns, as the contracts of its tables. Imported when a feed runs: dataframely is not light."""

import dataframely as dy
import polars as pl

from market_data.domain.ports.source import Delivery
from market_data.domain.tables.instruments import Instruments
from market_data.domain.tables.trades import Trades
from market_data.domain.tables.vendor_candles import TABLE as VENDOR_CANDLES


class AggregateTrades(Trades):
    """One record stands for the `trade_count` exchange trades that one taker order made at one price.

    `first_trade_id` and `last_trade_id` are theirs; `trade_id` is the aggregate's own running number.
    """

    first_trade_id = dy.Int64(nullable=False)
    last_trade_id = dy.Int64(nullable=False)
    trade_count = dy.Int64(nullable=False)

    @dy.rule()
    def trade_count_is_positive(cls) -> pl.Expr:
        return cls.trade_count.col > 0


class Klines(VENDOR_CANDLES.schema):
    """Takers' part of `volume` (in the base) and of `quote_volume` (in the quote): what aggressors bought."""

    taker_buy_volume = dy.Decimal(38, 9, nullable=True)
    taker_buy_quote_volume = dy.Decimal(38, 18, nullable=True)


DELIVERIES = {
    "instruments": Delivery(Instruments, identity=("instrument_id",)),
    "trades": Delivery(AggregateTrades, clock="ts_event", identity=("trade_id",), running_id=True),
    "vendor_candles": Delivery(Klines, clock="ts_open", identity=("kind", "timeframe", "instrument_id", "ts_open")),
}
