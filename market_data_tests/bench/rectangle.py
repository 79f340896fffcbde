"""(c) Many small partitions as one rectangle in one run, against empty assets that record the same events."""

import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg

from market_data.assets import feed as feed_assets_module
from market_data.assets.checks import check_specs
from market_data.assets.feed import FeedRun, feed_assets
from market_data.automation.partitions import days_by_symbol, range_tags
from market_data.pipeline.fetch import bring
from market_data.pipeline.workspace import opened
from market_data.resources.platform import PlatformResource
from market_data.settings import Feed, Settings
from market_data_tests.feeds import settings_of, simulated

DAYS = 30
SYMBOLS = 30
TRADES = 100


def _settings(folder: Path) -> Settings:
    symbols = [f"S{number:02d}-USD" for number in range(SYMBOLS)]
    options = {"trades_per_day": dict.fromkeys(symbols, TRADES)}
    dates = {"start": "2024-01-01", "end": f"2024-01-{DAYS:02d}"}
    return settings_of(folder, {"bench": simulated(symbols=symbols, tables=["trades"], options=options, **dates)})


def _land(settings: Settings, feed: Feed) -> None:
    """The vendor's own time is not measured: everything is landed before."""
    with opened(settings) as workspace:
        for day in range(DAYS):
            for symbol in feed.symbols:
                date = feed.start.replace(day=day + 1)
                bring(workspace, feed, feed.request("trades", feed.partition(symbol, date)), refetch=False)


def _recorded(done: dg.ExecuteInProcessResult) -> Iterator[Any]:
    """What a run recorded, as an asset would yield it."""
    for event in done.all_events:
        if event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION:
            yield event.step_materialization_data.materialization
        elif event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            told = event.asset_check_evaluation_data
            if told.partition is not None:
                yield told
            else:  # over all partitions: what the run says of a check at its end
                yield dg.AssetCheckResult(
                    asset_key=told.asset_key,
                    check_name=told.check_name,
                    passed=told.passed,
                    severity=told.severity,
                    description=told.description,
                    metadata=told.metadata,
                )


def _empty(feed: Feed, partitions: dg.MultiPartitionsDefinition, events: list[Any]) -> dg.AssetsDefinition:
    """Assets of the same names that do nothing but yield the same events."""

    @dg.multi_asset(
        name=feed.name,
        specs=[feed_assets_module._spec(feed, table, None) for table in feed.assets],
        check_specs=check_specs(feed, partitions),
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        can_subset=True,
    )
    def nothing(context: dg.AssetExecutionContext, config: FeedRun, platform: PlatformResource) -> Iterator[Any]:
        assert len(context.partition_keys) == DAYS * SYMBOLS
        yield from events

    return nothing


def _timed(
    assets: dg.AssetsDefinition, settings: Settings, feed: Feed
) -> tuple[float, Counter[str], dg.ExecuteInProcessResult]:
    """Wall-clock seconds of one run on a fresh SQLite instance, the events it wrote, by type, and the run."""
    platform = PlatformResource(home=str(settings.home), config=str(settings.config_path))
    tags = range_tags(feed, feed.start, feed.end or feed.start)
    with tempfile.TemporaryDirectory() as home, dg.DagsterInstance.local_temp(home) as instance:
        began = time.perf_counter()
        done = dg.materialize([assets], instance=instance, resources={"platform": platform}, tags=tags)
        taken = time.perf_counter() - began
        if not done.success:
            raise SystemExit("the bench's own run failed")
        database = next(Path(home).rglob(f"{done.run_id}.db"))
        with sqlite3.connect(database) as connection:
            rows = connection.execute("SELECT dagster_event_type, count(*) FROM event_logs GROUP BY 1").fetchall()
    return taken, Counter({str(kind): count for kind, count in rows}), done


def run() -> dict[str, float | int]:
    """Ratio of wall-clock times and events a partition."""
    with tempfile.TemporaryDirectory() as temporary:
        settings = _settings(Path(temporary))
        feed = settings.feeds["bench"]
        partitions = days_by_symbol(feed)
        _land(settings, feed)
        ours, written, done = _timed(feed_assets(feed, partitions), settings, feed)
        empty, written_empty, _ = _timed(_empty(feed, partitions, list(_recorded(done))), settings, feed)
    if written != written_empty:
        raise SystemExit(f"the two runs wrote different events: {written} and {written_empty}")
    count = DAYS * SYMBOLS
    a_partition = {f"  {kind}": events / count for kind, events in written.most_common() if events >= count}
    return {
        "partitions": count,
        "empty assets, s": empty,
        "the platform, s": ours,
        "ratio": ours / empty,
        "platform's own time a partition, ms": (ours - empty) / count * 1_000,
        "events a partition": sum(written.values()) / count,
        **a_partition,
    }
