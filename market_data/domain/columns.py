"""The columns of the tables as SQL has them, for whoever only reads: no polars, no dataframely, no contract.

The contracts in `domain.tables` say the same and more, and take 0.7 s to import; a test holds the two together.
"""

from collections.abc import Mapping
from functools import cache

_SQL_TYPES = {
    "time": "BIGINT",  # ns since the epoch, UTC
    "int": "BIGINT",
    "float": "DOUBLE",
    "bool": "BOOLEAN",
    "text": "VARCHAR",
    "price": "DECIMAL(18, 9)",
    "size": "DECIMAL(28, 9)",
    "volume": "DECIMAL(38, 9)",
    "turnover": "DECIMAL(38, 18)",
}
"""By kind; those of decimals are called as in `domain.numbers`."""
_BARS = """
    kind text, timeframe text, instrument_id text, publisher_id int, ts_open time, open price, high price,
    low price, close price, volume volume, quote_volume turnover, vwap turnover, trade_count int
"""
_TABLES = {
    "book_snapshots": """
        ts_event time, ts_recv time, ordinal int, bid_price_0 price, bid_size_0 size, ask_price_0 price,
        ask_size_0 size, bid_price_1 price, bid_size_1 size, ask_price_1 price, ask_size_1 size,
        bid_price_2 price, bid_size_2 size, ask_price_2 price, ask_size_2 size, bid_price_3 price,
        bid_size_3 size, ask_price_3 price, ask_size_3 size, bid_price_4 price, bid_size_4 size,
        ask_price_4 price, ask_size_4 size
    """,
    "book_updates": """
        ts_event time, ts_recv time, ordinal int, is_snapshot bool, side text, price price, size size
    """,
    "candles": _BARS,
    "derivative_tickers": """
        ts_event time, ts_recv time, ordinal int, ts_funding time, funding_rate turnover,
        predicted_funding_rate turnover, open_interest size, last_price price, index_price turnover,
        mark_price turnover
    """,
    "instruments": """
        instrument_id text, raw_symbol text, kind text, base text, quote text, tick_size price,
        lot_size size, contract_size size, expiry time
    """,
    "liquidations": """
        ts_event time, ts_recv time, ordinal int, liquidation_id text, price price, size size, side text
    """,
    "options_chains": """
        ts_event time, ts_recv time, ordinal int, instrument_id text, option_type text, strike price,
        expiry time, open_interest size, last_price price, bid_price price, bid_size size, bid_iv turnover,
        ask_price price, ask_size size, ask_iv turnover, mark_price turnover, mark_iv turnover,
        underlying_index text, underlying_price turnover, delta turnover, gamma turnover, vega turnover,
        theta turnover, rho turnover
    """,
    "quality_reports": """
        table text, check text, severity text, passed bool, measured float, threshold float, detail text
    """,
    "quarantine": """
        table text, rule text, reason text, landed_file text, record_number int, original text, run_id text
    """,
    "quotes": """
        ts_event time, ts_recv time, ordinal int, bid_price price, bid_size size, ask_price price,
        ask_size size
    """,
    "statistics": """
        ts_event time, ts_recv time, ordinal int, instrument_id text, stat_type text, price price,
        quantity size, ts_ref time
    """,
    "trades": """
        ts_event time, ts_recv time, ordinal int, trade_id text, price price, size size, side text
    """,
    "vendor_candles": _BARS,
}
"""Columns and their kinds, in order."""


def table_names() -> tuple[str, ...]:
    """Return every table, in order of name."""
    return tuple(_TABLES)


def sql_columns(table: str) -> Mapping[str, str]:
    """Return the columns of a table to their SQL types, in order; times are whole numbers, as they are stored."""
    return {name: _SQL_TYPES[kind] for name, kind in _kinds(table)}


def times(table: str) -> tuple[str, ...]:
    """Return the columns of ns since the epoch, UTC, which SQL shows as timestamps."""
    return tuple(name for name, kind in _kinds(table) if kind == "time")


@cache
def _kinds(table: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, kind) for name, kind in map(str.split, _TABLES[table].split(",")))
