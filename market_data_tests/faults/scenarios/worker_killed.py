"""A worker is killed in mid backfill, with all its processes."""

from pathlib import Path

from market_data_tests.faults._desk import at_work
from market_data_tests.faults.scenario import Figures, Scenario, Size


class WorkerKilled:
    name = "worker killed with -9"
    how = "A desk; in the middle of a run all processes of its worker are killed, of two that share the backfill."

    def run(self, folder: Path, size: Size) -> Figures:
        with at_work(folder, size) as work:
            work.until_under_way()
            work.workers[0].kill()
            work.until_ended()
            assert work.ended_badly() == 1, "the worker had no run, or more than its own was lost"
            return work.figures("run monitoring finds its run dead, and a retry in the other worker makes what is left")


SCENARIO: Scenario = WorkerKilled()
