"""The vendor's own columns, as the contracts of its tables, and which of its schemas is which table.

Prices may have any sign where a dataset has futures: a file of ticks does not say what kind of instrument it is of, and
futures' venues list spreads beside outrights: a rule that guessed would lose real rows. What trades on venues of shares
and single options alone has no price below zero.
"""

import dataframely as dy
import polars as pl

from market_data.domain.ports.source import Delivery
from market_data.domain.tables._bars import Bars
from market_data.domain.tables.instruments import Instruments
from market_data.domain.tables.quotes import SignedQuotes
from market_data.domain.tables.statistics import Statistics
from market_data.domain.tables.trades import SignedTrades

TABLE_OF = {
    "trades": "trades",
    "tbbo": "quotes",
    "mbp-1": "quotes",
    "bbo-1s": "quotes",
    "bbo-1m": "quotes",
    "ohlcv-1s": "vendor_candles",
    "ohlcv-1m": "vendor_candles",
    "ohlcv-1h": "vendor_candles",
    "ohlcv-1d": "vendor_candles",
    "statistics": "statistics",
    "definition": "instruments",
}
"""The vendor's schemas that can be read, and our table of each."""

_UNSIGNED = (
    *("ARCX", "BATS", "BATY", "DBEQ", "EDGA", "EDGX", "EPRL", "EQUS", "FINN", "FINY", "IEXG", "MEMX"),
    *("OPRA", "XASE", "XBOS", "XCHI", "XCIS", "XNAS", "XNYS", "XPSX"),
)
"""Venues (a dataset's name up to the point) of shares and single options, which cannot trade below zero."""


class DatabentoTrades(SignedTrades):
    """`flags` are the vendor's bits; `ts_in_delta` is how long before `ts_recv` the venue sent it, ns.

    `raw_symbol` is what `instrument_id` stood for that day, null where the file does not say. `sequence` is the venue's
    and not unique.
    """

    ts_recv = dy.Int64(nullable=False)
    publisher_id = dy.Int64(nullable=False)
    instrument_id = dy.String(nullable=False)
    raw_symbol = dy.String(nullable=True)
    sequence = dy.Int64(nullable=False)
    flags = dy.Int64(nullable=False)
    ts_in_delta = dy.Int64(nullable=True)


class DatabentoQuotes(SignedQuotes):
    """Quotes with what made them: an event of the book (mbp-1), the trade (tbbo: the quote is the one before it).

    In bbo-1s and bbo-1m `ts_recv` is the interval's end, and `ts_event`, `side` and `price` are of the session's last
    trade, null before the first. `action` is the vendor's letter, `T` for a trade; `side` is that of the order or
    aggressor.
    """

    ts_event = dy.Int64(nullable=True)
    ts_recv = dy.Int64(nullable=False)
    bid_count = dy.Int64(nullable=True)
    ask_count = dy.Int64(nullable=True)
    action = dy.String(nullable=True)
    side = dy.String(nullable=True)
    price = dy.Decimal(18, 9, nullable=True)
    size = dy.Decimal(28, 9, nullable=True)
    depth = dy.Int64(nullable=True)
    publisher_id = dy.Int64(nullable=False)
    instrument_id = dy.String(nullable=False)
    raw_symbol = dy.String(nullable=True)
    sequence = dy.Int64(nullable=False)
    flags = dy.Int64(nullable=False)
    ts_in_delta = dy.Int64(nullable=True)


class UnsignedTrades(DatabentoTrades):
    """Trades of shares and single options: the rule of `domain.tables.trades.Trades`."""

    # dataframely takes no second base whose columns another one narrows.
    @dy.rule()
    def price_is_positive(cls) -> pl.Expr:
        return cls.price.col > 0


