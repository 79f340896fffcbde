"""(e) All checks of a day of trades, against materializing it: landed zip to trades, candles and ledger."""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from market_data.pipeline.candles import build_candles
from market_data.pipeline.fetch import land
from market_data.pipeline.ingest import ingest
from market_data.pipeline.quality import run_checks
from market_data.pipeline.workspace import opened
from market_data.settings import Settings
from market_data_tests.bench.intake import LARGE_ROWS, ROWS, STANZA, write_archive
from market_data_tests.bench.landed import DAY
from market_data_tests.bench.measure import best_seconds, peak_mb, peak_mb_of
from market_data_tests.feeds import settings_of


def _settings(folder: Path) -> Settings:
    return settings_of(folder, {"bench": STANZA})


def materialize(folder: Path, archive: Path) -> None:
    """A new home in the folder with the day's trades and candles."""
    settings = _settings(folder)
    feed = settings.feeds["bench"]
    partition = feed.partition("BTC-USDT", DAY)
    with opened(settings) as workspace:
        land(workspace, feed, feed.request("trades", partition), [archive])
        ingest(workspace, feed, "trades", partition)
        build_candles(workspace, feed, partition)


def check(folder: Path) -> None:
    """Every check that applies to the feed, as a run makes them."""
    settings = _settings(folder)
    feed = settings.feeds["bench"]
    with opened(settings) as workspace:
        findings = run_checks(workspace, feed, feed.partition("BTC-USDT", DAY), feed.judged_by)
    failed = [finding for said in findings.values() for finding in said if not finding.passed]
    if failed:
        raise SystemExit(f"the bench's own data did not pass: {failed}")


def _best(work: Callable[[], None]) -> tuple[float, float]:
    """The least seconds and processor seconds of several goes: other work on the machine spares the latter."""
    cpu: list[float] = []

    def counted() -> None:
        began = time.process_time()
        work()
        cpu.append(time.process_time() - began)

    return best_seconds(counted), min(cpu)


def run() -> dict[str, float | int]:
    """Ratio of wall-clock times, and peak memory of the checks alone at two sizes."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        homes = iter(range(100))

        def fresh() -> Path:
            home = folder / f"home-{next(homes)}"
            home.mkdir()
            return home

        archive = write_archive(folder, ROWS)
        seconds, cpu = _best(lambda: materialize(fresh(), archive))
        checks, checks_cpu = _best(lambda: check(folder / "home-0"))
        module = "market_data_tests.bench.checks"
        small = peak_mb_of(module, str(folder / "home-0"))
        archive.unlink()
        large = fresh()
        materialize(large, write_archive(folder, LARGE_ROWS))
        return {
            "rows": ROWS,
            "materializing, s": seconds,
            "all checks, s": checks,
            "ratio": checks / seconds,
            "ratio of processor seconds": checks_cpu / cpu,
            f"peak MB of the checks at {ROWS:,} rows": small,
            f"peak MB of the checks at {LARGE_ROWS:,} rows": peak_mb_of(module, str(large)),
        }


if __name__ == "__main__":
    check(Path(sys.argv[1]))
    print(f"{peak_mb():.0f}")
