"""A vendor's limits, kept by all processes that share a folder together. Nothing of vendors that are down."""

import atexit
import os
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from market_data.storage.files import make_folder

if TYPE_CHECKING:
    from pyrate_limiter import SQLiteBucket

_EMPTIED_AFTER_SECONDS = 10.0
_CLOCKS_APART_MS = 5_000
"""Of machines that share a folder, at most."""


class Rate(NamedTuple):
    """At most so much weight in any window of so many seconds."""

    weight: int
    seconds: float


class Limits:
    """Several rates at once. Requests that came first go first only within a process.

    Args:
        path: the SQLite file that the processes share; made when it is first used.
        rates: from the shortest window to the longest.
    """

    def __init__(self, path: Path, rates: Sequence[Rate]) -> None:
        self._path = path
        self._rates = tuple(rates)

    def wait(self, weight: int = 1) -> None:
        """Until a request of that weight keeps every rate; then it counts as made."""
        _shared(os.getpid(), self._path, self._rates).wait(weight)


class _Shared:
    """This process's hold on the file.

    What has passed is taken out of it now and then, by whoever waits: the library's own thread for that would go on
    after a folder that was removed.
    """

    def __init__(self, path: Path, rates: Sequence[Rate]) -> None:
        # Imported when a vendor is asked.
        from pyrate_limiter import Limiter
        from pyrate_limiter.limiter import SingleBucketFactory

        make_folder(path.parent)
        self._name = path.stem
        self._bucket = _bucket(path, rates)
        self._limiter = Limiter(SingleBucketFactory(self._bucket, schedule_leak=False), buffer_ms=2)
        self._emptied = time.monotonic()
        atexit.register(self._limiter.close)

    def wait(self, weight: int) -> None:
        """See `Limits.wait`."""
        now = time.monotonic()
        if now - self._emptied > _EMPTIED_AFTER_SECONDS:
            self._bucket.leak(self._bucket.now())
            self._emptied = now
        self._limiter.try_acquire(self._name, weight=weight)


def _bucket(path: Path, rates: Sequence[Rate]) -> "SQLiteBucket":
    from pyrate_limiter import Rate as Window
    from pyrate_limiter import RateItem, SQLiteBucket

    class Bucket(SQLiteBucket):
        """The library goes by the time of day: what was asked before that was set back would bar for so long."""

        def put(self, item: RateItem) -> bool:
            """Put one; what seems to be asked later counts as asked now, so that nobody waits or gets more."""
            with self.lock:
                newest = self.peek(0)
                if newest is not None and newest.timestamp > item.timestamp + _CLOCKS_APART_MS:
                    late = f"UPDATE '{self.table}' SET item_timestamp = ? WHERE item_timestamp > ?"  # noqa: S608
                    self.conn.execute(late, (item.timestamp, item.timestamp))
                    self.conn.commit()
                return super().put(item)

    windows = [Window(rate.weight, round(rate.seconds * 1_000)) for rate in rates]
    return Bucket.init_from_file(windows, db_path=str(path), use_file_lock=True)


@cache
def _shared(pid: int, path: Path, rates: tuple[Rate, ...]) -> _Shared:  # noqa: ARG001  a fork opens its own
    return _Shared(path, rates)
