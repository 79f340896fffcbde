"""A partition in memory, as checks see one, and small frames of the tables to fill it with."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import polars as pl

from market_data.domain.account import Account
from market_data.domain.check_support.figures import figures
from market_data.domain.check_support.minutes import minutes
from market_data.domain.checks import check_names
from market_data.domain.contract import empty, polars_schema
from market_data.domain.partition import Partition
from market_data.domain.ports.check import PartitionView, RevisionFacts, SomeThresholds, Thresholds
from market_data.domain.ports.source import Delivery
from market_data.domain.tables import table
from market_data.domain.time import NS_PER_MINUTE, day_bounds, day_start

DAY = dt.date(2024, 5, 8)
START = day_start(DAY)
DUE = dt.datetime(2024, 5, 9, 12, tzinfo=dt.UTC)
INSTRUMENT = "XRPETH"
PARTITION = Partition("xrpeth", DAY, "XRP-ETH")
IN_TIME = dt.datetime(2024, 5, 9, 9, tzinfo=dt.UTC)
CRYPTO = ("book_snapshots", "book_updates", "derivative_tickers", "liquidations", "options_chains")
FETCHED = ("instruments", "trades", "quotes", "statistics", "vendor_candles", *CRYPTO)
TABLES = (*FETCHED, "candles")
DELIVERIES: Mapping[str, Delivery] = {
    "instruments": Delivery(table("instruments").schema, "", ("instrument_id",)),
    "trades": Delivery(table("trades").schema, "ts_event", ("trade_id",), running_id=True),
    "quotes": Delivery(table("quotes").schema, "ts_event"),
    "statistics": Delivery(table("statistics").schema, "ts_event"),
    "vendor_candles": Delivery(table("vendor_candles").schema, "ts_open", ("timeframe", "ts_open")),
    **{name: Delivery(table(name).schema, "ts_event") for name in CRYPTO},
}


@dataclass
class MemoryView:
    """The rows of a partition by table; a table of the feed that is not among them has no revision yet."""

    rows: Mapping[str, pl.DataFrame]
    tables: Sequence[str] = TABLES
    deliveries: Mapping[str, Delivery] = field(default_factory=lambda: DELIVERIES)
    accounts: Mapping[str, Account] = field(default_factory=dict[str, Account])
    notes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    quarantined: Mapping[str, int] = field(default_factory=dict[str, int])
    has_session: bool = True
    first_committed_at: dt.datetime = IN_TIME
    partition: Partition = PARTITION
    due_at: dt.datetime = DUE
    limits: Mapping[tuple[str, str], Thresholds] = field(default_factory=dict[tuple[str, str], Thresholds])
    before: Mapping[str, RevisionFacts] = field(default_factory=dict[str, RevisionFacts])
    columns: str = "c"
    others: Mapping[tuple[str, str], "MemoryView"] = field(default_factory=dict[tuple[str, str], "MemoryView"])
    hours: Sequence[tuple[int, int]] | None = None

    @property
    def sessions(self) -> Sequence[tuple[int, int]]:
        whole = (day_bounds(self.partition.date),) if self.has_session else ()
        return whole if self.hours is None else self.hours

    def delivery(self, table: str) -> Delivery | None:
        return self.deliveries.get(table)

    def facts(self, table: str) -> RevisionFacts | None:
        if table not in self.rows:
            return None
        count = len(self.rows[table])
        account = self.accounts.get(table, Account(records=count, accepted=count))
        return RevisionFacts(count, account, self.first_committed_at, self.notes.get(table, {}), self.columns)

    def scan(self, table: str) -> pl.LazyFrame:
        return self.rows[table].lazy() if table in self.rows else nothing(table).lazy()

    def facts_before(self, table: str) -> RevisionFacts | None:
        return self.before.get(table)

    def thresholds(self, check: str, table: str, kind: type[SomeThresholds]) -> SomeThresholds:
        found = self.limits.get((check, table))
        return found if isinstance(found, kind) else kind()

    def figures(self, check: str, table: str) -> Mapping[str, Any]:
        return figures(self, table, check_names())[check]

    def minutes(self, table: str) -> pl.DataFrame:
        delivery = self.delivery(table)
        return minutes(self.scan(table), delivery.clock if delivery else None, 0)

    def other(self, feed: str, symbol: str) -> PartitionView | None:
        return self.others.get((feed, symbol))

    def set_aside(self, table: str) -> int:
        return self.quarantined.get(table, 0)


def nothing(name: str) -> pl.DataFrame:
    """A table without rows."""
    return empty(table(name).schema)


def frame(name: str, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Rows of a table; what a row leaves out is null, and numbers are written as text."""
    types = polars_schema(table(name).schema)
    decimals = {column for column, kind in types.items() if isinstance(kind, pl.Decimal)}
    values = [{column: _exact(row.get(column), column in decimals) for column in types} for row in rows]
    return pl.DataFrame(values, schema=types, orient="row")


