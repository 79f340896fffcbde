"""What a desk runs, as real processes on loopback: Redis, PostgreSQL, Dagster's daemon, workers. No test is here."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import yaml
from dagster import DagsterRun
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from redis import Redis, RedisError

from market_data.definitions import build_defs
from market_data.settings import Settings, load_settings
from market_data.sources import catalog
from market_data_tests.databases import Server, postgres
from market_data_tests.ports import free_port
from market_data_tests.ui.dev import ROOT, until


@dataclass
class Process:
    """A process in a session of its own, with what it printed."""

    popen: "subprocess.Popen[bytes]"
    output: Path

    def told(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")

    def progress(self) -> tuple[int, int]:
        """Of the run that it told of last: how many partitions are done, of how many. Zeros before any."""
        told = re.findall(r"\[(\d+)/(\d+), ", self.told())
        return (int(told[-1][0]), int(told[-1][1])) if told else (0, 0)

    def kill(self) -> None:
        """The whole group, at once, as when the machine is gone."""
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()

    def stop(self) -> int:
        """As an orchestrator does; its exit code."""
        self.popen.terminate()
        return self.popen.wait(120)


@dataclass
class Desk:
    """Where runs are asked for, and the processes that see to them. Nothing runs yet but the databases."""

    settings: Settings
    environment: dict[str, str]
    instance: dg.DagsterInstance
    postgres: Server
    redis: Process
    processes: dict[str, Process] = field(default_factory=dict[str, Process])

    def worker(self, name: str, *words: str) -> Process:
        """Start one, and wait until it takes runs."""
        started = self._start(name, "-c", "from market_data.cli import main; main()", "worker", "--name", name, *words)
        until(lambda: " ready." in started.told() or started.popen.poll() is not None)
        assert started.popen.poll() is None, "the worker ended by itself"
        return started

    def daemon(self) -> Process:
        return self._start("daemon", "-m", "dagster._daemon", "run", "-w", str(ROOT / "workspace.yaml"))

    def start_redis(self) -> None:
        """Again, after it was stopped, on what is on its disk."""
        self.redis = redis_server(self.settings.home, self.environment["MARKET_DATA_REDIS_URL"])

    def backfill(self, feed: str, config: Mapping[str, Any] | None = None) -> str:
        """Ask for every partition of every asset of a feed, as the web interface does; its id.

        Args:
            config: of the feed's op.
        """
        graph = build_defs(self.settings).resolve_asset_graph()
        wanted = PartitionBackfill.from_asset_partitions(
            backfill_id=f"all-of-{feed}",
            asset_graph=graph,
            partition_names=None,
            asset_selection=[dg.AssetKey([feed, table]) for table in self.settings.feeds[feed].assets],
            backfill_timestamp=time.time(),
            tags={},
            dynamic_partitions_store=self.instance,
            all_partitions=True,
            title=None,
            description=None,
            run_config={"ops": {feed: {"config": config}}} if config else None,
        )
        self.instance.add_backfill(wanted)
        return wanted.backfill_id

    def finished(self, backfill: str) -> BulkActionStatus | None:
        """How a backfill ended, when it has."""
        found = self.instance.get_backfill(backfill)
        assert found is not None
        running = {BulkActionStatus.REQUESTED, BulkActionStatus.CANCELING, BulkActionStatus.FAILING}
        return None if found.status in running else found.status

    def recorded(self, feed: str, table: str = "quality_reports") -> set[str]:
        """The keys of a table's partitions that Dagster knows as materialized."""
        return self.instance.get_materialized_partitions(dg.AssetKey([feed, table]))

    def runs(self) -> list[DagsterRun]:
        return [*self.instance.get_runs()]

    def told(self) -> str:
        """What all of them printed, for a test that failed."""
        return "\n".join(f"--- {name}\n{each.told()[-5_000:]}" for name, each in self.processes.items())

    def _start(self, name: str, *words: str) -> Process:
        folder = Path(self.environment["DAGSTER_HOME"])
        self.processes[name] = started = start(name, [sys.executable, *words], folder, self.environment)
        return started


@contextmanager
def desk(settings: Settings) -> Generator[Desk]:
    """One whose polls are quick, and whose pools are wide; it leaves no process behind."""
    home = settings.home / "dagster"
    home.mkdir(parents=True)
    (home / "dagster.yaml").write_text(yaml.safe_dump(_instance()), encoding="utf-8")
    with ExitStack() as stack:
        server = stack.enter_context(postgres())
        environment = _environment(settings, home, server)
        mine = stack.enter_context(_environ(environment))
        instance = stack.enter_context(dg.DagsterInstance.from_config(str(home)))
        for source in {feed.source for feed in settings.feeds.values()}:
            instance.event_log_storage.set_concurrency_slots(source, 4)
        found = Desk(
            load_settings(catalog()), mine, instance, server, redis_server(settings.home, mine["MARKET_DATA_REDIS_URL"])
        )
        try:
            yield found
        except BaseException as error:
            error.add_note(found.told())
            raise
        finally:
            for process in (*found.processes.values(), found.redis):
                process.kill()


def start(name: str, command: list[str], folder: Path, environment: Mapping[str, str]) -> Process:
    """A process in a session of its own."""
    output = folder / f"{name}.log"
    with output.open("ab") as file:
        popen = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Process(popen, output)


def _instance() -> dict[str, Any]:
    """The project's own, with polls that are made for tests."""
    instance = yaml.safe_load((ROOT / "dagster.yaml").read_text(encoding="utf-8"))
    instance["run_monitoring"] |= {"poll_interval_seconds": 2, "free_slots_after_run_end_seconds": 1}
    return instance


def _environment(settings: Settings, home: Path, server: Server) -> dict[str, str]:
    return {
        "DAGSTER_HOME": str(home),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "DAGSTER_EVENT_LOG_CONSUMER_DAEMON_INTERVAL_SECONDS": "1",
        "MARKET_DATA_HOME": str(settings.home),
        "MARKET_DATA_CONFIG": str(settings.config_path),
        "MARKET_DATA_POSTGRES_URL": server.create("desk"),
        "MARKET_DATA_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
        # Not the sensors' turn.
        "MARKET_DATA_WATCH_SECONDS": "3600",
        "MARKET_DATA_REPAIR_SECONDS": "3600",
    }


@contextmanager
def _environ(changes: Mapping[str, str]) -> Generator[dict[str, str]]:
    """The environment of this process and of those it starts, for as long as the desk is there."""
    before = dict(os.environ)
    for name in ("PYTHONDONTWRITEBYTECODE", "MARKET_DATA_LEDGER_URL"):
        os.environ.pop(name, None)
    os.environ.update(changes)
    try:
        yield dict(os.environ)
    finally:
        os.environ.clear()
        os.environ.update(before)


def redis_server(folder: Path, url: str) -> Process:
    """One that answers at `url`, its data in `folder`; it has no password."""
    program = shutil.which("redis-server")
    assert program is not None, "redis-server is missing: on Debian, `apt-get install redis-server`"
    port = url.rsplit(":", 1)[1].split("/", maxsplit=1)[0]
    command = [program, "--bind", "127.0.0.1", "--port", port, "--dir", str(folder), "--appendonly", "yes"]
    started = start("redis", command, folder, os.environ)
    with Redis.from_url(url) as client:
        until(lambda: _answers(client))
    return started


def _answers(client: Redis) -> bool:
    with suppress(RedisError):  # not there yet, or still reading what is on its disk
        return bool(client.ping())
    return False
