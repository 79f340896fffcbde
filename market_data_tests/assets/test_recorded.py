"""The materialization that a check or a derived table refers to, where its id is remembered and not asked for."""

from pathlib import Path

from dagster import AssetKey, AssetRecordsFilter, DagsterEventType

from market_data_tests.feeds import settings_of, simulated
from market_data_tests.runs import dagster_home, instance_of, run

KEY = "2024-01-15|AAA-USD"


def test_checks_and_derived_tables_refer_to_the_materializations_of_their_own_run(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, {"sim": simulated()})
    dagster_home(settings.home)
    with instance_of(settings) as instance:
        for _ in range(2):
            done = run(settings, instance, KEY, KEY, rebuild=True)
            assert done.success
            ids: dict[str, int] = {}
            for table in ("trades", "candles", "quality_reports"):
                wanted = AssetRecordsFilter(AssetKey(["sim", table]), asset_partitions=[KEY])
                (record,) = instance.fetch_materializations(wanted, limit=1).records
                assert record.run_id == done.run_id
                ids[table] = record.storage_id
                if table != "trades":
                    assert record.asset_materialization is not None
                    tags = record.asset_materialization.tags or {}
                    assert tags["dagster/input_event_pointer/sim/trades"] == str(ids["trades"])
            for event in done.all_events:
                if event.event_type == DagsterEventType.ASSET_CHECK_EVALUATION:
                    told = event.asset_check_evaluation_data
                    if told.partition is not None and told.asset_key.path[-1] in ids:
                        assert told.target_materialization_data is not None
                        assert told.target_materialization_data.storage_id == ids[told.asset_key.path[-1]]
