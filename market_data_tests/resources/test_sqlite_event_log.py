"""Dagster's event log in kept SQLite files: that it holds what Dagster's own would, whoever else writes or dies."""

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterEventType, DagsterInstance, EventLogEntry
from dagster._core.definitions.partitions.subset import DefaultPartitionsSubset
from dagster._core.events import AssetMaterializationPlannedData, DagsterEvent, StepMaterializationData
from dagster._core.storage.dagster_run import DagsterRunStatus
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._serdes import serialize_value

from market_data.resources.instance_storage import Instance
from market_data.resources.sqlite_event_log import OPEN_FILES, SqliteEventLog

ROOT = Path(__file__).parents[2]
TRADES = dg.AssetKey(["demo", "trades"])
DAYS = dg.StaticPartitionsDefinition(["2024-01-01", "2024-01-02", "2024-01-03"])


@dg.multi_asset(
    specs=[dg.AssetSpec(TRADES, skippable=True)],
    check_specs=[dg.AssetCheckSpec("rows", asset=TRADES, partitions_def=DAYS)],
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    name="demo",
)
def demo(context: dg.AssetExecutionContext) -> Iterator[dg.AssetCheckResult]:
    for day in context.partition_keys:
        context.log_event(dg.AssetMaterialization(TRADES, partition=day, metadata={"day": day}))
        passed = day != "2024-01-02"
        evaluation = dg.AssetCheckEvaluation(asset_key=TRADES, check_name="rows", passed=passed, partition=day)
        context.log_event(evaluation)  # pyright: ignore[reportArgumentType]  it takes these too
    yield from ()
    yield dg.AssetCheckResult(asset_key=TRADES, check_name="rows", passed=False)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("MARKET_DATA_POSTGRES_URL", raising=False)
    folder = tmp_path / "dagster"
    folder.mkdir()
    shutil.copy(ROOT / "dagster.yaml", folder)
    return folder


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteEventLog]:
    storage = SqliteEventLog(str(tmp_path / "runs"))
    yield storage
    storage.dispose()


def materialized(run_id: str, partition: str) -> EventLogEntry:
    event = DagsterEvent(
        DagsterEventType.ASSET_MATERIALIZATION.value,
        job_name="job",
        event_specific_data=StepMaterializationData(dg.AssetMaterialization(TRADES, partition=partition)),
    )
    return EventLogEntry(None, 10, "", run_id, time.time(), job_name="job", dagster_event=event)


def partitions(storage: SqliteEventLogStorage, run_id: str) -> list[str | None]:
    records = storage.get_records_for_run(run_id).records
    return [record.event_log_entry.get_dagster_event().partition for record in records]


def told(instance: DagsterInstance) -> dict[str, object]:
    """All that an instance says of the one run of `demo`, but for times and ids."""
    (run,) = instance.get_runs()
    found = instance.fetch_materializations(TRADES, limit=10).records
    statuses = instance.event_log_storage.get_asset_check_execution_history(dg.AssetCheckKey(TRADES, "rows"), limit=20)
    return {
        "status": run.status,
        **told_of(instance, run.run_id),
        "materialized": [(record.storage_id, record.partition_key) for record in found],
        "partitions": instance.get_materialized_partitions(TRADES),
        "checks": sorted((str(each.partition), each.status.value) for each in statuses),
    }


def told_of(instance: DagsterInstance, run_id: str) -> dict[str, object]:
    events = [entry.get_dagster_event() for entry in instance.all_logs(run_id) if entry.is_dagster_event]
    told = [(event.event_type_value, str(event.partition)) for event in events]
    plans = [each for each in told if each[0] == DagsterEventType.ASSET_MATERIALIZATION_PLANNED.value]
    return {"events": [each for each in told if each not in plans], "plans": sorted(plans)}


