"""DBN files as Databento streams them, made with its own encoder. No server here.

Its stubs call its enums' members texts: `Side("B")` is what they let through.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from databento_dbn import Action, DBNRecord, Metadata, OHLCVMsg, RType, Schema, Side, SType, TradeMsg
from databento_dbn.metadata import MappingInterval
from zstandard import FLUSH_BLOCK, ZstdCompressor

from market_data.domain.time import day_bounds

PRICE = 10**9
"""Databento's prices are whole numbers of 1e-9."""
INSTRUMENT = 17_077
PUBLISHER = 1


@dataclass
class Interval:
    """From when to when, exclusive, a symbol stood for an instrument."""

    start_date: dt.date
    end_date: dt.date
    symbol: str = str(INSTRUMENT)


@dataclass
class Mapping:
    """What a symbol that was asked for stood for."""

    raw_symbol: str
    intervals: Sequence[MappingInterval]


def dbn(
    schema: str,
    day: dt.date,
    records: Sequence[DBNRecord],
    *,
    dataset: str = "GLBX.MDP3",
    symbol: str = "ESH4",
    stype_in: str = "raw_symbol",
) -> bytes:
    """A day's file of one symbol with these records, zstd-compressed."""
    start, end = day_bounds(day)
    metadata = Metadata(
        dataset=dataset,
        start=start,
        end=end,
        stype_in=SType.from_str(stype_in),
        stype_out=SType.from_str("instrument_id"),
        schema=Schema.from_str(schema),
        symbols=[symbol],
        mappings=[Mapping(symbol, [Interval(day, day + dt.timedelta(days=1))])],
        version=3,
    )
    # In blocks, as a stream comes: what is cut off after one of them still reads as a shorter day.
    target = BytesIO()
    with ZstdCompressor().stream_writer(target, closefd=False) as stream:
        stream.write(bytes(metadata))
        for first in range(0, len(records), 50):
            stream.flush(FLUSH_BLOCK)
            stream.write(b"".join(bytes(record) for record in records[first : first + 50]))
    return target.getvalue()


def trade(day: dt.date, number: int, count: int) -> TradeMsg:
    """One of so many trades, evenly spread over a day by both clocks."""
    ts_event = day_bounds(day)[0] + number * (86_400 * PRICE // count)
    return TradeMsg(
        publisher_id=PUBLISHER,
        instrument_id=INSTRUMENT,
        ts_event=ts_event,
        price=4_800 * PRICE + number % 7 * PRICE // 4,
        size=1 + number % 3,
        action=Action("T"),
        side=Side("B" if number % 2 else "A"),
        depth=0,
        ts_recv=ts_event + 1_000,
        sequence=number,
    )


def bar(day: dt.date, minute: int) -> OHLCVMsg:
    """A minute's bar."""
    return OHLCVMsg(
        rtype=RType.OHLCV_1M,
        publisher_id=PUBLISHER,
        instrument_id=INSTRUMENT,
        ts_event=day_bounds(day)[0] + minute * 60 * PRICE,
        open=4_800 * PRICE,
        high=4_802 * PRICE,
        low=4_799 * PRICE,
        close=4_801 * PRICE,
        volume=10,
    )


def trades(day: dt.date, count: int, symbol: str = "ESH4") -> bytes:
    """A day's file of trades."""
    return dbn("trades", day, [trade(day, number, count) for number in range(count)], symbol=symbol)


def bars(day: dt.date, count: int, symbol: str = "ESH4") -> bytes:
    """A day's file of minutes' bars."""
    return dbn("ohlcv-1m", day, [bar(day, minute) for minute in range(count)], symbol=symbol)
