"""A run's process is killed in mid backfill."""

from pathlib import Path

from market_data_tests.faults.audit import audit, recovered
from market_data_tests.faults.backfill import Backfill
from market_data_tests.faults.scenario import Figures, Scenario, Size


class RunKilled:
    name = "run killed with -9"
    how = "The process of `dagster asset materialize` is killed with -9 when it is half through the rectangle."

    def run(self, folder: Path, size: Size) -> Figures:
        backfill = Backfill(folder, size)
        run = backfill.start("killed")
        run.until_done(size.partitions // 2)
        run.kill()
        count = audit(backfill, [run])
        assert count.left
        return count.figures(
            recovered(backfill), "the next run completes; a file without a commit goes with a sweep a day later"
        )


SCENARIO: Scenario = RunKilled()
