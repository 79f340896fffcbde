"""Landed pages as batches of rows: the records of the day, exactly; those of its neighbours are left out and counted.

What an exchange's records look like stands in `ways`; how fields become columns stands here. No network.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from market_data.domain.contract import Schema, polars_schema
from market_data.domain.errors import BadFile
from market_data.domain.numbers import PRICE, SIZE, TURNOVER, VOLUME
from market_data.domain.ports.source import Batch, Fault
from market_data.domain.time import day_bounds
from market_data.sources.ccxt import lines
from market_data.sources.ccxt.book import frames
from market_data.sources.ccxt.pages import Page, Unfit, Way
from market_data.vendor_files.columns import Column, typed

BATCH_RECORDS = 100_000
_TYPES: Mapping[str, pl.DataType] = {
    **dict.fromkeys(("price", "open", "high", "low", "close"), PRICE),
    **{"size": SIZE, "volume": VOLUME, "quote_volume": TURNOVER, "vwap": TURNOVER},
    **dict.fromkeys(("first_trade_id", "last_trade_id", "trade_count"), pl.Int64()),
}


@dataclass(slots=True)
class _Gathered:
    """Records that wait to become a batch."""

    records: list[Any] = field(default_factory=list[Any])
    times: list[int] = field(default_factory=list[int])


def trade_batches(path: Path, name: str, way: Way, schema: Schema, day: dt.date) -> Iterator[Batch]:
    """Yield trades in the order in which they happened, each with its place in the exchange's answers."""
    for first, gathered in _gathered(path, way, day):
        frame, faults = _columns(gathered.records, way.trade)
        frame = frame.with_columns(
            pl.Series("ts_event", gathered.times, pl.Int64),
            pl.lit(None, pl.Int64).alias("ts_recv"),
            _sides(gathered.records, way, faults),
        )
        if "first_trade_id" in frame.columns:
            frame = frame.with_columns(trade_count=pl.col("last_trade_id") - pl.col("first_trade_id") + 1)
        yield _batch(name, first, gathered.records, frame.select(_names(schema)), faults)


def candle_batches(
    path: Path, name: str, way: Way, schema: Schema, day: dt.date, labels: tuple[str, str]
) -> Iterator[Batch]:
    """Yield candles; `labels` are instrument and timeframe."""
    instrument_id, timeframe = labels
    for first, gathered in _gathered(path, way, day):
        frame, faults = _columns(gathered.records, way.bar)
        given = {
            "kind": pl.lit("time"),
            "timeframe": pl.lit(timeframe),
            "instrument_id": pl.lit(instrument_id),
            "publisher_id": pl.lit(None, pl.Int64),
            "ts_open": pl.Series("ts_open", gathered.times, pl.Int64),
        }
        if "vwap" in frame.columns:  # a flat bar's is sent as 0
            given["vwap"] = pl.when(pl.col("volume") > 0).then("vwap")
        absent = {n: pl.lit(None, t) for n, t in polars_schema(schema).items() if n not in {*frame.columns, *given}}
        yield _batch(
            name, first, gathered.records, frame.with_columns(**given, **absent).select(_names(schema)), faults
        )


def _gathered(path: Path, way: Way, day: dt.date) -> Iterator[tuple[int, _Gathered]]:
    """Yield the day's records, many pages at a time, and the number of the first."""
    first, waiting = 0, _Gathered()
    begin, end = day_bounds(day)
    for page in pages(path, way):
        wanted = [begin <= time < end for time in page.times]
        if all(wanted):
            waiting.records += page.records
            waiting.times += page.times
        else:
            waiting.records += [record for record, here in zip(page.records, wanted, strict=True) if here]
            waiting.times += [time for time, here in zip(page.times, wanted, strict=True) if here]
        if len(waiting.records) >= BATCH_RECORDS:
            yield first, waiting
            first, waiting = first + len(waiting.records), _Gathered()
    if waiting.records:
        yield first, waiting


def pages(path: Path, way: Way) -> Iterator[Page]:
    """Yield a landed file's pages, their records in the order in which they happened.

    Raises:
        BadFile: the file is torn or damaged, or holds other pages than those of this way.
    """
    for _, _, stored in frames(path):
        call, text = lines.read(stored)
        try:
            page = way.read(call, text)
        except Unfit as error:
            raise BadFile(f"has a page that is none of {call}: {error}") from error
        yield Page(page.records[::-1], page.ids[::-1], page.times[::-1], page.cursor) if way.newest_first else page


def _columns(records: Sequence[Any], fields: Mapping[str, str | int]) -> tuple[pl.DataFrame, dict[int, Fault]]:
    named = {name: key for name, key in fields.items() if name != "side"}
    columns = [Column(name, _TYPES.get(name, pl.String())) for name in named]
    texts = {name: [_text(value) for value in _values(records, key)] for name, key in named.items()}
    faults: dict[int, Fault] = {}
    raw = pl.DataFrame(texts, schema=dict.fromkeys(named, pl.String))
    return typed(raw, columns, faults), faults


def _values(records: Sequence[Any], key: str | int) -> list[Any]:
    try:
        return [record[key] for record in records]
    except (KeyError, IndexError, TypeError):
        return [_value(record, key) for record in records]


def _value(record: Any, key: str | int) -> Any:
    try:
        return record[key]
    except (KeyError, IndexError, TypeError):
        return None


def _text(value: Any) -> str | None:
    if type(value) is str:
        return value or None
    return None if value is None else str(value)


def _sides(records: Sequence[Any], way: Way, faults: dict[int, Fault]) -> pl.Series:
    """Return the aggressor's; what the exchange leaves open is null, and any other word is a fault."""
    said = _values(records, way.trade["side"])
    sides = [way.sides.get(value) if isinstance(value, str | bool) else None for value in said]
    for row, (side, value) in enumerate(zip(sides, said, strict=True)):
        if side is None and value not in (None, "", "UNKNOWN_ORDER_SIDE"):
            faults.setdefault(row, Fault(row, "side_is_readable", f"side is neither buy nor sell: {str(value)[:50]!r}"))
    return pl.Series("side", sides, pl.String)


def _batch(name: str, first: int, records: Sequence[Any], frame: pl.DataFrame, faults: Mapping[int, Fault]) -> Batch:
    def original(row: int) -> Mapping[str, Any]:
        record = records[row]
        return record if isinstance(record, dict) else {"record": record}

    return Batch(name, first, frame, original, [faults[row] for row in sorted(faults)])


def _names(schema: Schema) -> list[str]:
    return [name for name in polars_schema(schema) if name != "ordinal"]
