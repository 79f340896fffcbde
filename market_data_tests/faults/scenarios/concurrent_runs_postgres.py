"""Many runs take the same partitions at once, with the ledger in PostgreSQL."""

from pathlib import Path

from market_data_tests.databases import postgres
from market_data_tests.faults._meeting import few, meet
from market_data_tests.faults.backfill import Backfill
from market_data_tests.faults.scenario import Figures, Scenario, Size


class ConcurrentRunsOnPostgres:
    name = "concurrent runs, PostgreSQL"
    how = "As above, with the ledger in PostgreSQL."

    def run(self, folder: Path, size: Size) -> Figures:
        with postgres() as server:
            return meet(Backfill(folder, few(size), environment={"ledger_url": server.create("ledger")}))


SCENARIO: Scenario = ConcurrentRunsOnPostgres()
