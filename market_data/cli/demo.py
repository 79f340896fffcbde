"""`market-data demo`: the packaged feed through Dagster, start to end. What is told of it stands in `_demo_report`."""

import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from market_data.cli import _shared

if TYPE_CHECKING:
    from market_data.settings import Feed, Settings

_PROGRESS = re.compile(r"market_data\.progress \[(\d+)/\d+.*?\] \S+ (\S+ \S+):")
_LAST_LINES = 20


def command(
    defects: Annotated[bool, typer.Option("--defects", help="With the faults that real vendors deliver.")] = False,
) -> None:
    """Collect, build and check three days of three simulated symbols: no network, no account, the same every time.

    It runs `dagster asset materialize`, as you would for a feed of your own, then shows what was built, what the
    checks say, and where the chart and the UI are. A second run finds everything in landing and changes nothing.
    """
    from market_data.cli import _demo_report
    from market_data.pipeline.workspace import opened
    from market_data.settings import Environment, load_settings
    from market_data.settings.environment import PACKAGED_FEEDS
    from market_data.sources import catalog

    settings = load_settings(catalog(), Environment().model_copy(update={"config": PACKAGED_FEEDS}))
    feed = settings.feeds["demo_defects" if defects else "demo"]
    with opened(settings) as workspace:
        before = _demo_report.revisions_of(workspace, feed)
        _materialize(settings, feed, settings.home / f"{feed.name}.log")
        _demo_report.tell(workspace, feed, before, _shared.stdout())


def _materialize(settings: "Settings", feed: "Feed", log: Path) -> None:
    """Run Dagster on the feed's every day and symbol, its output into `log`.

    Raises:
        CommandFailed: the run failed; the text ends with the last lines of the log.
    """
    symbols, last = sorted(feed.symbols), feed.end or feed.start
    command = [sys.executable, "-m", "dagster", "asset", "materialize", "-m", "market_data.definitions"]
    command += ["--select", f"group:{feed.name}"]
    command += ["--partition-range", f"{feed.start}|{symbols[0]}...{last}|{symbols[-1]}"]
    count = ((last - feed.start).days + 1) * len(symbols)
    with log.open("wb") as output:
        run = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=_environment(settings))  # noqa: S603
        try:
            _follow(run, log, count)
        finally:
            run.terminate()
            run.wait()
    if run.returncode:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:]
        raise _shared.CommandFailed("\n".join((f"the run failed; the last lines of {log}:", *lines)))


def _environment(settings: "Settings") -> dict[str, str]:
    """Dagster's events lie beside the data, where `make ui` looks for them, unless DAGSTER_HOME says otherwise."""
    dagster_home = Path(os.environ.get("DAGSTER_HOME", settings.home / "dagster"))
    dagster_home.mkdir(parents=True, exist_ok=True)
    return os.environ | {
        "MARKET_DATA_HOME": str(settings.home),
        "MARKET_DATA_CONFIG": str(settings.config_path),
        "DAGSTER_HOME": str(dagster_home),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "PYTHONWARNINGS": "ignore",  # what Dagster will change some day is not the demo's
    }


def _follow(run: "subprocess.Popen[bytes]", log: Path, count: int) -> None:
    """A bar of the partitions that the run's log says are done, until the run ends."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        Progress(*columns, console=_shared.stderr()) as progress,
        log.open(encoding="utf-8", errors="replace") as lines,
    ):
        task = progress.add_task("starting Dagster", total=count)
        ended = False
        while not ended:
            with suppress(subprocess.TimeoutExpired):
                run.wait(timeout=0.2)
                ended = True
            for done, partition in _PROGRESS.findall(lines.read()):
                progress.update(task, completed=int(done), description=partition)
        progress.update(task, description="done" if run.returncode == 0 else "failed")
