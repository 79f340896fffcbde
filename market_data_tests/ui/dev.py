"""A real `dagster dev` on this code location, in a folder of its own. What tests ask it stands with the tests."""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

from market_data.settings import Settings
from market_data_tests.feeds import environment_of

ROOT = Path(__file__).parents[2]
PATIENCE = 240
"""Seconds before a test gives up. Far more than it takes, because machines are shared."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class Dev:
    """A `dagster dev` that answers: its address, its instance and the environment of its processes."""

    url: str
    home: Path
    environment: dict[str, str]
    client: httpx.Client

    @property
    def output(self) -> Path:
        """What its processes print."""
        return self.home / "dev.log"

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """What GraphQL answers."""
        answer = self.client.post(f"{self.url}/graphql", json={"query": query, "variables": variables}).json()
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def materialize(self, feed: str, first: str, last: str) -> None:
        """All assets of a feed from the first to the last partition, as from a shell beside the interface."""
        selection = ["-m", "market_data.definitions", "--select", f"group:{feed}"]
        command = [sys.executable, "-m", "dagster", "asset", "materialize", *selection]
        done = subprocess.run(
            [*command, "--partition-range", f"{first}...{last}"],
            cwd=self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def dagster_dev(settings: Settings) -> Generator[Dev]:
    """Starts it, waits until it answers, and leaves no process behind."""
    home = settings.home / "dagster"
    home.mkdir(parents=True)
    shutil.copy(ROOT / "dagster.yaml", home)
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with httpx.Client(timeout=60, trust_env=False) as client:
        environment = inherited | environment_of(settings) | {"DAGSTER_HOME": str(home)}
        port = free_port()
        dev = Dev(f"http://127.0.0.1:{port}", home, environment, client)
        process = _start(dev, "dev", "-w", str(ROOT / "workspace.yaml"), "-h", "127.0.0.1", "-p", str(port))
        try:
            until(lambda: _loaded(dev, process))
            yield dev
        except Exception as error:
            error.add_note(dev.output.read_text(encoding="utf-8"))
            raise
        finally:
            _end(process)


def _start(dev: Dev, *arguments: str) -> subprocess.Popen[bytes]:
    """In a session of its own, so that it can be ended as a whole."""
    with dev.output.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "dagster", *arguments],
            # Not in the project: a dagster.yaml beside the caller gets a warning, and a .env would be read.
            cwd=dev.home,
            env=dev.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def until(look: Callable[[], _T | None]) -> _T:
    """What `look` finds at last."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.3)
    raise AssertionError(f"not within {PATIENCE} s")


def _loaded(dev: Dev, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "dagster dev ended by itself"
    with suppress(httpx.TransportError):
        (entry,) = dev.ask(
            "{workspaceOrError {... on Workspace {locationEntries {locationOrLoadError {__typename "
            "... on PythonError {message}}}}}}"
        )["workspaceOrError"]["locationEntries"]
        assert (entry["locationOrLoadError"] or {}).get("message") is None, entry
        return entry["locationOrLoadError"] is not None
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """Asks it to end, then ends the whole tree: whoever inherits an ignored SIGINT ignores the asking too."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(15)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    until(lambda: not _alive(process.pid))


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def free_port() -> int:
    """One that nobody listens on."""
    for port in random.sample(range(20_000, 32_000), 100):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise RuntimeError("no free port from 20000 to 32000")