def planned(instance: DagsterInstance) -> dict[str, object]:
    """All that an instance says of a run of `demo` that is only planned."""
    job = dg.Definitions([demo]).resolve_implicit_global_asset_job_def()
    tags = {"dagster/asset_partition_range_start": "2024-01-01", "dagster/asset_partition_range_end": "2024-01-03"}
    run = instance.create_run_for_job(job, tags=tags, asset_selection=frozenset({TRADES}))
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key
    check = dg.AssetCheckKey(TRADES, "rows")
    (record,) = instance.get_asset_records([TRADES])
    wanted = dg.EventRecordsFilter(DagsterEventType.ASSET_MATERIALIZATION_PLANNED, asset_key=TRADES)
    fetched = instance.event_log_storage.get_event_records(wanted, limit=10)
    history = instance.event_log_storage.get_asset_check_execution_history(check, limit=10)
    return told_of(instance, run.run_id) | {
        "last run": record.asset_entry.last_run_id == run.run_id,
        "planned": sorted(str(each.partition_key) for each in fetched),
        "planned checks": [
            entry.get_dagster_event().asset_check_planned_data
            for entry in instance.all_logs(run.run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED)
        ],
        "texts": sorted(_without_time(each.event_log_entry) for each in fetched),
        "checks": sorted((str(each.partition), each.status.value) for each in history),
        "of the runs' last check": {
            key: (each.run_id == run.run_id, each.status) for key, each in latest([check]).items()
        },
    }


def _without_time(entry: EventLogEntry) -> str:
    return serialize_value(entry._replace(timestamp=0, run_id="run"))


def test_a_planned_run_says_what_it_says_in_dagsters_own_storage(home: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    with DagsterInstance.local_temp(str(tmp_path / "plain")) as plain:
        expected = planned(plain)
    with DagsterInstance.from_config(str(home)) as instance:
        assert planned(instance) == expected
    assert expected["checks"] == [(day, "PLANNED") for day in DAYS.get_partition_keys()]


def run_demo(instance: DagsterInstance) -> dict[str, object]:
    done = dg.materialize(
        [demo],
        instance=instance,
        tags={
            "dagster/asset_partition_range_start": "2024-01-01",
            "dagster/asset_partition_range_end": "2024-01-03",
        },
    )
    assert done.success
    return told(instance)


def test_a_run_says_what_it_says_in_dagsters_own_storage(home: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    with DagsterInstance.local_temp(str(tmp_path / "plain")) as plain:
        expected = run_demo(plain)
    with DagsterInstance.from_config(str(home)) as instance:
        assert isinstance(instance, Instance)
        assert isinstance(instance.event_log_storage, SqliteEventLog)
        assert run_demo(instance) == expected
    assert expected["status"] == DagsterRunStatus.SUCCESS


def test_dagsters_own_class_reads_the_files_and_writes_on_while_they_are_open(log: SqliteEventLog) -> None:
    folder = str(Path(log.path_for_shard("run")).parent)
    log.store_event(materialized("run", "a"))
    plain = SqliteEventLogStorage(folder)
    assert partitions(plain, "run") == ["a"]
    plain.store_event(materialized("run", "b"))
    log.store_event(materialized("run", "c"))
    assert partitions(log, "run") == partitions(plain, "run") == ["a", "b", "c"]
    assert log.get_materialized_partitions(TRADES) == plain.get_materialized_partitions(TRADES) == {"a", "b", "c"}
    assert log.alembic_version() == plain.alembic_version()


def _write(folder: str, run_id: str, count: int) -> None:
    storage = SqliteEventLog(folder)
    for number in range(count):
        storage.store_event(materialized(run_id, f"{os.getpid()}-{number}"))
    storage.dispose()


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    folder, context = str(tmp_path / "runs"), multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(folder, run, 40)) for run in ("one", "one", "two")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    storage = SqliteEventLog(folder)
    assert (len(partitions(storage, "one")), len(partitions(storage, "two"))) == (80, 40)
    assert len(storage.get_materialized_partitions(TRADES)) == 120
    storage.dispose()


def test_threads_that_write_at_once_lose_nothing(log: SqliteEventLog) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: log.store_event(materialized(f"run{number % 2}", str(number))), range(60)))
    assert len(log.get_materialized_partitions(TRADES)) == 60
    assert len(partitions(log, "run0")) == 30


