"""(e) A day of Tardis trades from a landed csv.gz to the warehouse, against polars reading the same file.

What is measured against checks nothing and writes nothing: no contract, no exact numbers, no account, no Parquet.
"""

import gzip
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from market_data_tests.bench.landed import ingesting, materialize, stanza, trades
from market_data_tests.bench.measure import best_seconds, peak_mb, peak_mb_of

ROWS = 5_000_000
LARGE_ROWS = 50_000_000
STANZA = stanza("tardis", exchange="binance-futures")


def write_file(folder: Path, rows: int, compresslevel: int = 6) -> Path:
    """A file as Tardis has it: microseconds, running ids, prices that wander, sizes that are exponential."""
    path = folder / f"trades-{rows}.csv.gz"
    with gzip.open(path, "wb", compresslevel=compresslevel) as file:
        for random, number, received, prices in trades(rows, ns_per_unit=1_000, digits=1):
            frame = pl.DataFrame(
                {
                    "exchange": np.full(len(number), "binance-futures"),
                    "symbol": np.full(len(number), "BTCUSDT"),
                    "timestamp": (received - random.integers(2_000, 9_000, len(number))) // 1_000 * 1_000,
                    "local_timestamp": received,
                    "id": number + 3_000_000_000,
                    "side": np.where(random.random(len(number)) < 0.5, "buy", "sell"),
                    "price": prices,
                    "amount": np.round(random.exponential(0.05, len(number)) + 0.001, 3),
                }
            )
            file.write(frame.write_csv(include_header=number[0] == 0).encode())
    return path


def run(rows: int = ROWS, large_rows: int = LARGE_ROWS) -> dict[str, float | int]:
    """Ratio of wall-clock times, and peak memory at two sizes."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        file = write_file(folder, rows)
        seconds_ours = best_seconds(ingesting(folder, STANZA, file))
        seconds_polars = best_seconds(lambda: pl.read_csv(file))
        parquet = next((folder / "home-0").rglob("*.parquet"))
        figures: dict[str, float | int] = {
            "rows": rows,
            "polars: read_csv, s": seconds_polars,
            "landing to warehouse, s": seconds_ours,
            "ratio": seconds_ours / seconds_polars,
            "bytes a trade": parquet.stat().st_size / rows,
            "bytes a trade, csv.gz": file.stat().st_size / rows,
        }
        module = "market_data_tests.bench.tardis"
        figures[f"peak MB at {rows:,} rows"] = peak_mb_of(module, str(folder), str(file), "small")
        file.unlink()
        large = write_file(folder, large_rows, compresslevel=1)  # 50 M rows take minutes to pack
        figures[f"peak MB at {large_rows:,} rows"] = peak_mb_of(module, str(folder), str(large), "large")
    return figures


if __name__ == "__main__":
    materialize(Path(sys.argv[1]) / sys.argv[3], STANZA, Path(sys.argv[2]))
    print(f"{peak_mb():.0f}")
