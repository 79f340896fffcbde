"""What Dagster calls unsynced: exactly what was made of bytes that were replaced since."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from dagster import AssetKey, AssetsDefinition, DagsterInstance
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.loader import LoadingContextForTest

from market_data.definitions import build_defs
from market_data.domain.ports.source import Fetched
from market_data.landing import Landing
from market_data.settings import Settings
from market_data_tests.feeds import settings_of, simulated
from market_data_tests.runs import run

TABLES = ("instruments", "trades", "quotes", "vendor_candles", "candles", "quality_reports")
FOUR = ("2024-01-15|AAA-USD", "2024-01-16|BBB-USD")
KEYS = tuple(f"2024-01-{day}|{symbol}" for day in (15, 16) for symbol in ("AAA-USD", "BBB-USD"))
CORRECTED = "2024-01-15|BBB-USD"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_of(tmp_path, {"sim": simulated()})


def statuses(settings: Settings, instance: DagsterInstance) -> dict[tuple[str, str], str]:
    """What Dagster says of every table and partition, by its own resolver, which its web interface asks too."""
    (assets,) = (each for each in build_defs(settings).assets or () if isinstance(each, AssetsDefinition))
    graph = AssetGraph.from_assets([assets])
    resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
    return {(table, key): resolver.get_status(AssetKey(["sim", table]), key).value for table in TABLES for key in KEYS}


def unsynced(settings: Settings, instance: DagsterInstance) -> set[tuple[str, str]]:
    return {place for place, status in statuses(settings, instance).items() if status == "STALE"}


def without_the_last(records: list[str]) -> list[str]:
    return records[:-1]


def received_later(records: list[str]) -> list[str]:
    """The first trade was received a nanosecond later, which no candle knows of."""
    trade_id, ts_event, ts_recv, *rest = records[0].split(",")
    return [",".join((trade_id, ts_event, str(int(ts_recv) + 1), *rest)), *records[1:]]


def correct(settings: Settings, table: str, change: Callable[[list[str]], list[str]] = without_the_last) -> None:
    """Land another file of the corrected partition, as if the vendor had replaced its own."""
    feed = settings.feeds["sim"]
    date, _, symbol = CORRECTED.partition("|")
    request = feed.request(table, feed.partition(symbol, feed.start.replace(day=int(date[-2:]))))
    landing = Landing(settings.landing)
    found = landing.find(request)
    assert found is not None
    (file,) = found
    title, header, *records, _ = gzip.decompress(file.path.read_bytes()).decode().splitlines()
    records = change(records)
    with landing.workdir(request) as folder:
        path = folder / file.name
        text = "\n".join([title, header, *records, f"# records: {len(records)}\n"])
        path.write_bytes(gzip.compress(text.encode(), mtime=0))
        landing.land(request, [Fetched(path, file.name, "a correction")])


def test_what_was_just_made_is_in_sync_and_so_it_stays_when_the_same_bytes_are_made_again(
    settings: Settings, instance: DagsterInstance
) -> None:
    assert run(settings, instance, *FOUR).success
    assert set(statuses(settings, instance).values()) == {"FRESH"}
    assert run(settings, instance, *FOUR, selection=["trades", "vendor_candles"]).success
    assert set(statuses(settings, instance).values()) == {"FRESH"}


@pytest.mark.parametrize(
    ("table", "dependents"), [("trades", {"candles", "quality_reports"}), ("vendor_candles", {"quality_reports"})]
)
def test_a_correction_makes_exactly_what_depends_on_it_unsynced_until_that_is_made_again(
    settings: Settings, instance: DagsterInstance, table: str, dependents: set[str]
) -> None:
    run(settings, instance, *FOUR)
    correct(settings, table)
    assert run(settings, instance, CORRECTED, CORRECTED, selection=[table]).success
    assert unsynced(settings, instance) == {(name, CORRECTED) for name in dependents}
    run(settings, instance, CORRECTED, CORRECTED, selection=sorted(dependents))
    assert unsynced(settings, instance) == set()


def test_dependents_that_turn_out_the_same_bytes_are_in_sync_again(
    settings: Settings, instance: DagsterInstance
) -> None:
    run(settings, instance, *FOUR)
    correct(settings, "trades", received_later)
    run(settings, instance, CORRECTED, CORRECTED, selection=["trades"])
    assert unsynced(settings, instance) == {("candles", CORRECTED), ("quality_reports", CORRECTED)}
    again = run(settings, instance, CORRECTED, CORRECTED, selection=["candles", "quality_reports"])
    told = [event.materialization.metadata["revision"].value for event in again.get_asset_materialization_events()]
    assert told[0] == "1 (unchanged)"
    assert unsynced(settings, instance) == set()


def test_an_input_that_did_not_exist_yet_makes_what_lacked_it_unsynced_when_it_comes(
    settings: Settings, instance: DagsterInstance
) -> None:
    others = [table for table in TABLES if table != "quotes"]
    run(settings, instance, *FOUR, selection=others)
    assert unsynced(settings, instance) == set()
    run(settings, instance, CORRECTED, CORRECTED, selection=["quotes"])
    assert unsynced(settings, instance) == {("quality_reports", CORRECTED)}
