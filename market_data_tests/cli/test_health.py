"""`market-data health`: its words, its JSON, its exit codes, and Dagster's daemon."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from dagster import DagsterInstance
from dagster._daemon.types import DaemonHeartbeat
from dagster_shared.error import SerializableErrorInfo

from market_data.warehouse.store import Warehouse
from market_data_tests.cli.conftest import Home
from market_data_tests.cli.test_app import started
from market_data_tests.runs import instance_of


@pytest.fixture(autouse=True)
def _no_dagster_home(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]
    monkeypatch.delenv("DAGSTER_HOME", raising=False)


@pytest.fixture
def instance(empty_home: Home) -> Iterator[DagsterInstance]:
    (empty_home.settings.home / "dagster").mkdir(parents=True)
    with instance_of(empty_home.settings) as found:
        yield found


def verdicts(home: Home, *words: str) -> dict[str, dict[str, Any]]:
    told = json.loads(home.run("health", "--json", *words).stdout)
    return {verdict["about"]: verdict for verdict in told["verdicts"]}


def go_on(home: Home) -> None:
    """Feed `sim` has no end."""
    config = home.settings.config_path
    config.write_text(config.read_text().replace("    end: '2024-01-17'\n", "", 1))


def beat(instance: DagsterInstance, age_seconds: float, *errors: str) -> None:
    told = [SerializableErrorInfo(error, [], None) for error in errors]
    for name in instance.get_required_daemon_types():
        instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - age_seconds, name, "one", told))


def test_people_get_a_line_a_verdict_what_to_do_and_the_worst_of_all(home: Home) -> None:
    lines = home.lines("health", "--feed", "sim")
    assert lines[-1] == "degraded"
    assert any(line.startswith("healthy    ledger") for line in lines)
    (late,) = (n for n, line in enumerate(lines) if line.startswith("degraded   freshness sim"))
    assert lines[late + 1].strip() == "`market-data ingest sim --start 2024-01-15 --end 2024-01-17`"


def test_programs_get_the_same_as_json(home: Home) -> None:
    told = json.loads("\n".join(home.lines("health", "--json", "--feed", "sim")))
    assert told["state"] == "degraded"
    assert {verdict["state"] for verdict in told["verdicts"]} == {"healthy", "degraded"}
    late = next(verdict for verdict in told["verdicts"] if verdict["about"] == "freshness sim")
    assert late["figures"]["behind"]["trades"] == ["BBB-USD"]


def test_the_exit_code_is_for_a_containers_probe(home: Home, warehouse: Warehouse) -> None:
    assert home.run("health").exit_code == 0  # degraded
    assert home.run("health", "--strict").exit_code == 1
    next(home.settings.warehouse.rglob("*.parquet")).unlink()
    result = home.run("health")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (1, "unhealthy")
    assert not result.stderr


def test_a_broken_configuration_is_unhealthy_and_a_feed_that_is_not_there_is_wrong_usage(home: Home) -> None:
    assert "has no feed 'nowhere'; expected one out of sim, xrpeth" in home.run("health", "--feed", "nowhere").stderr
    assert home.run("health", "--feed", "nowhere").exit_code == 2
    home.settings.config_path.write_text("feeds: {a: {}}")
    result = home.run("health", "--json")
    assert (result.exit_code, json.loads(result.stdout)["state"]) == (1, "unhealthy")


def test_as_a_process_it_ends_with_the_code_and_writes_nothing_to_stderr(home: Home) -> None:
    done = started(home, "health", "--json")
    assert (done.returncode, done.stderr) == (0, "")


def test_where_no_feed_goes_on_nothing_waits_for_the_daemon(empty_home: Home) -> None:
    assert verdicts(empty_home)["daemon"]["state"] == "healthy"


def test_where_a_feed_goes_on_a_daemon_that_never_ran_is_degraded(empty_home: Home) -> None:
    go_on(empty_home)
    verdict = verdicts(empty_home)["daemon"]
    assert (verdict["state"], verdict["advice"][:8]) == ("degraded", "start it")
    assert "nothing starts the daily runs of sim" in verdict["sentence"]


def test_a_daemon_that_beats_is_healthy(empty_home: Home, instance: DagsterInstance) -> None:
    go_on(empty_home)
    assert verdicts(empty_home)["daemon"]["state"] == "degraded"
    beat(instance, 5)
    assert verdicts(empty_home)["daemon"]["state"] == "healthy"


def test_a_daemon_that_ran_and_is_silent_is_unhealthy_where_a_feed_goes_on(
    empty_home: Home, instance: DagsterInstance
) -> None:
    beat(instance, 86_400)
    assert verdicts(empty_home)["daemon"]["state"] == "healthy"
    go_on(empty_home)
    verdict = verdicts(empty_home)["daemon"]
    assert verdict["state"] == "unhealthy"
    assert "SCHEDULER" in verdict["figures"]["silent"]


def test_a_daemon_that_beats_with_errors_is_degraded_and_they_are_told(
    empty_home: Home, instance: DagsterInstance
) -> None:
    go_on(empty_home)
    beat(instance, 5, "no such\ntable: jobs")
    verdict = verdicts(empty_home)["daemon"]
    assert (verdict["state"], "no such table: jobs" in verdict["sentence"]) == ("degraded", True)


def test_an_instance_that_cannot_be_opened_is_told(empty_home: Home) -> None:
    folder = empty_home.settings.home / "dagster"
    folder.mkdir(parents=True)
    (folder / "dagster.yaml").write_text("no_such_key: 1\n")
    verdict = verdicts(empty_home)["daemon"]
    assert (verdict["state"], "no_such_key" in verdict["sentence"]) == ("unhealthy", True)
