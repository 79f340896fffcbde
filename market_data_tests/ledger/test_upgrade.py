"""The ledger's schema from every released state on, on both kinds of database: one upgrade, whole or not at all.

`states` holds what the code of each state made, as its database dumps it, with some rows.
"""

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from market_data.domain.errors import LedgerUnfit, StorageTrouble
from market_data.ledger import migrations
from market_data.ledger.database import SCHEMA, engine_of
from market_data.ledger.ledger import Ledger
from market_data.ledger.schema import metadata
from market_data.ledger.upgrade import version
from market_data.warehouse.store import Warehouse
from market_data_tests.databases import Server, postgres
from market_data_tests.warehouse.test_store import PARTITION, replace, trades

KINDS = ("sqlite", "postgresql")
STATES = Path(__file__).parent / "states"
NUMBERS = sorted({path.name.split(".")[0] for path in STATES.iterdir()})
Made = Callable[[str], str]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres() as running:
        yield running


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def empty(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if kind == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    return request.getfixturevalue("server").create(tmp_path.name)


@pytest.fixture
def of_state(kind: str, empty: str) -> Made:
    """The URL of a ledger of that state."""

    def make(number: str) -> str:
        script = (STATES / f"{number}.{kind}.sql").read_text(encoding="utf-8")
        if kind == "sqlite":
            with closing(sqlite3.connect(empty.removeprefix("sqlite:///"))) as connection:
                connection.executescript(script)
        else:
            with closing(psycopg2.connect(empty)) as connection, connection, connection.cursor() as cursor:
                cursor.execute(script)
        return empty

    return make


@contextmanager
def connected(url: str, schema: str = SCHEMA) -> Generator[Connection]:
    """A connection on which plain names are those of the ledger."""
    engine = engine_of(url)
    with engine.connect().execution_options(schema_translate_map=None) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"SET search_path TO {schema}"))
        yield connection
    engine.dispose()


def differences(url: str) -> list[Any]:
    """What the database has otherwise than `schema.py` says."""
    with connected(url) as connection:
        context = MigrationContext.configure(connection, opts={"version_table": migrations.VERSION_TABLE})
        return compare_metadata(context, metadata)


def rows(url: str, schema: str = SCHEMA) -> dict[str, list[Any]]:
    """Every row of the ledger's relations that are there, as text."""
    with connected(url, schema) as connection:
        there = set(inspect(connection).get_table_names()) & set(metadata.tables)
        return {name: sorted(map(str, connection.execute(text(f"SELECT * FROM {name}")))) for name in sorted(there)}


def version_of(url: str) -> str | None:
    engine = engine_of(url)
    found = version(engine)
    engine.dispose()
    return found


def opened(url: str) -> str | None:
    Ledger(url).close()
    return version_of(url)


def execute(url: str, *statements: str, schema: str = SCHEMA) -> None:
    with connected(url, schema) as connection:
        for statement in statements:
            connection.execute(text(statement))
        connection.commit()


def test_a_new_ledger_is_what_the_models_say(empty: str) -> None:
    assert opened(empty) == migrations.HEAD
    assert differences(empty) == []


def test_a_change_of_the_models_without_a_step_is_seen(empty: str) -> None:
    opened(empty)
    execute(empty, "DROP INDEX repairs_by_feed", "ALTER TABLE makings DROP COLUMN seconds")
    assert sorted(found[0] for found in differences(empty)) == ["add_column", "add_index"]


