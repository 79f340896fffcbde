"""What the interface asks its server for: the asset graph, backfills, metadata, checks, schedules."""

import gzip
from collections.abc import Iterator
from typing import Any

import pytest

from market_data.domain.ports.source import Fetched
from market_data.landing import Landing
from market_data.settings import Settings
from market_data_tests.feeds import settings_of, simulated
from market_data_tests.ui.dev import Dev, dagster_dev, until

pytestmark = pytest.mark.slow

TABLES = ("instruments", "trades", "quotes", "vendor_candles", "candles", "quality_reports")
CHECKS = {
    "instruments": ("instruments",),
    "trades": ("completeness", "dedup", "freshness", "ordering", "prices", "row_account", "schema_drift", "tape"),
    "quotes": ("book",),
    "candles": ("ohlc", "timeframes", "vendor_candles"),
}
DAYS = ("2024-01-15", "2024-01-16", "2024-01-17")
SYMBOLS = ("AAA-USD", "BBB-USD")
ALL = {f"{day}|{symbol}" for day in DAYS for symbol in SYMBOLS}
AAA = {f"{day}|AAA-USD" for day in DAYS}
BAD = "2024-01-16|AAA-USD"
REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": "market_data"}

LAUNCH = """mutation($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
    ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
BACKFILL = """query($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill {
    status runs { status tags { key value } } error { message } } } }"""
GRAPH = """query($group: AssetGroupSelector!) { assetNodes(group: $group) {
    assetKey { path } groupName dependencyKeys { path } partitionKeys
    assetChecksOrError { ... on AssetChecks { checks { name description } } } } }"""
LATEST = """query($keys: [AssetKeyInput!]!, $partitions: [String!]!) { assetNodes(assetKeys: $keys) {
    partitionStats { numMaterialized numFailed }
    latestMaterializationByPartition(partitions: $partitions) { partition metadataEntries { label
        ... on IntMetadataEntry { intValue } ... on TextMetadataEntry { text } ... on MarkdownMetadataEntry { mdStr }
        ... on TimestampMetadataEntry { timestamp } } } } }"""
EXECUTIONS = """query($asset: AssetKeyInput!, $check: String!) {
    assetCheckExecutions(assetKey: $asset, checkName: $check, limit: 50) {
        status partition evaluation { success description metadataEntries { label } } } }"""
STATUSES = """query($keys: [AssetKeyInput!]!) { assetNodes(assetKeys: $keys) { assetChecksOrError { ... on AssetChecks {
    checks { name partitionStatuses { ... on AssetCheckMultiPartitionStatuses { ranges {
        primaryDimStartKey primaryDimEndKey secondaryDim { ... on AssetCheckDefaultPartitionStatuses {
            succeededPartitions failedPartitions executionFailedPartitions } } } } } } } } } }"""
STALE = """query($keys: [AssetKeyInput!]!, $key: String!) { assetNodes(assetKeys: $keys) {
    staleStatus(partition: $key) } }"""
SCHEDULES = """query($repository: RepositorySelector!) { schedulesOrError(repositorySelector: $repository) {
    ... on Schedules { results { name cronSchedule executionTimezone scheduleState { status } } } } }"""


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    settings = settings_of(tmp_path_factory.mktemp("ui"), {"sim": simulated(), "spoilt": simulated()})
    land_garbage(settings)
    with dagster_dev(settings) as started:
        yield started


@pytest.fixture(scope="module")
def backfills(dev: Dev) -> dict[str, Any]:
    """All assets of many partitions, to their end; both at once, because the daemon looks every 30 seconds."""
    launched = {feed: launch(dev, feed, keys) for feed, keys in (("sim", ALL), ("spoilt", AAA))}
    return {feed: until(lambda backfill=backfill: finished(dev, backfill)) for feed, backfill in launched.items()}


def land_garbage(settings: Settings) -> None:
    feed = settings.feeds["spoilt"]
    request = feed.request("trades", feed.partition("AAA-USD", feed.start.replace(day=16)))
    landing = Landing(settings.landing)
    with landing.workdir(request) as folder:
        path = folder / "trades.csv.gz"
        path.write_bytes(gzip.compress(b"these are not trades\n"))
        landing.land(request, [Fetched(path, path.name, "a test")])


def launch(dev: Dev, feed: str, partitions: set[str]) -> str:
    assets = [{"path": [feed, table]} for table in TABLES]
    answer = dev.ask(LAUNCH, params={"assetSelection": assets, "partitionNames": sorted(partitions)})
    return answer["launchPartitionBackfill"]["backfillId"]


def finished(dev: Dev, backfill: str) -> dict[str, Any] | None:
    found = dev.ask(BACKFILL, id=backfill)["partitionBackfillOrError"]
    assert found["error"] is None
    return None if found["status"] in {"REQUESTED", "FAILING", "CANCELING"} else found


def latest(dev: Dev, feed: str, table: str) -> tuple[dict[str, dict[str, Any]], int]:
    """The metadata of each materialized partition, and how many partitions failed."""
    answer = dev.ask(LATEST, keys=[{"path": [feed, table]}], partitions=sorted(ALL))
    (node,) = answer["assetNodes"]
    events = [event for event in node["latestMaterializationByPartition"] if event is not None]
    assert len(events) == node["partitionStats"]["numMaterialized"]
    told = {event["partition"]: values(event["metadataEntries"]) for event in events}
    return told, node["partitionStats"]["numFailed"]


def values(entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {entry.pop("label"): next(iter(entry.values()), None) for entry in entries}


def verdicts(dev: Dev, feed: str, table: str) -> dict[str, dict[str, set[str]]]:
    """The partitions of each verdict, by check, as the check's page draws them."""
    (node,) = dev.ask(STATUSES, keys=[{"path": [feed, table]}])["assetNodes"]
    found: dict[str, dict[str, set[str]]] = {}
    for check in node["assetChecksOrError"]["checks"]:
        by_verdict = found.setdefault(check["name"], {})
        for part in check["partitionStatuses"]["ranges"]:
            days = [day for day in DAYS if part["primaryDimStartKey"] <= day <= part["primaryDimEndKey"]]
            for verdict, symbols in part["secondaryDim"].items():
                by_verdict.setdefault(verdict, set()).update(f"{day}|{symbol}" for day in days for symbol in symbols)
    return found


