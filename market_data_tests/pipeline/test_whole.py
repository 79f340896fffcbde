"""Which partitions are whole, and what each kind of change makes again: just what depends on it."""

import datetime as dt
import gzip
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from market_data.domain.partition import Partition
from market_data.domain.ports.source import Fetched
from market_data.ledger.schema import builds, revisions
from market_data.pipeline import configuration
from market_data.pipeline.chain import materialize
from market_data.pipeline.recipe import Recipe, why_not_whole
from market_data.pipeline.whole import whole
from market_data.pipeline.workspace import Outcome, Workspace, opened
from market_data.settings import Settings
from market_data_tests.databases import on_postgres
from market_data_tests.feeds import settings_of, simulated

DAYS = [dt.date(2024, 1, day) for day in (15, 16, 17)]
OPTIONS = {"seed": 1, "trades_per_day": {"AAA-USD": 60}}
TABLES = ("instruments", "trades", "quotes", "vendor_candles", "candles", "quality_reports")
MADE = Recipe([{"file": "a", "sha256": "1"}], "1", "c")


def settings(folder: Path, **changes: Any) -> Settings:
    return settings_of(folder, {"sim": simulated(**{"symbols": ["AAA-USD"], "options": OPTIONS, **changes})})


def partition(day: dt.date = DAYS[1]) -> Partition:
    return Partition("sim", day, "AAA-USD")


def make(workspace: Workspace, *days: dt.date, tables: tuple[str, ...] = TABLES) -> None:
    feed = workspace.settings.feeds["sim"]
    for day in days:
        steps = list(materialize(workspace, feed, partition(day), tables, ()))
        assert {step.table for step in steps if isinstance(step, Outcome)} == set(tables)


def not_whole(workspace: Workspace, day: dt.date = DAYS[1]) -> dict[str, str]:
    """Why the tables of a day are not whole that are not."""
    feed = workspace.settings.feeds["sim"]
    look, _ = whole(workspace, feed, [partition(day)], TABLES)
    found = {table: look.why_not_whole(partition(day), [table]) for table in TABLES}
    return {table: why for table, why in found.items() if why is not None}


def days_left(workspace: Workspace) -> list[dt.date]:
    _, found = whole(workspace, workspace.settings.feeds["sim"], [partition(day) for day in DAYS], TABLES)
    return [each.date for each, why in found.items() if why is not None]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which two days were made; tests that change anything work on a copy."""
    return make_two_days(tmp_path_factory.mktemp("made"))


def make_two_days(folder: Path) -> Path:
    with opened(settings(folder), "run-1") as workspace:
        make(workspace, *DAYS[:2])
    return folder


@pytest.fixture
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if on_postgres():  # the ledger is no file that could be copied
        return make_two_days(tmp_path)
    made: Path = request.getfixturevalue("made")
    shutil.copytree(made, tmp_path, dirs_exist_ok=True, copy_function=shutil.copy2)
    return tmp_path


def current(workspace: Workspace, table: str, day: dt.date = DAYS[1]) -> tuple[int, str]:
    found = workspace.warehouse.current(table, partition(day))
    assert found is not None
    return found.revision, found.sha256


def test_what_was_made_is_whole_and_what_was_not_is_missing(folder: Path) -> None:
    with opened(settings(folder)) as workspace:
        assert days_left(workspace) == DAYS[2:]
        assert not_whole(workspace) == {}
        assert set(not_whole(workspace, DAYS[2]).values()) == {"missing"}


def test_the_same_recipe_is_whole_and_any_other_is_not() -> None:
    def why(is_there: bool = True, **changes: Any) -> str | None:
        return why_not_whole(MADE, replace(MADE, **changes), is_there=is_there)

    assert why() is None
    assert why(is_there=False) == "damaged"
    assert why(inputs=[{"file": "a", "sha256": "2"}]) == "of other inputs"
    assert why(code_version="2") == "of other code"
    assert why(configuration="d") == "of another configuration"
    assert why_not_whole(None, MADE, is_there=True) == "missing"
    assert why_not_whole(MADE, None, is_there=True) == "of other inputs"


def test_the_same_bytes_from_another_address_are_the_same_input() -> None:
    moved = Recipe([{"file": "a", "sha256": "1", "origin": "elsewhere"}], "1", "c")
    assert why_not_whole(MADE, moved, is_there=True) is None


def test_a_build_without_a_fingerprint_is_not_whole() -> None:
    unknown = Recipe(MADE.inputs, "1", None)
    assert why_not_whole(unknown, unknown, is_there=True) == "of another configuration"


def land(workspace: Workspace, table: str) -> None:
    """Have the vendor's bytes of a table replaced by others with the same records."""
    feed = workspace.settings.feeds["sim"]
    request = feed.request(table, partition())
    found = workspace.landing.find(request)
    assert found is not None
    with workspace.landing.workdir(request) as place:
        again: list[Fetched] = []
        for file in found:
            path = place / file.name
            path.write_bytes(gzip.compress(gzip.decompress(file.path.read_bytes()), compresslevel=1, mtime=7))
            again.append(Fetched(path, file.name, "a test"))
        workspace.landing.land(request, again)


