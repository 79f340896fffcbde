"""Many runs take the same partitions at once, with the ledger in SQLite."""

from pathlib import Path

from market_data_tests.faults._meeting import few, meet
from market_data_tests.faults.backfill import Backfill
from market_data_tests.faults.scenario import Figures, Scenario, Size


class ConcurrentRuns:
    name = "concurrent runs, SQLite"
    how = "20 processes of `dagster asset materialize` take the same rectangle at the same time."

    def run(self, folder: Path, size: Size) -> Figures:
        return meet(Backfill(folder, few(size), environment={"ledger_url": f"sqlite:///{folder}/ledger.db"}))


SCENARIO: Scenario = ConcurrentRuns()
