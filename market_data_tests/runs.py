"""Runs of a feed's assets in process, as `dagster asset materialize` makes them, and what they left behind."""

import pytest
from dagster import AssetKey, AssetsDefinition, DagsterEventType, DagsterInstance, ExecuteInProcessResult, materialize

from market_data.definitions import build_defs
from market_data.settings import Settings
from market_data_tests.databases import ledger_environment


def run(
    settings: Settings,
    instance: DagsterInstance,
    first: str,
    last: str,
    selection: list[str] | None = None,
    **options: object,
) -> ExecuteInProcessResult:
    """One run of the rectangle from the first to the last partition key, of the settings' only feed."""
    (feed,) = settings.feeds
    defs = build_defs(settings)
    (assets,) = (asset for asset in defs.assets or () if isinstance(asset, AssetsDefinition))
    with pytest.MonkeyPatch.context() as process:
        # A run is told its home; the ledger's URL may hold a password, so it comes from the environment alone.
        for name, value in ledger_environment(settings.home).items():
            process.setenv(name, value)
        return materialize(
            [assets],
            selection=[AssetKey([feed, name]) for name in selection] if selection else None,
            resources=defs.resources,
            instance=instance,
            tags={"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last},
            raise_on_error=False,
            run_config={"ops": {feed: {"config": options}}} if options else None,
        )


def materialized(instance: DagsterInstance, table: str, feed: str = "sim") -> set[str]:
    """The partitions of a table that Dagster knows as materialized."""
    return instance.get_materialized_partitions(AssetKey([feed, table]))


def failure_words(result: ExecuteInProcessResult) -> str:
    """What the run's one failure says to the user."""
    (failure,) = (event for event in result.all_events if event.event_type == DagsterEventType.STEP_FAILURE)
    told = failure.step_failure_data.user_failure_data
    return (told.description if told else None) or ""
