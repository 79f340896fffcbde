"""(c, continued) How long a run of 10,000 small partitions takes until its first one is done, in a process of its own.

From the start of `dagster asset materialize` until the ledger has the report of a partition; then the run is killed.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from market_data.settings import Feed, Settings
from market_data_tests.feeds import settings_of, simulated

DAYS, SYMBOLS, TRADES = 1_000, 10, 200
BOUND_SECONDS = 10
_DAGSTER_YAML = Path(__file__).parents[2] / "dagster.yaml"
_PATIENCE_SECONDS = 600


def _settings(folder: Path) -> Settings:
    symbols = [f"S{number:02d}-USD" for number in range(SYMBOLS)]
    options = {"trades_per_day": dict.fromkeys(symbols, TRADES)}
    dates = {"start": "2021-01-01", "end": "2023-09-27"}
    return settings_of(folder, {"bench": simulated(symbols=symbols, tables=["trades"], options=options, **dates)})


def _command(feed: Feed) -> list[str]:
    symbols = sorted(feed.symbols)
    whole_range = f"{feed.start}|{symbols[0]}...{feed.end}|{symbols[-1]}"
    select = ",".join(f"{feed.name}/{table}" for table in feed.assets)
    words = ["asset", "materialize", "-m", "market_data.definitions", "--select", select]
    return [sys.executable, "-m", "dagster", *words, "--partition-range", whole_range]


def _first_done(settings: Settings, run: "subprocess.Popen[bytes]") -> None:
    reports = settings.warehouse / "_files" / "quality_reports"
    began = time.monotonic()
    while not any(reports.rglob("*.parquet")):
        if run.poll() is not None or time.monotonic() - began > _PATIENCE_SECONDS:
            raise SystemExit("the bench's own run did not begin")
        time.sleep(0.05)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run() -> dict[str, float | int]:
    """Return seconds until the first partition is done, with their bound, and the size of Dagster's files then."""
    with tempfile.TemporaryDirectory() as temporary:
        settings = _settings(Path(temporary))
        feed, dagster_home = settings.feeds["bench"], Path(temporary, "dagster")
        dagster_home.mkdir()
        shutil.copy(_DAGSTER_YAML, dagster_home)
        places = {"MARKET_DATA_HOME": str(settings.home), "MARKET_DATA_CONFIG": str(settings.config_path)}
        environment = os.environ | places | {"DAGSTER_HOME": str(dagster_home)}
        began = time.perf_counter()
        with subprocess.Popen(
            _command(feed), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as run:
            try:
                _first_done(settings, run)
                taken, cpu = time.perf_counter() - began, _cpu_seconds(run.pid)
            finally:
                run.send_signal(signal.SIGKILL)
        size = sum(file.stat().st_size for file in dagster_home.rglob("*.db"))
    return {
        "partitions of the range": DAYS * SYMBOLS,
        "until the first is done, s": taken,
        "  its bound, s": BOUND_SECONDS,
        "  of them CPU, s": cpu,
        "Dagster's files before the first, kB a partition": size / (DAYS * SYMBOLS) / 1_000,
    }
