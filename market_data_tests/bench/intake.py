"""(a) A day of trades from a landed zip to the warehouse, against polars reading the CSV and writing Parquet."""

import hashlib
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import polars as pl

from market_data_tests.bench.landed import DAY, ingesting, materialize, stanza, trades
from market_data_tests.bench.measure import best_seconds, peak_mb, peak_mb_of

ROWS = 5_000_000
LARGE_ROWS = 15_000_000
STANZA = stanza("binance_vision", market="spot", max_uncompressed_bytes=8 * 2**30)


def write_archive(folder: Path, rows: int) -> Path:
    """A zip as Binance's archive has it, with its checksum beside it; prices wander, sizes are exponential."""
    path = folder / f"BTCUSDT-aggTrades-{DAY.isoformat()}.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive,
        archive.open(f"{path.stem}.csv", "w", force_zip64=True) as member,
    ):
        for random, number, times_ms, prices in trades(rows, ns_per_unit=1_000_000, digits=2):
            frame = pl.DataFrame(
                {
                    "agg_trade_id": number + 3_000_000_000,
                    "price": prices,
                    "quantity": np.round(random.exponential(0.05, len(number)) + 0.00001, 5),
                    "first_trade_id": number * 2,
                    "last_trade_id": number * 2 + 1,
                    "transact_time": times_ms,
                    "is_buyer_maker": np.where(random.random(len(number)) < 0.5, "True", "False"),
                    "is_best_match": np.full(len(number), "True"),
                }
            )
            member.write(frame.write_csv(include_header=False).encode())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(f"{path.name}.CHECKSUM").write_text(f"{digest}  {path.name}\n", encoding="utf-8")
    return path


def plain_polars(archive: Path, target: Path) -> None:
    """What the platform is measured against: no contract, no identity, no exact numbers, no ledger, no fsync."""
    with zipfile.ZipFile(archive) as opened_archive:
        content = opened_archive.read(f"{archive.stem}.csv")
    pl.read_csv(content, has_header=False).write_parquet(target)


def run() -> dict[str, float | int]:
    """Ratio of wall-clock times, and peak memory at two sizes."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        archive = write_archive(folder, ROWS)
        seconds_ours = best_seconds(ingesting(folder, STANZA, archive))
        seconds_polars = best_seconds(lambda: plain_polars(archive, folder / "plain.parquet"))
        file = next((folder / "home-0").rglob("*.parquet"))
        figures: dict[str, float | int] = {
            "rows": ROWS,
            "polars: read_csv + write_parquet, s": seconds_polars,
            "landing to warehouse, s": seconds_ours,
            "ratio": seconds_ours / seconds_polars,
            "bytes a trade": file.stat().st_size / ROWS,
            "bytes a trade, polars": (folder / "plain.parquet").stat().st_size / ROWS,
        }
        module = "market_data_tests.bench.intake"
        figures[f"peak MB at {ROWS:,} rows"] = peak_mb_of(module, str(folder), str(archive), "small")
        archive.unlink()
        large = write_archive(folder, LARGE_ROWS)
        figures[f"peak MB at {LARGE_ROWS:,} rows"] = peak_mb_of(module, str(folder), str(large), "large")
    return figures


if __name__ == "__main__":
    materialize(Path(sys.argv[1]) / sys.argv[3], STANZA, Path(sys.argv[2]))
    print(f"{peak_mb():.0f}")
