"""Runs over what is whole: nothing is made, fetched or recorded that need not be, and what was asked for is made."""

import gzip
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster import AssetsDefinition, DagsterEventType, DagsterInstance, ExecuteInProcessResult
from sqlalchemy import select

from market_data.definitions import build_defs
from market_data.domain.ports.source import Fetched
from market_data.landing import Landing
from market_data.ledger.schema import builds, revisions
from market_data.pipeline.workspace import opened
from market_data.settings import Settings
from market_data_tests.feeds import settings_of, simulated
from market_data_tests.runs import failure_words, materialized, run

FIRST, LAST = "2024-01-15|AAA-USD", "2024-01-17|BBB-USD"
ALL = {f"2024-01-{day}|{symbol}" for day in (15, 16, 17) for symbol in ("AAA-USD", "BBB-USD")}
TABLES = 6
OPTIONS = {"seed": 1, "trades_per_day": {"AAA-USD": 60, "BBB-USD": 30}}


def settings_in(folder: Path, **changes: Any) -> Settings:
    return settings_of(folder, {"sim": simulated(**{"options": OPTIONS, **changes})})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


def made(result: ExecuteInProcessResult) -> Counter[str]:
    """How many tables of each partition a run recorded."""
    events = result.get_asset_materialization_events()
    return Counter(str(event.partition) for event in events)


def judged(result: ExecuteInProcessResult) -> set[str | None]:
    """The partitions of which a run recorded what checks say; None is the range as a whole."""
    events = [each for each in result.all_events if each.event_type == DagsterEventType.ASSET_CHECK_EVALUATION]
    return {each.asset_check_evaluation_data.partition for each in events}


def words(instance: DagsterInstance, result: ExecuteInProcessResult) -> list[str]:
    told = [entry.user_message for entry in instance.all_logs(result.run_id)]
    return [each for each in told if "whole" in each or "after all" in each]


def state(settings: Settings) -> list[Any]:
    """Everything that the ledger says of revisions and builds."""
    with opened(settings) as workspace:
        rows = [workspace.ledger.all_rows(select(each).order_by(*each.primary_key)) for each in (revisions, builds)]
        return [tuple(row) for each in rows for row in each]


def replace_trades(settings: Settings, day: int, change: Callable[[bytes], bytes]) -> None:
    """Have other bytes landed of the trades of a day of AAA-USD."""
    feed, landing = settings.feeds["sim"], Landing(settings.landing)
    request = feed.request("trades", feed.partition("AAA-USD", feed.start.replace(day=day)))
    found = landing.find(request)
    assert found is not None
    with landing.workdir(request) as folder:
        path = folder / found[0].name
        path.write_bytes(gzip.compress(change(gzip.decompress(found[0].path.read_bytes()))))
        landing.land(request, [Fetched(path, path.name, "a test")])


def without_the_last(lines: bytes) -> bytes:
    """A vendor's file without its last twenty records."""
    *head, end = lines.decode().splitlines()
    count = int(end.removeprefix("# records: ")) - 20
    return "\n".join([*head[:-20], f"# records: {count}", ""]).encode()


def test_a_second_run_of_a_range_makes_and_records_nothing(settings: Settings, instance: DagsterInstance) -> None:
    assert made(run(settings, instance, FIRST, LAST)) == dict.fromkeys(ALL, TABLES)
    before = state(settings)
    again = run(settings, instance, FIRST, LAST)
    assert again.success
    assert (made(again), judged(again)) == ({}, {None})
    assert words(instance, again) == ["6 of 6 partitions are whole and are not made again"]
    assert state(settings) == before
    assert materialized(instance, "trades") == ALL


def test_a_range_that_was_cut_off_costs_what_is_left(settings: Settings, instance: DagsterInstance) -> None:
    run(settings, instance, FIRST, "2024-01-16|BBB-USD")
    rest = run(settings, instance, FIRST, LAST)
    assert made(rest) == dict.fromkeys((each for each in ALL if "17|" in each), TABLES)
    assert words(instance, rest) == ["4 of 6 partitions are whole and are not made again; 2 are missing"]


@pytest.mark.parametrize("wish", ["rebuild", "refetch"])
def test_who_wishes_it_has_what_is_whole_made_again(settings: Settings, instance: DagsterInstance, wish: str) -> None:
    run(settings, instance, FIRST, FIRST)
    wishes: dict[str, Any] = {wish: True}
    again = run(settings, instance, FIRST, FIRST, **wishes)
    assert made(again) == {FIRST: TABLES}
    fetched = [event.materialization.metadata["fetched"].value for event in again.get_asset_materialization_events()]
    assert (True in fetched) == (wish == "refetch")


def test_a_partition_that_is_chosen_by_hand_is_made(settings: Settings, instance: DagsterInstance) -> None:
    run(settings, instance, FIRST, FIRST)
    defs = build_defs(settings)
    (assets,) = (asset for asset in defs.assets or () if isinstance(asset, AssetsDefinition))
    again = dg.materialize([assets], resources=defs.resources, instance=instance, partition_key=FIRST)
    assert made(again) == {FIRST: TABLES}