def _exact(value: Any, is_decimal: bool) -> Any:
    return Decimal(value) if is_decimal and value is not None else value


def trade(number: int, **values: Any) -> dict[str, Any]:
    """The trade with that ordinal, a second after the one before it."""
    first = {"ts_event": START + number * 1_000_000_000, "ordinal": number, "trade_id": str(100 + number)}
    return {**first, "price": "0.0014", "size": "5", "side": "buy", **values}


def quote(number: int, **values: Any) -> dict[str, Any]:
    """The quote with that ordinal."""
    prices = {"bid_price": "0.0013", "bid_size": "1", "ask_price": "0.0014", "ask_size": "2"}
    return {"ts_event": START + number, "ordinal": number, **prices, **values}


def statistic(number: int, stat_type: str, second: int = 0, **values: Any) -> dict[str, Any]:
    """A statistic of the instrument, published at a second of the day."""
    key = {"instrument_id": INSTRUMENT, "stat_type": stat_type}
    return {"ts_event": START + second * 1_000_000_000, "ordinal": number, **key, **values}


def bar(minute: int, **values: Any) -> dict[str, Any]:
    """A one-minute bar with trades, at a minute of the day."""
    prices = {"open": "1.1", "high": "1.3", "low": "1", "close": "1.2"}
    sums = {"volume": "10", "quote_volume": "12", "vwap": "1.2", "trade_count": 3}
    key = {"kind": "time", "timeframe": "1m", "instrument_id": INSTRUMENT, "ts_open": START + minute * NS_PER_MINUTE}
    return {**key, **prices, **sums, **values}


def flat_bar(minute: int, price: str = "1.2", **values: Any) -> dict[str, Any]:
    """A one-minute bar without trades."""
    prices = dict.fromkeys(("open", "high", "low", "close"), price)
    return bar(minute, **prices, **{"volume": "0", "quote_volume": "0", "vwap": None, "trade_count": 0, **values})


_CRYPTO: Mapping[str, Mapping[str, Any]] = {
    "book_snapshots": {"bid_price_0": "1", "bid_size_0": "2", "ask_price_0": "1.1", "ask_size_0": "3"},
    "book_updates": {"is_snapshot": True, "side": "bid", "price": "1", "size": "0"},
    "derivative_tickers": {"funding_rate": "-0.0001", "open_interest": "5"},
    "liquidations": {"price": "1", "size": "2", "side": "sell"},
    "options_chains": {"instrument_id": INSTRUMENT, "option_type": "put", "strike": "1", "expiry": START},
}


def clean_rows() -> dict[str, pl.DataFrame]:
    """A small partition of every table without a defect."""
    bars = [bar(0), bar(1), flat_bar(2), bar(3)]
    hour = bar(0, timeframe="1h", volume="30", quote_volume="36", trade_count=9)
    return {
        "instruments": frame("instruments", [{"instrument_id": INSTRUMENT, "raw_symbol": INSTRUMENT, "kind": "spot"}]),
        "trades": frame("trades", [trade(number) for number in range(6)]),
        "quotes": frame("quotes", [quote(number) for number in range(6)]),
        "statistics": frame("statistics", [statistic(0, "open_interest", quantity="7")]),
        "vendor_candles": frame("vendor_candles", bars),
        **{name: frame(name, [{**_CRYPTO[name], "ts_event": START, "ordinal": 0}]) for name in CRYPTO},
        "candles": frame("candles", [*bars, hour, bar(0, kind="tick", timeframe="100t")]),
    }