def test_the_version_that_is_asked_for_is_that_of_the_last_step() -> None:
    steps = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert steps.get_heads() == [migrations.HEAD]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_released_state_is_brought_up_with_its_rows(number: str, kind: str, of_state: Made, tmp_path: Path) -> None:
    url = of_state(number)
    before = rows(url, "public")
    assert all(before.values())
    assert opened(url) == migrations.HEAD
    assert differences(url) == []
    after = rows(url)
    assert {name: after[name] for name in before} == before
    if kind == "postgresql":
        assert rows(url, "public") == {}
    ledger = Ledger(url)
    warehouse = Warehouse(tmp_path / "warehouse", ledger)
    made, is_new = replace(warehouse, trades([1, 2, 3]))
    assert (made.revision, is_new) == (3, True)
    assert ledger.current("trades", PARTITION) == made
    warehouse.close()
    ledger.close()


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_a_copy_of_the_old_ledger_is_kept_and_is_the_way_back(of_state: Made, tmp_path: Path) -> None:
    url = of_state("0003")
    before = rows(url)
    opened(url)
    copy = f"sqlite:///{tmp_path}/ledger-before-{migrations.HEAD}.db"
    assert rows(copy) == before
    assert version_of(copy) is None
    assert opened(copy) == migrations.HEAD


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_without_room_for_the_copy_nothing_is_changed(of_state: Made, tmp_path: Path) -> None:
    url = of_state("0003")
    before = rows(url)
    (tmp_path / f"ledger-before-{migrations.HEAD}.db").mkdir()  # as little a place for it as a full disk
    with pytest.raises(StorageTrouble, match="is not upgraded without a copy"):
        Ledger(url)
    assert rows(url) == before
    assert [path.name for path in tmp_path.glob("*.part")] == []


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_a_new_ledger_needs_no_copy(empty: str, tmp_path: Path) -> None:
    opened(empty)
    assert list(tmp_path.glob("ledger-before-*")) == []


def test_a_ledger_that_lacks_an_index_or_a_column_gets_it(of_state: Made) -> None:
    url = of_state("0005")
    execute(url, "DROP INDEX revisions_by_columns", "ALTER TABLE makings DROP COLUMN inputs", schema="public")
    opened(url)
    assert differences(url) == []


def test_a_ledger_that_no_version_made_is_left_alone(of_state: Made) -> None:
    url = of_state("0002")
    execute(url, "ALTER TABLE spending DROP COLUMN what", schema="public")
    before = rows(url, "public")
    with pytest.raises(LedgerUnfit, match="spending has no column what"):
        Ledger(url)
    assert rows(url, "public") == before
    assert version_of(url) is None


def test_a_newer_ledger_is_refused_and_left_alone(empty: str) -> None:
    opened(empty)
    execute(empty, f"UPDATE {migrations.VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(LedgerUnfit, match=f"version 9999, and this market-data knows it up to {migrations.HEAD}"):
        Ledger(empty)
    assert version_of(empty) == "9999"


@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
def test_relations_of_others_with_the_same_names_stay_where_they_are(empty: str) -> None:
    execute(empty, "CREATE TABLE alerts (volume integer)", "CREATE TABLE revisions (text text)", schema="public")
    opened(empty)
    assert differences(empty) == []
    assert set(rows(empty, "public")) == {"alerts", "revisions"}


@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
def test_the_right_to_make_a_schema_is_not_needed_where_there_is_one(empty: str) -> None:
    execute(empty, "CREATE ROLE desk LOGIN", f"CREATE SCHEMA {SCHEMA} AUTHORIZATION desk", schema="public")
    assert opened(empty.replace("postgres@", "desk@")) == migrations.HEAD


@pytest.mark.parametrize("number", [None, "0002"])
def test_processes_that_open_it_at_once_do_it_once(number: str | None, empty: str, of_state: Made) -> None:
    url = empty if number is None else of_state(number)
    with ProcessPoolExecutor(max_workers=8) as pool:
        assert list(pool.map(opened, [url] * 8)) == [migrations.HEAD] * 8
    assert differences(url) == []
    with connected(url) as connection:
        assert len(connection.execute(text(f"SELECT * FROM {migrations.VERSION_TABLE}")).all()) == 1


_STOPS_HALFWAY = """
import sys, time
from sqlalchemy import Engine, event
from market_data.ledger.ledger import Ledger

@event.listens_for(Engine, "after_cursor_execute")
def executed(connection, cursor, statement, *_):
    if "CREATE TABLE deliveries" in statement:
        print("halfway", flush=True)
        time.sleep(600)

Ledger(sys.argv[1])
"""


def test_a_process_that_is_killed_halfway_has_done_nothing(of_state: Made) -> None:
    url = of_state("0002")
    before = rows(url, "public")
    with subprocess.Popen([sys.executable, "-c", _STOPS_HALFWAY, url], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "halfway\n"
        process.kill()
    assert rows(url, "public") == before
    assert version_of(url) is None
    assert opened(url) == migrations.HEAD
    assert differences(url) == []
