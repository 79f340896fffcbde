"""DBN files as Databento streams them, of any version and size, made from arrays of records. No server here."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from databento_dbn import Metadata, Schema, SType, v1, v2, v3
from databento_dbn.metadata import MappingInterval
from zstandard import FLUSH_BLOCK, ZstdCompressor

from market_data.domain.time import NS_PER_DAY, day_bounds, day_start

VERSIONS = (1, 2, 3)
INSTRUMENT = 17_077
SYMBOL = "ESH4"
PRICE = 10**9
"""Databento's prices are whole numbers of 1e-9."""
_RECORDS = {
    "trades": "TradeMsg",
    "tbbo": "MBP1Msg",
    "bbo-1s": "BBOMsg",
    "ohlcv-1m": "OHLCVMsg",
    "ohlcv-1h": "OHLCVMsg",
    "ohlcv-1d": "OHLCVMsg",
    "statistics": "StatMsg",
    "definition": "InstrumentDefMsg",
}
_CHUNK = 1_000_000
_RECORDS_IN_A_BLOCK = 50
Interval = tuple[dt.date, dt.date, str]


@dataclass
class _Interval:
    """As the encoder wants it: it looks for attributes."""

    start_date: dt.date
    end_date: dt.date
    symbol: str


@dataclass
class _Mapping:
    raw_symbol: str
    intervals: Sequence[MappingInterval]


def layout(schema: str, version: int = 3) -> np.dtype[np.void]:
    """Of one record, as the vendor's own encoder has it."""
    return np.dtype(getattr({1: v1, 2: v2, 3: v3}[version], _RECORDS[schema])._dtypes)


def records(schema: str, count: int, version: int = 3, **fields: Any) -> np.ndarray:
    """Records of one instrument with these fields, each a value for all or an array; what is left out is 0."""
    made = np.zeros(count, layout(schema, version))
    for name, values in {
        "length": made.itemsize // 4,
        "publisher_id": 1,
        "instrument_id": INSTRUMENT,
        **fields,
    }.items():
        made[name] = values
    return made


def head(
    schema: str | None,
    day: dt.date,
    version: int = 3,
    *,
    dataset: str = "GLBX.MDP3",
    stype_in: str = "raw_symbol",
    stype_out: str = "instrument_id",
    symbols: Sequence[str] = (SYMBOL,),
    mappings: Mapping[str, Sequence[Interval]] | None = None,
    ts_out: bool = False,
) -> bytes:
    """The metadata that a file begins with; without mappings its first symbol is the instrument's on that day."""
    start, end = day_bounds(day)
    if mappings is None:
        mappings = {symbols[0]: [(day, day + dt.timedelta(days=1), str(INSTRUMENT))]}
    return Metadata(
        dataset=dataset,
        start=start,
        end=end,
        stype_in=SType.from_str(stype_in),
        stype_out=SType.from_str(stype_out),
        schema=None if schema is None else Schema.from_str(schema),
        symbols=list(symbols),
        mappings=[_Mapping(key, [_Interval(*each) for each in given]) for key, given in mappings.items()],
        ts_out=ts_out,
        version=version,
    ).encode()


def write(path: Path, *content: bytes) -> Path:
    """A file of these bytes, compressed if its name says so."""
    compression = "zstd" if path.suffix == ".zst" else None
    with pa.output_stream(str(path), compression=compression) as stream:
        for part in content:
            stream.write(part)
    return path


def streamed(head: bytes, made: np.ndarray) -> bytes:
    """A file as a stream brings it, in blocks: what is cut off after one of them still reads as a shorter day."""
    target = BytesIO()
    with ZstdCompressor().stream_writer(target, closefd=False) as stream:
        stream.write(head)
        for first in range(0, len(made), _RECORDS_IN_A_BLOCK):
            stream.flush(FLUSH_BLOCK)
            stream.write(made[first : first + _RECORDS_IN_A_BLOCK].tobytes())
    return target.getvalue()


def trades(day: dt.date, count: int, symbol: str = SYMBOL, **asked: Any) -> bytes:
    """A day's file of so many trades, evenly spread over it by both clocks; `asked` as `head` takes it."""
    number = np.arange(count)
    ts_event = day_start(day) + number * (NS_PER_DAY // max(count, 1))
    made = records(
        "trades",
        count,
        ts_event=ts_event,
        ts_recv=ts_event + 1_000,
        price=4_800 * PRICE + number % 7 * (PRICE // 4),
        size=1 + number % 3,
        action=b"T",
        side=np.where(number % 2, b"B", b"A"),
        sequence=number,
    )
    return streamed(head("trades", day, symbols=[symbol], **asked), made)


def bars(day: dt.date, count: int, symbol: str = SYMBOL, schema: str = "ohlcv-1m") -> bytes:
    """A day's file of so many bars, a minute apart."""
    prices = {"open": 4_800 * PRICE, "high": 4_802 * PRICE, "low": 4_799 * PRICE, "close": 4_801 * PRICE}
    ts_event = day_start(day) + np.arange(count) * 60 * 10**9
    return streamed(head(schema, day, symbols=[symbol]), records(schema, count, ts_event=ts_event, volume=10, **prices))


def some_trades(day: dt.date, first: int, count: int, of: int, seed: int = 1) -> np.ndarray:
    """Trades `first` to `first + count` of so many that a day has.

    They come by threes at one time, at no even distance; prices walk by quarter points, lots are of 1 to 50.
    """
    random = np.random.default_rng([seed, first])
    number = np.arange(first, first + count)
    three, step = number // 3, NS_PER_DAY // of
    ts_recv = day_start(day) + three * 3 * step + three * 2_654_435_761 % step
    return records(
        "trades",
        count,
        ts_event=ts_recv - random.integers(100_000, 500_000, count),
        ts_recv=ts_recv,
        price=4_800 * PRICE + np.cumsum(random.integers(-1, 2, count)) * 250_000_000,
        size=random.integers(1, 50, count),
        action=b"T",
        side=random.choice(np.array([b"A", b"B", b"N"]), count),
        ts_in_delta=random.integers(10_000, 30_000, count),
        sequence=number,
    )


def write_trades(path: Path, day: dt.date, count: int, dataset: str = "GLBX.MDP3") -> Path:
    """A day's file of so many trades, made and written a million at a time."""
    parts = (some_trades(day, first, min(_CHUNK, count - first), count).tobytes() for first in range(0, count, _CHUNK))
    return write(path, head("trades", day, dataset=dataset), *parts)
