"""PostgreSQL, with the ledger in it, is killed in mid backfill and started again."""

from pathlib import Path

from market_data_tests.databases import postgres
from market_data_tests.faults.audit import audit, half_made, recovered
from market_data_tests.faults.scenario import Figures, Scenario, Size

# The tests' server does not wait for its own disk otherwise, and may forget at its death what it said is committed.
_DURABLE = "?options=-csynchronous_commit%3Don"


class PostgresRestart:
    name = "PostgreSQL restarted"
    how = (
        "The ledger's server is stopped at once (`pg_ctl stop -m immediate`) when a quarter of the rectangle is done, "
        "and started again when the next partition was refused; half the days were there before."
    )

    def run(self, folder: Path, size: Size) -> Figures:
        with postgres() as server:
            backfill, before = half_made(folder, size, ledger_url=server.create("ledger") + _DURABLE)
            run = backfill.start("restart")
            run.until_done(size.partitions // 4)
            server.kill()
            run.until_refused()
            server.start()
            assert run.end() != 0, run.log()
            count = audit(backfill, [run], before)
            return count.figures(
                recovered(backfill), "the run goes on with the next partition; the rest by the next run"
            )


SCENARIO: Scenario = PostgresRestart()
