"""`market-data worker`: work on runs that Redis hands out. What it does: `resources.workers`."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from market_data.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from market_data.resources.workers import WorkersRunLauncher


def command(
    queue: Annotated[
        list[str] | None,
        typer.Option(help="Take runs out of this queue; may be given again.", envvar="MARKET_DATA_QUEUES"),
    ] = None,
    runs: Annotated[int, typer.Option(min=1, help="How many runs at a time.", envvar="MARKET_DATA_WORKER_RUNS")] = 2,
    name: Annotated[
        str | None, typer.Option(help="A name that no other worker of this machine has. Default: `worker-<pid>`.")
    ] = None,
) -> None:
    """Run what Dagster hands out: a warm process for runs, one of as many as you like, on as many machines.

    `MARKET_DATA_REDIS_URL` names the Redis that hands them out. It is set for the daemon and the web server too, which
    then start no run themselves; `DAGSTER_HOME`, `MARKET_DATA_HOME` and `MARKET_DATA_CONFIG` are the same for all.

    A queue is a source's name, and a run goes into its feed's. Without `--queue` a worker serves them all: those of the
    feeds' sources, and `dagster`, which is for other runs. A vendor's limit on you is a queue's: one worker for it,
    with as many runs at a time as the vendor bears.

    SIGTERM, or Ctrl-C, ends it when its runs have ended, each at the edge of a partition; Dagster retries the rest.

    For example:

    - `market-data worker`

    - `market-data worker --queue databento --runs 1`

    - `market-data worker --queue simulated --queue binance_vision --queue dagster --runs 4`
    """
    launcher = _launcher()
    from market_data.resources.workers import DEFAULT_QUEUE, work

    raise typer.Exit(work(launcher, queue or [DEFAULT_QUEUE, *_sources()], runs, name or f"worker-{os.getpid()}"))


def _launcher() -> "WorkersRunLauncher":
    """That of the instance, so that what takes runs agrees with what hands them out."""
    from market_data.resources.run_launcher import REDIS_URL

    if not os.environ.get(REDIS_URL):
        raise ConfigurationError(f"{REDIS_URL} is not set: it names the Redis that hands out runs, redis://host:6379/0")
    home = os.environ.get("DAGSTER_HOME")
    if not home:
        raise ConfigurationError("DAGSTER_HOME is not set: it names the folder with the daemon's `dagster.yaml`")
    from dagster import DagsterInstance

    with DagsterInstance.from_config(home) as instance:
        launcher = instance.run_launcher
    from market_data.resources.workers import WorkersRunLauncher

    if not isinstance(launcher, WorkersRunLauncher):
        raise ConfigurationError(f"{home}/dagster.yaml is missing, or not the project's: it hands no runs to workers")
    return launcher


def _sources() -> list[str]:
    from market_data.settings import load_settings
    from market_data.sources import catalog

    return sorted({feed.source for feed in load_settings(catalog()).feeds.values()})
