"""PostgreSQL, with the ledger in it, is stopped at once in mid backfill, and started again."""

import time
from pathlib import Path

from market_data_tests.databases import postgres
from market_data_tests.faults.audit import audit, half_made, recovered
from market_data_tests.faults.scenario import Figures, Scenario, Size

_DOWN_SECONDS = 5


class PostgresRestart:
    name = "PostgreSQL restarted"
    how = (
        "The ledger's server is stopped at once (`pg_ctl stop -m immediate`) when a quarter of the rectangle is done, "
        "and started again after some seconds; half the days were there before."
    )

    def run(self, folder: Path, size: Size) -> Figures:
        with postgres() as server:
            backfill, before = half_made(folder, size, ledger_url=server.create("ledger"))
            run = backfill.start("restart")
            run.until_done(size.partitions // 4)
            server.kill()
            time.sleep(_DOWN_SECONDS)
            server.start()
            run.must_succeed()
            assert "trying again" in run.log(), "the run did not notice"
            count = audit(backfill, [run], before)
            words = "nothing to recover: the run waits for the server, and goes on"
            return count.figures(recovered(backfill), words)


SCENARIO: Scenario = PostgresRestart()
