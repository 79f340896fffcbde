"""A PostgreSQL server that is away, restarted, or cut off at a COMMIT: waited out, looked at, and never guessed."""

import datetime as dt
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, insert, text, update

from market_data.domain.errors import ConfigurationError, DatabaseUnavailable
from market_data.domain.partition import Partition
from market_data.domain.time import to_ns
from market_data.ledger import database
from market_data.ledger.database import SCHEMA
from market_data.ledger.file import File
from market_data.ledger.ledger import Commit, Ledger
from market_data.ledger.revision import Revision
from market_data.ledger.schema import CURRENT, SUPERSEDED, builds, ledger_state, revisions
from market_data.warehouse.store import Warehouse
from market_data_tests.cut_off import Wire, wire
from market_data_tests.databases import Server, postgres
from market_data_tests.partitions import commit_of, row_of
from market_data_tests.warehouse_invariants import assert_sound

DAY = Partition("feed", dt.date(2024, 1, 15), "1000")
PASSWORD = "hidden-word"  # pragma: allowlist secret
CUTS = ("lost", "untold", "late")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres() as running:
        yield running


@pytest.fixture
def url(server: Server, tmp_path: Path) -> str:
    found = server.create(tmp_path.name)
    engine = create_engine(found)
    with engine.begin() as connection:  # the tests' server leaves it out, and would lose what it said is committed
        connection.execute(text(f'ALTER DATABASE "{tmp_path.name}" SET synchronous_commit = on'))
    engine.dispose()
    return found


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    """One that nothing cuts off."""
    opened = Ledger(url)
    yield opened
    opened.close()


@pytest.fixture
def cut(ledger: Ledger, url: str) -> Iterator[Wire]:
    with wire(url) as found:
        yield found


@pytest.fixture
def far(cut: Wire) -> Iterator[Ledger]:
    """The same ledger, at the end of a wire."""
    opened = Ledger(cut.url)
    yield opened
    opened.close()


def wanted(follows: int = 0, **values: Any) -> Commit:
    return commit_of("trades", DAY, follows, **values)


def entered(ledger: Ledger, follows: int = 0, **values: Any) -> Revision:
    made = ledger.commit(wanted(follows, **values))
    assert made is not None
    return made


def states(ledger: Ledger) -> list[tuple[int, str]]:
    found = ledger.all_rows(revisions.select().order_by(revisions.c.revision))
    return [(row.revision, row.state) for row in found]


@pytest.mark.parametrize("how", CUTS)
def test_a_first_revision_is_committed_once(how: Any, cut: Wire, far: Ledger, ledger: Ledger) -> None:
    cut.cut_next(how)
    made = entered(far)
    assert cut.cuts == 1
    assert ledger.current("trades", DAY) == made
    assert [file.path for file in ledger.filed()] == [made.path.as_posix()]
    assert (made.committed_in, ledger.last_commit) == (1, 1)


@pytest.mark.parametrize("how", CUTS)
def test_a_revision_counts_once_and_supersedes_once(how: Any, cut: Wire, far: Ledger, ledger: Ledger) -> None:
    entered(ledger)
    cut.cut_next(how)
    made = far.commit(replace(wanted(1), seconds=1.0))
    assert cut.cuts == 1
    assert made == ledger.current("trades", DAY)
    assert states(ledger) == [(1, SUPERSEDED), (2, CURRENT)]
    assert [row.seconds for row in ledger.all_rows(builds.select())] == [1.0]
    assert ledger.last_commit == 2
    assert [(each.number, each.counts, each.revision.revision) for each in ledger.changes()] == [
        (1, True, 1),
        (2, False, 1),
        (2, True, 2),
    ]


