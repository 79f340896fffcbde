"""Working ahead in a thread: the same items, the same error, and no thread left."""

import threading
from collections.abc import Generator

import pytest

from market_data.vendor_files.prefetch import prefetch


def counting(closed: list[bool], last: int | None = None) -> Generator[int]:
    try:
        number = 0
        while last is None or number < last:
            yield number
            number += 1
        raise RuntimeError("the source broke")
    finally:
        closed.append(True)


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "prefetch"]


def test_items_come_in_order_and_an_error_comes_in_its_place() -> None:
    closed: list[bool] = []
    items: list[int] = []
    with pytest.raises(RuntimeError, match="the source broke"):
        items.extend(prefetch(counting(closed, last=100)))
    assert (items, closed, threads()) == (list(range(100)), [True], [])


def test_a_consumer_that_leaves_early_ends_the_thread_and_closes_the_source() -> None:
    closed: list[bool] = []
    items = prefetch(counting(closed))
    assert [next(items) for _ in range(5)] == [0, 1, 2, 3, 4]
    items.close()
    assert (closed, threads()) == ([True], [])
