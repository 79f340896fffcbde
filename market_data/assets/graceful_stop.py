"""The edge of a partition: where a run that was told to stop ends. What is done there is recorded by others."""

import logging
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

from dagster import DagsterExecutionInterruptedError

_log = logging.getLogger("market_data.assets")
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class GracefulStop:
    """Holds SIGTERM and SIGINT back while a partition is in the making. A second one is not held back.

    Nothing would be lost without it, for whatever is cut off resumes from what is landed; but a partition that a
    vendor was paid for, or that is all but done, is better finished. Who cannot wait asks twice, or kills.
    """

    def __init__(self) -> None:
        self.asked = False

    @contextmanager
    def held(self) -> Generator[None]:
        """Give what is done in it is done to its end, in the main thread, to which alone signals come."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler if handler is not None else signal.SIG_DFL)

    def leave(self, done: int, of: int) -> None:
        """Nothing, unless the run was asked to stop, and something is left to do.

        Raises:
            DagsterExecutionInterruptedError: it was. Dagster ends the run as canceled where that was asked of Dagster,
                else as failed by an unexpected termination, which run retries take up again.
        """
        if self.asked and done < of:
            raise DagsterExecutionInterruptedError(
                f"asked to stop: {done} of {of} partitions are done, and a retry from failure takes the others"
            )

    def _note(self, number: int, _: FrameType | None) -> None:
        name = signal.Signals(number).name
        if self.asked:
            raise DagsterExecutionInterruptedError(f"asked to stop twice ({name}): ended within a partition")
        self.asked = True
        _log.warning("%s: the run ends when this partition is done; a second one ends it at once", name)
