"""(i) A range of whole partitions run again, against its first run and against a run of assets without a partition.

All three in one process and on one instance's database each, so that ratios are of this machine at this hour; and
`market-data ingest` of the same range, which need not start a run, in a process of its own from its start to its end.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
from dagster import DagsterInstance

from market_data.assets.checks import check_specs
from market_data.assets.feed import feed_assets
from market_data.automation.partitions import days_by_symbol, range_tags
from market_data.pipeline.whole import whole
from market_data.pipeline.workspace import opened
from market_data.resources.platform import PlatformResource
from market_data.settings import Feed, Settings
from market_data_tests.feeds import settings_of, simulated

DAYS, SYMBOLS, TRADES = 30, 10, 100
BOUND_SECONDS = 5
"""For 300 whole partitions: `market-data ingest` from its start to its end."""
_DAGSTER_YAML = Path(__file__).parents[2] / "dagster.yaml"


def _settings(folder: Path) -> Settings:
    symbols = [f"S{number:02d}-USD" for number in range(SYMBOLS)]
    options = {"trades_per_day": dict.fromkeys(symbols, TRADES)}
    dates = {"start": "2024-01-01", "end": f"2024-01-{DAYS:02d}"}
    return settings_of(folder, {"bench": simulated(symbols=symbols, options=options, **dates)})


def _timed(assets: dg.AssetsDefinition, settings: Settings, feed: Feed, instance: DagsterInstance) -> tuple[float, int]:
    """Wall-clock seconds of one run of all partitions, and how many materializations it recorded."""
    platform = PlatformResource(home=str(settings.home), config=str(settings.config_path))
    tags = range_tags(feed, feed.start, feed.end or feed.start)
    began = time.perf_counter()
    done = dg.materialize([assets], instance=instance, resources={"platform": platform}, tags=tags)
    taken = time.perf_counter() - began
    if not done.success:
        raise SystemExit("the bench's own run failed")
    return taken, len(done.get_asset_materialization_events())


def _idle(feed: Feed, partitions: dg.MultiPartitionsDefinition) -> dg.AssetsDefinition:
    """Assets of the same names and partitions, with checks, of which a run does nothing: what Dagster itself takes."""
    checks = check_specs(feed, partitions)

    @dg.multi_asset(
        name=feed.name,
        specs=[dg.AssetSpec([feed.name, table], skippable=True) for table in feed.assets],
        check_specs=checks,
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        can_subset=True,
    )
    def nothing(platform: PlatformResource) -> Iterator[dg.AssetCheckResult]:
        for spec in checks:
            yield dg.AssetCheckResult(asset_key=spec.asset_key, check_name=spec.name, passed=True)

    return nothing


def _look(settings: Settings, feed: Feed) -> float:
    """Seconds of the one look alone."""
    with opened(settings) as workspace:
        days = [feed.start.replace(day=day + 1) for day in range(DAYS)]
        partitions = [feed.partition(symbol, day) for day in days for symbol in feed.symbols]
        began = time.perf_counter()
        _, found = whole(workspace, feed, partitions, feed.assets)
        taken = time.perf_counter() - began
    if any(found.values()):
        raise SystemExit(f"the bench's own partitions are not whole: {set(found.values())}")
    return taken


def _instance(home: Path) -> DagsterInstance:
    home.mkdir()
    shutil.copy(_DAGSTER_YAML, home)
    return DagsterInstance.from_config(str(home))


def _ingest(settings: Settings, feed: Feed, dagster_home: Path) -> float:
    """Seconds of the command over all partitions, which finds them whole."""
    words = ["ingest", feed.name, "--start", str(feed.start), "--end", str(feed.end), "--json"]
    places = {"MARKET_DATA_HOME": str(settings.home), "MARKET_DATA_CONFIG": str(settings.config_path)}
    environment = os.environ | places | {"DAGSTER_HOME": str(dagster_home)}
    began = time.perf_counter()
    command = [str(Path(sys.executable).with_name("market-data")), *words]
    told = subprocess.run(command, env=environment, capture_output=True, check=True).stdout
    taken = time.perf_counter() - began
    if json.loads(told)["partitions"]["whole"] != DAYS * SYMBOLS:
        raise SystemExit("the bench's own partitions are not whole")
    return taken


def run() -> dict[str, float | int]:
    """Return seconds, and ratios to the first run."""
    with tempfile.TemporaryDirectory() as temporary:
        settings = _settings(Path(temporary))
        feed = settings.feeds["bench"]
        partitions = days_by_symbol(feed)
        ours = feed_assets(feed, partitions)
        dagster_home = Path(temporary, "dagster")
        with _instance(dagster_home) as instance:
            first, made = _timed(ours, settings, feed, instance)
            look = _look(settings, feed)
            again, made_again = _timed(ours, settings, feed, instance)
            idle, _ = _timed(_idle(feed, partitions), settings, feed, instance)
        ingest = _ingest(settings, feed, dagster_home)
        with _instance(Path(temporary, "another")) as instance:
            told, _ = _timed(ours, settings, feed, instance)
    return {
        "partitions": DAYS * SYMBOLS,
        "first run, s": first,
        "  materializations": made,
        "run again, all whole, s": again,
        "  materializations again": made_again,
        "  of the first run": again / first,
        "Dagster's own, assets that do nothing, s": idle,
        "beside Dagster's own, s": again - idle,
        "market-data ingest, all whole, s": ingest,
        "  its bound, s": BOUND_SECONDS,
        "the look alone, s": look,
        "another instance is told all, s": told,
        "  of the first run, told": told / first,
    }
