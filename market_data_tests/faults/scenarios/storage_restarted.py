"""PostgreSQL, with Dagster's storage in it as well as the ledger, is stopped at once in mid backfill, and started."""

import time
from pathlib import Path

from market_data_tests.faults._desk import at_work
from market_data_tests.faults.scenario import Figures, Scenario, Size

# Longer than dagster-postgres waits for it, shorter than it waits twice: what fails of it can still be written down.
_DOWN_SECONDS = 10


class StorageRestarted:
    name = "Dagster's PostgreSQL restarted"
    how = (
        "A desk; in the middle of two runs PostgreSQL is stopped at once (`pg_ctl stop -m immediate`) for some seconds."
    )

    def run(self, folder: Path, size: Size) -> Figures:
        with at_work(folder, size) as work:
            work.until_under_way()
            work.until_recording()
            work.here.postgres.kill()
            time.sleep(_DOWN_SECONDS)
            work.here.postgres.start()
            work.until_ended()
            runs, ended = len(work.here.runs()), work.ended_badly()
            assert runs == len(work.backfill.feed.symbols) + ended, "a run was not retried, or begun twice"
            assert all(each.popen.poll() is None for each in work.here.processes.values()), "not all outlived it"
            return work.figures(
                f"{ended} of {runs - ended} runs could not write down what they did, and were retried for what was "
                "left; the others waited; daemon and workers outlive it"
            )


SCENARIO: Scenario = StorageRestarted()
