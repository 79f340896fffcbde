"""A rectangle of days and symbols in one run: what is recorded, what a bad partition does, what stays as it was."""

import errno
import gzip
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterEventType, DagsterInstance

from market_data.domain.checks import check_names
from market_data.domain.ports.source import Fetched
from market_data.landing import Landing
from market_data.resources.failures import bugs_are_told
from market_data.settings import Settings
from market_data_tests.feeds import settings_of, simulated
from market_data_tests.runs import failure_words, materialized, run

TABLES = ("instruments", "trades", "quotes", "vendor_candles", "candles", "quality_reports")
CHECKS = set(check_names()) - {"statistics", "cross_vendor"}
"""The source has no statistics, and no other feed is named to compare with."""
SIX = ("2024-01-15|AAA-USD", "2024-01-17|BBB-USD")
ALL = {f"2024-01-{day}|{symbol}" for day in (15, 16, 17) for symbol in ("AAA-USD", "BBB-USD")}
BAD = "2024-01-16|AAA-USD"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_of(tmp_path, {"sim": simulated()})


def evaluations(result: dg.ExecuteInProcessResult) -> dict[tuple[str, str], bool]:
    found: dict[tuple[str, str], bool] = {}
    for event in result.all_events:
        if event.event_type == DagsterEventType.ASSET_CHECK_EVALUATION:
            evaluation = event.asset_check_evaluation_data
            if evaluation.partition is not None:
                found[evaluation.check_name, evaluation.partition] = evaluation.passed
    return found


def test_a_rectangle_materializes_every_table_and_check_of_every_partition(
    settings: Settings, instance: DagsterInstance
) -> None:
    result = run(settings, instance, *SIX)
    assert result.success
    for table in TABLES:
        assert materialized(instance, table) == ALL
    assert evaluations(result) == {(check, key): True for check in CHECKS for key in ALL}


def test_a_materialization_tells_rows_bytes_hash_times_source_preview_and_chart(
    settings: Settings, instance: DagsterInstance
) -> None:
    key = "2024-01-15|AAA-USD"
    result = run(settings, instance, key, key)
    told = {
        event.asset_key.path[-1]: event.materialization.metadata  # pyright: ignore[reportOptionalMemberAccess]
        for event in result.get_asset_materialization_events()
    }
    trades = told["trades"]
    assert trades["rows_in"].value == trades["rows_out"].value == trades["dagster/row_count"].value
    assert trades["set_aside"].value == 0
    assert {"bytes", "sha256", "first_time", "last_time", "source", "preview", "landed"} <= set(trades)
    assert "data:image/svg+xml;base64," in str(told["candles"]["chart"].value)
    assert result.get_asset_materialization_events()[0].materialization.tags is not None


def test_one_bad_partition_of_six_neither_loses_the_others_nor_stops_what_depends_on_them(
    settings: Settings, instance: DagsterInstance
) -> None:
    feed = settings.feeds["sim"]
    request = feed.request("trades", feed.partition("AAA-USD", feed.start.replace(day=16)))
    landing = Landing(settings.landing)
    with landing.workdir(request) as folder:
        path = folder / "trades.csv.gz"
        path.write_bytes(gzip.compress(b"these are not trades\n"))
        landing.land(request, [Fetched(path, path.name, "a test")])
    result = run(settings, instance, *SIX)
    assert not result.success
    words = failure_words(result)
    assert "1 of 6 partitions failed, the others are done." in words
    assert "trades AAA-USD 2024-01-16" in words
    assert materialized(instance, "quotes") == ALL
    for table in ("trades", "candles", "quality_reports"):
        assert materialized(instance, table) == ALL - {BAD}
    assert {key for _, key in evaluations(result)} == ALL - {BAD}


def test_the_same_run_again_fetches_nothing_and_adds_no_revision(settings: Settings, instance: DagsterInstance) -> None:
    run(settings, instance, *SIX)
    before = {path: path.read_bytes() for path in settings.warehouse.rglob("*.parquet")}
    again = run(settings, instance, *SIX)
    assert again.success
    assert {path: path.read_bytes() for path in settings.warehouse.rglob("*.parquet")} == before
    for event in again.get_asset_materialization_events():
        metadata = event.materialization.metadata
        assert metadata["revision"].value == "1 (unchanged)"
        assert metadata["fetched"].value is False


def test_refetch_asks_the_vendor_again(settings: Settings, instance: DagsterInstance) -> None:
    key = "2024-01-15|AAA-USD"
    run(settings, instance, key, key)
    again = run(settings, instance, key, key, selection=["trades"], refetch=True)
    (event,) = again.get_asset_materialization_events()
    assert event.materialization.metadata["fetched"].value is True
    assert event.materialization.metadata["revision"].value == "1 (unchanged)"


def test_a_subset_of_tables_makes_only_those(settings: Settings, instance: DagsterInstance) -> None:
    key = "2024-01-15|AAA-USD"
    assert run(settings, instance, key, key, selection=["trades"]).success
    assert materialized(instance, "trades") == {key}
    assert materialized(instance, "candles") == set()


def test_candles_without_trades_say_what_to_do(settings: Settings, instance: DagsterInstance) -> None:
    key = "2024-01-15|AAA-USD"
    result = run(settings, instance, key, key, selection=["candles"])
    assert not result.success
    assert "materialize sim/trades of that partition first" in failure_words(result)


def test_a_range_that_holds_no_partition_is_refused(settings: Settings, instance: DagsterInstance) -> None:
    result = run(settings, instance, "2024-01-15|BBB-USD", "2024-01-15|AAA-USD")
    assert not result.success


def test_what_concerns_no_single_partition_is_told_plainly_and_may_be_tried_again() -> None:
    with pytest.raises(dg.Failure) as told, bugs_are_told():
        raise OSError(errno.ENOSPC, "No space left on device", "/data/ledger.db")
    assert told.value.allow_retries
    assert str(told.value.description).startswith("/data/ledger.db: No space left on device; make room")
    with pytest.raises(dg.Failure, match="a bug: ValueError") as bug, bugs_are_told():
        raise ValueError
    assert not bug.value.allow_retries
