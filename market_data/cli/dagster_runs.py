"""Runs of a feed through Dagster's own command line, followed while they work. What is told of them is others' matter.

A process of its own, as a user would start it, so that the UI shows the run and its log has a file.
"""

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from market_data.cli.console import note
from market_data.cli.errors import CommandFailed

if TYPE_CHECKING:
    from market_data.settings import Feed, Settings

Line = Mapping[str, Any]
"""What `market_data.pipeline.progress` writes, a step each."""
_KEPT_LOGS = 20
_LAST_LINES = 20
_POLL_SECONDS = 0.2
_PATIENCE = 2
"""Signals that the run may answer in its own way."""


class Stopped(CommandFailed):
    """Somebody ended a run before its end."""

    def __init__(self) -> None:
        super().__init__("stopped: what is done stays, and the same command goes on with the rest", kind="Stopped")


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Days and symbols of one run.

    Attributes:
        symbols: neighbours in order of name: a range of partitions has no holes.
    """

    first: dt.date
    last: dt.date
    symbols: Sequence[str]

    @property
    def partitions(self) -> int:
        """Return how many there are."""
        return ((self.last - self.first).days + 1) * len(self.symbols)


def rectangles(feed: "Feed", first: dt.date, last: dt.date, symbols: Sequence[str]) -> Iterator[Rectangle]:
    """Yield the fewest runs that take these symbols of these days, and no others."""
    together: list[str] = []
    for symbol in sorted(feed.symbols):
        if symbol in symbols:
            together.append(symbol)
        elif together:
            yield Rectangle(first, last, tuple(together))
            together = []
    if together:
        yield Rectangle(first, last, tuple(together))


@dataclass(frozen=True, slots=True)
class Materialize:
    """Runs of one feed.

    Attributes:
        tables: the assets to make, out of the feed's.
        config: the run's configuration (`assets.feed.FeedRun`).
        log: where Dagster's output goes; it is added to.
    """

    settings: "Settings"
    feed: "Feed"
    tables: Sequence[str]
    config: Mapping[str, object]
    log: Path

    def run(self, rectangle: Rectangle, follow: Callable[[Line], None]) -> int:
        """Do one run to its end; return its exit code.

        Ctrl-C lets it end at the edge of a partition, a second one at once.

        Args:
            follow: called with each line of progress.

        Raises:
            Stopped: it was ended so.
        """
        with tempfile.TemporaryDirectory(prefix="market-data-") as folder, self.log.open("ab") as output:
            lines = Path(folder, "progress.jsonl")
            lines.touch()
            environment = _environment(self.settings) | {"MARKET_DATA_PROGRESS_FILE": str(lines)}
            run = subprocess.Popen(  # noqa: S603
                self._command(rectangle),
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                # Else a terminal's Ctrl-C would reach it twice: by itself, and as it is passed on.
                start_new_session=True,
            )
            try:
                with _passed_on(run) as asked:
                    _follow(run, lines, follow)
            finally:
                run.terminate()
                run.wait()
        if asked and run.returncode:
            raise Stopped
        return run.returncode

    def last_words(self) -> str:
        """Return the end of the log, for a run that failed."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:]
        return "\n".join((f"the run failed; the last lines of {self.log}:", *lines))

    def _command(self, rectangle: Rectangle) -> list[str]:
        first, last = rectangle.symbols[0], rectangle.symbols[-1]
        command = [sys.executable, "-m", "dagster", "asset", "materialize", "-m", "market_data.definitions"]
        command += ["--select", ",".join(f"{self.feed.name}/{table}" for table in self.tables)]
        command += ["--partition-range", f"{rectangle.first}|{first}...{rectangle.last}|{last}"]
        if self.config:
            config = {"ops": {self.feed.name: {"config": dict(self.config)}}}
            command += ["--config-json", json.dumps(config)]
        return command


def log_of(settings: "Settings", name: str) -> Path:
    """Return a new log below the home; of those that were there before under the same name the newest stay."""
    folder = settings.home / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    for old in sorted(folder.glob(f"{name}-*.log"))[: -_KEPT_LOGS + 1 or None]:
        old.unlink(missing_ok=True)
    return folder / f"{name}-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S}-{os.getpid()}.log"


def _environment(settings: "Settings") -> dict[str, str]:
    """Dagster's events lie beside the data, where `make ui` looks for them, unless DAGSTER_HOME says otherwise."""
    dagster_home = Path(os.environ.get("DAGSTER_HOME", settings.home / "dagster"))
    dagster_home.mkdir(parents=True, exist_ok=True)
    return os.environ | {
        "MARKET_DATA_HOME": settings.place,
        "MARKET_DATA_CONFIG": str(settings.config_path),
        "DAGSTER_HOME": str(dagster_home),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "PYTHONWARNINGS": "ignore",  # what Dagster will change some day is not the user's
    }


@contextmanager
def _passed_on(run: "subprocess.Popen[bytes]") -> Generator[list[int]]:
    """Passes on what asks this process to end, and yields the list of what came; a third time ends the run for sure."""
    asked: list[int] = []

    def pass_on(number: int, _: object) -> None:
        asked.append(number)
        if len(asked) > _PATIENCE:
            run.kill()
        else:
            run.terminate()
        if len(asked) == 1:
            note("ending when this partition is done; Ctrl-C again ends it at once")

    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _follow(run: "subprocess.Popen[bytes]", lines: Path, follow: Callable[[Line], None]) -> None:
    with lines.open(encoding="utf-8") as file:
        ended, rest = False, ""
        while not ended:
            with suppress(subprocess.TimeoutExpired):
                run.wait(timeout=_POLL_SECONDS)
                ended = True
            *whole, rest = (rest + file.read()).split("\n")
            for line in whole:
                follow(json.loads(line))
