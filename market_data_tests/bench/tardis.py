"""(e) A day of Tardis trades from a landed csv.gz to the warehouse, against polars reading the same file.

What is measured against checks nothing and writes nothing: no contract, no exact numbers, no account, no Parquet.
"""

import datetime as dt
import gzip
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from market_data.domain.time import NS_PER_DAY, day_start
from market_data.pipeline.fetch import land
from market_data.pipeline.ingest import ingest
from market_data.pipeline.workspace import opened
from market_data_tests.bench.measure import best_seconds, peak_mb, peak_mb_of
from market_data_tests.feeds import settings_of

ROWS = 5_000_000
LARGE_ROWS = 50_000_000
DAY = dt.date(2024, 1, 15)
STANZA = {
    "source": "tardis",
    "symbols": {"BTC-USDT": "BTCUSDT"},
    "tables": ["trades"],
    "start": DAY.isoformat(),
    "options": {"exchange": "binance-futures"},
}
_CHUNK = 1_000_000


def write_file(folder: Path, rows: int, compresslevel: int = 6) -> Path:
    """A file as Tardis has it: microseconds, running ids, prices that wander, sizes that are exponential."""
    path = folder / f"trades-{rows}.csv.gz"
    random = np.random.default_rng(1)
    price = 40_000.0
    start, step = day_start(DAY) // 1_000, NS_PER_DAY // 1_000 / rows
    with gzip.open(path, "wb", compresslevel=compresslevel) as file:
        for first in range(0, rows, _CHUNK):
            number = np.arange(first, min(first + _CHUNK, rows))
            prices = np.round(price + np.cumsum(random.normal(0, 0.5, len(number))), 1)
            price = float(prices[-1])
            received = start + (number * step).astype(np.int64)
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
            file.write(frame.write_csv(include_header=first == 0).encode())
    return path


def materialize(folder: Path, file: Path, home: str) -> None:
    """Land the file in a new home and take it the whole way."""
    (folder / home).mkdir()
    settings = settings_of(folder / home, {"bench": STANZA})
    feed = settings.feeds["bench"]
    partition = feed.partition("BTC-USDT", DAY)
    with opened(settings) as workspace:
        land(workspace, feed, feed.request("trades", partition), [file])
        outcome = ingest(workspace, feed, "trades", partition)
    if not outcome.revision.account.adds_up or outcome.revision.account.rejected:
        raise SystemExit(f"the bench's own data did not pass: {outcome.revision.account}")


def run(rows: int = ROWS, large_rows: int = LARGE_ROWS) -> dict[str, float | int]:
    """Ratio of wall-clock times, and peak memory at two sizes."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        file = write_file(folder, rows)
        homes = iter(range(100))
        (folder / "landed").mkdir()
        settings = settings_of(folder / "landed", {"bench": STANZA})
        feed = settings.feeds["bench"]
        partition = feed.partition("BTC-USDT", DAY)
        with opened(settings) as workspace:
            land(workspace, feed, feed.request("trades", partition), [file])

        def ours() -> None:
            fresh = settings.model_copy(update={"home": folder / f"home-{next(homes)}"})
            fresh.home.mkdir()
            (fresh.home / "landing").symlink_to(settings.landing, target_is_directory=True)
            with opened(fresh) as workspace:
                ingest(workspace, feed, "trades", partition)

        seconds_ours = best_seconds(ours)
        seconds_polars = best_seconds(lambda: pl.read_csv(file))
        parquet = next((folder / "home-0").rglob("data.parquet"))
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
    materialize(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
    print(f"{peak_mb():.0f}")