def test_what_a_killed_writer_said_is_there_and_others_write_on(tmp_path: Path) -> None:
    folder = str(tmp_path / "runs")
    code = f"""
        from market_data.resources.sqlite_event_log import SqliteEventLog
        from market_data_tests.resources.test_sqlite_event_log import materialized
        storage = SqliteEventLog({folder!r})
        for number in range(100_000):
            storage.store_event(materialized("run", str(number)))
            print(number, flush=True)
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        while int(writer.stdout.readline()) < 20:
            pass
        writer.send_signal(signal.SIGKILL)
        said = writer.stdout.read().split()
    last = int(said[-1]) if said else 20
    storage = SqliteEventLog(folder)
    kept = [int(str(each)) for each in partitions(storage, "run")]
    assert kept in (list(range(last + 1)), list(range(last + 2)))  # the one that was not yet told of may be there
    indexed = {int(each) for each in storage.get_materialized_partitions(TRADES)}
    assert indexed in (set(range(last + 1)), set(range(last + 2)))
    storage.store_event(materialized("run", "again"))
    assert "again" in storage.get_materialized_partitions(TRADES)
    storage.dispose()


def descriptors(folder: Path) -> set[str]:
    """The names of the folder's files that this process holds open."""
    found = set[str]()
    for link in Path("/proc/self/fd").iterdir():
        try:
            target = link.readlink()
        except FileNotFoundError:
            continue
        if target.parent == folder:
            found.add(target.name)
    return found


def test_of_many_runs_only_the_latest_stay_open(log: SqliteEventLog) -> None:
    folder = Path(log.path_for_shard("run")).parent
    for number in range(50):
        log.store_event(materialized(f"run{number}", str(number)))
    held = descriptors(folder)
    assert {name.partition(".")[0] for name in held} == {"index", *(f"run{number}" for number in range(42, 50))}
    assert len(held) <= 3 * OPEN_FILES
    assert [partitions(log, f"run{number}") for number in range(50)] == [[str(number)] for number in range(50)]
    log.dispose()
    assert descriptors(folder) == set()


def test_events_of_a_deleted_run_are_gone_and_its_neighbours_stay(home: Path) -> None:
    with DagsterInstance.from_config(str(home)) as instance:
        run_demo(instance)
        (run,) = instance.get_runs()
        instance.event_log_storage.store_event(materialized("other", "2024-01-02"))
        instance.delete_run(run.run_id)
        assert instance.get_runs() == []
        assert instance.all_logs(run.run_id) == []
        assert instance.get_materialized_partitions(TRADES) == {"2024-01-02"}


def test_after_another_process_wiped_the_log_events_go_into_new_files(log: SqliteEventLog) -> None:
    log.store_event(materialized("run", "old"))
    SqliteEventLogStorage(str(Path(log.path_for_shard("run")).parent)).wipe()
    log.store_event(materialized("run", "new"))
    plain = SqliteEventLogStorage(str(Path(log.path_for_shard("run")).parent))
    assert partitions(plain, "run") == ["new"]
    log.wipe()
    assert partitions(log, "run") == []
    assert plain.get_materialized_partitions(TRADES) == set()


def test_a_forked_process_writes_by_files_of_its_own(log: SqliteEventLog) -> None:
    log.store_event(materialized("run", "parent"))
    context = multiprocessing.get_context("fork")
    child = context.Process(target=lambda: log.store_event(materialized("run", "child")))
    child.start()
    child.join()
    assert child.exitcode == 0
    log.store_event(materialized("run", "later"))
    assert partitions(log, "run") == ["parent", "child", "later"]


