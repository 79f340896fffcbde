"""`market-data ledger copy`: to another database, by a URL that no process list shows."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from market_data.cli.application import app
from market_data.ledger.ledger import Ledger
from market_data.warehouse.store import Warehouse
from market_data_tests.cli.conftest import Home
from market_data_tests.databases import postgres
from market_data_tests.pipeline.homes import rows

NEW = "MARKET_DATA_NEW_LEDGER_URL"


def copied(home: Home, url: str, *, asked: bool = False) -> str:
    environment = home.environment | ({} if asked else {NEW: url})
    result = CliRunner().invoke(app, ["ledger", "copy"], input=f"{url}\n" if asked else None, env=environment)
    assert result.exit_code == 0, result.stderr
    assert "secret" not in result.output
    return result.stdout


@pytest.mark.slow
def test_a_desk_moves_to_postgresql_and_its_data_stays(home: Home, warehouse: Warehouse) -> None:
    warehouse.close()
    with postgres() as server:
        url = server.create("market").replace("postgres@", "postgres:secret@")
        assert "copied 4 files, 4 partition_revisions" in copied(home, url)
        moved = home.environment | {"MARKET_DATA_LEDGER_URL": url}
        query = ["query", "--json", "SELECT date, price FROM trades ORDER BY ALL"]
        answer = CliRunner().invoke(app, query, env=moved)
        assert answer.exit_code == 0, answer.stderr
        assert answer.stdout == home.run(*query).stdout
        ledger = Ledger(url)
        assert rows(ledger) == rows(warehouse.ledger)
        ledger.close()


def test_the_url_is_asked_for_and_not_shown(home: Home, warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.close()
    assert "copied 4 files, 4 partition_revisions" in copied(home, f"sqlite:///{tmp_path}/secret.db", asked=True)


def test_a_process_that_writes_is_not_left_behind(home: Home, warehouse: Warehouse, tmp_path: Path) -> None:
    assert list((warehouse.root / "_staging").iterdir())
    result = CliRunner().invoke(app, ["ledger", "copy"], env=home.environment | {NEW: f"sqlite:///{tmp_path}/new.db"})
    assert result.exit_code == 2
    assert "stop the platform first" in result.stderr
    assert not (tmp_path / "new.db").exists()


def test_the_same_ledger_is_refused(home: Home, warehouse: Warehouse) -> None:
    warehouse.close()
    url = home.settings.database.get_secret_value()
    result = CliRunner().invoke(app, ["ledger", "copy"], env=home.environment | {NEW: url})
    assert result.exit_code == 2
    assert "not empty" in result.stderr
