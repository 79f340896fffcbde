"""A ledger read by its driver alone tells what the ledger tells; where that cannot be, it is left to `Ledger`."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from market_data.domain.alerts import Alert, Cause
from market_data.domain.messages import Message
from market_data.domain.partition import Partition
from market_data.ledger.alerts_read import alerts_found, deliveries_of
from market_data.ledger.ledger import Ledger
from market_data.ledger.plain_reader import plain_reader
from market_data.pipeline.coverage import coverage, missing
from market_data.settings.outline import Outline
from market_data_tests.databases import Server, postgres
from market_data_tests.partitions import enter, row_of

FIRST, LAST = dt.date(2024, 1, 15), dt.date(2024, 1, 18)
FEED = Outline("sim", {"A": "a", "100%": "b"}, ("trades", "quotes"), FIRST, LAST, "24/7")
DAY = Partition("sim", FIRST, "100%")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres() as running:
        yield running


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "SQLite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    running: Server = request.getfixturevalue("server")
    return running.create(tmp_path.name)


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    opened = Ledger(url)
    yield opened
    opened.close()


def test_partitions_and_what_is_missing_are_the_same(ledger: Ledger, url: str) -> None:
    account = {"records": 3, "accepted": 1, "rejected": 2}
    rows = [row_of("trades", FEED.partition("A", FIRST)), row_of("trades", DAY, account=account)]
    enter(ledger, [*rows, row_of("quotes", FEED.partition("A", LAST))])
    with plain_reader(url) as plain:
        assert plain is not None
        cells = coverage(plain, FEED, "trades", FIRST, LAST)
        lacking = missing(plain, FEED, FIRST, LAST)
    assert [cell.state for cell in cells if cell.date == FIRST] == ["set_aside", "present"]
    assert cells == coverage(ledger.current_reader, FEED, "trades", FIRST, LAST)
    assert lacking == missing(ledger.current_reader, FEED, FIRST, LAST)
    assert {table: len(partitions) for table, partitions in lacking.items()} == {"trades": 6, "quotes": 7}


def test_alerts_and_their_messages_are_the_same(ledger: Ledger, url: str) -> None:
    cause = Cause("freshness", "error", "late", 'since "yesterday": 100%', feed="sim", partitions=(DAY,))
    with ledger.alerts.writing() as book:
        entered = book.write(Alert(cause, first_ns=1, last_ns=2))
        book.enqueue(entered, "raised", Message("late", "it is", "error", is_good=True), ["ops"], 10)
    with plain_reader(url) as plain:
        assert plain is not None
        assert alerts_found(plain, feed="sim") == [entered]
        assert alerts_found(plain, feed="other", unresolved_only=False) == []
        (sent,) = deliveries_of(plain, [entered.id])
    assert (sent.message.is_good, sent.state, sent.channel) == (True, "waiting", "ops")
    assert ledger.alerts.find() == [entered]
    assert ledger.alerts.deliveries([entered.id]) == [sent]


def test_a_ledger_that_is_not_there_or_of_another_version_is_left_to_others(url: str) -> None:
    with plain_reader(url) as plain:
        assert plain is None
    Ledger(url).close()
    engine = create_engine(url)
    schema = "market_data_ledger." if engine.dialect.name == "postgresql" else ""
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {schema}ledger_version SET version_num = '9999'"))
    engine.dispose()
    with plain_reader(url) as plain:
        assert plain is None


@pytest.mark.parametrize("url", ["nonsense", "mysql://host/db", "postgresql://nobody@127.0.0.1:1/nothing", "sqlite://"])
def test_what_does_not_open_is_left_to_others(url: str) -> None:
    with plain_reader(url) as plain:
        assert plain is None


def test_a_reader_writes_nothing(ledger: Ledger, url: str) -> None:
    assert ledger.last_commit == 0
    with plain_reader(url) as plain:
        assert plain is not None
        with pytest.raises(Exception, match=r"read-?only"):
            plain.rows("DELETE FROM ledger_state")
    assert ledger.last_commit == 0
