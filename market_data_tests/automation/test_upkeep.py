"""The daily upkeep of the warehouse's files: what it asks for, what its run does, and a backup of what it made."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import update

from market_data.definitions import build_defs
from market_data.ledger.schema import files
from market_data.operations.backup import Options, back_up, restore
from market_data.pipeline.workspace import opened
from market_data.settings import Settings
from market_data.warehouse.sql import connect
from market_data.warehouse.store import Warehouse
from market_data_tests.feeds import environment_of, settings_of, simulated
from market_data_tests.partition_view import trade
from market_data_tests.partitions import days, put
from market_data_tests.warehouse_invariants import assert_sound

QUERY = "SELECT date, price::INT FROM trades ORDER BY ALL"


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    settings = settings_of(tmp_path, {"sim": simulated()})
    for name, value in environment_of(settings).items():  # the definitions' own resource reads it
        monkeypatch.setenv(name, value)
    return settings


@pytest.fixture
def warehouse(made: Settings) -> Iterator[Warehouse]:
    with opened(made) as workspace:
        yield workspace.warehouse


def ask(made: Settings, now: dt.datetime) -> tuple[int, str]:
    """How many runs the schedule asks for at a time, and why none."""
    schedule = build_defs(made).resolve_schedule_def("warehouse_upkeep")
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    resources = build_defs(made).resources or {}
    with (
        dg.DagsterInstance.local_temp() as instance,
        dg.build_schedule_context(instance, scheduled_execution_time=now, resources=dict(resources)) as context,
    ):
        data = schedule.evaluate_tick(context)
    return len(data.run_requests or ()), data.skip_message or ""


def test_it_is_asked_for_where_there_is_something_to_do(made: Settings, warehouse: Warehouse) -> None:
    now = dt.datetime(2024, 3, 1, 4, 30, tzinfo=dt.UTC)
    assert ask(made, now) == (0, "there are no small files to bring into one, and none to remove")
    for day in days("2024-01-30", 3):
        put(warehouse, "trades", made.feeds["sim"].partition("AAA-USD", day), [trade(0, price="2")])
    assert ask(made, dt.datetime(2024, 2, 7, 4, 30, tzinfo=dt.UTC))[0] == 0  # January ended a week ago, not before
    assert ask(made, now)[0] == 1


def test_its_run_compacts_and_a_later_one_removes(made: Settings, warehouse: Warehouse, tmp_path: Path) -> None:
    for n, day in enumerate(days("2024-01-15", 3)):
        put(warehouse, "trades", made.feeds["sim"].partition("AAA-USD", day), [trade(0, price=str(n + 1))])
    with connect(warehouse) as connection:
        before = connection.execute(QUERY).fetchall()
    job = build_defs(made).resolve_job_def("warehouse_upkeep")
    assert job.execute_in_process().success
    assert len({each.path for each in warehouse.ledger.find()}) == 1
    assert len(warehouse.ledger.unreferenced(2**62)) == 3
    with warehouse.ledger.writing() as connection:
        connection.execute(update(files).where(files.c.unreferenced_ns.is_not(None)).values(unreferenced_ns=1))
    assert job.execute_in_process().success
    assert warehouse.ledger.unreferenced(2**62) == []
    assert_sound(warehouse)
    (tmp_path / "other").mkdir()
    other = settings_of(tmp_path / "other", {"sim": simulated()})
    with opened(made) as workspace:
        back_up(workspace, tmp_path / "backup", Options(), lambda done, total: None)
    with opened(other) as workspace:
        restore(workspace, tmp_path / "backup", lambda done, total: None)
        with connect(workspace.warehouse) as connection:
            assert connection.execute(QUERY).fetchall() == before
        assert_sound(workspace.warehouse)
