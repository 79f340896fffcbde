"""The probes, each with what it must find and with what it must not."""

import datetime as dt
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import update

from market_data.ledger import database
from market_data.ledger.upgrade import _VERSION
from market_data.operations.health import Probe, Scope, Verdict, examine, probes, worst
from market_data.pipeline.chain import Failed, materialize
from market_data.pipeline.workspace import opened
from market_data.settings import Environment, Settings, load_settings
from market_data.sources import catalog
from market_data.warehouse.file_checks import Entry
from market_data_tests.databases import on_sqlite_only, postgres
from market_data_tests.feeds import place, settings_of, simulated
from market_data_tests.partitions import enter, row_of, warehouse_at
from market_data_tests.warehouse_invariants import age

NOW = dt.datetime(2024, 1, 18, 13, tzinfo=dt.UTC)
FEED = simulated(symbols=["AAA-USD"], tables=["trades"], end="2024-01-16", options={"trades_per_day": {"AAA-USD": 40}})
STATES = Path(__file__).parent.parent / "ledger" / "states"
STRAY = "trades/feed=sim/symbol=ZZZ-USD/date=2024-01-15/data.parquet"


def file_of(settings: Settings) -> Path:
    """The file of the trades of the first day."""
    with opened(settings) as workspace:
        found = workspace.ledger.current("trades", settings.feeds["sim"].partition("AAA-USD", dt.date(2024, 1, 15)))
        assert found is not None
        return workspace.warehouse.file_of(found)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A feed with both of its days made."""
    settings = settings_of(tmp_path, {"sim": FEED})
    make(settings, "sim")
    return settings


def make(settings: Settings, name: str) -> None:
    feed = settings.feeds[name]
    with opened(settings, "run-1") as workspace:
        for day in (15, 16):
            partition = feed.partition("AAA-USD", dt.date(2024, 1, day))
            steps = [*materialize(workspace, feed, partition, feed.assets, ())]
            assert not [step for step in steps if isinstance(step, Failed)]


def look(
    settings: Settings, *, full: bool = False, now: dt.datetime = NOW, only: str | None = None
) -> dict[str, Verdict]:
    """What all probes say, read from the files as they are now."""
    environment = Environment(config=settings.config_path, **place(settings.home))
    scope = Scope(lambda: load_settings(catalog(), environment), only, full=full, now=now)
    try:
        return {verdict.about: verdict for verdict in examine(scope, probes())}
    finally:
        scope.close()


def not_healthy(settings: Settings, **how: Any) -> dict[str, str]:
    return {about: verdict.state for about, verdict in look(settings, **how).items() if verdict.state != "healthy"}


def test_a_platform_without_fault_is_healthy_in_all_parts(settings: Settings) -> None:
    found = look(settings, full=True)
    assert set(found) == {
        *("configuration", "home", "ledger", "landing", "disk", "vendor simulated", "freshness sim"),
        *("warehouse files", "warehouse orphans", "warehouse leftovers"),
    }
    assert {verdict.state for verdict in found.values()} == {"healthy"}
    assert not any(verdict.advice for verdict in found.values())
    assert json.dumps([dict(verdict.figures) for verdict in found.values()])


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def change(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (Path.unlink, "is not there"),
        (cut, "bytes instead of"),
        (change, "has other bytes than were written"),
    ],
)
def test_a_file_that_is_not_what_the_ledger_says_is_unhealthy(
    settings: Settings, damage: Callable[[Path], None], words: str
) -> None:
    damage(file_of(settings))
    assert not_healthy(settings) == {"warehouse files": "unhealthy"}
    verdict = look(settings)["warehouse files"]
    told = "1 of 6 files are not what was written: trades sim AAA-USD 2024-01-15 "
    assert verdict.sentence.startswith(told)
    assert words in verdict.sentence
    assert "materialize" in verdict.advice


def test_files_and_folders_that_belong_to_nobody_are_told_and_left_alone(settings: Settings) -> None:
    stray = settings.warehouse / STRAY
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"PAR1")
    left = settings.warehouse / "_staging" / "dead"
    left.mkdir(parents=True)
    (left / "1.parquet").write_bytes(b"half")
    assert not_healthy(settings, full=True) == {"warehouse orphans": "degraded", "warehouse leftovers": "degraded"}
    found = look(settings, full=True)
    assert found["warehouse orphans"].figures == {"orphans": [STRAY], "count": 1}
    assert found["warehouse leftovers"].figures == {"folders": 1}
    assert stray.exists()
    assert left.exists()


def test_what_a_writer_left_that_died_before_its_commit_is_told_until_a_sweep_a_day_later(settings: Settings) -> None:
    stray = settings.warehouse / "_files" / STRAY
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"PAR1")
    key = stray.relative_to(settings.warehouse).as_posix()
    assert look(settings, full=True)["warehouse orphans"].figures == {"orphans": [key], "count": 1}
    with opened(settings) as workspace:
        assert workspace.warehouse.sweep() == 0
        assert stray.exists()
        age(workspace.warehouse)
        assert workspace.warehouse.sweep() == 1
    assert not_healthy(settings, full=True) == {}


def test_what_a_living_writer_is_about_is_no_leftover(settings: Settings) -> None:
    with opened(settings, "run-2") as workspace:
        (workspace.warehouse.folder() / "1.parquet").write_bytes(b"half")
        assert not_healthy(settings, full=True) == {}


@pytest.mark.parametrize("damage", [Path.unlink, cut, change])
def test_landed_bytes_that_are_not_whole_are_degraded(settings: Settings, damage: Callable[[Path], None]) -> None:
    damage(next(settings.landing.rglob("AAA-USD-trades-2024-01-16.csv.gz")))
    assert not_healthy(settings) == {"landing": "degraded"}
    assert "sim/trades AAA-USD 2024-01-16: AAA-USD-trades-2024-01-16.csv.gz" in look(settings)["landing"].sentence


def test_days_read_different_files_until_each_was_read(settings: Settings) -> None:
    from market_data.warehouse.file_checks import count_entries, entries, sample_start

    with opened(settings) as workspace:
        found, count = entries(workspace.ledger), count_entries(workspace.ledger)

        def sample(day: dt.date, size: int) -> list[Entry]:
            return entries(workspace.ledger, None, sample_start(count, day, size), size)

        days = [dt.date(2024, 1, 18) + dt.timedelta(days=n) for n in range(3)]
        read = [sample(day, 2) for day in days]
        assert count == len(found) == 6
        assert [len(chosen) for chosen in read] == [2, 2, 2]
        assert {entry.id for chosen in read for entry in chosen} == {entry.id for entry in found}
        assert sample(days[0], 2) == read[0]
        assert sample(days[0], 50) == found
        two = [sample(day, 5) for day in days[:2]]
        assert {entry.id for chosen in two for entry in chosen} == {entry.id for entry in found}


@pytest.mark.parametrize(("size", "state"), [(10**9, "healthy"), (None, "degraded"), (10**17, "unhealthy")])
def test_the_disk_must_have_room_for_the_largest_recent_day(tmp_path: Path, size: int | None, state: str) -> None:
    import shutil

    free = shutil.disk_usage(tmp_path).free
    settings = settings_of(tmp_path, {"sim": {**FEED, "end": None}})
    warehouse = warehouse_at(settings.home)
    partition = settings.feeds["sim"].partition("AAA-USD", dt.date(2024, 1, 16))
    enter(warehouse.ledger, [row_of("trades", partition, size_bytes=min(size or free // 2, 10**17))])
    warehouse.ledger.close()
    verdict = look(settings)["disk"]
    assert verdict.state == state
    assert verdict.figures["largest_day_bytes"] == (size or free // 2)


def test_a_feed_that_has_ended_needs_no_room(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, {"sim": FEED})
    warehouse = warehouse_at(settings.home)
    partition = settings.feeds["sim"].partition("AAA-USD", dt.date(2024, 1, 16))
    enter(warehouse.ledger, [row_of("trades", partition, size_bytes=10**17)])
    warehouse.ledger.close()
    assert look(settings)["disk"].figures["largest_day_bytes"] == 0


@pytest.mark.parametrize(
    ("circuit", "state", "words"),
    [
        ({}, "healthy", "has not answered yet; circuit closed"),
        ({"last_success": NOW.timestamp()}, "healthy", "last answered at 2024-01-18 13:00:00 UTC"),
        (
            {"failures": 9, "openings": 1, "until": NOW.timestamp() + 60, "last_error": "503"},
            "degraded",
            "circuit open after 9 requests without an answer, the last: 503",
        ),
        ({"failures": 9, "openings": 1, "until": NOW.timestamp() - 1}, "degraded", "circuit half-open"),
    ],
)
def test_a_vendor_is_as_its_circuit_says(settings: Settings, circuit: dict[str, Any], state: str, words: str) -> None:
    path = settings.vendors / "simulated" / "archive" / "breaker.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(circuit))
    verdict = look(settings)["vendor simulated/archive"]
    assert (verdict.state, words in verdict.sentence) == (state, True)


def test_a_day_that_is_due_and_missing_is_told_with_the_command_that_brings_it(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, {"sim": {**FEED, "end": "2024-02-01"}})
    make(settings, "sim")
    assert look(settings, now=NOW - dt.timedelta(hours=2))["freshness sim"].state == "healthy"
    verdict = look(settings)["freshness sim"]
    assert verdict.state == "degraded"
    assert "2024-01-17 is due and not all is there since 2024-01-17, 1 hours late: trades, candles, quality" in (
        verdict.sentence
    )
    assert verdict.advice == "`market-data ingest sim --start 2024-01-17 --end 2024-01-17`"


def test_a_feed_that_will_soon_have_too_many_partitions_is_told_of_before_it_is_refused(tmp_path: Path) -> None:
    today = dt.datetime.now(dt.UTC)
    start = (today - dt.timedelta(days=10)).date().isoformat()
    feed = {**simulated(start=start), "end": None}
    settings = settings_of(tmp_path, {"sim": feed}, partitions_per_feed=100)
    scope = Scope(lambda: settings, None, full=False, now=today)
    _, told = probes()["configuration"].look(scope)
    assert (told.about, told.state) == ("configuration sim", "degraded")
    assert told.figures["full_on"] == (today.date() + dt.timedelta(days=41)).isoformat()
    (alone,) = probes()["configuration"].look(Scope(lambda: settings, None, full=False, now=today.replace(year=2020)))
    assert alone.state == "healthy"


@pytest.mark.parametrize("text", ["feeds: {a: {}}", "feeds: [", ""])
def test_a_configuration_that_does_not_load_is_unhealthy_and_nothing_else_is_looked_at(
    settings: Settings, text: str
) -> None:
    settings.config_path.write_text(text)
    assert not_healthy(settings) == {"configuration": "unhealthy"}
    assert set(look(settings)) == {"configuration"}


@on_sqlite_only
def test_a_home_that_is_not_there_is_degraded_and_is_not_made(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, {"sim": FEED})
    assert not_healthy(settings) == {"home": "degraded"}
    assert not settings.home.exists()
    settings.home.mkdir()
    assert not_healthy(settings) == {"ledger": "degraded"}
    assert not [*settings.home.iterdir()]


def test_a_home_that_cannot_be_written_is_unhealthy(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, {"sim": FEED})
    settings.home.write_text("a file")
    assert not_healthy(settings) == {"home": "unhealthy"}


@on_sqlite_only
def test_a_ledger_that_is_no_database_is_unhealthy(settings: Settings) -> None:
    for path in settings.home.glob("ledger.db*"):
        path.unlink()
    settings.ledger.write_bytes(b"no database" * 1_000)
    found = look(settings)
    assert {about for about, verdict in found.items() if verdict.state == "unhealthy"} == {"ledger"}
    assert "file is not a database" in found["ledger"].sentence
    assert "warehouse files" not in found


@on_sqlite_only
def test_a_ledger_of_an_older_version_is_told_and_mended_where_that_is_safe(settings: Settings) -> None:
    import sqlite3

    for path in settings.home.glob("ledger.db*"):
        path.unlink()
    with sqlite3.connect(settings.ledger) as connection:
        connection.executescript((STATES / "v0005.sqlite.sql").read_text(encoding="utf-8"))
    told = [look(settings)["ledger"] for _ in range(2)]
    assert [verdict.state for verdict in told] == ["degraded", "healthy"]
    assert "was of version 0005" in told[0].sentence
    with sqlite3.connect(settings.ledger) as connection:
        connection.execute("ALTER TABLE spending DROP COLUMN what")
    connection.close()
    assert look(settings)["ledger"].state == "unhealthy"
    assert "lacks spending.what" in look(settings)["ledger"].sentence


def test_a_ledger_of_a_newer_version_is_unhealthy_and_left_alone(settings: Settings) -> None:
    engine = database.engine_of(settings.database.get_secret_value())
    with engine.begin() as connection:
        connection.execute(update(_VERSION).values(version_num="9999"))
    engine.dispose()
    for _ in range(2):
        assert not_healthy(settings) == {"ledger": "unhealthy"}
    assert "version 9999" in look(settings)["ledger"].sentence


@on_sqlite_only  # where each home's ledger is named, and so not another
def test_a_ledger_on_a_server_is_looked_at_and_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(tmp_path, {"sim": FEED})
    settings.home.mkdir()
    with postgres() as server:
        refused = server.create("books").replace("postgres@", "me:hidden-word@")
        monkeypatch.setenv("MARKET_DATA_POSTGRES_URL", refused)
        monkeypatch.setattr(database, "PATIENCE_SECONDS", 600.0)
        assert look(settings)["ledger"].state == "unhealthy"
        assert 'role "me" does not exist' in look(settings)["ledger"].sentence
        assert "hidden-word" not in look(settings)["ledger"].sentence
        monkeypatch.setenv("MARKET_DATA_POSTGRES_URL", server.create("others"))
        assert look(settings)["ledger"].state == "degraded"
        assert look(settings)["ledger"].sentence.endswith("/others names 0 partitions of tables")
    verdict = look(settings)["ledger"]
    assert verdict.state == "unhealthy"
    assert "does not answer" in verdict.sentence


class _Crashes:
    needs = ()

    def look(self, scope: Scope) -> Iterator[Verdict]:
        raise ZeroDivisionError("by\nzero")
        yield


class _Needs:
    needs = ("crashes",)

    def look(self, scope: Scope) -> Iterator[Verdict]:
        yield Verdict("needs", "healthy", "is well")


def test_a_probe_that_crashes_is_an_unhealthy_probe_and_bars_what_needs_it(settings: Settings) -> None:
    scope = Scope(lambda: settings, None, full=False, now=NOW)
    found: dict[str, Probe] = {"needs": _Needs(), "crashes": _Crashes(), "configuration": probes()["configuration"]}
    first, second = examine(scope, found)
    assert (first.about, first.state) == ("configuration", "healthy")
    assert (second.about, second.state) == ("crashes", "unhealthy")
    assert second.sentence == "the probe failed: ZeroDivisionError: by zero"
    assert worst([first, second]) == "unhealthy"
    assert worst([]) == "healthy"


def test_one_feed_can_be_looked_at_alone(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, {"sim": FEED, "other": {**FEED, "end": None}})
    make(settings, "sim")
    assert not_healthy(settings, only="sim") == {}
    assert not_healthy(settings) == {"freshness other": "degraded"}
    assert yaml.safe_load(settings.config_path.read_text())["feeds"]["other"]["end"] is None
