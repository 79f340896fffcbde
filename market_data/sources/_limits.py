"""A vendor's limits, kept by all processes that share a folder together. Nothing of vendors that are down."""

import atexit
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from market_data.storage.files import make_folder

if TYPE_CHECKING:
    from pyrate_limiter import Limiter


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
        _limiter(os.getpid(), self._path, self._rates).try_acquire(self._path.stem, weight=weight)


@cache
def _limiter(pid: int, path: Path, rates: tuple[Rate, ...]) -> "Limiter":  # noqa: ARG001  a fork opens its own
    # Imported when a vendor is asked: pyrate_limiter starts a thread that empties the file of what has passed.
    from pyrate_limiter import Limiter, SQLiteBucket
    from pyrate_limiter import Rate as Window

    make_folder(path.parent)
    windows = [Window(rate.weight, round(rate.seconds * 1_000)) for rate in rates]
    bucket = SQLiteBucket.init_from_file(windows, db_path=str(path), use_file_lock=True)
    limiter = Limiter(bucket, buffer_ms=2)
    atexit.register(limiter.close)
    return limiter