def test_a_replaced_landed_file_makes_its_table_again_and_then_nothing(folder: Path) -> None:
    with opened(settings(folder), "run-2") as workspace:
        before = current(workspace, "trades")
        land(workspace, "trades")
        assert not_whole(workspace) == {"trades": "of other inputs"}
        make(workspace, DAYS[1], tables=("trades",))
        assert current(workspace, "trades") == before
        assert not_whole(workspace) == {}


BOUND = {"price": {"min": 0, "max": 1, "reason": "a bound for a test"}}
Changes = dict[str, Any]


@pytest.mark.parametrize(
    ("changes", "tables"),
    [
        ({"rules": {"trades": {"tighten": BOUND}}}, {"trades"}),
        ({"candles": {"time": ["1m", "1h"]}}, {"candles"}),
        ({"checks": {"prices": {"enabled": False, "reason": "not now"}}}, {"quality_reports"}),
        ({"quality": {"quality": 0.5}}, {"quality_reports"}),
        ({"calendar": "XNYS"}, {"quality_reports"}),
        ({"options": {**OPTIONS, "seed": 2}}, {"instruments", "trades", "quotes", "vendor_candles"}),
        ({"symbols": ["AAA-USD", "CCC-USD"]}, set[str]()),
        ({"budget": {"run_usd": 1}, "repair": {"tries": 9}, "description": "words"}, set[str]()),
    ],
)
def test_a_changed_configuration_makes_just_what_it_shapes_again(
    folder: Path, changes: Changes, tables: set[str]
) -> None:
    with opened(settings(folder, **changes)) as workspace:
        assert not_whole(workspace) == dict.fromkeys(tables, "of another configuration")


def test_a_changed_threshold_makes_the_report_again(folder: Path) -> None:
    with opened(settings(folder, checks={"book": {"quotes": {"crossed": 5}}})) as workspace:
        assert not_whole(workspace) == {"quality_reports": "of another configuration"}
        make(workspace, DAYS[1])
        assert not_whole(workspace) == {}


def test_a_configuration_that_gives_the_same_rows_is_noted_without_a_revision(folder: Path) -> None:
    changed = settings(folder, options={**OPTIONS, "trades_per_day": {}, "seed": 3})
    with opened(changed, "run-2") as workspace:
        before = {table: current(workspace, table) for table in TABLES[:4]}
        number = workspace.ledger.last_commit
        assert set(not_whole(workspace)) == set(TABLES[:4])
        make(workspace, DAYS[1])
        assert {table: current(workspace, table) for table in TABLES[:4]} == before
        assert workspace.ledger.last_commit == number
        assert not_whole(workspace) == {}


def test_other_code_makes_its_tables_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(settings(folder), "run-2") as workspace:
        monkeypatch.setattr(type(workspace.source(workspace.settings.feeds["sim"])), "version", 99)
        assert not_whole(workspace) == dict.fromkeys(TABLES[:4], "of other code")
        make(workspace, DAYS[1])
        assert not_whole(workspace) == {}
    monkeypatch.setattr(configuration, "__version__", "99")
    with opened(settings(folder)) as workspace:
        assert not_whole(workspace) == dict.fromkeys(TABLES, "of other code")


