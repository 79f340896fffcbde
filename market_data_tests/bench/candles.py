"""Candles from a partition of 10 M trades, against only reading the columns they are made of.

`python -m market_data_tests.bench.candles` prints the figures. Each measurement runs in processes of its own, so that
its peak memory is its own, and the rounds alternate, so that a busy machine burdens all of them alike.
"""

import datetime as dt
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from market_data.domain.candles import candle_kind
from market_data.domain.numbers import PRICE, SIZE
from market_data.domain.ports.candle_kind import BarContext
from market_data.domain.time import day_start
from market_data_tests.bench.measure import peak_mb

DAY = dt.date(2024, 5, 8)
ROWS = 10_000_000
ROUNDS = 3
REPEATS = 7
CONTEXT = BarContext(DAY, "ts_event", "BTC-USDT", "flat")
BUILDS = {
    "1m": ("time", ["1m"]),
    "1m 5m 15m 1h 1d": ("time", ["1m", "5m", "15m", "1h", "1d"]),
    "1000t": ("tick", ["1000t"]),
    "1000v": ("volume", ["1000v"]),
    "10000000d": ("dollar", ["10000000d"]),
}


def run(rows: int = ROWS) -> dict[str, Any]:
    """Of 1m bars: rows, best seconds, their ratio to reading, that of processor time, peak memory; `also`: others.

    Where other things run beside it, the processor's time is the steadier measure.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.parquet"
        # Not in this process: a child starts with its parent's peak memory as its own.
        _apart("write", str(path), str(rows))
        rounds = [{name: _apart(name, str(path)) for name in ("read", *BUILDS)} for _ in range(ROUNDS)]
    best = {
        name: [min(each) for each in zip(*(figures[name] for figures in rounds), strict=True)] for name in rounds[0]
    }
    read_seconds, read_cpu, _ = best.pop("read")
    figures = {
        name: {
            "seconds": seconds,
            "ratio": seconds / read_seconds,
            "cpu_ratio": cpu / read_cpu,
            "peak_mb": peak_mb,
        }
        for name, (seconds, cpu, peak_mb) in best.items()
    }
    return {"rows": rows, "read_seconds": read_seconds, **figures.pop("1m"), "also": figures}


def write_partition(path: Path, rows: int) -> None:
    """A busy day of trades, stored as the warehouse does it; the same at every run.

    Seven of ten trades share their millisecond with the one before; prices walk by cents; sizes are log-uniform from
    0.00001 to 1, some forty thousand different ones in a row group.
    """
    place = pl.int_range(rows)
    gap_ms = pl.when(place.hash(1) % 10 < 7).then(0).otherwise(place.hash(2) % (560_000_000 // rows))
    cents = pl.when(place.hash(3) % 2 == 0).then(0).otherwise((place.hash(4) % 7).cast(pl.Int64) - 3)
    lots = (10 ** (5 * (place.hash(5) % 2**30) / 2**30)).floor().cast(pl.Int64)
    frame = pl.select(
        ts_event=day_start(DAY) + gap_ms.cum_sum().cast(pl.Int64) * 10**6,
        ordinal=place,
        price=_decimal(60_000 * 10**9 + cents.cum_sum() * 10**7).cast(PRICE),
        size=_decimal(lots * 10**4).cast(SIZE),
        side=pl.when(place.hash(6) % 2 == 0).then(pl.lit("buy")).otherwise(pl.lit("sell")),
    )
    pq.write_table(
        frame.to_arrow(compat_level=pl.CompatLevel.oldest()),
        path,
        version="2.6",
        compression="zstd",
        compression_level=3,
        row_group_size=262_144,
        write_page_index=True,
        store_decimal_as_integer=True,
        use_dictionary=["size", "side"],  # pyright: ignore[reportArgumentType]
        column_encoding=dict.fromkeys(("ts_event", "ordinal", "price"), "DELTA_BINARY_PACKED"),
    )


def _decimal(units: pl.Expr) -> pl.Expr:
    return units.cast(pl.Int128).reinterpret(dtype=pl.Decimal(38, 9))


def _apart(*arguments: str) -> list[float]:
    command = [sys.executable, "-m", "market_data_tests.bench.candles", *arguments]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def _measure(name: str, path: Path) -> list[float]:
    """The best of several: seconds, seconds of the processors; and this process's peak memory in MB."""
    seconds, cpu = [], []
    for _ in range(REPEATS):
        start, cpu_start = time.perf_counter(), time.process_time()
        _plan(name, pl.scan_parquet(path)).collect(engine="streaming")
        seconds.append(time.perf_counter() - start)
        cpu.append(time.process_time() - cpu_start)
    return [min(seconds), min(cpu), peak_mb()]


def _plan(name: str, trades: pl.LazyFrame) -> pl.LazyFrame:
    if name == "read":
        return trades.select("ts_event", "price", "size")
    kind, timeframes = BUILDS[name]
    return candle_kind(kind).build(trades, timeframes, CONTEXT)


def _main(arguments: list[str]) -> None:
    match arguments:
        case []:
            print(json.dumps(run(), indent=2))
        case ["write", path, rows]:
            write_partition(Path(path), int(rows))
            print("[]")
        case [name, path]:
            print(json.dumps(_measure(name, Path(path))))
        case _:
            raise SystemExit(2)


if __name__ == "__main__":
    _main(sys.argv[1:])
