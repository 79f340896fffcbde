"""(k) The platform's rounds where the ledger names 100,000 partitions of tables, or another number that is given.

A desk's history grows by days: four feeds of 25 symbols each, six tables, and as many days as make up the number. Of
the reports one in 50 does not pass, of the trades one partition in 100 has records in quarantine, of the candles one
in 200 was made from what was replaced since, and one day in 100 is missing. The rows stand in the ledger alone: no
file is there. Seconds are of this process's CPU, the second time that a round is asked for.
"""

import datetime as dt
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from market_data.domain.alerts import Cause
from market_data.domain.time import day_start
from market_data.operations import watch
from market_data.operations.alerting import report_round, tell_again
from market_data.operations.health import Scope, examine, probes
from market_data.operations.metrics import groups
from market_data.operations.repair import plan
from market_data.pipeline.coverage import coverage
from market_data.pipeline.workspace import Workspace, opened
from market_data.settings import Feed, Settings
from market_data_tests.bench.measure import best_seconds
from market_data_tests.feeds import settings_of, simulated
from market_data_tests.kept_search import keep_what_is_found
from market_data_tests.partitions import enter, row_of

FEEDS, SYMBOLS = 4, 25
PARTITIONS = 100_000
NOW = dt.datetime(2026, 1, 10, 12, tzinfo=dt.UTC)
BOUNDS = {"watch": 0.2, "repair": 0.5, "coverage of a month": 1.0, "alerts": 1.0, "health": 1.0, "metrics": 1.0}
"""CPU seconds; of a million partitions three times as much."""
_BLOCK = 20_000


def _settings(folder: Path, days: int) -> Settings:
    symbols = [f"S{number:02d}-USD" for number in range(SYMBOLS)]
    start = (NOW.date() - dt.timedelta(days=days)).isoformat()
    options = {"trades_per_day": dict.fromkeys(symbols, 100)}
    return settings_of(
        folder,
        {f"desk{n}": simulated(symbols=symbols, start=start, end=None, options=options) for n in range(FEEDS)},
    )


def _rows(feed: Feed, days: int) -> Iterator[dict[str, Any]]:
    bad = {"failing": 2, "failures": [["gaps", "trades", "warning"], ["prices", "quotes", "error"]]}
    number = 0
    for table in feed.assets:
        for symbol in feed.symbols:
            for day in range(days):
                number += 1
                if day and number % 100 == 0:
                    continue
                date = feed.start + dt.timedelta(days=day)
                values: dict[str, Any] = {"committed_ns": day_start(date) + 86_400_000_000_000 * 5 // 4}
                if table == "quality_reports":
                    values["notes"] = bad | {"passed": False} if number % 50 == 1 else {"failing": 0, "passed": True}
                    values["inputs"] = [
                        {"table": each, "date": date.isoformat(), "sha256": "0" * 64} for each in feed.assets[:-1]
                    ]
                elif table == "candles":
                    read = "1" if number % 200 == 1 else "0"
                    values["inputs"] = [{"table": "trades", "date": date.isoformat(), "sha256": read * 64}]
                elif table == "trades" and number % 100 == 1:
                    values["account"] = {"records": 20, "accepted": 19, "rejected": 1}
                yield row_of(table, feed.partition(symbol, date), **values)


def _fill(workspace: Workspace, days: int) -> int:
    count = 0
    for feed in workspace.settings.feeds.values():
        made = _rows(feed, days)
        while rows := list(islice(made, _BLOCK)):
            enter(workspace.ledger, rows, keep=False)
            count += len(rows)
        with workspace.ledger.writing() as connection:
            keep_what_is_found(connection, feed.name)
    return count


def _watch(workspace: Workspace) -> None:
    """What the sensor asks and writes, but for Dagster's runs."""
    found: dict[tuple[str, str | None], list[Cause]] = {}
    for name, feed in workspace.settings.feeds.items():
        found[watch.FRESHNESS, name] = watch.late(workspace, feed, NOW)
        found[watch.FINDING, name] = watch.not_passing(workspace, feed)
        found[watch.REJECTED, name] = watch.rejecting(workspace, feed, NOW, 0.01)
    report_round(workspace, found, NOW, {})
    tell_again(workspace, NOW, {})


def _repair(workspace: Workspace) -> None:
    for feed in workspace.settings.feeds.values():
        plan(workspace, feed, NOW)


def _coverage(workspace: Workspace) -> None:
    last = NOW.date() - dt.timedelta(days=1)
    for feed in workspace.settings.feeds.values():
        coverage(workspace.ledger.current_reader, feed, "trades", last - dt.timedelta(days=30), last)


def _health(workspace: Workspace) -> None:
    scope = Scope(lambda: workspace.settings, None, full=False, now=NOW)
    try:
        list(examine(scope, probes()))
    finally:
        scope.close()


def _metrics(workspace: Workspace) -> None:
    for group in groups(workspace, NOW).values():
        list(group())


ROUNDS: Mapping[str, Callable[[Workspace], object]] = {
    "watch": _watch,
    "repair": _repair,
    "coverage of a month": _coverage,
    "alerts": lambda workspace: workspace.ledger.alerts.find(),
    "health": _health,
    "metrics": _metrics,
}


def _cpu_seconds(work: Callable[[], object]) -> float:
    work()
    return best_seconds(work, 1, time.process_time)


def run(partitions: int = PARTITIONS) -> dict[str, float | int]:
    """CPU seconds of each round, beside its bound."""
    with tempfile.TemporaryDirectory() as temporary:
        days = -(-partitions // (FEEDS * SYMBOLS * 6))
        with opened(_settings(Path(temporary), days)) as workspace:
            figures: dict[str, float | int] = {"partitions": _fill(workspace, days)}
            factor = 1 if partitions <= PARTITIONS else 3
            for name, work in ROUNDS.items():
                figures[f"{name}, s"] = _cpu_seconds(lambda work=work: work(workspace))
                figures[f"{name}, bound"] = BOUNDS[name] * factor
    return figures


if __name__ == "__main__":
    for figure, value in run(int(sys.argv[1]) if sys.argv[1:] else PARTITIONS).items():
        print(f"{figure:>30}  {value:,.3f}" if isinstance(value, float) else f"{figure:>30}  {value:,}", flush=True)
