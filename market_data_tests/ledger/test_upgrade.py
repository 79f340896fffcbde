"""The ledger's schema from every released state on, on both kinds of database: one upgrade, whole or not at all.

`states` holds what the code of each state made, as its database dumps it, with some rows: by the relations that it had
before there were versions, and by its version, such as `v0005`, since then.
"""

import datetime as dt
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
from sqlalchemy.exc import DBAPIError

from market_data.domain.errors import LedgerUnfit, StorageTrouble
from market_data.domain.partition import Partition
from market_data.ledger import migrations
from market_data.ledger.database import SCHEMA, engine_of
from market_data.ledger.ledger import Ledger
from market_data.ledger.schema import metadata, revisions
from market_data.ledger.upgrade import version
from market_data.warehouse.store import Warehouse
from market_data_tests.databases import Server, postgres
from market_data_tests.partition_view import trade
from market_data_tests.partitions import put

PARTITION = Partition("feed", dt.date(2024, 1, 15), "1000")
KINDS = ("sqlite", "postgresql")
STATES = Path(__file__).parent / "states"
NUMBERS = sorted({path.name.split(".")[0] for path in STATES.glob("*.sql")})
RENAMED = {"revisions": "partition_revisions", "makings": "builds"}
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


def rows(url: str, schema: str = SCHEMA) -> dict[str, list[dict[str, str]]]:
    """Every row of the ledger's relations that are there, under their names of now; values are texts."""
    with connected(url, schema) as connection:
        there = set(inspect(connection).get_table_names()) & {*metadata.tables, *RENAMED} - {"ledger_state"}
        found: dict[str, list[dict[str, str]]] = {}
        for name in sorted(there):
            read = connection.execute(text(f"SELECT * FROM {name}")).mappings().all()
            in_order = sorted(({key: str(value) for key, value in row.items()} for row in read), key=str)
            found[RENAMED.get(name, name)] = in_order
        return found


def rows_of(state: str, url: str) -> dict[str, list[dict[str, str]]]:
    """The rows of a ledger of that state, which has been opened by nobody since."""
    return rows(url, SCHEMA if state.startswith("v") else "public")


def as_before(after: list[dict[str, str]], before: list[dict[str, str]]) -> list[dict[str, str]]:
    """Rows with the columns that they had, but for the one that was dropped."""
    kept = [name for name in before[0] if name != "writer"]
    return sorted(({name: row[name] for name in kept} for row in after), key=str)


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
    execute(empty, "DROP INDEX repairs_by_feed", "ALTER TABLE builds DROP COLUMN seconds")
    assert sorted(found[0] for found in differences(empty)) == ["add_column", "add_index"]


def test_the_version_that_is_asked_for_is_that_of_the_last_step() -> None:
    steps = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert steps.get_heads() == [migrations.HEAD]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_released_state_is_brought_up_with_its_rows(number: str, kind: str, of_state: Made, tmp_path: Path) -> None:
    url = of_state(number)
    before = rows_of(number, url)
    assert all(before.values())
    assert opened(url) == migrations.HEAD
    assert differences(url) == []
    after = rows(url)
    for name, of_relation in before.items():
        without_writer = as_before(of_relation, of_relation)
        assert as_before(after[name], of_relation) == without_writer
    if kind == "postgresql":
        assert rows(url, "public") == {}
    ledger = Ledger(url)
    old = ledger.history("trades", PARTITION)
    assert [(each.committed_in, each.superseded_in) for each in old] == [(1, 2), (2, None)]
    assert [file.path for file in ledger.filed()] == sorted(each.path.as_posix() for each in old)
    assert (ledger.last_commit, ledger._state().last_ns) == (2, old[-1].committed_ns)
    warehouse = Warehouse(tmp_path / "warehouse", ledger)
    made = put(warehouse, "trades", PARTITION, [trade(1), trade(2), trade(3)])
    assert (made.revision, made.committed_in) == (3, 3)
    assert ledger.current("trades", PARTITION) == made
    warehouse.close()
    ledger.close()


@pytest.mark.parametrize("number", [*NUMBERS])
def test_a_program_of_an_earlier_version_that_still_runs_is_refused(number: str, kind: str, of_state: Made) -> None:
    url = of_state(number)
    place = SCHEMA if number.startswith("v") else "public"
    ask = "INSERT INTO revisions SELECT * FROM revisions WHERE state = 'never'"
    execute(url, ask, schema=place)
    opened(url)
    for schema in {place, SCHEMA}:
        with pytest.raises(DBAPIError, match=r"no such table: revisions|relation \"revisions\" does not exist"):
            execute(url, ask, schema=schema)