class UnsignedQuotes(DatabentoQuotes):
    """Quotes of shares and single options. A bid of zero is real: nobody wants an option that is about to lapse."""

    @dy.rule()
    def bid_is_not_negative(cls) -> pl.Expr:
        return cls.bid_price.col >= 0

    @dy.rule()
    def ask_is_not_negative(cls) -> pl.Expr:
        return cls.ask_price.col >= 0


class DatabentoStatistics(Statistics):
    """`stat_flags` and `update_action` (1 new, 2 deleted) are the vendor's; a kind without a name is its number."""

    ts_recv = dy.Int64(nullable=False)
    publisher_id = dy.Int64(nullable=False)
    raw_symbol = dy.String(nullable=True)
    sequence = dy.Int64(nullable=False)
    ts_in_delta = dy.Int64(nullable=True)
    channel_id = dy.Int64(nullable=True)
    update_action = dy.Int64(nullable=False)
    stat_flags = dy.Int64(nullable=False)


class DatabentoCandles(Bars):
    """One bar a publisher, by receive time."""

    publisher_id = dy.Int64(nullable=False)
    raw_symbol = dy.String(nullable=True)


class DatabentoInstruments(Instruments):
    """A definition as it was sent at `ts_recv`: one row each time it was, and for a spread one a leg.

    `quote` is the vendor's `currency`, `contract_size` its `unit_of_measure_qty`. `lot_size` is null: the vendor's
    lots are orders' minima, in units that differ by venue (and negative where they did not fit its field), so they are
    kept as they come. `tick_size` is null where the vendor gives none, or 0 for one that depends on the price.
    """

    publisher_id = dy.Int64(nullable=False)
    ts_event = dy.Int64(nullable=True)
    ts_recv = dy.Int64(nullable=False)
    security_update_action = dy.String(nullable=True)
    instrument_class = dy.String(nullable=True)
    security_type = dy.String(nullable=True)
    cfi = dy.String(nullable=True)
    exchange = dy.String(nullable=True)
    asset = dy.String(nullable=True)
    underlying = dy.String(nullable=True)
    strike_price = dy.Decimal(18, 9, nullable=True)
    activation = dy.Int64(nullable=True)
    unit_of_measure = dy.String(nullable=True)
    settl_currency = dy.String(nullable=True)
    contract_multiplier = dy.Int64(nullable=True)
    original_contract_size = dy.Int64(nullable=True)
    min_lot_size = dy.Int64(nullable=True)
    min_lot_size_round_lot = dy.Int64(nullable=True)
    leg_count = dy.Int64(nullable=True)
    leg_index = dy.Int64(nullable=False)
    leg_instrument_id = dy.String(nullable=True)
    leg_raw_symbol = dy.String(nullable=True)
    leg_side = dy.String(nullable=True)
    leg_ratio_qty_numerator = dy.Int64(nullable=True)
    leg_ratio_qty_denominator = dy.Int64(nullable=True)


_DELIVERIES = {
    "trades": Delivery(DatabentoTrades, clock="ts_recv"),
    "quotes": Delivery(DatabentoQuotes, clock="ts_recv"),
    "statistics": Delivery(DatabentoStatistics, clock="ts_recv"),
    "vendor_candles": Delivery(
        DatabentoCandles,
        clock="ts_open",
        identity=("kind", "timeframe", "instrument_id", "publisher_id", "ts_open"),
    ),
    "instruments": Delivery(DatabentoInstruments, identity=("instrument_id", "publisher_id", "ts_recv", "leg_index")),
}


_UNSIGNED_DELIVERIES = {
    "trades": Delivery(UnsignedTrades, clock="ts_recv"),
    "quotes": Delivery(UnsignedQuotes, clock="ts_recv"),
}


def delivery(table: str, dataset: str) -> Delivery:
    """Return how the vendor delivers a table.

    Ticks have no identity but their place: `sequence` repeats among real trades.
    """
    if dataset.partition(".")[0] in _UNSIGNED and table in _UNSIGNED_DELIVERIES:
        return _UNSIGNED_DELIVERIES[table]
    return _DELIVERIES[table]
