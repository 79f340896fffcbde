"""Many runs take the same partitions at once, with the ledger in SQLite."""

from pathlib import Path

from market_data_tests.faults.audit import audit, recovered
from market_data_tests.faults.backfill import Backfill
from market_data_tests.faults.scenario import Figures, Scenario, Size
from market_data.warehouse import Ledger


class ConcurrentRuns:
    name = "concurrent runs, SQLite"
    how = "As many processes of `dagster asset materialize` as the size says begin the same rectangle at once."

    def run(self, folder: Path, size: Size) -> Figures:
        backfill = Backfill(folder, size)
        runs = [backfill.start(f"run-{number}") for number in range(size.runs)]
        for run in runs:
            run.end()
        count = audit(backfill, runs)
        ledger = Ledger(backfill.settings.database.get_secret_value())
        for table, partition in backfill.keys:
            if table != "quality_reports":
                assert len(ledger.history(table, partition)) == 1
        ledger.close()
        told = sum(bool(run.refused()) for run in runs)
        print([ (r.process.returncode, len(r.refused())) for r in runs])
        return count.figures(recovered(backfill), f"nothing to recover; {told} of {size.runs} runs were refused something")


SCENARIO: Scenario = ConcurrentRuns()