def test_a_replaced_table_makes_what_is_made_of_it_again_and_the_day_after(folder: Path) -> None:
    with opened(settings(folder, options={**OPTIONS, "seed": 2}), "run-2") as workspace:
        feed = workspace.settings.feeds["sim"]
        list(materialize(workspace, feed, partition(DAYS[0]), ["trades"], (), refetch=True))
        assert {"candles", "quality_reports"} <= set(not_whole(workspace, DAYS[0]))
        make(workspace, DAYS[0])
        assert not_whole(workspace, DAYS[0]) == {}
        assert not_whole(workspace)["candles"] == "of other inputs"


def test_candles_of_the_day_before_that_arrive_later_are_an_input(folder: Path) -> None:
    with opened(settings(folder, start="2024-01-10"), "run-2") as workspace:
        make(workspace, dt.date(2024, 1, 14))
        left = not_whole(workspace, DAYS[0])
        assert left["candles"] == "of other inputs"
        assert set(left) == {"candles", "quality_reports"}
        make(workspace, DAYS[0])
        assert not_whole(workspace, DAYS[0]) == {}


def test_candles_of_the_day_before_that_have_no_close_are_an_input_too(tmp_path: Path) -> None:
    with opened(settings(tmp_path, candles={"tick": ["100t"]}), "run-1") as workspace:
        make(workspace, *DAYS)
        assert days_left(workspace) == []


def drop(path: Path) -> None:
    path.unlink()


def shorten(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [drop, shorten, flip])
@pytest.mark.parametrize("table", ["trades", "quality_reports"])
def test_a_damaged_file_makes_its_table_again(folder: Path, table: str, damage: Callable[[Path], None]) -> None:
    with opened(settings(folder), "run-2") as workspace:
        revision = workspace.warehouse.current(table, partition())
        assert revision is not None
        damage(workspace.warehouse.root / revision.path)
        assert not_whole(workspace) == {table: "damaged"}
        make(workspace, DAYS[1], tables=(table,))
        assert not_whole(workspace) == {}
        assert current(workspace, table) == (revision.revision, revision.sha256)


def test_another_feed_that_is_compared_with_is_what_a_report_depends_on(tmp_path: Path) -> None:
    checks = {"cross_vendor": {"candles": {"feed": "two"}}}
    feeds = {"sim": simulated(symbols=["AAA-USD"], options=OPTIONS, checks=checks)}
    feeds["two"] = simulated(symbols=["AAA-USD"], options=OPTIONS)
    with opened(settings_of(tmp_path, feeds), "run-1") as workspace:
        make(workspace, DAYS[1])
        assert not_whole(workspace) == {}
        two = workspace.settings.feeds["two"]
        list(materialize(workspace, two, two.partition("AAA-USD", DAYS[1]), ["trades", "candles"], ()))
        assert not_whole(workspace) == {"quality_reports": "of another configuration"}


def test_what_an_earlier_version_made_is_made_once_more_without_a_revision(folder: Path) -> None:
    with opened(settings(folder), "run-2") as workspace:
        with workspace.ledger.writing() as connection:
            connection.execute(update(builds).values(configuration=None))
        assert set(not_whole(workspace)) == set(TABLES)
        number = workspace.ledger.last_commit
        make(workspace, DAYS[1])
        assert (not_whole(workspace), workspace.ledger.last_commit) == ({}, number)


def test_a_revision_that_the_ledger_does_not_count_any_more_is_missing(folder: Path) -> None:
    with opened(settings(folder)) as workspace:
        with workspace.ledger.writing() as connection:
            lost = update(revisions).where(revisions.c.table_name == "quotes", revisions.c.date == DAYS[1])
            connection.execute(lost.values(state="lost"))
        assert not_whole(workspace) == {"quotes": "missing", "quality_reports": "of other inputs"}
