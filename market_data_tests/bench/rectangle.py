"""(c) Many small partitions in one run, against empty assets that record the same, and Dagster's own storage."""

import shutil
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
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

DAYS = 10
SYMBOLS = 10
TRADES = 200
MOST_OF_EMPTY = 2.2
"""Bound of the run's time, as a multiple of the empty run's on the same storage."""
MOST_OF_DAGSTERS_OWN = 0.4
"""Bound of the run's time, as a part of that of the same run in Dagster's own storage, an event at a time."""
MOST_KB = 60
"""Bound of Dagster's files, kB a partition."""
_DAGSTER_YAML = Path(__file__).parents[2] / "dagster.yaml"


def _settings(folder: Path) -> Settings:
    folder.mkdir()
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


@dataclass(frozen=True, slots=True)
class _Timed:
    """One run on a fresh SQLite instance: wall-clock seconds, the events it wrote, by type, and Dagster's files."""

    seconds: float
    written: Counter[str]
    files_bytes: int
    done: dg.ExecuteInProcessResult


def _timed(assets: dg.AssetsDefinition, settings: Settings, feed: Feed, *, dagsters_own: bool = False) -> _Timed:
    platform = PlatformResource(home=str(settings.home), config=str(settings.config_path))
    tags = range_tags(feed, feed.start, feed.end or feed.start)
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        if not dagsters_own:
            shutil.copy(_DAGSTER_YAML, home)
        with dg.DagsterInstance.from_config(temporary) as instance:
            began = time.perf_counter()
            done = dg.materialize([assets], instance=instance, resources={"platform": platform}, tags=tags)
            taken = time.perf_counter() - began
        if not done.success:
            raise SystemExit("the bench's own run failed")
        with closing(sqlite3.connect(next(home.rglob(f"{done.run_id}.db")))) as connection:
            # A line of log is no event: ours says how many partitions are whole.
            query = (
                "SELECT dagster_event_type, count(*) FROM event_logs WHERE dagster_event_type IS NOT NULL GROUP BY 1"
            )
            rows = connection.execute(query).fetchall()
        size = sum(file.stat().st_size for file in home.rglob("*") if file.is_file())
    return _Timed(taken, Counter({str(kind): count for kind, count in rows}), size, done)


def run() -> dict[str, float | int]:
    """Ratios of wall-clock times with their bounds, events and bytes a partition. Each run begins from landed bytes."""
    with tempfile.TemporaryDirectory() as temporary:
        settings = _settings(Path(temporary) / "kept")
        feed = settings.feeds["bench"]
        partitions = days_by_symbol(feed)
        _land(settings, feed)
        others = _settings(Path(temporary) / "own")
        _land(others, others.feeds["bench"])
        ours = _timed(feed_assets(feed, partitions), settings, feed)
        empty = _timed(_empty(feed, partitions, list(_recorded(ours.done))), settings, feed)
        own = _timed(feed_assets(feed, partitions), others, feed, dagsters_own=True)
    if not ours.written == empty.written == own.written:
        raise SystemExit(f"the runs wrote different events: {ours.written}, {empty.written} and {own.written}")
    count = DAYS * SYMBOLS
    a_partition = {f"  {kind}": events / count for kind, events in ours.written.most_common() if events >= count}
    return {
        "partitions": count,
        "the platform, ms a partition": ours.seconds / count * 1_000,
        "empty assets, ms a partition": empty.seconds / count * 1_000,
        "in Dagster's own storage, ms a partition": own.seconds / count * 1_000,
        "ratio to empty assets": ours.seconds / empty.seconds,
        "  its bound": MOST_OF_EMPTY,
        "ratio to Dagster's own storage": ours.seconds / own.seconds,
        "  bound of that": MOST_OF_DAGSTERS_OWN,
        "Dagster's files, logs too, kB a partition": ours.files_bytes / count / 1_000,
        "  bound of those": MOST_KB,
        "  in Dagster's own storage": own.files_bytes / count / 1_000,
        "events a partition": sum(ours.written.values()) / count,
        **a_partition,
    }
