"""A desk at work on a backfill, for what befalls its parts: nothing is done by hand afterwards."""

import dataclasses
import shutil
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dagster import DagsterRunStatus
from dagster._core.execution.backfill import BulkActionStatus

from market_data.pipeline.workspace import opened
from market_data_tests.desk import Desk, Process, desk
from market_data_tests.faults.audit import Rows, audit, made
from market_data_tests.faults.backfill import FEED, Backfill
from market_data_tests.faults.scenario import CannotRun, Figures, Size
from market_data_tests.ui.dev import until
from market_data_tests.warehouse_invariants import age, assert_sound


@dataclass(frozen=True)
class Work:
    """A backfill that a desk was asked for: a run a symbol. Its daemon and two workers are there, one run each.

    Attributes:
        before: what counted before; all days are made anew, from other rows.
    """

    here: Desk
    backfill: Backfill
    before: Rows
    id: str
    workers: tuple[Process, Process]

    def until_under_way(self) -> None:
        """Until both workers are in the middle of a run."""
        until(lambda: all(map(_in_mid_run, self.workers)))

    def until_recording(self) -> None:
        """Until the tables of one more partition are recorded, so that most likely its checks are being so."""
        before = len(self.here.recorded(FEED))
        while len(self.here.recorded(FEED)) == before and self.here.finished(self.id) is None:
            time.sleep(0.01)

    def ended_badly(self) -> int:
        """How many runs."""
        return sum(run.status == DagsterRunStatus.FAILURE for run in self.here.runs())

    def until_ended(self) -> None:
        """Until its end, which must be a good one."""
        assert until(lambda: self.here.finished(self.id)) == BulkActionStatus.COMPLETED_SUCCESS

    def figures(self, recovery: str) -> Figures:
        """The count after its end, which Dagster's own record must agree with."""
        assert not [name for name, each in self.here.processes.items() if "a bug: " in each.told()]
        for table in self.backfill.feed.assets:
            recorded = self.here.recorded(FEED, table)
            assert recorded == {partition.key for name, partition in self.backfill.keys if name == table}
        with opened(self.backfill.settings) as workspace:
            assert_sound(workspace.warehouse, orphans=True)
            age(workspace.warehouse)  # what a killed writer left is swept when it is a day old
            workspace.warehouse.sweep()
            assert_sound(workspace.warehouse)
            ledger = workspace.warehouse.ledger
            # A report says when its partition was first committed: another attempt writes another.
            once = [key for key in self.backfill.keys if key[0] != "quality_reports"]
            assert all(len(ledger.history(*key)) == 2 for key in once), "made twice"
        count = audit(self.backfill, [], self.before)
        return count.figures(count, f"nothing by hand: {recovery}")


@contextmanager
def at_work(folder: Path, size: Size) -> Generator[Work]:
    """A desk whose backfill has begun. All days were there before: of those that lack, its sensor would have some made.

    Raises:
        CannotRun: Redis is not installed.
    """
    if shutil.which("redis-server") is None:
        raise CannotRun("there is no Redis (Debian's package `redis-server`)")
    # More runs than the workers take at a time, so that one waits in Redis, and long ones, to be in the middle of.
    size = dataclasses.replace(size, days=2 * size.days, symbols=size.symbols + 2)
    with desk(Backfill(folder, size, seed=2).settings) as here:
        backfill, before = made(folder, size, size.days, ledger_url=here.environment["MARKET_DATA_POSTGRES_URL"])
        asked = here.backfill(FEED, {"refetch": True})
        workers = here.worker("one", "--runs", "1"), here.worker("other", "--runs", "1")
        here.daemon()
        yield Work(here, backfill, before, asked, workers)


def _in_mid_run(worker: Process) -> bool:
    done, of = worker.progress()
    return 2 <= done <= of - 3
