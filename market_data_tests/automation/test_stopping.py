"""Runs that are told to stop, by a signal or in the interface, end at a partition's edge; the rest is taken up.

`dagster dev` runs for real, with its daemon, which takes up what ended without having been asked to.
"""

import os
import re
import signal
from collections import Counter
from collections.abc import Iterator

import dagster as dg
import pytest
from dagster import DagsterEventType, DagsterInstance, DagsterRun, RunsFilter

from market_data.pipeline.workspace import opened
from market_data.settings import Settings
from market_data_tests.feeds import settings_of, simulated
from market_data_tests.runs import instance_of, materialized
from market_data_tests.ui.dev import Dev, dagster_dev, until

pytestmark = pytest.mark.slow

SYMBOLS = [f"S{number:02}-USD" for number in range(20)]
DAYS = ("2024-01-15", "2024-01-16")
ALL = {f"{day}|{symbol}" for day in DAYS for symbol in SYMBOLS}
TABLES = ("trades", "candles", "quality_reports")
STOP = """mutation($run: String!) { terminateRun(runId: $run) { __typename ... on PythonError { message } } }"""
LAUNCH = """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
    ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    stanza = simulated(symbols=SYMBOLS, tables=["trades"], options={"seed": 1, "trades_per_day": {"S00-USD": 50}})
    return settings_of(tmp_path_factory.mktemp("stopping"), {"told": stanza, "asked": stanza})


@pytest.fixture(scope="module")
def dev(settings: Settings) -> Iterator[Dev]:
    with dagster_dev(settings) as started:
        yield started


@pytest.fixture
def instance(settings: Settings, dev: Dev) -> Iterator[DagsterInstance]:
    with instance_of(settings) as found:
        yield found


def launched(dev: Dev, feed: str) -> str:
    """The id of a run of all partitions."""
    selector = {
        "repositoryName": "__repository__",
        "repositoryLocationName": "market_data",
        "pipelineName": f"{feed}_daily",
    }
    tags = {
        "dagster/asset_partition_range_start": f"{DAYS[0]}|{SYMBOLS[0]}",
        "dagster/asset_partition_range_end": f"{DAYS[-1]}|{SYMBOLS[-1]}",
    }
    metadata = {"tags": [{"key": key, "value": value} for key, value in tags.items()]}
    return dev.ask(LAUNCH, params={"selector": selector, "executionMetadata": metadata})["launchRun"]["run"]["runId"]


def recorded(instance: DagsterInstance, run: str) -> dict[str, list[str]]:
    """By table, the partitions that a run recorded, in order; a check is a table of that name."""
    found: dict[str, list[str]] = {}
    kinds = {DagsterEventType.ASSET_MATERIALIZATION, DagsterEventType.ASSET_CHECK_EVALUATION}
    for record in instance.get_records_for_run(run, of_type=kinds).records:
        event = record.event_log_entry.get_dagster_event()
        if event.event_type == DagsterEventType.ASSET_MATERIALIZATION:
            assert event.asset_key is not None
            found.setdefault(event.asset_key.path[-1], []).append(str(event.partition))
        elif (partition := event.asset_check_evaluation_data.partition) is not None:
            found.setdefault(event.asset_check_evaluation_data.check_name, []).append(partition)
    return found


def under_way(instance: DagsterInstance, run: str) -> int | None:
    """The process of a run that has done a few partitions and has many before it."""
    if len(recorded(instance, run).get("trades", ())) < 5:
        return None
    for record in instance.get_records_for_run(run, of_type=DagsterEventType.ENGINE_EVENT).records:
        if pid := re.search(r"Started process for run \(pid: (\d+)\)", record.event_log_entry.message):
            return int(pid.group(1))
    raise AssertionError("a run without a process")


def ended(instance: DagsterInstance, run: str) -> DagsterRun | None:
    found = instance.get_run_by_id(run)
    assert found is not None
    return found if found.is_finished else None


def whole(settings: Settings, instance: DagsterInstance, feed: str, run: str) -> list[str]:
    """The partitions of a run, found to be the same in every table and check of its log, and in the ledger."""
    done = recorded(instance, run)
    (partitions,) = {tuple(keys) for keys in done.values()}
    assert set(TABLES) < set(done)
    with opened(settings) as workspace:
        made = [each for each in workspace.ledger.find() if each.partition.feed == feed and each.run_id == run]
    assert Counter(each.partition.key for each in made) == dict.fromkeys(partitions, len(TABLES))
    return list(partitions)


def test_a_signal_ends_a_run_at_a_partitions_edge_and_the_daemon_takes_up_the_rest(
    settings: Settings, dev: Dev, instance: DagsterInstance
) -> None:
    first = launched(dev, "told")
    os.kill(until(lambda: under_way(instance, first)), signal.SIGTERM)
    assert until(lambda: ended(instance, first)).status == dg.DagsterRunStatus.FAILURE
    before = whole(settings, instance, "told", first)
    assert 5 <= len(before) < len(ALL)

    def retried() -> DagsterRun | None:
        found = [each for each in instance.get_runs(RunsFilter()) if each.parent_run_id == first]
        return ended(instance, found[0].run_id) if found else None

    second = until(retried)
    assert second.status == dg.DagsterRunStatus.SUCCESS
    after = recorded(instance, second.run_id)["trades"]
    assert sorted(ALL - set(before)) == after, "the last one was whole, by the ledger"
    assert materialized(instance, "quality_reports", "told") == ALL
    with opened(settings) as workspace:
        rows = [each for each in workspace.ledger.find() if each.partition.feed == "told"]
        assert Counter(each.revision for each in rows) == {1: len(ALL) * len(TABLES)}


def test_a_run_that_is_stopped_in_the_interface_is_canceled_at_a_partitions_edge(
    settings: Settings, dev: Dev, instance: DagsterInstance
) -> None:
    run = launched(dev, "asked")
    until(lambda: under_way(instance, run))
    assert dev.ask(STOP, run=run)["terminateRun"]["__typename"] == "TerminateRunSuccess"
    assert until(lambda: ended(instance, run)).status == dg.DagsterRunStatus.CANCELED
    assert 5 <= len(whole(settings, instance, "asked", run)) < len(ALL)
