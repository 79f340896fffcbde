"""What is kept at each commit is what a search of every revision finds, whatever the commits were."""

import datetime as dt
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from market_data.domain.partition import Partition
from market_data.ledger.file import File
from market_data.ledger.ledger import Commit, Ledger
from market_data.ledger.revision import Revision
from market_data.ledger.schema import FAILING, POOR, REPLACED, SET_ASIDE, inputs, revisions
from market_data.ledger.transfer import transfer
from market_data_tests.databases import Server, ledger_url, postgres
from market_data_tests.kept_search import found, keep_what_is_found, kept
from market_data_tests.partitions import enter, row_of

STATES = Path(__file__).parent / "states"
DAYS = [dt.date(2024, 1, 15), dt.date(2024, 1, 16)]
TABLES = ("trades", "candles", "quality_reports")
_Act = tuple[str, str, str, dt.date, int]

acts = st.lists(
    st.tuples(
        st.sampled_from(["rows", "rows", "rows", "account", "again", "lost", "move"]),
        st.sampled_from(TABLES),
        st.just("AAA-USD"),
        st.sampled_from(DAYS),
        st.integers(0, 3),
    ),
    min_size=8,
    max_size=30,
)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[], Ledger]]:
    """Ledgers, each a new one."""
    made: list[Ledger] = []

    def another() -> Ledger:
        home = tmp_path / str(len(made))
        home.mkdir()
        made.append(Ledger(ledger_url(home)))
        return made[-1]

    yield another
    for ledger in made:
        ledger.close()


def check(ledger: Ledger) -> None:
    """What is kept is what is found, and so is what the conditions for open matters select."""
    with ledger.instant() as connection:
        assert kept(connection) == found(connection)
    current = ledger.find()
    selected = {
        SET_ASIDE: {each.id for each in current if each.account.rejected},
        FAILING: {each.id for each in current if each.notes.get("failing")},
        POOR: {each.id for each in current if each.notes.get("passed") is False},
    }
    for condition, ids in selected.items():
        assert {id_ for (id_,) in ledger.all_rows(select(revisions.c.id).where(text(condition)))} == ids
    told = ledger.all_rows(select(inputs.c.revision_id).where(text(REPLACED)))
    assert {id_ for (id_,) in told} == {each.id for each in current if is_outdated(ledger, each)}


def is_outdated(ledger: Ledger, revision: Revision) -> bool:
    for read in ledger.made_from(revision):
        if "table" not in read:
            continue
        place = Partition(revision.partition.feed, dt.date.fromisoformat(read["date"]), revision.partition.symbol)
        now = ledger.current(read["table"], place)
        if now is not None and now.sha256 != read["sha256"]:
            return True
    return False


def read_of(ledger: Ledger, table: str, place: Partition) -> list[dict[str, Any]]:
    """What a revision is made from: candles from trades and from the candles of the day before, reports from both."""
    wanted = {
        "trades": [],
        "candles": [("trades", place), ("candles", place.day_before)],
        "quality_reports": [("trades", place), ("candles", place)],
    }[table]
    there = [ledger.current(*each) for each in wanted]
    named = [{"table": each.table, "date": str(each.partition.date), "sha256": each.sha256} for each in there if each]
    return named or [{"file": "landed.csv", "sha256": "0" * 64}]


def commit(ledger: Ledger, act: _Act, stale: list[dict[str, Any]], feed: str = "sim") -> None:
    """One act of a history: other rows, another account, the same made again, rows lost, rows moved."""
    what, table, symbol, day, number = act
    place, name = Partition(feed, day, symbol), uuid.uuid4().hex
    current, read = ledger.current(table, place), read_of(ledger, table, place)
    if what == "again":
        if current is not None:
            ledger.confirm(current, read, "run-2")
        return
    if what == "move":
        if current is not None:
            ledger.move([current], File(name, "9" * 64, None, number))
        return
    account = {"records": 9, "accepted": 9 - number, "rejected": number} | ({"deduplicated": 1} if number == 2 else {})
    notes = {} if table != "quality_reports" else {"failing": number, "passed": number < 2}
    values = row_of(table, place, sha256=str(number) * 64, path=name, rows=9 - number, account=account, notes=notes)
    file = File(name, str(number) * 64, None, 7)
    if what == "account" and current is not None:
        values |= {"sha256": current.sha256, "path": current.path.as_posix()}
        file = None
    # Sometimes what was read is replaced while something is made of it.
    values["inputs"] = stale if number == 3 and table == "candles" and stale else read
    stale[:] = read if "table" in read[0] and table == "candles" else stale
    follows = current.revision if current is not None else 0
    lost = what == "lost" and current is not None
    assert ledger.commit(Commit(table, place, values, file, [("price", "DOUBLE")], follows, lost)) is not None


