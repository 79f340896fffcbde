"""One dagster.yaml for SQLite and PostgreSQL: where an instance's books lie, and that no password shows."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import DagsterInstance
from dagster._core.instance.ref import InstanceRef
from dagster._serdes import deserialize_value, serialize_value
from sqlalchemy import create_engine, text

from market_data.domain.errors import ConfigurationError, DatabaseUnavailable
from market_data.ledger.database import SCHEMA
from market_data.ledger.ledger import Ledger
from market_data.ledger.migrations import VERSION_TABLE
from market_data.ledger.schema import metadata
from market_data.settings import Environment
from market_data_tests.databases import Server, postgres

ROOT = Path(__file__).parents[2]
PASSWORD = "hidden-word"  # pragma: allowlist secret
VARIABLE = "MARKET_DATA_POSTGRES_URL"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres() as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An instance's folder; no variable says where it is."""
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.delenv(VARIABLE, raising=False)
    folder = tmp_path / "dagster"
    folder.mkdir()
    shutil.copy(ROOT / "dagster.yaml", folder)
    return folder


@pytest.fixture
def url(server: Server, home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty database, named by the environment; the server asks for no password and takes any."""
    found = server.create(home.parent.name).replace("postgres@", f"postgres:{PASSWORD}@")
    monkeypatch.setenv(VARIABLE, found)
    return found


def note(instance: DagsterInstance, word: str) -> None:
    assert instance.daemon_cursor_storage is not None
    instance.daemon_cursor_storage.set_cursor_values({"noted": word})


def noted(instance: DagsterInstance) -> str | None:
    assert instance.daemon_cursor_storage is not None
    return instance.daemon_cursor_storage.get_cursor_values({"noted"}).get("noted")


def test_without_a_server_it_is_what_dagster_had_there_before(home: Path) -> None:
    ours = (home / "dagster.yaml").read_text(encoding="utf-8")
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")
    with DagsterInstance.from_config(str(home)) as before:
        note(before, "kept")
    files = sorted(home.rglob("*.db"))
    (home / "dagster.yaml").write_text(ours, encoding="utf-8")
    with DagsterInstance.from_config(str(home)) as instance:
        assert noted(instance) == "kept"
    assert sorted(home.rglob("*.db")) == files


def test_with_a_server_nothing_is_kept_in_the_folder(home: Path, url: str) -> None:
    with DagsterInstance.from_config(str(home)) as instance:
        note(instance, "kept")
    assert list(home.rglob("*.db")) == []
    engine = create_engine(url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM runs")).scalar_one() == 0
    engine.dispose()
    with DagsterInstance.from_config(str(home)) as again:
        assert noted(again) == "kept"


def test_dagster_and_the_ledger_keep_apart_whatever_the_user_is_named(
    home: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = create_engine(server.url(), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE ROLE market_data LOGIN"))
        connection.execute(text("CREATE DATABASE books OWNER market_data"))
    engine.dispose()
    url = server.url("books").replace("postgres@", "market_data@")
    monkeypatch.setenv(VARIABLE, url)
    Ledger(url).close()
    with DagsterInstance.from_config(str(home)) as instance:
        note(instance, "kept")
    engine = create_engine(url)
    with engine.connect() as connection:
        where = text("SELECT tablename FROM pg_tables WHERE schemaname = :schema")
        assert set(connection.execute(where, {"schema": SCHEMA}).scalars()) == {*metadata.tables, VERSION_TABLE}
    engine.dispose()


def test_a_worker_follows_with_the_url_of_its_own_environment(home: Path, url: str) -> None:
    with DagsterInstance.from_config(str(home)) as instance:
        note(instance, "kept")
        sent = serialize_value(instance.get_ref())
    assert PASSWORD not in sent
    with DagsterInstance.from_ref(deserialize_value(sent, InstanceRef)) as worker:
        assert noted(worker) == "kept"


def test_a_worker_without_the_url_does_not_begin_books_of_its_own(
    home: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = InstanceRef.from_dir(str(home))
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(ConfigurationError, match="MARKET_DATA_POSTGRES_URL is not set in this process"):
        DagsterInstance.from_ref(ref)
    assert list(home.rglob("*.db")) == []


def test_no_password_shows_in_what_the_interface_tells_of_the_instance(home: Path, url: str) -> None:
    with DagsterInstance.from_config(str(home)) as instance:
        told = instance.info_str()
    assert "run_monitoring" in told
    assert PASSWORD not in told


def test_a_server_that_does_not_answer_is_told_of_without_its_password(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(VARIABLE, f"postgresql://desk:{PASSWORD}@127.0.0.1:1/books")
    with pytest.raises(DatabaseUnavailable, match=r"does not answer: .*Connection refused.*start it") as told:
        DagsterInstance.from_config(str(home))
    assert PASSWORD not in str(told.getrepr(style="long", chain=True)) + caplog.text


@pytest.mark.parametrize(
    "wrong", ["mysql://desk:{}@host/books", "postgresql://desk:{}@host", "postgresql://desk:{}/x@host/b", "{}"]
)
def test_a_url_of_something_else_is_refused_without_repeating_it(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, wrong.format(PASSWORD))
    with pytest.raises(ConfigurationError, match="MARKET_DATA_POSTGRES_URL: expected postgresql://") as told:
        Environment()
    assert PASSWORD not in str(told.getrepr(style="long", chain=True))


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    assert Environment().postgres_url is None


def test_no_instance_waits_for_polars_and_no_laptop_for_a_driver(home: Path) -> None:
    code = (
        "import sys; from dagster import DagsterInstance;"
        f"DagsterInstance.from_config({str(home)!r});"
        "print({'polars', 'pyarrow', 'duckdb', 'psycopg2'} & sys.modules.keys())"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, check=True)
    assert told.stdout == "set()\n"