def test_another_instance_is_told_without_the_work(tmp_path: Path, instance: DagsterInstance) -> None:
    settings = settings_in(tmp_path, options={**OPTIONS, "defects": True})
    first = run(settings, instance, FIRST, LAST)
    before = state(settings)
    with dg.DagsterInstance.ephemeral() as other:
        told = run(settings, other, FIRST, LAST)
        assert made(told) == dict.fromkeys(ALL, TABLES)
        assert judged(told) == {*ALL, None}
        assert (said(told), unsaid(told)) == (said(first), unsaid(first))
        assert state(settings) == before
        assert made(run(settings, other, FIRST, LAST)) == {}


def said(result: ExecuteInProcessResult) -> dict[tuple[str, str | None], tuple[bool, object]]:
    events = [each for each in result.all_events if each.event_type == DagsterEventType.ASSET_CHECK_EVALUATION]
    found = [each.asset_check_evaluation_data for each in events]
    return {(each.check_name, each.partition): (each.passed, each.severity) for each in found}


def unsaid(result: ExecuteInProcessResult) -> set[str]:
    """The checks whose evaluation names no materialization that it judges."""
    events = [each for each in result.all_events if each.event_type == DagsterEventType.ASSET_CHECK_EVALUATION]
    found = [each.asset_check_evaluation_data for each in events]
    return {each.check_name for each in found if each.partition and each.target_materialization_data is None}


def test_what_checks_said_of_whole_partitions_counts_in_the_verdict_of_the_range(
    tmp_path: Path, instance: DagsterInstance
) -> None:
    settings = settings_in(tmp_path, options={**OPTIONS, "defects": True})
    first = said(run(settings, instance, FIRST, LAST))
    again = said(run(settings, instance, FIRST, LAST))
    assert again == {key: verdict for key, verdict in first.items() if key[1] is None}
    assert any(not passed for passed, _ in again.values())


def test_a_backfills_own_runs_record_what_is_whole(settings: Settings, instance: DagsterInstance) -> None:
    run(settings, instance, FIRST, LAST)
    before = state(settings)
    defs = build_defs(settings)
    (assets,) = (asset for asset in defs.assets or () if isinstance(asset, AssetsDefinition))
    ends = {"dagster/asset_partition_range_start": FIRST, "dagster/asset_partition_range_end": LAST}
    tags = {**ends, "dagster/backfill": "a"}
    again = dg.materialize([assets], resources=defs.resources, instance=instance, tags=tags)
    assert made(again) == dict.fromkeys(ALL, TABLES)
    assert state(settings) == before


def test_a_day_whose_day_before_was_made_again_is_looked_at_again(
    settings: Settings, instance: DagsterInstance
) -> None:
    """The last trades of a day give the next its first candles, where it begins without a trade."""
    run(settings, instance, FIRST, LAST)
    replace_trades(settings, 15, without_the_last)
    again = run(settings, instance, FIRST, LAST)
    assert again.success
    assert {"2024-01-15|AAA-USD", "2024-01-16|AAA-USD"} <= set(made(again))
    assert not any("BBB" in key for key in made(again))
    assert words(instance, again)[0] == "5 of 6 partitions are whole and are not made again; 1 is of other inputs"
    assert made(run(settings, instance, FIRST, LAST)) == {}


def test_whole_partitions_of_a_run_that_fails_stay_materialized(settings: Settings, instance: DagsterInstance) -> None:
    """Dagster takes for failed what a failed run was to make and did not record."""
    run(settings, instance, FIRST, LAST)
    replace_trades(settings, 17, lambda _: b"these are not trades\n")
    bad = run(settings, instance, FIRST, LAST)
    assert not bad.success
    assert "1 of 6 partitions failed, the others are done." in failure_words(bad)
    assert set(made(bad)) == ALL
    assert made(bad)["2024-01-15|AAA-USD"] == TABLES


def test_a_subset_of_tables_is_whole_by_itself(settings: Settings, instance: DagsterInstance) -> None:
    run(settings, instance, FIRST, LAST, selection=["trades"])
    assert made(run(settings, instance, FIRST, LAST, selection=["trades"])) != {}, "no report keeps what checks said"
    run(settings, instance, FIRST, LAST)
    assert made(run(settings, instance, FIRST, LAST, selection=["trades"])) == {}
    assert made(run(settings, instance, FIRST, LAST, selection=["candles", "quality_reports"])) == {}


def test_progress_tells_of_whole_partitions_at_once(tmp_path: Path, instance: DagsterInstance) -> None:
    run(settings_in(tmp_path), instance, FIRST, "2024-01-16|BBB-USD")
    lines = tmp_path / "progress.jsonl"
    with pytest.MonkeyPatch.context() as process:
        process.setenv("MARKET_DATA_PROGRESS_FILE", str(lines))
        run(settings_in(tmp_path), instance, FIRST, LAST)
    told = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
    assert told[0] == {"stage": "whole", "partitions": 4}
    done = [line["partition"] for line in told if line["stage"] == "done"]
    assert done == sorted(each for each in ALL if "17|" in each)
