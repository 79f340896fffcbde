"""Writers of the ledger that meet in the middle of a change, on whichever database the tests' ledgers lie."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Thread
from typing import TypeVar

import pytest

from market_data.domain.alerts import Alert, Cause
from market_data.domain.messages import Message
from market_data.domain.partition import Partition
from market_data.ledger.ledger import Ledger
from market_data_tests.databases import ledger_url
from market_data_tests.partitions import commit_of, enter, row_of

WRITERS, ROUNDS = 4, 25
PARTITION = Partition("sim", dt.date(2024, 1, 15), "AAA-USD")
MESSAGE = Message("late", "since yesterday", "error")
_T = TypeVar("_T")


@pytest.fixture
def ledgers(tmp_path: Path) -> Iterator[Sequence[Ledger]]:
    """One ledger, as so many processes have it open."""
    opened = [Ledger(ledger_url(tmp_path)) for _ in range(WRITERS)]
    yield opened
    for ledger in opened:
        ledger.close()


def at_once(ledgers: Sequence[Ledger], act: Callable[[Ledger, int], _T]) -> list[_T]:
    """What each writer gets who acts at the same moment."""
    ready = Barrier(len(ledgers))

    def go(number: int) -> _T:
        ready.wait()
        return act(ledgers[number], number)

    with ThreadPoolExecutor(len(ledgers)) as pool:
        return list(pool.map(go, range(len(ledgers))))


def begun(act: Callable[[], object]) -> Thread:
    """Another writer has begun with something, and is done with it unless it has to wait; join it afterwards."""
    other = Thread(target=act)
    other.start()
    other.join(1)
    return other


def test_of_writers_that_commit_a_first_revision_at_once_one_makes_it(ledgers: Sequence[Ledger]) -> None:
    for round_ in range(ROUNDS):
        partition = replace(PARTITION, symbol=f"S{round_}")
        made = at_once(ledgers, lambda ledger, _, p=partition: ledger.commit(commit_of("trades", p)))
        assert [revision is not None for revision in made].count(True) == 1
        assert ledgers[0].last_commit == round_ + 1  # who is refused uses no number up


def test_of_writers_that_commit_the_next_revision_at_once_one_makes_it(ledgers: Sequence[Ledger]) -> None:
    for follows in range(ROUNDS):
        made = at_once(ledgers, lambda ledger, _, f=follows: ledger.commit(commit_of("trades", PARTITION, f)))
        assert [revision is not None for revision in made].count(True) == 1
        current = ledgers[0].current("trades", PARTITION)
        assert current is not None
        assert current.revision == current.committed_in == follows + 1


def test_writers_that_confirm_a_revision_at_once_all_succeed_and_the_last_is_noted(ledgers: Sequence[Ledger]) -> None:
    for round_ in range(ROUNDS):
        partition = replace(PARTITION, symbol=f"S{round_}")
        current = enter(ledgers[0], [row_of("candles", partition)]).current("candles", partition)
        assert current is not None
        at_once(ledgers, lambda ledger, n, c=current: ledger.confirm(c, [{"sha256": str(n)}], f"run-{n}"))
        assert ledgers[0].made_from(current) in [[{"sha256": str(n)}] for n in range(WRITERS)]


def test_records_that_several_drop_and_take_back_at_once_are_counted_once(ledgers: Sequence[Ledger]) -> None:
    digests = [f"{n:064}" for n in range(20)]
    for _ in range(ROUNDS):
        assert sum(at_once(ledgers, lambda ledger, _: ledger.dropped.drop(PARTITION, digests, "known"))) == 20
        assert sum(at_once(ledgers, lambda ledger, _: ledger.dropped.undo(PARTITION, digests))) == 20


def raised(ledger: Ledger) -> Alert:
    """An alert with a message that a process has begun to send at 10, for 10 ns."""
    cause = Cause("freshness", "error", feed="sim", table="trades", title="late", text="since yesterday")
    alert = Alert(cause, first_ns=1, last_ns=1)
    with ledger.alerts.writing() as book:
        alert = book.write(alert)
        book.enqueue(alert, "raised", MESSAGE, ["ops"], 10)
    return alert


def test_a_message_that_fails_while_a_newer_one_is_written_does_not_wait_beside_it(ledgers: Sequence[Ledger]) -> None:
    here, there = ledgers[0].alerts, ledgers[1].alerts
    alert = raised(ledgers[0])
    claimed = there.claim(["ops"], 10, 20)
    with here.writing() as book:
        book.enqueue(alert, "worse", MESSAGE, ["ops"], 15)
        other = begun(lambda: there.failed(claimed, "no answer", [30]))
    other.join()
    states = {each.event: each.state for each in here.deliveries([alert.id])}
    assert states == {"raised": "superseded", "worse": "waiting"}


def test_an_old_alert_that_comes_back_while_old_ones_are_forgotten_stays(ledgers: Sequence[Ledger]) -> None:
    here, there = ledgers[0].alerts, ledgers[1].alerts
    alert = raised(ledgers[0])
    with here.writing() as book:
        alert = book.write(replace(alert, state="resolved", resolved_ns=100))
    with here.writing() as book:
        book.write(replace(alert, state="open", resolved_ns=None))
        other = begun(lambda: there.forget(1_000))
    other.join()
    assert [each.id for each in here.find()] == [alert.id]


def test_a_message_is_claimed_by_one_of_those_that_ask_at_once(ledgers: Sequence[Ledger]) -> None:
    raised(ledgers[0])
    for now in range(100, 100 + 10 * ROUNDS, 10):
        claimed = at_once(ledgers, lambda ledger, _, n=now: ledger.alerts.claim(["ops"], n, n + 10))
        assert sorted(map(len, claimed)) == [0, 0, 0, 1]
