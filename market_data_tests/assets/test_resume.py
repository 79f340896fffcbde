"""What a run recorded, as a retry from failure reads it: what may be left out, and what may not."""

from pathlib import Path

import dagster as dg
import pytest
from dagster import AssetsDefinition, DagsterInstance, DagsterRun

from market_data.assets.resume import earlier
from market_data.definitions import build_defs
from market_data.settings import Settings
from market_data_tests.feeds import settings_of, simulated

FIRST, LAST = "2024-01-15|AAA-USD", "2024-01-17|BBB-USD"
ALL = {f"2024-01-{day}|{symbol}" for day in (15, 16, 17) for symbol in ("AAA-USD", "BBB-USD")}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_of(tmp_path, {"sim": simulated()})


def made(settings: Settings, instance: DagsterInstance, *, checks: bool) -> DagsterRun:
    """A run of the trades of all partitions, with their checks or without."""
    defs = build_defs(settings)
    (assets,) = (asset for asset in defs.assets or () if isinstance(asset, AssetsDefinition))
    trades = dg.AssetSelection.assets(["sim", "trades"])
    tags = {"dagster/asset_partition_range_start": FIRST, "dagster/asset_partition_range_end": LAST}
    return dg.materialize(
        [assets],
        selection=trades if checks else trades.without_checks(),
        resources=defs.resources,
        instance=instance,
        tags=tags,
    ).dagster_run


def test_all_but_the_last_are_left_out_with_what_was_said_of_them(
    settings: Settings, instance: DagsterInstance
) -> None:
    found = earlier(instance, made(settings, instance, checks=True), {"trades"}, {"tape", "dedup"})
    assert found.done == ALL - {LAST}
    assert found.judged["tape"] == found.judged["dedup"] == dict.fromkeys(ALL - {LAST})


def test_a_partition_whose_checks_said_nothing_is_not_done_where_checks_are_asked_for(
    settings: Settings, instance: DagsterInstance
) -> None:
    run = made(settings, instance, checks=False)
    assert earlier(instance, run, {"trades"}, {"tape"}).done == set()
    assert earlier(instance, run, {"trades"}, ()).done == ALL - {LAST}


def test_a_partition_without_one_of_the_tables_is_not_done(settings: Settings, instance: DagsterInstance) -> None:
    run = made(settings, instance, checks=True)
    assert earlier(instance, run, {"trades", "candles"}, {"tape"}).done == set()
