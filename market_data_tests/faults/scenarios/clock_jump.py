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
    """The clock was wrong both ways; yet times grow with numbers, and one revision counts at each commit."""
    ledger = Ledger(backfill.settings.database.get_secret_value())
    try:
        histories = [ledger.history(*key) for key in backfill.keys]
        commits = sorted({(each.committed_in, each.committed_ns) for history in histories for each in history})
        instants = [instant for _, instant in commits]
        assert instants == sorted(set(instants)), "a later commit has an earlier time"
        for revision in (each for history in histories for each in history):
            key = (revision.table, revision.partition)
            found = ledger.find(as_of=ledger.as_of(revision.committed_in))
            assert [each for each in found if (each.table, each.partition) == key] == [revision]
        newest = [history[-1].committed_ns for history in histories]
        assert max(newest) - min(newest) > 24 * NS_PER_HOUR, "the clock did not jump"
    finally:
        ledger.close()


SCENARIO: Scenario = ClockJump()
