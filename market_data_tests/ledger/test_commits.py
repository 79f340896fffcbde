"""Commits: their numbers and times, what changed in them, and what an answer as of a moment is worth.

On whichever database the tests' ledgers lie. What a lost connection does to a commit stands in `test_outages`.
"""

import datetime as dt
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread

import pytest

from market_data.domain.errors import ConfigurationError
from market_data.domain.partition import Partition
from market_data.domain.time import to_ns
from market_data.ledger import ledger as module
from market_data.ledger import reader as reader_module
from market_data.ledger.ledger import Ledger
from market_data.ledger.reader import _commit_at, state_of
from market_data.ledger.revision import Revision
from market_data_tests.databases import database_url, ledger_url, on_postgres
from market_data_tests.partitions import commit_of, days

DAYS = days("2024-01-15", 40)


def day(number: int) -> Partition:
    return Partition("sim", DAYS[number], "AAA-USD")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(ledger_url(tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def other(tmp_path: Path, ledger: Ledger) -> Iterator[Ledger]:
    """The same ledger, as another process has it open."""
    opened = Ledger(ledger_url(tmp_path))
    yield opened
    opened.close()


def committed(ledger: Ledger, number: int, follows: int = 0) -> Revision:
    made = ledger.commit(commit_of("trades", day(number), follows))
    assert made is not None
    return made


class Clock:
    """A `time` module whose clock is set."""

    def __init__(self, now_ns: int) -> None:
        self.now_ns = now_ns

    def time_ns(self) -> int:
        return self.now_ns


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock(1_800_000_000 * 10**9)
    monkeypatch.setattr(module, "time", found)
    monkeypatch.setattr(reader_module, "time", found)
    return found


def test_numbers_are_dense_and_times_grow_with_them_also_when_the_clock_is_set_back(
    ledger: Ledger, clock: Clock
) -> None:
    made: list[Revision] = []
    for number, step in enumerate((0, 10**9, -3_600 * 10**9, 0, 0, 5, -1, 7_200 * 10**9)):
        clock.now_ns += step
        made.append(committed(ledger, number))
    assert [each.committed_in for each in made] == list(range(1, len(made) + 1))
    assert all(before.committed_ns < after.committed_ns for before, after in pairwise(made))
    assert made[-1].committed_ns == clock.now_ns
    assert ledger.last_commit == len(made)


def number_at(ledger: Ledger, ns: int) -> int | None:
    with ledger.reader() as reader:
        return _commit_at(reader, state_of(reader), ns)


def test_each_time_finds_what_counted_then_also_when_the_clock_was_set_back(ledger: Ledger, clock: Clock) -> None:
    first = committed(ledger, 0)
    clock.now_ns -= 3_600 * 10**9
    second = committed(ledger, 0, follows=1)
    clock.now_ns += 7_200 * 10**9
    for revision in (first, second):
        assert ledger.find(as_of=revision.committed_in) == ledger.find(as_of=number_at(ledger, revision.committed_ns))
        (counted,) = ledger.find(as_of=number_at(ledger, revision.committed_ns))
        assert counted.id == revision.id
    assert ledger.find(as_of=number_at(ledger, first.committed_ns - 1)) == []


def test_a_commit_that_is_undone_leaves_no_gap(ledger: Ledger) -> None:
    committed(ledger, 0)

    def fails(number: int) -> None:
        assert number == 2
        raise OSError("the file was removed")

    with pytest.raises(OSError, match="was removed"):
        ledger.commit(commit_of("trades", day(1)), fails)
    assert ledger.current("trades", day(1)) is None
    assert len([*ledger.filed()]) == ledger.last_commit == 1
    assert ledger.commit(commit_of("trades", day(0), 0)) is None  # neither does one that is refused
    assert committed(ledger, 1).committed_in == 2


def test_changes_tell_everything_in_order_from_any_number_on(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK", 3)
    counts: dict[Partition, int] = {}
    for number in range(20):
        partition = number % 6
        counts[day(partition)] = committed(ledger, partition, counts.get(day(partition), 0)).revision
    everything = [*ledger.changes()]
    assert [each.number for each in everything if each.counts] == list(range(1, 21))
    assert [(each.number, each.counts) for each in everything] == sorted(
        (each.number, each.counts) for each in everything
    )
    assert all(before.committed_ns <= after.committed_ns for before, after in pairwise(everything))
    for since in range(21):
        told = [each for each in everything if each.number > since]
        assert [*ledger.changes(since)] == told
        standing = {each.id for each in ledger.find(as_of=since)}
        for change in told:  # whoever follows the changes has what counts
            (standing.add if change.counts else standing.remove)(change.revision.id)
        assert standing == {each.id for each in ledger.find()}


def test_what_is_in_the_future_is_refused(ledger: Ledger) -> None:
    committed(ledger, 0)
    with pytest.raises(ConfigurationError, match="is in the future"):
        ledger.as_of(dt.datetime.now(dt.UTC) + dt.timedelta(hours=1))
    with pytest.raises(ConfigurationError, match="commit 2 is not made yet; the last one is 1"):
        ledger.as_of(2)
    assert [ledger.as_of(number) for number in (0, 1)] == [0, 1]


def test_before_the_first_commit_nothing_counted(ledger: Ledger) -> None:
    assert ledger.as_of(dt.datetime.now(dt.UTC)) == 0
    committed(ledger, 0)
    assert ledger.as_of(dt.datetime(2000, 1, 1, tzinfo=dt.UTC)) == 0
    assert ledger.find(as_of=0) == []


def test_a_moment_that_nothing_was_committed_at_keeps_its_answer_by_any_clock(ledger: Ledger, clock: Clock) -> None:
    first = committed(ledger, 0)
    clock.now_ns += 60 * 10**9
    moment = dt.datetime.fromtimestamp(clock.now_ns // 10**9, dt.UTC)
    assert ledger.as_of(moment) == first.committed_in
    clock.now_ns -= 30 * 10**9  # as that of another machine is
    second = committed(ledger, 1)
    assert second.committed_ns > to_ns(moment)
    clock.now_ns += 3_600 * 10**9
    assert ledger.as_of(moment) == first.committed_in


def test_a_commit_that_is_under_way_is_waited_for_and_the_answer_stays(ledger: Ledger, other: Ledger) -> None:
    """Its time is before the moment that is asked for, and it is not to be seen yet."""
    committed(ledger, 0)
    holds, may_end = Event(), Event()

    def last_step(number: int) -> None:
        holds.set()
        may_end.wait(60)

    made: list[Revision | None] = []
    writer = Thread(target=lambda: made.append(other.commit(commit_of("trades", day(1)), last_step)))
    writer.start()
    assert holds.wait(60)
    moment = dt.datetime.now(dt.UTC)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ledger.as_of, moment)
        time.sleep(0.5)
        assert not asked.done()
        may_end.set()
        first = asked.result(60)
    writer.join()
    assert made[0] is not None
    assert made[0].committed_at <= moment
    assert first == made[0].committed_in == 2
    committed(other, 2)
    assert ledger.as_of(moment) == other.as_of(moment) == first


def test_moments_that_are_asked_for_while_others_write_keep_their_answers(ledger: Ledger, other: Ledger) -> None:
    ended = Event()

    def write() -> None:
        for number in range(len(DAYS)):
            committed(other, number)
        ended.set()

    writer = Thread(target=write)
    writer.start()
    answers: list[tuple[dt.datetime, int, list[int]]] = []
    while not ended.is_set():
        moment = dt.datetime.now(dt.UTC)
        number = ledger.as_of(moment)
        answers.append((moment, number, [each.id for each in ledger.find(as_of=number)]))
    writer.join()
    numbers = [number for _, number, _ in answers]
    assert numbers == sorted(numbers)
    for moment, number, found in answers:
        assert ledger.as_of(moment) == number
        assert [each.id for each in ledger.find(as_of=number)] == found
        assert len(found) == number
    assert ledger.last_commit == len(DAYS)


def test_a_ledger_keeps_its_identity_and_no_two_have_the_same(ledger: Ledger, other: Ledger, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    # On PostgreSQL the tests' ledgers are copies of one; this one begins in an empty database.
    own = database_url(f"stranger_{uuid.uuid4().hex}") if on_postgres() else ledger_url(tmp_path / "elsewhere")
    stranger = Ledger(own)
    assert ledger.identity == other.identity != stranger.identity
    stranger.close()
