"""Whether Dagster's daemon runs, where something waits for it. A probe like those of `health`, but of Dagster.

A schedule is expected to run for every feed that goes on: its end is open or to come.
"""

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from market_data.operations.health import DEGRADED, HEALTHY, UNHEALTHY, Probe, Scope, Verdict

if TYPE_CHECKING:
    from dagster import DagsterInstance

    from market_data.settings import Settings

_START = "start it: `make ui`, `dagster dev`, or `dagster-daemon run` beside a web server"


def instance_folder(settings: "Settings") -> Path | None:
    """Return where Dagster's events lie: `DAGSTER_HOME`, else `dagster` below the home, if there is such a folder."""
    folder = Path(os.environ.get("DAGSTER_HOME") or settings.home / "dagster")
    return folder if folder.is_dir() else None


class _Daemon:
    needs = ("configuration",)

    def look(self, scope: Scope) -> Iterator[Verdict]:
        waiting = [feed.name for feed in scope.feeds if feed.end is None or feed.end >= scope.now.date()]
        folder = instance_folder(scope.settings)
        if folder is None:
            yield _absent(waiting, "there is no Dagster instance here")
            return
        from dagster import DagsterInstance

        with DagsterInstance.from_config(str(folder)) as instance:
            yield _judged(instance, waiting)


def _absent(waiting: list[str], what: str) -> Verdict:
    if waiting:
        words = f"{what}, and nothing starts the daily runs of {', '.join(waiting)}"
        return Verdict("daemon", DEGRADED, words, _START)
    return Verdict("daemon", HEALTHY, f"{what}, and no feed goes on: nothing waits for it")


def _judged(instance: "DagsterInstance", waiting: list[str]) -> Verdict:
    """Return whether it runs; one that never ran here may be meant so; one that ran and is silent was lost."""
    required = instance.get_required_daemon_types()
    statuses = instance.get_daemon_statuses(required)
    beats = {name: status.last_heartbeat for name, status in statuses.items() if status.last_heartbeat}
    if not beats:
        return _absent(waiting, "Dagster's daemon never ran here")
    last = max(beat.timestamp for beat in beats.values())
    when = dt.datetime.fromtimestamp(last, dt.UTC)
    silent = sorted(name for name, status in statuses.items() if not status.healthy)
    errors = [error.message for beat in beats.values() for error in beat.errors or ()]
    figures = {"last_heartbeat": when.isoformat(timespec="seconds"), "silent": silent, "errors": len(errors)}
    words, state, advice = f"Dagster's daemon runs; last heard of at {when:%H:%M:%S} UTC", HEALTHY, ""
    if silent:
        words = f"{', '.join(silent)} of Dagster's daemon: last heard of at {when:%Y-%m-%d %H:%M:%S} UTC"
        state, advice = UNHEALTHY, _START
    elif errors:
        words = f"Dagster's daemon runs, with {len(errors)} errors: {' '.join(errors[0].split())}"
        state, advice = DEGRADED, "its log, and Deployment > Daemons in the web interface, have all of them"
    if silent and not waiting:
        words, state = f"{words}; no feed goes on: nothing waits for it", HEALTHY
    return Verdict("daemon", state, words, advice, figures)


PROBE: Probe = _Daemon()