@pytest.mark.parametrize("how", CUTS)
def test_rows_are_moved_to_another_file_once(how: Any, cut: Wire, far: Ledger, ledger: Ledger) -> None:
    made = entered(ledger)
    cut.cut_next(how)
    far.move([made], File("_files/trades/other.parquet", "b" * 64, None, 10))
    assert cut.cuts == 1
    assert [file.path for file in ledger.filed()] == ["_files/trades/other.parquet"]
    assert ledger.unreferenced(2**62) == [made.path.as_posix()]
    current = ledger.current("trades", DAY)
    assert current is not None
    assert (current.sha256, current.committed_in, ledger.last_commit) == (made.sha256, 1, 1)


@pytest.mark.parametrize("how", CUTS)
def test_a_moment_that_was_asked_for_is_noted(how: Any, cut: Wire, far: Ledger, ledger: Ledger) -> None:
    first = entered(ledger)
    moment = dt.datetime.now(dt.UTC)
    cut.cut_next(how)
    assert far.as_of(moment) == first.committed_in
    assert cut.cuts == 1
    assert entered(ledger, 1).committed_ns > to_ns(moment)
    assert ledger.as_of(moment) == first.committed_in


@pytest.mark.parametrize("how", CUTS)
def test_a_file_that_nothing_is_read_from_is_forgotten_once(how: Any, cut: Wire, far: Ledger, ledger: Ledger) -> None:
    made = entered(ledger)
    ledger.move([made], File("_files/trades/other.parquet", "b" * 64, None, 10))
    cut.cut_next(how)
    removed: set[str] = set()
    assert far.forget_files([made.path.as_posix()], removed.add, 2**62) == 1
    assert removed == {made.path.as_posix()}
    assert ledger.unreferenced(2**62) == []


@pytest.mark.parametrize("how", CUTS)
def test_a_confirmation_is_noted_once(how: Any, cut: Wire, far: Ledger, ledger: Ledger) -> None:
    current = entered(ledger)
    cut.cut_next(how)
    far.confirm(current, [{"file": "new"}], "run-2")
    assert ledger.made_from(current) == [{"file": "new"}]