def test_commits_are_numbered_in_the_order_of_their_times(of_state: Made, kind: str) -> None:
    url = of_state("v0005")
    columns = "table_name, feed, date, state, writer, path, sha256, size_bytes, rows, columns, account, inputs, "
    columns += "notes, source, code_version, run_id"
    values = [(50, "S9", 1, 70), (60, "S1", 1, None), (60, "S2", 1, None), (70, "S9", 2, None), (10, "S3", 1, None)]
    for ns, symbol, revision, ended in values:
        state = "current" if ended is None else "superseded"
        chosen = columns.replace("state", f"'{state}'").replace("path", f"'{symbol}/{revision}'")
        what = f"'{symbol}', {revision}, {ns}, {'NULL' if ended is None else ended}"
        execute(
            url,
            f"INSERT INTO revisions (id, symbol, revision, committed_ns, superseded_ns, {columns}) "
            f"SELECT {100 + ns + revision + int(symbol[1])}, {what}, {chosen} FROM revisions WHERE id = 2",
        )
    execute(url, "UPDATE revisions SET state = 'pending' WHERE symbol = 'S3'")
    opened(url)
    ledger = Ledger(url)
    found = ledger.all_rows(revisions.select().order_by(revisions.c.committed_in, revisions.c.id))
    told = [(row.symbol, row.revision, row.committed_in, row.superseded_in) for row in found]
    assert told[0] == ("S3", 1, 0, None)
    assert told[1:5] == [("S9", 1, 1, 4), ("S1", 1, 2, None), ("S2", 1, 3, None), ("S9", 2, 4, None)]
    assert [row.committed_in for row in found[1:]] == list(range(1, 7))
    assert [row.committed_ns for row in found[1:]] == sorted(row.committed_ns for row in found[1:])
    assert [change.number for change in ledger.changes()] == [1, 2, 3, 4, 4, 5, 6, 6]
    ledger.close()


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("number", "found"), [("0003", None), ("v0005", "0005")])
def test_a_copy_of_the_old_ledger_is_kept_and_is_the_way_back(
    number: str, found: str | None, of_state: Made, tmp_path: Path
) -> None:
    url = of_state(number)
    before = rows(url)
    opened(url)
    copy = f"sqlite:///{tmp_path}/ledger-before-{migrations.HEAD}.db"
    assert rows(copy) == before
    assert version_of(copy) == found
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
    before = rows_of("0002", url)
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
    names = ("alerts (volume integer)", "revisions (text text)", "makings (of text)", "files (path text)")
    execute(empty, *(f"CREATE TABLE {each}" for each in names), schema="public")
    opened(empty)
    assert differences(empty) == []
    opened(empty)
    assert set(rows(empty, "public")) == {"alerts", "partition_revisions", "builds", "files"}


@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
def test_they_stay_there_also_when_a_ledger_with_a_version_is_brought_up(of_state: Made) -> None:
    url = of_state("v0005")
    execute(url, "CREATE TABLE alerts (id integer)", "CREATE TABLE files (path text)", schema="public")
    opened(url)
    assert differences(url) == []
    assert set(rows(url, "public")) == {"alerts", "files"}


@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
def test_the_right_to_make_a_schema_is_not_needed_where_there_is_one(empty: str) -> None:
    execute(empty, "CREATE ROLE desk LOGIN", f"CREATE SCHEMA {SCHEMA} AUTHORIZATION desk", schema="public")
    assert opened(empty.replace("postgres@", "desk@")) == migrations.HEAD


@pytest.mark.parametrize("number", [None, "0002", "v0005"])
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
    if sys.argv[2] in statement:
        print("halfway", flush=True)
        time.sleep(600)

Ledger(sys.argv[1])
"""


@pytest.mark.parametrize(
    ("number", "at", "found"),
    [("0002", "CREATE TABLE deliveries", None), ("v0005", "INSERT INTO files", "0005")],
)
def test_a_process_that_is_killed_halfway_has_done_nothing(
    number: str, at: str, found: str | None, of_state: Made
) -> None:
    url = of_state(number)
    before = rows_of(number, url)
    command = [sys.executable, "-c", _STOPS_HALFWAY, url, at]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "halfway\n"
        process.kill()
    assert rows_of(number, url) == before
    assert version_of(url) == found
    assert opened(url) == migrations.HEAD
    assert differences(url) == []
