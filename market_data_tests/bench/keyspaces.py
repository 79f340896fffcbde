"""(j) How large a feed's key space may be: definitions, a partition, and the web interface's queries, full and empty.

What the interface asks was seen in a browser; here stand the fields of those queries that cost something, under the
interface's own names for them. Partitions are entered into Dagster's event log by SQL, in the form Dagster gave one of
them: a run would take hours.
"""

import datetime as dt
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg

from market_data.automation.partitions import days_by_symbol
from market_data.definitions import build_defs
from market_data.settings import Feed, Settings
from market_data_tests.bench.measure import best_seconds
from market_data_tests.feeds import environment_of, settings_of, simulated
from market_data_tests.runs import instance_of
from market_data_tests.ui.dev import Dev, dagster_dev

SIZES = {"10 k": (334, 30), "100 k": (1_000, 100), "866 k": (2_888, 300), "1.4 M": (2_800, 500)}
START = dt.date(2019, 1, 1)
LOAD_BOUND, ONE_BOUND, QUERY_BOUND = 3, 5, 3

QUERIES = {
    "AssetGraphLiveQuery": "query($key: AssetKeyInput!) { assetNodes(assetKeys: [$key], loadMaterializations: true) "
    "{ assetMaterializations(limit: 1) { timestamp } partitionStats { numMaterialized numPartitions numFailed } } }",
    "AssetViewDefinitionQuery": "query($key: AssetKeyInput!) { assetOrError(assetKey: $key) { ... on Asset "
    "{ definition { opNames partitionDefinition { description dimensionTypes { name type } } } } } }",
    "PartitionHealthQuery": "query($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode "
    "{ partitionKeysByDimension { name partitionKeys } assetPartitionStatuses { ... on MultiPartitionStatuses "
    "{ ranges { primaryDimStartKey primaryDimEndKey secondaryDim { ... on DefaultPartitionStatuses "
    "{ materializedPartitions materializingPartitions failedPartitions } } } } } } } }",
}
LAUNCH = """mutation($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
CANCEL = "mutation($id: String!) { cancelPartitionBackfill(backfillId: $id) { __typename } }"


def _settings(folder: Path, days: int, symbols: int) -> Settings:
    names = [f"S{number:04d}-USD" for number in range(symbols)]
    end = START + dt.timedelta(days=days - 1)
    options = {"trades_per_day": dict.fromkeys(names, 20)}
    changes = {"symbols": names, "tables": ["trades"], "start": START.isoformat(), "end": end.isoformat()}
    return settings_of(folder, {"sim": simulated(**changes, options=options)}, partitions_per_feed=days * symbols)


def _seconds(work: Callable[[], object]) -> float:
    return best_seconds(work, repeats=1)


def _python(settings: Settings, *arguments: str) -> float:
    """Processor seconds of a process on these settings: other work on the machine spares them."""
    environment = os.environ | environment_of(settings) | {"DAGSTER_HOME": str(settings.home / "dagster")}
    before = os.times()
    done = subprocess.run(
        [sys.executable, *arguments], cwd=settings.home, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"the bench's own process failed: {done.stdout[-2_000:]}{done.stderr[-2_000:]}")
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def _definitions(settings: Settings, feed: Feed) -> dict[str, float | int]:
    keys = days_by_symbol(feed)
    first = f"{START}|S0000-USD"
    began = time.perf_counter()
    build_defs(settings).get_repository_def().get_all_jobs()
    loaded = time.perf_counter() - began
    return {
        "keys": keys.get_num_partitions(),
        f"definitions load, s (at most {LOAD_BOUND})": loaded,
        "get_partition_keys, s": _seconds(keys.get_partition_keys),
        "has_partition_key, ms": best_seconds(lambda: keys.has_partition_key(first)) * 1_000,
    }


def _one(settings: Settings) -> float:
    """Processor seconds of `dagster asset materialize` of one partition, beyond the import of the same modules."""
    imported = _python(settings, "-c", "import dagster._cli.asset, market_data.definitions")
    selection = ["--select", "key:sim/trades", "--partition", f"{START}|S0000-USD"]
    return _python(settings, "-m", "dagster", "asset", "materialize", "-m", "market_data.definitions", *selection) - (
        imported
    )


def _fill(settings: Settings, feed: Feed) -> None:
    """Enters every partition of the feed's trades as materialized."""
    key, first = dg.AssetKey([feed.name, "trades"]), f"{START}|S0000-USD"
    days = range(((feed.end or START) - START).days + 1)
    keys = ((f"{START + dt.timedelta(days=day)}|{symbol}", first) for day in days for symbol in feed.symbols)
    with instance_of(settings) as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization(key, partition=first))
        with sqlite3.connect(next(settings.home.rglob("index.db"))) as connection:
            connection.execute("CREATE TEMP TABLE keys (key TEXT, template TEXT)")
            connection.executemany("INSERT INTO keys VALUES (?, ?)", keys)
            connection.execute(
                "INSERT INTO event_logs (run_id, event, dagster_event_type, timestamp, step_key, asset_key, partition) "
                "SELECT run_id, replace(event, template, key), dagster_event_type, timestamp, step_key, asset_key, key "
                "FROM event_logs JOIN keys ON partition = template WHERE asset_key = ? AND "
                "dagster_event_type = 'ASSET_MATERIALIZATION'",
                (key.to_string(),),
            )
        # Dagster looks at an asset's events only when the newest is newer than what it knows.
        instance.report_runless_asset_event(dg.AssetMaterialization(key, partition=first))