def test_the_asset_graph_has_the_tables_with_their_dependencies_and_checks(dev: Dev) -> None:
    nodes = dev.ask(GRAPH, group={"groupName": "sim", **REPOSITORY})["assetNodes"]
    above = {node["assetKey"]["path"][-1]: {key["path"][-1] for key in node["dependencyKeys"]} for node in nodes}
    derived = {"candles": {"trades"}, "quality_reports": {*TABLES} - {"quality_reports"}}
    assert above == {table: derived.get(table, set()) for table in TABLES}
    checks = {node["assetKey"]["path"][-1]: node["assetChecksOrError"]["checks"] for node in nodes}
    names = {table: tuple(sorted(check["name"] for check in found)) for table, found in checks.items() if found}
    assert names == CHECKS
    assert all(check["description"] for found in checks.values() for check in found)
    assert all(set(node["partitionKeys"]) == ALL for node in nodes)


def test_the_daily_schedules_are_there_and_run(dev: Dev) -> None:
    schedules = dev.ask(SCHEDULES, repository=REPOSITORY)["schedulesOrError"]["results"]
    daily = {"cronSchedule": "0 9 * * *", "executionTimezone": "UTC", "scheduleState": {"status": "RUNNING"}}
    found = {schedule.pop("name"): schedule for schedule in schedules}
    assert found.pop("warehouse_upkeep") == daily | {"cronSchedule": "30 4 * * *"}
    assert found == {"sim_daily": daily, "spoilt_daily": daily}