def test_what_is_kept_is_what_a_search_finds(opened: Callable[[], Ledger]) -> None:
    ledger = opened()  # one for all histories: to make its relations takes longer than any of them

    @settings(max_examples=25, deadline=None)
    @given(history=acts)
    def whatever_was_committed(history: list[_Act]) -> None:
        feed, stale = uuid.uuid4().hex, list[dict[str, Any]]()
        for act in history:
            commit(ledger, act, stale, feed)
        check(ledger)

    whatever_was_committed()
    assert ledger.all_rows(select(inputs.c.revision_id).where(text(REPLACED)).limit(1))


def test_what_is_made_again_is_outdated_no_more(opened: Callable[[], Ledger]) -> None:
    ledger = opened()
    for number in (0, 1):
        commit(ledger, ("rows", "trades", "AAA-USD", DAYS[0], number), [])
        if number == 0:
            commit(ledger, ("rows", "candles", "AAA-USD", DAYS[0], 0), [])
    replaced = select(inputs.c.table_name).where(text(REPLACED))
    assert ledger.all_rows(replaced) == [("trades",)]
    check(ledger)
    commit(ledger, ("again", "candles", "AAA-USD", DAYS[0], 0), [])
    assert ledger.all_rows(replaced) == []
    check(ledger)


def test_a_copy_of_a_ledger_keeps_the_same(opened: Callable[[], Ledger]) -> None:
    ledger, copy = opened(), opened()
    for number in (0, 1):
        for table in TABLES:
            commit(ledger, ("rows", table, "AAA-USD", DAYS[0], number), [])
    transfer(ledger, copy)
    with ledger.instant() as one, copy.instant() as other:
        assert kept(one) == kept(other)
        assert kept(one)["inputs"]
    check(copy)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres() as running:
        yield running


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("number", ["0001", "0005"])
def test_an_upgrade_keeps_what_earlier_versions_did_not(
    number: str, kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    on_server = kind == "postgresql"
    url = request.getfixturevalue("server").create(tmp_path.name) if on_server else f"sqlite:///{tmp_path}/ledger.db"
    made_by_state(number, kind, url)
    with closing(Ledger(url)) as ledger:
        check(ledger)
        with ledger.instant() as connection:
            assert kept(connection)["series"]


def made_by_state(number: str, kind: str, url: str) -> None:
    """Make a ledger of that state, with findings, records set aside, and candles of trades that were replaced."""
    script = (STATES / f"{number}.{kind}.sql").read_text(encoding="utf-8")
    report, account = '{"failing": 2, "passed": false}', '{"records": 5, "accepted": 4, "rejected": 1}'
    read = '[{"table": "trades", "date": "2024-01-15", "revision": 1, "sha256": "another"}]'
    columns = "table_name, feed, symbol, date, revision, state, path, sha256, size_bytes, rows, columns, account, "
    columns += "inputs, notes, source, code_version, run_id, committed_ns, writer"
    rows = ""
    for table, notes, made_from in (("trades", "{}", "[]"), ("candles", "{}", read), ("quality_reports", report, read)):
        keys = f"'{table}', 'old', 'AAA-USD', '2024-01-15', 1, 'current', 'old/{table}', 'sha {table}', 3, 4, 'x'"
        rest = f"'{account}', '{made_from}', '{notes}', 'test', 'code', 'run', 99, ''"
        rows += f"INSERT INTO revisions ({columns}) VALUES ({keys}, {rest});\n"
    if kind == "postgresql":
        with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(script)
            cursor.execute("SET search_path TO public; " + rows)
    else:
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            connection.executescript(script + rows)


def test_rows_that_a_test_enters_are_kept_as_if_they_were_committed(opened: Callable[[], Ledger]) -> None:
    ledger = opened()
    enter(ledger, [row_of("trades", Partition("sim", day, "AAA-USD")) for day in DAYS])
    check(ledger)
    with ledger.writing() as connection:
        before = kept(connection)
        keep_what_is_found(connection)
        assert kept(connection) == before
