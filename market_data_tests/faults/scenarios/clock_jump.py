"""The time of day jumps in mid backfill: a day forwards, then a day backwards of what it was."""

from pathlib import Path

from market_data.domain.time import NS_PER_HOUR
from market_data.ledger.ledger import Ledger
from market_data_tests.faults.audit import audit, half_made, recovered
from market_data_tests.faults.backfill import Backfill, Run
from market_data_tests.faults.clock import FalseClock
from market_data_tests.faults.scenario import Figures, Scenario, Size


class ClockJump:
    name = "clock jumps"
    how = (
        "The run's clock (libfaketime) is set a day forwards after a quarter of the rectangle, and to a day before the "
        "true time after half of it; half the days were there before."
    )

    def run(self, folder: Path, size: Size) -> Figures:
        clock = FalseClock(folder / "clock")
        backfill, before = half_made(folder, size)
        run = backfill.start("jumps", **clock.environment)
        run.until_done(size.partitions // 4)
        clock.set("+1d")
        run.until_done(size.partitions // 2)
        clock.set("-1d")
        run.must_succeed()
        count = audit(backfill, [run], before)
        _must_have_jumped(backfill, run)
        return count.figures(
            recovered(backfill), "nothing to recover: the run completes, each partition's instants ascend"
        )


def _must_have_jumped(backfill: Backfill, run: Run) -> None:
    """The clock was wrong both ways; yet of each partition one revision counts at any moment."""
    ledger = Ledger(backfill.settings.database.get_secret_value())
    try:
        histories = [ledger.history(*key) for key in backfill.keys]
        instants = [[each.committed_ns for each in history] for history in histories]
        assert all(one == sorted(set(one)) for one in instants)
        for history, moments in zip(histories, instants, strict=True):
            for revision, moment in zip(history, moments, strict=True):
                key = (revision.table, revision.partition)
                counted = [r for r in ledger.find(as_of=moment) if (r.table, r.partition) == key]
                assert counted == [revision]
        newest = [one[-1] for one in instants]
        assert max(newest) - min(newest) > 24 * NS_PER_HOUR, "the clock did not jump"
    finally:
        ledger.close()


SCENARIO: Scenario = ClockJump()
