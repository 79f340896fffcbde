"""One thread that works ahead of its consumer, a bounded number of items: for work that releases the GIL."""

from collections.abc import Generator
from contextlib import closing, suppress
from contextvars import copy_context
from dataclasses import dataclass
from queue import Empty, Queue
from threading import Event, Thread
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _End:
    error: BaseException | None = None


def prefetch(items: Generator[T], depth: int = 2) -> Generator[T]:
    """Yield the items in their order, at most `depth` of them ready before they are asked for.

    What the generator raises is raised here in its place. Closing this one early, as leaving a `for` loop does,
    closes the generator and ends the thread.
    """
    ready: Queue[T | _End] = Queue(depth)
    stopped = Event()
    # The thread logs about the partition that its caller works on.
    context = copy_context()
    thread = Thread(target=context.run, args=(_work, items, ready, stopped), name="prefetch", daemon=True)
    thread.start()
    try:
        while not isinstance(item := ready.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        stopped.set()
        while thread.is_alive():
            with suppress(Empty):
                ready.get_nowait()
            thread.join(0.01)


def _work(items: Generator[T], ready: "Queue[T | _End]", stopped: Event) -> None:
    try:
        with closing(items):
            for item in items:
                ready.put(item)
                if stopped.is_set():
                    return
    except BaseException as error:
        ready.put(_End(error))
    else:
        ready.put(_End())
