"""Tardis' own columns, as the contracts of its tables. Imported when a feed runs: dataframely is not light.

Every row carries the exchange's own symbol as `instrument_id`, because one file may hold all instruments of a type.
A row's identity is its place in the file: an exchange's ids may be absent or random, nobody promises that they are
unique, and one file has no pages that overlap.
"""

from typing import cast

import dataframely as dy

from market_data.domain.contract import Schema
from market_data.domain.ports.source import Delivery
from market_data.domain.tables.book_snapshots import of_levels
from market_data.domain.tables.book_updates import BookUpdates
from market_data.domain.tables.derivative_tickers import DerivativeTickers
from market_data.domain.tables.instruments import Instruments
from market_data.domain.tables.liquidations import Liquidations
from market_data.domain.tables.options_chains import OptionsChains
from market_data.domain.tables.quotes import Quotes, SignedQuotes
from market_data.domain.tables.trades import SignedTrades, Trades
from market_data.sources.tardis.archive import Depth


class TardisInstruments(Instruments):
    """`contract_type` is Tardis' word, as `inverse_perpetual`. `strike` and `option_type` are an option's.

    Instants are ns since the epoch, UTC: since and until when Tardis has data of it.
    """

    settlement = dy.String(nullable=True)
    contract_type = dy.String(nullable=True)
    min_trade_size = dy.Decimal(28, 9, nullable=True)
    option_type = dy.String(nullable=True)
    strike = dy.Decimal(18, 9, nullable=True)
    available_since = dy.Int64(nullable=True)
    available_to = dy.Int64(nullable=True)


def _received(schema: Schema) -> Schema:
    """Return the contract with what every row of Tardis has: when it got the message, the exchange's symbol."""
    columns = {"ts_recv": dy.Int64(nullable=False), "instrument_id": dy.String(nullable=False)}
    return cast("Schema", type(f"Tardis{schema.__name__}", (schema,), columns))


class TardisOptionsChains(OptionsChains):
    """Its `instrument_id` is never null anyway."""

    ts_recv = dy.Int64(nullable=False)


class _BookBase(dy.Schema):
    ts_event = dy.Int64(nullable=False)
    ts_recv = dy.Int64(nullable=False)
    ordinal = dy.Int64(nullable=False)
    instrument_id = dy.String(nullable=False)


_BOOKS: dict[Depth, Schema] = {5: of_levels(5, _BookBase), 25: of_levels(25, _BookBase)}
_SCHEMAS: dict[str, Schema] = {
    "trades": _received(Trades),
    "quotes": _received(Quotes),
    "book_updates": _received(BookUpdates),
    "derivative_tickers": _received(DerivativeTickers),
    "liquidations": _received(Liquidations),
    "options_chains": TardisOptionsChains,
}
"""`trade_id` is the exchange's, null where it gives none. Book updates are all there, those before a snapshot too."""
_SIGNED: dict[str, Schema] = {"trades": _received(SignedTrades), "quotes": _received(SignedQuotes)}
"""Of what may trade below zero."""


def delivery(table: str, depth: Depth, *, negative_prices: bool) -> Delivery:
    """Return how Tardis delivers a table: by the time at which it received a message, which splits its files."""
    if table == "instruments":
        return Delivery(TardisInstruments, identity=("instrument_id",))
    if table == "book_snapshots":
        return Delivery(_BOOKS[depth], clock="ts_recv")
    schema = _SIGNED.get(table) if negative_prices else None
    return Delivery(schema or _SCHEMAS[table], clock="ts_recv")
