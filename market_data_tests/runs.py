"""Dagster for tests: runs in process, as `dagster asset materialize` makes them, instances, and what they recorded."""

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

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
    with _databases_of(settings):  # a run is told its home; a URL may hold a password, so it is in no configuration
        return materialize(
            [assets],
            selection=[AssetKey([feed, name]) for name in selection] if selection else None,
            resources=defs.resources,
            instance=instance,
            tags={"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last},
            raise_on_error=False,
            run_config={"ops": {feed: {"config": options}}} if options else None,
        )


def dagster_home(home: Path) -> Path:
    """Dagster's folder below a home, with the project's own configuration."""
    folder = home / "dagster"
    folder.mkdir(parents=True)
    shutil.copy(Path(__file__).parents[1] / "dagster.yaml", folder)
    return folder


@contextmanager
def instance_of(settings: Settings) -> Generator[DagsterInstance]:
    """The instance of a home, as the processes of a test find it."""
    with _databases_of(settings), DagsterInstance.from_config(str(settings.home / "dagster")) as found:
        yield found


@contextmanager
def _databases_of(settings: Settings) -> Generator[None]:
    with pytest.MonkeyPatch.context() as process:
        for name, value in ledger_environment(settings.home).items():
            process.setenv(name, value)
        yield


def materialized(instance: DagsterInstance, table: str, feed: str = "sim") -> set[str]:
    """The partitions of a table that Dagster knows as materialized."""
    return instance.get_materialized_partitions(AssetKey([feed, table]))


def failure_words(result: ExecuteInProcessResult) -> str:
    """What the run's one failure says to the user."""
    (failure,) = (event for event in result.all_events if event.event_type == DagsterEventType.STEP_FAILURE)
    told = failure.step_failure_data.user_failure_data
    return (told.description if told else None) or ""
