"""`market-data metrics`: serve the platform's figures for Prometheus. How they are told: `prometheus_figures`."""

import signal
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from market_data.cli.errors import CommandFailed
from market_data.cli.home import check_home, open_workspace

if TYPE_CHECKING:
    from market_data.operations.metrics import Figure
    from market_data.settings import Settings

_CACHED_SECONDS = 10.0


def command(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to listen; 0 for any free port.")] = 9464,
    host: Annotated[str, typer.Option(help="The address to listen at; 0.0.0.0 for every one.")] = "127.0.0.1",
    once: Annotated[bool, typer.Option("--once", help="Print the figures and end.")] = False,
) -> None:
    """Serve figures for Prometheus: rows, bytes, durations, quarantine, findings, lag, spending, vendors, disk.

    They come from the ledger, and are gathered anew at most every 10 seconds.

    For example:

    - `market-data metrics --once`

    - `market-data metrics --host 0.0.0.0 --port 9464`
    """
    check_home()
    from prometheus_client import CollectorRegistry, generate_latest, start_http_server

    from market_data.cli.prometheus_figures import Platform

    with open_workspace() as workspace:
        registry = CollectorRegistry()
        registry.register(Platform(workspace, lambda: _runs(workspace.settings), _CACHED_SECONDS))
        if once:
            typer.echo(generate_latest(registry).decode(), nl=False)
            return
        try:
            server, thread = start_http_server(port, host, registry)
        except OSError as error:
            raise CommandFailed(f"cannot listen at {host}:{port}: {error.strerror}") from error
        typer.echo(f"serving figures at http://{host}:{server.server_port}/metrics; Ctrl-C stops it")
        _wait_for_the_end()
        server.shutdown()
        thread.join()


def _wait_for_the_end() -> None:
    """Until it is told to end: by a container, or by Ctrl-C, which a shell's background processes would ignore."""
    told = threading.Event()

    def end(_number: int, _frame: object) -> None:
        told.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    told.wait()


def _runs(settings: "Settings") -> "Iterator[Figure]":
    """Dagster's runs, by how they ended or stand, and its daemon."""
    from market_data.cli.dagster_daemon import instance_folder
    from market_data.operations.metrics import Figure

    folder = instance_folder(settings)
    if folder is None:
        return
    from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

    with DagsterInstance.from_config(str(folder)) as instance:
        for status in DagsterRunStatus:
            count = instance.get_runs_count(RunsFilter(statuses=[status]))
            yield Figure("runs", {"status": status.value.lower()}, count)
        if beats := [beat.timestamp for beat in instance.get_daemon_heartbeats().values()]:
            yield Figure("daemon_last_heartbeat_timestamp_seconds", {}, max(beats))
