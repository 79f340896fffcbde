"""(a) A day of trades from a landed zip to the warehouse, against polars reading the CSV and writing Parquet."""

import datetime as dt
import hashlib
import sys
import tempfile
import zipfile
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
LARGE_ROWS = 15_000_000
DAY = dt.date(2024, 1, 15)
STANZA = {
    "source": "binance_vision",
    "symbols": {"BTC-USDT": "BTCUSDT"},
    "tables": ["trades"],
    "start": DAY.isoformat(),
    "options": {"market": "spot", "max_uncompressed_bytes": 8 * 2**30},
}
_CHUNK = 1_000_000


def write_archive(folder: Path, rows: int) -> Path:
    """A zip as Binance's archive has it, with its checksum beside it; prices wander, sizes are exponential."""
    path = folder / f"BTCUSDT-aggTrades-{DAY.isoformat()}.zip"
    random = np.random.default_rng(1)
    price = 40_000.0
    start_ms, step = day_start(DAY) // 1_000_000, NS_PER_DAY // 1_000_000 / rows
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive,
        archive.open(f"{path.stem}.csv", "w", force_zip64=True) as member,
    ):
        for first in range(0, rows, _CHUNK):
            number = np.arange(first, min(first + _CHUNK, rows))
            prices = np.round(price + np.cumsum(random.normal(0, 0.5, len(number))), 2)
            price = float(prices[-1])
            frame = pl.DataFrame(
                {
                    "agg_trade_id": number + 3_000_000_000,
                    "price": prices,
                    "quantity": np.round(random.exponential(0.05, len(number)) + 0.00001, 5),
                    "first_trade_id": number * 2,
                    "last_trade_id": number * 2 + 1,
                    "transact_time": start_ms + (number * step).astype(np.int64),
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


def materialize(folder: Path, archive: Path, home: str) -> None:
    """Land the file in a new home and take it the whole way."""
    (folder / home).mkdir()
    settings = settings_of(folder / home, {"bench": STANZA})
    feed = settings.feeds["bench"]
    partition = feed.partition("BTC-USDT", DAY)
    with opened(settings) as workspace:
        land(workspace, feed, feed.request("trades", partition), [archive])
        outcome = ingest(workspace, feed, "trades", partition)
    if not outcome.revision.account.adds_up or outcome.revision.account.rejected:
        raise SystemExit(f"the bench's own data did not pass: {outcome.revision.account}")


def run() -> dict[str, float | int]:
    """Ratio of wall-clock times, and peak memory at two sizes."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        archive = write_archive(folder, ROWS)
        homes = iter(range(100))

        (folder / "landed").mkdir()
        settings = settings_of(folder / "landed", {"bench": STANZA})
        feed = settings.feeds["bench"]
        partition = feed.partition("BTC-USDT", DAY)
        with opened(settings) as workspace:
            land(workspace, feed, feed.request("trades", partition), [archive])

        def ours() -> None:
            fresh = settings.model_copy(update={"home": folder / f"home-{next(homes)}"})
            (fresh.home).mkdir()
            (fresh.home / "landing").symlink_to(settings.landing, target_is_directory=True)
            with opened(fresh) as workspace:
                ingest(workspace, feed, "trades", partition)

        seconds_ours = best_seconds(ours)
        seconds_polars = best_seconds(lambda: plain_polars(archive, folder / "plain.parquet"))
        file = next((folder / "home-0").rglob("data.parquet"))
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
    materialize(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
    print(f"{peak_mb():.0f}")
