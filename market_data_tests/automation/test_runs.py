"""Runs that failed or stand still, as causes; and their end."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import AssetKey, DagsterEvent, DagsterInstance, DagsterRunStatus
from dagster._core.test_utils import create_run_for_test

from market_data.automation.runs import failed, stalled, why
from market_data_tests.feeds import settings_of, simulated
from market_data_tests.runs import run

KEY = "2024-01-15|AAA-USD"


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    with DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def ended(instance: DagsterInstance, status: DagsterRunStatus, words: str = "") -> None:
    """A run of a feed's assets, as the command line makes it, that is over."""
    assets = frozenset([AssetKey(["sim", "trades"])])
    begun = create_run_for_test(instance, asset_selection=assets, status=DagsterRunStatus.STARTED)
    if status == DagsterRunStatus.FAILURE:
        instance.report_run_failed(begun, words)
    else:
        instance.report_dagster_event(DagsterEvent("PIPELINE_SUCCESS", begun.job_name), begun.run_id)


def test_a_failed_run_is_a_cause_until_a_later_one_succeeds(instance: DagsterInstance) -> None:
    ended(instance, DagsterRunStatus.FAILURE)
    (cause,) = failed(instance, now())["sim"]
    assert cause.key == "run/sim/-/-/-"
    assert cause.severity == "error"
    ended(instance, DagsterRunStatus.SUCCESS)
    assert failed(instance, now()) == {"sim": []}


def test_a_failed_run_tells_why(tmp_path: Path, instance: DagsterInstance) -> None:
    rules = {"trades": {"relax": {"price_is_even": "there is no such rule"}}}
    result = run(settings_of(tmp_path, {"sim": simulated(rules=rules)}), instance, KEY, KEY, retry=False)
    made = instance.get_run_by_id(result.run_id)
    assert made is not None
    assert "no rule 'price_is_even' to relax" in why(instance, made)


def test_a_run_that_tells_nothing_stands_still(instance: DagsterInstance) -> None:
    begun = create_run_for_test(instance, job_name="sim_daily", status=DagsterRunStatus.STARTED)
    instance.report_engine_event("it goes on", begun)
    after = dt.timedelta(minutes=30)
    assert stalled(instance, now() + dt.timedelta(minutes=29), after) == {}
    (cause,) = stalled(instance, now() + dt.timedelta(minutes=31), after)["sim"]
    assert cause.key == f"stall/sim/-/-/{begun.run_id}"
    instance.report_run_canceled(begun)
    assert stalled(instance, now() + dt.timedelta(minutes=31), after) == {}
