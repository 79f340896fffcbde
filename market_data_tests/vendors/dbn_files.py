"""DBN files of any version and size, made from arrays of records. No server here; single records: `databento_files`."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from databento_dbn import Metadata, Schema, SType, v1, v2, v3
from databento_dbn.metadata import MappingInterval

from market_data.domain.time import NS_PER_DAY, day_bounds

VERSIONS = (1, 2, 3)
INSTRUMENT = 17_077
SYMBOL = "ESH4"
_RECORDS = {
    "trades": "TradeMsg",
    "tbbo": "MBP1Msg",
    "bbo-1s": "BBOMsg",
    "ohlcv-1m": "OHLCVMsg",
    "statistics": "StatMsg",
    "definition": "InstrumentDefMsg",
}
_CHUNK = 1_000_000
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
    """The metadata that a file begins with; without mappings the symbol is the instrument's on that day."""
    start, end = day_bounds(day)
    if mappings is None:
        mappings = {SYMBOL: [(day, day + dt.timedelta(days=1), str(INSTRUMENT))]}
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


def some_trades(day: dt.date, first: int, count: int, of: int, seed: int = 1) -> np.ndarray:
    """Trades `first` to `first + count` of so many that a day has: ties, a walk by quarter points, lots of 1 to 50."""
    random = np.random.default_rng([seed, first])
    number = np.arange(first, first + count)
    ts_recv = day_bounds(day)[0] + number // 3 * 3 * (NS_PER_DAY // of)
    return records(
        "trades",
        count,
        ts_event=ts_recv - 300_000,
        ts_recv=ts_recv,
        price=4_800 * 10**9 + np.cumsum(random.integers(-1, 2, count)) * 250_000_000,
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