def _asked(dev: Dev, when: str) -> Iterator[tuple[str, float]]:
    key = {"path": ["sim", "trades"]}
    for name, query in QUERIES.items():
        yield f"{when}: {name}, first, s", _seconds(lambda query=query: dev.ask(query, key=key))
        later = best_seconds(lambda query=query: dev.ask(query, key=key))
        yield f"{when}: {name}, s (at most {QUERY_BOUND})", later


def _launched(dev: Dev, feed: Feed, days: int, symbols: int) -> float:
    """Seconds until the interface's server has taken a backfill; it is cancelled then."""
    names = list(feed.symbols)[:symbols]
    keys = [f"{START + dt.timedelta(days=day)}|{symbol}" for day in range(days) for symbol in names]
    params: dict[str, Any] = {"assetSelection": [{"path": ["sim", "trades"]}], "partitionNames": keys}
    began = time.perf_counter()
    answer = dev.ask(LAUNCH, params=params)["launchPartitionBackfill"]
    taken = time.perf_counter() - began
    dev.ask(CANCEL, id=answer["backfillId"])
    return taken


@contextmanager
def _patient(settings: Settings) -> Generator[Dev]:
    with dagster_dev(settings) as dev:
        dev.client.timeout = 600
        yield dev


def _measured(folder: Path, days: int, symbols: int) -> dict[str, float | int]:
    settings = _settings(folder, days, symbols)
    feed = settings.feeds["sim"]
    figures = _definitions(settings, feed)
    with _patient(settings) as dev:
        figures[f"materialize one beyond import, processor s (at most {ONE_BOUND})"] = _one(settings)
        figures |= dict(_asked(dev, "empty"))
        _fill(settings, feed)
        figures |= dict(_asked(dev, "full"))
        figures["launch 1 partition, s"] = _launched(dev, feed, 1, 1)
        figures["launch 900 partitions, s"] = _launched(dev, feed, 30, 30)
    return figures


def run(sizes: dict[str, tuple[int, int]] = SIZES) -> dict[str, dict[str, float | int]]:
    """The figures of each size."""
    found: dict[str, dict[str, float | int]] = {}
    for name, (days, symbols) in sizes.items():
        with tempfile.TemporaryDirectory() as temporary:
            found[name] = _measured(Path(temporary), days, symbols)
    return found
