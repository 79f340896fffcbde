"""A line a partition while a rectangle runs, on the process's own log: events of the engine cost milliseconds each."""

import logging
import sys
import time
from collections.abc import Sequence

from market_data.domain.partition import Partition
from market_data.pipeline.chain import Failed, Step
from market_data.pipeline.workspace import Outcome
from market_data.settings import Feed

_log = logging.getLogger("market_data.progress")


class Progress:
    """Counts partitions and says what each gave: stage, symbol, day, rows, duration."""

    def __init__(self, feed: Feed, total: int) -> None:
        self._feed = feed
        self._total = total
        self._done = 0
        self._began = time.monotonic()
        if not _log.handlers:
            handler = logging.StreamHandler(sys.stderr)
            handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
            _log.addHandler(handler)
            _log.setLevel(logging.INFO)
            _log.propagate = False

    def done(self, partition: Partition, steps: Sequence[Step]) -> None:
        """Tell of one partition."""
        self._done += 1
        parts = [
            f"{step.table} {step.revision.rows:,} rows{'' if step.changed else ' (unchanged)'} {step.seconds:.2f} s"
            for step in steps
            if isinstance(step, Outcome)
        ]
        parts += [f"FAILED {step}" for step in steps if isinstance(step, Failed)]
        left = (time.monotonic() - self._began) / self._done * (self._total - self._done)
        _log.info("[%d/%d, %.0f s left] %s: %s", self._done, self._total, left, partition, "; ".join(parts))
