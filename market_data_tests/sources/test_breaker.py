"""The circuit breaker: when a vendor is left alone, for how long, and what several processes make of it."""

import logging
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from market_data.domain.errors import NotAvailable, VendorRefused, VendorUnavailable
from market_data.vendor_access.circuit_breaker import Breaker, Circuit, Resting, read
from market_data.vendor_access.http_status import Busy

START = 1_700_000_000.0
FAILURES, REST, LONGEST, TRIAL = 3, 60.0, 200.0, 120.0


class Clock:
    """A time of day that passes when it is told to."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(tmp_path: Path, clock: Clock) -> Breaker:
    return Breaker(tmp_path / "breaker.json", "Vendor", FAILURES, REST, LONGEST, TRIAL, clock)


def works() -> str:
    return "an answer"


def fails() -> str:
    raise VendorUnavailable("no answer")


def refuses() -> str:
    raise VendorRefused("401")


def is_busy() -> str:
    raise Busy("429", wait_seconds=1.0)


def is_down() -> str:
    raise Busy("503", wait_seconds=None)


def must_not_run() -> str:
    raise AssertionError("the vendor was asked")


def fail(breaker: Breaker, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(VendorUnavailable, match="no answer"):
            breaker.call(fails)


def state(breaker: Breaker) -> str:
    return read(breaker.path).state(breaker.clock())


def test_it_is_closed_until_so_many_requests_in_a_row_failed(breaker: Breaker) -> None:
    assert breaker.call(works) == "an answer"
    fail(breaker, FAILURES - 1)
    assert state(breaker) == "closed"
    fail(breaker)
    assert state(breaker) == "open"


def test_while_it_is_open_the_vendor_is_not_asked_and_everybody_hears_the_same(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES)
    told: set[str] = set()
    for _ in range(3):
        clock.now += 10
        with pytest.raises(Resting) as raised:
            breaker.call(must_not_run)
        told.add(str(raised.value))
    assert told == {"Vendor is not asked before 22:14:20 UTC: 3 requests in a row failed, the last with: no answer"}


@pytest.mark.parametrize("answer", [works, refuses, is_busy])
def test_an_answer_of_any_kind_ends_the_row(breaker: Breaker, answer: Callable[[], str]) -> None:
    for _ in range(2):
        fail(breaker, FAILURES - 1)
        with suppress(VendorRefused, Busy):
            breaker.call(answer)
    assert state(breaker) == "closed"
    assert read(breaker.path).failures == 0


def test_a_vendor_that_does_not_say_how_long_it_is_busy_is_down(breaker: Breaker) -> None:
    for _ in range(FAILURES):
        with pytest.raises(Busy):
            breaker.call(is_down)
    assert state(breaker) == "open"


def test_after_the_rest_one_request_decides(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES)
    clock.now += REST
    assert state(breaker) == "half-open"

    def first() -> str:
        with pytest.raises(Resting):
            breaker.call(must_not_run)  # of another process, meanwhile
        return "back"

    assert breaker.call(first) == "back"
    assert state(breaker) == "closed"
    assert breaker.call(works) == "an answer"


def test_each_rest_is_twice_the_one_before_up_to_the_longest(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES)
    rests: list[float] = []
    for _ in range(4):
        rests.append(read(breaker.path).until - clock.now)
        clock.now = read(breaker.path).until
        fail(breaker)
    assert rests == [REST, 2 * REST, LONGEST, LONGEST]


def test_a_success_makes_the_next_rest_short_again(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES)
    for _ in range(2):
        clock.now = read(breaker.path).until
        fail(breaker)
    clock.now = read(breaker.path).until
    breaker.call(works)
    fail(breaker, FAILURES)
    assert read(breaker.path).until - clock.now == REST


def test_a_trial_of_which_nothing_is_heard_lets_the_next_one_through(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES)
    clock.now += REST
    code = (
        "import os, sys; from pathlib import Path; from market_data.vendor_access.circuit_breaker import Breaker\n"
        f"breaker = Breaker(Path(sys.argv[1]), 'Vendor', clock=lambda: {clock.now}, trial_seconds={TRIAL})\n"
        "breaker.call(lambda: os._exit(9))"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(breaker.path)], check=False)
    assert ended.returncode == 9
    assert state(breaker) == "half-open"
    clock.now += TRIAL - 1
    with pytest.raises(Resting):
        breaker.call(must_not_run)
    clock.now += 1
    assert breaker.call(works) == "an answer"
    assert state(breaker) == "closed"


def test_what_one_process_learned_another_knows(breaker: Breaker) -> None:
    code = (
        "import sys; from pathlib import Path; from market_data.vendor_access.circuit_breaker import Breaker\n"
        "from market_data.domain.errors import VendorUnavailable\n"
        "def fails(): raise VendorUnavailable('no answer')\n"
        f"breaker = Breaker(Path(sys.argv[1]), 'Vendor', {FAILURES}, clock=lambda: {START})\n"
        "try: breaker.call(fails)\n"
        "except VendorUnavailable: pass\n"
    )
    for _ in range(FAILURES):
        assert state(breaker) == "closed"
        subprocess.run([sys.executable, "-c", code, str(breaker.path)], check=True)
    with pytest.raises(Resting):
        breaker.call(must_not_run)


def test_requests_that_fail_together_open_it_once_and_it_is_said_once(
    breaker: Breaker, caplog: pytest.LogCaptureFixture
) -> None:
    def ask(_: int) -> None:
        with pytest.raises(VendorUnavailable):
            breaker.call(fails)

    with caplog.at_level(logging.INFO), ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(30)))
    assert read(breaker.path).openings == 1
    assert [record.getMessage() for record in caplog.records] == [
        "Vendor is left alone for 60 s (circuit open): no answer"
    ]


def test_that_it_is_back_is_said(breaker: Breaker, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    fail(breaker, FAILURES)
    clock.now += REST
    caplog.clear()
    with caplog.at_level(logging.INFO):
        breaker.call(works)
    assert [record.getMessage() for record in caplog.records] == [
        "Vendor is asked once, to see whether it is back (circuit half-open)",
        "Vendor answers again (circuit closed)",
    ]


def test_a_permanent_refusal_passes_through(breaker: Breaker) -> None:
    def gone() -> str:
        raise NotAvailable("404")

    with pytest.raises(NotAvailable):
        breaker.call(gone)


def test_without_a_file_the_circuit_is_closed(tmp_path: Path) -> None:
    assert read(tmp_path / "none.json") == Circuit()
    assert Circuit().state(START) == "closed"


def test_a_clock_that_is_set_back_ends_the_rest_and_the_trial(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES)
    clock.now -= 86_400
    assert state(breaker) == "half-open"
    fail(breaker)
    assert state(breaker) == "open"
    assert read(breaker.path).until - clock.now == 2 * REST


def test_a_clock_that_is_set_forward_lets_one_request_through(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES)
    clock.now += 86_400

    def first() -> str:
        with pytest.raises(Resting):
            breaker.call(must_not_run)
        return "back"

    assert breaker.call(first) == "back"


def test_the_last_answer_is_noted_though_the_clock_was_set_back_since(breaker: Breaker, clock: Clock) -> None:
    breaker.call(works)
    clock.now -= 86_400
    breaker.call(works)
    assert read(breaker.path).last_success == clock.now