def test_a_transaction_whose_client_is_gone_bars_the_way_for_a_while_only(
    url: str, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_IDLE_SECONDS", 2)
    with wire(url) as cut:
        far = Ledger(cut.url)
        cut.cut_next("half")
        assert entered(far) == ledger.current("trades", DAY)
        far.close()


def test_another_writer_that_came_first_meanwhile_is_not_taken_for_oneself(
    cut: Wire, far: Ledger, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs: list[Revision | None] = []

    def meanwhile(details: Any) -> None:
        theirs.append(ledger.commit(wanted()))

    monkeypatch.setattr(database, "_say", meanwhile)
    cut.cut_next("lost")
    assert far.commit(wanted()) is None
    assert [ledger.current("trades", DAY)] == theirs


def test_what_was_superseded_before_it_was_looked_for_was_entered(
    cut: Wire, far: Ledger, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(details: Any) -> None:
        ledger.commit(wanted(1))

    monkeypatch.setattr(database, "_say", meanwhile)
    cut.cut_next("untold")
    made = entered(far)
    assert (made.revision, made.state) == (1, SUPERSEDED)
    assert states(ledger) == [(1, SUPERSEDED), (2, CURRENT)]


def blocked_by(engine: Engine, statements: Sequence[Any], work: Callable[[], Any]) -> Any:
    """What `work` gives, which meets a transaction of another's that is committed only then."""
    waits = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    watching = engine.execution_options(isolation_level="AUTOCOMMIT")  # a transaction sees the same activity twice
    with ThreadPoolExecutor() as pool:
        with watching.connect() as watch, engine.begin() as connection:
            for statement in statements:
                connection.execute(statement)
            working = pool.submit(work)
            while not watch.execute(waits).scalar_one():
                time.sleep(0.02)
        return working.result()


def test_of_two_commits_at_once_the_later_is_refused(ledger: Ledger) -> None:
    turn = update(ledger_state).values(last_commit=1, last_ns=1)
    theirs = insert(revisions).values(row_of("trades", DAY))
    assert blocked_by(ledger._engine, [turn, theirs], lambda: ledger.commit(wanted())) is None
    assert states(ledger) == [(1, CURRENT)]
    assert ledger.last_commit == 1


def test_of_two_confirmations_at_once_both_are_noted(ledger: Ledger) -> None:
    current = entered(ledger)
    theirs = insert(builds).values(revision_id=current.id, inputs=[{"file": "x"}], run_id="run-1", made_ns=1)
    blocked_by(ledger._engine, [theirs], lambda: ledger.confirm(current, [{"file": "y"}], "run-2"))
    assert ledger.made_from(current) == [{"file": "y"}]


def test_a_restart_between_two_questions_is_not_noticed(ledger: Ledger, server: Server) -> None:
    entered(ledger)
    server.restart()
    assert states(ledger) == [(1, CURRENT)]
    assert ledger.spending.of_run("feed", "run-1") == 0.0


def test_a_server_that_is_away_is_waited_for(ledger: Ledger, server: Server) -> None:
    server.kill()
    threading.Timer(1.0, server.start).start()
    assert entered(ledger).state == CURRENT
    assert states(ledger) == [(1, CURRENT)]


def test_a_server_that_stays_away_is_told_of_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "PATIENCE_SECONDS", 0.3)
    with pytest.raises(
        DatabaseUnavailable, match=r"PostgreSQL at 127\.0\.0\.1:1/books does not answer.*start it"
    ) as told:
        Ledger(f"postgresql://desk:{PASSWORD}@127.0.0.1:1/books")
    assert PASSWORD not in str(told.getrepr(style="long", chain=True))


def test_a_database_that_does_not_exist_is_not_waited_for(server: Server) -> None:
    with pytest.raises(ConfigurationError, match=r'refuses: .* database "nowhere" does not exist'):
        Ledger(server.url("nowhere"))


_WRITER = """
import datetime as dt, sys
from pathlib import Path
from market_data.domain.partition import Partition
from market_data.ledger.ledger import Ledger
from market_data.warehouse.store import Warehouse
from market_data_tests.partition_view import trade
from market_data_tests.partitions import put

warehouse = Warehouse(Path(sys.argv[1]), Ledger(sys.argv[2]))
for n in range(60):
    day = dt.date(2024, 1, 1) + dt.timedelta(days=n)
    put(warehouse, "trades", Partition("feed", day, "1000"), [trade(n)])
    print(n, flush=True)
warehouse.close()
"""


def test_a_backfill_of_two_processes_outlives_crashes_of_the_server(
    url: str, server: Server, ledger: Ledger, tmp_path: Path
) -> None:
    """Both make the same partitions, so each meets the other's commits."""
    command = [sys.executable, "-c", _WRITER, str(tmp_path / "warehouse"), url]
    writers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for n, line in enumerate(writers[0].stdout or ()):
        assert int(line) == n
        if n in {8, 20, 35, 50}:
            server.kill()
            time.sleep(n % 3)
            server.start()
    assert [writer.communicate()[0].count("\n") for writer in writers] == [0, 60]
    assert [writer.returncode for writer in writers] == [0, 0]
    warehouse = Warehouse(tmp_path / "warehouse", ledger)
    assert states(ledger) == [(1, CURRENT)] * 60
    assert_sound(warehouse)
    warehouse.close()


def test_alerts_are_written_in_turns(ledger: Ledger) -> None:
    with ledger.alerts.writing() as book:
        assert book.latest("late feed") is None


def test_the_relations_lie_in_a_schema_of_their_own(ledger: Ledger) -> None:
    where = text("SELECT DISTINCT schemaname FROM pg_tables WHERE schemaname IN ('public', :ours)")
    with ledger._engine.connect() as connection:
        assert connection.execute(where, {"ours": SCHEMA}).scalars().all() == [SCHEMA]