@pytest.mark.parametrize("watching", [SqliteEventLog, SqliteEventLogStorage])
def test_who_watches_a_run_is_told_of_each_event(log: SqliteEventLog, watching: type[SqliteEventLogStorage]) -> None:
    log.store_event(materialized("run", "before"))
    watcher = watching(str(Path(log.path_for_shard("run")).parent))
    seen: list[str | None] = []
    came = threading.Condition()

    def note(entry: EventLogEntry, cursor: str) -> None:
        with came:
            seen.append(entry.get_dagster_event().partition)
            came.notify_all()

    watcher.watch("run", None, note)
    for number in range(3):
        log.store_event(materialized("run", str(number)))
        with came:
            assert came.wait_for(lambda wanted=str(number): wanted in seen, timeout=30)
    assert seen == ["before", "0", "1", "2"]
    watcher.end_watch("run", note)
    watcher.dispose()


def test_the_id_of_a_materialization_is_known_without_asking(log: SqliteEventLog) -> None:
    for day in ("a", "b", "a"):
        log.store_event(materialized("run", day))
    kept = log.written(TRADES, "a", "run")
    asked = log.fetch_materializations(dg.AssetRecordsFilter(TRADES, asset_partitions=["a"]), limit=1).records[0]
    assert kept == asked
    assert log.written(TRADES, "a", "another run") is None
    assert log.written(TRADES, "c", "run") is None


def intended(run_id: str, asset: str, partition: str | None) -> EventLogEntry:
    event = DagsterEvent.build_asset_materialization_planned_event(
        "job", "step", AssetMaterializationPlannedData(dg.AssetKey([asset]), partition=partition)
    )
    return EventLogEntry(None, 10, "", run_id, time.time(), job_name="job", dagster_event=event)


def test_one_event_for_many_partitions_is_stored_as_one_of_each(log: SqliteEventLog, tmp_path: Path) -> None:
    keys = ["a", 'quoted " one', "Münze|€ \U0001f4c8", "back\\slash", "the partition of this event"]
    subset = DefaultPartitionsSubset(set(keys))
    of_all = DagsterEvent.build_asset_materialization_planned_event(
        "job", "step", AssetMaterializationPlannedData(TRADES, partitions_subset=subset)
    )
    entry = EventLogEntry(None, 10, "", "run", 1_700_000_000.5, job_name="job", dagster_event=of_all)
    plain = SqliteEventLogStorage(str(tmp_path / "plain"))
    for key in sorted(keys):
        one = of_all._replace(event_specific_data=AssetMaterializationPlannedData(TRADES, partition=key))
        plain.store_event(entry._replace(dagster_event=one))
    log.store_event(entry)
    wanted = dg.EventRecordsFilter(DagsterEventType.ASSET_MATERIALIZATION_PLANNED, asset_key=TRADES)
    for each in (log, plain):
        assert [record.partition_key for record in each.get_event_records(wanted, ascending=True)] == sorted(keys)
    assert log.get_records_for_run("run") == plain.get_records_for_run("run")
    assert log.get_event_records(wanted) == plain.get_event_records(wanted)
    assert log.get_asset_records([TRADES]) == plain.get_asset_records([TRADES])


def test_a_batch_stores_the_same_as_its_events_one_by_one(log: SqliteEventLog, tmp_path: Path) -> None:
    partitions = ["a", 'quoted " one', "Münze|€", None, "the partition of this event"]
    events = [intended(run, asset, each) for run in ("x", "y") for asset in ("b", "a") for each in partitions]
    events.insert(7, materialized("x", "a"))
    plain = SqliteEventLogStorage(str(tmp_path / "plain"))
    log.store_event_batch(events)
    plain.store_event_batch(events)
    for run in ("x", "y"):
        assert log.get_records_for_run(run) == plain.get_records_for_run(run)
    for asset in (dg.AssetKey(["a"]), dg.AssetKey(["b"]), TRADES):
        for kind in (DagsterEventType.ASSET_MATERIALIZATION_PLANNED, DagsterEventType.ASSET_MATERIALIZATION):
            wanted = dg.EventRecordsFilter(kind, asset_key=asset)
            assert log.get_event_records(wanted) == plain.get_event_records(wanted)
        assert log.get_asset_records([asset]) == plain.get_asset_records([asset])
