"""Long texts of events are packed in the files, and whoever reads them through the event log reads what was written."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterEventType, EventLogEntry
from dagster._core.events import DagsterEvent, StepMaterializationData
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from hypothesis import given
from hypothesis import strategies as st

from market_data.resources.event_text import MARK, packed, unpack_files, unpacked
from market_data.resources.sqlite_event_log import SqliteEventLog

TRADES = dg.AssetKey(["demo", "trades"])
CHECK = dg.AssetCheckKey(TRADES, "rows")


def entry(run_id: str, kind: DagsterEventType, data: object) -> EventLogEntry:
    event = DagsterEvent(kind.value, job_name="job", event_specific_data=data)  # pyright: ignore[reportArgumentType]
    return EventLogEntry(None, 10, "", run_id, time.time(), job_name="job", dagster_event=event)


def materialized(partition: str, words: str) -> EventLogEntry:
    told = dg.AssetMaterialization(TRADES, partition=partition, metadata={"words": words}, tags={"a": "b"})
    return entry("run", DagsterEventType.ASSET_MATERIALIZATION, StepMaterializationData(told))


def evaluated(partition: str, words: str) -> EventLogEntry:
    told = dg.AssetCheckEvaluation(TRADES, "rows", passed=True, partition=partition, metadata={"words": words})
    return entry("run", DagsterEventType.ASSET_CHECK_EVALUATION, told)


EVENTS = [
    materialized("short", "brief"),
    materialized("long", "many € words " * 1_000),
    materialized("odd", f'{MARK}"\\\0 ' + "\U0001f4c8" * 500),
    evaluated("long", "many words " * 1_000),
    evaluated("short", "brief"),
]


def told(storage: SqliteEventLogStorage) -> dict[str, object]:
    """All that a log says of the run's events."""
    return {
        "run": storage.get_records_for_run("run"),
        "materialized": storage.fetch_materializations(TRADES, limit=10),
        "checks": [each.event for each in storage.get_asset_check_execution_history(CHECK, limit=10)],
        "last check": storage.get_latest_asset_check_execution_by_key([CHECK])[CHECK].event,
        "asset": storage.get_asset_records([TRADES])[0].asset_entry.last_materialization_record,
        "tags": storage.get_event_tags_for_asset(TRADES),
    }


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteEventLog]:
    storage = SqliteEventLog(str(tmp_path / "runs"))
    for event in EVENTS:
        storage.store_event(event)
    yield storage
    storage.dispose()


@pytest.fixture
def plain(tmp_path: Path) -> SqliteEventLogStorage:
    storage = SqliteEventLogStorage(str(tmp_path / "plain"))
    for event in EVENTS:
        storage.store_event(event)
    return storage


def stored(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        return [text for (text,) in connection.execute("SELECT event FROM event_logs ORDER BY id")]


def test_what_is_packed_is_read_as_dagsters_own_log_reads_it(log: SqliteEventLog, plain: SqliteEventLogStorage) -> None:
    assert told(log) == told(plain)
    texts = stored(Path(log.path_for_shard("run")))
    assert [text.startswith(MARK) for text in texts] == [False, True, True, True, False]
    assert max(map(len, texts)) < 1_000


def test_texts_that_dagsters_own_class_wrote_are_read_beside_packed_ones(log: SqliteEventLog) -> None:
    SqliteEventLogStorage(str(Path(log.path_for_shard("run")).parent)).store_event(EVENTS[1])
    entries = [record.event_log_entry for record in log.get_records_for_run("run").records]
    assert entries == [*EVENTS, EVENTS[1]]


def test_unpacked_files_are_read_by_dagsters_own_class(log: SqliteEventLog, plain: SqliteEventLogStorage) -> None:
    folder = Path(log.path_for_shard("run")).parent
    log.dispose()
    unpack_files(folder)
    assert told(SqliteEventLogStorage(str(folder))) == told(plain)


@given(st.text())
def test_packing_loses_nothing(text: str) -> None:
    assert unpacked(packed(text).encode()) == text


def test_what_was_packed_by_the_first_dictionary_stays_readable() -> None:
    kept = "mdz1:eLu3xYHAo2adUVsLACWnGzA="
    assert unpacked(kept.encode()) == '{"__class__": "EventLogEntry", "dagster_event": {"__class__": "DagsterEvent"}}'
