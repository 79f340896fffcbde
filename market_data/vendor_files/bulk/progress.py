"""How far the reading of a large file is, in bytes and records, on the log now and then. No reading here."""

import logging
import time
from collections.abc import Callable

_log = logging.getLogger("market_data.bulk")
EVERY_SECONDS = 10.0


class Progress:
    """Counts what was read of one file.

    Args:
        name: what the log calls the file.
        size_bytes: its size as it lies there, packed.
        every_seconds: how often something is said; of a file that is read sooner, nothing.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        name: str,
        size_bytes: int,
        every_seconds: float = EVERY_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.records = 0
        self._name = name
        self._size_bytes = size_bytes
        self._every = every_seconds
        self._clock = clock
        self._began = self._said = clock()

    def add(self, position: int, records: int) -> None:
        """So many records more came; reading stands at that byte of the packed file."""
        self.records += records
        if self._clock() - self._said >= self._every:
            self._say(position)

    def end(self, position: int) -> None:
        """All was read: the last word on a file that was spoken of before."""
        if self._said > self._began:
            self._say(position)

    def _say(self, position: int) -> None:
        self._said = self._clock()
        share = position / self._size_bytes if self._size_bytes else 1.0
        _log.info(
            "%s: %s of %s bytes read (%.0f %%), %s records, %.0f s",
            self._name,
            f"{position:,}",
            f"{self._size_bytes:,}",
            100 * share,
            f"{self.records:,}",
            self._said - self._began,
        )
