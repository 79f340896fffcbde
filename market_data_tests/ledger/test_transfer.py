"""Every row of a ledger into another one, of either engine."""

import datetime as dt
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from market_data.domain.errors import ConfigurationError
from market_data.domain.partition import Partition
from market_data.ledger.ledger import Ledger
from market_data.ledger.schema import PENDING, builds, revisions
from market_data.ledger.transfer import transfer
from market_data_tests.databases import Server, postgres
from market_data_tests.partitions import commit_of, days, enter, row_of
from market_data_tests.pipeline.homes import live, rows, state

DAYS = days("2024-01-15", 2_500)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres() as running:
        yield running


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger with some rows in every relation but deliveries, and more than are read at once in one."""
    settings = live(tmp_path / "here")
    with closing(Ledger(settings.database.get_secret_value())) as ledger:
        enter(ledger, [row_of("quotes", Partition("sim", day, "AAA-USD")) for day in DAYS])
        enter(ledger, [row_of("quotes", Partition("sim", DAYS[0], "CCC-USD"), state=PENDING, id=9_000, committed_in=0)])
        yield ledger


def url_of(engine: str, tmp_path: Path, server: Server, name: str) -> str:
    return server.create(name) if engine == "postgresql" else f"sqlite:///{tmp_path}/{name}.db"


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_every_row_arrives_and_the_next_gets_the_next_number(
    full: Ledger, tmp_path: Path, server: Server, engine: str
) -> None:
    with closing(Ledger(url_of(engine, tmp_path, server, "whole"))) as target:
        counts = transfer(full, target)
        found = rows(full)
        assert rows(target) == found
        assert counts == {name: len(of_relation) for name, of_relation in found.items()}
        entered = target.commit(commit_of("trades", p := Partition("sim", DAYS[9], "AAA-USD")))
        assert entered is not None
        assert (entered.id, entered.committed_in) == (9_001, full.last_commit + 1)
        target.repairs.enter({p: "missing"}, 7)
        assert [row["id"] for row in rows(target)["repairs"]] == [1, 2]


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_an_absent_value_of_a_json_column_stays_absent(
    full: Ledger, tmp_path: Path, server: Server, engine: str
) -> None:
    with closing(Ledger(url_of(engine, tmp_path, server, "absent"))) as target:
        transfer(full, target)
        with target.instant() as connection:
            absent = select(func.count()).select_from(builds).where(builds.c.inputs.is_(None))
            query = select(func.count()).select_from(builds)
            assert connection.execute(absent).scalar_one() == connection.execute(query).scalar_one() > 0


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_copy_is_the_same_ledger_and_one_that_is_to_go_on_for_itself_is_another(
    full: Ledger, tmp_path: Path, server: Server, engine: str
) -> None:
    for name, renewed in (("copy", False), ("renewed", True)):
        with closing(Ledger(url_of(engine, tmp_path, server, f"other_{name}"))) as target:
            born_with = target.identity
            transfer(full, target, renewed=renewed)
            assert (target.identity == full.identity) is not renewed
            assert target.identity != born_with
            assert state(target) == state(full)
            moment = dt.datetime.fromtimestamp(state(full)["last_ns"] / 10**9, dt.UTC)
            assert target.as_of(moment) == full.as_of(moment)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_ledger_with_rows_is_left_alone(full: Ledger, tmp_path: Path, server: Server, engine: str) -> None:
    with closing(Ledger(url_of(engine, tmp_path, server, "taken"))) as target:
        target.repairs.enter({Partition("sim", DAYS[0], "AAA-USD"): "missing"}, 7)
        before = rows(target)
        with pytest.raises(ConfigurationError, match="not empty"):
            transfer(full, target)
        assert rows(target) == before


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_what_is_read_is_of_one_instant_and_holds_up_nobody(tmp_path: Path, server: Server, engine: str) -> None:
    url = url_of(engine, tmp_path, server, "instant")
    query = select(func.count()).select_from(revisions)
    with closing(Ledger(url)) as reader, closing(Ledger(url)) as writer, reader.instant() as connection:
        before = connection.execute(query).scalar_one()
        enter(writer, [row_of("trades", Partition("sim", DAYS[0], "AAA-USD"))])
        assert connection.execute(query).scalar_one() == before == 0
        assert len(writer.find()) == 1


def test_a_reader_does_not_wait_for_a_writer(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    with closing(Ledger(url)) as reader, closing(Ledger(url)) as writer, writer.writing() as connection:
        connection.execute(insert(revisions).values(row_of("trades", Partition("sim", DAYS[0], "AAA-USD"))))
        assert reader.all_rows(select(func.count()).select_from(revisions)) == [(0,)]
