"""A home under test, and runs on it as `dagster asset materialize` makes them: processes to watch and to hurt."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from dagster import DagsterInstance

from market_data.domain.partition import Partition
from market_data.settings import Feed, Settings
from market_data_tests.faults.scenario import Size
from market_data_tests.feeds import place, settings_of, simulated

FEED = "sim"
PATIENCE_SECONDS = 900
_POLL_SECONDS = 0.05
Key = tuple[str, Partition]
"""A table, and a partition of it."""


def settings_for(folder: Path, size: Size, seed: int, **environment: Any) -> Settings:
    """A feed of that size; without flat bars, which hang together from day to day, each partition stands for itself."""
    symbols = [f"S{number:02d}-USD" for number in range(size.symbols)]
    feed = simulated(
        symbols=symbols,
        tables=["trades", "vendor_candles"],
        candles={"tick": ["50t"]},
        start="2024-01-01",
        end=f"2024-01-{size.days:02d}",
        options={"seed": seed, "trades_per_day": dict.fromkeys(symbols, size.trades)},
    )
    folder.mkdir(parents=True, exist_ok=True)
    return settings_of(folder, {FEED: feed}, **environment)


@dataclass(frozen=True)
class Backfill:
    """A home and the rectangle that runs have to make there.

    Attributes:
        folder: where configuration, logs and Dagster's home lie; the home too, unless `environment` names another.
        seed: of the simulated exchange: another one gives every partition other rows.
        environment: `home` or `ledger_url`, where they lie elsewhere.
    """

    folder: Path
    size: Size
    seed: int = 1
    environment: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @cached_property
    def settings(self) -> Settings:
        return settings_for(self.folder / f"seed-{self.seed}", self.size, self.seed, **self._environment)

    @property
    def feed(self) -> Feed:
        return self.settings.feeds[FEED]

    @property
    def keys(self) -> Sequence[Key]:
        """Everything there is to make."""
        return [
            (table, self.feed.partition(symbol, self.feed.start.replace(day=day + 1)))
            for day in range(self.size.days)
            for symbol in self.feed.symbols
            for table in self.feed.assets
        ]

    def with_seed(self, seed: int) -> "Backfill":
        """The same home, at an exchange that has other rows."""
        return Backfill(self.folder, self.size, seed, self.environment)

    def start(self, name: str, **environment: str) -> "Run":
        """A run of the rectangle.

        Args:
            name: of the run, for its files.
            environment: variables of the process beyond ours.
        """
        symbols = sorted(self.feed.symbols)
        command = [sys.executable, "-m", "dagster", "asset", "materialize", "-m", "market_data.definitions"]
        command += ["--select", ",".join(f"{FEED}/{table}" for table in self.feed.assets)]
        command += ["--partition-range", f"{self.feed.start}|{symbols[0]}...{self.feed.end}|{symbols[-1]}"]
        command += ["--config-json", json.dumps({"ops": {FEED: {"config": {"refetch": True, "retry": False}}}})]
        return Run(self, name, command, environment)

    def command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """`market-data <words>` on this home, to its end."""
        return subprocess.run(
            [sys.executable, "-c", "from market_data.cli import main; main()", *words],
            env=self.variables(),
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    @property
    def _environment(self) -> dict[str, Any]:
        return {**place(self.folder / "home"), **self.environment}

    def variables(self) -> dict[str, str]:
        """The environment of a process that works on the home."""
        ours = {"MARKET_DATA_HOME": str(self.settings.home)}
        if self.settings.ledger_url is not None:
            ours["MARKET_DATA_LEDGER_URL"] = self.settings.ledger_url.get_secret_value()
        dagster = self.folder / "dagster"
        if not dagster.exists():  # processes that make Dagster's own storage at once fall over each other
            dagster.mkdir()
            DagsterInstance.from_config(str(dagster)).dispose()
        return (
            os.environ
            | ours
            | {
                "MARKET_DATA_CONFIG": str(self.settings.config_path),
                "DAGSTER_HOME": str(dagster),
                "DAGSTER_DISABLE_TELEMETRY": "1",
                "PYTHONWARNINGS": "ignore",
            }
        )


class Run:
    """One process; it runs from the beginning."""

    def __init__(self, backfill: Backfill, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.name = name
        self._backfill = backfill
        self._progress = backfill.folder / f"{name}.jsonl"
        self._log = backfill.folder / f"{name}.log"
        self._progress.touch()
        variables = {**backfill.variables(), "MARKET_DATA_PROGRESS_FILE": str(self._progress), **environment}
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, env=variables, start_new_session=True
            )

    def until_done(self, partitions: int) -> None:
        """Wait until so many partitions are through, good or bad, or the run has ended."""
        self._wait(lambda: sum(line["stage"] == "done" for line in self.lines()) >= partitions)

    def _wait(self, there: Callable[[], bool]) -> None:
        began = time.monotonic()
        while not there() and self.process.poll() is None:
            if time.monotonic() - began > PATIENCE_SECONDS:
                self.kill()
                raise AssertionError(f"the run hangs:\n{self.log()}")
            time.sleep(_POLL_SECONDS)

    def end(self) -> int:
        """Wait for its end; its exit code."""
        try:
            self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the run hangs:\n{self.log()}") from None
        self._end_followers()
        return self.process.returncode

    def must_succeed(self) -> None:
        """Wait for its end, which must be a good one."""
        assert self.end() == 0, self.log()

    def kill(self) -> None:
        """With -9."""
        self.process.kill()
        self.process.wait()
        self._end_followers()

    def _end_followers(self) -> None:
        """Dagster's processes that follow its logs: they outlive a run that is killed, or whose clock was set back."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def log(self) -> str:
        """What it wrote."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def lines(self) -> Iterator[dict[str, Any]]:
        """What it told of its progress so far."""
        for line in self._progress.read_text(encoding="utf-8").splitlines():
            with suppress(json.JSONDecodeError):  # the last one, half written
                yield json.loads(line)

    def refused(self) -> dict[Key, str]:
        """What it said it could not make, and why: also what was left out because of that."""
        found: dict[Key, str] = {}
        for line in self.lines():
            if line["stage"] == "failed":
                partition = Partition.of_key(FEED, f"{line['date']}|{line['symbol']}")
                found |= {(table, partition): line["error"] for table in (line["table"], *line["left_out"])}
        return found
