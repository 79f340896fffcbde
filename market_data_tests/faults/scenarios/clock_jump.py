"""The time of day jumps in mid backfill: a day forwards, then a day backwards of what it was."""

from pathlib import Path

from market_data.domain.time import NS_PER_HOUR
from market_data.warehouse import Ledger
from market_data_tests.faults.audit import audit, half_made, recovered
from market_data_tests.faults.backfill import Backfill, Run
from market_data_tests.faults.scenario import CannotRun, Figures, Scenario, Size

_LIBRARY = "faketime/libfaketimeMT.so.1"


class ClockJump:
    name = "clock jumps"
    how = (
        "The run's clock (libfaketime) is set a day forwards after a quarter of the rectangle, and to a day before the "
        "true time after half of it; half the days were there before."
    )

    def run(self, folder: Path, size: Size) -> Figures:
        library = _library()
        backfill, before = half_made(folder, size)
        clock = folder / "clock"
        clock.write_text("+0")
        run = backfill.start("jumps", **_faked(library, clock))
        run.until_done(size.partitions // 4)
        _set(clock, "+1d")
        run.until_done(size.partitions // 2)
        _set(clock, "-1d")
        run.must_succeed()
        count = audit(backfill, [run], before)
        _must_have_jumped(backfill, run)
        return count.figures(
            recovered(backfill), "nothing to recover: the run completes, each partition's instants ascend"
        )


def _library() -> Path:
    found = next(Path("/usr/lib").glob(f"*/{_LIBRARY}"), None)
    if found is None:
        raise CannotRun("libfaketime is not here (Debian's package `faketime`)")
    return found


def _faked(library: Path, clock: Path) -> dict[str, str]:
    """Only the time of day: a clock that is set leaves the monotonic one and the file system's own as they are."""
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }


def _set(clock: Path, offset: str) -> None:
    """In one step: a clock that is read half written would be no clock."""
    staged = clock.with_name("clock.new")
    staged.write_text(offset)
    staged.replace(clock)


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
