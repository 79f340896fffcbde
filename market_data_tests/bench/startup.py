"""(h) The start of commands: processor time against that of importing what they cannot do without.

Each is a process; the goes of all are taken in turn, so that what else the machine does falls on all alike, and of each
the best counts. The home has three feeds, each with a partition and an alert.
"""

import datetime as dt
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from market_data.operations.alerting import raise_alerts
from market_data.pipeline.workspace import opened
from market_data.settings import load_settings
from market_data.settings.environment import Environment
from market_data.sources import catalog
from market_data_tests.alerts.conftest import late
from market_data_tests.databases import postgres
from market_data_tests.feeds import simulated
from market_data_tests.partition_view import trade
from market_data_tests.partitions import put

GOES = 7
FEEDS = ("sim", "second", "third")
WORDS, ENGINE = "import typer", "import duckdb, typer, sqlite3"
BARE: Mapping[str, float] = {
    "nosuch": 1.5,
    "ingest": 1.5,
    "--help": 1.5,
    "query --help": 1.5,
    "query --no": 1.5,
    "query|SELECT 1|--limit|many": 1.5,
    "query|SELECT 1|--as-of|today": 1.5,
    "coverage nowhere": 1.5,
    "coverage sim --table nothing": 1.5,
    "alerts --feed nowhere": 1.5,
    "compact --feed nowhere": 1.5,
    "health --feed nowhere": 1.5,
    "ingest nowhere --start 2024-01-15": 1.5,
    "land nowhere trades AAA-USD 2024-01-15 file": 1.5,
    "report --feed nowhere": 1.5,
    "trace nowhere trades AAA-USD 2024-01-15": 1.5,
    "trace sim nothing AAA-USD 2024-01-15": 1.5,
    "quarantine show nowhere": 1.5,
}
"""Command lines, and the most that they may take of `import typer`."""
WORKING: Mapping[str, float] = {
    "query|SELECT 1": 1.5,
    "query|SELECT count(*) FROM trades": 1.5,
    "coverage": 1.5,
    "coverage sim --json": 1.5,
    "alerts": 1.5,
    "alerts --all --json": 1.5,
}
"""The same of `import duckdb, typer, sqlite3`; words are parted by `|`, where one has spaces."""
ON_POSTGRES = 2.5


def _cpu(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """Processor seconds of a process and those below it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=False, capture_output=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _best(codes: Sequence[str], lines: Sequence[str], environment: Mapping[str, str]) -> dict[str, float]:
    """The best of each piece of Python, and of each command line."""
    commands = {code: [sys.executable, "-c", code] for code in codes}
    main = "from market_data.cli import main; main()"
    commands |= {line: [sys.executable, "-c", main, *line.split("|" if "|" in line else " ")] for line in lines}
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(GOES + 1):
        for name, command in commands.items():
            taken[name].append(_cpu(command, environment))
    return {name: min(goes[1:]) for name, goes in taken.items()}  # the first compiles


def _home(folder: Path, **variables: str) -> dict[str, str]:
    """A home with feeds, partitions and alerts; what a process must be told to find it."""
    config = folder / "feeds.yaml"
    config.write_text(yaml.safe_dump({"feeds": {name: simulated() for name in FEEDS}}), encoding="utf-8")
    environment = Environment(home=folder / "home", config=config, **{k.lower(): v for k, v in variables.items()})
    settings = load_settings(catalog(), environment)
    with opened(settings) as workspace:
        for feed in settings.feeds.values():
            put(workspace.warehouse, "trades", feed.partition("AAA-USD", feed.start), [trade(n) for n in range(3)])
        raise_alerts(workspace, [late(16, feed=name) for name in FEEDS], dt.datetime.now(dt.UTC), {})
    named = {f"MARKET_DATA_{name}": value for name, value in variables.items()}
    return {**os.environ, "MARKET_DATA_HOME": str(settings.home), "MARKET_DATA_CONFIG": str(config), **named}


def run() -> Mapping[str, Any]:
    """Ratios by command line, each with its bound beside it."""
    with tempfile.TemporaryDirectory() as folder:
        files = _best((WORDS, ENGINE), (*BARE, *WORKING), _home(Path(folder)))
    with tempfile.TemporaryDirectory() as folder, postgres() as server:
        server_side = _best((ENGINE,), (*WORKING,), _home(Path(folder), LEDGER_URL=server.create("ledger")))
    return {
        f"{WORDS}, s": files[WORDS],
        f"{ENGINE}, s": files[ENGINE],
        "words": {f"{line} (at most {most})": files[line] / files[WORDS] for line, most in BARE.items()},
        "on SQLite": {f"{line} (at most {most})": files[line] / files[ENGINE] for line, most in WORKING.items()},
        "on PostgreSQL": {
            f"{line} (at most {ON_POSTGRES})": server_side[line] / server_side[ENGINE] for line in WORKING
        },
    }
