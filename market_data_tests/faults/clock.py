"""A time of day that jumps, for a process: libfaketime, told by a file. The monotonic clock goes on as it is."""

from pathlib import Path

from market_data_tests.faults.scenario import CannotRun


class FalseClock:
    """Right until it is set.

    Raises:
        CannotRun: libfaketime is not installed.
    """

    def __init__(self, path: Path) -> None:
        found = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
        if found is None:
            raise CannotRun("libfaketime is not installed (Debian's package `faketime`)")
        self._path = path
        self.set("+0")
        self.environment = {
            "LD_PRELOAD": str(found),
            "FAKETIME_TIMESTAMP_FILE": str(path),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }
        """For the process."""

    def set(self, offset: str) -> None:
        """To that far from the true time: `+1d`. In one step, since a clock that is read half written would be none."""
        staged = self._path.with_suffix(".new")
        staged.write_text(offset)
        staged.replace(self._path)
