"""Runs in workers: they share a backfill while one is killed, one is told to stop, a run is canceled. Nothing is lost.

Redis, PostgreSQL, the daemon and the workers are real processes. What befalls those: `faults`.
"""

import datetime as dt
import os
import re
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterRunStatus
from dagster._core.execution.backfill import BulkActionStatus
from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG

from market_data.pipeline import chain
from market_data.pipeline.workspace import opened
from market_data.settings import Settings
from market_data_tests.desk import Desk, Process, desk
from market_data_tests.feeds import settings_of, simulated
from market_data_tests.ui.dev import until
from market_data_tests.warehouse_invariants import age, assert_sound

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

TABLES = ("trades", "candles", "quality_reports")
QUIET = ("completeness", "dedup", "freshness", "ordering", "prices", "schema_drift", "tape", "timeframes")
Hashes = Mapping[tuple[str, str], list[str]]


def small(symbols: int, last: str, trades: int = 50) -> dict[str, Any]:
    """A feed whose partitions are quickly made: most of the time goes into Dagster's events."""
    names = [f"S{number}-USD" for number in range(symbols)]
    return simulated(
        symbols=names,
        tables=["trades"],
        start="2024-01-01",
        end=last,
        candles={"time": ["1h"]},
        checks={check: {"enabled": False, "reason": "fewer events"} for check in QUIET},
        options={"seed": 1, "trades_per_day": dict.fromkeys(names, trades)},
    )


def revisions(settings: Settings) -> Hashes:
    """The hashes of all revisions that there ever were, by table and partition, of a warehouse that is sound."""
    with opened(settings) as workspace:
        assert_sound(workspace.warehouse, orphans=True)
        age(workspace.warehouse)  # what a killed writer left is swept when it is a day old
        workspace.warehouse.sweep()
        assert_sound(workspace.warehouse)
        ledger = workspace.warehouse.ledger
        found = [(each.table, each.partition) for each in ledger.find()]
        return {(name, of.key): [each.sha256 for each in ledger.history(name, of)] for name, of in found}


def made_in_one_process(folder: Path, stanza: dict[str, Any]) -> Hashes:
    """What there must be in the end."""
    folder.mkdir()
    settings = settings_of(folder, {"sim": stanza})
    feed, checks = settings.feeds["sim"], {"ohlc", "row_account", "vendor_candles"}
    assert feed.end is not None
    with opened(settings) as workspace:
        for day in range((feed.end - feed.start).days + 1):
            for symbol in feed.symbols:
                partition = feed.partition(symbol, feed.start + dt.timedelta(days=day))
                assert [*chain.materialize(workspace, feed, partition, set(TABLES), checks)]
    return revisions(settings)


def taken(worker: Process) -> int:
    return len(re.findall(r"Task execute_job\[\S+\] received", worker.told()))


def in_mid_run(worker: Process) -> bool:
    """Whether its last word was of the third to the ninth partition of a run's 13."""
    done, of = worker.progress()
    return of == 13 and 3 <= done <= 9


def statuses(here: Desk) -> list[DagsterRunStatus]:
    return [run.status for run in here.runs()]


def assert_whole(here: Desk, backfill: str, expected: Hashes) -> None:
    """The backfill ends well: every partition is recorded, in one revision, with the rows of one process."""
    assert until(lambda: here.finished(backfill)) == BulkActionStatus.COMPLETED_SUCCESS
    for table in TABLES:
        assert here.recorded("sim", table) == {key for _, key in expected}
    assert {len(found) for found in expected.values()} == {1}
    assert revisions(here.settings) == expected


def test_a_worker_that_is_killed_in_a_backfill_costs_nothing(tmp_path: Path) -> None:
    stanza = small(8, "2024-01-13")
    expected = made_in_one_process(tmp_path / "alone", stanza)
    with desk(settings_of(tmp_path, {"sim": stanza})) as here:
        backfill = here.backfill("sim")
        killed, other = here.worker("killed"), here.worker("other")
        here.daemon()
        until(lambda: len(here.recorded("sim")) >= 30 and in_mid_run(killed))
        killed.kill()
        until(lambda: len(here.recorded("sim")) == 104)
        assert_whole(here, backfill, expected)
        assert taken(other) > 0
        assert set(statuses(here)) == {DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE}
        lost = [run for run in here.runs() if run.status == DagsterRunStatus.FAILURE]
        assert len(here.runs()) == 8 + len(lost)


def test_a_worker_that_is_told_to_stop_ends_its_runs_and_another_takes_the_rest(tmp_path: Path) -> None:
    stanza = small(2, "2024-01-25")
    expected = made_in_one_process(tmp_path / "alone", stanza)
    with desk(settings_of(tmp_path, {"sim": stanza})) as here:
        backfill = here.backfill("sim")
        stopped = here.worker("stopped")
        here.daemon()
        until(lambda: len(here.recorded("sim")) >= 10)
        assert stopped.stop() == 0
        assert len(here.recorded("sim")) < 50
        assert DagsterRunStatus.FAILURE in statuses(here)
        assert not {DagsterRunStatus.STARTED, DagsterRunStatus.SUCCESS} & set(statuses(here))
        here.worker("other")
        until(lambda: len(here.recorded("sim")) == 50)
        assert_whole(here, backfill, expected)


def test_a_run_begins_later_where_its_worker_does_not_reach_the_database(tmp_path: Path) -> None:
    stanza = small(1, "2024-01-02")
    expected = made_in_one_process(tmp_path / "alone", stanza)
    with desk(settings_of(tmp_path, {"sim": stanza})) as here:
        backfill = here.backfill("sim")
        worker = here.worker("one")
        os.killpg(worker.popen.pid, signal.SIGSTOP)
        here.daemon()
        until(lambda: [run for run in here.runs() if DAGSTER_CELERY_TASK_ID_TAG in run.tags])
        here.postgres.kill()
        os.killpg(worker.popen.pid, signal.SIGCONT)
        until(lambda: "retry: Retry in" in worker.told())
        here.postgres.start()
        assert_whole(here, backfill, expected)
        assert statuses(here) == [DagsterRunStatus.SUCCESS]


def test_a_run_that_is_canceled_ends_canceled_and_is_not_retried(tmp_path: Path) -> None:
    with desk(settings_of(tmp_path, {"sim": small(1, "2024-03-31")})) as here:
        here.backfill("sim")
        worker = here.worker("one")
        here.daemon()
        until(lambda: len(here.recorded("sim")) >= 3)
        (run,) = here.runs()
        assert here.instance.run_coordinator.cancel_run(run.run_id)
        until(lambda: statuses(here) == [DagsterRunStatus.CANCELED])
        assert worker.stop() == 0
        assert len(here.recorded("sim")) < 91
        assert statuses(here) == [DagsterRunStatus.CANCELED]