def test_a_backfill_materializes_every_partition_of_every_asset_in_a_run_a_symbol(
    dev: Dev, backfills: dict[str, Any]
) -> None:
    assert backfills["sim"]["status"] == "COMPLETED_SUCCESS"
    for table in TABLES:
        told, failed = latest(dev, "sim", table)
        assert (set(told), failed) == (ALL, 0)
    ranges = set[tuple[str, str]]()
    for run in backfills["sim"]["runs"]:
        tags = {tag["key"]: tag["value"] for tag in run["tags"]}
        ranges.add((tags["dagster/asset_partition_range_start"], tags["dagster/asset_partition_range_end"]))
    assert ranges == {(f"{DAYS[0]}|{symbol}", f"{DAYS[-1]}|{symbol}") for symbol in SYMBOLS}


def test_a_partition_tells_its_account_its_file_its_times_and_shows_its_first_rows_and_a_chart(
    dev: Dev, backfills: dict[str, Any]
) -> None:
    key = "2024-01-15|AAA-USD"
    for table in ("trades", "candles"):
        told = latest(dev, "sim", table)[0][key]
        assert told["rows_in"] == told["rows_out"] + told["set_aside"] + told["deduplicated"]
        assert told["rows_out"] == told["dagster/row_count"] > 0
        assert told["bytes"] > 0
        assert len(bytes.fromhex(told["sha256"])) == 32
        assert told["source"] == "simulated"
        assert 1_705_276_800 <= told["first_time"] <= told["last_time"] < 1_705_363_200
        assert told["preview"].startswith("|")
    chart = latest(dev, "sim", "candles")[0][key]["chart"]
    assert "data:image/svg+xml;base64," in chart


def test_tables_and_charts_are_short_enough_to_be_shown_in_place(dev: Dev, backfills: dict[str, Any]) -> None:
    for table in TABLES:
        for told in latest(dev, "sim", table)[0].values():
            assert len(told["preview"]) < 1_000
            assert len(told.get("chart", "")) < 1_000


@pytest.mark.parametrize(("table", "check"), [(table, check) for table in CHECKS for check in CHECKS[table]])
def test_a_check_has_a_verdict_with_its_figures_for_each_partition(
    dev: Dev, backfills: dict[str, Any], table: str, check: str
) -> None:
    executions = dev.ask(EXECUTIONS, asset={"path": ["sim", table]}, check=check)["assetCheckExecutions"]
    assert {execution["status"] for execution in executions} == {"SUCCEEDED"}
    partitioned = {e["partition"]: e["evaluation"] for e in executions if e["partition"] is not None}
    assert set(partitioned) == ALL
    assert all(said["success"] and said["description"] and said["metadataEntries"] for said in partitioned.values())
    nowhere = {"failedPartitions": set[str](), "executionFailedPartitions": set[str]()}
    assert verdicts(dev, "sim", table)[check] == {"succeededPartitions": ALL, **nowhere}


def test_what_was_just_made_is_in_sync_and_knows_what_it_was_made_of(dev: Dev, backfills: dict[str, Any]) -> None:
    for table in TABLES:
        told = [dev.ask(STALE, keys=[{"path": ["sim", table]}], key=key)["assetNodes"][0] for key in sorted(ALL)]
        assert {each["staleStatus"] for each in told} == {"FRESH"}


def test_one_bad_partition_fails_alone(dev: Dev, backfills: dict[str, Any]) -> None:
    assert backfills["spoilt"]["status"] == "COMPLETED_FAILED"
    assert [run["status"] for run in backfills["spoilt"]["runs"]] == ["FAILURE"]
    for table in TABLES:
        told, failed = latest(dev, "spoilt", table)
        reached = table in {"instruments", "quotes", "vendor_candles"}
        assert (set(told), failed) == ((AAA, 0) if reached else (AAA - {BAD}, 1))
    for said in verdicts(dev, "spoilt", "candles").values():
        assert said["succeededPartitions"] == AAA - {BAD}
        assert said["executionFailedPartitions"] == {BAD}
