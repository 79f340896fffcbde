"""A PostgreSQL server that is away, restarted, or cut off at a COMMIT: waited out, looked at, and never guessed."""

import datetime as dt
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, insert, text

from market_data.domain.errors import ConfigurationError, DatabaseUnavailable, PartitionBusy
from market_data.domain.partition import Partition
from market_data.ledger import database
from market_data.ledger.database import SCHEMA
from market_data.ledger.ledger import Ledger
from market_data.ledger.revision import Revision
from market_data.ledger.schema import CURRENT, PENDING, SUPERSEDED, makings, revisions
from market_data.warehouse.store import Warehouse
from market_data_tests.cut_off import Wire, wire
from market_data_tests.databases import Server, postgres
from market_data_tests.partitions import row_of
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


def values(sha256: str = "a" * 64) -> dict[str, Any]:
    given = {"table_name", "feed", "symbol", "date", "revision", "state"}
    row = row_of("trades", DAY, sha256=sha256, writer="writer")
    return {name: value for name, value in row.items() if name not in given}


def claimed(ledger: Ledger, follows: int = 0) -> Revision:
    claim = ledger.claim(values(), "trades", DAY, follows)
    assert claim is not None
    return claim


def states(ledger: Ledger) -> list[tuple[int, str]]:
    found = ledger.all_rows(revisions.select().order_by(revisions.c.revision))
    return [(row.revision, row.state) for row in found]


@pytest.mark.parametrize("how", CUTS)
def test_a_claim_is_made_once(how: Any, cut: Wire, far: Ledger, ledger: Ledger) -> None:
    cut.cut_next(how)
    claim = claimed(far)
    assert cut.cuts == 1
    assert ledger.pending() == [claim]


@pytest.mark.parametrize("how", CUTS)
def test_an_entered_revision_counts_once_and_supersedes_once(how: Any, cut: Wire, far: Ledger, ledger: Ledger) -> None:
    ledger.enter(values("b" * 64), "trades", DAY, 0)
    cut.cut_next(how)
    entered = far.enter(values(), "trades", DAY, 1, seconds=1.0)
    assert cut.cuts == 1
    assert entered == ledger.current("trades", DAY)
    assert states(ledger) == [(1, SUPERSEDED), (2, CURRENT)]
    assert [row.seconds for row in ledger.all_rows(makings.select())] == [1.0]


@pytest.mark.parametrize("how", CUTS)
def test_a_claim_becomes_current_once(how: Any, cut: Wire, far: Ledger, ledger: Ledger) -> None:
    ledger.enter(values("b" * 64), "trades", DAY, 0)
    claim = claimed(far, 1)
    cut.cut_next(how)
    made = far.commit(claim, Path("_history/r1.parquet"), 1.0)
    assert cut.cuts == 1
    assert made == ledger.current("trades", DAY)
    assert states(ledger) == [(1, SUPERSEDED), (2, CURRENT)]
    assert [revision.path.name for revision in ledger.history("trades", DAY)] == ["r1.parquet", "data.parquet"]


@pytest.mark.parametrize("how", CUTS)
def test_a_claim_is_given_up(how: Any, cut: Wire, far: Ledger, ledger: Ledger) -> None:
    claim = claimed(ledger)
    cut.cut_next(how)
    far.abandon(claim.id)
    assert states(ledger) == []


@pytest.mark.parametrize("how", CUTS)
def test_a_confirmation_is_noted_once(how: Any, cut: Wire, far: Ledger, ledger: Ledger) -> None:
    current = ledger.enter(values(), "trades", DAY, 0)
    assert current is not None
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
        assert [claimed(far)] == ledger.pending()
        far.close()


def test_another_writer_that_came_first_meanwhile_is_not_taken_for_oneself(
    cut: Wire, far: Ledger, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs: list[Revision | None] = []

    def meanwhile(details: Any) -> None:
        theirs.append(ledger.enter({**values(), "writer": "another"}, "trades", DAY, 0))

    monkeypatch.setattr(database, "_say", meanwhile)
    cut.cut_next("lost")
    assert far.enter(values(), "trades", DAY, 0) is None
    assert [ledger.current("trades", DAY)] == theirs


def test_what_was_superseded_before_it_was_looked_for_was_entered(
    cut: Wire, far: Ledger, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(details: Any) -> None:
        ledger.enter({**values("c" * 64), "writer": "another"}, "trades", DAY, 1)

    monkeypatch.setattr(database, "_say", meanwhile)
    cut.cut_next("untold")
    entered = far.enter(values(), "trades", DAY, 0)
    assert entered is not None
    assert states(ledger) == [(1, SUPERSEDED), (2, CURRENT)]


def test_a_claim_that_others_gave_up_is_not_made_current(ledger: Ledger) -> None:
    before = ledger.enter(values("b" * 64), "trades", DAY, 0)
    claim = claimed(ledger, 1)
    ledger.abandon(claim.id)
    with pytest.raises(PartitionBusy, match="gave up this one's claim"):
        ledger.commit(claim, Path("_history/r1.parquet"))
    assert ledger.current("trades", DAY) == before


def blocked_by(engine: Engine, statement: Any, work: Callable[[], Any]) -> Any:
    """What `work` gives, which meets a transaction of another's that is committed only then."""
    waits = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    watching = engine.execution_options(isolation_level="AUTOCOMMIT")  # a transaction sees the same activity twice
    with ThreadPoolExecutor() as pool:
        with watching.connect() as watch, engine.begin() as connection:
            connection.execute(statement)
            working = pool.submit(work)
            while not watch.execute(waits).scalar_one():
                time.sleep(0.02)
        return working.result()


def test_of_two_claims_at_once_one_is_refused(ledger: Ledger) -> None:
    theirs = insert(revisions).values(row_of("trades", DAY, state=PENDING))
    assert blocked_by(ledger._engine, theirs, lambda: ledger.claim(values(), "trades", DAY, 0)) is None
    assert states(ledger) == [(1, PENDING)]


def test_of_two_confirmations_at_once_both_are_noted(ledger: Ledger) -> None:
    current = ledger.enter(values(), "trades", DAY, 0)
    assert current is not None
    theirs = insert(makings).values(revision_id=current.id, inputs=[{"file": "x"}], run_id="run-1", made_ns=1)
    blocked_by(ledger._engine, theirs, lambda: ledger.confirm(current, [{"file": "y"}], "run-2"))
    assert ledger.made_from(current) == [{"file": "y"}]


def test_a_restart_between_two_questions_is_not_noticed(ledger: Ledger, server: Server) -> None:
    claimed(ledger)
    server.restart()
    assert states(ledger) == [(1, PENDING)]
    assert ledger.spending.of_run("feed", "run-1") == 0.0


def test_a_server_that_is_away_is_waited_for(ledger: Ledger, server: Server) -> None:
    server.kill()
    threading.Timer(1.0, server.start).start()
    assert claimed(ledger).state == PENDING
    assert states(ledger) == [(1, PENDING)]


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
    """Both make the same partitions, so each meets the other's claims."""
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
